"""The first two pages: what was found, and the recommended areas."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from arealstrategi.export.labels import words as words_of
from arealstrategi.export.report import charts, maps
from arealstrategi.export.report.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Figure,
    Heading,
    NewPage,
    Row,
    Table,
    Text,
)
from arealstrategi.export.report.given import ReportTables
from arealstrategi.export.report.phrases import Words, land, municipal, number, state
from arealstrategi.export.report.reaching import key_walks, members, of_many
from arealstrategi.tables import CLASSES, MUNICIPAL, STATUSES

_WIDTH_MM = 178.0
_OVERVIEW_MM, _AREAS_MM = (_WIDTH_MM, 120.0), (_WIDTH_MM, 104.0)
_WALKS_SAID = 3
# Judgement: a parcel that is among the best in four of five trials is a sure answer.
_STABLE_SHARE = 0.8


def summary(tables: ReportTables, ground: maps.Ground) -> Iterator[Block]:
    """Tell on the first page what was found, in words and as a map."""
    words = words_of(tables.language)
    yield Heading(tables.title, 1)
    yield Text(words["report.under_title"].format(place=tables.place.name), "lead")
    for note in tables.notes:
        yield Text(note, "note")
    yield Heading(words["report.summary"])
    yield Text(_lead(tables, words), "lead")
    yield Bullets(list(_findings(tables, words)))
    counts = class_counts(tables)
    frame = maps.frame_of(tables.parcels, tables.areas, _AREAS_MM)
    drawn = maps.overview_map(
        tables.parcels, tables.areas, ground, tables.place.boundary, frame,
        size_mm=_OVERVIEW_MM, words=words,
    )  # fmt: skip
    said = ", ".join(
        words["report.count_of"].format(name=state(str(code), words), count=number(count, words))
        for code, count in counts["parcels"].items()
    )
    caption = "report.overview" if frame else "report.overview_numbers"
    caption = caption if len(tables.areas) else "report.overview_alone"
    alt = words["report.overview_alt"].format(place=tables.place.name, counts=said)
    yield Figure(drawn, "png", alt, words[caption], _WIDTH_MM)
    yield _class_figure(counts, said, words)


def class_counts(tables: ReportTables) -> pd.DataFrame:
    """Return parcels, area (m²) and municipal parcels by class, excluded and missing data."""
    parcels = tables.parcels
    state = (
        parcels["class"].astype(object).where(parcels["status"] == "assessed", parcels["status"])
    )
    of = parcels.groupby(state)
    counts = pd.DataFrame(
        {
            "parcels": of.size(),
            "area_m2": of["area_m2"].sum(),
            "municipal": of["municipal"].agg(lambda told: int(told.isin(MUNICIPAL[:2]).sum())),
        }
    )
    return counts.reindex([*CLASSES, *STATUSES[1:]]).fillna(0)


def _lead(tables: ReportTables, words: Words) -> str:
    parcels, areas = tables.parcels, tables.areas
    assessed = int((parcels["status"] == "assessed").sum())
    if not assessed:
        return words["report.lead_none"]
    classes = parcels["class"].value_counts()
    said = words["report.lead"].format(
        very=number(classes.get("very_suitable", 0), words),
        assessed=number(assessed, words),
        suitable=number(classes.get("suitable", 0), words),
    )
    if not len(areas):
        return f"{said} {words['report.lead_no_areas']}"
    room = round(float(areas["dwellings"].sum()), -1)
    more = words["report.lead_areas"].format(areas=len(areas), dwellings=number(room, words))
    return f"{said} {more}"


def _findings(tables: ReportTables, words: Words) -> Iterator[str]:
    parcels = tables.parcels
    if len(tables.areas):
        yield _best_area(tables, words)
    if tables.sites is not None and tables.sites.parcels["score"].notna().any():
        sites = tables.sites.parcels
        best = sites.iloc[int(sites["score"].argmax())]
        yield words["report.sites_best"].format(
            count=len(sites), name=best["label"], score=number(best["score"], words)
        )
    fit = parcels[parcels["class"].isin(CLASSES[:2]) & (parcels["status"] == "assessed")]
    if len(fit):
        unknown = fit["municipal"] == "unknown"
        count = unknown.sum() if unknown.all() else fit["municipal"].isin(MUNICIPAL[:2]).sum()
        key = "report.municipal_unknown" if unknown.all() else "report.municipal_share"
        yield words[key].format(count=number(count, words), fit=number(len(fit), words))
    if len(tables.top) and "top_share" in tables.top:
        stable = int((tables.top["top_share"] >= _STABLE_SHARE).sum())
        yield words["report.sure"].format(count=number(stable, words), top=len(tables.top))
    states = parcels["status"].value_counts()
    yield words["report.left_out"].format(
        excluded=number(states.get("excluded", 0), words),
        missing=number(states.get("missing_data", 0), words),
    )


def _best_area(tables: ReportTables, words: Words) -> str:
    area = tables.areas.iloc[0]
    inside = tables.parcels.loc[members(tables.areas.iloc[:1], tables.parcels)[str(area.name)]]
    walks = ", ".join(
        words["report.walk_of"].format(
            category=tables.criteria["label"][key], minutes=of_many(inside, key, words)
        )
        for key in key_walks(tables.criteria, _WALKS_SAID)
    )
    return words["report.best_area"].format(
        name=area.name,
        score=number(area["score"], words),
        area=words["report.area"].format(number=land(area["area_m2"], words)),
        municipal=municipal(area, words),
        walks=f"{walks}." if walks else "",
    )


def _class_figure(counts: pd.DataFrame, said: str, words: Words) -> Figure:
    unit = words["report.area_unit"]
    names = {str(code): state(str(code), words).capitalize() for code in counts.index}
    numbers, areas = (
        {str(code): float(count) for code, count in counts[name].items()}
        for name in ("parcels", "area_m2")
    )
    said_of = {code: land(size, words) for code, size in areas.items()}
    counted = {code: number(count, words) for code, count in numbers.items()}
    panels = [
        (words["report.bars_number"], numbers, counted),
        (words["report.bars_area"].format(unit=unit), areas, said_of),
    ]
    alt = words["report.bars_alt"].format(counts=said)
    drawn = charts.class_bars(panels, names)
    return Figure(drawn, "svg", alt, words["report.bars_caption"], _WIDTH_MM)


def recommended(tables: ReportTables, ground: maps.Ground) -> Iterator[Block]:
    """Tell on the second page the areas, where they lie and what may be done there."""
    words, areas = words_of(tables.language), tables.areas
    yield NewPage()
    yield Heading(words["report.areas"])
    if not len(areas):
        yield Text(words["report.lead_no_areas"])
        return
    yield Text(words["report.areas_text"].format(density=number(tables.dwellings_per_ha, words)))
    if maps.frame_of(tables.parcels, areas, _AREAS_MM):
        drawn = maps.areas_map(tables.parcels, areas, ground, size_mm=_AREAS_MM, words=words)
        alt = words["report.areas_map_alt"].format(count=len(areas))
        yield Figure(drawn, "png", alt, words["report.areas_map"], _WIDTH_MM)
    columns = [
        Column(words["report.name"], width=0.5),
        Column(words["report.points"], is_number=True, width=0.7),
        Column(words["report.class"], width=1.3),
        Column(words["report.size"], is_number=True, width=0.8),
        Column(words["report.dwellings"], is_number=True, width=0.8),
        Column(words["report.municipal"], width=1.4),
        Column(words["report.plan"], width=1.5),
        Column(words["report.instrument"], width=3.2),
    ]
    rows: list[Row] = [
        [
            str(name),
            number(area["score"], words),
            Cell(words[f"class.{area['class']}"], str(area["class"])),
            land(area["area_m2"], words),
            number(area["dwellings"], words),
            municipal(area, words),
            words[f"plan_readiness.{area['plan_readiness']}"],
            words[f"instrument.{area['instrument']}"],
        ]
        for name, area in areas.iterrows()
    ]
    yield Table(words["report.areas_caption"], columns, rows)
