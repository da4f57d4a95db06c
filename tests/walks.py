"""Walks drawn from the tables of `reach.trees` alone, and how to compare two of them."""

import numpy as np
import pytest
import shapely

from arealstrategi.reach.trees import ALONG, BY_FIRST, NO_WAY


def cut(line, start, end):
    """Return the coordinates of a line between two places 0–1."""
    low, high = sorted((start, end))
    xy = shapely.get_coordinates(line)
    length = np.hypot(*np.diff(xy, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(length)])
    stops = np.array([low, high]) * at[-1]
    ends = np.column_stack([np.interp(stops, at, axis) for axis in xy.T])
    piece = np.vstack([ends[:1], xy[(at > stops[0]) & (at < stops[1])], ends[1:]])
    return piece if start <= end else piece[::-1]


def drawn(tables, key, row):
    """Draw a walk from the tables alone."""
    tree, edge, door = tables.trees.get(key), tables.parcels.edge[row], -1
    if tree is None or tree.leaves[row] == NO_WAY:
        return None
    pieces, start = [tables.parcels.outer_xy[row][np.newaxis]], tables.parcels.along[row]
    if tree.leaves[row] == ALONG:
        door = tree.along_door[row]
        pieces.append(cut(tables.edge_line[edge], start, tables.doors.along[door]))
    else:
        end = 0 if tree.leaves[row] == BY_FIRST else 1
        pieces.append(cut(tables.edge_line[edge], start, end))
        node = tables.edge_nodes[edge, end]
        while (edge := tree.next_edge[node]) >= 0:
            end = 1 if tables.edge_nodes[edge, 0] == node else 0
            pieces.append(cut(tables.edge_line[edge], 1 - end, end))
            node = tables.edge_nodes[edge, end]
        door = tree.last_door[node]
        end = 0 if tree.last_by_first[node] else 1
        line = tables.edge_line[tables.doors.edge[door]]
        pieces.append(cut(line, end, tables.doors.along[door]))
    return shapely.LineString(np.vstack([*pieces, tables.doors.outer_xy[door][np.newaxis]]))


def assert_same(found, wanted, within):
    """The two lines begin and end alike, are as long, and nowhere farther apart."""
    assert (found is None) == (wanted is None)
    if wanted is not None:
        ends = [shapely.get_coordinates(line)[[0, -1]] for line in (found, wanted)]
        np.testing.assert_allclose(*ends, atol=within)
        assert found.length == pytest.approx(wanted.length, abs=4 * within, rel=0.002)
        assert shapely.hausdorff_distance(found, wanted, densify=0.2) <= within
