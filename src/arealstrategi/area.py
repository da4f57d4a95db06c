"""The study area: its boundary, the analysis CRS, and the margin in which services count."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from shapely.geometry.base import BaseGeometry

from arealstrategi.errors import InputError

WGS84 = pyproj.CRS.from_epsg(4326)
SCALE_STEP_M = 10_000.0
FINNMARK_FROM = 22.5  # judgement: degrees east, between the centres of Kvænangen and of Alta


@dataclass(frozen=True)
class StudyArea:
    """Where parcels are judged, and how far outside it services count.

    Parameters
    ----------
    name
        What to call it.
    boundary
        Polygon or MultiPolygon in ``crs``. Parcels outside do not count.
    crs
        The analysis CRS, projected, metres.
    margin_m
        Services and streets within this distance of the boundary count.
    """

    name: str
    boundary: BaseGeometry
    crs: pyproj.CRS
    margin_m: float

    @property
    def reach(self) -> BaseGeometry:
        """The boundary with the margin around it."""
        return self.boundary.buffer(self.margin_m)


def utm_zone(longitude: float, latitude: float) -> pyproj.CRS:
    """Return the UTM zone of a place: ETRS89 (EUREF89) in Europe, WGS84 elsewhere.

    In Norway the zones hold that municipalities use: 32 also for all of the south-west, and where
    the grid would say 34, 33 in Troms and 35 in Finnmark.

    Parameters
    ----------
    longitude, latitude
        Degrees, EPSG:4326.
    """
    zone = int((longitude + 180) // 6) % 60 + 1
    if 56 <= latitude < 64 and 3 <= longitude < 12:  # noqa: PLR2004 - the grid's own exception
        zone = 32
    if _in_norway(longitude, latitude) and zone == 34:  # noqa: PLR2004
        zone = 33 if longitude < FINNMARK_FROM else 35
    if 34 <= latitude <= 82 and 28 <= zone <= 38:  # noqa: PLR2004 - EPSG:25828 to 25838
        return pyproj.CRS.from_epsg(25800 + zone)
    return pyproj.CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)


def ground_scale(xy: NDArray[np.float64], crs: pyproj.CRS) -> NDArray[np.float64]:
    """Return how many metres of the map one metre on the ground is, at each point.

    The projection's point scale, 0.9996 on the middle meridian of a UTM zone and above 1.003 in
    western Norway where zone 33 is used for the whole country. Taken from PROJ at the corners of
    squares of `SCALE_STEP_M`, the same whatever is asked for, and linear between them: the error
    is below 1e-6.

    Parameters
    ----------
    xy
        (n, 2) coordinates in `crs`.
    crs
        A projected CRS in metres.
    """
    if len(xy) == 0:
        return np.empty(0)
    at = xy / SCALE_STEP_M
    low = np.floor(at.min(axis=0)).astype(np.int64)
    high = np.floor(at.max(axis=0)).astype(np.int64) + 1
    column, row = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    lon, lat = to_degrees.transform(column * SCALE_STEP_M, row * SCALE_STEP_M)
    factors = pyproj.Proj(crs).get_factors(lon, lat)
    return np.asarray(map_coordinates(np.sqrt(factors.areal_scale), (at - low).T[::-1], order=1))


def _in_norway(longitude: float, latitude: float) -> bool:
    return 4 <= longitude <= 31.5 and 57.9 <= latitude <= 71.5  # noqa: PLR2004


def zone_of(shapes: gpd.GeoSeries) -> pyproj.CRS:
    """Return the UTM zone in which most of `shapes` lie.

    Raises
    ------
    InputError
        None of them has coordinates.
    """
    bounds = shapes.to_crs(WGS84).bounds.to_numpy()
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if len(bounds) == 0:
        raise InputError(
            f"none of the {len(shapes)} shapes that say where the area is has coordinates",
            hint="Choose a layer with polygons or points.",
        )
    west, south, east, north = np.median(bounds, axis=0)  # a stray one does not count
    return utm_zone((west + east) / 2, (south + north) / 2)


def bounds_in(
    bounds: tuple[float, float, float, float], crs: pyproj.CRS, other: pyproj.CRS
) -> tuple[float, float, float, float]:
    """Return bounds in another CRS, east before north, large enough for all that lies within."""
    change = pyproj.Transformer.from_crs(crs, other, always_xy=True)
    west, south, east, north = change.transform_bounds(*bounds, densify_pts=101)
    return west, south, east, north


def hull(parcels: gpd.GeoDataFrame) -> BaseGeometry:
    """Return the convex hull of all parcels, in their CRS; of one point, a small circle."""
    around = shapely.GeometryCollection(list(parcels.geometry)).convex_hull
    return around if around.area > 0 else around.buffer(1.0)


def grid_cells(area: StudyArea, side_m: float) -> gpd.GeoDataFrame:
    """Cover the area with square cells, clipped to its boundary.

    The cells' corners lie on whole multiples of the side in the analysis CRS, so that a cell is
    the same whatever the boundary.

    Parameters
    ----------
    area
        The study area.
    side_m
        Side of a cell, metres.

    Returns
    -------
    Parcels table. ``parcel_id`` is the easting and northing of the lower left corner.
    """
    west, south, east, north = shapely.bounds(area.boundary)
    columns = np.arange(np.floor(west / side_m), np.ceil(east / side_m))
    rows = np.arange(np.floor(south / side_m), np.ceil(north / side_m))
    x, y = (corner.ravel() * side_m for corner in np.meshgrid(columns, rows))
    cells = shapely.box(x, y, x + side_m, y + side_m)
    shapely.prepare(area.boundary)
    meets = shapely.intersects(area.boundary, cells)
    x, y, cells = x[meets], y[meets], cells[meets]
    cut = ~shapely.contains_properly(area.boundary, cells)
    cells[cut] = shapely.intersection(cells[cut], area.boundary)
    kept = shapely.area(cells) > 0
    x, y, cells = x[kept], y[kept], only_polygons(cells[kept])
    names = pd.Index([f"{e:.0f}_{n:.0f}" for e, n in zip(x, y, strict=True)], name="parcel_id")
    return gpd.GeoDataFrame(
        {"label": names.to_numpy(), "area_m2": shapely.area(cells), "municipal": "unknown"},
        geometry=cells,
        crs=area.crs,
        index=names,
    )


def only_polygons(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return collections as what their polygons cover, without their points and lines."""
    shapes = shapes.copy()
    mixed = np.flatnonzero(shapely.get_type_id(shapes) == 7)  # noqa: PLR2004 - collections
    for row in mixed:  # a handful, such as cells that touch the boundary in a line
        parts = shapely.get_parts(shapes[row])
        shapes[row] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])  # noqa: PLR2004
    return shapes
