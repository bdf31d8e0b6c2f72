"""Does staff change the directory and the ledger under /admin/, and does all that it changes stay known?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db.models import Model
from served import Served, copied, serving

from meterhouse.allocations.register import models as ledger
from meterhouse.directory.register import models as directory
from meterhouse.site import Site


@pytest.fixture(scope="module")
def site(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of this module's own: what is changed here is seen by no other test."""
    with Site.open(copied(original, tmp_path_factory.mktemp("admin") / "site")) as site:
        yield site


@pytest.fixture(scope="module")
def served(site: Site, tokens: dict[str, str]) -> Iterator[Served]:
    with serving(site.path, "--no-work") as url:
        yield Served(url, site.path, tokens, {})


def sent(browser: httpx.Client, path: str, **values: Any) -> httpx.Response:
    """The form at `path` as it stands there, with these values in it, sent."""
    page = browser.get(path)
    assert page.status_code == 200, page.text[:2000]
    fields = dict(form_fields(page.text))
    fields.update({name: str(value) for name, value in values.items()})
    return browser.post(path, data=fields, headers={"Referer": str(browser.base_url)})


def form_fields(page: str) -> Iterator[tuple[str, str]]:
    for tag in re.findall(r"<input\b[^>]*>", page):
        told = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        kind, name = told.get("type", "text"), told.get("name")
        if not name or "__prefix__" in name or kind in ("submit", "file"):
            continue
        if kind in ("checkbox", "radio") and "checked" not in tag:
            continue
        yield name, told.get("value", "on" if kind == "checkbox" else "")
    for name, options in re.findall(r'<select\b[^>]*\bname="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option value="([^"]*)"[^>]*\bselected', options)
        if "__prefix__" not in name:
            yield name, chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea\b[^>]*\bname="([^"]+)"[^>]*>(.*?)</textarea>', page, re.S):
        yield name, text.strip()


def errors(answer: httpx.Response) -> str:
    return " ".join(re.findall(r"refused: [^<]+|expected [^<]+", answer.text))


def person(site: Site, username: str) -> directory.Person:
    return directory.Person.objects.using(site.register.alias).get(username=username)


def test_only_staff_and_administrators_come_in(served: Served) -> None:
    for name in ("unlinked", "member", "pi", "northfield"):
        assert served.browser(name).get("/admin/", follow_redirects=True).status_code == 403, name
        assert served.browser(name).get("/admin/directory/person/").status_code in (302, 403), name
    anybody = served.browser(None).get("/admin/directory/person/")
    assert (anybody.status_code, anybody.headers["location"].split("?")[0]) == (302, "/admin/login/")
    at_login = served.browser(None).get(anybody.headers["location"])
    assert at_login.headers["location"].startswith("/accounts/login/?next=/admin/")
    for name in ("staff", "administrator"):
        page = served.browser(name).get("/admin/")
        assert page.status_code == 200
        assert "Pool statements" in page.text


def test_every_table_has_a_list_a_form_and_a_search(served: Served) -> None:
    browser = served.browser("staff")
    lists = sorted(
        set(re.findall(r'href="(/admin/(?:directory|allocations)/\w+/)"', browser.get("/admin/").text))
    )
    every = [*vars(directory).values(), *vars(ledger).values()]
    models = [one for one in every if isinstance(one, type) and issubclass(one, Model)]
    own = [one for one in models if not one._meta.abstract and not hasattr(one, "history_type")]
    assert len(lists) == len({one._meta.label for one in own})
    for path in lists:
        found = browser.get(path, params={"q": "x"})
        assert found.status_code == 200, path
        assert browser.get(f"{path}add/").status_code in (200, 403), path


def test_who_did_what_is_for_administrators_to_read(served: Served) -> None:
    log = "/admin/web_accounts/auditevent/"
    browser = served.browser("administrator")
    page = browser.get(log, params={"q": "administrator", "action": "log in"})
    assert page.status_code == 200
    assert "log in" in page.text
    assert "Audit events" in browser.get("/admin/").text
    assert browser.get("/admin/web_accounts/access/").status_code == 200
    assert browser.get(f"{log}add/").status_code == 403
    assert served.browser("staff").get(log).status_code == 403
    assert "Audit events" not in served.browser("staff").get("/admin/").text


