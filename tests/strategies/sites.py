"""How does a test get a site with streams in it? Landed and built in a folder of its own."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from meterhouse.settings import SETTINGS_FILE
from meterhouse.site import Site
from meterhouse.usage.build import BuildReport, build, daily_usage
from meterhouse.warehouse.view import View
from strategies.event_streams import Event, delivery

Row = dict[str, Any]
EVIDENCE = ("opened_batch", "opened_record", "closed_batch", "closed_record")

SETTINGS = """\
[site]
name = "Test"
time_zone = "{zone}"
[warehouse]
threads = 2
[[resources]]
name = "cloud"
kind = "cloud"
"""


@cache
def _empty_site() -> Path:
    """A site without records, made once: migrating a register takes longer than most tests."""
    folder = Path(tempfile.mkdtemp(prefix="meterhouse-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with Site.init(folder / "site", settings_text=SETTINGS.format(zone="UTC")) as site, site.warehouse:
        pass
    return folder / "site"


def made_site(path: Path, settings_text: str) -> Site:
    """As `Site.init`, in a fraction of the time."""
    shutil.copytree(_empty_site(), path)
    (path / SETTINGS_FILE).write_text(settings_text, encoding="utf-8")
    return Site.open(path)


@contextmanager
def new_site(zone: str = "UTC") -> Iterator[Site]:
    with (
        tempfile.TemporaryDirectory(prefix="meterhouse-") as folder,
        made_site(Path(folder, "site"), SETTINGS.format(zone=zone)) as site,
        site.warehouse,
    ):
        yield site


def land(site: Site, events: list[Event], name: str = "events") -> bool:
    """Whether it was new."""
    return not site.warehouse.land(delivery(events, name)).already_landed


def build_site(site: Site, *, full: bool = False) -> BuildReport:
    return build(site.warehouse, site.engine, site.settings.site.time_zone, full=full)


def rows_of(site: Site, table: str, view: View | None = None) -> list[Row]:
    view = view or site.warehouse.view()
    with site.engine() as engine, view.reading():
        sql = daily_usage(view) if table == "daily" else view.select(table)
        return engine.query(sql).to_pylist()


def counted(rows: list[Row], without: tuple[str, ...] = ()) -> Counter[tuple[tuple[str, Any], ...]]:
    """Rows as a multiset: two of them differ exactly where the tables do."""
    return Counter(
        tuple(sorted((name, value) for name, value in row.items() if name not in without)) for row in rows
    )


def usage_of(site: Site, view: View | None = None) -> tuple[Counter[Any], Counter[Any]]:
    """Spans without their evidence, and daily usage."""
    return counted(rows_of(site, "span", view), EVIDENCE), counted(rows_of(site, "daily", view))
