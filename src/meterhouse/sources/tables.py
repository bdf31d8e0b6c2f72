"""What do raw records look like? The schema of each raw table, as typed by the source that reads it.

The warehouse adds two columns to each: `batch_id` (string) and `recorded_at` (UTC timestamp).
Times are UTC with microseconds. Integers are 64 bit. `record` counts from 1 within the delivery's
origin. `extra` holds, as JSON text, whatever the source said beyond the typed columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")
TEXT = pa.string()
INT = pa.int64()
BOOL = pa.bool_()


@dataclass(frozen=True, slots=True)
class RawTable:
    """A raw table: its name, columns, the column that says when, and where the records come from."""

    name: str
    schema: pa.Schema
    time_column: str
    doc: str


def _table(name: str, time_column: str, doc: str, /, **columns: pa.DataType) -> RawTable:
    schema = pa.schema([("record", INT), ("resource", TEXT), *columns.items(), ("extra", TEXT)])
    return RawTable(name, schema, time_column, doc)


_OWNED = {"project_id": TEXT, "user_id": TEXT}
_SEEN = {"observed_at": TIME, "created_at": TIME, "updated_at": TIME}

_TABLES = [
    _table(
        "openstack_event",
        "generated",
        "OpenStack events: Open XDMoD's legacy event files, and notifications from the message bus",
        channel=TEXT,  # "file" or "notification"
        event_type=TEXT,
        generated=TIME,
        message_id=TEXT,
        request_id=TEXT,
        service=TEXT,
        resource_id=TEXT,
        instance_id=TEXT,
        display_name=TEXT,
        instance_type=TEXT,  # flavor name
        instance_type_id=TEXT,
        vcpus=INT,
        memory_mb=INT,
        disk_gb=INT,
        root_gb=INT,
        ephemeral_gb=INT,
        state=TEXT,
        old_state=TEXT,
        status=TEXT,
        host=TEXT,
        availability_zone=TEXT,
        user_id=TEXT,
        user_name=TEXT,
        project_id=TEXT,
        project_name=TEXT,
        domain=TEXT,
        volume_id=TEXT,
        size=INT,  # GB for volumes and snapshots, bytes for images
        type=TEXT,  # volume type
        name=TEXT,
        created_at=TIME,
        launched_at=TIME,
        deleted_at=TIME,
        audit_period_beginning=TIME,
        audit_period_ending=TIME,
    ),
    _table(
        "generic_cloud_event",
        "event_time",
        "Generic cloud events: JSON lines as Open XDMoD's genericcloud format has them",
        instance_id=TEXT,
        account=TEXT,
        event_type=TEXT,
        event_time=TIME,
        record_type=TEXT,
        event_data=TEXT,
        image_type=TEXT,
        root_type=TEXT,
        node_controller=TEXT,
        public_ip=TEXT,
        private_ip=TEXT,
        instance_type=TEXT,
        cpu=INT,
        memory=INT,  # MB
        disk=INT,  # GB
        user=TEXT,  # of the first block device that names one
        block_devices=TEXT,  # JSON text
    ),
    _table(
        "hypervisor",
        "observed_at",
        "Capacity of each hypervisor, from hypervisor facts files and from Nova",
        observed_at=TIME,
        hypervisor_id=TEXT,
        hostname=TEXT,
        vcpus=INT,
        memory_mb=INT,
        disk_gb=INT,
        state=TEXT,
        status=TEXT,
    ),
    _table(
        "openstack_server",
        "observed_at",
        "Servers as Nova listed them, deleted ones included",
        **_SEEN,
        server_id=TEXT,
        name=TEXT,
        **_OWNED,
        status=TEXT,
        vm_state=TEXT,
        task_state=TEXT,
        power_state=INT,
        host=TEXT,
        availability_zone=TEXT,
        flavor_id=TEXT,
        flavor_name=TEXT,
        vcpus=INT,
        memory_mb=INT,
        root_gb=INT,
        ephemeral_gb=INT,
        image_id=TEXT,
        launched_at=TIME,
        terminated_at=TIME,
        deleted=BOOL,
        full_listing=BOOL,  # part of a listing of everything, not only of changes
    ),
    _table(
        "openstack_server_action",
        "start_time",
        "Instance actions of servers, one row an event of an action (or one an action without events)",
        observed_at=TIME,
        server_id=TEXT,
        request_id=TEXT,
        action=TEXT,
        action_message=TEXT,
        start_time=TIME,
        updated_at=TIME,
        **_OWNED,
        event=TEXT,
        event_start=TIME,
        event_finish=TIME,
        event_result=TEXT,
        event_host=TEXT,
        # Nova's times are whole seconds. Place among the server's actions, oldest first: orders a second.
        position=INT,
        # The server as listed with its actions. An action's own project and user are those of who acted.
        server_name=TEXT,
        server_project_id=TEXT,
        server_user_id=TEXT,
        server_launched_at=TIME,  # null: never ran, whatever the result of its create says
        # The flavor, where no resize of the server came after this event; else null.
        flavor_id=TEXT,
        flavor_name=TEXT,
        vcpus=INT,
        memory_mb=INT,
        root_gb=INT,
        ephemeral_gb=INT,
    ),
    _table(
        "openstack_volume",
        "observed_at",
        "Volumes as Cinder listed them, attached or not",
        **_SEEN,
        volume_id=TEXT,
        name=TEXT,
        **_OWNED,
        status=TEXT,
        size_gib=INT,
        volume_type=TEXT,
        availability_zone=TEXT,
        attached_to=TEXT,
        bootable=BOOL,
    ),
    _table(
        "openstack_volume_snapshot",
        "observed_at",
        "Volume snapshots as Cinder listed them",
        **_SEEN,
        snapshot_id=TEXT,
        name=TEXT,
        **_OWNED,
        status=TEXT,
        size_gib=INT,
        volume_id=TEXT,
    ),
    _table(
        "openstack_image",
        "observed_at",
        "Images as Glance listed them",
        **_SEEN,
        image_id=TEXT,
        name=TEXT,
        **_OWNED,
        status=TEXT,
        size_bytes=INT,
        visibility=TEXT,
        disk_format=TEXT,
        image_type=TEXT,
    ),
    *[
        _table(
            f"openstack_{kind}",
            "observed_at",
            f"Neutron {kind.replace('_', ' ')}s as listed",
            **_SEEN,
            **{f"{kind}_id": TEXT, "network_id": TEXT},
            name=TEXT,
            **_OWNED,
            status=TEXT,
            address=TEXT,  # floating IP address, subnet CIDR, port fixed IPs
            device_id=TEXT,
            device_owner=TEXT,
        )
        for kind in ("floating_ip", "router", "network", "subnet", "port")
    ],
    _table(
        "openstack_container",
        "observed_at",
        "Object store containers with what they hold",
        **_SEEN,
        container_id=TEXT,
        name=TEXT,
        **_OWNED,
        objects=INT,
        size_bytes=INT,
        storage_policy=TEXT,
    ),
    _table(
        "openstack_flavor",
        "observed_at",
        "Flavors as Nova listed them",
        observed_at=TIME,
        flavor_id=TEXT,
        name=TEXT,
        vcpus=INT,
        memory_mb=INT,
        root_gb=INT,
        ephemeral_gb=INT,
        is_public=BOOL,
    ),
    _table(
        "openstack_project",
        "observed_at",
        "Projects as Keystone listed them",
        observed_at=TIME,
        project_id=TEXT,
        name=TEXT,
        domain_id=TEXT,
        parent_id=TEXT,
        enabled=BOOL,
        description=TEXT,
    ),
    _table(
        "openstack_user",
        "observed_at",
        "Users as Keystone listed them",
        observed_at=TIME,
        user_id=TEXT,
        name=TEXT,
        domain_id=TEXT,
        email=TEXT,
        enabled=BOOL,
    ),
    _table(
        "openstack_domain",
        "observed_at",
        "Domains as Keystone listed them",
        observed_at=TIME,
        domain_id=TEXT,
        name=TEXT,
        enabled=BOOL,
    ),
    _table(
        "openstack_quota",
        "observed_at",
        "Quotas of projects by service",
        observed_at=TIME,
        project_id=TEXT,
        service=TEXT,
        name=TEXT,
        hard_limit=INT,
        in_use=INT,
    ),
    _table(
        "openstack_tenant_usage",
        "observed_at",
        "Nova's own os-simple-tenant-usage, a row a server, kept for verification",
        observed_at=TIME,
        period_start=TIME,
        period_end=TIME,
        project_id=TEXT,
        server_id=TEXT,
        name=TEXT,
        flavor_name=TEXT,
        vcpus=INT,
        memory_mb=INT,
        started_at=TIME,
        ended_at=TIME,
        state=TEXT,
        hours=TEXT,  # decimal as text, as said
    ),
    _table(
        "xdmod_name",
        "imported_at",
        "People: Open XDMoD's names.csv (username, first name, last name, organization)",
        imported_at=TIME,
        username=TEXT,
        first_name=TEXT,
        last_name=TEXT,
        organization=TEXT,
    ),
    _table(
        "xdmod_hierarchy",
        "imported_at",
        "Three levels of fields of science: Open XDMoD's hierarchy.csv",
        imported_at=TIME,
        abbreviation=TEXT,
        description=TEXT,
        parent=TEXT,
    ),
    _table(
        "xdmod_group_hierarchy",
        "imported_at",
        "Which field a PI's group belongs to: Open XDMoD's group-to-hierarchy.csv",
        imported_at=TIME,
        group_name=TEXT,
        abbreviation=TEXT,
    ),
    _table(
        "xdmod_cloud_project",
        "imported_at",
        "Which PI a cloud project belongs to: Open XDMoD's cloud-project-to-pi CSV",
        imported_at=TIME,
        pi=TEXT,
        project_name=TEXT,
        cloud=TEXT,  # the resource's name, as the file says it
    ),
]

RAW_TABLES: dict[str, RawTable] = {table.name: table for table in _TABLES}
