"""Why a parcel has its score: what each criterion gives it, compared with the mean parcel.

Everything is worked out of the table of parcels and the facts of the run, so that a result that
was written to a folder explains as much as one in memory.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from arealstrategi.errors import InputError
from arealstrategi.evidence import NO_HIT
from arealstrategi.scoring import (
    FLOOR,
    Method,
    MissingPolicy,
    aggregate,
    complete,
    deciding_weights,
)

SHOWN = 3  # strongest, weakest, and what would lift it most
_LOOKED_AT = 20_000  # parcels whose names are looked at for one that was meant


@dataclass(frozen=True)
class ScoreModel:
    """How values became scores.

    Parameters
    ----------
    criteria
        Index ``key``: ``label``, ``group``, ``weight`` (adding up to 1) and, where some decide
        alone by the method ``minimum``, ``critical``.
    method, alpha, floor, missing
        As the strategy says.
    effects
        Constraint's name to its effect.
    """

    criteria: pd.DataFrame
    method: Method = "weighted_sum"
    alpha: float = 1.0
    floor: float = FLOOR
    missing: MissingPolicy = "require"
    effects: Mapping[str, str] | None = None

    @property
    def weight(self) -> pd.Series:
        """The weights that the method goes by: for ``minimum`` of the critical ones alone."""
        told = self.criteria.get("critical", pd.Series(data=False, index=self.criteria.index))
        critical = self.criteria.index[told.astype(bool)]
        return deciding_weights(self.criteria["weight"], critical, self.method)

    @property
    def is_sum(self) -> bool:
        """Whether what the criteria give adds up to the score, exactly."""
        return self.method == "weighted_sum" or (self.method == "owa" and self.alpha == 1)


@dataclass(frozen=True)
class Explanation:
    """Why one parcel has its score.

    Parameters
    ----------
    facts
        ``parcel_id``, ``label``, ``area_m2``, ``municipal``, ``status``, ``class``, ``score``,
        ``score_if_allowed``, ``rank``, ``ranked`` (how many parcels have a rank), ``mean_score``
        of the assessed parcels, and where they are told ``rank_p05``, ``rank_p95``,
        ``top_share``, and of a given site ``place_among_parcels``.
    criteria
        Index ``key``, in the order of the strategy: ``label``, ``group``, ``weight`` (for this
        parcel; it is larger where others were left out), ``value`` (0–1), ``points``,
        ``mean_points`` of the assessed parcels, ``difference`` (points − mean), ``could_gain``
        (weight × (1 − value), points), ``service``, ``walk_m``, ``walk_min``, ``raw``.
    deduction
        Points taken off by constraints.
    is_exact
        Whether points are shares of a sum: then ``points`` less the deduction add up to the
        score, and ``difference`` less what is deducted more than the mean to the distance from
        the mean score. Otherwise ``difference`` is what the score loses when the criterion is put
        to its median, one at a time: approximate, and ``points`` are not told.
    mean_deduction
        Points taken off the mean parcel.
    constraints
        ``constraint``, ``answer``, ``share``, ``effect``: all but those that do not hit.
    reasons
        As in the table.
    """

    facts: dict[str, Any]
    criteria: pd.DataFrame
    deduction: float
    is_exact: bool
    mean_deduction: float
    constraints: pd.DataFrame
    reasons: tuple[str, ...]

    @property
    def _known(self) -> pd.Series:
        """The difference from the mean, by criterion whose value is known here."""
        return self.criteria["difference"].where(self.criteria["value"].notna())

    @property
    def strongest(self) -> list[str]:
        """Keys of the criteria that lift the parcel most above the mean, at most three."""
        ordered = self._known.sort_values(ascending=False, kind="stable")
        return [str(key) for key in ordered.index[ordered > 0][:SHOWN]]

    @property
    def weakest(self) -> list[str]:
        """Keys of the criteria that pull the parcel most below the mean, at most three."""
        ordered = self._known.sort_values(kind="stable")
        return [str(key) for key in ordered.index[ordered < 0][:SHOWN]]

    @property
    def lifts(self) -> list[str]:
        """Keys of the criteria that would lift it most if they were as good as can be."""
        ordered = self.criteria["could_gain"].sort_values(ascending=False, kind="stable")
        return [str(key) for key in ordered.index[ordered > 0][:SHOWN]]


def find_parcel(parcels: pd.DataFrame, asked: str) -> str:
    """Return the id of the parcel that is meant: by id, else by cadastral number or label.

    Raises
    ------
    InputError
        There is none, or several have that label; the message names the nearest.
    """
    if asked in parcels.index:
        return asked
    for column in ("property", "label"):
        if column in parcels:
            fits = parcels.index[(parcels[column] == asked).to_numpy(dtype=bool, na_value=False)]
            if len(fits) == 1:
                return str(fits[0])
            if len(fits) > 1:
                raise InputError(
                    f"{len(fits)} parcels are called {asked!r}",
                    hint=f"Give an id: {', '.join(map(str, fits[:5]))}.",
                )
    names = parcels[[name for name in ("property", "label") if name in parcels]].iloc[:_LOOKED_AT]
    known = [*parcels.index[:_LOOKED_AT], *names.melt()["value"].dropna()]
    near = difflib.get_close_matches(asked, list(dict.fromkeys(map(str, known))), n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"An id looks like {parcels.index[0]}."
    raise InputError(f"there is no parcel {asked!r} in this result", hint=hint)


def values_in(parcels: pd.DataFrame, criteria: pd.DataFrame) -> pd.DataFrame:
    """Return the values of the criteria in a table of parcels, by criterion key."""
    values = parcels[[f"{key}_value" for key in criteria.index]].astype(float)
    return values.set_axis(criteria.index, axis=1)


def explain(
    parcels: pd.DataFrame,
    model: ScoreModel,
    parcel_id: str,
    *,
    findings: pd.DataFrame | None = None,
    compared_with: pd.DataFrame | None = None,
) -> Explanation:
    """Explain the score of one parcel.

    Parameters
    ----------
    parcels
        The table of parcels, or of given sites.
    model
        How values became scores.
    parcel_id
        Which.
    findings
        ``parcel_id``, ``constraint``, ``answer``, ``share``.
    compared_with
        The parcels whose mean it is compared with; None: `parcels`. The assessed ones count.

    Raises
    ------
    KeyError
        There is no such parcel.
    """
    row = parcels.loc[parcel_id]
    others = parcels if compared_with is None else compared_with
    assessed = others[others["status"] == "assessed"]
    table, deduction, mean_deduction = _contributions(parcels.loc[[parcel_id]], assessed, model)
    table["label"], table["group"] = model.criteria["label"], model.criteria["group"]
    for end in ("service", "walk_m", "walk_min", "raw"):
        told = {key: row.get(f"{key}_{end}") for key in table.index}
        table[end] = pd.Series(told, dtype=object)
    names = (
        "label", "area_m2", "municipal", "status", "class", "score", "score_if_allowed", "rank",
        "place_among_parcels",
        "score_safe", "score_central", "score_social", "rank_p05", "rank_p95", "top_share",
        "buildable_m2", "plan_readiness", "plan_purpose_name",
    )  # fmt: skip
    facts = {"parcel_id": parcel_id, **{name: row[name] for name in names if name in row.index}}
    facts["ranked"] = int(others["rank"].notna().sum())
    facts["mean_score"] = float(assessed["score"].mean()) if len(assessed) else np.nan
    met = pd.DataFrame(columns=["constraint", "answer", "share"])
    if findings is not None:
        mine = (findings["parcel_id"] == parcel_id) & (findings["answer"] != NO_HIT)
        met = findings.loc[mine, ["constraint", "answer", "share"]].reset_index(drop=True)
    met = met.assign(effect=met["constraint"].map(dict(model.effects or {})))
    reasons = str(row["reasons"]) if pd.notna(row["reasons"]) else ""
    return Explanation(
        facts,
        table,
        deduction,
        model.is_sum,
        mean_deduction,
        met,
        tuple(text for text in reasons.split(";") if text),
    )


Told = tuple[pd.DataFrame, pd.DataFrame]  # parcels or sites, and what constraints found there


def explain_named(asked: str, model: ScoreModel, parcels: Told, sites: Told | None) -> Explanation:
    """Explain what is called so: a given site, else a parcel; see `find_parcel`.

    Raises
    ------
    InputError
        There is none of that name; the message names the nearest.
    """
    if sites is not None and asked in sites[0].index:
        table, findings = sites
        return explain(table, model, asked, findings=findings, compared_with=parcels[0])
    table, findings = parcels
    return explain(table, model, find_parcel(table, asked), findings=findings)


def contributions(
    parcels: pd.DataFrame, model: ScoreModel
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Return what each criterion gives each parcel in a weighted sum.

    Returns
    -------
    Points and weights (parcels × criteria; a weight is larger where others were left out), and
    the points taken off, with which the points add up to ``score_if_allowed``.
    """
    weight, values = model.weight, _values(parcels, model)
    known = values.notna().to_numpy(dtype=float) * weight.to_numpy(dtype=float)
    total = known.sum(axis=1, keepdims=True)
    own = np.divide(known, total, out=np.zeros_like(known), where=total > 0)
    points = 100.0 * own * values.fillna(0.0).to_numpy()
    taken = points.sum(axis=1) - parcels["score_if_allowed"].to_numpy(dtype=float)
    return (
        pd.DataFrame(points, parcels.index, values.columns),
        pd.DataFrame(own, parcels.index, values.columns),
        pd.Series(taken, parcels.index),
    )


