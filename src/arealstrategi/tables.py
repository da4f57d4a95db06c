"""What the tables hold that flow between the stages, and checks that they do.

``parcels``
    GeoDataFrame, index ``parcel_id`` (unique text). ``label``: what a planner calls it.
    ``area_m2``: NaN for a point. ``municipal``: one of `MUNICIPAL`. ``geometry``: Polygon,
    MultiPolygon or Point in the analysis CRS. Further columns are the user's own.
``services``
    GeoDataFrame, RangeIndex, one row per place and category. ``service_id``: ``n``, ``w`` or ``r``
    and the OSM number, or the user's own. ``category``; ``name`` (empty text where there is none);
    ``kind``: the tag that made it a service. ``geometry``: Point, Polygon or MultiPolygon.
``backdrop``
    GeoDataFrame for the map. ``kind``: one of `BACKDROP_KINDS`, drawn as polygons and lines, of
    `PLACE_KINDS` or `ADDRESS`, points; ``name`` (of an address: street and number); ``geometry``.
``ways``
    `Ways`, every way that could concern somebody on foot.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray

MUNICIPAL = ("yes", "partly", "no", "unknown")
STATUSES = ("assessed", "excluded", "missing_data")
CLASSES = ("very_suitable", "suitable", "less_suitable", "unsuitable")
BACKDROP_KINDS = ("water", "green", "building", "main_street", "street", "path")
# The most important first.
PLACE_KINDS = (
    "city", "town", "village", "suburb", "quarter", "hamlet", "neighbourhood", "locality",
)  # fmt: skip
ADDRESS = "address"

PARCEL_COLUMNS = ("label", "area_m2", "municipal", "geometry")
SERVICE_COLUMNS = ("service_id", "category", "name", "kind", "geometry")
BACKDROP_COLUMNS = ("kind", "name", "geometry")

WAY_TAGS = (
    "highway", "foot", "access", "motorroad", "service", "sidewalk", "area", "indoor",
    "sac_scale", "route", "railway", "public_transport", "man_made", "segregated",
    "surface", "smoothness", "tracktype", "incline", "lit", "width", "bridge", "tunnel",
    "layer", "wheelchair", "handrail", "crossing", "footway", "sidewalk:both", "sidewalk:left",
    "sidewalk:right", "ramp:wheelchair", "ramp:stroller", "duration", "name",
)  # fmt: skip
NODE_TAGS = ("highway", "crossing", "crossing:signals", "kerb", "barrier", "foot", "access")


@dataclass(frozen=True)
class Ways:
    """Ways as flat arrays: way ``i`` visits ``node_of[starts[i]:starts[i + 1]]``.

    Parameters
    ----------
    way_id
        (k,) OSM number of each way.
    tags
        (k,) rows, the columns `WAY_TAGS`; NA where a way does not have the tag.
    starts
        (k + 1,) where each way begins in ``node_of``.
    node_of
        Rows of ``node_xy``; -1 for a node that the extract does not hold.
    node_xy
        (n, 2) coordinates in ``crs``, metres once in the analysis CRS.
    node_z
        (n,) height in metres; NaN where it is not known.
    node_tags
        One row per node that has any of `NODE_TAGS`, which are the columns; the index is the row
        of ``node_xy``, rising. NA where a node does not have the tag.
    node_is_added
        (n,) whether the node is not OpenStreetMap's but was put on a straight piece between two
        that are, so that heights are known along the way.
    crs
        CRS of ``node_xy``.
    """

    way_id: NDArray[np.int64]
    tags: pd.DataFrame
    starts: NDArray[np.int64]
    node_of: NDArray[np.int64]
    node_xy: NDArray[np.float64]
    node_z: NDArray[np.float64]
    node_tags: pd.DataFrame
    node_is_added: NDArray[np.bool_]
    crs: pyproj.CRS

    def __len__(self) -> int:
        return len(self.way_id)

    @property
    def way_of(self) -> NDArray[np.int64]:
        """Row of the way that each entry of ``node_of`` belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    @cached_property
    def segments(self) -> Segments:
        """The straight pieces between nodes that follow each other in a way and are both there."""
        way_of, first = self.way_of, np.arange(max(len(self.node_of) - 1, 0))
        tail, head = self.node_of[:-1], self.node_of[1:]
        there = (way_of[:-1] == way_of[1:]) & (tail >= 0) & (head >= 0) & (tail != head)
        return Segments(first[there], tail[there], head[there], way_of[:-1][there])

    def __repr__(self) -> str:
        return f"Ways({len(self)} ways, {len(self.node_xy)} nodes)"


@dataclass(frozen=True)
class Segments:
    """Straight pieces of ways; all arrays are (s,), in the order of the ways.

    Parameters
    ----------
    visit
        Place of the first node in ``Ways.node_of``; the second comes next.
    tail, head
        Rows of ``Ways.node_xy``; never the same.
    way
        Row of the way.
    """

    visit: NDArray[np.int64]
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    way: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.visit)


def empty_table(columns: tuple[str, ...], crs: Any) -> gpd.GeoDataFrame:  # noqa: ANN401
    """Return a table with `columns` and no row."""
    return gpd.GeoDataFrame({name: [] for name in columns}, geometry="geometry", crs=crs)


def check_table(table: gpd.GeoDataFrame, columns: tuple[str, ...], crs: pyproj.CRS) -> None:
    """Refuse a table that lacks a column or lies in another CRS.

    Raises
    ------
    ValueError
        Names the columns that are missing or both CRSs. This is a mistake in the calling code.
    """
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ValueError(f"the table lacks the columns {missing}; it has {list(table.columns)}")
    if table.crs is None or not table.crs.equals(crs):
        found = "no CRS" if table.crs is None else table.crs.to_string()
        raise ValueError(f"the table is in {found}, not in the analysis CRS {crs.to_string()}")
