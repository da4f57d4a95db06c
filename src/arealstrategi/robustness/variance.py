"""Which weights move the result most: Sobol indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from arealstrategi.errors import InputError
from arealstrategi.robustness.methods import overlap
from arealstrategi.robustness.ranking import (
    WEIGHTED_SUM,
    Floats,
    Rule,
    by_criterion,
    lay_out,
    ranks,
    scores,
)
from arealstrategi.scoring import normalise

TOP_OVERLAP = "top_overlap"


@dataclass(frozen=True)
class Multipliers:
    """What the weights are multiplied by, before they are scaled to add up to 1 again.

    Parameters
    ----------
    spread
        Each multiplier is uniform from 1 - spread to 1 + spread; above 0, below 1.
    groups
        Group by criterion: one multiplier for each group (NA: one of its own); None: one for each
        criterion.
    draws
        Size of the sample, taken up to a power of two; the model runs (factors + 2) times as often.
    seed
        Start of the random numbers.
    """

    # Judgement: half as much to one and a half times as much.
    spread: float = 0.5
    groups: pd.Series | None = None
    draws: int = 512
    seed: int = 1


USUAL = Multipliers()


def variance_split(
    values: pd.DataFrame,
    weights: pd.Series,
    chosen: Sequence[str] | int,
    *,
    rule: Rule = WEIGHTED_SUM,
    multipliers: Multipliers = USUAL,
) -> pd.DataFrame:
    """Split the variance of scores, or of who is in the top, by the weights that cause it.

    Parameters
    ----------
    values
        Parcels × criteria, 0–1; assessed parcels alone.
    weights
        By criterion; one of 0 stays out.
    chosen
        Parcels: the variance of each one's score. A number: that of the overlap (Jaccard) of the
        so many best with those of the strategy.
    rule
        How values become scores.
    multipliers
        How the weights vary.

    Returns
    -------
    By what varies (``of``: a parcel, or ``top_overlap``) and ``factor`` (criterion or group):
    ``first``, the share of the variance that the factor causes alone, and ``total``, with all it
    causes together with others. NaN where nothing varies.
    """
    w = normalise(weights).loc[values.columns]
    factor_of = _factors(w, multipliers.groups)
    factors = sorted(factor_of.dropna().unique())
    sobol, sample = _sobol()
    problem: dict[str, Any] = {
        "num_vars": len(factors),
        "names": factors,
        "bounds": [[1 - multipliers.spread, 1 + multipliers.spread]] * len(factors),
    }
    size = 1 << max(multipliers.draws - 1, 1).bit_length()
    drawn = sample.sample(problem, size, calc_second_order=False, seed=multipliers.seed)
    times = pd.DataFrame(drawn, columns=factors).reindex(columns=factor_of, fill_value=0.0)
    tried = times.to_numpy() * w.to_numpy()
    tried /= tried.sum(axis=1, keepdims=True)
    found = _model(values, w, chosen, rule, tried)
    split = {
        of: _indices(sobol, problem, outcome, multipliers.seed) for of, outcome in found.items()
    }
    return pd.concat(split, names=["of", "factor"])


def _factors(w: pd.Series, groups: pd.Series | None) -> pd.Series:
    """Return the factor of each criterion; missing where its weight is 0."""
    own = pd.Series(w.index, index=w.index, dtype=object)
    named = own if groups is None else groups.reindex(w.index).astype(object).fillna(own)
    return named.where(w > 0)


def _sobol() -> tuple[ModuleType, ModuleType]:
    try:
        from SALib.analyze import sobol
        from SALib.sample import sobol as sample
    except ImportError as error:
        raise InputError(
            "Sobol indices are computed by SALib, which is not installed.",
            hint='Install it with: pip install "arealstrategi[sensitivity]"',
        ) from error
    return sobol, sample


def _model(
    values: pd.DataFrame, w: pd.Series, chosen: Sequence[str] | int, rule: Rule, tried: Floats
) -> dict[str, Floats]:
    """Return what comes out, by its name, for each set of weights."""
    if not isinstance(chosen, int):
        values = values.loc[list(chosen)]
    layout = lay_out(by_criterion(values), rule, rule.points(values.index))
    if not isinstance(chosen, int):
        outcome = np.array([scores(layout, one) for one in tried])
        return dict(zip(chosen, outcome.T, strict=True))
    top = ranks(scores(layout, w.to_numpy())) <= chosen
    shares = [overlap(ranks(scores(layout, one)) <= chosen, top) for one in tried]
    return {TOP_OVERLAP: np.array(shares)}


def _indices(
    sobol: ModuleType, problem: dict[str, Any], outcome: Floats, seed: int
) -> pd.DataFrame:
    if np.ptp(outcome) <= 1e-12 * max(np.abs(outcome).max(), 1.0):
        return pd.DataFrame(np.nan, index=problem["names"], columns=["first", "total"])
    told = sobol.analyze(problem, outcome, calc_second_order=False, seed=seed)
    return pd.DataFrame({"first": told["S1"], "total": told["ST"]}, index=problem["names"])
