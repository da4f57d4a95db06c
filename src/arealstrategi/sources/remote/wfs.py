"""WFS 2.0: GML page after page, every feature once, read by GDAL."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pyproj
from pyproj.exceptions import CRSError

from arealstrategi.errors import OnlineError
from arealstrategi.sources.remote.gml import (
    FOOT,
    GML_32,
    HEAD,
    MEMBER,
    all_of,
    features_of,
    first_crs,
    local,
    piece_of,
    read_gml,
    read_xml,
    text_of,
)
from arealstrategi.sources.remote.kept import Bounds, Served, Window
from arealstrategi.sources.remote.service import (
    WFS,
    Service,
    beginning,
    choose,
    question,
    refused,
)
from arealstrategi.sources.remote.wfs_schema import column_types
from arealstrategi.sources.web import UnansweredError

log = logging.getLogger(__name__)

PAGE = 1000
VERSION = "2.0.0"
CAPABILITIES = {"service": "WFS", "version": VERSION, "request": "GetCapabilities"}

_STALE = {
    "bbox", "count", "maxfeatures", "namespaces", "outputformat", "propertyname", "request",
    "resulttype", "service", "srsname", "startindex", "typename", "typenames", "version",
}  # fmt: skip


@dataclass(frozen=True)
class FeatureType:
    """A feature type as the capabilities describe it.

    Parameters
    ----------
    name
        With its prefix.
    namespaces
        What the prefix stands for, as a parameter; empty where that is not told.
    title
        What people call it.
    crs
        The CRS the service gives it in.
    page
        How many features to ask for at a time.
    rights
        Fees and constraints of access.
    """

    name: str
    namespaces: Mapping[str, str]
    title: str
    crs: str
    page: int
    rights: str

    @property
    def local(self) -> str:
        """The name without its prefix."""
        return self.name.rpartition(":")[2]


def read_layer(service: Service, layer: str | None, window: Window, room: Path) -> Served:
    """Read the features of a type that meet the window; the rest as in `fetch_layer`."""
    asked = {name.lower(): value for name, value in service.own.items()}
    own = {name: value for name, value in service.own.items() if name.lower() not in _STALE}
    service = replace(service, own=own)
    kind = _feature_type(service, layer or asked.get("typenames") or asked.get("typename"))
    code, crs = _crs(service, kind)
    params = _params("GetFeature", kind) | {
        "srsName": code,
        "bbox": ",".join([*(f"{v:.8f}" for v in _ordered(window.bounds_in(crs), crs)), code]),
    }
    path = room / "features.gml"
    count = _write_pages(service, kind, params, path)
    if count == 0:  # one from anywhere shows the columns
        _write_pages(service, kind, _params("GetFeature", kind) | {"srsName": code}, path, most=1)
    table = read_gml(path, crs).iloc[:count]
    types = column_types(_describe(service, kind), kind.local)
    return Served(
        _typed(table, types), kind.local, WFS, title=kind.title or kind.local, licence=kind.rights
    )


def _params(request: str, kind: FeatureType) -> dict[str, str]:
    asked = {"service": "WFS", "version": VERSION, "request": request, "typeNames": kind.name}
    return asked | dict(kind.namespaces)


def _feature_type(service: Service, layer: str | None) -> FeatureType:
    """Return what the capabilities say of a feature type, with or without prefix."""
    root, spaces = question(service, read_xml, CAPABILITIES)
    version = root.get("version", "")
    if local(root) != "WFS_Capabilities" or not version.startswith("2."):
        raise refused(
            service,
            f"is no WFS 2.0 (it says {local(root)} {version})",
            "Only WFS 2.0 is read. Download the layer and give the file.",
        )
    page = min(PAGE, _count_default(root) or PAGE)
    rights = {text_of(root, name) for name in ("AccessConstraints", "Fees")} - {"", "NONE", "none"}
    found: dict[str, FeatureType] = {}
    for element in all_of(root, "FeatureType"):
        name = text_of(element, "Name")
        prefix = name.rpartition(":")[0]
        used = {"namespaces": f"xmlns({prefix},{spaces[prefix]})"} if prefix in spaces else {}
        crs = text_of(element, "DefaultCRS") or text_of(element, "DefaultSRS")
        title = text_of(element, "Title")
        found[name] = FeatureType(name, used, title, crs, page, "; ".join(sorted(rights)))
    if layer is not None and layer not in found:
        matches = [name for name, kind in found.items() if kind.local == layer]
        layer = matches[0] if len(matches) == 1 else layer
    return choose(service, found, layer)


def _count_default(root: ET.Element) -> int | None:
    for element in all_of(root, "Constraint"):
        if element.get("name") == "CountDefault":
            told = text_of(element, "DefaultValue")
            return int(told) if told.isdigit() and int(told) else None
    return None


def _crs(service: Service, kind: FeatureType) -> tuple[str, pyproj.CRS]:
    """Return the type's CRS, and the name that says its order of axes without doubt."""
    try:
        crs = pyproj.CRS.from_user_input(kind.crs)
    except CRSError:
        raise refused(
            service, f"gives '{kind.name}' in a CRS that is not known ({kind.crs or 'none told'})"
        ) from None
    authority = crs.to_authority(min_confidence=100)
    name = "urn:ogc:def:crs:{}::{}".format(*authority) if authority else kind.crs
    return name, crs


