"""What does a site say of the month? Totals of spans, days and levels, in whole numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from meterhouse.operations.collection.cursors import read_cursor
from meterhouse.site import Site
from meterhouse.usage.tables import INTERVAL

EVIDENCE = ("opened_batch", "opened_record", "closed_batch", "closed_record")


@dataclass
class Month:
    """A site with its tables under their names, to be asked in SQL."""

    site: Site
    engine: Any
    view: Any

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.engine.query(sql).to_pylist()

    def total(self, sql: str) -> Counter:
        """The rows of a query as a counter: the last column by those before it (one of them: itself)."""
        found: Counter = Counter()
        for row in self.rows(sql):
            *by, value = row.values()
            found[tuple(by) if len(by) > 1 else by[0]] += int(value or 0)
        return +found

    def until(self, group: str) -> int:
        """Until when (seconds since 1970) the cursor says that a group was read."""
        cursor = read_cursor(self.site.register.alias, "ocp-prometheus", "ocp")
        assert cursor is not None
        return int(datetime.fromisoformat(cursor["read_until"][group]).timestamp())

    def spans(self) -> pa.Table:
        """All spans but for their evidence, in a fixed order."""
        names = ", ".join(f'"{name}"' for name in INTERVAL.names if name not in EVIDENCE)
        return self.engine.query(f"SELECT {names} FROM span ORDER BY ALL")

    def levels(self) -> pa.Table:
        return self.engine.query("SELECT * FROM level ORDER BY ALL")

    def days(self) -> pa.Table:
        return self.engine.query("SELECT * FROM daily ORDER BY ALL")


@contextmanager
def opened(path: Path) -> Iterator[Month]:
    from meterhouse.usage.build import daily_usage

    with Site.open(path) as site, site.engine() as engine:
        view = site.warehouse.view()
        engine.relation("span", view.select("span"))
        engine.relation("level", view.select("level"))
        engine.relation("daily", daily_usage(view))
        engine.relation("kubernetes_series", view.select("kubernetes_series"))
        yield Month(site, engine, view)