def test_a_change_is_kept_with_who_why_before_and_after(served: Served, site: Site) -> None:
    browser, ada = served.browser("staff"), person(site, "ada")
    snapshot = site.warehouse.view().snapshot
    answer = sent(
        browser, f"/admin/directory/person/{ada.pk}/change/", last_name="Oka-Lind", why="married in May"
    )
    assert answer.status_code == 302, errors(answer)
    newest, before = directory.Person.history.using(site.register.alias).filter(id=ada.pk)[:2]
    assert (newest.history_user_id, newest.history_change_reason) == ("staff", "married in May")
    assert (before.last_name, newest.last_name) == ("Oka", "Oka-Lind")
    # One more snapshot: a question as of the one before still has the old name
    assert site.warehouse.view().snapshot == snapshot + 1
    page = browser.get(f"/admin/directory/person/{ada.pk}/history/").text
    for told in ("staff", "married in May", "Oka-Lind"):
        assert told in page
    assert browser.get(f"/admin/directory/person/{ada.pk}/history/{newest.pk}/").status_code == 200


def test_what_the_database_refuses_is_told_on_the_form_and_changes_nothing(
    served: Served, site: Site
) -> None:
    browser, alias = served.browser("staff"), site.register.alias
    tie = directory.ProjectParent.objects.using(alias).first()
    if tie is None:
        child, parent = directory.Project.objects.using(alias).filter(is_root=False)[:2]
        answer = sent(browser, "/admin/directory/projectparent/add/", project=child.pk, parent=parent.pk)
        assert answer.status_code == 302, errors(answer)
        tie = directory.ProjectParent.objects.using(alias).get()
    ring = sent(browser, "/admin/directory/projectparent/add/", project=tie.parent_id, parent=tie.project_id)
    assert ring.status_code == 200
    assert "project parent is not below it" in errors(ring)
    assert not directory.ProjectParent.objects.using(alias).filter(
        project=tie.parent_id, parent=tie.project_id
    )


def test_nothing_can_be_deleted(served: Served, site: Site) -> None:
    browser, ada = served.browser("administrator"), person(site, "ada")
    assert browser.get(f"/admin/directory/person/{ada.pk}/delete/").status_code == 403
    assert "delete_selected" not in browser.get("/admin/directory/person/").text


def test_shares_are_entered_with_their_split_and_add_up(served: Served, site: Site) -> None:
    browser, alias = served.browser("staff"), site.register.alias
    project = directory.Project.objects.using(alias).filter(is_root=False, funding_splits=None).first()
    if project is None:
        project = directory.Project(code="unfunded", title="Unfunded")
        project.save(using=alias)
    one, other = directory.Institution.objects.using(alias).order_by("id")[:2]
    form: dict[str, Any] = {
        "project": project.pk, "shares-TOTAL_FORMS": 2,
        "shares-0-institution": one.pk, "shares-0-millionths": 600_000,
        "shares-1-institution": other.pk, "shares-1-millionths": 300_000,
    }  # fmt: skip
    short = sent(browser, "/admin/directory/fundingsplit/add/", **form)
    assert short.status_code == 200
    assert "expected 1000000 millionths in all, found 900000" in short.text
    answer = sent(browser, "/admin/directory/fundingsplit/add/", **form | {"shares-1-millionths": 400_000})
    assert answer.status_code == 302, errors(answer)
    history = directory.FundingSplit.history.using(alias)
    split = directory.FundingSplit.objects.using(alias).get(project=project)
    assert split.is_complete
    assert sorted(split.shares.values_list("millionths", flat=True)) == [400_000, 600_000]
    assert {row.history_user_id for row in history.filter(id=split.pk)} == {"staff"}


