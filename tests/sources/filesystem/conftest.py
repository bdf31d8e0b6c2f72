"""Scans written by hand, and what comes of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

for _needed in ("numba", "isal"):
    pytest.importorskip(_needed, reason='scans need the extra "scan"')
sys.path.insert(0, str(Path(__file__).parent))  # for scan_reading and plain_scan
