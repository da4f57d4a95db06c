"""The walking network as arrays, built from ways.

Lengths are metres on the ground: what the map's projection stretches is taken back.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from arealstrategi.area import ground_scale
from arealstrategi.network.finder import Finder, last_steps
from arealstrategi.tables import Ways
from arealstrategi.walker import Walker, closed_nodes, may_touch, walk_costs

log = logging.getLogger(__name__)

# Judgement: a piece of path shorter than this that hangs on nothing is a mapping gap more often
# than a place to start from. The bound lies below every margin around the study area, so that
# cutting the area differently does not change what counts as one.
ISLET_M = 300.0


@dataclass(frozen=True)
class WalkNetwork:
    """Streets and paths. Edge ``i`` joins two junctions along one way.

    Edges that are open to people but not to this walker (steps, for wheels) are kept with infinite
    cost: nothing is snapped to them and no route uses them, but they tell what steps keep apart.

    Parameters
    ----------
    node_xy
        (n, 2) coordinates of junctions and ends, metres in ``crs``.
    edge_nodes
        (m, 2) rows of ``node_xy``.
    edge_s
        (m, 2) seconds of a way to a service: walked from first to second node, and the other
        way; inf where the walker cannot go.
    edge_way
        (m,) OSM number of the way.
    edge_touch
        (m,) whether things may be connected to it: 2 at once, 1 for want of another, 0 never.
    edge_start
        (m + 1,) where the points of each edge begin, from its first node to its second.
    point_xy
        (p, 2) coordinates.
    point_m
        (p,) metres on the ground from the edge's first node.
    point_s
        (p, 2) seconds from the first node to the point, and from the point back to it; 0 on
        edges that are closed to the walker.
    point_hindrance
        (p,) bits of `walker.HINDRANCES` on the piece from this point to the next.
    point_is_added
        (p,) whether the point lies on a straight piece and is not needed to draw it.
    flat_speed_m_s
        Speed on connecting pieces between the network and what is snapped to it.
    crs
        The analysis CRS.
    """

    node_xy: NDArray[np.float64]
    edge_nodes: NDArray[np.int64]
    edge_s: NDArray[np.float64]
    edge_way: NDArray[np.int64]
    edge_touch: NDArray[np.int64]
    edge_start: NDArray[np.int64]
    point_xy: NDArray[np.float64]
    point_m: NDArray[np.float64]
    point_s: NDArray[np.float64]
    point_hindrance: NDArray[np.uint8]
    point_is_added: NDArray[np.bool_]
    flat_speed_m_s: float
    crs: pyproj.CRS

    @classmethod
    def of_edges(
        cls,
        node_xy: NDArray[np.float64],
        edge_nodes: NDArray[np.int64],
        edge_s: NDArray[np.float64],
        crs: pyproj.CRS,
        *,
        flat_speed_m_s: float = 1.0,
    ) -> WalkNetwork:
        """Make a network of straight edges.

        Parameters
        ----------
        node_xy, edge_nodes
            (n, 2) coordinates and (m, 2) rows of them.
        edge_s
            (m,) or (m, 2) seconds, inf where closed.
        crs, flat_speed_m_s
            As of the network.
        """
        m = len(edge_nodes)
        seconds = np.array(np.broadcast_to(edge_s.reshape(m, -1), (m, 2)))
        point_s = np.zeros((2 * m, 2))
        point_s[1::2] = np.where(np.isfinite(seconds), seconds, 0.0)
        point_m, scale = np.zeros(2 * m), ground_scale(node_xy, crs)
        on_map = np.hypot(*(node_xy[edge_nodes[:, 1]] - node_xy[edge_nodes[:, 0]]).T)
        point_m[1::2] = 2.0 * on_map / scale[edge_nodes].sum(axis=1)
        return cls(
            node_xy=node_xy,
            edge_nodes=edge_nodes,
            edge_s=seconds,
            edge_way=np.arange(m),
            edge_touch=np.full(m, 2),
            edge_start=np.arange(m + 1) * 2,
            point_xy=node_xy[edge_nodes.ravel()],
            point_m=point_m,
            point_s=point_s,
            point_hindrance=np.zeros(2 * m, dtype=np.uint8),
            point_is_added=np.zeros(2 * m, dtype=bool),
            flat_speed_m_s=flat_speed_m_s,
            crs=crs,
        )

    @cached_property
    def edge_m(self) -> NDArray[np.float64]:
        """(m,) length on the ground, metres."""
        return self.point_m[self.edge_start[1:] - 1]

    @cached_property
    def edge_is_open(self) -> NDArray[np.bool_]:
        """(m,) whether the walker can use the edge in either direction."""
        return np.asarray(np.isfinite(self.edge_s).any(axis=1))

    @cached_property
    def length_m(self) -> float:
        """Metres that the walker can use."""
        return float(self.edge_m[self.edge_is_open].sum())

    @property
    def point_edge(self) -> NDArray[np.int64]:
        """(p,) the edge that each point belongs to."""
        return np.repeat(np.arange(len(self.edge_nodes)), np.diff(self.edge_start))

    @property
    def piece_m(self) -> NDArray[np.float64]:
        """(p,) metres from each point to the next one of its edge; 0 at the edge's end."""
        metres = np.append(np.diff(self.point_m), 0.0)[: len(self.point_m)]
        metres[self.edge_start[1:] - 1] = 0.0
        return metres

    @cached_property
    def edge_line(self) -> NDArray[np.object_]:
        """(m,) LineString from the first node to the second."""
        drawn = ~self.point_is_added
        lines = shapely.linestrings(self.point_xy[drawn], indices=self.point_edge[drawn])
        return np.asarray(lines, object)

    @cached_property
    def node_component(self) -> NDArray[np.int64]:
        """(n,) number of the connected part that each node lies in; 0 is the longest part.

        Nodes that the walker can only leave by a closed edge come last, each on its own.
        """
        label = _components(self, self.edge_is_open)
        first = self.edge_nodes[self.edge_is_open, 0]
        size = label.max(initial=-1) + 1
        length = np.bincount(label[first], weights=self.edge_m[self.edge_is_open], minlength=size)
        used = np.bincount(label[first], minlength=size) > 0
        order = np.lexsort((np.arange(size), -length, ~used))
        return np.argsort(order)[label]

    @cached_property
    def component_m(self) -> NDArray[np.float64]:
        """(c,) metres of each connected part, longest first."""
        part = self.node_component[self.edge_nodes[self.edge_is_open, 0]]
        return np.bincount(part, weights=self.edge_m[self.edge_is_open]).astype(np.float64)

    @cached_property
    def node_component_with_closed(self) -> NDArray[np.int64]:
        """(n,) number of the part where also the edges that this walker cannot use connect."""
        return _components(self, np.ones(len(self.edge_nodes), dtype=bool))

    @cached_property
    def edge_is_islet(self) -> NDArray[np.bool_]:
        """(m,) whether the edge belongs to a part shorter than `ISLET_M`."""
        islet = np.zeros(len(self.edge_nodes), dtype=bool)
        part = self.node_component[self.edge_nodes[self.edge_is_open, 0]]
        islet[self.edge_is_open] = self.component_m[part] < ISLET_M
        return islet

    @cached_property
    def good_starts(self) -> Finder:
        """Finds the nearest edge that things are connected to at once."""
        return Finder.of(self.edge_line, np.flatnonzero(self._is_good_start))

    @cached_property
    def poor_starts(self) -> Finder:
        """Finds the nearest edge that things are connected to for want of another."""
        poor = self.edge_is_open & ~self._is_good_start & (self.edge_touch > 0)
        return Finder.of(self.edge_line, np.flatnonzero(poor))

    @cached_property
    def _is_good_start(self) -> NDArray[np.bool_]:
        good = self.edge_touch == 2  # noqa: PLR2004
        return np.asarray(self.edge_is_open & ~self.edge_is_islet & good)

    def __repr__(self) -> str:
        return (
            f"WalkNetwork({len(self.node_xy)} nodes, {len(self.edge_nodes)} edges, "
            f"{self.length_m / 1000:.1f} km, {len(self.component_m)} components)"
        )


