"""Servers of layers on the loopback address, started and stopped by the tests.

* `serve_wfs`, `serve_arcgis`: replay answers in the form that Geonorge's WFS (deegree) and NVE's
  ArcGIS servers give them, from a table; with their limits, and with moods.
* `serve_pygeoapi`: a real pygeoapi.
* `serve_postgis`: a real PostgreSQL with PostGIS in a temporary folder.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import urlopen
from xml.sax.saxutils import escape

import geopandas as gpd
import numpy as np
import psycopg
import pyproj
import shapely

Query = Mapping[str, str]
APP = "http://skjema.geonorge.no/SOSI/produktspesifikasjon/Flomsoner/1.0"


@dataclass
class Replay:
    """A running server: where it is, what it was asked, how it shall misbehave.

    Moods are a status (``429``, ``500``, ``403``), ``html``, ``cut`` (closes in the middle),
    ``exception`` (a WFS's report with status 200), ``token`` (an ArcGIS error with status 200) and
    ``echo`` (a refusal that repeats the whole address).
    """

    answer: Callable[["Replay", str, Query], tuple[str, bytes]]
    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    moods: list[str] = field(default_factory=list)
    retry_after: str | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def fail(self, mood: str, *, times: int = 1, after: int = 0) -> None:
        """Misbehave for the next `times` questions, once `after` were answered."""
        self.moods = [""] * after + [mood] * times


@contextmanager
def serve(answer: Callable[[Replay, str, Query], tuple[str, bytes]]) -> Iterator[Replay]:
    """Serve what `answer` says while the block runs; its LookupError is a 404."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.replay = Replay(answer, f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.replay
    finally:
        server.replay.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    replay: Replay

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hung up."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""

    def do_GET(self) -> None:
        replay = self.server.replay
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        replay.asked.append((parts.path, query))
        replay.headers.append(dict(self.headers))
        mood = replay.moods.pop(0) if replay.moods else ""
        try:
            kind, body = replay.answer(replay, parts.path, query)
        except LookupError as error:
            self._send(404, "text/plain", f"nothing here: {error}".encode())
            return
        if mood.isdigit():
            self._send(int(mood), "text/html", b"<html>not now</html>")
        elif mood == "html":
            self._send(200, "text/html", b"<!DOCTYPE html><html><p>please wait</p></html>")
        elif mood == "exception":
            self._send(200, "text/xml", _report("NoApplicableCode", "Tjenesten er nede for påfyll"))
        elif mood == "token":
            self._send(200, "application/json", _error(499, "Token Required"))
        elif mood == "echo":
            told = f"no access for {self.path} with {self.headers.get('Authorization')}"
            self._send(403, "text/plain", told.encode())
        else:
            self._send(200, kind, body, cut=mood == "cut")

    def _send(self, status: int, kind: str, body: bytes, *, cut: bool = False) -> None:
        replay = self.server.replay
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 429 and replay.retry_after:
            self.send_header("Retry-After", replay.retry_after)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = True


def _report(code: str, text: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="2.0.0">'
        f'<ows:Exception exceptionCode="{code}"><ows:ExceptionText>{escape(text)}'
        "</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"
    ).encode()


def _error(code: int, message: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "details": []}}).encode()


def flood_zones(columns: int = 12, rows: int = 8) -> gpd.GeoDataFrame:
    """Squares of 90 m every 100 m from (262 000, 6 650 000), with the attributes of FlomAreal."""
    x, y = (step.ravel() for step in np.meshgrid(np.arange(columns), np.arange(rows)))
    west, south = 262_000 + 100.0 * x, 6_650_000 + 100.0 * y
    number = np.arange(len(x))
    table = gpd.GeoDataFrame(
        {
            "identifikasjon/Identifikasjon/lokalId": [f"{n:08d}" for n in number],
            "identifikasjon/Identifikasjon/navnerom": "http://data.geonorge.no/flom",
            "oppdateringsdato": "2024-03-01T12:00:00",
            "kommunenummer": "0301",
            "gjentaksintervall": np.where(number % 3, 200, 20),
            "målt": number / 4,
        },
        geometry=shapely.box(west, south, west + 90, south + 90),
        crs=25833,
    )
    return table.to_crs(4258)


