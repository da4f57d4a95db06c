"""Routes told as trees: drawn from them, every walk is the one that `route` draws."""

from importlib.resources import files

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings

from arealstrategi.export.packing import MapTables, pack_block
from arealstrategi.export.packing.page import map_page
from arealstrategi.export.packing.tables import in_page_order
from arealstrategi.reach import measure_reach, route, route_tables
from arealstrategi.reach.trees import ALONG, NO_WAY
from blocks import lines_of, opened
from towns import CRS, make_network, place, towns
from walks import assert_same, drawn

CATEGORIES = ("cafe", "library")


def reach_of(nodes, edges, parcels, services):
    """Measure a small town; services take turns as café and library."""
    network = make_network(nodes, edges)
    category = pd.Series([CATEGORIES[row % 2] for row in range(len(services))], dtype="str")
    names = pd.Index([f"p{row}" for row in range(len(parcels))])
    return measure_reach(
        network, place(network, parcels), place(network, services), category, names
    )


@settings(max_examples=150)
@given(towns())
def test_every_walk_drawn_from_the_trees_is_the_route(town):
    reach = reach_of(*town)
    tables = route_tables(reach, CATEGORIES)
    assert (np.diff(tables.edge_nodes[:, 0]) >= 0).all()
    for key in reach.nearest:
        for row, name in enumerate(reach.parcel_id):
            assert_same(drawn(tables, key, row), route(reach, key, name), 1e-6)


def test_only_streets_that_a_walk_uses_are_told():
    nodes = [(0, 0), (100, 0), (200, 0), (300, 0), (100, 100)]
    edges = [(0, 1, 1.0), (1, 2, 1.0), (2, 3, 1.0), (1, 4, 1.0)]
    reach = reach_of(nodes, edges, [(0, 0.5, 5.0)], [(1, 0.5, 5.0)])
    tables = route_tables(reach, ["cafe"])
    assert len(tables.edge_nodes) == 2
    assert sorted(tables.node_xy[:, 0]) == [0, 100, 200]
    assert tables.trees["cafe"].leaves.tolist() == [2]  # by its second end


def test_a_parcel_without_way_and_a_category_without_service_have_no_walk():
    nodes, edges = [(0, 0), (100, 0), (0, 500), (100, 500)], [(0, 1, 1.0), (2, 3, 1.0)]
    reach = reach_of(nodes, edges, [(0, 0.5, 5.0), (1, 0.5, 5.0)], [(0, 0.9, 5.0)])
    tables = route_tables(reach, CATEGORIES)
    assert list(tables.trees) == ["cafe"]
    assert tables.trees["cafe"].leaves.tolist() == [ALONG, NO_WAY]
    assert tables.parcels.edge[1] == -1
    assert np.isnan(tables.parcels.touch_xy[1]).all()


# ---- as the page holds and draws them


TOWN = {
    # parallel edges (twice), streets open one way only, a part of its own
    "nodes": [
        (0, 0), (200, 0), (400, 10), (200, 200), (400, 200), (500, 300), (900, 900), (950, 900),
    ],
    "edges": [
        (0, 1, 1.0), (1, 2, 1.0), (1, 2, 0.5), (1, 3, 1.0, np.inf), (3, 4, 1.0), (4, 2, 2.0, 1.0),
        (4, 5, 1.0), (5, 4, 1.5), (0, 3, np.inf, 1.0), (6, 7, 1.0),
    ],
    "parcels": [
        (0, 0.25, 8.0), (0, 0.75, 0.0), (1, 0.5, 8.0), (2, 0.2, 8.0), (3, 0.5, 8.0), (4, 0.4, 3.0),
        (5, 0.5, 8.0), (6, 0.5, 8.0), (7, 0.9, 8.0), (8, 0.1, 8.0), (9, 0.5, 8.0),
    ],
    "services": [(4, 0.6, 9.0), (0, 0.5, 4.0), (2, 0.9, 0.0), (6, 1.0, 9.0)],
}  # fmt: skip


