"""A real broker: what has not landed comes again, what has doesn't, a lost connection loses nothing."""

import json
import socket
import uuid
from dataclasses import replace

import pika
import pytest

from meterhouse.sources.delivery import Coverage, Rejection, Rows
from meterhouse.sources.openstack.notifications import Bus, BusUnreachable, NotificationConsumer


@pytest.fixture
def bus(layout):
    """A queue and an exchange of this test's own."""
    name = f"test-{uuid.uuid4()}"
    bus = Bus(
        f"amqp://cloud:cloud@127.0.0.1:{layout.port('rabbit')}/%2F",
        queue=name,
        exchanges=(name, "an-exchange-that-does-not-exist"),
        batch_seconds=0.2,
        grace_seconds=0.1,
    )
    connection = pika.BlockingConnection(pika.URLParameters(bus.url))
    channel = connection.channel()
    channel.exchange_declare(name, "topic")
    yield bus
    channel.queue_delete(name)
    channel.exchange_delete(name)
    connection.close()


def consume(bus):
    return NotificationConsumer("testcloud", bus).batches(lambda: False, idle_seconds=1.0)


def publish(bus, *bodies):
    connection = pika.BlockingConnection(pika.URLParameters(bus.url))
    for body in bodies:
        connection.channel().basic_publish(bus.queue, "notifications.info", body)
    connection.close()


def message(name):
    said = {
        "event_type": "volume.create.end",
        "message_id": name,
        "publisher_id": "volume.host",
        "timestamp": "2026-11-23 12:00:00.000001",
        "payload": {"volume_id": name, "size": 1},
    }
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(said)}).encode()


def volumes(batch):
    return [
        row["volume_id"]
        for rows in batch.delivery.stream
        if isinstance(rows, Rows)
        for row in rows.records.to_pylist()
    ]


def test_the_queue_is_there_before_the_first_message_and_keeps_what_comes_while_no_one_listens(bus):
    (idle,) = consume(bus)
    (coverage,) = idle.delivery.stream
    assert (coverage.outcome, coverage.records) == ("empty", 0)
    publish(bus, message("a"), message("b"))
    told = [volumes(batch) for batch in consume(bus)]
    assert [name for batch in told for name in batch] == ["a", "b"]


def test_an_exchange_that_a_service_makes_later_is_bound_then(bus):
    name = f"{bus.queue}-late"
    late = replace(bus, exchanges=(name,), bind_seconds=0.2, idle_coverage_seconds=0.6)
    connection = pika.BlockingConnection(pika.URLParameters(bus.url))
    channel = connection.channel()
    told: list[str] = []
    batches = NotificationConsumer("testcloud", late).batches(lambda: "a" in told)
    for number, batch in enumerate(batches):
        told += volumes(batch)
        batch.acknowledge()
        if number == 0:  # nothing yet, and no exchange
            channel.exchange_declare(name, "topic", auto_delete=True)
        if number == 1:  # bound in between
            channel.basic_publish(name, "notifications.info", message("a"))
        assert number < 10
    connection.close()
    assert told == ["a"]


def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(bus):
    list(consume(bus))
    publish(bus, message("a"))
    unlanded = next(consume(bus))
    assert volumes(unlanded) == ["a"]
    told = []
    for batch in consume(bus):
        told += volumes(batch)
        assert batch.acknowledge()
    assert told == ["a"]
    assert [volumes(batch) for batch in consume(bus)] == [[]]


def test_a_connection_that_breaks_before_landing_loses_nothing(bus):
    list(consume(bus))
    publish(bus, message("a"))
    told = []
    for batch in consume(bus):
        if not told:
            batch._channel.connection._impl._transport._sock.shutdown(socket.SHUT_RDWR)  # the network breaks
        told.append((volumes(batch), batch.acknowledge()))
    assert told[0][0] == ["a"]
    assert (["a"], True) in told[1:]


def test_a_message_that_is_none_is_reported_and_does_not_come_again(bus):
    list(consume(bus))
    publish(bus, b"no message", message("a"))
    rejections, coverage = [], []
    for batch in consume(bus):
        for one in batch.delivery.stream:
            rejections += [one] if isinstance(one, Rejection) else []
            coverage += [one] if isinstance(one, Coverage) else []
        batch.acknowledge()
    (rejection,) = rejections
    assert rejection.excerpt == "no message"
    assert any("1 messages rejected" in one.detail for one in coverage)
    assert [volumes(batch) for batch in consume(bus)] == [[]]


def test_a_broker_that_is_not_there_is_told_without_its_password(layout):
    nowhere = Bus(f"amqp://cloud:hush@127.0.0.1:{layout.port('rabbit') + 500}/%2F", longest_wait_seconds=0.5)
    with pytest.raises(BusUnreachable) as told:
        list(NotificationConsumer("testcloud", nowhere).batches(lambda: False, idle_seconds=1.0))
    assert "hush" not in str(told.value) + repr(nowhere)
