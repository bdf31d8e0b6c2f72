-- Which volume claims were there, how large, of which storage class, from when to when?
-- in: kubernetes_series (raw)    out: spans of claims (usage.tables.INTERVAL)
--
-- For a build that looks for what belongs to an item that has news, a raw row r is about, from when to when:
--   about = r.query IN ('pvc_request', 'pvc_info', 'pvc_attached', 'namespace_annotations', 'namespace_labels')
--           OR (r.query = 'answered' AND r.resource_name IN ('pvc_request', 'pvc_attached'))
--   item = r.namespace || '/' || r.claim    (null: a context row)
--   first_time = r.first_time - CASE WHEN r.claim IS NULL THEN INTERVAL 24 HOUR ELSE INTERVAL 0 HOUR END
--   last_time = r.last_time + CASE WHEN r.claim IS NULL THEN INTERVAL 24 HOUR ELSE r.step_seconds seconds END
-- Samples, overlaps, labels and what was seen to be gone: as in pod_span. A claim is attached while a pod
-- names it, unattached where it was asked for and none did, and else only active.
WITH claim AS (
    SELECT
        resource, COALESCE(cluster, '') AS cluster, namespace, claim,
        CASE WHEN query = 'pvc_request' THEN 1 ELSE 2 END AS stream,
        -- that a pod names it counts, not how many do
        CASE WHEN query = 'pvc_request' THEN quantity ELSE 1 END AS quantity,
        step_seconds,
        EPOCH_US(first_time) AS starts,
        EPOCH_US(last_time) + step_seconds * 1000000 AS ends,
        batch_id, record
    FROM kubernetes_series AS k
    WHERE k.namespace IS NOT NULL AND k.claim IS NOT NULL
        AND ((k.query = 'pvc_request' AND k.quantity IS NOT NULL) OR (k.query = 'pvc_attached' AND k.quantity > 0))
),
claim_marked AS (
    SELECT
        *,
        CASE WHEN starts <= MAX(ends) OVER (
            PARTITION BY resource, cluster, namespace, claim, stream, quantity, step_seconds
            ORDER BY starts, ends ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) THEN 0 ELSE 1 END AS opens
    FROM claim
),
claim_numbered AS (
    SELECT
        *,
        SUM(opens) OVER (
            PARTITION BY resource, cluster, namespace, claim, stream, quantity, step_seconds
            ORDER BY starts, ends ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS island
    FROM claim_marked
),
request AS (
    SELECT
        resource, cluster, namespace, claim, stream, quantity, step_seconds,
        MIN(starts) AS starts, MAX(ends) AS ends
    FROM claim_numbered
    GROUP BY resource, cluster, namespace, claim, stream, quantity, step_seconds, island
),
-- What labels say of claims and namespaces; the namespace itself has the claim ''.
label_claim AS (
    SELECT
        resource, COALESCE(cluster, '') AS cluster, namespace,
        CASE WHEN query = 'pvc_info' THEN claim ELSE '' END AS claim,
        label, value,
        EPOCH_US(first_time) AS starts,
        EPOCH_US(last_time) + step_seconds * 1000000 AS ends
    FROM kubernetes_series AS k
    WHERE k.namespace IS NOT NULL AND k.value <> ''
        AND (
            (k.query = 'pvc_info' AND k.label = 'storage_class' AND k.claim IS NOT NULL)
            OR (k.query IN ('namespace_annotations', 'namespace_labels') AND k.label IN ('pi', 'user'))
        )
),
label_marked AS (
    SELECT
        *,
        CASE WHEN starts <= MAX(ends) OVER (
            PARTITION BY resource, cluster, namespace, claim, label, value
            ORDER BY starts, ends ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) THEN 0 ELSE 1 END AS opens
    FROM label_claim
),
label_numbered AS (
    SELECT
        *,
        SUM(opens) OVER (
            PARTITION BY resource, cluster, namespace, claim, label, value
            ORDER BY starts, ends ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS island
    FROM label_marked
),
label_said AS (
    SELECT resource, cluster, namespace, claim, label, value, MIN(starts) AS starts, MAX(ends) AS ends
    FROM label_numbered
    GROUP BY resource, cluster, namespace, claim, label, value, island
),
label_edge AS (
    SELECT DISTINCT
        s.resource, s.cluster, s.namespace, s.claim, s.label,
        CASE WHEN k.side = 'starts' THEN s.starts ELSE s.ends END AS edge
    FROM label_said AS s
    CROSS JOIN (VALUES ('starts'), ('ends')) AS k (side)
),
label_stretch AS (
    SELECT
        resource, cluster, namespace, claim, label, edge AS starts,
        LEAD(edge) OVER (PARTITION BY resource, cluster, namespace, claim, label ORDER BY edge) AS ends
    FROM label_edge
),
label_in_force AS (
    SELECT
        e.resource, e.cluster, e.namespace, e.claim, e.label, e.starts, e.ends,
        MAX(s.value) AS value
    FROM label_stretch AS e
    JOIN label_said AS s
        ON s.resource = e.resource AND s.cluster = e.cluster AND s.namespace = e.namespace
        AND s.claim = e.claim AND s.label = e.label AND s.starts <= e.starts AND e.ends <= s.ends
    GROUP BY e.resource, e.cluster, e.namespace, e.claim, e.label, e.starts, e.ends
),
label_piece AS (
    SELECT
        *,
        LAG(ends) OVER (PARTITION BY resource, cluster, namespace, claim, label ORDER BY starts) AS ended_before,
        LEAD(starts) OVER (PARTITION BY resource, cluster, namespace, claim, label ORDER BY starts) AS next_starts
    FROM label_in_force
),
label_timeline AS (
    SELECT
        resource, cluster, namespace, claim, label, value,
        -- 86400000000: a day
        CASE WHEN ended_before + 86400000000 >= starts THEN starts
            ELSE GREATEST(starts - 86400000000, COALESCE(ended_before + 86400000000, starts - 86400000000))
        END AS since,
        LEAST(ends + 86400000000, COALESCE(next_starts, ends + 86400000000)) AS until
    FROM label_piece
),
-- When it was asked which claims there are, and which pods name, as stretches that don't touch.
answered_claim AS (
    SELECT DISTINCT
        resource, COALESCE(cluster, '') AS cluster, resource_name AS asked_for,
        EPOCH_US(first_time) AS starts,
        EPOCH_US(last_time) + step_seconds * 1000000 AS ends
    FROM kubernetes_series
    WHERE query = 'answered' AND resource_name IN ('pvc_request', 'pvc_attached')
),
answered_marked AS (
    SELECT
        *,
        CASE WHEN starts <= MAX(ends) OVER (
            PARTITION BY resource, cluster, asked_for ORDER BY starts, ends
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) THEN 0 ELSE 1 END AS opens
    FROM answered_claim
),
answered_numbered AS (
    SELECT
        *,
        SUM(opens) OVER (
            PARTITION BY resource, cluster, asked_for ORDER BY starts, ends
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS island
    FROM answered_marked
),
answered AS (
    SELECT resource, cluster, asked_for, MIN(starts) AS starts, MAX(ends) AS ends
    FROM answered_numbered
    GROUP BY resource, cluster, asked_for, island
),
-- What may change a claim besides what is said of itself: labels of it and of its namespace, and asking.
other_change AS (
    SELECT DISTINCT
        t.resource, t.cluster, CASE WHEN t.claim = '' THEN 'namespace' ELSE 'claim' END AS of_what,
        t.namespace, t.claim, CASE WHEN k.side = 'since' THEN t.since ELSE t.until END AS moment
    FROM label_timeline AS t
    CROSS JOIN (VALUES ('since'), ('until')) AS k (side)
    UNION
    SELECT
        a.resource, a.cluster, 'asked' AS of_what, '' AS namespace, '' AS claim,
        CASE WHEN k.side = 'since' THEN a.starts ELSE a.ends END AS moment
    FROM answered AS a
    CROSS JOIN (VALUES ('since'), ('until')) AS k (side)
    WHERE a.asked_for = 'pvc_attached'
),
moment_of AS (
    SELECT
        r.resource, r.cluster, r.namespace, r.claim,
        CASE k.what WHEN 'starts' THEN r.starts WHEN 'ends' THEN r.ends ELSE t.moment END AS moment
    FROM request AS r
    CROSS JOIN (VALUES ('starts'), ('ends'), ('claim'), ('namespace'), ('asked')) AS k (what)
    LEFT JOIN other_change AS t
        ON t.resource = r.resource AND t.cluster = r.cluster AND t.of_what = k.what
        AND t.namespace = CASE k.what WHEN 'asked' THEN '' ELSE r.namespace END
        AND t.claim = CASE k.what WHEN 'claim' THEN r.claim ELSE '' END
        AND r.starts < t.moment AND t.moment < r.ends
),
edge AS (
    SELECT DISTINCT resource, cluster, namespace, claim, moment AS edge
    FROM moment_of
    WHERE moment IS NOT NULL
),
piece AS (
    SELECT
        resource, cluster, namespace, claim, edge AS starts,
        LEAD(edge) OVER (PARTITION BY resource, cluster, namespace, claim ORDER BY edge) AS ends
    FROM edge
),
in_force AS (
    SELECT
        p.resource, p.cluster, p.namespace, p.claim, p.starts, p.ends, r.stream, r.quantity,
        ROW_NUMBER() OVER (
            PARTITION BY p.resource, p.cluster, p.namespace, p.claim, p.starts, r.stream
            ORDER BY r.step_seconds, r.quantity DESC
        ) AS place
    FROM piece AS p
    JOIN request AS r
        ON r.resource = p.resource AND r.cluster = p.cluster AND r.namespace = p.namespace
        AND r.claim = p.claim AND r.starts <= p.starts AND p.ends <= r.ends
),
gathered AS (
    SELECT
        resource, cluster, namespace, claim, starts, ends,
        MAX(CASE WHEN stream = 1 THEN quantity END) AS space_bytes,
        MAX(CASE WHEN stream = 2 THEN 1 ELSE 0 END) AS is_named
    FROM in_force
    WHERE place = 1
    GROUP BY resource, cluster, namespace, claim, starts, ends
),
described AS (
    SELECT
        p.resource, p.cluster, p.namespace, p.claim, p.starts, p.ends, p.space_bytes,
        CASE WHEN p.is_named = 1 THEN 'attached' WHEN MAX(a.starts) IS NOT NULL THEN 'unattached'
            ELSE 'active' END AS state,
        MAX(CASE WHEN l.label = 'storage_class' THEN l.value END) AS class,
        MAX(CASE WHEN l.label = 'pi' THEN l.value END) AS pi,
        MAX(CASE WHEN l.label = 'user' THEN l.value END) AS user_name
    FROM gathered AS p
    LEFT JOIN label_timeline AS l
        ON l.resource = p.resource AND l.cluster = p.cluster AND l.namespace = p.namespace
        AND (l.claim = p.claim OR l.claim = '') AND l.since <= p.starts AND p.starts < l.until
    LEFT JOIN answered AS a
        ON a.resource = p.resource AND a.cluster = p.cluster AND a.asked_for = 'pvc_attached'
        AND a.starts <= p.starts AND p.starts < a.ends
    -- a pod may name a claim that isn't there
    WHERE p.space_bytes IS NOT NULL
    GROUP BY p.resource, p.cluster, p.namespace, p.claim, p.starts, p.ends, p.space_bytes, p.is_named
),
compared AS (
    SELECT
        *,
        CASE WHEN LAG(ends) OVER along = starts THEN 1 ELSE 0 END AS follows,
        CASE WHEN LEAD(starts) OVER along = ends THEN 1 ELSE 0 END AS is_followed,
        CASE WHEN LAG(ends) OVER along = starts
            AND LAG(space_bytes) OVER along = space_bytes
            AND LAG(state) OVER along = state
            AND COALESCE(LAG(class) OVER along, '') = COALESCE(class, '')
            AND COALESCE(LAG(pi) OVER along, '') = COALESCE(pi, '')
            AND COALESCE(LAG(user_name) OVER along, '') = COALESCE(user_name, '')
        THEN 0 ELSE 1 END AS opens
    FROM described
    WINDOW along AS (PARTITION BY resource, cluster, namespace, claim ORDER BY starts)
),
numbered AS (
    SELECT
        *,
        SUM(opens) OVER (
            PARTITION BY resource, cluster, namespace, claim
            ORDER BY starts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS number
    FROM compared
),
condensed AS (
    SELECT
        resource, cluster, namespace, claim, number,
        MIN(starts) AS starts, MAX(ends) AS ends,
        MAX(space_bytes) AS space_bytes, MAX(state) AS state, MAX(class) AS class,
        MAX(pi) AS pi, MAX(user_name) AS user_name,
        MAX(CASE WHEN opens = 1 THEN follows END) AS follows,
        MIN(is_followed) AS is_followed
    FROM numbered
    GROUP BY resource, cluster, namespace, claim, number
),
in_order AS (
    SELECT
        *,
        LEAD(number) OVER (PARTITION BY resource, cluster, namespace, claim ORDER BY number) AS next_number
    FROM condensed
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
        AND c.claim = s.claim AND c.stream = 1
        AND ((c.starts <= s.starts AND s.starts < c.ends) OR (c.starts < s.ends AND s.ends <= c.ends))
    LEFT JOIN answered AS a
        ON a.resource = s.resource AND a.cluster = s.cluster AND a.asked_for = 'pvc_request'
        AND s.next_number IS NULL AND a.starts < s.ends + 86400000000 AND s.ends < a.ends
),
-- Of several raw rows the first by name.
witness AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY resource, cluster, namespace, claim, number, tells_start ORDER BY batch_id, record
        ) AS start_place,
        ROW_NUMBER() OVER (
            PARTITION BY resource, cluster, namespace, claim, number, tells_end ORDER BY batch_id, record
        ) AS end_place
    FROM witnessed
),
closed AS (
    SELECT
        resource, cluster, namespace, claim, number, starts, ends, space_bytes, state, class, pi, user_name,
        follows, is_followed,
        CASE WHEN next_number IS NULL AND MAX(looked) IS NULL THEN 1 ELSE 0 END AS is_last,
        MAX(CASE WHEN tells_start = 1 AND start_place = 1 THEN batch_id END) AS opened_batch,
        MAX(CASE WHEN tells_start = 1 AND start_place = 1 THEN record END) AS opened_record,
        MAX(CASE WHEN tells_end = 1 AND end_place = 1 THEN batch_id END) AS closed_batch,
        MAX(CASE WHEN tells_end = 1 AND end_place = 1 THEN record END) AS closed_record
    FROM witness
    GROUP BY
        resource, cluster, namespace, claim, number, starts, ends, space_bytes, state, class, pi, user_name,
        follows, is_followed, next_number
)
SELECT
    s.resource,
    'claim' AS kind,
    s.namespace || '/' || s.claim AS item,
    s.claim AS name,
    s.namespace AS project_ref,
    s.namespace AS project_name,
    s.user_name AS user_ref,
    s.user_name AS user_name,
    NULLIF(s.cluster, '') AS domain,
    s.state,
    MAKE_TIMESTAMPTZ(s.starts) AS "start",
    MAKE_TIMESTAMPTZ(s.ends) AS "end",
    s.class,
    CAST(NULL AS BIGINT) AS vcpus,
    CAST(NULL AS BIGINT) AS memory_mib,
    CAST(NULL AS BIGINT) AS disk_gib,
    CAST(NULL AS BIGINT) AS gpus,
    CAST(NULL AS VARCHAR) AS gpu_model,
    CAST(NULL AS BIGINT) AS nodes,
    s.space_bytes,
    CAST(NULL AS BIGINT) AS files,
    CAST(NULL AS VARCHAR) AS host,
    CAST(NULL AS BIGINT) AS cpu_millis,
    s.pi AS group_name,
    CAST(NULL AS VARCHAR) AS qos,
    CAST(NULL AS VARCHAR) AS gpu_resource,
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
