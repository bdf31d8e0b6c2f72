"""Which projects, users and domains does Keystone know?"""

from __future__ import annotations

from meterhouse.sources.openstack.cloud import Cloud
from meterhouse.sources.openstack.reading import Reading
from meterhouse.sources.openstack.said import Columns, boolean, column

PROJECT: Columns = {
    "project_id": column("id", required=True),
    "name": column("name"),
    "domain_id": column("domain_id"),
    "parent_id": column("parent_id"),
    "enabled": column("enabled", convert=boolean),
    "description": column("description"),
}
USER: Columns = {
    "user_id": column("id", required=True),
    "name": column("name"),
    "domain_id": column("domain_id"),
    "email": column("email"),
    "enabled": column("enabled", convert=boolean),
}
DOMAIN: Columns = {
    "domain_id": column("id", required=True),
    "name": column("name"),
    "enabled": column("enabled", convert=boolean),
}
LISTINGS = [
    ("identity.projects", "/projects", "projects", "openstack_project", PROJECT),
    ("identity.users", "/users", "users", "openstack_user", USER),
    ("identity.domains", "/domains", "domains", "openstack_domain", DOMAIN),
]


def read(cloud: Cloud, reading: Reading) -> None:
    """People and projects change rarely: listed as often as everything is."""
    for name, path, key, table, columns in LISTINGS:
        if reading.is_due(name, reading.habits.full_listing):
            with reading.call(name) as call:
                for answer in cloud.listing("identity", path, key, paged=False):
                    call.take(table, columns, answer)


def project_ids(cloud: Cloud) -> list[str]:
    """Every project there is, for the calls that must be asked project by project."""
    projects = cloud.listing("identity", "/projects", "projects", paged=False)
    return [
        str(answer.said["id"])
        for answer in projects
        if isinstance(answer.said, dict) and answer.said.get("id")
    ]
