"""How does foreign JSON become typed columns? Field by field, a column at a time, with every fault named.

Whole columns are converted at once; only a column that holds something unusual is looked at value by
value. Both ways accept and refuse the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from meterhouse.sources.delivery import Rejection
from meterhouse.sources.excerpt import excerpt, found
from meterhouse.sources.raw_table import TIME
from meterhouse.sources.tables import RAW_TABLES

Kind = Literal["text", "id", "integer", "time"]

TEXT_CHARACTERS = 1_024
EXTRA_CHARACTERS = 1 << 16
MOST_VCPUS = 1_000_000
MOST_INTEGER = 1 << 53
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):?(\d\d)?)?",
    re.ASCII,
)
_EPOCH_SECONDS = re.compile(r"([0-9]{9,10})(?:\.([0-9]{1,9}))?")


class Fault(ValueError):
    """A value that isn't what its field takes."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(f"expected {expected}, found {found(value)}")
        self.expected = expected
        self.found = found(value)


@dataclass(frozen=True, slots=True)
class Field:
    """One typed column: the key it comes from, what it takes, and whether it must be there.

    "id" is text that some sources say as an integer. `most` is the largest integer, or the longest
    text. An optional time may be said as "", which is how Nova says that it didn't happen yet.
    """

    column: str
    kind: Kind = "text"
    required: bool = False
    most: int = 0
    key: str = ""

    @property
    def said_as(self) -> str:
        """The key in the source's records."""
        return self.key or self.column

    @property
    def limit(self) -> int:
        """The largest integer or the longest text that the field takes."""
        return self.most or (MOST_INTEGER if self.kind == "integer" else TEXT_CHARACTERS)

    def value(self, said: object) -> str | int | datetime | None:
        """The typed value of what was said, None for nothing; raises Fault."""
        if said is None or (said == "" and self.kind == "time"):
            if self.required:
                raise Fault(self.expected, said)
            return None
        if self.kind == "integer":
            return self._integer(said)
        if self.kind == "time":
            return self._time(said)
        if self.kind == "id" and type(said) is int and 0 <= said < 1 << 63:
            return str(said)
        if not isinstance(said, str) or len(said) > self.limit or (self.required and not said):
            raise Fault(self.expected, said)
        return said

    @property
    def expected(self) -> str:
        """What the field takes, for messages."""
        if self.kind == "integer":
            return f"an integer from 0 to {self.limit:,}"
        if self.kind == "time":
            return f"a time from {EARLIEST:%Y-%m-%d} and before {LATEST:%Y-%m-%d}"
        return f"text of at most {self.limit:,} characters"

    def _integer(self, said: object) -> int:
        if type(said) is str and _INTEGER.fullmatch(said):
            number = int(said)
        elif type(said) is int:
            number = said
        else:
            raise Fault(self.expected, said)
        if not 0 <= number <= self.limit:
            raise Fault(self.expected, said)
        return number

    def _time(self, said: object) -> datetime:
        time = parse_time(said) if isinstance(said, str) else None
        if time is None or not EARLIEST <= time < LATEST:
            raise Fault(self.expected, said)
        return time


def parse_time(text: str) -> datetime | None:
    """The UTC time that `text` says, or None: ISO 8601 date and time, UTC without a zone.

    A space may stand for the T. Seconds since 1970 as text, as Nova's audit periods have them at
    times, are taken too. Digits beyond the microsecond are dropped.
    """
    if since_1970 := _EPOCH_SECONDS.fullmatch(text):
        microseconds = int(_six_digits(since_1970[2]))
        return datetime.fromtimestamp(int(since_1970[1]), UTC).replace(microsecond=microseconds)
    parts = _TIME.fullmatch(text)
    if parts is None:
        return None
    try:
        zone = UTC
        if parts[9]:
            hours, minutes = int(parts[10]), int(parts[11] or 0)
            if hours > 23 or minutes > 59:
                return None
            offset = timedelta(hours=hours, minutes=minutes)
            zone = timezone(-offset if parts[9] == "-" else offset)
        year, month, day, hour, minute, second = [int(parts[group]) for group in range(1, 7)]
        microsecond = int(_six_digits(parts[7]))
        return datetime(year, month, day, hour, minute, second, microsecond, zone).astimezone(UTC)
    except (ValueError, OverflowError):  # an impossible date, or out of the calendar
        return None


def _six_digits(fraction: str | None) -> str:
    return (fraction or "")[:6].ljust(6, "0")


