"""Whose question is worked out next? A few at a time; of those that wait, the one that is due first.

What takes longer is due later, so that a month doesn't wait for years that were asked for just before it; but
it waits for what came shortly after it only. What is made anew, while others see it as it was, comes first:
they may do so for a short time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from heapq import heapify, heappop, heappush
from itertools import count
from threading import Condition

_EARLIER_SECONDS = 10.0
_FIRST: ContextVar[bool] = ContextVar("comes_first", default=False)


@contextmanager
def coming_first() -> Iterator[None]:
    """What is asked for in here waits for hardly anything."""
    token = _FIRST.set(True)
    try:
        yield
    finally:
        _FIRST.reset(token)


def due(days: int) -> float:
    """When the answer to a question over so many days is due: a second later for each thousand."""
    return time.monotonic() + (-_EARLIER_SECONDS if _FIRST.get() else days / 1000)


class Turns:
    """So many at once; the others wait in the order in which they are due."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: list[tuple[float, int]] = []
        self._count = count()
        self._changed = Condition()

    @contextmanager
    def turn(self, due: float) -> Iterator[None]:
        """Wait for one's turn, and have it in here."""
        with self._changed:
            mine = (due, next(self._count))
            heappush(self._waiting, mine)
            try:
                while not self._free or self._waiting[0] != mine:
                    self._changed.wait()
                heappop(self._waiting)
            except BaseException:
                self._waiting.remove(mine)
                heapify(self._waiting)
                raise
            finally:
                self._changed.notify_all()
            self._free -= 1
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()
