-- Which size had a VM when something was said that names none?
-- in: heard, event_rule, state_said, item_tail    out: size_said: for each such moment, the size before it
--
-- Nova's instance actions name no flavor; polling sees it between them. A size holds until another is said
-- by something that counts under the default rules: that is what item_tail remembers.
WITH hollow AS (
    SELECT DISTINCT resource, kind, item FROM heard WHERE kind = 'vm' AND vcpus IS NULL
),
told AS (
    SELECT
        h.*,
        CASE WHEN r.role = 'change' OR s.state_code IS NOT NULL THEN h.vcpus END AS vcpus_that_count,
        ROW_NUMBER() OVER (
            PARTITION BY h.resource, h.kind, h.item, h.time, h.event, h.host
            ORDER BY h.said_at, h.batch_id, h.record
        ) AS telling
    FROM heard AS h
    JOIN hollow AS o ON o.item = h.item AND o.kind = h.kind AND o.resource = h.resource
    LEFT JOIN event_rule AS r ON r.event = h.event AND r.rules = 'default'
    LEFT JOIN state_said AS s ON s.kind = h.kind AND s.said = h.state_said AND r.role = 'heartbeat'
),
said AS (
    SELECT
        CAST(1 AS BIGINT) AS is_new, resource, kind, item, time, event, host,
        class, vcpus, vcpus_that_count, memory_mib, disk_gib
    FROM told
    WHERE telling = 1
    UNION ALL
    SELECT
        CAST(0 AS BIGINT) AS is_new, t.resource, t.kind, t.item, t.time, t.event, t.host,
        t.class, t.vcpus, t.vcpus AS vcpus_that_count, t.memory_mib, t.disk_gib
    FROM item_tail AS t
    JOIN hollow AS o ON o.item = t.item AND o.kind = t.kind AND o.resource = t.resource
    WHERE t.rules = 'default'
),
placed AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY resource, kind, item
            ORDER BY is_new, time, event, host
        ) AS position
    FROM said
),
looked_back AS (
    SELECT
        *,
        MAX(CASE WHEN vcpus_that_count IS NOT NULL THEN position END) OVER (
            PARTITION BY resource, kind, item ORDER BY position
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS sized_position
    FROM placed
)
SELECT
    l.resource, l.kind, l.item, l.time, l.event, l.host, p.class, p.vcpus, p.memory_mib, p.disk_gib
FROM looked_back AS l
JOIN placed AS p
    ON p.resource = l.resource AND p.kind = l.kind AND p.item = l.item AND p.position = l.sized_position
WHERE l.is_new = 1 AND l.vcpus IS NULL
