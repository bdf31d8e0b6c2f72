"""Does a build that does two steps at a time give what one gives that does one after the other?"""

from __future__ import annotations

import threading

import pytest

from meterhouse.usage.building import incremental
from meterhouse.usage.building.meanwhile import EngineAside, Meanwhile
from meterhouse.usage.building.steps import BuildSteps
from meterhouse.warehouse.engines import EngineError
from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
from strategies.event_streams import Event
from strategies.examples import TWO, vm
from strategies.sites import build_site, land, new_site, usage_of

A_DAY: list[Event] = [
    *(vm(1, "create.end", item=f"vm-{number}") for number in range(9)),
    *(vm(2 + number, "exists", item=f"vm-{number}") for number in range(9)),
]
THE_NEXT: list[Event] = [
    *(vm(25, "exists", item=f"vm-{number}") for number in range(4)),
    vm(26, "resize.confirm.end", flavor=TWO, item="vm-1"),
    vm(27, "delete.end", "deleted", item="vm-2"),
]
LATE: list[Event] = [vm(3, "power_off.end", "stopped", item="vm-5")]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("news", [THE_NEXT, LATE, [*THE_NEXT, *LATE]], ids=["in time", "late", "both"])
def test_the_rows_are_those_of_a_full_build(monkeypatch, news, threads):
    _allow(monkeypatch, threads)
    with new_site("UTC") as site:
        land(site, A_DAY, "a day")
        build_site(site)
        land(site, news, "the next")
        assert build_site(site).way == "incremental"
        in_steps = usage_of(site)
        build_site(site, full=True)
        assert in_steps == usage_of(site)


@pytest.mark.parametrize(("threads", "in_the_build_s_own"), [(1, True), (2, False)])
def test_a_second_thread_works_where_two_are_allowed(monkeypatch, threads, in_the_build_s_own):
    _allow(monkeypatch, threads)
    worked = []
    write_gone = incremental._write_gone

    def seen(steps: BuildSteps) -> None:
        worked.append(threading.current_thread() is threading.main_thread())
        write_gone(steps)

    monkeypatch.setattr(incremental, "_write_gone", seen)
    with new_site("UTC") as site:
        land(site, A_DAY, "a day")
        build_site(site)
        land(site, THE_NEXT, "the next")
        build_site(site)
    assert worked == [in_the_build_s_own]


def test_a_step_that_fails_beside_the_build_fails_it_and_leaves_no_file(monkeypatch):
    _allow(monkeypatch, 2)

    def fails(steps: BuildSteps) -> None:
        raise OSError("no space left on device")

    with new_site("UTC") as site:
        land(site, A_DAY, "a day")
        build_site(site)
        before, files = usage_of(site), sorted(site.path.rglob("*.parquet"))
        land(site, THE_NEXT, "the next")
        monkeypatch.setattr(incremental, "_write_gone", fails)
        with pytest.raises(OSError, match="no space left"):
            build_site(site)
        assert usage_of(site) == before
        landed = {file for file in site.path.rglob("*.parquet") if "openstack_event" in file.parts}
        assert set(site.path.rglob("*.parquet")) == {*files, *landed}
        monkeypatch.undo()
        assert build_site(site).way == "incremental"


def test_the_engine_is_closed_whatever_happens_and_its_faults_are_told(tmp_path):
    closed = []

    class Engine(DuckDBEngine):
        def close(self) -> None:
            closed.append(threading.current_thread().name)
            super().close()

    def open_engine() -> DuckDBEngine:
        return Engine(temp_directory=tmp_path)

    with EngineAside(open_engine) as aside:
        assert aside.opened().query("SELECT 1 AS one").num_rows == 1
        aside.close()  # and once more at the end: it is closed once
    with pytest.raises(ZeroDivisionError), EngineAside(open_engine):
        raise ZeroDivisionError
    assert len(closed) == 2
    assert threading.current_thread().name not in closed
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]

    def none() -> DuckDBEngine:
        raise EngineError("DuckDB", "", "no memory")

    with pytest.raises(EngineError, match="no memory"), EngineAside(none) as aside:
        aside.opened()


def _allow(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    """Let builds begin with so many threads, whatever the machine has."""
    begin = Meanwhile.__init__

    def begin_with(self: Meanwhile, steps: BuildSteps, *, beside: bool) -> None:
        steps.engine.threads = threads
        begin(self, steps, beside=beside)

    monkeypatch.setattr(Meanwhile, "__init__", begin_with)
