"""How each layer looks in QGIS: legends, symbols, labels and the names of columns.

A style is a text (QML) made from a table's own classes, categories and columns. The first style of
a layer is the one it opens with; the others are there to choose from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import geopandas as gpd
import pandas as pd

from arealstrategi.export.labels import words
from arealstrategi.export.qgis import rules as legends
from arealstrategi.export.qgis.fields import aliases, codes_of, shown_fields
from arealstrategi.export.qgis.project import Entry, project_file
from arealstrategi.export.qgis.qml import (
    Rule,
    Writing,
    document,
    field,
    marker,
    stroke,
    table_document,
    text,
)
from arealstrategi.tables import MUNICIPAL

__all__ = [
    "Entry",
    "Styles",
    "aliases",
    "base_name",
    "layer_styles",
    "project_file",
    "shown_fields",
    "table_styles",
]

Styles = dict[str, str]
"""Name to QML, the one that the layer opens with first."""

_AREA_COLOUR = "#d4006a"
_SITE_COLOUR = "#111111"
_EFFECT_COLOURS = {"exclude": "#b2182b", "condition": "#e08214", "deduct": "#5e4b8b"}
_EFFECT_LINES = {"exclude": "solid", "condition": "dash", "deduct": "dot"}
_FAR_SCALE, _NEAR_SCALE, _NEAREST_SCALE = 25_000.0, 10_000.0, 3_000.0
_MOST_RULES = 40


def layer_styles(
    layers: Mapping[str, gpd.GeoDataFrame], criteria: pd.DataFrame, language: str
) -> dict[str, Styles]:
    """Return the styles of every layer.

    Parameters
    ----------
    layers
        Name to table, as the GeoPackage has them.
    criteria
        Index ``key``: ``label`` in the language, ``group``.
    language
        ``nb`` or ``en``.
    """
    return {
        name: _MAKERS.get(base_name(name), _plain)(table, criteria, language)
        for name, table in layers.items()
    }


def table_styles(
    tables: Mapping[str, pd.DataFrame], criteria: pd.DataFrame, language: str
) -> dict[str, Styles]:
    """Return the styles of the tables without geometry: how their columns are shown."""
    name = words(language)["qgis.style.default"]
    return {
        table: {name: table_document(shown_fields(held, criteria, language, table))}
        for table, held in tables.items()
    }


def base_name(layer: str) -> str:
    """Return what kind of layer it is: ``difference`` of ``difference_2``."""
    return layer.rstrip("0123456789").rstrip("_")


def _parcels(table: gpd.GeoDataFrame, criteria: pd.DataFrame, language: str) -> Styles:
    """Return the classes first; then points, land, plans and the walk to each kind of service."""
    said, kind = words(language), legends.kind_of(table)
    rest = legends.without_score(kind, said)
    found = {
        said["qgis.style.class"]: (*legends.class_rules(table, kind, said), *rest),
        said["qgis.style.score"]: (*legends.score_rules(kind, said), *rest),
        said["qgis.style.municipal"]: legends.code_rules(kind, "municipal", MUNICIPAL, said),
    }
    if "plan_readiness" in table:
        stages = list(codes_of("plan_readiness", said))
        found[said["qgis.style.plan_readiness"]] = legends.code_rules(
            kind, "plan_readiness", stages, said
        )
    for key, label in criteria["label"].items():
        if f"{key}_walk_min" in table:
            name = said["qgis.style.walk_min"].format(name=label)
            found[name] = legends.minute_rules(kind, f"{key}_walk_min", said)
    fields = shown_fields(table, criteria, language)
    score = f"format_number({field('score')}, 0)"
    told = f"coalesce({field('label')}, '') || coalesce('\\n' || {score}, '')"
    writing = Writing(told, 7, below_scale=_NEAREST_SCALE)
    return {
        name: document(kind, rules, fields, writing=writing, display=field("label"))
        for name, rules in found.items()
    }


def _services(table: gpd.GeoDataFrame, criteria: pd.DataFrame, language: str) -> Styles:
    """Return a heading per group and a marker per category: the group's colour, its own shape."""
    said, kind = words(language), legends.kind_of(table)
    reason = f"coalesce({field('reason')}, '')"
    rules = [
        Rule(said.get(f"group.{group}", group), f"{reason} = ''", rules=below)
        for group, below in legends.category_rules(table, criteria, kind).items()
    ]
    grey = "#8a8a8a"
    lone = marker("cross2", grey, 2.0, grey) if kind == "point" else stroke(grey, 0.3)
    rules.append(Rule(said["qgis.lone_services"], f"{reason} <> ''", (lone,)))
    names = Writing(f"coalesce({field('name')}, '')", 7.5, below_scale=_NEAR_SCALE)
    writing = names if kind == "point" else None  # their points say it already
    return _one_style(table, criteria, language, rules, writing, field("name"))


