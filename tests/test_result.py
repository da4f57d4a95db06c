"""Writing results: atomic, complete, traceable; one failing file does not lose the others."""

import base64
import gzip
import json
import re
import shutil
import zipfile

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import arealstrategi as ars
from arealstrategi import result as results
from arealstrategi.provenance import sha256
from conftest import osm_writer
from hostile import PLAIN, write_town
from results import OUTPUTS, only, write_tables


@pytest.fixture(scope="module")
def demo(demo_inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "input"
    shutil.copytree(demo_inputs, folder)
    path = folder / "strategy.toml"
    quick = "\n[robustness]\ndraws = 100\ndistance_draws = 10\n"
    path.write_text(path.read_text(encoding="utf-8").replace("\n[output]", f"{quick}\n[output]"))
    return folder, ars.run(ars.Strategy.read(path))


@pytest.fixture(scope="module")
def written(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    demo[1].write(folder)
    return folder


def test_run_json_traces_every_input_and_number(demo):
    folder, result = demo
    facts = result.facts()
    json.dumps(facts, allow_nan=False)
    inputs = {told["role"]: told for told in facts["inputs"]}
    assert inputs["parcels"]["sha256"] == {"teig.gpkg": sha256(folder / "teig.gpkg")}
    assert inputs["osm"]["sha256"] == {"demo.osm.pbf": sha256(folder / "demo.osm.pbf")}
    assert facts["strategy"]["parcels"]["source"] == "teig.gpkg"
    assert str(folder) not in json.dumps(facts)
    assert sum(c["normalised_weight"] for c in facts["criteria"]) == pytest.approx(1)
    assert facts["results"]["parcels"] == len(result.parcels)
    assert facts["versions"]["arealstrategi"]
    assert sum(facts["results"]["status"].values()) == len(result.parcels)
    lone = result.parcels["reasons"].str.contains("not_connected")
    assert {e["parcel_id"] for e in facts["not_connected"]["parcels"]} == set(lone.index[lone])
    assert any("OpenStreetMap" in text for text in facts["attribution"])


def test_for_the_public_no_folder_of_the_planner_is_told(demo, tmp_path):
    folder, _ = demo
    text = (folder / "strategy.toml").read_text(encoding="utf-8")
    elsewhere = tmp_path / "public.toml"
    for name in (
        "teig.gpkg", "demo.osm.pbf", "kommunal_grunn.csv", "arealplan.gpkg", "dtm10.tif",
        "tomter.csv",
    ):  # fmt: skip
        text = text.replace(f'"{name}"', f"'{folder / name}'")
    elsewhere.write_text(text + 'audience = "public"\n', encoding="utf-8")
    result = ars.run(ars.Strategy.read(elsewhere))
    write_tables(result, tmp_path / "out")
    told = (tmp_path / "out/run.json").read_text(encoding="utf-8")
    assert "teig.gpkg" in told
    for secret in (folder, tmp_path):
        assert str(secret) not in told
        assert str(secret).encode() not in (tmp_path / "out/suitability.gpkg").read_bytes()


def all_bytes(folder):
    """Return every byte that was written, with what is packed in pages and workbooks."""
    found = [path.read_bytes() for path in sorted(folder.iterdir())]
    for path in folder.glob("*.html"):
        blocks = re.findall(rb'octet-stream"[^>]*>([^<]+)<', path.read_bytes())
        found += [gzip.decompress(base64.b64decode(block)) for block in blocks]
    for path in folder.glob("*.xlsx"):
        with zipfile.ZipFile(path) as book:
            found += [book.read(name) for name in book.namelist()]
    return b"\n".join(found)


@pytest.mark.parametrize("audience", ["public", "internal"])
def test_no_output_for_the_public_holds_a_person_or_a_folder(tmp_path, audience):
    inputs = tmp_path / "planner"
    inputs.mkdir()
    town = write_town(inputs, osm_writer(inputs), PLAIN, output={"audience": audience})
    ars.run(town).write(tmp_path / "out")
    told = all_bytes(tmp_path / "out")
    assert told.count(b"Biblio") > 3  # what may be told is found in them
    people = [
        f"{name} person{at}" for at, name in enumerate((*PLAIN, PLAIN[0]))
    ]  # and their council
    secrets = [*people, str(inputs)]
    held = [secret for secret in secrets if secret.encode() in told]
    assert held == ([] if audience == "public" else secrets)


def test_the_map_is_a_folium_map_for_the_notebook(demo):
    drawn = demo[1].map()
    assert isinstance(drawn, folium.Map)
    assert "iframe" in drawn._repr_html_()


def test_a_route_ends_where_the_table_says(demo):
    _, result = demo
    best = result.parcels["rank"].idxmin()
    drawn = result.route(best, "grocery")
    assert drawn.length == pytest.approx(result.parcels.loc[best, "grocery_walk_m"], rel=1e-3)
    shop = result.services[result.services["name"] == result.parcels.loc[best, "grocery_service"]]
    assert shop.distance(shapely.get_point(drawn, -1)).min() < 1e-6
    with pytest.raises(KeyError):
        result.route("nobody", "grocery")
    with pytest.raises(KeyError):
        result.route(best, "zoo")


def test_one_failing_file_does_not_lose_the_others(plain_town, tmp_path, monkeypatch):
    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results, "write_ranking", lambda *_, **__: broken())
    few = "suitability.gpkg", "ranking.csv", "map.html", "run.json", "sites.csv"
    with (
        only(*few),
        pytest.raises(ars.OutputError, match="1 of 5 files could not be written") as caught,
    ):
        plain_town.write(tmp_path / "out")
    assert "ranking.csv" in caught.value.message
    assert "No space left" in caught.value.message
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert left == ["map.html", "run.json", "sites.csv", "suitability.gpkg"]
    for name in left:
        assert name in caught.value.hint


def test_an_interrupt_while_writing_keeps_the_old_files_and_no_half_one(
    plain_town, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    write_tables(plain_town, out)
    old = {path.name: path.read_bytes() for path in out.iterdir()}

    def interrupted(path, *_args, **_more):
        path.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(results, "write_geopackage", interrupted)
    with pytest.raises(KeyboardInterrupt):
        plain_town.write(out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == old


def test_every_output_is_written(written):
    assert {path.name for path in written.iterdir()} == set(OUTPUTS)


def test_written_tables_equal_those_in_memory(demo, written):
    _, result = demo
    parcels = gpd.read_file(written / "suitability.gpkg", layer="parcels").set_index("parcel_id")
    assert parcels.crs == result.area.crs
    pd.testing.assert_series_equal(
        parcels["score"], result.parcels["score"], check_names=False, check_index_type=False
    )
    assert parcels["grocery_walk_m"].isna().equals(result.parcels["grocery_walk_m"].isna())
    ranking = pd.read_csv(written / "ranking.csv", sep=";", decimal=",", encoding="utf-8-sig")
    assert len(ranking) == len(result.parcels)
    ranked = ranking["rank"].dropna()
    assert ranked.is_monotonic_increasing
    assert ranking["rank"].iloc[len(ranked) :].isna().all()
    by_id = ranking.set_index("parcel_id")["score"]
    expected = result.parcels["score"].round(2)
    assert np.allclose(by_id.loc[expected.index], expected, equal_nan=True, atol=0.0051)


def test_run_json_tells_where_weights_come_from_and_how_sure_the_order_is(demo):
    _, result = demo
    facts = result.facts()
    told = pd.DataFrame(facts["criteria"]).set_index("key")
    assert (told["weight_source"] == "the shipped set default").all()
    in_use = told[told["normalised_weight"] > 0]
    shares = in_use["weight_in_group"].groupby(in_use["group"]).sum()
    assert shares.to_numpy() == pytest.approx(1, abs=1e-5)
    assert facts["weightings"] == []
    assert facts["score"] == {"method": "weighted_sum", "missing": "require"}
    assert facts["seed"] == result.strategy.robustness.seed
    top = pd.DataFrame(facts["top"])
    assert top["rank"].is_monotonic_increasing
    assert top["rank"].max() <= result.strategy.robustness.top
    assert (top["rank_p05"] <= top["rank_p95"]).all()
    intervals = pd.DataFrame(facts["robustness"]["weight_intervals"]).set_index("key")
    assert set(intervals.index) == set(in_use.index)
    assert len(facts["areas"]) == len(result.areas) == facts["results"]["areas"]


def test_the_geopackage_holds_what_is_judged_beside_the_parcels(demo, written):
    _, result = demo
    layers = set(gpd.list_layers(written / "suitability.gpkg")["name"])
    assert {"parcels", "services", "constraints", "areas", "sites", "run"} <= layers
    assert {"weights", "robustness", "weight_intervals", "methods", "findings"} <= layers
    areas = gpd.read_file(written / "suitability.gpkg", layer="areas").set_index("area_id")
    assert areas["score"].to_dict() == pytest.approx(result.areas["score"].to_dict())
    sites = gpd.read_file(written / "suitability.gpkg", layer="sites").set_index("parcel_id")
    both = result.parcels.loc[sites.index]
    assert sites["score"].to_numpy() == pytest.approx(both["score"].to_numpy(), nan_ok=True)
    assert sites["place_among_parcels"].to_numpy() == pytest.approx(
        both["rank"].to_numpy(dtype=float, na_value=np.nan), nan_ok=True
    )
