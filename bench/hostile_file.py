"""How does a hostile file of a million events fare? Exactly the good records, each bad one reported.

    python bench/hostile_file.py [EVENTS] [STYLE ...]

Writes one file after the other to a temporary folder (about 2 GB each for a million events), reads
it, and prints what came of it with time and memory. Exits with 1 when anything is wrong.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "sources"))

from hostile_events import STYLES
from hostile_reading import read_hostile_file


def _measure(style: str, events: int, seed: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.json"
        start = time.perf_counter()
        outcome = read_hostile_file(path, style, events, seed)
        seconds = time.perf_counter() - start
        size = path.stat().st_size / 1e6
    wrong = {
        name: found[:5]
        for name in ("lost", "let_through", "unreported", "reported_twice", "mistaken")
        if (found := getattr(outcome, name))
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{style:15} {events:>9,} elements {size:>7,.0f} MB  {outcome.good:>9,} good, "
        f"{events - outcome.good:>7,} bad  {seconds:>6.1f} s written and read  {peak} MiB at most  "
        f"{wrong or 'exact'}",
        flush=True,
    )
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("events", type=int, nargs="?", default=1_000_000)
    parser.add_argument("styles", nargs="*", default=STYLES, metavar="style", help=", ".join(STYLES))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    exact = True
    for style in arguments.styles:
        # A process each, so that the peak of memory is its own.
        with multiprocessing.get_context("spawn").Pool(1) as process:
            exact &= process.apply(_measure, (style, arguments.events, arguments.seed))
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
