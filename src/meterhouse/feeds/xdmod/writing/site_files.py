"""Which files does Open XDMoD want of one resource of a site for some days? All that it shreds.

A period that isn't covered is refused: Open XDMoD would take what is missing for zero.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from meterhouse.directory.dimensions import dimension_tables
from meterhouse.errors import QuestionError
from meterhouse.feeds.xdmod.writing.cloud_events import write_cloud_events
from meterhouse.feeds.xdmod.writing.covered import Hole, holes
from meterhouse.feeds.xdmod.writing.hypervisor_facts import write_hypervisor_facts
from meterhouse.feeds.xdmod.writing.job_lines import write_job_lines
from meterhouse.feeds.xdmod.writing.out_files import Written
from meterhouse.feeds.xdmod.writing.period import Period, moment
from meterhouse.feeds.xdmod.writing.resource_files import write_resource_files
from meterhouse.feeds.xdmod.writing.storage_samples import write_storage_samples
from meterhouse.feeds.xdmod.writing.stored_items import storing_resources, write_stored_items
from meterhouse.sources.file_formats import file_formats
from meterhouse.sources.hypervisor_facts import FORMAT as HYPERVISOR_FACTS
from meterhouse.usage.attribution import text
from meterhouse.usage.capacity import hypervisor_capacities

if TYPE_CHECKING:
    from meterhouse.site import Site
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

_SHOWN_HOLES = 10


class NotCovered(QuestionError):
    """A period of which something is not known."""


def write_site_files(
    site: Site,
    resource: str,
    first: date,
    last: date,
    folder: Path,
    *,
    milli_cpu: bool = False,
    partial: bool = False,
    as_of: int | datetime | None = None,
) -> Written:
    """Write below `folder` what Open XDMoD shreds of `resource` for the site days `first` to `last`.

    Raises NotCovered, and writes nothing, when a part of the period is not covered, unless `partial`.
    """
    settings = site.settings
    settings.resource(resource)
    time_zone = settings.site.time_zone
    period = Period(first, last, ZoneInfo(time_zone))
    view = site.warehouse.view(as_of)
    written = Written()
    with site.engine() as engine, view.reading():
        unknown = _holes(view, engine, resource, period)
        if unknown and not partial:
            raise NotCovered(_refusal(resource, unknown))
        written.remarks += [f"not covered: {hole}" for hole in unknown]
        dimensions = dimension_tables(view, engine)
        write_cloud_events(view, engine, dimensions, resource, period, folder, written)
        write_hypervisor_facts(view, engine, resource, period, folder, written)
        write_job_lines(view, engine, resource, period, folder, written, milli_cpu=milli_cpu)
        write_storage_samples(view, engine, resource, period, folder, written)
        storing = storing_resources(view, engine)
        if resource in storing:
            others = [one.name for one in settings.resources]
            write_stored_items(view, engine, dimensions, resource, period, folder, written, others=others)
        listed = hypervisor_capacities(view, engine, time_zone)
    write_resource_files(
        settings.resources,
        listed,
        folder,
        written,
        milli_cpu=[resource] if milli_cpu else [],
        storing=storing,
    )
    return written


def _holes(view: View, engine: DuckDBEngine, resource: str, period: Period) -> list[Hole]:
    # capacity says nothing of usage
    calls = [
        call
        for call in view.coverage(resource, start=period.start, end=period.end)
        if call.source != HYPERVISOR_FACTS
    ]
    ended = engine.query(
        f"""SELECT DISTINCT "end" AS moment FROM ({view.select("span", overlapping=period.window)})
            WHERE resource = {text(resource)} AND kind = 'job' AND rules = 'default'
                AND "end" >= {moment(period.start)} AND "end" < {moment(period.end)}"""
    )
    told = {period.day_of(when) for when in ended.column(0).to_pylist()}
    return holes(
        calls, period.first, period.last, period.zone, file_sources=set(file_formats()), told_days=told
    )


def _refusal(resource: str, unknown: list[Hole]) -> str:
    shown = [f"  {hole}" for hole in unknown[:_SHOWN_HOLES]]
    if len(unknown) > _SHOWN_HOLES:
        shown.append(f"  and {len(unknown) - _SHOWN_HOLES} more")
    return "\n".join(
        [
            f"xdmod write: expected a covered period of {resource!r} (--partial writes what there is), found",
            *shown,
        ]
    )
