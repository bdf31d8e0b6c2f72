"""What can a program ask? What the commands ask, with the same words, of a site over the web."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx

from meterhouse.client.answers import MEDIA_TYPE, Frame, framed, table_of
from meterhouse.client.asking import Asking
from meterhouse.client.errors import ApiError, NotAllowed

Day = date | str
Where = Mapping[str, str | Iterable[str]]


class Client:
    """A site, asked with a token: `Client("https://usage.example.org", token)`.

    Answers are Arrow tables unless `frame` says "pandas" or "polars", here or at a question. Quantities are
    exact decimals. A busy site is asked again up to `attempts` times, as late as it says.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        frame: Frame = "arrow",
        timeout: float = 120.0,
        attempts: int = 6,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._frame = frame
        self._asking = Asking(url, token, timeout=timeout, attempts=attempts, transport=transport)

    @classmethod
    def from_environment(cls, **options: Any) -> Client:
        """The site and the token that METERHOUSE_URL and METERHOUSE_TOKEN name."""
        try:
            return cls(os.environ["METERHOUSE_URL"], os.environ["METERHOUSE_TOKEN"], **options)
        except KeyError as missing:
            raise NotAllowed(0, f"environment variable {missing.args[0]} is not set") from None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._asking.close()

    def usage(
        self,
        first: Day,
        last: Day,
        *,
        realm: str = "cloud",
        meters: Iterable[str] = (),
        by: Iterable[str] = (),
        where: Where | None = None,
        profile: str = "default",
        as_of: datetime | int | str | None = None,
        frame: Frame | None = None,
    ) -> Any:
        """How much was used, by whom, when? Days are both included."""
        return self.rows(
            "usage",
            frame,
            **_period(first, last, profile, as_of),
            realm=realm,
            meter=",".join(meters),
            by=",".join(by),
            where=_where(where),
        )

    def spans(
        self,
        first: Day,
        last: Day,
        *,
        where: Where | None = None,
        profile: str = "default",
        as_of: datetime | int | str | None = None,
        frame: Frame | None = None,
    ) -> Any:
        """Which item was in which state and size, from when to when?"""
        return self.rows("spans", frame, **_period(first, last, profile, as_of), where=_where(where))

    def log(
        self,
        first: Day,
        last: Day,
        *,
        where: Where | None = None,
        items: Iterable[str] = (),
        profile: str = "default",
        as_of: datetime | int | str | None = None,
        frame: Frame | None = None,
    ) -> Any:
        """What happened, when and by whose account?"""
        period = _period(first, last, profile, as_of)
        return self.rows("log", frame, **period, where=_where(where), item=list(items))

    def resources(self, frame: Frame | None = None) -> Any:
        """What is measured?"""
        return self._once("resources", frame)

    def meters(self, profile: str = "default", frame: Frame | None = None) -> Any:
        """What can be asked?"""
        return self._once("meters", frame, profile=profile)

    def sources(self, frame: Frame | None = None) -> Any:
        """What is read?"""
        return self._once("sources", frame)

    def coverage(
        self,
        resource: str | None = None,
        first: Day | None = None,
        last: Day | None = None,
        frame: Frame | None = None,
    ) -> Any:
        """Which windows were read, and how did that go?"""
        days = {"from": _day(first), "to": _day(last)}
        return self.rows("coverage", frame, resource=resource, **days)

    def institutions(self, day: Day | None = None, frame: Frame | None = None) -> Any:
        """Which institutions are there?"""
        return self.rows("institutions", frame, day=_day(day))

    def people(self, day: Day | None = None, frame: Frame | None = None) -> Any:
        """Who is there?"""
        return self.rows("people", frame, day=_day(day))

    def projects(self, day: Day | None = None, frame: Frame | None = None) -> Any:
        """Which projects are there, and which stands below which?"""
        return self.rows("projects", frame, day=_day(day))

    def pools(
        self,
        day: Day | None = None,
        *,
        project: str | None = None,
        period: str | None = None,
        over: bool = False,
        frame: Frame | None = None,
    ) -> Any:
        """How much may projects use, and what is left?"""
        asked = {"project": project, "period": period, "over": "true" if over else None}
        return self.rows("pools", frame, day=_day(day), **asked)

    def statements(self, period: str, project: str | None = None, frame: Frame | None = None) -> Any:
        """What stood when a period was closed?"""
        return self.rows("statements", frame, period=period, project=project)

    def me(self) -> dict[str, Any]:
        """Who am I to this site?"""
        said: dict[str, Any] = self._asking.send("GET", "me", accept="application/json").json()
        return said

    def rows(self, path: str, frame: Frame | None = None, **query: Any) -> Any:
        """All rows of an operation of the API, page by page, all of them of the same snapshot."""
        pages, following = [], path
        asked: Mapping[str, Any] | None = {**query, "limit": 10_000}
        while following:
            answer = self._asking.send("GET", following, query=asked, accept=MEDIA_TYPE)
            pages.append(answer.content)
            following, asked = answer.links.get("next", {}).get("url", ""), None
        return framed(table_of(pages), frame or self._frame)

    def report(self, month: str, to: Path | str, *, patience: float = 600.0, **parameters: Any) -> Path:
        """Have the report of a month ("2026-03") made, and fetch it: `to` is a file or an existing folder."""
        return self._made("reports", {"month": month, **parameters}, Path(to), patience)

    def export(
        self, what: str, first: Day, last: Day, to: Path | str, *, patience: float = 600.0, **parameters: Any
    ) -> Path:
        """Have a file of "usage", "spans", "log" or "dump" made, and fetch it."""
        asked = {"what": what, "from": _day(first), "to": _day(last), **parameters}
        return self._made("exports", asked, Path(to), patience)

    def _once(self, path: str, frame: Frame | None, **query: Any) -> Any:
        answer = self._asking.send("GET", path, query=query, accept=MEDIA_TYPE)
        return framed(table_of([answer.content]), frame or self._frame)

    def _made(self, path: str, asked: Mapping[str, Any], to: Path, patience: float) -> Path:
        begun = self._asking.send("POST", path, json=asked, accept="application/json").json()
        until, pause = time.monotonic() + patience, 0.2
        while (state := begun["state"]) in ("waiting", "running"):
            if time.monotonic() > until:
                raise ApiError(0, f"{path}: expected it to be done in {patience:g} s, found it {state}")
            time.sleep(pause)
            pause = min(pause * 1.5, 5.0)
            begun = self._asking.send("GET", f"work/{begun['id']}", accept="application/json").json()
        if state == "failed":
            raise ApiError(0, f"{path}: {begun['error']}")
        return self._fetch(begun, to)

    def _fetch(self, made: Mapping[str, Any], to: Path) -> Path:
        """The file is there whole and unaltered, or not at all."""
        path = to / Path(made["file_name"]).name if to.is_dir() else to
        partial = path.with_name(f".{path.name}.{made['id']}")
        digest = hashlib.sha256()
        try:
            with (
                self._asking.stream("GET", f"work/{made['id']}/file", accept="*/*") as answer,
                partial.open("xb") as file,
            ):
                for part in answer.iter_bytes():
                    digest.update(part)
                    file.write(part)
            if digest.hexdigest() != made["sha256"]:
                raise ApiError(0, f"{path.name}: its checksum isn't that of what was made")
            return partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def _day(day: Day | None) -> str | None:
    return day.isoformat() if isinstance(day, date) else day


def _period(first: Day, last: Day, profile: str, as_of: datetime | int | str | None) -> dict[str, Any]:
    when = as_of.isoformat() if isinstance(as_of, datetime) else as_of
    return {"from": _day(first), "to": _day(last), "profile": profile, "as_of": when}


def _where(where: Where | None) -> list[str]:
    return [
        f"{name}={value}"
        for name, values in (where or {}).items()
        for value in ([values] if isinstance(values, str) else values)
    ]
