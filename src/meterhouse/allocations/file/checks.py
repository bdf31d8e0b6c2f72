"""Can a file's entries stand beside one another? Each mistake by a short code, with what was expected.

The register's constraints hold the same rules; here they are told together and in the file's words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from meterhouse.allocations.file import entries as file
from meterhouse.allocations.file.timelines import Piece, overlap, piece


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an entry can't stand."""

    code: str
    kind: str
    key: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.code}: expected {self.expected}, found {self.found}"


def check(entities: file.Entities) -> list[Refusal]:
    """Every mistake of the entities among themselves, in the order of the file's parts."""
    return [mistake for rule in _RULES for mistake in rule(entities)]


def _once(kind: str, code: str, keys: Iterable[object], expected: str) -> Iterator[Refusal]:
    seen: set[object] = set()
    for key in keys:
        if key in seen:
            shown = " / ".join(str(part) for part in key) if isinstance(key, tuple) else str(key)
            yield Refusal(code, kind, shown, expected, "it again")
        seen.add(key)


def _given(values: Iterable[str | None]) -> list[str]:
    return [value for value in values if value]


def names(all_: file.Entities) -> Iterator[Refusal]:
    one = "a name once"
    yield from _once("institute", "institute_not_unique", (x.name for x in all_.institutes), one)
    yield from _once("person", "person_not_unique", (x.username for x in all_.persons), one)
    yield from _once(
        "account", "account_not_unique", ((x.machine or "", x.username) for x in all_.accounts), one
    )
    yield from _once("project", "project_not_unique", (x.pid for x in all_.projects), one)
    yield from _once(
        "machine category", "machine_category_not_unique", (x.name for x in all_.machine_categories), one
    )
    yield from _once("machine", "machine_not_unique", (x.name for x in all_.machines), one)
    yield from _once("calendar", "calendar_not_unique", (x.name for x in all_.calendars), one)
    yield from _once("resource pool", "resource_pool_not_unique", (x.name for x in all_.resource_pools), one)
    yield from _once(
        "resource",
        "resource_not_unique",
        ((x.machine, x.resource_pool, x.resource_name) for x in all_.resources),
        "a resource name once on a machine and in a pool",
    )
    yield from _once("resource", "resource_not_unique", _given(x.id for x in all_.resources), "an id once")
    yield from _once("scheme", "scheme_not_unique", (x.name for x in all_.schemes), one)
    yield from _once("grant", "grant_not_unique", _given(x.id for x in all_.grants), "an id once")
    yield from _once("period", "period_not_unique", (x.name for x in all_.periods), one)
    yield from _once(
        "allocation pool",
        "pool_not_unique",
        ((x.project, x.period, x.resource_pool) for x in all_.allocation_pools),
        "one pool for a project, period and resource pool",
    )
    yield from _once(
        "allocation pool", "pool_not_unique", _given(x.id for x in all_.allocation_pools), "an id once"
    )
    yield from _once(
        "allocation", "allocation_not_unique", _given(x.id for x in all_.allocations), "an id once"
    )
    yield from _once(
        "cap",
        "cap_not_unique",
        ((x.project, x.resource_pool) for x in all_.caps),
        "one cap for a project and resource pool",
    )


def groups(all_: file.Entities) -> Iterator[Refusal]:
    yield from _once("group", "group_not_unique", (x.name for x in all_.groups), "a name once")
    parents = [x.parent for x in all_.groups if x.parent is not None]
    yield from _once("group", "group_parent_not_unique", parents, "one group for an owner")


def kinds(all_: file.Entities) -> Iterator[Refusal]:
    for pool in all_.resource_pools:
        if pool.function not in file.KNOWN_FUNCTIONS:
            known = ", ".join(sorted(file.KNOWN_FUNCTIONS))
            yield Refusal("function_unknown", "resource pool", pool.name, f"one of {known}", pool.function)
    said = [(x.pid, x.allocation_mode) for x in all_.projects]
    said += [(x.project or "", x.allocation_mode) for x in all_.policies]
    for pid, mode in said:
        if mode not in file.KNOWN_MODES:
            known = ", ".join(sorted(file.KNOWN_MODES))
            yield Refusal("allocation_mode_unknown", "project", pid, f"one of {known}", mode)