def _components(network: WalkNetwork, used: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (n,) the number of each node's part, where the edges in `used` connect."""
    n = len(network.node_xy)
    first, second = network.edge_nodes[used].T
    links = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


Direction = Literal["to", "from", "both"]


def build_network(
    ways: Ways, walker: Walker, *, direction: Direction = "both", ferries: bool = False
) -> WalkNetwork:
    """Cut the ways that people may walk into edges at every junction.

    Parameters
    ----------
    ways
        All ways, in the analysis CRS.
    walker
        Who walks.
    direction
        Whether the way ``to`` a service counts, the way home ``from`` it, or ``both``: there and
        back on the same streets, the mean of the two.
    ferries
        Whether ferries may be taken.
    """
    costs = walk_costs(ways, walker, ferries=ferries)
    segments, kept = ways.segments, costs.is_open
    tail, head, node = _apart_at_gates(ways, segments.tail[kept], segments.head[kept])
    way = segments.way[kept]
    starts = _breaks(tail, head, way, segments.visit[kept], len(node))
    first, last = np.flatnonzero(starts), last_steps(starts)
    nodes, edge_nodes = np.unique(np.column_stack([tail[first], head[last]]), return_inverse=True)
    seconds = _towards(costs.seconds[kept], direction)
    closed = np.asarray(~np.isfinite(seconds).all(axis=1))
    edge_of = np.cumsum(starts) - 1
    # an edge's first point is a tail; each further one is a head
    point = np.arange(len(tail)) + edge_of
    final = last + np.arange(len(last)) + 1
    size = len(tail) + len(first)
    at_node, hindrance = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.uint8)
    at_node[point], at_node[final] = node[tail], node[head[last]]
    hindrance[point] = costs.hindrance[kept]
    along = np.zeros((size, 3))
    along[point + 1] = _sums_within(
        np.column_stack([costs.metres[kept], np.where(closed[:, None], 0.0, seconds)]), edge_of
    )
    edge_s = along[final, 1:]
    edge_s[closed[first]] = np.inf
    network = WalkNetwork(
        node_xy=ways.node_xy[node[nodes]],
        edge_nodes=edge_nodes.reshape(-1, 2),
        edge_s=edge_s,
        edge_way=ways.way_id[way[first]],
        edge_touch=may_touch(ways.tags)[way[first]],
        edge_start=np.append(0, final + 1),
        point_xy=ways.node_xy[at_node],
        point_m=along[:, 0],
        point_s=along[:, 1:],
        point_hindrance=hindrance,
        point_is_added=ways.node_is_added[at_node],
        flat_speed_m_s=walker.flat_speed_m_s,
        crs=ways.crs,
    )
    log.info("network: %r", network)
    return network


