"""From what the stream brought to the tables of the project, in the analysis CRS."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from arealstrategi.area import WGS84
from arealstrategi.sources.osm.stream import NOWHERE, Found, backdrop_kind
from arealstrategi.sources.tags import Selection
from arealstrategi.tables import NODE_TAGS, WAY_TAGS, Ways

MAIN_STREETS = ("motorway", "trunk", "primary", "secondary", "tertiary")
PATHS = ("footway", "path", "cycleway", "steps", "track", "pedestrian", "bridleway", "corridor")


def mend_torn(found: Found) -> int:
    """Close outlines that the extract's edge has torn, from the nodes that are there."""
    mended = 0
    for way_id, (tags, ring) in found.torn.items():
        if len(set(ring)) < 3:  # noqa: PLR2004
            continue
        polygon = shapely.make_valid(
            shapely.Polygon(ring), method="structure", keep_collapsed=False
        )
        if polygon.is_empty:
            continue
        found.outlines.discard(way_id)
        wkb = shapely.to_wkb(polygon, hex=True)
        found.add_services(f"w{way_id}", tags, found.index.categories(tags), wkb)
        if found.draws and (kind := backdrop_kind(tags)):
            found.backdrop.append((kind, tags.get("name", "")))
            found.backdrop_wkb.append(wkb)
        mended += 1
    return mended


def way_table(found: Found, crs: pyproj.CRS) -> Ways:
    """Put the ways into flat arrays, nodes once each, in `crs`."""
    number, first, row = np.unique(
        np.array(found.node_id, dtype=np.int64), return_index=True, return_inverse=True
    )
    x, y = np.array(found.node_x, np.int64)[first], np.array(found.node_y, np.int64)[first]
    here = (x != NOWHERE) & (y != NOWHERE)
    new_row = np.where(here, np.cumsum(here) - 1, -1)
    lonlat = np.column_stack([x[here], y[here]]) / 1e7
    to_crs = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)
    node_xy = np.column_stack(to_crs.transform(lonlat[:, 0], lonlat[:, 1]))
    return Ways(
        way_id=np.array(found.way_id, dtype=np.int64),
        tags=_tag_table(found.way_tags, WAY_TAGS),
        starts=np.concatenate([[0], np.cumsum(found.way_len)]).astype(np.int64),
        node_of=new_row[row],
        node_xy=node_xy.reshape(-1, 2),
        node_z=np.full(len(lonlat), np.nan),
        node_tags=_node_tags(found, number[here]),
        node_is_added=np.zeros(len(lonlat), dtype=bool),
        crs=crs,
    )


def _node_tags(found: Found, number: NDArray[np.int64]) -> pd.DataFrame:
    """Return the tags of the tagged nodes among those numbered `number`, which rise."""
    tagged = np.array(list(found.node_tags), dtype=np.int64)
    met, row, _ = np.intersect1d(number, tagged, assume_unique=True, return_indices=True)
    return _tag_table((found.node_tags[one] for one in met.tolist()), NODE_TAGS).set_axis(row)


def _tag_table(things: Iterable[Mapping[str, str]], names: tuple[str, ...]) -> pd.DataFrame:
    rows = [[tags.get(name) for name in names] for tags in things]
    return pd.DataFrame.from_records(rows, columns=list(names)).astype("str")


def coverage_of(ways: Ways, box: BaseGeometry | None) -> BaseGeometry:
    """Return where the extract can know of streets, in the ways' CRS.

    Parameters
    ----------
    ways
        All ways of the extract.
    box
        The box that the extract's header states, EPSG:4326; None: the hull of all streets counts
        (not of ferries, which lead far out).
    """
    if box is not None:
        return gpd.GeoSeries([box], crs=WGS84).to_crs(ways.crs).iloc[0]
    street = ways.tags["highway"].notna().to_numpy()[ways.way_of]
    points = ways.node_xy[np.unique(ways.node_of[street & (ways.node_of >= 0)])]
    return shapely.MultiPoint(points).convex_hull


