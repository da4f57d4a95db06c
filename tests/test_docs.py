"""What README and the documentation say is what the program does."""

import json
import re
import runpy
import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import arealstrategi as ars
from arealstrategi import scoring
from arealstrategi import weights as weighing
from arealstrategi.access import SLOW_DECAY, floating_catchment
from arealstrategi.areas import AreaRules, recommend_areas
from arealstrategi.buildable import net_buildable
from arealstrategi.cli import app
from arealstrategi.criteria import walk_value
from arealstrategi.evidence import answer_by_share
from arealstrategi.export.labels import words
from arealstrategi.inputs import BEYOND_M
from arealstrategi.network import build_network
from arealstrategi.quality import EXTREME_DETOUR, LEAST_EXTRA_M, NETWORK, extreme_detours
from arealstrategi.reach.barriers import STATUSES as WAY_STATUSES
from arealstrategi.reach.catchments import BESIDE_M, LARGEST_FILLED_M2
from arealstrategi.robustness import RobustnessOptions, sample_weights, weight_intervals
from arealstrategi.robustness.methods import overlap
from arealstrategi.sources.demo import write_demo
from arealstrategi.strategy import catalogue_entries, json_schema
from arealstrategi.tables import CLASSES
from arealstrategi.values import ValueFunction, linear, value_of
from arealstrategi.walker import PROFILE_NAMES, number_table, profile, walk_costs
from arealstrategi.walker.costs import LONGEST_TAGGED_M, RAMP_TIME_FACTOR, STEEPEST_TAG_PCT
from towns import make_ways

ROOT = Path(__file__).resolve().parents[1]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci/run").read_text(encoding="utf-8")
PROSE = {"README.md": README, **PAGES}
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# the contract's columns of a row that has a walk and a column criterion, in order
CONTRACT = [
    "parcel_id", "label", "area_m2", "status", "reasons", "score", "class", "rank", "municipal",
    "KEY_walk_m", "KEY_walk_min", "KEY_effort_m", "KEY_value", "KEY_service",
    "KEY_raw", "KEY_value", "rank_p05", "rank_p95", "top_share",
    "score_safe", "score_central", "score_social", "score_if_allowed",
    "buildable_m2", "buildable_width_m", "property",
]  # fmt: skip
# and its strategy file
KEYS = {
    "At the top": "title language",
    "`[area]`": "boundary kommune place crs",
    "`[parcels]`": "source layer id min_area_m2 municipal_land",
    "`[osm]`": "source",
    "`[terrain]`": "elevation",
    "`[walker]`": "profile season direction ferries flat_speed_m_s uphill steps_time_factor",
    "`[score]`": "method alpha weights catalogue",
    "`[[criterion]]`": "key kind weight full_m zero_m k decay points osm column full zero",
    "`[[constraint]]`": "name source where effect coverage",
    "`[output]`": "dir audience",
}


def fenced(text, language):
    return [block for name, block in FENCED.findall(text) if name == language]


def section(page, title):
    return page.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def first_column(text):
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


# ---- what is generated ----


@pytest.mark.parametrize("name", sorted(PAGES))
def test_generated_parts_are_up_to_date(name):
    tables = runpy.run_path(str(ROOT / "docs/tables.py"))
    assert tables["fill"](PAGES[name]) == PAGES[name], "run python docs/tables.py"


def test_each_generated_part_stands_on_a_page():
    tables = runpy.run_path(str(ROOT / "docs/tables.py"))
    marked = [name for page in PAGES.values() for name in re.findall(r"<!-- begin (\w+)", page)]
    assert sorted(marked) == sorted(tables["PARTS"])


