"""Demand and supply: capacity per resident, and how many residents have a service in reach.

`floating_catchment` divides the capacity of each service, such as a doctor's list, among those
who live near it, and gives every place its share of what is near (Luo and Wang 2003; in steps,
Luo and Qi 2009). What is supplied is what is received: nothing is lost or counted twice.
`residents_in_reach` counts people, never cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from arealstrategi.reach.matrix import SAME_M

# Luo and Qi 2009 (memory): what a service counts for in the nearest, middle and farthest third.
SLOW_DECAY = (1.0, 0.68, 0.22)
GROUPS: Mapping[str, str] = {
    "all": "residents",
    "67plus": "residents_67plus_estimate",
    "80plus": "residents_80plus_estimate",
}  # group of residents: column of the cells


@dataclass(frozen=True)
class FloatingCatchment:
    """Supply per resident, as the floating catchment area gives it.

    Parameters
    ----------
    access
        (o,) supply per resident at each origin: 0 where no service is in reach, NaN where all that
        are have no ratio.
    ratio
        (s,) supply of each service per resident near it, those farther away counting less; NaN
        where nobody lives near or its supply is not known.
    unreached
        Services that nobody lives near: their supply is received by no one.
    unknown_supply
        Services whose supply is not known. They are left out, so access near them is too low.
    unknown_demand
        Origins whose demand is not known. They count as nobody, so access near them is too high.
    """

    access: NDArray[np.float64]
    ratio: NDArray[np.float64]
    unreached: int
    unknown_supply: int
    unknown_demand: int


def thirds(zero_m: float) -> tuple[float, float, float]:
    """Return the limits of three equal steps up to where a service is no longer near, in metres.

    Judgement: Luo and Qi drove 10, 20 and 30 minutes; on foot the steps follow the category.
    """
    return zero_m / 3, zero_m * 2 / 3, zero_m


def floating_catchment(
    pairs: pd.DataFrame,
    demand: ArrayLike,
    supply: ArrayLike,
    *,
    steps_m: Sequence[float],
    weights: Sequence[float] = SLOW_DECAY,
) -> FloatingCatchment:
    """Divide the supply of services among the residents near them (E2SFCA).

    With ``W`` the weights of pairs: ``ratio = supply / (Wᵀ demand)``, ``access = W ratio``.

    Parameters
    ----------
    pairs
        As `reach.effort_pairs` gives them, up to the last step: ``origin``, ``service``,
        ``effort_m``.
    demand
        (o,) residents at each origin; NaN where not known.
    supply
        (s,) capacity of each service, in the rows of the services table; NaN where not known.
        0 for those of other categories.
    steps_m
        Upper limits of the steps, rising; a limit belongs to the step below it.
    weights
        What a service counts for in each step. One step of weight 1 is the plain 2SFCA.

    Returns
    -------
    Access and ratios. The sum of ``demand * access`` is the supply of all services that have a
    ratio.

    Raises
    ------
    ValueError
        A pair stands twice, or demand, supply, steps or weights make no sense. These are mistakes
        in the calling code.
    """
    people, capacity = np.asarray(demand, dtype=float), np.asarray(supply, dtype=float)
    if (people < 0).any() or (capacity < 0).any():
        raise ValueError("demand and supply must not be below 0")
    counted = _weights_of(pairs, (len(people), len(capacity)), steps_m, weights)
    near = counted.T @ np.nan_to_num(people)
    ratio = np.divide(capacity, near, out=np.full(len(capacity), np.nan), where=near > 0)
    return FloatingCatchment(
        access=_access(counted, ratio),
        ratio=ratio,
        unreached=int(((near == 0) & (capacity > 0)).sum()),
        unknown_supply=int(np.isnan(capacity).sum()),
        unknown_demand=int(np.isnan(people).sum()),
    )


def access_from(
    pairs: pd.DataFrame,
    size: int,
    ratio: NDArray[np.float64],
    *,
    steps_m: Sequence[float],
    weights: Sequence[float] = SLOW_DECAY,
) -> NDArray[np.float64]:
    """Return the access that other places have to the same services, such as parcels.

    Parameters
    ----------
    pairs
        From these places to the services, as for `floating_catchment`.
    size
        How many places there are.
    ratio
        (s,) as `floating_catchment` found it among the residents. Nobody moves in.
    steps_m, weights
        As there.

    Returns
    -------
    (size,) supply per resident: 0 and NaN as in `FloatingCatchment`.
    """
    return _access(_weights_of(pairs, (size, len(ratio)), steps_m, weights), ratio)


def _weights_of(
    pairs: pd.DataFrame,
    shape: tuple[int, int],
    steps_m: Sequence[float],
    weights: Sequence[float],
) -> csr_array:
    """Return (origins, services) what each service counts for at each origin."""
    limits, by_step = np.asarray(steps_m, dtype=float), np.asarray(weights, dtype=float)
    if limits.shape != by_step.shape or limits.ndim != 1 or limits.size == 0:
        raise ValueError(f"{list(steps_m)} and {list(weights)} must be as many")
    if not (np.diff(limits, prepend=0.0) > 0).all() or not (by_step > 0).all():
        raise ValueError(f"steps {list(steps_m)} must rise, weights {list(weights)} be above 0")
    if pairs.duplicated(["origin", "service"]).any():
        raise ValueError("a pair of origin and service stands twice")
    effort = pairs["effort_m"].to_numpy(dtype=float)
    step = np.searchsorted(limits + SAME_M, effort)
    near = step < len(limits)  # not so for inf and NaN
    at = pairs["origin"].to_numpy()[near], pairs["service"].to_numpy()[near]
    return csr_array((by_step[step[near]], at), shape=shape)


def _access(counted: csr_array, ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the ratios in reach; NaN where some are in reach and all are unknown."""
    known = counted @ np.isfinite(ratio).astype(float)
    some = counted @ np.ones(len(ratio))
    return np.where((some > 0) & (known == 0), np.nan, counted @ np.nan_to_num(ratio))


