"""How maps are drawn: the ground, parcels by class, outlines, badges, scale and north.

Everything is drawn by Matplotlib without a window or global state, on a canvas of the exact size
in millimetres, and becomes a PNG with few colours: its size does not grow with the parcels.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from PIL import Image

from arealstrategi.export.labels import CLASS_COLOURS, STATUS_COLOURS

DPI = 170
PAPER, INK = "#f7f5f2", "#1c2226"
HALO = [withStroke(linewidth=2.4, foreground="white")]
_MM_PER_INCH = 25.4
_M_PER_KM = 1000.0
_COLOURS = 96
_TOGETHER = 400  # polygons in one path: a path with all is slow, and Agg has a limit
_BACKDROP: Mapping[str, str] = {"water": "#c5dbe9", "green": "#dfe9d8", "building": "#b9b3ae"}
_STREETS: Mapping[str, tuple[str, float]] = {
    "path": ("#b5aea8", 0.35), "street": ("#aaa39c", 0.5), "main_street": ("#857d76", 0.9),
}  # fmt: skip

Box = tuple[float, float, float, float]
"""West, south, east, north in the analysis CRS."""


@dataclass(frozen=True)
class Ground:
    """What lies below the parcels, as arrays that are drawn many times.

    Parameters
    ----------
    kinds
        (n,) what each is; see `tables.BACKDROP_KINDS`.
    shapes
        (n,) polygons and lines in the analysis CRS.
    tree
        Of the shapes.
    """

    kinds: NDArray[np.object_]
    shapes: NDArray[np.object_]
    tree: shapely.STRtree

    def within(self, box: Box) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """Return kinds and shapes that meet a box (west, south, east, north)."""
        rows = np.sort(self.tree.query(shapely.box(*box)))
        return self.kinds[rows], self.shapes[rows]


def lay_ground(backdrop: gpd.GeoDataFrame) -> Ground:
    """Make the backdrop ready to be drawn."""
    shapes = backdrop.geometry.to_numpy()
    return Ground(backdrop["kind"].to_numpy(dtype=object), shapes, shapely.STRtree(shapes))


def sheet(size_mm: tuple[float, float], box: Box) -> tuple[Figure, Axes]:
    """Return a figure that a box of the plane fills, true to scale."""
    width, height = (side / _MM_PER_INCH for side in size_mm)
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_facecolor(PAPER)
    axes.set(xlim=(box[0], box[2]), ylim=(box[1], box[3]), xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color="#9aa1a6", linewidth=0.8)
    return figure, axes


def fitted(bounds: Iterable[float], size_mm: tuple[float, float], room: float) -> Box:
    """Return bounds widened to the form of a picture."""
    west, south, east, north = (float(value) for value in bounds)
    per_mm = room * max((east - west) / size_mm[0], (north - south) / size_mm[1], 1e-3)
    x, y = (west + east) / 2, (south + north) / 2
    half = per_mm * size_mm[0] / 2, per_mm * size_mm[1] / 2
    return x - half[0], y - half[1], x + half[0], y + half[1]


def rows_in(parcels: gpd.GeoDataFrame, box: Box) -> NDArray[np.intp]:
    """Return the rows that meet a box, rising."""
    return np.sort(parcels.sindex.query(shapely.box(*box)))


def draw_ground(axes: Axes, ground: Ground, box: Box) -> None:
    """Draw water and green."""
    kinds, shapes = ground.within(box)
    areal = shapely.get_dimensions(shapes) > 1
    for kind in ("green", "water"):
        draw(axes, shapes[(kinds == kind) & areal], _BACKDROP[kind])
        ways = lines(shapes[(kinds == kind) & ~areal])
        axes.add_collection(LineCollection(ways, colors=_BACKDROP[kind], linewidths=0.8))


def draw_streets(axes: Axes, ground: Ground, box: Box, which: Sequence[str]) -> None:
    """Draw some kinds of ways, the last on top."""
    kinds, shapes = ground.within(box)
    areal = shapely.get_dimensions(shapes) > 1
    for kind in which:
        colour, width = _STREETS[kind]
        ways = lines(shapes[(kinds == kind) & ~areal])
        axes.add_collection(LineCollection(ways, colors=colour, linewidths=width))


def draw_buildings(axes: Axes, ground: Ground, box: Box) -> None:
    """Draw buildings with their outlines."""
    kinds, shapes = ground.within(box)
    houses = shapes[(kinds == "building") & (shapely.get_dimensions(shapes) > 1)]
    draw(axes, houses, _BACKDROP["building"], edge="#8f8a85")


def draw_classes(axes: Axes, parcels: gpd.GeoDataFrame, alpha: float = 1.0) -> None:
    """Draw parcels by class and status; excluded ones are hatched."""
    shapes = parcels.geometry.to_numpy()
    code = parcels["class"].astype(object).where(parcels["status"] == "assessed", parcels["status"])
    for name, colour in {**STATUS_COLOURS, **CLASS_COLOURS}.items():
        hatch = "////" if name == "excluded" else None
        fill, edge = ("#e6e6e6", "#a9a9a9") if hatch else (colour, "white")
        of = (code == name).to_numpy(dtype=bool)
        draw(axes, shapes[of], fill, edge=edge, alpha=alpha, hatch=hatch)


def draw(
    axes: Axes,
    shapes: Iterable[Any],
    colour: str,
    *,
    edge: str = "none",
    alpha: float = 1.0,
    hatch: str | None = None,
) -> None:
    """Fill polygons, many in one path; points become dots."""
    many = np.asarray(list(shapes), dtype=object)
    if len(many) == 0:
        return
    areal = shapely.get_dimensions(many) > 1
    dots = shapely.get_coordinates(many[~areal])
    axes.plot(*dots.T, "o", markersize=2.5, color=colour, markeredgewidth=0)
    pieces = [many[areal][i : i + _TOGETHER] for i in range(0, int(areal.sum()), _TOGETHER)]
    with mpl.rc_context({"hatch.linewidth": 0.35}) if hatch else nullcontext():
        drawn = PathCollection(
            [rings_of(piece) for piece in pieces],
            facecolors=colour, edgecolors=edge, linewidths=0.12, alpha=alpha, hatch=hatch,
        )  # fmt: skip
    axes.add_collection(drawn)


def rings_of(shapes: NDArray[np.object_]) -> Path:
    """Put the rings of polygons into one path; outer and inner ones turn opposite ways."""
    rings = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(shapes)))
    lengths = shapely.get_num_coordinates(rings)
    codes = np.full(lengths.sum(), Path.LINETO, dtype=Path.code_type)
    ends = np.cumsum(lengths)
    codes[np.r_[0, ends[:-1]][: len(ends)]] = Path.MOVETO
    codes[ends - 1] = Path.CLOSEPOLY
    return Path(shapely.get_coordinates(rings), codes)


def lines(shapes: NDArray[np.object_]) -> list[NDArray[np.float64]]:
    """Return the coordinates of each line."""
    parts = shapely.get_parts(shapes)
    coordinates, of = shapely.get_coordinates(parts, return_index=True)
    return np.split(coordinates, np.flatnonzero(np.diff(of)) + 1) if len(coordinates) else []


def outline(
    axes: Axes,
    shapes: Iterable[shapely.Geometry],
    *,
    colour: str,
    width: float,
    dash: tuple[float, ...] | None = None,
) -> None:
    """Draw the borders of polygons."""
    borders = shapely.boundary(np.asarray(list(shapes), dtype=object))
    style: Any = (0, dash) if dash else "solid"
    axes.add_collection(
        LineCollection(lines(borders), colors=colour, linewidths=width, linestyles=style)
    )


def spread(points: NDArray[np.float64], apart: float) -> NDArray[np.float64]:
    """Return a spot at or near each point, so that no two are nearer than `apart`.

    Parameters
    ----------
    points
        (n, 2); the first ones keep their place.
    apart
        In the same unit.
    """
    angles = np.arange(12) * np.pi / 6
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    steps = np.concatenate([[[0.0, 0.0]], *(radius * ring for radius in np.arange(1.0, 40.0, 0.5))])
    spots = np.empty((0, 2))
    for point in points:
        tried = point + apart * steps
        gaps = np.linalg.norm(tried[:, None] - spots[None], axis=2)
        free = (gaps >= 0.999 * apart).all(axis=1)
        spots = np.vstack([spots, tried[int(free.argmax())]])
    return spots


def badge(
    axes: Axes, spot: NDArray[np.float64], said: str, form: str, *, paper: str, ink: str
) -> None:
    """Write a number in a box of a form that Matplotlib knows."""
    frame = {"boxstyle": form, "facecolor": paper, "edgecolor": ink, "linewidth": 0.7}
    axes.text(
        spot[0], spot[1], said, ha="center", va="center_baseline", fontsize=6.5, fontweight="bold",
        color=ink, zorder=11, bbox=frame,
    )  # fmt: skip


def scale_and_north(axes: Axes, box: Box, words: Mapping[str, str]) -> None:
    """Draw the scale, an arrow to the north, and whose map it is."""
    scale(axes, box, size=7.0)
    width, height = box[2] - box[0], box[3] - box[1]
    x, y, tall = box[0] + 0.045 * width, box[3] - 0.045 * height, 0.045 * height
    half = 0.28 * tall
    arrow = [(x, y), (x - half, y - tall), (x, y - 0.75 * tall), (x + half, y - tall)]
    axes.add_patch(Polygon(arrow, facecolor=INK, edgecolor="white", linewidth=0.8, zorder=12))
    write(axes, (x, y - 1.1 * tall), words["report.map.north"], 7.0, ha="center", va="top")
    corner = box[2] - 0.008 * width, box[1] + 0.008 * height
    write(axes, corner, words["report.map.credit"], 5.5, ha="right", va="bottom")


def scale(axes: Axes, box: Box, *, size: float) -> None:
    """Draw a bar of a round length, at most a quarter of the width."""
    width, height = box[2] - box[0], box[3] - box[1]
    metres = round_length(width / 4)
    x, y, thick = box[0] + 0.03 * width, box[1] + 0.03 * height, 0.007 * height
    half = metres / 2
    style: Any = {"edgecolor": INK, "linewidth": 0.6, "zorder": 12}
    for place, colour in enumerate((INK, "white")):
        axes.add_patch(Rectangle((x + place * half, y), half, thick, facecolor=colour, **style))
    said = f"{metres / _M_PER_KM:g} km" if metres >= _M_PER_KM else f"{metres:g} m"
    write(axes, (x + metres, y + 2.2 * thick), said, size, ha="center", va="bottom")


def write(
    axes: Axes, spot: tuple[float, float], said: str, size: float, *, ha: str, va: str
) -> None:
    """Write a text that can be read on any ground."""
    axes.text(
        spot[0], spot[1], said, ha=ha, va=va, fontsize=size, color=INK, path_effects=HALO,
        zorder=12, parse_math=False,
    )  # fmt: skip


def round_length(metres: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is not above a length."""
    power = int(np.floor(np.log10(metres)))
    lengths = [step * 10.0**tens for tens in (power - 1, power, power + 1) for step in (1, 2, 5)]
    return max(length for length in lengths if length <= metres)


def png(figure: Figure) -> bytes:
    """Return the picture with few colours, and without the program's name and version."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)  # noqa: S101 - `sheet` made it
    canvas.draw()  # type: ignore[no-untyped-call]
    drawn = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    whole = Image.fromarray(drawn[:, :, :3])
    few = whole.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", dpi=(DPI, DPI))
    return written.getvalue()
