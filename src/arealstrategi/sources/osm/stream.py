"""What one pass through an extract brings: ways, services and outlines as flat lists."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import osmium
import shapely
from osmium.filter import KeyFilter
from osmium.geom import WKBFactory

from arealstrategi.sources.tags import TagIndex
from arealstrategi.tables import ADDRESS, NODE_TAGS, PLACE_KINDS

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
# Nodes that matter to somebody who walks over them: those with one of these, or with a key of
# NODE_TAGS that says nothing else.
NODE_HIGHWAYS = {"crossing", "traffic_signals"}
NODE_KEYS = frozenset(NODE_TAGS) - {"highway", "foot", "access"}
PLACE, HOUSE_NUMBER = "place", "addr:housenumber"
STREETS = ("addr:street", "addr:place")
NOWHERE = 2**31 - 1  # osmium's coordinate of a node that the extract does not hold


def collect(file: osmium.io.File, index: TagIndex, keys: set[str], *, draws: bool) -> Found:
    """Read an extract once (its relations twice) and keep what matters.

    Parameters
    ----------
    file
        The extract.
    index
        Finds the categories of a place.
    keys
        Tags that can make a thing matter; nothing else reaches Python.
    draws
        Whether outlines for the map are kept.

    Raises
    ------
    RuntimeError
        What osmium says of a file that it cannot read.
    """
    found = Found(index, draws)
    if draws:
        keys = keys | {PLACE}
    processor = osmium.FileProcessor(file).with_areas(KeyFilter(*keys))
    for kinds, wanted in (
        (osmium.osm.NODE, keys | NODE_KEYS | ({HOUSE_NUMBER} if draws else set())),
        # a building comes back as an area: as a way it need not reach Python
        (osmium.osm.WAY, keys - {"building"}),
        (osmium.osm.RELATION | osmium.osm.AREA, keys),
    ):
        only = KeyFilter(*wanted)
        only.enable_for(kinds)
        processor.with_filter(only)
    if draws:
        processor.handler_for_filtered(_Buildings(found))
    things: Iterator[Any] = iter(processor)
    with _no_collection():
        for thing in things:
            if thing.is_area():
                found.add_area(thing)
            elif thing.is_way():
                found.add_way(thing)
            elif thing.is_node():
                found.add_node(thing)
            else:
                found.add_relation(thing)
    return found


@contextmanager
def _no_collection() -> Iterator[None]:
    """Let the garbage collector rest: every list only grows, and it would look through them all."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass
