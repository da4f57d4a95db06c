"""Reading back what a run has written."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from shapely.errors import ShapelyError

from arealstrategi.errors import InputError

RANKS = ("rank", "rank_p05", "rank_p95", "place_among_parcels")
RUN_AGAIN = "Run again to write it anew."
_DAMAGE = (
    DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError, ShapelyError,
    UnicodeError,
)  # fmt: skip


def read_layer_of(path: Path, layer: str) -> gpd.GeoDataFrame | None:
    """Return a layer of parcels or sites, index ``parcel_id``; None where the file has none.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    if layer not in _names(path):
        return None
    table = _read(path, layer, geometry=True)
    if not isinstance(table, gpd.GeoDataFrame) or "parcel_id" not in table:
        raise InputError(f"{path}: {layer} is no layer of parcels", hint=RUN_AGAIN)
    ranks = {name: "Int64" for name in RANKS if name in table}
    texts = table.get("reasons", pd.Series("", table.index)).fillna("")
    named = table.astype(ranks).assign(reasons=texts).set_index("parcel_id")
    return gpd.GeoDataFrame(named, crs=table.crs)


def read_table_of(path: Path, table: str) -> pd.DataFrame | None:
    """Return a table without geometry; None where the file has none.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    if table not in _names(path):
        return None
    return _read(path, table, geometry=False)


def _read(path: Path, layer: str, *, geometry: bool) -> pd.DataFrame:
    try:
        found: pd.DataFrame = pyogrio.read_dataframe(path, layer=layer, read_geometry=geometry)
    except _DAMAGE as error:
        raise InputError(f"{path}: {layer} cannot be read ({error})", hint=RUN_AGAIN) from error
    return found


def _names(path: Path) -> list[str]:
    if not path.exists():
        raise InputError(f"{path}: is not there", hint="Give the folder of a finished run.")
    try:
        return [str(name) for name, _ in pyogrio.list_layers(path)]
    except _DAMAGE as error:
        raise InputError(
            f"{path}: cannot be read as a GeoPackage ({error})", hint=RUN_AGAIN
        ) from error
