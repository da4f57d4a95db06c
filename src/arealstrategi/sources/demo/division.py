"""Divides polygons by cuts across their long side: areas into blocks, blocks into parcels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Cut:
    """Polygons after division, and the lines that divided them.

    Parameters
    ----------
    parts
        (n,) polygons.
    origin
        (n,) row of the polygon that each part came from.
    lines
        (c,) the cuts, as LineStrings inside the polygon that they divided.
    leaf
        (c,) true where nothing was cut off from this line later.
    """

    parts: Geometries
    origin: Ints
    lines: Geometries
    leaf: NDArray[np.bool_]


def divide(
    polygons: Geometries, aim_m2: Floats, rng: np.random.Generator, *, wobble: float, bow: float
) -> Cut:
    """Cut each polygon across its long side, again and again, until it is near its aim.

    Parameters
    ----------
    polygons
        (n,) polygons.
    aim_m2
        (n,) area to aim for; 0 leaves the polygon whole.
    rng
        Where chance comes from.
    wobble
        How far a cut turns from straight across, radians at most.
    bow
        How far a cut bends, as a share of its length at most.
    """
    parts, origin = polygons, np.arange(len(polygons))
    knife_of_part = np.full(len(polygons), -1)
    line_knife = np.empty(0, dtype=np.int64)
    whole: list[tuple[Geometries, Ints]] = []
    lines: list[Geometries] = [np.empty(0, dtype=object)]
    leaf: list[NDArray[np.bool_]] = []
    while True:
        big = (aim_m2[origin] > 0) & (shapely.area(parts) > 1.6 * aim_m2[origin])
        leaf.append(~np.isin(line_knife, knife_of_part[big]))
        whole.append((parts[~big], origin[~big]))
        if not big.any():
            break
        parts, origin = parts[big], origin[big]
        knives, halves = _knives(parts, rng, wobble, bow)
        cuts, line_knife = single_parts(shapely.intersection(knives, parts), 1)
        lines.append(cuts)
        sides = [shapely.intersection(parts, halves), shapely.difference(parts, halves)]
        pieces, knife_of_part = single_parts(np.concatenate(sides), 2)
        knife_of_part = knife_of_part % len(parts)
        parts, origin = pieces, origin[knife_of_part]
    return Cut(
        np.concatenate([part for part, _ in whole]),
        np.concatenate([row for _, row in whole]),
        np.concatenate(lines),
        np.concatenate(leaf),
    )


def single_parts(geometries: Geometries, dimension: int) -> tuple[Geometries, Ints]:
    """Return the single parts of one dimension and the rows that they came from."""
    parts, row = shapely.get_parts(geometries, return_index=True)
    keep = (shapely.get_dimensions(parts) == dimension) & ~shapely.is_empty(parts)
    return parts[keep], row[keep]


def _knives(
    polygons: Geometries, rng: np.random.Generator, wobble: float, bow: float
) -> tuple[Geometries, Geometries]:
    """Return a bent line across each polygon, and the half plane on its one side."""
    centre, long, short = oriented_axes(polygons)
    count = len(polygons)
    length = np.hypot(*long.T)[:, None]
    reach = np.hypot(*short.T)[:, None] * 0.62
    turn = np.arctan2(long[:, 1], long[:, 0]) + rng.uniform(-wobble, wobble, count)
    ahead = np.column_stack([np.cos(turn), np.sin(turn)])
    across = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    middle = centre + long * rng.uniform(-0.07, 0.07, count)[:, None]
    bend = reach * rng.uniform(-bow, bow, count)[:, None]
    at = np.linspace(-1, 1, 7 if bow else 2)
    knife = (
        middle[:, None, :]
        + across[:, None, :] * (reach * at)[:, :, None]
        + ahead[:, None, :] * (bend * (1 - at**2))[:, :, None]
    )
    far = ahead * 2 * length
    half = np.concatenate(
        [knife, knife[:, -1:] + far[:, None], knife[:, :1] + far[:, None]], axis=1
    )
    return np.asarray(shapely.linestrings(knife)), np.asarray(shapely.polygons(half))


def oriented_axes(polygons: Geometries) -> tuple[Floats, Floats, Floats]:
    """Return centre, long and short side (n, 2 each) of the least rectangle around each polygon."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(polygons)).reshape(-1, 5, 2)
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
    first_longer = (np.hypot(*one.T) >= np.hypot(*two.T))[:, None]
    centre = (corners[:, 0] + corners[:, 2]) / 2
    return centre, np.where(first_longer, one, two), np.where(first_longer, two, one)
