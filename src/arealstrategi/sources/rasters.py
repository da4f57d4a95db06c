"""What the cells of a raster say of parcels: the share that passes a test, or a statistic.

A parcel is laid on the raster's cells, with each cell counted by how much of it the parcel covers.
Parcels are brought into the raster's CRS for that: shares and means have no metres in them, and
the raster is read as it is. A point takes the cell it lies in. Void cells, and what lies outside
the raster, are not known: never zero.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import rasterio
import shapely
from exactextract import exact_extract
from exactextract.raster import RasterSource
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport

Statistic = Literal["mean", "max", "min", "median"]
Array = NDArray[np.float64]

CELLS_AT_ONCE = 4_000_000  # bounds the memory
# Judgement: reading parcel by parcel costs about as much as this many cells of one large window.
CELLS_PER_PARCEL = 30_000
WHOLE = 1 - 1e-6  # of a parcel: nearer than this to all of it is rounding
SAME = 1e-6  # values nearer than this, relative above 1, are equal: 32-bit rasters round
# Column and row of a raster as plane coordinates, both directions in cells.
_CELLS = pyproj.CRS.from_wkt(
    'ENGCRS["cells",EDATUM["cells"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],'
    'LENGTHUNIT["cell",1]]'
)
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_PART = re.compile(
    rf"value\s*(?:(>=|<=|!=|<>|==|=|>|<)\s*({_NUMBER})|"
    rf"(in|not\s+in)\s*\(\s*({_NUMBER}(?:\s*,\s*{_NUMBER})*)\s*\))",
    re.IGNORECASE,
)
_EQUAL, _UNEQUAL = {"=", "==", "in"}, {"!=", "<>", "not in"}


@dataclass(frozen=True)
class CellTest:
    """One comparison of a test: ``>=``, ``>``, ``<=``, ``<``, ``in`` or ``not in``, and numbers."""

    operator: str
    numbers: tuple[float, ...]

    def meets(self, cells: Array) -> NDArray[np.bool_]:
        """Say which cells pass."""
        first = self.numbers[0]
        same = np.zeros(cells.shape, dtype=bool)
        for number in self.numbers:
            same |= np.abs(cells - number) <= SAME * max(1.0, abs(number))
        if self.operator == "in":
            return same
        if self.operator == "not in":
            return ~same
        beyond = cells > first if self.operator[0] == ">" else cells < first
        return (beyond | same) if self.operator.endswith("=") else (beyond & ~same)


Test = tuple[tuple[CellTest, ...], ...]  # any of these, each all of its comparisons


def raster_share(
    path: Path, parcels: gpd.GeoDataFrame, test: str, *, key: str, band: int = 1
) -> pd.DataFrame:
    """Return how much of each parcel lies on cells that pass a test.

    Parameters
    ----------
    path
        The raster.
    parcels
        Polygons and points, in any CRS.
    test
        ``value >= 55``, ``value in (21, 22, 23)``, joined by ``and`` and ``or``.
    key
        What the strategy file calls this input, for messages.
    band
        Which band of the raster, from 1.

    Returns
    -------
    Index as `parcels`. ``share``: 0–1 of the parcel's area on cells that pass, NaN where none of
    it is known; ``known``: 0–1 of its area on cells with data.

    Raises
    ------
    InputError
        The raster cannot be read or has no CRS, or the test is not understood.
    """
    parsed = parse_test(test, key=key)
    found = _extract(path, parcels, ["sum", "count"], key=key, band=band, test=parsed)
    known = _share(found["count"], found["cells"])
    share = _share(found["sum"], found["cells"]).where(known > 0)
    return pd.DataFrame({"share": share, "known": known})


def raster_measure(
    path: Path, parcels: gpd.GeoDataFrame, statistic: Statistic, *, key: str, band: int = 1
) -> pd.DataFrame:
    """Return what the cells with data under each parcel come to.

    Parameters
    ----------
    path, parcels, key, band
        As for `raster_share`.
    statistic
        ``mean`` and ``median`` count a cell by how much of it the parcel covers; ``max`` and
        ``min`` are over every cell that it touches.

    Returns
    -------
    Index as `parcels`. ``measured``: in the raster's unit, NaN where nothing is known; ``known``:
    0–1 of the parcel's area on cells with data.

    Raises
    ------
    InputError
        The raster cannot be read or has no CRS.
    """
    if statistic not in get_args(Statistic):
        raise ValueError(f"no statistic {statistic!r}; one of {', '.join(get_args(Statistic))}")
    found = _extract(path, parcels, [statistic, "count"], key=key, band=band)
    known = _share(found["count"], found["cells"])
    return pd.DataFrame({"measured": found[statistic].where(known > 0), "known": known})


def raster_report(path: Path, cells: pd.DataFrame, asked: str, *, role: str) -> SourceReport:
    """Say what a raster is and how many parcels it knows.

    Parameters
    ----------
    path
        The raster.
    cells
        What `raster_share` or `raster_measure` found.
    asked
        The test, or the statistic.
    role
        What it was read as.
    """
    with _opened(path, key=role) as raster:
        crs = pyproj.CRS.from_wkt(raster.crs.to_wkt())
        authority = crs.to_authority(min_confidence=100)
        unit = crs.axis_info[0].unit_name
        wide, high = (float(np.hypot(*step)) for step in _steps(raster))
        facts: dict[str, Fact] = {
            "CRS": f"{':'.join(authority) if authority else crs.name} (from the file)",
            f"cell size, {unit}": f"{wide:g}" if np.isclose(wide, high) else f"{wide:g} × {high:g}",
            "cells": f"{raster.width} × {raster.height}",
            "cells that count" if "share" in cells else "statistic": asked,
        }
    known = cells["known"]
    whole, none = int((known > WHOLE).sum()), int((known == 0).sum())
    partly = len(cells) - whole - none
    facts |= {
        "parcels wholly on cells with data": whole,
        "parcels partly on cells with data": partly,
        "parcels without data": none,
    }
    if "share" in cells:
        facts["parcels with a cell that counts"] = int((cells["share"] > 0).sum())
    said = []
    if none == len(cells) > 0:
        said.append("no parcel lies on a cell with data: is it the right raster?")
    elif none or partly:
        said.append(f"{none} parcels lie outside the raster or on void cells, {partly} partly")
    return SourceReport(role, str(path), facts, tuple(said), (path,), what="raster")


def parse_test(text: str, *, key: str) -> Test:
    """Read which cells count.

    Parameters
    ----------
    text
        ``value >= 55``, ``value in (21, 22, 23)``, joined by ``and`` and ``or``; ``and`` binds
        first.
    key
        What the strategy file calls it, for messages.

    Raises
    ------
    InputError
        It is something else.
    """
    return tuple(
        tuple(_part(part, text, key) for part in re.split(r"\band\b", either, flags=re.IGNORECASE))
        for either in re.split(r"\bor\b", text, flags=re.IGNORECASE)
    )


def _part(part: str, text: str, key: str) -> CellTest:
    found = _PART.fullmatch(part.strip())
    if found is None:
        shown = f"{part.strip()!r} in {text!r}" if part.strip() != text.strip() else repr(text)
        raise InputError(
            f"{key}: the test of a raster's cells is not understood: {shown}",
            hint="Write it as `value >= 55`, `value = 1` or `value in (21, 22, 23)`, joined by "
            "`and` and `or`; with >=, >, <=, <, =, !=, in, not in, and a decimal point.",
        )
    operator, number, listed, numbers = found.groups()
    operator = " ".join((operator or listed).lower().split())
    operator = "in" if operator in _EQUAL else "not in" if operator in _UNEQUAL else operator
    return CellTest(operator, tuple(float(n) for n in (number or numbers).split(",")))


def _passes(cells: Array, test: Test) -> NDArray[np.bool_]:
    passed = np.zeros(cells.shape, dtype=bool)
    for alternative in test:
        passed |= np.logical_and.reduce([part.meets(cells) for part in alternative])
    return passed


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Return a share of cells, 0–1, without what 32-bit coverage rounds."""
    share = (part / whole).clip(0, 1)
    return share.mask(share > WHOLE, 1.0).fillna(0.0)


