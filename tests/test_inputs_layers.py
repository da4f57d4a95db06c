"""Constraints, criteria, plans and residents as a strategy names them.

On the demo municipality, and on a street of 1,000 m of which everything can be counted by hand.
"""

import json

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from typer.testing import CliRunner

import arealstrategi as ars
from arealstrategi.cli import app
from arealstrategi.constraints import find_all
from arealstrategi.sources.statistics.cells import cell_id_of
from results import OUTPUTS

FLOOD = {"gjentaksintervall": [200, 2100]}


@pytest.fixture(scope="module")
def demo(demo_inputs):
    return demo_inputs


@pytest.fixture(scope="module")
def plots(demo):
    return gpd.read_file(demo / "teig.gpkg")


def read(demo, tmp_path, **sections):
    written = {
        "area": {"boundary": "osm:Fjordvik", "crs": "EPSG:25832"},
        "parcels": {"source": str(demo / "teig.gpkg"), "layer": "teig"},
        "osm": {"source": str(demo / "demo.osm.pbf")},
    }
    return ars.read(ars.Strategy.build(written | sections, source=tmp_path / "s.toml"))


def left_half(plots):
    west, south, east, north = plots.total_bounds
    return shapely.box(west - 10, south - 10, (west + east) / 2, north + 10)


def written(path, shapes, crs=25832, **columns):
    gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs).to_file(path)
    return str(path)


def answers(inputs):
    return find_all(inputs.parcels, inputs.constraints)


def test_a_preset_knows_field_codes_and_name_and_the_coverage_is_respected(demo, plots, tmp_path):
    west, south, east, north = plots.total_bounds
    half = left_half(plots)
    wet = shapely.box(west, south, west + (east - west) / 4, north)
    climate = shapely.box(west + (east - west) / 4, south, west + (east - west) / 3, north)
    zones = written(tmp_path / "flom.gpkg", [wet, climate], **FLOOD)
    coverage = written(tmp_path / "dekning.gpkg", [half])
    inputs = read(
        demo, tmp_path,
        constraint=[{"preset": "flom-200", "source": zones, "coverage": coverage}],
    )  # fmt: skip
    hits, shares = answers(inputs)
    assert hits.columns.tolist() == ["Flomsone 200 år"]
    told = hits["Flomsone 200 år"]
    expected_share = inputs.parcels.intersection(wet).area / inputs.parcels.area
    assert shares["Flomsone 200 år"].to_numpy() == pytest.approx(
        expected_share.to_numpy(), abs=1e-6
    )
    assert set(told[inputs.parcels.within(climate)]) <= {"no_hit"}  # 2100 is another flood
    assert set(told[inputs.parcels.bounds.minx > half.bounds[2] + 1]) == {"not_mapped"}
    report = next(r for r in inputs.reports if r.role.startswith("constraint"))
    assert "TEK17" in str(report.facts["law"])
    assert report.facts["area mapped, %"] < 100


def test_a_layer_that_lies_elsewhere_says_nothing_about_here(demo, tmp_path):
    far = written(tmp_path / "flom.gpkg", [shapely.box(0, 6_000_000, 10, 6_000_010)])
    inputs = read(demo, tmp_path, constraint=[{"name": "Flom", "source": far}])
    assert set(answers(inputs)[0]["Flom"]) == {"not_mapped"}
    assert any("lies elsewhere" in text for text in inputs.warnings)


def raster(path, bounds, cells):
    west, south, east, north = bounds
    rows, columns = cells.shape
    place = rasterio.Affine((east - west) / columns, 0, west, 0, (south - north) / rows, north)
    with rasterio.open(
        path, "w", driver="GTiff", height=cells.shape[0], width=cells.shape[1], count=1,
        dtype="float32", crs="EPSG:25832", transform=place, nodata=-1,
    ) as out:  # fmt: skip
        out.write(cells.astype("float32"), 1)
    return str(path)


