"""Do spans of real jobs agree with what was run, and with the database of Slurm's accounting?"""

from __future__ import annotations

from collections import Counter

from timetable import NEVER_STARTED, RUNS

FACTS = (
    "name, user_name, project_ref, class, closed_by, vcpus, memory_mib, nodes, gpus, qos, item, "
    'COALESCE(run_seconds, FLOOR(EPOCH("end")) - FLOOR(EPOCH("start")))::BIGINT AS run, '
    "run_seconds, is_last, begins, ceases, gpu_model, domain"
)


def spans(site) -> list[dict]:
    return site.query(f'SELECT {FACTS} FROM span ORDER BY item, "start"')


def test_each_run_comes_out_as_it_was_planned(site) -> None:
    found = spans(site)

    def fits(span: dict, one) -> bool:
        facts = (one.name, one.user, one.account, one.partition, one.closed_by, one.cpus, one.memory_mib)
        said = ("name", "user_name", "project_ref", "class", "closed_by", "vcpus", "memory_mib")
        sizes = one.nodes, one.gpus, one.qos
        return (
            tuple(span[key] for key in said) == facts
            and (span["nodes"], span["gpus"] or 0, span["qos"]) == sizes
            and one.seconds - 1 <= span["run"] <= one.seconds + one.slack
            and (span["run_seconds"] is not None) == one.suspended
            and span["is_last"] == (one.closed_by is None)
        )

    for one in RUNS:
        match = next((span for span in found if fits(span, one)), None)
        assert match is not None, (one, [span for span in found if span["name"] == one.name])
        found.remove(match)
    assert not found
    assert {span["domain"] for span in spans(site)} == {"testhpc"}


def test_what_never_started_is_recorded_and_has_no_span(site) -> None:
    raw = site.query("SELECT DISTINCT name, state, node_list FROM slurm_job", "slurm_job")

    waited = {row["name"]: row for row in raw if row["node_list"] is None}
    assert set(waited) == set(NEVER_STARTED)
    assert {row["state"] for row in waited.values()} == {"CANCELLED"}
    assert not any(span["name"] in NEVER_STARTED for span in spans(site))


def test_numbers_of_tasks_and_parts_are_as_people_write_them(site) -> None:
    by_name: dict[str, list[str]] = {}
    for span in spans(site):
        by_name.setdefault(span["name"], []).append(span["item"])

    array = by_name["tasks"][0].partition("_")[0]
    assert by_name["tasks"] == [f"{array}_{task}" for task in (1, 2, 3)]
    whole = by_name["parts"][0].partition("+")[0]
    assert by_name["parts"] == [f"{whole}+0", f"{whole}+1"]
    assert by_name["anew"][0] == by_name["anew"][1]


def test_gpus_are_of_the_model_that_was_given(site) -> None:
    models = Counter((span["name"], span["gpus"], span["gpu_model"]) for span in spans(site) if span["gpus"])

    assert models == {("one-gpu", 1, "a100"): 1, ("two-nodes", 4, "a100"): 1}


def test_cpu_seconds_agree_with_the_database(site, played) -> None:
    said = played.sql(
        """SELECT a.acct, a.user, SUM(
                (j.time_end - j.time_start - COALESCE((
                    SELECT SUM(s.time_end - s.time_start) FROM testhpc_suspend_table AS s
                    WHERE s.job_db_inx = j.job_db_inx), 0))
                * SUBSTRING_INDEX(SUBSTRING(j.tres_alloc, 3), ',', 1))
            FROM testhpc_job_table AS j JOIN testhpc_assoc_table AS a USING (id_assoc)
            WHERE j.time_start > 0 AND j.time_end > 0 AND j.tres_alloc <> '' AND j.id_job < 1000000
            GROUP BY 1, 2"""
    )
    expected = {(account, user): int(seconds) for account, user, seconds in said}

    ours: Counter = Counter()
    for span in spans(site):
        if span["closed_by"] is not None:
            ours[span["project_ref"], span["user_name"]] += span["run"] * span["vcpus"]
    assert {key: seconds for key, seconds in ours.items() if seconds} == {
        key: seconds for key, seconds in expected.items() if seconds
    }


def test_what_was_used_is_measured_in_every_form(site) -> None:
    (plain,) = site.query(
        "SELECT cpu_used_millis, memory_peak_mib FROM span WHERE name = 'plain' AND closed_by = 'completed'"
    )

    assert 100 < plain["cpu_used_millis"] < 20_000
    assert 1 < plain["memory_peak_mib"] < 1024


def test_daily_usage_is_core_seconds_of_the_spans(site) -> None:
    (daily,) = site.query("SELECT SUM(wall_seconds * cpu_millis) AS total FROM daily", "daily")
    total = sum(span["run"] * span["vcpus"] * 1000 for span in spans(site))

    assert int(daily["total"]) == total


def test_only_duplicates_tell_of_a_requeued_run(played) -> None:
    asked = ("sacct", "--allusers", "--allocations", "--noheader", "--parsable2", "--name=anew")

    assert played.run(*asked, "--format=state").split() == ["COMPLETED"]
    states = played.run(*asked, "--format=state", "--duplicates").split()
    assert sorted(states) == ["COMPLETED", "REQUEUED"]


def test_premium_jobs_name_their_qos_whose_factor_is_told_by_sacctmgr(played, site) -> None:
    factors = played.run("sacctmgr", "--noheader", "--parsable2", "show", "qos", "format=name,usagefactor")

    assert dict(line.split("|") for line in factors.splitlines())["premium"] == "2.000000"
    (premium,) = site.query("SELECT qos FROM span WHERE name = 'premium'")
    assert premium["qos"] == "premium"
