"""Delimited text in the forms that Norwegian offices produce."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from arealstrategi.errors import InputError


def read_csv(path: Path, *, key: str) -> pd.DataFrame:
    """Read a table of text: ``;``, ``,`` or tab between cells, UTF-8 (also with BOM) or CP1252.

    What Excel calls Unicode text (UTF-16) is read too.

    Parameters
    ----------
    path
        The file.
    key
        What the strategy file calls it, for messages.

    Returns
    -------
    Every column as text, names in lower case; an empty cell is NA. Rows without any text and
    columns without a name are left out. The index ``row`` is the line in the file.

    Raises
    ------
    InputError
        The file is missing, is no text, has no row, or its cells do not fit its heading.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file", hint=f"Check {key}.")
    text = _decoded(path.read_bytes())
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and lines[0].lower().startswith("sep="):  # a note from Excel to itself
        text = text.replace(lines.pop(0), "", 1)
    separator = max(";,\t", key=lines[0].count) if lines else ";"
    numbered = [] if "\0" in text else _rows(path, text, separator)
    if len(numbered) < 2:  # noqa: PLR2004 - a heading and a row
        raise InputError(
            f"{path}: is not a table with a heading and rows",
            hint="Save it as CSV with column names in the first line.",
        )
    (_, heading), *rows = numbered
    ragged = next((line for line, cells in rows if any(cells[len(heading) :])), None)
    if ragged is not None:
        raise InputError(
            f"{path}: line {ragged} has more cells than the heading has names",
            hint="Check the separator and the quotes in that line.",
        )
    table = text_table(str(path), heading, rows)
    table.attrs = {"source": str(path)}
    return table


def column_names(heading: Sequence[str]) -> list[str]:
    """Return the names of columns as they are compared: lower case, one space between words."""
    return [" ".join(name.split()).lower() for name in heading]


def text_table(
    source: str, heading: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]
) -> pd.DataFrame:
    """Put numbered rows of text under their heading.

    Parameters
    ----------
    source
        File, or file and sheet, for messages.
    heading
        Names of the columns as written.
    rows
        Row number in the source and the cells, which may be fewer or more than the names.

    Returns
    -------
    As `read_csv` says.

    Raises
    ------
    InputError
        Two columns have the same name.
    """
    names = column_names(heading)
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(
            f"{source}: more than one column is called {', '.join(map(repr, twice))}",
            hint="Give each column its own name.",
        )
    width = len(names)
    padded = [[*cells[:width], *[""] * (width - len(cells))] for _, cells in rows]
    numbers = pd.Index([number for number, _ in rows], name="row", dtype="int64")
    table = pd.DataFrame(padded, numbers, names, dtype="str")
    table = table.loc[:, [bool(name) for name in names]]
    return table.mask(table == "")


def _decoded(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _rows(path: Path, text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Return the rows that hold text, each with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}: cannot be read as a table from line {line} on ({error})",
            hint='A quote " that opens a cell must close it; within a cell it is written "".',
        ) from error
    return rows
