"""The nearest services of each category for every parcel, and the columns of the contract."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.network import Snapped, WalkNetwork, seconds_at
from arealstrategi.reach.graph import Ends, Graph, Search, build_graph, from_ends, sum_along
from arealstrategi.reach.search import search_nearest

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Nearest:
    """The nearest services of one category for each parcel. Arrays have one row per parcel.

    Parameters
    ----------
    seconds, metres
        Along the least-effort route with both connecting pieces; inf where there is none.
    service
        Row of the services table; -1 where there is none.
    door
        Row of where services touch the network: by which entrance; -1 where there is none.
    start_node
        Node by which the route leaves the parcel's edge; -1 where it stays on that edge or there
        is none.
    k_seconds
        (p, k) seconds to the k nearest services, no service twice, the nearest first; inf where
        there are fewer.
    k_service
        (p, k) rows of the services table; -1 where there are fewer.
    """

    seconds: NDArray[np.float64]
    metres: NDArray[np.float64]
    service: NDArray[np.int64]
    door: NDArray[np.int64]
    start_node: NDArray[np.int64]
    k_seconds: NDArray[np.float64]
    k_service: NDArray[np.int64]


@dataclass(frozen=True)
class Reach:
    """Nearest services by category, and what is needed to draw any route.

    Parameters
    ----------
    parcel_id
        Index of the parcels, in the order of the arrays.
    nearest, searches
        Category to result.
    doors
        Category to the rows of its services' entrances, as they touch the network.
    parcels, services
        Where parcels and services touch the network.
    graph
        What the searches ran in.
    """

    parcel_id: pd.Index
    network: WalkNetwork
    parcels: Snapped
    services: Snapped
    nearest: dict[str, Nearest]
    searches: dict[str, Search]
    doors: dict[str, NDArray[np.int64]]
    graph: Graph = field(repr=False)

    def __repr__(self) -> str:
        return f"Reach({len(self.parcel_id)} parcels, categories: {', '.join(self.nearest)})"


def measure_reach(
    network: WalkNetwork,
    parcels: Snapped,
    services: Snapped,
    category: pd.Series,
    parcel_id: pd.Index,
    *,
    k: Mapping[str, int] | None = None,
) -> Reach:
    """Find the nearest services of each category for every parcel.

    Parameters
    ----------
    network
        The walking network.
    parcels, services
        Where they touch the network.
    category
        Category of each service, in the order of their table.
    parcel_id
        Index of the parcels, in the order of `parcels`.
    k
        How many services are asked for, by category; left out: 1.

    Returns
    -------
    Reach for the categories that occur, in the order of their first service.
    """
    graph = build_graph(network, services)
    ends = from_ends(network, parcels, np.flatnonzero(parcels.connected))
    beside = same_edge(network, parcels, services)
    nearest, searches, doors = {}, {}, {}
    for key in pd.unique(category):
        rows = np.flatnonzero((category == key).to_numpy()[services.owner] & services.connected)
        ranks = search_nearest(graph, rows, (k or {}).get(key, 1))
        along_edge = beside[beside["door"].isin(rows)]
        searches[key], doors[key] = ranks[0], rows
        nearest[key] = _from_parcels(network, graph, parcels, ends, ranks, along_edge)
    log.info("reach: %d categories for %d parcels", len(nearest), len(parcel_id))
    return Reach(parcel_id, network, parcels, services, nearest, searches, doors, graph)


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


def further_effort_m(reach: Reach, category: str, k: int) -> NDArray[np.float64]:
    """Return (p, k) the effort to the k nearest services; inf where there are fewer."""
    found = reach.nearest.get(category)
    effort = np.full((len(reach.parcel_id), k), np.inf)
    if found is not None:
        effort[:, : found.k_seconds.shape[1]] = (
            found.k_seconds[:, :k] * reach.network.flat_speed_m_s
        )
    return effort


def _from_parcels(
    network: WalkNetwork,
    graph: Graph,
    parcels: Snapped,
    ends: Ends,
    ranks: list[Search],
    along_edge: pd.DataFrame,
) -> Nearest:
    """Take the better end of each parcel's edge, or the way straight along it where that wins."""
    size, on = len(parcels.edge), np.flatnonzero(parcels.connected)
    seconds, metres = np.full(size, np.inf), np.full(size, np.inf)
    door, start = np.full(size, -1, np.int64), np.full(size, -1, np.int64)
    node, end_s, end_m = ends
    tree = ranks[0]
    if len(on):
        by_end = end_s + tree.node_s[node]
        pick = (np.arange(len(on)), np.argmin(by_end, axis=1))
        left, there = node[pick], np.isfinite(by_end[pick])
        seconds[on] = by_end[pick]
        walked = end_m[pick] + _metres_from(network, graph, tree, left)
        metres[on] = np.where(there, walked, np.inf)
        door[on] = np.where(there, tree.node_door[left], -1)
        start[on] = np.where(there, left, -1)
    straight = along_edge.drop_duplicates("parcel")
    wins = straight["seconds"].to_numpy() < seconds[straight["parcel"]]
    row = straight["parcel"].to_numpy()[wins]
    seconds[row] = straight["seconds"].to_numpy()[wins]
    metres[row] = straight["metres"].to_numpy()[wins]
    door[row] = straight["door"].to_numpy()[wins]
    start[row] = -1
    service = np.append(graph.door_service, -1)[door]
    k_seconds, k_service = seconds[:, np.newaxis], service[:, np.newaxis]
    if len(ranks) > 1:
        k_seconds, k_service = _k_from_parcels(size, on, ends, ranks, along_edge)
    return Nearest(seconds, metres, service, door, start, k_seconds, k_service)


