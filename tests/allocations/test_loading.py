"""A ledger file: three formats of one vocabulary, nothing changed by the same file, and all told before."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from worlds import entities, funded, grant, line, pool, project, use

from meterhouse.allocations.asking import Ledger
from meterhouse.allocations.file.reading import LedgerFileError, ledger_file, read_file
from meterhouse.allocations.loading.load import Refusals, load
from meterhouse.allocations.rebuilding import rebuild
from meterhouse.allocations.register import models as ledger
from meterhouse.directory.register import models as directory
from meterhouse.errors import MeterhouseError

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "kep5.toml"


def test_the_example_of_kep_5(alias: str) -> None:
    load(alias, read_file(EXAMPLE), who="test")
    rebuild(alias)
    book = Ledger(alias)
    pools = {one.name: one.id for one in book.pools()}
    found = book.figures(pools.values(), date(2100, 1, 8))
    disk, cpu = found[pools["Q1PA"]], found[pools["Q1PD"]]
    assert (disk.allocated, disk.used, disk.remaining) == (600, 100, 500)
    assert (disk.percent, disk.peak_day) == (Decimal("16.6667"), date(2100, 1, 2))
    assert (cpu.allocated, cpu.used, cpu.remaining, cpu.percent) == (60, 700, -640, Decimal("1166.6667"))


def test_the_same_file_again_changes_nothing(alias: str) -> None:
    contents = read_file(EXAMPLE)
    first = load(alias, contents, who="test")
    assert first.differences
    assert len(first.posted.booked) == 16
    again = load(alias, contents, who="test")
    assert again.differences == []
    assert again.posted.booked == []
    assert again.same > 0
    assert again.posted.same == first.posted.booked


def test_a_dry_run_tells_what_would_change_and_changes_nothing(alias: str) -> None:
    contents = read_file(EXAMPLE)
    told = load(alias, contents, who="test", dry_run=True)
    assert not directory.Project.objects.using(alias).filter(code="ProjectA").exists()
    assert [(x.change, x.kind, x.what) for x in told.differences] == [
        (x.change, x.kind, x.what) for x in load(alias, contents, who="test").differences
    ]


def test_a_change_is_told_with_what_stood_before_and_kept_with_who_and_when(alias: str) -> None:
    moment = datetime(2100, 2, 3, tzinfo=UTC)
    load(alias, ledger_file(entities(**funded()), "test"), who="alice")
    changed = entities(**funded())
    changed["grants"][0]["expires"] = "2100-06-30"
    [difference] = load(alias, ledger_file(changed, "test"), who="bob", moment=moment).differences
    assert (difference.change, difference.kind, difference.what) == ("changed", "grant", "g")
    assert (difference.before, difference.after) == ({"ends": "2101-01-01"}, {"ends": "2100-07-01"})
    newest, oldest = ledger.Grant.history.using(alias).order_by("-history_id")  # type: ignore[attr-defined]
    assert (oldest.history_user_id, oldest.ends) == ("alice", date(2101, 1, 1))
    assert (newest.history_user_id, newest.ends, newest.history_date) == ("bob", date(2100, 7, 1), moment)


def test_a_file_that_adds_to_what_is_there(alias: str) -> None:
    load(alias, ledger_file(entities(**funded()), "test"), who="test")
    more = {"allocations": [line("bonus", "g", "p", "50")]}
    [difference] = load(alias, ledger_file(more, "test"), who="test").differences
    assert (difference.change, difference.kind, difference.what) == ("new", "allocation", "bonus")
    assert ledger.Allocation.objects.using(alias).count() == 2


def test_what_a_file_does_not_say_stays_as_it_was(alias: str) -> None:
    whole = {**project("Inst", "", "capped"), "name": "The institute", "start_date": "2100-01-01"}
    load(alias, ledger_file({"projects": [{k: v for k, v in whole.items() if v}]}, "test"), who="test")
    again = load(
        alias, ledger_file({"projects": [{"pid": "Inst", "description": "more"}]}, "test"), who="test"
    )

    assert [(one.kind, one.what, one.after) for one in again.differences] == [
        ("project", "Inst", {"description": "more"})
    ]
    row = directory.Project.objects.using(alias).get(code="Inst")
    assert (row.title, row.description, row.start_date) == ("The institute", "more", date(2100, 1, 1))
    assert ledger.AllocationPolicy.objects.using(alias).get(project=row).mode == "capped"


def test_nothing_is_written_of_a_file_with_a_mistake(alias: str) -> None:
    world = entities(**funded())
    world["grants"].append(grant("h", "Nowhere"))
    with pytest.raises(Refusals, match="grant Nowhere: project_unknown: expected a known project"):
        load(alias, ledger_file(world, "test"), who="test")
    assert not ledger.Scheme.objects.using(alias).exists()


def test_what_only_the_register_can_tell_is_refused_by_it(alias: str) -> None:
    load(alias, ledger_file(entities(**funded()), "test"), who="test")
    more = {"allocation_pools": [pool("l", "Lab")], "allocations": [line("x", "g", "l", "1")]}
    with pytest.raises(MeterhouseError, match="allocation_is_of_its_projects_grant"):
        load(alias, ledger_file(more, "test"), who="test")
    assert not ledger.AllocationPool.objects.using(alias).filter(code="l").exists()


def test_suspended_usage_is_booked_when_its_project_is_known(alias: str) -> None:
    world = {**entities(**funded()), "usages": [use("x", "2100-01-05", "Late", "7")]}
    assert "Late" in load(alias, ledger_file(world, "test"), who="test").posted.suspended["x"]
    more = {"projects": [project("Late", "Inst", "shared")]}
    assert load(alias, ledger_file(more, "test"), who="test").posted.booked == ["x"]
    assert not ledger.SuspendedUsage.objects.using(alias).exists()
    rebuild(alias)
    [figures] = (
        Ledger(alias)
        .figures([ledger.AllocationPool.objects.using(alias).get().pk], date(2100, 3, 31))
        .values()
    )
    assert figures.used == 7


CSV = """\
kind,name,pid,id,project,scheme,period,resource_pool,machine,function,opened,begins,expires,start,end,grant,allocation_pool,quantity
projects,,P,,,,,,,,,,,,,,,
resource_pools,CPU,,,,,,,,sum,,,,,,,,
resources,,,cpu,,,,CPU,tango,,,,,,,,,
schemes,ET,,,,,,,,,2100-01-01,,,,,,,
periods,2100Q1,,,,,,,,,,,,2100-01-01,2100-03-31,,,
grants,,,g,P,ET,,,,,,2100-01-01,2100-12-31,,,,,
allocation_pools,,,p,P,,2100Q1,CPU,,,,,,,,,,
allocations,,,a,,,,,,,,,,,,g,p,0.1
"""


def test_csv_json_and_toml_say_the_same(alias: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.csv").write_text(CSV)
    said = {
        "projects": [{"pid": "P"}],
        "resource_pools": [{"name": "CPU", "function": "sum"}],
        "resources": [{"id": "cpu", "resource_pool": "CPU", "machine": "tango"}],
        "schemes": [{"name": "ET", "opened": "2100-01-01"}],
        "periods": [{"name": "2100Q1", "start": "2100-01-01", "end": "2100-03-31"}],
        "grants": [
            {"id": "g", "project": "P", "scheme": "ET", "begins": "2100-01-01", "expires": "2100-12-31"}
        ],
        "allocation_pools": [{"id": "p", "project": "P", "period": "2100Q1", "resource_pool": "CPU"}],
        "allocations": [{"id": "a", "grant": "g", "allocation_pool": "p", "quantity": 0.1}],
    }
    (tmp_path / "ledger.json").write_text(json.dumps(said))
    tables = []
    for name, rows in said.items():
        for row in rows:
            tables.append(f"[[{name}]]\n" + "\n".join(f"{key} = {json.dumps(x)}" for key, x in row.items()))
    (tmp_path / "ledger.toml").write_text("\n".join(tables))
    load(alias, read_file(tmp_path / "ledger.csv"), who="test")
    for form in ("json", "toml"):
        assert load(alias, read_file(tmp_path / f"ledger.{form}"), who="test").differences == []
    assert ledger.Allocation.objects.using(alias).get().quantity == Decimal("0.1")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.toml", "grants = [{ id = 1, wand = 2 }]", "grants.0.wand: expected a known field"),
        ("x.toml", "wizards = []", "wizards: expected a known field"),
        ("x.toml", "a = ", "expected TOML"),
        (
            "x.json",
            '{"schemes": [{"name": "s", "opened": "2100-02-30"}]}',
            "schemes.0.opened: expected a day",
        ),
        ("x.json", '{"schemes": [], "schemes": []}', "expected field 'schemes' once"),
        ("x.json", "[]", "expected tables by name, found list"),
        ("x.csv", "name\nP\n", "expected a column kind"),
        ("x.csv", "kind,pid\nprojects\n", "line 2: expected 2 cells"),
        ("x.toml", "caps = [{ project = 1, resource_pool = 2, quantity = 1e99 }]", "caps.0.quantity"),
        ("x.toml", "caps = [{ project = 1, resource_pool = 2, quantity = 1e-10 }]", "9 decimals"),
        ("x.yaml", "", "expected a .toml, .json or .csv file"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_what(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(LedgerFileError) as refused:
        read_file(tmp_path / name)
    assert told in str(refused.value)
    assert name in str(refused.value)


def test_large_quantities_are_kept_to_the_last_digit(alias: str) -> None:
    world = entities(**funded(quantity="1234567890123456789.123456789"))
    world["usages"] = [use("x", "2100-01-05", "Inst", "1000000000000000000.000000001")]
    load(alias, ledger_file(world, "test"), who="test")
    rebuild(alias)
    pool_id = ledger.AllocationPool.objects.using(alias).get().pk
    found = Ledger(alias).figures([pool_id], date(2100, 1, 5))[pool_id]
    assert found.remaining == Decimal("234567890123456789.123456788")
