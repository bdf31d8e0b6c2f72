"""What did the warehouse measure of the ledger's resources? One question about usage a realm, by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.deciding import measured_in_order
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.rules.quantities import ZERO, from_fraction
from meterhouse.allocations.rules.world import Use
from meterhouse.directory.state import Directory, Reference
from meterhouse.errors import MeterhouseError
from meterhouse.register.transactions import asked
from meterhouse.reports.questions import answer_question
from meterhouse.usage.answer import Answer
from meterhouse.usage.meters import Meter
from meterhouse.usage.question import Question

if TYPE_CHECKING:
    from meterhouse.site import Site

# What is counted or a level has an amount on each day; a ratio hasn't.
CHARGEABLE = ("sum", "begun", "ceased", "average", "maximum", "minimum", "last", "kept")


@dataclass(slots=True)
class Measured:
    """Uses in a fixed order, and what belongs to no project of the directory, by resource and id."""

    uses: list[Use] = field(default_factory=list)
    unattributed: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))


def measured_uses(site: Site, *, closed: bool = False, until: date | None = None) -> Measured:
    """What was used on the days of open periods (of closed ones, too, where `closed`) up to today."""
    alias = site.register.alias
    rows = ledger.Resource.objects.using(alias).exclude(meter="").filter(is_active=True)
    resources = asked(alias, lambda: list(rows.select_related("machine", "resource_pool").order_by("id")))
    last = until or datetime.now(ZoneInfo(site.settings.site.time_zone)).date()
    projects = _Projects(Directory(alias).references)
    measured = Measured()
    found: list[Use] = []
    asked_of: dict[tuple[str, str, int], list[ledger.Resource]] = defaultdict(list)
    for resource in resources:
        asked_of[resource.profile, resource.realm, resource.resource_pool.calendar_id].append(resource)
    for (profile, realm, calendar), several in asked_of.items():
        days = _days(alias, calendar, closed, last)
        for first, end in days:
            question = Question.ask(
                realm=realm,
                meters=sorted({one.meter for one in several}),
                first=first,
                last=end,
                by=["day", "resource", "project"],
                filters={"resource": sorted({one.machine.name for one in several})},
                profile=profile,
            )
            for meter in question.meters:
                if meter.function not in CHARGEABLE:
                    raise MeterhouseError(
                        f"resource: meter {meter.name}: expected one that has an amount on each day "
                        f"({', '.join(CHARGEABLE)}), found {meter.function}"
                    )
            found.extend(_uses(answer_question(site, question), several, projects, measured))
    measured.uses = measured_in_order(found)
    return measured


def _days(alias: str, calendar: int, closed: bool, last: date) -> list[tuple[date, date]]:
    """Stretches of days of the calendar's periods, neighbouring periods joined, none after `last`."""
    rows = ledger.AllocationPeriod.objects.using(alias).filter(calendar=calendar, start__lte=last)
    if not closed:
        rows = rows.filter(status="open")
    stretches: list[tuple[date, date]] = []
    for start, end in asked(alias, lambda: list(rows.order_by("start").values_list("start", "end"))):
        if stretches and stretches[-1][1] + timedelta(days=1) == start:
            start = stretches.pop()[0]
        stretches.append((start, min(end - timedelta(days=1), last)))
    return stretches


def _uses(
    answer: Answer, resources: list[ledger.Resource], projects: _Projects, measured: Measured
) -> Iterator[Use]:
    meters = {meter.name: place for place, meter in enumerate(answer.question.meters)}
    charged: dict[str, list[tuple[int, int, Meter]]] = defaultdict(list)
    for resource in resources:
        place = meters[resource.meter]
        charged[resource.machine.name].append((resource.pk, place, answer.question.meters[place]))
    days: dict[str, date] = {}
    for row in answer.rows:
        day = days.setdefault(row.period, date.fromisoformat(row.period))
        resource_name, project_name = row.labels
        project = projects.on(resource_name, row.ids[1], project_name, day)
        for resource_id, place, meter in charged.get(resource_name, ()):
            raw = from_fraction(row.quantities[place], meter.times, meter.per)
            if project is None:
                if raw:
                    measured.unattributed[resource_name, row.ids[1] or project_name] += raw
                continue
            yield Use(0, day, resource_id, project, raw)


class _Projects:
    """Whose is an id or a name on a resource, on a day? The source's id counts before its name."""

    def __init__(self, references: Iterable[Reference]) -> None:
        self._found: dict[tuple[str, str, str], list[Reference]] = defaultdict(list)
        for one in references:
            self._found[one.resource, one.matches, one.ref].append(one)

    def on(self, resource: str, ref: str, name: str, day: date) -> int | None:
        for at in ((resource, "id", ref), (resource, "name", name)):
            for one in self._found.get(at, ()):
                if one.start <= day < one.end:
                    return one.project
        return None
