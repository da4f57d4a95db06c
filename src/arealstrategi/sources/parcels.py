"""Parcels from any vector file: identified, repaired and counted, none dropped in silence."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
from arealstrategi.sources.cadastre import (
    CadastralColumns,
    find_columns,
    from_parts,
    labels,
    parse_numbers,
)
from arealstrategi.sources.vector import USUAL_CRS, Layer, read_layer

log = logging.getLogger(__name__)

# Column names that hold an identity, in the order of trust (compared without case); the spellings
# of the cadastral number come before the numbers that a database gives its rows.
OWN_ID_COLUMNS = ("parcel_id",)
ROW_ID_COLUMNS = ("teigid", "lokalid", "id", "objid", "objectid")
# What the cadastre says of the quality of a teig, and the area it has on file; last parts of names.
AREA_COLUMNS = ("lagretberegnetareal", "lagretbere", "areal")
ACCURACY_COLUMNS = ("noyaktighetsklasseteig", "nøyaktighetsklasseteig", "noyaktighe", "nøyaktighe")
# The cadastre's traffic light for how well a teig is placed; green, and anything else, is 0.
ACCURACY = {"gul": 1, "rød": 2, "rod": 2}
DISPUTED, SHARED = ("tvist",), ("teigmedflerematrikkelenheter", "teigmedfle")
FARTHEST_M = 1e8  # more than twice around the Earth
SAME_AREA = 0.01  # judgement: an outline as large as the register says, but for 1 %
YES = ("1", "true", "ja", "t", "yes")
OWN = "own:"  # prefix of the user's own columns, so that none is taken for one of ours


@dataclass(frozen=True)
class RawParcels:
    """Parcels as the file holds them, in its CRS.

    Parameters
    ----------
    layer
        Where they are from.
    table
        ``name`` (text or NA), ``property`` (cadastral label or NA), ``register_m2``, ``disputed``,
        ``shared``, ``accuracy`` (1 yellow, 2 red, else 0), own columns and geometry.
    id_column
        What identifies them: a column, or the columns of the cadastral number; None: nothing.
    """

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
        Column that identifies a parcel; None: the cadastral number, as text or put together from
        its parts, else a column with the identity of the row, else row numbers.
    columns
        The user's own columns to keep.

    Raises
    ------
    InputError
        A column is not there, or the layer is empty or impossible.
    """
    cadastral = find_columns(layer.fields)
    chosen = id_column or _column(layer, OWN_ID_COLUMNS)
    told = {
        "register": _column(layer, AREA_COLUMNS),
        "disputed": _column(layer, DISPUTED),
        "shared": _column(layer, SHARED),
        "accuracy": _column(layer, ACCURACY_COLUMNS),
    }
    row_id = _column(layer, ROW_ID_COLUMNS)
    wanted = (chosen, row_id, *vars(cadastral).values(), *told.values(), *columns)
    read = read_layer(layer, list(dict.fromkeys(name for name in wanted if name is not None)))
    kept = {f"{OWN}{name}": read[name] for name in columns}
    table = gpd.GeoDataFrame(kept, geometry=read.geometry, index=read.index)
    table["property"] = _properties(read, cadastral)
    has_number = bool(table["property"].notna().any())
    said = " + ".join(name for name in vars(cadastral).values() if name is not None)
    if chosen is not None:
        number = labels(parse_numbers(_as_text(read[chosen])))
        is_number = cadastral.text == chosen
        name = (table["property"] if is_number else number).fillna(_as_text(read[chosen]))
    elif has_number or cadastral.text is not None or row_id is None:
        chosen, name = said or None, table["property"]
        if cadastral.text is not None:
            name = name.fillna(_as_text(read[cadastral.text]))
    else:
        chosen, name = row_id, _as_text(read[row_id])
    table["name"] = name.astype("str")
    table["register_m2"] = _numbers(read, told["register"])
    table["disputed"] = _is_yes(read, told["disputed"])
    table["shared"] = _is_yes(read, told["shared"])
    table["accuracy"] = _accuracy(read, told["accuracy"])
    return RawParcels(layer, table, chosen)


