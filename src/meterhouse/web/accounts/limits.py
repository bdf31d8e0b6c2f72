"""How often may somebody ask? So many times in so many seconds, counted over all workers."""

from __future__ import annotations

import math
from typing import cast

from django.core.cache import caches

from meterhouse.web.accounts.shared import SharedCache


def over_limit(key: str, most: int, seconds: int) -> int | None:
    """Count one more; None where that is within the limit, else after how many seconds to ask again."""
    shared = cast(SharedCache, caches["default"])
    count, left = shared.count(f"{key} {seconds}", seconds)
    return None if count <= most else max(1, math.ceil(left))
