"""The third page: what is reached on foot, and where the points come from."""

from __future__ import annotations

from collections.abc import Iterator

from arealstrategi.export.labels import words as words_of
from arealstrategi.export.report import charts, maps
from arealstrategi.export.report.blocks import (
    Block,
    Cell,
    Column,
    Figure,
    Grid,
    Heading,
    NewPage,
    Row,
    Table,
    Text,
)
from arealstrategi.export.report.given import ReportTables
from arealstrategi.export.report.phrases import Words, number, state_cell
from arealstrategi.export.report.reaching import group_points, key_walks, members, of_many, of_one

_WIDTH_MM, _SMALL_MM = 178.0, (58.0, 44.0)
_SMALL_MAPS = 6
_SHOWN = 8
_OF_SITES = 6
_NEAR_MIN = 10.0


def reached(tables: ReportTables, ground: maps.Ground) -> Iterator[Block]:
    """Show what is reached on foot: small maps, reach tables, and where points come from."""
    words, keys = words_of(tables.language), key_walks(tables.criteria)
    yield NewPage()
    yield Heading(words["report.reach"])
    yield from _small_maps(tables, ground, keys[:_SMALL_MAPS], words)
    names = [Column(str(tables.criteria["label"][key]), is_number=True) for key in keys]
    inside = members(tables.areas, tables.parcels)
    rows: list[Row] = [
        [name, *(of_many(tables.parcels.loc[ids], key, words) for key in keys)]
        for name, ids in list(inside.items())[:_SHOWN]
    ]
    yield Table(
        words["report.reach_caption"], [Column(words["report.name"], width=0.6), *names], rows
    )
    yield from _contribution_figure(tables, words)
    yield from _sites(tables, keys[:_OF_SITES], words)
    walker = words[f"profile.{tables.walker['profile']}"]
    yield Text(words["report.reach_note"].format(walker=walker), "small")


def best(tables: ReportTables) -> Iterator[Block]:
    """Show what is reached from the best parcels."""
    words, keys = words_of(tables.language), key_walks(tables.criteria)
    columns = [
        Column(words["report.label"], width=1.4),
        Column(words["report.points"], is_number=True, width=0.8),
        Column(words["report.class"], width=1.4),
        *(Column(str(tables.criteria["label"][key]), is_number=True) for key in keys),
    ]
    rows: list[Row] = [
        [
            str(row["label"]),
            number(row["score"], words, 1),
            Cell(words[f"class.{row['class']}"], str(row["class"])),
            *(of_one(row, key, words) for key in keys),
        ]
        for _, row in tables.parcels.loc[tables.top.index].iterrows()
    ]
    yield Table(words["report.reach_top_caption"].format(count=len(rows)), columns, rows)


def _small_maps(
    tables: ReportTables, ground: maps.Ground, keys: list[str], words: Words
) -> Iterator[Block]:
    box = maps.box_of(tables.parcels, _SMALL_MM)
    drawn = []
    for key in keys:
        walk, label = tables.parcels[f"{key}_walk_min"], str(tables.criteria["label"][key])
        picture = maps.minutes_map(tables.parcels, walk, ground, box, _SMALL_MM)
        alt = words["report.minutes_alt"].format(
            category=label,
            near=number(int((walk <= _NEAR_MIN).sum()), words),
            count=number(len(walk), words),
        )
        drawn.append(Figure(picture, "png", alt, label, _SMALL_MM[0]))
    if drawn:
        yield Grid(drawn)
        steps = [*(f"≤ {step} min" for step in maps.MINUTE_STEPS), f"> {maps.MINUTE_STEPS[-1]} min"]
        names = [*steps, words["report.minutes_none"]]
        legend = charts.legend([*maps.MINUTE_COLOURS, maps.UNREACHED], names)
        yield Figure(legend, "svg", words["report.minutes_legend"], "", _WIDTH_MM)


def _contribution_figure(tables: ReportTables, words: Words) -> Iterator[Block]:
    shown = tables.areas.iloc[:_SHOWN]
    points = group_points(tables.parcels, shown, tables.model)
    if points is None:
        return
    totals = [number(score, words) for score in shown["score"]]
    rows = ". ".join(
        f"{name}: "
        + ", ".join(f"{tables.groups[str(group)]} {number(n, words)}" for group, n in row.items())
        for name, row in points.iterrows()
    )
    drawn = charts.contribution_bars(points, tables.groups, totals)
    alt = words["report.contributions_alt"].format(rows=rows)
    yield Figure(drawn, "svg", alt, words["report.contributions"], _WIDTH_MM)


def _sites(tables: ReportTables, keys: list[str], words: Words) -> Iterator[Block]:
    if tables.sites is None:
        return
    columns = [
        Column(words["report.site"], width=1.5),
        Column(words["report.points"], is_number=True, width=0.7),
        Column(words["report.class"], width=1.3),
        Column(words["report.rank"], is_number=True, width=0.7),
        *(Column(str(tables.criteria["label"][key]), is_number=True) for key in keys),
    ]
    rows: list[Row] = [
        [
            str(row["label"]),
            number(row["score"], words, 1),
            state_cell(row, words),
            number(row["place_among_parcels"], words),
            *(of_one(row, key, words) for key in keys),
        ]
        for _, row in tables.sites.parcels.sort_values("rank", kind="stable").iterrows()
    ]
    yield Table(words["report.sites_caption"], columns, rows)
