"""The report and the site sheets, as HTML and PDF.

`content` and `sheets` make a list of plain blocks out of tables; `html` and `pdf` show the same
blocks. Matplotlib, Jinja and Typst are imported only when a report is made.
"""

from __future__ import annotations

from pathlib import Path

from arealstrategi.export.report.blocks import Document
from arealstrategi.export.report.given import Given, People, Place, ReportTables

__all__ = ["Document", "Given", "People", "Place", "ReportTables", "report", "site_sheets", "write"]


def report(tables: ReportTables) -> Document:
    """Return the report on the tables of a run."""
    from arealstrategi.export.report.content import report

    return report(tables)


def site_sheets(tables: ReportTables) -> Document:
    """Return one sheet for each given site and each recommended area."""
    from arealstrategi.export.report.sheets import sheets

    return sheets(tables)


def write(path: Path, document: Document) -> None:
    """Write a document: as PDF where the file is called so, else as HTML.

    Raises
    ------
    OutputError
        PDF is asked for and Typst is not installed.
    """
    if path.suffix == ".pdf":
        from arealstrategi.export.report.pdf import write_pdf

        write_pdf(path, document)
    else:
        from arealstrategi.export.report.html import write_html

        write_html(path, document)
