"""Tables from the office: Excel workbooks and delimited text, every cell as text."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any, TypeVar

import openpyxl
import pandas as pd
from openpyxl.formula.tokenizer import TokenizerError
from openpyxl.formula.translate import TranslatorError
from openpyxl.utils import get_column_letter

from arealstrategi.errors import InputError
from arealstrategi.sources.textfiles import column_names, read_csv, text_table

T = TypeVar("T")

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
MOST_CELLS = 1_000_000
MOST_UNPACKED_MB = 100
MOST_ROWS = 1 << 20  # Excel's own limit; a row beyond it is damage
TITLE_ROWS = 10  # judgement: a heading stands at least that near the top
_ZIP, _OLE = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
_CHUNK = 1 << 20
_DOCTYPE, _FORMULA = re.compile(rb"<!(?:DOCTYPE|ENTITY)"), re.compile(rb"<(?:\w+:)?f[ />]")
_LETTER = re.compile(r"[^\W\d_]")
# What openpyxl lets through of a damaged workbook.
_DAMAGE = (
    ArithmeticError, AttributeError, AssertionError, EOFError, LookupError, OSError, RuntimeError,
    SyntaxError, TypeError, ValueError, TokenizerError, TranslatorError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTH = r"(?P<name>jan|feb|mar|apr|ma[iy]|jun|jul|aug|sep|o[kc]t|nov|de[sc])[a-z]*"
# How Excel shows a date: 2024-12-03 (as read from a cell), 3.12.2024, 12/3/2024, 3. des, Dec-03.
_DATES = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?:[ T].*)?",
        r"(?P<day>\d{1,2})\.\s*(?P<month>\d{1,2})\.\s*(?:\d{4}|\d\d)?",
        r"(?P<day>\d{1,2})[/-](?P<month>\d{1,2})[/-](?:19|20)\d\d",
        rf"(?P<day>\d{{1,2}})[.\s/-]*{_MONTH}[.\s/-]*(?:\d{{4}}|\d\d)?",
        rf"{_MONTH}[.\s/-]*(?P<day>\d{{4}}|\d{{1,2}})",
    )
)
_DECIMAL = re.compile(r"(\d+)[.,](\d+)")
_SOUND = r"\d+|\d+/\d+|\d{3,4}-\d+/.*"  # neither date nor decimal, so not looked at one by one
_SAVE_AGAIN = "Open it in Excel or LibreOffice and save it as .xlsx or .csv."


@dataclass(frozen=True)
class _Sheet:
    """The rows of a sheet that hold text, each with its number."""

    name: str
    rows: list[tuple[int, list[str]]]


def read_rows(path: Path, *, key: str, sheet: str | None = None) -> pd.DataFrame:
    """Read a table from an Excel workbook (.xlsx, .xlsm) or from delimited text.

    The two are told apart by content, not by name. In a workbook the heading is the first row
    with two words, so that a title may stand above it; where none of the first `TITLE_ROWS` has
    two, the first row that is not empty. Whole numbers are written without decimals, others with
    a point, dates as ``2024-12-03``; of a formula, the result that was saved with it.

    Parameters
    ----------
    path
        The file.
    key
        What the strategy file calls it, for messages.
    sheet
        Name of the sheet; None: the only one that holds a table. Hidden ones do not count.

    Returns
    -------
    Every column as text, names in lower case; an empty cell is NA. Rows without any text and
    columns without a name are left out. The index ``row`` is the row or line in the file;
    `cell_name` says where a cell stands.

    Raises
    ------
    InputError
        The file is missing, of another kind, damaged, locked with a password or too large, or
        nobody can tell which sheet holds the table.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file", hint=f"Check {key}.")
    with path.open("rb") as stream:
        start = stream.read(len(_OLE))
    if start == _OLE:
        raise _old_or_locked(path)
    if not start.startswith(_ZIP):
        return read_csv(path, key=key)
    has_formulas = _guarded(path, lambda: _look_inside(path))
    found = _choose(path, _guarded(path, lambda: _read_sheets(path)), sheet)
    source = f"{path}, sheet '{found.name}'"
    missing = _guarded(path, lambda: _uncalculated(path, found.name)) if has_formulas else None
    if missing is not None:
        raise InputError(
            f"{source}, cell {missing}: holds a formula whose result was not saved",
            hint="Open it in Excel or LibreOffice, which calculates it, and save it again.",
        )
    (_, heading), *rows = found.rows[_heading_at(found.rows) :]
    table = text_table(source, heading, rows)
    letters = {name: get_column_letter(i) for i, name in enumerate(column_names(heading), start=1)}
    table.attrs = {"source": source, "letters": letters}
    return table


