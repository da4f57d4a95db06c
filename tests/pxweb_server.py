"""A server on the loopback address that answers as Statistikkbanken does (PxWebApi v2).

It replays the documented form: pages of tables, metadata and numbers as JSON-stat2, code lists
with their ``valueMap``, ``400`` with a ``title`` for what is not there or too much, a limit of
numbers an answer. The people are invented by a rule that tests can count by hand (`people`).
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from math import prod
from typing import Any
from urllib.parse import parse_qs, urlsplit

PREFIX = "/api/pxwebapi/v2"
PAGE_SIZE = 2  # the server's own most, so that tests see pages
MOST_CELLS = 800_000
SINGLE_AGES = {f"{age:03d}": f"{age} år" for age in range(105)} | {"105+": "105 år eller eldre"}
SEXES = {"2": "Kvinner", "1": "Menn"}
REGIONS = {
    "0": "Hele landet", "3907": "Sandefjord", "3905": "Tønsberg", "3804": "Sandefjord (2020-2023)",
    "0710": "Sandefjord (2017-2019)", "0719": "Andebu (-2016)",
}  # fmt: skip
SUMMED = {
    "K-3907": ("Sandefjord", ["3907", "3804", "0710", "0719"]),
    "K-3905": ("Tønsberg", ["3905"]),
}
GROWTH = {
    "Personer": "Hovedalternativet (MMMM)",
    "Personer1": "Lav nasjonal vekst (LLML)",
    "Personer2": "Høy nasjonal vekst (HHMH)",
    "Personer5": "Sterk aldring (LHML)",
}


def people(region: str, sex: str, age: str, content: str, year: str) -> int:
    """How many people live there: only today's number and the years since 2024 have any."""
    if region not in {"3907", "3905"} or int(year) < 2024:
        return 0
    alternative = {"Personer1": -1, "Personer2": 1}.get(content, 0) if int(year) > 2026 else 0
    return int(age[:3]) % 7 + int(sex) + int(year) - 2024 + alternative + (region == "3905")


@dataclass(frozen=True)
class Table:
    """A table: its dimensions in order, each code to label."""

    label: str
    dimensions: Mapping[str, Mapping[str, str]]
    summed_over_reforms: bool = True
    signs: Mapping[tuple[str, ...], str] = field(default_factory=dict)


def _table(label: str, contents: Mapping[str, str], years: range, **more: Any) -> Table:
    dimensions = {
        "Region": REGIONS,
        "Kjonn": SEXES,
        "Alder": SINGLE_AGES,
        "ContentsCode": contents,
        "Tid": {str(year): str(year) for year in years},
    }
    return Table(label, dimensions, **more)


def standard_tables() -> dict[str, Table]:
    """The tables that the reader asks for, and some that it must not take for them."""
    fram = "Framskrevet folkemengde 1. januar, etter kjønn og alder, i 9 alternativer"
    old = {"Personer": "Hovedalternativet (MMMM)"}
    return {
        "07459": _table(
            "Alders- og kjønnsfordeling i kommuner, fylker og hele landets befolkning (K)",
            {"Personer1": "Personer"},
            range(1986, 2027),
        ),
        "12882": _table(f"{fram} (K) (AVSLUTTET SERIE)", old, range(2020, 2051)),
        "14288": _table(f"{fram} (K)", GROWTH, range(2024, 2051), summed_over_reforms=False),
        "14990": _table(f"{fram} (K)", GROWTH, range(2026, 2051), summed_over_reforms=False),
        "14282": _table("Framskrevet folkemengde i 15 alternativer", old, range(2027, 2101)),
        "14289": _table("Framskrevet folkevekst 1. januar (K)", old, range(2028, 2051)),
    }  # fmt: skip


