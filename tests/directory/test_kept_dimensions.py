"""Are the tables that are kept those that the directory would make, whoever changed it?"""

from __future__ import annotations

from datetime import date

from meterhouse.directory.dated_dimensions import dated_dimensions
from meterhouse.directory.kept_dimensions import kept_dimensions
from meterhouse.directory.register.models import Project, ProjectReference
from meterhouse.directory.state import Directory
from meterhouse.operations.directory_import import import_statement
from meterhouse.sources.directory.statement import SaidProject, SaidReference, Statement

DAY = date(2026, 3, 1)


def test_kept_tables_are_those_that_would_be_made(site):
    statement = Statement(
        "portal",
        projects=[SaidProject("1", "Ocean")],
        references=[SaidReference("1", "cloud", "path", "/p1")],
    )
    import_statement(site, statement, effective=DAY)
    view = site.warehouse.view()
    made = dated_dimensions(Directory(site.register.alias))
    assert kept_dimensions(view) == made
    assert kept_dimensions(view) == made  # read from what was kept


def test_a_change_made_in_a_form_counts_at_once_and_not_before(site):
    alias = site.register.alias
    before = site.warehouse.view()
    project = Project.objects.using(alias).create(code="ocean")
    ProjectReference.objects.using(alias).create(project=project, resource="cloud", kind="path", ref="/p1")
    after = site.warehouse.view()
    assert kept_dimensions(after)["directory_reference"].column("ref").to_pylist() == ["/p1"]
    assert kept_dimensions(before)["directory_reference"].num_rows == 0
    assert after.snapshot > before.snapshot
