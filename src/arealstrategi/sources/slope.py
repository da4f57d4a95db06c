"""How steep the ground is: a grid of gradients from elevation rasters, and what parcels have of it.

The gradient of a cell is that of the plane through the heights at its four corners, by least
squares: central differences of the means of opposite corners. The heights are smoothed already
(`elevation`), with the weights that Horn's gradient gives to the neighbours of a cell (B. K. P.
Horn, "Hill shading and the reflectance map", Proc. IEEE 69, 1981), so that a wider window would
smooth twice. Corners lie on whole multiples of the cell's side in the analysis CRS: a cell is the
same whatever the area around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from exactextract import exact_extract
from exactextract.feature import FeatureSource, JSONFeature
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray
from rasterio.features import shapes as outlines
from rasterio.transform import Affine

from arealstrategi.errors import InputError
from arealstrategi.sources.elevation import sample_heights

CELL_M = 10.0
BLOCK = 256  # cells whose heights are asked for at once, each way: bounds the memory
TILE = 64  # cells to a piece of the zones, each way: small pieces are quick to meet with parcels
MOST_CELLS = 50_000_000  # 70 × 70 km of 10 m, 200 MB
# Heights of 32 bits tell a gradient no better: as steep as the limit but for this is not steeper.
ROUNDING_PCT = 1e-3
WHOLE = 1 - 1e-6  # of a parcel: nearer than this to all of it is rounding

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Slope:
    """Gradients of square cells, the first row in the north.

    Parameters
    ----------
    pct
        (rows, columns) gradient of each cell, per cent; NaN: not known.
    west, north
        The outer corner of the first cell, metres in `crs`.
    cell_m
        Side of a cell.
    crs
        The analysis CRS.
    """

    pct: NDArray[np.float32]
    west: float
    north: float
    cell_m: float
    crs: pyproj.CRS

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of all cells."""
        rows, columns = self.pct.shape
        south, east = self.north - rows * self.cell_m, self.west + columns * self.cell_m
        return self.west, south, east, self.north


def ground_slope(
    rasters: Sequence[Path],
    bounds: tuple[float, float, float, float],
    crs: pyproj.CRS,
    *,
    cell_m: float = CELL_M,
    shapes: gpd.GeoSeries | None = None,
) -> Slope:
    """Return the gradient of the ground on a grid of cells.

    Parameters
    ----------
    rasters
        As for `elevation.sample_heights`.
    bounds
        West, south, east and north in `crs`; the cells cover them.
    crs
        The analysis CRS.
    cell_m
        Side of a cell.
    shapes
        Parcels in `crs`: blocks of cells without any are left unknown, which saves their reading;
        None: every cell is asked for.

    Raises
    ------
    InputError
        A raster cannot be read, or there would be too many cells.
    """
    left, bottom, right, top = (int(np.floor(bound / cell_m)) for bound in bounds)
    rows, columns = top + 1 - bottom, right + 1 - left
    if rows * columns > MOST_CELLS:
        raise InputError(
            f"{', '.join(map(str, rasters))}: the area is {columns * cell_m / 1000:.0f} × "
            f"{rows * cell_m / 1000:.0f} km, {rows * columns} cells of {cell_m:g} m: too many to "
            "find how steep the ground is",
            hint="Choose a smaller area by `boundary` under [area], or leave out the rule on slope "
            f"(`max_slope_pct` under [buildable]). At most {MOST_CELLS} cells.",
        )
    pct = np.full((rows, columns), np.nan, dtype=np.float32)
    slope = Slope(pct, left * cell_m, (top + 1) * cell_m, cell_m, crs)
    for row, column in _blocks(slope, shapes):
        part = pct[row : row + BLOCK, column : column + BLOCK]
        x = (left + column + np.arange(part.shape[1] + 1)) * cell_m
        y = (top + 1 - row - np.arange(part.shape[0] + 1)) * cell_m
        points = np.stack(np.meshgrid(x, y), axis=-1)
        heights = sample_heights(rasters, points.reshape(-1, 2), crs)
        part[:] = _gradient_pct(heights.reshape(points.shape[:2]), cell_m)
    return slope


def _blocks(slope: Slope, shapes: gpd.GeoSeries | None) -> Iterator[tuple[int, int]]:
    """Give the first row and column of each block of cells that a shape meets."""
    size = slope.pct.shape
    row, column = (a.ravel() for a in np.mgrid[0 : size[0] : BLOCK, 0 : size[1] : BLOCK])
    met = np.arange(len(row))
    if shapes is not None:
        west, north, side = slope.west, slope.north, BLOCK * slope.cell_m
        x, y = west + column * slope.cell_m, north - row * slope.cell_m
        boxes = shapely.box(x, y - side, x + side, y)
        met = np.unique(shapely.STRtree(shapes.to_numpy()).query(boxes, predicate="intersects")[0])
    return zip(row[met].tolist(), column[met].tolist(), strict=True)


def _gradient_pct(heights: Array, cell_m: float) -> Array:
    """Return the gradients of cells from the heights at their corners."""
    eastward = np.diff(heights, axis=1)
    northward = -np.diff(heights, axis=0)
    eastward = (eastward[:-1] + eastward[1:]) / 2
    northward = (northward[:, :-1] + northward[:, 1:]) / 2
    return np.asarray(100 * np.hypot(eastward, northward) / cell_m)


