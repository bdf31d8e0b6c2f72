"""Are tiles as large as what they stand for, and does none lie on another?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.web.pages.charts.tree_map import tiles


def test_four_equal_parts_are_a_quarter_each() -> None:
    found = tiles([1, 1, 1, 1], ratio=1)
    assert {(one.x, one.y, one.width, one.height) for one in found} == {
        (0, 0, 50, 50),
        (0, 50, 50, 50),
        (50, 0, 50, 50),
        (50, 50, 50, 50),
    }


def test_nothing_has_no_tile() -> None:
    assert tiles([]) == []
    assert tiles([0, 0]) == []
    assert [one.number for one in tiles([5, 0, 5])] == [0, 2]


@given(st.lists(st.integers(1, 10**15), min_size=1, max_size=40))
def test_tiles_fill_the_whole_and_none_lies_on_another(sizes: list[int]) -> None:
    sizes.sort(reverse=True)
    found = tiles([float(one) for one in sizes])
    assert len(found) == len(sizes)
    for one in found:
        assert one.width * one.height / 10_000 == pytest.approx(sizes[one.number] / sum(sizes), abs=2e-3)
        assert -0.01 <= one.x <= 100.01
        assert -0.01 <= one.y <= 100.01
        assert one.x + one.width <= 100.1
        assert one.y + one.height <= 100.1
    for one in found:
        for other in found:
            if one.number < other.number:
                across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
                down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
                assert across < 0.1 or down < 0.1
