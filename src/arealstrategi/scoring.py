"""From values to scores: weights, missing values, aggregation, gates, status, class and rank."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from arealstrategi.tables import CLASSES

Method = Literal["weighted_sum", "geometric", "owa", "minimum"]
MissingPolicy = Literal["require", "reweight", "worst"]

# Judgement: four classes of equal width on the absolute scale 0–100.
CLASS_FROM = (75.0, 50.0, 25.0, 0.0)
# The geometric mean takes 0 as this (UNDP's Human Development Index does the same): otherwise one
# missing service would hide everything else.
FLOOR = 0.01
SAME_DECIMALS = 9  # decimals; scores that agree to 1e-9 share a rank
_SAME_SHARE = 1e-9

NOT_CONNECTED = "not_connected"
NO_SERVICE = "no_service_found"
NO_VALUE = "no_value"
BELOW_MINIMUM = "area_below_minimum"
NARROW = "narrower_than_minimum"
OUTSIDE_EXTRACT = "outside_extract"
NO_STEP_FREE_WAY = "no_step_free_way"
BELOW_GATE = "group_below_minimum"
REWEIGHTED = "left_out_of_score"
AS_WORST = "counted_as_worst"

# Judgement: with less of the weight known than this, a score says too little.
LEAST_KNOWN_SHARE = 0.8


class Gate(BaseModel):
    """A group of criteria that must reach a minimum, or the class is capped.

    Strong sides may pay for weak ones in a sum; a gate says which may not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    group: str = Field(description="Key of the group that must reach the minimum.")
    min: float = Field(gt=0, le=100, description="Least score of the group, 0–100.")
    best: Literal["suitable", "less_suitable", "unsuitable"] = Field(
        default="suitable", description="The best class that a parcel below the minimum may have."
    )


def normalise(weights: pd.Series) -> pd.Series:
    """Scale weights to add up to 1; where all are 0 they stay 0."""
    total = weights.sum()
    return weights / total if total > 0 else weights.astype(float)


def deciding_weights(weights: pd.Series, critical: Collection[str], method: Method) -> pd.Series:
    """Return the weights that a method goes by.

    For ``minimum`` those of the critical criteria alone, if any of them has a weight; else all.
    """
    decides = weights.where(weights.index.isin(list(critical)), 0.0)
    return normalise(decides) if method == "minimum" and decides.any() else weights


def complete(
    values: pd.DataFrame, weights: pd.Series, policy: MissingPolicy
) -> tuple[pd.DataFrame, pd.Series]:
    """Deal with missing values as the policy says; none is ever taken as 0 in silence.

    Parameters
    ----------
    values
        One column per criterion, 0–1, NaN where missing.
    weights
        Normalised weights by the same keys.
    policy
        ``require``: a parcel lacking a value that counts is not assessed. ``reweight``: it is
        assessed by the others, if these have at least `LEAST_KNOWN_SHARE` of the weight.
        ``worst``: what is missing is worth 0.

    Returns
    -------
    The values to aggregate (NaN where a criterion is left out), and whether each parcel lacks too
    much to be assessed.
    """
    counted = weights.index[weights > 0]
    unknown = values[counted].isna()
    if policy == "worst":
        return values.fillna(dict.fromkeys(counted, 0.0)), pd.Series(data=False, index=values.index)
    if policy == "require":
        return values, unknown.any(axis=1)
    known = (~unknown).to_numpy(dtype=float) @ weights[counted].to_numpy(dtype=float)
    return values, pd.Series(known < LEAST_KNOWN_SHARE - _SAME_SHARE, index=values.index)


def aggregate(
    values: pd.DataFrame,
    weights: pd.Series,
    method: Method = "weighted_sum",
    alpha: float = 1.0,
    floor: float = FLOOR,
) -> pd.Series:
    """Join the values of each parcel into one, 0–1.

    Parameters
    ----------
    values
        One column per criterion, 0–1; where one is NaN, it is left out for that parcel and the
        weights of the others are scaled up.
    weights
        Normalised weights by the same keys; a criterion of weight 0 has no say.
    method
        ``weighted_sum``: strong sides pay for weak ones (Malczewski 2000). ``geometric``: a weak
        side pulls the total down. ``owa``: ordered weighted average with importance weights
        (Yager 1996). ``minimum``: the weakest criterion decides.
    alpha
        For ``owa``; above 0. 1 is the weighted sum, larger asks for all criteria to be good; its
        orness is 1 / (1 + alpha).
    floor
        For ``geometric``: values below count as this.

    Returns
    -------
    NaN where no value that counts is known.
    """
    counted = weights.index[weights > 0]
    v = np.ascontiguousarray(values[counted].to_numpy(dtype=float))
    w = np.broadcast_to(weights[counted].to_numpy(dtype=float), v.shape)
    unknown = np.isnan(v)
    if unknown.any():
        w = np.where(unknown, 0.0, w)
        # complete rows are not touched: a score must not hang on what others lack
        total = np.where(unknown.any(axis=1), w.sum(axis=1), 1.0)[:, np.newaxis]
        w = np.divide(w, total, out=np.zeros_like(w), where=total > 0)
        v = np.where(unknown, 1.0 if method == "minimum" else 0.0, v)
    if method == "geometric":
        joined = np.exp((np.log(np.maximum(v, floor)) * w).sum(axis=1))
    elif method == "owa":
        joined = _owa(v, w, alpha)
    elif method == "minimum":
        joined = v.min(axis=1, initial=1.0)
    else:
        joined = (v * w).sum(axis=1)  # not @: its last digit varies with the number of rows
    joined = np.where(unknown.all(axis=1), np.nan, joined)  # also where no criterion counts
    return pd.Series(joined, index=values.index, name="total")


