"""The walking network as arrays: built from ways, with everything snapped to its edges."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from arealstrategi.tables import Ways

log = logging.getLogger(__name__)

# Judgement: a piece of path shorter than this that hangs on nothing is a mapping gap more often
# than a place to start from. The bound lies below every margin around the study area, so that
# cutting the area differently does not change what counts as one.
ISLET_M = 300.0
PIECE_POINTS = 64  # outlines with more points are measured in pieces


@dataclass(frozen=True)
class WalkNetwork:
    """Streets and paths that the walker can use. Edge ``i`` joins two junctions along one way.

    Parameters
    ----------
    node_xy
        (n, 2) coordinates of junctions and ends, metres in ``crs``.
    edge_nodes
        (m, 2) rows of ``node_xy``.
    edge_m
        (m,) length, metres.
    edge_s
        (m,) walking time from end to end, seconds, the same in both directions.
    edge_way
        (m,) OSM number of the way.
    edge_line
        (m,) LineString from the first node to the second.
    flat_speed_m_s
        Speed on connecting pieces between the network and what is snapped to it.
    crs
        The analysis CRS.
    """

    node_xy: NDArray[np.float64]
    edge_nodes: NDArray[np.int64]
    edge_m: NDArray[np.float64]
    edge_s: NDArray[np.float64]
    edge_way: NDArray[np.int64]
    edge_line: NDArray[np.object_]
    flat_speed_m_s: float
    crs: pyproj.CRS

    @cached_property
    def node_component(self) -> NDArray[np.int64]:
        """(n,) number of the connected part that each node lies in; 0 is the longest part."""
        n = len(self.node_xy)
        first, second = self.edge_nodes.T
        links = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
        _, label = connected_components(links, directed=False)
        length = np.bincount(label[first], weights=self.edge_m, minlength=label.max(initial=-1) + 1)
        order = np.argsort(-length, kind="stable")
        return np.argsort(order)[label]

    @cached_property
    def component_m(self) -> NDArray[np.float64]:
        """(c,) metres of each connected part, longest first."""
        part = self.node_component[self.edge_nodes[:, 0]]
        return np.bincount(part, weights=self.edge_m).astype(np.float64)

    @cached_property
    def edge_is_islet(self) -> NDArray[np.bool_]:
        """(m,) whether the edge belongs to a part shorter than `ISLET_M`."""
        return self.component_m[self.node_component[self.edge_nodes[:, 0]]] < ISLET_M

    @cached_property
    def whole_parts(self) -> _Finder:
        """Finds the nearest edge of a part that is no islet."""
        return _Finder.of(self.edge_line, np.flatnonzero(~self.edge_is_islet))

    @cached_property
    def islets(self) -> _Finder:
        """Finds the nearest edge of an islet."""
        return _Finder.of(self.edge_line, np.flatnonzero(self.edge_is_islet))

    def __repr__(self) -> str:
        return (
            f"WalkNetwork({len(self.node_xy)} nodes, {len(self.edge_m)} edges, "
            f"{self.edge_m.sum() / 1000:.1f} km, {len(self.component_m)} components)"
        )


@dataclass(frozen=True)
class Snapped:
    """Where things touch the network. All arrays have one row per thing, in its table's order.

    Parameters
    ----------
    edge
        The edge it touches; -1 where none is within the limit.
    along_m
        Metres along that edge from its first node.
    offset_m
        Metres between the thing's outline and the edge (also where it is beyond the limit; NaN
        where nothing was found at all).
    connector
        LineString from the outline to the edge; None where not connected.
    """

    edge: NDArray[np.int64]
    along_m: NDArray[np.float64]
    offset_m: NDArray[np.float64]
    connector: NDArray[np.object_]

    @property
    def connected(self) -> NDArray[np.bool_]:
        """Whether the thing touches the network."""
        return self.edge >= 0


def build_network(
    ways: Ways, seconds_per_metre: NDArray[np.float64], *, flat_speed_m_s: float
) -> WalkNetwork:
    """Cut the ways that the walker can use into edges at every junction.

    Parameters
    ----------
    ways
        All ways, in the analysis CRS.
    seconds_per_metre
        (k,) cost of each way; inf where it is closed.
    flat_speed_m_s
        Speed on connecting pieces.
    """
    visit_way = ways.way_of
    usable = np.isfinite(seconds_per_metre)[visit_way] & (ways.node_of >= 0)
    here, then = np.arange(len(visit_way) - 1), np.arange(1, len(visit_way))
    joined = usable[here] & usable[then] & (visit_way[here] == visit_way[then])
    joined &= ways.node_of[here] != ways.node_of[then]  # a node that is repeated in a way
    tail = ways.node_of[here[joined]]
    head = ways.node_of[then[joined]]
    way = visit_way[here[joined]]
    step = here[joined]
    starts_edge = _breaks(tail, head, way, step, len(ways.node_xy))
    return _edges(ways, tail, head, way, starts_edge, seconds_per_metre, flat_speed_m_s)


def _breaks(
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    way: NDArray[np.int64],
    step: NDArray[np.int64],
    n_nodes: int,
) -> NDArray[np.bool_]:
    """Say of each segment whether a new edge starts with it: at a junction or a way's start."""
    degree = np.bincount(tail, minlength=n_nodes) + np.bincount(head, minlength=n_nodes)
    follows = np.zeros(len(tail), dtype=bool)
    follows[1:] = (way[1:] == way[:-1]) & (tail[1:] == head[:-1]) & (step[1:] > step[:-1])
    return np.asarray(~follows | (degree[tail] != 2))  # noqa: PLR2004