def _areas(table: gpd.GeoDataFrame, criteria: pd.DataFrame, language: str) -> Styles:
    """Return an outline with the rank, and the score where there is room."""
    said = words(language)
    rule = Rule(said["layer.areas"], "", legends.outline(legends.kind_of(table), _AREA_COLOUR))
    points = f"format_number({field('score')}, 0)"
    told = f"{field('rank')} || if(@map_scale < {_FAR_SCALE:.0f}, ' · ' || {points}, '')"
    writing = Writing(told, 11, _AREA_COLOUR, bold=True, priority=10)
    return _one_style(table, criteria, language, [rule], writing, field("area_id"))


def _sites(table: gpd.GeoDataFrame, criteria: pd.DataFrame, language: str) -> Styles:
    """Return a dashed outline with label and score."""
    said = words(language)
    outline = legends.outline(legends.kind_of(table), _SITE_COLOUR, dashed=True)
    rule = Rule(said["layer.sites"], "", outline)
    points = f"coalesce(' · ' || format_number({field('score')}, 0), '')"
    told = f"coalesce({field('label')}, '') || {points}"
    writing = Writing(told, 9, _SITE_COLOUR, _FAR_SCALE, bold=True, priority=9)
    return _one_style(table, criteria, language, [rule], writing, field("label"))


def _constraints(table: gpd.GeoDataFrame, criteria: pd.DataFrame, language: str) -> Styles:
    """Return a heading per effect and a line of the legend per constraint."""
    said = words(language)
    rules = []
    for effect, colour in _EFFECT_COLOURS.items():
        named = table.loc[table["effect"] == effect, "name"].drop_duplicates().tolist()
        if not named:
            continue
        where = f"{field('effect')} = {text(effect)}"
        coats = legends.zone(legends.kind_of(table), colour, _EFFECT_LINES[effect])
        if len(named) > _MOST_RULES:
            rules.append(Rule(legends.capital(said[f"effect.{effect}"]), where, coats))
            continue
        below = tuple(Rule(str(n), f"{field('name')} = {text(str(n))}", coats) for n in named)
        rules.append(Rule(legends.capital(said[f"effect.{effect}"]), where, rules=below))
    return _one_style(table, criteria, language, rules, None, field("name"))


def _population(table: gpd.GeoDataFrame, criteria: pd.DataFrame, language: str) -> Styles:
    """Return older residents first where they are estimated; hidden numbers are hatched."""
    said, kind = words(language), legends.kind_of(table)
    fields = shown_fields(table, criteria, language)
    counted = [n for n in ("residents_67plus_estimate", "residents") if n in table]
    return {
        fields[column].alias: document(kind, legends.people_rules(kind, column, said), fields)
        for column in counted
    } or _plain(table, criteria, language)


def _difference(table: gpd.GeoDataFrame, criteria: pd.DataFrame, language: str) -> Styles:
    """Return losses in orange and gains in blue, the change in points where there is room."""
    rules = legends.change_rules("score_change", legends.kind_of(table), words(language))
    change = field("score_change")
    told = f"if({change} > 0, '+', '') || format_number({change}, 1)"
    writing = Writing(told, 7, below_scale=_NEAREST_SCALE)
    return _one_style(table, criteria, language, rules, writing, field("label"))


def _routes(table: gpd.GeoDataFrame, criteria: pd.DataFrame, language: str) -> Styles:
    """Return a heading per group and a line per category, in the group's colour."""
    said = words(language)
    rules = [
        Rule(said.get(f"group.{group}", group), "", rules=below)
        for group, below in legends.category_rules(table, criteria, legends.kind_of(table)).items()
    ]
    return _one_style(table, criteria, language, rules, None, field("service"))


def _plain(table: gpd.GeoDataFrame, criteria: pd.DataFrame, language: str) -> Styles:
    """Return one symbol for all."""
    rule = Rule("", "", legends.painted(legends.kind_of(table), "#8a8a8a"))
    return _one_style(table, criteria, language, [rule], None, "")


def _one_style(
    table: gpd.GeoDataFrame,
    criteria: pd.DataFrame,
    language: str,
    rules: Sequence[Rule],
    writing: Writing | None,
    display: str,
) -> Styles:
    fields = shown_fields(table, criteria, language)
    told = document(legends.kind_of(table), rules, fields, writing=writing, display=display)
    return {words(language)["qgis.style.default"]: told}


_MAKERS: Mapping[str, Callable[[gpd.GeoDataFrame, pd.DataFrame, str], Styles]] = {
    "parcels": _parcels,
    "services": _services,
    "service_grounds": _services,
    "areas": _areas,
    "sites": _sites,
    "constraints": _constraints,
    "population": _population,
    "difference": _difference,
    "routes": _routes,
}
