"""How do resource pools, grants, pools and lines of a ledger file get into the register?"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from meterhouse.allocations.file import entries as file
from meterhouse.allocations.file.timelines import ever, piece, states
from meterhouse.allocations.loading.differences import Writing
from meterhouse.allocations.loading.names import Names, UnknownName
from meterhouse.allocations.register import models as ledger

DAY = timedelta(days=1)
DEFAULT_CALENDAR = "default"


def write_grants_and_pools(entities: file.Entities, writing: Writing, names: Names) -> None:
    """Write them, in an order in which each finds what it refers to."""
    _resources(entities, writing, names)
    for scheme in entities.schemes:
        closed = scheme.closed + DAY if scheme.closed else None
        values = {"opened": scheme.opened, "closed": closed, "description": scheme.description}
        row = writing.put(ledger.Scheme, scheme.name, {"name": scheme.name}, values)
        names.remember(row, scheme.name)
    for period in entities.periods:
        calendar = _calendar(period.calendar, writing, names)
        row_period = writing.put(
            ledger.AllocationPeriod,
            period.name,
            {"name": period.name},
            {"calendar": calendar, "start": period.start, "end": period.end + DAY},
        )
        names.remember(row_period, period.name)
    for grant in entities.grants:
        _grant(grant, writing, names)
    for cap in entities.caps:
        subject = {
            "project": names.project(cap.project),
            "resource_pool": names.resource_pool(cap.resource_pool),
        }
        writing.put(ledger.ProjectCap, cap.project, subject, {"quantity": cap.quantity})
    for pool in entities.allocation_pools:
        subject = {
            "project": names.project(pool.project),
            "period": names.period(pool.period),
            "resource_pool": names.resource_pool(pool.resource_pool),
        }
        what = pool.id or pool.name or pool.project
        row_pool = writing.put(
            ledger.AllocationPool, what, subject, {"code": pool.id or "", "name": pool.name}
        )
        if pool.id:
            names.remember(row_pool, pool.id)
    for line in entities.allocations:
        _line(line, writing, names)


def _calendar(name: str | None, writing: Writing, names: Names) -> ledger.PeriodCalendar:
    """The calendar of that name; without one the default calendar, which is made when first needed."""
    if name is not None:
        return names.calendar(name)
    row = writing.put(ledger.PeriodCalendar, DEFAULT_CALENDAR, {"name": DEFAULT_CALENDAR}, {})
    return names.remember(row, DEFAULT_CALENDAR)


def _resources(entities: file.Entities, writing: Writing, names: Names) -> None:
    for machine in entities.machines:
        values = {
            "category": machine.machine_category or "",
            "start_date": machine.start_date,
            "end_date": machine.end_date + DAY if machine.end_date else None,
        }
        row = writing.put(ledger.Machine, machine.name, {"name": machine.name}, values)
        names.remember(row, machine.name)
    for calendar in entities.calendars:
        row_calendar = writing.put(ledger.PeriodCalendar, calendar.name, {"name": calendar.name}, {})
        names.remember(row_calendar, calendar.name)
    for pool in entities.resource_pools:
        row_pool = writing.put(
            ledger.ResourcePool,
            pool.name,
            {"name": pool.name},
            {
                "units": pool.units,
                "function": pool.function,
                "description": pool.description,
                "calendar": _calendar(pool.calendar, writing, names),
            },
        )
        names.remember(row_pool, pool.name)
    apart: dict[str, list[file.Rate]] = defaultdict(list)
    for rate in entities.resource_rates:
        apart[rate.resource or ""].append(rate)
    for resource in entities.resources:
        row_resource = _resource(resource, writing, names)
        base = [] if resource.scaling_factor is None else [ever(factor=resource.scaling_factor)]
        said = [*resource.rates, *apart.pop(resource.id or "", [])]
        entries = [*base, *(piece(one, factor=one.factor) for one in said)]
        writing.put_dated(ledger.ResourceRate, str(row_resource), {"resource": row_resource}, states(entries))
    for code, several in apart.items():
        subject = {"resource": names.resource(code)}
        entries = [piece(one, factor=one.factor) for one in several]
        writing.put_dated(ledger.ResourceRate, code, subject, states(entries))


def _resource(resource: file.Resource, writing: Writing, names: Names) -> ledger.Resource:
    try:
        machine = names.machine(resource.machine)
    except UnknownName:  # a machine of which only its name is known
        machine = writing.put(ledger.Machine, resource.machine, {"name": resource.machine}, {})
        names.remember(machine, resource.machine)
    what = resource.id or f"{resource.resource_name} of {resource.machine}"
    row = writing.put(
        ledger.Resource,
        what,
        {
            "machine": machine,
            "resource_pool": names.resource_pool(resource.resource_pool),
            "name": resource.resource_name,
        },
        {
            "code": resource.id or "",
            "quantity": resource.quantity,
            "profile": resource.profile,
            "realm": resource.realm,
            "meter": resource.meter,
        },
    )
    return names.remember(row, resource.id) if resource.id else row


def _grant(grant: file.Grant, writing: Writing, names: Names) -> None:
    subject = {
        "project": names.project(grant.project),
        "scheme": names.scheme(grant.scheme),
        "begins": grant.begins,
        "ends": grant.expires + DAY,
    }
    rest = {"description": grant.description, "awarded": grant.date}
    # A grant is known by its id; without one it is the same when all of it is the same.
    if grant.id:
        row = writing.put(ledger.Grant, grant.id, {"code": grant.id}, {**subject, **rest})
        names.remember(row, grant.id)
    else:
        writing.put(ledger.Grant, grant.project, {**subject, **rest}, {})


def _line(line: file.Allocation, writing: Writing, names: Names) -> None:
    values = {
        "pool": names.pool(line.allocation_pool),
        "grant": names.grant(line.grant),
        "quantity": line.quantity,
        "priority": line.priority,
        "transfer": line.transfer or "",
        "description": line.description,
        "void_of": names.optional(names.allocation, line.void_of),
        "posted_at": line.posted_at,
        "posted_by": line.posted_by,
    }
    if line.id:
        row = writing.put(ledger.Allocation, line.id, {"code": line.id}, values)
        names.remember(row, line.id)
    else:
        writing.put(ledger.Allocation, line.description or line.allocation_pool, values, {})
