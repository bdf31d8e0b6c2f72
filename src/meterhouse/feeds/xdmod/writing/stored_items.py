"""Which storage files tell Open XDMoD of volumes, snapshots, images, containers, claims? A file a site day.

Open XDMoD's realm Cloud counts no volumes, so they are samples of its realm Storage, under a resource of
their own: one a day for each kind and class, user and PI, with the bytes that there were on average.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meterhouse.errors import QuestionError
from meterhouse.feeds.xdmod.roles import project_pis
from meterhouse.feeds.xdmod.writing.out_files import Written, write_array
from meterhouse.feeds.xdmod.writing.period import Period, moment
from meterhouse.usage.attribution import named, text, texts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pyarrow as pa

    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

KINDS = ("volume", "snapshot", "image", "container", "claim")
_STATES = ("active", "attached", "unattached")
_NOBODY = "unknown"
_ROOM = {"mountpoint": 255, "user": 30, "pi": 30}  # characters

_BY_DAY = """
    SELECT kind, class, user_name, pi, COUNT(DISTINCT item) AS items,
        CAST((2 * SUM(CAST(space_bytes AS HUGEINT) * seconds) + {length}) // (2 * {length}) AS BIGINT)
            AS bytes
    FROM (
        SELECT u.*,
            CAST(EPOCH(DATE_TRUNC('second', LEAST(u."end", {end}))) AS BIGINT)
                - CAST(EPOCH(DATE_TRUNC('second', GREATEST(u."start", {start}))) AS BIGINT) AS seconds
        FROM stored_item AS u
        WHERE u."start" < {end} AND u."end" > {start}
    )
    GROUP BY kind, class, user_name, pi
    ORDER BY kind, class, user_name, pi"""


def storage_resource(resource: str) -> str:
    """What the resource is called in Open XDMoD as far as it stores."""
    return f"{resource}-storage"


def storing_resources(view: View, engine: DuckDBEngine) -> set[str]:
    """The resources that have any item that stores."""
    spans = view.select("span", ["rules", "resource", "kind", "state", "space_bytes"])
    found = engine.query(f"SELECT DISTINCT resource FROM ({spans}) WHERE {_stores()}")
    return set(found.column(0).to_pylist())


def write_stored_items(
    view: View,
    engine: DuckDBEngine,
    dimensions: Mapping[str, pa.Table],
    resource: str,
    period: Period,
    folder: Path,
    written: Written,
    *,
    others: Collection[str] = (),
) -> None:
    """Write a file for each site day. `others` are the names that resources of the site have.

    Raises QuestionError when one of these is the name under which the items would be written.
    """
    called = storage_resource(resource)
    if called in others:
        raise QuestionError(
            f"xdmod write: volumes and the like of {resource!r} are written as resource {called!r}: "
            "expected no other resource of that name, found one"
        )
    for name, table in dimensions.items():
        engine.relation(name, table)
    spans = view.select("span", overlapping=period.window)
    known = named(f"SELECT * FROM ({spans}) WHERE {_stores()} AND resource = {text(resource)}")
    pis = {project: login for (of, project), login in project_pis(view, engine).items() if of == resource}
    engine.relation("stored_item", _with_pi(known, pis))
    for day in period.days:
        path = folder / "storage" / f"{called}-{day}.json"
        written.files.append(write_array(path, _samples(engine, called, period, day, written)))


def _stores() -> str:
    there = f"state IN ({texts(_STATES)}) AND space_bytes IS NOT NULL"
    return f"rules = 'default' AND kind IN ({texts(KINDS)}) AND {there}"


def _with_pi(source: str, pis: Mapping[str, str]) -> str:
    """The PI that the site knows of the project, or that the source named, or the project itself."""
    known = " ".join(f"WHEN {text(project)} THEN {text(login)}" for project, login in sorted(pis.items()))
    of_project = f"CASE project_name {known} END" if known else "NULL"
    pi = f"COALESCE({of_project}, NULLIF(group_name, ''), project_name, project_ref, {text(_NOBODY)}) AS pi"
    user = f"COALESCE(NULLIF(user_name, ''), user_ref, {text(_NOBODY)}) AS user_name"
    columns = 'kind, COALESCE("class", \'\') AS class, item, space_bytes, "start", "end"'
    return f"SELECT {columns}, {user}, {pi} FROM ({source})"


def _samples(
    engine: DuckDBEngine, called: str, period: Period, day: date, written: Written
) -> Iterator[dict[str, Any]]:
    start, end = period.bounds(day)
    length = int((end - start).total_seconds())
    # at the middle of the day: in which time zone ever days begin, it is that day
    taken = (start + (end - start) / 2).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    sql = _BY_DAY.format(start=moment(start), end=moment(end), length=length)
    for row in engine.query(sql, name="xdmod write stored items").to_pylist():
        sample = {
            "resource": called,
            "mountpoint": "/".join(filter(None, (row["kind"], row["class"]))),
            "user": row["user_name"],
            "pi": row["pi"],
            "dt": taken,
            "file_count": row["items"],
            "logical_usage": row["bytes"],
            "soft_threshold": 0,
            "hard_threshold": 0,
        }
        lack = next((name for name, most in _ROOM.items() if len(sample[name]) > most), None)
        if lack is None:
            yield sample
        else:
            written.left_out.append(
                f"{sample['mountpoint']} of {sample['user']} on {day}, field {lack}: "
                f"expected at most {_ROOM[lack]} characters, found {len(sample[lack])}"
            )