def access_in_zones(
    access: NDArray[np.float64],
    cells: pd.DataFrame,
    *,
    whole: str,
    zones: pd.Series | None = None,
) -> pd.DataFrame:
    """Return the access that residents have on average, in the whole area and in each zone.

    Parameters
    ----------
    access
        (c,) supply per resident in each cell, as `floating_catchment` gives it; NaN where it is
        not known, such as in cells that do not touch the network.
    cells, whole, zones
        As for `residents_in_reach`. The supply stays that per resident it was divided among; the
        mean is over each group that the cells tell of.

    Returns
    -------
    One row per part of the area and group: ``part``, ``zone``, ``group`` as in
    `residents_in_reach`; ``residents`` (whom the mean and the share are of),
    ``residents_unknown`` (in cells where access is not known), ``hidden_cells``, ``access_mean``
    (supply per resident) and ``without_share`` (of the residents, those whose access is 0). NaN
    where there are no residents.
    """
    parts, member = _parts(zones, cells.index, whole)
    groups = _groups_of(cells)
    told = cells[list(groups.values())].to_numpy(dtype=float)
    people, known = np.nan_to_num(told), np.isfinite(access)[:, np.newaxis]
    residents = member @ (people * known)
    received = member @ (people * np.nan_to_num(access)[:, np.newaxis])
    without = member @ (people * (access == 0)[:, np.newaxis])
    columns = {
        "residents": residents,
        "residents_unknown": member @ (people * ~known),
        "hidden_cells": member @ np.isnan(told).astype(np.int64),
        "access_mean": _share(received, residents),
        "without_share": _share(without, residents),
    }
    return _long(parts, {"group": list(groups)}, columns)