@dataclass
class PxWeb:
    """The running server: where it is, what it was asked, how it shall misbehave.

    Moods are a status such as ``429``, ``html``, ``cut`` (closes in the middle of the answer) and
    ``form`` (JSON of another form).
    """

    base: str
    tables: dict[str, Table] = field(default_factory=standard_tables)
    discontinued: set[str] = field(default_factory=lambda: {"12882"})
    most_cells: int = MOST_CELLS
    sparse: bool = False
    asked: list[str] = field(default_factory=list)
    retry_after: str | None = None
    _moods: list[str] = field(default_factory=list)

    def fail(self, mood: str, *, times: int, after: int = 0) -> None:
        """Misbehave for the next `times` questions, once `after` were answered."""
        self._moods = [""] * after + [mood] * times

    def next_mood(self) -> str:
        return self._moods.pop(0) if self._moods else ""

    def answer(self, path: str, query: Mapping[str, str]) -> Any:
        """Return what the service says; a RefusalError where it refuses."""
        parts = path.removeprefix(PREFIX).strip("/").split("/")
        if parts == ["tables"]:
            return self._page(query)
        if parts[0] == "codeLists" and parts[1:] == ["agg_KommSummer"]:
            values = [
                {"code": code, "label": label, "valueMap": members}
                for code, (label, members) in SUMMED.items()
            ]
            told = {"id": "agg_KommSummer", "label": "Kommuner 2024, sammenslåtte tidsserier"}
            return told | {"language": "no", "type": "Aggregation", "values": values}
        if parts[0] != "tables" or parts[1] not in self.tables:
            raise RefusalError(404, "Non-existent table")
        if parts[2] == "metadata":
            return self._metadata(parts[1])
        return self._data(parts[1], query)

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        words = [word.removeprefix("title:") for word in query["query"].lower().split(" and ")]
        found = [
            (number, table)
            for number, table in self.tables.items()
            if all(word in table.label.lower() for word in words)
            and number not in self.discontinued
        ]
        size = min(int(query.get("pageSize", 20)), PAGE_SIZE)
        page = int(query.get("pageNumber", 1))
        entries = [
            {
                "type": "Table",
                "id": number,
                "label": f"{number}: {table.label}",
                "description": "",
                "updated": "2026-02-25T07:00:00Z",
                "firstPeriod": next(iter(table.dimensions["Tid"])),
                "lastPeriod": list(table.dimensions["Tid"])[-1],
                "discontinued": number in self.discontinued,
                "variableNames": ["region", "kjønn", "alder", "statistikkvariabel", "år"],
                "timeUnit": "Annual",
            }
            for number, table in found[(page - 1) * size : page * size]
        ]
        pages = {
            "pageNumber": page,
            "pageSize": size,
            "totalElements": len(found),
            "totalPages": -(-len(found) // size),
        }
        return {"language": "no", "tables": entries, "page": pages, "links": []}

    def _metadata(self, number: str) -> dict[str, Any]:
        table = self.tables[number]
        told = _dataset(number, table, dict(table.dimensions))
        for name, dimension in told["dimension"].items():
            dimension["extension"] = {"elimination": name in {"Region", "Kjonn", "Alder"}}
        lists = (
            ["agg_KommFylker", "agg_KommSummer"]
            if table.summed_over_reforms
            else ["vs_KommunFram2024Agg"]
        )
        told["dimension"]["Region"]["extension"]["codelists"] = [
            {"id": name, "label": name, "type": "Aggregation" if name[0] == "a" else "Valueset"}
            for name in lists
        ]  # fmt: skip
        return told

    def _data(self, number: str, query: Mapping[str, str]) -> dict[str, Any]:
        table = self.tables[number]
        if query.get("outputFormat") != "json-stat2":
            raise RefusalError(400, "Unsupported output format")
        kept: dict[str, dict[str, str]] = {}
        members: list[list[list[str]]] = []
        for name, codes in table.dimensions.items():
            wanted = query.get(f"valuecodes[{name}]")
            if wanted is None:
                if name in {"ContentsCode", "Tid"}:
                    raise RefusalError(400, "Missing selection for mandantory variable")
                members.append([list(codes)])
                continue
            known = {code: (label, [code]) for code, label in codes.items()}
            if query.get(f"codelist[{name}]") == "agg_KommSummer":
                known |= SUMMED
            if not set(wanted.split(",")) <= set(known):
                raise RefusalError(400, "Non-existent value")
            kept[name] = {code: known[code][0] for code in wanted.split(",")}
            members.append([known[code][1] for code in wanted.split(",")])
        told = _dataset(number, table, kept)
        if prod(told["size"]) > self.most_cells:
            raise RefusalError(400, "Too many cells selected")
        summed = [sum(people(*codes) for codes in product(*each)) for each in product(*members)]
        return told | self._numbers(table, list(product(*kept.values())), summed)

    def _numbers(
        self, table: Table, places: list[tuple[str, ...]], summed: list[int]
    ) -> dict[str, Any]:
        status = {}
        for at, codes in enumerate(places):
            sign = next((s for key, s in table.signs.items() if set(key) <= set(codes)), None)
            if sign is not None:
                status[str(at)] = sign
        value = [
            None if status.get(str(at), "*") != "*" else number for at, number in enumerate(summed)
        ]
        sparse = {str(at): number for at, number in enumerate(value) if number is not None}
        told: dict[str, Any] = {"value": sparse if self.sparse else value}
        return told | ({"status": status} if status else {})


class RefusalError(Exception):
    """What the service answers where it refuses."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(title)
        self.status, self.title = status, title


def _dataset(number: str, table: Table, kept: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return a JSON-stat2 dataset without numbers."""
    return {
        "version": "2.0",
        "class": "dataset",
        "label": f"{number}: {table.label}",
        "source": "Statistisk sentralbyrå",
        "updated": "2026-02-25T07:00:00Z",
        "id": list(kept),
        "size": [len(codes) for codes in kept.values()],
        "dimension": {
            name: {
                "label": name.lower(),
                "category": {
                    "index": {code: place for place, code in enumerate(codes)},
                    "label": dict(codes),
                },
            }
            for name, codes in kept.items()
        },
        "role": {"time": ["Tid"], "geo": ["Region"], "metric": ["ContentsCode"]},
        "extension": {"px": {"decimals": 0, "tableid": number}},
    }


@contextmanager
def pxweb() -> Iterator[PxWeb]:
    """Answer as Statistikkbanken while the block runs."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.pxweb = PxWeb(f"http://127.0.0.1:{server.server_port}{PREFIX}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.pxweb
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    pxweb: PxWeb

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hung up."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.pxweb.asked.append(self.path)
        mood = self.server.pxweb.next_mood()
        if mood.isdigit():
            self._send(int(mood), b"<html>not now</html>", "text/html")
        elif mood == "html":
            self._send(200, b"<html><p>Statistikkbanken oppdateres</p></html>", "text/html")
        elif mood == "form":
            self._send(200, b'{"columns": [], "data": []}')
        else:
            self._answer(parts.path, query, cut=mood == "cut")

    def _answer(self, path: str, query: dict[str, str], *, cut: bool) -> None:
        try:
            body = json.dumps(self.server.pxweb.answer(path, query)).encode()
        except RefusalError as refusal:
            told = {"type": "Parameter error", "title": refusal.title, "status": refusal.status}
            self._send(refusal.status, json.dumps(told).encode(), "application/problem+json")
            return
        self._send(200, body[: len(body) // 2] if cut else body, length=len(body))
        self.close_connection = cut

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", length: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("x-ratelimit-limit", "40")
        if status == 429 and self.server.pxweb.retry_after:
            self.send_header("Retry-After", self.server.pxweb.retry_after)
        self.end_headers()
        self.wfile.write(body)
