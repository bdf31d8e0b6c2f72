"""A cloud that answers what a real one answered."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for replayed_cloud and said_events

from replayed_cloud import ReplayedCloud


@pytest.fixture
def cloud() -> Iterator[ReplayedCloud]:
    replayed = ReplayedCloud()
    yield replayed
    replayed.close()
