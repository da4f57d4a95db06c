"""Adding up what lies along the least-effort routes: metres of what hinders, benches to rest on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arealstrategi.network import Snapped
from arealstrategi.reach.graph import sum_along
from arealstrategi.reach.nearest import Reach, leaves_by_first

Until = Callable[[NDArray[np.int64], NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Amounts:
    """Things that lie along edges, h kinds of them.

    Parameters
    ----------
    edge
        (m, h) how much there is on each edge.
    until
        Takes (k,) edges and (k,) metres along them; returns (k, h) how much lies before.
    ends
        (s, 2, h) how much there is from the ends of its edge to every entrance of a service.
    """

    edge: NDArray[np.float64]
    until: Until
    ends: NDArray[np.float64]

    @classmethod
    def of(cls, edge: NDArray[np.float64], until: Until, services: Snapped) -> Amounts:
        """Put together what is known of the edges with where services touch them."""
        ends = np.zeros((len(services.edge), 2, edge.shape[1]))
        on = np.flatnonzero(services.connected)
        if len(on):
            ends[on, 0] = until(services.edge[on], services.along_m[on])
            ends[on, 1] = edge[services.edge[on]] - ends[on, 0]
        return cls(edge, until, ends)


def along_routes(
    reach: Reach, category: str, rows: NDArray[np.int64], amounts: Amounts
) -> NDArray[np.float64]:
    """Return (k, h) how much lies along the routes from some parcels, which must have one."""
    nearest = reach.nearest[category]
    edge, start = reach.parcels.edge[rows], nearest.start_node[rows]
    if len(rows) == 0:
        return np.zeros((0, amounts.edge.shape[1]))
    here = amounts.until(edge, reach.parcels.along_m[rows])
    total = np.empty_like(here)
    straight = start < 0
    door = nearest.door[rows[straight]]
    there = amounts.until(edge[straight], reach.services.along_m[door])
    total[straight] = np.abs(there - here[straight])
    left = ~straight
    by_first = leaves_by_first(reach, rows[left], start[left])
    own = np.where(by_first[:, np.newaxis], here[left], amounts.edge[edge[left]] - here[left])
    tree = reach.searches[category]
    total[left] = own + sum_along(reach.graph, tree, start[left], amounts.edge, amounts.ends)
    return total


def rests_on_the_way(reach: Reach, rests: Snapped, category: str) -> NDArray[np.float64]:
    """Count the places to rest along the route of every parcel to its nearest service.

    Parameters
    ----------
    reach
        What was measured.
    rests
        Where benches and the like touch the network.
    category
        A category that `reach` has.

    Returns
    -------
    (p,) counts; NaN where nothing is reached.
    """
    on = rests.connected
    edge, along_m = rests.edge[on], rests.along_m[on]
    order = np.lexsort((along_m, edge))
    edge, along_m = edge[order], along_m[order]
    n_edges = len(reach.network.edge_m)
    first = np.searchsorted(edge, np.arange(n_edges + 1))
    far = 1.0 + max(float(reach.network.edge_m.max(initial=0.0)), float(along_m.max(initial=0.0)))
    place = edge * far + along_m  # rises over all benches

    def until(on_edge: NDArray[np.int64], metres: NDArray[np.float64]) -> NDArray[np.float64]:
        before = np.searchsorted(place, on_edge * far + metres, side="right")
        return (before - first[on_edge]).astype(float)[:, np.newaxis]

    per_edge = np.diff(first).astype(float)[:, np.newaxis]
    found = np.flatnonzero(reach.nearest[category].service >= 0)
    counts = np.full(len(reach.parcel_id), np.nan)
    amounts = Amounts.of(per_edge, until, reach.services)
    counts[found] = along_routes(reach, category, found, amounts)[:, 0]
    return counts
