"""Geonorge: which official downloads there are of a municipality, and ordering them.

The download API is a shop: `capabilities` says where its code lists are, the code list of areas
says what can be had of each, an order gives a receipt with files, and each file has an address once
it is ready. Open data need neither a login nor an e-mail address, and none is sent.
"""

from __future__ import annotations

import difflib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import geopandas as gpd
import numpy as np
import requests
import shapely

from arealstrategi.area import WGS84, utm_zone
from arealstrategi.errors import InputError, OnlineError
from arealstrategi.sources import web

T = TypeVar("T", dict[str, Any], list[Any])

POLL_S = 10.0  # between two questions whether an order is ready
BESIDE_M = 3_000.0  # heights are wanted this far beyond a municipality's box
CELL_M = 50_000.0
READY, WAITING = "ReadyForDownload", "WaitingForProcessing"
USUAL_EPSG = ("25833", "25832", "25835")
VECTOR = ("GeoPackage", "GPKG", "FGDB", "GML", "GeoJSON")

_REL = "http://rel.geonorge.no/download/"
_LOGIN = re.compile(r"signin|sign-in|geoid|login|logg[ -]?inn", re.IGNORECASE)
_HINT = "Wait some minutes and run again; or download it by hand from {page} and name the file."

# Numbers of large municipalities before the reforms of 2020 and 2024, to today's.
EARLIER = {
    "0219": "3201", "3024": "3201", "0220": "3203", "3025": "3203", "3005": "3301",
    "3801": "3901", "3802": "3903", "3803": "3905", "3804": "3907", "3805": "3909",
    "3811": "3911", "3806": "4001", "3807": "4003", "1201": "4601", "1601": "5001",
}  # fmt: skip


class RestrictedError(OnlineError):
    """The data set is for those who have logged in."""


class MissingError(OnlineError):
    """What was asked for is not there, or no longer."""


@dataclass(frozen=True)
class Addresses:
    """Where the three services are.

    Parameters
    ----------
    download
        The download API.
    catalogue
        The catalogue, which knows the members of a series.
    municipalities
        Kartverket's list of municipalities.
    """

    download: str = "https://nedlasting.geonorge.no/api"
    catalogue: str = "https://kartkatalog.geonorge.no/api"
    municipalities: str = "https://api.kartverket.no/kommuneinfo/v1"


@dataclass(frozen=True)
class Dataset:
    """An official data set.

    Parameters
    ----------
    title, uuid
        As in the catalogue.
    formats
        Beginnings of the names of the formats that are read, the best first.
    attribution, licence
        What its users must name and keep to.
    is_series
        Whether it is a series, of which the member of the newest year is meant.
    """

    title: str
    uuid: str
    formats: tuple[str, ...] = VECTOR
    attribution: str = "© Kartverket"
    licence: str = "CC BY 4.0"
    is_series: bool = False

    @property
    def page(self) -> str:
        """Where people find it."""
        return f"https://kartkatalog.geonorge.no/metadata/{self.uuid}"

    @property
    def hint(self) -> str:
        """What to do when it does not come."""
        return _HINT.format(page=self.page)


DATASETS: dict[str, Dataset] = {
    "parcels": Dataset("Matrikkelen – Eiendomskart Teig", "74340c24-1c8a-4454-b813-bfe498e80f16"),
    "borders": Dataset("Administrative enheter kommuner", "041f1e6e-bdbc-4091-b48f-8a5990f3cc5b"),
    "population": Dataset(
        "Befolkning på rutenett 250 m",
        "0c0ad0ce-55e8-4d73-9c12-0eb0e2454acb",
        attribution="Kilde: SSB",
        is_series=True,
    ),
    "elevation": Dataset(
        "DTM 10 Terrengmodell (UTM33)", "dddbb667-1303-4ac5-8640-7ec04c0e3918", ("TIFF", "GeoTIFF")
    ),
}


