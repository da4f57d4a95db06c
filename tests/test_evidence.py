"""Zones that are lines and points, shares that nobody knows, and the share from which it counts."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, box

from arealstrategi.evidence import SLIVER_SHARE, answer_by_share, find_zones

PLOTS = gpd.GeoDataFrame(
    geometry=[box(0, 0, 10, 10), box(20, 0, 30, 10)],
    index=pd.Index(["a", "b"], name="parcel_id"),
    crs=25832,
)


def told(share, surveyed=1.0, from_share=0.0):
    known = None if surveyed is None else np.array([surveyed], dtype=float)
    index = pd.Index(["p"], name="parcel_id")
    found = answer_by_share(np.array([share], dtype=float), known, index, from_share)
    return found.loc["p", "answer"]


def test_a_line_or_a_point_that_meets_a_parcel_hits_it_whatever_its_area():
    zones = gpd.GeoSeries([LineString([(5, -5), (5, 15)]), Point(25, 5), Point(99, 99)], crs=25832)
    found = find_zones(PLOTS, zones)
    assert found["answer"].tolist() == ["hit", "hit"]
    assert found["share"].tolist() == [0, 0]
    assert find_zones(PLOTS, zones.iloc[2:])["answer"].tolist() == ["no_hit", "no_hit"]


def test_a_share_that_is_not_known_is_not_mapped():
    index = pd.Index(["a", "b", "c", "d"], name="parcel_id")
    share = np.array([np.nan, 0.0, 0.5, 0.0])
    answers = answer_by_share(share, np.array([0.0, 1.0, 0.2, 0.9]), index)["answer"]
    assert answers.tolist() == ["not_mapped", "no_hit", "hit", "not_mapped"]
    assert answer_by_share(share, None, index)["answer"].tolist()[0] == "not_mapped"


@pytest.mark.parametrize(
    ("share", "surveyed", "from_share", "answer"),
    [
        (0.30, 1.0, 0.30, "hit"),  # at the limit counts
        (0.29, 1.0, 0.30, "below_share"),
        (0.1 + 0.2, 1.0, 0.3, "hit"),
        (1 - 0.7, 1.0, 0.3, "hit"),  # 0.30000000000000004 and 0.30000000000000004 the other way
        (0.0, 1.0, 0.30, "no_hit"),
        (SLIVER_SHARE, 1.0, 0.30, "no_hit"),  # a sliver is nothing, not less than asked for
        (0.29, 0.90, 0.30, "not_mapped"),  # the tenth nobody looked at could make it a hit
        (0.05, 0.90, 0.30, "below_share"),  # here it could not
        (0.0, 0.50, 0.60, "no_hit"),  # nor here
        (0.0, 0.30, 0.60, "not_mapped"),
        (0.70, 0.80, 0.60, "hit"),  # it is one already
        (np.nan, 0.0, 0.60, "not_mapped"),
        (1.0, 1.0, 1.0, "hit"),
        (0.999, 1.0, 1.0, "below_share"),
    ],
)
def test_the_share_from_which_it_counts_and_what_is_not_surveyed(
    share, surveyed, from_share, answer
):
    assert told(share, surveyed, from_share) == answer


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_an_answer_that_is_given_stands_whatever_a_survey_of_the_rest_would_find(
    share, surveyed, from_share
):
    share = min(share, surveyed)  # zones lie where somebody looked
    answer = told(share, surveyed, from_share)
    rest = 1 - surveyed
    if answer == "not_mapped":
        # the whole rest in a zone would make it a hit
        assert told(min(share + rest, 1.0), 1.0, from_share) == "hit"
        assert rest > SLIVER_SHARE
        return
    clean, full = told(share, 1.0, from_share), told(min(share + rest, 1.0), 1.0, from_share)
    assert clean == answer
    if rest > SLIVER_SHARE:
        assert (full == "hit") == (answer == "hit")


def test_half_a_parcel_counts_from_half_a_parcel_on():
    zones = gpd.GeoSeries([box(0, 0, 5, 10), box(20, 0, 24.9, 10)], crs=25832)
    found = find_zones(PLOTS, zones, from_share=0.5)
    assert found["answer"].tolist() == ["hit", "below_share"]
    assert found["share"].tolist() == pytest.approx([0.5, 0.49])
    half_seen = gpd.GeoSeries([box(0, 0, 10, 10), box(20, 0, 25, 10)], crs=25832)
    assert find_zones(PLOTS, zones, half_seen, 0.5)["answer"].tolist() == ["hit", "not_mapped"]
    assert find_zones(PLOTS, zones, half_seen, 0.0)["answer"].tolist() == ["hit", "hit"]
