"""Cells of Statistics Norway's grids: from places to ids, from ids to squares.

A cell id (``SSBID``) has 14 digits: the easting of the lower left corner plus 2 000 000, then its
northing in seven digits, in UTM33 (EPSG:25833).
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

UTM33 = pyproj.CRS.from_epsg(25833)
FALSE_EASTING_M, NORTHING_DIGITS = 2_000_000, 10**7


def cell_id_of(x: ArrayLike, y: ArrayLike, side_m: int) -> NDArray[np.str_]:
    """Return the ids of the cells that places lie in.

    Parameters
    ----------
    x, y
        (n,) easting and northing, UTM33.
    side_m
        Side of a cell, whole metres.

    Returns
    -------
    (n,) texts of 14 digits. A place on a border belongs to the cell east or north of it.
    """
    east, north = (
        (np.floor(np.asarray(at, dtype=float) / side_m) * side_m).astype(np.int64) for at in (x, y)
    )
    return ((east + FALSE_EASTING_M) * NORTHING_DIGITS + north).astype(str)


def corner_of(cell_ids: ArrayLike) -> NDArray[np.int64]:
    """Return the lower left corners (n, 2) of cells in UTM33, from their ids of 14 digits."""
    numbers = np.asarray(cell_ids, dtype=str).astype(np.int64)
    return np.column_stack(
        [numbers // NORTHING_DIGITS - FALSE_EASTING_M, numbers % NORTHING_DIGITS]
    )


def squares(cell_ids: ArrayLike, side_m: int, crs: pyproj.CRS) -> NDArray[np.object_]:
    """Return the cells as polygons in `crs`."""
    x, y = corner_of(cell_ids).T
    shapes = shapely.box(x, y, x + side_m, y + side_m)
    return np.asarray(gpd.GeoSeries(shapes, crs=UTM33).to_crs(crs).to_numpy(), dtype=object)
