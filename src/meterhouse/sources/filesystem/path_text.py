"""How are paths, which are bytes, kept as text without loss?

As UTF-8, but for what would do harm or not come back: a byte that is no UTF-8, a control character
and the backslash are written as `\\xNN`.
"""

from __future__ import annotations

import re

_TO_ESCAPE = re.compile(r"[\x00-\x1f\x7f\\\udc80-\udcff]")
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


def text_of_path(path: bytes) -> str:
    """A path as text."""
    text = path.decode("utf-8", "surrogateescape")
    return _TO_ESCAPE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", text)


def path_of_text(text: str) -> bytes:
    """The path that `text_of_path` made text of."""
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text.encode("utf-8"))
