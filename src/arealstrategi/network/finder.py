"""Finding the nearest of some lines to points and outlines, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

PIECE_POINTS = 64  # outlines with more points are measured in pieces


@dataclass(frozen=True)
class Finder:
    """Finds the nearest of some edges; built once for all that is snapped to a network."""

    rows: NDArray[np.int64]
    lines: NDArray[np.object_]
    boxes: shapely.STRtree
    points: cKDTree
    line_of: NDArray[np.int64]

    @classmethod
    def of(cls, lines: NDArray[np.object_], rows: NDArray[np.int64]) -> Finder:
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
        _, near = self.points.query(first_points(pieces))
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
    owner = np.flatnonzero(long)[part_owner[part[step[last_steps(starts)]]]]
    return np.concatenate([shapes[~long], cut]), np.concatenate([np.flatnonzero(~long), owner])


def first_points(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return (p, 2) the first coordinates of each shape."""
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    return points[np.searchsorted(owner, np.arange(len(shapes)))]


def last_steps(starts: NDArray[np.bool_]) -> NDArray[np.int64]:
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
    last = last_steps(starts)
    point = np.concatenate([tail, head[last]])
    line_of = np.concatenate([np.cumsum(starts) - 1, np.arange(len(last))])
    order = np.argsort(line_of, kind="stable")
    lines = shapely.linestrings(xy[point[order]], indices=line_of[order])
    return np.asarray(lines, dtype=object)
