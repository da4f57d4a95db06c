"""Elevation from rasters of any CRS, axis order and nodata value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from scipy.ndimage import map_coordinates

from arealstrategi.errors import InputError
from arealstrategi.provenance import SourceReport


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
            with WarpedVRT(raster, crs=crs.to_wkt(), resampling=Resampling.bilinear) as warped:
                return _bilinear(warped, points)
    except RasterioError as error:
        raise InputError(
            f"{path}: cannot be read as elevation ({error})",
            hint="Give a raster such as GeoTIFF or .hgt.",
        ) from error


def _bilinear(raster: WarpedVRT, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate between cell centres; NaN next to a void and beyond the raster."""
    back, (x, y) = ~raster.transform, points.T
    column, row = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
    left, right = _span(column, raster.width)
    top, bottom = _span(row, raster.height)
    if left >= right or top >= bottom:
        return np.full(len(points), np.nan)
    window = Window(left, top, right - left, bottom - top)
    cells = raster.read(1, window=window, masked=True).astype(float).filled(np.nan)
    at = [row - top - 0.5, column - left - 0.5]
    return np.asarray(map_coordinates(cells, at, order=1, mode="constant", cval=np.nan))


def _span(positions: NDArray[np.float64], size: int) -> tuple[int, int]:
    """Return the cells that all positions and their neighbours lie in, cut to the raster."""
    return (
        max(int(np.floor(positions.min())) - 1, 0),
        min(int(np.ceil(positions.max())) + 1, size),
    )
