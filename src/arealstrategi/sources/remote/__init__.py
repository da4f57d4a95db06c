"""Layers of services and databases: WFS 2.0, OGC API – Features, ArcGIS REST and PostGIS.

The part of a layer in the study area becomes one GeoPackage in the cache folder, with its origin
beside it, and is from then on a file like any other. What is there is never asked for again:
delete the file to ask anew. Passwords and keys stand in the address as ``${NAME}``, filled in from
the environment when the service is asked; no file, log or message holds them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from arealstrategi.errors import InputError
from arealstrategi.sources.remote import arcgis, ogc_api, postgis, wfs
from arealstrategi.sources.remote.kept import (
    Fetched,
    Served,
    Window,
    meeting,
    read_kept,
    workroom,
    write_kept,
)
from arealstrategi.sources.remote.service import (
    ARCGIS,
    OGC_API,
    POSTGIS,
    WFS,
    Service,
    is_remote,
    question_once,
    read_address,
    refused,
)
from arealstrategi.sources.web import UnansweredError, ask, writable

__all__ = ["Fetched", "fetch_layer", "is_remote"]

log = logging.getLogger(__name__)

# What reading raises where an answer has another shape than it should, or GDAL and GEOS give up.
MISUNDERSTOOD = (
    ArithmeticError, AttributeError, LookupError, RuntimeError, ShapelyError, TypeError, ValueError,
)  # fmt: skip
VERSION = "1"  # a change of what is asked for makes earlier files unknown
READERS: dict[str, Callable[[Service, str | None, Window, Path], Served]] = {
    WFS: wfs.read_layer,
    OGC_API: ogc_api.read_layer,
    ARCGIS: arcgis.read_layer,
    POSTGIS: postgis.read_layer,
}


def fetch_layer(
    source: str,
    layer: str | None,
    *,
    area: BaseGeometry,
    crs: pyproj.CRS,
    cache_dir: Path,
    key: str,
) -> Fetched:
    """Fetch the features of a layer that lie in the bounds of an area, whole or in part.

    Some services also give features of which only the bounds meet those of the area.

    Parameters
    ----------
    source
        Address of the service or the database.
    layer
        Feature type, collection, layer or table; None: the only one.
    area
        The study area.
    crs
        Its CRS, projected, metres.
    cache_dir
        Where the GeoPackage is kept.
    key
        What the strategy file calls this input, for messages.

    Returns
    -------
    The file, in the CRS of the service. A layer without features in the area is a layer all the
    same, with the columns that are known.

    Raises
    ------
    InputError
        The address is none, a variable is not set, or there is no such layer.
    OnlineError
        The service did not answer as it should; nothing is kept then.
    OutputError
        The cache folder cannot be written.
    """
    told = _told(read_address(source, key=key, expand=False), layer)
    window = _window(area, crs)
    path = cache_dir / f"layer-{_digest(told, window)}.gpkg"
    kept = read_kept(path)
    if kept is not None:
        log.info("%s: %d features, kept since %s", told, kept.features, kept.fetched)
        return kept
    service = read_address(source, key=key, expand=True)
    read = READERS[service.kind or _ask_kind(service)]
    with writable(cache_dir), workroom(cache_dir) as room:
        try:
            served = _within(read(service, layer, window, room), window, service)
        except MISUNDERSTOOD as error:
            what = f"gave an answer that cannot be understood ({type(error).__name__}: {error})"
            raise refused(service, what) from None
        fetched = write_kept(path, served, told, room)
    log.info("%s: %d features fetched", told, fetched.features)
    return fetched


def _told(service: Service, layer: str | None) -> str:
    return service.told if layer is None else f"{service.told}, layer '{layer}'"


def _window(area: BaseGeometry, crs: pyproj.CRS) -> Window:
    """Return the bounds of the area in whole metres, at least one metre further out."""
    west, south, east, north = shapely.bounds(area)
    if not np.isfinite([west, south, east, north]).all():
        raise InputError("the study area is empty", hint="Check `boundary` under [area].")
    out = (math.floor(west) - 1, math.floor(south) - 1, math.ceil(east) + 1, math.ceil(north) + 1)
    return Window(out, crs)


def _digest(told: str, window: Window) -> str:
    what = json.dumps([VERSION, told, window.bounds, window.crs.to_wkt()])
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def _within(served: Served, window: Window, service: Service) -> Served:
    """Leave out what lies elsewhere; refuse an answer of which everything does."""
    table = served.table
    if table.crs is None:
        raise refused(service, f"does not say in which CRS layer '{served.layer}' is")
    inside = meeting(table, window)
    if len(table) and not inside.any():
        west, south, east, north = table.total_bounds
        raise refused(
            service,
            f"was asked for the study area, but none of the {len(table)} features it gave is there "
            f"(x from {west:.6g} to {east:.6g}, y from {south:.6g} to {north:.6g})",
            "It may change the places of latitude and longitude. Download the layer and give the "
            "file.",
        )
    bare = table.geometry.isna() | table.geometry.is_empty
    if bare.any():
        log.warning("%s: features without geometry, left out: %d", served.layer, bare.sum())
    log.info("%s: features beside the area, left out: %d", served.layer, (~inside & ~bare).sum())
    return replace(served, table=table[inside])


def _ask_kind(service: Service) -> str:
    """Find out what kind of service it is from how it describes itself."""
    looks: tuple[tuple[str, dict[str, str]], ...] = (
        ("application/json", {}), ("*/*", {"f": "json"}), ("*/*", wfs.CAPABILITIES),
    )  # fmt: skip

    def look() -> str:
        refusals = []
        for accept, params in looks:
            try:
                kind = question_once(service, _kind_of, params, accept=accept)
            except UnansweredError as error:
                refusals.append(error)
            else:
                if kind:
                    return kind
        what = "it is neither a WFS, an OGC API – Features nor an ArcGIS REST service"
        what += f" ({refusals[0]})" if refusals else ""
        passing = (error for error in refusals if not error.final)
        raise next(passing, UnansweredError(what, final=True))

    hint = "Check the address. Write wfs:, ogcapi: or arcgis: before it to say what it is."
    return ask(service.told, look, hint=hint, hidden=service.hidden)


def _kind_of(content: bytes) -> str | None:
    try:
        told = json.loads(content)
    except ValueError:
        return WFS if b"WFS_Capabilities" in content[:5000] else None
    if not isinstance(told, dict):
        return None
    if "links" in told or "collections" in told:
        return OGC_API
    return ARCGIS if "currentVersion" in told or "layers" in told else None
