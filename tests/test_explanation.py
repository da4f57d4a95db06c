"""The laws of an explanation, and cases worked by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi.errors import InputError
from arealstrategi.explanation import explain, find_parcel, side_by_side, values_in
from results import judged, model_of

# --- laws of a sum ----------------------------------------------------------------------------

quick = settings(max_examples=30)
shares = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1)
CRITERIA = ["library", "shop", "doctor", "park"]


@st.composite
def sums(draw):
    """Parcels scored by a weighted sum, with what is missing, deducted and ruled out."""
    policy = draw(st.sampled_from(["require", "reweight", "worst"]))
    as_owa = draw(st.booleans())
    weights = {key: draw(st.floats(0, 1)) for key in CRITERIA[1:]} | {"library": 1.0}
    model = model_of(
        {key: weights[key] for key in CRITERIA},
        missing=policy,
        method="owa" if as_owa else "weighted_sum",
    )
    index = list("abcdef")[: draw(st.integers(1, 6))]
    some = st.lists(st.sampled_from(index), max_size=2)
    maybe = shares | st.just(np.nan)
    values = pd.DataFrame({key: [draw(maybe) for _ in index] for key in CRITERIA}, index)
    deduction = dict.fromkeys(draw(some), draw(st.floats(0, 60)))
    return judged(values, model, excluded=draw(some), deduction=deduction), model, deduction


@quick
@given(sums())
def test_points_less_the_deduction_are_the_score_and_differences_the_distance_to_the_mean(case):
    table, model, deducted = case
    assessed = table[table["status"] == "assessed"]
    told = {parcel: explain(table, model, parcel) for parcel in table.index}
    for parcel, one in told.items():
        score = table.loc[parcel, "score_if_allowed"]
        if np.isnan(score):
            continue
        points = one.criteria["points"]
        assert points.sum() - one.deduction == pytest.approx(score, abs=1e-9)
        assert one.is_exact
        # what is taken off is what the rules take, but no score falls below 0
        off = min(deducted.get(parcel, 0.0), points.sum())
        assert one.deduction == pytest.approx(off, abs=1e-9)
        # what counts has all the weight, and what is left out none
        assert one.criteria["weight"].sum() == pytest.approx(1, abs=1e-9)
        assert (one.criteria["weight"][one.criteria["value"].isna()] == 0).all()
        if len(assessed):
            rest = one.criteria["difference"].sum() + one.mean_deduction - one.deduction
            assert rest == pytest.approx(score - assessed["score"].mean(), abs=1e-9)
    if len(assessed):
        own = pd.DataFrame({parcel: told[parcel].criteria["points"] for parcel in assessed.index})
        for one in told.values():
            assert one.criteria["mean_points"].to_numpy() == pytest.approx(own.mean(axis=1))
            assert one.facts["ranked"] == len(assessed)
            assert one.facts["mean_score"] == pytest.approx(assessed["score"].mean())


@quick
@given(sums())
def test_what_could_be_gained_is_what_the_score_gains(case):
    table, model, _ = case
    parcel = table.index[0]
    if np.isnan(table.loc[parcel, "score_if_allowed"]):
        return
    one = explain(table, model, parcel)
    for key in CRITERIA:
        gain = one.criteria.loc[key, "could_gain"]
        if pd.isna(one.criteria.loc[key, "value"]):
            assert not gain > 0  # it is left out for this parcel
            continue
        best = values_in(table.loc[[parcel]], model.criteria)
        best[key] = 1.0
        again = judged(best, model)["score_if_allowed"].iloc[0]
        assert gain == pytest.approx(again - one.criteria["points"].sum(), abs=1e-9)


@quick
@given(sums())
def test_strongest_weakest_and_lifts_are_the_largest_and_in_order(case):
    table, model, _ = case
    for parcel in table.index:
        one = explain(table, model, parcel)
        known = one.criteria["value"].notna()  # what is left out neither lifts nor pulls down
        difference = one.criteria["difference"].where(known)
        gain = one.criteria["could_gain"]
        for keys, by in (
            (one.strongest, difference),
            (one.weakest, -difference),
            (one.lifts, gain),
        ):
            chosen, others = by[keys], by.drop(keys)
            assert len(keys) == min(3, int((by > 0).sum()))
            assert (chosen > 0).all()
            assert chosen.is_monotonic_decreasing
            assert not len(keys) or not others.max() > chosen.min()


# --- by hand ----------------------------------------------------------------------------------

THREE = pd.DataFrame({"library": [1.0, 0.5, 0.25], "shop": [0.25, 0.5, 1.0]}, index=list("abc"))


def test_a_weighted_sum_by_hand():
    model = model_of({"library": 3, "shop": 1})
    one = explain(judged(THREE, model, deduction={"a": 7, "b": 4}), model, "a")
    # a has 75 and 6.25 less 7, b 37.5 and 12.5 less 4, c 18.75 and 25
    assert one.facts["score"] == pytest.approx(74.25)
    assert one.facts["mean_score"] == pytest.approx((74.25 + 46 + 43.75) / 3)
    assert one.criteria["points"].tolist() == pytest.approx([75, 6.25])
    assert one.criteria["mean_points"].tolist() == pytest.approx([43.75, 43.75 / 3])
    assert one.criteria["difference"].tolist() == pytest.approx([31.25, -25 / 3])
    assert one.criteria["could_gain"].tolist() == pytest.approx([0, 18.75])
    assert (one.deduction, one.mean_deduction) == pytest.approx((7, 11 / 3))
    assert (one.strongest, one.weakest, one.lifts) == (["library"], ["shop"], ["shop"])
    assert [one.facts[name] for name in ("rank", "ranked", "class")] == [1, 3, "suitable"]


def test_what_is_left_out_gives_its_weight_to_the_others():
    model = model_of({"library": 8, "shop": 1, "doctor": 1}, missing="reweight")
    values = pd.DataFrame(
        {"library": [0.5, 1.0], "shop": [np.nan, 0.0], "doctor": [1.0, 0.0]}, index=list("ab")
    )
    one = explain(judged(values, model), model, "a")
    assert one.facts["score"] == pytest.approx(100 * (0.8 * 0.5 + 0.1) / 0.9)
    assert one.criteria["weight"].tolist() == pytest.approx([8 / 9, 0, 1 / 9])
    assert one.criteria["points"].tolist() == pytest.approx([400 / 9, 0, 100 / 9])
    assert one.lifts == ["library"]


# put to the median 0.5 one at a time, and to 1
@pytest.mark.parametrize(
    ("options", "total", "difference", "gain"),
    [
        # sqrt(1 x .25) = .5; sqrt(.5 x .25) = .354; sqrt(1 x .5) = .707; sqrt(1 x 1) = 1
        ({"method": "geometric"}, 50, [14.6446609, -20.7106781], [0, 50]),
        # the better of two equal ones weighs .5² = .25, the worse 1 - .25
        ({"method": "owa", "alpha": 2.0}, 43.75, [12.5, -18.75], [0, 56.25]),
        ({"method": "minimum"}, 25, [0, -25], [0, 75]),
    ],
)  # fmt: skip
def test_where_points_are_no_sum_each_criterion_is_put_to_its_median(
    options, total, difference, gain
):
    model = model_of({"library": 1, "shop": 1}, **options)
    one = explain(judged(THREE, model, deduction={"a": 5}), model, "a")
    assert one.facts["score"] == pytest.approx(total - 5)
    assert not one.is_exact
    assert one.criteria["points"].isna().all()
    assert one.criteria["difference"].tolist() == pytest.approx(difference)
    assert one.criteria["could_gain"].tolist() == pytest.approx(gain)
    assert one.deduction == pytest.approx(5)
    assert one.mean_deduction == pytest.approx(5 / 3)
    assert one.weakest == one.lifts == ["shop"]


def test_only_critical_criteria_have_a_say_in_a_minimum_of_them():
    model = model_of({"library": 1, "shop": 1}, critical=["library"], method="minimum")
    one = explain(judged(THREE, model), model, "a")
    assert one.facts["score"] == 100
    assert one.criteria["weight"].tolist() == [1, 0]
    assert one.criteria["difference"].tolist() == pytest.approx([50, 0])
    assert one.lifts == []


def test_what_counts_as_the_worst_does_so_in_the_median_as_well():
    model = model_of({"library": 1, "shop": 1}, method="geometric", missing="worst")
    values = THREE.assign(shop=[0.25, np.nan, np.nan])
    one = explain(judged(values, model), model, "a")
    # two of three shops count as 0, and so as the floor of .01: sqrt(1 x .01) = .1
    assert one.criteria["difference"].tolist()[1] == pytest.approx(50 - 10)


def test_what_is_left_out_has_no_say_where_points_are_no_sum():
    model = model_of({"library": 9, "shop": 1}, method="geometric", missing="reweight")
    one = explain(judged(THREE.assign(shop=[np.nan, 0.5, 1.0]), model), model, "a")
    assert one.criteria["difference"].tolist() == pytest.approx([50, 0])
    assert one.lifts == []


def test_a_criterion_without_weight_is_told_but_changes_nothing():
    model = model_of({"library": 1, "shop": 0})
    one = explain(judged(THREE, model), model, "c")
    assert one.criteria.loc["shop", "value"] == 1
    assert one.criteria.loc["shop", ["points", "difference", "could_gain"]].tolist() == [0, 0, 0]


def test_an_excluded_parcel_tells_the_score_it_would_have():
    model = model_of({"library": 1, "shop": 1}, effects={"Flom": "exclude"})
    findings = pd.DataFrame(
        {
            "parcel_id": ["a", "a", "a", "b"],
            "constraint": ["Flom", "Støy", "Skred", "Flom"],
            "answer": ["hit", "not_mapped", "no_hit", "hit"],
            "share": [0.4, 0.0, 0.0, 1.0],
        }
    )
    table = judged(THREE, model, excluded="a", reasons={"a": "Flom;not_mapped: Støy"})
    one = explain(table, model, "a", findings=findings)
    assert np.isnan(one.facts["score"])
    assert one.facts["score_if_allowed"] == pytest.approx(62.5)
    assert one.criteria["points"].sum() == pytest.approx(62.5)
    # the mean is of the others: 50 and 62.5
    assert one.facts["mean_score"] == pytest.approx(56.25)
    assert one.facts["ranked"] == 2
    assert one.constraints["constraint"].tolist() == ["Flom", "Støy"]
    assert one.constraints["effect"].fillna("").tolist() == ["exclude", ""]
    assert one.constraints["share"].tolist() == [0.4, 0.0]
    assert one.reasons == ("Flom", "not_mapped: Støy")


def test_a_parcel_with_missing_data_has_what_is_known_of_it_and_no_sum():
    model = model_of({"library": 1, "shop": 1})
    one = explain(judged(THREE.assign(shop=[np.nan, 0.5, 1.0]), model), model, "a")
    assert one.facts["status"] == "missing_data"
    assert np.isnan(one.facts["score_if_allowed"])
    assert np.isnan(one.deduction)
    assert one.criteria["value"].isna().tolist() == [False, True]


@pytest.mark.parametrize("method", ["weighted_sum", "geometric"])
def test_where_nothing_is_assessed_there_is_no_mean_to_compare_with(method):
    model = model_of({"library": 1, "shop": 1}, method=method)
    one = explain(judged(THREE, model, excluded="abc"), model, "a")
    assert np.isnan(one.facts["mean_score"])
    assert one.facts["ranked"] == 0
    assert one.criteria["difference"].isna().all()
    assert one.strongest == one.weakest == []
    assert one.lifts == ["shop"]


def test_a_site_is_compared_with_the_parcels_and_has_its_place_among_them():
    model = model_of({"library": 1, "shop": 1})
    parcels = judged(THREE, model)
    sites = judged(THREE.iloc[[1]].rename({"b": "tomt"}), model).assign(place_among_parcels=3)
    one = explain(sites, model, "tomt", compared_with=parcels)
    assert one.facts["mean_score"] == pytest.approx(parcels["score"].mean())
    assert (one.facts["ranked"], one.facts["place_among_parcels"]) == (3, 3)


def test_the_nearest_service_and_what_was_measured_are_told_for_each_criterion():
    model = model_of({"library": 1, "shop": 1})
    table = judged(THREE, model).assign(
        library_service=["Bokhuset", None, None], library_walk_m=[80.5, 10.0, np.nan], shop_raw=7
    )
    told = explain(table, model, "a").criteria
    assert told["service"].tolist() == ["Bokhuset", None]
    assert told["walk_m"].tolist() == [80.5, None]
    assert told["raw"].tolist() == [None, 7]


def test_tables_are_not_written_into():
    model = model_of({"library": 1, "shop": 1}, method="geometric")
    table, criteria = judged(THREE, model), model.criteria.copy()
    before = table.copy()
    explain(table, model, "a")
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(model.criteria, criteria)


def test_an_unknown_id_is_a_mistake_of_the_caller():
    model = model_of({"library": 1, "shop": 1})
    with pytest.raises(KeyError, match="zz"):
        explain(judged(THREE, model), model, "zz")


# --- which parcel is meant --------------------------------------------------------------------


@pytest.fixture
def named():
    return pd.DataFrame(
        {
            "property": ["3907-32/16", "3907-32/16", "3907-33/1", pd.NA],
            "label": ["Storgata 1", "Storgata 2", "Torget", "Torget"],
        },
        index=["3907-32/16-1", "3907-32/16-2", "3907-33/1-1", "Torget"],
    )


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("3907-32/16-2", "3907-32/16-2"),
        ("3907-33/1", "3907-33/1-1"),
        ("Storgata 2", "3907-32/16-2"),
        ("Torget", "Torget"),  # an id goes before labels
    ],
)
def test_a_parcel_is_found_by_id_cadastral_number_and_label(named, asked, meant):
    assert find_parcel(named, asked) == meant


@pytest.mark.parametrize("column", ["property", "label"])
def test_a_name_that_several_parcels_have_is_refused_with_their_ids(named, column):
    named = named.rename({"Torget": "x"}).assign(label=["Torget", "Torget", "a", "b"])
    asked = {"property": "3907-32/16", "label": "Torget"}[column]
    with pytest.raises(InputError, match="2 parcels are called") as problem:
        find_parcel(named, asked)
    assert "3907-32/16-1, 3907-32/16-2" in problem.value.hint


@pytest.mark.parametrize(
    ("asked", "near"),
    [("3907-32/16-3", "3907-32/16-2"), ("Storgatta 2", "Storgata 2"), ("3907-33/11", "3907-33/1")],
)
def test_of_an_unknown_name_the_nearest_are_told(named, asked, near):
    with pytest.raises(InputError, match="there is no parcel") as problem:
        find_parcel(named, asked)
    assert near in problem.value.hint


def test_where_nothing_is_near_an_id_is_shown(named):
    with pytest.raises(InputError) as problem:
        find_parcel(named[[]], "Blåbærskogen")
    assert problem.value.hint == "An id looks like 3907-32/16-1."


# --- side by side -----------------------------------------------------------------------------


def test_sites_stand_side_by_side_with_every_fact():
    model = model_of({"library": 1, "shop": 1})
    table = judged(THREE, model, excluded="b", reasons={"b": "Flom"}).assign(
        library_service=["Bokhuset", "Bokhuset", None],
        library_walk_m=[80.0, 200.0, np.nan],
        shop_raw=[1.0, 2.0, 3.0],
        place_among_parcels=[1, pd.NA, 1],
    )
    beside = side_by_side([explain(table, model, parcel) for parcel in "abc"])
    assert beside.columns.tolist() == ["a", "b", "c"]
    assert beside.index.name == "fact"
    assert beside.loc["label"].tolist() == ["Gate a", "Gate b", "Gate c"]
    assert beside.loc["score"].dropna().tolist() == pytest.approx([62.5, 62.5])
    assert beside.loc["score_if_allowed"].tolist() == pytest.approx([62.5, 50, 62.5])
    assert beside.loc["library: value"].tolist() == [1, 0.5, 0.25]
    assert beside.loc["library: points"].tolist() == pytest.approx([50, 25, 12.5])
    assert beside.loc["library: service"].fillna("").tolist() == ["Bokhuset", "Bokhuset", ""]
    assert beside.loc["library: walk_m"].fillna(-1).tolist() == [80, 200, -1]
    assert beside.loc["shop: raw"].tolist() == [1, 2, 3]
    assert beside.loc["place_among_parcels"].fillna(0).tolist() == [1, 0, 1]
    assert beside.loc["reasons"].tolist() == ["", "Flom", ""]
    assert "shop: service" not in beside.index
    assert beside.index.is_unique
