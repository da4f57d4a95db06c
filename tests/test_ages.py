"""Residents by age from Statistikkbanken, against a replay whose people can be counted by hand."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arealstrategi.errors import InputError, OnlineError
from arealstrategi.sources import web
from arealstrategi.sources.statistics.ages import (
    age_range,
    newest_projection,
    population_by_age,
    projection,
)
from pxweb_server import SINGLE_AGES, PxWeb, people, pxweb


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PxWeb]:
    monkeypatch.setattr(web, "PAUSES_S", (0.01, 0.02))
    with pxweb() as running:
        yield running


def count(year: int, content: str = "Personer") -> list[int]:
    """Women and men in Sandefjord, by age."""
    return [
        sum(people("3907", sex, age, content, str(year)) for sex in "12") for age in SINGLE_AGES
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("67 år", (67, 67)),
        ("0 år", (0, 0)),
        ("67", (67, 67)),
        ("105 år eller eldre", (105, np.inf)),
        ("105+", (105, np.inf)),
        ("90 år og over", (90, np.inf)),
        ("67-79 år", (67, 79)),
        ("67 år–79 år", (67, 79)),
        ("I alt", (0, np.inf)),
        ("Alle aldre", (0, np.inf)),
        ("ukjent", (np.nan, np.nan)),
        ("", (np.nan, np.nan)),
    ],
)
def test_ages_are_read_as_people_write_them(text: str, expected: tuple[float, float]) -> None:
    np.testing.assert_equal(age_range(text), expected)


def test_the_latest_year_is_read_by_single_years_of_age(server: PxWeb) -> None:
    table, report = population_by_age("3907", base=server.base)
    assert set(table["year"]) == {2026}
    assert table["age_from"].tolist() == list(range(106))
    assert table["age_to"].iloc[-1] == np.inf
    assert table["residents"].tolist() == count(2026)
    assert report.date == "updated 2026-02-25"
    assert "Kilde: SSB" in report.licence


def test_a_number_from_before_a_reform_is_read_as_what_it_is_today(server: PxWeb) -> None:
    table, report = population_by_age("0719", year=2025, base=server.base)
    assert table["residents"].tolist() == count(2025)
    assert report.warnings == (
        "the municipality 0719 is today (part of) 3907, whose numbers these are",
    )


def test_signs_stay_missing_and_are_counted(server: PxWeb) -> None:
    ages = server.tables["07459"]
    signs = {("099",): ":", ("100",): "..", ("101",): "-", ("102",): "*"}
    server.tables["07459"] = replace(ages, signs=signs)
    table, report = population_by_age("3907", base=server.base)
    by_age = table.set_index("age_from")
    known = [np.nan, np.nan, 0, count(2026)[102]]
    np.testing.assert_array_equal(by_age.loc[99:102, "residents"], known)
    assert by_age.loc[99:102, "sign"].tolist() == [":", "..", "-", "*"]
    assert report.facts["provisional numbers"] == 1
    assert report.warnings == ("numbers that Statistics Norway hides or lacks: 2",)


@pytest.mark.parametrize("number", ["9999", "39", "abcd", "3907; drop"])
def test_an_unknown_municipality_is_refused(server: PxWeb, number: str) -> None:
    with pytest.raises(InputError, match="municipality"):
        population_by_age(number, base=server.base)


def test_an_unknown_year_is_refused_with_the_years_there_are(server: PxWeb) -> None:
    with pytest.raises(InputError, match="no year 1950") as error:
        population_by_age("3907", year=1950, base=server.base)
    assert "1986 to 2026" in error.value.hint


def test_the_second_run_asks_nothing(server: PxWeb, tmp_path: Path) -> None:
    first, _ = population_by_age("3907", cache_dir=tmp_path, base=server.base)
    asked = len(server.asked)
    again, report = population_by_age("3907", cache_dir=tmp_path, base=server.base)
    assert len(server.asked) == asked
    assert again.equals(first)
    assert all(path.parent == tmp_path for path in report.files)


def test_the_newest_projection_by_municipality_is_found_by_its_title(server: PxWeb) -> None:
    table, report = projection("3907", base=server.base)
    assert report.facts["table"] == (
        "14990: Framskrevet folkemengde 1. januar, etter kjønn og alder, i 9 alternativer (K)"
    )
    assert set(table["alternative"]) == {"main", "low", "high"}
    for name, content in {"main": "Personer", "low": "Personer1", "high": "Personer2"}.items():
        year = table[(table["alternative"] == name) & (table["year"] == 2040)]
        assert year["residents"].tolist() == count(2040, content)
    assert len(table) == 3 * 106 * 25


def test_a_projection_with_another_number_is_found_as_well(server: PxWeb) -> None:
    server.tables["20001"] = server.tables.pop("14990")
    _, report = projection("3907", base=server.base)
    assert str(report.facts["table"]).startswith("20001")


def test_a_title_without_k_counts_where_it_says_kommuner() -> None:
    label = "Framskrevet folkemengde kommuner, fylker og hele landet, 9 alternativer"
    tables = pd.DataFrame(
        {
            "id": ["14746", "14288", "14283"],
            "label": [label, "Framskrevet folkemengde 1. januar (K)", "Framskrevet folkemengde"],
            "first_period": ["2026", "2024", "2027"],
            "updated": "2026-06-01",
            "variables": "region;kjønn;alder;statistikkvariabel;år",
        }
    )
    assert newest_projection(tables, source="test") == "14746"
    with pytest.raises(OnlineError, match="none of 1 tables is called"):
        newest_projection(tables.iloc[2:], source="test")


def test_groups_beside_single_years_are_not_asked_for(server: PxWeb) -> None:
    table = server.tables["07459"]
    ages = {"999": "I alt", "067+": "67 år eller eldre", "H18": "18-66 år"} | SINGLE_AGES
    server.tables["07459"] = replace(table, dimensions={**table.dimensions, "Alder": ages})
    found, _ = population_by_age("3907", base=server.base)
    assert found["residents"].tolist() == count(2026)


@pytest.mark.parametrize("dimension", ["Alder", "Tid", "ContentsCode", "Region"])
def test_a_table_without_what_is_needed_is_one_clear_error(server: PxWeb, dimension: str) -> None:
    table = server.tables["07459"]
    server.tables["07459"] = replace(table, dimensions={**table.dimensions, dimension: {}})
    server.tables["07459"] = replace(server.tables["07459"], summed_over_reforms=False)
    with pytest.raises((OnlineError, InputError), match=r"no codes|no single years|municipality"):
        population_by_age("3907", base=server.base)
