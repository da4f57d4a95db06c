"""Comparisons as plain text, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from arealstrategi.comparison import STATES, Comparison
from arealstrategi.export.labels import reason_text, shown_number, words

_LISTED = 5


def comparison_text(comparison: Comparison, language: str, names: Mapping[str, str]) -> str:
    """Return a short plain text of what changed, for the terminal.

    Parameters
    ----------
    comparison
        What `compare` found.
    language
        ``nb`` or ``en``.
    names
        What to call each criterion; one that is not there is called by its key.
    """
    text, counts = words(language), comparison.counts
    rho = counts["rank_correlation"]
    told = text["compare.unknown"] if np.isnan(rho) else shown_number(rho, text, 3)
    blocks = [
        [text[f"compare.{name}"].format_map(counts) for name in ("found", "class", "assessed")]
        + [text["compare.correlation"].format(told)],
        _told_criteria(comparison.criteria, language, names),
        [f"{text['compare.matrix']}:", *_told_matrix(comparison.classes, text)],
    ]
    for name, most in (
        ("entering", comparison.top),
        ("leaving", comparison.top),
        ("gains", _LISTED),
        ("losses", _LISTED),
    ):
        ids: list[str] = getattr(comparison, name)
        rows = comparison.parcels.loc[ids[:most]]
        lines = [
            _told_parcel(row, language, names) for row in rows.reset_index().to_dict("records")
        ]
        if name in ("entering", "leaving") and len(ids) > most:
            lines.append(text["compare.more"].format(len(ids) - most))
        title = text[f"compare.{name}"].format(comparison.top)
        blocks.append(_titled(title, lines, text))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _told_criteria(criteria: pd.DataFrame, language: str, names: Mapping[str, str]) -> list[str]:
    text, lines = words(language), []
    changed = (criteria["gained"] > 0) | (criteria["lost"] > 0) | (criteria["weight_change"] != 0)
    for row in criteria[changed].reset_index().to_dict("records"):
        said = []
        if row["gained"] or row["lost"]:
            mean = shown_number(row["value_change"], text, 3, signed=True)
            said.append(text["compare.value"].format(mean, row["gained"], row["lost"]))
        if row["weight_change"]:
            share = [shown_number(100 * row[f"weight_{w}"], text, 1) for w in ("before", "after")]
            said.append(text["compare.weight"].format(*share))
        lines.append(f"{names.get(row['criterion'], row['criterion'])}: {'; '.join(said)}")
    return _titled(text["compare.criteria"], lines, text)


def _titled(title: str, lines: list[str], text: Mapping[str, str]) -> list[str]:
    if not lines:
        return [f"{title}: {text['compare.none']}"]
    return [f"{title}:", *(f"  {line}" for line in lines)]


def _told_matrix(classes: pd.DataFrame, text: Mapping[str, str]) -> list[str]:
    """Align the matrix; a state that no parcel has in either result is left out."""
    there = [s for s in STATES if classes.loc[s].sum() + classes[s].sum() > 0]
    head = [_state_name(s, text) for s in there]
    rows = [[str(n) for n in classes.loc[s, there]] for s in there]
    first = max(len(name) for name in head)
    width = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    return [
        f"  {name:<{first}}  " + "  ".join(f"{c:>{w}}" for c, w in zip(row, width, strict=True))
        for name, row in zip(["", *head], [head, *rows], strict=True)
    ]


def _told_parcel(row: Mapping[Any, Any], language: str, names: Mapping[str, str]) -> str:
    text = words(language)
    label = "" if pd.isna(row["label"]) else " ".join(str(row["label"]).split())
    said = f"{label or row['parcel_id']}: {_told_place(row, 'before', text)}"
    said += f" → {_told_place(row, 'after', text)}"
    if pd.notna(row["score_change"]) and row["score_change"] != 0:
        change = shown_number(row["score_change"], text, 1, signed=True)
        said += f", {change} {text['compare.points']}"
    why = _told_why(row["why"], text, names)
    if pd.notna(row["why_points"]) and row["why_points"] != 0:
        why += f" {shown_number(row['why_points'], text, 1, signed=True)}"
    return f"{said} ({why})" if why else said


def _told_place(row: Mapping[Any, Any], when: str, text: Mapping[str, str]) -> str:
    if pd.notna(row[f"rank_{when}"]):
        return text["compare.place"].format(row[f"rank_{when}"])
    status = row[f"status_{when}"]
    return _state_name("absent" if pd.isna(status) else status, text)


def _state_name(state: str, text: Mapping[str, str]) -> str:
    return (
        text["compare.absent"]
        if state == "absent"
        else text.get(f"class.{state}") or text[f"status.{state}"]
    )


def _told_why(code: str, text: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Say a code in words; the planner's own name of a constraint stays as it is."""
    head, _, rest = code.partition(": ")
    known = text.get(f"compare.why.{head}")
    if code in names or known is None:
        return names.get(code) or reason_text(code, text, names, inside=True)
    return known.format(names.get(rest, rest))
