"""Each named constraint of the kept reports and decisions refuses one row."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from meterhouse.site import Site

USAGE = {
    "report_date": date(2024, 1, 5), "volume": "s119", "unix_group": "hgi", "used_bytes": 1, "is_own": True,
    "scanned_at": datetime(2024, 1, 5, tzinfo=UTC), "batch_id": "b",
}  # fmt: skip
DECISION = {"volume": "s119", "project": "projects/p", "directory": "sub"}


@pytest.mark.parametrize(
    ("model", "first", "refused", "constraint"),
    [
        ("GroupUsage", USAGE, USAGE, "report_date"),
        ("GroupUsage", None, {**USAGE, "used_bytes": -1}, "group_usage_is_not_negative"),
        ("DirectoryDecision", DECISION, DECISION, "volume"),
        ("DirectoryDecision", None, {**DECISION, "project": ""}, "directory_decision_names_its_project"),
    ],
)
def test_a_row_that_breaks_a_constraint_is_refused(world, model, first, refused, constraint):
    with Site.open(world.path) as site:
        alias = site.register.alias
        from meterhouse.reports.storage.register import models

        rows = getattr(models, model).objects.using(alias)
        if first:
            rows.create(**first)
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic(using=alias):
            rows.create(**refused)
