"""The ranked list as CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
_AT_ONCE = 10_000  # rows that are held as text
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
    comma = "," if language == "nb" else "."
    rows = (
        row
        for first in range(0, len(table), _AT_ONCE)
        for row in _rows(table.iloc[first : first + _AT_ONCE], comma)
    )
    _write(path, map(_plain, map(str, table)), rows, language)


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
    facts = [str(fact) for fact in table.index]
    columns = [[_plain(_fact_name(fact, names, language)) for fact in facts]]
    for site in range(len(table.columns)):
        told = zip(facts, table.iloc[:, site], strict=True)
        columns.append([_plain(_shown(fact, value, text)) for fact, value in told])
    heading = (text["column.fact"], *(_plain(str(site)) for site in table))
    _write(path, heading, zip(*columns, strict=True), language)


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


def _write(
    path: Path, heading: Iterable[str], rows: Iterable[Iterable[str]], language: str
) -> None:
    norwegian = language == "nb"
    encoding = "utf-8-sig" if norwegian else "utf-8"
    with path.open("w", encoding=encoding, errors="replace", newline="") as file:
        writer = csv.writer(
            file,
            delimiter=";" if norwegian else ",",
            lineterminator="\r\n" if norwegian else "\n",
        )
        writer.writerow(heading)
        writer.writerows(rows)


def _plain(text: str) -> str:
    """Return a text on one line that no spreadsheet runs as a formula."""
    flat = re.sub(r"[\r\n]+", " ", text)
    return f"'{flat}" if flat.startswith(_FORMULA) else flat


def _rows(table: pd.DataFrame, comma: str) -> Iterable[tuple[str, ...]]:
    cells = [_cells(column, str(name), comma) for name, column in table.items()]
    return zip(*cells, strict=True)


def _cells(column: pd.Series, name: str, comma: str) -> NDArray[np.object_]:
    """Return what stands in the cells; what occurs often is written once."""
    places = next((n for end, n in DECIMALS.items() if name == end or name.endswith("_" + end)), 3)
    column = column.round(places) if pd.api.types.is_float_dtype(column) else column
    codes, unique = pd.factorize(column)
    texts = [_cell(value, places, comma) for value in unique]
    return np.array([*texts, ""], dtype=object)[codes]  # the code of a missing value is -1


def _cell(value: object, places: int, comma: str) -> str:
    if isinstance(value, float):
        return f"{value:.{places}f}".replace(".", comma)
    return _plain(str(value))
