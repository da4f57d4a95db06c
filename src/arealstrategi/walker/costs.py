"""What each piece of a way costs a walker: metres, seconds in both directions, what hinders."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.area import ground_scale
from arealstrategi.tables import Segments, Ways
from arealstrategi.walker.profiles import Walker
from arealstrategi.walker.rules import (
    MAIN,
    PATH,
    has_ramp,
    has_steps,
    is_any,
    is_unlit,
    judge_ways,
    lacks_sidewalk,
    road_rank,
    roughness,
)

# What is told of a route: metres that are … Each is one bit of `WalkCosts.hindrance`.
HINDRANCES = (
    "steep",  # steeper than STEEP, up or down
    "steps",
    "unlit",  # tagged lit=no
    "no_sidewalk",  # a road tagged sidewalk=no
    "over_limit",  # steeper or rougher than the walker's limit, or a ramp on steps
    "unknown_gradient",  # taken as flat
    "ferry",
)
STEEP = 1 / 15  # TEK17 § 8-6: access paths

RAMP_TIME_FACTOR = 3.0  # judgement: a ramp on steps, for walkers with wheels
STEEPEST_TAG_PCT = 40.0  # judgement: what is tagged as steeper is a mistake
# Judgement: on a longer way the tag names its steepest place, as the road sign does.
LONGEST_TAGGED_M = 100.0

SIGNALS = "traffic_signals"
RAISED_KERBS = "raised|yes|regular"


@dataclass(frozen=True)
class WalkCosts:
    """What each segment of `Ways.segments` costs. All arrays have one row per segment.

    Parameters
    ----------
    metres
        Length on the ground.
    seconds
        (s, 2) from tail to head, and back; inf where the walker cannot go.
    hindrance
        (s,) bits in the order of `HINDRANCES`.
    is_open
        (s,) whether the way is open to people on foot at all, if not to this walker.
    """

    metres: NDArray[np.float64]
    seconds: NDArray[np.float64]
    hindrance: NDArray[np.uint8]
    is_open: NDArray[np.bool_]


def walk_costs(ways: Ways, walker: Walker, *, ferries: bool = False) -> WalkCosts:
    """Return what every segment costs a walker.

    ``seconds = metres / flat speed × gradient × ground × light × sidewalk``, plus rests, waiting
    and kerbs. On steps their own factor stands for gradient and ground. Where the gradient is not
    known the ground is taken as flat, and the hindrance ``unknown_gradient`` says so.

    Parameters
    ----------
    ways
        All ways, in the analysis CRS.
    walker
        Who walks.
    ferries
        Whether ferries may be taken.
    """
    segments, tags = ways.segments, ways.tags
    way = segments.way
    metres = segment_metres(ways)
    steps, ferry = has_steps(tags)[way], is_any(tags["route"], "ferry")[way]
    gradient = _gradients(ways, metres)
    gradient[steps | ferry] = 0.0
    there = metres / walker.flat_speed_m_s * _way_factor(tags, walker)[way]
    climb = np.nan_to_num(gradient) * metres
    seconds = np.column_stack(
        [
            there * walker.gradient_factor(sign * gradient)
            + walker.rest_s_per_climbed_m * np.maximum(sign * climb, 0.0)
            for sign in (1, -1)
        ]
    )
    seconds += _waiting(ways, walker)[:, np.newaxis]
    is_open = judge_ways(tags, ferries=ferries)["open"].to_numpy()[way]
    if ferries:
        seconds[ferry] = _ferry_seconds(ways, metres, walker)[ferry, np.newaxis]
    seconds[~is_open] = np.inf
    return WalkCosts(metres, seconds, _hindrance(tags, segments, gradient, walker), is_open)


def segment_metres(ways: Ways) -> NDArray[np.float64]:
    """Return (s,) the length of each segment on the ground."""
    segments = ways.segments
    scale = ground_scale(ways.node_xy, ways.crs)
    tail, head = segments.tail, segments.head
    on_map = np.hypot(*(ways.node_xy[head] - ways.node_xy[tail]).T)
    return np.asarray(2.0 * on_map / (scale[tail] + scale[head]))


def _way_factor(tags: pd.DataFrame, walker: Walker) -> NDArray[np.float64]:
    """Return the time factor of each way for all but its gradient; inf where it is closed."""
    ground = np.array(walker.roughness_time_factors)[roughness(tags, aided=walker.aided)]
    steps = has_steps(tags)
    if walker.steps_time_factor != "closed":
        ground[steps] = walker.steps_time_factor
    else:
        ground[steps] = np.where(has_ramp(tags)[steps], RAMP_TIME_FACTOR, np.inf)
    ground[is_unlit(tags)] *= walker.unlit_time_factor
    bare = lacks_sidewalk(tags) & (road_rank(tags) >= MAIN)
    ground[bare] *= walker.no_sidewalk_time_factor
    return np.asarray(ground)


def _gradients(ways: Ways, metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rise over run of each segment, tail to head; NaN where it is not known.

    A number tagged as ``incline`` counts where the heights are not known, and on a short way
    where it is steeper than they say: a height model does not see a ramp.
    """
    segments = ways.segments
    rise = ways.node_z[segments.head] - ways.node_z[segments.tail]
    gradient = np.divide(rise, metres, out=np.full(len(metres), np.nan), where=metres > 0)
    tagged = ways.tags["incline"].map(_incline, na_action="ignore").to_numpy(dtype=float)
    if np.isnan(tagged).all():
        return np.asarray(gradient)
    way_m = np.bincount(segments.way, weights=metres, minlength=len(ways))
    said = tagged[segments.way]
    short = way_m[segments.way] <= LONGEST_TAGGED_M
    better = np.isnan(gradient) | (short & (np.abs(said) > np.abs(gradient)))
    return np.where(better & np.isfinite(said), said, gradient)


