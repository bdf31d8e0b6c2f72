"""Run as a program (`make screenshots`): every page in light, dark and on a phone, as pictures in a folder.

`python tests/web/screenshots.py FOLDER [PART OF A NAME]`. Prints what is wrong with which; somebody looks
at the rest. The site is `demonstration.py`'s, made anew where the folder has none.
"""

from __future__ import annotations

import html
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from screens import PHONE, Screen, screens

HERE = Path(__file__).parent
METERHOUSE = str(Path(sys.executable).parent / "meterhouse")
MODES = {"light": (1280, False), "dark": (1280, True), "phone": (PHONE, False)}


@contextmanager
def serving(site: Path, *options: str) -> Iterator[str]:
    """`meterhouse serve` on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (site.parent / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [METERHOUSE, "--site", str(site), "serve", "--port", str(port), *(options or ("--threads", "2"))],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            for _ in range(300):
                try:
                    httpx.get(f"{url}/accounts/login/", trust_env=False)
                    break
                except httpx.TransportError:
                    time.sleep(0.2)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def prepare(screen: Screen) -> str:
    """Save questions, put them on a dashboard, ask for a report; the dashboard's address."""
    page = screen.page
    for title, query in (
        ("Institutions by month", "realm=compute&meter=core_hours&by=month,institution&chart=bar"),
        ("A day a cell", "realm=jobs&meter=core_hours&by=day&chart=heat"),
        ("Parts of projects", "realm=compute&meter=core_hours&by=portal_project&chart=pie"),
    ):
        screen.show(f"/explore?{query}")
        page.locator("summary", has_text="Save it").click()
        page.fill("[name=title]", title)
        page.select_option("[name=moving]", "12-months")
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_selector(".said")
    screen.show("/saved")
    boards = page.locator("a[href^='/dashboards/']")
    if not boards.count():
        page.fill("[name=title] >> nth=0", "The centre at a glance")
        page.get_by_role("button", name="Make it").click()
        page.wait_for_url("**/dashboards/*")
        while page.get_by_role("button", name="Add it").count():
            page.get_by_role("button", name="Add it").click()
            page.wait_for_load_state("networkidle")
    else:
        boards.first.click()
        page.wait_for_url("**/dashboards/*")
    address = page.url.removeprefix(screen.url)
    screen.show("/reports")
    page.get_by_role("button", name="Make it").click()
    page.wait_for_selector(".said")
    page.get_by_role("button", name="Plan it").click()
    page.wait_for_selector("text=It will be made each month")
    page.wait_for_selector(".tag.complete", timeout=60_000)
    return address


def found_address(screen: Screen, path: str, pattern: str) -> str:
    """The first address on a page that looks like that."""
    screen.page.goto(screen.url + path)
    match = re.search(f'href="({pattern}[^"]*)"', screen.page.content())
    assert match, f"{path}: no link to {pattern}"
    return html.unescape(match.group(1))


