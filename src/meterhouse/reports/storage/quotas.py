"""How much may a group keep on a volume? The newest of what was said until the end of a day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from meterhouse.reports.storage.chosen_scans import Scan

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View


@dataclass(frozen=True, slots=True)
class Quota:
    """Hard limits: 0 is no limit, None is not said."""

    bytes: int | None
    inodes: int | None


class GroupQuotas:
    """Quotas of groups by volume, found by id or by name; of several rows the last counts."""

    def __init__(self, rows: Collection[dict[str, object]]) -> None:
        self._found: dict[tuple[object, object, object], tuple[int, Quota]] = {}
        for order, row in enumerate(rows):
            quota = Quota(row["hard_bytes"], row["hard_inodes"])  # type: ignore[arg-type]
            for owner in (row["owner_id"], row["owner_name"]):
                if owner is not None:
                    self._found[row["resource"], row["volume"], owner] = (order, quota)

    def find(self, scan: Scan, gid: int | None, name: str | None) -> Quota:
        """A group's quota; both limits None when nobody said it. A list of names may say an id instead."""
        owners = (gid, name, str(gid) if gid is not None else None)
        keys = [(scan.resource, scan.volume, owner) for owner in owners if owner is not None]
        told = [self._found[key] for key in keys if key in self._found]
        return max(told, key=lambda one: one[0])[1] if told else Quota(None, None)


def group_quotas(view: View, engine: DuckDBEngine, until: datetime) -> GroupQuotas:
    """Of every volume and group the newest quota that was observed before `until`."""
    rows = engine.query(
        f"""SELECT resource, volume, owner_id, owner_name, hard_bytes, hard_inodes FROM (
                SELECT *, ROW_NUMBER() OVER (
                    PARTITION BY resource, volume, owner_id, owner_name
                    ORDER BY observed_at DESC, recorded_at DESC, batch_id DESC, record DESC
                ) AS telling
                FROM ({view.select("filesystem_quota")}) WHERE owner_kind = 'group' AND observed_at < ?
            ) WHERE telling = 1 ORDER BY observed_at, recorded_at, batch_id, record""",
        [until],
        name="group quotas",
    )
    return GroupQuotas(rows.to_pylist())
