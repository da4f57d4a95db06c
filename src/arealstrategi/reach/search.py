"""Searching outwards from services: the nearest, the second nearest … of every node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from arealstrategi.reach.graph import Graph, Search


def search_nearest(graph: Graph, rows: NDArray[np.int64], k: int = 1) -> list[Search]:
    """Search outwards from some services, all at once: the nearest, the second nearest … of each.

    The nearest service of every node divides the network into cells. The second nearest comes
    from across a cell's border: another search of the same kind, that starts at the borders and
    stays within the cells. So does each further one, with the cells of nodes that have the same
    nearest services. No service is counted twice.

    Parameters
    ----------
    graph
        The matrix of the network and its services.
    rows
        Rows of the services' entrances.
    k
        How many.

    Returns
    -------
    k searches. Only the first one tells paths and entrances.
    """
    n = graph.n
    if len(rows) == 0:
        return [_nowhere(n)] * k
    seconds, before, source = dijkstra(
        graph.matrix, directed=True, indices=n + rows, min_only=True, return_predecessors=True
    )
    found = np.isfinite(seconds[:n])
    linked = found & (before[:n] < n)
    door = np.where(found, source[:n] - n, -1).astype(np.int32, copy=False)
    service_of = np.append(graph.door_service, -1).astype(np.int32)  # row -1 is "none"
    following = np.where(linked, before[:n], np.int32(-1))
    ranks = [Search(seconds[:n], service_of[door], door, following)]
    if k > 1:
        between = _Arcs.of(graph.matrix, 0, n)
        doors = _Arcs.of(graph.matrix, n, graph.matrix.shape[0])
        asked = np.zeros(len(graph.door_service), dtype=bool)
        asked[rows] = True
        doors = doors.chosen(asked[doors.tail - n])
        beside = _Arcs(service_of[doors.tail - n], doors.head, doors.cost)
        alike = np.ones(len(between.tail), dtype=bool)
        while len(ranks) < k:
            label = ranks[-1].node_service
            alike &= label[between.tail] == label[between.head]
            ranks.append(_next_rank(between, beside, ranks, alike))
    return ranks


@dataclass(frozen=True)
class _Arcs:
    """The arcs of a graph as lists."""

    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    cost: NDArray[np.float64]

    @classmethod
    def of(cls, matrix: csr_array, first: int, last: int) -> _Arcs:
        """List the arcs of some rows."""
        starts = matrix.indptr[first : last + 1]
        tail = np.repeat(np.arange(first, last, dtype=np.int32), np.diff(starts))
        arcs = slice(starts[0], starts[-1])
        return cls(tail, matrix.indices[arcs], matrix.data[arcs])

    def chosen(self, which: NDArray[Any]) -> _Arcs:
        """List some of them."""
        return _Arcs(self.tail[which], self.head[which], self.cost[which])


def _next_rank(
    between: _Arcs, beside: _Arcs, ranks: list[Search], alike: NDArray[np.bool_]
) -> Search:
    """Find the next nearest service of every node from those that are known.

    Parameters
    ----------
    between, beside
        Arcs between nodes, and from the services (as tails, by their rows) to nodes.
    ranks
        The searches for the nearer ones.
    alike
        Which arcs between nodes have the same services, in the same order, at both ends.
    """
    differ = np.flatnonzero(~alike)
    border = between.chosen(differ)
    known = [rank.node_service[border.head] for rank in ranks]
    # the nearest of the tail's services that the head does not know yet
    service = np.full(len(differ), -1, dtype=np.int32)
    offer_s = np.empty(len(differ))
    for rank in reversed(ranks):
        label = rank.node_service[border.tail]
        new = label >= 0
        for other in known:
            new &= other != label
        service[new] = label[new]
        offer_s[new] = rank.node_s[border.tail[new]] + border.cost[new]
    offered = service >= 0
    inside = alike.copy()
    inside[differ[~offered]] = True  # the same services in another order
    unknown = np.ones(len(beside.tail), dtype=bool)
    for rank in ranks:
        unknown &= rank.node_service[beside.head] != beside.tail
    offers = _Arcs(
        np.concatenate([service[offered], beside.tail[unknown]]),
        np.concatenate([border.head[offered], beside.head[unknown]]),
        np.concatenate([offer_s[offered], beside.cost[unknown]]),
    )
    return _from_offers(len(ranks[0].node_s), between.chosen(inside), offers)


def _from_offers(n: int, inside: _Arcs, offers: _Arcs) -> Search:
    """Search within the cells from nodes that are offered a service; a row for each leads there."""
    if len(offers.tail) == 0:
        return _nowhere(n)
    offers = offers.chosen(np.argsort(offers.tail, kind="stable"))
    first = np.flatnonzero(np.append(True, offers.tail[1:] != offers.tail[:-1]))
    services = offers.tail[first]
    starts = np.zeros(n + 1 + len(services), dtype=np.int32)
    np.cumsum(np.bincount(inside.tail, minlength=n), out=starts[1 : n + 1])
    starts[n + 1 :] = starts[n] + np.append(first[1:], len(offers.tail))
    matrix = csr_array(
        (
            np.concatenate([inside.cost, offers.cost]),
            np.concatenate([inside.head, offers.head]),
            starts,
        ),
        shape=(n + len(services), n + len(services)),
    )
    seconds, _, source = dijkstra(
        matrix,
        directed=True,
        indices=n + np.arange(len(services)),
        min_only=True,
        return_predecessors=True,
    )
    found = np.isfinite(seconds[:n])
    service = np.full(n, -1, dtype=np.int32)
    service[found] = services[source[:n][found] - n]
    none = np.full(n, -1, dtype=np.int32)
    return Search(seconds[:n], service, none, none)


def _nowhere(n: int) -> Search:
    none = np.full(n, -1, dtype=np.int32)
    return Search(np.full(n, np.inf), none, none, none)


def search_within(graph: Graph, rows: NDArray[np.int64], limit_s: float) -> NDArray[np.float64]:
    """Return (n,) seconds from every node to the nearest of some entrances; inf beyond a limit."""
    if len(rows) == 0:
        return np.full(graph.n, np.inf)
    seconds = dijkstra(
        graph.matrix, directed=True, indices=graph.n + rows, min_only=True, limit=limit_s
    )
    return np.asarray(seconds[: graph.n])
