"""Who gets in by an identity provider, as whom? The directory decides, and nobody is led elsewhere."""

from __future__ import annotations

import sqlite3
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from identity_provider import CLIENT, IdentityProvider
from served import Served

LOGIN = "/accounts/oidc/campus/login/"


def browser(strict: Served) -> httpx.Client:
    return httpx.Client(base_url=strict.url, trust_env=False, verify=False, timeout=60)


def begin(client: httpx.Client, query: str = "") -> str:
    """To where the provider's button leads."""
    form = client.get(f"/accounts/login/{query}").text
    action = form.split('<form method="post" action="/accounts/oidc')[1].split('"')[0]
    token = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    sent = client.post(f"/accounts/oidc{action}".replace("&amp;", "&"), data={"csrfmiddlewaretoken": token})
    assert sent.status_code == 302, sent.text
    return sent.headers["location"]


def log_in(client: httpx.Client, query: str = "") -> httpx.Response:
    """All the way; the answer of this site in the end."""
    with httpx.Client(trust_env=False, verify=False, timeout=60) as elsewhere:
        back = elsewhere.get(begin(client, query)).headers["location"]
    return client.get(back)


def test_a_person_of_the_directory_gets_an_account(strict: Served, provider: IdentityProvider) -> None:
    provider.claims = {"sub": "c-1", "preferred_username": "cyd", "name": "Cyd", "email": "cyd@example.org"}
    with browser(strict) as client:
        client.cookies.set("meterhouse_session", "chosenbysomebodyelse")
        answer = log_in(client)
        assert (answer.status_code, answer.headers["location"]) == (302, "/")
        cookie = next(one for one in answer.headers.get_list("set-cookie") if "meterhouse_session" in one)
        assert "chosenbysomebodyelse" not in cookie  # the session is a new one
        told = client.get("/api/v1/me").json()
        assert (told["name"], told["role"]) == ("cyd", "user")
        rows = client.get("/api/v1/projects").json()["rows"]
        assert [row["code"] for row in rows] == ["tides"]
    with browser(strict) as client:  # the same account the second time, also under another name
        provider.claims = {"sub": "c-1", "preferred_username": "ada"}
        log_in(client)
        assert client.get("/api/v1/me").json()["name"] == "cyd"
    kept = sqlite3.connect(strict.folder / "register.sqlite3")
    events = kept.execute("SELECT action, who FROM web_accounts_auditevent ORDER BY id DESC LIMIT 3")
    assert ("log in", "cyd") in events.fetchall()
    kept.close()
    assert strict.tokens  # tokens of the provider are good for who logged in by it
    answer = httpx.get(
        f"{strict.url}/api/v1/me",
        headers={"Authorization": f"Bearer {provider.token(sub='c-1')}"},
        trust_env=False,
    )
    assert answer.json()["name"] == "cyd"


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "x-1", "preferred_username": "mallory"},
        {"sub": "x-2"},
        {"sub": "x-3", "preferred_username": ""},
        {"sub": "x-4", "preferred_username": ["ada"]},
        {"sub": "x-5", "email": "ada@example.org", "email_verified": True},
    ],
)
def test_who_the_directory_does_not_name_is_refused(
    strict: Served, provider: IdentityProvider, claims: dict[str, object]
) -> None:
    provider.claims = claims
    with browser(strict) as client:
        answer = log_in(client)
        assert answer.status_code == 403
        assert "directory" in answer.text
        assert client.get("/api/v1/projects").status_code == 401


def test_an_account_of_the_same_name_is_not_taken_over(strict: Served, provider: IdentityProvider) -> None:
    """The account `pi` is a local one; somebody whom the provider calls Ada gets another."""
    provider.claims = {"sub": "a-1", "preferred_username": "ada", "email": "pi@example.org"}
    with browser(strict) as client:
        assert log_in(client).status_code == 302
        assert client.get("/api/v1/me").json()["name"] not in strict.tokens


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"]
)
def test_logging_in_leads_nowhere_else(strict: Served, provider: IdentityProvider, where: str) -> None:
    provider.claims = {"sub": "c-1", "preferred_username": "cyd"}
    with browser(strict) as client:
        assert log_in(client, f"?next={where}").headers["location"] == "/"
    with browser(strict) as client:
        assert log_in(client, "?next=/explore").headers["location"] == "/explore"


def test_an_answer_that_nobody_asked_for_logs_nobody_in(strict: Served, provider: IdentityProvider) -> None:
    """Somebody else's code in my browser, my answer twice, and an answer without any question."""
    provider.claims = {"sub": "c-1", "preferred_username": "cyd"}
    with browser(strict) as attacker, browser(strict) as victim:
        with httpx.Client(trust_env=False, verify=False, timeout=60) as elsewhere:
            back = elsewhere.get(begin(attacker)).headers["location"]
        assert victim.get(back).status_code in (401, 403)
        assert victim.get("/api/v1/projects").status_code == 401
        assert attacker.get(back).status_code == 302
        assert attacker.get(back).status_code in (401, 403)
    with browser(strict) as client:
        assert client.get(f"{LOGIN}callback/?code=x&state=y").status_code in (401, 403)


def test_the_provider_is_asked_with_state_and_proof(strict: Served) -> None:
    with browser(strict) as client:
        parts = urlsplit(begin(client))
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert asked["client_id"] == CLIENT
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 16
    assert asked["redirect_uri"] == f"{strict.url}{LOGIN}callback/"
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert "secret" not in parts.query


def test_a_link_logs_nobody_in_and_another_provider_is_unknown(strict: Served) -> None:
    with browser(strict) as client:
        answer = client.get(LOGIN)
        assert (answer.status_code, "location" in answer.headers) == (200, False)
        assert client.post(LOGIN).status_code == 403  # without the token of the form
        assert client.get("/accounts/oidc/elsewhere/login/").status_code == 404
