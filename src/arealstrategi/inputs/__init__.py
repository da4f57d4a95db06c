"""Reading every input of a strategy into tables in the analysis CRS."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from arealstrategi.area import StudyArea
from arealstrategi.constraints import Constraint
from arealstrategi.criteria import NOT_READ, AnyCriterion, NumberCriterion
from arealstrategi.errors import ArealstrategiError
from arealstrategi.inputs.parcels import (
    BEYOND_M,
    area_and_parcels,
    read_boundary,
    read_raw_parcels,
    with_owner,
)
from arealstrategi.inputs.places import (
    closed_in,
    read_opened,
    read_osm,
    read_services,
    split_rests,
)
from arealstrategi.inputs.residents import read_districts, read_residents
from arealstrategi.inputs.sites import read_sites
from arealstrategi.inputs.weighting import read_weights
from arealstrategi.inputs.zones import (
    read_constraint,
    read_evidence,
    read_plans,
    steep_ground,
    tell_plans,
)
from arealstrategi.provenance import SourceReport, with_origin
from arealstrategi.sources.elevation import check_elevation, sample_heights
from arealstrategi.sources.remote import is_remote
from arealstrategi.strategy import Strategy, Weights
from arealstrategi.tables import Ways
from arealstrategi.terrain import lay_on_ground

__all__ = ["BEYOND_M", "Inputs", "Problems", "Progress", "read", "stages"]

log = logging.getLogger(__name__)

Progress = Callable[[str], None]
Problems = list[ArealstrategiError]


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
    weights
        What every criterion weighs.
    benches
        Places to rest, as a services table.
    opened
        Services that open in a scenario, by its name.
    constraints
        Rules with their zones.
    evidence
        Index ``parcel_id``, a column for every criterion that is read: the number it judges.
    details
        Index ``parcel_id``: what else is told of each parcel, such as its property and its plan.
    population
        Cells with residents; None where no grid is given.
    districts
        Polygons to report residents by, index their names; None: the whole area alone.
    sites
        The same inputs for the given sites instead of the parcels; None where there are none.
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
    weights: Weights
    benches: gpd.GeoDataFrame
    opened: dict[str, gpd.GeoDataFrame]
    constraints: tuple[Constraint, ...]
    evidence: pd.DataFrame
    details: pd.DataFrame
    population: gpd.GeoDataFrame | None
    districts: gpd.GeoDataFrame | None
    sites: Inputs | None
    reports: tuple[SourceReport, ...]
    timings_s: dict[str, float] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reports warn of, with the input it concerns."""
        return tuple(f"{r.role}: {text}" for r in self.reports for text in r.warnings)


def read(
    strategy: Strategy,
    *,
    progress: Progress | None = None,
    backdrop: bool = True,
    reports: list[SourceReport] | None = None,
    problems: Problems | None = None,
) -> Inputs:
    """Read every input of a strategy.

    Parameters
    ----------
    strategy
        What to read.
    progress
        Called with the name of each stage as it begins.
    backdrop
        Whether to read what the map draws below the parcels.
    reports
        A list to fill with what was read; when reading stops, it holds what was read till then.
    problems
        A list to fill with what is wrong with inputs that the others do not depend on, so that
        reading goes on; None: stop at the first.

    Raises
    ------
    ArealstrategiError
        An input cannot be used as it is.
    """
    timings: dict[str, float] = {}
    stage = stages(timings, progress)
    reports = [] if reports is None else reports
    with stage("parcels"):
        raw = None if is_remote(strategy.parcels.source) else read_raw_parcels(strategy, None)
    with stage("boundary"):
        name, boundary = read_boundary(strategy, reports)
    with stage("parcels"):
        if is_remote(strategy.parcels.source):
            raw = read_raw_parcels(strategy, boundary)
        area, parcels = area_and_parcels(strategy, raw, name, boundary, reports)
        with _going_on(problems):
            parcels = with_owner(strategy, parcels, reports)
        weights = read_weights(strategy, reports, problems)
        sites = None
        with _going_on(problems):
            sites = read_sites(strategy, area, parcels, reports)
    with stage("streets and services"):
        extract = read_osm(strategy, area, raw, backdrop=backdrop)
        reports.append(extract.report)
        services, benches = split_rests(strategy, extract.services)
        opened: dict[str, gpd.GeoDataFrame] = {}
        with _going_on(problems):
            services = read_services(strategy, area, services, reports)
            opened = read_opened(strategy, area, reports)
            for what_if in strategy.scenario:
                closed_in(services, what_if)  # what is not there is told before the work begins
    with stage("other layers"):
        plan = None
        with _going_on(problems):
            plan = read_plans(strategy, area, reports)
        layers = _read_layers(strategy, area, parcels, plan, reports, problems)
        residents = districts = None
        with _going_on(problems):
            residents = read_residents(strategy, area, reports)
            districts = read_districts(strategy, area, reports)
    with stage("terrain"):
        ways = extract.ways
        with _going_on(problems):
            ways = _on_ground(strategy, area, parcels, ways, reports)
    rules, evidence, details = layers
    inputs = Inputs(
        area,
        parcels,
        ways,
        services,
        extract.backdrop,
        extract.coverage,
        weights,
        benches,
        opened,
        rules,
        evidence,
        details,
        residents,
        districts,
        None,
        tuple(with_origin(report) for report in reports),
        timings,
    )
    if sites is None:
        return inputs
    with stage("other layers"):
        return replace(inputs, sites=_at_sites(strategy, inputs, sites, plan, problems))


