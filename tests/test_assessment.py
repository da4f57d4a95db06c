"""The laws of scores on the whole chain, from walks to ranks, in a town of a few blocks.

The traps of scores, and the tests in which they are caught ("here" is this file):

1. clipping the area: here, and test_analysis (Vaduz alone and in the whole country)
2. weight 0, a parcel twice, order of rows, metres and kilometres: here, test_scoring,
   test_robustness
3. a constant column: here; test_robustness (TOPSIS and correlations)
4. missing values: here
5. ties: here, test_answer_keys (key 9), test_robustness
6. demand joined by key: here
7. share of people, not of places: test_access
8. the geometric mean and 0: here
9. and 10. comparisons with rounded reciprocals, of one and two items: test_weights
11. a value at a limit, no distance at all, out of reach: here
12. ties in an ordered weighted average: here, test_scoring, test_robustness
13. random numbers: here (files), test_answer_keys (four standard errors), test_robustness
14. a weight that is all there is, a single parcel: test_robustness
15. a top larger than the table, all parcels excluded: here, test_robustness, test_areas
16. an excluded parcel in the ranking or in an area: here, test_areas
17. a cover that cannot be: no location-allocation in this program
18. one place counted twice: test_places, test_merging
"""

from dataclasses import replace
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import arealstrategi as ars
from arealstrategi.analysis import analyse, walk_network
from arealstrategi.area import StudyArea
from arealstrategi.assessment import (
    find,
    judge,
    lift,
    measure,
    near_services,
    table_of,
)
from arealstrategi.constraints import Constraint
from arealstrategi.criteria import walk_value
from arealstrategi.inputs import Inputs
from arealstrategi.need import measure_need
from arealstrategi.network import snap, snap_services
from arealstrategi.strategy import Strategy
from arealstrategi.tables import BACKDROP_COLUMNS, CLASSES, empty_table
from results import only as only_files
from towns import CRS, make_ways

SEEDS = st.integers(0, 10**6)
OFF = {"Støy": 3.3, "Ras": 7.1, "Jord": 0.7, "Luft": 1.9}  # points
# fmt: off
SHOP = {"key": "shop", "osm": ["shop=supermarket"], "weight": 0.4,
        "full_m": 50, "zero_m": 300, "group": "daily"}
CAFE = {"key": "cafe", "osm": ["amenity=cafe"], "weight": 0.25,
        "full_m": 20, "zero_m": 300, "k": 2, "group": "social"}
CAFES = {"key": "cafes", "kind": "count_within", "of": "cafe", "weight": 0.15,
         "within_m": 200, "full": 3, "group": "social"}
REST = {"key": "rest", "kind": "rest", "on_way_to": ["shop"], "weight": 0.1,
        "full": 1, "zero": 0, "group": "nature"}
QUIET = {"key": "quiet", "kind": "column", "column": "noise", "weight": 0.1,
         "full": 45, "zero": 65, "group": "own"}
# fmt: on
ALL = (SHOP, CAFE, CAFES, REST, QUIET)


def strategy_of(*criteria, **sections):
    told = {"parcels": {"source": "lots.gpkg"}, "robustness": {"enabled": False}} | sections
    told["score"] = {"catalogue": "none"} | told.get("score", {})
    return Strategy.build({**told, "criterion": list(criteria or ALL)})


@cache
def streets():
    """Return 3 × 3 blocks of 100 m."""
    ids = np.arange(16).reshape(4, 4)
    xy = [(100.0 * x, 100.0 * y) for y in range(4) for x in range(4)]
    return make_ways(xy, *ids.tolist(), *ids.T.tolist())


def plots_of(shapes):
    ids = pd.Index([f"p{i}" for i in range(len(shapes))], name="parcel_id")
    told = {"label": ids.to_numpy(), "area_m2": shapely.area(shapes), "municipal": "unknown"}
    return gpd.GeoDataFrame(told, geometry=list(shapes), crs=CRS, index=ids)


def lots():
    """Return four lots of 45 × 45 m in every block; p0 lies at the south-western corner."""
    corner = [100 * block + 5 + 45 * half for block in range(3) for half in (0, 1)]
    return plots_of([shapely.box(x, y, x + 45, y + 45) for y in corner for x in corner])


def places_of(spots, kinds):
    ids = [f"n{i}" for i in range(len(kinds))]
    told = {"service_id": ids, "category": kinds, "name": "", "kind": "point"}
    points = shapely.points(np.array(spots, dtype=float).reshape(-1, 2))
    return gpd.GeoDataFrame(told, geometry=points, crs=CRS)


def inputs_of(strategy, parcels, places, *, ways=None, noise=None, rules=(), benches=()):
    quiet = np.full(len(parcels), 50.0) if noise is None else noise
    around = shapely.box(-200, -200, 2500, 1000)
    return Inputs(
        area=StudyArea("town", around, CRS, strategy.margin_m),
        parcels=parcels,
        ways=ways or streets(),
        services=places,
        backdrop=empty_table(BACKDROP_COLUMNS, CRS),
        coverage=around,
        weights=strategy.weigh([]),
        benches=places_of(benches, ["rest"] * len(benches)),
        opened={},
        constraints=tuple(rules),
        evidence=pd.DataFrame({"quiet": quiet}, index=parcels.index),
        details=pd.DataFrame(index=parcels.index),
        population=None,
        districts=None,
        sites=None,
        reports=(),
    )


