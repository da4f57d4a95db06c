"""Cadastral numbers in every spelling give one label, and nothing else gives any."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.sources.cadastre import PARTS, find_columns, from_parts, labels, parse_numbers


def label_of(text):
    found = labels(parse_numbers(pd.Series([text], dtype="str")))
    return None if pd.isna(found.iloc[0]) else found.iloc[0]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("3907-32/16", "3907-32/16"), ("32/16", "32/16"), ("0032/0016/0000/0000", "32/16"),
        ("3907-32/16/0/0", "3907-32/16"), ("32/16/2", "32/16/2"), ("3907-32/16/0/3", "3907-32/16/0/3"),  # noqa: E501
        ("gnr. 32 bnr. 16", "32/16"), ("GNR 32, BNR 16", "32/16"), ("gårdsnr 32 bruksnr 16", "32/16"),  # noqa: E501
        ("Gnr. 191 bnr. 94 fnr. 2", "191/94/2"), (" 32 / 16 ", "32/16"), ("3907 - 32/16", "3907-32/16"),  # noqa: E501
        ("3907/32/16/0/0", "3907-32/16"), ("0301-32/16", "0301-32/16"), ("301-32/16", "0301-32/16"),
    ],
)  # fmt: skip
def test_every_spelling_gives_one_label(text, label):
    assert label_of(text) == label


@pytest.mark.parametrize(
    "text", ["3.12.2024", "3. des", "3/12/2024", "Tomt 4", "", "32", "32/", "0/16", "32/16, 32/17"]
)
def test_what_is_no_number_gives_none(text):
    assert label_of(text) is None


numbers = st.integers(1, 9999)


@given(st.integers(101, 9999), numbers, numbers, st.integers(0, 99), st.integers(0, 99))
def test_parts_and_text_agree(town, gnr, bnr, fnr, snr):
    columns = [pd.Series([float(part)]) for part in (town, gnr, bnr, fnr, snr)]
    label = labels(from_parts(*columns)).iloc[0]
    assert label.startswith(f"{town:04d}-{gnr}/{bnr}")
    again = parse_numbers(pd.Series([label], dtype="str"))
    assert labels(again).iloc[0] == label
    whole = parse_numbers(pd.Series([f"{town:04d}-{gnr:04d}/{bnr:04d}/{fnr:04d}/{snr:04d}"]))
    assert labels(whole).iloc[0] == label
    assert list(again.columns) == list(PARTS)


@pytest.mark.parametrize(
    ("fields", "part", "found"),
    [
        (["matrikkelnummerTekst"], "text", "matrikkelnummerTekst"), (["matrikkelnu"], "text", "matrikkelnu"),  # noqa: E501
        (["GNR", "BNR"], "gnr", "GNR"), (["gårdsnummer"], "gnr", "gårdsnummer"),
        (["gardsnumme"], "gnr", "gardsnumme"), (["bruksnumme"], "bnr", "bruksnumme"),
        (["festenumme"], "fnr", "festenumme"), (["seksjonsnu"], "snr", "seksjonsnu"),
        (["matrikkelenhet|Matrikkelenhet|gardsnummer"], "gnr", "matrikkelenhet|Matrikkelenhet|gardsnummer"),  # noqa: E501
        (["KOMMUNENR"], "municipality", "KOMMUNENR"), (["kommunenum"], "municipality", "kommunenum"),  # noqa: E501
        (["eiendom"], "text", "eiendom"), (["navn"], "text", None),
    ],
)  # fmt: skip
def test_columns_are_found_in_every_spelling(fields, part, found):
    assert getattr(find_columns(fields), part) == found
