"""Reading a whole strategy: file and online agree, areas by name and number, reports add up."""

import geopandas as gpd
import osmnx as ox
import pandas as pd
import pytest
import shapely

import arealstrategi as ars
from arealstrategi import inputs
from arealstrategi.sources import web
from arealstrategi.sources.demo import write_demo
from loopback import loopback


@pytest.fixture
def middle_of_lauf(shared_data, tmp_path):
    """Forty parcels in the middle of Lauf, and the extract."""
    plots = gpd.read_file(shared_data / "lauf/parcels.gpkg")
    middle = shapely.Point(665_100, 5_486_700)
    near = plots[plots.distance(middle) < 120].iloc[:40]
    near.to_file(tmp_path / "plots.gpkg")
    return tmp_path, shared_data / "lauf/lauf-200115.osm.pbf"


def use(server, monkeypatch, tmp_path):
    monkeypatch.setattr(ox.settings, "overpass_url", server.overpass_url)
    monkeypatch.setattr(ox.settings, "nominatim_url", server.nominatim_url)
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))
    monkeypatch.chdir(tmp_path)


@pytest.mark.shared
def test_a_run_from_the_web_gives_what_the_file_gives(middle_of_lauf, monkeypatch):
    folder, extract = middle_of_lauf
    plots = {"source": str(folder / "plots.gpkg")}
    from_file = ars.run(ars.Strategy.build({"parcels": plots, "osm": {"source": str(extract)}}))
    with loopback(extract, {}) as server:
        use(server, monkeypatch, folder)
        server.fail("429", times=1)
        from_web = ars.run(ars.Strategy.build({"parcels": plots}))
        asked = server.count("/api/interpreter")
        again = ars.run(ars.Strategy.build({"parcels": plots}))
        assert server.count("/api/interpreter") == asked  # the second time from the cache
    assert list((folder / "data/cache").glob("*.osm.pbf"))
    for result in (from_web, again):
        pd.testing.assert_frame_equal(
            pd.DataFrame(result.parcels.drop(columns="geometry")),
            pd.DataFrame(from_file.parcels.drop(columns="geometry")),
        )
        key = ["service_id", "category", "name", "kind"]
        ours, theirs = (
            r.services[key].sort_values(key).reset_index(drop=True) for r in (result, from_file)
        )
        pd.testing.assert_frame_equal(ours, theirs)


@pytest.mark.shared
def test_a_service_that_stays_away_is_one_clear_error(middle_of_lauf, monkeypatch):
    folder, extract = middle_of_lauf
    strategy = ars.Strategy.build({"parcels": {"source": str(folder / "plots.gpkg")}})
    with loopback(extract, {}) as server:
        use(server, monkeypatch, folder)
        server.fail("cut", times=99)
        with pytest.raises(ars.OnlineError, match=r"127\.0\.0\.1") as caught:
            ars.run(strategy)
    assert caught.value.hint
    assert not list(folder.rglob("*.osm.pbf"))


def test_a_municipality_is_found_by_name_and_by_number_in_the_extract(tmp_path):
    folder = write_demo(tmp_path).parent

    def area(**options):
        told = {
            "area": options,
            "parcels": {"source": "grid:500"},
            "osm": {"source": str(folder / "demo.osm.pbf")},
        }
        return inputs.read(ars.Strategy.build(told)).area

    by_name, by_number = area(boundary="osm:Fjordvik"), area(kommune="9999")
    assert by_name.name == by_number.name == "Fjordvik"
    assert by_name.boundary.equals(by_number.boundary)
    with pytest.raises(
        ars.InputError, match="no administrative area with the name 'Oslo'"
    ) as caught:
        area(boundary="osm:Oslo")
    assert "Fjordvik" in caught.value.hint
    with pytest.raises(ars.InputError, match="number '0301'"):
        area(kommune="0301")


@pytest.mark.shared
def test_the_reports_count_what_was_read(shared_data):
    strategy = ars.Strategy.build(
        {
            "area": {"boundary": "osm:Vaduz"},
            "parcels": {"source": "grid:250"},
            "osm": {"source": str(shared_data / "liechtenstein/liechtenstein-latest.osm.pbf")},
        }
    )
    read = inputs.read(strategy)
    told = {report.role: report for report in read.reports}
    assert told["osm"].facts["services"] == len(read.services)
    assert told["osm"].facts["ways"] == len(read.ways)
    assert told["boundary"].facts["area"] == "Vaduz"
    assert read.area.margin_m == strategy.margin_m + inputs.BEYOND_M
    assert read.services.within(read.area.reach.buffer(1e-6)).sum() >= 1
    assert read.services.intersects(read.area.reach).all()
    outside = ~read.services.intersects(read.area.boundary)
    assert outside.any()  # services outside the boundary count


def test_a_name_needs_an_extract_to_look_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    strategy = ars.Strategy.build(
        {"area": {"boundary": "osm:Vaduz"}, "parcels": {"source": "grid:250"}}
    )
    with pytest.raises(ars.InputError, match="there is none"):
        inputs.read(strategy)