def test_the_published_schema_is_the_programs():
    published = (ROOT / "docs/strategy.schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == json_schema(), "run python docs/tables.py"


@pytest.mark.parametrize(("title", "keys"), KEYS.items())
def test_every_key_of_the_contract_is_in_the_reference(title, keys):
    told = PAGES["strategy.md"].split(f"\n### {title}\n", 1)[1].split("\n### ", 1)[0]
    assert set(keys.split()) <= set(first_column(told))


# ---- commands ----


def test_readme_has_exactly_two_commands_and_ci_runs_these_very_lines():
    commands = [line for block in fenced(README, "sh") for line in block.splitlines()]
    asked = re.findall(r"^\w+=\$\(readme_command '(.+?)'\)", CI, re.MULTILINE)
    assert len(commands) == len(asked) == 2
    found = [line for end in asked for line in README.splitlines() if line.endswith(end)]
    assert sorted(found) == sorted(commands)
    # and nothing in CI stands in for them
    assert not [command for command in commands if command in CI]


def test_readmes_commands_install_with_the_pins_and_extras_that_there_are():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for block in fenced(README, "sh"):
        install, run = block.strip().split(" && ")
        assert install.startswith("python -m pip install -c constraints.txt ")
        asked = re.findall(r"\[(\w+)\]", install)
        assert set(asked) <= set(extras["optional-dependencies"])
        assert run in {"python -m arealstrategi demo", "python -m pytest -n auto"}


def test_the_extras_that_the_text_names_are_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {
        extra
        for text in PROSE.values()
        for extras in re.findall(r"(?:arealstrategi|\"\.)\[([\w,]+)\]", text)
        for extra in extras.split(",")
    }
    assert {"sensitivity", "test"} <= named <= set(project["optional-dependencies"])


def test_every_command_in_the_text_is_one_of_the_program():
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    texts = [*PROSE.values(), (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")]
    code = [code for text in texts for code in re.findall(r"`([^`]+)`", text)]
    said = {name for text in code for name in re.findall(r"\barealstrategi (?!as )(\w+)", text)}
    assert {"demo", "new", "check", "run"} <= said <= known


# ---- columns and files ----


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = write_demo(tmp_path_factory.mktemp("demo"))
    more = path.with_name("more.toml")
    more.write_text(
        path.read_text(encoding="utf-8") + "\n[buildable]\nmin_area_m2 = 200\nmin_width_m = 8\n"
        "[robustness]\ndraws = 100\ndistance_draws = 10\n",
        "utf-8",
    )
    return ars.run(ars.Strategy.read(more))


@pytest.fixture(scope="module")
def written(result, tmp_path_factory):
    """The files of that run."""
    return result.write(tmp_path_factory.mktemp("written"))


@pytest.fixture(scope="module")
def package(written):
    return next(path for path in written if path.suffix == ".gpkg")


def test_every_column_of_the_contract_is_documented_in_order():
    assert first_column(section(PAGES["outputs.md"], "`parcels`")) == CONTRACT


def test_the_documented_parcel_columns_are_those_of_a_run(result):
    told = first_column(section(PAGES["outputs.md"], "`parcels`"))
    first = [at for at, name in enumerate(told) if name.startswith("KEY_")]
    walk = told[first[0] : first[5]]
    keys = [f"{key}{name.removeprefix('KEY')}" for key in result.criteria.index for name in walk]
    written = [*told[: first[0]], *keys, *told[first[-1] + 1 :], "geometry"]
    assert list(result.parcels.reset_index().columns) == written


def test_every_reason_that_the_program_can_give_is_documented():
    codes = {key.removeprefix("reason.") for key in words("en") if key.startswith("reason.")}
    told = section(PAGES["outputs.md"], "`parcels`").split("Codes in `reasons`:")[1]
    assert codes <= set(re.findall(r"`(\w+)(?:: \w+)?`", told))


def test_every_dataset_names_a_test_that_there_is():
    tests = "".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    named = re.findall(r"`(test_\w+)` \|$", PAGES["data.md"], re.MULTILINE)
    assert len(named) >= 15
    assert [name for name in named if f"def {name}(" not in tests] == []


def test_the_documented_findings_are_those_of_a_run(result):
    told = first_column(section(PAGES["outputs.md"], "`findings`"))
    assert list(result.findings.columns) == told
    hits = (result.constraints != "no_hit").to_numpy().sum()
    assert len(result.findings) == hits > 0


def test_the_documented_service_columns_are_those_of_a_run(result):
    told = first_column(section(PAGES["outputs.md"], "`services`"))
    assert list(result.services.columns) == [*told, "geometry"]


def test_the_documented_barrier_columns_are_those_of_a_run(result, package):
    told = first_column(section(PAGES["outputs.md"], "`barriers`"))
    assert list(result.barriers.columns) == told
    layers = pyogrio.list_layers(package)
    assert {name for name, kind in layers if kind is None} == {
        "barriers", "findings", "layer_styles", "methods", "robustness", "run", "site_findings",
        "weight_intervals", "weights",
    }  # fmt: skip
    walks = pyogrio.read_dataframe(package, layer="barriers")
    assert list(walks.columns) == told
    assert set(walks["status"]) <= {"reached", "no_step_free_way"}


def test_every_column_of_every_layer_and_table_is_documented(result, package):
    told = set(re.findall(r"`(\w+)`", PAGES["outputs.md"]))
    keys = sorted(result.criteria.index, key=len, reverse=True)
    unknown = set()
    for layer, _ in pyogrio.list_layers(package):
        for column in pyogrio.read_info(package, layer=layer)["fields"]:
            key = next((key for key in keys if column.startswith(f"{key}_")), None)
            name = f"KEY_{column.removeprefix(f'{key}_')}" if key else column
            if name not in told and layer != "layer_styles":
                unknown.add(f"{layer}.{column}")
        assert re.sub(r"_\d+$", "", layer) in {name.removesuffix("_1") for name in told}, layer
    assert unknown == set()


def test_the_statuses_of_a_walk_are_as_told():
    assert first_column(section(METHOD, "4. The nearest services of each kind")) == [*WAY_STATUSES]


def test_the_documented_facts_of_the_network_are_those_of_a_run(result):
    told = section(PAGES["outputs.md"], "`run.json`").split("### The walking network")[1]
    facts = next(report for report in result.reports if report.role == NETWORK).facts
    words_told = set(re.findall(r"\w+", told))
    for fact in facts:
        assert set(re.findall(r"\w+", fact)) <= words_told, fact


def test_the_documented_methods_are_those_of_a_result(result):
    told = re.findall(r"^\| `result\.(\w+)", PAGES["outputs.md"], re.MULTILINE)
    assert {"catchment", "route_pieces", "barriers", "detours"} <= set(told)
    assert all(hasattr(result, name) for name in told)


def test_the_documented_facts_are_those_of_run_json(result):
    told = section(PAGES["outputs.md"], "`run.json`")
    told = told.split("\n### ")[0]
    keys = [k for row in re.findall(r"^\| (`.+?`) \|", told, re.MULTILINE) for k in row.split(", ")]
    assert {key.strip("`") for key in keys} == set(result.facts())


def test_the_files_that_are_named_are_those_that_are_written(written):
    tables = (
        section(README, "What comes out"),
        PAGES["outputs.md"].split("\n## ")[0],
        section(PAGES["veiledning.md"], "7. Kjør"),
    )
    for text in tables:
        rows = re.findall(r"^\| (`.+?`) \|", text, re.MULTILINE)
        named = [name for row in rows for name in re.findall(r"`([\w.]+)`", row)]
        assert sorted(named) == sorted(path.name for path in written)


# ---- strategies in the text ----


STRATEGIES = [
    pytest.param(block, id=f"{name}-{number}")
    for name, text in PROSE.items()
    for number, block in enumerate(fenced(text, "toml"), start=1)
]


@pytest.mark.parametrize("block", STRATEGIES)
def test_every_strategy_in_the_text_is_accepted(block):
    written = {"parcels": {"source": "teig.gpkg"}} | tomllib.loads(block)
    assert ars.Strategy.build(written).criteria


# ---- the worked numbers of the method page ----

METHOD = PAGES.get("method.md", "")
VALUES = pd.DataFrame({"grocery": [0.6], "stop": [1.0], "park": [0.0]})
WEIGHTS = pd.Series({"grocery": 0.5, "stop": 0.3, "park": 0.2})


def test_the_margin_is_as_worked_out():
    largest = max(entry["zero_m"] for entry in catalogue_entries().values())
    assert f"the largest `zero_m` is {largest} m," in METHOD
    assert f"the margin is **{largest + BEYOND_M:.0f} m**" in METHOD


def test_the_values_are_as_worked_out():
    value = linear(np.array([640.0, 400.0, 300.0, 1000.0, np.inf]), 400, 1000)
    assert value.tolist() == pytest.approx([0.6, 1, 1, 0, 0])
    assert "(1000 − 640) / (1000 − 400)\n= **0.6**" in METHOD
    assert linear(np.array([50.0]), 45, 65).tolist() == pytest.approx([0.75])
    assert "(65 − 50) / (65 − 45) = **0.75**" in METHOD
    grocery, stop, park = (catalogue_entries()[key] for key in ("grocery", "stop", "park"))
    assert (grocery["full_m"], grocery["zero_m"]) == (400, 1000)
    assert stop["full_m"] == 300
    assert park["zero_m"] <= 840


@pytest.mark.parametrize(
    ("shape", "x", "told"),
    [
        ({"full": 400, "zero": 1000}, 640, "640 is worth **{:.2f}**"),
        (
            {"function": "piecewise", "curve": [[200, 1], [600, 0.5], [1000, 0]]},
            400,
            "400 is worth **{:.2f}**",
        ),
        ({"function": "step", "curve": [[400, 1], [800, 0.5]]}, 800, "800 is worth **{:.2f}**"),
        ({"function": "step", "curve": [[400, 1], [800, 0.5]]}, 801, "801 is worth **{:.2f}**"),
        (
            {"function": "exponential", "full": 400, "zero": 1000, "half": 600},
            700,
            "`half` 600: 700 is worth **{:.2f}**",
        ),
        (
            {"function": "logistic", "half": 600, "steepness": 0.01},
            700,
            "`steepness` 0.01: 700 is worth **{:.2f}**",
        ),
        ({"function": "gaussian", "sigma": 400}, 400, "`sigma` 400: 400 is worth **{:.2f}**"),
        (
            {"function": "trapezoid", "corners": [500, 2000, 8000, 20000]},
            1250,
            "1250 m² is worth **{:.2f}**",
        ),
    ],
)
def test_other_shapes_of_value_are_as_worked_out(shape, x, told):
    value = value_of(ValueFunction(**shape), np.array([float(x)]))[0]
    assert told.format(value) in METHOD


def as_list(weights, places=3):
    return ", ".join(f"{share:.{places}f}" for share in weights)


def test_ways_to_weights_are_as_worked_out():
    points = pd.Series([60.0, 30, 10]), pd.Series([100.0, 50, 50])
    assert f"points 60, 30, 10: **{as_list(weighing.direct(points[0]), 2)}**" in METHOD
    assert f"100, 50, 50: **{as_list(weighing.swing(points[1]), 2)}**" in METHOD
    for way in (weighing.roc, weighing.rank_sum, weighing.rank_reciprocal):
        assert f"three: **{as_list(way(['a', 'b', 'c']))}**" in METHOD
    found = weighing.ahp(["a", "b", "c"], [[3, 5], [2]])
    assert f"b 2 times c: **{as_list(found.weights)}**" in METHOD
    assert f"CR is **{found.consistency_ratio:.3f}**" in METHOD


def test_a_value_that_is_left_out_is_as_worked_out():
    values = pd.DataFrame({"grocery": [0.6], "stop": [1.0], "park": [np.nan]})
    kept, lacks = scoring.complete(values, WEIGHTS, "reweight")
    score = 100 * scoring.aggregate(kept, WEIGHTS)[0]
    assert not lacks[0]
    assert f"(0.5 × 0.6 + 0.3 × 1) / 0.8 = **{score:.1f}**" in METHOD


def test_the_worst_policy_is_as_worked_out():
    values = pd.DataFrame({"grocery": [0.6], "stop": [1.0], "park": [np.nan]})
    counted, _ = scoring.complete(values, WEIGHTS, "worst")
    score = 100 * scoring.aggregate(counted, WEIGHTS)[0]
    assert f"(0.5 × 0.6 + 0.3 × 1 + 0.2 × 0) = **{score:.1f}**" in METHOD


def test_detours_are_as_worked_out():
    walks = pd.DataFrame(
        {
            "parcel_id": ["a", "b"],
            "category": "stop",
            "walk_m": [620.0, 200],
            "straight_m": [200, 60],
        }
    )
    walks["detour"] = walks["walk_m"] / walks["straight_m"]
    assert extreme_detours(walks)["parcel_id"].tolist() == ["a"]
    assert f"detour 620 / 200 = **{walks['detour'][0]:.1f}**, and 420 m longer" in METHOD


def criterion(key, **written):
    told = {
        "parcels": {"source": "x"},
        "terrain": {"elevation": ["x.tif"]},
        "criterion": [{"key": key, **written}],
    }
    return next(c for c in ars.Strategy.build(told).criteria if c.key == key)


def test_other_kinds_of_criteria_are_as_worked_out():
    flat = criterion("flat", kind="slope", weight=0.1, group="nature")
    near = criterion(
        "near", kind="count_within", of="cafe", within_m=800, full=5, weight=0.1, group="social"
    )
    centre = criterion("centre", source="x.gpkg")
    bench = criterion("bench")
    told = {
        "(0.75 − 0.5) / (1 − 0.5) = **{:.2f}**": (flat, 0.75),
        "worth 3 / 5 = **{:.2f}**, seven are worth 1": (near, 3.0),
        "worth 1 − 400 / 1000 = **{:.2f}**": (centre, 400.0),
        "mean and value **{:.2f}**": (bench, (100 * 2 / 400 + 0) / 2),
    }
    text = METHOD.replace("\n", " ")
    for sentence, (kind, measured) in told.items():
        assert sentence.format(value_of(kind.worth, np.array([measured]))[0]) in text
    assert value_of(near.worth, np.array([7.0]))[0] == 1


def test_groups_and_gates_are_as_worked_out():
    groups = pd.Series({"grocery": "central", "stop": "central", "park": "safe"})
    central = scoring.group_scores(VALUES, WEIGHTS, groups)["central"][0]
    text = METHOD.replace("\n", " ")
    assert f"(0.5 × 0.6 + 0.3 × 1) / (0.5 + 0.3) = **{central:.1f}**; the park" in text
    gates = [scoring.Gate(group="social", min=25)]
    below = scoring.below_gates(pd.DataFrame({"social": [20.0, 25.0]}), gates)
    classes = pd.Series(["very_suitable"] * 2)
    assert scoring.cap_classes(classes, below, gates).tolist() == ["suitable", "very_suitable"]
    assert "a social group of 20 is `suitable`, not `very_suitable`; one with 25" in text


def test_orness_and_trade_off_are_as_worked_out():
    text, order = METHOD.replace("\n", " "), scoring.order_weights(2.0, 3)
    assert f"with alpha 2 it is **{scoring.orness(2.0):.2f}**" in text
    assert f"o is {as_list(order)} and the trade-off **{scoring.trade_off(order):.2f}**" in text


def test_several_people_are_joined_as_worked_out():
    two, half, four, one = (weighing.matrix_of([[answer]]) for answer in (2, 1 / 2, 4, 1))
    apart = weighing.geometric_mean_of([two, half])[0, 1]
    alike = weighing.geometric_mean_of([four, one])[0, 1]
    text = METHOD.replace("\n", " ")
    assert f"make √(2 × 1/2) = **{apart:.2f}**, 4 and 1 make **{alike:.2f}**" in text


def test_slivers_are_as_worked_out():
    answers = answer_by_share(np.array([6, 4]) / 1000, None, pd.Index(["a", "b"]))["answer"]
    assert answers.tolist() == ["hit", "no_hit"]
    assert "6 m² of a parcel of 1,000 m² are a hit, 4 m² are none" in METHOD.replace("\n", " ")


def test_what_can_be_built_on_is_as_worked_out():
    plot = gpd.GeoSeries([shapely.box(0, 0, 40, 34)], crs=25832)
    flood = gpd.GeoSeries([shapely.box(0, 18, 40, 30)], crs=25832)
    left = net_buildable(plot, [flood], strip_m=6).iloc[0]
    assert f"**{left['net_m2']:.0f}** m² are left, and the largest circle is" in METHOD
    assert f"circle is **{left['widest_m']:.0f}** m wide" in METHOD


SURE = PAGES.get("robustness.md", "")


def test_how_much_a_weight_can_change_is_as_worked_out():
    values = pd.DataFrame({"grocery": [0.9, 0.5], "stop": [0.3, 0.8]}, index=["A", "B"])
    weights = pd.Series({"grocery": 0.6, "stop": 0.4})
    scores = 100 * scoring.aggregate(values, weights)
    assert f"| A | 0.9 | 0.3 | {scores['A']:.0f} |" in SURE
    assert f"| B | 0.5 | 0.8 | {scores['B']:.0f} |" in SURE
    low = weight_intervals(values, weights).loc["grocery", "low"]
    assert f"at t = 0.5 / 0.9 = **{low:.3f}**. So groceries may have {low:.3f}" in SURE


def test_how_weights_are_drawn_is_as_worked_out():
    options = RobustnessOptions()
    weights = pd.Series({"a": 0.2, "b": 0.8})
    drawn = sample_weights(weights, 100_000, np.random.default_rng(1), kappa=options.concentration)
    spread = np.sqrt(0.2 * 0.8 / (options.concentration + 1))
    assert f"√(0.2 × 0.8 / 31) = **{spread:.3f}**" in SURE
    assert drawn[:, 0].std() == pytest.approx(spread, rel=0.02)
    text = SURE.replace("\n", " ")
    assert f"at random, {options.draws:,} of them" in text
    assert f"varied {options.distance_draws} times" in text
    assert f"`distance_sd`, {options.distance_sd})" in text
    assert f"`drop_share` ({options.drop_share})" in text


def test_how_like_two_tops_are_is_as_worked_out():
    rank = np.arange(23)
    told = overlap(rank < 20, rank >= 3)
    assert f"share 17 / (20 + 20 − 17) = **{told:.2f}**" in SURE


def test_which_neighbour_is_joined_is_as_worked_out():
    """A seed, a square half beside it, and a longer strip of a higher score."""
    seed, square, strip = (
        shapely.box(0, 0, 60, 30), shapely.box(0, 30, 60, 60), shapely.box(60, 0, 270, 30),
    )  # fmt: skip
    parcels = gpd.GeoDataFrame(
        {"area_m2": [1800.0, 1800.0, 6300.0], "score": [95.0, 80.0, 90.0]},
        geometry=[seed, square, strip],
        crs=25832,
        index=pd.Index(["seed", "square", "strip"], name="parcel_id"),
    ).assign(status="assessed", municipal="unknown", **{"class": "very_suitable"})
    whole = {name: shapely.union_all([seed, shape]) for name, shape in parcels.geometry[1:].items()}
    roundness = {name: 4 * np.pi * shape.area / shape.length**2 for name, shape in whole.items()}
    worth = {
        name: 0.7 * parcels.loc[name, "score"] / 100 + 0.3 * shape
        for name, shape in roundness.items()
    }
    text = SURE.replace("\n", " ")
    assert f"4 π / 16 = **{roundness['square']:.3f}**, counts 0.7 × 0.8 + 0.3 × 0.785" in text
    assert f"0.3 × 0.785 = **{worth['square']:.3f}**; one with 90" in text
    assert f"shape **{roundness['strip']:.3f}**," in text
    assert f"0.3 × 0.283 = **{worth['strip']:.3f}**, and waits" in text
    found, _ = recommend_areas(parcels, AreaRules(max_area_m2=9000, min_area_m2=1000))
    assert set(found["parcels"]) == {"seed;square", "strip"}, "either would have fitted alone"


def test_areas_are_as_worked_out():
    shapes = [shapely.box(0, 0, 60, 50), shapely.box(60, 0, 80, 50)]
    parcels = gpd.GeoDataFrame(
        {
            "area_m2": [3000.0, 1000.0],
            "status": "assessed",
            "score": [80.0, 60.0],
            "class": ["very_suitable", "suitable"],
            "municipal": "unknown",
            "buildable_m2": [6400.0, 1000.0],
        },
        geometry=shapes,
        crs=25832,
        index=pd.Index(["a", "b"], name="parcel_id"),
    )
    rules = AreaRules()
    area = recommend_areas(parcels, rules)[0].iloc[0]
    assert f"60 on 1 000 m² make **{area['score']:.1f}**" in SURE.replace("\n", " ")
    assert f"7 400 m² make **{area['dwellings']}**" in SURE
    assert f"with {rules.dwellings_per_ha:g} a hectare" in SURE
    assert f"More than {rules.shared_space_over} dwellings" in SURE


def test_contributions_are_as_worked_out():
    told = 0.141 * (0.6 - 0.35) * 100, 0.141 * (1 - 0.6) * 100
    assert f"0.141 × 0.25 × 100 = **+{told[0]:.1f}** points" in SURE
    assert f"0.141 × 0.4 × 100 = up to **{told[1]:.1f}** points" in SURE


def test_supply_per_resident_is_as_worked_out():
    pairs = pd.DataFrame({"origin": [0, 1], "service": [0, 0], "effort_m": [300.0, 700.0]})
    found = floating_catchment(pairs, [20, 50], [10], steps_m=(400, 800, 1200))
    assert f"10 / (20 + 0.68 × 50) = **{found.ratio[0]:.3f}** places" in SURE
    assert f"0.68 × 0.185 = **{found.access[1]:.3f}**" in SURE
    assert ", ".join(f"{weight:g}" for weight in SLOW_DECAY) in SURE


def seconds(*xy, walker=("senior",), nodes=None, tags=None, z=None):
    """Seconds there and back along the first way; a second one crosses it at its middle node."""
    ways = [[*range(len(xy))]] if tags is None or len(tags) == 1 else [[0, 1, 2], [3, 1, 4]]
    made = make_ways(xy, *ways, tags=tags, nodes=nodes, z=z)
    costs = walk_costs(made, profile(*walker))
    return costs.seconds[made.segments.way == 0].sum(axis=0)


def on_street(length, walker=("senior",), rise=0.0, **tags):
    way = [{"highway": "footway"} | tags]
    return seconds((0, 0), (length, 0), walker=walker, tags=way, z=(0.0, rise))


def test_walks_uphill_are_as_worked_out():
    up, down = on_street(200, rise=10)
    assert "200 / 1 × 1.33 = 266 s |" in METHOD
    assert f"together **{up:.0f} s**; downhill {down:.0f} s" in METHOD
    both = (up + down) / 2
    assert f"cost a senior {up:.0f} s up and {down:.0f} s down" in METHOD
    assert f"/ 2 / 60 = **{both / 60:.2f}** and `effort_m` **{both:.0f}**" in METHOD
    icy, _ = on_street(200, ("senior", "winter"), rise=10)
    effort = icy * profile("senior", "winter").flat_speed_m_s
    told = f"take a senior {icy:.0f} s instead of {up:.0f} s; the effort is {effort:.0f} m instead"
    assert told in METHOD.replace("\n", " ")


def test_there_and_back_is_the_mean_of_both_ways():
    ways = make_ways([(0, 0), (200, 0)], [0, 1], z=(0, 10))
    there = build_network(ways, profile("senior"), direction="to").edge_s[0]
    both = build_network(ways, profile("senior")).edge_s[0]
    assert both.tolist() == pytest.approx([there.mean()] * 2)


def test_ground_light_and_sidewalks_are_as_worked_out():
    gravel, rolled = (
        on_street(100, surface="gravel")[0],
        on_street(100, ("rollator",), surface="gravel")[0],
    )
    assert (
        f"100 × 1.2 = **{gravel:.0f} s**; with a rollator 100 / 0.8 × 2 = **{rolled:.0f} s**"
        in METHOD
    )
    dark = on_street(100, rise=3, surface="gravel", lit="no")[0]
    assert f"100 × 1.2 × 1.2 × 1.1 + 3 × 2 = **{dark:.1f} s**" in METHOD
    bare = on_street(100, highway="tertiary", sidewalk="no")[0]
    assert f"| 100 m: 100 × 1.2 = **{bare:.0f} s** |" in METHOD
    assert on_street(100, highway="residential", sidewalk="no")[0] == pytest.approx(100)


def test_steps_are_as_worked_out():
    steps = on_street(20, highway="steps", rise=5)[0]
    assert f"20 m of steps: 20 × 3 = **{steps:.0f} s**" in METHOD
    assert np.isinf(on_street(20, ("rollator",), highway="steps")[0])
    ramp = on_street(20, ("rollator",), **{"highway": "steps", "ramp:wheelchair": "yes"})[0]
    assert ramp == pytest.approx(20 / 0.8 * RAMP_TIME_FACTOR)
    assert "at three times the time" in METHOD
    assert RAMP_TIME_FACTOR == 3


def test_crossings_and_kerbs_are_as_worked_out():
    cross = [(0, 0), (50, 0), (100, 0), (50, 50), (50, -50)]
    kinds = [{"highway": "footway"}, {"highway": "tertiary"}]
    plain = seconds(*cross, tags=kinds)[0]
    signal = seconds(*cross, tags=kinds, nodes={1: {"crossing": "traffic_signals"}})[0]
    assert f"100 + 10 = **{plain:.0f} s**, at a signal 100 + 22 = **{signal:.0f} s**" in METHOD
    kerb = {"nodes": {1: {"kerb": "raised"}}, "tags": kinds[:1]}
    one = seconds(*cross[:3], **kerb)[0]
    rolled = seconds(*cross[:3], walker=("rollator",), **kerb)[0]
    told = f"100 + 2 = **{one:.0f} s**, with a rollator 100 / 0.8 + 8 = **{rolled:.0f} s**"
    assert told in METHOD


def test_the_walk_is_as_worked_out():
    took = on_street(100)[0] + on_street(20, highway="steps")[0]
    assert f"`walk_min` is **{took / 60:.2f}**" in METHOD
    assert f"`effort_m` is **{took * profile('senior').flat_speed_m_s:.0f}**" in METHOD


def test_what_is_beyond_the_limit_is_as_worked_out():
    factor = float(profile("rollator").gradient_factor(np.array([0.1]))[0])
    assert f"10 % uphill costs 2.1 + 0.5 × (10 − 8.33) = **{factor:.2f}** times" in METHOD


def test_a_choice_is_worth_what_is_worked_out():
    cafe = next(
        c for c in ars.Strategy.build({"parcels": {"source": "x"}}).criteria if c.key == "cafe"
    )
    assert (cafe.k, cafe.shares) == (3, pytest.approx((0.5, 0.3, 0.2)))
    three, one = walk_value(cafe, np.array([[400.0, 640, 940], [400, np.inf, np.inf]]))
    assert f"0.5 × 1 + 0.3 × 0.6 + 0.2 × 0.1 = **{three:.2f}**" in METHOD
    assert f"would be **{one:.2f}**" in METHOD.replace("\n", " ")


def test_the_limits_that_are_judgement_are_as_told():
    text = METHOD.replace("\n", " ")
    assert f"at least **{EXTREME_DETOUR:g} times**" in text
    assert f"**{LEAST_EXTRA_M:g} m** longer" in text
    assert f"**{BESIDE_M:g} m** are drawn" in text
    assert f"**{LARGEST_FILLED_M2 / 10_000:g} ha** are filled" in text
    assert f"({LONGEST_TAGGED_M:g} m and {STEEPEST_TAG_PCT:g} %: judgement)" in text
    ferry = profile("senior")
    assert f"{ferry.ferry_speed_m_s:g} m/s, and {ferry.ferry_wait_s / 60:g} minutes" in text


def test_every_number_of_a_walker_is_on_the_page_with_its_source():
    told, sources = PAGES["walkers.md"].split("## Where they come from")
    for name, number in number_table().items():
        assert f"| `{name}` |" in told
        assert f"| `{name}` | {number['source']} |" in sources


def test_the_table_of_the_city_has_every_walker_and_falls_from_each_to_the_next():
    rows = re.findall(
        r"^\| `(\w+)` \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) % \|",
        PAGES["walkers.md"],
        re.MULTILINE,
    )
    assert [row[0] for row in rows] == [*PROFILE_NAMES]
    shares = np.array([[float(share) for share in row[1:]] for row in rows])
    assert (np.diff(shares, axis=0) <= 0).all()
    assert (np.diff(shares, axis=1) <= 0).all()


def test_the_weights_are_as_worked_out():
    shipped = pd.Series({key: entry["weight"] for key, entry in catalogue_entries().items()})
    assert f"add up to {shipped.sum():.2f}." in METHOD
    assert f"0.13 / 0.92 = **{scoring.normalise(shipped)['grocery']:.3f}**" in METHOD
    shipped["grocery"] = 0.2
    assert f"the sum is {shipped.sum():.2f}" in METHOD
    assert f"0.2 / 0.99 = **{scoring.normalise(shipped)['grocery']:.3f}**" in METHOD


@pytest.mark.parametrize(
    ("method", "alpha", "end"),
    [
        ("weighted_sum", 1.0, "= 100 × (0.5 × 0.6 + 0.3 × 1 + 0.2 × 0) = {}"),
        ("geometric", 1.0, "= 100 × 0.6 ^ 0.5 × 1 ^ 0.3 × 0.01 ^ 0.2 = {}"),
        ("owa", 2.0, "0.36   × 0   = 0\n          = {}"),
        ("minimum", 1.0, "= 100 × lowest value = {}"),
    ],
)
def test_the_scores_are_as_worked_out(method, alpha, end):
    score = 100 * scoring.aggregate(VALUES, WEIGHTS, method, alpha)[0]
    assert end.format(f"{score:.1f}") + "\n" in METHOD


def test_the_deduction_is_as_worked_out():
    one = pd.Series([0.6])
    no, none = pd.Series([False]), pd.Series([""])
    verdict = scoring.judge(
        one, reasons=none, excluded=no, missing=no, deduction=pd.Series([10.0])
    ).iloc[0]
    assert f"becomes **{verdict['score']:.1f}**, still\n`{verdict['class']}`" in METHOD


def test_the_classes_are_as_told():
    rows = [
        f"| `{name}` | {least:g} | {words('nb')[f'class.{name}']} |"
        for name, least in zip(CLASSES, scoring.CLASS_FROM, strict=True)
    ]
    assert "\n".join(rows) in METHOD


# ---- the house ----


def test_the_number_of_kinds_of_places_is_right():
    words_for = {13: "thirteen", 17: "seventeen"}
    for text in (README, PAGES["index.md"]):
        assert f"{words_for[len(catalogue_entries()) - 4]} more kinds" in text.replace("\n", " ")


@pytest.mark.parametrize(
    ("page", "title"), [("veiledning.md", "3. Bruk kartet"), ("oppskrifter.md", "Hva om?")]
)
def test_the_guide_calls_everything_on_the_map_what_the_map_calls_it(page, title):
    said = re.findall(r"«([^»]+)»", section(PAGES[page], title).replace("\n", " "))
    assert said
    shown = set(words("nb").values())
    assert [name for name in said if name not in shown] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/index.md"])
def test_links_within_the_repository_lead_somewhere(name):
    page = ROOT / name
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_the_pictures_of_the_text_are_those_that_the_script_takes():
    taken = runpy.run_path(str(ROOT / "docs/screenshot.py"))["PICTURES"]
    shown = {name for text in PROSE.values() for name in re.findall(r"\(\S*images/(\S+?)\)", text)}
    assert shown == set(taken) == {path.name for path in (ROOT / "docs/images").iterdir()}


@pytest.mark.parametrize("picture", sorted((ROOT / "docs/images").iterdir()), ids=lambda p: p.name)
def test_a_picture_is_a_png_below_400_kb(picture):
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 400_000
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    if picture.name == "map.png":
        assert (width, height) == (1400, 900)
    assert min(width, height) >= 390


def test_what_the_guide_shows_of_the_demo_is_what_the_demo_says(result):
    shown = fenced(PAGES["veiledning.md"], "text")[0].splitlines()
    parcels = result.parcels
    # the demo does not ask what can be built on
    alone = parcels["reasons"].str.fullmatch(r"(net_\w+_below_minimum;?)+")
    lifted = scoring.classify(parcels["score_if_allowed"].where(alone))
    counts = parcels["class"].fillna(lifted).value_counts()
    told = ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in CLASSES)
    assert shown[0] == f"{len(parcels)} parcels: {told}"
    parcel, best = result.top.index[0], result.top.iloc[0]
    assert shown[3].split()[:3] == ["1", f"{best['score']:.1f}", best["class"]]
    assert shown[3].split()[-1] == parcel
    text = PAGES["veiledning.md"]
    assert f"Den beste har {best['score']:.1f} poeng".replace(".", ",") in text
    assert f"Av {len(parcels)} eiendommer er {counts['very_suitable']} svært egnet" in text


def test_every_picture_says_in_words_what_it_shows():
    for text in PROSE.values():
        assert all(len(alt) > 20 for alt in re.findall(r"!\[([^]]*)\]", text))


def test_each_dependency_is_pinned_within_its_range():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", str(pin)) for pin in pins)
    versions = {canonicalize_name(p.name): next(iter(p.specifier)).version for p in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["test"], *extras["lint"], *extras["docs"]]
    for requirement in map(Requirement, asked):
        pinned = versions.get(canonicalize_name(requirement.name))
        assert pinned, f"{requirement.name} is not pinned"
        assert requirement.specifier.contains(pinned), f"{requirement} against {pinned}"
