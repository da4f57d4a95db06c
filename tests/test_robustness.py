"""Robustness against brute force, other libraries, exact answers, and its laws."""

import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pymcdm
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal
from pydantic import ValidationError

import arealstrategi as ars
from arealstrategi import scoring
from arealstrategi.errors import InputError
from arealstrategi.robustness import (
    Multipliers,
    Near,
    RobustnessOptions,
    Rule,
    acceptability,
    compare_methods,
    most_critical,
    rank_acceptability,
    sample_weights,
    topsis,
    variance_split,
    vary,
    vary_distances,
    weight_intervals,
)
from arealstrategi.robustness.ranking import by_criterion, lay_out, ranks, scores

METHODS = [
    Rule(),
    Rule("geometric"),
    Rule("owa", alpha=2.0),
    Rule("owa", alpha=0.5),
    Rule("minimum"),
]


def table(rows):
    names = [f"p{row}" for row in range(len(rows))]
    return pd.DataFrame(rows, index=names, columns=list("abcdef")[: len(rows[0])], dtype=float)


def weights(*numbers):
    return pd.Series(numbers, index=list("abcdef")[: len(numbers)], dtype=float)


def random_values(parcels, criteria=4, seed=0, gaps=0.0):
    rng = np.random.default_rng(seed)
    found = np.round(rng.random((parcels, criteria)), 1)
    return table(np.where(rng.random(found.shape) < gaps, np.nan, found))


def expected_scores(values, w, rule):
    total = 100 * scoring.aggregate(values, w, rule.method, rule.alpha, rule.floor)
    if rule.deduction is not None:
        total = (total - rule.deduction[total.index]).clip(lower=0)
    return total


tenths = st.integers(0, 10).map(lambda number: number / 10)


@st.composite
def decisions(draw, *, rules=METHODS):
    """Values with gaps and ties, weights of which some are 0, perhaps a deduction."""
    n, c = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    rows = draw(
        st.lists(st.lists(tenths | st.none(), min_size=c, max_size=c), min_size=n, max_size=n)
    )
    values = table(rows)
    w = weights(*draw(st.lists(st.integers(0, 5), min_size=c, max_size=c)))
    assume(w.sum() > 0)
    rule = draw(st.sampled_from(rules))
    if draw(st.booleans()):
        points = draw(st.lists(st.sampled_from([0, 0, 10, 40]), min_size=n, max_size=n))
        rule = Rule(rule.method, rule.alpha, rule.floor, pd.Series(points, values.index, float))
    return values, w / w.sum(), rule


@pytest.fixture(scope="module")
def lauf(shared_data, tmp_path_factory):
    """A run on a quarter of Lauf."""
    folder = tmp_path_factory.mktemp("lauf")
    gpd.read_file(shared_data / "lauf/parcels.gpkg").iloc[::4].to_file(folder / "plots.gpkg")
    return ars.run(
        ars.Strategy.build(
            {
                "parcels": {"source": str(folder / "plots.gpkg")},
                "osm": {"source": str(shared_data / "lauf/lauf-200115.osm.pbf")},
            }
        )
    )


# --- scores and ranks


@settings(max_examples=50)
@given(decisions())
def test_scores_and_ranks_are_those_of_one_run(decision):
    values, w, rule = decision
    points = rule.points(values.index)
    got = scores(lay_out(by_criterion(values), rule, points), w.to_numpy())
    expected = expected_scores(values, w, rule)
    np.testing.assert_allclose(got, expected, atol=1e-9)
    known = expected.notna()
    assert ranks(got)[known].tolist() == scoring.rank_of(expected)[known].tolist()


@pytest.mark.parametrize("rule", METHODS)
def test_equal_parcels_tie_exactly_wherever_they_stand(rule):
    values = pd.concat([random_values(1, 6)] * 37, ignore_index=True)
    drawn = sample_weights(weights(1, 1, 1, 1, 1, 1), 200, np.random.default_rng(1))
    found = rank_acceptability(values, drawn, rule=rule).parcels
    assert (found["first_share"] == 1).all()
    assert (found["rank_p95"] == 1).all()


