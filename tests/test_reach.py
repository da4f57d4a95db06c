"""Distances against an independent brute force, laws as properties, routes as drawn."""

import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi import analysis
from arealstrategi.network import Snapped, WalkNetwork, snap
from arealstrategi.reach import measure_reach, reach_table, route
from arealstrategi.strategy import Strategy
from arealstrategi.walker import seconds_per_metre

CRS = pyproj.CRS.from_epsg(25832)


def make_network(nodes, edges, *, speed=1.0) -> WalkNetwork:
    """Build a network of straight edges ``(first, second, seconds per metre)``."""
    xy = np.array(nodes, dtype=float).reshape(-1, 2)
    ends = np.array([edge[:2] for edge in edges], dtype=np.int64).reshape(-1, 2)
    lines = [
        shapely.LineString(xy[[a, b]])
        if a != b
        else shapely.LineString([xy[a], xy[a] + [30, 0], xy[a] + [30, 30], xy[a]])
        for a, b in ends
    ]
    length = np.array([line.length for line in lines])
    pace = np.array([edge[2] for edge in edges], dtype=float)
    return WalkNetwork(
        node_xy=xy,
        edge_nodes=ends,
        edge_m=length,
        edge_s=length * pace,
        edge_way=np.arange(len(edges)),
        edge_line=np.array(lines, dtype=object),
        flat_speed_m_s=speed,
        crs=CRS,
    )


def place(network, spots) -> Snapped:
    """Put things on edges: ``(edge, share of its length, offset in metres)``."""
    edge = np.array([spot[0] for spot in spots], dtype=np.int64)
    share = np.array([spot[1] for spot in spots], dtype=float)
    offset = np.array([spot[2] for spot in spots], dtype=float)
    along = share * network.edge_m[edge]
    on_edge = shapely.line_interpolate_point(network.edge_line[edge], along)
    connectors = [
        shapely.LineString([(p.x, p.y + o), (p.x, p.y)])
        for p, o in zip(on_edge, offset, strict=True)
    ]
    return Snapped(edge, along, offset, np.array(connectors, dtype=object))


def brute_force(network, parcels, services, rows) -> np.ndarray:
    """Seconds from each parcel to the nearest service, everything inserted as nodes."""
    graph = nx.MultiGraph()
    stops: dict[int, list[tuple[float, str]]] = {e: [] for e in range(len(network.edge_m))}
    for kind, things, wanted in (("p", parcels, range(len(parcels.edge))), ("s", services, rows)):
        for i in wanted:
            stops[int(things.edge[i])].append((float(things.along_m[i]), f"{kind}{i}"))
            graph.add_edge(
                f"{kind}{i}", f"{kind}{i}'", weight=things.offset_m[i] / network.flat_speed_m_s
            )
    for edge, on_edge in stops.items():
        first, second = network.edge_nodes[edge]
        length, seconds = network.edge_m[edge], network.edge_s[edge]
        chain = [(0.0, int(first)), *sorted(on_edge), (length, int(second))]
        for (m1, a), (m2, b) in pairwise(chain):
            graph.add_edge(a, b, weight=(m2 - m1) * (seconds / length if length else 0.0))
    sources = {f"s{i}'" for i in rows}
    found = nx.multi_source_dijkstra_path_length(graph, sources) if sources else {}
    return np.array([found.get(f"p{i}'", math.inf) for i in range(len(parcels.edge))])


@st.composite
def towns(draw):
    """A random network with parallel edges, loops and several parts, and things on it."""
    n = draw(st.integers(2, 9))
    grid = st.tuples(st.integers(0, 12), st.integers(0, 12))
    nodes = draw(st.lists(grid, min_size=n, max_size=n, unique=True))
    paces = st.sampled_from([0.5, 1.0, 1.25, 3.0])
    ends = st.integers(0, n - 1)
    edges = draw(st.lists(st.tuples(ends, ends, paces), min_size=1, max_size=16))
    spot = st.tuples(
        st.integers(0, len(edges) - 1),
        st.sampled_from([0.0, 0.25, 0.5, 1.0]),
        st.sampled_from([0.0, 7.5]),
    )
    parcels = draw(st.lists(spot, min_size=1, max_size=6))
    services = draw(st.lists(spot, min_size=0, max_size=6))
    return [(100.0 * x, 100.0 * y) for x, y in nodes], edges, parcels, services


