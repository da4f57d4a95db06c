"""The parts of a site sheet: facts, reach table, constraints, and what has to be clarified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from arealstrategi.areas import INSTRUMENTS
from arealstrategi.evidence import BELOW_SHARE, HIT, NOT_MAPPED
from arealstrategi.export.labels import words as words_of
from arealstrategi.export.report.blocks import Bars, Block, Bullets, Column, Heading, Table, Text
from arealstrategi.export.report.given import ReportTables
from arealstrategi.export.report.phrases import (
    UNREACHED,
    Words,
    effect,
    land,
    listed,
    municipal,
    number,
    percent,
    state_cell,
)
from arealstrategi.export.report.reaching import key_walks, of_one, span

_WALKS = 14
_NAMES = 6
_HEADLINES = ("safe", "central", "social")
# Judgement: shorter pieces are not worth a line on a sheet; every step is. Metres.
_LEAST_M = {"steep": 30.0, "steps": 1.0, "unlit": 100.0, "no_sidewalk": 100.0}
Facts = list[tuple[str, str]]


@dataclass(frozen=True)
class Subject:
    """What a sheet is about.

    Parameters
    ----------
    name
        As the heading says.
    row
        The area or the site.
    parcels
        The parcels of the area, or the site alone.
    start
        The best parcel of the area, or the site: where the walks are measured from.
    findings
        What constraints found on these parcels, but for ``no_hit``.
    is_area
        Whether it is a recommended area.
    is_parcel
        Whether `start` is one of the parcels, so that what its walks are like is known.
    """

    name: str
    row: pd.Series
    parcels: gpd.GeoDataFrame
    start: pd.Series
    findings: pd.DataFrame
    is_area: bool = False
    is_parcel: bool = False


@dataclass(frozen=True)
class Known:
    """What every sheet looks up.

    Parameters
    ----------
    tables
        Those of the report.
    walks
        The categories of the reach table, those that count most.
    called
        Category and shown name to the rows of the services.
    unnamed
        Ids that are shown for want of a name.
    hindered
        Parcel and category to metres of what hinders, where it is enough to be told.
    """

    tables: ReportTables
    walks: list[str]
    called: Mapping[tuple[str, str], list[int]]
    unnamed: frozenset[str]
    hindered: Mapping[tuple[str, str], dict[str, float]]

    def hindrances(self, one: Subject, key: str) -> dict[str, float]:
        """Return metres of what hinders on the walk to a category."""
        return self.hindered.get((str(one.start.name), key), {}) if one.is_parcel else {}

    def label(self, key: str) -> str:
        """Return what a criterion is called."""
        return str(self.tables.criteria["label"].get(key, key))


def look_up(tables: ReportTables) -> Known:
    """Make ready what every sheet looks up."""
    services, hard = tables.services, tables.on_the_way
    shown = services["name"].where(services["name"] != "", services["service_id"])
    called: dict[tuple[str, str], list[int]] = {}
    for row, one in enumerate(zip(services["category"], shown, strict=True)):
        called.setdefault(one, []).append(row)
    enough = {name: hard[f"{name}_m"] >= least for name, least in _LEAST_M.items()}
    some = hard[pd.DataFrame(enough).any(axis=1)]
    hindered = {
        (str(row["parcel_id"]), str(row["category"])): {
            name: float(row[f"{name}_m"])
            for name, least in _LEAST_M.items()
            if row[f"{name}_m"] >= least
        }
        for row in some.to_dict("records")
    }
    unnamed = frozenset(services.loc[services["name"] == "", "service_id"].astype(str))
    return Known(tables, key_walks(tables.criteria, _WALKS), called, unnamed, hindered)


def nearest(one: Subject, known: Known) -> gpd.GeoDataFrame:
    """Return the services that the reach table names, ``number`` as its rows.

    The table of parcels has names only, so of several with one name the nearest is taken.
    """
    services, found = known.tables.services, {}
    for place, key in enumerate(known.walks, start=1):
        rows = known.called.get((key, str(one.start.get(f"{key}_service"))), [])
        if rows:
            apart = shapely.distance(services.geometry.to_numpy()[rows], one.start["geometry"])
            found[rows[int(apart.argmin())]] = place
    told = services.iloc[list(found)]
    return gpd.GeoDataFrame(told.assign(number=list(found.values())))


def area_facts(one: Subject, tables: ReportTables) -> Facts:
    """Return what is told of an area beside its map."""
    words, area = words_of(tables.language), one.row
    dwellings = number(area["dwellings"], words)
    if area["shared_space"]:
        limit = number(tables.shared_space_over, words)
        dwellings = words["sheet.shared"].format(count=dwellings, limit=limit)
    rank = words["sheet.rank_area"].format(rank=area["rank"], count=len(tables.areas))
    names = listed(map(str, one.parcels["label"]), words, most=_NAMES)
    said = words["sheet.parcels"].format(count=number(len(one.parcels), words), names=names)
    return [
        (words["report.points"], _score(area, words)),
        (words["report.rank"], rank),
        (
            words["sheet.area_term"],
            words["report.area"].format(number=land(area["area_m2"], words)),
        ),
        *_buildable(area, words),
        (words["sheet.dwellings_term"], dwellings),
        (words["sheet.owner_term"], municipal(area, words)),
        (words["sheet.plan_term"], words[f"plan_readiness.{area['plan_readiness']}"]),
        *_purposes(one.parcels, words),
        (words["sheet.instrument_term"], words[f"instrument.{area['instrument']}"]),
        (words["sheet.parcels_term"], said),
    ]


def site_facts(one: Subject, tables: ReportTables) -> Facts:
    """Return what is told of a given site beside its map."""
    words, site = words_of(tables.language), one.row
    count = 0 if tables.sites is None else len(tables.sites.parcels)
    facts = [(words["report.points"], _score(site, words))]
    if pd.notna(site["rank"]):
        among = words["sheet.place"].format(
            rank=number(site["place_among_parcels"], words),
            count=number(tables.parcels["rank"].notna().sum(), words),
        )
        rank = words["sheet.rank_site"].format(rank=site["rank"], count=count)
        facts += [(words["report.rank"], rank), (words["report.place_among"], among)]
    size = words["sheet.unknown"]
    if pd.notna(site["area_m2"]):
        size = words["report.area"].format(number=land(site["area_m2"], words))
    instrument = INSTRUMENTS[str(site["municipal"]), _readiness(site)]
    return [
        *facts,
        (words["sheet.area_term"], size),
        *_buildable(site, words),
        (words["sheet.owner_term"], words[f"municipal.{site['municipal']}"]),
        (words["sheet.plan_term"], words[f"plan_readiness.{_readiness(site)}"]),
        *_purposes(one.parcels, words),
        (words["sheet.instrument_term"], words[f"instrument.{instrument}"]),
    ]


def _score(row: pd.Series, words: Words) -> str:
    if pd.isna(row["score"]):
        return state_cell(row, words).text
    score = number(row["score"], words, 1)
    return words["sheet.score"].format(score=score, **{"class": words[f"class.{row['class']}"]})


def _readiness(row: pd.Series) -> str:
    told = row.get("plan_readiness")
    return str(told) if told is not None and pd.notna(told) else "unknown"


def _buildable(row: pd.Series, words: Words) -> Facts:
    told = row.get("buildable_m2")
    if told is None or pd.isna(told):
        return []
    return [(words["sheet.buildable_term"], words["report.area"].format(number=land(told, words)))]


def _purposes(parcels: pd.DataFrame, words: Words) -> Facts:
    """Return the purposes of the plans, the one of the largest area first."""
    if "plan_purpose_name" not in parcels:
        return []
    areas = parcels.groupby("plan_purpose_name")["area_m2"].sum().sort_values(ascending=False)
    names = [str(name) for name in areas.index if name]
    return [(words["sheet.purpose_term"], listed(names, words, most=3))] if names else []


def headlines(parcels: pd.DataFrame, words: Words) -> list[Block]:
    """Return the headline scores as bars; of several parcels their mean by area."""
    rows = []
    share = parcels["area_m2"].fillna(1.0)
    for name in _HEADLINES:
        column = parcels.get(f"score_{name}")
        if column is not None and column.notna().any():
            known = column.notna()
            mean = float((column * share)[known].sum() / share[known].sum())
            rows.append((words[f"headline.{name}"], mean, number(mean, words)))
    return [Bars(words["sheet.headlines"], rows)] if rows else []


def reach_table(one: Subject, known: Known) -> list[Block]:
    """Return metres and minutes to the nearest of each kind; of an area what hinders, too."""
    tables, start = known.tables, one.start
    words = words_of(tables.language)
    columns = [
        Column("", is_number=True, width=0.3),
        Column(words["report.category"], width=2.2),
        Column(words["sheet.nearest"], width=2.8),
        Column(words["sheet.minutes"], is_number=True, width=0.9),
        *([Column(words["sheet.span"], is_number=True, width=0.9)] if one.is_area else []),
        Column(words["sheet.metres"], is_number=True, width=0.8),
        *([Column(words["sheet.way"], width=2.2)] if one.is_parcel else []),
        Column(words["sheet.worth"], is_number=True, width=0.7),
    ]
    rows = []
    for place, key in enumerate(known.walks, start=1):
        hindered = known.hindrances(one, key)
        rows.append(
            [
                str(place),
                known.label(key),
                _service(start.get(f"{key}_service"), known),
                of_one(start, key, words),
                *([span(one.parcels, key, words)] if one.is_area else []),
                number(start[f"{key}_walk_m"], words),
                *([", ".join(_said(hindered, words))] if one.is_parcel else []),
                percent(start[f"{key}_value"], words),
            ]
        )
    walker = words[f"profile.{tables.walker['profile']}"]
    note = words["sheet.reach_area" if one.is_area else "sheet.reach_site"]
    said = note.format(walker=walker, parcel=start["label"])
    return [Table(words["sheet.reach"], columns, rows), Text(said, "small")]


def _service(name: Any, known: Known) -> str:  # noqa: ANN401
    if name is None or pd.isna(name):
        return UNREACHED
    words = words_of(known.tables.language)
    return words["report.unnamed"] if name in known.unnamed else str(name)


def _said(hindrances: Mapping[str, float], words: Words) -> list[str]:
    return [
        words[f"sheet.way.{name}"].format(metres=number(metres, words))
        for name, metres in hindrances.items()
    ]


def rules(one: Subject, tables: ReportTables) -> list[Block]:
    """Return what each constraint found there: hit, below its share, not mapped, or no hit."""
    words = words_of(tables.language)
    heading = Heading(words["sheet.rules"], 3)
    if not len(tables.rules):
        return [heading, Text(words["sheet.no_rules"])]
    effects = {str(rule["name"]): effect(rule, words) for _, rule in tables.rules.iterrows()}
    said = []
    for answer, key in ((HIT, "sheet.hit"), (BELOW_SHARE, "sheet.below_share")):
        for name, share in met_shares(one, answer).items():
            point = answer == HIT and pd.isna(share)
            said.append(
                words["sheet.hit_point" if point else key].format(
                    rule=name,
                    share=percent(share, words, 1),
                    effect=effects[name],
                )
            )
    said += [words["sheet.not_mapped"].format(rule=name) for name in _names(one, NOT_MAPPED)]
    met = set(one.findings["constraint"])
    clear = [name for name in effects if name not in met]
    if clear:
        said.append(words["sheet.no_hits"].format(names=listed(clear, words)))
    return [heading, Bullets(said)]


def met_shares(one: Subject, answer: str) -> dict[str, float]:
    """Return by constraint the share of the ground on which it gives an answer.

    Returns
    -------
    0–1; NaN where a parcel is a point and has no area.
    """
    mine = one.findings[one.findings["answer"] == answer]
    area = one.parcels["area_m2"]
    met = mine.assign(m2=mine["share"] * mine["parcel_id"].map(area))
    total = float(area.sum()) if area.notna().all() and len(area) else float("nan")
    found = met.groupby("constraint", sort=False)["m2"].sum()
    return {str(name): float(m2) / total for name, m2 in found.items()}


def _names(one: Subject, answer: str) -> list[str]:
    found = one.findings.loc[one.findings["answer"] == answer, "constraint"]
    return [str(name) for name in dict.fromkeys(found)]


def clarify(one: Subject, known: Known) -> list[Block]:
    """Return what has to be clarified, as the tables say it."""
    words = words_of(known.tables.language)
    asked = [*_of_plan_and_owner(one, words)]
    for answer, key in ((NOT_MAPPED, "not_mapped"), (HIT, "hit")):
        if names := _names(one, answer):
            asked.append(words[f"sheet.ask.{key}"].format(rules=listed(names, words)))
    if hard := _hardest(one, known, words):
        asked.append(words["sheet.ask.way"].format(hindrances=hard))
    far = [known.label(key) for key in known.walks if one.start.get(f"{key}_value") == 0]
    if far:
        asked.append(words["sheet.ask.far"].format(names=listed(far, words)))
    return [Heading(words["sheet.clarify"], 3), Bullets([*asked, words["sheet.ask.form"]])]


def _of_plan_and_owner(one: Subject, words: Words) -> list[str]:
    place, count = one.row, len(one.parcels)
    asked = []
    if _readiness(place) == "unknown":
        asked.append(words["sheet.ask.plan"])
    if place["municipal"] == "unknown":
        asked.append(words["sheet.ask.owner"])
    if count > 1:
        asked.append(words["sheet.ask.many_owners"].format(count=number(count, words)))
    if one.is_area and place["shared_space"]:
        asked.append(words["sheet.ask.shared"].format(count=number(place["dwellings"], words)))
    return asked


def _hardest(one: Subject, known: Known, words: Words) -> str:
    """Return the longest steep piece and the longest steps, and where they lead."""
    said = []
    for name in ("steep", "steps"):
        told = {key: known.hindrances(one, key) for key in known.walks}
        ways = {key: metres[name] for key, metres in told.items() if name in metres}
        if ways:
            key = max(ways, key=lambda one: ways[one])
            piece = words[f"sheet.way.{name}"].format(metres=number(ways[key], words))
            said.append(words["sheet.to"].format(hindrance=piece, category=known.label(key)))
    return ", ".join(said)
