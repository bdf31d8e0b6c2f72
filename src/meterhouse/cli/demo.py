"""`meterhouse demo`: a worked example."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from meterhouse.cli.options import Format, print_records


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make it in.")] = Path("demo"),
) -> None:
    """Make an example site, from raw records to reports, and show who used what."""
    from meterhouse.operations.demo.site import run_demo

    paths, answer = run_demo(folder, print)
    print("Reports:")
    for path in paths:
        if path.suffix != ".csv":
            print(f"  {path}")
    tables = sorted({path.parent for path in paths if path.suffix == ".csv"})
    for table in tables:
        print(f"  {table}{'/'} (a CSV file per table)")
    question = answer.question
    print(f"\nWho used what from {question.first} to {question.last}:")
    print_records(
        answer.records(),
        answer.columns(),
        Format.table,
        numeric=[meter.name for meter in question.meters],
    )
    called = f"{_as_called()} --site {folder / 'site'}"
    print("Ask more, for example:")
    print(f"  {called} usage --by month,institution --from 2026-09-01 --to 2026-10-31")
    print(f"  {called} usage --realm jobs --by queue,pi --from 2026-10-01 --to 2026-10-31")
    print(f"  {called} usage --realm storage --by mountpoint,user --from 2026-10-01 --to 2026-10-31")
    print(f"  {called} log --project genomics --from 2026-10-01 --to 2026-10-07")
    print(f"  {called} allocations pools")
    print("Look at it in a browser, with an account of your own:")
    print(f"  {called} users add ada --role administrator")
    print(f"  {called} serve")


def _as_called() -> str:
    """How this program can be called again from here."""
    program = Path(sys.argv[0])
    if shutil.which("meterhouse"):
        return "meterhouse"
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)
