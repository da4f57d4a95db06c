"""Weights from answers: laws hold; AHPy, brute force and simulation say the same."""

import itertools
import math
import tomllib

import ahpy
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from arealstrategi import weights as w
from arealstrategi.errors import InputError
from arealstrategi.weights import WeightingOptions, ahp, found_weights, from_matrix, matrix_of

NAMES = tuple("abcdefghijklmno")
SCALE = np.array([*range(1, 10), *(1 / k for k in range(2, 10))])
POINTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=15).filter(any)
RANKINGS = st.sampled_from(["roc", "rank_sum", "rank_reciprocal"])
GROUPS = ("social", "daily", "health")
CONTRADICTION = {"name": "Kari", "upper": [[3, 3], [9]]}
AGREEMENT = {"name": "Ola", "upper": [[2, 4], [2]]}


def answers_near(rng, n, spread):
    """Comparisons of somebody who has weights in mind but answers with errors."""
    log = rng.normal(0, 1, n)
    return [[math.exp(log[i] - log[j] + rng.normal(0, spread)) for j in range(i + 1, n)] for i in range(n - 1)]  # fmt: skip # noqa: E501


def pairs(items, upper):
    """Comparisons as AHPy takes them; without those that are 0."""
    answers = itertools.chain.from_iterable(upper)
    both = zip(itertools.combinations(items, 2), answers, strict=True)
    return {pair: answer for pair, answer in both if answer > 0}


def power_iteration(matrix):
    weights = np.ones(len(matrix))
    for _ in range(500):
        weights = matrix @ weights
        weights /= weights.sum()
    return weights, float((matrix @ weights).sum())


def options(**written):
    return WeightingOptions.model_validate({"source": "Formannskapet", **written})


def refused(**written):
    with pytest.raises(ValidationError) as caught:
        options(**written)
    (problem,) = caught.value.errors()
    return problem["loc"], problem["msg"]


# Points and orders


@settings(max_examples=40)
@given(POINTS, st.floats(1e-3, 1e3))
def test_points_keep_their_ratios_and_the_scale_makes_no_difference(points, factor):
    asked = pd.Series(points, NAMES[: len(points)])
    assume((factor * asked).eq(0).equals(asked.eq(0)))  # 5e-324 halved is 0, and no scaling
    found = w.direct(asked)
    assert found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found * sum(points), points, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(w.swing(factor * asked), found, rtol=1e-9, atol=1e-300)
    assert list(found.index) == list(asked.index)


def test_points_near_the_largest_number_do_not_overflow():
    assert w.direct(pd.Series({"a": 1.5e308, "b": 1.5e308})).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("points", [[0.0, 0.0], [1.0, -1.0], [1.0, math.nan], [math.inf, 1.0]])
def test_points_that_say_nothing_or_less_are_refused(points):
    with pytest.raises(ValueError, match="points must be numbers from 0 up"):
        w.direct(pd.Series(points, ["a", "b"]))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 15])
def test_the_centroid_is_the_mean_of_the_corners_of_all_weights_that_fit_the_order(n):
    corners = [[1 / k] * k + [0] * (n - k) for k in range(1, n + 1)]
    np.testing.assert_allclose(w.roc(NAMES[:n]), np.mean(corners, axis=0), rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 15])
def test_rank_sum_falls_in_equal_steps_to_one_step_and_reciprocal_as_the_place_rises(n):
    found = w.rank_sum(NAMES[:n])
    np.testing.assert_allclose(-np.diff([*found, 0]), found.iloc[-1], rtol=1e-12)
    reciprocal = w.rank_reciprocal(NAMES[:n])
    np.testing.assert_allclose(reciprocal.iloc[0] / reciprocal, range(1, n + 1), rtol=1e-12)
    assert found.sum() == pytest.approx(1)
    assert reciprocal.sum() == pytest.approx(1)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), RANKINGS)
def test_items_that_tie_get_the_mean_over_all_ways_to_break_the_tie(ranks, method):
    items = NAMES[: len(ranks)]
    ways = [
        getattr(w, method)(order)
        for order in itertools.permutations(items)
        if all(np.diff([ranks[items.index(item)] for item in order]) >= 0)
    ]
    mean = pd.concat(ways, axis=1).mean(axis=1)[list(items)]
    pd.testing.assert_series_equal(
        w.rank_weights(pd.Series(ranks, items), method), mean, check_names=False
    )


