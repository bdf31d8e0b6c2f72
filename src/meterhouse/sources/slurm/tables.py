"""What do raw records of a Slurm cluster look like?"""

from __future__ import annotations

from meterhouse.sources.raw_table import INT, TEXT, TIME, RawTable, raw_table

TABLES: list[RawTable] = [
    raw_table(
        "slurm_job",
        "submit",
        "Jobs as Slurm's accounting said them, a row a job (not a step), each time that it was said",
        form=TEXT,  # "sacct" (26 fields), "sacct-json", "slurmrestd"
        observed_at=TIME,  # when it was asked; null for a file that doesn't say
        job_id=TEXT,  # as people write it: 123, 123_4 (array), 123+1 (heterogeneous)
        job_id_raw=INT,
        array_job_id=INT,
        array_index=INT,
        cluster=TEXT,
        partition=TEXT,
        qos=TEXT,
        account=TEXT,
        group_name=TEXT,
        gid=INT,
        user_name=TEXT,
        uid=INT,
        submit=TIME,
        eligible=TIME,
        start=TIME,  # null: not started
        end=TIME,  # null: not ended
        elapsed_seconds=INT,  # as said; without suspended time
        suspended_seconds=INT,
        exit_code=TEXT,
        state=TEXT,  # the first word in capitals: RUNNING, COMPLETED, CANCELLED ...
        state_said=TEXT,  # as said: CANCELLED by 1001
        nodes=INT,
        cpu_millis=INT,  # allocated, thousandths of a CPU
        requested_cpu_millis=INT,
        allocated_memory_mib=INT,
        requested_memory_mib=INT,  # of the whole job
        gpus=INT,  # allocated
        gpu_model=TEXT,  # where the GPUs are typed
        allocated_tres=TEXT,
        requested_tres=TEXT,
        time_limit_seconds=INT,  # null: unlimited, or not said
        node_list=TEXT,  # null: none assigned
        name=TEXT,
        cpu_used_millis=INT,  # CPU milliseconds that the job used; null: not said
        memory_peak_kib=INT,  # the largest MaxRSS of its steps; null: not said
    ),
]
