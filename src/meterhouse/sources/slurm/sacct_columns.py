"""How do columns of text that sacct wrote become typed columns? Many lines at once, every fault named.

Whole columns are converted at once where every text has the usual form. Where one hasn't, each
different text is read once, in the careful way of `notation`: both ways accept and refuse the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from meterhouse.sources.fields import EARLIEST, LATEST, MOST_INTEGER, TEXT_CHARACTERS, Fault, parse_time
from meterhouse.sources.raw_table import INT, TEXT, TIME
from meterhouse.sources.slurm import notation

Refused = dict[int, tuple[str, Fault]]  # by place among the lines: the field, and what was wrong
Values = Sequence[Any]

NO_NODES = "None assigned"
_NO_TIME = ("", "Unknown", "None")
_MOST_KNOWN = 100_000  # different texts of one field that are remembered
_LONG_TEXT = 1 << 16
_TIME_CHARACTERS = len("2018-04-18T14:58:45")
_COLON, _HYPHEN, _ZERO = np.frombuffer(b":-0", np.uint8)
_EARLIEST, _LATEST = pa.scalar(EARLIEST, TIME), pa.scalar(LATEST, TIME)


class TextColumn:
    """Reads one field of sacct into one or more columns, text by text.

    `read` gives the values of one text, in the order of `columns`, and raises Fault.
    """

    encoded = True  # the same few texts come again and again

    def __init__(self, columns: Mapping[str, pa.DataType], read: Callable[[str], Values]) -> None:
        self.columns = dict(columns)
        self._read = read
        self._known: dict[str, Values | Fault] = {}

    def convert(self, field: str, texts: pa.Array, refused: Refused) -> dict[str, pa.Array]:
        """The columns that a column of texts gives; adds the places that can't be read to `refused`."""
        return self._at_once(texts) or self._one_by_one(field, texts, refused)

    def _at_once(self, texts: pa.Array) -> dict[str, pa.Array] | None:
        return None

    def _one_by_one(self, field: str, texts: pa.Array, refused: Refused) -> dict[str, pa.Array]:
        if not pa.types.is_dictionary(texts.type):
            texts = texts.dictionary_encode()
        said = [self._known_or_read(text) for text in texts.dictionary.to_pylist()]
        faults = {code: one for code, one in enumerate(said) if isinstance(one, Fault)}
        if faults:
            nothing = (None,) * len(self.columns)
            said = [nothing if isinstance(one, Fault) else one for one in said]
            wrong = pc.is_in(texts.indices, pa.array(list(faults), texts.indices.type))
            for place in pc.indices_nonzero(wrong).to_pylist():
                refused.setdefault(place, (field, faults[texts.indices[place].as_py()]))
        by_column = zip(*said, strict=True) if said else [[] for _ in self.columns]
        return {
            column: pa.array(values, data_type).take(texts.indices)
            for (column, data_type), values in zip(self.columns.items(), by_column, strict=True)
        }

    def _known_or_read(self, text: str) -> Values | Fault:
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            try:
                known = self._read(text)
            except Fault as fault:
                known = fault
            self._known[text] = known
        return known


class PlainText(TextColumn):
    """Text as it was said."""

    encoded = False

    def __init__(self, column: str, most: int = TEXT_CHARACTERS, nothing: str = "") -> None:
        super().__init__({column: TEXT}, self._value)
        self._column, self._most, self._nothing = column, most, nothing

    def _value(self, text: str) -> Values:
        if len(text) > self._most:
            raise Fault(f"text of at most {self._most:,} characters", text)
        return (None,) if self._nothing and text == self._nothing else (text,)

    def _at_once(self, texts: pa.Array) -> dict[str, pa.Array] | None:
        if (pc.max(pc.binary_length(texts)).as_py() or 0) > self._most:
            return None
        if self._nothing:
            texts = pc.if_else(pc.equal(texts, self._nothing), pa.scalar(None, TEXT), texts)
        return {self._column: texts}


