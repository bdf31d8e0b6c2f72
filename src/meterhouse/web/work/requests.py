"""How does somebody ask for a report or an export, and get it? These functions, for pages and API alike."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from meterhouse.errors import MeterhouseError, QuestionError
from meterhouse.register.transactions import asked, committed
from meterhouse.web.accounts.auditing import audit
from meterhouse.web.rights import Forbidden, Right
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import right_of, visitor_of
from meterhouse.web.work.models import Schedule, Work
from meterhouse.web.work.parameters import parameters_of, schedule_parameters

# So many of one account's may wait or run at once, and so many schedules it may have.
MOST_WAITING = 20
MOST_SCHEDULES = 20
FOLDER = "made-files"


class NotThere(MeterhouseError):
    """No such work, or not this account's: nobody is told which of the two."""


class TooMany(MeterhouseError):
    """This account has asked for enough already."""


class NotReady(MeterhouseError):
    """The work has no file: not yet, no more, or never."""


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file to send. `path` is on the server's disk, `name` what a browser saves it as."""

    path: Path
    name: str
    media_type: str
    size_bytes: int
    sha256: str


def ask_for(user: Any, kind: str, parameters: Mapping[str, Any], mail_to: str = "") -> Work:
    """Ask for a "report" or an "export"; `parameters` are those of ReportParameters or ExportParameters.

    Raises QuestionError or Forbidden where it can't be made for this account.
    """
    checked = parameters_of(kind, parameters)
    checked.check(right_of(visitor_of(user)))

    def work() -> Work:
        open_ones = Work.objects.filter(owner=user, state__in=["waiting", "running"]).count()
        if open_ones >= MOST_WAITING:
            raise TooMany(f"expected at most {MOST_WAITING} at once: wait for some of those to be done")
        return Work.objects.create(
            owner=user, kind=kind, parameters=checked.kept(), asked_at=datetime.now(UTC), mail_to=mail_to
        )

    made = committed("default", work)
    audit(f"{kind} asked", user.get_username(), f"{made.id} {made.parameters}")
    return made


def work_of(user: Any, most: int = 200) -> list[Work]:
    """What this account has asked for, the newest first."""
    rows = Work.objects.filter(owner=user).order_by("-asked_at", "id")[:most]
    return asked("default", lambda: list(rows))


def one_of(user: Any, work_id: uuid.UUID | str) -> Work:
    """One of them. Raises NotThere, also when it is somebody else's."""
    found = None
    if (known := _uuid(work_id)) is not None:
        found = asked("default", Work.objects.filter(owner=user, id=known).first)
    if found is None:
        raise NotThere("there is no such report or export of this account")
    return found


def file_of(user: Any, work_id: uuid.UUID | str) -> MadeFile:
    """The file of work that is done. Raises NotThere, NotReady, or Forbidden where rights shrank since."""
    work = one_of(user, work_id)
    if not work.has_file:
        raise NotReady(
            "its file is no longer kept: ask for it again"
            if work.state == "done"
            else f"there is no file of it: it is {work.state}"
        )
    if not right_of(visitor_of(user)).covers(Right.from_record(work.seen)):
        raise Forbidden("it was made from rows that this account may no longer see: ask for it again")
    path = folder_of(work) / str(work.claim) / Path(work.file_name).name
    if not path.is_file():
        raise NotReady("its file is no longer kept: ask for it again")
    audit("file fetched", user.get_username(), f"{work.id} {work.file_name}")
    return MadeFile(path, work.file_name, work.media_type, work.size_bytes or 0, work.sha256)


def forget(user: Any, work_id: uuid.UUID | str) -> None:
    """Delete it with its file; what is being made is given up."""
    work = one_of(user, work_id)
    work_folder = folder_of(work)
    committed("default", work.delete)
    shutil.rmtree(work_folder, ignore_errors=True)
    audit("work forgotten", user.get_username(), str(work_id))


def schedule(user: Any, parameters: Mapping[str, Any], *, day: int, mail: bool) -> Schedule:
    """A report of the month before, on that day of each month; with `mail` sent to the account's address."""
    checked = schedule_parameters(parameters)
    checked.check(right_of(visitor_of(user)))
    if not 1 <= day <= 28:
        raise QuestionError(f"day: expected 1 to 28, found {day}")
    if mail and not user.email:
        raise QuestionError("mail: expected an account with a mail address, found none")
    if mail and served_site().settings.alerts.mail is None:
        raise QuestionError("mail: this site sends no mail: alerts.mail of meterhouse.toml isn't set")
    now = datetime.now(UTC)

    def work() -> Schedule:
        if Schedule.objects.filter(owner=user).count() >= MOST_SCHEDULES:
            raise TooMany(f"expected at most {MOST_SCHEDULES} schedules")
        return Schedule.objects.create(owner=user, parameters=checked.kept(), day=day, mail=mail, made_at=now)

    made = committed("default", work)
    audit("schedule made", user.get_username(), f"{made.id} {made.parameters} day {day}")
    return made


def schedules_of(user: Any) -> list[Schedule]:
    """This account's schedules, the oldest first."""
    rows = Schedule.objects.filter(owner=user).order_by("made_at", "id")
    return asked("default", lambda: list(rows))


def end_schedule(user: Any, schedule_id: uuid.UUID | str) -> None:
    """No more reports by it. Raises NotThere."""
    known = _uuid(schedule_id)
    mine = Schedule.objects.filter(owner=user, id=known) if known is not None else Schedule.objects.none()
    if not committed("default", lambda: mine.delete()[0]):
        raise NotThere("there is no such schedule of this account")
    audit("schedule ended", user.get_username(), str(schedule_id))


def folder_of(work: Work) -> Path:
    """Where its files stand: named by its id, which nobody outside chooses."""
    return served_site().path / FOLDER / str(work.id)


def _uuid(text: uuid.UUID | str) -> uuid.UUID | None:
    try:
        return text if isinstance(text, uuid.UUID) else uuid.UUID(text)
    except ValueError:
        return None
