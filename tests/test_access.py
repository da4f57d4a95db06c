"""Demand and supply: what is given out is received, people count once, and `access` agrees."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from access import fca
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from arealstrategi.access import (
    SLOW_DECAY,
    access_from,
    access_in_zones,
    floating_catchment,
    residents_in_reach,
    thirds,
)
from arealstrategi.network import snap
from arealstrategi.population import zone_of
from arealstrategi.reach import effort_pairs, measure_reach
from arealstrategi.sources.statistics import read_grid
from towns import make_network

UTM32 = pyproj.CRS.from_epsg(25832)
STEPS_M = (300.0, 600.0, 900.0)


def pairs_of(efforts):
    """Every pair of a table (origins, services) of efforts, NaN left out."""
    efforts = np.asarray(efforts, dtype=float)
    origin, service = np.nonzero(~np.isnan(efforts))
    effort = efforts[origin, service]
    return pd.DataFrame({"origin": origin, "service": service, "effort_m": effort})


# -- floating catchments ---------------------------------------------------------------------------


@st.composite
def markets(draw):
    """Efforts (origins, services), residents and capacities; some of all are not known."""
    o, s = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    metres = st.one_of(
        st.sampled_from([0.0, 300.0, 300.1, 600.0, 900.0, np.inf, np.nan]), st.floats(0, 1200)
    )
    people = st.sampled_from([0.0, 1.0, 7.5, 120.0, np.nan])
    capacity = st.sampled_from([0.0, 1.0, 2.5, 40.0, np.nan])
    efforts = draw(st.lists(st.lists(metres, min_size=s, max_size=s), min_size=o, max_size=o))
    demand = draw(st.lists(people, min_size=o, max_size=o))
    return (
        np.array(efforts),
        np.array(demand),
        np.array(draw(st.lists(capacity, min_size=s, max_size=s))),
    )


@given(markets(), st.sampled_from([SLOW_DECAY, (1.0, 0.42, 0.09), (1.0, 1.0, 1.0)]))
@settings(max_examples=80)
def test_residents_receive_all_that_is_supplied_where_anyone_lives_near(market, weights):
    efforts, demand, supply = market
    found = floating_catchment(pairs_of(efforts), demand, supply, steps_m=STEPS_M, weights=weights)
    lived_near = ((efforts <= 900) & (demand > 0)[:, None]).any(axis=0)
    assert (np.isfinite(found.ratio) == (lived_near & ~np.isnan(supply))).all()
    received = np.nansum(demand * found.access)
    assert received == pytest.approx(np.nansum(supply[lived_near]), rel=1e-9)
    assert found.unreached == ((supply > 0) & ~lived_near).sum()
    assert found.unknown_supply == np.isnan(supply).sum()
    assert found.unknown_demand == np.isnan(demand).sum()


@given(markets())
@settings(max_examples=80)
def test_access_is_the_sum_of_the_ratios_in_reach_by_hand(market):
    efforts, demand, supply = market
    found = floating_catchment(pairs_of(efforts), demand, supply, steps_m=STEPS_M)

    def weight(metres):
        return next((w for m, w in zip(STEPS_M, SLOW_DECAY, strict=True) if metres <= m), 0.0)

    for row, got in zip(efforts, found.access, strict=True):
        expected, reached, told = 0.0, False, False
        for j, metres in enumerate(row):
            if not (counts := weight(metres)):
                continue
            column = zip(efforts[:, j], demand, strict=True)
            near = sum(weight(m) * p for m, p in column if not np.isnan(p))
            reached = True
            if near > 0 and not np.isnan(supply[j]):
                told, expected = True, expected + counts * supply[j] / near
        if reached and not told:
            assert np.isnan(got)
        else:
            assert got == pytest.approx(expected, rel=1e-9)


@given(markets(), st.booleans())
@settings(max_examples=40)
def test_the_library_access_finds_the_same(market, in_steps):
    efforts, demand, supply = market
    demand, supply = np.nan_to_num(demand, nan=3.0), np.nan_to_num(supply, nan=5.0)
    demand = np.maximum(demand, 1.0)  # it divides by zero where nobody lives
    pairs = pairs_of(efforts)
    assume((pairs["effort_m"] <= 900).any())
    steps = dict(zip(STEPS_M, SLOW_DECAY, strict=True)) if in_steps else {900.0: 1.0}
    found = floating_catchment(
        pairs, demand, supply, steps_m=list(steps), weights=list(steps.values())
    )
    theirs = fca.two_stage_fca(
        pd.DataFrame({"geoid": np.arange(len(demand)), "demand": demand}),
        pd.DataFrame({"supply": supply}),
        pairs.rename(columns={"service": "dest", "effort_m": "cost"}),
        max_cost=900.0,
        weight_fn=lambda m: next((w for limit, w in steps.items() if m <= limit), 0.0),
    )
    expected = theirs.reindex(range(len(demand)), fill_value=0.0).to_numpy()
    assert found.access == pytest.approx(expected, rel=1e-9)


@given(markets())
@settings(max_examples=40)
def test_one_step_of_weight_one_is_several_of_weight_one(market):
    efforts, demand, supply = market
    pairs = pairs_of(efforts)
    one = floating_catchment(pairs, demand, supply, steps_m=[900], weights=[1])
    three = floating_catchment(pairs, demand, supply, steps_m=STEPS_M, weights=(1, 1, 1))
    assert one.access == pytest.approx(three.access, nan_ok=True)


def test_two_doctors_whose_patients_live_apart_and_between():
    # 100 live near the first alone, 50 near both, and 30 where there is none
    efforts = [[200, 2000], [800, 100], [1500, np.inf]]
    plain = floating_catchment(
        pairs_of(efforts), [100, 50, 30], [3, 1], steps_m=[1000], weights=[1]
    )
    assert plain.ratio == pytest.approx([3 / 150, 1 / 50])
    assert plain.access == pytest.approx([0.02, 0.04, 0])
    stepped = floating_catchment(pairs_of(efforts), [100, 50, 30], [3, 1], steps_m=thirds(900))
    assert stepped.ratio == pytest.approx([3 / (100 + 0.22 * 50), 1 / 50])
    assert stepped.access == pytest.approx([3 / 111, 0.22 * 3 / 111 + 1 / 50, 0])


def test_unknown_supply_is_never_no_supply():
    efforts = [[100, np.nan], [100, 100], [np.nan, 100]]
    found = floating_catchment(
        pairs_of(efforts), [10, 10, 10], [np.nan, 4], steps_m=[500], weights=[1]
    )
    assert found.access == pytest.approx([np.nan, 0.2, 0.2], nan_ok=True)
    assert (found.unknown_supply, found.unreached) == (1, 0)


def test_other_places_have_the_access_of_the_residents_who_live_there():
    efforts = np.array([[200, 700], [650, 100], [400, 950]])
    demand, supply = [80.0, 20.0, 0.0], [2.0, 3.0]
    found = floating_catchment(pairs_of(efforts), demand, supply, steps_m=STEPS_M)
    parcels = pairs_of(efforts[[2, 0]])
    there = access_from(parcels, 3, found.ratio, steps_m=STEPS_M)
    assert there == pytest.approx([found.access[2], found.access[0], 0])


def test_without_services_or_residents_nothing_breaks():
    none = pairs_of(np.empty((0, 0)))
    found = floating_catchment(none, [5.0], [], steps_m=[500], weights=[1])
    assert found.access.tolist() == [0]
    found = floating_catchment(none, [], [3.0], steps_m=[500], weights=[1])
    assert found.unreached == 1
    assert np.isnan(found.ratio).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps_m": [600, 300, 900]}, "rise"),
        ({"steps_m": [0, 300, 900]}, "rise"),
        ({"steps_m": [300, 600]}, "as many"),
        ({"steps_m": [], "weights": []}, "as many"),
        ({"weights": [1, 0.5, 0]}, "above 0"),
        ({"demand": [-1.0, 2.0]}, "below 0"),
        ({"supply": [-1.0]}, "below 0"),
        ({"pairs": pd.concat([pairs_of([[5], [6]])] * 2)}, "twice"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    given = {"pairs": pairs_of([[5], [6]]), "demand": [1.0, 2.0], "supply": [1.0]}
    with pytest.raises(ValueError, match=message):
        floating_catchment(**{**given, "steps_m": STEPS_M, **change})


# -- residents in reach ----------------------------------------------------------------------------

CELLS = pd.DataFrame(
    {
        "residents": [100.0, 50.0, np.nan, 30.0, 20.0, 7.0],
        "residents_80plus_estimate": [10.0, 5.0, np.nan, np.nan, 2.0, 0.7],
    },
    index=list("abcdef"),
)
EFFORT_M = pd.DataFrame(
    {
        "shop": [400.0, 900.0, 100.0, np.inf, np.nan, 1000.0],
        "cafe": [401.0, 1200.0, 100.0, 50.0, np.nan, np.inf],
    },
    index=CELLS.index,
)
ZONES = pd.Series(["North", "North", "North", "East", "East", None], CELLS.index)
LIMITS = {"shop": 400.0, "cafe": 400.0}, {"shop": 1000.0, "cafe": 1000.0}


def test_people_are_counted_by_hand():
    table = residents_in_reach(CELLS, EFFORT_M, *LIMITS, whole="Town", zones=ZONES)
    keys = ["part", "zone", "category", "group"]
    assert not table.duplicated(keys).any()
    rows = table.set_index(keys)
    shop = rows.loc[("whole", "Town", "shop", "all")]
    assert shop["residents"] == 187  # 20 beside no street, and a hidden cell
    assert shop["residents_not_connected"] == 20
    assert shop["hidden_cells"] == 1
    assert (shop["residents_near"], shop["residents_far"]) == (100, 157)
    assert shop["near_share"] == pytest.approx(100 / 187)
    assert (shop["near_m"], shop["far_m"]) == (400, 1000)
    oldest = rows.loc[("whole", "Town", "shop", "80plus")]
    assert oldest["residents"] == pytest.approx(15.7)
    assert oldest["hidden_cells"] == 2
    assert oldest["far_share"] == 1
    assert rows.loc[("zone", "North", "cafe", "all"), "residents_near"] == 0
    assert rows.loc[("zone", "East", "cafe", "all"), "near_share"] == 1
    assert rows.loc[("outside", "", "shop", "all"), "residents_far"] == 7


def test_rows_come_by_part_then_category_then_group():
    table = residents_in_reach(CELLS, EFFORT_M, *LIMITS, whole="Town", zones=ZONES)
    assert table["zone"].iloc[::4].tolist() == ["Town", "East", "North", ""]
    assert table["category"].tolist()[:4] == ["shop", "shop", "cafe", "cafe"]
    assert table["group"].tolist()[:4] == ["all", "80plus", "all", "80plus"]


def test_a_share_is_of_people_and_not_of_cells():
    cells = pd.DataFrame({"residents": [900.0, 50.0, 50.0]})
    effort = pd.DataFrame({"shop": [300.0, 2000.0, 2000.0]})
    table = residents_in_reach(cells, effort, *LIMITS, whole="Town")
    assert table["near_share"].tolist() == [0.9]
    assert table["part"].tolist() == ["whole"]


def test_a_zone_where_nobody_lives_has_no_share():
    cells = pd.DataFrame({"residents": [0.0, 10.0, np.nan]})
    effort = pd.DataFrame({"shop": [300.0, 300.0, 300.0]})
    zones = pd.Series(["Forest", "Town", "Lake"])
    table = residents_in_reach(cells, effort, *LIMITS, whole="all", zones=zones).set_index("zone")
    assert table.loc[["Forest", "Lake"], ["near_share", "far_share"]].isna().all(axis=None)
    assert table.loc["Lake", "hidden_cells"] == 1
    assert table.loc["Town", "near_share"] == 1


def test_a_zone_called_as_the_whole_area_is_kept_apart():
    zones = pd.Series(["Town"] * 3 + [None] * 3, CELLS.index)
    table = residents_in_reach(CELLS, EFFORT_M, *LIMITS, whole="Town", zones=zones)
    assert table["part"].unique().tolist() == ["whole", "zone", "outside"]


@st.composite
def settled(draw):
    """Cells with residents, efforts to two categories, and zones."""
    size = draw(st.integers(0, 12))
    people = st.sampled_from([0.0, 1.0, 12.5, 300.0, np.nan])
    metres = st.sampled_from([0.0, 400.0, 700.0, 1000.0, 1000.1, np.inf, np.nan])

    def column(values):
        return draw(st.lists(values, min_size=size, max_size=size))

    index = pd.Index([f"c{i}" for i in range(size)])
    told = {"residents": column(people), "residents_67plus_estimate": column(people)}
    cells = pd.DataFrame(told, index, dtype=float)
    effort = pd.DataFrame({"shop": column(metres), "cafe": column(metres)}, index, dtype=float)
    zones = pd.Series(column(st.sampled_from(["A", "B", "C", None])), index, dtype=object)
    return cells, effort, zones


@given(settled())
@settings(max_examples=40)
def test_zones_and_outside_sum_to_the_whole_and_no_one_is_lost(town):
    cells, effort, zones = town
    table = residents_in_reach(cells, effort, *LIMITS, whole="Town", zones=zones)
    counts = [
        "residents", "residents_not_connected", "hidden_cells", "residents_near", "residents_far",
    ]  # fmt: skip
    keys = ["category", "group"]
    whole = table[table["part"] == "whole"].set_index(keys)[counts].sort_index()
    parts = table[table["part"] != "whole"].groupby(keys)[counts].sum()
    if len(cells):
        pd.testing.assert_frame_equal(whole, parts, check_dtype=False)
    for (category, group), row in whole.iterrows():
        people = cells["residents" if group == "all" else "residents_67plus_estimate"]
        assert row["residents"] + row["residents_not_connected"] == people.sum()
        assert row["hidden_cells"] == people.isna().sum()
        reached = effort[category] <= 1000
        assert row["residents_far"] == people[reached].sum()
    shares = table[["near_share", "far_share"]].dropna()
    assert ((shares["near_share"] <= shares["far_share"]) & (shares["far_share"] <= 1)).all()


@given(settled(), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_order_of_cells_is_irrelevant(town, random):
    cells, effort, zones = town
    order = random.sample(range(len(cells)), len(cells))
    tables = [
        residents_in_reach(cells.iloc[o], effort.iloc[o], *LIMITS, whole="T", zones=zones.iloc[o])
        for o in (list(range(len(cells))), order)
    ]
    pd.testing.assert_frame_equal(*tables)


def test_tables_of_other_cells_are_a_mistake():
    with pytest.raises(ValueError, match="index of the cells"):
        residents_in_reach(CELLS, EFFORT_M.iloc[::-1], *LIMITS, whole="T")
    with pytest.raises(ValueError, match="index of the cells"):
        residents_in_reach(CELLS, EFFORT_M, *LIMITS, whole="T", zones=ZONES.iloc[1:])
    with pytest.raises(ValueError, match="none of the columns"):
        residents_in_reach(CELLS[[]], EFFORT_M, *LIMITS, whole="T")


# -- access by zone --------------------------------------------------------------------------------


def test_access_by_zone_is_the_mean_of_the_residents():
    access = np.array([0.02, 0.05, 0.9, 0.0, np.nan, 0.01])
    rows = access_in_zones(access, CELLS, whole="Town", zones=ZONES).set_index(["zone", "group"])
    assert rows.loc[("North", "all"), "access_mean"] == pytest.approx(
        (100 * 0.02 + 50 * 0.05) / 150
    )
    assert rows.loc[("North", "all"), "hidden_cells"] == 1
    assert rows.loc[("East", "all"), "without_share"] == 1
    assert rows.loc[("East", "all"), ["residents", "residents_unknown"]].tolist() == [30, 20]
    assert rows.loc[("Town", "all"), "without_share"] == pytest.approx(30 / 187)
    assert np.isnan(rows.loc[("East", "80plus"), "access_mean"])


@given(markets(), st.data())
@settings(max_examples=40)
def test_the_mean_access_times_the_residents_is_what_is_supplied_near_them(market, data):
    efforts, demand, supply = market
    found = floating_catchment(pairs_of(efforts), demand, supply, steps_m=STEPS_M)
    names = st.lists(st.sampled_from(["A", "B", None]), min_size=len(demand), max_size=len(demand))
    zones = pd.Series(data.draw(names), dtype=object)
    cells = pd.DataFrame({"residents": demand})
    table = access_in_zones(found.access, cells, whole="Town", zones=zones)
    received = (table["access_mean"] * table["residents"]).groupby(table["part"] == "whole").sum()
    assert received.to_numpy() == pytest.approx(np.nansum(supply[np.isfinite(found.ratio)]))


# -- together --------------------------------------------------------------------------------------


def test_from_streets_to_shares_in_a_town_of_one_street():
    network = make_network([(0, 0), (2000, 0)], [(0, 1, 1.0)])
    cells = pd.DataFrame({"residents": [40.0, 60.0, 5.0]}, index=["west", "east", "hut"])
    centres = snap(network, shapely.points([(100.0, 0), (1500.0, 0), (500.0, 900)]), limit_m=150)
    doctors = snap(network, shapely.points([(300.0, 0), (1000.0, 0)]), limit_m=150)
    reach = measure_reach(network, centres, doctors, pd.Series(["doctor"] * 2), cells.index)
    seconds = reach.nearest["doctor"].seconds * network.flat_speed_m_s
    effort = pd.DataFrame({"doctor": np.where(centres.connected, seconds, np.nan)}, cells.index)
    table = residents_in_reach(
        cells, effort, {"doctor": 300.0}, {"doctor": 600.0}, whole="Street"
    ).iloc[0]
    assert (table["near_share"], table["far_share"]) == (0.4, 1)
    assert table["residents_not_connected"] == 5
    pairs = effort_pairs(reach, "doctor", limit_m=900)
    found = floating_catchment(pairs, cells["residents"], [1.0, 2.0], steps_m=[900], weights=[1])
    assert found.access == pytest.approx([1 / 40 + 2 / 100, 2 / 100, 0], rel=1e-6)


@pytest.mark.shared
def test_in_oslo_all_that_is_supplied_is_received_and_districts_sum_to_the_city(shared_data):
    cells, _ = read_grid(shared_data / "ssb" / "befolkning_250m_2023_oslo.gpkg", crs=UTM32)
    path = shared_data / "ssb" / "oslo_bydeler_befolkning_2024.geojson"
    zones = zone_of(cells, gpd.read_file(path).set_index("bydelsnr").to_crs(UTM32))
    centres = shapely.centroid(cells.geometry.to_numpy())
    rng = np.random.default_rng(3)
    there = rng.choice(len(cells), 40, p=cells["residents"] / cells["residents"].sum())
    straight = shapely.distance(centres[:, None], centres[there])  # stands in for walking
    supply = rng.integers(500, 1500, 40).astype(float)
    found = floating_catchment(
        pairs_of(straight), cells["residents"], supply, steps_m=thirds(1200.0)
    )
    assert (cells["residents"] * found.access).sum() == pytest.approx(supply.sum())
    effort = pd.DataFrame({"doctor": straight.min(axis=1)}, cells.index)
    near, far = {"doctor": 500.0}, {"doctor": 1200.0}
    table = residents_in_reach(cells, effort, near, far, whole="Oslo", zones=zones)
    city = table.iloc[0]
    assert city["residents"] == 707_339
    reached = cells.loc[effort["doctor"] <= 1200, "residents"].sum()
    assert city["far_share"] == pytest.approx(reached / 707_339)
    by_cells = (effort["doctor"] <= 1200).mean()
    assert city["far_share"] > by_cells + 0.05  # people live closer together near services
    districts = table[table["part"] != "whole"]
    assert len(districts) >= 17
    assert districts["residents_far"].sum() == city["residents_far"]
    means = access_in_zones(found.access, cells, whole="Oslo", zones=zones)
    assert means.loc[0, "access_mean"] * 707_339 == pytest.approx(supply.sum())
