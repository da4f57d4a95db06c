"""A survey of what people find important: one row per respondent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.spreadsheets import cell_name, read_rows


def read_survey(
    path: Path, items: Mapping[str, Sequence[str]], *, key: str
) -> tuple[pd.DataFrame, SourceReport]:
    """Read what respondents answered about each item.

    Parameters
    ----------
    path
        CSV or XLSX; numbers with a decimal point or comma.
    items
        The items asked about: key to the names that their column may have, such as the key and
        the labels; upper and lower case and spaces make no difference.
    key
        What the strategy file calls the table, for messages.

    Returns
    -------
    One row per respondent, the index the row in the file; one column per item, in the order of
    `items`; NaN for an empty cell. And what was read; columns that belong to no item are listed.

    Raises
    ------
    InputError
        The file is missing or damaged, an item has no column or more than one, or a cell holds
        something else than a number from 0 up; the message names the cell.
    """
    rows = read_rows(path, key=key)
    columns = _columns(rows, items)
    answers = pd.DataFrame({item: _numbers(rows, column) for item, column in columns.items()})
    unused = [str(name) for name in rows.columns if name not in columns.values()]
    facts: dict[str, Fact] = {
        "respondents": len(answers),
        "with an empty answer": int(answers.isna().any(axis=1).sum()),
        "columns not used": len(unused),
    }
    listed = {"columns that are no item, not used": unused} if unused else {}
    source = str(rows.attrs["source"])
    report = SourceReport("survey", source, facts, (), (path,), listed, what="preference survey")
    return answers, report


def _columns(rows: pd.DataFrame, items: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the column of each item."""
    source, found = rows.attrs["source"], dict[str, str]()
    for item, names in items.items():
        wanted = {_compared(name) for name in names}
        fitting = [str(name) for name in rows.columns if _compared(str(name)) in wanted]
        if not fitting:
            raise InputError(
                f"{source}: no column for '{item}' (found: {', '.join(rows.columns)})",
                hint=f"Name a column {' or '.join(dict.fromkeys(names))}.",
            )
        if len(fitting) > 1:
            raise InputError(
                f"{source}: the columns {', '.join(map(repr, fitting))} all stand for '{item}'",
                hint="Keep one of them.",
            )
        other = next((other for other, column in found.items() if column == fitting[0]), None)
        if other is not None:
            raise InputError(
                f"{source}: the column '{fitting[0]}' stands for both '{other}' and '{item}'",
                hint=f"Name the columns by key: {other} and {item}.",
            )
        found[item] = fitting[0]
    return found


def _compared(name: str) -> str:
    return " ".join(name.split()).casefold()


def _numbers(rows: pd.DataFrame, column: str) -> pd.Series:
    """Read numbers from 0 up; NaN for an empty cell."""
    text = (
        rows[column]
        .str.replace(re.compile(r"\s"), "", regex=True)
        .str.replace(",", ".", regex=False)
    )
    empty = text.isna() | (text == "")
    numbers = pd.to_numeric(text.mask(empty), errors="coerce").astype(float)
    wrong = ~empty & ~(np.isfinite(numbers) & (numbers >= 0))
    if wrong.any():
        row = int(rows.index[int(np.argmax(wrong))])
        raise InputError(
            f"{cell_name(rows, row, column)}: {rows[column][row]!r} is not a number from 0 up",
            hint="Correct the cell, or empty it where nothing was answered.",
        )
    return numbers
