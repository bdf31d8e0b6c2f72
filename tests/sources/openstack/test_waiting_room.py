"""Messages of one step leave together, so that a step told in two formats is counted once."""

import json

from meterhouse.sources.openstack.notification_message import unwrap
from meterhouse.sources.openstack.notifications import Waiting, WaitingRoom


def waiting(tag, arrived, event_type, request="req-1", payload=None):
    said = {"event_type": event_type, "payload": payload or {}, "_context_request_id": request}
    body = json.dumps(said).encode()
    return Waiting(arrived, tag, body, unwrap(body, "q", 1))


def unversioned(tag, arrived, instance="vm-1"):
    return waiting(tag, arrived, "compute.instance.power_off.end", payload={"instance_id": instance})


def versioned(tag, arrived, instance="vm-1"):
    payload = {"nova_object.data": {"uuid": instance}}
    return waiting(tag, arrived, "instance.power_off.end", payload=payload)


def tags(taken):
    return [one.tag for one in taken]


def test_nothing_leaves_before_its_grace_is_over():
    room = WaitingRoom(grace_seconds=2.0)
    room.add(unversioned(1, arrived=10.0))
    assert tags(room.take(now=11.9)) == []
    assert tags(room.take(now=12.0)) == [1]
    assert len(room) == 0


def test_the_twin_of_a_message_leaves_with_it_though_it_came_later():
    room = WaitingRoom(grace_seconds=2.0)
    for message in (unversioned(1, 10.0), unversioned(2, 11.5, "vm-2"), versioned(3, 11.9)):
        room.add(message)
    assert tags(room.take(now=12.0)) == [1, 3]
    assert tags(room.take(now=13.5)) == [2]


def test_at_the_end_everything_leaves():
    room = WaitingRoom(grace_seconds=2.0)
    room.add(unversioned(1, 10.0))
    room.add(waiting(2, 10.0, "identity.user.created"))
    assert tags(room.take(now=10.0, everything=True)) == [1, 2]


def test_messages_that_belong_to_no_server_go_one_by_one():
    room = WaitingRoom(grace_seconds=2.0)
    room.add(waiting(1, 10.0, "volume.create.end", payload={"volume_id": "v"}))
    room.add(waiting(2, 11.0, "volume.create.end", payload={"volume_id": "v"}))
    assert tags(room.take(now=12.0)) == [1]
