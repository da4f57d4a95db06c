"""Benches on the way: a street whose benches can be counted, and a search in networkx."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi.network import Snapped
from arealstrategi.reach import measure_reach, rests_on_the_way
from towns import make_network, place, split_graph

# A street of three edges, 0 to 300 m, the middle one drawn from east to west; a side street of
# 80 m goes off at 100 m, and a street of its own lies elsewhere.
NODES = [(0, 0), (100, 0), (200, 0), (300, 0), (100, 80), (900, 900), (990, 900)]
EDGES = [(0, 1, 1.0), (2, 1, 1.0), (2, 3, 1.0), (1, 4, 1.0), (5, 6, 1.0)]
WEST, MIDDLE, EAST, SIDE, ELSEWHERE = range(5)


def on_street(x):
    """Return the edge and share of its length at so many metres of the street."""
    edge = min(int(x // 100), 2)
    share = x / 100 - edge
    return edge, 1 - share if edge == MIDDLE else share


def stand(network, spots):
    """Put things on the network; a number is a place on the street."""
    told = [on_street(spot) if isinstance(spot, int | float) else spot for spot in spots]
    return place(network, [(*spot, 0.0) for spot in told])


def reach_of(network, parcels, services, categories=None):
    owners = len(services.edge) - len(services.further)
    category = pd.Series(categories or ["shop"] * owners, dtype="str")
    ids = pd.Index([f"p{i}" for i in range(len(parcels.edge))], name="parcel_id")
    return measure_reach(network, parcels, services, category, ids)


def counts(parcels, services, benches, category="shop", categories=None):
    network = make_network(NODES, EDGES)
    reach = reach_of(network, stand(network, parcels), stand(network, services), categories)
    return rests_on_the_way(reach, stand(network, benches), category).tolist()


@pytest.mark.parametrize(
    ("bench", "passed"),
    [
        (10, 0),  # on the parcel's own edge, behind the parcel
        (60, 1),  # on the parcel's own edge, before it
        (120, 1),
        (199, 1),
        (230, 1),  # on the service's edge, before the door
        (270, 0),  # on the service's edge, beyond the door
        ((SIDE, 0.1), 0),
        ((ELSEWHERE, 0.5), 0),
    ],
)
def test_a_bench_counts_where_the_walk_passes_it_and_nowhere_else(bench, passed):
    assert counts([20], [250], [bench]) == [passed]
    # and the other way round: the benches are the same ones
    assert counts([250], [20], [bench]) == [passed]


def test_all_benches_that_are_passed_are_added_up_also_those_at_one_spot():
    benches = [10, 60, 60, 120, 130, 140, 230, 270, (SIDE, 0.5)]
    assert counts([20, 150, 250, (SIDE, 1.0)], [260], benches) == [6, 1, 0, 5]


def test_on_one_edge_only_what_lies_between_counts_in_either_direction():
    benches = [210, 230, 240, 260, 290]
    assert counts([220, 280, 250], [250], benches) == [2, 1, 0]


def test_a_walk_of_no_length_passes_nothing_and_no_bench_at_all_is_none():
    assert counts([250], [250], [240, 260]) == [0]
    assert counts([20], [250], []) == [0]


def test_where_nothing_is_reached_it_is_not_known_and_never_none():
    got = counts([20, (ELSEWHERE, 0.2)], [250], [60, (ELSEWHERE, 0.5)])
    assert got[0] == 1
    assert np.isnan(got[1])


def test_parcels_and_benches_beside_no_street_are_not_met():
    network = make_network(NODES, EDGES)
    lone = Snapped(*(np.array(a) for a in ([-1], [np.nan], [999.0], [None])))
    benches = stand(network, [60])
    reach = reach_of(network, stand(network, [20]), stand(network, [250]))
    assert rests_on_the_way(reach, lone, "shop").tolist() == [0]
    reach = reach_of(network, lone, stand(network, [250]))
    assert np.isnan(rests_on_the_way(reach, benches, "shop")).all()


def test_each_category_has_its_own_way():
    benches, kinds = [60, 120, 230, (SIDE, 0.5)], ["shop", "library"]
    both = [250, (SIDE, 1.0)]
    assert counts([20], both, benches, "shop", kinds) == [3]
    assert counts([20], both, benches, "library", kinds) == [2]


def test_of_several_entrances_the_way_to_the_nearest_counts():
    """A park from 150 m on has its row in the table at its far end, and a gate at its near one."""
    network = make_network(NODES, EDGES)
    touches = stand(network, [280, 150])
    park = Snapped(
        touches.edge, touches.along_m, touches.offset_m, touches.connector, np.array([0])
    )
    reach = reach_of(network, stand(network, [20, 299, 140]), park)
    benches = stand(network, [60, 120, 145, 160, 230, 290])
    assert rests_on_the_way(reach, benches, "shop").tolist() == [3, 1, 1]


def test_round_a_block_the_side_that_is_walked_counts():
    corners = [(0, 0), (100, 0), (150, 80), (50, 80)]
    network = make_network(corners, [(0, 1, 1.0), (1, 2, 1.0), (2, 3, 1.0), (3, 1, 1.0)])
    reach = reach_of(network, stand(network, [(1, 0.9), (3, 0.2)]), stand(network, [(0, 0.5)]))
    benches = stand(network, [(1, 0.5), (2, 0.5), (3, 0.5), (3, 0.6)])
    assert rests_on_the_way(reach, benches, "shop").tolist() == [1, 2]


def walked_past(network, parcels, services, benches):
    """Return the benches on each parcel's cheapest way, found node by node with networkx."""
    n = len(services.edge)
    together = Snapped(
        *(
            np.concatenate([getattr(one, name) for one in (services, benches)])
            for name in ("edge", "along_m", "offset_m", "connector")
        )
    )
    graph = split_graph(network, parcels, together, range(len(together.edge)))
    passed = []
    for p in range(len(parcels.edge)):
        cost, way = nx.single_source_dijkstra(graph, f"p{p}'")
        ends = [(cost[f"s{s}'"], f"s{s}'") for s in range(n) if f"s{s}'" in cost]
        on_way = way[min(ends)[1]] if ends else []
        benches_there = {f"s{row}" for row in range(n, len(together.edge))} & set(on_way)
        passed.append(len(benches_there) if ends else np.nan)
    return passed


@given(st.integers(0, 10**6), st.integers(1, 3))
@settings(max_examples=80)
def test_in_any_town_the_benches_are_those_of_the_cheapest_way(seed, n_services):
    """Places are random numbers, so that no two ways cost the same."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 9))
    ends = rng.integers(0, n, (14, 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    paces = rng.uniform(0.5, 2.0, (len(ends), 2))
    paces[rng.random(paces.shape) < 0.1] = np.inf
    open_ways = np.isfinite(paces).any(axis=1)
    ends, paces = ends[open_ways], paces[open_ways]
    edges = [(int(a), int(b), *pace) for (a, b), pace in zip(ends, paces, strict=True)]
    network = make_network(rng.random((n, 2)) * 500, edges)
    spots = [
        place(network, [(int(rng.integers(len(edges))), rng.random(), 5.0) for _ in range(k)])
        for k in (5, n_services, 12)
    ]
    reach = reach_of(network, *spots[:2])
    found = rests_on_the_way(reach, spots[2], "shop")
    assert found == pytest.approx(walked_past(network, *spots), nan_ok=True)
