"""How is coverage told to a reader? In one sentence on the first page, and source by source later on."""

from __future__ import annotations

from datetime import datetime, timedelta

from meterhouse.reports.coverage import CoverageStatement, Window, midnight
from meterhouse.reports.figures import rounded
from meterhouse.reports.monthly import MonthlyReport
from meterhouse.reports.names import shown

_GAPS_SHOWN = 6
_SOURCES_SHOWN = 3


def coverage_callout(report: MonthlyReport) -> tuple[bool, list[str]]:
    """Whether everything is covered, and that in words that fit on the first page."""
    if not report.coverage:
        return False, [
            "No reading of any source is recorded for this period: "
            "it can't be told whether nothing was used or nothing was read."
        ]
    gaps = [statement for statement in report.coverage if statement.outcome != "complete"]
    if not gaps:
        number = len(report.coverage)
        sources = "Its one source was" if number == 1 else f"All {number} sources were"
        return True, [f"{sources} read for the whole of {shown(report.label)}."]
    said = [
        f"{shown(statement.resource)} ({shown(statement.source)}): {_gaps(statement, report, 2)}."
        for statement in gaps[:_SOURCES_SHOWN]
    ]
    if len(gaps) > _SOURCES_SHOWN:
        said.append(f"And {len(gaps) - _SOURCES_SHOWN} more sources with gaps; see Coverage.")
    return False, ["Use in these times is missing from this report.", *said]


def coverage_rows(report: MonthlyReport) -> list[tuple[str, str, str, str, str]]:
    """For each statement: resource, source, gaps, what failures said, and the share that was read."""
    return [
        (
            shown(statement.resource),
            " · ".join((shown(statement.source), *_records(statement))),
            _gaps(statement, report, _GAPS_SHOWN) if statement.missing else "none",
            _details(statement),
            _share_read(statement, report),
        )
        for statement in report.coverage
    ]


def _records(statement: CoverageStatement) -> tuple[str, ...]:
    return () if statement.records is None else (f"{statement.records:,} records",)


def _gaps(statement: CoverageStatement, report: MonthlyReport, most: int) -> str:
    parts = [f"{_window(window, report)} {_what(window, statement)}" for window in statement.missing[:most]]
    if len(statement.missing) > most:
        parts.append(f"and {len(statement.missing) - most} more gaps")
    return "; ".join(parts)


def _what(window: Window, statement: CoverageStatement) -> str:
    return "failed" if window in statement.failed else "never read"


def _details(statement: CoverageStatement) -> str:
    said = dict.fromkeys(shown(window.detail) for window in statement.failed if window.detail)
    return "; ".join(list(said)[:3])[:300]


def _window(window: Window, report: MonthlyReport) -> str:
    """`1 to 16 April`-like words where whole days are missing, else times."""
    zone = report.time_zone
    start, end = window.start.astimezone(zone), window.end.astimezone(zone)
    if start == midnight(start.date(), zone) and end == midnight(end.date(), zone):
        last = end.date() - timedelta(days=1)
        if last == start.date():
            return _date(start)
        return f"{_date(start)} to {last.day} {last:%B}"
    return f"{_time(start)} to {_time(end)}"


def _date(moment: datetime) -> str:
    return f"{moment.day} {moment:%B}"


def _time(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %H:%M}"


def _share_read(statement: CoverageStatement, report: MonthlyReport) -> str:
    """In percent, never rounded up to all or down to nothing."""
    zone = report.time_zone
    period = _microseconds(midnight(report.end, zone) - midnight(report.start, zone))
    read = sum(_microseconds(window.end - window.start) for window in statement.read)
    share = rounded(read * 100, period, 1)
    if share == 100 and statement.missing:
        return "under 100 %"
    if share == 0 and read:
        return "over 0 %"
    return f"{share} %"


def _microseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