# --- weight intervals


def lead(values, w, rule, leading, at, t):
    """How far the best of the others is ahead of the worst leader when weight `at` is t."""
    t = np.atleast_1d(t)[:, np.newaxis, np.newaxis]
    moved = np.where(w.index == at, t, w.to_numpy() * (1 - t) / (1 - w[at]))
    v = values.to_numpy()
    v = np.log(np.maximum(v, rule.floor)) if rule.method == "geometric" else v
    found = np.nansum(moved * v, axis=2) / (moved * ~np.isnan(v)).sum(axis=2)
    found = 100 * (np.exp(found) if rule.method == "geometric" else found)
    if rule.deduction is not None:
        found = np.maximum(found - rule.deduction[values.index].to_numpy(), 0)
    return found[:, ~leading].max(axis=1) - found[:, leading].min(axis=1)


@settings(max_examples=50)
@given(decisions(rules=[Rule(), Rule("geometric")]), st.integers(1, 3))
def test_the_leaders_stay_inside_the_interval_and_change_just_outside(decision, top):
    values, w, rule = decision
    values = values[values[w.index[w > 0]].notna().any(axis=1)]
    assume(len(values) > 0)
    assume(rule.method == "weighted_sum" or rule.deduction is None)
    got = weight_intervals(values, w, rule=rule, top=top)
    leading = (scoring.rank_of(expected_scores(values, w, rule)) <= top).to_numpy()
    for key, row in got.iterrows():
        if w[key] > 1 - 1e-12 or leading.all():
            assert (row["low"], row["high"]) == (0, 1)
            assert np.isnan(row["move"])
            continue
        assert row["low"] <= w[key] <= row["high"]
        inside = np.linspace(row["low"] + 1e-9, row["high"] - 1e-9, 200)
        assert lead(values, w, rule, leading, key, inside).max() < 1e-7
        for end, beyond in ((row["low"], row["low"] - 1e-4), (row["high"], row["high"] + 1e-4)):
            if 0 < beyond < 1:
                assert lead(values, w, rule, leading, key, beyond) > 0
                assert abs(lead(values, w, rule, leading, key, end)) < 1e-6


@pytest.mark.shared
def test_lauf_s_intervals_are_those_of_a_scan_of_every_weight(lauf):
    assessed = lauf.parcels[lauf.parcels["status"] == "assessed"]
    values = assessed[[f"{key}_value" for key in lauf.criteria.index]].to_numpy()
    w = lauf.weights.weight.to_numpy()
    leader = set(assessed.index[assessed["rank"] == 1])
    told = lauf.robustness.intervals
    for at, (key, row) in enumerate(told.iterrows()):
        tried = np.linspace(0, 1, 2001)
        others = np.outer((1 - tried) / (1 - w[at]), np.where(np.arange(len(w)) == at, 0, w))
        others[:, at] = tried
        score = np.round(values @ others.T * 100, 9)
        best = score == score.max(axis=0)
        keeps = np.array([leader == set(assessed.index[column]) for column in best.T])
        inside = (tried > row["low"] + 1e-6) & (tried < row["high"] - 1e-6)
        assert keeps[inside].all(), key
        assert not keeps[(tried < row["low"] - 1e-6) | (tried > row["high"] + 1e-6)].any(), key
    assert told["move"].notna().any()
    assert lauf.robustness.critical == told["move"].idxmin()


@pytest.mark.shared
def test_lauf_s_report_has_the_top_20_with_their_rank_bands(lauf):
    top = lauf.facts()["top"]
    ranks_told = lauf.parcels["rank"].dropna().astype(int)
    assert [one["rank"] for one in top] == sorted(ranks_told[ranks_told <= 20])
    for one in top:
        assert 1 <= one["rank_p05"] <= one["rank_p95"] <= len(ranks_told)
        assert 0 < one["top_share"] <= 1
    assert lauf.parcels.loc[lauf.parcels["rank"].isna(), "rank_p05"].isna().all()


