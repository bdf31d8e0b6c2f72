"""What does `meterhouse verify` find? Each finding is provoked on a small site that is right before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from meterhouse.cli.main import app
from meterhouse.errors import QuestionError
from meterhouse.operations.verify import Finding, verify
from meterhouse.site import Site
from meterhouse.sources.delivery import Coverage, Delivery, Rejection, Rows
from meterhouse.sources.tables import RAW_TABLES
from services.invoked import CliRunner
from strategies.event_streams import FLAVORS, Event, batches_of, many_streams
from strategies.profiles import sites
from strategies.sites import build_site, land, new_site

DAY = datetime(2018, 4, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def event(hours: float, name: str, item: str = "vm-1", **more: object) -> Event:
    return Event(item, at(hours), f"compute.instance.{name}", **more)


# vm-1: m2 (2 vCPUs), runs from 10 to 14 o'clock, then stopped until 16, deleted.
LIFE = [
    event(10, "create.end", flavor=FLAVORS[1]),
    event(14, "power_off.end", flavor=FLAVORS[1], state="stopped"),
    event(16, "delete.end", flavor=FLAVORS[1], state="deleted"),
]


@pytest.fixture
def site() -> Iterator[Site]:
    with new_site() as site:
        land(site, LIFE)
        build_site(site)
        yield site


def rows_delivery(
    table: str, records: list[dict[str, object]], name: str = "rows", *more: object
) -> Delivery:
    schema = RAW_TABLES[table].schema
    numbered = [{"record": n, "resource": "cloud"} | record for n, record in enumerate(records, start=1)]
    parts = [Rows(table, pa.RecordBatch.from_pylist(numbered, schema=schema)), *more]
    key = f"{abs(hash((table, repr(records), name))):064x}"[-64:]
    return Delivery(name, "cloud", name, key, iter(parts))  # type: ignore[arg-type]


def found(site: Site, check: str | None = None, **arguments: object) -> list[Finding]:
    return [f for f in verify(site, **arguments).findings if check in (None, f.check)]  # type: ignore[arg-type]


def path_of(site: Site, table: str, partition: str | None = None):
    """Of the table's oldest file."""
    return site.warehouse.view().files(table, partition=partition)[0].path


def rewrite(
    site: Site, table: str, change: Callable[[pa.Table], pa.Table], partition: str | None = None
) -> None:
    path = path_of(site, table, partition)
    pq.write_table(change(pq.read_table(path)), path)


def with_value(table: pa.Table, column: str, value: object, row: int = 0) -> pa.Table:
    values = table.column(column).to_pylist()
    values[row] = value
    field = table.schema.field(column)
    return table.set_column(table.schema.names.index(column), field, pa.array(values, field.type))


# --- nothing wrong


def test_a_site_that_is_right_has_no_findings(site):
    verification = verify(site)
    assert verification.findings == ()
    assert verification.is_good
    # default: active, inactive; xdmod: the same two. 18 April: both of both.
    assert verification.checked == {"files": 4, "rows": 13, "items": 1, "spans": 4, "daily groups": 4}


def test_an_empty_site_is_right():
    with new_site() as site:
        land(site, [])
        assert verify(site).is_good


@sites(4)
@given(events=many_streams(each=8, count=60))
def test_whatever_was_said_and_however_it_was_built_all_agrees(events):
    with new_site("Australia/Lord_Howe") as site:
        for number, batch in enumerate(batches_of(events)):
            land(site, batch, str(number))
            build_site(site)
        assert [finding for finding in verify(site).findings if finding.severity == "error"] == []


# --- files and counts


def test_a_missing_file_is_an_error_and_nothing_can_be_compared(site):
    path = path_of(site, "openstack_event")
    path.unlink()
    missing, not_compared = found(site, "files")
    assert (missing.severity, missing.what, missing.expected) == ("error", "a file is missing", "3 rows")
    assert str(path) in missing.where
    assert not_compared.what == "spans and daily usage could not be compared with raw records"


def test_a_file_that_is_no_parquet_file_any_more(site):
    path_of(site, "daily").write_bytes(b"not a file")
    assert [finding.what for finding in found(site, "files")] == [
        "a file is damaged",
        "spans and daily usage could not be compared with raw records",
    ]


