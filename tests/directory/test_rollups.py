"""Do kept sums of daily usage give the same answers as daily usage itself, whoever moves and whenever?"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meterhouse.directory.dimensions import dimension_tables
from meterhouse.operations.directory_import import import_statement
from meterhouse.operations.directory_listing import unattributed_rows
from meterhouse.reports.questions import answer_question
from meterhouse.site import Site
from meterhouse.sources.directory.statement import (
    SaidAccount,
    SaidInstitution,
    SaidMember,
    SaidPerson,
    SaidProject,
    SaidReference,
    Statement,
)
from meterhouse.usage import rollups
from meterhouse.usage.answer_sql import grouped, rows_of
from meterhouse.usage.attribution import Attribution, kept, named, texts
from meterhouse.usage.calendar import calendar_table
from meterhouse.usage.meters import groupings
from meterhouse.usage.question import Question
from meterhouse.usage.rollups import DAYS_OF_MOVERS, FOLDER, roll_up
from meterhouse.usage.tables import DAILY
from meterhouse.warehouse.engines import EngineError
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from meterhouse.warehouse.publishing import NewFile

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
DAYS = (LAST - FIRST).days + 1
Key = tuple[str, tuple[str, ...], tuple[str, ...]]
PROJECTS, USERS = ("p1", "p2", "p3", "p9"), ("u1", "u2", "u3", "u9")


def publish_daily(site: Site, rows: Sequence[dict[str, Any]]) -> None:
    """Daily usage as a build publishes it: a file a month, one more each time."""
    add = []
    for month in sorted({row["day"].replace(day=1) for row in rows}):
        of_month = [row for row in rows if row["day"].replace(day=1) == month]
        path = site.warehouse.new_path("daily")
        pq.write_table(pa.Table.from_pylist(of_month, schema=DAILY), path)
        add.append(NewFile("daily", path, f"{month:%Y-%m}", None, None, len(of_month)))
    view = site.warehouse.view()
    last = site.warehouse.last_build(view)
    site.warehouse.publish(
        kind="build",
        previous_build=last.number if last else None,
        input_snapshot=view.snapshot,
        models_key="test",
        add=add,
        remove=[],
    )


def entry(
    day: date, project: str | None, user: str | None, vcpus: int, seconds: int, **more: Any
) -> dict[str, Any]:
    return {
        "rules": "default", "day": day, "resource": "cloud", "kind": "vm", "state": "active",
        "project_ref": project, "project_name": project and f"{project}-name",
        "user_ref": user, "user_name": user and f"{user}-name", "class": f"m{vcpus}",
        "vcpus": vcpus, "memory_mib": 1024 * vcpus, "wall_seconds": seconds,
        "begun": 1, "ceased": 0, "spans": 1, **more,
    }  # fmt: skip


def centre(shares: tuple[tuple[str, int], ...]) -> Statement:
    return Statement(
        "portal",
        institutions=[SaidInstitution(f"i{n}", f"Institution {n}") for n in range(3)],
        people=[
            SaidPerson("ada", "ada", "Ada", "Oka", institution="i0", career_level="Professor"),
            SaidPerson("bea", "bea", "Bea", "Ruiz", institution="i1", career_level="Postdoc"),
            SaidPerson("cyd", "cyd", "Cyd", "Park", institution="i2"),
        ],
        projects=[
            SaidProject("1", "Ocean", code="ocean"),
            SaidProject("2", "Tides", code="tides", parent="1"),
            SaidProject("3", "Waves", code="waves", shares=shares),
        ],
        members=[
            SaidMember("1", "ada", leader=True, primary_contact=True),
            SaidMember("3", "bea", leader=True, primary_contact=True),
            SaidMember("2", "cyd", level="Student"),
        ],
        references=[
            SaidReference("1", "cloud", "cloud_project", "p1"),
            SaidReference("2", "cloud", "cloud_project", "p2-name", matches="name"),
            SaidReference("3", "cloud", "cloud_project", "p3"),
        ],
        accounts=[
            SaidAccount("ada", "cloud", "u1", "id"),
            SaidAccount("bea", "", "u2-name"),
            SaidAccount("cyd", "cloud", "u3", "id"),
        ],
    )


def change(site: Site, kind: str, day: date) -> None:
    """One more thing that is so from a day on."""
    told = {
        "person moves": Statement(
            "portal",
            institutions=[SaidInstitution("i2", "Institution 2")],
            people=[SaidPerson("ada", "ada", institution="i2", career_level="Emeritus")],
        ),
        "project moves": Statement("portal", projects=[SaidProject("2", code="tides", parent="3")]),
        "shares change": Statement(
            "portal",
            institutions=[SaidInstitution("i2", "Institution 2")],
            projects=[SaidProject("3", code="waves", shares=(("i2", 1_000_000),))],
        ),
        "reference passes": Statement(
            "portal",
            projects=[SaidProject("3", code="waves")],
            references=[SaidReference("3", "cloud", "cloud_project", "p2-name", matches="name")],
        ),
        "account passes": Statement(
            "portal", people=[SaidPerson("cyd", "cyd")], accounts=[SaidAccount("cyd", "", "u2-name")]
        ),
        "member's level": Statement(
            "portal",
            people=[SaidPerson("cyd", "cyd")],
            projects=[SaidProject("2", code="tides")],
            members=[SaidMember("2", "cyd", level="Collaborator")],
        ),
    }[kind]
    import_statement(site, told, effective=day)


CHANGES = (
    "person moves", "project moves", "shares change", "reference passes", "account passes", "member's level",
)  # fmt: skip
days = st.integers(0, DAYS - 1).map(lambda n: FIRST + timedelta(days=n))
entries = st.builds(
    entry,
    days,
    st.sampled_from((*PROJECTS, None)),
    st.sampled_from((*USERS, None)),
    st.sampled_from((1, 2, 16)),
    st.integers(1, 86_400),
    state=st.sampled_from(("active", "inactive")),
    domain=st.sampled_from((None, "a", "b")),
)
names = [name for name, one in groupings().items() if not one.spans_only]
questions = st.builds(
    lambda by, period, edges, meters, wanted: Question.ask(
        realm="cloud",
        meters=meters,
        first=min(edges),
        last=max(edges),
        by=[*by, *([period] if period else [])],
        filters=wanted,
    ),
    st.lists(st.sampled_from(names), max_size=2, unique=True),
    st.sampled_from((None, "day", "month", "quarter")),
    st.one_of(st.just((FIRST, LAST)), st.just((FIRST, date(2026, 2, 28))), st.tuples(days, days)),
    st.lists(
        st.sampled_from(("core_hours", "memory_gib_hours", "vms_started", "stopped_wall_hours")),
        min_size=1, max_size=2, unique=True,
    ),
    st.sampled_from(
        ({}, {}, {"institution": ["Institution 2"]}, {"project_tree": ["ocean"]}, {"person": ["Oka, Ada"]},
         {"project": ["p1", "p3-name"]}, {"career_level": ["Unattributed", "Emeritus"]})
    ),
)  # fmt: skip


@pytest.fixture
def everything_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums are kept of files however small, and whether or not it is worth it."""
    monkeypatch.setattr(rollups, "SMALL", 0)
    monkeypatch.setattr(rollups, "WORTH", 0)


