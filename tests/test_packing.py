"""What the page of the map holds, opened by the description of its format and by its script."""

import gzip
import json
from importlib.resources import files

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.export.packing import Varints, pack_block
from arealstrategi.export.packing.columns import hundredths
from arealstrategi.export.packing.naming import addresses_of
from arealstrategi.export.packing.page import map_page
from arealstrategi.export.packing.shapes import Grid, along_curve, pack_shapes
from arealstrategi.export.packing.tables import in_page_order
from arealstrategi.export.packing.walks import Differences, straight_line
from blocks import lines_of, opened, outlines_of
from maps import CRS, SOUTH, WEIGHTS, WEST, make_backdrop, make_parcels, make_tables

NONE = 65_535
whole = st.integers(-(2**31), 2**31 - 1)


def page_of(tables, title="Seniorboliger"):
    """Return the tables in the order of the page, and the page as it is read again."""
    ordered = in_page_order(tables)
    return ordered, opened(pack_block(map_page(ordered, title, "nb")))


@pytest.fixture(scope="module")
def read_by_script(browser):
    """Return a function that opens a block in the browser with the page's own script."""
    page = browser.new_context(offline=True).new_page()
    script = files("arealstrategi.export") / "templates" / "data.js"
    page.evaluate(script.read_text(encoding="utf-8"))
    told = """bytes => {
        const plain = value => ArrayBuffer.isView(value) ? [...value]
            : Array.isArray(value) ? value.map(plain)
            : value && typeof value === "object" ? Object.fromEntries(
                Object.entries(value).map(([key, inner]) => [key, plain(inner)])) : value;
        return plain(window.arsData.open(Uint8Array.from(bytes).buffer));
    }"""
    yield lambda block: page.evaluate(told, list(block))
    page.context.close()


# ---- the block


@given(st.lists(whole), st.lists(st.integers(0, 65_535)), st.lists(st.text(), max_size=3))
def test_numbers_and_texts_come_back_as_they_were(numbers, small, texts):
    page = {
        "a": Varints(np.array(numbers, dtype=np.int64)),
        "b": [{"c": np.array(small, dtype=np.uint16)}, None],
        "texts": [text.encode("utf-8", "replace").decode() for text in texts],
    }
    held = opened(pack_block(page))
    assert held["a"].tolist() == numbers
    assert held["b"][0]["c"].tolist() == small
    assert held["b"][1] is None
    assert held["texts"] == page["texts"]


def test_an_array_of_a_type_that_the_page_does_not_know_is_a_mistake():
    with pytest.raises(ValueError, match="int64"):
        pack_block({"a": np.arange(3)})


@pytest.mark.browser
def test_the_script_reads_the_largest_and_the_smallest_numbers(read_by_script):
    _, page = page_of(make_tables(make_parcels(3)))
    numbers = [0, -1, 1, 63, 64, -65, 2**31 - 1, -(2**31), 12345678]
    ordered = in_page_order(make_tables(make_parcels(3)))
    block = pack_block(map_page(ordered, "T", "nb") | {"more": Varints(np.array(numbers))})
    assert read_by_script(block)["more"] == numbers
    assert page["title"] == "Seniorboliger"


# ---- shapes


def test_shapes_are_within_five_centimetres_and_neighbours_share_their_corners():
    shapes = np.array([
        shapely.box(0, 0, 40, 30),
        shapely.box(40, 0, 80, 30),
        shapely.box(0, 30, 40, 60).difference(shapely.box(10, 40, 20, 50)),
        shapely.MultiPolygon([shapely.box(90, 0, 99, 9), shapely.box(90, 20, 99, 29)]),
        shapely.LineString([(0, 0), (50, 70), (100, 0)]),
        shapely.Point(5, 5),
        shapely.Polygon(),
    ])  # fmt: skip
    shapes = shapely.transform(shapes, lambda xy: np.add(xy, (WEST, SOUTH)))
    grid = Grid.around(CRS, 10.0, 59.0)
    packed = opened(pack_block({"shape": pack_shapes(shapes, grid)}))["shape"]
    data = {"origin": grid.origin, "unit": 0.1}
    found = lines_of(packed, data, CRS)
    assert [len(lines) for lines in found] == [1, 1, 2, 2, 1, 1, 0]
    drawn = [*outlines_of({**packed, "lines": packed["lines"][:4]}, data, CRS)]
    assert shapely.hausdorff_distance(shapely.boundary(shapes[:4]), drawn).max() < 0.05
    np.testing.assert_allclose(found[4][0], shapely.get_coordinates(shapes[4]), atol=0.05)
    np.testing.assert_allclose(found[5][0], [[WEST + 5, SOUTH + 5]], atol=0.05)
    # of 26 vertices four are corners of a neighbour: (40, 0), (40, 30) and twice the upper edge
    assert (packed["seen"] != 0).sum() == 5
    assert len(packed["x"]) == len(packed["seen"]) - 5


