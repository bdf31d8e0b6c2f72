"""How does a change reach the register for certain? In one transaction, repeated while it is busy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import stamina
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)

Answer = TypeVar("Answer")

RETRY_SECONDS = 120.0
# PostgreSQL: serialization failure, deadlock, lock not available, shutdown, start-up, too many clients.
_TRANSIENT_STATES = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300"}
_TRANSIENT_WORDS = (
    "database is locked",
    "database table is locked",
    "database schema is locked",
    "busy",
)


def is_transient(error: Exception) -> bool:
    """Whether the same work may succeed when it is simply done again."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    if state is not None:
        return state in _TRANSIENT_STATES or state.startswith("08")
    message = str(error).lower()
    if any(word in message for word in _TRANSIENT_WORDS):
        return True
    # A connection that broke between two transactions has no state.
    return "server closed the connection" in message or "connection is closed" in message


def committed(alias: str, work: Callable[[], Answer]) -> Answer:
    """Do `work` in one transaction and return its answer when it is committed.

    A busy database, a deadlock or a lost connection lets it be done again, so `work` must start from
    what the register says, also when a lost answer leaves open whether the first go was committed.
    Inside an open transaction it simply becomes part of that.
    """
    if connections[alias].in_atomic_block:
        return work()

    def once() -> Answer:
        with transaction.atomic(using=alias):
            return work()

    return _repeated(alias, once)


def asked(alias: str, question: Callable[[], Answer]) -> Answer:
    """Ask the register something, again if it was briefly not to be reached."""
    if connections[alias].in_atomic_block:
        return question()
    return _repeated(alias, question)


def _repeated(alias: str, work: Callable[[], Answer]) -> Answer:
    for attempt in stamina.retry_context(
        on=is_transient,
        attempts=None,
        timeout=RETRY_SECONDS,
        wait_initial=0.01,
        wait_max=1.0,
        wait_jitter=0.1,
    ):
        with attempt:
            try:
                return work()
            except (OperationalError, InterfaceError):
                connections[alias].close_if_unusable_or_obsolete()
                raise
    raise AssertionError("stamina either returns or raises")
