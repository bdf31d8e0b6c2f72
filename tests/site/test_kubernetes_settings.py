"""A cluster as a source: what is accepted, and what a mistake is told as."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meterhouse.errors import ConfigurationError
from meterhouse.settings import KubernetesSource, load_settings

GOOD = """
[site]
name = "Example"

[[resources]]
name = "ocp"
kind = "cluster"

[[sources]]
kind = "kubernetes"
name = "ocp-metrics"
resource = "ocp"
url = "https://thanos.example.org/tenant"
token = { file = "token" }
history_since = 2026-01-01T00:00:00
step = "PT5M"

[sources.queries]
pod_phase = ""

[sources.labels]
class = ["label_course", "label_class"]
"""


def load(tmp_path: Path, text: str) -> KubernetesSource:
    path = tmp_path / "meterhouse.toml"
    path.write_text(text)
    (source,) = load_settings(path).sources
    assert isinstance(source, KubernetesSource)
    return source


def test_a_cluster_is_declared_with_a_url_and_a_token_by_reference(tmp_path: Path) -> None:
    source = load(tmp_path, GOOD)

    assert source.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert (source.step, source.chunk) == (timedelta(minutes=5), timedelta(days=1))
    assert source.labels == {"class": ("label_course", "label_class")}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('token = { file = "token" }', 'token = "s3cret"'), "not a secret"),
        (("https://thanos", "https://user:s3cret@thanos"), "String should match pattern"),
        (('token = { file = "token" }', 'user = "me"'), "expected user and password together"),
        (
            ('token = { file = "token" }', 'token = { file = "t" }\\nuser = "u"\\npassword = { env = "P" }'),
            "expected a token, or user and password, not both",
        ),
        (('step = "PT5M"', 'step = "PT7M"'), "chunk: expected a multiple of step"),
        (('step = "PT5M"', 'chunk = "P2D"'), "chunk: expected at most a day"),
        (('step = "PT5M"', 'step = "PT0S"'), "step: expected whole seconds, at least one"),
        (('step = "PT5M"', 'settle = "-PT5M"'), "settle: expected no negative duration"),
        (("pod_phase", "pod_phases"), "queries: expected some of pod_cpu_request"),
        (("pod_phase", "pod_gpu_request"), "queries.pod_gpu_request: expected PromQL"),
        (("class =", "clas ="), "labels: expected some of gpu_product"),
        (('step = "PT5M"', 'proxy = "socks5://me:s3cret@127.0.0.1:1080"'), "String should match pattern"),
    ],
)
def test_a_mistake_is_told_without_secrets(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as error:
        load(tmp_path, GOOD.replace(change[0], change[1].replace("\\n", "\n")))
    assert "s3cret" not in str(error.value)
