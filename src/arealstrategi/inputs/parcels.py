"""The study area and its parcels: which, where, and whose."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from arealstrategi.area import WGS84, StudyArea, grid_cells, hull, zone_of
from arealstrategi.criteria import NumberCriterion
from arealstrategi.errors import InputError
from arealstrategi.inputs.located import cache_of, locate
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources import online, osm
from arealstrategi.sources.ownership import read_municipal_land
from arealstrategi.sources.parcels import RawParcels, clean_parcels, read_parcels
from arealstrategi.sources.remote import is_remote
from arealstrategi.sources.vector import open_layer, read_layer
from arealstrategi.strategy import Strategy

# Streets are read this much beyond the largest distance that counts, so that cutting the area
# differently cuts no path that matters.
BEYOND_M = 500.0
TEIGER = ("teig", "Teig")  # the layer to take where a file has several


def read_boundary(
    strategy: Strategy, reports: list[SourceReport]
) -> tuple[str, gpd.GeoSeries | None]:
    """Return the study area's name and its boundary in any CRS; None: the hull of the parcels.

    Raises
    ------
    InputError, OnlineError
        The boundary cannot be read or found.
    """
    options = strategy.area
    asked = options.place or options.kommune or options.boundary
    if asked is None:
        return strategy.title, None
    if options.boundary is not None and not options.boundary.startswith("osm:"):
        return _boundary_file(Path(options.boundary), reports)
    name, shape = _named_area(strategy)
    reports.append(SourceReport("boundary", asked, {"area": name}, what="administrative area"))
    return name, gpd.GeoSeries([shape], crs=WGS84)


def _named_area(strategy: Strategy) -> tuple[str, BaseGeometry]:
    options, source, cache = strategy.area, strategy.osm.source, cache_of(strategy)
    if options.place is not None:
        return online.geocode_area(options.place, cache_dir=cache)
    if options.kommune is not None and source is None:
        return online.geocode_municipality(options.kommune, cache_dir=cache)
    if options.kommune is not None and source is not None:
        return osm.read_boundary(source, ref=options.kommune)
    if source is None:
        raise InputError(
            f'boundary = "{options.boundary}" looks an area up in an extract, but there is none',
            hint='Set `source` under [osm], or use `place = "…"` under [area].',
        )
    return osm.read_boundary(source, name=str(options.boundary).removeprefix("osm:"))


def _boundary_file(path: Path, reports: list[SourceReport]) -> tuple[str, gpd.GeoSeries]:
    layer = open_layer(path, None, key="`boundary` under [area]")
    outline = np.asarray(read_layer(layer).geometry.dropna(), dtype=object)
    whole = shapely.union_all(shapely.make_valid(outline))
    if whole.area == 0:
        raise InputError(f"{layer}: holds no polygon", hint="A boundary must be a polygon.")
    facts: dict[str, Fact] = {"polygons": len(outline), "CRS": layer.crs_told}
    reports.append(SourceReport("boundary", str(layer), facts, (), (path,), what="boundary"))
    return path.stem, gpd.GeoSeries([whole], crs=layer.crs)


def read_raw_parcels(strategy: Strategy, boundary: gpd.GeoSeries | None) -> RawParcels | None:
    """Read the parcels as their file or service has them; None for a grid.

    Raises
    ------
    InputError, OnlineError
        They cannot be read.
    """
    options = strategy.parcels
    if options.grid_m is not None:
        return None
    columns = [c.column for c in strategy.criteria if isinstance(c, NumberCriterion) and c.column]
    if not is_remote(options.source):
        layer = open_layer(
            Path(options.source), options.layer, key="[parcels]", crs=options.crs, prefer=TEIGER
        )
        return read_parcels(layer, id_column=options.id, columns=columns)
    assert boundary is not None  # noqa: S101 - the strategy refuses a service without boundary
    crs = _analysis_crs(strategy, None, boundary)
    asked = StudyArea("", boundary.to_crs(crs).iloc[0], crs, margin_m=0.0)
    located = locate(strategy, options.source, options.layer, key="[parcels]", area=asked)
    return read_parcels(located.layer, id_column=options.id, columns=columns)


def area_and_parcels(
    strategy: Strategy,
    raw: RawParcels | None,
    name: str,
    boundary: gpd.GeoSeries | None,
    reports: list[SourceReport],
) -> tuple[StudyArea, gpd.GeoDataFrame]:
    """Return the study area and its parcels in the analysis CRS.

    Raises
    ------
    InputError
        No parcel is left.
    """
    options = strategy.parcels
    crs = _analysis_crs(strategy, raw, boundary)
    outline = None if boundary is None else boundary.to_crs(crs).iloc[0]
    margin = strategy.margin_m + BEYOND_M
    if raw is not None:
        parcels, report = clean_parcels(
            raw, crs, outline, merge=options.merge_teiger, min_width_m=options.min_width_m
        )
        area = StudyArea(name, hull(parcels) if outline is None else outline, crs, margin)
    else:
        assert outline is not None  # noqa: S101 - the strategy refuses a grid without boundary
        area = StudyArea(name, outline, crs, margin)
        parcels = grid_cells(area, options.grid_m or 0.0)
        report = SourceReport(
            "parcels", options.source, {"cells": len(parcels)}, what="square cells"
        )
    reports.insert(0, report)
    return area, parcels


def with_owner(
    strategy: Strategy, parcels: gpd.GeoDataFrame, reports: list[SourceReport]
) -> gpd.GeoDataFrame:
    """Return the parcels with what the list or layer of municipal land says of them.

    Raises
    ------
    InputError
        The list or layer cannot be used.
    """
    land = strategy.parcels.municipal_land
    if land is None:
        return parcels
    owned, report = read_municipal_land(land, parcels)
    reports.append(report)
    return parcels.assign(municipal=owned)


def _analysis_crs(
    strategy: Strategy, raw: RawParcels | None, boundary: gpd.GeoSeries | None
) -> pyproj.CRS:
    if strategy.area.crs is not None:
        return pyproj.CRS.from_user_input(strategy.area.crs)
    if boundary is not None:
        return zone_of(boundary)
    assert raw is not None  # noqa: S101 - the strategy refuses a grid without boundary
    return zone_of(raw.table.geometry)