class Integer(TextColumn):
    """A number that isn't negative, times `factor`."""

    encoded = False

    def __init__(
        self,
        column: str,
        read: Callable[[str], int | None] | None = None,
        factor: int = 1,
        required: bool = False,
    ) -> None:
        super().__init__({column: INT}, lambda text: (self._value(text),))
        self._column, self._careful, self._factor, self._required = column, read, factor, required

    def _value(self, text: str) -> int | None:
        if text == "" and not self._required:
            return None
        if self._careful is not None and text:
            return self._careful(text)
        if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) > MOST_INTEGER:
            raise Fault(f"an integer from 0 to {MOST_INTEGER:,}", text)
        return int(text) * self._factor

    def _at_once(self, texts: pa.Array) -> dict[str, pa.Array] | None:
        lengths = pc.min_max(pc.binary_length(texts)).as_py()
        # Nine digits are within every limit.
        if not lengths["min"] or lengths["max"] > 9 or not pc.all(pc.ascii_is_decimal(texts)).as_py():
            return None
        numbers = pc.cast(texts, INT)
        if self._careful is not None and pc.max(numbers).as_py() > notation.MOST_CPUS:
            return None
        return {self._column: pc.multiply(numbers, self._factor) if self._factor != 1 else numbers}


class Time(TextColumn):
    """A moment as the clock of sacct showed it, without a zone: UTC until `local_time` says otherwise."""

    encoded = False

    def __init__(self, column: str, required: bool = False) -> None:
        super().__init__({column: TIME}, lambda text: (self._value(text),))
        self._column, self._required = column, required

    def _value(self, text: str) -> datetime | None:
        if text in _NO_TIME and not self._required:
            return None
        time = parse_time(text)
        if time is None or not EARLIEST <= time < LATEST:
            raise Fault(f"a time from {EARLIEST:%Y-%m-%d} and before {LATEST:%Y-%m-%d}", text)
        return time

    def _at_once(self, texts: pa.Array) -> dict[str, pa.Array] | None:
        lengths = pc.binary_length(texts)
        bounds = pc.min_max(lengths).as_py()
        if bounds["max"] != _TIME_CHARACTERS:
            return None
        if bounds["min"] != _TIME_CHARACTERS:
            if self._required:
                return None
            unknown = pc.is_in(texts, pa.array(_NO_TIME, TEXT))
            if not pc.all(pc.or_(unknown, pc.equal(lengths, _TIME_CHARACTERS))).as_py():
                return None
            texts = pc.if_else(unknown, pa.scalar(None, TEXT), texts)
        try:
            times = pc.cast(texts, pa.timestamp("us")).cast(TIME)
        except pa.ArrowInvalid:
            return None
        bounds = pc.min_max(times)
        if bounds["min"].is_valid and not (
            pc.greater_equal(bounds["min"], _EARLIEST).as_py() and pc.less(bounds["max"], _LATEST).as_py()
        ):
            return None
        return {self._column: times}


class Duration(TextColumn):
    """How long something took, as `[days-]hours:minutes:seconds`."""

    encoded = False

    def __init__(self, column: str) -> None:
        super().__init__({column: INT}, lambda text: (notation.duration_seconds(text),))
        self._column = column

    def _at_once(self, texts: pa.Array) -> dict[str, pa.Array] | None:
        lengths = pc.binary_length(texts).to_numpy()
        if not len(lengths) or lengths.min() < 8 or lengths.max() > 12:
            return None
        _, offsets, data = texts.buffers()
        characters = np.frombuffer(data, np.uint8)
        ends = np.frombuffer(offsets, np.int32)[texts.offset + 1 : texts.offset + 1 + len(texts)]
        usual = (characters[ends - 3] == _COLON) & (characters[ends - 6] == _COLON)
        seconds = np.zeros(len(ends), np.int64)
        for back, worth in ((1, 1), (2, 10), (4, 60), (5, 600), (7, 3600), (8, 36_000)):
            digit = characters[ends - back] - _ZERO  # wraps round below zero
            usual &= digit < 10
            seconds += np.multiply(digit, worth, dtype=np.int64)
        longer = np.flatnonzero(lengths > 8)
        if len(longer):
            usual[longer] &= (lengths[longer] > 9) & (characters[ends[longer] - 9] == _HYPHEN)
            for length, worth in ((10, 86_400), (11, 864_000), (12, 8_640_000)):
                places = longer[lengths[longer] >= length]
                digit = characters[ends[places] - length] - _ZERO
                usual[places] &= digit < 10
                seconds[places] += np.multiply(digit, worth, dtype=np.int64)
        return {self._column: pa.array(seconds)} if usual.all() else None


