"""The strategy file: everything of the contract is read, everything wrong is told at once."""

import json
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arealstrategi.areas import AreaRules
from arealstrategi.criteria import NumberCriterion, WalkCriterion
from arealstrategi.errors import StrategyError
from arealstrategi.robustness import RobustnessOptions
from arealstrategi.strategy import Strategy, catalogue_entries, group_labels, json_schema
from arealstrategi.walker import profile
from arealstrategi.weights import roc

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
        ("[parcels]\nsource='a'\n[[criterion]]\nkey='q'\nkind='column'\nweight=1", ["column: is missing", "function linear needs full and zero"]),  # noqa: E501
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
    ["title", "area", "parcels", "osm", "terrain", "walker", "score", "criterion", "constraint", "output", "weighting", "gate", "buildable", "robustness", "areas", "sites", "scenario", "x"]  # noqa: E501
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
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


# --- judgement: weights, gates, ground, robustness, areas, scenarios, sites ---

PARCELS = "[parcels]\nsource='a.gpkg'\n"

JUDGEMENT = """
[parcels]
source = "teig.gpkg"
[terrain]
elevation = ["dtm10.tif"]
[score]
method = "geometric"
floor = 0.05
missing = "reweight"
weights = "roc"
[[weighting]]
method = "survey"
of = "groups"
table = "svar/innbyggere.csv"
answers = "ranks"
source = "Innbyggerne"
date = "2026-03"
[[weighting]]
method = "ahp"
of = "criteria"
items = ["cafe", "library", "exercise"]
source = "Eldrerådet"
[[weighting.person]]
name = "Kari"
upper = [["1/3", 2], [0]]
[[gate]]
group = "social"
min = 30
best = "less_suitable"
[buildable]
min_area_m2 = 800
min_width_m = 15
strip_m = 4
max_slope_pct = 20
effect = "condition"
[robustness]
draws = 500
top = 10
seed = 7
drop_share = 0.1
[areas]
from_class = "very_suitable"
max_area_m2 = 20000
dwellings_per_ha = 60
[[constraint]]
name = "Flom"
source = "flom.gpkg"
by = "net_area"
[[constraint]]
name = "Støy"
source = "stoy.tif"
where = "value >= 55"
effect = "deduct"
points = 5
from_share = 0.25
[population]
grid = "ruter.csv"
districts = "bydeler.gpkg"
district_name = "bydel"
[sites]
source = "tomter.csv"
id = "gnr_bnr"
[[scenario]]
name = "Uten bibliotek"
close = ["library", "Kafé Nord"]
lift = ["Flom"]
[[scenario]]
name = "Ny kafé"
open = { cafe = "nye/kafeer.csv" }
weights = "equal"
weight = { cafe = 0.2 }
[[criterion]]
key = "shore"
kind = "distance"
source = "sjo.gpkg"
function = "piecewise"
curve = [[0, 1], [300, 0.5], [900, 0]]
weight = 0.02
headline = "safe"
[[criterion]]
key = "choice"
kind = "count_within"
of = "cafe"
within_m = 800
full = 3
weight = 0.02
"""


def test_everything_that_can_be_said_of_judgement_is_read(tmp_path):
    strategy = read(tmp_path, JUDGEMENT)
    assert (strategy.score.floor, strategy.score.missing) == (0.05, "reweight")
    survey, pairs = strategy.weighting
    assert survey.table == tmp_path / "svar/innbyggere.csv"
    assert (survey.answers, survey.source, survey.date) == ("ranks", "Innbyggerne", "2026-03")
    assert pairs.person[0].upper == ((1 / 3, 2), (0,))
    assert strategy.gate[0].model_dump() == {"group": "social", "min": 30, "best": "less_suitable"}
    assert strategy.buildable.asked
    assert strategy.buildable.effect == "condition"
    assert strategy.robustness == RobustnessOptions(draws=500, top=10, seed=7, drop_share=0.1)
    assert strategy.areas == AreaRules(
        from_class="very_suitable", max_area_m2=20_000, dwellings_per_ha=60
    )
    assert [(c.by, c.from_share, c.points) for c in strategy.constraint] == [
        ("net_area", 0, 10), ("share", 0.25, 5),
    ]  # fmt: skip
    assert strategy.population.districts == str(tmp_path / "bydeler.gpkg")
    assert strategy.sites.source == tmp_path / "tomter.csv"
    assert strategy.scenario[0].close == ("library", "Kafé Nord")
    assert strategy.scenario[1].open == {"cafe": tmp_path / "nye/kafeer.csv"}
    by_key = {c.key: c for c in strategy.criteria}
    assert by_key["shore"].worth.curve == ((0, 1), (300, 0.5), (900, 0))
    assert by_key["choice"].most == 3  # zero is 0 where nothing else is said
    assert strategy.margin_m == 1500  # the farthest anchor of all is still that of a walk


