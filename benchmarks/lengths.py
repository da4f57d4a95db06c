"""How far it is on foot: arealstrategi's shortest lengths beside those of Valhalla.

Both sides read the same extract and answer the same pairs of random points, which lie on ways that
both walk. Ours is a walker whom nothing slows down, so that the least effort is the shortest way.
Valhalla builds its tiles and answers as pedestrian with ``shortest``, without penalties and with
the hiking difficulty that we allow. It is asked for a matrix and for a route of each pair; the
route counts, because its matrix is now and then not as long as its own route.

The two do not close the same ways. So Valhalla is asked of every way of the extract whether it
walks there, and our lengths are measured once more with just these ways open. Where the lengths by
own rules are more than 5 % apart, the rule is named that closes most of the shorter route to the
other side. Such a pair is explained where a rule is found and the second lengths agree.

Valhalla tells kilometres with three decimals; short pairs are left out.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import measuring
from measuring import Figures

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import shapely
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from arealstrategi.network import Snapped, WalkNetwork
    from arealstrategi.reach import Reach
    from arealstrategi.tables import Ways
    from arealstrategi.walker import Walker

PAIRS, QUICK_PAIRS = 1000, 20
STRAIGHT_M = (250.0, 4000.0)  # between the points of a pair
SHORTEST_M = 300.0
ON_WAY_M = 1.0  # a point this near lies on the way
AT_ONCE = 100  # pairs that are searched together, so that memory stays small
MEDIAN_WITHIN, MOST_WITHIN, MOST = 0.01, 0.05, 0.9
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
UNEXPLAINED = "unexplained"
TOLD_SOME = 20  # unexplained pairs are listed up to this number

WALK: dict[str, Any] = {
    "costing": "pedestrian",
    "costing_options": {
        "pedestrian": {
            "shortest": True,
            "step_penalty": 0,
            "elevator_penalty": 0,
            "max_hiking_difficulty": 2,  # we close what is harder than mountain_hiking
        }
    },
}

# What Valhalla does not walk and we do; the first that fits names the way. `torn` is no tag of
# OpenStreetMap: the extract lacks some of the way's nodes.
VALHALLA_CLOSES: tuple[tuple[dict[str, str], str], ...] = (
    ({"torn": "yes"}, "the extract lacks some of its nodes, we keep the rest"),
    ({"access": "agricultural|forestry"}, "access=agricultural or forestry"),
    ({"highway": "platform"}, "a platform"),
    ({"railway": "platform"}, "a platform"),
    ({"public_transport": "platform"}, "a platform"),
    ({"area": "yes"}, "an area, we walk its rim"),
    ({"highway": "bridleway"}, "a bridleway with no word on walking"),
    ({"highway": "cycleway"}, "a cycleway with no word on walking"),
)
# Nodes that Valhalla does not pass: foot, or without it access, has one of these.
NO_PASSING = frozenset({"no", "agricultural", "forestry", "discouraged"})
NODE_CLOSED = "Valhalla closes: a node with foot=no or access=no (a gate, a bollard)"
GATE_CLOSED = "we close: a gate that is private or closed on foot"


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Shortest lengths on foot: arealstrategi and Valhalla."
    )
    parser.add_argument(
        "extract", nargs="?", type=Path, help="left out: Lauf, then Liechtenstein, of the test data"
    )
    parser.add_argument("--crs", default="EPSG:25832", help="analysis CRS, metres")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="pairs of points")
    parser.add_argument("--peer-python", default=sys.executable, help="Python that has pyvalhalla")
    parser.add_argument(
        "--quick", action="store_true", help=f"our side alone, {QUICK_PAIRS} pairs in Lauf"
    )
    asked = parser.parse_args()
    extracts = _extracts(asked.extract, quick=asked.quick)
    if not asked.quick:
        _need_valhalla(asked.peer_python)
    measuring.print_machine()
    for extract in extracts:
        _compare(extract, asked)
    return 0


def prepare(folder: Path) -> Figures:
    """Read the extract, draw pairs of points, and choose where to ask Valhalla of each way."""
    import pyproj

    from arealstrategi.network import build_network
    from arealstrategi.sources.osm import read_extract

    job = measuring.read_job(folder)
    crs = pyproj.CRS(job["crs"])
    ways = read_extract(Path(job["extract"]), {}, crs=crs, backdrop=False).ways
    network = build_network(ways, _walker())
    (folder / "ours.pickle").write_bytes(pickle.dumps((ways, network)))
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)

    def places(xy: NDArray[np.float64], way: NDArray[np.int64]) -> list[list[float]]:
        lon, lat = to_degrees.transform(*xy.T)
        return [
            [*at, way] for *at, way in zip(lon.round(7), lat.round(7), way.tolist(), strict=True)
        ]

    _write(folder, "ways", places(*_middles(ways)))
    ends = places(*_points(network, 2 * job["pairs"]))
    _write(folder, "pairs", list(zip(ends[::2], ends[1::2], strict=True)))
    return {"what": f"{len(ways)} ways, {network.length_m / 1000:.0f} km to walk"}


def ours(folder: Path) -> Figures:
    """Measure the pairs."""
    ways, network = _load(folder)
    starts, ends = _ends(folder, ways)

    def measure_pairs() -> list[float]:
        return _lengths(network, starts, ends)

    metres, figures = measuring.measure(measure_pairs)
    _write(folder, "our-metres", metres)
    what = f"{len(metres)} pairs, a search of the whole network for each"
    return figures | {"name": "arealstrategi", "what": what}


def valhalla_lengths(folder: Path) -> Figures:
    """Build tiles, ask of every way whether it is walked, and measure the pairs."""
    job = measuring.read_job(folder)
    _, building = measuring.measure(lambda: _build_tiles(Path(job["extract"]), folder))
    actor = _actor(folder)
    walked = [place[2] for place in _read(folder, "ways") if _is_walked(actor, place, reach=0)]
    _write(folder, "walked", walked)
    usable = [
        pair for pair in _read(folder, "pairs") if all(_is_walked(actor, end) for end in pair)
    ]
    pairs = usable[: job["pairs"]]
    _write(folder, "pairs", pairs)

    def matrices() -> list[float | None]:
        asked = ({"sources": [_place(start)], "targets": [_place(end)]} for start, end in pairs)
        answers = [actor.matrix(WALK | each) for each in asked]
        return [answer["sources_to_targets"][0][0]["distance"] for answer in answers]

    def routes() -> list[float]:
        answers = [_route(actor, pair) for pair in pairs]
        return [answer["summary"]["length"] if answer else math.inf for answer in answers]

    in_matrix, matrix = measuring.measure(matrices)
    kilometres, figures = measuring.measure(routes)
    apart = sum(
        not math.isclose(math.inf if each is None else each, length, rel_tol=0.01)
        for each, length in zip(in_matrix, kilometres, strict=True)
    )
    _write(folder, "their-metres", [1000 * each for each in kilometres])
    what = (
        f"a route for each; as matrices {matrix['seconds']:.2f} s, of which {apart} are more than "
        f"1 % from the route; tiles in {building['seconds']:.1f} s"
    )
    return figures | {"name": f"Valhalla {_valhalla().__version__}", "what": what}


def valhalla_routes(folder: Path) -> Figures:
    """Tell the ways of Valhalla's routes, with their metres, where the lengths are apart."""
    actor = _actor(folder)
    pairs = _read(folder, "pairs")
    routes: dict[int, list[tuple[int, float]]] = {}
    for row in _read(folder, "apart-rows"):
        trip = _route(actor, pairs[row])
        if trip is None:
            routes[row] = []
            continue
        traced = actor.trace_attributes(
            WALK
            | {
                "encoded_polyline": trip["legs"][0]["shape"],
                "shape_match": "walk_or_snap",
                "filters": {"attributes": ["edge.way_id", "edge.length"], "action": "include"},
            }
        )
        routes[row] = [(edge["way_id"], 1000 * edge["length"]) for edge in traced["edges"]]
    _write(folder, "their-routes", routes)
    return {}


