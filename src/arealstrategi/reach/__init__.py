"""How far it is on foot from every parcel to the nearest services of each category.

One search per category, outwards from its services, over the whole network: the work follows the
number of categories, not of parcels. Distances are exact: both ends are snapped to points on edges,
the connecting pieces count, and services on the parcel's own edge are reached along it. Costs may
differ by direction.
"""

from arealstrategi.reach.along import rests_on_the_way
from arealstrategi.reach.barriers import barrier_table
from arealstrategi.reach.catchments import catchments
from arealstrategi.reach.graph import Graph, Search, build_graph
from arealstrategi.reach.matrix import effort_pairs
from arealstrategi.reach.nearest import (
    Nearest,
    Reach,
    further_effort_m,
    measure_reach,
    reach_table,
)
from arealstrategi.reach.routes import route, route_pieces
from arealstrategi.reach.search import search_nearest
from arealstrategi.reach.trees import RouteTables, Touches, Tree, route_tables

__all__ = [
    "Graph",
    "Nearest",
    "Reach",
    "RouteTables",
    "Search",
    "Touches",
    "Tree",
    "barrier_table",
    "build_graph",
    "catchments",
    "effort_pairs",
    "further_effort_m",
    "measure_reach",
    "reach_table",
    "rests_on_the_way",
    "route",
    "route_pieces",
    "route_tables",
    "search_nearest",
]
