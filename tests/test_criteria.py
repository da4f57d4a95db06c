"""Criteria of every kind: what they judge, what that is worth, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from arealstrategi.criteria import (
    MAX_SLOPE_PCT,
    MOST_COUNTED,
    AnyCriterion,
    NumberCriterion,
    WalkCriterion,
    measure,
    to_values,
    walk_value,
)


def walk(key="grocery", full_m=400, zero_m=1000, **told):
    if "curve" in told:
        full_m = zero_m = None
    anchors = {} if full_m is None else {"full_m": full_m, "zero_m": zero_m}
    return WalkCriterion(
        key=key, label={"nb": "Dagligvare", "en": "Groceries"}, group="daily", weight=1,
        osm=("shop=supermarket",), **anchors, **told,
    )  # fmt: skip


def number(kind="column", key="q", **told):
    given_ = {"column": "noise_db"} if kind == "column" else {}
    return NumberCriterion(
        key=key, kind=kind, label={"nb": key}, group="own", weight=1, **(given_ | told)
    )


def worth(criterion, *efforts):
    return walk_value(criterion, np.array(efforts, dtype=float)).tolist()


# --- walks ---


@pytest.mark.parametrize(
    ("metres", "value"),
    [(0, 1), (400, 1), (700, 0.5), (850, 0.25), (1000, 0), (5000, 0), (np.inf, 0)],
)
def test_the_value_falls_in_a_line_between_the_anchors(metres, value):
    assert worth(walk(), metres) == pytest.approx([value])


def test_missing_stays_missing():
    assert np.isnan(worth(walk(), np.nan)).all()


def test_larger_may_be_better():
    values = to_values([number(full=65, zero=45)], pd.DataFrame({"q": [45, 55, 65.0]}))
    assert values["q"].tolist() == [0, 0.5, 1]


def test_further_places_count_with_their_shares():
    cafe = walk(k=3, decay=(5, 3, 2))
    assert cafe.shares == pytest.approx((0.5, 0.3, 0.2))
    # 400 m is worth 1, 700 m a half, nobody is there for the third
    assert worth(cafe, [400, 700, np.inf]) == pytest.approx([0.5 + 0.15])
    assert walk(k=3).shares == pytest.approx((4 / 7, 2 / 7, 1 / 7))  # each half of the one before
    assert walk().shares == (1.0,)


@pytest.mark.parametrize(
    ("told", "at", "expected"),
    [
        ({"function": "piecewise", "curve": ((300, 1), (600, 0.6), (1200, 0))}, [300, 450, 900, 1200], [1, 0.8, 0.3, 0]),  # noqa: E501
        ({"function": "step", "curve": ((200, 1), (400, 0.6), (800, 0.2))}, [200, 201, 800, 801], [1, 0.6, 0.2, 0]),  # noqa: E501
        ({"function": "exponential", "half": 550}, [400, 550, 1000, 1100], [1, 0.5, 0, 0]),
        ({"function": "logistic", "half": 700, "steepness": 0.01}, [700, 600, 999.9, 1000], [0.5, 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(2.999)), 0]),  # noqa: E501
        ({"function": "gaussian", "sigma": 500}, [0, 500, 999.9, 1000], [1, np.exp(-0.5), np.exp(-0.5 * 1.9998**2), 0]),  # noqa: E501
    ],
)  # fmt: skip
def test_a_walk_of_any_shape_ends_at_0(told, at, expected):
    criterion = walk(**told)
    assert worth(criterion, *at) == pytest.approx(expected)
    assert worth(criterion, np.inf, criterion.zero_m + 1) == [0, 0]


def test_a_curve_says_the_anchors():
    assert walk(function="piecewise", curve=((300, 1), (600, 0.6), (1200, 0))).zero_m == 1200
    assert walk(function="piecewise", curve=((300, 1), (600, 0.6), (1200, 0))).full_m == 300
    # level at the end: 0 from the first point that is worth nothing
    ends = walk(function="piecewise", curve=((100, 0.9), (200, 0.9), (800, 0), (900, 0)))
    assert (ends.full_m, ends.zero_m) == (200, 800)
    stairs = walk(function="step", curve=((200, 1), (500, 0.4)))
    assert (stairs.full_m, stairs.zero_m) == (200, 500)
    assert worth(stairs, 500, 500.1) == [0.4, 0]
    one = walk(function="step", curve=((500, 1),))
    assert (one.full_m, one.zero_m) == (0, 500)


falling = st.sampled_from(
    [
        {},
        {"function": "piecewise", "curve": ((300, 1), (600, 0.6), (1200, 0))},
        {"function": "step", "curve": ((200, 1), (400, 0.6), (800, 0.2))},
        {"function": "exponential", "half": 550},
        {"function": "exponential", "half": 900},
        {"function": "logistic", "half": 700, "steepness": 0.01},
        {"function": "gaussian", "sigma": 500},
    ]
)
efforts = st.lists(st.one_of(st.floats(0, 3000), st.just(np.inf)), min_size=4, max_size=4)


@given(falling, st.integers(1, 4), st.data())
def test_nearer_is_never_worth_less(shape, k, data):
    decay = sorted(data.draw(st.lists(st.floats(0.1, 1), min_size=k, max_size=k)), reverse=True)
    criterion = walk(k=k, decay=tuple(decay), **shape)
    far = np.sort(data.draw(efforts))[:k]
    nearer = data.draw(st.lists(st.floats(0, 1), min_size=k, max_size=k))
    near = np.sort(far * np.where(np.isinf(far), 1, nearer))
    value_near, value_far = worth(criterion, near, far)
    assert 0 <= value_far <= value_near + 1e-12
    assert value_near <= 1 + 1e-12
    # and one place more never hurts
    new = data.draw(st.floats(0, 3000))
    more = np.sort([*far, new])[:k]
    assert worth(criterion, more)[0] >= value_far - 1e-12


def test_all_places_next_door_are_worth_1_and_none_at_all_0():
    for k in (1, 2, 5):
        assert worth(walk(k=k), [0.0] * k, [np.inf] * k) == pytest.approx([1, 0])


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"zero_m": 400}, "zero_m (400) must be larger than full_m (400)"),
        ({"function": "trapezoid", "corners": (0, 0, 400, 1000)}, "a nearer place must never be worth less"),  # noqa: E501
        ({"function": "gaussian", "sigma": 100, "centre": 300}, "a nearer place must never be worth less"),  # noqa: E501
        ({"function": "logistic", "half": 700, "steepness": -0.01}, "a nearer place must never be worth less"),  # noqa: E501
        ({"function": "piecewise", "curve": ((0, 0), (100, 1))}, "a nearer place must never be worth less"),  # noqa: E501
        ({"function": "piecewise", "curve": ((0, 1), (900, 0.2))}, "the value must end at 0"),
        ({"function": "step", "curve": ((400, 1),), "beyond": 0.1}, "the value must end at 0"),
        ({"function": "category", "categories": {"near": 1}}, "a nearer place must never be worth less"),  # noqa: E501
        ({"function": "exponential", "half": 1001}, "half must lie between full and zero"),
        ({"half": 700}, "function linear has no use for half"),
        ({"k": 2, "decay": (1, 0.5, 0.2)}, "decay must have k = 2 numbers, not 3"),
        ({"k": 2, "decay": (0.2, 0.8)}, "none larger than the one before"),
        ({"k": 2, "decay": (1, 0)}, "decay must be numbers above 0"),
        ({"k": 0}, "greater than or equal to 1"),
        ({"k": 11}, "less than or equal to 10"),
        ({"key": "Grocery"}, "key"),
        ({"weight": -1}, "weight"),
        ({"osm": ("shop supermarket",)}, "not of the form"),
    ],
)  # fmt: skip
def test_a_walk_that_cannot_be_meant_is_refused_with_what_is_wrong(told, said):
    whole = {
        "key": "q", "label": {}, "group": "own", "weight": 1, "osm": ("shop=supermarket",),
        "full_m": 400, "zero_m": 1000, **told,
    }  # fmt: skip
    with pytest.raises(ValidationError) as caught:
        WalkCriterion(**whole)
    assert said in str(caught.value)


# --- other numbers ---


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"kind": "column", "full": 1, "zero": 1}, "full and zero must differ"),
        ({"kind": "column", "full": 1}, "function linear needs zero"),
        ({"kind": "raster", "function": "category", "categories": {"1": 1}}, "function category goes with kind column alone"),  # noqa: E501
        ({"kind": "count_within", "full": 3, "zero": 0, "within_m": 500}, "needs of (a category) and within_m"),  # noqa: E501
        ({"kind": "count_within", "full": 3, "zero": 0, "of": "cafe"}, "needs of (a category) and within_m"),  # noqa: E501
        ({"kind": "count_within", "full": MOST_COUNTED + 1, "zero": 0, "of": "cafe", "within_m": 500}, "counts from 1 to 20 places"),  # noqa: E501
        ({"kind": "count_within", "full": -1, "zero": 0, "of": "cafe", "within_m": 500}, "counts from 1 to 20 places"),  # noqa: E501
        ({"kind": "rest", "full": 1, "zero": 0}, "needs on_way_to"),
        ({"kind": "slope", "full": 1, "zero": 0.5, "max_slope_pct": 0}, "greater than 0"),
        ({"kind": "distance", "function": "gaussian"}, "function gaussian needs sigma"),
        ({"kind": "walk", "full": 1, "zero": 0}, "kind"),
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_meant_is_refused_with_what_is_wrong(told, said):
    with pytest.raises(ValidationError) as caught:
        number(**told)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("criterion", "measured", "expected"),
    [
        (number("column", full=45, zero=65), [45, 55, np.nan], [1, 0.5, np.nan]),
        (number("layer_share", full=0, zero=1), [0, 0.25, 1], [1, 0.75, 0]),
        (number("raster", full=40, zero=60), [50.0], [0.5]),
        (number("slope", full=1, zero=0.5), [1, 0.75, 0.4], [1, 0.5, 0]),
        (number("distance", full=500, zero=100), [0, 100, 300, np.inf], [0, 0, 0.5, 1]),
        (number("distance", function="trapezoid", corners=(50, 100, 300, 700)), [0, 75, 100, 500, np.inf], [0, 0.5, 1, 0.5, 0]),  # noqa: E501
        (number("centrality", full=0, zero=1000), [0, 250, 1000], [1, 0.75, 0]),
        (number("plan_readiness", full=1, zero=0), [1, 0.7, np.nan], [1, 0.7, np.nan]),
        (number("count_within", full=4, zero=0, of="cafe", within_m=800), [0, 1, 4, 9], [0, 0.25, 1, 1]),  # noqa: E501
        (number("rest", full=1, zero=0, on_way_to=("grocery",)), [0, 0.4, 3], [0, 0.4, 1]),
    ],
)  # fmt: skip
def test_every_kind_values_its_number(criterion, measured, expected):
    table = pd.DataFrame({"q": measured}, dtype=float)
    assert to_values([criterion], table)["q"].tolist() == pytest.approx(expected, nan_ok=True)


def test_a_column_may_hold_codes():
    use = number(column="use", function="category", categories={"bolig": 1, "21": 0.3})
    table = pd.DataFrame({"q": pd.Series(["bolig", "21", None], dtype="str")})
    assert to_values([use], table)["q"].tolist() == pytest.approx([1, 0.3, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("told", "most"),
    [
        ({"full": 3, "zero": 0}, 3),
        ({"full": 0, "zero": 2.5}, 3),  # the fewer the better, and 3 are as bad as more
        ({"function": "piecewise", "curve": ((0, 0), (2, 0.8), (6, 1))}, 6),
        ({"function": "step", "curve": ((0, 0), (1, 0.5)), "beyond": 1}, 2),
        ({"function": "step", "curve": ((1.5, 0.5),), "beyond": 1}, 2),
        ({"function": "trapezoid", "corners": (0, 1, 3, 5)}, 5),
        ({"function": "gaussian", "centre": 4, "sigma": 1}, 7),
        ({"function": "logistic", "half": 4, "steepness": -2}, 6),
    ],
)
def test_as_many_are_counted_as_make_a_difference(told, most):
    criterion = number("count_within", of="cafe", within_m=800, **told)
    assert criterion.most == most
    counts = pd.DataFrame({"q": [most - 1.0, float(most), most + 1.0, most + 50.0]})
    before, *same = to_values([criterion], counts)["q"]
    assert same == pytest.approx([same[0]] * 3, abs=0.02)
    assert before != pytest.approx(same[0], abs=0.02)


def test_how_steep_is_too_steep_has_a_default():
    assert number("slope", full=1, zero=0.5).max_slope_pct == MAX_SLOPE_PCT == 15


def test_what_a_parcel_lacks_is_called_as_the_planner_knows_it():
    assert number(full=1, zero=0).missing == "noise_db"
    assert number("raster", key="shade", full=1, zero=0).missing == "shade"


# --- all together ---


def test_walking_effort_and_evidence_are_measured_by_key():
    criteria = [walk(), number(key="quiet", full=45, zero=65), walk("cafe", k=2, decay=(3, 1))]
    reach = pd.DataFrame(
        {"grocery_effort_m": [700.0, np.inf], "cafe_effort_m": [400.0, 850.0]}, index=["p", "q"]
    )
    evidence = pd.DataFrame({"quiet": [55.0, np.nan]}, index=["p", "q"])
    measured = measure(criteria, reach, evidence)
    assert measured["cafe"].tolist() == [400, 850]
    values = to_values(criteria, measured, {"cafe": np.array([[400.0, 700], [850, np.inf]])})
    assert values.columns.tolist() == ["grocery", "quiet", "cafe"]
    assert values["grocery"].tolist() == pytest.approx([0.5, 0])
    assert values["quiet"].iloc[0] == pytest.approx(0.5)
    assert np.isnan(values["quiet"].iloc[1])
    assert values["cafe"].tolist() == pytest.approx([0.75 + 0.125, 0.75 * 0.25])


def test_the_kind_decides_which_criterion_it_is():
    adapter = TypeAdapter(AnyCriterion)
    told = {"key": "q", "label": {}, "group": "own", "weight": 1}
    one = adapter.validate_python(told | {"kind": "rest", "on_way_to": ["a"], "full": 1, "zero": 0})
    assert isinstance(one, NumberCriterion)
    two = adapter.validate_python(told | {"kind": "walk", "full_m": 1, "zero_m": 2})
    assert isinstance(two, WalkCriterion)
    with pytest.raises(ValidationError, match="kind"):
        adapter.validate_python(told | {"kind": "smell"})


def test_the_label_falls_back_to_any_language_and_then_to_the_key():
    assert walk().name("en") == "Groceries"
    assert walk().name("se") == "Dagligvare"
    assert walk().model_copy(update={"label": {}}).name("nb") == "grocery"
