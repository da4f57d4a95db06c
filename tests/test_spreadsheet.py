"""The workbook as a file: every cell as it was given, nothing a formula, nothing Excel refuses."""

import itertools
import zipfile
from xml.etree import ElementTree as ET

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.export import spreadsheet
from arealstrategi.export.spreadsheet import Column, Sheet, Style, write_spreadsheet

STYLES = {
    "text": Style("@"),
    "long": Style("@", wraps=True),
    "number": Style("0.00", 2),
    "whole": Style("#,##0"),
    "dark": Style("@", fill="#440154"),
    "light": Style("@", fill="#f0e488"),
}
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def column(cells, style="text", heading="Head", width=12.0, **more):
    return Column(heading, pd.Series(cells), style, width, **more)


def write(path, *columns, **more):
    write_spreadsheet(path, [Sheet("Ark", columns, **more)], STYLES)
    return openpyxl.load_workbook(path)["Ark"]


def rows_of(page):
    return [[cell.value for cell in row] for row in page.iter_rows(min_row=2)]


def test_numbers_are_numbers_texts_are_texts_and_nothing_is_empty(tmp_path):
    page = write(
        tmp_path / "a.xlsx",
        column([1.005, np.nan, -2.5], "number"),
        column(pd.array([1, 2_000_000, None], dtype="Int64"), "whole"),
        column(["12", None, ""]),
        column([3.14159, "ord", None], "number"),
    )
    assert rows_of(page) == [
        [1.0, 1, "12", 3.14],
        [None, 2_000_000, None, "ord"],
        [-2.5, None, None, None],
    ]
    assert page["A2"].number_format == "0.00"
    assert page["B2"].number_format == "#,##0"
    assert page["C2"].number_format == "@"
    assert page["C2"].data_type in ("s", "inlineStr")