# --- WFS 2.0 ---------------------------------------------------------------------------------


@dataclass
class Wfs:
    """How a WFS answers.

    Parameters
    ----------
    table
        Its features in EPSG:4258, east before north; columns become elements, those whose name
        has a slash (``identifikasjon/Identifikasjon/lokalId``) nested ones.
    urn
        The CRS it gives them in.
    cap
        How many it gives at most, whatever is asked; 0: what is asked.
    says_matched
        Whether it says how many there are, and where the next are; deegree does not.
    ignores_start
        Whether it gives the first page again and again.
    shuffles
        Whether the order changes from question to question.
    names
        Whether features have a gml:id that stays the same.
    srs_on_geometry
        Whether each geometry says its CRS.
    swaps
        Whether it gives longitude before latitude against its word.
    point_too
        Whether each feature also has a point, after its area.
    extra_columns
        Plain elements that the schema has beside those of the table, with their types.
    """

    table: gpd.GeoDataFrame
    urn: str = "urn:ogc:def:crs:EPSG::4258"
    name: str = "FlomAreal"
    cap: int = 0
    says_matched: bool = False
    ignores_start: bool = False
    shuffles: bool = False
    names: bool = True
    srs_on_geometry: bool = True
    swaps: bool = False
    point_too: bool = False
    count_default: int | None = None
    extra_columns: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def __call__(self, replay: Replay, path: str, query: Query) -> tuple[str, bytes]:
        asked = {name.lower(): value for name, value in query.items()}
        request = asked.get("request", "")
        if path != "/skwms1/wfs.flomsoner":
            raise LookupError(path)
        if asked.get("service") != "WFS" or request not in _REQUESTS:
            return "text/xml", _report("MissingParameterValue", "no request")
        return "text/xml", _REQUESTS[request](self, replay, asked)

    @property
    def north_first(self) -> bool:
        """Whether the CRS has north before east."""
        return pyproj.CRS.from_user_input(self.urn).axis_info[0].direction == "north"


def _capabilities(wfs: Wfs, replay: Replay, _: Query) -> bytes:
    default = (
        f'<ows:Constraint name="CountDefault"><ows:NoValues/><ows:DefaultValue>{wfs.count_default}'
        "</ows:DefaultValue></ows:Constraint>"
        if wfs.count_default
        else ""
    )
    types = "".join(
        f"<FeatureType><Name>app:{name}</Name><Title>{name}</Title>"
        f"<DefaultCRS>{wfs.urn}</DefaultCRS><OtherCRS>urn:ogc:def:crs:EPSG::25833</OtherCRS>"
        "</FeatureType>"
        for name in (wfs.name, *wfs.others)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<WFS_Capabilities xmlns="http://www.opengis.net/wfs/2.0" version="2.0.0" '
        f'xmlns:ows="http://www.opengis.net/ows/1.1" xmlns:app="{APP}" '
        'xmlns:xlink="http://www.w3.org/1999/xlink"><ows:ServiceIdentification>'
        "<ows:Title>Flomsoner WFS</ows:Title><ows:ServiceTypeVersion>2.0.0"
        "</ows:ServiceTypeVersion><ows:Fees>NONE</ows:Fees><ows:AccessConstraints>"
        "Norsk lisens for offentlige data (NLOD)</ows:AccessConstraints>"
        "</ows:ServiceIdentification><ows:OperationsMetadata>"
        f'<ows:Operation name="GetFeature"><ows:DCP><ows:HTTP><ows:Get xlink:href="{replay.url}"/>'
        f"</ows:HTTP></ows:DCP></ows:Operation>{default}</ows:OperationsMetadata>"
        f"<FeatureTypeList>{types}</FeatureTypeList></WFS_Capabilities>"
    ).encode()


