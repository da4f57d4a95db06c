"""The least-effort route of one parcel, drawn and explained piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from arealstrategi.network import line_between, points_before, seconds_at
from arealstrategi.reach.nearest import Reach, leaves_by_first
from arealstrategi.walker import HINDRANCES


@dataclass(frozen=True)
class _Leg:
    """A walk along one edge, from one place on it to another."""

    edge: int
    start_m: float
    end_m: float


def route(reach: Reach, category: str, parcel_id: str) -> shapely.LineString | None:
    """Draw the least-effort route from a parcel to its nearest service.

    Returns
    -------
    LineString in the analysis CRS, from the parcel's outline to the service; None where there is
    no route.

    Raises
    ------
    KeyError
        There is no such parcel or category.
    """
    row, door = _ends_of(reach, category, parcel_id)
    if door < 0:
        return None
    legs = _legs(reach, category, row, door)
    pieces = [line_between(reach.network, leg.edge, leg.start_m, leg.end_m) for leg in legs]
    first = shapely.get_coordinates(reach.parcels.connector[row])
    last = shapely.get_coordinates(reach.services.connector[door])[::-1]
    points = np.vstack([first, *pieces, last])
    moved = np.append(True, (np.diff(points, axis=0) != 0).any(axis=1))
    points = points[moved]
    return shapely.LineString(points if len(points) > 1 else np.vstack([points, points]))


def route_pieces(reach: Reach, category: str, parcel_id: str) -> gpd.GeoDataFrame:
    """Return the least-effort route in pieces, with what it costs and what hinders on each.

    Returns
    -------
    GeoDataFrame in the analysis CRS, in the order of walking: ``way_id`` (OSM number; 0 for the
    connecting pieces), ``metres``, ``seconds``, one bool for each of `walker.HINDRANCES`, and the
    line. A new piece begins where the way or what hinders changes. Empty where there is no route.

    Raises
    ------
    KeyError
        There is no such parcel or category.
    """
    row, door = _ends_of(reach, category, parcel_id)
    if door < 0:
        return _piece_table(reach, [])
    network, start, end = reach.network, reach.parcels, reach.services
    speed = network.flat_speed_m_s
    pieces = [(0, start.offset_m[row], start.offset_m[row] / speed, 0, start.connector[row])]
    for leg in _legs(reach, category, row, door):
        pieces += _cut(reach, leg)
    line = shapely.reverse(end.connector[door])
    pieces.append((0, end.offset_m[door], end.offset_m[door] / speed, 0, line))
    return _piece_table(reach, _joined([piece for piece in pieces if piece[1] > 0]))


Piece = tuple[int, float, float, int, shapely.LineString]


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Join pieces that follow each other on one way with the same hindrances."""
    joined: list[Piece] = []
    for way, metres, seconds, bits, line in pieces:
        if joined and joined[-1][0] == way != 0 and joined[-1][3] == bits:
            _, m, s, _, before = joined.pop()
            points = np.vstack([shapely.get_coordinates(before), shapely.get_coordinates(line)[1:]])
            joined.append((way, m + metres, s + seconds, bits, shapely.LineString(points)))
        else:
            joined.append((way, metres, seconds, bits, line))
    return joined


def _piece_table(reach: Reach, pieces: list[Piece]) -> gpd.GeoDataFrame:
    names = ["way_id", "metres", "seconds", "bits", "geometry"]
    table = pd.DataFrame.from_records(pieces, columns=names)
    bits = table["bits"].to_numpy(dtype=np.int64)
    told = {name: (bits >> place) & 1 == 1 for place, name in enumerate(HINDRANCES)}
    lines = table["geometry"].to_numpy(dtype=object)
    told_table = table[["way_id", "metres", "seconds"]].assign(**told)
    return gpd.GeoDataFrame(told_table, geometry=lines, crs=reach.network.crs)


def _cut(reach: Reach, leg: _Leg) -> list[Piece]:
    """Cut a leg where what hinders changes."""
    network = reach.network
    low, high = sorted((leg.start_m, leg.end_m))
    points = np.arange(network.edge_start[leg.edge], network.edge_start[leg.edge + 1])
    bits = network.point_hindrance[points]
    changes = network.point_m[points][1:-1][bits[1:-1] != bits[:-2]]
    stops = np.concatenate([[low], changes[(changes > low) & (changes < high)], [high]])
    at = seconds_at(network, np.full(len(stops), leg.edge), stops)
    way = int(network.edge_way[leg.edge])
    pieces: list[Piece] = []
    for i in range(len(stops) - 1):
        a, b = float(stops[i]), float(stops[i + 1])
        middle = points_before(network, np.array([leg.edge]), np.array([(a + b) / 2]))
        forward = leg.start_m <= leg.end_m
        seconds = at[i + 1, 0] - at[i, 0] if forward else at[i + 1, 1] - at[i, 1]
        line = shapely.LineString(line_between(network, leg.edge, *((a, b) if forward else (b, a))))
        pieces.append((way, b - a, float(seconds), int(network.point_hindrance[middle[0]]), line))
    return pieces if leg.start_m <= leg.end_m else pieces[::-1]


def _ends_of(reach: Reach, category: str, parcel_id: str) -> tuple[int, int]:
    row = cast("int", reach.parcel_id.get_loc(parcel_id))
    return row, int(reach.nearest[category].door[row])


def _legs(reach: Reach, category: str, row: int, door: int) -> list[_Leg]:
    """Return the walk along the network, edge by edge."""
    network, graph, tree = reach.network, reach.graph, reach.searches[category]
    start, end = reach.parcels, reach.services
    node = int(reach.nearest[category].start_node[row])
    edge, along = int(start.edge[row]), float(start.along_m[row])
    last_edge, last_m = int(end.edge[door]), float(end.along_m[door])
    if node < 0:
        return [_Leg(edge, along, last_m)]
    by_first = leaves_by_first(reach, np.array([row]), np.array([node]))[0]
    legs = [_Leg(edge, along, 0.0 if by_first else float(network.edge_m[edge]))]
    path = [node]
    while (following := int(tree.node_next[path[-1]])) >= 0:
        path.append(following)
    for tail, each in zip(
        path, graph.edges_between(np.array(path[:-1]), np.array(path[1:])), strict=False
    ):
        length, forward = float(network.edge_m[each]), network.edge_nodes[each, 0] == tail
        legs.append(_Leg(int(each), 0.0, length) if forward else _Leg(int(each), length, 0.0))
    arrives = graph.leaves_by_first(np.array(path[-1:]), np.array([door]))[0]
    legs.append(_Leg(last_edge, 0.0 if arrives else float(network.edge_m[last_edge]), last_m))
    return legs
