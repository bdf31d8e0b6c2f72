-- How much of its quotas did a project use?
-- in: openstack_quota (raw)    out: samples (usage.tables.SAMPLE)
--
-- A quota below zero is none. The services count in units of their own (cores, MiB of RAM, gigabytes ...):
-- `class` names the quota.
SELECT
    resource,
    'quota' AS kind,
    COALESCE(project_id, '') || '/' || COALESCE(service, '') || '/' || name AS item,
    name,
    project_id AS project_ref,
    CAST(NULL AS VARCHAR) AS project_name,
    CAST(NULL AS VARCHAR) AS user_ref,
    CAST(NULL AS VARCHAR) AS user_name,
    CAST(NULL AS VARCHAR) AS domain,
    service || '.' || name AS class,
    CAST(NULL AS VARCHAR) AS group_name,
    'quota' AS measure,
    observed_at AS time,
    CAST(1 AS BIGINT) AS weight,
    in_use AS value,
    CASE WHEN hard_limit >= 0 THEN hard_limit END AS "limit",
    observed_at AS said_at,
    batch_id,
    record,
    FALSE AS is_whole
FROM openstack_quota
WHERE in_use IS NOT NULL AND observed_at IS NOT NULL AND name IS NOT NULL
