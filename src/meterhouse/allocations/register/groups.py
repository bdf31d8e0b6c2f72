"""Which Unix group belongs to whom? A group has one owner, and an owner one group (KEP 5, Group Parent)."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from meterhouse.directory.register.models import Institution, Project
from meterhouse.directory.register.recorded import Recorded, never_deleted

PROTECT = models.PROTECT


class OwnedGroup(Recorded):
    """A group of people; who is in it follows from its owner."""

    name = models.CharField(max_length=255)
    foreign_id = models.CharField(max_length=255, blank=True, default="")
    description = models.TextField(blank=True, default="")
    institution = models.OneToOneField(
        Institution, null=True, blank=True, on_delete=PROTECT, related_name="owned_group"
    )
    project = models.OneToOneField(
        Project, null=True, blank=True, on_delete=PROTECT, related_name="owned_group"
    )

    class Meta:
        constraints = [
            never_deleted("owned_group"),
            UniqueConstraint(name="owned_group_is_one_of_its_name", fields=["name"]),
            UniqueConstraint(
                name="owned_group_foreign_id_is_one_groups",
                fields=["foreign_id"],
                condition=~Q(foreign_id=""),
            ),
            CheckConstraint(name="owned_group_has_a_name", condition=~Q(name="")),
            CheckConstraint(
                name="owned_group_has_one_owner_at_most",
                condition=Q(institution__isnull=True) | Q(project__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name