def _k_from_parcels(
    size: int,
    on: NDArray[np.int64],
    ends: Ends,
    ranks: list[Search],
    along_edge: pd.DataFrame,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Take the k best of what both ends of each parcel's edge offer and of what lies along it."""
    k = len(ranks)
    node, end_s, _ = ends
    beside = along_edge.drop_duplicates(["parcel", "service"])
    beside = beside.assign(place=beside.groupby("parcel").cumcount())
    beside = beside[beside["place"] < k]
    width = 2 * k + int(beside["place"].max() + 1 if len(beside) else 0)
    seconds, service = np.full((size, width), np.inf), np.full((size, width), -1, dtype=np.int64)
    for place, rank in enumerate(ranks):
        both = slice(2 * place, 2 * place + 2)
        seconds[on, both], service[on, both] = end_s + rank.node_s[node], rank.node_service[node]
    at = beside["parcel"].to_numpy(), 2 * k + beside["place"].to_numpy()
    seconds[at], service[at] = beside["seconds"], beside["service"]
    for one, other in combinations(range(width), 2):  # what is offered twice counts once
        twice = (service[:, one] == service[:, other]) & (service[:, one] >= 0)
        dearer = seconds[:, one] > seconds[:, other]
        seconds[twice & dearer, one] = np.inf
        seconds[twice & ~dearer, other] = np.inf
    order = np.lexsort((service, seconds), axis=1)[:, :k]
    k_seconds = np.take_along_axis(seconds, order, axis=1)
    k_service = np.take_along_axis(service, order, axis=1)
    k_service[~np.isfinite(k_seconds)] = -1
    return k_seconds, k_service


def same_edge(network: WalkNetwork, parcels: Snapped, services: Snapped) -> pd.DataFrame:
    """Return every parcel and service on one edge, with the cost and length of walking along it."""
    asked = pd.DataFrame({"edge": parcels.edge, "parcel": np.arange(len(parcels.edge))})
    there = pd.DataFrame(
        {"edge": services.edge, "service": services.owner, "door": np.arange(len(services.edge))}
    )
    pairs = asked[parcels.connected].merge(there[services.connected], on="edge")
    p, s = pairs["parcel"].to_numpy(), pairs["door"].to_numpy()
    edge = pairs["edge"].to_numpy()
    start, end = parcels.along_m[p], services.along_m[s]
    start_s, end_s = seconds_at(network, edge, start), seconds_at(network, edge, end)
    along_s = np.where(end >= start, end_s[:, 0] - start_s[:, 0], start_s[:, 1] - end_s[:, 1])
    way = np.where(end >= start, network.edge_s[edge, 0], network.edge_s[edge, 1])
    along_s = np.where(np.isfinite(way), along_s, np.inf)
    offset = parcels.offset_m[p] + services.offset_m[s]
    told = pairs.assign(
        seconds=along_s + offset / network.flat_speed_m_s, metres=np.abs(end - start) + offset
    )
    return told.sort_values(["parcel", "seconds", "door"])


def _metres_from(
    network: WalkNetwork,
    graph: Graph,
    tree: Search,
    node: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the metres of the paths from some nodes to their nearest service."""
    edge_m, end_m = network.edge_m[:, np.newaxis], graph.end_m[:, :, np.newaxis]
    return sum_along(graph, tree, node, edge_m, end_m)[:, 0]


def leaves_by_first(
    reach: Reach, rows: NDArray[np.int64], node: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Say whether routes leave the parcels' edges by the first end, the cheaper one on a loop."""
    edge = reach.parcels.edge[rows]
    first, second = reach.network.edge_nodes[edge].T
    here = seconds_at(reach.network, edge, reach.parcels.along_m[rows])
    cheaper = here[:, 1] <= reach.network.edge_s[edge, 0] - here[:, 0]
    return np.asarray(np.where(first == second, cheaper, first == node))
