"""A Prometheus with a history: back-filled, started on a free port of loopback, killed, started again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import httpx

READY_SECONDS = 60


class PrometheusMissing(RuntimeError):
    """This machine has no Prometheus."""


class PrometheusServer:
    """A Prometheus that keeps its data in `folder`."""

    def __init__(self, folder: Path) -> None:
        for program in ("prometheus", "promtool"):
            if shutil.which(program) is None:
                raise PrometheusMissing(f"{program} is missing: apt-get install prometheus")
        self.folder = folder
        self.data = folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen | None = None

    def fill(self, lines: Iterable[str]) -> None:
        """Write the history into blocks, before the first start."""
        text = self.folder / "history.om"
        with text.open("w") as file:
            file.writelines(lines)
        command = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=162h", "-q"]
        subprocess.run([*command, "openmetrics", str(text), str(self.data)], check=True)
        text.unlink()

    def start(self) -> None:
        settings = self.folder / "prometheus.yml"
        settings.write_text("global:\n  scrape_interval: 1h\n")
        with (self.folder / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={settings}",
                    f"--storage.tsdb.path={self.data}",
                    "--storage.tsdb.retention.time=10y",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdout=log,
                stderr=log,
            )
        give_up = time.monotonic() + READY_SECONDS
        while time.monotonic() < give_up:
            try:
                if httpx.get(f"{self.url}/-/ready", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise RuntimeError(f"Prometheus isn't ready: {(self.folder / 'prometheus.log').read_text()[-2000:]}")

    def kill(self) -> None:
        """Away with it at once, as if the machine had failed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=30)
            self._process = None
