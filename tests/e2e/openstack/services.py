"""What does the test cloud consist of? Its databases, services, ports and configuration files, as data.

Keystone, Placement, Nova with two fake hypervisors, Glance, Neutron without agents, and Cinder with a
driver that only logs, all on loopback. Passwords are fixed: nothing but this machine reaches them.
"""

from __future__ import annotations

import socket
import textwrap
from dataclasses import dataclass
from pathlib import Path

HYPERVISORS = ("rack1", "rack2")
DATABASES = ("keystone", "placement", "nova_api", "nova", "nova_cell0", "glance", "neutron", "cinder")
REGION = "RegionOne"


@dataclass(frozen=True)
class Layout:
    """Where everything is. Ports count up from `first_port`."""

    state: Path
    venv: Path
    first_port: int = 25000

    @property
    def etc(self) -> Path:
        return self.state / "etc"

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        return next((self.venv / "lib").glob("python3*")) / "site-packages"

    def port(self, of: str) -> int:
        names = (
            "mariadb",
            "rabbit",
            "rabbit-dist",
            "epmd",
            "keystone",
            "placement",
            "nova",
            "glance",
            "neutron",
        )
        return self.first_port + (*names, "cinder").index(of)

    def url(self, of: str) -> str:
        return f"http://127.0.0.1:{self.port(of)}"

    def database(self, name: str) -> str:
        return f"mysql+pymysql://cloud:cloud@127.0.0.1:{self.port('mariadb')}/{name}?charset=utf8mb4"

    @property
    def bus(self) -> str:
        return f"rabbit://cloud:cloud@127.0.0.1:{self.port('rabbit')}/"


# service user -> (type in the catalogue, path of its endpoint)
ENDPOINTS = {
    "placement": ("placement", ""),
    "nova": ("compute", "/v2.1"),
    "glance": ("image", ""),
    "neutron": ("network", ""),
    "cinder": ("block-storage", "/v3/%(project_id)s"),
}
# API -> (WSGI module, threads, environment, arguments)
APIS: dict[str, tuple[str, int, dict[str, str], list[str]]] = {
    "keystone": ("keystone.wsgi.api", 6, {"OS_KEYSTONE_CONFIG_FILES": "{etc}/keystone.conf"}, []),
    "placement": ("placement.wsgi.api", 4, {"OS_PLACEMENT_CONFIG_DIR": "{etc}"}, []),
    "glance": (
        "glance.wsgi.api",
        4,
        {"OS_GLANCE_CONFIG_DIR": "{etc}", "OS_GLANCE_CONFIG_FILES": "glance-api.conf"},
        [],
    ),
    "neutron": ("neutron.wsgi.api", 4, {}, ["--config-file", "{etc}/neutron.conf"]),
    "nova": ("nova.wsgi.osapi_compute", 6, {"OS_NOVA_CONFIG_DIR": "{etc}"}, []),
    "cinder": ("cinder.wsgi.api", 4, {}, ["--config-file", "{etc}/cinder.conf"]),
}

# OpenStack's WSGI modules read sys.argv, so a server that has arguments of its own won't do.
WSGI_SERVER = """\
import importlib, sys
module, port, threads = sys.argv[1], sys.argv[2], sys.argv[3]
sys.argv = [module, *sys.argv[4:]]
application = importlib.import_module(module).application
from waitress import serve
serve(application, listen="127.0.0.1:" + port, threads=int(threads), ident=None)
"""

# Nova loads drivers only from its own package. The stock fake one has another node id in every process,
# which nova-compute refuses after a restart; ours also fails to make servers that ask for it by name.
HYPERVISOR_DRIVER = """\
import uuid
from nova import exception
from nova.virt import fake


class Names:
    def __getattr__(self, name):
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


fake.uuids = Names()


class Driver(fake.FakeDriver):
    vcpus, memory_mb, local_gb = 1000, 4096000, 100000

    def spawn(self, context, instance, *rest, **options):
        if instance.display_name.startswith("broken"):
            raise exception.BuildAbortException(instance_uuid=instance.uuid, reason="broken by name")
        return super().spawn(context, instance, *rest, **options)
"""

# Binds every port at once: there are no agents that would.
NETWORK_DRIVER = """\
from neutron_lib import constants
from neutron_lib.plugins.ml2 import api


class Driver(api.MechanismDriver):
    def initialize(self):
        pass

    def bind_port(self, context):
        segment = context.segments_to_bind[0][api.ID]
        context.set_binding(segment, "ovs", {"port_filter": False}, status=constants.PORT_STATUS_ACTIVE)
"""


def configuration(layout: Layout) -> dict[str, str]:
    """Each configuration file by name."""
    return {
        "keystone.conf": _keystone(layout),
        "placement.conf": _placement(layout),
        "nova.conf": _nova(layout),
        **{f"nova-{name}.conf": _hypervisor(layout, name) for name in HYPERVISORS},
        "glance-api.conf": _glance(layout),
        "neutron.conf": _neutron(layout),
        "cinder.conf": _cinder(layout),
    }


def _service_account(layout: Layout, user: str) -> str:
    return textwrap.dedent(f"""\
        auth_url = {layout.url("keystone")}/v3
        auth_type = password
        project_domain_id = default
        user_domain_id = default
        project_name = service
        username = {user}
        password = service
        region_name = {REGION}
        """)


