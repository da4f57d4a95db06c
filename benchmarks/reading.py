"""Reading an OSM extract and building the network: arealstrategi beside OSMnx.

Ours reads walkable ways, services and the map's backdrop of the extract and builds the network in
the analysis CRS. OSMnx makes its graph of every way and its features of the catalogue's tags from
the same data, written once as XML (all that OSMnx reads) outside the timed part.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import measuring
from measuring import Figures

if TYPE_CHECKING:
    from arealstrategi.sources.tags import Selection

WANTED = 20.0


def main() -> int:
    parser = argparse.ArgumentParser(description="Reading OpenStreetMap: arealstrategi and OSMnx.")
    parser.add_argument(
        "extract", nargs="?", type=Path, help="left out: Liechtenstein, then Lauf, of the test data"
    )
    parser.add_argument("--crs", default="EPSG:25832", help="analysis CRS, metres")
    parser.add_argument("--runs", type=int, default=3, help="runs of our side (OSMnx: one)")
    parser.add_argument("--quick", action="store_true", help="our side alone, once, on a few ways")
    asked = parser.parse_args()
    measuring.print_machine()
    for extract in _extracts(asked.extract, quick=asked.quick):
        _compare(extract, asked.crs, runs=1 if asked.quick else asked.runs, quick=asked.quick)
    return 0


def prepare(folder: Path) -> Figures:
    """Write the extract as XML and the catalogue's tags as OSMnx wants them."""
    import osmium

    from arealstrategi.sources.tags import first_tags

    job = measuring.read_job(folder)
    with osmium.SimpleWriter(folder / "extract.osm") as writer:
        for thing in osmium.FileProcessor(job["extract"]):
            writer.add(thing)
    tags = {
        key: True if "*" in values else sorted(values)
        for key, values in first_tags(_selections().values()).items()
    }
    (folder / "tags.json").write_text(json.dumps(tags), encoding="utf-8")
    return {"name": "prepare"}


def ours(folder: Path) -> Figures:
    """Read ways and services and build, as the peer does."""
    return _ours(folder, backdrop=False)


def ours_with_backdrop(folder: Path) -> Figures:
    """Read buildings, water and green for the map as well, as a run does."""
    return _ours(folder, backdrop=True)


def _ours(folder: Path, *, backdrop: bool) -> Figures:
    import geopandas as gpd
    import pyproj

    from arealstrategi.network import WalkNetwork, build_network
    from arealstrategi.sources.osm import read_extract
    from arealstrategi.walker import profile

    job = measuring.read_job(folder)
    selections, crs, walker = _selections(), pyproj.CRS(job["crs"]), profile("senior")

    def read_and_build() -> tuple[WalkNetwork, gpd.GeoDataFrame]:
        found = read_extract(Path(job["extract"]), selections, crs=crs, backdrop=backdrop)
        return build_network(found.ways, walker), found.services

    (network, services), figures = measuring.measure(read_and_build)
    what = f"{len(network.edge_m)} edges between junctions, {len(services)} services"
    return figures | {"name": "with backdrop" if backdrop else "arealstrategi", "what": what}


def osmnx(folder: Path) -> Figures:
    """Read and build with OSMnx."""
    import geopandas as gpd
    import networkx as nx
    import osmnx as ox

    tags = json.loads((folder / "tags.json").read_text(encoding="utf-8"))
    extract = folder / "extract.osm"

    def read_and_build() -> tuple[nx.MultiDiGraph, gpd.GeoDataFrame]:
        graph = ox.graph_from_xml(extract, simplify=False, retain_all=True)
        return graph, ox.features_from_xml(extract, tags=tags)

    try:
        (graph, features), figures = measuring.measure(read_and_build)
    except ValueError as error:
        return {"name": "OSMnx", "stopped": f"OSMnx cannot read this extract ({error})"}
    what = f"{graph.number_of_edges()} edges between all nodes, {len(features)} features"
    return figures | {"name": f"OSMnx {ox.__version__}", "what": what}


def _extracts(named: Path | None, *, quick: bool) -> list[Path]:
    if named is not None:
        if not named.is_file():
            measuring.stop(f"{named}: there is no such file")
        return [named.resolve()]
    shared = measuring.data_folder()
    if quick:
        return [shared / "oslo" / "skoyen.osm.pbf"]
    return [
        shared / "liechtenstein" / "liechtenstein-latest.osm.pbf",
        shared / "lauf" / "lauf-200115.osm.pbf",
    ]


def _compare(extract: Path, crs: str, *, runs: int, quick: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measuring.write_job(folder, extract=str(extract), crs=crs)
        if not quick:
            measuring.run_side(__file__, "prepare", folder)
        mine = measuring.run_medians(__file__, "ours", folder, runs)
        whole = measuring.run_medians(__file__, "whole", folder, runs)
        peers = [] if quick else [measuring.run_medians(__file__, "osmnx", folder, 1)]
        measuring.print_table(f"Reading {extract.name}", mine, *peers, wanted=WANTED)
        if not quick:
            measuring.print_table(
                "  the same with the map's backdrop", whole, *peers, wanted=WANTED
            )


def _selections() -> dict[str, Selection]:
    """Return what the shipped catalogue asks OpenStreetMap for."""
    from arealstrategi.inputs.places import selections_of
    from arealstrategi.strategy import Strategy

    return selections_of(Strategy.build({"parcels": {"source": "none.gpkg"}}))


if __name__ == "__main__":
    sides = {"prepare": prepare, "ours": ours, "whole": ours_with_backdrop, "osmnx": osmnx}
    raise SystemExit(measuring.entry(main, sides))
