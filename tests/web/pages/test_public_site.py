"""What does a site that opens its totals show to who isn't logged in? Sums by resource, and no name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from served import copied, serving
from two_institutions import PERIOD

DAYS = urlencode(PERIOD)
NAMES = ("Ocean", "Oka", "ocean", "Northfield", "vm-", "p1-name", "u1-name")


@pytest.fixture(scope="module")
def anybody(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Somebody without an account."""
    folder = copied(original, tmp_path_factory.mktemp("open") / "site")
    settings = folder / "meterhouse.toml"
    settings.write_text(settings.read_text().replace("public = false", "public = true"))
    with (
        serving(folder) as url,
        httpx.Client(base_url=url, trust_env=False, verify=False, timeout=60) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("/", "Overview"),
        (f"/explore?by=resource&{DAYS}", "7,200.0000"),
        (f"/explore?by=day&where=resource=cloud&compare=previous&{DAYS}", "360.0000"),
        (f"/explore?by=state&chart=pie&{DAYS}", "7,200.0000"),
        (f"/explore/values?filter=resource&{DAYS}", "cloud"),
        (f"/explore/download?by=resource&format=csv&{DAYS}", "cloud,7200.0000"),
        (f"/explore/download?by=resource&format=svg&{DAYS}", "Core hours"),
    ],
)
def test_totals_are_for_all(anybody: httpx.Client, address: str, shown: str) -> None:
    answer = anybody.get(address)
    assert answer.status_code == 200
    assert shown in answer.text
    assert not [name for name in NAMES if name in answer.text]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"/explore?by=person&{DAYS}", 403),
        (f"/explore?by=resource&where=person=1&{DAYS}", 403),
        (f"/explore?by=resource&compare=previous&where=project=p1&{DAYS}", 403),
        (f"/explore/download?by=portal_project&{DAYS}", 403),
        (f"/explore/values?filter=person&{DAYS}", 200),  # nothing is offered
        *((page, 302) for page in ("/project", "/pools", "/log", "/item", "/storage", "/sources")),
        *((page, 302) for page in ("/reports", "/saved", "/reports/notice", "/log/newest", "/item/record")),
    ],
)
def test_names_are_for_nobody_who_is_not_logged_in(anybody: httpx.Client, address: str, status: int) -> None:
    answer = anybody.get(address)
    assert answer.status_code == status
    assert not [name for name in NAMES if name in answer.text]
