"""The ranking and what belongs to it as an Excel workbook, a sheet for each table.

Columns are called and codes are told as people say it. What would make the ranking too wide to
read is left to ``ranking.csv`` and the GeoPackage, and the last sheet says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.export.labels import (
    CLASS_COLOURS,
    STATUS_COLOURS,
    column_alias,
    reason_text,
    words,
)
from arealstrategi.export.spreadsheet import (
    MOST_ROWS,
    Column,
    Sheet,
    Style,
    write_spreadsheet,
)
from arealstrategi.scoring import CLASS_FROM
from arealstrategi.tables import CLASSES

STYLES = MappingProxyType(
    {
        "text": Style("@"),
        "long": Style("@", wraps=True),
        "whole": Style("#,##0"),
        "tenths": Style("#,##0.0", 1),
        "points": Style("0.0", 2),
        "share": Style("0.0 %", 4),
        "hundredths": Style("0.00", 3),
        "number": Style("General", 4),
        **{
            f"{kind}.{name}": Style("@", fill=colour)
            for kind, colours in (("class", CLASS_COLOURS), ("status", STATUS_COLOURS))
            for name, colour in colours.items()
        },
    }
)

LEFT_OUT = ("effort_m", "value")
"""Of each criterion in the ranking: they stand in ``ranking.csv`` and the GeoPackage."""

_FIRST = (
    "rank", "label", "parcel_id", "property", "class", "score", "rank_p05", "rank_p95",
    "top_share", "area_m2", "buildable_m2", "buildable_width_m", "municipal", "plan_readiness",
    "plan_purpose_name", "plan_id", "plan_in_progress", "status", "reasons", "score_if_allowed",
    "score_safe", "score_central", "score_social",
)  # fmt: skip
# ends of names and how such numbers are written; the first that fits
_STYLE_OF = (
    ("walk_min", "tenths"), ("width_m", "tenths"), ("score", "points"), ("points", "points"),
    ("share", "share"), ("weight", "share"), ("in_group", "share"), ("low", "share"),
    ("high", "share"), ("move", "share"), ("overlap", "share"), ("spearman", "hundredths"),
    ("kendall", "hundredths"), ("compactness", "hundredths"), ("value", "hundredths"),
    ("rank", "whole"), ("_p05", "whole"), ("_p95", "whole"), ("_m", "whole"), ("_m2", "whole"),
    ("parcels", "whole"), ("dwellings", "whole"),
)  # fmt: skip
_WIDTHS = MappingProxyType(
    {"reasons": 36, "label": 24, "parcels": 44, "source": 40, "name": 30, "why": 44, "told": 80}
)
_WRAPPED = ("why", "source", "told", "what")
_NUMBER_WIDTH, _LEAST_WIDTH, _MOST_WIDTH, _WIDEST = 11.0, 9.0, 40.0, 80.0
_LOOKED_AT = 500  # rows that decide how wide a column is


def write_workbook(
    path: Path,
    tables: Mapping[str, pd.DataFrame],
    *,
    names: Mapping[str, str],
    language: str,
    title: str = "",
    notes: Sequence[str] = (),
) -> None:
    """Write the tables, each on a sheet, and what their columns mean on the last.

    Parameters
    ----------
    path
        The new file.
    tables
        Any of the keys of `SHEETS`; ``parcels`` is needed. Empty ones get no sheet.

        ``parcels``: the columns of the contract, index ``parcel_id``. ``areas``: recommended areas,
        index ``area_id``. ``sites``: as `explanation.side_by_side` gives it. ``criteria``,
        ``constraints``, ``findings``, ``weight_intervals``, ``methods``, ``services``, ``inputs``,
        ``run``: as they are to stand there.
    names
        What to call each criterion, by its key.
    language
        ``nb`` or ``en``.
    title, notes
        What the last sheet begins with.
    """
    sheets = {
        key: _SHEETS[key](tables[key], names, language)
        for key in _SHEETS
        if key in tables and len(tables[key])
    }
    about = _about(sheets, tables["parcels"], names, language, (title, *notes))
    write_spreadsheet(path, [*sheets.values(), about], STYLES)


def _ranking(parcels: pd.DataFrame, names: Mapping[str, str], language: str) -> Sheet:
    """Put the parcels best first; what cannot be reached and what is not measured has a word."""
    text = words(language)
    table = parcels.drop(columns="geometry", errors="ignore").reset_index()
    table = table.sort_values(["rank", "parcel_id"], na_position="last", kind="stable")
    for same in ("parcel_id", "property"):
        if same in table and table[same].equals(table["label"]):
            table = table.drop(columns=same)
    first = [name for name in _FIRST if name in table]
    chosen = dict.fromkeys((*first, *_to_read(table, names)))
    columns = []
    for name in chosen:
        cells, style = _shown(table[name], name, names, language)
        key, _, measure = _split(name, names)
        if measure in ("walk_m", "walk_min"):
            cells = _with_words(cells, STYLES[str(style)].decimals, table[f"{key}_value"], text)
        columns.append(_column(name, cells, style, names, language))
    title = text["workbook.sheet.parcels"]
    return Sheet(title, columns, fixed=min(2, len(first)), printed=len(first))


def _to_read(table: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """Return the columns that are no part of a criterion's `LEFT_OUT`, minutes before metres."""
    kept = [name for name in map(str, table) if _split(name, names)[2] not in LEFT_OUT]
    for place, name in enumerate(kept[:-1]):
        if name.endswith("_walk_m") and kept[place + 1].endswith("_walk_min"):
            kept[place : place + 2] = kept[place + 1], name
    return kept


