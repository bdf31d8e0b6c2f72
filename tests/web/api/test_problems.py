"""What does a program get when something is wrong? Always a problem document that says what."""

from __future__ import annotations

import http.client
import re
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from served import PROGRAM, Served
from two_institutions import PERIOD


def is_problem(answer: httpx.Response, status: int) -> str:
    """Its detail, after checking that it is one."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    document = answer.json()
    assert set(document) == {"type", "title", "status", "detail"}
    assert document["status"] == status
    detail: str = document["detail"]
    return detail


@pytest.mark.parametrize(
    ("path", "query", "status", "said"),
    [
        ("usage", {"from": "2026-03-01"}, 400, "to"),
        ("usage", {"from": "soon", "to": "2026-03-01"}, 400, "from"),
        ("usage", {"from": "2026-03-02", "to": "2026-03-01"}, 400, "period"),
        ("usage", {"from": "0001-01-01", "to": "9999-12-31"}, 400, "20 years"),
        ("usage", {**PERIOD, "realm": "nonsense"}, 400, "realm"),
        ("usage", {**PERIOD, "by": "item"}, 400, "item"),
        ("usage", {**PERIOD, "where": "nonsense"}, 400, "grouping=value"),
        ("usage", {**PERIOD, "as_of": "soon"}, 400, "as_of"),
        ("usage", {**PERIOD, "as_of": "99999999"}, 400, ""),
        ("usage", {**PERIOD, "limit": "0"}, 400, "limit"),
        ("usage", {**PERIOD, "group_by": "month"}, 400, "group_by"),  # a typo isn't passed over
        ("spans", {**PERIOD, "where": "x'; DROP TABLE y=1"}, 400, "column of spans"),
        ("spans", {**PERIOD, "profile": "nonsense"}, 400, "profile"),
        ("usage", {**PERIOD, "format": "exe"}, 400, "format"),
        ("coverage", {"from": "0001-01-01"}, 400, "1990"),
        ("people", {"day": "9999-12-31"}, 400, "1990"),
        ("people", {"known": "soon"}, 400, "known"),
        ("pools", {"period": "nonsense"}, 400, "period"),
        ("statements", {}, 400, "period"),
        ("projects/nonsense", {}, 404, "nonsense"),
        ("work/nonsense", {}, 400, "work_id"),
        ("work/00000000-0000-4000-8000-000000000000", {}, 404, "no such"),
        ("nonsense", {}, 404, "Nothing stands"),
        ("", {}, 404, "Nothing stands"),
    ],
)
def test_a_mistake_is_a_problem_document(
    served: Served, path: str, query: dict[str, str], status: int, said: str
) -> None:
    assert said in is_problem(served.ask("staff", path, **query), status)


def test_a_format_that_there_is_not_is_refused(served: Served) -> None:
    is_problem(served.ask("staff", "usage", "image/png", **PERIOD), 406)
    assert served.ask("staff", "usage", "image/png, text/csv;q=0.1", **PERIOD).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_another_method_is_refused_and_told_which(served: Served, method: str) -> None:
    answer = PROGRAM.request(
        method,
        f"{served.url}/api/v1/usage",
        headers=served.headers("staff"),
        json={} if method[0] == "P" else None,
    )
    is_problem(answer, 405)
    assert answer.headers["allow"] == "GET"


def test_a_connection_lives_on_after_a_refusal_that_no_view_read_the_content_of(served: Served) -> None:
    refused = b"POST /api/v1/usage HTTP/1.1\r\nHost: %b\r\nContent-Length: 2\r\n\r\n"
    address = urlsplit(served.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        for _ in range(3):
            connection.sendall(refused % address.netloc.encode())
            time.sleep(0.1)  # long enough to be refused before its content is there
            connection.sendall(b"{}")
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            assert (answer.status, answer.getheader("connection")) == (405, None)


def test_a_connection_that_ends_after_a_refusal_says_so(served: Served) -> None:
    address = urlsplit(served.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(
            b"POST /api/v1/usage HTTP/1.1\r\nHost: %b\r\nContent-Length: 10000000\r\n\r\n"
            % address.netloc.encode()
        )
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.getheader("connection")) == (413, "close")


def test_head_is_get_without_content(served: Served) -> None:
    url, headers = f"{served.url}/api/v1/resources", served.headers("staff")
    whole, bare = PROGRAM.get(url, headers=headers), PROGRAM.head(url, headers=headers)
    assert (bare.status_code, bare.content) == (200, b"")
    assert bare.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    ("path", "sent", "status", "said"),
    [
        ("reports", {}, 422, "month"),
        ("reports", {"month": "soon"}, 422, "month"),
        ("reports", {"month": "2026-13"}, 422, "month"),
        ("reports", {"month": "2026-03", "realm": "nonsense"}, 422, "realm"),
        ("reports", {"month": "2026-03", "format": "exe"}, 422, "format"),
        ("reports", {"month": "2026-03", "file": "../../etc/passwd"}, 422, "file"),
        ("exports", {**PERIOD, "what": "usage", "by": "item"}, 422, "item"),
        ("exports", {**PERIOD, "what": "spans", "by": "month"}, 422, "by"),
        ("exports", {**PERIOD, "what": "spans", "where": ["x=1"]}, 422, "column of spans"),
        ("exports", {**PERIOD, "what": "dump", "format": "xlsx"}, 422, "format"),
        ("exports", {**PERIOD, "realm": "a\nb"}, 422, "realm"),
        ("exports", {"from": PERIOD["from"]}, 422, "to"),
        ("schedules", {"day": 31}, 422, "day"),
        ("schedules", {"day": 2, "mail": True}, 422, "mail"),
        ("exports", [], 422, "asked"),
    ],
)
def test_what_is_asked_for_must_be_possible(
    served: Served, path: str, sent: Any, status: int, said: str
) -> None:
    answer = PROGRAM.post(f"{served.url}/api/v1/{path}", json=sent, headers=served.headers("staff"))
    assert said in is_problem(answer, status)


def test_what_is_sent_must_be_json_and_not_too_large(served: Served) -> None:
    url, headers = f"{served.url}/api/v1/exports", served.headers("staff")
    is_problem(PROGRAM.post(url, data={"from": "x"}, headers=headers), 415)
    is_problem(PROGRAM.post(url, content=b"{", headers={**headers, "Content-Type": "application/json"}), 400)
    large = b'{"realm": "' + b"x" * 1_000_001 + b'"}'
    # it isn't read to the end, so that the connection is of no more use
    once = {**headers, "Content-Type": "application/json", "Connection": "close"}
    is_problem(PROGRAM.post(url, content=large, headers=once), 413)
    for depth in (100_000,):
        nested = b"[" * depth + b"]" * depth
        answer = PROGRAM.post(url, content=nested, headers={**headers, "Content-Type": "application/json"})
        assert answer.status_code in (400, 422)


def test_a_session_needs_the_token_of_a_form(served: Served) -> None:
    """Otherwise another site could have a visitor's browser ask."""
    browser = served.browser("pi")
    assert "form token" in is_problem(browser.post("/api/v1/exports", json=dict(PERIOD)), 403)
    form = browser.get("/accounts/password/change/").text
    token = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    sent = browser.post(
        "/api/v1/exports", json=dict(PERIOD), headers={"X-CSRFToken": token, "Referer": served.url}
    )
    assert sent.status_code == 202
    assert re.fullmatch(r"/api/v1/work/[0-9a-f-]{36}", sent.headers["location"])


def test_an_unknown_host_is_refused(served: Served) -> None:
    headers = served.headers("staff") | {"Host": "evil.example"}
    is_problem(PROGRAM.get(f"{served.url}/api/v1/resources", headers=headers), 400)
