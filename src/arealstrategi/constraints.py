"""Constraints: rules that rule a parcel out, set a condition or deduct, each with its name kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from arealstrategi.evidence import HIT, NOT_MAPPED, find_zones

Effect = Literal["exclude", "condition", "deduct"]
By = Literal["share", "net_area"]


@dataclass(frozen=True)
class Constraint:
    """One rule, with the zones it speaks of.

    Parameters
    ----------
    name
        What the reason says.
    effect
        ``exclude`` rules the parcel out, ``condition`` is shown, ``deduct`` takes `points` off.
    points
        Points to deduct, 0–100.
    zones
        Shapes in the analysis CRS.
    mapped
        Where the zones have been surveyed; None: everywhere.
    found
        The answers, where they are known already (a raster); as `evidence.find_zones` gives them.
    by
        ``share``: the effect follows from the share of the parcel in the zones. ``net_area``: the
        zones are taken off the parcel, and what is left decides; see `buildable`.
    from_share
        For ``share``: the share of the parcel, 0–1, from which it is hit.
    """

    name: str
    effect: Effect
    points: float
    zones: gpd.GeoSeries
    mapped: gpd.GeoSeries | None = None
    found: pd.DataFrame | None = None
    by: By = "share"
    from_share: float = 0.0

    @property
    def excludes(self) -> bool:
        """Whether a hit alone rules a parcel out."""
        return self.effect == "exclude" and self.by == "share"

    @property
    def deducts(self) -> bool:
        """Whether a hit alone takes points off."""
        return self.effect == "deduct" and self.by == "share"


def find_hits(parcels: gpd.GeoDataFrame, constraint: Constraint) -> pd.DataFrame:
    """Say for each parcel whether the constraint's zones hit it, as `evidence.find_zones` does."""
    if constraint.found is not None:
        return constraint.found.loc[parcels.index]
    return find_zones(parcels, constraint.zones, constraint.mapped, constraint.from_share)


def find_all(
    parcels: gpd.GeoDataFrame, constraints: tuple[Constraint, ...]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the answer of every constraint for every parcel, and the share of its area hit.

    Returns
    -------
    Two tables with index ``parcel_id`` and a column per constraint's name: ``hit``, ``no_hit``,
    ``not_mapped`` or ``below_share``; and the share, 0–1.
    """
    found = {rule.name: find_hits(parcels, rule) for rule in constraints}
    answers = {name: table["answer"] for name, table in found.items()}
    shares = {name: table["share"] for name, table in found.items()}
    return pd.DataFrame(answers, parcels.index), pd.DataFrame(shares, parcels.index)


def reasons(hits: pd.DataFrame) -> dict[str, pd.Series]:
    """Return what to tell of the answers: its name, or ``not_mapped: name``, to where it holds."""
    told = {str(name): hits[name] == HIT for name in hits}
    return told | {f"{NOT_MAPPED}: {name}": hits[name] == NOT_MAPPED for name in hits}


def excluded(hits: pd.DataFrame, constraints: tuple[Constraint, ...]) -> pd.Series:
    """Say which parcels a constraint rules out."""
    names = [rule.name for rule in constraints if rule.excludes]
    return (hits[names] == HIT).any(axis=1)


def deduction(hits: pd.DataFrame, constraints: tuple[Constraint, ...]) -> pd.Series:
    """Return the points that constraints take off each parcel."""
    points = {rule.name: rule.points for rule in constraints if rule.deducts}
    hit = np.ascontiguousarray((hits[list(points)] == HIT).to_numpy(dtype=float))
    off = hit * np.array(list(points.values()))  # not @: its last digit varies with the rows
    return pd.Series(off.sum(axis=1), hits.index)
