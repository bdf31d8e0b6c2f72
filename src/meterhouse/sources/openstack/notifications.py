"""What happens in an OpenStack cloud, as it happens? The consumer of its notifications.

It has its own durable queue, bound to the services' exchanges, and misses nothing while it is away.
Messages are acknowledged only when the caller says that the batch they came in has landed.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time as clock
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pika
import pika.exceptions
import pyarrow as pa

from meterhouse.sources.delivery import Coverage, Delivery, Rejection, Rows
from meterhouse.sources.openstack.notification_message import Message, Step, rows, unwrap
from meterhouse.sources.openstack.said import canonical
from meterhouse.sources.tables import RAW_TABLES

SOURCE = "openstack-notifications"
CALL = "notifications"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bus:
    """Where the messages are, and how they are put together into batches.

    `url` is a secret (it holds a password): it appears in no message. `grace_seconds` is how long the
    first message of a step is kept back, so that the same step in Nova's other format joins its batch.
    """

    url: str = field(repr=False)
    queue: str = "meterhouse"
    exchanges: tuple[str, ...] = ("nova", "cinder", "glance", "neutron", "keystone", "openstack")
    topics: tuple[str, ...] = ("notifications", "versioned_notifications")
    batch_messages: int = 1000
    batch_seconds: float = 10.0
    grace_seconds: float = 2.0
    idle_coverage_seconds: float = 300.0  # how often to state that nothing came
    longest_wait_seconds: float = 30.0  # between attempts to connect
    bind_seconds: float = 30.0  # between looks for exchanges that weren't there yet


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has arrived and has not been handed over."""

    arrived: float
    tag: int
    body: bytes
    said: Message | Rejection


class WaitingRoom:
    """Keeps messages until they can go: all of a step go together."""

    def __init__(self, grace_seconds: float) -> None:
        self._grace = grace_seconds
        self._waiting: list[Waiting] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, message: Waiting) -> None:
        self._waiting.append(message)

    def longest(self, now: float) -> float:
        return now - self._waiting[0].arrived if self._waiting else 0.0

    def take(self, now: float, everything: bool = False) -> list[Waiting]:
        """The messages, in order of arrival, of all steps that were first heard of `grace_seconds` ago."""
        ready = {_step(one) for one in self._waiting if everything or now - one.arrived >= self._grace}
        taken = [one for one in self._waiting if _step(one) in ready]
        self._waiting = [one for one in self._waiting if _step(one) not in ready]
        return taken


def _step(message: Waiting) -> Step | int:
    said = message.said
    # only what belongs to a server can be told in two formats
    return said.step if isinstance(said, Message) and said.step[1] is not None else message.tag


class Batch:
    """Messages as a delivery. `acknowledge` it once it has landed."""

    def __init__(self, delivery: Delivery, channel: Any, tags: list[int]) -> None:
        self.delivery = delivery
        self.messages = len(tags)
        self._channel = channel
        self._tags = tags

    def acknowledge(self) -> bool:
        """Let the broker forget these messages. False: the connection was lost, they come again."""
        try:
            for tag in self._tags:
                self._channel.basic_ack(tag)
        except (pika.exceptions.AMQPError, ValueError):
            return False
        return True


