-- When did an item change its state or size, and until when does that last?
-- in: heard, size_said, event_rule, state_said, item_tail    out: one row a transition
--
-- One walk over each item's events, for every rule set at once (XDMoD cloud semantics, "Session rules"):
--   a change opens a new span: always, or only when state, size or owner differ, as its rule says;
--   a heartbeat proves that the item goes on, and opens a span where its rule says so: 'after_stop'
--   (Open XDMoD: only when the change before it was a stop), or 'on_difference'.
-- order_key packs time and precedence into one integer. With the state packed behind it, a running
-- maximum is the last known state: no engine needs IGNORE NULLS for it. Fits 63 bits until 2112.
-- `place` puts events that share an order_key in the order of their states, so that the running maximum is
-- the state of the last of them. No order depends on when something was recorded, only on what was said.
-- item_tail holds where earlier builds left each item; it is empty when everything is built at once.
WITH repeated AS (
    SELECT resource, kind, item, time, event, host FROM heard
    GROUP BY resource, kind, item, time, event, host
    HAVING COUNT(*) > 1
),
told AS (
    SELECT h.*, CAST(1 AS BIGINT) AS telling
    FROM heard AS h
    WHERE NOT EXISTS (
        SELECT 1 FROM repeated AS r
        WHERE r.item = h.item AND r.time = h.time AND r.event = h.event AND r.kind = h.kind
            AND r.resource = h.resource AND r.host IS NOT DISTINCT FROM h.host
    )
    UNION ALL
    -- Told twice, it is one event: it counts as it was told first
    SELECT
        h.*,
        ROW_NUMBER() OVER (
            PARTITION BY h.resource, h.kind, h.item, h.time, h.event, h.host
            ORDER BY h.said_at, h.batch_id, h.record
        ) AS telling
    FROM heard AS h
    JOIN repeated AS r
        ON r.item = h.item AND r.time = h.time AND r.event = h.event AND r.kind = h.kind
        AND r.resource = h.resource AND r.host IS NOT DISTINCT FROM h.host
),
ruled AS (
    SELECT
        r.rules, r.splits, r.reopens, e.time, e.event,
        EPOCH_US(e.time) * 128 + r.precedence AS order_key,
        COALESCE(CASE WHEN r.state = 'said' THEN s.state_code ELSE r.state_code END, 0) AS place,
        CASE WHEN r.state = 'said' THEN s.state_code ELSE r.state_code END AS state_code,
        CAST(NULL AS BIGINT) AS carried_begins,
        e.resource, e.kind, e.item, e.name,
        e.project_ref, e.project_name, e.user_ref, e.user_name, e.domain,
        COALESCE(e.class, z.class) AS class, COALESCE(e.vcpus, z.vcpus) AS vcpus,
        COALESCE(e.memory_mib, z.memory_mib) AS memory_mib, COALESCE(e.disk_gib, z.disk_gib) AS disk_gib,
        e.gpus, e.gpu_model, e.nodes, e.space_bytes, e.files,
        e.host, e.said_at, e.batch_id, e.record
    FROM told AS e
    JOIN event_rule AS r ON r.event = e.event
    LEFT JOIN state_said AS s ON s.kind = e.kind AND s.said = e.state_said
    LEFT JOIN size_said AS z
        ON z.item = e.item AND z.time = e.time AND z.event = e.event AND z.kind = e.kind
        AND z.resource = e.resource AND z.host IS NOT DISTINCT FROM e.host AND e.vcpus IS NULL
    -- a heartbeat counts only with a state that we can read; for Open XDMoD, only with the word `active`;
    -- and it knows VMs only
    WHERE e.telling = 1
        AND (r.role = 'change' OR (s.state_code IS NOT NULL AND (r.state = 'said' OR e.state_said = r.state)))
        AND (r.rules <> 'xdmod' OR e.kind = 'vm')
    UNION ALL
    SELECT
        t.rules, t.splits, t.reopens, t.time, t.event, t.order_key,
        CASE WHEN t.splits = 'always' THEN -2 ELSE -1 END AS place, t.state_code, t.carried_begins,
        t.resource, t.kind, t.item, t.name,
        t.project_ref, t.project_name, t.user_ref, t.user_name, t.domain,
        t.class, t.vcpus, t.memory_mib, t.disk_gib, t.gpus, t.gpu_model, t.nodes, t.space_bytes, t.files,
        t.host, t.said_at, t.batch_id, t.record
    FROM item_tail AS t
),
walked AS (
    SELECT
        *,
        LAG(order_key) OVER so_far AS previous_key,
        LAG(reopens) OVER so_far AS previous_reopens,
        LAG(project_ref) OVER so_far AS previous_project,
        LAG(class) OVER so_far AS previous_class,
        LAG(vcpus) OVER so_far AS previous_vcpus,
        LAG(memory_mib) OVER so_far AS previous_memory,
        LAG(disk_gib) OVER so_far AS previous_disk,
        LAG(space_bytes) OVER so_far AS previous_space,
        LEAD(order_key) OVER so_far AS following_key,
        MAX(order_key * 16 + state_code) OVER (
            PARTITION BY rules, resource, kind, item ORDER BY order_key, place, host, event
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS previous_state
    FROM ruled
    WINDOW so_far AS (
        PARTITION BY rules, resource, kind, item ORDER BY order_key, place, host, event
    )
),
kept AS (
    SELECT
        *,
        CASE
            WHEN previous_key IS NULL THEN TRUE
            WHEN splits = 'always' THEN TRUE
            WHEN splits = 'after_stop' THEN previous_reopens = 1
            WHEN splits = 'never' THEN FALSE
            -- what isn't said is no difference; what is said where nothing was said before is one
            ELSE COALESCE(state_code <> COALESCE(previous_state % 16, 1), FALSE)
                OR COALESCE(project_ref <> previous_project, project_ref IS NOT NULL)
                OR COALESCE(class <> previous_class, class IS NOT NULL)
                OR COALESCE(vcpus <> previous_vcpus, vcpus IS NOT NULL)
                OR COALESCE(memory_mib <> previous_memory, memory_mib IS NOT NULL)
                OR COALESCE(disk_gib <> previous_disk, disk_gib IS NOT NULL)
                OR COALESCE(space_bytes <> previous_space, space_bytes IS NOT NULL)
        END AS opens
    FROM walked
),
chained AS (
    SELECT
        *,
        MAX(CASE WHEN opens THEN order_key * 16 + state_code END) OVER (
            PARTITION BY rules, resource, kind, item ORDER BY order_key, place, host, event
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS state_before,
        LEAD(time) OVER onward AS next_time,
        LEAD(opens) OVER onward AS next_opens,
        LEAD(event) OVER onward AS next_event,
        LEAD(state_code) OVER onward AS next_state_code,
        LEAD(order_key) OVER onward AS next_key,
        LEAD(project_ref) OVER onward AS next_project,
        LEAD(class) OVER onward AS next_class,
        LEAD(vcpus) OVER onward AS next_vcpus,
        LEAD(memory_mib) OVER onward AS next_memory,
        LEAD(disk_gib) OVER onward AS next_disk,
        LEAD(space_bytes) OVER onward AS next_space,
        LEAD(said_at) OVER onward AS next_said_at,
        LEAD(batch_id) OVER onward AS next_batch_id,
        LEAD(record) OVER onward AS next_record
    FROM kept
    WHERE opens OR following_key IS NULL -- what opens a span, and the last that was heard of the item
    WINDOW onward AS (
        PARTITION BY rules, resource, kind, item ORDER BY order_key, place, host, event
    )
),
opened AS (
    SELECT
        *,
        -- 'same' takes the state of the span before it; with none before it, unknown. For Open XDMoD there is
        -- none after a delete either
        COALESCE(
            state_code, CASE WHEN rules <> 'xdmod' OR state_before % 16 <> 0 THEN state_before % 16 END, 1
        ) AS opened_state,
        COALESCE(next_opens, FALSE) AS is_closed
    FROM chained
    WHERE opens
)
SELECT
    *,
    -- running begins where it was not running before; for Open XDMoD with every active session but one
    -- that a confirmed resize opened. An item that goes on from its tail began as that says.
    CASE
        WHEN opened_state <> 4 THEN 0
        WHEN carried_begins IS NOT NULL THEN carried_begins
        WHEN rules = 'xdmod' THEN CASE WHEN event = 'compute.instance.resize.confirm.end' THEN 0 ELSE 1 END
        WHEN COALESCE(state_before % 16, 0) = 4 THEN 0
        ELSE 1 END AS begins
FROM opened
