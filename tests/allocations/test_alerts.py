"""People are told once when an allocation reaches a percentage: by a real mail server and a real webhook."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from email import message_from_string
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError
from worlds import entities, funded, use

from meterhouse.alerts_settings import MailSection, WebhookSection
from meterhouse.allocations.alerting import Notice, deliver, leader_addresses, note_crossings
from meterhouse.allocations.file.reading import ledger_file
from meterhouse.allocations.loading.load import load
from meterhouse.allocations.rebuilding import rebuild
from meterhouse.allocations.register import models as ledger
from meterhouse.errors import ConfigurationError
from meterhouse.operations.allocations.sending import NotDelivered, post_webhook, send_mail
from services.mail_server import MailServer

PERCENTAGES = (Decimal(80), Decimal(100))
NOW = datetime(2100, 1, 10, 12, tzinfo=UTC)
DAY = date(2100, 1, 10)


def set_up(alias: str, *used: tuple[str, str]) -> None:
    world = entities(**funded())
    world["persons"][0]["email"] = "una@example.org"
    world["memberships"] = [{"person": "u1", "project": "Inst", "is_project_leader": True}]
    world["usages"] = [use(id_, "2100-01-05", "Inst", raw) for id_, raw in used]
    load(alias, ledger_file(world, "test"), who="test")
    rebuild(alias)


def crossings(alias: str) -> int:
    return note_crossings(alias, PERCENTAGES, ["mail"], DAY, NOW)


def test_a_crossing_is_told_once(alias: str) -> None:
    set_up(alias, ("x", "85"))
    told: list[Notice] = []
    assert crossings(alias) == 1
    assert crossings(alias) == 0
    assert deliver(alias, {"mail": told.append}).sent == 1
    assert deliver(alias, {"mail": told.append}).sent == 0
    [notice] = told
    assert (notice.threshold, notice.percent, notice.used, notice.allocated) == (80, 85, 85, 100)


def test_each_percentage_is_a_crossing_of_its_own(alias: str) -> None:
    set_up(alias, ("x", "79.9999"))
    assert crossings(alias) == 0
    set_up(alias, ("x", "80"))
    assert crossings(alias) == 1
    set_up(alias, ("x", "100"))
    assert crossings(alias) == 1


def test_who_fell_below_is_told_again_on_the_next_crossing(alias: str) -> None:
    set_up(alias, ("x", "85"))
    assert crossings(alias) == 1
    set_up(alias, ("x", "10"))
    assert crossings(alias) == 0
    set_up(alias, ("x", "90"))
    assert crossings(alias) == 1


def test_use_without_an_allocation_has_crossed_every_percentage(alias: str) -> None:
    world = entities(**funded(quantity="0"))
    world["usages"] = [use("x", "2100-01-05", "Inst", "1")]
    load(alias, ledger_file(world, "test"), who="test")
    rebuild(alias)
    assert crossings(alias) == 2


def test_pools_of_other_periods_are_left_alone(alias: str) -> None:
    set_up(alias, ("x", "85"))
    assert note_crossings(alias, PERCENTAGES, ["mail"], date(2100, 4, 1), NOW) == 0


def test_what_could_not_be_sent_is_told_and_sent_by_the_next_run(alias: str) -> None:
    set_up(alias, ("x", "85"))
    crossings(alias)

    def broken(notice: Notice) -> None:
        raise NotDelivered("mail.example.org:25: refused")

    failed = deliver(alias, {"mail": broken})
    assert (failed.sent, failed.failed) == (0, ("Inst, p: mail: mail.example.org:25: refused",))
    delivery = ledger.AlertDelivery.objects.using(alias).get()
    assert (delivery.attempts, delivery.sent_at, "refused" in delivery.last_error) == (1, None, True)
    assert deliver(alias, {"mail": lambda notice: None}).sent == 1


def test_leaders_of_the_project_have_addresses(alias: str) -> None:
    set_up(alias)
    project = ledger.AllocationPool.objects.using(alias).get().project_id
    assert leader_addresses(alias, project, DAY) == ["una@example.org"]


def notice(**changed: object) -> Notice:
    said = {
        "id": 7,
        "pool": "p",
        "project": "Inst",
        "project_id": 1,
        "period": "2100Q1",
        "resource_pool": "CPU Hours",
        "units": "CPU Hours",
        "threshold": Decimal(80),
        "percent": Decimal("85.5"),
        "used": Decimal("85.5"),
        "allocated": Decimal(100),
        "crossed_at": NOW,
    }
    return Notice(**{**said, **changed})  # type: ignore[arg-type]


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def mail_section(server: MailServer, **more: object) -> MailSection:
    said = {"host": "127.0.0.1", "port": server.server_address[1], "sender": "ledger@example.org"}
    return MailSection.model_validate({**said, "to": ["admin@example.org"], **more})


def leaders(project: int, day: date) -> list[str]:
    return ["una@example.org"]


def test_a_mail_says_who_used_how_much(mail_server: MailServer, tmp_path: Path) -> None:
    send_mail(notice(), mail_section(mail_server, leaders=True), tmp_path, "Site", leaders)
    [(recipients, text)] = mail_server.mails
    mail = message_from_string(text)
    assert recipients == ["admin@example.org", "una@example.org"]
    assert mail["Subject"] == "Inst: CPU Hours at 85.5 % (2100Q1)"
    assert mail["Message-ID"] == "<allocation-alert-7@example.org>"
    assert "Inst has used 85.5 of 100 CPU Hours of CPU Hours in 2100Q1 (85.5 %)." in mail.get_payload()
    assert "Left: 14.5 CPU Hours." in mail.get_payload()


def test_a_name_can_put_nothing_into_the_mails_head(mail_server: MailServer, tmp_path: Path) -> None:
    hostile = notice(project="x\r\nBcc: spy@example.org", period="\u202egnp")
    send_mail(hostile, mail_section(mail_server), tmp_path, "Site", leaders)
    [(recipients, text)] = mail_server.mails
    assert recipients == ["admin@example.org"]
    assert message_from_string(text)["Bcc"] is None


def test_a_server_that_refuses_is_an_error_that_says_so(mail_server: MailServer, tmp_path: Path) -> None:
    mail_server.refuses = "admin"
    with pytest.raises(NotDelivered, match="SMTPRecipientsRefused"):
        send_mail(notice(), mail_section(mail_server), tmp_path, "Site", leaders)


def test_no_server_is_an_error(mail_server: MailServer, tmp_path: Path) -> None:
    nowhere = mail_section(mail_server)
    mail_server.server_close()
    mail_server.socket.close()
    with pytest.raises(OSError, match=r"refused|reset"):
        send_mail(notice(), nowhere.model_copy(update={"port": 1}), tmp_path, "Site", leaders)


def test_a_password_is_sent_over_tls_only_and_stands_nowhere(mail_server: MailServer) -> None:
    with pytest.raises(ValidationError, match="where a password is sent"):
        mail_section(mail_server, user="me", password={"env": "SMTP_PASSWORD"})
    with pytest.raises(ValidationError, match="not a secret"):
        mail_section(mail_server, user="me", password="hunter2", tls="tls")


class Hook(ThreadingHTTPServer):
    """Takes what is posted, and keeps it."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HookRequest)
        self.posted: list[tuple[dict[str, str], dict[str, object]]] = []