@dataclass(frozen=True)
class Municipality:
    """A municipality: its four digits, its name and its box (west, south, east, north; degrees)."""

    number: str
    name: str
    bounds: tuple[float, float, float, float]


@dataclass(frozen=True)
class Choice:
    """What to order.

    Parameters
    ----------
    body
        The order as the API takes it.
    area
        Kind of its areas: ``kommune``, ``fylke``, ``landsdekkende`` or a cell.
    told
        The choice in words.
    address
        Where to order.
    """

    body: dict[str, Any]
    area: str
    told: str
    address: str = field(compare=False)


@dataclass(frozen=True)
class Delivery:
    """One file of an order; without an address until it is ready."""

    name: str
    status: str
    address: str


@dataclass(frozen=True)
class Receipt:
    """What the API says of an order."""

    reference: str
    files: tuple[Delivery, ...]

    @property
    def waits(self) -> bool:
        """Whether a file is still being made."""
        return any(file.status == WAITING for file in self.files)


# -- which municipality --------------------------------------------------------------------------


def find_municipality(asked: str, addresses: Addresses) -> Municipality:
    """Find a municipality by its number.

    Raises
    ------
    InputError
        No municipality has it; the message names those that may be meant.
    OnlineError
        The list of municipalities cannot be had.
    """
    base, about = f"{addresses.municipalities}/kommuner", DATASETS["borders"]
    listed = {
        str(one["kommunenummer"]): str(one.get("kommunenavnNorsk") or one.get("kommunenavn") or "")
        for one in _dicts(_json("GET", base, list, about))
        if "kommunenummer" in one
    }
    if not listed:
        raise OnlineError(f"{base} lists no municipality", hint=about.hint)
    if asked not in listed:
        raise _unknown(asked, listed)
    box = _json("GET", f"{base}/{asked}", dict, about).get("avgrensningsboks")
    with suppress(shapely.errors.GEOSException):
        west, south, east, north = shapely.from_geojson(json.dumps(box)).bounds
        if np.isfinite([west, south, east, north]).all():
            return Municipality(asked, listed[asked], (west, south, east, north))
    raise OnlineError(f"{base}/{asked} does not say where it is", hint=about.hint)


def _unknown(asked: str, listed: Mapping[str, str]) -> InputError:
    message = f"{asked!r} is not the number of a Norwegian municipality"
    now = EARLIER.get(asked, "")
    if now in listed:
        return InputError(
            f"{message} any more", hint=f"Since the reform of 2024 {listed[now]} has {now}."
        )
    by_name = {name.casefold(): number for number, name in listed.items()}
    near = difflib.get_close_matches(asked.zfill(4), listed, n=3, cutoff=0.7)
    near += [by_name[n] for n in difflib.get_close_matches(asked.casefold(), by_name, n=3)]
    told = ", ".join(f"{number} {listed[number]}" for number in dict.fromkeys(near))
    hint = f"Perhaps: {told}. " if told else ""
    return InputError(message, hint=f"{hint}Give its four digits; many changed in 2020 and 2024.")


# -- what can be had -----------------------------------------------------------------------------


def newest_member(dataset: Dataset, addresses: Addresses) -> Dataset:
    """Return the member of a series that has the newest year at the end of its title.

    Raises
    ------
    OnlineError
        The catalogue does not say.
    """
    address = f"{addresses.catalogue}/getdata/{dataset.uuid}"
    years = {}
    for member in _dicts(_json("GET", address, dict, dataset).get("SerieDatasets")):
        found = re.search(r"(?<!\d)(\d{4})\s*$", str(member.get("Title", "")))
        if found and member.get("Uuid"):
            years[int(found[1])] = (str(member["Title"]).strip(), str(member["Uuid"]))
    if not years:
        raise OnlineError(
            f"{address} lists no member of the series with a year in its title", hint=dataset.hint
        )
    title, uuid = years[max(years)]
    return Dataset(title, uuid, dataset.formats, dataset.attribution, dataset.licence)


