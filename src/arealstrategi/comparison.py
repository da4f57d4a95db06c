"""Two results side by side: what climbs, what falls, what enters the top, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.errors import InputError
from arealstrategi.scoring import REWEIGHTED, SAME_DECIMALS
from arealstrategi.tables import CLASSES, STATUSES

STATES = (*CLASSES, "excluded", "missing_data", "absent")
"""What a parcel can be in a result; ``absent`` is a parcel that only the other result has."""

COLUMNS = ("label", "status", "reasons", "score", "class", "rank", "geometry")
WEIGHT = "weight"
DEDUCTION = "deduction"
METHOD = "method"
OTHER = "other"
OTHER_PARCELS = "other_parcels"

# Points. Results that come back from a file may have been rounded there; no map shows less.
_UNSEEN = 0.01
_VALUE = "_value"
_LISTED = 5


@dataclass(frozen=True)
class Comparison:
    """What differs between two results.

    Parameters
    ----------
    parcels
        Every parcel of either result, those of the first in its order, then the rest. Index
        ``parcel_id``. ``label``; ``found_in``: ``both``, ``before`` or ``after``; ``status_*``,
        ``score_*``, ``rank_*`` and ``class_*`` of each; ``score_change`` in points;
        ``rank_change``, positive where the parcel climbs; ``class_change``, steps up;
        ``top_change``: ``enters``, ``leaves``, ``stays`` or empty; ``why`` and ``why_points``,
        see `compare`.
    classes
        Number of parcels by `STATES` before (rows) and after (columns).
    criteria
        Index criterion. ``compared``: parcels with a value in both; ``value_change``: the mean
        over them; ``gained``, ``lost``: how many rose and fell; ``weight_before``,
        ``weight_after`` (0 where the criterion is not there), ``weight_change``.
    entering, leaving
        Parcels that come into the top and go out of it, best first.
    gains, losses
        Parcels whose score rose or fell most, largest first, as many as the top has.
    counts
        Numbers of parcels; ``rank_correlation`` (Spearman) over those ranked in both, NaN where
        it has no meaning; ``largest_gain`` and ``largest_loss`` in points, 0 where there is none.
    top
        Ranks up to this are the top.
    """

    parcels: gpd.GeoDataFrame
    classes: pd.DataFrame
    criteria: pd.DataFrame
    entering: list[str]
    leaving: list[str]
    gains: list[str]
    losses: list[str]
    counts: dict[str, int | float]
    top: int


def compare(
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    weights_before: pd.Series,
    weights_after: pd.Series,
    *,
    top: int = 20,
) -> Comparison:
    """Compare two results, parcel by parcel.

    Parameters
    ----------
    before, after
        Parcels tables of two results; their parcels and criteria may differ.
    weights_before, weights_after
        Normalised weights of each result by criterion. A column ``KEY_value`` whose key has no
        weight here is the user's own and no criterion.
    top
        Ranks up to this are the top.

    Returns
    -------
    ``why`` in its parcels names what moved the score most in the direction in which it went:
    a criterion; ``weight: KEY`` where the criterion's value is the same; else a constraint or
    reason that came or went, ``deduction`` or ``method``. Where the status changed, or the class
    alone, it is the reason that came or went (``other``: none did). ``other_parcels``: the score
    is the same, but not the rank. ``only_before``, ``only_after``: the other has no such parcel.
    ``why_points`` is NaN where a score is no sum, so that no part of it has points of its own.

    Raises
    ------
    InputError
        The results have no parcel in common.
    ValueError
        A table lacks a column, or the tables lie in different CRSs.
    """
    was, now, keys = _sides(before, after, weights_before, weights_after)
    points = _point_changes(was, now, keys)
    parcels = _side_by_side(was.table, now.table, top)
    sums = _is_sum(was), _is_sum(now)
    code, size = _strongest(points, _same_values(was, now), sums=any(sums))
    reason = _changed_reason(was.table, now.table)
    parcels["why"] = _why(parcels, code, reason, sums=all(sums))
    parcels["why_points"] = size
    change, moves = parcels["score_change"], parcels["top_change"]
    geometry = np.where(was.there, was.table["geometry"], now.table["geometry"])
    return Comparison(
        parcels=gpd.GeoDataFrame(parcels, geometry=geometry, crs=before.crs),
        classes=_class_matrix(parcels),
        criteria=_criteria(was, now, keys),
        entering=_in_order(parcels.loc[moves == "enters", "rank_after"]),
        leaving=_in_order(parcels.loc[moves == "leaves", "rank_before"]),
        gains=_in_order(-change[change > 0])[:top],
        losses=_in_order(change[change < 0])[:top],
        counts=_counts(parcels),
        top=top,
    )


def contributions(
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    weights_before: pd.Series,
    weights_after: pd.Series,
) -> pd.DataFrame:
    """Split the change of each score by criterion: change of weight × value × 100.

    Parameters
    ----------
    before, after, weights_before, weights_after
        As for `compare`.

    Returns
    -------
    Parcels × criteria in points, and ``other``: what the criteria do not explain, such as a
    deduction or another method. A row adds up to the change of its score. A value that is not
    known gives no points. NaN where the parcel lacks a score in either.
    """
    return _point_changes(*_sides(before, after, weights_before, weights_after))


@dataclass(frozen=True)
class _Side:
    """One result, with a row for every parcel and a column for every criterion of either.

    ``there`` (p,) and ``has`` (c,): whether the result has the parcel and the criterion.
    ``values`` (p, c), 0–1, NaN where not known. ``weights`` (c,).
    """

    table: pd.DataFrame
    there: NDArray[np.bool_]
    has: NDArray[np.bool_]
    values: NDArray[np.float64]
    weights: NDArray[np.float64]

    @cached_property
    def points(self) -> NDArray[np.float64]:
        """(p, c) weight × value × 100. A value that is not known gives none.

        Where the policy leaves it out, the other weights are scaled up, as in the score.
        """
        known = ~np.isnan(self.values)
        points = 100.0 * np.where(known, self.values, 0.0) * self.weights
        left_out = self.table["reasons"].str.contains(f"{REWEIGHTED}:", regex=False).to_numpy(bool)
        share = np.where(left_out, known @ self.weights, 1.0)
        return np.asarray(points / np.where(share > 0, share, 1.0)[:, None])


def _sides(
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    weights_before: pd.Series,
    weights_after: pd.Series,
) -> tuple[_Side, _Side, list[str]]:
    _check(before, after)
    new = after.index[before.index.get_indexer(after.index) < 0]
    if len(new) == len(after):
        found = [f"{len(t)} parcels {t.index[:3].tolist()}" for t in (before, after)]
        raise InputError(
            f"the two results have no parcel in common: before {found[0]}, after {found[1]}",
            hint="Compare results of the same parcels, read with the same `id` column.",
        )
    ids = before.index.append(new).rename("parcel_id")
    keys = list(dict.fromkeys([*_keys(before, weights_before), *_keys(after, weights_after)]))
    return (
        _side(before, weights_before, ids, keys),
        _side(after, weights_after, ids, keys),
        keys,
    )


def _check(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> None:
    for name, table in (("before", before), ("after", after)):
        missing = [column for column in COLUMNS if column not in table.columns]
        if missing:
            raise ValueError(f"the result {name} lacks the columns {missing}")
        if not table.index.is_unique:
            twice = table.index[table.index.duplicated()][0]
            raise ValueError(f"the result {name} has the parcel {twice!r} more than once")
        judged = table["class"].isin(CLASSES) | (table["status"] != "assessed")
        judged &= table["status"].isin(STATUSES)
        if not judged.all():
            raise ValueError(f"the result {name} does not judge {table.index[~judged][0]!r}")
    if before.crs != after.crs:
        crs = [table.crs.to_string() if table.crs else "no CRS" for table in (before, after)]
        raise ValueError(f"the results lie in different CRSs: before {crs[0]}, after {crs[1]}")


def _keys(table: gpd.GeoDataFrame, weights: pd.Series) -> list[str]:
    named = [str(c).removesuffix(_VALUE) for c in table.columns if str(c).endswith(_VALUE)]
    lost = sorted(set(weights.index[weights > 0]) - set(named))
    if lost:
        raise ValueError(f"criteria with a weight but without a column of values: {lost}")
    return [key for key in named if key in weights.index]


def _side(table: gpd.GeoDataFrame, weights: pd.Series, ids: pd.Index, keys: list[str]) -> _Side:
    row, own = table.index.get_indexer(ids), _keys(table, weights)
    values = np.full((len(ids), len(keys)), np.nan)
    for key in own:
        column = table[f"{key}{_VALUE}"].to_numpy(dtype=float, na_value=np.nan)
        values[:, keys.index(key)] = np.where(row < 0, np.nan, column[row])
    laid = pd.DataFrame(table[list(COLUMNS)]).reindex(ids)
    scored = laid[["score", "rank", "class"]].where(laid["status"] == "assessed")
    laid = laid.assign(
        reasons=laid["reasons"].fillna(""),
        score=scored["score"].astype(float),
        rank=scored["rank"].astype("Float64").astype("Int64"),
        **{"class": scored["class"]},
    )
    weight = weights.reindex(keys, fill_value=0.0).to_numpy(float)
    return _Side(laid, row >= 0, np.isin(keys, own), values, weight)


def _change(was: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what was added, 0 where that is 0 to the accuracy of a score."""
    change = now - was
    return np.where(np.round(change, SAME_DECIMALS) == 0, 0.0, change)


