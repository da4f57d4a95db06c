"""Pack the tables of the map: whole numbers, steps between vertices, each text once.

Nothing here knows the page; ``templates/canvas.js`` undoes it in the browser.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from arealstrategi.tables import BACKDROP_KINDS, CLASSES, MUNICIPAL, STATUSES

UNIT_M = 0.05
"""Step of the packed coordinates in Web Mercator metres: at most 3.6 cm off."""
LONGEST_TEXT = 300
ON_THE_WAY = ("steep", "steps", "unlit", "no_sidewalk")
TOP = 10
SIMPLIFY_M = {"water": 2.0, "green": 2.0, "building": 0.5}
STREET_SIMPLIFY_M = 1.0


@dataclass(frozen=True)
class Grid:
    """Whole steps of `UNIT_M` from one origin in Web Mercator."""

    to_mercator: pyproj.Transformer
    origin: tuple[int, int]

    @classmethod
    def around(cls, crs: pyproj.CRS, west: float, south: float) -> Grid:
        """Return the grid of a table in `crs` whose south-west corner lies there, in degrees."""
        corner = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(west, south)
        to_mercator = pyproj.Transformer.from_crs(crs, 3857, always_xy=True)
        return cls(to_mercator, (round(corner[0] / UNIT_M), round(corner[1] / UNIT_M)))

    def steps(self, xy: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (n, 2) whole steps of (n, 2) coordinates in the table's CRS."""
        x, y = self.to_mercator.transform(xy[:, 0], xy[:, 1])
        return np.round(np.column_stack([x, y]) / UNIT_M).astype(np.int64) - self.origin


def best_rows(ranks: pd.Series) -> NDArray[np.int64]:
    """Return the rows of the best parcels, the best first."""
    numbers = _numbers(ranks)
    order = np.argsort(np.where(np.isnan(numbers), np.inf, numbers), kind="stable")[:TOP]
    return order[np.isfinite(numbers[order])]


