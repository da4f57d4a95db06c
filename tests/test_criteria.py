"""Value functions and measures."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from arealstrategi.criteria import NumberCriterion, WalkCriterion, linear_value, measure, to_values


def walk(key="grocery", full_m=400, zero_m=1000):
    return WalkCriterion(
        key=key, label={"nb": "Dagligvare", "en": "Groceries"}, group="daily", weight=1,
        full_m=full_m, zero_m=zero_m, osm=("shop=supermarket",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("metres", "value"),
    [(0, 1), (400, 1), (700, 0.5), (850, 0.25), (1000, 0), (5000, 0), (np.inf, 0)],
)
def test_the_value_falls_in_a_line_between_the_anchors(metres, value):
    assert linear_value(pd.Series([metres]), 400, 1000).tolist() == pytest.approx([value])


def test_missing_stays_missing():
    assert linear_value(pd.Series([np.nan]), 400, 1000).isna().all()


def test_larger_may_be_better():
    assert linear_value(pd.Series([45, 55, 65.0]), 65, 45).tolist() == [0, 0.5, 1]


@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 900), st.floats(1, 2000))
def test_nearer_is_never_worth_less(one, two, full, width):
    near, far = sorted((one, two))
    value = linear_value(pd.Series([near, far]), full, full + width)
    assert value[0] >= value[1]
    assert value.between(0, 1).all()


def test_walking_effort_and_evidence_are_measured_by_key():
    noise = NumberCriterion(
        key="quiet",
        kind="column",
        label={"nb": "Stille"},
        group="own",
        weight=1,
        column="noise_db",
        full=45,
        zero=65,
    )
    criteria = [walk(), noise]
    reach = pd.DataFrame({"grocery_effort_m": [700.0, np.inf]}, index=["p", "q"])
    evidence = pd.DataFrame({"quiet": [55.0, np.nan]}, index=["p", "q"])
    measured = measure(criteria, reach, evidence)
    values = to_values(criteria, measured)
    assert values["grocery"].tolist() == pytest.approx([0.5, 0])
    assert values["quiet"].iloc[0] == pytest.approx(0.5)
    assert np.isnan(values["quiet"].iloc[1])


def test_anchors_in_the_wrong_order_are_refused():
    with pytest.raises(ValidationError, match=r"zero_m \(400\) must be larger than full_m \(400\)"):
        walk(zero_m=400)
    with pytest.raises(ValidationError, match="must differ"):
        NumberCriterion(
            key="q",
            kind="column",
            label={"nb": "q"},
            group="own",
            weight=1,
            column="c",
            full=1,
            zero=1,
        )


def test_a_rule_that_cannot_be_read_is_refused_where_it_stands():
    with pytest.raises(ValidationError, match="not of the form"):
        WalkCriterion(
            key="q", label={}, group="own", weight=1, full_m=1, zero_m=2, osm=("shop supermarket",)
        )


def test_the_label_falls_back_to_any_language_and_then_to_the_key():
    assert walk().name("en") == "Groceries"
    assert walk().name("se") == "Dagligvare"
    assert walk().model_copy(update={"label": {}}).name("nb") == "grocery"