def test_the_rival_is_the_parcel_that_gets_ahead():
    values = table([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.2, 0.2, 1.0]])
    got = weight_intervals(values, weights(0.5, 0.3, 0.2))
    # p0 is 0.60, p1 0.40, p2 0.36; with a at t, p0 - p1 is t - 0.6 (1 - t)
    assert got.loc["a", "low"] == pytest.approx(0.375)
    assert got.loc["a", "low_rival"] == "p1"
    assert got.loc["a", "high"] == 1
    assert pd.isna(got.loc["a", "high_rival"])
    assert got.loc["a", "move"] == pytest.approx(0.125)
    assert got.loc["c", "high_rival"] == "p2"
    assert most_critical(got) == "b"  # its way to 5 / 12 is shorter than that of a


def test_tied_leaders_may_part_but_nobody_else_may_get_ahead_of_either():
    values = table([[0.9, 0.5], [0.5, 0.9], [0.6, 0.6]])
    got = weight_intervals(values, weights(0.5, 0.5))
    # p2 gets ahead of p1 where 0.5 t + 0.9 (1 - t) = 0.6
    assert got.loc["a", ["low", "high"]].tolist() == pytest.approx([0.25, 0.75])
    assert got.loc["a", ["low_rival", "high_rival"]].tolist() == ["p2", "p2"]


@pytest.mark.parametrize("rule", [Rule("owa", alpha=2.0), Rule("minimum")])
def test_methods_without_a_closed_form_have_no_interval(rule):
    got = weight_intervals(random_values(5), weights(1, 1, 1, 1), rule=rule)
    assert got[["low", "high", "move"]].isna().all(axis=None)
    assert got["weight"].tolist() == [0.25] * 4
    assert most_critical(got) is None


def test_a_geometric_mean_with_a_deduction_has_no_interval_but_with_none_it_has():
    values = random_values(5)
    for points, told in ((3.0, False), (0.0, True)):
        rule = Rule("geometric", deduction=pd.Series(points, index=values.index))
        got = weight_intervals(values, weights(1, 1, 1, 1), rule=rule)
        assert got["low"].notna().all() == told


def test_one_weight_alone_one_parcel_alone_and_no_parcel_have_the_whole_interval():
    for values, w in (
        (random_values(5, 2), weights(1, 0)),
        (random_values(1, 2), weights(0.5, 0.5)),
        (random_values(1, 2).iloc[:0], weights(0.5, 0.5)),
    ):
        got = weight_intervals(values, w)
        assert got.loc["a", ["low", "high"]].tolist() == [0, 1]


# --- sampling


def test_draws_around_the_base_have_its_mean_and_the_stated_deviation():
    base = weights(0.5, 0.3, 0.2, 0)
    got = sample_weights(base, 20_000, np.random.default_rng(1), kappa=30)
    assert got.sum(axis=1) == pytest.approx(1)
    assert got.mean(axis=0) == pytest.approx(base, abs=0.003)
    assert got.std(axis=0) == pytest.approx(np.sqrt(base * (1 - base) / 31), abs=0.002)
    assert (got[:, 3] == 0).all()


def test_draws_without_information_spread_evenly():
    got = sample_weights(weights(9, 1, 1, 1, 1, 1), 20_000, np.random.default_rng(1))
    # exact: P(max w > 1/2) = 6 / 2**5; divided uniforms would have 0.008
    assert (got.max(axis=1) > 0.5).mean() == pytest.approx(0.1875, abs=0.011)
    assert got.std(axis=0) == pytest.approx(np.full(6, np.sqrt(5 / 36 / 7)), abs=0.004)


def test_draws_of_an_order_keep_it_and_have_its_centroid_as_mean():
    got = sample_weights(weights(1, 1, 1), 20_000, np.random.default_rng(1), order=["c", "a", "b"])
    assert (got[:, 2] >= got[:, 0]).all()
    assert (got[:, 0] >= got[:, 1]).all()
    assert got.mean(axis=0) == pytest.approx([5 / 18, 1 / 9, 11 / 18], abs=0.004)


