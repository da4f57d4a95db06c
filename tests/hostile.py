"""A town beside a street, with a bit of everything, and texts that would run or break out of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

import arealstrategi as ars
from street import CRS, box, write_plots, write_points, write_street, write_zones

# what runs sets window.bad, wherever it runs
TEXTS = (
    "<script>window.bad=1</script>",
    "</script><script>window.bad=1</script>",
    "</title></style><script>window.bad=1</script>",
    "\"><img src=x onerror='window.bad=1'>",
    "'><svg/onload=window.bad=1>",
    "' onmouseover='window.bad=1' onfocus='window.bad=1' autofocus x='",
    "javascript:window.bad=1",
    "`+(window.bad=1)+`",
    "${window.bad=1}",
    "{{window.bad=1}}{% raw %}{{ 7 * 7 }}",
    "]]>--><!-- &lt;script&gt;&#60;img src=x onerror=window.bad=1&#62;",
    "' || (select 1) || ' \"; drop table parcels; --",
    '=HYPERLINK("http://127.0.0.1:9/", "x")',
    '#let x = read("/etc/passwd"); $ _a_ *b* [c]({d}) \\ %',
    "x" * 10_000,
)  # fmt: skip
PLAIN = "Fjellgata", "Sundet", "Åsen", "Ørneredet", "Lia og Bakken"
SURROGATE = "half a pair \ud800 <b>"
SERVICES = (
    {"shop": "supermarket"},
    {"amenity": "library"},
    {"amenity": "doctors"},
    {"leisure": "park"},
)


def in_turn(texts: Sequence[str], mark: str) -> Callable[[], str]:
    """Return what gives the texts in turn, each told apart by a mark and a number."""
    numbered = enumerate(cycle(texts))

    def one() -> str:
        number, text = next(numbered)
        return f"{text} {mark}{number}"

    return one


def beginning(text: str) -> str:
    """Return what must be seen of a text, however it is cut; browsers fold what is white."""
    return " ".join(text[:24].split())


def write_town(
    folder: Path, write_osm: Callable[..., Path], texts: Sequence[str] = TEXTS, **changes: Any
) -> ars.Strategy:
    """Write all inputs of a town beside a street; return its strategy, with sections changed."""
    row, scenario = in_turn(texts, "gnr"), in_turn(texts, "scenario")
    names = [row()[-200:] for _ in range(40)]
    plots = write_plots(
        folder / "teig.gpkg", {name: 35 * at for at, name in enumerate(names)},
        kategori=["<i>a</i>", "'b'"] * 20, stoy=np.linspace(40.0, 70.0, 40),
    )  # fmt: skip
    sites = write_points(
        folder / "tomter.csv",
        [(_cell(f"{text[:150]} tomt"), "", 40 * at, 140) for at, text in enumerate(texts)],
    )
    rules = _rules(folder, texts)
    sections = {
        "title": " | ".join(text[:200] for text in texts),
        "area": {"crs": f"EPSG:{CRS}"},
        "parcels": {"source": str(plots), "id": "parcel_id"},
        "osm": {"source": str(write_street(write_osm, _places(texts)))},
        "sites": {"source": str(sites)},
        "constraint": rules,
        "robustness": {"draws": 100, "distance_draws": 10},
        "criterion": _criteria(texts),
        "weighting": [_weighting(texts)],
        "scenario": [
            {"name": scenario(), "close": ["library"]},
            {"name": scenario(), "lift": [rules[0]["name"]]},
        ],
    }
    return ars.Strategy.build(sections | changes)


def _places(texts: Sequence[str]) -> list[tuple[int, int, dict[str, str]]]:
    """Return services, neighbourhoods and addresses along the street; tags hold 255 characters."""
    name = in_turn(texts, "navn")
    services = [
        (60 * at + 20, 150, tags | {"name": name()[-255:]})
        for at, tags in zip(range(24), cycle(SERVICES), strict=False)
    ]
    near = [
        (90 * at + 5, 142, tags)
        for at in range(len(texts))
        for tags in (
            {"place": "neighbourhood", "name": name()[-255:]},
            {"addr:street": name()[-255:], "addr:housenumber": "7"},
        )
    ]
    return services + near


def _criteria(texts: Sequence[str]) -> list[dict[str, Any]]:
    text = in_turn(texts, "kriterium")
    return [
        {"key": "noise", "kind": "column", "column": "stoy", "full": 40, "zero": 70,
         "weight": 0.1, "label": text(), "reason": text(), "group": text()[:60]},
        {"key": "sort", "kind": "column", "column": "kategori", "weight": 0.1,
         "function": "category", "categories": {"<i>a</i>": 1.0, "'b'": 0.4},
         "label": {"nb": text(), "en": text()}, "group": "social", "reason": text()},
    ]  # fmt: skip


def _weighting(texts: Sequence[str]) -> dict[str, Any]:
    name = in_turn(texts, "person")
    people = [{"name": name(), "upper": [[2, 3], [2]]} for _ in texts]
    items = ["health", "daily", "social"]
    return {"method": "ahp", "source": name(), "of": "groups", "items": items, "person": people}


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _rules(folder: Path, texts: Sequence[str]) -> list[dict[str, Any]]:
    name = in_turn(texts, "regel")
    rules = []
    for at, effect in zip(
        range(len(texts)), cycle(("exclude", "condition", "deduct")), strict=False
    ):
        plain = write_zones(folder / "zone.gpkg", a=box(70 * at, 100, 70 * at + 30, 200))
        zone = plain.rename(folder / f"<img src=x onerror=window.bad=1> '{at}.gpkg")
        rules.append({"name": name(), "source": str(zone), "effect": effect, "points": 1})
    return rules


def with_half_pairs(result: ars.Result) -> ars.Result:
    """Return a result in which labels and names hold what no file can hold: half a pair."""

    def spoilt(texts: pd.Series) -> pd.Series:
        odd = np.arange(len(texts)) % 2 == 1
        return texts.astype(object).mask(odd & texts.notna().to_numpy(), texts + SURROGATE * 700)

    parcels, services = result.parcels.copy(), result.services.copy()
    for name in ["label", *parcels.columns[parcels.columns.str.endswith("_service")]]:
        parcels[name] = spoilt(parcels[name])
    services["name"] = spoilt(services["name"])
    return replace(result, parcels=gpd.GeoDataFrame(parcels), services=gpd.GeoDataFrame(services))
