"""A site with two institutions' data, served by the command itself, and someone of each role to ask it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent)]

from identity_provider import AUDIENCE, CLIENT, SECRET, IdentityProvider, identity_provider  # noqa: E402
from served import Served, copied, free_port, serving  # noqa: E402
from two_institutions import make_site  # noqa: E402

from meterhouse.site import Site  # noqa: E402

TOKENS = "tokens.json"
STRICT = f"""\
[web]
url = "http://127.0.0.1:{{port}}"
public = true
proxies = ["127.0.0.0/8"]
requests_per_minute = 40
unknown_requests_per_minute = 120
[[web.providers]]
name = "campus"
title = "Campus log-in"
issuer = "{{issuer}}"
client_id = "{CLIENT}"
client_secret = {{{{ file = "client-secret" }}}}
api_audience = "{AUDIENCE}"
clients = {{{{ batch = "staff" }}}}
"""


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site with someone of each role, made once for all processes of this run: tests have copies."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = base / "two-institutions"
    with (base / "two-institutions.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / TOKENS).exists():
            with make_site(folder):
                pass
            program = Path(__file__).with_name("accounts_of_roles.py")
            tokens = subprocess.run(
                [sys.executable, str(program), str(folder)], capture_output=True, text=True
            )
            assert tokens.returncode == 0, tokens.stderr
            (folder / TOKENS).write_text(tokens.stdout)
    return folder


@pytest.fixture(scope="session")
def tokens(original: Path) -> dict[str, str]:
    """A token of each role, which every copy of the site knows."""
    found: dict[str, str] = json.loads((original / TOKENS).read_text())
    return found


@pytest.fixture(scope="session")
def site(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site itself, asked within this process."""
    with Site.open(copied(original, tmp_path_factory.mktemp("web") / "site")) as site:
        yield site


@pytest.fixture(scope="session")
def served(site: Site, tokens: dict[str, str]) -> Iterator[Served]:
    """The site behind a server."""
    with serving(site.path) as url:
        yield Served(url, site.path, tokens, {})


@pytest.fixture(scope="session")
def provider() -> Iterator[IdentityProvider]:
    """An identity provider."""
    with identity_provider() as provider:
        yield provider


@pytest.fixture(scope="session")
def strict(
    original: Path,
    tokens: dict[str, str],
    provider: IdentityProvider,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """The site once more on two workers: few requests are allowed, totals are public, a provider logs in."""
    folder = copied(original, tmp_path_factory.mktemp("strict") / "site")
    port = free_port()
    settings = (folder / "meterhouse.toml").read_text().partition("[web]")[0]
    (folder / "meterhouse.toml").write_text(f"{settings}{STRICT.format(port=port, issuer=provider.issuer)}")
    (folder / "client-secret").write_text(SECRET)
    with serving(folder, "--workers", "2", "--no-work", port=port) as url:
        yield Served(url, folder, tokens, {})
