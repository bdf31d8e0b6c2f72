"""What happens when a configured source is read? Read, land, remember until when, in this order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from meterhouse.errors import MeterhouseError
from meterhouse.operations.collection.cursors import keep_cursor, read_cursor
from meterhouse.settings import KubernetesSource, NotificationSource, OpenStackSource, SlurmSource, Source

if TYPE_CHECKING:
    from meterhouse.site import Site
    from meterhouse.warehouse.landing import Landed


@dataclass(frozen=True, slots=True)
class Collected:
    """What one landed delivery of a source amounted to."""

    source: str
    resource: str
    landed: Landed

    @property
    def records(self) -> int:
        return sum(self.landed.rows.values())

    @property
    def failures(self) -> tuple[str, ...]:
        """Calls that failed, each with what is known of why."""
        return tuple(
            f"{window.call}: {window.detail or 'no answer'}"
            for window in self.landed.coverage
            if window.outcome == "failed"
        )


def chosen_sources(site: Site, names: list[str]) -> tuple[Source, ...]:
    """The configured sources of these names, or all. Raises MeterhouseError for an unknown name."""
    known = {source.name: source for source in site.settings.sources}
    if not known:
        raise MeterhouseError("collect: expected a source declared in meterhouse.toml, found none")
    for name in names:
        if name not in known:
            raise MeterhouseError(f"collect: expected one of {', '.join(known)}, found {name!r}")
    return tuple(known[name] for name in names) if names else tuple(known.values())


def collect_source(
    site: Site,
    source: Source,
    *,
    stop: Callable[[], bool] = lambda: False,
    idle_seconds: float | None = 10.0,
) -> Iterator[Collected]:
    """Read one source and land what it says, delivery by delivery.

    A poll ends by itself. Listening to notifications ends when nothing has come for `idle_seconds`
    (None: never), or when `stop` says so. Messages are acknowledged after they have landed.
    """
    if isinstance(source, OpenStackSource):
        return _poll(site, source)
    if isinstance(source, KubernetesSource):
        return _query(site, source)
    if isinstance(source, SlurmSource):
        return _ask_accounting(site, source)
    return _listen(site, source, stop, idle_seconds)


def _poll(site: Site, source: OpenStackSource) -> Iterator[Collected]:
    from openstack.config.loader import OpenStackConfig
    from openstack.connection import Connection
    from openstack.exceptions import SDKException

    from meterhouse.sources.openstack.collector import collect
    from meterhouse.sources.openstack.reading import Habits

    habits = Habits(
        overlap=source.overlap,
        full_listing=source.full_listing_every,
        history_since=source.since or datetime(1970, 1, 1, tzinfo=UTC),
    )
    alias = site.register.alias
    try:
        files = [str(site.path / source.clouds_file)] if source.clouds_file else None
        connection = Connection(config=OpenStackConfig(config_files=files).get_one(cloud=source.cloud))
    except SDKException as error:
        raise MeterhouseError(f"source {source.name}: cloud {source.cloud}: {type(error).__name__}") from None
    cursor = read_cursor(alias, source.name, source.resource)
    for collected in collect(connection, source.resource, cursor, datetime.now(UTC), habits):
        landed = site.warehouse.land(collected.delivery)
        keep_cursor(alias, source.name, source.resource, collected.cursor, landed.batch_id)
        yield Collected(source.name, source.resource, landed)


def _query(site: Site, source: KubernetesSource) -> Iterator[Collected]:
    from meterhouse.sources.kubernetes.collector import Habits, collect
    from meterhouse.sources.kubernetes.prometheus import Patience, Prometheus, QueryFailed, Server

    server = Server(
        url=source.url,
        token=source.token.reveal(site.path) if source.token else None,
        user=source.user,
        password=source.password.reveal(site.path) if source.password else None,
        ca_file=site.path / source.ca_file if source.ca_file else None,
        verify=source.verify,
        proxy=source.proxy,
    )
    habits = Habits(
        step=source.step,
        chunk=source.chunk,
        overlap=source.overlap,
        settle=source.settle,
        history_since=source.since,
        cluster=source.cluster,
        matchers=source.matchers,
        queries=source.queries,
        labels=source.labels,
    )
    try:
        prometheus = Prometheus(server, Patience(timeout_seconds=source.timeout.total_seconds()))
    except QueryFailed as failure:
        raise MeterhouseError(f"source {source.name}: {failure}") from None
    alias = site.register.alias
    cursor = read_cursor(alias, source.name, source.resource)
    with prometheus:
        for collected in collect(prometheus, source.resource, cursor, datetime.now(UTC), habits):
            landed = site.warehouse.land(collected.delivery)
            keep_cursor(alias, source.name, source.resource, collected.cursor, landed.batch_id)
            yield Collected(source.name, source.resource, landed)


def _ask_accounting(site: Site, source: SlurmSource) -> Iterator[Collected]:
    from meterhouse.sources.slurm.collector import Accounting, Habits, collect
    from meterhouse.sources.slurm.sacct_command import SacctCommand
    from meterhouse.sources.slurm.sacct_questions import SacctDocument, SacctLines

    accounting: Accounting
    if source.form == "rest":
        from meterhouse.sources.slurm.slurmrestd import Slurmrestd

        token = source.token.reveal(site.path) if source.token else None
        accounting = Slurmrestd(
            source.url or "", source.api_version, source.user, token, source.clusters, source.timeout
        )
    else:
        command = SacctCommand(source.command, source.sacct, source.timeout)
        form = SacctDocument if source.form == "json" else SacctLines
        accounting = form(command, source.clusters)
    habits = Habits(overlap=source.overlap, chunk=source.chunk, history_since=source.since)
    alias = site.register.alias
    cursor = read_cursor(alias, source.name, source.resource)
    for collected in collect(accounting, source.resource, cursor, datetime.now(UTC), habits):
        landed = site.warehouse.land(collected.delivery)
        keep_cursor(alias, source.name, source.resource, collected.cursor, landed.batch_id)
        yield Collected(source.name, source.resource, landed)


def _listen(
    site: Site, source: NotificationSource, stop: Callable[[], bool], idle_seconds: float | None
) -> Iterator[Collected]:
    from meterhouse.sources.openstack.notifications import Bus, NotificationConsumer

    scheme = "amqps" if source.tls else "amqp"
    password = quote(source.password.reveal(site.path), safe="")
    bus = Bus(
        url=f"{scheme}://{quote(source.user, safe='')}:{password}@{source.host}:{source.port}"
        f"/{quote(source.virtual_host, safe='')}",
        queue=source.queue,
    )
    consumer = NotificationConsumer(source.resource, bus)
    for batch in consumer.batches(stop, idle_seconds):
        landed = site.warehouse.land(batch.delivery)
        batch.acknowledge()
        yield Collected(source.name, source.resource, landed)
