"""The maps of a report: the whole, the recommended areas, one place, and how long walks are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from arealstrategi.export.report.drawing import (
    HALO,
    INK,
    Box,
    Ground,
    badge,
    draw,
    draw_buildings,
    draw_classes,
    draw_ground,
    draw_streets,
    fitted,
    lay_ground,
    outline,
    png,
    rows_in,
    scale,
    scale_and_north,
    sheet,
    spread,
)

__all__ = ["Ground", "lay_ground"]

_LARGEST_M = 2_000.0  # half the side of a cut-out at most
_AROUND = 2.2  # how much more than the place itself a cut-out shows
_LEAST_M = 300.0
_MUCH_LESS = 0.75
_BADGE_MM = 3.8
_HERE = "#d55e00"
# Steps of cividis, dark is near as dark is best in the other maps. They differ in lightness, so
# no colour vision is needed.
MINUTE_STEPS = (5, 10, 15, 20)
MINUTE_COLOURS = ("#15315f", "#545c6d", "#898779", "#c3b369", "#fee838")
UNREACHED = "#ffffff"


def overview_map(
    parcels: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame,
    ground: Ground,
    boundary: shapely.Geometry,
    frame: Box | None,
    *,
    size_mm: tuple[float, float],
    words: Mapping[str, str],
) -> bytes:
    """Draw every parcel in the colour of its class, with the recommended areas.

    Parameters
    ----------
    frame
        Where another map shows the areas larger: drawn as a rectangle in place of their numbers.

    Returns
    -------
    PNG.
    """
    box = box_of(parcels, size_mm)
    figure, axes = sheet(size_mm, box)
    draw_ground(axes, ground, box)
    draw_classes(axes, parcels)
    draw_streets(axes, ground, box, ("street", "main_street"))
    outline(axes, [boundary], colour="#7a726b", width=0.7, dash=(4, 3))
    if frame is None:
        _show_areas(axes, areas, box, size_mm)
    else:
        rest: Any = {"fill": False, "edgecolor": INK, "linewidth": 1.6, "path_effects": HALO}
        axes.add_patch(Rectangle(frame[:2], frame[2] - frame[0], frame[3] - frame[1], **rest))
    scale_and_north(axes, box, words)
    return png(figure)


def areas_map(
    parcels: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame,
    ground: Ground,
    *,
    size_mm: tuple[float, float],
    words: Mapping[str, str],
) -> bytes:
    """Draw the part where the recommended areas lie, with their outlines and numbers."""
    box = box_of(areas, size_mm)
    figure, axes = sheet(size_mm, box)
    draw_ground(axes, ground, box)
    draw_classes(axes, parcels.iloc[rows_in(parcels, box)], alpha=0.75)
    draw_streets(axes, ground, box, ("path", "street", "main_street"))
    _show_areas(axes, areas, box, size_mm)
    scale_and_north(axes, box, words)
    return png(figure)


def frame_of(
    parcels: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, size_mm: tuple[float, float]
) -> Box | None:
    """Return what a map of the areas alone shows; None where that is hardly less than all."""
    if len(areas) == 0:
        return None
    frame, whole = box_of(areas, size_mm), box_of(parcels, size_mm)
    return frame if frame[2] - frame[0] < _MUCH_LESS * (whole[2] - whole[0]) else None


def cut_out(
    place: shapely.Geometry,
    parcels: gpd.GeoDataFrame,
    ground: Ground,
    services: gpd.GeoDataFrame,
    *,
    size_mm: tuple[float, float],
    words: Mapping[str, str],
) -> bytes:
    """Draw one place with what is around it, and the services that it walks to as numbers.

    Parameters
    ----------
    place
        Polygon or point in the analysis CRS.
    parcels
        Those that are coloured by class.
    services
        Column ``number`` and geometry; those outside the picture are not drawn.
    """
    box = _around(place, size_mm)
    figure, axes = sheet(size_mm, box)
    draw_ground(axes, ground, box)
    draw_classes(axes, parcels.iloc[rows_in(parcels, box)], alpha=0.45)
    draw_streets(axes, ground, box, ("path", "street", "main_street"))
    draw_buildings(axes, ground, box)
    if shapely.get_dimensions(place) > 1:
        outline(axes, [place], colour="white", width=3.4)
        outline(axes, [place], colour=_HERE, width=1.9)
    else:
        ring: Any = {"markerfacecolor": "none", "markeredgewidth": 2.2, "color": _HERE}
        axes.plot(*shapely.get_coordinates(place).T, "o", markersize=9, **ring)
    _place_services(axes, services, box, size_mm)
    scale_and_north(axes, box, words)
    return png(figure)


def minutes_map(
    parcels: gpd.GeoDataFrame,
    minutes: pd.Series,
    ground: Ground,
    box: Box,
    size_mm: tuple[float, float],
) -> bytes:
    """Draw how many minutes each parcel walks; white where nothing is reached."""
    figure, axes = sheet(size_mm, box)
    draw_ground(axes, ground, box)
    known = minutes.to_numpy(dtype=float)
    step = np.searchsorted(MINUTE_STEPS, known, side="left")
    for number, colour in enumerate(MINUTE_COLOURS):
        draw(axes, parcels.geometry[(step == number) & ~np.isnan(known)], colour)
    draw(axes, parcels.geometry[np.isnan(known)], UNREACHED, edge="#c9c4bf")
    scale(axes, box, size=6.0)
    return png(figure)


def box_of(parcels: gpd.GeoDataFrame, size_mm: tuple[float, float]) -> Box:
    """Return the part of the plane that shows every parcel in a picture of that form."""
    return fitted(parcels.total_bounds, size_mm, 1.05)


def _around(place: shapely.Geometry, size_mm: tuple[float, float]) -> Box:
    """Return a box around a place: the place fills about half of it, but streets are seen."""
    west, south, east, north = shapely.bounds(place)
    half = max(east - west, north - south) / 2 * _AROUND
    half = min(max(half, _LEAST_M), max(_LARGEST_M, half / _AROUND * 1.1))
    x, y = (west + east) / 2, (south + north) / 2
    return fitted((x - half, y - half, x + half, y + half), size_mm, 1.0)


def _show_areas(
    axes: Axes, areas: gpd.GeoDataFrame, box: Box, size_mm: tuple[float, float]
) -> None:
    """Outline the areas and write their numbers, the best first, so that none hides another."""
    outline(axes, areas.geometry, colour="white", width=2.2)
    outline(axes, areas.geometry, colour=INK, width=1.1)
    metres = (box[2] - box[0]) / size_mm[0] * _BADGE_MM
    points = shapely.get_coordinates(areas.geometry.representative_point().to_numpy())
    for name, point, spot in zip(areas.index, points, spread(points, metres), strict=True):
        axes.plot(*np.stack([point, spot]).T, color=INK, linewidth=0.7, zorder=9)
        said = str(name).removeprefix("A")
        badge(axes, spot, said, "circle,pad=0.22", paper=INK, ink="white")


def _place_services(
    axes: Axes, services: gpd.GeoDataFrame, box: Box, size_mm: tuple[float, float]
) -> None:
    """Write the number of each service where it is, or beside one that is there."""
    here = services[services.geometry.centroid.within(shapely.box(*box))].sort_values("number")
    points = shapely.get_coordinates(here.geometry.centroid.to_numpy())
    metres = (box[2] - box[0]) / size_mm[0] * _BADGE_MM
    for number, point, spot in zip(here["number"], points, spread(points, metres), strict=True):
        axes.plot(*np.stack([point, spot]).T, color=INK, linewidth=0.7, zorder=10)
        badge(axes, spot, str(number), "square,pad=0.25", paper="white", ink=INK)