def _contributions(
    parcel: pd.DataFrame, assessed: pd.DataFrame, model: ScoreModel
) -> tuple[pd.DataFrame, float, float]:
    """Return the columns of numbers of `Explanation.criteria`, and both deductions."""
    own, weight, taken = contributions(parcel, model)
    mean, _, taken_of_all = contributions(assessed, model)
    values = _values(parcel, model)
    table = pd.DataFrame(
        {
            "weight": weight.iloc[0],
            "value": values.iloc[0],
            "points": own.iloc[0],
            "mean_points": mean.mean(),
            "difference": own.iloc[0] - mean.mean(),
            "could_gain": 100.0 * weight.iloc[0] * (1.0 - values.iloc[0]),
        }
    )
    if model.is_sum:
        return table, float(taken.iloc[0]), float(taken_of_all.mean())
    total = _joined(values, model)
    everyone = _values(assessed, model)
    medians = everyone.median()
    one_by_one = pd.concat([values] * len(table), ignore_index=True).to_numpy(copy=True)
    np.fill_diagonal(one_by_one, medians.to_numpy())
    lifted = pd.concat([values] * len(table), ignore_index=True).to_numpy(copy=True)
    np.fill_diagonal(lifted, 1.0)
    of_median, of_best = (
        _joined(pd.DataFrame(many, columns=values.columns), model).to_numpy()
        for many in (one_by_one, lifted)
    )
    counted = table["weight"] > 0  # what is left out for this parcel has no say
    lost = pd.Series(100.0 * (float(total.iloc[0]) - of_median), medians.index)
    table["difference"] = lost.where(medians.notna()) * counted
    table["could_gain"] = (100.0 * (of_best - float(total.iloc[0]))) * counted
    table[["points", "mean_points"]] = np.nan
    deduction = 100.0 * float(total.iloc[0]) - float(parcel["score_if_allowed"].iloc[0])
    every = 100.0 * _joined(everyone, model)
    mean_deduction = float((every - assessed["score_if_allowed"]).mean())
    return table, deduction, mean_deduction