@settings(max_examples=40)
@given(st.permutations(range(5)), RANKINGS, st.floats(0.1, 50))
def test_only_the_order_of_ranks_counts_and_the_index_is_kept(ranks, method, step):
    asked = pd.Series(ranks, NAMES[:5])
    found = w.rank_weights(asked, method)
    pd.testing.assert_series_equal(found, w.rank_weights(7 + step * asked, method))
    assert list(found.index) == list(asked.index)
    assert list(found.sort_values(ascending=False).index) == list(asked.sort_values().index)


def test_an_item_named_twice_none_at_all_and_a_missing_rank_are_refused():
    with pytest.raises(ValueError, match="'a' stands there more than once"):
        w.roc(["a", "b", "a"])
    with pytest.raises(ValueError, match="at least one item"):
        w.rank_sum([])
    with pytest.raises(ValueError, match="every item needs a rank"):
        w.rank_weights(pd.Series({"a": 1, "b": math.nan}))


# Pairwise comparisons


@pytest.mark.parametrize("n", range(3, 16))
def test_weights_and_consistency_are_those_of_ahpy_and_of_power_iteration(n):
    rng = np.random.default_rng(n)
    items = NAMES[:n]
    upper = answers_near(rng, n, spread=0.3)
    found = ahp(items, upper)
    theirs = ahpy.Compare("oracle", pairs(items, upper), 10, "saaty", iterations=1000)
    expected = pd.Series(theirs.local_weights)[list(items)]
    np.testing.assert_allclose(found.weights, expected, atol=1e-9)
    weights, eigenvalue = power_iteration(matrix_of(upper))
    np.testing.assert_allclose(found.weights, weights, atol=1e-12)
    assert found.lambda_max == pytest.approx(eigenvalue, rel=1e-12)
    # Beyond 10 items AHPy has a table of Saaty's, and we a formula.
    same = 1e-8 if n <= 10 else 0.01
    assert found.consistency_ratio == pytest.approx(theirs.consistency_ratio, rel=same, abs=1e-9)


@pytest.mark.parametrize(("n", "n_missing"), [(3, 0), (6, 0), (12, 0), (5, 2)])
def test_answers_by_chance_have_a_consistency_ratio_of_one_on_average(n, n_missing):
    rng, ratios = np.random.default_rng(n), []
    while len(ratios) < 80:
        numbers = rng.choice(SCALE, n * (n - 1) // 2)
        numbers[rng.choice(len(numbers), n_missing, replace=False)] = 0
        rest = iter(numbers)
        upper = [[next(rest) for _ in range(n - 1 - i)] for i in range(n - 1)]
        try:
            ratios.append(ahp(NAMES[:n], upper).consistency_ratio)
        except ValueError:
            continue
    error = np.std(ratios) / math.sqrt(len(ratios))
    assert np.mean(ratios) == pytest.approx(1, abs=0.02 + 3 * error)


@settings(max_examples=40)
@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=12))
def test_answers_that_agree_give_back_the_weights_they_were_made_from(truth):
    items = NAMES[: len(truth)]
    matrix = np.divide.outer(truth, truth)
    found = from_matrix(items, matrix.tolist())
    np.testing.assert_allclose(found.weights, np.array(truth) / sum(truth), rtol=1e-9)
    assert found.consistency_ratio == pytest.approx(0, abs=1e-9)
    assert found.is_consistent
    assert found.most_inconsistent is None


def test_one_and_two_items_contradict_nothing():
    assert ahp(["a"], []).weights.tolist() == [1]
    two = ahp(["a", "b"], [[9]])
    assert two.weights.tolist() == pytest.approx([0.9, 0.1])
    for found in (ahp(["a"], []), two):
        assert (found.consistency_index, found.consistency_ratio) == (0, 0)
        assert found.is_consistent
        assert found.most_inconsistent is None


