"""Catchments: the streets within some minutes of a place, as polygons that follow them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from arealstrategi.network import Snapped, WalkNetwork, line_between
from arealstrategi.reach.graph import build_graph
from arealstrategi.reach.search import search_within

BESIDE_M = 40.0  # judgement: a house and its garden beside the street
LARGEST_FILLED_M2 = 20_000.0  # judgement: a block that is walked around counts as reached


def catchments(
    network: WalkNetwork,
    places: Snapped,
    rows: NDArray[np.int64],
    minutes: Sequence[float],
    *,
    leaving: bool = False,
) -> gpd.GeoDataFrame:
    """Return what lies within some minutes' walk of the nearest of some places.

    Parameters
    ----------
    network
        The walking network.
    places
        Where things touch it.
    rows
        Which of the things are the places; those that the network does not touch are passed over.
    minutes
        One catchment for each.
    leaving
        Whether people set out from the places, as from a parcel; otherwise they walk to them, as
        to a service.

    Returns
    -------
    GeoDataFrame in the analysis CRS, one row per entry of `minutes` in rising order: ``minutes``,
    ``street_m`` (metres of street reached) and the polygon: `BESIDE_M` around these streets,
    with holes up to `LARGEST_FILLED_M2` filled. Empty polygons where nothing is reached.

    Raises
    ------
    ValueError
        No minutes are given, or some are not above 0.
    """
    facing = _turned(network) if leaving else network
    rows = rows[places.connected[rows]]
    limits = sorted(minutes)
    if not limits or not limits[0] > 0:
        raise ValueError(f"minutes must be one or more numbers above 0, not {list(minutes)}")
    node_s = search_within(build_graph(facing, places), rows, 60.0 * limits[-1])
    reached = [_streets(facing, places, rows, node_s, 60.0 * limit) for limit in limits]
    return gpd.GeoDataFrame(
        {"minutes": limits, "street_m": [metres for _, metres in reached]},
        geometry=[_around(lines) for lines, _ in reached],
        crs=network.crs,
    )


def _turned(network: WalkNetwork) -> WalkNetwork:
    """Return the network in which walking to a place costs what walking from it does."""
    return replace(network, edge_s=network.edge_s[:, ::-1], point_s=network.point_s[:, ::-1])


def _streets(
    network: WalkNetwork,
    places: Snapped,
    rows: NDArray[np.int64],
    node_s: NDArray[np.float64],
    limit_s: float,
) -> tuple[NDArray[np.object_], float]:
    """Return the pieces of street within the limit, and their metres."""
    # the first end is reached by walking back along the edge
    near = (node_s <= limit_s)[network.edge_nodes] & np.isfinite(network.edge_s[:, ::-1])
    near[places.edge[rows]] = False
    edges = np.flatnonzero(near.any(axis=1))
    whole, parts, part_m = _reached_parts(network, edges, node_s, limit_s)
    own = [
        (edge, *stretch)
        for edge in np.unique(places.edge[rows])
        for stretch in _stretches(network, places, rows, int(edge), node_s, limit_s)
    ]
    near_enough = rows[places.offset_m[rows] / network.flat_speed_m_s <= limit_s]
    along = np.array([shapely.LineString(line_between(network, *one)) for one in own], object)
    lines = [network.edge_line[whole], parts, places.connector[near_enough], along]
    metres = float(network.edge_m[whole].sum() + part_m + sum(b - a for _, a, b in own))
    return np.concatenate(lines), metres


def _reached_parts(
    network: WalkNetwork, edges: NDArray[np.int64], node_s: NDArray[np.float64], limit_s: float
) -> tuple[NDArray[np.int64], NDArray[np.object_], float]:
    """Return the edges reached from end to end, and the parts reached of the others."""
    counts = np.diff(network.edge_start)[edges]
    first = np.repeat(np.cumsum(counts) - counts, counts)
    point = np.repeat(network.edge_start[edges], counts) + np.arange(counts.sum()) - first
    owner = np.repeat(np.arange(len(edges)), counts)
    by_end = node_s[network.edge_nodes[edges]]
    back = np.where(np.isfinite(network.edge_s[edges, 1]), by_end[:, 0], np.inf)[owner]
    forth = np.where(np.isfinite(network.edge_s[edges, 0]), by_end[:, 1], np.inf)[owner]
    to_first = network.point_s[point, 1] + back
    to_second = network.edge_s[edges, 0][owner] - network.point_s[point, 0] + forth
    step = np.flatnonzero(owner[1:] == owner[:-1])
    from_tail = _share_within(to_first[step], to_first[step + 1], limit_s)
    from_head = _share_within(to_second[step + 1], to_second[step], limit_s)
    full = from_tail + from_head >= 1.0
    is_whole = np.bincount(owner[step], weights=~full, minlength=len(edges)) == 0
    kept = ~is_whole[owner[step]]
    xy, next_xy = network.point_xy[point[step]], network.point_xy[point[step] + 1]
    step_m = network.point_m[point[step] + 1] - network.point_m[point[step]]
    tails, heads = np.where(full, 1.0, from_tail), np.where(full, 0.0, from_head)
    pieces: list[NDArray[Any]] = []
    metres = 0.0
    for share, start, end in ((tails, xy, next_xy), (heads, next_xy, xy)):
        some = kept & (share > 0)
        stop = start[some] + share[some, np.newaxis] * (end[some] - start[some])
        pieces.append(np.asarray(shapely.linestrings(np.stack([start[some], stop], axis=1))))
        metres += float((share[some] * step_m[some]).sum())
    return edges[is_whole], np.concatenate(pieces), metres


def _share_within(
    near_s: NDArray[np.float64], far_s: NDArray[np.float64], limit_s: float
) -> NDArray[np.float64]:
    """Return the share of each piece, from its near end, that lies within the limit."""
    left, share = limit_s - near_s, np.zeros(len(near_s))
    some = left >= 0
    needed = far_s[some] - near_s[some]
    share[some] = np.divide(left[some], needed, out=np.ones(len(needed)), where=needed > 0)
    return np.minimum(share, 1.0)


def _stretches(
    network: WalkNetwork,
    places: Snapped,
    rows: NDArray[np.int64],
    edge: int,
    node_s: NDArray[np.float64],
    limit_s: float,
) -> list[tuple[float, float]]:
    """Return the stretches of an edge with places on it that lie within the limit, in metres.

    They are reached from the places along the edge and, where the way round is quick, from its
    ends.
    """
    points = slice(network.edge_start[edge], network.edge_start[edge + 1])
    point_m, (forth, back) = network.point_m[points], network.point_s[points].T
    goes_forth, goes_back = np.isfinite(network.edge_s[edge])
    first, second = limit_s - node_s[network.edge_nodes[edge]]
    found = []
    if goes_back and first >= 0:
        found.append((0.0, float(np.interp(first, back, point_m))))
    if goes_forth and second >= 0:
        found.append((float(np.interp(forth[-1] - second, forth, point_m)), float(point_m[-1])))
    for row in rows[places.edge[rows] == edge]:
        along = low = high = float(places.along_m[row])
        left = limit_s - places.offset_m[row] / network.flat_speed_m_s
        if left >= 0 and goes_forth:
            low = float(np.interp(np.interp(along, point_m, forth) - left, forth, point_m))
        if left >= 0 and goes_back:
            high = float(np.interp(np.interp(along, point_m, back) + left, back, point_m))
        found.append((low, high))
    return _merged(found)


def _merged(stretches: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for low, high in sorted(stretches):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _around(lines: NDArray[np.object_]) -> shapely.Polygon | shapely.MultiPolygon:
    # each line apart: twenty times faster than the buffer of all of them
    strips = shapely.union_all(shapely.buffer(lines, BESIDE_M, quad_segs=4))
    filled = [
        shapely.Polygon(
            part.exterior,
            [ring for ring in part.interiors if shapely.Polygon(ring).area > LARGEST_FILLED_M2],
        )
        for part in shapely.get_parts(strips)
    ]
    return filled[0] if len(filled) == 1 else shapely.MultiPolygon(filled)
