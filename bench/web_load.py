"""How fast are pages? Twenty users at once on a site with 5,000 projects and three years of daily usage.

    python bench/web_load.py [--rows 1000000] [--projects 5000] [--people 20000] [--users 20] [--seconds 30]
        [--workers 1] [--threads 16] [--work DIR] [--while-building]

Each user is logged in (staff, partners' administrators and PIs) before the server starts, asks for a page,
gets it whole, and asks for the next: Overview, a year by month and institution in Explore, and every tenth
time any other question, over all of the years, the last one or this month. The first round begins when a
server just started answers for the first time.
With `--while-building` six million generated events are built in full meanwhile, again and again, in a site
beside; after each build the served site gets another state, as if the build were its own. Times are those of
the client, in milliseconds; the CPU time is that of the server's processes.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "web"), str(HERE.parent / "tests")]

PASSWORD = "correct horse battery"
FIRST = date(2024, 1, 1)
QUESTIONS = ("institution", "pi", "portal_project", "person", "field", "career_level")
ACCOUNTS = """
import sys
from meterhouse.web.configured import configure
with configure(sys.argv[1]):
    from django.contrib.auth.hashers import PBKDF2PasswordHasher
    from meterhouse.web.accounts.granting import add_account
    PBKDF2PasswordHasher.iterations = 1000
    for n in range(int(sys.argv[2])):
        tied = [{}, {"institution": f"Institution {n}"}, {"person": f"u{n}"}][n % 3]
        add_account(f"user{n}", sys.argv[3], ["staff", "institution", "user"][n % 3], **tied)
"""
# Whoever is logged in stays so when the server starts anew. Prints a key of a session for each user.
SESSIONS = """
import sys
from datetime import UTC, datetime
from meterhouse.web.configured import configure
with configure(sys.argv[1]):
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
    from django.contrib.sessions.backends.db import SessionStore
    from django.conf import settings
    for n in range(int(sys.argv[2])):
        user, session = get_user_model().objects.get(username=f"user{n}"), SessionStore()
        user.last_login = datetime.now(UTC)
        user.save()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        print(session.session_key)
"""
# What a build leaves: other files, so that nothing that was kept before is of use any more.
ANOTHER_STATE = """
import sys
from meterhouse.site import Site
from meterhouse.warehouse.publishing import NewFile, last_build
with Site.open(sys.argv[1]) as site, site.engine() as engine:
    view = site.warehouse.view()
    newest = view.files("daily")[-1]
    path = site.warehouse.new_path("daily")
    rows = engine.copy(f"SELECT * FROM ({view.select_files('daily', [newest])})", path)
    site.warehouse.publish(
        kind="build", previous_build=last_build(site.register.alias, view.snapshot).number,
        input_snapshot=view.snapshot, models_key="bench", remove=[newest.id],
        add=[NewFile("daily", path, newest.partition, newest.min_time, newest.max_time, rows)],
    )
"""


def make_site(folder: Path, rows: int, days: int, projects: int, people: int) -> None:
    """A site as `bench/attribution.py` has it, its sums kept as a build keeps them."""
    import attribution
    from meterhouse.site import Site
    from meterhouse.usage.rollups import roll_up

    limits = "[web]\nrequests_per_minute = 1000000\nunknown_requests_per_minute = 1000000\n"
    with Site.init(folder, settings_text=attribution.SETTINGS + limits) as site:
        attribution.fill_directory(site, projects, people, 200, days)
        attribution.fill_usage(site, rows, days, projects, people)
        roll_up(site.warehouse.view(), site.engine)


def addresses(today: date) -> dict[str, list[str]]:
    """What is asked for, by kind of page."""
    explored = []
    for by in QUESTIONS:
        for first, unit in (
            (FIRST, "year"),
            (today - timedelta(days=364), "month"),
            (today.replace(day=1), "day"),
        ):
            words = {"realm": "cloud", "meter": "core_hours", "from": first, "to": today}
            explored.append(f"/explore?{urlencode(words | {'by': by if unit == 'day' else f'{unit},{by}'})}")
    usual = {"realm": "cloud", "meter": "core_hours", "by": "month,institution"}
    usual |= {"from": str(today - timedelta(days=364)), "to": str(today)}
    return {"Overview": ["/"], "Explore": [f"/explore?{urlencode(usual)}"], "Any question": explored}


def ask(
    url: str,
    name: str,
    session: str,
    until: float,
    shown: dict[str, list[str]],
    times: dict[str, list[float]],
) -> None:
    """One user, until it's over."""
    import httpx

    chance = random.Random(name)
    cookies = {"meterhouse_session": session}
    with httpx.Client(base_url=url, trust_env=False, verify=False, timeout=120, cookies=cookies) as client:
        while time.monotonic() < until:
            kind = chance.choices(list(shown), weights=(45, 45, 10))[0]
            began = time.monotonic()
            answer = client.get(chance.choice(shown[kind]))
            times[kind].append((time.monotonic() - began) * 1000)
            assert answer.status_code == 200, (answer.status_code, answer.text[:300])