@pytest.mark.parametrize(
    "change", [{"kappa": 3.0}, {"order": ["a", "b"]}, {"order": ["a", "a", "b"]}]
)
def test_an_order_that_is_not_one_is_refused(change):
    asked = {"order": ["a", "b", "c"]} | change
    with pytest.raises(ValueError, match="order names every criterion"):
        sample_weights(weights(1, 1, 1), 5, np.random.default_rng(1), **asked)


def test_groups_share_alike_however_many_criteria_they_have():
    groups = pd.Series(["x", "x", "x", "y", pd.NA, "x"], index=list("abcdef"))
    got = sample_weights(weights(1, 1, 1, 1, 1, 0), 20_000, np.random.default_rng(1), groups=groups)
    assert got.mean(axis=0) == pytest.approx([1 / 9, 1 / 9, 1 / 9, 1 / 3, 1 / 3, 0], abs=0.004)
    base = weights(0.1, 0.2, 0.3, 0.3, 0.1, 0)
    got = sample_weights(base, 20_000, np.random.default_rng(1), kappa=30, groups=groups)
    assert got.mean(axis=0) == pytest.approx(base, abs=0.003)
    assert got[:, :3].sum(axis=1).std() == pytest.approx(np.sqrt(0.6 * 0.4 / 31), abs=0.002)


@pytest.mark.parametrize("groups", [None, pd.Series(list("xyxy"), index=list("abcd"))])
def test_the_draws_of_a_criterion_do_not_depend_on_its_place(groups):
    base, turned = weights(0.4, 0.3, 0.2, 0.1), list("cadb")
    one = sample_weights(base, 5, np.random.default_rng(1), kappa=9, groups=groups)
    other = sample_weights(base[turned], 5, np.random.default_rng(1), kappa=9, groups=groups)
    np.testing.assert_array_equal(pd.DataFrame(one, columns=base.index)[turned], other)


# --- acceptability


@settings(max_examples=25)
@given(decisions(), st.integers(1, 45), st.integers(1, 8))
def test_shares_and_bands_are_those_of_the_whole_table_of_ranks(decision, draws, top):
    values, w, rule = decision
    values = values[values[w.index[w > 0]].notna().any(axis=1)]
    drawn = sample_weights(w, draws, np.random.default_rng(1))
    got = rank_acceptability(values, drawn, rule=rule, top=top)
    each = [expected_scores(values, pd.Series(one, w.index), rule) for one in drawn]
    if len(values) == 0:
        assert len(got.parcels) == len(got.central_weights) == 0
        return
    rank = np.array([scoring.rank_of(score).to_numpy(dtype=int) for score in each])
    found = got.parcels
    np.testing.assert_array_equal(found["first_share"], (rank == 1).mean(axis=0))
    np.testing.assert_array_equal(found["top_share"], (rank <= top).mean(axis=0))
    np.testing.assert_allclose(found["mean_rank"], rank.mean(axis=0))
    low, high = np.quantile(rank, [0.05, 0.95], axis=0, method="inverted_cdf")
    np.testing.assert_array_equal(found["rank_p05"], low)
    np.testing.assert_array_equal(found["rank_p95"], high)
    central = {
        name: drawn[rank[:, row] == 1].mean(axis=0)
        for row, name in enumerate(values.index)
        if (rank[:, row] == 1).any()
    }
    assert got.central_weights.index.tolist() == list(central)
    np.testing.assert_allclose(got.central_weights, list(central.values()))


def test_two_opposite_parcels_win_where_their_criterion_weighs_more():
    # exact: w_a is uniform; p0 wins where it is above 1/2, with mean 3/4; p2 is always second
    values = table([[1, 0], [0, 1], [0.5, 0.5]])
    drawn = sample_weights(weights(1, 1), 6_000, np.random.default_rng(1))
    got = rank_acceptability(values, drawn, top=2)
    assert got.parcels["first_share"].tolist() == pytest.approx([0.5, 0.5, 0], abs=0.026)
    assert got.parcels["top_share"].tolist() == pytest.approx([0.5, 0.5, 1], abs=0.026)
    assert got.parcels.loc["p2", ["rank_p05", "rank_p95", "mean_rank"]].tolist() == [2, 2, 2]
    expected = [[0.75, 0.25], [0.25, 0.75]]
    np.testing.assert_allclose(got.central_weights, expected, atol=0.01)
    assert got.draws == 6_000