def choose(
    dataset: Dataset, place: Municipality, addresses: Addresses, *, crs: str | None = None
) -> Choice:
    """Find out what can be had of a municipality, and choose.

    The smallest area counts first: the municipality, cells that meet its box, the county, the
    country; then the format; then the CRS: the one asked for, else the UTM zone of the place, else
    another UTM zone, else any.

    Parameters
    ----------
    dataset, place, addresses
        What is wanted.
    crs
        Such as ``EPSG:25832``; only this one then.

    Raises
    ------
    OnlineError, RestrictedError
        The data set is not there, not open, or nothing of it suits.
    """
    links = _links(dataset, addresses)
    areas = [a for a in _dicts(_json("GET", links["area"], list, dataset)) if _offers(a)]
    kind, found = _smallest(areas, place)
    if not found:
        kinds = ", ".join(sorted({str(area.get("type")) for area in areas})) or "none"
        raise OnlineError(
            f"Geonorge has no {dataset.title} of {place.number} {place.name} "
            f"(kinds of areas: {kinds})",
            hint=dataset.hint,
        )
    others = [_offers(area) for area in found[1:]]
    shared = [offer for offer in _offers(found[0]) if all(offer in other for other in others)]
    code, name = _best(dataset, shared, _wanted_epsg(place, crs), only=crs is not None)
    line = {
        "metadataUuid": dataset.uuid,
        "areas": [{k: str(a.get(k, "")) for k in ("code", "name", "type")} for a in found],
        "projections": [_projection(found[0], code)],
        "formats": [{"name": name}],
    }
    named = ", ".join(str(area.get("name") or area.get("code")) for area in found)
    told = f"{named} ({kind}), {name.strip()}, EPSG:{code}"
    return Choice({"orderLines": [line]}, kind, told, links["order"])


def _links(dataset: Dataset, addresses: Addresses) -> dict[str, str]:
    base = addresses.download
    told = _json(
        "GET",
        f"{base}/capabilities/{dataset.uuid}",
        dict,
        dataset,
        missing=f"Geonorge does not offer {dataset.title} ({dataset.uuid}) for download",
    )
    if told.get("accessConstraintRequiredRole"):
        raise _restricted(dataset)
    links = {"area": f"{base}/codelists/area/{dataset.uuid}", "order": f"{base}/order"}
    for link in _dicts(told.get("_links")):
        rel = str(link.get("rel", "")).removeprefix(_REL)
        if rel in links and str(link.get("href", "")).startswith("http"):
            links[rel] = str(link["href"])
    return links


