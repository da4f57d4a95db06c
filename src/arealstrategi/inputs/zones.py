"""Constraints and what criteria look at beside the walk: layers, rasters, plans, centre zones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from arealstrategi.area import StudyArea, ground_scale
from arealstrategi.constraints import Constraint
from arealstrategi.criteria import NumberCriterion
from arealstrategi.errors import InputError
from arealstrategi.evidence import NOT_MAPPED, SLIVER_SHARE, answer_by_share, find_zones
from arealstrategi.inputs.located import Located, as_file, is_raster, locate, read_in_area
from arealstrategi.plans import READINESS_VALUE, plan_of_parcels, plan_zones
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.parcels import OWN
from arealstrategi.sources.plan import IN_FORCE, open_plan, purpose_name, read_plan
from arealstrategi.sources.presets import (
    Preset,
    columns_for,
    pick_layer,
    preset,
    select_features,
)
from arealstrategi.sources.rasters import raster_measure, raster_report, raster_share
from arealstrategi.sources.remote import is_remote
from arealstrategi.sources.slope import ground_slope, parcel_slope, steep_zones
from arealstrategi.sources.statistics import distance_to_zones, read_zones
from arealstrategi.sources.vector import Layer
from arealstrategi.strategy import ConstraintEntry, CriterionEntry, Strategy
from arealstrategi.values import code_text

ANYWHERE = "no coverage given: everywhere counts as mapped"
POSITIVE = "value > 0"  # which cells count where the strategy does not say
NOTHING_NEAR = (
    "the layer has nothing in or near the area, so everything counts as far from it; is it whole?"
)
ELSEWHERE = (
    "all that the layer holds lies elsewhere, so nothing is known here; is it the right file?"
)


def read_constraint(
    strategy: Strategy,
    entry: ConstraintEntry,
    area: StudyArea,
    parcels: gpd.GeoDataFrame,
    plan: gpd.GeoDataFrame | None,
) -> tuple[Constraint, SourceReport]:
    """Read one rule with its zones, or its answers where a raster gives them.

    Raises
    ------
    InputError, OnlineError
        The source cannot be used.
    """
    key = f'[[constraint]] "{entry.name}"'
    if entry.plan_zones:
        return _from_plan(entry, plan, area)
    role = f"constraint: {entry.name}"
    effect: dict[str, Fact] = {"effect": entry.effect, "by": entry.by}
    if is_raster(str(entry.source)):
        cells, report = _tested_cells(entry, parcels, key, role)
        if entry.by == "net_area":
            raise InputError(
                f'{key}: by = "net_area" needs zones with outlines, and {entry.source} is a raster',
                hint='Give a layer of polygons, or judge the share: by = "share".',
            )
        share, known = (cells[name].to_numpy() for name in ("share", "known"))
        found = answer_by_share(share, known, parcels.index, entry.from_share)
        zones, mapped = None, None
    else:
        zones, mapped, report = _zones(strategy, entry, area, key, role)
        found = None
    report = replace(report, facts={**report.facts, **effect})
    nowhere = gpd.GeoSeries([], crs=area.crs)
    shown = nowhere if zones is None else zones
    return _rule(entry, shown, mapped, found), report


def _rule(
    entry: ConstraintEntry,
    zones: gpd.GeoSeries,
    mapped: gpd.GeoSeries | None,
    found: pd.DataFrame | None = None,
) -> Constraint:
    return Constraint(
        entry.name, entry.effect, entry.points, zones, mapped, found, entry.by, entry.from_share
    )


def _tested_cells(
    entry: ConstraintEntry | CriterionEntry, parcels: gpd.GeoDataFrame, key: str, role: str
) -> tuple[pd.DataFrame, SourceReport]:
    """Return the share of each parcel on cells that count, and the share that is known."""
    path, asked = Path(str(entry.source)), entry.where or POSITIVE
    cells = raster_share(path, parcels, asked, key=key)
    return cells, raster_report(path, cells, asked, role=role)


def _zones(
    strategy: Strategy,
    entry: ConstraintEntry | CriterionEntry,
    area: StudyArea,
    key: str,
    role: str,
) -> tuple[gpd.GeoSeries, gpd.GeoSeries | None, SourceReport]:
    """Return the zones of a layer, and where they have been surveyed; None: everywhere."""
    named = entry.preset if isinstance(entry, ConstraintEntry) else None
    known = preset(named) if named is not None else None
    located = locate(
        strategy, str(entry.source), entry.layer,
        key=key, area=area, crs=entry.crs, prefer=known.layers if known is not None else (),
    )  # fmt: skip
    table, facts, said, near = _features(located, entry.where, known, area)
    mapped, files, covered = _coverage(strategy, entry, located, known, area, key)
    if mapped is None:
        said = (*said, ANYWHERE if near else ELSEWHERE)
        mapped = None if near else gpd.GeoSeries([], crs=area.crs)
    zones = gpd.GeoSeries(table.geometry.to_numpy(), crs=area.crs)
    counted: dict[str, Fact] = {"zones in and around the area": len(zones), **covered}
    report = SourceReport(
        role, str(located.layer), {**located.facts, **facts, **counted}, said,
        (located.layer.path, *files), date=located.date,
        what=f"{known.dataset} ({known.owner})" if known else "zones",
        licence=known.licence if known else "",
    )  # fmt: skip
    return zones, mapped, report


def _features(
    located: Located, where: str | None, known: Preset | None, area: StudyArea
) -> tuple[gpd.GeoDataFrame, dict[str, Fact], tuple[str, ...], bool]:
    if known is None:
        table, near = read_in_area(located, area, where=where)
        return table, {}, (), near
    columns = columns_for(known, located.layer.fields)
    table, near = read_in_area(located, area, columns, where=where)
    chosen, facts, said = select_features(known, table, str(located.layer))
    if not columns and pick_layer(known.layers, [located.layer.name]) is None:
        said = (
            *said,
            f"neither its name nor its columns tell that this is {known.dataset}: is it?",
        )
    return chosen, {"preset": known.key, "law": known.law_nb, **facts}, said, near


def _coverage(
    strategy: Strategy,
    entry: ConstraintEntry | CriterionEntry,
    located: Located,
    known: Preset | None,
    area: StudyArea,
    key: str,
) -> tuple[gpd.GeoSeries | None, tuple[Path, ...], dict[str, Fact]]:
    """Return where the zones have been surveyed; None: nobody says."""
    source, layer = entry.coverage, None
    if source is None and known is not None:
        layer = pick_layer(known.coverage_layers, located.layer.siblings)
        source = str(entry.source) if layer is not None else None
    if source is None:
        return None, (), {}
    found = locate(strategy, source, layer, key=f"`coverage` of {key}", area=area)
    table, _ = read_in_area(found, area)
    mapped = gpd.GeoSeries(table.geometry.to_numpy(), crs=area.crs)
    covered: dict[str, Fact] = {"coverage": str(found.layer), **_mapped_share(mapped, area)}
    return mapped, (found.layer.path,), covered


def _from_plan(
    entry: ConstraintEntry, plan: gpd.GeoDataFrame | None, area: StudyArea
) -> tuple[Constraint, SourceReport]:
    """Return the hensynssoner with the codes asked for; where no plan lies, nothing is known."""
    if plan is None:
        raise _no_plans(f'[[constraint]] "{entry.name}"')
    zones = plan_zones(plan, entry.plan_zones)
    planned = plan[(plan["kind"] != "zone") & (plan["use"] == IN_FORCE)].geometry
    mapped = gpd.GeoSeries(planned.to_numpy(), crs=area.crs)
    facts: dict[str, Fact] = {
        "codes": ", ".join(entry.plan_zones),
        "zones in and around the area": len(zones),
        "effect": entry.effect,
        **_mapped_share(mapped, area),
    }
    report = SourceReport(
        f"constraint: {entry.name}", "the plans", facts, what="zones of plans (hensynssoner)"
    )
    return _rule(entry, zones, mapped), report


STEEP = {"nb": "Brattere enn {pct:g} %", "en": "Steeper than {pct:g} %"}


def steep_ground(
    strategy: Strategy, area: StudyArea, parcels: gpd.GeoDataFrame
) -> tuple[Constraint, SourceReport]:
    """Return the ground that is too steep to build on, as zones that are taken off the parcels.

    Raises
    ------
    InputError
        The elevation model cannot be used.
    """
    most = strategy.buildable.max_slope_pct
    assert most is not None  # noqa: S101 - asked for only where it is set
    slope = ground_slope(
        strategy.terrain.elevation, _bounds(parcels), area.crs, shapes=parcels.geometry
    )
    zones, mapped = steep_zones(slope, most)
    name = STEEP[strategy.language].format(pct=most)
    facts: dict[str, Fact] = {"cells of m": slope.cell_m, "steep zones": len(zones)}
    source = ", ".join(str(path) for path in strategy.terrain.elevation)
    report = SourceReport(
        f"constraint: {name}", source, facts, (), tuple(strategy.terrain.elevation),
        what="ground slope, from the elevation model",
    )  # fmt: skip
    return Constraint(name, "exclude", 0.0, zones, mapped, by="net_area"), report


def read_plans(
    strategy: Strategy, area: StudyArea, reports: list[SourceReport]
) -> gpd.GeoDataFrame | None:
    """Read every plan of the strategy into one table; None where it names none.

    Raises
    ------
    InputError, OnlineError
        A plan cannot be used.
    """
    tables = []
    for entry in strategy.plan:
        if is_remote(entry.source):
            located = locate(strategy, entry.source, entry.layer, key="[[plan]]", area=area)
            layers: tuple[Layer, ...] = (located.layer,)
            date = located.date
        else:
            layers = open_plan(Path(entry.source), entry.layer, key="[[plan]]", crs=entry.crs)
            date = ""
        table, report = read_plan(layers, crs=area.crs, boundary=area.reach)
        reports.append(replace(report, date=date))
        tables.append(table)
    if not tables:
        return None
    return gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=area.crs)


def tell_plans(
    plan: gpd.GeoDataFrame, parcels: gpd.GeoDataFrame, language: Literal["nb", "en"]
) -> pd.DataFrame:
    """Return what the plans say of each parcel, with the purpose's name."""
    told = plan_of_parcels(parcels, plan)
    pairs = told[["plan_level", "plan_purpose"]].drop_duplicates().dropna()
    names = pairs.assign(
        plan_purpose_name=[
            purpose_name(level, code, language) for level, code in pairs.itertuples(index=False)
        ]
    )
    named = told.merge(names, "left", on=["plan_level", "plan_purpose"])
    return named.set_axis(told.index)


