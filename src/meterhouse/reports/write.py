"""Where do a report's files go? `monthly-2018-04.pdf` and its like, each complete or not there at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Literal, get_args

from meterhouse.reports.csv_files import render_csv
from meterhouse.reports.html import render_html
from meterhouse.reports.monthly import MonthlyReport
from meterhouse.reports.pdf import render_pdf
from meterhouse.reports.xlsx import render_xlsx

Format = Literal["pdf", "html", "xlsx", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

_RENDERERS: dict[str, Callable[[MonthlyReport], bytes]] = {
    "pdf": render_pdf,
    "html": render_html,
    "xlsx": render_xlsx,
}


def write_monthly(report: MonthlyReport, out_dir: Path, formats: Collection[str] = FORMATS) -> list[Path]:
    """Write the report in the given formats and name the files, in the order of `FORMATS`.

    `monthly-<period>.pdf|html|xlsx` and the folder `monthly-<period>-csv/` with a file per table; for another
    realm than cloud, with its name behind the period. Everything is rendered before the first file is
    written, so a failure leaves an earlier report untouched; each file replaces its predecessor at once. A
    table that the report no longer holds goes from the folder.
    """
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown:
        raise ValueError(f"format: expected one of {', '.join(FORMATS)}, found {unknown[0]}")
    name = f"monthly-{report.period}" + (f"-{report.realm}" if report.realm != "cloud" else "")
    contents: dict[Path, bytes] = {
        out_dir / f"{name}.{format}": _RENDERERS[format](report)
        for format in FORMATS
        if format in formats and format in _RENDERERS
    }
    folder = out_dir / f"{name}-csv"
    if "csv" in formats:
        contents |= {folder / file: content for file, content in render_csv(report).items()}
    for path, content in contents.items():
        write_whole(path, content)
    if "csv" in formats:
        for left_over in set(folder.glob("*.csv")) - set(contents):
            left_over.unlink()
    return list(contents)


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        partial.chmod(0o644)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
