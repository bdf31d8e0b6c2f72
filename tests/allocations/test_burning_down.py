"""When will a pool be used up? A quarter of ninety days, and 900 units to use in it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from meterhouse.allocations.burning_down import burn_down
from meterhouse.allocations.rules.draws import Draw
from meterhouse.allocations.rules.figures import Figures
from meterhouse.allocations.rules.world import Period

FIRST = date(2026, 1, 1)
QUARTER = Period(1, FIRST, date(2026, 4, 1))


def figures(as_of: date, used: dict[date, int], allocated: int = 900) -> Figures:
    draws = tuple(Draw(day, 1, Decimal(quantity)) for day, quantity in used.items())
    total = Decimal(sum(used.values()))
    zero = Decimal(0)
    left = allocated - total
    return Figures(
        *(
            1,
            as_of,
            Decimal(allocated),
            total,
            total,
            left,
            None,
            zero,
            zero,
            zero,
            zero,
            None,
            0,
            0,
            0,
            draws,
        )
    )


def each_day(days: int, quantity: int) -> dict[date, int]:
    return {FIRST + timedelta(days=number): quantity for number in range(days)}


def test_what_is_left_is_told_for_each_day() -> None:
    found = burn_down(figures(date(2026, 1, 3), {FIRST: 100, date(2026, 1, 3): 50}), QUARTER)
    assert found is not None
    assert found.left == ((FIRST, 800), (date(2026, 1, 2), 800), (date(2026, 1, 3), 750))


@pytest.mark.parametrize(
    ("days", "quantity", "expected"),
    [
        (30, 10, date(2026, 3, 31)),  # 600 left, 10 a day, 60 days to go: an even pace
        (30, 20, date(2026, 2, 14)),  # 300 left, 20 a day: after 15 days more
        (30, 29, date(2026, 2, 1)),  # 30 left, 29 a day: the second day uses the rest in part
        (30, 30, date(2026, 1, 30)),  # the day on which it was used up
        (30, 0, None),
    ],
)
def test_at_the_same_pace_it_is_used_up(days: int, quantity: int, expected: date | None) -> None:
    as_of = FIRST + timedelta(days=days - 1)
    found = burn_down(figures(as_of, each_day(days, quantity)), QUARTER)
    assert found is not None
    assert found.exhausted_on == expected
    assert found.is_exhausted == (quantity == 30)


def test_the_pace_is_that_of_late() -> None:
    """Much in January, hardly anything since: it lasts."""
    used = each_day(20, 40)
    used[date(2026, 2, 20)] = 28
    found = burn_down(figures(date(2026, 3, 1), used), QUARTER)
    assert found is not None
    assert (found.pace_days, found.per_day, found.exhausted_on) == (28, 1, None)
    assert found.left_at_end == 900 - 800 - 28 - 30


def test_what_was_corrected_later_counts_from_its_day_and_before_the_period_from_the_first() -> None:
    found = burn_down(figures(date(2026, 1, 2), {date(2025, 12, 30): 5, date(2026, 1, 2): -5}), QUARTER)
    assert found is not None
    assert [left for _, left in found.left] == [895, 900]


def test_a_period_that_is_over_ends_with_its_last_day() -> None:
    found = burn_down(figures(date(2026, 6, 1), each_day(90, 1)), QUARTER)
    assert found is not None
    assert (found.as_of, found.exhausted_on, found.left_at_end) == (date(2026, 3, 31), None, 810)


def test_before_the_period_and_without_an_allocation_nothing_burns_down() -> None:
    assert burn_down(figures(date(2025, 12, 1), {}), QUARTER) is None
    assert burn_down(figures(date(2026, 2, 1), each_day(3, 1), allocated=0), QUARTER) is None
