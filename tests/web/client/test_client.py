"""Does a program get from the client what the command prints, and does it go on when a site is busy?"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from served import METERHOUSE, Served
from two_institutions import FIRST, LAST

from meterhouse.client import Client, NotAllowed, NotThere, RefusedQuestion, Unavailable
from meterhouse.client import asking as asking_module


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[Client]:
    with Client(served.url, served.tokens["staff"]) as client:
        yield client


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client paused, without doing so."""
    pauses: list[float] = []
    monkeypatch.setattr(asking_module.time, "sleep", pauses.append)
    return pauses


def scripted(*answers: httpx.Response | Exception) -> httpx.MockTransport:
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    return httpx.MockTransport(answer)


def test_usage_is_what_the_command_prints(client: Client, served: Served) -> None:
    table = client.usage(FIRST, LAST, meters=["core_hours"], by=["portal_project", "day"])
    command = [METERHOUSE, "--site", str(served.folder), "usage", "--meter", "core_hours"]
    command += ["--by", "portal_project,day", "--from", str(FIRST), "--to", str(LAST), "--format", "csv"]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    expected = [
        (row["day"], row["portal_project_id"], Decimal(row["core_hours"]))
        for row in csv.DictReader(io.StringIO(printed))
    ]
    found = [(row["day"], row["portal_project_id"] or "", row["core_hours"]) for row in table.to_pylist()]
    assert found == expected
    assert len(found) == 80


def test_pages_are_put_together(served: Served) -> None:
    """Every page has one row here; the client asks for the next as long as there is one."""
    asked = []

    class Short(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(request.url)
            query = dict(request.url.params) | {"limit": "1"}
            request.url = request.url.copy_with(params=query)
            return super().handle_request(request)

    with Client(served.url, served.tokens["staff"], transport=Short()) as client:
        assert sorted(client.people().column("username").to_pylist()) == ["ada", "bea", "cyd"]
    assert len(asked) == 3


def test_frames_have_the_same_rows(client: Client) -> None:
    whole = client.coverage(first=FIRST, last=LAST)
    in_pandas = client.coverage(first=FIRST, last=LAST, frame="pandas")
    assert list(in_pandas["records"]) == whole.column("records").to_pylist()
    assert str(in_pandas["records"].dtype) == "Int64"
    polars = pytest.importorskip("polars")
    in_polars = client.usage("2026-03-01", "2026-03-20", meters=["core_hours"], frame="polars")
    assert isinstance(in_polars, polars.DataFrame)
    assert in_polars["core_hours"].to_list() == [Decimal("7200.0000")]


def test_every_question_is_answered(client: Client) -> None:
    assert client.me()["role"] == "staff"
    assert client.resources().column("name").to_pylist() == ["cloud"]
    assert "core_hours" in client.meters().column("name").to_pylist()
    assert client.sources().num_rows == 0
    assert sorted(client.institutions().column("name").to_pylist()) == ["Harbour", "Northfield"]
    assert client.projects(day=date(2026, 3, 1)).column("code").to_pylist() == ["ocean", "tides", "waves"]
    assert client.pools(over=True, project="ocean").column("used").to_pylist() == ["480"]
    assert client.statements("2026Q1").num_rows == 2
    assert client.spans(FIRST, LAST, where={"item": "vm-tides"}).column("vcpus").to_pylist() == [2]
    lines = client.log(FIRST, LAST, where={"portal_project": ["ocean", "tides"]})
    assert set(lines.column("item").to_pylist()) == {"vm-ocean", "vm-tides"}


def test_files_are_made_and_fetched_whole(client: Client, tmp_path: Path) -> None:
    report = client.report("2026-03", tmp_path, format="pdf")
    assert report == tmp_path / "monthly-2026-03.pdf"
    assert report.read_bytes().startswith(b"%PDF")
    rows = client.export("usage", FIRST, LAST, tmp_path / "rows.csv", by="resource", meter="core_hours")
    assert rows.read_text() == "resource,core_hours\ncloud,7200.0000\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["monthly-2026-03.pdf", "rows.csv"]


def test_refusals_say_why(client: Client, served: Served, tmp_path: Path) -> None:
    with pytest.raises(RefusedQuestion, match="realm: expected one of"):
        client.usage(FIRST, LAST, realm="nonsense")
    with pytest.raises(NotThere, match="nonsense"):
        client.rows("projects/nonsense")
    with pytest.raises(RefusedQuestion, match="month"):
        client.report("soon", tmp_path)
    with Client(served.url, "mh_guessed") as stranger, pytest.raises(NotAllowed, match="401") as refused:
        stranger.resources()
    assert "mh_guessed" not in str(refused.value)
    with Client(served.url, served.tokens["usage only"]) as narrow, pytest.raises(NotAllowed, match="scope"):
        narrow.spans(FIRST, LAST)


def test_a_busy_site_is_asked_again_when_it_says(paused: list[float]) -> None:
    busy = httpx.Response(429, headers={"Retry-After": "7"}, json={"detail": "slower"})
    away = httpx.Response(503, json={"detail": "starting"})
    with Client("https://x.example", "t", transport=scripted(
        busy, away, httpx.ConnectError("refused"), httpx.Response(200, json={"name": "n"})
    )) as client:  # fmt: skip
        assert client.me() == {"name": "n"}
    assert paused[0] == 7
    assert len(paused) == 3
    with (
        Client("https://x.example", "t", attempts=2, transport=scripted(busy, busy)) as client,
        pytest.raises(Unavailable, match="429: slower"),
    ):
        client.me()


def test_what_was_to_be_made_is_not_asked_for_twice(paused: list[float], tmp_path: Path) -> None:
    lost = scripted(httpx.ReadTimeout("lost"))
    with Client("https://x.example", "t", transport=lost) as client, pytest.raises(Unavailable):
        client.report("2026-03", tmp_path)
    assert paused == []


def test_the_token_goes_to_the_site_alone() -> None:
    with pytest.raises(RefusedQuestion, match="https"):
        Client("http://usage.example.org", "t")
    led_away = httpx.Response(302, headers={"Location": "https://evil.example/"})
    with (
        Client("https://x.example", "t", transport=scripted(led_away)) as client,
        pytest.raises(RefusedQuestion),
    ):
        client.me()
    with (
        Client("https://x.example", "t", transport=scripted()) as client,
        pytest.raises(Exception, match="below"),
    ):
        client.rows("https://evil.example/api/v1/usage")


def test_a_file_that_was_altered_is_not_kept(tmp_path: Path) -> None:
    made = {"id": "1", "state": "done", "sha256": "0" * 64, "file_name": "../../x.csv", "error": ""}
    answers = scripted(httpx.Response(202, json=made), httpx.Response(200, content=b"altered"))
    with (
        Client("https://x.example", "t", transport=answers) as client,
        pytest.raises(Exception, match=r"x\.csv: its checksum"),
    ):
        client.report("2026-03", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_client_needs_nothing_of_the_server() -> None:
    """A program that asks needn't load what answers."""
    program = (
        "import sys, meterhouse.client\n"
        "print(sorted(m for m in sys.modules if m.startswith(('django', 'duckdb')) or "
        "(m.startswith('meterhouse.') and not m.startswith('meterhouse.client'))))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
