"""What gets into the directory from ColdFront and Keycloak, over HTTP, and what does a second run change?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from portal import SECRET, TOKEN, Portal, allocation, running_portal, user

from meterhouse.directory.pen import Difference
from meterhouse.directory.register.models import DirectoryImport, Identity, Institution, Person, Project
from meterhouse.directory.state import Directory
from meterhouse.errors import MeterhouseError
from meterhouse.operations.directory_import import Imported, import_statement
from meterhouse.operations.directory_sources import said_by
from meterhouse.settings import Settings
from meterhouse.site import Site
from meterhouse.sources.directory.http import DirectoryUnreachable

DAY, LATER, LAST = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    monkeypatch.setenv("PORTAL_TOKEN", TOKEN)
    monkeypatch.setenv("CLIENT_SECRET", SECRET)
    with running_portal() as portal:
        yield portal


def run(site: Site, portal: Portal, kind: str, day: date = DAY, **options: Any) -> Imported:
    said = {
        "coldfront": {
            "kind": "coldfront",
            "name": "nerc",
            "url": portal.url,
            "shape": portal.shape,
            "token": {"env": "PORTAL_TOKEN"},
            "resources": {"NERC-OpenStack": "cloud", "NERC-OpenShift": "shift", "NERC": "cloud"},
        },
        "keycloak": {
            "kind": "keycloak",
            "name": "mss",
            "url": portal.url,
            "realm": "mss",
            "client_id": "meterhouse",
            "client_secret": {"env": "CLIENT_SECRET"},
        },
    }[kind]
    settings = Settings.model_validate({"site": {"name": "T"}, "directory": [said]})
    return import_statement(site, said_by(site, settings.directory[0]), effective=day, **options)


def told(imported: Imported) -> list[str]:
    return [str(one) for one in imported.differences]


def test_a_dry_run_tells_what_a_run_changes_and_the_second_run_changes_nothing(site, portal):
    portal.users = [user("ada@north.edu", "Ada", "Oka", "Northfield", field="Genomics")]
    dry = told(run(site, portal, "keycloak", dry_run=True))
    assert dry == [
        "+ institution Northfield",
        "+ field Genomics",
        "+ person ada@north.edu: Ada Oka",
        "+ affiliation Ada Oka: Northfield, Genomics",
        "+ account ada@north.edu on every resource: Ada Oka",
    ]
    assert not Person.objects.using(site.register.alias).exists()
    assert told(run(site, portal, "keycloak")) == dry
    snapshot = site.warehouse.view().snapshot
    assert told(run(site, portal, "keycloak")) == []
    assert site.warehouse.view().snapshot == snapshot


def test_every_page_is_read_also_where_a_server_gives_less_than_asked(site, portal):
    portal.users = [user(f"u{n}@north.edu", "U", str(n)) for n in range(1203)]
    portal.most = 500
    run(site, portal, "keycloak")
    assert Person.objects.using(site.register.alias).count() == 1203
    portal.most = 100  # fewer than the 500 that are asked for
    assert told(run(site, portal, "keycloak")) == []


def test_a_token_that_ended_is_renewed_and_a_busy_server_asked_again(site, portal):
    portal.users = [user("ada@north.edu", "Ada", "Oka")]
    portal.token_lasts, portal.busy = 1, 1
    assert "+ person ada@north.edu: Ada Oka" in told(run(site, portal, "keycloak"))
    assert portal.tokens > 1


def test_a_wrong_secret_is_told_without_being_shown(site, portal, monkeypatch):
    monkeypatch.setenv("CLIENT_SECRET", "not-the-secret")
    with pytest.raises(DirectoryUnreachable, match="expected a token for client id and secret") as refused:
        run(site, portal, "keycloak")
    assert "not-the-secret" not in str(refused.value)


def test_only_get_is_asked_of_a_portal(site, portal):
    portal.allocations = [allocation(1, "Tides", "ada@north.edu", "p1")]
    run(site, portal, "coldfront")
    assert {how for how, _ in portal.asked} == {"GET"}


def test_projects_pis_and_names_on_resources_come_from_allocations(site, portal):
    portal.allocations = [
        allocation(1, "Tides", "ada@north.edu", "p1"),
        allocation(2, "Tides", "ada@north.edu", "ns1", project=1, kind="OpenShift"),
        allocation(3, "Tides", "bea@south.edu", "p3"),  # a title may repeat: unique only for one PI
        allocation(4, "Waves", "bea@south.edu", "p4", status="Revoked"),
        allocation(5, "Waves", "bea@south.edu", "", project=4),
        {"id": 6, "status": "Active"},
    ]
    imported = run(site, portal, "coldfront")
    directory = Directory(site.register.alias)
    assert {(one.code, one.title) for one in directory.projects.values() if not one.is_root} == {
        ("tides", "Tides"),
        ("tides-2", "Tides"),
        ("waves", "Waves"),
    }
    assert {(one.resource, one.kind, one.ref) for one in directory.references} == {
        ("cloud", "cloud_project", "p1"),
        ("shift", "namespace", "ns1"),
        ("cloud", "cloud_project", "p3"),
    }
    assert [str(one) for one in imported.skipped] == [
        "allocations, record 4: status: the allocation was taken back (Revoked)",
        "allocations, record 5: Allocated Project ID: expected a value, found none",
        "allocations, record 6: project: expected an object, found none",
    ]


def test_the_flat_shape_tells_projects_apart_by_its_list_of_projects(site, portal):
    portal.shape = "core"
    portal.projects = [
        {"id": 1, "title": "Tides", "pi": "ada", "status": "Active",
         "project_users": [{"user": "ada", "status": "Active"}, {"user": "cyd", "status": "Removed"}]},
        {"id": 2, "title": "Waves", "pi": "bea", "status": "Active"},
        {"id": 3, "title": "Waves", "pi": "cyd", "status": "Active"},
    ]  # fmt: skip
    flat = {
        "resource": "NERC, Other",
        "status": "Active",
        "allocation_users": [{"user": "dee", "status": "Active"}],
    }
    ids = [{"allocation_attribute_type": "Allocated Project ID", "value": "p1"}]
    portal.allocations = [
        {"id": 1, "project": "Tides", **flat, "allocation_attributes": ids},
        {"id": 2, "project": "Waves", **flat, "allocation_attributes": ids},
    ]
    imported = run(site, portal, "coldfront")
    assert "+ reference p1 on cloud: tides" in told(imported)
    assert "+ member ada of tides: leader, primary contact" in told(imported)
    assert [str(one) for one in imported.skipped] == [
        "allocations, record 2: project: expected one project of that title, found 2"
    ]


def test_pages_of_coldfront_2_are_followed_and_its_last_day_is_included(site, portal):
    portal.shape, portal.most = "v2", 1
    portal.allocations = [
        {
            "id": number,
            "status": "active",
            "owner": {"username": "ada"},
            "project": {"id": 1, "display": "Tides"},
            "resource_object": {"id": 1, "type": "OpenStack", "display": "NERC"},
            "start_date": "2026-01-01",
            "end_date": end,
            "custom_fields": {"allocated_project_id": f"p{number}"},
        }
        for number, end in ((1, None), (2, "2026-12-31"))
    ]
    run(site, portal, "coldfront")
    directory = Directory(site.register.alias)
    assert [(one.ref, one.start, one.end) for one in directory.references] == [
        ("p1", date(2026, 1, 1), date.max),
        ("p2", date(2026, 1, 1), date(2027, 1, 1)),
    ]


def test_an_institution_changes_on_the_day_of_the_run_and_not_before(site, portal):
    portal.users = [user("ada@north.edu", "Ada", "Oka", "Northfield", field="Genomics")]
    run(site, portal, "keycloak")
    portal.users = [user("ada@north.edu", "Ada", "Oka", "Harbour", field="Genomics")]
    assert "~ affiliation Ada Oka: Harbour, Genomics" in told(run(site, portal, "keycloak", LATER))
    directory = Directory(site.register.alias)
    (timeline,) = directory.affiliations.values()
    names = [(one.start, one.end, directory.institutions[one.value.institution]) for one in timeline]
    assert names == [(date.min, LATER, "Northfield"), (LATER, date.max, "Harbour")]


def test_an_attribute_that_is_missing_says_nothing(site, portal):
    portal.users = [user("ada@north.edu", "Ada", "Oka", "Northfield")]
    run(site, portal, "keycloak")
    portal.users = [user("ada@north.edu", "Ada", "Oka")]
    assert told(run(site, portal, "keycloak", LATER)) == []


@pytest.mark.parametrize("runs", [1, 3])
def test_the_unseen_is_inactive_after_as_many_runs_and_comes_back(site, portal, runs):
    everything = [user("ada@north.edu", "Ada", "Oka"), user("bea@south.edu", "Bea", "Ruiz")]
    portal.users = everything
    run(site, portal, "keycloak")
    portal.users = everything[:1]
    gone = [told(run(site, portal, "keycloak", LATER, inactive_after=runs)) for _ in range(runs)]
    assert gone[:-1] == [[]] * (runs - 1)
    assert gone[-1] == ["- person bea@south.edu: no longer spoken of; is_active True -> False"]
    portal.users = everything
    assert told(run(site, portal, "keycloak", LAST, inactive_after=runs)) == [
        "~ person bea@south.edu: is_active False -> True"
    ]


def test_whom_two_sources_know_is_one_person(site, portal):
    portal.users = [user("ada@north.edu", "Ada", "Oka", "Northfield")]
    portal.allocations = [allocation(1, "Tides", "ada@north.edu", "p1")]
    run(site, portal, "coldfront")
    run(site, portal, "keycloak")
    alias = site.register.alias
    assert [(one.username, one.last_name) for one in Person.objects.using(alias)] == [
        ("ada@north.edu", "Oka")
    ]
    assert Identity.objects.using(alias).filter(kind="person").count() == 2
    # neither takes back what the other said
    assert told(run(site, portal, "coldfront", LATER)) == []
    assert told(run(site, portal, "keycloak", LATER)) == []


def test_nothing_at_all_is_rather_a_failure_than_an_empty_portal(site, portal):
    with pytest.raises(MeterhouseError, match="expected people or projects, found none at all"):
        run(site, portal, "keycloak")
    run(site, portal, "keycloak", allow_empty=True)


def test_what_was_said_is_kept_word_for_word_and_the_run_is_on_record(site, portal):
    portal.allocations = [allocation(1, "Tides", "ada@north.edu", "p1"), {"id": 2}]
    imported = run(site, portal, "coldfront")
    with site.engine() as engine:
        said = engine.query(site.warehouse.view().select("directory_record")).to_pylist()
    assert [(one["source"], one["external_id"], one["batch_id"]) for one in said] == [
        ("nerc", "1", imported.batch_id),
        ("nerc", "2", imported.batch_id),
    ]
    assert '"title": "Tides"' in said[0]["said"]
    (record,) = DirectoryImport.objects.using(site.register.alias)
    assert record.changes["add project"] == 1
    assert record.skipped == {"project: expected an object, found none": 1}


def test_two_keys_of_one_source_are_two_institutions_of_one_name(site):
    from meterhouse.sources.directory.statement import SaidInstitution, Statement

    colleges = [SaidInstitution(str(n), "Westminster College") for n in range(5)]
    import_statement(site, Statement("register", institutions=colleges), effective=DAY)
    assert (
        import_statement(site, Statement("register", institutions=colleges), effective=DAY).differences == ()
    )
    assert Institution.objects.using(site.register.alias).filter(name="Westminster College").count() == 5


def test_a_project_that_is_closed_ends_and_may_go_on(site, portal):
    portal.allocations = [allocation(1, "Tides", "ada@north.edu", "p1")]
    run(site, portal, "coldfront")
    portal.allocations = [allocation(1, "Tides", "ada@north.edu", "p1", project_status="Archived")]
    run(site, portal, "coldfront", LATER)
    project = Project.objects.using(site.register.alias).get(code="tides")
    assert (project.is_active, project.end_date) == (False, LATER)
    portal.allocations = [allocation(1, "Tides", "ada@north.edu", "p1")]
    imported = run(site, portal, "coldfront", LAST)
    assert imported.differences == (
        Difference("change", "project", "tides", "is_active False -> True, end_date 2026-04-01 -> nothing"),
    )
