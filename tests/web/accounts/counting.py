"""Run as a program: count, keep and lock by what all workers of a site share. Prints JSON."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from meterhouse.web.configured import configure

with configure(sys.argv[1]):
    from django.core.cache import cache
    from django.db import connection

    def counted(_: int) -> int:
        try:
            return int(cache.count("requests", 60)[0])  # type: ignore[attr-defined]
        finally:
            connection.close()

    def added(_: int) -> bool:
        try:
            return bool(cache.add("lock", "x", 60))
        finally:
            connection.close()

    cache.count("first", 60)  # type: ignore[attr-defined]
    with ThreadPoolExecutor(4) as pool:
        counts = sorted(pool.map(counted, range(40)))
        locks = sum(pool.map(added, range(8)))
    cache.set("kept", {"a": [1.5]}, 60)
    cache.set("gone", 1, 0.05)
    short = [cache.count("short", 1)[0] for _ in range(2)]  # type: ignore[attr-defined]
    time.sleep(1.1)
    print(
        json.dumps(
            {
                "counts": counts == list(range(1, 41)),
                "locks": locks,
                "kept": cache.get("kept"),
                "gone": cache.get("gone", "nothing"),
                "short": [*short, cache.count("short", 1)[0]],  # type: ignore[attr-defined]
                "deleted": [cache.delete("kept"), cache.delete("kept"), cache.get("kept")],
            }
        )
    )
