"""JSON-stat2: order of dimensions, forms of indexes, and signs in the place of numbers."""

import copy
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.errors import OnlineError
from arealstrategi.sources.statistics.jsonstat import parse_json_stat

# As Statistics Norway answers for Oslo (its own published example).
OSLO: dict[str, Any] = {
    "version": "2.0",
    "class": "dataset",
    "label": "07459: Befolkning, etter region og år",
    "source": "Statistisk sentralbyrå",
    "updated": "2026-02-25T07:00:00Z",
    "id": ["Region", "ContentsCode", "Tid"],
    "size": [1, 1, 5],
    "dimension": {
        "Region": {"category": {"index": {"0301": 0}, "label": {"0301": "Oslo"}}},
        "ContentsCode": {"category": {"label": {"Personer1": "Personer"}}},
        "Tid": {"category": {"index": ["2022", "2023", "2024", "2025", "2026"]}},
    },
    "value": [699827, 709037, 717710, 724290, 728714],
}


def changed(**values: Any) -> dict[str, Any]:
    return copy.deepcopy(OSLO) | values


def test_the_published_example_reads() -> None:
    table = parse_json_stat(OSLO, source="test")
    assert table["Tid"].tolist() == ["2022", "2023", "2024", "2025", "2026"]
    assert table["value"].tolist() == OSLO["value"]
    assert set(table["Region_label"]) == {"Oslo"}
    assert table.attrs == {"title": OSLO["label"], "updated": OSLO["updated"]}


def test_signs_are_kept_and_only_a_dash_is_nothing() -> None:
    value, status = [None, None, None, None, 5], {"0": ".", "1": "..", "2": ":", "3": "-", "4": "*"}
    table = parse_json_stat(changed(value=value, status=status), source="test")
    np.testing.assert_array_equal(table["value"], [np.nan, np.nan, np.nan, 0, 5])
    assert table["sign"].tolist() == [".", "..", ":", "-", "*"]


def test_a_zero_behind_a_sign_is_not_a_zero() -> None:
    answer = changed(value=[0, 1, 2, 3, 4], status=["..", "", "", "", ":"])
    table = parse_json_stat(answer, source="test")
    np.testing.assert_array_equal(table["value"], [np.nan, 1, 2, 3, np.nan])


def test_what_a_sparse_answer_leaves_out_is_missing_and_not_zero() -> None:
    table = parse_json_stat(changed(value={"1": 7, "4": 0}), source="test")
    np.testing.assert_array_equal(table["value"], [np.nan, 7, np.nan, np.nan, 0])


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.booleans(), st.randoms())
def test_the_last_dimension_runs_fastest_whatever_the_form(sizes, as_list, random) -> None:
    dimensions = {}
    for at, size in enumerate(sizes):
        codes = [f"{at}-{place}" for place in range(size)]
        index: Any = codes
        if not as_list:
            entries = [(code, place) for place, code in enumerate(codes)]
            random.shuffle(entries)
            index = dict(entries)
        dimensions[f"d{at}"] = {"category": {"index": index}}
    places = list(product(*(range(size) for size in sizes)))
    document = {
        "version": "2.0", "class": "dataset", "id": list(dimensions), "size": sizes,
        "dimension": dimensions, "value": list(range(len(places))),
    }  # fmt: skip
    table = parse_json_stat(document, source="test")
    for number, place in enumerate(places):
        row = table.iloc[number]
        assert row["value"] == number
        for at, code in enumerate(place):
            assert row[f"d{at}"] == f"{at}-{code}"


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"columns": [], "data": []},
        changed(**{"class": "collection"}),
        changed(version="1.0"),
        changed(size=[1, 1]),
        changed(size=[1, 1, -5]),
        changed(size=[1, 1, True]),
        changed(size=[1, 1, 10**12]),
        changed(size=[1, 1, 6], value=[0] * 6),
        changed(value=[1, 2]),
        changed(value=None),
        changed(value={"9": 1}),
        changed(value={"x": 1}),
        changed(value=[1, 2, 3, 4, "5"]),
        changed(value=[1, 2, 3, 4, True]),
        changed(value=[1, 2, 3, 4, float("inf")]),
        changed(status={"5": ".."}),
        changed(dimension={}),
        changed(dimension={"Region": {"category": {"index": 3}}}),
    ],
)
def test_other_forms_are_refused_with_one_clear_error(document: object) -> None:
    with pytest.raises(OnlineError, match="test: the answer cannot be used"):
        parse_json_stat(document, source="test")
