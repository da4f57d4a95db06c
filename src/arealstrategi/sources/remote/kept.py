"""What a service handed over, and the GeoPackage it is kept in."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from arealstrategi.area import bounds_in
from arealstrategi.provenance import Origin, origin_path, read_origin, sha256, write_origin

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Window:
    """The part of a layer that is asked for.

    Parameters
    ----------
    bounds
        West, south, east, north.
    crs
        Their CRS.
    """

    bounds: Bounds
    crs: pyproj.CRS

    def bounds_in(self, crs: pyproj.CRS) -> Bounds:
        """Return the bounds in another CRS."""
        return bounds_in(self.bounds, self.crs, crs)


@dataclass(frozen=True)
class Served:
    """What a service handed over.

    Parameters
    ----------
    table
        Features in the CRS of the service, all their attributes.
    layer
        Name of the layer.
    kind
        What kind of service it is.
    title, licence, attribution
        As the service tells them; empty where it does not.
    """

    table: gpd.GeoDataFrame
    layer: str
    kind: str
    title: str = ""
    licence: str = ""
    attribution: str = ""


@dataclass(frozen=True)
class Fetched:
    """A layer of a service as a file.

    Parameters
    ----------
    path
        GeoPackage in the cache folder.
    layer
        Its only layer.
    features
        How many.
    fetched
        When the service was asked, ISO 8601 with time zone.
    told
        Address without secrets, and layer.
    kind
        ``WFS 2.0``, ``OGC API – Features``, ``ArcGIS REST`` or ``PostGIS``.
    was_kept
        Whether the file was there already, and nothing was asked.
    """

    path: Path
    layer: str
    features: int
    fetched: str
    told: str
    kind: str
    was_kept: bool


@contextmanager
def workroom(cache_dir: Path) -> Iterator[Path]:
    """Lend a folder in the cache folder that is gone afterwards, whatever happens."""
    with tempfile.TemporaryDirectory(dir=cache_dir, prefix=".layer-") as folder:
        yield Path(folder)


def read_features(path: Path, **options: str) -> gpd.GeoDataFrame:
    """Read the only layer of a file through GDAL; whole numbers stay whole where some are missing.

    Parameters
    ----------
    path
        A file in a form that GDAL knows.
    options
        Open options of GDAL's driver.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # GDAL's remarks on odd answers
        warnings.simplefilter("ignore", UserWarning)
        info = pyogrio.read_info(path, **options)
        table = pyogrio.read_dataframe(path, **options)
    whole = {
        str(name): "Int64"
        for name, kind in zip(info["fields"], info["dtypes"], strict=True)
        if str(kind).startswith("int") and pd.api.types.is_float_dtype(table[name].dtype)
    }
    table = table.astype(whole)
    if isinstance(table, gpd.GeoDataFrame):
        return table
    return gpd.GeoDataFrame(table, geometry=np.full(len(table), None))


def meeting(table: gpd.GeoDataFrame, window: Window) -> NDArray[np.bool_]:
    """Say which features have bounds, in the CRS of the window, that meet it; (n,)."""
    if table.crs is None or len(table) == 0:
        return np.zeros(len(table), dtype=bool)
    west, south, east, north = window.bounds
    shapes = table.geometry.to_crs(window.crs).to_numpy()
    left, low, right, high = shapely.bounds(shapes).T
    return np.asarray((left <= east) & (right >= west) & (low <= north) & (high >= south))


def write_kept(path: Path, served: Served, told: str, room: Path) -> Fetched:
    """Write a layer and, beside it, where it is from; the file appears whole or not at all."""
    table = _storable(served.table)
    draft = room / "layer.gpkg"
    taken = {name.lower() for name in table.columns}
    pyogrio.write_dataframe(
        table,
        draft,
        driver="GPKG",
        layer=served.layer,
        geometry_type="Unknown",
        promote_to_multi=False,
        layer_metadata={"kind": served.kind},
        FID=_free("fid", taken),
        GEOMETRY_NAME=_free("geom", taken),
    )
    fetched = datetime.now(UTC).isoformat(timespec="seconds")
    licence, attribution = served.licence, served.attribution
    title = served.title or served.layer
    origin = Origin(title, told, fetched, licence, attribution, sha256(draft))
    write_origin(path, origin)
    draft.replace(path)
    return Fetched(path, served.layer, len(table), fetched, told, served.kind, was_kept=False)


def read_kept(path: Path) -> Fetched | None:
    """Return what is kept; None where it is not there, or not whole with its origin."""
    origin = read_origin(path) if path.exists() else None
    if origin is None:
        return None
    try:
        info = pyogrio.read_info(path)
    except (DataSourceError, DataLayerError):
        origin_path(path).unlink(missing_ok=True)
        return None
    kind = str((info["layer_metadata"] or {}).get("kind", ""))
    layer, features = str(info["layer_name"]), int(info["features"])
    return Fetched(path, layer, features, origin.fetched, origin.address, kind, was_kept=True)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"_{name}"
    return name


def _storable(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the table with a column ``geometry``, names that differ, and plain values."""
    table = gpd.GeoDataFrame(
        table.drop(columns=table.geometry.name).reset_index(drop=True),
        geometry=table.geometry.to_numpy(),
        crs=table.crs,
    )
    table.columns = pd.Index(_distinct([str(name) for name in table.columns]))
    for name in table.columns.drop("geometry"):
        if table[name].dtype == object:
            table[name] = table[name].map(_plain, na_action="ignore").astype("string")
    return table


def _distinct(names: Sequence[str]) -> list[str]:
    """Add numbers to names that a GeoPackage cannot tell apart: it knows no capital letters."""
    taken = {"geometry"}
    distinct = []
    for name in names[:-1]:
        new, number = name, 1
        while new.lower() in taken:
            number += 1
            new = f"{name}_{number}"
        taken.add(new.lower())
        distinct.append(new)
    return [*distinct, "geometry"]


def _plain(value: Any) -> str:  # noqa: ANN401
    """Return one value as text: lists with commas."""
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(_plain(part) for part in value)
    return str(value)
