"""How is text from outside shown in messages without doing harm? Escaped, and cut to a length."""

from __future__ import annotations

import json

EXCERPT_CHARACTERS = 200
FOUND_CHARACTERS = 80


def excerpt(text: str, most: int = EXCERPT_CHARACTERS) -> str:
    """`text` on one printable line of at most `most` characters; "..." ends what was cut.

    Control and format characters (terminal escapes, changes of writing direction) and bytes that
    are no UTF-8 appear as backslash escapes.
    """
    shown = "".join(one if one.isprintable() else _escaped(one) for one in text[:most])
    if len(shown) > most or len(text) > most:
        return shown[: most - 3] + "..."
    return shown


def found(value: object) -> str:
    """A JSON value as a message names it: what it is, and its beginning."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the boolean {'true' if value else 'false'}"
    if isinstance(value, str):
        if len(value) > FOUND_CHARACTERS:
            return f'text of {len(value):,} characters "{excerpt(value, FOUND_CHARACTERS)}"'
        return f'"{excerpt(value, FOUND_CHARACTERS)}"'
    if isinstance(value, int):
        digits = value.bit_length() * 30103 // 100000 + 1
        return str(value) if digits <= FOUND_CHARACTERS else f"a number of about {digits:,} digits"
    if isinstance(value, float):
        return f"the fraction {value!r}"
    kind = "a list" if isinstance(value, list) else "an object"
    if not value:
        return f"{kind} that is empty"
    return f"{kind} of {len(value):,}" if isinstance(value, list | dict) else json.dumps(str(type(value)))


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as the surrogateescape error handler keeps it
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
