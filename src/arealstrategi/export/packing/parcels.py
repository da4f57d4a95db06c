"""The parcels of the page: their shapes, and what is known of each as arrays."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.evidence import BELOW_SHARE, HIT, NO_HIT, NOT_MAPPED
from arealstrategi.export.packing.block import Varints
from arealstrategi.export.packing.columns import (
    codes_of,
    dictionary,
    hundredths,
    numbers_of,
    smallest,
    texts_of,
    whole,
)
from arealstrategi.export.packing.shapes import Grid, pack_shapes
from arealstrategi.export.packing.tables import MapTables
from arealstrategi.export.packing.walks import pack_walks
from arealstrategi.plans import AREA_ZONED, FUTURE, OTHER, UNKNOWN, ZONED
from arealstrategi.scoring import OUTSIDE_EXTRACT
from arealstrategi.tables import CLASSES, MUNICIPAL, STATUSES

ANSWERS = (NO_HIT, HIT, NOT_MAPPED, BELOW_SHARE)
READINESS = (ZONED, AREA_ZONED, FUTURE, OTHER, UNKNOWN)
ON_THE_WAY = ("steep", "steps", "unlit", "no_sidewalk")
TOP = 20
NOT_COMPARABLE = -32768
_HUNDREDTHS = 100
_NO_POINTS = 65_535
_BANDS = {"rankLow": "rank_p05", "rankHigh": "rank_p95"}


def best_rows(ranks: pd.Series) -> NDArray[np.uint32]:
    """Return the rows of the best parcels, the best first."""
    numbers = numbers_of(ranks)
    order = np.argsort(np.where(np.isnan(numbers), np.inf, numbers), kind="stable")[:TOP]
    return order[np.isfinite(numbers[order])].astype(np.uint32)


def pack_parcels(tables: MapTables, grid: Grid) -> dict[str, Any]:
    """Pack the parcels: shapes, what is known of each, and columns by place of the criterion."""
    parcels, ids = tables.parcels, texts_of(tables.parcels.index.to_series())
    labels = texts_of(parcels["label"])
    return {
        "n": len(parcels),
        "shape": pack_shapes(parcels.geometry.to_numpy(), grid),
        "id": ids,
        "label": None if labels == ids else labels,
        "area": whole(parcels["area_m2"], np.uint32),
        "status": codes_of(parcels["status"], STATUSES),
        "municipal": codes_of(parcels["municipal"], MUNICIPAL),
        "readiness": codes_of(_column(parcels, "plan_readiness"), READINESS),
        "purpose": dictionary(parcels["plan_purpose"]) if "plan_purpose" in parcels else None,
        "reasons": dictionary(parcels["reasons"]),
        "areaOf": _area_of(parcels.index, tables.areas),
        **_verdict(tables),
        **_measures(tables),
        **_rules(tables),
    }


def pack_scenarios(tables: MapTables) -> list[dict[str, Any]]:
    """Pack how many points each parcel gains in each scenario."""
    told = []
    for name, gained in tables.scenarios.items():
        points = np.clip(np.round(numbers_of(gained) * _HUNDREDTHS), -32767, 32767)
        points = np.where(np.isnan(points), NOT_COMPARABLE, points).astype(np.int16)
        told.append({"name": name, "change": points})
    return told


def _column(parcels: gpd.GeoDataFrame, name: str) -> pd.Series:
    """Return a column, or one without any value where the table does not have it."""
    return parcels[name] if name in parcels else pd.Series(np.nan, parcels.index, name=name)


def _verdict(tables: MapTables) -> dict[str, Any]:
    parcels = tables.parcels
    reasons = ";" + parcels["reasons"].fillna("").astype(str) + ";"
    unseen = reasons.str.contains(f";{OUTSIDE_EXTRACT};", regex=False)
    deduction = pd.Series(0.0, parcels.index) if tables.deduction is None else tables.deduction
    allowed = parcels["score_if_allowed" if "score_if_allowed" in parcels else "score"]
    rank = whole(parcels["rank"], np.uint32, none=0).astype(np.int64)
    points = hundredths(parcels["score"])
    possible = hundredths(allowed)
    assessed = (parcels["status"] == STATUSES[0]).to_numpy()
    follows = np.array_equal(points, np.where(assessed, possible, _NO_POINTS))
    return {
        "allowed": possible,
        "score": None if follows else points,
        "cls": codes_of(parcels["class"], CLASSES),
        "rank": Varints(rank - _place_by_points(points)),
        **{name: _band(parcels, column, rank) for name, column in _BANDS.items()},
        "topShare": whole(_column(parcels, "top_share"), np.uint8, 100),
        "deduction": whole(deduction, np.uint16, _HUNDREDTHS, none=0),
        "unassessable": unseen.to_numpy(dtype=np.uint8),
    }


def _band(parcels: gpd.GeoDataFrame, column: str, rank: NDArray[np.int64]) -> Varints | None:
    """Return how far an end of the rank band lies behind the rank; null where none is told."""
    if column not in parcels:
        return None
    return Varints(whole(parcels[column], np.uint32, none=0).astype(np.int64) - rank)


def _place_by_points(points: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Return 1 plus how many have more points; of what has none, 0: nearly the rank."""
    counts = np.bincount(points, minlength=_NO_POINTS + 1)
    counts[_NO_POINTS] = 0
    more = np.cumsum(counts[::-1])[::-1] - counts
    return np.where(points == _NO_POINTS, 0, 1 + more[points])


