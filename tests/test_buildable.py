"""What is left of a parcel to build on, against rectangles, fine grids and another way to count."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.ndimage import distance_transform_edt
from shapely import LineString, MultiPolygon, Point, Polygon, box
from shapely.affinity import rotate, translate

from arealstrategi import buildable
from arealstrategi.area import StudyArea, grid_cells
from arealstrategi.buildable import BuildableRules, net_buildable, too_small
from arealstrategi.evidence import area_share

E0, N0 = 600_000.0, 6_650_000.0
STRIP_M = 6.0


def series(*shapes):
    names = [f"p{row}" for row in range(len(shapes))]
    return gpd.GeoSeries([translate(s, E0, N0) for s in shapes], names, crs=25833)


def zones(*shapes):
    return gpd.GeoSeries([None if s is None else translate(s, E0, N0) for s in shapes], crs=25833)


def net(shape, *taken, strip_m=STRIP_M):
    """The row of one parcel."""
    return net_buildable(series(shape), [zones(*taken)], strip_m=strip_m).iloc[0]


@given(
    wide=st.floats(STRIP_M, 80),
    high=st.floats(STRIP_M, 80),
    turned=st.floats(0, 90),
)
@settings(max_examples=40)
def test_a_clean_rectangle_keeps_its_area_however_it_is_turned(wide, high, turned):
    found = net(rotate(box(0, 0, wide, high), turned))
    assert found["gross_m2"] == pytest.approx(wide * high, abs=1e-6)
    assert found["net_m2"] == pytest.approx(wide * high, abs=1e-6)
    assert min(wide, high) - 0.1 <= found["widest_m"] <= min(wide, high) + 1e-6


@given(wide=st.floats(0.5, STRIP_M - 0.05), turned=st.floats(0, 90))
@settings(max_examples=30)
def test_a_rectangle_narrower_than_the_limit_leaves_nothing(wide, turned):
    found = net(rotate(box(0, 0, wide, 90), turned))
    assert found["gross_m2"] == pytest.approx(wide * 90)
    assert found["net_m2"] == found["widest_m"] == 0
    assert found["geometry"].is_empty


def test_an_l_shape_keeps_all_and_a_lot_with_a_narrow_way_in_loses_just_that():
    shapes = series(
        box(0, 0, 30, 30) - box(10, 10, 30, 30),
        box(0, 0, 30, 30) | box(13, 30, 17, 60),
        box(0, 0, 30, 30) | box(13, 30, 19, 60),  # just wide enough
    )
    found = net_buildable(shapes, [], strip_m=STRIP_M)
    assert found["net_m2"].tolist()[::2] == pytest.approx([500, 1080], abs=1e-6)
    # a circle that fits reaches 0.76 m into a gap of 4 m: 2 m² of it, corners less
    assert 900 <= found["net_m2"].iloc[1] <= 900 + 4 * 0.9
    assert found["widest_m"].tolist() == pytest.approx([11.716, 30, 30], abs=0.1)
    assert net_buildable(shapes, [], strip_m=0)["net_m2"].iloc[1] == 1020


def test_where_narrow_ways_cross_a_circle_may_fit_between_the_corners():
    """The middle of a cross of 5 m is 2.5 √2 m from the corners: wider than its arms."""
    found = net(box(-2.5, -40, 2.5, 40) | box(-40, -2.5, 40, 2.5))
    assert found["widest_m"] == pytest.approx(5 * np.sqrt(2), abs=0.1)
    assert 9 * np.pi < found["net_m2"] < 85  # arms up to 1.5 radii from the last middle


def test_two_lots_that_a_narrow_way_joins_are_two_pieces_that_both_count():
    found = net(box(0, 0, 20, 20) | box(20, 8, 60, 12) | box(60, 0, 80, 20))
    assert isinstance(found["geometry"], MultiPolygon)
    assert found["net_m2"] == pytest.approx(800, abs=7)


def test_zones_that_overlap_count_once_also_from_several_layers():
    parcel, one, other = box(0, 0, 40, 50), box(-5, -5, 20, 60), box(10, -5, 25, 60)
    assert net(parcel, one, other)["net_m2"] == pytest.approx(15 * 50, abs=1e-6)
    apart = net_buildable(series(parcel), [zones(one), zones(other), zones(one)], strip_m=STRIP_M)
    assert apart["net_m2"].iloc[0] == pytest.approx(15 * 50, abs=1e-6)


def test_the_strip_that_a_zone_leaves_along_the_border_does_not_count():
    parcel = box(0, 0, 60, 40)
    assert net(parcel, box(20, -1, 55, 41))["net_m2"] == pytest.approx(20 * 40, abs=1e-6)
    assert net(parcel, box(20, -1, 55, 41), strip_m=0)["net_m2"] == pytest.approx(25 * 40)


@pytest.mark.parametrize("strip_m", [0.0, STRIP_M])
@pytest.mark.parametrize(
    "taken",
    [
        [box(-5, -5, 50, 50)],
        [box(0, 0, 40, 30)],
        [box(-5, -5, 17.3, 50), box(17.3, -5, 50, 50)],
        [Point(20, 15).buffer(300, quad_segs=2000)],
    ],
)
def test_zones_that_cover_all_leave_nothing(taken, strip_m):
    found = net(box(0, 0, 40, 30), *taken, strip_m=strip_m)
    assert found["gross_m2"] == 1200
    assert found["net_m2"] == found["widest_m"] == 0
    assert found["geometry"].is_empty


def test_a_zone_that_only_touches_takes_nothing():
    found = net(box(0, 0, 40, 30), box(40, 0, 60, 30), box(-9, 30, 0, 40))
    assert found["net_m2"] == pytest.approx(1200, abs=1e-9)


def test_zones_without_an_area_take_nothing_and_broken_ones_what_they_cover():
    bow_tie = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    heights = shapely.force_3d(box(30, -1, 41, 31), 7.0)
    nothing = [None, Polygon(), LineString([(-5, 15), (50, 15)]), Point(20, 20)]
    mixed = shapely.GeometryCollection([box(20, 0, 30, 30), Point(5, 25)])
    parcel = box(0, 0, 40, 30)
    assert net(parcel, *nothing, strip_m=0)["net_m2"] == 1200
    assert net(parcel, *nothing, bow_tie, strip_m=0)["net_m2"] == pytest.approx(1150)
    assert net(parcel, mixed, heights, *nothing, strip_m=0)["net_m2"] == pytest.approx(600)


def test_a_candidate_point_is_not_known_and_never_too_small():
    shapes = series(Point(3, 3), box(0, 0, 5, 100), box(0, 0, 40, 30))
    found = net_buildable(shapes, [zones(box(2, 2, 4, 4))], strip_m=STRIP_M)
    assert found.index.tolist() == ["p0", "p1", "p2"]
    assert found.iloc[0].isna().all()
    flags = too_small(found, BuildableRules(min_area_m2=500, min_width_m=10))
    assert {name: flag.tolist() for name, flag in flags.items()} == {
        "net_area_below_minimum": [False, True, False],
        "net_width_below_minimum": [False, True, False],
    }


def test_without_parcels_or_zones_there_is_a_table_all_the_same():
    assert len(net_buildable(series(), [zones(box(0, 0, 1, 1))], strip_m=STRIP_M)) == 0
    assert len(net_buildable(series(Point(0, 0)), [], strip_m=STRIP_M)) == 1
    found = net_buildable(series(box(0, 0, 9, 9)), [], strip_m=STRIP_M, widths=False)
    assert found["net_m2"].iloc[0] == pytest.approx(81)
    assert found["widest_m"].isna().all()
    assert found.crs.to_epsg() == 25833


def wavy(middle, radius, corners, seed):
    """An outline around a middle, smooth or rough."""
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    waves = sum(
        rng.uniform(-0.25, 0.25) * np.sin(k * turn + rng.uniform(0, 7)) / np.sqrt(k)
        for k in range(2, 8)
    )
    far = radius * (1 + waves)
    return Polygon(np.stack([middle[0] + far * np.cos(turn), middle[1] + far * np.sin(turn)], 1))


STEP = 0.25


def on_grid(shape):
    """Middles of a fine grid, whether they lie in a shape."""
    x, y = np.meshgrid(np.arange(-50, 50, STEP) + STEP / 2, np.arange(-50, 50, STEP) + STEP / 2)
    return shapely.contains_xy(shape, x, y)


def far_from(cells):
    """Metres from each cell to the nearest one of `cells`."""
    if not cells.any():
        return np.full(cells.shape, np.inf)
    return STEP * distance_transform_edt(~cells)


@given(seed=st.integers(0, 10**6), n_zones=st.integers(0, 4), strip_m=st.sampled_from([0, 4, 6, 9]))
@settings(max_examples=15)
def test_what_is_left_is_what_circles_in_it_cover_with_the_corners(seed, n_zones, strip_m):
    rng = np.random.default_rng(seed)
    parcel = wavy((0, 0), 28, rng.integers(5, 40), seed)
    around = rng.uniform(-25, 25, (n_zones, 2))
    taken = [wavy(at, rng.uniform(3, 15), 30, seed + 1 + k) for k, at in enumerate(around)]
    found = net(parcel, *taken, strip_m=strip_m)
    cells = on_grid(parcel) & ~np.logical_or.reduce([on_grid(zone) for zone in [*taken, Polygon()]])
    left = on_grid(translate(found["geometry"], -E0, -N0))
    assert not (left & ~cells).any()
    inside_m, rough = far_from(~cells), 1.5 * STEP
    if strip_m == 0:
        assert (left == cells).all()
        return
    surely = far_from(inside_m >= strip_m / 2 + rough) <= strip_m / 2
    assert not (surely & cells & ~left).any()
    perhaps = far_from(inside_m >= strip_m / 2 - rough)
    assert not (left & (perhaps > 1.5 * strip_m / 2 + rough)).any()
    assert found["net_m2"] == pytest.approx(left.sum() * STEP**2, rel=0.02, abs=4)
    widest = 2 * far_from(~left).max() if left.any() else 0
    assert found["widest_m"] == pytest.approx(widest, abs=0.1 + 2 * rough)


def test_a_corner_is_cut_only_where_it_is_sharper_than_a_right_angle():
    """By hand: of a tip of 60° what lies beyond 1.5 radii from the last circle's middle."""
    side = 40.0
    triangle = Polygon([(0, 0), (side, 0), (side / 2, side * np.sqrt(3) / 2)])
    radius = STRIP_M / 2
    tip = (2 - 1.5) * radius  # the corner lies two radii from the middle
    expected = triangle.area - 3 * tip**2 * np.tan(np.pi / 6)
    assert net(triangle)["net_m2"] == pytest.approx(expected, abs=0.15)


