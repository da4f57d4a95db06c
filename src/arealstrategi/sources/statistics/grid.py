"""Population grids of Statistics Norway (250 m, 1 km …): files with squares, or CSV with cell ids.

The id alone says where a cell lies (see `cells`); the shapes of a file, which may be cut along a
border, are only checked against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.statistics.cells import (
    FALSE_EASTING_M,
    NORTHING_DIGITS,
    UTM33,
    corner_of,
    squares,
)
from arealstrategi.sources.textfiles import read_csv
from arealstrategi.sources.vector import Layer, layer_names, open_layer, read_layer

KEY = "`grid` under [population]"
LICENCE = "CC BY 4.0 / NLOD, Kilde: SSB"
TABLES = (".csv", ".txt")
SIDES_M = (5000, 1000, 500, 250, 100)
# Where Norway lies in UTM33, Svalbard included; an id elsewhere is no cell id.
EASTINGS_M, NORTHINGS_M = (-200_000, 1_300_000), (6_400_000, 9_100_000)
DISAGREES_M = 1.0  # shapes written with few decimals, or cut along a border, still agree

_ID = re.compile(r"(?:ssbid|ssbruteid|ruteid)0*(\d*)(k?m?)|(?:ru|rute)0*(\d+)(k?m)")
_SIDE_IN_NAME = re.compile(r"(?<!\d)0*(\d+)\s?(km|m)(?![a-z])")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
# Memory for the older names; `poptot`, `popTot`, `pop_tot` and `statistikkår` were seen in files.
_NAMES = {
    "poptot": "residents", "residents": "residents", "bosatte": "residents",
    "popave": "mean_age", "popfem": "women", "popmal": "men",
    "statistikkår": "year", "statistikkar": "year", "statistikk": "year", "år": "year",
}  # fmt: skip
_NUMBERS = ("residents", "mean_age", "women", "men")
_NONE, _HIDDEN = ("-", "–"), (".", "..", "...", ":")


@dataclass(frozen=True)
class _Rows:
    """What a file holds, before it is understood.

    Parameters
    ----------
    where
        File and layer, for messages.
    row
        What a row is called ("row", "feature"), and what to add to its index to count from 1.
    table
        ``id`` as written, and the columns of `_NAMES` that are there.
    id_name
        What the file calls the column of ids.
    shapes
        The shapes in UTM33, None for a table.
    facts
        What the layer says of itself.
    """

    where: str
    row: tuple[str, int]
    table: pd.DataFrame
    id_name: str
    shapes: NDArray[np.object_] | None
    facts: dict[str, Fact]

    def at(self, mask: NDArray[np.bool_] | pd.Series) -> str:
        """Name the first row of a mask."""
        return f"{self.row[0]} {int(self.table.index[np.flatnonzero(mask)[0]]) + self.row[1]}"


def read_grid(
    path: Path,
    *,
    layer: str | None = None,
    crs: pyproj.CRS,
    boundary: BaseGeometry | None = None,
    key: str = KEY,
) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """Read a population grid.

    The open grids hold the total in each cell and, at 1 km, women, men and the mean age; never
    age groups. A mean age of 0 in a cell with residents is a hidden number.

    Parameters
    ----------
    path
        CSV with a column of cell ids, or any vector file with one.
    layer
        Its layer; None: the only one that has cell ids.
    crs
        The analysis CRS.
    boundary
        The study area in `crs`; cells that do not overlap it are left out. None: all are kept.
    key
        What the strategy file calls it, for messages.

    Returns
    -------
    Cells, index ``cell_id`` (text, 14 digits): ``residents`` (NaN where hidden or missing), where
    the file has them ``mean_age``, ``women``, ``men``, ``year``; ``side_m``; the whole square as
    geometry. And what was read.

    Raises
    ------
    InputError
        The file is unreadable, has no ids or residents, or its ids contradict each other or the
        shapes.
    """
    is_table = path.suffix.lower() in TABLES
    rows = _from_table(path, key) if is_table else _from_layer(path, layer, key)
    facts: dict[str, Fact] = {**rows.facts, "rows": len(rows.table)}
    warnings: list[str] = []
    cells = _numbers(rows, facts)
    placed = _placed(rows, cells, facts, warnings)
    kept = _one_year(path, cells, placed, facts, warnings)
    side_m = _side(path, rows, cells["id"], kept, facts)
    _check_shapes(rows, cells["id"], kept, side_m)
    cells = _unique(rows, cells, kept, facts)
    facts |= {"cells": len(cells), "residents": float(cells["residents"].sum())}
    found = _in_area(cells, side_m, crs, boundary)
    hidden = int(found["residents"].isna().sum())
    if hidden:
        warnings.append(f"cells whose number of residents is hidden or missing: {hidden}")
    if boundary is not None:
        facts |= {
            "cells in the study area": len(found),
            "residents in these cells": float(found["residents"].sum()),
        }
        if found.empty:
            warnings.append("no cell lies in the study area; is it the right file?")
    report = SourceReport(
        "population", rows.where, facts, tuple(warnings), (path,),
        what=f"population grid of {side_m} m (SSB rutenett)",
        date=f"statistic year {facts['statistic year']}" if "statistic year" in facts else "",
        licence=LICENCE,
    )  # fmt: skip
    return found, report


def _plain(name: str) -> str:
    return re.sub(r"[\s_]", "", name.lower())


def _from_table(path: Path, key: str) -> _Rows:
    table = read_csv(path, key=key)
    names = _columns(str(path), list(table.columns))
    id_name = next(name for name, meaning in names.items() if meaning == "id")
    table = table[list(names)].rename(columns=names)
    return _Rows(str(path), ("row", 0), table, id_name, None, {})


def _from_layer(path: Path, layer: str | None, key: str) -> _Rows:
    opened = _choose(path, layer, key)
    names = _columns(str(opened), list(opened.fields))
    id_name = next(name for name, meaning in names.items() if meaning == "id")
    table = read_layer(opened, list(names))
    shapes = np.asarray(table.geometry.to_crs(UTM33).to_numpy(), dtype=object)
    plain = pd.DataFrame(table.drop(columns=table.geometry.name)).rename(columns=names)
    facts: dict[str, Fact] = {"CRS": opened.crs_name, "CRS from": opened.crs_from}
    return _Rows(str(opened), ("feature", 1), plain, id_name, shapes, facts)


def _choose(path: Path, layer: str | None, key: str) -> Layer:
    """Open the layer asked for, or the only one with a column of cell ids."""
    names: list[str | None] = [layer]
    if layer is None:
        names = ([*layer_names(path, areas=True)] if path.exists() else []) or [None]
    opened = [open_layer(path, name, key=key) for name in names]
    if len(opened) == 1:
        return opened[0]
    usable = [one for one in opened if any(_ID.fullmatch(_plain(name)) for name in one.fields)]
    if len(usable) != 1:
        raise InputError(
            f"{path}: {len(usable) or 'none'} of its {len(opened)} layers "
            f"{'has' if not usable else 'have'} a column of cell ids such as ssbid250m",
            hint=f"Name one under {key}; its layers are: "
            f"{', '.join(repr(one.name) for one in (usable or opened))}.",
        )
    return usable[0]


def _columns(where: str, fields: list[str]) -> dict[str, str]:
    """Return what each column that is understood means; two of one meaning are refused."""
    meaning = {
        name: "id" if _ID.fullmatch(_plain(name)) else _NAMES.get(_plain(name)) for name in fields
    }
    known = {name: str(what) for name, what in meaning.items() if what is not None}
    for wanted, example in (("id", "ssbid250m"), ("residents", "pop_tot")):
        named = [name for name, what in known.items() if what == wanted]
        if len(named) != 1:
            found = f"has {len(named)} such columns" if named else "has no such column"
            raise InputError(
                f"{where}: one column of {'cell ids' if wanted == 'id' else 'residents'}, "
                f"such as {example}, is needed, and it {found}",
                hint=f"The columns are: {', '.join(fields) or 'none'}.",
            )
    first: dict[str, str] = {}
    for name, what in known.items():
        first.setdefault(what, name)
    return {name: what for what, name in first.items()}


def _numbers(rows: _Rows, facts: dict[str, Fact]) -> pd.DataFrame:
    """Return the table with numbers as floats; hidden and missing ones are NaN and counted."""
    table = rows.table.copy()
    for name in _NUMBERS:
        if name not in table:
            continue
        table[name], hidden = _read_numbers(rows, table[name], name)
        if hidden:
            facts[f"hidden by a sign ({name})"] = hidden
    if "mean_age" in table:
        unknown = (table["mean_age"] == 0) & (table["residents"] != 0)
        facts["mean age 0 taken as hidden"] = int(unknown.sum())
        table["mean_age"] = table["mean_age"].mask(unknown)
    return table


def _read_numbers(rows: _Rows, column: pd.Series, name: str) -> tuple[pd.Series, int]:
    hidden = pd.Series(data=False, index=column.index)
    missing = column.isna()
    if not pd.api.types.is_numeric_dtype(column):
        text = column.astype("str").str.replace(r"\s", "", regex=True)
        hidden = text.isin(_HIDDEN)
        missing |= hidden | (text == "")
        text = text.str.replace(",", ".", regex=False).mask(text.isin(_NONE), "0")
        column = pd.to_numeric(text.mask(missing), errors="coerce")
    numbers = column.astype(float)
    wrong = ~missing & ~((numbers >= 0) & np.isfinite(numbers))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{rows.where}: {rows.at(wrong)}, {name}: {str(rows.table[name].iloc[row])!r} is not a "
            "number of 0 or more",
            hint="Correct the cell; leave it empty, or write : where the number is hidden.",
        )
    return numbers, int(hidden.sum())


def _placed(
    rows: _Rows, cells: pd.DataFrame, facts: dict[str, Fact], warnings: list[str]
) -> pd.Series:
    """Make ``id`` whole numbers and say which rows have one; a total row has none."""
    written = cells["id"]
    if pd.api.types.is_numeric_dtype(written):
        number, blank = written.astype(float), written.isna()
    else:
        text = written.astype("str").str.strip().str.strip("'\"")
        blank = written.isna() | ~text.str.contains(r"\d", regex=True)
        text = text.str.replace(",", ".", regex=False).mask(blank)
        number = pd.to_numeric(text, errors="coerce").astype(float)
    east = number // NORTHING_DIGITS - FALSE_EASTING_M
    north = number % NORTHING_DIGITS
    usable: pd.Series = (
        (number % 1 == 0) & east.between(*EASTINGS_M) & north.between(*NORTHINGS_M) & ~blank
    )
    wrong = ~usable & ~blank
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{rows.where}: {rows.at(wrong)}, column '{rows.id_name}': "
            f"{str(written.iloc[row])!r} is not the id of a cell in Norway",
            hint="A cell id has 14 digits. A spreadsheet that shows it as 2,26375E+13 loses the "
            "last ones when it saves: use the file as Statistics Norway gave it.",
        )
    if blank.any():
        without, residents = int(blank.sum()), float(cells.loc[blank, "residents"].sum())
        total = float(cells.loc[usable, "residents"].sum())
        facts |= {"rows without cell id, left out": without, "residents in them": residents}
        if residents not in (0.0, total):
            warnings.append(
                f"rows without cell id hold {residents:.0f} residents, all cells {total:.0f}: "
                "these residents are in no cell"
            )
    cells["id"] = number.where(usable, 0).astype(np.int64)
    return usable


def _one_year(
    path: Path,
    cells: pd.DataFrame,
    placed: pd.Series,
    facts: dict[str, Fact],
    warnings: list[str],
) -> pd.Series:
    """Keep the latest statistic year, and tell when the file's name says another."""
    named = [int(year) for year in _YEAR.findall(path.stem)]
    if "year" not in cells:
        if named:
            cells["year"] = named[-1]
            facts["statistic year"] = named[-1]
            facts["statistic year from"] = "the file's name"
        return placed
    text = cells["year"].astype("str").str.extract(f"({_YEAR.pattern})")[0]
    year = pd.to_numeric(text, errors="coerce")
    if not year[placed].notna().any():
        cells.drop(columns="year", inplace=True)  # noqa: PD002 - `cells` is this reader's own
        return placed
    latest = int(year[placed].max())
    cells["year"] = year.fillna(latest).astype(np.int64)
    other = placed & (cells["year"] != latest)
    facts |= {"statistic year": latest, "statistic year from": "the cells"}
    if other.any():
        facts["rows of earlier years, left out"] = int(other.sum())
    if named and latest not in named:
        warnings.append(
            f"the file's name says {named[-1]}, but the statistic year of its cells is {latest}"
        )
    return placed & ~other


