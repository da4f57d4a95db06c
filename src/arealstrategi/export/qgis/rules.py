"""Symbols and legends of the layers: what is drawn how, and what the legend says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, pairwise

import geopandas as gpd
import numpy as np
import pandas as pd

from arealstrategi.export.labels import (
    CLASS_COLOURS,
    GROUP_COLOURS,
    STATUS_COLOURS,
    shown_number,
)
from arealstrategi.export.qgis.qml import (
    Coat,
    Kind,
    Rule,
    field,
    hatch,
    marker,
    stroke,
    surface,
    text,
)
from arealstrategi.scoring import CLASS_FROM, classify
from arealstrategi.tables import CLASSES

_STEPS = ("#f0e488", "#a5db36", "#4fbf8b", "#21908c", "#31688e", "#443983", "#440154")
_PEOPLE = ("#feedde", "#fdd0a2", "#fdae6b", "#fd8d3c", "#e6550d", "#a63603")
_PEOPLE_FROM = (1, 5, 10, 25, 50, 100)
# orange and blue are told apart by all; both grow darker with the change
_LOSS = ("#fdd0a2", "#fdae6b", "#e6751a", "#8c2d04")
_GAIN = ("#c6dbef", "#85bcdc", "#3d86c0", "#08306b")
_CHANGE_FROM = (0.5, 2.0, 5.0, 10.0)
_MINUTES = (5, 10, 15, 20)
_SHAPES = ("circle", "square", "diamond", "triangle", "pentagon", "star", "hexagon", "cross_fill")


def kind_of(table: gpd.GeoDataFrame) -> Kind:
    """Return what most of a layer is: QGIS draws a layer as one of the three."""
    most = table.geom_type.dropna().value_counts()
    name = str(most.index[0]) if len(most) else "Polygon"
    if "Point" in name:
        return "point"
    return "line" if "Line" in name else "polygon"


def painted(kind: Kind, colour: str, edge: str = "#ffffff") -> tuple[Coat, ...]:
    """Return the symbol of a parcel in one colour."""
    if kind == "point":
        return (marker("circle", colour, 2.4, edge),)
    if kind == "line":
        return (stroke(colour, 0.8),)
    return (surface(colour, edge, 0.1),)


def hatched(kind: Kind, colour: str) -> tuple[Coat, ...]:
    """Return the symbol of a parcel that is ruled out."""
    if kind != "polygon":
        return (
            (marker("cross2", colour, 2.4, colour),) if kind == "point" else (stroke(colour, 0.4),)
        )
    return surface("#f2f2f2", "#b0b0b0", 0.1), hatch(colour, 45, 1.6, 0.2)


def without_score(kind: Kind, said: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return the rules of the parcels that have no class: each says why."""
    return (
        Rule(
            capital(said["status.excluded"]),
            f"{field('status')} = 'excluded'",
            hatched(kind, STATUS_COLOURS["excluded"]),
        ),
        Rule(
            capital(said["status.missing_data"]),
            f"{field('status')} = 'missing_data'",
            painted(kind, STATUS_COLOURS["missing_data"]),
        ),
    )


def capital(word: str) -> str:
    """Return a word as it stands first."""
    return word[:1].upper() + word[1:]


