"""How far it is from every parcel, told once for parcels that go the same way.

Of two parcels on one edge that leave it by the same end, one is nearer to everything by the same
metres and seconds. So a column tells by how much each parcel's walk differs from that of the parcel
before it on its edge, less what is known of that from the columns before: mostly nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.export.packing.block import Varints
from arealstrategi.export.packing.columns import numbers_of, whole
from arealstrategi.export.packing.tables import MapTables
from arealstrategi.reach.trees import BY_FIRST, BY_SECOND, RouteTables

VALUE_STEPS = 60_000
"""Parts that a value 0–1 is told in: a score is off by less than 0.001 points."""
TIME_STEP_S = 0.05
METRE_STEP = 1.0
# A value that a straight line of the time gives so nearly need not be told: at most 0.01 points.
_SAME_VALUE = 1e-4
_S_PER_MIN = 60.0

Whole = NDArray[np.int64]


def pack_walks(tables: MapTables) -> list[dict[str, Any]]:
    """Pack for each criterion what its value is, and of walks how far and how long.

    Returns
    -------
    Per criterion ``metres`` and ``time`` (steps of 1 m and `TIME_STEP_S`; null for what is no
    walk), coded as `differences`; and either ``line``, the times worth 1 and 0 between which the
    value falls straight, or ``value``, in parts of `VALUE_STEPS`, each less the one before.
    """
    parcels, walking = tables.parcels, tables.walking
    length, time = Differences(tables.routes), Differences(tables.routes)
    told = []
    for at, key in enumerate(tables.criteria.index):
        value = numbers_of(parcels[f"{key}_value"])
        metres = steps = line = None
        if at in walking:
            metres = _steps(numbers_of(parcels[f"{key}_walk_m"]) / METRE_STEP)
            steps = _steps(numbers_of(parcels[f"{key}_walk_min"]) * _S_PER_MIN / TIME_STEP_S)
            line = straight_line(steps, value)
        told.append(
            {
                "metres": None if metres is None else length.of(metres, key),
                "time": None if steps is None else time.of(steps, key),
                "line": line,
                "value": _told_apart(value) if line is None else None,
            }
        )
    return told


class Differences:
    """Codes columns one after the other by what the columns before tell.

    Parameters
    ----------
    routes
        Tells which edge each parcel stands on, and by which end each walk leaves it; None: not
        known, and each parcel is told by the one before it.
    """

    def __init__(self, routes: RouteTables | None) -> None:
        self.routes = routes
        self.before: Whole | None = None
        self.ahead: dict[int, Whole] = {}

    def of(self, column: Whole, key: str) -> Varints:
        """Return a column, (p,) whole numbers, as differences from what was to be expected."""
        size = len(column)
        if self.before is None:
            edge = np.full(size, -1) if self.routes is None else self.routes.parcels.edge
            self.before = _row_before(edge)
            self.ahead = {way: np.zeros(size, dtype=np.int64) for way in (BY_FIRST, BY_SECOND)}
        leaves = self._leaves(key, size)
        there = np.flatnonzero(self.before >= 0)
        change = column.copy()
        change[there] -= column[self.before[there]]
        told = change.copy()
        for way, ahead in self.ahead.items():
            same = there[(leaves[there] == way) & (leaves[self.before[there]] == way)]
            told[same] -= ahead[same]
            ahead[same] = change[same]
        return Varints(told)

    def _leaves(self, key: str, size: int) -> NDArray[np.uint8]:
        tree = None if self.routes is None else self.routes.trees.get(key)
        return np.zeros(size, dtype=np.uint8) if tree is None else tree.leaves


def _row_before(edge: Whole) -> Whole:
    """Return for each row the last one before it on its edge, else the row before."""
    order = np.argsort(edge, kind="stable")
    before = np.arange(len(edge)) - 1
    same = edge[order[1:]] == edge[order[:-1]]
    before[order[1:][same]] = order[:-1][same]
    return before


def straight_line(time: Whole, value: NDArray[np.float64]) -> list[float] | None:
    """Return the times worth 1 and 0 if a straight line between them gives all the values.

    Parameters
    ----------
    time
        (p,) steps, -1 where there is no way.
    value
        (p,) 0–1.
    """
    between = (value > _SAME_VALUE) & (value < 1 - _SAME_VALUE) & (time >= 0)
    if np.unique(time[between]).size < 2:  # noqa: PLR2004 (points that a line takes)
        return None
    slope, start = np.polyfit(time[between], value[between], 1)
    if slope >= 0:
        return None
    best, worst = float((1 - start) / slope), float(-start / slope)
    given = np.where(time < 0, 0.0, np.clip((worst - time) / (worst - best), 0.0, 1.0))
    return [best, worst] if bool((np.abs(given - value) <= _SAME_VALUE).all()) else None


def _steps(numbers: NDArray[np.float64]) -> Whole:
    return np.where(np.isfinite(numbers), np.round(numbers), -1).astype(np.int64)


def _told_apart(value: NDArray[np.float64]) -> Varints:
    parts = whole(pd.Series(value), np.uint16, VALUE_STEPS).astype(np.int64)
    return Varints(np.diff(parts, prepend=0))
