"""Reports that a person can check by hand: three projects in a tree, two institutions, three April days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from meterhouse.reports.coverage import CoverageStatement, Window
from meterhouse.reports.monthly import (
    DailyRow,
    InstitutionRow,
    ItemRow,
    Meter,
    MonthlyReport,
    Previous,
    ProjectRow,
    Unattributed,
    UserRow,
)
from meterhouse.reports.names import shown
from meterhouse.reports.transaction_log import LogLine

HOUR = 3600

CORE_HOURS = Meter(
    "core_hours", "Core hours", "core hours", HOUR, "vCPUs of a VM times the hours that it was running."
)
MEMORY = Meter(
    "memory_gib_hours",
    "Memory",
    "GiB hours",
    1024 * HOUR,
    "Memory of a VM in GiB times the hours that it was running.",
)
STARTED = Meter("vms_started", "Started", "VMs", 1, "VMs that began to run.", places=0)

FORMULA = "=cmd|' /C calc'!A0"
TYPST_CODE = '#import "x": *; $x$ *bold* _i_ <l> @ref #panic("no")'
SCRIPT = "<script>alert(1)</script>"
LONG = "n" * 200
RIGHT_TO_LEFT = "مشروع الحوسبة"
EMOJI = "👩‍🔬 lab 🧪"
REVERSED = "safe\u202egnp.exe"
HOSTILE_NAMES = (
    FORMULA,
    TYPST_CODE,
    SCRIPT,
    LONG,
    RIGHT_TO_LEFT,
    EMOJI,
    REVERSED,
    "@SUM(1)",
    "+1",
    "-1",
    "a\nb",
)


def utc(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2018, 4, day, hour, minute, tzinfo=UTC)


def used(core_hours: int, started: int) -> dict[str, int]:
    """So many hours of one core, each with 2 GiB of memory."""
    seconds = core_hours * HOUR
    return {"core_hours": seconds, "memory_gib_hours": seconds * 2048, "vms_started": started}


NORTH, SOUTH = "University of the North", "South College"


def _item(
    item: str, name: str, kind: str, project: str, user: str, size: str, use: dict[str, int], **states: int
) -> ItemRow:
    return ItemRow(item, name, kind, "openstack-a", project, user, size, use, states)


def _line(time: datetime, action: str, record: int) -> LogLine:
    return LogLine(time, "yerwa", "physics", action, "vm-1", "openstack-a", "vm", "b1", record)


@pytest.fixture
def report() -> MonthlyReport:
    """physics (own 3 h) > optics (own 2 h) > laser (own 1 h) of North; biology 4 h of South; 1 h of nobody.

    3 + 2 + 1 + 4 + 1 = 11 core hours are 39600 core seconds. Memory is 2 GiB per core.
    30 April was never read, and the reading of the 29th's first half failed.
    """
    return MonthlyReport(
        label="April 2018",
        start=date(2018, 4, 1),
        end=date(2018, 5, 1),
        zone="UTC",
        site="Example Research Cloud",
        profile="default",
        profile_counts="Time in which a VM is known to have been running.",
        snapshot=42,
        recorded_until=datetime(2018, 5, 2, 6, 0, tzinfo=UTC),
        meters=(CORE_HOURS, MEMORY, STARTED),
        totals=used(11, 5),
        institutions=(
            InstitutionRow(NORTH, used(6, 3), 3, 2),
            InstitutionRow(SOUTH, used(4, 1), 1, 1),
        ),
        projects=(
            ProjectRow("p-laser", "laser", used(1, 1), "p-optics", NORTH, "Curie, M."),
            ProjectRow("p-physics", "physics", used(3, 1), None, NORTH, "Curie, M."),
            ProjectRow("p-optics", "optics", used(2, 1), "p-physics", NORTH, "Hooke, R."),
            ProjectRow("p-biology", "biology", used(4, 1), None, SOUTH, "Mendel, G."),
        ),
        users=(
            UserRow("u1", "yerwa", used(6, 3), NORTH, ("physics", "optics", "laser")),
            UserRow("u2", "zehra", used(4, 1), SOUTH, ("biology",)),
        ),
        daily=(
            DailyRow(date(2018, 4, 18), NORTH, used(6, 3)),
            DailyRow(date(2018, 4, 18), SOUTH, used(2, 1)),
            DailyRow(date(2018, 4, 19), SOUTH, used(2, 0)),
            DailyRow(date(2018, 4, 20), None, used(1, 1)),
        ),
        unattributed=(
            Unattributed("institution", "project p-lost belongs to no institution", used(1, 1)),
            Unattributed("project", "project p-lost is not in the directory", used(1, 1)),
            Unattributed("user", "user u9 is not in the directory", used(1, 1)),
        ),
        items=(
            _item("vm-1", "web", "vm", "physics", "yerwa", "c1.m2", used(6, 3), active=21600, inactive=1800),
            _item("vm-2", "", "vm", "biology", "zehra", "c2.m4", used(4, 1), active=7200),
            _item("vm-3", "lost", "vm", "", "", "c1.m2", used(1, 1), active=3600),
            _item("vol-1", "data", "volume", "physics", "yerwa", "ssd", {}, attached=3600),
        ),
        coverage=(
            CoverageStatement(
                "openstack-a",
                "openstack-events",
                read=(Window(utc(1), utc(29)), Window(utc(29, 12), utc(30))),
                failed=(Window(utc(29), utc(29, 12), "503 Service Unavailable"),),
                not_covered=(Window(utc(30), datetime(2018, 5, 1, tzinfo=UTC)),),
                records=1234,
            ),
        ),
        log=(
            _line(utc(18, 14, 58), "created VM web, flavor c1.m2, 1 vCPU, 2 GiB, in project physics", 3),
            _line(utc(18, 20, 58), "deleted VM web", 9),
        ),
        previous=Previous("March 2018", used(10, 4), {SOUTH: used(2, 1)}, complete=True),
        notes=("VMs of the test region are left out.",),
    )  # fmt: skip


@pytest.fixture(params=HOSTILE_NAMES, ids=lambda name: ascii(name)[:24])
def hostile_name(request: pytest.FixtureRequest) -> str:
    """A name that tries to act as a formula, as markup or as code, or that is hard to set."""
    name: str = request.param
    return name


@pytest.fixture
def named(report: MonthlyReport) -> Callable[[str], MonthlyReport]:
    """The report with one name in every place where an outside name can stand."""

    def rename(name: str) -> MonthlyReport:
        return replace(
            report,
            label="April 2018",
            site=name,
            scope=name,
            institutions=(replace(report.institutions[0], name=name), *report.institutions[1:]),
            projects=(*(replace(row, name=name, institution=name, pi=name) for row in report.projects[:-1]),
                      replace(report.projects[-1], key=name)),
            users=tuple(
                replace(row, name=name, institution=name, projects=(name,)) for row in report.users
            ),
            daily=tuple(
                replace(row, institution=name if row.institution == NORTH else row.institution)
                for row in report.daily
            ),
            items=tuple(
                replace(row, item=f"{name}{n}", name=name, project=name, user=name, size=name, resource=name)
                for n, row in enumerate(report.items or ())
            ),
            unattributed=tuple(replace(line, reason=name) for line in report.unattributed),
            coverage=tuple(replace(line, resource=name, source=name) for line in report.coverage),
            log=tuple(
                replace(line, user=name, project=name, item=name, action=f"created VM {shown(name)}")
                for line in report.log or ()
            ),
            notes=(name,),
        )  # fmt: skip

    return rename
