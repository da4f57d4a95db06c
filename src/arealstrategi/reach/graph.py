"""The network and its services as one matrix, and sums along the paths found in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from arealstrategi.network import Snapped, WalkNetwork, seconds_at

# (k, 2) arrays: the end nodes of each thing's edge, and the seconds and metres to or from them
Ends = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Search:
    """The least-effort paths from every node of the network to one category's services.

    Parameters
    ----------
    node_s
        (n,) seconds to the nearest service; inf where there is no way.
    node_service
        (n,) row of the service in the services table; -1 where there is no way.
    node_door
        (n,) by which of its entrances it is reached, a row of where services touch the network; -1
        where there is no way, and in the searches for the second nearest and further ones.
    node_next
        (n,) next node on the path; -1 where the path leaves the network for the service, and in
        the searches for the second nearest and further ones.
    """

    node_s: NDArray[np.float64]
    node_service: NDArray[np.int32]
    node_door: NDArray[np.int32]
    node_next: NDArray[np.int32]


@dataclass(frozen=True)
class Graph:
    """The network and the ways from every service, as one matrix to search outwards in.

    Row ``n + i`` stands for entrance ``i`` of the services: it has arcs to both ends of its edge,
    and none leads back to it. An arc's cost is that of walking it the other way, to the service.

    Parameters
    ----------
    matrix
        (n + s, n + s) seconds.
    walk_key
        (a,) ``tail * n + head`` of every walk from node to node, rising.
    walk_edge
        (a,) the cheapest edge of that walk.
    end_node, end_s, end_m
        (s, 2) ends of each entrance's edge, and seconds and metres from there to the service.
    door_service
        (s,) row of the service that each entrance belongs to.
    """

    matrix: csr_array
    walk_key: NDArray[np.int64]
    walk_edge: NDArray[np.int64]
    end_node: NDArray[np.int64]
    end_s: NDArray[np.float64]
    end_m: NDArray[np.float64]
    door_service: NDArray[np.int64]

    @property
    def n(self) -> int:
        """How many nodes the network has."""
        return int(self.matrix.shape[0]) - len(self.end_node)

    def edges_between(self, tail: NDArray[np.int64], head: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the cheapest edge of each walk from node to node."""
        return self.walk_edge[np.searchsorted(self.walk_key, tail.astype(np.int64) * self.n + head)]

    def leaves_by_first(
        self, node: NDArray[np.int64], door: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Say whether the way from a node to the entrance beside it begins at its first end."""
        end, seconds = self.end_node[door], self.end_s[door]
        return np.asarray(
            (end[:, 0] == node) & ((end[:, 1] != node) | (seconds[:, 0] <= seconds[:, 1]))
        )


def build_graph(network: WalkNetwork, services: Snapped) -> Graph:
    """Build the matrix. Parallel edges keep the cheaper one: a sparse matrix would add them up."""
    n, m = len(network.node_xy), len(network.edge_nodes)
    tail = np.concatenate([network.edge_nodes[:, 0], network.edge_nodes[:, 1]])
    head = np.concatenate([network.edge_nodes[:, 1], network.edge_nodes[:, 0]])
    cost, edge = network.edge_s.T.ravel(), np.tile(np.arange(m), 2)
    leads = (tail != head) & np.isfinite(cost)  # a loop leads nowhere; snapping to it needs no arc
    key, cost, edge = tail[leads] * n + head[leads], cost[leads], edge[leads]
    order = _cheapest_of_each(key, cost)
    key, cost, edge = key[order], cost[order], edge[order]
    starts = np.searchsorted(key, np.arange(n + 1) * n)
    walks = csr_array((cost, key % max(n, 1), starts), shape=(n, n))
    outwards = walks.T.tocsr()
    ends = to_ends(network, services, np.arange(len(services.edge)))
    matrix = _with_services(outwards, ends, services.connected)
    return Graph(matrix, key, edge, *ends, services.owner)


def _cheapest_of_each(key: NDArray[np.int64], cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return where in rising order of keys the cheapest of each stands."""
    order = np.argsort(key)
    same = key[order[1:]] == key[order[:-1]]
    if same.any():  # parallel edges are few: only they are sorted by cost as well
        twin = np.append(False, same) | np.append(same, False)
        twins = order[twin]
        order[twin] = twins[np.lexsort((twins, cost[twins], key[twins]))]
    return np.asarray(order[np.append(True, ~same)[: len(order)]])


def _with_services(outwards: csr_array, ends: Ends, connected: NDArray[np.bool_]) -> csr_array:
    """Add a row for each service, with arcs to the ends of its edge."""
    node, seconds, _ = ends
    loop = node[:, 0] == node[:, 1]
    cost = np.where(loop[:, np.newaxis], seconds.min(axis=1, keepdims=True), seconds)
    kept = connected[:, np.newaxis] & np.column_stack([np.ones_like(loop), ~loop])
    kept &= np.isfinite(cost)
    size = outwards.shape[0] + len(node)
    return csr_array(
        (
            np.concatenate([outwards.data, cost[kept]]),
            np.concatenate([outwards.indices, node[kept]]),
            np.concatenate([outwards.indptr, outwards.indptr[-1] + np.cumsum(kept.sum(axis=1))]),
        ),
        shape=(size, size),
    )


def from_ends(network: WalkNetwork, things: Snapped, rows: NDArray[np.int64]) -> Ends:
    """Return what it costs to walk from each thing to the two ends of its edge."""
    return _ends(network, things, rows, leaving=True)


def to_ends(network: WalkNetwork, things: Snapped, rows: NDArray[np.int64]) -> Ends:
    """Return what it costs to walk from the two ends of its edge to each thing."""
    return _ends(network, things, rows, leaving=False)


def _ends(network: WalkNetwork, things: Snapped, rows: NDArray[np.int64], *, leaving: bool) -> Ends:
    if len(network.edge_nodes) == 0:
        nowhere = np.full((len(rows), 2), np.inf)
        return np.zeros((len(rows), 2), dtype=np.int64), nowhere, nowhere
    # what is not connected gets the first edge's numbers, which nothing uses
    edge, along = things.edge[rows].clip(min=0), np.nan_to_num(things.along_m[rows])
    here = seconds_at(network, edge, along)
    whole = network.edge_s[edge]
    forth, back = here[:, 0], whole[:, 1] - here[:, 1]  # from the first end, from the second
    if leaving:
        forth, back = whole[:, 0] - here[:, 0], here[:, 1]  # to the second end, to the first
    forth, back = (
        np.where(np.isfinite(whole[:, way]), cost, np.inf) for way, cost in enumerate((forth, back))
    )
    by_end = np.column_stack([back, forth] if leaving else [forth, back])
    on_edge_m = np.column_stack([along, network.edge_m[edge] - along])
    offset = things.offset_m[rows, np.newaxis]
    seconds = by_end + offset / network.flat_speed_m_s
    return network.edge_nodes[edge], seconds, on_edge_m + offset


def sum_along(
    graph: Graph,
    tree: Search,
    node: NDArray[np.int64],
    edge_value: NDArray[np.float64],
    end_value: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Add up something along the paths from some nodes to their nearest service.

    Parameters
    ----------
    graph, tree
        The graph and the search in it.
    node
        (k,) nodes.
    edge_value
        (m, v) what is added for each edge.
    end_value
        (s, 2, v) what is added for the last piece, from either end of an entrance's edge.

    Returns
    -------
    (k, v); 0 where there is no way.
    """
    on_way = nodes_on_the_way(tree, node)
    place = np.full(graph.n, -1, dtype=np.int64)
    place[on_way] = np.arange(len(on_way))
    following = tree.node_next[on_way].astype(np.int64)
    total = np.zeros((len(on_way), edge_value.shape[1]))
    linked = following >= 0
    edge = graph.edges_between(on_way[linked], following[linked])
    total[linked] = edge_value[edge]
    last = ~linked & (tree.node_door[on_way] >= 0)
    door = tree.node_door[on_way[last]].astype(np.int64)
    end = np.where(graph.leaves_by_first(on_way[last], door), 0, 1)
    total[last] = end_value[door, end]
    following = np.where(linked, place[following], -1)
    while (going := np.flatnonzero(following >= 0)).size:  # doubles the stride of every path
        ahead = following[going]
        total[going] += total[ahead]
        following[going] = following[ahead]
    return total[place[node]]


def nodes_on_the_way(tree: Search, node: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the nodes on the paths from some nodes, in rising order."""
    seen = np.zeros(len(tree.node_next), dtype=bool)
    front = np.unique(node)
    while front.size:
        seen[front] = True
        following = tree.node_next[front]
        following = following[following >= 0]
        front = np.unique(following[~seen[following]]).astype(np.int64)
    return np.flatnonzero(seen)
