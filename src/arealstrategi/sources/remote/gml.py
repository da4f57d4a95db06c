"""XML and GML as services answer it: read with care, one geometry per feature, then GDAL."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import pyproj

from arealstrategi.sources.remote.kept import read_features
from arealstrategi.sources.remote.service import beginning
from arealstrategi.sources.web import UnansweredError

_GML = "http://www.opengis.net/gml"
GML_32 = f"{_GML}/3.2"
_HEAD = '<c:FeatureCollection xmlns:c="http://www.opengis.net/wfs/2.0" xmlns:gml="%s">'
HEAD = (_HEAD % GML_32).encode()
MEMBER = b"<c:member>%s</c:member>\n"
FOOT = b"</c:FeatureCollection>"
_SURFACES = {
    "CompositeSurface", "MultiPolygon", "MultiSurface", "Polygon", "PolyhedralSurface", "Surface",
}  # fmt: skip
_LINES = {
    "CompositeCurve", "Curve", "LineString", "MultiCurve", "MultiLineString", "OrientableCurve",
}  # fmt: skip
_OTHERS = {"MultiGeometry", "MultiPoint", "Point"}


def read_xml(content: bytes) -> tuple[ET.Element, dict[str, str]]:
    """Return the root of an answer and what its prefixes stand for; an exception report is none."""
    if b"<!DOCTYPE" in content[:2000] or b"<!ENTITY" in content:
        what = f"the answer is a document that may unfold without an end ({beginning(content)})"
        raise UnansweredError(what, final=b"<html" not in content[:2000].lower())
    spaces: dict[str, str] = {}
    root: ET.Element | None = None
    try:
        for event, found in ET.iterparse(io.BytesIO(content), ("start", "start-ns")):  # noqa: S314
            if event == "start-ns":
                spaces.setdefault(*found)
            elif root is None:
                root = found
    except ET.ParseError as error:
        what = f"the answer is no whole XML document ({error}; it begins {beginning(content)})"
        raise UnansweredError(what) from None
    if root is None:
        raise UnansweredError("the answer is empty")
    if local(root) in {"ExceptionReport", "ServiceExceptionReport"}:
        raise UnansweredError(f"it answered: {_exception(root)}", final=True)
    return root, spaces


def _exception(root: ET.Element) -> str:
    parts = []
    for element in root.iter():
        if local(element) in {"Exception", "ServiceException"}:
            code = element.get("exceptionCode") or element.get("code") or ""
            parts.append(" ".join(filter(None, [code, element.get("locator", "")])))
        parts.append(" ".join((element.text or "").split()))
    return ": ".join(filter(None, parts))[:500] or "an exception without a text"


def local(element: ET.Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def all_of(root: ET.Element, name: str) -> Iterator[ET.Element]:
    """Yield the elements of that name, at any depth."""
    return (element for element in root.iter() if local(element) == name)


def text_of(root: ET.Element, name: str) -> str:
    """Return the text of the first element of that name, or nothing."""
    return next((" ".join((e.text or "").split()) for e in all_of(root, name)), "")


def features_of(root: ET.Element, name: str) -> list[ET.Element]:
    """Return the features of that type: references come with other things they refer to."""
    members = [m for m in root if local(m) in {"member", "featureMember", "featureMembers"}]
    return [feature for m in members for feature in m if local(feature) == name]


def first_crs(root: ET.Element) -> str | None:
    """Return the first name of a CRS at any depth."""
    return next((e.get("srsName") for e in root.iter() if e.get("srsName")), None)


def piece_of(feature: ET.Element, told: str) -> bytes:
    """Return a feature as text, with one geometry that says its CRS, and without its envelope.

    GDAL takes the last of several geometries; a parcel is its polygon, not the point in it.
    """
    told = first_crs(feature) or told
    for envelope in [child for child in feature if local(child) == "boundedBy"]:
        feature.remove(envelope)
    found = list(_geometries(feature))
    if found:
        best = max(found, key=lambda pair: _rank(pair[1]))[1]
        for parent, geometry in found:
            if geometry is not best:
                parent.remove(geometry)
        best.set("srsName", best.get("srsName") or told)
    feature.tail = None
    return ET.tostring(feature, encoding="unicode").encode()


def _geometries(parent: ET.Element) -> Iterator[tuple[ET.Element, ET.Element]]:
    """Yield the outermost geometries below an element, each with what holds it."""
    for child in parent:
        if child.tag.startswith(f"{{{_GML}") and _rank(child) >= 0:
            yield parent, child
        else:
            yield from _geometries(child)


def _rank(geometry: ET.Element) -> int:
    name = local(geometry)
    return 2 if name in _SURFACES else 1 if name in _LINES else 0 if name in _OTHERS else -1


def read_gml(path: Path, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Read the pieces of a file between `HEAD` and `FOOT`; `crs` is that of one without any."""
    if path.stat().st_size == len(HEAD) + len(FOOT):
        return gpd.GeoDataFrame(geometry=[], crs=crs)
    table = read_features(path, DOWNLOAD_SCHEMA="NO")
    return table if table.crs is not None else table.set_crs(crs)
