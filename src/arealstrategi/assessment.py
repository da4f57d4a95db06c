"""What is found of each parcel: the walks, the values, what rules say, and the verdict.

`measure`, `find` and `judge` can be done again on their own: a scenario that lifts a rule only
judges anew, one that closes a library only walks to libraries anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from arealstrategi import constraints as rules
from arealstrategi import criteria as judging
from arealstrategi import scoring
from arealstrategi.buildable import net_buildable, too_small
from arealstrategi.criteria import AnyCriterion, NumberCriterion, WalkCriterion
from arealstrategi.inputs import Inputs
from arealstrategi.network import Snapped, WalkNetwork, snap, snap_services
from arealstrategi.reach import (
    Reach,
    further_effort_m,
    measure_reach,
    reach_table,
    rests_on_the_way,
)
from arealstrategi.reach.barriers import way_statuses
from arealstrategi.result.tables import parcel_table
from arealstrategi.robustness import Near
from arealstrategi.strategy import Strategy, Weights

# How many places more than count are found, so that robustness can leave some out.
SPARE = 2
# Judgement: a bench farther from a path does not serve it.
REST_BESIDE_M = 15.0
# Judgement: on a shorter walk nobody needs to sit down.
REST_FREE_M = 100.0


@dataclass(frozen=True)
class Measures:
    """How far it is, and what that is worth.

    Parameters
    ----------
    reach
        The walks.
    distances
        The reach table, index ``parcel_id``.
    measured, valued
        One column per criterion: what it judges, and the value 0–1; NaN where not known.
    step_bound
        One column per category: whether only steps, closed to this walker, lead to it.
    unseen
        (p,) whether the parcel lies where the extract knows of no streets.
    """

    reach: Reach
    distances: pd.DataFrame
    measured: pd.DataFrame
    valued: pd.DataFrame
    step_bound: pd.DataFrame
    unseen: NDArray[np.bool_]


@dataclass(frozen=True)
class Findings:
    """What rules say of each parcel.

    Parameters
    ----------
    constraints
        The rules.
    answers, shares
        Index ``parcel_id``, one column per rule, as `constraints.find_all` gives them.
    net
        As `buildable.net_buildable` gives it; None where nobody asks for it.
    """

    constraints: tuple[rules.Constraint, ...]
    answers: pd.DataFrame
    shares: pd.DataFrame
    net: gpd.GeoDataFrame | None


@dataclass(frozen=True)
class Verdict:
    """What follows from both.

    Parameters
    ----------
    table
        As `scoring.judge` gives it, the classes capped by gates.
    counted
        The values as they went into the score; NaN: left out for that parcel.
    groups, headlines
        Score 0–100 of each group, and of ``safe``, ``central``, ``social``.
    deduction
        Points taken off.
    """

    table: pd.DataFrame
    counted: pd.DataFrame
    groups: pd.DataFrame
    headlines: pd.DataFrame
    deduction: pd.Series


def measure(
    strategy: Strategy,
    inputs: Inputs,
    network: WalkNetwork,
    at_parcels: Snapped,
    at_services: Snapped,
) -> Measures:
    """Walk to every category, and value what is found."""
    criteria, services = strategy.criteria, inputs.services
    walked = [c.key for c in criteria if isinstance(c, WalkCriterion)]
    reach = measure_reach(
        network,
        at_parcels,
        at_services,
        services["category"],
        inputs.parcels.index,
        k=stored_places(strategy),
    )
    distances = reach_table(reach, shown_names(services), walked)
    measured, values = value_walks(criteria, inputs, reach, distances)
    unseen = ~at_parcels.connected & ~_covered(inputs, strategy.osm.snap_m)
    return Measures(reach, distances, measured, values, step_bound(reach), unseen)


def snap_places(strategy: Strategy, network: WalkNetwork, services: gpd.GeoDataFrame) -> Snapped:
    """Find where services touch the network; parks and the like, by every path into them."""
    open_kinds = [
        c.key for c in strategy.criteria if isinstance(c, WalkCriterion) and c.min_area_m2 > 0
    ]
    is_open = np.asarray(services["category"].isin(open_kinds))
    shapes = services.geometry.to_numpy()
    return snap_services(network, shapes, is_open, limit_m=strategy.osm.snap_m)


def step_bound(reach: Reach) -> pd.DataFrame:
    """Say of each category whether only steps, which are closed to this walker, lead to it."""
    told = {key: way_statuses(reach, key) == "no_step_free_way" for key in reach.nearest}
    return pd.DataFrame(told, index=reach.parcel_id)


def stored_places(strategy: Strategy) -> dict[str, int]:
    """Return how many of the nearest places of each category are found."""
    spare = SPARE if strategy.robustness.enabled else 0
    counted: dict[str, int] = {}
    for c in strategy.criteria:
        if isinstance(c, NumberCriterion) and c.kind == "count_within":
            counted[c.of] = max(c.most, counted.get(c.of, 0))
    return {
        c.key: max(c.k + spare, counted.get(c.key, 0))
        for c in strategy.criteria
        if isinstance(c, WalkCriterion)
    }


def value_walks(
    criteria: list[AnyCriterion], inputs: Inputs, reach: Reach, distances: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what some criteria judge, and the values; the walks they need are in `reach`."""
    evidence = inputs.evidence.copy()
    for c in criteria:
        if isinstance(c, NumberCriterion) and c.kind == "count_within":
            effort = further_effort_m(reach, c.of, c.most)
            near = (effort <= c.within_m).sum(axis=1).astype(float)
            evidence[c.key] = pd.Series(near, reach.parcel_id)
        elif isinstance(c, NumberCriterion) and c.kind == "rest":
            evidence[c.key] = pd.Series(_rest(c, inputs.benches, reach), reach.parcel_id)
    choices = {
        c.key: further_effort_m(reach, c.key, c.k)
        for c in criteria
        if isinstance(c, WalkCriterion) and c.k > 1
    }
    measured = judging.measure(criteria, distances, evidence)
    return measured, judging.to_values(criteria, measured, choices)


