"""Who lives within reach of what today, and how far the supply goes round."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from arealstrategi.access import (
    access_in_zones,
    floating_catchment,
    residents_in_reach,
    thirds,
)
from arealstrategi.assessment import shown_names
from arealstrategi.criteria import WalkCriterion
from arealstrategi.inputs import Inputs
from arealstrategi.network import Snapped, WalkNetwork, snap
from arealstrategi.population import RESIDENTS, zone_of
from arealstrategi.reach import Reach, effort_pairs, measure_reach, reach_table
from arealstrategi.strategy import Strategy

OLDER = "residents_67plus_estimate"


@dataclass(frozen=True)
class Need:
    """What the population grid tells together with the walks.

    Parameters
    ----------
    in_reach
        As `access.residents_in_reach` gives it.
    access
        As `access.access_in_zones` gives it, with ``category``; empty where no service tells its
        capacity.
    cells
        The cells in the analysis CRS with ``KEY_effort_m`` for each category (NULL where nothing
        is reached) and ``KEY_access`` for those with capacity.
    warnings
        What could not be told.
    """

    in_reach: pd.DataFrame
    access: pd.DataFrame
    cells: gpd.GeoDataFrame
    warnings: tuple[str, ...]


def measure_need(
    strategy: Strategy, inputs: Inputs, network: WalkNetwork, at_services: Snapped
) -> Need | None:
    """Walk from where people live; None where no population grid is given.

    Everyone in a cell is taken to set out from its centre, which may stand a little off any
    street: half the cell's diagonal is allowed for that.
    """
    cells = inputs.population
    if cells is None:
        return None
    walks = [c for c in strategy.criteria if isinstance(c, WalkCriterion)]
    half_m = float(cells["side_m"].max()) / np.sqrt(2) if len(cells) else 0.0
    limit_m = max(strategy.osm.snap_m, half_m)
    at = snap(network, cells.geometry.centroid.to_numpy(), limit_m=limit_m)
    category = inputs.services["category"]
    reach = measure_reach(network, at, at_services, category, cells.index)
    table = reach_table(reach, shown_names(inputs.services), [c.key for c in walks])
    effort = pd.DataFrame({c.key: table[f"{c.key}_effort_m"] for c in walks}, index=cells.index)
    effort[~at.connected] = np.nan
    districts = inputs.districts
    zones = None if districts is None else zone_of(cells, districts)
    whole = inputs.area.name
    in_reach = residents_in_reach(
        cells,
        effort,
        {c.key: c.full_m for c in walks},
        {c.key: c.zero_m for c in walks},
        whole=whole,
        zones=zones,
    )
    told, shared, said = [], {}, []
    for c in walks:
        capacity = _capacity(inputs, c.key)
        if capacity is not None:
            access, lacks = _access(reach, c, capacity, cells)
            shared[f"{c.key}_access"] = access
            said += lacks
            in_zones = access_in_zones(access, cells, whole=whole, zones=zones)
            told.append(in_zones.assign(category=c.key))
    reached = effort.where(np.isfinite(effort)).add_suffix("_effort_m")
    joined = gpd.GeoDataFrame(
        pd.concat([cells, reached, pd.DataFrame(shared, cells.index)], axis=1), crs=cells.crs
    )
    access_table = pd.concat(told, ignore_index=True) if told else pd.DataFrame()
    return Need(in_reach, access_table, joined, tuple(said))


def _capacity(inputs: Inputs, category: str) -> pd.Series | None:
    """Return the capacity of each service, 0 for other categories; None where none is told."""
    services = inputs.services
    if "capacity" not in services:
        return None
    own = services["category"] == category
    if not services.loc[own, "capacity"].notna().any():
        return None
    return services["capacity"].where(own, 0.0)


def _access(
    reach: Reach, criterion: WalkCriterion, capacity: pd.Series, cells: gpd.GeoDataFrame
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], list[str]]:
    """Return supply per (older) resident in each cell, and what could not be counted."""
    demand = cells[OLDER if OLDER in cells else RESIDENTS]
    pairs = effort_pairs(reach, criterion.key, limit_m=criterion.zero_m)
    found = floating_catchment(
        pairs, demand.to_numpy(dtype=float), capacity, steps_m=thirds(criterion.zero_m)
    )
    access = np.where(reach.parcels.connected, found.access, np.nan)
    told = {
        f"{criterion.key}: services without a capacity, left out of access": found.unknown_supply,
        f"{criterion.key}: services that nobody lives near": found.unreached,
        f"{criterion.key}: cells with an unknown number of residents": found.unknown_demand,
    }
    return access, [f"{text}: {count}" for text, count in told.items() if count]
