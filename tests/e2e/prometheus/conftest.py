"""A month of a cluster in a real Prometheus, and sites that read it by the program's own commands."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for cluster and its neighbours

from cluster import DAY, Cluster, make_cluster, openmetrics
from commands import run
from prometheus_server import PrometheusMissing, PrometheusServer

from meterhouse.site import Site

SETTINGS = """
[site]
name = "Test"
time_zone = "America/New_York"

[[resources]]
name = "ocp"
kind = "cluster"

[[sources]]
kind = "kubernetes"
name = "ocp-prometheus"
resource = "ocp"
url = "{url}"
history_since = {since}
timeout = "PT20S"
"""


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Thirty days up to today, and today to its end."""
    midnight = int(time.time()) // DAY * DAY
    return make_cluster(midnight - 30 * DAY, 31)


@pytest.fixture(scope="session")
def server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    try:
        server = PrometheusServer(tmp_path_factory.mktemp("prometheus"))
    except PrometheusMissing as missing:
        if os.environ.get("METERHOUSE_E2E_PROMETHEUS"):
            raise
        pytest.skip(str(missing))
    server.fill(openmetrics(cluster))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def make_site(
    cluster: Cluster, server: PrometheusServer, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Path]:
    """A new site that has the cluster as its source."""

    def made() -> Path:
        folder = tmp_path_factory.mktemp("site")
        since = datetime.fromtimestamp(cluster.start, UTC).isoformat()
        Site.init(folder, settings_text=SETTINGS.format(url=server.url, since=since)).close()
        return folder

    return made


@pytest.fixture(scope="session")
def collected(make_site: Callable[[], Path]) -> Path:
    """A site that read the whole month at one go, and built it."""
    site = make_site()
    for command in ("collect", "build"):
        done = run(site, command)
        assert done.returncode == 0, done.stderr
    return site
