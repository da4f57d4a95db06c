"""Pieces of QGIS' style documents (QML): symbols, rules, labels and how fields are shown.

Written for QGIS 3.22 and newer. All text goes in as text of an XML tree, so that no name can break
out of it; what XML does not know (control characters, half surrogates) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple
from xml.etree import ElementTree as ET

Kind = Literal["point", "line", "polygon"]
ALWAYS = 1e8
"""Denominator of the smallest scale: what is seen from there on is seen at every scale."""

VERSION = "3.22.0-Białowieża"
DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_SYMBOL_TYPE: Mapping[Kind, str] = {"point": "marker", "line": "line", "polygon": "fill"}
_GEOMETRY_TYPE: Mapping[Kind, str] = {"point": "0", "line": "1", "polygon": "2"}
_PLACEMENT: Mapping[Kind, str] = {"point": "6", "line": "2", "polygon": "1"}
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST = 80


class Coat(NamedTuple):
    """One coat of paint of a symbol: QGIS' symbol layer.

    Parameters
    ----------
    name
        QGIS' name of its class.
    settings
        As QGIS writes them.
    lines
        The coats of the lines that a hatch is made of.
    """

    name: str
    settings: Mapping[str, str]
    lines: tuple[Coat, ...] = ()


class Rule(NamedTuple):
    """One line of the legend: what is drawn like this.

    Parameters
    ----------
    label
        What people read.
    where
        An expression of QGIS; empty: all that the rule above lets through.
    coats
        The symbol, from the lowest coat; none: a heading of the rules below it.
    rules
        Those below it.
    """

    label: str
    where: str
    coats: tuple[Coat, ...] = ()
    rules: tuple[Rule, ...] = ()


class Writing(NamedTuple):
    """What is written on the map.

    Parameters
    ----------
    expression
        An expression of QGIS.
    size_pt
        Size of the letters.
    colour
        ``#rrggbb``.
    below_scale
        Written where the scale's denominator is at most this.
    bold
        Whether the letters are.
    priority
        0–10: what is written where two do not both have room.
    """

    expression: str
    size_pt: float
    colour: str = "#1b1b1b"
    below_scale: float = ALWAYS
    bold: bool = False
    priority: int = 3


class Shown(NamedTuple):
    """How one field is shown in forms and tables.

    Parameters
    ----------
    alias
        Instead of its name.
    words
        Code to what is shown instead.
    decimals
        Of a number; None: as it is.
    """

    alias: str
    words: Mapping[str, str] = {}
    decimals: int | None = None


def surface(
    colour: str, edge: str, width_mm: float, opacity: float = 1.0, *, line: str = "solid"
) -> Coat:
    """Return a filled surface, opacity 0–1; its line is ``solid``, ``dash`` or ``dot``."""
    return Coat(
        "SimpleFill",
        {
            "color": _rgba(colour, opacity),
            "style": "solid",
            "outline_color": _rgba(edge),
            "outline_style": line,
            "outline_width": f"{width_mm:g}",
            "outline_width_unit": "MM",
            "joinstyle": "round",
        },
    )


def hatch(colour: str, angle: float, apart_mm: float, width_mm: float) -> Coat:
    """Return a surface of parallel lines; the angle in degrees against the clock."""
    settings = {"angle": f"{angle:g}", "distance": f"{apart_mm:g}", "distance_unit": "MM"}
    return Coat("LinePatternFill", settings, (stroke(colour, width_mm),))


def stroke(colour: str, width_mm: float, *, dashed: bool = False) -> Coat:
    """Return a line."""
    settings = {
        "line_color": _rgba(colour),
        "line_width": f"{width_mm:g}",
        "line_width_unit": "MM",
        "capstyle": "round",
        "joinstyle": "round",
        "use_custom_dash": "1" if dashed else "0",
        "customdash": f"{3 * width_mm:g};{2.5 * width_mm:g}",
        "customdash_unit": "MM",
    }
    return Coat("SimpleLine", settings)


def marker(shape: str, colour: str, size_mm: float, edge: str = "#ffffff") -> Coat:
    """Return a marker; its shape is one that QGIS knows by name (``circle``, ``square``)."""
    settings = {
        "name": shape,
        "color": _rgba(colour),
        "size": f"{size_mm:g}",
        "size_unit": "MM",
        "outline_color": _rgba(edge),
        "outline_width": "0.3",
        "outline_width_unit": "MM",
    }
    return Coat("SimpleMarker", settings)


def field(name: str) -> str:
    """Return a column as an expression of QGIS has it."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def text(value: str) -> str:
    """Return a text as an expression of QGIS has it."""
    doubled = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def table_document(fields: Mapping[str, Shown]) -> str:
    """Write the style of a table without geometry: how its columns are shown."""
    root = ET.Element("qgis", {"version": VERSION, "styleCategories": "Fields|Forms"})
    _describe(root, fields)
    ET.SubElement(root, "layerGeometryType").text = "4"
    return DOCTYPE + ET.tostring(root, encoding="unicode")