def test_a_zone_with_many_corners_is_cut_in_pieces_and_takes_just_as_much():
    lots = [box(x, y, x + 35, y + 28) for x in range(-300, 300, 40) for y in range(-300, 300, 40)]
    river = LineString([(x, 40 * np.sin(x / 30)) for x in range(-400, 400)]).buffer(12)
    lake = wavy((50, 40), 150, 3000, 4) - wavy((50, 40), 80, 900, 5)
    assert shapely.get_num_coordinates(river) > 10 * buildable.MOST_CORNERS
    pieces = buildable._in_pieces(np.array([river, lake]))
    assert shapely.get_num_coordinates(pieces).max() <= buildable.MOST_CORNERS
    assert shapely.area(pieces).sum() == pytest.approx(river.area + lake.area)
    found = net_buildable(series(*lots), [zones(river), zones(lake)], strip_m=0)
    expected = shapely.area(shapely.difference(lots, river | lake))
    assert found["net_m2"].to_numpy() == pytest.approx(expected, abs=1e-5)
    assert 0 < (expected < 35 * 28 - 1).sum() < len(lots)


def test_a_parcel_s_answer_does_not_depend_on_the_others_or_on_their_order(monkeypatch):
    rng = np.random.default_rng(3)
    lots = [wavy(at, 25, 14, 50 + k) for k, at in enumerate(rng.uniform(-200, 200, (60, 2)))]
    lots += [box(0, 0, 4, 4), Point(5, 5)]
    taken = [wavy(at, 30, 20, 900 + k) for k, at in enumerate(rng.uniform(-200, 200, (25, 2)))]
    shapes, layers = series(*lots), [zones(*taken[:10]), zones(*taken[10:])]
    found = net_buildable(shapes, layers, strip_m=STRIP_M)
    monkeypatch.setattr(buildable, "CHUNK", 7)
    mixed = net_buildable(shapes.sample(frac=0.5, random_state=1), layers[::-1], strip_m=STRIP_M)
    pair = found.loc[mixed.index]
    numbers = ["gross_m2", "net_m2", "widest_m"]
    assert mixed[numbers].to_numpy() == pytest.approx(
        pair[numbers].to_numpy(), abs=1e-6, nan_ok=True
    )
    assert (found["net_m2"] < found["gross_m2"] - 1).sum() > 5


