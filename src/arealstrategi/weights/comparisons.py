"""Weights from comparisons in pairs: the analytic hierarchy process (Saaty 1977)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse.csgraph import connected_components

from arealstrategi.weights.points import all_named_once

# Saaty 1980: judgements up to this ratio are consistent enough to be used.
MOST_RATIO = 0.10
# Mean consistency index of random matrices of 1, 2 … 10 items (Saaty 2008).
RANDOM_INDEX = (0.0, 0.0, 0.52, 0.89, 1.11, 1.25, 1.35, 1.40, 1.45, 1.49)
NOT_RECIPROCAL = 1e-6
_SAME = 1e-9


@dataclass(frozen=True)
class Ahp:
    """What pairwise comparisons come to (analytic hierarchy process, Saaty 1977).

    Parameters
    ----------
    weights
        Principal eigenvector, adding up to 1.
    lambda_max, consistency_index, consistency_ratio
        Principal eigenvalue λ; (λ - n) / (n - 1); that divided by the index of random answers.
        0 where answers cannot contradict each other.
    n_not_compared
        Pairs that were not compared, and were filled in (see `complete`).
    most_inconsistent
        The pair whose answer is farthest from the weights; None where all agree.
    answered, suggested
        How many times more important than the second the first of the pair is: as answered, and
        by the weights, which follow from all answers together. 1 and 1 where all agree.
    """

    weights: pd.Series
    lambda_max: float
    consistency_index: float
    consistency_ratio: float
    n_not_compared: int
    most_inconsistent: tuple[str, str] | None
    answered: float
    suggested: float

    @property
    def is_consistent(self) -> bool:
        """Whether the consistency ratio is at most `MOST_RATIO`."""
        return self.consistency_ratio <= MOST_RATIO


def ahp(items: Sequence[str], upper: Sequence[Sequence[float]]) -> Ahp:
    """Return the weights of items that were compared in pairs.

    Parameters
    ----------
    items
        The items.
    upper
        The comparisons above the diagonal, as `matrix_of` takes them.

    Raises
    ------
    ValueError
        The rows do not fit the items, a number is negative, or an item hangs together with the
        others by no comparison.
    """
    all_named_once(items)
    if len(upper) != len(items) - 1:
        raise ValueError(
            f"{len(items)} items need {len(items) - 1} rows of comparisons, not {len(upper)}"
        )
    return weigh_matrix(items, matrix_of(upper))


def from_matrix(items: Sequence[str], matrix: Sequence[Sequence[float]]) -> Ahp:
    """Return the weights that a whole matrix of comparisons gives.

    Parameters
    ----------
    items
        The items.
    matrix
        (n, n) how many times more important the item of the row is than that of the column.

    Raises
    ------
    ValueError
        The matrix does not fit the items, holds something else than numbers above 0, or says
        other things below its diagonal than above; rounded reciprocals do (3 against 0.3).
    """
    all_named_once(items)
    a, n = np.array(matrix, dtype=float), len(items)
    if a.shape != (n, n):
        raise ValueError(f"{n} items need {n} rows of {n} numbers")
    if not (np.isfinite(a) & (a > 0)).all():
        raise ValueError("every comparison must be a number above 0")
    i, j = divmod(int(np.argmax(np.abs(a * a.T - 1))), n)
    if abs(a[i, j] * a[j, i] - 1) > NOT_RECIPROCAL:
        raise ValueError(
            f"{items[i]} against {items[j]} is {a[i, j]:g}, but {items[j]} against {items[i]} is "
            f"{a[j, i]:g} and not 1/{a[i, j]:g}; give the numbers above the diagonal alone"
        )
    return weigh_matrix(items, a)


def matrix_of(upper: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return the whole matrix of comparisons, NaN for pairs that were not compared.

    Parameters
    ----------
    upper
        Of n items, n - 1 rows with n - 1, n - 2 … 1 numbers: the first item against the second,
        the third …; the second against the third … 3 says that the former is three times as
        important, 1/3 that the latter is; 0: not compared.
    """
    n = len(upper) + 1
    a = np.eye(n)
    for i, row in enumerate(upper):
        if len(row) != n - 1 - i:
            raise ValueError(f"row {i + 1} must have {n - 1 - i} numbers, not {len(row)}")
        answers = np.array(row, dtype=float)
        if not (np.isfinite(answers) & (answers >= 0)).all():
            raise ValueError(f"row {i + 1} must hold numbers above 0, or 0 for a pair not compared")
        a[i, i + 1 :] = np.where(answers > 0, answers, np.nan)
        a[i + 1 :, i] = 1 / a[i, i + 1 :]
    return a


