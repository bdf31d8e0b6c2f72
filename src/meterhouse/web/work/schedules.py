"""Which reports are due? Those of the month before, once each, from their day of the month on."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from meterhouse.errors import MeterhouseError
from meterhouse.register.transactions import asked, committed
from meterhouse.web.serving import served_site
from meterhouse.web.work.models import Schedule
from meterhouse.web.work.requests import ask_for

log = logging.getLogger("meterhouse.web.work")


def ask_for_due(now: datetime) -> int:
    """Ask for what schedules say, and answer how many. Of two workers one asks."""
    zone = ZoneInfo(served_site().settings.site.time_zone)
    today = now.astimezone(zone).date()
    month = f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    due = Schedule.objects.select_related("owner").filter(day__lte=today.day, last_month__lt=month)
    made = 0
    for one in asked("default", lambda: list(due)):
        mine = Schedule.objects.filter(id=one.id, last_month=one.last_month)
        if not committed("default", lambda mine=mine: mine.update(last_month=month)):  # type: ignore[misc]
            continue
        try:
            ask_for(
                one.owner,
                "report",
                {**one.parameters, "month": month},
                mail_to=one.owner.email if one.mail else "",
            )
        except MeterhouseError as mistake:  # this account may no longer see anything
            log.warning("schedule %s: %s", one.id, mistake)
        else:
            made += 1
    return made
