"""Every pair of an origin and a service within a limit, for models of demand and supply."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from arealstrategi.reach.graph import Graph, from_ends
from arealstrategi.reach.nearest import Reach, same_edge

SAME_M = 1e-6  # efforts nearer than this to a limit are at it: what floats add up to
# Numbers held at once, 64 MB, and about as much again while they are added: bounded whatever the
# size of the network.
NUMBERS_AT_ONCE = 8_000_000


def effort_pairs(reach: Reach, category: str, *, limit_m: float) -> pd.DataFrame:
    """Return what it costs to walk from each origin to each service of a category near it.

    One search per service, as far as the limit. Exact as `measure_reach`: both connecting pieces
    count, services on the origin's own edge are reached along it, costs follow the direction of
    walking, and of several entrances the best counts.

    Parameters
    ----------
    reach
        What was measured from the origins, such as the centres of population cells: they stand
        where `measure_reach` has parcels.
    category
        Which services.
    limit_m
        Pairs with a larger effort are left out.

    Returns
    -------
    One row per pair, rising: ``origin`` (row among the origins), ``service`` (row of the services
    table) and ``effort_m`` (flat metres that cost the same, within `SAME_M` of the limit or
    below). Empty where there is no service of the category.

    Raises
    ------
    ValueError
        The limit is not a number above 0. This is a mistake in the calling code.
    """
    if not 0 < limit_m < np.inf:
        raise ValueError(f"limit_m must be a number above 0, not {limit_m}")
    doors = reach.doors.get(category, np.empty(0, dtype=np.int64))
    limit_s = (limit_m + SAME_M) / reach.network.flat_speed_m_s
    straight = same_edge(reach.network, reach.parcels, reach.services)
    straight = straight[straight["door"].isin(doors) & (straight["seconds"] <= limit_s)]
    along_edge = straight.rename(columns={"parcel": "origin"})[["origin", "service", "seconds"]]
    pairs = pd.concat([*_by_ends(reach, doors, limit_s), along_edge], ignore_index=True)
    pairs = pairs.sort_values(["origin", "service", "seconds"])
    pairs = pairs.drop_duplicates(["origin", "service"], ignore_index=True)
    effort = pairs["seconds"] * reach.network.flat_speed_m_s
    return pairs[["origin", "service"]].assign(effort_m=effort)


def _by_ends(reach: Reach, doors: NDArray[np.int64], limit_s: float) -> Iterator[pd.DataFrame]:
    """Yield the pairs whose route leaves the origin's edge by one of its ends."""
    on = np.flatnonzero(reach.parcels.connected)
    node, end_s, _ = from_ends(reach.network, reach.parcels, on)
    services, matrix = _by_service(reach.graph, doors)
    first = matrix.shape[0] - len(services)
    chunk = max(1, NUMBERS_AT_ONCE // (matrix.shape[0] + 2 * len(on) + 1))
    for start in range(0, len(services), chunk):
        some = np.arange(start, min(start + chunk, len(services)))
        node_s = dijkstra(matrix, directed=True, indices=first + some, limit=limit_s)
        seconds = np.minimum(*(node_s[:, node[:, end]] + end_s[:, end] for end in (0, 1)))
        place, origin = np.nonzero(seconds <= limit_s)
        yield pd.DataFrame(
            {
                "origin": on[origin],
                "service": services[some[place]],
                "seconds": seconds[place, origin],
            }
        )


def _by_service(graph: Graph, doors: NDArray[np.int64]) -> tuple[NDArray[np.int64], csr_array]:
    """Return the services and a matrix whose last rows lead from each by all its entrances."""
    doors = doors[np.argsort(graph.door_service[doors], kind="stable")]
    services, first = np.unique(graph.door_service[doors], return_index=True)
    between, beside = graph.matrix[: graph.n], graph.matrix[graph.n + doors]
    starts = between.nnz + beside.indptr[np.append(first, len(doors))][1:]
    matrix = csr_array(
        (
            np.concatenate([between.data, beside.data]),
            np.concatenate([between.indices, beside.indices]),
            np.concatenate([between.indptr, starts]),
        ),
        shape=(graph.n + len(services),) * 2,
    )
    return services, matrix
