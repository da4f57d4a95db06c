"""Value functions: what a measure is worth, 0–1, on anchors that do not depend on the data.

Additive value theory asks for one function per criterion, with anchors that mean something in
themselves (Keeney & Raiffa 1976). Missing (NaN) stays missing; unreachable (inf) is worth what
lies beyond the last anchor, and 0 where the function falls.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.optimize import brentq

Array = NDArray[np.float64]
FunctionName = Literal[
    "linear", "piecewise", "step", "exponential", "logistic", "gaussian", "trapezoid", "category"
]

_NEEDS: dict[str, tuple[str, ...]] = {
    "linear": ("full", "zero"),
    "piecewise": ("curve",),
    "step": ("curve",),
    "exponential": ("full", "zero", "half"),
    "logistic": ("half", "steepness"),
    "gaussian": ("sigma",),
    "trapezoid": ("corners",),
    "category": ("categories",),
}
_MAY: dict[str, tuple[str, ...]] = {"step": ("beyond",), "gaussian": ("centre",)}
SHAPE_KEYS = (
    "curve", "beyond", "half", "steepness", "sigma", "centre", "corners", "categories",
)  # fmt: skip


class ValueFunction(BaseModel):
    """A function from a measure to a value 0–1.

    Parameters
    ----------
    function
        ``linear``: clip((zero - x) / (zero - full), 0, 1). ``piecewise``: straight between the
        points of `curve`, level beyond them. ``step``: the value of the first limit in `curve`
        that is not exceeded. ``exponential``: as linear, but bent so that `half` is worth 0.5
        (Kirkwood 1997). ``logistic``: 1 / (1 + exp(steepness (x - half))). ``gaussian``:
        exp(-(x - centre)² / (2 sigma²)). ``trapezoid``: rises from 0 at the first of `corners` to
        1 at the second, and falls from the third to the fourth. ``category``: code to value.
    full, zero
        The measures that are worth 1 and 0; either may be the larger one.
    curve
        Pairs of measure and value, the measures rising; for ``piecewise`` the values rise or fall
        throughout.
    beyond
        For ``step``: the value beyond the last limit.
    half
        The measure that is worth 0.5.
    steepness
        For ``logistic``, per unit of the measure; above 0 the value falls.
    sigma, centre
        For ``gaussian``, in units of the measure.
    corners
        Four measures, none smaller than the one before.
    categories
        Code to value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    function: FunctionName = "linear"
    full: float | None = None
    zero: float | None = None
    curve: tuple[tuple[float, float], ...] = ()
    beyond: float = Field(default=0.0, ge=0, le=1)
    half: float | None = None
    steepness: float | None = None
    sigma: float | None = Field(default=None, gt=0)
    centre: float = 0.0
    corners: tuple[float, float, float, float] | None = None
    categories: dict[str, float] | None = None

    @model_validator(mode="after")
    def _has_its_numbers(self) -> ValueFunction:
        name = self.function
        given = {k for k in self.model_fields_set if getattr(self, k) not in (None, ())}
        given.discard("function")
        lacks = [key for key in _NEEDS[name] if key not in given]
        if lacks:
            raise ValueError(f"function {name} needs {' and '.join(lacks)}")
        extra = sorted(given - {*_NEEDS[name], *_MAY.get(name, ())})
        if extra:
            raise ValueError(f"function {name} has no use for {' and '.join(extra)}")
        return self

    @model_validator(mode="after")
    def _makes_sense(self) -> ValueFunction:
        if self.full is not None and self.full == self.zero:
            raise ValueError(f"full and zero must differ (both are {self.full:g})")
        if self.function == "exponential":
            least, most = sorted((self.full or 0.0, self.zero or 0.0))
            share = abs(_given(self.half) - _given(self.zero)) / (most - least)
            if not (least < _given(self.half) < most and MIDDLE[0] <= share <= MIDDLE[1]):
                raise ValueError("half must lie between full and zero, not next to one of them")
        if self.steepness == 0:
            raise ValueError("steepness must not be 0")
        if self.corners is not None and any(a > b for a, b in pairwise(self.corners)):
            raise ValueError("corners must not fall")
        _check_curve(self)
        return self

    @property
    def falls(self) -> bool:
        """Whether a larger measure is never worth more."""
        if self.function in ("linear", "exponential"):
            return _given(self.full) < _given(self.zero)
        if self.function in ("piecewise", "step"):
            values = [value for _, value in self.curve]
            values += [self.beyond] if self.function == "step" else []
            return all(a >= b for a, b in pairwise(values))
        if self.function == "logistic":
            return _given(self.steepness) > 0
        return self.function == "gaussian" and self.centre <= 0

    @property
    def largest_anchor(self) -> float:
        """The largest measure that makes a difference; beyond it the value hardly changes."""
        named = [self.full, self.zero, self.half, *(x for x, _ in self.curve)]
        named += list(self.corners or ())
        if self.sigma is not None:
            named.append(self.centre + 3 * self.sigma)  # within 0.02 of its end
        if self.steepness is not None:
            named.append(_given(self.half) + 4 / abs(self.steepness))  # within 0.02 as well
        return max((x for x in named if x is not None), default=0.0)


# Shares of the way from zero to full within which a half can be bent to; beyond them the curve is
# a step in all but name, and its exponent overflows.
MIDDLE = (0.02, 0.98)


