"""Ranks over many draws: how often a parcel is first or near the top, and its band of ranks."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

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

_LOW_PCT, _HIGH_PCT = 5, 95
_MOST_RANKS = 25_000_000  # in memory at once; 4 bytes each
_DRAWS_AT_ONCE = 8
_PARCELS_AT_ONCE = 2048
_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class Acceptability:
    """What the ranks were over all draws.

    Parameters
    ----------
    parcels
        By parcel: ``first_share`` and ``top_share`` (share of the draws in which its rank is 1, and
        at most ``top``; parcels that tie for a place all have it, so shares may add up to more
        than the number of places), ``mean_rank``, and ``rank_p05`` and ``rank_p95``: the smallest
        rank that 5 % and 95 % of the draws reach or better.
    central_weights
        By parcel that is ever first: the mean of the weights with which it is (alone or tied),
        by criterion. Who would choose it thinks like that.
    draws
        How many.
    """

    parcels: pd.DataFrame
    central_weights: pd.DataFrame
    draws: int


@dataclass(frozen=True)
class Draws:
    """Scores that can be drawn.

    Parameters
    ----------
    weights
        (draws, criteria).
    scores_of
        Returns the scores of all parcels in the draw of this number; called from several threads.
    parcels, criteria
        Their keys.
    """

    weights: Floats
    scores_of: Callable[[int], Floats]
    parcels: pd.Index
    criteria: pd.Index


def rank_acceptability(
    values: pd.DataFrame, drawn: Floats, *, rule: Rule = WEIGHTED_SUM, top: int = 20
) -> Acceptability:
    """Rank the parcels under each set of weights and sum up (SMAA-2).

    Parameters
    ----------
    values
        Parcels × criteria, 0–1; assessed parcels alone. NaN: the criterion is left out for the
        parcel and the other weights are scaled up.
    drawn
        (draws, criteria) as `sampling.sample_weights` gives them.
    rule
        How values become scores.
    top
        How many places count as the top; may be more than there are parcels.
    """
    layout = lay_out(by_criterion(values), rule, rule.points(values.index))
    made = Draws(drawn, lambda draw: scores(layout, drawn[draw]), values.index, values.columns)
    return sum_up(made, top)


@dataclass(frozen=True)
class _Tally:
    """Counts by parcel; of the ranks so far, only as many of the best and worst as are asked for.

    ``low`` and ``high`` hold them by the first row of each block of parcels.
    """

    rank_sum: NDArray[np.int64]
    first: NDArray[np.int64]
    top: NDArray[np.int64]
    low: dict[int, NDArray[np.int32]] = field(default_factory=dict)
    high: dict[int, NDArray[np.int32]] = field(default_factory=dict)


def sum_up(made: Draws, top: int) -> Acceptability:
    """Rank every draw and sum up, a number of draws at a time, in bounded memory.

    Everything is counted in whole numbers or summed in the order of the draws, so that the number
    of threads has no say.
    """
    n, draws = len(made.parcels), len(made.weights)
    if draws < 1:
        msg = "at least one draw is needed"
        raise ValueError(msg)
    counts = np.zeros((3, n), dtype=np.int64)
    tally = _Tally(counts[0], counts[1], counts[2])
    weight_sums = np.zeros((n, made.weights.shape[1]))
    chunk = max(_DRAWS_AT_ONCE, _MOST_RANKS // max(n, 1))
    with ThreadPoolExecutor(_THREADS) as pool:
        for begin in range(0, draws if n else 0, chunk):
            found = np.empty((min(chunk, draws - begin), n), dtype=np.int32)
            _in_parts(pool, partial(_rank, made, begin, found), len(found), _DRAWS_AT_ONCE)
            _in_parts(pool, partial(_count, tally, found, draws, top), n, _PARCELS_AT_ONCE)
            for row, rank in enumerate(found):
                weight_sums[rank == 1] += made.weights[begin + row]
    ever = tally.first > 0
    central = weight_sums[ever] / tally.first[ever, np.newaxis]
    return Acceptability(
        _table(tally, made.parcels, draws),
        pd.DataFrame(central, index=made.parcels[ever], columns=made.criteria),
        draws,
    )


def _in_parts(
    pool: ThreadPoolExecutor, job: Callable[[range], None], length: int, step: int
) -> None:
    list(pool.map(job, (range(a, min(a + step, length)) for a in range(0, length, step))))


def _rank(made: Draws, begin: int, found: NDArray[np.int32], rows: range) -> None:
    for row in rows:
        found[row] = ranks(made.scores_of(begin + row))


def _count(tally: _Tally, found: NDArray[np.int32], draws: int, top: int, block: range) -> None:
    at = slice(block.start, block.stop)
    new = np.ascontiguousarray(found[:, at].T)
    tally.rank_sum[at] += new.sum(axis=1, dtype=np.int64)
    tally.first[at] += np.count_nonzero(new == 1, axis=1)
    tally.top[at] += np.count_nonzero(new <= top, axis=1)
    new.sort(axis=1)
    keep_low, keep_high = _kept(draws)
    low, high = new[:, :keep_low], new[:, -keep_high:]
    if block.start in tally.low:
        low = np.sort(np.hstack([tally.low[block.start], low]), axis=1)[:, :keep_low]
        high = np.sort(np.hstack([tally.high[block.start], high]), axis=1)[:, -keep_high:]
    tally.low[block.start], tally.high[block.start] = low.copy(), high.copy()


def _kept(draws: int) -> tuple[int, int]:
    """Return how many of the best and of the worst ranks tell the band."""
    low, high = (-(-pct * draws // 100) for pct in (_LOW_PCT, _HIGH_PCT))
    return low, draws - high + 1


def _table(tally: _Tally, parcels: pd.Index, draws: int) -> pd.DataFrame:
    none = [np.empty(0, dtype=np.int32)]
    blocks = sorted(tally.low)  # threads finish in any order
    low = np.concatenate([tally.low[block][:, -1] for block in blocks] or none)
    high = np.concatenate([tally.high[block][:, 0] for block in blocks] or none)
    return pd.DataFrame(
        {
            "first_share": tally.first / draws,
            "top_share": tally.top / draws,
            "mean_rank": tally.rank_sum / draws,
            "rank_p05": low.astype(np.int64),
            "rank_p95": high.astype(np.int64),
        },
        index=parcels,
    )
