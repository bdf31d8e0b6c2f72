-- 200,000 jobs that ended weeks ago, as slurmdbd keeps them. From 2026-10-01 on, nine seconds apart, of every
-- user of an account; each of 1 to 8 CPUs for one minute to three hours; every fifth with a GPU.
INSERT INTO testhpc_job_table (
    mod_time, account, cpus_req, exit_code, flags, job_name, id_assoc, id_array_job, id_array_task, id_block,
    id_job, id_qos, id_resv, id_wckey, id_user, id_group, het_job_id, het_job_offset, state_reason_prev,
    mem_req, nodelist, nodes_alloc, node_inx, `partition`, priority, state, timelimit, time_submit,
    time_eligible, time_start, time_end, time_suspended, tres_alloc, tres_req, work_dir, env_hash_inx,
    script_hash_inx
)
SELECT
    begins + waits + runs, account, cpus, 0, 0, CONCAT('past-', seq), id_assoc, 0, 4294967294, NULL,
    1000000 + seq, 1, 0, 0, 2000 + seq % 3, 2000 + seq % 3, 0, 4294967294, 0,
    2048, CONCAT('n', 1 + seq % 4), 1, seq % 4, IF(gpus > 0, 'gpu', 'batch'), 1, ended, 240, begins,
    begins, begins + waits, begins + waits + runs, 0, CONCAT(tres, IF(gpus > 0, ',1001=1,1002=1', '')),
    tres, '/tmp', 0, 0
FROM (
    SELECT
        s.seq, a.id_assoc, a.acct AS account,
        UNIX_TIMESTAMP('2026-10-01 00:00:00') + 9 * s.seq AS begins,
        s.seq * 31 % 600 AS waits,
        60 + s.seq * 7919 % 10740 AS runs,
        1 + s.seq % 8 AS cpus,
        IF(s.seq % 5 = 0, 1, 0) AS gpus,
        ELT(1 + s.seq % 7, 3, 3, 3, 3, 5, 6, 4) AS ended,
        CONCAT('1=', 1 + s.seq % 8, ',2=2048,4=1,5=', 1 + s.seq % 8) AS tres
    FROM seq_1_to_200000 AS s
    JOIN (
        SELECT id_assoc, acct, ROW_NUMBER() OVER (ORDER BY id_assoc) AS place, COUNT(*) OVER () AS many
        FROM testhpc_assoc_table WHERE `user` <> '' AND `user` <> 'root' AND deleted = 0
    ) AS a ON a.place = 1 + s.seq % a.many
) AS made;
-- sreport tells only of clusters and associations that were there at the time.
UPDATE testhpc_event_table SET time_start = UNIX_TIMESTAMP('2026-09-30') WHERE node_name = '';
UPDATE testhpc_assoc_table SET creation_time = UNIX_TIMESTAMP('2026-09-30');
UPDATE cluster_table SET creation_time = UNIX_TIMESTAMP('2026-09-30');
