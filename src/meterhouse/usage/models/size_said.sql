-- Which size had a VM when something was said that names none?
-- in: heard, event_rule, state_said, item_tail    out: size_said: for each such event, the size before it
--
-- Nova's instance actions name no flavor; polling sees it between them. A size holds until another is said
-- by something that counts under the default rules: that is what item_tail remembers.
WITH hollow AS (
    SELECT DISTINCT item_number FROM heard WHERE kind = 'vm' AND vcpus IS NULL
),
told AS (
    SELECT
        h.*,
        CASE WHEN r.role = 'change' OR s.state_code IS NOT NULL THEN h.vcpus END AS vcpus_that_count,
        ROW_NUMBER() OVER (
            PARTITION BY h.item_number, h.time, h.event, h.host
            ORDER BY h.said_at, h.batch_id, h.record, h.event_number
        ) AS telling
    FROM heard AS h
    JOIN hollow AS o ON o.item_number = h.item_number
    LEFT JOIN event_rule AS r ON r.event = h.event AND r.rules = 'default'
    LEFT JOIN state_said AS s ON s.kind = h.kind AND s.said = h.state_said AND r.role = 'heartbeat'
),
said AS (
    SELECT
        CAST(1 AS BIGINT) AS is_new, event_number, item_number, time, event, host,
        class, vcpus, vcpus_that_count, memory_mib, disk_gib
    FROM told
    WHERE telling = 1
    UNION ALL
    SELECT
        CAST(0 AS BIGINT) AS is_new, CAST(NULL AS BIGINT) AS event_number, t.item_number, t."start" AS time,
        t.opened_by AS event, t.host,
        t.class, t.vcpus, t.vcpus AS vcpus_that_count, t.memory_mib, t.disk_gib
    FROM item_tail AS t
    JOIN hollow AS o ON o.item_number = t.item_number
    WHERE t.rules = 'default'
    UNION ALL
    SELECT
        CAST(0 AS BIGINT) AS is_new, CAST(NULL AS BIGINT) AS event_number, t.item_number,
        t."end" AS time, t.last_event AS event, t.host,
        t.last_class AS class, t.last_vcpus AS vcpus, t.last_vcpus AS vcpus_that_count,
        t.last_memory_mib AS memory_mib, t.last_disk_gib AS disk_gib
    FROM item_tail AS t
    JOIN hollow AS o ON o.item_number = t.item_number
    WHERE t.rules = 'default' AND t.last_key IS NOT NULL
),
placed AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY item_number ORDER BY is_new, time, event, host) AS position
    FROM said
),
looked_back AS (
    SELECT
        *,
        MAX(CASE WHEN vcpus_that_count IS NOT NULL THEN position END) OVER (
            PARTITION BY item_number ORDER BY position
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS sized_position
    FROM placed
)
SELECT l.event_number, p.class, p.vcpus, p.memory_mib, p.disk_gib
FROM looked_back AS l
JOIN placed AS p ON p.item_number = l.item_number AND p.position = l.sized_position
WHERE l.is_new = 1 AND l.vcpus IS NULL
