"""Constraints: rules that rule a parcel out, set a condition or deduct, each with its name kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

Effect = Literal["exclude", "condition", "deduct"]

HIT, NO_HIT, NOT_MAPPED = "hit", "no_hit", "not_mapped"
# Judgement: borders of parcels and of zones are drawn from different sources; a sliver along the
# common border is no hit.
SLIVER_SHARE = 0.005


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
        Polygons in the analysis CRS.
    mapped
        Where the zones have been surveyed; None: everywhere.
    """

    name: str
    effect: Effect
    points: float
    zones: gpd.GeoSeries
    mapped: gpd.GeoSeries | None = None


def find_hits(parcels: gpd.GeoDataFrame, constraint: Constraint) -> pd.DataFrame:
    """Say for each parcel whether the constraint's zones hit it.

    A polygon is hit when more than `SLIVER_SHARE` of its area lies in a zone, a point when it lies
    in one. A parcel that is not hit and does not lie in the surveyed area (but for a sliver) is
    ``not_mapped``: no answer is not "safe".

    Returns
    -------
    Index ``parcel_id``; ``answer`` (``hit``, ``no_hit``, ``not_mapped``) and ``share`` (0–1 of the
    parcel's area in the zones).
    """
    shapes = parcels.geometry.to_numpy()
    share = _share(shapes, constraint.zones.to_numpy())
    answer = np.where(share > SLIVER_SHARE, HIT, NO_HIT).astype(object)
    if constraint.mapped is not None:
        surveyed = _share(shapes, constraint.mapped.to_numpy())
        answer[(answer == NO_HIT) & (surveyed < 1 - SLIVER_SHARE)] = NOT_MAPPED
    return pd.DataFrame({"answer": pd.array(answer, dtype="str"), "share": share}, parcels.index)


def find_all(parcels: gpd.GeoDataFrame, constraints: tuple[Constraint, ...]) -> pd.DataFrame:
    """Return the answer of every constraint for every parcel; columns are their names."""
    answers = {rule.name: find_hits(parcels, rule)["answer"] for rule in constraints}
    return pd.DataFrame(answers, index=parcels.index)


def reasons(hits: pd.DataFrame) -> dict[str, pd.Series]:
    """Return what to tell of the answers: its name, or ``not_mapped: name``, to where it holds."""
    told = {str(name): hits[name] == HIT for name in hits}
    return told | {f"{NOT_MAPPED}: {name}": hits[name] == NOT_MAPPED for name in hits}


def excluded(hits: pd.DataFrame, constraints: tuple[Constraint, ...]) -> pd.Series:
    """Say which parcels a constraint rules out."""
    names = [rule.name for rule in constraints if rule.effect == "exclude"]
    return (hits[names] == HIT).any(axis=1)


def deduction(hits: pd.DataFrame, constraints: tuple[Constraint, ...]) -> pd.Series:
    """Return the points that constraints take off each parcel."""
    points = {rule.name: rule.points for rule in constraints if rule.effect == "deduct"}
    return (hits[list(points)] == HIT).astype(float) @ pd.Series(points, dtype=float)


def _share(shapes: NDArray[np.object_], zones: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the share of each shape's area that the zones cover together; 1 or 0 for a point."""
    zone, shape = shapely.STRtree(shapes).query(zones, predicate="intersects")
    share = np.zeros(len(shapes))
    if len(zone) == 0:
        return share
    pieces = shapely.intersection(shapes[shape], zones[zone])
    row, counts = np.unique(shape, return_counts=True)
    order = np.argsort(shape, kind="stable")
    group = np.repeat(np.arange(len(row)), counts)
    together = _unions(pieces[order], group)
    area = shapely.area(shapes[row])
    share[row] = np.divide(shapely.area(together), area, out=np.ones(len(row)), where=area > 0)
    return share


def _unions(pieces: NDArray[np.object_], group: NDArray[np.int64]) -> NDArray[np.object_]:
    """Union the pieces of each group, so that overlapping zones do not count twice."""
    collected = np.asarray(shapely.geometrycollections(pieces, indices=group))
    return np.asarray(shapely.unary_union(collected[:, np.newaxis], axis=1), dtype=object)
