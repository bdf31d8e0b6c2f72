"""Is each span what the raw records say, and can it be at all?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from meterhouse.operations.verify.findings import Finding
from meterhouse.operations.verify.said import Said
from meterhouse.operations.verify.walk import Session, Tellings

Row = dict[str, Any]
EVIDENCE = ("opened_batch", "opened_record", "closed_batch", "closed_record")
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

_OF_JOBS_AND_PODS = (
    "group_name", "qos", "gpu_resource", "submitted", "run_seconds", "cpu_used_millis", "memory_peak_mib",
    "time_limit_seconds",
)  # fmt: skip


def span_row(session: Session) -> Row:
    """A session as the table `span` has it (usage.tables.SPAN)."""
    said = session.opening
    return {
        "rules": session.rules,
        "resource": said.resource,
        "kind": said.kind,
        "item": said.item,
        "name": said.name,
        "project_ref": said.project_ref,
        "project_name": said.project_name,
        "user_ref": said.user_ref,
        "user_name": said.user_name,
        "domain": said.domain,
        "state": session.state,
        "start": session.start,
        "end": session.end,
        "class": said.size_class,
        "vcpus": said.vcpus,
        "memory_mib": said.memory_mib,
        "disk_gib": said.disk_gib,
        "gpus": None,
        "gpu_model": None,
        "nodes": None,
        "space_bytes": said.space_bytes,
        "files": said.files,
        "host": said.host,
        "cpu_millis": None if said.vcpus is None else said.vcpus * 1000,
        **dict.fromkeys(_OF_JOBS_AND_PODS),
        "opened_by": said.event,
        "closed_by": None if session.is_last else session.closing.event,
        "begins": session.begins,
        "ceases": session.ceases,
        "is_last": session.is_last,
        "opened_batch": said.batch_id,
        "opened_record": said.record,
        "closed_batch": session.closing.batch_id,
        "closed_record": session.closing.record,
    }


def different_spans(sessions: Iterable[Session], spans: Iterable[Row]) -> Iterator[Finding]:
    """Spans of one item that the raw records don't give, or that are missing."""
    should_be = [span_row(session) for session in sessions]
    are = list(spans)
    counts = Counter(map(_key, should_be))
    counts.subtract(map(_key, are))
    by_key = {_key(row): row for row in (*should_be, *are)}
    missing = sorted((by_key[key] for key in (+counts).elements()), key=_order)
    surplus = sorted((by_key[key] for key in (-counts).elements()), key=_order)
    for number in range(max(len(missing), len(surplus))):
        should = missing[number] if number < len(missing) else None
        is_there = surplus[number] if number < len(surplus) else None
        row = should or is_there
        assert row is not None
        yield Finding(
            "spans",
            "error",
            f"{row['rules']} span of {row['kind']} differs from its raw records",
            _told(should, is_there),
            _told(is_there, should),
            place(row),
        )


def wrong_evidence(told: Tellings, spans: Iterable[Row]) -> Iterator[Finding]:
    """Spans that name records which don't say what opened and closed them."""
    by_moment: dict[tuple[datetime, str | None], set[tuple[str, int]]] = {}
    for (time, event, _), records in told.evidence.items():
        by_moment.setdefault((time, event), set()).update(records)
        by_moment.setdefault((time, None), set()).update(records)
    for row in spans:
        for end, moment, event in (
            ("opened", row["start"], row["opened_by"]),
            ("closed", row["end"], row["closed_by"]),
        ):
            record = (row[f"{end}_batch"], row[f"{end}_record"])
            if record not in by_moment.get((moment, event), set()):
                yield Finding(
                    "evidence",
                    "error",
                    f"{row['rules']} span doesn't name the record that {end} it",
                    f"a record of {event or 'an event'} at {moment:%Y-%m-%d %H:%M:%S.%f}",
                    f"batch {record[0]}, record {record[1]}",
                    place(row),
                )


def impossible_times(
    said: Iterable[Said], spans: list[Row], recorded_at: Mapping[str, datetime]
) -> Iterator[Finding]:
    """Spans that end before they start, begin before anything was said, or end later than can be known."""
    first: dict[str, datetime] = {}
    for one in said:
        first[one.kind] = min(first.get(one.kind, one.time), one.time)
    for row in spans:
        start, end = row["start"], row["end"]
        known = recorded_at.get(row["closed_batch"])
        if end < start:
            yield _time("error", "span ends before it starts", f"from {start} on", str(end), row)
        if row["kind"] in first and start < first[row["kind"]]:
            first_said = first[row["kind"]]
            yield _time(
                "error", "span starts before the first record", f"{first_said} or later", str(start), row
            )
        if end >= LATEST:
            yield _time("error", "span ends in a year that can't be", f"before {LATEST:%Y}", str(end), row)
        elif known is not None and end > known:
            what = "span ends after its record was taken in: is a clock wrong?"
            yield _time("warning", what, f"{known} or earlier", str(end), row)


def overlaps(spans: Iterable[Row]) -> Iterator[Finding]:
    """Two spans of one item under one rule set at one moment: seconds would count twice."""
    by_walk: dict[tuple[str, str], list[Row]] = {}
    for row in spans:
        by_walk.setdefault((row["rules"], row["kind"]), []).append(row)
    for rows in by_walk.values():
        rows.sort(key=lambda row: (row["start"], row["end"]))
        for one, after in pairwise(rows):
            if after["start"] < one["end"]:
                yield Finding(
                    "overlap", "error", f"{one['rules']} spans overlap", f"a start at {one['end']} or later",
                    str(after["start"]), place(after),
                )  # fmt: skip


def place(row: Row) -> str:
    return f"{row['resource']} {row['kind']} {row['item']}"


def _time(severity: Any, what: str, expected: str, found: str, row: Row) -> Finding:
    return Finding("times", severity, what, expected, found, place(row))


def _key(row: Row) -> tuple[object, ...]:
    return tuple(value for name, value in sorted(row.items()) if name not in EVIDENCE)


def _order(row: Row) -> tuple[object, ...]:
    return (row["rules"], row["kind"], row["start"], row["end"], row["opened_by"])


def _told(row: Row | None, other: Row | None) -> str:
    """A span in words; beside another one, what differs."""
    if row is None:
        return "no such span"
    period = f"{row['start']:%Y-%m-%d %H:%M:%S} to {row['end']:%Y-%m-%d %H:%M:%S}"
    text = f"{row['state']} {period}, by {row['opened_by']}"
    if other is not None:
        shown = {"state", "start", "end", "opened_by", *EVIDENCE}
        differing = [f"{name} {row[name]}" for name in row if name not in shown and row[name] != other[name]]
        text += f" ({', '.join(differing)})" if differing else ""
    return text
