"""Is what was asked for made, once, whatever dies meanwhile, and given to nobody else?"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from email import message_from_string
from pathlib import Path
from typing import Any

from services.mail_server import MailServer

HOURS = "core_hours,wall_hours\n1440.0000,960.0000\n"  # of Ada: (1 + 2) x 480 and 2 x 480


def test_what_a_killed_worker_began_is_taken_up_again(step: Any) -> None:
    (work,) = step("ask")
    assert step("die") is None
    assert [(one["state"], one["attempts"]) for one in step("show")] == [("running", 1)]
    time.sleep(0.7)  # its claim ends
    assert step("once") == 1
    (made,) = step("show")
    assert (made["state"], made["attempts"]) == ("done", 2)
    assert made["files"] == ["usage-2026-03-01_2026-03-20.csv"]
    assert step("fetch", "pi", work) == HOURS


def test_what_kills_every_worker_is_given_up(step: Any) -> None:
    step("ask")
    for _ in range(3):
        assert step("die") is None
        time.sleep(0.7)
    step("once")
    (given_up,) = step("show")
    assert given_up["state"] == "failed"
    assert given_up["error"] == "given up: it ended its maker 3 times"


def test_of_several_workers_one_makes_each(step: Any, processes: Any) -> None:
    step("ask", "pi", "6")
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda one: one("once"), processes))
    assert sum(made) == 6
    assert {(one["state"], one["attempts"]) for one in step("show")} == {("done", 1)}


def test_who_lost_the_claim_leaves_nothing(step: Any) -> None:
    step("ask")
    step("lose")
    (taken,) = step("show")
    assert (taken["state"], taken["files"]) == ("running", [])


def test_a_file_is_for_its_owner_as_long_as_they_may_see_its_rows(step: Any, folder: Path) -> None:
    (work,) = step("ask")
    step("once")
    assert step("fetch", "staff", work).startswith("NotThere")
    assert step("fetch", "pi", "../../register.sqlite3").startswith("NotThere")
    step("tamper", work, "../../../register.sqlite3")
    assert step("fetch", "pi", work).startswith("NotReady")
    step("tamper", work, "usage-2026-03-01_2026-03-20.csv")
    assert step("fetch", "pi", work) == HOURS
    step("leave", "ocean")
    assert "may no longer see" in step("fetch", "pi", work)


def test_files_go_after_a_month_and_when_they_are_forgotten(step: Any, folder: Path) -> None:
    first, second = step("ask", "staff", "2")
    step("once")
    step("forget", "staff", first)
    assert step("fetch", "staff", first).startswith("NotThere")
    assert not (folder / "made-files" / first).exists()
    step("age", "29")
    assert not step("fetch", "staff", second).startswith("Not")
    step("age", "31")
    assert step("fetch", "staff", second).startswith("NotReady")
    assert not (folder / "made-files" / second).exists()


def test_a_schedule_asks_once_a_month_for_the_month_before(step: Any, processes: Any) -> None:
    step("schedule", "northfield", "no mail")
    assert step("due", "2026-04-04T23:59:00+00:00") == 0
    with ThreadPoolExecutor() as pool:
        asked = list(pool.map(lambda one: one("due", "2026-04-05T00:00:00+00:00"), processes))
    assert sum(asked) == 1
    assert step("due", "2026-04-30T00:00:00+00:00") == 0
    assert [one["parameters"]["month"] for one in step("show")] == ["2026-03"]
    assert step("due", "2026-06-05T00:00:00+00:00") == 1
    assert [one["parameters"]["month"] for one in step("show")] == ["2026-03", "2026-05"]


def test_a_report_is_mailed_until_the_server_takes_it(step: Any, mail_server: MailServer) -> None:
    step("schedule", "northfield", "mail")
    step("due", "2026-04-05T00:00:00+00:00")
    step("once")
    mail_server.refuses = "northfield"
    assert step("send", "0") == 0
    mail_server.refuses = ""
    (waiting,) = step("show")
    assert (waiting["mailed"], waiting["mail_error"]) == (False, "the mail server didn't take it")
    assert step("send", "0") == 0  # not at once again
    assert step("send", "2") == 1
    assert step("send", "200") == 0
    ((recipients, text),) = mail_server.mails
    assert recipients == ["northfield@example.org"]
    message = message_from_string(text)
    assert message["Subject"] == "Two institutions: usage in 2026-03"
    (attached,) = [one for one in message.walk() if one.get_filename()]
    assert attached.get_filename() == "monthly-2026-03-csv.zip"
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.startswith(b"PK")


def test_the_command_makes_what_waits(step: Any, folder: Path) -> None:
    step("ask")
    command = [str(Path(sys.executable).with_name("meterhouse")), "--site", str(folder), "work", "--once"]
    subprocess.run(command, check=True, capture_output=True)
    assert [one["state"] for one in step("show")] == ["done"]