class _Cells(RasterSource):  # type: ignore[misc]
    """The window of a raster that parcels lie in, in its own cells, as exactextract asks for it."""

    def __init__(self, raster: DatasetReader, band: int, window: Window, test: Test | None) -> None:
        super().__init__()
        self.raster, self.band, self.window, self.test = raster, band, window, test

    def res(self) -> tuple[float, float]:
        return 1.0, 1.0

    def extent(self) -> tuple[float, float, float, float]:
        left, top, wide, high = self.window.flatten()
        return float(left), float(-top - high), float(left + wide), float(-top)

    def srs_wkt(self) -> str:
        return str(_CELLS.to_wkt())

    def nodata_value(self) -> None:
        return None  # void cells are NaN

    def read_window(self, x0: int, y0: int, nx: int, ny: int) -> Array:
        left, top = self.window.col_off + x0, self.window.row_off + y0
        stored = self.raster.read(self.band, window=Window(left, top, nx, ny), masked=True)
        scale, offset = (
            listed[self.band - 1] for listed in (self.raster.scales, self.raster.offsets)
        )
        cells: Array = stored.astype(np.float64).filled(np.nan) * scale + offset
        if self.test is None:
            cells[~np.isfinite(cells)] = np.nan
            return cells
        return np.where(np.isfinite(cells), _passes(cells, self.test), np.nan)


