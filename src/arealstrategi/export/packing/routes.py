"""The walking routes of the page: the streets they use, and where each goes on from every node.

At a node the edges are numbered in their order; a tree says by that number where the walk goes on,
so one byte per node and category tells the routes of all parcels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from arealstrategi.export.packing.block import Varints
from arealstrategi.export.packing.columns import smallest
from arealstrategi.export.packing.shapes import UNIT_M, Grid
from arealstrategi.reach.trees import ALONG, RouteTables, Touches, Tree

NOWHERE, LEAVES, FIRST_EDGE = 0, 1, 2
SIMPLIFY_M = 0.25
_PLACES = 65_535
_AREAL = 2
# A street that comes by twice may lie nearer at the wrong time; then the length decides.
_OTHER_PASS_M = 3.0


def pack_routes(
    routes: RouteTables, parcels: NDArray[np.object_], keys: list[str | None], grid: Grid
) -> dict[str, Any] | None:
    """Pack the routes, parcels in the order of the page.

    Parameters
    ----------
    routes
        Those of all parcels.
    parcels
        (p,) their shapes, in the analysis CRS.
    keys
        Category of each criterion; None where it is no walk.
    grid
        Steps of the page.

    Returns
    -------
    ``nodes`` and ``edges`` with their inner vertices; where ``parcels`` and ``doors`` touch the
    edges, where on its outline the walk of a parcel begins (0–1 of its length) and where that from
    a door ends; a tree per criterion (null where there is none). None where there is no route.
    """
    if not len(routes.edge_nodes):
        return None
    node = grid.steps(routes.node_xy)
    line, inner = _lines(routes, node, grid)
    places = _Slots(routes.edge_nodes, len(node))
    edge = routes.edge_nodes
    return {
        "nodes": _moves(node),
        "edges": {
            "first": Varints(np.diff(edge[:, 0], prepend=0)),
            "second": Varints(edge[:, 1] - edge[:, 0]),
            **inner,
        },
        "parcels": {
            **_pack_touches(routes.parcels, line, grid),
            "outline": _place_on_outline(parcels, routes.parcels),
        },
        "doors": {
            **_pack_touches(routes.doors, line, grid),
            **_moves(grid.steps(routes.doors.outer_xy)),
        },
        "trees": [
            _pack_tree(routes.trees[key], places) if key in routes.trees else None for key in keys
        ],
    }


class _Slots:
    """The number of each edge among those of its node."""

    def __init__(self, edge_nodes: NDArray[np.int64], nodes: int) -> None:
        self.edges = len(edge_nodes)
        edge = np.tile(np.arange(self.edges), 2)
        self.key = np.sort(edge_nodes.T.ravel() * self.edges + edge)
        self.start = np.searchsorted(self.key, np.arange(nodes) * self.edges)

    def of(self, node: NDArray[np.int64], edge: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of some edges at some of their nodes."""
        return np.searchsorted(self.key, node * self.edges + edge) - self.start[node]


def _pack_tree(tree: Tree, slots: _Slots) -> dict[str, Any]:
    code = np.full(len(tree.next_edge), NOWHERE)
    goes_on = np.flatnonzero(tree.next_edge >= 0)
    code[goes_on] = FIRST_EDGE + slots.of(goes_on, tree.next_edge[goes_on])
    leaves = np.flatnonzero(tree.last_door >= 0)
    code[leaves] = LEAVES
    return {
        "next": code.astype(smallest(int(code.max(initial=0)) + 1)),
        "last": Varints(2 * tree.last_door[leaves] + tree.last_by_first[leaves]),
        "leaves": tree.leaves,
        "along": Varints(tree.along_door[tree.leaves == ALONG]),
    }


def _moves(steps: NDArray[np.int64]) -> dict[str, Varints]:
    moves = np.diff(steps, axis=0, prepend=np.zeros((1, 2), np.int64))
    return {"x": Varints(moves[:, 0]), "y": Varints(moves[:, 1])}


def _lines(
    routes: RouteTables, node: NDArray[np.int64], grid: Grid
) -> tuple[NDArray[np.object_], dict[str, Varints]]:
    """Return the edges as drawn (LineStrings in steps), and their inner vertices packed."""
    slim = shapely.simplify(routes.edge_line, SIMPLIFY_M)
    xy, line = shapely.get_coordinates(slim, return_index=True)
    is_end = np.r_[True, line[1:] != line[:-1]] | np.r_[line[1:] != line[:-1], True]
    steps = grid.steps(xy)
    steps[is_end] = node[routes.edge_nodes].reshape(-1, 2)
    moves = np.diff(steps, axis=0, prepend=np.zeros((1, 2), np.int64))
    inner = Varints(np.bincount(line, minlength=len(slim)) - 2)
    drawn = shapely.linestrings(steps.astype(float), indices=line)
    told = {"inner": inner, "x": Varints(moves[~is_end, 0]), "y": Varints(moves[~is_end, 1])}
    return np.asarray(drawn, dtype=object), told


def _pack_touches(touches: Touches, line: NDArray[np.object_], grid: Grid) -> dict[str, Any]:
    """Pack where things touch the edges; those that no route concerns stand on no edge, -1."""
    used = touches.edge >= 0
    place = np.zeros(len(used))
    if used.any():
        touch = grid.steps(touches.touch_xy[used])
        place[used] = _place_on(line[touches.edge[used]], touches.along[used], touch)
    return {
        "edge": Varints(np.diff(touches.edge, prepend=0)),
        "place": np.round(place * _PLACES).astype(np.uint16),
    }


def _place_on_outline(parcels: NDArray[np.object_], touches: Touches) -> NDArray[np.uint16]:
    """Return where on their outlines, ring after ring, walks begin; 0 on a point."""
    place = np.zeros(len(parcels), dtype=np.uint16)
    lined = np.flatnonzero((touches.edge >= 0) & (shapely.get_dimensions(parcels) == _AREAL))
    outline = shapely.boundary(parcels[lined])
    begins = shapely.points(touches.outer_xy[lined])
    found = shapely.line_locate_point(outline, begins, normalized=True)
    place[lined] = np.round(found * _PLACES)
    return place


def _place_on(
    line: NDArray[np.object_], along: NDArray[np.float64], touch: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the place 0–1 on the drawn lines, by their length, that is nearest to each touch."""
    length = shapely.length(line)
    nearest = shapely.line_locate_point(line, shapely.points(touch.astype(float)))
    found = np.clip(nearest / np.where(length > 0, length, 1.0), 0.0, 1.0)
    strayed = np.abs(found - along) * length * UNIT_M > _OTHER_PASS_M
    return np.where(strayed, along, found)
