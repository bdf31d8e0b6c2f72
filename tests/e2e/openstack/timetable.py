"""What is done in the test cloud, and when was each step seen done?

Each step is bracketed by the moment it was asked for and the moment it was first seen done: the truth
lies between. Scripts run side by side, one thread each; the steps of one item follow each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import openstack

DWELL_SECONDS = 2.5
PATIENCE_SECONDS = 120.0
GONE = "gone"


@dataclass(frozen=True)
class Step:
    """From `done` on, at the latest, `item` is in `state` and of `size`; until `asked` it was not."""

    kind: str
    item: str
    name: str
    what: str
    state: str
    size: str
    asked: datetime
    done: datetime


@dataclass
class Cloud:
    """The cloud as an administrator acts on it; `steps` is what was done."""

    connection: openstack.connection.Connection
    image: str = ""
    flavors: dict[str, str] = field(default_factory=dict)
    external: str = ""
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, kind: str, name: str, what: str, state: str, size: str) -> Iterator[dict[str, str]]:
        asked = datetime.now(UTC)
        item = {"id": ""}
        yield item
        self.steps.append(Step(kind, item["id"], name, what, state, size, asked, datetime.now(UTC)))
        time.sleep(DWELL_SECONDS)


def prepare(cloud: Cloud) -> None:
    """What the scripts need and no one is charged for; what is there already is taken as it is."""
    compute, network = cloud.connection.compute, cloud.connection.network
    compute.default_microversion = "2.84"
    # no hypervisor has the disk for a huge one
    for name, vcpus, ram, disk in (("small", 1, 512, 1), ("large", 4, 2048, 2), ("huge", 1, 512, 10**6)):
        flavor = compute.find_flavor(name) or compute.create_flavor(
            name=name, vcpus=vcpus, ram=ram, disk=disk
        )
        cloud.flavors[name] = flavor.id
    cloud.image = cloud.connection.image.create_image(
        name="base",
        disk_format="raw",
        container_format="bare",
        visibility="public",
        data=b"\0" * 1024,
        allow_duplicates=True,
    ).id
    block = cloud.connection.block_storage
    block.find_type("standard") or block.create_type(name="standard")
    public = network.find_network("public")
    if public is not None:
        cloud.external = public.id
        return
    cloud.external = network.create_network(
        name="public",
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="public",
    ).id
    network.create_subnet(
        name="public", network_id=cloud.external, ip_version=4, cidr="203.0.113.0/24", is_dhcp_enabled=False
    )


def wait(get: Callable[[], Any], is_done: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        seen = get()
        if is_done(seen):
            return seen
        if time.monotonic() > end:
            raise TimeoutError(f"still {seen!r}")
        time.sleep(0.1)


class Server:
    """A server of the timetable. Each method is a step, done when Nova says so."""

    def __init__(self, cloud: Cloud, name: str, flavor: str = "small", ends_as: str = "ACTIVE") -> None:
        self.cloud, self.name, self.flavor = cloud, name, flavor
        self.compute = cloud.connection.compute
        state = "active" if ends_as == "ACTIVE" else "unknown"
        with cloud.step("vm", name, "create", state, flavor) as item:
            made = self.compute.create_server(
                name=name, image_id=cloud.image, flavor_id=cloud.flavors[flavor], networks="none"
            )
            self.id = item["id"] = made.id
            self._until(ends_as)

    def _until(self, status: str) -> None:
        wait(
            lambda: self.compute.get_server(self.id),
            lambda seen: seen.status == status and not seen.task_state,
        )

    def _do(self, what: str, ask: Callable[[], Any], status: str, state: str) -> None:
        with self.cloud.step("vm", self.name, what, state, self.flavor) as item:
            item["id"] = self.id
            ask()
            self._until(status)

    def stop(self) -> None:
        self._do("stop", lambda: self.compute.stop_server(self.id), "SHUTOFF", "inactive")

    def start(self) -> None:
        self._do("start", lambda: self.compute.start_server(self.id), "ACTIVE", "active")

    def pause(self) -> None:
        self._do("pause", lambda: self.compute.pause_server(self.id), "PAUSED", "inactive")

    def unpause(self) -> None:
        self._do("unpause", lambda: self.compute.unpause_server(self.id), "ACTIVE", "active")

    def suspend(self) -> None:
        self._do("suspend", lambda: self.compute.suspend_server(self.id), "SUSPENDED", "inactive")

    def resume(self) -> None:
        self._do("resume", lambda: self.compute.resume_server(self.id), "ACTIVE", "active")

    def shelve(self) -> None:
        self._do("shelve", lambda: self.compute.shelve_server(self.id), "SHELVED_OFFLOADED", "shelved")

    def unshelve(self) -> None:
        self._do("unshelve", lambda: self.compute.unshelve_server(self.id), "ACTIVE", "active")

    def resize(self, flavor: str) -> None:
        """Done, with the new size, when it waits to be confirmed: Nova gives it the new flavor then."""
        self.flavor = flavor
        target = self.cloud.flavors[flavor]
        self._do("resize", lambda: self.compute.resize_server(self.id, target), "VERIFY_RESIZE", "active")

    def confirm(self) -> None:
        self._do("confirm", lambda: self.compute.confirm_server_resize(self.id), "ACTIVE", "active")

    def revert(self, flavor: str) -> None:
        self.flavor = flavor
        self._do("revert", lambda: self.compute.revert_server_resize(self.id), "ACTIVE", "active")

    def migrate(self) -> None:
        self._do("migrate", lambda: self.compute.migrate_server(self.id), "VERIFY_RESIZE", "active")

    def live_migrate(self) -> None:
        ask = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
        host = self._host()
        with self.cloud.step("vm", self.name, "live migrate", "active", self.flavor) as item:
            item["id"] = self.id
            answer = self.compute.post(f"/servers/{self.id}/action", json=ask, microversion="2.84")
            assert answer.status_code == 202, answer.text
            wait(self._host, lambda seen: seen != host)
            self._until("ACTIVE")

    def _host(self) -> str:
        return str(self.compute.get_server(self.id).compute_host)

    def reboot(self) -> None:
        self._do("reboot", lambda: self.compute.reboot_server(self.id, "SOFT"), "ACTIVE", "active")

    def lock(self) -> None:
        self._do("lock", lambda: self.compute.lock_server(self.id), "ACTIVE", "active")

    def delete(self) -> None:
        with self.cloud.step("vm", self.name, "delete", GONE, self.flavor) as item:
            item["id"] = self.id
            self.compute.delete_server(self.id)
            wait(lambda: self.compute.find_server(self.id, ignore_missing=True), lambda seen: seen is None)


def every_state(cloud: Cloud) -> None:
    server = Server(cloud, "every-state")
    server.stop()
    server.start()
    server.pause()
    server.unpause()
    server.suspend()
    server.resume()
    server.shelve()
    server.unshelve()
    server.lock()
    server.reboot()
    server.delete()


def every_size(cloud: Cloud) -> None:
    server = Server(cloud, "every-size")
    time.sleep(15)  # a poll sees it as it was made
    server.resize("large")
    server.confirm()
    server.migrate()
    server.confirm()
    server.live_migrate()
    server.resize("small")
    time.sleep(15)  # a poll sees the size that will be given up: Nova's actions don't tell it
    server.revert("large")
    server.stop()


def short_lives(cloud: Cloud) -> None:
    """Between two polls; and two that never ran: one fails on its host, one finds no host."""
    Server(cloud, "brief", "large").delete()
    Server(cloud, "broken", ends_as="ERROR").delete()
    Server(cloud, "nowhere", "huge", ends_as="ERROR").delete()
    Server(cloud, "stays")


def storage(cloud: Cloud) -> None:
    block, compute = cloud.connection.block_storage, cloud.connection.compute
    host = compute.create_server(
        name="host-of-volume", image_id=cloud.image, flavor_id=cloud.flavors["small"], networks="none"
    )
    with cloud.step("volume", "disk", "create", "unattached", "1") as item:
        volume = item["id"] = block.create_volume(name="disk", size=1, volume_type="standard").id
        wait(lambda: block.get_volume(volume), lambda seen: seen.status == "available")
    with cloud.step("volume", "disk", "extend", "unattached", "3") as item:
        item["id"] = volume
        block.extend_volume(volume, 3)
        wait(lambda: block.get_volume(volume), lambda seen: seen.size == 3 and seen.status == "available")
    wait(lambda: compute.get_server(host.id), lambda seen: seen.status == "ACTIVE")
    with cloud.step("volume", "disk", "attach", "attached", "3") as item:
        item["id"] = volume
        compute.create_volume_attachment(host.id, volume=volume)
        wait(lambda: block.get_volume(volume), lambda seen: seen.status == "in-use")
    with cloud.step("volume", "disk", "detach", "unattached", "3") as item:
        item["id"] = volume
        compute.delete_volume_attachment(host.id, volume)
        wait(lambda: block.get_volume(volume), lambda seen: seen.status == "available")
    with cloud.step("snapshot", "copy", "create", "active", "3") as item:
        snapshot = item["id"] = block.create_snapshot(name="copy", volume_id=volume).id
        wait(lambda: block.get_snapshot(snapshot), lambda seen: seen.status == "available")
    with cloud.step("snapshot", "copy", "delete", GONE, "3") as item:
        item["id"] = snapshot
        block.delete_snapshot(snapshot)
        wait(lambda: block.find_snapshot(snapshot, ignore_missing=True), lambda seen: seen is None)
    with cloud.step("volume", "disk", "delete", GONE, "3") as item:
        item["id"] = volume
        block.delete_volume(volume)
        wait(lambda: block.find_volume(volume, ignore_missing=True), lambda seen: seen is None)
    block.create_volume(name="kept", size=2, volume_type="standard")
    compute.delete_server(host.id)


def networks_and_images(cloud: Cloud) -> None:
    network, image = cloud.connection.network, cloud.connection.image
    with cloud.step("image", "upload", "create", "active", "2048") as item:
        made = item["id"] = image.create_image(
            name="upload",
            disk_format="raw",
            container_format="bare",
            data=b"\1" * 2048,
            allow_duplicates=True,
        ).id
    with cloud.step("floating_ip", "address", "create", "active", "") as item:
        address = item["id"] = network.create_ip(floating_network_id=cloud.external).id
    with cloud.step("router", "gateway", "create", "active", "") as item:
        router = item["id"] = network.create_router(name="gateway").id
    with cloud.step("network", "inner", "create", "active", "") as item:
        inner = item["id"] = network.create_network(name="inner").id
    for kind, name, identity, remove, size in (
        ("network", "inner", inner, network.delete_network, ""),
        ("router", "gateway", router, network.delete_router, ""),
        ("floating_ip", "address", address, network.delete_ip, ""),
        ("image", "upload", made, image.delete_image, "2048"),
    ):
        with cloud.step(kind, name, "delete", GONE, size) as item:
            item["id"] = identity
            remove(identity)


SCRIPTS = (every_state, every_size, short_lives, storage, networks_and_images)


def play(clouds: Callable[[], Cloud], while_playing: Callable[[], None]) -> list[Step]:
    """Play all scripts, and call `while_playing` again and again until they have ended."""
    stages = [clouds() for _ in SCRIPTS]
    with ThreadPoolExecutor(len(SCRIPTS)) as pool:
        running = [pool.submit(script, stage) for script, stage in zip(SCRIPTS, stages, strict=True)]
        while not all(script.done() for script in running):
            while_playing()
        for script in running:
            script.result()
    return sorted((step for stage in stages for step in stage.steps), key=lambda step: step.done)
