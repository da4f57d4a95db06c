"""From parcels to their nearest services: arealstrategi beside pandana.

Both sides start from the same network as arrays. Ours snaps parcels and services to the nearest
point of an edge, builds the search graph and measures every category of the catalogue. pandana
builds its network, snaps a point of each parcel and service to the nearest node, and answers the
same categories. Weights are effort in flat metres on both sides. Ours searches the whole network;
pandana up to the distance from which a service is worth nothing, which spares it work.

pandana runs twice: with the junctions as nodes, where it is quick and its answers are rough, and
with every point of every way as a node, which is what it takes to bring its answers near ours.
"""

from __future__ import annotations

import argparse
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import measuring
from measuring import Figures

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import pyproj
    from numpy.typing import NDArray

    from arealstrategi.network import WalkNetwork
    from arealstrategi.reach import Reach

WANTED = 10.0
QUICK_PARCELS = 50
GENERATED = "generated:"
CITY_PARCELS = 20_000


def main() -> int:
    parser = argparse.ArgumentParser(
        description="From parcels to their nearest services: arealstrategi and pandana."
    )
    parser.add_argument(
        "extract",
        nargs="?",
        type=Path,
        help="or generated:NODES; left out: three of the test data, then a generated city",
    )
    parser.add_argument(
        "parcels",
        nargs="?",
        help="a vector file, CSV with lon and lat, or grid:100@NAME: cells in an area",
    )
    parser.add_argument("--crs", default="EPSG:25832", help="analysis CRS, metres")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side")
    parser.add_argument("--peer-python", default=sys.executable, help="Python that has pandana")
    parser.add_argument(
        "--quick", action="store_true", help=f"our side alone, once, {QUICK_PARCELS} parcels"
    )
    asked = parser.parse_args()
    generated = str(asked.extract).startswith(GENERATED)
    if asked.extract is not None and asked.parcels is None and not generated:
        parser.error("EXTRACT needs PARCELS: a vector file, or grid:100@NAME")
    cases = _cases(asked.extract, asked.parcels, asked.crs, quick=asked.quick)
    if not asked.quick:
        _need_pandana(asked.peer_python)
    measuring.print_machine()
    for case in cases:
        _compare(case, asked)
    return 0


def prepare(folder: Path) -> Figures:
    """Read the inputs once: a pickle with shapes for our side, plain arrays for pandana's."""
    import numpy as np
    import pyproj
    import shapely

    from arealstrategi.inputs.places import selections_of
    from arealstrategi.network import build_network
    from arealstrategi.sources.osm import read_extract
    from arealstrategi.strategy import Strategy

    job = measuring.read_job(folder)
    strategy = Strategy.build({"parcels": {"source": "none.gpkg"}})
    if job["extract"].startswith(GENERATED):
        network, parcels, services, category = _city(int(job["extract"].removeprefix(GENERATED)))
    else:
        crs, extract = pyproj.CRS(job["crs"]), Path(job["extract"])
        walker = strategy.walker.walker
        found = read_extract(extract, selections_of(strategy), crs=crs)
        network = build_network(found.ways, walker)
        parcels = _parcels(job["parcels"], extract, crs)
        services, category = found.services.geometry.to_numpy(), found.services["category"]
    parcels = parcels[: job["at_most"]]
    _ = network.edge_line  # made with the network, not with the search
    ours = (network, parcels.geometry.to_numpy(), services, category, parcels.index)
    (folder / "ours.pickle").write_bytes(pickle.dumps((*ours, strategy.osm.snap_m)))
    asked = {
        "parcel_xy": shapely.get_coordinates(shapely.point_on_surface(parcels.geometry.to_numpy())),
        "service_xy": shapely.get_coordinates(shapely.point_on_surface(services)),
        "category": category.to_numpy(dtype=np.str_),
        "within_m": np.array(strategy.margin_m),
    }
    np.savez(folder / "junctions.npz", allow_pickle=False, **asked, **_junctions(network))
    np.savez(folder / "points.npz", allow_pickle=False, **asked, **_every_point(network))
    what = f"{len(parcels)} parcels, {len(services)} services, {category.nunique()} categories"
    size = f"{len(network.node_xy)} nodes, {len(network.edge_m)} edges"
    return {"what": f"{what}, {size}"}


def ours(folder: Path) -> Figures:
    """Snap parcels and services to edges and measure every category."""
    import numpy as np

    from arealstrategi.network import snap
    from arealstrategi.reach import measure_reach

    given = pickle.loads((folder / "ours.pickle").read_bytes())  # noqa: S301 - of this run
    network, parcels, services, category, parcel_id, limit_m = given

    def parcels_to_services() -> tuple[Reach, float]:
        begun = time.perf_counter()
        at_parcels = snap(network, parcels, limit_m=limit_m)
        at_services = snap(network, services, limit_m=limit_m)
        snap_s = time.perf_counter() - begun
        return measure_reach(network, at_parcels, at_services, category, parcel_id), snap_s

    (reach, snap_s), figures = measuring.measure(parcels_to_services)
    speed = network.flat_speed_m_s
    answers = [reach.nearest[key].seconds * speed for key in np.unique(category)]
    np.save(folder / "ours-answers.npy", np.vstack(answers))
    lone = int((~reach.parcels.connected).sum())
    what = f"of which snapping {snap_s:.3f} s; {lone} parcels beyond {limit_m:g} m of any path"
    return figures | {"name": "arealstrategi", "what": what}