def _score_change(was: pd.DataFrame, now: pd.DataFrame) -> NDArray[np.float64]:
    return _change(was["score"].to_numpy(), now["score"].to_numpy())


def _point_changes(was: _Side, now: _Side, keys: list[str]) -> pd.DataFrame:
    total = _score_change(was.table, now.table)
    points = _change(was.points, now.points)
    points[np.isnan(total)] = np.nan
    other = _change(np.nansum(points, axis=1), total)
    whole = np.column_stack([points, other])
    return pd.DataFrame(whole, index=was.table.index, columns=[*keys, OTHER])


def _side_by_side(was: pd.DataFrame, now: pd.DataFrame, top: int) -> pd.DataFrame:
    there = was["status"].notna(), now["status"].notna()
    told = {
        "label": was["label"].where(there[0], now["label"]),
        "found_in": np.select([~there[1], ~there[0]], ["before", "after"], "both"),
    }
    for name in ("status", "score", "rank", "class"):
        told |= {f"{name}_before": was[name], f"{name}_after": now[name]}
        if name == "score":
            told["score_change"] = _score_change(was, now)
        elif name == "rank":
            told["rank_change"] = was[name] - now[name]
    sides = pd.DataFrame(told, index=was.index)
    first, second = _state(sides, "before"), _state(sides, "after")
    unclassed = (first >= len(CLASSES)) | (second >= len(CLASSES))
    in_top = [(table["rank"] <= top).fillna(value=False).to_numpy(bool) for table in (was, now)]
    moves = [in_top[0] & in_top[1], in_top[1], in_top[0]]
    return sides.assign(
        class_change=pd.arrays.IntegerArray(first - second, unclassed),
        top_change=np.select(moves, ["stays", "enters", "leaves"], ""),
    )