def test_raster_zones_answer_hit_no_hit_and_not_mapped(demo, plots, tmp_path):
    west, south, east, north = plots.total_bounds
    cells = np.tile(np.repeat([60.0, 40.0, -1.0], 50), (10, 1))  # loud, quiet, nobody knows
    loud = raster(tmp_path / "stoy.tif", (west - 50, south - 50, east + 50, north + 50), cells)
    rule = {"name": "Støy", "source": loud, "where": "value >= 55", "effect": "condition"}
    quiet = {
        "key": "quiet",
        "kind": "raster",
        "source": loud,
        "full": 40,
        "zero": 60,
        "weight": 0.1,
    }
    inputs = read(demo, tmp_path, constraint=[rule], criterion=[quiet])
    third = (east - west + 100) / 3
    bounds = inputs.parcels.bounds
    inside = [
        (bounds.minx > west - 50 + k * third) & (bounds.maxx < west - 50 + (k + 1) * third)
        for k in range(3)
    ]
    told = answers(inputs)[0]["Støy"]
    assert [set(told[where]) for where in inside] == [{"hit"}, {"no_hit"}, {"not_mapped"}]
    measured = inputs.evidence["quiet"]
    assert measured[inside[0]].to_numpy() == pytest.approx(60)
    assert measured[inside[1]].to_numpy() == pytest.approx(40)
    assert measured[inside[2]].isna().all()


def test_shares_and_distances_are_evidence_and_the_unmapped_has_none(demo, plots, tmp_path):
    half = left_half(plots)
    zone = shapely.box(*half.bounds[:2], half.bounds[0] + 300, half.bounds[3])
    zones = written(tmp_path / "soner.gpkg", [zone])
    coverage = written(tmp_path / "dekning.gpkg", [half])
    centre = written(tmp_path / "s.gpkg", [zone], sentrumssonenavn=["Byen"], sentrumssonenummer=[1])
    inputs = read(
        demo, tmp_path,
        criterion=[
            {"key": "shade", "kind": "layer_share", "source": zones, "coverage": coverage,
             "full": 0, "zero": 1, "weight": 0.1},
            {"key": "centre", "kind": "centrality", "source": centre, "weight": 0.1},
        ],
    )  # fmt: skip
    shade, centre_m = inputs.evidence["shade"], inputs.evidence["centre"]
    covered = inputs.parcels.intersection(zone).area / inputs.parcels.area
    known = shade.notna()
    assert shade[known].to_numpy() == pytest.approx(covered[known].to_numpy(), abs=1e-6)
    assert not known[inputs.parcels.bounds.minx > half.bounds[2] + 50].any()
    assert centre_m.to_numpy() == pytest.approx(inputs.parcels.distance(zone).to_numpy())


def test_plans_give_readiness_and_zones_and_say_where_they_end(demo, plots, tmp_path):
    half = left_half(plots)
    path = tmp_path / "plan.gpkg"
    gpd.GeoDataFrame(
        {"arealformål": [1110], "plantype": ["35"], "planstatus": ["3"]},
        geometry=[half], crs=25832,
    ).to_file(path, layer="RpArealformålOmråde")  # fmt: skip
    west, south, _, north = half.bounds
    zone = shapely.box(west, south, west + 400, north)
    gpd.GeoDataFrame({"fare": ["320"]}, geometry=[zone], crs=25832).to_file(
        path, layer="RpFareSone"
    )
    strategy = {
        "plan": [{"source": str(path)}],
        "criterion": [{"key": "plan", "kind": "plan_readiness", "weight": 0.1}],
        "constraint": [{"name": "Flomfare i plan", "plan_zones": ["H320"]}],
    }
    inputs = read(demo, tmp_path, **strategy)
    within = inputs.parcels.within(half)
    outside = ~inputs.parcels.intersects(half)
    assert set(inputs.details.loc[within, "plan_readiness"]) == {"zoned_for_housing"}
    assert set(inputs.details.loc[within, "plan_purpose_name"]) == {"Boligbebyggelse"}
    assert set(inputs.details.loc[outside, "plan_readiness"]) == {"unknown"}
    assert inputs.evidence.loc[within, "plan"].eq(1).all()
    assert inputs.evidence.loc[outside, "plan"].isna().all()
    told = answers(inputs)[0]["Flomfare i plan"]
    assert set(told[inputs.parcels.within(zone)]) == {"hit"}
    assert set(told[outside]) == {"not_mapped"}


