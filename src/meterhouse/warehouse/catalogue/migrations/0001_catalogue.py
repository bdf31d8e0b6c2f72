"""Which tables does the catalogue begin with?"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField()),
                ("kind", models.CharField(max_length=16)),
                ("kept", models.BooleanField(default=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("created_at",), name="snapshot_created_at_is_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["land", "build", "compact", "retain"])),
                        name="snapshot_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="snapshot_number_is_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("content_key", models.CharField(max_length=64)),
                ("source", models.CharField(max_length=200)),
                ("resource", models.CharField(max_length=200)),
                ("origin", models.TextField()),
                ("recorded_at", models.DateTimeField()),
                ("rows", models.BigIntegerField()),
                ("rows_by_table", models.JSONField()),
                ("rejections", models.BigIntegerField()),
                ("min_time", models.DateTimeField(null=True)),
                ("max_time", models.DateTimeField(null=True)),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="catalogue.snapshot",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SnapshotCounter",
            fields=[
                ("id", models.IntegerField(default=1, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="snapshot_counter_is_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="CoverageWindow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("snapshot", models.BigIntegerField()),
                ("source", models.CharField(max_length=200)),
                ("resource", models.CharField(max_length=200)),
                ("call", models.TextField()),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                ("outcome", models.CharField(max_length=16)),
                ("records", models.BigIntegerField()),
                ("detail", models.TextField(blank=True)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coverage",
                        to="catalogue.batch",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["resource", "end"], name="coverage_by_resource"),
                    models.Index(fields=["end"], name="coverage_by_end"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["ok", "empty", "failed"])),
                        name="coverage_outcome_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("start__lte", models.F("end"))),
                        name="coverage_window_is_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("records__gte", 0)), name="coverage_records_are_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("outcome", "empty"), _negated=True), ("records", 0), _connector="OR"
                        ),
                        name="coverage_empty_has_no_records",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DataFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", models.CharField(max_length=100)),
                ("path", models.CharField(max_length=300)),
                ("partition", models.CharField(blank=True, default="", max_length=100)),
                ("level", models.IntegerField(default=0)),
                ("rows", models.BigIntegerField()),
                ("bytes", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("min_time", models.DateTimeField(null=True)),
                ("max_time", models.DateTimeField(null=True)),
                ("first_snapshot", models.BigIntegerField()),
                ("last_snapshot", models.BigIntegerField()),
                ("has_snapshot_column", models.BooleanField(default=False)),
                (
                    "batch",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="catalogue.batch",
                    ),
                ),
                (
                    "added_snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files_added",
                        to="catalogue.snapshot",
                    ),
                ),
                (
                    "removed_snapshot",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files_removed",
                        to="catalogue.snapshot",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("removed_snapshot", None)),
                        fields=["table", "level"],
                        name="data_file_live",
                    ),
                    models.Index(fields=["table", "removed_snapshot"], name="data_file_superseded"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("path",), name="data_file_path_is_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("rows__gte", 1), ("bytes__gte", 1)), name="data_file_has_rows"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("max_time__isnull", True), ("min_time__isnull", True)),
                            ("min_time__lte", models.F("max_time")),
                            _connector="OR",
                        ),
                        name="data_file_times_are_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("first_snapshot__lte", models.F("last_snapshot")),
                            ("last_snapshot__lte", models.F("added_snapshot")),
                        ),
                        name="data_file_snapshots_are_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("removed_snapshot__isnull", True),
                            ("removed_snapshot__gt", models.F("added_snapshot")),
                            _connector="OR",
                        ),
                        name="data_file_is_removed_after_added",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("first_snapshot", models.F("last_snapshot")),
                            ("has_snapshot_column", True),
                            _connector="OR",
                        ),
                        name="data_file_of_several_batches_says_which",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Build",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("previous", models.BigIntegerField()),
                ("input_snapshot", models.BigIntegerField()),
                ("models_key", models.CharField(max_length=200)),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="builds",
                        to="catalogue.snapshot",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("previous",), name="build_previous_is_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("previous__lt", models.F("number"))),
                        name="build_comes_after_its_previous",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("input_snapshot__lt", models.F("snapshot"))),
                        name="build_input_precedes_it",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(fields=["resource", "source", "snapshot"], name="batch_by_resource"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.UniqueConstraint(fields=("content_key",), name="batch_content_key_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(("rows__gte", 0), ("rejections__gte", 0)),
                name="batch_counts_are_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("max_time__isnull", True), ("min_time__isnull", True)),
                    ("min_time__lte", models.F("max_time")),
                    _connector="OR",
                ),
                name="batch_times_are_in_order",
            ),
        ),
    ]