def find_apart(folder: Path) -> Figures:
    """List the pairs whose lengths are further apart than is wanted of most."""
    import numpy as np

    mine, theirs = _metres(folder)
    apart = (theirs >= SHORTEST_M) & (np.abs(_ratio(mine, theirs) - 1) > MOST_WITHIN)
    _write(folder, "apart-rows", np.flatnonzero(apart).tolist())
    return {}


def explain(folder: Path) -> Figures:
    """Say how near the lengths are, and by which rules those come about that are apart."""
    import numpy as np
    import pandas as pd

    ways, network = _load(folder)
    starts, ends = _ends(folder, ways)
    mine, theirs = _metres(folder)
    walked = np.isin(ways.way_id, _read(folder, "walked"))
    blocks = _closed_nodes(Path(measuring.read_job(folder)["extract"]), ways)
    alike = np.array(_lengths(_network_of(ways, walked, blocks), starts, ends))
    closed = _closed_ways(ways, walked)
    nodes = ways.node_xy[blocks]
    settled = np.abs(_ratio(alike, theirs) - 1) <= MOST_WITHIN
    cases = []
    for row, their_steps in _read(folder, "their-routes").items():
        case = int(row)
        if mine[case] > theirs[case]:
            reason = _rule(closed[closed["by_us"]], their_steps) or _gate_rule(ways, their_steps)
        else:
            steps, line = _our_route(network, starts[case], ends[case])
            reason = _rule(closed[~closed["by_us"]], steps) or _node_rule(nodes, line)
        cases.append((case, reason if settled[case] and reason else UNEXPLAINED))
    apart = pd.DataFrame(cases, columns=["row", "reason"])
    told = theirs >= SHORTEST_M
    size = (
        f"{told.sum()} pairs of {SHORTEST_M:g} m and more: {theirs[told].min():.0f} to "
        f"{theirs[told].max():.0f} m, median {np.median(theirs[told]):.0f} m"
    )
    lines = [
        size,
        *_agreement(_ratio(mine, theirs)[told], "each by its own rules", wanted=True),
        *_agreement(_ratio(alike, theirs)[told], "with just the ways open that Valhalla walks"),
        *_reasons(apart, _ratio(mine, theirs)),
        *_unexplained(apart, _read(folder, "pairs"), mine, theirs, alike),
    ]
    return {"lines": lines}


