"""How does a dated tie become true, change or end on a day, without rewriting what was true before?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from meterhouse.directory.known import NEVER, period
from meterhouse.directory.pen import Difference, Pen
from meterhouse.directory.register.recorded import Dated

Key = tuple[Any, ...]


class Ties:
    """All rows of one dated model, by the fields of which one is true at a time."""

    def __init__(self, pen: Pen, model: type[Dated], kind: str, key: tuple[str, ...], day: date) -> None:
        self._pen, self._model, self._kind, self._key, self._day = pen, model, kind, key, day
        self._rows: dict[Key, list[Dated]] = defaultdict(list)
        for row in model._default_manager.using(pen.alias).order_by("id"):
            self._rows[tuple(getattr(row, name) for name in key)].append(row)

    def current(self, key: Key) -> Any:
        """The row that is true on the day, or None."""
        return next((row for row in self._rows.get(key, ()) if row.holds_on(self._day)), None)

    def rows(self) -> list[Any]:
        """All rows that are true on the day."""
        return [row for rows in self._rows.values() for row in rows if row.holds_on(self._day)]

    def hold(
        self,
        key: Key,
        values: Mapping[str, Any],
        name: str,
        detail: str = "",
        since: date | None = None,
        until: date | None = None,
        ever: bool = False,
    ) -> Any:
        """Make `values` true from `since`, or from the day on (a new tie, with `ever`: since ever).

        What was true before stays so until then. Returns the row that is true on the day, if any.
        """
        current = self.current(key)
        if until is not None and until <= self._day:
            if current is not None:
                self.end(current, name, until)
            elif since is not None and not self._meets(key, since, until):
                self._enter(key, values, since, until, Difference("add", self._kind, name, detail))
            return None
        limit = self._limit(key, until)
        if current is not None:
            if all(getattr(current, field) == value for field, value in values.items()):
                if period(None, current.valid_until)[1] != limit:
                    self._pen.change(
                        current,
                        Difference("change", self._kind, name),
                        valid_until=None if limit == NEVER else limit,
                    )
                return current
            began, at = period(current.valid_from, None)[0], self._day
            if since is not None and began < since < at:
                at = since
            self._pen.change(current, None, valid_until=at)
            return self._enter(key, values, at, limit, Difference("change", self._kind, name, detail))
        ahead = [row for row in self._rows.get(key, ()) if row.valid_from == since and since is not None]
        if any(all(getattr(row, f) == v for f, v in values.items()) for row in ahead):
            return None  # it begins later, and is known already
        earlier = [
            row.valid_until
            for row in self._rows.get(key, ())
            if row.valid_until is not None and row.valid_until <= self._day
        ]
        start = since if since is not None else None if ever and not earlier else self._day
        if start is not None and start <= self._day and earlier:
            start = max(start, *earlier)
        return self._enter(key, values, start, limit, Difference("add", self._kind, name, detail))

    def end(self, row: Dated, name: str, until: date | None = None) -> None:
        """Let a tie be over from the day on, or from `until`; before it began, it never was."""
        last = until or self._day
        if row.valid_from is not None:
            last = max(last, row.valid_from)
        self._pen.change(row, Difference("end", self._kind, name), valid_until=last)

    def _meets(self, key: Key, since: date, until: date) -> bool:
        """Whether a row is true on one of these days."""
        return any(
            max(start, since) < min(end, until)
            for start, end in (period(row.valid_from, row.valid_until) for row in self._rows.get(key, ()))
        )

    def _limit(self, key: Key, until: date | None) -> date:
        later = [
            row.valid_from
            for row in self._rows.get(key, ())
            if row.valid_from is not None
            and row.valid_from > self._day
            and (row.valid_until is None or row.valid_from < row.valid_until)
        ]
        return min([until or NEVER, *later])

    def _enter(
        self, key: Key, values: Mapping[str, Any], start: date | None, limit: date, difference: Difference
    ) -> Dated:
        row = self._model(
            **dict(zip(self._key, key, strict=True)),
            **values,
            valid_from=start,
            valid_until=None if limit == NEVER else limit,
        )
        self._pen.add(row, difference)
        self._rows[key].append(row)
        return row
