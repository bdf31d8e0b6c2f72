"""Where is the reference input: real files of Open XDMoD, worked cases, generators of scans?

Beside the checkout, or where METERHOUSE_REFERENCE says. A clone has none: tests that need it skip there.
"""

from __future__ import annotations

import os
from pathlib import Path

REFERENCE_INPUT = Path(os.environ.get("METERHOUSE_REFERENCE") or Path(__file__).parents[3] / "shared")
