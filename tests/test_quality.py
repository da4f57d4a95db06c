"""What is told of the network against a small town that can be counted by hand."""

import numpy as np
import pandas as pd
import pytest
import shapely

from arealstrategi.network import build_network, snap
from arealstrategi.quality import UNKNOWN_GRADIENT, extreme_detours, network_report
from arealstrategi.walker import profile
from towns import make_ways


def told(*, parcels, services=((100, 5),), name="senior", ferries=False):
    """A street of 1000 m, half of it steep; an island of 400 m that a ferry leads to."""
    ways = make_ways(
        [(0, 0), (500, 0), (1000, 0), (1000, 900), (1400, 900)],
        [0, 1], [1, 2], [3, 4], [2, 3],
        tags=[
            {"highway": "residential", "surface": "asphalt", "lit": "yes"},
            {"highway": "residential", "incline": "10%"},
            {"highway": "path"},
            {"route": "ferry"},
        ],
        z=[0, 0, 50, np.nan, np.nan],
    )  # fmt: skip
    network = build_network(ways, profile(name), ferries=ferries)
    at = [
        snap(network, shapely.points(np.array(p, float)), limit_m=150) for p in (parcels, services)
    ]
    ids = pd.Index([f"p{i}" for i in range(len(parcels))])
    return network_report(
        "senior", ways, network, *at, ids, [f"shop {i}" for i in range(len(services))]
    )


HOMES = [(10, 5), (600, 5), (1200, 905), (1200, 5000)]


def test_parts_and_what_lies_on_them_are_counted():
    facts = told(parcels=HOMES).facts
    assert facts["length, km"] == 1.4
    assert facts["connected parts"] == 2
    assert facts["parcels on the largest part, %"] == 50
    assert facts["parcels on other parts"] == 1
    assert facts["parcels not connected"] == 1
    assert facts["parcels cut off (no service on their part)"] == 1


def test_what_is_cut_off_or_not_connected_is_named():
    report = told(parcels=HOMES, services=[(100, 5), (100, 9000)])
    assert report.listed["parcels cut off"] == ["p2"]
    assert report.listed["parcels farther than the limit from any walkable way"] == ["p3"]
    assert report.listed["services farther than the limit from any walkable way"] == ["shop 1"]
    assert report.listed["connected parts by length"] == [
        "part 1: 1.0 km, 50 % of the parcels", "part 2: 0.4 km, 25 % of the parcels",
    ]  # fmt: skip


def test_an_island_is_reached_by_ferry_alone_and_only_where_ferries_are_asked_for():
    facts = told(parcels=HOMES, ferries=True).facts
    assert facts["connected parts"] == 1
    assert facts["parcels cut off (no service on their part)"] == 0
    assert facts["length by ferry, %"] == pytest.approx(100 * 900 / 2300, abs=0.06)


def test_shares_of_tags_and_hindrances_are_by_length():
    facts = told(parcels=HOMES).facts
    assert facts["length with surface, %"] == pytest.approx(100 * 500 / 1400, abs=0.06)
    assert facts["length with lit, %"] == pytest.approx(100 * 500 / 1400, abs=0.06)
    assert facts["length with incline, %"] == pytest.approx(100 * 500 / 1400, abs=0.06)
    assert facts["length with sidewalk, %"] == 0
    assert facts["length steeper than 1:15, %"] == pytest.approx(100 * 500 / 1400, abs=0.06)
    assert facts[UNKNOWN_GRADIENT] == pytest.approx(100 * 400 / 1400, abs=0.06)


def test_a_network_without_any_street_is_told_without_failing():
    ways = make_ways([(0, 0), (9, 0)], [0, 1], tags=[{"highway": "motorway"}])
    network = build_network(ways, profile("senior"))
    nowhere = snap(network, shapely.points([(0.0, 0.0)]), limit_m=150)
    facts = network_report("senior", ways, network, nowhere, nowhere, pd.Index(["a"]), ["b"]).facts
    assert facts["length, km"] == 0
    assert facts["connected parts"] == 0
    assert facts["parcels on the largest part, %"] == 0


def test_the_worst_detour_of_each_parcel_is_a_hint_where_it_is_long_and_far_round():
    rows = [
        ("a", "shop", 900.0, 200.0), ("a", "doctor", 1000.0, 200.0), ("b", "shop", 250.0, 60.0),
        ("c", "shop", 800.0, 500.0), ("d", "shop", 700.0, 100.0), ("e", "shop", np.nan, np.nan),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["parcel_id", "category", "walk_m", "straight_m"])
    table["detour"] = table["walk_m"] / table["straight_m"]
    hints = extreme_detours(table)
    assert list(zip(hints["parcel_id"], hints["category"], strict=True)) == [
        ("d", "shop"), ("a", "doctor"),
    ]  # fmt: skip
