"""With RECORD=1: write what the cloud answers to one reading to tests/data/openstack, for the fast tests."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from meterhouse.sources.delivery import Coverage

FOLDER = Path(__file__).parents[2] / "data" / "openstack" / "recorded"


@pytest.mark.skipif(os.environ.get("RECORD") != "1", reason="only when RECORD=1 asks for new fixtures")
def test_answers_to_a_first_reading_are_recorded(played, layout, connect):
    from recording import record_answers

    from meterhouse.sources.openstack.collector import collect

    connection = connect()
    record_answers(connection, layout, FOLDER)
    (collected,) = collect(connection, "testcloud", None, datetime.now(UTC))
    outcomes = {one.outcome for one in collected.delivery.stream if isinstance(one, Coverage)}
    assert outcomes <= {"ok", "empty"}