def _split(column: str, names: Mapping[str, str]) -> tuple[str, str, str]:
    """Return a criterion's key and its measure; both empty where the column is of no criterion."""
    for measure in ("walk_m", "walk_min", "effort_m", "value", "service", "raw"):
        key = column.removesuffix(f"_{measure}")
        if key != column and key in names:
            return key, "_", measure
    return "", "", ""


def _with_words(
    cells: pd.Series, decimals: int, value: pd.Series, text: Mapping[str, str]
) -> pd.Series:
    """Put a word where there is no number: no way, or not measured at all."""
    missing = cells.isna()
    if not missing.any():
        return cells
    said = np.where(value.isna(), text["workbook.not_measured"], text["workbook.no_way"])
    return cells.round(decimals).astype(object).mask(missing, said)


def _sites(table: pd.DataFrame, names: Mapping[str, str], language: str) -> Sheet:
    """Given sites side by side: a column each, a row for each fact."""
    text = words(language)
    facts = [str(fact) for fact in table.index]
    said = [_fact_name(fact, names, language) for fact in facts]
    columns = [Column(text["column.fact"], pd.Series(said, dtype="str"), "long", _MOST_WIDTH)]
    for site in table.columns:
        cells = [
            _said(value, fact, names, text) for fact, value in zip(facts, table[site], strict=True)
        ]
        styles = [
            _style_of_cell(fact, value) for fact, value in zip(facts, table[site], strict=True)
        ]
        shown = pd.Series(cells, dtype=object)
        columns.append(Column(str(site), shown, np.array(styles, dtype=object), 24.0))
    return Sheet(text["workbook.sheet.sites"], columns, fixed=1, filters=False)


def _fact_name(fact: str, names: Mapping[str, str], language: str) -> str:
    key, colon, measure = fact.partition(": ")
    return column_alias(f"{key}_{measure}" if colon else fact, names, language)


def _style_of_cell(fact: str, value: object) -> str:
    if fact in ("class", "status") and f"{fact}.{value}" in STYLES:
        return f"{fact}.{value}"
    return "long" if isinstance(value, str) else _number_style(fact.rpartition(": ")[2])


def _plain(key: str) -> Callable[[pd.DataFrame, Mapping[str, str], str], Sheet]:
    """Return what makes a sheet of a table as it is."""

    def sheet(table: pd.DataFrame, names: Mapping[str, str], language: str) -> Sheet:
        told = table.drop(columns="geometry", errors="ignore")
        told = told if told.index.name is None else told.reset_index()
        columns = [
            _column(name, *_shown(told[name], name, names, language), names, language)
            for name in map(str, told)
        ]
        return Sheet(words(language)[f"workbook.sheet.{key}"], columns, fixed=1)

    return sheet


_SHEETS: Mapping[str, Callable[[pd.DataFrame, Mapping[str, str], str], Sheet]] = MappingProxyType(
    {
        "parcels": _ranking,
        "areas": _plain("areas"),
        "sites": _sites,
        **{
            key: _plain(key)
            for key in (
                "criteria", "constraints", "findings", "weight_intervals", "methods", "services",
                "inputs", "run",
            )
        },
    }
)  # fmt: skip


def _column(
    name: str,
    cells: pd.Series,
    style: str | NDArray[np.object_],
    names: Mapping[str, str],
    language: str,
) -> Column:
    heading = _heading(name, names, language)
    measure = _split(name, names)[2]
    return Column(
        heading,
        cells,
        style,
        _width(name, heading, cells),
        secondary=measure in ("walk_m", "service"),
    )


def _heading(name: str, names: Mapping[str, str], language: str) -> str:
    own = words(language).get(f"workbook.column.{name}")
    return own if own is not None else column_alias(name, names, language)