@pytest.mark.parametrize("factor", [6, 1 / 6])
@pytest.mark.parametrize(("i", "j"), list(itertools.combinations(range(4), 2)))
def test_the_one_answer_that_is_off_is_named_and_following_the_advice_mends_it(i, j, factor):
    truth = np.array([4.0, 2.0, 2.0, 1.0])
    matrix = np.divide.outer(truth, truth)
    matrix[i, j] *= factor
    matrix[j, i] /= factor
    found = from_matrix(NAMES[:4], matrix.tolist())
    assert found.most_inconsistent == (NAMES[i], NAMES[j])
    assert found.answered == matrix[i, j]
    assert found.suggested == found.weights.iloc[i] / found.weights.iloc[j]
    assert not found.is_consistent
    matrix[i, j], matrix[j, i] = found.suggested, 1 / found.suggested
    assert from_matrix(NAMES[:4], matrix.tolist()).consistency_ratio < found.consistency_ratio / 3


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ([[1, 3], [0.3, 1]], "a against b is 3, but b against a is 0.3 and not 1/3"),
        ([[2, 3], [1 / 3, 1]], "a against a is 2"),
        ([[1, 3, 1], [1 / 3, 1, 1]], "2 items need 2 rows of 2 numbers"),
        ([[1, 0], [1, 1]], "above 0"),
        ([[1, -3], [-1 / 3, 1]], "above 0"),
        ([[1, math.nan], [math.nan, 1]], "above 0"),
        ([[1, math.inf], [0, 1]], "above 0"),
    ],
)
def test_a_matrix_that_cannot_be_is_refused(matrix, said):
    with pytest.raises(ValueError, match=said):
        from_matrix(["a", "b"], matrix)


def test_reciprocals_may_be_rounded_in_the_seventh_decimal():
    found = from_matrix(["a", "b"], [[1, 3], [0.3333333, 1]])
    assert found.weights.tolist() == pytest.approx([0.75, 0.25], abs=1e-6)


@pytest.mark.parametrize(
    ("upper", "said"),
    [
        ([[3, 3]], "3 items need 2 rows of comparisons, not 1"),
        ([[3], [3]], "row 1 must have 2 numbers, not 1"),
        ([[3, 3], [3, 3]], "row 2 must have 1 numbers, not 2"),
        ([[3, -3], [3]], "row 1 must hold numbers above 0"),
        ([[3, 3], [math.nan]], "row 2 must hold numbers above 0"),
        ([[0, 0], [3]], "no comparison connects 'social' with the other items"),
        ([[0, 0], [0]], "no comparison connects 'daily', 'health' with the other items"),
    ],
)
def test_a_triangle_that_does_not_fit_or_leaves_an_item_alone_is_refused(upper, said):
    with pytest.raises(ValueError, match=said):
        ahp(GROUPS, upper)


@pytest.mark.parametrize(
    ("n", "gaps"), [(4, [2]), (5, [0, 4]), (6, [1, 7, 14]), (7, [0, 5, 9, 20])]
)
def test_pairs_not_compared_are_filled_as_ahpy_does_and_no_change_makes_it_more_consistent(n, gaps):
    rng, items = np.random.default_rng(n), NAMES[:n]
    upper = answers_near(rng, n, spread=0.5)
    places = [(i, j) for i in range(n - 1) for j in range(n - 1 - i)]
    for gap in gaps:
        i, j = places[gap]
        upper[i][j] = 0
    found = ahp(items, upper)
    assert found.n_not_compared == len(gaps)
    theirs = ahpy.Compare(
        "oracle", pairs(items, upper), precision=8, iterations=1000, tolerance=1e-10
    )
    expected = pd.Series(theirs.local_weights)[list(items)]
    np.testing.assert_allclose(found.weights, expected, atol=1e-5)
    filled = w.complete(items, matrix_of(upper))
    np.testing.assert_allclose(filled * filled.T, 1)
    for gap, factor in itertools.product(gaps, (0.99, 1.01)):
        i, j = places[gap][0], places[gap][0] + 1 + places[gap][1]
        other = filled.copy()
        other[i, j] *= factor
        other[j, i] /= factor
        assert power_iteration(other)[1] > found.lambda_max


def test_the_fewest_comparisons_that_connect_all_are_followed_to_the_letter():
    found = ahp(["a", "b", "c", "d"], [[2, 0, 0], [3, 0], [5]])
    np.testing.assert_allclose(found.weights, np.array([30, 15, 5, 1]) / 51, rtol=1e-6)
    assert found.consistency_ratio == 0
    assert found.n_not_compared == 3


@settings(max_examples=40)
@given(st.integers(2, 6), st.integers(1, 5), st.integers(0, 99))
def test_people_joined_stay_reciprocal_and_their_order_makes_no_difference(n, people, seed):
    rng = np.random.default_rng(seed)
    matrices = [matrix_of(answers_near(rng, n, 0.5)) for _ in range(people)]
    joint = w.geometric_mean_of(matrices)
    np.testing.assert_allclose(joint * joint.T, 1)
    np.testing.assert_allclose(joint, w.geometric_mean_of(matrices[::-1]))
    np.testing.assert_allclose(joint**people, np.prod(matrices, axis=0))