def document(
    kind: Kind,
    rules: Sequence[Rule],
    fields: Mapping[str, Shown],
    *,
    writing: Writing | None = None,
    display: str = "",
    below_scale: float = ALWAYS,
) -> str:
    """Write a whole style.

    Parameters
    ----------
    kind
        Of the layer's geometry.
    rules
        The legend, from above; what comes later is drawn above.
    fields
        Every column in the order of the table.
    writing
        What is written on the map; None: nothing.
    display
        Expression by which a feature is called in lists.
    below_scale
        The layer is drawn where the scale's denominator is at most this.
    """
    root = ET.Element(
        "qgis",
        {
            "version": VERSION,
            "styleCategories": "AllStyleCategories",
            "labelsEnabled": "1" if writing else "0",
            "hasScaleBasedVisibilityFlag": "1" if below_scale < ALWAYS else "0",
            "minScale": f"{below_scale:.0f}",
            "maxScale": "0",
            "simplifyDrawingHints": "0" if kind == "point" else "1",
            "simplifyLocal": "1",
        },
    )
    root.append(_renderer(kind, rules))
    if writing is not None:
        root.append(_labeling(kind, writing))
    _describe(root, fields)
    if display:
        ET.SubElement(root, "previewExpression").text = readable(display)
    ET.SubElement(root, "layerGeometryType").text = _GEOMETRY_TYPE[kind]
    return DOCTYPE + ET.tostring(root, encoding="unicode")


def readable(value: str) -> str:
    """Return a text without what XML cannot hold."""
    return _NOT_IN_XML.sub("", value)


