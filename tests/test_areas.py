"""Recommended areas: what is joined, how large, in which order, and what is said of each."""

import math
import time

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from shapely import Point, box

from arealstrategi.areas import (
    AREA_COLUMNS,
    INSTRUMENTS,
    READINESS,
    AreaRules,
    neighbours,
    recommend_areas,
)
from arealstrategi.scoring import classify
from arealstrategi.tables import CLASSES, MUNICIPAL

CRS = "EPSG:25832"
E0, N0 = 560_000.0, 6_570_000.0
SIDE = 40.0  # metres, of a cell


def cell(column, row, *, side=SIDE, width=1, gap=0.0):
    west, south = E0 + column * (side + gap), N0 + row * (side + gap)
    return box(west, south, west + width * side + (width - 1) * gap, south + side)


def parcels_of(shapes, scores, ids=None, **columns):
    ids = [f"p{i:03d}" for i in range(len(shapes))] if ids is None else ids
    score = pd.Series(scores, index=pd.Index(ids, name="parcel_id", dtype="str"), dtype=float)
    shapes = np.array(shapes, dtype=object)
    area_m2 = np.where(shapely.get_dimensions(shapes) == 2, shapely.area(shapes), np.nan)
    table = {
        "area_m2": area_m2,
        "status": "assessed",
        "score": score,
        "class": classify(score),
        "municipal": "unknown",
    }
    return gpd.GeoDataFrame(table | columns, geometry=shapes, index=score.index, crs=CRS)


def best(parcels, **rules):
    areas, _ = recommend_areas(parcels, AreaRules(**{"min_area_m2": 0} | rules))
    return areas


def joined(areas):
    return [set(ids.split(";")) for ids in areas["parcels"]]


@st.composite
def towns(draw):
    """Cells of a raster, some gone, some two wide, now and then a street between them."""
    columns, rows = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    gap = draw(st.sampled_from([0.0, 8.0]))
    shapes = []
    for row in range(rows):
        column = 0
        while column < columns:
            kind = draw(st.sampled_from(["one", "one", "wide", "gone"]))
            width = 2 if kind == "wide" and column + 1 < columns else 1
            if kind != "gone":
                shapes.append(cell(column, row, width=width, gap=gap))
            column += width
    n = len(shapes)
    scores = draw(st.lists(st.sampled_from([20, 40, 55, 60, 60.5, 80, 95]), min_size=n, max_size=n))
    words = {
        "status": ["assessed", "assessed", "assessed", "excluded", "missing_data"],
        "municipal": MUNICIPAL,
        "plan_readiness": READINESS,
    }
    drawn = {
        key: draw(st.lists(st.sampled_from(choice), min_size=n, max_size=n))
        for key, choice in words.items()
    }
    ids = draw(st.permutations([f"p{i:03d}" for i in range(n)]))
    return parcels_of(shapes, scores, ids, **drawn)


some_rules = st.builds(
    AreaRules,
    from_class=st.sampled_from(CLASSES),
    gap_m=st.sampled_from([0.0, 10.0]),
    min_area_m2=st.sampled_from([0.0, 2_000.0, 4_000.0]),
    max_area_m2=st.sampled_from([4_000.0, 8_000.0, 100_000.0]),
    compactness=st.sampled_from([0.0, 0.3, 1.0]),
    spacing_m=st.sampled_from([0.0, 30.0, 100.0]),
    most=st.sampled_from([1, 3, 50]),
)


@settings(max_examples=30)
@given(towns(), some_rules)
def test_areas_keep_the_rules(parcels, rules):
    areas, _ = recommend_areas(parcels, rules)
    members = joined(areas)
    allowed = CLASSES[: CLASSES.index(rules.from_class) + 1]
    fit = parcels[(parcels["status"] == "assessed") & parcels["class"].isin(allowed)]
    used = [one for ids in members for one in ids]
    assert set(used) <= set(fit.index)
    assert len(used) == len(set(used))
    assert len(areas) <= rules.most
    for (_, area), ids in zip(areas.iterrows(), members, strict=True):
        own = parcels.loc[sorted(ids)]
        assert area["n_parcels"] == len(own)
        assert area["area_m2"] == pytest.approx(own["area_m2"].sum())
        assert area["area_m2"] >= rules.min_area_m2
        assert area["area_m2"] <= rules.max_area_m2 or len(own) == 1
        assert hangs_together(own, rules.gap_m)
        assert area["score"] == pytest.approx(np.average(own["score"], weights=own["area_m2"]))
        assert own.loc[area["best_parcel"], "score"] == own["score"].max()
        assert area["geometry"].equals(own.geometry.union_all())
        shape = 4 * math.pi * area["geometry"].area / area["geometry"].length ** 2
        assert area["compactness"] == pytest.approx(shape)
    score = areas["score"].round(9)
    assert areas["rank"].tolist() == [1 + int((score > one).sum()) for one in score]
    assert areas["rank"].is_monotonic_increasing
    assert areas.index.tolist() == [f"A{i + 1}" for i in range(len(areas))]
    for i, one in enumerate(areas.geometry):
        assert (areas.geometry.iloc[:i].distance(one) >= rules.spacing_m).all()


