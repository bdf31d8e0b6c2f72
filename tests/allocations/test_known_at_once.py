"""What a ledger file says of people and projects is known from the moment it was loaded, and not before."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from meterhouse.operations.allocations.site_ledger import load_file
from meterhouse.reports.questions import answer_question
from meterhouse.site import Site
from meterhouse.usage.question import Question
from strategies.event_streams import Event
from strategies.sites import build_site, land, new_site

LEDGER = """
projects = [{ pid = "Lab", references = [{ resource = "cloud", ref = "p1", kind = "cloud_project" }] }]
"""

LIFE = [
    Event("vm", datetime(2026, 5, 1, 10, tzinfo=UTC), "compute.instance.create.end"),
    Event("vm", datetime(2026, 5, 1, 12, tzinfo=UTC), "compute.instance.delete.end", "deleted"),
]


def owners(site: Site, as_of: int | None = None) -> list[str]:
    question = Question.ask(
        realm="cloud",
        meters=["core_hours"],
        first=date(2026, 5, 1),
        last=date(2026, 5, 2),
        by=["portal_project"],
    )
    return [row.labels[0] for row in answer_question(site, question, as_of).rows]


def test_usage_that_was_built_before_is_a_projects_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.toml"
    path.write_text(LEDGER)
    with new_site() as site:
        land(site, LIFE)
        build_site(site)
        assert owners(site) == ["Unknown"]  # nobody has entered anything yet
        before = site.warehouse.view().snapshot

        assert load_file(site, path, who="test", dry_run=True).differences
        assert site.warehouse.view().snapshot == before

        load_file(site, path, who="test", dry_run=False)
        assert site.warehouse.view().snapshot == before + 1
        assert owners(site) == ["Lab"]
        assert owners(site, before) == ["Unknown"]

        load_file(site, path, who="test", dry_run=False)
        assert site.warehouse.view().snapshot == before + 1
