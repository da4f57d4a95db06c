"""All of it for one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from arealstrategi.provenance import Fact
from arealstrategi.robustness.acceptability import Acceptability, rank_acceptability
from arealstrategi.robustness.distances import Near, vary_distances
from arealstrategi.robustness.intervals import most_critical, weight_intervals
from arealstrategi.robustness.methods import compare_methods
from arealstrategi.robustness.options import RobustnessOptions
from arealstrategi.robustness.ranking import WEIGHTED_SUM, Rule
from arealstrategi.robustness.sampling import sample_weights


@dataclass(frozen=True)
class Robustness:
    """How sure the order of the parcels is.

    Parameters
    ----------
    parcels
        By parcel: ``rank_p05``, ``rank_p95``, ``top_share``, ``first_share`` with weights around
        those of the strategy; ``top_share_any`` with any weights; ``distance_p05``,
        ``distance_p95``, ``distance_top_share`` with distances alone varied; ``joint_p05``,
        ``joint_p95``, ``joint_top_share`` with weights around the strategy's and distances both.
        The last six are missing where no distance can vary.
    intervals
        By criterion, `intervals.weight_intervals` for the first place, and ``top_low`` and
        ``top_high`` for the top.
    central_weights
        With any weights, as `acceptability.Acceptability` tells them.
    methods
        `methods.compare_methods`.
    critical
        The criterion whose weight needs the smallest change for another first place; None if no
        weight alone can do it, or it is not told for this method.
    facts
        With what it was done.
    """

    parcels: pd.DataFrame
    intervals: pd.DataFrame
    central_weights: pd.DataFrame
    methods: pd.DataFrame
    critical: str | None
    facts: dict[str, Fact]


def vary(
    values: pd.DataFrame,
    weights: pd.Series,
    near: Mapping[str, Near],
    groups: pd.Series | None,
    options: RobustnessOptions,
    *,
    rule: Rule = WEIGHTED_SUM,
) -> Robustness:
    """Vary weights, distances and method, and tell what becomes of the ranks.

    Parameters
    ----------
    values
        Parcels × criteria, 0–1; assessed parcels alone. NaN: the criterion is left out for the
        parcel and the other weights are scaled up.
    weights
        By criterion, adding up to 1; a criterion of weight 0 stays out of everything.
    near
        The criteria whose distances can vary, parcels as in `values`.
    groups
        Group by criterion, if weights are to vary between groups and within each; else None.
    options
        How much.
    rule
        How values become scores.
    """
    counted = weights.index[weights > 0]
    values, weights = values[counted], weights[counted]
    near = {key: near[key] for key in counted if key in near}
    seeds = np.random.SeedSequence(options.seed).spawn(5)
    around_rng, any_rng, distance_rng, joint_rng, joint_weights_rng = map(
        np.random.default_rng, seeds
    )
    kappa, top = options.concentration, options.top
    around = sample_weights(weights, options.draws, around_rng, kappa=kappa, groups=groups)
    anything = sample_weights(weights, options.draws, any_rng, groups=groups)
    with_weights = rank_acceptability(values, around, rule=rule, top=top)
    with_any = rank_acceptability(values, anything, rule=rule, top=top)
    parcels = with_weights.parcels[["rank_p05", "rank_p95", "top_share", "first_share"]]
    parcels = parcels.assign(top_share_any=with_any.parcels["top_share"])
    alone = both = None
    if near:
        drawn = sample_weights(
            weights, options.distance_draws, joint_weights_rng, kappa=kappa, groups=groups
        )
        alone = vary_distances(values, near, weights, distance_rng, options=options, rule=rule)
        both = vary_distances(
            values, near, weights, joint_rng, options=options, rule=rule, drawn=drawn
        )
    parcels = parcels.join([_band(alone, "distance", values), _band(both, "joint", values)])
    intervals = weight_intervals(values, weights, rule=rule)
    of_top = weight_intervals(values, weights, rule=rule, top=top)
    return Robustness(
        parcels,
        intervals.assign(top_low=of_top["low"], top_high=of_top["high"]),
        with_any.central_weights,
        compare_methods(values, weights, rule=rule, top=top),
        most_critical(intervals),
        _facts(options, near, two_levels=groups is not None),
    )


def _band(found: Acceptability | None, name: str, values: pd.DataFrame) -> pd.DataFrame:
    ranks, share = [f"{name}_p05", f"{name}_p95"], f"{name}_top_share"
    if found is None:
        empty = pd.Series(pd.NA, index=values.index, dtype="Int64")
        return pd.DataFrame({ranks[0]: empty, ranks[1]: empty, share: np.nan})
    told = found.parcels[["rank_p05", "rank_p95", "top_share"]]
    named: pd.DataFrame = told.set_axis([*ranks, share], axis=1)
    return named.astype(dict.fromkeys(ranks, "Int64"))


def _facts(
    options: RobustnessOptions, near: Mapping[str, Near], *, two_levels: bool
) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "seed": options.seed,
        "sets of weights": options.draws,
        "concentration of weights around the strategy's": options.concentration,
        "weights vary": "between groups and within" if two_levels else "between criteria",
        "places in the top": options.top,
    }
    if near:
        facts |= {
            "sets of distances": options.distance_draws,
            "standard deviation of the factor on distances": options.distance_sd,
            "share of services left out": options.drop_share,
            "criteria whose distances vary": ", ".join(sorted(near)),
        }
    return facts
