"""The other layers of the page: criteria, services, constraints, areas, sites and backdrop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from arealstrategi.export.packing.columns import (
    codes_of,
    cut,
    dictionary,
    hundredths,
    number_or_none,
    texts_of,
    whole,
)
from arealstrategi.export.packing.parcels import READINESS
from arealstrategi.export.packing.shapes import COARSE, Grid, pack_shapes
from arealstrategi.export.packing.tables import MapTables
from arealstrategi.tables import BACKDROP_KINDS, CLASSES

SIMPLIFY_M = {"water": 2.0, "green": 2.0, "building": 0.5}
STREET_SIMPLIFY_M = 1.0
ZONE_SIMPLIFY_M = 1.0
_DIMENSIONS = {"areas": 2, "lines": 1}
Words = Mapping[str, Mapping[str, str]]


def pack_criteria(criteria: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one record per criterion."""
    in_group = criteria["weight"] / criteria["weight"].groupby(criteria["group"]).transform("sum")
    records = criteria.assign(in_group=in_group.fillna(0.0)).iterrows()
    return [
        {
            "key": cut(key),
            "label": {"nb": cut(row["label_nb"]), "en": cut(row["label_en"])},
            "group": cut(row["group"]),
            "weight": float(row["weight"]),
            "inGroup": float(row["in_group"]),
            "walk": row["kind"] == "walk",
            "kind": str(row["kind"]),
            "full": number_or_none(row["full"]),
            "zero": number_or_none(row["zero"]),
            "found": bool(row["found"]),
            "critical": bool(row.get("critical", False)),
            "headline": _text_or_none(row.get("headline")),
            "why": _both(row.get("why_nb"), row.get("why_en")),
        }
        for key, row in records
    ]


def pack_groups(criteria: pd.DataFrame, words: Words) -> list[dict[str, Any]]:
    """Return the groups in the order of their first criterion, with what each weighs."""
    weights = criteria.groupby("group", sort=False)["weight"].sum()
    return [
        {
            "key": cut(key),
            "label": {lang: cut(text.get(f"group.{key}", key)) for lang, text in words.items()},
            "weight": float(weight),
        }
        for key, weight in weights.items()
    ]


def pack_presets(tables: MapTables, words: Words) -> list[dict[str, Any]]:
    """Return the sets of weights that a reader can choose, the strategy's own first."""
    sets = tables.presets
    if sets is None:
        sets = tables.criteria[["weight"]].set_axis(["strategy"], axis=1)
    return [
        {
            "key": str(name),
            "label": {lang: cut(text.get(f"preset.{name}", name)) for lang, text in words.items()},
            "weights": sets[name].loc[tables.criteria.index].astype(float).tolist(),
        }
        for name in sets
    ]


def pack_constraints(tables: MapTables, grid: Grid) -> list[dict[str, Any]]:
    """Return the constraints with their zones; zones of none get a row of their own."""
    return [
        {
            "name": cut(name),
            "effect": str(row["effect"]),
            "by": str(row.get("by", "share")),
            "zones": pack_shapes(
                shapely.simplify(_zones_of(tables.zones, str(name)), ZONE_SIMPLIFY_M), grid
            ),
        }
        for name, row in tables.constraints.iterrows()
    ]


def _zones_of(zones: gpd.GeoDataFrame | None, name: str) -> Any:  # noqa: ANN401 (numpy's objects)
    if zones is None or not len(zones):
        return np.empty(0, dtype=object)
    return zones.geometry.to_numpy()[(zones["name"] == name).to_numpy()]


def pack_services(services: gpd.GeoDataFrame, grid: Grid) -> dict[str, Any]:
    """Pack the services as points."""
    points = shapely.point_on_surface(services.geometry.to_numpy())
    return {
        "n": len(services),
        "shape": pack_shapes(points, grid),
        "category": dictionary(services["category"]),
        "name": texts_of(services["name"]),
        "reason": dictionary(services["reason"]),
    }


def pack_areas(areas: gpd.GeoDataFrame | None, ids: pd.Index, grid: Grid) -> dict[str, Any] | None:
    """Pack the recommended areas; None where there are none."""
    if areas is None or not len(areas):
        return None
    return {
        "n": len(areas),
        "shape": pack_shapes(areas.geometry.to_numpy(), grid),
        "rank": whole(areas["rank"], np.uint8),
        "score": hundredths(areas["score"]),
        "cls": codes_of(areas["class"], CLASSES),
        "area": whole(areas["area_m2"], np.uint32),
        "parcels": whole(areas["n_parcels"], np.uint16),
        "municipal": whole(areas["municipal_share"], np.uint8, 100),
        "dwellings": whole(areas["dwellings"], np.uint16),
        "shared": whole(areas["shared_space"].astype("Float64"), np.uint8),
        "readiness": codes_of(areas["plan_readiness"], READINESS),
        "instrument": dictionary(areas["instrument"]),
        "best": ids.get_indexer(pd.Index(areas["best_parcel"])).astype(np.uint32),
    }


def pack_sites(sites: gpd.GeoDataFrame | None, grid: Grid) -> dict[str, Any] | None:
    """Pack the given sites; None where there are none."""
    if sites is None or not len(sites):
        return None
    return {
        "n": len(sites),
        "shape": pack_shapes(sites.geometry.to_numpy(), grid),
        "id": texts_of(sites.index.to_series()),
        "label": texts_of(sites["label"]),
        "score": hundredths(sites["score"]),
        "cls": codes_of(sites["class"], CLASSES),
        "place": whole(sites["place_among_parcels"], np.uint32, none=0),
    }


def pack_backdrop(backdrop: gpd.GeoDataFrame, grid: Grid) -> dict[str, Any]:
    """Pack the backdrop by kind, areas apart from lines, a little simplified."""
    packed: dict[str, Any] = {}
    dimension = shapely.get_dimensions(backdrop.geometry.to_numpy())
    for kind in BACKDROP_KINDS:
        for part, wanted in _DIMENSIONS.items():
            chosen = backdrop[(backdrop["kind"] == kind).to_numpy() & (dimension == wanted)]
            tolerance = SIMPLIFY_M.get(kind, STREET_SIMPLIFY_M)
            shapes = shapely.simplify(chosen.geometry.to_numpy(), tolerance)
            packed[f"{kind}_{part}"] = {"shape": pack_shapes(shapes, grid, COARSE)}
            if kind != "building":
                packed[f"{kind}_{part}"]["name"] = dictionary(chosen["name"])
    return packed


def _both(norwegian: object, english: object) -> dict[str, str | None] | None:
    told = {"nb": _text_or_none(norwegian), "en": _text_or_none(english)}
    return told if any(told.values()) else None


def _text_or_none(value: object) -> str | None:
    return cut(value) if isinstance(value, str) and value else None
