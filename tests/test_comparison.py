"""The laws of comparing two results, and cases worked by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from arealstrategi.comparison import compare, contributions
from arealstrategi.errors import InputError
from results import DOCTOR, EQUAL, LIBRARY, SHOP, STREET, result, results, weights

# --- laws -------------------------------------------------------------------------------------

quick = settings(max_examples=12)
pairs = st.tuples(results(), results())
any_pairs = st.tuples(*[results(("weighted_sum", "geometric", "owa", "minimum"))] * 2)


@quick
@given(results(("weighted_sum", "owa", "geometric")))
def test_a_result_compared_with_itself_shows_no_change(case):
    table, weight = case
    same = compare(table, table, weight, weight, top=2)
    assert (same.parcels["score_change"].dropna() == 0).all()
    assert (same.parcels["rank_change"].dropna() == 0).all()
    assert (same.parcels["class_change"].dropna() == 0).all()
    assert set(same.parcels["top_change"]) <= {"", "stays"}
    assert (same.parcels["why"] == "").all()
    assert same.entering == same.leaving == same.gains == same.losses == []
    assert same.classes.to_numpy().sum() == np.trace(same.classes.to_numpy()) == len(table)
    changes = same.criteria[["value_change", "gained", "lost", "weight_change"]]
    assert (changes.fillna(0) == 0).all(axis=None)
    if (table["rank"] > 1).any():
        assert same.counts["rank_correlation"] == pytest.approx(1)


@quick
@given(any_pairs, st.integers(0, 4))
def test_swapping_the_results_turns_everything_round(pair, top):
    (one, w_one), (two, w_two) = pair
    there = compare(one, two, w_one, w_two, top=top)
    back = compare(two, one, w_two, w_one, top=top)
    turned = back.parcels.loc[there.parcels.index]
    for name in ("score_change", "rank_change", "class_change"):
        assert (turned[name].fillna(99) == -there.parcels[name].fillna(-99)).all()
    for name in ("status", "score", "rank", "class"):
        pd.testing.assert_series_equal(
            turned[f"{name}_after"], there.parcels[f"{name}_before"], check_names=False
        )
    assert (there.entering, there.leaving) == (back.leaving, back.entering)
    assert (there.gains, there.losses) == (back.losses, back.gains)
    assert (there.classes.to_numpy() == back.classes.to_numpy().T).all()
    assert there.counts["class_up"] == back.counts["class_down"]
    assert there.counts["largest_gain"] == -back.counts["largest_loss"]


@quick
@given(any_pairs, st.integers(0, 4))
def test_laws_of_every_comparison(pair, top):
    (one, w_one), (two, w_two) = pair
    told = compare(one, two, w_one, w_two, top=top)
    parcels, change = told.parcels, told.parcels["score_change"]
    # contributions and what they leave over add up to the change of the score
    parts = contributions(one, two, w_one, w_two)
    assert parts.index.equals(parcels.index)
    assert parts.isna().any(axis=1).tolist() == change.isna().tolist()
    known = change.notna()
    assert parts.sum(axis=1)[known].to_numpy() == pytest.approx(change[known].to_numpy(), abs=1e-9)
    # every parcel is told once
    assert sorted(parcels.index) == sorted(set(one.index) | set(two.index))
    assert told.classes.to_numpy().sum() == len(parcels)
    assert told.classes.loc["absent"].sum() == told.counts["only_after"]
    assert told.classes["absent"].sum() == told.counts["only_before"]
    # the top is that of the ranks, in their order
    was, now = (set(t.index[(t["rank"] <= top).fillna(value=False)]) for t in (one, two))
    assert (set(told.entering), set(told.leaving)) == (now - was, was - now)
    assert list(told.entering) == sorted(told.entering, key=lambda i: (two.loc[i, "rank"], i))
    # all that changes says why, and nothing else does
    changed = (
        (change.fillna(0) != 0)
        | (parcels["rank_change"].fillna(0) != 0)
        | (parcels["status_before"].fillna("") != parcels["status_after"].fillna(""))
    )
    assert ((parcels["why"] != "") == changed).all()


@quick
@given(pairs)
def test_laws_of_every_comparison_of_weighted_sums(pair):
    (one, w_one), (two, w_two) = pair
    told = compare(one, two, w_one, w_two, top=2)
    # what moved a score moved it in its own direction
    points, change = told.parcels["why_points"], told.parcels["score_change"]
    assert (points.isna() == change.isna()).all()
    assert (np.sign(points.dropna()) == np.sign(change.dropna())).all()
    # the order of rows and of weights is irrelevant
    mixed = compare(one.iloc[::-1], two.iloc[::-1], w_one[::-1], w_two[::-1], top=2)
    assert (mixed.entering, mixed.leaving) == (told.entering, told.leaving)
    assert (mixed.gains, mixed.losses) == (told.gains, told.losses)
    pd.testing.assert_frame_equal(mixed.parcels.loc[told.parcels.index], told.parcels)
    # the rank correlation is scipy's
    ranks = told.parcels[["rank_before", "rank_after"]].dropna().astype(float)
    assert told.counts["ranked_in_both"] == len(ranks)
    if len(ranks) and (ranks.min() < ranks.max()).all():
        expected = spearmanr(ranks["rank_before"], ranks["rank_after"]).statistic
        assert told.counts["rank_correlation"] == pytest.approx(expected, abs=1e-12)
    else:
        assert np.isnan(told.counts["rank_correlation"])


# --- by hand ----------------------------------------------------------------------------------


def test_a_closed_library_changes_one_criterion_and_is_what_moved_the_scores():
    closed = STREET.assign(**{LIBRARY: 0.0})
    told = compare(result(STREET, EQUAL), result(closed, EQUAL), EQUAL, EQUAL, top=2)
    changed = told.criteria[(told.criteria["gained"] > 0) | (told.criteria["lost"] > 0)]
    assert changed.index.tolist() == [LIBRARY]
    assert changed.loc[LIBRARY, ["compared", "gained", "lost"]].tolist() == [5, 0, 3]
    assert changed.loc[LIBRARY, "value_change"] == pytest.approx(-1.8 / 5)
    parcels = told.parcels
    assert parcels["score_change"].tolist() == pytest.approx([-100 / 3, -20, 0, 0, -20 / 3])
    assert parcels["why"].tolist() == [LIBRARY, LIBRARY, "other_parcels", "", LIBRARY]
    assert parcels["why_points"].tolist() == pytest.approx([-100 / 3, -20, 0, 0, -20 / 3])
    # b had 70 points and has 50; a had 97 and has 63; c has 60 as before and goes past b
    assert (told.entering, told.leaving) == (["c"], ["b"])
    assert parcels["rank_change"].tolist() == [0, -1, 1, 0, 0]
    assert parcels["class_change"].tolist() == [-1, 0, 0, 0, 0]
    assert told.losses == ["a", "b"]


def test_changed_weights_are_named_where_the_value_is_the_same():
    heavy = weights(1, 1, 4)
    told = compare(result(STREET, EQUAL), result(STREET, heavy), EQUAL, heavy)
    # c: the doctor gains (4/6 - 1/3) x 0.8 x 100, the shop loses (1/3 - 1/6) x 100
    assert told.parcels.loc["c", "why"] == f"weight: {DOCTOR}"
    assert told.parcels.loc["c", "why_points"] == pytest.approx(80 / 3)
    assert told.parcels.loc["c", "score_change"] == pytest.approx(80 / 3 - 100 / 6)
    assert told.parcels.loc["e", "why"] == f"weight: {LIBRARY}"
    assert told.criteria["weight_change"].tolist() == pytest.approx([-1 / 6, -1 / 6, 1 / 3])
    assert (told.criteria[["gained", "lost"]] == 0).all(axis=None)


def test_a_lifted_constraint_gives_a_class_and_is_named():
    told = compare(
        result(STREET, EQUAL, flood="ac", deducted="ab"),
        result(STREET, EQUAL, deducted="ab"),
        EQUAL,
        EQUAL,
        top=3,
    )
    parcels = told.parcels
    assert parcels.loc[["a", "c"], "why"].tolist() == ["Flom", "Flom"]
    assert parcels.loc["a", ["status_before", "status_after"]].tolist() == ["excluded", "assessed"]
    assert told.classes.loc["excluded", "very_suitable"] == 1
    assert told.classes.loc["excluded", "suitable"] == 1
    assert parcels["class_change"].isna().tolist() == [True, False, True, False, False]
    assert told.entering == ["a", "c"]
    assert told.counts["assessed_only_after"] == 2
    assert told.counts["compared"] == 5


def test_of_several_reasons_that_go_the_one_that_ruled_the_parcel_out_is_named():
    before = result(STREET, EQUAL, flood="a")
    before["reasons"] = ["Støy;Flom", "Støy", "", "", ""]
    told = compare(before, result(STREET, EQUAL), EQUAL, EQUAL)
    assert told.parcels.loc["a", "why"] == "Flom"


def test_what_excludes_and_what_is_unknown_is_named_by_what_came():
    after = result(STREET, EQUAL, flood="a", missing="b")
    after.loc["b", "reasons"] = "not_connected"
    told = compare(result(STREET, EQUAL), after, EQUAL, EQUAL)
    assert told.parcels.loc[["a", "b"], "why"].tolist() == ["Flom", "not_connected"]
    assert told.parcels.loc[["a", "b"], "why_points"].isna().all()
    assert told.counts["assessed_only_before"] == 2


def test_a_new_deduction_is_named_and_a_changed_one_is_a_deduction():
    plain, noisy = result(STREET, EQUAL), result(STREET, EQUAL, deducted="abc")
    new = compare(plain, noisy, EQUAL, EQUAL).parcels
    assert new.loc["a", "why"] == "Støy"
    assert new.loc["a", "why_points"] == pytest.approx(-7)
    dearer = noisy.assign(score=noisy["score"] - np.where(noisy["reasons"] == "Støy", 5, 0))
    changed = compare(noisy, dearer, EQUAL, EQUAL).parcels
    assert changed.loc["a", "why"] == "deduction"
    assert changed.loc["a", "why_points"] == pytest.approx(-5)


def test_another_method_is_named_and_its_points_are_what_the_criteria_do_not_explain():
    plain, least = result(STREET, EQUAL), result(STREET, EQUAL, method="minimum")
    told = compare(plain, least, EQUAL, EQUAL).parcels
    assert set(told["why"]) == {"method"}
    assert told["why_points"].tolist() == pytest.approx(told["score_change"].tolist())


def test_where_neither_score_is_a_sum_the_criterion_is_named_without_points():
    closed = STREET.assign(**{LIBRARY: 0.0})
    before, after = (result(v, EQUAL, method="geometric") for v in (STREET, closed))
    told = compare(before, after, EQUAL, EQUAL).parcels
    assert told.loc["a", "why"] == LIBRARY
    assert np.isnan(told.loc["a", "why_points"])


def test_parcels_of_one_result_alone_keep_their_place_label_and_geometry():
    before, after = result(STREET, EQUAL).iloc[:3], result(STREET, EQUAL).iloc[2:]
    told = compare(before, after, EQUAL, EQUAL, top=1)
    parcels = told.parcels
    assert parcels.index.tolist() == list("abcde")
    assert parcels.index.name == "parcel_id"
    assert parcels["found_in"].tolist() == ["before", "before", "both", "after", "after"]
    assert (
        parcels["why"].tolist()
        == ["only_before"] * 2 + ["other_parcels"] * 0 + [""] + ["only_after"] * 2
    )
    assert parcels["label"].tolist() == [f"Gate {i}" for i in "abcde"]
    assert parcels.geometry.x.tolist() == [0, 1, 2, 3, 4]
    assert parcels.crs == before.crs == 25832
    assert parcels["score_change"].notna().tolist() == [False, False, True, False, False]
    assert told.classes.loc["very_suitable", "absent"] == 1
    assert told.classes.loc["absent"].sum() == 2


def test_a_criterion_of_one_result_alone_counts_as_weight_from_or_to_nothing():
    two = weights(1, 1)
    told = compare(result(STREET[[LIBRARY, SHOP]], two), result(STREET, EQUAL), two, EQUAL)
    doctor = told.criteria.loc[DOCTOR]
    assert doctor[["compared", "weight_before"]].tolist() == [0, 0]
    assert doctor["weight_change"] == pytest.approx(1 / 3)
    assert np.isnan(doctor["value_change"])
    # c: the doctor brings 26.7, library and shop lose weight
    assert told.parcels.loc["c", "why"] == f"weight: {DOCTOR}"


def test_a_users_own_column_that_ends_like_a_value_is_no_criterion():
    before = result(STREET, EQUAL).assign(land_value="dyr")
    told = compare(before, before, EQUAL, EQUAL)
    assert told.criteria.index.tolist() == [LIBRARY, SHOP, DOCTOR]


def test_a_value_that_becomes_known_moves_the_score_by_what_it_gives():
    hole = STREET.copy()
    hole.loc["a", SHOP] = np.nan
    before, after = result(hole, EQUAL), result(STREET, EQUAL)
    before.loc["a", "reasons"] = "left_out_of_score: Dagligvare"
    # a had the mean of 1.0 and 0.9; the shop's third brings 33.3, the others' shares shrink
    assert before.loc["a", "score"] == pytest.approx(95)
    parts = contributions(before, after, EQUAL, EQUAL).loc["a"]
    assert parts.tolist() == pytest.approx([-100 / 6, 100 / 3, -15, 0])
    told = compare(before, after, EQUAL, EQUAL)
    assert told.criteria.loc[SHOP, ["compared", "gained", "lost"]].tolist() == [4, 0, 0]
    assert told.parcels.loc["a", "why"] == SHOP
    # counted as the worst it gave nothing, and the others had their own weight
    before.loc["a", ["reasons", "score"]] = ["counted_as_worst: Dagligvare", 190 / 3]
    parts = contributions(before, after, EQUAL, EQUAL).loc["a"]
    assert parts.tolist() == pytest.approx([0, 100 / 3, 0, 0])


def test_a_class_that_a_gate_caps_is_told_although_the_score_is_the_same():
    before, after = result(STREET, EQUAL), result(STREET, EQUAL)
    after.loc["a", ["class", "reasons"]] = ["less_suitable", "group_below_minimum: health"]
    told = compare(before, after, EQUAL, EQUAL).parcels.loc["a"]
    assert told[["score_change", "rank_change", "class_change"]].tolist() == [0, 0, -2]
    assert told["why"] == "group_below_minimum: health"


def test_rounding_noise_is_no_change():
    before = result(STREET, EQUAL)
    noisy = before.assign(score=before["score"] + 4e-10, shop_value=before["shop_value"] + 1e-11)
    told = compare(before, noisy, EQUAL, EQUAL)
    assert (told.parcels["score_change"] == 0).all()
    assert (told.parcels["why"] == "").all()
    assert (told.criteria[["gained", "lost"]] == 0).all(axis=None)


def test_results_read_back_from_a_file_compare_as_the_ones_in_memory(tmp_path):
    before = result(STREET, EQUAL, flood="a", deducted="b")
    after = result(STREET.assign(**{SHOP: 0.5}), EQUAL, missing="c")
    read = []
    for name, table in (("before", before), ("after", after)):
        table.reset_index().to_file(tmp_path / f"{name}.gpkg", layer="parcels")
        read.append(gpd.read_file(tmp_path / f"{name}.gpkg").set_index("parcel_id"))
    told, again = compare(before, after, EQUAL, EQUAL), compare(*read, EQUAL, EQUAL)
    assert again.counts == pytest.approx(told.counts, nan_ok=True)
    assert (again.classes == told.classes).all(axis=None)
    assert again.parcels["why"].tolist() == told.parcels["why"].tolist()


def test_neither_table_is_written_into():
    before, after = result(STREET, EQUAL, flood="a"), result(STREET * 0.5, EQUAL)
    copies = before.copy(), after.copy()
    compare(before, after, EQUAL, EQUAL)
    pd.testing.assert_frame_equal(before, copies[0])
    pd.testing.assert_frame_equal(after, copies[1])


# --- what cannot be compared ------------------------------------------------------------------


def test_results_without_a_common_parcel_are_refused_with_a_hint():
    other = result(STREET, EQUAL).rename(index="x{}".format)
    with pytest.raises(InputError, match="no parcel in common") as problem:
        compare(result(STREET, EQUAL), other, EQUAL, EQUAL)
    assert "'a'" in problem.value.message
    assert "'xa'" in problem.value.message
    assert "`id`" in problem.value.hint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.to_crs(25833), "before EPSG:25832, after EPSG:25833"),
        (lambda t: t.set_crs(None, allow_override=True), "after no CRS"),
        (lambda t: t.drop(columns="reasons"), r"after lacks the columns \['reasons'\]"),
        (lambda t: t.iloc[[0, 0, 1]], "'a' more than once"),
        (lambda t: t.drop(columns="shop_value"), r"without a column of values: \['shop'\]"),
        (lambda t: t.assign(**{"class": None}), "after does not judge 'a'"),
        (lambda t: t.assign(status=None), "after does not judge 'a'"),
    ],
)
def test_a_table_that_is_no_result_is_a_mistake_of_the_caller(change, said):
    table = result(STREET, EQUAL)
    with pytest.raises(ValueError, match=said):
        compare(table, change(table), EQUAL, EQUAL)
