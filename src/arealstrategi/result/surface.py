"""The rasters of a result: names of the files to what writes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from arealstrategi.export import surface
from arealstrategi.provenance import versions
from arealstrategi.result.facts import ATTRIBUTION

if TYPE_CHECKING:
    from arealstrategi.result import Result


def surface_outputs(result: Result) -> dict[str, Callable[[Path], None]]:
    """Return the rasters and their looks in QGIS: name of the file to what writes it."""
    language, parcels = result.strategy.language, result.parcels
    side_m = result.strategy.parcels.grid_m or surface.FINEST_M
    cells = cache(lambda: surface.lay_cells(parcels, side_m))
    tags = _tags(result)
    return {
        "surface.tif": lambda path: surface.write_scores(
            path, cells(), parcels["score"].to_numpy(), language=language, tags=tags
        ),
        "surface.qml": lambda path: _write_text(path, surface.score_style(language)),
        "surface_classes.tif": lambda path: surface.write_classes(
            path,
            cells(),
            surface.codes_of(parcels["class"], parcels["status"]),
            language=language,
            tags=tags,
        ),
        "surface_classes.qml": lambda path: _write_text(path, surface.class_style(language)),
    }


def _tags(result: Result) -> dict[str, str]:
    """Return what a raster tells of itself; no time of the run, so that equal runs are equal."""
    dated = [one.date for one in result.reports if one.role == "osm" and one.date]
    return {
        "TITLE": result.strategy.title,
        "NOTES": " ".join(result.all_notes()),
        "TIFFTAG_COPYRIGHT": " ".join(ATTRIBUTION),
        "TIFFTAG_SOFTWARE": f"arealstrategi {versions()['arealstrategi']}",
        **{f"MAP_DATE_{number}": date for number, date in enumerate(dated, start=1)},
    }


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
