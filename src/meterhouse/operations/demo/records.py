"""What would the example systems have said? Files as real ones write them, the same at every run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from meterhouse.operations.demo.jobs import CLUSTER, write_jobs
from meterhouse.operations.demo.ledger import write_ledger
from meterhouse.operations.demo.people import FIELD_OF, FIELDS, FLAVORS, PEOPLE, PROJECTS, Flavor, Project
from meterhouse.operations.demo.pods import CONTAINERS, write_pods
from meterhouse.operations.demo.stored import write_stored

RESOURCE = "research-cloud"
FIRST = date(2026, 9, 1)
LAST = date(2026, 10, 31)
CORES = 448
_SEED = 20260901
_VMS = 90

Event = dict[str, Any]


def write_records(folder: Path) -> None:
    """Write everything that the example site reads into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_events(folder / "events")
    _write_listing(folder / "keystone.json")
    _write_hypervisors(folder / "hypervisor_facts_2026-09-01T00:00:00.json")
    _write_csv(folder / "names.csv", [(p.username, p.first, p.last, p.institution) for p in PEOPLE])
    _write_csv(folder / "hierarchy.csv", FIELDS)
    _write_csv(folder / "group-to-hierarchy.csv", sorted(FIELD_OF.items()))
    _write_csv(
        folder / "cloud-project-to-pi.csv",
        [(p.pi, p.name, resource) for resource in (RESOURCE, CLUSTER, CONTAINERS) for p in PROJECTS],
    )
    write_jobs(folder / "jobs.log", FIRST, LAST)
    write_pods(folder / "pods", FIRST, LAST)
    write_stored(folder / "stored", FIRST, LAST)
    write_ledger(folder / "ledger.json", RESOURCE, LAST)


def _write_csv(path: Path, rows: Any) -> None:
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _write_listing(path: Path) -> None:
    projects = [
        {"id": p.id, "name": p.name, "domain_id": "default", "parent_id": p.parent or "default"}
        for p in PROJECTS
    ]
    listing = {
        "observed_at": f"{FIRST}T00:05:00Z",
        "projects": projects,
        "domains": [{"id": "default", "name": "Default"}],
    }
    path.write_text(json.dumps(listing, indent=1, ensure_ascii=False), encoding="utf-8")


def _write_hypervisors(path: Path) -> None:
    hosts = [
        {"hypervisor_hostname": f"node{n:02d}.cloud.example", "id": n, "memory_mb": 515_000, "vcpus": 56}
        for n in range(1, 9)
    ]
    path.write_text(json.dumps({"ts": f"{FIRST}T00:00:00Z", "hypervisors": hosts}, indent=1))


def _write_events(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    by_day: dict[date, list[Event]] = {}
    random = Random(_SEED)  # noqa: S311 - an example, not a secret
    for number in range(_VMS):
        for event in _life(random, number):
            by_day.setdefault(date.fromisoformat(event["generated"][:10]), []).append(event)
    day = FIRST - timedelta(days=1)  # London's September begins in what is August by UTC
    while day <= LAST:
        events = sorted(by_day.get(day, []), key=lambda event: (event["generated"], event["message_id"]))
        path = folder / f"{day}T00.00.00_{day}T23.59.59.json"
        path.write_text(json.dumps(events, indent=0, ensure_ascii=False), encoding="utf-8")
        day += timedelta(days=1)


@dataclass(slots=True)
class _Vm:
    """One VM while its life is told."""

    random: Random
    id: str
    name: str
    project: Project
    user: str
    flavor: Flavor
    host: str

    def event(self, kind: str, moment: datetime, state: str) -> Event:
        return {
            "event_type": f"compute.instance.{kind}",
            "generated": moment.strftime("%Y-%m-%dT%H:%M:%S.%f"),
            "message_id": str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
            "instance_id": self.id,
            "resource_id": self.id,
            "display_name": self.name,
            "instance_type": self.flavor.name,
            "vcpus": str(self.flavor.vcpus),
            "memory_mb": str(self.flavor.memory_mib),
            "disk_gb": str(self.flavor.disk_gib),
            "state": state,
            "host": self.host,
            "user_id": f"u-{self.user}",
            "user_name": self.user,
            "project_id": self.project.id,
            "project_name": self.project.name,
            "domain": "Default",
            "raw": {},
        }


def _life(random: Random, number: int) -> Iterator[Event]:
    """All events of one VM within the two months: made, used, changed, and often deleted."""
    project = PROJECTS[number % len(PROJECTS)]
    flavor = random.choices(FLAVORS, weights=(5, 6, 5, 3, 1))[0]
    words = ("worker", "login", "notebook", "database", "batch", "web", "gpu-test", "archive")
    vm = _Vm(
        random,
        str(uuid.UUID(int=random.getrandbits(128), version=4)),
        f"{project.name}-{words[number % 8]}-{number:02d}",
        project,
        random.choice(project.members),
        flavor,
        f"node{random.randint(1, 8):02d}.cloud.example",
    )
    end = datetime(LAST.year, LAST.month, LAST.day, 23, 50, tzinfo=UTC)
    moment = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(
        seconds=random.randint(0, 50 * 86400)
    )
    yield vm.event("create.start", moment, "building")
    moment += timedelta(seconds=random.randint(8, 90), microseconds=random.randint(0, 999_999))
    yield vm.event("create.end", moment, "active")
    gone = moment + timedelta(hours=random.lognormvariate(4.6, 1.2))
    yield from _days(vm, moment, min(gone, end))
    if gone < end:
        yield vm.event("delete.start", gone, "active")
        yield vm.event("delete.end", gone + timedelta(seconds=random.randint(1, 20)), "deleted")


def _days(vm: _Vm, start: datetime, end: datetime) -> Iterator[Event]:
    """What happens between creation and the end: a heartbeat an hour, and now and then a change."""
    random, state = vm.random, "active"
    moment = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while moment < end:
        yield vm.event("exists", moment, state)
        happens = moment + timedelta(seconds=random.randint(60, 3000))
        chance = random.random()
        if happens + timedelta(seconds=60) < end:
            if state == "active" and chance < 0.004:
                yield vm.event("power_off.start", happens, state)
                state = "stopped"
                yield vm.event("power_off.end", happens + timedelta(seconds=12), state)
            elif state == "active" and chance < 0.006:
                yield vm.event("shelve_offload.start", happens, state)
                state = "shelved_offloaded"
                yield vm.event("shelve_offload.end", happens + timedelta(seconds=40), state)
            elif state == "active" and chance < 0.0075:
                vm.flavor = FLAVORS[min(FLAVORS.index(vm.flavor) + 1, len(FLAVORS) - 1)]
                yield vm.event("finish_resize.end", happens, "resized")
                yield vm.event("resize.confirm.end", happens + timedelta(seconds=50), "active")
            elif state == "stopped" and chance < 0.05:
                yield vm.event("power_on.start", happens, state)
                state = "active"
                yield vm.event("power_on.end", happens + timedelta(seconds=9), state)
            elif state == "shelved_offloaded" and chance < 0.03:
                yield vm.event("unshelve.start", happens, state)
                state = "active"
                yield vm.event("unshelve.end", happens + timedelta(seconds=25), state)
        moment += timedelta(hours=1)
