"""Criteria: what is judged, and the value 0–1 that a measure is worth."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from arealstrategi.sources.tags import Selection, parse_rule, parse_test


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
    selection
        Which places in OpenStreetMap count; None: own points alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    kind: Literal["walk"] = "walk"
    full_m: float = Field(ge=0)
    zero_m: float = Field(gt=0)
    osm: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    min_area_m2: float = Field(default=0.0, ge=0)
    areas_only: bool = False

    @model_validator(mode="after")
    def _anchors_in_order(self) -> WalkCriterion:
        if self.zero_m <= self.full_m:
            raise ValueError(
                f"zero_m ({self.zero_m:g}) must be larger than full_m ({self.full_m:g})"
            )
        _ = self.selection
        return self

    @property
    def selection(self) -> Selection:
        """Which places count as this category."""
        return Selection(
            tuple(parse_rule(text) for text in self.osm),
            tuple(parse_test(text) for text in self.never),
            self.min_area_m2,
            self.areas_only,
        )


class ColumnCriterion(Criterion):
    """Any number that is already on the parcels.

    Parameters
    ----------
    column
        The parcels' column.
    full, zero
        The numbers that are worth 1 and 0; either may be the larger one.
    """

    kind: Literal["column"] = "column"
    column: str
    full: float
    zero: float

    @model_validator(mode="after")
    def _anchors_differ(self) -> ColumnCriterion:
        if self.full == self.zero:
            raise ValueError(f"full and zero must differ (both are {self.full:g})")
        return self


AnyCriterion = Annotated[WalkCriterion | ColumnCriterion, Field(discriminator="kind")]


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
    with np.errstate(invalid="ignore"):
        share = (zero - measured.astype(float)) / (zero - full)
    return share.clip(0.0, 1.0)


def measure(
    criteria: list[WalkCriterion | ColumnCriterion],
    reach: pd.DataFrame,
    own: pd.DataFrame,
) -> pd.DataFrame:
    """Collect what each criterion judges.

    Parameters
    ----------
    criteria
        The criteria.
    reach
        The reach table, index ``parcel_id``: effort in metres, inf where unreachable.
    own
        The user's own columns on the same index.

    Returns
    -------
    One column per criterion key: metres of effort for ``walk``, the column's number otherwise.
    """
    measured = {
        c.key: reach[f"{c.key}_effort_m"]
        if isinstance(c, WalkCriterion)
        else pd.to_numeric(own[c.column], errors="coerce")
        for c in criteria
    }
    return pd.DataFrame(measured, index=reach.index)


def to_values(
    criteria: list[WalkCriterion | ColumnCriterion], measured: pd.DataFrame
) -> pd.DataFrame:
    """Turn measures into values 0–1, NaN where missing; columns are the criteria's keys."""
    values = {
        c.key: linear_value(measured[c.key], c.full_m, c.zero_m)
        if isinstance(c, WalkCriterion)
        else linear_value(measured[c.key], c.full, c.zero)
        for c in criteria
    }
    return pd.DataFrame(values, index=measured.index)
