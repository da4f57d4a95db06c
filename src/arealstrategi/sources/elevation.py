"""Heights from elevation rasters of any CRS, axis order and nodata value, smoothed.

A model of 30 m or 90 m is noisy by some metres from cell to cell, which a walk of 10 m would meet
as cliffs. So a height is bilinear between cells that were smoothed first:

1. The cells of a model finer than 10 m are averaged to about 10 m, counted from its own corner.
2. Cells that a raster does not know, and the rows just beyond its edges, are filled from the other
   rasters, so that tiles that only meet are smoothed as if they were one.
3. Each cell becomes the mean of itself and its eight neighbours, weighted [1 2 1]/4 in both
   directions, in opposite pairs: where one of a pair is unknown both are left out, which keeps a
   slope as it is also beside voids and at the outer edge.

The result at a point depends on the cells near it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from pyproj.exceptions import ProjError
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import binary_dilation

from arealstrategi.area import WGS84
from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport

# Beyond these no ground lies on land: a void whose nodata value the raster does not state.
LOWEST_M, HIGHEST_M = -500.0, 9000.0
FINEST_M = 10.0
COARSE_M = 60.0  # judgement: a street's short steep piece is lost in larger cells
BLOCK = 1024  # cells of the raster that are read at once, each way: bounds the memory
AT_CENTRE = 1e-6  # of a cell: nearer than this to a cell's centre is rounding
SATURATED = 255  # of a raster of bytes: that high or higher

# (row, column) of one of each opposite pair of neighbours, and its weight where the cell's is 4
PAIRS = (((0, 1), 2.0), ((1, 0), 2.0), ((1, 1), 1.0), ((1, -1), 1.0))

# How much is made of a model: its own cells; filled from the others; filled and smoothed
OWN, FILLED, SMOOTHED = 0, 1, 2

Array = NDArray[np.float64]
Box = tuple[float, float, float, float]  # west, south, east, north


def sample_heights(paths: Sequence[Path], points: Array, crs: pyproj.CRS) -> Array:
    """Return the height at each point, bilinear between smoothed cells.

    Parameters
    ----------
    paths
        Rasters; where they overlap the first one that knows the height counts.
    points
        (n, 2) coordinates in `crs`.
    crs
        The analysis CRS.

    Returns
    -------
    (n,) metres; NaN where every raster is void or ends.

    Raises
    ------
    InputError
        A raster is missing, cannot be read, or has no CRS.
    """
    with ExitStack() as stack:
        models = [_open(path, crs, stack) for path in paths]
        return _sample(models, points, crs)[0]


def check_elevation(paths: Sequence[Path], points: Array, crs: pyproj.CRS) -> SourceReport:
    """Read the rasters at the points and say what they know of them.

    Parameters
    ----------
    paths, points, crs
        As for `sample_heights`.
    """
    with ExitStack() as stack:
        models = [_open(path, crs, stack) for path in paths]
        heights, giver = _sample(models, points, crs)
        cells = {_cells_at(model, points[giver == i], crs) for i, model in enumerate(models)}
        saturated = {model: _count_saturated(model, points, crs) for model in models}
    sizes, known = sorted(cells - {(0.0, 0.0)}), heights[np.isfinite(heights)]
    facts: dict[str, Fact] = {
        "cell size, m": ", ".join(map(_told, sizes)),
        "smoothing": f"cells of {FINEST_M:g} m or more, each averaged with its 8 neighbours",
        "points with known height": len(known),
    }
    if len(known):
        facts["lowest point, m"] = round(float(known.min()), 1)
        facts["highest point, m"] = round(float(known.max()), 1)
    if any(saturated.values()):
        facts["saturated cells"] = sum(saturated.values())
    said = _warnings(sizes, saturated, len(known), len(points))
    source = ", ".join(str(path) for path in paths)
    return SourceReport("elevation", source, facts, said, tuple(paths), what="elevation model")


def _warnings(
    sizes: Sequence[tuple[float, float]],
    saturated: Mapping[_Model, int],
    n_known: int,
    n_points: int,
) -> tuple[str, ...]:
    said = [
        f"the elevation model has cells of {_told(size)} m: short steep pieces do not show"
        for size in sizes
        if max(size) > COARSE_M
    ]
    said += [
        f"{model.path.name} cannot tell heights above {model.highest_m:g} m: "
        f"{count} of its cells around the points are taken as unknown"
        for model, count in saturated.items()
        if count
    ]
    if n_known == 0 < n_points:
        said.append("no height is known at any of the points: does the model cover the area?")
    elif n_known < n_points:
        said.append(f"the height of {n_points - n_known} of {n_points} points is not known")
    return tuple(said)


@dataclass(frozen=True, eq=False)
class _Model:
    """An open raster and the cells that count.

    Parameters
    ----------
    path, raster
        The file.
    wkt
        Its CRS.
    step
        Rows and columns of the raster that are averaged to one cell.
    shape
        Rows and columns of such cells; a last one of which more than half is missing is beyond.
    bounds
        West, south, east and north in its CRS.
    """

    path: Path
    raster: DatasetReader
    wkt: str
    step: tuple[int, int]
    shape: tuple[int, int]
    bounds: Box

    @property
    def highest_m(self) -> float:
        """The highest height that a raster of bytes can tell."""
        return float((SATURATED - 1) * self.raster.scales[0] + self.raster.offsets[0])

    def rows_columns(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return where points in the model's CRS lie, in cells from its first corner."""
        back = ~self.raster.transform
        with np.errstate(invalid="ignore"):  # where a CRS does not reach, inf
            column, row = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
        return row / self.step[0], column / self.step[1]

    def centres(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return the middles of cells in the model's CRS."""
        there, r, c = (
            self.raster.transform,
            self.step[0] * (row + 0.5),
            self.step[1] * (column + 0.5),
        )
        return there.a * c + there.b * r + there.c, there.d * c + there.e * r + there.f


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (RasterioError, ProjError) as error:
        raise InputError(
            f"{path}: cannot be read as elevation ({error})",
            hint="Give a raster such as GeoTIFF or .hgt.",
        ) from error


def _open(path: Path, crs: pyproj.CRS, stack: ExitStack) -> _Model:
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file", hint="Check `elevation` under [terrain]."
        )
    with _reading(path):
        raster = stack.enter_context(rasterio.open(path))
        if raster.crs is None:
            raise InputError(
                f"{path}: the raster does not say in which CRS it is",
                hint="Give it a CRS with gdal_edit or in QGIS.",
            )
        wkt = raster.crs.to_wkt()
        _transformer(crs.to_wkt(), wkt)
        west, south, east, north = bounds = _bounds(raster)
        sizes = _cell_sizes(raster, wkt, (west + east) / 2, (south + north) / 2)
    high, wide = (max(round(FINEST_M / size), 1) if size > 0 else 1 for size in sizes)
    shape = max(int(raster.height / high + 0.5), 1), max(int(raster.width / wide + 0.5), 1)
    return _Model(path, raster, wkt, (high, wide), shape, bounds)