def test_robustness_and_areas_are_on_and_everything_else_is_off_where_nothing_is_said(tmp_path):
    strategy = read(tmp_path, PARCELS)
    assert (strategy.score.method, strategy.score.missing) == ("weighted_sum", "require")
    assert strategy.robustness.enabled
    assert strategy.areas.enabled
    assert not strategy.buildable.asked
    assert (strategy.weighting, strategy.gate, strategy.scenario) == ((), (), ())
    assert strategy.sites.source is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        # weights
        ("[[weighting]]\nmethod='roc'\nsource='x'\norder=['social']\nmetod='x'", ["weighting[1].metod: unknown key; did you mean 'method'?"]),  # noqa: E501
        ("[[weighting]]\nmethod='ahp'\nsource='x'\nitems=['social','daily']\n[[weighting.person]]\nname='a'\nuper=[[3]]", ["weighting[1].person[1].uper: unknown key; did you mean 'upper'?"]),  # noqa: E501
        ("[[weighting]]\nmethod='ahp'\nsource='x'\nitems=['social','daily']\n[[weighting.person]]\nname='a'\nupper=[['1/0']]", ["weighting[1].person[1].upper[1][1]", "'1/0' is not a comparison"]),  # noqa: E501
        ("[[weighting]]\nmethod='ahp'\nsource='x'\nitems=['social','daily']\n[[weighting.person]]\nname='Kari'\nupper=[[3,3]]", ["weighting[1]", "upper of 'Kari'", "row 1 must have 1 numbers"]),  # noqa: E501
        ("[[weighting]]\nmethod='roc'\nsource='x'\npoints={social=1}", ["weighting[1]", 'method = "roc" needs order']),  # noqa: E501
        ("[[weighting]]\nmethod='direct'\npoints={social=1}", ["weighting[1].source: is missing"]),
        ("[[weighting]]\nmethod='swng'\nsource='x'", ["weighting[1].method", "'swing'", "found 'swng'"]),  # noqa: E501
        ("[score]\nweights='rock'", ["score.weights: there is no 'rock'", "default, equal, roc, health_heavy"]),  # noqa: E501
        ("[score]\nfloor=0", ["score.floor", "greater than 0"]),
        ("[score]\nmissing='ignore'", ["score.missing", "'require', 'reweight' or 'worst'", "found 'ignore'"]),  # noqa: E501
        # gates
        ("[[gate]]\ngroup='sosial'\nmin=30", ["gate[1].group: there is no 'sosial'", "social, daily, health, transit, nature"]),  # noqa: E501
        ("[[gate]]\ngroup='centre'\nmin=30", ["gate[1].group: there is no 'centre'"]),  # not in use
        ("[[gate]]\ngroup='social'\nminimum=30", ["gate[1].min: is missing", "did you mean 'min'?"]),  # noqa: E501
        ("[[gate]]\ngroup='social'\nmin=30\nbest='very_suitable'", ["gate[1].best", "found 'very_suitable'"]),  # noqa: E501
        ("[[gate]]\ngroup='social'\nmin=30\n[[gate]]\ngroup='social'\nmin=40", ["gate: two of them are for the same group"]),  # noqa: E501
        # ground
        ("[buildable]\nmin_area=500", ["buildable.min_area: unknown key; did you mean 'min_area_m2'?"]),  # noqa: E501
        ("[buildable]\nmax_slope_pct=15\nmin_area_m2=500", ["terrain.elevation", "need an elevation model"]),  # noqa: E501
        ("[[criterion]]\nkey='s'\nkind='slope'\nweight=1", ["terrain.elevation", "need an elevation model"]),  # noqa: E501
        ("[terrain]\nelevation=['d.tif']\n[buildable]\nmax_slope_pct=15", ["buildable.min_area_m2", "how much must be left"]),  # noqa: E501
        ("[[constraint]]\nname='F'\nsource='f.gpkg'\nby='net_area'", ["buildable.min_area_m2", "by = net_area"]),  # noqa: E501
        ("[[constraint]]\nname='F'\nsource='f.gpkg'\nby='net_area'\nfrom_share=0.3", ["constraint[1]", "from_share goes with by = share"]),  # noqa: E501
        ("[[constraint]]\nname='F'\nsource='f.gpkg'\nfrom_shar=0.3", ["did you mean 'from_share'?"]),  # noqa: E501
        ("[[constraint]]\nname='F'\nsource='f.gpkg'\nfrom_share=30", ["constraint[1].from_share", "less than or equal to 1"]),  # noqa: E501
        # robustness and areas
        ("[robustness]\nenabld=false", ["robustness.enabld: unknown key; did you mean 'enabled'?"]),
        ("[robustness]\ndraws=50", ["robustness.draws", "greater than or equal to 100"]),
        ("[areas]\nfrom_clas='suitable'", ["areas.from_clas: unknown key; did you mean 'from_class'?"]),  # noqa: E501
        ("[areas]\nmin_area_m2=9\nmax_area_m2=5", ["areas: min_area_m2 (9) must not be larger than max_area_m2 (5)"]),  # noqa: E501
        # scenarios
        ("[[scenario]]\nname='x'", ["scenario[1]: changes nothing"]),
        ("[[scenario]]\nname='x'\nclosed=['library']", ["scenario[1].closed: unknown key; did you mean 'close'?"]),  # noqa: E501
        ("[[scenario]]\nname='x'\nweights='mine'", ["scenario[1].weights: there is no 'mine'", "health_heavy"]),  # noqa: E501
        ("[[scenario]]\nname='x'\nweight={kafe=0.1}", ["scenario[1].weight: there is no 'kafe'", "cafe"]),  # noqa: E501
        ("[[scenario]]\nname='x'\nweight={cafe=0.6,library=0.5}", ["scenario[1]", "add up to more than 1"]),  # noqa: E501
        ("[[scenario]]\nname='x'\nweight={cafe=-0.1}", ["scenario[1].weight.cafe", "found -0.1"]),
        ("[[scenario]]\nname='x'\nopen={kafe='a.csv'}", ["scenario[1].open: there is no 'kafe'"]),
        ("[[constraint]]\nname='Flom'\nsource='f.gpkg'\n[[scenario]]\nname='x'\nlift=['Skred']", ["scenario[1].lift: there is no 'Skred'", "Flom"]),  # noqa: E501
        (2 * "[[scenario]]\nname='x'\nclose=['library']\n", ["scenario: two of them have the same name"]),  # noqa: E501
        # sites and districts
        ("[sites]\nsorce='a.csv'", ["sites.sorce: unknown key; did you mean 'source'?"]),
        ("[population]\ndistricts='b.gpkg'", ["population.districts: needs a grid"]),
        # criteria
        ("[[criterion]]\nkey='n'\nkind='count_within'\nof='kafe'\nwithin_m=500\nfull=3\nweight=1", ['criterion "n".of: there is no \'kafe\'']),  # noqa: E501
        ("[[criterion]]\nkey='n'\nkind='rest'\non_way_to=['grocery','kafe']\nfull=1\nzero=0\nweight=1", ['criterion "n".on_way_to: there is no \'kafe\'']),  # noqa: E501
        ("[[criterion]]\nkey='n'\nkind='distance'\nfull=9\nzero=0\nweight=1", ["criterion[1]: kind distance needs a source"]),  # noqa: E501
        ("[[criterion]]\nkey='centre'", ['criterion "centre": kind centrality needs a source']),
        ("[[criterion]]\nkey='cafe'\nfunction='trapezoid'\ncorners=[0,0,400,900]", ["a nearer place must never be worth less"]),  # noqa: E501
        ("[[criterion]]\nkey='cafe'\nfunction='piecewise'\ncurve=[[0,1],[900,0]]\nfull_m=300", ["criterion[1]: give either curve or full_m and zero_m"]),  # noqa: E501
        ("[[criterion]]\nkey='cafe'\nhalf=600", ["function linear has no use for half"]),
        ("[[criterion]]\nkey='cafe'\nheadline='trygt'", ["criterion[1].headline", "'safe', 'central' or 'social'"]),  # noqa: E501
        ("[[criterion]]\nkey='cafe'\nheadlin='safe'", ["criterion[1].headlin: unknown key; did you mean 'headline'?"]),  # noqa: E501
    ],
)  # fmt: skip
def test_each_mistake_of_judgement_is_named_with_what_to_do(tmp_path, text, told):
    message = problems(tmp_path, PARCELS + text)
    for part in told:
        assert part in message


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("method='direct'\npoints={social=1, helse=1}", "weighting[1].points: there is no 'helse'"),
        ("method='roc'\norder=['social', 'dagly']", "weighting[1].order: there is no 'dagly'"),
        ("method='survey'\ntable='u.csv'\nitems=['sosial']", "weighting[1].items: there is no"),
        ("method='roc'\nof='criteria'\norder=['social', 'cafe']", "choose one of senior_centre"),
    ],
)
def test_a_weighting_of_what_is_not_in_use_is_told_with_what_is(tmp_path, told, said):
    assert said in problems(tmp_path, f"{PARCELS}[[weighting]]\nsource='x'\n{told}\n")


