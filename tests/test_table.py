"""The ranking in the habits of two countries."""

import csv

import numpy as np
import pandas as pd
import pytest

from arealstrategi.export.table import write_ranking


@pytest.fixture
def parcels():
    return pd.DataFrame(
        {
            "label": ["=HYPERLINK(1)", "Åsen; nord", "line\nbreak"],
            "area_m2": [1234.5678, np.nan, 10.0],
            "score": [50.126, 70.0, np.nan],
            "rank": pd.array([2, 1, None], dtype="Int64"),
            "grocery_walk_m": [412.4, np.nan, 1000.0],
            "grocery_walk_min": [6.87, np.nan, 16.66],
        },
        index=pd.Index(["c", "a", "b"], name="parcel_id"),
    )


def rows_of(path, encoding, delimiter):
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def test_norwegian_offices_get_semicolon_comma_and_byte_order_mark(tmp_path, parcels):
    write_ranking(tmp_path / "r.csv", parcels, language="nb")
    assert (tmp_path / "r.csv").read_bytes().startswith(b"\xef\xbb\xbfparcel_id;")
    rows = rows_of(tmp_path / "r.csv", "utf-8-sig", ";")
    assert [row["parcel_id"] for row in rows] == ["a", "c", "b"]
    assert [row["rank"] for row in rows] == ["1", "2", ""]
    assert [row["score"] for row in rows] == ["70,00", "50,13", ""]
    assert [row["grocery_walk_m"] for row in rows] == ["", "412", "1000"]
    assert [row["grocery_walk_min"] for row in rows] == ["", "6,9", "16,7"]
    assert rows[0]["label"] == "Åsen; nord"


def test_english_offices_get_comma_and_point(tmp_path, parcels):
    write_ranking(tmp_path / "r.csv", parcels, language="en")
    assert (tmp_path / "r.csv").read_bytes().startswith(b"parcel_id,")
    rows = rows_of(tmp_path / "r.csv", "utf-8", ",")
    assert rows[1]["area_m2"] == "1235"
    assert rows[0]["score"] == "70.00"


def test_no_cell_is_a_formula_and_no_line_is_broken(tmp_path, parcels):
    write_ranking(tmp_path / "r.csv", parcels, language="en")
    rows = rows_of(tmp_path / "r.csv", "utf-8", ",")
    assert {row["label"] for row in rows} == {"'=HYPERLINK(1)", "Åsen; nord", "line break"}


def test_a_surrogate_that_cannot_be_written_does_not_stop_the_file(tmp_path, parcels):
    write_ranking(tmp_path / "r.csv", parcels.assign(label="bad \ud800 name"), language="nb")
    assert len(rows_of(tmp_path / "r.csv", "utf-8-sig", ";")) == 3
