"""The ranking in the habits of two countries."""

import csv

import numpy as np
import pandas as pd
import pytest

from arealstrategi.export.table import write_ranking, write_side_by_side


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


def test_sub_scores_and_what_can_be_built_on_have_as_many_digits_as_make_sense(tmp_path, parcels):
    more = parcels.assign(
        score_social=[33.3333, np.nan, 0.0],
        score_if_allowed=[50.126, 70.0, 12.5],
        buildable_m2=[812.6, 0.0, np.nan],
        buildable_width_m=[14.26, 0.0, np.nan],
        top_share=[0.123456, 1.0, np.nan],
        rank_p05=pd.array([1, 2, None], dtype="Int64"),
    )
    write_ranking(tmp_path / "r.csv", more, language="nb")
    by_id = {row["parcel_id"]: row for row in rows_of(tmp_path / "r.csv", "utf-8-sig", ";")}
    told = ("score_social", "score_if_allowed", "buildable_m2", "buildable_width_m", "top_share")
    assert [by_id["c"][name] for name in told] == ["33,33", "50,13", "813", "14,3", "0,123"]
    assert [by_id["b"][name] for name in told] == ["0,00", "12,50", "", "", ""]
    assert [by_id[name]["rank_p05"] for name in "cab"] == ["1", "2", ""]


SITES = pd.DataFrame(
    {
        "Tomt A": [81.256, 3, "very_suitable", "yes", 0.5, "Kiwi", 412.4, "Flom;no_value: dB"],
        "=Tomt B": [np.nan, pd.NA, None, "unknown", 1.0, None, np.nan, ""],
    },
    index=pd.Index(
        ["score", "rank", "class", "municipal", "grocery: value", "grocery: service",
         "grocery: walk_m", "reasons"],
        name="fact",
    ),
    dtype=object,
)  # fmt: skip


@pytest.mark.parametrize(
    ("language", "encoding", "delimiter", "first", "second"),
    [
        ("nb", "utf-8-sig", ";",
         ["Poeng", "Plass", "Egnethet", "Kommunal grunn", "Dagligvare: verdi (0–1)",
          "Dagligvare: nærmeste", "Dagligvare: gangavstand (m)", "Grunner"],
         ["81,26", "3", "svært egnet", "ja", "0,50", "Kiwi", "412", "Flom; Mangler verdi: dB"]),
        ("en", "utf-8", ",",
         ["Points", "Rank", "Suitability", "Municipal land", "Groceries: value (0–1)",
          "Groceries: nearest", "Groceries: walking distance (m)", "Reasons"],
         ["81.26", "3", "very suitable", "yes", "0.50", "Kiwi", "412", "Flom; No value: dB"]),
    ],
)  # fmt: skip
def test_sites_stand_side_by_side_in_the_words_of_the_language(
    tmp_path, language, encoding, delimiter, first, second
):
    names = {"grocery": "Dagligvare" if language == "nb" else "Groceries"}
    write_side_by_side(tmp_path / "s.csv", SITES, names, language=language)
    with (tmp_path / "s.csv").open(encoding=encoding, newline="") as file:
        head, *rows = csv.reader(file, delimiter=delimiter)
    assert head[1:] == ["Tomt A", "'=Tomt B"]  # a name is no formula
    assert [row[0] for row in rows] == first
    assert [row[1] for row in rows] == second
    # what is not known is empty, and unknown is a word of its own
    unknown = "ukjent" if language == "nb" else "unknown"
    one = "1,00" if language == "nb" else "1.00"
    assert [row[2] for row in rows] == ["", "", "", unknown, one, "", "", ""]


def test_numbers_come_back_as_the_table_has_them_to_the_last_written_digit(tmp_path):
    """Also where many are equal, in pieces, and beside texts in a column of the user's own."""
    rng = np.random.default_rng(3)
    count = 25_000
    table = pd.DataFrame(
        {
            "rank": pd.array(np.arange(1, count + 1), dtype="Int64"),
            "shop_walk_m": rng.uniform(0, 3000, count),
            "shop_walk_min": rng.choice([0.05, 7.25, np.nan], count),
            "shop_value": rng.uniform(0, 1, count),
            "own": rng.choice(np.array(["=1+1", 5, 2.5, None, True], dtype=object), count),
        },
        index=pd.Index([f"p{i:05}" for i in range(count)], name="parcel_id"),
    )
    write_ranking(tmp_path / "r.csv", table, language="en")
    read = pd.read_csv(tmp_path / "r.csv", index_col="parcel_id", dtype={"own": str})
    assert read.index.tolist() == table.index.tolist()
    for name, step in (("shop_walk_m", 1), ("shop_walk_min", 0.1), ("shop_value", 0.001)):
        assert (read[name].isna() == table[name].isna()).all()
        assert (read[name] - table[name]).abs().max() <= step / 2 + 1e-9
    told = {"=1+1": "'=1+1", 5: "5", 2.5: "2.500", True: "True"}
    expected = [told.get(one) for one in table["own"]]
    assert read["own"].astype(object).where(read["own"].notna(), None).tolist() == expected


def test_a_name_of_a_column_is_no_formula_either(tmp_path, parcels):
    write_ranking(tmp_path / "r.csv", parcels.rename(columns={"score": "=1"}), language="en")
    assert "'=1" in rows_of(tmp_path / "r.csv", "utf-8", ",")[0]
