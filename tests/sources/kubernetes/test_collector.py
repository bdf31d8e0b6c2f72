"""What does the collector read, land and remember? Whole windows, each once, and holes told as holes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pretend_prometheus import Answer, PretendPrometheus, Question, failure, matrix

from meterhouse.sources.delivery import Coverage, Rejection, Rows
from meterhouse.sources.kubernetes.collector import Habits, collect
from meterhouse.sources.kubernetes.prometheus import Prometheus
from meterhouse.sources.kubernetes.queries import GROUPS, QUERIES, promql_of

STEP = 900
NOON = datetime(2026, 3, 10, 12, 7, tzinfo=UTC)
SINCE = datetime(2026, 3, 10, 11, tzinfo=UTC)
NAMES = {promql_of(query, STEP): name for name, query in QUERIES.items()}
POD = {"namespace": "physics", "pod": "p", "node": "n1"}
ELEVEN = int(SINCE.timestamp())


@dataclass
class Read:
    """All that one reading delivered."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    coverage: list[tuple[str, Coverage]] = field(default_factory=list)
    cursor: dict[str, Any] | None = None
    keys: list[str] = field(default_factory=list)

    def of(self, query: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["query"] == query]

    def outcomes(self, call: str) -> list[tuple[str, str, str]]:
        return [
            (f"{one.start:%H:%M}", f"{one.end:%H:%M}", one.outcome)
            for _, one in self.coverage
            if one.call == call
        ]


def read(
    prometheus: Prometheus, cursor: dict[str, Any] | None = None, now: datetime = NOON, **habits: Any
) -> Read:
    found = Read(cursor=cursor)
    chosen = Habits(**{"history_since": SINCE, "overlap": timedelta(minutes=30), **habits})
    for collected in collect(prometheus, "ocp", cursor, now, chosen):
        for part in collected.delivery.stream:
            if isinstance(part, Rows):
                found.rows += part.records.to_pylist()
            elif isinstance(part, Rejection):
                found.rejections.append(part)
            else:
                found.coverage.append((collected.delivery.source, part))
        found.cursor = json.loads(json.dumps(collected.cursor))
        found.keys.append(collected.delivery.content_key)
    return found


def times(question: Question) -> list[int]:
    return list(range(int(question["start"]), int(question["end"]) + 1, int(question["step"])))


def cluster(**special: Callable[[Question], Answer]) -> Callable[[Question], Answer]:
    """A pod with one core and 1 GiB on one node, at all times; `special` answers some queries otherwise."""
    held = {"pod_cpu_request": "1", "pod_memory_request": "1073741824", "node_labels": "1"}

    def answer(question: Question) -> Answer:
        name = NAMES[question["query"]]
        if name in special:
            return special[name](question)
        if name not in held:
            return matrix()
        labels = {"node": "n1"} if name == "node_labels" else {**POD, "resource": name.split("_")[1]}
        return matrix((labels, [(time, held[name]) for time in times(question)]))

    return answer


