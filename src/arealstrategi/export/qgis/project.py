"""A QGIS project that lies in the GeoPackage: every layer by its name in words, in order."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pyproj

from arealstrategi.export.qgis.qml import DOCTYPE, VERSION, readable, short

NAME = "project.qgs"
_ID = "arealstrategi_{}"  # QGIS leaves out a layer whose id is no longer than 10 letters
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same layers give the same bytes
_GEOMETRY = {"0": "Point", "1": "Line", "2": "Polygon", "4": "No geometry"}


class Entry(NamedTuple):
    """One layer or table of the project.

    Parameters
    ----------
    name
        Its table in the GeoPackage.
    title
        What people read.
    styles
        Name to QML, the one that is shown first.
    seen
        Whether it is drawn when the project opens.
    """

    name: str
    title: str
    styles: Mapping[str, str]
    seen: bool = True


def project_file(
    entries: Sequence[Entry],
    *,
    file: str,
    title: str,
    crs: pyproj.CRS,
    bounds: Iterable[float],
) -> bytes:
    """Return the project as QGIS keeps it: a zipped document.

    Parameters
    ----------
    entries
        From above.
    file
        Name of the GeoPackage, beside which the project is read.
    title
        Of the window.
    crs
        Of the map.
    bounds
        West, south, east and north of what is seen first, in that CRS.
    """
    root = ET.Element("qgis", {"version": VERSION, "projectname": short(title)})
    ET.SubElement(root, "title").text = short(title)
    _add_crs(root, "projectCrs", crs)
    tree = ET.SubElement(root, "layer-tree-group")
    canvas = ET.SubElement(root, "mapcanvas", {"name": "theMapCanvas"})
    ET.SubElement(canvas, "units").text = "meters"
    extent = ET.SubElement(canvas, "extent")
    for side, value in zip(("xmin", "ymin", "xmax", "ymax"), bounds, strict=True):
        ET.SubElement(extent, side).text = f"{value:.2f}"
    _add_crs(canvas, "destinationsrs", crs)
    layers = ET.SubElement(root, "projectlayers")
    for entry in entries:
        source = f"./{file}|layername={entry.name}"
        _add_node(tree, entry, source)
        layers.append(_layer(entry, source, crs))
    systems = ET.SubElement(ET.SubElement(root, "properties"), "SpatialRefSys")
    ET.SubElement(systems, "ProjectionsEnabled", {"type": "int"}).text = "1"
    return _zipped(DOCTYPE + ET.tostring(root, encoding="unicode"))


def _add_node(tree: ET.Element, entry: Entry, source: str) -> None:
    node = {
        "id": _ID.format(entry.name),
        "name": short(entry.title),
        "checked": "Qt::Checked" if entry.seen else "Qt::Unchecked",
        "expanded": "1" if entry.seen else "0",
        "source": source,
        "providerKey": "ogr",
    }
    ET.SubElement(tree, "layer-tree-layer", node)


def _layer(entry: Entry, source: str, crs: pyproj.CRS) -> ET.Element:
    """Return a layer with its first style, and the others to choose from."""
    shown, *others = entry.styles.items()
    style = ET.fromstring(shown[1])  # noqa: S314 - our own text
    kind = _GEOMETRY[style.findtext("layerGeometryType", "4")]
    layer = ET.Element("maplayer", {**style.attrib, "type": "vector", "geometry": kind})
    ET.SubElement(layer, "id").text = _ID.format(entry.name)
    ET.SubElement(layer, "datasource").text = source
    ET.SubElement(layer, "layername").text = short(entry.title)
    if kind != "No geometry":
        _add_crs(layer, "srs", crs)
    ET.SubElement(layer, "provider", {"encoding": "UTF-8"}).text = "ogr"
    manager = ET.SubElement(layer, "map-layer-style-manager", {"current": readable(shown[0])})
    ET.SubElement(manager, "map-layer-style", {"name": readable(shown[0])})
    for name, qml in others:
        one = ET.SubElement(manager, "map-layer-style", {"name": readable(name)})
        one.append(ET.fromstring(qml))  # noqa: S314
    layer.extend(style)
    return layer


def _add_crs(parent: ET.Element, name: str, crs: pyproj.CRS) -> None:
    system = ET.SubElement(ET.SubElement(parent, name), "spatialrefsys", {"nativeFormat": "Wkt"})
    ET.SubElement(system, "wkt").text = crs.to_wkt()
    authority = crs.to_authority()
    if authority is not None:
        ET.SubElement(system, "srsid").text = "1"  # any: without one QGIS does not look at the next
        ET.SubElement(system, "authid").text = ":".join(authority)


def _zipped(document: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(NAME, _LONG_AGO)
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, document.encode())
    return held.getvalue()