def _state(parcels: pd.DataFrame, when: str) -> NDArray[np.int64]:
    """Return the place in `STATES` of each parcel."""
    state = parcels[f"class_{when}"].fillna(parcels[f"status_{when}"]).fillna("absent")
    return pd.Index(STATES).get_indexer(pd.Index(state)).astype(np.int64)


def _class_matrix(parcels: pd.DataFrame) -> pd.DataFrame:
    was, now, size = _state(parcels, "before"), _state(parcels, "after"), len(STATES)
    counts = np.bincount(size * was + now, minlength=size * size).reshape(size, size)
    rows, columns = pd.Index(STATES, name="before"), pd.Index(STATES, name="after")
    return pd.DataFrame(counts, index=rows, columns=columns)


def _is_sum(side: _Side) -> bool:
    """Say whether the scores are weighted sums less deductions.

    A deduction never adds, there is none without a reason, and it is the same for all parcels
    with the same reasons; other methods do not obey that.
    """
    score, reasons = side.table["score"], side.table["reasons"]
    rest = (score - side.points.sum(axis=1))[score > 0].dropna()
    groups = rest.groupby(reasons)
    uneven = groups.max() - groups.min() > _UNSEEN
    without_reason = rest[reasons.loc[rest.index] == ""].abs() > _UNSEEN
    return not ((rest > _UNSEEN).any() or uneven.any() or without_reason.any())


def _same_values(was: _Side, now: _Side) -> NDArray[np.bool_]:
    """(p, c + 1) whether a criterion's value is the same, or only one result has the criterion."""
    unknown = np.isnan(was.values) & np.isnan(now.values)
    same = unknown | (_change(was.values, now.values) == 0) | ~(was.has & now.has)
    return np.column_stack([same, np.zeros(len(same), dtype=bool)])


def _strongest(
    points: pd.DataFrame, same: NDArray[np.bool_], *, sums: bool
) -> tuple[pd.Series, pd.Series]:
    """Return what moved most in the direction of the score, and by how many points.

    Where neither score is a sum (``sums``), what is left over is no cause of its own, and no part
    of the score has points of its own.
    """
    size = points.fillna(0.0).to_numpy()
    direction = np.sign(np.round(size.sum(axis=1), SAME_DECIMALS))
    pull = np.round(size * direction[:, None], SAME_DECIMALS)
    if not sums:
        pull[(pull[:, :-1] > 0).any(axis=1), -1] = -np.inf
    row, best = np.arange(len(points)), pull.argmax(axis=1)
    codes = pd.Series([*points.columns, *(f"{WEIGHT}: {key}" for key in points.columns)])
    code = codes.take(best + points.shape[1] * same[row, best]).set_axis(points.index)
    told = np.where(direction == 0, 0.0, size[row, best] if sums else np.nan)
    return code, pd.Series(told, points.index).mask(points[OTHER].isna())


