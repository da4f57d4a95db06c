"""The rule table against OSMnx's walk filter on a real town, and the profiles' laws."""

import re
from itertools import pairwise

import numpy as np
import osmnx
import pandas as pd
import pyproj
import pytest
from pydantic import ValidationError

from arealstrategi.sources.osm import read_extract
from arealstrategi.tables import WAY_TAGS
from arealstrategi.walker import PROFILES, RULES, Walker, judge_ways, seconds_per_metre


def ways(*tags: dict[str, str]) -> pd.DataFrame:
    rows = [[tag.get(name) for name in WAY_TAGS] for tag in tags]
    return pd.DataFrame(rows, columns=list(WAY_TAGS)).astype("str").where(pd.notna(rows))


def is_open(**tags: str) -> bool:
    return bool(judge_ways(ways(tags))["open"].iloc[0])


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
        judged = judge_ways(ways(tags))
        assert rule.reason
        assert judged["reason"].iloc[0] == rule.reason, (number, tags)
        assert judged["open"].iloc[0] == rule.open


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


def test_steps_cost_time_and_are_closed_to_aids():
    tags = ways({"highway": "steps"}, {"highway": "footway"})
    senior = seconds_per_metre(tags, PROFILES["senior"])
    assert senior == pytest.approx([3.0, 1.0])
    for profile in ("rollator", "wheelchair"):
        cost = seconds_per_metre(tags, PROFILES[profile])
        assert np.isinf(cost[0])
        assert np.isfinite(cost[1])


def test_a_slower_walker_is_never_faster():
    tags = ways({"highway": "steps"}, {"highway": "footway"}, {"highway": "motorway"})
    order = [seconds_per_metre(tags, PROFILES[p]) for p in PROFILES]
    for faster, slower in pairwise(order):
        assert (slower >= faster).all()


def test_impossible_numbers_are_refused():
    with pytest.raises(ValidationError):
        Walker(flat_speed_m_s=0, steps_time_factor=2)
    with pytest.raises(ValidationError):
        Walker(flat_speed_m_s=1, steps_time_factor=0.5)
