"""The interactive map: a `folium.Map` that holds all it needs, and one HTML file of it.

Python packs the tables into one compressed block; ``templates/map.js`` opens it, draws the map on
canvas and fills the panel. Names come from the public, so every text travels inside the block and
reaches the page as text only.
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
import geopandas as gpd
import pandas as pd
import pyproj
from branca.element import CssLink, Element, Figure, JavascriptLink, MacroElement
from folium.template import Template

from arealstrategi.errors import OutputError
from arealstrategi.export.labels import CLASS_COLOURS, GROUP_COLOURS, STATUS_COLOURS, words
from arealstrategi.export.packing import (
    UNIT_M,
    Grid,
    best_rows,
    compress,
    cut,
    pack_backdrop,
    pack_criteria,
    pack_parcels,
    pack_services,
)
from arealstrategi.tables import (
    BACKDROP_COLUMNS,
    CLASSES,
    MUNICIPAL,
    PARCEL_COLUMNS,
    SERVICE_COLUMNS,
    STATUSES,
    check_table,
)

RESULT_COLUMNS = (*PARCEL_COLUMNS, "status", "reasons", "score", "class", "rank")
TILE_HOST = "https://cache.kartverket.no"
TILES = {
    "url": f"{TILE_HOST}/v1/wmts/1.0.0/topograatone/default/webmercator/{{z}}/{{y}}/{{x}}.png",
    "attribution": "© Kartverket",
}
NORWAY = (4.0, 57.9, 31.5, 71.3)

_HERE = files("arealstrategi.export")
_LEAFLET = _HERE / "vendor" / "leaflet"


def suitability_map(  # noqa: PLR0913 - every table that the page shows
    parcels: gpd.GeoDataFrame,
    services: gpd.GeoDataFrame,
    backdrop: gpd.GeoDataFrame,
    criteria: pd.DataFrame,
    barriers: pd.DataFrame | None = None,
    *,
    title: str,
    language: str = "nb",
    notes: Sequence[str] = (),
) -> folium.Map:
    """Return the map of assessed parcels, for a notebook or for `write_map`.

    Parameters
    ----------
    parcels
        The result table, index ``parcel_id``: ``label``, ``area_m2`` (m²), ``status``,
        ``reasons``, ``score`` (0-100), ``class``, ``rank``, ``municipal``, and for each criterion
        KEY of kind ``walk`` ``KEY_walk_m``, ``KEY_walk_min``, ``KEY_value`` (0-1), ``KEY_service``;
        for other kinds ``KEY_raw`` and ``KEY_value``. Polygons or points in the analysis CRS.
    services
        Places as in `arealstrategi.tables`, with ``reason`` (empty, or why it cannot be reached).
    backdrop
        Water, green, buildings and streets as in `arealstrategi.tables`.
    criteria
        Index ``key``: ``label``, ``group``, ``weight`` (sum 1), ``full_m``, ``zero_m``, ``found``
        (the data hold such a service), ``walk``. In the order to show them.
    barriers
        On the parcels' index, metres of what hinders on each walk to show in the card:
        ``KEY_steep_m``, ``KEY_steps_m``, ``KEY_unlit_m``, ``KEY_no_sidewalk_m``; None: nothing is
        told.
    title
        Heading of the page.
    language
        ``nb`` or ``en``.
    notes
        Sentences to show under the title.

    Returns
    -------
    A map that loads nothing from the network. Layers can be added to it as to any folium map.

    Raises
    ------
    ValueError
        Names the table and columns that are not as described: a mistake in the calling code.
    """
    crs = parcels.crs
    if crs is None:
        raise ValueError("the parcels have no CRS")
    check_table(parcels, RESULT_COLUMNS, crs)
    check_table(services, (*SERVICE_COLUMNS, "reason"), crs)
    check_table(backdrop, BACKDROP_COLUMNS, crs)
    text = words(language)
    west, south, east, north = _bounds(parcels, services, backdrop)
    grid = Grid.around(crs, west, south)
    top = best_rows(parcels["rank"])
    page: dict[str, Any] = {
        "title": cut(title),
        "language": language,
        "notes": [cut(note) for note in notes],
        "words": dict(text),
        "colours": {**CLASS_COLOURS, **STATUS_COLOURS},
        "classes": CLASSES,
        "statuses": STATUSES,
        "municipal": MUNICIPAL,
        "groupColours": dict(GROUP_COLOURS),
        "tiles": TILES,
        "origin": grid.origin,
        "unit": UNIT_M,
        "criteria": pack_criteria(criteria),
        "parcels": pack_parcels(parcels, services, criteria, barriers, grid),
        "top": top,
        "services": pack_services(services, grid),
        "backdrop": pack_backdrop(backdrop, grid),
    }
    labels = parcels["label"].iloc[top].map(cut).tolist()
    suitability = _Map(
        location=[(south + north) / 2, (west + east) / 2], tiles=None, zoom_snap=0.25
    )
    SuitabilityLayer(compress(page), page["title"], text, language, labels).add_to(suitability)
    suitability.fit_bounds([[south, west], [north, east]], max_zoom=17)
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
        if not isinstance(layer, (SuitabilityLayer, folium.FitBounds)):
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
    """The parcels, services, backdrop and panel of one map, drawn by ``templates/map.js``.

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
            (_HERE / "templates" / name).read_text(encoding="utf-8")
            for name in ("canvas.js", "map.js")
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


def _bounds(*tables: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    """Return west, south, east, north of the first table that has any geometry, in degrees."""
    for table in tables:
        bounds = table.total_bounds
        if not table.empty and not pd.isna(bounds).any():
            to_degrees = pyproj.Transformer.from_crs(table.crs, 4326, always_xy=True)
            west, south, east, north = to_degrees.transform_bounds(*bounds)
            return west, south, east, north
    return NORWAY


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
