"""How is the test cloud brought up and taken down? `cloud.py up|down --state DIR --venv DIR`

Needs Debian's mariadb-server and rabbitmq-server, and a venv with OpenStack from PyPI (see run.sh).
Nothing of it outlives `down` but the state directory; only processes that `up` started are ended.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services import (
    APIS,
    DATABASES,
    ENDPOINTS,
    HYPERVISOR_DRIVER,
    HYPERVISORS,
    NETWORK_DRIVER,
    REGION,
    WSGI_SERVER,
    Layout,
    configuration,
)

STARTED = time.monotonic()
ADMIN_PASSWORD = "admin"


def say(what: str) -> None:
    print(f"[{time.monotonic() - STARTED:5.1f} s] {what}", flush=True)


def up(layout: Layout) -> None:
    for name in ("etc", "log", "pids", "lock", "keys/fernet", "keys/credential", "nova", "images", "cinder"):
        (layout.state / name).mkdir(parents=True, exist_ok=True)
    write_files(layout)
    start_mariadb(layout)
    start_rabbit(layout)
    wait("MariaDB", lambda: sql(layout, "select 1") is not None)
    make_databases(layout)
    start_keystone(layout)
    make_catalogue(layout)
    make_schemas(layout)
    wait("RabbitMQ", lambda: can_connect(layout.port("rabbit")))
    start_services(layout)
    write_clouds_yaml(layout)
    say(f"the cloud is up: OS_CLIENT_CONFIG_FILE={layout.state}/clouds.yaml, cloud testcloud")


def write_files(layout: Layout) -> None:
    for name, text in configuration(layout).items():
        (layout.etc / name).write_text(text)
    for paste in (layout.venv / "etc" / "nova").glob("api-paste.ini"):
        shutil.copy(paste, layout.etc)
    (layout.state / "wsgi_server.py").write_text(WSGI_SERVER)
    (layout.site_packages / "nova" / "virt" / "testcloud.py").write_text(HYPERVISOR_DRIVER)
    (layout.site_packages / "testcloud_network.py").write_text(NETWORK_DRIVER)
    entry = layout.site_packages / "testcloud_network-1.0.dist-info"  # how Neutron finds drivers
    entry.mkdir(exist_ok=True)
    (entry / "METADATA").write_text("Metadata-Version: 2.1\nName: testcloud_network\nVersion: 1.0\n")
    (entry / "entry_points.txt").write_text(
        "[neutron.ml2.mechanism_drivers]\ntestcloud = testcloud_network:Driver\n"
    )


def start_mariadb(layout: Layout) -> None:
    data, user = layout.state / "mariadb", ["--user=root"] if os.getuid() == 0 else []
    if not (data / "mysql").exists():
        subprocess.run(
            [
                *("mariadb-install-db", "--no-defaults", *user, f"--datadir={data}"),
                "--auth-root-authentication-method=normal",
            ],
            check=True,
            stdout=(layout.log / "mariadb-install.log").open("w"),
            stderr=subprocess.STDOUT,
        )
    start(
        layout,
        "mariadb",
        [
            *("/usr/sbin/mariadbd", "--no-defaults", *user, f"--datadir={data}", "--bind-address=127.0.0.1"),
            *(f"--socket={layout.state}/mariadb.sock", f"--port={layout.port('mariadb')}"),
            *(
                "--max-connections=500",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-buffer-pool-size=256M",
            ),
        ],
    )


def sql(layout: Layout, statements: str) -> str | None:
    """What the database answers, None when it doesn't."""
    done = subprocess.run(
        ["mariadb", "--no-defaults", "-N", "-uroot", "-S", f"{layout.state}/mariadb.sock"],
        input=statements,
        capture_output=True,
        text=True,
    )
    return done.stdout if done.returncode == 0 else None


def make_databases(layout: Layout) -> None:
    statements = [
        f"create database if not exists {name};"
        f"grant all on {name}.* to cloud@'127.0.0.1' identified by 'cloud';"
        f"grant all on {name}.* to cloud@localhost identified by 'cloud';"
        for name in DATABASES
    ]
    if sql(layout, "\n".join(statements)) is None:
        raise SystemExit("the databases could not be made: see " + str(layout.log / "mariadb.log"))


