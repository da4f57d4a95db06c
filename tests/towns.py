"""Small networks for tests, and a brute force search in them that shares no code with ours."""

import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pyproj
import shapely
from hypothesis import strategies as st

from arealstrategi.network import Snapped, WalkNetwork, line_between
from arealstrategi.tables import NODE_TAGS, WAY_TAGS, Ways

# true to scale at its origin, so that lengths can be counted by hand
CRS = pyproj.CRS.from_proj4("+proj=tmerc +lat_0=60 +lon_0=10 +k=1 +ellps=GRS80 +units=m")
PLAIN = {
    "flat_speed_m_s": 1.0,
    "uphill": ((100.0, 1.0),),
    "downhill": ((100.0, 1.0),),
    "over_gradient_factor": 0.0,
    "rest_s_per_climbed_m": 0.0,
    "roughness_time_factors": (1.0,) * 5,
    "kerb_s": 0.0,
    "signal_wait_s": 0.0,
    "main_road_wait_s": 0.0,
    "unlit_time_factor": 1.0,
    "no_sidewalk_time_factor": 1.0,
}


def tag_table(*tags: dict[str, str], names=WAY_TAGS) -> pd.DataFrame:
    """One row per entry of tags, NA where it does not have the tag."""
    rows = [[tag.get(name) for name in names] for tag in tags]
    return pd.DataFrame(rows, columns=list(names)).astype("str")


def make_ways(xy, *visits, tags=None, z=None, nodes=None, crs=CRS) -> Ways:
    """Make ways that visit rows of `xy`; -1 is a node that the extract does not hold."""
    xy = np.array(xy, dtype=float).reshape(-1, 2)
    nodes = dict(sorted((nodes or {}).items()))
    node_tags = tag_table(*nodes.values(), names=NODE_TAGS)
    node_tags.index = pd.Index(list(nodes), dtype="int64")
    return Ways(
        way_id=np.arange(1, len(visits) + 1),
        tags=tag_table(*(tags or [{"highway": "footway"}] * len(visits))),
        starts=np.cumsum([0, *map(len, visits)]),
        node_of=np.array([node for visit in visits for node in visit], dtype=np.int64),
        node_xy=xy,
        node_z=np.full(len(xy), np.nan) if z is None else np.array(z, dtype=float),
        node_tags=node_tags,
        node_is_added=np.zeros(len(xy), dtype=bool),
        crs=crs,
    )


def make_network(nodes, edges, *, speed=1.0) -> WalkNetwork:
    """Build straight edges ``(first, second, seconds per metre[, the same on the way back])``."""
    xy = np.array(nodes, dtype=float).reshape(-1, 2)
    ends = np.array([edge[:2] for edge in edges], dtype=np.int64).reshape(-1, 2)
    length = np.hypot(*(xy[ends[:, 1]] - xy[ends[:, 0]]).T)
    pace = np.array([(edge[2], edge[-1]) for edge in edges], dtype=float)
    seconds = length[:, None] * np.where(np.isfinite(pace), pace, 1.0)
    seconds[~np.isfinite(pace)] = np.inf
    return WalkNetwork.of_edges(xy, ends, seconds, CRS, flat_speed_m_s=speed)


def place(network, spots) -> Snapped:
    """Put things on edges: ``(edge, share of its length, offset in metres)``."""
    edge = np.array([spot[0] for spot in spots], dtype=np.int64)
    offset = np.array([spot[2] for spot in spots], dtype=float)
    along = np.array([spot[1] for spot in spots], dtype=float) * network.edge_m[edge]
    connectors = []
    for one, m, o in zip(edge, along, offset, strict=True):
        x, y = line_between(network, int(one), float(m), float(m))[0]
        connectors.append(shapely.LineString([(x, y + o), (x, y)]))
    return Snapped(edge, along, offset, np.array(connectors, dtype=object))


def split_graph(network, parcels, services, rows) -> nx.MultiDiGraph:
    """Every piece of every edge as an arc in both directions, parcels and services inserted."""
    graph = nx.MultiDiGraph()
    stops: dict[int, list[tuple[float, str]]] = {e: [] for e in range(len(network.edge_nodes))}
    for kind, things, wanted in (("p", parcels, range(len(parcels.edge))), ("s", services, rows)):
        for i in wanted:
            stops[int(things.edge[i])].append((float(things.along_m[i]), f"{kind}{i}"))
            walk = things.offset_m[i] / network.flat_speed_m_s
            graph.add_edge(f"{kind}{i}'", f"{kind}{i}", weight=walk)
            graph.add_edge(f"{kind}{i}", f"{kind}{i}'", weight=walk)
    for edge, on_edge in stops.items():
        points = slice(network.edge_start[edge], network.edge_start[edge + 1])
        at, (forth, back) = network.point_m[points], network.point_s[points].T
        first, second = (int(node) for node in network.edge_nodes[edge])
        inner = [(float(m), f"e{edge}.{i}") for i, m in enumerate(at[1:-1])]
        chain = [(0.0, first), *sorted([*inner, *on_edge]), (float(at[-1]), second)]
        for (m1, a), (m2, b) in pairwise(chain):
            ways = (a, b, forth, 0), (b, a, back, 1)
            for u, v, seconds, way in ways:
                if math.isfinite(network.edge_s[edge, way]):
                    cost = abs(np.interp(m2, at, seconds) - np.interp(m1, at, seconds))
                    graph.add_edge(u, v, weight=float(cost))
    return graph


def brute_force(network, parcels, services, rows) -> np.ndarray:
    """(p, s) seconds from each parcel to each of the services in `rows`."""
    graph = split_graph(network, parcels, services, rows)
    found = np.full((len(parcels.edge), len(rows)), np.inf)
    for p in range(len(parcels.edge)):
        lengths = nx.single_source_dijkstra_path_length(graph, f"p{p}'")
        found[p] = [lengths.get(f"s{s}'", math.inf) for s in rows]
    return found


@st.composite
def towns(draw):
    """A random network with directed costs, closed edges, parallel edges and several parts."""
    n = draw(st.integers(2, 9))
    grid = st.tuples(st.integers(0, 12), st.integers(0, 12))
    nodes = draw(st.lists(grid, min_size=n, max_size=n, unique=True))
    paces = st.sampled_from([0.5, 1.0, 1.25, 3.0, np.inf])
    ends = st.integers(0, n - 1)
    edges = draw(st.lists(st.tuples(ends, ends, paces, paces), min_size=1, max_size=16))
    spot = st.tuples(
        st.integers(0, len(edges) - 1),
        st.sampled_from([0.0, 0.25, 0.5, 1.0]),
        st.sampled_from([0.0, 7.5]),
    )
    # nothing stands on an edge that is closed both ways
    spots = spot.filter(lambda s: np.isfinite(edges[s[0]][2:]).any())
    if not any(np.isfinite(edge[2:]).any() for edge in edges):
        return [(100.0 * x, 100.0 * y) for x, y in nodes], edges, [], []
    parcels = draw(st.lists(spots, min_size=1, max_size=6))
    services = draw(st.lists(spots, min_size=0, max_size=6))
    return [(100.0 * x, 100.0 * y) for x, y in nodes], edges, parcels, services
