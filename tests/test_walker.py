"""The rules against OSMnx's walk filter on a real town, the profiles' laws, costs by hand."""

import re
from functools import cache
from itertools import pairwise

import numpy as np
import osmnx
import pandas as pd
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from arealstrategi.sources.osm import read_extract
from arealstrategi.walker import (
    HINDRANCES,
    PROFILE_NAMES,
    ROUGHNESS,
    RULES,
    Season,
    Walker,
    judge_ways,
    number_table,
    profile,
    segment_metres,
    walk_costs,
)
from towns import PLAIN, make_ways, tag_table

SEASONS: tuple[Season, ...] = ("summer", "winter")
EVERY = [profile(name, season) for name in PROFILE_NAMES for season in SEASONS]


def is_open(*, ferries: bool = False, **tags: str) -> bool:
    return bool(judge_ways(tag_table(tags), ferries=ferries)["open"].iloc[0])


def plain(name="senior", **numbers) -> Walker:
    """A profile of which nothing counts but what is given."""
    return Walker.model_validate(profile(name).model_dump() | PLAIN | numbers)


def street(walker, *, z=(0, 0), length=100.0, **tags):
    """Seconds there and back, and what hinders, on one straight way."""
    return _street(walker, z, length, tuple(tags.items()))


@cache
def _street(walker, z, length, tags):
    ways = make_ways([(0, 0), (length, 0)], [0, 1], tags=[{"highway": "footway"} | dict(tags)], z=z)
    costs = walk_costs(ways, walker)
    bits = int(costs.hindrance[0])
    return costs.seconds[0], {name for i, name in enumerate(HINDRANCES) if bits >> i & 1}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"highway": "residential"}, True),
        ({"highway": "cycleway"}, True),  # the Norwegian shared path
        ({"highway": "cycleway", "foot": "no"}, False),
        ({"highway": "motorway"}, False),
        ({"highway": "trunk"}, True),
        ({"highway": "trunk", "motorroad": "yes"}, False),
        ({"highway": "primary", "sidewalk": "separate"}, True),
        ({"highway": "service", "access": "private"}, False),
        ({"highway": "service", "access": "private", "foot": "yes"}, True),
        ({"highway": "service", "service": "parking_aisle"}, True),
        ({"highway": "service", "service": "drive-through"}, False),
        ({"highway": "construction"}, False),
        ({"highway": "construction", "foot": "yes"}, False),
        ({"highway": "footway", "indoor": "yes"}, True),
        ({"highway": "steps"}, True),
        ({"highway": "path", "sac_scale": "alpine_hiking"}, False),
        ({"route": "ferry"}, False),
        ({"route": "ferry", "foot": "yes"}, False),
        ({"railway": "platform"}, True),
        ({"highway": "something_new"}, False),
        ({"man_made": "pier"}, True),
        ({"man_made": "pier", "access": "private"}, False),
    ],
)
def test_each_kind_of_way_is_open_or_closed_as_the_table_says(tags, expected):
    assert is_open(**tags) is expected


def test_every_rule_has_a_reason_and_can_decide():
    """A rule that another one always beats would be dead."""
    for number, rule in enumerate(RULES):
        tags = {key: values.split("|")[0].replace("*", "x") for key, values in rule.tags.items()}
        judged = judge_ways(tag_table(tags))
        assert rule.reason
        assert judged["reason"].iloc[0] == rule.reason, (number, tags)
        assert judged["open"].iloc[0] == rule.open


def test_a_ferry_is_no_walk_unless_it_is_asked_for():
    assert not is_open(route="ferry")
    assert is_open(route="ferry", ferries=True)
    assert not is_open(route="ferry", foot="no", ferries=True)


def osmnx_walks(tags: dict[str, str]) -> bool:
    """Evaluate OSMnx's own Overpass filter for walking on one way."""
    query = osmnx._overpass._get_network_filter("walk")
    parts = re.findall(r'\["([\w:]+)"(?:(!~|~|=)"([^"]*)")?\]', query)
    assert len(parts) >= 8, query
    for key, operator, value in parts:
        held = tags.get(key)
        if (not operator and held is None) or (
            operator == "!~" and held is not None and re.search(value, held)
        ):
            return False
    return True