def clip_ways(ways: Ways, clip: BaseGeometry | None) -> Ways:
    """Keep the ways whose bounding box meets that of `clip`, whole."""
    if clip is None or len(ways) == 0:
        return ways
    way_of = ways.way_of
    there = ways.node_of >= 0
    boxes = np.full((len(ways), 4), [np.inf, np.inf, -np.inf, -np.inf])
    xy = ways.node_xy[ways.node_of[there]]
    for column, extreme in ((0, np.minimum), (1, np.minimum), (2, np.maximum), (3, np.maximum)):
        extreme.at(boxes[:, column], way_of[there], xy[:, column % 2])
    west, south, east, north = clip.bounds
    keep = (boxes[:, 0] <= east) & (boxes[:, 2] >= west)
    keep &= (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
    visits = keep[way_of]
    used = np.unique(ways.node_of[visits & there])
    new_row = np.full(len(ways.node_xy) + 1, -1)  # the last one serves row -1
    new_row[used] = np.arange(len(used))
    node_tags = ways.node_tags[np.isin(ways.node_tags.index, used)]
    return dataclasses.replace(
        ways,
        way_id=ways.way_id[keep],
        tags=ways.tags[keep].reset_index(drop=True),
        starts=np.concatenate([[0], np.cumsum(np.diff(ways.starts)[keep])]),
        node_of=new_row[ways.node_of[visits]],
        node_xy=ways.node_xy[used],
        node_z=ways.node_z[used],
        node_tags=node_tags.set_axis(new_row[node_tags.index]),
        node_is_added=ways.node_is_added[used],
    )


def _geometries(wkb: list[str], crs: pyproj.CRS) -> gpd.GeoSeries:
    binary = np.array([bytes.fromhex(text) for text in wkb], dtype=object)  # read faster than text
    return gpd.GeoSeries(shapely.from_wkb(binary), crs=WGS84).to_crs(crs)


def service_table(
    found: Found,
    selections: Mapping[str, Selection],
    crs: pyproj.CRS,
    clip: BaseGeometry | None,
) -> tuple[gpd.GeoDataFrame, int]:
    """Return the services in `clip`, and how many were too small or no area."""
    table = pd.DataFrame(
        found.services, columns=["service_id", "category", "name", "kind"], dtype="str"
    )
    services = gpd.GeoDataFrame(table, geometry=_geometries(found.service_wkb, crs))
    if clip is not None:
        services = services[services.intersects(clip)]
    is_area = services.geom_type != "Point"
    least = services["category"].map({key: s.min_area_m2 for key, s in selections.items()})
    areas_only = services["category"].map({key: s.areas_only for key, s in selections.items()})
    small = (is_area & (services.area < least)) | (~is_area & areas_only.astype(bool))
    return services[~small].reset_index(drop=True), int(small.sum())


def backdrop_table(
    found: Found, ways: Ways, crs: pyproj.CRS, clip: BaseGeometry | None
) -> gpd.GeoDataFrame:
    """Return what the map draws below the parcels, and names, in the box around `clip`."""
    areas = _named(found.backdrop, _geometries(found.backdrop_wkb, crs))
    labels = _named(found.labels, _geometries(found.label_wkb, crs))
    points = shapely.point_on_surface(labels.geometry.to_numpy())
    labels = labels.set_geometry(gpd.GeoSeries(points, crs=crs))
    labels = labels.drop_duplicates(["kind", "name", "geometry"])
    parts = [part for part in (areas, _street_lines(ways), labels) if len(part)]
    backdrop = pd.concat(parts, ignore_index=True) if parts else areas
    if clip is not None:
        backdrop = backdrop[backdrop.intersects(shapely.box(*clip.bounds))]
    return gpd.GeoDataFrame(backdrop.reset_index(drop=True), geometry="geometry", crs=crs)


def _named(rows: list[tuple[str, str]], geometry: gpd.GeoSeries) -> gpd.GeoDataFrame:
    kinds = pd.DataFrame(rows, columns=["kind", "name"], dtype="str")
    return gpd.GeoDataFrame(kinds, geometry=geometry)


def _street_lines(ways: Ways) -> gpd.GeoDataFrame:
    way_of = ways.way_of
    there = ways.node_of >= 0
    counts = np.bincount(way_of[there], minlength=len(ways))
    there &= counts[way_of] >= 2  # noqa: PLR2004
    drawn = np.flatnonzero(counts >= 2)  # noqa: PLR2004
    row = np.searchsorted(drawn, way_of[there])
    lines = shapely.linestrings(ways.node_xy[ways.node_of[there]], indices=row)
    highway = ways.tags["highway"].iloc[drawn].reset_index(drop=True)
    kind = pd.Series("street", index=highway.index, dtype="str")
    kind[highway.str.removesuffix("_link").isin(MAIN_STREETS)] = "main_street"
    kind[highway.isin(PATHS)] = "path"
    name = ways.tags["name"].iloc[drawn].reset_index(drop=True).fillna("")
    streets = gpd.GeoDataFrame({"kind": kind, "name": name}, geometry=lines, crs=ways.crs)
    return streets[highway.notna()]
