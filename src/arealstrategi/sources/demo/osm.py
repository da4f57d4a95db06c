"""Writes Fjordvik as OpenStreetMap would hold it: nodes shared at junctions, ways, relations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import osmium
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from osmium.osm import mutable

from arealstrategi.sources.demo import place, services
from arealstrategi.sources.demo.division import Floats, Geometries
from arealstrategi.sources.demo.lots import Lots
from arealstrategi.sources.demo.town import GRID, Ground, Streets, curve

Tags = dict[str, str]

WITH_KERBS = ("footway", "park_walk", "cycleway", "pedestrian")
KERB_M = 4.0  # from the middle of a main street
ADDRESS_M = 60.0  # a house farther from any street with a name has no address


@dataclass
class Features:
    """What will be written, in local metres. Rows of ``ways`` are what relations refer to."""

    points: list[tuple[float, float]] = field(default_factory=list)
    point_tags: list[Tags] = field(default_factory=list)
    ways: list[Floats] = field(default_factory=list)
    way_tags: list[Tags] = field(default_factory=list)
    relations: list[tuple[Tags, list[tuple[int, str]]]] = field(default_factory=list)

    def add_point(self, x: float, y: float, tags: Tags) -> None:
        """Add a node with tags."""
        self.points.append((x, y))
        self.point_tags.append(tags)

    def add_way(self, line: shapely.Geometry, tags: Tags) -> int:
        """Add a line, or a polygon without holes as a closed way; return its row."""
        ring = line.exterior if isinstance(line, shapely.Polygon) else line
        self.ways.append(shapely.get_coordinates(ring))
        self.way_tags.append(tags)
        return len(self.ways) - 1


def read_tags(text: str, name: str = "") -> Tags:
    """Return ``key=value,key=value`` as tags, with the name when there is one."""
    tags = dict(part.split("=", 1) for part in text.split(","))
    return tags | ({"name": name} if name else {})


def add_ground(features: Features, ground: Ground, notice: str) -> None:
    """Add coast, sea, lake and the border of the municipality."""
    island, islet, lake = shapely.orient_polygons(
        np.array([ground.island, ground.islet, ground.lake])
    )
    coastline = {"natural": "coastline"}
    coast = features.add_way(ground.coast, coastline)
    inner = [
        features.add_way(island, coastline | {"place": "island", "name": "Lyngøya"}),
        features.add_way(islet, coastline | {"place": "islet", "name": "Terneskjæret"}),
    ]
    line = {"boundary": "administrative", "admin_level": "7"}
    at_sea = features.add_way(shapely.LineString(place.SEA), line | {"maritime": "yes"})
    middle = len(place.INLAND) // 2
    on_land = [
        features.add_way(shapely.LineString(part), line)
        for part in (place.INLAND[: middle + 1], place.INLAND[middle:])
    ]
    features.relations.append((
        {"type": "boundary", **line, "name": place.NAME, "ref": place.NUMBER, "note": notice},
        [(way, "outer") for way in (at_sea, *on_land)],
    ))  # fmt: skip
    features.relations.append((
        {"type": "multipolygon", "natural": "bay", "name": "Fjordvika"},
        [(coast, "outer"), (at_sea, "outer"), *((way, "inner") for way in inner)],
    ))  # fmt: skip
    features.add_way(lake, {"natural": "water", "water": "lake", "name": "Stortjernet"})
    pond = shapely.LineString(curve(place.POND))
    features.add_way(pond, {"natural": "water", "water": "pond", "name": "Andedammen"})


def add_streets(features: Features, streets: Streets) -> None:
    """Add streets, paths, the square and the ferry, with crossings and kerbs."""
    for x, y, crossing, _ in services.CROSSINGS:
        signals = {"crossing:signals": "yes"} if crossing == "traffic_signals" else {}
        features.add_point(x, y, {"highway": "crossing", "crossing": crossing} | signals)
    for line, kind, name in zip(streets.lines, streets.kind, streets.name, strict=True):
        tags = read_tags(services.WAY_TAGS[kind], str(name))
        if tags.get("sidewalk") == "both":
            for part, sidewalk in _sidewalks(line):
                features.add_way(part, tags | {"sidewalk": sidewalk})
        else:
            features.add_way(_lay_kerbs(features, line) if kind in WITH_KERBS else line, tags)
    ferry = {"route": "ferry", "foot": "yes", "name": "Fjordvik-Lyngøya", "duration": "00:15"}
    features.add_way(shapely.LineString(place.FERRY), ferry)


def _sidewalks(line: shapely.LineString) -> Iterator[tuple[shapely.LineString, str]]:
    """Cut a main street where the town ends, and say which sidewalks each part has."""
    xy = shapely.get_coordinates(line)
    far = np.hypot(*(xy - place.SQUARE[0]).T) > place.TOWN_M
    cuts = (np.flatnonzero(far[1:-1] != far[:-2]) + 1).tolist()
    for start, end in pairwise([0, *cuts, len(xy) - 1]):
        yield shapely.LineString(xy[start : end + 1]), "no" if far[start] else "both"


def _lay_kerbs(features: Features, line: shapely.LineString) -> shapely.LineString:
    """Add a kerb on either side of each crossing on `line`; return the line through them."""
    xy = shapely.get_coordinates(line)
    for x, y, _, kerb in services.CROSSINGS:
        middle = shapely.Point(x, y)
        if line.distance(middle) > GRID / 2:
            continue
        for at in (line.project(middle) - KERB_M, line.project(middle) + KERB_M):
            if 0 < at < line.length:
                spot = line.interpolate(at)
                features.add_point(spot.x, spot.y, {"barrier": "kerb", "kerb": kerb})
                along = shapely.line_locate_point(line, shapely.points(xy))
                xy = np.insert(xy, np.searchsorted(along, at), (spot.x, spot.y), axis=0)
    return shapely.LineString(xy)


def add_green(features: Features, lots: Lots) -> None:
    """Add parks, woods and fields: simple ones as closed ways, those with holes as relations."""
    gnr = np.array([area.gnr for area in place.DISTRICTS])[lots.district]
    for number, (text, names) in services.GREEN.items():
        whole = shapely.set_precision(shapely.union_all(lots.polygons[gnr == number]), GRID)
        parts = shapely.get_parts(whole)
        parts = parts[np.argsort(-shapely.area(parts), kind="stable")]
        for row, polygon in enumerate(parts):
            tags = read_tags(text, names[row] if row < len(names) else "")
            if not polygon.interiors:
                features.add_way(polygon, tags)
                continue
            outer = [(features.add_way(polygon.exterior, {}), "outer")]
            inner = [(features.add_way(ring, {}), "inner") for ring in polygon.interiors]
            features.relations.append(({"type": "multipolygon", **tags}, outer + inner))


def add_buildings(
    features: Features, buildings: Geometries, use: NDArray[np.str_], on_site: NDArray[np.bool_]
) -> None:
    """Add the buildings, of which some are or hold a service.

    Parameters
    ----------
    features
        Where they are added.
    buildings
        (b,) polygons.
    use
        (b,) what the parcel of each is used for.
    on_site
        (b,) true on a parcel of `services.SITES`: for the service there alone.
    """
    middles = shapely.get_coordinates(shapely.centroid(buildings))
    free = np.ones(len(buildings), dtype=bool)
    sites = {(x, y) for _, x, y in services.SITES}
    as_relation = np.zeros(len(buildings), dtype=bool)
    big = shapely.area(buildings) > np.where(use == "inner", 150, 90)
    tags = [{"building": _home(*one)} for one in zip(use, big, strict=True)]
    for service in services.SERVICES:
        own = read_tags(service.tags, service.name)
        if service.form == "point":
            features.add_point(service.x, service.y, own)
            continue
        away = np.hypot(*(middles - (service.x, service.y)).T)
        away[~free | (on_site != ((service.x, service.y) in sites))] = np.inf
        nearest = int(away.argmin())
        free[nearest] = False
        if service.form in ("node", "both"):
            features.add_point(float(middles[nearest, 0]), float(middles[nearest, 1]), own)
        if service.form != "node":
            kind = "church" if service.form == "church" else _building(own)
            tags[nearest] = {"building": kind} | own
        as_relation[nearest] = service.form == "relation"
    for polygon, own, related in zip(buildings, tags, as_relation, strict=True):
        way = features.add_way(polygon, {} if related else own)
        if related:
            features.relations.append(({"type": "multipolygon", **own}, [(way, "outer")]))


def _home(use: str, big: bool) -> str:  # noqa: FBT001
    if use in ("centre", "inner"):
        return "apartments" if big else "house"
    return {"harbour": "retail", "farm": "farm", "island": "cabin"}.get(use, "house")


def _building(tags: Tags) -> str:
    kinds = {"shop": "retail", "leisure": "sports_hall", "social_facility": "civic"}
    return next((kind for key, kind in kinds.items() if key in tags), "public")


def add_places(features: Features) -> None:
    """Add the names of the town and its parts."""
    for kind, name, x, y in place.PLACES:
        features.add_point(float(x), float(y), {"place": kind, "name": name})


def add_addresses(features: Features, buildings: Geometries, streets: Streets) -> None:
    """Add the address of each building at a named street: odd numbers left, even ones right."""
    names = np.unique(streets.name[streets.name != ""])
    whole = np.array([shapely.union_all(streets.lines[streets.name == name]) for name in names])
    # beside the middle, where a service may have its node
    spots = shapely.transform(shapely.centroid(buildings), lambda xy: xy + 1.0)
    row, of = shapely.STRtree(whole).query_nearest(spots, max_distance=ADDRESS_M, all_matches=False)
    along = shapely.line_locate_point(whole[of], spots[row])
    before, after = (
        shapely.get_coordinates(shapely.line_interpolate_point(whole[of], along + shift))
        for shift in (-1.0, 1.0)
    )
    way, aside = after - before, shapely.get_coordinates(spots[row]) - before
    right = way[:, 0] * aside[:, 1] < way[:, 1] * aside[:, 0]
    place_of = pd.DataFrame({"of": of, "right": right, "along": along})
    number = 2 * place_of.groupby(["of", "right"])["along"].rank(method="first").astype(int)
    for spot, name, odd in zip(spots[row], names[of], number - ~right, strict=True):
        tags = {"addr:street": str(name), "addr:housenumber": str(odd)}
        features.add_point(spot.x, spot.y, tags)


def add_stops(features: Features, main_streets: Geometries) -> None:
    """Add a bus stop on either side of the main street at each place."""
    points = shapely.points([(x, y) for _, x, y in services.BUS_STOPS])
    street = main_streets[shapely.STRtree(main_streets).query_nearest(points, all_matches=False)[1]]
    at = shapely.line_locate_point(street, points)
    here = shapely.get_coordinates(shapely.line_interpolate_point(street, at))
    there = shapely.get_coordinates(shapely.line_interpolate_point(street, at - 5))
    ahead = (here - there) / 5
    side = np.column_stack([-ahead[:, 1], ahead[:, 0]]) * 5
    for (name, _, _), right, left in zip(
        services.BUS_STOPS, here - side + ahead * 9, here + side - ahead * 9, strict=True
    ):
        for x, y in (right, left):
            tags = {"highway": "bus_stop", "public_transport": "platform", "bus": "yes"}
            features.add_point(float(x), float(y), tags | {"name": name})


def add_benches(features: Features, lines: Geometries, *, every_m: float) -> None:
    """Add benches beside `lines`."""
    for line in lines:
        at = np.arange(every_m / 2, line.length, every_m)
        for x, y in shapely.get_coordinates(shapely.line_interpolate_point(line, at)):
            features.add_point(x + 1.8, y + 1.3, {"amenity": "bench", "backrest": "yes"})


def write_pbf(features: Features, path: Path, *, generator: str) -> None:
    """Write nodes, ways and relations; points with the same coordinates are one node."""
    sizes = [len(features.points), *map(len, features.ways)]
    local = np.vstack([np.asarray(features.points), *features.ways])
    cells, node = np.unique(np.rint(local / GRID).astype(np.int64), axis=0, return_inverse=True)
    east, north = (cells * GRID + place.ORIGIN).T
    lon, lat = pyproj.Transformer.from_crs(place.CRS, "EPSG:4326", always_xy=True).transform(
        east, north
    )
    node_of = [part.tolist() for part in np.split(node.ravel() + 1, np.cumsum(sizes)[:-1])]
    tagged = dict(zip(node_of[0], features.point_tags, strict=True))
    header = osmium.io.Header()
    header.set("generator", generator)
    header.add_box(osmium.osm.Box(lon.min(), lat.min(), lon.max(), lat.max()))
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for number, spot in enumerate(zip(lon.tolist(), lat.tolist(), strict=True), start=1):
            writer.add_node(mutable.Node(id=number, location=spot, tags=tagged.get(number)))
        for number, (tags, nodes) in enumerate(
            zip(features.way_tags, node_of[1:], strict=True), start=1
        ):
            writer.add_way(mutable.Way(id=number, nodes=nodes, tags=tags))
        for number, (tags, members) in enumerate(features.relations, start=1):
            of = [("w", way + 1, role) for way, role in members]
            writer.add_relation(mutable.Relation(id=number, members=of, tags=tags))
