"""Who makes what was asked for? A worker, one thing after another; what a killed one left is taken up."""

from __future__ import annotations

import logging
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import close_old_connections, connections
from django.db.models import F, Q

from meterhouse.errors import MeterhouseError
from meterhouse.register.transactions import asked, committed
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import right_of, visitor_of
from meterhouse.web.work.mailing import send_waiting
from meterhouse.web.work.making import make
from meterhouse.web.work.models import Work
from meterhouse.web.work.parameters import parameters_of
from meterhouse.web.work.requests import FOLDER, folder_of
from meterhouse.web.work.schedules import ask_for_due

log = logging.getLogger("meterhouse.web.work")

CLAIM = timedelta(seconds=30)  # what isn't renewed for so long was being made by somebody who is gone
ATTEMPTS = 3
KEPT = timedelta(days=30)
_PAUSE_SECONDS = 1.0
_HOUSEKEEPING = timedelta(minutes=5)


def work_until(stop: threading.Event, claim: timedelta = CLAIM) -> None:
    """Make what is asked for until told to stop; also asks for what schedules say, and sends mail."""
    tidied = datetime.min.replace(tzinfo=UTC)
    while not stop.is_set():
        try:
            now = datetime.now(UTC)
            if now - tidied > _HOUSEKEEPING:
                ask_for_due(now)
                forget_old(now)
                tidied = now
            busy = work_once(claim)
            send_waiting(now)
        except Exception:
            log.exception("the worker failed; it goes on")
            busy = False
        close_old_connections()
        if not busy:
            stop.wait(_PAUSE_SECONDS)


def work_once(claim: timedelta = CLAIM) -> bool:
    """Make the oldest that waits. False when there is nothing."""
    work = _claimed(claim)
    if work is None:
        return False
    out = folder_of(work) / str(work.claim)
    with _renewed(work, claim):
        changes = _made(work, out)
    mine = Work.objects.filter(id=work.id, state="running", claim=work.claim)
    if not committed("default", lambda: mine.update(**changes)):
        shutil.rmtree(out, ignore_errors=True)  # given up, or made by another meanwhile
        return True
    for other in folder_of(work).glob("*"):
        if other != out:
            shutil.rmtree(other, ignore_errors=True)
    return True


def _claimed(length: timedelta) -> Work | None:
    """One that nobody is making, taken by one update that only one worker can win."""
    now = datetime.now(UTC)
    free = Q(state="waiting") | Q(state="running", claimed_until__lt=now)
    candidates = Work.objects.filter(free).order_by("asked_at", "id").values_list("id", flat=True)[:20]
    for id_ in asked("default", lambda: list(candidates)):
        mine = Work.objects.filter(free, id=id_)
        claim = uuid.uuid4()
        taken = committed(
            "default",
            lambda mine=mine, claim=claim: mine.update(  # type: ignore[misc]
                state="running",
                claim=claim,
                claimed_until=now + length,
                started_at=now,
                attempts=F("attempts") + 1,
            ),
        )
        if taken:
            found = asked("default", Work.objects.select_related("owner").filter(id=id_, claim=claim).first)
            if found is not None:
                return found
    return None


def _made(work: Work, out: Any) -> dict[str, Any]:
    """What the row says from now on."""
    try:
        if work.attempts > ATTEMPTS:
            raise MeterhouseError(f"given up: it ended its maker {ATTEMPTS} times")
        right = right_of(visitor_of(work.owner))
        made = make(
            served_site(), parameters_of(work.kind, work.parameters), right, work.owner.get_username(), out
        )
    except MeterhouseError as mistake:
        return {"state": "failed", "error": str(mistake)[:2000], "ended_at": datetime.now(UTC)}
    except Exception:
        log.exception("work %s failed", work.id)
        why = "the server failed to make it; its log says how"
        return {"state": "failed", "error": why, "ended_at": datetime.now(UTC)}
    now = datetime.now(UTC)
    return {
        "state": "done",
        "error": "",
        "ended_at": now,
        "kept_until": now + KEPT,
        "snapshot": made.snapshot,
        "seen": right.record(),
        "file_name": made.name,
        "media_type": made.media_type,
        "size_bytes": made.size_bytes,
        "sha256": made.sha256,
    }


@contextmanager
def _renewed(work: Work, length: timedelta) -> Iterator[None]:
    """Keep the claim as long as this process lives and works."""
    over = threading.Event()

    def renew() -> None:
        mine = Work.objects.filter(id=work.id, claim=work.claim)
        while not over.wait(length.total_seconds() / 3):
            until = datetime.now(UTC) + length
            try:
                committed("default", lambda until=until: mine.update(claimed_until=until))  # type: ignore[misc]
            except Exception:
                log.exception("the claim of %s could not be renewed", work.id)
        connections.close_all()

    thread = threading.Thread(target=renew, name="claim", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def forget_old(now: datetime) -> None:
    """Delete files that were kept long enough, and folders of work that isn't there any more."""
    for work in asked("default", lambda: list(Work.objects.filter(kept_until__lt=now).exclude(file_name=""))):
        Work.objects.filter(id=work.id).update(file_name="", seen={})
        shutil.rmtree(folder_of(work), ignore_errors=True)
    folders = {one.name: one for one in (served_site().path / FOLDER).glob("*") if one.is_dir()}
    known = {str(id_) for id_ in Work.objects.values_list("id", flat=True)} if folders else set()
    for name in folders.keys() - known:
        shutil.rmtree(folders[name], ignore_errors=True)