def _ordered(bounds: Bounds, crs: pyproj.CRS) -> Bounds:
    """Return bounds in the order of the axes of the CRS."""
    west, south, east, north = bounds
    return (south, west, north, east) if _is_north_first(crs) else bounds


def _is_north_first(crs: pyproj.CRS) -> bool:
    return crs.axis_info[0].direction.lower() == "north"


def _write_pages(
    service: Service, kind: FeatureType, params: Mapping[str, str], path: Path, *, most: int = 0
) -> int:
    """Write the features of all pages as one GML file, and return how many.

    Where none comes twice, none is missing: so a server that gives a page again, or its features in
    another order each time, is noticed even when it does not say how many there are.
    """
    seen: set[int] = set()
    count = 0
    ET.register_namespace("gml", GML_32)  # GDAL knows gml:id by its prefix
    with path.open("wb") as file:
        file.write(HEAD)
        while True:
            start = {"startIndex": str(count)} if count else {}
            asked = {**params, "count": str(most or kind.page), **start}
            root, _ = question(service, _read_collection, asked)
            features = features_of(root, kind.local)
            _refuse_repeated(service, features, seen)
            told = first_crs(root) or params["srsName"]
            file.writelines(MEMBER % piece_of(feature, told) for feature in features)
            count += len(features)
            if most or _is_last(service, root, len(features), count):
                break
        file.write(FOOT)
    return count


def _read_collection(content: bytes) -> tuple[ET.Element, dict[str, str]]:
    root, spaces = read_xml(content)
    if local(root) != "FeatureCollection":
        raise UnansweredError(f"the answer is no collection of features ({beginning(content)})")
    return root, spaces


def _is_last(service: Service, root: ET.Element, returned: int, count: int) -> bool:
    """Say whether all has been read; servers may give fewer at a time than they are asked for."""
    matched = root.get("numberMatched", "")
    total = int(matched) if matched.isdigit() else None
    if total is not None and count > total:
        raise refused(service, f"told of {total} features but gave {count}")
    if returned == 0 and ((total or 0) > count or root.get("next")):
        raise refused(service, f"stopped after {count} of {total or 'more'} features")
    return returned == 0 or count == total


def _refuse_repeated(service: Service, features: list[ET.Element], seen: set[int]) -> None:
    """Refuse a feature that came before under its name, and a page of which all came before.

    Names are made anew for each answer by some servers, and given twice by others; so a feature is
    known by its text, with and without its name.
    """
    texts = [hash("\0".join(feature.itertext())) for feature in features]
    named = [
        hash((feature.get(f"{{{GML_32}}}id"), text))
        for feature, text in zip(features, texts, strict=True)
        if feature.get(f"{{{GML_32}}}id")
    ]
    again = len(seen.intersection(named)) or len(texts) * (set(texts) <= seen)
    if again:
        raise refused(
            service,
            f"gave {again} features again when asked for the next page: it cannot be read in parts",
            "Download the layer and give the file, or choose a smaller area.",
        )
    seen.update(texts, named)


def _describe(service: Service, kind: FeatureType) -> ET.Element | None:
    """Return the schema of the type; it adds columns that no feature here fills in."""
    try:
        return question(service, read_xml, _params("DescribeFeatureType", kind))[0]
    except OnlineError as error:
        log.info("%s: the columns are those of its features (%s)", service.told, error.message)
        return None


def _typed(table: gpd.GeoDataFrame, types: Mapping[str, str]) -> gpd.GeoDataFrame:
    """Give columns the type that the schema says where GDAL could only guess; add absent ones."""
    table = table.copy()
    for name, kind in types.items():
        if name not in table:
            table[name] = pd.Series(None, index=table.index, dtype=kind)
        elif kind == "string" and pd.api.types.is_integer_dtype(table[name].dtype):
            table[name] = table[name].astype("string")
    return table