def test_residents_come_with_an_estimate_of_the_older_ones(demo, plots, tmp_path):
    west, south, east, north = plots.to_crs(25833).total_bounds
    x, y = np.meshgrid(np.arange(west, east, 250), np.arange(south, north, 250))
    ids = np.unique(cell_id_of(x.ravel(), y.ravel(), 250))
    grid = tmp_path / "NOR0250M_POP_2025.csv"
    grid.write_text("SSBID0250M;pop_tot\n" + "".join(f"{cell};20\n" for cell in ids))
    ages = tmp_path / "alder.csv"
    ages.write_text(
        "07459: Befolkning\n\nregion;alder;2025\n"
        "K-3907 Sandefjord;66 år;80\nK-3907 Sandefjord;70 år;15\nK-3907 Sandefjord;85 år;5\n",
        encoding="cp1252",
    )
    inputs = read(demo, tmp_path, population={"grid": str(grid), "ages": str(ages)})
    cells = inputs.population
    assert cells["residents_80plus_estimate"].sum() == pytest.approx(
        0.05 * cells["residents"].sum()
    )
    assert any(report.what == "estimate" for report in inputs.reports)


def test_check_tells_every_problem_and_everything_that_was_understood(demo, tmp_path):
    bad = tmp_path / "bad.gpkg"
    bad.write_bytes(b"nothing")
    file = tmp_path / "s.toml"
    file.write_text(
        f"""
[area]
boundary = "osm:Fjordvik"
[parcels]
source = '{demo / "teig.gpkg"}'
layer = "teig"
municipal_land = "gone.csv"
[osm]
source = '{demo / "demo.osm.pbf"}'
[[constraint]]
name = "Ødelagt"
source = "bad.gpkg"
[[constraint]]
name = "Marka"
source = '{demo / "arealplan.gpkg"}'
where = "arealformal = 5100"
"""
    )
    ended = CliRunner().invoke(app, ["check", str(file), "--json", "-q"])
    assert ended.exit_code == 1
    told = json.loads(ended.stdout)
    assert not told["ok"]
    assert [("gone.csv" in p["message"], "bad.gpkg" in p["message"]) for p in told["problems"]] == [
        (True, False),
        (False, True),
    ]
    roles = [one["role"] for one in told["inputs"]]
    assert {"parcels", "boundary", "constraint: Marka", "walking network"} <= set(roles)
    for one in told["inputs"]:
        assert one["what"]
        assert all(len(digest) == 64 for digest in one["sha256"].values())
    parcels = told["inputs"][roles.index("parcels")]
    assert parcels["date"].startswith("file saved ")
    assert str(tmp_path) not in ended.stdout
    with pytest.raises(ars.InputError, match=r"gone\.csv"):
        ars.run(ars.Strategy.read(file))


def test_a_layer_of_which_nothing_tells_the_dataset_is_doubted(demo, plots, tmp_path):
    some = written(tmp_path / "noe.gpkg", [left_half(plots)])
    marka = written(tmp_path / "lovvirkeområde.gpkg", [left_half(plots)])
    inputs = read(
        demo, tmp_path,
        constraint=[{"preset": "markagrensa", "source": some},
                    {"preset": "markagrensa", "name": "Rett fil", "source": marka}],
        criterion=[{"key": "centre", "kind": "centrality", "source": some, "weight": 0.1}],
    )  # fmt: skip
    doubts = [text for text in inputs.warnings if text.endswith("?")]
    assert [text.split(": ")[0:2] for text in doubts] == [
        ["constraint", "Innenfor markagrensa"],
        ["criterion", "centre"],
    ]


# --- a street from west to east, four plots of 400 m² north of it ---

E0, N0 = 500_000.0, 6_430_000.0
# Triangles that point at the street from 10 m off: from there people set out.
PLOT_X = (0.0, 200.0, 500.0, 920.0)
CAFES, BENCHES, SHOP = (150.0, 300.0, 810.0), (260.0, 350.0, 400.0, 700.0), 1000.0
GROUND = 1 / 0.9996  # metres on the ground for one in the grid, on the central meridian