@pytest.mark.parametrize(("most", "threads", "block"), [(900, 1, 7), (900, 3, 64), (10**9, 2, 3)])
def test_neither_threads_nor_memory_change_the_result(monkeypatch, most, threads, block):
    values = random_values(60, gaps=0.1)
    drawn = sample_weights(weights(1, 2, 3, 4), 333, np.random.default_rng(1))
    expected = rank_acceptability(values, drawn)
    monkeypatch.setattr(acceptability, "_MOST_RANKS", most)
    monkeypatch.setattr(acceptability, "_THREADS", threads)
    monkeypatch.setattr(acceptability, "_PARCELS_AT_ONCE", block)
    got = rank_acceptability(values, drawn)
    assert_frame_equal(got.parcels, expected.parcels, check_exact=True)
    assert_frame_equal(got.central_weights, expected.central_weights, check_exact=True)


def test_ranks_need_a_draw():
    with pytest.raises(ValueError, match="at least one draw"):
        rank_acceptability(random_values(3), np.empty((0, 4)))


# --- distances


def within_1000_m(effort_m):
    """Worth 1 at the door, 0 from 1,000 m on; the mean of the places that count."""
    return np.clip(1 - effort_m / 1000, 0, 1).mean(axis=1)


def near_of(effort_m, service, k, n_services=None):
    service = np.asarray(service)
    count = int(service.max()) + 1 if n_services is None else n_services
    return Near(np.asarray(effort_m, dtype=float), service, count, within_1000_m, k)


def options(**change):
    return RobustnessOptions(**({"draws": 100, "distance_draws": 50} | change))


def random_near(parcels, k, stored, seed=0, n_services=9):
    rng = np.random.default_rng(seed)
    effort = np.sort(rng.integers(0, 1200, (parcels, stored)), axis=1).astype(float)
    service = np.argsort(rng.random((parcels, n_services)), axis=1)[:, :stored]
    effort[::4, -1], service[::4, -1] = np.inf, -1
    return near_of(effort, service, k, n_services)


def recorded(near, parcels, asked):
    """The efforts that are valued in each draw."""
    seen = []

    def value_of(effort_m):
        seen.append(np.array(effort_m))
        return within_1000_m(effort_m)

    watched = Near(near.effort_m, near.service, near.n_services, value_of, near.k)
    vary_distances(
        random_values(parcels, 2), {"a": watched}, weights(1, 1), np.random.default_rng(4),
        options=asked,
    )  # fmt: skip
    return seen


def test_with_nothing_varied_the_ranks_are_those_of_the_run():
    values, near = random_values(20, 3), random_near(20, 2, 4)
    values["a"] = within_1000_m(near.effort_m[:, :2])
    still = options(distance_sd=0, drop_share=0)
    got = vary_distances(
        values, {"a": near}, weights(5, 3, 2), np.random.default_rng(1), options=still
    ).parcels
    rank = scoring.rank_of(expected_scores(values, weights(0.5, 0.3, 0.2), Rule()))
    for name in ("rank_p05", "rank_p95", "mean_rank"):
        assert got[name].tolist() == rank.tolist()


def test_the_factor_on_distances_has_mean_1_and_the_stated_deviation():
    near = near_of([[100.0], [200.0]], [[0], [1]], 1)
    seen = recorded(near, 2, options(distance_draws=3000, distance_sd=0.3, drop_share=0))
    factor = np.array(seen)[:, 0, 0] / 100
    np.testing.assert_allclose(np.array(seen)[:, 1, 0], 200 * factor)  # the same for all
    assert factor.mean() == pytest.approx(1, abs=0.02)
    assert factor.std() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(("k", "stored"), [(1, 2), (1, 3), (2, 4), (3, 3)])
def test_the_nearest_services_that_are_left_count(k, stored):
    near = random_near(12, k, stored)
    seen = recorded(near, 12, options(distance_draws=25, distance_sd=0, drop_share=0.4))
    lost = False
    for effort_m in seen:
        assert _some_services_explain(near, effort_m)
        lost |= bool((effort_m != near.effort_m[:, :k]).any())
    assert lost