def told(
    site: Site, asked: Sequence[Question], as_of: int | None = None
) -> list[dict[Key, tuple[Fraction, ...]]]:
    """The exact quantities of each row of each answer."""
    with site.engine() as engine:
        dimensions = dimension_tables(site.warehouse.view(as_of), engine)
        answers = [answer_question(site, one, as_of, dimensions, engine) for one in asked]
    return [
        {(row.period, row.labels, row.ids): tuple(map(Fraction, row.quantities)) for row in one.rows}
        for one in answers
    ]


def told_by_every_row(
    site: Site, asked: Sequence[Question], as_of: int | None
) -> list[dict[Key, tuple[Fraction, ...]]]:
    """The same, where each entry of daily usage is joined with its owners on its own day."""
    view, found = site.warehouse.view(as_of), []
    with site.engine() as engine:
        for name, table in dimension_tables(view, engine).items():
            engine.relation(name, table)
        for one in asked:
            engine.relation("calendar", calendar_table(one.first, one.last, "UTC"))
            attribution, count = Attribution.of(one.groupings, one.filters), len(one.groupings)
            period = {None: "''", "day": "CAST(u.day AS VARCHAR)"}.get(one.period, f"c.{one.period}")
            sums = ""
            for meter in one.meters:
                quantity = f"CAST({meter.quantity or meter.function} AS DECIMAL(38, 0))"
                counted = f"CASE WHEN u.state IN ({texts(meter.states)}) THEN {quantity} END"
                sums += f", SUM({attribution.weighted(counted)})"
            rows = engine.query(f"""
                SELECT {period}{grouped(one.groupings)}{sums}
                FROM ({named(view.select("daily"))}) AS u JOIN calendar AS c ON c.day = u.day
                {attribution.joins("u.day")}
                WHERE {rows_of(one)} AND {kept(one.filters)} GROUP BY ALL HAVING SUM(u.spans) <> 0""")
            answer: dict[Key, tuple[Fraction, ...]] = {}
            for cells in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                labels = tuple("Unknown" if cell is None else str(cell) for cell in cells[1 : 1 + count])
                ids = tuple("" if cell is None else str(cell) for cell in cells[1 + count : 1 + 2 * count])
                assert (cells[0], labels, ids) not in answer
                quantities = (Fraction(int(cell or 0), attribution.scale) for cell in cells[1 + 2 * count :])
                answer[cells[0], labels, ids] = tuple(quantities)
            found.append(answer)
    return found


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_answers_are_those_of_every_row_on_its_day_with_and_without_kept_sums(
    everything_kept, tmp_path_factory, data
):
    with new_site(tmp_path_factory.mktemp("site")) as site, site.warehouse:
        rows = data.draw(st.lists(entries, min_size=1, max_size=40))
        publish_daily(site, rows)
        cut = data.draw(st.integers(1, 999_999))
        import_statement(site, centre((("i1", cut), ("i2", 1_000_000 - cut))), effective=FIRST)
        before = site.warehouse.view().snapshot
        for kind in data.draw(st.lists(st.sampled_from(CHANGES), max_size=4, unique=True)):
            change(site, kind, data.draw(days))
        # What a later build takes back, and what it enters in its place
        taken = data.draw(st.lists(st.sampled_from(rows), max_size=3))
        numbers = ("wall_seconds", "begun", "ceased", "spans")
        later = [{**row, **{name: -row[name] for name in numbers}} for row in taken]
        publish_daily(site, [*later, *data.draw(st.lists(entries, min_size=1, max_size=5))])
        asked = data.draw(st.lists(questions, min_size=5, max_size=5))
        for as_of in (None, before):
            expected = told_by_every_row(site, asked, as_of)
            assert told(site, asked, as_of) == expected
            assert roll_up(site.warehouse.view(as_of), site.engine) > 0 or as_of is not None
            assert told(site, asked, as_of) == expected
            only_months(site)
            assert told(site, asked, as_of) == expected  # and keeps days of those who move
            assert told(site, asked, as_of) == expected
            shutil.rmtree(site.warehouse.view().root / FOLDER)


