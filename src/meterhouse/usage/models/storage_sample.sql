-- How full were the file systems that Open XDMoD's storage files tell of?
-- in: storage_usage (raw)    out: samples (usage.tables.SAMPLE)
-- of a raw row: resource; kind 'filesystem'; item as below; first_time = last_time = dt
--
-- (resource, mountpoint, user, pi, dt) names one sample. Where it was told twice with other figures, the
-- greatest counts, whatever was read last: the same rows in any order give the same.
WITH ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY resource, mountpoint, "user", pi, dt
            ORDER BY logical_usage DESC, file_count DESC, COALESCE(physical_usage, -1) DESC,
                COALESCE(soft_threshold, -1) DESC, COALESCE(hard_threshold, -1) DESC, batch_id, record
        ) AS telling
    FROM storage_usage
),
told AS (
    SELECT
        *,
        -- the three names in one, which no other three give: within them ~ is ~0 and : is ~1
        REPLACE(REPLACE(mountpoint, '~', '~0'), ':', '~1') || ':'
            || REPLACE(REPLACE("user", '~', '~0'), ':', '~1') || ':'
            || REPLACE(REPLACE(pi, '~', '~0'), ':', '~1') AS item
    FROM ranked
    WHERE telling = 1
),
measured AS (
    SELECT
        *, 'stored_bytes' AS measure, logical_usage AS value,
        -- 0 says that there is no quota
        CASE WHEN soft_threshold > 0 THEN soft_threshold END AS quota
    FROM told
    UNION ALL
    SELECT *, 'physical_bytes' AS measure, physical_usage AS value, CAST(NULL AS BIGINT) AS quota
    FROM told
    WHERE physical_usage IS NOT NULL
    UNION ALL
    SELECT *, 'files' AS measure, file_count AS value, CAST(NULL AS BIGINT) AS quota
    FROM told
    UNION ALL
    -- what can't be exceeded, as a level of its own: a sample has one limit only
    SELECT *, 'hard_bytes' AS measure, hard_threshold AS value, CAST(NULL AS BIGINT) AS quota
    FROM told
    WHERE hard_threshold > 0
)
SELECT
    resource,
    'filesystem' AS kind,
    item,
    mountpoint AS name,
    pi AS project_ref,
    CAST(NULL AS VARCHAR) AS project_name,
    "user" AS user_ref,
    "user" AS user_name,
    CAST(NULL AS VARCHAR) AS domain,
    mountpoint AS class,
    pi AS group_name,
    measure,
    dt AS time,
    CAST(1 AS BIGINT) AS weight,
    value,
    quota AS "limit",
    dt AS said_at,
    batch_id,
    record,
    FALSE AS is_whole
FROM measured
