"""What the GeoPackage holds of a result: layers, tables, and what people read of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from arealstrategi import provenance
from arealstrategi import reach as reaching
from arealstrategi.export import labels
from arealstrategi.export.geopackage import Told
from arealstrategi.export.qgis import (
    Entry,
    aliases,
    base_name,
    layer_styles,
    project_file,
    table_styles,
)
from arealstrategi.population import for_public
from arealstrategi.reach import Reach
from arealstrategi.result.facts import ATTRIBUTION, run_table
from arealstrategi.walker import HINDRANCES

if TYPE_CHECKING:
    from arealstrategi.result import Result

# Judgement: in built-up areas a walk is 1.25 to 1.33 times the straight line (TØI); a longer way
# round than this is worth a look.
LEAST_DETOUR = 1.5
_UNKNOWN = "unknown_gradient"
_PROJECT = "arealstrategi"  # part of an address: QGIS does not find one with & or ? in it
_UNSEEN = {"routes", "difference", "population"}  # there to be ticked
_DECIMALS = {"detour": 2}
_ROUTE_COLUMNS = ("parcel_id", "category", "service", "walk_m", "walk_min")


def all_layers(result: Result) -> dict[str, gpd.GeoDataFrame]:
    """Return what has geometry, the uppermost on the map first."""
    points, grounds = split_services(result.services)
    layers = {
        "sites": None if result.sites is None else result.sites.parcels,
        "services": points,
        "routes": route_layer(result) if result.strategy.output.routes else None,
        "areas": result.areas,
        "service_grounds": grounds,
        "constraints": result.zones,
        "parcels": result.parcels,
    }
    for number, scenario in enumerate(result.scenarios, start=1):
        layers[f"difference_{number}"] = scenario.comparison.parcels
    if result.population is not None:
        layers["population"] = gpd.GeoDataFrame(_may_be_told(result, result.population))
    always = {"services", "parcels"}
    return {
        name: table
        for name, table in layers.items()
        if table is not None and (len(table) or name in always)
    }


def split_services(services: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return every service as a point, and the outlines of those that are no point.

    QGIS and ArcGIS draw a layer as points or as polygons, not as both.
    """
    grounds = services[~services.geom_type.isin(["Point"])]
    points = services.geometry.to_numpy().copy()
    rows = services.index.get_indexer(grounds.index)
    points[rows] = shapely.point_on_surface(points[rows])
    return services.set_geometry(gpd.GeoSeries(points, services.index, crs=services.crs)), grounds


def all_tables(result: Result) -> dict[str, pd.DataFrame]:
    """Return what has no geometry."""
    tables = {
        "barriers": barriers_met(
            result.barriers_that_count, with_unknown=bool(result.strategy.terrain.elevation)
        ),
        "weights": result.weights.table,
    }
    if len(result.constraints.columns):
        tables["findings"] = result.findings
        if result.sites is not None:
            tables["site_findings"] = result.sites.findings
    if result.robustness is not None:
        tables["robustness"] = result.robustness.parcels
        tables["weight_intervals"] = result.robustness.intervals.rename_axis("key")
        tables["methods"] = result.robustness.methods
    for name, people in (("residents_in_reach", result.in_reach), ("access", result.access)):
        if len(people):
            tables[name] = _may_be_told(result, people)
    facts = run_table(result)
    return tables | {
        "run": pd.DataFrame({"key": facts.keys(), "value": facts.values()}, dtype="str")
    }


def barriers_met(barriers: pd.DataFrame, *, with_unknown: bool) -> pd.DataFrame:
    """Return the walks on which something hinders, is not known, or leads a long way round.

    Parameters
    ----------
    barriers
        As `reach.barrier_table` gives them, of the walks that count.
    with_unknown
        Whether metres of unknown gradient are worth a row; not where no height at all is known,
        which is said of the whole.

    Returns
    -------
    Whole metres, as they are small and quick to write; ``detour`` with two decimals.
    """
    asked = [f"{name}_m" for name in HINDRANCES if with_unknown or name != _UNKNOWN]
    hard = (barriers[asked] > 0).any(axis=1) | (barriers["detour"] >= LEAST_DETOUR)
    kept = barriers[hard | (barriers["status"] != "reached")]
    numbers = kept.select_dtypes("float").columns
    return kept.round({name: _DECIMALS.get(str(name), 0) for name in numbers})