# Why we walk where OSMnx does not, and the reverse: (ours, test on the tags, reason).
SIDEWALKS: tuple[str, ...] = ("sidewalk", "sidewalk:both", "sidewalk:left", "sidewalk:right")
EXPLAINED = [
    (True, lambda t: t["highway"] == "cycleway", "shared foot and cycle paths are cycleways"),
    (True, lambda t: t.get("area") == "yes", "the rim of a square is walked as a path"),
    (True, lambda t: t["highway"] == "platform", "platforms are walked to and along"),
    (
        True,
        lambda t: any(t.get(k) == "separate" for k in SIDEWALKS),
        "with a sidewalk mapped apart both are kept, so that no gap cuts anybody off",
    ),
    (
        True,
        lambda t: (
            t.get("access") in {"private", "no"}
            and t.get("foot") in {"yes", "designated", "permissive", "destination", "official"}
        ),
        "closed to vehicles but signed open to people on foot",
    ),
    (True, lambda t: t.get("foot") == "yes" and t.get("service") == "private", "open on foot"),
    (False, lambda t: t.get("foot") == "private", "private"),
    (False, lambda t: t.get("motorroad") == "yes", "motor road: forbidden by law"),
    (False, lambda t: t.get("access") == "no" and "foot" not in t, "closed to everybody"),
    (False, lambda t: t.get("service") == "drive-through", "a lane for cars at a counter"),
]


@pytest.mark.shared
def test_every_difference_from_osmnx_in_lauf_is_explained(shared_data):
    import osmium

    path = shared_data / "lauf/lauf-200115.osm.pbf"
    extract = read_extract(path, {}, crs=pyproj.CRS.from_epsg(25832))
    ours = pd.Series(judge_ways(extract.ways.tags)["open"].to_numpy(), index=extract.ways.way_id)
    differing, unexplained = 0, []
    for way in osmium.FileProcessor(path, osmium.osm.WAY):
        tags = dict(way.tags)
        if "highway" not in tags or ours[way.id] == osmnx_walks(tags):
            continue
        differing += 1
        if not any(opens == ours[way.id] and fits(tags) for opens, fits, _ in EXPLAINED):
            unexplained.append((way.id, bool(ours[way.id]), tags))
    assert unexplained == []
    assert differing > 0
    assert ours.mean() > 0.85


# ---- the table of numbers ----


def test_every_number_has_a_value_for_each_walker_a_source_and_a_place_in_the_model():
    table = number_table()
    assert set(table) == set(Walker.model_fields)
    for name, told in table.items():
        assert set(PROFILE_NAMES) | {"source"} <= set(told) <= {*PROFILE_NAMES, "source", "winter"}
        assert len(told["source"]) > 20, name
        assert set(told.get("winter", {})) <= set(PROFILE_NAMES)


gradients = st.floats(-0.6, 0.6)


@pytest.mark.parametrize("walker", EVERY)
@given(st.tuples(gradients, gradients))
@settings(max_examples=50)
def test_steeper_is_never_cheaper_and_nobody_is_quicker_than_on_the_flat(walker, pair):
    gentle, steep = sorted(pair, key=abs)
    if gentle * steep >= 0:
        factor = walker.gradient_factor(np.array([0.0, gentle, steep]))
        assert factor[0] == 1.0
        assert 1.0 <= factor[1] <= factor[2] + 1e-12


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_the_time_factor_is_that_of_the_table_at_its_gradients(name):
    walker = profile(name)
    for curve, sign in ((walker.uphill, 1), (walker.downhill, -1)):
        for pct, factor in curve:
            beyond = max(pct - walker.max_gradient_pct, 0) * walker.over_gradient_factor
            got = walker.gradient_factor(np.array([sign * pct / 100]))
            assert got == pytest.approx([factor + beyond])


def test_beyond_the_limit_the_cost_grows_with_how_far_it_is_passed_and_never_ends():
    walker = profile("wheelchair")
    at = walker.gradient_factor(np.array([0.08, 0.10, 0.20, 0.40]))
    # by hand: 2.2; 3.0 + (10 - 8.33); beyond 15 % 0.4 more for each %, and 1 for the limit
    assert at == pytest.approx([2.2, 4.67, 5.0 + 5 * 0.4 + 11.67, 5.0 + 25 * 0.4 + 31.67])
    assert np.isfinite(walker.gradient_factor(np.array([5.0]))).all()


def test_unknown_gradient_counts_as_flat():
    assert profile("senior").gradient_factor(np.array([np.nan])) == 1.0