def _bounds(raster: DatasetReader) -> Box:
    x, y = zip(
        *(raster.transform @ (c, r) for c in (0, raster.width) for r in (0, raster.height)),
        strict=True,
    )
    return min(x), min(y), max(x), max(y)


@lru_cache(maxsize=64)
def _transformer(here: str, there: str) -> pyproj.Transformer:
    """Return the way between two CRSs, easting or longitude first whatever their axis order."""
    return pyproj.Transformer.from_crs(
        pyproj.CRS.from_wkt(here), pyproj.CRS.from_wkt(there), always_xy=True
    )


def _cell_sizes(raster: DatasetReader, wkt: str, x: float, y: float) -> tuple[float, float]:
    """Return height and width of the raster's cell at a point in its CRS, in metres of ground."""
    there = raster.transform
    to_lonlat = _transformer(wkt, WGS84.to_wkt())
    lon, lat = to_lonlat.transform([x, x + there.b, x + there.a], [y, y + there.e, y + there.d])
    if not np.isfinite([lon, lat]).all():
        return 0.0, 0.0
    _, _, metres = pyproj.Geod(ellps="WGS84").inv([lon[0]] * 2, [lat[0]] * 2, lon[1:], lat[1:])
    return metres[0], metres[1]


def _cells_at(model: _Model, points: Array, crs: pyproj.CRS) -> tuple[float, float]:
    """Return height and width of the raster's cells around the points, as they are told.

    Zeros where there is no point.
    """
    if len(points) == 0:
        return 0.0, 0.0
    x, y = _transformer(crs.to_wkt(), model.wkt).transform(*np.median(points, axis=0))
    high, wide = (
        round(s, 1 if s < FINEST_M / 2 else 0) for s in _cell_sizes(model.raster, model.wkt, x, y)
    )
    return high, wide


def _told(size: tuple[float, float]) -> str:
    high, wide = size
    return f"{high:g}" if high == wide else f"{wide:g} × {high:g}"


