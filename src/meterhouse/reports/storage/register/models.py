"""What is kept of reports on file systems, and what did people decide? Usage by group and date; decisions."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from simple_history.models import HistoricalRecords


class GroupUsage(models.Model):
    """What a group used of a volume, as the group report of a date said it."""

    report_date = models.DateField()
    volume = models.CharField(max_length=64)
    pi = models.CharField(max_length=300, null=True)  # null: not known
    unix_group = models.CharField(max_length=255)  # the id where the name isn't known
    used_bytes = models.DecimalField(max_digits=38, decimal_places=0)
    quota_bytes = models.BigIntegerField(null=True)  # 0: no limit; null: not said
    last_modified_days = models.DecimalField(max_digits=12, decimal_places=1, null=True)
    archived_directory = models.TextField(null=True)
    is_own = models.BooleanField()  # whether the directory or the file of groups knows it
    scanned_at = models.DateTimeField()
    batch_id = models.CharField(max_length=64)  # the scan that it was made from

    class Meta:
        constraints = [
            UniqueConstraint(
                name="group_usage_is_one_a_date", fields=["report_date", "volume", "unix_group"]
            ),
            CheckConstraint(name="group_usage_is_not_negative", condition=Q(used_bytes__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.unix_group} on {self.volume}, {self.report_date}"


def _read_who(record: Any) -> str | None:
    return record.history_user_id  # type: ignore[no-any-return]


def _write_who(record: Any, who: str | None) -> None:
    record.history_user_id = who


class DirectoryDecision(models.Model):
    """What people decided about a directory of a project. It outlasts every scan; each change is kept."""

    volume = models.CharField(max_length=64)
    project = models.CharField(max_length=500)
    directory = models.CharField(max_length=500)  # "" is the whole project
    status = models.CharField(max_length=200, blank=True, default="")
    action = models.CharField(max_length=200, blank=True, default="")
    comment = models.TextField(blank=True, default="")

    # Who it was is a name, not a key: commands have no user account.
    history = HistoricalRecords(
        use_base_model_db=True,
        history_user_id_field=models.CharField(max_length=200, null=True),
        history_user_getter=_read_who,
        history_user_setter=_write_who,
    )

    class Meta:
        constraints = [
            UniqueConstraint(
                name="directory_decision_is_one_a_directory", fields=["volume", "project", "directory"]
            ),
            CheckConstraint(
                name="directory_decision_names_its_project", condition=~Q(project="") & ~Q(volume="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project}/{self.directory} on {self.volume}"