def lonlat(x, y=0.0):
    to_degrees = pyproj.Transformer.from_crs(25832, 4326, always_xy=True)
    return to_degrees.transform(E0 + x, N0 + y)


def plot(x):
    corners = [(x, 10), (x + 20, 30), (x - 20, 30)]
    return shapely.Polygon([(E0 + east, N0 + north) for east, north in corners])


@pytest.fixture
def street(write_osm, tmp_path):
    """The extract and the plots; returns the sections of a strategy that reads them."""
    nodes = {i: lonlat(100.0 * i) for i in range(11)}
    places = [
        *((x, {"amenity": "cafe", "name": f"Kafé {x:g}"}) for x in CAFES),
        *((x, {"amenity": "bench"}) for x in BENCHES),
        (SHOP, {"shop": "supermarket", "name": "Butikken"}),
    ]
    nodes |= {100 + i: (*lonlat(x, -4.0), tags) for i, (x, tags) in enumerate(places)}
    write_osm(
        {key + 1: told for key, told in nodes.items()},
        {10: (list(range(1, 12)), {"highway": "footway"})},
    )
    plots = gpd.GeoDataFrame(
        {
            "nr": ["a", "b", "c", "d"],
            "use": [21.0, 30.0, 21.0, np.nan],
            "kode": ["B", "b", "", None],
        },
        geometry=[plot(x) for x in PLOT_X],
        crs=25832,
    )
    plots.to_file(tmp_path / "plots.gpkg")
    return {
        "parcels": {"source": "plots.gpkg", "id": "nr"},
        "osm": {"source": "town.osm.pbf"},
        "score": {"catalogue": "none"},
        "robustness": {"enabled": False},
        "areas": {"enabled": False},
    }


CAFE = {"key": "cafe", "osm": ["amenity=cafe"], "full_m": 200, "zero_m": 600, "weight": 1}
GROCERY = {
    "key": "grocery",
    "osm": ["shop=supermarket"],
    "full_m": 400,
    "zero_m": 1200,
    "weight": 1,
}


def built(tmp_path, street, *criteria, **sections):
    return ars.Strategy.build(
        street | {"criterion": list(criteria)} | sections, source=tmp_path / "s.toml"
    )


def evidence_of(tmp_path, street, *criteria, **sections):
    return ars.read(built(tmp_path, street, CAFE, *criteria, **sections))


def hill(path, gradients, east=1100.0):
    """Ground that rises eastwards, by one gradient up to 350 m and by another beyond."""
    x = np.arange(-195.0, east, 10.0)  # middles of the cells
    rise = np.where(x < 350, gradients[0] * x, gradients[0] * 350 + gradients[1] * (x - 350))
    bounds = (E0 - 200, N0 - 200, E0 + x[-1] + 5, N0 + 200)
    return raster(path, bounds, np.tile(rise + 500, (40, 1)))


def test_ground_is_counted_that_is_no_steeper_than_asked_for(street, tmp_path):
    """A plane of 10 % in the west, of 20 % in the east; nothing is known of the last plot."""
    heights = hill(tmp_path / "dtm.tif", (0.10, 0.20), east=850.0)
    gentle = {"key": "gentle", "kind": "slope", "weight": 1}
    steeper = gentle | {"key": "steeper", "max_slope_pct": 25, "full": 1, "zero": 0}
    flat = gentle | {"key": "flat", "max_slope_pct": 5}
    inputs = evidence_of(tmp_path, street, gentle, steeper, flat, terrain={"elevation": [heights]})
    assert inputs.evidence["gentle"].tolist() == pytest.approx([1, 1, 0, np.nan], nan_ok=True)
    assert inputs.evidence["steeper"].tolist() == pytest.approx([1, 1, 1, np.nan], nan_ok=True)
    assert inputs.evidence["flat"].tolist() == pytest.approx([0, 0, 0, np.nan], nan_ok=True)
    told = {r.role: r.facts for r in inputs.reports}
    assert told["criterion: gentle"]["steepest ground that counts, %"] == 15
    assert told["criterion: gentle"]["parcels with known ground"] == 3


