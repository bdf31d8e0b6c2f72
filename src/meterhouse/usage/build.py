"""How do raw records become spans, daily usage and levels? All at once, or only what is new.

Both ways give the same rows (design.md, invariants *Order* and *Split*).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from meterhouse.usage.building.full import build_everything
from meterhouse.usage.building.incremental import build_what_is_new
from meterhouse.usage.building.meanwhile import EngineAside
from meterhouse.usage.building.models import EVENT_MODELS, model_text, models_key
from meterhouse.usage.building.steps import BuildReport, BuildSteps, added_up

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.store import Warehouse
    from meterhouse.warehouse.view import View

__all__ = ["EVENT_MODELS", "BuildReport", "build", "daily_usage", "model_text", "models_key"]

_MOST_TRIES = 5


def daily_usage(view: View, **which: Any) -> str:
    """A SELECT of daily usage, one row a group; `which` as for `View.select`."""
    return added_up(view.select("daily", **which))


def build(
    warehouse: Warehouse, open_engine: Callable[[], DuckDBEngine], time_zone: str, *, full: bool = False
) -> BuildReport:
    """Bring spans, daily usage and levels up to everything that has landed; publish them in one snapshot.

    When another process publishes a build first, this one starts again from there.
    """
    from meterhouse.warehouse.errors import BuildConflict

    for attempt in range(1, _MOST_TRIES + 1):
        with EngineAside(open_engine) as aside:
            steps = BuildSteps(warehouse, aside.opened, time_zone)
            try:
                if full or steps.last is None or steps.last.models_key != steps.key:
                    report = build_everything(steps)
                else:
                    report = build_what_is_new(steps, steps.last.input_snapshot)
                aside.close()
                return report if report.way == "nothing new" else steps.publish(report)
            except BuildConflict:
                steps.discard()
                if attempt == _MOST_TRIES:
                    raise
            except BaseException:
                steps.discard()
                raise
    raise AssertionError("unreachable")
