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
    merged = services.reset_index(drop=True)
    names = merged["name"].to_numpy(dtype=object, copy=True)
    kinds = merged["kind"].to_numpy(dtype=object)
    pairs = _in_order(_near_pairs(merged), np.asarray(merged.area, dtype=np.float64), names)
    gone = np.zeros(len(merged), dtype=bool)
    for _ in range(len(pairs)):  # a name taken over can make one more pair the same place
        before = int(gone.sum())
        for keeper, double in pairs:
            if not gone[keeper] and not gone[double] and _same_place(names, kinds, keeper, double):
                gone[double] = True
                names[keeper] = names[keeper] or names[double]
        if gone.sum() == before:
            break
    merged["name"] = pd.Series(names, dtype="str")
    return merged[~gone].reset_index(drop=True), int(gone.sum())


def _in_order(
    pairs: NDArray[np.int64], size: NDArray[np.float64], names: NDArray[np.object_]
) -> NDArray[np.int64]:
    """Put pairs of one name first, then the larger area, so that the order of rows decides last."""
    left, right = pairs.T
    same_name = (names[left] == names[right]) & (names[left] != "")
    order: NDArray[np.int64] = pairs[np.lexsort((right, left, -size[left], ~same_name))]
    return order


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


def _same_place(
    names: NDArray[np.object_], kinds: NDArray[np.object_], one: int, other: int
) -> bool:
    if names[one] and names[other]:
        return bool(names[one].casefold() == names[other].casefold())
    return bool(kinds[one] == kinds[other])