def route_layer(result: Result) -> gpd.GeoDataFrame:
    """Return the walks from each given site and from the best parcel of each recommended area.

    ``parcel_id``, ``category``, ``service`` (name, or id where it has none), ``walk_m``,
    ``walk_min`` and the line; none where there is no way.
    """
    parts = [_routes(result, result.reach, result.parcels, result.areas["best_parcel"].unique())]
    if (sites := result.sites) is not None and (reach := sites.reach) is not None:
        parts.insert(0, _routes(result, reach, sites.parcels, sites.parcels.index))
    found = pd.concat(parts, ignore_index=True)
    first = ~found.duplicated(["parcel_id", "category"])
    return gpd.GeoDataFrame(found[first], crs=result.area.crs)


def _routes(
    result: Result, reach: Reach, parcels: gpd.GeoDataFrame, ids: Iterable[str]
) -> gpd.GeoDataFrame:
    rows = [
        (one, key, *(parcels.loc[one, f"{key}_{end}"] for end in _ROUTE_COLUMNS[2:]), line)
        for one in ids
        for key in result.walked
        if key in reach.nearest and (line := reaching.route(reach, key, one)) is not None
    ]
    return gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=[*_ROUTE_COLUMNS, "geometry"]).astype({"parcel_id": "str"}),
        geometry="geometry",
        crs=result.area.crs,
    )


def all_told(
    result: Result, layers: Mapping[str, gpd.GeoDataFrame], tables: Mapping[str, pd.DataFrame]
) -> dict[str, Told]:
    """Return what people read of each layer and table, in the strategy's language."""
    told = told_of(layers, tables, result.criteria, result.strategy.language)
    for number, scenario in enumerate(result.scenarios, start=1):
        name = f"difference_{number}"
        told[name] = told[name]._replace(title=f"{told[name].title}: {scenario.name}")
    return told


def told_of(
    layers: Mapping[str, gpd.GeoDataFrame],
    tables: Mapping[str, pd.DataFrame],
    criteria: pd.DataFrame,
    language: str,
) -> dict[str, Told]:
    """Return titles, aliases and styles of layers and tables.

    Parameters
    ----------
    layers, tables
        Name to table.
    criteria
        Index ``key``: ``label`` in the language, ``group``.
    language
        ``nb`` or ``en``.
    """
    said = labels.words(language)
    styles = layer_styles(layers, criteria, language) | table_styles(tables, criteria, language)
    return {
        name: Told(
            said[f"layer.{base_name(name)}"],
            said.get(f"told.{base_name(name)}", ""),
            aliases(table, criteria, language, name),
            styles.get(name, {}),
        )
        for name, table in {**layers, **tables}.items()
    }


def project_of(
    told: Mapping[str, Told], layers: Mapping[str, gpd.GeoDataFrame], *, file: str, title: str
) -> tuple[str, bytes]:
    """Return name and content of the QGIS project that opens a GeoPackage as it is meant.

    Parameters
    ----------
    told
        Layer or table to what people read of it, from above.
    layers
        Name to table with geometry.
    file
        Name of the GeoPackage.
    title
        Of the project.
    """
    entries = [
        Entry(name, one.title, one.styles, name in layers and base_name(name) not in _UNSEEN)
        for name, one in told.items()
    ]
    main = layers.get("parcels", next(iter(layers.values())))
    content = project_file(
        entries, file=file, title=title, crs=pyproj.CRS(main.crs), bounds=main.total_bounds
    )
    return _PROJECT, content


def about(result: Result) -> dict[str, str]:
    """Return what the file says of itself: what, by what, when, whom to name."""
    licences = dict.fromkeys(one.licence for one in result.reports if one.licence)
    return {
        "TITLE": result.strategy.title,
        "ABSTRACT": " ".join(result.all_notes()),
        "ATTRIBUTION": " ".join(ATTRIBUTION),
        "LICENCES": "; ".join(licences),
        "SOFTWARE": f"arealstrategi {provenance.versions()['arealstrategi']}",
        "WRITTEN": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _may_be_told(result: Result, people: pd.DataFrame) -> pd.DataFrame:
    """Return what may be told of people: nothing of a few, where the public reads it."""
    return for_public(people) if result.strategy.output.audience == "public" else people
