"""A figure is divided and rounded once, a half going away from zero."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.reports.figures import grouped, percent, plain, rounded


@pytest.mark.parametrize(
    ("quantity", "divisor", "places", "figure"),
    [
        (3600, 3600, 4, "1.0000"),
        (1, 3600, 4, "0.0003"),  # 0.000277...
        (9, 200000, 4, "0.0000"),  # 0.000045
        (1, 20000, 4, "0.0001"),  # 0.00005: a half goes up
        (-1, 20000, 4, "-0.0001"),
        (Decimal("0.5"), 1, 0, "1"),
        (10**30 + 1, 2, 4, "500000000000000000000000000000.5000"),
    ],
)
def test_hours_have_four_decimals_rounded_half_up(
    quantity: int | Decimal, divisor: int, places: int, figure: str
) -> None:
    assert plain(rounded(quantity, divisor, places)) == figure


@given(st.integers(min_value=0, max_value=10**40), st.integers(min_value=1, max_value=10**9))
def test_rounding_is_never_off_by_more_than_half_a_digit(quantity: int, divisor: int) -> None:
    scaled = int(plain(rounded(quantity, divisor, 4)).replace(".", ""))
    assert -divisor <= 2 * (quantity * 10_000 - scaled * divisor) < divisor


def test_figures_for_people_are_grouped_in_threes() -> None:
    assert grouped(Decimal("1234567.8000")) == "1,234,567.8000"
    assert grouped(1234567) == "1,234,567"


def test_a_share_of_nothing_is_not_a_share() -> None:
    assert percent(1, 8) == "12.5\u00a0%"
    assert percent(1, 0) is None
