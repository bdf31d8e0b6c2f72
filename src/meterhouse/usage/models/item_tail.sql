-- Where does this build leave each item, for the next build to go on from?
-- in: transition    out: tails (usage.tables.ITEM_TAIL): the newest opening, and the last heard of it
--
-- The first row opens the item's newest span again, with the state that it turned out to have; the
-- second never opens anything: it holds the moment until which there is evidence, and what was said then.
WITH newest AS (
    SELECT * FROM transition WHERE NOT is_closed
)
SELECT
    rules, 'always' AS splits, reopens, time, event, order_key, opened_state AS state_code,
    begins AS carried_begins,
    resource, kind, item, name, project_ref, project_name, user_ref, user_name, domain,
    class, vcpus, memory_mib, disk_gib, gpus, gpu_model, nodes, space_bytes, files, host,
    said_at, batch_id, record
FROM newest
UNION ALL
SELECT
    rules, 'never' AS splits, CAST(0 AS BIGINT) AS reopens, next_time AS time, next_event AS event,
    next_key AS order_key, opened_state AS state_code, CAST(NULL AS BIGINT) AS carried_begins,
    resource, kind, item, name, next_project AS project_ref, project_name, user_ref, user_name, domain,
    next_class AS class, next_vcpus AS vcpus, next_memory AS memory_mib, next_disk AS disk_gib,
    gpus, gpu_model, nodes, next_space AS space_bytes, files, host,
    next_said_at AS said_at, next_batch_id AS batch_id, next_record AS record
FROM newest
WHERE next_time IS NOT NULL