def _common(layout: Layout, user: str) -> str:
    return (
        f"[keystone_authtoken]\nwww_authenticate_uri = {layout.url('keystone')}\n"
        + _service_account(layout, user)
        + textwrap.dedent(f"""\
        [oslo_concurrency]
        lock_path = {layout.state}/lock
        [oslo_messaging_notifications]
        driver = messagingv2
        [oslo_messaging_rabbit]
        rabbit_quorum_queue = false
        """)
    )


def _keystone(layout: Layout) -> str:
    return textwrap.dedent(f"""\
        [DEFAULT]
        log_file = {layout.log}/keystone.log
        transport_url = {layout.bus}
        notification_format = cadf
        [database]
        connection = {layout.database("keystone")}
        [token]
        provider = fernet
        [fernet_tokens]
        key_repository = {layout.state}/keys/fernet
        [fernet_receipts]
        key_repository = {layout.state}/keys/fernet
        [credential]
        key_repository = {layout.state}/keys/credential
        [cache]
        enabled = true
        backend = dogpile.cache.memory
        [oslo_messaging_notifications]
        driver = messagingv2
        """)


def _placement(layout: Layout) -> str:
    return textwrap.dedent(f"""\
        [DEFAULT]
        log_file = {layout.log}/placement.log
        [api]
        auth_strategy = keystone
        [placement_database]
        connection = {layout.database("placement")}
        """) + _common(layout, "placement")


def _nova(layout: Layout) -> str:
    return (
        textwrap.dedent(f"""\
        [DEFAULT]
        transport_url = {layout.bus}
        compute_driver = testcloud.Driver
        allow_resize_to_same_host = True
        my_ip = 127.0.0.1
        state_path = {layout.state}/nova
        log_dir = {layout.log}
        instance_usage_audit = True
        instance_usage_audit_period = hour
        reserved_host_memory_mb = 0
        ram_allocation_ratio = 1.0
        [api]
        auth_strategy = keystone
        [api_database]
        connection = {layout.database("nova_api")}
        [database]
        connection = {layout.database("nova")}
        [conductor]
        workers = 1
        [scheduler]
        workers = 1
        [notifications]
        notify_on_state_change = vm_and_task_state
        notification_format = both
        [vnc]
        enabled = false
        [glance]
        api_servers = {layout.url("glance")}
        """)
        + "[service_user]\nsend_service_user_token = true\n"
        + _service_account(layout, "nova")
        + "".join(
            f"[{name}]\n{_service_account(layout, name)}" for name in ("placement", "neutron", "cinder")
        )
        + "catalog_info = block-storage:cinder:publicURL\n"
        + _common(layout, "nova")
    )


def _hypervisor(layout: Layout, name: str) -> str:
    """What differs between the two hosts; given after nova.conf, it wins."""
    return f"[DEFAULT]\nhost = {name}\nstate_path = {layout.state}/{name}\n"


def _glance(layout: Layout) -> str:
    return textwrap.dedent(f"""\
        [DEFAULT]
        log_file = {layout.log}/glance.log
        transport_url = {layout.bus}
        enabled_backends = files:file
        bind_host = 127.0.0.1
        [database]
        connection = {layout.database("glance")}
        [glance_store]
        default_backend = files
        [files]
        filesystem_store_datadir = {layout.state}/images
        [os_glance_staging_store]
        filesystem_store_datadir = {layout.state}/images-staging
        [os_glance_tasks_store]
        filesystem_store_datadir = {layout.state}/images-tasks
        [paste_deploy]
        flavor = keystone
        config_file = {layout.venv}/etc/glance/glance-api-paste.ini
        """) + _common(layout, "glance")


def _neutron(layout: Layout) -> str:
    return textwrap.dedent(f"""\
        [DEFAULT]
        log_file = {layout.log}/neutron.log
        transport_url = {layout.bus}
        core_plugin = ml2
        service_plugins = router
        auth_strategy = keystone
        api_paste_config = {layout.venv}/etc/neutron/api-paste.ini
        bind_host = 127.0.0.1
        rpc_workers = 0
        notify_nova_on_port_status_changes = false
        notify_nova_on_port_data_changes = false
        [database]
        connection = {layout.database("neutron")}
        [ml2]
        type_drivers = local,flat
        tenant_network_types = local
        mechanism_drivers = testcloud
        [ml2_type_flat]
        flat_networks = public
        """) + _common(layout, "neutron")


def _cinder(layout: Layout) -> str:
    return textwrap.dedent(f"""\
        [DEFAULT]
        log_dir = {layout.log}
        transport_url = {layout.bus}
        auth_strategy = keystone
        api_paste_config = {layout.venv}/etc/cinder/api-paste.ini
        resource_query_filters_file = {layout.venv}/etc/cinder/resource_filters.json
        state_path = {layout.state}/cinder
        my_ip = 127.0.0.1
        host = {socket.gethostname()}
        enabled_backends = fake
        default_volume_type = standard
        [fake]
        volume_driver = cinder.tests.fake_driver.FakeLoggingVolumeDriver
        volume_backend_name = fake
        [database]
        connection = {layout.database("cinder")}
        """) + _common(layout, "cinder")
