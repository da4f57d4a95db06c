"""OpenStreetMap extracts: walkable ways, services and a backdrop, in one streaming read.

Extracts are often clipped in the middle of ways and areas. What is there is kept; what is not is
counted in the report. © OpenStreetMap contributors, ODbL.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from osmium.filter import EntityFilter, KeyFilter, TagFilter
from osmium.geom import WKBFactory
from shapely.geometry.base import BaseGeometry

from arealstrategi.errors import InputError
from arealstrategi.provenance import SourceReport
from arealstrategi.sources.places import merge_same_places
from arealstrategi.sources.tags import Selection, TagIndex, first_tags
from arealstrategi.tables import WAY_TAGS, Ways

log = logging.getLogger(__name__)

SUFFIXES = (".osm.pbf", ".osm", ".osm.gz", ".osm.bz2", ".pbf")
WGS84 = pyproj.CRS.from_epsg(4326)

# Ways that may be walked although they are no highway.
OTHER_WAYS = {
    "route": {"ferry"},
    "railway": {"platform"},
    "public_transport": {"platform"},
    "man_made": {"pier"},
}
BACKDROP_AREAS: dict[str, tuple[str, frozenset[str] | None]] = {
    "building": ("building", None),
    "waterway": ("water", frozenset({"riverbank", "dock"})),
    "natural": ("water", frozenset({"water", "bay", "strait"})),
    "leisure": ("green", frozenset({"park", "garden", "nature_reserve", "golf_course", "pitch"})),
    "landuse": (
        "green",
        frozenset({"forest", "grass", "meadow", "recreation_ground", "village_green", "cemetery"}),
    ),
}
GREEN_NATURAL = frozenset({"wood", "scrub", "heath", "grassland"})
MAIN_STREETS = ("motorway", "trunk", "primary", "secondary", "tertiary")
PATHS = ("footway", "path", "cycleway", "steps", "track", "pedestrian", "bridleway", "corridor")
_NOWHERE = 2**31 - 1  # osmium's coordinate of a node that the extract does not hold


class OutsideExtractError(InputError):
    """The study area and the extract do not meet; ``extent`` is the extract's box, EPSG:4326."""

    def __init__(self, message: str, *, hint: str, extent: BaseGeometry) -> None:
        super().__init__(message, hint=hint)
        self.extent = extent


@dataclass(frozen=True)
class OsmExtract:
    """What an extract holds of the study area and its margin, in the analysis CRS."""

    ways: Ways
    services: gpd.GeoDataFrame
    backdrop: gpd.GeoDataFrame
    report: SourceReport


def read_extract(
    path: Path,
    selections: Mapping[str, Selection],
    *,
    crs: pyproj.CRS,
    clip: BaseGeometry | None = None,
) -> OsmExtract:
    """Read ways, services and backdrop of an extract.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.
    selections
        Category to what makes a place one.
    crs
        The analysis CRS, metres.
    clip
        Only what meets this polygon (in `crs`) is kept; ways are kept whole. None: all.

    Raises
    ------
    InputError
        The file is missing, is no OSM file, is broken, or holds no way in `clip`.
    """
    check_suffix(path)
    found = _Found(TagIndex(selections))
    wanted = {*first_tags(selections.values()), *OTHER_WAYS, *BACKDROP_AREAS, "highway"}
    with _readable(path):
        processor = (
            osmium.FileProcessor(path)
            .with_areas(KeyFilter(*wanted))
            .with_filter(KeyFilter(*wanted))
        )
        things: Iterator[Any] = iter(processor)
        for thing in things:
            if thing.is_node():
                found.add_node(thing)
            elif thing.is_way():
                found.add_way(thing)
            elif thing.is_area():
                found.add_area(thing)
            else:
                found.add_relation(thing)
    return _tables(found, path, selections, crs, clip)


