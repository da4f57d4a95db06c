"""Distances against an independent brute force, laws as properties, on real towns as well."""

import dataclasses
import math

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi import analysis
from arealstrategi.network import build_network, snap
from arealstrategi.reach import further_effort_m, measure_reach, reach_table, route, route_pieces
from arealstrategi.strategy import Strategy
from arealstrategi.walker import PROFILE_NAMES, profile, walk_costs
from towns import brute_force, make_network, make_ways, place, towns


def reach_of(network, parcels, services, k=1):
    """The reach of parcels p0, p1 … to services of one category."""
    ids = pd.Index([f"p{i}" for i in range(len(parcels.edge))], name="parcel_id")
    category = pd.Series(["shop"] * len(services.edge), dtype="str")
    return measure_reach(network, parcels, services, category, ids, k={"shop": k})


@given(towns())
@settings(max_examples=80)
def test_every_distance_is_that_of_a_brute_force_search(town):
    nodes, edges, parcel_spots, service_spots = town
    network = make_network(nodes, edges, speed=0.8)
    parcels, services = place(network, parcel_spots), place(network, service_spots)
    reach = reach_of(network, parcels, services)
    if not service_spots:
        assert reach.nearest == {}
        return
    expected = brute_force(network, parcels, services, range(len(service_spots))).min(axis=1)
    nearest = reach.nearest["shop"]
    assert nearest.seconds == pytest.approx(expected, abs=1e-9)
    assert (np.isinf(nearest.metres) == np.isinf(expected)).all()
    assert ((nearest.service < 0) == np.isinf(expected)).all()
    for i, name in enumerate(reach.parcel_id):
        drawn = route(reach, "shop", name)
        if drawn is None:
            assert math.isinf(expected[i])
            assert len(route_pieces(reach, "shop", name)) == 0
            continue
        assert drawn.length == pytest.approx(nearest.metres[i], abs=1e-3)
        assert shapely.get_point(drawn, 0).distance(parcels.connector[i]) < 1e-6
        assert shapely.get_point(drawn, -1).distance(services.connector[nearest.service[i]]) < 1e-6
        pieces = route_pieces(reach, "shop", name)
        assert pieces["metres"].sum() == pytest.approx(nearest.metres[i], abs=1e-6)
        assert pieces["seconds"].sum() == pytest.approx(nearest.seconds[i], abs=1e-6)


@given(towns(), st.integers(2, 5))
@settings(max_examples=80)
def test_the_k_nearest_are_the_k_smallest_of_all_distances_and_no_service_counts_twice(town, k):
    nodes, edges, parcel_spots, service_spots = town
    if not service_spots:
        return
    network = make_network(nodes, edges)
    parcels, services = place(network, parcel_spots), place(network, service_spots)
    nearest = reach_of(network, parcels, services, k).nearest["shop"]
    every = brute_force(network, parcels, services, range(len(service_spots)))
    expected = np.full((len(parcel_spots), k), np.inf)
    few = min(k, len(service_spots))
    expected[:, :few] = np.sort(every, axis=1)[:, :few]
    assert nearest.k_seconds == pytest.approx(expected, abs=1e-9)
    for i, row in enumerate(nearest.k_service):
        found = row[row >= 0]
        assert len(set(found)) == len(found) == np.isfinite(expected[i]).sum()
        assert every[i, found] == pytest.approx(expected[i, : len(found)], abs=1e-9)


