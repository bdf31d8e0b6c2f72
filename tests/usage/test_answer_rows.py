"""Are sums that are handled by the column what they are cell by cell?"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.usage.answer_rows import Sums, rounded_each, rows_of_sums, together, whole_numbers
from meterhouse.usage.meters import find_realm

CORE_HOURS = find_realm("default", "cloud").meter("core_hours")
WIDE = st.integers(-(10**37), 10**37)


def never(*_: object) -> Decimal:
    raise AssertionError("no meter of utilisation was asked for")


@given(
    quantities=st.lists(WIDE | st.integers(-10_000, 10_000) | st.fractions(max_denominator=10**6)),
    times=st.sampled_from([1, 100]),
    per=st.sampled_from([1, 3600, 3600 * 1024, 3600 * 10**6]),
    decimals=st.integers(0, 6),
)
def test_each_is_rounded_once_half_up(
    quantities: list[int | Fraction], times: int, per: int, decimals: int
) -> None:
    found = rounded_each(quantities, times, per, decimals)
    with localcontext(prec=150):
        unit = Decimal(1).scaleb(-decimals)
        for quantity, value in zip(quantities, found, strict=True):
            exact = Fraction(quantity) * times / per
            as_decimal = Decimal(exact.numerator) / exact.denominator  # far more digits than are kept
            assert value == as_decimal.quantize(unit, ROUND_HALF_UP)
            assert value.as_tuple().exponent == -decimals


def test_a_half_is_rounded_away_from_zero() -> None:
    assert list(map(str, rounded_each([5, -5, 15, 4, 0], 1, 100, 1))) == ["0.1", "-0.1", "0.2", "0.0", "0.0"]


@given(st.lists(st.none() | WIDE | st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_of_any_width_are_exact(cells: list[int | None]) -> None:
    column = pa.chunked_array(
        [pa.array([None if one is None else Decimal(one) for one in cells], pa.decimal128(38, 0))]
    )
    assert whole_numbers(column) == [one or 0 for one in cells]


def table(labels: list[str | None], ids: list[str | None], sums: list[int]) -> pa.Table:
    cells = [
        pa.array([""] * len(labels)),
        pa.array(labels, pa.string()),
        pa.array(ids, pa.string()),
        pa.array(sums, pa.int64()),
    ]
    return pa.table(cells, names=["period", "label", "id", "sum"])


def test_what_isnt_known_and_what_is_called_unknown_are_one_row() -> None:
    found = Sums.of_columns(
        table(["Unknown", None, "a"], [None, "", "1"], [3600, 7200, 1]), 1, ["core_hours"], 1
    )
    rows = rows_of_sums(together([found]), [CORE_HOURS], never)
    assert [(row.labels, row.ids, row.quantities) for row in rows] == [
        (("Unknown",), ("",), (10800,)),
        (("a",), ("1",), (1,)),
    ]


def test_parts_of_another_scale_are_added_up_as_what_they_stand_for() -> None:
    daily = Sums.of_columns(table(["a", "b"], ["", ""], [1_500_000, 250_000]), 1, ["core_hours"], 1_000_000)
    levels = Sums.of_rows({("", ("b",), ("",)): {"core_hours": Fraction(1, 4)}})
    rows = rows_of_sums(together([daily, levels]), [CORE_HOURS], never)
    assert [(row.labels[0], row.quantities[0]) for row in rows] == [
        ("a", Fraction(3, 2)),
        ("b", Fraction(1, 2)),
    ]


def test_of_one_part_nothing_is_divided_before_it_is_asked_for() -> None:
    daily = Sums.of_columns(table(["a"], [""], [5_400_000_000]), 1, ["core_hours"], 1_000_000)
    [row] = rows_of_sums(together([daily]), [CORE_HOURS], never)
    assert (row.sums, row.scale, row.quantities, row.values) == (
        (5_400_000_000,),
        1_000_000,
        (5400,),
        (Decimal("1.5000"),),
    )


def test_no_rows_are_no_data() -> None:
    assert (
        rows_of_sums(
            together([Sums.of_columns(table([], [], []), 1, ["core_hours"], 1)]), [CORE_HOURS], never
        )
        == []
    )
