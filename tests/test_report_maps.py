"""The maps of the report: the colours are those of the classes, and nothing hides what is best."""

from io import BytesIO

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import reports
from arealstrategi.export import labels
from arealstrategi.export.report import drawing, maps
from reports import NB


@pytest.fixture(scope="module")
def tables():
    return reports.report_tables()


def pixel(png, shape, box):
    picture = np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)
    point = shape.centroid
    x = (point.x - box[0]) / (box[2] - box[0]) * picture.shape[1]
    y = (box[3] - point.y) / (box[3] - box[1]) * picture.shape[0]
    return picture[int(y), int(x)]


def colour(code):
    return np.array([int(code[place : place + 2], 16) for place in (1, 3, 5)])


def drawn_overview(parcels, tables):
    size = (120.0, 60.0)
    ground = maps.lay_ground(tables.place.backdrop)
    png = maps.overview_map(
        parcels, tables.areas.iloc[:0], ground, tables.place.boundary, None, size_mm=size, words=NB
    )
    return png, maps.box_of(parcels, size)


def test_parcels_have_the_colour_of_their_class_and_one_without_score_is_grey(tables):
    parcels = tables.parcels.iloc[[0, 2, 3, 5]]
    png, box = drawn_overview(parcels, tables)
    codes = {**labels.CLASS_COLOURS, **labels.STATUS_COLOURS}
    meant = ["very_suitable", "suitable", "unsuitable", "missing_data"]
    for shape, code in zip(parcels.geometry, meant, strict=True):
        assert np.abs(pixel(png, shape, box) - colour(codes[code])).max() < 12


def test_a_hole_in_a_parcel_stays_a_hole_and_points_are_drawn_too(tables):
    parcels = tables.parcels.iloc[:2].copy()
    ring = shapely.box(0, 0, 100, 100).difference(shapely.box(20, 20, 80, 80))
    shapes = [ring, shapely.Point(150, 50)]
    parcels = parcels.set_geometry(gpd.GeoSeries(shapes, parcels.index, crs=reports.CRS))
    png, box = drawn_overview(parcels, tables)
    paper = pixel(png, shapely.Point(60, 60), box)
    assert np.abs(paper - colour(drawing.PAPER)).max() < 12
    filled = pixel(png, shapely.Point(10, 50), box)
    assert np.abs(filled - colour(labels.CLASS_COLOURS["very_suitable"])).max() < 12
    dot = pixel(png, shapely.Point(150, 50), box)
    assert np.abs(dot - colour(labels.CLASS_COLOURS["very_suitable"])).max() < 40


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=20),
    st.floats(0.1, 30),
)
@settings(max_examples=30)
def test_no_badge_hides_another_and_the_best_keeps_its_place(points, apart):
    points = np.array(points)
    spots = drawing.spread(points, apart)
    assert np.allclose(spots[0], points[0])
    gaps = np.linalg.norm(spots[:, None] - spots[None], axis=2) + 1e9 * np.eye(len(spots))
    assert (gaps > 0.99 * apart).all()


@given(st.floats(0.5, 1e6))
def test_the_scale_has_a_round_length_that_fits(metres):
    length = drawing.round_length(metres)
    assert 0.4 * metres < length <= metres
    assert f"{length:e}"[0] in "125"
    assert float(f"{length:.0e}") == pytest.approx(length)
