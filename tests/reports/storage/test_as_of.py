"""A question about the past is answered as it was known then: scans, quotas, groups' PIs, and decisions."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from scan_reading import Entry

from meterhouse.site import Site

FILE = Entry(b"/lustre/s119/realdata/mdt0/projects/p/sub/f.bam", 2**40, gid=7)


def now() -> str:
    return datetime.now(UTC).isoformat()


def test_what_came_later_changes_no_answer_about_then(world):
    world.scan("s119", "2024-01-05", FILE)
    world.quota("s119", "2024-01-05", hgi=2**31)
    world.done("storage", "decide", "s119", "projects/p", "sub", "--status", "open")
    then = now()
    asked = ("2024-01-05", "--volume", "s119", "--format", "json")
    questions = (
        ("groups", *asked),
        ("projects", *asked),
        ("users", *asked),
        ("top", *asked, "--depth", "3"),
        ("old", *asked, "--days", "0"),
        ("forecast", *asked),
        ("basedirs", *asked),
        ("cost", *asked, "--rate", "1"),
    )
    before = [
        world.done("storage", *question, *(["--as-of", then] if question[0] == "groups" else []))
        for question in questions
    ]
    assert json.loads(before[0])[0]["consumption"] == "1.0 TiB of 2.0 TiB (50.0%)"
    assert json.loads(before[1])[1]["status"] == "open"
    # read again, with more; another quota; another decision
    world.scan(
        "s119", "2024-01-05", FILE, Entry(b"/lustre/s119/realdata/mdt0/projects/p/x", 5, gid=8, inode=2)
    )
    world.quota("s119", "2024-01-05", hgi=2**32)
    world.done("storage", "decide", "s119", "projects/p", "sub", "--status", "done")
    assert [world.done("storage", *question, "--as-of", then) for question in questions] == before
    after = [world.done("storage", *question) for question in questions]
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_a_report_as_of_then_is_printed_and_not_kept(world):
    world.scan("s119", "2024-01-05", FILE)
    asked = ("storage", "groups", "2024-01-05", "--volume", "s119")
    assert len(world.table(*asked, "--as-of", now())) == 1
    assert "No report of this date is kept." in world.done(*asked, "--show")
    with Site.open(world.path) as site:
        snapshot = site.warehouse.view().snapshot
    assert len(world.table(*asked, "--as-of", snapshot)) == 1
