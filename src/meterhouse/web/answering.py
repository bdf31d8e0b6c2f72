"""How is a question not worked out twice? Its answer is kept until something that it depends on changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

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
from meterhouse.web import kept, present
from meterhouse.web.serving import served_site
from meterhouse.web.turns import Turns, due

# What answers are read from, beside the directory.
_READ = (
    *DERIVED_TABLES,
    *("xdmod_name", "xdmod_hierarchy", "xdmod_group_hierarchy", "xdmod_cloud_project"),
    *("openstack_user", "openstack_project", "openstack_domain", "hypervisor"),
)
Made = TypeVar("Made")


_idle: list[DuckDBEngine] = []  # opening one, and handing it the dimensions, takes longer than most questions
_AT_ONCE = 2  # questions worked out by one process; its other threads answer what is kept
_turns = Turns(_AT_ONCE)


@contextmanager
def _engine(days: int) -> Iterator[DuckDBEngine]:
    """An engine that nobody else uses meanwhile; it is kept open for the next question if all went well.

    It is for a question over so many days.
    """
    with _turns.turn(due(days)):
        try:
            engine = _idle.pop()
        except IndexError:
            engine = served_site().engine()
        try:
            yield engine
        except BaseException:
            engine.close()
            raise
        _idle.append(engine)  # never more than there are turns


def answered(question: Question, as_of: int | datetime | None = None) -> Answer:
    """The answer to a question that is narrowed to what may be seen already."""
    try:
        return _answered(question, as_of)
    except FilesVanished:  # tidied away between looking and reading: now there is a newer state
        present.look_again()
        return _answered(question, as_of)


def _answered(question: Question, as_of: int | datetime | None) -> Answer:
    snapshot = present.view(as_of).snapshot
    state = state_of(snapshot)

    def work_out() -> Answer:
        dimensions = dimensions_of(snapshot)
        with _engine((question.last - question.first).days) as engine:
            return answer_question(served_site(), question, snapshot, dimensions, engine)

    found = kept.ANSWERS.get((state, *_key(question)), work_out)
    return found if found.snapshot == snapshot else replace(found, snapshot=snapshot)


def dimensions_of(snapshot: int) -> dict[str, pa.Table]:
    """The tables of owners and names as known then."""

    def read() -> dict[str, pa.Table]:
        view = served_site().warehouse.view(snapshot)
        with served_site().engine() as engine, view.reading():
            return dimension_tables(view, engine)

    return kept.DIMENSIONS.get(state_of(snapshot), read)


def kept_for_directory(name: str, make: Callable[[], Made], *of: Hashable) -> Made:
    """Something that pages work out of the directory alone as it is now: a build leaves it as it is."""
    return kept.OF_DIRECTORY.get(present_directory(), (name, *of), make)


def present_directory() -> int:
    """Different whenever the directory has changed."""
    return present_state()[1]


def present_state() -> tuple[int, int]:
    """Different whenever usage or directory have changed."""
    return state_of(present.view().snapshot)


def state_of(snapshot: int) -> tuple[int, int]:
    """The newest snapshots, up to this one, that changed usage and the directory: others answer the same."""
    return kept.STATES.get(snapshot, lambda: _state_of(snapshot))


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
