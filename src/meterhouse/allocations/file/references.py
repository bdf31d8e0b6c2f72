"""Does everything that a file's entries refer to exist, in the file or in the register?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from meterhouse.allocations.file import entries as file
from meterhouse.allocations.file.checks import Refusal


def unknown(all_: file.Entities, kept: dict[str, set[str]]) -> list[Refusal]:
    """References to what neither the file has nor `kept`, by kind."""
    known: dict[str, set[str]] = defaultdict(set)
    for kind, keys in kept.items():
        known[kind] |= keys
    known["institute"] |= {x.name for x in all_.institutes}
    known["person"] |= {x.username for x in all_.persons}
    known["project"] |= {x.pid for x in all_.projects}
    known["calendar"] |= {x.name for x in all_.calendars}
    known["resource pool"] |= {x.name for x in all_.resource_pools}
    known["scheme"] |= {x.name for x in all_.schemes}
    known["grant"] |= {x.id for x in all_.grants if x.id}
    known["period"] |= {x.name for x in all_.periods}
    known["allocation pool"] |= {x.id for x in all_.allocation_pools if x.id}
    known["allocation"] |= {x.id for x in all_.allocations if x.id}
    found: list[Refusal] = []
    for owner, kind, key in _references(all_):
        if key and key not in known[kind]:
            code = f"{kind.replace(' ', '_')}_unknown"
            found.append(Refusal(code, owner, key, f"a known {kind}", key))
    return found


def _references(all_: file.Entities) -> Iterator[tuple[str, str, str | None]]:
    for person in all_.persons:
        for one in person.affiliations:
            yield "person", "institute", one.institute
    for account in all_.accounts:
        yield "account", "person", account.person
    for project in all_.projects:
        yield "project", "project", project.parent
        for parent in project.parents:
            yield "project", "project", parent.parent
    for member in all_.memberships:
        yield "membership", "person", member.person
        yield "membership", "project", member.project
    for cap in all_.caps:
        yield "cap", "project", cap.project
        yield "cap", "resource pool", cap.resource_pool
    for resource in all_.resources:
        yield "resource", "resource pool", resource.resource_pool
    for grant in all_.grants:
        yield "grant", "project", grant.project
        yield "grant", "scheme", grant.scheme
    for pool in all_.allocation_pools:
        yield "allocation pool", "project", pool.project
        yield "allocation pool", "period", pool.period
        yield "allocation pool", "resource pool", pool.resource_pool
    for line in all_.allocations:
        yield "allocation", "grant", line.grant
        yield "allocation", "allocation pool", line.allocation_pool
        yield "allocation", "allocation", line.void_of
