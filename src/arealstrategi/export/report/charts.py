"""Charts for print, as SVG: parcels by class, ranks with their bands, points by group."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from arealstrategi.export.labels import CLASS_COLOURS, GROUP_COLOURS, STATUS_COLOURS
from arealstrategi.export.report.blocks import plain
from arealstrategi.export.report.phrases import percent

_MM_PER_INCH = 25.4
_WIDTH_MM = 178.0
_INK, _GREY, _LINE = "#1c2226", "#4a545b", "#d9dde0"
# the same bytes every time: no date, no random names
_SETTINGS: Any = {
    "svg.hashsalt": "arealstrategi", "svg.fonttype": "path", "font.size": 8.0,
    "text.parse_math": False,
}  # fmt: skip
_LONGEST_NAME = 34
_BAR_MM, _LEGEND_MM, _ROW_MM = 4.6, 14.0, 3.7
_BESIDE: Any = {"va": "center", "color": _INK}

Panel = tuple[str, Mapping[str, float], Mapping[str, str]]
_OTHERS = ("#7b6d8d", "#a6761d", "#5b8e7d", "#8c564b")  # groups of the user's own


def class_bars(panels: Sequence[Panel], names: Mapping[str, str]) -> bytes:
    """Draw one panel of bars for each measure of the classes and statuses.

    Parameters
    ----------
    panels
        Title, code to length, and code to what is written at the bar.
    names
        Code to name, in the order from above.
    """
    figure = _figure(8 + 5.2 * len(names))
    colours = {**CLASS_COLOURS, **STATUS_COLOURS}
    with mpl.rc_context(_SETTINGS):
        for place, (title, lengths, said) in enumerate(panels):
            axes = figure.add_axes((0.17 if place == 0 else 0.6, 0.02, 0.33, 0.82))
            _bare(axes)
            rows = range(len(names))
            values = [lengths.get(code, 0.0) for code in names]
            shades = [colours[code] for code in names]
            axes.barh(rows, values, color=shades, edgecolor="#00000055", linewidth=0.5, height=0.72)
            longest = max([*values, 1e-9])
            for row, code in enumerate(names):
                axes.text(values[row] + 0.02 * longest, row, said.get(code, ""), **_BESIDE)
            axes.set(xlim=(0, 1.35 * longest), ylim=(len(names) - 0.5, -0.5), xticks=[])
            axes.set_yticks(rows, list(names.values()) if place == 0 else [""] * len(names))
            axes.set_title(title, loc="left", fontsize=8, fontweight="bold", color=_INK)
        return _svg(figure)


def rank_bands(top: pd.DataFrame, labels: Sequence[str], words: Mapping[str, str]) -> bytes:
    """Draw the rank of each parcel as a dot and the ranks it keeps in nine of ten trials as a line.

    Parameters
    ----------
    top
        ``rank``, ``rank_p05``, ``rank_p95``, ``top_share`` (0–1) and ``class``; best first.
    labels
        What to call each.
    """
    room, under = _ROW_MM * len(top), 9.0
    tall = room + under + 6.0
    figure = _figure(tall)
    with mpl.rc_context(_SETTINGS):
        axes = figure.add_axes((0.2, under / tall, 0.62, room / tall))
        _bare(axes)
        rows = np.arange(len(top))
        low, high, rank = (top[k].to_numpy(dtype=float) for k in ("rank_p05", "rank_p95", "rank"))
        axes.hlines(rows, low, high, color="#8fa6b8", linewidth=3.6, capstyle="butt")
        fill = [CLASS_COLOURS[name] for name in top["class"]]
        axes.scatter(rank, rows, s=26, c=fill, edgecolors="white", linewidths=0.8, zorder=3)
        farthest = max(float(high.max(initial=1.0)) * 1.15, 10.0)
        axes.set(xscale="log", xlim=(0.85, farthest), ylim=(len(top) - 0.4, -0.6))
        _round_ticks(axes)
        axes.set_yticks(rows, [_short(name) for name in labels])
        axes.grid(axis="x", color=_LINE, linewidth=0.6)
        axes.set_axisbelow(b=True)
        axes.set_xlabel(words["report.bands.axis"], color=_GREY)
        at_side: Any = {"transform": axes.get_yaxis_transform(), "ha": "right"}
        for row, share in enumerate(top["top_share"]):
            axes.text(1.13, row, percent(share, words), **_BESIDE, **at_side)
        head = words["report.bands.share"]
        axes.text(1.13, -0.9, head, va="bottom", color=_GREY, fontsize=7, **at_side)
        return _svg(figure)


def contribution_bars(
    points: pd.DataFrame, names: Mapping[str, str], totals: Sequence[str]
) -> bytes:
    """Draw what each group of criteria gives, stacked.

    Parameters
    ----------
    points
        One row per place, its label the index; one column per group; points of 100.
    names
        Group to name.
    totals
        What is written at the end of each bar.
    """
    colours = group_colours([str(group) for group in points])
    room = _BAR_MM * len(points)
    figure = _figure(_LEGEND_MM + room)
    with mpl.rc_context(_SETTINGS):
        axes = figure.add_axes((0.12, 0.02, 0.86, room / (_LEGEND_MM + room)))
        _bare(axes)
        start, rows = np.zeros(len(points)), np.arange(len(points))
        for group, column in points.items():
            length, name = column.to_numpy(dtype=float), _short(names[str(group)])
            fill: Any = {"color": colours[str(group)], "edgecolor": "white", "linewidth": 0.6}
            axes.barh(rows, length, left=start, height=0.7, label=name, **fill)
            start = start + length
        for row, said in enumerate(totals):
            axes.text(start[row] + 0.8, row, said, **_BESIDE)
        axes.set(xlim=(0, 108), ylim=(len(points) - 0.5, -0.5), xticks=[])
        axes.set_yticks(rows, [_short(str(name)) for name in points.index])
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, frameon=False, fontsize=7.5,
            handlelength=1.0, handleheight=1.0, columnspacing=1.2,
        )  # fmt: skip
        return _svg(figure)


def legend(colours: Sequence[str], names: Sequence[str]) -> bytes:
    """Draw boxes of colour in a row, each with its name."""
    figure = _figure(5.0)
    with mpl.rc_context(_SETTINGS):
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, len(names) + 0.6), ylim=(0, 1))
        axes.set_axis_off()
        for place, (colour, name) in enumerate(zip(colours, names, strict=True)):
            box = Rectangle((place + 0.01, 0.2), 0.16, 0.6, facecolor=colour, edgecolor="#777777")
            axes.add_patch(box)
            axes.text(place + 0.23, 0.47, name, va="center", color=_INK, fontsize=7.5)
        return _svg(figure)


def group_colours(groups: Sequence[str]) -> dict[str, str]:
    """Return a colour for each group; those of the user's own take what is left."""
    own = [group for group in groups if group not in GROUP_COLOURS]
    others = {group: _OTHERS[place % len(_OTHERS)] for place, group in enumerate(own)}
    return {group: GROUP_COLOURS.get(group) or others[group] for group in groups}


def _figure(height_mm: float) -> Figure:
    return Figure(figsize=(_WIDTH_MM / _MM_PER_INCH, height_mm / _MM_PER_INCH))


def _short(name: str) -> str:
    return plain(name, _LONGEST_NAME)


def _bare(axes: Axes) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, colors=_INK, labelsize=8)


def _round_ticks(axes: Axes) -> None:
    least, most = axes.get_xlim()
    every = [step * 10**power for power in range(7) for step in (1, 2, 5)]
    ticks = [tick for tick in every if least <= tick <= most]
    axes.set_xticks(ticks, [f"{tick}" for tick in ticks])
    axes.set_xticks([], minor=True)


def _svg(figure: Figure) -> bytes:
    written = io.BytesIO()
    with warnings.catch_warnings():
        # a letter that the font lacks becomes a box; the text beside the picture has it
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return written.getvalue()