def _values(parcels: pd.DataFrame, model: ScoreModel) -> pd.DataFrame:
    """Return the values as they went into the score; NaN: left out for that parcel."""
    read = values_in(parcels, model.criteria)
    return complete(read, model.weight, model.missing)[0]


def _joined(values: pd.DataFrame, model: ScoreModel) -> pd.Series:
    return aggregate(values, model.weight, model.method, model.alpha, model.floor)


def side_by_side(explanations: Sequence[Explanation]) -> pd.DataFrame:
    """Return one column per parcel, one row per fact: for choosing between a few sites.

    Rows are the facts, then value, points, metres and name of the nearest of each criterion, as
    ``KEY: value`` …, then the reasons.
    """
    columns = {}
    for one in explanations:
        told = {name: one.facts[name] for name in one.facts if name not in ("parcel_id", "ranked")}
        for key, row in one.criteria.iterrows():
            for name in ("value", "points", "walk_m", "service", "raw"):
                if row[name] is not None and pd.notna(row[name]):
                    told[f"{key}: {name}"] = row[name]
        told["reasons"] = ";".join(one.reasons)
        columns[one.facts["parcel_id"]] = pd.Series(told, dtype=object)
    rows = list(dict.fromkeys(name for column in columns.values() for name in column.index))
    return pd.DataFrame(columns).reindex(rows).rename_axis("fact")