def _schema(wfs: Wfs, _: Replay, __: Query) -> bytes:
    plain = {
        name: {"i": "integer", "f": "double", "b": "boolean"}.get(
            wfs.table[name].dtype.kind, "string"
        )
        for name in wfs.table.columns.drop("geometry")
        if "/" not in name
    } | dict(wfs.extra_columns)
    elements = "".join(
        f'<element name="{name}" type="{kind}" minOccurs="0"/>' for name, kind in plain.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><schema xmlns="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:app="{APP}" xmlns:gml="http://www.opengis.net/gml/3.2" targetNamespace="{APP}">'
        f'<element name="{wfs.name}" type="app:{wfs.name}Type" '
        'substitutionGroup="gml:AbstractFeature"/><complexType name="FellesegenskaperType">'
        '<complexContent><extension base="gml:AbstractFeatureType"><sequence>'
        '<element name="identifikasjon" type="app:IdentifikasjonPropertyType"/></sequence>'
        "</extension></complexContent></complexType>"
        '<complexType name="IdentifikasjonPropertyType"><sequence>'
        '<element ref="app:Identifikasjon"/></sequence></complexType>'
        '<element name="Identifikasjon" type="app:IdentifikasjonType"/>'
        '<complexType name="IdentifikasjonType"><sequence><element name="lokalId" type="string"/>'
        '<element name="navnerom" type="string"/><element name="versjonId" type="string" '
        'minOccurs="0"/></sequence></complexType>'
        f'<complexType name="{wfs.name}Type"><complexContent><extension '
        f'base="app:FellesegenskaperType"><sequence>{elements}'
        '<element name="område" type="gml:SurfacePropertyType"/></sequence></extension>'
        "</complexContent></complexType></schema>"
    ).encode()


def _get_feature(wfs: Wfs, replay: Replay, asked: Query) -> bytes:
    table = wfs.table
    if "bbox" in asked:
        numbers, code = asked["bbox"].split(",")[:4], asked["bbox"].split(",")[4]
        if code != wfs.urn or asked.get("srsname") != wfs.urn:
            return _report("InvalidParameterValue", f"{code} is no CRS of this type")
        one, two, three, four = map(float, numbers)
        west, south, east, north = (
            (two, one, four, three) if wfs.north_first else (one, two, three, four)
        )
        table = table[table.intersects(shapely.box(west, south, east, north))]
    matched = len(table)
    if wfs.shuffles:
        table = table.sample(frac=1, random_state=len(replay.asked))
    start = 0 if wfs.ignores_start else int(asked.get("startindex", 0))
    count = int(asked["count"])
    page = table.iloc[start : start + min(count, wfs.cap or count)]
    more = start + len(page) < matched
    following = urlencode({**asked, "startindex": str(start + len(page))})
    told = (
        f'numberMatched="{matched}" numberReturned="{len(page)}"'
        + (f' next="{replay.url}/?{escape(following)}"' if more else "")
        if wfs.says_matched
        else 'numberMatched="unknown" numberReturned="0"'  # as deegree does while it streams
    )
    columns = [name for name in page.columns if name != "geometry"]
    members = "".join(
        _member(wfs, str(number), dict(zip(columns, values, strict=True)), shape, len(replay.asked))
        for number, *values, shape in page[[*columns, "geometry"]].itertuples(name=None)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><wfs:FeatureCollection '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{APP} {replay.url}/schema.xsd" '
        'xmlns:wfs="http://www.opengis.net/wfs/2.0" timeStamp="2026-11-25T08:00:00Z" '
        f'xmlns:gml="http://www.opengis.net/gml/3.2" {told}>{members}</wfs:FeatureCollection>'
    ).encode()


