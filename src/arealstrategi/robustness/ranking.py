"""Scores and ranks of all parcels, many times over.

`scoring.aggregate` and `scoring.rank_of` say the same for one set of weights; here the values are
laid out once, so that a draw costs little. Sums run over one criterion after the other, in the
same order for every parcel: parcels of equal values tie exactly, whatever their place in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.scoring import FLOOR, SAME_DECIMALS, Method

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SAME = 10.0**SAME_DECIMALS


@dataclass(frozen=True)
class Rule:
    """How values become scores.

    Parameters
    ----------
    method, alpha, floor
        As `scoring.aggregate` takes them.
    deduction
        Points (0–100) to take off each parcel's score, by parcel; None: none. Scores end at 0.
    """

    method: Method = "weighted_sum"
    alpha: float = 1.0
    floor: float = FLOOR
    deduction: pd.Series | None = None

    def points(self, parcels: pd.Index) -> Floats | None:
        """Return the deduction of these parcels, or None where there is none at all."""
        if self.deduction is None:
            return None
        points = self.deduction.loc[parcels].to_numpy(dtype=float)
        return points if points.any() else None


WEIGHTED_SUM = Rule()


@dataclass(frozen=True)
class Layout:
    """Values as `scores` reads them.

    Parameters
    ----------
    rule
        How they become scores.
    columns
        (criteria, parcels): values, their logarithms (``geometric``), or the steps between each
        parcel's sorted values (``owa``).
    order
        (criteria, parcels), for ``owa``: which criterion each step belongs to; the number of
        criteria where it belongs to none.
    gaps
        Rows of the parcels that lack a value.
    known
        (criteria, gaps): 1 where a value is known, else 0.
    points
        Deduction by parcel.
    """

    rule: Rule
    columns: Floats
    order: Ints | None
    gaps: Ints
    known: Floats
    points: Floats | None


def by_criterion(values: pd.DataFrame) -> Floats:
    """Return values as (criteria, parcels)."""
    return np.ascontiguousarray(values.to_numpy(dtype=float).T)


def lay_out(raw: Floats, rule: Rule, points: Floats | None) -> Layout:
    """Prepare values for `scores`.

    Parameters
    ----------
    raw
        (criteria, parcels), 0–1; NaN where a criterion is left out for a parcel.
    rule, points
        As `Layout` has them.
    """
    unknown = np.isnan(raw)
    gaps = np.flatnonzero(unknown.any(axis=0))
    known = (~unknown[:, gaps]).astype(float)
    order = None
    if rule.method == "owa":
        columns, order = _steps(raw, unknown)
    elif rule.method == "geometric":
        columns = np.where(unknown, 0.0, np.log(np.maximum(raw, rule.floor)))
    else:
        columns = np.where(unknown, np.inf if rule.method == "minimum" else 0.0, raw)
    return Layout(rule, columns, order, gaps, known, points)


def _steps(raw: Floats, unknown: NDArray[np.bool_]) -> tuple[Floats, Ints]:
    """Return from each value, best first, the step down to the next, and whose value it is."""
    order = np.argsort(-raw, axis=0, kind="stable")  # unknown last
    ordered = np.where(unknown, 0.0, raw)
    ordered = np.take_along_axis(ordered, order, axis=0)
    steps = ordered - np.vstack([ordered[1:], np.zeros_like(ordered[:1])])
    return steps, np.where(np.take_along_axis(unknown, order, axis=0), len(raw), order)


def scores(layout: Layout, weights: Floats) -> Floats:
    """Return the score 0–100 of every parcel, NaN where nothing that counts is known.

    Parameters
    ----------
    layout
        The values.
    weights
        (criteria,), adding up to 1.
    """
    total = _JOINED[layout.rule.method](layout, weights)
    total *= 100.0
    if layout.points is not None:
        total = np.maximum(total - layout.points, 0.0)
    return total


def _sum(layout: Layout, weights: Floats) -> Floats:
    total = np.zeros(layout.columns.shape[1])
    part = np.empty_like(total)
    for row in np.flatnonzero(weights):
        total += np.multiply(layout.columns[row], weights[row], out=part)
    if len(layout.gaps):
        total[layout.gaps] /= _known_weight(layout, weights)
    return total


def _geometric(layout: Layout, weights: Floats) -> Floats:
    return np.exp(_sum(layout, weights))


def _owa(layout: Layout, weights: Floats) -> Floats:
    if layout.order is None:
        msg = "the layout was made for another method"
        raise ValueError(msg)
    share = np.append(weights, 0.0)
    total = np.zeros(layout.columns.shape[1])
    reached, whole = np.zeros_like(total), np.ones_like(total)
    whole[layout.gaps] = _known_weight(layout, weights)
    for whose, step in zip(layout.order, layout.columns, strict=True):
        reached += share[whose]
        total += np.minimum(reached / whole, 1.0) ** layout.rule.alpha * step
    return total


def _minimum(layout: Layout, weights: Floats) -> Floats:
    lowest = layout.columns[weights > 0].min(axis=0, initial=np.inf)
    return np.where(np.isinf(lowest), np.nan, lowest)


def _known_weight(layout: Layout, weights: Floats) -> Floats:
    """Return for each parcel with gaps the weight of what is known; NaN where it is 0."""
    weight = np.zeros(len(layout.gaps))
    for row in np.flatnonzero(weights):
        weight += layout.known[row] * weights[row]
    return np.where(weight > 0, weight, np.nan)


_JOINED: dict[Method, Callable[[Layout, Floats], Floats]] = {
    "weighted_sum": _sum,
    "geometric": _geometric,
    "owa": _owa,
    "minimum": _minimum,
}


def ranks(score: Floats) -> Ints:
    """Return competition ranks 1, 2, 2, 4; a parcel without a score (NaN) comes last.

    Row and score go into one whole number and are sorted as such, which is three times as quick
    as sorting rows by score.
    """
    n = len(score)
    bits = n.bit_length()
    missing = np.isnan(score)
    if missing.any():
        score = np.where(missing, -1.0, score)
    packed = np.rint(score * -_SAME).astype(np.int64)  # the best first
    packed <<= bits
    packed |= np.arange(n)
    packed.sort()
    score_of, row = packed >> bits, packed & ((1 << bits) - 1)
    start = np.arange(1, n + 1)
    start[1:][score_of[1:] == score_of[:-1]] = 0
    rank = np.empty(n, dtype=np.int64)
    rank[row] = np.maximum.accumulate(start)
    return rank
