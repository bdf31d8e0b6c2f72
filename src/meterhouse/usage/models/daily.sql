-- How much was used on each site day, by whom, in which state and size?
-- in: span (with `sign`), calendar    out: daily usage: exact integers that add up
--
-- Seconds are counted between whole seconds (floor of both ends), so that parts of a span always add
-- up to the span. A span touches every day from that of its start to that of its end.
-- `sign` is 1; an incremental build takes spans back with -1.
WITH part AS (
    SELECT
        s.*, c.day,
        CAST(EPOCH(DATE_TRUNC('second', LEAST(s."end", c.day_end))) AS BIGINT)
            - CAST(EPOCH(DATE_TRUNC('second', GREATEST(s."start", c.day_start))) AS BIGINT) AS seconds,
        CASE WHEN s."start" >= c.day_start THEN 1 ELSE 0 END AS starts_here,
        CASE WHEN s."end" < c.day_end THEN 1 ELSE 0 END AS ends_here
    FROM span AS s
    JOIN calendar AS c ON s."start" < c.day_end AND s."end" >= c.day_start
)
SELECT
    rules, day, resource, kind, state, project_ref, project_name, user_ref, user_name, domain, class,
    vcpus, memory_mib, disk_gib, gpus, gpu_model, space_bytes,
    CAST(SUM(sign * seconds) AS BIGINT) AS wall_seconds,
    CAST(SUM(sign * seconds * COALESCE(vcpus, 0)) AS BIGINT) AS core_seconds,
    CAST(SUM(sign * starts_here * begins) AS BIGINT) AS begun,
    CAST(SUM(sign * ends_here * ceases) AS BIGINT) AS ceased,
    CAST(SUM(sign) AS BIGINT) AS spans
FROM part
GROUP BY rules, day, resource, kind, state, project_ref, project_name, user_ref, user_name, domain, class,
    vcpus, memory_mib, disk_gib, gpus, gpu_model, space_bytes
HAVING SUM(sign) <> 0
