"""Where parcels and services touch the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from arealstrategi.area import ground_scale
from arealstrategi.network.build import WalkNetwork
from arealstrategi.network.finder import first_points

# Judgement: an open area such as a park or a wood is entered wherever a path leads in, and from a
# street that runs beside it no farther than this, looked for this often.
BESIDE_M = 20.0
ENTRANCE_EVERY_M = 50.0


@dataclass(frozen=True)
class Snapped:
    """Where things touch the network. All arrays have one row per touch.

    The first rows are the things in their table's order, each with its nearest touch. Rows beyond
    are further entrances of some.

    Parameters
    ----------
    edge
        The edge it touches; -1 where none is within the limit.
    along_m
        Metres on the ground along that edge from its first node.
    offset_m
        Metres on the ground between the thing's outline and the edge (also where it is beyond the
        limit; NaN where nothing was found at all).
    connector
        LineString from the outline to the edge; None where not connected.
    further
        Row of the thing that each further entrance belongs to.
    """

    edge: NDArray[np.int64]
    along_m: NDArray[np.float64]
    offset_m: NDArray[np.float64]
    connector: NDArray[np.object_]
    further: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def owner(self) -> NDArray[np.int64]:
        """(k,) row of the thing that each touch belongs to."""
        return np.concatenate([np.arange(len(self.edge) - len(self.further)), self.further])

    @cached_property
    def outer_xy(self) -> NDArray[np.float64]:
        """(k, 2) where each connector begins, at the thing; NaN where it is not connected."""
        xy = np.full((len(self.edge), 2), np.nan)
        xy[self.connected] = shapely.get_coordinates(self.connector[self.connected])[::2]
        return xy

    @property
    def thing_connected(self) -> NDArray[np.bool_]:
        """Whether each thing touches the network; without rows for further entrances."""
        return self.connected[: len(self.edge) - len(self.further)]

    @property
    def connected(self) -> NDArray[np.bool_]:
        """Whether the thing touches the network."""
        return self.edge >= 0


def snap(network: WalkNetwork, shapes: NDArray[np.object_], *, limit_m: float) -> Snapped:
    """Find where each shape touches the network: the nearest point on an edge.

    A polygon is taken by its outline. Parts of the network shorter than `ISLET_M`, steps, bridges
    and tunnels are used only where nothing else lies within the limit. Of edges that are equally
    near, the first counts.

    Parameters
    ----------
    network
        The walking network.
    shapes
        (p,) Points, Polygons or MultiPolygons in the network's CRS.
    limit_m
        Farther than this, in metres on the ground, is not connected.
    """
    outlines = np.where(shapely.get_dimensions(shapes) == 2, shapely.boundary(shapes), shapes)  # noqa: PLR2004
    scale = ground_scale(first_points(outlines), network.crs)
    edge, offset = network.good_starts.nearest(outlines)
    far = np.flatnonzero(~(offset <= limit_m * scale))
    lone_edge, lone_offset = network.poor_starts.nearest(outlines[far])
    nearer = ~(lone_offset >= offset[far]) & (lone_edge >= 0)
    edge[far[nearer]], offset[far[nearer]] = lone_edge[nearer], lone_offset[nearer]
    on = offset <= limit_m * scale
    edge[~on] = -1
    connector = np.full(len(shapes), None, dtype=object)
    connector[on] = shapely.shortest_line(outlines[on], network.edge_line[edge[on]])
    along = np.full(len(shapes), np.nan)
    line = network.edge_line[edge[on]]
    touches = shapely.points(shapely.get_coordinates(connector[on])[1::2])
    share = shapely.line_locate_point(line, touches, normalized=True)
    along[on] = np.nan_to_num(share).clip(0.0, 1.0) * network.edge_m[edge[on]]
    return Snapped(edge, along, offset / scale, connector)


def snap_services(
    network: WalkNetwork,
    shapes: NDArray[np.object_],
    is_open_area: NDArray[np.bool_],
    *,
    limit_m: float,
) -> Snapped:
    """Find where services touch the network; open areas at every entrance.

    Parameters
    ----------
    network, limit_m
        As for `snap`.
    shapes
        (s,) geometry of the services.
    is_open_area
        (s,) whether a service is entered wherever a path crosses its outline, or a street runs
        beside it within `BESIDE_M`. All others touch the network where they are nearest to it.
    """
    nearest = snap(network, shapes, limit_m=limit_m)
    areas = np.flatnonzero(
        is_open_area & nearest.connected & (shapely.get_dimensions(shapes) == 2)  # noqa: PLR2004
    )
    if len(areas) == 0:
        return nearest
    outlines = shapely.boundary(shapes[areas])
    points, owner = _entrances(network, outlines)
    found = snap(network, points, limit_m=BESIDE_M)
    found_owner = areas[owner]
    # the same spot on the same edge once
    spot = np.column_stack([found_owner, found.edge, np.rint(found.along_m)])
    spot[~found.connected] = -1
    _, first = np.unique(spot, axis=0, return_index=True)
    kept = np.sort(first[found.connected[first]])
    return Snapped(
        np.concatenate([nearest.edge, found.edge[kept]]),
        np.concatenate([nearest.along_m, found.along_m[kept]]),
        np.concatenate([nearest.offset_m, found.offset_m[kept]]),
        np.concatenate([nearest.connector, found.connector[kept]]),
        found_owner[kept],
    )


def _entrances(
    network: WalkNetwork, outlines: NDArray[np.object_]
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return points on outlines where paths cross them and every `ENTRANCE_EVERY_M`, and whose."""
    starts = network.good_starts
    shapely.prepare(outlines)
    outline, line = starts.boxes.query(outlines, predicate="intersects")
    crossings = shapely.intersection(outlines[outline], starts.lines[line])
    xy, of = shapely.get_coordinates(crossings, return_index=True)
    rings, ring_owner = shapely.get_parts(outlines, return_index=True)
    counts = np.ceil(shapely.length(rings) / ENTRANCE_EVERY_M).astype(np.int64)
    ring = np.repeat(np.arange(len(rings)), counts)
    place = np.arange(len(ring)) - np.repeat(np.cumsum(counts) - counts, counts)
    along = shapely.line_interpolate_point(rings[ring], place / counts[ring], normalized=True)
    points = np.concatenate([np.asarray(shapely.points(xy), dtype=object).reshape(-1), along])
    return points, np.concatenate([outline[of], ring_owner[ring]])
