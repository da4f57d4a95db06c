"""What is told of a route against the same route walked piece by piece."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi.network import build_network, snap
from arealstrategi.reach import barrier_table, measure_reach, route, route_pieces
from arealstrategi.walker import HINDRANCES, profile
from towns import make_ways

METRES = [f"{name}_m" for name in HINDRANCES]


def reach_of(ways, name, parcels, services, **options):
    network = build_network(ways, profile(name), **options)
    at = [
        snap(network, shapely.points(np.array(p, float)), limit_m=150) for p in (parcels, services)
    ]
    ids = pd.Index([f"p{i}" for i in range(len(parcels))], name="parcel_id")
    return measure_reach(network, *at, pd.Series(["shop"] * len(services), dtype="str"), ids)


@st.composite
def reaches(draw):
    n = draw(st.integers(3, 9))
    grid = st.tuples(st.integers(0, 8), st.integers(0, 8))
    xy = draw(st.lists(grid, min_size=n, max_size=n, unique=True))
    z = draw(st.lists(st.sampled_from([0.0, 3.0, 9.0, np.nan]), min_size=n, max_size=n))
    visits = draw(
        st.lists(st.lists(st.integers(0, n - 1), min_size=2, max_size=6), min_size=1, max_size=6)
    )
    kinds = [
        {"highway": "footway", "lit": "no"},
        {"highway": "path", "surface": "sand"},
        {"highway": "steps"},
        {"highway": "secondary", "sidewalk": "no"},
    ]
    tags = [draw(st.sampled_from(kinds)) for _ in visits]
    ways = make_ways([(60.0 * x, 60.0 * y) for x, y in xy], *visits, tags=tags, z=z)
    points = st.lists(st.tuples(st.integers(0, 480), st.integers(0, 480)), min_size=1, max_size=4)
    name = draw(st.sampled_from(["senior", "rollator"]))
    return reach_of(
        ways, name, draw(points), draw(points), direction=draw(st.sampled_from(["to", "both"]))
    )


@given(reaches())
@settings(max_examples=60)
def test_metres_of_each_hindrance_are_those_of_the_pieces_of_the_route(reach):
    table = barrier_table(reach, ["shop"]).set_index("parcel_id")
    for name in reach.parcel_id:
        told = table.loc[name]
        pieces = route_pieces(reach, "shop", name)
        if told["status"] != "reached":
            assert pieces.empty
            assert told[METRES].isna().all()
            continue
        for hindrance in HINDRANCES:
            expected = pieces.loc[pieces[hindrance], "metres"].sum()
            assert told[f"{hindrance}_m"] == pytest.approx(expected, abs=1e-6)
        drawn = route(reach, "shop", name)
        straight = shapely.get_point(drawn, 0).distance(shapely.get_point(drawn, -1))
        assert told["straight_m"] == pytest.approx(straight, abs=1e-3)
        assert told["walk_m"] == pytest.approx(drawn.length, abs=1e-3)
        if straight >= 51:
            assert told["detour"] == pytest.approx(drawn.length / straight, rel=1e-4)
            assert told["detour"] > 0.9999


def town(*, gap="steps"):
    """Two streets of 400 m, joined by 20 m of something."""
    return make_ways(
        [(0, 0), (400, 0), (420, 0), (820, 0)], [0, 1], [1, 2], [2, 3],
        tags=[{"highway": "residential"}, {"highway": gap}, {"highway": "residential"}],
    )  # fmt: skip


def test_where_only_steps_lead_the_status_says_that_no_step_free_way_exists():
    parcels, services = [(10, 5), (700, 5), (10, 900)], [(800, 5)]
    told = barrier_table(reach_of(town(), "rollator", parcels, services), ["shop", "zoo"])
    shop = told[told["category"] == "shop"]["status"].tolist()
    assert shop == ["no_step_free_way", "reached", "not_connected"]
    assert told[told["category"] == "zoo"]["status"].tolist() == [
        "no_service", "no_service", "not_connected",
    ]  # fmt: skip
    told = barrier_table(reach_of(town(), "senior", parcels, services), ["shop"])
    assert told["status"].tolist() == ["reached", "reached", "not_connected"]
    assert told["steps_m"].iloc[0] == pytest.approx(20)


def test_where_nothing_leads_there_is_no_way_for_anybody():
    reach = reach_of(town(gap="motorway"), "rollator", [(10, 5)], [(800, 5)])
    assert barrier_table(reach, ["shop"])["status"].tolist() == ["no_way"]


def test_a_category_whose_places_are_not_connected_is_no_way():
    reach = reach_of(town(), "senior", [(10, 5)], [(10, 5000)])
    assert barrier_table(reach, ["shop"])["status"].tolist() == ["no_way"]