def geometric_mean_of(matrices: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Join the comparisons of several people into one matrix, still reciprocal.

    The geometric mean is the only mean that keeps reciprocals (Aczél & Saaty 1983). Of a pair that
    some did not compare, the mean of those who did; NaN where nobody did.
    """
    logs = np.log(np.array(matrices))
    answered = ~np.isnan(logs)
    total = np.where(answered, logs, 0.0).sum(axis=0)
    n_answers = answered.sum(axis=0)
    return np.where(n_answers > 0, np.exp(total / np.maximum(n_answers, 1)), np.nan)


def complete(items: Sequence[str], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill in the pairs that were not compared so that the whole contradicts itself least.

    The numbers are those that make the principal eigenvalue smallest (Bozóki, Fülöp & Rónyai
    2010): convex in their logarithms, with one answer where the comparisons connect all items.

    Parameters
    ----------
    items
        Names, for messages.
    matrix
        (n, n) reciprocal, NaN for what is not known.

    Raises
    ------
    ValueError
        An item is not connected with the others; the message names it.
    """
    i, j = np.nonzero(np.triu(np.isnan(matrix)))
    if len(i) == 0:
        return matrix
    _check_connected(items, ~np.isnan(matrix))

    def filled(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        a = matrix.copy()
        a[i, j], a[j, i] = np.exp(logs), np.exp(-logs)
        return a

    def eigenvalue(logs: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        a = filled(logs)
        (value, right), (_, left) = _principal(a), _principal(a.T)
        slope = a[i, j] * left[i] * right[j] - a[j, i] * left[j] * right[i]
        return value, slope / (left @ right)

    start = _least_squares(matrix)
    start = start[i] - start[j]
    found = minimize(eigenvalue, start, jac=True, method="BFGS", options={"gtol": 1e-7})
    return filled(found.x)


def _least_squares(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log weights that fit the known comparisons best (Crawford & Williams 1985)."""
    known = ~np.isnan(matrix)
    laplacian = np.diag(known.sum(axis=1)) - known.astype(float)
    sums = np.where(known, np.log(np.where(known, matrix, 1.0)), 0.0).sum(axis=1)
    return np.asarray(np.linalg.lstsq(laplacian, sums)[0])


def _check_connected(items: Sequence[str], known: NDArray[np.bool_]) -> None:
    n_parts, part = connected_components(known, directed=False)
    if n_parts > 1:
        apart = np.array(items, dtype=object)[part != np.bincount(part).argmax()]
        names = ", ".join(map(repr, apart))
        raise ValueError(f"no comparison connects {names} with the other items; compare one more")


def _principal(matrix: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return the largest eigenvalue of a positive matrix and its vector, which adds up to 1."""
    values, vectors = np.linalg.eig(matrix)
    at = int(np.argmax(values.real))
    vector = np.abs(vectors[:, at].real)
    return float(values[at].real), vector / vector.sum()


def weigh_matrix(items: Sequence[str], matrix: NDArray[np.float64]) -> Ahp:
    """Return the weights of a reciprocal matrix, NaN where a pair was not compared."""
    n, known = len(items), ~np.isnan(matrix)
    n_missing = int((~known).sum()) // 2
    lambda_max, w = _principal(complete(items, matrix))
    index = max(lambda_max - n, 0.0) / (n - 1) if n > 1 else 0.0
    random = _random_index(n, n_missing)
    off = np.abs(np.log(np.where(known, matrix, 1.0)) - np.log(w[:, np.newaxis] / w))
    off = np.where(np.triu(known, 1) & (off > _SAME), off, 0.0)
    i, j = divmod(int(np.argmax(off)), n)
    return Ahp(
        pd.Series(w, list(items), name="weight"),
        lambda_max,
        index,
        index / random if random > 0 else 0.0,
        n_missing,
        (items[i], items[j]) if i != j else None,
        float(matrix[i, j]),
        float(w[i] / w[j]),
    )


def _random_index(n: int, n_missing: int) -> float:
    """Return the consistency index that answers by chance have on average.

    Beyond the table by Alonso & Lamata 2006. Fewer answers contradict each other less: nearly in
    proportion to those beyond the n - 1 that connect the items (Ágoston & Csató 2022).
    """
    if n <= 2:  # noqa: PLR2004 - one answer contradicts nothing
        return 0.0
    whole = RANDOM_INDEX[n - 1] if n <= len(RANDOM_INDEX) else (1.7699 * n - 4.3513) / (n - 1)
    return whole * (1 - 2 * n_missing / ((n - 1) * (n - 2)))