def read_evidence(
    strategy: Strategy,
    criterion: NumberCriterion,
    area: StudyArea,
    parcels: gpd.GeoDataFrame,
    details: pd.DataFrame,
    reports: list[SourceReport],
) -> pd.Series:
    """Return the number that a criterion judges, NaN where it is not known.

    Raises
    ------
    InputError, OnlineError
        Its source cannot be used.
    """
    if criterion.kind == "column":
        return _own_column(criterion, parcels)
    if criterion.kind == "plan_readiness":
        if "plan_readiness" not in details:
            raise _no_plans(f'[[criterion]] "{criterion.key}"')
        return details["plan_readiness"].map(READINESS_VALUE).astype(float)
    if criterion.kind == "slope":
        numbers, report = _slope(strategy, criterion, area, parcels)
    else:
        entry = next(one for one in strategy.criterion if one.key == criterion.key)
        measure = {
            "layer_share": _layer_share,
            "raster": _cells,
            "distance": _distance,
            "centrality": _centrality,
        }
        numbers, report = measure[criterion.kind](strategy, entry, area, parcels)
    reports.append(report)
    return numbers


def _own_column(criterion: NumberCriterion, parcels: gpd.GeoDataFrame) -> pd.Series:
    """Return a column of the parcels: numbers, or the codes that the criterion values."""
    named = f"{OWN}{criterion.column}"
    if named not in parcels:  # given sites need not have it
        return pd.Series(np.nan, parcels.index)
    column = parcels[named]
    if criterion.categories is None:
        return pd.to_numeric(column, errors="coerce")
    codes: pd.Series = column.map(code_text, na_action="ignore").astype("str")
    codes = codes.where(codes != "")
    if "" in criterion.categories:  # the strategy says what an empty cell is worth
        codes = codes.fillna("")
    unknown = codes[codes.notna() & ~codes.isin(list(criterion.categories))]
    if len(unknown):
        raise InputError(
            f'[[criterion]] "{criterion.key}": column {criterion.column} has the code '
            f"{unknown.iloc[0]!r} (parcel {unknown.index[0]}), which has no value",
            hint=f"Add it to categories, which has: {', '.join(criterion.categories)}.",
        )
    return codes