def _edges(
    ways: Ways,
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    way: NDArray[np.int64],
    starts_edge: NDArray[np.bool_],
    seconds_per_metre: NDArray[np.float64],
    flat_speed_m_s: float,
) -> WalkNetwork:
    first = np.flatnonzero(starts_edge)
    last = _last_steps(starts_edge)
    edge_of = np.cumsum(starts_edge) - 1
    segment_m = np.hypot(*(ways.node_xy[head] - ways.node_xy[tail]).T)
    edge_m = np.bincount(edge_of, weights=segment_m, minlength=len(first)).astype(np.float64)
    ends = np.column_stack([tail[first], head[last]]) if len(first) else np.empty((0, 2), np.int64)
    nodes, edge_nodes = np.unique(ends, return_inverse=True)
    network = WalkNetwork(
        node_xy=ways.node_xy[nodes],
        edge_nodes=edge_nodes.reshape(-1, 2),
        edge_m=edge_m,
        edge_s=edge_m * seconds_per_metre[way[first]],
        edge_way=ways.way_id[way[first]],
        edge_line=_join_steps(ways.node_xy, tail, head, starts_edge),
        flat_speed_m_s=flat_speed_m_s,
        crs=ways.crs,
    )
    log.info("network: %r", network)
    return network


def _last_steps(starts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the last step of each line, where a line begins at every True."""
    first = np.flatnonzero(starts)
    return np.append(first[1:], len(starts)) - 1 if len(first) else first


def _join_steps(
    xy: NDArray[np.float64],
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    starts: NDArray[np.bool_],
) -> NDArray[np.object_]:
    """Make lines of steps: each has the tails of its steps, then the head of its last one."""
    last = _last_steps(starts)
    point = np.concatenate([tail, head[last]])
    line_of = np.concatenate([np.cumsum(starts) - 1, np.arange(len(last))])
    order = np.argsort(line_of, kind="stable")
    lines = shapely.linestrings(xy[point[order]], indices=line_of[order])
    return np.asarray(lines, dtype=object)


def snap(network: WalkNetwork, shapes: NDArray[np.object_], *, limit_m: float) -> Snapped:
    """Find where each shape touches the network: the nearest point on an edge.

    A polygon is taken by its outline. Parts of the network shorter than `ISLET_M` are used only
    where nothing else lies within the limit. Of edges that are equally near, the first counts.

    Parameters
    ----------
    network
        The walking network.
    shapes
        (p,) Points, Polygons or MultiPolygons in the network's CRS.
    limit_m
        Farther than this is not connected.
    """
    outlines = np.where(shapely.get_dimensions(shapes) == 2, shapely.boundary(shapes), shapes)  # noqa: PLR2004
    edge, offset = network.whole_parts.nearest(outlines)
    far = np.flatnonzero(~(offset <= limit_m))
    lone_edge, lone_offset = network.islets.nearest(outlines[far])
    nearer = ~(lone_offset >= offset[far]) & (lone_edge >= 0)
    edge[far[nearer]], offset[far[nearer]] = lone_edge[nearer], lone_offset[nearer]
    on = offset <= limit_m
    edge[~on] = -1
    connector = np.full(len(shapes), None, dtype=object)
    connector[on] = shapely.shortest_line(outlines[on], network.edge_line[edge[on]])
    along = np.full(len(shapes), np.nan)
    touches = shapely.points(shapely.get_coordinates(connector[on])[1::2])
    along[on] = shapely.line_locate_point(network.edge_line[edge[on]], touches)
    along[on] = np.clip(along[on], 0.0, network.edge_m[edge[on]])
    return Snapped(edge, along, offset, connector)


@dataclass(frozen=True)
class _Finder:
    """Finds the nearest of some edges; built once for all that is snapped to a network."""

    rows: NDArray[np.int64]
    lines: NDArray[np.object_]
    boxes: shapely.STRtree
    points: cKDTree
    line_of: NDArray[np.int64]

    @classmethod
    def of(cls, lines: NDArray[np.object_], rows: NDArray[np.int64]) -> _Finder:
        """Index the lines in `rows`."""
        points, line_of = shapely.get_coordinates(lines[rows], return_index=True)
        near = cKDTree(points.reshape(-1, 2), balanced_tree=False, compact_nodes=False)
        return cls(rows, lines[rows], shapely.STRtree(lines[rows]), near, line_of)

    def nearest(self, shapes: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the edge nearest to each shape and its distance; -1 and NaN where there is none.

        Exact: the line by a shape's first point bounds the distance, and all lines within that
        bound are measured. A third of the time of asking the tree for the nearest line of each.
        """
        if len(self.rows) == 0 or len(shapes) == 0:
            return np.full(len(shapes), -1), np.full(len(shapes), np.nan)
        pieces, owner = _in_pieces(shapes)
        _, near = self.points.query(_first_points(pieces))
        bound = np.full(len(shapes), np.inf)
        np.minimum.at(bound, owner, shapely.distance(pieces, self.lines[self.line_of[near]]))
        margin = bound[owner] + 1e-6  # rounding must lose no line
        west, south, east, north = shapely.bounds(pieces).T
        around = shapely.box(west - margin, south - margin, east + margin, north + margin)
        piece, line = self.boxes.query(around)
        distance = shapely.distance(pieces[piece], self.lines[line])
        order = np.lexsort((line, distance, owner[piece]))
        _, best = np.unique(owner[piece][order], return_index=True)
        return self.rows[line[order][best]], distance[order][best]


def _in_pieces(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Cut long outlines, so that each piece is near few lines; return pieces and whose they are."""
    long = shapely.get_num_coordinates(shapes) > PIECE_POINTS
    parts, part_owner = shapely.get_parts(shapes[long], return_index=True)
    points, part = shapely.get_coordinates(parts, return_index=True)
    step = np.flatnonzero(part[1:] == part[:-1])  # from this point to the next
    place = np.arange(len(points)) - np.searchsorted(part, part)
    starts = np.append(True, np.diff(part[step]) != 0)[: len(step)] | (
        place[step] % PIECE_POINTS == 0
    )
    cut = _join_steps(points, step, step + 1, starts)
    owner = np.flatnonzero(long)[part_owner[part[step[_last_steps(starts)]]]]
    return np.concatenate([shapes[~long], cut]), np.concatenate([np.flatnonzero(~long), owner])


def _first_points(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    return points[np.searchsorted(owner, np.arange(len(shapes)))]
