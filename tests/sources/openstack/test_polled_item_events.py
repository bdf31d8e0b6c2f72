"""What the model makes of polled rows, row by row: the events of actions and of listings."""

from datetime import UTC, datetime, timedelta

import pytest
from said_events import item_events

from meterhouse.sources.delivery import Rows
from meterhouse.sources.tables import RAW_TABLES

pa = pytest.importorskip("pyarrow")

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
AT_1 = NOON + timedelta(seconds=1)
AT_5 = NOON + timedelta(seconds=5)


def rows(table, **columns):
    schema = RAW_TABLES[table].schema
    record = {
        "record": 1,
        "resource": "moc",
        "observed_at": NOON + timedelta(microseconds=700_000),
        **columns,
    }
    return Rows(table, pa.RecordBatch.from_pylist([record], schema=schema))


def events(table, **columns):
    said = item_events("openstack_observation", [rows(table, **columns)])
    return sorted((event["time"], event["event"]) for event in said)


def action(name, event, result="Success", **more):
    columns = {
        "server_id": "vm-1",
        "action": name,
        "start_time": NOON,
        "event": event,
        "event_start": AT_1,
        "event_finish": AT_5,
        "event_result": result,
        "position": 0,
        "server_launched_at": AT_5,
    }
    return events("openstack_server_action", **{**columns, **more})


def names(told):
    return [name for _, name in told]


def microseconds(count):
    return timedelta(microseconds=count)


@pytest.mark.parametrize(
    ("name", "event", "said"),
    [
        ("create", "compute__do_build_and_run_instance", "create"),
        ("stop", "compute_stop_instance", "power_off"),
        ("start", "compute_start_instance", "power_on"),
        ("unshelve", "compute_start_instance", "power_on"),  # it was shelved and not yet offloaded
        ("confirmResize", "compute_confirm_resize", "resize.confirm"),
        ("revertResize", "compute_finish_revert_resize", "resize.revert"),
        ("resize", "compute_finish_resize", "finish_resize"),
        ("migrate", "compute_finish_resize", "finish_resize"),
        ("delete", "compute_terminate_instance", "delete"),
        ("delete", "compute_soft_delete_instance", "soft_delete"),
        ("suspend", "compute_suspend_instance", "suspend"),
    ],
)
def test_an_action_starts_and_ends_when_its_step_did(name, event, said):
    assert action(name, event) == [
        (AT_1, f"compute.instance.{said}.start"),
        (AT_5 + microseconds(1), f"compute.instance.{said}.end"),
    ]


def test_a_step_that_failed_ends_nothing():
    assert names(action("stop", "compute_stop_instance", result="Error")) == [
        "compute.instance.power_off.start",
        "compute.instance.power_off.error",
    ]


def test_a_create_that_nova_calls_a_success_created_nothing_when_the_server_never_ran():
    told = action("create", "compute__do_build_and_run_instance", server_launched_at=None)
    assert names(told) == ["compute.instance.create.start", "compute.instance.create.error"]


def test_a_step_that_goes_on_has_no_end():
    told = action("stop", "compute_stop_instance", result=None, event_finish=None)
    assert names(told) == ["compute.instance.power_off.start"]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("teleport", "compute_teleport_instance"),
        ("teleport", None),
        ("resetState", None),
        ("changePassword", "compute_set_admin_password"),
        ("create", "conductor_schedule_and_build_instances"),
        ("stop", None),
    ],
)
def test_what_is_unknown_or_changes_nothing_gives_no_event(name, event):
    assert action(name, event) == []


def test_an_action_without_steps_is_when_it_was_asked_for():
    assert action("lock", None) == [(NOON, "compute.instance.lock")]


def test_a_shelve_is_also_the_offload_that_nova_does_with_it():
    assert set(names(action("shelve", "compute_shelve_instance"))) == {
        "compute.instance.shelve.start",
        "compute.instance.shelve.end",
        "compute.instance.shelve_offload.start",
        "compute.instance.shelve_offload.end",
    }


def test_actions_of_one_second_keep_their_order():
    stop = rows(
        "openstack_server_action",
        server_id="vm-1",
        action="stop",
        start_time=NOON,
        event="compute_stop_instance",
        event_start=NOON,
        event_finish=NOON,
        event_result="Success",
        position=32,
    )
    start = rows(
        "openstack_server_action",
        server_id="vm-1",
        action="start",
        start_time=NOON,
        event="compute_start_instance",
        event_start=NOON,
        event_finish=NOON,
        event_result="Success",
        position=64,
    )
    said = item_events("openstack_observation", [start, stop])
    ordered = [event["event"] for event in sorted(said, key=lambda event: event["time"])]
    assert ordered == [
        "compute.instance.power_off.start",
        "compute.instance.power_off.end",
        "compute.instance.power_on.start",
        "compute.instance.power_on.end",
    ]


