"""Parcels from any vector file: identified, repaired and counted, none dropped in silence."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from arealstrategi.area import only_polygons
from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.vector import Layer, read_layer

log = logging.getLogger(__name__)

# Column names that hold an identity, in the order of trust (compared without case).
ID_COLUMNS = (
    "parcel_id", "matrikkelnummertekst", "matrikkelnummer", "matrikkelnu", "matrikkeln",
    "eiendom", "teigid", "lokalid", "id", "objid", "objectid",
)  # fmt: skip
MUNICIPALITY_COLUMNS = ("kommunenummer", "kommunenr", "kommunenum", "knr")
CADASTRAL = re.compile(r"^(?:(\d{4})-)?0*(\d+)/0*(\d+)(?:/0*(\d+))?(?:/0*(\d+))?$")
USUAL_CRS = (4326, 25832, 25833, 25835, 25831, 25834, 25836, 32632, 32633, 3857)
OWN = "own:"  # prefix of the user's own columns, so that none is taken for one of ours


@dataclass(frozen=True)
class RawParcels:
    """Parcels as the file holds them: ``name`` (text or NA), own columns, geometry in file CRS."""

    layer: Layer
    table: gpd.GeoDataFrame
    id_column: str | None


def read_parcels(layer: Layer, *, id_column: str | None, columns: Sequence[str] = ()) -> RawParcels:
    """Read the parcels of a layer with their identity and the columns that criteria need.

    Parameters
    ----------
    layer
        The opened layer.
    id_column
        Column that identifies a parcel; None: guessed from `ID_COLUMNS`, else row numbers.
    columns
        The user's own columns to keep.

    Raises
    ------
    InputError
        A column is not there, or the layer is empty or impossible.
    """
    by_lower = {name.lower(): name for name in reversed(layer.fields)}
    chosen = id_column or next((by_lower[name] for name in ID_COLUMNS if name in by_lower), None)
    town = next((by_lower[name] for name in MUNICIPALITY_COLUMNS if name in by_lower), None)
    wanted = list(dict.fromkeys(name for name in (chosen, town, *columns) if name is not None))
    read = read_layer(layer, wanted)
    kept = {f"{OWN}{name}": read[name] for name in columns}
    table = gpd.GeoDataFrame(kept, geometry=read.geometry, index=read.index)
    table["name"] = _names(read, chosen, town)
    return RawParcels(layer, table, chosen)


def _names(read: gpd.GeoDataFrame, chosen: str | None, town: str | None) -> pd.Series:
    if chosen is None:
        return pd.Series(pd.NA, index=read.index, dtype="str")
    text = _as_text(read[chosen])
    if town is not None and chosen.lower().startswith("matrikkeln"):
        number = _as_text(read[town]).str.zfill(4)
        text = text.where(text.str.contains("-") | number.isna(), number + "-" + text)
    parts = text.str.extract(CADASTRAL)
    is_cadastral = parts[1].notna()
    short = parts[1] + "/" + parts[2]
    lease, section = (parts[i].fillna("0") for i in (3, 4))
    short = short.where((lease == "0") & (section == "0"), short + "/" + lease)
    short = short.where(section == "0", short + "/" + section)
    short = short.where(parts[0].isna(), parts[0] + "-" + short)
    return text.mask(is_cadastral, short)


def _as_text(column: pd.Series) -> pd.Series:
    """Write numbers without a decimal point, and treat blanks as missing."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    text = column.astype("str").where(column.notna()).str.strip()
    return text.mask(text == "")


