"""What was asked for, and how far is it? A row for each report or export, and one for each schedule."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q

KINDS = [("report", "a report that people read"), ("export", "the data itself")]
STATES = [
    ("waiting", "nobody has begun it"),
    ("running", "it is being made"),
    ("done", "its file can be fetched"),
    ("failed", "it can't be made; `error` says why"),
]


class Work(models.Model):
    """A report or an export. Whoever makes it holds a claim, which ends unless it is renewed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="work")
    kind = models.CharField(max_length=10, choices=KINDS)
    parameters = models.JSONField()
    state = models.CharField(max_length=10, choices=STATES, default="waiting")
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)  # for the owner to read: never a trace or a path

    attempts = models.PositiveIntegerField(default=0)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)

    snapshot = models.BigIntegerField(null=True)  # of the warehouse, that it was made from
    seen = models.JSONField(default=dict)  # the rows that the owner could see when it was made
    file_name = models.CharField(max_length=200, blank=True)  # what a browser saves it as
    media_type = models.CharField(max_length=200, blank=True)
    size_bytes = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    kept_until = models.DateTimeField(null=True)  # then the file goes

    mail_to = models.CharField(max_length=320, blank=True)
    mail_attempts = models.PositiveIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True)
    mail_error = models.TextField(blank=True)
    mail_again_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            CheckConstraint(name="work_kind_is_known", condition=Q(kind__in=[name for name, _ in KINDS])),
            CheckConstraint(name="work_state_is_known", condition=Q(state__in=[name for name, _ in STATES])),
            CheckConstraint(
                name="work_runs_under_a_claim",
                condition=~Q(state="running") | Q(claim__isnull=False, claimed_until__isnull=False),
            ),
            CheckConstraint(
                name="work_is_done_when_there_is_a_checksum",
                condition=~Q(state="done") | (~Q(sha256="") & Q(ended_at__isnull=False)),
            ),
            CheckConstraint(name="work_that_failed_says_why", condition=~Q(state="failed") | ~Q(error="")),
        ]
        indexes = [
            models.Index(name="work_by_state", fields=["state", "asked_at"]),
            models.Index(name="work_by_owner", fields=["owner", "asked_at"]),
        ]

    @property
    def has_file(self) -> bool:
        """Whether there is still something to fetch."""
        return self.state == "done" and self.file_name != ""


class Schedule(models.Model):
    """A report that somebody gets each month, about the month before."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="schedules")
    parameters = models.JSONField()  # of the report, without its month
    day = models.PositiveSmallIntegerField()  # of the month, on the site's clock
    mail = models.BooleanField(default=False)
    made_at = models.DateTimeField()
    last_month = models.CharField(max_length=7, blank=True)  # the newest that was asked for, YYYY-MM

    class Meta:
        constraints = [
            CheckConstraint(name="schedule_day_is_in_every_month", condition=Q(day__gte=1) & Q(day__lte=28)),
        ]