def test_of_a_pair_that_one_did_not_compare_the_other_decides_and_of_none_nobody_knows():
    joint = w.geometric_mean_of([matrix_of([[4, 0], [0]]), matrix_of([[9, 5], [0]])])
    np.testing.assert_allclose(joint[0], [1, 6, 5])
    assert np.isnan(joint[1, 2])
    assert np.isnan(joint[2, 1])


# What a planner writes


METHODS = {
    "direct": {"points": {"social": 50, "daily": 30, "health": 0}},
    "swing": {"points": {"social": 100, "daily": 70, "health": 20}},
    "roc": {"order": GROUPS},
    "rank_sum": {"order": GROUPS},
    "rank_reciprocal": {"order": GROUPS},
    "ahp": {"items": GROUPS, "person": [AGREEMENT]},
    "survey": {"table": "svar.csv"},
}
ANSWERS = pd.DataFrame({"social": [60.0, 20.0], "daily": [20.0, 10.0], "health": [20.0, 10.0]})


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_raw_numbers_weights_and_their_source(method):
    asked = options(method=method, date="2026-11", **METHODS[method])
    found = found_weights(asked, ANSWERS if method == "survey" else None)
    assert list(found.weights.index) == list(GROUPS)
    assert found.weights.sum() == pytest.approx(1)
    assert found.weights.is_monotonic_decreasing
    np.testing.assert_allclose(found.weights, found.raw / found.raw.sum())
    assert (found.method, found.of) == (method, "groups")
    assert found.source == "Formannskapet, 2026-11"
    assert found.warnings == ()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_says_which_key_it_needs(method):
    needed = list(METHODS[method])
    for key in needed:
        rest = {name: told for name, told in METHODS[method].items() if name != key}
        if "items" in rest or "person" in rest:
            continue
        assert refused(method=method, **rest)[1].endswith(
            f'method = "{method}" needs {key}; add it'
        )


