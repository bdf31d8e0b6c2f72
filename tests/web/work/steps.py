"""Run as a program: steps of background work on a site, in a process that may be killed.

Each line of standard input is a step with its words, as JSON; so is each answer.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

from meterhouse.web.configured import configure
from meterhouse.web.serving import serve_site

site = configure(sys.argv[1])
serve_site(site)

from django.contrib.auth import get_user_model  # noqa: E402

from meterhouse.directory.register.models import ProjectMembership  # noqa: E402
from meterhouse.errors import MeterhouseError  # noqa: E402
from meterhouse.web.work import mailing, requests, schedules, worker  # noqa: E402
from meterhouse.web.work.models import Schedule, Work  # noqa: E402

PERIOD = {"from": "2026-03-01", "to": "2026-03-20"}
SHORT = timedelta(seconds=0.6)


def user(name: str) -> Any:
    return get_user_model().objects.get(username=name)


def ask(name: str = "pi", many: str = "1") -> list[str]:
    """Ask for that many exports."""
    return [str(requests.ask_for(user(name), "export", PERIOD).id) for _ in range(int(many))]


def die() -> None:
    """Begin to make one, and be killed in the middle of it."""

    def killed(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    worker.make = killed  # type: ignore[assignment]
    worker.work_once(SHORT)
    raise AssertionError("expected to be killed")


def lose() -> None:
    """Make one, while somebody else takes over."""
    real = worker.make

    def taken(*given: Any) -> Any:
        Work.objects.filter(state="running").update(claim="00000000-0000-4000-8000-000000000000")
        return real(*given)

    worker.make = taken
    worker.work_once()
    worker.make = real


def once() -> int:
    """Make what there is; how much that was."""
    made = 0
    while worker.work_once():
        made += 1
    return made


def show() -> list[dict[str, Any]]:
    """What the register keeps, and what stands on the disk."""
    rows = []
    for one in Work.objects.order_by("asked_at"):
        files = sorted(str(path.name) for path in requests.folder_of(one).rglob("*") if path.is_file())
        rows.append(
            {
                **{name: getattr(one, name) for name in ("state", "attempts", "error", "parameters")},
                **{name: getattr(one, name) for name in ("mail_to", "mail_attempts", "mail_error")},
                "id": str(one.id),
                "mailed": one.mailed_at is not None,
                "files": files,
            }
        )
    return rows


def fetch(name: str, work: str) -> str:
    """What somebody gets who asks for the file."""
    try:
        return requests.file_of(user(name), work).path.read_text()
    except MeterhouseError as refused:
        return f"{type(refused).__name__}: {refused}"


def leave(project: str) -> None:
    """Everybody leaves a project."""
    ProjectMembership.objects.filter(project__code=project).update(valid_until=date(2026, 6, 1))


def tamper(work: str, file_name: str) -> None:
    """Somebody gets a path into the register."""
    Work.objects.filter(id=work).update(file_name=file_name)


def age(days: str) -> None:
    """So many days later."""
    worker.forget_old(datetime.now(UTC) + timedelta(days=int(days)))


def forget(name: str, work: str) -> None:
    requests.forget(user(name), work)


def schedule(name: str, mail: str) -> str:
    made = requests.schedule(user(name), {"format": "csv"}, day=5, mail=mail == "mail")
    return str(made.id)


def due(moment: str) -> int:
    """What schedules ask for at that moment."""
    return schedules.ask_for_due(datetime.fromisoformat(moment))


def send(minutes: str) -> int:
    """Send mail, so many minutes from now."""
    return mailing.send_waiting(datetime.now(UTC) + timedelta(minutes=int(minutes)))


def empty() -> None:
    """Begin anew."""
    Work.objects.all().delete()
    Schedule.objects.all().delete()
    shutil.rmtree(site.path / requests.FOLDER, ignore_errors=True)


if __name__ == "__main__":
    for line in sys.stdin:
        name, *words = json.loads(line)
        print(json.dumps(globals()[name](*words)), flush=True)
    site.close()
