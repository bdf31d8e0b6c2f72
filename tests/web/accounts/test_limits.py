"""How often may one try? Log-ins and requests are counted over all workers, and who is over is told when."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import httpx
import pytest
from served import PASSWORD, PROGRAM, Served


@pytest.fixture(autouse=True)
def _from_nothing(strict: Served) -> Iterator[None]:
    forget(strict)
    yield
    forget(strict)


def forget(strict: Served) -> None:
    strict.ask("staff", "resources")  # whoever asks first makes the table
    with sqlite3.connect(strict.folder / ".web-shared.sqlite3") as shared:
        shared.execute("DELETE FROM web_shared")
    shared.close()


def test_an_account_has_so_many_requests_a_minute(strict: Served) -> None:
    """Forty, on two workers with two threads each; the others still have theirs."""
    answers = [strict.ask("member", "resources") for _ in range(45)]
    found = [one.status_code for one in answers]
    assert found == [200] * 40 + [429] * 5
    refused = answers[-1]
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert strict.ask("staff", "resources").status_code == 200


def test_who_is_unknown_has_those_of_an_address(strict: Served) -> None:
    headers = {"Authorization": "Bearer mh_guessed"}
    url = f"{strict.url}/api/v1/spans"
    found = [PROGRAM.get(url, headers=headers).status_code for _ in range(125)]
    assert found == [401] * 120 + [429] * 5
    assert strict.ask("staff", "resources").status_code == 200


def test_passwords_can_not_be_guessed_for_long(strict: Served) -> None:
    """Five failures of one name in five minutes; then the right password doesn't help either."""
    with httpx.Client(base_url=strict.url, trust_env=False, verify=False, timeout=60) as client:
        found = [try_password(client, "harbour", f"guess {n}") for n in range(6)]
        assert not any("meterhouse_session" in one.cookies for one in found)
        last = try_password(client, "harbour", PASSWORD)
        assert last.status_code in (200, 429)
        assert "location" not in last.headers
        other = try_password(client, "northfield", PASSWORD)
        assert other.status_code == 302
    register = sqlite3.connect(strict.folder / "register.sqlite3")
    ((failed,),) = register.execute(
        "SELECT COUNT(*) FROM web_accounts_auditevent WHERE action = 'failed to log in' AND who = 'harbour'"
    )
    register.close()
    assert failed >= 5


def try_password(client: httpx.Client, name: str, password: str) -> httpx.Response:
    form = client.get("/accounts/login/").text
    token = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    return client.post(
        "/accounts/login/", data={"login": name, "password": password, "csrfmiddlewaretoken": token}
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),  # what the client wrote itself stands before
        ("203.0.113.9, 127.0.0.1", "203.0.113.9"),
        ("not an address", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_the_address_is_the_one_that_the_proxy_saw(strict: Served, said: str, expected: str) -> None:
    headers = strict.headers("staff") | {"Accept": "text/csv", "X-Forwarded-For": said}
    assert PROGRAM.get(f"{strict.url}/api/v1/people", headers=headers).status_code == 200
    register = sqlite3.connect(strict.folder / "register.sqlite3")
    ((address,),) = register.execute(
        "SELECT address FROM web_accounts_auditevent WHERE action = 'download' ORDER BY id DESC LIMIT 1"
    )
    register.close()
    assert address == expected
