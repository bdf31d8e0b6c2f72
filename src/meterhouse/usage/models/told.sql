-- What is known of each item: what was heard now, and where earlier builds left it?
-- in: heard, size_said, item_tail    out: one row a thing said, with a number of its own
--
-- The walk (`transition`) carries numbers only; what else was said is looked up here by event_number, which is
-- negative for what is remembered.
-- A tail is two things said: what opened the item's newest span, with the state that it turned out to have,
-- opens it again; what was last heard never opens anything.
SELECT
    h.event_number, h.item_number,
    CAST(NULL AS VARCHAR) AS rules, CAST(NULL AS VARCHAR) AS splits, CAST(NULL AS BIGINT) AS reopens,
    CAST(NULL AS BIGINT) AS order_key, CAST(NULL AS BIGINT) AS state_code,
    CAST(NULL AS BIGINT) AS carried_begins,
    h.resource, h.kind, h.item, h.name, h.project_ref, h.project_name, h.user_ref, h.user_name, h.domain,
    h.time, h.event, h.state_said,
    COALESCE(h.class, z.class) AS class, COALESCE(h.vcpus, z.vcpus) AS vcpus,
    COALESCE(h.memory_mib, z.memory_mib) AS memory_mib, COALESCE(h.disk_gib, z.disk_gib) AS disk_gib,
    h.gpus, h.gpu_model, h.nodes, h.space_bytes, h.files, h.host, h.said_at, h.batch_id, h.record
FROM heard AS h
LEFT JOIN size_said AS z ON z.event_number = h.event_number
UNION ALL
SELECT
    -1 - tail_number * 2 AS event_number, item_number,
    rules, 'always' AS splits, reopens, order_key, state_code, begins AS carried_begins,
    resource, kind, item, name, project_ref, project_name, user_ref, user_name, domain,
    "start" AS time, opened_by AS event, NULL AS state_said,
    class, vcpus, memory_mib, disk_gib, gpus, gpu_model, nodes, space_bytes, files, host,
    CAST(NULL AS TIMESTAMPTZ) AS said_at, opened_batch AS batch_id, opened_record AS record
FROM item_tail
UNION ALL
SELECT
    -2 - tail_number * 2 AS event_number, item_number,
    rules, 'never' AS splits, CAST(0 AS BIGINT) AS reopens, last_key AS order_key, state_code,
    NULL AS carried_begins,
    resource, kind, item, name, last_project_ref AS project_ref, project_name, user_ref, user_name, domain,
    "end" AS time, last_event AS event, NULL AS state_said,
    last_class AS class, last_vcpus AS vcpus, last_memory_mib AS memory_mib, last_disk_gib AS disk_gib,
    gpus, gpu_model, nodes, last_space_bytes AS space_bytes, files, host,
    CAST(NULL AS TIMESTAMPTZ) AS said_at, closed_batch AS batch_id, closed_record AS record
FROM item_tail
WHERE last_key IS NOT NULL
