"""What would the example file system have said? What everyone keeps on it, once a day."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from random import Random

from meterhouse.operations.demo.people import PROJECTS

FILES = "home"
_SEED = 20260904
_GIB = 2**30


def write_stored(folder: Path, first: date, last: date) -> None:
    """Write a file a day in Open XDMoD's storage format: two mountpoints, every member of every project."""
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(_SEED)  # noqa: S311 - an example, not a secret
    sizes = {
        (mountpoint, user, project.pi): random.randint(5, 900) * _GIB
        for mountpoint in ("/home", "/projects")
        for project in PROJECTS
        for user in project.members
    }
    day = first
    while day <= last:
        rows = []
        for (mountpoint, user, pi), size in sizes.items():
            size = sizes[mountpoint, user, pi] = max(_GIB, int(size * random.uniform(0.985, 1.025)))
            rows.append(
                {
                    "resource": FILES,
                    "mountpoint": mountpoint,
                    "user": user,
                    "pi": pi,
                    "dt": f"{day}T04:00:00Z",
                    "file_count": size // (3 << 20),
                    "logical_usage": size,
                    "physical_usage": size + size // 10,
                    "soft_threshold": 1000 * _GIB,
                    "hard_threshold": 1200 * _GIB,
                }
            )
        (folder / f"storage-{day}.json").write_text(json.dumps(rows, indent=0), encoding="utf-8")
        day += timedelta(days=1)
