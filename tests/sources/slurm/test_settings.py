"""Which settings of a Slurm source are refused, and with which words?"""

from __future__ import annotations

import pytest

from meterhouse.errors import ConfigurationError
from meterhouse.settings import SlurmSource, load_settings

SITE = """
[site]
name = "x"
[[resources]]
name = "hpc"
kind = "cluster"
[[sources]]
name = "jobs"
kind = "slurm"
resource = "hpc"
"""


def source(tmp_path, more: str = "") -> SlurmSource:
    path = tmp_path / "meterhouse.toml"
    path.write_text(SITE + more)
    (found,) = load_settings(path).sources
    assert isinstance(found, SlurmSource)
    return found


def test_sacct_here_is_the_default(tmp_path):
    found = source(tmp_path)

    assert (found.form, found.command, found.sacct, found.clusters) == ("lines", (), "sacct", ())


def test_a_moment_without_a_zone_is_utc(tmp_path):
    assert source(tmp_path, "history_since = 2026-01-01T00:00:00").since.utcoffset().total_seconds() == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('form = "rest"', 'expected url with form = "rest", and only then'),
        ('url = "http://x:1"', 'expected url with form = "rest", and only then'),
        ('form = "rest"\nurl = "http://u:p@x"', "url"),
        ('form = "rest"\nurl = "http://x"\nuser = "u"', "expected user and token together"),
        ('user = "u"\ntoken = { env = "T" }', 'with form = "rest" only'),
        ('form = "rest"\nurl = "http://x"\nuser = "u"\ntoken = "hunter2"', "expected a reference"),
        ('clusters = ["a b"]', "clusters"),
        ('clusters = ["--help"]', "clusters"),
        ('command = [""]', "expected words that aren't empty"),
        ('chunk = "PT0S"', "chunk: expected whole seconds, at least one"),
        ('overlap = "-PT1S"', "overlap: expected whole seconds, none or more"),
    ],
)
def test_mistakes_are_named(tmp_path, more, words):
    with pytest.raises(ConfigurationError) as raised:
        source(tmp_path, more)
    assert words in str(raised.value)
    assert "hunter2" not in str(raised.value)