@given(towns(), st.integers(1, 3), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_a_service_with_several_entrances_is_reached_by_the_best_and_counts_once(town, k, random):
    nodes, edges, parcel_spots, door_spots = town
    if not door_spots:
        return
    network = make_network(nodes, edges)
    n = random.randint(1, len(door_spots))  # services; the other spots are further entrances
    further = np.array([random.randrange(n) for _ in door_spots[n:]], dtype=np.int64)
    parcels, doors = place(network, parcel_spots), place(network, door_spots)
    services = dataclasses.replace(doors, further=further)
    category = pd.Series(["shop"] * n, dtype="str")
    ids = pd.Index([f"p{i}" for i in range(len(parcel_spots))])
    reach = measure_reach(network, parcels, services, category, ids, k={"shop": k})
    by_door = brute_force(network, parcels, doors, range(len(door_spots)))
    by_service = np.array([by_door[:, services.owner == i].min(axis=1) for i in range(n)]).T
    expected = np.full((len(parcel_spots), k), np.inf)
    expected[:, : min(k, n)] = np.sort(by_service, axis=1)[:, :k]
    nearest = reach.nearest["shop"]
    assert nearest.k_seconds == pytest.approx(expected, abs=1e-9)
    assert nearest.seconds == pytest.approx(expected[:, 0], abs=1e-9)
    for i, name in enumerate(ids):
        if np.isfinite(nearest.seconds[i]):
            assert services.owner[nearest.door[i]] == nearest.service[i]
            pieces = route_pieces(reach, "shop", name)
            assert pieces["seconds"].sum() == pytest.approx(nearest.seconds[i], abs=1e-6)


@st.composite
def hilly_towns(draw):
    """Ways over hills with steps, loops and closed kinds, snapped to and walked either way."""
    n = draw(st.integers(3, 10))
    grid = st.tuples(st.integers(0, 8), st.integers(0, 8))
    xy = draw(st.lists(grid, min_size=n, max_size=n, unique=True))
    z = draw(st.lists(st.sampled_from([0.0, 2.0, 7.0, np.nan]), min_size=n, max_size=n))
    visits = draw(
        st.lists(st.lists(st.integers(-1, n - 1), min_size=2, max_size=6), min_size=1, max_size=6)
    )
    kinds = ["footway", "path", "steps", "secondary", "motorway"]
    tags = [{"highway": draw(st.sampled_from(kinds))} for _ in visits]
    walker = profile(
        draw(st.sampled_from(PROFILE_NAMES)), draw(st.sampled_from(["summer", "winter"]))
    )
    direction = draw(st.sampled_from(["to", "from", "both"]))
    ways = make_ways([(60.0 * x, 60.0 * y) for x, y in xy], *visits, tags=tags, z=z)
    return build_network(ways, walker, direction=direction)


@given(hilly_towns(), st.data())
@settings(max_examples=60)
def test_on_hills_every_distance_is_that_of_a_brute_force_search_for_every_walker(network, data):
    shapes = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=5)
    parcels, services = (
        snap(network, shapely.points(np.array(data.draw(shapes), dtype=float)), limit_m=150)
        for _ in range(2)
    )
    on = np.flatnonzero(services.connected)
    connected = np.flatnonzero(parcels.connected)
    reach = reach_of(network, parcels, services, 3)
    nearest = reach.nearest["shop"]
    assert np.isinf(nearest.seconds[~parcels.connected]).all()
    if not len(on) or not len(connected):
        assert np.isinf(nearest.seconds).all()
        return
    fields = ("edge", "along_m", "offset_m", "connector")
    some = type(parcels)(*(getattr(parcels, name)[connected] for name in fields))
    every = np.sort(brute_force(network, some, services, on), axis=1)[:, :3]
    expected = np.full((len(connected), 3), np.inf)
    expected[:, : every.shape[1]] = every
    assert nearest.k_seconds[connected] == pytest.approx(expected, abs=1e-6)
    for row in connected:
        pieces = route_pieces(reach, "shop", f"p{row}")
        if np.isfinite(nearest.seconds[row]):
            assert pieces["seconds"].sum() == pytest.approx(nearest.seconds[row], abs=1e-6)
            assert pieces["metres"].sum() == pytest.approx(nearest.metres[row], abs=1e-6)
            assert not (np.isinf(network.edge_s).any() and pieces["steps"].any())


@given(towns(), st.data())
@settings(max_examples=60)
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
    walkable = [i for i, edge in enumerate(edges) if np.isfinite(edge[2:]).any()]
    more = data.draw(st.sampled_from(walkable))
    assert (seconds(network, [*service_spots, (more, 0.5, 0.0)]) <= base + 1e-9).all()
    used = {spot[0] for spot in (*parcel_spots, *service_spots)}
    closable = [i for i in range(len(edges)) if i not in used]
    if closable:
        closed = data.draw(st.sampled_from(closable))
        slower = [
            (a, b, *((np.inf, np.inf) if i == closed else paces))
            for i, (a, b, *paces) in enumerate(edges)
        ]
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
    assert reach.nearest["shop"].metres[0] == pytest.approx(250, abs=1e-3)
    assert reach.nearest["shop"].seconds[0] == pytest.approx(250, abs=1e-3)


def test_flat_step_free_ground_costs_its_length_whoever_walks_and_whichever_way():
    ways = make_ways([(0, 0), (300, 0), (300, 200)], [0, 1, 2], z=[5, 5, 5])
    for name in PROFILE_NAMES:
        for season in ("summer", "winter"):
            walker = profile(name, season)
            for direction in ("to", "from", "both"):
                network = build_network(ways, walker, direction=direction)
                at = snap(network, shapely.points([(0.0, 30.0), (310.0, 200.0)]), limit_m=150)
                ids = pd.Index(["a", "b"])
                reach = measure_reach(network, at, at, pd.Series(["x", "shop"]), ids)
                table = reach_table(reach, pd.Series(["X", "S"]), ["shop"]).loc["a"]
                assert table["shop_effort_m"] == pytest.approx(540, abs=0.01)
                assert table["shop_walk_m"] == pytest.approx(540, abs=0.01)


