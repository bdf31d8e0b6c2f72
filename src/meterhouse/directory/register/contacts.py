"""Whom does one ask? Points of contact with their roles and addresses."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from meterhouse.directory.register.institutions import Institution
from meterhouse.directory.register.people import Person
from meterhouse.directory.register.projects import Project, ProjectReference
from meterhouse.directory.register.recorded import Dated, Recorded, dated, never_deleted

PROTECT = models.PROTECT


class PostalAddress(Recorded):
    """Where letters and invoices go."""

    line1 = models.CharField(max_length=255)
    line2 = models.CharField(max_length=255, blank=True, default="")
    city = models.CharField(max_length=255, blank=True, default="")
    state = models.CharField(max_length=255, blank=True, default="")
    postal_code = models.CharField(max_length=40, blank=True, default="")
    country = models.CharField(max_length=255, blank=True, default="")

    class Meta:
        verbose_name_plural = "postal addresses"
        constraints = [
            never_deleted("postal_address"),
            CheckConstraint(name="postal_address_has_a_line", condition=~Q(line1="")),
        ]

    def __str__(self) -> str:
        return ", ".join(part for part in (self.line1, self.city, self.country) if part)


class ContactRole(Recorded):
    """What a point of contact is there for: billing authority, security ..."""

    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, default="")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            never_deleted("contact_role"),
            UniqueConstraint(name="contact_role_is_one_of_its_name", fields=["name"]),
            CheckConstraint(name="contact_role_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class PointOfContact(Dated):
    """Whom to ask in a role, for an institution, a project or a project on one resource: one of the three."""

    person = models.ForeignKey(Person, on_delete=PROTECT, related_name="contacts")
    role = models.ForeignKey(ContactRole, on_delete=PROTECT, related_name="contacts")
    address = models.ForeignKey(
        PostalAddress, null=True, blank=True, on_delete=PROTECT, related_name="contacts"
    )
    institution = models.ForeignKey(
        Institution, null=True, blank=True, on_delete=PROTECT, related_name="contacts"
    )
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=PROTECT, related_name="contacts")
    reference = models.ForeignKey(
        ProjectReference, null=True, blank=True, on_delete=PROTECT, related_name="contacts"
    )

    class Meta:
        verbose_name_plural = "points of contact"
        constraints = [
            *dated("point_of_contact", "person", "role")[:2],
            CheckConstraint(
                name="point_of_contact_is_for_one_thing",
                condition=Q(institution__isnull=False, project__isnull=True, reference__isnull=True)
                | Q(institution__isnull=True, project__isnull=False, reference__isnull=True)
                | Q(institution__isnull=True, project__isnull=True, reference__isnull=False),
            ),
        ]
