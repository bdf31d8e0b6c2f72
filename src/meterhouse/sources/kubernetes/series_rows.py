"""How do series of samples become raw records? As runs of equal values, a step apart, without loss."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa

from meterhouse.sources.delivery import Rejection, Rows
from meterhouse.sources.excerpt import excerpt, found
from meterhouse.sources.fields import EXTRA_CHARACTERS, TEXT_CHARACTERS
from meterhouse.sources.kubernetes.prometheus import Series
from meterhouse.sources.kubernetes.queries import LABELS, Query, Unit
from meterhouse.sources.tables import RAW_TABLES

SERIES, USAGE = "kubernetes_series", "kubernetes_usage"
ANSWERED = "answered"
ROWS_A_CHUNK = 20_000
DAY = 86_400  # no record stands for longer than a UTC day: its records are all that a day needs
MOST_QUANTITY = 1 << 60

_SCHEMA = RAW_TABLES[SERIES].schema  # and that of USAGE
_NUMBER = re.compile(r"\+?[0-9]{1,30}(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,9})?")
_PER_UNIT: dict[Unit, int] = {"cores": 1_000_000, "bytes": 1, "count": 1}
# Which column a label of Prometheus fills.
_COLUMNS = {
    "namespace": "namespace",
    "pod": "pod",
    "uid": "uid",
    "persistentvolumeclaim": "claim",
    "node": "node",
    "uuid": "instance",
    "resource": "resource_name",
}


@dataclass(frozen=True, slots=True)
class Run:
    """Equal samples of one series, a step apart: the first, the last, and how many."""

    value: str
    first: int
    last: int
    samples: int


def runs(samples: Iterable[tuple[int, str]], step: int, longest: int = DAY) -> Iterator[Run]:
    """The runs of one series; a missing sample ends a run, and so does every multiple of `longest` seconds.

    `samples` are in order of time.
    """
    value, first, last, count = "", 0, 0, 0
    for moment, said in samples:
        if count and said == value and moment == last + step and moment % longest:
            last, count = moment, count + 1
            continue
        if count:
            yield Run(value, first, last, count)
        value, first, last, count = said, moment, moment, 1
    if count:
        yield Run(value, first, last, count)


@lru_cache(maxsize=100_000)
def quantity(value: str, unit: Unit) -> int | None:
    """Millionths of a core, bytes or a count: rounded half up. None for what isn't a quantity."""
    if not _NUMBER.fullmatch(value):
        return None
    try:
        said = Decimal(value) * _PER_UNIT[unit]
    except ArithmeticError:  # an exponent beyond all measure
        return None
    return int(said.quantize(Decimal(1), ROUND_HALF_UP)) if said < MOST_QUANTITY else None


