"""Value functions against other formulas, hand points, their limits, and what must be refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import brentq

from arealstrategi.values import (
    MIDDLE,
    SHAPE_KEYS,
    ValueFunction,
    code_text,
    exponential,
    linear,
    rho_of_half,
    value_of,
)

ARGUMENTS: dict[str, dict[str, Any]] = {
    "linear": {"full": 400, "zero": 1000},
    "piecewise": {"curve": ((100, 1), (400, 0.8), (1000, 0))},
    "step": {"curve": ((200, 1), (500, 0.5), (1000, 0.2))},
    "exponential": {"full": 400, "zero": 1000, "half": 550},
    "logistic": {"half": 600, "steepness": 0.02},
    "gaussian": {"sigma": 300},
    "trapezoid": {"corners": (10, 20, 30, 50)},
    "category": {"categories": {"21": 1.0}},
}
FALLING = ["linear", "piecewise", "step", "exponential", "logistic", "gaussian"]


def function(name="linear", **told) -> ValueFunction:
    return ValueFunction(function=name, **(ARGUMENTS[name] | told))


def values(f, *measured):
    return value_of(f, np.array(measured, dtype=float)).tolist()


# --- each function by another way to the same number ---


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20))
def test_linear_and_piecewise_are_straight_between_their_points(measured):
    at = np.array(measured)
    assert value_of(function("linear"), at) == pytest.approx(np.interp(at, [400, 1000], [1, 0]))
    rising = function("linear", full=65, zero=45)
    assert value_of(rising, at) == pytest.approx(np.interp(at, [45, 65], [0, 1]))
    broken = [
        1 if x <= 100 else 1 - 0.2 * (x - 100) / 300 if x <= 400
        else 0.8 * (1000 - x) / 600 if x <= 1000 else 0
        for x in at
    ]  # fmt: skip
    assert value_of(function("piecewise"), at) == pytest.approx(broken)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20))
def test_step_gives_the_value_of_the_first_limit_that_is_not_exceeded(measured):
    f = function("step", beyond=0.1)
    by_hand = [next((v for limit, v in f.curve if x <= limit), 0.1) for x in measured]
    assert values(f, *measured) == by_hand


@given(st.floats(-2000, 3000))
def test_logistic_is_half_a_hyperbolic_tangent_and_gaussian_halves_at_1_18_sigma(x):
    by_tangent = (1 - np.tanh(0.02 * (x - 600) / 2)) / 2
    assert values(function("logistic"), x) == pytest.approx([by_tangent], abs=1e-12)
    # where exp(-t²/2) is 1/2, t is sqrt(2 ln 2)
    t = (x - 50) / 300
    by_powers_of_two = 2.0 ** -(t**2 / (2 * np.log(2)))
    assert values(function("gaussian", centre=50), x) == pytest.approx([by_powers_of_two])


def test_a_trapezoid_rises_stays_and_falls():
    f = function("trapezoid")
    assert values(f, 0, 10, 15, 20, 25, 30, 40, 50, 60) == [0, 0, 0.5, 1, 1, 1, 0.5, 0, 0]
    at = np.linspace(0, 60, 61)
    assert value_of(f, at) == pytest.approx(np.interp(at, [10, 20, 30, 50], [0, 1, 1, 0]))


def test_a_trapezoid_with_upright_sides_includes_its_corners():
    assert values(function("trapezoid", corners=(10, 10, 30, 30)), 9.9, 10, 30, 30.1) == [
        0, 1, 1, 0,
    ]  # fmt: skip
    assert values(function("trapezoid", corners=(5, 5, 5, 5)), 4, 5, 6) == [0, 1, 0]


def rho_by_another_method(share: float) -> float:
    """Solve 1 - e^(-z/ρ) = (1 - e^(-1/ρ)) / 2 for the middle value z, as Kirkwood writes it."""
    if share > 0.5:
        return -rho_by_another_method(1 - share)
    return brentq(lambda r: 1 - np.exp(-share / r) - (1 - np.exp(-1 / r)) / 2, 0.02, 1000)


@pytest.mark.parametrize("share", [0.05, 0.15, 0.35, 0.42, 0.48, 0.52, 0.7, 0.9])
def test_the_bend_is_the_root_of_kirkwood_s_own_equation(share):
    assert rho_of_half(share) == pytest.approx(rho_by_another_method(share), rel=1e-6)


@given(
    st.floats(MIDDLE[0] + 1e-9, MIDDLE[1] - 1e-9),
    st.sampled_from([(400.0, 1000.0), (1000.0, 400.0), (-3.0, 7.0)]),
)
def test_an_exponential_is_half_at_half_and_meets_its_anchors(share, anchors):
    full, zero = anchors
    half = zero + share * (full - zero)
    f = function("exponential", full=full, zero=zero, half=half)
    assert values(f, full, half, zero) == pytest.approx([1, 0.5, 0], abs=1e-9)
    beyond = full - zero
    assert values(f, full + beyond, zero - beyond) == pytest.approx([1, 0], abs=1e-12)


def test_an_exponential_with_half_in_the_middle_or_an_endless_bend_is_a_line():
    at = np.linspace(300, 1100, 33)
    line = linear(at, 400, 1000)
    assert value_of(function("exponential", half=700), at) == pytest.approx(line)
    assert exponential(at, 400, 1000, np.inf) == pytest.approx(line)
    assert exponential(at, 400, 1000, 1e9) == pytest.approx(line, abs=1e-6)


# --- trap 11: at a limit, at 0, beyond everything, unknown ---


@pytest.mark.parametrize("name", FALLING)
def test_at_0_a_falling_function_is_at_its_most_and_unreachable_is_worth_nothing(name):
    f = function(name)
    at_0, at_inf = values(f, 0, np.inf)
    assert at_0 == pytest.approx(1, abs=1e-5)  # the logistic curve never quite gets there
    assert at_inf == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", [*FALLING, "trapezoid"])
def test_unknown_stays_unknown_and_nothing_else_does(name):
    told = values(function(name), np.nan, 0, 1e300, np.inf)
    assert np.isnan(told).tolist() == [True, False, False, False]


def test_a_measure_at_a_limit_belongs_to_the_class_below_it():
    f = function("step")
    assert values(f, 200, np.nextafter(200, 201), 500, 1000, 1000.001) == [1, 0.5, 0.5, 0.2, 0]
    assert values(function("linear"), 400, 1000) == [1, 0]
    assert values(function("piecewise"), 100, 400, 1000) == [1, 0.8, 0]


def test_where_more_is_better_the_unbounded_is_worth_everything():
    assert values(function("linear", full=65, zero=45), np.inf, -np.inf) == [1, 0]
    assert values(function("logistic", steepness=-0.02), np.inf) == pytest.approx([1])
    assert values(function("piecewise", curve=((0, 0), (9, 0.7))), np.inf) == [0.7]


def test_huge_measures_overflow_nowhere():
    for name in (*FALLING, "trapezoid"):
        assert np.isfinite(values(function(name), -1e308, 1e308)).all()


# --- laws ---


anchors = st.tuples(st.floats(0, 2000), st.floats(1, 3000)).map(lambda t: (t[0], t[0] + t[1]))


@st.composite
def falling_functions(draw):
    name = draw(st.sampled_from(FALLING))
    full, zero = draw(anchors)
    if name in ("linear", "exponential"):
        half = full + draw(st.floats(0.03, 0.97)) * (zero - full)
        return function(
            name, full=full, zero=zero, **({"half": half} if name == "exponential" else {})
        )
    if name in ("piecewise", "step"):
        at = sorted(draw(st.sets(st.integers(0, 3000), min_size=2, max_size=6)))
        worth = draw(st.lists(st.floats(0, 1), min_size=len(at), max_size=len(at)))
        return function(name, curve=tuple(zip(at, sorted(worth, reverse=True), strict=True)))
    if name == "logistic":
        return function(name, half=zero, steepness=draw(st.floats(1e-4, 1)))
    return function(name, sigma=zero)


@given(falling_functions(), st.lists(st.floats(0, 1e5), min_size=2, max_size=12))
def test_every_falling_function_stays_between_0_and_1_and_never_rises(f, measured):
    assert f.falls
    worth = value_of(f, np.sort(measured))
    assert ((worth >= 0) & (worth <= 1)).all()
    assert (np.diff(worth) <= 1e-12).all()


@given(falling_functions(), st.floats(0, 1e5))
def test_a_value_depends_on_its_own_measure_alone(f, x):
    alone = values(f, x)
    assert value_of(f, np.array([[0.0, x], [np.nan, 7e4]]))[0, 1] == alone[0]
    assert value_of(f, pd.Series([x, 1.0]))[0] == alone[0]


@pytest.mark.parametrize(
    ("f", "falls"),
    [
        (function("linear"), True),
        (function("linear", full=1000, zero=400), False),
        (function("exponential", full=1000, zero=400), False),
        (function("piecewise", curve=((0, 0.2), (5, 0.9))), False),
        (function("step"), True),
        (function("step", beyond=0.5), False),
        (function("logistic", steepness=-1), False),
        (function("gaussian", centre=10), False),
        (function("trapezoid"), False),
    ],
)
def test_it_is_known_whether_larger_is_never_better(f, falls):
    assert f.falls is falls
    if not falls:  # and some pair shows it
        at = np.linspace(-50, 2000, 4101)
        assert (np.diff(value_of(f, at)) > 0).any()


@pytest.mark.parametrize("name", [name for name in ARGUMENTS if name != "category"])
def test_beyond_the_largest_anchor_little_changes(name):
    f = function(name)
    here, far = values(f, f.largest_anchor * (1 + 1e-9), 1e9)
    assert here == pytest.approx(far, abs=0.02)
    assert values(f, f.largest_anchor / 2) != pytest.approx([far], abs=0.02)


# --- codes ---


def test_a_code_has_its_value_and_another_none():
    f = function("category", categories={"21": 1.0, "B": 0.25, "": 0.1})
    codes = pd.Series(["21", " B ", "C", None, ""], dtype="str")
    assert value_of(f, codes).tolist() == pytest.approx([1, 0.25, np.nan, np.nan, 0.1], nan_ok=True)


def test_a_code_that_a_file_holds_as_a_number_is_the_same_code():
    f = function("category")
    assert values(f, 21.0, 21.5, np.nan) == pytest.approx([1, np.nan, np.nan], nan_ok=True)
    assert value_of(f, pd.Series([21, 22])).tolist() == pytest.approx([1, np.nan], nan_ok=True)
    assert value_of(f, pd.Series([21, None], dtype="Int64"))[0] == 1
    assert [code_text(x) for x in (21.0, np.float64(21), 21, "21", " 21 ", -3.0, 2.5, "021")] == [
        "21", "21", "21", "21", "21", "-3", "2.5", "021",
    ]  # fmt: skip


# --- what is refused ---


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"function": "linear", "full": 1}, "function linear needs zero"),
        ({"function": "linear"}, "function linear needs full and zero"),
        ({"function": "linear", "full": 5, "zero": 5}, "full and zero must differ (both are 5)"),
        ({"function": "piecewise"}, "function piecewise needs curve"),
        ({"function": "step", "curve": ()}, "function step needs curve"),
        ({"function": "exponential", "full": 0, "zero": 9}, "function exponential needs half"),
        ({"function": "logistic", "half": 1}, "function logistic needs steepness"),
        ({"function": "gaussian"}, "function gaussian needs sigma"),
        ({"function": "trapezoid"}, "function trapezoid needs corners"),
        ({"function": "category"}, "function category needs categories"),
        (
            {"function": "linear", "full": 0, "zero": 1, "half": 0.5, "sigma": 2},
            "function linear has no use for half and sigma",
        ),
        (
            {"function": "piecewise", "curve": ((0, 1), (9, 0)), "beyond": 0.5},
            "function piecewise has no use for beyond",
        ),
        (
            {"function": "exponential", "full": 0, "zero": 100, "half": 100},
            "half must lie between full and zero",
        ),
        (
            {"function": "exponential", "full": 0, "zero": 100, "half": 140},
            "half must lie between full and zero",
        ),
        (
            {"function": "exponential", "full": 0, "zero": 100, "half": 99},
            "not next to one of them",
        ),
        ({"function": "logistic", "half": 1, "steepness": 0}, "steepness must not be 0"),
        ({"function": "gaussian", "sigma": 0}, "greater than 0"),
        ({"function": "trapezoid", "corners": (1, 3, 2, 4)}, "corners must not fall"),
        ({"function": "trapezoid", "corners": (1, 3, 4)}, "corners.3"),
        ({"function": "step", "curve": ((5, 1), (5, 0))}, "curve: the measures must rise"),
        ({"function": "step", "curve": ((1, 1.1), (5, 0))}, "the values must be from 0 to 1"),
        ({"function": "step", "curve": ((1, 1),), "beyond": 2}, "less than or equal to 1"),
        ({"function": "piecewise", "curve": ((1, 1),)}, "needs two points or more"),
        (
            {"function": "piecewise", "curve": ((0, 0), (5, 1), (9, 0))},
            'use function = "trapezoid"',
        ),
        ({"function": "category", "categories": {"a": 1.5}}, "values from 0 to 1"),
        ({"function": "linear", "full": np.inf, "zero": 0}, "finite number"),
        ({"function": "sigmoid", "full": 1, "zero": 0}, "Input should be 'linear'"),
        ({"function": "linear", "full": 1, "zero": 0, "fall": 2}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_is_wrong(told, said):
    with pytest.raises(ValidationError) as caught:
        ValueFunction(**told)
    assert said in str(caught.value)


def test_a_step_may_have_one_limit_and_may_rise():
    assert values(function("step", curve=((3, 0),), beyond=1), 3, 4) == [0, 1]


def test_every_number_of_a_shape_is_one_that_criteria_can_pass_on():
    assert set(ValueFunction.model_fields) == {"function", "full", "zero", *SHAPE_KEYS}
