"""What can be read, and what of Open XDMoD can be asked? File formats, and statistics with group-bys."""

from __future__ import annotations

from meterhouse.feeds.xdmod.realms import realms
from meterhouse.operations.reference.markdown import code, page, table
from meterhouse.sources.file_formats import ENTRY_POINTS, FILE_FORMATS


def file_formats_page() -> str:
    """Every format that `meterhouse ingest` reads without further packages."""
    rows = [(code(one.kind), one.doc) for one in FILE_FORMATS.values()]
    return page(
        "File formats",
        "`meterhouse ingest FORMAT --resource NAME FILE...` reads these. Files may be packed with gzip. "
        f"Installed packages add formats in the entry point group `{ENTRY_POINTS}`: see "
        "[How to add a file format](../howto-add-a-file-format.md).",
        table(["format", "what it is"], rows),
    )


def xdmod_page() -> str:
    """Every realm, statistic and group-by of `meterhouse xdmod query`."""
    parts = ["`meterhouse xdmod query --realm REALM --statistic NAME --group-by NAME` answers these."]
    for realm in realms().values():
        parts.append(f"## Realm {realm.name}")
        parts.append(realm.counts)
        rows = [
            (code(one.name), one.title, one.unit, "all" if one.error else str(one.decimals))
            for one in realm.statistics.values()
        ]
        parts.append(table(["statistic", "title", "unit", "decimals"], rows))
        parts.append(
            table(["group-by", "title"], [(code(one.name), one.title) for one in realm.group_bys.values()])
        )
    return page("Open XDMoD statistics", *parts)