def read_boundary(path: Path, *, name: str = "", ref: str = "") -> tuple[str, BaseGeometry]:
    """Read an administrative area of an extract, by its name or its number.

    Returns
    -------
    The area's name, and its polygon in EPSG:4326. Where several areas share the name, the one
    highest in the administrative order.

    Raises
    ------
    InputError
        The extract holds no such area; the message lists those that it holds.
    """
    check_suffix(path)
    factory, areas = WKBFactory(), []
    wanted = TagFilter(("boundary", "administrative"))
    with _readable(path):
        processor = osmium.FileProcessor(path).with_areas(wanted).with_filter(wanted)
        things: Iterator[Any] = iter(processor.with_filter(EntityFilter(osmium.osm.AREA)))
        for thing in things:
            tags = dict(thing.tags)
            if "name" in tags and thing.num_rings()[0]:  # an area torn by the edge has no ring
                polygon = shapely.from_wkb(factory.create_multipolygon(thing))
                level = tags.get("admin_level", "")
                order = int(level) if level.isdecimal() else 99
                areas.append((order, thing.orig_id(), tags, polygon))
    areas.sort(key=lambda area: area[:2])
    for *_, tags, polygon in areas:
        if (name and name in _names(tags)) or (ref and tags.get("ref") == ref):
            return tags["name"], polygon
    raise InputError(
        f"{path}: no administrative area with the {f'name {name!r}' if name else f'number {ref!r}'}"
        " is whole in this extract",
        hint="It holds: " + (", ".join(sorted({a[2]["name"] for a in areas})) or "no area at all")
        + ". Use one of these, give a file as boundary, or get a larger extract.",
    )  # fmt: skip


def backdrop_tags() -> dict[str, set[str]]:
    """Return the tags of what the map draws below the parcels: key to values, ``{"*"}`` for any."""
    tags = {
        key: {"*"} if values is None else set(values) for key, (_, values) in BACKDROP_AREAS.items()
    }
    return tags | {"natural": tags["natural"] | GREEN_NATURAL}


def check_suffix(path: Path) -> None:
    """Refuse a file that is missing or does not have the name of an OSM file.

    Raises
    ------
    InputError
        Says which file, and what is read.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file",
            hint="Check `source` under [osm] in the strategy file.",
        )
    if not path.name.lower().endswith(SUFFIXES):
        raise InputError(
            f"{path}: not the name of an OpenStreetMap extract",
            hint=f"Give a file that ends in {', '.join(SUFFIXES[:-1])}.",
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what osmium says of a broken file into one clear error."""
    try:
        yield
    except (RuntimeError, ValueError, OSError, osmium.InvalidLocationError) as error:
        raise InputError(
            f"{path}: cannot be read as OpenStreetMap data ({str(error) or type(error).__name__})",
            hint="The file is damaged or of another kind than its name says. Fetch it again.",
        ) from error


def _names(tags: Mapping[str, str]) -> set[str]:
    return {
        tags[key]
        for key in ("name", "name:no", "name:nb", "name:en", "official_name")
        if key in tags
    }


@dataclass
class _Found:
    """What the stream has brought so far, as flat lists."""

    index: TagIndex
    way_id: list[int] = field(default_factory=list)
    way_tags: list[dict[str, str]] = field(default_factory=list)
    way_len: list[int] = field(default_factory=list)
    node_id: list[int] = field(default_factory=list)
    node_x: list[int] = field(default_factory=list)
    node_y: list[int] = field(default_factory=list)
    services: list[tuple[str, str, str, str]] = field(default_factory=list)
    service_wkb: list[str] = field(default_factory=list)
    backdrop: list[tuple[str, str]] = field(default_factory=list)
    backdrop_wkb: list[str] = field(default_factory=list)
    torn: dict[int, tuple[dict[str, str], list[tuple[float, float]]]] = field(default_factory=dict)
    relations: set[int] = field(default_factory=set)
    outlines: set[int] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    factory: WKBFactory = field(default_factory=WKBFactory)

    def add_node(self, node: Any) -> None:  # noqa: ANN401
        tags = dict(node.tags)
        categories = self.index.categories(tags)
        if categories:
            self._add_services(f"n{node.id}", tags, categories, self.factory.create_point(node))

    def add_way(self, way: Any) -> None:  # noqa: ANN401
        tags = dict(way.tags)
        nodes = way.nodes
        if "highway" in tags or any(tags.get(key) in values for key, values in OTHER_WAYS.items()):
            self.way_id.append(way.id)
            self.way_tags.append(tags)
            self.way_len.append(len(nodes))
            for node in nodes:
                self.node_id.append(node.ref)
                self.node_x.append(node.x)
                self.node_y.append(node.y)
        categories, kind = self.index.categories(tags), _backdrop_kind(tags)
        is_outline = way.is_closed() and tags.get("area") != "no"
        if not categories and not (kind and is_outline):
            return
        self.outlines.add(way.id)
        if is_outline and not categories and kind not in {"water", "green"}:
            return
        there = [(node.x / 1e7, node.y / 1e7) for node in nodes if node.x != _NOWHERE]
        if not is_outline:
            self._add_line(way.id, tags, categories, there)
        elif len(there) < len(nodes):
            self.torn[way.id] = (tags, there)

    def add_area(self, area: Any) -> None:  # noqa: ANN401
        tags = dict(area.tags)
        categories, kind = self.index.categories(tags), _backdrop_kind(tags)
        if not categories and not kind:
            return
        osm_id = f"{'w' if area.from_way() else 'r'}{area.orig_id()}"
        if not area.num_rings()[0]:
            self.broken.add(osm_id)
            return
        (self.outlines if area.from_way() else self.relations).discard(area.orig_id())
        wkb = self.factory.create_multipolygon(area)
        if categories:
            self._add_services(osm_id, tags, categories, wkb)
        if kind:
            self.backdrop.append((kind, tags.get("name", "")))
            self.backdrop_wkb.append(wkb)

    def add_relation(self, relation: Any) -> None:  # noqa: ANN401
        tags = dict(relation.tags)
        if tags.get("type") == "multipolygon" and self.index.categories(tags):
            self.relations.add(relation.id)

    def _add_services(
        self, service_id: str, tags: dict[str, str], categories: dict[str, str], wkb: str
    ) -> None:
        name = tags.get("name") or tags.get("brand") or ""
        for category, kind in categories.items():
            self.services.append((service_id, category, name, kind))
            self.service_wkb.append(wkb)

    def _add_line(
        self,
        way_id: int,
        tags: dict[str, str],
        categories: dict[str, str],
        there: list[tuple[float, float]],
    ) -> None:
        """Add a service drawn as a line, such as a platform, as the point in its middle."""
        if there:
            middle = shapely.LineString(there * 2 if len(there) == 1 else there)
            point = middle.interpolate(0.5, normalized=True)
            self._add_services(f"w{way_id}", tags, categories, shapely.to_wkb(point, hex=True))
            self.outlines.discard(way_id)

    @property
    def unmet(self) -> set[str]:
        """What would be a service or an outline, but of which parts lie outside the extract."""
        return {f"r{number}" for number in self.relations} | {f"w{n}" for n in self.outlines}


