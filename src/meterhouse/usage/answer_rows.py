"""How do exact sums become the rows of an answer? Column by column, each value divided and rounded once.

An answer may have hundreds of thousands of rows, and each has several small parts: what is done for a column
at once is several times faster than what is done for its cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, Overflow, Underflow
from fractions import Fraction
from itertools import islice, repeat
from operator import lt
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from meterhouse.usage.attribution import UNKNOWN
from meterhouse.usage.capacity import rounded_ratio

if TYPE_CHECKING:
    from meterhouse.usage.meters import Meter

_Cell = TypeVar("_Cell")
Quantity = int | Fraction
Key = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Period, labels and ids of a row of an answer."""
Percent = Callable[[Quantity, "Meter", str, tuple[str, ...]], Decimal]
"""How much of what the resources had a quantity is, in a period and under labels."""

# Wide enough for any product of 38 digits; what would be rounded here is an error.
_EXACT = Context(prec=200, traps=[Inexact, Overflow, Underflow])


class Row(NamedTuple):
    """One line of an answer: `period` is "" for the whole range; labels and ids in the groupings' order.

    A value is None where there is nothing that it could be a share of: that is not zero.
    """

    period: str
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    values: tuple[Decimal | None, ...]
    sums: tuple[Quantity, ...]
    scale: int = 1

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The exact sums, before the meter divides and rounds them to `values`."""
        return tuple(_unscaled(one, self.scale) for one in self.sums)


@dataclass(frozen=True, slots=True)
class Sums:
    """What was added up, by its name: a number for each key, `scale` times what it stands for."""

    keys: Sequence[Key]
    columns: dict[str, list[Quantity]]
    scale: int = 1

    @classmethod
    def of_columns(cls, found: pa.Table, groupings: int, names: Sequence[str], scale: int) -> Sums:
        """From a table of the period, a label and an id of each grouping, and the sums called `names`."""
        period, *rest = found.columns
        labels = [written(column, UNKNOWN) for column in rest[:groupings]]
        ids = [written(column, "") for column in rest[groupings : 2 * groupings]]
        keys = list(
            zip(written(period, ""), _tuples(labels, len(found)), _tuples(ids, len(found)), strict=True)
        )
        sums = [whole_numbers(column) for column in rest[2 * groupings :]]
        return cls(keys, dict(zip(names, sums, strict=True)), scale)

    @classmethod
    def of_rows(cls, found: dict[Key, dict[str, Quantity]]) -> Sums:
        """From what was said of each key; what wasn't is 0."""
        names = dict.fromkeys(name for said in found.values() for name in said)
        return cls(list(found), {name: [said.get(name, 0) for said in found.values()] for name in names})

    def named(self, name: str) -> list[Quantity]:
        """The sums of that name; of what was never added up they are 0."""
        return self.columns.get(name) or [0] * len(self.keys)


def together(parts: Sequence[Sums]) -> Sums:
    """One part for all, where each key stands once and in order."""
    if len(parts) == 1 and all(map(lt, parts[0].keys, islice(parts[0].keys, 1, None))):
        return parts[0]
    found: dict[Key, dict[str, Quantity]] = {}
    for part in parts:
        for name, sums in part.columns.items():
            for key, quantity in zip(part.keys, sums, strict=True):
                said = found.setdefault(key, {})
                said[name] = said.get(name, 0) + _unscaled(quantity, part.scale)
    return Sums.of_rows({key: found[key] for key in sorted(found)})


def rows_of_sums(sums: Sums, meters: Sequence[Meter], percent: Percent) -> list[Row]:
    """A row for each key; `percent` answers for meters of utilisation."""
    periods, labels, ids = zip(*sums.keys, strict=True) if sums.keys else ((), (), ())
    values = [_values(sums, meter, percent) for meter in meters]
    quantities = [sums.named(meter.name) for meter in meters]
    return list(
        map(
            Row._make,
            zip(
                *(periods, labels, ids, _tuples(values, len(sums.keys)), _tuples(quantities, len(sums.keys))),
                repeat(sums.scale, len(sums.keys)),
                strict=True,
            ),
        )
    )


def divisor(meter: Meter) -> str:
    """The name under which sums hold what a ratio is divided by."""
    return f"{meter.name} of"


def _values(sums: Sums, meter: Meter, percent: Percent) -> list[Decimal] | list[Decimal | None]:
    quantities = sums.named(meter.name)
    if meter.function == "utilisation":
        return [
            percent(_unscaled(quantity, sums.scale), meter, period, labels)
            for quantity, (period, labels, _) in zip(quantities, sums.keys, strict=True)
        ]
    if meter.function in ("ratio", "share"):
        return [
            _rounded(Fraction(quantity) / of, meter.times, meter.per, meter.decimals) if of else None
            for quantity, of in zip(quantities, sums.named(divisor(meter)), strict=True)
        ]
    return rounded_each(quantities, meter.times, meter.per * sums.scale, meter.decimals)


def rounded_each(quantities: Sequence[Quantity], times: int, per: int, decimals: int) -> list[Decimal]:
    """Each quantity times `times`, divided by `per`, rounded half up (away from zero) to `decimals`."""
    if not set(map(type, quantities)) <= {int}:
        return [_rounded(quantity, times, per, decimals) for quantity in quantities]
    factor, twice = 2 * times * 10**decimals, 2 * per
    units = [
        (one * factor + per) // twice if one >= 0 else -((-one * factor + per) // twice) for one in quantities
    ]
    return list(map(_EXACT.multiply, units, repeat(Decimal(1).scaleb(-decimals))))


def _rounded(quantity: Quantity, times: int, per: int, decimals: int) -> Decimal:
    return rounded_ratio(quantity.numerator * times, quantity.denominator * per, decimals)


def whole_numbers(column: pa.ChunkedArray) -> list[Quantity]:
    """The cells of a column of whole numbers of any width; NULL is 0."""
    filled = pc.fill_null(column, 0)
    try:
        found: list[Quantity] = filled.cast(pa.int64()).to_pylist()
    except pa.ArrowInvalid:  # wider than 64 bits
        found = [int(cell) for cell in filled.to_pylist()]
    return found


def written(column: pa.ChunkedArray, unsaid: str) -> list[str]:
    """The cells of a column as text; `unsaid` for NULL."""
    if pa.types.is_string(column.type):
        found: list[str] = pc.fill_null(column, unsaid).to_pylist()
        return found
    return [unsaid if cell is None else str(cell) for cell in column.to_pylist()]


def _tuples(columns: Sequence[Iterable[_Cell]], count: int) -> Iterable[tuple[_Cell, ...]]:
    """The columns row by row: of no column there are no tuples, not one for each row."""
    return zip(*columns, strict=True) if columns else repeat((), count)


def _unscaled(quantity: Quantity, scale: int) -> Quantity:
    if scale == 1:
        return quantity
    found = Fraction(quantity, scale)
    return found.numerator if found.denominator == 1 else found
