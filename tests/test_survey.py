"""Surveys as offices keep them: the same answers, or one clear error."""

import openpyxl
import pandas as pd
import pytest

from arealstrategi.errors import InputError
from arealstrategi.sources.survey import read_survey

ITEMS = {
    "social": ("social", "Sosiale møteplasser", "Social meeting places"),
    "daily": ("daily", "Daglige gjøremål", "Daily needs"),
}
KEY = "`table` under [weighting]"


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "svar.csv"
    path.write_bytes(text.encode(encoding))
    return read_survey(path, ITEMS, key=KEY)


def refused(tmp_path, text):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert "svar.csv" in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("social,daily\n62.5,37.5\n1000,0\n", "utf-8"),
        ("\ufeffDaglige gjøremål;SOSIALE  Møteplasser \n37,5;62,5\n0;1 000\n", "utf-8"),
        ("Daily needs\tSosiale møteplasser\n37,5\t62,5\n0\t1\u00a0000\n", "cp1252"),
    ],
)
def test_columns_go_by_key_or_label_in_any_order_and_numbers_by_point_or_comma(
    tmp_path, text, encoding
):
    answers, report = read(tmp_path, text, encoding)
    expected = pd.DataFrame({"social": [62.5, 1000.0], "daily": [37.5, 0.0]})
    expected.index = pd.Index([2, 3], name="row")
    pd.testing.assert_frame_equal(answers, expected, check_flags=False)
    assert report.facts == {"respondents": 2, "with an empty answer": 0, "columns not used": 0}
    assert report.role == "survey"
    assert not report.warnings


def test_a_workbook_is_read_with_a_title_above_and_gives_what_its_csv_gives(tmp_path):
    book = openpyxl.Workbook()
    for row in (["Undersøkelse 2026"], ["Sosiale møteplasser", "Daglige gjøremål"], [62.5, None]):
        book.active.append(row)
    book.save(tmp_path / "svar.xlsx")
    answers, report = read_survey(tmp_path / "svar.xlsx", ITEMS, key=KEY)
    assert answers.to_dict("list")["social"] == [62.5]
    assert answers["daily"].isna().tolist() == [True]
    assert answers.index.tolist() == [3]
    assert report.files == (tmp_path / "svar.xlsx",)


def test_an_empty_cell_is_missing_and_never_zero_and_is_counted(tmp_path):
    answers, report = read(tmp_path, "tid;social;daily\nmandag;3;\ntirsdag; ;0\nonsdag;;\n")
    assert answers["social"].isna().tolist() == [False, True, True]
    assert answers["daily"].isna().tolist() == [True, False, True]
    assert report.facts["with an empty answer"] == 3


def test_other_columns_are_left_aside_and_listed(tmp_path):
    _, report = read(tmp_path, "Tidsmerke;social;E-post;daily\n2026-11-02;1;;2\n")
    assert report.facts["columns not used"] == 2
    assert report.listed == {"columns that are no item, not used": ["tidsmerke", "e-post"]}


def test_an_item_without_a_column_is_named_with_the_columns_found(tmp_path):
    error = refused(tmp_path, "social;dagligvare\n1;2\n")
    assert "no column for 'daily' (found: social, dagligvare)" in error.message
    assert "Daglige gjøremål" in error.hint


def test_two_columns_for_one_item_are_refused(tmp_path):
    error = refused(tmp_path, "social;Social meeting places;daily\n1;2;3\n")
    assert "'social', 'social meeting places' all stand for 'social'" in error.message


def test_one_column_for_two_items_is_refused(tmp_path):
    path = tmp_path / "svar.csv"
    path.write_text("Butikk\n1\n", encoding="utf-8")
    with pytest.raises(InputError, match="stands for both 'grocery' and 'shops'"):
        read_survey(path, {"grocery": ("butikk",), "shops": ("Butikk",)}, key=KEY)


@pytest.mark.parametrize(
    "cell", ["mye", "nan", "inf", "1e999", "-1", "−1", "2026-05-03", "1.000,5", "3/4"]
)
def test_a_cell_that_is_no_number_from_zero_up_is_named_with_row_and_column(tmp_path, cell):
    error = refused(tmp_path, f"social;daily\n1;2\n3;{cell}\n")
    assert f"line 3, column 'daily': {cell!r} is not a number from 0 up" in error.message


def test_a_missing_file_names_the_key(tmp_path):
    with pytest.raises(InputError, match="there is no such file") as caught:
        read_survey(tmp_path / "gone.xlsx", ITEMS, key=KEY)
    assert KEY in caught.value.hint