def test_a_slower_walker_is_never_quicker_anywhere():
    for season in SEASONS:
        walkers = [profile(name, season) for name in PROFILE_NAMES]
        for faster, slower in pairwise(walkers):
            for z in ((0, 0), (0, 5), (5, 0), (0, 12), (12, 0)):
                for tags in ({}, {"surface": "gravel"}, {"highway": "steps"}, {"lit": "no"}):
                    quick, _ = street(faster, z=z, **tags)
                    slow, _ = street(slower, z=z, **tags)
                    assert (slow >= quick - 1e-9).all(), (season, z, tags)


def test_winter_is_never_quicker_than_summer():
    for name in PROFILE_NAMES:
        for z in ((0, 0), (0, 5), (5, 0), (0, 12), (12, 0)):
            for tags in ({}, {"surface": "gravel"}, {"highway": "steps"}, {"lit": "no"}):
                summer, _ = street(profile(name), z=z, **tags)
                winter, _ = street(profile(name, "winter"), z=z, **tags)
                assert (winter >= summer - 1e-9).all(), (name, z, tags)


@pytest.mark.parametrize(
    ("number", "value", "said"),
    [
        ("flat_speed_m_s", 0, "greater than 0.1"),
        ("steps_time_factor", 0.5, "greater than or equal to 1"),
        ("steps_time_factor", "never", "closed"),
        ("uphill", [[5, 1.3], [3, 1.1]], "both rising"),
        ("uphill", [[5, 0.9]], "both rising"),
        ("downhill", [], "both rising"),
        ("roughness_time_factors", [1, 1.2, 1.1, 2, 3], "none smaller"),
        ("roughness_time_factors", [1, 2], "must be 5"),
        ("unlit_time_factor", 0.9, "greater than or equal to 1"),
    ],
)
def test_impossible_numbers_are_refused_with_what_is_possible(number, value, said):
    with pytest.raises(ValidationError, match=said):
        Walker.model_validate(profile("senior").model_dump() | {number: value})


# ---- costs, counted by hand ----


def test_a_flat_firm_path_costs_its_length_over_the_speed():
    for walker in EVERY:
        seconds, hindrances = street(walker)
        assert seconds == pytest.approx([100 / walker.flat_speed_m_s] * 2)
        assert hindrances == set()


def test_uphill_and_downhill_cost_differently_and_a_climb_asks_for_rests():
    senior = profile("senior")
    seconds, hindrances = street(senior, z=(10, 15))
    # 5 % up: 1.33, and 2 s for each of 5 m climbed; 5 % down: as flat
    assert seconds == pytest.approx([133 + 10, 100])
    assert hindrances == set()
    _, hindrances = street(senior, z=(10, 17))
    assert hindrances == {"steep"}  # 7 % is steeper than 1:15
    _, hindrances = street(senior, z=(21, 10))
    assert hindrances == {"steep", "over_limit"}  # 11 % passes 1:10
    _, hindrances = street(profile("rollator"), z=(0, 9))
    assert hindrances == {"steep", "over_limit"}  # 9 % passes 1:12


def test_where_the_height_is_not_known_the_way_is_flat_and_says_so():
    seconds, hindrances = street(profile("senior"), z=(0, np.nan))
    assert seconds == pytest.approx([100, 100])
    assert hindrances == {"unknown_gradient"}


def test_steps_take_their_factor_whatever_the_model_says_and_are_closed_to_wheels():
    for z in ((0, 0), (0, 30), (0, np.nan)):
        seconds, hindrances = street(profile("senior"), z=z, highway="steps")
        assert seconds == pytest.approx([300, 300])
        assert hindrances == {"steps"}
    for name in ("rollator", "wheelchair"):
        seconds, _ = street(profile(name), highway="steps")
        assert np.isinf(seconds).all()


def test_a_ramp_opens_steps_to_wheels_and_is_flagged():
    for tags in ({"ramp:wheelchair": "yes"}, {"wheelchair": "limited"}):
        seconds, hindrances = street(profile("rollator"), highway="steps", **tags)
        assert seconds == pytest.approx([3 * 100 / 0.8] * 2)
        assert hindrances == {"steps", "over_limit"}
    assert np.isinf(street(profile("rollator"), highway="steps", ramp="yes")[0]).all()


