"""Reading every input of a strategy into tables in the analysis CRS."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from arealstrategi.area import WGS84, StudyArea, grid_cells, hull, zone_of
from arealstrategi.constraints import Constraint
from arealstrategi.criteria import ColumnCriterion, WalkCriterion
from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources import online, osm
from arealstrategi.sources.elevation import check_elevation, sample_heights
from arealstrategi.sources.ownership import read_municipal_land
from arealstrategi.sources.parcels import RawParcels, clean_parcels, guess_crs, read_parcels
from arealstrategi.sources.points import read_points
from arealstrategi.sources.tags import Selection, first_tags
from arealstrategi.sources.vector import Layer, open_layer, read_layer
from arealstrategi.strategy import ConstraintEntry, Strategy
from arealstrategi.tables import Ways
from arealstrategi.terrain import lay_on_ground

log = logging.getLogger(__name__)

# Streets are read this much beyond the largest distance that counts, so that cutting the area
# differently cuts no path that matters.
BEYOND_M = 500.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Inputs:
    """The tables an analysis starts from, in the analysis CRS.

    Parameters
    ----------
    area
        The study area.
    parcels, ways, services, backdrop
        As `arealstrategi.tables` says.
    coverage
        Where the extract can know of streets.
    constraints
        Rules with their zones.
    reports
        What was read.
    timings_s
        Seconds by stage so far.
    """

    area: StudyArea
    parcels: gpd.GeoDataFrame
    ways: Ways
    services: gpd.GeoDataFrame
    backdrop: gpd.GeoDataFrame
    coverage: BaseGeometry
    constraints: tuple[Constraint, ...]
    reports: tuple[SourceReport, ...]
    timings_s: dict[str, float] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reports warn of, with the input it concerns."""
        return tuple(f"{r.role}: {text}" for r in self.reports for text in r.warnings)


def read(strategy: Strategy, *, progress: Progress | None = None, backdrop: bool = True) -> Inputs:
    """Read every input of a strategy.

    Parameters
    ----------
    strategy
        What to read.
    progress
        Called with the name of each stage as it begins.
    backdrop
        Whether to read what the map draws below the parcels.

    Raises
    ------
    ArealstrategiError
        An input cannot be used as it is.
    """
    timings: dict[str, float] = {}
    stage = stages(timings, progress)
    reports: list[SourceReport] = []
    with stage("parcels"):
        raw = _raw_parcels(strategy)
    with stage("boundary"):
        name, boundary = _boundary(strategy, reports)
    with stage("parcels"):
        area, parcels = _area_and_parcels(strategy, raw, name, boundary, reports)
    with stage("streets and services"):
        extract = _read_osm(strategy, area, raw, backdrop=backdrop)
        reports.append(extract.report)
        services = _with_own_points(strategy, extract.services, area, reports)
    with stage("other layers"):
        rules = tuple(_constraint(entry, area, reports) for entry in strategy.constraint)
    with stage("terrain"):
        ways = _on_ground(strategy, area, parcels, extract.ways, reports)
    return Inputs(
        area,
        parcels,
        ways,
        services,
        extract.backdrop,
        extract.coverage,
        rules,
        tuple(reports),
        timings,
    )


def stages(
    timings: dict[str, float], progress: Progress | None
) -> Callable[[str], AbstractContextManager[None]]:
    """Return a context manager that announces a stage and adds its seconds to `timings`."""

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        if progress is not None:
            progress(name)
        begun = time.perf_counter()
        yield
        timings[name] = round(timings.get(name, 0.0) + time.perf_counter() - begun, 3)
        log.info("%s: %.2f s", name, timings[name])

    return stage


def selections_of(strategy: Strategy) -> dict[str, Selection]:
    """Return what OpenStreetMap is asked for: category to selection."""
    return {c.key: c.selection for c in strategy.criteria if isinstance(c, WalkCriterion) and c.osm}


def _raw_parcels(strategy: Strategy) -> RawParcels | None:
    options = strategy.parcels
    if options.grid_m is not None:
        return None
    layer = open_layer(Path(options.source), options.layer, key="[parcels]", crs=options.crs)
    columns = [c.column for c in strategy.criteria if isinstance(c, ColumnCriterion)]
    return read_parcels(layer, id_column=options.id, columns=columns)


def _boundary(strategy: Strategy, reports: list[SourceReport]) -> tuple[str, gpd.GeoSeries | None]:
    """Return the study area's name and its boundary in any CRS; None: the hull of the parcels."""
    options = strategy.area
    asked = options.place or options.kommune or options.boundary
    if asked is None:
        return strategy.title, None
    if options.boundary is not None and not options.boundary.startswith("osm:"):
        return _boundary_file(Path(options.boundary), reports)
    name, shape = _named_area(strategy)
    reports.append(SourceReport("boundary", asked, {"area": name}))
    return name, gpd.GeoSeries([shape], crs=WGS84)


def _named_area(strategy: Strategy) -> tuple[str, BaseGeometry]:
    options, source, cache = strategy.area, strategy.osm.source, _cache(strategy)
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
    facts: dict[str, Fact] = {"polygons": len(outline), "CRS": _told_crs(layer)}
    reports.append(SourceReport("boundary", str(layer), facts, (), (path,)))
    return path.stem, gpd.GeoSeries([whole], crs=layer.crs)