def town(strategy, seed=1):
    """Return a town with places, benches, noise and zones at random."""
    rng, parcels = np.random.default_rng(seed), lots()
    corners = rng.random((1 + len(OFF), 2)) * 250
    rules = [
        rule(name, shapely.box(*corner, *(corner + 180)), "deduct", points=points)
        for corner, (name, points) in zip(corners, OFF.items(), strict=False)
    ]
    rules.append(rule("Flom", shapely.box(*corners[-1], *(corners[-1] + 60))))
    kinds = ["shop", "shop", "cafe", "cafe", "cafe", "cafe"]
    return inputs_of(
        strategy,
        parcels,
        places_of(rng.random((6, 2)) * 300, kinds),
        noise=rng.uniform(40, 70, len(parcels)),
        rules=rules,
        benches=rng.random((30, 2)) * 300,
    )


def rule(name, zone, effect="exclude", points=10.0, mapped=None, **more):
    surveyed = None if mapped is None else gpd.GeoSeries([mapped], crs=CRS)
    return Constraint(name, effect, points, gpd.GeoSeries([zone], crs=CRS), surveyed, **more)


def steps_of(strategy, inputs):
    """Return measures, findings and verdict."""
    network, limit = walk_network(strategy, inputs), strategy.osm.snap_m
    shapes = inputs.services.geometry.to_numpy()
    at_services = snap_services(network, shapes, np.zeros(len(shapes), dtype=bool), limit_m=limit)
    at_parcels = snap(network, inputs.parcels.geometry.to_numpy(), limit_m=limit)
    measures = measure(strategy, inputs, network, at_parcels, at_services)
    findings = find(strategy, inputs)
    return measures, findings, judge(strategy, inputs, inputs.weights, measures, findings)


def assess(strategy, inputs):
    return table_of(strategy, inputs, *steps_of(strategy, inputs))


def only(inputs, rows):
    """Return the inputs with some parcels, in that order."""
    ids = inputs.parcels.index[rows]
    parts = ("parcels", "evidence", "details")
    return replace(inputs, **{name: getattr(inputs, name).loc[ids] for name in parts})


def by_id(table):
    return table.drop(columns="geometry").sort_index()


METHODS = ["weighted_sum", "geometric", "owa", "minimum"]
methods = st.sampled_from([{"method": m, "alpha": 2.0} for m in METHODS])


# A score depends only on its own parcel; order and scale of what is written have no say


@given(SEEDS, st.data())
@settings(max_examples=6)
def test_leaving_out_other_parcels_changes_nothing_but_ranks(seed, data):
    strategy = strategy_of()
    inputs = town(strategy, seed)
    rows = data.draw(st.lists(st.integers(0, 35), min_size=1, max_size=8, unique=True))
    whole, part = assess(strategy, inputs), assess(strategy, only(inputs, rows))
    columns = whole.columns.drop("rank")
    pd.testing.assert_frame_equal(whole.loc[part.index, columns], part[columns], check_exact=True)


def test_clipping_the_area_changes_no_score(tmp_path, write_osm):
    """The second shop is nearest to the last parcel of the smaller area, and lies outside it."""
    lon = [9.0 + 0.004 * i for i in range(11)]  # 236 m each
    nodes = {i + 1: (x, 58.0) for i, x in enumerate(lon)}
    for i, x in enumerate((9.0002, 9.0215, 9.039)):
        nodes[20 + i] = (x, 58.0001, {"shop": "supermarket", "name": f"Butikk {i}"})
    write_osm(nodes, {1: (range(1, 12), {"highway": "residential"})})
    plots = [shapely.box(x + 0.001, 58.0002, x + 0.002, 58.0005) for x in lon[:-1]]
    ids = [f"p{i}" for i in range(10)]
    gpd.GeoDataFrame({"id": ids}, geometry=plots, crs=4326).to_file(tmp_path / "lots.gpkg")
    west = gpd.GeoDataFrame(geometry=[shapely.box(8.999, 57.999, 9.0202, 58.001)], crs=4326)
    west.to_file(tmp_path / "west.gpkg")

    def run(**area):
        told = {"parcels": {"source": str(tmp_path / "lots.gpkg"), "id": "id"}, "area": area}
        told["osm"] = {"source": str(tmp_path / "town.osm.pbf")}
        return ars.run(strategy_of(SHOP | {"zero_m": 400}, **told))

    whole, part = run(), run(boundary=str(tmp_path / "west.gpkg"))
    assert len(part.services) == 2
    assert len(whole.services) == 3
    assert part.parcels.index.tolist() == ids[:5]
    for name in ("score", "shop_value", "shop_service", "class"):
        assert part.parcels[name].tolist() == whole.parcels[name].iloc[:5].tolist()
    assert part.parcels["shop_service"].tolist()[:5:4] == ["Butikk 0", "Butikk 1"]
    assert part.parcels["score"].nunique() > 2


