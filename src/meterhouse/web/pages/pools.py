"""How much may be used, and what is left? All pools that a visitor may see, and one of them in full."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from meterhouse.allocations.asking import PoolRow, by_submitted
from meterhouse.allocations.burning_down import BurnDown, burn_down
from meterhouse.allocations.deciding import read_adjustments
from meterhouse.allocations.register.models import PoolStatement
from meterhouse.allocations.register.reading import read_charges
from meterhouse.allocations.rules.figures import Figures
from meterhouse.errors import MeterhouseError
from meterhouse.register.transactions import asked
from meterhouse.web.pages.amounts import amount, percent
from meterhouse.web.pages.charts.burn_down import burn_down_chart
from meterhouse.web.pages.charts.specs import as_text
from meterhouse.web.pages.frame import for_accounts
from meterhouse.web.pages.kept_register import (
    book,
    directory,
    figures_of,
    ledger_day,
    seen_by,
    seen_pools,
)
from meterhouse.web.pages.paging import paged
from meterhouse.web.pages.words import day_of, whole_number
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import right_of_request

_PAGE = 50
_NEAR = Decimal(80)  # per cent
FIGURES = (
    ("allocated", "Allocated", "What was given for the period"),
    ("used", "Used", "All charges and corrections"),
    ("remaining", "Remaining", "Allocated less used"),
    ("available", "Available", "Can be drawn now"),
    ("lapsed", "Lapsed", "Was not drawn while its grant was in force"),
    ("pending", "Pending", "Its grant is not yet in force"),
    ("overdrawn", "Overdrawn", "Used, and no grant paid for it"),
)


@dataclass(frozen=True, slots=True)
class ShownPool:
    """A pool as a page shows it."""

    row: PoolRow
    found: Figures
    burned: BurnDown | None
    start: date
    last: date

    @property
    def figures(self) -> list[tuple[str, str, str, str]]:
        return [(name, title, amount(getattr(self.found, name)), why) for name, title, why in FIGURES]

    @property
    def percent(self) -> str:
        return percent(self.found.percent)

    @property
    def bar(self) -> int:
        """For a bar of a hundred parts."""
        return 0 if self.found.percent is None else max(0, min(100, int(self.found.percent)))

    @property
    def is_near(self) -> bool:
        """Whether little or nothing is left."""
        if self.found.percent is None:
            return self.found.used > 0
        return self.found.percent >= _NEAR or self.runs_out

    @property
    def runs_out(self) -> bool:
        return self.burned is not None and self.burned.exhausted_on is not None

    @property
    def forecast(self) -> str:
        """When nothing will be left, in words."""
        burned = self.burned
        if burned is None:
            return "nothing allocated" if not self.found.allocated else ""
        if burned.is_exhausted:
            return f"used up since {burned.exhausted_on:%-d %b %Y}"
        if burned.exhausted_on is not None:
            return (
                f"used up on {burned.exhausted_on:%-d %b %Y} at the pace of the last {burned.pace_days} days"
            )
        if burned.as_of == self.last:
            return "the period is over"
        if not burned.per_day:
            return f"not used in the last {burned.pace_days} days"
        return f"lasts: {amount(burned.left_at_end)} {self.row.units} left on {self.last:%-d %b %Y}"

    @property
    def chart(self) -> str:
        return as_text(burn_down_chart(self.burned, self.row.units)) if self.burned else ""


def shown_pools(rows: list[PoolRow], day: date) -> list[ShownPool]:
    """Pools with their figures at the end of that day."""
    found = figures_of([row.id for row in rows], day)
    shown = []
    for row in rows:
        paying = book().paying
        period = paying.periods[paying.pools[row.id].period]
        burned = burn_down(found[row.id], period) if row.function == "sum" else None
        shown.append(ShownPool(row, found[row.id], burned, period.start, _last(period.end)))
    return shown


def running(rows: list[PoolRow], day: date) -> list[PoolRow]:
    """Those whose period runs on that day."""
    paying = book().paying
    periods = {row.id: paying.periods[paying.pools[row.id].period] for row in rows}
    return [row for row in rows if periods[row.id].start <= day < periods[row.id].end]


@for_accounts
def pools(request: HttpRequest) -> HttpResponse:
    """One pool where the address names one, otherwise all of a period."""
    query = request.GET
    try:
        day = day_of(query, "day", ledger_day())
        if "id" in query:
            return _one(request, whole_number(query, "id", 0, 2**31 - 1), day)
        rows = seen_pools(right_of_request(request))
        periods = list(dict.fromkeys(row.period for row in rows))
        period, wanted = query.get("period", ""), query.get("q", "").strip()
        titles = {one.id: one.called for one in directory().projects.values()}
        chosen = [row for row in rows if row.period == period] if period else running(rows, day)
        if wanted:
            chosen = [
                row
                for row in chosen
                if wanted.casefold() in f"{row.project} {titles.get(row.project_id, '')}".casefold()
            ]
        page = paged(query, chosen, _PAGE)
        context: dict[str, Any] = {
            "shown": shown_pools(page.rows, day),
            "page": page,
            "titles": titles,
            "periods": periods,
            "period": period,
            "wanted": wanted,
            "day": day,
            "figures": FIGURES,
            "known": bool(rows),
        }
    except MeterhouseError as mistake:
        return render(
            request, "failure.html", {"title": "That can't be asked", "text": str(mistake)}, status=400
        )
    return render(request, "pools.html", context)


def _one(request: HttpRequest, id_: int, day: date) -> HttpResponse:
    row = next((one for one in seen_pools(right_of_request(request)) if one.id == id_), None)
    if row is None:
        raise Http404  # the same whether it isn't there or isn't theirs
    alias = served_site().register.alias
    shown = shown_pools([row], day)[0]
    projects = directory().projects
    seen = seen_by(request).projects
    charges = read_charges(alias, pool=id_, day__lte=day)
    by_project: dict[str, Decimal] = {}
    for project, quantity in by_submitted(charges).items():
        # What stands below a project that somebody sees is theirs to see, too; what doesn't has no name.
        known = seen is None or int(project) in seen
        name = projects[int(project)].called if known else "projects of others"
        by_project[name] = by_project.get(name, Decimal(0)) + quantity
    paying = book().paying
    lines = [
        {
            "scheme": paying.world.schemes[paying.grants[line.grant].scheme],
            "window": paying.window(line),
            "quantity": amount(line.quantity),
            "drawn": amount(shown.found.drawn(line.key)),
        }
        for line in paying.lines[id_]
    ]
    statement = asked(alias, PoolStatement.objects.using(alias).filter(pool=id_).first)
    context = {
        "one": shown,
        "project": projects[row.project_id],
        "day": day,
        "lines": lines,
        "by_project": [
            (name, amount(quantity)) for name, quantity in sorted(by_project.items(), key=lambda one: -one[1])
        ],
        "adjustments": [
            {"day": one.day, "quantity": amount(one.quantity)}
            for one in read_adjustments(alias, day).get(id_, [])
        ],
        "statement": statement,
        "statement_figures": (
            []
            if statement is None
            else [
                (title, amount(getattr(statement, name)))
                for name, title, _ in FIGURES
                if hasattr(statement, name)
            ]
        ),
    }
    return render(request, "pool.html", context)


def _last(end: date) -> date:
    return date.fromordinal(end.toordinal() - 1)