def test_a_rollator_takes_no_steps_and_goes_round():
    ways = make_ways(
        [(0, 0), (100, 0), (100, 500), (0, 500)], [0, 1], [0, 3, 2, 1],
        tags=[{"highway": "steps"}, {"highway": "footway"}],
    )  # fmt: skip
    for name, metres in (("senior", 100), ("rollator", 1100)):
        network = build_network(ways, profile(name))
        at = snap(network, shapely.points([(0.0, 0.0), (100.0, 0.0)]), limit_m=150)
        reach = measure_reach(network, at, at, pd.Series(["x", "shop"]), pd.Index(["a", "b"]))
        assert reach.nearest["shop"].metres[0] == pytest.approx(metres, abs=0.01)


def test_where_several_places_count_those_that_are_missing_are_infinitely_far():
    network = make_network([(0, 0), (100, 0)], [(0, 1, 1.0)])
    parcels, services = place(network, [(0, 0.0, 0.0)]), place(network, [(0, 0.5, 0), (0, 0.5, 0)])
    reach = reach_of(network, parcels, services, 3)
    assert further_effort_m(reach, "shop", 3).tolist() == [pytest.approx([50, 50, np.inf])]
    assert np.isinf(further_effort_m(reach, "doctor", 2)).all()


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
            "robustness": {"enabled": False},
        }
    )
    inputs = analysis.read(strategy)
    return strategy, inputs, analysis.analyse(strategy, inputs)


CASES = [
    ("lauf", "senior", "both"),
    ("lauf", "wheelchair", "both"),
    ("porto-alegre", "adult", "both"),
    ("porto-alegre", "senior", "to"),
    ("porto-alegre", "rollator", "from"),
]
FARTHEST_S = 1500.0  # as far as the brute force looks
NEAR_M = 700.0  # the parcels looked at lie this near to one of them


@pytest.fixture(scope="module")
def real_towns(shared_data, tmp_path_factory):
    """Towns with heights and parcels; in Porto Alegre the middles of hexagons."""
    folder = shared_data / "porto-alegre"
    rows = pd.read_csv(folder / "poa_hexgrid.csv")
    points = gpd.points_from_xy(rows["lon"], rows["lat"], crs=4326)
    hexagons = tmp_path_factory.mktemp("porto") / "hexagons.gpkg"
    gpd.GeoDataFrame({"id": rows["id"]}, geometry=points).to_file(hexagons)
    porto = hexagons, folder / "poa_osm.pbf", folder / "poa_elevation.tif"
    folder = shared_data / "lauf"
    lauf = folder / "parcels.gpkg", folder / "lauf-200115.osm.pbf", folder / "N49E011.hgt.zip"
    return {"lauf": lauf, "porto-alegre": porto}


def raw_graph(strategy, ways, around):
    """Every open segment near a place as arcs between the ways' nodes: nothing contracted.

    Near is as far as the walker can come in `FARTHEST_S`.
    """
    costs = walk_costs(ways, strategy.walker.walker)
    there, back = costs.seconds.T
    if strategy.walker.direction == "both":
        there = back = (there + back) / 2
    if strategy.walker.direction == "from":
        there, back = back, there
    far = NEAR_M + 300 + FARTHEST_S * strategy.walker.walker.flat_speed_m_s
    near = np.hypot(*(ways.node_xy - around).T) < far
    kept = np.isfinite(there) & (near[ways.segments.tail] | near[ways.segments.head])
    a, b = ways.segments.tail[kept].copy(), ways.segments.head[kept].copy()
    there, back = there[kept], back[kept]
    lines = shapely.linestrings(np.stack([ways.node_xy[a], ways.node_xy[b]], axis=1))
    shut = ways.node_tags.index[ways.node_tags["access"].isin(["no", "private"])].to_numpy()
    for side in (a, b):  # nobody passes a closed gate: what meets there has ends of its own
        at = np.flatnonzero(np.isin(side, shut))
        side[at] = -1 - at - (len(a) if side is b else 0)
    graph = nx.MultiDiGraph()
    graph.add_weighted_edges_from(zip(a.tolist(), b.tolist(), there, strict=True))
    graph.add_weighted_edges_from(zip(b.tolist(), a.tolist(), back, strict=True))
    return graph, np.column_stack([a, b]), np.column_stack([there, back]), lines


