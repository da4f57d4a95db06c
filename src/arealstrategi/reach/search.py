"""Searching outwards from services: the nearest, the second nearest … of every node."""

from __future__ import annotations

from dataclasses import dataclass

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
        Rows of the services.
    k
        How many.

    Returns
    -------
    k searches. Only the first one's ``node_next`` describes whole paths.
    """
    n = graph.n
    nowhere = Search(
        np.full(n, np.inf), np.full(n, -1, dtype=np.int32), np.full(n, -1, dtype=np.int32)
    )
    if len(rows) == 0:
        return [nowhere] * k
    seconds, before, source = dijkstra(
        graph.matrix, directed=True, indices=n + rows, min_only=True, return_predecessors=True
    )
    found = np.isfinite(seconds[:n])
    linked = found & (before[:n] < n)
    service = np.where(found, source[:n] - n, -1).astype(np.int32, copy=False)
    ranks = [Search(seconds[:n], service, np.where(linked, before[:n], np.int32(-1)))]
    if k > 1:
        between = _Arcs.of(graph.matrix, 0, n)
        services = _Arcs.of(graph.matrix, n, graph.matrix.shape[0])
        services = _Arcs(services.tail - n, services.head, services.cost)
        beside = services.chosen(np.isin(services.tail, rows))
        while len(ranks) < min(k, len(rows)):
            ranks.append(_next_rank(between, beside, ranks))
    return ranks + [nowhere] * (k - len(ranks))


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

    def chosen(self, which: NDArray[np.bool_]) -> _Arcs:
        """List some of them."""
        return _Arcs(self.tail[which], self.head[which], self.cost[which])


def _next_rank(between: _Arcs, beside: _Arcs, ranks: list[Search]) -> Search:
    """Find the next nearest service of every node from those that are known.

    Parameters
    ----------
    between, beside
        Arcs between nodes, and from the services (as their tails, by row) to nodes.
    ranks
        The searches for the nearer ones.
    """
    tail, head, cost = between.tail, between.head, between.cost
    known = [rank.node_service[head] for rank in ranks]
    # the nearest of the tail's services that the head does not know yet
    service = np.full(len(tail), -1, dtype=np.int32)
    offer_s = np.empty(len(tail))
    for rank in reversed(ranks):
        label = rank.node_service[tail]
        new = label >= 0
        for other in known:
            new &= other != label
        service[new] = label[new]
        offer_s[new] = rank.node_s[tail[new]] + cost[new]
    inside = service < 0
    unknown = np.ones(len(beside.tail), dtype=bool)
    for rank in ranks:
        unknown &= rank.node_service[beside.head] != beside.tail
    offers = _Arcs(
        np.concatenate([service[~inside], beside.tail[unknown]]),
        np.concatenate([head[~inside], beside.head[unknown]]),
        np.concatenate([offer_s[~inside], beside.cost[unknown]]),
    )
    return _from_offers(len(ranks[0].node_s), between.chosen(inside), offers)


def _from_offers(n: int, inside: _Arcs, offers: _Arcs) -> Search:
    """Search within the cells from nodes that are offered a service; one row more leads to them."""
    starts = np.zeros(n + 2, dtype=np.int64)
    np.cumsum(np.bincount(inside.tail, minlength=n), out=starts[1 : n + 1])
    starts[n + 1] = starts[n] + len(offers.head)
    matrix = csr_array(
        (
            np.concatenate([inside.cost, offers.cost]),
            np.concatenate([inside.head, offers.head]),
            starts,
        ),
        shape=(n + 1, n + 1),
    )
    found_s, before, _ = dijkstra(
        matrix, directed=True, indices=np.array([n]), min_only=True, return_predecessors=True
    )
    found_s, before = found_s[:n], before[:n]
    taken = (before[offers.head] == n) & (offers.cost == found_s[offers.head])
    label = np.full(n, -1, dtype=np.int32)
    label[offers.head[taken]] = offers.tail[taken]
    towards = np.where((before >= 0) & (before < n), before, -1).astype(np.int32)
    return Search(found_s, _handed_down(label, towards), towards)


def _handed_down(label: NDArray[np.int32], towards: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give every node the label at the end of its path, doubling the stride."""
    label, following = label.copy(), towards.copy()
    while (going := np.flatnonzero(following >= 0)).size:
        ahead = following[going]
        label[going] = label[ahead]
        following[going] = following[ahead]
    return label


def search_within(graph: Graph, rows: NDArray[np.int64], limit_s: float) -> NDArray[np.float64]:
    """Return (n,) seconds from every node to the nearest of some services; inf beyond a limit."""
    if len(rows) == 0:
        return np.full(graph.n, np.inf)
    seconds = dijkstra(
        graph.matrix, directed=True, indices=graph.n + rows, min_only=True, limit=limit_s
    )
    return np.asarray(seconds[: graph.n])