def _backdrop_kind(tags: Mapping[str, str]) -> str:
    if tags.get("natural") in GREEN_NATURAL:
        return "green"
    for key, (kind, values) in BACKDROP_AREAS.items():
        value = tags.get(key)
        if value is not None and (values is None or value in values) and value != "no":
            return kind
    return ""


def _tables(
    found: _Found,
    path: Path,
    selections: Mapping[str, Selection],
    crs: pyproj.CRS,
    clip: BaseGeometry | None,
) -> OsmExtract:
    mended = _mend_torn(found)
    ways = _way_table(found, crs)
    _check_nodes_came_first(path, ways)
    extent = shapely.box(*_extent(ways)) if len(ways.node_xy) else shapely.Polygon()
    inside = _clip_ways(ways, clip)
    if len(inside) == 0:
        raise _nothing_there(path, ways, extent, clip, crs)
    services, too_small = _service_table(found, selections, crs, clip)
    services, merged = merge_same_places(services)
    facts = _facts(inside, services) | {
        "places mapped twice, merged": merged,
        "places below the least area, left out": too_small,
        "torn outlines, closed again": mended,
        "areas that cannot be put together, left out": len(found.broken | found.unmet),
    }
    backdrop = _backdrop_table(found, inside, crs, clip)
    report = SourceReport("osm", str(path), facts, _warnings(services, selections), (path,))
    log.info("osm: %d ways, %d services, %d outlines", len(inside), len(services), len(backdrop))
    return OsmExtract(inside, services, backdrop, report)


def _mend_torn(found: _Found) -> int:
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
        found._add_services(f"w{way_id}", tags, found.index.categories(tags), wkb)  # noqa: SLF001
        if kind := _backdrop_kind(tags):
            found.backdrop.append((kind, tags.get("name", "")))
            found.backdrop_wkb.append(wkb)
        mended += 1
    return mended


def _way_table(found: _Found, crs: pyproj.CRS) -> Ways:
    _, first, row = np.unique(
        np.array(found.node_id, dtype=np.int64), return_index=True, return_inverse=True
    )
    x, y = np.array(found.node_x, np.int64)[first], np.array(found.node_y, np.int64)[first]
    here = (x != _NOWHERE) & (y != _NOWHERE)
    new_row = np.where(here, np.cumsum(here) - 1, -1)
    lonlat = np.column_stack([x[here], y[here]]) / 1e7
    to_crs = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)
    node_xy = np.column_stack(to_crs.transform(lonlat[:, 0], lonlat[:, 1]))
    tags = pd.DataFrame.from_records(
        [[tags.get(name) for name in WAY_TAGS] for tags in found.way_tags], columns=list(WAY_TAGS)
    ).astype("str")
    starts = np.concatenate([[0], np.cumsum(found.way_len)]).astype(np.int64)
    way_id = np.array(found.way_id, dtype=np.int64)
    return Ways(way_id, tags, starts, new_row[row], node_xy.reshape(-1, 2), crs)