def test_a_window_ends_with_the_last_whole_step_that_has_settled(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.answer = cluster()

    found = read(prometheus, now=NOON)  # 12:07, of which five minutes settle: until 12:00

    (cpu,) = found.of("pod_cpu_request")
    assert (cpu["first_time"], cpu["last_time"], cpu["samples"]) == (
        SINCE,
        SINCE + 3 * timedelta(seconds=STEP),
        4,
    )
    assert (cpu["namespace"], cpu["pod"], cpu["node"], cpu["resource_name"]) == ("physics", "p", "n1", "cpu")
    assert (cpu["value"], cpu["quantity"], cpu["step_seconds"]) == ("1", 1_000_000, STEP)
    assert cpu["labels"] is None  # the columns say them all
    assert found.outcomes("pod_cpu_request") == [("11:00", "12:00", "ok")]
    assert found.cursor is not None
    assert set(found.cursor["read_until"].values()) == {"2026-03-10T12:00:00+00:00"}


def test_nothing_there_is_another_thing_than_no_answer(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.answer = cluster(pvc_request=lambda question: failure(500, "broken"))

    found = read(prometheus)

    assert found.outcomes("pod_gpu_request") == [("11:00", "12:00", "empty")]
    assert found.outcomes("pvc_request") == [("11:00", "12:00", "failed")]


@pytest.mark.parametrize("query", ["pod_cpu_request", "pod_memory_request", "pod_gpu_request", "node_labels"])
def test_pods_of_a_window_count_only_when_all_that_tells_them_was_answered(
    pretend: PretendPrometheus, prometheus: Prometheus, query: str
) -> None:
    pretend.answer = cluster(**{query: lambda question: failure(422, "cannot evaluate")})

    found = read(prometheus)

    assert [row["query"] for row in found.rows if row["query"].endswith("_request")] == []
    pods = {one.call: one for source, one in found.coverage if source == "kubernetes"}
    assert {one.outcome for one in pods.values()} == {"failed"}
    assert pods[query].detail == "HTTP 422: cannot evaluate"
    other = next(one for call, one in pods.items() if call != query)
    assert other.detail == f"not kept, because of {query}: HTTP 422: cannot evaluate"
    assert found.cursor is not None
    assert "pods" not in found.cursor["read_until"]
    assert found.cursor["read_until"]["claims"] == "2026-03-10T12:00:00+00:00"


def test_a_window_that_failed_is_read_again_and_what_follows_it_waits(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    half_past = ELEVEN + 1800

    def gpus(question: Question) -> Answer:
        return matrix() if int(question["start"]) < half_past else failure(500, "broken")

    pretend.answer = cluster(pod_gpu_request=gpus)
    first = read(prometheus, chunk=timedelta(minutes=15))
    assert first.outcomes("pod_cpu_request") == [
        ("11:00", "11:15", "ok"),
        ("11:15", "11:30", "ok"),
        ("11:30", "12:00", "failed"),  # in one piece: nothing after a hole is read before it
    ]
    assert first.cursor is not None
    assert first.cursor["read_until"]["pods"] == "2026-03-10T11:30:00+00:00"

    pretend.answer = cluster()
    second = read(prometheus, first.cursor, overlap=timedelta(0))
    assert second.outcomes("pod_cpu_request") == [("11:30", "12:00", "ok")]
    assert second.cursor is not None
    assert second.cursor["read_until"]["pods"] == "2026-03-10T12:00:00+00:00"


def test_the_next_reading_begins_an_overlap_before_the_last_one_ended(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.answer = cluster()
    first = read(prometheus)

    second = read(prometheus, first.cursor, now=NOON + timedelta(minutes=15))

    assert second.outcomes("pod_cpu_request") == [("11:30", "12:15", "ok")]


def test_without_anything_new_nothing_is_asked(pretend: PretendPrometheus, prometheus: Prometheus) -> None:
    pretend.answer = cluster()
    first = read(prometheus)
    pretend.questions.clear()

    assert read(prometheus, first.cursor, now=NOON + timedelta(minutes=5)).coverage == []
    assert pretend.questions == []


def test_the_same_window_said_again_has_the_same_key(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.answer = cluster()
    first, again = read(prometheus), read(prometheus)
    pretend.answer = cluster(
        pod_cpu_request=lambda question: matrix(({**POD, "resource": "cpu"}, [(ELEVEN, "2")]))
    )
    other = read(prometheus)

    assert first.keys == again.keys
    assert len(set(first.keys)) == len(first.keys)
    assert [one == two for one, two in zip(first.keys, other.keys, strict=True)].count(False) == 1


def test_another_pod_with_the_same_samples_has_another_key(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    def memory_of(pod: str) -> list[str]:
        labels = {"namespace": "physics", "pod": pod}
        pretend.answer = cluster(pod_memory_used=lambda question: matrix((labels, [(ELEVEN, "7")])))
        return read(prometheus).keys

    assert [one == two for one, two in zip(memory_of("p"), memory_of("q"), strict=True)].count(False) == 1


def test_labels_that_would_fill_the_disk_are_rejected_and_odd_characters_replaced(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.answer = cluster(
        namespace_annotations=lambda question: matrix(
            ({"namespace": "long", "annotation_cf_pi": "x" * 2_000}, [(ELEVEN, "1")]),
            ({"namespace": "large", "annotation_note": "x" * 70_000}, [(ELEVEN, "1")]),
            ({"namespace": "odd", "annotation_cf_pi": "a\0b\ud800c"}, [(ELEVEN, "1")]),
        )
    )

    found = read(prometheus)

    assert [(row["namespace"], row["value"]) for row in found.of("namespace_annotations")] == [
        ("odd", "a\ufffdb?c")
    ]
    # Series are counted in the order of their labels.
    assert [(one.record, one.field) for one in found.rejections] == [(2, "labels"), (3, "labels")]


def test_a_time_without_a_sample_of_any_node_and_pod_was_watched_by_nobody(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    def down_at_quarter_past(labels: dict[str, str]) -> Callable[[Question], Answer]:
        return lambda question: matrix(
            (labels, [(time, "1") for time in times(question) if time != ELEVEN + STEP])
        )

    pretend.answer = cluster(
        pod_cpu_request=down_at_quarter_past({**POD, "resource": "cpu"}),
        node_labels=down_at_quarter_past({"node": "n1"}),
    )

    found = read(prometheus)

    assert found.outcomes("pod_cpu_request") == [
        ("11:00", "11:15", "ok"),
        ("11:15", "11:30", "failed"),
        ("11:30", "12:00", "ok"),
    ]
    answered = [row for row in found.of("answered") if row["resource_name"] == "pod_cpu_request"]
    assert [row["samples"] for row in answered] == [1, 2]


def test_what_nobody_watched_lately_is_read_again_until_something_newer_is_there(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    def until_half_past(labels: dict[str, str]) -> Callable[[Question], Answer]:
        return lambda question: matrix(
            (labels, [(time, "1") for time in times(question) if time < ELEVEN + 2 * STEP])
        )

    pretend.answer = cluster(
        pod_cpu_request=until_half_past({**POD, "resource": "cpu"}),
        node_labels=until_half_past({"node": "n1"}),
    )

    found = read(prometheus)

    assert found.outcomes("pod_cpu_request") == [("11:00", "11:30", "ok"), ("11:30", "12:00", "failed")]
    assert found.cursor is not None
    assert found.cursor["read_until"]["pods"] == "2026-03-10T11:30:00+00:00"


def test_a_cluster_with_nodes_and_no_pods_is_empty(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.answer = cluster(
        pod_cpu_request=lambda question: matrix(), pod_memory_request=lambda question: matrix()
    )

    assert read(prometheus).outcomes("pod_cpu_request") == [("11:00", "12:00", "empty")]


def test_nobody_there_is_asked_for_one_query_not_for_all(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.close()

    found = read(prometheus)

    groups = {source for source, _ in found.coverage}
    assert groups == {group.source for group in GROUPS if group.name != "vms"}
    assert {one.outcome for _, one in found.coverage} == {"failed"}
    assert found.rows == []


def test_labels_become_records_by_what_they_say(pretend: PretendPrometheus, prometheus: Prometheus) -> None:
    labels = {
        "node": "n1",
        "label_nvidia_com_gpu_product": "Tesla-V100",
        "label_nvidia_com_gpu_machine": "R740",
        "label_beta_kubernetes_io_instance_type": "old",
        "label_node_kubernetes_io_instance_type": "new",
    }
    pretend.answer = cluster(
        node_labels=lambda question: matrix((labels, [(time, "1") for time in times(question)])),
        namespace_annotations=lambda question: matrix(
            ({"namespace": "physics", "annotation_x": "y"}, [(ELEVEN, "1")])
        ),
    )

    found = read(prometheus)

    assert {(row["node"], row["label"], row["value"]) for row in found.of("node_labels")} == {
        ("n1", "gpu_product", "Tesla-V100"),
        ("n1", "node_model", "R740"),
        ("n1", "instance_type", "new"),
    }
    # A series that says nothing that we know is kept all the same.
    (annotations,) = found.of("namespace_annotations")
    assert (annotations["label"], annotations["value"]) == (None, "1")
    assert json.loads(annotations["labels"])["annotation_x"] == "y"


def test_a_uid_counts_when_every_request_says_one(pretend: PretendPrometheus, prometheus: Prometheus) -> None:
    def with_uid(query: str) -> Callable[[Question], Answer]:
        return lambda question: matrix(({**POD, "resource": query, "uid": "u1"}, [(ELEVEN, "1")]))

    pretend.answer = cluster(pod_cpu_request=with_uid("cpu"))
    (cpu,) = read(prometheus).of("pod_cpu_request")
    assert cpu["uid"] is None
    assert json.loads(cpu["labels"])["uid"] == "u1"

    pretend.answer = cluster(pod_cpu_request=with_uid("cpu"), pod_memory_request=with_uid("memory"))
    assert {row["uid"] for row in read(prometheus).of("pod_cpu_request")} == {"u1"}


def test_series_that_dont_say_which_pod_and_values_that_are_no_numbers_are_rejected(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.answer = cluster(
        pod_cpu_request=lambda question: matrix(
            ({"namespace": "physics", "resource": "cpu"}, [(ELEVEN, "1")]),
            ({**POD, "pod": "nan", "resource": "cpu"}, [(ELEVEN, "NaN"), (ELEVEN + STEP, "2")]),
            ({**POD, "pod": "minus", "resource": "cpu"}, [(ELEVEN, "-1")]),
            ({**POD, "resource": "cpu"}, [(ELEVEN, "1.5e-1")]),
        )
    )

    found = read(prometheus)

    assert [(row["pod"], row["value"], row["quantity"]) for row in found.of("pod_cpu_request")] == [
        ("nan", "2", 2_000_000),
        ("p", "1.5e-1", 150_000),
    ]
    assert sorted((one.field, one.found) for one in found.rejections) == [
        ("pod", "an object of 2"),
        ("value", '"-1"'),
        ("value", '"NaN"'),
    ]
    (cpu,) = [one for _, one in found.coverage if one.call == "pod_cpu_request"]
    assert (cpu.outcome, cpu.records, cpu.detail) == ("ok", 2, "3 rejected")


def test_queries_labels_and_matchers_of_the_settings_are_used(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    read(
        prometheus,
        matchers='cluster="prod"',
        queries={"pod_gpu_request": 'my_gpus{kind="x%"}', "pod_phase": "", "vm_cpu_used": "rate(vm[15m])"},
        labels={"class": ("label_course",)},
    )

    asked = [question["query"] for question in pretend.questions]
    assert 'my_gpus{kind="x%"}' in asked
    assert "rate(vm[15m])" in asked
    assert not [query for query in asked if "Pending" in query]
    assert 'kube_pod_labels{cluster="prod",label_course!=""}' in asked
    assert all('cluster="prod"' in query for query in asked if query.startswith("kube_"))


def test_use_is_a_record_for_each_sample(pretend: PretendPrometheus, prometheus: Prometheus) -> None:
    pretend.answer = cluster(
        pod_memory_used=lambda question: matrix(
            ({"namespace": "physics", "pod": "p"}, [(time, "7") for time in times(question)])
        )
    )

    assert [row["samples"] for row in read(prometheus).of("pod_memory_used")] == [1, 1, 1, 1]


def test_a_cursor_of_another_program_is_refused(prometheus: Prometheus) -> None:
    with pytest.raises(ValueError, match="cursor: expected version 1"):
        read(prometheus, {"version": 2})
