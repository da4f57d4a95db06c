"""What if: every scenario equals a whole run with the same change, and touches nothing else."""

from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

import arealstrategi as ars
from arealstrategi import scenarios
from arealstrategi.analysis import analyse, read
from arealstrategi.errors import InputError, StrategyError
from arealstrategi.inputs.places import read_opened
from results import write_lauf, write_tables
from street import CRS, write_plots, write_points, write_street


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lauf")


def zones_of(plots, path, first, last):
    """Write the western halves of some parcels as zones."""
    west, south, east, north = plots.geometry.iloc[first:last].bounds.to_numpy().T
    halves = gpd.GeoDataFrame(
        geometry=shapely.box(west, south, (west + east) / 2, north), crs=plots.crs
    )
    halves.to_file(path)
    return str(path)


@pytest.fixture(scope="module")
def sections(shared_data, folder):
    """Return the sections of a strategy for 200 parcels, with rules of every kind."""
    written = write_lauf(shared_data, folder, 200)
    plots = gpd.read_file(folder / "lauf.gpkg")
    middle = plots.geometry.iloc[0].centroid
    for name in ("library", "senior_centre"):
        (folder / f"{name}.csv").write_text(f"navn;x;y\nNytt hus;{middle.x:.2f};{middle.y:.2f}\n")
    rules = [
        {"name": "Flom", "source": zones_of(plots, folder / "flom.gpkg", 0, 40)},
        {"name": "Støy", "source": zones_of(plots, folder / "stoy.gpkg", 20, 80),
         "effect": "deduct", "points": 7},
        {"name": "Ledning", "source": zones_of(plots, folder / "ledning.gpkg", 100, 160),
         "by": "net_area"},
    ]  # fmt: skip
    return {
        **written,
        "robustness": {"enabled": False},
        "areas": {"enabled": False},
        "buildable": {"min_area_m2": 300},
        "constraint": rules,
        "criterion": [
            {"key": "bench"},
            {"key": "cafes", "kind": "count_within", "of": "cafe", "within_m": 800, "full": 5,
             "weight": 0.02, "group": "social"},
        ],
        "gate": [{"group": "social", "min": 30}],
    }  # fmt: skip


def strategy_of(sections, *what_if, **changes):
    return ars.Strategy.build({**sections, **changes, "scenario": list(what_if)})


@pytest.fixture(scope="module")
def base(sections):
    """Return the strategy without scenarios, its inputs and its result."""
    strategy = strategy_of(sections)
    inputs = read(strategy)
    return strategy, inputs, analyse(strategy, inputs)


@pytest.fixture
def played(sections, base, monkeypatch):
    """Play one scenario; return it, and what was walked to anew."""
    asked = []

    def measure(network, parcels, places, category, ids, *, k):
        asked.append((set(category), set(k)))
        return real(network, parcels, places, category, ids, k=k)

    real = scenarios.measure_reach
    monkeypatch.setattr(scenarios, "measure_reach", measure)

    def play(**what_if):
        strategy = strategy_of(sections, {"name": "Hva om", **what_if})
        opened = read_opened(strategy, base[1].area, [])
        result = analyse(strategy, replace(base[1], opened=opened))
        pd.testing.assert_frame_equal(plain(result.parcels), plain(base[2].parcels))
        return result.scenarios[0], asked

    return play


def plain(parcels):
    """Return all that is told of the parcels but how sure the order is."""
    bands = ["rank_p05", "rank_p95", "top_share", "geometry"]
    return pd.DataFrame(parcels.drop(columns=bands, errors="ignore"))


def equal(scenario, result):
    """Compare every column, to the last digit."""
    pd.testing.assert_frame_equal(plain(scenario.parcels), plain(result.parcels), check_exact=True)


def without(base, gone):
    """Run anew without some services."""
    strategy, inputs, _ = base
    left = inputs.services[~gone].reset_index(drop=True)
    return analyse(strategy, replace(inputs, services=left))


def with_opened(inputs, sections, what_if, gone=None):
    """Return the services with those that a scenario opens."""
    strategy = strategy_of(sections, {"name": "Hva om", **what_if})
    left = inputs.services if gone is None else inputs.services[~gone]
    new = read_opened(strategy, inputs.area, [])["Hva om"]
    return gpd.GeoDataFrame(pd.concat([left, new], ignore_index=True), crs=inputs.area.crs)


