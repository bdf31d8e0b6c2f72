"""What does `meterhouse xdmod query` print?"""

from __future__ import annotations

import csv
import io
import json

import pytest

from meterhouse.cli.main import app
from meterhouse.errors import QuestionError
from services.invoked import CliRunner
from strategies.sites import made_site


@pytest.fixture
def run(tmp_path):
    made_site(tmp_path / "site", '[site]\nname = "Our site"\n').close()

    def run_query(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["--site", str(tmp_path / "site"), "xdmod", "query", *arguments])
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return run_query


def test_the_list_names_every_statistic_and_group_by(run, snapshot):
    assert run("--list", "--format", "csv") == snapshot


def test_an_empty_site_has_no_rows(run):
    asked = ("--statistic", "cloud_core_time", "--from", "2018-04-18", "--to", "2018-04-30")
    assert run(*asked, "--format", "csv") == "period,label,value\n"
    assert json.loads(run(*asked, "--format", "json")) == []
    assert run(*asked) == "No data: nothing touches these days.\n"


def test_what_is_missing_is_named(run):
    with pytest.raises(QuestionError, match="expected --statistic, --from and --to"):
        run("--statistic", "cloud_core_time")


def test_the_list_can_be_read_by_programs(run):
    as_csv = list(csv.DictReader(io.StringIO(run("--list", "--format", "csv"))))
    assert as_csv == json.loads(run("--list", "--format", "json"))