def cell_name(rows: pd.DataFrame, row: int, column: str) -> str:
    """Say where a cell of `read_rows` stands, as people find it.

    Parameters
    ----------
    rows
        The table as read.
    row
        The row's number in the file, as the index holds it.
    column
        Name of the column.
    """
    if "letters" in rows.attrs:
        return f"{rows.attrs['source']}, cell {rows.attrs['letters'][column]}{row}"
    return f"{rows.attrs['source']}, line {row}, column '{column}'"


def refuse_dates(rows: pd.DataFrame, column: str, *, decimals: bool = True) -> None:
    """Refuse a table in which a spreadsheet has turned numbers such as 3/12 into dates.

    Nobody can turn them back: 1 May 1945 may have been 1/5 or 5/45.

    Parameters
    ----------
    rows
        Rows of `read_rows`.
    column
        Name of a column that holds numbers with ``/``.
    decimals
        Whether numbers with decimals are refused too: 32.16 in place of 32/16.

    Raises
    ------
    InputError
        A cell holds a date, or a number with decimals; the message names it.
    """
    written = rows[column].dropna().str.strip()
    written = written[~written.str.fullmatch(_SOUND)]
    for row, text in zip(written.index.to_numpy(), written, strict=True):
        told = _spoilt(text, decimals=decimals)
        if told:
            raise InputError(
                f"{cell_name(rows, int(row), column)}: {told}",
                hint="Format the whole column as text (in Excel: Format Cells, Text), write the "
                "numbers that were changed again, and save.",
            )


def _spoilt(text: str, *, decimals: bool) -> str:
    """Say what a cell holds in place of a number with ``/``; empty where it holds none of it."""
    decimal = _DECIMAL.fullmatch(text)
    if decimal and decimals:
        return (
            f"holds {text}; probably the number {'/'.join(decimal.groups())} written with a point"
        )
    found = next(filter(None, (form.fullmatch(text) for form in _DATES)), None)
    if found is None:
        return ""
    parts = found.groupdict()
    day = int(parts["day"])
    named = parts.get("name")
    month = int(parts["month"]) if named is None else _month_number(named)
    shown, number = repr(text), f"{day}/{month}"
    if "year" in parts and 1 <= month <= 12:  # noqa: PLR2004
        shown = f"{day} {_MONTHS[month - 1]} {parts['year']}"
        if day == 1:
            number += f" or {month}/{int(parts['year'][2:])}"
    elif named is not None and found.start("name") == 0:
        number = f"{month}/{day}"
    return f"holds the date {shown}; probably the number {number} that Excel has turned into a date"


def _month_number(name: str) -> int:
    english = {"mai": "may", "okt": "oct", "des": "dec"}.get(name.lower(), name.lower())
    return [month[:3].lower() for month in _MONTHS].index(english) + 1


def _old_or_locked(path: Path) -> InputError:
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        return InputError(
            f"{path}: is locked with a password",
            hint="Save it without one (in Excel: File, Info, Protect Workbook).",
        )
    return InputError(
        f"{path}: is a workbook of the old kind (.xls), which is not read",
        hint=_SAVE_AGAIN,
    )