@pytest.mark.parametrize(
    ("method", "told", "expected"),
    [
        ("direct", "points={social=60, daily=40}", (0.6, 0.4)),
        ("swing", "points={social=100, daily=25}", (0.8, 0.2)),
        ("roc", "order=['daily', 'social']", (0.25, 0.75)),
        ("rank_sum", "order=['daily', 'social']", (1 / 3, 2 / 3)),
        ("rank_reciprocal", "order=['social', 'daily']", (2 / 3, 1 / 3)),
        ("ahp", "items=['social', 'daily']\n[[weighting.person]]\nname='a'\nupper=[[4]]", (0.8, 0.2)),  # noqa: E501
        ("ahp", "items=['social', 'daily']\n[[weighting.person]]\nname='a'\nupper=[[8]]\n[[weighting.person]]\nname='b'\nupper=[['1/2']]", (2 / 3, 1 / 3)),  # noqa: E501
    ],
)  # fmt: skip
def test_every_way_of_weighing_shares_what_two_groups_have(tmp_path, method, told, expected):
    text = f"{PARCELS}[[weighting]]\nmethod='{method}'\nsource='rådet'\n{told}\n"
    strategy = read(tmp_path, text)
    weights = strategy.weigh([])
    by_group = weights.weight.groupby(weights.group).sum()
    together = (0.28 + 0.22) / 0.92
    assert by_group["social"] == pytest.approx(expected[0] * together)
    assert by_group["daily"] == pytest.approx(expected[1] * together)
    assert by_group["health"] == pytest.approx(0.20 / 0.92)
    assert weights.table["source"]["cafe"] == "rådet"
    assert weights.table["source"]["stop"] == "the shipped set default"


