"""How do volumes and claims get into Open XDMoD's realm Storage? As samples of a resource of their own."""

from __future__ import annotations

import json
from datetime import date
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from meterhouse.errors import QuestionError
from meterhouse.feeds.xdmod.checking.files import check_file
from meterhouse.feeds.xdmod.writing.out_files import Written
from meterhouse.feeds.xdmod.writing.period import Period
from meterhouse.feeds.xdmod.writing.site_files import write_site_files
from meterhouse.feeds.xdmod.writing.stored_items import write_stored_items
from meterhouse.operations.directory_import import import_csv
from meterhouse.reports.questions import answer_question
from meterhouse.sources.openstack.event_files import read_openstack_events
from meterhouse.sources.raw_table import TIME
from meterhouse.sources.storage_usage import read_storage_usage
from meterhouse.sources.tables import RAW_TABLES
from meterhouse.usage.build import build
from meterhouse.usage.question import Question
from meterhouse.usage.tables import SPAN
from strategies.sites import made_site

GIB = 1 << 30
SETTINGS = """
[site]
name = "Our site"

[[resources]]
name = "cloud"
kind = "cloud"
title = "Research cloud"

[[resources]]
name = "cloud-storage"
kind = "filesystem"
"""


class Held:
    """Stands for a view of a warehouse that holds some rows."""

    def select(self, table, columns=None, **which):
        return f"SELECT {', '.join(columns or '*')} FROM {table}_rows"


@pytest.fixture
def write(engine, make_session, make_dimensions, tmp_path):
    """Write volumes: what each file holds by day, and what was left out."""

    def written(items, first=18, last=20, pis=(), time_zone="UTC", others=()):
        spans = [
            make_session(**{"rules": "default", "state": "attached", "vcpus": None, **one}) for one in items
        ]
        engine.relation("span_rows", pa.Table.from_pylist(spans, schema=SPAN))
        said = [
            {"cloud": "cloud", "project_name": project, "pi": pi, "record": number, "recorded_at": 0}
            for number, (project, pi) in enumerate(pis)
        ]
        schema = RAW_TABLES["xdmod_cloud_project"].schema.append(pa.field("recorded_at", TIME))
        engine.relation("xdmod_cloud_project_rows", pa.Table.from_pylist(said, schema=schema))
        period = Period(date(2018, 4, first), date(2018, 4, last), ZoneInfo(time_zone))
        done = Written()
        write_stored_items(Held(), engine, make_dimensions(), "cloud", period, tmp_path, done, others=others)
        for file in done.files:
            assert check_file(file.path).faults == []
        found = {file.path.name: json.loads(file.path.read_text()) for file in done.files}
        return found, done.left_out

    return written


def volume(start, end, gib, **values):
    usual = {"kind": "volume", "item": "v1", "class": "ssd", "space_bytes": gib * GIB}
    return {**usual, "start": start, "end": end, **values}


def test_a_day_has_the_bytes_that_there_were_on_average(write):
    found, _ = write([volume("18 12:00", "20 06:00", 100)])
    assert list(found) == [f"cloud-storage-2018-04-{day}.json" for day in (18, 19, 20)]
    assert [one["logical_usage"] for (one,) in found.values()] == [50 * GIB, 100 * GIB, 25 * GIB]
    assert found["cloud-storage-2018-04-18.json"] == [
        {
            "resource": "cloud-storage",
            "mountpoint": "volume/ssd",
            "user": "ada",
            "pi": "alpha",
            "dt": "2018-04-18T12:00:00Z",
            "file_count": 1,
            "logical_usage": 50 * GIB,
            "soft_threshold": 0,
            "hard_threshold": 0,
        }
    ]


