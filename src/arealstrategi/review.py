"""Looking at results that were written: explaining a parcel, comparing two runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from arealstrategi.comparison import Comparison, compare
from arealstrategi.errors import InputError
from arealstrategi.explanation import Explanation, ScoreModel, explain_named
from arealstrategi.export.comparison_text import comparison_text
from arealstrategi.export.explanation_text import explanation_text
from arealstrategi.export.geopackage import write_geopackage
from arealstrategi.result.layers import told_of
from arealstrategi.result.writing import write_all
from arealstrategi.sources.output import read_layer_of, read_table_of

MADE_BY = "Give the folder that `arealstrategi run` wrote, or run again with this version."


@dataclass(frozen=True)
class Saved:
    """A result as its folder has it.

    Parameters
    ----------
    folder
        Where it is.
    parcels
        The parcels with the columns of the contract.
    sites
        The given sites; None where there are none.
    findings, site_findings
        What the constraints found; empty where there are none.
    model
        How values became scores.
    language
        Of the run.
    """

    folder: Path
    parcels: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame | None
    findings: pd.DataFrame
    site_findings: pd.DataFrame
    model: ScoreModel
    language: str


def read_output(folder: Path, language: str | None = None) -> Saved:
    """Read what a run wrote, with the labels in a language; None: the run's.

    Raises
    ------
    InputError
        The folder holds no result, or one of another version; the message says which file.
    """
    facts = _facts(folder / "run.json")
    spoken = language or str(facts["language"])
    path = folder / "suitability.gpkg"
    parcels = read_layer_of(path, "parcels")
    if parcels is None:
        raise InputError(f"{path}: has no layer parcels", hint=MADE_BY)
    findings, of_sites = (read_table_of(path, name) for name in ("findings", "site_findings"))
    nothing = pd.DataFrame(columns=["parcel_id", "constraint", "answer", "share"])
    try:
        model = _model(facts, spoken)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / 'run.json'}: lacks {error}", hint=MADE_BY) from None
    missing = [f"{key}_value" for key in model.criteria.index if f"{key}_value" not in parcels]
    missing += [name for name in ("status", "reasons", "score_if_allowed") if name not in parcels]
    if missing:
        raise InputError(f"{path}: parcels has no column {missing[0]}", hint=MADE_BY)
    return Saved(
        folder,
        parcels,
        read_layer_of(path, "sites"),
        nothing if findings is None else findings,
        nothing if of_sites is None else of_sites,
        model,
        spoken,
    )


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", hint=MADE_BY) from error
    except ValueError as error:
        raise InputError(f"{path}: is not a valid JSON file ({error})", hint=MADE_BY) from error
    if not isinstance(facts, dict) or not {"criteria", "score", "language"} <= set(facts):
        raise InputError(f"{path}: does not tell of criteria and score", hint=MADE_BY)
    return facts


def _model(facts: dict[str, Any], language: str) -> ScoreModel:
    score = facts["score"]
    criteria = pd.DataFrame(
        {
            "key": [c["key"] for c in facts["criteria"]],
            "label": [c["label"].get(language) or c["key"] for c in facts["criteria"]],
            "group": [c["group"] for c in facts["criteria"]],
            "weight": [float(c["normalised_weight"]) for c in facts["criteria"]],
            "critical": [bool(c["critical"]) for c in facts["criteria"]],
        }
    ).set_index("key")
    strategy = facts["strategy"]
    return ScoreModel(
        criteria,
        score["method"],
        float(strategy["score"]["alpha"]),
        float(strategy["score"]["floor"]),
        score["missing"],
        {rule["name"]: rule["effect"] for rule in strategy["constraint"]},
    )


def explain_output(folder: Path, parcel: str, language: str | None = None) -> Explanation:
    """Explain a parcel, or a given site, of a result that was written.

    Raises
    ------
    InputError
        The folder holds no result, or no such parcel.
    """
    return _explain(read_output(folder, language), parcel)


def _explain(saved: Saved, parcel: str) -> Explanation:
    sites = None if saved.sites is None else (saved.sites, saved.site_findings)
    return explain_named(parcel, saved.model, (saved.parcels, saved.findings), sites)


def explain_outputs(folder: Path, parcels: Sequence[str], language: str | None) -> str:
    """Return the explanations of some parcels as text; None: in the language of the run.

    Raises
    ------
    InputError
        The folder holds no result, or no such parcel.
    """
    saved = read_output(folder, language)
    rule = "\n\n" + "─" * 72 + "\n\n"
    return rule.join(explanation_text(_explain(saved, one), saved.language) for one in parcels)


def compare_outputs(
    before: Path, after: Path, out: Path, *, top: int = 20, language: str | None = None
) -> tuple[str, list[Path]]:
    """Compare two results that were written.

    Parameters
    ----------
    before, after
        Their folders.
    out
        Folder for ``comparison.gpkg`` (layer ``difference``) and ``comparison.json``.
    top
        Ranks up to this are the top.
    language
        Of the text; None: that of the second result.

    Returns
    -------
    The comparison as text, and the files written.

    Raises
    ------
    InputError
        A folder holds no result, or the two have no parcel in common.
    OutputError
        The comparison cannot be written.
    """
    second = read_output(after, language)
    first = read_output(before, second.language)
    if first.parcels.crs != second.parcels.crs:
        raise InputError(
            f"{before} is in {first.parcels.crs}, {after} in {second.parcels.crs}",
            hint="Run both with the same `crs` under [area].",
        )
    one, other = first.model.criteria, second.model.criteria
    compared = compare(first.parcels, second.parcels, one["weight"], other["weight"], top=top)
    names = {str(k): str(v) for table in (one, other) for k, v in table["label"].items()}
    written = write_all(
        out,
        {
            "comparison.gpkg": lambda path: _write_layer(path, compared, other, second.language),
            "comparison.json": lambda path: _write_facts(path, compared),
        },
    )
    return comparison_text(compared, second.language, names), written


def _write_layer(path: Path, compared: Comparison, criteria: pd.DataFrame, language: str) -> None:
    layers = {"difference": compared.parcels}
    tables = {
        "criteria": compared.criteria.rename_axis("key"),
        "classes": compared.classes,
    }
    told = told_of(layers, tables, criteria, language)
    write_geopackage(path, layers, tables, told=told, about={"TITLE": told["difference"].title})


def _write_facts(path: Path, compared: Comparison) -> None:
    told = {
        "counts": {k: None if v != v else v for k, v in compared.counts.items()},  # noqa: PLR0124
        "classes": {
            str(name): {str(k): int(n) for k, n in row.items()}
            for name, row in compared.classes.iterrows()
        },
        "entering": compared.entering,
        "leaving": compared.leaving,
        "gains": compared.gains,
        "losses": compared.losses,
    }
    text = json.dumps(told, ensure_ascii=False, indent=2, default=lambda number: number.item())
    path.write_text(text + "\n", encoding="utf-8", errors="replace")