@given(SEEDS, methods, st.randoms())
@settings(max_examples=6)
def test_order_of_parcels_places_and_criteria_is_irrelevant(seed, score, random):
    strategy = strategy_of(score=score)
    inputs = town(strategy, seed)
    rows, places = list(range(36)), list(range(6))
    turned = [dict(c) for c in ALL]
    for order in (rows, places, turned):
        random.shuffle(order)
    other = strategy_of(*turned, score=score)
    again = only(inputs, rows)
    again = replace(
        again,
        services=again.services.iloc[places].reset_index(drop=True),
        evidence=again.evidence.iloc[::-1],
        benches=again.benches.iloc[::-1].reset_index(drop=True),
        weights=other.weigh([]),
    )
    one, two = by_id(assess(strategy, inputs)), by_id(assess(other, again))
    pd.testing.assert_frame_equal(one, two[one.columns], rtol=0, atol=1e-9)


@given(SEEDS, methods, st.floats(1e-3, 1e3))
@settings(max_examples=5)
def test_scaling_all_weights_changes_nothing(seed, score, factor):
    scaled = [c | {"weight": c["weight"] * factor} for c in ALL]
    one, two = strategy_of(score=score), strategy_of(*scaled, score=score)
    inputs = town(one, seed)
    again = replace(inputs, weights=two.weigh([]))
    pd.testing.assert_frame_equal(
        by_id(assess(one, inputs)), by_id(assess(two, again)), rtol=0, atol=1e-9
    )


@given(SEEDS, methods)
@settings(max_examples=5)
def test_a_criterion_of_weight_0_is_as_if_absent_also_where_its_number_is_missing(seed, score):
    without = strategy_of(SHOP, CAFE, score=score)
    none = [c | {"weight": 0} for c in (CAFES, REST, QUIET)]
    zero = strategy_of(SHOP, CAFE, *none, score=score)
    inputs = town(zero, seed)
    inputs = replace(inputs, evidence=inputs.evidence * np.nan)
    one = assess(without, replace(inputs, weights=without.weigh([])))
    two = assess(zero, inputs)
    pd.testing.assert_frame_equal(one, two[one.columns], check_exact=True)


def test_a_criterion_of_weight_0_is_in_no_explanation():
    without, zero = strategy_of(SHOP, CAFE), strategy_of(SHOP, QUIET | {"weight": 0}, CAFE)
    inputs = town(zero)
    results = analyse(without, replace(inputs, weights=without.weigh([]))), analyse(zero, inputs)
    for parcel in ("p0", "p17", "p35"):
        one, two = (result.explain(parcel) for result in results)
        assert (one.strongest, one.weakest, one.lifts) == (two.strongest, two.weakest, two.lifts)
        pd.testing.assert_frame_equal(one.criteria, two.criteria.loc[one.criteria.index])
        assert (two.criteria.loc["quiet", ["weight", "points", "could_gain"]] == 0).all()


def test_metres_and_kilometres_with_anchors_to_match_are_the_same():
    rng = np.random.default_rng(3)
    metres = rng.uniform(0, 1200, 36)
    in_m = strategy_of(SHOP, QUIET | {"full": 200, "zero": 1000})
    in_km = strategy_of(SHOP, QUIET | {"full": 0.2, "zero": 1})
    scores = []
    for strategy, numbers in ((in_m, metres), (in_km, metres / 1000)):
        inputs = town(strategy)
        inputs.evidence["quiet"] = numbers
        scores.append(assess(strategy, inputs)["score"].to_numpy())
    assert scores[0] == pytest.approx(scores[1], abs=1e-9, nan_ok=True)


def test_a_parcel_that_stands_there_twice_shares_its_rank_and_moves_only_those_behind():
    strategy = strategy_of()
    inputs = town(strategy)
    alone = assess(strategy, inputs)
    twin = alone["rank"].idxmin()
    rows = [*range(36), inputs.parcels.index.get_loc(twin)]
    doubled = only(inputs, rows)
    ids = pd.Index([*inputs.parcels.index, "twin"], name="parcel_id")
    named = {
        name: getattr(doubled, name).set_axis(ids) for name in ("parcels", "evidence", "details")
    }
    both = assess(strategy, replace(doubled, **named))
    assert both.loc["twin", "score"] == both.loc[twin, "score"]
    assert both.loc[["twin", twin], "rank"].tolist() == [1, 1]
    others = alone.index[alone["rank"] > 1]
    assert both.loc[others, "rank"].tolist() == (alone.loc[others, "rank"] + 1).tolist()
    assert both.loc[others, "score"].tolist() == alone.loc[others, "score"].tolist()
    assert 2 not in both["rank"].dropna().tolist()


def test_a_column_that_is_the_same_everywhere_gives_all_the_same_and_orders_nothing():
    strategy, without = strategy_of(SHOP, CAFE, QUIET), strategy_of(SHOP, CAFE)
    inputs = town(strategy)
    inputs.evidence["quiet"] = 55.0
    result = analyse(strategy, inputs)
    for parcel in ("p0", "p17", "p35"):
        told = result.explain(parcel).criteria.loc["quiet", ["points", "difference"]]
        assert told.tolist() == pytest.approx([100 * 0.1 / 0.75 * 0.5, 0])
    plain = replace(inputs, weights=without.weigh([]), constraints=())
    constant = replace(inputs, constraints=())
    ranks = [assess(s, i)["rank"] for s, i in ((without, plain), (strategy, constant))]
    pd.testing.assert_series_equal(*ranks)


