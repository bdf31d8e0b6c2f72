"""Who funds and employs, and by which names are things sorted? Institutions, fields of science, levels."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from meterhouse.directory.register.recorded import Recorded, never_deleted
from meterhouse.register.constraints import RefusedWhen

PROTECT = models.PROTECT


class Institution(Recorded):
    """A university, company or department that funds projects and employs people. Names may repeat."""

    name = models.CharField(max_length=500)
    short_name = models.CharField(max_length=100, blank=True, default="")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            never_deleted("institution"),
            CheckConstraint(name="institution_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class InstitutionDomain(Recorded):
    """An e-mail domain whose people belong to an institution; of several the longest that fits counts."""

    institution = models.ForeignKey(Institution, on_delete=PROTECT, related_name="domains")
    domain = models.CharField(max_length=255)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            never_deleted("institution_domain"),
            UniqueConstraint(
                name="institution_domain_is_of_one_institution",
                fields=["domain"],
                condition=Q(is_active=True),
            ),
            CheckConstraint(name="institution_domain_is_not_empty", condition=~Q(domain="")),
        ]

    def __str__(self) -> str:
        return self.domain


class FieldOfScience(Recorded):
    """A field of science; a field may be part of a wider one."""

    name = models.CharField(max_length=500)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=PROTECT, related_name="parts")
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "fields of science"
        constraints = [
            never_deleted("field_of_science"),
            UniqueConstraint(name="field_of_science_is_one_of_its_name", fields=["name", "parent"]),
            UniqueConstraint(
                name="field_of_science_at_the_top_is_one_of_its_name",
                fields=["name"],
                condition=Q(parent__isnull=True),
            ),
            CheckConstraint(name="field_of_science_has_a_name", condition=~Q(name="")),
            RefusedWhen(
                name="field_of_science_is_not_part_of_itself",
                condition="""EXISTS (
                    WITH RECURSIVE wider(id) AS (
                        SELECT NEW.parent_id
                        UNION SELECT f.parent_id FROM {table} AS f JOIN wider ON f.id = wider.id
                    )
                    SELECT 1 FROM wider WHERE id = NEW.id
                )""",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CareerLevel(Recorded):
    """How far a person is: undergraduate, doctoral student, postdoc, faculty ..."""

    name = models.CharField(max_length=255)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            never_deleted("career_level"),
            UniqueConstraint(name="career_level_is_one_of_its_name", fields=["name"]),
            CheckConstraint(name="career_level_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class ProjectLevel(Recorded):
    """What a person is in a project: student, collaborator ..."""

    name = models.CharField(max_length=255)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            never_deleted("project_level"),
            UniqueConstraint(name="project_level_is_one_of_its_name", fields=["name"]),
            CheckConstraint(name="project_level_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name
