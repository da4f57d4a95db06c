"""Delimited text in the forms that Norwegian offices produce."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from arealstrategi.errors import InputError


def read_csv(path: Path, *, key: str) -> pd.DataFrame:
    """Read a table of text: ``;``, ``,`` or tab between cells, UTF-8 (also with BOM) or CP1252.

    Parameters
    ----------
    path
        The file.
    key
        What the strategy file calls it, for messages.

    Returns
    -------
    Every column as text, names in lower case; an empty cell is NA.

    Raises
    ------
    InputError
        The file is missing, is no text, has no row, or its cells do not fit its heading.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file", hint=f"Check {key}.")
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and lines[0].lower().startswith("sep="):  # a note from Excel to itself
        lines = lines[1:]
    if len(lines) < 2 or "\0" in text:  # noqa: PLR2004 - a heading and a row
        raise InputError(
            f"{path}: is not a table with a heading and rows",
            hint="Save it as CSV with column names in the first line.",
        )
    separator = max(";,\t", key=lines[0].count)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise InputError(
            f"{path}: cannot be read as a table from line {reader.line_num} on ({error})",
            hint='A quote " that opens a cell must close it; within a cell it is written "".',
        ) from error
    names = [name.strip().lower() for name in rows[0]]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(
            f"{path}: more than one column is called {', '.join(map(repr, twice))}",
            hint="Give each column its own name.",
        )
    wide = (i for i, row in enumerate(rows, start=1) if any(row[len(names) :]))
    ragged = next(wide, None)
    if ragged is not None:
        raise InputError(
            f"{path}: line {ragged} has more cells than the heading has names",
            hint="Check the separator and the quotes in that line.",
        )
    padded = [(row + [""] * len(names))[: len(names)] for row in rows[1:]]
    table = pd.DataFrame(padded, columns=names, dtype="str")
    return table.mask(table == "")
