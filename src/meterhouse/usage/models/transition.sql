-- When did an item change its state or size, and until when does that last?
-- in: heard, told, event_rule, state_said
-- out: one row a transition: the numbers in `told` of what opened it and of what came next, and its state
--
-- One walk over each item's events, for every rule set at once (XDMoD cloud semantics, "Session rules"):
--   a change opens a new span: always, or only when state, size or owner differ, as its rule says;
--   a heartbeat proves that the item goes on, and opens a span where its rule says so: 'after_stop'
--   (Open XDMoD: only when the change before it was a stop), or 'on_difference'.
-- order_key packs time and precedence into one integer. With the state packed behind it, a running
-- maximum is the last known state: no engine needs IGNORE NULLS for it. Fits 63 bits until 2112.
-- `tie` puts events that share an order_key in the order of their states, so that the running maximum is
-- the state of the last of them, then of hosts (none comes last) and of events. No order depends on when
-- something was recorded, only on what was said. Tails come before all that was heard now.
WITH repeated AS (
    SELECT item_number, time, event, host FROM heard
    GROUP BY item_number, time, event, host
    HAVING COUNT(*) > 1
),
retold AS (
    -- Told twice, it is one event: it counts as it was told first
    SELECT
        e.event_number,
        ROW_NUMBER() OVER (
            PARTITION BY e.item_number, e.time, e.event, e.host
            ORDER BY e.said_at, e.batch_id, e.record, e.event_number
        ) AS telling
    FROM heard AS e
    JOIN repeated AS r
        ON r.item_number = e.item_number AND r.time = e.time AND r.event = e.event
        AND r.host IS NOT DISTINCT FROM e.host
),
host AS (
    SELECT host, ROW_NUMBER() OVER (ORDER BY host) AS host_number
    FROM (SELECT DISTINCT host FROM heard WHERE host IS NOT NULL) AS seen
),
rule AS (
    SELECT *, DENSE_RANK() OVER (ORDER BY event) AS word FROM event_rule
),
ruled AS (
    SELECT
        r.rules, r.splits, r.reopens, e.event_number, e.item_number,
        EPOCH_US(e.time) * 128 + r.precedence AS order_key,
        (2 + COALESCE(CASE WHEN r.state = 'said' THEN s.state_code ELSE r.state_code END, 0)) * 1099511627776
            + COALESCE(h.host_number, 1073741823) * 1024 + r.word AS tie,
        CASE WHEN r.state = 'said' THEN s.state_code ELSE r.state_code END AS state_code,
        CASE WHEN e.event = 'compute.instance.resize.confirm.end' THEN 1 ELSE 0 END AS confirms_resize,
        CAST(NULL AS BIGINT) AS carried_begins,
        e.project_ref, e.class, e.vcpus, e.memory_mib, e.disk_gib, e.space_bytes
    FROM told AS e
    JOIN rule AS r ON r.event = e.event
    LEFT JOIN host AS h ON h.host = e.host
    LEFT JOIN state_said AS s ON s.kind = e.kind AND s.said = e.state_said
    -- a heartbeat counts only with a state that we can read; for Open XDMoD, only with the word `active`;
    -- and it knows VMs only
    WHERE e.rules IS NULL
        AND (r.role = 'change' OR (s.state_code IS NOT NULL AND (r.state = 'said' OR e.state_said = r.state)))
        AND (r.rules <> 'xdmod' OR e.kind = 'vm')
        AND NOT EXISTS (SELECT 1 FROM retold AS o WHERE o.event_number = e.event_number AND o.telling > 1)
    UNION ALL
    SELECT
        rules, splits, reopens, event_number, item_number, order_key,
        CASE WHEN splits = 'always' THEN 0 ELSE 1 END AS tie, state_code,
        CASE WHEN event = 'compute.instance.resize.confirm.end' THEN 1 ELSE 0 END AS confirms_resize,
        carried_begins,
        project_ref, class, vcpus, memory_mib, disk_gib, space_bytes
    FROM told
    WHERE rules IS NOT NULL
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
            PARTITION BY rules, item_number ORDER BY order_key, tie
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS previous_state
    FROM ruled
    WINDOW so_far AS (PARTITION BY rules, item_number ORDER BY order_key, tie)
),
kept AS (
    SELECT
        rules, reopens, event_number, item_number, order_key, tie, state_code, confirms_resize, carried_begins,
        following_key,
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
            PARTITION BY rules, item_number ORDER BY order_key, tie
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS state_before,
        LEAD(opens) OVER onward AS next_opens,
        LEAD(event_number) OVER onward AS next_event_number,
        LEAD(order_key) OVER onward AS next_key,
        LEAD(state_code) OVER onward AS next_state_code,
        LEAD(confirms_resize) OVER onward AS next_confirms_resize
    FROM kept
    WHERE opens OR following_key IS NULL -- what opens a span, and the last that was heard of the item
    WINDOW onward AS (PARTITION BY rules, item_number ORDER BY order_key, tie)
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
    rules, item_number, event_number, next_event_number, order_key, next_key, reopens, opened_state, is_closed,
    -- running begins where it was not running before; for Open XDMoD with every active session but one
    -- that a confirmed resize opened. An item that goes on from its tail began as that says.
    CASE
        WHEN opened_state <> 4 THEN 0
        WHEN carried_begins IS NOT NULL THEN carried_begins
        WHEN rules = 'xdmod' THEN 1 - confirms_resize
        WHEN COALESCE(state_before % 16, 0) = 4 THEN 0
        ELSE 1 END AS begins,
    -- running ceases where it goes on in another state; for Open XDMoD with every active session but one
    -- that a confirmed resize closed, whether stopped or not heard of any more
    CASE
        WHEN opened_state <> 4 THEN 0
        WHEN rules = 'xdmod' THEN CASE WHEN is_closed THEN 1 - next_confirms_resize ELSE 1 END
        WHEN is_closed AND COALESCE(next_state_code, 4) <> 4 THEN 1
        ELSE 0 END AS ceases
FROM opened
