"""The score and the class of the ground as cloud-optimised GeoTIFFs, with their looks for QGIS.

Two rasters on the same cells, for no single one can be both: ``surface.tif`` has the scores as
they are, and a TIFF of decimal numbers has no colour table; ``surface_classes.tif`` has one byte
for each cell with a colour table inside, and tells excluded and not assessed ground apart from
ground without parcels. QGIS reads the style that lies beside a raster under its name.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from arealstrategi.export.labels import CLASS_COLOURS, STATUS_COLOURS, words

FINEST_M = 10.0
"""Side of a cell: that of Kartverket's usual terrain model; a small plot has nine cells."""
MOST_CELLS = 16_000_000
"""A square of 40 km at 10 m; beyond it the cells grow, so that memory stays below 0.5 GB."""

NO_PARCEL = 0
CODES = {name: code for code, name in enumerate((*CLASS_COLOURS, *STATUS_COLOURS), start=1)}
"""What a cell of ``surface_classes.tif`` holds."""

_WHITE = (255, 255, 255, 255)


@dataclass(frozen=True)
class Cells:
    """Square cells over the parcels, with the parcel that holds the middle of each.

    Parameters
    ----------
    parcel
        (h, w) row of the parcel, north first; -1 where there is none.
    west, north
        Corner of the first cell, metres in `crs`; whole multiples of the side.
    side_m
        Side of a cell, metres.
    crs
        The analysis CRS.
    """

    parcel: NDArray[np.int32]
    west: float
    north: float
    side_m: float
    crs: pyproj.CRS

    @property
    def seen(self) -> int:
        """How many parcels have a cell: not those smaller than a cell, or below another."""
        return int((np.unique(self.parcel) >= 0).sum())


def lay_cells(
    parcels: gpd.GeoDataFrame, side_m: float = FINEST_M, *, most: int = MOST_CELLS
) -> Cells:
    """Lay cells over the parcels and find the parcel of each.

    Parameters
    ----------
    parcels
        Parcels table in metres. A point holds the one cell it lies in.
    side_m
        Side of a cell; an odd multiple of it where that gives too many.
    most
        How many cells there may be.

    Returns
    -------
    Where parcels overlap, the cells are the smallest one's; of two as large, the later id's.
    """
    from rasterio import Affine
    from rasterio.features import rasterize

    shapes = parcels.geometry.to_numpy().copy()
    west, north, side, size = _frame(shapely.total_bounds(shapes), side_m, most)
    names, _ = pd.factorize(parcels.index, sort=True)
    order = np.lexsort(
        (names, -shapely.area(shapes))
    )  # of a cell that is named twice the last holds
    points = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    shapes[points] = _cell_around(shapes[points], west, north, side, size)
    corner = Affine(side, 0, west, 0, -side, north)
    pairs = zip(shapes[order], order.tolist(), strict=True)
    parcel = rasterize(pairs, out_shape=size, fill=-1, transform=corner, dtype="int32")
    return Cells(parcel, west, north, side, pyproj.CRS(parcels.crs))


def _frame(
    bounds: NDArray[np.float64], side_m: float, most: int
) -> tuple[float, float, float, tuple[int, int]]:
    """Return the first corner, the side and (rows, columns) of as fine cells as there may be."""
    for times in itertools.count(1, 2):
        side = side_m * times
        west, south = np.floor(bounds[:2] / side)
        east, north = np.ceil(bounds[2:] / side)
        size = max(int(north - south), 1), max(int(east - west), 1)
        if size[0] * size[1] <= most:
            break
    return float(west * side), float((south + size[0]) * side), side, size


def _cell_around(
    points: NDArray[Any], west: float, north: float, side_m: float, size: tuple[int, int]
) -> NDArray[Any]:
    """Return the cell that each point lies in, as a box; on an edge of the frame the last one."""
    there = (shapely.get_coordinates(points) - (west, north)) / (side_m, -side_m)
    column, row = np.clip(np.floor(there), 0, (size[1] - 1, size[0] - 1)).T
    left, top = west + column * side_m, north - row * side_m
    return np.asarray(shapely.box(left, top - side_m, left + side_m, top), dtype=object)


def write_scores(
    path: Path, cells: Cells, score: NDArray[np.float64], *, language: str, tags: Mapping[str, str]
) -> None:
    """Write the scores as decimal numbers; NaN is nodata.

    Parameters
    ----------
    path
        The new file.
    cells
        As `lay_cells` gives them.
    score
        (n,) 0–100 by row of the parcels; NaN unless assessed.
    language
        Of the band's description, ``nb`` or ``en``.
    tags
        What the file tells of itself: ``TITLE`` …
    """
    text = words(language)
    shown = np.append(score, np.nan).astype(np.float32)[cells.parcel]
    band = _Band(shown, text["surface.score"], unit=text["score"])
    unseen = {"PARCELS_WITHOUT_CELL": str(len(score) - cells.seen)}
    with _new_raster(path, cells, band, nodata=np.nan, predictor="YES", by="AVERAGE") as raster:
        _fill(raster, band, {**tags, **unseen})


