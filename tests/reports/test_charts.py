"""A chart says what the report says: every figure once, few series, gaps shown, names harmless."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

from meterhouse.reports.charts import NARROW, WIDE, daily_by_institution, draw, largest_projects, to_svg
from meterhouse.reports.monthly import DailyRow, MonthlyReport


def test_bars_hold_every_day_and_institution_and_what_is_not_attributed(report: MonthlyReport) -> None:
    bars = daily_by_institution(report, report.main_meter)["layer"][1]["data"]["values"]
    assert [(bar["day"], bar["series"], bar["figure"]) for bar in bars] == [
        ("18", "University of the North", 6.0),
        ("18", "South College", 2.0),
        ("19", "South College", 2.0),
        ("20", "Not attributed", 1.0),
    ]


def test_days_that_were_not_fully_read_are_marked(report: MonthlyReport) -> None:
    marked = daily_by_institution(report, report.main_meter)["layer"][0]["data"]["values"]
    assert [mark["day"] for mark in marked] == ["29", "30"]


def test_axes_are_titled_with_their_units(report: MonthlyReport) -> None:
    encoding = daily_by_institution(report, report.main_meter)["layer"][1]["encoding"]
    assert encoding["x"]["axis"]["title"] == "Day of April 2018"
    assert encoding["y"]["axis"]["title"] == "Core hours per day"


def test_more_institutions_than_colours_are_drawn_as_one(report: MonthlyReport) -> None:
    names = [f"University {n:02}" for n in range(20)]
    share = {meter: quantity // 20 for meter, quantity in report.totals.items()}
    share["vms_started"] = 0
    many = replace(
        report,
        totals={meter: 20 * quantity for meter, quantity in share.items()},
        institutions=tuple(replace(report.institutions[0], name=name, quantities=share) for name in names),
        daily=tuple(DailyRow(date(2018, 4, 18), name, share) for name in names),
        projects=(replace(report.projects[1], quantities={m: 20 * q for m, q in share.items()}),),
        users=(replace(report.users[0], quantities={m: 20 * q for m, q in share.items()}),),
        items=None,
        unattributed=(),
    )
    chart = daily_by_institution(many, many.main_meter)
    series = chart["layer"][1]["encoding"]["color"]["scale"]["domain"]
    assert series == [*names[:6], "Other institutions", "Days not fully read"]
    bars = chart["layer"][1]["data"]["values"]
    assert len(bars) == 7
    assert round(sum(bar["figure"] for bar in bars), 4) == 11.0


def test_projects_of_one_name_have_bars_of_their_own(report: MonthlyReport) -> None:
    same = replace(
        report, projects=tuple(replace(row, name="zealous", parent=None) for row in report.projects)
    )
    bars = largest_projects(same, same.main_meter)["data"]["values"]
    assert [bar["project"] for bar in bars] == [
        "zealous (p-biology)",
        "zealous (p-physics)",
        "zealous (p-optics)",
        "zealous (p-laser)",
    ]


def test_labels_that_are_cut_stay_apart(report: MonthlyReport) -> None:
    long = tuple(replace(row, name="n" * 200, parent=None) for row in report.projects)
    bars = largest_projects(replace(report, projects=long), report.main_meter)["data"]["values"]
    labels = [bar["project"] for bar in bars]
    assert len(set(labels)) == 4
    assert all(len(label) <= 40 for label in labels)


def test_drawing_needs_no_network_and_gives_the_same_bytes(report: MonthlyReport) -> None:
    assert draw(report) == draw(report)
    assert set(draw(report)) == {"daily", "projects"}


def test_a_name_in_a_chart_is_text(named: Callable[[str], MonthlyReport], hostile_name: str) -> None:
    report = named(hostile_name)
    for width in (WIDE, NARROW):
        for spec in (daily_by_institution, largest_projects):
            svg = ElementTree.fromstring(to_svg(spec(report, report.main_meter, width)))
            tags = {element.tag.split("}")[-1] for element in svg.iter()}
            assert tags <= {"svg", "g", "path", "text", "rect", "line", "defs", "clipPath", "title"}
