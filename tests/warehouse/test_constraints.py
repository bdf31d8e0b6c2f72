"""Does the database itself refuse what must never be? One case for each named constraint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from warehouse_examples import FIRST, key

from meterhouse.register.database import Register
from meterhouse.warehouse.catalogue.models import (
    Batch,
    Build,
    CoverageWindow,
    DataFile,
    Snapshot,
    SnapshotCounter,
)

LATER = FIRST + timedelta(seconds=1)


def snapshot(number: int = 3, **changed: Any) -> Snapshot:
    return Snapshot(
        **{"number": number, "created_at": FIRST + timedelta(days=number), "kind": "land", **changed}
    )


def batch(**changed: Any) -> Batch:
    valid = {
        "id": "another",
        "content_key": key(2),
        "source": "file",
        "resource": "cloud",
        "origin": "events.json",
        "recorded_at": FIRST,
        "snapshot_id": 2,
        "rows": 0,
        "rows_by_table": {},
        "rejections": 0,
    }
    return Batch(**{**valid, **changed})


def data_file(**changed: Any) -> DataFile:
    valid = {
        "table": "openstack_event",
        "path": "openstack_event/another.parquet",
        "rows": 1,
        "bytes": 1,
        "sha256": key(0),
        "first_snapshot": 1,
        "last_snapshot": 1,
        "added_snapshot_id": 1,
    }
    return DataFile(**{**valid, **changed})


def coverage(**changed: Any) -> CoverageWindow:
    valid = {
        "batch_id": "present",
        "snapshot": 1,
        "source": "file",
        "resource": "cloud",
        "call": "events",
        "start": FIRST,
        "end": LATER,
        "outcome": "ok",
        "records": 1,
    }
    return CoverageWindow(**{**valid, **changed})


def build(**changed: Any) -> Build:
    return Build(**{"number": 2, "previous": 1, "input_snapshot": 1, "snapshot_id": 2, **changed})


# constraint -> a row that breaks this one only
VIOLATIONS: dict[str, Callable[[], Any]] = {
    "snapshot_counter_is_one_row": lambda: SnapshotCounter(id=2, number=0, created_at=FIRST),
    "snapshot_created_at_is_unique": lambda: snapshot(created_at=FIRST + timedelta(days=1)),
    "snapshot_kind_is_known": lambda: snapshot(kind="guess"),
    "snapshot_number_is_positive": lambda: snapshot(0),
    "batch_content_key_is_unique": lambda: batch(content_key=key(1)),
    "batch_counts_are_not_negative": lambda: batch(rejections=-1),
    "batch_times_are_in_order": lambda: batch(min_time=LATER, max_time=FIRST),
    "data_file_path_is_unique": lambda: data_file(path="openstack_event/present.parquet"),
    "data_file_has_rows": lambda: data_file(rows=0),
    "data_file_times_are_in_order": lambda: data_file(min_time=LATER, max_time=FIRST),
    "data_file_snapshots_are_in_order": lambda: data_file(first_snapshot=2, last_snapshot=2),
    "data_file_is_removed_after_added": lambda: data_file(removed_snapshot_id=1),
    "data_file_of_several_batches_says_which": lambda: data_file(last_snapshot=2, added_snapshot_id=2),
    "coverage_outcome_is_known": lambda: coverage(outcome="perhaps"),
    "coverage_window_is_in_order": lambda: coverage(start=LATER, end=FIRST),
    "coverage_records_are_not_negative": lambda: coverage(records=-1),
    "coverage_empty_has_no_records": lambda: coverage(outcome="empty"),
    "build_previous_is_unique": lambda: build(previous=0),
    "build_comes_after_its_previous": lambda: build(previous=2),
    "build_input_precedes_it": lambda: build(input_snapshot=2),
}


@pytest.fixture
def alias(register: Register) -> str:
    """A catalogue of two snapshots, one batch, one file and one build."""
    present = [
        snapshot(1),
        snapshot(2, kind="build"),
        batch(id="present", content_key=key(1), snapshot_id=1),
        data_file(path="openstack_event/present.parquet"),
        coverage(),
        build(number=1, previous=0),
    ]
    for row in present:
        row.save(using=register.alias, force_insert=True)
    return register.alias


def test_every_named_constraint_has_a_case_here() -> None:
    named = {
        constraint.name
        for model in apps.get_app_config("catalogue").get_models()
        for constraint in model._meta.constraints
    }
    assert named == set(VIOLATIONS)


def test_rows_as_they_should_be_are_taken(alias: str) -> None:
    for row in (snapshot(), batch(), data_file(), coverage(), build(snapshot_id=2, input_snapshot=1)):
        row.save(using=alias, force_insert=True)


def test_what_breaks_a_constraint_is_refused_by_its_name(alias: str) -> None:
    for name, row in VIOLATIONS.items():
        with pytest.raises(IntegrityError) as refused, transaction.atomic(using=alias):
            row().save(using=alias, force_insert=True)
        message = str(refused.value)
        # SQLite names the columns of a unique constraint, not the constraint.
        assert name in message or "UNIQUE constraint failed" in message, (name, message)
