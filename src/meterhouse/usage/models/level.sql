-- How full, how busy was an item on each site day?
-- in: sample, sampled_span, calendar    out: levels (usage.tables.LEVEL), one row an item, measure and day
--
-- A sample told twice counts once, as it was told last. Where a sample doesn't say whose it is or what was
-- reserved, the span says it in which the item was at that moment. Where samples tell all that there is, as a
-- scan of a file system does, the last telling of the day counts alone.
WITH told AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY resource, kind, item, measure, time
            ORDER BY COALESCE(EPOCH_US(said_at), 0) DESC, value DESC, batch_id, record
        ) AS telling
    FROM sample
),
whole AS (
    SELECT s.resource, s.kind, s.class, s.measure, c.day, MAX(s.time) AS time
    FROM sample AS s
    JOIN calendar AS c ON s.time >= c.day_start AND s.time < c.day_end
    WHERE s.is_whole
    GROUP BY s.resource, s.kind, s.class, s.measure, c.day
),
placed AS (
    SELECT
        t.resource, t.kind, t.item,
        COALESCE(t.name, s.name) AS name,
        COALESCE(t.project_ref, s.project_ref) AS project_ref,
        COALESCE(t.project_name, s.project_name) AS project_name,
        COALESCE(t.user_ref, s.user_ref) AS user_ref,
        COALESCE(t.user_name, s.user_name) AS user_name,
        COALESCE(t.domain, s.domain) AS domain,
        COALESCE(t.class, s.class) AS class,
        COALESCE(t.group_name, s.group_name) AS group_name,
        t.measure, c.day, t.time, t.weight, t.value,
        COALESCE(
            t."limit",
            CASE
                WHEN t.measure = 'cpu_used_micros' THEN s.cpu_millis * 1000
                WHEN t.measure = 'memory_used_bytes' THEN s.memory_mib * 1048576
                WHEN t.measure = 'used_bytes' AND t.kind = 'claim' THEN s.space_bytes
            END
        ) AS bound
    FROM told AS t
    JOIN calendar AS c ON t.time >= c.day_start AND t.time < c.day_end
    LEFT JOIN whole AS w
        ON w.resource = t.resource AND w.kind = t.kind AND w.class = t.class AND w.measure = t.measure
        AND w.day = c.day
    LEFT JOIN sampled_span AS s
        ON s.item = t.item AND s.kind = t.kind AND s.resource = t.resource
        AND s."start" <= t.time AND t.time < s."end"
    WHERE t.telling = 1 AND (w.day IS NULL OR (t.is_whole AND t.time = w.time))
),
ordered AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY
                resource, kind, item, name, project_ref, project_name, user_ref, user_name, domain, class,
                group_name, measure, day
            ORDER BY time DESC
        ) AS newest
    FROM placed
)
SELECT
    resource, kind, item, name, project_ref, project_name, user_ref, user_name, domain, class, group_name,
    measure, day,
    CAST(COUNT(*) AS BIGINT) AS samples,
    CAST(SUM(weight) AS BIGINT) AS weight,
    CAST(SUM(CAST(value AS DECIMAL(19, 0)) * CAST(weight AS DECIMAL(9, 0))) AS DECIMAL(38, 0)) AS total,
    CAST(SUM(CAST(bound AS DECIMAL(19, 0)) * CAST(weight AS DECIMAL(9, 0))) AS DECIMAL(38, 0)) AS limited,
    MAX(value) AS maximum,
    MIN(value) AS minimum,
    MAX(CASE WHEN newest = 1 THEN value END) AS last,
    MAX(time) AS last_time
FROM ordered
GROUP BY
    resource, kind, item, name, project_ref, project_name, user_ref, user_name, domain, class, group_name,
    measure, day
