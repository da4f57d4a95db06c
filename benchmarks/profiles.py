"""Who reaches a health service on foot: the share of cells within some minutes, by walker.

Porto Alegre is a hilly city with an elevation model. People set out from the centres of its
hexagons. The extract has streets and bus stops, but no doctor, clinic or hospital, so the centres
of the hexagons whose ``healthcare`` is above 0 stand for the services. Each walker walks there and
back: on flat ground, by the elevation model, and by the elevation model in winter. Then one number
of a walker is changed at a time. The tables of ``docs/walkers.md`` are what this script prints.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

import measuring
from arealstrategi.area import WGS84
from arealstrategi.network import build_network, snap
from arealstrategi.reach import measure_reach
from arealstrategi.sources.elevation import sample_heights
from arealstrategi.sources.osm import read_extract
from arealstrategi.tables import Ways
from arealstrategi.terrain import lay_on_ground
from arealstrategi.walker import PROFILE_NAMES, Walker, profile, segment_metres, walk_costs

CRS = pyproj.CRS.from_epsg(32722)
SNAP_M = 150.0  # as snap_m under [osm]
QUICK_CELLS = 100


@dataclass(frozen=True)
class Town:
    """Ways without and with heights, where people set out, and which of these places they seek."""

    flat: Ways
    hilly: Ways
    points: NDArray[np.object_]
    served: NDArray[np.bool_]


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Share of the cells of Porto Alegre within some minutes of a health service."
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how far is near (10)")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_CELLS} cells, and the first table alone"
    )
    asked = parser.parse_args()
    town = read_town(quick=asked.quick)
    print(
        f"{len(town.points)} cells, of which {town.served.sum()} have a health service; within "
        f"{asked.minutes:g} minutes, and the median of the minutes.\n"
    )
    print_walkers(town, asked.minutes)
    if not asked.quick:
        print_changes(town, asked.minutes)
        print_ground(town)
    return 0


def read_town(*, quick: bool) -> Town:
    folder = measuring.data_folder() / "porto-alegre"
    cells = pd.read_csv(folder / "poa_hexgrid.csv", nrows=QUICK_CELLS if quick else None)
    to_metres = pyproj.Transformer.from_crs(WGS84, CRS, always_xy=True)
    xy = np.column_stack(to_metres.transform(cells["lon"], cells["lat"]))
    flat = read_extract(folder / "poa_osm.pbf", {}, crs=CRS).ways
    rasters = [folder / "poa_elevation.tif"]
    hilly = lay_on_ground(flat, lambda at: sample_heights(rasters, at, CRS))
    points = np.asarray(shapely.points(xy), dtype=object)
    return Town(flat, hilly, points, (cells["healthcare"] > 0).to_numpy())


def walk_minutes(town: Town, ways: Ways, walker: Walker) -> NDArray[np.float64]:
    """Return minutes from every cell to the nearest service, there and back; inf without a way."""
    network = build_network(ways, walker)
    cells = snap(network, town.points, limit_m=SNAP_M)
    services = snap(network, town.points[town.served], limit_m=SNAP_M)
    category = pd.Series(["health"] * len(services.edge))
    reach = measure_reach(network, cells, services, category, pd.RangeIndex(len(town.points)))
    return reach.nearest["health"].seconds / 60.0


def print_walkers(town: Town, minutes: float) -> None:
    """Print each walker without slope, with it, and in winter."""
    rows = []
    for name in PROFILE_NAMES:
        summer, winter = profile(name), profile(name, "winter")
        each = [
            walk_minutes(town, ways, walker)
            for ways, walker in ((town.flat, summer), (town.hilly, summer), (town.hilly, winter))
        ]
        shares, medians = zip(*(told(took, minutes) for took in each), strict=True)
        rows.append((f"`{name}`", *shares, *medians))
    titles = ("without slope", "with slope", "winter, with slope")
    print_table(("walker", *titles, "median, min", "… with slope", "… in winter"), rows)


def print_changes(town: Town, minutes: float) -> None:
    """Print what one number of a walker changes, with slope."""
    changes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("as shipped", {}),
        ("at the adult's speed", {"flat_speed_m_s": profile("adult").flat_speed_m_s}),
        ("no gradients", {"uphill": ((5.0, 1.0),), "downhill": ((5.0, 1.0),),
                          "over_gradient_factor": 0.0, "rest_s_per_climbed_m": 0.0}),
        ("no extra for gradients beyond the limit", {"over_gradient_factor": 0.0}),
        ("no rests", {"rest_s_per_climbed_m": 0.0}),
        ("firm ground everywhere", {"roughness_time_factors": (1.0,) * 5}),
        ("no waiting at crossings", {"signal_wait_s": 0.0, "main_road_wait_s": 0.0}),
        ("steps as on the flat", {"steps_time_factor": 1.0}),
        ("steps closed", {"steps_time_factor": "closed"}),
    )  # fmt: skip
    rows = []
    for name, numbers in changes:
        cells: list[str] = []
        for walker in (profile("senior"), profile("rollator")):
            changed = Walker.model_validate(walker.model_dump() | numbers)
            cells += told(walk_minutes(town, town.hilly, changed), minutes)
        rows.append((name, *cells))
    print()
    titles = ("one change", "`senior`", "median, min", "`rollator`", "median, min")
    print_table(titles, rows)


def print_ground(town: Town) -> None:
    """Print how steep the streets are, and for how much of them that is not known."""
    ways, metres = town.hilly, segment_metres(town.hilly)
    is_open = walk_costs(ways, profile("senior")).is_open
    rise = np.diff(ways.node_z[np.column_stack([ways.segments.tail, ways.segments.head])])[:, 0]
    known = is_open & np.isfinite(rise)
    steep = np.divide(np.abs(rise), metres, out=np.zeros_like(metres), where=metres > 0)
    whole, sure = metres[is_open].sum(), metres[known].sum()
    steps = (ways.tags["highway"] == "steps").to_numpy()[ways.segments.way]
    parts = [f"{100 * (1 - sure / whole):.1f} % of unknown height"]
    parts += [
        f"{100 * metres[known & (steep > 1 / run)].sum() / sure:.0f} % steeper than 1:{run}"
        for run in (20, 15, 12, 10)
    ]
    parts.append(f"{100 * metres[is_open & steps].sum() / whole:.1f} % steps")
    print(f"\n{whole / 1000:.0f} km of ways: {', '.join(parts)}.")


def told(took: NDArray[np.float64], minutes: float) -> tuple[str, str]:
    """Return the share within the minutes, and the median of the cells that have a way."""
    share = 100 * (took <= minutes).mean()
    return f"{share:.1f} %", f"{np.median(took[np.isfinite(took)]):.1f}"


def print_table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    lines = [tuple(titles), *map(tuple, rows)]
    lines.insert(1, ("---",) * len(lines[0]))
    print("\n".join(f"| {' | '.join(line)} |" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