def test_an_altered_file_shows_in_its_checksum_and_in_the_figures(site):
    rewrite(site, "daily", lambda table: with_value(table, "wall_seconds", 1, row=0))
    assert [finding.what for finding in found(site, "files")] == ["a file was altered since it was written"]
    (different,) = found(site, "daily usage")
    assert different.severity == "error"
    assert different.found.startswith("1 s")
    assert different.expected.startswith(("14400 s", "7200 s"))  # four hours running, two stopped


def test_a_file_with_fewer_rows_than_catalogued(site):
    rewrite(site, "openstack_event", lambda table: table.slice(0, 2))
    (finding,) = found(site, "files")
    assert (finding.what, finding.expected, finding.found) == (
        "a file has other rows than the catalogue says",
        "3 rows",
        "2 rows",
    )
    (counts,) = found(site, "counts")
    assert (counts.expected, counts.found) == ("3 records", "2 records")
    assert "openstack_event" in counts.where


def test_rejected_records_are_counted_too(site):
    rejection = Rejection("file.json", 1, "vcpus", "a number", "many")
    site.warehouse.land(rows_delivery("openstack_event", [], "bad", rejection))
    assert found(site) == []
    rewrite(site, "rejected_record", lambda table: with_value(table, "batch_id", "another"))
    assert sorted(finding.found for finding in found(site, "counts")) == ["0 records", "1 records"]


# --- spans and daily usage


def test_a_span_that_the_raw_records_do_not_give(site):
    rewrite(site, "span", lambda table: with_value(table, "vcpus", 64), "closed")
    (finding,) = found(site, "spans")
    assert (finding.severity, finding.where) == ("error", "cloud vm vm-1")
    assert "vcpus 2" in finding.expected
    assert "vcpus 64" in finding.found


def test_a_span_that_is_missing_and_one_too_many(site):
    rewrite(site, "span", lambda table: table.slice(0, 1), "closed")
    assert {finding.found for finding in found(site, "spans")} == {"no such span"}
    with new_site() as other:
        land(other, LIFE)
        build_site(other)
        rewrite(other, "span", lambda table: pa.concat_tables([table, table.slice(0, 1)]), "closed")
        assert [finding.expected for finding in found(other, "spans")] == ["no such span"]
        assert [finding.severity for finding in found(other, "overlap")] == ["error"]


def test_evidence_that_does_not_say_what_the_span_says(site):
    rewrite(site, "span", lambda table: with_value(table, "opened_record", 3), "closed")
    (finding,) = found(site, "evidence")
    assert finding.expected == "a record of compute.instance.create.end at 2018-04-18 10:00:00.000000"
    assert finding.found.endswith("record 3")


def test_spans_that_overlap(site):
    def longer(table: pa.Table) -> pa.Table:
        row = table.column("state").to_pylist().index("active")
        return with_value(table, "end", at(15), row)

    rewrite(site, "span", longer, "closed")
    (finding,) = found(site, "overlap")
    assert (finding.severity, finding.found) == ("error", "2018-04-18 14:00:00+00:00")


def test_times_that_cannot_be(site):
    def impossible(table: pa.Table) -> pa.Table:
        first = table.column("state").to_pylist().index("active")
        table = with_value(table, "start", at(9), first)
        table = with_value(table, "end", at(8), first)
        return table

    rewrite(site, "span", impossible, "closed")
    assert {finding.what for finding in found(site, "times")} == {
        "span ends before it starts",
        "span starts before the first record",
    }


def test_a_year_that_cannot_be_and_a_record_from_the_future():
    with new_site() as site:
        now = datetime.now(UTC)
        land(site, [Event("vm-1", now - HOUR, "compute.instance.create.end"),
                    Event("vm-1", now + 5 * HOUR, "compute.instance.exists")])  # fmt: skip
        build_site(site)
        assert {(f.severity, f.what) for f in found(site, "times")} == {
            ("warning", "span ends after its record was taken in: is a clock wrong?")
        }
        rewrite(
            site, "span", lambda table: with_value(table, "end", datetime(2101, 1, 1, tzinfo=UTC)), "open"
        )
        assert "span ends in a year that can't be" in {f.what for f in found(site, "times")}


def test_running_without_a_size_and_usage_of_nobody():
    nobody = {"flavor": FLAVORS[4], "project": (None, None), "user": (None, None)}
    with new_site() as site:
        land(site, [event(10, "create.end", **nobody), event(12, "delete.end", **nobody)])
        build_site(site)
        findings = found(site)
        assert [(f.severity, f.check, f.what) for f in findings] == [
            ("warning", "unattributed", "usage of nobody's project"),
            ("warning", "usage without size", "running without a known size"),
            ("note", "unattributed", "usage without a user"),
        ]
        assert {f.found for f in findings} == {"1 items, 7200 s in all, vm-1 among them"}
        assert verify(site).is_good