@pytest.mark.browser
def test_the_script_unpacks_the_same_shapes(read_by_script):
    ordered = in_page_order(make_tables())
    block = pack_block(map_page(ordered, "T", "nb"))
    shape = read_by_script(block)["parcels"]["shape"]
    packed = opened(block)
    lines = [
        line for feature in lines_of(packed["parcels"]["shape"], packed, 3857) for line in feature
    ]
    expected = np.vstack(lines) - np.array(packed["origin"]) * packed["unit"]
    np.testing.assert_allclose(np.column_stack([shape["X"], shape["Y"]]), expected, atol=0.01)
    boxes = np.array(shape["box"]).reshape(-1, 4)
    grown = ordered.parcels.to_crs(3857).bounds - np.tile(packed["origin"], 2) * packed["unit"]
    np.testing.assert_allclose(boxes, grown, atol=0.1)


def test_neighbours_stand_together_and_empty_shapes_last():
    rng = np.random.default_rng(2)
    points = shapely.points(rng.uniform(0, 1000, (400, 2)))
    points[7] = shapely.Point()
    order = along_curve(gpd.GeoSeries(points, crs=CRS))
    assert sorted(order) == list(range(400))
    assert order[-1] == 7
    walked = shapely.distance(points[order[:-2]], points[order[1:-1]]).mean()
    assert walked < 0.15 * np.nanmean(shapely.distance(points[:-1], points[1:]))


# ---- the parcels


@pytest.fixture(scope="module")
def both(read_by_script):
    """Return the tables in the page's order, and what the script makes of the page."""
    ordered = in_page_order(make_tables())
    return ordered, read_by_script(pack_block(map_page(ordered, "T", "nb")))


@pytest.mark.browser
def test_the_script_gives_every_number_of_the_table(both):
    tables, data = both
    parcels, held = tables.parcels, data["parcels"]
    assert held["id"] == list(parcels.index)
    assert held["label"] == list(parcels["label"])
    assert held["rank"] == parcels["rank"].fillna(0).tolist()
    assert held["rankLow"] == parcels["rank_p05"].tolist()
    assert held["rankHigh"] == parcels["rank_p95"].tolist()
    for name, column in (("score", "score"), ("allowed", "score_if_allowed")):
        points = np.array(held[name], dtype=float)
        points[points == NONE] = np.nan
        np.testing.assert_allclose(points / 100, parcels[column], atol=0.0151)
    for at, key in enumerate(WEIGHTS):
        value = np.array(held["value"][at]) / 60_000
        np.testing.assert_allclose(value, parcels[f"{key}_value"], atol=1.2e-4)
    for at, key in enumerate(["grocery", "cafe", "worship"]):
        for name, column, per in (("metres", "walk_m", 1), ("minutes", "walk_min", 10)):
            expected = parcels[f"{key}_{column}"] * per
            told = np.array(held[name][at], dtype=float)
            assert (told[expected.isna()] == NONE).all()
            np.testing.assert_allclose(told[expected.notna()], expected.dropna(), atol=1.51)
        assert held["service"][at] == (tables.nearest[key] + 1).tolist()
    assert held["metres"][3] is None
    np.testing.assert_allclose(held["raw"][3], parcels["noise_raw"], rtol=1e-6)


