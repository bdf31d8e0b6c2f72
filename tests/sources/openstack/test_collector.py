"""The polling collector against what a real cloud answered, whole and with things going wrong."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from replayed_cloud import PROJECT, Reply

from meterhouse.sources.delivery import Coverage, Rejection, Rows
from meterhouse.sources.openstack.cloud import CallFailed, Cloud, NotReadOnly, Patience
from meterhouse.sources.openstack.collector import collect
from meterhouse.sources.openstack.reading import Habits

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
QUICKLY = {"timeout_seconds": 20, "attempts": 2, "first_wait_seconds": 0.01, "longest_wait_seconds": 0.02}
HABITS = Habits(patience=Patience(**QUICKLY))


class Said:
    """What a reading delivered, sorted out."""

    def __init__(self, cloud, cursor=None, now=NOW, habits=HABITS):
        (collected,) = collect(cloud.connect(), "moc", cursor, now, habits, clock=lambda: now)
        self.cursor = json.loads(json.dumps(collected.cursor))  # as a caller keeps it
        self.content_key = collected.delivery.content_key
        self.coverage: dict[str, Coverage] = {}
        self.rejections: list[Rejection] = []
        self.rows: dict[str, list[dict]] = {}
        for one in collected.delivery.stream:
            match one:
                case Rows():
                    self.rows.setdefault(one.table, []).extend(one.records.to_pylist())
                case Rejection():
                    self.rejections.append(one)
                case Coverage():
                    self.coverage[one.call] = one

    def failed(self):
        return {call for call, one in self.coverage.items() if one.outcome == "failed"}

    def column(self, table, name):
        return sorted(str(row[name]) for row in self.rows.get(table, []))


def only(*services, **patience):
    """To read these services, and with how much patience."""
    return Habits(services=services, patience=Patience(**{**QUICKLY, **patience}))


def at(path, reply, service=None):
    """Answer `reply` to every question whose path ends like this."""
    return lambda asked: (
        reply
        if asked.path.endswith(path) and service in (None, asked.service) and asked.method == "GET"
        else None
    )


def changed(path, change):
    return lambda asked, answer: change(answer) if asked.path.endswith(path) else answer


def test_a_first_reading_fills_every_table_that_the_cloud_has_something_for(cloud):
    said = Said(cloud)
    assert said.failed() == set()
    assert said.rejections == []
    assert set(said.rows) >= {
        *("openstack_project", "openstack_user", "openstack_domain", "openstack_flavor", "openstack_server"),
        *("openstack_server_action", "openstack_tenant_usage", "openstack_volume", "openstack_image"),
        *("openstack_network", "openstack_subnet", "openstack_quota", "hypervisor"),
    }
    assert {row["resource"] for rows in said.rows.values() for row in rows} == {"moc"}
    records = [row["record"] for rows in said.rows.values() for row in rows]
    assert sorted(records) == list(range(1, len(records) + 1))


def test_a_deleted_server_is_seen_with_its_size_its_end_and_what_was_done_to_it(cloud):
    said = Said(cloud, habits=only("compute"))
    brief = next(row for row in said.rows["openstack_server"] if row["name"] == "brief" and row["deleted"])
    assert (brief["flavor_name"], brief["vcpus"], brief["memory_mb"]) == ("large", 4, 2048)
    assert brief["terminated_at"] > brief["launched_at"]
    done = [row for row in said.rows["openstack_server_action"] if row["server_id"] == brief["server_id"]]
    assert {row["action"] for row in done} == {"create", "delete"}
    assert {row["event_result"] for row in done} == {"Success"}


def test_the_size_before_a_resize_is_not_taken_from_the_server_after_it(cloud):
    said = Said(cloud, habits=only("compute"))
    actions = [row for row in said.rows["openstack_server_action"] if row["server_name"] == "every-size"]
    create = next(row for row in actions if row["action"] == "create")
    stop = next(row for row in actions if row["action"] == "stop")
    assert create["flavor_name"] is None
    assert (stop["flavor_name"], stop["vcpus"]) == ("large", 4)


def test_small_pages_give_what_one_large_page_gives(cloud):
    small = Habits(patience=Patience(**{**QUICKLY, "page_size": 2}))
    whole, paged = Said(cloud), Said(cloud, habits=small)
    assert paged.failed() == set()
    for table, column in (
        ("openstack_server", "server_id"),
        ("openstack_server_action", "event_start"),
        ("openstack_tenant_usage", "server_id"),
        ("openstack_image", "image_id"),
        ("openstack_port", "port_id"),
        ("openstack_flavor", "flavor_id"),
    ):
        assert paged.column(table, column) == whole.column(table, column), table


def test_the_same_answers_have_the_same_content_key_and_a_later_reading_has_another(cloud):
    assert Said(cloud, habits=only("image")).content_key == Said(cloud, habits=only("image")).content_key
    assert (
        Said(cloud, habits=only("image")).content_key
        != Said(cloud, now=NOW + timedelta(seconds=1), habits=only("image")).content_key
    )


def test_a_second_reading_asks_only_for_what_changed_since_the_first_and_a_little_more(cloud):
    first = Said(cloud)
    cloud.asked.clear()
    later = NOW + timedelta(minutes=5)
    second = Said(cloud, first.cursor, now=later)
    assert second.coverage["compute.server_changes"].start == NOW - timedelta(minutes=10)
    assert second.coverage["compute.server_changes"].end == later
    assert {"identity.projects", "compute.servers", "compute.quotas"}.isdisjoint(second.coverage)
    (listing,) = [asked for asked in cloud.asked if asked.path.endswith("/servers/detail")]
    assert listing.query["changes-since"] == "2026-12-01T11:50:00Z"
    assert "openstack_server_action" not in second.rows  # nothing was done since


def test_an_hour_later_everything_is_listed_again(cloud):
    said = Said(
        cloud,
        Said(cloud, habits=only("compute")).cursor,
        now=NOW + timedelta(hours=1),
        habits=only("compute"),
    )
    assert said.coverage["compute.servers"].start == NOW
    assert any(row["full_listing"] for row in said.rows["openstack_server"])


def test_novas_own_figures_are_read_for_each_day_since_the_last_reading(cloud):
    said = Said(
        cloud, Said(cloud, habits=only("compute")).cursor, now=NOW + timedelta(days=1), habits=only("compute")
    )
    periods = {(row["period_start"], row["period_end"]) for row in said.rows["openstack_tenant_usage"]}
    midnight = datetime(2026, 12, 2, tzinfo=UTC)
    assert periods == {(midnight - timedelta(days=1), midnight), (midnight, midnight + timedelta(hours=12))}


def with_a_second_image(asked, answer):
    if asked.path.endswith("/images") and "os_hidden" not in asked.query:
        answer["images"].append({**answer["images"][0], "id": "second"})
    return answer


def test_a_service_that_fails_amid_its_pages_keeps_what_it_gave_and_is_covered_as_failed(cloud):
    cloud.change = with_a_second_image
    cloud.interfere = lambda asked: (
        Reply(503) if asked.path.endswith("/images") and "marker" in asked.query else None
    )
    said = Said(cloud, habits=only("image", "block_storage", page_size=1))
    assert said.failed() == {"image.images"}
    assert said.coverage["image.images"].detail == "GET image /images: HTTP 503"
    assert said.coverage["image.images"].records == 1
    assert len(said.rows["openstack_image"]) == 1
    assert said.rows["openstack_volume"]
    assert "image.images" not in said.cursor["read_until"]
    cloud.interfere = lambda asked: None
    again = Said(cloud, said.cursor, now=NOW + timedelta(minutes=5), habits=only("image"))
    assert again.coverage["image.images"].outcome == "ok"


def test_what_failed_is_read_again_from_where_it_last_succeeded(cloud):
    first = Said(cloud, habits=only("compute"))
    cloud.interfere = at("/servers/detail", Reply(500))
    second = Said(cloud, first.cursor, now=NOW + timedelta(minutes=30), habits=only("compute"))
    assert "compute.server_changes" in second.failed()
    cloud.interfere = lambda asked: None
    third = Said(cloud, second.cursor, now=NOW + timedelta(minutes=35), habits=only("compute"))
    assert third.coverage["compute.server_changes"].start == NOW - timedelta(minutes=10)


def test_a_failure_that_passes_is_no_failure(cloud):
    failures = iter([Reply(503), Reply(504)])
    cloud.interfere = lambda asked: next(failures, None) if asked.path.endswith("/volumes/detail") else None
    assert (
        Said(cloud, habits=only("block_storage", attempts=3)).coverage["block_storage.volumes"].outcome
        == "ok"
    )


def test_a_service_that_does_not_answer_is_given_up_and_the_others_are_read(cloud):
    cloud.interfere = at("/volumes/detail", Reply(hang=30))
    hasty = Cloud(cloud.connect(), Patience(timeout_seconds=0.3, attempts=1))
    with pytest.raises(CallFailed, match="GET block_storage /volumes/detail: ConnectTimeout"):
        hasty.get("block_storage", "/volumes/detail")
    said = Said(cloud, habits=only("block_storage", timeout_seconds=3, attempts=1))
    assert said.failed() == {"block_storage.volumes"}
    assert "Timeout" in said.coverage["block_storage.volumes"].detail
    assert "openstack_volume" not in said.rows
    assert said.coverage["block_storage.snapshots"].outcome in ("ok", "empty")


def test_a_service_missing_from_the_catalogue_is_a_failure_and_not_nothing(cloud):
    cloud.without = {"block-storage", "object-store"}
    said = Said(cloud)
    assert said.failed() == {"block_storage.volumes", "block_storage.snapshots", "block_storage.quotas"}


@pytest.mark.parametrize("body", ["<html>busy</html>", "", '{"networks": ', '{"networks": [NaN]}'])
def test_an_answer_that_is_not_json_is_a_failure(cloud, body):
    cloud.interfere = at("/networks", Reply(body=body))
    said = Said(cloud, habits=only("network"))
    assert said.failed() == {"network.networks"}
    assert said.coverage["network.networks"].detail == "GET network /networks: the answer is not JSON"


@pytest.mark.parametrize("body", ["[]", "{}", '{"networks": {}}', '{"networks": null}', "7"])
def test_json_that_is_no_listing_is_a_failure(cloud, body):
    cloud.interfere = at("/networks", Reply(body=body))
    assert Said(cloud, habits=only("network")).failed() == {"network.networks"}


def test_an_empty_listing_is_empty_and_not_failed(cloud):
    cloud.interfere = at("/networks", Reply(body='{"networks": []}'))
    said = Said(cloud, habits=only("network"))
    assert said.coverage["network.networks"].outcome == "empty"
    assert said.failed() == set()


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("size", "big", "expected a whole number of 64 bits, found 'big'"),
        ("size", None, "expected a value, found nothing"),
        ("size", 2**63, "expected a whole number of 64 bits, found 9223372036854775808"),
        ("id", 7, "expected text, found 7"),
        ("id", None, "expected a value, found nothing"),
        ("created_at", "yesterday", "expected a time as ISO 8601 text, found 'yesterday'"),
        (
            "created_at",
            "0000-01-01T00:00:00",
            "expected a time as ISO 8601 text, found '0000-01-01T00:00:00'",
        ),
        ("name", "\ud800", "expected Unicode text"),
        ("bootable", "perhaps", "expected true or false, found 'perhaps'"),
        ("attachments", {"a": 1}, "expected a list of attachments, found dict of 1"),
    ],
)
def test_a_record_of_the_wrong_type_is_rejected_and_the_others_are_kept(cloud, field, value, expected):
    def spoil(answer):
        volumes = answer["volumes"]
        return {**answer, "volumes": [{**volumes[0], "id": "spoilt", field: value}, *volumes]}

    cloud.change = changed("/volumes/detail", spoil)
    said = Said(cloud, habits=only("block_storage"))
    (rejection,) = said.rejections
    assert str(rejection).startswith(
        f"cloud moc at 2026-12-01T12:00:00+00:00 block_storage.volumes: record 1, field {field}: {expected}"
    )
    assert len(rejection.excerpt) <= 200
    assert said.rows["openstack_volume"]
    assert said.coverage["block_storage.volumes"].outcome == "ok"
    assert "1 of" in said.coverage["block_storage.volumes"].detail


@pytest.mark.parametrize("record", [None, 7, "x", [], [1]])
def test_a_record_that_is_no_object_is_rejected(cloud, record):
    cloud.change = changed("/networks", lambda answer: {"networks": [record, *answer["networks"]]})
    (rejection,) = Said(cloud, habits=only("network")).rejections
    assert (rejection.record, rejection.expected) == (1, "an object")


def test_a_listing_whose_last_record_is_deleted_while_it_is_paged_loses_none_and_doubles_none(cloud):
    cloud.change = with_a_second_image
    whole = Said(cloud, habits=only("image")).column("openstack_image", "image_id")
    assert len(whole) == 2
    gone = []

    def delete_the_first_marker(asked):
        if asked.path.endswith("/images") and "marker" in asked.query and not gone:
            gone.append(asked.query["marker"])
            return Reply(404)
        return None

    cloud.interfere = delete_the_first_marker
    said = Said(cloud, habits=only("image", page_size=1))
    assert gone
    assert said.failed() == set()
    assert said.column("openstack_image", "image_id") == whole


def test_a_listing_that_links_to_itself_ends(cloud):
    def loop(asked):
        if not asked.path.endswith("/images"):
            return None
        return Reply(body='{"images": [{"id": "i"}], "next": "/v2/images?marker=i"}')

    cloud.interfere = loop
    said = Said(cloud, habits=only("image"))
    assert (
        said.coverage["image.images"].detail == "GET image /images: the next page begins where this one did"
    )


def test_one_server_whose_actions_fail_fails_the_call_and_loses_no_others(cloud):
    whole = Said(cloud, habits=only("compute"))
    one = next(row["server_id"] for row in whole.rows["openstack_server"] if row["name"] == "brief")
    cloud.interfere = at(f"/servers/{one}/os-instance-actions", Reply(500))
    said = Said(cloud, habits=only("compute"))
    assert said.failed() == {"compute.server_actions"}
    servers = {row["server_id"] for row in said.rows["openstack_server_action"]}
    assert servers == {row["server_id"] for row in whole.rows["openstack_server_action"]} - {one}
    assert "compute.server_actions" not in said.cursor["read_until"]
    again = Said(cloud, said.cursor, now=NOW + timedelta(minutes=5), habits=only("compute"))
    assert again.coverage["compute.server_changes"].start == datetime(1970, 1, 1, tzinfo=UTC)


def test_an_unknown_action_is_kept_and_reported(cloud):
    def rename(asked, answer):
        if "instanceAction" in answer and answer["instanceAction"]["action"] == "stop":
            answer["instanceAction"]["action"] = "teleport"
        return answer

    cloud.change = rename
    said = Said(cloud, habits=only("compute"))
    kept = Counter(row["action"] for row in said.rows["openstack_server_action"])["teleport"]
    assert kept >= 1
    assert f"unknown action teleport ({kept} times)" in said.coverage["compute.server_actions"].detail
    assert said.coverage["compute.server_actions"].outcome == "ok"


def test_before_nova_2_47_a_deleted_flavor_is_called_unknown_and_a_listed_one_by_its_name(cloud):
    flavors = {
        row["name"]: row["flavor_id"] for row in Said(cloud, habits=only("compute")).rows["openstack_flavor"]
    }

    def old_nova(asked, answer):
        if asked.path.endswith("/servers/detail"):
            for server in answer["servers"]:
                known = server["name"] != "brief"
                server["flavor"] = {"id": flavors[server["flavor"]["original_name"]] if known else "f-gone"}
        return answer

    cloud.change = old_nova
    servers = Said(cloud, habits=only("compute")).rows["openstack_server"]
    brief = next(row for row in servers if row["name"] == "brief")
    assert (brief["flavor_name"], brief["flavor_id"], brief["vcpus"]) == (
        "Unknown flavor (f-gone)",
        "f-gone",
        None,
    )
    stays = next(row for row in servers if row["name"] == "stays")
    assert (stays["flavor_name"], stays["vcpus"], stays["memory_mb"]) == ("small", 1, 512)


def test_the_size_of_a_server_whose_flavor_was_deleted_is_its_own(cloud):
    cloud.change = changed("/flavors/detail", lambda answer: {"flavors": []})
    brief = next(
        row for row in Said(cloud, habits=only("compute")).rows["openstack_server"] if row["name"] == "brief"
    )
    assert (brief["flavor_name"], brief["flavor_id"], brief["vcpus"]) == ("large", None, 4)


def test_only_questions_are_asked(cloud):
    Said(cloud)
    assert {(asked.method, asked.path) for asked in cloud.asked if asked.method != "GET"} == {
        ("POST", "/v3/auth/tokens")
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_connection_given_to_the_collector_can_change_nothing(cloud, method):
    connection = cloud.connect()
    Cloud(connection)
    with pytest.raises(NotReadOnly, match=f"refused {method} /compute/v2.1/servers/x"):
        connection.session.request(f"{cloud.url}/compute/v2.1/servers/x", method)


def test_a_refused_login_fails_every_call_and_raises_nothing(cloud):
    cloud.interfere = lambda asked: Reply(401, "{}") if asked.method == "POST" else None
    said = Said(cloud)
    assert said.rows == {}
    assert said.failed() == set(said.coverage)
    assert len(said.failed()) > 15
    assert said.cursor["read_until"] == {}


def test_no_secret_is_in_what_is_said(cloud):
    def spill(asked, answer):
        for server in answer.get("servers", []):
            server["OS-EXT-SRV-ATTR:user_data"] = "c2VjcmV0"
            server["adminPass"] = "hunter2"
        return answer

    cloud.change = spill
    cloud.interfere = at("/networks", Reply(500, "token-that-must-not-be-kept"))
    said = Said(cloud)
    text = str((said.rows, said.rejections, said.coverage, said.cursor))
    for secret in ("very-secret", "token-that-must-not-be-kept", "hunter2", "c2VjcmV0"):
        assert secret not in text


def test_containers_of_every_project_are_read_where_there_is_an_object_store(cloud):
    cloud.without = set()
    containers = [{"name": name, "count": 3, "bytes": 1000} for name in ("a", "b", "c")]

    def swift(asked):
        if asked.service != "object-store":
            return None
        if asked.path != f"/v1/AUTH_{cloud.project}":
            return Reply(404)  # an account that was never written to
        after = asked.query.get("marker", "")
        page = [one for one in containers if one["name"] > after][: int(asked.query["limit"])]
        return Reply(body=json.dumps(page))

    cloud.interfere = swift
    said = Said(cloud, habits=only("identity", "object_store", page_size=2))
    assert said.coverage["object_store.containers"].outcome == "ok"
    assert said.column("openstack_container", "container_id") == [
        f"{cloud.project}/a",
        f"{cloud.project}/b",
        f"{cloud.project}/c",
    ]
    assert {row["size_bytes"] for row in said.rows["openstack_container"]} == {1000}
    projects = {asked.path for asked in cloud.asked if asked.service == "object-store"}
    assert len(projects) == len(said.rows["openstack_project"])


def test_services_can_be_left_out_and_a_wrong_name_is_told(cloud):
    said = Said(cloud, habits=only("identity"))
    assert set(said.coverage) == {"identity.projects", "identity.users", "identity.domains"}
    with pytest.raises(ValueError, match="found cinder"):
        list(collect(cloud.connect(), "moc", None, NOW, Habits(services=("cinder",))))


def test_a_cursor_of_another_version_is_refused(cloud):
    with pytest.raises(ValueError, match="cursor: expected version 1"):
        list(collect(cloud.connect(), "moc", {"version": 9}, NOW, HABITS))


def test_the_recorded_project_is_not_the_placeholder(cloud):
    assert cloud.project != PROJECT
