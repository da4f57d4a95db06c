"""Divides the blocks of Fjordvik into parcels with numbers and puts buildings on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from arealstrategi.sources.demo import place, services, town
from arealstrategi.sources.demo.division import Floats, Geometries, Ints, divide, oriented_axes
from arealstrategi.sources.demo.town import Faces, Ground

FINE_GRID = 0.01
LEAST_M2 = 120.0
RURAL_M2 = 10_000.0
FOUR_CORNERS = 5  # coordinates of a ring with four corners
PARK_EDGE_M = 14.0

# Share of the parcels that the municipality owns beside what is public anyway.
OWNED = {
    "centre": 0.10, "inner": 0.06, "suburb": 0.05, "hill": 0.03, "harbour": 0.6, "forest": 0.25,
}  # fmt: skip

# Building length and width in metres at most, and the share of parcels that have one.
BUILDING = {
    "centre": (26.0, 13.0, 0.97), "harbour": (30.0, 14.0, 0.6), "inner": (22.0, 11.0, 0.95),
    "hill": (13.0, 9.0, 0.92), "suburb": (13.5, 9.0, 0.94), "shore": (13.0, 9.0, 0.85),
    "island": (11.0, 7.5, 0.6), "farm": (22.0, 12.0, 0.25),
}  # fmt: skip


@dataclass(frozen=True)
class Lots:
    """Parcels before they are numbered.

    Parameters
    ----------
    polygons
        (n,) parcels that share their borders.
    district
        (n,) rows of `place.DISTRICTS`.
    block
        (n,) the block each lies in.
    site
        (n,) true for a block that was kept whole for a school, a church, a hall …
    """

    polygons: Geometries
    district: Ints
    block: Ints
    site: NDArray[np.bool_]


def find_blocks(ground: Ground, ways: Geometries, half_width: Floats) -> Geometries:
    """Return the land between the surfaces of the streets, (b,) polygons."""
    square = shapely.Polygon(place.SQUARE)
    surface = shapely.union_all([*shapely.buffer(ways, half_width, quad_segs=2), square])
    land = np.array([ground.mainland, ground.island, ground.islet])
    edges = np.array([shapely.LineString(town.curve(points)) for points in place.EDGES])
    lines = [shapely.boundary(surface), *shapely.boundary(land), shapely.boundary(ground.lake)]
    noded = shapely.union_all(np.concatenate([lines, edges]), grid_size=FINE_GRID)
    blocks = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inside = shapely.point_on_surface(blocks)
    outer = shapely.union_all(land)
    shapely.prepare([surface, outer, ground.lake])
    free = ~shapely.intersects(surface, inside) & ~shapely.intersects(ground.lake, inside)
    return np.asarray(blocks[free & shapely.intersects(outer, inside)])


def cut_lots(blocks: Geometries, faces: Faces, rng: np.random.Generator) -> Lots:
    """Divide each block into parcels of the size its district has."""
    district = faces.district_at(shapely.point_on_surface(blocks))
    aim = np.array([area.lot_m2 for area in place.DISTRICTS])[district]
    at = shapely.points([(x, y) for _, x, y in services.SITES])
    site = np.unique(shapely.STRtree(blocks).query_nearest(at, all_matches=False)[1])
    aim[site] = 0.0
    lots, block = [], []
    rural = aim > RURAL_M2
    for chosen, wobble, bow in ((~rural, 0.07, 0.0), (rural, 0.25, 0.25)):
        rows = np.flatnonzero(chosen)
        cut = divide(blocks[rows], aim[rows], rng, wobble=wobble, bow=bow)
        lots.append(cut.parts)
        block.append(rows[cut.origin])
    polygons, of = _share_borders(np.concatenate(lots), np.concatenate(block))
    order = np.lexsort((*shapely.get_coordinates(shapely.centroid(polygons)).T, of, district[of]))
    polygons, of = polygons[order], of[order]
    return Lots(polygons, district[of], of, np.isin(of, site))


def _share_borders(lots: Geometries, block: Ints) -> tuple[Geometries, Ints]:
    """Return the same parcels with a common vertex wherever borders meet, without slivers."""
    noded = shapely.union_all(shapely.boundary(lots), grid_size=FINE_GRID)
    cells = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inside = shapely.point_on_surface(cells)
    cell, row = shapely.STRtree(lots).query(inside, predicate="within")
    keep = shapely.area(cells[cell]) >= LEAST_M2
    return cells[cell][keep], block[row][keep]


def number_lots(lots: Lots, rng: np.random.Generator) -> pd.DataFrame:
    """Return ``gnr``, ``bnr`` and ``fnr`` of each parcel, with the oddities of a real register.

    Some parcels are leased ground of one property (``fnr`` > 0, else 0), and the first two farm
    parcels are two teiger of one property.
    """
    gnr = np.array([area.gnr for area in place.DISTRICTS])[lots.district]
    numbers = pd.DataFrame({"gnr": gnr, "bnr": rng.integers(1, 4, len(gnr)), "fnr": 0})
    numbers["bnr"] = numbers.groupby("gnr")["bnr"].cumsum()
    use = uses(lots)
    for leased, first, count in (("shore", 40, 14), ("island", 10, 9)):
        rows = np.flatnonzero(use == leased)[first : first + count]
        numbers.loc[rows, ["gnr", "bnr"]] = numbers.loc[rows[0], ["gnr", "bnr"]].to_numpy()
        numbers.loc[rows, "fnr"] = np.arange(count)
    one, two = np.flatnonzero(use == "farm")[:2]
    numbers.loc[two, ["gnr", "bnr"]] = numbers.loc[one, ["gnr", "bnr"]].to_numpy()
    return numbers


def uses(lots: Lots) -> NDArray[np.str_]:
    """Return what each parcel is used for."""
    return np.array([area.use for area in place.DISTRICTS])[lots.district]


def owned_by_municipality(lots: Lots, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which parcels are municipal: schools, parks, quays, the woods and some plots."""
    use = uses(lots)
    public = np.isin(use, ("park", "quay", "wood", "verge", "islet")) | lots.site
    parks = shapely.union_all(lots.polygons[use == "park"])
    edge = shapely.distance(lots.polygons, parks) < PARK_EDGE_M
    share = np.array([OWNED.get(one, 0.0) for one in use]) + np.where(edge, 0.5, 0.0)
    return np.asarray(public | (rng.random(len(use)) < share))


