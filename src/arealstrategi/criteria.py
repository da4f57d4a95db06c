"""Criteria: what is judged, and the value 0–1 that a measure is worth."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from math import ceil, floor
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from arealstrategi.sources.tags import Selection, parse_rule, parse_test
from arealstrategi.values import SHAPE_KEYS, FunctionName, ValueFunction, value_of

# Judgement: ground that is steeper asks for terraces or lifts before older people can live on it.
MAX_SLOPE_PCT = 15.0
MOST_COUNTED = 20  # each place more costs a search

NumberKind = Literal[
    "column", "layer_share", "raster", "slope", "distance", "centrality", "plan_readiness",
    "count_within", "rest",
]  # fmt: skip
Kind = Literal["walk", NumberKind]
NOT_READ = ("count_within", "rest")  # they follow from the walks
Headline = Literal["safe", "central", "social"]


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
    headline
        Which of the three headline scores it counts in, if any.
    critical
        Whether it is one of those that ``minimum`` looks at.
    weight
        Importance before all weights are scaled to add up to 1.
    reason, source
        Why it counts, and where its numbers come from.
    function
        Shape of the value function; the further numbers are as `values.ValueFunction` says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    key: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)
    label: dict[str, str]
    group: str
    headline: Headline | None = None
    critical: bool = False
    weight: float = Field(ge=0)
    reason: str = ""
    source: str = ""
    function: FunctionName = "linear"
    curve: tuple[tuple[float, float], ...] = ()
    beyond: float | None = None
    half: float | None = None
    steepness: float | None = None
    sigma: float | None = None
    centre: float | None = None
    corners: tuple[float, float, float, float] | None = None
    categories: dict[str, float] | None = None

    def name(self, language: str) -> str:
        """Return the label in a language."""
        return self.label.get(language) or next(iter(self.label.values()), self.key)

    def _shape(self) -> dict[str, Any]:
        given = {key: getattr(self, key) for key in ("function", *SHAPE_KEYS)}
        return {key: value for key, value in given.items() if value not in (None, ())}


class WalkCriterion(Criterion):
    """Walking effort to the nearest service of one category.

    Parameters
    ----------
    full_m, zero_m
        Effort in metres up to which the value is 1, and from which it is 0. With a `curve` they
        are its own; other functions are cut off at `zero_m`.
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

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True
    )

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

    @model_validator(mode="before")
    @classmethod
    def _anchors_of_curve(cls, written: Any) -> Any:  # noqa: ANN401
        """Take the anchors from the curve, which says them as well."""
        curve = written.get("curve") if isinstance(written, dict) else None
        if not curve:
            return written
        worth = [value for _, value in curve]
        full = max((x for x, value in curve if value == worth[0]), default=0.0)
        zero = next((x for x, value in curve if value == 0 and x > 0), curve[-1][0])
        return {**written, "full_m": full if full < zero else 0.0, "zero_m": zero}

    @model_validator(mode="after")
    def _anchors_in_order(self) -> WalkCriterion:
        if self.zero_m <= self.full_m:
            raise ValueError(
                f"zero_m ({self.zero_m:g}) must be larger than full_m ({self.full_m:g})"
            )
        _ = self.selection
        return self

    @model_validator(mode="after")
    def _nearer_is_never_worse(self) -> WalkCriterion:
        if not self.worth.falls:
            raise ValueError(f"function {self.function}: a nearer place must never be worth less")
        ends = self.curve[-1][1] if self.function == "piecewise" else self.beyond
        if ends:
            raise ValueError("the value must end at 0: what is out of reach is worth nothing")
        return self

    @model_validator(mode="after")
    def _one_share_for_each(self) -> WalkCriterion:
        if self.decay and len(self.decay) != self.k:
            raise ValueError(f"decay must have k = {self.k} numbers, not {len(self.decay)}")
        falls = all(a >= b for a, b in pairwise(self.decay))
        if self.decay and not (falls and self.decay[-1] > 0):
            raise ValueError("decay must be numbers above 0, none larger than the one before")
        return self

    @cached_property
    def worth(self) -> ValueFunction:
        """The value of metres of effort, but for the cut-off at `zero_m`."""
        anchored = self.function in ("linear", "exponential")
        anchors = {"full": self.full_m, "zero": self.zero_m} if anchored else {}
        return ValueFunction.model_validate({**self._shape(), **anchors})

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
    """Anything that is known of a parcel beside the walk to one category.

    Parameters
    ----------
    kind
        ``column``: a column of the parcels. ``layer_share``: share of the area in zones, 0–1.
        ``raster``: what the cells say. ``slope``: share of the ground that is no steeper than
        `max_slope_pct`, 0–1. ``distance``: straight line to the nearest feature, metres.
        ``centrality``: straight line to a centre zone, metres. ``plan_readiness``: how far
        planning has come, 0–1. ``count_within``: how many places of the category `of` lie within
        `within_m` of effort. ``rest``: benches per 100 m on the ways to the categories `on_way_to`.
    column
        The parcels' column, for ``column``.
    full, zero
        The numbers that are worth 1 and 0; either may be the larger one.
    of, within_m, max_slope_pct, on_way_to
        As their kinds say.
    """

    kind: NumberKind
    column: str = ""
    full: float | None = None
    zero: float | None = None
    of: str = ""
    within_m: float = Field(default=0.0, ge=0)
    max_slope_pct: float = Field(default=MAX_SLOPE_PCT, gt=0)
    on_way_to: tuple[str, ...] = ()
    osm: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits_its_kind(self) -> NumberCriterion:
        _ = self.worth
        if self.function == "category" and self.kind != "column":
            raise ValueError("function category goes with kind column alone")
        if self.kind == "count_within":
            if not self.of or not self.within_m:
                raise ValueError("kind count_within needs of (a category) and within_m")
            if not 1 <= self.most <= MOST_COUNTED:
                raise ValueError(f"kind count_within counts from 1 to {MOST_COUNTED} places")
        if self.kind == "rest" and not self.on_way_to:
            raise ValueError("kind rest needs on_way_to, a list of categories")
        return self

    @cached_property
    def worth(self) -> ValueFunction:
        """The value of the number."""
        anchors = {"full": self.full, "zero": self.zero}
        given = {key: value for key, value in anchors.items() if value is not None}
        return ValueFunction.model_validate({**self._shape(), **given})

    @property
    def most(self) -> int:
        """How many places ``count_within`` tells apart; more are worth no more."""
        last = self.worth.largest_anchor
        # what lies beyond the last limit of a step must be told apart from it
        return floor(last) + 1 if self.function == "step" else ceil(last)

    @property
    def missing(self) -> str:
        """What a parcel without a number lacks, as its reason says."""
        return self.column or self.key


