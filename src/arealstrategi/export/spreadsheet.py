"""Tables as an Excel workbook (XLSX) that a spreadsheet opens ready to filter, read and print.

openpyxl makes the workbook and the rows are put into it as text: for 100,000 parcels with 71
columns it would take two minutes to write them itself, and this takes seconds. Every text is an
inline string in a cell of the format "Text", so none is ever a formula.
"""

from __future__ import annotations

import io
import itertools
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple
from xml.sax.saxutils import escape

import numpy as np
import openpyxl
import pandas as pd
from numpy.typing import NDArray
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

MOST_ROWS = 1_048_575
"""Rows below the heading that Excel has room for."""
MOST_SIGNS = 16_000
"""Excel takes 32,767 UTF-16 units in a cell; a sign has one or two."""

_EFFORT = 3  # of zlib: half the time of its usual 6 for a file a tenth larger
_AT_ONCE = 5_000  # rows that are held as text
_PLACE = "\0"  # stands for the number of the row until it is known: no text can hold it
_HEADING = "heading"
_HEADING_HEIGHT, _LINE_HEIGHT, _MOST_LINES = 48, 15, 12
_HEADING_FILL = "#e6e6e6"
_MANY_CELLS = 20_000_000  # their text may be more than 2 GB, which an older ZIP cannot hold
# XML 1.0 has no word for these, and a ZIP's UTF-8 none for a lone surrogate.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # Excel would read a sign out of _x0041_
_EMPTY = re.compile(rb"<sheetData\s*/>|<sheetData></sheetData>")
_DIMENSION = re.compile(rb'(?<=<dimension ref=")[^"]*')


@dataclass(frozen=True)
class Style:
    """How cells look.

    Parameters
    ----------
    format
        Excel's number format.
    decimals
        How many a number is written with; those beyond are cut off by rounding.
    fill
        Colour behind the text, ``#rrggbb``; empty for none. The text is white on a dark one.
    wraps
        Whether a long text goes on in the next line.
    bold
        Whether it is printed bold.
    """

    format: str
    decimals: int = 0
    fill: str = ""
    wraps: bool = False
    bold: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Parameters
    ----------
    heading
        What stands above it.
    cells
        (n,) numbers or texts, or both mixed; a cell is empty where there is none.
    style
        Name of a style, or (n,) names.
    width
        In characters.
    secondary
        Whether it can be folded away, with its neighbours that are so too.
    """

    heading: str
    cells: pd.Series
    style: str | NDArray[np.object_]
    width: float
    secondary: bool = False


@dataclass(frozen=True)
class Sheet:
    r"""A sheet of a workbook.

    Parameters
    ----------
    title
        At most 31 characters, none of ``[]:*?/\``.
    columns
        All of one length.
    fixed
        How many columns stay in sight.
    filters
        Whether rows can be filtered by the headings.
    printed
        How many columns are printed; None: all.
    """

    title: str
    columns: Sequence[Column]
    fixed: int = 0
    filters: bool = True
    printed: int | None = None

    def __len__(self) -> int:
        return min(len(self.columns[0].cells), MOST_ROWS)


class _Look(NamedTuple):
    number: int  # by which the cells of the file name the style
    style: Style


_Looks = dict[str, _Look]


def write_spreadsheet(path: Path, sheets: Sequence[Sheet], styles: Mapping[str, Style]) -> None:
    """Write the sheets as one workbook.

    Parameters
    ----------
    path
        The new file.
    sheets
        The first is in front. Rows beyond `MOST_ROWS` are left out.
    styles
        Name to look.
    """
    with io.BytesIO() as frame:
        looks = _save_frame(frame, sheets, styles)
        with (
            zipfile.ZipFile(frame) as made,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_EFFORT) as whole,
        ):
            for part in made.infolist():
                sheet = re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", part.filename)
                if sheet is None:
                    whole.writestr(part, made.read(part))
                else:
                    _fill(whole, part, made.read(part), sheets[int(sheet[1]) - 1], looks)


def _fill(
    whole: zipfile.ZipFile, part: zipfile.ZipInfo, frame: bytes, sheet: Sheet, looks: _Looks
) -> None:
    """Put the rows into the frame of a sheet."""
    frame = _DIMENSION.sub(_extent(sheet).encode(), frame, count=1)
    before, after = _EMPTY.split(frame)
    many = len(sheet) * len(sheet.columns) > _MANY_CELLS
    with whole.open(part.filename, "w", force_zip64=many) as stream:
        stream.write(before + b"<sheetData>")
        for rows in _rows(sheet, looks):
            stream.write(rows.encode())
        stream.write(b"</sheetData>" + after)


def _save_frame(stream: IO[bytes], sheets: Sequence[Sheet], styles: Mapping[str, Style]) -> _Looks:
    """Save a workbook without rows; return how a cell names each style, and its decimals."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for sheet in sheets:
        _lay_out(book.create_sheet(sheet.title), sheet)
    page = book.worksheets[0]
    heading = Style("@", fill=_HEADING_FILL, wraps=True, bold=True)
    looks = {
        name: _Look(_register(page, style), style)
        for name, style in {**styles, _HEADING: heading}.items()
    }
    book.save(stream)
    return looks