def only_months(site: Site) -> None:
    """As where sums by day aren't worth it."""
    for path in site.warehouse.view().root.glob(f"{FOLDER}/*/*-day.parquet"):
        path.unlink()


def new_site(folder: Any) -> Site:
    from services.registers import migrated_sqlite

    shutil.copy(migrated_sqlite(), folder / "register.sqlite3")
    (folder / "meterhouse.toml").write_text(
        '[site]\nname = "Test"\n[warehouse]\nthreads = 1\n[[resources]]\nname = "cloud"\nkind = "cloud"\n'
    )
    return Site.open(folder)


@pytest.fixture
def used(site: Site, everything_kept: None) -> Site:
    """Three months of 1 core in Ocean, 2 in Tides, 4 in Waves, 8 in nobody's project."""
    cores = {("p1", "u1"): 1, ("p2", "u3"): 2, ("p3", "u2"): 4, ("p9", "u9"): 8}
    publish_daily(
        site,
        [
            entry(FIRST + timedelta(days=n), project, user, vcpus, 3600)
            for n in range(DAYS)
            for (project, user), vcpus in cores.items()
        ],
    )
    import_statement(site, centre((("i1", 600_000), ("i2", 400_000))), effective=FIRST)
    return site


def ask(site: Site, by: str) -> dict[str, int]:
    question = Question.ask(realm="cloud", meters=["core_hours"], first=FIRST, last=LAST, by=[by])
    return {row.labels[0]: int(row.values[0] or 0) for row in answer_question(site, question).rows}


