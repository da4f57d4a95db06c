"""How far one weight can go before the best parcels change, in closed form.

The weight of one criterion becomes t and the others are scaled to 1 - t. A score is then
p(t) / q(t) with p and q linear in t, and q is 1 where all values are known. Two parcels change
places where p_a q_b - p_b q_a, a polynomial of degree two at most, passes 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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

Rows = NDArray[np.intp]

COLUMNS = ("weight", "low", "high", "low_rival", "high_rival", "move")
_ALL = 1.0 - 1e-12  # a weight from here on is all there is


def weight_intervals(
    values: pd.DataFrame, weights: pd.Series, *, rule: Rule = WEIGHTED_SUM, top: int = 1
) -> pd.DataFrame:
    """Return for each weight the interval in which the leading parcels stay the same.

    Leading are the parcels whose rank is at most `top`, with all that tie for the last of these
    places. They stay so for as long as no other parcel gets strictly ahead of any of them;
    among themselves they may change places. At the ends of the interval one has caught up.

    Parameters
    ----------
    values
        Parcels × criteria, 0–1; NaN: the criterion is left out for the parcel and the other
        weights are scaled up. Such parcels are treated exactly.
    weights
        By criterion.
    rule
        How values become scores. With ``owa`` and ``minimum`` a score is not a ratio of linear
        functions of a weight, nor its logarithm with ``geometric`` and a deduction: the interval
        is then not told (NaN).
    top
        How many places.

    Returns
    -------
    By criterion: ``weight`` (of 1), ``low`` and ``high``, the parcels that then get ahead
    (``low_rival``, ``high_rival``; missing where none does down to 0 or up to 1), and ``move``,
    the smaller of the two changes (NaN where no change brings another parcel forward). A weight
    that is all there is, and a single parcel, have 0 to 1.
    """
    values = values.sort_index()  # rivals that tie are then told the same way
    w = normalise(weights).loc[values.columns].to_numpy(dtype=float)
    points = rule.points(values.index)
    linear = rule.method == "weighted_sum" or (rule.method == "geometric" and points is None)
    if linear:
        field = _field(values, w, rule, top)
        ends = [_interval(field, w, row) for row in range(len(w))]
    else:
        ends = [(_End(np.nan), _End(np.nan))] * len(w)
    named = values.index.to_numpy(dtype=object)
    table = pd.DataFrame({"weight": w}, index=values.columns)
    for place, name in enumerate(("low", "high")):
        table[name] = [pair[place].at for pair in ends]
        rivals = [None if pair[place].row is None else named[pair[place].row] for pair in ends]
        table[f"{name}_rival"] = pd.Series(rivals, index=values.columns, dtype="str")
    below = (table["weight"] - table["low"]).where(table["low_rival"].notna())
    above = (table["high"] - table["weight"]).where(table["high_rival"].notna())
    return table.assign(move=np.fmin(below, above))[list(COLUMNS)]


def most_critical(intervals: pd.DataFrame) -> str | None:
    """Return the criterion whose weight needs the smallest change, or None where none can do it."""
    moves = intervals["move"].dropna()
    return None if moves.empty else str(moves.idxmin())


@dataclass(frozen=True)
class _End:
    """An end of an interval, and the row of the parcel that gets ahead there, if any."""

    at: float
    row: int | None = None


@dataclass(frozen=True)
class _Field:
    """What all criteria share: (criteria, parcels) values (0 if unknown) and whether known.

    Parcels with the same ``pattern`` lack the same values.
    """

    worth: Floats
    known: Floats
    pattern: NDArray[np.intp]
    points: Floats | None
    leading: NDArray[np.bool_]
    behind: NDArray[np.bool_]


def _field(values: pd.DataFrame, w: Floats, rule: Rule, top: int) -> _Field:
    raw, points = by_criterion(values), rule.points(values.index)
    layout = lay_out(raw, rule, points)
    score = scores(layout, w)
    ranked = ~np.isnan(score)
    leading = ranked & (ranks(score) <= top)
    known = (~np.isnan(raw)).astype(float)
    pattern = np.zeros(len(values), dtype=np.intp)
    if len(layout.gaps):
        pattern = np.unique(known, axis=1, return_inverse=True)[1].reshape(-1)
    return _Field(layout.columns, known, pattern, points, leading, ranked & ~leading)


def _interval(field: _Field, w: Floats, at: int) -> tuple[_End, _End]:
    """Return how far the weight of one criterion can go down and up."""
    low, high = _End(0.0), _End(1.0)
    if w[at] >= _ALL:
        return low, high
    lines = _lines(field, w, at)
    leaders = _front(lines, field.pattern, np.flatnonzero(field.leading), highest=False)
    others = _front(lines, field.pattern, np.flatnonzero(field.behind), highest=True)
    if len(others) == 0:
        return low, high
    clipped = field.points is not None
    for leader in leaders:
        pair = _Pair(lines[:, leader, np.newaxis], lines[:, others], clipped=clipped)
        down, up = (_overtaken(pair, w[at], end) for end in (0.0, 1.0))
        if down is not None and down[0] > low.at:
            low = _End(down[0], int(others[down[1]]))
        if up is not None and up[0] < high.at:
            high = _End(up[0], int(others[up[1]]))
    return low, high


def _lines(field: _Field, w: Floats, at: int) -> Floats:
    """Return p0, p1, q0, q1 of every parcel: its score is (p0 + p1 t) / (q0 + q1 t).

    A factor that p and q share, (1 - t) or t, is left out: it would feign a crossing.
    """
    of_others = np.zeros_like(field.worth[0])
    weight = np.zeros_like(of_others)
    for row in np.flatnonzero(w):
        if row != at:
            of_others += w[row] / (1 - w[at]) * field.worth[row]
            weight += w[row] / (1 - w[at]) * field.known[row]
    weight[field.known.all(axis=0)] = 1.0  # not 0.9999999999999999
    value, has = field.worth[at], field.known[at] > 0
    alone = has & (weight == 0)
    p0, q0 = np.where(alone, value, of_others), np.where(alone, 1.0, weight)
    both = has & ~alone
    p1, q1 = np.where(both, value - of_others, 0.0), np.where(both, 1.0 - weight, 0.0)
    off = 0.0 if field.points is None else field.points / 100.0
    return np.stack([p0 - off * q0, p1 - off * q1, q0, q1])


def _front(lines: Floats, pattern: Rows, rows: Rows, *, highest: bool) -> Rows:
    """Return the rows that no other row of the same pattern beats at both ends.

    These alone can be the best (or the worst) of their pattern for some weight.
    """
    sign = -1.0 if highest else 1.0
    start, end = sign * lines[0, rows], sign * (lines[0, rows] + lines[1, rows])
    order = np.lexsort((rows, end, start, pattern[rows]))
    rows, end = rows[order], pd.Series(end[order])
    best = end.groupby(pattern[rows]).cummin().groupby(pattern[rows]).shift()
    return rows[(best.isna() | (end < best)).to_numpy()]


@dataclass(frozen=True)
class _Pair:
    """The lines of one leader (4, 1) and of others (4, rivals); whether scores end at 0."""

    leader: Floats
    rivals: Floats
    clipped: bool


def _overtaken(pair: _Pair, start: float, end: float) -> tuple[float, int] | None:
    """Return where, from start towards end, a rival first gets ahead, and which; None: nowhere."""
    span = end - start
    if span == 0:
        return None
    with np.errstate(all="ignore"):
        share = (_candidates(pair) - start) / span
    share = np.sort(np.where((share > 0) & (share < 1), share, 1.0), axis=0)
    width = share.shape[1:]
    bounds = np.vstack([np.zeros((1, *width)), share, np.ones((1, *width))])
    middle = start + span * (bounds[1:] + bounds[:-1]) / 2
    ahead = (np.diff(bounds, axis=0) > 0) & _is_ahead(pair, middle)
    first = np.where(ahead, bounds[:-1], np.inf).min(axis=0)
    rival = int(first.argmin())
    return None if np.isinf(first[rival]) else (start + span * float(first[rival]), rival)


def _candidates(pair: _Pair) -> Floats:
    """Return the weights at which something may change (3, rivals); NaN or inf where nothing."""
    a, b = pair.leader, pair.rivals
    c0 = a[0] * b[2] - b[0] * a[2]
    c1 = a[0] * b[3] + a[1] * b[2] - b[0] * a[3] - b[1] * a[2]
    c2 = a[1] * b[3] - b[1] * a[3]
    # Press et al., Numerical Recipes: no difference of numbers that are nearly the same
    both = -(c1 + np.where(c1 < 0, -1.0, 1.0) * np.sqrt(c1**2 - 4 * c2 * c0)) / 2
    zero = -b[0] / b[1] if pair.clipped else np.full_like(c0, np.nan)
    return np.stack([both / c2, c0 / both, zero])


def _is_ahead(pair: _Pair, t: Floats) -> NDArray[np.bool_]:
    a, b = pair.leader, pair.rivals
    of_rival = b[0] + b[1] * t
    ahead = (a[0] + a[1] * t) * (b[2] + b[3] * t) < of_rival * (a[2] + a[3] * t)
    return np.asarray(ahead & (of_rival > 0) if pair.clipped else ahead)
