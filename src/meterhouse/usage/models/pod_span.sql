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
    SELECT resource, cluster, of_what, namespace, name, uid, label, starts AS edge FROM label_said
    UNION
    SELECT resource, cluster, of_what, namespace, name, uid, label, ends AS edge FROM label_said
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
    SELECT DISTINCT resource, cluster, of_what, namespace, name, uid, since AS moment FROM label_timeline
    UNION
    SELECT DISTINCT resource, cluster, of_what, namespace, name, uid, until AS moment FROM label_timeline
),
-- Every moment at which something of a pod may change; between two of them nothing does.
edge AS (
    SELECT resource, cluster, namespace, pod, uid, starts AS edge FROM request
    UNION
    SELECT resource, cluster, namespace, pod, uid, ends AS edge FROM request
    UNION
    SELECT r.resource, r.cluster, r.namespace, r.pod, r.uid, t.moment AS edge
    FROM request AS r
    JOIN label_change AS t
        ON t.resource = r.resource AND t.cluster = r.cluster AND t.of_what = 'node' AND t.name = r.node
        AND r.starts < t.moment AND t.moment < r.ends
    UNION
    SELECT r.resource, r.cluster, r.namespace, r.pod, r.uid, t.moment AS edge
    FROM request AS r
    JOIN label_change AS t
        ON t.resource = r.resource AND t.cluster = r.cluster AND t.of_what = 'namespace'
        AND t.namespace = r.namespace AND r.starts < t.moment AND t.moment < r.ends
    UNION
    SELECT r.resource, r.cluster, r.namespace, r.pod, r.uid, t.moment AS edge
    FROM request AS r
    JOIN label_change AS t
        ON t.resource = r.resource AND t.cluster = r.cluster AND t.of_what = 'pod'
        AND t.namespace = r.namespace AND t.name = r.pod AND t.uid = r.uid
        AND r.starts < t.moment AND t.moment < r.ends
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
            MAX(CASE WHEN d.label = 'gpu_product' THEN d.value END),
            MAX(CASE WHEN n.label = 'gpu_product' THEN n.value END)
        ) END AS gpu_model,
        COALESCE(
            MAX(CASE WHEN d.label = 'node_model' THEN d.value END),
            MAX(CASE WHEN n.label = 'node_model' THEN n.value END)
        ) AS node_model,
        MAX(CASE WHEN n.label = 'instance_type' THEN n.value END) AS instance_type,
        MAX(CASE WHEN s.label = 'pi' THEN s.value END) AS pi,
        MAX(CASE WHEN s.label = 'user' THEN s.value END) AS user_name,
        MAX(CASE WHEN d.label = 'class' THEN d.value END) AS pod_class
    FROM placed AS p
    LEFT JOIN label_timeline AS n
        ON n.resource = p.resource AND n.cluster = p.cluster AND n.of_what = 'node' AND n.name = p.node
        AND n.since <= p.starts AND p.starts < n.until
    LEFT JOIN label_timeline AS s
        ON s.resource = p.resource AND s.cluster = p.cluster AND s.of_what = 'namespace'
        AND s.namespace = p.namespace AND s.since <= p.starts AND p.starts < s.until
    LEFT JOIN label_timeline AS d
        ON d.resource = p.resource AND d.cluster = p.cluster AND d.of_what = 'pod'
        AND d.namespace = p.namespace AND d.name = p.pod AND d.uid = p.uid
        AND d.since <= p.starts AND p.starts < d.until
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
newest AS (
    SELECT resource, cluster, namespace, pod, uid, MAX(number) AS number
    FROM numbered
    GROUP BY resource, cluster, namespace, pod, uid
),
-- When somebody looked: within a day after a pod's last sample, it was seen to be gone.
answered AS (
    SELECT DISTINCT
        resource, COALESCE(cluster, '') AS cluster,
        EPOCH_US(first_time) AS starts,
        EPOCH_US(last_time) + step_seconds * 1000000 AS ends
    FROM kubernetes_series
    WHERE query = 'answered' AND resource_name = 'pod_cpu_request'
),
seen_gone AS (
    SELECT DISTINCT n.resource, n.cluster, n.ends
    FROM (
        SELECT DISTINCT c.resource, c.cluster, c.ends
        FROM condensed AS c
        JOIN newest AS n
            ON n.resource = c.resource AND n.cluster = c.cluster AND n.namespace = c.namespace
            AND n.pod = c.pod AND n.uid = c.uid AND n.number = c.number
    ) AS n
    JOIN answered AS a
        ON a.resource = n.resource AND a.cluster = n.cluster
        AND a.starts < n.ends + 86400000000 AND n.ends < a.ends
),
closed AS (
    SELECT
        c.*,
        CASE WHEN n.number IS NOT NULL AND g.ends IS NULL THEN 1 ELSE 0 END AS is_last
    FROM condensed AS c
    LEFT JOIN newest AS n
        ON n.resource = c.resource AND n.cluster = c.cluster AND n.namespace = c.namespace
        AND n.pod = c.pod AND n.uid = c.uid AND n.number = c.number
    LEFT JOIN seen_gone AS g ON g.resource = c.resource AND g.cluster = c.cluster AND g.ends = c.ends
),
-- The raw rows in which a span begins and in which it ends; of several the first by name.
opening AS (
    SELECT
        s.resource, s.cluster, s.namespace, s.pod, s.uid, s.number, c.batch_id, c.record,
        ROW_NUMBER() OVER (
            PARTITION BY s.resource, s.cluster, s.namespace, s.pod, s.uid, s.number ORDER BY c.batch_id, c.record
        ) AS place
    FROM closed AS s
    JOIN claim AS c
        ON c.resource = s.resource AND c.cluster = s.cluster AND c.namespace = s.namespace
        AND c.pod = s.pod AND c.uid = s.uid AND c.starts <= s.starts AND s.starts < c.ends
),
closing AS (
    SELECT
        s.resource, s.cluster, s.namespace, s.pod, s.uid, s.number, c.batch_id, c.record,
        ROW_NUMBER() OVER (
            PARTITION BY s.resource, s.cluster, s.namespace, s.pod, s.uid, s.number ORDER BY c.batch_id, c.record
        ) AS place
    FROM closed AS s
    JOIN claim AS c
        ON c.resource = s.resource AND c.cluster = s.cluster AND c.namespace = s.namespace
        AND c.pod = s.pod AND c.uid = s.uid AND c.starts < s.ends AND s.ends <= c.ends
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
    o.batch_id AS opened_batch,
    o.record AS opened_record,
    e.batch_id AS closed_batch,
    e.record AS closed_record
FROM closed AS s
JOIN opening AS o
    ON o.resource = s.resource AND o.cluster = s.cluster AND o.namespace = s.namespace
    AND o.pod = s.pod AND o.uid = s.uid AND o.number = s.number AND o.place = 1
JOIN closing AS e
    ON e.resource = s.resource AND e.cluster = s.cluster AND e.namespace = s.namespace
    AND e.pod = s.pod AND e.uid = s.uid AND e.number = s.number AND e.place = 1
