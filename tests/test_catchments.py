"""Catchments against the cost of walking from places on every street, and as shapes."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi.network import build_network, line_between, snap
from arealstrategi.reach import catchments, measure_reach
from arealstrategi.reach.catchments import BESIDE_M
from arealstrategi.walker import Walker, profile
from towns import PLAIN, make_network, make_ways, place, split_graph, towns

FLAT = Walker.model_validate(profile("senior").model_dump() | PLAIN)


@given(towns(), st.sampled_from([1.0, 4.0]), st.booleans())
@settings(max_examples=60)
def test_the_streets_reached_are_those_from_which_walking_takes_no_longer(town, minutes, leaving):
    """Every street is cut into pieces of 1/50; the brute force says which of them are reached."""
    nodes, edges, _, spots = town
    if not spots:
        return
    network = make_network(nodes, edges)
    places = place(network, spots[:2])
    rows = np.arange(len(places.edge))
    got = catchments(network, places, rows, [minutes], leaving=leaving)
    open_edges = np.flatnonzero(network.edge_is_open & (network.edge_m > 0))
    marks = [(e, (i + 0.5) / 50, 0.0) for e in open_edges for i in range(50)]
    at = place(network, marks) if marks else places
    graph = split_graph(network, at, places, rows)
    graph = graph if leaving else graph.reverse()
    seconds = nx.multi_source_dijkstra_path_length(graph, {f"s{i}'" for i in rows})
    times = np.array([seconds.get(f"p{i}'", np.inf) for i in range(len(marks))])
    reached = times <= 60 * minutes
    piece_m = np.repeat(network.edge_m[open_edges] / 50, 50)
    # a piece that is reached in part is told by its middle: half of it at each end of a stretch
    unsure = 3 * (network.edge_m[open_edges] / 50).sum()
    assert got["street_m"].iloc[0] == pytest.approx(piece_m[reached].sum(), abs=unsure + 1e-6)
    shape = got.geometry.iloc[0]
    for (edge, share, _), inside in zip(marks, reached, strict=True):
        if inside:
            m = share * network.edge_m[edge]
            point = shapely.Point(line_between(network, int(edge), m, m)[0])
            assert shape.buffer(1e-6).contains(point)


def straight(*, z=(0, 0)):
    ways = make_ways([(0, 0), (1000, 0)], [0, 1], z=z)
    return ways, shapely.points([(500.0, 10.0)])


def test_on_a_straight_street_ten_minutes_are_the_walk_both_ways_less_the_offset():
    ways, points = straight()
    network = build_network(ways, FLAT)
    got = catchments(network, snap(network, points, limit_m=150), np.array([0]), [5, 2])
    assert got["minutes"].tolist() == [2, 5]
    assert got["street_m"].tolist() == pytest.approx([2 * (120 - 10), 2 * (300 - 10)], rel=1e-6)
    west, _, east, _ = got.geometry.iloc[1].bounds
    assert (west, east) == pytest.approx((210 - BESIDE_M, 790 + BESIDE_M), abs=0.1)
    assert got.geometry.iloc[1].contains(got.geometry.iloc[0].buffer(-1e-6))
    assert got.crs.equals(ways.crs)


def test_to_a_place_and_away_from_it_differ_on_a_slope():
    ways, points = straight(z=(0, 100))
    network = build_network(ways, profile("senior"), direction="to")
    at = snap(network, points, limit_m=150)
    to = catchments(network, at, np.array([0]), [5]).geometry.iloc[0].bounds
    away = catchments(network, at, np.array([0]), [5], leaving=True).geometry.iloc[0].bounds
    assert 500 - to[0] < to[2] - 500  # up to it from the west takes longer
    assert 500 - away[0] > away[2] - 500
    assert 500 - to[0] == pytest.approx(away[2] - 500, abs=0.01)


def test_a_block_that_is_walked_around_is_filled_and_a_large_one_stays_open():
    for side, holes in ((200.0, 0), (400.0, 1)):
        ring = [(0, 0), (side, 0), (side, side), (0, side)]
        network = build_network(make_ways(ring, [0, 1, 2, 3, 0]), FLAT)
        at = snap(network, shapely.points([(0.0, 0.0)]), limit_m=150)
        shape = catchments(network, at, np.array([0]), [60]).geometry.iloc[0]
        assert len(shape.interiors) == holes


def test_nothing_is_reached_from_what_is_not_connected():
    ways, _ = straight()
    network = build_network(ways, FLAT)
    at = snap(network, shapely.points([(500.0, 900.0)]), limit_m=150)
    got = catchments(network, at, np.array([0]), [10])
    assert got.geometry.iloc[0].is_empty
    assert got["street_m"].tolist() == [0]


@pytest.mark.parametrize("minutes", [[], [0], [5, -1], [np.nan]])
def test_minutes_must_be_above_zero(minutes):
    ways, points = straight()
    network = build_network(ways, FLAT)
    with pytest.raises(ValueError, match="above 0"):
        catchments(network, snap(network, points, limit_m=150), np.array([0]), minutes)


def test_a_parcel_lies_in_the_catchment_of_a_category_when_its_walk_is_that_short():
    rng = np.random.default_rng(5)
    xy = rng.uniform(0, 1500, (40, 2))
    visits = [rng.integers(0, 40, 6).tolist() for _ in range(14)]
    network = build_network(make_ways(xy, *visits, z=rng.uniform(0, 20, 40)), profile("senior"))
    shops = snap(network, shapely.points(rng.uniform(0, 1500, (4, 2))), limit_m=400)
    homes = snap(network, shapely.points(rng.uniform(0, 1500, (80, 2))), limit_m=400)
    ids, category = pd.RangeIndex(80), pd.Series(["shop"] * 4)
    seconds = measure_reach(network, homes, shops, category, ids).nearest["shop"].seconds
    shape = catchments(network, shops, np.arange(4), [15]).geometry.iloc[0].buffer(1e-6)
    on_street = seconds - homes.offset_m  # 1 m/s
    within = np.flatnonzero(on_street <= 15 * 60)
    assert 5 < len(within) < 80
    for row in within:
        assert shape.contains(shapely.get_point(homes.connector[row], -1))
