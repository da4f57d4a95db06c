"""Shapes as whole steps in Web Mercator, and the order in which neighbours follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from arealstrategi.export.packing.block import Varints

UNIT_M = 0.1
"""Step of the packed coordinates in Web Mercator metres: at most 4 cm on Norwegian ground."""
COARSE = 4
"""Steps that the backdrop is drawn in: 0.4 m, which nobody sees at any zoom."""
_AREAL = 2
# With fewer common vertices, telling which they are takes more room than it saves.
_WORTH_TELLING = 0.1


@dataclass(frozen=True)
class Grid:
    """Whole steps of `UNIT_M` from one origin in Web Mercator."""

    to_mercator: pyproj.Transformer
    origin: tuple[int, int]

    @classmethod
    def around(cls, crs: pyproj.CRS, west: float, south: float) -> Grid:
        """Return the grid of a table in `crs` whose south-west corner lies there, in degrees."""
        corner = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(west, south)
        to_mercator = pyproj.Transformer.from_crs(crs, 3857, always_xy=True)
        return cls(to_mercator, (round(corner[0] / UNIT_M), round(corner[1] / UNIT_M)))

    def steps(self, xy: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (n, 2) whole steps of (n, 2) coordinates in the table's CRS."""
        x, y = self.to_mercator.transform(xy[:, 0], xy[:, 1])
        return np.round(np.column_stack([x, y]) / UNIT_M).astype(np.int64) - self.origin


def along_curve(geometry: gpd.GeoSeries) -> NDArray[np.int64]:
    """Return the rows along a Hilbert curve: what lies together stands together; empty ones last.

    Neighbours have nearly the same distances and share their services, so tables in this order
    compress well.
    """
    shapes = geometry.to_numpy()
    there = np.flatnonzero(~(shapely.is_empty(shapes) | shapely.is_missing(shapes)))
    place = np.full(len(shapes), np.iinfo(np.int64).max)
    if there.size:
        place[there] = gpd.GeoSeries(shapes[there]).hilbert_distance().to_numpy()
    return np.argsort(place, kind="stable")


def pack_shapes(geometry: NDArray[Any], grid: Grid, step: int = 1) -> dict[str, Any]:
    """Pack any geometries: lines per feature, vertices per line, x and y as steps.

    The rings of a polygon are its lines, without the closing vertex; a point is a line of one. The
    steps are `step` times those of the grid.
    """
    areal = shapely.get_dimensions(geometry) == _AREAL
    lines = np.where(areal, shapely.boundary(geometry), geometry)
    lines, feature = shapely.get_parts(lines, return_index=True)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    steps = np.round(grid.steps(xy) / step).astype(np.int64)
    first = np.r_[True, line[1:] != line[:-1]][: len(line)]
    last = np.r_[line[1:] != line[:-1], True][: len(line)]
    repeated = np.r_[False, (steps[1:] == steps[:-1]).all(axis=1)][: len(line)] & ~first
    keep = ~repeated & ~(last & ~first & areal[feature[line]])
    return {
        "lines": Varints(np.bincount(feature, minlength=len(geometry))),
        "vertices": Varints(np.bincount(line[keep], minlength=len(lines))),
        "step": step,
        **_pack_vertices(steps[keep]),
    }


def _pack_vertices(steps: NDArray[np.int64]) -> dict[str, Varints | None]:
    """Pack vertices as moves from the one before; neighbours' common vertices are told once.

    Returns
    -------
    ``x`` and ``y``: the moves to vertices that are new. ``seen``: for every vertex 0 where it is
    new; else how many vertices after the one before it stands among those known, 1 more if that is
    0 or above. Null where hardly any vertex comes twice: all are new.
    """
    moves = np.diff(steps, axis=0, prepend=np.zeros((1, 2), np.int64))
    key = steps[:, 0] * (1 << 32) + steps[:, 1]
    _, first, same = np.unique(key, return_index=True, return_inverse=True)
    is_new = first[same] == np.arange(len(steps))
    if (~is_new).sum() < _WORTH_TELLING * len(steps):
        return {"x": Varints(moves[:, 0]), "y": Varints(moves[:, 1]), "seen": None}
    known = (np.cumsum(is_new) - 1)[first[same]]
    ahead = np.diff(known, prepend=0)
    seen = np.where(is_new, 0, np.where(ahead >= 0, ahead + 1, ahead))
    told = moves[is_new]
    return {"x": Varints(told[:, 0]), "y": Varints(told[:, 1]), "seen": Varints(seen)}
