"""The walking network as arrays: built from ways, with everything snapped to its edges."""

from arealstrategi.network.build import (
    ISLET_M,
    Direction,
    WalkNetwork,
    build_network,
    line_between,
    points_before,
    seconds_at,
    values_at,
)
from arealstrategi.network.snapping import Snapped, snap, snap_services

__all__ = [
    "ISLET_M",
    "Direction",
    "Snapped",
    "WalkNetwork",
    "build_network",
    "line_between",
    "points_before",
    "seconds_at",
    "snap",
    "snap_services",
    "values_at",
]
