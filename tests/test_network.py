"""The network is cut where it must be, loses nothing, and is touched where it is nearest."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi.network import build_network, snap
from arealstrategi.sources.osm import read_extract
from arealstrategi.tables import WAY_TAGS, Ways, empty_table
from arealstrategi.walker import PROFILES, seconds_per_metre

CRS = pyproj.CRS.from_epsg(25832)


def make_ways(xy, *visits) -> Ways:
    """Make ways that visit rows of `xy`; -1 is a node that the extract does not hold."""
    import pandas as pd

    return Ways(
        way_id=np.arange(1, len(visits) + 1),
        tags=pd.DataFrame({name: pd.Series([None] * len(visits)) for name in WAY_TAGS}),
        starts=np.cumsum([0, *map(len, visits)]),
        node_of=np.array([node for visit in visits for node in visit], dtype=np.int64),
        node_xy=np.array(xy, dtype=float).reshape(-1, 2),
        crs=CRS,
    )


def build(ways, pace=None):
    cost = np.ones(len(ways)) if pace is None else np.array(pace, dtype=float)
    return build_network(ways, cost, flat_speed_m_s=1.0)


def test_ways_are_cut_at_junctions_only():
    # a street of three nodes, and a path that leaves from its middle
    network = build(
        make_ways([(0, 0), (50, 0), (100, 0), (50, 30), (50, 60)], [0, 1, 2], [1, 3, 4])
    )
    assert sorted(network.edge_m) == pytest.approx([50, 50, 60])
    assert len(network.node_xy) == 4


def test_a_missing_node_breaks_the_way_and_loses_only_what_it_touches():
    network = build(make_ways([(0, 0), (10, 0), (20, 0), (30, 0)], [0, 1, -1, 2, 3]))
    assert sorted(network.edge_m) == pytest.approx([10, 10])
    assert len(network.component_m) == 2


def test_a_ring_stays_a_ring_and_a_closed_way_is_left_out():
    ring = make_ways([(0, 0), (100, 0), (100, 100), (0, 100)], [0, 1, 2, 3, 0])
    network = build(ring)
    assert network.edge_m.tolist() == [400.0]
    assert network.edge_nodes[0, 0] == network.edge_nodes[0, 1]
    assert len(build(ring, [np.inf]).edge_m) == 0


def test_a_node_repeated_in_a_way_is_no_edge():
    network = build(make_ways([(0, 0), (10, 0)], [0, 0, 1, 1]))
    assert network.edge_m.tolist() == [10.0]


@st.composite
def street_plans(draw):
    n = draw(st.integers(2, 12))
    xy = draw(
        st.lists(
            st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=n, max_size=n, unique=True
        )
    )
    way = st.lists(st.integers(-1, n - 1), min_size=2, max_size=7)
    return xy, draw(st.lists(way, min_size=1, max_size=6))


@given(street_plans())
@settings(max_examples=200, deadline=None)
def test_cutting_keeps_every_metre_and_every_distance(plan):
    xy, visits = plan
    ways = make_ways(xy, *visits)
    network = build(ways)
    raw = nx.MultiGraph()
    for visit in visits:
        for a, b in pairwise(visit):
            if a >= 0 and b >= 0 and a != b:
                raw.add_edge(a, b, m=float(np.hypot(*np.subtract(xy[a], xy[b]))))
    assert network.edge_m.sum() == pytest.approx(sum(m for *_, m in raw.edges(data="m")))
    cut = nx.MultiGraph()
    names = [tuple(point) for point in network.node_xy.tolist()]
    for (a, b), m, line in zip(network.edge_nodes, network.edge_m, network.edge_line, strict=True):
        cut.add_edge(names[a], names[b], m=m)
        assert line.length == pytest.approx(m)
        assert line.coords[0] == names[a]
        assert line.coords[-1] == names[b]
    row_of = {tuple(map(float, point)): row for row, point in enumerate(xy)}
    assert nx.number_connected_components(cut) == nx.number_connected_components(raw)
    assert len(network.component_m) == nx.number_connected_components(raw)
    for start, lengths in nx.all_pairs_dijkstra_path_length(cut, weight="m"):
        expected = nx.single_source_dijkstra_path_length(raw, row_of[start], weight="m")
        for end, m in lengths.items():
            assert m == pytest.approx(expected[row_of[end]])


def test_a_polygon_starts_where_its_outline_is_nearest_not_at_its_middle():
    network = build(make_ways([(0, 0), (400, 0)], [0, 1]))
    parcel = shapely.Polygon([(100, 20), (300, 140), (300, 160), (100, 160)])
    touching = snap(network, np.array([parcel], dtype=object), limit_m=150)
    assert touching.offset_m[0] == pytest.approx(20)
    assert touching.along_m[0] == pytest.approx(100)
    assert touching.connector[0].coords[0] == (100, 20)


def test_a_path_inside_a_large_parcel_is_reached_from_the_outline():
    network = build(make_ways([(40, 50), (60, 50), (0, 400), (900, 400)], [0, 1], [2, 3]))
    parcel = shapely.box(0, 0, 100, 100)
    touching = snap(network, np.array([parcel], dtype=object), limit_m=150)
    # the path inside is an islet of 20 m, nothing else is within the limit
    assert touching.edge[0] == 0
    assert touching.offset_m[0] == pytest.approx(40)


def test_a_lone_piece_of_path_is_passed_over_when_a_street_is_within_the_limit():
    network = build(make_ways([(0, 0), (20, 0), (0, 60), (900, 60)], [0, 1], [2, 3]))
    near_both = shapely.Point(10, 10)
    near_one = shapely.Point(10, -95)
    touching = snap(network, np.array([near_both, near_one], dtype=object), limit_m=150)
    assert network.edge_way[touching.edge].tolist() == [2, 1]


def test_beyond_the_limit_is_not_connected_but_the_distance_is_told():
    network = build(make_ways([(0, 0), (900, 0)], [0, 1]))
    points = np.array([shapely.Point(10, 150), shapely.Point(10, 150.01)], dtype=object)
    touching = snap(network, points, limit_m=150)
    assert touching.connected.tolist() == [True, False]
    assert touching.offset_m == pytest.approx([150, 150.01])
    assert touching.connector[1] is None


def test_an_empty_network_connects_nothing_and_does_not_fail():
    network = build(make_ways([(0, 0), (9, 0)], [0, 1]), [np.inf])
    touching = snap(network, np.array([shapely.Point(0, 0)], dtype=object), limit_m=150)
    assert not touching.connected.any()
    assert np.isnan(touching.offset_m).all()
    assert len(snap(network, np.array([], dtype=object), limit_m=150).edge) == 0
    assert len(empty_table(("geometry",), CRS)) == 0


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_the_nearest_edge_of_any_outline_is_the_nearest_of_all(seed):
    """Against plain distances to every edge, with outlines of up to hundreds of points."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 2000, (30, 2))
    network = build(make_ways(xy, *rng.integers(0, 30, (12, 4)).tolist(), [0, 1, 2, 3, 4, 5]))
    around = rng.uniform(-300, 2300, (6, 2))
    circles = shapely.buffer(shapely.points(around), rng.uniform(1, 400, 6), quad_segs=60)
    holed = circles[0].difference(circles[0].centroid.buffer(0.5))
    both = shapely.union_all(circles[1:3])
    shapes = np.array([*circles, holed, both, *shapely.points(around)], dtype=object)
    touching = snap(network, shapes, limit_m=150)
    for i, shape in enumerate(shapes):
        outline = shape.boundary if shape.area else shape
        distance = shapely.distance(network.edge_line, outline)
        whole = distance[~network.edge_is_islet].min()
        expected = whole if whole <= 150 else distance.min()
        assert touching.offset_m[i] == pytest.approx(expected, abs=1e-9)
        if touching.connected[i]:
            assert distance[touching.edge[i]] == pytest.approx(expected, abs=1e-9)


