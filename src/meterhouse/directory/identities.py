"""What does an outside id mean, and when did its source last speak of it?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from meterhouse.directory.register.models import Identity

_AT_ONCE = 500


class Identities:
    """The identities of one source, and what the others say of the same ties."""

    def __init__(self, alias: str, source: str, now: datetime) -> None:
        self._alias, self._source, self._now = alias, source, now
        self._known: dict[tuple[str, str], Identity] = {}
        self._elsewhere: dict[tuple[str, str], list[Identity]] = {}
        for one in Identity.objects.using(alias).order_by("id"):
            if one.source == source:
                self._known[one.kind, one.external_id] = one
            else:
                self._elsewhere.setdefault((one.kind, one.external_id), []).append(one)
        self._seen: set[tuple[str, str]] = set()
        self._added: list[Identity] = []

    def get(self, kind: str, external_id: str) -> Identity | None:
        """What the source means by an id, if it was known before or in this run."""
        return self._known.get((kind, external_id))

    def see(self, kind: str, external_id: str, **means: Any) -> None:
        """The source speaks of it."""
        key = (kind, external_id)
        self._seen.add(key)
        known = self._known.get(key)
        if known is None:
            known = Identity(
                source=self._source,
                kind=kind,
                external_id=external_id,
                first_seen=self._now,
                last_seen=self._now,
                **means,
            )
            self._known[key] = known
            self._added.append(known)
            return
        for name, value in means.items():
            setattr(known, name, value)
        known.last_seen, known.missed_runs = self._now, 0

    def unseen(self, kinds: frozenset[str]) -> Iterator[Identity]:
        """Those of these kinds of which the source no longer speaks; each counts as missed once more."""
        for (kind, external_id), one in self._known.items():
            if kind in kinds and (kind, external_id) not in self._seen:
                one.missed_runs += 1
                yield one

    def is_seen(self, kind: str, external_id: str) -> bool:
        """Whether the source spoke of it in this run."""
        return (kind, external_id) in self._seen

    def said_elsewhere(self, kind: str, external_id: str, inactive_after: int) -> bool:
        """Whether another source speaks of the same tie."""
        others = self._elsewhere.get((kind, external_id), ())
        return any(one.missed_runs < inactive_after for one in others)

    def means_elsewhere(self, inactive_after: int, **what: int) -> bool:
        """Whether another source speaks of the same person or project, by its own id."""
        ((name, id_),) = what.items()
        kind = name.removesuffix("_id")
        return any(
            getattr(one, name) == id_ and one.kind == kind and one.missed_runs < inactive_after
            for others in self._elsewhere.values()
            for one in others
        )

    def write(self) -> None:
        """Keep what was seen and missed."""
        manager = Identity.objects.using(self._alias)
        added = {id(one) for one in self._added}
        before = [one for one in self._known.values() if id(one) not in added]
        manager.bulk_create(self._added, batch_size=_AT_ONCE)
        fields = ["last_seen", "missed_runs", "institution", "field", "person", "project"]
        manager.bulk_update(before, fields, batch_size=_AT_ONCE)
