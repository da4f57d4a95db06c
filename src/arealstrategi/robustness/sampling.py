"""Random weights.

All are Dirichlet draws, which spread evenly over the sets of weights that add up to 1. Uniform
numbers that are divided by their sum do not: they crowd around equal weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.scoring import normalise

Floats = NDArray[np.float64]


def sample_weights(
    weights: pd.Series,
    draws: int,
    rng: np.random.Generator,
    *,
    kappa: float | None = None,
    order: Sequence[str] | None = None,
    groups: pd.Series | None = None,
) -> Floats:
    """Draw weights at random.

    Parameters
    ----------
    weights
        The weights of the strategy by criterion. One of 0 stays 0 in every draw: the criterion is
        not there.
    draws
        How many.
    rng
        Where random numbers come from. The draws of a criterion do not depend on its place.
    kappa
        None: nothing is known, every set of weights is as likely as another. Else the draws lie
        around `weights`: each has them as its mean and the standard deviation
        ``sqrt(w (1 - w) / (kappa + 1))``.
    order
        Criteria from the most to the least important, if that is all that is known. The mean of
        the draws is then the rank order centroid.
    groups
        Group by criterion (NA: a group of its own). Weights are then drawn between the groups and
        again within each, both with `kappa`; so a group of many criteria is not heavier for that.

    Returns
    -------
    (draws, criteria) in the order of `weights`, every row adding up to 1.
    """
    share = normalise(weights[weights > 0].sort_index())
    if order is not None:
        if kappa is not None or groups is not None or sorted(order) != share.index.tolist():
            msg = "order names every criterion that counts once, and goes without kappa and groups"
            raise ValueError(msg)
        found = pd.DataFrame(
            -np.sort(-_dirichlet(share, draws, rng, None), axis=1), columns=list(order)
        )
    elif groups is None:
        found = pd.DataFrame(_dirichlet(share, draws, rng, kappa), columns=share.index)
    else:
        found = _two_levels(share, draws, rng, kappa, groups)
    return found.reindex(columns=weights.index, fill_value=0.0).to_numpy(dtype=float)


def _two_levels(
    share: pd.Series, draws: int, rng: np.random.Generator, kappa: float | None, groups: pd.Series
) -> pd.DataFrame:
    own = pd.Series([f"\0{key}" for key in share.index], index=share.index)
    group = groups.reindex(share.index).astype(object).where(lambda name: name.notna(), own)
    of_group = share.groupby(group).sum()
    between = _dirichlet(of_group, draws, rng, kappa)
    parts = []
    for place, name in enumerate(of_group.index):
        inner = share[group == name]
        within = _dirichlet(normalise(inner), draws, rng, kappa)
        parts.append(pd.DataFrame(between[:, [place]] * within, columns=inner.index))
    return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=range(draws))


def _dirichlet(
    share: pd.Series, draws: int, rng: np.random.Generator, kappa: float | None
) -> Floats:
    if len(share) <= 1:
        return np.ones((draws, len(share)))
    w = share.to_numpy(dtype=float)
    return rng.dirichlet(np.ones_like(w) if kappa is None else kappa * w, size=draws)
