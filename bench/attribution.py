"""How fast is usage attributed? Years of usage, thousands of projects, and the same asked of PostgreSQL.

    python bench/attribution.py [--rows 1000000] [--days 1095] [--projects 5000] [--people 20000]
        [--institutions 200] [--work DIR] [--no-postgresql]

A tree of projects of depth 6 with funding shares and moves; daily usage of (project, person) pairs. Each
question is asked twice, in a new engine; the second time is warm. PostgreSQL holds the same rows and
dimension tables, indexed and analysed, and answers the same question; totals must agree.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

SETTINGS = '[site]\nname = "bench"\n[[resources]]\nname = "cloud"\nkind = "cloud"\n'
DEPTH = 6
FIRST = date(2024, 1, 1)
QUESTIONS = ("institution", "pi", "project_tree", "project_path", "person", "career_level")


def fill_directory(site: Any, projects: int, people: int, institutions: int, days: int) -> None:
    """Enter the directory: every tenth project is funded by two.

    Every hundredth moves, every tenth person and every twentieth funding changes, each on a day of its own.
    """
    import meterhouse.register.configured  # noqa: F401
    from meterhouse.directory.pen import Pen, written
    from meterhouse.directory.register import models

    def work(pen: Pen) -> None:
        level = [models.CareerLevel(name=f"level {n}") for n in range(5)]
        fields = [models.FieldOfScience(name=f"field {n}") for n in range(40)]
        owners = [models.Institution(name=f"Institution {n}") for n in range(institutions)]
        persons = [models.Person(username=f"u{n}", last_name=f"Person {n}") for n in range(people)]
        tree = [models.Project(code=f"p{n}", title=f"Project {n}") for n in range(projects)]
        for row in (*level, *fields, *owners, *persons, *tree):
            pen.add(row)
        pen.flush()

        def day_of(n: int) -> date:
            return FIRST + timedelta(days=1 + n * 7919 % max(1, days - 1))

        roots = max(1, projects // 100)
        for n, person in enumerate(persons):
            change = day_of(n) if n % 10 == 3 else None
            spans = [(None, change), (change, None)] if change else [(None, None)]
            for which, (since, until) in enumerate(spans):
                pen.add(
                    models.PersonAffiliation(
                        person=person,
                        institution=owners[(n + 7 * which) % institutions],
                        career_level=level[(n + which) % 5],
                        field=fields[n % 40],
                        valid_from=since,
                        valid_until=until,
                    )
                )
        for n, person in enumerate(persons):
            pen.add(models.Account(person=person, resource="cloud", matches="id", ref=f"u{n}"))
        pen.flush()
        for n, project in enumerate(tree):
            pen.add(
                models.ProjectReference(project=project, resource="cloud", kind="cloud_project", ref=f"p{n}")
            )
        for n, project in enumerate(tree):
            pen.add(models.ProjectMembership(project=project, person=persons[n], is_leader=True))
        for n, project in enumerate(tree):
            if n >= roots:  # n // 3 below n: about log3(projects / roots) + 1 levels, never more than DEPTH
                above = tree[max(n % roots, n // 3 if n // 3 >= roots else n % roots)]
                until = day_of(n) if n % 100 == 99 else None
                pen.add(models.ProjectParent(project=project, parent=above, valid_until=until))
                if until:
                    pen.add(models.ProjectParent(project=project, parent=tree[0], valid_from=until))
        pen.flush()
        splits = []
        for n, project in enumerate(tree[::10]):
            change = day_of(n) if n % 2 else None
            splits.append(models.FundingSplit(project=project, valid_until=change))
            if change:
                splits.append(models.FundingSplit(project=project, valid_from=change))
        for row in splits:
            pen.add(row)
        pen.flush()
        for n, split in enumerate(splits):
            for share, owner in ((600_001, n % institutions), (399_999, (n + 1) % institutions)):
                pen.add(models.InstitutionShare(split=split, institution=owners[owner], millionths=share))
        pen.flush()
        models.FundingSplit.objects.using(pen.alias).update(is_complete=True)

    written(site.register.alias, "bench", "generated", work)


def fill_usage(site: Any, rows: int, days: int, projects: int, people: int) -> int:
    """Publish daily usage, a file a month; returns how many rows there are."""
    from meterhouse.usage.tables import DAILY
    from meterhouse.warehouse.publishing import NewFile

    pairs = max(1, rows // days)
    values = {
        "rules": "'default'",
        "day": f"DATE '{FIRST}' + CAST(d.day AS INTEGER)",
        "resource": "'cloud'",
        "kind": "'vm'",
        "state": "'active'",
        "project_ref": f"'p' || (p.pair % {projects})",
        "user_ref": f"'u' || ((p.pair * 7919 + p.pair // {people}) % {people})",
        "vcpus": "1 + p.pair % 16",
        "memory_mib": "4096",
        "wall_seconds": "3600 + (p.pair * 31 + d.day) % 82800",
        "begun": "0",
        "ceased": "0",
        "spans": "1",
    }
    columns = ", ".join(
        f'CAST({values.get(one.name, "NULL")} AS {_sql(one.type)}) AS "{one.name}"' for one in DAILY
    )
    added = []
    with site.engine() as engine:
        first = FIRST
        while first < FIRST + timedelta(days=days):
            after = min(
                (first.replace(day=1) + timedelta(days=32)).replace(day=1), FIRST + timedelta(days=days)
            )
            path = site.warehouse.new_path("daily")
            start, end = (first - FIRST).days, (after - FIRST).days
            count = engine.copy(
                f"SELECT {columns} FROM range({start}, {end}) AS d(day), range({pairs}) AS p(pair)", path
            )
            times = [datetime(one.year, one.month, one.day, tzinfo=UTC) for one in (first, after)]
            added.append(NewFile("daily", path, f"{first:%Y-%m}", times[0], times[1], count))
            first = after
    view = site.warehouse.view()
    site.warehouse.publish(
        kind="build",
        previous_build=None,
        input_snapshot=view.snapshot,
        models_key="bench",
        add=added,
        remove=[],
    )
    return sum(one.rows for one in added)


def _sql(type_: Any) -> str:
    return {"string": "VARCHAR", "int64": "BIGINT", "date32[day]": "DATE"}.get(str(type_), "DECIMAL(38, 0)")


def ask(site: Any, by: str, days: int) -> tuple[float, int, int]:
    """Seconds, rows of the answer and its exact total, in whole core seconds."""
    from meterhouse.reports.questions import answer_question
    from meterhouse.usage.question import Question

    last = FIRST + timedelta(days=days - 1)
    question = Question.ask(realm="cloud", meters=["core_hours"], first=FIRST, last=last, by=[by])
    began = time.monotonic()
    rows = answer_question(site, question).rows
    return time.monotonic() - began, len(rows), int(sum(row.quantities[0] for row in rows))


# The same questions in PostgreSQL's own words, over tables of the same names.
_REFERENCE = "JOIN directory_reference AS r ON r.ref = u.project_ref AND u.day >= r.since AND u.day < r.until"
_PERSON = """JOIN directory_account AS a ON a.ref = u.user_ref AND u.day >= a.since AND u.day < a.until
    JOIN directory_person AS h ON h.person_id = a.person_id AND u.day >= h.since AND u.day < h.until"""
_BY_PROJECT = "{0}.project_id = r.project_id AND u.day >= {0}.since AND u.day < {0}.until"
IN_POSTGRESQL = {
    "institution": (
        "f.institution",
        f"{_REFERENCE} JOIN directory_share AS f ON {_BY_PROJECT.format('f')}",
        "u.core_seconds * f.millionths / 1000000",
    ),
    "pi": ("o.pi", f"{_REFERENCE} JOIN directory_owner AS o ON {_BY_PROJECT.format('o')}", "u.core_seconds"),
    "project_tree": (
        "t.path",
        f"{_REFERENCE} JOIN directory_tree AS t ON {_BY_PROJECT.format('t')}",
        "u.core_seconds",
    ),
    "project_path": (
        "o.path",
        f"{_REFERENCE} JOIN directory_owner AS o ON {_BY_PROJECT.format('o')}",
        "u.core_seconds",
    ),
    "person": ("h.person", _PERSON, "u.core_seconds"),
    "career_level": ("h.career_level", _PERSON, "u.core_seconds"),
}


@contextmanager
def filled_postgresql(site: Any) -> Any:
    """A server with the usage and the dimension tables of a site."""
    import psycopg
    from pyarrow.csv import WriteOptions, write_csv

    from meterhouse.directory.dated_dimensions import dated_dimensions
    from meterhouse.directory.state import Directory
    from postgresql_server import running_server

    with running_server() as server, psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(
            "CREATE UNLOGGED TABLE daily (day date, project_ref text, user_ref text, core_seconds numeric)"
        )
        with site.engine() as engine, connection.cursor() as cursor:
            reader = engine.reader(
                "SELECT day, project_ref, user_ref, wall_seconds * vcpus AS core_seconds FROM "
                f"({site.warehouse.view().select('daily')})"
            )
            with cursor.copy("COPY daily FROM STDIN (FORMAT csv)") as copy:
                for batch in reader:
                    text = BytesIO()
                    write_csv(batch, text, WriteOptions(include_header=False))
                    copy.write(text.getvalue())
        for name, table in dated_dimensions(Directory(site.register.alias)).items():
            types = {"int64": "bigint", "date32[day]": "date"}
            columns = ", ".join(f"{one.name} {types.get(str(one.type), 'text')}" for one in table.schema)
            connection.execute(f"CREATE UNLOGGED TABLE {name} ({columns})")
            with connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
                for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
                    copy.write_row(row)
        connection.execute("CREATE INDEX ON daily (day)")
        connection.execute("ANALYZE")
        yield connection


def ask_postgresql(connection: Any, by: str) -> tuple[float, int]:
    """Seconds and rows, warm."""
    label, joins, quantity = IN_POSTGRESQL[by]
    sql = f"SELECT {label}, SUM({quantity}) FROM daily AS u {joins} GROUP BY 1"
    connection.execute(sql).fetchall()
    began = time.monotonic()
    rows = connection.execute(sql).fetchall()
    return time.monotonic() - began, len(rows)


def main() -> None:
    """Make the site, ask every question, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("rows", 1_000_000), ("days", 1095), ("projects", 5000), ("people", 20_000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--institutions", type=int, default=200)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--no-postgresql", action="store_true")
    given = parser.parse_args()
    from meterhouse.site import Site
    from meterhouse.usage.rollups import roll_up

    work = Path(tempfile.mkdtemp(prefix="meterhouse-attribution-", dir=given.work))
    try:
        with Site.init(work / "site", settings_text=SETTINGS) as site, site.warehouse:
            began = time.monotonic()
            fill_directory(site, given.projects, given.people, given.institutions, given.days)
            print(f"directory entered in {time.monotonic() - began:.1f} s", flush=True)
            rows = fill_usage(site, given.rows, given.days, given.projects, given.people)
            print(f"{rows:,} rows of daily usage, {given.days} days", flush=True)
            began = time.monotonic()
            files = roll_up(site.warehouse.view(), site.engine)
            print(f"{files} files of daily usage rolled up in {time.monotonic() - began:.1f} s", flush=True)
            server = nullcontext() if given.no_postgresql else filled_postgresql(site)
            with server as connection:
                print(f"{'by':15}{'cold s':>9}{'warm s':>9}{'rows':>8}{'PostgreSQL s':>14}{'ratio':>8}")
                totals = {}
                for by in QUESTIONS:
                    cold, _, _ = ask(site, by, given.days)
                    warm, count, total = ask(site, by, given.days)
                    if by != "project_tree":
                        totals[by] = total
                    line = f"{by:15}{cold:9.2f}{warm:9.2f}{count:8}"
                    if connection is not None:
                        seconds, theirs = ask_postgresql(connection, by)
                        line += f"{seconds:14.2f}{seconds / warm:8.1f}"
                        assert theirs == count, (by, theirs, count)
                    print(line, flush=True)
            assert len(set(totals.values())) == 1, totals
            print(json.dumps({"rows": rows, "core_seconds": totals["pi"]}))
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
