"""A site with two institutions' data, served by the command itself, and someone of each role to ask it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent)]

from identity_provider import AUDIENCE, CLIENT, SECRET, IdentityProvider, identity_provider  # noqa: E402
from served import Served, free_port, serving  # noqa: E402
from two_institutions import make_site  # noqa: E402

from meterhouse.site import Site  # noqa: E402

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
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site itself, asked within this process."""
    with make_site(tmp_path_factory.mktemp("web") / "site") as site:
        yield site


@pytest.fixture(scope="session")
def served(site: Site) -> Iterator[Served]:
    """The site behind a server."""
    program = Path(__file__).with_name("accounts_of_roles.py")
    made = subprocess.run([sys.executable, str(program), str(site.path)], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    with serving(site.path) as url:
        yield Served(url, site.path, json.loads(made.stdout), {})


@pytest.fixture(scope="session")
def provider() -> Iterator[IdentityProvider]:
    """An identity provider."""
    with identity_provider() as provider:
        yield provider


@pytest.fixture(scope="session")
def strict(
    served: Served, provider: IdentityProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The site once more on two workers: few requests are allowed, totals are public, a provider logs in."""
    folder = tmp_path_factory.mktemp("strict") / "site"
    kept = shutil.ignore_patterns("register.sqlite3*", ".web-shared*", "serve.log", "made-files")
    shutil.copytree(served.folder, folder, ignore=kept)
    with sqlite3.connect(served.folder / "register.sqlite3") as source:
        with sqlite3.connect(folder / "register.sqlite3") as target:
            source.backup(target)
        target.close()
    source.close()
    port = free_port()
    settings = (folder / "meterhouse.toml").read_text().partition("[web]")[0]
    (folder / "meterhouse.toml").write_text(f"{settings}{STRICT.format(port=port, issuer=provider.issuer)}")
    (folder / "client-secret").write_text(SECRET)
    with serving(folder, "--workers", "2", "--no-work", port=port) as url:
        yield Served(url, folder, served.tokens, {})
