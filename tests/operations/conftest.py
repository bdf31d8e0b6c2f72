"""Which strategies and sites do these tests share?"""

from __future__ import annotations

import strategies.profiles  # noqa: F401
