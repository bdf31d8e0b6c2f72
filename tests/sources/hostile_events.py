"""A file of OpenStack events, some of them damaged in every way we could think of, and which are good.

Made from a seed, element by element, so that a file of any size needs no memory. Used by the tests
and by bench/hostile_file.py.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

STYLES = ("pretty", "array of lines", "json lines", "compact")

Event = dict[str, object]


@dataclass(slots=True)
class Element:
    """One element of the file: its bytes, and what it is."""

    number: int
    damage: str  # empty for a good record
    text: bytes


def write_hostile_file(path: Path, style: str, count: int, seed: int) -> tuple[dict[int, str], int]:
    """Write `count` elements; return the kinds of damage by element number, and how many are good."""
    damaged: dict[int, str] = {}
    with path.open("wb") as file:
        file.write(b"" if style == "json lines" else b"[" if style == "compact" else b"[\n")
        for element in elements(style, count, seed):
            if element.damage:
                damaged[element.number] = element.damage
            lead = b"  " if style == "pretty" else b""
            file.write(lead + element.text)
            if element.number < count and style != "json lines":
                file.write(b",")
            if style != "compact":
                file.write(b"\n")
        file.write(b"" if style == "json lines" else b"]")
    return damaged, count - len(damaged)


def elements(style: str, count: int, seed: int) -> Iterator[Element]:
    """The elements; three in ten are damaged, often several in a row."""
    choose = random.Random(seed)
    kinds = list(BY_TEXT) + list(BY_VALUE) + list(NO_RECORD)
    previous = ""
    for number in range(1, count + 1):
        event = good_event(choose, number)
        damage = choose.choice(kinds) if choose.random() < 0.3 else ""
        if not _tellable(style, previous, damage):
            damage = ""
        if damage in NO_RECORD:
            text = NO_RECORD[damage](choose)
        elif damage in BY_VALUE:
            text = _text(BY_VALUE[damage](choose, event), style).encode("utf-8", "surrogateescape")
        else:
            text = _text(event, style).encode()
            if damage:
                text = BY_TEXT[damage](choose, text)
        previous = damage
        yield Element(number, damage, text)


def _tellable(style: str, previous: str, damage: str) -> bool:
    """Can two damaged elements in a row be told apart, by anyone who sees only the file?"""
    if style == "compact" and previous and damage:
        # Without lines two are told by `},{"key":` alone, which also stands between a list's objects:
        # `{"a":1,{"k":2}`        two, the first without end, or one that lacks a key
        # `%PDF {,{"k":2 "l":3}`  rubbish and a record, or rubbish with a comma and a brace in it
        # `{"k" 1},"l":2}`        two, the second without beginning, or one with a stray brace
        # `{"k":[{"a" 1},{]"l":2` two, or one list's two objects: a key that records have is missing
        # Of huge records the reader looks for a mark in the first 131,072 characters only.
        return previous not in {*WITHOUT_END, "garbage"} and damage not in (
            WITHOUT_BEGINNING | FIRST_KEY_HIT | {"huge text"}
        )
    if damage == "lone brace" and previous:
        return False  # it may as well be the end of what stands before it
    ends_unseen = WITHOUT_END if style == "pretty" else {"cut short"}
    return not (previous in ends_unseen and damage in WITHOUT_BEGINNING)


def good_event(choose: random.Random, number: int) -> Event:
    """A good record, not always in the plainest form."""
    minute, second = divmod(number, 60)
    time = f"2018-04-{1 + number // 86400 % 30:02d}T{minute // 60 % 24:02d}:{minute % 60:02d}:{second:02d}"
    zone = choose.choice(["", ".5", ".774847", "Z", "+00:00", ".25-05:00"])
    event: Event = {
        "event_type": choose.choice(
            ["compute.instance.create.end", "compute.instance.exists", "volume.update"]
        ),
        "generated": choose.choice([time, time.replace("T", " ")]) + zone,
        "message_id": f"message-{number}",
        "instance_id": f"{choose.randrange(1 << 32):08x}-aaaa",
        "vcpus": choose.choice(["4", 4, None, "0", 1_000_000]),
        "memory_mb": choose.choice([4096, "4096", 1 << 53]),
        "state": "active",
        "user_name": choose.choice(
            ["calla", "Jürgen Größe", "藤原", "🌻 rose", 'quote " and \\', "a" * 1024]
        ),
        "display_name": choose.choice(['{"event_type": "},{"}', "},\n  {", "[{", "", "\x7f"]),
        "raw": choose.choice([{}, None, {"list": [{"id": 1}, {"id": 2, "deep": [{"a": []}, {"b": {}}]}]}]),
        "tenant_id": choose.choice(["7e9a", 12, 1.5, True, None]),
    }
    if choose.random() < 0.3:
        keys = list(event)
        choose.shuffle(keys)
        event = {key: event[key] for key in keys}
    return event


def _text(event: Event, style: str) -> str:
    # A list of pairs stands for an object with these keys, of which some may be the same.
    pairs = event.pop("", None)
    text = json.dumps(event, ensure_ascii=len(str(event.get("message_id"))) % 2 == 0)
    if style == "pretty":
        text = json.dumps(event, indent=2, ensure_ascii=False).replace("\n", "\n  ")
    elif style == "compact":
        text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    if pairs is not None:
        separator = ",\n    " if style == "pretty" else ","
        text = "{" + f'"{pairs[0]}": {pairs[1]}{separator}' + text[1:].lstrip()  # type: ignore[index]
    return text


def _replaced(old: bytes, new: bytes) -> Callable[[random.Random, bytes], bytes]:
    def damage(choose: random.Random, text: bytes) -> bytes:
        assert old in text, (old, text)
        return text.replace(old, new, 1)

    return damage


def _cut(choose: random.Random, text: bytes) -> bytes:
    return text[: choose.randrange(12, len(text) - 1)].rstrip()


def _huge(choose: random.Random, text: bytes) -> bytes:
    # Some longer than what is read at a time, a few longer than any record may be.
    length = choose.choices([1_025, 5_000, 300_000, 2_200_000], [60, 30, 9, 1])[0]
    return text.replace(b"active", b"a" * length)


# Damage to the text of a good record.
BY_TEXT: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "no closing brace": lambda choose, text: text[: text.rindex(b"}")].rstrip(),
    "no opening brace": lambda choose, text: text[1:].lstrip(),
    "no braces": lambda choose, text: text[1:-1].strip(),
    "no colon": _replaced(b'"state":', b'"state"'),
    "no closing quote": _replaced(b"active", b'active"'),
    "no opening quote": _replaced(b'"state"', b'state"'),
    "stray quote": _replaced(b"active", b'act"ive'),
    "stray brace": _replaced(b'"state"', b'}"state"'),
    "stray bracket": _replaced(b'"state"', b']"state"'),
    "single quotes": _replaced(b'"state"', b"'state'"),
    "bad escape": _replaced(b"active", b"act\\xive"),
    "trailing comma": lambda choose, text: text[: text.rindex(b"}")].rstrip() + b",}",
    "raw control character": _replaced(b"active", b"act\x01ive"),
    "raw line break": _replaced(b"active", b"act\nive"),
    "raw NUL": _replaced(b"active", b"act\x00ive"),
    "cut short": _cut,
    "not a number": _replaced(b'"active"', b"NaN"),
    "infinity": _replaced(b'"active"', b"-Infinity"),
    "too large for a fraction": _replaced(b'"state"', b'"other":1e999,"state"'),
    "integer of 5,000 digits": _replaced(b'"active"', b"1" * 5_000),
    "nested too deep": _replaced(b'"active"', b"[" * 5_000 + b"]" * 5_000),
    "objects nested too deep": _replaced(b'"active"', b'{"a":[' * 2_000 + b"]}" * 2_000),
    "nested and never closed": _replaced(b'"active"', b'[{"a":1},{"a":' * 2_000),
    "no UTF-8 in text": _replaced(b"active", b"act\xffive"),
    "no UTF-8 between": _replaced(b'"state"', b'\xc3\x28"state"'),
    "UTF-8 cut short": _replaced(b"active", "activ€".encode()[:-1]),
    "no UTF-8 in a key": _replaced(b'"state"', b'"sta\xfete"'),
    "NUL": _replaced(b"active", b"act\\u0000ive"),
    "half a surrogate pair": _replaced(b"active", b"act\\ud83dive"),
    "half a surrogate pair in a key": _replaced(b'"tenant_id"', b'"\\uDE00"'),
    "no UTF-8 far within": _replaced(b'"state"', b'"other":{"x":[{"y":"\xff"}]},"state"'),
    "two values for one key": _replaced(b'"state"', b'"state":"stopped","state"'),
    "two values for one nested key": _replaced(b'"state"', b'"other":[{"a":1,"a":true}],"state"'),
    "huge text": _huge,
}


def _set(key: str, *values: object) -> Callable[[random.Random, Event], Event]:
    return lambda choose, event: {**event, key: choose.choice(values)}


# A good record but for one value.
BY_VALUE: dict[str, Callable[[random.Random, Event], Event]] = {
    "no event type": lambda choose, event: {key: event[key] for key in event if key != "event_type"},
    "event type that is none": _set("event_type", None, "", 7, ["compute"], {}),
    "time that is none": _set("generated", None, "", "yesterday", 7, 1523998725, [], {"at": 1}, "2018-04-18"),
    "impossible time": _set(
        "generated",
        *("2018-02-30T00:00:00", "2018-13-01T00:00:00", "2018-04-18T25:00:00", "2018-04-18T24:00:00"),
        *("2018-04-18T14:60:00", "2018-04-18T14:00:61", "2018-04-18T14:58:45+25:00", "20180418T145845"),
        *("２018-04-18T14:58:45", "2018-04-18T14:58:45.", "2018-04-18T14:58:45 UTC", " 2018-04-18T14:58:45"),
    ),
    "time out of range": _set(
        "generated",
        *("0000-01-01T00:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "1989-12-31T23:59:59.999999"),
        *(
            "2100-01-01T00:00:00",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00",
            "99999-01-01T00:00:00",
        ),
    ),
    "other time that is none": _set("launched_at", "soon", 0, False, "2018-02-30T00:00:00Z"),
    "size that is none": _set("vcpus", "four", "", 1.5, 4.0, True, [], {}, "0x10", "４", "1e3", "4 "),
    "size out of range": _set("vcpus", -1, "-1", 1_000_001, 10**30, str(10**30), "-9223372036854775809"),
    "memory out of range": _set("memory_mb", (1 << 53) + 1, -4096, str(1 << 63)),
    "text that is none": _set("project_id", 12, 1.5, True, ["a"], {"id": "a"}),
    "text too long": _set("project_name", "a" * 1_025, "ä" * 70_000),
    "too much beyond": _set("other", "b" * 65_537, ["c"] * 20_000),
    "one key twice": lambda choose, event: {**event, "": ("event_type", '"other.type"')},
}

# Something else in a record's place.
NO_RECORD: dict[str, Callable[[random.Random], bytes]] = {
    "no object": lambda choose: choose.choice(
        [b"null", b"42", b"-1.5e3", b'"text"', b"[]", b"[1, 2]", b"true", b"NaN"]
    ),
    "garbage": lambda choose: choose.choice(
        [b"garbage", b"<html>", b"\xff\xfe\x00", b"%PDF-1.4 (x) {", b"--"]
    ),
    "lone brace": lambda choose: b"}",
    "empty object": lambda choose: b"{}",
}

WITHOUT_END = {"cut short", "no closing brace", "no braces", "trailing comma"}
WITHOUT_BEGINNING = {"no opening brace", "no braces", *NO_RECORD}
# The damage stands before or in the first key when "state" is the first.
FIRST_KEY_HIT = {
    *("no opening quote", "stray brace", "stray bracket", "single quotes", "no UTF-8 between", "cut short")
}
