"""A server on the loopback address that answers as Geonorge and Kartverket do.

It replays the documented form of three services under one address: the download API (``/api``:
capabilities with ``_links``, code lists of areas with their projections and formats, ``order``,
files that are redirected to), the catalogue's ``getdata`` (``/katalog``) and the list of
municipalities (``/kommuneinfo``). Files come with ``ETag`` and go on with ``Range``.
"""

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from arealstrategi.sources.geonorge import DATASETS, Addresses

Areas = list[tuple[str, str, str]]  # kind, code, name
Offers = Mapping[str, list[str]]  # EPSG code to formats

POPULATION_2025 = "11111111-2222-4333-8444-555555555555"
SANDEFJORD = (10.08, 58.99, 10.41, 59.32)
TOWNS = {
    "0301": ("Oslo", (10.49, 59.81, 10.95, 60.14)),
    "3901": ("Horten", (10.28, 59.35, 10.6, 59.51)),
    "3905": ("Tønsberg", (10.2, 59.2, 10.55, 59.5)),
    "3907": ("Sandefjord", SANDEFJORD),
    "3909": ("Larvik", (9.7, 58.9, 10.2, 59.4)),
}
NAMES = {"25832": "EUREF89 UTM sone 32, 2d", "25833": "EUREF89 UTM sone 33, 2d"}


