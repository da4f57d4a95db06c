"""Pairs of origins and services against a brute force, and against the search for the nearest."""

import dataclasses

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi.network import build_network, snap, snap_services
from arealstrategi.reach import effort_pairs, further_effort_m, matrix, measure_reach
from arealstrategi.sources.osm import read_extract
from arealstrategi.walker import profile
from towns import brute_force, make_network, place, towns

UTM32 = pyproj.CRS.from_epsg(25832)


def reach_of(network, origins, services, category=None, k=1):
    """The reach of origins 0, 1 … to services, of one category where none is given."""
    n = len(services.edge) - len(services.further)
    keys = pd.Series(["shop"] * n if category is None else category, dtype="str")
    ids = pd.RangeIndex(len(origins.edge))
    return measure_reach(network, origins, services, keys, ids, k={"shop": k})


def as_table(pairs, shape):
    """Pairs as (origins, services) metres, inf where there is none."""
    table = np.full(shape, np.inf)
    table[pairs["origin"], pairs["service"]] = pairs["effort_m"]
    return table


@given(
    towns(),
    st.sampled_from([40.0, 500.0, 1e6]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60)
def test_all_pairs_within_the_limit_are_found_and_cost_what_a_brute_force_says(
    town, limit_m, random
):
    nodes, edges, origin_spots, door_spots = town
    if not door_spots:
        return
    network = make_network(nodes, edges, speed=0.8)
    n = random.randint(1, len(door_spots))  # services; the other spots are further entrances
    further = np.array([random.randrange(n) for _ in door_spots[n:]], dtype=np.int64)
    origins, doors = place(network, origin_spots), place(network, door_spots)
    services = dataclasses.replace(doors, further=further)
    pairs = effort_pairs(reach_of(network, origins, services), "shop", limit_m=limit_m)
    by_door = 0.8 * brute_force(network, origins, doors, range(len(door_spots)))
    expected = np.array([by_door[:, services.owner == i].min(axis=1) for i in range(n)]).T
    got = as_table(pairs, expected.shape)
    sure = np.abs(expected - limit_m) > 1e-6
    expected[expected > limit_m] = np.inf
    assert got[sure] == pytest.approx(expected[sure], abs=1e-9)
    assert not pairs.duplicated(["origin", "service"]).any()
    assert (pairs["effort_m"] <= limit_m + 2 * matrix.SAME_M).all()


@given(towns(), st.integers(1, 4))
@settings(max_examples=60)
def test_the_nearest_of_the_pairs_are_those_that_the_search_for_the_nearest_finds(town, k):
    nodes, edges, origin_spots, service_spots = town
    if not service_spots:
        return
    network = make_network(nodes, edges, speed=0.8)
    origins, services = place(network, origin_spots), place(network, service_spots)
    reach = reach_of(network, origins, services, k=k)
    pairs = effort_pairs(reach, "shop", limit_m=1e6)
    every = np.sort(as_table(pairs, (len(origin_spots), max(k, len(service_spots)))), axis=1)
    assert every[:, :k] == pytest.approx(further_effort_m(reach, "shop", k), abs=1e-9)


def test_only_services_of_the_category_count_by_their_row_in_the_services_table():
    network = make_network([(0, 0), (100, 0), (200, 0)], [(0, 1, 1.0), (1, 2, 1.0)])
    origins = place(network, [(0, 0.0, 5.0)])
    services = place(network, [(0, 0.5, 0.0), (1, 0.5, 3.0), (1, 1.0, 0.0)])
    reach = reach_of(network, origins, services, ["cafe", "shop", "shop"])
    pairs = effort_pairs(reach, "shop", limit_m=1000)
    assert pairs.to_dict("list") == {"origin": [0, 0], "service": [1, 2], "effort_m": [158, 205]}
    assert effort_pairs(reach, "cafe", limit_m=1000)["effort_m"].tolist() == [55]
    assert list(effort_pairs(reach, "doctor", limit_m=1000)) == ["origin", "service", "effort_m"]
    assert effort_pairs(reach, "doctor", limit_m=1000).empty


@pytest.mark.parametrize("along_m", [70.1, 181.4, 225.2, 239.8])
def test_a_service_exactly_at_the_limit_is_within_it(along_m):
    network = make_network([(0, 0), (along_m, 0)], [(0, 1, 1 / 0.7)], speed=0.7)
    things = place(network, [(0, 0.0, 0.0)]), place(network, [(0, 1.0, 0.1)])
    reach = reach_of(network, *things)
    assert len(effort_pairs(reach, "shop", limit_m=along_m + 0.1)) == 1
    assert len(effort_pairs(reach, "shop", limit_m=along_m + 0.09)) == 0


def test_origins_and_services_beside_no_street_are_in_no_pair():
    network = make_network([(0, 0), (100, 0)], [(0, 1, 1.0)])
    points = shapely.points([(50.0, 400.0), (50.0, 10.0), (80.0, 10.0)])
    things = snap(network, points, limit_m=150)
    pairs = effort_pairs(reach_of(network, things, things), "shop", limit_m=5000)
    assert pairs[["origin", "service"]].to_numpy().tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]
    assert pairs["effort_m"].tolist() == pytest.approx([20, 50, 50, 20], rel=1e-6)


@pytest.mark.parametrize("limit_m", [0.0, -5.0, np.inf, np.nan])
def test_a_limit_that_is_none_is_a_mistake(limit_m):
    network = make_network([(0, 0), (100, 0)], [(0, 1, 1.0)])
    things = place(network, [(0, 0.5, 0.0)])
    with pytest.raises(ValueError, match="limit_m"):
        effort_pairs(reach_of(network, things, things), "shop", limit_m=limit_m)


@pytest.fixture(scope="module")
def lauf(shared_data):
    """The streets of Lauf with 400 origins and 60 services, ten of them with several entrances."""
    path = shared_data / "lauf" / "lauf-200115.osm.pbf"
    network = build_network(read_extract(path, {}, crs=UTM32).ways, profile("senior"))
    rng = np.random.default_rng(5)
    low, high = np.quantile(network.node_xy, [0.2, 0.8], axis=0)
    origins = snap(network, shapely.points(rng.uniform(low, high, (400, 2))), limit_m=150)
    spots = np.asarray(shapely.points(rng.uniform(low, high, (60, 2))), dtype=object)
    spots[:10] = shapely.buffer(spots[:10], 120)
    is_open = np.arange(60) < 10
    return reach_of(network, origins, snap_services(network, spots, is_open, limit_m=150), k=6)


@pytest.mark.shared
def test_in_a_real_town_the_six_nearest_of_the_pairs_are_those_of_the_search(lauf):
    assert len(lauf.services.further) > 20
    pairs = effort_pairs(lauf, "shop", limit_m=1500)
    every = np.sort(as_table(pairs, (400, 60)), axis=1)[:, :6]
    expected = further_effort_m(lauf, "shop", 6)
    expected[expected > 1500] = np.inf
    assert every == pytest.approx(expected, abs=1e-6)
    assert np.isfinite(expected).sum() > 1000


@pytest.mark.shared
def test_how_much_is_held_at_once_and_the_limit_change_no_pair(lauf, monkeypatch):
    wide = effort_pairs(lauf, "shop", limit_m=1500)
    monkeypatch.setattr(matrix, "NUMBERS_AT_ONCE", 1)
    narrow = effort_pairs(lauf, "shop", limit_m=600)
    expected = wide[wide["effort_m"] <= 600].reset_index(drop=True)
    pd.testing.assert_frame_equal(narrow, expected, rtol=0, atol=1e-9)