def _rest(
    criterion: NumberCriterion, benches: gpd.GeoDataFrame, reach: Reach
) -> NDArray[np.float64]:
    """Return benches per 100 m on the ways that are there, their mean; 0 where there is none."""
    places = benches[benches["category"] == criterion.key].geometry
    at = snap(reach.network, places.centroid.to_numpy(), limit_m=REST_BESIDE_M)
    there = [key for key in criterion.on_way_to if key in reach.nearest]
    rates = np.full((len(reach.parcel_id), len(there) + 1), np.nan)
    for column, key in enumerate(there):
        metres = reach.nearest[key].metres
        counts = rests_on_the_way(reach, at, key)
        rates[:, column] = 100.0 * counts / np.maximum(metres, REST_FREE_M)
        rates[metres < REST_FREE_M, column] = 1.0
    known = np.isfinite(rates)
    total = np.where(known, rates, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(known.sum(axis=1), 1))


def find(strategy: Strategy, inputs: Inputs) -> Findings:
    """Ask every rule."""
    answers, shares = rules.find_all(inputs.parcels, inputs.constraints)
    net = _net(strategy, inputs, inputs.constraints)
    return Findings(inputs.constraints, answers, shares, net)


def lift(
    strategy: Strategy, inputs: Inputs, findings: Findings, lifted: Collection[str]
) -> Findings:
    """Return what the rules say when some do not hold."""
    kept = tuple(rule for rule in findings.constraints if rule.name not in lifted)
    gone = [rule for rule in findings.constraints if rule.name in lifted]
    names = [rule.name for rule in kept]
    takes_off = any(rule.by == "net_area" for rule in gone)
    net = _net(strategy, inputs, kept) if takes_off else findings.net
    return Findings(kept, findings.answers[names], findings.shares[names], net)


def _net(
    strategy: Strategy, inputs: Inputs, asked: Collection[rules.Constraint]
) -> gpd.GeoDataFrame | None:
    options = strategy.buildable
    if not options.asked:
        return None
    taken = [rule.zones for rule in asked if rule.by == "net_area"]
    widths = options.min_width_m > 0  # they cost more than all the rest
    return net_buildable(inputs.parcels.geometry, taken, strip_m=options.strip_m, widths=widths)


def judge(
    strategy: Strategy,
    inputs: Inputs,
    weights: Weights,
    measures: Measures,
    findings: Findings,
) -> Verdict:
    """Join the values, collect what speaks against each parcel, and decide."""
    options, index = strategy.score, inputs.parcels.index
    weight = counted_weights(strategy, weights.weight)
    counted, lacks = scoring.complete(measures.valued, weight, options.missing)
    total = scoring.aggregate(counted, weight, options.method, options.alpha, options.floor)
    tight = {} if findings.net is None else too_small(findings.net, strategy.buildable)
    is_tight = pd.DataFrame(tight, index=index).any(axis=1)
    seen = _against(strategy, inputs, measures, findings, weight)
    groups = scoring.group_scores(counted, weights.weight, weights.group)
    below = scoring.below_gates(groups, strategy.gate)
    told = {**seen, **tight, **below}
    effect = strategy.buildable.effect
    deduction = rules.deduction(findings.answers, findings.constraints)
    deduction += is_tight * (strategy.buildable.points if effect == "deduct" else 0.0)
    table = scoring.judge(
        total,
        reasons=scoring.join_reasons(told, index),
        excluded=seen[scoring.BELOW_MINIMUM]
        | rules.excluded(findings.answers, findings.constraints)
        | (is_tight & (effect == "exclude")),
        missing=seen[scoring.NO_SERVICE] | seen[scoring.OUTSIDE_EXTRACT] | lacks,
        deduction=deduction,
    )
    table["class"] = scoring.cap_classes(table["class"], below, strategy.gate)
    headline = pd.Series({c.key: c.headline for c in strategy.criteria}, dtype=object)
    headlines = scoring.group_scores(counted, weights.weight, headline)
    return Verdict(table, counted, groups, headlines, deduction)


