"""A report adds up or can't be made; the project tree rolls up exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from meterhouse.reports.monthly import MonthlyReport, ReportDoesNotAddUp, project_tree


def used(core_seconds: int) -> dict[str, int]:
    return {"core_hours": core_seconds, "memory_gib_hours": 0, "vms_started": 0}


def test_usage_lost_from_any_grouping_is_refused(report: MonthlyReport) -> None:
    for grouping in ("institutions", "projects", "users", "daily", "items"):
        with pytest.raises(ReportDoesNotAddUp, match="expected rows that make the total 39600, found"):
            replace(report, **{grouping: getattr(report, grouping)[1:]})


def test_usage_that_is_not_attributed_is_part_of_the_total(report: MonthlyReport) -> None:
    with pytest.raises(ReportDoesNotAddUp, match=r"core_hours by institution: .* total 39600, found 36000"):
        replace(report, unattributed=())


def test_distinct_counts_need_not_add_up(report: MonthlyReport) -> None:
    running = replace(report.meters[2], id="vms_running", adds_up=False)
    replace(report, meters=(*report.meters, running), totals={**report.totals, "vms_running": 3})


def test_the_daily_series_may_be_of_the_main_meter_only(report: MonthlyReport) -> None:
    daily = tuple(
        replace(row, quantities={"core_hours": row.quantities["core_hours"]}) for row in report.daily
    )
    replace(report, daily=daily)


def test_a_project_rolls_up_everything_below_it(report: MonthlyReport) -> None:
    tree = [
        (branch.row.name, branch.depth, branch.parent_name, branch.with_subprojects["core_hours"] // 3600)
        for branch in project_tree(report)
    ]
    assert tree == [
        ("physics", 0, None, 6),  # 3 of its own, 2 of optics, 1 of laser
        ("optics", 1, "physics", 3),
        ("laser", 2, "optics", 1),
        ("biology", 0, None, 4),
    ]


def test_a_project_whose_parent_is_not_in_the_report_stands_at_the_top(report: MonthlyReport) -> None:
    moved = replace(report.projects[0], parent="p-elsewhere")
    tree = project_tree(replace(report, projects=(moved, *report.projects[1:])))
    assert [(branch.row.name, branch.depth) for branch in tree][-1] == ("laser", 0)


def test_a_project_among_its_own_ancestors_is_refused(report: MonthlyReport) -> None:
    physics = replace(report.projects[1], parent="p-laser")
    with pytest.raises(ValueError, match=r"project p-laser: .* found itself among its ancestors"):
        replace(report, projects=(report.projects[0], physics, *report.projects[2:]))


def test_a_tree_deeper_than_pythons_stack_rolls_up(report: MonthlyReport) -> None:
    first = report.projects[1]
    chain = [replace(first, key="0", parent=None, quantities=used(3600))]
    chain += [replace(first, key=str(n), parent=str(n - 1), quantities=used(3600)) for n in range(1, 3000)]
    sums = used(3000 * 3600)
    deep = replace(
        report,
        totals=sums,
        projects=tuple(chain),
        institutions=(replace(report.institutions[0], quantities=sums),),
        users=(replace(report.users[0], quantities=sums),),
        daily=(),
        items=None,
        unattributed=(),
    )
    assert project_tree(deep)[0].with_subprojects["core_hours"] == 3000 * 3600


def test_two_rows_for_one_key_are_refused(report: MonthlyReport) -> None:
    with pytest.raises(ValueError, match="project p-laser: expected one row, found several"):
        replace(report, projects=(*report.projects, report.projects[0]))


def test_recorded_until_is_in_utc(report: MonthlyReport) -> None:
    with pytest.raises(ValueError, match="recorded_until: expected a time in UTC"):
        replace(report, recorded_until=datetime(2018, 5, 2))


def test_no_data_is_not_zero(report: MonthlyReport) -> None:
    memory = report.meters[1]
    assert memory.figure({}) is None
    assert memory.figure({"memory_gib_hours": 0}) == Decimal("0.0000")
    assert memory.figure({"memory_gib_hours": 1536 * 3600}) == Decimal("1.5000")


def test_the_period_names_a_month_or_both_days(report: MonthlyReport) -> None:
    assert report.period == "2018-04"
    assert replace(report, end=date(2018, 4, 20)).period == "2018-04-01_2018-04-19"


def test_the_log_command_is_safe_to_paste(report: MonthlyReport) -> None:
    assert (
        report.log_command("zealous") == "meterhouse log --project zealous --from 2018-04-01 --to 2018-04-30"
    )
    assert report.log_command("$(reboot)").split(" --from")[0] == "meterhouse log --project '$(reboot)'"
