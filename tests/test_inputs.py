"""Reading a whole strategy: file and online agree, areas by name and number, reports add up."""

import geopandas as gpd
import osmnx as ox
import pandas as pd
import pytest
import shapely

import arealstrategi as ars
from arealstrategi import inputs
from arealstrategi.inputs.weighting import read_weights
from arealstrategi.sources import web
from arealstrategi.strategy import catalogue_entries
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
    told = {
        "parcels": {"source": str(folder / "plots.gpkg")},
        "robustness": {"enabled": False},
        # every category, but less of the town to fetch
        "criterion": [{"key": key, "full_m": 200, "zero_m": 600} for key in catalogue_entries()],
    }
    from_file = ars.run(ars.Strategy.build(told | {"osm": {"source": str(extract)}}))
    with loopback(extract, {}) as server:
        use(server, monkeypatch, folder)
        server.fail("429", times=1)
        from_web = ars.run(ars.Strategy.build(told))
        asked = server.count("/api/interpreter")
        again = ars.run(ars.Strategy.build(told))
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


def test_a_municipality_is_found_by_name_and_by_number_in_the_extract(demo_inputs):
    def area(**options):
        told = {
            "area": options,
            "parcels": {"source": "grid:500"},
            "osm": {"source": str(demo_inputs / "demo.osm.pbf")},
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


# --- weights that people gave ---

SURVEY = "Svar;Sosiale møteplasser;HEALTH\nKari;3;1\nOla;1;1\nPer;;2\n"


def weighing(tmp_path, *entries, **sections):
    (tmp_path / "svar").mkdir(exist_ok=True)
    (tmp_path / "svar/radet.csv").write_text(sections.pop("survey", SURVEY), encoding="utf-8")
    written = {"parcels": {"source": "a.gpkg"}, "weighting": list(entries), **sections}
    return ars.Strategy.build(written, source=tmp_path / "s.toml")


COUNCIL = {"method": "survey", "table": "svar/radet.csv", "source": "Eldrerådet", "date": "2026"}


def test_a_survey_beside_the_strategy_file_weighs_groups_by_key_or_label(tmp_path):
    # every group in use needs a column: the other three are left out of the strategy
    off = [
        {"key": c.key, "weight": 0}
        for c in weighing(tmp_path).criteria
        if c.group not in {"social", "health"}
    ]
    strategy = weighing(tmp_path, COUNCIL, criterion=off)
    reports = []
    weights = read_weights(strategy, reports)
    by_group = weights.weight.groupby(weights.group).sum()
    assert by_group["social"] == pytest.approx((3 / 4 + 1 / 2) / 2)  # Per did not answer it all
    assert by_group["health"] == pytest.approx((1 / 4 + 1 / 2) / 2)
    assert weights.table["source"]["cafe"] == "Eldrerådet, 2026"
    survey, found = reports
    assert survey.role == "survey"
    assert survey.files == (tmp_path / "svar/radet.csv",)  # its checksum goes into run.json
    assert found.role == "weighting 1"
    assert found.facts["social"] == "0.6250"
    assert found.facts["respondents"] == 2
    assert found.warnings == ("1 of 3 respondents left out: an answer is missing, or all are 0",)


def test_a_survey_about_some_groups_leaves_the_others_as_they_are(tmp_path):
    before = weighing(tmp_path).weigh([])
    weights = read_weights(weighing(tmp_path, COUNCIL | {"items": ["social", "health"]}), [])
    now, then = (one.weight.groupby(one.group).sum() for one in (weights, before))
    together = then["social"] + then["health"]
    assert now["social"] == pytest.approx(together * 5 / 8)
    assert now["health"] == pytest.approx(together * 3 / 8)
    others = ["daily", "transit", "nature"]
    assert now[others].to_numpy() == pytest.approx(then[others].to_numpy())


def test_what_is_wrong_with_a_weighting_names_the_file_or_the_entry(tmp_path):
    with pytest.raises(ars.InputError, match=r"radet\.csv: no column for 'daily'") as caught:
        read_weights(weighing(tmp_path, COUNCIL), [])
    assert "Daglige gjøremål" in caught.value.hint
    gone = weighing(tmp_path, COUNCIL | {"table": "borte.csv"})
    with pytest.raises(ars.InputError, match=r"borte\.csv") as caught:
        read_weights(gone, [])
    assert "[[weighting]] 1" in str(caught.value)
    direct = {"method": "direct", "points": {"sosial": 1}, "source": "x"}
    with pytest.raises(ars.ArealstrategiError, match=r"weighting\[1\].*sosial"):
        read_weights(weighing(tmp_path, direct), [])


def test_check_goes_on_with_the_weights_of_the_strategy_where_a_weighting_is_wrong(tmp_path):
    strategy = weighing(tmp_path, COUNCIL | {"table": "svar/borte.csv"})
    problems = []
    weights = read_weights(strategy, [], problems)
    assert len(problems) == 1
    assert weights.weight.to_dict() == pytest.approx(weighing(tmp_path).weights.to_dict())
    assert weights.weightings == ()


def test_people_who_contradict_themselves_are_named_and_counted(tmp_path):
    pairs = {
        "method": "ahp", "items": ["social", "daily", "health"], "source": "Eldrerådet",
        "person": [
            {"name": "Kari", "upper": [[9, "1/9"], [9]]},
            {"name": "Ola", "upper": [[2, 4], [2]]},
        ],
    }  # fmt: skip
    reports = []
    read_weights(weighing(tmp_path, pairs), reports)
    (told,) = reports
    assert told.facts["people"] == 2
    assert any(text.startswith("Kari: the comparisons contradict") for text in told.warnings)
    assert not any(text.startswith("Ola") for text in told.warnings)
