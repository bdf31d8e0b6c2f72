-- How much did these spans use on each site day, by whom, in which state and size?
-- in: signed_span, calendar    out: entries of daily usage, which add up with those of earlier builds
--
-- Seconds are counted between whole seconds (the floor of both ends), so that the parts of a span
-- always add up to the span. A span touches every day from that of its start to that of its end.
-- `sign` is 1, or -1 for a span that a later build takes back; days before `count_from` are left
-- out, where both would cancel.
WITH part AS (
    SELECT
        s.*,
        c.day,
        EPOCH_US(LEAST(s."end", c.day_end)) // 1000000
            - EPOCH_US(GREATEST(s."start", c.day_start)) // 1000000 AS seconds,
        CASE WHEN s."start" >= c.day_start THEN 1 ELSE 0 END AS starts_here,
        CASE WHEN s."end" < c.day_end THEN 1 ELSE 0 END AS ends_here
    FROM signed_span AS s
    JOIN calendar AS c ON s.count_from < c.day_end AND s."end" >= c.day_start
)
SELECT
    rules, day, resource, kind, state, project_ref, project_name, user_ref, user_name, domain, class,
    vcpus, memory_mib, disk_gib, gpus, gpu_model, space_bytes,
    CAST(SUM(sign * seconds) AS BIGINT) AS wall_seconds,
    CAST(SUM(sign * starts_here * begins) AS BIGINT) AS begun,
    CAST(SUM(sign * ends_here * ceases) AS BIGINT) AS ceased,
    CAST(SUM(sign) AS BIGINT) AS spans
FROM part
GROUP BY
    rules, day, resource, kind, state, project_ref, project_name, user_ref, user_name, domain, class,
    vcpus, memory_mib, disk_gib, gpus, gpu_model, space_bytes
