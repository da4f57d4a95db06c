"""Shares against shapely's own overlay, and the three answers."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi.constraints import Constraint, deduction, excluded, find_all, find_hits, reasons

CRS = 25832


def parcels(*shapes):
    index = pd.Index([f"p{i}" for i in range(len(shapes))], name="parcel_id")
    return gpd.GeoDataFrame(geometry=list(shapes), crs=CRS, index=index)


def rule(*zones, name="Flom", effect="exclude", mapped=None, points=10.0, **more):
    surveyed = None if mapped is None else gpd.GeoSeries(mapped, crs=CRS)
    return Constraint(name, effect, points, gpd.GeoSeries(list(zones), crs=CRS), surveyed, **more)


def test_share_hit_no_hit_and_not_mapped():
    plots = parcels(
        shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10), shapely.box(40, 0, 50, 10)
    )
    found = find_hits(plots, rule(shapely.box(5, 0, 15, 10), mapped=[shapely.box(0, 0, 35, 10)]))
    assert found["answer"].tolist() == ["hit", "no_hit", "not_mapped"]
    assert found["share"].tolist() == pytest.approx([0.5, 0, 0])


def test_overlapping_zones_do_not_count_twice():
    found = find_hits(
        parcels(shapely.box(0, 0, 10, 10)), rule(shapely.box(0, 0, 5, 10), shapely.box(2, 0, 6, 10))
    )
    assert found["share"].tolist() == pytest.approx([0.6])


def test_a_shared_border_or_a_sliver_is_no_hit():
    plots = parcels(shapely.box(0, 0, 10, 10))
    assert find_hits(plots, rule(shapely.box(10, 0, 20, 10)))["answer"].tolist() == ["no_hit"]
    assert find_hits(plots, rule(shapely.box(9.96, 0, 20, 10)))["answer"].tolist() == ["no_hit"]
    assert find_hits(plots, rule(shapely.box(9.9, 0, 20, 10)))["answer"].tolist() == ["hit"]


def test_a_candidate_point_is_hit_when_it_lies_in_a_zone():
    points = parcels(shapely.Point(1, 1), shapely.Point(99, 99))
    found = find_hits(points, rule(shapely.box(0, 0, 2, 2), mapped=[shapely.box(0, 0, 9, 9)]))
    assert found["answer"].tolist() == ["hit", "not_mapped"]


def test_no_zone_at_all_hits_nobody():
    assert find_hits(parcels(shapely.box(0, 0, 1, 1)), rule())["answer"].tolist() == ["no_hit"]


boxes = st.builds(
    lambda x, y, w, h: shapely.box(x, y, x + w, y + h),
    st.integers(0, 20), st.integers(0, 20), st.integers(1, 12), st.integers(1, 12),
)  # fmt: skip


@given(st.lists(boxes, min_size=1, max_size=5), st.lists(boxes, max_size=5))
@settings(max_examples=60)
def test_shares_agree_with_a_plain_overlay(plots, zones):
    found = find_hits(parcels(*plots), rule(*zones))
    together = shapely.union_all(zones) if zones else shapely.Polygon()
    expected = [plot.intersection(together).area / plot.area for plot in plots]
    assert found["share"].to_numpy() == pytest.approx(np.array(expected), abs=1e-9)


def test_each_effect_does_what_it_says_and_every_reason_is_named():
    plots = parcels(shapely.box(0, 0, 10, 10), shapely.box(90, 0, 99, 10))
    rules = (
        rule(shapely.box(0, 0, 9, 9), name="Flom"),
        rule(shapely.box(0, 0, 9, 9), name="Støy", effect="condition", mapped=[shapely.box(0, 0, 20, 20)]),  # noqa: E501
        rule(shapely.box(90, 0, 99, 9), name="Marka", effect="deduct", points=15.0),
    )  # fmt: skip
    hits, shares = find_all(plots, rules)
    assert shares["Flom"].tolist() == pytest.approx([0.81, 0])
    assert excluded(hits, rules).tolist() == [True, False]
    assert deduction(hits, rules).tolist() == [0.0, 15.0]
    told = {name: flag.tolist() for name, flag in reasons(hits).items()}
    assert told["Flom"] == [True, False]
    assert told["Støy"] == [True, False]
    assert told["not_mapped: Støy"] == [False, True]
    assert not excluded(find_all(plots, ())[0], ()).any()
    assert deduction(find_all(plots, ())[0], ()).tolist() == [0.0, 0.0]


def test_zones_that_are_taken_off_rule_nobody_out_and_deduct_nothing_by_themselves():
    plots = parcels(shapely.box(0, 0, 10, 10))
    rules = tuple(
        rule(shapely.box(0, 0, 9, 9), name=effect, effect=effect, by="net_area", points=15.0)
        for effect in ("exclude", "condition", "deduct")
    )
    hits, _ = find_all(plots, rules)
    assert not excluded(hits, rules).any()
    assert deduction(hits, rules).tolist() == [0.0]
    told = {name: flag.tolist() for name, flag in reasons(hits).items() if flag.any()}
    assert list(told) == ["exclude", "condition", "deduct"]  # but it is told that they are there


def test_a_rule_may_begin_at_a_share_of_the_parcel():
    plots = parcels(shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10))
    zones = [shapely.box(0, 0, 4, 10), shapely.box(20, 0, 23, 10)]
    rules = (
        rule(*zones, name="Flom", from_share=0.4),
        rule(*zones, name="Støy", effect="deduct", points=5.0, from_share=0.3),
        rule(*zones, name="Alt", effect="condition"),
    )
    hits, shares = find_all(plots, rules)
    assert hits["Flom"].tolist() == ["hit", "below_share"]
    assert excluded(hits, rules).tolist() == [True, False]
    assert deduction(hits, rules).tolist() == [5.0, 5.0]
    assert hits["Alt"].tolist() == ["hit", "hit"]
    # less than asked for is told in the answers, with the share, and is no reason
    assert not reasons(hits)["Flom"].iloc[1]
    assert shares["Flom"].iloc[1] == pytest.approx(0.3)


def test_several_deductions_add_up_and_several_reasons_are_all_kept():
    plots = parcels(shapely.box(0, 0, 10, 10))
    rules = tuple(
        rule(shapely.box(0, 0, 9, 9), name=name, effect="deduct", points=points)
        for name, points in (("Støy", 10.0), ("Skygge", 2.5), ("Vei", 0.0))
    )
    hits, _ = find_all(plots, rules)
    assert deduction(hits, rules).tolist() == [12.5]
    assert [name for name, flag in reasons(hits).items() if flag.all()] == ["Støy", "Skygge", "Vei"]


def test_answers_that_are_known_already_are_taken_as_they_are_parcel_by_parcel():
    plots = parcels(*[shapely.box(i * 20, 0, i * 20 + 10, 10) for i in range(3)])
    found = pd.DataFrame(
        {"answer": ["no_hit", "hit", "not_mapped"], "share": [0, 1, np.nan]},
        index=pd.Index(["p2", "p0", "p1"], name="parcel_id"),
    )
    answers = find_hits(plots, rule(found=found))["answer"]
    assert answers.to_dict() == {"p0": "hit", "p1": "not_mapped", "p2": "no_hit"}


@given(st.lists(boxes, min_size=1, max_size=4), st.lists(boxes, max_size=4), st.floats(0, 1))
@settings(max_examples=30)
def test_asking_for_more_of_a_parcel_never_hits_one_more(plots, zones, share):
    table = parcels(*plots)
    any_of_it = find_hits(table, rule(*zones))
    so_much = find_hits(table, rule(*zones, from_share=share))
    hit = so_much["answer"] == "hit"
    assert (any_of_it["answer"][hit] == "hit").all()
    assert (any_of_it["share"][hit] >= share - 1e-9).all()
    assert so_much["share"].equals(any_of_it["share"])