def _column(layer: Layer, names: Sequence[str]) -> str | None:
    """Return the column with one of `names`: of nested names the last part counts."""
    by_name = {re.split(r"[|.]", name)[-1].lower(): name for name in reversed(layer.fields)}
    return next((by_name[name] for name in names if name in by_name), None)


def _properties(read: gpd.GeoDataFrame, columns: CadastralColumns) -> pd.Series:
    """Return the cadastral label of each row: from the text, else from the parts."""
    nothing = pd.Series(pd.NA, index=read.index, dtype="str")
    town = None if columns.municipality is None else _as_text(read[columns.municipality])
    found = nothing
    if columns.text is not None:
        parts = parse_numbers(_as_text(read[columns.text]))
        if town is not None:
            known = from_parts(town, parts["gnr"], parts["bnr"], parts["fnr"], parts["snr"])
            parts["municipality"] = parts["municipality"].fillna(known["municipality"])
        found = labels(parts)
    if columns.has_parts:
        of: dict[str, Any] = {
            part: None if name is None else _first_of(read[name])
            for part, name in vars(columns).items()
            if part not in {"text", "municipality"}
        }
        found = found.fillna(labels(from_parts(town, **of)))
    return found.astype("str")


def _numbers(read: gpd.GeoDataFrame, name: str | None) -> pd.Series:
    if name is None:
        return pd.Series(np.nan, index=read.index)
    text = _as_text(read[name]).str.replace(",", ".", regex=False)
    return pd.to_numeric(text, errors="coerce").astype(float)


def _is_yes(read: gpd.GeoDataFrame, name: str | None) -> pd.Series:
    if name is None:
        return pd.Series(data=False, index=read.index)
    return _as_text(read[name]).str.lower().isin(YES)


def _accuracy(read: gpd.GeoDataFrame, name: str | None) -> pd.Series:
    if name is None:
        return pd.Series(0, index=read.index)
    colour = _as_text(read[name]).str.lower().str[:3]
    return colour.map(ACCURACY).fillna(0).astype(int)


def _first_of(column: pd.Series) -> pd.Series:
    """Return the first of several, as a GML has of a teig that several units share."""
    if column.dtype != object:
        return column
    several = column.map(lambda value: isinstance(value, np.ndarray))
    return column.mask(several, column[several].map(lambda value: value[0] if len(value) else None))


def _as_text(column: pd.Series) -> pd.Series:
    """Write numbers without a decimal point, and treat blanks as missing."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    text = column.astype("str").where(column.notna()).str.strip()
    return text.mask(text == "")


def clean_parcels(
    raw: RawParcels,
    crs: pyproj.CRS,
    boundary: BaseGeometry | None,
    *,
    merge: bool = False,
    min_width_m: float = 0.0,
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
    merge
        Whether the teiger of one property become one parcel.
    min_width_m
        Parcels that no circle of this diameter fits into are marked ``narrow``; 0: none is.

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
        "CRS": raw.layer.crs_told,
        "identity": raw.id_column or "row numbers",
    }
    listed: dict[str, list[str]] = {}
    source = _merged(raw.table, facts) if merge else raw.table
    table = source.assign(name=_unique_names(source["name"], facts, listed))
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
    facts |= _told_by_register(table[inside], parcels)
    parcels["narrow"] = _narrow(parcels, min_width_m)
    if min_width_m > 0:
        facts[f"narrower than {min_width_m:g} m, marked"] = int(parcels["narrow"].sum())
    log.info("parcels: %d of %d rows", len(parcels), len(table))
    report = SourceReport(
        "parcels", str(raw.layer), facts, _warnings(facts, raw), (raw.layer.path,), _cut(listed),
        what="Matrikkelen – Eiendomskart Teig" if is_cadastre(raw.layer) else "parcels",
    )  # fmt: skip
    return parcels, report


def is_cadastre(layer: Layer) -> bool:
    """Say whether a layer has the columns of Kartverket's Eiendomskart Teig."""
    names = {re.split(r"[|.]", name)[-1].lower() for name in layer.fields}
    return bool(names & {"teigid", "lagretberegnetareal", "matrikkelnummertekst", "uuidteig"})