def zipped(**files: bytes) -> bytes:
    """A zip; names with their last underscore for the dot."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            stem, _, suffix = name.rpartition("_")
            archive.writestr(f"{stem}.{suffix}", content)
    return packed.getvalue()


@dataclass
class Shelf:
    """One data set: what there is of it, and what it is called in file names."""

    title: str
    short: str
    areas: Areas
    offers: Offers
    role: str | None = None


def standard_shelves() -> dict[str, Shelf]:
    """The data sets that ``fetch`` wants, offered as Geonorge offers them."""
    counties = [("fylke", "03", "Oslo"), ("fylke", "39", "Vestfold")]
    towns = [("kommune", number, name) for number, (name, _) in TOWNS.items()]
    country = [("landsdekkende", "0000", "Hele landet")]
    vector = {
        "25832": ["GML", "PostGIS"],
        "25833": ["FGDB", "GML", "PostGIS"],
        "4258": ["GeoJSON "],
    }
    cells = [
        (
            "celle" if quarter % 2 else "ikke spesifisert",
            f"{square}-{quarter}",
            f"{square}-{quarter}",
        )
        for square in ("6501", "6502", "6601", "6602")
        for quarter in (1, 2, 3, 4)
    ]
    return {
        DATASETS["parcels"].uuid: Shelf(
            "Matrikkelen - Eiendomskart Teig",
            "MatrikkelenEiendomskartTeig",
            [*country, *counties, *towns],
            {"25832": ["FGDB 10.0", "GML 3.2.1"], "25833": ["GML 3.2.1"]},
        ),
        DATASETS["borders"].uuid: Shelf("Kommuner", "Kommuner", [*country, *counties], vector),
        POPULATION_2025: Shelf(
            "Befolkning på rutenett 250 m 2025",
            "BefolkningPaRutenett250m",
            country,
            {"25833": ["GML", "FGDB"]},
        ),
        DATASETS["elevation"].uuid: Shelf(
            "DTM 10 Terrengmodell (UTM33)", "DTM10UTM33", cells, {"25833": ["DEM", "TIFF"]}
        ),
    }


@dataclass
class Geonorge:
    """The running server: where it is, what it was asked, how it shall misbehave.

    ``moods`` are taken one by one by whatever is asked next of `moody`: a status (``500``),
    ``cut`` (closes in the middle), ``html``, ``login`` (a page with status 200), ``json`` (cut).
    """

    url: str
    shelves: dict[str, Shelf] = field(default_factory=standard_shelves)
    files: dict[str, bytes] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    moody: str = ""
    moods: list[str] = field(default_factory=list)
    pending: int = 0  # how often an order is answered as not ready
    failing: str = ""  # areas of which nothing can be made
    no_files: bool = False
    login: bool = False  # files are behind a login
    refuses_order: bool = False  # as a restricted data set without a role
    knows_ranges: bool = True
    tag: str = ""  # instead of one made from the content

    @property
    def addresses(self) -> Addresses:
        return Addresses(f"{self.url}/api", f"{self.url}/katalog", f"{self.url}/kommuneinfo")

    def count(self, beginning: str) -> int:
        """How often something of that beginning was asked for."""
        return sum(path.startswith(beginning) for _, path in self.asked)

    def receipt(self, reference: str) -> dict[str, Any]:
        """The receipt of an order, as long as it waits without addresses."""
        order = self.orders[reference]
        waits = order["asked"] < self.pending
        order["asked"] += 1
        files = []
        for number, item in enumerate(order["items"]):
            status = "WaitingForProcessing" if waits else "ReadyForDownload"
            status = "Error" if item["area"] == self.failing else status
            ready = status == "ReadyForDownload"
            address = f"{self.url}/api/download/order/{reference}/{number}"
            files.append(
                item | {"status": status, "downloadUrl": address if ready else None, "fileId": "1"}
            )
        return {
            "referenceNumber": reference,
            "email": None,
            "orderDate": "2026-11-25T12:00:00Z",
            "files": [] if self.no_files else files,
            "downloadAsBundle": False,
        }


@contextmanager
def geonorge() -> Iterator[Geonorge]:
    """Serve the three services while the block runs."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.shop = Geonorge(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    shop: Geonorge

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hung up."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.shop.asked.append(("GET", path))
        if not self._misbehaves(path):
            self._answer(path)

    def do_POST(self) -> None:
        shop, path = self.server.shop, urlsplit(self.path).path
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        shop.asked.append(("POST", path))
        shop.bodies.append(body)
        if self._misbehaves(path):
            return
        if path != "/api/order":
            self._send(404, b"")
        elif shop.refuses_order:
            self._send(500, b"Order contains restricted datasets, but user does not have role")
        else:
            self._tell(self._order(body))

    def _order(self, body: dict[str, Any]) -> dict[str, Any]:
        shop, items = self.server.shop, []
        for line in body["orderLines"]:
            shelf = shop.shelves[line["metadataUuid"]]
            (projection,), (kind,) = line["projections"], line["formats"]
            for area in line["areas"]:
                known = (area["type"], area["code"], area["name"]) in shelf.areas
                if not known or kind["name"] not in shelf.offers[projection["code"]]:
                    continue  # as the API does: what it does not have is left out
                place = "Celle" if "-" in area["code"] else area["name"].replace(" ", "_")
                short = kind["name"].split()[0]
                name = f"Basisdata_{area['code']}_{place}_{projection['code']}_{shelf.short}"
                items.append(
                    {
                        "name": f"{name}_{short}.zip",
                        "metadataUuid": line["metadataUuid"],
                        "area": area["code"],
                        "areaName": area["name"],
                        "projection": projection["code"],
                        "format": kind["name"],
                        "metadataName": shelf.title,
                    }
                )
        reference = f"3f854e9c-5345-4428-b2fd-{len(shop.orders):012d}"
        shop.orders[reference] = {"items": items, "asked": 0}
        return shop.receipt(reference)

    def _answer(self, path: str) -> None:
        shop, parts = self.server.shop, path.strip("/").split("/")
        if path.startswith("/api/capabilities/") and parts[2] in shop.shelves:
            self._tell(self._capabilities(parts[2]))
        elif path.startswith("/api/codelists/area/") and parts[3] in shop.shelves:
            self._tell(_area_list(shop.shelves[parts[3]]))
        elif path.startswith("/api/order/") and parts[2] in shop.orders:
            self._tell(shop.receipt(parts[2]))
        elif path.startswith("/api/download/order/") and parts[3] in shop.orders:
            name = shop.orders[parts[3]]["items"][int(parts[4])]["name"]
            to = f"/Home/SignIn?ReturnUrl={quote(path)}" if shop.login else f"/geonorge/{name}"
            self._send(302, b"", told={"Location": shop.url + to})
        elif path.startswith("/geonorge/"):
            self._file(parts[-1])
        elif path.startswith("/katalog/getdata/"):
            self._tell(_series() if parts[2] == DATASETS["population"].uuid else {})
        elif path == "/kommuneinfo/kommuner":
            self._tell([_town(number) for number in TOWNS])
        elif path.startswith("/kommuneinfo/kommuner/") and parts[2] in TOWNS:
            self._tell(_town(parts[2]) | {"avgrensningsboks": _box(parts[2])})
        else:
            self._send(404, b"")

    def _misbehaves(self, path: str) -> bool:
        shop = self.server.shop
        if not shop.moods or not path.startswith(shop.moody):
            return False
        mood = shop.moods.pop(0)
        if mood.isdigit():
            self._send(int(mood), b"not now")
        elif mood == "html":
            self._send(200, b"<html>maintenance</html>", kind="text/html")
        elif mood == "login":
            self._send(200, b"<html><form action='/geoid'>Logg inn</form>", kind="text/html")
        elif mood == "json":
            self._send(200, b'{"referenceNumber": "3f85')
        elif mood == "cut":
            self._file(path.rsplit("/", 1)[-1], cut=True)
        return bool(mood)

    def _capabilities(self, uuid: str) -> dict[str, Any]:
        base, rel = f"{self.server.shop.url}/api", "http://rel.geonorge.no/download"
        links = [
            {"href": f"{base}/codelists/{kind}/{uuid}", "rel": f"{rel}/{kind}"}
            for kind in ("projection", "format", "area")
        ]
        links.append({"href": f"{base}/order", "rel": f"{rel}/order"})
        links.append({"href": f"{base}/capabilities/{uuid}", "rel": "self"})
        supports = ("Projection", "Format", "Area")
        return {
            **{f"supports{what}Selection": True for what in supports},
            "supportsPolygonSelection": False,
            "supportsDownloadBundling": True,
            "mapSelectionLayer": "",
            "distributedBy": "Geonorge",
            "deliveryNotificationByEmail": False,
            "accessConstraintRequiredRole": self.server.shop.shelves[uuid].role,
            "_links": links,
        }

    def _file(self, name: str, *, cut: bool = False) -> None:
        shop = self.server.shop
        content = shop.files.get(name)
        if content is None:
            self._send(404, b"")
            return
        tag = shop.tag or f'"{hashlib.sha256(content).hexdigest()[:12]}"'
        asked = self.headers.get("Range", "")
        shop.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        told: dict[str, str] = {"ETag": tag} if shop.knows_ranges else {}
        if shop.knows_ranges and start and self.headers.get("If-Range", tag) == tag:
            if start >= len(content):
                self._send(416, b"", told={"Content-Range": f"bytes */{len(content)}"})
                return
            told["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._send(206, content[start:], kind="application/zip", cut=cut, told=told)
        else:
            self._send(200, content, kind="application/zip", cut=cut, told=told)

    def _tell(self, value: object) -> None:
        self._send(200, json.dumps(value, ensure_ascii=False).encode())

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str = "application/json; charset=utf-8",
        *,
        cut: bool = False,
        told: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (told or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = True


def _area_list(shelf: Shelf) -> list[dict[str, Any]]:
    def projection(code: str) -> dict[str, Any]:
        space = f"http://www.opengis.net/def/crs/EPSG/0/{code}"
        return {"code": code, "name": NAMES.get(code, "EUREF 89 Geografisk"), "codespace": space}

    projections = [
        projection(code) | {"formats": [{"name": name} for name in names]}
        for code, names in shelf.offers.items()
    ]
    formats = [
        {"name": name, "projections": [projection(c) for c, n in shelf.offers.items() if name in n]}
        for name in sorted({name for names in shelf.offers.values() for name in names})
    ]
    return [
        {"type": kind, "name": name, "code": code, "projections": projections, "formats": formats}
        for kind, code, name in shelf.areas
    ]


def _series() -> dict[str, Any]:
    title = "Befolkning på rutenett 250 m"
    members = [
        {"Uuid": "00000000-0000-4000-8000-000000002024", "Title": f"{title} 2024"},
        {"Uuid": POPULATION_2025, "Title": f"{title} 2025"},
        {"Uuid": "00000000-0000-4000-8000-000000000000", "Title": f"{title} WMS"},
    ]
    return {"Title": title, "TypeName": "series_historic", "SerieDatasets": members}


def _town(number: str) -> dict[str, Any]:
    name = TOWNS[number][0]
    return {"kommunenummer": number, "kommunenavn": name, "kommunenavnNorsk": name}


def _box(number: str) -> dict[str, Any]:
    west, south, east, north = TOWNS[number][1]
    ring = [[west, south], [west, north], [east, north], [east, south], [west, south]]
    return {"type": "Polygon", "coordinates": [ring], "crs": {"type": "name"}}