def test_a_survey_s_answers_are_laid_on_in_its_place(tmp_path):
    """Two surveys with points between them: each takes its own answers, and the last word holds."""
    survey = "[[weighting]]\nmethod='survey'\nsource='{0}'\ntable='{0}.csv'\n"
    direct = "[[weighting]]\nmethod='direct'\nsource='x'\npoints={social=1, daily=1}\n"
    text = PARCELS + survey.format("a") + direct + survey.format("b")
    strategy = read(tmp_path, text)
    first = pd.DataFrame({"social": [1.0], "health": [3.0]})
    second = pd.DataFrame({"transit": [1.0], "nature": [1.0]})
    weights = strategy.weigh([first, second])
    by_group = (weights.weight.groupby(weights.group).sum() * 0.92).to_dict()
    social = (0.28 + 0.20) / 4
    half = (social + 0.22) / 2
    assert by_group == pytest.approx(
        {"social": half, "daily": half, "health": 3 * social, "transit": 0.11, "nature": 0.11}
    )


def by_group_of(tmp_path, weights, more=""):
    strategy = read(tmp_path, f"{PARCELS}[score]\nweights='{weights}'\n{more}")
    return strategy.weights.groupby({c.key: c.group for c in strategy.criteria}).sum()


ALL_GROUPS = "[[criterion]]\nkey='centre'\nsource='s.gpkg'\n"


