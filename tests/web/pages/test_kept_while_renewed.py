"""How long is something shown that is behind? 30 seconds after it was the newest, while it is made anew."""

from __future__ import annotations

from collections.abc import Callable

from meterhouse.web.kept import KeptWhileRenewed


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def made(text: str) -> Callable[[], str]:
    return lambda: text


def refused() -> str:
    raise AssertionError("made although it needn't be")


def kept(clock: Clock, room: int = 1000) -> KeptWhileRenewed:
    return KeptWhileRenewed(room, len, 30, clock)


def test_of_one_state_it_is_made_once() -> None:
    pages = kept(Clock())
    assert pages.get("page", 1, made("one")) == ("one", False)
    assert pages.get("page", 1, refused) == ("one", False)


def test_the_one_before_is_given_for_30_seconds_after_it_was_the_newest() -> None:
    clock = Clock()
    pages = kept(clock)
    pages.get("page", 1, made("one"))
    clock.seconds += 600
    pages.get("page", 1, refused)  # still the newest then
    clock.seconds += 30
    assert pages.get("page", 2, refused) == ("one", True)
    clock.seconds += 1
    assert pages.get("page", 2, made("two")) == ("two", False)


def test_what_was_made_anew_beside_is_given_from_then_on() -> None:
    pages = kept(Clock())
    pages.get("page", 1, made("one"))
    assert pages.get("page", 2, refused) == ("one", True)
    assert pages.make("page", 2, made("two")) == "two"
    assert pages.get("page", 2, refused) == ("two", False)


def test_while_states_follow_fast_it_is_never_more_than_30_seconds_behind() -> None:
    clock = Clock()
    pages = kept(clock)
    pages.make("page", 1, made("one"))
    for state in range(2, 7):
        clock.seconds += 10
        pages.make("page", state, made(f"state {state}"))
        assert pages.get("page", state + 1, refused) == (f"state {state}", True)


def test_an_older_one_that_took_longer_doesnt_come_back() -> None:
    clock = Clock()
    pages = kept(clock)

    def slow() -> str:
        clock.seconds += 5
        pages.make("page", 2, made("two"))
        return "one"

    assert pages.get("page", 1, slow) == ("one", False)
    assert pages.get("page", 2, refused) == ("two", False)
    assert pages.get("page", 3, refused) == ("two", True)


def test_what_had_to_go_is_made_for_who_asks() -> None:
    pages = kept(Clock(), room=5)
    pages.get("page", 1, made("one"))
    pages.get("another", 1, made("other"))
    assert pages.get("page", 2, made("two")) == ("two", False)