def _width(name: str, heading: str, cells: pd.Series) -> float:
    """Return a width in characters: for most of the content, and for each word of the heading."""
    widest_word = max(map(len, heading.split()), default=0) + 3.0
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return max(_NUMBER_WIDTH, min(widest_word, _MOST_WIDTH))
    lengths = cells.head(_LOOKED_AT).astype("str").str.len().fillna(0)
    usual = _WIDTHS.get(name, min(float(lengths.quantile(0.95)) + 3, _MOST_WIDTH))
    return max(min(usual, _WIDEST), min(widest_word, _MOST_WIDTH), _LEAST_WIDTH)


def _shown(
    column: pd.Series, name: str, names: Mapping[str, str], language: str
) -> tuple[pd.Series, str | NDArray[np.object_]]:
    """Return what cells hold, codes in words, and how they look."""
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        style = _number_style(name)
        whole = style == "number" and pd.api.types.is_integer_dtype(column.dtype)
        return column, "whole" if whole else style
    text = words(language)
    codes, unique = pd.factorize(column)
    said = np.array([*(_said(one, name, names, text) for one in unique), None], dtype=object)
    cells = pd.Series(said[codes], index=column.index, dtype=object)
    if name in ("class", "status"):
        looks = [f"{name}.{one}" if f"{name}.{one}" in STYLES else "text" for one in unique]
        return cells, np.array([*looks, "text"], dtype=object)[codes]
    return cells, "long" if name in _WRAPPED else "text"


def _said(value: object, name: str, names: Mapping[str, str], text: Mapping[str, str]) -> object:
    """Return a code in words; a number as it is; None where there is nothing."""
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN
        return None
    if isinstance(value, bool | np.bool_):
        return text["municipal.yes" if value else "municipal.no"]
    return _code(value, name, names, text) if isinstance(value, str) else value


def _code(value: str, name: str, names: Mapping[str, str], text: Mapping[str, str]) -> str:
    if name in ("reasons", "reason"):
        return "; ".join(reason_text(one, text, names) for one in value.split(";") if one)
    if name in ("category", "key"):
        return names.get(value, value)
    if name == "method":
        kind = "owa" if value.startswith("owa_") else value
        alpha = value.removeprefix("owa_").replace(".", text["decimal"])
        return text.get(f"workbook.method.{kind}", value).replace("{alpha}", alpha)
    return text.get(f"{name}.{value}", value)


def _number_style(name: str) -> str:
    if name.startswith("score"):
        return "points"
    return next((style for end, style in _STYLE_OF if name.endswith(end)), "number")


def _about(
    sheets: Mapping[str, Sheet],
    parcels: pd.DataFrame,
    names: Mapping[str, str],
    language: str,
    first: Sequence[str],
) -> Sheet:
    """Tell what the sheets and the columns of the ranking are, and what stands elsewhere."""
    text = words(language)
    rows = [("", "", said, "") for said in first if said]
    for key, sheet in sheets.items():
        rows.append((sheet.title, "", text[f"workbook.about.{key}"], ""))
        if len(sheet.columns[0].cells) > len(sheet):
            left_out = text["workbook.too_long"].format(rows=MOST_ROWS)
            rows.append((sheet.title, "", left_out, ""))
    rows += [(sheets["parcels"].title, *row) for row in _column_meanings(parcels, names, language)]
    rows.append(("", "", text["workbook.elsewhere"], ""))
    headings = ("sheet", "column", "meaning", "name")
    columns = [
        Column(text[f"workbook.about_column.{one}"], pd.Series(cells, dtype="str"), "long", width)
        for one, cells, width in zip(
            headings, zip(*rows, strict=True), (22, 34, 90, 26), strict=True
        )
    ]
    return Sheet(text["workbook.sheet.about"], columns, filters=False)


def _column_meanings(
    parcels: pd.DataFrame, names: Mapping[str, str], language: str
) -> list[tuple[str, str, str]]:
    """Return heading, meaning and name of each column; those of the criteria once for all."""
    text = words(language)
    known = dict.fromkeys((*(name for name in _FIRST if name in parcels), *parcels.columns))
    measured: dict[str, None] = {}
    told = []
    for name in known:
        measure = _split(name, names)[2]
        if measure:
            measured[measure] = None
        elif name != "geometry":
            meaning = text.get(f"workbook.meaning.{name}", text["workbook.meaning.other"])
            meaning = meaning.format(**dict(zip(CLASSES, CLASS_FROM, strict=True)))
            told.append((_heading(name, names, language), meaning, name))
    for measure in measured:
        meaning = text[f"workbook.meaning.{measure}"]
        where = f"{meaning} {text['workbook.left_out']}" if measure in LEFT_OUT else meaning
        heading = f"{text['workbook.criterion']}: {text[f'column.{measure}']}"
        told.append((heading, where, f"KEY_{measure}"))
    return told