def pack_criteria(criteria: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one record per criterion, for the table and the rows of a parcel's card."""
    return [
        {
            "key": cut(key),
            "label": cut(row["label"]),
            "group": cut(row["group"]),
            "weight": float(row["weight"]),
            "full": _number_or_none(row["full_m"]),
            "zero": _number_or_none(row["zero_m"]),
            "found": bool(row["found"]),
            "walk": bool(row["walk"]),
        }
        for key, row in criteria.iterrows()
    ]


def pack_parcels(
    parcels: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    criteria: pd.DataFrame,
    barriers: pd.DataFrame | None,
    grid: Grid,
) -> dict[str, Any]:
    """Pack the parcels: shapes, what is known of each, and columns by number of criterion."""
    every = {str(place): key for place, key in enumerate(criteria.index)}
    walking = {place: key for place, key in every.items() if criteria.loc[key, "walk"]}
    raw = {place: f"{key}_raw" for place, key in every.items() if place not in walking}
    nearest, names = _nearest_names(parcels, services, walking)
    return {
        "shape": pack_shapes(parcels.geometry.to_numpy(), grid),
        "id": _texts(parcels.index.to_series()),
        "label": _texts(parcels["label"]),
        "area": _whole(parcels["area_m2"]),
        "status": _codes(parcels["status"], STATUSES),
        "class": _codes(parcels["class"], CLASSES),
        "municipal": _codes(parcels["municipal"], MUNICIPAL),
        "reasons": _dictionary(parcels["reasons"]),
        "score": _whole(parcels["score"], 10),
        "rank": _whole(parcels["rank"]),
        "value": {at: _whole(parcels[f"{key}_value"], 10_000) for at, key in every.items()},
        "metres": {at: _whole(parcels[f"{key}_walk_m"]) for at, key in walking.items()},
        "minutes": {at: _whole(parcels[f"{key}_walk_min"]) for at, key in walking.items()},
        "hard": _on_the_way(walking, barriers),
        "nearest": nearest,
        "names": names,
        "raw": {at: _measured(parcels[name]) for at, name in raw.items() if name in parcels},
    }


def _on_the_way(
    walking: dict[str, str], barriers: pd.DataFrame | None
) -> dict[str, dict[str, NDArray[np.int64]]]:
    """Return metres of each hindrance by number of criterion; 0 where the table tells nothing."""
    if barriers is None:
        return {}
    return {
        name: {
            at: _whole(barriers[f"{key}_{name}_m"].fillna(0.0))
            for at, key in walking.items()
            if barriers.get(f"{key}_{name}_m", default=pd.Series(0.0)).gt(0).any()
        }
        for name in ON_THE_WAY
    }


def _nearest_names(
    parcels: gpd.GeoDataFrame, services: gpd.GeoDataFrame, walking: dict[str, str]
) -> tuple[dict[str, NDArray[np.int64]], list[str]]:
    """Return, per criterion, which name each parcel's nearest service has.

    A service without a name stands in the table by its id; here its name is the empty text.
    """
    columns = [parcels[f"{key}_service"].astype(object).to_numpy() for key in walking.values()]
    found = np.concatenate(columns) if columns else np.empty(0, object)
    codes, distinct = pd.factorize(found)
    names = pd.Series(distinct, dtype=object)
    unnamed = names.isin(services.loc[services["name"].fillna("") == "", "service_id"])
    per_criterion = codes.reshape(len(walking), len(parcels))
    return dict(zip(walking, per_criterion, strict=True)), _texts(names.mask(unnamed))


def pack_services(services: gpd.GeoDataFrame, grid: Grid) -> dict[str, Any]:
    """Pack the services as points."""
    points = shapely.point_on_surface(services.geometry.to_numpy())
    return {
        "shape": pack_shapes(points, grid),
        "category": _dictionary(services["category"]),
        "name": _texts(services["name"]),
        "reason": _dictionary(services["reason"]),
    }


def pack_backdrop(backdrop: gpd.GeoDataFrame, grid: Grid) -> dict[str, Any]:
    """Pack the backdrop by kind, areas apart from lines, a little simplified."""
    packed: dict[str, Any] = {}
    dimension = shapely.get_dimensions(backdrop.geometry.to_numpy())
    for kind in BACKDROP_KINDS:
        for part, wanted in (("areas", 2), ("lines", 1)):
            chosen = backdrop[(backdrop["kind"] == kind).to_numpy() & (dimension == wanted)]
            tolerance = SIMPLIFY_M.get(kind, STREET_SIMPLIFY_M)
            shapes = shapely.simplify(chosen.geometry.to_numpy(), tolerance)
            packed[f"{kind}_{part}"] = {"shape": pack_shapes(shapes, grid)}
            if kind != "building":
                packed[f"{kind}_{part}"]["name"] = _dictionary(chosen["name"])
    return packed


def pack_shapes(geometry: NDArray[Any], grid: Grid) -> dict[str, NDArray[np.int64]]:
    """Pack any geometries: lines per feature, vertices per line, x and y as steps.

    The rings of a polygon are its lines, without the closing vertex; a point is a line of one.
    """
    areal = shapely.get_dimensions(geometry) == 2  # noqa: PLR2004 (dimensions of an area)
    lines = np.where(areal, shapely.boundary(geometry), geometry)
    lines, feature = shapely.get_parts(lines, return_index=True)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    steps = grid.steps(xy)
    first = np.r_[True, line[1:] != line[:-1]][: len(line)]
    last = np.r_[line[1:] != line[:-1], True][: len(line)]
    repeated = np.r_[False, (steps[1:] == steps[:-1]).all(axis=1)][: len(line)] & ~first
    keep = ~repeated & ~(last & ~first & areal[feature[line]])
    moves = np.diff(steps[keep], axis=0, prepend=np.zeros((1, 2), np.int64))
    return {
        "lines": np.bincount(feature, minlength=len(geometry)),
        "vertices": np.bincount(line[keep], minlength=len(lines)),
        "x": moves[:, 0],
        "y": moves[:, 1],
    }


def cut(text: object) -> str:
    """Return a text that is short enough and can be written: no half surrogate pair."""
    return str(text)[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


def compress(page: dict[str, Any]) -> str:
    """Return the JSON of what was packed, gzipped, as base64."""
    packed = gzip.compress(_json(page).encode("utf-8"), compresslevel=6, mtime=0)
    return base64.b64encode(packed).decode("ascii")


def _number_or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _texts(values: pd.Series) -> list[str]:
    plain = values.astype(object)
    texts: list[str] = plain.where(plain.notna(), "").map(cut).tolist()
    return texts


def _dictionary(values: pd.Series) -> dict[str, Any]:
    """Pack a column of repeated texts: the distinct ones, and which one each row has."""
    codes, distinct = pd.factorize(values.astype(object).where(values.notna(), ""))
    return {"texts": _texts(pd.Series(distinct, dtype=object)), "codes": codes}


def _codes(values: pd.Series, known: Sequence[str]) -> NDArray[np.int64]:
    """Return the place of each value in `known`, -1 where it is missing."""
    codes = pd.Index(known).get_indexer(pd.Index(values.astype(object)))
    wrong = values[(codes < 0) & values.notna().to_numpy()]
    if len(wrong):
        raise ValueError(f"column {values.name!r} holds {wrong.iloc[0]!r}, not one of {known}")
    return codes.astype(np.int64)


def _numbers(values: pd.Series) -> NDArray[np.float64]:
    return pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)


def _whole(values: pd.Series, factor: int = 1) -> NDArray[np.int64]:
    """Return values times `factor` as whole numbers, -1 where there is none."""
    numbers = _numbers(values) * factor
    return np.where(np.isfinite(numbers), np.round(numbers), -1).astype(np.int64)


def _measured(values: pd.Series) -> list[float | None] | list[str | None]:
    """Return numbers with two decimals, or the codes that a column holds."""
    if not pd.api.types.is_numeric_dtype(values):
        return [None if pd.isna(code) else cut(code) for code in values]
    numbers = _numbers(values)
    rounded: list[float] = np.round(numbers, 2).tolist()
    return [_number_or_none(number) for number in rounded]


def _json(value: Any) -> str:  # noqa: ANN401 (anything that JSON holds)
    """Return JSON, one array at a time so that large tables stay small in memory."""
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"{json.dumps(key)}:{_json(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