def _extracts(named: Path | None, *, quick: bool) -> list[Path]:
    if named is not None:
        if not named.is_file():
            measuring.stop(f"{named}: there is no such file")
        return [named.resolve()]
    shared = measuring.data_folder()
    lauf = shared / "lauf" / "lauf-200115.osm.pbf"
    return [lauf] if quick else [lauf, shared / "liechtenstein" / "liechtenstein-latest.osm.pbf"]


def _need_valhalla(python: str) -> None:
    found = subprocess.run([python, "-c", "import valhalla"], capture_output=True, check=False)
    if found.returncode != 0:
        measuring.stop(
            f"{python} cannot import valhalla. Give it an environment of its own, with Python "
            "3.12 or newer:\n"
            "  python3.12 -m venv peers-valhalla\n"
            "  peers-valhalla/bin/pip install -r benchmarks/peers-valhalla.txt\n"
            "  python benchmarks/lengths.py --peer-python peers-valhalla/bin/python"
        )


def _compare(extract: Path, asked: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = QUICK_PAIRS if asked.quick else asked.pairs
        measuring.write_job(folder, extract=str(extract), crs=asked.crs, pairs=pairs)
        title = f"Lengths in {extract.name}: "
        title += measuring.run_side(__file__, "prepare", folder)["what"]
        if asked.quick:
            mine = measuring.run_medians(__file__, "ours", folder, 1)
            measuring.print_table(title, mine, wanted=0)
            return
        peer = measuring.run_side(__file__, "valhalla", folder, python=asked.peer_python)
        mine = measuring.run_side(__file__, "ours", folder)
        measuring.run_side(__file__, "apart", folder)
        measuring.run_side(__file__, "routes", folder, python=asked.peer_python)
        print(f"\n{title}")
        for side in (mine, peer):
            print(f"  {side['name']}: {side['seconds']:.2f} s ({side['what']})")
        for line in measuring.run_side(__file__, "explain", folder)["lines"]:
            print(f"  {line}")
        sys.stdout.flush()


def _write(folder: Path, name: str, values: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")


def _read(folder: Path, name: str) -> Any:  # noqa: ANN401 - what was written
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


# Our side


def _walker() -> Walker:
    """Return a walker of 1 m/s whom nothing slows down: seconds are metres."""
    from arealstrategi.walker import Walker

    even = ((1.0, 1.0), (100.0, 1.0))
    return Walker(
        flat_speed_m_s=1.0,
        uphill=even,
        downhill=even,
        max_gradient_pct=100.0,
        over_gradient_factor=0.0,
        rest_s_per_climbed_m=0.0,
        steps_time_factor=1.0,
        roughness_time_factors=(1.0,) * 5,
        max_roughness=4,
        kerb_s=0.0,
        signal_wait_s=0.0,
        main_road_wait_s=0.0,
        unlit_time_factor=1.0,
        no_sidewalk_time_factor=1.0,
        ferry_speed_m_s=1.0,
        ferry_wait_s=0.0,
    )


def _network_of(ways: Ways, is_open: NDArray[np.bool_], blocks: NDArray[np.int64]) -> WalkNetwork:
    """Build a network of some ways, whatever our rules say, that passes none of some nodes."""
    from dataclasses import replace

    import numpy as np

    from arealstrategi.network import build_network

    untagged = ways.tags.iloc[:0].reindex(ways.tags.index)
    tags = untagged.assign(highway=np.where(is_open, "path", "no"))
    # each way gets ends of its own at such a node, with nothing between them
    visits = np.flatnonzero(np.isin(ways.node_of, blocks))
    node = ways.node_of[visits]
    one = len(ways.node_xy) + np.arange(len(visits))
    node_of = ways.node_of.copy()
    node_of[visits] = one
    gap_and_other = np.column_stack([np.full(len(visits), -1), one + len(visits)])
    cut = replace(
        ways,
        tags=tags,
        starts=ways.starts + 2 * np.searchsorted(visits, ways.starts),
        node_of=np.insert(node_of, np.repeat(visits + 1, 2), gap_and_other.ravel()),
        node_xy=np.vstack([ways.node_xy, ways.node_xy[node], ways.node_xy[node]]),
        node_z=np.concatenate([ways.node_z, ways.node_z[node], ways.node_z[node]]),
        node_tags=ways.node_tags.iloc[:0],
        node_is_added=np.append(ways.node_is_added, np.zeros(2 * len(node), dtype=bool)),
    )
    return build_network(cut, _walker())


def _middles(ways: Ways) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the middle of the longest piece of every way, away from junctions."""
    import numpy as np

    segments = ways.segments
    tail, head = ways.node_xy[segments.tail], ways.node_xy[segments.head]
    order = np.lexsort((-np.hypot(*(head - tail).T), segments.way))
    rows, first = np.unique(segments.way[order], return_index=True)
    return (tail + head)[order[first]] / 2, ways.way_id[rows]


def _points(network: WalkNetwork, pairs: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw pairs of points on the largest part of the network; those of a pair come together."""
    import numpy as np
    import shapely

    rng = np.random.default_rng(1)
    edges = np.flatnonzero(network.node_component[network.edge_nodes[:, 0]] == 0)
    share = network.edge_m[edges] / network.edge_m[edges].sum()
    edge = rng.choice(edges, size=200 * pairs, p=share)
    lines = network.edge_line[edge]
    points = shapely.line_interpolate_point(lines, rng.random(len(edge)), normalized=True)
    xy = shapely.get_coordinates(points).reshape(-1, 2, 2)
    straight = np.hypot(*(xy[:, 1] - xy[:, 0]).T)
    fits = np.flatnonzero((straight >= STRAIGHT_M[0]) & (straight <= STRAIGHT_M[1]))[:pairs]
    return xy[fits].reshape(-1, 2), network.edge_way[edge.reshape(-1, 2)[fits].ravel()]


def _load(folder: Path) -> tuple[Ways, WalkNetwork]:
    given: tuple[Ways, WalkNetwork]
    given = pickle.loads((folder / "ours.pickle").read_bytes())  # noqa: S301 - of this run
    return given


def _ends(folder: Path, ways: Ways) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Read the pairs, in degrees as Valhalla gets them, as points in the analysis CRS."""
    import numpy as np
    import pyproj
    import shapely

    pairs = _read(folder, "pairs")[: measuring.read_job(folder)["pairs"]]
    lon, lat, _ = np.array(pairs, dtype=np.float64).reshape(-1, 3).T
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", ways.crs, always_xy=True)
    points = np.asarray(shapely.points(*to_metres.transform(lon, lat)), dtype=object)
    return points[::2], points[1::2]


def _lengths(
    network: WalkNetwork, starts: NDArray[np.object_], ends: NDArray[np.object_]
) -> list[float]:
    """Measure every pair: many at once, each a category of its own with one service."""
    from arealstrategi.network import snap

    here, there = (snap(network, points, limit_m=ON_WAY_M) for points in (starts, ends))
    metres: list[float] = []
    for first in range(0, len(starts), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        reach = _reach(network, _part(here, some), _part(there, some))
        metres += [float(reach.nearest[key].metres[int(key)]) for key in reach.parcel_id]
    return metres


def _part(snapped: Snapped, some: slice) -> Snapped:
    from arealstrategi.network import Snapped

    edge, along, offset = snapped.edge[some], snapped.along_m[some], snapped.offset_m[some]
    return Snapped(edge, along, offset, snapped.connector[some])


def _reach(network: WalkNetwork, starts: Snapped, ends: Snapped) -> Reach:
    import pandas as pd

    from arealstrategi.reach import measure_reach

    key = [str(number) for number in range(len(ends.edge))]
    return measure_reach(network, starts, ends, pd.Series(key), pd.Index(key))


def _our_route(
    network: WalkNetwork, start: shapely.Point, end: shapely.Point
) -> tuple[list[tuple[int, float]], BaseGeometry]:
    """Return the ways of our route with their metres, and its line."""
    import numpy as np
    import shapely

    from arealstrategi.network import snap
    from arealstrategi.reach import route_pieces

    here, there = (snap(network, np.array([at]), limit_m=ON_WAY_M) for at in (start, end))
    pieces = route_pieces(_reach(network, here, there), "0", "0")
    steps = list(zip(pieces["way_id"], pieces["metres"], strict=True))
    return steps, shapely.union_all(pieces.geometry.to_numpy())


# Valhalla's side


def _valhalla() -> Any:  # noqa: ANN401 - in the peer's environment alone, unknown to mypy
    return importlib.import_module("valhalla")


def _build_tiles(extract: Path, folder: Path) -> None:
    tiles = folder / "tiles"
    tiles.mkdir()
    config = _valhalla().get_config(tile_extract="", tile_dir=tiles)
    _write(folder, "valhalla-config", config)
    builder = Path(_valhalla().__file__).parent / "bin" / "valhalla_build_tiles"
    command = [str(builder), "-c", str(folder / "valhalla-config.json"), str(extract)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        measuring.stop(f"valhalla_build_tiles failed\n{done.stderr[-2000:]}", code=1)


def _actor(folder: Path) -> Any:  # noqa: ANN401 - mypy does not see Valhalla
    return _valhalla().Actor(_read(folder, "valhalla-config"))


def _place(place: Sequence[float]) -> dict[str, float]:
    return {"lon": place[0], "lat": place[1], "node_snap_tolerance": 0}


def _route(actor: Any, pair: Sequence[Sequence[float]]) -> Any:  # noqa: ANN401
    """Return Valhalla's route; None where it finds no way."""
    try:
        return actor.route(WALK | {"locations": [_place(end) for end in pair]})["trip"]
    except _valhalla().ValhallaError:
        return None


def _is_walked(actor: Any, place: Sequence[float], *, reach: int = 50) -> bool:  # noqa: ANN401
    """Say whether Valhalla walks the place's way there, in a part of that many edges or more."""
    near = _place(place) | {"radius": ON_WAY_M, "minimum_reachability": reach}
    edges = actor.locate(WALK | {"locations": [near], "verbose": True})[0]["edges"] or []
    return any(
        edge["edge_info"]["way_id"] == place[2]
        and edge["distance"] <= ON_WAY_M
        and min(edge["outbound_reach"], edge["inbound_reach"]) >= reach
        for edge in edges
    )


# What came out


def _metres(folder: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read both sides' lengths; inf where there is no way."""
    import numpy as np

    mine, theirs = _read(folder, "our-metres"), _read(folder, "their-metres")
    return np.array(mine, dtype=np.float64), np.array(theirs, dtype=np.float64)


def _ratio(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide the lengths; where neither found a way, they agree."""
    import numpy as np

    return np.divide(
        mine, theirs, out=np.ones(len(mine)), where=np.isfinite(mine) | np.isfinite(theirs)
    )


def _closed_nodes(extract: Path, ways: Ways) -> NDArray[np.int64]:
    """Return the rows of the nodes that Valhalla does not pass on foot."""
    import numpy as np
    import osmium
    import pyproj
    from scipy.spatial import cKDTree

    tagged = osmium.FileProcessor(extract, osmium.osm.NODE).with_filter(
        osmium.filter.KeyFilter("foot", "access")
    )
    nodes: Iterator[Any] = iter(tagged)
    places = [
        (node.location.lon, node.location.lat)
        for node in nodes
        if node.tags.get("foot", node.tags.get("access")) in NO_PASSING
    ]
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", ways.crs, always_xy=True)
    xy = np.column_stack(to_metres.transform(*np.array(places).reshape(-1, 2).T))
    far, row = (np.asarray(each) for each in cKDTree(ways.node_xy).query(xy))
    return np.unique(row[far < 0.01])


def _closed_ways(ways: Ways, walked: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the ways that one side alone walks: whether we close it, and by which rule."""
    import numpy as np

    from arealstrategi.walker import judge_ways

    judged, torn = judge_ways(ways.tags), np.unique(ways.way_of[ways.node_of < 0])
    tags = ways.tags.assign(torn=np.where(np.isin(np.arange(len(ways)), torn), "yes", ""))
    by_us = ~judged["open"].to_numpy()
    reason = np.where(by_us, "we close: " + judged["reason"], "").astype(object)
    for wanted, why in reversed(VALHALLA_CLOSES):
        fits = ~by_us
        for key, values in wanted.items():
            fits &= tags[key].isin(values.split("|")).to_numpy()
        reason[fits] = f"Valhalla closes: {why}"
    table = tags.assign(by_us=by_us, reason=reason).set_index(ways.way_id)
    differs: pd.DataFrame = table[by_us == walked]
    return differs


def _rule(closed: pd.DataFrame, steps: Iterable[tuple[int, float]]) -> str:
    """Name the rule that closes most of a route; empty where none closes any."""
    metres: dict[str, float] = {}
    for way, length in steps:
        if way in closed.index:
            reason = str(closed.loc[way, "reason"])
            metres[reason] = metres.get(reason, 0.0) + length
    return max(metres, key=metres.__getitem__, default="")


def _gate_rule(ways: Ways, steps: Iterable[tuple[int, float]]) -> str:
    """Say whether a gate that we close lies on the ways of a route."""
    import numpy as np

    from arealstrategi.walker import closed_nodes

    on_route = np.isin(ways.way_id, [way for way, _ in steps])[ways.way_of]
    return (
        GATE_CLOSED if np.isin(closed_nodes(ways.node_tags), ways.node_of[on_route]).any() else ""
    )


def _node_rule(nodes: NDArray[np.float64], line: BaseGeometry) -> str:
    import shapely

    return NODE_CLOSED if shapely.dwithin(shapely.points(nodes), line, 0.01).any() else ""


def _agreement(ratio: NDArray[np.float64], by: str, *, wanted: bool = False) -> list[str]:
    import numpy as np

    median = float(np.median(ratio))
    hundredth, most = (
        float((np.abs(ratio - 1) <= within).mean()) for within in (0.01, MOST_WITHIN)
    )
    quantiles = zip(QUANTILES, np.quantile(ratio, QUANTILES), strict=True)
    near = (
        f"ours / Valhalla, {by}: median {median:.4f}, {hundredth:.1%} of pairs within 1 %, "
        f"{most:.1%} within {MOST_WITHIN * 100:.0f} %"
    )
    lines = [
        near,
        "  quantiles: " + ", ".join(f"{q:g} {value:.4f}" for q, value in quantiles),
    ]
    if wanted:
        met = [
            "met" if one else "NOT met" for one in (abs(median - 1) <= MEDIAN_WITHIN, most >= MOST)
        ]
        lines.append(
            f"  wanted: median within {MEDIAN_WITHIN * 100:.0f} % ({met[0]}), {MOST * 100:.0f} % "
            f"of pairs within {MOST_WITHIN * 100:.0f} % ({met[1]})"
        )
    return lines


def _reasons(apart: pd.DataFrame, ratio: NDArray[np.float64]) -> list[str]:
    import numpy as np

    groups = apart.groupby("reason")["row"].agg(list).sort_values(key=lambda rows: -rows.map(len))
    return [f"{len(apart)} pairs are more than {MOST_WITHIN * 100:.0f} % apart"] + [
        f"  {len(rows):>5} pairs, ours / Valhalla {np.median(ratio[rows]):.2f} (median)  {reason}"
        for reason, rows in groups.items()
    ]


def _unexplained(
    apart: pd.DataFrame,
    pairs: list[Any],
    mine: NDArray[np.float64],
    theirs: NDArray[np.float64],
    alike: NDArray[np.float64],
) -> list[str]:
    rows = apart.loc[apart["reason"] == UNEXPLAINED, "row"].tolist()
    lines = [f"{len(rows)} {UNEXPLAINED}"]
    for row in rows[:TOLD_SOME]:
        start, end = (f"{lon:.6f},{lat:.6f}" for lon, lat, _ in pairs[row])
        lines.append(
            f"  {start} to {end}: Valhalla {theirs[row]:.0f} m, ours {mine[row]:.0f} m, "
            f"{alike[row]:.0f} m with its ways"
        )
    return lines


if __name__ == "__main__":
    sides = {
        "prepare": prepare,
        "ours": ours,
        "valhalla": valhalla_lengths,
        "apart": find_apart,
        "routes": valhalla_routes,
        "explain": explain,
    }
    raise SystemExit(measuring.entry(main, sides))