def clean_parcels(
    raw: RawParcels, crs: pyproj.CRS, boundary: BaseGeometry | None
) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """Bring parcels into the analysis CRS, repair them, and keep those in the study area.

    Parameters
    ----------
    raw
        Parcels as the file holds them.
    crs
        The analysis CRS.
    boundary
        Parcels with their middle outside are left out; None: all are kept.

    Returns
    -------
    The parcels table, and what was found, repaired and left out.

    Raises
    ------
    InputError
        No parcel is left; the message says why.
    """
    facts: dict[str, Fact] = {
        "rows read": len(raw.table),
        "CRS": f"{raw.layer.crs_name} (from {raw.layer.crs_from})",
        "identity": raw.id_column or "row numbers",
    }
    listed: dict[str, list[str]] = {}
    table = raw.table.assign(name=_unique_names(raw.table["name"], facts, listed))
    shapes, repaired = _repaired(table.to_crs(crs).geometry.to_numpy(), facts)
    listed["geometry repaired"] = table["name"][repaired].tolist()
    useless = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    listed["no usable geometry, left out"] = table["name"][useless].tolist()
    facts["without usable geometry, left out"] = int(useless.sum())
    inside = ~useless
    if boundary is not None:
        shapely.prepare(boundary)
        inside[inside] = shapely.intersects(boundary, shapely.point_on_surface(shapes[inside]))
        facts["outside the boundary, left out"] = int((~useless & ~inside).sum())
    if not inside.any():
        raise _none_left(raw, gpd.GeoSeries(table.geometry[~useless]), boundary, crs)
    parcels = _parcel_table(table[inside], shapes[inside], crs)
    is_point = parcels["area_m2"].isna()
    facts |= {"parcels": int((~is_point).sum()), "candidate points": int(is_point.sum())}
    log.info("parcels: %d of %d rows", len(parcels), len(table))
    report = SourceReport(
        "parcels", str(raw.layer), facts, _warnings(facts, raw), (raw.layer.path,), _cut(listed)
    )
    return parcels, report


def _unique_names(
    names: pd.Series, facts: dict[str, Fact], listed: dict[str, list[str]]
) -> pd.Series:
    unnamed = names.isna()
    row = pd.Series(np.arange(1, len(names) + 1), index=names.index).astype("str")
    names = names.mask(unnamed, "row " + row)
    turn = names.groupby(names).cumcount() + 1
    facts["without identity, numbered by row"] = int(unnamed.sum())
    facts["identity used more than once, numbered"] = int((turn > 1).sum())
    listed["identity used more than once"] = sorted(set(names[turn > 1]))
    names = names.mask(turn > 1, names + "#" + turn.astype("str"))
    if names.duplicated().any():  # a file that holds both "a" twice and "a#2"
        names = names + " (row " + row + ")"
    return names