def graph_of(own, gap_m):
    graph = nx.Graph()
    graph.add_nodes_from(own.index)
    shapes = dict(own.geometry)
    graph.add_edges_from(
        (a, b) for a in shapes for b in shapes if a < b and shapes[a].distance(shapes[b]) <= gap_m
    )
    return graph


def hangs_together(own, gap_m):
    return nx.is_connected(graph_of(own, gap_m))


def grown_with_unions(parcels, rules):
    """Grow as the module's first lines say, one union at a time."""
    graph, shapes = graph_of(parcels, rules.gap_m), dict(parcels.geometry)
    used, tried, areas = set(), set(), []
    for seed in sorted(parcels.index, key=lambda one: (-parcels.loc[one, "score"], one)):
        if seed in tried:
            continue
        area, whole = {seed}, shapes[seed]
        while True:
            worth = {}
            for one in {other for member in area for other in graph[member]} - area - used:
                more = whole.union(shapes[one])
                shape = 4 * math.pi * more.area / more.length**2
                if more.area <= rules.max_area_m2 + 1e-6:
                    score = (1 - rules.compactness) * parcels.loc[one, "score"] / 100
                    worth[one] = round(score + rules.compactness * shape, 9)
            if not worth:
                break
            added = min(worth, key=lambda one: (-worth[one], one))
            area.add(added)
            whole = whole.union(shapes[added])
        tried |= area
        if whole.area >= rules.min_area_m2 - 1e-6:
            used |= area
            areas.append(area)
    return areas


@settings(max_examples=25)
@given(towns(), some_rules)
def test_growing_agrees_with_real_unions_of_every_step(parcels, rules):
    rules = rules.model_copy(update={"spacing_m": 0.0, "most": 50, "from_class": "unsuitable"})
    parcels = parcels.assign(status="assessed")
    areas, _ = recommend_areas(parcels, rules)
    expected = grown_with_unions(parcels, rules)
    assert sorted(map(sorted, joined(areas))) == sorted(map(sorted, expected))


@settings(max_examples=12)
@given(towns(), st.sampled_from([0.0, 2_000.0, 5_000.0]))
def test_without_limit_areas_are_what_hangs_together(parcels, min_area_m2):
    areas = best(parcels, max_area_m2=1e9, min_area_m2=min_area_m2, most=99)
    fit = parcels[(parcels["status"] == "assessed") & (parcels["score"] >= 50)]
    whole = list(nx.connected_components(graph_of(fit, 10.0)))
    large = [ids for ids in whole if fit.loc[list(ids), "area_m2"].sum() >= min_area_m2]
    assert sorted(map(sorted, joined(areas))) == sorted(map(sorted, large))


@settings(max_examples=12)
@given(towns(), some_rules, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(parcels, rules, random):
    order = list(range(len(parcels)))
    random.shuffle(order)
    one, said = recommend_areas(parcels, rules)
    other, said_too = recommend_areas(parcels.iloc[order], rules)
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other), check_exact=True)
    assert said == said_too


def metres(least, most):
    """Whole centimetres, as borders are drawn."""
    return st.integers(100 * least, 100 * most).map(lambda cm: cm / 100)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(metres(0, 100), metres(0, 100), metres(1, 30), metres(1, 30)), max_size=25),
    st.sampled_from([0.0, 5.0, 25.0]),
)
def test_neighbours_are_those_of_every_pair_compared(corners, gap_m):
    shapes = np.array([box(x, y, x + w, y + h) for x, y, w, h in corners], dtype=object)
    expected = [
        (i, j)
        for i in range(len(shapes))
        for j in range(i + 1, len(shapes))
        if shapes[i].distance(shapes[j]) <= gap_m
    ]
    assert list(zip(*neighbours(shapes, gap_m), strict=True)) == expected


