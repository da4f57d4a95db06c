"""OGC API – Features: GeoJSON, page after page along the links to the next."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

import geopandas as gpd
import pyproj

from arealstrategi.sources.remote.kept import Served, Window, read_features
from arealstrategi.sources.remote.service import (
    OGC_API,
    Service,
    choose,
    question,
    read_json,
    refused,
)
from arealstrategi.sources.web import UnansweredError

PAGE = 1000
CRS84 = pyproj.CRS.from_user_input("OGC:CRS84")

_ACCEPT = "application/geo+json, application/json;q=0.9"
_COLLECTION = re.compile(r"/collections(?:/(?P<id>[^/]+)(?:/items)?)?/?$")

Thing = dict[str, Any]


def read_layer(service: Service, layer: str | None, window: Window, room: Path) -> Served:
    """Read the features of a collection that meet the window; the rest as in `fetch_layer`."""
    root, named = _split(service.url)
    collection = _collection(service, root, layer if layer is not None else named)
    name = str(collection["id"])
    items = f"{root}/collections/{quote(name, safe='')}/items"
    bbox = ",".join(f"{degrees:.8f}" for degrees in window.bounds_in(CRS84))
    features = _read_pages(service, items, {"limit": str(PAGE), "bbox": bbox})
    sample = features or question(
        service, _read_page, {"limit": "1"}, url=items, accept=_ACCEPT
    ).get("features", [])
    table = _table(sample, room / "features.geojson").iloc[: len(features)]
    return Served(
        table,
        name,
        OGC_API,
        title=str(collection.get("title") or name),
        licence=_licence(collection) or _licence(_landing(service, root)),
        attribution=str(collection.get("attribution") or ""),
    )


def _split(url: str) -> tuple[str, str | None]:
    """Return the address of the landing page, and the collection where the address names one."""
    match = _COLLECTION.search(url)
    return (url[: match.start()], match["id"]) if match else (url.rstrip("/"), None)


def _landing(service: Service, root: str) -> Thing:
    return question(service, read_json, {}, url=f"{root}/", accept="application/json")


def _collection(service: Service, root: str, name: str | None) -> Thing:
    """Return the description of the collection; an error lists those that there are."""
    address = f"{root}/collections"
    told = question(service, read_json, {}, url=address, accept="application/json")
    listed = [thing for thing in told.get("collections", []) if _holds_features(thing)]
    return choose(service, {str(thing["id"]): thing for thing in listed}, name)


def _holds_features(collection: Thing) -> bool:
    """Say whether a collection has features: coverages and tiles have no items."""
    rels = {link.get("rel") for link in collection.get("links", [])}
    return "items" in rels or not rels


def _licence(described: Thing) -> str:
    """Return what the link to the licence says and where it leads."""
    for link in described.get("links", []):
        if link.get("rel") == "license":
            parts = (str(link.get(part) or "") for part in ("title", "href"))
            return " ".join(filter(None, parts))
    return ""


def _read_page(content: bytes) -> Thing:
    page = read_json(content)
    if not isinstance(page.get("features"), list):
        told = page.get("description") or page.get("detail") or page.get("title") or "no features"
        raise UnansweredError(f"it answered: {told}", final=True)
    return page


def _read_pages(service: Service, items: str, params: Mapping[str, str]) -> list[Thing]:
    """Read page after page; what comes twice or not at all is an error."""
    features: list[Thing] = []
    asked: set[str] = set()
    seen: set[str] = set()
    at: tuple[str, Mapping[str, str]] | None = (items, params)
    page: Thing = {}
    while at is not None:
        asked.add(json.dumps(at))
        page = question(service, _read_page, at[1], url=at[0], accept=_ACCEPT)
        new = {_identity(feature) for feature in page["features"]}
        if new & seen:
            raise refused(service, f"gave {len(new & seen)} features again on the next page")
        seen |= new
        features += page["features"]
        at = _next(service, at[0], page)
        if at is not None and json.dumps(at) in asked:
            raise refused(service, "its links to the next page go round in a circle")
    matched = page.get("numberMatched")
    if isinstance(matched, int) and matched != len(features):
        raise refused(service, f"told of {matched} features but gave {len(features)}")
    return features


def _identity(feature: Thing) -> str:
    number = feature.get("id")
    return json.dumps(feature if number is None else [number], sort_keys=True)


def _next(service: Service, base: str, page: Thing) -> tuple[str, Mapping[str, str]] | None:
    """Return address and parameters of the next page: on the same host, as it was asked itself.

    Behind a proxy services name themselves by ``http`` and without their port.
    """
    href = next((str(k["href"]) for k in page.get("links", []) if k.get("rel") == "next"), None)
    if href is None:
        return None
    there, here = urlsplit(urljoin(base, href)), urlsplit(service.url)
    if there.scheme not in {"http", "https"} or there.hostname != here.hostname:
        raise refused(service, f"leads to another machine for the next page ({there.hostname})")
    return f"{here.scheme}://{here.netloc}{there.path}", dict(parse_qsl(there.query))


def _table(features: list[Thing], path: Path) -> gpd.GeoDataFrame:
    if not features:
        return gpd.GeoDataFrame(geometry=[], crs=CRS84)
    plain = [
        {
            "type": "Feature",
            "properties": _with_id(feature),
            "geometry": feature.get("geometry"),
        }
        for feature in features
    ]
    whole = {"type": "FeatureCollection", "features": plain}
    path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
    return read_features(path)


def _with_id(feature: Thing) -> Thing:
    """Return the attributes with the identity, which servers take out of them."""
    attributes: Thing = feature.get("properties") or {}
    if feature.get("id") is None or "id" in attributes:
        return attributes
    return {"id": feature["id"], **attributes}