def _some_services_explain(near, effort_m):
    """Whether leaving out some set of services, the same for all parcels, gives these efforts."""
    return any(
        np.array_equal(effort_m, _survivors(near, {s for s in range(9) if dropped >> s & 1}))
        for dropped in range(2**9)
    )


def _survivors(near, dropped):
    rows = []
    for effort_m, service in zip(near.effort_m, near.service, strict=True):
        left = [e for e, s in zip(effort_m, service, strict=True) if s not in dropped]
        rows.append((left + [effort_m[-1]] * near.k)[: near.k])
    return np.array(rows)


def test_where_all_that_are_stored_are_gone_the_next_is_as_far_as_the_last_if_there_is_one():
    effort, service = [[100.0, 300.0], [100.0, np.inf]], [[0, 1], [0, -1]]
    gone = options(distance_sd=0, drop_share=0.999999)
    for n_services, expected in ((5, [300.0, np.inf]), (2, [np.inf, np.inf])):
        seen = recorded(near_of(effort, service, 1, n_services), 2, gone)
        assert seen[0][:, 0].tolist() == expected


def test_each_service_is_left_out_as_often_as_stated():
    near = near_of([[100.0, 300.0]], [[0, 1]], 1)
    seen = np.array(recorded(near, 1, options(distance_draws=3000, distance_sd=0, drop_share=0.2)))
    assert (seen == 300).mean() == pytest.approx(0.2 * 0.8, abs=0.025)
    assert np.isinf(seen).mean() == pytest.approx(0.04, abs=0.015)


def test_a_value_that_is_left_out_stays_left_out():
    values = table([[np.nan, 0.6], [0.4, 0.4]])
    near = near_of([[0.0], [600.0]], [[0], [1]], 1)
    still = options(distance_sd=0, drop_share=0)
    rng = np.random.default_rng(1)
    got = vary_distances(values, {"a": near}, weights(1, 1), rng, options=still).parcels
    assert got["mean_rank"].tolist() == [1, 2]


def test_weights_and_distances_vary_together():
    values, near = table([[0.5, 0], [0.5, 0], [0, 0.5]]), random_near(3, 1, 2)
    drawn = np.tile([0.0, 1.0], (70, 1))
    got = vary_distances(
        values, {"a": near}, weights(1, 0), np.random.default_rng(1), options=options(), drawn=drawn
    )
    assert got.draws == 70
    assert got.parcels["first_share"].tolist() == [0, 0, 1]


def test_near_of_other_parcels_is_refused():
    with pytest.raises(ValueError, match="do not fit 4 parcels"):
        vary_distances(
            random_values(4, 1), {"a": random_near(3, 1, 2)}, weights(1),
            np.random.default_rng(1), options=options(),
        )  # fmt: skip


# --- methods


@pytest.mark.parametrize("cost", [[], ["b", "d"]])
def test_topsis_is_that_of_pymcdm(cost):
    values, w = random_values(30) + 0.05, weights(0.4, 0.3, 0.2, 0.1)
    types = np.array([-1 if key in cost else 1 for key in values])
    oracle = pymcdm.methods.TOPSIS(pymcdm.normalizations.vector_normalization)
    # its vector normalisation turns costs into 1 - r, which leaves all differences as they are
    expected = oracle(values.to_numpy(), w.to_numpy(), types)
    np.testing.assert_allclose(topsis(values, w, cost=cost), expected)


def test_topsis_bears_what_does_not_vary():
    values = table([[0, 0.5, 0.2], [0, 0.5, 0.4]])
    assert topsis(values, weights(1, 1, 1)).tolist() == [0, 1]
    assert topsis(values.iloc[[0, 0]], weights(1, 1, 1)).tolist() == [1, 1]
    assert topsis(values.iloc[:0], weights(1, 1, 1)).tolist() == []
    gap = table([[np.nan, 0.5], [0.5, 0.5], [0.0, 0.1]])
    assert topsis(gap, weights(1, 1), normalisation="none").tolist() == [1, 1, 0]