def _apart_at_gates(
    ways: Ways, tail: NDArray[np.int64], head: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Give the pieces that meet at a closed gate ends of their own, so that none leads through.

    Returns
    -------
    Tails and heads as numbers of ends, and (e,) the row of ``node_xy`` of each end.
    """
    n = len(ways.node_xy)
    shut = np.zeros(n, dtype=bool)
    shut[closed_nodes(ways.node_tags)] = True
    at_tail, at_head = np.flatnonzero(shut[tail]), np.flatnonzero(shut[head])
    node = np.concatenate([np.arange(n), tail[at_tail], head[at_head]])
    ends = np.arange(n, len(node))
    tail, head = tail.copy(), head.copy()
    tail[at_tail], head[at_head] = ends[: len(at_tail)], ends[len(at_tail) :]
    return tail, head, node


def _towards(seconds: NDArray[np.float64], direction: Direction) -> NDArray[np.float64]:
    """Return what counts of walking each way: to the service, home from it, or the mean."""
    if direction == "to":
        return seconds
    if direction == "from":
        return seconds[:, ::-1]
    return np.repeat(seconds.mean(axis=1, keepdims=True), 2, axis=1)


def _sums_within(values: NDArray[np.float64], edge_of: NDArray[np.int64]) -> NDArray[np.float64]:
    """Add up the rows of each edge as they come: exactly the same wherever the edge stands."""
    return np.asarray(pd.DataFrame(values).groupby(edge_of).cumsum(), dtype=float)


def _breaks(
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    way: NDArray[np.int64],
    visit: NDArray[np.int64],
    n_nodes: int,
) -> NDArray[np.bool_]:
    """Say of each segment whether a new edge starts with it: at a junction or a way's start."""
    degree = np.bincount(tail, minlength=n_nodes) + np.bincount(head, minlength=n_nodes)
    follows = np.zeros(len(tail), dtype=bool)
    follows[1:] = (way[1:] == way[:-1]) & (tail[1:] == head[:-1]) & (visit[1:] > visit[:-1])
    return np.asarray(~follows | (degree[tail] != 2))  # noqa: PLR2004


def seconds_at(
    network: WalkNetwork, edge: NDArray[np.int64], along_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (k, 2) seconds from the edge's first node to places on it, and back from them.

    Parameters
    ----------
    network
        The walking network.
    edge
        (k,) edges.
    along_m
        (k,) metres from the edge's first node.
    """
    return values_at(network, network.point_s, edge, along_m)


def values_at(
    network: WalkNetwork,
    point_value: NDArray[np.float64],
    edge: NDArray[np.int64],
    along_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (k, v) what (p, v) values at the points are at places on edges, linear between."""
    point = points_before(network, edge, along_m)
    start_m, end_m = network.point_m[point], network.point_m[point + 1]
    step_m = end_m - start_m
    share = np.divide(along_m - start_m, step_m, out=np.zeros(len(edge)), where=step_m > 0)
    start, end = point_value[point], point_value[point + 1]
    return np.asarray(start + share.clip(0.0, 1.0)[:, np.newaxis] * (end - start))


def points_before(
    network: WalkNetwork, edge: NDArray[np.int64], along_m: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the point of each edge from which the piece with a place on it begins."""
    low, high = network.edge_start[edge], network.edge_start[edge + 1] - 2
    while (low < high).any():  # halves the points that are left, of all places at once
        middle = (low + high + 1) // 2
        beyond = network.point_m[middle] > along_m
        high = np.where(beyond, middle - 1, high)
        low = np.where(beyond, low, middle)
    return low


def line_between(network: WalkNetwork, edge: int, start_m: float, end_m: float) -> NDArray[Any]:
    """Return (k, 2) coordinates of the piece of an edge between two places on it, in that order."""
    low, high = sorted((start_m, end_m))
    points = slice(network.edge_start[edge], network.edge_start[edge + 1])
    along, xy = network.point_m[points], network.point_xy[points]
    inner = (along > low) & (along < high) & ~network.point_is_added[points]
    ends = np.column_stack([np.interp([low, high], along, axis) for axis in xy.T])
    piece = np.vstack([ends[:1], xy[inner], ends[1:]])
    return piece if start_m <= end_m else piece[::-1]
