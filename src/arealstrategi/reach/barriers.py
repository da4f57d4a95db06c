"""What makes the walk hard: metres of each hindrance on every route, and the detour it takes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.area import ground_scale
from arealstrategi.network import WalkNetwork, values_at
from arealstrategi.reach.along import Amounts, along_routes
from arealstrategi.reach.nearest import Reach
from arealstrategi.walker import HINDRANCES

STATUSES = ("reached", "no_step_free_way", "no_way", "not_connected", "no_service")
# Judgement: below this straight distance the factor says more of the gate than of the streets.
LEAST_STRAIGHT_M = 50.0


def barrier_table(reach: Reach, categories: list[str]) -> pd.DataFrame:
    """Say what the least-effort route of every parcel and category is like.

    Parameters
    ----------
    reach
        What was measured.
    categories
        The categories to tell of, also those of which there is no service.

    Returns
    -------
    One row per parcel and category, ``parcel_id`` and ``category`` first: ``status`` (one of
    `STATUSES`; ``no_step_free_way``: only steps, which are closed to this walker, lead there),
    ``walk_m``, ``straight_m`` between the route's ends, ``detour`` (``walk_m / straight_m``; NaN
    below `LEAST_STRAIGHT_M`), and for each of `walker.HINDRANCES` the metres of it,
    ``steep_m`` … NaN where nothing is reached.
    """
    edge_m, point_m = _hindrance_metres(reach.network)

    def until(edge: NDArray[np.int64], along_m: NDArray[np.float64]) -> NDArray[np.float64]:
        return values_at(reach.network, point_m, edge, along_m)

    hindrances = Amounts.of(edge_m, until, reach.services)
    tables = [
        _of_category(reach, key, hindrances) if key in reach.nearest else _nothing(reach, key)
        for key in categories
    ]
    return pd.concat(tables, ignore_index=True)


def _nothing(reach: Reach, category: str) -> pd.DataFrame:
    """Tell of a category of which the data hold no service."""
    status = np.where(reach.parcels.connected, "no_service", "not_connected")
    table = pd.DataFrame({"parcel_id": reach.parcel_id, "category": category, "status": status})
    numbers = ["walk_m", "straight_m", "detour", *(f"{name}_m" for name in HINDRANCES)]
    return table.assign(**dict.fromkeys(numbers, np.nan))


def _of_category(
    reach: Reach,
    category: str,
    hindrances: Amounts,
) -> pd.DataFrame:
    nearest = reach.nearest[category]
    found = nearest.service >= 0
    total = np.full((len(found), len(HINDRANCES)), np.nan)
    total[found] = along_routes(reach, category, np.flatnonzero(found), hindrances)
    straight = np.full(len(found), np.nan)
    straight[found] = _straight_m(reach, np.flatnonzero(found), nearest.door[found])
    walk = np.where(found, nearest.metres, np.nan)
    detour = np.divide(
        walk, straight, out=np.full(len(walk), np.nan), where=straight >= LEAST_STRAIGHT_M
    )
    told = {
        "parcel_id": reach.parcel_id,
        "category": category,
        "status": way_statuses(reach, category),
        "walk_m": walk,
        "straight_m": straight,
        "detour": detour,
    }
    metres = {f"{name}_m": total[:, place] for place, name in enumerate(HINDRANCES)}
    return pd.DataFrame({**told, **metres})


def _straight_m(
    reach: Reach, rows: NDArray[np.int64], door: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the metres on the ground straight from the routes' beginnings to their ends."""
    start, end = reach.parcels.outer_xy[rows], reach.services.outer_xy[door]
    return np.asarray(np.hypot(*(end - start).T) / ground_scale(start, reach.network.crs))


def way_statuses(reach: Reach, category: str) -> NDArray[np.object_]:
    """Return one of `STATUSES` for every parcel: whether and why not a service is reached."""
    nearest, network = reach.nearest[category], reach.network
    status = np.full(len(reach.parcel_id), "no_way", dtype=object)
    status[nearest.service >= 0] = "reached"
    connected = reach.parcels.connected
    status[~connected] = "not_connected"
    lost = np.flatnonzero((status == "no_way") & connected)
    if len(lost):
        part = network.node_component_with_closed
        there = reach.services.edge[reach.doors[category]]
        has_service = part[network.edge_nodes[there, 0]]
        own = part[network.edge_nodes[reach.parcels.edge[lost], 0]]
        status[lost[np.isin(own, has_service)]] = "no_step_free_way"
    return status


def _hindrance_metres(
    network: WalkNetwork,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (m, h) metres of each hindrance on every edge, and (p, h) from its first node."""
    places = np.arange(len(HINDRANCES), dtype=np.uint8)
    hindered = (network.point_hindrance[:, np.newaxis] >> places) & 1
    each = hindered * network.piece_m[:, np.newaxis]
    until = pd.DataFrame(each).groupby(network.point_edge).cumsum().to_numpy(dtype=float)
    return until[network.edge_start[1:] - 1], until - each
