"""How much may each project have of what, and how much does it have?"""

from __future__ import annotations

from collections.abc import Callable

from meterhouse.sources.openstack.cloud import Answer, CallFailed, Cloud
from meterhouse.sources.openstack.identity import project_ids
from meterhouse.sources.openstack.reading import Call, Reading
from meterhouse.sources.openstack.said import Columns, column, integer

QUOTA: Columns = {
    "name": column("name", required=True),
    "hard_limit": column("limit", convert=integer),
    "in_use": column("in_use", convert=integer),
}

# project id -> path, parameters, and the key under which the answer stands
Question = Callable[[str], tuple[str, dict[str, str], str]]


def read(cloud: Cloud, reading: Reading, service: str, question: Question) -> None:
    """One question a project and service, so asked rarely (`Habits.quotas`)."""
    name = f"{service}.quotas"
    if not reading.is_due(name, reading.habits.quotas):
        return
    with reading.call(name) as call:
        for project_id in project_ids(cloud):
            try:
                _read_project(cloud, call, service, project_id, question)
            except CallFailed as failure:
                call.part_failed(failure)


def _read_project(cloud: Cloud, call: Call, service: str, project_id: str, question: Question) -> None:
    path, params, key = question(project_id)
    answer = cloud.get(service, path, params)
    quota = answer.said.get(key) if isinstance(answer.said, dict) else None
    if not isinstance(quota, dict):
        raise CallFailed(f"GET {service} {path}: expected an object called {key}")
    for name, amount in sorted(quota.items()):
        if name == "id":
            continue
        said = {"name": name, **amount} if isinstance(amount, dict) else {"name": name, "limit": amount}
        said.setdefault("in_use", said.pop("used", None))  # Neutron's word
        call.take(
            "openstack_quota", QUOTA, Answer(said, answer.observed_at), project_id=project_id, service=service
        )
