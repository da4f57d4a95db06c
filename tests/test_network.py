"""The network is cut where it must be, loses nothing, and is touched where it is nearest."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi.network import (
    WalkNetwork,
    build_network,
    line_between,
    seconds_at,
    snap,
    snap_services,
)
from arealstrategi.sources.osm import read_extract
from arealstrategi.tables import empty_table
from arealstrategi.walker import HINDRANCES, Walker, profile, walk_costs
from towns import CRS, PLAIN, make_ways

UTM = pyproj.CRS.from_epsg(25832)
FLAT = Walker.model_validate(profile("senior").model_dump() | PLAIN)


def build(ways, walker=FLAT, **options):
    return build_network(ways, walker, **options)


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
    assert network.edge_m == pytest.approx([400.0])
    assert network.edge_nodes[0, 0] == network.edge_nodes[0, 1]
    closed = make_ways(ring.node_xy, [0, 1, 2, 3, 0], tags=[{"highway": "motorway"}])
    assert len(build(closed).edge_m) == 0


def test_a_node_repeated_in_a_way_is_no_edge():
    network = build(make_ways([(0, 0), (10, 0)], [0, 0, 1, 1]))
    assert network.edge_m == pytest.approx([10.0])


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
@settings(max_examples=80)
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
    network = build(make_ways([(0, 0), (9, 0)], [0, 1], tags=[{"highway": "motorway"}]))
    touching = snap(network, np.array([shapely.Point(0, 0)], dtype=object), limit_m=150)
    assert not touching.connected.any()
    assert np.isnan(touching.offset_m).all()
    assert len(snap(network, np.array([], dtype=object), limit_m=150).edge) == 0
    assert len(empty_table(("geometry",), CRS)) == 0


@given(st.integers(0, 10_000))
@settings(max_examples=40)
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
        assert touching.offset_m[i] == pytest.approx(expected, rel=1e-6)
        if touching.connected[i]:
            assert distance[touching.edge[i]] == pytest.approx(expected, rel=1e-6)


@pytest.mark.shared
def test_snapping_in_lauf_finds_the_nearest_edge_of_all(shared_data):
    path = shared_data / "lauf/lauf-200115.osm.pbf"
    network = build_network(read_extract(path, {}, crs=UTM).ways, profile("senior"))
    rng = np.random.default_rng(3)
    low, high = network.node_xy.min(axis=0), network.node_xy.max(axis=0)
    points = shapely.points(rng.uniform(low, high, (60, 2)))
    touching = snap(network, points, limit_m=150)
    lines = network.edge_line[~network.edge_is_islet]
    for i, point in enumerate(points):
        nearest = shapely.distance(lines, point).min()
        if nearest <= 149:
            assert touching.offset_m[i] == pytest.approx(nearest, rel=1e-3)
            edge, along = int(touching.edge[i]), touching.along_m[i]
            on = shapely.Point(line_between(network, edge, along, along)[0])
            assert point.distance(on) == pytest.approx(nearest, abs=1e-3)
    assert touching.connected.sum() > 10


@pytest.mark.shared
def test_nearly_all_of_lauf_is_one_connected_network(shared_data):
    path = shared_data / "lauf/lauf-200115.osm.pbf"
    network = build_network(read_extract(path, {}, crs=UTM).ways, profile("senior"))
    # the data's README: 243 km walkable, 99.2 % of walkable nodes in the largest part
    assert network.edge_m.sum() / 1000 == pytest.approx(243, rel=0.03)
    assert network.component_m[0] / network.component_m.sum() > 0.99
    assert (np.diff(network.component_m) <= 0).all()


# ---- costs along edges, in both directions ----


def hilly(*, direction="both", steps=False):
    """A way over a hill of 5 m, 100 m up and 50 m down, 10 % down; the senior walks it."""
    tags = [{"highway": "steps" if steps else "footway"}]
    ways = make_ways([(0, 0), (100, 0), (150, 0)], [0, 1, 2], tags=tags, z=[0, 5, 0])
    return build_network(ways, profile("rollator" if steps else "senior"), direction=direction)


def test_the_two_directions_of_a_hill_cost_what_the_profile_says():
    # up 5 %: 1.33 and 2 s a metre of height; down 10 %: 1.35; up 10 %: 1.9; down 5 %: 1
    forth, back = 133 + 10 + 67.5, 95 + 10 + 100
    assert hilly(direction="to").edge_s == pytest.approx(np.array([[forth, back]]))
    assert hilly(direction="from").edge_s == pytest.approx(np.array([[back, forth]]))
    assert hilly().edge_s == pytest.approx(np.array([[(forth + back) / 2] * 2]))


def test_seconds_to_a_place_on_an_edge_are_those_of_the_pieces_before_it():
    network = hilly(direction="to")
    edge = np.zeros(5, dtype=np.int64)
    at = seconds_at(network, edge, np.array([0.0, 50.0, 100.0, 125.0, 150.0]))
    assert at[:, 0] == pytest.approx([0, 71.5, 143, 176.75, 210.5])
    assert at[:, 1] == pytest.approx([0, 50, 100, 152.5, 205])


def test_steps_stay_in_the_network_of_wheels_as_closed_edges():
    network = hilly(steps=True)
    assert np.isinf(network.edge_s).all()
    assert not network.edge_is_open.any()
    assert network.length_m == 0
    assert len(network.component_m) == 0
    assert network.edge_m == pytest.approx([150])
    touching = snap(network, np.array([shapely.Point(50, 1)], dtype=object), limit_m=150)
    assert touching.edge.tolist() == [-1]


def test_a_part_that_only_steps_lead_to_is_a_part_of_its_own_but_known_to_be_linked():
    ways = make_ways(
        [(0, 0), (900, 0), (950, 0), (1400, 0)], [0, 1], [1, 2], [2, 3],
        tags=[{"highway": "footway"}, {"highway": "steps"}, {"highway": "footway"}],
    )  # fmt: skip
    network = build_network(ways, profile("wheelchair"))
    assert network.component_m == pytest.approx([900, 450])
    assert len(set(network.node_component_with_closed)) == 1
    assert len(build_network(ways, profile("senior")).component_m) == 1


def test_what_hinders_is_kept_on_every_piece():
    network = hilly()
    steep = 1 << HINDRANCES.index("steep")
    assert (network.point_hindrance & steep > 0).tolist() == [False, True, False]


def test_a_piece_of_an_edge_is_drawn_in_the_direction_it_is_walked():
    network = build(make_ways([(0, 0), (100, 0), (100, 100)], [0, 1, 2]))
    assert line_between(network, 0, 50, 150).tolist() == pytest.approx(
        np.array([(50, 0), (100, 0), (100, 50)]), abs=1e-5
    )
    assert line_between(network, 0, 150, 50)[0] == pytest.approx([100, 50], abs=1e-5)


@given(street_plans(), st.sampled_from(["to", "from", "both"]), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_cutting_keeps_every_second_in_both_directions(plan, direction, random):
    xy, visits = plan
    z = [random.choice([0.0, 1.0, 4.0, 9.0, np.nan]) for _ in xy]
    kinds = ["footway", "path", "steps", "secondary"]
    tags = [{"highway": random.choice(kinds)} for _ in visits]
    ways = make_ways(xy, *visits, tags=tags, z=z)
    walker = profile(random.choice(["senior", "rollator"]))
    network = build_network(ways, walker, direction=direction)
    seconds = walk_costs(ways, walker).seconds
    if direction == "both":
        seconds = np.repeat(seconds.mean(axis=1, keepdims=True), 2, axis=1)
    if direction == "from":
        seconds = seconds[:, ::-1]
    usable = np.isfinite(seconds).all(axis=1)
    assert network.edge_s[network.edge_is_open].sum() == pytest.approx(seconds[usable].sum())
    starts, ends = network.edge_start[:-1], network.edge_start[1:] - 1
    open_s = np.where(network.edge_is_open[:, None], network.edge_s, 0.0)
    assert network.point_s[ends] == pytest.approx(open_s)
    assert (network.point_m[starts] == 0).all()
    assert (network.point_s[starts] == 0).all()
    inside = np.setdiff1d(np.arange(len(network.point_m)), starts)
    assert (network.point_m[inside] >= network.point_m[inside - 1]).all()


def test_an_edge_costs_the_same_to_the_last_bit_whatever_else_there_is():
    rng = np.random.default_rng(4)
    xy, z = rng.uniform(0, 900, (60, 2)), rng.uniform(0, 30, 60)
    chain = list(range(30))
    alone = build_network(make_ways(xy, chain, z=z), profile("senior"))
    many = [list(range(30 + i, 34 + i)) for i in range(0, 26, 3)]
    among = build_network(make_ways(xy, *many, chain, z=z), profile("senior"))
    row = int(np.flatnonzero(among.edge_way == len(many) + 1)[0])
    assert (among.edge_s[row] == alone.edge_s[0]).all()
    assert among.edge_m[row] == alone.edge_m[0]


def test_straight_edges_can_be_given_as_arrays():
    xy = np.array([(0.0, 0.0), (100.0, 0.0)])
    ends = np.array([[0, 1]])
    network = WalkNetwork.of_edges(xy, ends, np.array([[50.0, np.inf]]), CRS)
    assert network.edge_m == pytest.approx([100])
    assert network.edge_is_open.tolist() == [True]
    assert network.edge_line[0].length == pytest.approx(100)


def test_offsets_and_lengths_are_metres_on_the_ground_where_the_map_stretches():
    crs = pyproj.CRS(25833)  # the national zone, far west: the map is 0.3 % too long
    west = np.array(pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform(5.3, 60.4))
    xy = west + np.array([(0, 0), (1000, 0)])
    network = build_network(make_ways(xy, [0, 1], crs=crs), FLAT)
    ends = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(*xy.T)
    _, _, ground = pyproj.Geod(ellps="GRS80").inv(ends[0][0], ends[1][0], ends[0][1], ends[1][1])
    assert ground < 998
    assert network.edge_m[0] == pytest.approx(ground, rel=1e-6)
    point = np.array([shapely.Point(west[0] + 500, west[1] + 100)], dtype=object)
    touching = snap(network, point, limit_m=99.9)
    assert touching.connected.all()
    assert touching.offset_m[0] == pytest.approx(100 * ground / 1000, rel=1e-5)
    assert touching.along_m[0] == pytest.approx(ground / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("node", "passes"),
    [
        ({"barrier": "gate"}, True),
        ({"barrier": "gate", "foot": "no"}, False),
        ({"barrier": "gate", "access": "private"}, False),
        ({"barrier": "gate", "access": "private", "foot": "yes"}, True),
        ({"barrier": "bollard", "foot": "no"}, True),
        ({"barrier": "lift_gate", "access": "no"}, False),
        ({"access": "no"}, True),
    ],
)
def test_nobody_walks_through_a_gate_that_is_closed_on_foot(node, passes):
    ways = make_ways([(0, 0), (400, 0), (800, 0), (400, 400)], [0, 1, 2], [1, 3], nodes={1: node})
    network = build(ways)
    assert network.length_m == pytest.approx(1200)
    assert len(network.component_m) == (1 if passes else 3)


@pytest.mark.parametrize(
    ("tags", "first"),
    [
        ({"highway": "steps"}, False), ({"highway": "footway", "bridge": "yes"}, False),
        ({"highway": "footway", "tunnel": "yes"}, False), ({"highway": "elevator"}, False),
        ({"highway": "footway", "tunnel": "building_passage"}, True),
        ({"highway": "footway"}, True),
    ],
)  # fmt: skip
def test_steps_bridges_and_tunnels_are_touched_only_for_want_of_a_street(tags, first):
    """And the same for those who can use them and those who cannot."""
    xy = [(0, 0), (400, 0), (0, 60), (400, 60), (0, 400), (400, 400)]
    ways = make_ways(
        xy, [0, 1], [2, 3], [0, 2, 4], [4, 5],
        tags=[tags, *[{"highway": "residential"}] * 3],
    )  # fmt: skip
    near_both, near_one = shapely.Point(200, 5), shapely.Point(200, -140)
    for name in ("senior", "rollator"):
        network = build_network(ways, profile(name))
        touching = snap(network, np.array([near_both, near_one], dtype=object), limit_m=150)
        assert network.edge_way[touching.edge[0]] == (1 if first else 2)
        closed = tags["highway"] == "steps" and name == "rollator"
        assert touching.connected[1] == (not closed)


def test_nothing_is_connected_to_a_ferry():
    tags = [{"route": "ferry"}, {"highway": "residential"}]
    ways = make_ways([(0, 0), (900, 0), (0, 140), (900, 140)], [0, 1], [2, 3], tags=tags)
    network = build_network(ways, profile("senior"), ferries=True)
    points = np.array([shapely.Point(450, 5), shapely.Point(450, -100)], dtype=object)
    touching = snap(network, points, limit_m=150)
    assert network.edge_way[touching.edge[0]] == 2
    assert not touching.connected[1]


def wood(*, is_open=True, side=600.0):
    """A path through a square wood, a street beside it, another one far off."""
    ways = make_ways(
        [(-500, 300), (1100, 300), (-500, -10), (1100, -10), (-500, 800), (1100, 800)],
        [0, 1], [2, 3], [4, 5],
    )  # fmt: skip
    network = build(ways)
    shapes = np.array([shapely.box(0, 0, side, side), shapely.Point(100, 790)], dtype=object)
    return network, snap_services(network, shapes, np.array([is_open, False]), limit_m=150)


def test_an_open_area_is_entered_where_a_path_leads_in_and_from_the_street_beside_it():
    network, touching = wood()
    assert touching.thing_connected.tolist() == [True, True]
    assert set(touching.owner[2:]) == {0}
    way = network.edge_way[touching.edge[2:]]
    x = touching.along_m[2:] - 500
    assert sorted(x[(way == 1) & (touching.offset_m[2:] < 0.01)]) == pytest.approx([0, 600], abs=1)
    assert sorted(x[way == 2]) == pytest.approx(np.arange(0, 601, 50), abs=1)
    assert touching.offset_m[2:][way == 2] == pytest.approx(10, abs=1e-3)
    assert not (way == 3).any()


def test_what_is_no_open_area_touches_the_network_once():
    _, touching = wood(is_open=False)
    assert len(touching.edge) == 2
    assert touching.owner.tolist() == [0, 1]


def test_an_open_area_that_no_way_comes_near_keeps_its_nearest_touch():
    network = build(make_ways([(0, 0), (900, 0)], [0, 1]))
    shapes = np.array([shapely.box(0, 100, 400, 500), shapely.box(0, 600, 9, 609)], dtype=object)
    touching = snap_services(network, shapes, np.array([True, True]), limit_m=150)
    assert touching.thing_connected.tolist() == [True, False]
    assert len(touching.edge) == 2