def _measures(tables: MapTables) -> dict[str, Any]:
    """Return a list per measure: one entry per criterion, null where it has no such measure."""
    parcels, keys, walking = tables.parcels, list(tables.criteria.index), tables.walking
    nearest, rows = tables.nearest, smallest(len(tables.services) + 1)
    told: dict[str, Any] = {"walks": pack_walks(tables)}
    columns = [key if at in walking else None for at, key in enumerate(keys)]
    told["service"] = [
        (nearest[key].to_numpy() + 1).astype(rows)
        if key is not None and nearest is not None and key in nearest
        else None
        for key in columns
    ]
    told["raw"] = [
        _raw(parcels[f"{key}_raw"]) if at not in walking and f"{key}_raw" in parcels else None
        for at, key in enumerate(keys)
    ]
    return told | {"hard": _on_the_way(walking, tables.barriers)}


def _raw(values: pd.Series) -> NDArray[np.float32] | dict[str, Any]:
    """Return what was measured: numbers (NaN where none), or the codes that a column holds."""
    if pd.api.types.is_numeric_dtype(values):
        return numbers_of(values).astype(np.float32)
    return dictionary(values)


def _on_the_way(
    walking: dict[int, str], barriers: pd.DataFrame | None
) -> dict[str, dict[str, NDArray[np.uint16]]]:
    """Return metres of each hindrance by place of the criterion, where there is any."""
    if barriers is None:
        return {}
    return {
        name: {
            str(at): whole(barriers[f"{key}_{name}_m"], np.uint16, none=0)
            for at, key in walking.items()
            if f"{key}_{name}_m" in barriers and barriers[f"{key}_{name}_m"].gt(0).any()
        }
        for name in ON_THE_WAY
    }


def _rules(tables: MapTables) -> dict[str, Any]:
    names = list(tables.constraints.index)
    return {
        "answer": [codes_of(tables.answers[name], ANSWERS) for name in names],
        "share": [whole(tables.shares[name], np.uint8, 100) for name in names],
    }


def _area_of(ids: pd.Index, areas: gpd.GeoDataFrame | None) -> NDArray[np.uint16]:
    """Return for each parcel the row of its recommended area plus 1; 0 where it is in none."""
    of = np.zeros(len(ids), dtype=np.uint16)
    if areas is None or not len(areas):
        return of
    members = areas["parcels"].str.split(";").reset_index(drop=True).explode()
    at = ids.get_indexer(pd.Index(members))
    of[at[at >= 0]] = members.index.to_numpy()[at >= 0] + 1
    return of
