"""Where a strategy's layers are: files, or services whose answers are kept as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from arealstrategi.area import StudyArea, bounds_in
from arealstrategi.provenance import Fact
from arealstrategi.sources.presets import pick_layer
from arealstrategi.sources.remote import fetch_layer, is_remote
from arealstrategi.sources.vector import (
    Layer,
    layer_bounds,
    layer_names,
    open_layer,
    read_layer,
)
from arealstrategi.strategy import Strategy

RASTERS = (".tif", ".tiff", ".vrt", ".asc", ".img")


@dataclass(frozen=True)
class Located:
    """A layer that can be read.

    Parameters
    ----------
    layer
        The layer of a file, or of the file that a service's answer was kept in; as text it is what
        the user calls it, never with a password.
    facts
        What is known before reading.
    date
        When a service gave it; empty for a file.
    """

    layer: Layer
    facts: dict[str, Fact]
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
        return Located(opened, {"CRS": opened.crs_told})
    kept = fetch_layer(
        source, layer, area=area.reach, crs=area.crs, cache_dir=cache_of(strategy), key=key
    )
    opened = replace(open_layer(kept.path, kept.layer, key=key), told=kept.told)
    facts: dict[str, Fact] = {
        "service": kept.kind,
        "fetched": kept.fetched + (" (kept from then)" if kept.was_kept else ""),
        "CRS": opened.crs_told,
    }
    return Located(opened, facts, kept.fetched)


def as_file(
    strategy: Strategy, source: str, layer: str | None, *, key: str, area: StudyArea
) -> tuple[Path, str | None, Located | None]:
    """Return the file and the layer to read, and what is known of it where a service gave it.

    Raises
    ------
    InputError, OnlineError
        The service cannot be asked, or did not answer.
    """
    if not is_remote(source):
        return Path(source), layer, None
    located = locate(strategy, source, layer, key=key, area=area)
    return located.layer.path, located.layer.name, located


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
    near = len(table) > 0 or located.layer.features == 0
    if not near:
        whole = layer_bounds(located.layer)  # also looks at the coordinates
        meets = shapely.box(*whole).intersects(shapely.box(*around))
        near = bool(np.isfinite(whole).all() and meets)
    table = table[~(table.geometry.isna() | table.geometry.is_empty)].to_crs(area.crs)
    shapes = shapely.make_valid(np.asarray(table.geometry, dtype=object))
    return table.set_geometry(gpd.GeoSeries(shapes, table.index, crs=area.crs)), near
