"""Are Open XDMoD's own reference jobs read? Its log has 4,285 lines, of which it counts 4,046 jobs."""

from __future__ import annotations

from collections import Counter

import pytest
from file_reading import read

from meterhouse.sources.slurm.job_files import read_slurm
from services.reference_input import REFERENCE_INPUT

LOG = REFERENCE_INPUT / "data/xdmod/slurm/phillips.log"


@pytest.mark.skipif(not LOG.exists(), reason="Open XDMoD's reference data isn't on this machine")
def test_every_line_becomes_a_record_and_jobs_that_never_started_have_no_nodes() -> None:
    reading = read(read_slurm(LOG, "phillips"))

    assert not reading.rejections
    assert reading.column("record") == list(range(1, 4286))
    waited = [row for row in reading.rows if row["node_list"] is None]
    assert Counter(row["state"] for row in waited) == {"CANCELLED": 239}
