"""Are the figures right? Everything is counted again from the raw records by another way, and compared."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from meterhouse.errors import QuestionError
from meterhouse.operations.verify.by_item import of_events, said_by_item, side_by_side, spans_by_item
from meterhouse.operations.verify.capacity import capacity_exceeded
from meterhouse.operations.verify.days import DayTotals, SiteDays
from meterhouse.operations.verify.files import DERIVED, RAW, check_counts, check_files
from meterhouse.operations.verify.findings import Finding, Verification, gravest_first, not_too_many
from meterhouse.operations.verify.heard import build_is_behind, coverage_gaps, unknown_words
from meterhouse.operations.verify.intervals import different_use, records_by_item
from meterhouse.operations.verify.nova import compare_with_nova
from meterhouse.operations.verify.said import Said
from meterhouse.operations.verify.spans import different_spans, impossible_times, overlaps, wrong_evidence
from meterhouse.operations.verify.usage_totals import Unclear, built_totals, different_totals
from meterhouse.operations.verify.walk import RULE_SETS, Session, told_once, walk
from meterhouse.usage.build import models_key
from meterhouse.usage.building.models import INTERVAL_MODELS, IntervalModel

if TYPE_CHECKING:
    from meterhouse.site import Site
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.publishing import PublishedBuild
    from meterhouse.warehouse.view import View

Row = dict[str, Any]


def verify(
    site: Site,
    *,
    first: date | None = None,
    last: date | None = None,
    profile: str | None = None,
    as_of: int | datetime | None = None,
) -> Verification:
    """Check a site's records, spans and daily usage, as they stood `as_of`; changes nothing.

    `first` and `last` (both included) narrow the comparisons to these days, `profile` to the rule set of
    one profile. Memory is bounded by the largest item and the daily usage of the period.
    """
    if first and last and last < first:
        raise QuestionError(f"period: expected the first day before the last, found {first} to {last}")
    if profile is not None and profile not in RULE_SETS:
        raise QuestionError(f"profile: expected one of {', '.join(RULE_SETS)}, found {profile!r}")
    view = site.warehouse.view(as_of)
    one = _Verification(site, view, first, last, (profile,) if profile else RULE_SETS)
    with view.reading():
        findings = gravest_first(not_too_many(one.run()))
    return Verification(findings, view.snapshot, one.checked)


@dataclass
class _Verification:
    """One run: what it looks at, and how much of it there was."""

    site: Site
    view: View
    first: date | None
    last: date | None
    rules: tuple[str, ...]
    checked: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.days = SiteDays(self.site.settings.site.time_zone)
        self.start = self.days.start(self.first) if self.first else None
        self.end = self.days.start(self.last + timedelta(days=1)) if self.last else None

    def run(self) -> Iterator[Finding]:
        time_zone = self.site.settings.site.time_zone
        build = self.site.warehouse.last_build(self.view)
        unreadable = yield from self._files(RAW)
        with self.site.engine() as engine:
            if not unreadable:
                yield from check_counts(self.view, engine)
                yield from unknown_words(self.view, engine)
        yield from coverage_gaps(self.view, self.start, self.end)
        yield from build_is_behind(self.view, build, time_zone)
        if build is None:
            return
        unreadable |= yield from self._files(DERIVED)
        if unreadable:
            yield Finding(
                "files", "error", "spans and daily usage could not be compared with raw records",
                "all files to be there and readable", "missing or damaged ones", "the whole site",
            )  # fmt: skip
        elif build.models_key == models_key(time_zone):
            yield from self._usage(build)

    def _files(self, tables: tuple[str, ...]) -> Generator[Finding, None, bool]:
        unreadable = False
        for file, finding in check_files(self.view, tables):
            self._count("files")
            self._count("rows", file.rows)
            if finding is not None:
                unreadable |= "altered" not in finding.what and "other rows" not in finding.what
                yield finding
        return unreadable

    def _usage(self, build: PublishedBuild) -> Iterator[Finding]:
        # What the build has seen, no more and no less
        raw = self.site.warehouse.view(build.input_snapshot)
        totals = DayTotals(self.days, self.first, self.last)
        unclear = Unclear()
        recorded_at = {batch.id: batch.recorded_at for batch in raw.batches()}
        with ExitStack() as stack:
            one, other = (stack.enter_context(self.site.engine()) for _ in range(2))
            for _, said, spans in side_by_side(
                said_by_item(raw, one), spans_by_item(self.view, other, of_events())
            ):
                self._count("items")
                told_spans = [row for row in spans if row["rules"] in self.rules and self._is_asked_for(row)]
                self._count("spans", len(told_spans))
                yield from self._item(said, told_spans, totals)
                yield from impossible_times(said, told_spans, recorded_at)
                yield from overlaps(told_spans)
                unclear.add(told_spans)
            if "default" in self.rules:
                for model in INTERVAL_MODELS:
                    yield from self._intervals(model, raw, one, other, totals, unclear)
            built = built_totals(self.view, one, self.rules, self.first, self.last)
            self._count("daily groups", len(built))
            yield from different_totals(totals.by_group, built)
            yield from unclear.findings()
            yield from capacity_exceeded(self.view, one, self.site.settings)
            yield from compare_with_nova(raw, self.view, one, other, self.start, self.end)

    def _intervals(
        self, model: IntervalModel, raw: View, one: DuckDBEngine, other: DuckDBEngine, totals: DayTotals,
        unclear: Unclear,
    ) -> Iterator[Finding]:  # fmt: skip
        """Jobs, pods or claims: what they come to, and what of it falls on which day."""
        records, spans = (
            records_by_item(raw, one, model),
            spans_by_item(self.view, other, f"kind = '{model.kind}'"),
        )
        for key, said, of_item in side_by_side(records, spans):
            self._count("items")
            self._count("spans", len(of_item))
            yield from different_use(model.kind, key, said, of_item)
            yield from impossible_times([], of_item, {})
            totals.add_spans(of_item)
            unclear.add(of_item)

    def _item(self, said: list[Said], spans: list[Row], totals: DayTotals) -> Iterator[Finding]:
        by_kind: dict[str, list[Said]] = {}
        for event in said:
            by_kind.setdefault(event.kind, []).append(event)
        sessions: list[Session] = []
        for kind, of_kind in by_kind.items():
            told = told_once(of_kind)
            for rules in self.rules:
                sessions += walk(told.events, rules)
            yield from wrong_evidence(told, (row for row in spans if row["kind"] == kind))
        totals.add(sessions)
        asked_for = [one for one in sessions if self._touches(one.start, one.end)]
        yield from different_spans(asked_for, spans)

    def _is_asked_for(self, span: Row) -> bool:
        return self._touches(span["start"], span["end"])

    def _touches(self, start: datetime, end: datetime) -> bool:
        return (self.end is None or start < self.end) and (self.start is None or end >= self.start)

    def _count(self, what: str, count: int = 1) -> None:
        self.checked[what] = self.checked.get(what, 0) + count
