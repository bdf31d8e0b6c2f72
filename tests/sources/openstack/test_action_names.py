"""Each of Nova's actions has a name in the event vocabulary, and each name leads back."""

import pytest

from meterhouse.sources.openstack.vocabulary import (
    ACTIONS,
    STEPS,
    from_versioned,
    table,
    to_versioned,
    unknown_action,
)

# nova/compute/instance_actions.py of Nova 34 (2026.2), by value
NOVA_34 = [
    *("create", "delete", "evacuate", "restore"),
    *("stop", "start", "reboot", "rebuild"),
    *("revertResize", "confirmResize", "resize", "migrate"),
    *("pause", "unpause", "suspend", "resume"),
    *("rescue", "unrescue", "changePassword", "shelve"),
    *("shelveOffload", "unshelve", "live-migration", "live_migration_cancel"),
    *("live_migration_force_complete", "trigger_crash_dump", "extend_volume", "attach_interface"),
    *("detach_interface", "attach_volume", "detach_volume", "attach_share"),
    *("detach_share", "swap_volume", "lock", "unlock"),
    *("createBackup", "createImage", "resetState", "refresh_volume_attachment"),
]


@pytest.mark.parametrize("action", NOVA_34)
def test_every_action_of_nova_is_known(action):
    assert action in ACTIONS


def test_phases_are_of_a_kind_that_the_model_knows():
    rows = [*table("instance_actions"), *table("instance_action_events")]
    assert {row["phases"] for row in rows} == {"both", "at_end", "alone", "none"}
    assert all(row["event_name"] for row in rows if row["phases"] != "none")


@pytest.mark.parametrize(
    ("versioned", "legacy"),
    [
        ("instance.create.end", "compute.instance.create.end"),
        ("instance.create.error", "compute.instance.create.error"),
        ("instance.resize_finish.start", "compute.instance.finish_resize.start"),
        ("instance.resize_confirm.end", "compute.instance.resize.confirm.end"),
        ("instance.shelve_offload.end", "compute.instance.shelve_offload.end"),
        ("instance.exists", "compute.instance.exists"),
        ("instance.update", "compute.instance.update"),
        ("instance.volume_attach.end", "compute.instance.volume.attach"),
        ("instance.live_migration_post_dest.end", "compute.instance.live_migration.post.dest.end"),
    ],
)
def test_a_versioned_name_leads_to_the_unversioned_and_back(versioned, legacy):
    assert from_versioned(versioned) == legacy
    assert to_versioned(legacy) == versioned


def test_every_name_of_the_table_leads_back():
    for row in table("versioned_events"):
        assert to_versioned(from_versioned(row["versioned"])) == row["versioned"]


@pytest.mark.parametrize("name", ["volume.create.end", "service.create", "instance.made_up.end", ""])
def test_what_has_no_other_name_keeps_its_own(name):
    assert from_versioned(name) == to_versioned(name) == name


def test_what_is_unknown_of_an_action_is_named():
    assert unknown_action({"action": "stop", "event": {"event": "compute_stop_instance"}}) == []
    assert unknown_action({"action": "teleport", "event": None}) == ["teleport"]
    assert unknown_action({"action": "stop", "event": {"event": "compute_halt"}}) == ["stop: compute_halt"]


def test_only_a_finished_or_reverted_resize_gives_another_size():
    assert {step for step, row in STEPS.items() if row["new_size"] == "yes"} == {
        "compute_finish_resize",
        "compute_finish_revert_resize",
        "compute_finish_snapshot_based_resize_at_dest",
        "compute_finish_revert_snapshot_based_resize_at_source",
    }