def pages(screen: Screen, board: str) -> list[tuple[str, str, str, int]]:
    """Name, account, address and status of each picture."""
    today = datetime.now(UTC).date()
    month = f"from={today.replace(day=1)}&to={today}"
    quarter = f"from={today - timedelta(days=75)}&to={today - timedelta(days=1)}"
    vm = found_address(screen, f"/item?{quarter}&where=kind=vm", r"/item\?item=")
    job = found_address(screen, f"/item?{month}&where=kind=job", r"/item\?item=")
    pod = found_address(screen, f"/item?{quarter}&where=kind=pod", r"/item\?item=")
    record = found_address(screen, "/log", r"/item/record\?")
    pool = found_address(screen, "/pools", r"/pools\?id=")
    shares = f"/explore?realm=compute&meter=core_hours&{quarter}"
    return [
        ("overview", "staff", "/", 200),
        ("overview-pi", "okafor", "/", 200),
        ("overview-institution", "harbour", "/", 200),
        ("no-permission", "newcomer", "/", 403),
        ("explore-lines", "staff", f"{shares}&by=day,institution", 200),
        ("explore-bars-compared", "staff", f"{shares}&by=month,institution&chart=bar&compare=previous", 200),
        ("explore-lines-compared", "staff", f"{shares}&by=day&compare=previous", 200),
        ("explore-areas", "staff", f"{shares}&by=day,resource&chart=area", 200),
        ("explore-pie", "staff", f"{shares}&by=portal_project&chart=pie", 200),
        ("explore-heat", "staff", f"{shares}&by=day,portal_project&chart=heat", 200),
        (
            "explore-drilled",
            "staff",
            f"{shares}&by=person&where=institution=Northfield University&where=project_tree=genomics",
            200,
        ),
        ("explore-labels-compared", "okafor", f"{shares}&by=person,resource&compare=previous", 200),
        ("explore-no-data", "staff", "/explore?from=2001-01-01&to=2001-01-31", 200),
        ("explore-mistake", "staff", "/explore?realm=nothing", 400),
        ("projects", "staff", "/project", 200),
        ("project", "okafor", "/project?code=genomics", 200),
        ("project-refused", "yamada", "/project?code=genomics", 404),
        ("pools", "staff", "/pools", 200),
        ("pool", "staff", pool, 200),
        ("items", "staff", "/item", 200),
        ("item-vm", "staff", vm, 200),
        ("item-job", "staff", job, 200),
        ("item-pod", "staff", pod, 200),
        ("record", "staff", record, 200),
        ("log", "staff", "/log", 200),
        ("log-nothing", "staff", "/log?from=2001-01-01&to=2001-01-05", 200),
        ("storage", "staff", "/storage", 200),
        ("storage-inside", "okafor", "/storage?volume=projects&path=/projects/genomics", 200),
        ("reports", "staff", "/reports", 200),
        ("reports-none", "yamada", "/reports", 200),
        ("saved", "staff", "/saved", 200),
        ("saved-none", "yamada", "/saved", 200),
        ("dashboard", "staff", board, 200),
        ("sources", "staff", "/sources", 200),
        ("not-found", "staff", "/nonsense", 404),
        ("login", "", "/accounts/login/", 200),
    ]


def main(folder: Path, only: str = "") -> int:
    """Make the pictures; 1 when something is wrong with one."""
    site = folder / "demonstration" / "site"
    if not site.exists():
        folder.mkdir(parents=True, exist_ok=True)
        program = [sys.executable, str(HERE / "demonstration.py"), str(site.parent)]
        subprocess.run(program, check=True)
    made = wrong = 0
    with serving(site) as url, screens(url) as open_screen:
        first = open_screen()
        first.log_in("staff")
        shown = pages(first, prepare(first))
        states: dict[str, Any] = {"": None}
        for mode, (width, dark) in MODES.items():
            opened: dict[str, Screen] = {}
            for name, account, path, status in shown:
                if only not in name:
                    continue
                if account not in states:
                    signing = open_screen()
                    signing.page.set_default_timeout(20_000)
                    _log_in(signing, account)
                    states[account] = signing.page.context.storage_state()
                if account not in opened:
                    opened[account] = open_screen(width, dark, states[account])
                screen = opened[account]
                screen.show(path, status)
                screen.page.screenshot(path=folder / f"{name}-{mode}.png", full_page=True)
                made += 1
                for complaint in screen.complaints():
                    wrong += 1
                    print(f"{name}-{mode}: {complaint}")
    print(f"{made} pictures in {folder}, {wrong} complaints")
    return 1 if wrong else 0


def _log_in(screen: Screen, account: str) -> None:
    """As `Screen.log_in`, also for who then sees that they may see nothing."""
    screen.page.goto(f"{screen.url}/accounts/login/")
    screen.page.fill("[name=login]", account)
    screen.page.fill("[name=password]", "correct horse battery")
    screen.page.keyboard.press("Enter")
    screen.page.wait_for_url(f"{screen.url}/")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:3]))
