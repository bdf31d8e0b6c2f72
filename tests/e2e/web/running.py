"""What runs in these tests: a site, and an identity provider that people log in by."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from served import METERHOUSE

AUDIENCE = "https://meterhouse.example/api"
SETTINGS = """\
[web]
url = "http://127.0.0.1:{port}"
[[web.providers]]
name = "campus"
title = "Campus"
issuer = "{issuer}"
client_id = "meterhouse"
client_secret = {{ env = "METERHOUSE_E2E_SECRET" }}
api_audience = "{audience}"
clients = {{ batch = "grace" }}
"""


@dataclass(frozen=True)
class Running:
    """The site and the provider."""

    url: str
    issuer: str
    folder: Path

    def command(self, *words: str, said: str = "") -> bytes:
        """What a command prints."""
        command = [METERHOUSE, "--site", str(self.folder), *words]
        return subprocess.run(command, capture_output=True, check=True, input=said.encode()).stdout
