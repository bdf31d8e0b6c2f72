-- In which state and size was an item, from when to when?
-- in: transition, state    out: spans (usage.tables.SPAN)
SELECT
    t.rules, t.resource, t.kind, t.item, t.name,
    t.project_ref, t.project_name, t.user_ref, t.user_name, t.domain,
    -- Open XDMoD leaves out what has no known flavor or no cores ("Session rules", Excluded)
    CASE WHEN t.rules = 'xdmod'
            AND (t.class IS NULL OR t.memory_mib IS NULL OR COALESCE(t.vcpus, 0) = 0) THEN 'unknown'
        ELSE s.state END AS state,
    t.time AS "start",
    COALESCE(t.next_time, t.time) AS "end",
    t.class, t.vcpus, t.memory_mib, t.disk_gib, t.gpus, t.gpu_model, t.nodes, t.space_bytes, t.files, t.host,
    t.vcpus * 1000 AS cpu_millis,
    CAST(NULL AS VARCHAR) AS group_name, CAST(NULL AS VARCHAR) AS qos, CAST(NULL AS VARCHAR) AS gpu_resource,
    CAST(NULL AS TIMESTAMPTZ) AS submitted,
    CAST(NULL AS BIGINT) AS run_seconds,
    CAST(NULL AS BIGINT) AS cpu_used_millis,
    CAST(NULL AS BIGINT) AS memory_peak_mib,
    CAST(NULL AS BIGINT) AS time_limit_seconds,
    t.event AS opened_by,
    CASE WHEN t.is_closed THEN t.next_event END AS closed_by,
    t.begins,
    -- running ceases where it goes on in another state; for Open XDMoD with every active session but one
    -- that a confirmed resize closed, whether stopped or not heard of any more
    CASE WHEN t.opened_state <> 4 THEN 0
        WHEN t.rules = 'xdmod' THEN
            CASE WHEN t.is_closed AND t.next_event = 'compute.instance.resize.confirm.end' THEN 0 ELSE 1 END
        WHEN t.is_closed AND COALESCE(t.next_state_code, 4) <> 4 THEN 1
        ELSE 0 END AS ceases,
    NOT t.is_closed AS is_last,
    t.batch_id AS opened_batch,
    t.record AS opened_record,
    CASE WHEN t.next_time IS NULL THEN t.batch_id ELSE t.next_batch_id END AS closed_batch,
    CASE WHEN t.next_time IS NULL THEN t.record ELSE t.next_record END AS closed_record
FROM transition AS t
JOIN state AS s ON s.state_code = t.opened_state
WHERE t.opened_state <> 0