def test_the_shipped_roc_weights_are_those_of_the_stated_order(tmp_path):
    order = ["social", "daily", "health", "nature", "transit", "centre"]
    found = by_group_of(tmp_path, "roc", ALL_GROUPS)
    assert found[order].tolist() == pytest.approx(roc(order).tolist(), abs=1e-6)
    # without the last group the others keep their proportions
    without = by_group_of(tmp_path, "roc")
    shares = roc(order).drop("centre")
    assert without[order[:5]].tolist() == pytest.approx((shares / shares.sum()).tolist(), abs=1e-6)


def test_each_shipped_set_says_what_its_groups_weigh(tmp_path):
    assert by_group_of(tmp_path, "equal", ALL_GROUPS).tolist() == pytest.approx([1 / 6] * 6)
    assert by_group_of(tmp_path, "health_heavy", ALL_GROUPS).to_dict() == pytest.approx(
        {"health": 0.35, "social": 0.2, "nature": 0.2, "daily": 0.15, "transit": 0.07, "centre": 0.03}  # noqa: E501
    )  # fmt: skip
    # section 8 of the reference, with the benches in it
    whole = by_group_of(tmp_path, "default", ALL_GROUPS + "[[criterion]]\nkey='bench'\n")
    assert whole.to_dict() == pytest.approx(
        {"social": 0.28, "daily": 0.22, "health": 0.2, "nature": 0.13, "transit": 0.12, "centre": 0.05}  # noqa: E501
    )  # fmt: skip


@pytest.mark.parametrize("weights", ["default", "equal", "roc", "health_heavy"])
def test_within_a_group_every_set_keeps_the_catalogue_s_proportions(tmp_path, weights):
    shipped = catalogue_entries()
    strategy = read(tmp_path, f"{PARCELS}[score]\nweights='{weights}'\n")
    written = pd.Series({key: entry["weight"] for key, entry in shipped.items()})
    group = pd.Series({key: entry["group"] for key, entry in shipped.items()})
    expected = written / written.groupby(group).transform("sum")
    found = strategy.weigh([]).table["in_group"]
    assert found.to_dict() == pytest.approx(expected.to_dict())


def test_optional_criteria_are_in_use_where_they_are_named(tmp_path):
    def keys(text=""):
        return {c.key: c for c in read(tmp_path, PARCELS + text).criteria}

    assert not {"bench", "centre"} & set(keys())
    named = keys("[[criterion]]\nkey='bench'\n" + ALL_GROUPS)
    assert (named["bench"].kind, named["centre"].kind) == ("rest", "centrality")
    assert named["bench"].on_way_to == ("grocery", "senior_centre")
    assert (named["centre"].worth.full, named["centre"].worth.zero) == (0, 1000)
    assert list(named)[-2:] == ["bench", "centre"]  # where the catalogue has them
    for criterion in named.values():
        assert criterion.reason


def test_a_shipped_number_may_be_valued_by_another_function(tmp_path):
    text = f"{PARCELS}{ALL_GROUPS}function='gaussian'\nsigma=500\n"
    centre = next(c for c in read(tmp_path, text).criteria if c.key == "centre")
    assert centre.worth.sigma == 500
    text = f"{PARCELS}[[criterion]]\nkey='cafe'\nfunction='logistic'\nhalf=600\nsteepness=0.01\n"
    cafe = next(c for c in read(tmp_path, text).criteria if c.key == "cafe")
    assert (cafe.zero_m, cafe.shares) == (1000, (0.5, 0.3, 0.2))  # what is not written stays
    text = f"{PARCELS}[[criterion]]\nkey='cafe'\nfunction='step'\ncurve=[[300, 1], [700, 0.4]]\n"
    cafe = next(c for c in read(tmp_path, text).criteria if c.key == "cafe")
    assert (cafe.full_m, cafe.zero_m) == (300, 700)


