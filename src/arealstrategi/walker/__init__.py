"""Who walks, where they may walk, and what every piece of a way costs them in seconds."""

from arealstrategi.walker.costs import HINDRANCES, WalkCosts, segment_metres, walk_costs
from arealstrategi.walker.profiles import (
    PROFILE_NAMES,
    ProfileName,
    Season,
    Walker,
    number_table,
    profile,
)
from arealstrategi.walker.rules import ROUGHNESS, RULES, closed_nodes, judge_ways, may_touch

__all__ = [
    "HINDRANCES",
    "PROFILE_NAMES",
    "ROUGHNESS",
    "RULES",
    "ProfileName",
    "Season",
    "WalkCosts",
    "Walker",
    "closed_nodes",
    "judge_ways",
    "may_touch",
    "number_table",
    "profile",
    "segment_metres",
    "walk_costs",
]