def _slope(
    strategy: Strategy, criterion: NumberCriterion, area: StudyArea, parcels: gpd.GeoDataFrame
) -> tuple[pd.Series, SourceReport]:
    """Return the share of each parcel's ground that is not too steep, NaN where not known."""
    rasters, most = strategy.terrain.elevation, criterion.max_slope_pct
    slope = ground_slope(rasters, _bounds(parcels), area.crs, shapes=parcels.geometry)
    found = parcel_slope(slope, parcels, max_pct=most)
    known = found["known"] > 1 - SLIVER_SHARE
    facts: dict[str, Fact] = {
        "cells of m": slope.cell_m,
        "steepest ground that counts, %": most,
        "parcels with known ground": int(known.sum()),
    }
    report = SourceReport(
        f"criterion: {criterion.key}", ", ".join(map(str, rasters)), facts, (), tuple(rasters),
        what="ground slope, from the elevation model",
    )  # fmt: skip
    return found["within_share"].where(known), report


def _distance(
    strategy: Strategy, entry: CriterionEntry, area: StudyArea, parcels: gpd.GeoDataFrame
) -> tuple[pd.Series, SourceReport]:
    """Return metres of straight line to the nearest feature of a layer, 0 where one is met.

    inf where the layer, which covers the area, has none in it or its margin; NaN where all that
    it holds lies elsewhere.
    """
    key = f'[[criterion]] "{entry.key}"'
    located = locate(strategy, str(entry.source), entry.layer, key=key, area=area, crs=entry.crs)
    table, near = read_in_area(located, area, where=entry.where)
    nothing = np.inf if near else np.nan
    metres = pd.Series(nothing, parcels.index)
    if len(table):
        shapes = parcels.geometry.to_numpy()
        nearest = shapely.STRtree(table.geometry.to_numpy()).nearest(shapes)
        straight = shapely.distance(shapes, table.geometry.to_numpy()[nearest])
        at = shapely.get_coordinates(shapely.point_on_surface(shapes))
        metres = pd.Series(straight / ground_scale(at, area.crs), parcels.index)
    facts: dict[str, Fact] = {
        **located.facts,
        "features in and around the area": len(table),
        "measured as": "straight line",
    }
    said = () if len(table) else (NOTHING_NEAR if near else ELSEWHERE,)
    report = SourceReport(
        f"criterion: {entry.key}", str(located.layer), facts, said,
        (located.layer.path,), date=located.date, what="things to be near to or far from",
    )  # fmt: skip
    return metres, report