@given(towns())
@settings(max_examples=300, deadline=None)
def test_every_distance_is_that_of_a_brute_force_search(town):
    nodes, edges, parcel_spots, service_spots = town
    network = make_network(nodes, edges, speed=0.8)
    parcels, services = place(network, parcel_spots), place(network, service_spots)
    ids = pd.Index([f"p{i}" for i in range(len(parcel_spots))], name="parcel_id")
    category = pd.Series(["shop"] * len(service_spots), dtype="str")

    reach = measure_reach(network, parcels, services, category, ids)

    expected = brute_force(network, parcels, services, range(len(service_spots)))
    if not service_spots:
        assert reach.nearest == {}
        return
    nearest = reach.nearest["shop"]
    assert nearest.seconds == pytest.approx(expected, abs=1e-9)
    assert (np.isinf(nearest.metres) == np.isinf(expected)).all()
    for i, name in enumerate(ids):
        drawn = route(reach, "shop", name)
        if drawn is None:
            assert math.isinf(expected[i])
        else:
            assert drawn.length == pytest.approx(nearest.metres[i], abs=1e-6)
            assert shapely.get_point(drawn, 0).distance(parcels.connector[i]) < 1e-9
            assert (
                shapely.get_point(drawn, -1).distance(services.connector[nearest.service[i]]) < 1e-9
            )


@given(towns(), st.data())
@settings(max_examples=100, deadline=None)
def test_one_more_service_never_lengthens_and_one_edge_less_never_shortens(town, data):
    nodes, edges, parcel_spots, service_spots = town
    if not service_spots:
        return
    network = make_network(nodes, edges)
    ids = pd.Index(range(len(parcel_spots)))

    def seconds(net, spots):
        category = pd.Series(["shop"] * len(spots), dtype="str")
        reach = measure_reach(net, place(net, parcel_spots), place(net, spots), category, ids)
        return reach.nearest["shop"].seconds

    base = seconds(network, service_spots)
    more = data.draw(st.sampled_from(range(len(edges))))
    assert (seconds(network, [*service_spots, (more, 0.5, 0.0)]) <= base + 1e-9).all()
    used = {spot[0] for spot in (*parcel_spots, *service_spots)}
    closable = [i for i in range(len(edges)) if i not in used]
    if closable:
        closed = data.draw(st.sampled_from(closable))
        slower = [(a, b, 1e9 if i == closed else pace) for i, (a, b, pace) in enumerate(edges)]
        assert (seconds(make_network(nodes, slower), service_spots) >= base - 1e-9).all()


def test_flat_step_free_ground_gives_effort_equal_to_length():
    network = make_network([(0, 0), (100, 0), (100, 80)], [(0, 1, 1.0), (1, 2, 1.0)])
    parcels, services = place(network, [(0, 0.0, 5.0)]), place(network, [(1, 1.0, 3.0)])
    reach = measure_reach(network, parcels, services, pd.Series(["shop"]), pd.Index(["a"]))

    table = reach_table(reach, pd.Series(["Butikken"]), ["shop", "doctor"])

    assert table.loc["a", "shop_walk_m"] == pytest.approx(5 + 100 + 80 + 3)
    assert table.loc["a", "shop_effort_m"] == pytest.approx(table.loc["a", "shop_walk_m"])
    assert table.loc["a", "shop_walk_min"] == pytest.approx(188 / 60)
    assert table.loc["a", "shop_service"] == "Butikken"
    assert table.loc["a", "doctor_walk_m"] == np.inf
    assert pd.isna(table.loc["a", "doctor_service"])


def test_steps_are_walked_only_where_the_way_round_costs_more():
    # 100 m of steps at three times the time, or 250 m round on the flat
    network = make_network(
        [(0, 0), (100, 0), (50, 114.56439237389602)],
        [(0, 1, 3.0), (0, 2, 1.0), (2, 1, 1.0)],
    )
    parcels, services = place(network, [(1, 0.0, 0.0)]), place(network, [(2, 1.0, 0.0)])
    reach = measure_reach(network, parcels, services, pd.Series(["shop"]), pd.Index(["a"]))
    assert reach.nearest["shop"].metres[0] == pytest.approx(250, abs=1e-6)
    assert reach.nearest["shop"].seconds[0] == pytest.approx(250, abs=1e-6)


def test_what_is_not_connected_reaches_nothing():
    network = make_network([(0, 0), (100, 0)], [(0, 1, 1.0)])
    shapes = np.array([shapely.Point(50, 400), shapely.Point(50, 10)], dtype=object)
    things = snap(network, shapes, limit_m=150)
    reach = measure_reach(network, things, things, pd.Series(["a", "b"]), pd.Index(["far", "near"]))
    assert things.edge.tolist() == [-1, 0]
    assert things.offset_m == pytest.approx([400, 10])
    assert np.isinf(reach.nearest["a"].metres).all()
    assert reach.nearest["b"].metres[1] == pytest.approx(20)
    assert route(reach, "a", "near") is None


@pytest.fixture(scope="module")
def lauf(shared_data):
    """The analysed town of Lauf, with all default criteria."""
    strategy = Strategy.build(
        {
            "title": "Lauf",
            "parcels": {"source": str(shared_data / "lauf/parcels.gpkg")},
            "osm": {"source": str(shared_data / "lauf/lauf-200115.osm.pbf")},
        }
    )
    inputs = analysis.read(strategy)
    return strategy, inputs, analysis.analyse(strategy, inputs)