def page_of(reach):
    """Return the block of a page about a town, and its parcels: squares at their connectors."""
    outer = shapely.points(reach.parcels.outer_xy)
    shapes = shapely.box(
        shapely.get_x(outer) - 9,
        shapely.get_y(outer),
        shapely.get_x(outer) + 9,
        shapely.get_y(outer) + 18,
    )
    count = len(shapes)
    columns = {
        f"{key}_{name}": np.nan for key in CATEGORIES for name in ("walk_m", "walk_min", "value")
    }
    parcels = gpd.GeoDataFrame(
        {"label": "", "area_m2": 324.0, "municipal": "no", "status": "assessed", "reasons": "",
         "score": 50.0, "class": "suitable", "rank": 1, **columns},
        index=reach.parcel_id, geometry=shapes, crs=CRS,
    )  # fmt: skip
    for key, found in reach.nearest.items():
        finite = np.isfinite(found.metres)
        parcels[f"{key}_walk_m"] = np.where(finite, found.metres, np.nan)
        parcels[f"{key}_walk_min"] = np.where(finite, found.seconds / 60, np.nan)
        parcels[f"{key}_value"] = np.clip((900 - found.seconds) / 800, 0, 1)
    services = gpd.GeoDataFrame(
        {"service_id": "n1", "category": [CATEGORIES[i % 2] for i in range(4)], "name": "",
         "kind": "", "reason": ""},
        geometry=shapely.points(reach.services.outer_xy), crs=CRS,
    )  # fmt: skip
    criteria = pd.DataFrame(
        {"label_nb": "", "label_en": "", "group": "social", "weight": 0.5, "kind": "walk",
         "full": 100.0, "zero": 900.0, "found": True},
        index=pd.Index(CATEGORIES, name="key"),
    )  # fmt: skip
    backdrop = gpd.GeoDataFrame({"kind": [], "name": []}, geometry=[], crs=CRS)
    tables = MapTables(
        parcels.sample(frac=1, random_state=3), services, backdrop, criteria,
        nearest=pd.DataFrame({k: n.service for k, n in reach.nearest.items()}, parcels.index),
        routes=route_tables(reach, CATEGORIES).with_parcels(
            parcels.index.get_indexer(parcels.sample(frac=1, random_state=3).index)
        ),
    )  # fmt: skip
    ordered = in_page_order(tables)
    assert count == len(ordered.parcels)
    return ordered.parcels, pack_block(map_page(ordered, "T", "nb"))


@pytest.mark.browser
def test_the_page_draws_every_walk_as_python_does_and_tells_its_length(browser_page):
    script = files("arealstrategi.export") / "templates" / "data.js"
    browser_page.evaluate(script.read_text(encoding="utf-8"))
    reach = reach_of(**TOWN)
    parcels, block = page_of(reach)
    told = browser_page.evaluate(
        """([bytes, count, criteria]) => {
            const data = window.arsData.open(Uint8Array.from(bytes).buffer);
            const { metres, minutes, value } = data.parcels, all = [];
            for (let row = 0; row < count; row++) for (let c = 0; c < criteria; c++) {
                const walk = window.arsData.route(data, row, c);
                all.push([walk && [...walk], metres[c][row], minutes[c][row], value[c][row]]);
            }
            return all;
        }""",
        [list(block), len(parcels), len(CATEGORIES)],
    )
    data, without = opened(block), 0
    for (name, key), (walk, metres, minutes, value) in zip(
        ((name, key) for name in parcels.index for key in CATEGORIES), told, strict=True
    ):
        row = parcels.loc[name]
        wanted = route(reach, key, name)
        found = (
            None if walk is None else shapely.LineString(in_crs(np.reshape(walk, (-1, 2)), data))
        )
        assert_same(found, wanted, 0.5)
        without += walk is None
        if walk is None:
            assert (metres, minutes) == (65_535, 65_535)
        else:
            assert metres == pytest.approx(row[f"{key}_walk_m"], abs=0.501)
            assert minutes == pytest.approx(10 * row[f"{key}_walk_min"], abs=1.01)
        assert value / 60_000 == pytest.approx(row[f"{key}_value"], abs=1.5e-4)
    assert 0 < without < len(told) / 2


def in_crs(metres, data):
    """Return coordinates that the page tells in metres from its origin, in the analysis CRS."""
    steps = metres / data["unit"]
    moves = np.diff(np.round(steps * 100), axis=0, prepend=0).astype(int)
    packed = {"x": moves[:, 0], "y": moves[:, 1], "seen": None, "step": 1}
    finer = {"unit": data["unit"] / 100, "origin": np.array(data["origin"]) * 100}
    return lines_of(packed | {"lines": [1], "vertices": [len(moves)]}, finer, CRS)[0][0]