class TypedRecords:
    """Turns JSON objects into record batches of one raw table.

    `constants` fill columns with one value; keys that no field takes go to `extra`, but for those in
    `dropped` when they are empty.
    """

    def __init__(
        self,
        table: str,
        fields: Sequence[Field],
        constants: Mapping[str, str] | None = None,
        dropped: frozenset[str] = frozenset(),
    ) -> None:
        self.schema = RAW_TABLES[table].schema
        self._fields = {field.column: field for field in fields}
        self._constants = dict(constants or {})
        self._nothing_said: dict[str, Any] = dict.fromkeys(field.said_as for field in fields)
        self._dropped = dropped
        assert len(self._nothing_said) == len(fields), "two fields from one key"
        unknown = set(self._fields) | set(self._constants)
        assert unknown <= set(self.schema.names), unknown - set(self.schema.names)

    def batch(
        self, numbers: Sequence[int], objects: Sequence[dict[str, Any]], resource: str, origin: str
    ) -> tuple[pa.RecordBatch, list[Rejection]]:
        """The good ones of `objects` as a batch in their order, and a rejection for each other one."""
        faults: dict[int, tuple[str, Fault]] = {}
        columns: dict[str, pa.Array] = {}
        # Every record in the order of the fields, then what no field takes; and the same by columns.
        ordered = [self._nothing_said | record for record in objects]
        by_column = zip(*[record.values() for record in ordered], strict=False)
        for (column, field), said in zip(self._fields.items(), by_column, strict=False):
            array = _convert(field, said)
            columns[column] = array if array is not None else _convert_singly(field, said, faults)
        columns["extra"] = pa.array(self._extra(ordered, faults), pa.string())
        columns["record"] = pa.array(numbers, pa.int64())
        for column, constant in [("resource", resource), *self._constants.items()]:
            columns[column] = pa.repeat(pa.scalar(constant, pa.string()), len(objects))
        for name, data_type in zip(self.schema.names, self.schema.types, strict=True):
            if name not in columns:
                columns[name] = pa.nulls(len(objects), data_type)
        batch = pa.RecordBatch.from_arrays([columns[name] for name in self.schema.names], schema=self.schema)
        if not faults:
            return batch, []
        good = pa.array([index not in faults for index in range(len(objects))], pa.bool_())
        rejections = [
            Rejection(origin, numbers[index], field, fault.expected, fault.found, shown(objects[index]))
            for index, (field, fault) in sorted(faults.items())
        ]
        return batch.filter(good), rejections

    def _extra(
        self, ordered: Sequence[dict[str, Any]], faults: dict[int, tuple[str, Fault]]
    ) -> list[str | None]:
        """What each record says beyond its typed fields, as JSON text; None when there is nothing."""
        texts: list[str | None] = []
        typed = len(self._nothing_said)
        for index, record in enumerate(ordered):
            text = None
            if len(record) > typed:
                extra = dict(islice(record.items(), typed, None))
                for key in self._dropped:
                    if key in extra and not extra[key]:
                        del extra[key]
                if extra:
                    try:
                        text = _extra_text(extra)
                    except Fault as fault:
                        faults.setdefault(index, ("extra", fault))
            texts.append(text)
        return texts


def _convert(field: Field, said: Sequence[Any]) -> pa.Array | None:
    """The whole column at once, or None when something in it needs to be looked at singly."""
    try:
        if field.kind == "integer":
            return _integers(field, said)
        texts = pa.array(said, pa.string())
        if field.required and texts.null_count:
            return None
        lengths = pc.min_max(pc.binary_length(texts)).as_py()
        if lengths["max"] is None:
            return texts if field.kind != "time" else pa.nulls(len(said), TIME)
        if field.kind == "time":
            return _times(texts) if lengths["min"] >= len("2018-04-18T14:58:45") else None
        if lengths["max"] > field.limit or (field.required and lengths["min"] == 0):
            return None
        return texts
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return None


def _integers(field: Field, said: Sequence[Any]) -> pa.Array | None:
    kinds = set(map(type, said))
    if kinds <= {str, type(None)}:
        # The same few texts come again and again: each is read once.
        try:
            numbers = {text: field.value(text) for text in set(said)}
        except Fault:
            return None
        return pa.array([numbers[text] for text in said], pa.int64())
    if not kinds <= {int, type(None)}:
        return None
    array = pa.array(said, pa.int64())
    bounds = pc.min_max(array).as_py()
    if (field.required and array.null_count) or bounds["min"] < 0 or bounds["max"] > field.limit:
        return None
    return array


def _times(texts: pa.Array) -> pa.Array | None:
    try:
        times = pc.cast(texts, pa.timestamp("us"))
    except pa.ArrowInvalid:  # with zones; mixed ones are read singly
        times = pc.cast(texts, TIME)
    times = times.cast(TIME)
    bounds = pc.min_max(times).as_py()
    return times if bounds["min"] >= EARLIEST and bounds["max"] < LATEST else None


def _convert_singly(field: Field, said: Sequence[Any], faults: dict[int, tuple[str, Fault]]) -> pa.Array:
    values: list[Any] = []
    for index, value in enumerate(said):
        try:
            values.append(field.value(value))
        except Fault as fault:
            values.append(None)
            faults.setdefault(index, (field.said_as, fault))
    return pa.array(values, {"integer": pa.int64(), "time": TIME}.get(field.kind, pa.string()))


_encode: Callable[[object], str] = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode
_quoted: Callable[[str], str] = json.encoder.encode_basestring


def compact_json(value: object) -> str:
    """`value` as JSON text without spaces; raises ValueError for what JSON can't say."""
    return _encode(value)


def _extra_text(extra: dict[str, Any]) -> str:
    try:
        if set(map(type, extra.values())) == {str}:  # as nearly always, and several times as fast
            text = "{" + ",".join([f"{_quoted(key)}:{_quoted(said)}" for key, said in extra.items()]) + "}"
        else:
            text = compact_json(extra)
    except ValueError:
        raise Fault("numbers that JSON can say", float("inf")) from None
    except RecursionError:
        raise Fault("less deep nesting", extra) from None
    if len(text) > EXTRA_CHARACTERS:
        raise Fault(f"at most {EXTRA_CHARACTERS:,} characters beyond the typed fields", text)
    return text


def shown(record: dict[str, Any]) -> str:
    """The beginning of a record's text, for a rejection."""
    try:
        return excerpt(compact_json(record))
    except (ValueError, RecursionError):
        return excerpt(", ".join(record))
