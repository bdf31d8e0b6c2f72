"""What did a Kubernetes cluster hold and use, as Prometheus or Thanos remembers it? The collector.

Reads windows `[start, end)` of whole steps, oldest first, chunk by chunk, group by group of queries.
The cursor says until when each group has been read, and is to be kept only after its delivery has landed.
When any query of a group fails, nothing of that window lands, the window is covered as failed, the
cursor stays before it, and the next reading begins with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from meterhouse.sources.delivery import Coverage, Delivery, Outcome, Rejection, Rows
from meterhouse.sources.kubernetes.prometheus import Prometheus, QueryFailed, Series, Unreachable
from meterhouse.sources.kubernetes.queries import GROUPS, LABELS, Group, Query, promql_of
from meterhouse.sources.kubernetes.series_rows import SeriesRows, moment

_VERSION = 1
_UNWATCHED = "no node and no pod of the cluster has a sample: nobody watched"


@dataclass(frozen=True, slots=True)
class Habits:
    """What is asked, how finely, and from when on."""

    step: timedelta = timedelta(minutes=15)
    chunk: timedelta = timedelta(days=1)  # asked at once, and landed at once
    overlap: timedelta = timedelta(hours=1)  # read again from this long before the last reading
    settle: timedelta = timedelta(minutes=5)  # after which a sample is taken to be there
    history: timedelta = timedelta(days=15)  # how far back the first reading goes without history_since
    history_since: datetime | None = None
    cluster: str | None = None
    matchers: str = ""  # within the braces of every selector, as cluster="prod"
    queries: Mapping[str, str] = field(default_factory=dict)  # PromQL by name of the query; "" asks not
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # names of labels by meaning


@dataclass(frozen=True, slots=True)
class Collected:
    """A delivery to land, and the cursor to keep once it has landed."""

    delivery: Delivery
    cursor: dict[str, Any]


def collect(
    prometheus: Prometheus,
    resource: str,
    cursor: dict[str, Any] | None,
    now: datetime,
    habits: Habits | None = None,
) -> Iterator[Collected]:
    """Everything since the last reading, one delivery for each chunk of each group.

    `cursor` is what the last reading gave, None at first. Samples have the times of whole steps since 1970.
    """
    yield from _Reading(prometheus, resource, _read_until(cursor), now, habits or Habits()).read()


def _read_until(cursor: dict[str, Any] | None) -> dict[str, int]:
    if cursor is None:
        return {}
    if cursor.get("version") != _VERSION or not isinstance(cursor.get("read_until"), dict):
        raise ValueError(f"cursor: expected version {_VERSION}, found {str(cursor)[:80]}")
    return {
        group: int(datetime.fromisoformat(until).timestamp()) for group, until in cursor["read_until"].items()
    }


class _Reading:
    """One reading of a cluster."""

    def __init__(
        self, prometheus: Prometheus, resource: str, until: dict[str, int], now: datetime, habits: Habits
    ) -> None:
        self.prometheus = prometheus
        self.resource = resource
        self.until = until
        self.now = now.astimezone(UTC)
        self.habits = habits
        self.step = int(habits.step.total_seconds())
        # Chunks are whole steps, and begin at multiples of themselves: read again, they are the same.
        self.chunk = max(int(habits.chunk.total_seconds()) // self.step, 1) * self.step
        self.labels = {**LABELS, **habits.labels}
        self.end = self._floor((self.now - habits.settle).timestamp())
        self.unreachable = ""

    def read(self) -> Iterator[Collected]:
        asked = {group.name: self._asked(group) for group in GROUPS}
        due = [group for group in GROUPS if asked[group.name]]
        at = {group.name: self._begin(group) for group in due}
        due = [group for group in due if self.until.get(group.name, at[group.name]) < self.end]
        while due:
            cell_start = min(at[group.name] for group in due)
            cell_end = min(cell_start // self.chunk * self.chunk + self.chunk, self.end)
            for group in [group for group in due if at[group.name] < cell_end]:
                collected, failed = self._window(group, asked[group.name], at[group.name], cell_end)
                yield collected
                at[group.name] = cell_end
                if failed or cell_end >= self.end:
                    due.remove(group)

    def _asked(self, group: Group) -> list[tuple[Query, str]]:
        habits = self.habits
        asked = [
            (query, promql_of(query, self.step, habits.matchers, habits.queries, self.labels))
            for query in group.queries
        ]
        return [(query, promql) for query, promql in asked if promql]

    def _begin(self, group: Group) -> int:
        until = self.until.get(group.name)
        if until is not None:
            return self._floor(until - self.habits.overlap.total_seconds())
        since = self.habits.history_since or self.now - self.habits.history
        return self._floor(since.timestamp())

    def _floor(self, seconds: float) -> int:
        return int(seconds // self.step) * self.step

    def _window(
        self, group: Group, asked: list[tuple[Query, str]], start: int, end: int
    ) -> tuple[Collected, bool]:
        """One chunk of one group: everything that it says, or that it failed."""
        window = f"{moment(start):%Y-%m-%dT%H:%MZ} to {moment(end):%Y-%m-%dT%H:%MZ}"
        origin = f"Prometheus of {self.resource}, {group.name}, {window}"
        answers: list[tuple[Query, list[Series]]] = []
        try:
            for query, promql in asked:
                try:
                    if self.unreachable:
                        raise Unreachable(self.unreachable)
                    answers.append((query, self.prometheus.query_range(promql, start, end, self.step)))
                except QueryFailed as failure:
                    raise _Failed(query.name, failure) from None
        except _Failed as failed:
            if isinstance(failed.why, Unreachable):
                self.unreachable = str(failed.why)
            return self._failure(group, asked, failed, start, origin), True
        return self._success(group, answers, start, end, origin), False

    def _failure(
        self, group: Group, asked: list[tuple[Query, str]], failed: _Failed, start: int, origin: str
    ) -> Collected:
        """Failed from here on: what stands after this chunk isn't read before it, either."""
        # What an earlier reading covered stays covered.
        start = max(start, self.until.get(group.name, start))
        why = f"{failed.query}: {failed.why}"
        coverage = [
            Coverage(
                query.name,
                moment(start),
                moment(self.end),
                "failed",
                0,
                str(failed.why) if query.name == failed.query else f"not kept, because of {why}",
            )
            for query, _ in asked
        ]
        rows = SeriesRows(self.resource, origin, self.habits.cluster)
        rows.content.update(f"{self.now.isoformat()}\0{why}".encode("utf-8", "replace"))
        return self._collected(group, rows, coverage, origin, None)

    def _success(
        self, group: Group, answers: list[tuple[Query, list[Series]]], start: int, end: int, origin: str
    ) -> Collected:
        rows = SeriesRows(self.resource, origin, self.habits.cluster, self.labels)
        rows.content.update(f"{group.name}\0{start}\0{end}\0".encode())
        # Half of the queries with a uid would make two items of one pod: all of them, or none.
        with_uid = all(
            series.labels.get("uid")
            for query, answer in answers
            if "pod" in query.subject
            for series in answer
        )
        watched = self._watched(group, answers, start, end)
        coverage = []
        for query, answer in answers:
            counts = [0] * len(watched)
            rejected_before = len(rows.rejections)
            for number, series in enumerate(answer, 1):
                for stretch, (first, last, _) in enumerate(watched):
                    within = (
                        series
                        if len(watched) == 1
                        else Series(series.labels, [one for one in series.samples if first <= one[0] < last])
                    )
                    place = (query.name, number)
                    counts[stretch] += rows.take(query, within, self.step, place, with_uid=with_uid)
            rejected = len(rows.rejections) - rejected_before
            told = f"{rejected:,} rejected" if rejected else ""
            for count, (first, last, is_watched) in zip(counts, watched, strict=True):
                if is_watched:
                    rows.answered(query.name, first, last, self.step)
                    outcome: Outcome = "ok" if count else "empty"
                    coverage.append(Coverage(query.name, moment(first), moment(last), outcome, count, told))
                else:
                    failed = Coverage(query.name, moment(first), moment(last), "failed", 0, _UNWATCHED)
                    coverage.append(failed)
        # What nobody watched at the end may yet come: it is read again until something newer is there.
        known_until = next((last for _, last, is_watched in reversed(watched) if is_watched), None)
        return self._collected(group, rows, coverage, origin, known_until)

    def _watched(
        self, group: Group, answers: list[tuple[Query, list[Series]]], start: int, end: int
    ) -> list[tuple[int, int, bool]]:
        """The stretches of the window in which the cluster was watched, and those in which it wasn't.

        A cluster always has nodes and pods: without a sample of any, nothing is known of it. Other groups
        may well be empty.
        """
        if group.name != "pods":
            return [(start, end, True)]
        seen = {
            time
            for query, answer in answers
            if query.name in ("pod_cpu_request", "node_labels")
            for series in answer
            for time, _ in series.samples
        }
        stretches: list[tuple[int, int, bool]] = []
        for time in range(start, end, self.step):
            is_watched = time in seen
            if stretches and stretches[-1][2] == is_watched:
                stretches[-1] = (stretches[-1][0], time + self.step, is_watched)
            else:
                stretches.append((time, time + self.step, is_watched))
        return stretches

    def _collected(
        self, group: Group, rows: SeriesRows, coverage: list[Coverage], origin: str, until: int | None
    ) -> Collected:
        if until is not None:
            self.until[group.name] = max(until, self.until.get(group.name, until))
        stream: list[Rows | Rejection | Coverage] = [*rows.finish(), *rows.rejections, *coverage]
        for rejection in rows.rejections:
            rows.content.update(str(rejection).encode("utf-8", "replace"))
        delivery = Delivery(group.source, self.resource, origin, rows.content.hexdigest(), iter(stream))
        kept = {name: moment(seconds).isoformat() for name, seconds in sorted(self.until.items())}
        return Collected(delivery, {"version": _VERSION, "read_until": kept})


class _Failed(Exception):
    """A query of a group failed."""

    def __init__(self, query: str, why: QueryFailed) -> None:
        super().__init__(query)
        self.query = query
        self.why = why
