"""How far it is on foot from every parcel to the nearest service of each category.

One search per category, outwards from its services, over the whole network: the work follows the
number of categories, not of parcels. Distances are exact: both ends are snapped to points on edges,
the connecting pieces count, and services on the parcel's own edge are reached along it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from arealstrategi.network import Snapped, WalkNetwork

log = logging.getLogger(__name__)

# (k, 2) arrays: the end nodes of each thing's edge, and the seconds and metres to them
Ends = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Search:
    """The least-effort paths from every node of the network to one category's services.

    Parameters
    ----------
    node_s
        (n,) seconds to the nearest service; inf where there is no way.
    node_m
        (n,) metres of that path.
    node_service
        (n,) row of the service in the services table; -1 where there is no way.
    node_next
        (n,) next node on the path; -1 where the path leaves the network for the service.
    node_edge
        (n,) edge to the next node, or the edge that the service lies on; -1 where there is no way.
    """

    node_s: NDArray[np.float64]
    node_m: NDArray[np.float64]
    node_service: NDArray[np.int32]
    node_next: NDArray[np.int32]
    node_edge: NDArray[np.int32]


@dataclass(frozen=True)
class Nearest:
    """The nearest service of one category for each parcel. Arrays have one row per parcel.

    Parameters
    ----------
    seconds, metres
        Along the least-effort route with both connecting pieces; inf where there is none.
    service
        Row of the services table; -1 where there is none.
    start_node
        Node by which the route leaves the parcel's edge; -1 where it stays on that edge or there
        is none.
    """

    seconds: NDArray[np.float64]
    metres: NDArray[np.float64]
    service: NDArray[np.int64]
    start_node: NDArray[np.int64]


@dataclass(frozen=True)
class Reach:
    """Nearest services by category, and what is needed to draw any route.

    Parameters
    ----------
    parcel_id
        Index of the parcels, in the order of the arrays.
    nearest, searches
        Category to result.
    parcels, services
        Where parcels and services touch the network.
    """

    parcel_id: pd.Index
    network: WalkNetwork
    parcels: Snapped
    services: Snapped
    nearest: dict[str, Nearest]
    searches: dict[str, Search]

    def __repr__(self) -> str:
        return f"Reach({len(self.parcel_id)} parcels, categories: {', '.join(self.nearest)})"


@dataclass(frozen=True)
class _Graph:
    """The network and the ways out of every service, as one matrix to search in.

    Row ``n + i`` stands for service ``i``: it has arcs to both ends of the service's edge, and
    none leads back to it.
    """

    matrix: csr_array
    arc_key: NDArray[np.int64]  # tail * n + head of each arc between nodes, sorted
    arc_edge: NDArray[np.int64]
    end_node: NDArray[np.int64]  # (s, 2) ends of each service's edge
    end_s: NDArray[np.float64]
    end_m: NDArray[np.float64]


def measure_reach(
    network: WalkNetwork,
    parcels: Snapped,
    services: Snapped,
    category: pd.Series,
    parcel_id: pd.Index,
) -> Reach:
    """Find the nearest service of each category for every parcel.

    Parameters
    ----------
    network
        The walking network.
    parcels, services
        Where they touch the network.
    category
        Category of each service, in the order of `services`.
    parcel_id
        Index of the parcels, in the order of `parcels`.

    Returns
    -------
    Reach for the categories that occur, in the order of their first service.
    """
    graph = _graph(network, services)
    ends = _ends(network, parcels, np.flatnonzero(parcels.connected))
    beside = _same_edge(network, parcels, services)
    nearest, searches = {}, {}
    for key in pd.unique(category):
        rows = np.flatnonzero((category == key).to_numpy() & services.connected)
        searches[key] = _search(network, graph, services, rows)
        along_edge = beside[beside["service"].isin(rows)].drop_duplicates("parcel")
        nearest[key] = _from_parcels(parcels, ends, searches[key], along_edge)
    log.info("reach: %d categories for %d parcels", len(nearest), len(parcel_id))
    return Reach(parcel_id, network, parcels, services, nearest, searches)


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
    row = cast("int", reach.parcel_id.get_loc(parcel_id))
    nearest, tree = reach.nearest[category], reach.searches[category]
    service = int(nearest.service[row])
    if service < 0:
        return None
    network, start, end = reach.network, reach.parcels, reach.services
    pieces = [start.connector[row]]
    node = int(nearest.start_node[row])
    if node < 0:
        pieces.append(_along(network, start.edge[row], start.along_m[row], end.along_m[service]))
    else:
        pieces.append(_to_node(network, int(start.edge[row]), float(start.along_m[row]), node))
        while tree.node_next[node] >= 0:
            pieces.append(_whole_edge(network, int(tree.node_edge[node]), node))
            node = int(tree.node_next[node])
        edge, along = int(end.edge[service]), float(end.along_m[service])
        pieces.append(shapely.reverse(_to_node(network, edge, along, node)))
    pieces.append(shapely.reverse(end.connector[service]))
    points = np.vstack([shapely.get_coordinates(piece) for piece in pieces])
    moved = np.append(True, (np.diff(points, axis=0) != 0).any(axis=1))
    points = points[moved]
    return shapely.LineString(points if len(points) > 1 else np.vstack([points, points]))


def reach_table(reach: Reach, names: pd.Series, categories: list[str]) -> pd.DataFrame:
    """Put the distances into the columns of the contract.

    Parameters
    ----------
    reach
        What was measured.
    names
        What to call each service, in the order of the services table.
    categories
        The categories to show, also those of which there is no service.

    Returns
    -------
    Index ``parcel_id``; per category KEY ``KEY_walk_m`` (metres), ``KEY_walk_min`` (minutes),
    ``KEY_effort_m`` (flat metres that cost the same), each inf where unreachable, and
    ``KEY_service`` (text, NA where unreachable).
    """
    size = len(reach.parcel_id)
    speed = reach.network.flat_speed_m_s
    columns: dict[str, object] = {}
    names_or_na = np.array([*names, None], dtype=object)  # row -1 is "none"
    for key in categories:
        found = reach.nearest.get(key)
        seconds = np.full(size, np.inf) if found is None else found.seconds
        columns[f"{key}_walk_m"] = np.full(size, np.inf) if found is None else found.metres
        columns[f"{key}_walk_min"] = seconds / 60.0
        columns[f"{key}_effort_m"] = seconds * speed
        service = np.full(size, -1) if found is None else found.service
        columns[f"{key}_service"] = pd.array(names_or_na[service], dtype="str")
    return pd.DataFrame(columns, index=reach.parcel_id)


def _graph(network: WalkNetwork, services: Snapped) -> _Graph:
    """Build the matrix. Parallel edges keep the cheaper one: a sparse matrix would add them up."""
    n, m = len(network.node_xy), len(network.edge_m)
    tail = np.concatenate([network.edge_nodes[:, 0], network.edge_nodes[:, 1]])
    head = np.concatenate([network.edge_nodes[:, 1], network.edge_nodes[:, 0]])
    edge = np.tile(np.arange(m), 2)
    leads = tail != head  # a loop leads nowhere; snapping to it needs no arc
    key, edge = tail[leads] * n + head[leads], edge[leads]
    cheap_first = np.argsort(network.edge_s[edge], kind="stable")
    order = cheap_first[np.argsort(key[cheap_first], kind="stable")]
    key, edge = key[order], edge[order]
    best = np.append(True, key[1:] != key[:-1])[: len(key)]
    key, edge = key[best], edge[best]
    end_node, end_s, end_m = _ends(network, services, np.arange(len(services.edge)))
    loop = end_node[:, 0] == end_node[:, 1]
    cost = np.where(loop[:, np.newaxis], end_s.min(axis=1, keepdims=True), end_s)
    kept = services.connected[:, np.newaxis] & np.column_stack([np.ones_like(loop), ~loop])
    of_nodes = np.searchsorted(key, np.arange(n + 1) * n)
    of_services = len(key) + np.cumsum(kept.sum(axis=1))
    matrix = csr_array(
        (
            np.concatenate([network.edge_s[edge], cost[kept]]),
            np.concatenate([key % max(n, 1), end_node[kept]]),
            np.concatenate([of_nodes, of_services]),
        ),
        shape=(n + len(loop), n + len(loop)),
    )
    return _Graph(matrix, key, edge, end_node, end_s, end_m)


def _search(
    network: WalkNetwork, graph: _Graph, services: Snapped, rows: NDArray[np.int64]
) -> Search:
    """Search outwards from the services in `rows`, all at once."""
    n = len(network.node_xy)
    if len(rows) == 0:
        nowhere, none = np.full(n, np.inf), np.full(n, -1, dtype=np.int32)
        return Search(nowhere, nowhere.copy(), none, none.copy(), none.copy())
    seconds, before, source = dijkstra(
        graph.matrix, directed=True, indices=n + rows, min_only=True, return_predecessors=True
    )
    seconds, before = seconds[:n], before[:n]
    reached = np.isfinite(seconds)
    linked = reached & (before < n)
    step_m, node_edge = np.zeros(n), np.full(n, -1, dtype=np.int32)
    # a node next to its service: which end of the service's edge it is
    beside = np.flatnonzero(reached & ~linked)
    service = before[beside] - n
    node, end_s = graph.end_node[service], graph.end_s[service]
    is_first = (node[:, 0] == beside) & ((node[:, 1] != beside) | (end_s[:, 0] <= end_s[:, 1]))
    step_m[beside] = np.where(is_first, graph.end_m[service, 0], graph.end_m[service, 1])
    node_edge[beside] = services.edge[service]
    # every other node: the cheapest edge to the one before it
    others = np.flatnonzero(linked)
    # the arc back has the same edge, and keys in rising order are found several times faster
    edge = graph.arc_edge[np.searchsorted(graph.arc_key, others * n + before[others])]
    step_m[others], node_edge[others] = network.edge_m[edge], edge
    node_next = np.where(linked, before, np.int32(-1))
    return Search(
        node_s=seconds,
        node_m=_sum_along(step_m, node_next, reached),
        node_service=np.where(reached, source[:n] - n, -1).astype(np.int32, copy=False),
        node_next=node_next,
        node_edge=node_edge,
    )


def _ends(network: WalkNetwork, things: Snapped, rows: NDArray[np.int64]) -> Ends:
    """Return (k, 2) arrays: the end nodes of each thing's edge, and seconds and metres to them."""
    if len(network.edge_m) == 0:
        nowhere = np.full((len(rows), 2), np.inf)
        return np.zeros((len(rows), 2), dtype=np.int64), nowhere, nowhere
    edge = things.edge[rows]
    along, length = things.along_m[rows], network.edge_m[edge]
    pace = _pace(network, edge)
    on_edge = np.column_stack([along, length - along])
    offset = things.offset_m[rows, np.newaxis]
    seconds = on_edge * pace[:, np.newaxis] + offset / network.flat_speed_m_s
    return network.edge_nodes[edge], seconds, on_edge + offset


