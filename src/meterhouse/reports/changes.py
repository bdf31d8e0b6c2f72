"""What changed most? Who used more or less than in the period before, the greatest change first."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from meterhouse.reports.compared import compare
from meterhouse.usage.answer import Answer

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Change:
    """A label with its value now and before; None where nothing was recorded of it."""

    label: str
    id: str
    now: Decimal | None
    before: Decimal | None

    @property
    def difference(self) -> Decimal:
        return (self.now or _ZERO) - (self.before or _ZERO)


def greatest_changes(found: Answer, before: Answer, most: int) -> list[Change]:
    """Of two answers by one grouping; what is in one of them only has changed by all of it.

    Without any answer of one of the periods nothing can be said: no data isn't zero.
    """
    if not found.rows or not before.rows:
        return []
    changes = [
        Change(row.labels[0], row.ids[0], row.values[0], row.earlier[0]) for row in compare(found, before)
    ]
    changes = [one for one in changes if one.difference]
    return sorted(changes, key=lambda one: (-abs(one.difference), one.label, one.id))[:most]
