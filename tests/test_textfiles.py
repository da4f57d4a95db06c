"""Delimited text as Norwegian offices save it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.errors import InputError
from arealstrategi.sources.textfiles import read_csv

PLAIN = "Navn;Gnr;Bnr\nGrønåsen;32;16\nBærheim;32;\n"


def read(tmp_path, content, name="list.csv"):
    path = tmp_path / name
    path.write_bytes(content)
    return read_csv(path, key="municipal_land under [parcels]")


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("cp1252"),
        PLAIN.replace(";", ",").encode(),
        PLAIN.replace(";", "\t").encode(),
        PLAIN.replace("\n", "\r\n").encode("cp1252"),
        PLAIN.replace("\n", "\n\n").rstrip().encode(),
        PLAIN.encode("utf-16"),
        ("sep=;\n" + PLAIN).encode("utf-8-sig"),
        PLAIN.replace("32;16", "32;16;;").encode(),
        PLAIN.replace("Grønåsen", '"Grønåsen"').encode(),
    ],
    ids=[
        "plain",
        "BOM",
        "CP1252",
        "comma",
        "tab",
        "CRLF",
        "blank lines",
        "UTF-16",
        "sep=",
        "more ;",
        "quoted",
    ],
)
def test_one_list_is_the_same_table_however_it_was_saved(tmp_path, content):
    table = read(tmp_path, content)
    assert list(table.columns) == ["navn", "gnr", "bnr"]
    assert table["navn"].tolist() == ["Grønåsen", "Bærheim"]
    assert table["gnr"].tolist() == ["32", "32"]
    assert table["bnr"].isna().tolist() == [False, True]


def test_rows_are_numbered_by_the_line_they_begin_on(tmp_path):
    table = read(tmp_path, b'sep=;\n\nname;note\nKiwi;"two\nlines"\n;\nRema;one\n')
    assert table.index.tolist() == [4, 7]
    assert table["note"].tolist() == ["two\nlines", "one"]


def test_columns_without_a_name_are_left_out(tmp_path):
    assert list(read(tmp_path, b"gnr;;bnr;\n1;x;2;y\n").columns) == ["gnr", "bnr"]


def test_a_cell_may_hold_the_separator_and_quotes_when_it_is_quoted(tmp_path):
    table = read(tmp_path, b'name,note\nKiwi,"open ""late"", daily"\n')
    assert table["note"].tolist() == ['open "late", daily']


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a table"),
        (b"gnr;bnr\n", "is not a table"),
        (b"gnr;bnr\n;\n \n", "is not a table"),
        (b"PK\x03\x04\0\0\0\nx\n", "is not a table"),
        (b"gnr;bnr\n1;2\n3;4;5\n", "line 3 has more cells"),
        (b"gnr;gnr\n1;2\n", "more than one column is called 'gnr'"),
        (b'name;x\n"Kiwi;1\nRema;2\n', "cannot be read as a table from line 2"),
    ],
    ids=["empty", "heading only", "empty rows", "xlsx", "wide row", "twice", "open quote"],
)
def test_what_is_no_table_is_refused_with_the_file_and_the_line(tmp_path, content, said):
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    assert said in caught.value.message
    assert str(tmp_path / "list.csv") in caught.value.message
    assert caught.value.hint


def test_a_missing_file_is_named_with_the_key_that_asked_for_it(tmp_path):
    with pytest.raises(InputError, match=r"gone\.csv: there is no such file") as caught:
        read_csv(tmp_path / "gone.csv", key="municipal_land under [parcels]")
    assert "municipal_land" in caught.value.hint


CELLS = st.text(alphabet='abæØ1 ;,\t\n".-', max_size=6)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS), max_size=5).map(lambda rows: [("x", "y"), *rows]),
    mark=st.sampled_from(";,\t"),
)
def test_what_a_spreadsheet_writes_is_read_back_cell_for_cell(tmp_path_factory, rows, mark):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=mark, quoting=csv.QUOTE_ALL)
    writer.writerows([("one", "two"), *rows])
    table = read(tmp_path_factory.mktemp("csv"), text.getvalue().encode())
    assert [tuple(row) for row in table.fillna("").to_numpy()] == [
        row for row in rows if any(cell.strip() for cell in row)
    ]