@pytest.mark.parametrize(
    ("tags", "grade"),
    [
        ({"surface": "asphalt"}, 0),
        ({"surface": "fine_gravel"}, 1),
        ({"surface": "gravel"}, 2),
        ({"surface": "grass"}, 3),
        ({"surface": "sand"}, 4),
        ({"smoothness": "bad"}, 2),
        ({"surface": "asphalt", "smoothness": "very_bad"}, 3),  # the roughest counts
        ({"highway": "track", "tracktype": "grade1"}, 0),
        ({"highway": "track"}, 2),
        ({"highway": "path"}, 2),
        ({"highway": "path", "surface": "asphalt"}, 0),
        ({"highway": "residential"}, 0),
        ({"surface": "something_new"}, 0),  # unknown is not rough
    ],
)
def test_ground_costs_by_its_grade_and_is_flagged_beyond_the_limit(tags, grade):
    for walker in EVERY:
        seconds, hindrances = street(walker, **tags)
        factor = walker.roughness_time_factors[grade]
        assert seconds == pytest.approx([100 / walker.flat_speed_m_s * factor] * 2)
        assert ("over_limit" in hindrances) == (grade > walker.max_roughness)


def test_every_value_of_the_roughness_table_stands_in_one_grade():
    for by_grade in ROUGHNESS.values():
        assert len(by_grade) == 5
        values = [value for grade in by_grade for value in grade.split("|")]
        assert len(values) == len(set(values))


def test_no_wheelchair_makes_a_way_very_rough_for_wheels_alone():
    assert street(profile("senior"), wheelchair="no")[0] == pytest.approx([100, 100])
    seconds, hindrances = street(profile("wheelchair"), wheelchair="no")
    assert seconds == pytest.approx([8 * 100 / 0.6] * 2)
    assert "over_limit" in hindrances


def test_unlit_ways_and_main_roads_without_a_sidewalk_cost_more_where_tagged():
    senior = profile("senior")
    assert street(senior, lit="no")[0] == pytest.approx([110, 110])
    assert street(senior, lit="yes")[0] == pytest.approx([100, 100])
    seconds, hindrances = street(senior, highway="secondary", sidewalk="no")
    assert seconds == pytest.approx([120, 120])
    assert hindrances == {"no_sidewalk"}
    seconds, hindrances = street(senior, highway="residential", sidewalk="no")
    assert seconds == pytest.approx([100, 100])  # told, but little traffic costs nothing
    assert hindrances == {"no_sidewalk"}
    for tags in ({}, {"sidewalk": "both"}, {"sidewalk:left": "no", "sidewalk:right": "yes"}):
        assert street(senior, highway="secondary", **tags)[1] == set()
    told = {"sidewalk:left": "no", "sidewalk:right": "no"}
    assert street(senior, highway="secondary", **told)[1] == {"no_sidewalk"}


def crossing(walker, *, road="primary", node=None, path="footway"):
    """Seconds from one side of a road to the other, and along the road, 100 m each."""
    ways = make_ways(
        [(-50, 0), (0, 0), (50, 0), (0, -50), (0, 50)],
        [0, 1, 2],
        [3, 1, 4],
        tags=[{"highway": path}, {"highway": road}],
        nodes={1: node} if node else None,
        z=[0] * 5,
    )
    seconds = walk_costs(ways, walker).seconds
    assert (seconds[:, 0] == seconds[:, 1]).all()
    return seconds[:2, 0].sum(), seconds[2:, 0].sum()


def test_crossing_a_main_road_waits_once_and_walking_along_it_never():
    senior = profile("senior")
    signals = {"highway": "crossing", "crossing": "traffic_signals"}
    assert crossing(senior) == pytest.approx((110, 100))
    assert crossing(senior, road="residential") == pytest.approx((100, 100))
    assert crossing(senior, node=signals) == pytest.approx((122, 100))
    assert crossing(senior, node=signals, road="residential") == pytest.approx((122, 100))
    assert crossing(senior, path="residential") == pytest.approx((110, 100))
    assert crossing(senior, path="residential", node=signals) == pytest.approx((122, 100))
    # two roads of the same rank: nobody knows which one is crossed
    assert crossing(senior, path="primary") == pytest.approx((100, 100))


def test_a_raised_kerb_costs_once_on_a_path_and_nothing_along_the_road():
    chair = plain("wheelchair", kerb_s=30.0)
    assert crossing(chair, road="residential", node={"kerb": "raised"}) == pytest.approx((130, 100))
    assert crossing(chair, road="residential", node={"kerb": "lowered"}) == pytest.approx(
        (100, 100)
    )