def test_steep_ground_is_taken_off_and_where_nothing_is_left_the_plot_is_out(street, tmp_path):
    heights = hill(tmp_path / "dtm.tif", (0.10, 0.20))
    result = ars.run(
        built(
            tmp_path, street, CAFE, terrain={"elevation": [heights]},
            buildable={"max_slope_pct": 15, "min_area_m2": 300, "strip_m": 0},
        )
    )  # fmt: skip
    parcels = result.parcels
    assert parcels["buildable_m2"].tolist() == pytest.approx([400, 400, 0, 0], abs=0.1)
    assert parcels["status"].tolist() == ["assessed", "assessed", "excluded", "excluded"]
    assert parcels["reasons"].tolist() == [
        "", "", *["Brattere enn 15 %;net_area_below_minimum"] * 2,
    ]  # fmt: skip
    assert parcels["score_if_allowed"].notna().all()
    assert parcels["score"].notna().tolist() == [True, True, False, False]
    assert result.constraints["Brattere enn 15 %"].tolist() == ["no_hit", "no_hit", "hit", "hit"]


def test_straight_lines_go_to_the_nearest_feature_that_is_asked_for(street, tmp_path):
    shore = shapely.LineString([(E0 - 500, N0 + 330), (E0 + 210, N0 + 330)])
    brook = shapely.LineString([(E0 + 510, N0 - 900), (E0 + 510, N0 + 900)])
    layer = written(tmp_path / "vann.gpkg", [shore, brook], slag=["sjo", "bekk"])
    near = {
        "key": "water",
        "kind": "distance",
        "source": layer,
        "full": 0,
        "zero": 600,
        "weight": 1,
    }
    sea = near | {"key": "sea", "where": "slag = 'sjo'", "zero_m": 600}
    del sea["zero"]
    inputs = evidence_of(tmp_path, street, near, sea)
    c, d = (np.hypot(x - 20 - 210, 300) for x in PLOT_X[2:])  # from a corner to the shore's end
    assert inputs.evidence["sea"].tolist() == pytest.approx(
        [300 * GROUND, 300 * GROUND, c * GROUND, d * GROUND], rel=1e-6
    )
    # the brook is nearer to the last three, and runs through the third
    assert inputs.evidence["water"].tolist() == pytest.approx(
        [300 * GROUND, (510 - 220) * GROUND, 0, (900 - 510) * GROUND], rel=1e-6
    )
    facts = next(r for r in inputs.reports if r.role == "criterion: sea").facts
    assert (facts["measured as"], facts["features in and around the area"]) == ("straight line", 1)


def test_a_layer_without_features_is_far_from_all_and_one_that_lies_elsewhere_says_nothing(
    street, tmp_path
):
    empty = tmp_path / "tom.gpkg"
    gpd.GeoDataFrame({"slag": []}, geometry=[], crs=25832).to_file(
        empty, geometry_type="LineString"
    )
    far = written(tmp_path / "fjern.gpkg", [shapely.box(E0, 7e6, E0 + 10, 7e6 + 10)])
    to = {"kind": "distance", "full": 0, "zero": 600, "weight": 1}
    result = ars.run(
        built(
            tmp_path, street, CAFE,
            to | {"key": "near", "source": str(empty)},
            to | {"key": "away", "source": str(empty), "full": 600, "zero": 0},
            score={"catalogue": "none", "missing": "reweight"},
        )
    )  # fmt: skip
    assert (result.parcels["near_value"] == 0).all()
    assert (result.parcels["away_value"] == 1).all()
    assert result.parcels[["near_raw", "away_raw"]].isna().all(axis=None)  # never inf in a file
    assert sum("nothing in or near the area" in text for text in result.warnings) == 2
    assert (result.parcels["status"] == "assessed").all()
    result = ars.run(built(tmp_path, street, CAFE, to | {"key": "q", "source": far}))
    assert result.parcels["q_value"].isna().all()
    assert (result.parcels["status"] == "missing_data").all()
    assert (result.parcels["reasons"] == "no_value: q").all()
    assert any("lies elsewhere" in text for text in result.warnings)