def _merged(table: gpd.GeoDataFrame, facts: dict[str, Fact]) -> gpd.GeoDataFrame:
    """Make the teiger of each property one row: areas summed, the first row's columns kept."""
    shapes = shapely.force_2d(table.geometry.to_numpy())
    polygons = np.isin(shapely.get_type_id(shapes), [3, 6])
    facts["polygons repaired before joining"] = int((polygons & ~shapely.is_valid(shapes)).sum())
    joins = table["property"].notna().to_numpy() & polygons
    teiger = table[joins]
    teiger = teiger.set_geometry(shapely.make_valid(shapes[joins], method="structure"))
    of = teiger.groupby("property", sort=False)
    first = of.first()
    summed = of[["register_m2"]].sum(min_count=1)
    flags, worst = of[["disputed", "shared"]].any(), of["accuracy"].max()
    joined = teiger[["property", teiger.geometry.name]].dissolve("property", sort=False).geometry
    whole = first.assign(register_m2=summed["register_m2"], disputed=flags["disputed"])
    whole = whole.assign(shared=flags["shared"], accuracy=worst, geometry=joined).reset_index()
    whole["name"] = whole["property"]
    facts["teiger joined into properties"] = f"{len(teiger)} into {len(whole)}"
    both = pd.concat([gpd.GeoDataFrame(whole, crs=table.crs), table[~joins]], ignore_index=True)
    return gpd.GeoDataFrame(both, crs=table.crs)


def _told_by_register(table: gpd.GeoDataFrame, parcels: gpd.GeoDataFrame) -> dict[str, Fact]:
    """Compare with what the cadastre says of area and quality."""
    facts: dict[str, Fact] = {}
    register_m2 = table["register_m2"].to_numpy()
    area_m2 = parcels["area_m2"].to_numpy()
    known = (register_m2 > 0) & np.isfinite(area_m2)
    if known.any():
        same = np.abs(area_m2[known] / register_m2[known] - 1) <= SAME_AREA
        facts["area as in the register, within 1 %"] = f"{int(same.sum())} of {int(known.sum())}"
    for name, told in (("disputed", "disputed border"), ("shared", "held by several units")):
        if table[name].any():
            facts[told] = int(table[name].sum())
    for level, told in ((1, "accuracy yellow: to be checked"), (2, "accuracy red: poor")):
        if (table["accuracy"] == level).any():
            facts[told] = int((table["accuracy"] == level).sum())
    return facts


def _narrow(parcels: gpd.GeoDataFrame, min_width_m: float) -> NDArray[np.bool_]:
    """Say which polygons are nowhere as wide: shrunk by half the width, nothing is left.

    The area of a polygon without holes is at most its perimeter times the radius of the largest
    circle in it (Sz.-Nagy 1959), so that those with such a part need not be shrunk.
    """
    shapes, half_m = parcels.geometry.to_numpy(), min_width_m / 2
    narrow = np.zeros(len(shapes), dtype=bool)
    if min_width_m <= 0:
        return narrow
    parts, row = shapely.get_parts(shapes, return_index=True)
    sure = (shapely.area(parts) > 0) & (shapely.area(parts) >= half_m * shapely.length(parts))
    sure &= shapely.get_num_interior_rings(parts) == 0
    wide = np.bincount(row[sure], minlength=len(shapes)) > 0
    doubtful = parcels["area_m2"].notna().to_numpy() & ~wide
    narrow[doubtful] = shapely.is_empty(shapely.buffer(shapes[doubtful], -half_m))
    return narrow


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
    """Say which shapes have coordinates, every one of them a number and on Earth."""
    xy, row = shapely.get_coordinates(shapes, return_index=True)
    on_earth = (np.abs(xy) < FARTHEST_M).all(axis=1)  # of what is no number, it is false
    wrong = np.bincount(row, ~on_earth, minlength=len(shapes)) > 0
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
            "property": table["property"].to_numpy(),
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
        "polygons repaired", "polygons repaired before joining", "collections, their polygons kept",
        "without usable geometry, left out", "identity used more than once, numbered",
        "disputed border", "accuracy red: poor",
    )  # fmt: skip
    said = [f"{name}: {facts[name]}" for name in doubtful if facts.get(name)]
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
