"""Does `meterhouse verify` count jobs, pods and claims as they are built, and see when they aren't?"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.operations.verify import verify
from meterhouse.site import Site
from strategies.job_tellings import DAY, at, telling
from strategies.pod_months import Sampled, raw_rows, sampled_months, some_series
from strategies.profiles import sites
from strategies.raw_rows import Row, land_rows
from strategies.sites import build_site, new_site

minutes = st.integers(0, 4000).map(at)
tellings = st.lists(
    st.builds(
        telling,
        form=st.just("sacct"),
        resource=st.just("cloud"),
        job_id=st.sampled_from(["1", "2_1", "3"]),
        cluster=st.sampled_from(["c", None]),
        submit=st.sampled_from([DAY, at(100)]),
        start=st.one_of(st.none(), st.sampled_from([at(5), at(110), at(200)])),
        end=st.one_of(st.none(), minutes),
        elapsed_seconds=st.one_of(st.none(), st.integers(0, 90_000)),
        suspended_seconds=st.one_of(st.none(), st.integers(0, 600)),
        state=st.sampled_from(["RUNNING", "COMPLETED", "CANCELLED", "PENDING"]),
        nodes=st.sampled_from([1, 2, 0]),
        cpu_millis=st.sampled_from([1000, 1500, 4000]),
        gpus=st.sampled_from([None, 0, 2]),
    ),
    max_size=8,
)


def land_jobs(site: Site, said: list[Row]) -> None:
    rows = [
        {name: value for name, value in row.items() if name not in ("batch_id", "record")} for row in said
    ]
    if rows:
        land_rows(site, "slurm_job", rows)
    build_site(site)


def land_series(site: Site, rows: list[Row]) -> None:
    kept = [{k: v for k, v in row.items() if k not in ("batch_id", "recorded_at", "record", "resource")}
            for row in rows if not row["query"].endswith("_used")]  # fmt: skip
    if kept:
        land_rows(site, "kubernetes_series", kept)
    build_site(site)


def errors(site: Site) -> list[str]:
    return [
        f"{one.what}: {one.expected}; {one.found}" for one in verify(site).findings if one.severity == "error"
    ]


@sites(12)
@given(tellings, st.sampled_from(["UTC", "Australia/Lord_Howe"]))
def test_jobs_come_to_what_their_records_say(said: list[Row], zone: str) -> None:
    with new_site(zone) as site:
        land_jobs(site, said)
        assert errors(site) == []


@sites(8)
@given(sampled_months())
def test_pods_come_to_what_their_samples_say(sampled: Sampled) -> None:
    with new_site() as site:
        land_series(site, raw_rows(sampled))
        assert errors(site) == []


def test_claims_come_to_what_their_samples_say() -> None:
    with new_site() as site:
        land_series(site, some_series(7))
        assert errors(site) == []
        assert verify(site).checked["items"] > 10


@pytest.fixture
def ran_an_hour() -> Iterator[Site]:
    with new_site() as site:
        land_jobs(site, [telling(form="sacct", resource="cloud")])
        yield site


def rewritten(site: Site, table: str, column: str, value: int) -> None:
    (file,) = site.warehouse.view().files(table)
    path = site.warehouse.view().root / file.path
    rows = pq.read_table(path)
    place = rows.schema.get_field_index(column)
    path.write_bytes(b"")
    pq.write_table(rows.set_column(place, column, pa.array([value] * len(rows), pa.int64())), path)


def test_a_job_with_another_size_than_was_said(ran_an_hour: Site) -> None:
    rewritten(ran_an_hour, "span", "cpu_millis", 8000)
    found = [one for one in verify(ran_an_hour).findings if one.check == "spans"]
    assert [(one.where, one.expected, one.found) for one in found] == [
        (
            "cloud job 1",
            "3600.000000 s, 14400000 s x thousandths of a CPU, 3686400 s x MiB",
            "3600.000000 s, 28800000 s x thousandths of a CPU, 3686400 s x MiB",
        )
    ]


def test_a_day_that_does_not_add_up_to_its_spans(ran_an_hour: Site) -> None:
    rewritten(ran_an_hour, "daily", "wall_seconds", 3601)
    (found,) = [one for one in verify(ran_an_hour).findings if one.check == "daily usage"]
    assert (found.expected, found.found) == (
        "3600 s, 1 begun, 1 ceased, 1 spans",
        "3601 s, 1 begun, 1 ceased, 1 spans",
    )