def _side(path: Path, rows: _Rows, ids: pd.Series, kept: pd.Series, facts: dict[str, Fact]) -> int:
    """Find the side of the cells: by the column's, layer's or file's name, the shapes, the ids."""
    corners = corner_of(ids[kept].to_numpy())
    by_ids = next((s for s in SIDES_M if not (corners % s).any()), 0)
    by_name = _named_side(rows.id_name) or _named_side(path.stem) or _named_side(rows.where)
    by_shape = _shape_side(rows.shapes, kept.to_numpy())
    side_m = by_shape or by_name or by_ids
    off = np.any(corners % side_m, axis=1) if side_m else np.ones(len(corners), dtype=bool)
    if (by_shape and by_name and by_shape != by_name) or not len(corners) or off.any():
        raise InputError(
            f"{rows.where}: the cells are not of one size: its names say {by_name or 'nothing'}, "
            f"its shapes {by_shape or 'nothing'}, and {int(off.sum())} of {len(off)} ids are no "
            f"corners of a grid of {side_m or SIDES_M[-1]} m",
            hint="Give a file with cells of one size, such as 250 m or 1 km.",
        )
    found = "the shapes" if by_shape else "the names" if by_name else "the ids"
    facts |= {"side of a cell (m)": side_m, "side known from": found}
    return side_m


