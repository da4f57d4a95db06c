"""The search alone: arealstrategi beside bare scipy and pandana.

All sides start from the same arrays: a network of straight edges, and services of 15 categories on
them, 0.1 % of the nodes in each. Ours builds its graph and finds, for every node of the network,
the seconds to the nearest service of each category, which one it is, and the next node on the way.
It is measured again with the three nearest services of each category, and both times with 20,000
parcels, which get seconds, services and the metres of their route.

- Bare scipy is the floor: ``dijkstra(..., min_only=True)`` for each category over a matrix that is
  there already. It tells seconds alone.
- pandana builds its network, sets the services at its nodes and answers every node, up to the
  distance from which a service is worth nothing, which spares it work. It uses all cores, and where
  something else runs at the same time it is quicker with ``--peer-threads 1``.

The networks are Liechtenstein's and generated cities of 10^4, 10^5 and 10^6 nodes. From these, the
exponent with which our seconds grow, and our memory per node.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import measuring
from measuring import Figures

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from arealstrategi.network import Snapped, WalkNetwork
    from arealstrategi.reach import Reach

    Arrays = dict[str, NDArray[Any]]

COUNTRY = "liechtenstein"
SIZES = (10_000, 100_000, 1_000_000)
QUICK_SIZE = 2_000
CATEGORIES = 15
LEAST_SERVICES = 5
PARCELS = 20_000
K = 3
BLOCK_M = 50.0
PANDANA_WITHIN_M = 1500.0
PANDANA_ONCE_FROM = 900_000  # nodes; it takes minutes there
MEMORY_FROM = 900_000  # nodes; below, the imports are most of the process

FLOOR_AT_MOST = 1.5
PANDANA_AT_LEAST = 15.0
K_AT_MOST = 4.0
EXPONENT_AT_MOST = 1.1
BYTES_AT_MOST = 1000.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description="The search alone: arealstrategi, bare scipy and pandana."
    )
    parser.add_argument(
        "networks",
        nargs="*",
        help=f"{COUNTRY}, or numbers of nodes to generate; left out: {COUNTRY} and "
        + ", ".join(str(size) for size in SIZES),
    )
    parser.add_argument("--crs", default="EPSG:25832", help="analysis CRS, metres")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side")
    parser.add_argument("--peer-python", default=sys.executable, help="Python that has pandana")
    parser.add_argument("--peer-threads", type=int, help="of pandana; left out: one for each core")
    parser.add_argument(
        "--quick", action="store_true", help=f"our side alone, once, {QUICK_SIZE} nodes"
    )
    asked = parser.parse_args()
    networks = asked.networks or [COUNTRY, *(str(size) for size in SIZES)]
    if asked.quick:
        networks = [str(QUICK_SIZE)]
    for name in networks:
        if name != COUNTRY and not name.isdecimal():
            parser.error(f"{name}: neither {COUNTRY} nor a number of nodes")
    if COUNTRY in networks:
        measuring.data_folder()
    if not asked.quick:
        _need_pandana(asked.peer_python)
    measuring.print_machine()
    found = {name: _compare(name, asked) for name in networks}
    if not asked.quick:
        _print_growth([mine for name, mine in found.items() if name != COUNTRY])
    return 0


def prepare(folder: Path) -> Figures:
    """Make the network and what lies on it, as plain arrays."""
    import numpy as np

    job = measuring.read_job(folder)
    network = _country(job["crs"]) if job["network"] == COUNTRY else _city(int(job["network"]))
    rng = np.random.default_rng(2)
    each = max(LEAST_SERVICES, len(network["node_xy"]) // 1000)
    things: Arrays = {"category": np.repeat(np.arange(CATEGORIES), each)}
    for name, size in (("service", CATEGORIES * each), ("parcel", PARCELS)):
        things[f"{name}_edge"] = rng.integers(len(network["edge_nodes"]), size=size)
        things[f"{name}_share"] = rng.random(size)
        things[f"{name}_offset_m"] = rng.uniform(0.0, 20.0, size)
    np.savez(folder / "arrays.npz", allow_pickle=False, **network, **things)
    nodes, edges = len(network["node_xy"]), len(network["edge_nodes"])
    return {"what": f"{nodes} nodes, {edges} edges, {CATEGORIES} categories of {each}"}


def ours(folder: Path) -> Figures:
    """Build the graph and search it for every category; every node is answered."""
    return _searched(folder, k=1)


def ours_several(folder: Path) -> Figures:
    """Search for several services of each category."""
    return _searched(folder, k=K)


def parcels(folder: Path) -> Figures:
    """Answer the parcels too."""
    return _with_parcels(folder, k=1)


def parcels_several(folder: Path) -> Figures:
    """Answer the parcels with several services of each category."""
    return _with_parcels(folder, k=K)


def _searched(folder: Path, *, k: int) -> Figures:
    import numpy as np

    from arealstrategi.reach import Search, build_graph, search_nearest

    given, network, services, category = _given(folder)
    rows = [np.flatnonzero(category == key) for key in range(CATEGORIES)]

    def search_all() -> tuple[list[list[Search]], float]:
        begun = time.perf_counter()
        graph = build_graph(network, services)
        build_s = time.perf_counter() - begun
        return [search_nearest(graph, each, k) for each in rows], build_s

    (found, build_s), figures = measuring.measure(search_all)
    np.save(folder / "ours-answers.npy", np.vstack([ranks[0].node_s for ranks in found]))
    what = f"of which building the graph {build_s:.3f} s"
    return figures | {"name": _name(k), "what": what, "nodes": len(given["node_xy"])}


def _with_parcels(folder: Path, *, k: int) -> Figures:
    import pandas as pd

    from arealstrategi.reach import measure_reach

    given, network, services, category = _given(folder)
    at_parcels = _snapped(given, network, "parcel")
    parcel_id, key = pd.RangeIndex(PARCELS).astype(str), pd.Series(category).astype(str)

    def measure_all() -> Reach:
        each = dict.fromkeys(key.unique(), k)
        return measure_reach(network, at_parcels, services, key, parcel_id, k=each)

    _, figures = measuring.measure(measure_all)
    return figures | {"name": f"{_name(k)}, {PARCELS} parcels", "what": "graph, search, parcels"}


def _name(k: int) -> str:
    return "arealstrategi" if k == 1 else f"arealstrategi, k = {k}"


def scipy_alone(folder: Path) -> Figures:
    """Search a matrix that is there already: seconds alone."""
    import numpy as np
    from scipy.sparse.csgraph import dijkstra

    given = _load(folder)
    matrix, n = _matrix(given), len(given["node_xy"])
    rows = [n + np.flatnonzero(given["category"] == key) for key in range(CATEGORIES)]

    def search_all() -> list[NDArray[np.float64]]:
        return [dijkstra(matrix, indices=each, min_only=True) for each in rows]

    found, figures = measuring.measure(search_all)
    np.save(folder / "scipy-answers.npy", np.vstack([seconds[:n] for seconds in found]))
    return figures | {"name": "bare scipy", "what": "seconds alone, the matrix is given"}


def pandana(folder: Path) -> Figures:
    """Let pandana build its network and answer the same categories."""
    threads = measuring.read_job(folder)["threads"]
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # read as pandana is imported

    import numpy as np
    import pandana
    import pandas as pd

    given = _load(folder)
    places, category = _places(given), given["category"]

    def columns(xy: NDArray[Any]) -> list[pd.Series]:
        return [pd.Series(xy[:, 0]), pd.Series(xy[:, 1])]

    def build_and_search() -> float:
        begun = time.perf_counter()
        network = pandana.Network(
            *columns(given["node_xy"]),
            *columns(given["edge_nodes"]),
            pd.DataFrame({"effort_m": given["edge_s"][:, 0]}),
        )
        build_s = time.perf_counter() - begun
        for key in range(CATEGORIES):
            at = np.ascontiguousarray(places[category == key])
            network.set_pois(str(key), PANDANA_WITHIN_M, 1, *columns(at))
            network.nearest_pois(PANDANA_WITHIN_M, str(key), num_pois=1)
        return build_s

    build_s, figures = measuring.measure(build_and_search)
    what = f"of which building {build_s:.3f} s; {threads or 'all'} threads"
    return figures | {"name": f"pandana {pandana.__version__}", "what": what}


def compare_answers(folder: Path) -> Figures:
    """Say how far our seconds are from those of bare scipy."""
    import numpy as np

    mine, bare = (np.load(folder / f"{side}-answers.npy") for side in ("ours", "scipy"))
    reached = np.isfinite(bare)
    return {
        "apart_s": float(np.abs(mine[reached] - bare[reached]).max(initial=0.0)),
        "differ": int((np.isfinite(mine) != reached).sum()),
    }


def _city(size: int) -> Arrays:
    """Generate a city as `reach.py` does: a crooked grid with gaps, 52 m between junctions."""
    import numpy as np

    rng = np.random.default_rng(1)
    side = round(size**0.5)
    row = np.arange(side * side).reshape(side, side)
    xy = np.column_stack([row.ravel() % side, row.ravel() // side]) * BLOCK_M
    xy = xy + rng.uniform(-15, 15, xy.shape) + [500_000.0, 5_000_000.0]
    across = np.column_stack([row[:, :-1].ravel(), row[:, 1:].ravel()])
    along = np.column_stack([row[:-1].ravel(), row[1:].ravel()])
    ends = np.vstack([across, along])
    ends = ends[rng.random(len(ends)) < 0.65]  # leaves 2.6 edges to a junction
    metres = np.hypot(*(xy[ends[:, 1]] - xy[ends[:, 0]]).T)
    return {"node_xy": xy, "edge_nodes": ends, "edge_s": np.column_stack([metres, metres])}


def _country(crs: str) -> Arrays:
    """Read the network of Liechtenstein; its edges become straight and keep their seconds."""
    import pyproj

    from arealstrategi.network import build_network
    from arealstrategi.sources.osm import read_extract
    from arealstrategi.walker import profile

    extract = measuring.data_folder() / "liechtenstein" / "liechtenstein-latest.osm.pbf"
    ways = read_extract(extract, {}, crs=pyproj.CRS(crs), backdrop=False).ways
    network = build_network(ways, profile("senior"))
    return {
        "node_xy": network.node_xy,
        "edge_nodes": network.edge_nodes,
        "edge_s": network.edge_s,
    }


def _load(folder: Path) -> Arrays:
    import numpy as np

    with np.load(folder / "arrays.npz") as given:
        return dict(given)


def _given(folder: Path) -> tuple[Arrays, WalkNetwork, Snapped, NDArray[np.int64]]:
    """Return the arrays, and as ours has them: the network, the services and their categories."""
    import pyproj

    from arealstrategi.network import WalkNetwork

    given = _load(folder)
    crs = pyproj.CRS(measuring.read_job(folder)["crs"])
    network = WalkNetwork.of_edges(given["node_xy"], given["edge_nodes"], given["edge_s"], crs)
    return given, network, _snapped(given, network, "service"), given["category"]


def _snapped(given: Arrays, network: WalkNetwork, name: str) -> Snapped:
    import numpy as np

    from arealstrategi.network import Snapped

    edge = given[f"{name}_edge"]
    along = given[f"{name}_share"] * network.edge_m[edge]
    connector = np.full(len(edge), None, dtype=object)
    return Snapped(edge, along, given[f"{name}_offset_m"], connector)


def _places(given: Arrays) -> NDArray[np.float64]:
    """Return where the services lie on their edges."""
    import numpy as np

    start, end = given["node_xy"][given["edge_nodes"][given["service_edge"]]].swapaxes(0, 1)
    return np.asarray(start + given["service_share"][:, np.newaxis] * (end - start))


def _matrix(given: Arrays) -> csr_array:
    """Return the seconds between nodes, with a row for each service that leads to its edge's ends.

    The direction is from the services to the nodes, walked the other way; of parallel edges the
    cheapest counts.
    """
    import numpy as np
    import pandas as pd
    from scipy.sparse import csr_array

    n, ends, seconds = len(given["node_xy"]), given["edge_nodes"], given["edge_s"]
    edge, share = given["service_edge"], given["service_share"]
    row, offset = n + np.arange(len(edge)), given["service_offset_m"]
    arcs = pd.DataFrame(
        {
            "tail": np.concatenate([ends[:, 1], ends[:, 0], row, row]),
            "head": np.concatenate([ends[:, 0], ends[:, 1], ends[edge, 0], ends[edge, 1]]),
            "s": np.concatenate(
                [
                    seconds[:, 0],
                    seconds[:, 1],
                    share * seconds[edge, 0] + offset,
                    (1 - share) * seconds[edge, 1] + offset,
                ]
            ),
        }
    )
    arcs = arcs[arcs["tail"] != arcs["head"]].sort_values(["tail", "head", "s"])
    arcs = arcs.drop_duplicates(["tail", "head"])
    size = n + len(edge)
    starts = np.searchsorted(arcs["tail"], np.arange(size + 1))
    return csr_array((arcs["s"].to_numpy(), arcs["head"].to_numpy(), starts), shape=(size, size))


def _need_pandana(python: str) -> None:
    found = subprocess.run([python, "-c", "import pandana"], capture_output=True, check=False)
    if found.returncode != 0:
        measuring.stop(
            f"{python} cannot import pandana. Give it an environment of its own:\n"
            "  python -m venv peers-venv\n"
            "  peers-venv/bin/pip install -r benchmarks/peers.txt\n"
            "  python benchmarks/search.py --peer-python peers-venv/bin/python"
        )


def _compare(network: str, asked: argparse.Namespace) -> Figures:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measuring.write_job(folder, network=network, crs=asked.crs, threads=asked.peer_threads)
        size = measuring.run_side(__file__, "prepare", folder)["what"]
        title = f"Searching {network if network == COUNTRY else 'a generated city'}: {size}"
        runs = 1 if asked.quick else asked.runs
        mine = measuring.run_medians(__file__, "ours", folder, runs)
        if asked.quick:
            measuring.print_table(title, mine, wanted=0)
            return mine
        bare, several, answered, answered_several = (
            measuring.run_medians(__file__, side, folder, runs)
            for side in ("scipy", "several", "parcels", "parcels-several")
        )
        once = mine["nodes"] >= PANDANA_ONCE_FROM
        python = asked.peer_python
        peer = measuring.run_medians(
            __file__, "pandana", folder, 1 if once else runs, python=python
        )
        measuring.print_table(title, mine, peer, wanted=PANDANA_AT_LEAST)
        for side in (bare, several, answered, answered_several):
            print(f"  {side['name']}: {side['seconds']:.3f} s, {side['peak_mb']:.0f} MB at most")
        _print_ratio(mine, bare, FLOOR_AT_MOST)
        _print_ratio(several, mine, K_AT_MOST)
        _print_ratio(answered_several, answered, K_AT_MOST)
        answers = measuring.run_side(__file__, "answers", folder)
        print(
            f"  our seconds are {answers['apart_s']:.1e} s at most from those of bare scipy; "
            f"{answers['differ']} nodes are reached by one alone"
        )
        sys.stdout.flush()
        return mine | {"bare_seconds": bare["seconds"], "whole_mb": answered["peak_mb"]}


def _print_ratio(one: Figures, other: Figures, at_most: float) -> None:
    ratio = one["seconds"] / other["seconds"]
    print(
        f"  {one['name']} / {other['name']}: {ratio:.2f} times the seconds "
        f"(wanted: {at_most:g} or less, {_met(ratio, at_most)})"
    )


def _print_growth(cities: list[Figures]) -> None:
    """Say how our seconds grow with the nodes, and how much memory a node takes."""
    if len(cities) > 1:
        ours, bare = (_exponent(cities, side) for side in ("seconds", "bare_seconds"))
        print(
            "\nOur seconds grow with the nodes of the generated cities to the power of "
            f"{ours:.2f} (wanted: {EXPONENT_AT_MOST:g} or less, {_met(ours, EXPONENT_AT_MOST)}), "
            f"those of bare scipy to {bare:.2f}"
        )
    for city in cities:
        if city["nodes"] >= MEMORY_FROM:
            per_node = city["whole_mb"] * 2**20 / city["nodes"]
            print(
                f"The process with {PARCELS} parcels takes {per_node:.0f} bytes for each of "
                f"{city['nodes']} nodes (wanted: {BYTES_AT_MOST:g} or less, "
                f"{_met(per_node, BYTES_AT_MOST)})"
            )


def _exponent(cities: list[Figures], side: str) -> float:
    nodes = [math.log(city["nodes"]) for city in cities]
    return statistics.linear_regression(nodes, [math.log(city[side]) for city in cities]).slope


def _met(value: float, at_most: float) -> str:
    return "met" if value <= at_most else "NOT met"


if __name__ == "__main__":
    sides = {
        "prepare": prepare,
        "ours": ours,
        "several": ours_several,
        "parcels": parcels,
        "parcels-several": parcels_several,
        "scipy": scipy_alone,
        "pandana": pandana,
        "answers": compare_answers,
    }
    raise SystemExit(measuring.entry(main, sides))
