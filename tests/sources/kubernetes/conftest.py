"""A server that pretends to be Prometheus, and a client that doesn't wait long."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for pretend_prometheus

from pretend_prometheus import PretendPrometheus, matrix

from meterhouse.sources.kubernetes.prometheus import Patience, Prometheus, Server

PATIENCE = Patience(timeout_seconds=5, attempts=3, first_wait_seconds=0.001, longest_wait_seconds=0.002)


@pytest.fixture
def pretend() -> Iterator[PretendPrometheus]:
    """Answers that there is nothing, until the test says otherwise."""
    server = PretendPrometheus(lambda question: matrix())
    yield server
    server.close()


@pytest.fixture
def prometheus(pretend: PretendPrometheus) -> Iterator[Prometheus]:
    with Prometheus(Server(pretend.url), PATIENCE) as client:
        yield client
