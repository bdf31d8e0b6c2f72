"""What happened to each item, when, and by whose account? One line in plain words per change of a span."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, tzinfo
from itertools import chain, pairwise
from typing import Any, Literal, TextIO

from meterhouse.reports.exchanged import utc_text
from meterhouse.reports.names import shown
from meterhouse.reports.wording import class_and_size, deed, done, item_words, size_words, state_word

Span = Mapping[str, Any]
"""A record with the columns of `usage.tables.SPAN`."""

LogFormat = Literal["text", "csv", "json"]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One change: names as they were said, `action` in words for people, and the record that shows it."""

    time: datetime
    user: str
    project: str
    action: str
    item: str
    resource: str
    kind: str
    batch: str
    record: int | None


COLUMNS = tuple(field.name for field in fields(LogLine))


def log_lines(
    spans: Iterable[Span], start: datetime | None = None, end: datetime | None = None
) -> list[LogLine]:
    """The lines of all changes within `[start, end)`, in order of time.

    `spans` come ordered by item and start, of one rule set. Give whole items, also what lies before
    `start`: a change is told from the span before it.
    """
    lines = [
        line
        for before, span, after in _neighbours(spans)
        for line in chain(_opening(span, before), _ending(span, after))
        if (start is None or line.time >= start) and (end is None or line.time < end)
    ]
    return sorted(lines, key=lambda line: line.time)


def describe(span: Span, before: Span | None) -> list[str]:
    """What changed when `span` followed `before` (None: the item's first span), in plain words."""
    what, kind, opened_by = item_words(span), span["kind"], span["opened_by"]
    made = deed(opened_by) in ("create", "upload", "activate", "started", "scheduled")
    did = done(opened_by, what, kind)
    details = "".join(f", {part}" for part in (class_and_size(span), _in_project(span)) if part)
    if before is None:
        seen = f"{what} was first seen {state_word(span['state'], kind)}"
        return [f"{did if did and made else seen}{details}"]

    actions = []
    if _size_differs(before, span):
        actions.append(f"resized {what} from {_size_side(before, span)} to {_size_side(span, before)}")
    if before["project_ref"] != span["project_ref"] and before["project_ref"] and span["project_ref"]:
        actions.append(f"moved {what} from project {_project(before)} to project {_project(span)}")
    if before["name"] != span["name"] and before["name"] and span["name"]:
        actions.append(f"renamed {item_words(before)} to {shown(span['name'])}")
    if did:
        actions.append(f"{did}{details if made else ''}")
    elif span["start"] > before["end"]:
        actions.append(f"{what} was seen again, {state_word(span['state'], kind)}")
    elif before["state"] != span["state"]:
        actions.append(f"{what} was seen {state_word(span['state'], kind)}")
    return actions


def describe_end(span: Span, seen_again: bool = False) -> str:
    """How a span ended that no other follows at once."""
    what, kind = item_words(span), span["kind"]
    if span["closed_by"] is None:
        last = f"{what} was last seen {state_word(span['state'], kind)}"
        return last if seen_again or span["is_last"] is False else f"{last} (no end recorded)"
    return done(span["closed_by"], what, kind) or f"{what} was found to be gone"


def write_log(lines: Iterable[LogLine], out: TextIO, format: LogFormat, zone: tzinfo = UTC) -> None:
    """Write lines as they come: text in the given time zone, CSV and JSON exact and in UTC."""
    if format == "text":
        out.writelines(f"{text_line(line, zone)}\n" for line in lines)
    elif format == "csv":
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_plain(line).values() for line in lines)
    else:
        separator = "[\n"
        for line in lines:
            out.write(separator + json.dumps(_plain(line), ensure_ascii=False))
            separator = ",\n"
        out.write("[]\n" if separator == "[\n" else "\n]\n")


def text_line(line: LogLine, zone: tzinfo = UTC) -> str:
    """`2018-04-18 14:58 | yerwa | created VM x, flavor c1.m4, 1 vCPU, 4 GiB, in project zealous`."""
    user = shown(line.user) if line.user else "(unknown user)"
    return f"{line.time.astimezone(zone):%Y-%m-%d %H:%M} | {user} | {line.action}"


def _plain(line: LogLine) -> dict[str, Any]:
    return {**asdict(line), "time": utc_text(line.time)}


def _neighbours(spans: Iterable[Span]) -> Iterator[tuple[Span | None, Span, Span | None]]:
    """Each span with the one before and the one after it of the same item."""
    for (before, span), (_, after) in pairwise(pairwise(chain([None], spans, [None]))):
        if span is not None:
            yield (
                before if _same_item(before, span) else None,
                span,
                after if _same_item(after, span) else None,
            )


def _same_item(one: Span | None, other: Span) -> bool:
    return one is not None and all(one[key] == other[key] for key in ("resource", "kind", "item"))


def _opening(span: Span, before: Span | None) -> Iterator[LogLine]:
    for action in describe(span, before):
        yield _line(span, span["start"], action, span["opened_batch"], span["opened_record"])


def _ending(span: Span, after: Span | None) -> Iterator[LogLine]:
    if after is None or after["start"] > span["end"]:
        action = describe_end(span, seen_again=after is not None)
        yield _line(span, span["end"], action, span["closed_batch"], span["closed_record"])


def _line(span: Span, time: datetime, action: str, batch: str | None, record: int | None) -> LogLine:
    return LogLine(
        time=time,
        user=span["user_name"] or span["user_ref"] or "",
        project=span["project_name"] or span["project_ref"] or "",
        action=action,
        item=span["item"],
        resource=span["resource"],
        kind=span["kind"],
        batch=batch or "",
        record=record,
    )


def _size_differs(before: Span, span: Span) -> bool:
    """Sizes that were said on both sides and aren't the same; what was never said is no change."""
    sizes = ["class", "vcpus", "memory_mib", "gpus", "disk_gib"]
    if span["kind"] in ("image", "snapshot"):
        sizes = ["disk_gib"]
    return any(
        before[size] is not None and span[size] is not None and before[size] != span[size] for size in sizes
    )


def _size_side(span: Span, other: Span) -> str:
    """`c1.m4 (1 vCPU, 4 GiB)`; a VM's disk only where nothing else tells the two sizes apart."""
    size, name = size_words(span), shown(span["class"]) if span["class"] else ""
    if span["kind"] == "vm" and (span["class"], size) == (other["class"], size_words(other)):
        size = ", ".join(part for part in (size, f"{span['disk_gib']} GiB disk") if part)
    return f"{name} ({size})" if name and size else name or size


def _in_project(span: Span) -> str:
    return f"in project {_project(span)}" if span["project_ref"] or span["project_name"] else ""


def _project(span: Span) -> str:
    return shown(span["project_name"] or span["project_ref"])
