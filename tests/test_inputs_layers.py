"""Constraints, criteria, plans and residents as a strategy names them, on the demo municipality."""

import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from typer.testing import CliRunner

import arealstrategi as ars
from arealstrategi.cli import app
from arealstrategi.constraints import find_all
from arealstrategi.sources.demo import write_demo
from arealstrategi.sources.statistics.cells import cell_id_of

FLOOD = {"gjentaksintervall": [200, 2100]}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return write_demo(tmp_path_factory.mktemp("demo")).parent


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