# --- what was heard


def test_words_outside_the_catalogue_are_counted_and_change_nothing(site):
    odd = [event(11, "port_made.end"), event(12, "port_made.end"), event(13, "exists", state="Dancing")]
    land(site, odd, "odd")
    build_site(site)
    states, events = sorted(found(site, "vocabulary"), key=lambda f: f.what, reverse=True)
    assert events.found == "2 records: compute.instance.port_made.end 2"
    assert states.found == "1 records: dancing 1"
    assert {states.severity, events.severity} == {"note"}
    assert verify(site).is_good


def covering(name: str, *windows: Coverage) -> Delivery:
    return rows_delivery("openstack_event", [], name, *windows)


def test_gaps_in_coverage_and_windows_that_failed(site):
    site.warehouse.land(covering("poll", Coverage("servers", at(0), at(6), "ok"),
                                 Coverage("servers", at(7), at(8), "ok"),
                                 Coverage("servers", at(8), at(9), "failed", detail="503"),
                                 Coverage("servers", at(9), at(10), "empty")))  # fmt: skip
    findings = found(site, "coverage")
    assert [(f.severity, f.what, f.found) for f in findings] == [
        ("warning", "a window was asked for in vain", "2018-04-18 08:00:00 to 2018-04-18 09:00:00: 503"),
        ("warning", "a window was never read", "2018-04-18 06:00:00 to 2018-04-18 07:00:00"),
    ]
    assert {f.where for f in findings} == {"cloud, poll: servers"}


def test_a_call_that_asks_how_things_stand_has_no_gaps_but_can_fail(site):
    site.warehouse.land(covering("facts", Coverage("hypervisors", at(0), at(0), "ok"),
                                 Coverage("hypervisors", at(9), at(9), "failed", 0, "timeout")))  # fmt: skip
    (finding,) = found(site, "coverage")
    assert (finding.what, finding.found) == ("a call failed", "2018-04-18 09:00:00: timeout")


def test_records_that_no_build_has_seen_are_stale_not_wrong(site):
    land(site, [event(17, "create.end", item="vm-2")], "newer")
    (finding,) = found(site, "stale")
    assert finding.severity == "warning"
    assert finding.found == "1 records in 1 batches that are not counted yet"
    build_site(site)
    assert found(site, "stale") == []


def test_usage_built_by_another_clock_is_not_compared(site):
    settings = site.path / "meterhouse.toml"
    settings.write_text(settings.read_text().replace('"UTC"', '"Asia/Tokyo"'))
    with Site.open(site.path) as moved:
        (finding,) = found(moved)
    assert (finding.check, finding.severity) == ("stale", "warning")


def test_more_cores_in_use_than_there_were(site):
    facts = [{"observed_at": at(h), "hypervisor_id": name, "hostname": name, "vcpus": 2}
             for h, names in ((0, "ab"), (12, "a")) for name in names]  # fmt: skip
    site.warehouse.land(rows_delivery("hypervisor", facts))
    assert found(site, "capacity") == []  # 2 of 4, later 2 of 2
    land(site, [event(13, "create.end", item="vm-2", flavor=FLAVORS[2])], "eight more")
    land(site, [event(15, "delete.end", item="vm-2", flavor=FLAVORS[2])], "gone")
    build_site(site)
    (finding,) = found(site, "capacity")
    assert (finding.severity, finding.expected) == ("warning", "at most 2 cores")
    assert finding.found == "10 cores at 2018-04-18 13:00:00; more than there were 1 times in all"


# --- Nova's own figures


def nova(
    hours: str, started: float = 10, ended: float | None = 16, server: str = "vm-1", **more: object
) -> Delivery:
    record = {"observed_at": at(25), "period_start": at(0), "period_end": at(24),
              "server_id": server, "hours": hours, "started_at": at(started),
              "ended_at": at(ended) if ended is not None else None} | more  # fmt: skip
    return rows_delivery("openstack_tenant_usage", [record], f"nova {server}")


def test_nova_counts_the_same_hours(site):
    site.warehouse.land(nova("6.0005"))  # from 10 to 16 o'clock, and less than two seconds
    build_site(site, full=True)
    assert found(site, "nova") == []


