"""Where do these tests find what they share: the generator of events, and a PostgreSQL server?"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests")]
