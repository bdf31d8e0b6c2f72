-- What is daily usage after a build: what was there before, and what this build adds or takes back?
-- in: daily_before, daily_part    out: daily usage (usage.tables.DAILY)
WITH entry AS (
    SELECT * FROM daily_before
    UNION ALL
    SELECT * FROM daily_part
)
SELECT
    rules, day, resource, kind, state, project_ref, project_name, user_ref, user_name, domain, class,
    vcpus, memory_mib, disk_gib, gpus, gpu_model, space_bytes,
    CAST(SUM(wall_seconds) AS BIGINT) AS wall_seconds,
    CAST(SUM(begun) AS BIGINT) AS begun,
    CAST(SUM(ceased) AS BIGINT) AS ceased,
    CAST(SUM(spans) AS BIGINT) AS spans
FROM entry
GROUP BY
    rules, day, resource, kind, state, project_ref, project_name, user_ref, user_name, domain, class,
    vcpus, memory_mib, disk_gib, gpus, gpu_model, space_bytes
HAVING SUM(spans) <> 0