def test_a_group_counts_in_its_headline_score_unless_the_criterion_says_another(tmp_path):
    text = (
        f"{PARCELS}{ALL_GROUPS}[[criterion]]\nkey='park'\nheadline='social'\n"
        "[[criterion]]\nkey='quiet'\nkind='column'\ncolumn='c'\nfull=1\nzero=0\nweight=1\n"
        "[[criterion]]\nkey='view'\nkind='column'\ncolumn='v'\nfull=1\nzero=0\nweight=1\n"
        "group='nature'\n"
    )
    told = {c.key: (c.group, c.headline) for c in read(tmp_path, text).criteria}
    headlines = {
        "social": "social", "daily": "central", "transit": "central", "centre": "central",
        "health": "safe", "nature": "safe",
    }  # fmt: skip
    shipped = {key: group for key, (group, _) in told.items() if key not in {"park", "quiet"}}
    assert len(shipped) == 18
    assert {key: told[key][1] for key in shipped} == {
        key: headlines[group] for key, group in shipped.items()
    }
    assert told["park"] == ("nature", "social")
    assert told["quiet"] == ("own", None)  # a group of one's own counts in none


def test_what_can_be_far_off_widens_the_area_that_is_looked_at(tmp_path):
    def margin(text):
        head = f"{PARCELS}[score]\ncatalogue='none'\n[[criterion]]\nkey='q'\nweight=1\n"
        return read(tmp_path, head + text).margin_m

    sea = "kind='distance'\nsource='s.gpkg'\n"
    assert margin("osm=['a=b']\nfull_m=10\nzero_m=700") == 700
    assert margin(sea + "full=0\nzero=3000") == 3000
    assert margin(sea + "function='trapezoid'\ncorners=[0, 100, 400, 2500]") == 2500
    assert margin(sea + "function='logistic'\nhalf=1000\nsteepness=0.01") > 1000
    assert margin("kind='raster'\nsource='s.tif'\nfull=0\nzero=3000") == 0  # no distance
    count = "[[criterion]]\nkey='n'\nkind='count_within'\nof='q'\nwithin_m=1900\nfull=2\nweight=1\n"
    assert margin("osm=['a=b']\nfull_m=10\nzero_m=700\n" + count) == 1900


def test_a_scenario_s_weights_take_the_place_of_those_of_the_strategy(tmp_path):
    text = (
        f"{PARCELS}[[weighting]]\nmethod='direct'\nsource='rådet'\npoints={{social=9, daily=1}}\n"
        "[[scenario]]\nname='likt'\nweights='equal'\nweight={cafe=0.5}\n"
        "[[scenario]]\nname='kafé'\nweight={cafe=0.5}\n"
        "[[scenario]]\nname='stengt'\nclose=['library']\n"
    )
    strategy = read(tmp_path, text)
    own = strategy.weigh([])
    equal, cafe, closed = (strategy.weights_in(one, own) for one in strategy.scenario)
    assert closed is own
    assert [one.weight["cafe"] for one in (cafe, equal)] == pytest.approx([0.5, 0.5])
    # the answers of the council hold where only a weight changes, not where a set is chosen
    assert (cafe.weight["grocery"] / cafe.weight["library"]) == pytest.approx(
        own.weight["grocery"] / own.weight["library"]
    )
    without = equal.weight.drop("cafe").groupby(equal.group).sum()
    assert without["daily"] == pytest.approx(without["health"])
    assert equal.table["source"]["cafe"] == "scenario likt"
    assert equal.table["source"]["library"] == "the shipped set equal"


def test_the_schema_knows_every_key_of_judgement():
    schema = json_schema()
    written = tomllib.loads(JUDGEMENT)
    assert set(written) <= set(schema["properties"])
    for section, told in written.items():
        where = schema["properties"][section]
        entries = told if isinstance(told, list) else [told]
        kind = where["items"]["$ref"] if isinstance(told, list) else where["$ref"]
        known = schema["$defs"][kind.rsplit("/", 1)[-1]]
        assert known["additionalProperties"] is False
        for entry in entries:
            assert set(entry) <= set(known["properties"]), section
