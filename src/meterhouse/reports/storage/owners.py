"""Whose files count? Everybody's, or those of some groups and users."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from meterhouse.usage.attribution import text


@dataclass(frozen=True, slots=True)
class Owners:
    """Groups and users, each (resource, name or number). An empty resource means all of them."""

    groups: frozenset[tuple[str, str]]
    users: frozenset[tuple[str, str]]

    @property
    def condition(self) -> str:
        """SQL over rows of a scan that say their group and user."""
        either = [*_any("group_name", "gid", self.groups), *_any("user_name", "uid", self.users)]
        return f"({' OR '.join(either)})" if either else "FALSE"


def _any(name: str, number: str, wanted: Collection[tuple[str, str]]) -> list[str]:
    by_resource: dict[str, list[str]] = {}
    for resource, one in sorted(wanted):
        by_resource.setdefault(resource, []).append(text(one))
    said = []
    for resource, names in by_resource.items():
        listed = ", ".join(names)
        there = f"resource = {text(resource)} AND " if resource else ""
        said.append(f"({there}({name} IN ({listed}) OR CAST({number} AS VARCHAR) IN ({listed})))")
    return said
