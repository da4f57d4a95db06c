"""The user's own services: places that OpenStreetMap does not hold."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from arealstrategi.area import WGS84
from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.spreadsheets import TABLES, cell_name, read_rows
from arealstrategi.sources.vector import open_layer, read_layer

# Names of columns, compared in lower case; the first one found counts.
NAME_COLUMNS = ("name", "navn")
ID_COLUMNS = ("id",)
CAPACITY_COLUMNS = ("capacity", "kapasitet", "plasser", "listelengde")
DEGREE_COLUMNS = (
    ("lon", "lng", "longitude", "lengdegrad"),
    ("lat", "latitude", "breddegrad"),
)
METRE_COLUMNS = (
    ("x", "øst", "ost", "east", "easting", "x_utm", "utm_x"),
    ("y", "nord", "north", "northing", "y_utm", "utm_y"),
)
_TOLD = {"name": NAME_COLUMNS, "id": ID_COLUMNS, "capacity": CAPACITY_COLUMNS}
MOST_DEGREES = 400.0  # no projected place in use lies that close to its origin


def read_points(
    path: Path, category: str, crs: pyproj.CRS, *, key: str | None = None
) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """Read own places of one category.

    Parameters
    ----------
    path
        CSV or XLSX with ``lon`` and ``lat`` (degrees) or ``x`` and ``y`` (metres in `crs`), or
        any vector file with points or polygons; either with or without ``name``, ``id`` and
        ``capacity``.
    category
        The category they belong to.
    crs
        The analysis CRS.
    key
        What the strategy file calls this input, for messages; left out: the points of a criterion.

    Returns
    -------
    Services table in `crs`, with ``capacity`` (NaN where it is not told), and what was read. A
    row without both coordinates, and a feature that is neither point nor polygon, is left out and
    reported.

    Raises
    ------
    InputError
        The file is missing or holds no place, or a coordinate cannot be one; the message names
        the cell.
    """
    key = key or f"`points` of the criterion '{category}'"
    is_table = path.suffix.lower() in TABLES
    read, stated = _from_table(path, key, crs) if is_table else _from_layer(path, key)
    shapes = _usable(read.to_crs(crs).geometry.to_numpy())
    usable = ~shapely.is_missing(shapes)
    if not usable.any():
        raise InputError(
            f"{path}: none of its {len(read)} rows holds a place",
            hint="Give rows with coordinates, or a layer with points or polygons.",
        )
    identity, repeated = _identities(read["id"])
    services = gpd.GeoDataFrame(
        {
            "service_id": f"own:{category}:" + identity,
            "category": category,
            "name": read["name"].fillna(""),
            "kind": "own",
            "capacity": _capacity(path, read["capacity"]),
        },
        geometry=shapes,
        crs=crs,
    )
    why = "without coordinates" if is_table else "neither point nor polygon"
    lost = services["name"][~usable].items()
    problems = {
        f"{why}, left out": [f"row {row} {name}".strip() for row, name in lost],
        "id used more than once, numbered": repeated,
    }
    facts: dict[str, Fact] = {"places": int(usable.sum()), "CRS": stated}
    report = SourceReport(
        f"own points: {category}",
        str(path),
        facts | {problem: len(rows) for problem, rows in problems.items()},
        tuple(f"{problem}: {len(rows)}" for problem, rows in problems.items() if rows),
        (path,),
        {problem: rows for problem, rows in problems.items() if rows},
        what="own places in a table" if is_table else "own places in a map layer",
    )
    return services[usable].reset_index(drop=True), report


def _capacity(path: Path, told: pd.Series) -> pd.Series:
    """Read numbers from 0 up; NaN where a place tells none."""
    number = pd.to_numeric(told.str.replace(",", ".", regex=False), errors="coerce").astype(float)
    wrong = told.notna() & ~(np.isfinite(number) & (number >= 0))
    if wrong.any():
        row = told.index[int(np.argmax(wrong))]
        raise InputError(
            f"{path}, row {row}: the capacity {told[row]!r} is not a number from 0 up",
            hint="Correct the cell, or leave it empty where the capacity is not known.",
        )
    return number


def _identities(ids: pd.Series) -> tuple[pd.Series, list[str]]:
    """Return one identity per place, by row number where it has none, and those met again."""
    number = pd.Series(np.arange(1, len(ids) + 1), index=ids.index).astype("str")
    identity = ids.where(ids.notna(), number if ids.isna().all() else "row " + number)
    turn = identity.groupby(identity).cumcount() + 1
    repeated = sorted(set(identity[turn > 1]))
    return identity.mask(turn > 1, identity + "#" + turn.astype("str")), repeated


def _from_layer(path: Path, key: str) -> tuple[gpd.GeoDataFrame, str]:
    """Read a layer; its index counts the features from 1."""
    layer = open_layer(path, None, key=key)
    wanted = [_first(names, layer.fields) for names in _TOLD.values()]
    read = read_layer(layer, [column for column in wanted if column is not None])
    table = gpd.GeoDataFrame(_name_and_id(read), geometry=read.geometry, crs=read.crs)
    return table.set_index(np.arange(1, len(table) + 1)), layer.crs_name


def _name_and_id(read: pd.DataFrame) -> dict[str, pd.Series]:
    fields = tuple(read.columns)
    found = {new: _first(names, fields) for new, names in _TOLD.items()}
    return {
        new: pd.Series(pd.NA, read.index, dtype="str") if column is None else _as_text(read[column])
        for new, column in found.items()
    }


def _first(names: tuple[str, ...], columns: tuple[str, ...]) -> str | None:
    by_lower = {column.lower(): column for column in reversed(columns)}
    return next((by_lower[name] for name in names if name in by_lower), None)


def _as_text(column: pd.Series) -> pd.Series:
    """Write numbers without a decimal point, and treat blanks as missing."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    text = column.astype("str").where(column.notna()).astype("str").str.strip()
    return text.mask(text == "")