def _extract(
    path: Path,
    parcels: gpd.GeoDataFrame,
    operations: list[str],
    *,
    key: str,
    band: int,
    test: Test | None = None,
) -> pd.DataFrame:
    """Return the operations' results by parcel, and ``cells``: how many cells it is large."""
    with _opened(path, key=key, band=band) as raster:
        shapes = _in_cells(parcels, raster)
        bounds = shapely.bounds(shapes)
        with np.errstate(invalid="ignore"):
            touches = (bounds[:, 2] > 0) & (bounds[:, 0] < raster.width)
            touches &= (bounds[:, 1] < 0) & (bounds[:, 3] > -raster.height)
        touches &= np.isfinite(bounds).all(axis=1)
        found = pd.DataFrame(np.nan, parcels.index, operations)
        found["cells"] = shapely.area(shapes)
        rows = np.flatnonzero(touches & (found["cells"] > 0).to_numpy())
        rows = rows[_order(bounds[rows])]
        for some in _batches(bounds, rows) if "median" in operations else [rows]:
            if len(some):
                cells = _Cells(raster, band, _window(bounds[some], raster), test)
                columns = found.columns.get_indexer(pd.Index(operations))
                found.iloc[some, columns] = _ask(cells, shapes[some], bounds[some], operations)
    return found


def _ask(cells: _Cells, shapes: NDArray[np.object_], bounds: Array, operations: list[str]) -> Array:
    """Return (parcels, operations) what exactextract says."""
    by_values = "median" in operations
    features = gpd.GeoDataFrame({"row": np.arange(len(shapes))}, geometry=shapes, crs=_CELLS)
    got = exact_extract(
        cells,
        features,
        [*operations, "values", "coverage"] if by_values else operations,
        include_cols=["row"],
        strategy=_strategy(bounds, cells.window),
        max_cells_in_memory=CELLS_AT_ONCE,
        output="pandas",
    ).sort_values("row")
    if by_values:
        got["median"] = _medians(list(got["values"]), list(got["coverage"]))
    return np.asarray(got[operations], dtype=np.float64)


def _medians(values: list[Array], coverage: list[Array]) -> Array:
    """Return the value at which half of each parcel's known area is reached.

    Where exactly half is reached between two values it is their mean. exactextract's own median
    draws a curve through the values instead, and gives numbers that no cell holds.
    """
    row = np.repeat(np.arange(len(values)), [len(some) for some in values])
    value, weight = np.concatenate(values), np.concatenate(coverage).astype(np.float64)
    counts = ~np.isnan(value) & (weight > 0)
    row, value, weight = row[counts], value[counts], weight[counts]
    order = np.lexsort((value, row))
    row, value, reached = row[order], value[order], np.cumsum(weight[order])
    known, last = np.unique(row), np.flatnonzero(np.diff(row, append=-1))
    ends = reached[last]
    starts = np.concatenate([[0.0], ends[:-1]])[: len(ends)]
    half, least = (starts + ends) / 2, SAME * (ends - starts)
    lower, upper = (np.searchsorted(reached, half + by * least) for by in (-1, 1))
    median = np.full(len(values), np.nan)
    median[known] = (value[lower] + value[np.minimum(upper, last)]) / 2
    return median


