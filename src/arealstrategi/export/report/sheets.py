"""Site sheets (*områdeark*): one page for each given site and each recommended area."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import shapely

from arealstrategi.export.labels import words as words_of
from arealstrategi.export.report import maps
from arealstrategi.export.report.blocks import (
    Block,
    Cell,
    Column,
    Document,
    Facts,
    Figure,
    Heading,
    Lines,
    NewPage,
    Pair,
    Row,
    Table,
    Text,
)
from arealstrategi.export.report.given import ReportTables
from arealstrategi.export.report.phrases import number, state_cell
from arealstrategi.export.report.reaching import members
from arealstrategi.export.report.sheet_parts import (
    Known,
    Subject,
    area_facts,
    clarify,
    headlines,
    look_up,
    nearest,
    reach_table,
    rules,
    site_facts,
)

_MAP_MM = (92.0, 92.0)
_LEFT = 0.53
_LINES = 3


def sheets(tables: ReportTables) -> Document:
    """Return a list of the sheets and then one page for each."""
    words = words_of(tables.language)
    ground, known = maps.lay_ground(tables.place.backdrop), look_up(tables)
    title = words["report.sheets_title"].format(title=tables.title)
    subjects = [*_sites(tables), *_areas(tables)]
    blocks: list[Block] = [Heading(title, 1)]
    blocks.append(Text(words["sheet.intro" if subjects else "sheet.none"], "lead"))
    blocks += [Text(note, "note") for note in tables.notes]
    columns = [
        Column(words["sheet.one"], width=2.0),
        Column(words["report.points"], is_number=True, width=0.8),
        Column(words["report.class"], width=2.0),
    ]
    rows: list[Row] = [
        [one.name, number(one.row["score"], words, 1), _class(one, tables)] for one in subjects
    ]
    blocks.append(Table(words["sheet.all"], columns, rows))
    for one in subjects:
        blocks += [NewPage(), *_page(one, known, ground)]
    footer = words["report.footer"].format(title=tables.title)
    return Document(title, tables.language, footer, tuple(blocks))


def _class(one: Subject, tables: ReportTables) -> Cell:
    words = words_of(tables.language)
    if one.is_area:
        return Cell(words[f"class.{one.row['class']}"], str(one.row["class"]))
    return state_cell(one.row, words)


def _sites(tables: ReportTables) -> Iterator[Subject]:
    if tables.sites is None:
        return
    table, found = tables.sites.parcels, tables.sites.findings
    words = words_of(tables.language)
    for site in table.sort_values("rank", kind="stable").index:
        row = table.loc[site]
        yield Subject(
            words["sheet.site"].format(name=row["label"]),
            row,
            table.loc[[site]],
            row,
            found[found["parcel_id"] == site],
            is_parcel=_is_parcel(row, tables),
        )


def _is_parcel(site: pd.Series, tables: ReportTables) -> bool:
    """Say whether a site is the parcel of its name, so that what is known of that holds for it."""
    if site.name not in tables.parcels.index:
        return False
    return bool(shapely.equals(tables.parcels.geometry.loc[str(site.name)], site["geometry"]))


def _areas(tables: ReportTables) -> Iterator[Subject]:
    inside, words = members(tables.areas, tables.parcels), words_of(tables.language)
    for name, row in tables.areas.iterrows():
        parcels = tables.parcels.loc[inside[str(name)]]
        yield Subject(
            words["sheet.area"].format(name=name),
            row,
            parcels,
            tables.parcels.loc[row["best_parcel"]],
            tables.findings[tables.findings["parcel_id"].isin(parcels.index)],
            is_area=True,
            is_parcel=True,
        )


def _page(one: Subject, known: Known, ground: maps.Ground) -> list[Block]:
    tables = known.tables
    words = words_of(tables.language)
    under = words["sheet.under"].format(title=tables.title, place=tables.place.name)
    services = nearest(one, known)
    drawn = maps.cut_out(
        one.row["geometry"], tables.parcels, ground, services, size_mm=_MAP_MM, words=words
    )
    caption = words["sheet.map_area" if one.is_area else "sheet.map_site"]
    alt = words["sheet.map_alt"].format(name=one.name)
    facts = area_facts(one, tables) if one.is_area else site_facts(one, tables)
    return [
        Heading(one.name),
        Text(under, "small"),
        Pair(
            [Figure(drawn, "png", alt, caption, _MAP_MM[0])],
            [Facts(facts), *headlines(one.parcels, words)],
            _LEFT,
        ),
        *reach_table(one, known),
        Pair(rules(one, tables), clarify(one, known)),
        Lines(words["sheet.notes"], _LINES),
    ]