class JobNumber(TextColumn):
    """JobID: the text, and what it says of an array. `tasks` is text where it stands for several."""

    encoded = False

    def __init__(self) -> None:
        columns = {"job_id": TEXT, "array_job_id": INT, "array_index": INT, "tasks": TEXT}
        super().__init__(columns, self._value)

    def _value(self, text: str) -> Values:
        said = notation.job_id(text)
        array = said.job if said.task is not None or said.tasks else None
        return text, array, said.task, said.tasks or None

    def _at_once(self, texts: pa.Array) -> dict[str, pa.Array] | None:
        count = len(texts)
        columns = {"job_id": texts, "tasks": pa.nulls(count, TEXT)}
        if pc.max(pc.binary_length(texts)).as_py() > 18:  # 9 digits, _ and 8 more
            return None
        if pc.all(pc.ascii_is_decimal(texts)).as_py():
            if pc.max(pc.binary_length(texts)).as_py() > 15:
                return None
            return columns | {"array_job_id": pa.nulls(count, INT), "array_index": pa.nulls(count, INT)}
        in_array = pc.greater_equal(pc.find_substring(texts, "_"), 0)
        parts = pc.split_pattern(texts, "_", max_splits=1)
        first = pc.list_element(parts, 0)
        second = pc.list_flatten(pc.list_slice(parts, 1, 2)) if pc.any(in_array).as_py() else None
        if second is None or len(second) != pc.sum(in_array).as_py():
            return None
        if not (pc.all(pc.ascii_is_decimal(first)).as_py() and pc.all(pc.ascii_is_decimal(second)).as_py()):
            return None
        if pc.max(pc.binary_length(second)).as_py() > 9 or pc.max(pc.binary_length(first)).as_py() > 15:
            return None
        return columns | {
            "array_job_id": pc.if_else(in_array, pc.cast(first, INT), pa.scalar(None, INT)),
            "array_index": pc.replace_with_mask(pa.nulls(count, INT), in_array, pc.cast(second, INT)),
        }


def _once(column: str, read: Callable[[str], int | None]) -> TextColumn:
    return TextColumn({column: INT}, lambda text: (read(text),))


def _tres(kind: str) -> TextColumn:
    def read(text: str) -> Values:
        said = notation.tres(text)
        return text, said.memory_mib, said.gpus, said.gpu_model

    columns = {
        f"{kind}_tres": TEXT,
        f"{kind}_memory_mib": INT,
        f"{kind}_gpus": INT,
        f"{kind}_gpu_model": TEXT,
    }
    return TextColumn(columns, read)


def _requested_memory() -> TextColumn:
    def read(text: str) -> Values:
        said = notation.memory(text)
        return tuple(said.kib if said is not None and said.per == per else None for per in ("", "n", "c"))

    return TextColumn({"memory_kib_job": INT, "memory_kib_node": INT, "memory_kib_cpu": INT}, read)


def readers() -> dict[str, TextColumn]:
    """How each field of sacct is read, by its name in lower case."""
    return {
        "jobid": JobNumber(),
        "jobidraw": Integer("job_id_raw"),
        "cluster": PlainText("cluster"),
        "partition": PlainText("partition"),
        "qos": PlainText("qos"),
        "account": PlainText("account"),
        "group": PlainText("group_name"),
        "gid": Integer("gid"),
        "user": PlainText("user_name"),
        "uid": Integer("uid"),
        "submit": Time("submit", required=True),
        "eligible": Time("eligible"),
        "start": Time("start"),
        "end": Time("end"),
        "elapsed": Duration("elapsed_seconds"),
        "elapsedraw": Integer("elapsed_seconds", notation.seconds),
        "suspended": _once("suspended_seconds", notation.duration_seconds),
        "exitcode": PlainText("exit_code", 64),
        "state": TextColumn({"state": TEXT, "state_said": TEXT}, lambda text: (notation.state(text), text)),
        "nnodes": Integer("nodes", required=True),
        "ncpus": Integer("cpu_millis", notation.cpu_millis, 1000, required=True),
        "reqcpus": Integer("requested_cpu_millis", notation.cpu_millis, 1000),
        "reqmem": _requested_memory(),
        "reqtres": _tres("requested"),
        "alloctres": _tres("allocated"),
        "timelimit": _once("time_limit_seconds", notation.duration_seconds),
        "timelimitraw": Integer("time_limit_seconds", notation.minutes_as_seconds, 60),
        "nodelist": PlainText("node_list", _LONG_TEXT, NO_NODES),
        "jobname": PlainText("name"),
        "totalcpu": _once("cpu_used_millis", notation.duration_millis),
        "maxrss": _once("memory_peak_kib", notation.memory_kib),
    }
