"""The presets; all that they know stands in ``presets.toml``."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

_LETTERS = str.maketrans({"å": "a", "ø": "o", "æ": "ae"})

Geometry = Literal["area", "line", "point"]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CodeField(_Told):
    """One column with codes.

    Parameters
    ----------
    names
        What it is called, in its spellings; the first one is the official name.
    codes
        Code to what it means.
    also
        Other spellings of codes.
    also_in_layer
        Word in the name of a layer to what codes mean there.
    not_names
        Columns that look alike and stand on something else.
    needed
        Whether the layer must have the column; else, without it, every feature counts.
    layer_name
        Without the column the name of the layer tells the code.
    missing
        Whether a feature without a code counts.
    others
        Whether there are further codes that do not count and need no warning.
    """

    names: tuple[str, ...]
    codes: Mapping[str, str]
    also: Mapping[str, str] = {}
    also_in_layer: Mapping[str, Mapping[str, str]] = {}
    not_names: tuple[str, ...] = ()
    needed: bool = True
    layer_name: bool = False
    missing: bool = False
    others: bool = False


class Preset(_Told):
    """An official dataset and the rule that follows from it.

    Parameters
    ----------
    key
        What the strategy file calls it.
    label
        ``nb`` and ``en``: what the reason says.
    dataset, owner, licence, metadata, service, type
        Which dataset: its title, whose, licence where known, Geonorge's metadata uuid, address and
        type name of its service.
    kind
        ``hazard`` (susceptibility maps are refused), ``susceptibility`` or ``other``.
    layers, coverage_layers
        Names of the layer in files, the best first; of the layer that says what was surveyed.
    field, select
        Columns with codes, and which of their codes count: all of the columns must agree.
    geometry
        Which shapes count.
    effect, points
        What a hit does; points to take off where that is to deduct.
    law_nb, law_en, note_nb, note_en, coverage_nb, coverage_en
        The legal source, what to know, and what no hit means.
    instead
        Preset for the susceptibility maps of the same hazard.
    sure
        How the facts are known.
    """

    key: str
    label: Mapping[str, str]
    dataset: str
    owner: str
    licence: str
    metadata: str
    service: str
    type: str
    kind: Literal["hazard", "susceptibility", "other"]
    layers: tuple[str, ...]
    coverage_layers: tuple[str, ...] = ()
    field: Mapping[str, CodeField] = {}
    select: Mapping[str, tuple[str, ...]] = {}
    geometry: tuple[Geometry, ...] = ("area",)
    effect: Literal["exclude", "condition", "deduct"]
    points: float | None = None
    law_nb: str
    law_en: str
    note_nb: str = ""
    note_en: str = ""
    coverage_nb: str
    coverage_en: str
    instead: str = ""
    sure: str


def preset_names() -> tuple[str, ...]:
    """Return the keys of all presets, in the order of the table."""
    return tuple(_presets())


def preset(name: str) -> Preset:
    """Return a preset by its key.

    Raises
    ------
    ValueError
        There is none; the message names the nearest one.
    """
    known = _presets()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    asked = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(known)}"
    raise ValueError(f"there is no preset '{name}'; {asked}")


def preset_table() -> list[dict[str, str]]:
    """Return a row per preset, for documentation: everything a reader needs to judge it."""
    return [
        {
            "preset": one.key,
            "nb": one.label["nb"],
            "en": one.label["en"],
            "dataset": one.dataset,
            "owner": one.owner,
            "licence": one.licence,
            "metadata": one.metadata,
            "service": one.service,
            "type": one.type,
            "fields": "; ".join(one.field[name].names[0] for name in one.select),
            "codes": "; ".join(
                f"{code}: {one.field[name].codes[code]}"
                for name, codes in one.select.items()
                for code in codes
            ),
            "effect": one.effect if one.points is None else f"{one.effect} {one.points:g}",
            "law_nb": one.law_nb,
            "law_en": one.law_en,
            "note_nb": one.note_nb,
            "note_en": one.note_en,
            "coverage_layer": one.coverage_layers[0] if one.coverage_layers else "",
            "coverage_nb": one.coverage_nb,
            "coverage_en": one.coverage_en,
            "sure": one.sure,
        }
        for one in _presets().values()
    ]


def fold(name: str) -> str:
    """Return a name as names are compared: its last part, small, without Norwegian letters."""
    last = re.split(r"[|.:/]", unicodedata.normalize("NFC", name))[-1]
    return re.sub(r"[^a-z0-9]", "", last.lower().translate(_LETTERS))


def pick_layer(wanted: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the first of the wanted layers that is among the names of a file's layers, or None.

    Parameters
    ----------
    wanted
        `Preset.layers` or `Preset.coverage_layers`.
    names
        The layers that there are, however they are spelt.
    """
    there = {fold(name): name for name in reversed(names)}
    return next((there[fold(name)] for name in wanted if fold(name) in there), None)


@cache
def _presets() -> dict[str, Preset]:
    text = files(__package__).joinpath("presets.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    return {key: _made(key, written, told["dataset"]) for key, written in told["preset"].items()}


def _made(key: str, written: dict[str, Any], datasets: dict[str, dict[str, Any]]) -> Preset:
    """Lay what a preset says over what its dataset says; its own layers come first."""
    dataset = datasets[written["dataset"]]
    said = {name: value for name, value in dataset.items() if name != "title"} | written
    layers = (*written.get("layers", ()), *dataset["layers"])
    return Preset.model_validate(said | {"key": key, "dataset": dataset["title"], "layers": layers})
