"""From values to scores: weights, aggregation, status, class and rank."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.tables import CLASSES

Method = Literal["weighted_sum", "geometric", "owa", "minimum"]

# Judgement: four classes of equal width on the absolute scale 0–100.
CLASS_FROM = (75.0, 50.0, 25.0, 0.0)
# The geometric mean takes 0 as this (UNDP's Human Development Index does the same): otherwise one
# missing service would hide everything else.
FLOOR = 0.01
_SAME = 9  # decimals; scores that agree to 1e-9 share a rank

NOT_CONNECTED = "not_connected"
NO_SERVICE = "no_service_found"
NO_VALUE = "no_value"
BELOW_MINIMUM = "area_below_minimum"
NARROW = "narrower_than_minimum"
OUTSIDE_EXTRACT = "outside_extract"
NO_STEP_FREE_WAY = "no_step_free_way"


def normalise(weights: pd.Series) -> pd.Series:
    """Scale weights to add up to 1; where all are 0 they stay 0."""
    total = weights.sum()
    return weights / total if total > 0 else weights.astype(float)


def aggregate(
    values: pd.DataFrame, weights: pd.Series, method: Method = "weighted_sum", alpha: float = 1.0
) -> pd.Series:
    """Join the values of each parcel into one, 0–1; NaN where a value that counts is missing.

    Parameters
    ----------
    values
        One column per criterion, 0–1.
    weights
        Normalised weights by the same keys; a criterion of weight 0 has no say.
    method
        ``weighted_sum``: strong sides pay for weak ones (Malczewski 2000). ``geometric``: a weak
        side pulls the total down, with a floor of `FLOOR`. ``owa``: ordered weighted average with
        importance weights (Yager 1996); ``alpha`` 1 is the weighted sum, larger asks for all
        criteria to be good. ``minimum``: the weakest criterion decides.
    alpha
        For ``owa``; above 0.
    """
    counted = weights.index[weights > 0]
    v = np.ascontiguousarray(values[counted].to_numpy(dtype=float))
    w = weights[counted].to_numpy(dtype=float)
    if len(counted) == 0:
        joined = np.full(len(values), np.nan)
    elif method == "geometric":
        joined = np.exp((np.log(np.maximum(v, FLOOR)) * w).sum(axis=1))
    elif method == "owa":
        joined = _owa(v, w, alpha)
    elif method == "minimum":
        joined = v.min(axis=1)
    else:
        joined = (v * w).sum(axis=1)  # not @: its last digit varies with the number of rows
    return pd.Series(joined, index=values.index, name="total")


def _owa(v: NDArray[np.float64], w: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    order = np.argsort(-v, axis=1, kind="stable")
    reached = np.minimum(np.cumsum(w[order], axis=1), 1.0)
    before = np.hstack([np.zeros((len(v), 1)), reached[:, :-1]])
    joined = ((reached**alpha - before**alpha) * np.take_along_axis(v, order, axis=1)).sum(axis=1)
    return np.where(np.isnan(v).any(axis=1), np.nan, joined)


def judge(
    total: pd.Series,
    *,
    reasons: pd.Series,
    excluded: pd.Series,
    missing: pd.Series,
    deduction: pd.Series | None = None,
) -> pd.DataFrame:
    """Give each parcel its status, score, class and rank.

    Parameters
    ----------
    total
        Joined values, 0–1.
    reasons
        Codes or names, ``;``-joined.
    excluded, missing
        Whether the parcel is ruled out, and whether something needed is unknown. Ruled out wins.
    deduction
        Points to take off the score.

    Returns
    -------
    ``status``, ``reasons``, ``score`` (0–100), ``class`` and ``rank`` (competition ranking
    1, 2, 2, 4); the last three are empty unless the parcel is assessed.
    """
    status = pd.Series("assessed", index=total.index, dtype="str")
    status[missing | total.isna()] = "missing_data"
    status[excluded] = "excluded"
    score = 100.0 * total
    if deduction is not None:
        score = (score - deduction).clip(lower=0.0)
    score = score.where(status == "assessed")
    rank = score.round(_SAME).rank(method="min", ascending=False).astype("Int64")
    return pd.DataFrame(
        {
            "status": status,
            "reasons": reasons,
            "score": score,
            "class": classify(score),
            "rank": rank,
        }
    )


def classify(score: pd.Series) -> pd.Series:
    """Return the class of each score 0–100; a score on a limit belongs to the better class."""
    rounded = score.round(_SAME)
    named = pd.Series(pd.NA, index=score.index, dtype="str")
    for name, least in reversed(list(zip(CLASSES, CLASS_FROM, strict=True))):
        named[rounded >= least] = name
    return named


def join_reasons(flags: dict[str, pd.Series], index: pd.Index) -> pd.Series:
    """Join the names of what holds for each parcel with ``;``, in the order given."""
    joined = pd.Series("", index=index, dtype="str")
    for name, holds in flags.items():
        text = name.replace(";", ",")
        joined = joined.where(~holds, joined.where(joined == "", joined + ";") + text)
    return joined