class Found:
    """What the stream has brought so far, as flat lists."""

    index: TagIndex
    draws: bool
    way_id: list[int] = field(default_factory=list)
    way_tags: list[dict[str, str]] = field(default_factory=list)
    way_len: list[int] = field(default_factory=list)
    node_id: list[int] = field(default_factory=list)
    node_x: list[int] = field(default_factory=list)
    node_y: list[int] = field(default_factory=list)
    node_tags: dict[int, dict[str, str]] = field(default_factory=dict)
    services: list[tuple[str, str, str, str]] = field(default_factory=list)
    service_wkb: list[str] = field(default_factory=list)
    backdrop: list[tuple[str, str]] = field(default_factory=list)
    backdrop_wkb: list[str] = field(default_factory=list)
    labels: list[tuple[str, str]] = field(default_factory=list)
    label_wkb: list[str] = field(default_factory=list)
    torn: dict[int, tuple[dict[str, str], list[tuple[float, float]]]] = field(default_factory=dict)
    relations: set[int] = field(default_factory=set)
    outlines: set[int] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    plain: dict[str, dict[str, str]] = field(default_factory=dict)
    factory: WKBFactory = field(default_factory=WKBFactory)

    def add_node(self, node: Any) -> None:  # noqa: ANN401
        """Keep a node that is a service, and the tags of one that matters on a way."""
        tags = dict(node.tags)
        if tags.get("highway") in NODE_HIGHWAYS or not NODE_KEYS.isdisjoint(tags):
            self.node_tags[node.id] = tags
        categories = self.index.categories(tags)
        if categories:
            self.add_services(f"n{node.id}", tags, categories, self.factory.create_point(node))
        if self.draws and (labels := labels_of(tags)):
            self._add_labels(labels, self.factory.create_point(node))

    def add_way(self, way: Any) -> None:  # noqa: ANN401
        """Keep a way that may be walked, and an outline that the edge has torn."""
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
        categories, kind = self.index.categories(tags), self._kind(tags)
        is_outline = way.is_closed() and tags.get("area") != "no"
        if not categories and not (kind and is_outline):
            return
        self.outlines.add(way.id)
        if is_outline and (self._is_whole(way) or not (categories or kind in {"water", "green"})):
            return
        there = [(node.x / 1e7, node.y / 1e7) for node in nodes if node.x != NOWHERE]
        if is_outline:
            self.torn[way.id] = (tags, there)
        else:
            self._add_line(way.id, tags, categories, there)

    def _is_whole(self, way: Any) -> bool:  # noqa: ANN401
        """Say whether the extract holds every node; osmium knows faster than a loop."""
        try:
            self.factory.create_linestring(way)
        except (osmium.InvalidLocationError, RuntimeError):
            return False
        return True

    def add_area(self, area: Any) -> None:  # noqa: ANN401
        """Keep an area that is a service or that the map draws."""
        tags, categories, kind = self._meaning(area.tags)
        labels = labels_of(tags) if self.draws else []
        if not categories and not kind and not labels:
            return
        osm_id = f"{'w' if area.from_way() else 'r'}{area.orig_id()}"
        if not area.num_rings()[0]:
            self.broken.add(osm_id)
            return
        (self.outlines if area.from_way() else self.relations).discard(area.orig_id())
        wkb = self.factory.create_multipolygon(area)
        if categories:
            self.add_services(osm_id, tags, categories, wkb)
        if kind:
            self.backdrop.append((kind, tags.get("name", "")))
            self.backdrop_wkb.append(wkb)
        self._add_labels(labels, wkb)

    def _add_labels(self, labels: list[tuple[str, str]], wkb: str) -> None:
        self.labels += labels
        self.label_wkb += [wkb] * len(labels)

    def _kind(self, tags: Mapping[str, str]) -> str:
        return backdrop_kind(tags) if self.draws else ""

    def _meaning(self, given: Any) -> tuple[dict[str, str], dict[str, str], str]:  # noqa: ANN401
        """Return tags, categories and backdrop kind; most outlines are building=x and no more."""
        value = given.get("building") if len(given) == 1 else None
        if value is None or value == "no":
            tags = dict(given)
            return tags, self.index.categories(tags), self._kind(tags)
        if value not in self.plain:
            self.plain[value] = self.index.categories({"building": value})
        return {"building": value}, self.plain[value], "building" if self.draws else ""

    def add_relation(self, relation: Any) -> None:  # noqa: ANN401
        """Remember a relation that should come back as an area."""
        tags = dict(relation.tags)
        if tags.get("type") == "multipolygon" and self.index.categories(tags):
            self.relations.add(relation.id)

    def add_services(
        self, service_id: str, tags: dict[str, str], categories: dict[str, str], wkb: str
    ) -> None:
        """Keep a place once for each of its categories."""
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
            self.add_services(f"w{way_id}", tags, categories, shapely.to_wkb(point, hex=True))
            self.outlines.discard(way_id)

    @property
    def unmet(self) -> set[str]:
        """What would be a service or an outline, but of which parts lie outside the extract."""
        return {f"r{number}" for number in self.relations} | {f"w{n}" for n in self.outlines}


class _Buildings:
    """Counts outlines of buildings that were filtered out as ways, until their area comes."""

    def __init__(self, found: Found) -> None:
        self._outlines = found.outlines

    def way(self, way: Any) -> None:  # noqa: ANN401
        if "building" in way.tags and way.is_closed():
            self._outlines.add(way.id)


def backdrop_kind(tags: Mapping[str, str]) -> str:
    """Return what the map draws an outline as; empty where it does not."""
    if tags.get("natural") in GREEN_NATURAL:
        return "green"
    for key, (kind, values) in BACKDROP_AREAS.items():
        value = tags.get(key)
        if value is not None and (values is None or value in values) and value != "no":
            return kind
    return ""


def labels_of(tags: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what a thing is called on a map: kind and text of a place, and of an address."""
    labels = []
    place, number = tags.get(PLACE), tags.get(HOUSE_NUMBER)
    if place in PLACE_KINDS and tags.get("name"):
        labels.append((place, tags["name"]))
    street = number and next((tags[key] for key in STREETS if key in tags), None)
    if street:
        labels.append((ADDRESS, f"{street} {number}"))
    return labels