class SeriesRows:
    """Takes series, gives raw records, rejections and a key of all that was said."""

    def __init__(
        self,
        resource: str,
        origin: str,
        cluster: str | None = None,
        labels: Mapping[str, tuple[str, ...]] = LABELS,
    ) -> None:
        self.origin = origin
        self.rows: list[Rows] = []
        self.rejections: list[Rejection] = []
        self.records = 0
        self.content = hashlib.sha256(f"kubernetes\0{resource}\0{cluster or ''}\0".encode())
        self._resource = resource
        self._cluster = cluster
        self._labels = labels
        self._columns: dict[str, dict[str, list[Any]]] = {
            table: {name: [] for name in _SCHEMA.names} for table in (SERIES, USAGE)
        }
        self._names = [name for name in _SCHEMA.names if name not in ("record", "resource", "cluster")]

    def take(
        self, query: Query, series: Series, step: int, place: tuple[str, int], *, with_uid: bool = True
    ) -> int:
        """Add one series; gives how many records it made. What can't be taken is rejected and told.

        `place` says where the series stands: the answer or list, and its number in it.
        """
        missing = next((name for name in query.subject if not series.labels.get(name)), None)
        if missing is not None:
            self._reject(place, missing, "a label that says which", series.labels)
            return 0
        said: dict[str, Any] = {
            column: series.labels[label] for label, column in _COLUMNS.items() if series.labels.get(label)
        }
        if not with_uid:
            said.pop("uid", None)
        labels = None  # but for what columns say
        if any(label and _COLUMNS.get(name) not in said for name, label in series.labels.items()):
            labels = json.dumps(series.labels, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        labelled = [
            (meaning, text) for meaning in query.labels if (text := self._label(series.labels, meaning))
        ]
        longest = max((len(text) for text in (*said.values(), *(text for _, text in labelled))), default=0)
        if longest > TEXT_CHARACTERS or len(labels or "") > EXTRA_CHARACTERS:
            expected = f"labels of at most {EXTRA_CHARACTERS:,} characters, known ones of {TEXT_CHARACTERS:,}"
            self._reject(place, "labels", expected, series.labels)
            return 0
        said |= {"query": query.name, "labels": labels, "step_seconds": step}
        before = self.records
        for run in runs(series.samples, step, step if query.is_level else DAY):
            if query.unit == "labels":
                # A label is said by a series that is there with the value 1.
                for meaning, text in labelled if run.value == "1" and labelled else [(None, run.value)]:
                    self._add(run, {**said, "label": meaning, "value": text})
                continue
            number = quantity(run.value, query.unit)
            if number is None:
                self._reject(place, "value", f"a number from 0 to below {MOST_QUANTITY:,}", run.value)
                continue
            told = {**said, "value": run.value, "quantity": number}
            self._add(run, told, USAGE if query.is_level else SERIES)
        return self.records - before

    def answered(self, query: str, start: int, end: int, step: int) -> None:
        """Say that `query` had answers for all samples from `start` and before `end`."""
        for run in runs(((time, "") for time in range(start, end, step)), step):
            self._add(run, {"query": ANSWERED, "resource_name": query, "step_seconds": step})

    def names_of(self, query: Query) -> list[str]:
        """Every label of Prometheus that may say one of the meanings that `query` tells."""
        return [name for meaning in query.labels for name in self._labels[meaning]]

    def finish(self) -> list[Rows]:
        """All records, as record batches."""
        for table in self._columns:
            self._close_chunk(table)
        return self.rows

    def _label(self, labels: Mapping[str, str], meaning: str) -> str:
        return next((labels[name] for name in self._labels[meaning] if labels.get(name)), "")

    def _add(self, run: Run, said: dict[str, Any], table: str = SERIES) -> None:
        self.records += 1
        columns = self._columns[table]
        said |= {"first_time": run.first, "last_time": run.last, "samples": run.samples}
        for name in self._names:
            columns[name].append(said.get(name))
        columns["record"].append(self.records)
        self.content.update(
            f"{[column[-1] for column in columns.values() if column]}\0".encode("utf-8", "replace")
        )
        if len(columns["record"]) >= ROWS_A_CHUNK:
            self._close_chunk(table)

    def _close_chunk(self, table: str) -> None:
        columns = self._columns[table]
        count = len(columns["record"])
        if not count:
            return
        columns["resource"] = [self._resource] * count
        columns["cluster"] = [self._cluster] * count
        arrays = []
        for field in _SCHEMA:
            values = columns[field.name]
            if pa.types.is_timestamp(field.type):
                seconds = pa.array(values, pa.int64())
                arrays.append(seconds.cast(pa.timestamp("s")).cast(pa.timestamp("us")).cast(field.type))
            elif pa.types.is_string(field.type):
                arrays.append(pa.array([_text(value) for value in values], field.type))
            else:
                arrays.append(pa.array(values, field.type))
        self.rows.append(Rows(table, pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)))
        for values in columns.values():
            values.clear()

    def _reject(self, place: tuple[str, int], field: str, expected: str, what: object) -> None:
        text = excerpt(json.dumps(what, sort_keys=True, ensure_ascii=False, default=str))
        self.rejections.append(
            Rejection(f"{self.origin}: {place[0]}", place[1], field, expected, found(what), text)
        )


def _text(value: str | None) -> str | None:
    """Text as every file and database takes it: NUL and half characters, which JSON can say, are replaced."""
    if value is None or (value.isascii() and "\0" not in value):
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def moment(seconds: int) -> datetime:
    """Seconds since 1970 as a UTC time."""
    return datetime.fromtimestamp(seconds, UTC)
