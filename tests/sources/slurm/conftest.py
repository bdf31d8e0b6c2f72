"""Reading text as a file of Slurm's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

from file_reading import Reading, read

from meterhouse.sources.slurm.job_files import read_slurm


@pytest.fixture
def jobs(tmp_path: Path) -> Callable[..., Reading]:
    """Write text (or bytes) to a file and read it: jobs(content, time_zone)."""

    def written_and_read(content: str | bytes, time_zone: str = "UTC") -> Reading:
        path = tmp_path / "sacct.log"
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return read(read_slurm(path, "hpc", time_zone))

    return written_and_read
