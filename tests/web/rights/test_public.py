"""What does anybody see where a site opens its totals? Sums that name nobody, and nothing else."""

from __future__ import annotations

import pytest
from rights.matrix import OPERATIONS, PAGES, SCOPES
from rights.test_matrix import asked
from served import Served
from two_institutions import PERIOD


def test_anybody_gets_totals(strict: Served) -> None:
    answer = strict.ask("anybody", "usage", meter="core_hours", by="resource,month", **PERIOD)
    assert answer.json()["rows"] == [{"month": "2026-03", "resource": "cloud", "core_hours": "7200.0000"}]
    assert strict.ask("anybody", "me").json()["role"] == "public"


@pytest.mark.parametrize("named", ["portal_project", "person", "institution", "pi", "project", "user"])
def test_nobody_is_named(strict: Served, named: str) -> None:
    for query in ({"by": named}, {"where": f"{named}=x"}):
        assert strict.ask("anybody", "usage", meter="core_hours", **query, **PERIOD).status_code == 403


@pytest.mark.parametrize("operation", sorted(OPERATIONS - {"get me"}))
def test_the_rest_needs_a_token(strict: Served, operation: str) -> None:
    expected = 200 if SCOPES[operation] == "usage" else 401
    assert asked(strict, operation, None).status_code == expected


@pytest.mark.parametrize("page", [page for page, who in PAGES.items() if who == "all" and "<" not in page])
def test_pages_of_totals_are_open(strict: Served, page: str) -> None:
    query = {"realm": "cloud", "meter": "core_hours", "by": "resource", **PERIOD}
    answer = strict.browser(None).get(f"/{page}", params=query)
    if page in ("", "explore", "explore/download", "explore/values"):
        assert answer.status_code in (200, 400, 403)
    else:
        assert answer.status_code == 302, page
    for name in ("vm-ocean", "Waves", "Oka", "Harbour", "Northfield", "p1-name"):
        assert name not in answer.text
