"""What is left of a parcel to build on: without what is ruled out, and without narrow strips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from arealstrategi.area import only_polygons

# Borders are drawn to the centimetre: what is as wide as the limit but for this is not narrower.
DRAWN_M = 0.01
ROUNDING_M2 = 0.01
WIDTH_TOLERANCE_M = 0.1  # a width may be told this much too small
# Judgement: how far a corner may reach from the middle of the last circle that fits into it, in
# radii. A right angle reaches √2 and is kept; from about 84° on the tip is cut.
CORNER_REACH = 1.5
MOST_CORNERS, DEEPEST = 128, 20  # of a piece of a zone; how often it may be cut for that
CHUNK = 1000  # shapes that a thread takes at once

Array = NDArray[np.float64]
Shapes = NDArray[np.object_]


class BuildableRules(BaseModel):
    """What a parcel must have left to build on; the section [buildable] of the strategy file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_area_m2: float = Field(default=0.0, ge=0, description="Least net area, square metres.")
    min_width_m: float = Field(
        default=0.0, ge=0, description="A circle of this diameter must fit into what is left."
    )
    # Larvik counts no outdoor area that is narrower; judgement for ground to build on
    strip_m: float = Field(
        default=6.0, ge=0, description="Strips narrower than this do not count; 0: all do."
    )
    max_slope_pct: float | None = Field(
        default=None, gt=0, description="Steeper ground is taken off; needs an elevation model."
    )
    effect: Literal["exclude", "condition", "deduct"] = Field(
        default="exclude", description="What a parcel that is too small or too narrow meets."
    )
    points: float = Field(default=10.0, ge=0, le=100, description="deduct: points to take off.")

    @property
    def asked(self) -> bool:
        """Whether any parcel could fail, or lose ground for its slope."""
        return self.min_area_m2 > 0 or self.min_width_m > 0 or self.max_slope_pct is not None


def net_buildable(
    shapes: gpd.GeoSeries,
    zones: Sequence[gpd.GeoSeries],
    *,
    strip_m: float,
    widths: bool = True,
) -> gpd.GeoDataFrame:
    """Return what is left of each parcel without zones and narrow strips.

    A strip is narrow where no circle of diameter `strip_m` fits (a morphological opening by a
    disc). Unlike by the plain opening, which would round every corner, a corner keeps its tip up
    to `CORNER_REACH`: a right-angled parcel keeps its area. No more is ever left than there was.

    Parameters
    ----------
    shapes
        Parcels in the analysis CRS, index ``parcel_id``.
    zones
        Polygons in the analysis CRS to take off; those that overlap count once. Lines and points
        have no area and take nothing.
    strip_m
        Strips narrower than this, by more than `DRAWN_M`, do not count; 0: all do.
    widths
        Whether to find ``widest_m``, which takes as long as the rest; else it is NaN.

    Returns
    -------
    Index ``parcel_id``. ``gross_m2``; ``net_m2``; ``widest_m``: diameter of the largest circle in
    what is left, at most `WIDTH_TOLERANCE_M` too small; ``geometry``: what is left, empty where
    nothing is. For points numbers are NaN and the geometry is missing.
    """
    drawn = shapes.to_numpy()
    is_area = shapely.get_dimensions(drawn) == 2  # noqa: PLR2004
    ground = _polygons(drawn[is_area])
    left = _without(ground, _polygons(np.concatenate([[], *(zone.to_numpy() for zone in zones)])))
    inner_m = (strip_m - DRAWN_M) / 2
    if inner_m > 0:
        left = _in_threads(lambda some: _opened(some, inner_m), left)
    numbers = np.full((len(drawn), 3), np.nan)
    numbers[is_area, :2] = np.column_stack([shapely.area(ground), shapely.area(left)])
    if widths:
        numbers[is_area, 2] = _in_threads(_widest, left)
    geometry = np.full(len(drawn), None, dtype=object)
    geometry[is_area] = left
    table = pd.DataFrame(numbers, shapes.index, ["gross_m2", "net_m2", "widest_m"])
    return gpd.GeoDataFrame(table, geometry=geometry, crs=shapes.crs)


