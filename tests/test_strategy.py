"""The strategy file: everything of the contract is read, everything wrong is told at once."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arealstrategi.criteria import NumberCriterion, WalkCriterion
from arealstrategi.errors import StrategyError
from arealstrategi.strategy import Strategy, catalogue_entries, group_labels, json_schema
from arealstrategi.walker import profile

CONTRACT = """
title = "Seniorboliger i Sandefjord"
language = "nb"

[area]
boundary = "data/kommune.gpkg"
crs = "EPSG:25832"

[parcels]
source = "data/teig.gpkg"
layer = "teig"
id = "matrikkelnummertekst"
min_area_m2 = 500
municipal_land = "data/kommunal_grunn.csv"

[osm]
source = "data/vestfold.osm.pbf"

[terrain]
elevation = ["data/dtm10.tif"]

[walker]
profile = "senior"

[score]
method = "weighted_sum"
alpha = 1.0
weights = "default"
catalogue = "senior"

[[criterion]]
key = "grocery"
kind = "walk"
weight = 0.2
full_m = 400
zero_m = 1000
points = "data/own_shops.csv"
osm = false

[[criterion]]
key = "quiet"
kind = "column"
column = "noise_db"
full = 45
zero = 65
weight = 0.05

[[constraint]]
name = "Flomsone 200 år"
source = "data/flomsone.gpkg"
where = "gjentaksintervall = 200"
effect = "exclude"
coverage = "data/flom_dekning.gpkg"

