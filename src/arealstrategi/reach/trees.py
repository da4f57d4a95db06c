"""The routes of all parcels as trees: where each walk goes on from every node.

All least-effort walks to the nearest service of one category form trees, so that one edge per node
and category tells them all. That is enough to draw any of them without the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from arealstrategi.network import Snapped, WalkNetwork
from arealstrategi.reach.graph import nodes_on_the_way
from arealstrategi.reach.nearest import Reach, leaves_by_first

NO_WAY, BY_FIRST, BY_SECOND, ALONG = 0, 1, 2, 3

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Touches:
    """Where things touch the edges of `RouteTables`; all arrays are (k,) or (k, 2).

    Parameters
    ----------
    edge
        Row of the edge; -1 where no route touches it.
    along
        Place on that edge, 0 at its first node and 1 at its second, by length on the ground.
    outer_xy, touch_xy
        Where the connecting piece begins at the thing, and where it meets the edge; NaN where no
        route does.
    """

    edge: Rows
    along: NDArray[np.float64]
    outer_xy: NDArray[np.float64]
    touch_xy: NDArray[np.float64]

    def at(self, rows: Rows) -> Touches:
        """Return some rows, in that order."""
        return Touches(self.edge[rows], self.along[rows], self.outer_xy[rows], self.touch_xy[rows])


@dataclass(frozen=True)
class Tree:
    """The walks to the nearest service of one category.

    Parameters
    ----------
    next_edge
        (n,) edge on which the walk goes on from each node; -1 where it leaves the network there or
        no route comes by.
    last_door
        (n,) door for which the walk leaves the network there; else -1.
    last_by_first
        (n,) whether it then goes along the door's edge from that edge's first end.
    leaves
        (p,) how each parcel's walk leaves its edge: `NO_WAY`, `BY_FIRST` or `BY_SECOND` end, or
        `ALONG`: straight along it to a door.
    along_door
        (p,) that door; else -1.
    """

    next_edge: Rows
    last_door: Rows
    last_by_first: NDArray[np.bool_]
    leaves: NDArray[np.uint8]
    along_door: Rows


@dataclass(frozen=True)
class RouteTables:
    """The part of the network that routes use; coordinates in the analysis CRS.

    Parameters
    ----------
    node_xy
        (n, 2) nodes, neighbours following each other.
    edge_nodes
        (m, 2) rows of its nodes, rising.
    edge_line
        (m,) LineStrings from the first node to the second.
    parcels
        Where parcels touch the edges, in the order of the parcels.
    doors
        The same of the services' entrances that routes lead to.
    trees
        By category; one without any service is not there.
    """

    node_xy: NDArray[np.float64]
    edge_nodes: Rows
    edge_line: NDArray[np.object_]
    parcels: Touches
    doors: Touches
    trees: dict[str, Tree]

    def with_parcels(self, order: Rows) -> RouteTables:
        """Return the same routes with the parcels in another order, or only some of them."""
        trees = {
            key: replace(tree, leaves=tree.leaves[order], along_door=tree.along_door[order])
            for key, tree in self.trees.items()
        }
        return replace(self, parcels=self.parcels.at(order), trees=trees)


def route_tables(reach: Reach, categories: Sequence[str]) -> RouteTables:
    """Return the routes of all parcels to the nearest service of some categories.

    Parameters
    ----------
    reach
        What was measured.
    categories
        Those to tell; one without any service is left out.
    """
    trees = {key: _tree(reach, key) for key in categories if key in reach.nearest}
    nodes, edges, doors = _used(reach, trees)
    network = reach.network
    new_node, new_edge, new_door = (
        _numbered(rows, size)
        for rows, size in (
            (nodes, len(network.node_xy)),
            (edges, len(network.edge_nodes)),
            (doors, len(reach.services.edge)),
        )
    )
    walked = np.any([tree.leaves != NO_WAY for tree in trees.values()], axis=0)
    rows = np.arange(len(reach.parcel_id)) if trees else np.empty(0, dtype=np.int64)
    return RouteTables(
        network.node_xy[nodes],
        new_node[network.edge_nodes[edges]],
        _lines(network, edges),
        _touches(network, reach.parcels, rows, walked, new_edge),
        _touches(network, reach.services, doors, np.ones(len(doors), bool), new_edge),
        {
            key: Tree(
                new_edge[tree.next_edge[nodes]],
                new_door[tree.last_door[nodes]],
                tree.last_by_first[nodes],
                tree.leaves,
                new_door[tree.along_door],
            )
            for key, tree in trees.items()
        },
    )


def _tree(reach: Reach, category: str) -> Tree:
    """Return the tree in the numbers of the network, of its nodes that a route passes."""
    graph, tree, found = reach.graph, reach.searches[category], reach.nearest[category]
    started = np.flatnonzero(found.start_node >= 0)
    start = found.start_node[started]
    on_way = nodes_on_the_way(tree, start)
    following = tree.node_next[on_way].astype(np.int64)
    goes_on = following >= 0
    next_edge, last_door = np.full(graph.n, -1), np.full(graph.n, -1)
    next_edge[on_way[goes_on]] = graph.edges_between(on_way[goes_on], following[goes_on])
    last = on_way[~goes_on]
    last_door[last] = tree.node_door[last]
    by_first = np.zeros(graph.n, dtype=bool)
    by_first[last] = graph.leaves_by_first(last, last_door[last])
    leaves = np.where((found.door >= 0) & (found.start_node < 0), ALONG, NO_WAY).astype(np.uint8)
    leaves[started] = np.where(leaves_by_first(reach, started, start), BY_FIRST, BY_SECOND)
    return Tree(next_edge, last_door, by_first, leaves, np.where(leaves == ALONG, found.door, -1))


def _used(reach: Reach, trees: dict[str, Tree]) -> tuple[Rows, Rows, Rows]:
    """Return the nodes, edges and doors that any route uses, nodes and edges along a curve."""
    network = reach.network
    edge, door = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for tree in trees.values():
        door += [tree.last_door, tree.along_door]
        edge += [tree.next_edge, reach.parcels.edge[tree.leaves != NO_WAY]]
    doors = np.unique(np.concatenate(door))
    doors = doors[doors >= 0]
    edges = np.unique(np.concatenate([*edge, reach.services.edge[doors]]))
    edges = edges[edges >= 0]
    nodes = np.unique(network.edge_nodes[edges])
    if nodes.size:
        points = gpd.GeoSeries(shapely.points(network.node_xy[nodes]))
        nodes = nodes[np.argsort(points.hilbert_distance().to_numpy(), kind="stable")]
    first, second = _numbered(nodes, len(network.node_xy))[network.edge_nodes[edges]].T
    return nodes, edges[np.lexsort((second, first))], doors


def _numbered(rows: Rows, size: int) -> Rows:
    """Return the new number of each old row; -1 for those left out, and for row -1."""
    number = np.full(size + 1, -1)
    number[rows] = np.arange(len(rows))
    return number


def _lines(network: WalkNetwork, edges: Rows) -> NDArray[np.object_]:
    """Return the lines of some edges, without points on straight pieces."""
    count = network.edge_start[edges + 1] - network.edge_start[edges]
    line = np.repeat(np.arange(len(edges)), count)
    before = np.cumsum(count) - count
    point = network.edge_start[edges][line] + np.arange(count.sum()) - before[line]
    needed = ~network.point_is_added[point]
    return np.asarray(
        shapely.linestrings(network.point_xy[point][needed], indices=line[needed]), dtype=object
    )


def _touches(
    network: WalkNetwork, things: Snapped, rows: Rows, used: NDArray[np.bool_], new_edge: Rows
) -> Touches:
    edge = np.where(used, things.edge[rows], -1)
    along, xy = np.full(len(rows), np.nan), np.full((len(rows), 2, 2), np.nan)
    length = network.edge_m[edge[used]]
    along[used] = things.along_m[rows][used] / np.where(length > 0, length, 1.0)
    ends = shapely.get_coordinates(things.connector[rows][used])
    xy[used] = ends.reshape(-1, 2, 2)
    return Touches(new_edge[edge], along, xy[:, 0], xy[:, 1])
