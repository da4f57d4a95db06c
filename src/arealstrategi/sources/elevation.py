"""Elevation from rasters of any CRS, axis order and nodata value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from pyproj.exceptions import ProjError
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import map_coordinates

from arealstrategi.errors import InputError
from arealstrategi.provenance import SourceReport

# Beyond these no ground lies on land: a void whose nodata value the raster does not state.
LOWEST_M, HIGHEST_M = -500.0, 9000.0
BAND_ROWS = 1024.0


def sample_heights(
    paths: Sequence[Path], points: NDArray[np.float64], crs: pyproj.CRS
) -> NDArray[np.float64]:
    """Return the height at each point, bilinear between cells.

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
    heights = np.full(len(points), np.nan)
    for path in paths:
        unknown = np.isnan(heights)
        if unknown.any():
            heights[unknown] = _sample_one(path, points[unknown], crs)
    return heights


def check_elevation(
    paths: Sequence[Path], points: NDArray[np.float64], crs: pyproj.CRS
) -> SourceReport:
    """Read the rasters at the parcels and say what they know of them.

    Parameters
    ----------
    paths, points, crs
        As for `sample_heights`; one point per parcel.
    """
    heights = sample_heights(paths, points, crs)
    known = np.isfinite(heights)
    facts: dict[str, str | int | float | None] = {"parcels with known height": int(known.sum())}
    if known.any():
        facts |= {
            "lowest parcel, m": round(float(heights[known].min()), 1),
            "highest parcel, m": round(float(heights[known].max()), 1),
        }
    said = ["gradients do not count yet: distances are along flat ground"]
    if not known.all():
        said.append(f"the height of {int((~known).sum())} of {len(points)} parcels is not known")
    return SourceReport(
        "elevation", ", ".join(str(path) for path in paths), facts, tuple(said), tuple(paths)
    )


def _sample_one(path: Path, points: NDArray[np.float64], crs: pyproj.CRS) -> NDArray[np.float64]:
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file", hint="Check `elevation` under [terrain]."
        )
    try:
        with rasterio.open(path) as raster:
            if raster.crs is None:
                raise InputError(
                    f"{path}: the raster does not say in which CRS it is",
                    hint="Give it a CRS with gdal_edit or in QGIS.",
                )
            return _bilinear(raster, _in_crs_of(raster, points, crs))
    except (RasterioError, ProjError) as error:
        raise InputError(
            f"{path}: cannot be read as elevation ({error})",
            hint="Give a raster such as GeoTIFF or .hgt.",
        ) from error


def _in_crs_of(
    raster: DatasetReader, points: NDArray[np.float64], crs: pyproj.CRS
) -> NDArray[np.float64]:
    """Return the points in the raster's CRS, easting or longitude first whatever its axis order."""
    there = pyproj.CRS.from_wkt(raster.crs.to_wkt())
    transformer = pyproj.Transformer.from_crs(crs, there, always_xy=True)
    return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))


def _bilinear(raster: DatasetReader, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate between cell centres; NaN next to a void and beyond the raster.

    In the outer half of the outermost cells the nearest centres count, so that tiles without
    overlap leave no seam.
    """
    back, (x, y) = ~raster.transform, points.T
    column, row = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
    heights = np.full(len(points), np.nan)
    within = (column >= 0) & (column <= raster.width) & (row >= 0) & (row <= raster.height)
    band_of = np.where(within, row // BAND_ROWS, -1)
    for band in np.unique(band_of[within]):  # bounds the memory, whatever the size of the raster
        here = band_of == band
        heights[here] = _bilinear_in_window(raster, column[here], row[here])
    return heights


def _bilinear_in_window(
    raster: DatasetReader, column: NDArray[np.float64], row: NDArray[np.float64]
) -> NDArray[np.float64]:
    left, right = _span(column, raster.width)
    top, bottom = _span(row, raster.height)
    window = Window(left, top, right - left, bottom - top)
    cells = raster.read(1, window=window, masked=True).astype(float).filled(np.nan)
    cells = cells * raster.scales[0] + raster.offsets[0]
    cells[(cells < LOWEST_M) | (cells > HIGHEST_M)] = np.nan
    at = [
        np.clip(row - top - 0.5, 0, cells.shape[0] - 1),
        np.clip(column - left - 0.5, 0, cells.shape[1] - 1),
    ]
    return np.asarray(map_coordinates(cells, at, order=1))


def _span(positions: NDArray[np.float64], size: int) -> tuple[int, int]:
    """Return the cells that all positions and their neighbours lie in, cut to the raster."""
    return (
        max(int(np.floor(positions.min())) - 1, 0),
        min(int(np.ceil(positions.max())) + 1, size),
    )
