"""One place, one service, however often it was mapped; two shops stay two."""

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box

from arealstrategi.sources.places import merge_same_places

HOUSE = box(0, 0, 40, 30)


def table(*rows):
    """Each row: category, name, kind, geometry."""
    plain = pd.DataFrame(
        [(f"s{i}", *row[:3]) for i, row in enumerate(rows)],
        columns=["service_id", "category", "name", "kind"],
        dtype="str",
    )
    return gpd.GeoDataFrame(plain, geometry=[row[3] for row in rows], crs=25832)


def ids_after(*rows):
    merged, gone = merge_same_places(table(*rows))
    assert len(merged) + gone == len(rows)
    return merged["service_id"].tolist()


def test_a_shop_mapped_as_node_and_as_building_is_one_service_with_the_polygon_and_the_name():
    merged, gone = merge_same_places(
        table(
            ("grocery", "Kiwi", "shop=supermarket", Point(10, 10)),
            ("grocery", "", "shop=supermarket", HOUSE),
        )
    )
    assert gone == 1
    assert merged["name"].tolist() == ["Kiwi"]
    assert merged.geometry.iloc[0].equals(HOUSE)


@pytest.mark.parametrize(("metres", "services"), [(0.0, 1), (8.0, 1), (12.0, 2)])
def test_a_node_at_the_door_belongs_to_the_building_and_one_across_the_street_does_not(
    metres, services
):
    door = Point(40 + metres, 10)
    assert len(ids_after(("g", "Kiwi", "a", door), ("g", "Kiwi", "b", HOUSE))) == services


@pytest.mark.parametrize(
    "mall",
    [
        ("grocery", "Storsenteret", "shop=supermarket", HOUSE),
        ("small_shops", "Storsenteret", "shop=mall", HOUSE),
    ],
)
def test_two_different_shops_in_one_mall_stay_two(mall):
    kept = ids_after(
        mall,
        ("grocery", "Kiwi", "shop=supermarket", Point(10, 10)),
        ("grocery", "Rema 1000", "shop=supermarket", Point(30, 10)),
    )
    assert kept == ["s0", "s1", "s2"]


def test_two_named_shops_in_a_nameless_building_stay_two_services():
    merged, _ = merge_same_places(
        table(
            ("grocery", "", "shop=supermarket", HOUSE),
            ("grocery", "Kiwi", "shop=supermarket", Point(10, 10)),
            ("grocery", "Rema 1000", "shop=supermarket", Point(30, 10)),
        )
    )
    assert sorted(merged["name"]) == ["Kiwi", "Rema 1000"]


def test_one_place_in_two_categories_stays_in_both():
    rows = [("doctor", "Legesenteret", "a", HOUSE), ("care", "Legesenteret", "a", Point(9, 9))]
    assert ids_after(*rows) == ["s0", "s1"]


def test_the_letter_case_of_a_name_makes_no_second_place():
    assert ids_after(("g", "KIWI Å", "a", Point(9, 9)), ("g", "Kiwi å", "b", HOUSE)) == ["s1"]


def test_a_nameless_node_of_another_kind_is_another_place():
    rows = [("doctor", "", "amenity=doctors", Point(9, 9)), ("doctor", "", "amenity=clinic", HOUSE)]
    assert ids_after(*rows) == ["s0", "s1"]


@pytest.mark.parametrize(("overlap_m", "services"), [(6.0, 1), (4.0, 2), (0.0, 2)])
def test_two_outlines_are_one_place_when_half_of_the_smaller_lies_in_the_larger(
    overlap_m, services
):
    smaller = box(40 - overlap_m, 0, 50 - overlap_m, 10)
    assert len(ids_after(("p", "", "a", smaller), ("p", "", "a", HOUSE))) == services


def test_a_name_that_is_taken_over_makes_the_next_double_known():
    kept = ids_after(
        ("doctor", "Vollen", "amenity=doctors", Point(9, 9)),
        ("doctor", "Vollen", "amenity=clinic", Point(20, 9)),
        ("doctor", "", "amenity=clinic", HOUSE),
    )
    assert kept == ["s2"]


def test_no_service_at_all_stays_no_service():
    empty = table(("g", "", "a", HOUSE)).iloc[:0]
    merged, gone = merge_same_places(empty)
    assert (len(merged), gone) == (0, 0)
    assert list(merged.columns) == list(empty.columns)


SHAPES = st.one_of(
    st.builds(Point, st.integers(0, 40), st.integers(0, 40)),
    st.builds(
        lambda x, y, w, h: box(x, y, x + w, y + h),
        *[st.integers(0, 30), st.integers(0, 30), st.integers(1, 25), st.integers(1, 25)],
    ),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from("gd"), st.sampled_from(["", "A", "a", "B"]), st.sampled_from("kl"), SHAPES
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60)
@given(ROWS)
def test_merging_again_merges_nothing_and_no_name_is_ever_lost(rows):
    services = table(*rows)
    before = services.copy()
    merged, gone = merge_same_places(services)
    pd.testing.assert_frame_equal(pd.DataFrame(services), pd.DataFrame(before))
    again, more = merge_same_places(merged)
    assert more == 0
    pd.testing.assert_frame_equal(pd.DataFrame(again), pd.DataFrame(merged))
    assert len(merged) + gone == len(services)
    names = [
        {(c, n.casefold()) for c, n in zip(t["category"], t["name"], strict=True) if n}
        for t in (services, merged)
    ]
    assert names[0] == names[1]
