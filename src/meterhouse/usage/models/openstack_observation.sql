-- What did polling OpenStack's APIs say about which item?
-- in: openstack_server, openstack_server_action, openstack_volume, openstack_volume_snapshot,
--     openstack_image, openstack_floating_ip, openstack_router, openstack_network, openstack_container
--     (raw), instance_action, instance_action_event (sources/openstack: tables of names)
-- out: item events. Row-local: each raw row gives its own events, whatever other rows say.
--
-- Nova's and the others' times are whole seconds, cut off. An observation is put at its whole second, too,
-- so that it stands before what was done within that second; actions of one second are kept in their
-- order by microseconds, which no count of whole seconds sees.
WITH action AS (
    SELECT
        a.resource,
        a.server_id AS item,
        a.server_name AS name,
        a.server_project_id AS project_ref,
        a.server_user_id AS user_ref,
        -- an action without events (lock, unlock) is what it is; else the event's own name counts
        CASE WHEN a.event IS NULL THEN n.event_name ELSE v.event_name END AS event_name,
        CASE WHEN a.event IS NULL THEN n.phases ELSE v.phases END AS phases,
        a.event IS NULL AS is_alone,
        a.start_time,
        a.event_start,
        a.event_finish,
        -- by its result and not by its name; and Nova calls a create a success that ended in an error:
        -- a server that was never launched was not created
        LOWER(a.event_result) = 'success'
            AND NOT (v.event_name = 'compute.instance.create' AND a.server_launched_at IS NULL) AS succeeded,
        LEAST(COALESCE(a.position, 0) * 2, 999998) AS place,
        a.flavor_name AS class,
        a.vcpus,
        a.memory_mb AS memory_mib,
        a.root_gb + COALESCE(a.ephemeral_gb, 0) AS disk_gib,
        a.event_host AS host,
        a.observed_at AS said_at,
        a.batch_id,
        a.record
    FROM openstack_server_action AS a
    LEFT JOIN instance_action AS n ON n.action = a.action
    LEFT JOIN instance_action_event AS v ON v.nova_event = a.event
),
acted AS (
    SELECT
        *,
        MAKE_TIMESTAMPTZ(EPOCH_US(event_start) + place) AS time,
        event_name || '.start' AS event
    FROM action
    WHERE phases = 'both' AND NOT is_alone AND event_start IS NOT NULL
    UNION ALL
    SELECT
        *,
        MAKE_TIMESTAMPTZ(EPOCH_US(event_finish) + place + 1) AS time,
        CASE WHEN NOT COALESCE(succeeded, FALSE) THEN event_name || '.error'
            WHEN phases = 'at_end' THEN event_name
            ELSE event_name || '.end' END AS event
    FROM action
    WHERE phases IN ('both', 'at_end') AND NOT is_alone AND event_finish IS NOT NULL
    UNION ALL
    SELECT
        *,
        MAKE_TIMESTAMPTZ(EPOCH_US(start_time) + place) AS time,
        event_name AS event
    FROM action
    WHERE phases = 'alone' AND is_alone AND start_time IS NOT NULL
),
-- Everything else: a thing as it was listed. Its state and size have held since it was last updated.
listed AS (
    SELECT
        resource, 'vm' AS kind, server_id AS item, name, project_id AS project_ref, user_id AS user_ref,
        LOWER(COALESCE(vm_state, status)) AS state_said,
        flavor_name AS class, vcpus, memory_mb AS memory_mib, root_gb + COALESCE(ephemeral_gb, 0) AS disk_gib,
        CAST(NULL AS BIGINT) AS space_bytes, CAST(NULL AS BIGINT) AS files, host,
        observed_at, CAST(NULL AS TIMESTAMPTZ) AS same_since, CAST(NULL AS VARCHAR) AS made_event,
        CAST(NULL AS TIMESTAMPTZ) AS made_at,
        CASE WHEN deleted THEN COALESCE(terminated_at, updated_at) END AS ended_at,
        observed_at AS said_at, batch_id, record
    FROM openstack_server
    UNION ALL
    SELECT
        resource, 'volume', volume_id, name, project_id, user_id,
        LOWER(status), volume_type, NULL, NULL, NULL, size_gib * 1073741824, NULL, NULL,
        observed_at, updated_at, 'volume.create.end', created_at, NULL, observed_at AS said_at, batch_id, record
    FROM openstack_volume
    UNION ALL
    SELECT
        resource, 'snapshot', snapshot_id, name, project_id, user_id,
        LOWER(status), NULL, NULL, NULL, NULL, size_gib * 1073741824, NULL, NULL,
        observed_at, updated_at, 'snapshot.create.end', created_at, NULL, observed_at AS said_at, batch_id, record
    FROM openstack_volume_snapshot
    UNION ALL
    SELECT
        resource, 'image', image_id, name, project_id, user_id,
        LOWER(status), NULL, NULL, NULL, NULL, size_bytes, NULL, NULL,
        observed_at, updated_at, 'image.create', created_at, NULL, observed_at AS said_at, batch_id, record
    FROM openstack_image
    UNION ALL
    SELECT
        resource, 'floating_ip', floating_ip_id, COALESCE(name, address), project_id, user_id,
        LOWER(status), NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        observed_at, NULL, 'floatingip.create.end', created_at, NULL, observed_at AS said_at, batch_id, record
    FROM openstack_floating_ip
    UNION ALL
    SELECT
        resource, 'router', router_id, name, project_id, user_id,
        LOWER(status), NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        observed_at, NULL, 'router.create.end', created_at, NULL, observed_at AS said_at, batch_id, record
    FROM openstack_router
    UNION ALL
    SELECT
        resource, 'network', network_id, name, project_id, user_id,
        LOWER(status), NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        observed_at, NULL, 'network.create.end', created_at, NULL, observed_at AS said_at, batch_id, record
    FROM openstack_network
    UNION ALL
    SELECT
        resource, 'container', container_id, name, project_id, user_id,
        'active', storage_policy, NULL, NULL, NULL, size_bytes, objects, NULL,
        observed_at, NULL, NULL, NULL, NULL, observed_at AS said_at, batch_id, record
    FROM openstack_container
),
seen AS (
    SELECT *, made_at AS time, made_event AS event FROM listed WHERE made_at IS NOT NULL
    UNION ALL
    SELECT *, same_since AS time, 'observed' AS event FROM listed WHERE same_since IS NOT NULL
    UNION ALL
    SELECT
        *, MAKE_TIMESTAMPTZ(EPOCH_US(observed_at) - EPOCH_US(observed_at) % 1000000) AS time, 'observed' AS event
    FROM listed
    UNION ALL
    SELECT *, ended_at AS time, 'compute.instance.delete.end' AS event FROM listed WHERE ended_at IS NOT NULL
)
SELECT
    resource, 'vm' AS kind, item, name, project_ref,
    CAST(NULL AS VARCHAR) AS project_name,
    user_ref,
    CAST(NULL AS VARCHAR) AS user_name,
    CAST(NULL AS VARCHAR) AS domain,
    time, event,
    CAST(NULL AS VARCHAR) AS state_said,
    class, vcpus, memory_mib, disk_gib,
    CAST(NULL AS BIGINT) AS gpus,
    CAST(NULL AS VARCHAR) AS gpu_model,
    CAST(NULL AS BIGINT) AS nodes,
    CAST(NULL AS BIGINT) AS space_bytes,
    CAST(NULL AS BIGINT) AS files,
    host, said_at, batch_id, record
FROM acted
UNION ALL
SELECT
    resource, kind, item, name, project_ref,
    CAST(NULL AS VARCHAR) AS project_name,
    user_ref,
    CAST(NULL AS VARCHAR) AS user_name,
    CAST(NULL AS VARCHAR) AS domain,
    time, event,
    -- what was made or has ended is in the state that the event says
    CASE WHEN event = 'observed' THEN state_said END AS state_said,
    class, vcpus, memory_mib, disk_gib,
    CAST(NULL AS BIGINT) AS gpus,
    CAST(NULL AS VARCHAR) AS gpu_model,
    CAST(NULL AS BIGINT) AS nodes,
    space_bytes, files,
    host, said_at, batch_id, record
FROM seen