def test_codes_of_a_column_have_the_values_that_the_strategy_gives_them(street, tmp_path):
    use = {
        "key": "use", "kind": "column", "column": "use", "function": "category", "weight": 1,
        "categories": {"21": 1.0, "30": 0.25},
    }  # fmt: skip
    result = ars.run(built(tmp_path, street, CAFE, use))
    assert result.parcels["use_raw"].tolist()[:3] == ["21", "30", "21"]
    assert result.parcels["use_value"].tolist() == pytest.approx([1, 0.25, 1, np.nan], nan_ok=True)
    assert result.parcels["reasons"].tolist() == ["", "", "", "no_value: use"]
    # the empty cell may have a value of its own: then nothing is missing
    code = use | {"column": "kode", "categories": {"B": 1.0, "b": 0.5, "": 0.1}}
    result = ars.run(built(tmp_path, street, CAFE, code))
    assert result.parcels["use_value"].tolist() == pytest.approx([1, 0.5, 0.1, 0.1])
    assert (result.parcels["status"] == "assessed").all()
    assert "målt" not in result.explain_text("c")
    # text stands where numbers do elsewhere, in the tables, on the map and in the explanation
    assert {path.name for path in result.write(tmp_path / "out")} == {*OUTPUTS} - {"sites.csv"}
    assert result.explain("b").criteria.loc["use", "raw"] == "b"


def test_a_code_without_a_value_is_an_error_with_column_code_and_parcel(street, tmp_path):
    use = {
        "key": "use", "kind": "column", "column": "use", "function": "category", "weight": 1,
        "categories": {"21": 1.0, "22": 0.5},
    }  # fmt: skip
    with pytest.raises(ars.InputError) as caught:
        evidence_of(tmp_path, street, use)
    for part in ('[[criterion]] "use"', "column use", "'30'", "parcel b"):
        assert part in caught.value.message
    assert "21, 22" in caught.value.hint


def along(x, to):
    """Metres on the ground from a plot, 10 m off the street, to a place 4 m off it."""
    return (10 + abs(to - x) + 4) * GROUND


def test_places_within_reach_are_counted_up_to_as_many_as_make_a_difference(street, tmp_path):
    limit = 400.0
    count = {"key": "choice", "kind": "count_within", "of": "cafe", "within_m": limit, "weight": 1}
    two = count | {"key": "two", "full": 2}
    result = ars.run(built(tmp_path, street, CAFE | {"weight": 0}, count | {"full": 3}, two))
    metres = np.array([[along(x, to) for to in CAFES] for x in PLOT_X])
    assert np.abs(metres - limit).min() > 10  # no place stands on the limit
    by_hand = (metres <= limit).sum(axis=1)
    assert by_hand.tolist() == [2, 2, 3, 1]
    parcels = result.parcels
    assert parcels["choice_raw"].tolist() == by_hand.tolist()
    assert parcels["choice_value"].tolist() == pytest.approx(by_hand / 3)
    assert parcels["two_raw"].tolist() == np.minimum(by_hand, 2).tolist()
    assert parcels["two_value"].tolist() == pytest.approx(np.minimum(by_hand / 2, 1))
    assert parcels["score"].tolist() == pytest.approx(
        50 * (by_hand / 3 + np.minimum(by_hand / 2, 1))
    )


def test_where_there_is_no_such_place_none_is_counted(street, tmp_path):
    nowhere = {"key": "library", "osm": ["amenity=library"], "full_m": 1, "zero_m": 9, "weight": 0}
    count = {"key": "choice", "kind": "count_within", "of": "library", "within_m": 900, "full": 2}
    parcels = ars.run(built(tmp_path, street, CAFE, nowhere, count | {"weight": 1})).parcels
    assert parcels["choice_raw"].tolist() == [0, 0, 0, 0]
    assert (parcels["status"] == "assessed").all()