AnyCriterion = Annotated[WalkCriterion | NumberCriterion, Field(discriminator="kind")]


def walk_value(criterion: WalkCriterion, effort_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value of walks: of the nearest place, or of having a choice.

    With k above 1 it is Σ shareᵢ × value of the i-th nearest: Walk Score (white paper 2010) counts
    further places of a kind with falling weights.

    Parameters
    ----------
    criterion
        The criterion.
    effort_m
        (p, k) metres of effort to the k nearest places, the nearest first; inf where there are
        fewer. (p,) for k = 1.

    Returns
    -------
    (p,) values 0–1.
    """
    effort = effort_m if effort_m.ndim > 1 else effort_m[:, np.newaxis]
    each = value_of(criterion.worth, effort)
    if criterion.function in ("logistic", "gaussian"):  # the others end by themselves
        each[effort >= criterion.zero_m] = 0.0
    return np.asarray((each * np.array(criterion.shares)).sum(axis=1))


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
    values: dict[str, NDArray[np.float64]] = {}
    for c in criteria:
        if isinstance(c, NumberCriterion):
            values[c.key] = value_of(c.worth, measured[c.key])
        else:
            effort = measured[c.key].to_numpy() if c.k == 1 else (choices or {})[c.key]
            values[c.key] = walk_value(c, effort)
    return pd.DataFrame(values, index=measured.index)
