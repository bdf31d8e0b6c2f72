"""Do spans of jobs follow the rules? The model is compared with a walk that knows no SQL.

Tellings come in any order, any number of times, and in any batches; spans are those of what was said.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.usage.build import model_text
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from meterhouse.warehouse.engines.portable import check_model
from strategies.job_tellings import DAY, Row, at, spans, telling

RUNS_ON = {"RUNNING", "SUSPENDED", "CONFIGURING", "COMPLETING", "STAGE_OUT", "SIGNALING", "STOPPED"}
EVIDENCE = {"opened_batch", "opened_record", "closed_batch", "closed_record"}


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine(threads=1) as engine:
        yield engine


def walk(tellings: list[Row]) -> list[Row]:
    """The spans of tellings, by the rules as they are written at the top of the model."""
    best: dict[tuple, tuple] = {}
    for row in tellings:
        run = as_run(row)
        if run is None:
            continue
        key = (row["resource"], row["cluster"] or "", row["job_id"], row["submit"], run["begin"])
        rank = (
            run["ended"],
            run["until"],
            -1 if row.get("elapsed_seconds") is None else row["elapsed_seconds"],
            row.get("observed_at") or datetime(1970, 1, 1, tzinfo=UTC),
        )
        if key not in best or rank > best[key][0]:
            best[key] = (rank, run)
    by_job: dict[tuple, list[Row]] = defaultdict(list)
    for key, (_, run) in best.items():
        by_job[key[:3]].append(run)
    made = []
    for runs in by_job.values():
        for run in runs:
            later = [other["begin"] for other in runs if other["begin"] > run["begin"]]
            open_still = not run["ended"] and not later
            end = run["until"] if run["ended"] or not later else min(run["until"], *later)
            row, length = run["row"], end - run["begin"]
            elapsed = row.get("elapsed_seconds")
            made.append(
                {
                    "item": row["job_id"],
                    "start": run["begin"],
                    "end": end,
                    "closed_by": row["state"].lower() if run["ended"] else None,
                    "is_last": open_still,
                    "ceases": 0 if open_still else 1,
                    "run_seconds": elapsed
                    if elapsed is not None and timedelta(seconds=elapsed) < length
                    else None,
                    "cpu_millis": row["cpu_millis"],
                    "submitted": min(row["submit"], run["begin"]),
                }
            )
    return sorted(made, key=repr)


def as_run(row: Row) -> Row | None:
    start, end, elapsed = row["start"], row["end"], row.get("elapsed_seconds") or 0
    if row["node_list"] is None or row["nodes"] == 0 or row["state"] == "PENDING":
        return None
    if start is None and (end is None or elapsed == 0):
        return None
    begin = start
    if end is not None and (start is None or start > end):
        begin = end - timedelta(seconds=elapsed)
    until = end or begin + timedelta(seconds=elapsed + (row.get("suspended_seconds") or 0))
    return {
        "row": row,
        "begin": begin,
        "until": until,
        "ended": end is not None and row["state"] not in RUNS_ON,
    }


minute = st.integers(0, 300)
tellings = st.lists(
    st.builds(
        telling,
        job_id=st.sampled_from(["1", "2_1"]),
        cluster=st.sampled_from(["c", None]),
        submit=st.sampled_from([DAY, at(100)]),
        start=st.one_of(st.none(), st.sampled_from([at(5), at(110), at(200)])),
        end=st.one_of(st.none(), minute.map(at)),
        elapsed_seconds=st.one_of(st.none(), st.integers(0, 9000)),
        suspended_seconds=st.one_of(st.none(), st.integers(0, 600)),
        state=st.sampled_from(
            ["RUNNING", "COMPLETED", "REQUEUED", "CANCELLED", "PENDING", "SUSPENDED", "NEW_ONE"]
        ),
        node_list=st.sampled_from(["n1", "n1", "", None]),
        nodes=st.sampled_from([1, 1, 2, 0, None]),
        observed_at=st.one_of(st.none(), st.integers(300, 400).map(at)),
        cpu_millis=st.sampled_from([1000, 1500, 4000]),
    ),
    max_size=12,
)


@given(tellings)
def test_the_model_does_what_the_walk_does(engine, said):
    # Where the first things that count are alike, the content decides: tested by order and repetition below.
    unlike = {}
    for number, row in enumerate(said):
        run = as_run(row)
        if run is not None:
            rank = run["ended"], run["until"], row["elapsed_seconds"], row["observed_at"]
            unlike[row["job_id"], row["cluster"], row["submit"], run["begin"], rank] = number
    kept = [row for number, row in enumerate(said) if as_run(row) is None or number in unlike.values()]

    made = spans(engine, kept)
    expected = walk(kept)
    assert (
        sorted(({key: span[key] for key in expected[0]} for span in made), key=repr) == expected
        if made
        else (expected == [])
    )


@given(tellings, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_nor_batches_matter(engine, said, random):
    first = spans(engine, [{**row, "batch_id": "b1", "record": number} for number, row in enumerate(said)])
    again = [
        {**row, "batch_id": random.choice(["b0", "b1", "b2"]), "record": random.randrange(9)}
        for row in said
        for _ in range(random.randint(1, 3))
    ]
    random.shuffle(again)

    def without_evidence(made: list[Row]) -> list[Row]:
        kept = [{key: value for key, value in span.items() if key not in EVIDENCE} for span in made]
        return sorted(kept, key=repr)

    assert without_evidence(spans(engine, again)) == without_evidence(first)


@given(tellings, st.data())
def test_what_is_said_of_one_job_depends_on_that_job_alone(engine, said, data):
    item = data.draw(st.sampled_from(["1", "2_1"]))

    of_all = [span for span in spans(engine, said) if span["item"] == item]
    of_one = spans(engine, [row for row in said if row["job_id"] == item])
    assert sorted(of_all, key=repr) == sorted(of_one, key=repr)


def test_the_model_is_portable():
    assert check_model(model_text("job_span"), "job_span") == []