def _offers(area: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what there is of an area: CRS code and format, as they are written there."""
    pairs = [
        (str(projection.get("code")), str(file_format.get("name")))
        for projection in _dicts(area.get("projections"))
        for file_format in _dicts(projection.get("formats"))
    ]
    return pairs or [
        (str(projection.get("code")), str(file_format.get("name")))
        for file_format in _dicts(area.get("formats"))
        for projection in _dicts(file_format.get("projections"))
    ]


def _projection(area: Mapping[str, Any], code: str) -> dict[str, str]:
    known = {str(one.get("code")): one for one in _dicts(area.get("projections"))}.get(code, {})
    space = f"http://www.opengis.net/def/crs/EPSG/0/{code}"
    name, codespace = known.get("name") or f"EPSG:{code}", known.get("codespace") or space
    return {"code": code, "name": str(name), "codespace": str(codespace)}


def _smallest(
    areas: Sequence[Mapping[str, Any]], place: Municipality
) -> tuple[str, list[Mapping[str, Any]]]:
    wanted = {"kommune": {place.number}, "celle": cells_over(place), "fylke": {place.number[:2]}}
    for kind, codes in (*wanted.items(), ("landsdekkende", None)):
        found = [
            area
            for area in areas
            if _kind(area) == kind and (codes is None or str(area.get("code")) in codes)
        ]
        if found:
            return kind, found
    return "", []


def _kind(area: Mapping[str, Any]) -> str:
    kind = str(area.get("type", "")).strip().casefold()
    return "celle" if kind == "ikke spesifisert" else kind  # so some lists call their cells


def cells_over(place: Municipality) -> set[str]:
    """Return the cells of DTM 10 that meet a municipality's box and `BESIDE_M` around it.

    A cell's code is the northing and the easting of a square of 100 km in EPSG:25833, in units of
    100 km with two digits each, and its quarter: 1 is north-east, then clockwise.
    """
    west, south, east, north = (int(v // CELL_M) for v in bounds_around(place, 25833, BESIDE_M))
    quarters = {(1, 1): 1, (0, 1): 2, (0, 0): 3, (1, 0): 4}  # (north half, east half)
    return {
        f"{row // 2 % 100:02d}{column // 2 % 100:02d}-{quarters[row % 2, column % 2]}"
        for row in range(south, north + 1)
        for column in range(west, east + 1)
    }


def bounds_around(
    place: Municipality, epsg: int, beside_m: float
) -> tuple[float, float, float, float]:
    """Return the box of a municipality and so much around it, in a CRS in metres."""
    outline = gpd.GeoSeries([shapely.box(*place.bounds)], crs=WGS84).segmentize(0.01)
    west, south, east, north = outline.to_crs(epsg).buffer(beside_m).total_bounds
    return float(west), float(south), float(east), float(north)


def zone_of_place(place: Municipality) -> int:
    """Return the EPSG code of the UTM zone in which a municipality lies."""
    west, south, east, north = place.bounds
    return int(utm_zone((west + east) / 2, (south + north) / 2).to_epsg() or 0)


def _wanted_epsg(place: Municipality, crs: str | None) -> list[str]:
    if crs is not None:
        return [crs.upper().removeprefix("EPSG:").strip()]
    return [str(zone_of_place(place)), *USUAL_EPSG]


def _best(
    dataset: Dataset, offers: Sequence[tuple[str, str]], epsg: Sequence[str], *, only: bool
) -> tuple[str, str]:
    """Return the best CRS code and format: format first, then the earliest CRS in `epsg`."""
    for beginning in dataset.formats:
        there = [
            offer
            for offer in offers
            if offer[1].strip().casefold().startswith(beginning.casefold())
        ]
        for code in epsg:
            for offer in there:
                if offer[0] == code:
                    return offer
        if there and not only:
            return there[0]
    told = ", ".join(f"{name.strip()} in EPSG:{code}" for code, name in offers) or "nothing"
    wanted = " or ".join(dataset.formats) + (f" in EPSG:{epsg[0]}" if only else "")
    raise OnlineError(
        f"{dataset.title}: Geonorge does not give it as {wanted}; it gives {told}",
        hint=dataset.hint,
    )


# -- the order -----------------------------------------------------------------------------------


def place_order(dataset: Dataset, choice: Choice) -> Receipt:
    """Order what was chosen.

    Raises
    ------
    OnlineError, RestrictedError
        The order was not taken, or is of no file.
    """
    try:
        told = _json("POST", choice.address, dict, dataset, body=choice.body)
    except RestrictedError:
        raise
    except OnlineError as error:
        if "restricted dataset" in error.message.casefold():  # the API says so with status 500
            raise _restricted(dataset) from None
        raise
    return _receipt(dataset, told)


def read_order(dataset: Dataset, choice: Choice, reference: str) -> Receipt:
    """Ask how an order stands.

    Raises
    ------
    OnlineError, RestrictedError
        The order is not known, or the API does not say.
    """
    address = f"{choice.address}/{reference}"
    missing = f"Geonorge no longer knows the order {reference} of {dataset.title}"
    return _receipt(dataset, _json("GET", address, dict, dataset, missing=missing))


def await_order(
    dataset: Dataset,
    choice: Choice,
    receipt: Receipt,
    *,
    patience_s: float,
    progress: Callable[[str], None],
) -> Receipt:
    """Ask again until every file of an order is ready or has failed.

    Raises
    ------
    OnlineError
        It is not ready in time; or as `read_order`.
    """
    until = time.monotonic() + patience_s
    while receipt.waits:
        if time.monotonic() + POLL_S > until:
            raise OnlineError(
                f"{dataset.title}: Geonorge had not made the files ready after {patience_s:.0f} s; "
                f"the order {receipt.reference} is remembered",
                hint="Run the same command again later: the order is asked for, not placed anew.",
            )
        progress(f"{dataset.title}: Geonorge is making the files")
        time.sleep(POLL_S)
        receipt = read_order(dataset, choice, receipt.reference)
    return receipt


def _receipt(dataset: Dataset, told: Mapping[str, Any]) -> Receipt:
    files = tuple(
        Delivery(
            str(file.get("name") or ""),
            str(file.get("status") or ""),
            str(file.get("downloadUrl") or ""),
        )
        for file in _dicts(told.get("files"))
    )
    if not files or not told.get("referenceNumber"):
        raise OnlineError(
            f"{dataset.title}: Geonorge took the order but lists no file for it",
            hint=dataset.hint,
        )
    return Receipt(str(told["referenceNumber"]), files)


# -- asking --------------------------------------------------------------------------------------


def checker(dataset: Dataset, *, missing: str = "") -> Callable[[requests.Response], None]:
    """Return a check of answers that recognises the way to a login, and a page that is no data.

    Parameters
    ----------
    dataset
        What is asked about.
    missing
        What it means that nothing is there.
    """

    def check(answer: requests.Response) -> None:
        there = urlsplit(urljoin(answer.url, answer.headers.get("Location", "")))
        to_login = answer.is_redirect and _LOGIN.search(f"{there.netloc}{there.path}")
        if to_login or answer.status_code in {401, 403}:
            answer.close()
            raise _restricted(dataset)
        if missing and answer.status_code in {404, 410}:
            answer.close()
            raise MissingError(missing, hint=dataset.hint)
        if answer.ok and not answer.is_redirect and _is_page(answer):
            start = answer.raw.read(4096, decode_content=True).decode(errors="replace")
            answer.close()
            if _LOGIN.search(start):
                raise _restricted(dataset)
            raise web.UnansweredError("it answered with a web page instead of data")

    return check


def _is_page(answer: requests.Response) -> bool:
    return answer.headers.get("Content-Type", "").casefold().startswith("text/html")


def _restricted(dataset: Dataset) -> RestrictedError:
    return RestrictedError(
        f"{dataset.title}: Geonorge asks for a login; the data set is not open "
        "(«krever Norge digitalt-avtale»)",
        hint=f"Log in and download it by hand from {dataset.page}, and name the file in the "
        "strategy file.",
    )


def _json(
    method: str,
    address: str,
    kind: type[T],
    dataset: Dataset,
    *,
    missing: str = "",
    body: dict[str, Any] | None = None,
) -> T:
    """Ask for JSON of one kind; ``missing`` is what it means that nothing is there."""
    check = checker(dataset, missing=missing)
    hooks = {"response": lambda answer, **_: check(answer)}
    headers = {"Accept": "application/json"}

    def question() -> T:
        answer = web.once(method, address, json=body, headers=headers, hooks=hooks)
        try:
            told = answer.json()
        except requests.exceptions.JSONDecodeError:
            start = " ".join(answer.text[:80].split())
            raise web.UnansweredError(f"the answer is no JSON, it begins with {start!r}") from None
        if not isinstance(told, kind):
            raise web.UnansweredError(f"the answer is no {kind.__name__}: {str(told)[:80]!r}")
        return told

    return web.ask(address, question, hint=dataset.hint)


def _dicts(value: object) -> list[dict[str, Any]]:
    """Return what of a list are objects."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
