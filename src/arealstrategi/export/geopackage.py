"""The GeoPackage that a planner opens in QGIS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely


def write_geopackage(
    path: Path,
    layers: Mapping[str, gpd.GeoDataFrame],
    tables: Mapping[str, pd.DataFrame],
    run: Mapping[str, str],
    *,
    descriptions: Mapping[str, str],
) -> None:
    """Write the layers and the run's facts into one file.

    Parameters
    ----------
    path
        The new file.
    layers
        Layer name to table in the analysis CRS; polygons are written as multipolygons.
    tables
        Name to table without geometry.
    run
        Key to value, written as the table ``run``.
    descriptions
        Layer name to what it is, for those who open the file.
    """
    for name, table in layers.items():
        pyogrio.write_dataframe(
            _one_kind(table),
            path,
            layer=name,
            driver="GPKG",
            append=path.exists(),
            geometry_type=_geometry_type(table),
            layer_options={"DESCRIPTION": descriptions.get(name, ""), "IDENTIFIER": name},
        )
    facts = pd.DataFrame({"key": list(run), "value": list(run.values())}, dtype="str")
    for name, plain in {**tables, "run": facts}.items():
        pyogrio.write_dataframe(
            plain, path, layer=name, driver="GPKG", append=path.exists(),
            layer_options={"DESCRIPTION": descriptions.get(name, ""), "IDENTIFIER": name},
        )  # fmt: skip


def _one_kind(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make every polygon a multipolygon, and the index a column."""
    shapes = table.geometry.to_numpy().copy()
    single = shapely.get_type_id(shapes) == 3  # noqa: PLR2004
    shapes[single] = shapely.multipolygons(shapes[single, None])
    named = table.set_geometry(gpd.GeoSeries(shapes, index=table.index, crs=table.crs))
    return named if table.index.name is None else named.reset_index()


def _geometry_type(table: gpd.GeoDataFrame) -> str:
    kinds = set(table.geom_type.dropna())
    if kinds <= {"Polygon", "MultiPolygon"}:
        return "MultiPolygon"
    return kinds.pop() if len(kinds) == 1 else "Unknown"
