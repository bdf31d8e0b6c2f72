"""What may a program ask, and what does it get? Parameters and answers, as OpenAPI has them."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import BeforeValidator, StrictBool, StrictInt

_LINE = r"^[^\x00-\x1f\x7f]*$"  # no control characters


def _iso(value: object) -> object:
    """As OpenAPI means days and moments: a number isn't one, though it could be read as seconds."""
    if isinstance(value, str) and not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("expected ISO 8601")
    return value


Day = Annotated[date, BeforeValidator(_iso)]
Moment = Annotated[datetime, BeforeValidator(_iso)]
_WHERE: Any = Field([], description="Keep grouping=value; may be repeated.", max_length=50)


class Format(Schema):
    format: Literal["json", "csv", "arrow", "parquet"] | None = Field(
        None, description="Otherwise as Accept says."
    )


class Paged(Format):
    limit: int = Field(1000, ge=1, le=10_000, description="Rows of a page.")
    cursor: str | None = Field(None, max_length=500, description="`next` of the page before.")


class Period(Paged):
    first: Day = Field(..., alias="from", description="First day.")
    last: Day = Field(..., alias="to", description="Last day, included.")
    profile: str = Field("default", max_length=100, description="Meter profile.")
    as_of: str | None = Field(None, max_length=50, description="As known then: a moment or snapshot number.")


class UsageAsked(Period):
    realm: str = Field("cloud", max_length=100)
    meter: str = Field("", max_length=1000, description="Meters with commas; the realm's first two if none.")
    by: str = Field("", max_length=1000, description="Groupings with commas: month,project ...")
    where: list[str] = _WHERE


class SpansAsked(Period):
    where: list[str] = Field([], description="Keep column=value; may be repeated.", max_length=50)


class LogAsked(Period):
    where: list[str] = _WHERE
    item: list[str] = Field([], description="Only these items, by id.", max_length=200)


class CoverageAsked(Paged):
    resource: str | None = Field(None, max_length=200)
    first: Day | None = Field(None, alias="from")
    last: Day | None = Field(None, alias="to")


class MetersAsked(Format):
    profile: str = Field("default", max_length=100)


class DirectoryAsked(Paged):
    day: Day | None = Field(None, description="What was true on that day; today if none.")
    known: Moment | None = Field(None, description="As known then; now if none.")


class PoolsAsked(Paged):
    day: Day | None = Field(None, description="At the end of this day; today if none.")
    period: str | None = Field(None, max_length=200, description="Only of this allocation period.")
    project: str | None = Field(None, max_length=200, description="Only of this project, by its code.")
    over: bool = Field(False, description="Also of periods that are over.")


class StatementsAsked(Paged):
    period: str = Field(..., max_length=200, description="A closed allocation period.")
    project: str | None = Field(None, max_length=200, description="Only of this project, by its code.")


class Me(Schema):
    """Who the asker is to this site."""

    name: str
    role: Literal["public", "user", "institution", "staff", "administrator"]
    scopes: list[str]
    snapshot: int


class MonthlyAsked(Schema):
    """A report of each month."""

    model_config = {"extra": "forbid"}

    realm: str = Field("cloud", max_length=100, pattern=_LINE)
    profile: str = Field("default", max_length=100, pattern=_LINE)
    institution: str = Field("", max_length=200, pattern=_LINE, description="Only this one.")
    project: str = Field("", max_length=200, pattern=_LINE, description="Only this one.")
    log: StrictBool = Field(False, description="With the transaction log.")
    format: Literal["pdf", "html", "xlsx", "csv"] = "pdf"


class ReportAsked(MonthlyAsked):
    """The report of a month."""

    month: str = Field(..., pattern=r"^(199[0-9]|2[01][0-9]{2})-(0[1-9]|1[0-2])$")


class StorageAsked(Schema):
    """A report on file systems: from the newest complete scan of each volume."""

    model_config = {"extra": "forbid"}

    storage: Literal[
        "groups", "projects", "users", "top", "old", "forecast", "duplicates", "basedirs", "cost"
    ]
    day: Day
    within: StrictInt = Field(10, ge=1, le=3660, description="Scans of so many days count.")
    partial: StrictBool = Field(False, description="Without volumes of which there is no complete scan.")
    volume: list[str] = Field([], max_length=50, description="Only these.")
    by: str = Field("", max_length=20, pattern=_LINE, description="As the command of that name takes it.")
    depth: StrictInt = Field(1, ge=0, le=100, description="Of directories, below the volume's top (top).")
    days: StrictInt = Field(365, ge=0, le=36_600, description="Untouched for so long (old).")
    since: Literal["access", "modification"] = "access"
    least_size: StrictInt = Field(100 << 20, ge=1, le=2**60, description="Bytes (duplicates).")
    same_name: StrictBool = Field(False, description="Only files of one name (duplicates).")
    limit: StrictInt = Field(1000, ge=1, le=1_000_000, description="At most so many (top, old, duplicates).")
    rate: list[str] = Field([], max_length=50, description="RATE or VOLUME=RATE, per TiB and year (cost).")
    format: Literal["csv", "parquet", "xlsx", "json"] = "csv"


class ScheduleAsked(MonthlyAsked):
    """The report of the month before, on a day of each month."""

    day: StrictInt = Field(2, ge=1, le=28)
    mail: StrictBool = Field(False, description="Sent to the account's address, too.")


class ExportAsked(Schema):
    """Rows in a file."""

    model_config = {"extra": "forbid"}

    what: Literal["usage", "spans", "log", "dump"] = "usage"
    first: Day = Field(..., alias="from")
    last: Day = Field(..., alias="to")
    realm: str = Field("cloud", max_length=100, pattern=_LINE)
    profile: str = Field("default", max_length=100, pattern=_LINE)
    meter: str = Field("", max_length=1000, pattern=_LINE)
    by: str = Field("", max_length=1000, pattern=_LINE)
    where: list[str] = Field([], max_length=50)
    as_of: str = Field("", max_length=50, pattern=_LINE)
    format: Literal["csv", "parquet", "xlsx", "json"] = "csv"


class WorkShown(Schema):
    """A report or an export: how far it is."""

    id: UUID
    kind: Literal["report", "export"]
    state: Literal["waiting", "running", "done", "failed"]
    parameters: dict[str, Any]
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: str
    file: str | None = Field(..., description="Address of the file, when there is one.")
    file_name: str
    size_bytes: int | None
    sha256: str


class ScheduleShown(Schema):
    """A report that is made each month."""

    id: UUID
    parameters: dict[str, Any]
    day: int
    mail: bool
    last_month: str


class Page(Schema):
    """Rows with the columns that the question asks for; `next` where there are more."""

    rows: list[dict[str, Any]]
    next: str | None
    snapshot: int


class ProblemDocument(Schema):
    type: str
    title: str
    status: int
    detail: str