def _batches(bounds: Array, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Part parcels so that the cells under each part, all held at once, are not too many."""
    cells = np.cumsum(_cells_around(bounds[rows]))
    ends = np.flatnonzero(np.diff(cells // CELLS_AT_ONCE)) + 1
    return np.split(rows, ends)


def _in_cells(parcels: gpd.GeoDataFrame, raster: DatasetReader) -> NDArray[np.object_]:
    """Return the parcels in columns and rows of the raster, downwards negative.

    Whatever the raster's axis order, its coordinates are easting or longitude first. A point
    becomes the cell it lies in.
    """
    change = pyproj.Transformer.from_crs(parcels.crs, raster.crs.to_wkt(), always_xy=True)
    back = ~raster.transform

    def to_cells(xy: Array) -> Array:
        x, y = change.transform(xy[:, 0], xy[:, 1])
        with np.errstate(invalid="ignore"):  # where the CRS does not reach, inf
            column, row = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
        return np.column_stack([column, -row])

    shapes = np.array(shapely.transform(parcels.geometry.to_numpy(), to_cells), dtype=object)
    points = np.flatnonzero(shapely.get_type_id(shapes) == shapely.GeometryType.POINT)
    column, row = np.floor(shapely.get_x(shapes[points])), np.floor(-shapely.get_y(shapes[points]))
    shapes[points] = shapely.box(column, -row - 1, column + 1, -row)
    return shapes


def _order(bounds: Array) -> NDArray[np.int64]:
    """Return parcels by rows of 256 cells, so that a block is read while it is still at hand."""
    return np.lexsort((bounds[:, 0], np.floor(-bounds[:, 3] / 256)))


def _window(bounds: Array, raster: DatasetReader) -> Window:
    left, top = max(np.floor(bounds[:, 0].min()), 0), max(np.floor(-bounds[:, 3].max()), 0)
    right = min(np.ceil(bounds[:, 2].max()), raster.width)
    bottom = min(np.ceil(-bounds[:, 1].min()), raster.height)
    return Window(int(left), int(top), int(right - left), int(bottom - top))


def _strategy(bounds: Array, window: Window) -> str:
    """Read one large window in pieces, or parcel by parcel where they lie far apart."""
    one_by_one = _cells_around(bounds).sum() + CELLS_PER_PARCEL * len(bounds)
    return (
        "raster-sequential" if window.width * window.height <= one_by_one else "feature-sequential"
    )


def _cells_around(bounds: Array) -> Array:
    return np.asarray(np.prod(np.ceil(bounds[:, 2:] - bounds[:, :2]) + 1, axis=1))


def _steps(raster: DatasetReader) -> tuple[tuple[float, float], tuple[float, float]]:
    there = raster.transform
    return (there.a, there.d), (there.b, there.e)


@contextmanager
def _opened(path: Path, *, key: str, band: int = 1) -> Iterator[DatasetReader]:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file", hint=f"Check `source` of {key}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # told below
            raster = rasterio.open(path)
        with raster:
            _check(raster, path, band)
            yield raster
    except (RasterioError, ProjError, CRSError) as error:
        raise InputError(
            f"{path}: cannot be read as a raster ({error})",
            hint="The file is damaged or of an unknown kind. Try to open it in QGIS.",
        ) from error


def _check(raster: DatasetReader, path: Path, band: int) -> None:
    if raster.crs is None:
        raise InputError(
            f"{path}: the raster does not say in which CRS it is",
            hint="Give it a CRS with gdal_edit or in QGIS.",
        )
    if not 1 <= band <= raster.count:
        raise InputError(
            f"{path}: there is no band {band}", hint=f"The raster has {raster.count}, from 1."
        )
    if raster.dtypes[band - 1].startswith("complex"):
        raise InputError(
            f"{path}: band {band} holds complex numbers", hint="Give a raster of plain numbers."
        )