# Nearer is never worse

CURVES = {
    "linear": {"full_m": 100, "zero_m": 1500},
    "piecewise": {"function": "piecewise", "curve": [(100, 1), (400, 0.9), (800, 0.2), (1500, 0)]},
    "step": {"function": "step", "curve": [(200, 1), (700, 0.4)], "beyond": 0.0},
    "exponential": {"function": "exponential", "half": 300, "full_m": 0, "zero_m": 1500},
    "bulging": {"function": "exponential", "half": 1300, "full_m": 0, "zero_m": 1500},
    "logistic": {"function": "logistic", "half": 500, "steepness": 0.01, "full_m": 0, "zero_m": 1500},  # noqa: E501
    "gaussian": {"function": "gaussian", "sigma": 400, "full_m": 0, "zero_m": 1500},
    "choice": {"k": 3, "decay": [0.5, 0.3, 0.2], "full_m": 100, "zero_m": 1500},
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_along_a_street_away_from_the_places_no_value_and_no_score_rises(method):
    walks = [{"key": key, "osm": ["shop=*"], "weight": 1} | curve for key, curve in CURVES.items()]
    count = CAFES | {"of": "choice", "within_m": 900, "weight": 1}
    strategy = strategy_of(*walks, count, score={"method": method})
    ways = make_ways([(x, 0) for x in range(0, 2001, 100)], range(21))
    parcels = plots_of([shapely.Point(x, 3) for x in range(0, 2000, 20)])
    spots = [(0, -2)] * len(CURVES) + [(20, -2), (0, 5)]
    places = places_of(spots, [*CURVES, "choice", "choice"])
    table = assess(strategy, inputs_of(strategy, parcels, places, ways=ways))
    near_first = table.iloc[1:]  # the second place of the street lies 20 m in
    for name in [*(f"{key}_value" for key in (*CURVES, "cafes")), "score"]:
        assert (near_first[name].diff().dropna() <= 1e-9).all(), name
        assert near_first[name].iloc[-1] < near_first[name].iloc[0] / 10, name


@given(SEEDS, methods)
@settings(max_examples=5)
def test_one_place_more_lowers_no_score(seed, score):
    strategy = strategy_of(SHOP, CAFE, CAFES, score=score)
    inputs = town(strategy, seed)
    spot = np.random.default_rng(seed + 1).random(2) * 300
    kind = ["shop", "cafe"][seed % 2]
    more = pd.concat([inputs.services, places_of([spot], [kind])], ignore_index=True)
    before, after = assess(strategy, inputs), assess(strategy, replace(inputs, services=more))
    assert (after["score_if_allowed"] - before["score_if_allowed"]).min() >= -1e-9


@pytest.mark.parametrize(
    ("curve", "metres", "value"),
    [
        ("step", [0, 200, 200.001, 700, 700.001, np.inf], [1, 1, 0.4, 0.4, 0, 0]),
        ("piecewise", [0, 100, 250, 400, 800, 1500, 9999, np.inf], [1, 1, 0.95, 0.9, 0.2, 0, 0, 0]),
        ("linear", [0, 100, 800, 1500, np.inf], [1, 1, 0.5, 0, 0]),
        ("exponential", [0, 300, 1500, np.inf], [1, 0.5, 0, 0]),
        ("logistic", [500, 1500, np.inf], [0.5, 0, 0]),
        ("gaussian", [0, 400, 1500, np.inf], [1, np.exp(-0.5), 0, 0]),
    ],
)
def test_a_walk_to_a_limit_none_at_all_and_one_out_of_reach(curve, metres, value):
    one = strategy_of({"key": "shop", "osm": ["shop=*"], "weight": 1} | CURVES[curve]).criteria[0]
    assert walk_value(one, np.array(metres)) == pytest.approx(value, abs=1e-12)


# Missing values


def half_known(known_pct, missing, noise):
    """Return one row per parcel of a street with both shops at hand, whose noise may be missing."""
    strategy = strategy_of(
        SHOP | {"weight": 1},
        SHOP | {"key": "grocery", "weight": known_pct / 10 - 1},  # 0.1 + 0.7 is less than 0.8
        QUIET | {"weight": 10 - known_pct / 10},
        score={"missing": missing},
    )
    parcels = plots_of([shapely.box(10, 0, 30, 20)] * len(noise))
    places = places_of([(20, 0), (20, 0)], ["shop", "grocery"])
    return assess(strategy, inputs_of(strategy, parcels, places, noise=noise))


def test_require_leaves_a_parcel_without_a_number_unassessed_and_says_which():
    table = half_known(80, "require", [45.0, 55.0, np.nan])
    assert table["status"].tolist() == ["assessed", "assessed", "missing_data"]
    assert table["reasons"].tolist() == ["", "", "no_value: noise"]
    assert table["score"].tolist()[:2] == pytest.approx([100, 90])
    assert table.loc["p2", ["score", "class", "rank", "score_if_allowed"]].isna().all()


@pytest.mark.parametrize(("known_pct", "status"), [(80, "assessed"), (79, "missing_data")])
def test_reweight_judges_by_what_is_known_from_80_pct_of_the_weight(known_pct, status):
    table = half_known(known_pct, "reweight", [65.0, np.nan])
    assert table["status"].tolist() == ["assessed", status]
    assert table["reasons"].tolist() == ["", "left_out_of_score: noise"]
    assert table["score"].iloc[0] == pytest.approx(known_pct)
    assert table["rank"].fillna(0).tolist() == ([2, 1] if status == "assessed" else [1, 0])
    if status == "assessed":
        assert table["score"].iloc[1] == pytest.approx(100)


def test_worst_counts_what_is_missing_as_nothing_and_says_so():
    table = half_known(80, "worst", [65.0, np.nan, 45.0])
    assert table["score"].tolist() == pytest.approx([80, 80, 100])
    assert table["rank"].tolist() == [2, 2, 1]
    assert table["reasons"].tolist() == ["", "counted_as_worst: noise", ""]
    assert np.isnan(table["quiet_value"].iloc[1])


def test_a_parcel_that_is_ruled_out_and_lacks_a_number_is_excluded_and_tells_both():
    strategy = strategy_of(SHOP, QUIET)
    parcels, places = plots_of([shapely.box(10, 0, 30, 20)]), places_of([(20, 0)], ["shop"])
    flood = rule("Flom", shapely.box(0, 0, 99, 99))
    inputs = inputs_of(strategy, parcels, places, noise=[np.nan], rules=[flood])
    told = assess(strategy, inputs).loc["p0"]
    assert (told["status"], told["reasons"]) == ("excluded", "Flom;no_value: noise")
    assert told[["score", "rank", "score_if_allowed"]].isna().all()


# How values are joined


def test_the_geometric_mean_with_its_floor_rises_with_it_and_counts_whom_it_touched():
    found = []
    for floor in (0.001, 0.1):
        strategy = strategy_of(SHOP, QUIET, score={"method": "geometric", "floor": floor})
        result = analyse(strategy, town(strategy))
        table = result.parcels
        values = table[["shop_value", "quiet_value"]]
        by_hand = 100 * (np.maximum(values, floor) ** [0.8, 0.2]).prod(axis=1)
        expected = np.maximum(by_hand - deducted(table), 0)
        assert table["score_if_allowed"].to_numpy() == pytest.approx(expected.to_numpy())
        found.append(table["score_if_allowed"])
        told = result.facts()["score"]["parcels_with_a_value_below_floor"]
        assert told == (values < floor).any(axis=1).sum() > 0
    assert (found[0] <= found[1]).all()
    assert (found[0] < found[1]).any()


def deducted(table):
    return sum(points * table["reasons"].str.contains(name) for name, points in OFF.items())


def test_what_the_criteria_give_less_what_rules_take_is_the_score():
    strategy = strategy_of()
    result = analyse(strategy, town(strategy))
    by_hand = deducted(result.parcels)
    assert by_hand.max() > 0
    for parcel in result.parcels.index[result.parcels["score"] > 0][::4]:
        told = result.explain(parcel)
        points, off = told.criteria["points"], by_hand[parcel]
        assert told.deduction == pytest.approx(off, abs=1e-9)
        assert points.sum() - off == pytest.approx(result.parcels["score"][parcel], abs=1e-9)
        assert told.criteria["weight"].sum() == pytest.approx(1)


def test_minimum_looks_at_the_critical_ones_alone_or_at_all():
    some = strategy_of(
        SHOP | {"critical": True}, CAFE | {"critical": True}, QUIET, score={"method": "minimum"}
    )
    every = strategy_of(SHOP, CAFE, QUIET, score={"method": "minimum"})
    for strategy, keys in ((some, ["shop", "cafe"]), (every, ["shop", "cafe", "quiet"])):
        inputs = replace(town(strategy), constraints=())
        table = assess(strategy, inputs)
        lowest = table[[f"{key}_value" for key in keys]].min(axis=1)
        assert table["score"].to_numpy() == pytest.approx(100 * lowest.to_numpy())


def test_owa_tells_its_orness_and_its_trade_off():
    strategy = strategy_of(SHOP, CAFE, QUIET, score={"method": "owa", "alpha": 2})
    told = analyse(strategy, town(strategy)).facts()["score"]
    # order weights of three: 1/9, 3/9, 5/9
    off = np.sqrt(3 * ((1 / 9 - 1 / 3) ** 2 + (5 / 9 - 1 / 3) ** 2) / 2)
    assert (told["orness"], told["trade_off"]) == (0.3333, round(1 - off, 4))


def test_sub_scores_are_the_weighted_means_of_their_criteria():
    table = assess(strategy_of(), town(strategy_of()))
    social = (0.25 * table["cafe_value"] + 0.15 * table["cafes_value"]) / 0.4
    assert table["score_social"].to_numpy() == pytest.approx(100 * social.to_numpy())
    assert table["score_central"].to_numpy() == pytest.approx(100 * table["shop_value"].to_numpy())
    assert table["score_safe"].to_numpy() == pytest.approx(100 * table["rest_value"].to_numpy())
    # no value is shown as -0.0
    assert not np.signbit(table.filter(like="_value").to_numpy()).any()


@pytest.mark.parametrize("best", ["suitable", "less_suitable", "unsuitable"])
def test_a_gate_caps_the_class_and_touches_neither_score_nor_rank(best):
    plain = strategy_of()
    gated = strategy_of(gate=[{"group": "social", "min": 60, "best": best}])
    inputs = replace(town(plain), constraints=())
    free, capped = assess(plain, inputs), assess(gated, inputs)
    low = free["score_social"] < 60
    assert 0 < low.sum() < 36
    pd.testing.assert_frame_equal(free[["score", "rank"]], capped[["score", "rank"]])
    order = {name: place for place, name in enumerate(CLASSES)}
    expected = (
        free["class"].map(order).where(~low, free["class"].map(order).clip(lower=order[best]))
    )
    assert capped["class"].map(order).tolist() == expected.tolist()
    assert (capped["class"] != free["class"]).any()
    assert (capped["reasons"] == np.where(low, "group_below_minimum: social", "")).all()


# Rests on the way


def test_benches_per_100_m_are_counted_on_each_way_and_a_short_walk_needs_none():
    rest = REST | {"on_way_to": ["shop", "cafe", "zoo"]}
    zoo = SHOP | {"key": "zoo"}
    strategy = strategy_of(SHOP | {"zero_m": 900}, CAFE | {"k": 1}, zoo, rest)
    alone = [(0, 500), (9, 500), (0, 800), (9, 800)]
    ways = make_ways([(0, 0), (400, 0), (600, 0), *alone], [0, 1, 2], [3, 4], [5, 6])
    spots = [(0, 0), (340, 0), (580, 0), (4, 500), (4, 800)]
    parcels = plots_of([shapely.Point(*spot) for spot in spots])
    places = places_of([(400, 0), (600, 0), (9, 500)], ["shop", "cafe", "cafe"])
    benches = [(50, 10), (150, -14), (390, 0), (500, 0), (200, 16)]  # the last one is too far off
    table = assess(strategy, inputs_of(strategy, parcels, places, ways=ways, benches=benches))
    by_hand = [
        (3 / 4 + 4 / 6) / 2,
        (1 + 2 / 2.6) / 2,  # the shop is 60 m off; 260 m to the café
        (1 / 1.8 + 1) / 2,
        1,  # no way to a shop: the one to the café alone
        0,
    ]
    assert table["rest_raw"].tolist() == pytest.approx(by_hand)


# Rules


def test_an_excluded_parcel_has_no_rank_and_no_area_but_the_score_it_would_have():
    rules = {"from_class": "unsuitable", "min_area_m2": 0, "max_area_m2": 1e9, "most": 99}
    strategy = strategy_of(areas=rules)
    inputs = town(strategy)
    zone = rule("Verneområde", shapely.box(90, 90, 210, 210))
    result = analyse(strategy, replace(inputs, constraints=(zone,)))
    table, free = result.parcels, assess(strategy, replace(inputs, constraints=()))
    out = table["status"] == "excluded"
    assert set(table.index[out]) == {"p14", "p15", "p20", "p21"} | {
        f"p{i}" for i in (7, 8, 9, 10, 13, 16, 19, 22, 25, 26, 27, 28)
    }
    assert (table.loc[out, "reasons"] == "Verneområde").all()
    assert table.loc[out, ["score", "class", "rank"]].isna().all(axis=None)
    assert table["score_if_allowed"].tolist() == free["score"].tolist()
    joined = [name for told in result.areas["parcels"] for name in told.split(";")]
    assert sorted(joined) == sorted(table.index[~out])
    assert table["rank"].notna().tolist() == (~out).tolist()


def test_a_condition_is_told_a_deduction_lowers_and_each_keeps_its_reason():
    strategy = strategy_of(SHOP, CAFE)
    plain = replace(town(strategy), constraints=())
    whole = shapely.box(0, 0, 100, 100)
    rules = (
        rule("Støy", whole, "condition"),
        rule("Marka", shapely.box(0, 0, 50, 100), "deduct", points=15.0),
        rule("Jord", whole, "deduct", points=90.0),
    )
    free, told = assess(strategy, plain), assess(strategy, replace(plain, constraints=rules))
    inside = ["p0", "p1", "p6", "p7"]
    assert told.loc[inside, "reasons"].tolist() == ["Støy;Marka;Jord", "Støy;Jord"] * 2
    assert (told["status"] == "assessed").all()
    off = pd.Series([105.0, 90.0, 105.0, 90.0], inside)
    expected = (free.loc[inside, "score"] - off).clip(lower=0)
    assert told.loc[inside, "score"].to_numpy() == pytest.approx(expected.to_numpy())
    assert free["score"].max() < 105
    others = free.index.difference(inside)
    pd.testing.assert_series_equal(free.loc[others, "score"], told.loc[others, "score"])


@pytest.mark.parametrize(
    ("hit", "mapped", "answer"),
    [
        (0.6, 0.7, "hit"),  # whatever lies in the rest
        (0.5, 1.0, "hit"),  # a share at the limit is hit
        (0.3, 0.7, "not_mapped"),  # the rest might make it 0.6
        (0.3, 0.9, "below_share"),  # it can be 0.4 at most
        (0.3, 1.0, "below_share"),
        (0.0, 0.4, "not_mapped"),
        (0.0, 1.0, "no_hit"),
    ],
)
def test_what_is_not_mapped_counts_where_it_could_decide(hit, mapped, answer):
    strategy = strategy_of(SHOP)
    parcels = plots_of([shapely.box(0, 5, 100, 105)])
    one = rule(
        "Flom", shapely.box(0, 0, 100 * hit, 200), mapped=shapely.box(0, 0, 100 * mapped, 200),
        from_share=0.5,
    )  # fmt: skip
    inputs = inputs_of(strategy, parcels, places_of([(50, 0)], ["shop"]), rules=[one])
    measures, findings, verdict = steps_of(strategy, inputs)
    assert findings.answers["Flom"].tolist() == [answer]
    assert findings.shares["Flom"].tolist() == pytest.approx([hit])
    told = table_of(strategy, inputs, measures, findings, verdict).loc["p0"]
    assert told["status"] == ("excluded" if answer == "hit" else "assessed")
    assert told["reasons"] == {"hit": "Flom", "not_mapped": "not_mapped: Flom"}.get(answer, "")


@pytest.mark.parametrize(
    ("effect", "status", "lost"),
    [("exclude", "excluded", 0), ("condition", "assessed", 0), ("deduct", "assessed", 12)],
)
def test_a_parcel_of_which_too_little_is_left_meets_what_the_strategy_says(effect, status, lost):
    """Of 45 × 45 m the ditch leaves 25 × 45 m and a strip of 5 m that does not count."""
    options = {"min_area_m2": 1200, "min_width_m": 26, "effect": effect, "points": 12}
    strategy = strategy_of(SHOP | {"full_m": 100}, buildable=options)
    parcels = plots_of([shapely.box(5, 5, 50, 50), shapely.box(55, 5, 100, 50)])
    ditch = rule("Bekk", shapely.box(30, 0, 45, 60), by="net_area")
    inputs = inputs_of(strategy, parcels, places_of([(50, 0)], ["shop"]), rules=[ditch])
    measures, findings, verdict = steps_of(strategy, inputs)
    table = table_of(strategy, inputs, measures, findings, verdict)
    assert table["buildable_m2"].tolist() == pytest.approx([25 * 45, 45 * 45], abs=1)
    assert table["buildable_width_m"].tolist() == pytest.approx([25, 45], abs=0.2)
    assert table["status"].tolist() == [status, "assessed"]
    # the ditch itself is told, but excludes nobody
    too_little = "Bekk;net_area_below_minimum;net_width_below_minimum"
    assert table["reasons"].tolist() == [too_little, ""]
    assert table["score_if_allowed"].tolist() == pytest.approx([100 - lost, 100])
    free = lift(strategy, inputs, findings, ["Bekk"])
    again = judge(strategy, inputs, inputs.weights, measures, free).table
    assert again["status"].tolist() == ["assessed"] * 2
    assert again["reasons"].tolist() == ["", ""]


def test_what_the_streets_do_not_reach_and_what_the_extract_cannot_know():
    strategy = strategy_of(SHOP)
    spots = [shapely.Point(50, 0), shapely.Point(600, 600), shapely.Point(9000, 0)]
    inputs = inputs_of(strategy, plots_of(spots), places_of([(50, 0)], ["shop"]))
    table = assess(strategy, inputs)
    assert table["status"].tolist() == ["assessed", "assessed", "missing_data"]
    assert table["reasons"].tolist() == ["", "not_connected", "outside_extract"]
    assert table["score"].tolist()[:2] == [100, 0]
    nobody = assess(strategy, replace(inputs, services=inputs.services.iloc[:0]))
    assert (nobody["status"] == "missing_data").all()
    assert nobody["reasons"].str.startswith("no_service_found").all()
    assert nobody["score_if_allowed"].isna().all()


def test_who_is_kept_out_by_steps_alone_is_told_so():
    strategy = strategy_of(SHOP, walker={"profile": "rollator"})
    ways = make_ways(
        [(0, 0), (100, 0), (110, 0), (210, 0)], [0, 1], [1, 2], [2, 3],
        tags=[{"highway": kind} for kind in ("residential", "steps", "residential")],
    )  # fmt: skip
    parcels = plots_of([shapely.Point(50, 0), shapely.Point(160, 0)])
    inputs = inputs_of(strategy, parcels, places_of([(200, 0)], ["shop"]), ways=ways)
    table = assess(strategy, inputs)
    assert table["reasons"].tolist() == ["no_step_free_way: shop", ""]
    assert table["score"].iloc[0] == 0 < table["score"].iloc[1]


# What robustness and need are given


def test_near_services_are_the_same_places_by_other_numbers():
    strategy = strategy_of(SHOP, CAFE, robustness={"enabled": True})
    measures, _, _ = steps_of(strategy, town(strategy))
    rows = np.array([3, 8, 30])
    near = near_services(strategy, measures.reach, rows)
    for key, n in (("shop", 2), ("cafe", 4)):
        stored = measures.reach.nearest[key].k_service[rows]
        assert near[key].n_services == n
        assert near[key].service.max() == n - 1
        assert ((near[key].service == -1) == (stored == -1)).all()
        pairs = set(zip(near[key].service.ravel(), stored.ravel(), strict=True))
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        values = measures.valued[key].iloc[rows].to_numpy()
        assert near[key].value_of(near[key].effort_m[:, : near[key].k]) == pytest.approx(values)


def test_capacity_and_residents_are_joined_by_place_and_not_by_row():
    """Sorted as text, S_11 comes before S_2."""
    strategy = strategy_of(SHOP | {"full_m": 120, "zero_m": 600})
    rng = np.random.default_rng(5)
    names = [f"S_{i}" for i in range(1, 13)]
    places = places_of(rng.random((12, 2)) * 300, ["shop"] * 12)
    places = places.assign(service_id=names, capacity=rng.integers(1, 20, 12).astype(float))
    cells = gpd.GeoDataFrame(
        {"residents": rng.integers(1, 90, 9).astype(float), "side_m": 100.0},
        geometry=[
            shapely.box(x, y, x + 100, y + 100) for x in (0, 100, 200) for y in (0, 100, 200)
        ],
        crs=CRS,
        index=pd.Index([f"c{i}" for i in range(9)]),
    )
    found = []
    for services, people in (
        (places, cells),
        (places.sort_values("service_id").reset_index(drop=True), cells.iloc[::-1]),
    ):
        inputs = replace(inputs_of(strategy, lots(), services), population=people)
        network = walk_network(strategy, inputs)
        shapes = services.geometry.to_numpy()
        at = snap_services(network, shapes, np.zeros(12, dtype=bool), limit_m=150)
        found.append(measure_need(strategy, inputs, network, at))
    one, two = (need.cells["shop_access"].sort_index() for need in found)
    assert one.to_numpy() == pytest.approx(two.to_numpy())
    assert one.nunique() > 4
    received = (one * cells["residents"]).sum()
    assert received == pytest.approx(places["capacity"].sum())
    assert found[0].in_reach["near_share"].tolist() == pytest.approx(
        found[1].in_reach["near_share"].tolist()
    )


# Outputs


LITTLE = {"draws": 100, "distance_draws": 10, "top": 5}


def test_the_same_seed_gives_the_same_files_and_another_one_other_bands(tmp_path):
    results = []
    for seed in (1, 1, 2):
        strategy = strategy_of(robustness=LITTLE | {"seed": seed})
        results.append(analyse(strategy, town(strategy)))
    one, two = tmp_path / "one", tmp_path / "two"
    with only_files("suitability.gpkg", "ranking.csv"):
        results[0].write(one)
        results[1].write(two)
    assert (one / "ranking.csv").read_bytes() == (two / "ranking.csv").read_bytes()
    names = gpd.list_layers(one / "suitability.gpkg")["name"].tolist()
    assert {"parcels", "areas", "robustness", "weight_intervals"} <= set(names)
    for name in names:
        both = [gpd.read_file(folder / "suitability.gpkg", layer=name) for folder in (one, two)]
        assert both[0].equals(both[1]), name
    shares = [result.robustness.parcels["top_share"] for result in results]
    assert not shares[0].equals(shares[2])
    assert results[0].parcels["score"].equals(results[2].parcels["score"])


def written(result, folder):
    """Return what was written: the ranking and the parcels of the GeoPackage."""
    result.write(folder)
    ranking = pd.read_csv(folder / "ranking.csv", sep=None, engine="python")
    return ranking, gpd.read_file(folder / "suitability.gpkg", layer="parcels")


@pytest.mark.parametrize("why", ["excluded", "missing_data"])
def test_where_no_parcel_is_assessed_the_outputs_are_valid_and_empty(tmp_path, why):
    strategy = strategy_of(robustness=LITTLE)
    inputs = town(strategy)
    if why == "excluded":
        inputs = replace(inputs, constraints=(rule("Marka", shapely.box(-9, -9, 999, 999)),))
    else:
        inputs = replace(inputs, evidence=inputs.evidence * np.nan, constraints=())
    result = analyse(strategy, inputs)
    assert (result.parcels["status"] == why).all()
    assert result.robustness is None
    assert result.top.empty
    assert result.areas.empty
    ranking, parcels = written(result, tmp_path / "out")
    assert len(ranking) == len(parcels) == 36
    assert parcels[["score", "rank"]].isna().all(axis=None)
    assert result.facts()["results"]["status"] == {why: 36}
    assert result.explain("p3").facts["ranked"] == 0


def test_a_top_larger_than_the_table_holds_every_assessed_parcel():
    strategy = strategy_of(robustness=LITTLE | {"top": 500})
    result = analyse(strategy, town(strategy))
    assessed = result.parcels["status"] == "assessed"
    assert 0 < assessed.sum() < 36
    assert set(result.top.index) == set(result.parcels.index[assessed])
    assert (result.parcels.loc[assessed, "top_share"] == 1).all()
    assert (
        result.parcels.loc[~assessed, ["rank_p05", "rank_p95", "top_share"]].isna().all(axis=None)
    )


def test_no_parcel_at_all_is_a_table_without_rows():
    strategy = strategy_of(robustness=LITTLE)
    inputs = only(town(strategy), [])
    result = analyse(strategy, inputs)
    assert len(result.parcels) == 0
    assert {"score", "rank", "shop_value"} <= set(result.parcels.columns)
