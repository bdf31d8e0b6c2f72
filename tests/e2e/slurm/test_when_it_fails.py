"""What happens while the accounting doesn't answer? It counts as failed, and nothing is lost."""

from __future__ import annotations


def test_an_outage_is_covered_as_failed_and_read_once_it_is_over(played, new_site) -> None:
    site = new_site('clusters = ["testhpc"]\n')
    site.collect_and_build()
    before = site.query("SELECT COUNT(*) AS jobs FROM span")

    played.stop("slurmdbd")
    try:
        told = site.run("collect", code=4)
        assert "sacct" in told
        late = played.run(
            *("sbatch", "--parsable", "--account=chem", "--ntasks=1", "--job-name=meanwhile", "--chdir=/tmp"),
            *("--output=/dev/null", "--wrap=sleep 1"),
            user="carol",
        )
        from cluster import until

        until("the job to end", lambda: late not in played.run("squeue", "-h", "-o", "%i").split())
    finally:
        played.start_slurmdbd()
    failed = site.query("SELECT COUNT(*) AS jobs FROM span")
    assert failed == before

    def is_told() -> bool:  # slurmctld hands over what it kept
        return played.run("sacct", "-nXP", "-j", late, "-o", "state,end").startswith("COMPLETED|2")

    until("the accounting to hear of it", is_told)
    site.collect_and_build()
    (found,) = site.query("SELECT closed_by FROM span WHERE name = 'meanwhile'")
    assert found["closed_by"] == "completed"


def test_a_cluster_that_nobody_knows_is_no_empty_cluster(played, new_site) -> None:
    site = new_site('clusters = ["elsewhere"]\n')

    told = site.run("collect", code=4)
    assert "elsewhere" in told


def test_an_end_that_is_entered_late_is_still_found(played, new_site) -> None:
    site = new_site('overlap = "PT1S"\n')
    site.collect_and_build()
    (runs,) = site.query("SELECT item, is_last FROM span WHERE name = 'ticks|on' AND is_last")

    played.run("scancel", runs["item"])
    from cluster import until

    until("the end", lambda: not played.run("squeue", "-h"))
    ended = f"id_job = {runs['item']} AND state = 4"
    until("its entry", lambda: played.sql(f"SELECT 1 FROM testhpc_job_table WHERE {ended}"))
    # as if it had ended before the last reading, and been entered after it
    played.sql(f"UPDATE testhpc_job_table SET time_end = time_start + 1 WHERE {ended}")
    site.collect_and_build()

    (found,) = site.query("SELECT closed_by, is_last FROM span WHERE name = 'ticks|on'")
    assert found == {"closed_by": "cancelled", "is_last": False}