def residents_in_reach(
    cells: pd.DataFrame,
    effort_m: pd.DataFrame,
    near_m: Mapping[str, float],
    far_m: Mapping[str, float],
    *,
    whole: str,
    zones: pd.Series | None = None,
) -> pd.DataFrame:
    """Count the residents who have a service of each category near, and in reach at all.

    Everyone in a cell is taken to live at the point that was measured from, so shares are
    estimates, the better the smaller the cells.

    Parameters
    ----------
    cells
        ``residents`` and, where estimated, the other columns of `GROUPS`; NaN where hidden.
    effort_m
        On the same index, a column for each category: effort to the nearest service. inf where
        there is none in reach, NaN where the cell does not touch the network.
    near_m, far_m
        For each category, up to where a service has full value, and from where on it has none.
    whole
        What to call the whole area.
    zones
        On the same index, the municipality or district of each cell; NA in none.

    Returns
    -------
    One row per part of the area, category and group, in this order:

    ``part``, ``zone``
        ``whole`` with its name, then each ``zone`` by name; last, with the name "", those
        ``outside`` every zone where there are such cells. Zones and outside sum to the whole.
    ``category``, ``group``
        Group: a key of `GROUPS`.
    ``residents``
        People, not cells: the denominator of the shares.
    ``residents_not_connected``
        People in cells that do not touch the network. Nobody knows how they walk, so they are not
        among the residents.
    ``hidden_cells``
        Cells whose number is not known, which are in no other column.
    ``near_m``, ``far_m``
        The limits; an effort at a limit is within it.
    ``residents_near``, ``residents_far``, ``near_share``, ``far_share``
        Those within the limits, the near ones among the far ones. Shares are NaN where there are
        no residents.

    Raises
    ------
    ValueError
        The tables are not on one index, or the cells tell of no residents. These are mistakes in
        the calling code.
    """
    if not effort_m.index.equals(cells.index):
        raise ValueError("effort_m must be on the index of the cells")
    parts, member = _parts(zones, cells.index, whole)
    groups, categories = _groups_of(cells), [str(key) for key in effort_m]
    told = cells[list(groups.values())].to_numpy(dtype=float)
    effort = effort_m.to_numpy(dtype=float)
    shape = len(parts), len(categories), len(groups)

    def people_where(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return (parts, categories, groups) the people in cells of a mask (cells, categories)."""
        by_group = [member @ (np.nan_to_num(one)[:, np.newaxis] * mask) for one in told.T]
        return np.stack(by_group, axis=2)

    near_limit, far_limit = (np.array([each[k] for k in categories]) for each in (near_m, far_m))
    residents = people_where(~np.isnan(effort))
    near = people_where(effort <= near_limit + SAME_M)
    far = people_where(effort <= far_limit + SAME_M)
    hidden = member @ np.isnan(told).astype(np.int64)
    columns = {
        "residents": residents,
        "residents_not_connected": people_where(np.isnan(effort)),
        "hidden_cells": np.broadcast_to(hidden[:, np.newaxis, :], shape),
        "near_m": np.broadcast_to(near_limit[:, np.newaxis], shape),
        "far_m": np.broadcast_to(far_limit[:, np.newaxis], shape),
        "residents_near": near,
        "residents_far": far,
        "near_share": _share(near, residents),
        "far_share": _share(far, residents),
    }
    return _long(parts, {"category": categories, "group": list(groups)}, columns)


def _groups_of(cells: pd.DataFrame) -> dict[str, str]:
    """Return the groups that the cells tell of, and their columns."""
    found = {group: column for group, column in GROUPS.items() if column in cells}
    if not found:
        raise ValueError(f"the cells have none of the columns {', '.join(GROUPS.values())}")
    return found


def _parts(zones: pd.Series | None, cells: pd.Index, whole: str) -> tuple[pd.DataFrame, csr_array]:
    """Return the parts of the area and (parts, cells) what belongs to each."""
    every = np.arange(len(cells))
    parts, part, cell = [("whole", whole)], np.zeros_like(every), every
    if zones is not None:
        if not zones.index.equals(cells):
            raise ValueError("zones must be on the index of the cells")
        code, names = pd.factorize(zones.astype(object), sort=True)
        parts += [("zone", str(name)) for name in names]
        if (code < 0).any():
            parts.append(("outside", ""))
        row = np.where(code < 0, len(names), code) + 1
        part, cell = np.concatenate([part, row]), np.concatenate([every, every])
    ones = np.ones(len(part), dtype=np.int64)
    member = csr_array((ones, (part, cell)), shape=(len(parts), len(cells)))
    return pd.DataFrame(parts, columns=["part", "zone"]), member


def _share(some: NDArray[np.float64], of: NDArray[np.float64]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = np.full(of.shape, np.nan)
    return np.divide(some, of, out=share, where=of > 0)


def _long(
    parts: pd.DataFrame,
    keys: Mapping[str, Sequence[str]],
    columns: Mapping[str, NDArray[np.float64]],
) -> pd.DataFrame:
    """Lay out arrays (parts, keys …) as one row for each of their numbers."""
    product = pd.MultiIndex.from_product([range(len(parts)), *keys.values()])
    told = parts.iloc[product.get_level_values(0)].reset_index(drop=True)
    names = {key: product.get_level_values(at) for at, key in enumerate(keys, 1)}
    return told.assign(**names, **{name: each.ravel() for name, each in columns.items()})
