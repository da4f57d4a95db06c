"""One place, one service: the same place mapped as a point and as a building, or twice as areas."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

NEAR_M = 10.0  # judgement: a shop's point is often set at the door, just outside the building
SAME_AREA_SHARE = 0.5  # judgement: two outlines of one place cover each other for the most part


def merge_same_places(services: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, int]:
    """Merge rows of one category that are the same place mapped more than once.

    A point and an area are the same place when the point lies in the area or within `NEAR_M`
    metres of it, two areas when they overlap by `SAME_AREA_SHARE` of the smaller one; and in both
    cases their names do not contradict each other and either their tag or their name is the same.
    The largest area stays; it takes over a name that only the other one had.

    Parameters
    ----------
    services
        Services table in a metric CRS.

    Returns
    -------
    The table without the doubles (a new RangeIndex), and how many rows were merged away.
    """
    services = services.reset_index(drop=True)
    pairs = _near_pairs(services)
    pairs = pairs[_same_place(services, pairs)]
    if len(pairs) == 0:
        return services, 0
    size = services.area.to_numpy()
    order = np.lexsort((pairs[:, 0], -size[pairs[:, 0]]))
    kept_by = pd.Series(-1, index=services.index)
    for keeper, double in pairs[order]:
        if kept_by[keeper] < 0 and kept_by[double] < 0:
            kept_by[double] = keeper
    doubles = kept_by[kept_by >= 0]
    merged = services.copy()
    names = services["name"].loc[doubles.index].set_axis(doubles.to_numpy())
    names = names[names != ""].groupby(level=0).first()
    nameless = names.index[merged.loc[names.index, "name"] == ""]
    merged.loc[nameless, "name"] = names[nameless]
    return merged.drop(index=doubles.index).reset_index(drop=True), len(doubles)


def _near_pairs(services: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return (n, 2) rows (area, other) of one category that lie on each other."""
    shapes = services.geometry.to_numpy()
    area_rows = np.flatnonzero(shapely.get_dimensions(shapes) == 2)  # noqa: PLR2004
    if len(area_rows) == 0:
        return np.empty((0, 2), dtype=np.int64)
    tree = shapely.STRtree(shapes)
    left, right = tree.query(shapes[area_rows], predicate="dwithin", distance=NEAR_M)
    pairs = np.column_stack([area_rows[left], right])
    category = services["category"].to_numpy()
    pairs = pairs[(category[pairs[:, 0]] == category[pairs[:, 1]]) & (pairs[:, 0] != pairs[:, 1])]
    size = shapely.area(shapes)
    larger = size[pairs[:, 0]] > size[pairs[:, 1]]
    tie = (size[pairs[:, 0]] == size[pairs[:, 1]]) & (pairs[:, 0] < pairs[:, 1])
    pairs = pairs[larger | tie]
    other_is_area = np.isin(pairs[:, 1], area_rows)
    shared = shapely.area(shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]]))
    covers = shared >= SAME_AREA_SHARE * size[pairs[:, 1]]
    kept: NDArray[np.int64] = pairs[~other_is_area | covers]
    return kept


def _same_place(services: gpd.GeoDataFrame, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    name = services["name"].str.casefold().to_numpy(dtype=object)
    kind = services["kind"].to_numpy(dtype=object)
    a, b = pairs[:, 0], pairs[:, 1]
    unnamed = (name[a] == "") | (name[b] == "")
    same_name = (name[a] == name[b]) & ~unnamed
    same_kind = kind[a] == kind[b]
    return np.asarray(same_name | (same_kind & unnamed), dtype=bool)
