"""Files for the readers: written by the test, or samples."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for file_reading and hostile_events

from file_reading import Reading, read

from meterhouse.sources.delivery import Delivery

Reader = Callable[[Path, str], Delivery]


@pytest.fixture
def read_text(tmp_path: Path) -> Callable[..., Reading]:
    """Write text (or bytes) to a file and read it: read_text(reader, content, name="events.json")."""

    def written_and_read(reader: Reader, content: str | bytes, name: str = "events.json") -> Reading:
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return read(reader(path, "cloud"))

    return written_and_read


@pytest.fixture
def samples() -> Path:
    return Path(__file__).parents[1] / "data" / "cloud"