def _member(wfs: Wfs, number: str, values: Mapping[str, Any], shape: Any, question: int) -> str:
    name = f"{wfs.name}.{number}" if wfs.names else f"{wfs.name}.{question}-{number}"
    plain = ""
    for column, value in values.items():
        if value is None or value != value:  # noqa: PLR0124 - NaN
            continue
        *around, leaf = column.split("/")
        element = f"<app:{leaf}>{escape(str(value))}</app:{leaf}>"
        for part in reversed(around):
            element = f"<app:{part}>{element}</app:{part}>"
        plain += element
    point = (
        f"<app:representasjonspunkt>{_gml(wfs, shape.centroid, name + '.p')}</app:representasjonspunkt>"  # noqa: E501
        if wfs.point_too
        else ""
    )
    low, high = _positions(wfs, [shape.bounds[:2]]), _positions(wfs, [shape.bounds[2:]])
    return (
        f'<wfs:member><app:{wfs.name} xmlns:app="{APP}" gml:id="{name}"><gml:boundedBy>'
        f'<gml:Envelope srsName="{wfs.urn}"><gml:lowerCorner>{low}</gml:lowerCorner>'
        f"<gml:upperCorner>{high}</gml:upperCorner></gml:Envelope></gml:boundedBy>{plain}"
        f"<app:område>{_gml(wfs, shape, name + '.a')}</app:område>{point}</app:{wfs.name}></wfs:member>"  # noqa: E501
    )


def _positions(wfs: Wfs, places: Any) -> str:
    order = -1 if wfs.north_first and not wfs.swaps else 1
    return " ".join(f"{value:.9f}" for place in places for value in place[::order])


def _gml(wfs: Wfs, shape: Any, name: str) -> str:
    srs = f' srsName="{wfs.urn}"' if wfs.srs_on_geometry else ""
    if shape.geom_type == "Point":
        return f'<gml:Point gml:id="{name}"{srs}><gml:pos>{_positions(wfs, shape.coords)}</gml:pos></gml:Point>'  # noqa: E501

    def ring(coords: Any) -> str:
        places = _positions(wfs, coords)
        return f"<gml:LinearRing><gml:posList>{places}</gml:posList></gml:LinearRing>"

    holes = "".join(f"<gml:interior>{ring(hole.coords)}</gml:interior>" for hole in shape.interiors)
    return (
        f'<gml:Polygon gml:id="{name}"{srs}><gml:exterior>{ring(shape.exterior.coords)}'
        f"</gml:exterior>{holes}</gml:Polygon>"
    )


_REQUESTS = {
    "GetCapabilities": _capabilities,
    "DescribeFeatureType": _schema,
    "GetFeature": _get_feature,
}


@contextmanager
def serve_wfs(wfs: Wfs) -> Iterator[Replay]:
    """Serve a WFS at ``/skwms1/wfs.flomsoner``."""
    with serve(wfs) as replay:
        yield replay


# --- ArcGIS REST -----------------------------------------------------------------------------


