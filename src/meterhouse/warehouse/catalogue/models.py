"""What does the catalogue know? Snapshots, batches, data files, coverage windows and builds."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint


class SnapshotCounter(models.Model):
    """One row, locked by whoever makes a snapshot, so that numbers come in the order of commits.

    Without it a lower number could be committed after a higher one had been read, and what was
    read as of the higher one would change afterwards.
    """

    id = models.IntegerField(primary_key=True, default=1)
    number = models.BigIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [CheckConstraint(name="snapshot_counter_is_one_row", condition=Q(id=1))]


class Snapshot(models.Model):
    """A moment that can be read as of. Never changed, but that it may cease to be kept."""

    number = models.BigIntegerField(primary_key=True)
    created_at = models.DateTimeField()
    kind = models.CharField(max_length=16)  # land, build, compact, retain, directory
    kept = models.BooleanField(default=True)  # whether superseded derived files are still kept for it

    class Meta:
        constraints = [
            UniqueConstraint(name="snapshot_created_at_is_unique", fields=["created_at"]),
            CheckConstraint(
                name="snapshot_kind_is_known",
                condition=Q(kind__in=["land", "build", "compact", "retain", "directory"]),
            ),
            CheckConstraint(name="snapshot_number_is_positive", condition=Q(number__gte=1)),
        ]


class Batch(models.Model):
    """What one reading of a source delivered."""

    id = models.CharField(primary_key=True, max_length=64)
    content_key = models.CharField(max_length=64)
    source = models.CharField(max_length=200)
    resource = models.CharField(max_length=200)
    origin = models.TextField()
    recorded_at = models.DateTimeField()
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="batches")
    rows = models.BigIntegerField()
    rows_by_table = models.JSONField()  # raw table -> rows
    rejections = models.BigIntegerField()
    min_time = models.DateTimeField(null=True)
    max_time = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            UniqueConstraint(name="batch_content_key_is_unique", fields=["content_key"]),
            CheckConstraint(
                name="batch_counts_are_not_negative",
                condition=Q(rows__gte=0) & Q(rejections__gte=0),
            ),
            CheckConstraint(
                name="batch_times_are_in_order",
                condition=Q(min_time__isnull=True, max_time__isnull=True) | Q(min_time__lte=F("max_time")),
            ),
        ]
        indexes = [Index(name="batch_by_resource", fields=["resource", "source", "snapshot"])]


class DataFile(models.Model):
    """An immutable Parquet file of one table, and from which snapshot to which it is part of it.

    `first_snapshot` and `last_snapshot` are of the oldest and the newest batch in it; a compacted raw
    file holds several batches and says in its column `snapshot` to which each row belongs.
    """

    table = models.CharField(max_length=100)
    path = models.CharField(max_length=300)  # relative to the warehouse
    partition = models.CharField(max_length=100, default="", blank=True)
    batch = models.ForeignKey(Batch, null=True, on_delete=models.PROTECT, related_name="files")
    level = models.IntegerField(default=0)  # how often its rows have been compacted
    rows = models.BigIntegerField()
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    min_time = models.DateTimeField(null=True)
    max_time = models.DateTimeField(null=True)
    first_snapshot = models.BigIntegerField()
    last_snapshot = models.BigIntegerField()
    has_snapshot_column = models.BooleanField(default=False)
    added_snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="files_added")
    removed_snapshot = models.ForeignKey(
        Snapshot, null=True, on_delete=models.PROTECT, related_name="files_removed"
    )

    class Meta:
        constraints = [
            UniqueConstraint(name="data_file_path_is_unique", fields=["path"]),
            CheckConstraint(name="data_file_has_rows", condition=Q(rows__gte=1) & Q(bytes__gte=1)),
            CheckConstraint(
                name="data_file_times_are_in_order",
                condition=Q(min_time__isnull=True, max_time__isnull=True) | Q(min_time__lte=F("max_time")),
            ),
            CheckConstraint(
                name="data_file_snapshots_are_in_order",
                condition=Q(first_snapshot__lte=F("last_snapshot"))
                & Q(last_snapshot__lte=F("added_snapshot")),
            ),
            CheckConstraint(
                name="data_file_is_removed_after_added",
                condition=Q(removed_snapshot__isnull=True) | Q(removed_snapshot__gt=F("added_snapshot")),
            ),
            CheckConstraint(
                name="data_file_of_several_batches_says_which",
                condition=Q(first_snapshot=F("last_snapshot")) | Q(has_snapshot_column=True),
            ),
        ]
        indexes = [
            Index(
                name="data_file_live",
                fields=["table", "level"],
                condition=Q(removed_snapshot=None),
            ),
            Index(name="data_file_superseded", fields=["table", "removed_snapshot"]),
        ]


class CoverageWindow(models.Model):
    """One call for a window `[start, end)` of a source, and how it went."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="coverage")
    snapshot = models.BigIntegerField()  # of the batch: read as of it without a join
    source = models.CharField(max_length=200)
    resource = models.CharField(max_length=200)
    call = models.TextField()
    start = models.DateTimeField()
    end = models.DateTimeField()
    outcome = models.CharField(max_length=16)  # ok, empty, failed
    records = models.BigIntegerField()
    detail = models.TextField(blank=True)

    class Meta:
        constraints = [
            CheckConstraint(
                name="coverage_outcome_is_known",
                condition=Q(outcome__in=["ok", "empty", "failed"]),
            ),
            CheckConstraint(name="coverage_window_is_in_order", condition=Q(start__lte=F("end"))),
            CheckConstraint(name="coverage_records_are_not_negative", condition=Q(records__gte=0)),
            CheckConstraint(
                name="coverage_empty_has_no_records",
                condition=~Q(outcome="empty") | Q(records=0),
            ),
        ]
        indexes = [
            Index(name="coverage_by_resource", fields=["resource", "end"]),
            Index(name="coverage_by_end", fields=["end"]),
        ]


class Build(models.Model):
    """One run of the models. `previous` is unique: of two builders that started from one, one wins."""

    number = models.BigIntegerField(primary_key=True)
    previous = models.BigIntegerField()  # 0: there was none
    input_snapshot = models.BigIntegerField()
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="builds")
    models_key = models.CharField(max_length=200)

    class Meta:
        constraints = [
            UniqueConstraint(name="build_previous_is_unique", fields=["previous"]),
            CheckConstraint(name="build_comes_after_its_previous", condition=Q(previous__lt=F("number"))),
            CheckConstraint(
                name="build_input_precedes_it",
                condition=Q(input_snapshot__lt=F("snapshot")),
            ),
        ]
