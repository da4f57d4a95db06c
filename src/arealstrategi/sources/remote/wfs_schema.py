"""What a WFS's schema says of the columns of a feature type, as far as it says it itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET

_XS = "{http://www.w3.org/2001/XMLSchema}"
_WHOLE = {"byte", "int", "integer", "long", "nonNegativeInteger", "positiveInteger", "short"}
_NUMBER = {"decimal", "double", "float"}
_TEXT = {"anyURI", "boolean", "date", "dateTime", "gYear", "normalizedString", "string", "token"}
_MOST_DEPTH = 16  # types may hold themselves

Parts = Mapping[str, Mapping[str, ET.Element]]


def column_types(schema: ET.Element | None, feature: str) -> dict[str, str]:
    """Return the columns of a feature type with their pandas types, named as GDAL names them.

    Parameters
    ----------
    schema
        Answer to DescribeFeatureType; types that it imports from elsewhere are left out.
    feature
        Name of the type, without prefix.
    """
    if schema is None or schema.tag != f"{_XS}schema":
        return {}
    parts = {
        kind: {str(part.get("name")): part for part in schema if part.tag == f"{_XS}{kind}"}
        for kind in ("complexType", "simpleType", "element")
    }
    if feature not in parts["element"]:
        return {}
    found: dict[str, str] = {}
    for name, kind in _leaves(parts, parts["element"][feature], 0):
        found.setdefault(name, kind)
    return found


def _leaves(parts: Parts, element: ET.Element, depth: int) -> Iterator[tuple[str, str]]:
    """Yield name and pandas type of each plain value in an element."""
    element = parts["element"].get(_bare(element.get("ref")), element)
    kind = _bare(element.get("type"))
    within = parts["complexType"].get(kind) if kind else element.find(f"{_XS}complexType")
    if within is not None and depth < _MOST_DEPTH:
        yield from _inside(parts, within, depth + 1)
    elif kind in _WHOLE | _NUMBER | _TEXT or kind in parts["simpleType"]:
        yield str(element.get("name")), _pandas_type(kind)
    elif element.find(f"{_XS}simpleType") is not None:
        yield str(element.get("name")), "string"


def _inside(parts: Parts, kind: ET.Element, depth: int) -> Iterator[tuple[str, str]]:
    for extension in kind.iter(f"{_XS}extension"):
        base = parts["complexType"].get(_bare(extension.get("base")))
        if base is not None:
            yield from _inside(parts, base, depth + 1)
    for sequence in (*kind.iter(f"{_XS}sequence"), *kind.iter(f"{_XS}choice")):
        for element in sequence.findall(f"{_XS}element"):
            yield from _leaves(parts, element, depth)


def _bare(name: str | None) -> str:
    return (name or "").rpartition(":")[2]


def _pandas_type(kind: str) -> str:
    if kind in _WHOLE:
        return "Int64"
    if kind in _NUMBER:
        return "Float64"
    return "boolean" if kind == "boolean" else "string"
