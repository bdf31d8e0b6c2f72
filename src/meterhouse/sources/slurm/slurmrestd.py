"""How is slurmrestd asked for jobs? One GET a window, over TCP or a Unix socket, the answer in a file."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any

import httpx
import stamina

from meterhouse.sources.excerpt import excerpt
from meterhouse.sources.file_content import ByteStream
from meterhouse.sources.slurm.collector import Question, Reader
from meterhouse.sources.slurm.sacct_command import CommandFailed
from meterhouse.sources.slurm.sacct_json import SacctJson

_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_ATTEMPTS = 3


class _Passing(CommandFailed):
    """A failure that may pass."""


@dataclass(frozen=True, slots=True)
class Slurmrestd:
    """A server to ask, and as whom: `http://host:6820`, or `unix:/path/to/socket`."""

    url: str
    version: str = "v0.0.38"  # of the API, as in its paths
    user: str | None = None
    token: str | None = field(default=None, repr=False)
    clusters: tuple[str, ...] = ()
    timeout: timedelta = timedelta(minutes=10)
    call: str = "slurmrestd"

    def ask(self, question: Question) -> IO[bytes]:
        if question.jobs:
            return self._jobs(question)
        # "uts" and seconds since 1970: other forms are read in the server's own time zone
        window = {
            "start_time": f"uts{int(question.start.timestamp())}",
            "end_time": f"uts{int(question.end.timestamp())}",
        }
        if self.clusters:
            window["cluster"] = ",".join(self.clusters)
        return self._get(f"jobs?{httpx.QueryParams(window)}")

    def read(self, answer: ByteStream, origin: str, resource: str, observed_at: datetime) -> Reader:
        return SacctJson(answer, origin, resource, observed_at, "slurmrestd")

    def _jobs(self, question: Question) -> IO[bytes]:
        jobs: list[Any] = []
        for number in question.jobs:
            with self._get(f"job/{number}") as answer:
                try:
                    said = json.load(answer)
                    jobs += said.get("jobs") or []
                except (ValueError, AttributeError, TypeError):
                    raise CommandFailed(f"job {number}: expected a JSON object with jobs") from None
        together = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        together.write(json.dumps({"jobs": jobs}).encode())
        together.seek(0)
        return together

    def _get(self, path: str) -> IO[bytes]:
        socket = self.url.removeprefix("unix:") if self.url.startswith("unix:") else None
        base = "http://localhost" if socket else self.url.rstrip("/")
        headers = {"Accept": "application/json", "User-Agent": "meterhouse"}
        if self.token is not None:
            headers |= {"X-SLURM-USER-NAME": self.user or "", "X-SLURM-USER-TOKEN": self.token}
        with httpx.Client(
            headers=headers,
            timeout=self.timeout.total_seconds(),
            transport=httpx.HTTPTransport(uds=socket),
            trust_env=False,
        ) as client:
            for attempt in stamina.retry_context(on=_Passing, attempts=_ATTEMPTS, timeout=None, wait_max=20):
                with attempt:
                    return self._once(client, f"{base}/slurmdb/{self.version}/{path}")
        raise AssertionError("unreachable")

    def _once(self, client: httpx.Client, url: str) -> IO[bytes]:
        answer = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            with client.stream("GET", url) as response:
                if response.status_code in _PASSING_STATUS:
                    raise _Passing(f"HTTP status {response.status_code}")
                for piece in response.iter_bytes(1 << 20):
                    answer.write(piece)
                if response.status_code != 200:
                    answer.seek(0)
                    said = excerpt(answer.read(400).decode("utf-8", "backslashreplace"), 200)
                    raise CommandFailed(f"HTTP status {response.status_code}: {said}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            answer.close()
            raise _Passing(f"no answer: {type(error).__name__}") from None
        except BaseException:
            answer.close()
            raise
        answer.seek(0)
        return answer
