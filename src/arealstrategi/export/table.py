"""The ranked list as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from arealstrategi.export.labels import column_alias, reason_text, words

DECIMALS = {
    "area_m2": 0,
    "score": 2,
    "score_safe": 2,
    "score_central": 2,
    "score_social": 2,
    "score_if_allowed": 2,
    "buildable_m2": 0,
    "buildable_width_m": 1,
    "walk_m": 0,
    "walk_min": 1,
    "effort_m": 0,
    "value": 3,
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_ranking(path: Path, parcels: pd.DataFrame, *, language: str) -> None:
    """Write the parcels, best first; those without rank last.

    Norwegian offices get ``;``, a decimal comma and a byte order mark; English ones ``,``, a point
    and none. Text that a spreadsheet would run as a formula gets an apostrophe in front.

    Parameters
    ----------
    path
        The new file.
    parcels
        Parcels table of the contract, index ``parcel_id``; a geometry column is left out.
    language
        ``nb`` or ``en``.
    """
    table = parcels.drop(columns="geometry", errors="ignore").reset_index()
    table = table.sort_values(["rank", "parcel_id"], na_position="last", kind="stable")
    for name in table.columns:
        if pd.api.types.is_string_dtype(table[name]):
            table[name] = _plain_text(table[name])
        elif pd.api.types.is_float_dtype(table[name]):
            table[name] = _written(table[name], name, "," if language == "nb" else ".")
    _write(path, table, language)


def write_side_by_side(
    path: Path, table: pd.DataFrame, names: Mapping[str, str], *, language: str
) -> None:
    """Write a table of facts with one column per site, in the form of `write_ranking`.

    Parameters
    ----------
    path
        The new file.
    table
        As `explanation.side_by_side` gives it: index ``fact``, numbers and codes.
    names
        What to call each criterion, by its key.
    language
        ``nb`` or ``en``.
    """
    text = words(language)
    shown = pd.DataFrame(
        {
            site: [_shown(str(fact), value, text) for fact, value in column.items()]
            for site, column in table.items()
        },
        dtype="str",
    )
    facts = pd.Series([_fact_name(fact, names, language) for fact in table.index], dtype="str")
    shown.insert(0, text["column.fact"], facts, allow_duplicates=True)
    _write(path, shown.apply(_plain_text).rename(columns=_plain_name), language)


def _fact_name(fact: str, names: Mapping[str, str], language: str) -> str:
    key, colon, measure = fact.partition(": ")
    return column_alias(f"{key}_{measure}" if colon else fact, names, language)


def _shown(fact: str, value: object, text: Mapping[str, str]) -> str:
    """Write a number in the language's habit, and a code in words."""
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN
        return ""
    if isinstance(value, float):
        places = 0 if fact.endswith(("_m", "_m2")) else 2
        return f"{value:.{places}f}".replace(".", text["decimal"])
    if fact == "reasons":
        return "; ".join(reason_text(one, text) for one in str(value).split(";") if one)
    return text.get(f"{fact}.{value}", str(value))


def _plain_name(name: object) -> str:
    return str(_plain_text(pd.Series([str(name)], dtype="str")).iloc[0])


def _write(path: Path, table: pd.DataFrame, language: str) -> None:
    norwegian = language == "nb"
    table.to_csv(
        path,
        index=False,
        sep=";" if norwegian else ",",
        encoding="utf-8-sig" if norwegian else "utf-8",
        lineterminator="\r\n" if norwegian else "\n",
        errors="replace",
    )


def _plain_text(column: pd.Series) -> pd.Series:
    flat = column.str.replace(r"[\r\n]+", " ", regex=True)
    return flat.where(~flat.str.startswith(_FORMULA).fillna(value=False), "'" + flat)


def _written(column: pd.Series, name: str, comma: str) -> pd.Series:
    places = next((n for end, n in DECIMALS.items() if name == end or name.endswith("_" + end)), 3)
    text = column.map(f"{{:.{places}f}}".format, na_action="ignore").astype("str")
    return text.where(column.notna(), "").str.replace(".", comma, regex=False)
