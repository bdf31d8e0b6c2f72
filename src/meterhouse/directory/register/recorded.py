"""Which rules do all tables of the directory share? Periods, no deletion, and a record of each change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.models import CheckConstraint, F, Q
from simple_history.models import HistoricalRecords
from simple_history.signals import post_create_historical_record, pre_create_historical_record

from meterhouse.errors import MeterhouseError
from meterhouse.register.constraints import NeverDeleted, PeriodsDoNotOverlap


class NothingIsDeleted(MeterhouseError):
    """Something of the directory was to be deleted: what is over gets an end instead."""


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes the directory, why, and at which moment all of it counts as known."""

    who: str
    why: str = ""
    moment: datetime | None = None


_CHANGE: ContextVar[Change | None] = ContextVar("directory_change", default=None)


@contextmanager
def changing(change: Change) -> Iterator[None]:
    """Everything saved within is recorded as part of `change`."""
    token = _CHANGE.set(change)
    try:
        yield
    finally:
        _CHANGE.reset(token)


def current_change() -> Change | None:
    """The change under way in this thread or task."""
    return _CHANGE.get()


def _who(instance: Any, **_: Any) -> str | None:
    change = _CHANGE.get()
    if change is not None:
        return change.who
    request = getattr(HistoricalRecords.context, "request", None)
    user = getattr(request, "user", None)
    return user.get_username() if user is not None and user.is_authenticated else None


def _read_who(record: Any) -> str | None:
    return record.history_user_id  # type: ignore[no-any-return]


def _write_who(record: Any, who: str | None) -> None:
    record.history_user_id = who


def _complete(sender: type[models.Model], **given: Any) -> None:
    change, record = _CHANGE.get(), given["history_instance"]
    if change is None or not isinstance(given["instance"], Recorded):
        return
    record.history_change_reason = record.history_change_reason or change.why or None
    if change.moment is not None:
        record.history_date = change.moment


def _snapshot(sender: type[models.Model], **given: Any) -> None:
    """A change that nobody announced (a form, a shell) makes a snapshot of its own when it is committed."""
    if _CHANGE.get() is not None or not isinstance(given["instance"], Recorded):
        return
    alias: str = given["instance"]._state.db or DEFAULT_DB_ALIAS
    connection = connections[alias]
    connection.directory_changed = True  # type: ignore[attr-defined]

    def made() -> None:
        from meterhouse.warehouse.catalogue.snapshots import lock_catalogue, next_snapshot

        if connection.directory_changed:  # type: ignore[attr-defined]
            connection.directory_changed = False  # type: ignore[attr-defined]
            with transaction.atomic(using=alias):
                next_snapshot(alias, "directory", lock_catalogue(alias))

    transaction.on_commit(made, using=alias)


pre_create_historical_record.connect(_complete, dispatch_uid="meterhouse.directory")
post_create_historical_record.connect(_snapshot, dispatch_uid="meterhouse.directory.snapshot")


class Recorded(models.Model):
    """Kept for good, and each change of it with who, when, before and after (`history`)."""

    # Who it was is a name, not a key: imports and commands have no user account.
    history = HistoricalRecords(
        inherit=True,
        use_base_model_db=True,
        get_user=_who,
        history_user_id_field=models.CharField(max_length=200, null=True),
        history_user_getter=_read_who,
        history_user_setter=_write_who,
    )

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise NothingIsDeleted(f"{self._meta.verbose_name}: expected an end, not a deletion")


class Dated(Recorded):
    """True from `valid_from` until before `valid_until`; null is ever. Equal ends: it never was true."""

    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        since, until = self.valid_from or "ever", self.valid_until or "further notice"
        return f"{self._meta.verbose_name}, {since} to {until}"

    def holds_on(self, day: date) -> bool:
        """Whether it is true on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day < self.valid_until
        )


def never_deleted(table: str) -> NeverDeleted:
    """The constraint that keeps a table's rows."""
    return NeverDeleted(name=f"{table}_is_never_deleted")


def dated(table: str, *within: str) -> list[models.BaseConstraint]:
    """The constraints of a dated table: at most one row of the same `within` is true at a time."""
    return [
        never_deleted(table),
        CheckConstraint(
            name=f"{table}_starts_before_it_ends",
            condition=Q(valid_from__isnull=True)
            | Q(valid_until__isnull=True)
            | Q(valid_from__lte=F("valid_until")),
        ),
        PeriodsDoNotOverlap(name=f"{table}_is_one_at_a_time", within=within),
    ]
