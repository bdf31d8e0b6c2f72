-- What did OpenStack's events (files and notifications) say about which item?
-- in: openstack_event (raw), event_vocabulary    out: item events
-- An event outside the vocabulary changes no state; it stays in the raw table.
SELECT
    e.resource,
    v.kind,
    CASE WHEN v.kind = 'vm' THEN e.instance_id ELSE e.resource_id END AS item,
    COALESCE(e.display_name, e.name) AS name,
    e.project_id AS project_ref,
    e.project_name,
    e.user_id AS user_ref,
    e.user_name,
    e.domain,
    e.generated AS time,
    e.event_type AS event,
    LOWER(CASE WHEN v.kind = 'vm' THEN e.state ELSE e.status END) AS state_said,
    CASE WHEN v.kind = 'vm' THEN e.instance_type ELSE e.type END AS class,
    e.vcpus,
    e.memory_mb AS memory_mib,
    e.disk_gb AS disk_gib,
    CAST(NULL AS BIGINT) AS gpus,
    CAST(NULL AS VARCHAR) AS gpu_model,
    CAST(NULL AS BIGINT) AS nodes,
    -- Cinder says GiB, Glance says bytes
    CASE WHEN v.kind IN ('volume', 'snapshot') THEN e.size * 1073741824
         WHEN v.kind = 'image' THEN e.size END AS space_bytes,
    CAST(NULL AS BIGINT) AS files,
    e.host,
    e.generated AS said_at,
    e.batch_id,
    e.record
FROM openstack_event AS e
JOIN event_vocabulary AS v ON v.event = e.event_type
WHERE CASE WHEN v.kind = 'vm' THEN e.instance_id ELSE e.resource_id END IS NOT NULL
