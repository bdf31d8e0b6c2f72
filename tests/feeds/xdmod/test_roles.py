"""What does somebody see in a role of Open XDMoD? A user their own use, a PI also that of their groups."""

from __future__ import annotations

import pytest

from meterhouse.cli.main import app
from meterhouse.feeds.xdmod.query import SeenBy
from services.invoked import CliRunner


@pytest.fixture
def people(ask):
    """Who is seen, and with how many."""

    def seen(rows, statistic, realm, by, **options):
        found = ask(rows, statistic, realm=realm, group_by="username", seen_by=by, **options)
        return {label: value for _, label, value in found}

    return seen


@pytest.fixture
def jobs(make_job):
    return [
        make_job("18 10:00", "18 11:00", user_name="ada", group_name="grace"),
        make_job("18 10:00", "18 11:00", user_name="grace", group_name="linus"),
        make_job("18 10:00", "18 11:00", user_name="bob", group_name="linus"),
        make_job("18 10:00", "18 11:00", user_name=None, group_name=None),
    ]


def test_everybody_is_seen_without_a_role(people, jobs):
    assert people(jobs, "job_count", "Jobs", None) == {"ada": "1", "bob": "1", "grace": "1", "Unknown": "1"}


def test_a_user_sees_their_own_jobs(people, jobs):
    assert people(jobs, "job_count", "Jobs", SeenBy("user", "grace")) == {"grace": "1"}
    assert people(jobs, "job_count", "Jobs", SeenBy("user", "nobody")) == {}


def test_a_pi_sees_their_own_and_those_of_their_group(people, jobs):
    assert people(jobs, "job_count", "Jobs", SeenBy("pi", "grace")) == {"ada": "1", "grace": "1"}
    assert people(jobs, "job_count", "Jobs", SeenBy("pi", "linus")) == {"bob": "1", "grace": "1"}


def test_names_are_hostile(people, jobs):
    assert people(jobs, "job_count", "Jobs", SeenBy("pi", "' OR TRUE --")) == {}


def test_what_is_stored_goes_by_user_and_pi_of_the_record(people, make_sample):
    samples = [
        make_sample("18 10:00", user="ada", pi="grace", file_count=1),
        make_sample("18 10:00", user="grace", pi="linus", file_count=2),
        make_sample("18 10:00", user="bob", pi="linus", file_count=4),
    ]
    see = {"ada": "1.0000", "grace": "2.0000"}
    assert people(samples, "avg_file_count", "Storage", SeenBy("pi", "grace")) == see
    assert people(samples, "avg_file_count", "Storage", SeenBy("user", "bob")) == {"bob": "4.0000"}


def test_sessions_go_by_the_pi_of_the_project(people, make_session):
    sessions = [
        make_session("18 10:00", "18 11:00", user_name="ada", project_name="alpha"),
        make_session("18 10:00", "18 11:00", user_name="bob", project_name="beta"),
        make_session("18 10:00", "18 11:00", user_name="eve", project_name="alpha", resource="other"),
        make_session("18 10:00", "18 11:00", user_name="grace", project_name="beta"),
    ]
    pis = {("cloud", "alpha"): "grace", ("cloud", "beta"): "linus", ("other", "alpha"): "linus"}

    def seen(by):
        return set(people(sessions, "cloud_wall_time", "Cloud", by, project_pis=pis))

    assert seen(SeenBy("pi", "grace")) == {"ada", "grace"}
    assert seen(SeenBy("pi", "linus")) == {"bob", "eve", "grace"}
    assert seen(SeenBy("user", "ada")) == {"ada"}


def test_what_two_users_see_adds_up_to_what_their_pi_sees(figure, jobs):
    def hours(by):
        return float(figure(jobs, "total_cpu_hours", realm="Jobs", seen_by=by))

    parts = hours(SeenBy("user", "grace")) + hours(SeenBy("user", "bob"))
    assert parts == hours(SeenBy("pi", "linus")) == 2


def test_the_command_takes_one_role():
    arguments = ["xdmod", "query", "--statistic", "job_count", "--realm", "Jobs", "--from", "2018-04-18",
                 "--to", "2018-04-18", "--user", "ada", "--pi", "ada"]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code != 0
    assert "expected one of --user and --pi, found both" in str(result.exception or result.output)
