"""Which questions and dashboards were kept, by whom, and who else may open them?"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

# How the days of a saved question move with the present one; "" keeps those that it was saved with.
MOVING = [
    ("", "these days"),
    ("this-month", "this month so far"),
    ("last-month", "the month before"),
    ("30-days", "the last 30 days"),
    ("12-months", "the last 12 months"),
]


class _Owned(models.Model):
    """Something of one account, which alone may change it. With a share key, who knows it may look."""

    title = models.CharField(max_length=200)
    made_at = models.DateTimeField()
    share_key = models.CharField(max_length=64, null=True, unique=True)  # null: not shared

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.title


class SavedQuestion(_Owned):
    """A question as it stands in the address of Explore, with its chart. It shows what its reader may see."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_questions"
    )
    address = models.TextField()
    moving = models.CharField(max_length=16, choices=MOVING, blank=True, default="")

    class Meta:
        constraints = [
            UniqueConstraint(name="saved_question_title_is_one_of_its_owner", fields=["owner", "title"]),
            CheckConstraint(name="saved_question_has_a_title", condition=~Q(title="")),
            CheckConstraint(
                name="saved_question_moving_is_known", condition=Q(moving__in=[name for name, _ in MOVING])
            ),
        ]


class Dashboard(_Owned):
    """Questions beside one another."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dashboards")

    class Meta:
        constraints = [
            UniqueConstraint(name="dashboard_title_is_one_of_its_owner", fields=["owner", "title"]),
            CheckConstraint(name="dashboard_has_a_title", condition=~Q(title="")),
        ]


class Panel(models.Model):
    """A question in its place on a dashboard."""

    dashboard = models.ForeignKey(Dashboard, on_delete=models.CASCADE, related_name="panels")
    question = models.ForeignKey(SavedQuestion, on_delete=models.CASCADE, related_name="panels")
    place = models.PositiveIntegerField()

    class Meta:
        constraints = [
            UniqueConstraint(name="panel_is_one_a_question", fields=["dashboard", "question"]),
        ]
