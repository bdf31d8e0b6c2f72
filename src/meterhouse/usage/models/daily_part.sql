-- How much did these spans use on each site day, by whom, in which state and size?
-- in: signed_span, calendar    out: entries of daily usage, which add up with those of earlier builds
--
-- Seconds are counted between whole seconds (the floor of both ends), so that the parts of a span
-- always add up to the span. A span touches every day from that of its start to that of its end.
-- `sign` is 1, or -1 for a span that a later build takes back; days before `count_from` are left
-- out, where both would cancel. A span that an earlier build counted until `counted_until`, and that only goes
-- on, is counted from there; that it had ceased there (`ceased_before`) is taken back.
-- What is known only of a span as a whole (the time that it ran without suspension, the CPU time that it
-- used) is spread evenly: until a moment, the share of the seconds until then, rounded down. So the days'
-- shares add up to the whole.
WITH part AS (
    SELECT
        s.*,
        c.day,
        EPOCH_US(s."end") // 1000000 - EPOCH_US(s."start") // 1000000 AS whole,
        EPOCH_US(GREATEST(s."start", c.day_start, COALESCE(s.counted_until, s."start"))) // 1000000
            - EPOCH_US(s."start") // 1000000 AS before,
        EPOCH_US(LEAST(s."end", c.day_end)) // 1000000 - EPOCH_US(s."start") // 1000000 AS until,
        CASE WHEN s."start" >= c.day_start AND s.counted_until IS NULL THEN 1 ELSE 0 END AS starts_here,
        CASE WHEN s.counted_until >= c.day_start THEN 1 ELSE 0 END AS goes_on_here,
        CASE WHEN s."end" < c.day_end THEN 1 ELSE 0 END AS ends_here
    FROM signed_span AS s
    JOIN calendar AS c ON s.count_from < c.day_end AND s."end" >= c.day_start
),
counted AS (
    SELECT
        *,
        CASE
            WHEN run_seconds IS NULL OR run_seconds >= whole THEN until - before
            ELSE run_seconds * until // whole - run_seconds * before // whole
        END AS seconds,
        -- in two steps: used times seconds would not fit 63 bits
        CASE
            WHEN whole = 0 THEN cpu_used_millis * starts_here
            ELSE cpu_used_millis // whole * (until - before)
                + cpu_used_millis % whole * until // whole - cpu_used_millis % whole * before // whole
        END AS cpu_used
    FROM part
)
SELECT
    rules, day, resource, kind, state, project_ref, project_name, user_ref, user_name, domain, class,
    vcpus, memory_mib, disk_gib, gpus, gpu_model, space_bytes,
    CAST(SUM(sign * seconds) AS BIGINT) AS wall_seconds,
    CAST(SUM(sign * starts_here * begins) AS BIGINT) AS begun,
    CAST(SUM(sign * ends_here * ceases - goes_on_here * COALESCE(ceased_before, 0)) AS BIGINT) AS ceased,
    CAST(SUM(sign - goes_on_here) AS BIGINT) AS spans,
    nodes, cpu_millis, group_name, qos,
    CAST(SUM(
        CASE WHEN submitted < "start"
            THEN sign * starts_here * begins * (EPOCH_US("start") // 1000000 - EPOCH_US(submitted) // 1000000)
            ELSE 0 END
    ) AS BIGINT) AS wait_seconds,
    CAST(SUM(COALESCE(sign * cpu_used, 0)) AS BIGINT) AS cpu_used_millis,
    CAST(SUM(CASE WHEN cpu_used IS NULL THEN 0 ELSE sign * seconds * COALESCE(cpu_millis, 0) END) AS BIGINT)
        AS cpu_measured_millis,
    CAST(SUM(COALESCE(sign * seconds * memory_peak_mib, 0)) AS BIGINT) AS memory_used,
    CAST(SUM(CASE WHEN memory_peak_mib IS NULL THEN 0 ELSE sign * seconds * COALESCE(memory_mib, 0) END) AS BIGINT)
        AS memory_measured
FROM counted
GROUP BY
    rules, day, resource, kind, state, project_ref, project_name, user_ref, user_name, domain, class,
    vcpus, memory_mib, disk_gib, gpus, gpu_model, nodes, space_bytes, cpu_millis, group_name, qos
