"""How are all records and all spans of one item had together, with no other item in memory?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from meterhouse.operations.verify.said import Said, read_record, tables_read
from meterhouse.usage.building.models import EVENT_MODELS, INTERVAL_MODELS

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

Row = dict[str, Any]
ItemKey = tuple[str, str]  # resource, the source's id
Left = TypeVar("Left")

_OF_A_LISTING = "name project_id user_id status observed_at created_at updated_at"

# Raw table -> what names the item, and the columns that say something about it.
_READ: Mapping[str, tuple[str, str]] = {
    "openstack_event": (
        "CASE WHEN starts_with(event_type, 'compute.') THEN instance_id ELSE resource_id END",
        "event_type generated instance_id resource_id display_name name instance_type type vcpus memory_mb "
        "disk_gb size state status host user_id user_name project_id project_name domain",
    ),
    "generic_cloud_event": (
        "instance_id",
        "event_type event_time instance_id account user instance_type cpu memory disk node_controller",
    ),
    "openstack_server": (
        "server_id",
        f"server_id {_OF_A_LISTING} vm_state host flavor_name vcpus memory_mb root_gb ephemeral_gb "
        "deleted terminated_at",
    ),
    "openstack_server_action": (
        "server_id",
        "server_id observed_at action event start_time event_start event_finish event_result event_host "
        "position server_name server_project_id server_user_id server_launched_at flavor_name vcpus "
        "memory_mb root_gb ephemeral_gb",
    ),
    "openstack_volume": ("volume_id", f"volume_id {_OF_A_LISTING} size_gib volume_type"),
    "openstack_volume_snapshot": ("snapshot_id", f"snapshot_id {_OF_A_LISTING} size_gib"),
    "openstack_image": ("image_id", f"image_id {_OF_A_LISTING} size_bytes"),
    "openstack_floating_ip": ("floating_ip_id", f"floating_ip_id {_OF_A_LISTING} address"),
    "openstack_router": ("router_id", f"router_id {_OF_A_LISTING}"),
    "openstack_network": ("network_id", f"network_id {_OF_A_LISTING}"),
    "openstack_container": (
        "container_id",
        "container_id name project_id user_id observed_at created_at objects size_bytes storage_policy",
    ),
}


def counted_tables() -> list[str]:
    """The raw tables that a build makes usage of."""
    wanted = {table for tables in EVENT_MODELS.values() for table in tables}
    unread = wanted - tables_read()
    assert not unread, f"the walk can't read {sorted(unread)}"
    return sorted(wanted)


def of_events() -> str:
    """A condition: the kind of item is one whose spans come from events, which the walk can follow."""
    kinds = ", ".join(f"'{model.kind}'" for model in INTERVAL_MODELS)
    return f"kind NOT IN ({kinds})" if kinds else "TRUE"


def said_by_item(view: View, engine: DuckDBEngine) -> Iterator[tuple[ItemKey, list[Said]]]:
    """Each item with all that was ever said of it, by resource and id."""
    parts = []
    for table in counted_tables():
        if not view.files(table):
            continue
        item, columns = _READ[table]
        names = ", ".join(f'"{name}"' for name in ("record", "resource", "batch_id", *columns.split()))
        parts.append(
            f"SELECT '{table}' AS raw_table, {item} AS item_key, {names} FROM ({view.select(table)})"
        )
    if not parts:
        return
    sql = "\nUNION ALL BY NAME\n".join(parts)
    records = rows_of(engine, f"SELECT * FROM ({sql}) WHERE item_key IS NOT NULL ORDER BY resource, item_key")
    for key, of_item in groupby(records, key=lambda row: (row["resource"], row["item_key"])):
        yield key, [said for record in of_item for said in read_record(record["raw_table"], record)]


def spans_by_item(view: View, engine: DuckDBEngine, which: str) -> Iterator[tuple[ItemKey, list[Row]]]:
    """Each item with all its spans that meet the condition `which`, by resource and id."""
    told = f"SELECT * FROM ({view.select('span')}) WHERE {which} ORDER BY resource, item"
    spans = rows_of(engine, told)
    for key, of_item in groupby(spans, key=lambda row: (row["resource"], row["item"])):
        yield key, list(of_item)


def side_by_side(
    left: Iterable[tuple[ItemKey, list[Left]]], right: Iterable[tuple[ItemKey, list[Row]]]
) -> Iterator[tuple[ItemKey, list[Left], list[Row]]]:
    """Two streams in the order of their keys as one; what one of them lacks is empty."""
    lefts, rights = iter(left), iter(right)
    one, other = next(lefts, None), next(rights, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None
            yield one[0], one[1], []
            one = next(lefts, None)
        elif one is None or other[0] < one[0]:
            yield other[0], [], other[1]
            other = next(rights, None)
        else:
            yield one[0], one[1], other[1]
            one, other = next(lefts, None), next(rights, None)


def rows_of(engine: DuckDBEngine, sql: str) -> Iterator[Row]:
    """The rows of a SELECT, a few at a time."""
    for batch in engine.reader(sql, name="verify"):
        yield from batch.to_pylist()
