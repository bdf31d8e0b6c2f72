"""What should reports on scans say? Plain Python over lists of entries, written from the rules alone."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from strategies.plain_volume import Counted, PlainVolume, as_text, newest


def moment(time: int | None) -> str:
    """A time as CSV has it."""
    return "" if time is None else datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def gathered(names: Iterable[Counted], key: Callable[[Counted], Any]) -> dict[Any, list[Counted]]:
    found: dict[Any, list[Counted]] = defaultdict(list)
    for one in names:
        found[key(one)].append(one)
    return found


def groups(
    volume: PlainVolume, names: dict[int, str], counted: str = "shared"
) -> dict[str, tuple[int, str | None]]:
    """Bytes and days since the last change, by group."""
    return {
        group: (
            sum(getattr(one, counted) for one in kept),
            volume.days_since(newest(o.modified for o in kept)),
        )
        for group, kept in gathered(
            volume.names, lambda one: names.get(one.entry.gid, str(one.entry.gid))
        ).items()
        if any(getattr(one, counted) for one in kept) or newest(o.modified for o in kept) is not None
    }


def users(
    volume: PlainVolume, user_names: dict[int, str], group_names: dict[int, str]
) -> dict[tuple[str, str], tuple[int, int, str]]:
    """Bytes, files and the day of the last change, by user and group."""

    def owners(one: Counted) -> tuple[str, str]:
        entry = one.entry
        return user_names.get(entry.uid, str(entry.uid)), group_names.get(entry.gid, str(entry.gid))

    return {
        key: (
            sum(o.shared for o in kept),
            sum(o.files for o in kept),
            moment(newest(o.modified for o in kept))[:10],
        )
        for key, kept in gathered(volume.names, owners).items()
    }


def directories(volume: PlainVolume, depth: int) -> dict[str, tuple[int, int, int, int, str, str]]:
    """Every directory of so many names, with all that is below it."""
    below = [one for one in volume.names if len(one.above) >= depth]
    found = gathered(below, lambda one: as_text(b"/" + b"/".join(one.above[:depth])))
    return {
        key: (
            *(
                sum(getattr(one, what) for one in kept)
                for what in ("shared", "files", "inodes", "directories")
            ),
            moment(min((o.accessed for o in kept if o.files and o.accessed is not None), default=None)),
            moment(newest(o.modified for o in kept)),
        )
        for key, kept in found.items()
    }


def told_apart(one: Counted, limit: int) -> str:
    """The directory of usage: cut to a depth, one deeper below a directory of users."""
    names = one.above
    if len(names) > limit > 0 and names[limit - 1].lower() == b"users":
        limit += 1
    return as_text(b"/" + b"/".join(names[:limit]))


def old(
    volume: PlainVolume, days: int, since: str, key: Callable[[Counted], str]
) -> dict[str, tuple[int, int, int, str]]:
    """Old bytes, old files, all bytes and the oldest access, of regular files."""
    found = {}
    for what, kept in gathered([o for o in volume.names if o.files], key).items():
        times = [(one, volume.age(one.accessed if since == "access" else one.modified)) for one in kept]
        aged = [one for one, age in times if age is not None and age >= days]
        if aged:
            accesses = [o.accessed for o in kept if o.accessed is not None]
            found[what] = (
                sum(o.shared for o in aged),
                len(aged),
                sum(o.shared for o in kept),
                moment(min(accesses, default=None)),
            )
    return found


def projects(
    volume: PlainVolume, root: bytes, named: dict[int, str]
) -> dict[str, tuple[int, int, Counter[str], str | None, str]]:
    """By place: bytes and files, bytes by class, days since the last change, and whose it mostly is."""
    found: dict[str, list[Counted]] = defaultdict(list)
    for one in volume.names:
        inside = re.match(root + rb"/((?:projects|teams)(?:/.*)?)$", b"/" + b"/".join(one.above), re.DOTALL)
        if not inside or one.entry.type not in "fd":
            continue
        names = inside[1].split(b"/")
        depth = 4 if len(names) > 2 and names[2].lower() == b"users" else 3
        for length in range(2, min(len(names), depth) + 1):
            found[as_text(b"/".join(names[:length]))].append(one)
    return {place: _project(volume, kept, named) for place, kept in found.items()}


def _project(volume: PlainVolume, kept: list[Counted], named: dict[int, str]) -> Any:
    files = [one for one in kept if one.files]
    classes: Counter[str] = Counter()
    for one in files:
        classes[one.file_class] += one.shared

    def weight(gid: int) -> Any:
        of = [one for one in kept if one.entry.gid == gid]
        amounts = (
            sum(o.shared for o in of if o.files),
            sum(o.files for o in of),
            sum(o.directories for o in of),
        )
        return [-amount for amount in amounts], gid

    mostly = min({one.entry.gid for one in kept}, key=weight)
    return (
        sum(one.shared for one in files),
        len(files),
        +classes,
        volume.days_since(newest(one.modified for one in kept)),
        named.get(mostly, str(mostly)),
    )
