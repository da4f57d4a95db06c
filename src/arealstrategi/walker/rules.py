"""What the tags of a way say: who may walk it, how rough it is, how large a road.

`RULES` says which ways older people may walk, each with its reason; `ROUGHNESS` how even the
ground is. What that costs is in `costs`, and differs from walker to walker.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rule:
    """A way with these tag values may be walked or not, and why.

    Parameters
    ----------
    tags
        Key to values (``|`` between them); all keys must fit. ``*`` is any value.
    open
        Whether older people may walk here.
    reason
        Why, for the report and for whoever doubts it.
    """

    tags: dict[str, str]
    open: bool
    reason: str


FERRY = Rule(
    {"route": "ferry"}, open=False, reason="a ferry is not a walk; ferries = true opens it"
)

# The first rule that fits decides.
RULES: tuple[Rule, ...] = (
    Rule(
        {
            "highway": "construction|proposed|planned|abandoned|disused|razed|demolished|"
            "dismantled|no"
        },
        open=False,
        reason="does not exist today",
    ),
    Rule({"foot": "no"}, open=False, reason="walking is forbidden by sign"),
    Rule({"foot": "private"}, open=False, reason="private"),
    FERRY,
    Rule(
        {"highway": "motorway|motorway_link"},
        open=False,
        reason="motorway: walking is forbidden by law",
    ),
    Rule({"motorroad": "yes"}, open=False, reason="motor road: walking is forbidden by law"),
    Rule(
        {"highway": "bus_guideway|busway|raceway|escape|rest_area|services|via_ferrata|ladder"},
        open=False,
        reason="no place for people on foot",
    ),
    Rule(
        {
            "sac_scale": "demanding_mountain_hiking|alpine_hiking|demanding_alpine_hiking|"
            "difficult_alpine_hiking"
        },
        open=False,
        reason="needs hands and a head for heights",
    ),
    Rule(
        {"foot": "yes|designated|permissive|official|destination|customers"},
        open=True,
        reason="signed or known to be open to people on foot",
    ),
    Rule({"access": "no|private|military"}, open=False, reason="closed to the public"),
    Rule(
        {"access": "agricultural|forestry", "highway": "track|service|unclassified|path"},
        open=True,
        reason="closed to other vehicles; walking is a public right",
    ),
    Rule({"service": "private"}, open=False, reason="closed to the public"),
    Rule({"service": "drive-through"}, open=False, reason="a lane for cars at a counter"),
    Rule(
        {"highway": "steps"}, open=True, reason="open; the walker profile decides who can use them"
    ),
    Rule(
        {"highway": "cycleway"},
        open=True,
        reason="in Norway the shared foot and cycle path is tagged highway=cycleway",
    ),
    Rule(
        {"indoor": "yes|corridor"},
        open=True,
        reason="indoor passages lead to services and are open when these are",
    ),
    Rule(
        {"highway": "pedestrian|footway|path|living_street|crossing|platform|elevator|corridor"},
        open=True,
        reason="made for people on foot; the rim of a square is walked as a path",
    ),
    Rule(
        {"highway": "residential|unclassified|service|track|road|bridleway"},
        open=True,
        reason="open to people on foot, also without a sidewalk (public right of access)",
    ),
    Rule(
        {"highway": "tertiary|tertiary_link|secondary|secondary_link|primary|primary_link"},
        open=True,
        reason="open; where the sidewalk is mapped apart, both are kept so that nothing is cut off",
    ),
    Rule(
        {"highway": "trunk|trunk_link"},
        open=True,
        reason="a main road that is no motor road may be walked, and is often the only way",
    ),
    Rule({"railway": "platform"}, open=True, reason="platforms are walked to and along"),
    Rule({"public_transport": "platform"}, open=True, reason="platforms are walked to and along"),
    Rule({"man_made": "pier"}, open=True, reason="quays and piers are walked"),
    Rule({"highway": "*"}, open=False, reason="a kind of way that this table does not know"),
)


def judge_ways(tags: pd.DataFrame, *, ferries: bool = False) -> pd.DataFrame:
    """Say of each way whether older people may walk it, and why.

    Parameters
    ----------
    tags
        One row per way, the columns of `arealstrategi.tables.WAY_TAGS`.
    ferries
        Whether ferries that take people on foot are open.

    Returns
    -------
    Table on the same index: ``open`` (bool) and ``reason`` (text). A way that no rule fits is
    closed.
    """
    deciding = np.full(len(tags), -1)
    for number, rule in enumerate(RULES):
        fits = deciding < 0
        for key, values in rule.tags.items():
            column = tags[key]
            fits &= column.notna().to_numpy() if values == "*" else is_any(column, values)
        deciding[fits] = number
    reasons = np.array([rule.reason for rule in RULES] + ["no way for people"], dtype=object)
    may = np.array([rule.open or (ferries and rule is FERRY) for rule in RULES] + [False])
    return pd.DataFrame({"open": may[deciding], "reason": reasons[deciding]}, index=tags.index)


# How even the ground is, 0 firm to 4 very rough: openrouteservice and Valhalla order the tags so;
# the cuts between the grades are judgement. The roughest tag of a way counts.
ROUGHNESS: dict[str, tuple[str, ...]] = {
    "surface": (
        "asphalt|paved|concrete|concrete:plates|paving_stones|chipseal|wood|metal|rubber|tiles",
        "compacted|fine_gravel|bricks|sett|concrete:lanes|metal_grid|grass_paver",
        "cobblestone|unhewn_cobblestone|gravel|unpaved|pebblestone|shells",
        "ground|dirt|earth|grass|woodchips|clay|stone|stepping_stones",
        "sand|mud|rock|snow|ice",
    ),
    "smoothness": (
        "excellent|good", "intermediate", "bad", "very_bad", "horrible|very_horrible|impassable",
    ),
    "tracktype": ("grade1", "grade2", "grade3", "grade4", "grade5"),
}  # fmt: skip
# Judgement: without a tag, a path or a track is rarely paved; every other way is taken as firm.
UNPAVED_KINDS = "path|track|bridleway"
UNTAGGED_PATH_GRADE = 2
NO_WHEELS_GRADE = 4  # wheelchair=no, for walkers with wheels

NO_GATES = "bollard|block|kerb|planter"

PATH_KINDS = (
    "footway|path|cycleway|pedestrian|steps|track|bridleway|corridor|platform|crossing|elevator"
)
PATH, MINOR, MAIN = -1, 0, 1
ROAD_RANKS = {"tertiary": MAIN, "secondary": 2, "primary": 3, "trunk": 4}


def is_any(column: pd.Series, values: str) -> NDArray[np.bool_]:
    """Say where a column holds one of the values, ``|`` between them."""
    return np.array(column.isin(values.split("|")), dtype=bool)  # one's own: pandas' is read-only


def roughness(tags: pd.DataFrame, *, aided: bool = False) -> NDArray[np.int64]:
    """Return how even each way is, 0 firm to 4 very rough.

    Parameters
    ----------
    tags
        One row per way, the columns of `arealstrategi.tables.WAY_TAGS`.
    aided
        Whether the walker has wheels, for whom ``wheelchair=no`` counts.
    """
    grade = np.full(len(tags), -1)
    for key, by_grade in ROUGHNESS.items():
        for number, values in enumerate(by_grade):
            grade[is_any(tags[key], values)] = np.maximum(grade[is_any(tags[key], values)], number)
    untagged = grade < 0
    grade[untagged] = np.where(
        is_any(tags["highway"], UNPAVED_KINDS)[untagged], UNTAGGED_PATH_GRADE, 0
    )
    if aided:
        grade[is_any(tags["wheelchair"], "no")] = NO_WHEELS_GRADE
    return grade


def closed_nodes(node_tags: pd.DataFrame) -> NDArray[np.int64]:
    """Return the rows of nodes that nobody may pass: gates and the like, tagged as closed on foot.

    A bollard stops cars; tags that close it on foot are a mistake more often than not (judgement).

    Parameters
    ----------
    node_tags
        As in `arealstrategi.tables.Ways`.
    """
    foot, access = node_tags["foot"], node_tags["access"]
    shut = is_any(foot, "no|private") | (is_any(access, "no|private") & foot.isna().to_numpy())
    gate = node_tags["barrier"].notna().to_numpy() & ~is_any(node_tags["barrier"], NO_GATES)
    return node_tags.index.to_numpy(dtype=np.int64)[shut & gate]


def road_rank(tags: pd.DataFrame) -> NDArray[np.int64]:
    """Return how large a road each way is: -1 a path, 0 a minor road, 1 tertiary to 4 trunk."""
    kind = tags["highway"].str.removesuffix("_link")
    rank = kind.map(ROAD_RANKS).fillna(MINOR).to_numpy(dtype=np.int64)
    path = is_any(tags["highway"], PATH_KINDS) | kind.isna().to_numpy()
    return np.where(path, PATH, rank)


def has_steps(tags: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which ways are steps."""
    return is_any(tags["highway"], "steps")