def test_samples_are_by_kind_class_user_and_pi(write):
    found, _ = write(
        [
            volume("18 00:00", "19 00:00", 1),
            volume("18 00:00", "18 12:00", 2, item="v2", state="unattached"),
            volume("18 00:00", "19 00:00", 4, item="v3", **{"class": None}),
            volume("18 00:00", "19 00:00", 8, item="s1", kind="snapshot"),
            volume("18 00:00", "19 00:00", 16, item="v4", user_name=None, user_ref="u4"),
            volume("18 00:00", "19 00:00", 32, item="i1", kind="image", user_name=None, project_name="beta"),
            volume("18 00:00", "19 00:00", 64, item="c1", kind="claim", group_name="linus"),
            volume("18 00:00", "19 00:00", 128, item="gone", state="deleted"),
        ],
        last=18,
        pis=[("beta", "grace")],
    )
    (samples,) = found.values()
    columns = ("mountpoint", "user", "pi", "file_count")
    assert [(*(one[name] for name in columns), one["logical_usage"] // GIB) for one in samples] == [
        ("claim/ssd", "ada", "linus", 1, 64),
        ("image/ssd", "unknown", "grace", 1, 32),
        ("snapshot/ssd", "ada", "alpha", 1, 8),
        ("volume", "ada", "alpha", 1, 4),
        ("volume/ssd", "ada", "alpha", 2, 2),
        ("volume/ssd", "u4", "alpha", 1, 16),
    ]


def test_days_are_those_of_the_site(write):
    found, _ = write([volume("24 22:00", "26 00:00", 24)], first=25, last=25, time_zone="America/New_York")
    (sample,) = found["cloud-storage-2018-04-25.json"]
    # the 25th of April begins at 04:00 UTC there: 20 of its 24 hours
    assert (sample["dt"], sample["logical_usage"]) == ("2018-04-25T16:00:00Z", 20 * GIB)


def test_bytes_are_rounded_half_up(write):
    found, _ = write([volume("18 00:00", "18 12:00", 0, space_bytes=1)], last=18)
    assert [one["logical_usage"] for (one,) in found.values()] == [1]


def test_names_without_room_are_left_out_and_told(write):
    found, left_out = write([volume("18 00:00", "19 00:00", 1, user_name="u" * 31)], last=18)
    assert list(found.values()) == [[]]
    (told,) = left_out
    assert told.endswith("on 2018-04-18, field user: expected at most 30 characters, found 31")


def test_a_name_that_another_resource_has_is_refused(write):
    with pytest.raises(QuestionError, match="'cloud-storage': expected no other resource of that name"):
        write([volume("18 00:00", "19 00:00", 1)], others=["cloud", "cloud-storage"])


EVENTS = [
    ("volume.create.end", "18T12:00:00", {"size": 100}),
    ("volume.resize.end", "19T12:00:00", {"size": 300}),
    ("volume.delete.end", "20T06:00:00", {"size": 300}),
]


def test_what_is_read_back_is_the_same_usage(tmp_path):
    events = [
        {"event_type": kind, "generated": f"2018-04-{at}", "resource_id": "v1", "volume_id": "v1",
         "project_id": "p1", "project_name": "alpha", "user_name": "ada", **values}
        for kind, at, values in EVENTS
    ]  # fmt: skip
    path = tmp_path / "2018-04-18T00.00.00_2018-04-20T23.59.59.json"
    path.write_text(json.dumps(events))
    (tmp_path / "pi.csv").write_text("grace,alpha,cloud\n")
    alone = SETTINGS.split('[[resources]]\nname = "cloud-storage"')[0]
    with made_site(tmp_path / "site", alone) as site:
        site.warehouse.land(read_openstack_events(path, "cloud"))
        import_csv(site, "cloud-project-to-pi", tmp_path / "pi.csv")
        build(site.warehouse, site.engine, "UTC")
        done = write_site_files(site, "cloud", date(2018, 4, 18), date(2018, 4, 20), tmp_path / "out")
        question = Question.ask(
            realm="cloud-storage",
            meters=["gib_hours"],
            by=["day"],
            first=date(2018, 4, 18),
            last=date(2018, 4, 20),
        )
        hours = [row.values[0] for row in answer_question(site, question).rows]
    resources = json.loads((tmp_path / "out" / "resources.json").read_text())
    assert [(one["resource"], one["name"], one["resource_type"]) for one in resources] == [
        ("cloud", "Research cloud", "Cloud"),
        ("cloud-storage", "Research cloud storage", "Disk"),
    ]
    samples = []
    with made_site(tmp_path / "again", SETTINGS) as again:
        for file in done.files:
            assert check_file(file.path).faults == []
            if file.path.parent.name == "storage":
                samples += json.loads(file.path.read_text())
                assert again.warehouse.land(read_storage_usage(file.path, "cloud-storage")).rejections == 0
    assert {one["pi"] for one in samples} == {"grace"}
    # 12 hours of 100 GiB; 12 of 100 and 12 of 300; 6 of 300
    assert [one["logical_usage"] / GIB * 24 for one in samples] == [1200, 4800, 1800]
    assert hours == [1200, 4800, 1800]
