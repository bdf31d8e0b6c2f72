-- What did a generic cloud's events say about which VM?
-- in: generic_cloud_event (raw), generic_event_name    out: item events
SELECT
    e.resource,
    'vm' AS kind,
    e.instance_id AS item,
    CAST(NULL AS VARCHAR) AS name,
    e.account AS project_ref,
    e.account AS project_name,
    e."user" AS user_ref,
    e."user" AS user_name,
    CAST(NULL AS VARCHAR) AS domain,
    e.event_time AS time,
    n.event,
    -- a STATE_REPORT says no state: the VM was there
    CASE WHEN n.event = 'compute.instance.exists' THEN 'active' END AS state_said,
    e.instance_type AS class,
    e.cpu AS vcpus,
    e.memory AS memory_mib,
    e.disk AS disk_gib,
    CAST(NULL AS BIGINT) AS gpus,
    CAST(NULL AS VARCHAR) AS gpu_model,
    CAST(NULL AS BIGINT) AS nodes,
    CAST(NULL AS BIGINT) AS space_bytes,
    CAST(NULL AS BIGINT) AS files,
    e.node_controller AS host,
    e.event_time AS said_at,
    e.batch_id,
    e.record
FROM generic_cloud_event AS e
JOIN generic_event_name AS n ON n.generic = e.event_type
WHERE e.instance_id IS NOT NULL