def too_small(net: pd.DataFrame, rules: BuildableRules) -> dict[str, pd.Series]:
    """Say which parcels have too little left, or nowhere as wide as is asked for.

    Parameters
    ----------
    net
        As `net_buildable` returns it; what is NaN is not too small.
    rules
        The least area and width.

    Returns
    -------
    Name of the rule to true or false, index ``parcel_id``.
    """
    area, width = rules.min_area_m2 - ROUNDING_M2, rules.min_width_m - WIDTH_TOLERANCE_M
    return {
        "net_area_below_minimum": net["net_m2"] < area,
        "net_width_below_minimum": net["widest_m"] < width,
    }


def _polygons(drawn: Shapes) -> Shapes:
    """Return the valid polygons of shapes that have an area; the others are left out."""
    shapes = np.array(drawn[shapely.get_dimensions(drawn) == 2], dtype=object)  # noqa: PLR2004
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return only_polygons(shapes)


def _without(ground: Shapes, zones: Shapes) -> Shapes:
    """Take zones off the ground; where several meet a parcel, their union."""
    left, tree = ground.copy(), shapely.STRtree(ground)
    covered = np.unique(tree.query(zones, predicate="covers")[1])
    left[covered] = shapely.Polygon()
    pieces = _in_pieces(zones)
    piece, row = tree.query(pieces, predicate="intersects")
    met = ~np.isin(row, covered)
    order = np.argsort(row[met], kind="stable")
    piece, row = piece[met][order], row[met][order]
    rows, first, count = np.unique(row, return_index=True, return_counts=True)
    taken = pieces[piece[first]]
    several = count[np.searchsorted(rows, row)] > 1
    if several.any():
        group = np.unique(row[several], return_inverse=True)[1]
        together = np.asarray(shapely.geometrycollections(pieces[piece[several]], indices=group))
        taken[count > 1] = shapely.union_all(together[:, np.newaxis], axis=1)
    left[rows] = _in_threads(shapely.difference, ground[rows], taken)
    return left


def _in_pieces(zones: Shapes) -> Shapes:
    """Cut zones into quarters until none has many corners, which are slow to meet again and again.

    A zone may be a river through the whole municipality.
    """
    small: list[Shapes] = []
    for _ in range(DEEPEST):
        large = shapely.get_num_coordinates(zones) > MOST_CORNERS
        small, zones = [*small, zones[~large]], zones[large]
        west, south, east, north = shapely.bounds(zones).T
        x, y = (west + east) / 2, (south + north) / 2
        quarters = (
            (west, south, x, y),
            (x, south, east, y),
            (west, y, x, north),
            (x, y, east, north),
        )
        cut = [shapely.intersection(zones, shapely.box(*quarter)) for quarter in quarters]
        zones = only_polygons(np.concatenate(cut))
        zones = zones[shapely.area(zones) > 0]
    return np.concatenate([*small, zones])


def _opened(shapes: Shapes, inner_m: float) -> Shapes:
    """Remove what no circle of radius `inner_m` reaches, but for corners.

    The circles' middles are found exactly (a round buffer inwards). They are drawn out again by a
    little more than they were drawn in: outlines that nearly coincide would be slow to intersect.
    """
    middles = shapely.buffer(shapes, -inner_m)
    reached = shapely.buffer(
        middles, inner_m + DRAWN_M, join_style="mitre", mitre_limit=CORNER_REACH
    )
    shapely.prepare(reached)
    cut = ~shapely.covers(reached, shapes)
    opened = shapes.copy()
    opened[cut] = only_polygons(shapely.intersection(shapes[cut], reached[cut]))
    return opened


def _widest(shapes: Shapes) -> Array:
    """Return the diameter of the largest circle in each shape, 0 in an empty one."""
    widest_m = np.zeros(len(shapes))
    some = ~shapely.is_empty(shapes)
    circles = shapely.maximum_inscribed_circle(shapes[some], WIDTH_TOLERANCE_M / 2)
    widest_m[some] = 2 * shapely.length(circles)
    return widest_m


def _in_threads(work: Callable[..., Any], *shapes: Shapes) -> NDArray[Any]:
    """Do work on parts of the shapes on all cores, which GEOS allows, and join the results."""
    cuts = range(CHUNK, len(shapes[0]), CHUNK)
    with ThreadPoolExecutor() as pool:
        parts = pool.map(work, *(np.split(some, cuts) for some in shapes))
        return np.concatenate(list(parts))
