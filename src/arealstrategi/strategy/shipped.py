"""The shipped catalogue of criteria, and what a strategy changes in it."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from arealstrategi.criteria import AnyCriterion, Criterion
from arealstrategi.strategy.problems import all_readable
from arealstrategi.strategy.sections import NEED_SOURCE, NO_JUDGEMENT, CriterionEntry

CRITERION: TypeAdapter[AnyCriterion] = TypeAdapter(AnyCriterion)
# Proposed defaults for a centre zone: inside, and 1,000 m of straight line.
CENTRE_FULL_M, CENTRE_ZERO_M = 0.0, 1000.0
# Judgement: all of the ground can be built on, or less than half of it.
SLOPE_FULL, SLOPE_ZERO = 1.0, 0.5
_HAS_DEFAULT = {
    "centrality": {"full": CENTRE_FULL_M, "zero": CENTRE_ZERO_M},
    "plan_readiness": {"full": 1.0, "zero": 0.0},
    "slope": {"full": SLOPE_FULL, "zero": SLOPE_ZERO},
    "count_within": {"zero": 0.0},
}
_OF_A_LINE = {"full", "zero", "full_m", "zero_m"}


def catalogue_entries(
    weights: str = "default", asked: Collection[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return the shipped criteria in use, key to table, with the weights of a shipped set.

    Parameters
    ----------
    weights
        The set.
    asked
        Which of the optional ones are in use: those that need data of the user's own, or that
        OpenStreetMap maps too unevenly.
    """
    catalogue = _catalogue()
    entries = {
        entry["key"]: dict(entry)
        for entry in catalogue["criterion"]
        if not entry.get("optional") or entry["key"] in asked
    }
    groups = catalogue["weights"].get(weights)
    if groups is not None:
        total = pd.Series({k: e["weight"] for k, e in entries.items()}).groupby(
            {k: e["group"] for k, e in entries.items()}
        ).sum()  # fmt: skip
        for entry in entries.values():
            entry["weight"] *= groups.get(entry["group"], 0) / total[entry["group"]]
    for entry in entries.values():
        entry.pop("optional", None)
    return entries


def group_labels() -> dict[str, dict[str, str]]:
    """Return the catalogue's groups: key to label by language."""
    groups: dict[str, dict[str, str]] = _catalogue()["groups"]
    return groups


def headline_of(group: str) -> str | None:
    """Return the headline score that a group of the catalogue counts in."""
    headlines: dict[str, str] = _catalogue()["headlines"]
    return headlines.get(group)


@cache
def _catalogue() -> dict[str, Any]:
    text = resources.files("arealstrategi").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def weight_sets() -> list[str]:
    """Return the names of the shipped sets of weights."""
    return ["default", *_catalogue()["weights"]]


def merged(
    entries: tuple[CriterionEntry, ...], weights: str, *, catalogue: bool
) -> Iterator[tuple[AnyCriterion | None, str]]:
    """Yield each criterion in use, or None and what is wrong with it.

    Parameters
    ----------
    entries
        What the strategy file changes and adds.
    weights
        A shipped set of weights.
    catalogue
        Whether the shipped criteria are in use.
    """
    written = {entry.key: entry for entry in entries}
    shipped = catalogue_entries(weights, written) if catalogue else {}
    if len(written) < len(entries):
        yield None, "criterion: two of them have the same key"
    for key in dict.fromkeys([*shipped, *written]):
        yield _criterion(shipped.get(key, {}), written.get(key))


def _criterion(
    shipped: dict[str, Any], entry: CriterionEntry | None
) -> tuple[AnyCriterion | None, str]:
    told = {} if entry is None else entry.model_dump(exclude_none=True, exclude=NO_JUDGEMENT)
    told_kind = entry is not None and "kind" in entry.model_fields_set
    kind = told["kind"] if told_kind else shipped.get("kind", "walk")
    if "curve" in told:  # points with straight lines between, unless told otherwise
        told.setdefault("function", "piecewise")
    base = _that_still_fits(shipped, told, kind)
    whole = {**base, **told, "kind": kind}
    key = whole["key"]
    if isinstance(whole.get("label"), str):
        whole["label"] = {"nb": whole["label"], "en": whole["label"]}
    whole.setdefault("label", {"nb": key, "en": key})
    whole.setdefault("group", "own")
    whole.setdefault("headline", headline_of(whole["group"]))
    if kind != "walk":
        _complete_number(whole)
    elif not _complete_walk(whole, shipped, entry):
        return None, (
            f'criterion "{key}": no places to walk to; set osm = ["key=value"] or points = "file" '
            f"(the catalogue has: {', '.join(catalogue_entries())})"
        )
    return _judged(whole, entry)


def _judged(whole: dict[str, Any], entry: CriterionEntry | None) -> tuple[AnyCriterion | None, str]:
    """Return the criterion, or None and all that is wrong with it."""
    key, kind = whole["key"], whole["kind"]
    lacks = ["column: is missing"] if kind == "column" and not whole.get("column") else []
    if kind in NEED_SOURCE and (entry is None or entry.source is None):
        lacks.append(f"kind {kind} needs a source")
    try:
        judged = CRITERION.validate_python(whole)
    except ValidationError as error:
        texts = all_readable(error, CriterionEntry)
        lacks += [text.removeprefix(f"{kind}.").removeprefix(f"{kind}: ") for text in texts]
    if lacks:
        return None, "; ".join(f'criterion "{key}": {text}' for text in dict.fromkeys(lacks))
    return judged, ""


def _that_still_fits(shipped: dict[str, Any], told: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return what holds of a shipped criterion when its kind or its value function is another."""
    base = shipped
    if kind != shipped.get("kind", "walk"):
        base = {name: base[name] for name in base if name in Criterion.model_fields}
    function = told.get("function", shipped.get("function", "linear"))
    if "curve" in told or (kind != "walk" and function not in {"linear", "exponential"}):
        base = {name: base[name] for name in base if name not in _OF_A_LINE}
    return base


def _complete_walk(
    whole: dict[str, Any], shipped: dict[str, Any], entry: CriterionEntry | None
) -> bool:
    """Fill what a walk needs; say whether there is anything to walk to."""
    if entry is not None and entry.k is not None and entry.decay is None:
        whole.pop("decay", None)  # the shipped one is for the shipped number of places
    if whole.get("osm") is False:
        whole["osm"] = whole["buildings"] = ()
    elif whole.get("osm") is True:
        whole["osm"] = shipped.get("osm", ())
    has_points = entry is not None and entry.points is not None
    return bool(whole.get("osm") or whole.get("buildings") or has_points)


def _complete_number(whole: dict[str, Any]) -> None:
    """Fill the anchors of a number that have a default."""
    if whole.get("function", "linear") not in {"linear", "exponential"}:
        return
    if whole["kind"] in {"centrality", "distance"}:
        for name in ("full", "zero"):
            if f"{name}_m" in whole:
                whole[name] = whole.pop(f"{name}_m")
    for name, number in _HAS_DEFAULT.get(whole["kind"], {}).items():
        whole.setdefault(name, number)
