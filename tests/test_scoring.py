"""Answer keys of published methods, and the laws of status, class and rank."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from arealstrategi.scoring import aggregate, classify, join_reasons, judge, normalise

KEYS = ["a", "b", "c"]


def table(rows):
    return pd.DataFrame(rows, columns=list("abcdef")[: len(rows[0])], dtype=float)


def weights(*numbers):
    return pd.Series(numbers, index=list("abcdef")[: len(numbers)], dtype=float)


def verdict(total, **change):
    total = pd.Series(total, dtype=float)
    no = pd.Series([False] * len(total), index=total.index)
    told = {"reasons": pd.Series("", index=total.index), "excluded": no, "missing": no} | change
    return judge(total, **told)


# Key 9: Wikipedia "Weighted sum model", after Triantaphyllou 2000; key 17 derived, mcda reference.
# Key 16: Yager 1996, ordered weighted average with importance weights, alpha = 2.
THREE = [[0.9, 0.2, 0.7], [0.6, 0.6, 0.6], [0.8, 0.5, 0.4]]


@pytest.mark.parametrize(
    ("rows", "given", "method", "alpha", "expected"),
    [
        (
            [[0.25, 0.20, 0.15, 0.30], [0.10, 0.30, 0.20, 0.30], [0.30, 0.10, 0.30, 0.10]],
            (0.20, 0.15, 0.40, 0.25),
            "weighted_sum",
            1,
            [0.215, 0.22, 0.22],
        ),
        (THREE, (0.5, 0.3, 0.2), "weighted_sum", 1, [0.65, 0.60, 0.63]),
        (THREE, (0.5, 0.3, 0.2), "geometric", 1, [0.5451, 0.6, 0.6049]),
        (THREE, (0.5, 0.3, 0.2), "owa", 1, [0.65, 0.60, 0.63]),
        (THREE, (0.5, 0.3, 0.2), "owa", 2, [0.495, 0.6, 0.539]),
        (THREE, (0.5, 0.3, 0.2), "owa", 0.5, [0.7598, 0.6, 0.7016]),
        (THREE, (0.5, 0.3, 0.2), "minimum", 1, [0.2, 0.6, 0.4]),
        ([[0.7, 1, 0.5, 0.6]], (10 / 30, 6 / 30, 5 / 30, 9 / 30), "owa", 2, [0.6099]),
        ([[0.6, 0.3, 0.9, 1]], (10 / 30, 6 / 30, 5 / 30, 9 / 30), "owa", 2, [0.5663]),
    ],
)
def test_published_and_derived_answers(rows, given, method, alpha, expected):
    total = aggregate(table(rows), weights(*given), method, alpha)
    assert total.to_numpy() == pytest.approx(expected, abs=1e-4)


def test_a_tie_for_the_first_place_gives_ranks_3_1_1():
    assert verdict([0.215, 0.22, 0.22])["rank"].tolist() == [3, 1, 1]
    assert verdict([0.5, 0.4, 0.4, 0.1])["rank"].tolist() == [1, 2, 2, 4]


def test_scores_that_differ_by_rounding_noise_share_a_rank():
    assert verdict([0.1 + 0.2, 0.3])["rank"].tolist() == [1, 1]


def test_owa_goes_from_the_best_to_the_worst_criterion():
    w = weights(0.5, 0.3, 0.2)
    assert aggregate(table(THREE), w, "owa", 1e-9).tolist() == pytest.approx([0.9, 0.6, 0.8])
    assert aggregate(table(THREE), w, "owa", 1e4).tolist() == pytest.approx([0.2, 0.6, 0.4])


values_01 = arrays(float, (6, 3), elements=st.floats(0, 1))
some_weights = st.lists(st.floats(0.01, 10), min_size=3, max_size=3)
methods = st.sampled_from(["weighted_sum", "geometric", "owa", "minimum"])


@given(values_01, some_weights, methods, st.floats(0.2, 5))
def test_laws_that_hold_for_every_method(v, raw, method, alpha):
    values, w = pd.DataFrame(v, columns=KEYS), normalise(pd.Series(raw, index=KEYS))
    total = aggregate(values, w, method, alpha)
    assert ((total >= values.min(axis=1) - 1e-9) | (method == "geometric")).all()
    assert (total <= values.max(axis=1).clip(lower=0.01) + 1e-9).all()
    # scaling weights, order of rows and order of criteria change nothing
    scaled = aggregate(values, normalise(pd.Series(raw, index=KEYS) * 7), method, alpha)
    assert scaled.to_numpy() == pytest.approx(total.to_numpy(), abs=1e-9)
    turned = aggregate(values.iloc[::-1, ::-1], w[::-1], method, alpha)
    assert turned.loc[total.index].to_numpy() == pytest.approx(total.to_numpy(), abs=1e-9)
    # a criterion of weight 0 has no say
    extra = aggregate(
        values.assign(d=v[:, 0] / 2), pd.concat([w, pd.Series({"d": 0.0})]), method, alpha
    )
    assert extra.to_numpy() == pytest.approx(total.to_numpy(), abs=1e-12)
    # better never scores worse
    better = values.assign(a=np.minimum(values["a"] + 0.1, 1))
    assert (aggregate(better, w, method, alpha) >= total - 1e-9).all()
    # a score depends only on its own parcel
    assert aggregate(values.iloc[2:4], w, method, alpha).tolist() == total.iloc[2:4].tolist()


@given(values_01, some_weights)
def test_contributions_add_up_to_the_weighted_sum(v, raw):
    values, w = pd.DataFrame(v, columns=KEYS), normalise(pd.Series(raw, index=KEYS))
    parts = values.mul(w, axis=1).sum(axis=1)
    assert parts.to_numpy() == pytest.approx(aggregate(values, w).to_numpy(), abs=1e-9)


@pytest.mark.parametrize("method", ["weighted_sum", "geometric", "owa", "minimum"])
def test_a_missing_value_gives_no_score_but_only_where_it_counts(method):
    values = pd.DataFrame({"a": [np.nan, 0.5], "b": [1.0, 0.5]})
    both = aggregate(values, pd.Series({"a": 0.5, "b": 0.5}), method, 2.0)
    assert both.isna().tolist() == [True, False]
    only_b = aggregate(values, pd.Series({"a": 0.0, "b": 1.0}), method, 2.0)
    assert only_b.tolist() == pytest.approx([1.0, 0.5])


def test_status_excluded_wins_and_neither_has_a_score_class_or_rank():
    told = verdict(
        [0.9, 0.8, np.nan, 0.7],
        excluded=pd.Series([True, False, True, False]),
        missing=pd.Series([False, True, False, False]),
    )
    assert told["status"].tolist() == ["excluded", "missing_data", "excluded", "assessed"]
    assert told[["score", "class", "rank"]].iloc[:3].isna().all(axis=None)
    assert told["rank"].iloc[3] == 1
    assert told["class"].iloc[3] == "suitable"


def test_class_limits_belong_to_the_better_class():
    scores = pd.Series([100, 75, 74.999, 50, 49.9, 25, 24.9, 0, np.nan])
    assert classify(scores).tolist()[:8] == [
        "very_suitable", "very_suitable", "suitable", "suitable",
        "less_suitable", "less_suitable", "unsuitable", "unsuitable",
    ]  # fmt: skip
    assert classify(scores).isna().iloc[8]
    # 0.1 + 0.2 is not 0.3 in binary: a score that is 75 but for that noise is very suitable
    assert classify(pd.Series([74.9999999999]))[0] == "very_suitable"


def test_deductions_lower_the_score_but_never_below_zero():
    told = verdict([0.5, 0.05], deduction=pd.Series([10.0, 10.0]))
    assert told["score"].tolist() == pytest.approx([40, 0])


def test_nothing_to_score_is_no_error():
    empty = verdict([])
    assert empty.columns.tolist() == ["status", "reasons", "score", "class", "rank"]
    assert aggregate(pd.DataFrame(index=["p"]), pd.Series(dtype=float)).isna().all()
    assert normalise(pd.Series({"a": 0.0})).tolist() == [0.0]


def test_every_reason_is_kept_in_order_and_a_semicolon_cannot_forge_one():
    index = pd.Index(["p", "q"])
    flags = {
        "area_below_minimum": pd.Series([True, False], index=index),
        "Flom; skred": pd.Series([True, True], index=index),
    }
    assert join_reasons(flags, index).tolist() == ["area_below_minimum;Flom, skred", "Flom, skred"]
