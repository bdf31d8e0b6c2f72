"""How fast is usage attributed? Years of usage, thousands of projects, and the same asked of PostgreSQL.

    python bench/attribution.py [--rows 1000000] [--days 1095] [--projects 5000] [--people 20000]
        [--institutions 200] [--work DIR] [--no-postgresql] [--site DIR]

A tree of projects of depth 6 with funding shares and moves; daily usage of (project, person) pairs. Each
question is asked twice, in a new engine; the second time is warm. PostgreSQL holds the same rows and
dimension tables, indexed and analysed, and answers the same question; totals must agree. With `--site` the
usage is generated into that folder, and stays; when it is there, it is asked again.
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
# Groupings, and filters after a question mark
QUESTIONS = (
    *(
        "institution",
        "pi",
        "project_tree",
        "project_path",
        "field",
        "pi_institution",
        "person",
        "career_level",
    ),
    *("year,institution", "quarter,institution", "month,institution", "month,project_tree", "month,pi"),
    *("institution,project", "institution,field", "institution,resource", "institution,flavor"),
    *("pi,institution", "project_tree,institution", "institution,person", "institution,person_institution"),
    *("day?institution=Institution 3", "month,person?institution=Institution 3", "person?project_tree=p3"),
    *("day,project_tree?pi=Person 3", "flavor?institution=Institution 3", "day,institution"),
)


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


def ask(site: Any, text: str, days: int) -> tuple[float, float, int, int]:
    """Wall and CPU seconds, rows of the answer and its exact total, in whole core seconds."""
    from meterhouse.reports.questions import answer_question
    from meterhouse.usage.question import Question

    last = FIRST + timedelta(days=days - 1)
    by, _, kept = text.partition("?")
    filters = {name: [value] for name, _, value in [kept.partition("=")] if name}
    question = Question.ask(
        realm="cloud", meters=["core_hours"], first=FIRST, last=last, by=by.split(","), filters=filters
    )
    wall, cpu = time.monotonic(), time.process_time()
    rows = answer_question(site, question).rows
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    return wall, cpu, len(rows), int(sum(row.quantities[0] for row in rows))


# The same questions in PostgreSQL's own words, over tables of the same names: labels, and what they need.
_IN_FORCE = "u.day >= {0}.since AND u.day < {0}.until"
_REFERENCE = f"JOIN directory_reference AS r ON r.ref = u.project_ref AND {_IN_FORCE.format('r')}"
_ACCOUNT = f"JOIN directory_account AS a ON a.ref = u.user_ref AND {_IN_FORCE.format('a')}"
_JOINS = {
    "f": f"JOIN directory_share AS f ON f.project_id = r.project_id AND {_IN_FORCE.format('f')}",
    "o": f"JOIN directory_owner AS o ON o.project_id = r.project_id AND {_IN_FORCE.format('o')}",
    "t": f"JOIN directory_tree AS t ON t.project_id = r.project_id AND {_IN_FORCE.format('t')}",
    "h": f"JOIN directory_person AS h ON h.person_id = a.person_id AND {_IN_FORCE.format('h')}",
}
_LABELS = {
    "institution": "f.institution",
    "pi": "o.pi",
    "project_tree": "t.path",
    "project_path": "o.path",
    "field": "o.field",
    "pi_institution": "o.pi_institution",
    "person": "h.person",
    "person_institution": "h.institution",
    "career_level": "h.career_level",
    "project": "u.project_ref",
    "year": "DATE_TRUNC('year', u.day)",
    "quarter": "DATE_TRUNC('quarter', u.day)",
    "month": "DATE_TRUNC('month', u.day)",
    "day": "u.day",
}


def in_postgresql(text: str) -> str | None:
    """The question as SQL for PostgreSQL; None where it isn't asked there."""
    labels = [_LABELS.get(name) for name in text.split(",")]
    if "?" in text or None in labels:
        return None
    needed = {label[0] for label in labels if label is not None and label[1] == "."} & set(_JOINS)
    joins = [_REFERENCE] if needed & set("fot") else []
    joins += [_ACCOUNT] if "h" in needed else []
    joins += [_JOINS[name] for name in sorted(needed)]
    quantity = "u.core_seconds * f.millionths / 1000000" if "f" in needed else "u.core_seconds"
    listed = ", ".join(label for label in labels if label)
    return f"SELECT {listed}, SUM({quantity}) FROM daily AS u {' '.join(joins)} GROUP BY {listed}"


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
        connection.execute("SELECT SUM(core_seconds) FROM daily").fetchall()
        yield connection


def ask_postgresql(connection: Any, sql: str) -> tuple[float, int]:
    """Seconds and rows; the table has been read before."""
    began = time.monotonic()
    rows = connection.execute(sql).fetchall()
    return time.monotonic() - began, len(rows)


def filled_site(given: argparse.Namespace, folder: Path) -> Any:
    """The site of `folder`, made now unless it is there."""
    from meterhouse.site import Site
    from meterhouse.usage.rollups import roll_up

    if (folder / "meterhouse.toml").exists():
        return Site.open(folder)
    site = Site.init(folder, settings_text=SETTINGS)
    began = time.monotonic()
    fill_directory(site, given.projects, given.people, given.institutions, given.days)
    print(f"directory entered in {time.monotonic() - began:.1f} s", flush=True)
    rows = fill_usage(site, given.rows, given.days, given.projects, given.people)
    print(f"{rows:,} rows of daily usage, {given.days} days", flush=True)
    began, cpu = time.monotonic(), time.process_time()
    files = roll_up(site.warehouse.view(), site.engine)
    wall, cpu = time.monotonic() - began, time.process_time() - cpu
    print(f"{files} files of daily usage rolled up in {wall:.1f} s, {cpu:.1f} CPU s", flush=True)
    return site


def main() -> None:
    """Make the site, ask every question, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, value in (("rows", 1_000_000), ("days", 1095), ("projects", 5000), ("people", 20_000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--institutions", type=int, default=200)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--site", type=Path)
    parser.add_argument("--no-postgresql", action="store_true")
    parser.add_argument("--ask", nargs="*", default=QUESTIONS)
    given = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="meterhouse-attribution-", dir=given.work))
    try:
        with filled_site(given, given.site or work / "site") as site, site.warehouse:
            server = nullcontext() if given.no_postgresql else filled_postgresql(site)
            with server as connection:
                heads = ("by", "cold s", "warm s", "CPU s", "rows", "PostgreSQL s", "ratio")
                print(f"{heads[0]:40}" + "".join(f"{head:>13}" for head in heads[1:]))
                totals = {}
                for text in given.ask:
                    cold, _, _, _ = ask(site, text, given.days)
                    warm, cpu, count, total = ask(site, text, given.days)
                    if "?" not in text and "project_tree" not in text:
                        totals[text] = total
                    line = f"{text:40}{cold:13.2f}{warm:13.2f}{cpu:13.2f}{count:13}"
                    sql = in_postgresql(text)
                    if connection is not None and sql is not None:
                        seconds, theirs = ask_postgresql(connection, sql)
                        line += f"{seconds:13.2f}{seconds / warm:13.1f}"
                        assert theirs == count, (text, theirs, count)
                    print(line, flush=True)
            assert len(set(totals.values())) == 1, totals
            print(json.dumps({"core_seconds": next(iter(totals.values()))}))
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