def _layer_share(
    strategy: Strategy, entry: CriterionEntry, area: StudyArea, parcels: gpd.GeoDataFrame
) -> tuple[pd.Series, SourceReport]:
    """Return the share of each parcel in zones, 0–1; NaN where that has not been surveyed."""
    key, role = f'[[criterion]] "{entry.key}"', f"criterion: {entry.key}"
    if is_raster(str(entry.source)):
        cells, report = _tested_cells(entry, parcels, key, role)
        return cells["share"].where(cells["known"] > 1 - SLIVER_SHARE), report
    zones, mapped, report = _zones(strategy, entry, area, key, role)
    found = find_zones(parcels, zones, mapped)
    return found["share"].where(found["answer"] != NOT_MAPPED), report


def _cells(
    _: Strategy, entry: CriterionEntry, __: StudyArea, parcels: gpd.GeoDataFrame
) -> tuple[pd.Series, SourceReport]:
    """Return what a raster says of each parcel."""
    path, statistic = Path(str(entry.source)), entry.statistic or "mean"
    cells = raster_measure(path, parcels, statistic, key=f'[[criterion]] "{entry.key}"')
    report = raster_report(path, cells, statistic, role=f"criterion: {entry.key}")
    return cells["measured"], report


def _centrality(
    strategy: Strategy, entry: CriterionEntry, area: StudyArea, parcels: gpd.GeoDataFrame
) -> tuple[pd.Series, SourceReport]:
    """Return metres of straight line to the nearest centre zone, 0 inside."""
    key = f'[[criterion]] "{entry.key}"'
    path, layer, located = as_file(strategy, str(entry.source), entry.layer, key=key, area=area)
    kind = entry.zones or "sentrumssone"
    zones, report = read_zones(path, kind=kind, crs=area.crs, layer=layer, key=key)
    report = replace(
        report,
        role=f"criterion: {entry.key}",
        source=str(located.layer) if located is not None else report.source,
        facts={**report.facts, "measured as": "straight line"},
        date=report.date or (located.date if located is not None else ""),
    )
    return distance_to_zones(parcels, zones), report


def _bounds(parcels: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    west, south, east, north = parcels.total_bounds
    return float(west), float(south), float(east), float(north)


def _no_plans(asked: str) -> InputError:
    return InputError(
        f"{asked}: there are no plans to look into",
        hint="Correct what is wrong with [[plan]] first.",
    )


def _mapped_share(mapped: gpd.GeoSeries, area: StudyArea) -> dict[str, Fact]:
    """Return how much of the study area has been surveyed."""
    surveyed = shapely.intersection(shapely.union_all(mapped.to_numpy()), area.boundary)
    return {"area mapped, %": round(100 * surveyed.area / area.boundary.area, 1)}