def test_an_excluded_parcel_keeps_two_others_apart():
    row = [cell(i, 0) for i in range(3)]
    statuses = ["assessed", "excluded", "assessed"]
    assert joined(best(parcels_of(row, [90, 99, 80], status=statuses))) == [{"p000"}, {"p002"}]
    assert joined(best(parcels_of(row, [90, 99, 80]))) == [{"p000", "p001", "p002"}]


@pytest.mark.parametrize(("street_m", "areas"), [(10.0, 1), (10.001, 2)])
def test_a_street_up_to_the_gap_joins_and_a_wider_one_parts(street_m, areas):
    pair = [cell(0, 0, gap=street_m), cell(1, 0, gap=street_m)]
    found = best(parcels_of(pair, [70, 70]))
    assert len(found) == areas
    assert (found.geometry.geom_type == "MultiPolygon").tolist() == (
        [True] * (areas == 1) or [False] * 2
    )


def test_a_parcel_above_the_largest_area_is_an_area_of_its_own():
    pair = [cell(0, 0), box(E0 + SIDE, N0, E0 + 1000, N0 + 100)]
    areas = best(parcels_of(pair, [60, 90]), max_area_m2=5_000)
    assert joined(areas) == [{"p001"}, {"p000"}]
    assert areas["area_m2"].tolist() == [96_000, 1_600]


def test_what_was_too_small_alone_can_still_join_a_later_area():
    # p000 and p001 find no room for p002; then p002, as the seed, takes the one of them that fits.
    side_by_side = [cell(0, 0), box(E0 - 20, N0, E0, N0 + 20), box(E0 + 40, N0, E0 + 90, N0 + 100)]
    parcels = parcels_of(side_by_side, [90, 85, 60])
    areas = best(parcels, min_area_m2=2_500, max_area_m2=6_600)
    assert joined(areas) == [{"p000", "p002"}]


def test_score_alone_follows_the_ridge_and_shape_alone_makes_a_block():
    cells = {(i, j): 80.0 if j == 0 else 60.0 for i in range(4) for j in range(2)}
    parcels = parcels_of(
        [cell(*at) for at in cells], cells.values(), ids=[f"{i}{j}" for i, j in cells]
    )
    four = 4 * SIDE**2
    ridge = best(parcels, compactness=0, max_area_m2=four, most=1)
    block = best(parcels, compactness=1, max_area_m2=four, most=1)
    assert joined(ridge) == [{"00", "10", "20", "30"}]
    assert joined(block) == [{"00", "01", "10", "11"}]
    assert block["compactness"].item() == pytest.approx(math.pi / 4)


def test_equal_areas_share_a_rank_and_the_id_decides_their_order():
    lots = [cell(0, 0), cell(5, 0), cell(10, 0), cell(15, 0)]
    areas = best(parcels_of(lots, [70, 80, 70, 60], ids=["d", "c", "b", "a"]))
    assert areas["rank"].tolist() == [1, 2, 2, 4]
    assert areas["parcels"].tolist() == ["c", "b", "d", "a"]


def test_spacing_leaves_out_what_is_nearer_and_keeps_what_is_as_far():
    lots = [box(E0 + x, N0, E0 + x + 50, N0 + 50) for x in (0, 149, -150)]
    areas = best(parcels_of(lots, [90, 80, 70]), spacing_m=100)
    assert joined(areas) == [{"p000"}, {"p002"}]


def test_areas_beyond_the_number_asked_for_are_counted():
    lots = [cell(5 * i, 0) for i in range(5)]
    areas, warnings = recommend_areas(parcels_of(lots, [90] * 5), AreaRules(min_area_m2=0, most=3))
    assert len(areas) == 3
    assert len(warnings) == 1
    assert warnings[0].startswith("2 more areas scored lower than the 3 that are recommended;")


