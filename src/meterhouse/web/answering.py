"""How is a question not worked out twice? Its answer is kept until something that it depends on changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar

import pyarrow as pa
from django.db.models import Max

from meterhouse.directory.dimensions import dimension_tables
from meterhouse.register.transactions import asked
from meterhouse.reports.questions import answer_question
from meterhouse.usage.answer import Answer
from meterhouse.usage.question import Question
from meterhouse.usage.tables import DERIVED_TABLES
from meterhouse.warehouse.catalogue.models import DataFile, Snapshot
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from meterhouse.warehouse.errors import FilesVanished
from meterhouse.web.serving import served_site

# What answers are read from, beside the directory.
_READ = (
    *DERIVED_TABLES,
    *("xdmod_name", "xdmod_hierarchy", "xdmod_group_hierarchy", "xdmod_cloud_project"),
    *("openstack_user", "openstack_project", "openstack_domain", "hypervisor"),
)
_ROWS = 400_000  # of all answers that are kept
_LONGEST = 40_000  # rows of one that is
Made = TypeVar("Made")


class Kept:
    """Things that are costly to make, by what they are made from; the least lately asked for goes first.

    Of several that ask for the same at once, one makes it and the others wait. `weigh` says how much of
    the room, `room` in all, a thing takes.
    """

    def __init__(self, room: int, weigh: Callable[[Any], int] = lambda made: 1) -> None:
        self._room = room
        self._weigh = weigh
        self._taken = 0
        self._held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is kept under `key`, made now where it isn't."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key][0]  # type: ignore[no-any-return]
            turn = self._making.setdefault(key, Lock())
        with turn:
            with self._lock:
                if key in self._held:
                    return self._held[key][0]  # type: ignore[no-any-return]
            try:
                made = make()
                self._keep(key, made)
            finally:
                with self._lock:
                    self._making.pop(key, None)
            return made

    def _keep(self, key: Hashable, made: Any) -> None:
        weight = self._weigh(made)
        if weight > self._room:
            return
        with self._lock:
            _, before = self._held.pop(key, (None, 0))
            self._held[key] = (made, weight)
            self._taken += weight - before
            while self._taken > self._room:
                _, (_, freed) = self._held.popitem(last=False)
                self._taken -= freed


_idle: list[DuckDBEngine] = []  # opening one, and handing it the dimensions, takes longer than most questions
_IDLE_ENGINES = 4


@contextmanager
def _engine() -> Iterator[DuckDBEngine]:
    """An engine that nobody else uses meanwhile; it is kept open for the next question if all went well."""
    try:
        engine = _idle.pop()
    except IndexError:
        engine = served_site().engine()
    try:
        yield engine
    except BaseException:
        engine.close()
        raise
    if len(_idle) < _IDLE_ENGINES:
        _idle.append(engine)
    else:
        engine.close()


class KeptForState:
    """Things that belong to one state of the site: they go, all at once, when there is another."""

    def __init__(self, room: int, weigh: Callable[[Any], int] = lambda made: 1) -> None:
        self._room = room
        self._weigh = weigh
        self._lock = Lock()
        self._state: Hashable = None
        self._kept = Kept(room, weigh)

    def get(self, state: Hashable, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is kept under `key` for this state, made now where it isn't."""
        with self._lock:
            if state != self._state:
                self._state, self._kept = state, Kept(self._room, self._weigh)
            kept = self._kept
        return kept.get(key, make)


_answers = Kept(_ROWS, lambda found: len(found.rows) + 50 if len(found.rows) <= _LONGEST else _ROWS + 1)
_dimensions = Kept(3)
_states = KeptForState(1000)
_snapshots = Kept(1000)


def answered(question: Question, as_of: int | datetime | None = None) -> Answer:
    """The answer to a question that is narrowed to what may be seen already."""
    try:
        return _answered(question, as_of)
    except FilesVanished:  # tidied away between looking and reading: now there is a newer state
        return _answered(question, as_of)


def _answered(question: Question, as_of: int | datetime | None) -> Answer:
    snapshot = served_site().warehouse.view(as_of).snapshot
    state = state_of(snapshot)

    def work_out() -> Answer:
        dimensions = dimensions_of(snapshot)
        with _engine() as engine:
            return answer_question(served_site(), question, snapshot, dimensions, engine)

    found = _answers.get((state, *_key(question)), work_out)
    return found if found.snapshot == snapshot else replace(found, snapshot=snapshot)


def dimensions_of(snapshot: int) -> dict[str, pa.Table]:
    """The tables of owners and names as known then."""

    def read() -> dict[str, pa.Table]:
        view = served_site().warehouse.view(snapshot)
        with served_site().engine() as engine, view.reading():
            return dimension_tables(view, engine)

    return _dimensions.get(state_of(snapshot), read)


def kept_for_state(name: str, make: Callable[[], Made], *of: Hashable) -> Made:
    """Something that pages work out of usage and directory as they are now."""
    return _states.get(present_state(), (name, *of), make)


def present_state() -> tuple[int, int]:
    """Different whenever usage or directory have changed."""
    return state_of(served_site().warehouse.view().snapshot)


def state_of(snapshot: int) -> tuple[int, int]:
    """The newest snapshots, up to this one, that changed usage and the directory: others answer the same."""
    return _snapshots.get(snapshot, lambda: _state_of(snapshot))


def _state_of(snapshot: int) -> tuple[int, int]:
    alias = served_site().register.alias
    files = DataFile.objects.using(alias).filter(table__in=_READ)
    directory = Snapshot.objects.using(alias).filter(kind="directory", number__lte=snapshot)

    def ask() -> tuple[int, int]:
        added = files.filter(added_snapshot__lte=snapshot).aggregate(last=Max("added_snapshot"))["last"]
        removed = files.filter(removed_snapshot__lte=snapshot).aggregate(last=Max("removed_snapshot"))["last"]
        return max(added or 0, removed or 0), directory.aggregate(last=Max("number"))["last"] or 0

    return asked(alias, ask)


def _key(question: Question) -> tuple[Hashable, ...]:
    return (
        question.realm.profile,
        question.realm.name,
        tuple(meter.name for meter in question.meters),
        question.first,
        question.last,
        question.period,
        tuple(grouping.name for grouping in question.groupings),
        tuple((grouping.name, grouping.label, values) for grouping, values in question.filters),
    )