def _repaired(
    shapes: NDArray[np.object_], facts: dict[str, Fact]
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return 2D points and valid polygons (None for anything else), and which were repaired."""
    shapes = shapes.copy()
    has_z = shapely.has_z(shapes)
    shapes = shapely.force_2d(shapes)
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    finite = _finite(shapes)
    broken &= finite
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    mixed = shapely.get_type_id(shapes) == 7  # noqa: PLR2004 - a collection
    shapes[mixed & finite] = only_polygons(shapes[mixed & finite])
    kind = shapely.get_type_id(shapes)
    lone = kind == 4  # noqa: PLR2004 - a multipoint of one point is a point
    lone &= shapely.get_num_geometries(shapes) == 1
    shapes[lone] = shapely.get_geometry(shapes[lone], 0)
    usable = np.isin(shapely.get_type_id(shapes), [0, 3, 6]) & finite & ~shapely.is_empty(shapes)
    facts |= {
        "polygons repaired": int((broken & usable).sum()),
        "collections, their polygons kept": int((mixed & usable).sum()),
        "with heights (Z), flattened": int(has_z.sum()),
        "neither polygon nor point": int((~usable & finite & (kind >= 0)).sum()),
    }
    shapes[~usable] = None
    return shapes, (broken | mixed) & usable


def _finite(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Say which shapes have coordinates, every one of them a number."""
    xy, row = shapely.get_coordinates(shapes, return_index=True)
    wrong = np.bincount(row, ~np.isfinite(xy).all(axis=1), minlength=len(shapes)) > 0
    return np.asarray(shapely.get_num_coordinates(shapes) > 0) & ~wrong


def _parcel_table(
    table: gpd.GeoDataFrame, shapes: NDArray[np.object_], crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    is_area = shapely.get_dimensions(shapes) == 2  # noqa: PLR2004
    names = pd.Index(table["name"].to_numpy(dtype=object), dtype="str", name="parcel_id")
    parcels = gpd.GeoDataFrame(
        {
            "label": names.to_numpy(),
            "area_m2": np.where(is_area, shapely.area(shapes), np.nan),
            "municipal": "unknown",
        },
        geometry=shapes,
        crs=crs,
        index=names,
    )
    for name in table.columns[table.columns.str.startswith(OWN)]:
        parcels[name] = table[name].to_numpy()
    return parcels


def _warnings(facts: dict[str, Fact], raw: RawParcels) -> tuple[str, ...]:
    doubtful = (
        "polygons repaired", "collections, their polygons kept",
        "without usable geometry, left out", "identity used more than once, numbered",
    )  # fmt: skip
    said = [f"{name}: {facts[name]}" for name in doubtful if facts[name]]
    numbered = facts["without identity, numbered by row"]
    if raw.id_column is None:
        said.append(
            "no column identifies the parcels: row numbers are used; set `id` under [parcels]"
        )
    elif numbered:
        said.append(f"without identity, numbered by row: {numbered}")
    return tuple(said)


def _cut(listed: dict[str, list[str]]) -> dict[str, list[str]]:
    return {reason: names for reason, names in listed.items() if names}


def _none_left(
    raw: RawParcels, shapes: gpd.GeoSeries, boundary: BaseGeometry | None, crs: pyproj.CRS
) -> InputError:
    if boundary is None or len(shapes) == 0:
        return InputError(
            f"{raw.layer}: none of its {len(raw.table)} rows has a polygon or a point",
            hint="Choose a layer with parcels.",
        )
    where = ", ".join(f"{value:.3f}" for value in shapes.to_crs(4326).total_bounds)
    asked = gpd.GeoSeries([boundary], crs=crs).to_crs(4326)
    area = ", ".join(f"{value:.3f}" for value in asked.total_bounds)
    return InputError(
        f"{raw.layer}: no parcel lies in the study area (west, south, east, north: "
        f"the parcels {where}; the area {area})",
        hint=f"{guess_crs(raw, asked.iloc[0])} Or correct `boundary` under [area].".strip(),
    )


def guess_crs(raw: RawParcels, area: BaseGeometry) -> str:
    """Say which CRS would put the parcels into the area, if one of the usual ones does.

    Parameters
    ----------
    raw
        Parcels as the file holds them.
    area
        Where they should lie, EPSG:4326.

    Returns
    -------
    One sentence, empty where none does.
    """
    bounds = raw.table.geometry.bounds.to_numpy()
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if len(bounds) == 0:
        return ""
    (west, south), (east, north) = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    as_read, swapped = shapely.box(west, south, east, north), shapely.box(south, west, north, east)
    if _lies_in(area, as_read, raw.layer.crs):
        return ""  # they are about the area, just not in it
    for text, box in (("", as_read), (" with x and y swapped", swapped)):
        for code in USUAL_CRS:
            if _lies_in(area, box, pyproj.CRS.from_epsg(code)):
                return (
                    f"Read as EPSG:{code}{text} the parcels would lie there: "
                    "the coordinates or the CRS of the layer are probably wrong."
                )
    return ""


def _lies_in(area: BaseGeometry, box: BaseGeometry, crs: pyproj.CRS) -> bool:
    placed = gpd.GeoSeries([box], crs=crs).to_crs(4326)
    return bool(np.isfinite(placed.total_bounds).all() and placed.intersects(area).any())
