"""Streets and services: OpenStreetMap, own points, buildings of the cadastre and timetables."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from arealstrategi.area import WGS84, StudyArea
from arealstrategi.criteria import NumberCriterion, WalkCriterion
from arealstrategi.errors import InputError
from arealstrategi.inputs.located import cache_of, locate
from arealstrategi.provenance import SourceReport
from arealstrategi.sources import online, osm
from arealstrategi.sources.buildings import read_buildings
from arealstrategi.sources.gtfs import read_gtfs
from arealstrategi.sources.merging import merge_services
from arealstrategi.sources.parcels import RawParcels, guess_crs
from arealstrategi.sources.points import read_points
from arealstrategi.sources.tags import Selection, first_tags, parse_rule
from arealstrategi.strategy import ScenarioEntry, Strategy

STOP = "stop"  # the category that timetables speak of
DEPARTURES = "departures_weekday_per_hour"


def selections_of(strategy: Strategy) -> dict[str, Selection]:
    """Return what OpenStreetMap is asked for: category to selection; benches under their key."""
    walks = {
        c.key: c.selection for c in strategy.criteria if isinstance(c, WalkCriterion) and c.osm
    }
    rests = {
        c.key: Selection(tuple(parse_rule(text) for text in c.osm))
        for c in strategy.criteria
        if isinstance(c, NumberCriterion) and c.osm
    }
    return walks | rests


def split_rests(
    strategy: Strategy, found: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Take benches, which are rested on and not walked to, out of the services."""
    keys = [c.key for c in strategy.criteria if isinstance(c, NumberCriterion) and c.osm]
    is_rest = found["category"].isin(keys)
    return found[~is_rest].reset_index(drop=True), found[is_rest].reset_index(drop=True)


def read_opened(
    strategy: Strategy, area: StudyArea, reports: list[SourceReport]
) -> dict[str, gpd.GeoDataFrame]:
    """Read the services that open in each scenario, by its name.

    Raises
    ------
    InputError
        A file cannot be used.
    """
    opened = {}
    for what_if in strategy.scenario:
        read: list[SourceReport] = []
        key = f'`open` of [[scenario]] "{what_if.name}"'
        tables = [
            _own_points(category, path, area, read, key=key)
            for category, path in what_if.open.items()
        ]
        reports += [replace(report, role=f"scenario: {what_if.name}") for report in read]
        if tables:
            joined = pd.concat(tables, ignore_index=True)
            opened[what_if.name] = gpd.GeoDataFrame(joined, crs=area.crs)
    return opened


def read_osm(
    strategy: Strategy, area: StudyArea, raw: RawParcels | None, *, backdrop: bool
) -> osm.OsmExtract:
    """Read streets, services and backdrop, from the extract or the web.

    Raises
    ------
    InputError, OnlineError
        The extract cannot be read or lies elsewhere, or Overpass did not answer.
    """
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
    return online.fetch_extract(
        cast("shapely.Polygon", box), tags=tags_of(selections), cache_dir=cache_of(strategy)
    )


def tags_of(selections: Mapping[str, Selection]) -> dict[str, bool | list[str]]:
    """Return the tags to fetch for services and the map: key to values, or to True for every one.

    Keys of services come whole, because a tag may list several values (shop=bakery;butcher).
    """
    backdrop = {
        key: True if "*" in values else sorted(values)
        for key, values in osm.backdrop_tags().items()
    }
    return {**backdrop, **dict.fromkeys(sorted(first_tags(selections.values())), True)}


def closed_in(services: gpd.GeoDataFrame, what_if: ScenarioEntry) -> NDArray[np.bool_]:
    """Say which services close in a scenario: by category, by id, or by name.

    Raises
    ------
    InputError
        There is no such service.
    """
    closed = np.zeros(len(services), dtype=bool)
    for asked in what_if.close:
        names = services[["category", "service_id", "name"]]
        fits = (names == asked).any(axis=1).to_numpy() & (asked != "")
        if not fits.any():
            known = sorted({*services["category"], *services["name"]} - {""})
            near = difflib.get_close_matches(asked, known, n=3, cutoff=0.5)
            raise InputError(
                f'[[scenario]] "{what_if.name}": no service to close is called {asked!r}',
                hint=f"Did you mean {' or '.join(near)}?"
                if near
                else "Give a category such as library, or the id or the name of a service.",
            )
        closed |= fits
    return closed


def read_services(
    strategy: Strategy, area: StudyArea, found: gpd.GeoDataFrame, reports: list[SourceReport]
) -> gpd.GeoDataFrame:
    """Join the services of OpenStreetMap with the user's own, the cadastre's and the timetables'.

    One place that several sources know is one service; see `merge_services`.

    Raises
    ------
    InputError, OnlineError
        A source cannot be used.
    """
    own = [
        _own_points(category, path, area, reports)
        for category, path in strategy.points_of().items()
    ]
    official = [
        *_from_cadastre(strategy, area, reports),
        *_from_timetables(strategy, area, reports),
    ]
    services = pd.concat([found, *own], ignore_index=True) if own else found
    services = gpd.GeoDataFrame(services, crs=area.crs)
    if official:
        services, facts = merge_services(services, *official)
        reports.append(SourceReport("services", "all sources together", facts, what="services"))
    return _often_served(strategy, services)


def _own_points(
    category: str,
    path: Path,
    area: StudyArea,
    reports: list[SourceReport],
    *,
    key: str | None = None,
) -> gpd.GeoDataFrame:
    own, report = read_points(path, category, area.crs, key=key)
    if not own.intersects(area.reach).any():
        far = "no place lies in or near the area: check whether x and y have changed places"
        report = replace(report, warnings=(*report.warnings, far))
    reports.append(report)
    return own


def _from_cadastre(
    strategy: Strategy, area: StudyArea, reports: list[SourceReport]
) -> list[gpd.GeoDataFrame]:
    options = strategy.services
    if options.buildings is None:
        return []
    types = {
        c.key: c.buildings
        for c in strategy.criteria
        if isinstance(c, WalkCriterion) and c.buildings
    }
    located = locate(
        strategy, options.buildings, options.buildings_layer,
        key="`buildings` under [services]", area=area, prefer=("Bygning", "bygningspunkt"),
    )  # fmt: skip
    services, report = read_buildings(located.layer, types, crs=area.crs, area=area.reach)
    reports.append(replace(report, date=located.date))
    return [services]


def _from_timetables(
    strategy: Strategy, area: StudyArea, reports: list[SourceReport]
) -> list[gpd.GeoDataFrame]:
    path = strategy.services.gtfs
    if path is None or all(c.key != STOP for c in strategy.criteria):
        return []
    stops, report = read_gtfs(path, STOP, crs=area.crs, area=area.reach)
    reports.append(report)
    return [stops]


def _often_served(strategy: Strategy, services: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Leave out stops with fewer departures than their criterion asks for."""
    asked = {
        c.key: c.min_departures_per_hour
        for c in strategy.criteria
        if isinstance(c, WalkCriterion) and c.min_departures_per_hour > 0
    }
    if not asked or DEPARTURES not in services:
        return services
    least = services["category"].map(asked).astype(float)
    return services[~(services[DEPARTURES] < least)].reset_index(drop=True)