@dataclass
class ArcGis:
    """How an ArcGIS MapServer answers.

    Parameters
    ----------
    table
        Features of layer 1 in the CRS of `wkid`, with a column ``OBJECTID``.
    most
        What it calls its ``maxRecordCount``.
    cap
        How many it really gives at most; 0: `most`.
    loses
        Numbers of objects that it tells of but never gives.
    """

    table: gpd.GeoDataFrame
    wkid: int = 25833
    most: int = 1000
    cap: int = 0
    loses: tuple[int, ...] = ()
    spatial_reference: Mapping[str, Any] | None = None

    def __call__(self, _: Replay, path: str, query: Query) -> tuple[str, bytes]:
        root = "/arcgis/rest/services/SkredKvikkleire2/MapServer"
        if query.get("f") != "json":
            return "text/html", b"<html>ArcGIS REST Services Directory</html>"
        if path == root:
            return "application/json", json.dumps(_map_server()).encode()
        if path == f"{root}/1":
            return "application/json", json.dumps(self.described()).encode()
        if path == f"{root}/1/query":
            return "application/json", json.dumps(self.queried(query)).encode()
        return "application/json", _error(404, f"Unable to find {path}")

    def described(self) -> dict[str, Any]:
        """The layer as ``?f=json`` describes it."""
        kinds = {"i": "esriFieldTypeInteger", "f": "esriFieldTypeDouble", "M": "esriFieldTypeDate"}
        fields = [
            {
                "name": name,
                "type": "esriFieldTypeOID"
                if name == "OBJECTID"
                else kinds.get(self.table[name].dtype.kind, "esriFieldTypeString"),
                "alias": name,
            }
            for name in self.table.columns.drop("geometry")
        ]
        return {
            "currentVersion": 10.91,
            "id": 1,
            "name": "KvikkleireFaresone",
            "type": "Feature Layer",
            "geometryType": "esriGeometryPolygon",
            "copyrightText": "NVE",
            "extent": {
                "xmin": 0, "ymin": 0, "xmax": 1, "ymax": 1,
                "spatialReference": self.spatial_reference or {"wkid": self.wkid, "latestWkid": self.wkid},  # noqa: E501
            },
            "fields": [*fields, {"name": "SHAPE", "type": "esriFieldTypeGeometry", "alias": "SHAPE"}],  # noqa: E501
            "maxRecordCount": self.most,
            "supportsPagination": False,
            "supportedQueryFormats": "JSON",
        }  # fmt: skip

    def queried(self, query: Query) -> dict[str, Any]:
        """What ``/query`` answers."""
        west, south, east, north = map(float, query["geometry"].split(","))
        if query["inSR"] != str(self.wkid) or query["outSR"] != str(self.wkid):
            return {"error": {"code": 400, "message": "Invalid or missing input parameters."}}
        table = self.table[self.table.intersects(shapely.box(west, south, east, north))]
        numbers = re.findall(r"OBJECTID ([<>])= (\d+)", query["where"])
        for sign, number in numbers:
            kept = (
                table["OBJECTID"] >= int(number)
                if sign == ">"
                else table["OBJECTID"] <= int(number)
            )
            table = table[kept]
        if query.get("returnIdsOnly") == "true":
            found = [int(number) for number in table["OBJECTID"]]
            return {"objectIdFieldName": "OBJECTID", "objectIds": found or None}
        most = self.cap or self.most
        page = table[~table["OBJECTID"].isin(self.loses)].iloc[:most]
        answer = {
            "displayFieldName": "skredOmrNavn",
            "geometryType": "esriGeometryPolygon",
            "spatialReference": {"wkid": self.wkid, "latestWkid": self.wkid},
            "features": [_esri(row) for row in page.to_dict("records")],
        }
        return answer | ({"exceededTransferLimit": True} if len(table) > most else {})


def _map_server() -> dict[str, Any]:
    return {
        "currentVersion": 10.91,
        "mapName": "Layers",
        "layers": [
            {"id": 0, "name": "Kvikkleire", "type": "Group Layer", "subLayerIds": [1]},
            {"id": 1, "name": "KvikkleireFaresone", "type": "Feature Layer", "subLayerIds": None},
        ],
        "tables": [],
    }


def _esri(row: dict[Any, Any]) -> dict[str, Any]:
    shape = row.pop("geometry")
    clockwise = shapely.orient_polygons(shape, exterior_cw=True)
    rings = [clockwise.exterior, *clockwise.interiors]
    attributes = {}
    for name, value in row.items():
        if hasattr(value, "timestamp"):
            value = None if value != value else int(value.timestamp() * 1000)  # noqa: PLR0124, PLW2901
        attributes[str(name)] = None if value != value else value  # noqa: PLR0124
    return {"attributes": attributes, "geometry": {"rings": [list(ring.coords) for ring in rings]}}


@contextmanager
def serve_arcgis(arcgis: ArcGis) -> Iterator[Replay]:
    """Serve a MapServer at ``/arcgis/rest/services/SkredKvikkleire2/MapServer``."""
    with serve(arcgis) as replay:
        yield replay


# --- OGC API – Features -----------------------------------------------------------------


