"""Answer keys of published methods, missing values, gates; the laws of status, class and rank."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from arealstrategi.scoring import (
    LEAST_KNOWN_SHARE,
    Gate,
    aggregate,
    below_gates,
    cap_classes,
    classify,
    complete,
    group_scores,
    join_reasons,
    judge,
    normalise,
    order_weights,
    orness,
    rank_of,
    trade_off,
)
from arealstrategi.tables import CLASSES

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
    # a score depends only on its own parcel, also where others lack a value
    gap = values.mask(values.index.to_numpy()[:, np.newaxis] == np.array([0, 9, 9]))
    assert aggregate(gap, w, method, alpha).tolist()[1:] == total.tolist()[1:]
    assert aggregate(values.iloc[2:4], w, method, alpha).tolist() == total.iloc[2:4].tolist()


@given(values_01, some_weights)
def test_contributions_add_up_to_the_weighted_sum(v, raw):
    values, w = pd.DataFrame(v, columns=KEYS), normalise(pd.Series(raw, index=KEYS))
    parts = values.mul(w, axis=1).sum(axis=1)
    assert parts.to_numpy() == pytest.approx(aggregate(values, w).to_numpy(), abs=1e-9)


# --- missing values ---

METHODS = ["weighted_sum", "geometric", "owa", "minimum"]


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_value_gives_no_score_but_only_where_it_counts(method):
    values = pd.DataFrame({"a": [np.nan, 0.5], "b": [1.0, 0.5]})
    w = pd.Series({"a": 0.5, "b": 0.5})
    kept, lacks = complete(values, w, "require")
    assert lacks.tolist() == [True, False]
    total = aggregate(kept, w, method, 2.0)
    assert verdict(total, missing=lacks)["score"].isna().tolist() == [True, False]
    only_b = pd.Series({"a": 0.0, "b": 1.0})
    kept, lacks = complete(values, only_b, "require")
    assert not lacks.any()
    assert aggregate(kept, only_b, method, 2.0).tolist() == pytest.approx([1.0, 0.5])


@pytest.mark.parametrize("method", METHODS)
def test_a_value_that_is_left_out_leaves_the_score_of_the_others(method):
    """Parcel by parcel: the same as if the criterion did not exist, its weight shared out."""
    values = pd.DataFrame(
        [[0.2, np.nan, 0.9], [np.nan, 0.4, np.nan], [0.3, 0.6, 0.8]], columns=KEYS
    )
    w = pd.Series([0.5, 0.3, 0.2], index=KEYS)
    total = aggregate(values, w, method, 2.0)
    for row in values.index:
        known = values.columns[values.loc[row].notna()]
        alone = aggregate(values.loc[[row], known], normalise(w[known]), method, 2.0)
        assert total[row] == pytest.approx(alone[row])


def test_nothing_known_at_all_is_no_score_whatever_the_policy_says():
    values = pd.DataFrame({"a": [np.nan], "b": [np.nan]})
    for method in METHODS:
        assert aggregate(values, pd.Series({"a": 0.4, "b": 0.6}), method).isna().all()
        unweighted = pd.DataFrame({"a": [np.nan], "b": [1.0]})
        assert aggregate(unweighted, pd.Series({"a": 1.0, "b": 0.0}), method).isna().all()


def test_each_policy_decides_who_is_assessed():
    values = pd.DataFrame(
        {"a": [1.0, np.nan, 1.0, np.nan], "b": [1.0, 1.0, np.nan, np.nan]}, index=list("pqrs")
    )
    w = pd.Series({"a": 0.2, "b": 0.8})
    told = {policy: complete(values, w, policy) for policy in ("require", "reweight", "worst")}
    lacks = {policy: missing.tolist() for policy, (_, missing) in told.items()}
    assert lacks["require"] == [False, True, True, True]
    # b alone has 80 % of the weight, which is enough; a alone has not
    assert lacks["reweight"] == [False, False, True, True]
    assert lacks["worst"] == [False] * 4
    totals = {policy: aggregate(kept, w) for policy, (kept, _) in told.items()}
    assert totals["reweight"][["p", "q"]].tolist() == [1, 1]
    assert totals["worst"].tolist() == pytest.approx([1, 0.8, 0.2, 0])
    assert values.isna().sum().sum() == 4  # the caller's table is not touched


def test_just_enough_weight_is_enough_though_the_sum_is_rounded():
    keys = [f"k{i}" for i in range(10)]
    values = pd.DataFrame([[1.0] * 8 + [np.nan] * 2, [1.0] * 7 + [np.nan] * 3], columns=keys)
    assert 0.1 * 3 != 0.3  # tenths do not add up in binary
    _, lacks = complete(values, normalise(pd.Series(1.0, index=keys)), "reweight")
    assert LEAST_KNOWN_SHARE == 0.8
    assert lacks.tolist() == [False, True]


with_gaps = arrays(float, (5, 3), elements=st.one_of(st.floats(0, 1), st.just(np.nan)))


@settings(max_examples=40)
@given(with_gaps, some_weights, methods)
def test_worst_never_scores_better_than_reweighting_and_neither_touches_complete_rows(
    v, raw, method
):
    values, w = pd.DataFrame(v, columns=KEYS), normalise(pd.Series(raw, index=KEYS))
    worst = aggregate(complete(values, w, "worst")[0], w, method)
    others = aggregate(complete(values, w, "reweight")[0], w, method)
    known = others.notna()
    assert (worst[known] <= others[known] + 1e-9).all()
    whole = values.notna().all(axis=1)
    assert worst[whole].tolist() == others[whole].tolist()
    assert others.isna().tolist() == values.isna().all(axis=1).tolist()
    assert worst.notna().all()


# --- groups, headlines and gates ---


def test_a_group_s_score_is_the_weighted_mean_of_its_criteria():
    values = pd.DataFrame({"a": [1.0, 0.0], "b": [0.5, np.nan], "c": [0.2, 0.4], "d": [0.0, 0.9]})
    w = pd.Series({"a": 0.1, "b": 0.3, "c": 0.6, "d": 0.0})
    groups = pd.Series({"c": "daily", "a": "social", "b": "social", "d": "empty"})
    found = group_scores(values, w, groups)
    assert found.columns.tolist() == ["daily", "social"]  # d has no weight
    assert found["social"].tolist() == pytest.approx([100 * (0.1 + 0.15) / 0.4, 0])
    assert found["daily"].tolist() == pytest.approx([20, 40])
    # together they are the total again
    by_group = w.groupby(groups).sum()
    together = (found * by_group[found.columns]).sum(axis=1)
    assert together[0] == pytest.approx(100 * aggregate(values, w)[0])


def test_a_criterion_in_no_headline_counts_in_none():
    values = pd.DataFrame({"a": [0.5], "b": [1.0]})
    headlines = pd.Series({"a": "safe", "b": None}, dtype=object)
    w = pd.Series({"a": 0.5, "b": 0.5})
    assert group_scores(values, w, headlines).to_dict("list") == {"safe": [50.0]}
    nowhere = group_scores(values, w, pd.Series({"a": None, "b": None}, dtype=object))
    assert nowhere.shape == (1, 0)


def test_a_group_of_which_nothing_is_known_has_no_score_and_does_not_pass():
    values = pd.DataFrame({"a": [np.nan, 0.9]})
    groups = group_scores(values, pd.Series({"a": 1.0}), pd.Series({"a": "social"}))
    assert groups["social"].isna().tolist() == [True, False]
    below = below_gates(groups, [Gate(group="social", min=50)])
    assert below["group_below_minimum: social"].tolist() == [True, False]


def test_a_gate_caps_the_class_and_touches_neither_score_nor_rank():
    told = verdict([0.9, 0.8, 0.6, 0.3, np.nan])
    groups = pd.DataFrame({"social": [30.0, 50.0, 49.9, 0.0, np.nan], "daily": [9, 99, 99, 99, 9]})
    gates = [Gate(group="social", min=50), Gate(group="daily", min=10, best="less_suitable")]
    below = below_gates(groups, gates)
    assert list(below) == ["group_below_minimum: social", "group_below_minimum: daily"]
    capped = cap_classes(told["class"], below, gates)
    assert told["class"].tolist()[:4] == [
        "very_suitable", "very_suitable", "suitable", "less_suitable",
    ]  # fmt: skip
    assert capped.tolist()[:4] == ["less_suitable", "very_suitable", "suitable", "less_suitable"]
    assert capped.isna().tolist() == [False] * 4 + [True]
    assert capped.dtype == told["class"].dtype


def test_a_group_at_its_minimum_but_for_rounding_noise_passes():
    groups = pd.DataFrame({"social": [100 * (0.1 + 0.2), 30.0, 29.999]})
    assert groups["social"][0] != 30
    low = below_gates(groups, [Gate(group="social", min=30)])["group_below_minimum: social"]
    assert low.tolist() == [False, False, True]
    just = pd.DataFrame({"social": [29.9999999999]})
    assert not below_gates(just, [Gate(group="social", min=30)])["group_below_minimum: social"][0]


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([*CLASSES, None]), min_size=1, max_size=8),
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.floats(1, 100), st.sampled_from(CLASSES[1:])),
        max_size=3, unique_by=lambda gate: gate[0],
    ),
    st.data(),
)  # fmt: skip
def test_gates_never_lift_a_class_and_hold_in_any_order(classes, gates, data):
    rules = [Gate(group=group, min=least, best=best) for group, least, best in gates]
    scores = st.lists(st.floats(0, 100), min_size=len(classes), max_size=len(classes))
    groups = pd.DataFrame({name: data.draw(scores) for name in "xyz"})
    told = pd.Series(classes, dtype="str")
    capped = cap_classes(told, below_gates(groups, rules), rules)
    turned = cap_classes(told, below_gates(groups, rules[::-1]), rules[::-1])
    assert capped.equals(turned)
    place = {name: i for i, name in enumerate(CLASSES)}
    for i, (before, after) in enumerate(zip(told, capped, strict=True)):
        if pd.isna(before):
            assert pd.isna(after)
            continue
        caps = [place[g.best] for g in rules if round(groups[g.group][i], 9) < g.min]
        assert place[after] == max([place[before], *caps])


# --- verdicts ---


def test_what_is_ruled_out_keeps_the_score_it_would_have():
    told = verdict(
        [0.9, 0.8, np.nan, 0.7],
        excluded=pd.Series([True, False, True, False]),
        missing=pd.Series([False, True, False, False]),
        deduction=pd.Series([15.0, 0, 0, 5]),
    )
    # what lacks a value that is required has none, ruled out or not
    assert told["score_if_allowed"].tolist() == pytest.approx([75, np.nan, np.nan, 65], nan_ok=True)
    assert told["rank"].tolist()[3] == 1  # an excluded parcel takes no place
    assessed = told["status"] == "assessed"
    assert told.loc[assessed, "score"].equals(told.loc[assessed, "score_if_allowed"])


@given(st.lists(st.one_of(st.floats(0, 100), st.just(np.nan)), max_size=12))
def test_a_rank_is_one_more_than_the_number_of_better_scores(scores):
    told = rank_of(pd.Series(scores, dtype=float))
    for score, rank in zip(scores, told, strict=True):
        if np.isnan(score):
            assert rank is pd.NA
        else:
            better = sum(round(other, 9) > round(score, 9) for other in scores)
            assert rank == 1 + better


def test_orness_goes_from_all_to_any():
    assert [orness(alpha) for alpha in (1, 3)] == [0.5, 0.25]
    assert orness(1e-9) == pytest.approx(1)
    # the mean of the continuous weights: the integral of (1 - p) alpha p^(alpha-1) over 0–1
    p = (np.arange(100_000) + 0.5) / 100_000
    assert orness(2.5) == pytest.approx(((1 - (1 - p)) * 2.5 * (1 - p) ** 1.5).mean(), abs=1e-4)


@given(st.floats(0.1, 10), st.integers(1, 12))
def test_the_weights_of_places_are_those_that_owa_gives_to_equal_criteria(alpha, n):
    places = order_weights(alpha, n)
    assert places.sum() == pytest.approx(1)
    # a parcel that has its k best criteria at 1 and the others at 0 gets the first k of them
    stairs = pd.DataFrame(np.tri(n), columns=[f"k{i}" for i in range(n)])
    equal = normalise(pd.Series(1.0, index=stairs.columns))
    assert aggregate(stairs, equal, "owa", alpha).to_numpy() == pytest.approx(np.cumsum(places))
    assert -1e-9 <= trade_off(places) <= 1 + 1e-9
    assert trade_off(order_weights(1.0, n)) == pytest.approx(1)
    assert trade_off(np.eye(n)[0]) == (1 if n == 1 else pytest.approx(0))


@settings(max_examples=40)
@given(values_01, some_weights)
def test_owa_falls_as_more_criteria_must_be_good(v, raw):
    values, w = pd.DataFrame(v, columns=KEYS), normalise(pd.Series(raw, index=KEYS))
    totals = [aggregate(values, w, "owa", alpha).to_numpy() for alpha in (0.5, 1, 2, 8)]
    assert all((more <= less + 1e-9).all() for less, more in pairwise(totals))
    assert totals[1] == pytest.approx(aggregate(values, w).to_numpy())


@settings(max_examples=40)
@given(values_01, some_weights, st.floats(0.001, 0.5), st.floats(0.001, 0.5))
def test_a_geometric_score_rises_with_its_floor(v, raw, one, two):
    values, w = pd.DataFrame(v, columns=KEYS), normalise(pd.Series(raw, index=KEYS))
    low, high = (aggregate(values, w, "geometric", floor=f) for f in sorted((one, two)))
    assert (low <= high + 1e-12).all()
    by_hand = np.prod(np.maximum(v, max(one, two)) ** w.to_numpy(), axis=1)
    assert high.to_numpy() == pytest.approx(by_hand)


@settings(max_examples=40)
@given(values_01, some_weights, methods)
def test_a_criterion_that_is_the_same_everywhere_changes_no_order_of_a_sum(v, raw, method):
    values, w = pd.DataFrame(v, columns=KEYS), normalise(pd.Series(raw, index=KEYS))
    more = normalise(pd.concat([w, pd.Series({"d": 0.5})]))
    total = aggregate(values.assign(d=0.7), more, method)
    assert total.notna().all()
    if method == "weighted_sum":
        assert (
            rank_of(100 * total).tolist()
            == rank_of(100 * (aggregate(values, w) + 0.35) / 1.5).tolist()
        )


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
    assert empty.columns.tolist() == [
        "status", "reasons", "score", "class", "rank", "score_if_allowed",
    ]  # fmt: skip
    assert aggregate(pd.DataFrame(index=["p"]), pd.Series(dtype=float)).isna().all()
    assert normalise(pd.Series({"a": 0.0})).tolist() == [0.0]


def test_every_reason_is_kept_in_order_and_a_semicolon_cannot_forge_one():
    index = pd.Index(["p", "q"])
    flags = {
        "area_below_minimum": pd.Series([True, False], index=index),
        "Flom; skred": pd.Series([True, True], index=index),
    }
    assert join_reasons(flags, index).tolist() == ["area_below_minimum;Flom, skred", "Flom, skred"]
