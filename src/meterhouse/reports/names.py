"""How is a name from outside shown to a reader, so that it can't hide or reorder what stands round it?"""

from __future__ import annotations

import unicodedata
from itertools import accumulate

NO_NAME = "(no name)"

# Joiners that Persian, Indic scripts and emoji are spelt with.
JOINERS = "\u200c\u200d"
# Control, format (direction overrides, zero widths), surrogate, line and paragraph separators.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def shown(name: str | None) -> str:
    r"""The name with unseen characters written out (`a<LF>b` -> `a\x0ab`); `(no name)` when there is none.

    For what people read. Files for machines (CSV, JSON, Parquet) carry names exactly as they were said.
    """
    if not name:
        return NO_NAME
    return "".join(_seen(character) for character in name)


def shortened(name: str, room: int) -> str:
    """The name cut to `room` characters, of which wide ones (Chinese, emoji) count twice."""
    widths = [2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in name]
    if sum(widths) <= room:
        return name
    kept = sum(1 for used in accumulate(widths) if used <= room - 1)
    return f"{name[:kept].rstrip(' ' + JOINERS)}…"


def _seen(character: str) -> str:
    if character in JOINERS or unicodedata.category(character) not in _UNSEEN:
        return character
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"