def cpu_seconds(group: int) -> float:
    """CPU time of a process group."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def land_events(folder: Path) -> None:
    """Six million events of three months, to be built."""
    if not folder.exists():
        _step("land", str(folder), "6000000", "60000", "90", "0", "90")


def building(folder: Path, served: Path, stop: threading.Event, ended: list[float]) -> None:
    """Build these events in full, again and again; each time the served site has another state, too."""
    while not stop.is_set():
        _step("build", str(folder), "--full")
        subprocess.run([sys.executable, "-c", ANOTHER_STATE, str(served)], check=True)
        ended.append(time.monotonic())


def _step(*words: str) -> None:
    subprocess.run([sys.executable, str(HERE / "steps.py"), *words], check=True, capture_output=True)


def report(times: dict[str, list[float]]) -> None:
    print(f"{'page':12} {'answers':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'most ms':>8}")
    for kind, found in times.items():
        found.sort()
        marks = [found[min(len(found) - 1, int(len(found) * part))] for part in (0.5, 0.95, 0.99)]
        print(f"{kind:12} {len(found):8} {marks[0]:8.0f} {marks[1]:8.0f} {marks[2]:8.0f} {found[-1]:8.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--projects", type=int, default=5_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--while-building", action="store_true")
    asked = parser.parse_args()
    today = datetime.now(UTC).date()
    work = asked.work or Path(tempfile.mkdtemp(prefix="web-load-"))
    folder = work / "site"
    if not folder.exists():
        program = "import sys, web_load; from pathlib import Path; " + (
            f"web_load.make_site(Path({str(folder)!r}), {asked.rows}, {(today - FIRST).days + 1}, "
            f"{asked.projects}, {asked.people})"
        )
        subprocess.run([sys.executable, "-c", program], check=True, cwd=HERE)
        subprocess.run([sys.executable, "-c", ACCOUNTS, str(folder), str(asked.users), PASSWORD], check=True)
    from screenshots import serving

    of_users = [sys.executable, "-c", SESSIONS, str(folder), str(asked.users)]
    sessions = subprocess.run(of_users, check=True, capture_output=True, text=True).stdout.split()
    stop, ended = threading.Event(), list[float]()
    if asked.while_building:
        land_events(work / "building")
    with serving(folder, "--workers", str(asked.workers), "--threads", str(asked.threads)) as url:
        (server,) = [
            int(one.parent.name)
            for one in Path("/proc").glob("[0-9]*/cmdline")
            if f"--site\0{folder}\0serve".encode() in one.read_bytes()
            and os.getpgid(int(one.parent.name)) == int(one.parent.name)
        ]
        if asked.while_building:
            beside = (work / "building", folder, stop, ended)
            threading.Thread(target=building, args=beside, daemon=True).start()
        for title in ("first", "warm"):
            times: dict[str, list[float]] = defaultdict(list)
            before, until = cpu_seconds(server), time.monotonic() + asked.seconds
            users = [
                threading.Thread(target=ask, args=(url, f"user{n}", session, until, addresses(today), times))
                for n, session in enumerate(sessions)
            ]
            for one in users:
                one.start()
            for one in users:
                one.join()
            count = sum(map(len, times.values()))
            cost = (cpu_seconds(server) - before) * 1000 / max(1, count)
            print(f"{title}: {asked.users} users, {count} answers, {cost:.0f} CPU ms an answer")
            report(times)
            print(f"{len(ended)} builds ended meanwhile" if asked.while_building else "")
            ended.clear()
        stop.set()


if __name__ == "__main__":
    main()