def start_rabbit(layout: Layout) -> None:
    """Its own node, with its own port mapper, so that a broker of the machine's is left alone."""
    home = layout.state / "rabbit"
    home.mkdir(exist_ok=True)
    start(
        layout,
        "rabbit",
        ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
        HOME=str(home),
        ERL_EPMD_ADDRESS="127.0.0.1",
        ERL_EPMD_PORT=str(layout.port("epmd")),
        RABBITMQ_NODENAME=f"testcloud{layout.first_port}@localhost",
        RABBITMQ_NODE_IP_ADDRESS="127.0.0.1",
        RABBITMQ_NODE_PORT=str(layout.port("rabbit")),
        RABBITMQ_DIST_PORT=str(layout.port("rabbit-dist")),
        RABBITMQ_MNESIA_BASE=str(home / "mnesia"),
        RABBITMQ_LOG_BASE=str(home / "log"),
        RABBITMQ_PID_FILE=str(home / "pid"),
        RABBITMQ_ENABLED_PLUGINS_FILE=str(home / "plugins"),
        RABBITMQ_CONF_ENV_FILE="/dev/null",
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=(
            '-rabbit loopback_users [] default_user <<"cloud">> default_pass <<"cloud">>'
        ),
    )


def start_keystone(layout: Layout) -> None:
    manage = [
        str(layout.venv / "bin" / "keystone-manage"),
        "--config-file",
        str(layout.etc / "keystone.conf"),
    ]
    owner = ["--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid())]
    logged(layout, "keystone-setup", [*manage, "db_sync"])
    logged(layout, "keystone-setup", [*manage, "fernet_setup", *owner])
    logged(layout, "keystone-setup", [*manage, "credential_setup", *owner])
    urls = [
        part
        for kind in ("admin", "internal", "public")
        for part in (f"--bootstrap-{kind}-url", f"{layout.url('keystone')}/v3")
    ]
    logged(
        layout,
        "keystone-setup",
        [
            *manage,
            "bootstrap",
            "--bootstrap-password",
            ADMIN_PASSWORD,
            *urls,
            "--bootstrap-region-id",
            REGION,
        ],
    )
    start_api(layout, "keystone")
    wait("Keystone", lambda: answers(layout, "keystone"))


CATALOGUE_PROGRAM = """\
import json, sys
import openstack
cloud = openstack.connect(**json.loads(sys.argv[1]))
identity = cloud.identity
project = identity.find_project("service") or identity.create_project(name="service", domain_id="default")
roles = [identity.find_role("admin"), identity.find_role("service") or identity.create_role(name="service")]
for name, kind, url in json.loads(sys.argv[2]):
    user = identity.find_user(name) or identity.create_user(
        name=name, password="service", default_project_id=project.id, domain_id="default")
    for role in roles:
        identity.assign_project_role_to_user(project, user, role)
    service = identity.find_service(name) or identity.create_service(name=name, type=kind)
    if not list(identity.endpoints(service_id=service.id)):
        for interface in ("public", "internal", "admin"):
            identity.create_endpoint(
                service_id=service.id, interface=interface, url=url, region_id=sys.argv[3])
"""


def make_catalogue(layout: Layout) -> None:
    """In one process: the command line client would take more than a second a call."""
    endpoints = [(name, kind, layout.url(name) + path) for name, (kind, path) in ENDPOINTS.items()]
    arguments = [json.dumps(admin(layout)), json.dumps(endpoints), REGION]
    logged(layout, "catalogue", [str(layout.python), "-c", CATALOGUE_PROGRAM, *arguments])
    say("the catalogue is made")


def make_schemas(layout: Layout) -> None:
    """Two at a time: each is a single busy process."""
    nova = ["nova-manage", "nova.conf"]
    jobs = [
        [("placement", ["placement-manage", "placement.conf", "db", "sync"])],
        [("glance", ["glance-manage", "glance-api.conf", "db_sync"])],
        [("neutron", ["neutron-db-manage", "neutron.conf", "upgrade", "heads"])],
        [("cinder", ["cinder-manage", "cinder.conf", "db", "sync"])],
    ]
    cell0 = ["cell_v2", "map_cell0", "--database_connection", layout.database("nova_cell0")]
    steps = [("nova", [*nova, "api_db", "sync"]), ("nova", [*nova, *cell0])]
    if "cell1" not in (sql(layout, "select name from nova_api.cell_mappings") or ""):
        steps.append(("nova", [*nova, "cell_v2", "create_cell", "--name", "cell1"]))
    steps.append(("nova", [*nova, "db", "sync"]))
    lanes = [steps, [step for job in jobs for step in job]]
    with ThreadPoolExecutor(len(lanes)) as pool:
        list(pool.map(lambda lane: [manage(layout, *step) for step in lane], lanes))
    say("the schemas are made")


def manage(layout: Layout, name: str, command: list[str]) -> None:
    program, config, *rest = command
    logged(
        layout,
        f"{name}-setup",
        [str(layout.venv / "bin" / program), "--config-file", str(layout.etc / config), *rest],
    )


def start_services(layout: Layout) -> None:
    for name in ("placement", "glance", "neutron", "nova", "cinder"):
        start_api(layout, name)
    for name in ("nova-conductor", "nova-scheduler"):
        start(layout, name, [str(layout.venv / "bin" / name), "--config-file", str(layout.etc / "nova.conf")])
    for host in HYPERVISORS:
        (layout.state / host).mkdir(exist_ok=True)
        configs = ["--config-file", str(layout.etc / "nova.conf")]
        configs += ["--config-file", str(layout.etc / f"nova-{host}.conf")]
        identity = f"import uuid; print(uuid.uuid5(uuid.NAMESPACE_DNS, 'node_{host}'))"
        node = subprocess.run([sys.executable, "-c", identity], check=True, capture_output=True, text=True)
        (layout.state / host / "compute_id").write_text(node.stdout)
        start(layout, f"nova-compute-{host}", [str(layout.venv / "bin" / "nova-compute"), *configs])
    for name in ("cinder-scheduler", "cinder-volume"):
        start(
            layout, name, [str(layout.venv / "bin" / name), "--config-file", str(layout.etc / "cinder.conf")]
        )
    for name in ("placement", "glance", "neutron", "nova", "cinder"):
        wait(name, lambda name=name: answers(layout, name) or not runs(layout, f"{name}-api"))
        if not runs(layout, f"{name}-api"):
            raise SystemExit(f"{name} has ended: see {layout.log}/{name}-api.log")
    count = "select count(*) from nova.compute_nodes where deleted = 0"
    wait("both hypervisors", lambda: (sql(layout, count) or "").strip() == str(len(HYPERVISORS)))
    # a hypervisor takes servers only once it is mapped to a cell
    manage(layout, "nova", ["nova-manage", "nova.conf", "cell_v2", "discover_hosts"])


def start_api(layout: Layout, name: str) -> None:
    module, threads, environment, arguments = APIS[name]
    start(
        layout,
        f"{name}-api",
        [
            str(layout.python),
            str(layout.state / "wsgi_server.py"),
            module,
            str(layout.port(name)),
            str(threads),
        ]
        + [argument.format(etc=layout.etc) for argument in arguments],
        **{key: value.format(etc=layout.etc) for key, value in environment.items()},
    )


def admin(layout: Layout) -> dict[str, object]:
    return {
        "auth": {
            "auth_url": f"{layout.url('keystone')}/v3",
            "username": "admin",
            "password": ADMIN_PASSWORD,
            "project_name": "admin",
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "region_name": REGION,
        "interface": "public",
    }


def write_clouds_yaml(layout: Layout) -> None:
    """JSON is YAML."""
    (layout.state / "clouds.yaml").write_text(json.dumps({"clouds": {"testcloud": admin(layout)}}, indent=1))


def logged(layout: Layout, name: str, command: list[str]) -> None:
    with (layout.log / f"{name}.log").open("a") as log:
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed: see {log.name}")


def start(layout: Layout, name: str, command: list[str], **environment: str) -> None:
    with (layout.log / f"{name}.log").open("a") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **environment},
        )
    (layout.state / "pids" / name).write_text(str(process.pid))