@pytest.mark.shared
def test_snapping_in_lauf_finds_the_nearest_edge_of_all(shared_data):
    path = shared_data / "lauf/lauf-200115.osm.pbf"
    ways = read_extract(path, {}, crs=CRS).ways
    network = build_network(
        ways, seconds_per_metre(ways.tags, PROFILES["senior"]), flat_speed_m_s=1.0
    )
    rng = np.random.default_rng(3)
    low, high = network.node_xy.min(axis=0), network.node_xy.max(axis=0)
    points = shapely.points(rng.uniform(low, high, (60, 2)))
    touching = snap(network, points, limit_m=150)
    lines = network.edge_line[~network.edge_is_islet]
    for i, point in enumerate(points):
        nearest = shapely.distance(lines, point).min()
        if nearest <= 150:
            assert touching.offset_m[i] == pytest.approx(nearest)
            on = shapely.line_interpolate_point(
                network.edge_line[touching.edge[i]], touching.along_m[i]
            )
            assert point.distance(on) == pytest.approx(nearest)
    assert touching.connected.sum() > 10


@pytest.mark.shared
def test_nearly_all_of_lauf_is_one_connected_network(shared_data):
    path = shared_data / "lauf/lauf-200115.osm.pbf"
    ways = read_extract(path, {}, crs=CRS).ways
    network = build_network(
        ways, seconds_per_metre(ways.tags, PROFILES["senior"]), flat_speed_m_s=1.0
    )
    # the data's README: 243 km walkable, 99.2 % of walkable nodes in the largest part
    assert network.edge_m.sum() / 1000 == pytest.approx(243, rel=0.03)
    assert network.component_m[0] / network.component_m.sum() > 0.99
    assert (np.diff(network.component_m) <= 0).all()
