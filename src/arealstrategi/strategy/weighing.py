"""The weights of all criteria: the catalogue's and the strategy's, and what people answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from arealstrategi.criteria import AnyCriterion
from arealstrategi.errors import StrategyError
from arealstrategi.scoring import normalise
from arealstrategi.weights import Weighting


@dataclass(frozen=True)
class Weights:
    """What every criterion weighs, and where that comes from.

    Parameters
    ----------
    table
        Index criterion key: ``group``; ``raw``, as written or answered; ``in_group``, its share of
        its group (0–1); ``weight``, its share of all (0–1); ``source``.
    weightings
        What people answered, in the order in which it was laid on.
    """

    table: pd.DataFrame
    weightings: tuple[Weighting, ...] = ()

    @property
    def weight(self) -> pd.Series:
        """Normalised weights by criterion key."""
        return self.table["weight"]

    @property
    def group(self) -> pd.Series:
        """Group by criterion key."""
        return self.table["group"]


def weigh(
    criteria: Sequence[AnyCriterion],
    weightings: Sequence[Weighting] = (),
    *,
    source: str = "",
    own: Mapping[str, str] | None = None,
) -> Weights:
    """Lay what people answered on the weights of the criteria.

    What a weighting names, groups or criteria, shares the weight that it has together; everything
    else keeps its own. So an answer about three groups does not touch a fourth.

    Parameters
    ----------
    criteria
        With the weights of the catalogue and the strategy file.
    weightings
        In the order to lay them on.
    source
        Where the weights of the criteria come from.
    own
        Criterion key to another source, where the strategy file has its own weight.

    Raises
    ------
    StrategyError
        A weighting names what is not in use, or what has no weight to share.
    """
    weight = normalise(pd.Series({c.key: c.weight for c in criteria}, dtype=float))
    group = pd.Series({c.key: c.group for c in criteria}, dtype=str)
    raw = pd.Series({c.key: c.weight for c in criteria}, dtype=float)
    told = pd.Series({c.key: (own or {}).get(c.key, source) for c in criteria}, dtype=str)
    for place, one in enumerate(weightings, start=1):
        kind = group if one.of == "groups" else pd.Series(weight.index, index=weight.index)
        unknown = sorted(set(one.weights.index) - set(kind[weight > 0]))
        if unknown:
            raise StrategyError(
                f"weighting[{place}]: no criterion in use belongs to {', '.join(unknown)}",
                hint=f"In use are: {', '.join(dict.fromkeys(kind[weight > 0]))}.",
            )
        named = kind.isin(one.weights.index) & (weight > 0)
        share_of_kind = weight[named] / weight[named].groupby(kind[named]).transform("sum")
        together = weight[named].sum()
        weight = weight.mask(named, share_of_kind * kind[named].map(one.weights) * together)
        told = told.mask(named, one.source)
        if one.of == "criteria":
            raw = raw.mask(named, kind[named].map(one.raw))
    weight = normalise(weight)
    in_group = weight / weight.groupby(group).transform("sum")
    table = pd.DataFrame(
        {"group": group, "raw": raw, "in_group": in_group, "weight": weight, "source": told}
    )
    return Weights(table.rename_axis("key"), tuple(weightings))


def reweighed(weights: Weights, shares: Mapping[str, float], source: str) -> Weights:
    """Give some criteria a share of all, 0–1; the others keep their proportions."""
    if not shares:
        return weights
    given = pd.Series(shares, dtype=float)
    others = weights.weight.where(~weights.weight.index.isin(given.index), 0.0)
    left = normalise(others) * max(1.0 - given.sum(), 0.0)
    weight = normalise(left.add(given, fill_value=0.0)[weights.weight.index])
    told = weights.table["source"].mask(weight.index.isin(given.index), source)
    in_group = weight / weight.groupby(weights.group).transform("sum")
    table = weights.table.assign(raw=weight, in_group=in_group, weight=weight, source=told)
    return Weights(table, weights.weightings)
