"""Criteria: what is judged, and the value 0–1 that a measure is worth."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from arealstrategi.sources.tags import Selection, parse_rule, parse_test

NumberKind = Literal["column", "layer_share", "raster", "centrality", "plan_readiness"]
Kind = Literal["walk", NumberKind]


class Criterion(BaseModel):
    """What every kind of criterion has.

    Parameters
    ----------
    key
        Short name, the beginning of its columns.
    label
        What readers see, by language.
    group
        The group it belongs to.
    weight
        Importance before all weights are scaled to add up to 1.
    reason, source
        Why it counts, and where its numbers come from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)
    label: dict[str, str]
    group: str
    weight: float = Field(ge=0)
    reason: str = ""
    source: str = ""

    def name(self, language: str) -> str:
        """Return the label in a language."""
        return self.label.get(language) or next(iter(self.label.values()), self.key)


class WalkCriterion(Criterion):
    """Walking effort to the nearest service of one category.

    Parameters
    ----------
    full_m, zero_m
        Effort in metres up to which the value is 1, and from which it is 0.
    k
        How many of the nearest places count, where choice matters.
    decay
        How much the nearest, the second nearest … count; scaled to add up to 1. Left out, each
        counts half as much as the one before.
    selection
        Which places in OpenStreetMap count; None: own points alone.
    buildings
        Which types of building in the cadastre (bygningstype) hold such a place.
    min_departures_per_hour
        Stops that timetables give fewer departures on weekdays do not count.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    kind: Literal["walk"] = "walk"
    full_m: float = Field(ge=0)
    zero_m: float = Field(gt=0)
    k: int = Field(default=1, ge=1, le=10)
    decay: tuple[float, ...] = ()
    osm: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    min_area_m2: float = Field(default=0.0, ge=0)
    areas_only: bool = False
    buildings: tuple[str, ...] = ()
    min_departures_per_hour: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _anchors_in_order(self) -> WalkCriterion:
        if self.zero_m <= self.full_m:
            raise ValueError(
                f"zero_m ({self.zero_m:g}) must be larger than full_m ({self.full_m:g})"
            )
        _ = self.selection
        return self

    @model_validator(mode="after")
    def _one_share_for_each(self) -> WalkCriterion:
        if self.decay and len(self.decay) != self.k:
            raise ValueError(f"decay must have k = {self.k} numbers, not {len(self.decay)}")
        falls = all(a >= b for a, b in pairwise(self.decay))
        if self.decay and not (falls and self.decay[-1] > 0):
            raise ValueError("decay must be numbers above 0, none larger than the one before")
        return self

    @property
    def shares(self) -> tuple[float, ...]:
        """How much the nearest, the second nearest … count; they add up to 1."""
        decay = self.decay or tuple(0.5**place for place in range(self.k))
        return tuple(one / sum(decay) for one in decay)

    @property
    def selection(self) -> Selection:
        """Which places count as this category."""
        return Selection(
            tuple(parse_rule(text) for text in self.osm),
            tuple(parse_test(text) for text in self.never),
            self.min_area_m2,
            self.areas_only,
        )


class NumberCriterion(Criterion):
    """Any number that is known of a parcel.

    Parameters
    ----------
    kind
        ``column``: a column of the parcels. ``layer_share``: share of the area in zones, 0–1.
        ``raster``: what the cells say. ``centrality``: straight line to a centre zone, metres.
        ``plan_readiness``: how far planning has come, 0–1.
    column
        The parcels' column, for ``column``.
    full, zero
        The numbers that are worth 1 and 0; either may be the larger one.
    """

    kind: NumberKind
    column: str = ""
    full: float
    zero: float

    @model_validator(mode="after")
    def _anchors_differ(self) -> NumberCriterion:
        if self.full == self.zero:
            raise ValueError(f"full and zero must differ (both are {self.full:g})")
        return self

    @property
    def missing(self) -> str:
        """What a parcel without a number lacks, as its reason says."""
        return self.column or self.key


AnyCriterion = Annotated[WalkCriterion | NumberCriterion, Field(discriminator="kind")]


def linear_value(measured: pd.Series, full: float, zero: float) -> pd.Series:
    """Return the value of a measure: 1 at `full` and beyond, 0 at `zero` and beyond.

    v = clip((zero - x) / (zero - full), 0, 1); additive value theory with absolute anchors
    (Keeney & Raiffa 1976). inf gives 0 where small is good; missing stays missing.

    Parameters
    ----------
    measured
        Numbers in the unit of the anchors.
    full, zero
        Anchors; `full` may be the smaller or the larger one.
    """
    share = (zero - measured.astype(float)) / (zero - full)
    return share.clip(0.0, 1.0)


def choice_value(
    effort_m: NDArray[np.float64], full: float, zero: float, shares: tuple[float, ...]
) -> NDArray[np.float64]:
    """Return the value of having a choice: v = Σ shareᵢ × value of the i-th nearest.

    Walk Score (white paper 2010) counts further places of a kind with falling weights.

    Parameters
    ----------
    effort_m
        (p, k) effort to the k nearest places, the nearest first; inf where there are fewer.
    full, zero
        Anchors, metres.
    shares
        k numbers that add up to 1.
    """
    each = np.clip((zero - effort_m) / (zero - full), 0.0, 1.0)
    return np.asarray((each * np.array(shares)).sum(axis=1))


def measure(
    criteria: list[AnyCriterion],
    reach: pd.DataFrame,
    evidence: pd.DataFrame,
) -> pd.DataFrame:
    """Collect what each criterion judges.

    Parameters
    ----------
    criteria
        The criteria.
    reach
        The reach table, index ``parcel_id``: effort in metres, inf where unreachable.
    evidence
        Index ``parcel_id``, one column per criterion that is no walk: the number it judges, NaN
        where that is not known.

    Returns
    -------
    One column per criterion key: metres of effort for ``walk``, the number otherwise.
    """
    measured = {
        c.key: reach[f"{c.key}_effort_m"] if isinstance(c, WalkCriterion) else evidence[c.key]
        for c in criteria
    }
    return pd.DataFrame(measured, index=reach.index)


def to_values(
    criteria: list[AnyCriterion],
    measured: pd.DataFrame,
    choices: Mapping[str, NDArray[np.float64]] | None = None,
) -> pd.DataFrame:
    """Turn measures into values 0–1, NaN where missing; columns are the criteria's keys.

    Parameters
    ----------
    criteria
        The criteria.
    measured
        What `measure` gives.
    choices
        For every ``walk`` criterion with ``k`` above 1, (p, k) effort to the k nearest places.
    """
    values: dict[str, pd.Series | NDArray[np.float64]] = {}
    for c in criteria:
        if isinstance(c, NumberCriterion):
            values[c.key] = linear_value(measured[c.key], c.full, c.zero)
        elif c.k == 1:
            values[c.key] = linear_value(measured[c.key], c.full_m, c.zero_m)
        else:
            values[c.key] = choice_value((choices or {})[c.key], c.full_m, c.zero_m, c.shares)
    return pd.DataFrame(values, index=measured.index)
