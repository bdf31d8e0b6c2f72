"""Run as a program, on behalf of staff: read a configured source now, and build what it said.

`python -m meterhouse.web.pages.run_source SITE SOURCE`. What it prints stands on the page of sources. Of
several, one reads at a time; the others wait.
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meterhouse.errors import MeterhouseError

FOLDER = ".source-runs"
WAITS = "waits: another source is being read"
_TURN = "turn.lock"


def main(path: str, name: str) -> int:
    """0 when everything was read."""
    with _turn(Path(path) / FOLDER):
        return _read(path, name)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Wait until no other is reading; whoever dies gives way."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / _TURN).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(WAITS, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
            print("reads: its turn has come", flush=True)
        yield


def _read(path: str, name: str) -> int:
    from meterhouse.operations.collection.collecting import chosen_sources, collect_source
    from meterhouse.site import Site
    from meterhouse.usage.build import build
    from meterhouse.usage.rollups import roll_up

    failed = False
    with Site.open(path) as site:
        for source in chosen_sources(site, [name]):
            for one in collect_source(site, source):
                print(f"{one.records} records, {one.landed.rejections} rejected", flush=True)
                for failure in one.failures:
                    failed = True
                    print(f"failed: {failure}", flush=True)
        report = build(site.warehouse, site.engine, site.settings.site.time_zone)
        roll_up(site.warehouse.view(), site.engine)
        print(f"built: {report.rows.get('span', 0)} spans", flush=True)
    return 4 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2]))
    except MeterhouseError as mistake:
        print(f"failed: {mistake}", flush=True)
        sys.exit(1)
