"""Which modules and sites do the tests of reports on file systems share?"""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(TESTS / "sources" / "filesystem")]  # for scan_reading

from services.storage_world import empty_storage_site, world  # noqa: E402, F401
