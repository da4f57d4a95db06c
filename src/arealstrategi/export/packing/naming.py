"""What parcels are called beside their number: the address on them and the place near by."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from arealstrategi.export.packing.block import Varints
from arealstrategi.export.packing.columns import dictionary, texts_of
from arealstrategi.export.packing.shapes import COARSE, Grid, along_curve, pack_shapes
from arealstrategi.tables import ADDRESS, PLACE_KINDS

# Judgement: a house number drawn in the street still belongs to the plot beside it.
ADDRESS_WITHIN_M = 30.0
# Judgement: farther away, the name of a place tells nobody where a plot lies.
PLACE_WITHIN_M = 3000.0
# What is called a locality is often no more than a name of a field.
_SETTLED = PLACE_KINDS[:-1]
# The more important of them has its name shown first; those alike share a number.
_IMPORTANCE = {
    "city": 0, "town": 1, "village": 2, "suburb": 3, "quarter": 4, "hamlet": 4,
    "neighbourhood": 5, "locality": 5,
}  # fmt: skip


def pack_places(backdrop: gpd.GeoDataFrame, grid: Grid) -> dict[str, Any] | None:
    """Pack the names of places as points, the most important first; None where there are none."""
    places = backdrop[backdrop["kind"].isin(PLACE_KINDS)]
    if places.empty:
        return None
    kind = places["kind"].map(_IMPORTANCE).to_numpy(dtype=np.uint8)
    order = np.argsort(kind, kind="stable")
    return {
        "shape": pack_shapes(places.geometry.to_numpy()[order], grid, COARSE),
        "name": texts_of(places["name"].iloc[order]),
        "kind": kind[order],
    }


def pack_addresses(
    backdrop: gpd.GeoDataFrame, parcels: gpd.GeoDataFrame, grid: Grid
) -> tuple[dict[str, Any] | None, Varints | None]:
    """Pack the addresses on parcels, and each parcel's own as a row of them, -1 for none.

    Returns
    -------
    None and None where no parcel has an address.
    """
    all_of_them = backdrop[backdrop["kind"] == ADDRESS].drop_duplicates(["name", "geometry"])
    order = along_curve(all_of_them.geometry)
    points = all_of_them.geometry.to_numpy()[order]
    own, kept = addresses_of(parcels.geometry.to_numpy(), points)
    if not kept.any():
        return None, None
    number = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
    told = {
        "shape": pack_shapes(points[kept], grid, COARSE),
        "text": texts_of(all_of_them["name"].iloc[order[kept]]),
    }
    return told, Varints(np.diff(number[own], prepend=0))


def addresses_of(
    parcels: NDArray[np.object_], points: NDArray[np.object_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find the address of each parcel.

    It is that of the points on the parcel which lies nearest its centre. A parcel without any has
    the nearest point within `ADDRESS_WITHIN_M` that lies on no parcel: never that of a neighbour.

    Parameters
    ----------
    parcels
        (p,) polygons or points, metres.
    points
        (a,) where the addresses lie.

    Returns
    -------
    (p,) row of the address, -1 where there is none; (a,) whether each lies on a parcel or is
    the address of one.
    """
    own, kept = np.full(len(parcels), -1), np.zeros(len(points), dtype=bool)
    point, parcel = shapely.STRtree(parcels).query(points, predicate="intersects")
    kept[point] = True
    away = shapely.distance(shapely.centroid(parcels[parcel]), points[point])
    order = np.lexsort((point, away))[::-1]  # the nearest is written last and stays
    own[parcel[order]] = point[order]
    free = np.flatnonzero(~kept)
    lacking = np.flatnonzero((own < 0) & ~(shapely.is_empty(parcels) | shapely.is_missing(parcels)))
    asked, found = shapely.STRtree(points[free]).query_nearest(
        parcels[lacking], max_distance=ADDRESS_WITHIN_M, all_matches=False
    )
    own[lacking[asked]] = free[found]
    kept[free[found]] = True
    return own, kept


def place_of(backdrop: gpd.GeoDataFrame, parcels: gpd.GeoDataFrame) -> dict[str, Any] | None:
    """Return the name of the place nearest to each parcel; None where no place is named."""
    places = backdrop[backdrop["kind"].isin(_SETTLED)]
    if places.empty:
        return None
    shapes = parcels.geometry.to_numpy()
    centres = shapely.centroid(shapes)
    there = np.flatnonzero(~(shapely.is_empty(centres) | shapely.is_missing(centres)))
    asked, found = shapely.STRtree(places.geometry.to_numpy()).query_nearest(
        centres[there], max_distance=PLACE_WITHIN_M, all_matches=False
    )
    names = parcels["label"].astype(object).where(np.zeros(len(parcels), dtype=bool), "")
    names.iloc[there[asked]] = places["name"].to_numpy()[found]
    return dictionary(names)