def raw_graph(strategy, ways):
    """Every open segment of every way as an edge between OSM nodes: nothing contracted."""
    pace = seconds_per_metre(ways.tags, strategy.walker.walker)
    way_of = np.repeat(np.arange(len(ways)), np.diff(ways.starts))
    a, b = ways.node_of[:-1], ways.node_of[1:]
    kept = (way_of[:-1] == way_of[1:]) & (a >= 0) & (b >= 0) & np.isfinite(pace[way_of[:-1]])
    a, b, way = a[kept], b[kept], way_of[:-1][kept]
    length = np.hypot(*(ways.node_xy[a] - ways.node_xy[b]).T)
    graph = nx.MultiGraph()
    for u, v, m, s in zip(a, b, length, length * pace[way], strict=True):
        graph.add_edge(int(u), int(v), metres=m, seconds=s)
    return (
        graph,
        a,
        b,
        shapely.linestrings(np.stack([ways.node_xy[a], ways.node_xy[b]], axis=1)),
        pace[way],
    )


@pytest.mark.shared
def test_500_distances_in_lauf_agree_with_networkx_on_the_full_graph(lauf):
    strategy, inputs, result = lauf
    graph, a, b, segments, pace = raw_graph(strategy, inputs.ways)
    tree = shapely.STRtree(segments)
    shapes = inputs.ways.node_xy
    rng = np.random.default_rng(20261124)
    keys = [key for key in result.criteria.index if result.criteria.loc[key, "found"]]

    def insert(node, connector):
        """Insert the point where a connector meets the network into its segment."""
        point = shapely.get_point(connector, -1)
        row = int(tree.nearest(point))
        assert segments[row].distance(point) < 1e-6
        for end in (int(a[row]), int(b[row])):
            m = math.dist((point.x, point.y), shapes[end])
            graph.add_edge(node, end, metres=m, seconds=m * pace[row])
        return row, point

    service_at = {}
    for i in np.flatnonzero(result.reach.services.connected):
        service_at[i] = insert(f"s{i}", result.reach.services.connector[i])
    rows = rng.choice(len(result.parcels), 40, replace=False)
    checked = 0
    for row in rows:
        graph.remove_nodes_from(["p"] if "p" in graph else [])
        on, start = insert("p", result.reach.parcels.connector[row])
        for i, (segment, point) in service_at.items():
            if segment == on:
                m = start.distance(point)
                graph.add_edge("p", f"s{i}", metres=m, seconds=m * pace[on])
        seconds = nx.single_source_dijkstra_path_length(graph, "p", weight="seconds")
        for key in rng.choice(keys, 13, replace=False):
            members = np.flatnonzero((inputs.services["category"] == key).to_numpy())
            best = min(
                seconds.get(f"s{i}", math.inf) + result.reach.services.offset_m[i]
                for i in members
                if i in service_at
            )
            expected = best + result.reach.parcels.offset_m[row]
            assert result.parcels[f"{key}_effort_m"].iloc[row] == pytest.approx(expected, abs=0.01)
            checked += 1
    assert checked >= 500


@pytest.mark.shared
def test_no_route_in_lauf_is_shorter_than_the_straight_line(lauf):
    _, inputs, result = lauf
    parcels = result.parcels.geometry.to_numpy()
    places = inputs.services.geometry.to_numpy()
    for key, nearest in result.reach.nearest.items():
        found = nearest.service >= 0
        straight = shapely.distance(parcels[found], places[nearest.service[found]])
        walked = result.parcels[f"{key}_walk_m"].to_numpy()[found]
        assert (walked >= straight - 1e-6).all()
        assert (result.parcels[f"{key}_effort_m"].to_numpy()[found] >= walked - 1e-6).all()


@pytest.mark.shared
def test_routes_in_lauf_are_as_long_as_the_table_says_and_lie_on_the_network(lauf):
    _, _, result = lauf
    streets = shapely.STRtree(result.reach.network.edge_line)
    rng = np.random.default_rng(7)
    for name in rng.choice(result.parcels.index, 15, replace=False):
        for key in ("grocery", "park", "stop"):
            drawn = result.route(name, key)
            if drawn is None:
                assert pd.isna(result.parcels.loc[name, f"{key}_walk_m"])
                continue
            assert drawn.length == pytest.approx(
                result.parcels.loc[name, f"{key}_walk_m"], abs=1e-6
            )
            row = result.parcels.index.get_loc(name)
            service = result.reach.nearest[key].service[row]
            connectors = (
                result.reach.parcels.offset_m[row] + result.reach.services.offset_m[service]
            )
            points = shapely.points(shapely.get_coordinates(drawn))
            _, distance = streets.query_nearest(points, return_distance=True, all_matches=False)
            assert (distance > 1e-6).sum() <= (connectors > 0) * 2
