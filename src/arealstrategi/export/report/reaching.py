"""What is reached on foot from places: the cells of reach tables, and points by group."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from arealstrategi.explanation import ScoreModel, contributions
from arealstrategi.export.report.phrases import UNKNOWN, UNREACHED, Words, minutes, number

SHOWN = 7  # what a table of A4's width has room for


def key_walks(criteria: pd.DataFrame, most: int = SHOWN) -> list[str]:
    """Return the walks that count most, of those that the data hold any service for."""
    found = criteria[criteria["walk"] & criteria["found"] & (criteria["weight"] > 0)]
    return [
        str(key) for key in found.sort_values("weight", ascending=False, kind="stable").index[:most]
    ]


def members(areas: pd.DataFrame, parcels: pd.DataFrame) -> dict[str, list[str]]:
    """Return the parcels of each area."""
    known = set(parcels.index)
    return {
        str(name): [one for one in str(told).split(";") if one in known]
        for name, told in areas["parcels"].items()
    }


def of_one(row: pd.Series, key: str, words: Words) -> str:
    """Write the minutes of one parcel to one category."""
    return minutes(row.get(f"{key}_value"), row.get(f"{key}_walk_min"), words)


def of_many(parcels: pd.DataFrame, key: str, words: Words) -> str:
    """Write the minutes of the median parcel; out of reach counts as farthest.

    Where it is not known of half of them, it is not known.
    """
    walk = parcels[f"{key}_walk_min"].to_numpy(dtype=float)
    known = parcels[f"{key}_value"].notna().to_numpy()
    if known.sum() * 2 <= len(parcels):
        return UNKNOWN
    middle = float(np.median(np.where(np.isnan(walk), np.inf, walk)[known]))
    return minutes(0.0, middle if np.isfinite(middle) else None, words)


def span(parcels: pd.DataFrame, key: str, words: Words) -> str:
    """Write the fewest and the most minutes of some parcels."""
    walk = parcels[f"{key}_walk_min"].to_numpy(dtype=float)
    known = parcels[f"{key}_value"].notna().to_numpy()
    if not known.any():
        return UNKNOWN
    if np.isnan(walk).all():
        return UNREACHED
    low, high = number(np.nanmin(walk), words), number(np.nanmax(walk), words)
    if np.isnan(walk[known]).any():
        return f"{low}–{UNREACHED}"
    return low if low == high else f"{low}–{high}"


def group_points(
    parcels: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, model: ScoreModel
) -> pd.DataFrame | None:
    """Return the points that each group gives each area: the mean of its parcels by area.

    Returns
    -------
    Areas × groups, the heaviest group first; None where points are no shares of a sum. With what
    constraints take off they add up to the score of the area.
    """
    if not model.is_sum or len(areas) == 0:
        return None
    rows = {}
    for name, inside in members(areas, parcels).items():
        part = parcels.loc[inside]
        points = contributions(part, model)[0]
        share = part["area_m2"].to_numpy(dtype=float)
        rows[name] = points.mul(share / share.sum(), axis=0).sum()
    table = pd.DataFrame(rows).T
    by_group = table.T.groupby(model.criteria["group"].loc[table.columns]).sum().T
    heaviest: Sequence[str] = (
        model.criteria.groupby("group")["weight"].sum().sort_values(ascending=False).index.tolist()
    )
    return by_group[[group for group in heaviest if group in by_group]]