def _area_and_parcels(
    strategy: Strategy,
    raw: RawParcels | None,
    name: str,
    boundary: gpd.GeoSeries | None,
    reports: list[SourceReport],
) -> tuple[StudyArea, gpd.GeoDataFrame]:
    crs = _analysis_crs(strategy, raw, boundary)
    outline = None if boundary is None else boundary.to_crs(crs).iloc[0]
    margin = strategy.margin_m + BEYOND_M
    if raw is not None:
        parcels, report = clean_parcels(raw, crs, outline)
        area = StudyArea(name, hull(parcels) if outline is None else outline, crs, margin)
    else:
        assert outline is not None  # noqa: S101 - the strategy refuses a grid without boundary
        area = StudyArea(name, outline, crs, margin)
        parcels = grid_cells(area, strategy.parcels.grid_m or 0.0)
        report = SourceReport("parcels", strategy.parcels.source, {"cells": len(parcels)})
    reports.insert(0, report)
    land = strategy.parcels.municipal_land
    if land is not None:
        owned, told = read_municipal_land(land, parcels)
        parcels = parcels.assign(municipal=owned)
        reports.append(told)
    return area, parcels


def _analysis_crs(
    strategy: Strategy, raw: RawParcels | None, boundary: gpd.GeoSeries | None
) -> pyproj.CRS:
    if strategy.area.crs is not None:
        return pyproj.CRS.from_user_input(strategy.area.crs)
    if boundary is not None:
        return zone_of(boundary)
    assert raw is not None  # noqa: S101 - the strategy refuses a grid without boundary
    return zone_of(raw.table.geometry)


def _read_osm(
    strategy: Strategy, area: StudyArea, raw: RawParcels | None, *, backdrop: bool
) -> osm.OsmExtract:
    selections = selections_of(strategy)
    source = strategy.osm.source
    if source is None:
        source = _fetched(strategy, area, selections)
    try:
        return osm.read_extract(
            source, selections, crs=area.crs, clip=area.reach, backdrop=backdrop
        )
    except osm.OutsideExtractError as error:
        guess = guess_crs(raw, error.extent) if raw is not None else ""
        raise InputError(error.message, hint=f"{guess} {error.hint}".strip()) from error


def _fetched(strategy: Strategy, area: StudyArea, selections: Mapping[str, Selection]) -> Path:
    """Fetch what a local extract would hold: the whole box that the file reader keeps ways in."""
    box = gpd.GeoSeries([shapely.box(*area.reach.bounds)], crs=area.crs).to_crs(WGS84).iloc[0]
    backdrop = {
        key: True if "*" in values else sorted(values)
        for key, values in osm.backdrop_tags().items()
    }
    # whole keys, because a tag may list several values (shop=bakery;butcher)
    services = dict.fromkeys(sorted(first_tags(selections.values())), True)
    return online.fetch_extract(
        cast("shapely.Polygon", box), tags={**backdrop, **services}, cache_dir=_cache(strategy)
    )


def _with_own_points(
    strategy: Strategy, services: gpd.GeoDataFrame, area: StudyArea, reports: list[SourceReport]
) -> gpd.GeoDataFrame:
    tables = [services]
    for category, path in strategy.points_of().items():
        own, report = read_points(path, category, area.crs)
        if not own.intersects(area.reach).any():
            far = "no place lies in or near the area: check whether x and y have changed places"
            report = replace(report, warnings=(*report.warnings, far))
        reports.append(report)
        tables.append(own)
    if len(tables) == 1:
        return services
    return gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=area.crs)


def _on_ground(
    strategy: Strategy,
    area: StudyArea,
    parcels: gpd.GeoDataFrame,
    ways: Ways,
    reports: list[SourceReport],
) -> Ways:
    """Return the ways with heights along them, where an elevation model is given."""
    rasters = strategy.terrain.elevation
    if not rasters:
        return ways
    points = shapely.get_coordinates(shapely.point_on_surface(parcels.geometry.to_numpy()))
    reports.append(check_elevation(rasters, points, area.crs))
    return lay_on_ground(ways, lambda xy: sample_heights(rasters, xy, area.crs))


def _constraint(entry: ConstraintEntry, area: StudyArea, reports: list[SourceReport]) -> Constraint:
    key = f'[[constraint]] "{entry.name}"'
    layer = open_layer(entry.source, entry.layer, key=key, crs=entry.crs)
    zones = _valid(read_layer(layer, where=entry.where), area.crs)
    mapped = None
    if entry.coverage is not None:
        surveyed = open_layer(entry.coverage, None, key=f"`coverage` of {key}")
        mapped = _valid(read_layer(surveyed), area.crs)
    facts: dict[str, Fact] = {
        "zones": len(zones),
        "effect": entry.effect,
        "CRS": _told_crs(layer),
    }
    said = () if mapped is not None else ("no coverage given: everywhere counts as mapped",)
    files = tuple(path for path in (entry.source, entry.coverage) if path is not None)
    reports.append(SourceReport(f"constraint: {entry.name}", str(layer), facts, said, files))
    return Constraint(entry.name, entry.effect, entry.points, zones, mapped)


def _valid(table: gpd.GeoDataFrame, crs: pyproj.CRS) -> gpd.GeoSeries:
    shapes = np.asarray(table.to_crs(crs).geometry.dropna(), dtype=object)
    return gpd.GeoSeries(shapely.make_valid(shapes), crs=crs)


def _told_crs(layer: Layer) -> str:
    return f"{layer.crs_name} (from {layer.crs_from})"


def _cache(strategy: Strategy) -> Path:
    return strategy.folder / "data" / "cache"
