"""What if Prometheus dies half-way? The hole is told, filled by the next reading, and counted once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cluster import Cluster
from commands import collect_and_kill, run
from month import opened
from prometheus_server import PrometheusServer

from meterhouse.reports.coverage import state_coverage

DELIVERIES = 60  # of about 190


def test_a_hole_is_covered_as_failed_then_filled_and_counted_once(
    make_site: Callable[[], Path], server: PrometheusServer, cluster: Cluster, collected: Path
) -> None:
    site = make_site()
    first = datetime.fromtimestamp(cluster.start, UTC)

    code, errors = collect_and_kill(site, server, DELIVERIES)
    assert code == 4
    assert "pod_cpu_request: no connection" in errors
    assert run(site, "build").returncode == 0
    with opened(site) as half:
        reached = datetime.fromtimestamp(half.until("pods"), UTC)
        now = max(window.end for window in half.view.coverage("ocp"))
        hole = state_coverage("ocp", "kubernetes", half.view.coverage("ocp", "kubernetes"), first, now)
        (newest,) = half.rows("SELECT MAX(\"end\") AS newest FROM span WHERE kind = 'pod'")
    assert first + timedelta(days=5) < reached < now - timedelta(days=5)
    assert [(window.start, window.end) for window in hole.read] == [(first, reached)]
    assert [(window.start, window.end) for window in hole.failed] == [(reached, now)]
    assert newest["newest"] == reached

    server.start()
    again = run(site, "collect")
    assert again.returncode == 0, again.stderr
    assert run(site, "build").returncode == 0

    with opened(site) as filled, opened(collected) as at_once:
        until = datetime.fromtimestamp(min(filled.until("pods"), at_once.until("pods")), UTC)
        calls = filled.view.coverage("ocp", "kubernetes")
        assert state_coverage("ocp", "kubernetes", calls, first, until).outcome == "complete"
        # Spans that were still open when either site read last may differ by what came since.
        ended = f"""FROM span WHERE "end" < TIMESTAMPTZ '{until}' - INTERVAL 1 HOUR"""
        what = (
            'kind, item, "start", "end", state, cpu_millis, memory_mib, gpus, gpu_model, class, space_bytes'
        )
        assert filled.rows(f"SELECT {what} {ended} ORDER BY ALL") == at_once.rows(
            f"SELECT {what} {ended} ORDER BY ALL"
        )
        until_pods = filled.until("pods")
        assert filled.total(
            """SELECT project_ref, SUM(wall_seconds * cpu_millis) FROM daily
                WHERE kind = 'pod' GROUP BY project_ref"""
        ) == cluster.total(lambda held: held.cpu_micros // 1000, until_pods, lambda held: held.namespace)
        spans, days, levels = filled.spans(), filled.days(), filled.levels()

    assert run(site, "build", "--full").returncode == 0
    with opened(site) as anew:
        assert anew.spans().equals(spans)
        assert anew.days().equals(days)
        assert anew.levels().equals(levels)


def test_reading_again_changes_nothing_but_what_is_new(collected: Path, server: PrometheusServer) -> None:
    with opened(collected) as before:
        spans = before.rows("SELECT COUNT(*) AS spans FROM span WHERE NOT is_last")

    assert run(collected, "collect").returncode == 0
    assert run(collected, "build").returncode == 0

    with opened(collected) as after:
        assert after.rows("SELECT COUNT(*) AS spans FROM span WHERE NOT is_last") == spans