class HookRequest(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((dict(self.headers.items()), json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def hook_section(hook: Hook, **more: object) -> WebhookSection:
    return WebhookSection.model_validate({"url": f"http://127.0.0.1:{hook.server_address[1]}/x", **more})


def test_a_webhook_gets_exact_figures(hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "t0ken")
    post_webhook(notice(), hook_section(hook, token={"env": "HOOK_TOKEN"}), tmp_path)
    [(headers, said)] = hook.posted
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Idempotency-Key"] == "allocation-alert-7"
    assert said == {
        "id": 7,
        "project": "Inst",
        "allocation_pool": "p",
        "period": "2100Q1",
        "resource_pool": "CPU Hours",
        "units": "CPU Hours",
        "threshold_percent": "80",
        "used_percent": "85.5",
        "used": "85.5",
        "allocated": "100",
        "remaining": "14.5",
        "crossed_at": "2100-01-10T12:00:00Z",
    }


def test_an_answer_that_is_no_success_is_an_error_without_the_token(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "t0ken")
    hook.status = 503
    with pytest.raises(NotDelivered) as failed:
        post_webhook(notice(), hook_section(hook, token={"env": "HOOK_TOKEN"}), tmp_path)
    assert str(failed.value) == "webhook: expected success, found HTTP 503"


def test_a_secret_that_is_not_there_is_named_by_its_reference(hook: Hook, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="NO_SUCH_TOKEN is not set"):
        post_webhook(notice(), hook_section(hook, token={"env": "NO_SUCH_TOKEN"}), tmp_path)
