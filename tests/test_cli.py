"""Commands as a user types them: exit codes, clear errors, nothing half-written."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from typer.testing import CliRunner

from arealstrategi.cli import app
from results import OUTPUTS, TABLES, only

# A street of 900 m along a parallel at 58 N 9 E, a shop at its eastern end.
NODES = {
    1: (9.0, 58.0),
    2: (9.015, 58.0),
    3: (9.0149, 58.0001, {"shop": "supermarket", "name": "Butikken <script>alert(1)</script>"}),
}
WAYS = {10: ([1, 2], {"highway": "residential"})}


@pytest.fixture
def town(tmp_path, write_osm):
    """A strategy with two parcels beside the street, ready to run."""
    write_osm(NODES, WAYS)
    plots = gpd.GeoDataFrame(
        {"matrikkelnummertekst": ["1/1", "1/2"], "kommunenummer": [301, 301]},
        geometry=[
            shapely.box(9.001, 58.0002, 9.002, 58.0006),
            shapely.box(9.0135, 58.0002, 9.0145, 58.0006),
        ],
        crs=4326,
    ).to_crs(25832)
    plots.to_file(tmp_path / "teig.gpkg", layer="teig")
    (tmp_path / "strategy.toml").write_text(
        'title = "Prøve"\n[parcels]\nsource = "teig.gpkg"\n[osm]\nsource = "town.osm.pbf"\n'
        '[output]\ndir = "out"\n',
        encoding="utf-8",
    )
    return tmp_path


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def edit(town, before, after):
    path = town / "strategy.toml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def fails(town, *told, exit_code=1, command="run"):
    """The command ends with the code, one message that holds `told`, and no output."""
    ended = invoke(command, town / "strategy.toml")
    assert ended.exit_code == exit_code, ended.output
    assert ended.stderr.count("Error: ") == 1
    assert "Traceback" not in ended.output
    assert "unexpected" not in ended.stderr
    for part in told:
        assert str(part) in ended.stderr
    assert not (town / "out").exists()
    return ended.stderr


def test_run_writes_every_output_and_prints_only_their_paths_on_standard_output(town):
    ended = invoke("run", town / "strategy.toml")
    assert ended.exit_code == 0, ended.output
    names = [name for name in OUTPUTS if name != "sites.csv"]
    assert ended.stdout.split() == [str(town / "out" / name) for name in names]
    assert sorted(p.name for p in (town / "out").iterdir()) == sorted(names)
    parcels = gpd.read_file(town / "out/suitability.gpkg", layer="parcels")
    assert parcels["parcel_id"].tolist() == ["0301-1/1", "0301-1/2"]
    # from the corner that is nearest to the street (22 m), along the street (59.1 km to a degree),
    # and 11 m to the shop
    near = parcels.set_index("parcel_id")["grocery_walk_m"]
    assert near["0301-1/2"] == pytest.approx(22 + 0.0014 * 59_100 + 11, abs=2)
    assert near["0301-1/1"] - near["0301-1/2"] == pytest.approx(0.0115 * 59_100, rel=0.005)
    assert "reach …" in ended.stderr


def test_quiet_says_nothing_but_notes_and_results(town):
    with only(*TABLES):
        ended = invoke("run", town / "strategy.toml", "-q")
    assert "reach" not in ended.stderr.replace("unreachable", "")
    assert ended.exit_code == 0


def test_a_second_run_gives_a_byte_identical_ranking_and_equal_tables(town):
    tables = "suitability.gpkg", "ranking.csv"
    with only(*tables):
        invoke("run", town / "strategy.toml")
    first = (town / "out/ranking.csv").read_bytes()
    layers = [
        gpd.read_file(town / "out/suitability.gpkg", layer=name) for name in ("parcels", "run")
    ]
    shutil.move(town / "out", town / "old")
    with only(*tables):
        invoke("run", town / "strategy.toml")
    assert (town / "out/ranking.csv").read_bytes() == first
    for name, old in zip(("parcels", "run"), layers, strict=True):
        assert gpd.read_file(town / "out/suitability.gpkg", layer=name).equals(old)


def test_check_reads_everything_and_writes_nothing(town):
    before = sorted(town.rglob("*"))
    ended = invoke("check", town / "strategy.toml")
    assert ended.exit_code == 0, ended.output
    assert sorted(town.rglob("*")) == before
    for part in (
        "rows read",
        "EPSG:25832 (from the file)",
        "matrikkelnummertekst",
        "services",
        "connected parts",
    ):
        assert part in ended.stdout


def test_new_writes_a_file_that_runs_once_its_paths_are_filled_in(town):
    ended = invoke("new", town / "mine.toml", "--kommune", "3907")
    assert ended.exit_code == 0, ended.output
    text = (town / "mine.toml").read_text(encoding="utf-8")
    assert 'kommune = "3907"' in text
    text = text.replace('kommune = "3907"', "").replace(
        '# source = "vestfold.osm.pbf"', 'source = "town.osm.pbf"'
    )
    (town / "mine.toml").write_text(text, encoding="utf-8")
    with only("map.html"):
        assert invoke("run", town / "mine.toml").exit_code == 0
    assert (town / "resultat/map.html").is_file()


def test_new_never_overwrites_and_refuses_a_wrong_number(town):
    ended = invoke("new", town / "strategy.toml")
    assert ended.exit_code == 1
    assert "is there already" in ended.stderr
    assert "Prøve" in (town / "strategy.toml").read_text(encoding="utf-8")
    assert invoke("new", town / "b.toml", "--kommune", "39").exit_code == 1
    assert not (town / "b.toml").exists()


def test_wrong_usage_is_2_and_help_and_version_are_0(town):
    assert invoke("run").exit_code == 2
    assert invoke("fly").exit_code == 2
    assert invoke("run", town / "strategy.toml", "--nope").exit_code == 2
    assert invoke("--version").exit_code == 0
    for command in ("demo", "new", "check", "run", "schema"):
        ended = invoke(command, "--help")
        assert ended.exit_code == 0
        assert len(ended.stdout) > 100
    assert json.loads(invoke("schema").stdout)["title"] == "Strategy"


# --- bad inputs, one by one ---


def test_missing_strategy(tmp_path):
    ended = invoke("run", tmp_path / "none.toml")
    assert ended.exit_code == 1
    assert "none.toml" in ended.stderr


def test_missing_parcel_file(town):
    edit(town, "teig.gpkg", "nope.gpkg")
    fails(town, "nope.gpkg", "no such file", "[parcels]")


def test_missing_extract(town):
    edit(town, "town.osm.pbf", "nope.osm.pbf")
    fails(town, "nope.osm.pbf", "no such file", "[osm]")


def test_wrong_layer(town):
    edit(town, 'source = "teig.gpkg"', 'source = "teig.gpkg"\nlayer = "tieg"')
    fails(town, "no layer 'tieg'", "'teig'")


def test_empty_layer(town):
    empty = gpd.GeoDataFrame({"id": []}, geometry=[], crs=25832)
    empty.to_file(town / "teig.gpkg", layer="teig")
    fails(town, "teig.gpkg", "is empty")


def test_no_crs(town):
    plots = gpd.read_file(town / "teig.gpkg").set_crs(None, allow_override=True)
    plots.columns = ["matrikkeln", "knr", "geometry"]  # as a Shapefile cuts them
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plots.to_file(town / "teig.shp")
    assert not (town / "teig.prj").exists()
    edit(town, "teig.gpkg", "teig.shp")
    fails(town, "does not say in which CRS", 'crs = "EPSG:')
    edit(town, 'source = "teig.shp"', 'source = "teig.shp"\ncrs = "EPSG:25832"')
    with only(*TABLES):
        assert invoke("run", town / "strategy.toml").exit_code == 0


def test_latitude_and_longitude_swapped(town):
    plots = gpd.read_file(town / "teig.gpkg").to_crs(4326)
    plots.geometry = shapely.transform(plots.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    plots.to_file(town / "swapped.geojson")
    edit(town, "teig.gpkg", "swapped.geojson")
    fails(town, "town.osm.pbf", "EPSG:4326 with x and y swapped")


def test_coordinates_in_the_wrong_utm_zone(town):
    plots = gpd.read_file(town / "teig.gpkg").set_crs(25833, allow_override=True)
    plots.to_file(town / "zone.gpkg")
    edit(town, "teig.gpkg", "zone.gpkg")
    fails(town, "holds no street or path in the study area", "EPSG:25832")


def test_metres_labelled_as_degrees_and_the_reverse(town):
    plots = gpd.read_file(town / "teig.gpkg")
    plots.set_crs(4326, allow_override=True).to_file(town / "a.gpkg")
    edit(town, "teig.gpkg", "a.gpkg")
    fails(town, "a.gpkg", "look like metres")
    plots.to_crs(4326).set_crs(25832, allow_override=True).to_file(town / "b.gpkg")
    edit(town, "a.gpkg", "b.gpkg")
    fails(town, "b.gpkg", "look like degrees")


def test_no_parcel_in_the_boundary(town):
    away = gpd.GeoDataFrame(
        geometry=[shapely.box(600_000, 6_430_000, 601_000, 6_431_000)], crs=25832
    )
    away.to_file(town / "kommune.gpkg")
    edit(town, "[parcels]", '[area]\nboundary = "kommune.gpkg"\n[parcels]')
    fails(town, "no parcel lies in the study area", "teig.gpkg")


def test_unknown_key_and_weight_below_zero_and_anchors_in_the_wrong_order(town):
    edit(town, "title", "titel")
    fails(town, "did you mean 'title'")
    edit(town, "titel", "title")
    with (town / "strategy.toml").open("a") as file:
        file.write('[[criterion]]\nkey = "grocery"\nweight = -0.1\n')
    fails(town, "criterion[1].weight", "-0.1")
    edit(town, "weight = -0.1", "full_m = 500\nzero_m = 500")
    fails(town, "zero_m (500) must be larger than full_m (500)")


def test_corrupted_extract_and_a_text_file_that_is_called_one(town):
    raw = bytearray((town / "town.osm.pbf").read_bytes())
    raw[len(raw) // 2 :] = os.urandom(len(raw) - len(raw) // 2)
    (town / "town.osm.pbf").write_bytes(raw)
    fails(town, "town.osm.pbf", "cannot be read as OpenStreetMap data")
    (town / "town.osm.pbf").write_text("dette er ikke et kart\n" * 50)
    fails(town, "town.osm.pbf", "cannot be read as OpenStreetMap data")
    (town / "town.osm.pbf").write_bytes(b"")
    fails(town, "town.osm.pbf")


def test_an_extract_of_another_place_says_so(town, write_osm):
    write_osm({1: (20.0, 50.0), 2: (20.01, 50.0)}, WAYS)
    fails(town, "holds no street or path in the study area", "20.0")


def test_where_nothing_can_be_walked_everybody_is_told_and_nothing_fails(town, write_osm):
    write_osm(NODES, {10: ([1, 2], {"highway": "motorway"})})
    ended = invoke("run", town / "strategy.toml")
    assert ended.exit_code == 0, ended.output
    assert "2 of 2 parcels lie too far from any walkable way" in ended.stderr
    parcels = gpd.read_file(town / "out/suitability.gpkg", layer="parcels")
    assert parcels["grocery_walk_m"].isna().all()
    assert invoke("check", town / "strategy.toml").exit_code == 0


def test_an_output_folder_that_cannot_be_written(town):
    (town / "out-file").write_text("in the way")
    ended = invoke("run", town / "strategy.toml", "--out", town / "out-file")
    assert ended.exit_code == 1
    assert "results cannot be written there" in ended.stderr
    ended = invoke("run", town / "strategy.toml", "--out", "/proc/arealstrategi")
    assert ended.exit_code == 1
    assert "/proc/arealstrategi" in ended.stderr
    assert invoke("demo", "--out", "/proc/arealstrategi").exit_code == 1


def command(*words, **options):
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "arealstrategi", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, **options,
    )  # fmt: skip


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.name.startswith(".writing")]


def test_a_full_disk_is_one_clear_error_and_leaves_no_half_file(town):
    """A limit on the size of files stands in for a disk that is full."""

    def small_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    (town / "out").mkdir()
    (town / "out/map.html").write_text("the old map")
    process = command("run", town / "strategy.toml", preexec_fn=small_disk)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    assert "could not be written" in err
    assert "map.html" in err
    assert "Traceback" not in err
    assert (town / "out/map.html").read_text() == "the old map"
    assert leftovers(town / "out") == []
    for name in ("suitability.gpkg", "map.html"):
        assert f"{town / 'out' / name}\n" not in out


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_half_written(demo_inputs, tmp_path, stop):
    strategy = tmp_path / "strategy.toml"
    strategy.write_text(
        f'[parcels]\nsource = "{demo_inputs}/teig.gpkg"\nlayer = "teig"\n'
        f'[osm]\nsource = "{demo_inputs}/demo.osm.pbf"\n[sites]\nsource = '
        f'"{demo_inputs}/tomter.csv"\n[robustness]\nenabled = false\n',
        encoding="utf-8",
    )
    process = command("run", strategy, "--out", tmp_path / "out")
    for line in process.stderr:
        if line.startswith("writing results"):
            break
    time.sleep(0.15)
    process.send_signal(stop)
    out, err = process.communicate(timeout=120)
    assert process.returncode in {130, 0}, err
    assert leftovers(tmp_path) == []
    written = list((tmp_path / "out").iterdir()) if (tmp_path / "out").exists() else []
    assert {path.name for path in written} <= set(OUTPUTS)
    assert len(written) < len(OUTPUTS) or process.returncode == 0
    for path in written:
        assert path.stat().st_size > 0
    if process.returncode == 130:
        assert "Interrupted" in err
        assert out == ""


def test_a_layer_that_cannot_be_read_is_told_once_also_beside_given_sites(town):
    (town / "tomter.csv").write_text("id\n0301-1/1\n", encoding="utf-8")
    with (town / "strategy.toml").open("a", encoding="utf-8") as file:
        file.write('[sites]\nsource = "tomter.csv"\n')
        file.write('[[constraint]]\nname = "Flom"\nsource = "borte.gpkg"\n')
    ended = invoke("check", town / "strategy.toml", "-q")
    assert ended.exit_code == 1
    assert "given sites" in ended.stdout
    assert ended.stderr.count("borte.gpkg: there is no such file") == 1


def test_a_place_that_opens_far_away_is_told(town):
    (town / "ny.csv").write_text("navn;lon;lat\nLangt borte;5,3;60,4\n", encoding="utf-8")
    with (town / "strategy.toml").open("a", encoding="utf-8") as file:
        file.write('[[scenario]]\nname = "Ny"\nopen = { grocery = "ny.csv" }\n')
    with only(*TABLES):
        ended = invoke("run", town / "strategy.toml", "-q")
    assert ended.exit_code == 0
    assert "scenario: Ny: no place lies in or near the area" in ended.stderr


def test_the_demo_states_that_it_is_invented_on_every_output(tmp_path):
    ended = invoke("demo", "--out", tmp_path / "demo")
    assert ended.exit_code == 0, ended.output
    notice = "Oppdiktet kommune"
    run = gpd.read_file(tmp_path / "demo/suitability.gpkg", layer="run").set_index("key")["value"]
    assert notice in run["notes"]
    assert (
        notice in json.loads((tmp_path / "demo/run.json").read_text(encoding="utf-8"))["notes"][0]
    )
    assert "oppdiktet kommune" in (tmp_path / "demo/map.html").read_text(encoding="utf-8").lower()
    parcels = gpd.read_file(tmp_path / "demo/suitability.gpkg", layer="parcels")
    assert len(parcels) > 3000
    assert set(parcels["class"].dropna()) == {
        "very_suitable",
        "suitable",
        "less_suitable",
        "unsuitable",
    }
    assert set(parcels["municipal"]) >= {"yes", "no"}
    assert (parcels["status"] == "excluded").sum() > 50