def pandana_junctions(folder: Path) -> Figures:
    """Let pandana answer with the junctions as nodes."""
    return _pandana(folder, "junctions")


def pandana_points(folder: Path) -> Figures:
    """Let pandana answer with every point of every way as a node."""
    return _pandana(folder, "points")


def _pandana(folder: Path, nodes: str) -> Figures:
    import numpy as np
    import pandana
    import pandas as pd

    given = dict(np.load(folder / f"{nodes}.npz"))
    within_m = float(given["within_m"])

    def columns(xy: NDArray[np.float64]) -> list[pd.Series]:
        return [pd.Series(xy[:, 0]), pd.Series(xy[:, 1])]

    def parcels_to_services() -> tuple[list[NDArray[np.float64]], float]:
        begun = time.perf_counter()
        network = pandana.Network(
            *columns(given["node_xy"]),
            *columns(given["edge_nodes"]),
            pd.DataFrame({"effort_m": given["edge_effort_m"]}),
        )
        build_s = time.perf_counter() - begun
        node = network.get_node_ids(*columns(given["parcel_xy"]))
        answers = []
        for key in np.unique(given["category"]):
            places = given["service_xy"][given["category"] == key]
            network.set_pois(str(key), within_m, 1, *columns(places))
            nearest = network.nearest_pois(within_m, str(key), num_pois=1)
            answers.append(nearest[1].loc[node].to_numpy())
        return answers, build_s

    (answers, build_s), figures = measuring.measure(parcels_to_services)
    np.save(folder / f"{nodes}-answers.npy", np.vstack(answers))
    what = f"of which building {build_s:.3f} s; {len(given['node_xy'])} nodes, version"
    return figures | {"name": f"pandana, {nodes}", "what": f"{what} {pandana.__version__}"}


def compare_answers(folder: Path) -> Figures:
    """Say, a line for each, how far pandana's answers are from ours."""
    import numpy as np

    limit = float(np.load(folder / "points.npz")["within_m"])
    exact = np.load(folder / "ours-answers.npy")
    lines = []
    for nodes in ("junctions", "points"):
        rough = np.load(folder / f"{nodes}-answers.npy")
        near, found = exact < limit, rough < limit  # it answers the limit where it finds nothing
        apart = np.abs(exact - rough)[near & found]
        lines.append(
            f"pandana's answers, snapped to {nodes}: {np.median(apart):.0f} m (median) and "
            f"{np.quantile(apart, 0.9):.0f} m (p90) from ours where both are within {limit:g} m; "
            f"{(near != found).mean():.1%} on the other side of that limit"
        )
    return {"lines": lines}


def _junctions(network: WalkNetwork) -> dict[str, NDArray[Any]]:
    effort_m = network.edge_s[:, 0] * network.flat_speed_m_s
    return {
        "node_xy": network.node_xy,
        "edge_nodes": network.edge_nodes,
        "edge_effort_m": effort_m,
    }


def _every_point(network: WalkNetwork) -> dict[str, NDArray[Any]]:
    """Return the network with a node at every point of every edge, not at junctions alone."""
    import numpy as np
    import shapely

    xy, edge = shapely.get_coordinates(network.edge_line, return_index=True)
    same = edge[1:] == edge[:-1]
    first, last = np.append(True, ~same), np.append(~same, True)
    inner = ~(first | last)
    node = np.empty(len(xy), dtype=np.int64)
    node[first], node[last] = network.edge_nodes.T
    node[inner] = len(network.node_xy) + np.arange(inner.sum())
    step_m = np.hypot(*(xy[1:] - xy[:-1])[same].T)
    effort_m, length_m = network.edge_s[:, 0] * network.flat_speed_m_s, network.edge_m
    pace = np.divide(effort_m, length_m, out=np.ones_like(length_m), where=length_m > 0)
    return {
        "node_xy": np.vstack([network.node_xy, xy[inner]]),
        "edge_nodes": np.column_stack([node[:-1][same], node[1:][same]]),
        "edge_effort_m": step_m * pace[edge[1:][same]],
    }