def _count_saturated(model: _Model, points: Array, crs: pyproj.CRS) -> int:
    """Count the cells at a byte's highest value in the raster's window around the points."""
    if model.raster.dtypes[0] != "uint8":
        return 0
    x, y = _transformer(crs.to_wkt(), model.wkt).transform(*points.T)
    row, column = model.rows_columns(x, y)
    within = _is_within(model, row, column)
    if not within.any():
        return 0
    (top, bottom), (left, right) = (
        (
            int(max(place[within].min() * step - 1, 0)),
            int(min(place[within].max() * step + 2, size)),
        )
        for place, step, size in zip((row, column), model.step, model.raster.shape, strict=True)
    )
    count = 0
    for first in range(top, bottom, BLOCK):
        window = Window(left, first, right - left, min(BLOCK, bottom - first))
        with _reading(model.path):
            cells = model.raster.read(1, window=window, masked=True)
        count += int((cells == SATURATED).sum() or 0)
    return count


def _sample(
    models: Sequence[_Model], points: Array, crs: pyproj.CRS
) -> tuple[Array, NDArray[np.int64]]:
    """Return (n,) heights and which model gave each, -1 where none did."""
    heights, giver = np.full(len(points), np.nan), np.full(len(points), -1)
    for number, model in enumerate(models):
        unknown = np.flatnonzero(giver < 0)
        x, y = _transformer(crs.to_wkt(), model.wkt).transform(*points[unknown].T)
        found = _heights(models, number, x, y, SMOOTHED)
        heights[unknown] = found
        giver[unknown[np.isfinite(found)]] = number
    return heights, giver


def _is_within(model: _Model, row: Array, column: Array) -> NDArray[np.bool_]:
    (high, wide), raster = model.step, model.raster
    by_row = (row >= 0) & (row <= raster.height / high)
    return np.asarray(by_row & (column >= 0) & (column <= raster.width / wide))