def test_benches_are_counted_per_100_m_of_the_way_and_are_no_places_to_walk_to(street, tmp_path):
    rest = {
        "key": "rest", "kind": "rest", "on_way_to": ["grocery"], "osm": ["amenity=bench"],
        "full": 1, "zero": 0, "weight": 1,
    }  # fmt: skip
    strategy = built(tmp_path, street, CAFE, GROCERY, rest | {"on_way_to": ["grocery", "cafe"]},
                     rest | {"key": "shop_way"})  # fmt: skip
    result = ars.run(strategy)

    def rate(x, to):
        metres = along(x, to)
        if metres < 100:
            return 1.0  # nobody needs to sit down on the way
        low, high = sorted((x, to))
        return 100 * sum(low <= bench <= high for bench in BENCHES) / metres

    to_shop = [rate(x, SHOP) for x in PLOT_X]
    to_cafe = [rate(x, min(CAFES, key=lambda cafe: along(x, cafe))) for x in PLOT_X]
    parcels = result.parcels
    assert parcels["shop_way_raw"].tolist() == pytest.approx(to_shop, rel=1e-3)
    assert parcels["rest_raw"].tolist() == pytest.approx(
        [(a + b) / 2 for a, b in zip(to_shop, to_cafe, strict=True)], rel=1e-3
    )
    assert parcels["rest_value"].tolist() == pytest.approx(parcels["rest_raw"].clip(upper=1))
    assert set(result.services["category"]) == {"cafe", "grocery"}


def test_where_there_is_no_bench_there_is_no_rest_and_no_error(street, tmp_path):
    rest = {
        "key": "rest", "kind": "rest", "on_way_to": ["grocery"], "osm": ["leisure=picnic_table"],
        "full": 1, "zero": 0, "weight": 1,
    }  # fmt: skip
    parcels = ars.run(built(tmp_path, street, GROCERY, rest)).parcels
    assert parcels["rest_raw"].tolist() == pytest.approx([0, 0, 0, 1])  # 94 m need no rest
    assert (parcels["status"] == "assessed").all()


def test_zones_may_be_taken_off_the_ground_or_count_from_a_share(street, tmp_path):
    west_halves = [shapely.box(E0 + x - 20, N0, E0 + x, N0 + 40) for x in (PLOT_X[0], PLOT_X[1])]
    zones = written(tmp_path / "flom.gpkg", west_halves)
    net = {"name": "Flom", "source": zones, "by": "net_area"}
    ground = {"min_area_m2": 250, "strip_m": 0}
    result = ars.run(built(tmp_path, street, CAFE, constraint=[net], buildable=ground))
    assert result.parcels["buildable_m2"].tolist() == pytest.approx([200, 200, 400, 400])
    assert result.parcels["status"].tolist() == ["excluded", "excluded", "assessed", "assessed"]
    assert result.parcels["reasons"].iloc[0] == "Flom;net_area_below_minimum"
    enough = ars.run(
        built(tmp_path, street, CAFE, constraint=[net], buildable=ground | {"min_area_m2": 200})
    )
    assert enough.parcels["reasons"].tolist() == ["Flom", "Flom", "", ""]
    assert (enough.parcels["status"] == "assessed").all()
    shared = [
        {"name": "Fra 50 %", "source": zones, "from_share": 0.5},
        {"name": "Fra 51 %", "source": zones, "from_share": 0.51},
    ]
    result = ars.run(built(tmp_path, street, CAFE, constraint=shared))
    assert result.constraints["Fra 50 %"].tolist() == ["hit", "hit", "no_hit", "no_hit"]
    assert result.constraints["Fra 51 %"].tolist() == ["below_share"] * 2 + ["no_hit"] * 2
    assert result.parcels["reasons"].tolist() == ["Fra 50 %", "Fra 50 %", "", ""]


def test_a_deduction_for_what_is_taken_off_is_that_of_the_ground_alone(street, tmp_path):
    zones = written(tmp_path / "flom.gpkg", [shapely.box(E0 - 20, N0, E0, N0 + 40)])
    net = {"name": "Flom", "source": zones, "by": "net_area", "effect": "deduct", "points": 40}
    ground = {"min_area_m2": 100, "strip_m": 0, "effect": "deduct", "points": 7}
    free, hit, small = (
        ars.run(built(tmp_path, street, CAFE, **told)).parcels["score"].iloc[0]
        for told in (
            {},
            {"constraint": [net], "buildable": ground},
            {"constraint": [net], "buildable": ground | {"min_area_m2": 300}},
        )
    )
    assert hit == pytest.approx(free)
    assert small == pytest.approx(free - 7)


