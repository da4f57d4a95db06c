"""The four walkers and their numbers, read from ``profiles.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

ProfileName = Literal["adult", "senior", "rollator", "wheelchair"]
Season = Literal["summer", "winter"]
PROFILE_NAMES: tuple[ProfileName, ...] = get_args(ProfileName)
ROUGHNESS_GRADES = 5


def _rising(pairs: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Refuse pairs that would make a steeper way cheaper."""
    whole = ((0.0, 1.0), *pairs)
    if not pairs or any(a[0] >= b[0] or a[1] > b[1] for a, b in pairwise(whole)):
        raise ValueError(
            "must be pairs of gradient in % and time factor, both rising, from a factor of 1: "
            "[[5, 1.2], [10, 1.8]]"
        )
    return pairs


def _not_falling(factors: tuple[float, ...]) -> tuple[float, ...]:
    if len(factors) != ROUGHNESS_GRADES or any(a > b for a, b in pairwise((1.0, *factors))):
        raise ValueError(
            f"must be {ROUGHNESS_GRADES} time factors from firm to very rough, the first at least "
            "1 and none smaller than the one before"
        )
    return factors


Curve = Annotated[tuple[tuple[float, float], ...], AfterValidator(_rising)]
Factors = Annotated[tuple[float, ...], AfterValidator(_not_falling)]


class Walker(BaseModel):
    """A walker; every number can be set in the strategy file under [walker].

    The numbers of each profile, with their sources, stand in ``profiles.toml``. Time factors are
    relative to flat, firm, step-free ground and never below 1, so that what is steeper, rougher
    or darker is never cheaper.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flat_speed_m_s: float = Field(gt=0.1, le=3.0, description="Walking speed on flat ground, m/s")
    uphill: Curve = Field(
        description="Time factor by gradient uphill: pairs of % and factor; linear between them, "
        "and beyond the last one as before it"
    )
    downhill: Curve = Field(description="The same downhill")
    max_gradient_pct: float = Field(
        gt=0, le=100, description="Steeper than this, up or down, is flagged and costs more, %"
    )
    over_gradient_factor: float = Field(
        ge=0, le=20, description="Added to the time factor for each % beyond max_gradient_pct"
    )
    rest_s_per_climbed_m: float = Field(
        ge=0, le=120, description="Rest for each metre climbed, seconds"
    )
    steps_time_factor: Annotated[float, Field(ge=1, le=20)] | Literal["closed"] = Field(
        description='Time on steps relative to flat ground; "closed": cannot use them'
    )
    roughness_time_factors: Factors = Field(
        description="Time factors of ground that is firm, fairly even, uneven, rough, very rough"
    )
    max_roughness: int = Field(
        ge=0, le=4, description="Ground rougher than this grade (0 firm, 4 very rough) is flagged"
    )
    kerb_s: float = Field(ge=0, le=600, description="A raised kerb, seconds")
    signal_wait_s: float = Field(ge=0, le=600, description="Waiting at a signal, seconds")
    main_road_wait_s: float = Field(
        ge=0, le=600, description="Waiting to cross a main road without a signal, seconds"
    )
    unlit_time_factor: float = Field(ge=1, le=20, description="Where lit=no is tagged")
    no_sidewalk_time_factor: float = Field(
        ge=1, le=20, description="Main roads on which sidewalk=no is tagged"
    )
    ferry_speed_m_s: float = Field(
        gt=0.1, le=30, description="Speed of a ferry whose duration is not tagged, m/s"
    )
    ferry_wait_s: float = Field(ge=0, le=86400, description="Waiting for a ferry, seconds")

    @property
    def aided(self) -> bool:
        """Whether the walker has wheels: steps are closed."""
        return self.steps_time_factor == "closed"

    def gradient_factor(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the time factor of each gradient; unknown (NaN) counts as flat.

        Linear between the pairs of ``uphill`` or ``downhill``, plus ``over_gradient_factor`` for
        each percentage point beyond ``max_gradient_pct``: it grows with how far the limit is
        passed and bans nothing.

        Parameters
        ----------
        gradient
            Rise over run in the direction of walking; negative is downhill.
        """
        pct = 100.0 * np.nan_to_num(gradient)
        steep = np.abs(pct)
        factor = np.where(pct > 0, _along(self.uphill, steep), _along(self.downhill, steep))
        beyond = np.maximum(steep - self.max_gradient_pct, 0.0)
        return np.asarray(factor + self.over_gradient_factor * beyond)


def _along(curve: Curve, pct: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = np.array([(0.0, 1.0), *curve]).T
    last = (y[-1] - y[-2]) / (x[-1] - x[-2])
    return np.asarray(np.interp(pct, x, y) + last * np.maximum(pct - x[-1], 0.0))


def profile(name: ProfileName, season: Season = "summer") -> Walker:
    """Return a shipped walker.

    Raises
    ------
    KeyError
        There is no such profile or season.
    """
    return _profiles()[name, season]


def number_table() -> dict[str, dict[str, Any]]:
    """Return ``profiles.toml``: number to values by profile, ``winter`` and ``source``."""
    text = resources.files("arealstrategi.walker").joinpath("profiles.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def _profiles() -> dict[tuple[str, str], Walker]:
    table = number_table()
    made: dict[tuple[str, str], Walker] = {}
    for name in PROFILE_NAMES:
        summer = {key: told[name] for key, told in table.items()}
        colder = {k: t["winter"][name] for k, t in table.items() if name in t.get("winter", {})}
        made[name, "summer"] = Walker.model_validate(summer)
        made[name, "winter"] = Walker.model_validate(summer | colder)
    return made
