-- How much may groups keep on file systems, and how much of it does the file system itself count as used?
-- in: filesystem_quota (raw)    out: samples (usage.tables.SAMPLE)
--
-- A limit of 0 is none. What a dump doesn't say is no data: a list of limits alone gives limits only.
WITH told AS (
    SELECT
        *,
        COALESCE(owner_name, CAST(owner_id AS VARCHAR)) AS owner,
        CASE WHEN hard_bytes > 0 THEN hard_bytes END AS most_bytes,
        CASE WHEN hard_inodes > 0 THEN hard_inodes END AS most_inodes
    FROM filesystem_quota
    WHERE owner_kind NOT IN ('user', 'project') AND observed_at IS NOT NULL
        AND (owner_name IS NOT NULL OR owner_id IS NOT NULL)
),
measured AS (
    SELECT *, 'quota_bytes' AS measure, most_bytes AS amount, CAST(NULL AS BIGINT) AS most
    FROM told
    UNION ALL
    SELECT *, 'quota_files' AS measure, most_inodes AS amount, CAST(NULL AS BIGINT) AS most
    FROM told
    UNION ALL
    SELECT *, 'quota_used_bytes' AS measure, used_bytes AS amount, most_bytes AS most
    FROM told
    UNION ALL
    SELECT *, 'quota_used_files' AS measure, used_inodes AS amount, most_inodes AS most
    FROM told
)
SELECT
    resource,
    'filesystem' AS kind,
    -- four names, where those of storage files are three; scans begin with another
    'quota:' || REPLACE(REPLACE(volume, '~', '~0'), ':', '~1') || ':'
        || COALESCE(CAST(owner_id AS VARCHAR), '') || ':'
        || REPLACE(REPLACE(COALESCE(owner_name, ''), '~', '~0'), ':', '~1') AS item,
    volume AS name,
    owner AS project_ref,
    CAST(NULL AS VARCHAR) AS project_name,
    CAST(NULL AS VARCHAR) AS user_ref,
    CAST(NULL AS VARCHAR) AS user_name,
    CAST(NULL AS VARCHAR) AS domain,
    COALESCE(mountpoint, volume) AS class,
    owner AS group_name,
    measure,
    observed_at AS time,
    CAST(1 AS BIGINT) AS weight,
    amount AS value,
    most AS "limit",
    recorded_at AS said_at,
    batch_id,
    record,
    FALSE AS is_whole
FROM measured
WHERE amount IS NOT NULL
