"""How does an alert reach people? As a mail by SMTP, and as JSON that is posted to a web address."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from datetime import UTC, date
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import httpx

from meterhouse.alerts_settings import MailSection, WebhookSection
from meterhouse.allocations.alerting import Notice
from meterhouse.allocations.rules.quantities import shown

TIMEOUT_SECONDS = 30


class NotDelivered(OSError):
    """The other side did not take it. Names no secret."""


def mail_message(notice: Notice, sender: str, recipients: list[str], site: str) -> EmailMessage:
    """The mail that says a pool has reached a percentage. Its Message-ID tells a repeated sending."""
    used = f"{shown(notice.percent)} %" if notice.percent is not None else "no allocation, but used"
    message = EmailMessage()
    message["Subject"] = one_line(f"{notice.project}: {notice.resource_pool} at {used} ({notice.period})")
    message["From"] = Address(addr_spec=sender)
    message["To"] = [Address(addr_spec=one) for one in recipients]
    message["Date"] = format_datetime(notice.crossed_at.astimezone(UTC))
    message["Message-ID"] = f"<allocation-alert-{notice.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        f"{one_line(notice.project)} has used {shown(notice.used)} of {shown(notice.allocated)} "
        f"{one_line(notice.units)} of {one_line(notice.resource_pool)} in {one_line(notice.period)} "
        f"({used}).\n"
        f"The limit for this message is {shown(notice.threshold)} %.\n"
        f"Left: {shown(notice.allocated - notice.used)} {one_line(notice.units)}.\n\n"
        f"Sent by {one_line(site)}.\n"
    )
    return message


def send_mail(
    notice: Notice,
    section: MailSection,
    site_path: Path,
    site_name: str,
    leaders: Callable[[int, date], list[str]],
) -> None:
    """Send one mail. Raises OSError when the server doesn't take it."""
    recipients = list(section.to)
    if section.leaders:
        recipients += leaders(notice.project_id, notice.crossed_at.date())
    recipients = sorted(set(recipients))
    if not recipients:
        raise NotDelivered("nobody to send it to: the project's leaders have no address")
    hand_over(mail_message(notice, section.sender, recipients, site_name), section, site_path)


def hand_over(message: EmailMessage, section: MailSection, site_path: Path) -> None:
    """Give a mail to the site's SMTP server. Raises OSError when it doesn't take it."""
    tls = ssl.create_default_context(cafile=str(site_path / section.ca_file) if section.ca_file else None)
    try:
        if section.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                section.host, section.port, timeout=TIMEOUT_SECONDS, context=tls
            )
        else:
            server = smtplib.SMTP(section.host, section.port, timeout=TIMEOUT_SECONDS)
        with server:
            if section.tls == "starttls":
                server.starttls(context=tls)
            if section.user is not None and section.password is not None:
                server.login(section.user, section.password.reveal(site_path))
            refused = server.send_message(message)
    except smtplib.SMTPException as error:
        raise NotDelivered(f"{section.host}:{section.port}: {type(error).__name__}{_code(error)}") from None
    if refused:
        raise NotDelivered(f"{section.host}:{section.port}: refused {', '.join(sorted(refused))}")


def post_webhook(notice: Notice, section: WebhookSection, site_path: Path) -> None:
    """Post one alert as JSON. Raises OSError when the answer isn't a success."""
    headers = {"Idempotency-Key": f"allocation-alert-{notice.id}"}
    if section.token is not None:
        headers["Authorization"] = f"Bearer {section.token.reveal(site_path)}"
    verify = ssl.create_default_context(cafile=str(site_path / section.ca_file)) if section.ca_file else True
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, verify=verify, proxy=section.proxy) as client:
            answer = client.post(section.url, json=notice.as_record(), headers=headers)
    except httpx.HTTPError as error:
        raise NotDelivered(f"webhook: {type(error).__name__}") from None
    if not answer.is_success:
        raise NotDelivered(f"webhook: expected success, found HTTP {answer.status_code}")


def _code(error: smtplib.SMTPException) -> str:
    code = getattr(error, "smtp_code", None)
    return f" {code}" if code else ""


def one_line(text: str) -> str:
    """Names come from outside: nothing in them may end a line or turn it around."""
    return "".join(one if one.isprintable() else " " for one in text)
