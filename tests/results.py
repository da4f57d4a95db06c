"""Small results for tests: parcels with values, judged as a run judges them."""

from contextlib import contextmanager
from unittest.mock import patch

import geopandas as gpd
import pandas as pd
from hypothesis import strategies as st
from shapely import Point

from arealstrategi.explanation import ScoreModel
from arealstrategi.result.writing import write_all
from arealstrategi.scoring import aggregate, complete, judge, normalise

CRS = "EPSG:25832"
TABLES = "suitability.gpkg", "run.json"
# all that a run writes, in this order
OUTPUTS = (
    "suitability.gpkg", "ranking.csv", "ranking.xlsx", "surface.tif", "surface.qml",
    "surface_classes.tif", "surface_classes.qml", "map.html", "run.json", "sites.csv",
    "report.html", "site_sheets.html",
)  # fmt: skip
LIBRARY, SHOP, DOCTOR = "library", "shop", "doctor"
NAMES = {LIBRARY: "Bibliotek", SHOP: "Dagligvare", DOCTOR: "Lege"}


def weights(*numbers, keys=(LIBRARY, SHOP, DOCTOR)):
    return normalise(pd.Series(numbers, index=list(keys)[: len(numbers)], dtype=float))


def result(values, weight, *, flood=(), deducted=(), missing=(), method="weighted_sum", alpha=1.0):
    """Score parcels as a run does; `flood` rules parcels out, `deducted` costs them 7 points."""
    values = pd.DataFrame(values, dtype=float)
    index = values.index = values.index.astype(str).rename("parcel_id")
    out, off, lost = (pd.Series(index.isin(list(ids)), index) for ids in (flood, deducted, missing))
    reasons = [
        ";".join(name for name, holds in zip(("Flom", "Støy"), pair, strict=True) if holds)
        for pair in zip(out, off, strict=True)
    ]
    verdict = judge(
        aggregate(values, weight, method, alpha),
        reasons=pd.Series(reasons, index, dtype="str"),
        excluded=out,
        missing=lost,
        deduction=7.0 * off,
    )
    table = verdict.assign(label="Gate " + index, area_m2=100.0)
    table = table.join(values.add_suffix("_value"))
    points = [Point(i, 0) for i in range(len(index))]
    return gpd.GeoDataFrame(table, geometry=points, crs=CRS)


STREET = pd.DataFrame(
    {
        LIBRARY: [1.0, 0.6, 0.0, 0.0, 0.2],
        SHOP: [1.0, 1.0, 1.0, 0.5, 0.1],
        DOCTOR: [0.9, 0.5, 0.8, 0.1, 0.0],
    },
    index=list("abcde"),
)
EQUAL = weights(1, 1, 1)


shares = st.sampled_from([0.0, 0.25, 0.3, 0.5, 1.0]) | st.floats(0, 1)
ids = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True)


@st.composite
def results(draw, methods=("weighted_sum",)):
    keys = [LIBRARY, *draw(st.sets(st.sampled_from([SHOP, DOCTOR])))]
    index = ["a", *(i for i in draw(ids) if i != "a")]
    some = st.lists(st.sampled_from(index), max_size=3)
    values = pd.DataFrame({k: [draw(shares) for _ in index] for k in keys}, index=index)
    weight = normalise(pd.Series({k: draw(st.floats(0.1, 1)) for k in keys}))
    told = {name: draw(some) for name in ("flood", "deducted", "missing")}
    return result(values, weight, method=draw(st.sampled_from(methods)), alpha=2.0, **told), weight


def model_of(weights, critical=(), **options):
    weight = normalise(pd.Series(weights, dtype=float))
    table = pd.DataFrame({"label": weight.index.str.title(), "group": "daily", "weight": weight})
    table["critical"] = table.index.isin(list(critical))
    return ScoreModel(table.rename_axis("key"), **options)


def judged(values, model, *, excluded=(), deduction=None, reasons=None):
    """Judge parcels as a run does; `deduction` is points by parcel."""
    values = pd.DataFrame(values, dtype=float)
    index = values.index = values.index.astype("str").rename("parcel_id")
    counted, lacks = complete(values, model.weight, model.missing)
    table = judge(
        aggregate(counted, model.weight, model.method, model.alpha, model.floor),
        reasons=pd.Series(reasons or {}, dtype="str").reindex(index).fillna(""),
        excluded=pd.Series(index.isin(list(excluded)), index),
        missing=lacks,
        deduction=pd.Series(deduction or {}, dtype=float).reindex(index).fillna(0.0),
    )
    table = table.assign(label="Gate " + index, area_m2=100.0, municipal="yes")
    return table.join(values.add_suffix("_value"))


@contextmanager
def only(*names):
    """Let results write these of their files alone: a report takes longer than a small run."""

    def chosen(folder, outputs):
        return write_all(folder, {name: outputs[name] for name in outputs if name in names})

    with patch("arealstrategi.result.write_all", chosen):
        yield


def write_tables(result, folder):
    """Write only what a result is read back from: the GeoPackage and run.json."""
    with only(*TABLES):
        return result.write(folder)


def write_lauf(shared_data, folder, count=300):
    """Write the parcels nearest to the middle of Lauf; return the sections of a strategy."""
    plots = gpd.read_file(shared_data / "lauf/parcels.gpkg")
    middle = plots.geometry.iloc[3000].centroid
    near = plots.distance(middle).argsort(kind="stable")[:count]
    plots.iloc[near].to_file(folder / "lauf.gpkg")
    return {
        "parcels": {"source": str(folder / "lauf.gpkg")},
        "osm": {"source": str(shared_data / "lauf/lauf-200115.osm.pbf")},
    }
