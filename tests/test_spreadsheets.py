"""Workbooks and delimited text from the office: the same table, or one clear error."""

import datetime as dt
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.errors import InputError
from arealstrategi.sources import spreadsheets
from arealstrategi.sources.spreadsheets import cell_name, read_rows, refuse_dates

KEY = "`municipal_land` under [parcels]"
STRINGS, SHEET = "xl/sharedstrings.xml", "xl/worksheets/sheet1.xml"
ROWS = [["Kommunenr", "GNR", "Bnr", "Navn"], [3907, 32, 16, "Grønåsen"], ["3907", 32.0, None, "Bæ"]]


def book_of(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def edited(path, part, edit):
    """Rewrite one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = edit(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def refused(path, **options):
    with pytest.raises(InputError) as caught:
        read_rows(path, key=KEY, **options)
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


def test_a_workbook_and_the_csv_saved_from_it_are_the_same_table(tmp_path):
    book = read_rows(book_of(tmp_path / "a.xlsx", Ark1=ROWS), key=KEY)
    text = "Kommunenr;GNR;Bnr;Navn\n3907;32;16;Grønåsen\n3907;32;;Bæ\n"
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    pd.testing.assert_frame_equal(book, read_rows(tmp_path / "a.csv", key=KEY))
    assert list(book.columns) == ["kommunenr", "gnr", "bnr", "navn"]
    assert book["bnr"].isna().tolist() == [False, True]


def test_what_a_file_is_decides_not_what_it_is_called(tmp_path):
    book = book_of(tmp_path / "a.xlsx", Ark1=ROWS).rename(tmp_path / "a.csv")
    assert read_rows(book, key=KEY)["gnr"].tolist() == ["32", "32"]
    (tmp_path / "b.xls").write_text("gnr;bnr\n32;16\n")
    assert read_rows(tmp_path / "b.xls", key=KEY)["bnr"].tolist() == ["16"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (16, "16"),
        (16.0, "16"),
        (32.16, "32.16"),
        (0.1 + 0.2, "0.3"),
        ("  ", None),
        ("032/0016", "032/0016"),
        (dt.datetime(2024, 12, 3), "2024-12-03"),
        (dt.datetime(2024, 12, 3, 14, 30), "2024-12-03 14:30:00"),
        (True, "True"),
    ],
)
def test_a_cell_is_written_as_people_read_it(tmp_path, value, text):
    rows = read_rows(book_of(tmp_path / "a.xlsx", A=[["a", "b"], [value, "x"]]), key=KEY)
    assert rows["a"].astype(object).where(rows["a"].notna(), None).tolist() == [text]


def test_a_cell_is_named_by_its_place_also_below_a_title_and_empty_rows(tmp_path):
    rows = [
        ["Kommunal grunn per 2024"],
        [],
        [None, "Gnr", "Bnr\n(bruk)"],
        [],
        [None, 1, 2],
        [],
        [None, 3, 4],
    ]
    table = read_rows(book_of(tmp_path / "a.xlsx", Ark1=rows), key=KEY)
    assert table.index.tolist() == [5, 7]
    assert list(table.columns) == ["gnr", "bnr (bruk)"]
    assert cell_name(table, 7, "bnr (bruk)") == f"{tmp_path / 'a.xlsx'}, sheet 'Ark1', cell C7"
    (tmp_path / "a.csv").write_text('gnr;bnr\n\n1;"2\n3"\n;\n5;6\n')
    table = read_rows(tmp_path / "a.csv", key=KEY)
    assert table.index.tolist() == [3, 6]  # as an editor counts the lines
    assert cell_name(table, 6, "bnr") == f"{tmp_path / 'a.csv'}, line 6, column 'bnr'"


def test_a_list_of_one_column_has_its_heading_on_top(tmp_path):
    path = book_of(tmp_path / "a.xlsx", A=[["matrikkelnummer"], ["32/16"], ["32/17"]])
    assert read_rows(path, key=KEY)["matrikkelnummer"].tolist() == ["32/16", "32/17"]


def test_the_only_visible_sheet_with_a_table_is_read_and_else_the_sheets_are_listed(tmp_path):
    path = book_of(tmp_path / "a.xlsx", Tom=[], Grunn=ROWS, Tittel=[["Eiendom"]])
    assert len(read_rows(path, key=KEY)) == 2
    path = book_of(tmp_path / "b.xlsx", Grunn=ROWS, Solgt=ROWS[:2])
    assert "2 sheets hold rows: 'Grunn', 'Solgt'" in refused(path).message
    assert len(read_rows(path, key=KEY, sheet="Solgt")) == 1
    assert "The sheets are: 'Grunn', 'Solgt'" in refused(path, sheet="Ark1").hint
    book = openpyxl.load_workbook(path)
    book["Grunn"].sheet_state = "hidden"
    book.save(path)
    assert len(read_rows(path, key=KEY)) == 1
    assert (
        "no sheet holds a heading and rows" in refused(book_of(path, Tom=[["gnr", "bnr"]])).message
    )


def test_formulas_count_with_their_saved_results_and_are_refused_without(tmp_path):
    path = book_of(tmp_path / "a.xlsx", Ark1=[["gnr", "bnr"], [32, "=8*2"], [33, '=IF(1,"","")']])
    assert "sheet 'Ark1', cell B2: holds a formula whose result" in refused(path).message
    edited(
        path,
        SHEET,
        lambda xml: xml.replace(b"<v />", b"<v>16</v>", 1).replace(b"<v/>", b"<v>16</v>", 1),
    )
    assert "cell B3: holds a formula" in refused(path).message
    edited(path, SHEET, lambda xml: xml.replace(b'r="B3"', b'r="B3" t="str"'))
    rows = read_rows(path, key=KEY)
    assert rows["bnr"].fillna("").tolist() == ["16", ""]  # an empty text is a result


def test_what_the_sheet_says_of_its_size_is_not_believed(tmp_path):
    path = book_of(tmp_path / "a.xlsx", A=ROWS)
    edited(path, SHEET, lambda xml: xml.replace(b"A1:D3", b"A1:XFD1048576"))
    assert len(read_rows(path, key=KEY)) == 2
    edited(path, SHEET, lambda xml: xml.replace(b'r="3"', b'r="99999999999"'))
    assert len(read_rows(path, key=KEY)) == 1


def locked(path):
    """Lay out a file as Office does one with a password: OLE with a stream of that name."""
    ole = bytes.fromhex("d0cf11e0a1b11ae1")
    path.write_bytes(ole + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(480))
    return path


def test_files_of_other_kinds_are_named_for_what_they_are(tmp_path):
    assert "is locked with a password" in refused(locked(tmp_path / "a.xlsx")).message
    old = tmp_path / "a.xls"
    old.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + "Workbook".encode("utf-16-le"))
    assert "of the old kind (.xls)" in refused(old).message
    ods = tmp_path / "a.ods"
    with zipfile.ZipFile(ods, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<a/>")
    assert "is not an Excel workbook" in refused(ods).message
    assert "there is no such file" in refused(tmp_path / "gone.xlsx").message


def test_a_workbook_too_large_for_a_list_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = book_of(tmp_path / "a.xlsx", Ark1=[["a", "b"], *[[i, i] for i in range(200)]])
    monkeypatch.setattr(spreadsheets, "MOST_CELLS", 300)
    assert "more cells in sheet 'Ark1'; at most 300" in refused(path).message
    edited(path, SHEET, lambda _: b" " * 150_000_000)
    assert path.stat().st_size < 1e6
    assert "150 MB unpacked; at most 100 MB" in refused(path).message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_entities_are_refused_unread(tmp_path, encoding):
    path = book_of(tmp_path / "a.xlsx", A=ROWS)
    laughs = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {new} "{f"&{old};" * 10}">'
        for old, new in zip("abcdefghi", "bcdefghij", strict=True)
    )
    entity = f'<?xml version="1.0"?>{" " * 70_000}{laughs}]><sst>&j;</sst>'.encode(encoding)
    edited(path, SHEET, lambda _: entity)
    assert "declares XML entities" in refused(path).message


def test_a_damaged_workbook_is_read_or_refused_but_never_fails_otherwise(tmp_path):
    path = book_of(tmp_path / "a.xlsx", A=[*ROWS, [1, dt.datetime(2024, 12, 3), 2, "x"]])
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        parts = archive.namelist()
    rng = np.random.default_rng(4)

    def damage(content):
        wrong = np.frombuffer(content, dtype=np.uint8).copy()
        at = rng.integers(0, len(wrong), rng.integers(1, 6))
        wrong[at] = rng.integers(0, 256, len(at))
        return wrong.tobytes()[: len(wrong) if rng.random() < 0.7 else rng.integers(4, len(wrong))]

    n_refused = 0
    for turn in range(200):
        path.write_bytes(damage(whole) if turn % 2 else whole)
        if turn % 2 == 0:
            edited(path, parts[rng.integers(len(parts))], damage)
        try:
            read_rows(path, key=KEY)
        except InputError as error:
            assert "a.xlsx" in error.message  # noqa: PT017 - some may be read
            n_refused += 1
    assert 50 < n_refused < 200


MONTHS = ["jan", "feb", "mar", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "des"]


@given(day=st.integers(1, 28), month=st.integers(1, 12), year=st.integers(1930, 2029))
def test_every_form_in_which_excel_shows_a_date_is_refused_with_the_number(day, month, year):
    forms = [
        f"{year}-{month:02}-{day:02}",
        f"{year}-{month:02}-{day:02} 00:00:00",
        f"{day}.{month}.{year}",
        f"{day:02}.{month:02}.{year % 100:02}",
        f"{day}.{month}.",
        f"{day}/{month}/{year}",
        f"{day}. {MONTHS[month - 1]}",
        f"{day:02}.{MONTHS[month - 1]}",
        f"{day}. {MONTHS[month - 1].title()}. {year}",
    ]
    for form in forms:
        rows = table_of([form])
        with pytest.raises(InputError) as caught:
            refuse_dates(rows, "nr")
        assert f"probably the number {day}/{month}" in caught.value.message
        assert "line 2, column 'nr'" in caught.value.message


def table_of(cells):
    rows = pd.DataFrame({"nr": cells}, pd.RangeIndex(2, len(cells) + 2), dtype="str")
    rows.attrs = {"source": "a.csv"}
    return rows


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("Dec-03", "holds the date 'Dec-03'; probably the number 12/3"),
        ("des.03", "probably the number 12/3"),
        ("3-Dec", "probably the number 3/12"),
        ("1945-05-01", "holds the date 1 May 1945; probably the number 1/5 or 5/45"),
        ("32.16", "holds 32.16; probably the number 32/16"),
        ("32,1", "holds 32,1; probably the number 32/1"),
    ],
)
def test_other_forms_are_refused_with_what_they_probably_were(cell, said):
    with pytest.raises(InputError) as caught:
        refuse_dates(table_of(["32/16", cell]), "nr")
    assert said in caught.value.message
    assert "line 3" in caught.value.message
    assert "as text" in caught.value.hint


@pytest.mark.parametrize(
    "cell",
    [
        "32/16",
        "3/12",
        "3/12/1",
        "3907-3/12/2024",
        "3907-32/16/0/0",
        "0301-1/2",
        "16",
        "Sum",
        "Mai Olsen",
    ],
)
def test_numbers_and_words_are_no_dates(cell):
    refuse_dates(table_of([cell, None]), "nr")


def test_the_cell_that_excel_has_made_a_date_is_named_in_the_workbook(tmp_path):
    rows = [
        ["navn", "x", "matrikkelnummer"],
        *[["a", 1, "32/16"]] * 12,
        ["b", 2, dt.date(2024, 12, 3)],
    ]
    table = read_rows(book_of(tmp_path / "kommunal.xlsx", Ark1=rows), key=KEY)
    with pytest.raises(InputError) as caught:
        refuse_dates(table, "matrikkelnummer")
    assert caught.value.message == (
        f"{tmp_path / 'kommunal.xlsx'}, sheet 'Ark1', cell C14: holds the date 3 December 2024; "
        "probably the number 3/12 that Excel has turned into a date"
    )