def tree(all_: file.Entities) -> Iterator[Refusal]:
    ways: dict[str, list[tuple[str, Piece]]] = defaultdict(list)
    for pid, parent, one in parents(all_):
        ways[pid].append((parent, one))

    def below_itself(at: str, goal: str, since: date, until: date, seen: frozenset[str]) -> bool:
        for parent, one in ways.get(at, ()):
            from_, to = max(since, one.start or date.min), min(until, one.end or date.max)
            if from_ >= to:
                continue
            if parent == goal:
                return True
            if parent not in seen and below_itself(parent, goal, from_, to, seen | {parent}):
                return True
        return False

    for project in all_.projects:
        if below_itself(project.pid, project.pid, date.min, date.max, frozenset({project.pid})):
            yield Refusal("tree_cycle", "project", project.pid, "a tree", "it below itself")


def parents(all_: file.Entities) -> Iterator[tuple[str, str, Piece]]:
    """Every said parent: project, parent and days."""
    for project in all_.projects:
        if project.parent:
            until = min(
                (x.start for x in project.parents if x.start and not x.last and not x.recorded), default=None
            )
            yield project.pid, project.parent, Piece(None, until, {})
        for one in project.parents:
            if one.parent:
                yield project.pid, one.parent, piece(one)[1]
    for one in all_.project_parents:
        if one.parent and one.project:
            yield one.project, one.parent, piece(one)[1]


def dates(all_: file.Entities) -> Iterator[Refusal]:
    for scheme in all_.schemes:
        if scheme.closed is not None and scheme.closed < scheme.opened:
            yield Refusal(
                "scheme_closed_before_opened",
                "scheme",
                scheme.name,
                f"an end after {scheme.opened}",
                str(scheme.closed),
            )
    for grant in all_.grants:
        if grant.expires < grant.begins:
            yield Refusal(
                "grant_expires_before_begins",
                "grant",
                grant.id or grant.project,
                f"an end after {grant.begins}",
                str(grant.expires),
            )
    ordered = [x for x in all_.periods if x.start <= x.end]
    for period in all_.periods:
        if period.end < period.start:
            yield Refusal(
                "period_ends_before_start",
                "period",
                period.name,
                f"an end after {period.start}",
                str(period.end),
            )
    by_calendar: dict[str | None, list[file.Period]] = defaultdict(list)
    for period in sorted(ordered, key=lambda one: (one.start, one.end)):
        by_calendar[period.calendar].append(period)
    for several in by_calendar.values():
        for earlier, later in pairwise(several):
            if later.start <= earlier.end and later.name != earlier.name:
                yield Refusal(
                    "period_overlaps",
                    "period",
                    later.name,
                    f"a start after {earlier.end} ({earlier.name})",
                    str(later.start),
                )


def grants(all_: file.Entities) -> Iterator[Refusal]:
    schemes = {x.name: x for x in all_.schemes}
    for grant in all_.grants:
        scheme = schemes.get(grant.scheme)
        if scheme is None:
            continue
        if grant.begins < scheme.opened or (scheme.closed is not None and grant.begins > scheme.closed):
            yield Refusal(
                "grant_outside_scheme",
                "grant",
                grant.id or grant.project,
                f"a beginning from {scheme.opened} to {scheme.closed or 'ever'}",
                str(grant.begins),
            )


def pools(all_: file.Entities) -> Iterator[Refusal]:
    periods = {x.name: x for x in all_.periods}
    resource_pools = {x.name: x for x in all_.resource_pools}
    for pool in all_.allocation_pools:
        period, resource_pool = periods.get(pool.period), resource_pools.get(pool.resource_pool)
        if period and resource_pool and period.calendar != resource_pool.calendar:
            yield Refusal(
                "calendar_differs",
                "allocation pool",
                pool.id or pool.project,
                f"a period of the calendar {resource_pool.calendar}",
                f"{period.name} of {period.calendar}",
            )


