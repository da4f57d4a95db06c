"""What people see of columns: names, codes in words, decimals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from arealstrategi.export import labels
from arealstrategi.export.labels import words
from arealstrategi.export.qgis.qml import Shown

_MOST_WORDS = 300
_NOTHING = "–"
# column → prefix of the words of its codes
_CODED = {
    "status": "status", "status_before": "status", "status_after": "status",
    "class": "class", "class_before": "class", "class_after": "class",
    "municipal": "municipal", "plan_readiness": "plan_readiness", "instrument": "instrument",
    "effect": "effect", "answer": "answer", "reason": "reason", "found_in": "found_in",
    "top_change": "top_change",
}  # fmt: skip
# end of a column's name → decimals shown
_DECIMALS = {
    "_walk_min": 1, "_m": 0, "_m2": 0, "_value": 2, "_share": 2, "_access": 4, "_points": 1,
    "score": 1, "score_before": 1, "score_after": 1, "score_change": 1, "compactness": 2,
    "score_safe": 1, "score_central": 1, "score_social": 1, "score_if_allowed": 1, "_estimate": 1,
}  # fmt: skip


def aliases(
    table: pd.DataFrame, criteria: pd.DataFrame, language: str, name: str = ""
) -> dict[str, str]:
    """Return what people see instead of the columns' names, the index among them.

    Parameters
    ----------
    table
        With geometry or without.
    criteria
        Index ``key``: ``label`` in the language.
    language
        ``nb`` or ``en``.
    name
        Of the table: in some a column means something of its own.
    """
    said, names = words(language), _labels(criteria)
    columns = [str(one) for one in table.columns if one != "geometry"]
    if table.index.name is not None:
        columns.insert(0, str(table.index.name))
    return {
        one: said.get(f"column.{name}.{one}") or _capital(labels.column_alias(one, names, language))
        for one in columns
    }


def _labels(criteria: pd.DataFrame) -> dict[str, str]:
    return {str(key): str(label) for key, label in criteria["label"].items()}


def _capital(alias: str) -> str:
    return alias if "_" in alias else alias[:1].upper() + alias[1:]


def shown_fields(
    table: pd.DataFrame, criteria: pd.DataFrame, language: str, name: str = ""
) -> dict[str, Shown]:
    """Return how each column is shown: its alias, codes in words, decimals; see `aliases`."""
    said, known = words(language), _labels(criteria)
    told = {}
    for column, alias in aliases(table, criteria, language, name).items():
        number = column in table and pd.api.types.is_float_dtype(table[column])
        codes = _words_of(table, column, known, said)
        told[column] = Shown(alias, codes, _decimals(column) if number else None)
    return told


def _words_of(
    table: pd.DataFrame, column: str, known: Mapping[str, str], said: Mapping[str, str]
) -> dict[str, str]:
    """Return what to show instead of what stands in a column; nothing for most."""
    if column == "status" and "straight_m" in table:
        return codes_of("walk_status", said)
    if column in _CODED:
        return codes_of(_CODED[column], said) | {"": _NOTHING}
    if column == "category":
        return dict(known)
    if column not in {"reasons", "why"}:
        return {}
    texts = table[column].dropna().unique().tolist()
    if len(texts) > _MOST_WORDS:
        return {}
    return {one: _reasons(one, known, said) for one in texts}


def codes_of(prefix: str, said: Mapping[str, str]) -> dict[str, str]:
    """Return the codes behind a prefix of the words, with the words."""
    start = f"{prefix}."
    return {key.removeprefix(start): one for key, one in said.items() if key.startswith(start)}


def _reasons(told: str, known: Mapping[str, str], said: Mapping[str, str]) -> str:
    """Put what stands in ``reasons`` or ``why`` into words."""
    return "; ".join(_reason(one, known, said) for one in told.split(";")) if told else _NOTHING


def _reason(told: str, known: Mapping[str, str], said: Mapping[str, str]) -> str:
    if told in known:
        return known[told]
    if (key := told.removeprefix("weight: ")) in known:
        return said["compare.why.weight"].format(known[key])
    return said.get(f"compare.why.{told}") or labels.reason_text(told, said, known)


def _decimals(column: str) -> int | None:
    found = [number for end, number in _DECIMALS.items() if column.endswith(end)]
    return found[0] if found else None