def _incline(text: str) -> float:
    """Read ``8%``, ``-5 %``, ``8`` or ``4.5°`` as rise over run; NaN where it is no number."""
    match = re.fullmatch(r"\s*([+-]?\d+(?:[.,]\d+)?)\s*(%|°)?\s*", text)
    if match is None:
        return np.nan
    number = float(match[1].replace(",", "."))
    share = float(np.tan(np.radians(number))) if match[2] == "°" else number / 100.0
    return share if abs(share) <= STEEPEST_TAG_PCT / 100.0 else np.nan


def _waiting(ways: Ways, walker: Walker) -> NDArray[np.float64]:
    """Return the seconds of waiting and of kerbs on each segment.

    A way that meets a larger road at a node bears half of the wait at that end, so that crossing
    over costs all of it and turning into the road half. So do the two sides of a kerb.
    """
    segments = ways.segments
    rank = road_rank(ways.tags)
    node_rank = np.full(len(ways.node_xy), PATH)
    np.maximum.at(node_rank, segments.tail, rank[segments.way])
    np.maximum.at(node_rank, segments.head, rank[segments.way])
    tags = ways.node_tags
    signalled = np.zeros(len(node_rank), dtype=bool)
    signalled[tags.index[_is_signalled(tags)]] = True
    wait = np.where(node_rank >= MAIN, walker.main_road_wait_s, 0.0)
    wait[signalled] = walker.signal_wait_s
    kerb = np.zeros(len(node_rank))
    kerb[tags.index[is_any(tags["kerb"], RAISED_KERBS)]] = walker.kerb_s
    own = rank[segments.way]
    total = np.zeros(len(segments))
    for node in (segments.tail, segments.head):
        total += np.where(node_rank[node] > own, wait[node], 0.0) / 2
        total += np.where(own == PATH, kerb[node], 0.0) / 2
    return total


def _is_signalled(tags: pd.DataFrame) -> NDArray[np.bool_]:
    return (
        is_any(tags["crossing"], SIGNALS)
        | is_any(tags["highway"], SIGNALS)
        | is_any(tags["crossing:signals"], "yes")
    )


def _ferry_seconds(ways: Ways, metres: NDArray[np.float64], walker: Walker) -> NDArray[np.float64]:
    """Return the seconds of each segment as a ferry: its share of the wait and the crossing."""
    way = ways.segments.way
    way_m = np.bincount(way, weights=metres, minlength=len(ways))
    tagged = ways.tags["duration"].map(_duration_s, na_action="ignore").to_numpy(dtype=float)
    crossing = np.where(np.isfinite(tagged), tagged, way_m / walker.ferry_speed_m_s)
    share = np.divide(metres, way_m[way], out=np.zeros(len(metres)), where=way_m[way] > 0)
    return np.asarray(share * (crossing + walker.ferry_wait_s)[way])


def _duration_s(text: str) -> float:
    """Read ``20``, ``00:20``, ``1:05:00`` or ``PT20M`` as seconds; NaN where it is none."""
    iso = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", text.strip())
    if iso is not None and any(iso.groups()):
        hours, minutes, seconds = (int(part or 0) for part in iso.groups())
        return 3600.0 * hours + 60.0 * minutes + seconds
    parts = text.strip().split(":")
    if not all(part.isdecimal() for part in parts) or len(parts) > 3:  # noqa: PLR2004
        return np.nan
    numbers = [float(part) for part in parts]
    if len(numbers) == 1:
        return 60.0 * numbers[0]
    return float(np.dot(numbers, (3600.0, 60.0, 1.0)[: len(numbers)]))


def _hindrance(
    tags: pd.DataFrame, segments: Segments, gradient: NDArray[np.float64], walker: Walker
) -> NDArray[np.uint8]:
    way = segments.way
    steps, ferry = has_steps(tags), is_any(tags["route"], "ferry")
    rough = (roughness(tags, aided=walker.aided) > walker.max_roughness) & ~steps & ~ferry
    steep = np.abs(np.nan_to_num(gradient))
    told = {
        "steep": steep > STEEP,
        "steps": steps[way],
        "unlit": is_unlit(tags)[way],
        "no_sidewalk": lacks_sidewalk(tags)[way],
        "over_limit": (100.0 * steep > walker.max_gradient_pct)
        | (rough | (steps & walker.aided))[way],
        "unknown_gradient": np.isnan(gradient),
        "ferry": ferry[way],
    }
    bits = [told[name].astype(np.uint8) << place for place, name in enumerate(HINDRANCES)]
    return np.asarray(np.bitwise_or.reduce(bits), dtype=np.uint8)
