"""What was heard, and what not? Gaps in coverage, words outside the vocabulary, builds that are behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from meterhouse.operations.verify.by_item import counted_tables
from meterhouse.operations.verify.findings import Finding
from meterhouse.reports.coverage import state_coverage
from meterhouse.usage.build import models_key
from meterhouse.usage.rules import rule_tables

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.landed import LandedCoverage
    from meterhouse.warehouse.publishing import PublishedBuild
    from meterhouse.warehouse.view import View


_MOMENT = timedelta(seconds=1)  # a call that covers no more asked how things stand, and not what happened
_MOST_WORDS = 12


def coverage_gaps(view: View, start: datetime | None, end: datetime | None) -> Iterator[Finding]:
    """Stretches between what was read that nobody asked for, or that were asked for in vain.

    Without `start` and `end`: from the first window of a call to its last. Calls that ask for a moment
    and not for a window have no gaps, only failures.
    """
    calls: dict[tuple[str, str, str], list[LandedCoverage]] = {}
    for window in view.coverage(start=start, end=end):
        calls.setdefault((window.resource, window.source, window.call), []).append(window)
    for (resource, source, call), windows in sorted(calls.items()):
        where = f"{resource}, {source}: {call}"
        first = start or min(window.start for window in windows)
        last = end or max(window.end for window in windows)
        asks_for_windows = any(window.end - window.start > _MOMENT for window in windows)
        if not asks_for_windows:
            for window in windows:
                if window.outcome == "failed":
                    yield _gap("a call failed", f"{window.start:%Y-%m-%d %H:%M:%S}: {window.detail}", where)
            continue
        statement = state_coverage(resource, source, windows, first, last)
        for missing in statement.failed:
            found = f"{missing.start:%Y-%m-%d %H:%M:%S} to {missing.end:%Y-%m-%d %H:%M:%S}: {missing.detail}"
            yield _gap("a window was asked for in vain", found, where)
        for missing in statement.not_covered:
            found = f"{missing.start:%Y-%m-%d %H:%M:%S} to {missing.end:%Y-%m-%d %H:%M:%S}"
            yield _gap("a window was never read", found, where)


def _gap(what: str, found: str, where: str) -> Finding:
    return Finding("coverage", "warning", what, "read without a gap", found, where)


def build_is_behind(view: View, build: PublishedBuild | None, time_zone: str) -> Iterator[Finding]:
    """Raw records that no build has seen, and builds by other rules than this version's: stale, not wrong."""
    tables = set(counted_tables())
    newer = [
        batch
        for batch in view.batches(since_snapshot=build.input_snapshot if build else None)
        if tables & batch.rows_by_table.keys()
    ]
    if newer:
        records = sum(batch.rows_by_table.get(table, 0) for batch in newer for table in tables)
        yield Finding(
            "stale", "warning", "records have come in since the last build; `meterhouse build` counts them",
            "a build of all records", f"{records} records in {len(newer)} batches that are not counted yet",
            f"from batch {newer[0].id} on",
        )  # fmt: skip
    if build is not None and build.models_key != models_key(time_zone):
        yield Finding(
            "stale", "warning",
            "usage was built by other rules or another clock; `meterhouse build` makes it anew",
            "the rules of this version and the site's time zone",
            "other ones, so that spans and daily usage could not be compared", f"build {build.number}",
        )  # fmt: skip


def unknown_words(view: View, engine: DuckDBEngine) -> Iterator[Finding]:
    """Events and states that the catalogue doesn't know: kept as raw records, they change nothing."""
    rules = rule_tables()
    for name in ("event_vocabulary", "generic_event_name", "state_said", "event_rule"):
        engine.relation(name, rules[name])
    questions = [
        (
            "openstack_event",
            "event",
            "SELECT resource, event_type AS word, COUNT(*) AS records FROM ({raw}) WHERE event_type NOT IN "
            "(SELECT event FROM event_vocabulary) GROUP BY ALL",
        ),
        (
            "generic_cloud_event",
            "event",
            "SELECT resource, event_type AS word, COUNT(*) AS records FROM ({raw}) WHERE event_type NOT IN "
            "(SELECT generic FROM generic_event_name) GROUP BY ALL",
        ),
        (
            "openstack_event",
            "state",
            "SELECT e.resource, lower(e.state) AS word, COUNT(*) AS records FROM ({raw}) AS e "
            "WHERE e.state IS NOT NULL "
            "AND e.event_type IN (SELECT event FROM event_rule WHERE state = 'said') "
            "AND lower(e.state) NOT IN (SELECT said FROM state_said WHERE kind = 'vm') GROUP BY ALL",
        ),
    ]
    for table, what, sql in questions:
        if not view.files(table):
            continue
        found = engine.query(
            f"SELECT * FROM ({sql.format(raw=view.select(table))}) ORDER BY resource, records DESC, word"
        ).to_pylist()
        for resource, of_resource in groupby(found, key=lambda row: str(row["resource"])):
            words = list(of_resource)
            records = sum(row["records"] for row in words)
            told = ", ".join(f"{row['word']} {row['records']}" for row in words[:_MOST_WORDS])
            more = f", and {len(words) - _MOST_WORDS} more" if len(words) > _MOST_WORDS else ""
            yield Finding(
                "vocabulary", "note", f"{what}s that are not in the catalogue: kept, they change nothing",
                f"known {what}s", f"{records} records: {told}{more}", f"{resource}, table {table}",
            )  # fmt: skip
