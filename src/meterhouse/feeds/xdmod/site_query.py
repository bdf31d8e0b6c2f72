"""How does a site answer a query of Open XDMoD's? Usage, directory, settings and capacity meet here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from meterhouse.directory.dimensions import dimension_tables
from meterhouse.feeds.xdmod.periods import periods
from meterhouse.feeds.xdmod.query import NOTHING_SAID, Query, Row, SiteNames, answer_query
from meterhouse.feeds.xdmod.realms import CAPACITY, CORES
from meterhouse.feeds.xdmod.resource_types import RESOURCE_TYPES
from meterhouse.feeds.xdmod.roles import project_pis
from meterhouse.feeds.xdmod.said_of_jobs import said_of_jobs
from meterhouse.sources.generic_cloud import FORMAT as GENERIC_CLOUD
from meterhouse.usage.calendar import day_start
from meterhouse.usage.capacity import Capacities, CapacitySource, chosen_capacities, declared_capacities

if TYPE_CHECKING:
    from meterhouse.site import Site


def answer_site_query(
    site: Site,
    query: Query,
    *,
    capacity: CapacitySource = "auto",
    as_of: int | datetime | None = None,
) -> list[Row]:
    """The figures of `query` as known at `as_of` (now when None)."""
    return answer_site_queries(site, [query], capacity=capacity, as_of=as_of)[0]


def answer_site_queries(
    site: Site,
    queries: Sequence[Query],
    *,
    capacity: CapacitySource = "auto",
    as_of: int | datetime | None = None,
) -> list[list[Row]]:
    """The figures of each of `queries`, all of one state of the site."""
    settings = site.settings
    time_zone = settings.site.time_zone
    view = site.warehouse.view(as_of)
    organizations = {one.name: one.organization for one in settings.resources if one.organization}
    types = {one.name: RESOURCE_TYPES[one.kind].description for one in settings.resources}
    generic = [batch.id for batch in view.batches(source=GENERIC_CLOUD)]
    with site.engine() as engine, view.reading():
        capacities: Capacities = {}
        if any({CAPACITY, CORES} & set(query.statistic.denominators) for query in queries):
            declared = declared_capacities(settings.resources)
            capacities = chosen_capacities(capacity, declared, view, engine, time_zone)
        dimensions = dimension_tables(view, engine)
        names = SiteNames(settings.site.name, organizations, types, project_pis(view, engine))
        of_jobs = [query for query in queries if query.realm.name == "Jobs"]
        facts = {fact for query in of_jobs for fact in query.statistic.facts}
        said = said_of_jobs(view, engine, facts, _window(of_jobs, time_zone)) if of_jobs else NOTHING_SAID
        return [
            answer_query(query, view, engine, dimensions, names, capacities, time_zone, generic, said)
            for query in queries
        ]


def _window(queries: Sequence[Query], time_zone: str) -> tuple[datetime, datetime]:
    """From when to when their periods are, which count whole."""
    zone = ZoneInfo(time_zone)
    units = [unit for query in queries for unit in periods(query.unit, query.first, query.last)]
    first, last = min(unit.first for unit in units), max(unit.last for unit in units)
    return day_start(first, zone), day_start(last + timedelta(days=1), zone)
