-- How full were the volumes that were scanned?
-- in: filesystem_usage, filesystem_scan (raw)    out: samples (usage.tables.SAMPLE)
--
-- A sample is what one user of one group keeps on a volume. A scan tells all that there is: of a day the last
-- one counts (level.sql). Of one that was read several times the newest reading counts. What is stored is each
-- inode once, with directories and links: as `du --apparent-size` has it.
WITH ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY resource, volume, scanned_at
            ORDER BY COALESCE(EPOCH_US(recorded_at), 0) DESC, COALESCE(batch_id, '') DESC,
                COALESCE(record, 0) DESC, COALESCE(top, '') DESC
        ) AS reading
    FROM filesystem_scan
    WHERE complete AND volume IS NOT NULL AND scanned_at IS NOT NULL
),
scan AS (
    SELECT resource, volume, scanned_at, top, batch_id, recorded_at FROM ranked WHERE reading = 1
),
kept AS (
    SELECT
        s.resource, s.volume, s.scanned_at, s.top, s.batch_id, s.recorded_at, u.gid, u.uid,
        MAX(u.group_name) AS group_name,
        MAX(u.user_name) AS user_name,
        -- no row overflows, but a sum may: then it says the most that there is room for
        LEAST(SUM(CAST(u.apparent_bytes AS DECIMAL(38, 0))), 9223372036854775807) AS stored_bytes,
        LEAST(SUM(CAST(u.allocated_bytes AS DECIMAL(38, 0))), 9223372036854775807) AS physical_bytes,
        LEAST(SUM(CAST(u.files AS DECIMAL(38, 0))), 9223372036854775807) AS files,
        MIN(u.record) AS record
    FROM filesystem_usage AS u
    JOIN scan AS s ON s.batch_id = u.batch_id
    GROUP BY s.resource, s.volume, s.scanned_at, s.top, s.batch_id, s.recorded_at, u.gid, u.uid
),
measured AS (
    SELECT *, 'stored_bytes' AS measure, stored_bytes AS amount FROM kept
    UNION ALL
    SELECT *, 'physical_bytes' AS measure, physical_bytes AS amount FROM kept
    UNION ALL
    SELECT *, 'files' AS measure, files AS amount FROM kept
)
SELECT
    resource,
    'filesystem' AS kind,
    -- four names, where those of storage files are three
    'scan:' || REPLACE(REPLACE(volume, '~', '~0'), ':', '~1') || ':'
        || COALESCE(CAST(gid AS VARCHAR), '') || ':' || COALESCE(CAST(uid AS VARCHAR), '') AS item,
    volume AS name,
    COALESCE(group_name, CAST(gid AS VARCHAR)) AS project_ref,
    CAST(NULL AS VARCHAR) AS project_name,
    COALESCE(user_name, CAST(uid AS VARCHAR)) AS user_ref,
    COALESCE(user_name, CAST(uid AS VARCHAR)) AS user_name,
    CAST(NULL AS VARCHAR) AS domain,
    COALESCE(top, volume) AS class,
    COALESCE(group_name, CAST(gid AS VARCHAR)) AS group_name,
    measure,
    scanned_at AS time,
    CAST(1 AS BIGINT) AS weight,
    CAST(amount AS BIGINT) AS value,
    CAST(NULL AS BIGINT) AS "limit",
    recorded_at AS said_at,
    batch_id,
    record,
    TRUE AS is_whole
FROM measured
WHERE amount IS NOT NULL