def test_a_move_inside_a_month_splits_that_month_on_its_day(used):
    roll_up(used.warehouse.view(), used.engine)
    change(used, "person moves", date(2026, 2, 11))
    # 31 + 10 days of Ada's 1 + 2 cores before the move, 18 + 31 after; 40 % of Waves' 4 cores in all 90 days
    assert ask(used, "pi_institution") == {
        "Institution 0": 41 * 3, "Institution 2": 49 * 3, "Institution 1": 90 * 4, "Unattributed": 90 * 8,
    }  # fmt: skip
    assert ask(used, "institution")["Institution 2"] == 49 * 3 + 144


def days_of_movers(site: Site) -> dict[str, int]:
    """What is kept of those who move: file names, and when each was written or asked for last."""
    found = site.warehouse.view().root.glob(f"{FOLDER}/*/{DAYS_OF_MOVERS}*")
    return {path.name: path.stat().st_mtime_ns for path in found}


def test_days_of_who_moves_inside_a_month_are_looked_for_once_and_again_when_others_move(used):
    roll_up(used.warehouse.view(), used.engine)
    only_months(used)
    plain = ask(used, "pi_institution")
    assert not days_of_movers(used)
    change(used, "person moves", date(2026, 2, 11))
    moved = {"Institution 0": 41 * 3, "Institution 2": 49 * 3, **{
        name: plain[name] for name in ("Institution 1", "Unattributed")
    }}  # fmt: skip
    assert ask(used, "pi_institution") == moved
    kept = days_of_movers(used)
    assert len(kept) == 1  # of February
    month = next(path for path in (used.warehouse.view().root / FOLDER).glob("*/*") if path.name in kept)
    assert sorted(pq.read_table(month).column("project_ref").to_pylist()) == ["p1"] * 28 + ["p2"] * 28
    for path in (used.warehouse.view().root / "daily").glob("*.parquet"):
        path.rename(path.with_suffix(".gone"))
    assert ask(used, "pi_institution") == moved
    assert days_of_movers(used) == kept
    for path in (used.warehouse.view().root / "daily").glob("*.gone"):
        path.rename(path.with_suffix(".parquet"))
    # All of Waves goes to Institution 2 in the same month: now it moves, too
    change(used, "shares change", date(2026, 2, 20))
    assert ask(used, "institution")["Institution 2"] == 49 * 3 + 50 * 4 * 4 // 10 + 40 * 4
    assert len(days_of_movers(used)) == 2


