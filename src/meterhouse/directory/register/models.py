"""Who is there, and what ties them since when? Institutions, people, projects and their dated relations.

Ids are surrogates and never used again; names may repeat. What ties two things is dated, half-open
`[valid_from, valid_until)`, in days of the site. Nothing is deleted, and each change is kept with who,
when, before and after: rows say what was true when, their history says what was known when.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from meterhouse.directory.register.recorded import Dated, Recorded, dated, never_deleted
from meterhouse.register.constraints import PeriodsDoNotOverlap, RefusedWhen

PROTECT = models.PROTECT

# The whole, in the units of a share: 100 % are a million.
WHOLE = 1_000_000


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


class Person(Recorded):
    """A human being. `username` is the site-wide name of who has one, and then one person's alone."""

    username = models.CharField(max_length=255, blank=True, default="")
    first_name = models.CharField(max_length=255, blank=True, default="")
    last_name = models.CharField(max_length=255, blank=True, default="")
    email = models.CharField(max_length=320, blank=True, default="")
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "people"
        constraints = [
            never_deleted("person"),
            UniqueConstraint(
                name="person_username_is_one_persons", fields=["username"], condition=~Q(username="")
            ),
            CheckConstraint(
                name="person_is_called_something",
                condition=~Q(username="") | ~Q(last_name="") | ~Q(email=""),
            ),
        ]
        indexes = [models.Index(name="person_by_email", fields=["email"])]

    def __str__(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or (
            self.username or self.email
        )


class PersonAffiliation(Dated):
    """To which institution a person belongs, how far they are and in which field: one at a time."""

    person = models.ForeignKey(Person, on_delete=PROTECT, related_name="affiliations")
    institution = models.ForeignKey(
        Institution, null=True, blank=True, on_delete=PROTECT, related_name="people"
    )
    career_level = models.ForeignKey(
        CareerLevel, null=True, blank=True, on_delete=PROTECT, related_name="people"
    )
    field = models.ForeignKey(FieldOfScience, null=True, blank=True, on_delete=PROTECT, related_name="people")

    class Meta:
        constraints = dated("person_affiliation", "person")


class Account(Dated):
    """What a person is called on a resource; an empty resource means all of them.

    `ref` is the source's user id, or, where `matches` is "name", the user name that records carry.
    """

    person = models.ForeignKey(Person, on_delete=PROTECT, related_name="accounts")
    resource = models.CharField(max_length=200, blank=True, default="")
    matches = models.CharField(max_length=8, choices=[("id", "id"), ("name", "name")], default="id")
    ref = models.CharField(max_length=500)

    class Meta:
        constraints = [
            *dated("account", "resource", "matches", "ref"),
            CheckConstraint(name="account_matches_id_or_name", condition=Q(matches__in=["id", "name"])),
            CheckConstraint(name="account_ref_is_not_empty", condition=~Q(ref="")),
            RefusedWhen(
                name="account_stays_with_its_person",
                on=("UPDATE",),
                condition="NEW.person_id <> OLD.person_id",
            ),
        ]
        indexes = [models.Index(name="account_by_ref", fields=["ref", "resource"])]

    def __str__(self) -> str:
        return f"{self.ref} on {self.resource or 'every resource'}"


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


class FundingSplit(Dated):
    """Who funds a project, in which shares: one split at a time. Counts once it is complete."""

    project = models.ForeignKey(Project, on_delete=PROTECT, related_name="funding_splits")
    is_complete = models.BooleanField(default=False)

    class Meta:
        constraints = [
            *dated("funding_split", "project"),
            RefusedWhen(
                name="funding_split_adds_up_to_the_whole",
                condition=f"""NEW.is_complete AND {WHOLE} <> (
                    SELECT COALESCE(SUM(s.millionths), 0) FROM directory_institutionshare AS s
                    WHERE s.split_id = NEW.id
                )""",
                on=("INSERT", "UPDATE"),
            ),
            RefusedWhen(
                name="funding_split_stays_complete",
                condition="OLD.is_complete AND NOT NEW.is_complete",
                on=("UPDATE",),
            ),
        ]


class InstitutionShare(Recorded):
    """An institution's part of a funding split, in millionths: 250,000 are 25 %."""

    split = models.ForeignKey(FundingSplit, on_delete=PROTECT, related_name="shares")
    institution = models.ForeignKey(Institution, on_delete=PROTECT, related_name="shares")
    millionths = models.IntegerField()

    class Meta:
        constraints = [
            never_deleted("institution_share"),
            UniqueConstraint(name="institution_share_is_one_a_split", fields=["split", "institution"]),
            CheckConstraint(
                name="institution_share_is_a_part_of_the_whole",
                condition=Q(millionths__gte=1, millionths__lte=WHOLE),
            ),
            RefusedWhen(
                name="institution_share_of_a_complete_split_stays",
                condition="""EXISTS (
                    SELECT 1 FROM directory_fundingsplit AS f WHERE f.id = NEW.split_id AND f.is_complete
                )""",
            ),
        ]

    @property
    def percent(self) -> Decimal:
        """The share in per cent, exactly."""
        return Decimal(self.millionths).scaleb(-4)


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
