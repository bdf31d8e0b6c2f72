"""Is what polling tells counted as the rules say, at once and step by step?"""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterhouse.operations.verify import verify
from meterhouse.operations.verify.spans import span_row
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from strategies.event_streams import BATCHES
from strategies.models import modelled, walked, with_batches
from strategies.polls import many_polls, poll_delivery, tables_of
from strategies.profiles import examples, sites
from strategies.sites import build_site, new_site, usage_of


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine(threads=1) as engine:
        yield engine


@examples(12)
@given(told=many_polls())
def test_the_models_and_the_walk_make_the_same_spans(engine, told):
    raw = {
        name: with_batches(records, [f"b{batch}" for batch in batches])
        for name, (records, batches) in tables_of(told).items()
    }
    by_item = defaultdict(lambda: ([], []))
    for row in modelled(engine, raw):
        by_item[row["item"]][0].append(repr(sorted(row.items())))
    for session, _, _ in walked(raw):
        row = span_row(session)
        by_item[row["item"]][1].append(repr(sorted(row.items())))
    for item, (models, walk) in by_item.items():
        assert sorted(models) == sorted(walk), [one for one in told if item in one[2].values()]


@sites(3)
@given(told=many_polls(), order=st.permutations(range(BATCHES)))
def test_polls_may_land_in_any_order_with_builds_in_between(told, order):
    batches = [[one for one in told if one[0] == batch] for batch in order]
    with new_site() as site:
        for batch in batches:
            if batch:
                site.warehouse.land(poll_delivery(batch))
                build_site(site)
        in_steps = usage_of(site)
        assert [finding for finding in verify(site).findings if finding.severity == "error"] == []
        build_site(site, full=True)
        assert in_steps == usage_of(site)
