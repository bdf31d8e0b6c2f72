"""What is kept so that it isn't made twice, and under which key? All of it stands here, at the end."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

Made = TypeVar("Made")


class Kept:
    """Things that are costly to make, by what they are made from; the least lately asked for goes first.

    Of several that ask for the same at once, one makes it and the others wait. `weigh` says how much of
    the room, `room` in all, a thing takes.
    """

    def __init__(self, room: int, weigh: Callable[[Any], int] = lambda made: 1) -> None:
        self._room = room
        self._weigh = weigh
        self._taken = 0
        self._held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is kept under `key`, made now where it isn't. What fails isn't kept."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key][0]  # type: ignore[no-any-return]
            turn = self._making.setdefault(key, Lock())
        with turn:
            with self._lock:
                if key in self._held:
                    return self._held[key][0]  # type: ignore[no-any-return]
            try:
                made = make()
                self._keep(key, made)
            finally:
                with self._lock:
                    self._making.pop(key, None)
            return made

    def find(self, key: Hashable) -> Any:
        """What is kept under `key`, or None."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]

    def _keep(self, key: Hashable, made: Any) -> None:
        weight = self._weigh(made)
        if weight > self._room:
            return
        with self._lock:
            _, before = self._held.pop(key, (None, 0))
            self._held[key] = (made, weight)
            self._taken += weight - before
            while self._taken > self._room:
                _, (_, freed) = self._held.popitem(last=False)
                self._taken -= freed


class KeptWhileRenewed:
    """Things of which each state of the site has another: the one before is still given for `seconds`.

    Those count from when it was last known to be the newest. What nobody asked for so long is never given.
    """

    def __init__(
        self,
        room: int,
        weigh: Callable[[Any], int],
        seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._made = Kept(room, weigh)
        self._newest: OrderedDict[Hashable, tuple[Hashable, float]] = OrderedDict()  # state and when, by key
        self._seconds = seconds
        self._now = now
        self._lock = Lock()

    def get(self, key: Hashable, state: Hashable, make: Callable[[], Made]) -> tuple[Made, bool]:
        """What is kept under `key`, and whether it is behind `state`, the newest; made where it must be."""
        with self._lock:
            before, since = self._newest.get(key, (state, 0.0))
        if before != state and self._now() - since <= self._seconds:
            found = self._made.find((key, before))
            if found is not None:
                return found, True
        return self.make(key, state, make), False

    def make(self, key: Hashable, state: Hashable, make: Callable[[], Made]) -> Made:
        """What is kept under `key` for `state`, which is the newest now; made where it isn't."""
        since = self._now()
        made = self._made.get((key, state), make)
        with self._lock:
            _, known = self._newest.get(key, (state, since))
            if known <= since:  # otherwise a newer state was made meanwhile
                self._newest[key] = (state, since)
                self._newest.move_to_end(key)
            while len(self._newest) > _KEYS:
                self._newest.popitem(last=False)
        return made


class KeptForState:
    """Things that belong to one state of the site: they go, all at once, when there is another.

    What belongs to the state before stays until then, for pages that were begun with it.
    """

    def __init__(self, room: int, weigh: Callable[[Any], int] = lambda made: 1) -> None:
        self._room = room
        self._weigh = weigh
        self._lock = Lock()
        self._of: OrderedDict[Hashable, Kept] = OrderedDict()

    def get(self, state: Hashable, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is kept under `key` for this state, made now where it isn't."""
        with self._lock:
            if state not in self._of:
                self._of[state] = Kept(self._room, self._weigh)
            self._of.move_to_end(state)
            while len(self._of) > 2:
                self._of.popitem(last=False)
            kept = self._of[state]
        return kept.get(key, make)


_ROWS = 400_000  # of all answers that are kept
_LONGEST = 40_000  # rows of one that is
_KEYS = 10_000  # of which it is known which state was the newest
# How long what was counted may be shown after there is something newer, while that is written.
BEHIND_SECONDS = 60.0

# What is everybody's.
STATES = Kept(1000)  # by snapshot: which state of usage and directory it shows
DIMENSIONS = Kept(3)  # by state: the tables of owners and names
CALENDARS = Kept(10)  # by snapshot and days: how each source was read
FRESHNESS = Kept(20)  # by snapshot and day: until when each source was read
FIGURES = KeptForState(12_000, lambda found: len(found) + 1)  # of one state of the ledger, by day and pools

# What somebody sees: their right, or the question that it has narrowed, is part of the key.
ANSWERS = Kept(_ROWS, lambda found: len(found.rows) + 50 if len(found.rows) <= _LONGEST else _ROWS + 1)
LINES = Kept(200_000, lambda found: len(found) + 10)  # of the log, by state, right, days and filters
STORAGE = Kept(100)  # by snapshot, day, volume, directory and right
# Characters of HTML, by template, right, what is asked and what people decided (`pages.written`).
WRITTEN = KeptWhileRenewed(32_000_000, len, BEHIND_SECONDS)

# What belongs to one state: by a name, with the right where it isn't everybody's.
OF_DIRECTORY = KeptForState(1000)  # of the directory (`answering.kept_for_directory`)
OF_LEDGER = KeptForState(1000)  # of the ledger, usage and directory (`pages.kept_register.kept_for_ledger`)