@pytest.mark.parametrize(
    ("owners", "municipal", "share"),
    [
        (["yes", "yes"], "yes", 1.0),
        (["no", "no"], "no", 0.0),
        (["yes", "no"], "partly", 0.25),
        (["yes", "unknown"], "partly", 0.25),  # at least that much
        (["no", "unknown"], "unknown", np.nan),
        (["unknown", "unknown"], "unknown", np.nan),
        (["partly", "no"], "partly", 0.1),
        (["partly", "unknown"], "partly", 0.1),
        (["no", "partly"], "partly", np.nan),  # nobody knows of the second how much
        (["yes", "partly"], "partly", 0.25),
    ],
)
def test_unknown_ownership_is_never_private(owners, municipal, share):
    pair = [cell(0, 0), cell(1, 0, width=3)]  # a quarter and three quarters of the area
    parcels = parcels_of(pair, [70, 70], municipal=owners, municipal_share=[0.4, np.nan])
    area = best(parcels).iloc[0]
    assert area["municipal"] == municipal
    assert area["municipal_share"] == pytest.approx(share, nan_ok=True)


def test_without_shares_a_partly_municipal_area_has_no_share():
    area = best(parcels_of([cell(0, 0)], [70], municipal="partly")).iloc[0]
    assert area["municipal"] == "partly"
    assert np.isnan(area["municipal_share"])


@pytest.mark.parametrize(
    ("plans", "readiness"),
    [
        (["zoned_for_housing", "zoned_for_housing", "unknown", "unknown"], "zoned_for_housing"),
        (["zoned_for_housing", "area_zoned", "other", "other"], "area_zoned"),
        (["zoned_for_housing", "future_housing", "other", "unknown"], "future_housing"),
        (["zoned_for_housing", "other", "unknown", "unknown"], "other"),
        (["zoned_for_housing", "unknown", "unknown", "unknown"], "unknown"),
    ],
)
def test_an_area_is_as_ready_as_at_least_half_of_it(plans, readiness):
    row = [cell(i, 0) for i in range(4)]
    area = best(parcels_of(row, [70] * 4, plan_readiness=plans)).iloc[0]
    assert area["plan_readiness"] == readiness


@pytest.mark.parametrize(
    ("municipal", "plan", "instrument"),
    [
        ("yes", "zoned_for_housing", "sale_with_conditions"),
        ("yes", "area_zoned", "prepare_plot"),
        ("yes", "future_housing", "prepare_plot"),
        ("partly", "zoned_for_housing", "joint_development"),
        ("no", "zoned_for_housing", "development_agreement"),
        ("no", "area_zoned", "development_agreement"),
        ("no", "future_housing", "area_zoning"),
        ("no", "other", "area_zoning"),
        ("yes", "unknown", "clarify_plan"),
        ("unknown", "zoned_for_housing", "clarify_ownership"),
        ("unknown", "unknown", "clarify_ownership_and_plan"),
    ],
)
def test_the_instrument_follows_ownership_and_plan(municipal, plan, instrument):
    parcels = parcels_of([cell(0, 0)], [70], municipal=municipal, plan_readiness=plan)
    assert best(parcels)["instrument"].item() == instrument


def test_there_is_an_instrument_for_every_ownership_and_plan():
    assert set(INSTRUMENTS) == {(owner, plan) for owner in MUNICIPAL for plan in READINESS}


@pytest.mark.parametrize(
    ("buildable_m2", "dwellings", "shared"),
    [(3_750, 15, False), (3_999, 15, False), (4_000, 16, True), (np.nan, 25, True)],
)
def test_more_than_fifteen_dwellings_need_shared_space(buildable_m2, dwellings, shared):
    lot = [cell(0, 0, side=80)]  # 6,400 m²: 25.6 dwellings at 40 per hectare
    area = best(parcels_of(lot, [70], buildable_m2=[buildable_m2])).iloc[0]
    assert (area["dwellings"], area["shared_space"]) == (dwellings, shared)
    assert area["buildable_m2"] == pytest.approx(buildable_m2, nan_ok=True)


def test_an_area_with_one_parcel_of_unknown_buildable_ground_says_so():
    lots = [cell(0, 0), cell(1, 0), cell(5, 0)]
    parcels = parcels_of(lots, [70] * 3, buildable_m2=[1_000, np.nan, 1_200])
    areas, warnings = recommend_areas(parcels, AreaRules(min_area_m2=0))
    assert areas["buildable_m2"].tolist() == pytest.approx([np.nan, 1_200], nan_ok=True)
    assert areas["dwellings"].tolist() == [12, 4]
    assert len(warnings) == 1
    assert "1 recommended areas have parcels of which it is not known" in warnings[0]