def class_rules(table: gpd.GeoDataFrame, kind: Kind, said: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return a rule per class, the best first; with its points where these alone decide."""
    assessed = table[table["status"] == "assessed"]
    plain = bool((classify(assessed["score"]) == assessed["class"]).all())
    limits = zip(CLASS_FROM, (100.0, *CLASS_FROM), strict=False)
    return tuple(
        Rule(
            capital(said[f"class.{name}"])
            + (
                f" ({said['qgis.points'].format(low=f'{low:g}', high=f'{high:g}')})"
                if plain
                else ""
            ),
            f"{field('class')} = {text(name)}",
            painted(kind, CLASS_COLOURS[name]),
        )
        for name, (low, high) in zip(CLASSES, limits, strict=True)
    )


def score_rules(kind: Kind, said: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return seven steps of the score, dark is best."""
    limits = np.linspace(0, 100, len(_STEPS) + 1).round().astype(int).tolist()
    named = [said["qgis.points"].format(low=low, high=high) for low, high in pairwise(limits)]
    return ranges(kind, "score", limits[:-1], named, _STEPS)


def minute_rules(kind: Kind, column: str, said: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return steps of walking time, and apart what cannot be reached."""
    limits = (0, *_MINUTES)
    named = [said["qgis.minutes"].format(low=low, high=high) for low, high in pairwise(limits)]
    named.append(said["qgis.minutes_over"].format(low=_MINUTES[-1]))
    colours = ("#440154", "#31688e", "#21908c", "#4fbf8b", "#f0e488")
    none = Rule(
        said["qgis.no_way"],
        f"{field(column)} IS NULL",
        painted(kind, STATUS_COLOURS["missing_data"]),
    )
    return (*ranges(kind, column, limits, named, colours), none)


def ranges(
    kind: Kind, column: str, starts: Sequence[float], named: Sequence[str], colours: Sequence[str]
) -> tuple[Rule, ...]:
    """Return a rule per range, each up to where the next starts; the last has no end."""
    rules = []
    for low, high, name, colour in zip(starts, (*starts[1:], None), named, colours, strict=True):
        end = "" if high is None else f" AND {field(column)} < {high:g}"
        rules.append(Rule(name, f"{field(column)} >= {low:g}{end}", painted(kind, colour)))
    return tuple(rules)


def code_rules(
    kind: Kind, column: str, codes: Sequence[str], said: Mapping[str, str]
) -> tuple[Rule, ...]:
    """Return a rule per code; what is not known is grey."""
    colours = cycle(("#31688e", "#4fbf8b", "#f0e488", "#c98a4b"))
    grey = STATUS_COLOURS["missing_data"]
    return tuple(
        Rule(
            capital(said[f"{column}.{code}"]),
            f"{field(column)} = {text(code)}",
            painted(kind, grey if code == "unknown" else next(colours)),
        )
        for code in codes
    )


def category_rules(
    table: gpd.GeoDataFrame, criteria: pd.DataFrame, kind: Kind
) -> dict[str, tuple[Rule, ...]]:
    """Return the rules of the categories that are there, by group, in the order of the criteria."""
    there = set(table["category"])
    found: dict[str, tuple[Rule, ...]] = {}
    for group, own in criteria[criteria.index.isin(list(there))].groupby("group", sort=False):
        colour = GROUP_COLOURS.get(str(group), GROUP_COLOURS["other"])
        found[str(group)] = tuple(
            Rule(
                str(label),
                f"{field('category')} = {text(str(key))}",
                _service_symbol(kind, shape, colour),
            )
            for (key, label), shape in zip(own["label"].items(), cycle(_SHAPES), strict=False)
        )
    return found


def _service_symbol(kind: Kind, shape: str, colour: str) -> tuple[Coat, ...]:
    if kind == "point":
        return (marker(shape, colour, 3.0 if shape != "star" else 3.8),)
    if kind == "line":
        return stroke("#ffffff", 1.1), stroke(colour, 0.7)
    return (surface(colour, colour, 0.4, opacity=0.15),)


def outline(kind: Kind, colour: str, *, dashed: bool = False) -> tuple[Coat, ...]:
    """Return a thick outline in a white casing: seen on every colour below it."""
    if kind == "point":
        return (marker("star", colour, 5.0),)
    return stroke("#ffffff", 1.0), stroke(colour, 0.6, dashed=dashed)


def zone(kind: Kind, colour: str, line: str) -> tuple[Coat, ...]:
    """Return the symbol of a constraint's zone: what lies below it is still seen."""
    if kind != "polygon":
        return painted(kind, colour)
    return (surface(colour, colour, 0.4, opacity=0.14, line=line),)


def people_rules(kind: Kind, column: str, said: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return steps of people in a cell; nobody and a number that is not told stand apart."""
    ends = [f"{end - 1:g}" for end in _PEOPLE_FROM[1:]]
    named = [
        said["qgis.people"].format(low=low, high=high)
        for low, high in zip(_PEOPLE_FROM, ends, strict=False)
    ]
    named.append(said["qgis.people_over"].format(low=_PEOPLE_FROM[-1]))
    nobody = Rule(said["qgis.nobody"], f"{field(column)} < 1", painted(kind, "#ffffff", "#d0d0d0"))
    hidden = Rule(said["qgis.not_told"], f"{field(column)} IS NULL", hatched(kind, "#b9b9b9"))
    return (nobody, *ranges(kind, column, _PEOPLE_FROM, named, _PEOPLE), hidden)


def change_rules(column: str, kind: Kind, said: Mapping[str, str]) -> list[Rule]:
    """Return losses in orange, gains in blue, and apart what cannot be compared."""
    change = field(column)
    still = painted(kind, "#f4f4f4", "#c8c8c8")
    return [
        *_changes(kind, f"-{change}", _LOSS, "down", said)[::-1],
        Rule(said["qgis.no_change"], f"abs({change}) < {_CHANGE_FROM[0]:g}", still),
        *_changes(kind, change, _GAIN, "up", said),
        Rule(said["qgis.not_comparable"], f"{change} IS NULL", hatched(kind, "#b9b9b9")),
    ]


def _changes(
    kind: Kind, amount: str, colours: Sequence[str], way: str, said: Mapping[str, str]
) -> list[Rule]:
    rules = []
    for low, high, colour in zip(_CHANGE_FROM, (*_CHANGE_FROM[1:], None), colours, strict=True):
        ends = [shown_number(end, said, int(end % 1 > 0)) for end in (low, high or low)]
        name = said[f"qgis.points_{way}" if high else f"qgis.points_{way}_over"]
        end = f" AND {amount} < {high:g}" if high else ""
        where = f"{amount} >= {low:g}{end}"
        rules.append(Rule(name.format(low=ends[0], high=ends[1]), where, painted(kind, colour)))
    return rules
