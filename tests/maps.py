"""Small tables for the page of the map, scored as a run does: all can be counted by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from arealstrategi.export.map import suitability_map, write_map
from arealstrategi.export.packing import MapTables

CRS = "EPSG:25832"
WEST, SOUTH = 569_000.0, 6_555_000.0  # Sandefjord
WEIGHTS = {"grocery": 0.4, "cafe": 0.3, "worship": 0.2, "noise": 0.1}
CLASS_FROM = {"very_suitable": 75, "suitable": 50, "less_suitable": 25, "unsuitable": 0}
HOSTILE = [
    "<script>window.__pwned = 1</script>",
    "</script><script>window.__pwned = 1</script>",
    "<img src=x onerror='window.__pwned = 1'>",
    '"><svg onload="window.__pwned = 1">',
    "`+(window.__pwned = 1)+`",
    "${window.__pwned = 1}",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:window.__pwned=1",
    "]]>--><!--",
    "half a pair \ud800",
    "x" * 10_000,
]


def make_criteria():
    rows = {
        "grocery": ("Dagligvare", "Grocery", "daily", "walk", 400, 1000, True, "central"),
        "cafe": ("Kafé", "Café", "social", "walk", 400, 1000, True, "social"),
        "worship": ("Tro og livssyn", "Worship", "social", "walk", 800, 1500, False, "social"),
        "noise": ("Støy", "Noise", "other", "column", 45, 65, True, None),
    }
    columns = ["label_nb", "label_en", "group", "kind", "full", "zero", "found", "headline"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("key")
    return table.assign(weight=pd.Series(WEIGHTS))


def scores_of(parcels, weights=WEIGHTS):
    """Return the weighted sum of the values, 0-100, by hand."""
    total = sum(weights.values())
    return sum(100 * w / total * parcels[f"{key}_value"] for key, w in weights.items())


def judge(parcels, weights=WEIGHTS):
    """Put score, class and rank on parcels that have values and a status."""
    assessed = parcels["status"] == "assessed"
    total = scores_of(parcels, weights)
    classes = np.select([total >= least for least in CLASS_FROM.values()], list(CLASS_FROM), "")
    parcels["score_if_allowed"] = total.where(parcels["status"] != "missing_data")
    parcels["score"] = total.where(assessed)
    parcels["class"] = pd.Series(classes, parcels.index).where(assessed, None)
    parcels["rank"] = total.where(assessed).rank(method="min", ascending=False)
    return parcels


def make_parcels(count=231, seed=0):
    rng = np.random.default_rng(seed)
    column, row = np.divmod(np.arange(count), 21)
    x, y = WEST + 60 * column, SOUTH + 45 * row
    table = gpd.GeoDataFrame(
        {"label": [f"Storgata {place}" for place in range(count)]},
        index=pd.Index([f"3907-1/{place}" for place in range(count)], name="parcel_id"),
        geometry=shapely.box(x, y, x + 55, y + 40),
        crs=CRS,
    )
    table["area_m2"] = rng.integers(200, 5000, count).astype(float)
    table["municipal"] = rng.choice(["yes", "partly", "no", "unknown"], count)
    table["plan_readiness"] = rng.choice(["zoned_for_housing", "future_housing", None], count)
    for key in ("grocery", "cafe"):
        metres = rng.uniform(20, 1400, count)
        metres[rng.random(count) < 0.05] = np.nan
        table[f"{key}_walk_m"], table[f"{key}_walk_min"] = metres, metres / 58
        table[f"{key}_value"] = np.nan_to_num(np.clip((1000 - metres) / 600, 0, 1))
    table["worship_walk_m"] = table["worship_walk_min"] = np.nan
    table["worship_value"] = 0.0
    table["noise_raw"], table["noise_value"] = rng.uniform(40, 70, count), rng.random(count)
    status = np.array(["assessed"] * count, dtype=object)
    status[5:15], status[30:37] = "excluded", "missing_data"
    table["status"], table["reasons"] = status, ""
    table.loc[status == "excluded", "reasons"] = "area_below_minimum;Flomsone 200 år"
    table.loc[status == "missing_data", "reasons"] = "outside_extract"
    low, high = rng.integers(1, 50, count), rng.integers(50, 200, count)
    table["rank_p05"], table["rank_p95"] = low, high
    return judge(table)


def make_services():
    rng = np.random.default_rng(1)
    xy = np.column_stack([WEST + rng.uniform(0, 700, 12), SOUTH + rng.uniform(0, 900, 12)])
    return gpd.GeoDataFrame(
        {
            "service_id": [f"n{place}" for place in range(12)],
            "category": ["grocery", "cafe", "kiosk"] * 4,
            "name": ["Kiwi", "", "Narvesen"] * 4,
            "kind": "shop=supermarket",
            "reason": ["", "", "not_connected"] * 4,
        },
        geometry=shapely.points(xy),
        crs=CRS,
    )


def make_backdrop():
    parts = {
        "water": shapely.box(WEST, SOUTH - 200, WEST + 800, SOUTH - 20),
        "green": shapely.box(WEST + 750, SOUTH, WEST + 900, SOUTH + 300),
        "building": shapely.box(WEST + 5, SOUTH + 5, WEST + 20, SOUTH + 20),
        "main_street": shapely.LineString([(WEST, SOUTH - 3), (WEST + 800, SOUTH - 3)]),
        "street": shapely.LineString([(WEST + 57, SOUTH), (WEST + 57, SOUTH + 900)]),
        "path": shapely.LineString([(WEST + 750, SOUTH), (WEST + 900, SOUTH + 300)]),
    }
    return gpd.GeoDataFrame(
        {"kind": list(parts), "name": ["", "", "", "Storgata", "Sidegata", ""]},
        geometry=list(parts.values()),
        crs=CRS,
    )


def make_areas(parcels):
    """Return two areas of three neighbours each."""
    members = [parcels.index[at : at + 3] for at in (40, 60)]
    rows = [
        {
            "rank": at + 1,
            "score": 80.0 - 10 * at,
            "class": "very_suitable" if at == 0 else "suitable",
            "area_m2": 6600.0,
            "n_parcels": 3,
            "municipal_share": [0.25, np.nan][at],
            "dwellings": 26,
            "shared_space": [True, False][at],
            "plan_readiness": ["future_housing", "unknown"][at],
            "instrument": ["joint_development", "clarify_plan"][at],
            "best_parcel": ids[0],
            "parcels": ";".join(ids),
            "geometry": parcels.loc[ids].union_all(),
        }
        for at, ids in enumerate(members)
    ]
    return gpd.GeoDataFrame(rows, index=["A1", "A2"], crs=parcels.crs)


def make_tables(parcels=None, **other):
    """Return tables of a page with all there can be on it, but routes; `other` goes before."""
    parcels = make_parcels() if parcels is None else parcels
    count, ids = len(parcels), parcels.index
    nearest = {key: np.arange(count) % 4 * 3 + at for at, key in enumerate(["grocery", "cafe"])}
    for key, rows in nearest.items():
        nearest[key] = np.where(parcels[f"{key}_walk_m"].notna(), rows, -1)
    nearest["worship"] = np.full(count, -1)
    answers = np.array(["hit", "not_mapped", "below_share", "no_hit", "no_hit"], dtype=object)
    flood = pd.Series(answers[np.arange(count) % 5], ids)
    change = pd.Series(np.linspace(-9, 5, count), ids).where(parcels["status"] == "assessed")
    given = {
        "services": make_services(),
        "backdrop": make_backdrop(),
        "criteria": make_criteria(),
        "nearest": pd.DataFrame(nearest, ids),
        "constraints": pd.DataFrame({"effect": ["condition"]}, index=["Flomsone 200 år"]),
        "answers": pd.DataFrame({"Flomsone 200 år": flood}),
        "shares": pd.DataFrame({"Flomsone 200 år": (flood == "hit") * 0.4}),
        "areas": make_areas(parcels) if count > 100 else None,
        "scenarios": {"Biblioteket legges ned": change},
        "presets": pd.DataFrame({"strategy": WEIGHTS, "equal": 0.25}),
        "notes": {"nb": ["Alt er flatt."], "en": ["All is flat."]},
    }
    return MapTables(parcels=parcels, **(given | other))


def make_map(parcels=None, title="Seniorboliger", language="nb", **other):
    return suitability_map(make_tables(parcels, **other), title=title, language=language)


def hostile_map():
    """Return a map whose every text from data is hostile."""
    parcels = make_parcels(60)
    parcels["label"] = [HOSTILE[place % len(HOSTILE)] for place in range(60)]
    parcels["reasons"] = parcels["label"].str.replace(";", ",")
    parcels.index = pd.Index([f"{place} {HOSTILE[place % 11]}" for place in range(60)])
    parcels.index.name = "parcel_id"
    services = make_services()
    services["name"] = (HOSTILE * 2)[: len(services)]
    services.loc[3, "category"] = HOSTILE[1]
    criteria = make_criteria()
    criteria["label_nb"], criteria["why_nb"] = HOSTILE[:4], HOSTILE[4:8]
    criteria.loc["cafe", "group"] = HOSTILE[2]
    given = {
        "services": services,
        "criteria": criteria,
        "backdrop": make_backdrop().assign(name=HOSTILE[:6]),
        "constraints": pd.DataFrame({"effect": ["exclude"]}, index=[HOSTILE[0]]),
        "answers": pd.DataFrame({HOSTILE[0]: ["hit"] * 60}, parcels.index),
        "shares": pd.DataFrame({HOSTILE[0]: [0.4] * 60}, parcels.index),
        "scenarios": {HOSTILE[3]: pd.Series(1.0, parcels.index)},
        "notes": {"nb": HOSTILE, "en": HOSTILE},
        "credits": {"nb": HOSTILE, "en": HOSTILE},
    }
    return make_map(parcels, title=" ".join(HOSTILE[:7]), **given)


def written(folder, suitability, name="map.html"):
    path = folder / name
    write_map(suitability, path)
    return path
