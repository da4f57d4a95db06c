"""The interactive map: a `folium.Map` that holds all it needs, and one HTML file of it.

Python packs the tables into one compressed block; the scripts in ``templates`` open it, draw the
map on canvas and fill the panel. Names come from the public, so every text travels inside the
block and reaches the page as text only.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink, MacroElement
from folium.template import Template

from arealstrategi.errors import OutputError
from arealstrategi.export.labels import words
from arealstrategi.export.packing import MapTables, compress, cut, map_page, pack_block
from arealstrategi.export.packing.page import TILE_HOST
from arealstrategi.export.packing.tables import check_tables, in_page_order

SCRIPTS = (
    "data.js", "score.js", "shapes.js", "backdrop.js", "fields.js", "signs.js", "canvas.js",
    "page.js", "state.js", "weights.js", "filters.js", "lists.js", "layers.js", "card.js",
    "area.js", "compare.js", "print.js", "panel.js", "pointing.js", "map.js",
)  # fmt: skip
"""The scripts of the page, in the order in which they stand in it."""

_HERE = files("arealstrategi.export")
_LEAFLET = _HERE / "vendor" / "leaflet"


def suitability_map(tables: MapTables, *, title: str, language: str = "nb") -> folium.Map:
    """Return the map of assessed parcels, for a notebook or for `write_map`.

    Parameters
    ----------
    tables
        What to show.
    title
        Heading of the page.
    language
        ``nb`` or ``en``: what the page opens in; readers can switch.

    Returns
    -------
    A map that loads nothing from the network. Layers can be added to it as to any folium map.

    Raises
    ------
    ValueError
        Names the table and columns that are not as described: a mistake in the calling code.
    """
    check_tables(tables)
    ordered = in_page_order(tables)
    page = map_page(ordered, title, language)
    (south, west), (north, east) = page["bounds"]
    labels = ordered.parcels["label"].iloc[page["top"]].map(cut).tolist()
    suitability = _Map(
        location=[(south + north) / 2, (west + east) / 2], tiles=None, zoom_snap=0.25
    )
    data = compress(pack_block(page))
    SuitabilityLayer(data, page["title"], words(language), language, labels).add_to(suitability)
    return suitability


def write_map(suitability: folium.Map, path: Path) -> None:
    """Write a map of `suitability_map` as one HTML file that no page element can escape from.

    The file carries a Content-Security-Policy that lets only the program's own scripts run, and
    pictures come from nowhere but the optional background map.

    Parameters
    ----------
    suitability
        What `suitability_map` returned, with no layer added.
    path
        Where to write.

    Raises
    ------
    OutputError
        When other layers were added: the file could then fetch or run what the program
        does not know.
    """
    layers = list(suitability._children.values())  # noqa: SLF001 (folium has no other way)
    own = next((layer for layer in layers if isinstance(layer, SuitabilityLayer)), None)
    if own is None:
        raise ValueError("write_map takes a map that suitability_map returned")
    for layer in layers:
        if not isinstance(layer, SuitabilityLayer):
            raise OutputError(
                f"the map holds a layer that was added later ({type(layer).__name__}), "
                "and map.html holds only what the program made",
                hint="Save a map with layers of your own with its method save().",
            )
    figure = _figure(suitability)
    page = figure.render()
    known = [own.css, *own.scripts, _leaflet_css(), _leaflet_js(), figure.script.render()]
    head = f"<head>\n{_licences()}\n{_security_policy(page, known)}"
    page = page.replace("<html>", f'<html lang="{own.language}">', 1).replace("<head>", head, 1)
    path.write_text(page, encoding="utf-8", newline="\n")


class _Verbatim(Element):
    """A piece of the page, as it is: branca's own element would run it as a template once more."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class _Map(folium.Map):
    """A folium map with Leaflet inside the page instead of ten links to the network."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 (folium's own)
        super().__init__(**options)
        self.default_js = []
        self.default_css = []

    def render(self, **kwargs: Any) -> Any:  # noqa: ANN401 (folium's own)
        """Render into the figure."""
        header = _figure(self).header
        header.add_child(_Verbatim(f"<style>{_leaflet_css()}</style>"), name="leaflet_css")
        header.add_child(_Verbatim(f"<script>{_leaflet_js()}</script>"), name="leaflet")
        if any(isinstance(element, (folium.Popup, folium.Icon)) for element in _below(self)):
            self._link_what_folium_needs(header)
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        # folium's own header forbids readers to enlarge the page
        header.add_child(_Verbatim(""), name=self.get_name())

    def _link_what_folium_needs(self, header: Element) -> None:
        for name, url in folium.Map.default_js:
            if name != "leaflet":
                header.add_child(JavascriptLink(url), name=name)
        for name, url in folium.Map.default_css:
            if name != "leaflet_css":
                header.add_child(CssLink(url), name=name)


class SuitabilityLayer(MacroElement):
    """The parcels, services, backdrop and panel of one map, drawn by the scripts in ``templates``.

    Parameters
    ----------
    data
        The packed tables, base64.
    title
        Title of the page.
    text
        The words of `language`.
    language
        ``nb`` or ``en``.
    top
        Labels of the best parcels, for readers without scripts.
    """

    _template = Template((_HERE / "templates" / "map.html").read_text(encoding="utf-8"))

    def __init__(
        self, data: str, title: str, text: Mapping[str, str], language: str, top: Sequence[str]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "SuitabilityLayer"
        self.data = data
        self.title = title
        self.text = text
        self.language = language
        self.top = top
        self.css = (_HERE / "templates" / "map.css").read_text(encoding="utf-8")
        self.scripts = [
            (_HERE / "templates" / name).read_text(encoding="utf-8") for name in SCRIPTS
        ]

    def render(self, **kwargs: Any) -> Any:  # noqa: ANN401 (folium's own)
        """Render into the figure."""
        figure = _figure(self)
        parts = self._template.module
        for name, place in (
            ("header", figure.header),
            ("html", figure.html),
            ("script", figure.script),
        ):
            text = getattr(parts, name)(self, kwargs)
            place.add_child(_Verbatim(text), name=self.get_name())


def _figure(element: Element) -> Figure:
    figure = element.get_root()
    if not isinstance(figure, Figure):
        raise ValueError("the map belongs to no figure")  # noqa: TRY004 (its state, not its type)
    return figure


def _below(element: Element) -> list[Element]:
    """Return all elements under one."""
    children = list(element._children.values())  # noqa: SLF001 (branca has no other way)
    return children + [below for child in children for below in _below(child)]


def _picture(name: str) -> str:
    content = base64.b64encode((_LEAFLET / "images" / name).read_bytes()).decode("ascii")
    return f"data:image/png;base64,{content}"


def _leaflet_css() -> str:
    css = (_LEAFLET / "leaflet.css").read_text(encoding="utf-8")
    return re.sub(r"url\(images/([\w.-]+)\)", lambda found: f"url({_picture(found[1])})", css)


def _leaflet_js() -> str:
    script = (_LEAFLET / "leaflet.js").read_text(encoding="utf-8")
    pictures = {
        "iconUrl": _picture("marker-icon.png"),
        "iconRetinaUrl": _picture("marker-icon-2x.png"),
        "shadowUrl": _picture("marker-shadow.png"),
    }
    own = f'L.Icon.Default.imagePath="";L.Icon.Default.mergeOptions({json.dumps(pictures)});'
    return re.sub(r"\n//# sourceMappingURL=.*", "", script) + "\n" + own


def _licences() -> str:
    leaflet = (_LEAFLET / "LICENSE").read_text(encoding="utf-8")
    data = "Map data: OpenStreetMap contributors, ODbL 1.0, https://www.openstreetmap.org/copyright"
    return f"<!--\n{data}\n\nThis page contains Leaflet 1.9.4:\n\n{leaflet}-->"


def _security_policy(page: str, known: Sequence[str]) -> str:
    """Return the tag that lets the known scripts and styles run and nothing else.

    A script in the page that is not one of these would mean that a text became code.
    """
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    strange = {text.strip() for text in scripts + styles} - {text.strip() for text in known}
    if strange or page.count("<script") != len(scripts) + 1:
        raise ValueError("the page holds a script or style that the program did not make")
    rules = [
        "default-src 'none'",
        f"script-src {_hashes(scripts)}",
        f"style-src {_hashes(styles)}",
        f"img-src data: {TILE_HOST}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(rules)}">'


def _hashes(texts: Sequence[str]) -> str:
    digests = (hashlib.sha256(text.encode("utf-8")).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in digests)