def _check_nodes_came_first(path: Path, ways: Ways) -> None:
    """Refuse a file whose ways come before their nodes: read as a stream, they have no place."""
    if (ways.node_of < 0).sum() <= len(ways.node_of) / 2:
        return
    with _readable(path):
        things: Iterator[Any] = iter(osmium.FileProcessor(path))
        order = [0 if thing.is_node() else 1 if thing.is_way() else 2 for thing in things]
    if len(ways.node_xy) == 0 or order != sorted(order):
        raise InputError(
            f"{path}: holds ways, but their nodes are missing or come after them",
            hint="Sort the file with `osmium sort`, or fetch it again with the nodes first.",
        )


def _extent(ways: Ways) -> NDArray[np.float64]:
    return np.concatenate([ways.node_xy.min(axis=0), ways.node_xy.max(axis=0)])


def _clip_ways(ways: Ways, clip: BaseGeometry | None) -> Ways:
    """Keep the ways whose bounding box meets that of `clip`, whole."""
    if clip is None or len(ways) == 0:
        return ways
    way_of = np.repeat(np.arange(len(ways)), np.diff(ways.starts))
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
    return Ways(
        ways.way_id[keep],
        ways.tags[keep].reset_index(drop=True),
        np.concatenate([[0], np.cumsum(np.diff(ways.starts)[keep])]),
        new_row[ways.node_of[visits]],
        ways.node_xy[used],
        ways.crs,
    )


def _geometries(wkb: list[str], crs: pyproj.CRS) -> gpd.GeoSeries:
    return gpd.GeoSeries(shapely.from_wkb(np.array(wkb, dtype=object)), crs=WGS84).to_crs(crs)


def _service_table(
    found: _Found,
    selections: Mapping[str, Selection],
    crs: pyproj.CRS,
    clip: BaseGeometry | None,
) -> tuple[gpd.GeoDataFrame, int]:
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


def _backdrop_table(
    found: _Found, ways: Ways, crs: pyproj.CRS, clip: BaseGeometry | None
) -> gpd.GeoDataFrame:
    kinds = pd.DataFrame(found.backdrop, columns=["kind", "name"], dtype="str")
    areas = gpd.GeoDataFrame(kinds, geometry=_geometries(found.backdrop_wkb, crs))
    streets = _street_lines(ways)
    backdrop = pd.concat([areas, streets], ignore_index=True) if len(areas) else streets
    if clip is not None:
        backdrop = backdrop[backdrop.intersects(shapely.box(*clip.bounds))]
    return gpd.GeoDataFrame(backdrop.reset_index(drop=True), geometry="geometry", crs=crs)


def _street_lines(ways: Ways) -> gpd.GeoDataFrame:
    way_of = np.repeat(np.arange(len(ways)), np.diff(ways.starts))
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


def _facts(ways: Ways, services: gpd.GeoDataFrame) -> dict[str, int]:
    gone = ways.node_of < 0
    way_of = np.repeat(np.arange(len(ways)), np.diff(ways.starts))
    return {
        "ways": len(ways),
        "nodes": len(ways.node_xy),
        "ways that miss nodes, kept in part": len(np.unique(way_of[gone])),
        "nodes the extract does not hold": int(gone.sum()),
        "services": len(services),
    }


def _warnings(services: gpd.GeoDataFrame, selections: Mapping[str, Selection]) -> tuple[str, ...]:
    missing = [key for key in selections if not (services["category"] == key).any()]
    if not missing:
        return ()
    return (f"no service found in or near the area: {', '.join(missing)}",)


def _nothing_there(
    path: Path,
    ways: Ways,
    extent: BaseGeometry,
    clip: BaseGeometry | None,
    crs: pyproj.CRS,
) -> InputError:
    if len(ways) == 0 or clip is None:
        return InputError(
            f"{path}: holds no street and no path", hint="Use an extract that is not filtered."
        )
    boxes = gpd.GeoSeries([extent, clip], crs=crs).to_crs(WGS84)
    held, asked = (", ".join(f"{value:.3f}" for value in shapely.bounds(box)) for box in boxes)
    return OutsideExtractError(
        f"{path}: holds no street or path in the study area (west, south, east, north: "
        f"the extract {held}; the area {asked})",
        hint="Use an extract that covers the area, or correct the CRS of the parcels or the "
        "boundary: their coordinates may be labelled with the wrong one.",
        extent=boxes.iloc[0],
    )
