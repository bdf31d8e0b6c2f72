"""How does a program get all of a long answer? Page by page, all of one snapshot."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from meterhouse.web.api.problems import Problem

_NOT_THE_QUESTION = ("cursor", "limit", "format")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: so many rows into the answer as of a snapshot; None is the newest."""

    snapshot: int | None = None
    offset: int = 0


def asked_for(query: QueryDict) -> str:
    """What was asked, without how it is given: a cursor goes on with the same question only."""
    pairs = sorted((name, values) for name, values in query.lists() if name not in _NOT_THE_QUESTION)
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:16]


def cursor(place: Place, query: QueryDict) -> str:
    """A place as a program hands it back."""
    text = json.dumps([place.snapshot, place.offset, asked_for(query)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(text: str | None, query: QueryDict) -> Place:
    """The place that a cursor of the same question names; the beginning without one."""
    if not text:
        return Place()
    try:
        said: Any = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        snapshot, offset, question = said
        if not (type(snapshot) is int and type(offset) is int and 0 <= offset < 2**53 and snapshot >= 0):
            raise ValueError("not a place")
    except (ValueError, TypeError, RecursionError):
        raise Problem(400, "cursor: expected one that an answer gave as `next`") from None
    if question != asked_for(query):
        raise Problem(400, "cursor: expected the question that it was given for, found another one")
    return Place(snapshot, offset)
