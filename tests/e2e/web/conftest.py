"""A site with two institutions' data, its server, and a real identity provider that people log in by."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

WEB_TESTS = Path(__file__).parents[2] / "web"
sys.path[:0] = [str(WEB_TESTS), str(Path(__file__).parent)]

from running import AUDIENCE, SETTINGS, Running  # noqa: E402
from served import free_port, serving  # noqa: E402
from two_institutions import make_site  # noqa: E402


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Both, until the tests are over. Grace is of the staff; Ada and Bea have no account yet."""
    if "METERHOUSE_E2E_WEB" not in os.environ:
        pytest.skip("needs the identity provider that `make e2e-web` installs")
    folder = tmp_path_factory.mktemp("e2e") / "site"
    port, provider_port = free_port(), free_port()
    issuer, url = f"http://127.0.0.1:{provider_port}", f"http://127.0.0.1:{port}"
    make_site(folder).close()
    settings = (folder / "meterhouse.toml").read_text().partition("[web]")[0]
    told = SETTINGS.format(port=port, issuer=issuer, audience=AUDIENCE)
    (folder / "meterhouse.toml").write_text(settings + told)
    os.environ["METERHOUSE_E2E_SECRET"] = "the secret of a test"
    found = Running(url, issuer, folder)
    found.command("users", "add", "grace", "--role", "staff", said="a password for grace\n")
    program = Path(os.environ["METERHOUSE_E2E_WEB"]) / "provider.mjs"
    back = f"{url}/accounts/oidc/campus/login/callback/"
    provider = subprocess.Popen(
        ["node", str(program), str(provider_port), back, AUDIENCE],
        cwd=program.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert provider.stdout is not None
        assert "ready" in provider.stdout.readline()
        with serving(folder, port=port):
            yield found
    finally:
        provider.terminate()
        provider.wait(20)


@pytest.fixture
def program() -> Iterator[httpx.Client]:
    """A program that isn't a browser."""
    with httpx.Client(trust_env=False) as client:
        yield client