def test_the_limits_hold_to_the_centimetre_and_to_the_width_s_tolerance():
    found = net_buildable(series(rotate(box(0, 0, 20, 25), 31)), [], strip_m=STRIP_M)
    for area, width, expected in (
        (500, 20, [False, False]),
        (500.1, 20.2, [True, True]),
        (0, 0, [False, False]),
        (499, 20.2, [False, True]),
    ):
        flags = too_small(found, BuildableRules(min_area_m2=area, min_width_m=width))
        assert [bool(flag.iloc[0]) for flag in flags.values()] == expected


def test_a_rule_is_asked_for_when_a_parcel_could_fail_or_lose_ground_for_it():
    assert not BuildableRules().asked
    assert not BuildableRules(strip_m=10, effect="condition").asked
    for rule in ({"min_area_m2": 1}, {"min_width_m": 1}, {"max_slope_pct": 33}):
        assert BuildableRules(**rule).asked
    for wrong in (
        {"min_area_m2": -1}, {"strip_m": float("nan")}, {"max_slope_pct": 0}, {"points": 101},
        {"effect": "warn"}, {"min_area": 500},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            BuildableRules(**wrong)


@pytest.mark.shared
def test_on_the_land_cover_of_aas_as_much_is_left_as_shares_of_area_say(shared_data):
    cover = gpd.read_file(shared_data / "ssb" / "ArealdekkeN50.gpkg")
    ruled_out = cover.loc[cover["klasse_navn"].isin(["skog", "innsjø"])].geometry
    assert len(ruled_out) > 100
    west, south, east, north = cover.total_bounds
    middle = box(*(np.array([west + east, south + north] * 2) / 2 + [-2500, -2500, 2500, 2500]))
    cells = grid_cells(StudyArea("Ås", middle, cover.crs, 0.0), 100.0)
    found = net_buildable(cells.geometry, [ruled_out], strip_m=0, widths=False)
    share = area_share(cells.geometry.to_numpy(), shapely.make_valid(ruled_out.to_numpy()))
    expected = cells["area_m2"].to_numpy() * (1 - share)
    assert found["net_m2"].to_numpy() == pytest.approx(expected, abs=1e-3)
    assert 0.1 < share.mean() < 0.9
    opened = net_buildable(cells.geometry, [ruled_out], strip_m=STRIP_M, widths=False)
    lost = found["net_m2"] - opened["net_m2"]
    assert lost.min() > -1e-6
    assert (lost > 1).any()