def _usable(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return points and valid polygons in 2D, None for anything else."""
    shapes = shapely.force_2d(shapes)
    finite = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    broken = finite & ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    lone = (shapely.get_type_id(shapes) == 4) & (shapely.get_num_geometries(shapes) == 1)  # noqa: PLR2004
    shapes[lone] = shapely.get_geometry(shapes[lone], 0)
    known = np.isin(shapely.get_type_id(shapes), [0, 3, 6]) & finite & ~shapely.is_empty(shapes)
    shapes[~known] = None
    return np.asarray(shapes, dtype=object)


def _from_table(path: Path, key: str, crs: pyproj.CRS) -> tuple[gpd.GeoDataFrame, str]:
    """Read a table; its index is the row in the file."""
    rows = read_rows(path, key=key)
    fields = tuple(rows.columns)
    x, y = (_first(names, fields) for names in DEGREE_COLUMNS)
    stated = WGS84
    if x is None or y is None:
        x, y = (_first(names, fields) for names in METRE_COLUMNS)
        stated = crs
    if x is None or y is None:
        raise InputError(
            f"{path}: has neither the columns lon and lat nor x and y (found: {', '.join(fields)})",
            hint="Name the columns lon and lat (degrees) or x and y (metres).",
        )
    xy = _coordinates(rows, x, y)
    _check_unit(rows, x, xy, stated)
    table = gpd.GeoDataFrame(_name_and_id(rows), geometry=_points(xy), crs=stated)
    return table, stated.to_string()


def _points(xy: NDArray[np.float64]) -> NDArray[np.object_]:
    points = np.full(len(xy), None, dtype=object)
    there = ~np.isnan(xy).any(axis=1)
    points[there] = shapely.points(xy[there])
    return points


def _check_unit(rows: pd.DataFrame, x: str, xy: NDArray[np.float64], stated: pyproj.CRS) -> None:
    """Refuse metres in columns for degrees, and degrees in columns for metres."""
    too_far = (np.abs(xy) > (180, 90)).any(axis=1)
    wrong = too_far if stated.is_geographic else np.hypot(*xy.T) <= MOST_DEGREES
    if not wrong.any():
        return
    where = cell_name(rows, int(rows.index[int(np.argmax(wrong))]), x)
    if stated.is_geographic:
        raise InputError(
            f"{where}: lon or lat is beyond 180 or 90 degrees",
            hint="Metres belong in columns named x and y.",
        )
    raise InputError(
        f"{where}: x and y look like degrees, but are read as metres in {stated.to_string()}",
        hint="Degrees belong in columns named lon and lat.",
    )


def _coordinates(rows: pd.DataFrame, x: str, y: str) -> NDArray[np.float64]:
    """Read pairs of numbers with a decimal point or comma; NaN where neither is given."""
    text = rows[[x, y]].apply(
        lambda column: (
            column.str.replace(re.compile(r"\s"), "", regex=True)
            .str.replace(",", ".", regex=False)
            .str.replace("−", "-", regex=False)
        )
    )
    empty = (text.isna() | (text == "")).to_numpy()
    numbers = text.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    wrong = ~np.isfinite(numbers) & ~empty.all(axis=1)[:, np.newaxis]
    if wrong.any():
        at, side = np.argwhere(wrong)[0]
        row, column = int(rows.index[at]), (x, y)[side]
        found = "is empty" if empty[at, side] else f"{rows[column].iloc[at]!r} is not a number"
        raise InputError(
            f"{cell_name(rows, row, column)}: {found}", hint="Correct the cell or delete the row."
        )
    return np.asarray(numbers)
