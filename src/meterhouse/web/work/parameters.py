"""What may a report or an export be about? Its parameters, checked before anybody waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from meterhouse.errors import QuestionError
from meterhouse.reports.site_month import REPORTED_REALMS, parse_month
from meterhouse.reports.storage.cost import rates_of
from meterhouse.reports.storage.duplicates import LEAST_SIZE
from meterhouse.reports.storage.tabled import REPORTS, Told
from meterhouse.usage.meters import find_grouping, find_realm, profiles
from meterhouse.usage.question import Question
from meterhouse.usage.tables import SPAN
from meterhouse.web.asking import days_of, filters_of, moment_of, question_said
from meterhouse.web.rights import Forbidden, Right

REPORT_FORMATS = ("pdf", "html", "xlsx", "csv")
EXPORT_FORMATS = ("csv", "parquet", "xlsx", "json")
DUMP_FORMATS = ("csv", "parquet")
_GREATEST_RATE = 1_000_000_000


def _names(value: Any) -> Any:
    return ",".join(value) if isinstance(value, list | tuple) else value


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _text(longest: int) -> Any:
    # No control characters: nothing of this may end a line in a mail or a log.
    return Field(default="", max_length=longest, pattern=r"^[^\x00-\x1f\x7f]*$")


_Commas = Annotated[str, BeforeValidator(_names), _text(1000)]
_Values = Annotated[
    list[Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]],
    BeforeValidator(_several),
    Field(default_factory=list, max_length=50),
]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    def kept(self) -> dict[str, Any]:
        """As the register keeps them: what isn't said doesn't stand there."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class _Parameters(_Said):
    profile: Annotated[str, _text(100)] = "default"


class MonthlyParameters(_Parameters):
    """Of the monthly report, whichever month it is of."""

    realm: Annotated[str, _text(100)] = "cloud"
    institution: Annotated[str, _text(200)]
    project: Annotated[str, _text(200)]
    log: bool = False
    format: Literal["pdf", "html", "xlsx", "csv"] = "pdf"

    def check(self, right: Right) -> None:
        """Raise where it can't be made, or not for who asks."""
        _no_totals_only(right)
        find_realm(self.profile, self.realm)
        if self.realm not in REPORTED_REALMS:
            raise QuestionError(f"realm: expected one of {', '.join(REPORTED_REALMS)}, found {self.realm!r}")


class ReportParameters(MonthlyParameters):
    """Of the report of a month."""

    month: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$")]

    @property
    def first(self) -> date:
        """Its first day."""
        return parse_month(self.month)

    def check(self, right: Right) -> None:
        super().check(right)
        days_of(self.first, self.first)


class StorageParameters(_Said):
    """Of a report on file systems."""

    storage: Literal[
        "groups", "projects", "users", "top", "old", "forecast", "duplicates", "basedirs", "cost"
    ]
    day: date
    within: Annotated[int, Field(ge=1, le=3660)] = 10  # days of which the newest complete scan counts
    partial: bool = False  # without the volumes of which there is none
    volume: _Values
    by: Annotated[str, _text(20)]
    depth: Annotated[int, Field(ge=0, le=100)] = 1
    days: Annotated[int, Field(ge=0, le=36_600)] = 365
    since: Literal["access", "modification"] = "access"
    least_size: Annotated[int, Field(ge=1, le=2**60)] = LEAST_SIZE
    same_name: bool = False
    limit: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    rate: _Values  # per TiB and year: RATE, or VOLUME=RATE
    format: Literal["csv", "parquet", "xlsx", "json"] = "csv"

    @property
    def told(self) -> Told:
        """What the report is told beside the question."""
        return Told(
            by=self.by,
            depth=self.depth,
            days=self.days,
            since=self.since,
            least_size=self.least_size,
            same_name=self.same_name,
            limit=self.limit,
            rates=rates_of(self.rate),
        )

    def check(self, right: Right) -> None:
        """Raise where it can't be made, or not for who asks."""
        _no_totals_only(right)
        days_of(self.day, self.day)
        allowed = REPORTS[self.storage].by
        if self.by and self.by not in allowed:
            raise QuestionError(f"by: expected {' or '.join(allowed) or 'nothing'}, found {self.by!r}")
        if bool(self.rate) != (self.storage == "cost"):
            raise QuestionError(f"rate: expected with cost, and only there, found {self.storage}")
        for rate in self.told.rates.values():
            if rate > _GREATEST_RATE or rate != round(rate, 6):
                raise QuestionError(
                    f"rate: expected at most {_GREATEST_RATE} with six decimals, found {rate:.10g}"
                )


