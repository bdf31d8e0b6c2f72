"""When will a group's quota be full, of bytes and of inodes? A straight line through its last scans.

The line leads from the third last scan to the last (from the earlier of two, if there are only two). One
scan alone tells no trend: then use is expected to stay as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from meterhouse.reports.storage.chosen_scans import Scan
from meterhouse.reports.storage.question import Asked
from meterhouse.reports.storage.quotas import GroupQuotas

POINTS = 3
# Beyond so many days a straight line says nothing: the quota counts as never full.
_FARTHEST = 36_525
# Warning levels: what a quota will be filled to within days, in percent.
_NOT_OK = ((3, 80), (7, 95))
_KINDA_OK = ((7, 85),)


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """How a group's use of a volume goes on. `per_day` None: one scan tells no trend.

    `full_on` None: not at this pace, or there is no quota. A quota of 0 is no limit.
    """

    volume: str
    group: str
    measure: str
    used: int
    quota: int | None
    points: int
    per_day: int | None
    full_on: date | None
    level: str


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line: `used` at `at`, and by how much it grows a day."""

    at: datetime
    used: int
    per_day: Fraction

    @classmethod
    def through(cls, points: list[tuple[datetime, int]]) -> Trend:
        """From the first to the last of the last three points, which are in order of time."""
        (start, before), (end, used) = points[-POINTS:][0], points[-1]
        days = Fraction((end - start) // timedelta(microseconds=1), 86_400_000_000)
        return cls(end, used, Fraction(used - before) / days if days else Fraction(0))

    def after(self, days: int) -> Fraction:
        """Use so many days after the last point."""
        return self.used + days * self.per_day

    def reaches(self, amount: int) -> datetime | None:
        """When the line is at `amount`; at once if it is there, None if never in a hundred years."""
        if self.used >= amount:
            return self.at
        if self.per_day <= 0:
            return None
        days = (amount - self.used) / self.per_day
        return self.at + timedelta(days=1) * float(days) if days <= _FARTHEST else None


def level_of(trend: Trend, quota: int | None) -> str:
    """OK, Kinda OK or Not OK; OK where there is no limit."""
    if not quota:
        return "OK"
    for level, limits in (("Not OK", _NOT_OK), ("Kinda OK", _KINDA_OK)):
        if any(trend.after(days) * 100 > quota * percent for days, percent in limits):
            return level
    return "OK"


def forecast(asked: Asked) -> list[ForecastRow]:
    """A row for each volume, group and measure (bytes, inodes), those first that are full first."""
    from meterhouse.reports.storage.quotas import group_quotas

    quotas = group_quotas(asked.view, asked.engine, asked.end)
    rows = [row for scan in asked.each_scan() for row in _of_volume(asked, scan, quotas)]
    never = date.max
    return sorted(rows, key=lambda row: (row.full_on or never, row.volume, row.group, row.measure))


def _of_volume(asked: Asked, scan: Scan, quotas: GroupQuotas) -> list[ForecastRow]:
    zone = ZoneInfo(asked.site.settings.site.time_zone)
    before = [
        one
        for one in asked.known_scans
        if (one.resource, one.volume) == (scan.resource, scan.volume) and one.scanned_at <= scan.scanned_at
    ]
    scans = before[-POINTS:]
    found = asked.engine.query(
        f"""SELECT scanned_at, gid, MAX(group_name) AS name, COALESCE(SUM({asked.bytes}), 0) AS bytes,
                SUM(inodes) AS inodes
            FROM ({asked.rows("filesystem_usage", scans)}) GROUP BY scanned_at, gid ORDER BY scanned_at""",
        name="use by group and scan",
    ).to_pylist()
    used: dict[int, dict[datetime, dict[str, int]]] = {}
    names: dict[int, str | None] = {}
    for row in found:
        amounts = {"bytes": int(row["bytes"]), "inodes": int(row["inodes"])}
        used.setdefault(row["gid"], {})[row["scanned_at"]] = amounts
        names[row["gid"]] = row["name"]
    rows = []
    for gid, by_scan in used.items():
        quota = quotas.find(scan, gid, names[gid])
        for measure, limit in (("bytes", quota.bytes), ("inodes", quota.inodes)):
            # a scan that doesn't tell of the group says that it had nothing
            points = [
                (one.scanned_at, by_scan.get(one.scanned_at, {"bytes": 0, "inodes": 0})[measure])
                for one in scans
            ]
            trend = Trend.through(points)
            full = trend.reaches(limit) if limit else None
            rows.append(
                ForecastRow(
                    scan.volume,
                    names[gid] or str(gid),
                    measure,
                    trend.used,
                    limit,
                    len(points),
                    round(trend.per_day) if len(points) > 1 else None,
                    full.astimezone(zone).date() if full else None,
                    level_of(trend, limit),
                )
            )
    return rows
