"""PDF, page, workbook and CSV say the same figures, are the same bytes each time, and run no name."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from html.parser import HTMLParser
from io import BytesIO, StringIO

import openpyxl
import pytest
from pypdf import PdfReader
from syrupy.assertion import SnapshotAssertion

from meterhouse.reports.csv_files import render_csv
from meterhouse.reports.document import document
from meterhouse.reports.html import render_html
from meterhouse.reports.monthly import ItemRow, MonthlyReport
from meterhouse.reports.names import shown
from meterhouse.reports.pdf import render_pdf
from meterhouse.reports.xlsx import render_xlsx

Named = Callable[[str], MonthlyReport]
RENDERERS = [render_pdf, render_html, render_xlsx, render_csv]


def pdf_text(content: bytes) -> str:
    pages = PdfReader(BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).replace("\u200b", "").split())


class Page(HTMLParser):
    """What a browser would make of the page: its elements, and its text outside of style."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._inside: list[str] = []
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self._inside:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


@pytest.mark.parametrize("render", RENDERERS)
def test_rendering_again_gives_the_same_bytes(
    render: Callable[[MonthlyReport], bytes], report: MonthlyReport
) -> None:
    assert render(report) == render(replace(report))


@pytest.mark.parametrize("render", [render_pdf, render_html])
def test_a_reader_sees_totals_gaps_and_what_is_not_attributed(
    render: Callable[[MonthlyReport], bytes], report: MonthlyReport
) -> None:
    content = render(report)
    text = Page(content).text if render is render_html else pdf_text(content)
    assert "Total11.000022.00005" in text.replace(" ", "")
    assert "Not attributed" in text
    assert "project p-lost belongs to no institution" in text
    assert "29 April 00:00 to 29 April 12:00 failed; 30 April never read" in text
    assert "503 Service Unavailable" in text
    assert "snapshot 42, recorded until 2018-05-02 06:00:00 UTC" in text
    assert "+10.0 % (March 2018: 10.0000)" in text
    assert "+100.0 % on March 2018" in text  # South College: 2 core hours, now 4
    assert "meterhouse log --project p-physics --from 2018-04-01 --to 2018-04-30" in text
    assert "created VM web, flavor c1.m2, 1 vCPU, 2 GiB, in project physics" in text
    assert "may differ from its total in the last digit" in text


def test_the_project_tree_shows_own_use_and_with_subprojects(report: MonthlyReport) -> None:
    table = next(section for section in document(report).sections if section.id == "projects").tables[0]
    assert [(row.style, row.depth, row.cells[0].text, row.cells[1].text) for row in table.rows] == [
        ("branch", 0, "physics", "6.0000"),
        ("own", 1, "physics: own use", "3.0000"),
        ("branch", 1, "optics", "3.0000"),
        ("own", 2, "optics: own use", "2.0000"),
        ("plain", 2, "laser", "1.0000"),
        ("plain", 0, "biology", "4.0000"),
        ("unattributed", 0, "Not attributed", "1.0000"),
        ("total", 0, "Total", "11.0000"),
    ]
    assert table.rows[4].cells[0].sub == "sub-project of optics · PI Curie, M. · University of the North"


def test_the_pdf_is_tagged_titled_and_dated_by_its_data(report: MonthlyReport) -> None:
    reader = PdfReader(BytesIO(render_pdf(report)))
    assert reader.metadata is not None
    assert reader.metadata.title == "Example Research Cloud: usage in April 2018"
    assert reader.metadata.creation_date == report.recorded_until
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert [round(float(size)) for size in reader.pages[0].mediabox[2:]] == [595, 842]


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(report: MonthlyReport) -> None:
    content = render_html(report)
    page = Page(content)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#"), tag
    addresses = set(re.findall(rb"https?://[^\s\"'<>)]+", content))
    assert addresses <= {b"http://www.w3.org/2000/svg", b"http://www.w3.org/1999/xlink"}


def test_a_name_on_the_page_is_text_wherever_it_stands(named: Named, hostile_name: str) -> None:
    plain, hostile = Page(render_html(named("plain"))), Page(render_html(named(hostile_name)))
    assert {tag for tag, _ in plain.elements} == {tag for tag, _ in hostile.elements}
    assert hostile_name.startswith("n" * 200) or shown(hostile_name) in "".join(hostile.texts)


