"""Does the database itself refuse what must never be in the directory? One case for each named constraint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.apps import apps
from django.core.management.color import no_style
from django.db import IntegrityError, connections, models, transaction

from meterhouse.directory.register.models import (
    WHOLE,
    Account,
    CareerLevel,
    ContactRole,
    DirectoryImport,
    FieldOfScience,
    FundingSplit,
    HierarchyNode,
    Identity,
    Institution,
    InstitutionDomain,
    InstitutionShare,
    Person,
    PersonAffiliation,
    PointOfContact,
    PostalAddress,
    Project,
    ProjectField,
    ProjectLevel,
    ProjectMembership,
    ProjectParent,
    ProjectReference,
)
from meterhouse.directory.register.recorded import NothingIsDeleted
from meterhouse.register.database import Register

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
NOW = datetime(2026, 3, 1, tzinfo=UTC)

# Ids of what is there: institution 1, fields 1 and 2 (2 within 1), levels 1, people 1 and 2, projects
# 101, 102 (below 101) and 103, and of each dated table one row that is true since March.
PRESENT: list[Callable[[], models.Model]] = [
    lambda: Institution(id=1, name="Northfield"),
    lambda: InstitutionDomain(id=1, institution_id=1, domain="north.edu"),
    lambda: FieldOfScience(id=1, name="Science"),
    lambda: FieldOfScience(id=2, name="Physics", parent_id=1),
    lambda: CareerLevel(id=1, name="Professor"),
    lambda: ProjectLevel(id=1, name="Student"),
    lambda: Person(id=1, username="ada", last_name="Oka"),
    lambda: Person(id=2, username="bea", last_name="Ruiz"),
    lambda: PersonAffiliation(id=1, person_id=1, institution_id=1, valid_from=MARCH),
    lambda: Account(id=1, person_id=1, resource="cloud", matches="id", ref="u1", valid_from=MARCH),
    lambda: Project(id=101, code="ocean"),
    lambda: Project(id=102, code="tides"),
    lambda: Project(id=103, code="waves"),
    lambda: ProjectParent(id=1, project_id=102, parent_id=101, valid_from=MARCH),
    lambda: ProjectField(id=1, project_id=101, field_id=1, valid_from=MARCH),
    lambda: ProjectMembership(id=1, person_id=1, project_id=101, is_leader=True, is_primary_contact=True,
                              is_default_project=True, valid_from=MARCH),
    lambda: ProjectReference(id=1, project_id=101, resource="cloud", kind="cloud_project", ref="p1",
                             valid_from=MARCH),
    lambda: FundingSplit(id=1, project_id=101, valid_from=MARCH),
    lambda: InstitutionShare(id=1, split_id=1, institution_id=1, millionths=WHOLE),
    lambda: PostalAddress(id=1, line1="1 Quay"),
    lambda: ContactRole(id=1, name="billing"),
    lambda: PointOfContact(id=1, person_id=1, role_id=1, project_id=101, valid_from=MARCH),
    lambda: Identity(id=1, source="portal", kind="person", external_id="7", person_id=1,
                     first_seen=NOW, last_seen=NOW),
    lambda: HierarchyNode(number=3, key="institution:1"),
    lambda: DirectoryImport(id=1, source="portal", run_at=NOW, effective=MARCH, who="ada", changes={},
                            skipped={}),
]  # fmt: skip

WHOLE_ROWS = {"split_id": 1, "institution_id": 1}
DATED: dict[str, Callable[..., models.Model]] = {
    "person_affiliation": lambda **days: PersonAffiliation(person_id=1, **days),
    "account": lambda **days: Account(person_id=2, resource="cloud", matches="id", ref="u1", **days),
    "project_parent": lambda **days: ProjectParent(project_id=102, parent_id=103, **days),
    "project_field": lambda **days: ProjectField(project_id=101, field_id=2, **days),
    "project_membership": lambda **days: ProjectMembership(person_id=1, project_id=101, **days),
    "project_reference": lambda **days: ProjectReference(
        project_id=102, resource="cloud", kind="namespace", ref="p1", **days
    ),
    "funding_split": lambda **days: FundingSplit(project_id=101, **days),
}
TABLES: dict[str, type[models.Model]] = {
    "institution": Institution,
    "institution_domain": InstitutionDomain,
    "field_of_science": FieldOfScience,
    "career_level": CareerLevel,
    "project_level": ProjectLevel,
    "person": Person,
    "person_affiliation": PersonAffiliation,
    "account": Account,
    "project": Project,
    "project_parent": ProjectParent,
    "project_field": ProjectField,
    "project_membership": ProjectMembership,
    "project_reference": ProjectReference,
    "funding_split": FundingSplit,
    "institution_share": InstitutionShare,
    "postal_address": PostalAddress,
    "contact_role": ContactRole,
    "point_of_contact": PointOfContact,
    "identity": Identity,
    "hierarchy_node": HierarchyNode,
    "directory_import": DirectoryImport,
}


def entered(row: models.Model) -> Callable[[str], None]:
    return lambda alias: row.save(using=alias, force_insert=True)


def changed(model: type[models.Model], id_: int, **values: Any) -> Callable[[str], None]:
    def change(alias: str) -> None:
        model._default_manager.using(alias).filter(pk=id_).update(**values)

    return change


def deleted(model: type[models.Model]) -> Callable[[str], None]:
    def delete(alias: str) -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")

    return delete


def in_turn(*works: Callable[[str], None]) -> Callable[[str], None]:
    def work(alias: str) -> None:
        for one in works:
            one(alias)

    return work


# constraint -> what breaks it
VIOLATIONS: dict[str, Callable[[str], None]] = {
    **{f"{table}_is_never_deleted": deleted(model) for table, model in TABLES.items()},
    **{f"{table}_is_one_at_a_time": entered(row(valid_from=APRIL)) for table, row in DATED.items()},
    **{
        f"{table}_starts_before_it_ends": entered(
            row(valid_from=date(2025, 2, 1), valid_until=date(2025, 1, 1))
        )
        for table, row in DATED.items()
    },
    "point_of_contact_starts_before_it_ends": entered(
        PointOfContact(person_id=1, role_id=1, project_id=101, valid_from=MAY, valid_until=APRIL)
    ),
    "institution_has_a_name": entered(Institution(name="")),
    "institution_domain_is_of_one_institution": entered(
        InstitutionDomain(institution_id=1, domain="north.edu")
    ),
    "institution_domain_is_not_empty": entered(InstitutionDomain(institution_id=1, domain="")),
    "field_of_science_is_one_of_its_name": entered(FieldOfScience(name="Physics", parent_id=1)),
    "field_of_science_at_the_top_is_one_of_its_name": entered(FieldOfScience(name="Science")),
    "field_of_science_has_a_name": entered(FieldOfScience(name="")),
    "field_of_science_is_not_part_of_itself": changed(FieldOfScience, 1, parent_id=2),
    "career_level_is_one_of_its_name": entered(CareerLevel(name="Professor")),
    "career_level_has_a_name": entered(CareerLevel(name="")),
    "project_level_is_one_of_its_name": entered(ProjectLevel(name="Student")),
    "project_level_has_a_name": entered(ProjectLevel(name="")),
    "person_username_is_one_persons": entered(Person(username="ada", last_name="Other")),
    "person_is_called_something": entered(Person()),
    "account_matches_id_or_name": entered(Account(person_id=1, matches="guess", ref="x")),
    "account_ref_is_not_empty": entered(Account(person_id=1, ref="")),
    "account_stays_with_its_person": changed(Account, 1, person_id=2),
    "project_code_is_one_projects": entered(Project(code="ocean")),
    "project_root_is_one": entered(Project(code="another", is_root=True)),
    "project_has_a_code": entered(Project(code="")),
    "project_starts_before_it_ends": entered(Project(code="x", start_date=MAY, end_date=APRIL)),
    "project_parent_is_not_below_it": entered(ProjectParent(project_id=101, parent_id=102)),
    "project_parent_leaves_the_root_at_the_top": lambda alias: entered(
        ProjectParent(project_id=Project.objects.using(alias).get(is_root=True).id, parent_id=103)
    )(alias),
    "project_membership_primary_contact_is_one": entered(
        ProjectMembership(person_id=2, project_id=101, is_primary_contact=True, valid_from=MAY)
    ),
    "project_membership_default_project_is_one": entered(
        ProjectMembership(person_id=1, project_id=103, is_default_project=True, valid_from=MAY)
    ),
    "project_reference_kind_is_known": entered(
        ProjectReference(project_id=101, resource="cloud", kind="guess", ref="x")
    ),
    "project_reference_matches_id_or_name": entered(
        ProjectReference(project_id=101, resource="cloud", kind="path", matches="guess", ref="x")
    ),
    "project_reference_is_complete": entered(
        ProjectReference(project_id=101, resource="cloud", kind="path", ref="")
    ),
    "funding_split_adds_up_to_the_whole": in_turn(
        changed(InstitutionShare, 1, millionths=WHOLE - 1), changed(FundingSplit, 1, is_complete=True)
    ),
    "funding_split_stays_complete": in_turn(
        changed(FundingSplit, 1, is_complete=True), changed(FundingSplit, 1, is_complete=False)
    ),
    "institution_share_is_one_a_split": entered(InstitutionShare(**WHOLE_ROWS, millionths=1)),
    "institution_share_is_a_part_of_the_whole": changed(InstitutionShare, 1, millionths=0),
    "institution_share_of_a_complete_split_stays": in_turn(
        changed(FundingSplit, 1, is_complete=True), changed(InstitutionShare, 1, millionths=5)
    ),
    "postal_address_has_a_line": entered(PostalAddress(line1="")),
    "contact_role_is_one_of_its_name": entered(ContactRole(name="billing")),
    "contact_role_has_a_name": entered(ContactRole(name="")),
    "point_of_contact_is_for_one_thing": entered(
        PointOfContact(person_id=1, role_id=1, project_id=101, institution_id=1)
    ),
    "identity_means_one_thing": entered(
        Identity(source="portal", kind="person", external_id="7", person_id=2, first_seen=NOW, last_seen=NOW)
    ),
    "identity_is_of_its_kind": entered(
        Identity(source="portal", kind="project", external_id="8", person_id=2, first_seen=NOW, last_seen=NOW)
    ),
    "identity_missed_runs_is_a_count": changed(Identity, 1, missed_runs=-1),
    "identity_never_means_another": changed(Identity, 1, person_id=2),
    "hierarchy_node_is_one_a_key": entered(HierarchyNode(number=4, key="institution:1")),
    "hierarchy_node_number_is_positive": entered(HierarchyNode(number=0, key="x")),
    "directory_import_names_its_source": entered(
        DirectoryImport(source="", run_at=NOW, effective=MARCH, who="a", changes={}, skipped={})
    ),
}


@pytest.fixture
def alias(register: Register) -> str:
    for row in PRESENT:
        row().save(using=register.alias, force_insert=True)
    connection = connections[register.alias]
    with connection.cursor() as cursor:  # so that new rows don't take these ids
        for sql in connection.ops.sequence_reset_sql(no_style(), list(TABLES.values())):
            cursor.execute(sql)
    return register.alias


def test_every_named_constraint_has_a_case_here() -> None:
    named = {
        constraint.name
        for model in apps.get_app_config("directory").get_models()
        for constraint in model._meta.constraints
    }
    assert named == set(VIOLATIONS)


def test_what_breaks_a_constraint_is_refused_by_its_name(alias: str) -> None:
    for name, violate in VIOLATIONS.items():
        with pytest.raises(IntegrityError) as refused, transaction.atomic(using=alias):
            violate(alias)
        message = str(refused.value)
        # SQLite names the columns of a unique constraint, not the constraint.
        assert name in message or "UNIQUE constraint failed" in message, (name, message)


def test_what_follows_or_never_was_does_not_overlap(alias: str) -> None:
    """Half-open: the day on which one ends is the first of the next. Equal ends are no days at all."""
    changed(PersonAffiliation, 1, valid_until=APRIL)(alias)
    entered(PersonAffiliation(person_id=1, valid_from=APRIL))(alias)
    entered(PersonAffiliation(person_id=1, valid_from=MAY, valid_until=MAY))(alias)
    entered(PersonAffiliation(person_id=1, valid_until=MARCH))(alias)


def test_a_project_may_stand_above_what_stood_above_it_in_another_month(alias: str) -> None:
    changed(ProjectParent, 1, valid_until=APRIL)(alias)
    entered(ProjectParent(project_id=101, parent_id=102, valid_from=APRIL))(alias)


def test_a_way_round_through_several_projects_is_refused(alias: str) -> None:
    entered(ProjectParent(project_id=103, parent_id=102, valid_from=MARCH))(alias)
    with (
        pytest.raises(IntegrityError, match="project_parent_is_not_below_it"),
        transaction.atomic(using=alias),
    ):
        entered(ProjectParent(project_id=101, parent_id=103, valid_from=MAY))(alias)


def test_nothing_is_deleted_by_the_models_either(alias: str) -> None:
    with pytest.raises(NothingIsDeleted, match="institution: expected an end, not a deletion"):
        Institution.objects.using(alias).get().delete()
