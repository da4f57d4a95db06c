"""Heights along ways: nodes added on long straight pieces, bridges and tunnels mended."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from arealstrategi.tables import Segments, Ways

SHORTEST_M = 0.001  # nodes at the same place are taken as that far apart

# The ground's height is not that of ways with these tags: any value but "no", or one of a list.
ANY_BUT_NO = ("bridge", "tunnel")
ONE_OF = {"indoor": ("yes", "corridor"), "highway": ("elevator", "corridor")}

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def lay_on_ground(
    ways: Ways, heights_at: Callable[[Floats], Floats], *, spacing_m: float = 10.0
) -> Ways:
    """Return the ways with heights, at nodes and at added nodes along straight pieces.

    A straight piece longer than `spacing_m` is cut into equal parts. Where several ways share a
    piece each of them gets nodes of its own, so that no junction arises.

    On bridges, in tunnels and indoors the ground's height is not the way's. There heights change
    evenly between the ends, the nodes that the way shares with ways on the ground; where bridges
    branch, as a net of strings held at its ends would hang. A bridge that simply ends has the
    ground's height there. Steps do not hold a bridge: they may lead down from the middle of it.

    Parameters
    ----------
    ways
        All ways, in a CRS of metres, without added nodes.
    heights_at
        Takes (n, 2) coordinates in the ways' CRS and returns (n,) metres, NaN where unknown.
    spacing_m
        No piece between two nodes stays longer.
    """
    segments, xy = ways.segments, ways.node_xy
    length = np.hypot(*(xy[segments.head] - xy[segments.tail]).T)
    extra = np.maximum(np.ceil(length / spacing_m).astype(np.int64) - 1, 0)
    piece = np.repeat(np.arange(len(segments)), extra)  # of each added node
    place = np.arange(len(piece)) - np.repeat(np.cumsum(extra) - extra, extra) + 1
    share = place / (extra[piece] + 1)
    tail, head = segments.tail[piece], segments.head[piece]
    node_xy = np.concatenate([xy, xy[tail] + share[:, np.newaxis] * (xy[head] - xy[tail])])
    z = np.array(heights_at(node_xy), dtype=float)
    off_ground = _is_off_ground(ways.tags)
    z[: len(xy)] = _mend(ways, off_ground, length, z[: len(xy)])
    even = z[tail] + share * (z[head] - z[tail])
    z[len(xy) :] = np.where(off_ground[segments.way[piece]], even, z[len(xy) :])
    starts, node_of = _with_added(ways, segments, extra)
    return dataclasses.replace(
        ways,
        starts=starts,
        node_of=node_of,
        node_xy=node_xy,
        node_z=z,
        node_is_added=np.concatenate([ways.node_is_added, np.ones(len(piece), dtype=bool)]),
    )


def _with_added(ways: Ways, segments: Segments, extra: Ints) -> tuple[Ints, Ints]:
    """Return ``starts`` and ``node_of`` with `extra` new nodes after each segment's first."""
    added = np.zeros(len(ways.node_of), dtype=np.int64)
    added[segments.visit] = extra
    before = np.concatenate([[0], np.cumsum(added)])
    size = len(added) + int(before[-1])
    is_old = np.zeros(size, dtype=bool)
    is_old[np.arange(len(added)) + before[:-1]] = True
    node_of = np.empty(size, dtype=ways.node_of.dtype)
    node_of[is_old] = ways.node_of
    node_of[~is_old] = len(ways.node_xy) + np.arange(before[-1])
    return ways.starts + before[ways.starts], node_of


def _is_off_ground(tags: pd.DataFrame) -> Flags:
    off = np.zeros(len(tags), dtype=bool)
    for name in ANY_BUT_NO:
        off |= (tags[name].notna() & ~tags[name].isin(["no"])).to_numpy(bool)
    for name, values in ONE_OF.items():
        off |= tags[name].isin(values).to_numpy(bool)
    return off


