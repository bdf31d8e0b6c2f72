"""What did others tell, and under which number did we? Identities, imports and the exported hierarchy."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from meterhouse.directory.register.institutions import FieldOfScience, Institution
from meterhouse.directory.register.people import Person
from meterhouse.directory.register.projects import Project
from meterhouse.directory.register.recorded import never_deleted
from meterhouse.register.constraints import RefusedWhen

PROTECT = models.PROTECT


class Identity(models.Model):
    """What an outside system calls something of ours, and when it last spoke of it.

    `kind` is "institution", "field", "person" or "project", or a tie: "member" (of person and project),
    "reference" (of a project), "account" (of a person). `missed_runs` counts complete imports since.
    """

    source = models.CharField(max_length=200)
    kind = models.CharField(max_length=16)
    external_id = models.CharField(max_length=1200)
    institution = models.ForeignKey(Institution, null=True, on_delete=PROTECT, related_name="identities")
    field = models.ForeignKey(FieldOfScience, null=True, on_delete=PROTECT, related_name="identities")
    person = models.ForeignKey(Person, null=True, on_delete=PROTECT, related_name="identities")
    project = models.ForeignKey(Project, null=True, on_delete=PROTECT, related_name="identities")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    missed_runs = models.IntegerField(default=0)

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            never_deleted("identity"),
            UniqueConstraint(name="identity_means_one_thing", fields=["source", "kind", "external_id"]),
            CheckConstraint(
                name="identity_is_of_its_kind",
                condition=Q(kind="institution", institution__isnull=False)
                | Q(kind="field", field__isnull=False)
                | Q(kind__in=["person", "account"], person__isnull=False)
                | Q(kind__in=["project", "reference"], project__isnull=False)
                | Q(kind="member", person__isnull=False, project__isnull=False),
            ),
            CheckConstraint(name="identity_missed_runs_is_a_count", condition=Q(missed_runs__gte=0)),
            RefusedWhen(
                name="identity_never_means_another",
                on=("UPDATE",),
                # A tie may: an account or a reference passes to another owner.
                condition="""NEW.kind IN ('institution', 'field', 'person', 'project') AND (
                    COALESCE(NEW.institution_id, 0) <> COALESCE(OLD.institution_id, 0)
                    OR COALESCE(NEW.field_id, 0) <> COALESCE(OLD.field_id, 0)
                    OR COALESCE(NEW.person_id, 0) <> COALESCE(OLD.person_id, 0)
                    OR COALESCE(NEW.project_id, 0) <> COALESCE(OLD.project_id, 0))""",
            ),
        ]


class HierarchyNode(models.Model):
    """The number under which a branch of the exported hierarchy goes, for good. `key` says what it is."""

    number = models.BigIntegerField(primary_key=True)
    key = models.CharField(max_length=200)

    class Meta:
        constraints = [
            never_deleted("hierarchy_node"),
            UniqueConstraint(name="hierarchy_node_is_one_a_key", fields=["key"]),
            CheckConstraint(name="hierarchy_node_number_is_positive", condition=Q(number__gte=1)),
        ]


class DirectoryImport(models.Model):
    """One run of an import that was applied: from where, when, by whom, and what it changed."""

    source = models.CharField(max_length=200)
    run_at = models.DateTimeField()
    effective = models.DateField()  # the day from which its changes are true
    who = models.CharField(max_length=200)
    changes = models.JSONField()  # kind of change -> how many
    skipped = models.JSONField()  # reason -> how many
    batch_id = models.CharField(max_length=64, blank=True, default="")  # what was said, in the warehouse

    class Meta:
        constraints = [
            never_deleted("directory_import"),
            CheckConstraint(name="directory_import_names_its_source", condition=~Q(source="")),
        ]
        indexes = [models.Index(name="directory_import_by_source", fields=["source", "run_at"])]