def test_correlations_of_methods_are_those_of_pymcdm():
    values, w = table(np.random.default_rng(1).random((40, 4))), weights(0.4, 0.3, 0.2, 0.1)
    got = compare_methods(values, w)
    own = scoring.rank_of(expected_scores(values, w, Rule())).to_numpy(dtype=float)
    for name, rule in (("geometric", METHODS[1]), ("owa_2", METHODS[2]), ("minimum", METHODS[4])):
        other = scoring.rank_of(expected_scores(values, w, rule)).to_numpy(dtype=float)
        assert got.loc[name, "spearman"] == pytest.approx(pymcdm.correlations.spearman(other, own))
        expected = pymcdm.correlations.kendall_tau(other, own)
        assert got.loc[name, "kendall"] == pytest.approx(expected)
        both, either = ((other <= 20) & (own <= 20)).sum(), ((other <= 20) | (own <= 20)).sum()
        assert got.loc[name, "top_overlap"] == both / either
        assert got.loc[name, "same_first"] == (other.argmin() == own.argmin())


def test_the_own_method_agrees_with_itself_and_is_added_where_it_is_another():
    values, w = random_values(40), weights(0.4, 0.3, 0.2, 0.1)
    six = ["weighted_sum", "geometric", "owa_0.5", "owa_2", "minimum", "topsis"]
    assert compare_methods(values, w, rule=Rule("minimum")).index.tolist() == six
    got = compare_methods(values, w, rule=Rule("owa", alpha=3.0))
    assert got.index.tolist() == [*six, "owa_3"]
    assert got.loc["owa_3"].tolist() == pytest.approx([1, 1, 1, True])


def test_ties_for_the_last_place_of_the_top_are_all_in_it():
    values = table([[1, 1], [0.6, 0.4], [0.4, 0.6], [0, 0.9]])
    got = compare_methods(values, weights(0.5, 0.5), top=2)
    # the sum has p0, p1 and p2 in its top 2; owa 0.5 has p0 and p3
    assert got.loc["owa_0.5", "top_overlap"] == 1 / 4
    assert got.loc["owa_0.5", "same_first"]


def test_a_deduction_counts_for_all_methods():
    values = table([[1, 1], [0.6, 0.5], [0.4, 0.4]])
    rule = Rule(deduction=pd.Series([90.0, 0.0, 0.0], index=values.index))
    got = compare_methods(values, weights(0.5, 0.5), rule=rule, top=1)
    assert got["same_first"].all()


@pytest.mark.parametrize("parcels", [0, 1, 5])
def test_parcels_that_are_all_alike_have_no_correlation(parcels):
    values = pd.concat([random_values(1)] * 5, ignore_index=True).iloc[:parcels]
    got = compare_methods(values, weights(1, 1, 1, 1))
    assert got[["spearman", "kendall"]].isna().all(axis=None)
    assert len(got) == 6


# --- variance


def test_the_weights_of_criteria_in_which_a_parcel_is_average_explain_little():
    values = table([[1, 0.5, 0.5, 0], [0.5, 0.5, 0.5, 0.5]])
    got = variance_split(values, weights(1, 1, 1, 0), ["p0", "p1"])
    of_p0 = got.loc["p0"]
    assert of_p0.index.tolist() == ["a", "b", "c"]
    assert of_p0.loc["a", "first"] > 0.6
    assert of_p0.loc["b", "total"] == pytest.approx(of_p0.loc["c", "total"], abs=0.05)
    assert (of_p0["total"] > of_p0["first"] - 0.05).all()
    assert got.loc["p1"].isna().all(axis=None)  # its score is 50 whatever the weights


def test_the_top_is_split_by_groups_and_the_same_seed_gives_the_same():
    values, w = random_values(200), weights(4, 3, 2, 1)
    groups = pd.Series(["x", "x", "y", pd.NA], index=list("abcd"))
    asked = Multipliers(groups=groups, draws=60, spread=0.9)
    got = variance_split(values, w, 10, multipliers=asked)
    assert got.index.tolist() == [("top_overlap", key) for key in ("d", "x", "y")]
    assert got.notna().all(axis=None)
    assert_frame_equal(got, variance_split(values, w, 10, multipliers=asked), check_exact=True)


