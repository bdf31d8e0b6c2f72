"""How is a report or an export made? As its command makes it, from the rows that its owner may see."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from meterhouse.directory.state import Directory
from meterhouse.errors import MeterhouseError
from meterhouse.reports.monthly import MonthlyReport
from meterhouse.reports.questions import answer_question
from meterhouse.reports.site_dump import dump_site
from meterhouse.reports.site_month import site_month
from meterhouse.reports.storage.question import StorageQuestion
from meterhouse.reports.storage.question import asked as ask_storage
from meterhouse.reports.storage.tabled import REPORTS, tabled
from meterhouse.reports.tables import as_text, tables
from meterhouse.reports.write import write_monthly
from meterhouse.site import Site
from meterhouse.web.api.formats import harmless
from meterhouse.web.api.log_rows import LOG_COLUMN_TYPES, log_rows
from meterhouse.web.api.span_rows import SPAN_COLUMN_TYPES, span_rows
from meterhouse.web.api.usage_columns import usage_columns
from meterhouse.web.asking import moment_of
from meterhouse.web.rights import Right
from meterhouse.web.seen import Seen
from meterhouse.web.work.parameters import ExportParameters, ReportParameters, StorageParameters
from meterhouse.web.work.rows import MEDIA_TYPE_OF, Columns, write_rows

# Of columns of reports on file systems.
_TYPES: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    bool: pa.bool_(),
    Decimal: pa.decimal128(38, 9),
    date: pa.date32(),
    datetime: pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True, slots=True)
class Made:
    """What stands in the folder now."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str
    snapshot: int


def make(
    site: Site,
    asked: ReportParameters | StorageParameters | ExportParameters,
    right: Right,
    owner: str,
    out: Path,
) -> Made:
    """Make the file in the new folder `out`, which is there whole or not at all."""
    asked.check(right)  # what was allowed when it was asked for may not be so now
    out.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=out.parent, prefix=".making-"))
    try:
        if isinstance(asked, ReportParameters):
            snapshot, path = _report(site, asked, right, owner, making)
        elif isinstance(asked, StorageParameters):
            snapshot, path = _storage(site, asked, right, making)
        else:
            snapshot, path = _export(site, asked, right, making)
        digest, size = _checksum(path)
        for other in making.iterdir():
            if other != path:
                shutil.rmtree(other) if other.is_dir() else other.unlink()
        making.chmod(0o700)
        making.replace(out)
        return Made(path.name, MEDIA_TYPE_OF[path.suffix.removeprefix(".")], size, digest, snapshot)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _report(site: Site, asked: ReportParameters, right: Right, owner: str, folder: Path) -> tuple[int, Path]:
    report = site_month(
        site,
        asked.first,
        realm=asked.realm,
        profile=asked.profile,
        institution=asked.institution or None,
        project=asked.project or None,
        with_log=asked.log,
        only=right.filters,
        scope="" if right.everything else f"what {owner} may see",
    )
    if not right.everything:
        # What a source answered when it failed is for those who run it.
        report = replace(
            report,
            coverage=tuple(
                replace(one, failed=tuple(replace(window, detail="") for window in one.failed))
                for one in report.coverage
            ),
        )
    if asked.format == "csv":
        return report.snapshot, _tables(report, folder)
    return report.snapshot, write_monthly(report, folder, [asked.format])[0]


def _tables(report: MonthlyReport, folder: Path) -> Path:
    """The tables that the command writes, but with an apostrophe before what a spreadsheet would run."""
    named = folder / f"monthly-{report.period}{'' if report.realm == 'cloud' else f'-{report.realm}'}-csv"
    named.mkdir()
    paths = []
    for table in tables(report):
        paths.append(named / f"{table.name}.csv")
        with paths[-1].open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(column.name for column in table.columns)
            for row in table.rows:
                writer.writerow([as_text(harmless(one) if isinstance(one, str) else one) for one in row])
    return _zipped(named, paths)


def _storage(site: Site, asked: StorageParameters, right: Right, folder: Path) -> tuple[int, Path]:
    """From the files that may be seen today; against a quota stand whole groups only."""
    today = datetime.now(ZoneInfo(site.settings.site.time_zone)).date()
    files = Seen(right, Directory(site.register.alias), today).files
    if files is not None and REPORTS[asked.storage].whole_groups:
        files = replace(files, users=frozenset())
    question = StorageQuestion(asked.day, tuple(asked.volume), asked.within, asked.partial, owners=files)
    with ask_storage(site, question) as opened:
        table = tabled(asked.storage, opened, asked.told)
        snapshot = opened.view.snapshot
    stem = f"storage-{asked.storage}-{asked.day}"
    path = folder / f"{stem}.{asked.format}"
    columns = {name: _TYPES[type_] for name, type_ in table.columns.items()}
    write_rows(path, asked.format, columns, table.records, f"Storage, {asked.storage}, {asked.day}")
    return snapshot, path


def _export(site: Site, asked: ExportParameters, right: Right, folder: Path) -> tuple[int, Path]:
    snapshot = site.warehouse.view(moment_of(asked.as_of)).snapshot
    stem = f"{asked.what}-{asked.first}_{asked.last}"
    if asked.what == "dump":
        dumped = folder / stem
        dump_site(
            site,
            asked.first,
            asked.last,
            dumped,
            form="csv" if asked.format == "csv" else "parquet",
            filters=right.filters,
            as_of=snapshot,
        )
        return snapshot, _zipped(dumped, sorted(dumped.iterdir()))
    columns, rows = _rows(site, asked, right, snapshot)
    path = folder / f"{stem}.{asked.format}"
    title = f"{asked.what.capitalize()}, {asked.first} to {asked.last}"
    write_rows(path, asked.format, columns, rows, title)
    return snapshot, path


def _rows(
    site: Site, asked: ExportParameters, right: Right, snapshot: int
) -> tuple[Columns, Iterable[Mapping[str, Any]]]:
    if asked.what == "usage":
        question = right.restrict(asked.question)
        return usage_columns(question), answer_question(site, question, snapshot).records()
    if asked.what == "spans":
        spans = span_rows(site, asked.first, asked.last, asked.where, asked.profile, right, snapshot)
        return SPAN_COLUMN_TYPES, spans
    lines = log_rows(site, asked.first, asked.last, asked.where, (), asked.profile, right, snapshot)
    return LOG_COLUMN_TYPES, lines


def _zipped(folder: Path, paths: Iterable[Path]) -> Path:
    """One file of several, with the same bytes for the same content."""
    path = folder.with_suffix(".zip") if folder.suffix == "" else folder.with_name(folder.name + ".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for one in paths:
            info = zipfile.ZipInfo(f"{folder.name}/{one.name}", (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            with one.open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 1 << 20)
    return path


def _checksum(path: Path) -> tuple[str, int]:
    """SHA-256 and length; what was read is on the disk before anybody is told of it."""
    if not path.is_file():
        raise MeterhouseError("nothing was made")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return digest, path.stat().st_size
