-- Which pods ran where, with which requests, from when to when?
-- in: kubernetes_series (raw)    out: spans of pods (usage.tables.INTERVAL)
--
-- For a build that looks for what belongs to an item that has news, a raw row r is about, from when to when:
--   about = r.query IN ('pod_cpu_request', 'pod_memory_request', 'pod_gpu_request', 'pod_labels', 'node_labels',
--           'namespace_annotations', 'namespace_labels')
--           OR (r.query = 'answered' AND r.resource_name = 'pod_cpu_request')
--   item = r.namespace || '/' || r.pod || COALESCE('/' || r.uid, '')    (null: a context row)
--   first_time = r.first_time - CASE WHEN r.pod IS NULL THEN INTERVAL 24 HOUR ELSE INTERVAL 0 HOUR END
--   last_time = r.last_time + CASE WHEN r.pod IS NULL THEN INTERVAL 24 HOUR ELSE r.step_seconds seconds END
-- Context rows reach one day to both sides, and no row stands for more than a day.
--
-- A sample stands for the step that begins with it: a run of equal samples claims [first, last + step), half
-- open. Of claims that overlap with different content (told twice, or on two grids) the finer step counts,
-- then the larger quantity: what was said decides, never when it was recorded, so that windows may overlap,
-- come twice and in any order.
-- A label holds until another is said, for a day at most; before the first, what is said within a day.
-- Only pods that are scheduled have rows: the collector's queries leave out all others.
WITH claim AS (
    SELECT
        resource, COALESCE(cluster, '') AS cluster, namespace, pod, COALESCE(uid, '') AS uid,
        CASE query WHEN 'pod_cpu_request' THEN 1 WHEN 'pod_memory_request' THEN 2 ELSE 3 END AS stream,
        CASE WHEN query = 'pod_gpu_request' THEN COALESCE(resource_name, '') ELSE '' END AS gpu_resource,
        COALESCE(node, '') AS node, quantity, step_seconds,
        EPOCH_US(first_time) AS starts,
        EPOCH_US(last_time) + step_seconds * 1000000 AS ends,
        batch_id, record
    FROM kubernetes_series
    WHERE query IN ('pod_cpu_request', 'pod_memory_request', 'pod_gpu_request')
        AND namespace IS NOT NULL AND pod IS NOT NULL AND quantity IS NOT NULL
),
-- Claims of one content that touch become one, so that what follows grows with changes, not with readings.
claim_marked AS (
    SELECT
        *,
        CASE WHEN starts <= MAX(ends) OVER (
            PARTITION BY resource, cluster, namespace, pod, uid, stream, gpu_resource, node, quantity, step_seconds
            ORDER BY starts, ends ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) THEN 0 ELSE 1 END AS opens
    FROM claim
),
claim_numbered AS (
    SELECT
        *,
        SUM(opens) OVER (
            PARTITION BY resource, cluster, namespace, pod, uid, stream, gpu_resource, node, quantity, step_seconds
            ORDER BY starts, ends ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS island
    FROM claim_marked
),
request AS (
    SELECT
        resource, cluster, namespace, pod, uid, stream, gpu_resource, node, quantity, step_seconds,
        MIN(starts) AS starts, MAX(ends) AS ends
    FROM claim_numbered
    GROUP BY
        resource, cluster, namespace, pod, uid, stream, gpu_resource, node, quantity, step_seconds, island
),
-- What labels say of nodes, namespaces and pods: one timeline for each label of each of them.
label_claim AS (
    SELECT
        resource, COALESCE(cluster, '') AS cluster,
        CASE query WHEN 'node_labels' THEN 'node' WHEN 'pod_labels' THEN 'pod' ELSE 'namespace' END AS of_what,
        CASE query WHEN 'node_labels' THEN '' ELSE namespace END AS namespace,
        CASE query WHEN 'node_labels' THEN node WHEN 'pod_labels' THEN pod ELSE '' END AS name,
        CASE query WHEN 'pod_labels' THEN COALESCE(uid, '') ELSE '' END AS uid,
        label, value,
        EPOCH_US(first_time) AS starts,
        EPOCH_US(last_time) + step_seconds * 1000000 AS ends
    FROM kubernetes_series
    WHERE query IN ('node_labels', 'namespace_annotations', 'namespace_labels', 'pod_labels')
        AND label IN ('gpu_product', 'node_model', 'instance_type', 'pi', 'user', 'class')
        AND value <> ''
),
label_marked AS (
    SELECT
        *,
        CASE WHEN starts <= MAX(ends) OVER (
            PARTITION BY resource, cluster, of_what, namespace, name, uid, label, value
            ORDER BY starts, ends ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) THEN 0 ELSE 1 END AS opens
    FROM label_claim
    WHERE namespace IS NOT NULL AND name IS NOT NULL
),
label_numbered AS (
    SELECT
        *,
        SUM(opens) OVER (
            PARTITION BY resource, cluster, of_what, namespace, name, uid, label, value
            ORDER BY starts, ends ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS island
    FROM label_marked
),
label_said AS (
    SELECT
        resource, cluster, of_what, namespace, name, uid, label, value, MIN(starts) AS starts, MAX(ends) AS ends
    FROM label_numbered
    GROUP BY resource, cluster, of_what, namespace, name, uid, label, value, island
),
label_edge AS (
    SELECT DISTINCT
        s.resource, s.cluster, s.of_what, s.namespace, s.name, s.uid, s.label,
        CASE WHEN k.side = 'starts' THEN s.starts ELSE s.ends END AS edge
    FROM label_said AS s
    CROSS JOIN (VALUES ('starts'), ('ends')) AS k (side)
),
label_stretch AS (
    SELECT
        resource, cluster, of_what, namespace, name, uid, label, edge AS starts,
        LEAD(edge) OVER (
            PARTITION BY resource, cluster, of_what, namespace, name, uid, label ORDER BY edge
        ) AS ends
    FROM label_edge
),
label_in_force AS (
    SELECT
        e.resource, e.cluster, e.of_what, e.namespace, e.name, e.uid, e.label, e.starts, e.ends,
        MAX(s.value) AS value
    FROM label_stretch AS e
    JOIN label_said AS s
        ON s.resource = e.resource AND s.cluster = e.cluster AND s.of_what = e.of_what
        AND s.namespace = e.namespace AND s.name = e.name AND s.uid = e.uid AND s.label = e.label
        AND s.starts <= e.starts AND e.ends <= s.ends
    GROUP BY e.resource, e.cluster, e.of_what, e.namespace, e.name, e.uid, e.label, e.starts, e.ends
),
label_piece AS (
    SELECT
        *,
        LAG(ends) OVER (
            PARTITION BY resource, cluster, of_what, namespace, name, uid, label ORDER BY starts
        ) AS ended_before,
        LEAD(starts) OVER (
            PARTITION BY resource, cluster, of_what, namespace, name, uid, label ORDER BY starts
        ) AS next_starts
    FROM label_in_force
),
label_timeline AS (
    SELECT
        resource, cluster, of_what, namespace, name, uid, label, value,
        -- 86400000000: a day
        CASE WHEN ended_before + 86400000000 >= starts THEN starts
            ELSE GREATEST(starts - 86400000000, COALESCE(ended_before + 86400000000, starts - 86400000000))
        END AS since,
        LEAST(ends + 86400000000, COALESCE(next_starts, ends + 86400000000)) AS until
    FROM label_piece
),
label_change AS (
    SELECT DISTINCT
        t.resource, t.cluster, t.of_what, t.namespace, t.name, t.uid,
        CASE WHEN k.side = 'since' THEN t.since ELSE t.until END AS moment
    FROM label_timeline AS t
    CROSS JOIN (VALUES ('since'), ('until')) AS k (side)
),
-- Every moment at which something of a pod may change; between two of them nothing does.
moment_of AS (
    SELECT
        r.resource, r.cluster, r.namespace, r.pod, r.uid,
        CASE k.what WHEN 'starts' THEN r.starts WHEN 'ends' THEN r.ends ELSE t.moment END AS moment
    FROM request AS r
    CROSS JOIN (VALUES ('starts'), ('ends'), ('node'), ('namespace'), ('pod')) AS k (what)
    LEFT JOIN label_change AS t
        ON t.resource = r.resource AND t.cluster = r.cluster AND t.of_what = k.what
        AND t.namespace = CASE k.what WHEN 'node' THEN '' ELSE r.namespace END
        AND t.name = CASE k.what WHEN 'node' THEN r.node WHEN 'pod' THEN r.pod ELSE '' END
        AND t.uid = CASE k.what WHEN 'pod' THEN r.uid ELSE '' END
        AND r.starts < t.moment AND t.moment < r.ends
),
edge AS (
    SELECT DISTINCT resource, cluster, namespace, pod, uid, moment AS edge
    FROM moment_of
    WHERE moment IS NOT NULL
),
piece AS (
    SELECT
        resource, cluster, namespace, pod, uid, edge AS starts,
        LEAD(edge) OVER (PARTITION BY resource, cluster, namespace, pod, uid ORDER BY edge) AS ends
    FROM edge
),
in_force AS (
    SELECT
        p.resource, p.cluster, p.namespace, p.pod, p.uid, p.starts, p.ends,
        r.stream, r.gpu_resource, r.node, r.quantity,
        ROW_NUMBER() OVER (
            PARTITION BY p.resource, p.cluster, p.namespace, p.pod, p.uid, p.starts, r.stream, r.gpu_resource
            ORDER BY r.step_seconds, r.quantity DESC, r.node DESC
        ) AS place
    FROM piece AS p
    JOIN request AS r
        ON r.resource = p.resource AND r.cluster = p.cluster AND r.namespace = p.namespace
        AND r.pod = p.pod AND r.uid = p.uid AND r.starts <= p.starts AND p.ends <= r.ends
),
-- A pod's requests side by side. What isn't requested is none: queries that failed leave no rows at all.
gathered AS (
    SELECT
        resource, cluster, namespace, pod, uid, starts, ends,
        COALESCE(MAX(CASE WHEN stream = 1 THEN quantity END), 0) AS cpu_micros,
        COALESCE(MAX(CASE WHEN stream = 2 THEN quantity END), 0) AS memory_bytes,
        CAST(COALESCE(SUM(CASE WHEN stream = 3 THEN quantity END), 0) AS BIGINT) AS gpus,
        MIN(CASE WHEN stream = 3 THEN gpu_resource END) AS gpu_resource,
        MAX(CASE WHEN stream = 3 THEN gpu_resource END) AS other_gpu_resource,
        -- the node that gives GPUs, else the one that gives cores, else memory; '' is the least
        MAX(CASE WHEN stream = 3 THEN node END) AS gpu_node,
        MAX(CASE WHEN stream = 1 THEN node END) AS cpu_node,
        MAX(CASE WHEN stream = 2 THEN node END) AS memory_node
    FROM in_force
    WHERE place = 1
    GROUP BY resource, cluster, namespace, pod, uid, starts, ends
),
placed AS (
    SELECT
        resource, cluster, namespace, pod, uid, starts, ends, gpus,
        (cpu_micros + 500) // 1000 AS cpu_millis,
        (memory_bytes + 524288) // 1048576 AS memory_mib,
        CASE WHEN gpu_resource = other_gpu_resource THEN gpu_resource
            ELSE gpu_resource || ',' || other_gpu_resource END AS gpu_resource,
        COALESCE(NULLIF(gpu_node, ''), NULLIF(cpu_node, ''), NULLIF(memory_node, '')) AS node
    FROM gathered
),
-- The same, with what labels said at that time.
described AS (
    SELECT
        p.resource, p.cluster, p.namespace, p.pod, p.uid, p.starts, p.ends,
        p.cpu_millis, p.memory_mib, p.gpus, p.gpu_resource, p.node,
        -- recorded files say with the pod what else is said of its node
        CASE WHEN p.gpu_resource IS NOT NULL THEN COALESCE(
            MAX(CASE WHEN t.of_what = 'pod' AND t.label = 'gpu_product' THEN t.value END),
            MAX(CASE WHEN t.of_what = 'node' AND t.label = 'gpu_product' THEN t.value END)
        ) END AS gpu_model,
        COALESCE(
            MAX(CASE WHEN t.of_what = 'pod' AND t.label = 'node_model' THEN t.value END),
            MAX(CASE WHEN t.of_what = 'node' AND t.label = 'node_model' THEN t.value END)
        ) AS node_model,
        MAX(CASE WHEN t.of_what = 'node' AND t.label = 'instance_type' THEN t.value END) AS instance_type,
        MAX(CASE WHEN t.of_what = 'namespace' AND t.label = 'pi' THEN t.value END) AS pi,
        MAX(CASE WHEN t.of_what = 'namespace' AND t.label = 'user' THEN t.value END) AS user_name,
        MAX(CASE WHEN t.of_what = 'pod' AND t.label = 'class' THEN t.value END) AS pod_class
    FROM placed AS p
    CROSS JOIN (VALUES ('node'), ('namespace'), ('pod')) AS k (what)
    LEFT JOIN label_timeline AS t
        ON t.resource = p.resource AND t.cluster = p.cluster AND t.of_what = k.what
        AND t.namespace = CASE k.what WHEN 'node' THEN '' ELSE p.namespace END
        AND t.name = CASE k.what WHEN 'node' THEN p.node WHEN 'pod' THEN p.pod ELSE '' END
        AND t.uid = CASE k.what WHEN 'pod' THEN p.uid ELSE '' END
        AND t.since <= p.starts AND p.starts < t.until
    GROUP BY
        p.resource, p.cluster, p.namespace, p.pod, p.uid, p.starts, p.ends,
        p.cpu_millis, p.memory_mib, p.gpus, p.gpu_resource, p.node
),
compared AS (
    SELECT
        *,
        CASE WHEN LAG(ends) OVER along = starts THEN 1 ELSE 0 END AS follows,
        CASE WHEN LEAD(starts) OVER along = ends THEN 1 ELSE 0 END AS is_followed,
        CASE WHEN LAG(ends) OVER along = starts
            AND LAG(cpu_millis) OVER along = cpu_millis
            AND LAG(memory_mib) OVER along = memory_mib
            AND LAG(gpus) OVER along = gpus
            AND COALESCE(LAG(gpu_resource) OVER along, '') = COALESCE(gpu_resource, '')
            AND COALESCE(LAG(gpu_model) OVER along, '') = COALESCE(gpu_model, '')
            AND COALESCE(LAG(node_model) OVER along, '') = COALESCE(node_model, '')
            AND COALESCE(LAG(instance_type) OVER along, '') = COALESCE(instance_type, '')
            AND COALESCE(LAG(pi) OVER along, '') = COALESCE(pi, '')
            AND COALESCE(LAG(user_name) OVER along, '') = COALESCE(user_name, '')
            AND COALESCE(LAG(pod_class) OVER along, '') = COALESCE(pod_class, '')
        THEN 0 ELSE 1 END AS opens
    FROM described
    WINDOW along AS (PARTITION BY resource, cluster, namespace, pod, uid ORDER BY starts)
),
numbered AS (
    SELECT
        *,
        SUM(opens) OVER (
            PARTITION BY resource, cluster, namespace, pod, uid
            ORDER BY starts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS number
    FROM compared
),
condensed AS (
    SELECT
        resource, cluster, namespace, pod, uid, number,
        MIN(starts) AS starts, MAX(ends) AS ends,
        MAX(cpu_millis) AS cpu_millis, MAX(memory_mib) AS memory_mib, MAX(gpus) AS gpus,
        MAX(gpu_resource) AS gpu_resource, MAX(gpu_model) AS gpu_model,
        COALESCE(MAX(node_model), MAX(instance_type)) AS node_class,
        MAX(pi) AS pi, MAX(user_name) AS user_name, MAX(pod_class) AS pod_class,
        -- where it began: moving between nodes of one model doesn't split
        MAX(CASE WHEN opens = 1 THEN node END) AS node,
        MAX(CASE WHEN opens = 1 THEN follows END) AS follows,
        MIN(is_followed) AS is_followed
    FROM numbered
    GROUP BY resource, cluster, namespace, pod, uid, number
),
in_order AS (
    SELECT
        *,
        LEAD(number) OVER (PARTITION BY resource, cluster, namespace, pod, uid ORDER BY number) AS next_number
    FROM condensed
),
-- When somebody looked: within a day after a pod's last sample, it was seen to be gone.
answered_claim AS (
    SELECT DISTINCT
        resource, COALESCE(cluster, '') AS cluster,
        EPOCH_US(first_time) AS starts,
        EPOCH_US(last_time) + step_seconds * 1000000 AS ends
    FROM kubernetes_series
    WHERE query = 'answered' AND resource_name = 'pod_cpu_request'
),
answered_marked AS (
    SELECT
        *,
        CASE WHEN starts <= MAX(ends) OVER (
            PARTITION BY resource, cluster ORDER BY starts, ends
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) THEN 0 ELSE 1 END AS opens
    FROM answered_claim
),
answered_numbered AS (
    SELECT
        *,
        SUM(opens) OVER (
            PARTITION BY resource, cluster ORDER BY starts, ends
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS island
    FROM answered_marked
),
answered AS (
    SELECT resource, cluster, MIN(starts) AS starts, MAX(ends) AS ends
    FROM answered_numbered
    GROUP BY resource, cluster, island
),
-- Each span with the raw rows in which it begins and ends, and when somebody looked after it.
witnessed AS (
    SELECT
        s.*, c.batch_id, c.record, a.starts AS looked,
        CASE WHEN c.starts <= s.starts AND s.starts < c.ends THEN 1 ELSE 0 END AS tells_start,
        CASE WHEN c.starts < s.ends AND s.ends <= c.ends THEN 1 ELSE 0 END AS tells_end
    FROM in_order AS s
    JOIN claim AS c
        ON c.resource = s.resource AND c.cluster = s.cluster AND c.namespace = s.namespace
        AND c.pod = s.pod AND c.uid = s.uid
        AND ((c.starts <= s.starts AND s.starts < c.ends) OR (c.starts < s.ends AND s.ends <= c.ends))
    LEFT JOIN answered AS a
        ON a.resource = s.resource AND a.cluster = s.cluster AND s.next_number IS NULL
        AND a.starts < s.ends + 86400000000 AND s.ends < a.ends
),
-- Of several raw rows the first by name.
witness AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY resource, cluster, namespace, pod, uid, number, tells_start ORDER BY batch_id, record
        ) AS start_place,
        ROW_NUMBER() OVER (
            PARTITION BY resource, cluster, namespace, pod, uid, number, tells_end ORDER BY batch_id, record
        ) AS end_place
    FROM witnessed
),
closed AS (
    SELECT
        resource, cluster, namespace, pod, uid, number, starts, ends, cpu_millis, memory_mib, gpus,
        gpu_resource, gpu_model, node_class, pi, user_name, pod_class, node, follows, is_followed,
        CASE WHEN next_number IS NULL AND MAX(looked) IS NULL THEN 1 ELSE 0 END AS is_last,
        MAX(CASE WHEN tells_start = 1 AND start_place = 1 THEN batch_id END) AS opened_batch,
        MAX(CASE WHEN tells_start = 1 AND start_place = 1 THEN record END) AS opened_record,
        MAX(CASE WHEN tells_end = 1 AND end_place = 1 THEN batch_id END) AS closed_batch,
        MAX(CASE WHEN tells_end = 1 AND end_place = 1 THEN record END) AS closed_record
    FROM witness
    GROUP BY
        resource, cluster, namespace, pod, uid, number, starts, ends, cpu_millis, memory_mib, gpus,
        gpu_resource, gpu_model, node_class, pi, user_name, pod_class, node, follows, is_followed, next_number
)
SELECT
    s.resource,
    'pod' AS kind,
    s.namespace || '/' || s.pod || CASE WHEN s.uid = '' THEN '' ELSE '/' || s.uid END AS item,
    s.pod AS name,
    s.namespace AS project_ref,
    s.namespace AS project_name,
    s.user_name AS user_ref,
    s.user_name AS user_name,
    NULLIF(s.cluster, '') AS domain,
    'active' AS state,
    MAKE_TIMESTAMPTZ(s.starts) AS "start",
    MAKE_TIMESTAMPTZ(s.ends) AS "end",
    s.node_class AS class,
    CASE WHEN s.cpu_millis % 1000 = 0 THEN s.cpu_millis // 1000 END AS vcpus,
    s.memory_mib,
    CAST(NULL AS BIGINT) AS disk_gib,
    s.gpus,
    s.gpu_model,
    CAST(1 AS BIGINT) AS nodes,
    CAST(NULL AS BIGINT) AS space_bytes,
    CAST(NULL AS BIGINT) AS files,
    s.node AS host,
    s.cpu_millis,
    s.pi AS group_name,
    s.pod_class AS qos,
    s.gpu_resource,
    CAST(NULL AS TIMESTAMPTZ) AS submitted,
    CAST(NULL AS BIGINT) AS run_seconds,
    CAST(NULL AS BIGINT) AS cpu_used_millis,
    CAST(NULL AS BIGINT) AS memory_peak_mib,
    CAST(NULL AS BIGINT) AS time_limit_seconds,
    CASE WHEN s.follows = 1 THEN 'changed' ELSE 'seen' END AS opened_by,
    CASE WHEN s.is_followed = 1 THEN 'changed' WHEN s.is_last = 0 THEN 'gone' END AS closed_by,
    CAST(1 - s.follows AS BIGINT) AS begins,
    CASE WHEN s.is_followed = 1 OR s.is_last = 1 THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END AS ceases,
    s.is_last = 1 AS is_last,
    s.opened_batch,
    s.opened_record,
    s.closed_batch,
    s.closed_record
FROM closed AS s
