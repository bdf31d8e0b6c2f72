"""What does the collector ask, and what does it do about answers? A stand-in for sacct tells what it got."""

from __future__ import annotations

import io
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sacct_lines_of import line

from meterhouse.sources.delivery import Coverage, Rows
from meterhouse.sources.slurm.collector import Habits, collect
from meterhouse.sources.slurm.sacct_command import CommandFailed, SacctCommand
from meterhouse.sources.slurm.sacct_questions import ASKED_FIELDS, SacctLines

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIELDS = tuple(field.lower() for field in ASKED_FIELDS)
HEADING = "|".join(ASKED_FIELDS) + "\n"


def told(**said: str) -> str:
    return line(FIELDS, **said)


def runs(job: str = "100") -> str:
    return told(jobid=job, jobidraw=job, end="Unknown", state="RUNNING")


class Accounting(SacctLines):
    """Answers in turn; what is an exception is raised."""

    def __init__(self, *answers: str | Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list = []

    __slots__ = ("answers", "asked")

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)

    def ask(self, question):
        self.asked.append(question)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO((HEADING + answer).encode())


class Result:
    def __init__(self, accounting, cursor=None, now=NOON, **habits) -> None:
        self.rows: list[dict] = []
        self.coverage: list[Coverage] = []
        self.cursor = cursor
        self.keys = []
        for collected in collect(accounting, "hpc", cursor, now, Habits(**habits)):
            self.keys.append(collected.delivery.content_key)
            for item in collected.delivery.stream:
                if isinstance(item, Rows):
                    self.rows += item.records.to_pylist()
                elif isinstance(item, Coverage):
                    self.coverage.append(item)
            self.cursor = collected.cursor


SINCE = {"history_since": NOON - timedelta(days=2, hours=6), "overlap": timedelta(hours=1)}


def test_history_is_read_day_by_day_and_then_only_what_is_new():
    accounting = Accounting("", told(), "", "")
    first = Result(accounting, **SINCE)
    again = Result(accounting, first.cursor, NOON + timedelta(minutes=15), **SINCE)

    begin = NOON - timedelta(days=2, hours=6)
    assert [(asked.start, asked.end) for asked in accounting.asked] == [
        (begin, begin + timedelta(days=1)),
        (begin + timedelta(days=1), begin + timedelta(days=2)),
        (begin + timedelta(days=2), NOON),
        (NOON - timedelta(hours=1), NOON + timedelta(minutes=15)),
    ]
    assert [window.outcome for window in first.coverage] == ["empty", "ok", "empty"]
    assert [window.outcome for window in again.coverage] == ["empty"]
    assert [row["observed_at"] for row in first.rows] == [NOON]
    assert len(set(first.keys)) == 3


def test_a_question_that_fails_is_covered_as_failed_and_asked_again():
    accounting = Accounting("", CommandFailed("exit code 1: no route to host"), "", "")
    first = Result(accounting, **SINCE)

    assert [(window.outcome, window.detail) for window in first.coverage] == [
        ("empty", ""),
        ("failed", "exit code 1: no route to host"),
    ]
    second = Result(accounting, first.cursor, NOON + timedelta(hours=1), **SINCE)
    assert accounting.asked[2].start == first.coverage[0].end - timedelta(hours=1)
    assert [window.outcome for window in second.coverage] == ["empty", "empty"]
    assert second.coverage[-1].end == NOON + timedelta(hours=1)


def test_a_first_reading_that_fails_leaves_no_place_to_go_on_from():
    first = Result(Accounting(CommandFailed("no")), **SINCE)
    assert first.cursor == {}
    assert len(Result(Accounting("", "", ""), first.cursor, **SINCE).coverage) == 3


def test_what_ran_and_isn_t_told_of_any_more_is_asked_for_by_number():
    habits = {"history_since": NOON - timedelta(hours=1)}
    accounting = Accounting(runs("7") + runs("8"), runs("8"), told(jobid="7", jobidraw="7"), runs("8"))
    first = Result(accounting, **habits)
    assert first.cursor["running"] == {"hpc": [7, 8]}

    second = Result(accounting, first.cursor, NOON + timedelta(minutes=15), **habits)
    assert (accounting.asked[2].jobs, accounting.asked[2].cluster) == ((7,), "hpc")
    assert [row["job_id"] for row in second.rows] == ["8", "7"]
    assert second.cursor["running"] == {"hpc": [8]}
    third = Result(accounting, second.cursor, NOON + timedelta(minutes=30), **habits)
    assert len(accounting.asked) == 4
    assert third.cursor["running"] == {"hpc": [8]}


def test_a_job_is_over_once_its_end_is_told_whatever_its_state_says():
    entered_in_part = told(jobid="7", jobidraw="7", end="Unknown", state="COMPLETED")
    result = Result(Accounting(entered_in_part), history_since=NOON - timedelta(hours=1))

    assert result.cursor["running"] == {"hpc": [7]}