def test_a_raster_has_no_outlines_to_take_off(street, tmp_path):
    loud = raster(tmp_path / "stoy.tif", (E0, N0, E0 + 1000, N0 + 100), np.full((5, 5), 60.0))
    rule = {"name": "Støy", "source": loud, "where": "value >= 55", "by": "net_area"}
    strategy = built(tmp_path, street, CAFE, constraint=[rule], buildable={"min_area_m2": 10})
    with pytest.raises(ars.InputError, match='by = "net_area" needs zones with outlines') as caught:
        ars.read(strategy)
    assert '[[constraint]] "Støy"' in caught.value.message
    assert "stoy.tif" in caught.value.message
    assert 'by = "share"' in caught.value.hint


@pytest.fixture
def people(tmp_path):
    """A population grid of 250 m around the street, ten in each cell."""
    corner = pyproj.Transformer.from_crs(25832, 25833, always_xy=True).transform(E0, N0)
    x, y = np.meshgrid(*(np.arange(c - 1500, c + 2500, 250) for c in corner))
    ids = np.unique(cell_id_of(x.ravel(), y.ravel(), 250))
    path = tmp_path / "NOR0250M_POP_2025.csv"
    path.write_text("SSBID0250M;pop_tot\n" + "".join(f"{cell};10\n" for cell in ids))
    return str(path)


def halves(path, **columns):
    west, east = shapely.box(E0 - 900, N0 - 900, E0 + 500, N0 + 900), shapely.box(
        E0 + 500, N0 - 900, E0 + 1900, N0 + 900
    )  # fmt: skip
    corner = shapely.box(E0 - 900, N0 + 900, E0 + 500, N0 + 1000)
    return written(path, [west, east, corner], **columns)


def test_residents_within_reach_are_told_by_district_of_which_the_name_is_guessed(
    street, people, tmp_path
):
    box = written(tmp_path / "omrade.gpkg", [shapely.box(E0 - 900, N0 - 900, E0 + 1900, N0 + 900)])
    told = halves(tmp_path / "bydeler.gpkg", nr=[1, 2, 1], Bydelsnavn=["Vest", "Øst", "Vest"])
    strategy = built(
        tmp_path, street, CAFE, area={"boundary": box},
        population={"grid": people, "districts": told},
    )  # fmt: skip
    result = ars.run(strategy)
    districts = ars.read(strategy).districts
    assert districts.index.tolist() == ["Vest", "Øst"]  # two polygons of one name are one
    report = next(r for r in result.reports if r.role == "districts")
    assert report.facts["named by"] == "Bydelsnavn"
    zones = result.in_reach["zone"].tolist()
    assert {"Vest", "Øst"} <= set(zones)
    other = built(
        tmp_path, street, CAFE, area={"boundary": box},
        population={"grid": people, "districts": told, "district_name": "nr"},
    )  # fmt: skip
    assert ars.read(other).districts.index.tolist() == ["1", "2"]


def test_districts_without_a_name_or_a_polygon_are_refused(street, people, tmp_path):
    def message(**told):
        with pytest.raises(ars.InputError) as caught:
            evidence_of(tmp_path, street, population={"grid": people, **told})
        return caught.value

    nameless = halves(tmp_path / "bydeler.gpkg", nr=[1, 2, 3])
    error = message(districts=nameless)
    assert "bydeler.gpkg" in error.message
    assert "no column with the names of districts (found: nr)" in error.message
    assert "district_name" in error.hint
    assert (
        "no column bydel (found: nr)" in message(districts=nameless, district_name="bydel").message
    )
    lines = written(
        tmp_path / "veier.gpkg", [shapely.LineString([(E0, N0), (E0 + 9, N0)])], navn=["x"]
    )
    assert "no polygon in the area" in message(districts=lines).message
