"""Is a download what the command prints? Byte for byte; names stay text wherever they are opened."""

from __future__ import annotations

import io
import json
import subprocess
from datetime import UTC, datetime
from decimal import Decimal

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from served import METERHOUSE, Served
from two_institutions import FIRST, FORMULA, LAST, PERIOD

from meterhouse.usage.answer import Answer
from meterhouse.usage.answer_rows import Row
from meterhouse.usage.question import Question
from meterhouse.web.api.formats import as_csv
from meterhouse.web.pages.workbook import workbook_of

QUESTIONS = [
    {"by": "day,portal_project", "meter": "core_hours"},
    {"by": "person", "meter": "core_hours,wall_hours,vms_running"},
    {"by": "", "meter": "core_hours"},
    {"by": "month,institution", "meter": "core_hours", "where": "institution=Northfield"},
]


def printed(served: Served, how: str, question: dict[str, str]) -> bytes:
    """What the command prints."""
    options = [f"--{name}={value}" for name, value in question.items() if value]
    options += [f"--from={FIRST}", f"--to={LAST}", f"--format={how}"]
    command = [METERHOUSE, "--site", str(served.folder), "usage", *options]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("how", ["csv", "json"])
def test_a_download_is_what_the_command_prints(served: Served, how: str, question: dict[str, str]) -> None:
    asked = {"realm": "cloud", "format": how, **question, **PERIOD}
    answer = served.browser("staff").get("/explore/download", params=asked)
    assert answer.content == printed(served, how, question)
    disposition = f'attachment; filename="usage-cloud-{FIRST}-{LAST}.{how}"'
    assert answer.headers["content-disposition"] == disposition


def test_a_download_has_what_the_account_may_see(served: Served) -> None:
    asked = {"format": "csv", "by": "portal_project", "meter": "core_hours", **PERIOD}
    answer = served.browser("member").get("/explore/download", params=asked)
    assert answer.text == "portal_project,portal_project_id,core_hours\nTides,tides,960.0000\n"


def test_parquet_holds_exact_decimals(served: Served) -> None:
    asked = {"format": "parquet", "by": "portal_project", "meter": "core_hours", **PERIOD}
    answer = served.browser("pi").get("/explore/download", params=asked)
    table = pq.read_table(io.BytesIO(answer.content))
    assert table.schema.field("core_hours").type == pa.decimal128(38, 4)
    assert table.column("core_hours").to_pylist() == [Decimal("480.0000"), Decimal("960.0000")]


def test_a_workbook_holds_numbers_and_says_what_was_asked(served: Served) -> None:
    asked = {"format": "xlsx", "by": "portal_project", "meter": "core_hours", **PERIOD}
    answer = served.browser("pi").get("/explore/download", params=asked)
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    rows = [[cell.value for cell in row] for row in book["Figures"].iter_rows()]
    assert rows == [
        ["portal_project", "portal_project_id", "Core hours (core hours)"],
        ["Ocean", "ocean", 480],
        ["Tides", "tides", 960],
    ]
    about = {row[0].value: row[1].value for row in book["Question"].iter_rows()}
    assert about["Site"] == "Two institutions"
    assert about["Asked"].startswith("meterhouse usage --realm cloud --meter core_hours --by portal_project")


@pytest.mark.parametrize(("how", "begins"), [("png", b"\x89PNG\r\n"), ("svg", b"<svg"), ("pdf", b"%PDF-")])
@pytest.mark.parametrize("chart", ["line", "bar", "area", "pie", "heat"])
def test_charts_are_drawn_as_files(served: Served, how: str, begins: bytes, chart: str) -> None:
    asked = {"format": how, "by": "day,portal_project", "meter": "core_hours", "chart": chart, **PERIOD}
    if how != "svg" and chart not in ("line", "heat"):
        pytest.skip("one drawing each is enough")
    answer = served.browser("staff").get("/explore/download", params={**asked, "compare": "previous"})
    assert answer.content.startswith(begins)
    if how == "svg":
        assert "Core hours" in answer.text
        assert "Waves" in answer.text


@pytest.mark.parametrize(
    ("asked", "mistake"),
    [
        ({"format": "exe"}, "format: expected one of csv, json"),
        ({"format": "png", "chart": "x"}, "chart: expected one of"),
        ({"format": "png", "from": "2001-01-01", "to": "2001-01-02"}, "found no data"),
        ({"by": "nonsense"}, "by: expected one of"),
    ],
)
def test_what_cannot_be_made_is_said(served: Served, asked: dict[str, str], mistake: str) -> None:
    answer = served.browser("staff").get(
        "/explore/download", params={"meter": "core_hours", **PERIOD, **asked}
    )
    assert answer.status_code == 400
    assert mistake in answer.text


def test_a_name_is_no_formula_wherever_it_is_opened() -> None:
    question = Question.ask(realm="cloud", meters=["core_hours"], first=FIRST, last=LAST, by=["project"])
    found = Answer(question, 1, (Row("", (FORMULA,), ("@SUM(1)",), (Decimal("-1.0000"),), (0,)),))
    csv = as_csv(found.columns(), found.records()).decode()
    # A number may be negative; a text that a spreadsheet would run gets an apostrophe before it.
    assert csv.splitlines()[1] == "'=cmd|' /C calc'!A0,'@SUM(1),-1.0000"
    made = workbook_of(found, "=asked()", "=site", datetime(2026, 11, 23, tzinfo=UTC))
    book = openpyxl.load_workbook(io.BytesIO(made))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert FORMULA in [cell.value for cell in cells]


def test_json_of_a_download_is_a_list(served: Served) -> None:
    answer = served.browser("staff").get("/explore/download", params={"format": "json", "by": "", **PERIOD})
    assert json.loads(answer.text) == [{"core_hours": "7200.0000"}]
