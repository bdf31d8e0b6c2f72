-- In which state and size was an item, from when to when, and where does this build leave it?
-- in: transition, told, state
-- out: spans (usage.tables.SPAN), what the next build needs beyond the newest of them (ITEM_TAIL), numbers
--
-- What is gone (state_code 0) has no span. It is left somewhere, too: its newest row says when it went.
SELECT
    t.rules, e.resource, e.kind, e.item, e.name,
    e.project_ref, e.project_name, e.user_ref, e.user_name, e.domain,
    -- Open XDMoD leaves out what has no known flavor or no cores ("Session rules", Excluded)
    CASE WHEN t.rules = 'xdmod'
            AND (e.class IS NULL OR e.memory_mib IS NULL OR COALESCE(e.vcpus, 0) = 0) THEN 'unknown'
        ELSE s.state END AS state,
    e.time AS "start",
    COALESCE(n.time, e.time) AS "end",
    e.class, e.vcpus, e.memory_mib, e.disk_gib, e.gpus, e.gpu_model, e.nodes, e.space_bytes, e.files, e.host,
    e.vcpus * 1000 AS cpu_millis,
    CAST(NULL AS VARCHAR) AS group_name, CAST(NULL AS VARCHAR) AS qos, CAST(NULL AS VARCHAR) AS gpu_resource,
    CAST(NULL AS TIMESTAMPTZ) AS submitted,
    CAST(NULL AS BIGINT) AS run_seconds,
    CAST(NULL AS BIGINT) AS cpu_used_millis,
    CAST(NULL AS BIGINT) AS memory_peak_mib,
    CAST(NULL AS BIGINT) AS time_limit_seconds,
    e.event AS opened_by,
    CASE WHEN t.is_closed THEN n.event END AS closed_by,
    t.begins,
    t.ceases,
    NOT t.is_closed AS is_last,
    e.batch_id AS opened_batch,
    e.record AS opened_record,
    CASE WHEN n.time IS NULL THEN e.batch_id ELSE n.batch_id END AS closed_batch,
    CASE WHEN n.time IS NULL THEN e.record ELSE n.record END AS closed_record,
    t.reopens, t.order_key, t.opened_state AS state_code, n.event AS last_event, t.next_key AS last_key,
    n.project_ref AS last_project_ref, n.class AS last_class, n.vcpus AS last_vcpus,
    n.memory_mib AS last_memory_mib, n.disk_gib AS last_disk_gib, n.space_bytes AS last_space_bytes,
    t.event_number, t.item_number
FROM transition AS t
JOIN state AS s ON s.state_code = t.opened_state
JOIN told AS e ON e.event_number = t.event_number
LEFT JOIN told AS n ON n.event_number = t.next_event_number
WHERE t.opened_state <> 0 OR NOT t.is_closed
