"""The study area: zones as municipalities use them, and a grid that tiles it."""

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box

from arealstrategi.area import StudyArea, grid_cells, hull, only_polygons, utm_zone, zone_of
from arealstrategi.errors import InputError

UTM32 = pyproj.CRS(25832)
E0, N0 = 560_000.0, 6_570_000.0


def area(boundary):
    return StudyArea("a", boundary, UTM32, 1000.0)


@pytest.mark.parametrize(
    ("place", "longitude", "latitude", "epsg"),
    [
        ("Oslo", 10.75, 59.91, 25832),
        ("Bergen", 5.32, 60.39, 25832),
        ("Utsira", 4.88, 59.31, 25832),
        ("Trondheim", 10.40, 63.43, 25832),
        ("Bodø", 14.40, 67.28, 25833),
        ("Tromsø", 18.96, 69.65, 25833),
        ("Alta", 23.27, 69.97, 25835),
        ("Vadsø", 29.75, 70.07, 25835),
        ("Lauf an der Pegnitz", 11.28, 49.51, 25832),
        ("Porto Alegre", -51.2, -30.03, 32722),
        ("Quito", -78.5, -0.2, 32717),
        ("Auckland", 174.8, -36.8, 32760),
        ("Nome", -165.4, 64.5, 32603),
    ],
)
def test_a_place_lies_in_the_zone_its_municipality_uses(place, longitude, latitude, epsg):
    assert utm_zone(longitude, latitude).to_epsg() == epsg, place


@given(st.floats(-179.9, 179.9), st.floats(-79, 55))
def test_outside_the_norwegian_exceptions_a_place_is_at_most_three_degrees_from_its_meridian(
    longitude, latitude
):
    zone = utm_zone(longitude, latitude)
    (meridian,) = (
        p["value"]
        for p in zone.to_json_dict()["conversion"]["parameters"]
        if p["name"] == "Longitude of natural origin"
    )
    assert abs(longitude - meridian) <= 3 + 1e-9
    assert ("south" in zone.name or zone.name.endswith("S")) == (latitude < 0)


def test_the_zone_is_that_of_most_parcels_and_not_of_a_stray_one():
    shapes = gpd.GeoSeries(
        [Point(10.7, 59.9), Point(10.8, 59.9), Point(10.9, 59.8), Point(0, 0), Point(), None],
        crs=4326,
    )
    assert zone_of(shapes).to_epsg() == 25832
    assert zone_of(shapes.to_crs(3035)).to_epsg() == 25832


@pytest.mark.parametrize("shapes", [[None, None], [Polygon()], [Point(np.nan, np.nan)], []])
def test_shapes_without_coordinates_have_no_zone_and_say_so(shapes):
    with pytest.raises(InputError, match="has coordinates"):
        zone_of(gpd.GeoSeries(shapes, crs=4326))


@pytest.mark.parametrize(
    "shapes", [[Point(5, 5)], [Point(0, 0), Point(9, 9)], [Point(0, 0), box(5, 5, 9, 9)]]
)
def test_the_hull_is_an_area_that_covers_every_parcel(shapes):
    around = hull(gpd.GeoDataFrame(geometry=shapes, crs=UTM32))
    assert around.area > 0
    assert all(around.buffer(1e-6).covers(shape) for shape in shapes)


def test_the_margin_reaches_beyond_the_boundary_by_its_metres():
    reach = area(box(E0, N0, E0 + 500, N0 + 500)).reach
    assert reach.covers(Point(E0 - 999, N0 + 250))
    assert not reach.covers(Point(E0 - 1001, N0 + 250))


WITH_HOLE_AND_ISLAND = MultiPolygon(
    [
        Polygon(
            [(E0, N0), (E0 + 905, N0 + 33), (E0 + 777, N0 + 812), (E0 + 13, N0 + 640)],
            [[(E0 + 300, N0 + 300), (E0 + 450, N0 + 310), (E0 + 400, N0 + 420)]],
        ),
        box(E0 + 1500, N0 + 250, E0 + 1600, N0 + 300),
    ]
)


@pytest.mark.parametrize("side", [100.0, 50.0, 37.5])
def test_cells_tile_the_area_exactly_and_lie_on_multiples_of_their_side(side):
    boundary = WITH_HOLE_AND_ISLAND
    cells = grid_cells(area(boundary), side)
    assert cells.index.is_unique
    assert cells["area_m2"].sum() == pytest.approx(boundary.area, rel=1e-9)
    assert cells.union_all().symmetric_difference(boundary).area < 1e-3
    assert set(cells.geom_type) <= {"Polygon", "MultiPolygon"}
    assert cells.is_valid.all()
    inner = cells[np.isclose(cells["area_m2"], side * side)]
    assert len(inner) > 0
    assert np.allclose(inner.bounds.to_numpy() % side % side, 0)
    corners = np.floor(shapely.bounds(cells.geometry.to_numpy())[:, :2] / side + 1e-9) * side
    named = [tuple(map(float, name.split("_"))) for name in cells.index]
    assert np.abs(np.array(named) - corners).max() <= 0.5


def test_a_cell_keeps_its_name_and_its_shape_whatever_the_boundary():
    whole = grid_cells(area(box(E0, N0, E0 + 2000, N0 + 2000)), 100.0)
    part = grid_cells(area(box(E0 + 333, N0 + 777, E0 + 1444, N0 + 1888)), 100.0)
    assert set(part.index) < set(whole.index)
    full = part.index[np.isclose(part["area_m2"], 1e4)]
    assert len(full) == 10 * 10
    assert part.geometry[full].geom_equals(whole.geometry[full]).all()
    assert part.geometry.covered_by(whole.geometry[part.index].buffer(1e-6)).all()


def test_an_area_that_only_touches_a_cell_does_not_hold_it():
    cells = grid_cells(area(box(E0, N0, E0 + 200, N0 + 100)), 100.0)
    assert cells.index.tolist() == ["560000_6570000", "560100_6570000"]


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=3, max_size=8),
    st.sampled_from([40.0, 100.0, 250.0]),
)
def test_the_areas_of_the_cells_always_sum_to_the_area(corners, side):
    boundary = shapely.MultiPoint([(E0 + x, N0 + y) for x, y in corners]).convex_hull
    if boundary.area > 1:
        cells = grid_cells(area(boundary), side)
        assert cells["area_m2"].sum() == pytest.approx(boundary.area, rel=1e-9)


def test_collections_keep_what_their_polygons_cover_and_the_caller_keeps_the_collections():
    mixed = shapely.GeometryCollection([box(0, 0, 2, 1), box(1, 0, 3, 1), Point(9, 9)])
    shapes = np.array([mixed, box(5, 5, 6, 6)], dtype=object)
    kept = only_polygons(shapes)
    assert [shape.area for shape in kept] == [3.0, 1.0]
    assert shapes[0] is mixed