def changed(scenario, base):
    """Return the columns that differ from the result itself."""
    before, after = plain(base[2].parcels), plain(scenario.parcels)
    assert before.columns.equals(after.columns)
    return {name for name in before if not before[name].equals(after[name])}


# --- closing ----------------------------------------------------------------------------------

VERDICT = {"status", "reasons", "score", "class", "rank", "score_social", "score_if_allowed"}


@pytest.mark.shared
@pytest.mark.parametrize("by", ["category", "service_id", "name"])
def test_closing_the_library_equals_a_run_without_it_and_changes_only_what_it_should(
    base, played, by
):
    services = base[1].services
    libraries = services[services["category"] == "library"]
    nearest = base[2].parcels["library_service"].mode().iloc[0]
    one = libraries[libraries["name"] == nearest].iloc[0]
    scenario, asked = played(close=[one[by]])
    gone = services[by] == one[by]
    assert len(libraries) == 3
    assert scenario.closed == tuple(services["service_id"][gone])
    equal(scenario, without(base, gone))
    # only libraries were walked to
    assert asked == [(set() if by == "category" else {"library"}, {"library"})]
    touched = changed(scenario, base)
    assert touched - VERDICT == {
        f"library_{end}" for end in ("walk_m", "walk_min", "effort_m", "value", "service")
    }
    assert touched >= {"score", "rank"}
    # nobody gains by it, and the comparison tells so
    loss = scenario.parcels["score_if_allowed"] - base[2].parcels["score_if_allowed"]
    assert (loss < 1e-9).all()
    assert (loss < -0.1).any()
    told = scenario.comparison.criteria
    assert told.index[(told["lost"] > 0) | (told["gained"] > 0)].tolist() == ["library"]
    assert (told["weight_change"] == 0).all()


@pytest.mark.shared
def test_what_is_judged_by_another_category_follows_it(base, played):
    """Benches are counted on the way to the shop, cafés around the parcel."""
    services = base[1].services
    scenario, asked = played(close=["cafe", "grocery"])
    gone = services["category"].isin(["cafe", "grocery"])
    equal(scenario, without(base, gone))
    # for the benches the way to the seniors' centre is walked as well; there is none in Lauf
    assert asked == [(set(), {"cafe", "grocery", "senior_centre"})]
    assert {"bench_value", "cafes_value"} <= changed(scenario, base)


@pytest.mark.shared
def test_several_that_close_at_once_equal_a_run_without_them(base, played):
    services = base[1].services
    ids = services["service_id"][services["category"] == "stop"].iloc[::2].tolist()
    scenario, asked = played(close=[*ids, "pharmacy"])
    gone = services["service_id"].isin(ids) | (services["category"] == "pharmacy")
    equal(scenario, without(base, gone))
    assert asked == [({"stop"}, {"stop", "pharmacy"})]


@pytest.mark.shared
def test_where_everything_closes_nobody_has_a_score(base, played):
    services = base[1].services
    scenario, _ = played(close=services["category"].unique().tolist())
    equal(scenario, without(base, services["category"].notna()))
    assert scenario.parcels["score"].isna().all()
    assert scenario.parcels["reasons"].str.contains("no_service_found").all()


# --- opening ----------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize("category", ["library", "senior_centre"])
def test_opening_equals_a_run_with_the_place_added(sections, base, played, folder, category):
    """There are three libraries in Lauf, and no seniors' centre at all."""
    strategy, inputs, result = base
    what_if = {"open": {category: str(folder / f"{category}.csv")}}
    scenario, asked = played(**what_if)
    new = scenario.opened
    assert len(new) == 1
    services = with_opened(inputs, sections, what_if)
    equal(scenario, analyse(strategy, replace(inputs, services=services)))
    keys = {category} if category == "library" else {category, "grocery"}  # benches on both ways
    assert [walked for _, walked in asked] == [keys]
    assert (scenario.parcels[f"{category}_service"] == "Nytt hus").any()
    gain = scenario.parcels["score_if_allowed"] - result.parcels["score_if_allowed"]
    assert (gain > 0.1).any()
    if category == "library":
        assert (gain > -1e-9).all()


