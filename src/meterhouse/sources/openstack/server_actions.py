"""What was done to servers, and when did it begin and end? Nova's instance actions with their events."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from meterhouse.sources.openstack.cloud import Answer, CallFailed, Cloud, Refused
from meterhouse.sources.openstack.reading import Call, Reading, Row
from meterhouse.sources.openstack.said import Columns, column, integer, time
from meterhouse.sources.openstack.vocabulary import SIZE_CHANGING_EVENTS, unknown_action

ACTION: Columns = {
    "request_id": column("request_id", required=True),
    "action": column("action", required=True),
    "action_message": column("message"),
    "start_time": column("start_time", convert=time, required=True),
    "updated_at": column("updated_at", convert=time),
    "project_id": column("project_id"),
    "user_id": column("user_id"),
    "event": column("event", "event"),
    "event_start": column("event", "start_time", convert=time),
    "event_finish": column("event", "finish_time", convert=time),
    "event_result": column("event", "result"),
    "event_host": column("event", "host"),
    "position": column("position", convert=integer, required=True),
}
EVENTS_AN_ACTION = 32  # positions kept for the events of one action


def read_actions(
    cloud: Cloud, reading: Reading, name: str, version: tuple[int, int], servers: list[Row], since: datetime
) -> None:
    """The actions since `since` of each of `servers`, also of deleted ones (from Nova 2.21).

    An action that the vocabulary doesn't know is kept as it is, and the coverage tells of it.
    """
    unknown: Counter[str] = Counter()
    with reading.call(name, start=since) as call:
        version = cloud.microversion("compute", version)
        for server in servers:
            try:
                rows = _actions_of(cloud, version, server["server_id"], since)
            except Refused as refused:
                if refused.status != 404:  # purged from Nova's database since it was listed
                    call.part_failed(refused)
                continue
            except CallFailed as failure:
                call.part_failed(failure)
                continue
            rows = _until(rows, server["observed_at"])
            last_resize = _last_resize(rows)
            for answer in rows:
                _take(call, answer, server, last_resize)
                unknown.update(unknown_action(answer.said))
        call.remarks.extend(
            f"unknown action {action} ({count} times)" for action, count in sorted(unknown.items())
        )


def _take(call: Call, answer: Answer, server: Row, last_resize: int) -> None:
    """One row, with what the server's listing said of it where that was true at the time of the action."""
    has_this_size = answer.said["position"] >= last_resize
    call.take(
        "openstack_server_action",
        ACTION,
        answer,
        server_id=server["server_id"],
        server_name=server["name"],
        server_project_id=server["project_id"],
        server_user_id=server["user_id"],
        server_launched_at=server["launched_at"],
        **{
            size: server[size] if has_this_size else None
            for size in ("flavor_id", "flavor_name", "vcpus", "memory_mb", "root_gb", "ephemeral_gb")
        },
    )


def _until(rows: list[Answer], observed_at: datetime) -> list[Answer]:
    """The rows before the first that ended after the server was looked at.

    What the listing said of the server need not be true of that one and of those after it. They are
    left for the next reading, which sees the server as they left it.
    """
    for number, row in enumerate(rows):
        finish = (row.said.get("event") or {}).get("finish_time")
        try:
            moment = time(finish)
        except ValueError:
            continue  # to be rejected with its reason
        if moment is not None and moment >= observed_at - timedelta(seconds=1):
            return rows[:number]
    return rows


def _last_resize(rows: list[Answer]) -> int:
    """The position from which on the server has the flavor that it was listed with.

    A migration goes through the steps of a resize, and may be reverted like one, with the same flavor.
    """
    last, is_migration = 0, False
    for row in rows:
        action, event = row.said.get("action"), row.said.get("event") or {}
        if action in ("resize", "migrate"):
            is_migration = action == "migrate"
        if (
            event.get("event") in SIZE_CHANGING_EVENTS
            and event.get("result") == "Success"
            and not is_migration
        ):
            last = row.said["position"]
    return last


def _actions_of(cloud: Cloud, version: tuple[int, int], server_id: str, since: datetime) -> list[Answer]:
    """A server's actions, oldest first, one answer an event, of those that went on after `since`.

    All are listed, though only the newer are asked for their events: an action's place among them must
    be the same in every reading.
    """
    path = f"/servers/{server_id}/os-instance-actions"
    listed = list(
        cloud.listing(
            "compute",
            path,
            "instanceActions",
            version=version,
            identify=lambda action: action.get("request_id") if isinstance(action, dict) else None,
            paged=version >= (2, 58),
        )
    )
    answers = []
    for number, action in enumerate(reversed(listed)):  # Nova lists the newest first
        if not isinstance(action.said, dict) or not _is_since(action.said, since):
            continue
        try:
            told = cloud.get("compute", f"{path}/{action.said.get('request_id')}", version=version)
        except Refused as refused:
            if refused.status == 404:
                continue
            raise
        detail = told.said.get("instanceAction") if isinstance(told.said, dict) else None
        if not isinstance(detail, dict):
            raise CallFailed(f"GET compute {path}: expected an object called instanceAction")
        events = detail.pop("events", None)
        events = list(reversed(events)) if isinstance(events, list) and events else [None]
        for place, event in enumerate(events):
            position = number * EVENTS_AN_ACTION + min(place, EVENTS_AN_ACTION - 1)
            answers.append(Answer({**detail, "event": event, "position": position}, told.observed_at))
    return answers


def _is_since(action: dict[str, Any], since: datetime) -> bool:
    """Did something happen to this action since? When its times can't be read, better ask."""
    try:
        moment = time(action.get("updated_at")) or time(action.get("start_time"))
    except ValueError:
        return True
    return moment is None or moment >= since.astimezone(UTC)
