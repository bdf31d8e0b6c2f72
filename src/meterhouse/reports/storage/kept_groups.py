"""Which group reports are kept? One a date, in one transaction; another only to replace it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING

import meterhouse.register.configured  # noqa: F401
from meterhouse.errors import MeterhouseError
from meterhouse.register.transactions import asked, committed
from meterhouse.reports.storage.group_report import GroupRow
from meterhouse.reports.storage.register.models import GroupUsage

if TYPE_CHECKING:
    from meterhouse.site import Site

_NAMES = {"day": "report_date", "group": "unix_group"}


class ReportExists(MeterhouseError):
    """A report of that date is kept already."""


def require_new(site: Site, day: date, volumes: Sequence[str]) -> None:
    """Raises ReportExists when a report of that date has one of these volumes."""
    kept = GroupUsage.objects.using(site.register.alias).filter(report_date=day, volume__in=volumes)
    found = asked(site.register.alias, lambda: sorted(set(kept.order_by().values_list("volume", flat=True))))
    if found:
        raise ReportExists(
            f"group report of {day}: expected none yet, found {', '.join(found)}; --replace makes it anew"
        )


def keep(
    site: Site, day: date, volumes: Sequence[str], rows: Sequence[GroupRow], *, replace: bool = False
) -> None:
    """Keep a report on volumes; with `replace`, in place of what is kept of these on its date."""
    alias = site.register.alias
    names = {field.name: _NAMES.get(field.name, field.name) for field in fields(GroupRow)}

    def swap() -> None:
        if replace:
            GroupUsage.objects.using(alias).filter(report_date=day, volume__in=volumes).delete()
        else:
            require_new(site, day, volumes)
        GroupUsage.objects.using(alias).bulk_create(
            [GroupUsage(**{column: getattr(row, name) for name, column in names.items()}) for row in rows],
            batch_size=500,
        )

    committed(alias, swap)


def kept_groups(site: Site, day: date) -> list[GroupRow]:
    """The report of a date as it is kept, in the order of the report."""
    names = [_NAMES.get(field.name, field.name) for field in fields(GroupRow)]
    kept = GroupUsage.objects.using(site.register.alias).filter(report_date=day).values(*names)
    found = asked(site.register.alias, lambda: list(kept))
    back = {column: name for name, column in _NAMES.items()}
    rows = [
        GroupRow(
            **{back.get(name, name): value for name, value in one.items()}
            | {"used_bytes": int(one["used_bytes"])}
        )
        for one in found
    ]
    return sorted(rows, key=lambda row: (row.volume, row.pi is None, row.pi or "", row.group))