def may_touch(tags: pd.DataFrame) -> NDArray[np.int64]:
    """Say whether a place may be connected to each way: 2 at once, 1 for want of another, 0 never.

    Nobody's gate opens onto steps, a bridge or a tunnel where a street is near, and a ferry is
    boarded at its quay. The same for every walker, so that closing steps makes no walk shorter.
    """
    off_ground = is_any(tags["highway"], "steps|elevator")
    for key in ("bridge", "tunnel"):
        off_ground |= tags[key].notna().to_numpy() & ~is_any(tags[key], "no|building_passage")
    return np.where(is_any(tags["route"], "ferry"), 0, np.where(off_ground, 1, 2))


def has_ramp(tags: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which ways wheels are known to get up and down, where they are steps."""
    return is_any(tags["ramp:wheelchair"], "yes") | is_any(tags["wheelchair"], "yes|limited")


def is_unlit(tags: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which ways are tagged as unlit."""
    return is_any(tags["lit"], "no|disused")


def lacks_sidewalk(tags: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which roads are tagged as having no sidewalk."""
    none = is_any(tags["sidewalk"], "no|none") | is_any(tags["sidewalk:both"], "no|none")
    each = is_any(tags["sidewalk:left"], "no|none") & is_any(tags["sidewalk:right"], "no|none")
    return (none | each) & (road_rank(tags) >= MINOR)