def _heights(models: Sequence[_Model], number: int, x: Array, y: Array, made: int) -> Array:
    """Return the heights that one of the models knows at points in its CRS, block by block."""
    model = models[number]
    row, column = model.rows_columns(x, y)
    heights = np.full(len(row), np.nan)
    within = np.flatnonzero(_is_within(model, row, column))
    high, wide = (max(BLOCK // step, 1) for step in model.step)
    across = model.shape[1] // wide + 2
    block = (row[within] // high * across + column[within] // wide).astype(np.int64)
    order = np.argsort(block, kind="stable")
    ends = np.flatnonzero(np.diff(block[order])) + 1
    for here in np.split(within[order], ends) if len(within) else ():
        heights[here] = _heights_in_block(models, number, row[here], column[here], made)
    return heights


def _heights_in_block(
    models: Sequence[_Model], number: int, row: Array, column: Array, made: int
) -> Array:
    model = models[number]
    places = _place(row), _place(column)
    (top, bottom), (left, right) = (
        (int(np.floor(place.min())) - 1, int(np.floor(place.max())) + 3) for place in places
    )
    own = _read(model, top, left, (bottom - top, right - left))
    cells = own
    if made > OWN and len(models) > 1:
        cells = _fill(models, number, own, (top, left), made)
    if made == SMOOTHED:
        cells = _smooth(cells)
    heights = _bilinear(cells, places, (top, left), model.shape)
    inside = [
        np.clip(np.floor(position).astype(int), 0, size - 1) - first
        for position, size, first in zip((row, column), model.shape, (top, left), strict=True)
    ]
    heights[np.isnan(own[inside[0], inside[1]])] = np.nan
    return heights


def _place(position: Array) -> Array:
    """Return positions counted from the first cell's centre, without rounding at centres."""
    place = position - 0.5
    nearest = np.rint(place)
    return np.where(np.abs(place - nearest) < AT_CENTRE, nearest, place)


def _bilinear(
    cells: Array, places: tuple[Array, Array], origin: tuple[int, int], shape: tuple[int, int]
) -> Array:
    """Interpolate between cell centres; NaN next to a void.

    In the outer half of the outermost cells, where no other raster knows more, the nearest
    centres count.
    """
    first = [np.floor(place).astype(int) for place in places]
    share = [place - start for place, start in zip(places, first, strict=True)]
    heights = np.zeros(len(places[0]))
    for down in (0, 1):
        for right in (0, 1):
            weight = (share[0] if down else 1 - share[0]) * (share[1] if right else 1 - share[1])
            row, column = first[0] + down, first[1] + right
            near_row = np.clip(row, 0, shape[0] - 1) - origin[0]
            near_column = np.clip(column, 0, shape[1] - 1) - origin[1]
            row, column = row - origin[0], column - origin[1]
            height = cells[row, column]
            for r, c in ((near_row, column), (row, near_column), (near_row, near_column)):
                height = np.where(np.isnan(height), cells[r, c], height)
            heights += np.where(weight > 0, weight * height, 0.0)
    return heights


def _smooth(cells: Array) -> Array:
    """Return each cell's weighted mean with the opposite pairs of its neighbours that are known."""
    wide = np.pad(cells, 1, constant_values=np.nan)
    rows, columns = cells.shape
    total, weights = 4.0 * cells, np.full(cells.shape, 4.0)
    for (down, right), weight in PAIRS:
        pair = (
            wide[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]
            + wide[1 - down : 1 - down + rows, 1 - right : 1 - right + columns]
        )
        known = ~np.isnan(pair)
        total += np.where(known, weight * pair, 0.0)
        weights += np.where(known, 2.0 * weight, 0.0)
    return np.asarray(total / weights)


def _fill(
    models: Sequence[_Model], number: int, own: Array, origin: tuple[int, int], made: int
) -> Array:
    """Return the cells with the unknown ones next to known ones taken from the other models."""
    model, cells, known = models[number], own.copy(), ~np.isnan(own)
    beside = binary_dilation(known, np.ones((3, 3), dtype=bool), iterations=made) & ~known
    row, column = np.nonzero(beside)
    x, y = model.centres(row + origin[0], column + origin[1])
    for other, source in enumerate(models):
        if other == number:
            continue
        west, south, east, north = _extent(source.bounds, source.wkt, model.wkt)
        asked = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        asked &= np.isnan(cells[row, column])
        if asked.any():
            there = _transformer(model.wkt, source.wkt).transform(x[asked], y[asked])
            cells[row[asked], column[asked]] = _heights(models, other, *there, made - 1)
    return cells


@lru_cache(maxsize=4096)
def _extent(bounds: Box, here: str, there: str) -> Box:
    """Return a box that surely holds a raster's bounds in another CRS."""
    west, south, east, north = _transformer(here, there).transform_bounds(*bounds)
    if not np.isfinite([west, south, east, north]).all() or west > east:
        return -np.inf, -np.inf, np.inf, np.inf
    x, y = 0.01 * (east - west), 0.01 * (north - south)
    return west - x, south - y, east + x, north + y


def _read(model: _Model, top: int, left: int, shape: tuple[int, int]) -> Array:
    """Return the model's own cells in a window that may reach beyond it; NaN is unknown."""
    cells = np.full(shape, np.nan)
    raster, (high, wide) = model.raster, model.step
    first = max(top, 0), max(left, 0)
    last = min(top + shape[0], model.shape[0]), min(left + shape[1], model.shape[1])
    rows = first[0] * high, min(last[0] * high, raster.height)
    columns = first[1] * wide, min(last[1] * wide, raster.width)
    window = Window(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0])
    with _reading(model.path):
        band = raster.read(1, window=window, masked=True)
    values = band.astype(float).filled(np.nan)
    if band.dtype == np.uint8:
        values[band.data == SATURATED] = np.nan
    values = values * raster.scales[0] + raster.offsets[0]
    values[(values < LOWEST_M) | (values > HIGHEST_M)] = np.nan
    part = slice(first[0] - top, last[0] - top), slice(first[1] - left, last[1] - left)
    cells[part] = _average(values, model.step)
    return cells


def _average(values: Array, step: tuple[int, int]) -> Array:
    """Return the means of blocks of `step` values; NaN where most of a block is unknown.

    Not GDAL's decimation, which would count unstated voids and take overviews for the raster.
    """
    if step == (1, 1):
        return values
    known = ~np.isnan(values)
    total = _block_sums(np.where(known, values, 0.0), step)
    count = _block_sums(known.astype(float), step)
    size = _block_sums(np.ones(values.shape), step)
    return np.where(2 * count >= size, total / np.maximum(count, 1.0), np.nan)


def _block_sums(values: Array, step: tuple[int, int]) -> Array:
    """Add up blocks in an order that does not depend on how many there are."""
    high, wide = step
    rows, columns = values.shape
    whole = np.pad(values, ((0, -rows % high), (0, -columns % wide)))
    by_row = sum((whole[i::high] for i in range(1, high)), start=whole[::high])
    return np.asarray(sum((by_row[:, i::wide] for i in range(1, wide)), start=by_row[:, ::wide]))