def test_days_of_who_moves_are_read_where_they_are_when_they_cannot_be_kept(used, monkeypatch):
    roll_up(used.warehouse.view(), used.engine)
    only_months(used)
    change(used, "person moves", date(2026, 2, 11))

    def full(*_: object, **__: object) -> int:
        raise EngineError("DuckDB", "days", "No space left on device")

    monkeypatch.setattr(DuckDBEngine, "copy", full)
    assert ask(used, "pi_institution")["Institution 0"] == 41 * 3
    assert not days_of_movers(used)


def test_days_of_who_moves_go_when_nobody_asked_for_them_for_a_week(used):
    roll_up(used.warehouse.view(), used.engine)
    only_months(used)
    change(used, "person moves", date(2026, 2, 11))
    ask(used, "pi_institution")
    [path] = used.warehouse.view().root.glob(f"{FOLDER}/*/{DAYS_OF_MOVERS}*")
    long_ago = time.time() - 8 * 86_400
    os.utime(path, (long_ago, long_ago))
    ask(used, "pi_institution")
    roll_up(used.warehouse.view(), used.engine)
    assert path.exists()  # it was asked for
    os.utime(path, (long_ago, long_ago))
    roll_up(used.warehouse.view(), used.engine)
    assert not path.exists()


def test_nothing_is_read_from_daily_usage_when_its_sums_are_kept(used):
    expected = ask(used, "project_tree")
    roll_up(used.warehouse.view(), used.engine)
    for path in (used.warehouse.view().root / "daily").glob("*.parquet"):
        path.write_bytes(b"")
    assert ask(used, "project_tree") == expected
    assert ask(used, "resource") == {"cloud": 90 * 15}


@pytest.mark.parametrize(("last", "cores"), [(20, 79), (25, 79), (31, 79), (19, 78)])
def test_a_month_in_part_is_read_by_month_where_nothing_is_known_after_it(site, everything_kept, last, cores):
    publish_daily(
        site, [entry(FIRST + timedelta(days=n), "p1", "u1", 1, 3600) for n in range(DAYS) if n < 79]
    )  # until 20 March
    roll_up(site.warehouse.view(), site.engine)
    by_day = site.warehouse.view().root.glob(f"{FOLDER}/*/*-day.parquet")
    if last >= 20:
        for path in by_day:
            path.write_bytes(b"")
    question = Question.ask(
        realm="cloud", meters=["core_hours"], first=FIRST, last=date(2026, 3, last), by=["project"]
    )
    assert [int(row.values[0] or 0) for row in answer_question(site, question).rows] == [cores]


def test_sums_are_made_once_and_dropped_with_their_file(used):
    view = used.warehouse.view()
    assert (roll_up(view, used.engine), roll_up(view, used.engine)) == (3, 0)
    publish_daily(used, [entry(FIRST, "p1", "u1", 1, 60)])
    assert roll_up(used.warehouse.view(), used.engine) == 1
    view.files("daily")[0].path.unlink()
    rollups._drop_unneeded(view)
    assert len(list((view.root / FOLDER).iterdir())) == 3


def test_names_and_unowned_ids_are_the_same_from_kept_sums(used):
    renamed = entry(date(2026, 3, 2), "p9", "u9", 1, 60, project_name="new name", domain="d")
    publish_daily(
        used, [renamed, {**renamed, "day": date(2026, 3, 9), "project_name": "newest", "domain": None}]
    )

    def known() -> tuple[list[Any], list[Any]]:
        view = used.warehouse.view()
        with used.engine() as engine:
            names = dimension_tables(view, engine)["project_dimension"].sort_by("project_ref").to_pylist()
        return names, unattributed_rows(used, FIRST, LAST, "all")

    plain = known()
    [of_p9] = [row for row in plain[0] if row["project_ref"] == "p9"]
    # the newest name, until another was said; the newest domain that was said
    assert (of_p9["project_name"], of_p9["domain"]) == ("p9-name", "d")
    assert roll_up(used.warehouse.view(), used.engine) == 4
    assert known() == plain
