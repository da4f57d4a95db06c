"""Ranks when distances are not what they seem: people walk slower, a service is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.robustness.acceptability import Acceptability, Draws, sum_up
from arealstrategi.robustness.options import RobustnessOptions
from arealstrategi.robustness.ranking import (
    WEIGHTED_SUM,
    Floats,
    Rule,
    by_criterion,
    lay_out,
    scores,
)
from arealstrategi.scoring import normalise


@dataclass(frozen=True)
class Near:
    """The nearest services of one criterion, more of them than it counts.

    Parameters
    ----------
    effort_m
        (parcels, stored) in the order of the values' rows, nearest first; inf where there are
        fewer.
    service
        (parcels, stored): row of each service, 0 to ``n_services - 1``; -1 where there are fewer.
    n_services
        How many there are in all.
    value_of
        Returns the values 0–1 of the parcels, of the efforts (parcels, `k`); called from several
        threads.
    k
        How many count; at most as many as are stored.
    """

    effort_m: Floats
    service: NDArray[np.integer]
    n_services: int
    value_of: Callable[[Floats], Floats]
    k: int


def vary_distances(
    values: pd.DataFrame,
    near: Mapping[str, Near],
    weights: pd.Series,
    rng: np.random.Generator,
    *,
    options: RobustnessOptions,
    rule: Rule = WEIGHTED_SUM,
    drawn: Floats | None = None,
) -> Acceptability:
    """Rank the parcels under distances drawn at random.

    In each draw all distances are multiplied by one factor (lognormal, mean 1), and each service
    is left out by chance: the same ones for all parcels, but apart for each criterion. Where fewer
    services are left than count, and there were more than are stored, the next is at least as far
    as the last one stored, and is taken to be there: the value is then somewhat too good.

    Parameters
    ----------
    values
        Parcels × criteria, as `acceptability.rank_acceptability` takes them. A criterion that is
        not in `near`, and a parcel's value that is NaN, stay as they are.
    near
        What can vary, by criterion.
    weights
        Of the strategy, by criterion; not used where `drawn` is given.
    rng
        Where random numbers come from.
    options
        ``distance_draws``, ``distance_sd``, ``drop_share`` and ``top`` count.
    rule
        How values become scores.
    drawn
        Weights by draw, (draws, criteria), to vary both at once; there are then as many draws.
    """
    if drawn is None:
        fixed = normalise(weights).loc[values.columns].to_numpy(dtype=float)
        drawn = np.broadcast_to(fixed, (options.distance_draws, len(fixed)))
    base, points = by_criterion(values), rule.points(values.index)
    # by name, so that the draws do not depend on the order of the criteria
    row_of = {key: row for row, key in enumerate(values.columns)}
    stored = {row_of[key]: _store(near[key], len(values)) for key in sorted(near)}
    generators = rng.spawn(len(drawn))
    valued = partial(_draw_values, base, stored, options)

    def scores_of(draw: int) -> Floats:
        layout = lay_out(valued(generators[draw]), rule, points)
        return scores(layout, drawn[draw])

    return sum_up(Draws(drawn, scores_of, values.index, values.columns), options.top)


@dataclass(frozen=True)
class _Stored:
    """`Near`, one place after the other; ``beyond_m`` is how far the next one is at least."""

    near: Near
    effort_m: Floats
    service: NDArray[np.integer]
    beyond_m: Floats


def _store(near: Near, parcels: int) -> _Stored:
    shape = (parcels, near.effort_m.shape[1])
    if near.effort_m.shape != shape or near.service.shape != shape or not 1 <= near.k <= shape[1]:
        msg = (
            f"efforts {near.effort_m.shape} and services {near.service.shape} do not fit "
            f"{parcels} parcels, of which {near.k} count"
        )
        raise ValueError(msg)
    last = near.effort_m[:, -1]
    more = near.n_services > shape[1]
    return _Stored(
        near,
        np.ascontiguousarray(near.effort_m.T, dtype=float),
        np.ascontiguousarray(near.service.T),
        last.astype(float) if more else np.full(parcels, np.inf),
    )


def _draw_values(
    base: Floats,
    stored: Mapping[int, _Stored],
    options: RobustnessOptions,
    rng: np.random.Generator,
) -> Floats:
    """Return the values (criteria, parcels) of one draw."""
    spread = np.log1p(options.distance_sd**2)
    factor = np.exp(np.sqrt(spread) * rng.standard_normal() - spread / 2)
    values = base.copy()
    for row, one in stored.items():
        kept = rng.random(one.near.n_services + 1) >= options.drop_share
        kept[-1] = True  # -1, no service, reads this
        fresh = one.near.value_of((_nearest(one, kept) * factor).T)
        values[row] = np.where(np.isnan(base[row]), np.nan, fresh)
    return values


def _nearest(stored: _Stored, kept: NDArray[np.bool_]) -> Floats:
    """Return the efforts (k, parcels) to the nearest services that are kept."""
    k = stored.near.k
    found = stored.effort_m[:k].copy()
    touched = np.flatnonzero(~kept.take(stored.service[:k]).all(axis=0))
    found[:, touched] = _next_nearest(stored, kept, touched)
    return found


def _next_nearest(stored: _Stored, kept: NDArray[np.bool_], rows: NDArray[np.intp]) -> Floats:
    """Return the same for parcels that lose one of the nearest.

    From the farthest to the nearest, each that is kept pushes those before it one place on.
    """
    found = np.repeat(stored.beyond_m[np.newaxis, rows], stored.near.k, axis=0)
    efforts, here = stored.effort_m[:, rows], kept.take(stored.service[:, rows])
    for effort_m, is_kept in zip(efforts[::-1], here[::-1], strict=True):
        for place in range(len(found) - 1, 0, -1):
            np.copyto(found[place], found[place - 1], where=is_kept)
        np.copyto(found[0], effort_m, where=is_kept)
    return found
