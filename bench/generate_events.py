"""What does a busy cloud say? Generated OpenStack events of whole VM lives, the same for the same seed.

As a program it writes raw `openstack_event` Parquet files, one a day, as daily batches would be:
    python bench/generate_events.py DIR --events 10000000 --instances 100000 --days 90
As a module it gives the same as Arrow tables, small ones for tests as well.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from meterhouse.sources.tables import RAW_TABLES

FIRST_DAY = date(2024, 1, 1)
RESOURCE = "generated"
PROJECTS, USERS, FLAVORS, HOSTS = 1_000, 3_000, 40, 500
SECOND = 1_000_000  # times are whole microseconds since the first day
DAY = 86_400 * SECOND
SPACING = 2_000_001  # between the steps of one action, in microseconds
BATCH_COLUMNS = [pa.field("batch_id", pa.string()), pa.field("recorded_at", pa.timestamp("us", tz="UTC"))]

# What happens in one episode of a life: steps of its beginning, then steps of its end, each with the
# state that the event itself tells and with the flavor that it tells: 0 the one before, 1 the one after.
EPISODES: dict[str, tuple[float, list[tuple[str, str, int]], list[tuple[str, str, int]]]] = {
    "stop": (
        0.40,
        [("power_off.start", "active", 0), ("power_off.end", "stopped", 0)],
        [("power_on.start", "stopped", 0), ("power_on.end", "active", 0)],
    ),
    "shutdown": (
        0.05,
        [("shutdown.start", "active", 0), ("shutdown.end", "stopped", 0)],
        [("power_on.start", "stopped", 0), ("power_on.end", "active", 0)],
    ),
    "suspend": (
        0.15,
        [("suspend.start", "active", 0), ("suspend.end", "suspended", 0)],
        [("resume.start", "suspended", 0), ("resume.end", "active", 0)],
    ),
    "pause": (
        0.10,
        [("pause.start", "active", 0), ("pause.end", "paused", 0)],
        [("unpause.start", "paused", 0), ("unpause.end", "active", 0)],
    ),
    "shelve": (
        0.10,
        [
            *[("shelve.start", "active", 0), ("shelve.end", "shelved", 0)],
            *[("shelve_offload.start", "shelved", 0), ("shelve_offload.end", "shelved_offloaded", 0)],
        ],
        [("unshelve.start", "shelved_offloaded", 0), ("unshelve.end", "active", 0)],
    ),
    "resize": (
        0.20,
        [
            *[("resize.prep.start", "active", 0), ("resize.prep.end", "active", 0)],
            *[("resize.start", "active", 0), ("resize.end", "active", 0)],
            *[("finish_resize.start", "active", 1), ("finish_resize.end", "resized", 1)],
        ],
        [("resize.confirm.start", "resized", 1), ("resize.confirm.end", "active", 1)],
    ),
}


@dataclass(frozen=True, slots=True)
class Stream:
    """All events in the order of time, as numbers: what is said is looked up when they become Arrow."""

    micros: np.ndarray  # since the first day
    instance: np.ndarray
    event: np.ndarray  # index into `event_names`
    state: np.ndarray  # index into `state_names`
    flavor: np.ndarray
    event_names: list[str]
    state_names: list[str]
    born: np.ndarray  # one each instance, micros
    seed: int


def generate_events(*, events: int, instances: int, days: int, seed: int = 1) -> pa.Table:
    """All raw events as one table, with `batch_id` and `recorded_at`, in the order of time."""
    stream = live(events=events, instances=instances, days=days, seed=seed)
    return pa.concat_tables(with_batch(day, table) for day, table in daily_tables(stream))


def daily_tables(stream: Stream) -> Iterator[tuple[date, pa.Table]]:
    """One table (schema of `sources.tables`) for each day on which something was said."""
    days = stream.micros // DAY
    edges = np.flatnonzero(np.diff(days)) + 1
    starts = np.concatenate([[0], edges])
    ends = np.concatenate([edges, [len(days)]])
    names = _Names(stream)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        day = FIRST_DAY + timedelta(days=int(days[start]))
        yield day, _table(stream, names, slice(start, end))


def with_batch(day: date, table: pa.Table) -> pa.Table:
    """A day's table as the warehouse keeps it after landing it as one batch."""
    batch = pa.array([f"generated-{day.isoformat()}"] * len(table), pa.string())
    recorded = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
    moments = pa.array([recorded] * len(table), BATCH_COLUMNS[1].type)
    return table.append_column(BATCH_COLUMNS[0], batch).append_column(BATCH_COLUMNS[1], moments)


