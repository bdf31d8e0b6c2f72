"""Which OpenStack events does Open XDMoD shred? What was said of each item, whatever source said it.

Polled observations of a VM become heartbeats. A size that a source doesn't name with an event is the one
said before: Open XDMoD takes flavor and cores from the event that opens a session. Heartbeats that only
repeat are left out, but for one at each end of a file in which a VM goes on running. What stands still across
an edge of the period is said again there. So the files of a period alone add up to its usage; beside those of
other periods this changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from meterhouse.feeds.xdmod.writing.out_files import Written, write_array
from meterhouse.feeds.xdmod.writing.period import Period, moment
from meterhouse.usage.attribution import named, text
from meterhouse.usage.building.models import EVENT_MODELS, run_over_view
from meterhouse.usage.building.steps import hear_everything
from meterhouse.usage.rules import rule_tables
from meterhouse.usage.tables import ITEM_EVENT

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

_HEARTBEAT = "compute.instance.exists"
_GIB = 1 << 30
_COLUMNS = (
    *("kind", "item", "name", "project_ref", "project_name", "user_ref", "user_name", "domain"),
    *("time", "event", "state_said", "class", "vcpus", "memory_mib", "disk_gib", "space_bytes", "host"),
)
# Which event says again, at an edge of the period, in what state a VM is.
_STATE_EVENT = {
    "active": _HEARTBEAT,
    "inactive": "compute.instance.power_off.end",
    "shelved": "compute.instance.shelve_offload.end",
}
# How many characters Open XDMoD has room for.
_ROOM = {
    "event_type": 64,
    "instance_id": 64,
    "resource_id": 64,
    "instance_type": 64,
    "state": 64,
    "user_id": 64,
    "user_name": 255,
    "tenant_id": 64,
    "project_id": 64,
    "project_name": 256,
    "domain": 64,
    "host": 64,
}


def write_cloud_events(
    view: View,
    engine: DuckDBEngine,
    dimensions: Mapping[str, pa.Table],
    resource: str,
    period: Period,
    folder: Path,
    written: Written,
) -> None:
    """Write a file of events for each site day, also for one without any: nothing happened on it."""
    until = period.end
    told = run_over_view(
        EVENT_MODELS, ITEM_EVENT, view, overlapping=(datetime.min.replace(tzinfo=UTC), until)
    )
    if not told:
        return
    for name, table in {**rule_tables(), **dimensions}.items():
        engine.relation(name, table)
    engine.materialise(
        "item_event",
        f"SELECT * FROM ({' UNION ALL '.join(told)}) "
        f"WHERE resource = {text(resource)} AND time < {moment(until)}",
    )
    if not engine.query("SELECT 1 FROM item_event LIMIT 1").num_rows:
        return
    hear_everything(engine)
    engine.materialise("to_write", _to_write(view, resource, period))
    columns = ", ".join(f'"{name}"' for name in _COLUMNS)
    for day in period.days:
        start, end = period.bounds(day)
        within = f"time >= {moment(start)} AND (time < {moment(end)} OR is_edge AND time = {moment(end)})"
        reader = engine.reader(
            f"SELECT {columns} FROM to_write WHERE {within} ORDER BY time, kind, item, event, host",
            name="xdmod write openstack",
        )
        path = folder / "openstack" / _file_name(start, end)
        written.files.append(write_array(path, _with_room(_events(reader), written.left_out)))


def _to_write(view: View, resource: str, period: Period) -> str:
    start, end = moment(period.start), moment(period.end)
    # Told twice, it is one event: it counts as it was told first.
    events = f"""
        SELECT h.* REPLACE (
            CASE WHEN h.event = 'observed' THEN '{_HEARTBEAT}' ELSE h.event END AS event)
        FROM (
            SELECT *, ROW_NUMBER() OVER (
                PARTITION BY resource, kind, item, time, event, host
                ORDER BY said_at, batch_id, record, event_number
            ) AS telling
            FROM told
        ) AS h
        WHERE h.telling = 1 AND h.time >= {start} AND h.time < {end}
            AND (h.kind = 'vm' OR h.event <> 'observed')"""
    columns = ", ".join(f'"{name}"' for name in (*_COLUMNS, "resource"))
    return named(
        f"SELECT {columns}, FALSE AS is_edge FROM ({events}) UNION ALL {_at_edges(view, resource, period)}"
    )


def _at_edges(view: View, resource: str, period: Period) -> str:
    state_event = " ".join(f"WHEN '{state}' THEN '{event}'" for state, event in _STATE_EVENT.items())
    said = {
        "time": "e.edge",
        "event": f"CASE s.state {state_event} END",
        "state_said": "CASE WHEN s.state = 'active' THEN 'active' END",
    }
    own = {name: f's."{name}"' for name in (*_COLUMNS, "resource")}
    columns = ", ".join(f'{sql} AS "{name}"' for name, sql in {**own, **said}.items())
    edges = ", ".join(
        f"({moment(edge)})" for edge in (*(period.bounds(day)[0] for day in period.days), period.end)
    )
    outer = f"({moment(period.start)}, {moment(period.end)})"
    return f"""SELECT {columns}, TRUE AS is_edge
        FROM ({view.select("span", overlapping=period.window)}) AS s
        JOIN (VALUES {edges}) AS e (edge) ON s."start" < e.edge AND s."end" > e.edge
        WHERE s.rules = 'xdmod' AND s.kind = 'vm' AND s.resource = {text(resource)}
            AND (s.state = 'active' OR s.state IN ('inactive', 'shelved') AND e.edge IN {outer})"""


def _file_name(start: datetime, end: datetime) -> str:
    """The window of the file, to its last second, as Open XDMoD insists on it."""
    form = "%Y-%m-%dT%H.%M.%S"
    last = end - timedelta(seconds=1)
    return f"{start.astimezone(UTC).strftime(form)}_{last.astimezone(UTC).strftime(form)}.json"


def _events(reader: pa.RecordBatchReader) -> Iterator[dict[str, str]]:
    for batch in reader:
        for row in batch.to_pylist():
            yield _event(row)


def _event(row: dict[str, Any]) -> dict[str, str]:
    """All values are text, as in what Nova and Ceilometer write; what wasn't said isn't there."""
    said = {
        "event_type": row["event"],
        "generated": row["time"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "resource_id": row["item"],
        "user_id": row["user_ref"],
        "user_name": row["user_name"],
        "project_id": row["project_ref"],
        "tenant_id": row["project_ref"],
        "project_name": row["project_name"],
        "domain": row["domain"],
        "host": row["host"],
    }
    if row["kind"] == "vm":
        said |= {
            "instance_id": row["item"],
            "display_name": row["name"],
            "instance_type": row["class"],
            "vcpus": row["vcpus"],
            "memory_mb": row["memory_mib"],
            "disk_gb": row["disk_gib"],
            "state": row["state_said"],
        }
    else:
        size = row["space_bytes"]
        said |= {
            "name": row["name"],
            "status": row["state_said"],
            "type": row["class"],
            "size": size // _GIB if size is not None and row["kind"] != "image" else size,
        }
    return {key: str(value) for key, value in said.items() if value is not None}


def _with_room(events: Iterator[dict[str, str]], left_out: list[str]) -> Iterator[dict[str, str]]:
    for event in events:
        too_long = [key for key, most in _ROOM.items() if len(event.get(key, "")) > most]
        if too_long:
            field = too_long[0]
            left_out.append(
                f"event {event['event_type'][:64]} at {event['generated']}, field {field}: expected at most "
                f"{_ROOM[field]} characters, found {len(event[field])}"
            )
        else:
            yield event