def short(value: str) -> str:
    """Return a text that a legend has room for."""
    plain = " ".join(readable(value).split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"


def _renderer(kind: Kind, rules: Sequence[Rule]) -> ET.Element:
    renderer = ET.Element("renderer-v2", {"type": "RuleRenderer", "symbollevels": "0"})
    top = ET.SubElement(renderer, "rules", {"key": "root"})
    symbols = ET.SubElement(renderer, "symbols")
    _add_rules(top, symbols, kind, rules, "rule")
    return renderer


def _add_rules(
    parent: ET.Element, symbols: ET.Element, kind: Kind, rules: Sequence[Rule], key: str
) -> None:
    for number, rule in enumerate(rules):
        own = f"{key}-{number}"
        told = {"key": own, "label": short(rule.label)}
        if rule.where:
            told["filter"] = readable(rule.where)
        if rule.coats:
            told["symbol"] = str(len(symbols))
            symbols.append(_symbol(_SYMBOL_TYPE[kind], told["symbol"], rule.coats))
        _add_rules(ET.SubElement(parent, "rule", told), symbols, kind, rule.rules, own)


def _symbol(kind: str, name: str, coats: Iterable[Coat]) -> ET.Element:
    symbol = ET.Element("symbol", {"name": name, "type": kind, "alpha": "1", "clip_to_extent": "1"})
    for number, coat in enumerate(coats):
        layer = ET.SubElement(symbol, "layer", {"class": coat.name, "enabled": "1", "pass": "0"})
        _options(layer, coat.settings)
        if coat.lines:
            layer.append(_symbol("line", f"@{name}@{number}", coat.lines))
    return symbol


def _options(parent: ET.Element, values: Mapping[str, str]) -> None:
    whole = ET.SubElement(parent, "Option", {"type": "Map"})
    for name, value in values.items():
        ET.SubElement(whole, "Option", {"name": name, "type": "QString", "value": readable(value)})


def _labeling(kind: Kind, writing: Writing) -> ET.Element:
    labeling = ET.Element("labeling", {"type": "simple"})
    settings = ET.SubElement(labeling, "settings")
    style = {
        "fieldName": readable(writing.expression),
        "isExpression": "1",
        "fontFamily": "Open Sans",
        "fontSize": f"{writing.size_pt:g}",
        "fontSizeUnit": "Point",
        "fontWeight": "75" if writing.bold else "50",
        "textColor": _rgba(writing.colour),
        "multilineHeight": "1",
    }
    buffer = {
        "bufferDraw": "1", "bufferSize": "0.9", "bufferSizeUnits": "MM",
        "bufferColor": _rgba("#ffffff"), "bufferOpacity": "0.85", "bufferJoinStyle": "128",
    }  # fmt: skip
    ET.SubElement(ET.SubElement(settings, "text-style", style), "text-buffer", buffer)
    placed = {"placement": _PLACEMENT[kind], "centroidInside": "1", "centroidWhole": "1"}
    placed |= {"quadOffset": "4", "dist": "0.5", "distUnits": "MM", "offsetType": "1"}
    placed |= {"predefinedPositionOrder": "R,L,TSR,BSR,TSL,BSL"}
    placed["priority"] = str(writing.priority)
    ET.SubElement(settings, "text-format", {"multilineAlign": "1"})
    ET.SubElement(settings, "placement", placed)
    seen = {
        "drawLabels": "1",
        "obstacle": "0",
        "scaleMin": "1",
        "scaleMax": f"{writing.below_scale:.0f}",
    }
    seen["scaleVisibility"] = "1" if writing.below_scale < ALWAYS else "0"
    ET.SubElement(settings, "rendering", seen)
    return labeling


def _describe(root: ET.Element, fields: Mapping[str, Shown]) -> None:
    """Add what stands in forms and tables instead of names and codes."""
    widgets = ET.SubElement(root, "fieldConfiguration")
    aliases = ET.SubElement(root, "aliases")
    for name, shown in fields.items():
        ET.SubElement(aliases, "alias", {"field": readable(name), "name": short(shown.alias)})
        if shown.words or shown.decimals is not None:
            one = ET.SubElement(widgets, "field", {"name": readable(name)})
            _widget(one, shown)


def _widget(parent: ET.Element, shown: Shown) -> None:
    if not shown.words:
        widget = ET.SubElement(parent, "editWidget", {"type": "Range"})
        whole = ET.SubElement(ET.SubElement(widget, "config"), "Option", {"type": "Map"})
        precision = {"name": "Precision", "type": "int", "value": str(shown.decimals)}
        ET.SubElement(whole, "Option", precision)
        return
    widget = ET.SubElement(parent, "editWidget", {"type": "ValueMap"})
    whole = ET.SubElement(ET.SubElement(widget, "config"), "Option", {"type": "Map"})
    pairs = ET.SubElement(whole, "Option", {"name": "map", "type": "List"})
    for code, words in shown.words.items():
        _options(pairs, {short(words): code})


def _rgba(colour: str, opacity: float = 1.0) -> str:
    parts = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return ",".join(map(str, [*parts, round(255 * opacity)]))
