"""A server on the loopback address that answers as Overpass and Nominatim do, from an extract.

It understands the queries that OSMnx writes and evaluates them with the rules of Overpass: a node
is in the polygon or not; a way is when one of its nodes is, or when a segment crosses the edge; a
relation is when one of its members is. ``>`` adds the members of what was found, and their nodes.
What the extract does not hold is not returned. Any other query is refused with 400.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import osmium
import shapely

Element = dict[str, Any]
Tags = Mapping[str, str]

_STATEMENT = re.compile(
    r"(?P<kind>node|way|relation)(?P<filters>(?:\[[^\]]*\])+)"
    r"\(poly:(?P<q>['\"])(?P<poly>[-\d. ]+)(?P=q)\);(?:>;|\(\._;>;\);)"
)
_FILTER = re.compile(
    r"\[(?P<q>['\"])(?P<key>.+?)(?P=q)(?:(?P<op>!?[=~])(?P<r>['\"])(?P<value>.*?)(?P=r))?\]"
)
_FRAME = re.compile(r"\[out:json\]\[timeout:[\d.]+\];[();]*out;")


_KINDS = {"n": "node", "w": "way", "r": "relation"}


class Extract:
    """The elements of an OSM file, held as Overpass would return them."""

    def __init__(self, path: Path) -> None:
        self.nodes: dict[int, Element] = {}
        self.ways: dict[int, Element] = {}
        self.relations: dict[int, Element] = {}
        for thing in osmium.FileProcessor(path):
            element: Element = {"id": thing.id}
            if len(thing.tags):
                element["tags"] = dict(thing.tags)
            if isinstance(thing, osmium.osm.Node):
                at = {"lat": thing.location.lat, "lon": thing.location.lon}
                self.nodes[thing.id] = {"type": "node", **element, **at}
            elif isinstance(thing, osmium.osm.Way):
                refs = [node.ref for node in thing.nodes]
                self.ways[thing.id] = {"type": "way", **element, "nodes": refs}
            elif isinstance(thing, osmium.osm.Relation):
                members = [
                    {"type": _KINDS[m.type], "ref": m.ref, "role": m.role} for m in thing.members
                ]
                self.relations[thing.id] = {"type": "relation", **element, "members": members}

    def answer(self, query: str) -> list[Element]:
        """Evaluate a query; ValueError when it is not one that OSMnx writes."""
        if not _FRAME.fullmatch(_STATEMENT.sub("", query)):
            raise ValueError(query[:200])
        found: dict[tuple[str, int], Element] = {}
        for statement in _STATEMENT.finditer(query):
            tests = [_test(match) for match in _FILTER.finditer(statement["filters"])]
            polygon = _polygon(statement["poly"])
            for element in self._all(statement["kind"]).values():
                tags = element.get("tags", {})
                if all(test(tags) for test in tests) and self._meets(element, polygon):
                    found.update(self._with_members(element))
        return list(found.values())

    def _all(self, kind: str) -> dict[int, Element]:
        return {"node": self.nodes, "way": self.ways, "relation": self.relations}[kind]

    def _meets(self, element: Element, polygon: shapely.Polygon) -> bool:
        if element["type"] == "node":
            return bool(shapely.intersects_xy(polygon, element["lon"], element["lat"]))
        if element["type"] == "way":
            return self._way_meets(element, polygon)
        return any(
            self._meets(self._all(m["type"])[m["ref"]], polygon)
            for m in element["members"]
            if m["type"] != "relation" and m["ref"] in self._all(m["type"])
        )

    def _way_meets(self, way: Element, polygon: shapely.Polygon) -> bool:
        places = [
            (self.nodes[ref]["lon"], self.nodes[ref]["lat"]) if ref in self.nodes else None
            for ref in way["nodes"]
        ]
        here = [place for place in places if place]
        segments = [(start, end) for start, end in pairwise(places) if start and end]
        return bool(
            polygon.intersects(shapely.MultiPoint(here))
            or polygon.intersects(shapely.MultiLineString(segments))
        )

    def _with_members(self, element: Element) -> Iterator[tuple[tuple[str, int], Element]]:
        yield (element["type"], element["id"]), element
        refs = [("node", ref) for ref in element.get("nodes", [])]
        refs += [(m["type"], m["ref"]) for m in element.get("members", [])]
        for kind, ref in refs:
            if kind != "relation" and ref in self._all(kind):
                yield from self._with_members(self._all(kind)[ref])


def _test(match: re.Match[str]) -> Callable[[Tags], bool]:
    key, operator, value = match["key"], match["op"], match["value"]
    if operator is None:
        return lambda tags: key in tags
    if operator == "=":
        return lambda tags: tags.get(key) == value
    if operator == "!=":
        return lambda tags: tags.get(key) != value
    wanted = operator == "~"
    return lambda tags: (re.search(value, tags.get(key, "")) is not None) is wanted


def _polygon(text: str) -> shapely.Polygon:
    numbers = [float(part) for part in text.split()]
    polygon = shapely.Polygon(zip(numbers[1::2], numbers[::2], strict=True))
    shapely.prepare(polygon)
    return polygon


@dataclass
class Loopback:
    """The running server: where it is, what it was asked, how it shall misbehave.

    Moods are ``429``, ``500``, ``504``, ``html``, ``remark``, ``cut`` (closes in the middle of the
    answer) and ``hang`` (never answers).
    """

    url: str
    extract: Extract | None
    places: Mapping[str, Mapping[str, Any]]
    asked: list[tuple[str, str]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    busy: bool = False
    retry_after: str | None = None
    over: threading.Event = field(default_factory=threading.Event)
    _moods: list[str] = field(default_factory=list)

    def fail(self, mood: str, *, times: int, after: int = 0) -> None:
        """Misbehave for the next `times` questions, once `after` were answered."""
        self._moods = [""] * after + [mood] * times

    def next_mood(self) -> str:
        return self._moods.pop(0) if self._moods else ""

    @property
    def overpass_url(self) -> str:
        return f"{self.url}/api"

    @property
    def nominatim_url(self) -> str:
        return f"{self.url}/"

    def count(self, path: str) -> int:
        """How often `path` was asked for."""
        return sum(asked == path for _, asked in self.asked)


@contextmanager
def loopback(
    extract: Path | None = None, places: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[Loopback]:
    """Serve an extract and named places (GeoJSON geometries) while the block runs."""
    server = _Server(("127.0.0.1", 0), _Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    server.loopback = Loopback(url, Extract(extract) if extract else None, places or {})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.loopback
    finally:
        server.loopback.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    loopback: Loopback

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hung up."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._note(parts.path)
        if parts.path == "/api/status":
            self._send(200, self._status().encode(), "text/plain")
        elif parts.path == "/search":
            self._answer(json.dumps(self._places(parse_qs(parts.query))))
        else:
            self._send(404, b"no such page", "text/plain")

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._note(self.path)
        if self.path != "/api/interpreter" or self.server.loopback.extract is None:
            self._send(404, b"no such page", "text/plain")
            return
        try:
            elements = self.server.loopback.extract.answer(form["data"][0])
        except ValueError as error:
            self._send(400, f"parse error: {error}".encode(), "text/plain")
            return
        answer = {
            "version": 0.6,
            "generator": "loopback",
            "osm3s": {"timestamp_osm_base": "2020-01-15T20:00:00Z"},
            "elements": elements,
        }
        self._answer(json.dumps(answer))

    def _note(self, path: str) -> None:
        self.server.loopback.asked.append((self.command, path))
        self.server.loopback.agents.add(self.headers["User-Agent"])

    def _status(self) -> str:
        slots = "2 slots available now.\n" if not self.server.loopback.busy else ""
        running = "Currently running queries (pid, space limit, time limit, start time):\n"
        head = "Connected as: 1\nCurrent time: 2020-01-15T20:00:00Z\nAnnounced endpoint: none\n"
        return f"{head}Rate limit: 2\n{slots}{running}"

    def _places(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        name = query["q"][0]
        if name not in self.server.loopback.places:
            return []
        geojson = self.server.loopback.places[name]
        west, south, east, north = shapely.from_geojson(json.dumps(geojson)).bounds
        place = {
            "place_id": 1,
            "osm_type": "relation",
            "osm_id": 1,
            "lat": str((south + north) / 2),
            "lon": str((west + east) / 2),
            "class": "boundary",
            "type": "administrative",
            "importance": 0.5,
            "name": name.split(",")[0],
            "display_name": name,
            "boundingbox": [str(south), str(north), str(west), str(east)],
            "geojson": geojson,
        }
        return [place]

    def _answer(self, text: str) -> None:
        mood, body = self.server.loopback.next_mood(), text.encode()
        if mood in {"429", "500", "504"}:
            self._send(int(mood), b"<html>not now</html>", "text/html")
        elif mood == "html":
            self._send(200, b"<html><p>runtime error: please wait</p></html>", "text/html")
        elif mood == "remark":
            broken = {"elements": [], "remark": "runtime error: Query timed out in 'query'"}
            self._send(200, json.dumps(broken).encode())
        elif mood == "cut":
            self._send(200, body[: len(body) // 2], length=len(body))
            self.close_connection = True
        elif mood == "hang":
            self.server.loopback.over.wait()
        else:
            self._send(200, body)

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", length: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if status == 429 and self.server.loopback.retry_after:
            self.send_header("Retry-After", self.server.loopback.retry_after)
        self.end_headers()
        self.wfile.write(body)