def _why(parcels: pd.DataFrame, code: pd.Series, reason: pd.Series, *, sums: bool) -> pd.Series:
    named = reason.where(reason != "", OTHER)
    change, both = parcels["score_change"], parcels["found_in"] == "both"
    overtaken = (change == 0) & (parcels["rank_change"].fillna(0) != 0)
    gated = (change == 0) & (parcels["class_change"].fillna(0) != 0)
    other_status = both & (parcels["status_before"] != parcels["status_after"])
    return (
        code.mask(code == OTHER, reason.where(reason != "", DEDUCTION) if sums else METHOD)
        .where(change.fillna(0.0) != 0, "")
        .mask(overtaken, OTHER_PARCELS)
        .mask(gated | other_status, named)
        .mask(~both, "only_" + parcels["found_in"])
    )


def _changed_reason(was: pd.DataFrame, now: pd.DataFrame) -> pd.Series:
    """Return the reason that came or went and says most of the change; empty where none did.

    Of several, it is one that no assessed parcel has: only such a one can have ruled a parcel out.
    Where the parcel fares worse, what came is looked at first, else what went.
    """
    mild = [
        {
            name
            for text in t.loc[t["status"] == "assessed", "reasons"].unique()
            for name in text.split(";")
        }
        for t in (was, now)
    ]
    worse = (now["status"] != "assessed") | (now["score"] < was["score"])
    cases = pd.DataFrame({"was": was["reasons"], "now": now["reasons"], "worse": worse})
    code, kinds = pd.factorize(pd.MultiIndex.from_frame(cases))
    named = [
        _one_reason(first.split(";"), second.split(";"), mild, worse=bad)
        for first, second, bad in kinds
    ]
    return pd.Series(named, dtype="str").take(code).set_axis(was.index)


def _one_reason(was: list[str], now: list[str], mild: list[set[str]], *, worse: bool) -> str:
    gone = [(name in mild[0], name) for name in was if name and name not in now]
    new = [(name in mild[1], name) for name in now if name and name not in was]
    found = new + gone if worse else gone + new
    return min(found, key=lambda pair: pair[0], default=(True, ""))[1]


def _criteria(was: _Side, now: _Side, keys: list[str]) -> pd.DataFrame:
    index = pd.Index(keys, name="criterion")
    change = pd.DataFrame(_change(was.values, now.values), columns=index)
    told = {
        "compared": change.notna().sum(),
        "value_change": change.mean(),
        "gained": (change > 0).sum(),
        "lost": (change < 0).sum(),
        "weight_before": was.weights,
        "weight_after": now.weights,
        "weight_change": _change(was.weights, now.weights),
    }
    return pd.DataFrame(told, index=index)


def _in_order(measure: pd.Series) -> list[str]:
    """Return the parcels from the least to the most; equal ones by their id."""
    ordered = measure.astype(float).round(SAME_DECIMALS).sort_index().sort_values(kind="stable")
    return ordered.index.tolist()


def _counts(parcels: pd.DataFrame) -> dict[str, int | float]:
    found, both = parcels["found_in"], parcels["found_in"] == "both"
    scored = parcels["score_before"].notna(), parcels["score_after"].notna()
    change, steps = parcels["score_change"], parcels["class_change"]
    ranked = parcels[["rank_before", "rank_after"]].dropna()
    masks = {
        "compared": both,
        "only_before": found == "before",
        "only_after": found == "after",
        "assessed_only_before": both & scored[0] & ~scored[1],
        "assessed_only_after": both & scored[1] & ~scored[0],
        "score_up": change > 0,
        "score_down": change < 0,
        "class_up": steps > 0,
        "class_down": steps < 0,
    }
    return {
        **{name: int(mask.sum()) for name, mask in masks.items()},
        "ranked_in_both": len(ranked),
        "rank_correlation": _spearman(ranked["rank_before"], ranked["rank_after"]),
        "largest_gain": max(0.0, float(change.fillna(0.0).max())),
        "largest_loss": min(0.0, float(change.fillna(0.0).min())),
    }


def _spearman(one: pd.Series, two: pd.Series) -> float:
    """Return the correlation of the average ranks; NaN where either has no order."""
    x, y = (s.astype(float).rank().to_numpy() - (len(s) + 1) / 2 for s in (one, two))
    spread = float(np.sqrt((x @ x) * (y @ y)))
    return float(np.clip((x @ y) / spread, -1.0, 1.0)) if spread > 0 else float("nan")
