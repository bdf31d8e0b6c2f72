"""meterhouse.toml: what is accepted, and what a mistake is told as."""

from __future__ import annotations

from pathlib import Path

import pytest

from meterhouse.errors import ConfigurationError
from meterhouse.settings import Secret, load_settings
from meterhouse.site import Site

GOOD = """
[site]
name = "Example"
time_zone = "Europe/London"

[[resources]]
name = "cloud"
kind = "cloud"
capacity = [{ start = 2025-01-01, cores = 234 }]

[[sources]]
name = "api"
kind = "openstack"
resource = "cloud"
cloud = "mycloud"
"""


def told(tmp_path: Path, text: str) -> str:
    path = tmp_path / "meterhouse.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        load_settings(path)
    return str(error.value).replace(f"{path}: ", "")


def test_a_good_file_is_typed(tmp_path: Path) -> None:
    path = tmp_path / "meterhouse.toml"
    path.write_text(GOOD)
    settings = load_settings(path)
    assert settings.resource("cloud").capacity[0].cores == 234
    assert settings.sources[0].resource == "cloud"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            ('kind = "cloud"', 'kind = "clowd"'),
            "resources.0.kind: Input should be 'cloud', 'cluster', "
            "'filesystem' or 'objectstore', found 'clowd'",
        ),
        (
            ('time_zone = "Europe/London"', 'time_zone = "Mars/Phobos"'),
            "site.time_zone: expected an IANA time zone such as Europe/London, found 'Mars/Phobos'",
        ),
        (
            ('name = "Example"', 'nam = "Example"'),
            "site.name: Field required\nsite.nam: expected a known key",
        ),
        (
            ("cores = 234", "cores = -1"),
            "resources.0.capacity.0.cores: Input should be greater than or equal to 0, found -1",
        ),
        (
            ('resource = "cloud"', 'resource = "clud"'),
            "(whole file): sources.api.resource: expected a declared resource, found 'clud'",
        ),
    ],
)
def test_a_mistake_names_key_expectation_and_value(
    tmp_path: Path, change: tuple[str, str], line: str
) -> None:
    assert told(tmp_path, GOOD.replace(*change)).startswith(line)


def test_what_is_not_toml_is_told_with_its_place(tmp_path: Path) -> None:
    assert "expected TOML" in told(tmp_path, "[site\nname=")


def test_a_secret_in_plain_text_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = told(tmp_path, GOOD + '\n[register]\nurl = "postgresql://m@db/m"\npassword = "hunter2"\n')
    assert "register.password: expected a reference" in text
    assert "hunter2" not in text


def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = told(tmp_path, GOOD + '\n[register]\nurl = "postgresql://m:hunter2@db/m"\n')
    assert "register: expected a URL without a password" in text
    assert "hunter2" not in text


def test_capacity_periods_may_not_overlap(tmp_path: Path) -> None:
    two = "[{ start = 2025-01-01, cores = 1 }, { start = 2025-02-01, cores = 2 }]"
    assert "expected capacity periods in order without overlap" in told(
        tmp_path, GOOD.replace("[{ start = 2025-01-01, cores = 234 }]", two)
    )


def test_a_secret_is_read_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "word").write_text("from a file\n")
    monkeypatch.setenv("WORD", "from the environment")
    assert Secret(file=Path("word")).reveal(tmp_path) == "from a file"
    assert Secret(env="WORD").reveal(tmp_path) == "from the environment"


def test_a_missing_secret_is_told_by_its_reference_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="environment variable NO_SUCH_WORD is not set"):
        Secret(env="NO_SUCH_WORD").reveal(tmp_path)


def test_a_site_is_made_once(tmp_path: Path) -> None:
    with Site.init(tmp_path / "site", 'A "quoted" name') as site:
        assert site.settings.site.name == 'A "quoted" name'
    with pytest.raises(ConfigurationError, match="expected no site here"):
        Site.init(tmp_path / "site")


def test_a_folder_without_a_site_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="meterhouse init DIR"):
        Site.open(tmp_path)
