"""What can be asked of Open XDMoD's realms? Every statistic and group-by, as a list."""

from __future__ import annotations

from meterhouse.feeds.xdmod.realms import realms

LISTING_COLUMNS = ("realm", "what", "name", "title", "unit")


def listing() -> list[dict[str, str]]:
    """One record a statistic and group-by of each realm, with LISTING_COLUMNS."""
    found = []
    for realm in realms().values():
        for statistic in realm.statistics.values():
            found.append(_record(realm.name, "statistic", statistic.name, statistic.title, statistic.unit))
        for group_by in realm.group_bys.values():
            found.append(_record(realm.name, "group-by", group_by.name, group_by.title, ""))
    return found


def _record(*values: str) -> dict[str, str]:
    return dict(zip(LISTING_COLUMNS, values, strict=True))