def test_a_name_in_the_pdf_is_text_wherever_it_stands(named: Named, hostile_name: str) -> None:
    text = pdf_text(render_pdf(named(hostile_name)))
    if hostile_name.isascii():  # other scripts come back in the order in which they are drawn
        assert shown(hostile_name).replace(" ", "") in text.replace(" ", "")
    assert "Total11.000022.00005" in text.replace(" ", "")


def test_a_name_in_the_workbook_is_a_string_wherever_it_stands(named: Named, hostile_name: str) -> None:
    workbook = openpyxl.load_workbook(BytesIO(render_xlsx(named(hostile_name))))
    cells = [
        cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value is not None
    ]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert not [cell for cell in cells if cell.hyperlink]
    assert [cell for cell in cells if cell.value == shown(hostile_name)]


def test_csv_gives_names_back_exactly(named: Named, hostile_name: str) -> None:
    content = render_csv(named(hostile_name))["users.csv"].decode()
    rows = list(csv.DictReader(StringIO(content, newline="")))
    assert [row["name"] for row in rows[:2]] == [hostile_name, hostile_name]


def test_csv_files_are_as_documented(report: MonthlyReport, snapshot: SnapshotAssertion) -> None:
    assert (
        "\n".join(f"# {name}\n{content.decode()}" for name, content in render_csv(report).items()) == snapshot
    )


def test_the_workbook_holds_numbers_dates_and_frozen_filtered_headers(report: MonthlyReport) -> None:
    workbook = openpyxl.load_workbook(BytesIO(render_xlsx(report)))
    assert workbook.sheetnames == [
        "Summary", "Institutions", "Projects", "Users", "Items", "Daily", "Coverage", "Log",
    ]  # fmt: skip
    sheet = workbook["Institutions"]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:5] == ("Institution", "Attributed", "Projects", "Users", "Core hours")
    assert rows[1][:5] == ("University of the North", "yes", 3, 2, 6)
    assert rows[3][:5] == ("project p-lost belongs to no institution", "no", None, None, 1)
    assert sheet["E2"].number_format == "#,##0.0000"
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("B2", "A1:G4")
    assert workbook["Daily"]["A2"].value == datetime(2018, 4, 18)
    assert workbook.properties.created == datetime(2018, 5, 2, 6, 0)


def test_items_and_log_are_left_out_when_nobody_asked(report: MonthlyReport) -> None:
    short = replace(report, items=None, log=None)
    assert "items.csv" not in render_csv(short)
    assert "log.csv" not in render_csv(short)
    assert "Transaction log" not in pdf_text(render_pdf(short))


def test_more_items_than_paper_has_room_for_are_summed_in_one_row(report: MonthlyReport) -> None:
    # 700 VMs of 1/700 of the total each
    totals = {"core_hours": 700 * 3600, "memory_gib_hours": 0, "vms_started": 700}
    share = {meter: quantity // 700 for meter, quantity in totals.items()}
    items = tuple(
        ItemRow(f"vm-{n}", f"web-{n:03}", "vm", "openstack-a", "p", "u", "c1", share, {"active": 3600})
        for n in range(700)
    )
    many = replace(
        report,
        totals=totals,
        items=items,
        institutions=(replace(report.institutions[0], quantities=totals),),
        projects=(replace(report.projects[1], quantities=totals),),
        users=(replace(report.users[0], quantities=totals),),
        daily=(),
        unattributed=(),
        log=None,
    )
    text = Page(render_html(many)).text
    assert "200 more virtual machines: see the files200.0000200.0000" in text
    assert render_csv(many)["items.csv"].count(b"\n") == 701


@pytest.mark.parametrize("render", RENDERERS)
def test_a_month_without_any_data_says_so(
    render: Callable[[MonthlyReport], bytes], report: MonthlyReport
) -> None:
    empty = replace(
        report, totals={}, institutions=(), projects=(), users=(), daily=(), unattributed=(), items=(),
        log=(), coverage=(), previous=None, notes=(),
    )  # fmt: skip
    content = render(empty)
    if isinstance(content, bytes) and content.startswith(b"%PDF"):
        assert "can't be told whether nothing was used or nothing was read" in pdf_text(content)
        assert "Total – – –" in pdf_text(content)


def test_a_part_of_a_month_is_named_by_its_days(report: MonthlyReport) -> None:
    part = replace(report, end=date(2018, 4, 21), label="1 to 20 April 2018")
    assert "1 April 2018 to 20 April 2018" in pdf_text(render_pdf(part))