def _guarded(path: Path, read: Callable[[], T]) -> T:
    """Read from a workbook; what goes wrong in a damaged one becomes one clear error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl's remarks on what it does not keep
            return read()
    except _DAMAGE as error:
        told = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            f"{path}: cannot be read as a workbook ({told})", hint=_SAVE_AGAIN
        ) from error


def _look_inside(path: Path) -> bool:
    """Refuse what is no workbook or would not end well; return whether it holds formulas."""
    with zipfile.ZipFile(path) as archive:
        parts = [part for part in archive.infolist() if part.filename.endswith((".xml", ".rels"))]
        if "xl/workbook.xml" not in {part.filename for part in parts}:
            raise InputError(f"{path}: is not an Excel workbook (.xlsx)", hint=_SAVE_AGAIN)
        unpacked_mb = sum(part.file_size for part in parts) / 1e6
        if unpacked_mb > MOST_UNPACKED_MB:
            raise _too_large(path, f"{unpacked_mb:,.0f} MB unpacked", f"{MOST_UNPACKED_MB} MB")
        return any([_has_formulas(path, archive, part) for part in parts])  # noqa: C419 - look at all


def _has_formulas(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    is_sheet, found, tail = part.filename.startswith("xl/worksheets/"), False, b""
    with archive.open(part) as stream:
        while block := stream.read(_CHUNK):
            chunk = tail + block.replace(b"\0", b"")  # also out of UTF-16
            if _DOCTYPE.search(chunk):
                raise InputError(
                    f"{path}: {part.filename} in it declares XML entities, as no Excel does",
                    hint=_SAVE_AGAIN,
                )
            found = found or (is_sheet and _FORMULA.search(chunk) is not None)
            tail = chunk[-32:]
    return found


def _too_large(path: Path, found: str, most: str) -> InputError:
    return InputError(
        f"{path}: is too large for a list ({found}; at most {most})",
        hint="Keep the sheet and the columns that are needed, or save the sheet as CSV.",
    )


def _read_sheets(path: Path) -> list[_Sheet]:
    with path.open("rb") as stream:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        return [_Sheet(sheet.title, _text_rows(path, sheet)) for sheet in visible]


def _text_rows(path: Path, sheet: Any) -> list[tuple[int, list[str]]]:  # noqa: ANN401
    rows, n_cells = [], 0
    for number, cells in enumerate(_cells(sheet, values_only=True), start=1):
        n_cells += len(cells)
        if n_cells > MOST_CELLS:
            more = f"more cells in sheet '{sheet.title}'"
            raise _too_large(path, more, f"{MOST_CELLS:,}")
        text = [_as_text(value) for value in cells]
        if any(text):
            rows.append((number, text))
    return rows


def _cells(sheet: Any, *, values_only: bool) -> Iterator[Sequence[Any]]:  # noqa: ANN401
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    rows: Iterator[Sequence[Any]] = sheet.iter_rows(max_row=MOST_ROWS, values_only=values_only)
    return rows


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.15g}"
    if isinstance(value, datetime):
        moment = value.isoformat(sep=" ")
        return moment.partition(" ")[0] if value.time() == time() else moment
    text = str(value)
    return text if text.strip() else ""


def _choose(path: Path, sheets: Iterable[_Sheet], wanted: str | None) -> _Sheet:
    tables = [sheet for sheet in sheets if len(sheet.rows) > 1]
    if not tables:
        raise InputError(
            f"{path}: no sheet holds a heading and rows",
            hint="Put column names in the first row of a visible sheet.",
        )
    listed = ", ".join(repr(sheet.name) for sheet in tables)
    if wanted is not None:
        tables = [sheet for sheet in tables if sheet.name == wanted]
        if not tables:
            raise InputError(
                f"{path}: there is no sheet '{wanted}' with rows", hint=f"The sheets are: {listed}."
            )
    if len(tables) > 1:
        raise InputError(
            f"{path}: {len(tables)} sheets hold rows: {listed}",
            hint="Save the one you need as a workbook of its own, or hide the others.",
        )
    return tables[0]


def _heading_at(rows: Sequence[tuple[int, list[str]]]) -> int:
    words = (
        sum(_LETTER.search(cell) is not None for cell in cells) for _, cells in rows[:TITLE_ROWS]
    )
    at = next((i for i, n_words in enumerate(words) if n_words > 1), 0)
    return at if at < len(rows) - 1 else 0


def _uncalculated(path: Path, name: str) -> str | None:
    """Return the first cell of a sheet whose formula was saved without a result."""
    with path.open("rb") as stream:
        results, formulas = (
            openpyxl.load_workbook(stream, read_only=True, data_only=saved, keep_links=False)[name]
            for saved in (True, False)
        )
        pairs = zip(
            _cells(results, values_only=False), _cells(formulas, values_only=False), strict=True
        )
        for row, written in pairs:
            for result, cell in zip(row, written, strict=True):
                # an empty text as result is one: its type says so
                if cell.data_type == "f" and result.value is None and result.data_type == "n":
                    return str(cell.coordinate)
    return None