def test_an_action_is_of_the_servers_owner_and_not_of_who_acted():
    (start, end) = item_events(
        "openstack_observation",
        [
            rows(
                "openstack_server_action",
                server_id="vm-1",
                action="stop",
                start_time=NOON,
                event="compute_stop_instance",
                event_start=NOON,
                event_finish=NOON,
                event_result="Success",
                position=0,
                project_id="admins",
                user_id="root",
                server_project_id="lab",
                server_user_id="ada",
                flavor_name="small",
                vcpus=2,
                memory_mb=4096,
                root_gb=20,
                ephemeral_gb=5,
            )
        ],
    )
    for event in (start, end):
        assert (event["project_ref"], event["user_ref"]) == ("lab", "ada")
        assert (event["class"], event["vcpus"], event["memory_mib"], event["disk_gib"]) == (
            "small",
            2,
            4096,
            25,
        )


def test_an_observation_stands_at_its_whole_second_before_what_was_done_in_it():
    told = events("openstack_server", server_id="vm-1", status="ACTIVE", vm_state="active", deleted=False)
    assert told == [(NOON, "observed")]


def test_a_deleted_server_ended_when_it_was_terminated():
    told = events(
        "openstack_server",
        server_id="vm-1",
        status="DELETED",
        vm_state="deleted",
        deleted=True,
        terminated_at=NOON - timedelta(hours=1),
        updated_at=NOON,
    )
    assert told == [(NOON - timedelta(hours=1), "compute.instance.delete.end"), (NOON, "observed")]


@pytest.mark.parametrize(
    ("vm_state", "status", "said"), [("stopped", "SHUTOFF", "stopped"), (None, "SHUTOFF", "shutoff")]
)
def test_the_state_said_is_novas_own_or_else_the_status(vm_state, status, said):
    (event,) = item_events(
        "openstack_observation",
        [rows("openstack_server", server_id="vm-1", status=status, vm_state=vm_state, deleted=False)],
    )
    assert event["state_said"] == said


def test_a_volume_was_made_then_and_has_been_as_it_is_since_its_last_update():
    said = item_events(
        "openstack_observation",
        [
            rows(
                "openstack_volume",
                volume_id="v-1",
                size_gib=3,
                status="in-use",
                volume_type="ssd",
                created_at=NOON - timedelta(hours=2),
                updated_at=NOON - timedelta(hours=1),
            )
        ],
    )
    told = sorted((event["time"], event["event"], event["state_said"]) for event in said)
    assert told == [
        (NOON - timedelta(hours=2), "volume.create.end", None),
        (NOON - timedelta(hours=1), "observed", "in-use"),
        (NOON, "observed", "in-use"),
    ]
    assert {event["space_bytes"] for event in said} == {3 * 2**30}
    assert {event["class"] for event in said} == {"ssd"}


@pytest.mark.parametrize(
    ("table", "identity", "kind", "made"),
    [
        ("openstack_volume_snapshot", "snapshot_id", "snapshot", "snapshot.create.end"),
        ("openstack_image", "image_id", "image", "image.create"),
        ("openstack_floating_ip", "floating_ip_id", "floating_ip", "floatingip.create.end"),
        ("openstack_router", "router_id", "router", "router.create.end"),
        ("openstack_network", "network_id", "network", "network.create.end"),
    ],
)
def test_other_things_were_made_and_are_observed(table, identity, kind, made):
    said = item_events(
        "openstack_observation",
        [rows(table, **{identity: "x-1"}, status="ACTIVE", created_at=NOON - timedelta(days=1))],
    )
    assert sorted((event["kind"], event["item"], event["event"]) for event in said) == sorted(
        [(kind, "x-1", made), (kind, "x-1", "observed")]
    )


def test_a_container_is_observed_with_what_it_holds():
    (event,) = item_events(
        "openstack_observation",
        [rows("openstack_container", container_id="p/c", name="c", project_id="p", objects=7, size_bytes=9)],
    )
    assert (event["kind"], event["event"], event["files"], event["space_bytes"]) == (
        "container",
        "observed",
        7,
        9,
    )