def test_a_statement_and_a_closed_period_are_only_seen(served: Served, site: Site) -> None:
    browser, alias = served.browser("administrator"), site.register.alias
    calendar = ledger.PeriodCalendar(name="of this test")
    calendar.save(using=alias)
    units = ledger.ResourcePool(name="Hours of this test", calendar=calendar)
    units.save(using=alias)
    period = ledger.AllocationPeriod(
        name="first of this test", calendar=calendar, start=date(2026, 1, 1), end=date(2026, 4, 1)
    )
    period.save(using=alias)
    project = directory.Project.objects.using(alias).filter(is_root=False).first()
    assert project is not None
    pool = ledger.AllocationPool(project=project, period=period, resource_pool=units)
    pool.save(using=alias)
    from meterhouse.allocations.closing import close_period

    close_period(alias, "first of this test", who="test")
    [statement] = ledger.PoolStatement.objects.using(alias).filter(pool=pool)
    path = f"/admin/allocations/poolstatement/{statement.pk}/change/"
    page = browser.get(path)
    assert page.status_code == 200
    assert 'name="_save"' not in page.text
    token = browser.cookies["meterhouse_csrf"]
    forced = browser.post(
        path, data={"used": "1", "csrfmiddlewaretoken": token}, headers={"Referer": served.url}
    )
    assert forced.status_code == 403
    # the status isn't in the form, and its dates stay
    moved = sent(
        browser, f"/admin/allocations/allocationperiod/{period.pk}/change/", start="2026-01-02", status="open"
    )
    assert moved.status_code == 200
    assert "allocation period stays closed" in errors(moved)


def imported(browser: httpx.Client, path: str, content: str) -> httpx.Response:
    """What the page says of a file before it is imported."""
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get(path).text)
    assert token is not None
    return browser.post(
        path,
        data={"csrfmiddlewaretoken": token[1], "format": "0", "resource": ""},
        files={"import_file": ("levels.csv", content.encode(), "text/csv")},
        headers={"Referer": str(browser.base_url)},
    )


def test_reference_data_is_imported_after_a_look_at_the_difference(served: Served, site: Site) -> None:
    browser, alias = served.browser("staff"), site.register.alias
    levels = directory.CareerLevel.objects.using(alias)
    snapshot = site.warehouse.view().snapshot
    looked = imported(
        browser, "/admin/directory/careerlevel/import/", "name,is_active\nEmeritus,1\nVisitor,1\n"
    )
    assert looked.status_code == 200
    assert "Emeritus" in looked.text
    assert not levels.filter(name="Emeritus")  # only looked at
    assert site.warehouse.view().snapshot == snapshot
    fields = dict(form_fields(looked.text))
    done = browser.post(
        "/admin/directory/careerlevel/process_import/", data=fields, headers={"Referer": served.url}
    )
    assert done.status_code == 302, done.text[:3000]
    row = directory.CareerLevel.history.using(alias).get(name="Emeritus")
    assert (row.history_user_id, row.history_change_reason) == ("staff", "import of reference data")
    assert site.warehouse.view().snapshot == snapshot + 1
    exported = browser.post(
        "/admin/directory/careerlevel/export/",
        data=dict(form_fields(browser.get("/admin/directory/careerlevel/export/").text)) | {"format": "0"},
        headers={"Referer": served.url},
    )
    assert "Visitor" in exported.text


def test_a_faulty_file_of_reference_data_changes_nothing(served: Served, site: Site) -> None:
    told = imported(served.browser("staff"), "/admin/directory/careerlevel/import/", "name,is_active\n,1\n")
    assert told.status_code == 200
    assert "process_import" not in told.text
    assert not directory.CareerLevel.objects.using(site.register.alias).filter(name="")


def test_the_policy_is_wider_below_admin_alone_and_never_lets_scripts_be_inline(served: Served) -> None:
    browser = served.browser("staff")
    policy = browser.get("/admin/").headers["content-security-policy"]
    assert "script-src 'self' 'unsafe-eval';" in policy
    assert "default-src 'none'" in policy
    for path in ("/", "/administer", "/accounts/login/"):
        assert "unsafe" not in browser.get(path).headers["content-security-policy"]


def test_static_files_of_the_admin_come_from_the_site_itself(served: Served) -> None:
    browser = served.browser("staff")
    page = browser.get("/admin/directory/person/").text
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    assert any("unfold" in one for one in addresses)
    for one in addresses:
        assert browser.get(one).status_code == 200, one
    assert not re.findall(r'(?:src|href)="https?://', page)
