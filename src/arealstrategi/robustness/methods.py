"""The same parcels ranked by other methods, set beside the strategy's own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from arealstrategi.robustness.ranking import (
    WEIGHTED_SUM,
    Floats,
    Rule,
    by_criterion,
    lay_out,
    ranks,
    scores,
)
from arealstrategi.scoring import SAME_DECIMALS, normalise

COMPARED: dict[str, Rule] = {
    "weighted_sum": Rule("weighted_sum"),
    "geometric": Rule("geometric"),
    "owa_0.5": Rule("owa", alpha=0.5),
    "owa_2": Rule("owa", alpha=2.0),
    "minimum": Rule("minimum"),
}
TOPSIS = "topsis"


def topsis(
    values: pd.DataFrame,
    weights: pd.Series,
    *,
    normalisation: Literal["vector", "none"] = "vector",
    cost: Collection[str] | None = None,
) -> pd.Series:
    """Return how close each parcel is to the best of all criteria and far from the worst, 0–1.

    Technique for order of preference by similarity to ideal solution (Hwang and Yoon 1981). Best
    and worst are those of the parcels at hand, so one parcel more may reorder the others: a second
    opinion, no score.

    Parameters
    ----------
    values
        Parcels × criteria; NaN: the criterion is left out for the parcel.
    weights
        By criterion.
    normalisation
        ``vector``: each criterion is divided by its Euclidean length. ``none``: values are taken
        as they are, which is fair where all are 0–1.
    cost
        Criteria of which less is better.

    Returns
    -------
    By parcel; 1 for all where all are alike.
    """
    v = values.to_numpy(dtype=float)
    if len(v) == 0:
        return pd.Series(dtype=float, index=values.index, name=TOPSIS)
    if normalisation == "vector":
        length = np.sqrt(np.nansum(v**2, axis=0))
        v = v / np.where(length > 0, length, 1.0)
    v = v * weights.loc[values.columns].to_numpy(dtype=float)
    v = np.where(values.columns.isin(list(cost or ())), -v, v)
    to_best = _apart(v, np.where(np.isnan(v), -np.inf, v).max(axis=0))
    to_worst = _apart(v, np.where(np.isnan(v), np.inf, v).min(axis=0))
    whole = to_best + to_worst
    close = np.divide(to_worst, whole, out=np.ones_like(whole), where=whole > 0)
    return pd.Series(close, index=values.index, name=TOPSIS)


def _apart(v: Floats, point: Floats) -> Floats:
    return np.asarray(np.sqrt(np.nansum((v - point) ** 2, axis=1)))


def compare_methods(
    values: pd.DataFrame, weights: pd.Series, *, rule: Rule = WEIGHTED_SUM, top: int = 20
) -> pd.DataFrame:
    """Rank the parcels by other methods and tell how like the strategy's own ranks these are.

    Parameters
    ----------
    values
        Parcels × criteria, 0–1; assessed parcels alone.
    weights
        By criterion.
    rule
        The strategy's own. Its floor and deduction go for the other methods too.
    top
        How many places the top has.

    Returns
    -------
    By method (the strategy's own is added if it is not among them): ``spearman`` and ``kendall``
    (tau-b) of the scores, NaN where all parcels score the same; ``top_overlap``: parcels that are
    in the top of both, of those that are in the top of either, where every parcel whose rank is
    at most `top` is in it, with all that tie for the last place; ``same_first``: whether the first
    place goes to the same parcels, all that tie for it.
    """
    w = normalise(weights).loc[values.columns]
    rules = {name: replace(rule, method=r.method, alpha=r.alpha) for name, r in COMPARED.items()}
    raw, points = by_criterion(values), rule.points(values.index)
    found = {name: _scores(raw, one, points, w) for name, one in rules.items()}
    close = 100.0 * topsis(values, w).to_numpy()
    found[TOPSIS] = close if points is None else np.maximum(close - points, 0.0)
    name = f"owa_{rule.alpha:g}" if rule.method == "owa" else rule.method
    own = found.setdefault(name, _scores(raw, rule, points, w))
    table = pd.DataFrame(
        [_agreement(other, own, top) for other in found.values()],
        index=pd.Index(list(found), name="method"),
    )
    return table.astype({"same_first": "boolean"})


def _scores(raw: Floats, rule: Rule, points: Floats | None, weights: pd.Series) -> Floats:
    return scores(lay_out(raw, rule, points), weights.to_numpy(dtype=float))


def _agreement(other: Floats, own: Floats, top: int) -> dict[str, float | bool | None]:
    a, b = other.round(SAME_DECIMALS), own.round(SAME_DECIMALS)
    if len(a) == 0:
        return dict.fromkeys(("spearman", "kendall", "top_overlap"), np.nan) | {"same_first": None}
    rank_a, rank_b = ranks(other), ranks(own)
    vary = bool(np.ptp(a) > 0 and np.ptp(b) > 0)
    return {
        "spearman": float(stats.spearmanr(a, b).statistic) if vary else np.nan,
        "kendall": float(stats.kendalltau(a, b).statistic) if vary else np.nan,
        "top_overlap": overlap(rank_a <= top, rank_b <= top),
        "same_first": bool(np.array_equal(rank_a == 1, rank_b == 1)),
    }


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of what is in both sets of what is in either (Jaccard)."""
    return float((one & other).sum() / max((one | other).sum(), 1))