[output]
dir = "outputs/sandefjord"
audience = "internal"
"""


def read(tmp_path, text) -> Strategy:
    path = tmp_path / "strategy.toml"
    path.write_text(text, encoding="utf-8")
    return Strategy.read(path)


def problems(tmp_path, text) -> str:
    with pytest.raises(StrategyError) as caught:
        read(tmp_path, text)
    return str(caught.value)


def test_the_contract_s_own_example_is_read_key_by_key(tmp_path):
    strategy = read(tmp_path, CONTRACT)
    assert strategy.area.boundary == str(tmp_path / "data/kommune.gpkg")
    assert strategy.parcels.municipal_land == tmp_path / "data/kommunal_grunn.csv"
    assert strategy.terrain.elevation == (tmp_path / "data/dtm10.tif",)
    assert strategy.constraint[0].coverage == str(tmp_path / "data/flom_dekning.gpkg")
    assert strategy.output_folder == tmp_path / "outputs/sandefjord"
    assert strategy.points_of() == {"grocery": tmp_path / "data/own_shops.csv"}
    by_key = {c.key: c for c in strategy.criteria}
    grocery, quiet = by_key["grocery"], by_key["quiet"]
    assert isinstance(grocery, WalkCriterion)
    assert grocery.osm == ()  # own points alone
    assert grocery.name("nb") == "Dagligvare"  # what is not written is as in the catalogue
    assert isinstance(quiet, NumberCriterion)
    assert strategy.weights.sum() == pytest.approx(1)
    assert strategy.weights["quiet"] == pytest.approx(0.05 / (0.92 - 0.13 + 0.2 + 0.05))


def test_paths_are_relative_to_the_file_not_to_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    strategy = read(tmp_path, '[parcels]\nsource = "sub/../p.gpkg"\n')
    assert Path(strategy.parcels.source).parent.resolve() == tmp_path
    absolute = read(tmp_path, f"[parcels]\nsource = '{tmp_path / 'q.gpkg'}'\n")
    assert absolute.parcels.source == str(tmp_path / "q.gpkg")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[parcels]\nsurce = 'a'", ["parcels.source: is missing", "did you mean 'source'?"]),
        ("titel = 'x'\n[parcels]\nsource='a'", ["titel: unknown key; did you mean 'title'?"]),
        ("[parcels]\nsource='a'\n[aera]\n", ["aera: unknown key; did you mean 'area'?"]),
        ("[parcels]\nsource='a'\n[[criterion]]\nkey='grocery'\nweigth=1", ["criterion[1].weigth", "'weight'"]),  # noqa: E501
        ("[parcels]\nsource='a'\n[[criterion]]\nkey='grocery'\nweight=-1", ["criterion[1].weight", "found -1"]),  # noqa: E501
        (
            "[parcels]\nsource='a'\n[[criterion]]\nkey='grocery'\nfull_m=900\nzero_m=900",
            ['criterion "grocery"', "zero_m (900) must be larger than full_m (900)"],
        ),
        ("[parcels]\nsource='a'\n[[criterion]]\nkey='grocery'\nzero_m=300", ["zero_m (300)", "full_m (400)"]),  # noqa: E501
        ("[parcels]\nsource='a'\n[[criterion]]\nkey='zoo'\nweight=1", ['criterion "zoo"', "no places to walk to"]),  # noqa: E501
        ("[parcels]\nsource='a'\n[[criterion]]\nkey='q'\nkind='column'\nweight=1", ["column: is missing", "full: is missing"]),  # noqa: E501
        ("[parcels]\nsource='a'\n" + 2 * "[[constraint]]\nname='Flom'\nsource='f.gpkg'\n", ["constraint: two of them have the same name"]),  # noqa: E501
        ("[parcels]\nsource='a'\n[score]\nweights='mine'", ["score.weights", "default, equal"]),
        ("[parcels]\nsource='a'\n[score]\nmethod='topsis'", ["score.method", "weighted_sum", "'topsis'"]),  # noqa: E501
        ("[parcels]\nsource='a'\n[area]\ncrs='EPSG:4326'", ["area.crs", "not in metres"]),
        ("[parcels]\nsource='a'\n[area]\ncrs='EPSG:3857'", ["area.crs", "stretches distances"]),
        ("[parcels]\nsource='a'\n[area]\ncrs='UTM 32'", ["area.crs", "no CRS"]),
        ("[parcels]\nsource='a'\n[area]\nkommune='301'", ["area.kommune"]),
        ("[parcels]\nsource='a'\n[area]\nkommune='0301'\nplace='Oslo'", ["only one of kommune and place"]),  # noqa: E501
        ("[parcels]\nsource='grid:100'", ["a grid needs a boundary"]),
        ("[parcels]\nsource='grid:100'\n[area]\nkommune='0301'\n[[criterion]]\nkey='q'\nkind='column'\ncolumn='c'\nfull=1\nzero=0", ["a grid has no columns", "'q'"]),  # noqa: E501
        ("[parcels]\nsource='a'\nmin_width_m=inf\nmin_area_m2=nan", ["parcels.min_width_m", "parcels.min_area_m2", "finite number"]),  # noqa: E501
        ("[parcels]\nsource='grid:1'\n[area]\nkommune='0301'", ["a grid is written grid:100"]),
        ("[parcels]\nsource='PG:host=x password=hush'", ["parcels from a service need a boundary"]),
        ("[parcels]\nsource='a'\n[[constraint]]\npreset='flom-20x'\nsource='f'", ["did you mean 'flom-20'?"]),  # noqa: E501
        ("[parcels]\nsource='a'\n[[constraint]]\nname='Flom'", ["either source or plan_zones"]),
        ("[parcels]\nsource='a'\n[[constraint]]\nname='Flom'\nplan_zones=['H320']", ["[[plan]]"]),
        ("[parcels]\nsource='a'\n[[criterion]]\nkey='q'\nkind='raster'\nfull=1\nzero=0", ["kind raster needs a source"]),  # noqa: E501
        ("[parcels]\nsource='a'\n[population]\nages='ssb'", ["needs a grid"]),
        ("[parcels]\nsource='a'\n[walker]\nprofile='robot'", ["walker.profile", "senior"]),
        (
            "[parcels]\nsource='a'\n[walker]\nsteps_time_factor='never'",
            ["1 problem", "walker.steps_time_factor: ", "'closed' (found 'never')"],
        ),
        ("[parcels]\nsource='a'\n[walker]\nuphill=3", ["walker.uphill", "a list"]),
        (
            "[parcels]\nsource='a'\n[walker]\nuphill=[[5, 1.3], [3, 1.1]]",
            ["uphill: must be pairs", "[[5, 1.2], [10, 1.8]]"],
        ),
        ("[parcels]\nsource='a'\n[walker]\nseason='vinter'", ["'summer' or 'winter'"]),
        (
            "[parcels]\nsource='a'\n[[criterion]]\nkey='cafe'\nk=2\ndecay=[0.2, 0.8]",
            ["cafe", "none larger than the one before"],
        ),
        ("[parcels]\nsource='a'\n[walker]\nflat_speed_m_s=99", ["walker", "flat_speed_m_s"]),
        ("[parcels]\nsource='a'\n[score]\ncatalogue='none'", ["no criterion has a weight above 0"]),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_what_to_do(tmp_path, text, told):
    message = problems(tmp_path, text)
    assert str(tmp_path / "strategy.toml") in message
    for part in told:
        assert part in message
    assert "hush" not in message


def test_all_problems_are_told_at_once(tmp_path):
    message = problems(
        tmp_path, "titel='x'\nlanguage='no'\n[parcels]\nlayr='x'\n[osm]\nsnap_m=-1\n"
    )
    assert "at least 5 problems" in message
    for part in ("titel", "language", "parcels.source", "parcels.layr", "osm.snap_m"):
        assert part in message


def test_a_file_that_is_missing_or_no_toml_is_one_clear_error(tmp_path):
    with pytest.raises(StrategyError, match="cannot be read"):
        Strategy.read(tmp_path / "none.toml")
    with pytest.raises(StrategyError, match="cannot be read"):
        Strategy.read(tmp_path)
    assert "not a valid TOML file" in problems(tmp_path, 'title = "x\n')
    (tmp_path / "latin.toml").write_bytes('title = "Tønsberg"'.encode("latin-1"))
    with pytest.raises(StrategyError, match="not a valid TOML file"):
        Strategy.read(tmp_path / "latin.toml")


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "bom.toml"
    path.write_bytes(b"\xef\xbb\xbf[parcels]\nsource = 'a.gpkg'\n")
    assert Strategy.read(path).title == "Arealstrategi"


def test_the_catalogue_is_that_of_the_reference():
    """Section 8 of the reference: 17 criteria that are walked to, 0.92 of the weight."""
    entries = catalogue_entries()
    assert len(entries) == 17
    assert sum(entry["weight"] for entry in entries.values()) == pytest.approx(0.92)
    by_group: dict[str, float] = {}
    for entry in entries.values():
        by_group[entry["group"]] = by_group.get(entry["group"], 0) + entry["weight"]
    # nature is .13 with the benches (.03) that are no walk
    assert by_group == pytest.approx(
        {"social": 0.28, "daily": 0.22, "health": 0.20, "transit": 0.12, "nature": 0.10}
    )
    anchors = {key: (e["full_m"], e["zero_m"]) for key, e in entries.items()}
    assert anchors["grocery"] == (400, 1000)
    assert anchors["stop"] == (300, 1000)
    assert anchors["park"] == (300, 800)
    assert anchors["care"] == (500, 1500)
    for entry in entries.values():
        assert {"nb", "en"} <= set(entry["label"])
        assert entry["reason"]
        assert entry["source"]
        assert entry["group"] in group_labels()


def test_equal_weights_give_every_group_the_same(tmp_path):
    strategy = read(tmp_path, "[parcels]\nsource='a'\n[score]\nweights='equal'")
    group = {c.key: c.group for c in strategy.criteria}
    assert strategy.weights.groupby(group).sum().to_list() == pytest.approx([0.2] * 5)


def test_a_strategy_can_be_built_in_a_notebook(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    strategy = Strategy.build({"parcels": {"source": "p.gpkg"}})
    assert strategy.parcels.source == str(tmp_path / "p.gpkg")
    assert strategy.margin_m == 1500


def test_the_schema_knows_every_key_of_the_contract():
    schema = json_schema()
    json.dumps(schema)
    written = tomllib.loads(CONTRACT)
    assert set(written) <= set(schema["properties"])
    for section in ("area", "parcels", "osm", "terrain", "walker", "score", "output"):
        name = schema["properties"][section]["$ref"].rsplit("/", 1)[-1]
        assert set(written[section]) <= set(schema["$defs"][name]["properties"])
        assert schema["$defs"][name]["additionalProperties"] is False
    for definition in schema["$defs"].values():
        for key, told in definition["properties"].items():
            assert told.get("description"), key


words = st.sampled_from(["", "a", "key", "kind", "walk", "source", "grid:50", "0301", "\0", "ø;ü"])
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
sections = st.sampled_from(
    ["title", "area", "parcels", "osm", "terrain", "walker", "score", "criterion", "constraint", "output", "x"]  # noqa: E501
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(sections, json_like, max_size=4))
def test_whatever_is_written_gives_a_strategy_or_one_clear_error(written):
    try:
        Strategy.build(written)
    except StrategyError as error:
        assert "problem" in str(error)  # noqa: PT017 - either outcome is right


def test_a_walker_is_the_profile_of_the_season_with_the_numbers_that_are_set(tmp_path):
    text = "[parcels]\nsource='a'\n[walker]\nprofile='rollator'\nseason='winter'\nkerb_s=3\n"
    options = read(tmp_path, text + "uphill=[[5, 1.5]]\nsteps_time_factor=2\n").walker
    winter = profile("rollator", "winter")
    assert options.walker == winter.model_copy(
        update={"kerb_s": 3.0, "uphill": ((5.0, 1.5),), "steps_time_factor": 2.0}
    )
    plain = read(tmp_path, "[parcels]\nsource='a'\n").walker
    assert (plain.walker, plain.direction) == (profile("senior"), "both")


def test_k_alone_replaces_the_shipped_shares(tmp_path):
    def cafe(text):
        strategy = read(tmp_path, f"[parcels]\nsource='a'\n[[criterion]]\nkey='cafe'\n{text}")
        return next(c for c in strategy.criteria if c.key == "cafe").shares

    assert cafe("") == pytest.approx((0.5, 0.3, 0.2))
    assert cafe("k=1") == (1.0,)
    assert cafe("k=2") == pytest.approx((2 / 3, 1 / 3))
    assert cafe("k=2\ndecay=[3, 1]") == pytest.approx((0.75, 0.25))