def test_an_answer_that_is_cut_short_is_no_success(monkeypatch):
    accounting = Accounting(told())
    monkeypatch.setattr(
        "meterhouse.sources.slurm.sacct_lines.LineBlocks._read",
        lambda self: setattr(self, "incomplete", "cut") or b"",
    )
    result = Result(accounting, history_since=NOON - timedelta(hours=1))

    assert [(window.outcome, window.detail) for window in result.coverage] == [("failed", "cut")]
    assert result.cursor == {}


def test_a_cursor_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="cursor: expected version 1"):
        Result(Accounting(), {"version": 9})


# --- the command


def stand_in(folder: Path, body: str, name: str = "sacct") -> str:
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def failure(command: SacctCommand) -> str:
    with pytest.raises(CommandFailed) as raised:
        command.ask(["--version"])
    return str(raised.value)


def test_sacct_is_asked_for_a_window_in_utc_with_duplicates_and_of_all_users(tmp_path):
    sacct = stand_in(tmp_path, f"print({HEADING!r}, end='')\nprint(os.environ['TZ'], *sys.argv[1:])")
    stand_in(tmp_path, "print('a'); print('b')", "sacctmgr")
    accounting = SacctLines(SacctCommand(path=sacct), ("a", "b"))
    result_lines = []
    for collected in collect(accounting, "hpc", None, NOON, Habits(history_since=NOON - timedelta(hours=1))):
        result_lines = [str(item) for item in collected.delivery.stream]

    (rejection, _) = result_lines
    assert "expected 29 fields" in rejection
    with accounting.ask(_question()) as answer:
        words = answer.read().decode().splitlines()[1].split()
    assert words[:6] == [
        *("UTC", "--allusers", "--duplicates", "--clusters=a,b"),
        *("--starttime=2026-03-01T11:00:00", "--endtime=2026-03-01T12:00:00"),
    ]
    assert words[6:] == ["--parsable2", f"--format={','.join(ASKED_FIELDS)}"]


def _question(**otherwise):
    from meterhouse.sources.slurm.collector import Question

    return Question(**{"start": NOON - timedelta(hours=1), "end": NOON, **otherwise})


def test_jobs_are_asked_for_by_number(tmp_path):
    sacct = stand_in(tmp_path, f"print({HEADING!r} + ' '.join(sys.argv[1:]))")
    with SacctLines(SacctCommand(path=sacct)).ask(_question(jobs=(7, 9), cluster="c")) as answer:
        said = answer.read().decode()
    assert "--clusters=c --jobs=7,9" in said
    assert "--starttime" not in said


def test_ssh_is_given_words_that_its_shell_on_the_other_side_leaves_alone(tmp_path):
    hostile = ["--format=a b", "$(touch /tmp/x)", "it's", "--endtime=2026-03-01T12:00:00"]
    ssh = stand_in(tmp_path, "import subprocess; subprocess.run(['sh', '-c', ' '.join(sys.argv[2:])])", "ssh")
    echo = stand_in(tmp_path, "print(repr(sys.argv[1:]))", "a program")

    for command in (SacctCommand((ssh, "host"), echo), SacctCommand((), echo)):
        with command.ask(hostile) as answer:
            assert answer.read().decode().strip() == repr(hostile)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("sys.exit('cannot connect')", "exit code 1: cannot connect"),
        ("print('sacct: error: slurm_persist_conn_open', file=sys.stderr)", "exit code 0: sacct: error: "),
        ("os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("sys.stderr.write('x' * 100000); sys.exit(2)", "exit code 2: " + "x" * 100),
        ("time.sleep(60)", "no answer within 1 s"),
    ],
)
def test_a_command_that_fails_says_why_in_a_few_words(tmp_path, body, reason):
    said = failure(SacctCommand(path=stand_in(tmp_path, body), timeout=timedelta(seconds=1)))

    assert reason in said
    assert len(said) < 500


def test_a_command_that_isn_t_there_fails():
    assert "No such file" in failure(SacctCommand(("/nowhere/ssh", "host")))


def test_a_banner_before_the_heading_is_no_answer(tmp_path):
    sacct = stand_in(tmp_path, f"print('Welcome to the cluster!'); print({HEADING!r})")

    with pytest.raises(CommandFailed, match="expected sacct's heading on the first line, found 'Welcome"):
        SacctLines(SacctCommand(path=sacct)).ask(_question())


def test_a_cluster_that_slurm_doesn_t_know_is_no_empty_one(tmp_path):
    sacct = stand_in(tmp_path, f"print({HEADING!r}, end='')")
    stand_in(tmp_path, "print('hpc')", "sacctmgr")

    with pytest.raises(CommandFailed, match="found 'elsewhere'"):
        SacctLines(SacctCommand(path=sacct), ("elsewhere",)).ask(_question())
