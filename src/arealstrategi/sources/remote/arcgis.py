"""ArcGIS REST: first the numbers of all objects in the area, then the objects, some at a time.

Asking by number needs no paging of the server, works on every version, and shows what is missing.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyproj
from pyproj.exceptions import CRSError

from arealstrategi.errors import InputError
from arealstrategi.sources.remote.kept import Served, Window, read_features
from arealstrategi.sources.remote.service import (
    ARCGIS,
    Service,
    choose,
    question,
    read_json,
    refused,
)
from arealstrategi.sources.web import UnansweredError

log = logging.getLogger(__name__)

PAGE = 1000
WGS84 = 4326

_LAYER = re.compile(r"(/(?:Map|Feature)Server)(?:/(?P<number>\d+))?(?:/query)?/?$", re.IGNORECASE)
_TOKEN_ERRORS = {498, 499}
_PASSING_ERRORS = {429, 500, 502, 503, 504}
_NO_COLUMN = {"esriFieldTypeGeometry", "esriFieldTypeBlob", "esriFieldTypeRaster"}

Thing = dict[str, Any]


def read_layer(service: Service, layer: str | None, window: Window, room: Path) -> Served:
    """Read the features of a layer that meet the window; the rest as in `fetch_layer`."""
    url = _layer_url(service, layer)
    described = question(service, _read, {"f": "json"}, url=url)
    if not described.get("geometryType"):
        raise InputError(
            f"{service.told}: '{described.get('name')}' has no geometry",
            hint="Choose a layer with polygons, lines or points.",
        )
    code = _crs_code(described)
    bounds = window.bounds_in(_crs(code))
    window_params = {
        "f": "json",
        "where": "1=1",
        "geometry": ",".join(f"{value:.8f}" for value in bounds),
        "geometryType": "esriGeometryEnvelope",
        "spatialRel": "esriSpatialRelIntersects",
        "inSR": str(code),
        "outSR": str(code),
    }
    return Served(
        read_features(_write_features(service, url, described, window_params, room)),
        str(described.get("name") or described["id"]),
        ARCGIS,
        title=str(described.get("name") or ""),
        attribution=str(described.get("copyrightText") or "").strip(),
    )


def _read(content: bytes) -> Thing:
    """Return an answer; errors come with status 200."""
    told = read_json(content)
    error = told.get("error")
    if not isinstance(error, dict):
        return told
    code = error.get("code")
    parts = [str(error.get("message") or ""), *map(str, error.get("details") or [])]
    what = f"it answered error {code}: {' '.join(filter(None, parts)).strip()}"
    if code in _TOKEN_ERRORS:
        what += " (it wants a valid token: end the address with ?token= and ${NAME})"
    raise UnansweredError(what, final=code not in _PASSING_ERRORS)


def _layer_url(service: Service, layer: str | None) -> str:
    """Return the address of the layer: its number stands in the address, or is looked up."""
    match = _LAYER.search(service.url)
    root = service.url[: match.end(1)] if match else service.url.rstrip("/")
    number = match["number"] if match else None
    told = question(service, _read, {"f": "json"}, url=root) if number is None or layer else {}
    listed = [thing for thing in told.get("layers", []) if thing.get("type") != "Group Layer"]
    if number is None or layer:
        names = {str(thing["name"]): str(thing["id"]) for thing in listed}
        numbers = {str(thing["id"]): str(thing["id"]) for thing in listed}
        found = choose(service, names if layer not in numbers else numbers, layer)
        if number is not None and found != number:
            raise InputError(
                f"{service.told}: the address names layer {number}, but '{layer}' is {found}",
                hint=f"Leave out `layer` under {service.key}, or the number in the address.",
            )
        number = found
    return f"{root}/{number}"


def _crs_code(described: Mapping[str, Any]) -> int:
    """Return the number of the CRS that the layer is kept in; WGS 84 where it has none."""
    extent = described.get("extent") or {}
    told = described.get("sourceSpatialReference") or extent.get("spatialReference") or {}
    for name in ("latestWkid", "wkid"):
        code = told.get(name)
        if isinstance(code, int) and _known(code):
            return code
    return WGS84


def _known(code: int) -> bool:
    try:
        _crs(code)
    except CRSError:
        return False
    return True


def _crs(code: int) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_epsg(code)
    except CRSError:
        return pyproj.CRS.from_authority("ESRI", code)


def _write_features(
    service: Service, url: str, described: Thing, params: Mapping[str, str], room: Path
) -> Path:
    """Write all features of the window as one Esri JSON file."""
    oid, numbers = _numbers(service, url, described, params)
    most = described.get("maxRecordCount")
    size = min(PAGE, most) if isinstance(most, int) and most > 0 else PAGE
    waiting = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    features: list[Thing] = []
    while waiting:
        chunk = waiting.pop()
        found = _read_chunk(service, url, params, oid, chunk)
        if len(found) == len(chunk):
            features += found
        elif len(chunk) == 1:
            raise refused(
                service, f"does not give the object with {oid} {chunk[0]} that it told of"
            )
        else:  # it gives fewer at a time than it says
            middle = len(chunk) // 2
            waiting += [chunk[:middle], chunk[middle:]]
    fields = [f for f in described.get("fields") or [] if f.get("type") not in _NO_COLUMN]
    whole = {
        "geometryType": described["geometryType"],
        "spatialReference": {"wkid": int(params["outSR"])},
        "fields": fields,
        "features": sorted(features, key=lambda feature: int(feature["attributes"][oid])),
    }
    path = room / "features.json"
    path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
    return path


def _numbers(
    service: Service, url: str, described: Thing, params: Mapping[str, str]
) -> tuple[str, list[int]]:
    """Return the name of the column with the objects' numbers, and those in the window."""
    told = question(service, _read, {**params, "returnIdsOnly": "true"}, url=f"{url}/query")
    numbers = told.get("objectIds") or []  # null where there is none
    named = told.get("objectIdFieldName") or described.get("objectIdField")
    if not named:
        kinds = {f.get("type"): str(f["name"]) for f in described.get("fields") or []}
        named = kinds.get("esriFieldTypeOID")
    if not named:
        raise refused(service, "has no numbers for its objects, so they cannot be fetched in parts")
    return str(named), sorted({int(number) for number in numbers})


def _read_chunk(
    service: Service, url: str, params: Mapping[str, str], oid: str, chunk: list[int]
) -> list[Thing]:
    """Return those of the objects that the server gives; it may stop at its limit."""
    some = {"where": f"{oid} >= {chunk[0]} AND {oid} <= {chunk[-1]}", "outFields": "*"}
    page = question(service, _read, {**params, **some}, url=f"{url}/query")
    wanted = set(chunk)
    by_number = {f.get("attributes", {}).get(oid): f for f in page.get("features") or []}
    return [feature for number, feature in by_number.items() if number in wanted]