@pytest.mark.parametrize(
    ("written", "where", "said"),
    [
        ({"method": "roc", "order": ["social", "daily", "social"]}, ("order",), "'social' stands"),
        ({"method": "ahp", "items": ["a", "a"], "person": []}, ("items",), "'a' stands"),
        ({"method": "ahp", "items": GROUPS, "person": [AGREEMENT] * 2}, ("person",), "'Ola' st"),
        ({"method": "direct", "points": {"social": 0}}, ("points",), "at least one of them"),
        ({"method": "direct", "points": {"social": -1}}, ("points", "social"), "greater than or"),
        ({"method": "ahp", "person": [AGREEMENT]}, (), "needs items"),
        ({"method": "ahp", "items": GROUPS}, (), "needs person"),
        ({"method": "magic"}, ("method",), "'direct', 'swing'"),
        (
            {"method": "roc", "order": GROUPS, "points": {"social": 1}},
            (),
            'points is not for method = "roc" but for direct or swing',
        ),
        (
            {"method": "roc", "order": GROUPS, "answers": "ranks"},
            (),
            'answers is not for method = "roc" but for survey',
        ),
        (
            {"method": "ahp", "items": GROUPS, "person": [{"name": "Per", "upper": [[3], [3]]}]},
            (),
            "upper of 'Per': row 1 must have 2 numbers, not 1",
        ),
        (
            {"method": "ahp", "items": GROUPS, "person": [{"name": "Per", "upper": [[0, 0], [3]]}]},
            (),
            "upper of 'Per': no comparison connects 'social'",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused_with_its_key(written, where, said):
    loc, message = refused(**written)
    assert loc == where
    assert said in message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("one third", "valid number"),
        ("1/x", "'1/x' is not a comparison"),
        ("1/0", "'1/0' is not a comparison"),
        (33, "33 is not on the scale from 1/9 to 9"),
        (0.05, "0.05 is not on the scale"),
        (-3, "-3 is not on the scale"),
    ],
)
def test_a_comparison_off_the_scale_is_refused(answer, said):
    person = {"name": "Per", "upper": [[answer]]}
    assert said in refused(method="ahp", items=["a", "b"], person=[person])[1]


def test_a_reciprocal_is_written_as_a_fraction_in_the_strategy_file():
    written = tomllib.loads("""
        method = "ahp"
        source = "Formannskapet"
        items = ["social", "daily", "health"]
        [[person]]
        name = "Ordfører"
        upper = [["1/3", 2], [6]]
    """)
    found = found_weights(WeightingOptions.model_validate(written))
    assert found.weights.tolist() == pytest.approx([0.2222, 0.6667, 0.1111], abs=1e-4)
    assert found.raw.tolist() == pytest.approx([1 / 3, 1, 1 / 6])
    assert found.facts["people"] == 1
    assert found.facts["lambda_max"] == pytest.approx(3)


def test_the_source_is_required_because_it_is_shown():
    with pytest.raises(ValidationError, match="source"):
        WeightingOptions.model_validate({"method": "roc", "order": GROUPS})


def test_one_person_who_contradicts_herself_is_told_where():
    found = found_weights(options(method="ahp", items=GROUPS, person=[CONTRADICTION]))
    weights = found.weights
    (said,) = found.warnings
    assert said.startswith("Kari: the comparisons contradict each other (consistency ratio ")
    pair = said.split("look first at ")[1].split(":")[0].split(" against ")
    agreed = weights[pair[0]] / weights[pair[1]]
    assert f"all answers together say {agreed:.2g}" in said
    assert not any(name.startswith("consistency ratio,") for name in found.facts)


def test_several_people_are_joined_and_each_ratio_is_kept():
    found = found_weights(options(method="ahp", items=GROUPS, person=[CONTRADICTION, AGREEMENT]))
    joint = w.geometric_mean_of([matrix_of(CONTRADICTION["upper"]), matrix_of(AGREEMENT["upper"])])
    np.testing.assert_allclose(found.weights, power_iteration(joint)[0])
    one = ahp(GROUPS, CONTRADICTION["upper"])
    assert found.facts["people"] == 2
    assert found.facts["consistency ratio, Kari"] == one.consistency_ratio
    assert found.facts["consistency ratio, Ola"] == pytest.approx(0)
    assert [said.partition(":")[0] for said in found.warnings] == ["all together", "Kari"]


# A survey


def survey(told, **written):
    asked = options(method="survey", table="svar.csv", **written)
    return found_weights(asked, pd.DataFrame(told))


def test_each_respondent_counts_the_same_whatever_their_scale():
    found = survey({"a": [90, 1, 500], "b": [10, 1, 500]})
    assert found.weights.tolist() == pytest.approx([(0.9 + 0.5 + 0.5) / 3, (0.1 + 0.5 + 0.5) / 3])
    assert found.facts["respondents"] == 3
    assert found.facts["standard deviation, a"] == pytest.approx(np.std([0.9, 0.5, 0.5], ddof=1))


def test_ranks_become_centroids_and_the_order_of_respondents_makes_no_difference():
    answers = {"a": [1, 2, 1], "b": [2, 1, 1], "c": [3, 3, 3]}
    found = survey(answers, answers="ranks")
    a, b, c = w.roc("abc")
    tied = (a + b) / 2
    assert found.weights.tolist() == pytest.approx([tied, tied, c])
    back = {item: told[::-1] for item, told in answers.items()}
    pd.testing.assert_series_equal(found.weights, survey(back, answers="ranks").weights)


def test_respondents_who_did_not_answer_all_are_left_out_and_counted():
    nan = math.nan
    found = survey({"a": [3, 0, nan, 1], "b": [1, 0, 5, 1]})
    whole = survey({"a": [3, 1], "b": [1, 1]})
    pd.testing.assert_series_equal(found.weights, whole.weights)
    assert (found.facts["respondents"], found.facts["respondents left out"]) == (2, 2)
    assert found.warnings == ("2 of 4 respondents left out: an answer is missing, or all are 0",)
    ranked = survey({"a": [1, 0, nan], "b": [2, 1, 1]}, answers="ranks")
    assert ranked.facts["respondents left out"] == 2


def test_one_respondent_has_no_spread():
    found = survey({"a": [3], "b": [1]})
    assert found.facts["standard deviation, a"] is None


@pytest.mark.parametrize("answers", [{"a": [0.0], "b": [0.0]}, {"a": [], "b": []}])
def test_a_survey_that_nobody_answered_is_an_error_with_its_file(answers):
    with pytest.raises(InputError, match=r"svar\.csv: none of its") as caught:
        survey(answers)
    assert caught.value.hint