def test_nova_counts_other_hours(site):
    site.warehouse.land(nova("7.5"))
    build_site(site, full=True)
    (finding,) = found(site, "nova")
    assert (finding.severity, finding.expected, finding.found) == (
        "error",
        "Nova: 7:30:00",
        "Meterhouse: 6:00:00",
    )
    assert not verify(site).is_good


def test_a_server_that_only_nova_knows(site):
    site.warehouse.land(nova("1.0", server="vm-9"))
    build_site(site, full=True)
    (finding,) = found(site, "nova")
    assert (finding.severity, finding.found) == ("error", "Meterhouse: 0:00:00")


def test_nova_starts_its_clock_anew_at_an_unshelve():
    with new_site() as site:
        land(site, [event(8, "create.end"), event(10, "shelve_offload.end", state="shelved_offloaded"),
                    event(15, "unshelve.end"), event(18, "delete.end", state="deleted")])  # fmt: skip
        site.warehouse.land(nova("3.0", started=15, ended=18))  # from 15 to 18; it was there from 8
        build_site(site)
        (finding,) = found(site, "nova")
        assert (finding.severity, finding.expected, finding.found) == (
            "note",
            "Nova: 3:00:00",
            "Meterhouse: 10:00:00",
        )
        assert finding.what == "Nova counts only from 2018-04-18 15:00:00, when the server was unshelved"
        assert verify(site).is_good


def test_nova_counts_on_where_nothing_more_was_heard():
    with new_site() as site:
        land(site, [event(8, "create.end"), event(20, "exists")])
        site.warehouse.land(nova("16.0", started=8, ended=None))  # from 8 to midnight
        build_site(site)
        (finding,) = found(site, "nova")
        assert (finding.severity, finding.found) == ("note", "Meterhouse: 12:00:00")


# --- what is asked for


def test_a_period_and_a_profile_narrow_what_is_compared(site):
    land(site, [replace(one, item="vm-2", time=one.time + timedelta(days=2)) for one in LIFE], "later")
    build_site(site)
    rewrite(site, "daily", lambda table: with_value(table, "wall_seconds", 1, row=0))  # of 18 April
    assert len(found(site, "daily usage")) == 1
    assert found(site, "daily usage", first=date(2018, 4, 19)) == []
    by_profile = [found(site, "daily usage", profile=profile) for profile in ("default", "xdmod")]
    assert sorted(map(len, by_profile)) == [0, 1]


def test_as_of_an_earlier_snapshot(site):
    earlier = site.warehouse.view().snapshot
    land(site, [event(17, "create.end", item="vm-2")], "newer")
    build_site(site)
    assert verify(site, as_of=earlier).checked["items"] == 1
    assert verify(site).checked["items"] == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"first": date(2018, 4, 2), "last": date(2018, 4, 1)}, "first day before the last"),
        ({"profile": "none"}, "profile: expected one of default, xdmod"),
    ],
)
def test_what_can_not_be_asked(site, arguments, told):
    with pytest.raises(QuestionError, match=told):
        verify(site, **arguments)


# --- the command


def test_the_command_says_that_all_is_well(site):
    result = CliRunner().invoke(app, ["--site", str(site.path), "verify"])
    assert result.exit_code == 0
    assert result.output == (
        "All figures agree with the raw records: 0 errors, 0 warnings, 0 notes. "
        "Looked at 4 files, 13 rows, 1 items, 4 spans, 4 daily groups; snapshot 2.\n"
    )


def test_the_command_fails_and_lists_what_is_wrong(site):
    rewrite(site, "daily", lambda table: with_value(table, "wall_seconds", 1, row=0))
    arguments = ["--site", str(site.path), "verify", "--format"]
    table = CliRunner().invoke(app, [*arguments, "table"])
    assert table.exit_code == 1
    assert "Not everything is as it should be: 2 errors" in table.output
    told = CliRunner().invoke(app, [*arguments, "json"])
    assert told.exit_code == 1
    answer = json.loads(told.output)
    assert (answer["good"], [one["check"] for one in answer["findings"]]) == (False, ["daily usage", "files"])
    csv = CliRunner().invoke(app, [*arguments, "csv"])
    assert csv.output.splitlines()[0] == "severity,check,what,expected,found,where"
    assert len(csv.output.splitlines()) == 3
