"""Does the register open where it should, tell no secret, and migrate once?"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from warehouse_examples import forkserver, migrate

from meterhouse.register.address import RegisterError, read_address
from meterhouse.register.database import Register, open_register
from meterhouse.warehouse.catalogue.models import SnapshotCounter


def test_two_sites_of_one_process_have_their_own_databases(tmp_path: Path) -> None:
    one, other = open_register(tmp_path / "one.sqlite"), open_register(tmp_path / "other.sqlite")
    one.migrate()
    assert one.alias != other.alias
    assert one.is_current()
    assert not other.is_current()
    assert open_register(f"sqlite:///{tmp_path}/one.sqlite").alias == one.alias


def test_opening_a_current_register_asks_two_questions_and_migrates_nothing(register: Register) -> None:
    with CaptureQueriesContext(connections[register.alias]) as queries:
        register.migrate()
    assert len(queries) <= 2


def test_a_register_that_was_never_made_is_refused_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(RegisterError, match="does not exist"):
        open_register(tmp_path / "missing.sqlite").require_current()
    assert not (tmp_path / "missing.sqlite").exists()


def test_a_register_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(RegisterError, match="migrate it"):
        open_register(tmp_path / "empty.sqlite").require_current()


def test_several_processes_may_migrate_at_once(empty_url: str) -> None:
    processes = [forkserver.Process(target=migrate, args=(empty_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    register = open_register(empty_url)
    assert register.is_current()
    assert SnapshotCounter.objects.using(register.alias).count() == 1
    register.close()


def test_sqlite_syncs_every_commit_and_lets_readers_read(tmp_path: Path) -> None:
    register = open_register(tmp_path / "register.sqlite")
    register.migrate()
    with connections[register.alias].cursor() as cursor:
        found = [
            cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert found == ["wal", 2, 1, 60_000]


def test_a_password_in_the_url_is_refused_without_repeating_it() -> None:
    for url in ("postgresql://me:Sesame1@db/site", "postgresql://me@db/site?password=Sesame1"):
        with pytest.raises(RegisterError) as refused:
            read_address(url)
        assert "Sesame1" not in str(refused.value)
        assert "password_env" in str(refused.value)


def test_a_password_by_reference_reaches_the_database_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SITE_PASSWORD", "Sesame1")
    (tmp_path / "password").write_text("Sesame2\n")
    by_env = read_address("postgresql://me@db:5433/site?password_env=SITE_PASSWORD&sslmode=require")
    by_file = read_address(f"postgresql://me@db/site?password_file={tmp_path}/password")
    assert by_env.settings["PASSWORD"] == "Sesame1"
    assert by_env.settings["OPTIONS"] == {"sslmode": "require"}
    assert by_file.settings["PASSWORD"] == "Sesame2"
    assert by_env.shown == "postgresql://me@db:5433/site"
    assert "Sesame" not in repr(by_env) + repr(by_file)


def test_a_password_reference_that_leads_nowhere_is_named() -> None:
    with pytest.raises(RegisterError, match="environment variable NOT_THERE"):
        read_address("postgresql://me@db/site?password_env=NOT_THERE")
    with pytest.raises(RegisterError, match="/not/there"):
        read_address("postgresql://me@db/site?password_file=/not/there")


@pytest.mark.parametrize("url", ["mysql://db/site", "postgresql://me@db"])
def test_an_address_that_makes_no_sense_says_what_was_expected(url: str) -> None:
    with pytest.raises(RegisterError, match="expected"):
        read_address(url)
