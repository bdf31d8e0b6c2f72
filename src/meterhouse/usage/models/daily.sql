-- What is daily usage, when all that builds entered and took back is added up?
-- in: daily_entry    out: daily usage (usage.tables.DAILY), one row a group, none that is nothing
SELECT
    rules, day, resource, kind, state, project_ref, project_name, user_ref, user_name, domain, class,
    vcpus, memory_mib, disk_gib, gpus, gpu_model, space_bytes,
    CAST(SUM(wall_seconds) AS BIGINT) AS wall_seconds,
    CAST(SUM(begun) AS BIGINT) AS begun,
    CAST(SUM(ceased) AS BIGINT) AS ceased,
    CAST(SUM(spans) AS BIGINT) AS spans,
    nodes, cpu_millis, group_name, qos,
    CAST(SUM(wait_seconds) AS BIGINT) AS wait_seconds,
    CAST(SUM(cpu_used_millis) AS BIGINT) AS cpu_used_millis,
    CAST(SUM(cpu_measured_millis) AS BIGINT) AS cpu_measured_millis,
    CAST(SUM(memory_used) AS BIGINT) AS memory_used,
    CAST(SUM(memory_measured) AS BIGINT) AS memory_measured
FROM daily_entry
GROUP BY
    rules, day, resource, kind, state, project_ref, project_name, user_ref, user_name, domain, class,
    vcpus, memory_mib, disk_gib, gpus, gpu_model, nodes, space_bytes, cpu_millis, group_name, qos
HAVING SUM(spans) <> 0 OR SUM(wall_seconds) <> 0 OR SUM(begun) <> 0 OR SUM(ceased) <> 0
    OR SUM(wait_seconds) <> 0 OR SUM(cpu_used_millis) <> 0 OR SUM(memory_used) <> 0
