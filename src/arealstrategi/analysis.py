"""The order of the work: read, then analyse. The only place that knows it."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from arealstrategi.areas import recommend_areas
from arealstrategi.assessment import (
    Findings,
    Measures,
    Verdict,
    counted_weights,
    find,
    judge,
    measure,
    near_services,
    shown_names,
    snap_places,
    table_of,
)
from arealstrategi.comparison import compare
from arealstrategi.errors import ArealstrategiError
from arealstrategi.inputs import Inputs, Progress, read, stages
from arealstrategi.need import measure_need
from arealstrategi.network import Snapped, WalkNetwork, build_network, snap
from arealstrategi.provenance import SourceReport, with_origin
from arealstrategi.quality import network_report
from arealstrategi.result import Result, Scenario, Sites, service_table, zone_table
from arealstrategi.robustness import Robustness, Rule, vary
from arealstrategi.scenarios import play
from arealstrategi.scoring import SAME_DECIMALS
from arealstrategi.strategy import Strategy

__all__ = ["Inputs", "analyse", "check", "read", "run", "walk_network"]


def run(strategy: Strategy, *, progress: Progress | None = None) -> Result:
    """Read the inputs of a strategy and analyse them.

    Parameters
    ----------
    strategy
        What to do.
    progress
        Called with the name of each stage as it begins.

    Raises
    ------
    ArealstrategiError
        Something that the user can mend.
    """
    return analyse(strategy, read(strategy, progress=progress), progress=progress)


def analyse(strategy: Strategy, inputs: Inputs, *, progress: Progress | None = None) -> Result:
    """Score the parcels of `inputs` as `strategy` asks."""
    timings = dict(inputs.timings_s)
    stage = stages(timings, progress)
    with stage("network"):
        network = walk_network(strategy, inputs)
        at_parcels, at_services = _snapped(strategy, network, inputs)
    with stage("reach"):
        measures = measure(strategy, inputs, network, at_parcels, at_services)
        need = measure_need(strategy, inputs, network, at_services)
    with stage("score"):
        findings = find(strategy, inputs)
        verdict = judge(strategy, inputs, inputs.weights, measures, findings)
        sites = _judge_sites(strategy, inputs, network, at_services, verdict)
    with stage("robustness"):
        robustness = _vary(strategy, inputs, measures, verdict)
        bands = None if robustness is None else robustness.parcels
        parcels = table_of(strategy, inputs, measures, findings, verdict, bands)
    with stage("areas"):
        areas, joined = recommend_areas(parcels, strategy.areas)
    with stage("scenarios"):
        scenarios = _play_all(strategy, inputs, measures, findings, parcels)
    report = _network_report(strategy, inputs, network, at_parcels, at_services)
    return Result(
        strategy=strategy,
        area=inputs.area,
        weights=inputs.weights,
        parcels=parcels,
        services=service_table(inputs.services, at_services.thing_connected),
        constraints=findings.answers,
        constraint_shares=findings.shares,
        deduction=verdict.deduction,
        zones=zone_table(inputs.constraints, inputs.area.crs),
        backdrop=inputs.backdrop,
        areas=areas,
        robustness=robustness,
        sites=sites,
        scenarios=scenarios,
        population=inputs.population if need is None else need.cells,
        in_reach=pd.DataFrame() if need is None else need.in_reach,
        access=pd.DataFrame() if need is None else need.access,
        reach=measures.reach,
        reports=(*inputs.reports, report),
        warnings=(
            *inputs.warnings,
            *_warnings(strategy, inputs, measures, at_services),
            *(() if need is None else need.warnings),
            *joined,
        ),
        timings_s=timings,
    )


def _judge_sites(
    strategy: Strategy,
    inputs: Inputs,
    network: WalkNetwork,
    at_services: Snapped,
    verdict: Verdict,
) -> Sites | None:
    """Judge the given sites as parcels, and say which rank each would have among these."""
    given = inputs.sites
    if given is None:
        return None
    shapes = given.parcels.geometry.to_numpy()
    at_sites = snap(network, shapes, limit_m=strategy.osm.snap_m)
    measures = measure(strategy, given, network, at_sites, at_services)
    findings = find(strategy, given)
    own = judge(strategy, given, given.weights, measures, findings)
    table = table_of(strategy, given, measures, findings, own)
    scores = np.sort(-verdict.table["score"].dropna().to_numpy().round(SAME_DECIMALS))
    place = np.searchsorted(scores, -table["score"].round(SAME_DECIMALS)) + 1
    among = pd.Series(place, table.index, dtype="Int64").where(table["score"].notna())
    table = table.assign(place_among_parcels=among)
    return Sites(table, findings.answers, findings.shares, measures.reach)


def _vary(
    strategy: Strategy, inputs: Inputs, measures: Measures, verdict: Verdict
) -> Robustness | None:
    """Vary weights, distances and method for the assessed parcels."""
    rows = np.flatnonzero(verdict.table["status"] == "assessed")
    if not strategy.robustness.enabled or len(rows) == 0:
        return None
    score, deduction = strategy.score, verdict.deduction.iloc[rows]
    rule = Rule(score.method, score.alpha, score.floor, deduction if deduction.any() else None)
    weights = counted_weights(strategy, inputs.weights.weight)
    return vary(
        verdict.counted.iloc[rows],
        weights,
        near_services(strategy, measures.reach, rows),
        None,
        strategy.robustness,
        rule=rule,
    )


def _play_all(
    strategy: Strategy,
    inputs: Inputs,
    measures: Measures,
    findings: Findings,
    parcels: gpd.GeoDataFrame,
) -> tuple[Scenario, ...]:
    """Play every scenario and compare it with the strategy itself."""
    scenarios = []
    for what_if in strategy.scenario:
        played = play(strategy, inputs, what_if, measures, findings)
        after = table_of(strategy, inputs, played.measures, played.findings, played.verdict)
        compared = compare(
            parcels,
            after,
            inputs.weights.weight,
            played.weights.weight,
            top=strategy.robustness.top,
        )
        scenarios.append(
            Scenario(what_if.name, after, compared, played.weights, played.closed, played.opened)
        )
    return tuple(scenarios)


def walk_network(strategy: Strategy, inputs: Inputs) -> WalkNetwork:
    """Build the network of the strategy's walker."""
    asked = strategy.walker
    return build_network(
        inputs.ways, asked.walker, direction=asked.direction, ferries=asked.ferries
    )