# --- rules and weights ------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize("lifted", [["Flom"], ["Støy"], ["Ledning"], ["Flom", "Støy", "Ledning"]])
def test_lifting_a_rule_equals_a_run_without_it(sections, base, played, lifted):
    _, inputs, _ = base
    scenario, asked = played(lift=lifted)
    kept = [rule for rule in sections["constraint"] if rule["name"] not in lifted]
    again = analyse(
        strategy_of(sections, constraint=kept),
        replace(inputs, constraints=tuple(r for r in inputs.constraints if r.name not in lifted)),
    )
    equal(scenario, again)
    assert asked == []
    # it matters, and nothing but the verdict and the ground to build on differs
    differs = changed(scenario, base)
    assert differs - VERDICT <= {"buildable_m2", "buildable_width_m"}
    assert ("buildable_m2" in differs) == ("Ledning" in lifted)
    assert "score" in differs


@pytest.mark.shared
def test_another_set_of_weights_equals_a_run_with_it(sections, base, played):
    scenario, asked = played(weights="equal")
    again = analyse(
        strategy := strategy_of(sections, score={"weights": "equal"}),
        replace(base[1], weights=strategy.weigh([])),
    )
    equal(scenario, again)
    assert asked == []


@pytest.mark.shared
def test_a_share_of_all_leaves_the_others_their_proportions(base, played):
    scenario, asked = played(weight={"doctor": 0.3, "library": 0.1})
    weight, before = scenario.weights.weight, base[2].weights.weight
    assert weight[["doctor", "library"]].tolist() == pytest.approx([0.3, 0.1])
    rest = weight.index.difference(["doctor", "library"])
    assert (weight[rest] / before[rest]).to_numpy() == pytest.approx(0.6 / before[rest].sum())
    assert weight.sum() == pytest.approx(1)
    values = scenario.parcels[[f"{key}_value" for key in weight.index]]
    by_hand = 100 * values.to_numpy() @ weight.to_numpy()
    by_hand -= 7 * scenario.parcels["reasons"].str.contains("Støy")
    assert scenario.parcels["score_if_allowed"].to_numpy() == pytest.approx(by_hand.clip(lower=0))
    assert asked == []


@pytest.mark.shared
def test_everything_at_once_equals_a_run_with_all_of_it(sections, base, played, folder):
    _, inputs, _ = base
    what_if = {
        "close": ["pharmacy"], "open": {"library": str(folder / "library.csv")},
        "weight": {"doctor": 0.3}, "lift": ["Flom"],
    }  # fmt: skip
    scenario, asked = played(**what_if)
    strategy = strategy_of(sections, {"name": "Hva om", **what_if})
    kept = [rule for rule in sections["constraint"] if rule["name"] != "Flom"]
    again = analyse(
        strategy_of(sections, constraint=kept),
        replace(
            inputs,
            services=with_opened(
                inputs, sections, what_if, inputs.services["category"] == "pharmacy"
            ),
            constraints=tuple(rule for rule in inputs.constraints if rule.name != "Flom"),
            weights=strategy.weights_in(strategy.scenario[0], inputs.weights),
        ),
    )
    equal(scenario, again)
    assert [walked for _, walked in asked] == [{"pharmacy", "library"}]


@pytest.mark.shared
def test_scenarios_do_not_touch_each_other(sections, base):
    what_ifs = [
        {"name": "Uten apotek", "close": ["pharmacy"]},
        {"name": "Uten flom", "lift": ["Flom"]},
        {"name": "Like vekter", "weights": "equal"},
    ]
    together = analyse(strategy_of(sections, *what_ifs), base[1]).scenarios
    for what_if, scenario in zip(what_ifs, together, strict=True):
        alone = analyse(strategy_of(sections, what_if), base[1]).scenarios[0]
        assert scenario.name == what_if["name"]
        pd.testing.assert_frame_equal(plain(scenario.parcels), plain(alone.parcels))


# --- names ------------------------------------------------------------------------------------


