"""Whom does a statement name as points of contact? Entered once, with their addresses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from meterhouse.directory.pen import Difference, Pen
from meterhouse.directory.register.models import ContactRole, PointOfContact, PostalAddress, ProjectReference
from meterhouse.directory.things import Things
from meterhouse.sources.directory.statement import SaidContact, Statement

_ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")


def contact_ties(
    pen: Pen, statement: Statement, things: Things, day: date, skip: Callable[[str, str, str], None]
) -> None:
    """Enter the contacts that aren't there yet."""
    if not statement.contacts:
        return
    pen.flush()
    roles = {one.name: one for one in ContactRole.objects.using(pen.alias)}
    addresses = {
        tuple(getattr(one, name) for name in _ADDRESS): one for one in PostalAddress.objects.using(pen.alias)
    }
    known = {
        (one.person_id, one.role_id, one.institution_id, one.project_id, one.reference_id): one
        for one in PointOfContact.objects.using(pen.alias)
        if one.holds_on(day)
    }
    for said in statement.contacts:
        person = things.person(said.person)
        whom = _whom(pen, things, said, day)
        if person is None or whom is None:
            skip(
                "contact", said.person, f"{said.role}: expected a known person, and what they are asked about"
            )
            continue
        if said.role not in roles:
            roles[said.role] = ContactRole(name=said.role)
            pen.add(roles[said.role], Difference("add", "contact role", said.role))
            pen.flush()
        address = None
        if said.address:
            parts = tuple(said.address.get(name, "") for name in _ADDRESS)
            if parts not in addresses:
                addresses[parts] = PostalAddress(**dict(zip(_ADDRESS, parts, strict=True)))
                pen.add(addresses[parts], Difference("add", "address", str(addresses[parts])))
                pen.flush()
            address = addresses[parts]
        key = (
            person.id,
            roles[said.role].id,
            whom.get("institution_id"),
            whom.get("project_id"),
            whom.get("reference_id"),
        )
        difference = Difference("add", "contact", f"{person}, {said.role}")
        if key not in known:
            known[key] = PointOfContact(person=person, role=roles[said.role], address=address, **whom)
            pen.add(known[key], difference)
        elif address is not None and known[key].address_id != address.id:
            pen.change(known[key], Difference("change", "contact", f"{person}, {said.role}"), address=address)


def _whom(pen: Pen, things: Things, said: SaidContact, day: date) -> dict[str, Any] | None:
    if said.institution is not None:
        institution = things.institutions.get(said.institution)
        return None if institution is None else {"institution_id": institution.id}
    if said.project is not None:
        project = things.project(said.project)
        return None if project is None else {"project_id": project.id}
    if said.reference is not None:
        resource, ref = said.reference
        for row in ProjectReference.objects.using(pen.alias).filter(resource=resource, ref=ref):
            if row.holds_on(day):
                return {"reference_id": row.id}
    return None