def _named_side(name: str) -> int:
    """Return the side in metres that a name speaks of, 0 for none."""
    column = _ID.fullmatch(_plain(name))
    parts = [part or "" for part in column.groups()] if column else []
    pairs = [(parts[0] or parts[2], parts[1] or parts[3])] if column else []
    pairs += _SIDE_IN_NAME.findall(name.lower().replace("_", " "))
    sides = [int(number) * (1000 if unit == "km" else 1) for number, unit in pairs if number]
    return next((side for side in sides if side in SIDES_M), 0)


def _shape_side(shapes: NDArray[np.object_] | None, kept: NDArray[np.bool_]) -> int:
    """Return the side of the largest shape, for shapes may be cut; 0 where it is no side."""
    if shapes is None:
        return 0
    bounds = shapely.bounds(shapes[kept])
    extent = (bounds[:, 2:] - bounds[:, :2])[np.isfinite(bounds).all(axis=1)]
    largest = extent.max(initial=0.0)
    return next((side for side in SIDES_M if abs(largest - side) <= DISAGREES_M), 0)


def _check_shapes(rows: _Rows, ids: pd.Series, kept: pd.Series, side_m: int) -> None:
    """Refuse shapes that do not lie in the square that their id names."""
    if rows.shapes is None:
        return
    corners = corner_of(ids.to_numpy())
    bounds = shapely.bounds(rows.shapes)
    with np.errstate(invalid="ignore"):
        outside = (bounds[:, :2] < corners - DISAGREES_M) | (
            bounds[:, 2:] > corners + side_m + DISAGREES_M
        )
    wrong = outside.any(axis=1) & np.isfinite(bounds).all(axis=1) & kept.to_numpy()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{rows.where}: {rows.at(wrong)}: the id {ids.iloc[row]} names the square at "
            f"{corners[row, 0]}, {corners[row, 1]} (UTM33), but the shape lies at "
            f"{bounds[row, 0]:.0f}, {bounds[row, 1]:.0f}; so do {int(wrong.sum())} in all",
            hint="The layer may state the wrong CRS, or ids and shapes come from two grids.",
        )