def live(*, events: int, instances: int, days: int, seed: int) -> Stream:
    """Let so many VMs live for so many days; heartbeats make up what is missing to so many events."""
    random = np.random.default_rng(seed)
    period = days * DAY
    born = np.sort((random.random(instances) ** 1.2 * (period - 3600 * SECOND)).astype(np.int64))
    # From minutes to longer than the period; half of them live for less than five days.
    life = (np.exp(random.normal(np.log(5 * 86_400), 2.2, instances)) * SECOND).astype(np.int64)
    life = np.maximum(life, 180 * SECOND)
    dies = born + life
    heard = np.minimum(dies, period - SECOND)
    event_names, state_names, changes = _changes(random, born, dies, heard, period)
    order = np.lexsort((changes["micros"], changes["instance"]))
    changes = {name: column[order] for name, column in changes.items()}
    beats = _heartbeats(random, max(events - len(changes["micros"]), 0), born, heard, changes)
    beats["event"] = np.full(len(beats["micros"]), event_names.index("compute.instance.exists"))
    columns = {name: np.concatenate([changes[name], beats[name]]) for name in changes}
    order = np.argsort(columns["micros"], kind="stable")
    first_flavor = (random.zipf(1.6, instances) - 1) % FLAVORS
    flavor = (first_flavor[columns["instance"]] + 7 * columns["resized"]) % FLAVORS
    return Stream(
        micros=columns["micros"][order],
        instance=columns["instance"][order],
        event=columns["event"][order],
        state=columns["state"][order],
        flavor=flavor[order],
        event_names=event_names,
        state_names=state_names,
        born=born,
        seed=seed,
    )


def _changes(
    random: np.random.Generator, born: np.ndarray, dies: np.ndarray, heard: np.ndarray, period: int
) -> tuple[list[str], list[str], dict[str, np.ndarray]]:
    """Creation, episodes and deletion of every instance."""
    event_names = ["compute.instance.exists"]
    state_names: list[str] = []

    def said(names: list[str], name: str) -> int:
        if name not in names:
            names.append(name)
        return names.index(name)

    parts: list[dict[str, np.ndarray]] = []

    def tell(
        instance: np.ndarray, micros: np.ndarray, event: str, state: str, after: str, resized: np.ndarray
    ) -> None:
        count = len(instance)
        parts.append(
            {
                "instance": instance,
                "micros": micros,
                "event": np.full(count, said(event_names, f"compute.instance.{event}")),
                "state": np.full(count, said(state_names, state)),
                "state_after": np.full(count, said(state_names, after)),
                "resized": resized,
            }
        )

    everyone = np.arange(len(born))
    none = np.zeros(len(born), np.int64)
    ready = born + np.minimum(5 * SPACING + everyone % 7_919, 60 * SECOND)
    tell(everyone, born, "create.start", "building", "building", none)
    tell(everyone, ready, "create.end", "active", "active", none)

    # Episodes: pairs of sorted moments in the life, so that they don't overlap.
    room = heard - ready - 60 * SECOND
    count = np.where(room > 3600 * SECOND, random.poisson(1.5, len(born)), 0)
    owner = np.repeat(everyone, count)
    moments = random.random((2, len(owner)))
    twice = np.concatenate([owner, owner])
    flat = moments.ravel()
    order = np.lexsort((flat, twice))
    pairs = flat[order].reshape(-1, 2)
    owner = twice[order].reshape(-1, 2)[:, 0]
    begin = ready[owner] + 30 * SECOND + (pairs[:, 0] * room[owner]).astype(np.int64)
    finish = ready[owner] + 30 * SECOND + (pairs[:, 1] * room[owner]).astype(np.int64)
    gap = finish - begin
    long_enough = gap > 40 * SPACING
    owner, begin, finish = owner[long_enough], begin[long_enough], finish[long_enough]
    weights = np.array([episode[0] for episode in EPISODES.values()])
    kind = random.choice(len(EPISODES), len(owner), p=weights / weights.sum())
    is_resize = (kind == list(EPISODES).index("resize")).astype(np.int64)
    resized_so_far = np.cumsum(is_resize) - is_resize
    first_of_owner = np.searchsorted(owner, owner, side="left")
    resized_before = resized_so_far - resized_so_far[first_of_owner]
    total_resized = np.bincount(owner, weights=is_resize, minlength=len(born)).astype(np.int64)
    for number, (_, steps_in, steps_out) in enumerate(EPISODES.values()):
        mine = kind == number
        for moment, steps in ((begin, steps_in), (finish, steps_out)):
            for step, (event, state, new_flavor) in enumerate(steps):
                tell(
                    owner[mine],
                    moment[mine] + step * SPACING,
                    event,
                    state,
                    state,
                    resized_before[mine] + new_flavor,
                )

    gone = np.flatnonzero((dies < period - 60 * SECOND) & (random.random(len(born)) > 0.01))
    tell(gone, dies[gone], "delete.start", "active", "active", total_resized[gone])
    tell(gone, dies[gone] + 3 * SPACING, "delete.end", "deleted", "deleted", total_resized[gone])
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return event_names, state_names, columns


