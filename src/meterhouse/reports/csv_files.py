"""How does a report become CSV files? One per table of `reports.tables`, exact, for machines.

UTF-8, comma, one header line, quotes only where needed, lines end in LF. Names stand exactly as the
source said them, also `=1+1`: a machine must get back what went in, so nothing is prefixed against
spreadsheets that run formulas. Who opens reports in a spreadsheet takes the XLSX file, where a name
can't become a formula.
"""

from __future__ import annotations

import csv
from io import StringIO

from meterhouse.reports.monthly import MonthlyReport
from meterhouse.reports.tables import Table, as_text, tables


def render_csv(report: MonthlyReport) -> dict[str, bytes]:
    """File name -> content."""
    return {f"{table.name}.csv": _csv(table) for table in tables(report)}


def _csv(table: Table) -> bytes:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.name for column in table.columns)
    writer.writerows([as_text(value) for value in row] for row in table.rows)
    return out.getvalue().encode()