def codes_of(classes: pd.Series, status: pd.Series) -> NDArray[np.uint8]:
    """Return the code of each parcel: its class where it is assessed, else its status."""
    told = classes.where(status == "assessed", status)
    return np.array([CODES[one] for one in told], dtype=np.uint8)


def write_classes(
    path: Path, cells: Cells, codes: NDArray[np.uint8], *, language: str, tags: Mapping[str, str]
) -> None:
    """Write the classes as bytes with their colours; where there is no parcel is nodata.

    Parameters
    ----------
    path
        The new file.
    cells
        As `lay_cells` gives them.
    codes
        (n,) as `codes_of` gives them.
    language
        Of the description and of what the codes mean, ``nb`` or ``en``.
    tags
        What the file tells of itself: ``TITLE`` …
    """
    shown = np.append(codes, np.uint8(NO_PARCEL))[cells.parcel]
    band = _Band(shown, words(language)["surface.class"])
    meanings = {f"CODE_{code}": name for code, name in _meanings(language).items()}
    with _new_raster(path, cells, band, nodata=NO_PARCEL, predictor="NO", by="MODE") as raster:
        _fill(raster, band, {**tags, **meanings})
        colours = {code: bytes.fromhex(_colour(name)[1:]) for name, code in CODES.items()}
        shades = {code: (*colour, 255) for code, colour in colours.items()}
        raster.write_colormap(1, {NO_PARCEL: _WHITE, **shades})


def _meanings(language: str) -> dict[int, str]:
    text = words(language)
    return {
        code: text[f"class.{name}" if name in CLASS_COLOURS else f"status.{name}"]
        for name, code in CODES.items()
    }


@dataclass(frozen=True)
class _Band:
    shown: NDArray[Any]
    description: str
    unit: str = ""


def _new_raster(
    path: Path, cells: Cells, band: _Band, *, nodata: float, predictor: str, by: str
) -> Any:  # noqa: ANN401 - rasterio has no types
    """Open a new raster; `by` is how the overviews sum up cells."""
    import rasterio
    from rasterio import Affine

    height, width = band.shown.shape
    known = np.isfinite(band.shown) & (band.shown != nodata)
    return rasterio.open(
        path, "w", driver="COG", width=width, height=height, count=1, dtype=band.shown.dtype,
        nodata=nodata, crs=cells.crs.to_wkt(), compress="DEFLATE", predictor=predictor,
        transform=Affine(cells.side_m, 0, cells.west, 0, -cells.side_m, cells.north),
        statistics="YES" if known.any() else "NO", overview_resampling=by,
    )  # fmt: skip


def _fill(raster: Any, band: _Band, tags: Mapping[str, str]) -> None:  # noqa: ANN401
    raster.write(band.shown, 1)
    raster.update_tags(**{name: _tag(told) for name, told in tags.items()})
    raster.set_band_description(1, band.description)
    raster.units = (band.unit,)


def _tag(told: str) -> str:
    """Return what a tag may hold: no unpaired surrogate, no NUL, not without end."""
    whole = told.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return whole if len(whole) <= 1000 else whole[:999] + "…"  # noqa: PLR2004


def _colour(name: str) -> str:
    return {**CLASS_COLOURS, **STATUS_COLOURS}[name]


def score_style(language: str) -> str:
    """Return the QGIS style of ``surface.tif``: the colour of each class at its middle."""
    decimal = words(language)["decimal"]
    root, renderer = _style("singlebandpseudocolor")
    renderer.attrib |= {"classificationMin": "0", "classificationMax": "100"}
    shader = ET.SubElement(ET.SubElement(renderer, "rastershader"), "colorrampshader")
    shader.attrib |= {
        "colorRampType": "INTERPOLATED", "classificationMode": "1", "clip": "0",
        "minimumValue": "0", "maximumValue": "100",
    }  # fmt: skip
    steps = len(CLASS_COLOURS)
    middles = [100 * (step + 0.5) / steps for step in range(steps)]
    for middle, colour in zip(middles, reversed([*CLASS_COLOURS.values()]), strict=True):
        label = f"{middle:g}".replace(".", decimal)
        ET.SubElement(shader, "item", value=f"{middle:g}", color=colour, label=label, alpha="255")
    return ET.tostring(root, encoding="unicode") + "\n"


def class_style(language: str) -> str:
    """Return the QGIS style of ``surface_classes.tif``: each class with colour and name."""
    root, renderer = _style("paletted")
    palette = ET.SubElement(renderer, "colorPalette")
    named = _meanings(language)
    for name, code in CODES.items():
        entry = {"value": str(code), "color": _colour(name), "alpha": "255", "label": named[code]}
        ET.SubElement(palette, "paletteEntry", entry)
    return ET.tostring(root, encoding="unicode") + "\n"


def _style(kind: str) -> tuple[ET.Element, ET.Element]:
    root = ET.Element("qgis", version="3.22", styleCategories="Symbology")
    renderer = ET.SubElement(
        ET.SubElement(root, "pipe"), "rasterrenderer", type=kind, band="1", opacity="1",
        alphaBand="-1",
    )  # fmt: skip
    return root, renderer
