"""The user's own services: points that OpenStreetMap does not hold."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.textfiles import read_csv
from arealstrategi.sources.vector import open_layer, read_layer

NAME_COLUMNS = ("name", "navn")
MOST_DEGREES = 400.0  # no projected place in use lies that close to its origin


def read_points(
    path: Path, category: str, crs: pyproj.CRS
) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """Read own places of one category.

    Parameters
    ----------
    path
        CSV with ``lon`` and ``lat`` (degrees) or ``x`` and ``y`` (in `crs`) and perhaps ``name``,
        or any vector file with points or polygons.
    category
        The category they belong to.
    crs
        The analysis CRS.

    Returns
    -------
    Services table in `crs`, and what was read.

    Raises
    ------
    InputError
        The file is missing or has no usable coordinates; the message names the row.
    """
    key = f"`points` of the criterion '{category}'"
    if path.suffix.lower() in {".csv", ".txt"}:
        table, stated = _from_csv(path, key, crs)
    else:
        layer = open_layer(path, None, key=key)
        names = [n for n in layer.fields if n.lower() in NAME_COLUMNS][:1]
        table = read_layer(layer, names).rename(columns=dict.fromkeys(names, "name"))
        stated = layer.crs_name
    shapes = _usable(table.to_crs(crs).geometry.to_numpy())
    usable = ~shapely.is_missing(shapes)
    name = table["name"].astype("str").where(table["name"].notna(), "") if "name" in table else ""
    services = gpd.GeoDataFrame(
        {
            "service_id": [f"own:{category}:{i}" for i in range(1, len(table) + 1)],
            "category": category,
            "name": name,
            "kind": "own",
        },
        geometry=shapes,
        crs=crs,
    )[usable]
    left_out = int((~usable).sum())
    facts: dict[str, Fact] = {
        "places": len(services),
        "without usable geometry, left out": left_out,
        "CRS": stated,
    }
    said = (f"places that are neither point nor polygon, left out: {left_out}",) if left_out else ()
    report = SourceReport(f"own points: {category}", str(path), facts, said, (path,))
    return services.reset_index(drop=True), report


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


def _from_csv(path: Path, key: str, crs: pyproj.CRS) -> tuple[gpd.GeoDataFrame, str]:
    rows = read_csv(path, key=key)
    called = next((name for name in NAME_COLUMNS if name in rows), "name")
    rows = rows.drop(columns=[n for n in NAME_COLUMNS if n in rows and n != called])
    rows = rows.rename(columns={called: "name"})
    x, y, stated = "x", "y", crs
    if {"lon", "lat"} <= set(rows.columns):
        x, y, stated = "lon", "lat", pyproj.CRS.from_epsg(4326)
    elif not {"x", "y"} <= set(rows.columns):
        raise InputError(
            f"{path}: has neither the columns lon and lat nor x and y "
            f"(found: {', '.join(rows.columns)})",
            hint="Name the columns lon and lat (degrees) or x and y (metres).",
        )
    easting, northing = (_numbers(path, rows[name]) for name in (x, y))
    if stated.is_geographic and (np.abs(easting) > 180).any() | (np.abs(northing) > 90).any():  # noqa: PLR2004
        raise InputError(
            f"{path}: lon or lat is beyond 180 or 90 degrees",
            hint="Metres belong in columns named x and y.",
        )
    if stated.is_projected and (np.hypot(easting, northing) <= MOST_DEGREES).all():
        raise InputError(
            f"{path}: x and y look like degrees, but are read as metres in {stated.to_string()}",
            hint="Degrees belong in columns named lon and lat.",
        )
    return gpd.GeoDataFrame(
        rows[["name"]] if "name" in rows else pd.DataFrame(index=rows.index),
        geometry=gpd.points_from_xy(easting, northing),
        crs=stated,
    ), stated.to_string()


def _numbers(path: Path, column: pd.Series) -> NDArray[np.float64]:
    """Read numbers with a decimal point or comma."""
    text = column.str.replace(",", ".", regex=False).str.replace(re.compile(r"\s"), "", regex=True)
    numbers = pd.to_numeric(text, errors="coerce")
    wrong = numbers.isna()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: row {row + 2}, column '{column.name}': {column.iloc[row]!r} is not a number",
            hint="Correct the cell or delete the row.",
        )
    return numbers.to_numpy(dtype=float)
