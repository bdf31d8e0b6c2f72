"""The test cloud, the timetable as it was played, and what both ways of collecting said of it."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "sources" / "openstack")]  # for said_events, too

STATE = os.environ.get("METERHOUSE_E2E_OPENSTACK")
POLL_SECONDS = 5.0

if STATE is None:
    collect_ignore_glob = ["test_*.py"]


@dataclass
class Played:
    """The steps that were done, and all that polls and notifications delivered."""

    steps: list = field(default_factory=list)
    polls: list = field(default_factory=list)
    poll_times: list[datetime] = field(default_factory=list)
    notifications: list = field(default_factory=list)
    cursor: dict | None = None


@pytest.fixture(scope="session")
def layout():
    from services import Layout

    first_port = int(os.environ.get("OPENSTACK_FIRST_PORT", "25000"))
    return Layout(Path(str(STATE)), Path(os.environ.get("OPENSTACK_VENV", ".")), first_port)


@pytest.fixture(scope="session")
def connect(layout):
    from openstack.config.loader import OpenStackConfig
    from openstack.connection import Connection

    configured = OpenStackConfig(config_files=[str(layout.state / "clouds.yaml")])
    return lambda: Connection(config=configured.get_one(cloud="testcloud"))


@pytest.fixture(scope="session")
def played(layout, connect) -> Played:
    """The timetable, played once: read by polls and by notifications while it goes on."""
    from timetable import Cloud, play, prepare

    from meterhouse.sources.openstack.collector import collect
    from meterhouse.sources.openstack.notifications import Bus, NotificationConsumer

    played, over = Played(), threading.Event()
    bus = Bus(
        f"amqp://cloud:cloud@127.0.0.1:{layout.port('rabbit')}/%2F",
        queue="meterhouse-e2e",
        batch_seconds=2,
        bind_seconds=1,
    )

    def listen() -> None:
        for batch in NotificationConsumer("testcloud", bus).batches(over.is_set):
            played.notifications.extend(batch.delivery.stream)
            batch.acknowledge()

    reader = connect()

    def poll() -> None:
        began = datetime.now(UTC)
        for collected in collect(reader, "testcloud", played.cursor, began):
            played.polls.extend(collected.delivery.stream)
            played.cursor = collected.cursor
        played.poll_times.append(began)
        time.sleep(POLL_SECONDS)

    def stage() -> Cloud:
        cloud = Cloud(connect(), base.image, base.flavors, base.external)
        cloud.connection.compute.default_microversion = "2.84"
        return cloud

    listening = threading.Thread(target=listen, daemon=True)
    listening.start()
    try:
        base = Cloud(connect())
        prepare(base)  # now every service has said something, and so has its exchange
        time.sleep(3)
        poll()
        played.steps = play(stage, poll)
        poll()
    finally:
        over.set()
        listening.join(timeout=30)
    return played
