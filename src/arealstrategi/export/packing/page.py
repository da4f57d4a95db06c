"""All that the page of the map knows."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj

from arealstrategi.export.labels import (
    CLASS_COLOURS,
    GROUP_COLOURS,
    LANGUAGES,
    STATUS_COLOURS,
    words,
)
from arealstrategi.export.packing.columns import cut
from arealstrategi.export.packing.layers import (
    Words,
    pack_areas,
    pack_backdrop,
    pack_constraints,
    pack_criteria,
    pack_groups,
    pack_presets,
    pack_services,
    pack_sites,
)
from arealstrategi.export.packing.naming import pack_addresses, pack_places, place_of
from arealstrategi.export.packing.parcels import (
    ANSWERS,
    READINESS,
    best_rows,
    pack_parcels,
    pack_scenarios,
)
from arealstrategi.export.packing.routes import pack_routes
from arealstrategi.export.packing.shapes import UNIT_M, Grid
from arealstrategi.export.packing.tables import MapTables
from arealstrategi.export.packing.walks import TIME_STEP_S
from arealstrategi.scoring import CLASS_FROM, LEAST_KNOWN_SHARE
from arealstrategi.tables import CLASSES, MUNICIPAL, STATUSES

VERSION = 2
TILE_HOST = "https://cache.kartverket.no"
TILES = {
    "url": f"{TILE_HOST}/v1/wmts/1.0.0/topograatone/default/webmercator/{{z}}/{{y}}/{{x}}.png",
    "attribution": "© Kartverket",
}
NORWAY = (4.0, 57.9, 31.5, 71.3)
# Steps of cividis, as light as those of viridis: dark is best.
CIVIDIS = ("#00224e", "#3b496c", "#8b8878", "#e3d56b")
# What begins so, or holds no dot, is said in the page; the other words are those of other outputs.
_SAID = (
    "answer.", "class.", "column.", "credit.", "effect.", "group.", "headline.", "instrument.",
    "layer.", "map.", "municipal.", "on_the_way.", "plan_readiness.", "preset.", "profile.",
    "reason.", "status.",
)  # fmt: skip


def map_page(tables: MapTables, title: str, language: str) -> dict[str, Any]:
    """Return what the block of the page holds; parcels already stand in the page's order."""
    text = {lang: words(lang) for lang in LANGUAGES}
    west, south, east, north = _bounds(tables.parcels, tables.services, tables.backdrop)
    grid = Grid.around(tables.crs, west, south)
    addresses, address = pack_addresses(tables.backdrop, tables.parcels, grid)
    named = {"address": address, "place": place_of(tables.backdrop, tables.parcels)}
    return {
        "version": VERSION,
        "title": cut(title),
        "language": language,
        "audience": tables.audience,
        **_said(tables, text),
        **_constants(),
        "origin": grid.origin,
        "bounds": [[south, west], [north, east]],
        "model": _model(tables),
        "walker": _walker(tables.profile, text),
        "criteria": pack_criteria(tables.criteria),
        "groups": pack_groups(tables.criteria, text),
        "presets": pack_presets(tables, text),
        "parcels": {**pack_parcels(tables, grid), **named},
        "top": best_rows(tables.parcels["rank"]),
        "constraints": pack_constraints(tables, grid),
        "services": pack_services(tables.services, grid),
        "areas": pack_areas(tables.areas, tables.parcels.index, grid),
        "sites": pack_sites(tables.sites, grid),
        "scenarios": pack_scenarios(tables),
        "backdrop": {
            **pack_backdrop(tables.backdrop, grid),
            "places": pack_places(tables.backdrop, grid),
            "addresses": addresses,
        },
        "routes": _routes(tables, grid),
    }


def _said(tables: MapTables, text: Words) -> dict[str, Any]:
    """Return the words of the page, and the sentences about these tables, by language."""
    return {
        "words": {
            lang: {
                key: word for key, word in told.items() if key.startswith(_SAID) or "." not in key
            }
            for lang, told in text.items()
        },
        "notes": {lang: [cut(note) for note in tables.notes.get(lang, ())] for lang in text},
        "credits": {lang: [cut(one) for one in tables.credits.get(lang, ())] for lang in text},
    }


def _constants() -> dict[str, Any]:
    """Return the codes, colours and units that every page has."""
    return {
        "classes": CLASSES,
        "statuses": STATUSES,
        "municipal": MUNICIPAL,
        "readiness": READINESS,
        "answers": ANSWERS,
        "limits": CLASS_FROM,
        "tiles": TILES,
        "unit": UNIT_M,
        "timeStep": TIME_STEP_S,
        "palettes": {
            "viridis": dict(CLASS_COLOURS),
            "cividis": dict(zip(CLASSES, CIVIDIS, strict=True)),
        },
        "statusColours": dict(STATUS_COLOURS),
        "groupColours": dict(GROUP_COLOURS),
    }


def _model(tables: MapTables) -> dict[str, Any]:
    return {
        "method": tables.method,
        "alpha": tables.alpha,
        "floor": tables.floor,
        "missing": tables.missing,
        "leastKnown": LEAST_KNOWN_SHARE,
        "gates": [
            {"group": cut(gate.group), "min": gate.min, "best": gate.best} for gate in tables.gates
        ],
    }


def _walker(profile: str, text: Words) -> dict[str, Any]:
    label = {lang: told.get(f"profile.{profile}", profile) for lang, told in text.items()}
    return {"profile": profile, "label": label}


def _routes(tables: MapTables, grid: Grid) -> dict[str, Any] | None:
    if tables.routes is None:
        return None
    keys = [tables.walking.get(at) for at in range(len(tables.criteria))]
    return pack_routes(tables.routes, tables.parcels.geometry.to_numpy(), keys, grid)


def _bounds(*tables: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    """Return west, south, east, north of the first table that has any geometry, in degrees."""
    for table in tables:
        bounds = table.total_bounds
        if not table.empty and not pd.isna(bounds).any():
            to_degrees = pyproj.Transformer.from_crs(table.crs, 4326, always_xy=True)
            west, south, east, north = to_degrees.transform_bounds(*bounds)
            return west, south, east, north
    return NORWAY