def _heartbeats(
    random: np.random.Generator,
    wanted: int,
    born: np.ndarray,
    heard: np.ndarray,
    changes: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Regular `exists` events while an instance lives, with the state and flavor of that moment."""
    interval = max(int((heard - born).sum() / (wanted * 1.01 + 1)), SECOND)
    offset = (random.random(len(born)) * interval).astype(np.int64)
    count = np.maximum((heard - born - offset) // interval, 0)
    instance = np.repeat(np.arange(len(born)), count)
    nth = np.arange(len(instance)) - np.repeat(np.cumsum(count) - count, count)
    jitter = random.integers(0, min(5 * SECOND, interval), len(instance))
    micros = (born + offset)[instance] + nth * interval + jitter
    if len(instance) > wanted:
        kept = np.sort(random.choice(len(instance), wanted, replace=False))
        instance, micros = instance[kept], micros[kept]
    width = 1 << 44
    last = (
        np.searchsorted(changes["instance"] * width + changes["micros"], instance * width + micros, "right")
        - 1
    )
    return {
        "instance": instance,
        "micros": micros,
        "state": changes["state_after"][last],
        "state_after": changes["state_after"][last],
        "resized": changes["resized"][last],
    }


class _Names:
    """The words behind the numbers: made once, looked up for every day."""

    def __init__(self, stream: Stream) -> None:
        random = np.random.default_rng(stream.seed + 1)
        instances = len(stream.born)
        self.instance = _uuids(random, instances)
        self.display_name = pa.array([f"vm-{number:06d}" for number in range(instances)])
        user_of = (random.zipf(1.3, instances) - 1) % USERS
        project_of_user = (random.zipf(1.3, USERS) - 1 + np.arange(USERS)) % PROJECTS
        self.user_of = user_of
        self.project_of = project_of_user[user_of]
        self.host_of = random.integers(0, HOSTS, instances)
        self.users = pa.array([f"{number:032x}" for number in random.permutation(USERS)])
        self.user_names = pa.array([f"user{number:04d}" for number in range(USERS)])
        self.projects = pa.array([f"{number:032x}" for number in 7_777_777 + np.arange(PROJECTS)])
        self.project_names = pa.array([f"project{number:04d}" for number in range(PROJECTS)])
        self.domains = pa.array(["Default" if number % 10 else "Partners" for number in range(PROJECTS)])
        self.hosts = pa.array([f"compute-{number:03d}.cloud.example" for number in range(HOSTS)])
        self.zones = pa.array([f"zone-{'abc'[number % 3]}" for number in range(HOSTS)])
        cores = [1, 2, 4, 8, 16, 32, 64, 128]
        self.vcpus = pa.array([cores[number % 8] for number in range(FLAVORS)], pa.int64())
        self.memory_mb = pa.array(
            [cores[number % 8] * 1024 * (2 + number // 8) for number in range(FLAVORS)], pa.int64()
        )
        self.disk_gb = pa.array([20 * (1 + number % 5) for number in range(FLAVORS)], pa.int64())
        self.flavors = pa.array(
            [f"c{cores[number % 8]}.m{cores[number % 8] * (2 + number // 8)}" for number in range(FLAVORS)]
        )
        self.events = pa.array(stream.event_names)
        self.states = pa.array(stream.state_names)


def _table(stream: Stream, names: _Names, rows: slice) -> pa.Table:
    schema = RAW_TABLES["openstack_event"].schema
    micros = stream.micros[rows]
    instance = stream.instance[rows]
    flavor = pa.array(stream.flavor[rows])
    count = len(micros)
    random = np.random.default_rng([stream.seed, rows.start])
    user = pa.array(names.user_of[instance])
    project = pa.array(names.project_of[instance])
    host = pa.array(names.host_of[instance])
    instance_id = names.instance.take(pa.array(instance))
    epoch = int(datetime.combine(FIRST_DAY, datetime.min.time(), UTC).timestamp()) * SECOND
    is_beat = stream.event[rows] == 0
    midnight = micros // DAY * DAY + epoch
    columns = {
        "record": np.arange(1, count + 1),
        "resource": pa.repeat(RESOURCE, count),
        "channel": pa.repeat("file", count),
        "event_type": names.events.take(pa.array(stream.event[rows])),
        "generated": micros + epoch,
        "message_id": _uuids(random, count),
        "request_id": pc.binary_join_element_wise("req", _uuids(random, count), "-"),
        "service": pa.repeat("compute", count),
        "resource_id": instance_id,
        "instance_id": instance_id,
        "display_name": names.display_name.take(pa.array(instance)),
        "instance_type": names.flavors.take(flavor),
        "instance_type_id": pc.cast(flavor, pa.string()),
        "vcpus": names.vcpus.take(flavor),
        "memory_mb": names.memory_mb.take(flavor),
        "disk_gb": names.disk_gb.take(flavor),
        "root_gb": names.disk_gb.take(flavor),
        "ephemeral_gb": pa.repeat(0, count),
        "state": names.states.take(pa.array(stream.state[rows])),
        "host": names.hosts.take(host),
        "availability_zone": names.zones.take(host),
        "user_id": names.users.take(user),
        "user_name": names.user_names.take(user),
        "project_id": names.projects.take(project),
        "project_name": names.project_names.take(project),
        "domain": names.domains.take(project),
        "created_at": stream.born[instance] + epoch,
        "launched_at": stream.born[instance] + epoch + 10 * SECOND,
        "audit_period_beginning": pa.array(midnight, mask=~is_beat),
        "audit_period_ending": pa.array(midnight + DAY, mask=~is_beat),
    }
    arrays = []
    for field in schema:
        column = columns.get(field.name)
        if column is None:
            arrays.append(pa.nulls(count, field.type))
        else:
            arrays.append(pc.cast(column if isinstance(column, pa.Array) else pa.array(column), field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _uuids(random: np.random.Generator, count: int) -> pa.Array:
    """Random ids in the usual form, without a loop."""
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    text = np.empty((count, 36), np.uint8)
    places = [place for place in range(36) if place not in (8, 13, 18, 23)]
    text[:] = ord("-")
    text[:, places] = digits[random.integers(0, 16, (count, 32), np.uint8)]
    offsets = np.arange(0, 36 * count + 1, 36, np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))


def write_files(directory: Path, stream: Stream) -> list[Path]:
    """Raw files as the warehouse keeps them, one a day."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for day, table in daily_tables(stream):
        path = directory / f"{day.isoformat()}.parquet"
        pq.write_table(with_batch(day, table), path, compression="zstd")
        paths.append(path)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--instances", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    stream = live(events=asked.events, instances=asked.instances, days=asked.days, seed=asked.seed)
    paths = write_files(asked.directory, stream)
    print(
        f"{len(stream.micros)} events of {asked.instances} instances "
        f"in {len(paths)} files in {asked.directory}"
    )


if __name__ == "__main__":
    main()