def _pace(network: WalkNetwork, edge: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return seconds per metre along each edge; an edge without length costs nothing."""
    length = network.edge_m[edge]
    return np.divide(network.edge_s[edge], length, out=np.zeros(len(edge)), where=length > 0)


def _sum_along(
    step_m: NDArray[np.float64], node_next: NDArray[np.int32], reached: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Add up the steps of every path at once, doubling the stride until all have arrived."""
    total, following = step_m.copy(), node_next.copy()
    while (going := np.flatnonzero(following >= 0)).size:
        ahead = following[going]
        total[going] += total[ahead]
        following[going] = following[ahead]
    return np.where(reached, total, np.inf)


def _from_parcels(parcels: Snapped, ends: Ends, tree: Search, along_edge: pd.DataFrame) -> Nearest:
    """Take the better end of each parcel's edge, or the way straight along it where that wins."""
    size, on = len(parcels.edge), np.flatnonzero(parcels.connected)
    seconds, metres = np.full(size, np.inf), np.full(size, np.inf)
    service, start = np.full(size, -1, np.int64), np.full(size, -1, np.int64)
    node, end_s, end_m = ends
    if len(on):
        by_end = end_s + tree.node_s[node]
        pick = (np.arange(len(on)), np.argmin(by_end, axis=1))
        seconds[on] = by_end[pick]
        metres[on] = end_m[pick] + tree.node_m[node[pick]]
        service[on] = tree.node_service[node[pick]]
        start[on] = np.where(np.isfinite(by_end[pick]), node[pick], -1)
    wins = along_edge["seconds"].to_numpy() < seconds[along_edge["parcel"]]
    row = along_edge["parcel"].to_numpy()[wins]
    seconds[row] = along_edge["seconds"].to_numpy()[wins]
    metres[row] = along_edge["metres"].to_numpy()[wins]
    service[row] = along_edge["service"].to_numpy()[wins]
    start[row] = -1
    return Nearest(seconds, metres, service, start)


def _same_edge(network: WalkNetwork, parcels: Snapped, services: Snapped) -> pd.DataFrame:
    """Return every parcel and service on one edge, with the cost and length of walking along it."""
    asked = pd.DataFrame({"edge": parcels.edge, "parcel": np.arange(len(parcels.edge))})
    there = pd.DataFrame({"edge": services.edge, "service": np.arange(len(services.edge))})
    pairs = asked[parcels.connected].merge(there[services.connected], on="edge")
    p, s = pairs["parcel"].to_numpy(), pairs["service"].to_numpy()
    between = np.abs(parcels.along_m[p] - services.along_m[s])
    offset = parcels.offset_m[p] + services.offset_m[s]
    seconds = between * _pace(network, pairs["edge"].to_numpy()) + offset / network.flat_speed_m_s
    told = pairs.assign(seconds=seconds, metres=between + offset)
    return told.sort_values(["parcel", "seconds", "service"])


def _along(network: WalkNetwork, edge: int, start_m: float, end_m: float) -> BaseGeometry:
    line: shapely.LineString = network.edge_line[edge]
    piece = substring(line, min(start_m, end_m), max(start_m, end_m))
    return piece.reverse() if start_m > end_m else piece


def _to_node(network: WalkNetwork, edge: int, along_m: float, node: int) -> BaseGeometry:
    """Return the piece of an edge from a point on it to one of its ends, the shorter on a loop."""
    length = float(network.edge_m[edge])
    first, second = network.edge_nodes[edge]
    to_first = first == node and (second != node or along_m <= length - along_m)
    return _along(network, edge, along_m, 0.0 if to_first else length)


def _whole_edge(network: WalkNetwork, edge: int, start_node: int) -> BaseGeometry:
    line: BaseGeometry = network.edge_line[edge]
    return line if network.edge_nodes[edge, 0] == start_node else line.reverse()