def _unique(
    rows: _Rows, cells: pd.DataFrame, kept: pd.Series, facts: dict[str, Fact]
) -> pd.DataFrame:
    """Return one row per cell: pieces of one cell repeat its number, anything else is refused."""
    table = cells[kept].set_index(pd.Index(cells["id"][kept].astype("str"), name="cell_id"))
    again = table.index.duplicated()
    if again.any():
        told = table.groupby(level=0)["residents"].agg(["nunique", "count", "size"])
        mixed = (told["nunique"] > 1) | ((told["count"] != 0) & (told["count"] != told["size"]))
        if mixed.any():
            raise InputError(
                f"{rows.where}: the cell {mixed.idxmax()} stands there more than once with "
                f"different residents; so do {int(mixed.sum())} in all",
                hint="Give one row per cell: one year, not split by sex or age.",
            )
        facts["rows that repeat a cell, left out"] = int(again.sum())
    columns = [name for name in (*_NUMBERS, "year") if name in table]
    return table.loc[~again, columns]


def _in_area(
    cells: pd.DataFrame, side_m: int, crs: pyproj.CRS, boundary: BaseGeometry | None
) -> gpd.GeoDataFrame:
    """Return the cells that overlap the boundary, as squares in the analysis CRS."""
    if boundary is not None:
        outline = gpd.GeoSeries([shapely.segmentize(boundary, 1000.0)], crs=crs).to_crs(UTM33)
        west, south, east, north = outline.total_bounds
        corners = corner_of(cells.index.to_numpy(dtype=str))
        near = (corners >= np.floor([west - side_m, south - side_m])) & (corners <= [east, north])
        cells = cells.iloc[np.flatnonzero(near.all(axis=1))]
    shapes = squares(cells.index.to_numpy(dtype=str), side_m, crs)
    if boundary is not None:
        shapely.prepare(boundary)
        inside = shapely.intersects(boundary, shapes) & ~shapely.touches(boundary, shapes)
        cells, shapes = cells.loc[inside], shapes[inside]
    return gpd.GeoDataFrame(cells.assign(side_m=side_m), geometry=shapes, crs=crs)