def parcel_slope(slope: Slope, parcels: gpd.GeoDataFrame, *, max_pct: float) -> pd.DataFrame:
    """Return how steep each parcel is, each cell counted by how much of it the parcel covers.

    Parameters
    ----------
    slope
        Of the ground.
    parcels
        Polygons and points in the analysis CRS; a point takes the cell it lies in.
    max_pct
        The steepest ground that counts, per cent.

    Returns
    -------
    Index ``parcel_id``. ``mean_pct``: mean gradient; ``within_share``: 0–1 of the known area that
    is not steeper than `max_pct`; both NaN where nothing is known. ``known``: 0–1 of the parcel's
    area with known gradient.
    """
    shapes = parcels.geometry.to_numpy()
    found = pd.DataFrame({"mean_pct": np.nan, "within_share": np.nan, "known": 0.0}, parcels.index)
    west, south, east, north = slope.bounds
    rows = np.flatnonzero(
        (shapely.area(shapes) > 0)
        & shapely.intersects(shapes, shapely.box(west, south, east, north))
    )
    if len(rows):
        found.iloc[rows] = _of_polygons(slope, shapes[rows], max_pct)
    points = np.flatnonzero(shapely.get_type_id(shapes) == shapely.GeometryType.POINT)
    pct = _at_points(slope, shapes[points])
    within = np.where(np.isnan(pct), np.nan, ~_is_steep(pct, max_pct))
    found.iloc[points] = np.column_stack([pct, within, ~np.isnan(pct)])
    return found


class _Shape(JSONFeature):  # type: ignore[misc]
    """A polygon as exactextract asks for it, without the way over GeoJSON: that takes most time."""

    def __init__(self, row: int, wkb: bytes) -> None:
        super().__init__({"type": "Feature", "properties": {"row": row}})
        self.wkb = wkb

    def geometry(self) -> bytes:
        return self.wkb


class _Shapes(FeatureSource):  # type: ignore[misc]
    """Polygons as exactextract asks for them."""

    def __init__(self, shapes: NDArray[np.object_]) -> None:
        super().__init__()
        self.wkb = shapely.to_wkb(shapes)

    def count(self) -> int:
        return len(self.wkb)

    def __iter__(self) -> Iterator[_Shape]:
        return map(_Shape, range(len(self.wkb)), self.wkb)

    def srs_wkt(self) -> None:
        return None  # as the cells have none: both are in the analysis CRS


def _of_polygons(slope: Slope, shapes: NDArray[np.object_], max_pct: float) -> Array:
    """Return (n, 3) the columns of `parcel_slope`, as exactextract covers cells."""
    within = (~_is_steep(slope.pct, max_pct)).astype(np.float32)
    within[np.isnan(slope.pct)] = np.nan
    west, south, east, north = slope.bounds
    cells = [
        NumPyRasterSource(
            array, west, south, east, north, name=name
        )
        for name, array in (("pct", slope.pct), ("within", within))
    ]  # fmt: skip
    got = exact_extract(
        cells,
        _Shapes(shapes),
        ["mean", "count"],
        include_cols=["row"],
        strategy="raster-sequential",
        output="pandas",
    ).sort_values("row")
    share = got["pct_count"].to_numpy() * slope.cell_m**2 / shapely.area(shapes)
    share = np.where(share > WHOLE, 1.0, share)
    mean, inside = (got[name].where(share > 0) for name in ("pct_mean", "within_mean"))
    return np.column_stack([mean, inside, share]).astype(np.float64)


def _at_points(slope: Slope, points: NDArray[np.object_]) -> Array:
    """Return the gradients of the cells that points lie in; NaN beyond the cells."""
    side, (rows, columns) = slope.cell_m, slope.pct.shape
    row = round(slope.north / side) - 1 - np.floor(shapely.get_y(points) / side)
    column = np.floor(shapely.get_x(points) / side) - round(slope.west / side)
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    pct = np.full(len(points), np.nan)
    pct[inside] = slope.pct[row[inside].astype(int), column[inside].astype(int)]
    return pct


def steep_zones(slope: Slope, max_pct: float) -> tuple[gpd.GeoSeries, gpd.GeoSeries]:
    """Outline the ground that is steeper than a limit, and the ground of known gradient.

    Parameters
    ----------
    slope
        Of the ground.
    max_pct
        The limit, per cent.

    Returns
    -------
    Polygons of whole cells in the analysis CRS, cut along the borders of tiles.
    """
    zones = _outlined(slope, _is_steep(slope.pct, max_pct))
    return zones, _outlined(slope, ~np.isnan(slope.pct))


def _is_steep(pct: NDArray[np.floating], max_pct: float) -> Mask:
    return np.asarray(pct > max_pct + ROUNDING_PCT)


def _outlined(slope: Slope, cells: Mask) -> gpd.GeoSeries:
    """Return the outlines of cells: tiles in two colours like a chessboard never grow together."""
    row = (round(slope.north / slope.cell_m) - 1 - np.arange(cells.shape[0])) // TILE
    column = (round(slope.west / slope.cell_m) + np.arange(cells.shape[1])) // TILE
    colour = (1 + (row[:, np.newaxis] + column) % 2).astype(np.uint8)
    there = Affine(slope.cell_m, 0, slope.west, 0, -slope.cell_m, slope.north)
    pieces = [outline for outline, _ in outlines(colour, cells, connectivity=4, transform=there)]
    return gpd.GeoSeries([shapely.geometry.shape(piece) for piece in pieces], crs=slope.crs)
