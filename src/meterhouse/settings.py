"""What does the site's administrator decide? meterhouse.toml, typed, with an error for each mistake."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationError, model_validator

from meterhouse.alerts_settings import AlertsSection
from meterhouse.directory_settings import DirectorySource
from meterhouse.errors import ConfigurationError
from meterhouse.settings_section import Name, Secret
from meterhouse.settings_section import Section as _Section
from meterhouse.sources.kubernetes.queries import mistake_in
from meterhouse.web_settings import Network, Provider

SETTINGS_FILE = "meterhouse.toml"


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("expected an IANA time zone such as Europe/London") from error
    return name


TimeZone = Annotated[str, AfterValidator(_time_zone)]
MemorySize = Annotated[str, Field(pattern=r"^[1-9][0-9]*(\.[0-9]+)? ?[KMGT]i?B$")]


class SiteSection(_Section):
    name: str = Field(min_length=1, max_length=200)
    time_zone: TimeZone = "UTC"


class RegisterSection(_Section):
    """Where the register is: a file below the site, or `postgresql://user@host:port/database`."""

    url: str = "register.sqlite3"
    password: Secret | None = None

    @model_validator(mode="after")
    def _no_password_in_url(self) -> RegisterSection:
        if re.search(r"//[^/@]*:[^/@]*@", self.url):
            raise ValueError("expected a URL without a password, which register.password refers to")
        return self

    def with_password_reference(self, site_path: Path) -> str:
        """The URL with the reference to the password as the register takes it."""
        if self.password is None:
            return self.url
        reference = (
            {"password_env": self.password.env}
            if self.password.env is not None
            else {"password_file": str(site_path / (self.password.file or ""))}
        )
        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(reference)}"


class WarehouseSection(_Section):
    path: Path = Path("warehouse")
    memory_limit: MemorySize | None = None
    threads: int | None = Field(default=None, ge=1, le=1024)


class Capacity(_Section):
    """What a resource could give from `start` until before `end` (open when absent)."""

    start: date
    end: date | None = None
    cores: int = Field(ge=0)
    memory_gib: int | None = Field(default=None, ge=0)
    gpus: int | None = Field(default=None, ge=0)
    nodes: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Capacity:
        if self.end is not None and self.end <= self.start:
            raise ValueError("expected end after start")
        return self


class Resource(_Section):
    name: Name
    kind: Literal["cloud", "cluster", "filesystem", "objectstore"]
    title: str | None = Field(default=None, max_length=200)
    organization: str | None = Field(default=None, max_length=200)
    time_zone: TimeZone = "UTC"
    capacity: tuple[Capacity, ...] = ()

    @model_validator(mode="after")
    def _capacity_in_order(self) -> Resource:
        for earlier, later in zip(self.capacity, self.capacity[1:], strict=False):
            if earlier.end is None or earlier.end > later.start:
                raise ValueError(f"expected capacity periods in order without overlap, at {later.start}")
        return self


class OpenStackSource(_Section):
    """A cloud to poll with openstacksdk: `cloud` names an entry of clouds.yaml."""

    kind: Literal["openstack"]
    name: Name
    resource: Name
    cloud: str
    clouds_file: Path | None = None
    full_listing_every: timedelta = timedelta(hours=1)
    overlap: timedelta = timedelta(minutes=10)
    history_since: datetime | None = None

    @property
    def since(self) -> datetime | None:
        """`history_since`, which is UTC unless it says otherwise."""
        moment = self.history_since
        return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


class NotificationSource(_Section):
    """A message bus to listen to: OpenStack notifications by AMQP."""

    kind: Literal["openstack-notifications"]
    name: Name
    resource: Name
    host: str = "127.0.0.1"
    port: int = Field(default=5672, ge=1, le=65535)
    virtual_host: str = "/"
    user: str
    password: Secret
    queue: str = "meterhouse"
    tls: bool = False


class KubernetesSource(_Section):
    """A Kubernetes or OpenShift cluster, as its Prometheus or Thanos remembers it."""

    kind: Literal["kubernetes"]
    name: Name
    resource: Name
    url: str = Field(pattern=r"^https?://[^\s@?#]+$")
    cluster: str | None = Field(default=None, max_length=200)
    token: Secret | None = None
    user: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None
    verify: bool = True
    proxy: str | None = Field(default=None, pattern=r"^(https?|socks5h?)://[^\s@]+$")
    step: timedelta = timedelta(minutes=15)
    chunk: timedelta = timedelta(days=1)
    overlap: timedelta = timedelta(hours=1)
    settle: timedelta = timedelta(minutes=5)
    timeout: timedelta = timedelta(minutes=2)
    history_since: datetime | None = None
    matchers: str = ""
    queries: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _together(self) -> KubernetesSource:
        if self.token is not None and self.user is not None:
            raise ValueError("expected a token, or user and password, not both")
        if (self.user is None) != (self.password is None):
            raise ValueError("expected user and password together")
        for what, length in (("step", self.step), ("chunk", self.chunk)):
            if length < timedelta(seconds=1) or length % timedelta(seconds=1):
                raise ValueError(f"{what}: expected whole seconds, at least one")
        if self.chunk > timedelta(days=1):
            raise ValueError("chunk: expected at most a day")
        if self.chunk % self.step:
            raise ValueError("chunk: expected a multiple of step")
        for what, length in (("overlap", self.overlap), ("settle", self.settle), ("timeout", self.timeout)):
            if length < timedelta():
                raise ValueError(f"{what}: expected no negative duration")
        if problem := mistake_in(self.queries, self.labels):
            raise ValueError(problem)
        return self

    @property
    def since(self) -> datetime | None:
        """`history_since`, which is UTC unless it says otherwise."""
        moment = self.history_since
        return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


class SlurmSource(_Section):
    """A Slurm cluster, as its accounting tells: sacct here or over a command such as ssh, or slurmrestd."""

    kind: Literal["slurm"]
    name: Name
    resource: Name
    form: Literal["lines", "json", "rest"] = "lines"
    command: tuple[str, ...] = ()
    sacct: str = Field(default="sacct", min_length=1, max_length=1000)
    clusters: tuple[Name, ...] = ()
    url: str | None = Field(default=None, pattern=r"^(https?://[^\s@?#]+|unix:/[^\s]+)$")
    api_version: str = Field(default="v0.0.38", pattern=r"^v\d+\.\d+\.\d+$")
    user: str | None = None
    token: Secret | None = None
    chunk: timedelta = timedelta(days=1)
    overlap: timedelta = timedelta(hours=1)
    timeout: timedelta = timedelta(minutes=10)
    history_since: datetime | None = None

    @model_validator(mode="after")
    def _together(self) -> SlurmSource:
        if (self.form == "rest") != (self.url is not None):
            raise ValueError('expected url with form = "rest", and only then')
        if self.form != "rest" and (self.user is not None or self.token is not None):
            raise ValueError('expected user and token with form = "rest" only')
        if (self.user is None) != (self.token is None):
            raise ValueError("expected user and token together")
        if any(not word for word in self.command):
            raise ValueError("command: expected words that aren't empty")
        for what, length in (("chunk", self.chunk), ("timeout", self.timeout)):
            if length < timedelta(seconds=1) or length % timedelta(seconds=1):
                raise ValueError(f"{what}: expected whole seconds, at least one")
        if self.overlap < timedelta() or self.overlap % timedelta(seconds=1):
            raise ValueError("overlap: expected whole seconds, none or more")
        return self

    @property
    def since(self) -> datetime | None:
        """`history_since`, which is UTC unless it says otherwise."""
        moment = self.history_since
        return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


Source = Annotated[
    OpenStackSource | NotificationSource | KubernetesSource | SlurmSource, Field(discriminator="kind")
]


class ProjectRoot(_Section):
    """A directory of a volume that holds a directory a project."""

    path: str = Field(pattern=r"^/")
    shown_as: str | None = Field(default=None, pattern=r"^/")
    depth: int = Field(default=2, ge=1, le=20)


class Volume(_Section):
    """A file system that is scanned: where it is mounted, and how finely its usage is told apart."""

    name: Name
    resource: Name
    path: str | None = Field(default=None, pattern=r"^/")
    depth: int | None = Field(default=None, ge=0, le=50)
    roots: tuple[ProjectRoot, ...] = ()
    directories: bool = True
    entries: bool = False
    scans: str | None = Field(default=None, min_length=1)
    passwd_file: Path | None = None
    group_file: Path | None = None
    file_classes: Path | None = None


class WebSection(_Section):
    """What people type to get to the web site, and whether anybody may see the centre's totals."""

    url: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://[^/@\s?#]+$", max_length=300)
    public: bool = False
    proxies: tuple[Network, ...] = ()
    requests_per_minute: int = Field(default=600, ge=1, le=1_000_000)
    unknown_requests_per_minute: int = Field(default=60, ge=1, le=1_000_000)
    providers: tuple[Provider, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> WebSection:
        names = [provider.name for provider in self.providers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"providers: expected each name once, found {', '.join(twice)} more than once")
        audiences = [(one.issuer, one.api_audience) for one in self.providers if one.api_audience]
        if len(set(audiences)) != len(audiences):
            raise ValueError("providers: expected each issuer with an api_audience once")
        return self


class Settings(_Section):
    """All of meterhouse.toml."""

    site: SiteSection
    register_: RegisterSection = Field(default=RegisterSection(), alias="register")
    warehouse: WarehouseSection = WarehouseSection()
    resources: tuple[Resource, ...] = ()
    sources: tuple[Source, ...] = ()
    volumes: tuple[Volume, ...] = ()
    directory: tuple[DirectorySource, ...] = ()
    alerts: AlertsSection = AlertsSection()
    web: WebSection = WebSection()

    @model_validator(mode="after")
    def _names(self) -> Settings:
        for what, names in (
            ("resources", [resource.name for resource in self.resources]),
            ("sources", [source.name for source in self.sources]),
            ("volumes", [volume.name for volume in self.volumes]),
            ("directory", [source.name for source in self.directory]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: expected each name once, found {', '.join(twice)} more than once")
        declared = {resource.name for resource in self.resources}
        for source in self.sources:
            if source.resource not in declared:
                raise ValueError(
                    f"sources.{source.name}.resource: expected a declared resource, found {source.resource!r}"
                )
        for volume in self.volumes:
            if volume.resource not in declared:
                raise ValueError(
                    f"volumes.{volume.name}.resource: expected a declared resource, found {volume.resource!r}"
                )
        return self

    def resource(self, name: str) -> Resource:
        """The declared resource of that name. Raises ConfigurationError when there is none."""
        for resource in self.resources:
            if resource.name == name:
                return resource
        known = ", ".join(resource.name for resource in self.resources) or "none"
        raise ConfigurationError(
            f"resource: expected one declared in {SETTINGS_FILE} ({known}), found {name!r}"
        )


def load_settings(path: Path) -> Settings:
    """Read and check meterhouse.toml. Raises ConfigurationError with one line a mistake."""
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file; `meterhouse init DIR` makes a site") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: expected TOML, found: {error}") from None
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigurationError("\n".join(_mistakes(path, data, error))) from None


def _mistakes(path: Path, data: dict[str, Any], error: ValidationError) -> list[str]:
    lines = []
    for mistake in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in mistake["loc"]) or "(whole file)"
        expectation = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "extra_forbidden":
            expectation = "expected a known key"
        found = _found(data, mistake["loc"])
        lines.append(f"{path}: {key}: {expectation}{found}")
    return lines


def _found(data: Any, location: tuple[int | str, ...]) -> str:
    """What stands there, shown only where it can't be a secret."""
    if any("password" in str(part) or "secret" in str(part) or "token" in str(part) for part in location):
        return ""
    for part in location:
        if isinstance(part, int) and isinstance(data, list):
            data = data[part]
        elif isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(part, str) and isinstance(data, dict) and data.get("kind") == part:
            continue  # pydantic names the chosen kind of a source in the location
        else:
            return ""
    if isinstance(data, dict | list):
        return ""
    if isinstance(data, str) and re.search(r"//[^/@]*:[^/@]*@", data):
        return ""
    return f", found {data!r}"