@pytest.fixture
def town(tmp_path, write_osm):
    """Return the sections of a strategy for a street with a shop and a library."""
    places = [
        (100, 130, {"shop": "supermarket", "name": "Butikken"}),
        (1400, 130, {"amenity": "library", "name": "Biblioteket på hjørnet"}),
        (700, 130, {"amenity": "library"}),
    ]
    return {
        "area": {"crs": f"EPSG:{CRS}"},
        "parcels": {"source": str(write_plots(tmp_path / "t.gpkg", {"a": 200, "b": 1000}))},
        "osm": {"source": str(write_street(write_osm, places))},
        "robustness": {"enabled": False},
        "areas": {"enabled": False},
    }


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("libary", "library"),
        ("Biblioteket på hjørne", "Biblioteket på hjørnet"),
        ("xyzzy", "Give a category such as library"),
        ("", "Give a category such as library"),
    ],
)
def test_a_service_that_is_not_there_is_told_before_the_work_with_the_nearest(town, asked, hint):
    strategy = strategy_of(town, {"name": "Uten", "close": [asked]})
    with pytest.raises(InputError, match=f"no service to close is called '{asked}'") as problem:
        read(strategy)
    assert '[[scenario]] "Uten"' in problem.value.message
    assert hint in problem.value.hint


@pytest.mark.parametrize(
    ("what_if", "told"),
    [
        ({"open": {"libary": "x.csv"}}, ["scenario[1].open", "libary", "library"]),
        ({"lift": ["Flom"]}, ["scenario[1].lift", "Flom"]),
        ({"weights": "equall"}, ["scenario[1].weights", "equall", "equal"]),
        ({"weight": {"docter": 0.3}}, ["scenario[1].weight", "docter", "doctor"]),
        ({"weight": {"doctor": 0.7, "library": 0.4}}, ["more than 1"]),
        ({}, ["changes nothing"]),
    ],
)
def test_what_a_scenario_names_must_be_there(town, what_if, told):
    with pytest.raises(StrategyError) as problem:
        strategy_of(town, {"name": "Hva om", **what_if})
    for part in told:
        assert part in str(problem.value)


def test_two_scenarios_of_one_name_are_refused(town):
    twice = {"name": "Uten", "close": ["library"]}
    with pytest.raises(StrategyError, match="same name"):
        strategy_of(town, twice, twice)


def test_a_file_of_a_place_that_opens_must_be_usable(town, tmp_path):
    what_if = {"name": "Nytt", "open": {"library": str(tmp_path / "nope.csv")}}
    with pytest.raises(InputError, match=r"nope\.csv") as problem:
        read(strategy_of(town, what_if))
    assert '[[scenario]] "Nytt"' in str(problem.value)


def test_a_service_that_closes_is_walked_past_to_the_next(town, tmp_path):
    new = write_points(tmp_path / "ny.csv", [("1", "Ny butikk", 1000, 130)])
    result = ars.run(
        strategy_of(
            town,
            {"name": "Uten", "close": ["Biblioteket på hjørnet"]},
            {"name": "Med", "open": {"grocery": str(new)}},
        )
    )
    before = result.parcels["library_walk_m"]
    closed, opened = (scenario.parcels for scenario in result.scenarios)
    # b lies at 1000 m: 10 m to the street, 380 m to the corner or 300 m to the other
    assert before["b"] == pytest.approx(10 + 300 + 5, abs=1)
    assert closed["library_walk_m"].tolist() == pytest.approx(before.tolist())
    assert opened["grocery_walk_m"]["b"] == pytest.approx(10 + 5, abs=1)
    assert opened["grocery_service"].tolist() == ["Butikken", "Ny butikk"]
    assert opened["library_walk_m"].tolist() == before.tolist()


def test_each_scenario_has_its_layer_and_its_place_in_the_facts(town, tmp_path):
    result = ars.run(
        strategy_of(
            town,
            {"name": "Uten bibliotek", "close": ["library"]},
            {"name": "Like vekter", "weights": "equal"},
        )
    )
    write_tables(result, tmp_path / "out")
    path = tmp_path / "out/suitability.gpkg"
    names = [name for name, _ in pyogrio.list_layers(path)]
    assert {"difference_1", "difference_2"} <= set(names)
    layer = gpd.read_file(path, layer="difference_1").set_index("parcel_id")
    expected = result.scenarios[0].parcels["score"] - result.parcels["score"]
    assert layer["score_change"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-6)
    assert set(layer["why"]) == {"library"}
    told = result.facts()["scenarios"]
    assert [one["name"] for one in told] == ["Uten bibliotek", "Like vekter"]
    assert sorted(told[0]["closed"]) == ["n102", "n103"]
