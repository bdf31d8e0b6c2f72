"""How does a change get into the directory? Written with its history, and told as a difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeVar

from django.db import models, transaction

import meterhouse.register.configured  # noqa: F401
from meterhouse.directory.register.recorded import Change, Recorded, changing
from meterhouse.register.transactions import committed
from meterhouse.warehouse.catalogue.snapshots import lock_catalogue, next_snapshot

Answer = TypeVar("Answer")
Action = Literal["add", "change", "end"]
_SIGNS = {"add": "+", "change": "~", "end": "-"}
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that an import or a person changes: `kind` and `name` say of what."""

    action: Action
    kind: str
    name: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{_SIGNS[self.action]} {self.kind} {self.name}" + (f": {self.detail}" if self.detail else "")


class Pen:
    """Writes within one transaction; all it writes counts as known from one moment, a new snapshot's."""

    def __init__(self, alias: str, who: str, why: str = "") -> None:
        self.alias = alias
        self.differences: list[Difference] = []
        self._who, self._why = who, why
        self._moment: datetime | None = None
        self._waiting: list[Recorded] = []

    @property
    def moment(self) -> datetime:
        """From when on this is known. The first use makes the snapshot."""
        if self._moment is None:
            snapshot = next_snapshot(self.alias, "directory", lock_catalogue(self.alias))
            self._moment = snapshot.created_at
        return self._moment

    def tell(self, difference: Difference) -> None:
        """Say what is changed."""
        self.differences.append(difference)

    def add(self, row: Recorded, difference: Difference | None = None) -> None:
        """Enter a row; it has its id after the next `flush`."""
        if difference is not None:
            self.tell(difference)
        self._waiting.append(row)

    def change(self, row: Recorded, difference: Difference | None = None, **values: Any) -> bool:
        """Set fields; False when all of them are so already. A row that waits is changed in place."""
        before = {name: getattr(row, name) for name in values}
        if before == values:
            return False
        for name, value in values.items():
            setattr(row, name, value)
        told = ", ".join(
            f"{name} {shown(before[name])} -> {shown(value)}"
            for name, value in values.items()
            if before[name] != value
        )
        if difference is not None:
            detail = "; ".join(filter(None, (difference.detail, told)))
            self.tell(Difference(difference.action, difference.kind, difference.name, detail))
        if row.pk is not None:
            self.save(row)
        return True

    def save(self, row: Recorded) -> None:
        """Write a row whose fields were set already, as forms do, with its history."""
        with changing(Change(self._who, self._why, self.moment)):
            row.save(using=self.alias)

    def flush(self) -> None:
        """Have everything that was added in the register, with its history."""
        while self._waiting:
            model = type(self._waiting[0])
            many = next(
                (n for n, row in enumerate(self._waiting) if type(row) is not model), len(self._waiting)
            )
            rows, self._waiting = self._waiting[:many], self._waiting[many:]
            model._default_manager.using(self.alias).bulk_create(rows, batch_size=_AT_ONCE)
            history = model.history.model
            history.objects.using(self.alias).bulk_create(
                [self._recorded(history, row) for row in rows], batch_size=_AT_ONCE
            )

    def _recorded(self, history: Any, row: Recorded) -> models.Model:
        values = {field.attname: getattr(row, field.attname) for field in history.tracked_fields}
        record: models.Model = history(
            **values,
            history_date=self.moment,
            history_type="+",
            history_user_id=self._who,
            history_change_reason=self._why[:100] or None,
        )
        return record


class _Undone(Exception):
    """Nothing of this is to stay."""


def written(
    alias: str, who: str, why: str, work: Callable[[Pen], Answer], *, keep: bool = True
) -> tuple[Answer, list[Difference]]:
    """Do `work` in one transaction. Unless `keep`, all of it is undone: what is told would have changed."""

    def once() -> tuple[Answer, list[Difference]]:
        pen = Pen(alias, who, why)
        found: list[Answer] = []
        try:
            with transaction.atomic(using=alias):
                found.append(work(pen))
                pen.flush()
                if not keep:
                    raise _Undone
        except _Undone:
            pass
        return found[0], pen.differences

    return committed(alias, once)


def shown(value: object) -> str:
    """A value as a difference tells it."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, models.Model):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return repr(value)