def wait(what: str, is_there: Callable[[], bool], seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > end:
            raise SystemExit(f"{what} did not come up within {seconds:.0f} s")
        time.sleep(0.3)
    say(f"{what} is there")


def runs(layout: Layout, name: str) -> bool:
    return is_alive(int((layout.state / "pids" / name).read_text()))


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(layout: Layout, api: str) -> bool:
    try:
        urllib.request.urlopen(layout.url(api), timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def down(layout: Layout) -> None:
    """End the process groups that `up` started, the last first."""
    started = sorted((layout.state / "pids").glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
    groups = [int(path.read_text()) for path in started]
    for how, patience in ((signal.SIGTERM, 25.0), (signal.SIGKILL, 5.0)):
        for group in groups:
            if is_alive(group):
                os.killpg(group, how)
        end = time.monotonic() + patience
        while any(map(is_alive, groups)) and time.monotonic() < end:
            time.sleep(0.2)
    stop_port_mapper(layout)
    for path in started:
        path.unlink()
    say("the cloud is down")


def stop_port_mapper(layout: Layout) -> None:
    """Erlang's port mapper puts itself into a session of its own; it has a command to end it."""
    mapper = shutil.which("epmd")
    if mapper:
        environment = {
            **os.environ,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(layout.port("epmd")),
        }
        subprocess.run([mapper, "-kill"], env=environment, capture_output=True)


def is_alive(group: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)  # our own children leave when they are waited for
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--first-port", type=int, default=25000)
    chosen = parser.parse_args()
    layout = Layout(chosen.state.resolve(), chosen.venv.absolute(), chosen.first_port)
    {"up": up, "down": down}[chosen.what](layout)


if __name__ == "__main__":
    main()
