"""A small town's tables for the report and the site sheets, with answers that can be counted."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import LineString, MultiPolygon, Point, box

from arealstrategi.areas import AreaRules, recommend_areas
from arealstrategi.comparison import compare
from arealstrategi.explanation import ScoreModel
from arealstrategi.export import labels
from arealstrategi.export.report import Given, People, Place, ReportTables
from arealstrategi.provenance import SourceReport
from arealstrategi.robustness import RobustnessOptions, vary

NB = labels.words("nb")
CRS = "EPSG:25832"
SIDE_M = 100.0
GROCERY, DOCTOR = "grocery", "doctor"
WALKS = {  # value, minutes: NaN minutes with value 0 is out of reach, NaN value is not known
    GROCERY: ([1.0, 0.9, 0.6, 0.1, 1.0, np.nan], [2.0, 4.0, 8.0, np.nan, 3.0, np.nan]),
    DOCTOR: ([1.0, 0.8, 0.5, 0.0, 1.0, 0.5], [0.2, 6.0, 9.0, np.nan, 5.0, 9.0]),
}
STATUS = ["assessed"] * 4 + ["excluded", "missing_data"]
WEIGHT = {GROCERY: 0.75, DOCTOR: 0.25}


def parcels() -> gpd.GeoDataFrame:
    """Six squares in a row; the first is worth 100 points, the last two are not assessed."""
    index = pd.Index([f"p{i}" for i in range(6)], name="parcel_id")
    table = pd.DataFrame({"label": "Gate " + index, "area_m2": SIDE_M**2}, index=index)
    table["status"], table["reasons"] = STATUS, ["", "", "", "", "Flom", "no_value: grocery"]
    values = pd.DataFrame({key: value for key, (value, _) in WALKS.items()}, index=index)
    score = 100.0 * (values * pd.Series(WEIGHT)).sum(axis=1)
    assessed = table["status"] == "assessed"
    table["score"] = score.where(assessed)
    table["score_if_allowed"] = score.where(table["status"] != "missing_data")
    cuts = pd.cut(table["score"], [-1, 25, 50, 75, 101], right=False)
    table["class"] = pd.Series(
        ["unsuitable", "less_suitable", "suitable", "very_suitable"],
        index=cuts.cat.categories,
    ).reindex(cuts).to_numpy()  # fmt: skip
    table["rank"] = table["score"].rank(ascending=False).astype("Int64")
    table["municipal"] = ["yes", "partly", "no", "unknown", "yes", "unknown"]
    for key, (value, minutes) in WALKS.items():
        walked = pd.Series(minutes, index=index)
        table[f"{key}_walk_m"], table[f"{key}_walk_min"] = walked * 60, walked
        table[f"{key}_value"] = value
        table[f"{key}_service"] = pd.Series(["s0"] * 6, index=index).where(walked.notna())
    table["score_safe"] = 50.0
    shapes = [box(i * SIDE_M, 0, (i + 1) * SIDE_M, SIDE_M) for i in range(6)]
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


def services() -> gpd.GeoDataFrame:
    rows = {
        "service_id": ["s0", "s1"], "category": [GROCERY, DOCTOR], "name": ["", "Doktor Ås"],
        "kind": "own", "reason": "",
    }  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry=[Point(50, 150), Point(250, 150)], crs=CRS)


def backdrop() -> gpd.GeoDataFrame:
    water = MultiPolygon([box(0, -200, 600, -20)])
    street = LineString([(0, 120), (600, 120)])
    kinds = {"kind": ["water", "street", "building"], "name": ["", "Storgata", ""]}
    return gpd.GeoDataFrame(kinds, geometry=[water, street, box(10, 10, 30, 30)], crs=CRS)


def criteria() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "label": ["Dagligvare", "Lege"], "group": ["daily", "health"],
            "weight": list(WEIGHT.values()), "full_m": [400.0, 500.0], "zero_m": [1000.0, 1200.0],
            "walk": True, "found": True, "reason": ["Oftest", "Mest brukt"],
            "source": ["the shipped set default", "Eldrerådet"],
        },
        index=pd.Index([GROCERY, DOCTOR], name="key"),
    )  # fmt: skip


def hindrances() -> pd.DataFrame:
    rows = {"parcel_id": ["p0"], "category": [GROCERY], "steep_m": [45.0], "steps_m": [0.0]}
    return pd.DataFrame(rows).assign(unlit_m=99.0, no_sidewalk_m=0.0)


def report_tables(**changes) -> ReportTables:
    """The tables of the town; `changes` are fields of `ReportTables`."""
    town, table = parcels(), criteria()
    areas, _ = recommend_areas(town, AreaRules(min_area_m2=1000.0))
    assessed = town[town["status"] == "assessed"]
    values = assessed[[f"{key}_value" for key in WALKS]].set_axis(list(WALKS), axis=1)
    options = RobustnessOptions(draws=100, top=3)
    robustness = vary(values, table["weight"], {}, None, options)
    bands = robustness.parcels[["rank_p05", "rank_p95", "top_share"]]
    town = town.join(bands.astype({"rank_p05": "Int64", "rank_p95": "Int64"}))
    answers = pd.DataFrame({"Flom": ["no_hit"] * 4 + ["hit", "not_mapped"]}, index=town.index)
    findings = pd.DataFrame(
        {"parcel_id": ["p4", "p5"], "constraint": "Flom", "answer": ["hit", "not_mapped"],
         "share": [0.25, 0.0]}
    )  # fmt: skip
    in_reach = pd.DataFrame(
        {"part": ["whole", "zone", "outside"], "zone": ["Byen", "Sentrum", ""],
         "category": GROCERY, "group": "all", "residents": [1000.0, 800.0, 200.0],
         "near_m": 400.0, "near_share": [0.5, 0.625, np.nan]}
    )  # fmt: skip
    weightings = pd.DataFrame(
        {"source": ["Eldrerådet"], "method": "ahp", "of": "groups", "people": 2,
         "consistency": 0.08}
    )  # fmt: skip
    read = SourceReport(
        "parcels", "/hjem/kari/teig.gpkg", {"polygons repaired": 3, "parcels": 6},
        files=(Path("/hjem/kari/teig.gpkg"),), date="file saved 2026-03-01", licence="CC BY 4.0",
    )  # fmt: skip
    tables = ReportTables(
        title="Boliger i Byen",
        language="nb",
        audience="internal",
        place=Place("Byen", box(-50, -250, 650, 250), backdrop()),
        people=People(in_reach, weightings),
        sites=Given(town.loc[["p2"]].assign(rank=1, place_among_parcels=3), findings.iloc[:0]),
        notes=("Kommunen er oppdiktet.",),
        parcels=town,
        services=services(),
        areas=areas,
        criteria=table,
        groups={"daily": "Daglige gjøremål", "health": "Helse"},
        model=ScoreModel(table.assign(critical=False)),
        gates=(),
        walker={"profile": "senior", "season": "summer", "direction": "both", "speed_m_s": 1.0},
        rules=pd.DataFrame(
            [("Flom", "exclude", 10.0, "share", True)],
            columns=["name", "effect", "points", "by", "given"],
        ),
        answers=answers,
        findings=findings,
        on_the_way=hindrances(),
        top=pd.DataFrame(town[town["rank"] <= 3].sort_values("rank").drop(columns="geometry")),
        robustness=robustness,
        scenarios=(("Legen flytter", compare(town, town, table["weight"], table["weight"])),),
        dwellings_per_ha=40.0,
        shared_space_over=15,
        reports=(read,),
        warnings=("4 of 6 parcels lie too far from any walkable way", "something unheard of"),
    )
    return replace(tables, **changes)


class Page(HTMLParser):
    """What elements and attributes a page has, and its text."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.attributes, self.said = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.said.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.said).replace("\N{NO-BREAK SPACE}", " "))
