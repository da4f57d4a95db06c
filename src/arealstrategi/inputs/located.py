"""Where a strategy's layers are: files, or services whose answers are kept as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from arealstrategi.area import StudyArea
from arealstrategi.provenance import Fact
from arealstrategi.sources.presets import pick_layer
from arealstrategi.sources.remote import fetch_layer, is_remote
from arealstrategi.sources.vector import Layer, layer_names, open_layer, read_layer
from arealstrategi.strategy import Strategy

Bounds = tuple[float, float, float, float]
RASTERS = (".tif", ".tiff", ".vrt", ".asc", ".img")


@dataclass(frozen=True)
class Located:
    """A layer that can be read.

    Parameters
    ----------
    layer
        The layer of a file, or of the file that a service's answer was kept in.
    told
        What the user calls it; never with a password.
    facts
        What is known before reading.
    files
        The files behind it.
    names
        All layers of the file.
    date
        When a service gave it; empty for a file.
    """

    layer: Layer
    told: str
    facts: dict[str, Fact]
    files: tuple[Path, ...]
    names: tuple[str, ...]
    date: str = ""


def cache_of(strategy: Strategy) -> Path:
    """Return the folder where answers from the web are kept."""
    return strategy.folder / "data" / "cache"


def is_raster(source: str) -> bool:
    """Say whether a source is a raster file."""
    return not is_remote(source) and source.lower().endswith(RASTERS)


def locate(
    strategy: Strategy,
    source: str,
    layer: str | None,
    *,
    key: str,
    area: StudyArea,
    crs: str | None = None,
    prefer: Sequence[str] = (),
) -> Located:
    """Find a layer; what a service has in and around the area is fetched and kept.

    Parameters
    ----------
    strategy
        Whose folder holds the cache.
    source, layer, crs
        As the strategy file says.
    key
        What the strategy file calls it, for messages.
    area
        The study area; a service is asked for no more than it and its margin.
    prefer
        Names of layers to take where none is given.

    Raises
    ------
    InputError, OnlineError
        It cannot be read, or the service did not answer.
    """
    if not is_remote(source):
        path = Path(source)
        if layer is None and prefer and path.exists():
            layer = pick_layer(prefer, layer_names(path))
        opened = open_layer(path, layer, key=key, crs=crs)
        names = tuple(layer_names(path))
        return Located(opened, str(opened), {"CRS": told_crs(opened)}, (path,), names)
    kept = fetch_layer(
        source, layer, area=area.reach, crs=area.crs, cache_dir=cache_of(strategy), key=key
    )
    opened = open_layer(kept.path, kept.layer, key=key)
    facts: dict[str, Fact] = {
        "service": kept.kind,
        "fetched": kept.fetched + (" (kept from then)" if kept.was_kept else ""),
        "CRS": told_crs(opened),
    }
    return Located(opened, kept.told, facts, (kept.path,), (kept.layer,), kept.fetched)


def read_in_area(
    located: Located, area: StudyArea, columns: Sequence[str] = (), *, where: str | None = None
) -> tuple[gpd.GeoDataFrame, bool]:
    """Read what a layer holds in and around the study area, as valid shapes in the analysis CRS.

    Returns
    -------
    The features, and whether the layer has anything to do with the area: where all it holds lies
    elsewhere, that nothing was found says nothing.
    """
    around = bounds_in(area.reach.bounds, area.crs, located.layer.crs)
    table = read_layer(located.layer, columns, where=where, bbox=around)
    near = True
    if len(table) == 0 and located.layer.features != 0:
        everything = read_layer(located.layer)  # also looks at the coordinates
        near = bool(shapely.box(*everything.total_bounds).intersects(shapely.box(*around)))
    table = table[~(table.geometry.isna() | table.geometry.is_empty)].to_crs(area.crs)
    shapes = shapely.make_valid(np.asarray(table.geometry, dtype=object))
    return table.set_geometry(gpd.GeoSeries(shapes, table.index, crs=area.crs)), near


def told_crs(layer: Layer) -> str:
    """Return the CRS of a layer and how it was decided."""
    return f"{layer.crs_name} (from {layer.crs_from})"


def bounds_in(bounds: Bounds, crs: pyproj.CRS, other: pyproj.CRS) -> Bounds:
    """Return bounds in another CRS, large enough for all that lies within."""
    change = pyproj.Transformer.from_crs(crs, other, always_xy=True)
    west, south, east, north = change.transform_bounds(*bounds, densify_pts=21)
    return west, south, east, north
