"""What does a file change? Each row that is new or differs, with what stood there before."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from django.db import models

from meterhouse.allocations.file.timelines import Piece
from meterhouse.directory.register.recorded import Change, Dated, changing, current_change

Row = TypeVar("Row", bound=models.Model)
DatedRow = TypeVar("DatedRow", bound=Dated)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that a file makes or changes. `before` is empty for a new row."""

    kind: str
    what: str
    before: dict[str, str]
    after: dict[str, str]

    @property
    def change(self) -> str:
        return "changed" if self.before else "new"


@dataclass(slots=True)
class Writing:
    """Writes rows that are not there yet, changes those that differ, and remembers which."""

    alias: str
    differences: list[Difference] = field(default_factory=list)
    same: int = 0

    def put(
        self,
        model: type[Row],
        what: str,
        identity: dict[str, Any],
        values: dict[str, Any],
        unsaid: Collection[str] = (),
    ) -> Row:
        """The row of that identity, with these values; those that are `unsaid` are for a new row only."""
        row = model._default_manager.using(self.alias).filter(**identity).first()
        if row is None:
            row = model(**identity, **values)
            row.save(using=self.alias, force_insert=True)
            self._note(row, what, {}, {**identity, **values})
            return row
        before = {name: getattr(row, name) for name in values if name not in unsaid}
        changed = {name: values[name] for name in before if before[name] != values[name]}
        if not changed:
            self.same += 1
            return row
        for name, value in changed.items():
            setattr(row, name, value)
        row.save(using=self.alias)
        self._note(row, what, {name: before[name] for name in changed}, changed)
        return row

    def put_dated(
        self,
        model: type[DatedRow],
        what: str,
        subject: dict[str, Any],
        known: list[tuple[date, list[Piece]]],
    ) -> None:
        """The dated rows of one subject, as they became known one after another.

        Rows of days that nobody speaks of any more are kept, with no day left on which they hold.
        """
        if not known or self._stands(model, subject, known[-1][1]):
            self.same += len(known[-1][1]) if known else 0
            return
        for recorded, pieces in known:
            change = current_change() or Change("meterhouse")
            if recorded != date.min:
                change = Change(change.who, change.why, datetime.combine(recorded, time.min, UTC))
            with changing(change):
                self._become(model, what, subject, pieces)

    def _stands(self, model: type[DatedRow], subject: dict[str, Any], pieces: list[Piece]) -> bool:
        rows = model._default_manager.using(self.alias).filter(**subject).order_by("valid_from", "id")
        kept = [row for row in rows if _has_days(row)]
        kept.sort(key=lambda row: row.valid_from or date.min)
        return len(kept) == len(pieces) and all(
            (row.valid_from, row.valid_until) == (piece.start, piece.end)
            and all(getattr(row, name) == value for name, value in piece.values.items())
            for row, piece in zip(kept, pieces, strict=True)
        )

    def _become(self, model: type[DatedRow], what: str, subject: dict[str, Any], pieces: list[Piece]) -> None:
        rows = [
            row
            for row in model._default_manager.using(self.alias).filter(**subject).order_by("id")
            if _has_days(row)
        ]
        by_start = {row.valid_from: row for row in rows}
        wanted = {piece.start: piece for piece in pieces}
        # First what ends or shrinks, so that nothing overlaps on the way.
        for row in rows:
            piece = wanted.get(row.valid_from)
            if piece is None:
                at = row.valid_from or row.valid_until or date.min + timedelta(days=1)
                self._change(row, what, {"valid_from": at, "valid_until": at})
            elif piece.end is not None and (row.valid_until is None or row.valid_until > piece.end):
                self._change(row, what, {"valid_until": piece.end})
        for piece in pieces:
            found = by_start.get(piece.start)
            if found is None:
                found = model(**subject, valid_from=piece.start, valid_until=piece.end, **piece.values)
                found.save(using=self.alias, force_insert=True)
                self._note(found, what, {}, {**piece.values, "from": piece.start, "until": piece.end})
            else:
                self._change(found, what, {"valid_until": piece.end, **piece.values})

    def _change(self, row: models.Model, what: str, values: dict[str, Any]) -> None:
        before = {name: getattr(row, name) for name in values}
        changed = {name: value for name, value in values.items() if before[name] != value}
        if changed:
            for name, value in changed.items():
                setattr(row, name, value)
            row.save(using=self.alias)
            self._note(row, what, {name: before[name] for name in changed}, changed)

    def _note(self, row: models.Model, what: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        kind = str(row._meta.verbose_name)
        self.differences.append(Difference(kind, what, _shown(before.items()), _shown(after.items())))


def _has_days(row: Dated) -> bool:
    return row.valid_from is None or row.valid_until is None or row.valid_from < row.valid_until


def _shown(values: Iterable[tuple[str, Any]]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in values}
