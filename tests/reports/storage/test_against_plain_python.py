"""Group and project reports of invented scans agree with a plain loop over the lines, to the byte."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from decimal import Decimal
from random import Random

import pytest
from scan_reading import Entry

from meterhouse.sources.filesystem.path_text import text_of_path
from services.storage_world import DAY, moment

NOON = moment("2024-01-05")
CLASSES = {
    "bam": r"\.(bam|sam)(\.gz)?$",
    "cram": r"\.cram(\.gz)?$",
    "vcf": r"\.(vcf|bcf|gvcf)(\.gz)?$",
    "pedbed": r"\.(ped|bed)(\.gz)?$",
}


def invented(chance: Random, number: int) -> list[Entry]:
    """Names below several MDTs, some of them hard-linked, gone, of the future, or no UTF-8."""
    found = []
    for inode in range(1, number):
        parts = [b"/lustre/s119", *([b"realdata", b"mdt%d" % chance.randrange(3)] if inode % 9 else [])]
        parts.append(chance.choice([b"projects", b"teams", b"other"]))
        parts += [
            chance.choice([b"a", b"b", b"users", b"Users", b"x\xff", b"\\x41", b"two words"])
            for _ in range(chance.randrange(6))
        ]
        kind = chance.choice("ffffdl")
        links = chance.choice([0, 1, 1, 1, 2, 3])
        name = b"n%d%s" % (
            inode,
            chance.choice([b".bam", b".CRAM", b".vcf.gz", b".bed", b".sam.gz", b".bai", b""]),
        )
        numbers = {"size": chance.randrange(10**12), "gid": chance.choice([7, 8, 9, 555]), "links": links}
        age = chance.choice([-3, 0, 1, 30, 400]) * DAY + chance.randrange(DAY)
        # every name of an inode, as a scan tells it
        for copy in range(max(links, 1) if kind == "f" else 1):
            path = b"/".join([*parts, name + (b"" if copy == 0 else b".%d" % copy)])
            found.append(Entry(path, mtime=NOON - age, type=kind, inode=inode, **numbers))
    return found


def days(newest: int) -> str | None:
    return str(round(Decimal(NOON - newest) / DAY, 1)) if newest else None


@pytest.mark.parametrize("seed", [1, 2])
def test_reports_agree_with_a_plain_loop(world, seed):
    entries = invented(Random(seed), 1500)
    world.scan("s119", "2024-01-05", *entries)
    groups: Counter[str] = Counter()
    newest: defaultdict[str, int] = defaultdict(int)
    projects: defaultdict[str, Counter[str]] = defaultdict(Counter)
    changed: defaultdict[str, int] = defaultdict(int)
    names = {7: "hgi", 8: "humgen", 9: "left"}
    for one in entries:
        if not one.links:
            continue
        size, group = one.size // one.links, names.get(one.gid, str(one.gid))
        usable = one.mtime if one.mtime <= NOON else 0
        groups[group] += size
        newest[group] = max(newest[group], usable)
        below = re.match(rb"/lustre/s119/realdata/mdt[0-9]/((projects|teams)/.*)", one.path)
        if not below or one.type == "l":
            continue
        parts = below[1].split(b"/")
        parts = parts[:-1] if one.type == "f" else parts
        deep = 4 if len(parts) > 2 and parts[2].lower() == b"users" else 3
        for length in range(2, len(parts[:deep]) + 1):
            place = text_of_path(b"/".join(parts[:length]))
            changed[place] = max(changed[place], usable)
            if one.type == "f":
                told = [
                    name
                    for name, end in CLASSES.items()
                    if re.search(end, one.path.decode("latin-1").lower())
                ]
                projects[place].update({"total": size, "files": 1} | dict.fromkeys(told, size))
    question = ("2024-01-05", "--volume", "s119", "--format", "json")
    report = json.loads(world.done("storage", "groups", *question))
    assert {row["group"]: (row["used_bytes"], row["last_modified_days"]) for row in report} == {
        group: (used, days(newest[group])) for group, used in groups.items()
    }
    report = json.loads(world.done("storage", "projects", *question))
    columns = ("total_bytes", "files", *(f"{name}_bytes" for name in CLASSES), "last_modified_days")
    assert len(report) > 20
    assert {
        "/".join(filter(None, (row["project"], row["directory"]))): tuple(row[name] for name in columns)
        for row in report
    } == {
        place: (
            *(projects[place][name] for name in ("total", "files", *CLASSES)),
            days(changed[place]),
        )
        for place in changed
    }
