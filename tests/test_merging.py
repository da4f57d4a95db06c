"""One table of services: nothing of the first source is lost, and nothing stands twice."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box

from arealstrategi.sources.merging import merge_services

CRS = 25832


def services(*rows, source="n", **columns):
    """Rows of (x, name) or (geometry, name), all groceries."""
    shapes = [Point(r[0], 0) if isinstance(r[0], int | float) else r[0] for r in rows]
    table = {
        "service_id": [f"{source}{i}" for i in range(len(rows))],
        "category": [r[2] if len(r) > 2 else "grocery" for r in rows],
        "name": [r[1] for r in rows],
        "kind": source,
    }
    return gpd.GeoDataFrame(table | columns, geometry=shapes, crs=CRS)


def merged(*tables):
    return merge_services(*tables)[0]["service_id"].tolist()


@pytest.mark.parametrize(
    ("x", "name", "same"),
    [
        (20, "", True), (20, "Kiwi", True), (29, "KIWI Torget", True), (31, "", False),
        (20, "Rema 1000", False), (140, "Kiwi", True), (140, "kiwi as", True), (151, "Kiwi", False),
    ],
)  # fmt: skip
def test_the_same_place_by_distance_and_name(x, name, same):
    assert merged(services((0, "Kiwi")), services((x, name), source="b")) == (
        ["n0"] if same else ["n0", "b0"]
    )


def test_two_cafes_that_share_the_word_alone_stay_two():
    nord = services((0, "Café Nord", "cafe"))
    assert merged(nord, services((20, "Cafe Sør", "cafe"), source="b")) == ["n0", "b0"]
    assert merged(nord, services((20, "Cafe Nord", "cafe"), source="b")) == ["n0"]


def test_two_kinds_and_two_rows_of_one_source_are_never_one():
    osm = services((0, "Kiwi"), (5, "Kiwi"))
    assert merged(osm, services((2, "Kiwi", "pharmacy"), source="b")) == ["n0", "n1", "b0"]


def test_an_outline_counts_by_its_edge_and_the_kept_row_takes_what_it_lacks():
    osm = services((box(0, 0, 40, 40), ""))
    other = services((60, "Kiwi"), source="b", departures_weekday_per_hour=[4.0])
    table, facts = merge_services(osm, other)
    assert table["service_id"].tolist() == ["n0"]
    assert table["name"].tolist() == ["Kiwi"]
    assert table["departures_weekday_per_hour"].tolist() == [4.0]
    assert facts["known to two sources, merged"] == 1
    assert table.geometry.iloc[0].geom_type == "Polygon"


def test_both_directions_of_a_stop_get_the_departures_of_the_one_stop_place():
    osm = services((0, "Torget"), (25, "Torget"))
    timetable = services((12, "Torget"), source="g", departures_weekday_per_hour=[6.0])
    table, _ = merge_services(osm, timetable)
    assert table["departures_weekday_per_hour"].tolist() == [6.0, 6.0]


rows = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from(["", "Kiwi", "Rema 1000", "Kiwi Torget"])),
    max_size=7,
)


@given(rows, rows)
@settings(max_examples=80)
def test_nothing_is_lost_and_the_order_of_rows_changes_nothing(first, second):
    osm, other = services(*first), services(*second, source="b")
    table, facts = merge_services(osm, other)
    assert table["service_id"].tolist()[: len(osm)] == osm["service_id"].tolist()
    assert len(table) == len(osm) + len(other) - facts["known to two sources, merged"]
    added = table.iloc[len(osm) :]
    matched = set(other["service_id"]) - set(added["service_id"])
    for name in matched:  # it was near some row
        at = other.set_index("service_id").geometry[name]
        assert osm.distance(at).min() <= 150
    if len(matched) < len(osm):  # nameless rows that are alone near another are the same place
        lone = added[(added["name"] == "")]
        for at in lone.geometry:
            near = osm[osm.distance(at) <= 30]
            assert len(near) <= len(matched)
    back, _ = merge_services(osm, other.iloc[::-1])
    assert len(back) == len(table)
    assert np.isfinite(table.geometry.x).all()