def test_an_area_is_of_no_better_class_than_its_best_parcel():
    held_back = parcels_of([cell(0, 0)], [90]).assign(**{"class": "suitable"})
    assert best(held_back)["class"].item() == "suitable"
    assert best(parcels_of([cell(0, 0)], [90]))["class"].item() == "very_suitable"


def test_points_are_counted_and_never_joined():
    parcels = parcels_of([cell(0, 0), Point(E0 + 60, N0 + 20), Point(E0, N0)], [70, 90, 10])
    areas, warnings = recommend_areas(parcels, AreaRules(min_area_m2=0))
    assert joined(areas) == [{"p000"}]
    assert warnings == ("1 parcels are points and were joined to no area",)


def test_parcels_that_overlap_are_told():
    parcels = parcels_of([cell(0, 0), cell(0, 0), cell(0, 0)], [70, 80, 90])
    areas, warnings = recommend_areas(parcels, AreaRules(min_area_m2=0))
    assert len(warnings) == 1
    assert "1 recommended areas have parcels that overlap" in warnings[0]
    assert areas["area_m2"].item() == 3 * SIDE**2


@pytest.mark.parametrize(
    "parcels",
    [
        parcels_of([], []),
        parcels_of([cell(0, 0), cell(1, 0)], [90, 90], status="excluded"),
        parcels_of([cell(0, 0)], [49.9]),
        parcels_of([cell(0, 0)], [np.nan], status="missing_data"),
        parcels_of([cell(0, 0)], [90]),  # too small
    ],
    ids=["no parcel", "all excluded", "none good enough", "nothing known", "too small"],
)
def test_no_area_is_an_empty_table_like_any_other(parcels):
    areas, warnings = recommend_areas(parcels, AreaRules())
    full = best(parcels_of([cell(0, 0)], [90]))
    assert (len(areas), warnings) == (0, ())
    assert tuple(areas.columns) == tuple(full.columns) == AREA_COLUMNS
    assert areas.dtypes.tolist() == full.dtypes.tolist()
    assert areas.crs == full.crs == CRS
    assert areas.index.name == full.index.name == "area_id"


def test_nothing_is_recommended_where_that_is_switched_off():
    assert len(best(parcels_of([cell(0, 0)], [90]), enabled=False)) == 0


def test_the_callers_table_stays_as_it_was():
    parcels = parcels_of([cell(1, 0), cell(0, 0)], [90, 80], ids=["b", "a"])
    before = parcels.copy(deep=True)
    best(parcels)
    pd.testing.assert_frame_equal(pd.DataFrame(parcels), pd.DataFrame(before))


def test_sizes_that_contradict_each_other_are_told():
    with pytest.raises(ValidationError, match=r"min_area_m2 \(9000\) must not be larger than max"):
        AreaRules(min_area_m2=9_000, max_area_m2=5_000)


def test_the_parcels_of_a_real_town_become_areas_in_little_time(shared_data):
    lots = gpd.read_file(shared_data / "lauf" / "parcels.gpkg").set_index("parcel_id")
    shapes = lots.geometry.to_numpy()
    middle = shapely.centroid(shapely.multipoints(shapely.centroid(shapes)))
    far_m = shapely.distance(shapely.centroid(shapes), middle)
    drawn = np.random.default_rng(5).normal(0, 3, len(shapes))
    scores = np.clip(95 - far_m / 50 + drawn, 0, 100)
    parcels = parcels_of(shapes, scores, ids=lots.index)
    begun = time.process_time()
    areas, _ = recommend_areas(parcels, AreaRules())
    assert time.process_time() - begun < 5  # 0.7 s where nothing else runs
    assert len(areas) == 20
    assert areas["area_m2"].between(2_000, 50_000).all()
    assert areas.geometry.area.to_numpy() == pytest.approx(areas["area_m2"], rel=1e-6)
    assert (areas["score"].diff().dropna() <= 1e-9).all()
    for ids in joined(areas):
        own = parcels.loc[sorted(ids)]
        assert (own["score"] >= 50).all()
        first, second = neighbours(own.geometry.to_numpy(), 10)
        graph = nx.Graph(zip(first.tolist(), second.tolist(), strict=True))
        assert len(own) == 1 or (len(graph) == len(own) and nx.is_connected(graph))
