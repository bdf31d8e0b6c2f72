"""How is Prometheus asked? All of a range, or a failure that says why: never half of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pretend_prometheus import Answer, PretendPrometheus, Question, failure, matrix

from meterhouse.sources.kubernetes.prometheus import (
    MOST_POINTS,
    Patience,
    Prometheus,
    QueryFailed,
    Server,
    Unreachable,
)

HURRY = Patience(timeout_seconds=5, attempts=3, first_wait_seconds=0.001, longest_wait_seconds=0.002)


def in_turn(*answers: Answer):
    """Answers one after the other; the last one again and again."""
    left = list(answers)
    return lambda question: left.pop(0) if len(left) > 1 else left[0]


def all_samples(question: Question) -> Answer:
    start, end, step = (int(question[name]) for name in ("start", "end", "step"))
    return matrix(({"pod": "p"}, [(time, "1") for time in range(start, end + 1, step)]))


def test_a_range_is_asked_without_its_end_by_post(pretend: PretendPrometheus, prometheus: Prometheus) -> None:
    pretend.answer = lambda question: matrix(({"pod": "p"}, [(0, "1"), (900, "2")]))

    (series,) = prometheus.query_range("up", 0, 1800, 900)

    assert (series.labels, series.samples) == ({"pod": "p"}, [(0, "1"), (900, "2")])
    (question,) = pretend.questions
    assert question == {
        "path": "/api/v1/query_range",
        "query": "up",
        "start": "0",
        "end": "900",
        "step": "900",
        "partial_response": "false",
    }


def test_a_range_of_more_points_than_prometheus_gives_is_asked_in_parts(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.answer = all_samples

    (series,) = prometheus.query_range("up", 0, 30_000 * 60, 60)

    assert [time for time, _ in series.samples] == list(range(0, 30_000 * 60, 60))
    points = [(int(q["end"]) - int(q["start"])) // 60 + 1 for q in pretend.questions]
    assert max(points) <= MOST_POINTS
    assert sum(points) == 30_000


@pytest.mark.parametrize(
    "refusal",
    [
        failure(413, "body too large"),
        failure(422, "query processing would load too many samples into memory in query execution"),
        failure(400, "exceeded maximum resolution of 11,000 points per timeseries", "bad_data"),
        failure(503, "query timed out in expression evaluation", "timeout"),
    ],
)
def test_a_range_that_is_refused_as_too_large_is_halved_until_it_fits(
    pretend: PretendPrometheus, prometheus: Prometheus, refusal: Answer
) -> None:
    def answer(question: Question) -> Answer:
        few = int(question["end"]) - int(question["start"]) < 3 * 900
        return all_samples(question) if few else refusal

    pretend.answer = answer

    (series,) = prometheus.query_range("up", 0, 10 * 900, 900)

    assert [time for time, _ in series.samples] == list(range(0, 10 * 900, 900))


def test_a_single_sample_that_is_too_large_is_a_failure(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.answer = lambda question: failure(422, "too many samples")

    with pytest.raises(QueryFailed, match="HTTP 422: too many samples"):
        prometheus.query_range("up", 0, 3600, 900)


def test_an_answer_of_more_bytes_than_are_taken_is_halved(pretend: PretendPrometheus) -> None:
    pretend.answer = all_samples
    few = Patience(attempts=1, answer_bytes=300)

    with Prometheus(Server(pretend.url), few) as prometheus:
        (series,) = prometheus.query_range("up", 0, 40 * 900, 900)

    assert len(series.samples) == 40
    assert len(pretend.questions) > 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again(
    pretend: PretendPrometheus, prometheus: Prometheus, status: int
) -> None:
    pretend.answer = in_turn(failure(status, "busy"), (status, b"<html>busy</html>"), matrix())

    assert prometheus.query_range("up", 0, 900, 900) == []
    assert len(pretend.questions) == 3


def test_what_doesnt_pass_fails_after_so_many_times(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.answer = lambda question: failure(503, "no store matched for this query")

    with pytest.raises(QueryFailed, match="HTTP 503: no store matched"):
        prometheus.query_range("up", 0, 900, 900)
    assert len(pretend.questions) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 302])
def test_a_refusal_is_not_asked_again(
    pretend: PretendPrometheus, prometheus: Prometheus, status: int
) -> None:
    pretend.answer = lambda question: (status, b"<html>log in</html>")

    with pytest.raises(QueryFailed, match=f"HTTP {status}, expected Prometheus's JSON"):
        prometheus.query_range("up", 0, 900, 900)
    assert len(pretend.questions) == 1


def test_an_answer_with_warnings_is_partial_and_a_failure(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.answer = lambda question: matrix(
        ({"pod": "p"}, [(0, "1")]), warnings=["No StoreAPIs matched for this query"]
    )

    with pytest.raises(QueryFailed, match="expected a full answer, found warnings: No StoreAPIs"):
        prometheus.query_range("up", 0, 900, 900)


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>please log in</html>"),
        (200, b'{"status": "success"}'),
        (200, b'{"status": "success", "data": {"resultType": "vector", "result": []}}'),
        (200, b'{"status": "success", "data": {"resultType": "matrix", "result": {}}}'),
        (200, b'{"status": "success", "data": {"resultType": "matrix", "result": [1]}}'),
        (200, b"[" * 100_000),
        matrix(({"pod": 7}, [(0, "1")])),  # type: ignore[dict-item]
        matrix(({"pod": "p"}, [(0, 1)])),  # type: ignore[list-item]
        matrix(({"pod": "p"}, [(450, "1")])),  # between two steps
        matrix(({"pod": "p"}, [(1800, "1")])),  # beyond the end
        matrix(({"pod": "p"}, [(900, "1"), (0, "1")])),
    ],
)
def test_an_answer_that_isnt_what_was_asked_for_is_a_failure(
    pretend: PretendPrometheus, prometheus: Prometheus, answer: Answer
) -> None:
    pretend.answer = lambda question: answer

    with pytest.raises(QueryFailed, match="expected"):
        prometheus.query_range("up", 0, 1800, 900)


def test_nobody_there_is_told_apart_from_a_bad_answer(
    pretend: PretendPrometheus, prometheus: Prometheus
) -> None:
    pretend.close()

    with pytest.raises(Unreachable, match="no connection: ConnectError"):
        prometheus.query_range("up", 0, 900, 900)


def test_the_token_is_sent_and_never_shown(pretend: PretendPrometheus) -> None:
    server = Server(pretend.url, token="s3cret")
    assert "s3cret" not in repr(server)

    with Prometheus(server, HURRY) as prometheus:
        prometheus.query_range("up", 0, 900, 900)
        pretend.answer = lambda question: (401, b"no")
        with pytest.raises(QueryFailed) as failed:
            prometheus.query_range("up", 0, 900, 900)

    assert pretend.headers[0]["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(failed.value)


def test_user_and_password_are_sent(pretend: PretendPrometheus) -> None:
    with Prometheus(Server(pretend.url, user="meter", password="house"), HURRY) as prometheus:
        prometheus.query_range("up", 0, 900, 900)

    assert pretend.headers[0]["Authorization"] == "Basic bWV0ZXI6aG91c2U="


def test_a_file_without_certificates_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")

    with pytest.raises(QueryFailed, match=r"ca_file .*ca.pem"):
        Prometheus(Server("https://prometheus.example", ca_file=tmp_path / "ca.pem"))
    with pytest.raises(QueryFailed, match="No such file"):
        Prometheus(Server("https://prometheus.example", ca_file=tmp_path / "absent.pem"))