FORMULAS = ("=1+1", '=HYPERLINK("http://a")', "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_neither_as_cell_nor_as_heading(tmp_path, text):
    path = tmp_path / "a.xlsx"
    page = write(path, column([text], heading=text))
    assert [cell.value for cell in page["A"]] == [text, text]
    assert {cell.data_type for cell in page["A"]} <= {"s", "inlineStr"}
    assert {cell.number_format for cell in page["A"]} == {"@"}  # nor once it is edited
    with zipfile.ZipFile(path) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
        assert not [name for name in parts.namelist() if "Link" in name or "rels/sheet" in name]


signs = st.characters(codec=None, exclude_categories=())
odd = st.sampled_from(
    ["\0", "\x0b", "\x1f", "\ufffe", "\ud800", "<", "&amp;", "]]>", "_x0041_", " "]
)


texts = st.lists(signs | odd, max_size=12).map("".join)


@given(st.lists(texts, min_size=1, max_size=5))
def test_every_text_comes_back_but_for_signs_that_xml_has_no_room_for(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("a") / "a.xlsx"
    write_spreadsheet(path, [Sheet("Ark", [column(texts)])], STYLES)
    with zipfile.ZipFile(path) as parts:
        root = ET.fromstring(parts.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own
    told = {cell.get("r"): cell.findtext(f".//{MAIN}t") for cell in root.iter(f"{MAIN}c")}
    for row, text in enumerate(texts, start=2):
        shown = told.get(f"A{row}")
        expected = "".join(
            sign if sign in "\t\n\r" or " " <= sign < "\ud800" or "\ue000" <= sign < "\ufffe"
            or sign > "\uffff" else "\ufffd"
            for sign in text
        ).replace("\r\n", "\n").replace("\r", "\n")  # fmt: skip
        assert (shown or "").replace("_x005F_", "_") == expected.replace("_x005F_", "_")


def test_what_looks_like_an_escape_of_excels_is_shown_as_it_is(tmp_path):
    write(tmp_path / "a.xlsx", column(["_x0041_", "_x41_", "a_x005F_b"]))
    with zipfile.ZipFile(tmp_path / "a.xlsx") as parts:
        text = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "_x005F_x0041_" in text
    assert ">_x41_<" in text
    assert "a_x005F_x005F_b" in text


def test_a_text_is_cut_where_excel_would_refuse_it(tmp_path):
    page = write(tmp_path / "a.xlsx", column(["x" * 40_000, "😀" * 40_000, "x" * 16_000]))
    texts = [row[0] for row in rows_of(page)]
    assert all(len(text.encode("utf-16-le")) // 2 <= 32_767 for text in texts)
    assert texts[0].endswith(" …")
    assert texts[2] == "x" * 16_000


def test_rows_beyond_what_excel_has_room_for_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 7)
    page = write(tmp_path / "a.xlsx", column(range(10), "whole"))
    assert rows_of(page) == [[i] for i in range(7)]
    assert page.auto_filter.ref == "A1:A8"
    assert spreadsheet.MOST_ROWS + 1 == 8


@pytest.mark.parametrize("many", [0, 1, 4, 5, 6, 23])
def test_rows_written_in_pieces_are_all_there_in_order(tmp_path, monkeypatch, many):
    monkeypatch.setattr(spreadsheet, "_AT_ONCE", 5)
    texts = [f"t{i % 3}" for i in range(many)]
    looks = np.array(["dark", "text"] * many, dtype=object)[:many]
    page = write(
        tmp_path / "a.xlsx",
        column(pd.Series(range(many), dtype="int64"), "whole"),
        column(pd.Series(texts, dtype="str"), looks),
        column(pd.Series(["ord " * 9] * many, dtype="str"), "long"),
    )
    assert [row[:2] for row in rows_of(page)] == [[i, text] for i, text in enumerate(texts)]
    assert page.dimensions == f"A1:C{many + 1}"


def test_the_heading_stays_in_sight_filters_and_prints_on_every_page(tmp_path):
    page = write(
        tmp_path / "a.xlsx",
        column([1.0], "number", width=9), column(["a"], width=30), column(["b"], secondary=True),
        fixed=2, printed=2,
    )  # fmt: skip
    assert page.freeze_panes == "C2"
    assert page.auto_filter.ref == "A1:C2"
    assert page.print_title_rows == "$1:$1"
    assert page.print_area == "'Ark'!$A$1:$B$2"
    assert page.page_setup.orientation == "landscape"
    assert page["A1"].font.b
    widths = [page.column_dimensions[letter].width for letter in "ABC"]
    assert widths == [9, 30, 12]
    assert page.column_dimensions["C"].outlineLevel == 1
    assert page.sheet_format.outlineLevelCol == 1


def test_fills_are_per_row_and_the_text_on_them_can_be_read(tmp_path):
    looks = np.array(["dark", "light", "text"], dtype=object)
    page = write(tmp_path / "a.xlsx", column(["a", "b", "c"], looks))
    assert [page[f"A{row}"].fill.fgColor.rgb[-6:] for row in (2, 3)] == ["440154", "F0E488"]
    assert [page[f"A{row}"].font.color.rgb[-6:] for row in (2, 3)] == ["FFFFFF", "000000"]
    assert page["A4"].fill.fill_type is None


def test_a_row_is_as_high_as_its_wrapped_text(tmp_path):
    texts = ["kort", "x" * 35, "x" * 999, None]
    page = write(tmp_path / "a.xlsx", column(texts, "long", width=10))
    assert [page.row_dimensions[row].height for row in (2, 3, 4, 5)] == [15, 60, 180, 15]


def test_every_sheet_holds_its_own_table(tmp_path):
    sheets = [Sheet(name, [column([name])], filters=False) for name in ("A & B", "Ø", "C")]
    write_spreadsheet(tmp_path / "a.xlsx", sheets, STYLES)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["A & B", "Ø", "C"]
    assert [page["A2"].value for page in book] == ["A & B", "Ø", "C"]


def test_the_file_has_what_excel_asks_for(tmp_path):
    """Parts that are named are there, cells name styles that are there, rows and cells in order."""
    path = tmp_path / "a.xlsx"
    write(path, column(["a", "b"] * 40), column(range(80), "number"), *[column(["c"] * 80)] * 30)
    with zipfile.ZipFile(path) as parts:
        assert parts.testzip() is None
        types = ET.fromstring(parts.read("[Content_Types].xml"))  # noqa: S314 - our own
        named = {part.get("PartName").lstrip("/") for part in types if part.get("PartName")}
        assert named <= set(parts.namelist())
        sheet = ET.fromstring(parts.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own
        styles = ET.fromstring(parts.read("xl/styles.xml"))  # noqa: S314 - our own
    order = [child.tag.removeprefix(MAIN) for child in sheet]
    schema = ["sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData",
              "autoFilter", "pageMargins", "pageSetup", "headerFooter"]  # fmt: skip
    assert order == [name for name in schema if name in order]
    assert {"sheetData", "autoFilter", "cols"} <= set(order)
    known = len(styles.find(f"{MAIN}cellXfs"))
    assert all(int(cell.get("s")) < known for cell in sheet.iter(f"{MAIN}c"))
    for number, row in enumerate(sheet.iter(f"{MAIN}row"), start=1):
        assert row.get("r") == str(number)
        places = [openpyxl.utils.cell.coordinate_to_tuple(cell.get("r")) for cell in row]
        assert all(place[0] == number for place in places)
        assert all(before[1] < after[1] for before, after in itertools.pairwise(places))