def _check_curve(function: ValueFunction) -> None:
    curve = function.curve
    if not curve:
        codes = function.categories or {}
        if any(not 0 <= value <= 1 for value in codes.values()):
            raise ValueError("categories must have values from 0 to 1")
        return
    if any(a >= b for (a, _), (b, _) in pairwise(curve)):
        raise ValueError("curve: the measures must rise")
    values = [value for _, value in curve]
    if any(not 0 <= value <= 1 for value in values):
        raise ValueError("curve: the values must be from 0 to 1")
    if function.function == "piecewise":
        if len(curve) == 1:
            raise ValueError("curve: a piecewise function needs two points or more")
        if values != sorted(values) and values != sorted(values, reverse=True):
            raise ValueError(
                "curve: the values must rise or fall throughout; for an ideal range "
                'use function = "trapezoid"'
            )


def value_of(function: ValueFunction, measured: NDArray[np.generic] | pd.Series) -> Array:
    """Return what measures are worth, 0–1.

    Parameters
    ----------
    function
        The value function.
    measured
        Numbers of any shape in the unit of the anchors; for ``category`` the codes, NA or NaN
        where missing.

    Returns
    -------
    The same shape; NaN where the measure is missing, or a code has no value.
    """
    if function.categories is not None:
        codes = pd.Series(np.asarray(measured, dtype=object)).map(code_text, na_action="ignore")
        return np.asarray(codes.map(function.categories).to_numpy(dtype=float))
    x = np.asarray(measured, dtype=float)
    with np.errstate(over="ignore"):  # what is too large to square is beyond every anchor
        return np.where(np.isnan(x), np.nan, _CALCULATE[function.function](function, x))


def code_text(value: object) -> str:
    """Write a code as the strategy file does: 21.0, as a file may hold it, is the code 21."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value).strip()  # type: ignore[call-overload]


def linear(x: Array, full: float, zero: float) -> Array:
    """Return clip((zero - x) / (zero - full), 0, 1): 1 at `full` and beyond, 0 at `zero`."""
    return np.asarray(np.clip((zero - x) / (zero - full), 0.0, 1.0) + 0.0)  # never -0.0


def exponential(x: Array, full: float, zero: float, rho: float) -> Array:
    """Return (1 - exp(-d/rho)) / (1 - exp(-D/rho)), d from `zero` towards `full`, D all of it.

    Kirkwood 1997; `rho` is in units of the measure, and its limit ±inf is the straight line.
    """
    span = abs(zero - full)
    share = linear(x, full, zero)
    if not np.isfinite(rho):
        return share
    return np.asarray(np.expm1(-share * span / rho) / np.expm1(-span / rho))


def rho_of_half(share: float) -> float:
    """Return the rho, in units of the whole range, at which a share of the range is worth 0.5.

    Parameters
    ----------
    share
        Where on the way from zero to full the value is 0.5; in `MIDDLE`. At 0.5 rho is inf.

    Returns
    -------
    Below 0 for shares above 0.5. Kirkwood 1997 has the table for shares up to 0.5.
    """
    if abs(share - 0.5) < 1e-9:  # noqa: PLR2004
        return np.inf
    sign, less = (1.0, share) if share < 0.5 else (-1.0, 1 - share)  # noqa: PLR2004

    def miss(bend: float) -> float:
        return float(np.expm1(-less * bend) / np.expm1(-bend)) - 0.5

    return sign / float(brentq(miss, 1e-9, 1e3, xtol=1e-14))


def _exponential(function: ValueFunction, x: Array) -> Array:
    full, zero = _given(function.full), _given(function.zero)
    span = abs(full - zero)
    rho = rho_of_half(abs(_given(function.half) - zero) / span) * span
    return exponential(x, full, zero, rho)


def logistic(x: Array, half: float, steepness: float) -> Array:
    """Return 1 / (1 + exp(steepness (x - half))), without overflow."""
    at = np.clip(steepness * (x - half), -700.0, 700.0)
    return np.asarray(1.0 / (1.0 + np.exp(at)))


def step(x: Array, curve: tuple[tuple[float, float], ...], beyond: float) -> Array:
    """Return the value of the first limit that is not exceeded; a limit belongs to its class."""
    limits, worth = np.array(curve).T
    at = np.searchsorted(limits, x, side="left")
    return np.asarray(np.append(worth, beyond)[at])


def trapezoid(x: Array, corners: tuple[float, float, float, float]) -> Array:
    """Return 1 between the inner corners, falling to 0 at the outer ones."""
    a, b, c, d = corners
    rise = np.clip((x - a) / (b - a), 0.0, 1.0) if b > a else (x >= a).astype(float)
    fall = np.clip((d - x) / (d - c), 0.0, 1.0) if d > c else (x <= d).astype(float)
    return np.asarray(np.minimum(rise, fall))


def _gaussian(function: ValueFunction, x: Array) -> Array:
    return np.asarray(np.exp(-((x - function.centre) ** 2) / (2 * _given(function.sigma) ** 2)))


def _piecewise(function: ValueFunction, x: Array) -> Array:
    at, worth = np.array(function.curve).T
    return np.asarray(np.interp(x, at, worth))


def _corners(function: ValueFunction) -> tuple[float, float, float, float]:
    assert function.corners is not None  # noqa: S101 - the validator has seen to it
    return function.corners


_CALCULATE: dict[str, Callable[[ValueFunction, Array], Array]] = {
    "linear": lambda f, x: linear(x, _given(f.full), _given(f.zero)),
    "piecewise": _piecewise,
    "step": lambda f, x: step(x, f.curve, f.beyond),
    "exponential": _exponential,
    "logistic": lambda f, x: logistic(x, _given(f.half), _given(f.steepness)),
    "gaussian": _gaussian,
    "trapezoid": lambda f, x: trapezoid(x, _corners(f)),
}


def _given(number: float | None) -> float:
    assert number is not None  # noqa: S101 - the validator has seen to it
    return number
