"""Report files have stable names, and each is whole or not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from meterhouse.reports.monthly import MonthlyReport
from meterhouse.reports.write import write_monthly, write_whole


def test_files_are_named_after_the_month(report: MonthlyReport, tmp_path: Path) -> None:
    paths = write_monthly(report, tmp_path / "out")
    assert [str(path.relative_to(tmp_path / "out")) for path in paths] == [
        "monthly-2018-04.pdf",
        "monthly-2018-04.html",
        "monthly-2018-04.xlsx",
        "monthly-2018-04-csv/summary.csv",
        "monthly-2018-04-csv/institutions.csv",
        "monthly-2018-04-csv/projects.csv",
        "monthly-2018-04-csv/users.csv",
        "monthly-2018-04-csv/items.csv",
        "monthly-2018-04-csv/daily.csv",
        "monthly-2018-04-csv/coverage.csv",
        "monthly-2018-04-csv/log.csv",
    ]
    assert all(path.stat().st_size for path in paths)


def test_only_the_formats_asked_for_are_written(report: MonthlyReport, tmp_path: Path) -> None:
    assert [path.name for path in write_monthly(report, tmp_path, ["html"])] == ["monthly-2018-04.html"]
    assert [path.name for path in tmp_path.iterdir()] == ["monthly-2018-04.html"]


def test_an_unknown_format_writes_nothing(report: MonthlyReport, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="format: expected one of pdf, html, xlsx, csv, found docx"):
        write_monthly(report, tmp_path / "out", ["html", "docx"])
    assert not (tmp_path / "out").exists()


def test_a_table_that_the_report_no_longer_holds_goes(report: MonthlyReport, tmp_path: Path) -> None:
    write_monthly(report, tmp_path, ["csv"])
    write_monthly(replace(report, log=None), tmp_path, ["csv"])
    assert not (tmp_path / "monthly-2018-04-csv" / "log.csv").exists()


def test_a_failed_write_leaves_the_earlier_file_and_no_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError("no space left")

    path = tmp_path / "monthly.pdf"
    write_whole(path, b"first")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
