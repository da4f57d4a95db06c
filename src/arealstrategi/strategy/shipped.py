"""The shipped catalogue of criteria, and what a strategy changes in it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from arealstrategi.criteria import AnyCriterion, Criterion
from arealstrategi.strategy.problems import all_readable
from arealstrategi.strategy.sections import NO_JUDGEMENT, CriterionEntry

CRITERION: TypeAdapter[AnyCriterion] = TypeAdapter(AnyCriterion)
# Proposed defaults for a centre zone: inside, and 1,000 m of straight line.
CENTRE_FULL_M, CENTRE_ZERO_M = 0.0, 1000.0


def catalogue_entries(weights: str = "default") -> dict[str, dict[str, Any]]:
    """Return the shipped criteria, key to table, with the weights of a shipped set."""
    catalogue = _catalogue()
    entries = {entry["key"]: dict(entry) for entry in catalogue["criterion"]}
    groups = catalogue["weights"].get(weights)
    if groups is not None:
        total = pd.Series({k: e["weight"] for k, e in entries.items()}).groupby(
            {k: e["group"] for k, e in entries.items()}
        ).sum()  # fmt: skip
        for entry in entries.values():
            entry["weight"] *= groups.get(entry["group"], 0) / total[entry["group"]]
    return entries


def group_labels() -> dict[str, dict[str, str]]:
    """Return the catalogue's groups: key to label by language."""
    groups: dict[str, dict[str, str]] = _catalogue()["groups"]
    return groups


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
    shipped = catalogue_entries(weights) if catalogue else {}
    written = {entry.key: entry for entry in entries}
    if len(written) < len(entries):
        yield None, "criterion: two of them have the same key"
    for key in dict.fromkeys([*shipped, *written]):
        yield _criterion(shipped.get(key), written.get(key))


def _criterion(
    shipped: dict[str, Any] | None, entry: CriterionEntry | None
) -> tuple[AnyCriterion | None, str]:
    told = {} if entry is None else entry.model_dump(exclude_none=True, exclude=NO_JUDGEMENT)
    kind = entry.kind if entry is not None and "kind" in entry.model_fields_set else "walk"
    base = shipped or {}
    if kind != "walk":
        base = {name: base[name] for name in base if name in Criterion.model_fields}
    whole = {**base, **told, "kind": kind}
    key = whole["key"]
    if isinstance(whole.get("label"), str):
        whole["label"] = {"nb": whole["label"], "en": whole["label"]}
    whole.setdefault("label", {"nb": key, "en": key})
    whole.setdefault("group", "own")
    if kind != "walk":
        _complete_number(whole)
    elif not _complete_walk(whole, shipped or {}, entry):
        return None, (
            f'criterion "{key}": no places to walk to; set osm = ["key=value"] or points = "file" '
            f"(the catalogue has: {', '.join(catalogue_entries())})"
        )
    lacks = ["column: is missing"] if kind == "column" and not whole.get("column") else []
    try:
        judged = CRITERION.validate_python(whole)
    except ValidationError as error:
        texts = all_readable(error, CriterionEntry)
        lacks += [text.removeprefix(f"{kind}.").removeprefix(f"{kind}: ") for text in texts]
    if lacks:
        return None, "; ".join(f'criterion "{key}": {text}' for text in dict.fromkeys(lacks))
    return judged, ""


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
    if whole["kind"] == "centrality":
        whole["full"] = whole.pop("full_m", CENTRE_FULL_M)
        whole["zero"] = whole.pop("zero_m", CENTRE_ZERO_M)
    if whole["kind"] == "plan_readiness":
        whole.setdefault("full", 1.0)
        whole.setdefault("zero", 0.0)