def put_buildings(lots: Lots, rng: np.random.Generator) -> tuple[Geometries, Ints]:
    """Return rectangles along the sides of their parcels, and the parcel of each.

    One that would not fit is made smaller; one that still does not fit is not built.
    """
    use = uses(lots)
    size = np.array([BUILDING.get(one, (0.0, 0.0, 0.0)) for one in use])
    size[lots.site] = (44.0, 20.0, 1.0)
    rows = np.flatnonzero(rng.random(len(use)) < size[:, 2])
    plots, most = lots.polygons[rows], size[rows, :2] * rng.uniform(0.8, 1.0, (len(rows), 2))
    _, long, short = oriented_axes(plots)
    middle = shapely.get_coordinates(shapely.centroid(plots))
    middle = middle + short * rng.uniform(-0.08, 0.08, len(rows))[:, None]
    roomiest = shapely.get_point(shapely.maximum_inscribed_circle(plots[lots.site[rows]]), 0)
    middle[lots.site[rows]] = shapely.get_coordinates(roomiest)
    length, depth = np.hypot(*long.T), np.hypot(*short.T)
    dense = np.isin(use[rows], ("centre", "harbour"))
    half_long = np.minimum(np.where(dense, 0.42, 0.33) * length, most[:, 0] / 2)
    half_short = np.minimum(np.where(dense, 0.38, 0.30) * depth, most[:, 1] / 2)
    built = np.empty(len(rows), dtype=object)
    fits = np.zeros(len(rows), dtype=bool)
    for scale in (1.0, 0.75, 0.55):
        along = (long / length[:, None]) * (scale * half_long)[:, None]
        across = (short / depth[:, None]) * (scale * half_short)[:, None]
        corners = np.stack([along + across, across - along, -along - across, along - across], 1)
        tried = shapely.polygons(np.round(middle[:, None, :] + corners, 1))
        built = np.where(fits, built, tried)
        fits |= shapely.contains(plots, tried)
    return built[fits], rows[fits]


def with_crossed_border(polygons: Geometries) -> Geometries:
    """Return the parcels with one of four corners drawn in the wrong order, as registers have."""
    row = np.flatnonzero(shapely.get_num_coordinates(polygons) == FOUR_CORNERS)[-40]
    crossed = polygons.copy()
    crossed[row] = shapely.Polygon(shapely.get_coordinates(polygons[row])[[0, 2, 1, 3, 0]])
    return crossed