@pytest.mark.browser
def test_tenths_of_minutes_round_to_the_same_whole_minute_as_the_table(both):
    tables, data = both
    minutes = tables.parcels["grocery_walk_min"]
    told = np.array(data["parcels"]["minutes"][0])
    there = minutes.notna().to_numpy()
    near = np.abs(minutes[there] % 1 - 0.5) < 1e-3
    shown = np.floor(told[there] / 10 + 0.5)
    assert (shown[~near] == np.floor(minutes[there][~near] + 0.5)).all()


def test_the_codes_in_the_page_are_those_of_the_table():
    tables, page = page_of(make_tables())
    parcels, held = tables.parcels, page["parcels"]
    for name, column in (("status", "statuses"), ("municipal", "municipal")):
        assert [page[column][code] for code in held[name]] == parcels[name].tolist()
    readiness = ["" if code == 255 else page["readiness"][code] for code in held["readiness"]]
    assert readiness == parcels["plan_readiness"].fillna("").tolist()
    told = [held["reasons"]["texts"][code] for code in held["reasons"]["codes"]]
    assert told == parcels["reasons"].tolist()
    answers = [page["answers"][code] for code in held["answer"][0]]
    assert answers == tables.answers["Flomsone 200 år"].tolist()
    assert held["share"][0].tolist() == [40 if one == "hit" else 0 for one in answers]
    assert held["area"].tolist() == parcels["area_m2"].tolist()
    outside = parcels["reasons"] == "outside_extract"
    assert held["unassessable"].tolist() == outside.astype(int).tolist()
    members = {
        name: row + 1 for row, ids in enumerate(tables.areas["parcels"]) for name in ids.split(";")
    }
    assert held["areaOf"].tolist() == [members.get(name, 0) for name in parcels.index]
    assert [page["parcels"]["id"][row] for row in page["top"]] == list(
        parcels.sort_values("rank", kind="stable").head(20).index
    )


def test_a_reason_that_only_holds_the_word_is_not_outside_the_extract():
    parcels = make_parcels(40).assign(reasons="")
    parcels.loc["3907-1/3", "reasons"] = "not outside_extract;noise"
    parcels.loc["3907-1/4", "reasons"] = "noise;outside_extract"
    tables, page = page_of(make_tables(parcels))
    told = dict(zip(tables.parcels.index, page["parcels"]["unassessable"], strict=True))
    assert [name for name, never in told.items() if never] == ["3907-1/4"]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_packed_points_become_the_tenth_that_the_points_themselves_do(points):
    told = hundredths(pd.Series(points))
    assert [f"{number / 100:.1f}" for number in told] == [f"{number:.1f}" for number in points]
    np.testing.assert_allclose(told / 100, points, atol=0.0151)


def test_a_parcel_without_points_has_none_in_the_page():
    assert hundredths(pd.Series([np.nan, 0.0, 100.0])).tolist() == [NONE, 0, 10_000]


def test_a_gain_that_cannot_be_compared_is_not_zero():
    tables, page = page_of(make_tables())
    change = page["scenarios"][0]["change"]
    gained = tables.scenarios["Biblioteket legges ned"]
    assert (change[gained.isna()] == -32768).all()
    np.testing.assert_allclose(change[gained.notna()] / 100, gained.dropna(), atol=0.0051)


@given(st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 5000)), min_size=1, max_size=40))
def test_differences_without_routes_add_up_to_the_column(rows):
    column = np.array([number for _, number in rows], dtype=np.int64)
    told = Differences(None).of(column, "cafe").numbers
    np.testing.assert_array_equal(np.cumsum(told), column)


def test_values_on_a_straight_line_of_the_time_are_told_by_its_two_ends():
    time = np.arange(-1, 4000, 7)
    value = np.where(time < 0, 0.0, np.clip((3000 - time) / 2000, 0, 1))
    assert straight_line(time, value) == pytest.approx([1000, 3000])
    assert straight_line(time, np.where(time == 1000, 0.9, value)) is None
    assert straight_line(time, value**2) is None
    assert straight_line(time, 1 - value) is None
    assert straight_line(time, np.zeros(len(time))) is None


# ---- names


