"""Which hypervisor facts does Open XDMoD shred? A file for each listing of all hypervisors that changed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from meterhouse.feeds.xdmod.writing.out_files import Written, write_object
from meterhouse.feeds.xdmod.writing.period import Period
from meterhouse.sources.hypervisor_facts import FORMAT

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

_LISTING_CALLS = (FORMAT, "compute.hypervisors")  # a file may hold several listings; a call lists once

Listing = tuple[datetime, list[dict[str, Any]]]


def write_hypervisor_facts(
    view: View, engine: DuckDBEngine, resource: str, period: Period, folder: Path, written: Written
) -> None:
    """Write the listings of the period that differ from the one before, and the one in force at its start."""
    before: Listing | None = None
    changed: list[Listing] = []
    in_force: list[dict[str, Any]] | None = None
    for listing in _listings(view, engine, resource):
        moment, hypervisors = listing
        if moment >= period.end:
            break
        if hypervisors == in_force:
            continue
        in_force = hypervisors
        if moment < period.start:
            before = listing
        else:
            changed.append(listing)
    for moment, hypervisors in [*([before] if before else []), *changed]:
        stamp = moment.astimezone(UTC)
        path = folder / "hypervisor_facts" / f"hypervisor_facts_{stamp:%Y-%m-%dT%H:%M:%S}.json"
        facts = {"ts": f"{stamp:%Y-%m-%dT%H:%M:%SZ}", "hypervisors": hypervisors}
        written.files.append(write_object(path, facts, len(hypervisors)))


def _listings(view: View, engine: DuckDBEngine, resource: str) -> list[Listing]:
    """What was listed when, oldest first; one of which a part could not be read is no listing."""
    failed = [
        window.batch_id
        for call in _LISTING_CALLS
        for window in view.coverage(resource=resource, call=call, outcome="failed")
    ]
    files = [batch.id for batch in view.batches(resource=resource, source=FORMAT)]
    engine.relation("facts_failed", pa.table({"batch_id": pa.array(failed, pa.string())}))
    engine.relation("facts_file", pa.table({"batch_id": pa.array(files, pa.string())}))
    rows = engine.query(
        f"""
        SELECT h.batch_id, CASE WHEN f.batch_id IS NOT NULL THEN h.observed_at END AS told_at, h.observed_at,
            h.hypervisor_id, COALESCE(h.hostname, h.hypervisor_id) AS hostname, h.vcpus, h.memory_mb, h.record
        FROM ({view.select("hypervisor")}) AS h
        LEFT JOIN facts_file AS f ON f.batch_id = h.batch_id
        WHERE h.resource = ? AND h.batch_id NOT IN (SELECT batch_id FROM facts_failed)
        ORDER BY h.batch_id, told_at, hostname, h.record""",
        [resource],
        name="xdmod write hypervisors",
    ).to_pylist()
    groups: dict[tuple[str, Any], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["batch_id"], row["told_at"]), []).append(row)
    listings = []
    for of_listing in groups.values():
        if any(row["vcpus"] is None or row["memory_mb"] is None for row in of_listing):
            continue
        by_host = {row["hostname"]: _hypervisor(row) for row in of_listing}
        listings.append((max(row["observed_at"] for row in of_listing), list(by_host.values())))
    return sorted(listings, key=lambda listing: (listing[0], str(listing[1])))


def _hypervisor(row: dict[str, Any]) -> dict[str, Any]:
    facts = {
        "hypervisor_hostname": row["hostname"],
        "memory_mb": row["memory_mb"],
        "vcpus": row["vcpus"],
    }
    if row["hypervisor_id"] is not None and row["hypervisor_id"].isdecimal():
        facts["id"] = int(row["hypervisor_id"])  # newer clouds have a UUID, which the format doesn't take
    return facts
