"""Which moment does a clock without a zone mean? What sacct showed in a cluster's own time zone, in UTC.

An hour that a clock shows twice (when summer time ends) is decided by what the line itself says: the
run is as long as `Elapsed` (and `Suspended`) tells, and nothing happens before the submission. Where
that doesn't decide, the first of the two is meant. An hour that the clock leaves out is refused.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from meterhouse.sources.fields import Fault
from meterhouse.sources.raw_table import TIME
from meterhouse.sources.slurm.sacct_columns import Refused

_NAMES = ("submit", "eligible", "start", "end")
_CLOCK = pa.timestamp("us")
_NOT_SAID = np.iinfo(np.int64).min


class LocalTime:
    """The time zone of the clock that a file shows."""

    def __init__(self, zone: str = "UTC") -> None:
        ZoneInfo(zone)  # raises for what is no zone
        self.zone = zone

    def to_utc(self, columns: dict[str, pa.Array], refused: Refused) -> None:
        """Replace the times in `columns`, which are as the clock showed them, by UTC."""
        if self.zone == "UTC":
            return
        first, second = {}, {}
        for name in _NAMES:
            if name in columns:
                shown = columns[name].cast(_CLOCK)
                self._refuse_what_no_clock_showed(name, shown, refused)
                first[name] = self._utc(shown, "earliest")
                second[name] = self._utc(shown, "latest")
        if any((first[name] != second[name]).any() for name in first):
            first = _decided(first, second, columns)
        for name, moments in first.items():
            columns[name] = pa.array(moments, pa.int64(), mask=moments == _NOT_SAID).cast(TIME)

    def _utc(self, shown: pa.Array, ambiguous: str) -> np.ndarray:
        moments = pc.assume_timezone(shown, self.zone, ambiguous=ambiguous, nonexistent="earliest")
        numbers: np.ndarray = pc.fill_null(moments.cast(pa.int64()), _NOT_SAID).to_numpy()
        return numbers

    def _refuse_what_no_clock_showed(self, name: str, shown: pa.Array, refused: Refused) -> None:
        back = pc.local_timestamp(
            pc.assume_timezone(shown, self.zone, ambiguous="earliest", nonexistent="earliest")
        )
        for place in pc.indices_nonzero(pc.fill_null(pc.not_equal(back, shown), False)).to_pylist():
            clock = str(shown[place].as_py())
            refused.setdefault(place, (name, Fault(f"a time that clocks in {self.zone} show", clock)))


def _decided(
    first: dict[str, np.ndarray], second: dict[str, np.ndarray], columns: dict[str, pa.Array]
) -> dict[str, np.ndarray]:
    """Of two moments that each clock may mean, the ones that fit together."""
    decided = {name: moments.copy() for name, moments in first.items()}
    start, end = decided.get("start"), decided.get("end")
    if start is not None and end is not None and "elapsed_seconds" in columns:
        elapsed = _numbers(columns["elapsed_seconds"], _NOT_SAID)
        known = (elapsed != _NOT_SAID) & (start != _NOT_SAID) & (end != _NOT_SAID)
        suspended = _numbers(columns["suspended_seconds"], 0) if "suspended_seconds" in columns else 0
        length = (elapsed + suspended) * 1_000_000
        fits = ~known
        for of_start, of_end in ((first, first), (first, second), (second, first), (second, second)):
            now = ~fits & (of_end["end"] - of_start["start"] == length)
            start[now], end[now] = of_start["start"][now], of_end["end"][now]
            fits |= now
    # What happens later can't be before what happened earlier.
    earlier = decided["submit"]
    for name in ("eligible", "start", "end"):
        if name in decided:
            too_early = (decided[name] != _NOT_SAID) & (decided[name] < earlier) & (second[name] >= earlier)
            decided[name] = np.where(too_early, second[name], decided[name])
            earlier = np.maximum(earlier, decided[name])  # what isn't said is less than every moment
    return decided


def _numbers(column: pa.Array, nothing: int) -> np.ndarray:
    numbers: np.ndarray = pc.fill_null(column, nothing).to_numpy()
    return numbers