def counted_weights(strategy: Strategy, weight: pd.Series) -> pd.Series:
    """Return the weights that the method goes by: for ``minimum`` of the critical ones alone."""
    critical = [c.key for c in strategy.criteria if c.critical]
    return scoring.deciding_weights(weight, critical, strategy.score.method)


def _against(
    strategy: Strategy,
    inputs: Inputs,
    measures: Measures,
    findings: Findings,
    weight: pd.Series,
) -> dict[str, pd.Series]:
    """Return what is to be told of parcels, by the code of its reason."""
    index, unseen = inputs.parcels.index, measures.unseen
    connected = measures.reach.parcels.connected
    counted = [c for c in strategy.criteria if weight[c.key] > 0]
    walked = [c.key for c in counted if isinstance(c, WalkCriterion)]
    nothing = bool(walked) and not inputs.services["category"].isin(walked).any()
    code = {
        "require": scoring.NO_VALUE,
        "reweight": scoring.REWEIGHTED,
        "worst": scoring.AS_WORST,
    }[strategy.score.missing]
    return {
        scoring.BELOW_MINIMUM: inputs.parcels["area_m2"] < strategy.parcels.min_area_m2,
        scoring.NARROW: inputs.parcels.get("narrow", pd.Series(data=False, index=index)),
        **rules.reasons(findings.answers),
        scoring.NO_SERVICE: pd.Series(nothing, index=index),
        **{
            f"{code}: {c.missing}": measures.valued[c.key].isna()
            for c in counted
            if isinstance(c, NumberCriterion)
        },
        scoring.OUTSIDE_EXTRACT: pd.Series(unseen, index=index),
        scoring.NOT_CONNECTED: pd.Series(~connected & ~unseen, index=index),
        **{
            f"{scoring.NO_STEP_FREE_WAY}: {key}": measures.step_bound[key]
            for key in walked
            if key in measures.step_bound
        },
    }


def _covered(inputs: Inputs, limit_m: float) -> NDArray[np.bool_]:
    """Say which parcels lie where the extract can know of streets."""
    seen = inputs.coverage.buffer(limit_m)
    shapely.prepare(seen)
    return np.asarray(shapely.intersects(seen, inputs.parcels.geometry.to_numpy()))


def shown_names(services: gpd.GeoDataFrame) -> pd.Series:
    """Call a service by its name, or by its id where it has none."""
    return services["name"].where(services["name"] != "", services["service_id"])


def _details(
    strategy: Strategy, findings: Findings, verdict: Verdict, details: pd.DataFrame
) -> pd.DataFrame:
    """Return the columns that come after those of the criteria."""
    told: Mapping[str, pd.Series] = {
        **{
            f"score_{name}": verdict.headlines[name]
            for name in get_args(judging.Headline)
            if name in verdict.headlines
        },
        "score_if_allowed": verdict.table["score_if_allowed"],
    }
    if findings.net is not None:
        told = {**told, "buildable_m2": findings.net["net_m2"]}
        if strategy.buildable.min_width_m > 0:
            told = {**told, "buildable_width_m": findings.net["widest_m"]}
    return pd.DataFrame(told, index=details.index).join(details)


def table_of(
    strategy: Strategy,
    inputs: Inputs,
    measures: Measures,
    findings: Findings,
    verdict: Verdict,
    bands: pd.DataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Put all that was found into the columns of the contract; see `result.parcel_table`."""
    details = _details(strategy, findings, verdict, inputs.details)
    return parcel_table(
        inputs.parcels,
        verdict.table,
        measures.distances,
        measures.measured,
        measures.valued,
        details,
        bands,
    )


def near_services(strategy: Strategy, reach: Reach, rows: NDArray[np.int64]) -> dict[str, Near]:
    """Return the nearest services of some parcels by category, to vary distances with."""
    speed = reach.network.flat_speed_m_s
    near = {}
    for c in strategy.criteria:
        if isinstance(c, WalkCriterion) and c.key in reach.nearest:
            found = reach.nearest[c.key]
            services, own = np.unique(found.k_service, return_inverse=True)
            own = own.reshape(found.k_service.shape) - int(services[0] == -1)
            near[c.key] = Near(
                found.k_seconds[rows] * speed,
                own[rows],
                int((services >= 0).sum()),
                partial(judging.walk_value, c),
                c.k,
            )
    return near
