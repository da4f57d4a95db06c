"""Who walks, where they may walk, and what a way costs them in seconds.

`RULES` says which ways older people may walk, each with its reason; `PROFILES` says how fast each
kind of walker is. Gradient, surface and crossings are not counted yet: the ground is taken as flat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field


class Walker(BaseModel):
    """A walker profile; every number can be set in the strategy file under [walker].

    Parameters
    ----------
    flat_speed_m_s
        Walking speed on flat ground, metres per second.
    steps_time_factor
        Time on steps relative to flat ground of the same length; None: steps are closed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flat_speed_m_s: float = Field(gt=0.1, le=3.0, description="Walking speed on flat ground, m/s")
    steps_time_factor: float | None = Field(
        ge=1.0,
        le=20.0,
        description="Time on steps relative to flat ground; none: steps are closed",
    )


# Speeds: Willberg, Fink & Toivonen 2023 (Helsinki, older walkers: mean 1.18 m/s, slowest 15 %
# 0.94 m/s), Asher et al. 2012 (England 65+, 0.8–0.9 m/s). Steps: OpenTripPlanner's
# stairsTimeFactor 3.0.
PROFILES: dict[str, Walker] = {
    # source: Helsinki adults 1.43 m/s, rounded down (judgement); steps: judgement
    "adult": Walker(flat_speed_m_s=1.35, steps_time_factor=1.5),
    # source: between the slowest 15 % and the mean of older walkers in Helsinki
    "senior": Walker(flat_speed_m_s=1.0, steps_time_factor=3.0),
    # source: England 65+ (0.8 m/s); a rollator cannot be taken up steps
    "rollator": Walker(flat_speed_m_s=0.8, steps_time_factor=None),
    # source: AccessMap's manual wheelchair (0.6 m/s); steps are closed
    "wheelchair": Walker(flat_speed_m_s=0.6, steps_time_factor=None),
}


@dataclass(frozen=True)
class Rule:
    """A way with these tag values may be walked or not, and why.

    Parameters
    ----------
    tags
        Key to values (``|`` between them); all keys must fit. ``*`` is any value.
    open
        Whether older people may walk here.
    reason
        Why, for the report and for whoever doubts it.
    """

    tags: dict[str, str]
    open: bool
    reason: str


# The first rule that fits decides.
RULES: tuple[Rule, ...] = (
    Rule(
        {
            "highway": "construction|proposed|planned|abandoned|disused|razed|demolished|"
            "dismantled|no"
        },
        open=False,
        reason="does not exist today",
    ),
    Rule({"foot": "no"}, open=False, reason="walking is forbidden by sign"),
    Rule({"foot": "private"}, open=False, reason="private"),
    Rule({"route": "ferry"}, open=False, reason="a ferry is not a walk"),
    Rule(
        {"highway": "motorway|motorway_link"},
        open=False,
        reason="motorway: walking is forbidden by law",
    ),
    Rule({"motorroad": "yes"}, open=False, reason="motor road: walking is forbidden by law"),
    Rule(
        {"highway": "bus_guideway|busway|raceway|escape|rest_area|services|via_ferrata|ladder"},
        open=False,
        reason="no place for people on foot",
    ),
    Rule(
        {
            "sac_scale": "demanding_mountain_hiking|alpine_hiking|demanding_alpine_hiking|"
            "difficult_alpine_hiking"
        },
        open=False,
        reason="needs hands and a head for heights",
    ),
    Rule(
        {"foot": "yes|designated|permissive|official|destination|customers"},
        open=True,
        reason="signed or known to be open to people on foot",
    ),
    Rule({"access": "no|private|military"}, open=False, reason="closed to the public"),
    Rule({"service": "private"}, open=False, reason="closed to the public"),
    Rule({"service": "drive-through"}, open=False, reason="a lane for cars at a counter"),
    Rule(
        {"highway": "steps"}, open=True, reason="open; the walker profile decides who can use them"
    ),
    Rule(
        {"highway": "cycleway"},
        open=True,
        reason="in Norway the shared foot and cycle path is tagged highway=cycleway",
    ),
    Rule(
        {"indoor": "yes|corridor"},
        open=True,
        reason="indoor passages lead to services and are open when these are",
    ),
    Rule(
        {"highway": "pedestrian|footway|path|living_street|crossing|platform|elevator|corridor"},
        open=True,
        reason="made for people on foot; the rim of a square is walked as a path",
    ),
    Rule(
        {"highway": "residential|unclassified|service|track|road|bridleway"},
        open=True,
        reason="open to people on foot, also without a sidewalk (public right of access)",
    ),
    Rule(
        {"highway": "tertiary|tertiary_link|secondary|secondary_link|primary|primary_link"},
        open=True,
        reason="open; where the sidewalk is mapped apart, both are kept so that nothing is cut off",
    ),
    Rule(
        {"highway": "trunk|trunk_link"},
        open=True,
        reason="a main road that is no motor road may be walked, and is often the only way",
    ),
    Rule({"railway": "platform"}, open=True, reason="platforms are walked to and along"),
    Rule({"public_transport": "platform"}, open=True, reason="platforms are walked to and along"),
    Rule({"man_made": "pier"}, open=True, reason="quays and piers are walked"),
    Rule({"highway": "*"}, open=False, reason="a kind of way that this table does not know"),
)


def judge_ways(tags: pd.DataFrame) -> pd.DataFrame:
    """Say of each way whether older people may walk it, and why.

    Parameters
    ----------
    tags
        One row per way, the columns of `arealstrategi.tables.WAY_TAGS`.

    Returns
    -------
    Table on the same index: ``open`` (bool) and ``reason`` (text). A way that no rule fits is
    closed.
    """
    deciding = np.full(len(tags), -1)
    for number, rule in enumerate(RULES):
        fits = deciding < 0
        for key, values in rule.tags.items():
            column = tags[key]
            fits &= column.notna().to_numpy() if values == "*" else _is_any(column, values)
        deciding[fits] = number
    reasons = np.array([rule.reason for rule in RULES] + ["no way for people"], dtype=object)
    may = np.array([rule.open for rule in RULES] + [False])
    return pd.DataFrame({"open": may[deciding], "reason": reasons[deciding]}, index=tags.index)


def seconds_per_metre(tags: pd.DataFrame, walker: Walker) -> NDArray[np.float64]:
    """Return what each way costs the walker, in seconds per metre; inf where it is closed to them.

    Parameters
    ----------
    tags
        One row per way, the columns of `arealstrategi.tables.WAY_TAGS`.
    walker
        The profile.
    """
    cost = np.full(len(tags), 1.0 / walker.flat_speed_m_s)
    factor = np.inf if walker.steps_time_factor is None else walker.steps_time_factor
    cost[_is_any(tags["highway"], "steps")] *= factor
    cost[~judge_ways(tags)["open"].to_numpy()] = np.inf
    return cost


def _is_any(column: pd.Series, values: str) -> NDArray[np.bool_]:
    return column.isin(values.split("|")).to_numpy()