@pytest.mark.shared
@pytest.mark.parametrize(("town", "name", "direction"), CASES)
def test_distances_in_real_towns_agree_with_networkx_on_the_full_graph(
    real_towns, town, name, direction
):
    parcels, extract, raster = map(str, real_towns[town])
    strategy = Strategy.build(
        {
            "parcels": {"source": parcels},
            "osm": {"source": extract},
            "terrain": {"elevation": [raster]},
            "walker": {"profile": name, "direction": direction},
            "robustness": {"draws": 100, "distance_draws": 10},  # finds two places more of each
        }
    )
    inputs = analysis.read(strategy, backdrop=False)
    result = analysis.analyse(strategy, inputs)
    rng, reach = np.random.default_rng(20261125), result.reach
    starts = reach.parcels.outer_xy
    middle = starts[rng.choice(np.flatnonzero(reach.parcels.connected))]
    around = np.hypot(*(starts - middle).T) < NEAR_M
    graph, ends, seconds, lines = raw_graph(strategy, inputs.ways, middle)
    tree = shapely.STRtree(lines)

    def insert(node, connector):
        """Insert the point where a connector meets the network into its segment."""
        point = shapely.get_point(connector, -1)
        row = int(tree.nearest(point))
        assert lines[row].distance(point) < 1e-5
        share = lines[row].project(point, normalized=True)
        (first, second), (there, back) = ends[row].tolist(), seconds[row]
        graph.add_edge(first, node, weight=share * there)
        graph.add_edge(node, first, weight=share * back)
        graph.add_edge(node, second, weight=(1 - share) * there)
        graph.add_edge(second, node, weight=(1 - share) * back)
        return row, share

    touches = shapely.get_point(reach.services.connector, -1)
    reached_m = NEAR_M + FARTHEST_S * strategy.walker.walker.flat_speed_m_s
    held = shapely.dwithin(touches, shapely.Point(middle), reached_m)
    at = {i: insert(f"s{i}", reach.services.connector[i]) for i in np.flatnonzero(held)}
    keys = [key for key in result.criteria.index if key in reach.nearest]
    speed, checked = strategy.walker.walker.flat_speed_m_s, 0
    for row in np.flatnonzero(around)[:: max(around.sum() // 12, 1)]:
        graph.remove_nodes_from(["p"] if "p" in graph else [])
        on, share = insert("p", reach.parcels.connector[row])
        for i, (segment, place_share) in at.items():
            if segment == on:
                way = 0 if place_share >= share else 1
                graph.add_edge("p", f"s{i}", weight=abs(place_share - share) * seconds[on, way])
        lengths = nx.single_source_dijkstra_path_length(graph, "p", cutoff=FARTHEST_S)
        for key in keys:
            best: dict[int, float] = {}
            for i in reach.doors[key][held[reach.doors[key]]]:
                offset = reach.services.offset_m[i] + reach.parcels.offset_m[row]
                seconds_to = lengths.get(f"s{i}", math.inf) + offset / speed
                place_of = int(reach.services.owner[i])
                best[place_of] = min(seconds_to, best.get(place_of, math.inf))
            nearest = reach.nearest[key]
            expected = sorted(best.values())[: nearest.k_seconds.shape[1]]
            got = nearest.k_seconds[row][: len(expected)]
            near = np.isfinite(expected[: len(got)])
            assert got[near] == pytest.approx(np.array(expected)[: len(got)][near], abs=0.01)
            assert (got[~near] > FARTHEST_S).all()
            assert (nearest.k_seconds[row][len(expected) :] > FARTHEST_S).all()
            if near[:1].any():
                effort = result.parcels[f"{key}_effort_m"].iloc[row]
                assert effort == pytest.approx(expected[0] * speed, abs=0.01)
                checked += 1
    assert checked >= 12


@pytest.mark.shared
def test_no_route_in_lauf_is_shorter_than_the_straight_line(lauf):
    _, inputs, result = lauf
    parcels = result.parcels.geometry.to_numpy()
    places = inputs.services.geometry.to_numpy()
    for key, nearest in result.reach.nearest.items():
        found = nearest.service >= 0
        straight = shapely.distance(parcels[found], places[nearest.service[found]])
        walked = result.parcels[f"{key}_walk_m"].to_numpy()[found]
        # the map stretches lengths by at most 0.1 % here
        assert (walked >= straight * 0.999 - 1e-6).all()
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
                result.parcels.loc[name, f"{key}_walk_m"], rel=1e-3
            )
            row = result.parcels.index.get_loc(name)
            service = result.reach.nearest[key].service[row]
            connectors = (
                result.reach.parcels.offset_m[row] + result.reach.services.offset_m[service]
            )
            points = shapely.points(shapely.get_coordinates(drawn))
            _, distance = streets.query_nearest(points, return_distance=True, all_matches=False)
            assert (distance > 1e-6).sum() <= (connectors > 0) * 2