def _mend(ways: Ways, off_ground: Flags, length: Floats, z: Floats) -> Floats:
    """Return the nodes' heights with those on bridges and in tunnels between their ends.

    Parameters
    ----------
    ways, off_ground
        The ways, and (k,) which of them the ground's height does not concern.
    length
        (s,) metres of each segment.
    z
        (n,) the ground's height at each node.
    """
    a, b, metres = _pieces(ways.segments, off_ground, length, len(z))
    degree = np.bincount(a, minlength=len(z)) + np.bincount(b, minlength=len(z))
    holds = ~off_ground & ~ways.tags["highway"].isin(["steps"]).to_numpy(bool)
    held = np.zeros(len(z), dtype=bool)
    held[ways.node_of[holds[ways.way_of] & (ways.node_of >= 0)]] = True
    held |= degree <= 1  # a bridge that simply ends, and whatever is on no bridge
    free = ~held
    z = np.where(held, z, np.nan)
    kept = free & _is_told(a, b, free, z)
    kept &= ~_dangles(a, b, kept, z)
    return _solve(a, b, 1.0 / metres, kept, z)


def _pieces(
    segments: Segments, off_ground: Flags, length: Floats, n_nodes: int
) -> tuple[Ints, Ints, Floats]:
    """Return both nodes and the metres of every piece off the ground, once each."""
    on = off_ground[segments.way]
    tail, head = segments.tail[on], segments.head[on]
    a, b = np.minimum(tail, head), np.maximum(tail, head)
    _, once = np.unique(a * n_nodes + b, return_index=True)
    return a[once], b[once], np.maximum(length[on][once], SHORTEST_M)


def _is_told(a: Ints, b: Ints, free: Flags, z: Floats) -> Flags:
    """Say of each free node whether enough ends of its group are known to tell its height.

    One will do where no end is unknown; else it takes two.
    """
    inner = free[a] & free[b]
    links = coo_array((np.ones(inner.sum()), (a[inner], b[inner])), shape=(len(z), len(z)))
    n_groups, group = connected_components(links, directed=False)
    first, second = np.concatenate([a, b]), np.concatenate([b, a])
    ending = free[first] & ~free[second]
    ends = np.unique(np.column_stack([group[first[ending]], second[ending]]), axis=0)
    unknown = np.isnan(z[ends[:, 1]])
    n_known = np.bincount(ends[~unknown, 0], minlength=n_groups)
    n_unknown = np.bincount(ends[unknown, 0], minlength=n_groups)
    told = (n_known >= 2) | ((n_known == 1) & (n_unknown == 0))  # noqa: PLR2004
    return np.asarray(told[group])


def _dangles(a: Ints, b: Ints, free: Flags, z: Floats) -> Flags:
    """Say which nodes only lead to an end that is not known: nothing tells their height."""
    alive = free | ~np.isnan(z)
    while True:
        on = alive[a] & alive[b]
        degree = np.bincount(a[on], minlength=len(z)) + np.bincount(b[on], minlength=len(z))
        loose = alive & free & (degree <= 1)
        if not loose.any():
            return np.asarray(free & ~alive)
        alive &= ~loose


def _solve(a: Ints, b: Ints, weight: Floats, free: Flags, z: Floats) -> Floats:
    """Return the heights with every free node at the weighted mean of its neighbours.

    Neighbours that are neither free nor known do not count.
    """
    n = int(free.sum())
    if n == 0:
        return z
    row = np.cumsum(free) - 1
    first, second = np.concatenate([a, b]), np.concatenate([b, a])
    weight = np.concatenate([weight, weight])
    counts = free[first] & (free[second] | ~np.isnan(z[second]))
    first, second, weight = first[counts], second[counts], weight[counts]
    inner = free[second]
    pull = np.bincount(row[first[~inner]], weights=weight[~inner] * z[second[~inner]], minlength=n)
    links = (weight[inner], (row[first[inner]], row[second[inner]]))
    total = np.bincount(row[first], weights=weight, minlength=n)
    matrix = csc_array(diags_array(total) - coo_array(links, shape=(n, n)))
    mended = z.copy()
    mended[free] = spsolve(matrix, pull)
    return mended