@dataclass
class OgcApi:
    """How an OGC API with one collection of points along a line answers.

    Parameters
    ----------
    count, page
        How many there are, and how many it gives at a time.
    ids
        Whether they have an identity.
    host, scheme
        What its links to the next page begin with.
    matched
        How many it says there are.
    step
        How far its links go on, where that is not a page.
    lost
        How many of each page it does not give.
    """

    count: int = 25
    page: int = 10
    ids: bool = True
    host: str | None = None
    scheme: str = "http"
    matched: int | None = None
    step: int | None = None
    lost: int = 0

    def features(self) -> list[dict[str, Any]]:
        """All of them."""
        x = np.linspace(262_100, 263_900, self.count)
        points = gpd.GeoSeries(shapely.points(x, 6_621_000), crs=25833).to_crs(4326)
        return [
            {
                "type": "Feature",
                **({"id": number} if self.ids else {}),
                "properties": {"navn": f"Sone {number}", "liste": ["a", "b"], "kode": "0301"},
                "geometry": {"type": "Point", "coordinates": place},
            }
            for number, place in enumerate(shapely.get_coordinates(points).tolist())
        ]

    def __call__(self, replay: Replay, path: str, query: Query) -> tuple[str, bytes]:
        kind = "application/geo+json"
        if query.get("token", "let-meg-inn") != "let-meg-inn":
            raise LookupError(path)
        if path == "/ogc/collections":
            items = {"rel": "items", "href": "x"}
            things = [{"id": "soner", "links": [items]}, {"id": "dekning", "links": [{"rel": "x"}]}]
            return kind, json.dumps({"collections": things, "links": []}).encode()
        if path in {"/ogc", "/ogc/"}:
            return kind, json.dumps({"links": []}).encode()
        if path != "/ogc/collections/soner/items":
            raise LookupError(path)
        start = int(query.get("offset", 0))
        limit = min(int(query["limit"]), self.page)
        features = self.features()
        page = features[start : start + limit][: limit - self.lost]
        links = [{"rel": "self", "href": "x"}]
        if start + limit < len(features):
            following = start + (limit if self.step is None else self.step)
            host = self.host or replay.url.removeprefix("http://")
            asked = {**query, "offset": str(following)}
            asked.pop("token", None)
            href = f"{self.scheme}://{host}{path}?{urlencode(asked)}"
            links.append({"rel": "next", "href": href})
        answer: dict[str, Any] = {"type": "FeatureCollection", "features": page, "links": links}
        if self.matched is not None:
            answer["numberMatched"] = self.matched
        return kind, json.dumps(answer).encode()


