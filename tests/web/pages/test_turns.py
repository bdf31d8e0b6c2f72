"""Whose question is worked out next? A few at a time, and of those that wait the one that is due first."""

from __future__ import annotations

import threading
import time

import pytest

from meterhouse.web.turns import Turns, coming_first, due


def in_order(dues: list[float]) -> list[float]:
    """The order in which those get their turn who wait while somebody has the only one."""
    turns, done, threads = Turns(1), list[float](), []

    def wait(when: float) -> None:
        with turns.turn(when):
            done.append(when)

    with turns.turn(0):
        for one in dues:
            threads.append(threading.Thread(target=wait, args=(one,)))
            threads[-1].start()
        until = time.monotonic() + 30
        while len(turns._waiting) < len(dues) and time.monotonic() < until:
            time.sleep(0.01)
        assert not done
    for thread in threads:
        thread.join(30)
    return done


def test_what_is_due_first_comes_first() -> None:
    assert in_order([5.0, 1.0, 3.0, 2.0]) == [1.0, 2.0, 3.0, 5.0]


def test_a_year_is_due_before_three_years_and_after_a_month() -> None:
    assert due(30) < due(365) < due(1095)


def test_three_years_dont_wait_for_what_comes_later_than_they_are_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = due(1095)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 1.2)
    assert before < due(30)


def test_what_is_made_anew_comes_first() -> None:
    waiting = due(30)
    with coming_first():
        assert due(1095) < waiting
    assert due(30) >= waiting


def test_so_many_have_their_turn_at_once() -> None:
    """Two meet in the middle; a third doesn't come in until one has left."""
    turns, met, came = Turns(2), threading.Barrier(3, timeout=30), threading.Event()
    leave = threading.Event()

    def one() -> None:
        with turns.turn(0):
            met.wait()
            leave.wait(30)

    def third() -> None:
        with turns.turn(1):
            came.set()

    threads = [threading.Thread(target=one), threading.Thread(target=one), threading.Thread(target=third)]
    for thread in threads[:2]:
        thread.start()
    met.wait()
    threads[2].start()
    assert not came.wait(0.2)
    leave.set()
    assert came.wait(30)
    for thread in threads:
        thread.join(30)


def test_who_fails_leaves_the_turn_to_the_next() -> None:
    turns = Turns(1)
    with pytest.raises(ZeroDivisionError), turns.turn(0):
        _ = 1 / 0
    with turns.turn(0):
        pass
