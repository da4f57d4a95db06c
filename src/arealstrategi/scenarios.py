"""What if: a service closes or opens, weights change, a rule is lifted.

Only what a scenario touches is done again: the walks to categories whose services change, the
values that follow from them, and the verdict.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import cast

import geopandas as gpd
import pandas as pd

from arealstrategi.assessment import (
    Findings,
    Measures,
    Verdict,
    judge,
    lift,
    shown_names,
    snap_places,
    step_bound,
    stored_places,
    value_walks,
)
from arealstrategi.criteria import AnyCriterion, NumberCriterion, WalkCriterion
from arealstrategi.inputs import Inputs
from arealstrategi.inputs.places import closed_in
from arealstrategi.network import WalkNetwork
from arealstrategi.reach import measure_reach, reach_table
from arealstrategi.strategy import ScenarioEntry, Strategy, Weights


@dataclass(frozen=True)
class Played:
    """What a scenario comes to.

    Parameters
    ----------
    measures, findings, verdict
        As of the strategy itself, with what the scenario changes.
    weights
        Those of the scenario.
    closed, opened
        Ids of the services that close and open.
    """

    measures: Measures
    findings: Findings
    verdict: Verdict
    weights: Weights
    closed: tuple[str, ...]
    opened: tuple[str, ...]


def play(
    strategy: Strategy,
    inputs: Inputs,
    what_if: ScenarioEntry,
    measures: Measures,
    findings: Findings,
) -> Played:
    """Judge the parcels as a scenario has it.

    Parameters
    ----------
    strategy, inputs
        Of the run.
    what_if
        The scenario.
    measures, findings
        Of the run.
    """
    gone = closed_in(inputs.services, what_if)
    new = inputs.opened.get(what_if.name, inputs.services.iloc[:0])
    services = gpd.GeoDataFrame(
        pd.concat([inputs.services[~gone], new], ignore_index=True), crs=inputs.area.crs
    )
    there = replace(inputs, services=services)
    touched = {*inputs.services["category"][gone], *new["category"]}
    if touched:
        measures = _walk_again(strategy, there, measures, touched)
    weights = strategy.weights_in(what_if, inputs.weights)
    findings = lift(strategy, inputs, findings, what_if.lift)
    return Played(
        measures,
        findings,
        judge(strategy, there, weights, measures, findings),
        weights,
        tuple(inputs.services["service_id"][gone]),
        tuple(new["service_id"]),
    )


def _walk_again(
    strategy: Strategy, inputs: Inputs, before: Measures, touched: Collection[str]
) -> Measures:
    """Walk to some categories anew, and leave all else as it is."""
    again = _that_follow(strategy, touched)
    keys = [c.key for c in again if isinstance(c, WalkCriterion)]
    services = inputs.services[inputs.services["category"].isin(keys)].reset_index(drop=True)
    network: WalkNetwork = before.reach.network
    places = snap_places(strategy, network, services)
    k = {key: places_k for key, places_k in stored_places(strategy).items() if key in keys}
    reach = measure_reach(
        network, before.reach.parcels, places, services["category"], before.reach.parcel_id, k=k
    )
    distances = reach_table(reach, shown_names(services), keys)
    measured, valued = value_walks(again, inputs, reach, distances)
    steps = step_bound(reach).reindex(columns=keys, fill_value=False)
    return Measures(
        before.reach,
        before.distances.assign(**_columns(distances)),
        before.measured.assign(**_columns(measured)),
        before.valued.assign(**_columns(valued)),
        before.step_bound.assign(**_columns(steps)),
        before.unseen,
    )


def _columns(table: pd.DataFrame) -> dict[str, pd.Series]:
    return {str(name): table[name] for name in table}


def _that_follow(strategy: Strategy, touched: Collection[str]) -> list[AnyCriterion]:
    """Return the criteria whose values may change, with every category that they walk to."""
    follow = [
        c
        for c in strategy.criteria
        if isinstance(c, NumberCriterion) and set(touched) & {c.of, *c.on_way_to}
    ]
    needed = set(touched).union(*({c.of, *c.on_way_to} for c in follow))
    walks = [c for c in strategy.criteria if isinstance(c, WalkCriterion) and c.key in needed]
    return cast("list[AnyCriterion]", [*walks, *follow])
