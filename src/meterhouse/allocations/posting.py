"""How does usage that comes by file get booked? A site day a row, once for its key, or into suspense."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.file.entries import Usage
from meterhouse.allocations.file.reading import Refused
from meterhouse.allocations.loading.names import Names, UnknownName
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.rules.slices import slices
from meterhouse.directory.register import models as directory


@dataclass(slots=True)
class Posted:
    """What became of the usages of a file: by id."""

    booked: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    suspended: dict[str, str] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)


def post_usage(alias: str, usages: Iterable[Usage], names: Names, time_zone: str) -> Posted:
    """Book usages in the order in which they were sent; the same key again replaces."""
    posted = Posted()
    for usage in usages:
        if usage.raw < 0:
            posted.refused.append(Refused(usage.id, f"raw: expected no less than 0, found {usage.raw}"))
            continue
        try:
            days = _days(usage, time_zone)
        except ValueError as error:
            posted.refused.append(Refused(usage.id, str(error)))
            continue
        _post(alias, usage, days, names, posted)
    return posted


def retry_suspended(alias: str, names: Names, time_zone: str) -> Posted:
    """Book what was suspended and can be booked by now."""
    rows = list(ledger.SuspendedUsage.objects.using(alias).order_by("id"))
    return post_usage(alias, [Usage.model_validate(row.record) for row in rows], names, time_zone)


def _days(usage: Usage, time_zone: str) -> list[tuple[date, Decimal]]:
    if usage.day is not None and usage.start is None and usage.end is None:
        return [(usage.day, usage.raw)]
    if usage.day is None and usage.start is not None and usage.end is not None:
        return slices(usage.start, usage.end, usage.raw, time_zone)
    raise ValueError("expected either a date, or a start and an end")


def _post(alias: str, usage: Usage, days: list[tuple[date, Decimal]], names: Names, posted: Posted) -> None:
    key = usage.key or usage.id
    try:
        resource = names.resource(usage.resource)
        account = _account(alias, usage, resource, days[0][0], names)
        project = _project(alias, usage, account, days[0][0], names)
    except UnknownName as unknown:
        ledger.SuspendedUsage.objects.using(alias).update_or_create(
            key=key,
            defaults={
                "code": usage.id,
                "record": usage.model_dump(mode="json"),
                "reason": str(unknown)[:500],
                "raw": usage.raw,
            },
        )
        posted.suspended[usage.id] = str(unknown)
        return
    ledger.SuspendedUsage.objects.using(alias).filter(key=key).delete()
    kept = {
        row.day: row for row in ledger.PostedUsage.objects.using(alias).filter(key=key, resource=resource)
    }
    changed = False
    for day, raw in days:
        values = {
            "code": usage.id,
            "project": project,
            "account": account,
            "person_id": account.person_id if account else None,
            "raw": raw,
            "count": usage.count,
            "recorded_on": usage.recorded,
            "is_void": False,
        }
        row = kept.pop(day, None)
        if row is None:
            row = ledger.PostedUsage(key=key, resource=resource, day=day, **values)
            row.save(using=alias, force_insert=True)
            changed = True
        elif any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            row.save(using=alias)
            changed = True
    for row in kept.values():  # days that this key spoke of before, and no longer does
        if not row.is_void:
            row.is_void = True
            row.save(using=alias)
            changed = True
    (posted.booked if changed else posted.same).append(usage.id)


def _account(
    alias: str, usage: Usage, resource: ledger.Resource, day: date, names: Names
) -> directory.Account | None:
    """The account on the resource's machine, or else the one on every machine, on that day."""
    if usage.account is None:
        return None
    machine = resource.machine.name
    rows = directory.Account.objects.using(alias).filter(
        matches="name", ref=usage.account, resource__in=["", machine]
    )
    held = [row for row in rows if row.holds_on(day)]
    if not held:
        raise UnknownName(f"account: expected one called {usage.account!r} on {machine} on {day}, found none")
    return max(held, key=lambda row: row.resource == machine)


def _project(
    alias: str, usage: Usage, account: directory.Account | None, day: date, names: Names
) -> directory.Project:
    """The submitted project, or, where none was said, the person's default project on that day."""
    if usage.submitted_project is not None:
        return names.project(usage.submitted_project)
    if account is not None:
        rows = directory.ProjectMembership.objects.using(alias).filter(
            person_id=account.person_id, is_default_project=True
        )
        for row in rows.select_related("project"):
            if row.holds_on(day):
                return row.project
    raise UnknownName("submitted_project: expected one, or a default project of the account, found none")
