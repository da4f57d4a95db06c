"""The user's own services: points that OpenStreetMap does not hold."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.textfiles import read_csv
from arealstrategi.sources.vector import open_layer, read_layer

NAME_COLUMNS = ("name", "navn")


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
    key = f"points of the criterion '{category}'"
    if path.suffix.lower() in {".csv", ".txt"}:
        table, stated = _from_csv(path, key, crs)
    else:
        layer = open_layer(path, None, key=key)
        names = [n for n in layer.fields if n.lower() in NAME_COLUMNS][:1]
        table = read_layer(layer, names).rename(columns=dict.fromkeys(names, "name"))
        stated = layer.crs.to_string()
    shapes = table.to_crs(crs).geometry
    usable = shapes.notna() & ~shapes.is_empty & shapes.is_valid
    name = table["name"].astype("str").where(table["name"].notna(), "") if "name" in table else ""
    services = gpd.GeoDataFrame(
        {
            "service_id": [f"own:{category}:{i}" for i in range(1, len(table) + 1)],
            "category": category,
            "name": name,
            "kind": "own",
        },
        geometry=shapes.to_numpy(),
        crs=crs,
    )[usable.to_numpy()]
    left_out = int((~usable).sum())
    facts: dict[str, Fact] = {
        "places": len(services),
        "without usable geometry, left out": left_out,
        "CRS": stated,
    }
    said = (f"{left_out} places have no usable geometry",) if left_out else ()
    report = SourceReport(f"own points: {category}", str(path), facts, said, (path,))
    return services.reset_index(drop=True), report


def _from_csv(path: Path, key: str, crs: pyproj.CRS) -> tuple[gpd.GeoDataFrame, str]:
    rows = read_csv(path, key=key).rename(columns=dict.fromkeys(NAME_COLUMNS, "name"))
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
    return gpd.GeoDataFrame(
        rows[["name"]] if "name" in rows else pd.DataFrame(index=rows.index),
        geometry=gpd.points_from_xy(easting, northing),
        crs=stated,
    ), stated.to_string()


def _numbers(path: Path, column: pd.Series) -> NDArray[np.float64]:
    """Read numbers with a decimal point or comma."""
    text = column.str.replace(",", ".", regex=False).str.replace(r"\s", "", regex=True)
    numbers = pd.to_numeric(text, errors="coerce")
    wrong = numbers.isna()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: row {row + 2}, column '{column.name}': {column.iloc[row]!r} is not a number",
            hint="Correct the cell or delete the row.",
        )
    return numbers.to_numpy(dtype=float)
