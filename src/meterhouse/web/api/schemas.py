"""What may a program ask, and what does it get? Parameters and answers, as OpenAPI has them."""

from __future__ import annotations

from datetime import date
from typing import Any

from ninja import Field, Schema


class Format(Schema):
    format: str | None = Field(None, description="json, csv, arrow or parquet; otherwise as Accept says")


class Paged(Format):
    limit: int = Field(1000, ge=1, le=10_000, description="Rows of a page.")
    cursor: str | None = Field(None, max_length=500, description="`next` of the page before.")


class Period(Paged):
    first: date = Field(..., alias="from", description="First day.")
    last: date = Field(..., alias="to", description="Last day, included.")
    profile: str = Field("default", max_length=100, description="Meter profile.")
    as_of: str | None = Field(None, max_length=50, description="As known then: a moment or snapshot number.")


class UsageAsked(Period):
    realm: str = Field("cloud", max_length=100)
    meter: str = Field("", max_length=1000, description="Meters with commas; the realm's first two if none.")
    by: str = Field("", max_length=1000, description="Groupings with commas: month,project ...")
    where: list[str] = Field([], description="Keep grouping=value; may be repeated.")


class SpansAsked(Period):
    where: list[str] = Field([], description="Keep column=value; may be repeated.")


class LogAsked(Period):
    where: list[str] = Field([], description="Keep grouping=value; may be repeated.")
    item: list[str] = Field([], description="Only these items, by id.")


class CoverageAsked(Paged):
    resource: str | None = Field(None, max_length=200)
    first: date | None = Field(None, alias="from")
    last: date | None = Field(None, alias="to")


class MetersAsked(Format):
    profile: str = Field("default", max_length=100)


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