def _register(page: Worksheet, style: Style) -> int:
    """Make the workbook know a style; return its number."""
    cell = Cell(page, row=1, column=1)  # on no sheet: it lends its style alone
    cell.number_format = style.format
    indent = int(style.format == "@")  # so that a text does not touch the number beside it
    side = "left" if indent else None
    cell.alignment = Alignment(
        horizontal=side, vertical="top", wrap_text=style.wraps, indent=indent
    )
    ink = "FFFFFF" if style.fill and _is_dark(style.fill) else "000000"
    cell.font = Font(name="Calibri", size=11, bold=style.bold, color=ink)
    if style.fill:
        cell.fill = PatternFill("solid", fgColor=style.fill.removeprefix("#").upper())
    return int(cell.style_id)


def _is_dark(colour: str) -> bool:
    """Tell whether white is easier to read on a colour than black: relative luminance of sRGB."""
    channels = np.array(list(bytes.fromhex(colour.removeprefix("#")))) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004
    return bool(linear @ [0.2126, 0.7152, 0.0722] < 0.179)  # noqa: PLR2004 - equal contrast


def _lay_out(page: Worksheet, sheet: Sheet) -> None:
    """Set widths, what stays in sight, the filter, and how it prints."""
    for number, column in enumerate(sheet.columns, start=1):
        drawn = page.column_dimensions[get_column_letter(number)]
        drawn.width, drawn.outlineLevel = column.width, int(column.secondary)
    page.sheet_properties.outlinePr.summaryRight = False
    page.column_dimensions.max_outline = max(int(one.secondary) for one in sheet.columns)
    page.freeze_panes = f"{get_column_letter(sheet.fixed + 1)}2"
    if sheet.filters:
        page.auto_filter.ref = _extent(sheet)
    page.print_title_rows = "1:1"
    page.print_area = _extent(sheet, sheet.printed)
    page.page_setup.orientation, page.page_setup.paperSize = "landscape", page.PAPERSIZE_A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.oddFooter.center.text = "&A   &P / &N"


def _extent(sheet: Sheet, columns: int | None = None) -> str:
    return f"A1:{get_column_letter(columns or len(sheet.columns))}{len(sheet) + 1}"


def _rows(sheet: Sheet, looks: _Looks) -> Iterator[str]:
    """Return the rows as text, some thousands at once."""
    letters = [get_column_letter(number) for number in range(1, len(sheet.columns) + 1)]
    lettered = list(zip(letters, sheet.columns, strict=True))
    heading = "".join(_cell(column.heading, letter, looks[_HEADING]) for letter, column in lettered)
    yield _row(heading, 1, f' ht="{_HEADING_HEIGHT}" customHeight="1"')
    for first in range(0, len(sheet), _AT_ONCE):
        some = slice(first, min(first + _AT_ONCE, len(sheet)))
        cells = [_cells(column, some, letter, looks) for letter, column in lettered]
        heights = _heights(sheet, some, looks)
        numbered = enumerate(zip(map("".join, zip(*cells, strict=True)), heights, strict=True))
        yield "".join(_row(row, first + place + 2, height) for place, (row, height) in numbered)


def _heights(sheet: Sheet, some: slice, looks: _Looks) -> Iterable[str]:
    """Return what makes rows as high as their wrapped texts: not every program finds out."""
    lines = [
        np.ceil(column.cells.iloc[some].astype("str").str.len().fillna(0) / column.width)
        for column in sheet.columns
        if isinstance(column.style, str) and looks[column.style].style.wraps
    ]
    if not lines:
        return itertools.repeat("", some.stop - some.start)
    most = np.clip(np.max(lines, axis=0), 1, _MOST_LINES).astype(int)
    return [f' ht="{_LINE_HEIGHT * count}" customHeight="1"' for count in most]


def _row(cells: str, number: int, more: str = "") -> str:
    named = str(number)
    return f'<row r="{named}"{more}>{cells.replace(_PLACE, named)}</row>'


def _cells(column: Column, some: slice, letter: str, looks: _Looks) -> NDArray[np.object_]:
    """Return the cells of some rows as text."""
    values = column.cells.iloc[some].reset_index(drop=True)
    if isinstance(column.style, str):
        return _alike(values, letter, looks[column.style])
    cells = np.full(len(values), "", dtype=object)
    names = column.style[some]
    for name in pd.unique(names):
        here = names == name
        cells[here] = _alike(values[here], letter, looks[name])
    return cells


def _alike(values: pd.Series, letter: str, look: _Look) -> NDArray[np.object_]:
    """Return cells of one style as text; what occurs often is made once."""
    if pd.api.types.is_float_dtype(values.dtype):
        values = values.round(look.style.decimals)
    codes, unique = pd.factorize(values)
    texts = [_cell(value, letter, look) for value in unique]
    return np.array([*texts, ""], dtype=object)[codes]  # the code of a missing value is -1


def _cell(value: Any, letter: str, look: _Look) -> str:  # noqa: ANN401
    if value == "":
        return ""
    place = f'<c r="{letter}{_PLACE}" s="{look.number}"'
    if isinstance(value, str):
        return f'{place} t="inlineStr"><is><t xml:space="preserve">{_written(value)}</t></is></c>'
    if not np.isfinite(value):
        return ""
    return f"{place}><v>{value:.{look.style.decimals}f}</v></c>"


def _written(text: str) -> str:
    """Return a text as XML can hold it and Excel shows it: nothing in it is a command."""
    if len(text) > MOST_SIGNS:
        text = text[: MOST_SIGNS - 2] + " …"
    return escape(_LOOKS_ESCAPED.sub("_x005F_", _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)))
