"""Which reports on file systems are there, and which columns has each? By name, as tables for files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, get_args, get_type_hints

from meterhouse.errors import QuestionError
from meterhouse.reports.storage.base_directories import OWNERS, BaseRow, base_directories
from meterhouse.reports.storage.cost import CostRow, cost_of_keeping
from meterhouse.reports.storage.directories import ORDERS, TopRow, top_directories
from meterhouse.reports.storage.duplicates import LEAST_SIZE, DuplicateRow, duplicates
from meterhouse.reports.storage.forecast import ForecastRow, forecast
from meterhouse.reports.storage.group_report import GroupRow, group_report
from meterhouse.reports.storage.grouped import GROUPINGS
from meterhouse.reports.storage.old_data import OldRow, old_data
from meterhouse.reports.storage.project_report import DirectoryRow, classes_of, project_report
from meterhouse.reports.storage.question import Asked
from meterhouse.reports.storage.user_report import UserRow, user_report

GROUP_COLUMNS = (
    *("date", "volume", "pi", "group", "used_bytes", "quota_bytes", "consumption"),
    *("last_modified_days", "archived_directory", "is_own", "scanned_at"),
)
_PROJECT = ("project", "directory", "volume", "files", "total_bytes")
_OF_WHOM = ("last_modified_days", "pi", "group", "project_bytes")
_DECIDED = ("status", "action", "comment")


@dataclass(frozen=True, slots=True)
class Told:
    """What some of the reports are told beside the question; `by` is "" where each has its own."""

    by: str = ""
    depth: int = 1
    days: int = 365
    since: str = "access"
    least_size: int = LEAST_SIZE
    same_name: bool = False
    limit: int = 1000
    rates: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tabled:
    """Records with the Python type of each of their columns, in order. Any value may be None."""

    columns: Mapping[str, type]
    records: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Report:
    """What it answers, what it can be asked by (the first unless told), and what makes it."""

    title: str
    make: Callable[[Asked, Told], Tabled]
    by: tuple[str, ...] = ()
    whole_groups: bool = False  # its figures stand against a group's quota


def group_records(rows: Iterable[GroupRow]) -> list[dict[str, Any]]:
    """With GROUP_COLUMNS."""
    return [{name: getattr(row, "day" if name == "date" else name) for name in GROUP_COLUMNS} for row in rows]


def project_columns(classes: Iterable[str]) -> list[str]:
    """With a column of bytes for each class of files."""
    return [*_PROJECT, *(f"{name}_bytes" for name in classes), *_OF_WHOM, *_DECIDED]


def project_records(rows: Iterable[DirectoryRow], classes: Sequence[str]) -> list[dict[str, Any]]:
    """With `project_columns`."""
    return [
        {name: getattr(row, name) for name in (*_PROJECT, *_OF_WHOM)}
        | {f"{name}_bytes": row.class_bytes.get(name, 0) for name in classes}
        | {name: getattr(row.decision, name) for name in _DECIDED}
        for row in rows
    ]


def tabled(name: str, asked: Asked, told: Told) -> Tabled:
    """The report of that name. Raises QuestionError where it can't be asked so."""
    report = REPORTS[name]
    if told.by and told.by not in report.by:
        raise QuestionError(
            f"by: expected {' or '.join(report.by) or 'nothing'} with {name}, found {told.by!r}"
        )
    return report.make(asked, told)


def _groups(asked: Asked, told: Told) -> Tabled:
    types = {"date": get_type_hints(GroupRow)["day"], "consumption": str} | _types(GroupRow)
    return Tabled({name: types[name] for name in GROUP_COLUMNS}, group_records(group_report(asked)))


def _projects(asked: Asked, told: Told) -> Tabled:
    classes = classes_of(asked)
    types = _types(DirectoryRow) | dict.fromkeys(_DECIDED, str)
    columns = {name: types.get(name, int) for name in project_columns(classes)}
    return Tabled(columns, project_records(project_report(asked), classes))


def _of_rows(kind: type[Any], rows: Iterable[Any]) -> Tabled:
    names = [one.name for one in fields(kind)]
    return Tabled(_types(kind), [{name: getattr(row, name) for name in names} for row in rows])


def _types(kind: type[Any]) -> dict[str, type]:
    hints = get_type_hints(kind)
    return {
        one.name: next((part for part in get_args(hints[one.name]) if part is not type(None)), None)
        or hints[one.name]
        for one in fields(kind)
    }


REPORTS: dict[str, Report] = {
    "groups": Report("What each group keeps, against its quota", _groups, whole_groups=True),
    "projects": Report("What each project keeps in which directory, by class of files", _projects),
    "users": Report(
        "What each user keeps, by group", lambda asked, told: _of_rows(UserRow, user_report(asked))
    ),
    "top": Report(
        "Which directories hold most",
        lambda asked, told: _of_rows(
            TopRow,
            top_directories(asked, depth=told.depth, order=told.by or "bytes", limit=told.limit),
        ),
        by=tuple(ORDERS),
    ),
    "old": Report(
        "What nobody has read or changed for long",
        lambda asked, told: _of_rows(
            OldRow,
            old_data(
                asked, days=told.days, since=told.since, by=told.by or next(iter(GROUPINGS)), limit=told.limit
            ),
        ),
        by=tuple(GROUPINGS),
    ),
    "forecast": Report(
        "When each group's quota will be full",
        lambda asked, told: _of_rows(ForecastRow, forecast(asked)),
        whole_groups=True,
    ),
    "duplicates": Report(
        "Which large files may be there twice",
        lambda asked, told: _of_rows(
            DuplicateRow,
            duplicates(asked, least_size=told.least_size, same_name=told.same_name, limit=told.limit),
        ),
    ),
    "basedirs": Report(
        "The deepest directories that hold all that somebody keeps",
        lambda asked, told: _of_rows(BaseRow, base_directories(asked, by=told.by or OWNERS[0])),
        by=OWNERS,
    ),
    "cost": Report(
        "What keeping it costs a year",
        lambda asked, told: _of_rows(
            CostRow, cost_of_keeping(asked, told.rates, told.by or next(iter(GROUPINGS)))
        ),
        by=tuple(GROUPINGS),
    ),
}
