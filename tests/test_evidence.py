"""Zones that are lines and points, and shares that nobody knows."""

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import LineString, Point, box

from arealstrategi.evidence import answer_by_share, find_zones

PLOTS = gpd.GeoDataFrame(
    geometry=[box(0, 0, 10, 10), box(20, 0, 30, 10)],
    index=pd.Index(["a", "b"], name="parcel_id"),
    crs=25832,
)


def test_a_line_or_a_point_that_meets_a_parcel_hits_it_whatever_its_area():
    zones = gpd.GeoSeries([LineString([(5, -5), (5, 15)]), Point(25, 5), Point(99, 99)], crs=25832)
    found = find_zones(PLOTS, zones)
    assert found["answer"].tolist() == ["hit", "hit"]
    assert found["share"].tolist() == [0, 0]
    assert find_zones(PLOTS, zones.iloc[2:])["answer"].tolist() == ["no_hit", "no_hit"]


def test_a_share_that_is_not_known_is_not_mapped():
    index = pd.Index(["a", "b", "c", "d"], name="parcel_id")
    share = np.array([np.nan, 0.0, 0.5, 0.0])
    told = answer_by_share(share, np.array([0.0, 1.0, 0.2, 0.9]), index)["answer"]
    assert told.tolist() == ["not_mapped", "no_hit", "hit", "not_mapped"]
    assert answer_by_share(share, None, index)["answer"].tolist()[0] == "not_mapped"
