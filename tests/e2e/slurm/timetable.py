"""Which jobs does the test cluster run, and what is known of each beforehand?"""

from __future__ import annotations

import time
from dataclasses import dataclass

from cluster import Cluster, until


@dataclass(frozen=True)
class Expected:
    """One run of a job as it must come out. `seconds` are at least so many of running time, without
    suspension, and not more than `slack` more."""

    name: str
    user: str
    account: str
    partition: str
    closed_by: str | None
    cpus: int
    memory_mib: int
    nodes: int = 1
    gpus: int = 0
    seconds: int = 0
    slack: int = 8
    suspended: bool = False
    qos: str = "normal"


# Every run that nodes were given to. Those that waited until they were cancelled aren't here.
RUNS = (
    Expected("plain", "alice", "physics", "batch", "completed", 2, 1024, seconds=3),
    Expected("one-gpu", "bob", "physics", "gpu", "completed", 4, 8192, gpus=1, seconds=4),
    *[Expected("tasks", "carol", "chem", "batch", "completed", 1, 512, seconds=2) for _ in range(3)],
    Expected("fails", "carol", "chem", "batch", "failed", 1, 1024),
    Expected("premium", "alice", "physics", "batch", "completed", 1, 1024, seconds=2, qos="premium"),
    Expected("other-account", "alice", "chem", "batch", "completed", 1, 1024, seconds=1),
    Expected("stopped", "carol", "chem", "batch", "cancelled", 1, 1024, seconds=1, slack=25),
    Expected("anew", "alice", "physics", "batch", "requeued", 1, 100, seconds=1, slack=25),
    Expected("anew", "alice", "physics", "batch", "completed", 1, 100, seconds=6),
    Expected("paused", "bob", "physics", "batch", "completed", 1, 100, seconds=8, suspended=True),
    Expected("parts", "carol", "chem", "batch", "completed", 1, 100, seconds=2),
    Expected("parts", "carol", "chem", "batch", "completed", 2, 200, seconds=2),
    Expected("two-nodes", "alice", "physics", "gpu", "completed", 64, 65536, nodes=2, gpus=4, seconds=3),
    Expected("node-fails", "carol", "chem", "batch", "node_fail", 1, 1024, seconds=1, slack=25),
    Expected("too-long", "bob", "physics", "batch", "timeout", 1, 1024, seconds=60, slack=60),
    Expected("ticks|on", "bob", "physics", "batch", None, 1, 1024, seconds=1, slack=300),
)
NEVER_STARTED = ("later", "later-tasks")


def play(cluster: Cluster) -> None:
    """Run all of it; only `ticks|on` runs on afterwards."""

    def submit(user: str, name: str, script: str, *options: str) -> str:
        quiet = ("--output=/dev/null", "--chdir=/tmp")
        return cluster.run(
            *("sbatch", "--parsable", f"--job-name={name}", *quiet, *options, f"--wrap={script}"), user=user
        )

    def running(*jobs: str) -> None:
        def all_run() -> bool:
            states = cluster.run("squeue", "-h", "-o", "%T", "-j", ",".join(jobs)).split()
            return states == ["RUNNING"] * len(jobs)

        until("jobs to start", all_run)

    submit("bob", "ticks|on", "sleep 1200", "-Aphysics", "-n1", "-t60")
    submit("bob", "too-long", "sleep 600", "-Aphysics", "-n1", "-t1")
    burns = "python3 -c 'sum(i * i for i in range(12_000_000))'"
    submit(
        "alice", "plain", f"srun sleep 2; srun -n1 {burns}; sleep 1", "-Aphysics", "-n2", "--mem=1G", "-t5"
    )
    gpu = ("-Aphysics", "-pgpu", "-c4", "--gres=gpu:a100:1", "--mem=8G", "-t5")
    submit("bob", "one-gpu", "sleep 4", *gpu)
    submit("carol", "tasks", "sleep 2", "-Achem", "--array=1-3", "-n1", "--mem=512M", "-t5")
    submit("carol", "fails", "exit 3", "-Achem", "-n1", "-t5")
    submit("alice", "premium", "sleep 2", "-Aphysics", "--qos=premium", "-n1", "-t5")
    submit("alice", "other-account", "sleep 1", "-Achem", "-n1", "-t5")
    stopped = submit("carol", "stopped", "sleep 600", "-Achem", "-n1", "-t30")
    whole = ("-Achem", "-N4", "--exclusive", "-t5")  # waits: one node is taken for longer than this takes
    later = submit("carol", "later", "sleep 1", *whole)
    tasks = submit("carol", "later-tasks", "sleep 1", *whole, "--array=1,4-9")
    anew = submit("alice", "anew", "sleep 6", "-Aphysics", "--requeue", "-n1", "--mem=100M", "-t5")
    paused = submit("bob", "paused", "sleep 12", "-Aphysics", "-n1", "--mem=100M", "-t5")
    cluster.run(
        *("sbatch", "-Achem", "-n1", "--mem=100M", "-t5", "--output=/dev/null", "--chdir=/tmp", "-Jparts"),
        *(":", "-n2", "--mem=200M", "--wrap=sleep 2"),
        user="carol",
    )
    two = ("-Aphysics", "-pgpu", "-N2", "-n64", "--gres=gpu:a100:2", "-t5")
    submit("alice", "two-nodes", "srun -n2 sleep 3", *two)
    fails = submit("carol", "node-fails", "sleep 600", "-Achem", "-wn2", "-n1", "-t30", "--no-requeue")
    running(stopped, anew, paused, fails)
    time.sleep(2)
    cluster.run("scancel", stopped, later, tasks)
    cluster.run("scontrol", "requeue", anew)
    cluster.run("scontrol", "suspend", paused)
    time.sleep(4)
    cluster.run("scontrol", "resume", paused)
    cluster.run("scontrol", "update", "nodename=n2", "state=down", "reason=test")
    time.sleep(1)
    cluster.run("scontrol", "update", "nodename=n2", "state=resume", check=False)  # it may be back by itself
    until("the runs to end", lambda: _ended(cluster), 300)


def _ended(cluster: Cluster) -> bool:
    return cluster.run("squeue", "-h", "-o", "%j").split() == ["ticks|on"]