def test_a_parcel_has_its_own_address_or_one_in_the_street_but_never_that_of_a_neighbour():
    plots = shapely.box([0, 50, 100, 300], 0, [50, 100, 150, 350], 40)
    points = shapely.points([(48, 20), (24, 20), (60, 20), (310, 60), (360, 75), (900, 900)])
    own, kept = addresses_of(plots, points)
    assert own.tolist() == [1, 2, -1, 3]  # the third has neighbours with addresses, none itself
    assert kept.tolist() == [True, True, True, True, False, False]


@pytest.mark.browser
def test_addresses_and_places_stand_in_the_page(read_by_script):
    parcels = make_parcels(42)
    names = {"address": "Storgata 5", "town": "Byen", "locality": "Jordet", "suburb": "Sør"}
    spots = shapely.points(
        [[WEST + 20, SOUTH + 20], [WEST + 2000, SOUTH], [WEST, SOUTH], [WEST, SOUTH + 900]]
    )
    named = gpd.GeoDataFrame(
        {"kind": list(names), "name": list(names.values())}, geometry=spots, crs=CRS
    )
    backdrop = pd.concat([make_backdrop(), named], ignore_index=True)
    tables = in_page_order(make_tables(parcels, backdrop=backdrop))
    data = read_by_script(pack_block(map_page(tables, "T", "nb")))
    held = data["parcels"]
    address = [held["address"]["texts"][code] for code in held["address"]["codes"]]
    assert dict(zip(held["id"], address, strict=True)) == {
        name: "Storgata 5" if name == "3907-1/0" else "" for name in parcels.index
    }
    assert set(held["place"]["texts"]) == {"Sør"}  # nearer than the town; a field's name is none
    assert data["backdrop"]["places"]["name"] == ["Byen", "Sør", "Jordet"]
    assert data["backdrop"]["places"]["kind"] == [1, 3, 5]
    assert data["backdrop"]["addresses"]["text"] == ["Storgata 5"]


def test_without_names_nothing_is_made_up():
    _, page = page_of(make_tables(make_parcels(20)))
    assert page["parcels"]["address"] is None
    assert page["parcels"]["place"] is None
    assert page["backdrop"]["places"] is page["backdrop"]["addresses"] is None


# ---- the rest


def test_presets_begin_with_the_own_weights_and_groups_add_up():
    _, page = page_of(make_tables())
    assert [one["key"] for one in page["presets"]] == ["strategy", "equal"]
    assert page["presets"][0]["weights"] == list(WEIGHTS.values())
    assert page["presets"][1]["label"]["en"] == "All groups alike"
    assert {one["key"]: one["weight"] for one in page["groups"]} == pytest.approx(
        {"daily": 0.4, "social": 0.5, "other": 0.1}
    )
    assert [one["inGroup"] for one in page["criteria"]] == pytest.approx([1, 0.6, 0.4, 1])


def test_no_column_of_the_user_reaches_the_page():
    parcels = make_parcels(30).assign(owner="Kari Nordmann", fnr="01017012345", note="intern")
    ordered = in_page_order(make_tables(parcels, audience="public"))
    block = pack_block(map_page(ordered, "T", "nb"))
    for secret in ("Kari", "Nordmann", "01017012345", "intern"):
        assert secret.encode() not in block.replace(b"internal", b"")
    assert json.loads(block[4 : 4 + int.from_bytes(block[:4], "little")])["audience"] == "public"


def test_thirty_thousand_parcels_take_less_than_a_hundred_bytes_each():
    count = 30_000
    few = make_parcels(200)
    many = few.iloc[np.arange(count) % 200].set_axis([f"p{place}" for place in range(count)])
    xy = [WEST, SOUTH] + np.column_stack(np.divmod(np.arange(count), 200)) * 60
    many = many.set_geometry(shapely.box(xy[:, 0], xy[:, 1], xy[:, 0] + 60, xy[:, 1] + 60), crs=CRS)
    ordered = in_page_order(make_tables(many, areas=None))
    size = len(gzip.compress(pack_block(map_page(ordered, "T", "nb")), 6))
    assert size < 100 * count