class NotificationConsumer:
    """Reads the bus for one resource until it is told to stop, over as many connections as it takes."""

    def __init__(
        self, resource: str, bus: Bus, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.resource = resource
        self.bus = bus
        self._now = now
        self._covered_until: datetime | None = None
        self._last_batch = clock.monotonic()

    def batches(self, stop: Callable[[], bool], idle_seconds: float | None = None) -> Iterator[Batch]:
        """Batches as they fill, until `stop` says so, or nothing has come for `idle_seconds`.

        What has arrived by then is handed over first (or an empty batch, which covers the time).
        Connections that break are made again, with growing pauses; a broker that can't be reached at
        all is logged and tried until `stop`, or raises BusUnreachable after `idle_seconds`.
        """
        wait = 0.5
        last_heard = clock.monotonic()
        while not stop():
            try:
                with contextlib.closing(pika.BlockingConnection(_parameters(self.bus))) as connection:
                    wait = 0.5
                    for batch in self._connected(connection, stop, idle_seconds, last_heard):
                        yield batch
                        last_heard = clock.monotonic()
                    return
            except pika.exceptions.AMQPError as error:
                log.warning(
                    "notifications of %s: %s; again in %.1f s", self.resource, type(error).__name__, wait
                )
            if idle_seconds is not None and clock.monotonic() - last_heard >= idle_seconds:
                raise BusUnreachable(f"notifications of {self.resource}: the message bus can't be reached")
            clock.sleep(wait)
            wait = min(wait * 2, self.bus.longest_wait_seconds)

    def _connected(
        self,
        connection: pika.BlockingConnection,
        stop: Callable[[], bool],
        idle_seconds: float | None,
        last_heard: float,
    ) -> Iterator[Batch]:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=self.bus.batch_messages * 2)
        binding = Binding(connection, channel, self.bus)
        if binding.is_new:  # nothing was kept for us before
            self._covered_until = self._now()
        room = WaitingRoom(self.bus.grace_seconds)
        for method, _, body in channel.consume(self.bus.queue, inactivity_timeout=0.2):
            now = clock.monotonic()
            binding.renew(now)
            if method is not None:
                last_heard = now
                room.add(Waiting(now, method.delivery_tag, body, unwrap(body, self._origin, 0)))
            is_over = stop() or (idle_seconds is not None and now - last_heard >= idle_seconds)
            if is_over or len(room) >= self.bus.batch_messages or room.longest(now) >= self.bus.batch_seconds:
                taken = room.take(now, everything=is_over)
                if taken or is_over:
                    yield self._batch(channel, taken)
            elif not room and now - self._last_batch >= self.bus.idle_coverage_seconds:
                yield self._batch(channel, [])
            if is_over:
                return

    @property
    def _origin(self) -> str:
        return f"queue {self.bus.queue}"

    def _batch(self, channel: Any, taken: list[Waiting]) -> Batch:
        end = self._now()
        said = [
            (number, one.said) for number, one in enumerate(taken, start=1) if isinstance(one.said, Message)
        ]
        rejections = [
            Rejection(
                self._origin, number, one.said.field, one.said.expected, one.said.found, one.said.excerpt
            )
            for number, one in enumerate(taken, start=1)
            if isinstance(one.said, Rejection)
        ]
        made = rows(said, self._origin, self.resource)
        records = [row for row in made if isinstance(row, dict)]
        rejections += [row for row in made if isinstance(row, Rejection)]
        start = min([self._covered_until or end, *(row["generated"] for row in records)])
        content = hashlib.sha256(canonical([SOURCE, self.resource, start.isoformat(), len(taken)]).encode())
        for one in taken:
            content.update(hashlib.sha256(one.body).digest())
        schema = RAW_TABLES["openstack_event"].schema
        coverage = Coverage(
            CALL,
            self._covered_until or start,
            end,
            "ok" if taken else "empty",
            len(records),
            f"{len(rejections)} messages rejected" if rejections else "",
        )
        stream: list[Rows | Rejection | Coverage] = [*rejections, coverage]
        if records:
            stream.insert(0, Rows("openstack_event", pa.RecordBatch.from_pylist(records, schema=schema)))
        self._covered_until = end
        self._last_batch = clock.monotonic()
        delivery = Delivery(SOURCE, self.resource, self._origin, content.hexdigest(), iter(stream))
        return Batch(delivery, channel, [one.tag for one in taken])


class BusUnreachable(RuntimeError):
    """The broker could not be reached for as long as the caller was ready to wait."""


def _parameters(bus: Bus) -> pika.URLParameters:
    parameters = pika.URLParameters(bus.url)
    parameters.heartbeat = 300  # landing a batch may take a while
    parameters.blocked_connection_timeout = 300
    return parameters


class Binding:
    """The queue, and which of the services' exchanges it is bound to.

    The exchanges belong to the services: they are looked at, never declared, because a declaration
    that differs from theirs would keep them from working. A service makes its own when it first has
    something to say, so those that are missing are looked for again.
    """

    def __init__(self, connection: pika.BlockingConnection, channel: Any, bus: Bus) -> None:
        self._connection = connection
        self._channel = channel
        self._bus = bus
        self._missing = list(bus.exchanges)
        self.is_new = not _exists(connection, lambda other: other.queue_declare(bus.queue, passive=True))
        channel.queue_declare(bus.queue, durable=True)
        self._bind()
        if len(self._missing) == len(bus.exchanges):
            log.warning("notifications: none of the exchanges %s exists yet", ", ".join(bus.exchanges))

    def renew(self, now: float) -> None:
        """Look for what was missing, every `bind_seconds`."""
        if self._missing and now - self._looked >= self._bus.bind_seconds:
            self._bind()

    def _bind(self) -> None:
        self._looked = clock.monotonic()
        for exchange in list(self._missing):
            if _exists(self._connection, partial(_look_at_exchange, exchange)):
                for topic in self._bus.topics:
                    self._channel.queue_bind(self._bus.queue, exchange, f"{topic}.*")
                self._missing.remove(exchange)


def _look_at_exchange(name: str, channel: Any) -> None:
    channel.exchange_declare(name, passive=True)


def _exists(connection: pika.BlockingConnection, look: Callable[[Any], object]) -> bool:
    """A passive declaration of what doesn't exist closes its channel, so each has its own."""
    channel = connection.channel()
    try:
        look(channel)
    except pika.exceptions.ChannelClosedByBroker:
        return False
    channel.close()
    return True
