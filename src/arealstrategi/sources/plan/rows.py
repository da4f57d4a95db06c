"""The areas of plan layers as the file holds them, in our columns; nothing is judged here yet."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from arealstrategi.errors import InputError
from arealstrategi.sources.plan.fields import (
    COLUMNS,
    MUNICIPALITY,
    OBJECT_TYPE,
    PLAN_IDENTITY,
    TYPES,
    as_text,
    coalesce,
    columns_of,
    type_by_columns,
    type_of,
    type_of_layer,
)
from arealstrategi.sources.vector import Layer, layer_names, open_layer, read_layer

_MUNICIPAL_PLANS = "2"  # plantype 20–22; zoning plans are 30–35
_HINT = (
    "Name the layer after its object type, such as KpArealformålOmråde, RpArealformålOmråde, "
    "RpOmråde or RpFareSone, or give it a column `objtype` that says so."
)


def open_plan(
    path: Path, layer: str | None = None, *, key: str, crs: str | None = None
) -> tuple[Layer, ...]:
    """Open the layers of a file that hold plan areas.

    Parameters
    ----------
    path
        Any file that GDAL reads.
    layer
        The only one to open; None: all whose names are object types of plans, or the only one.
    key, crs
        As in `vector.open_layer`.

    Raises
    ------
    InputError
        As `vector.open_layer`; also where the file has several layers and none is named so.
    """
    if layer is not None:
        return (open_layer(path, layer, key=key, crs=crs),)
    names = layer_names(path) if path.exists() else []
    named = [name for name in names if type_of_layer(name) is not None]
    if not named:
        return (open_layer(path, None, key=key, crs=crs),)
    return tuple(open_layer(path, name, key=key, crs=crs) for name in named)


def unread_layers(layers: tuple[Layer, ...]) -> list[str]:
    """Return the layers of the same files that are not among `layers`."""
    read = {(layer.path, layer.name) for layer in layers}
    paths = dict.fromkeys(layer.path for layer in layers)
    return [name for path in paths for name in layer_names(path) if (path, name) not in read]


def read_rows(layer: Layer, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Read one layer into our columns, one row per feature, in the analysis CRS.

    Returns
    -------
    ``told``: the object type as the file says it; ``kind`` and ``level``: NA where it is not one of
    ours; ``code``, ``future``, ``plan_id``, ``plantype``, ``planstatus``, ``vertical``, ``name``:
    text or NA; ``date`` as ``2019-05-01``; ``bad_date``: whether there was one that is no date.

    Raises
    ------
    InputError
        Nothing says what kind of plan areas the layer holds.
    """
    fields = layer.fields
    wanted = [columns_of(fields, aliases) for aliases in COLUMNS.values()]
    wanted += [columns_of(fields, names) for names in (OBJECT_TYPE, MUNICIPALITY, PLAN_IDENTITY)]
    table = read_layer(layer, list(dict.fromkeys(name for names in wanted for name in names)))
    text = pd.DataFrame(
        {name: coalesce(table, columns_of(fields, COLUMNS[name])) for name in COLUMNS}
    )
    rows = _types(layer, table, text["plantype"])
    rows["code"] = _codes(rows["kind"], text)
    for name in ("future", "plantype", "planstatus", "vertical"):
        rows[name] = _digits(text[name])
    rows["plan_id"] = _plan_ids(table, fields)
    rows["name"] = text["name"]
    said = text["date"].fillna(text["adopted"])
    rows["date"] = _dates(text["date"]).fillna(_dates(text["adopted"]))
    rows["bad_date"] = said.notna() & rows["date"].isna()
    shapes = shapely.force_2d(table.geometry.to_numpy())
    geometry = gpd.GeoSeries(shapes, index=table.index, crs=table.crs).to_crs(crs)
    return gpd.GeoDataFrame(rows, geometry=geometry)


def _types(layer: Layer, table: gpd.GeoDataFrame, plantype: pd.Series) -> pd.DataFrame:
    """Say of each row what it is: by its own column, else the layer's name, else the columns."""
    by_name = type_of_layer(layer.name)
    told = pd.Series(pd.NA, index=table.index, dtype="str")
    for name in columns_of(layer.fields, OBJECT_TYPE):
        text = as_text(table[name])
        if any(type_of(value) for value in text.dropna().unique()):
            told = text
            break
    by_layer = by_name or type_by_columns(layer.fields)
    types = told.map({value: type_of(value) for value in told.dropna().unique()})
    types = types.where(told.notna(), by_layer).astype(object)
    kind = types.map({known: kind for known, (kind, _) in TYPES.items()})
    level = types.map({known: level for known, (_, level) in TYPES.items()})
    if kind.isna().all() and told.isna().all():
        if not columns_of(layer.fields, COLUMNS["plantype"]):
            raise InputError(f"{layer}: nothing says what kind of plan areas these are", hint=_HINT)
        kind[:] = "plan"
        level = plantype.str.startswith(_MUNICIPAL_PLANS).map({True: "kp", False: "rp"})
        kind[level.isna()] = None
    told = told.fillna(layer.name)
    return pd.DataFrame({"told": told, "kind": kind, "level": level}, dtype="str")


def _codes(kind: pd.Series, text: pd.DataFrame) -> pd.Series:
    purpose = _digits(text["purpose"])
    named = text["name"].str.extract(r"^H[ _]?(\d{3})(?!\d)", expand=False)  # "H570_1"
    zone = "H" + _digits(text["zone"]).fillna(named)
    return purpose.where(kind == "purpose", zone.where(kind == "zone"))


def _digits(text: pd.Series) -> pd.Series:
    """Return the number that a code begins with: of "H310", "1110.0", "1110 Boligbebyggelse"."""
    return text.str.extract(r"^H?(\d+)", expand=False)


def _plan_ids(table: gpd.GeoDataFrame, fields: tuple[str, ...]) -> pd.Series:
    """Return ``kommunenummer_planidentifikasjon``; without the first where it is not given."""
    identity = pd.Series(pd.NA, index=table.index, dtype="str")
    town = coalesce(table, columns_of(fields, MUNICIPALITY))
    for name in columns_of(fields, PLAN_IDENTITY):
        text = as_text(table[name])
        nested = text.str.startswith("{").fillna(value=False)  # GeoJSON keeps objects as JSON
        inside = text.str.extract(r"planidentifikasjon\W+(\w[^'\"]*)", expand=False)
        identity = identity.fillna(text.mask(nested, inside))
        town = town.fillna(text.str.extract(r"kommunenummer\W+(\d{3,4})", expand=False))
    town = town.where(town.str.fullmatch(r"\d{1,4}")).str.zfill(4)
    complete = identity.str[:5] == town + "_"
    return (town + "_" + identity).where(town.notna() & ~complete, identity)


def _dates(text: pd.Series) -> pd.Series:
    """Return dates as ``2019-05-01``, from that, ``20190501`` and ``01.05.2019``."""
    iso = text.str.replace(r"^(\d{4})(\d{2})(\d{2})(?:\d{6})?$", r"\1-\2-\3", regex=True)
    iso = iso.str.replace(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})\b.*$", r"\3-\2-\1", regex=True)
    day = iso.str.extract(r"^(\d{4}-\d{1,2}-\d{1,2})(?!\d)", expand=False)
    return pd.to_datetime(day, format="%Y-%m-%d", errors="coerce").dt.strftime("%Y-%m-%d")