def _parcels(parcels: str, extract: Path, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    from arealstrategi.area import WGS84, StudyArea, grid_cells
    from arealstrategi.sources.osm import read_boundary
    from arealstrategi.sources.parcels import clean_parcels, read_parcels
    from arealstrategi.sources.vector import open_layer

    if parcels.endswith(".csv"):
        rows = pd.read_csv(parcels)
        points = gpd.points_from_xy(rows["lon"], rows["lat"], crs=WGS84)
        return gpd.GeoDataFrame(geometry=points).to_crs(crs)
    if not parcels.startswith("grid:"):
        layer = open_layer(Path(parcels), None, key="PARCELS")
        return clean_parcels(read_parcels(layer, id_column=None), crs, None)[0]
    side, _, asked = parcels.removeprefix("grid:").partition("@")
    name, outline = read_boundary(extract, name=asked)
    boundary = gpd.GeoSeries([outline], crs=WGS84).to_crs(crs).iloc[0]
    return grid_cells(StudyArea(name, boundary, crs, 0.0), float(side))


def _city(size: int) -> tuple[WalkNetwork, gpd.GeoDataFrame, NDArray[np.object_], pd.Series]:
    """Generate a city: a crooked grid with gaps, 52 m between junctions, candidate points."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import pyproj
    import shapely

    from arealstrategi.network import WalkNetwork

    rng = np.random.default_rng(1)
    side = round(size**0.5)
    row = np.arange(side * side).reshape(side, side)
    xy = np.column_stack([row.ravel() % side, row.ravel() // side]) * 50.0
    xy = xy + rng.uniform(-15, 15, xy.shape)
    ends = np.vstack(
        [
            np.column_stack([row[:, :-1].ravel(), row[:, 1:].ravel()]),
            np.column_stack([row[:-1].ravel(), row[1:].ravel()]),
        ]
    )
    ends = ends[rng.random(len(ends)) < 0.65]  # leaves 2.6 edges to a junction
    metres = np.hypot(*(xy[ends[:, 1]] - xy[ends[:, 0]]).T)
    crs = pyproj.CRS.from_epsg(25832)
    network = WalkNetwork.of_edges(xy, ends, metres, crs)
    places = 16 * size // 1000
    points = np.asarray(shapely.points(rng.uniform(0, side * 50.0, (CITY_PARCELS + places, 2))))
    category = pd.Series(np.arange(places) % 16).astype("str")
    parcels = gpd.GeoDataFrame(geometry=points[:CITY_PARCELS], crs=crs)
    return network, parcels, points[CITY_PARCELS:], category


def _cases(
    extract: Path | None, parcels: str | None, crs: str, *, quick: bool
) -> list[tuple[str, str, str]]:
    if extract is not None and str(extract).startswith(GENERATED):
        return [(str(extract), "", crs)]
    if extract is not None and parcels is not None:
        for path in (extract, *([] if parcels.startswith("grid:") else [Path(parcels)])):
            if not path.exists():
                measuring.stop(f"{path}: there is no such file")
        return [(str(extract.resolve()), parcels, crs)]
    shared = measuring.data_folder()
    lauf = (str(shared / "lauf/lauf-200115.osm.pbf"), str(shared / "lauf/parcels.gpkg"), crs)
    if quick:
        return [lauf]
    country = str(shared / "liechtenstein/liechtenstein-latest.osm.pbf")
    porto = (shared / "porto-alegre/poa_osm.pbf", shared / "porto-alegre/poa_hexgrid.csv")
    return [
        lauf,
        (country, "grid:100@Liechtenstein", crs),
        (str(porto[0]), str(porto[1]), "EPSG:32722"),
        (f"{GENERATED}100000", "", crs),
    ]


def _need_pandana(python: str) -> None:
    found = subprocess.run([python, "-c", "import pandana"], capture_output=True, check=False)
    if found.returncode != 0:
        measuring.stop(
            f"{python} cannot import pandana. Give it an environment of its own:\n"
            "  python -m venv peers-venv\n"
            "  peers-venv/bin/pip install -r benchmarks/peers.txt\n"
            "  python benchmarks/reach.py --peer-python peers-venv/bin/python"
        )


def _compare(case: tuple[str, str, str], asked: argparse.Namespace) -> None:
    extract, parcels, crs = case
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        at_most = QUICK_PARCELS if asked.quick else None
        measuring.write_job(folder, extract=extract, parcels=parcels, crs=crs, at_most=at_most)
        size = measuring.run_side(__file__, "prepare", folder)["what"]
        title = f"Reach in {Path(extract).name}: {size}"
        mine = measuring.run_medians(__file__, "ours", folder, 1 if asked.quick else asked.runs)
        if asked.quick:
            measuring.print_table(title, mine, wanted=WANTED)
            return
        peers = [
            measuring.run_medians(__file__, side, folder, asked.runs, python=asked.peer_python)
            for side in ("junctions", "points")
        ]
        measuring.print_table(title, mine, *peers, wanted=WANTED)
        for line in measuring.run_side(__file__, "answers", folder)["lines"]:
            print("  " + line)


if __name__ == "__main__":
    sides = {
        "prepare": prepare,
        "ours": ours,
        "junctions": pandana_junctions,
        "points": pandana_points,
        "answers": compare_answers,
    }
    raise SystemExit(measuring.entry(main, sides))
