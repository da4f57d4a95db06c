"""Weights from points and from an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

RankMethod = Literal["roc", "rank_sum", "rank_reciprocal"]


def direct(points: pd.Series) -> pd.Series:
    """Return the weights that points stand for: wᵢ = pᵢ / Σp.

    Parameters
    ----------
    points
        One number per item on any scale, none negative, at least one above 0.
    """
    all_named_once(points.index)
    p = points.astype(float)
    if not (np.isfinite(p) & (p >= 0)).all() or not (p > 0).any():
        raise ValueError("points must be numbers from 0 up, at least one of them above 0")
    return scaled(p)


def swing(points: pd.Series) -> pd.Series:
    """Return swing weights (von Winterfeldt & Edwards 1986).

    The points answer: how much is it worth to lift this item from its zero to its full anchor,
    where the lift that is worth most gets 100? The arithmetic is that of `direct`; the question,
    which has the anchors in it, makes the difference.
    """
    return direct(points)


def roc(order: Sequence[str]) -> pd.Series:
    """Return rank-order centroid weights, wᵣ = (1/n) Σₖ₌ᵣ 1/k (Barron & Barrett 1996).

    Parameters
    ----------
    order
        The items, the most important first.
    """
    return _by_order(order, "roc")


def rank_sum(order: Sequence[str]) -> pd.Series:
    """Return rank-sum weights, wᵣ ∝ n + 1 - r (Stillwell, Seaver & Edwards 1981); see `roc`."""
    return _by_order(order, "rank_sum")


def rank_reciprocal(order: Sequence[str]) -> pd.Series:
    """Return reciprocal weights, wᵣ ∝ 1/r (Stillwell, Seaver & Edwards 1981); see `roc`."""
    return _by_order(order, "rank_reciprocal")


def rank_weights(ranks: pd.Series, method: RankMethod = "roc") -> pd.Series:
    """Return the weights of ranked items; items that tie share the weights of their places.

    Parameters
    ----------
    ranks
        A number per item, the smallest for the most important; only their order counts.
    method
        Which formula.
    """
    all_named_once(ranks.index)
    if ranks.isna().any():
        raise ValueError("every item needs a rank")
    return pd.Series(rank_shares(ranks.to_frame().T, method)[0], ranks.index, name="weight")


def _by_order(order: Sequence[str], method: RankMethod) -> pd.Series:
    return rank_weights(pd.Series(range(len(order)), list(order)), method)


def place_weights(n: int, method: RankMethod) -> NDArray[np.float64]:
    """Return what places 1 … n weigh, before they are scaled."""
    place = np.arange(1, n + 1)
    if method == "rank_sum":
        return np.asarray(n + 1.0 - place)
    if method == "rank_reciprocal":
        return np.asarray(1 / place)
    return np.asarray(np.cumsum(1 / place[::-1])[::-1])


def rank_shares(ranks: pd.DataFrame, method: RankMethod) -> NDArray[np.float64]:
    """Return `rank_weights` of every row."""
    first, last = (ranks.rank(axis=1, method=m).to_numpy(dtype=int) for m in ("min", "max"))
    reached = np.cumsum([0.0, *place_weights(ranks.shape[1], method)])
    mean = (reached[last] - reached[first - 1]) / (last - first + 1)
    return np.asarray(mean / reached[-1])


def scaled(weights: pd.Series) -> pd.Series:
    """Scale numbers from 0 up, one of them above 0, to add up to 1."""
    share = weights / weights.max()  # first, so that no sum overflows
    return pd.Series(share / share.sum(), name="weight")


def all_named_once(items: Sequence[str] | pd.Index) -> None:
    """Refuse an empty list, and an item that stands there twice.

    Raises
    ------
    ValueError
        Names what stands there more than once.
    """
    names = list(items)
    if not names:
        raise ValueError("name at least one item")
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(map(repr, twice))} stands there more than once")