# --- pygeoapi --------------------------------------------------------------------------------


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def serve_pygeoapi(
    folder: Path, tables: Mapping[str, gpd.GeoDataFrame], *, most: int
) -> Iterator[str]:
    """Serve tables with a column ``id`` as collections of a real pygeoapi; yields its address.

    Parameters
    ----------
    most
        How many features it gives at a time, whatever is asked.
    """
    url = f"http://127.0.0.1:{free_port()}"
    resources = {}
    for name, table in tables.items():
        path = folder / f"{name}.geojson"
        path.write_text(table.to_crs("EPSG:4326").to_json(drop_id=True), encoding="utf-8")
        resources[name] = _resource(name, path)
    config = folder / "pygeoapi.yml"  # JSON is YAML
    config.write_text(json.dumps(_settings(url, resources, most)), encoding="utf-8")
    environment = os.environ | {
        "PYGEOAPI_CONFIG": str(config),
        "PYGEOAPI_OPENAPI": str(folder / "openapi.json"),
        "PYTHONWARNINGS": "ignore",
    }
    code = (
        "import json, os; from pygeoapi.openapi import get_oas; from pygeoapi.util import yaml_load;"  # noqa: E501
        "config = yaml_load(open(os.environ['PYGEOAPI_CONFIG']));"
        "json.dump(get_oas(config, fail_on_invalid_collection=False),"
        " open(os.environ['PYGEOAPI_OPENAPI'], 'w'), default=str);"
        "from pygeoapi.flask_app import APP;"
        f"APP.run(host='127.0.0.1', port={urlsplit(url).port}, threaded=True)"
    )
    with (folder / "pygeoapi.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=log, stderr=log
        )
    try:
        _wait(lambda: urlopen(f"{url}/?f=json", timeout=5).close(), server, folder / "pygeoapi.log")  # noqa: S310
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(question: Callable[[], object], server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Ask until it answers, or the server has ended."""
    for _ in range(600):
        try:
            question()
        except (OSError, psycopg.OperationalError):
            if server.poll() is not None:
                break
            time.sleep(0.05)
        else:
            return
    message = f"the server did not start: {log.read_text(errors='replace')[-2000:]}"
    raise RuntimeError(message)


def _settings(url: str, resources: Mapping[str, Any], most: int) -> dict[str, Any]:
    contact = {"name": "x", "address": "x", "city": "x", "stateorprovince": "x", "postalcode": "x",
               "country": "x", "phone": "x", "fax": "x", "email": "x@example.org", "url": url,
               "hours": "x", "instructions": "x", "role": "pointOfContact"}  # fmt: skip
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": urlsplit(url).port},
            "url": url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["nb-NO"],
            "limits": {"default_items": 10, "max_items": most, "on_exceed": "throttle"},
            "map": {"url": "x", "attribution": "x"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {"title": "Prøve", "description": "x", "keywords": ["x"],
                               "keywords_type": "theme", "terms_of_service": "x", "url": url},
            "license": {"name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"},
            "provider": {"name": "x", "url": url},
            "contact": contact,
        },
        "resources": resources,
    }  # fmt: skip


def _resource(name: str, path: Path) -> dict[str, Any]:
    return {
        "type": "collection",
        "title": f"Laget {name}",
        "description": "x",
        "keywords": ["x"],
        "links": [{"type": "text/html", "rel": "license", "title": "NLOD 2.0",
                   "href": "https://data.norge.no/nlod/no/2.0"}],
        "extents": {"spatial": {"bbox": [-180, -90, 180, 90],
                                "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
        "providers": [{"type": "feature", "name": "GeoJSON", "data": str(path), "id_field": "id"}],
    }  # fmt: skip


# --- PostgreSQL ------------------------------------------------------------------------------


def postgres_programs() -> Path | None:
    """Return the folder with initdb and postgres of an installation that has PostGIS."""
    on_path = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in [*([Path(on_path).resolve().parent] if on_path else []), *folders]:
        told = subprocess.run(
            [folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=False
        )
        if (Path(told.stdout.strip()) / "extension" / "postgis.control").exists():
            return folder
    return None


@dataclass(frozen=True)
class Database:
    """A running database: where it is, and its two users with their passwords."""

    port: int
    owner: str = "eier"
    owner_password: str = "eierens-hemmelige-ord"
    reader: str = "leser"
    reader_password: str = "leserens-h%mmelige/ord"

    def connect(self) -> "psycopg.Connection[Any]":
        """Connect as the owner."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname="plan", user=self.owner,
            password=self.owner_password, autocommit=True,
        )  # fmt: skip


@contextmanager
def serve_postgis(programs: Path) -> Iterator[Database]:
    """Run a real PostgreSQL with PostGIS in a temporary folder while the block runs."""
    database = Database(free_port())
    user: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp(prefix="postgis-"))
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    secret, log = folder / "password", folder / "log"
    secret.write_text(database.owner_password)
    secret.chmod(0o644)
    try:
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", database.owner, "-A", "scram-sha-256",  # noqa: E501
             "--pwfile", secret, "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"],  # noqa: E501
            check=True, capture_output=True, cwd=folder, **user,
        )  # fmt: skip
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
                    "port": database.port, "full_page_writes": "off", "synchronous_commit": "off",
                    "log_statement": "none", "max_connections": 20}  # fmt: skip
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as output:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *options],
                stdout=output, stderr=output, cwd=folder, **user,
            )  # fmt: skip
        try:
            _wait(lambda: _create(database), server, log)
            yield database
        finally:
            server.send_signal(2)  # the fast way down
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _create(database: Database) -> None:
    login: dict[str, Any] = {"host": "127.0.0.1", "port": database.port, "user": database.owner}
    with psycopg.connect(
        **login, password=database.owner_password, dbname="postgres", autocommit=True
    ) as first:
        first.execute("CREATE DATABASE plan")
    with database.connect() as connection:
        connection.execute("CREATE EXTENSION postgis")
        connection.execute(
            f"CREATE ROLE {database.reader} LOGIN PASSWORD '{database.reader_password}';"
            f"GRANT pg_read_all_data TO {database.reader}"
        )
