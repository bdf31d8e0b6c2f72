"""How long does the ledger take to work out an open quarter, on a centre of 5,000 projects?

    python bench/ledger.py [--rows 100000000] [--projects 5000] [--work DIR] [--register sqlite|postgresql]

It generates a tree of projects (depth 6) with grants and pools, and daily usage of three years; then it
rebuilds the newest quarter, which is open. The part that PostgreSQL can do, adding up the quarter by day and
project, is asked of a PostgreSQL with the same rows. Says wall and CPU seconds as JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

FIRST, QUARTER, END = date(2024, 1, 1), date(2026, 7, 1), date(2026, 10, 1)
SETTINGS = '[site]\nname = "bench"\n\n[[resources]]\nname = "cloud"\nkind = "cloud"\n'
DEPTH = 6


@contextmanager
def timed(what: str, said: dict[str, Any]) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    said[what] = {
        "wall": round(time.perf_counter() - wall, 1),
        "cpu": round(time.process_time() - cpu, 1),
    }
    print(f"{what:50} {said[what]['wall']:8.1f} s {said[what]['cpu']:8.1f} CPU s", flush=True)


def months() -> list[date]:
    found, at = [], FIRST
    while at < END:
        found.append(at)
        at = (at + timedelta(days=32)).replace(day=1)
    return found


def generate_usage(site: Any, rows: int, projects: int) -> None:
    """Daily usage: each day so many rows, spread over projects; small projects have few of them."""
    import duckdb

    from meterhouse.usage.tables import DERIVED_TABLES
    from meterhouse.warehouse.publishing import NewFile

    schema, _ = DERIVED_TABLES["daily"]
    said = {
        "rules": "'default'",
        "day": "day",
        "resource": "'cloud'",
        "kind": "'vm'",
        "state": "'active'",
        "project_ref": "'p' || CAST(project AS VARCHAR)",
        "project_name": "'project ' || CAST(project AS VARCHAR)",
        "user_ref": "'u' || CAST((project * 4 + n % 4) AS VARCHAR)",
        "user_name": "'user' || CAST((project * 4 + n % 4) AS VARCHAR)",
        "class": "'c' || CAST(vcpus AS VARCHAR)",
        "vcpus": "vcpus",
        "memory_mib": "vcpus * 4096",
        "disk_gib": "20",
        "wall_seconds": "86400 - (n % 7) * 3600",
        "begun": "n % 2",
        "ceased": "n % 3 // 2",
        "spans": "1",
    }
    columns = ", ".join(
        f'CAST({said.get(field.name, "NULL")} AS {_duckdb(field.type)}) AS "{field.name}"' for field in schema
    )
    a_day = rows // (END - FIRST).days
    add = []
    with duckdb.connect() as engine:
        for first in months():
            until = (first + timedelta(days=32)).replace(day=1)
            path = site.warehouse.new_path("daily")
            path.parent.mkdir(parents=True, exist_ok=True)
            days = (until - first).days
            engine.execute(f"""
                COPY (
                    SELECT {columns} FROM (
                        SELECT DATE '{first}' + CAST(d.range AS INTEGER) AS day, n.range AS n,
                            (hash(n.range) % {projects}) AS project, 1 << (hash(n.range, 1) % 6) AS vcpus
                        FROM range({days}) AS d, range({a_day}) AS n
                    )
                ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)""")
            moments = [datetime(one.year, one.month, one.day, tzinfo=UTC) for one in (first, until)]
            add.append(NewFile("daily", path, f"{first:%Y-%m}", *moments, days * a_day))
    site.warehouse.publish(previous_build=None, input_snapshot=0, models_key="bench", add=add, remove=[])


def _duckdb(kind: Any) -> str:
    import pyarrow as pa

    return {pa.string(): "VARCHAR", pa.int64(): "BIGINT", pa.date32(): "DATE"}[kind]


def set_up(alias: str, projects: int) -> None:
    """A tree, every second project with a pool of its own, some capped; nobody's changes are recorded."""
    from meterhouse.allocations.register import models as ledger
    from meterhouse.directory.register import models as directory

    def many(model: Any, rows: list[Any]) -> list[Any]:
        model.objects.using(alias).bulk_create(rows, batch_size=5000)
        return list(model.objects.using(alias).order_by("id"))

    many(directory.Project, [directory.Project(code=f"p{n}") for n in range(projects)])
    made = list(directory.Project.objects.using(alias).filter(is_root=False).order_by("id"))
    fan = max(2, round(projects ** (1 / DEPTH)))
    parents = [
        directory.ProjectParent(project=made[n], parent=made[(n - 1) // fan]) for n in range(1, projects)
    ]
    many(directory.ProjectParent, parents)
    references = [
        directory.ProjectReference(project=one, resource="cloud", kind="cloud_project", ref=one.code)
        for one in made
    ]
    many(directory.ProjectReference, references)
    modes = ("shared", "shared", "private", "capped", "shared")
    policies = [ledger.AllocationPolicy(project=one, mode=modes[n % 5]) for n, one in enumerate(made)]
    many(ledger.AllocationPolicy, policies)
    [calendar] = many(ledger.PeriodCalendar, [ledger.PeriodCalendar(name="quarters")])
    [pool] = many(ledger.ResourcePool, [ledger.ResourcePool(name="Core hours", calendar=calendar)])
    [machine] = many(ledger.Machine, [ledger.Machine(name="cloud")])
    row = ledger.Resource(machine=machine, resource_pool=pool, realm="cloud", meter="core_hours")
    many(ledger.Resource, [row])
    [scheme] = many(ledger.Scheme, [ledger.Scheme(name="Scheme", opened=FIRST)])
    [period] = many(
        ledger.AllocationPeriod,
        [ledger.AllocationPeriod(name="2026Q3", calendar=calendar, start=QUARTER, end=END)],
    )
    caps = [
        ledger.ProjectCap(project=one, resource_pool=pool, quantity=Decimal(500_000)) for one in made[3::5]
    ]
    many(ledger.ProjectCap, caps)
    owning = made[::2]
    pools = many(
        ledger.AllocationPool,
        [ledger.AllocationPool(project=one, period=period, resource_pool=pool) for one in owning],
    )
    grants = many(
        ledger.Grant,
        [
            ledger.Grant(project=one, scheme=scheme, begins=FIRST, ends=date(2027, 1, 1) + timedelta(days=n))
            for one in owning
            for n in range(2)
        ],
    )
    of_project = {one.project_id: one for one in pools}
    lines = [
        ledger.Allocation(pool=of_project[one.project_id], grant=one, quantity=Decimal(200_000))
        for one in grants
    ]
    many(ledger.Allocation, lines)


def in_postgresql(site: Any, url: str, said: dict[str, Any]) -> None:
    """The quarter's rows in a PostgreSQL, and the question that the ledger asks first."""
    import duckdb
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection, duckdb.connect() as engine:
        connection.execute(
            "CREATE UNLOGGED TABLE daily (day date, resource text, kind text, state text, project_ref text, "
            "vcpus bigint, wall_seconds bigint)"
        )
        view = site.warehouse.view()
        with connection.cursor() as cursor, view.reading():
            for first in (one for one in months() if one >= QUARTER):
                source = view.select("daily", partition=f"{first:%Y-%m}")
                columns = "day, resource, kind, state, project_ref, vcpus, wall_seconds"
                rows = Path(site.path) / "rows.csv"
                engine.execute(
                    f"COPY (SELECT {columns} FROM ({source})) TO '{rows}' (FORMAT csv, HEADER false)"
                )
                with cursor.copy("COPY daily FROM STDIN (FORMAT csv)") as copy, rows.open("rb") as file:
                    while part := file.read(1 << 20):
                        copy.write(part)
        connection.execute("VACUUM ANALYZE daily")
        question = (
            "SELECT day, resource, project_ref, SUM(wall_seconds * vcpus::numeric) FROM daily "
            "WHERE kind = 'vm' AND state = 'active' GROUP BY 1, 2, 3"
        )
        connection.execute(question).fetchall()
        with timed("PostgreSQL: add up the quarter, warm", said):
            connection.execute(question).fetchall()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--projects", type=int, default=5_000)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--register", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--without-postgresql", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="meterhouse-bench-") as folder:
        run(options, options.work or Path(folder))


def run(options: argparse.Namespace, folder: Path) -> None:
    from contextlib import nullcontext

    from postgresql_server import running_server

    needs_server = options.register == "postgresql" or not options.without_postgresql
    with running_server() if needs_server else nullcontext() as server:
        said: dict[str, Any] = {"rows": options.rows, "projects": options.projects}
        text = SETTINGS
        if options.register == "postgresql":
            text += f'\n[register]\nurl = "{server.url}"\n'
        measure(folder, text, options, said)
        if not options.without_postgresql:
            from meterhouse.site import Site

            with Site.open(folder / "site") as site:
                in_postgresql(site, server.url, said)
        said["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(json.dumps(said))


def measure(folder: Path, text: str, options: argparse.Namespace, said: dict[str, Any]) -> None:
    from meterhouse.allocations.rebuilding import rebuild
    from meterhouse.operations.allocations.measuring import measured_uses
    from meterhouse.site import Site
    from meterhouse.usage.rollups import roll_up

    with Site.init(folder / "site", settings_text=text) as site:
        with timed("generate usage", said):
            generate_usage(site, options.rows, options.projects)
        with timed("add up daily usage (once, by `meterhouse build`)", said):
            roll_up(site.warehouse.view(), site.engine)
        with timed("generate projects, grants and pools", said):
            set_up(site.register.alias, options.projects)
        last = END - timedelta(days=1)
        for go in ("first", "again"):
            with timed(f"rebuild, {go}: measure usage", said):
                measured = measured_uses(site, until=last)
            with timed(f"rebuild, {go}: decide and write", said):
                done = rebuild(site.register.alias, measured.uses)
        said |= {"uses": len(measured.uses), "charges": done.charges, "draws": done.draws}


if __name__ == "__main__":
    main()
