"""The tables of a result, in the columns of the contract."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from arealstrategi.constraints import Constraint
from arealstrategi.scoring import NOT_CONNECTED
from arealstrategi.tables import empty_table


def parcel_table(
    parcels: gpd.GeoDataFrame,
    verdict: pd.DataFrame,
    distances: pd.DataFrame,
    measured: pd.DataFrame,
    values: pd.DataFrame,
    details: pd.DataFrame,
    bands: pd.DataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Put the columns into the contract's order; unreachable becomes NULL.

    Parameters
    ----------
    parcels
        Parcels table.
    verdict
        ``status``, ``reasons``, ``score``, ``class``, ``rank``.
    distances
        The reach table.
    measured, values
        One column per criterion, those that are no walk as well.
    details
        What else is told of each parcel, put last: sub-scores, its property, what the plans say.
    bands
        ``rank_p05``, ``rank_p95``, ``top_share`` of the assessed parcels; None: not told.
    """
    verdict = verdict[["status", "reasons", "score", "class", "rank"]]
    table = parcels[["label", "area_m2"]].join(verdict).assign(municipal=parcels["municipal"])
    told: dict[str, pd.Series] = {}
    walked = set(distances.columns.str.removesuffix("_walk_m"))
    for key in values:
        if key in walked:
            for end in ("walk_m", "walk_min", "effort_m"):
                column = distances[f"{key}_{end}"]
                told[f"{key}_{end}"] = column.where(np.isfinite(column))
            told[f"{key}_value"] = values[key]
            told[f"{key}_service"] = distances[f"{key}_service"]
        else:
            raw = measured[key]
            if pd.api.types.is_float_dtype(raw):
                raw = raw.where(np.isfinite(raw))
            told[f"{key}_raw"], told[f"{key}_value"] = raw, values[key]
    parts = [table, pd.DataFrame(told, index=parcels.index), details]
    if bands is not None:
        ranks = dict.fromkeys(("rank_p05", "rank_p95"), "Int64")
        parts.insert(2, bands[[*ranks, "top_share"]].reindex(parcels.index).astype(ranks))
    whole = pd.concat(parts, axis=1)
    return gpd.GeoDataFrame(whole, geometry=parcels.geometry, crs=parcels.crs)


def service_table(services: gpd.GeoDataFrame, connected: NDArray[np.bool_]) -> gpd.GeoDataFrame:
    """Add ``reason``: empty, or that the place is not connected to the network."""
    reason = pd.Series(NOT_CONNECTED, index=services.index, dtype="str").mask(connected, "")
    columns = ["service_id", "category", "name", "kind", "reason", "geometry"]
    return gpd.GeoDataFrame(services.assign(reason=reason)[columns])


def zone_table(constraints: tuple[Constraint, ...], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Put the zones of all constraints into one table: ``name``, ``effect``, ``geometry``."""
    zones = [
        gpd.GeoDataFrame(geometry=rule.zones.array).assign(name=rule.name, effect=rule.effect)
        for rule in constraints
        if len(rule.zones)
    ]
    if not zones:
        return empty_table(("name", "effect", "geometry"), crs)
    together = pd.concat(zones, ignore_index=True)[["name", "effect", "geometry"]]
    return gpd.GeoDataFrame(together, crs=crs)
