"""How well the network serves: its parts, its tags, what is cut off, where a path may lack."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.network import Snapped, WalkNetwork
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.tables import Ways
from arealstrategi.walker import HINDRANCES, segment_metres

NETWORK = "walking network"
UNKNOWN_GRADIENT = "length of unknown gradient, taken as flat, %"
TAGS_TOLD = ("surface", "smoothness", "lit", "incline", "sidewalk")
PARTS_TOLD = 10
# Judgement: in built-up areas a walk is 1.25 to 1.33 times the straight line (TØI).
EXTREME_DETOUR = 3.0
LEAST_EXTRA_M = 300.0


def network_report(
    source: str,
    ways: Ways,
    network: WalkNetwork,
    parcels: Snapped,
    services: Snapped,
    parcel_id: pd.Index,
    service_names: list[str],
) -> SourceReport:
    """Say how well the network serves parcels and services.

    Parameters
    ----------
    source
        Whose network it is.
    ways, network
        The ways, and the network built of them.
    parcels, services
        Where they touch the network.
    parcel_id
        Index of the parcels.
    service_names
        What to call each service.
    """
    part = _parts(network, parcels)
    has_service = np.unique(_parts(network, services))
    cut_off = parcels.connected & ~np.isin(part, has_service)
    lone, lost = ~parcels.connected, ~services.thing_connected
    facts: dict[str, Fact] = {
        "length, km": round(network.length_m / 1000, 1),
        "junctions and ends": len(network.node_xy),
        "connected parts": len(network.component_m),
        "parcels on the largest part, %": _pct((part == 0).mean() if len(part) else 0.0),
        "parcels on other parts": int((part > 0).sum()),
        "parcels not connected": int(lone.sum()),
        "parcels cut off (no service on their part)": int(cut_off.sum()),
        "services not connected": int(lost.sum()),
        **_tagged(ways),
        **_hindered(network),
    }
    listed = {
        "connected parts by length": _told_parts(network, part),
        "parcels cut off": parcel_id[cut_off].tolist(),
        "parcels farther than the limit from any walkable way": parcel_id[lone].tolist(),
        "services farther than the limit from any walkable way": [
            service_names[row] for row in np.flatnonzero(lost)
        ],
    }
    told = {text: names for text, names in listed.items() if names}
    return SourceReport(NETWORK, source, facts, listed=told, what="what this walker can use")


def extreme_detours(barriers: pd.DataFrame) -> pd.DataFrame:
    """Return the walks that are far longer than the straight line: hints for a missing footpath.

    Parameters
    ----------
    barriers
        The table of `reach.barrier_table`.

    Returns
    -------
    The rows with a detour of at least `EXTREME_DETOUR` and at least `LEAST_EXTRA_M` of extra way,
    the one worst walk of each parcel, the largest detour first.
    """
    extra = barriers["walk_m"] - barriers["straight_m"]
    extreme = barriers[(barriers["detour"] >= EXTREME_DETOUR) & (extra >= LEAST_EXTRA_M)]
    worst = extreme.sort_values(["detour", "parcel_id", "category"], ascending=[False, True, True])
    return worst.drop_duplicates("parcel_id")


def _parts(network: WalkNetwork, things: Snapped) -> NDArray[np.int64]:
    """Return the connected part of each thing; -1 where it is not connected."""
    part = np.full(len(things.edge), -1)
    on = things.connected
    part[on] = network.node_component[network.edge_nodes[things.edge[on], 0]]
    return part


def _told_parts(network: WalkNetwork, part: NDArray[np.int64]) -> list[str]:
    count = np.bincount(part[part >= 0], minlength=len(network.component_m))
    shown = np.flatnonzero(count > 0)[:PARTS_TOLD]
    return [
        f"part {number + 1}: {network.component_m[number] / 1000:.1f} km, "
        f"{_pct(count[number] / len(part)):g} % of the parcels"
        for number in shown
    ]


def _tagged(ways: Ways) -> dict[str, Fact]:
    """Return the share of the streets' length that has each tag that costs are taken from."""
    metres = np.bincount(ways.segments.way, weights=segment_metres(ways), minlength=len(ways))
    metres[~ways.tags["highway"].notna().to_numpy()] = 0.0
    whole = metres.sum()
    return {
        f"length with {key}, %": _pct(
            metres[ways.tags[key].notna().to_numpy()].sum() / whole if whole else 0.0
        )
        for key in TAGS_TOLD
    }


def _hindered(network: WalkNetwork) -> dict[str, Fact]:
    piece_m = np.where(network.edge_is_open[network.point_edge], network.piece_m, 0.0)

    def share(name: str) -> float:
        bit = 1 << HINDRANCES.index(name)
        held = float(piece_m[(network.point_hindrance & bit) > 0].sum())
        return _pct(held / network.length_m if network.length_m else 0.0)

    return {
        UNKNOWN_GRADIENT: share("unknown_gradient"),
        "length steeper than 1:15, %": share("steep"),
        "length on steps, %": share("steps"),
        "length by ferry, %": share("ferry"),
    }


def _pct(share: float) -> float:
    return round(100.0 * float(share), 1)
