"""The heights of Fjordvik: a shore that rises inland, the hill with the stairs, ridges behind."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from scipy import ndimage

from arealstrategi.sources.demo import place
from arealstrategi.sources.demo.town import Ground

CELL_M = 10.0
NODATA = -32767.0
WEST, SOUTH, EAST, NORTH = -300.0, -300.0, 5500.0, 4500.0

# Hills: middle, how far they reach east and north, height, all in metres.
HILLS = (
    (*place.HILL, 230.0, 235.0, 62.0),
    (4620.0, 2480.0, 430.0, 520.0, 88.0),
    (820.0, 3700.0, 620.0, 330.0, 62.0),
    (2150.0, 4080.0, 560.0, 330.0, 84.0),
    (3800.0, 3950.0, 560.0, 330.0, 90.0),
    (1600.0, 1050.0, 230.0, 200.0, 22.0),
)  # fmt: skip


def heights(ground: Ground) -> NDArray[np.float32]:
    """Return heights in metres above the sea, (rows, columns) from the north-west.

    The sea is 0; the lake is flat.
    """
    transform = Affine(CELL_M, 0.0, WEST, 0.0, -CELL_M, NORTH)
    shape = (int((NORTH - SOUTH) / CELL_M), int((EAST - WEST) / CELL_M))
    beyond = shapely.difference(
        shapely.box(WEST, 1100, EAST, NORTH), shapely.union_all([ground.border])
    )
    dry = [ground.mainland, ground.island, ground.islet, beyond]
    land = rasterize(dry, out_shape=shape, transform=transform).astype(bool)
    from_sea = ndimage.distance_transform_edt(land) * CELL_M
    x = WEST + CELL_M * (np.arange(shape[1]) + 0.5)
    y = (NORTH - CELL_M * (np.arange(shape[0]) + 0.5))[:, None]
    rise = 1.2 + 46.0 * (1.0 - np.exp(-((from_sea / 1150.0) ** 1.5)))
    for east, north, reach_x, reach_y, top in HILLS:
        away = ((x - east) / reach_x) ** 2 + ((y - north) / reach_y) ** 2
        rise = rise + top * np.exp(-away / 2) * (1.0 - np.exp(-from_sea / 120.0))
    knolls = np.sin(x / 83.0) * np.sin(y / 97.0 + 1.0) + 0.6 * np.sin((x + y) / 41.0)
    rise = rise + 1.6 * knolls * (1.0 - np.exp(-from_sea / 400.0))
    rise = np.where(land, np.maximum(ndimage.gaussian_filter(rise, 1.2), 0.4), 0.0)
    lake = rasterize([ground.lake], out_shape=shape, transform=transform).astype(bool)
    rise[lake] = rise[lake].min()
    return np.round(rise, 1).astype(np.float32)