def test_without_salib_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "SALib.analyze", None)
    with pytest.raises(InputError) as caught:
        variance_split(random_values(3), weights(1, 1, 1, 1), 1)
    assert "arealstrategi[sensitivity]" in str(caught.value)


# --- all of it


@pytest.mark.parametrize(
    "wrong",
    [{"draws": 50}, {"concentration": 0}, {"drop_share": 1}, {"distance_sd": -0.1}, {"drows": 1}],
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        RobustnessOptions(**wrong)


@pytest.mark.parametrize("rule", [Rule(), Rule("geometric"), Rule("owa", alpha=2.0)])
def test_order_of_rows_and_criteria_and_scale_of_weights_change_nothing(rule):
    values, w = random_values(40, gaps=0.05), weights(0.4, 0.3, 0.2, 0.1)
    near = {"a": random_near(40, 1, 3), "c": random_near(40, 2, 3, seed=1)}
    groups = pd.Series(list("xyxy"), index=w.index)
    one = vary(values, w, near, groups, options(), rule=rule)
    rows, keys = np.random.default_rng(1).permutation(40), list("cadb")
    turned = {
        key: Near(n.effort_m[rows], n.service[rows], n.n_services, n.value_of, n.k)
        for key, n in reversed(near.items())
    }
    other = vary(values.iloc[rows][keys], 7 * w[keys], turned, groups[keys], options(), rule=rule)
    assert_frame_equal(one.parcels, other.parcels.loc[values.index])
    assert_frame_equal(one.intervals, other.intervals.loc[w.index])
    assert_frame_equal(one.methods, other.methods)
    assert_frame_equal(
        one.central_weights, other.central_weights.loc[one.central_weights.index, w.index]
    )
    assert one.facts == other.facts
    assert one.critical == other.critical


def test_a_criterion_of_weight_0_is_not_there():
    values, w = random_values(40), weights(0.4, 0.3, 0.3, 0)
    near = {"a": random_near(40, 1, 3), "d": random_near(40, 1, 3, seed=1)}
    one = vary(values, w, near, None, options())
    other = vary(values[list("abc")], w[:3], {"a": near["a"]}, None, options())
    assert_frame_equal(one.parcels, other.parcels)
    assert_frame_equal(one.intervals, other.intervals)


def test_all_is_told_and_another_seed_tells_a_little_else():
    values, w = random_values(30), weights(0.4, 0.3, 0.2, 0.1)
    near = {"a": random_near(30, 1, 3)}
    got = vary(values, w, near, None, options(top=5))
    assert got.parcels.columns.tolist() == [
        "rank_p05", "rank_p95", "top_share", "first_share", "top_share_any",
        "distance_p05", "distance_p95", "distance_top_share",
        "joint_p05", "joint_p95", "joint_top_share",
    ]  # fmt: skip
    assert (got.parcels["rank_p05"] <= got.parcels["rank_p95"]).all()
    assert got.critical == most_critical(got.intervals)
    assert got.intervals[["top_low", "top_high"]].notna().all(axis=None)
    assert got.facts["criteria whose distances vary"] == "a"
    assert_series_equal(
        got.parcels["top_share"], vary(values, w, {}, None, options(top=5)).parcels["top_share"]
    )
    assert not got.parcels.equals(vary(values, w, near, None, options(top=5, seed=2)).parcels)


@pytest.mark.parametrize("parcels", [0, 1, 3])
def test_few_or_no_parcels_give_small_whole_tables(parcels):
    values = random_values(3).iloc[:parcels]
    got = vary(values, weights(1, 1, 1, 1), {}, None, options())
    assert len(got.parcels) == parcels
    assert got.parcels["top_share"].eq(1).all()
    assert got.parcels[["distance_p05", "joint_top_share"]].isna().all(axis=None)
    assert len(got.intervals) == 4
    assert len(got.methods) == 6
    assert "sets of distances" not in got.facts