def _owa(v: NDArray[np.float64], w: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    order = np.argsort(-v, axis=1, kind="stable")
    reached = np.minimum(np.cumsum(np.take_along_axis(w, order, axis=1), axis=1), 1.0)
    before = np.hstack([np.zeros((len(v), 1)), reached[:, :-1]])
    steps = reached**alpha - before**alpha
    return np.asarray((steps * np.take_along_axis(v, order, axis=1)).sum(axis=1))


def orness(alpha: float) -> float:
    """Return how far an ordered weighted average is from "all must be good" (0) to "any" (1).

    1 / (1 + alpha), for the continuous weights (Yager 1996); 0.5 is the weighted sum.
    """
    return 1.0 / (1.0 + alpha)


def order_weights(alpha: float, n: int) -> NDArray[np.float64]:
    """Return what the best, the second best … value counts where all n criteria matter alike.

    The weights of `aggregate` with ``owa``: (k/n)^alpha - ((k - 1)/n)^alpha (Yager 1996).
    """
    return np.diff((np.arange(n + 1) / n) ** alpha)


def trade_off(order: NDArray[np.float64]) -> float:
    """Return how far strong sides may pay for weak ones: 1 as in the weighted sum, 0 not at all.

    1 - √(n Σ(wₖ - 1/n)² / (n - 1)) of the `order_weights` (Jiang & Eastman 2000).
    """
    n = len(order)
    if n == 1:
        return 1.0  # nothing to pay for
    return float(1.0 - np.sqrt(n * ((order - 1.0 / n) ** 2).sum() / (n - 1)))


def group_scores(values: pd.DataFrame, weights: pd.Series, groups: pd.Series) -> pd.DataFrame:
    """Return the weighted mean of each group's criteria, 0–100.

    Parameters
    ----------
    values
        As `aggregate` takes them.
    weights
        By criterion key; a criterion of weight 0 has no say.
    groups
        Group by criterion key; NA: in none.

    Returns
    -------
    A column per group that has a criterion of weight above 0, in the order of the criteria; NaN
    where none of its values is known.
    """
    counted = groups[weights.reindex(groups.index) > 0].dropna()
    return pd.DataFrame(
        {
            group: 100.0 * aggregate(values, normalise(weights[keys]))
            for group, keys in counted.groupby(counted, sort=False).groups.items()
        },
        index=values.index,
    )


def below_gates(groups: pd.DataFrame, gates: Sequence[Gate]) -> dict[str, pd.Series]:
    """Say for each gate, under the name of its reason, which parcels do not reach its minimum.

    A group of which nothing is known does not reach it.
    """
    return {
        f"{BELOW_GATE}: {gate.group}": ~(groups[gate.group].round(SAME_DECIMALS) >= gate.min)
        for gate in gates
        if gate.group in groups
    }


def cap_classes(
    classes: pd.Series, below: dict[str, pd.Series], gates: Sequence[Gate]
) -> pd.Series:
    """Return the classes, none better than the gates allow; score and rank are not touched."""
    places = {name: place for place, name in enumerate(CLASSES)}
    place = classes.map(places).astype(float)
    for gate in gates:
        low = below.get(f"{BELOW_GATE}: {gate.group}")
        if low is not None:
            place = place.mask(low & place.notna(), place.clip(lower=places[gate.best]))
    return place.map(dict(enumerate(CLASSES))).astype(classes.dtype)


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
    1, 2, 2, 4), empty unless the parcel is assessed; ``score_if_allowed``, the score that also
    parcels have that are ruled out.
    """
    status = pd.Series("assessed", index=total.index, dtype="str")
    status[missing | total.isna()] = "missing_data"
    status[excluded] = "excluded"
    possible = 100.0 * total.mask(missing)
    if deduction is not None:
        possible = (possible - deduction).clip(lower=0.0)
    score = possible.where(status == "assessed")
    rank = rank_of(score)
    return pd.DataFrame(
        {
            "status": status,
            "reasons": reasons,
            "score": score,
            "class": classify(score),
            "rank": rank,
            "score_if_allowed": possible,
        }
    )


def rank_of(score: pd.Series) -> pd.Series:
    """Return competition ranks 1, 2, 2, 4; scores that agree to 1e-9 share one."""
    return score.round(SAME_DECIMALS).rank(method="min", ascending=False).astype("Int64")


def classify(score: pd.Series) -> pd.Series:
    """Return the class of each score 0–100; a score on a limit belongs to the better class."""
    rounded = score.round(SAME_DECIMALS)
    named = pd.Series(pd.NA, index=score.index, dtype="str")
    for name, least in reversed(list(zip(CLASSES, CLASS_FROM, strict=True))):
        named[rounded >= least] = name
    return named


def join_reasons(flags: dict[str, pd.Series], index: pd.Index) -> pd.Series:
    """Join the names of what holds for each parcel with ``;``, in the order given."""
    names = [name.replace(";", ",") for name in flags]
    held = np.column_stack(
        [np.zeros(len(index), bool), *(flag.to_numpy(bool) for flag in flags.values())]
    )
    # few parcels differ in what holds for them: each combination is written once
    _, first, of = np.unique(
        np.packbits(held, axis=1), axis=0, return_index=True, return_inverse=True
    )
    written = [";".join(itertools.compress(names, held[row, 1:])) for row in first]
    return pd.Series(pd.array(written, dtype="str").take(of.ravel()), index=index)
