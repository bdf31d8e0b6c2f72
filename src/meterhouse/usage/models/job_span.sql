-- Which jobs ran on a cluster, with how much of it, from when to when?
-- in: slurm_job (raw)    out: spans of jobs (usage.tables.INTERVAL)
--
-- A raw row, for a build that looks for what belongs to an item that has news:
--   resource = resource, kind = 'job', item = job_id,
--   first_time = submit, last_time = COALESCE("end", "start", submit)
-- There are no context rows. Rows of one item lie around their `submit` (the table's time) as far as the
-- same run is concerned; a requeued run has another.
--
-- A row is a run when nodes were given to it and it says when it started. Of several tellings of one run
-- the one that has ended counts before one that runs, then the later end, the longer run, the later
-- asking, then the content: what was said, never when it was recorded.
WITH said AS (
    SELECT
        j.*,
        -- A start after the end is a clock that was set: the end counts, and how long it ran.
        CASE
            WHEN j."end" IS NOT NULL AND (j."start" IS NULL OR j."start" > j."end")
                THEN EPOCH_US(j."end") - COALESCE(j.elapsed_seconds, 0) * 1000000
            ELSE EPOCH_US(j."start") END AS begin_us,
        EPOCH_US(j."end") AS end_us,
        CASE
            WHEN j."end" IS NOT NULL AND j.state NOT IN (
                'RUNNING', 'SUSPENDED', 'CONFIGURING', 'COMPLETING', 'STAGE_OUT', 'SIGNALING', 'STOPPED'
            ) THEN 1 ELSE 0 END AS has_ended
    FROM slurm_job AS j
    WHERE j.node_list IS NOT NULL
        AND (j.nodes IS NULL OR j.nodes > 0)
        AND j.state <> 'PENDING'
        AND (j."start" IS NOT NULL OR (j."end" IS NOT NULL AND j.elapsed_seconds > 0))
),
telling AS (
    SELECT
        s.*,
        COALESCE(s.cluster, '') AS of_cluster,
        -- What still runs is known to have run as long as it said, and as long as it was suspended.
        COALESCE(
            s.end_us,
            s.begin_us + (COALESCE(s.elapsed_seconds, 0) + COALESCE(s.suspended_seconds, 0)) * 1000000
        ) AS until_us
    FROM said AS s
),
-- Most jobs are told of once; only the others have tellings to choose from and runs that follow one another.
told_again AS (
    SELECT resource, job_id
    FROM telling
    GROUP BY resource, job_id
    HAVING COUNT(*) > 1
),
ranked AS (
    SELECT
        t.*,
        ROW_NUMBER() OVER (
            PARTITION BY t.resource, t.of_cluster, t.job_id, t.submit, t.begin_us
            ORDER BY
                t.has_ended DESC, t.until_us DESC, COALESCE(t.elapsed_seconds, -1) DESC,
                COALESCE(EPOCH_US(t.observed_at), 0) DESC,
                COALESCE(t.cpu_used_millis, -1) DESC, COALESCE(t.memory_peak_kib, -1) DESC,
                t.state, COALESCE(t.cpu_millis, -1), COALESCE(t.nodes, -1), COALESCE(t.gpus, -1),
                COALESCE(t.allocated_memory_mib, -1), COALESCE(t.requested_memory_mib, -1),
                COALESCE(t.time_limit_seconds, -1), COALESCE(t.suspended_seconds, -1), COALESCE(t.account, ''),
                COALESCE(t.user_name, ''), COALESCE(t.group_name, ''), COALESCE(t.partition, ''),
                COALESCE(t.qos, ''), COALESCE(t.name, ''), COALESCE(t.gpu_model, ''), COALESCE(t.node_list, ''),
                COALESCE(t.cluster, ''), t.batch_id, t.record
        ) AS place
    FROM telling AS t
    WHERE EXISTS (SELECT 1 FROM told_again AS a WHERE a.resource = t.resource AND a.job_id = t.job_id)
),
run AS (
    SELECT * FROM ranked WHERE place = 1
),
-- A job that started anew isn't running from its earlier start any more, though nobody said when it ended.
begun_anew AS (
    SELECT o.resource, o.of_cluster, o.job_id, o.begin_us, MIN(l.begin_us) AS next_us
    FROM run AS o
    JOIN run AS l
        ON l.resource = o.resource AND l.of_cluster = o.of_cluster AND l.job_id = o.job_id
        AND l.begin_us > o.begin_us
    WHERE o.has_ended = 0
    GROUP BY o.resource, o.of_cluster, o.job_id, o.begin_us
),
placed AS (
    SELECT t.*, 1 AS place, t.until_us AS stop_us, 1 - t.has_ended AS still_runs
    FROM telling AS t
    WHERE NOT EXISTS (SELECT 1 FROM told_again AS a WHERE a.resource = t.resource AND a.job_id = t.job_id)
    UNION ALL
    SELECT
        r.*,
        LEAST(r.until_us, COALESCE(n.next_us, r.until_us)) AS stop_us,
        CASE WHEN r.has_ended = 0 AND n.next_us IS NULL THEN 1 ELSE 0 END AS still_runs
    FROM run AS r
    LEFT JOIN begun_anew AS n
        ON n.resource = r.resource AND n.of_cluster = r.of_cluster AND n.job_id = r.job_id
        AND n.begin_us = r.begin_us
)
SELECT
    resource,
    'job' AS kind,
    job_id AS item,
    name,
    account AS project_ref,
    account AS project_name,
    user_name AS user_ref,
    user_name,
    cluster AS domain,
    'active' AS state,
    MAKE_TIMESTAMPTZ(begin_us) AS "start",
    MAKE_TIMESTAMPTZ(stop_us) AS "end",
    partition AS class,
    CASE WHEN cpu_millis % 1000 = 0 THEN cpu_millis // 1000 END AS vcpus,
    COALESCE(allocated_memory_mib, requested_memory_mib) AS memory_mib,
    CAST(NULL AS BIGINT) AS disk_gib,
    gpus,
    gpu_model,
    nodes,
    CAST(NULL AS BIGINT) AS space_bytes,
    CAST(NULL AS BIGINT) AS files,
    node_list AS host,
    cpu_millis,
    group_name,
    qos,
    CAST(NULL AS VARCHAR) AS gpu_resource,
    LEAST(submit, MAKE_TIMESTAMPTZ(begin_us)) AS submitted,
    -- Elapsed leaves out what was suspended.
    CASE WHEN elapsed_seconds * 1000000 < stop_us - begin_us THEN elapsed_seconds END AS run_seconds,
    cpu_used_millis,
    (memory_peak_kib + 512) // 1024 AS memory_peak_mib,
    time_limit_seconds,
    'started' AS opened_by,
    CASE WHEN has_ended = 1 THEN LOWER(p.state) END AS closed_by,
    CAST(1 AS BIGINT) AS begins,
    CAST(CASE WHEN still_runs = 1 THEN 0 ELSE 1 END AS BIGINT) AS ceases,
    still_runs = 1 AS is_last,
    batch_id AS opened_batch,
    record AS opened_record,
    CASE WHEN has_ended = 1 THEN batch_id END AS closed_batch,
    CASE WHEN has_ended = 1 THEN record END AS closed_record
FROM placed AS p