class ExportParameters(_Parameters):
    """Of an export: the rows of an answer, spans, the transaction log, or all tables of a period."""

    what: Literal["usage", "spans", "log", "dump"] = "usage"
    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]
    realm: Annotated[str, _text(100)] = "cloud"
    meter: _Commas
    by: _Commas
    where: _Values
    as_of: Annotated[str, _text(50)]
    format: Literal["csv", "parquet", "xlsx", "json"] = "csv"

    @property
    def question(self) -> Question:
        """Of an export of usage."""
        return question_said(self)

    def check(self, right: Right) -> None:
        """Raise where it can't be made, or not for who asks."""
        _no_totals_only(right)
        days_of(self.first, self.last)
        moment_of(self.as_of)
        if self.profile not in profiles():
            raise QuestionError(f"profile: expected one of {', '.join(profiles())}, found {self.profile!r}")
        if self.what != "usage" and (self.meter or self.by):
            raise QuestionError(f"meter, by: expected with usage only, found with {self.what}")
        if self.what == "usage":
            question = right.restrict(self.question)
            named = (*question.groupings, *(grouping for grouping, _ in question.filters))
            if any(grouping.spans_only for grouping in named):
                raise QuestionError("by: item can be asked with spans")
        elif self.what == "spans":
            for name in filters_of(self.where):
                if name not in SPAN.names:
                    raise QuestionError(f"where: expected a column of spans, found {name!r}")
        elif self.what == "log":
            for name in filters_of(self.where):
                find_grouping(name)
        else:
            if not right.everything:
                # Raw records may be of an item's time with another owner.
                raise Forbidden("what: a dump of all tables is for staff; expected usage, spans or log")
            if self.where:
                raise QuestionError("where: a dump is of everything in a period")
            if self.format not in DUMP_FORMATS:
                raise QuestionError(f"format: expected one of {', '.join(DUMP_FORMATS)} for a dump")


def _no_totals_only(right: Right) -> None:
    if right.totals_only or not (right.everything or right.people or right.projects or right.institutions):
        raise Forbidden("expected an account that is tied to a person or an institution, or of staff")


_Read = TypeVar("_Read", bound=_Said)


def parameters_of(
    kind: str, said: Mapping[str, Any]
) -> ReportParameters | StorageParameters | ExportParameters:
    """Read parameters; a report that says `storage` is on file systems. Raises QuestionError."""
    if kind not in ("report", "export"):
        raise QuestionError(f"kind: expected report or export, found {kind!r}")
    if kind == "report" and "storage" in said:
        return _read(StorageParameters, said)
    if kind == "report":
        return _read(ReportParameters, said)
    return _read(ExportParameters, said)


def schedule_parameters(said: Mapping[str, Any]) -> MonthlyParameters:
    """Read the parameters of a report that is made for every month."""
    return _read(MonthlyParameters, said)


def _read(model: type[_Read], said: Mapping[str, Any]) -> _Read:
    try:
        return model.model_validate(dict(said))
    except ValidationError as error:
        mistakes = [
            f"{'.'.join(map(str, one['loc']))}: "
            + ("expected no such parameter" if one["type"] == "extra_forbidden" else one["msg"])
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise QuestionError("; ".join(mistakes)) from None
