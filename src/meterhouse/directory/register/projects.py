"""What is sponsored, and by whom is it done? The dated tree of projects, their members and their names."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from meterhouse.directory.register.institutions import FieldOfScience, ProjectLevel
from meterhouse.directory.register.people import Person
from meterhouse.directory.register.recorded import Dated, Recorded, dated, never_deleted
from meterhouse.register.constraints import PeriodsDoNotOverlap, RefusedWhen

PROTECT = models.PROTECT


class Project(Recorded):
    """What is sponsored: a node of the dated tree whose root is the whole centre (`is_root`).

    A project that has no parent on a day stands right below the root on that day.
    """

    code = models.CharField(max_length=255)  # what commands call it
    title = models.CharField(max_length=500, blank=True, default="")  # titles may repeat
    description = models.TextField(blank=True, default="")
    is_root = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)  # the first day on which it is over

    class Meta:
        constraints = [
            never_deleted("project"),
            UniqueConstraint(name="project_code_is_one_projects", fields=["code"]),
            UniqueConstraint(name="project_root_is_one", fields=["is_root"], condition=Q(is_root=True)),
            CheckConstraint(name="project_has_a_code", condition=~Q(code="")),
            CheckConstraint(
                name="project_starts_before_it_ends",
                condition=Q(start_date__isnull=True)
                | Q(end_date__isnull=True)
                | Q(start_date__lte=models.F("end_date")),
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.code


class ProjectParent(Dated):
    """Below which project a project stands. The parent on the day of use counts."""

    project = models.ForeignKey(Project, on_delete=PROTECT, related_name="parents")
    parent = models.ForeignKey(Project, on_delete=PROTECT, related_name="children")

    class Meta:
        constraints = [
            *dated("project_parent", "project"),
            RefusedWhen(
                name="project_parent_is_not_below_it",
                # Walks up from the parent with the period in which the whole way was there.
                condition="""EXISTS (
                    WITH RECURSIVE up(id, since, until) AS (
                        SELECT NEW.parent_id, COALESCE(NEW.valid_from, '0001-01-01'),
                            COALESCE(NEW.valid_until, '9999-12-31')
                        UNION
                        SELECT p.parent_id,
                            CASE WHEN p.valid_from > up.since THEN p.valid_from ELSE up.since END,
                            CASE WHEN p.valid_until < up.until THEN p.valid_until ELSE up.until END
                        FROM {table} AS p JOIN up ON p.project_id = up.id
                        WHERE p.id <> COALESCE(NEW.id, 0)
                            AND COALESCE(p.valid_from, '0001-01-01') < up.until
                            AND COALESCE(p.valid_until, '9999-12-31') > up.since
                    )
                    SELECT 1 FROM up WHERE id = NEW.project_id AND since < until
                )""",
            ),
            RefusedWhen(
                name="project_parent_leaves_the_root_at_the_top",
                condition="""EXISTS (
                    SELECT 1 FROM directory_project WHERE id = NEW.project_id AND is_root
                )""",
            ),
        ]


class ProjectField(Dated):
    """In which field of science a project works: one at a time."""

    project = models.ForeignKey(Project, on_delete=PROTECT, related_name="fields")
    field = models.ForeignKey(FieldOfScience, on_delete=PROTECT, related_name="projects")

    class Meta:
        constraints = dated("project_field", "project")


class ProjectMembership(Dated):
    """What a person is in a project. The PI is the leader; of several the primary contact."""

    person = models.ForeignKey(Person, on_delete=PROTECT, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=PROTECT, related_name="memberships")
    level = models.ForeignKey(ProjectLevel, null=True, blank=True, on_delete=PROTECT, related_name="members")
    is_leader = models.BooleanField(default=False)
    is_supervisor = models.BooleanField(default=False)
    is_primary_contact = models.BooleanField(default=False)
    is_default_project = models.BooleanField(default=False)

    class Meta:
        constraints = [
            *dated("project_membership", "person", "project"),
            PeriodsDoNotOverlap(
                name="project_membership_primary_contact_is_one",
                within=["project"],
                only=["is_primary_contact"],
            ),
            PeriodsDoNotOverlap(
                name="project_membership_default_project_is_one",
                within=["person"],
                only=["is_default_project"],
            ),
        ]


class ProjectReference(Dated):
    """What a project is called on a resource: the id under which its usage is recorded there."""

    KINDS = [
        ("cloud_project", "cloud project"),
        ("namespace", "namespace"),
        ("slurm_account", "Slurm account"),
        ("unix_group", "Unix group"),
        ("path", "path"),
    ]

    project = models.ForeignKey(Project, on_delete=PROTECT, related_name="references")
    resource = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=KINDS)
    matches = models.CharField(max_length=8, choices=[("id", "id"), ("name", "name")], default="id")
    ref = models.CharField(max_length=500)  # the id, or, where `matches` is "name", the project's name there
    name = models.CharField(max_length=500, blank=True, default="")  # what people read there

    class Meta:
        constraints = [
            *dated("project_reference", "resource", "matches", "ref"),
            CheckConstraint(
                name="project_reference_kind_is_known",
                condition=Q(kind__in=["cloud_project", "namespace", "slurm_account", "unix_group", "path"]),
            ),
            CheckConstraint(
                name="project_reference_matches_id_or_name", condition=Q(matches__in=["id", "name"])
            ),
            CheckConstraint(name="project_reference_is_complete", condition=~Q(ref="") & ~Q(resource="")),
        ]
        indexes = [models.Index(name="project_reference_by_ref", fields=["ref", "resource"])]

    def __str__(self) -> str:
        return f"{self.name or self.ref} on {self.resource}"
