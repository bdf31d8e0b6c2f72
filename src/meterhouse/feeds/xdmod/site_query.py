"""How does a site answer a query of Open XDMoD's? Usage, directory, settings and capacity meet here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from meterhouse.directory.dimensions import dimension_tables
from meterhouse.feeds.xdmod.listed_gpus import listed_gpus
from meterhouse.feeds.xdmod.query import Query, Row, SiteNames, answer_query
from meterhouse.feeds.xdmod.realms import CAPACITY, CORES
from meterhouse.feeds.xdmod.resource_types import RESOURCE_TYPES
from meterhouse.feeds.xdmod.roles import project_pis
from meterhouse.sources.generic_cloud import FORMAT as GENERIC_CLOUD
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
    settings = site.settings
    time_zone = settings.site.time_zone
    view = site.warehouse.view(as_of)
    organizations = {one.name: one.organization for one in settings.resources if one.organization}
    types = {one.name: RESOURCE_TYPES[one.kind].description for one in settings.resources}
    with site.engine() as engine, view.reading():
        capacities: Capacities = {}
        if {CAPACITY, CORES} & set(query.statistic.denominators):
            declared = declared_capacities(settings.resources)
            capacities = chosen_capacities(capacity, declared, view, engine, time_zone)
        return answer_query(
            query,
            view,
            engine,
            dimension_tables(view, engine),
            SiteNames(settings.site.name, organizations, types, project_pis(view, engine)),
            capacities,
            time_zone,
            [batch.id for batch in view.batches(source=GENERIC_CLOUD)],
            listed_gpus(view, engine) if query.realm.name == "Jobs" else None,
        )