def _at_sites(
    strategy: Strategy,
    inputs: Inputs,
    sites: gpd.GeoDataFrame,
    plan: gpd.GeoDataFrame | None,
    problems: Problems | None,
) -> Inputs:
    """Return the inputs for the given sites: only what depends on the places is read again.

    What was read has been told of, and what could not be is not tried twice.
    """
    area, entries = inputs.area, {entry.name: entry for entry in strategy.constraint}
    rules: list[Constraint] = []
    for known in inputs.constraints:
        rule = known
        with _going_on(problems):
            if rule.name not in entries:
                rule, _ = steep_ground(strategy, area, sites)
            elif rule.found is not None:
                rule, _ = read_constraint(strategy, entries[rule.name], area, sites, plan)
            rules.append(rule)
    details = _details(strategy, sites, plan)
    read = [c for c in strategy.criteria if c.key in inputs.evidence]
    evidence = _read_evidence(strategy, read, area, sites, details, [], problems)
    return replace(
        inputs, parcels=sites, constraints=tuple(rules), evidence=evidence, details=details
    )


def _details(
    strategy: Strategy, parcels: gpd.GeoDataFrame, plan: gpd.GeoDataFrame | None
) -> pd.DataFrame:
    """Return what else is told of each parcel: its property, and what the plans say."""
    details = _properties(parcels)
    return details if plan is None else details.join(tell_plans(plan, parcels, strategy.language))


def _properties(parcels: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the property of each parcel, where the parcel's own identity does not tell it."""
    told = pd.DataFrame(index=parcels.index)
    if "property" in parcels and parcels["property"].notna().any():
        own = parcels["property"]
        if (own.notna() & (own != parcels.index.to_series())).any():
            told["property"] = own
    return told


@contextmanager
def _going_on(problems: Problems | None) -> Iterator[None]:
    """Note what is wrong with an input and go on; without a list to note it in, stop."""
    try:
        yield
    except ArealstrategiError as error:
        if problems is None:
            raise
        problems.append(error)


def _read_layers(
    strategy: Strategy,
    area: StudyArea,
    parcels: gpd.GeoDataFrame,
    plan: gpd.GeoDataFrame | None,
    reports: list[SourceReport],
    problems: Problems | None,
) -> tuple[tuple[Constraint, ...], pd.DataFrame, pd.DataFrame]:
    """Return the rules, what criteria look at beside the walk, and what else is told."""
    rules: list[Constraint] = []
    details = _details(strategy, parcels, plan)
    for entry in strategy.constraint:
        with _going_on(problems):
            rule, report = read_constraint(strategy, entry, area, parcels, plan)
            rules.append(rule)
            reports.append(report)
    if strategy.buildable.max_slope_pct is not None:
        with _going_on(problems):
            rule, report = steep_ground(strategy, area, parcels)
            rules.append(rule)
            reports.append(report)
    evidence = _read_evidence(
        strategy, strategy.criteria, area, parcels, details, reports, problems
    )
    return tuple(rules), evidence, details


def _read_evidence(
    strategy: Strategy,
    criteria: list[AnyCriterion],
    area: StudyArea,
    parcels: gpd.GeoDataFrame,
    details: pd.DataFrame,
    reports: list[SourceReport],
    problems: Problems | None,
) -> pd.DataFrame:
    """Return a column for each criterion that is read: the number it judges."""
    evidence = pd.DataFrame(index=parcels.index)
    for criterion in criteria:
        if isinstance(criterion, NumberCriterion) and criterion.kind not in NOT_READ:
            with _going_on(problems):
                evidence[criterion.key] = read_evidence(
                    strategy, criterion, area, parcels, details, reports
                )
    return evidence


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
