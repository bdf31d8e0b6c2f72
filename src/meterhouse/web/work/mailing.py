"""How does a report reach somebody's mailbox? By the site's SMTP server, tried again until it takes it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from django.db.models import F, Q

from meterhouse.alerts_settings import MailSection
from meterhouse.errors import ConfigurationError, MeterhouseError
from meterhouse.operations.allocations.sending import hand_over, one_line
from meterhouse.register.transactions import asked, committed
from meterhouse.web.serving import served_site
from meterhouse.web.work.models import Work
from meterhouse.web.work.requests import file_of

log = logging.getLogger("meterhouse.web.work")

ATTEMPTS = 8
_FIRST_PAUSE = timedelta(minutes=1)
_LARGEST_ATTACHMENT = 10_000_000


def send_waiting(now: datetime) -> int:
    """Send what is made and not yet sent; how much was. An attempt is counted before it is made."""
    section = served_site().settings.alerts.mail
    if section is None:
        return 0
    waiting = (
        Work.objects.select_related("owner")
        .filter(
            Q(mail_again_at__isnull=True) | Q(mail_again_at__lte=now), state="done", mailed_at__isnull=True
        )
        .filter(mail_attempts__lt=ATTEMPTS)
        .exclude(mail_to="")
    )
    sent = 0
    for work in asked("default", lambda: list(waiting)):
        mine = Work.objects.filter(id=work.id, mail_attempts=work.mail_attempts, mailed_at__isnull=True)
        again = now + _FIRST_PAUSE * 2**work.mail_attempts
        counted = committed(
            "default",
            lambda mine=mine, again=again: mine.update(  # type: ignore[misc]
                mail_attempts=F("mail_attempts") + 1, mail_again_at=again
            ),
        )
        if not counted:
            continue
        row = Work.objects.filter(id=work.id)
        try:
            hand_over(message_of(work, section), section, served_site().path)
        except ConfigurationError as error:
            log.error("mail: %s", error)
            row.update(mail_error="the mail server isn't set up")
        except (OSError, MeterhouseError) as error:
            log.warning("mail of %s: %s", work.id, error)
            row.update(mail_error="the mail server didn't take it")
        else:
            row.update(mailed_at=datetime.now(UTC), mail_error="")
            sent += 1
    return sent


def message_of(work: Work, section: MailSection) -> EmailMessage:
    """The mail with the report, or with the address where it can be fetched when it is large."""
    site = served_site().settings
    name = one_line(site.site.name)
    month = str(work.parameters.get("month", ""))
    message = EmailMessage()
    message["Subject"] = f"{name}: usage in {month}"
    message["From"] = Address(addr_spec=section.sender)
    message["To"] = Address(addr_spec=work.mail_to)
    message["Date"] = format_datetime((work.ended_at or datetime.now(UTC)).astimezone(UTC))
    message["Message-ID"] = f"<report-{work.id}@{section.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    made = file_of(work.owner, work.id)
    attached = made.size_bytes <= _LARGEST_ATTACHMENT
    message.set_content(
        f"The report of {month} is {'attached' if attached else 'ready'}: {made.name}\n"
        f"It can be fetched from {site.web.url}/reports as long as it is kept.\n\nSent by {name}.\n"
    )
    if attached:
        main, _, sub = made.media_type.partition("/")
        message.add_attachment(made.path.read_bytes(), maintype=main, subtype=sub, filename=made.name)
    return message