@pytest.mark.parametrize(
    ("text", "pct"), [("8%", 8), ("-5 %", -5), ("12,5%", 12.5), ("4.5°", 7.870170682), ("10", 10)]
)
def test_a_tagged_incline_counts_where_no_height_is_known(text, pct):
    seconds, hindrances = street(plain(uphill=[[100, 2]]), z=(np.nan, np.nan), incline=text)
    assert seconds[0 if pct > 0 else 1] == pytest.approx(100 + abs(pct))
    assert "unknown_gradient" not in hindrances


def test_a_tagged_incline_counts_on_a_short_way_where_it_is_steeper_than_the_model_says():
    walker = plain(uphill=[[100, 2]])
    assert street(walker, z=(0, 1), length=50, incline="8%")[0][0] == pytest.approx(54)
    assert street(walker, z=(0, 5), length=50, incline="8%")[0][0] == pytest.approx(55)
    assert street(walker, z=(0, 2), length=200, incline="8%")[0][0] == pytest.approx(202)
    for text in ("up", "steep", "-", "90%", "8%;9%", ""):
        assert street(walker, z=(0, 1), incline=text)[0][0] == pytest.approx(101)


@pytest.mark.parametrize(
    ("duration", "minutes"),
    [
        ("20", 20),
        ("00:20", 20),
        ("1:05:30", 65.5),
        ("PT1H5M", 65),
        (None, 1000 / 4 / 60),
        ("x", 1000 / 4 / 60),
    ],
)
def test_a_ferry_takes_its_crossing_and_its_wait(duration, minutes):
    tags = {"route": "ferry"} | ({"duration": duration} if duration else {})
    ways = make_ways([(0, 0), (400, 0), (1000, 0)], [0, 1, 2], tags=[tags])
    assert np.isinf(walk_costs(ways, profile("senior")).seconds).all()
    costs = walk_costs(ways, profile("senior"), ferries=True)
    assert costs.seconds.sum(axis=0) == pytest.approx([60 * minutes + 900] * 2)
    assert costs.seconds[0] == pytest.approx(0.4 * costs.seconds.sum(axis=0))


def test_nothing_costs_less_than_nothing_and_closed_ways_are_told_apart():
    ways = make_ways(
        [(0, 0), (10, 0), (20, 0)], [0, 1], [1, 2], [0, 2],
        tags=[{"highway": "steps"}, {"highway": "motorway"}, {"highway": "path"}],
    )  # fmt: skip
    costs = walk_costs(ways, profile("rollator"))
    assert np.isfinite(costs.seconds[:, 0]).tolist() == [False, False, True]
    assert costs.is_open.tolist() == [True, False, True]


# ---- lengths on the ground ----


@pytest.mark.parametrize(
    ("epsg", "lon", "lat"),
    [
        (25832, 9.0, 59.0), (25832, 3.5, 61.0), (25833, 5.3, 60.4), (25833, 10.75, 59.9),
        (25833, 22.4, 69.5), (25835, 31.0, 70.0), (25831, 11.3, 49.5), (32722, -51.2, -30.0),
        (32722, -48.1, -1.0), (32661, 15.0, 84.0), (3035, 9.5, 47.1),
    ],
)  # fmt: skip
def test_lengths_are_those_of_the_geodesic_in_any_zone(epsg, lon, lat):
    rng = np.random.default_rng(epsg)
    ends = np.array([lon, lat]) + rng.uniform(-0.02, 0.02, (200, 2))
    to_map = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    xy = np.column_stack(to_map.transform(*ends.T))
    visits = np.arange(200).reshape(-1, 2).tolist()
    got = segment_metres(make_ways(xy, *visits, crs=pyproj.CRS(epsg)))
    _, _, expected = pyproj.Geod(ellps="WGS84").inv(*ends[::2].T, *ends[1::2].T)
    # an area-true projection is true to length only in the mean
    assert got == pytest.approx(expected, rel=1e-3 if epsg != 3035 else 0.02)
    if epsg != 3035:
        assert got == pytest.approx(expected, rel=2e-5)


def test_the_length_of_a_piece_does_not_depend_on_what_else_is_there():
    xy = [(500_000.0, 6_600_000.0), (500_300.0, 6_600_400.0), (560_000.0, 6_900_000.0)]
    crs = pyproj.CRS(25832)
    alone = segment_metres(make_ways(xy[:2], [0, 1], crs=crs))
    both = segment_metres(make_ways(xy, [0, 1], [1, 2], crs=crs))
    assert alone[0] == both[0]
