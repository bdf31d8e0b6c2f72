"""What a message from the bus becomes, by one real message of each kind (Nova 34, Cinder 29 ...)."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from meterhouse.sources.delivery import Rejection
from meterhouse.sources.openstack.notification_message import Message, rows, unwrap

RECORDED = json.loads(
    (Path(__file__).parents[2] / "data" / "openstack" / "notifications.json").read_text(encoding="utf-8")
)


def body(said):
    """The message as it is on the bus: JSON text within JSON."""
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(said)}).encode()


def recorded(event_type):
    return next(said for said in RECORDED.values() if said["event_type"] == event_type)


def row(said):
    (made,) = rows([(1, unwrap(body(said), "queue q", 1))], "queue q", "moc")
    assert isinstance(made, dict), made
    return made


@pytest.mark.parametrize("kind", sorted(RECORDED))
def test_each_recorded_kind_becomes_a_row(kind):
    made = row(RECORDED[kind])
    assert made["channel"] == "notification"
    assert made["resource"] == "moc"
    assert made["generated"].tzinfo is UTC


def test_an_instance_event_fills_the_typed_columns():
    made = row(recorded("compute.instance.resize.confirm.end"))
    assert made["event_type"] == "compute.instance.resize.confirm.end"
    assert made["generated"] == datetime(2026, 11, 23, 0, 54, 40, 772515, UTC)
    assert made["instance_id"] == made["resource_id"] == "c35d6166-3e4a-40c0-b31e-9dd98f95fb53"
    assert (made["instance_type"], made["vcpus"], made["memory_mb"], made["disk_gb"]) == (
        "gpu-su-a100.1",
        24,
        74000,
        20,
    )
    assert (made["state"], made["service"], made["project_name"]) == ("active", "compute", "lab1")
    assert made["launched_at"] == datetime(2026, 11, 23, 0, 54, 38, tzinfo=UTC)
    assert made["request_id"] == "req-da8becbd-5ed4-4267-bdb5-09ac45cc4af0"


def test_a_versioned_event_alone_takes_the_unversioned_name_and_says_the_same():
    said = ("state", "instance_type", "vcpus", "memory_mb", "root_gb", "disk_gb", "project_id", "user_name")
    versioned = row(recorded("instance.resize_confirm.end"))
    unversioned = row(recorded("compute.instance.resize.confirm.end"))
    assert versioned["event_type"] == "compute.instance.resize.confirm.end"
    assert {key: versioned[key] for key in said} == {key: unversioned[key] for key in said}


@pytest.mark.parametrize("order", [1, -1])
def test_with_both_formats_a_step_counts_once_whichever_came_first(order):
    pair = [recorded("compute.instance.power_off.end"), recorded("instance.power_off.end")][::order]
    messages = [(number, unwrap(body(said), "q", number)) for number, said in enumerate(pair, start=1)]
    names = {made["event_type"] for made in rows(messages, "q", "moc")}
    assert names == {"compute.instance.power_off.end", "instance.power_off.end"}


def test_the_same_step_of_another_server_is_no_twin():
    other = json.loads(json.dumps(recorded("instance.power_off.end")))
    other["payload"]["nova_object.data"]["uuid"] = "another"
    pair = [recorded("compute.instance.power_off.end"), other]
    messages = [(number, unwrap(body(said), "q", number)) for number, said in enumerate(pair, start=1)]
    assert [made["event_type"] for made in rows(messages, "q", "moc")] == [
        "compute.instance.power_off.end"
    ] * 2


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [
        ("volume.resize.end", {"size": 20, "status": "available", "display_name": "v1"}),
        ("image.upload", {"size": 1024, "status": "active", "name": "tiny"}),
        ("floatingip.create.end", {"status": "DOWN", "resource_id": "7cd648d8-db03-40b0-8bca-1a1014a63efe"}),
        ("network.create.end", {"name": "net1", "project_name": "admin"}),
        ("identity.project.created", {"resource_id": "a10a2c2dcf9047adb3eecbf93e7283e7"}),
    ],
)
def test_other_services_fill_what_they_say(event_type, expected):
    made = row(recorded(event_type))
    assert {key: made[key] for key in expected} == expected
    assert made["resource_id"]


def test_an_administrator_acting_on_anothers_server_is_not_taken_for_its_owner():
    said = json.loads(json.dumps(recorded("compute.instance.delete.end")))
    said.update(_context_project_id="admins", _context_project_name="admin")
    said.update(_context_user_id="root", _context_user_name="root")
    made = row(said)
    assert made["project_id"] == said["payload"]["tenant_id"]
    assert (made["project_name"], made["user_name"], made["domain"]) == (None, None, None)


def test_secrets_are_never_kept():
    said = json.loads(json.dumps(recorded("compute.instance.create.end")))
    said["_context_auth_token"] = "gAAAA-token"
    said["payload"]["metadata"] = {"admin_password": "hunter2", "kept": "yes"}
    extra = row(said)["extra"]
    assert "gAAAA" not in extra
    assert "hunter2" not in extra
    assert '"kept":"yes"' in extra


def test_several_things_made_at_once_are_several_rows():
    port = recorded("port.create.end")["payload"]["port"]
    said = {
        **recorded("port.create.end"),
        "payload": {"ports": [{**port, "id": "port-1"}, {**port, "id": "port-2"}]},
    }
    made = rows([(1, unwrap(body(said), "q", 1))], "q", "moc")
    assert [one["resource_id"] for one in made] == ["port-1", "port-2"]


def test_a_deletion_that_says_only_an_id_is_of_that_id():
    said = {**recorded("floatingip.create.end"), "event_type": "floatingip.delete.end"}
    said["payload"] = {"floatingip_id": "7cd648d8"}
    assert row(said)["resource_id"] == "7cd648d8"


def test_a_message_without_envelope_is_read_too():
    message = unwrap(json.dumps(recorded("volume.create.end")).encode(), "q", 1)
    assert isinstance(message, Message)
    assert message.event_type == "volume.create.end"


@pytest.mark.parametrize(
    ("sent", "field", "expected"),
    [
        (b"\xff\xfe not JSON", "", "JSON in oslo.messaging's envelope"),
        (b'{"oslo.message": "{broken"}', "", "JSON in oslo.messaging's envelope"),
        (b'{"oslo.message": 7}', "", "JSON in oslo.messaging's envelope"),
        (b"[1, 2]", "", "an object"),
        (b'{"payload": {}}', "event_type", "text"),
        (b'{"event_type": "x", "payload": "?"}', "payload", "an object"),
        (b"[" * 100_000, "", "JSON in oslo.messaging's envelope"),
    ],
)
def test_a_message_that_is_none_is_rejected_with_its_reason(sent, field, expected):
    rejection = unwrap(sent, "queue q", 4)
    assert isinstance(rejection, Rejection)
    assert (rejection.origin, rejection.record, rejection.field, rejection.expected) == (
        "queue q",
        4,
        field,
        expected,
    )
    assert len(rejection.excerpt) <= 200


def test_a_field_of_the_wrong_type_rejects_its_record_only():
    wrong = json.loads(json.dumps(recorded("compute.instance.create.end")))
    wrong["payload"]["vcpus"] = "many"
    good = recorded("volume.create.end")
    messages = [
        (number, unwrap(body(said), "q", number)) for number, said in enumerate([wrong, good], start=1)
    ]
    rejection, kept = rows(messages, "q", "moc")
    assert str(rejection) == "q: record 1, field vcpus: expected a whole number of 64 bits, found 'many'"
    assert kept["event_type"] == "volume.create.end"


def test_a_rejected_message_shows_no_token():
    rejection = unwrap(b'{"_context_auth_token": "gAAAA-token", broken', "q", 1)
    assert "gAAAA" not in rejection.excerpt
    assert "_context_auth_token" in rejection.excerpt