def lines(all_: file.Entities) -> Iterator[Refusal]:
    grants_ = {x.id: x for x in all_.grants if x.id}
    pools_ = {x.id or "": x for x in all_.allocation_pools}
    periods = {x.name: x for x in all_.periods}
    above: dict[str, set[str]] = defaultdict(set)
    for project, parent, _ in parents(all_):
        above[project].add(parent)
    for line in all_.allocations:
        grant, pool = grants_.get(line.grant), pools_.get(line.allocation_pool)
        if grant is None or pool is None:
            continue
        key = line.id or line.allocation_pool
        given_down = line.transfer is not None and grant.project in _all_above(pool.project, above)
        if grant.project != pool.project and not given_down:
            yield Refusal(
                "grant_project_differs", "allocation", key, f"a grant of {pool.project}", grant.project
            )
        period = periods.get(pool.period)
        if period and (grant.expires < period.start or grant.begins > period.end):
            yield Refusal(
                "grant_outside_period",
                "allocation",
                key,
                f"a grant in force between {period.start} and {period.end}",
                f"{grant.begins} to {grant.expires}",
            )
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in all_.allocations:
        if line.transfer:
            pool = pools_.get(line.allocation_pool)
            sums[line.transfer, pool.resource_pool if pool else ""] += line.quantity
    unbalanced = {transfer: total for (transfer, _), total in sums.items() if total}
    for transfer, total in unbalanced.items():
        yield Refusal("transfer_not_balanced", "transfer", transfer, "lines that add up to 0", str(total))
    by_id = {x.id: x for x in all_.allocations if x.id}
    for line in all_.allocations:
        voided = by_id.get(line.void_of) if line.void_of else None
        if voided is not None and voided.allocation_pool != line.allocation_pool:
            yield Refusal(
                "void_pool_differs",
                "allocation",
                line.id or "",
                f"pool {voided.allocation_pool}",
                line.allocation_pool,
            )


def _all_above(project: str, above: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [project]
    while waiting:
        for parent in above.get(waiting.pop(), ()):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def quantities(all_: file.Entities) -> Iterator[Refusal]:
    for cap in all_.caps:
        if cap.quantity < 0:
            yield Refusal("cap_negative", "cap", cap.project, "no less than 0", str(cap.quantity))
    for resource in all_.resources:
        factors = [resource.scaling_factor, *(rate.factor for rate in resource.rates)]
        if any(factor is not None and factor < 0 for factor in factors):
            found = ", ".join(str(factor) for factor in factors)
            yield Refusal(
                "scaling_factor_negative",
                "resource",
                resource.id or resource.machine,
                "no less than 0",
                found,
            )
        if resource.quantity is not None and resource.quantity < 0:
            yield Refusal(
                "quantity_negative",
                "resource",
                resource.id or resource.machine,
                "no less than 0",
                str(resource.quantity),
            )


def ties(all_: file.Entities) -> Iterator[Refusal]:
    affiliations = [(x.username, y) for x in all_.persons for y in x.affiliations]
    affiliations += [(x.person or "", x) for x in all_.affiliations]
    yield from _together("affiliation", "affiliation_overlaps", affiliations)
    yield from _together(
        "membership", "membership_not_unique", [(f"{x.person} in {x.project}", x) for x in all_.memberships]
    )
    yield from _together(
        "membership",
        "default_project_not_unique",
        [(x.person, x) for x in all_.memberships if x.is_default_project],
    )
    yield from _together(
        "membership",
        "primary_contact_not_unique",
        [(x.project, x) for x in all_.memberships if x.is_primary_contact],
    )
    moves = [(x.pid, y) for x in all_.projects for y in x.parents]
    moves += [(x.project or "", x) for x in all_.project_parents]
    yield from _together("project", "parent_overlaps", moves)
    policies = [(x.project or "", x) for x in all_.policies]
    yield from _together("policy", "policy_overlaps", policies)
    rates = [(x.id or x.machine, y) for x in all_.resources for y in x.rates]
    rates += [(x.resource or "", x) for x in all_.resource_rates]
    yield from _together("rate", "rate_overlaps", rates)
    references = [y for x in all_.projects for y in x.references] + list(all_.project_references)
    yield from _together(
        "reference",
        "reference_overlaps",
        [(f"{x.ref} on {x.resource} by {x.matches}", x) for x in references],
    )


def _together(kind: str, code: str, said: Sequence[tuple[str, file.Dated]]) -> Iterator[Refusal]:
    """Of what became known at once, nothing may overlap; what became known later replaces."""
    seen: dict[tuple[str, date | None], list[Piece]] = defaultdict(list)
    for key, entry in said:
        _, one = piece(entry)
        if one.start is not None and one.end is not None and one.end <= one.start:
            yield Refusal(
                f"{kind}_ends_before_start", kind, key, f"an end after {entry.start}", f"{entry.last}"
            )
            continue
        others = seen[key, entry.recorded]
        if any(overlap(one, other) for other in others):
            yield Refusal(code, kind, key, "one at a time", f"two from {entry.start or 'ever'}")
        others.append(one)


_RULES: tuple[Callable[[file.Entities], Iterator[Refusal]], ...] = (
    names,
    groups,
    kinds,
    tree,
    dates,
    grants,
    pools,
    lines,
    quantities,
    ties,
)
