"""Names from outside can't hide or reorder what stands round them."""

from __future__ import annotations

import pytest

from meterhouse.reports.names import shortened, shown


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("web-1", "web-1"),
        ("a\nb", r"a\x0ab"),
        ("a\x1b[31mred", r"a\x1b[31mred"),
        ("safe\u202egnp.exe", r"safe\u202egnp.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\U000e0041", r"\U000e0041"),
        ("مشروع", "مشروع"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("", "(no name)"),
        (None, "(no name)"),
    ],
)
def test_unseen_characters_are_written_out_and_others_left(name: str | None, seen: str) -> None:
    assert shown(name) == seen


@pytest.mark.parametrize(
    ("name", "room", "cut"),
    [
        ("physics", 7, "physics"),
        ("physics", 6, "physi…"),
        ("地球科学", 8, "地球科学"),
        ("地球科学", 6, "地球…"),
        ("a👩\u200d🔬", 4, "a👩…"),
    ],
)
def test_a_cut_name_never_ends_in_half_a_character(name: str, room: int, cut: str) -> None:
    assert shortened(name, room) == cut
