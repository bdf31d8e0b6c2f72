"""Which row is meant by a name in a file? What the file itself brought, or what the register has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import models as django
from django.db.models import Q

from meterhouse.allocations.register import models as ledger
from meterhouse.directory.register import models as directory
from meterhouse.errors import MeterhouseError

Row = TypeVar("Row", bound=django.Model)


class UnknownName(MeterhouseError):
    """A name that neither the file nor the register knows, or that several rows have."""


class Names:
    """Finds rows by what files call them."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._found: dict[tuple[type[Any], str], Any] = {}

    def remember(self, row: Row, name: str) -> Row:
        """From now on `name` means this row."""
        self._found[type(row), name] = row
        return row

    def institution(self, name: str) -> directory.Institution:
        return self._find(directory.Institution, name, Q(name=name) | Q(short_name=name))

    def person(self, name: str) -> directory.Person:
        return self._find(directory.Person, name, Q(username=name))

    def project(self, name: str) -> directory.Project:
        return self._find(directory.Project, name, Q(code=name))

    def machine(self, name: str) -> ledger.Machine:
        return self._find(ledger.Machine, name, Q(name=name))

    def calendar(self, name: str) -> ledger.PeriodCalendar:
        return self._find(ledger.PeriodCalendar, name, Q(name=name))

    def resource_pool(self, name: str) -> ledger.ResourcePool:
        return self._find(ledger.ResourcePool, name, Q(name=name))

    def resource(self, name: str) -> ledger.Resource:
        return self._find(ledger.Resource, name, Q(code=name))

    def scheme(self, name: str) -> ledger.Scheme:
        return self._find(ledger.Scheme, name, Q(name=name))

    def grant(self, name: str) -> ledger.Grant:
        return self._find(ledger.Grant, name, Q(code=name))

    def period(self, name: str) -> ledger.AllocationPeriod:
        return self._find(ledger.AllocationPeriod, name, Q(name=name))

    def pool(self, name: str) -> ledger.AllocationPool:
        return self._find(ledger.AllocationPool, name, Q(code=name))

    def allocation(self, name: str) -> ledger.Allocation:
        return self._find(ledger.Allocation, name, Q(code=name))

    def optional(self, find: Callable[[str], Row], name: str | None) -> Row | None:
        """The row of a name that may be absent."""
        return find(name) if name is not None else None

    def _find(self, model: type[Row], name: str, means: Q) -> Row:
        if (model, name) not in self._found:
            rows = list(model._default_manager.using(self.alias).filter(means).order_by("pk")[:2])
            if len(rows) != 1:
                found = "none" if not rows else "several"
                raise UnknownName(f"{model._meta.verbose_name}: expected one called {name!r}, found {found}")
            self._found[model, name] = rows[0]
        return self._found[model, name]  # type: ignore[no-any-return]