def check(
    strategy: Strategy, *, progress: Progress | None = None
) -> tuple[list[SourceReport], list[ArealstrategiError]]:
    """Read every input as a run would, and go on after one that cannot be used.

    Parameters
    ----------
    strategy
        What to read.
    progress
        Called with the name of each stage as it begins.

    Returns
    -------
    What was understood of each input and of the network, and what would stop a run.
    """
    reports: list[SourceReport] = []
    problems: list[ArealstrategiError] = []
    try:
        inputs = read(
            strategy, progress=progress, backdrop=False, reports=reports, problems=problems
        )
        network = walk_network(strategy, inputs)
        snapped = _snapped(strategy, network, inputs)
        reports.append(_network_report(strategy, inputs, network, *snapped))
    except ArealstrategiError as error:
        problems.append(error)
    return [with_origin(report) for report in reports], problems


def _network_report(
    strategy: Strategy,
    inputs: Inputs,
    network: WalkNetwork,
    parcels: Snapped,
    services: Snapped,
) -> SourceReport:
    places = inputs.services
    names = (places["category"] + " " + shown_names(places)).tolist()
    index = inputs.parcels.index
    return network_report(
        strategy.walker.profile, inputs.ways, network, parcels, services, index, names
    )


def _snapped(strategy: Strategy, network: WalkNetwork, inputs: Inputs) -> tuple[Snapped, Snapped]:
    shapes = inputs.parcels.geometry.to_numpy()
    at_parcels = snap(network, shapes, limit_m=strategy.osm.snap_m)
    return at_parcels, snap_places(strategy, network, inputs.services)


def _warnings(
    strategy: Strategy, inputs: Inputs, measures: Measures, services: Snapped
) -> tuple[str, ...]:
    said, parcels, unseen = [], measures.reach.parcels, measures.unseen
    for things, what in ((services, "services"), (parcels, "parcels")):
        if lone := int((~things.thing_connected).sum()):
            of = len(things.thing_connected)
            said.append(f"{lone} of {of} {what} lie too far from any walkable way")
    if unseen.any():
        said.append(
            f"{int(unseen.sum())} of them lie outside the extract: what is there is not known"
        )
    if len(inputs.services) == 0:
        said.append("no service of any kind was found: no parcel has a score")
    weighed = set(inputs.weights.group[inputs.weights.weight > 0])
    said += [
        f"gate: the group {gate.group} has no weight, so its minimum is not asked for"
        for gate in strategy.gate
        if gate.group not in weighed
    ]
    return tuple(said)
