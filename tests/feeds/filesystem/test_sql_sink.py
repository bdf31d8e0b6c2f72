"""Reports in the tables of others: whole dates, remarks that stay, names as they are."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from scan_reading import Entry

from meterhouse.errors import ConfigurationError, QuestionError
from meterhouse.feeds.filesystem.databases import SinkError, connected
from meterhouse.feeds.filesystem.report_tables import UsageRecord
from meterhouse.feeds.filesystem.sql_sink import make_tables, put_usage
from services.storage_world import DAY, TIB, moment

NOON = moment("2024-01-05")
TOP = "/lustre/s118/projects"


def file(path: str, size: int, gid: int = 7, age: int = 1) -> Entry:
    return Entry(path.encode(), size, gid=gid, mtime=NOON - age * DAY)


def publish(world, url, day="2024-01-05", *options):
    world.done("storage", "groups", day, "--volume", "s118", "--replace")
    return world.done("storage", "publish", day, "--volume", "s118", "--to", url, *options)


def rows(url, table, *columns):
    with connected(url) as database:
        names = ", ".join(database.quoted(name) for name in columns)
        return sorted(database.rows(f"SELECT {names} FROM {table}"), key=str)


def run(url, sql):
    with connected(url) as database:
        database.run(sql if database.is_postgresql else sql.replace('"', "`"))


def test_both_tables_have_the_columns_of_the_replaced_pipeline(world, database_url):
    world.scan("s118", "2024-01-05", file(f"{TOP}/p/sub/a.bam", TIB // 4), file(f"{TOP}/p/b", TIB // 8, 8))
    world.quota("s118", "2024-01-04", hgi=2**30)
    world.done("storage", "decide", "s118", "projects/p", "sub", "--status", "old")
    told = publish(world, database_url)
    assert "lustre_usage: 2 rows of 2024-01-05; spaceman: 2 rows" in told
    assert rows(
        database_url, "lustre_usage",
        "Lustre Volume", "PI", "Unix Group", "Used (bytes)", "Quota (bytes)", "Consumption",
        "Last Modified (days)", "Archived Directories", "date", "isHumgen",
    ) == [
        ("s118", None, "hgi", TIB // 4, TIB, "0.2 TiB of 1.0 TiB (25.0%)", Decimal("1.0"), None,
         date(2024, 1, 5), 0),
        ("s118", None, "humgen", TIB // 8, None, "0.1 TiB", Decimal("1.0"), None, date(2024, 1, 5), 0),
    ]  # fmt: skip
    assert rows(
        database_url, "spaceman",
        "Project", "Directory", "Volume", "Files", "Total", "BAM", "CRAM", "VCF", "PEDBED",
        "Last Modified (days)", "PI", "Project Total", "Status", "Action", "Comment", "Unix Group",
    ) == [
        ("projects/p", "*TOTAL*", "s118", 2, 0.375, 0.25, 0, 0, 0, 1.0, None, 0.375, None, None, None, "hgi"),
        ("projects/p", "sub", "s118", 1, 0.25, 0.25, 0, 0, 0, 1.0, None, 0.375, "old", None, None, "hgi"),
    ]  # fmt: skip
    assert len(rows(database_url, "lustre_usage", "id")) == len(rows(database_url, "spaceman", "index")) == 2


def test_a_date_is_there_once_unless_replaced_and_other_dates_stay(world, database_url):
    used = ("date", "Unix Group", "Used (bytes)")
    world.scan("s118", "2024-01-05", file(f"{TOP}/p/a", 1), file(f"{TOP}/p/b", 2, 8))
    publish(world, database_url)
    world.scan("s118", "2024-01-06", file(f"{TOP}/p/a", 4))
    publish(world, database_url, "2024-01-06")
    world.scan("s118", "2024-01-05", file(f"{TOP}/p/a", 8))
    with pytest.raises(SinkError, match="expected nothing of 2024-01-05 yet, found s118; --replace"):
        publish(world, database_url)
    assert [row[1:] for row in rows(database_url, "lustre_usage", *used)] == [
        ("hgi", 1), ("humgen", 2), ("hgi", 4),
    ]  # fmt: skip
    # the project report came in the same transaction: it isn't there either
    assert rows(database_url, "spaceman", "Files") == [(1,)]
    publish(world, database_url, "2024-01-05", "--replace")
    assert [row[1:] for row in rows(database_url, "lustre_usage", *used)] == [("hgi", 8), ("hgi", 4)]


def test_what_people_wrote_into_the_table_survives_every_scan(world, database_url):
    both = file(f"{TOP}/p/one/a", 1), file(f"{TOP}/p/two/a", 2)
    world.scan("s118", "2024-01-05", *both)
    publish(world, database_url)
    run(
        database_url, """UPDATE spaceman SET "Status" = 'mine', "Comment" = 'ask' WHERE "Directory" = 'one'"""
    )
    run(database_url, """UPDATE spaceman SET "Action" = 'keep' WHERE "Directory" = 'two'""")
    columns = ("Directory", "Status", "Action", "Comment")
    world.scan("s118", "2024-01-06", both[0])  # two is gone
    assert "2 remarks noted" in publish(world, database_url, "2024-01-06")
    assert rows(database_url, "spaceman", *columns) == [
        ("*TOTAL*", None, None, None), ("one", "mine", None, "ask"),
    ]  # fmt: skip
    world.scan("s118", "2024-01-07", *both)  # and back
    world.done("storage", "decide", "s118", "projects/p", "one", "--status", "ours")
    publish(world, database_url, "2024-01-07")
    assert rows(database_url, "spaceman", *columns) == [
        ("*TOTAL*", None, None, None), ("one", "ours", None, "ask"), ("two", None, "keep", None),
    ]  # fmt: skip


def test_other_volumes_stay_in_the_table(world, database_url):
    world.scan("s118", "2024-01-05", file(f"{TOP}/p/a", 1))
    publish(world, database_url)
    run(database_url, """INSERT INTO spaceman ("Project", "Directory", "Volume") VALUES ('p', 'x', 's117')""")
    publish(world, database_url, "2024-01-05", "--replace")
    assert [row[0] for row in rows(database_url, "spaceman", "Volume")] == ["s117", "s118"]


def record(group: str, used: int = 1) -> UsageRecord:
    day = date(2024, 1, 5)
    return UsageRecord("s118", None, group, used, None, "", None, None, day, True)


def test_names_are_kept_as_they_are(database_url):
    names = ["HGI", "hgi", "x'; DROP TABLE lustre_usage; --", '"`%s', "größe 👩‍🔬", "back\\slash"]
    with connected(database_url) as database:
        make_tables(database)
        put_usage(database, date(2024, 1, 5), ["s118"], [record(name) for name in names])
    assert sorted(row[0] for row in rows(database_url, "lustre_usage", "Unix Group")) == sorted(names)


@pytest.mark.parametrize("unfit", [record("b", 2**63), record("x" * 256)])
def test_what_doesnt_fit_takes_the_whole_date_back(database_url, unfit):
    with connected(database_url) as database:
        make_tables(database)
    with pytest.raises(SinkError, match="database: "), connected(database_url) as database:
        put_usage(database, date(2024, 1, 5), ["s118"], [record("a"), unfit])
    assert rows(database_url, "lustre_usage", "id") == []


def test_a_report_must_be_kept_before_it_is_published(world, database_url):
    with pytest.raises(QuestionError, match="expected a kept group report of 2024-01-05, found none"):
        world.run("storage", "publish", "2024-01-05", "--to", database_url)


@pytest.mark.parametrize("url", ["oracle://u@h/d", "lustre_usage"])
def test_other_databases_are_refused(url):
    with (
        pytest.raises(ConfigurationError, match="expected a URL that begins with postgresql://"),
        connected(url),
    ):
        pass


def test_a_password_stands_nowhere(mariadb):
    with pytest.raises(ConfigurationError) as refused, connected("mysql://u:hush@127.0.0.1/d"):
        pass
    assert "hush" not in str(refused.value)
    mariadb.run("CREATE USER 'meterhouse'@'localhost' IDENTIFIED BY 'right'")
    url = mariadb.database()
    mariadb.run("GRANT ALL ON *.* TO 'meterhouse'@'localhost'")
    named = url.replace("root@", "meterhouse@")
    with connected(named, "right") as database:
        assert database.rows("SELECT 1") == [(1,)]
    with pytest.raises(SinkError, match="Access denied") as refused, connected(named, "hush"):
        pass
    assert "hush" not in str(refused.value)
    with pytest.raises(SinkError) as refused, connected("postgresql://u@127.0.0.1:9/d", "hush"):
        pass
    assert "hush" not in str(refused.value)
