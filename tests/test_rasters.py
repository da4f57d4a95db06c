"""Cells under parcels: against an overlay by hand, against rasterio.mask; what is not known."""

import time

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.mask import raster_geometry_mask
from shapely import Point, Polygon, box

from arealstrategi.errors import InputError
from arealstrategi.sources import rasters
from arealstrategi.sources.rasters import (
    parse_test,
    raster_measure,
    raster_report,
    raster_share,
)

E0, N0 = 560_000.0, 6_570_000.0
KEY = '[[constraint]] "Støy"'
VOID = -99


def saved(path, cells, transform=None, crs="EPSG:25832", nodata=VOID, **more):
    """Write rows of numbers; 10 m cells with the upper left corner at E0, N0."""
    cells = np.asarray(cells)
    scale, offset = more.pop("scale", None), more.pop("offset", None)
    with rasterio.open(
        path, "w", driver="GTiff", height=cells.shape[0], width=cells.shape[1], count=1,
        dtype=cells.dtype, crs=crs, nodata=nodata, **more,
        transform=transform or Affine(10, 0, E0, 0, -10, N0),
    ) as target:  # fmt: skip
        target.write(cells, 1)
        if scale is not None:
            target.scales, target.offsets = (scale,), (offset,)
    return path


def table(*shapes, crs=25832):
    names = [f"p{i}" for i in range(len(shapes))]
    return gpd.GeoDataFrame(geometry=list(shapes), index=names, crs=crs).rename_axis("parcel_id")


def cell_boxes(shape, transform):
    """The outline of every cell, row by row."""
    return [
        Polygon([transform @ (c, r) for c, r in ((j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1))])
        for i in range(shape[0])
        for j in range(shape[1])
    ]


def by_hand(parcel, cells, transform, counts):
    """Share of a parcel on cells that count and on cells with data, and their mean, by overlay."""
    overlap = shapely.area(shapely.intersection(cell_boxes(cells.shape, transform), parcel))
    values = cells.ravel()
    has = values != VOID
    mean = (overlap * values)[has].sum() / overlap[has].sum() if overlap[has].sum() else np.nan
    return overlap[has & counts(values)].sum() / parcel.area, overlap[has].sum() / parcel.area, mean


STAR = shapely.affinity.translate(
    Polygon([(5, 3), (48, 11), (71, 2), (55, 30), (66, 61), (31, 44), (9, 57), (22, 27)]),
    E0,
    N0 - 70,
)
TRANSFORMS = {
    "north up": Affine(10, 0, E0, 0, -10, N0),
    "south up": Affine(10, 0, E0, 0, 10, N0 - 80),
    "oblong cells": Affine(7, 0, E0 - 3, 0, -12, N0 + 5),
    "turned": Affine.translation(E0 - 20, N0 + 10) @ Affine.rotation(-23) @ Affine.scale(11, -11),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_shares_and_means_are_those_of_an_overlay_with_every_cell(tmp_path, name):
    cells = np.random.default_rng(3).integers(0, 100, (9, 9)).astype("int16")
    cells[2:4, 3:5] = VOID
    path = saved(tmp_path / "r.tif", cells, TRANSFORMS[name])
    half_outside = box(E0 - 40, N0 - 35, E0 + 33, N0 - 11)
    hole = box(E0 + 11, N0 - 66, E0 + 57, N0 - 12) - box(E0 + 22, N0 - 44, E0 + 31, N0 - 25)
    parcels = table(
        STAR, half_outside, hole, shapely.union_all([box(E0 + 1, N0 - 9, E0 + 4, N0 - 3), hole])
    )
    share = raster_share(path, parcels, "value >= 55", key=KEY)
    mean = raster_measure(path, parcels, "mean", key=KEY)
    for name_, shape in parcels.geometry.items():
        truth = by_hand(shape, cells, TRANSFORMS[name], lambda v: v >= 55)
        assert share.loc[name_].tolist() == pytest.approx(truth[:2], abs=1e-6)
        assert mean.loc[name_, "measured"] == pytest.approx(truth[2], rel=1e-6)
    assert (share["known"] < 1).all()
    assert share.index.equals(parcels.index)


@settings(max_examples=40)
@given(
    cells=st.lists(st.sampled_from([VOID, 0, 1, 2, 3]), min_size=30, max_size=30),
    corners=st.lists(
        st.tuples(st.integers(-15, 75), st.integers(-15, 65)), min_size=3, max_size=6, unique=True
    ),
)
def test_any_parcel_on_any_small_raster_is_as_counted_by_hand(tmp_path_factory, cells, corners):
    parcel = shapely.MultiPoint(corners).convex_hull
    if parcel.area == 0:
        return
    parcel = shapely.affinity.translate(parcel, E0, N0 - 50)
    grid = np.array(cells, dtype="int16").reshape(5, 6)
    path = saved(tmp_path_factory.mktemp("r") / "r.tif", grid)
    found = raster_share(path, table(parcel), "value in (1, 3)", key=KEY).iloc[0]
    share, known, _ = by_hand(parcel, grid, TRANSFORMS["north up"], lambda v: np.isin(v, (1, 3)))
    assert found["known"] == pytest.approx(known, abs=1e-5)
    if known > 1e-5:
        assert found["share"] == pytest.approx(share, abs=1e-5)


# rasterio multiplies transforms as affine will not have it one day
@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_cells_that_a_parcel_covers_wholly_are_those_that_rasterio_burns(tmp_path):
    cells = np.random.default_rng(5).integers(0, 50, (60, 60)).astype("int16")
    path = saved(tmp_path / "r.tif", cells)
    parcel = box(E0 + 100, N0 - 400, E0 + 310, N0 - 50)  # along the cells' borders
    with rasterio.open(path) as raster:
        outside, _, _ = raster_geometry_mask(raster, [parcel])
    inside = cells[~outside]
    for statistic, truth in (
        ("mean", inside.mean()), ("max", inside.max()), ("min", inside.min()),
        ("median", np.median(inside)),
    ):  # fmt: skip
        found = raster_measure(path, table(parcel), statistic, key=KEY)
        assert found.loc["p0", "measured"] == pytest.approx(truth), statistic
        assert found.loc["p0", "known"] == 1
    share = raster_share(path, table(parcel), "value < 10 or value > 40 and value != 45", key=KEY)
    truth = ((inside < 10) | ((inside > 40) & (inside != 45))).mean()
    assert share.loc["p0", "share"] == pytest.approx(truth)


def test_the_median_is_where_half_of_the_area_is_reached_whatever_the_batches(
    tmp_path, monkeypatch
):
    cells = np.array([[1, 5, 9, VOID], [1, 5, 9, 9]], dtype="int16")
    path = saved(tmp_path / "r.tif", cells)
    parcels = table(
        box(E0, N0 - 20, E0 + 19, N0),  # 20 cells' tenths of 1, 18 of 5
        box(E0, N0 - 20, E0 + 20, N0),  # as much of 1 as of 5
        box(E0, N0 - 20, E0 + 40, N0),  # void does not count
        box(E0 + 32, N0 - 8, E0 + 38, N0 - 2),  # nothing but void
        box(E0 + 5, N0 - 20, E0 + 30, N0),
    )
    for room in (4_000_000, 3):
        monkeypatch.setattr(rasters, "CELLS_AT_ONCE", room)
        found = raster_measure(path, parcels, "median", key=KEY)["measured"]
        assert found.fillna(-1).tolist() == [1, 3, 5, -1, 5]


def test_what_is_void_or_outside_is_not_known_and_never_zero(tmp_path):
    path = saved(tmp_path / "r.tif", np.array([[7, VOID], [VOID, VOID]], dtype="int16"))
    parcels = table(
        box(E0, N0 - 10, E0 + 10, N0),  # on the 7
        box(E0 + 10, N0 - 20, E0 + 20, N0),  # void
        box(E0 + 500, N0, E0 + 520, N0 + 20),  # outside
        box(E0, N0 - 10, E0 + 20, N0),  # half void
        Polygon(),
    )
    share = raster_share(path, parcels, "value > 0", key=KEY)
    assert share["known"].tolist() == [1, 0, 0, 0.5, 0]
    assert share["share"].tolist()[::3] == [1, 0.5]
    assert share["share"].isna().tolist() == [False, True, True, False, True]
    measured = raster_measure(path, parcels, "mean", key=KEY)
    assert measured["measured"].isna().tolist() == [False, True, True, False, True]
    assert measured.loc["p3", "measured"] == 7


def test_nan_and_a_mask_beside_the_cells_are_void_too(tmp_path):
    cells = np.array([[1.5, np.nan], [np.inf, 2.5]], dtype="float32")
    parcel = table(box(E0, N0 - 20, E0 + 20, N0))
    found = raster_measure(saved(tmp_path / "n.tif", cells, nodata=None), parcel, "mean", key=KEY)
    assert found.iloc[0].tolist() == [2, 0.5]
    path = saved(tmp_path / "m.tif", np.array([[1, 2], [3, 4]], dtype="uint8"), nodata=None)
    with rasterio.open(path, "r+") as raster:
        raster.write_mask(np.array([[255, 0], [0, 255]], dtype="uint8"))
    assert raster_measure(path, parcel, "mean", key=KEY).iloc[0].tolist() == [2.5, 0.5]
    assert raster_share(path, parcel, "value != 9", key=KEY).iloc[0].tolist() == [0.5, 0.5]


def test_scale_and_offset_of_the_band_are_applied(tmp_path):
    cells = np.array([[3, VOID]], dtype="int16")
    path = saved(tmp_path / "r.tif", cells, scale=0.1, offset=50.0)
    parcel = table(box(E0, N0 - 10, E0 + 20, N0))
    assert raster_measure(path, parcel, "max", key=KEY).loc["p0", "measured"] == pytest.approx(50.3)
    assert raster_share(path, parcel, "value = 50.3", key=KEY).loc["p0", "share"] == 0.5


def test_a_limit_holds_for_numbers_that_32_bits_round(tmp_path):
    path = saved(tmp_path / "r.tif", np.array([[0.7]], dtype="float32"))
    parcel = table(box(E0, N0 - 10, E0 + 10, N0))
    for test, truth in (
        ("value >= 0.7", 1),
        ("value > 0.7", 0),
        ("value < 0.7", 0),
        ("value = .7", 1),
    ):
        assert raster_share(path, parcel, test, key=KEY).loc["p0", "share"] == truth, test


def test_a_candidate_site_that_is_a_point_takes_the_cell_it_lies_in(tmp_path):
    path = saved(tmp_path / "r.tif", np.array([[1, 2], [3, VOID]], dtype="int16"))
    sites = table(
        *(Point(E0 + x, N0 - y) for x, y in ((1, 1), (10, 9), (9.9, 19.9), (15, 15), (25, 5)))
    )
    found = raster_measure(path, sites, "mean", key=KEY)
    assert found["measured"].fillna(-1).tolist() == [1, 2, 3, -1, -1]
    assert found["known"].tolist() == [1, 1, 1, 0, 0]
    assert raster_share(path, sites, "value = 2", key=KEY)["share"].fillna(-1).tolist() == [
        0,
        1,
        0,
        -1,
        -1,
    ]


def test_parcels_in_another_crs_meet_the_same_cells(tmp_path):
    cells = np.random.default_rng(8).integers(0, 9, (30, 30)).astype("int16")
    path = saved(tmp_path / "r.tif", cells)
    parcels = table(box(E0 + 33, N0 - 222, E0 + 181, N0 - 47), Point(E0 + 51, N0 - 77))
    here = raster_measure(path, parcels, "mean", key=KEY)
    for epsg in (25833, 4326, 3045):
        there = raster_measure(path, parcels.to_crs(epsg), "mean", key=KEY)
        assert there.to_numpy() == pytest.approx(here.to_numpy(), abs=2e-3), epsg


@pytest.mark.shared
def test_a_model_with_northing_first_is_read_where_it_lies(shared_data):
    path = shared_data / "norway" / "dtm_10.tif"
    with rasterio.open(path) as raster:
        assert raster.crs.to_epsg() == 3045
        row, column = 57, 123
        x, y = raster.xy(row, column)
        heights, around = raster.read(1), raster.bounds
    points = table(Point(x, y), crs=25833).to_crs(25832)
    assert (
        raster_measure(path, points, "max", key=KEY).loc["p0", "measured"] == heights[row, column]
    )
    everything = table(box(*around), crs=25833)
    found = raster_measure(path, everything, "mean", key=KEY).iloc[0]
    known = heights[heights != -32767].astype("float64")
    assert found["measured"] == pytest.approx(known.mean(), rel=1e-6)
    assert found["known"] == pytest.approx(len(known) / heights.size, abs=1e-5)


def test_only_the_window_of_the_parcels_is_read_and_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(rasters, "CELLS_AT_ONCE", 2_000)
    read = []
    genuine = rasters._Cells.read_window

    def watched(self, x0, y0, nx, ny):
        read.append(nx * ny)
        return genuine(self, x0, y0, nx, ny)

    monkeypatch.setattr(rasters._Cells, "read_window", watched)
    cells = np.arange(250_000, dtype="int32").reshape(500, 500)
    path = saved(tmp_path / "r.tif", cells)
    parcels = table(box(E0 + 1000, N0 - 2000, E0 + 2000, N0 - 1000))
    found = raster_measure(path, parcels, "median", key=KEY)
    assert found.loc["p0", "measured"] == np.median(cells[100:200, 100:200])
    assert max(read) <= 2_000
    assert sum(read) <= 10_100


def test_parcels_far_apart_are_read_one_by_one_with_the_same_answer(tmp_path, monkeypatch):
    cells = np.random.default_rng(1).integers(0, 9, (800, 800)).astype("int16")
    cells[0:3] = VOID
    path = saved(tmp_path / "r.tif", cells)
    parcels = table(*(box(E0 + a, N0 - a - 25, E0 + a + 33, N0 - a) for a in range(5, 7900, 790)))
    together = raster_share(path, parcels, "value > 4", key=KEY)
    asked = []
    monkeypatch.setattr(rasters, "_strategy", lambda *_: asked.append(1) or "feature-sequential")
    assert raster_share(path, parcels, "value > 4", key=KEY).to_numpy() == pytest.approx(
        together.to_numpy(), nan_ok=True
    )
    assert asked


def test_twenty_thousand_parcels_on_twenty_five_million_cells_take_seconds(tmp_path):
    rng = np.random.default_rng(0)
    path = saved(tmp_path / "r.tif", rng.integers(0, 90, (5000, 5000)).astype("uint8"), nodata=None)
    corner = rng.uniform((E0, N0 - 50_000), (E0 + 49_900, N0 - 100), (20_000, 2))
    parcels = table(*shapely.box(corner[:, 0], corner[:, 1], corner[:, 0] + 45, corner[:, 1] + 45))
    start = time.perf_counter()
    found = raster_share(path, parcels, "value >= 55", key=KEY)
    assert time.perf_counter() - start < 30  # a few seconds when nothing else runs
    assert found["share"].mean() == pytest.approx(35 / 90, abs=0.01)
    assert (found["known"] == 1).mean() > 0.99


@pytest.mark.parametrize(
    "text",
    [
        "", "value", "value >= ", "value >= 55,5", "value => 5", "55 <= value", "støy >= 55",
        "value in ()", "value in 21, 22", "value >= 55 and", "value > 1 or or value < 0",
        "(value > 1)", "__import__('os').system('true')", "value >= 55; value = 1", "value = nan",
    ],
)  # fmt: skip
def test_a_test_outside_the_small_language_is_refused_with_what_is_allowed(text):
    with pytest.raises(InputError, match="is not understood") as caught:
        parse_test(text, key=KEY)
    assert KEY in caught.value.message
    assert "`value >= 55`" in caught.value.hint


def test_and_binds_before_or_and_letters_may_be_large():
    found = parse_test("VALUE IN (1, 2) OR value>=-3.5 And value <> 1e2", key=KEY)
    told = [[(part.operator, part.numbers) for part in both] for both in found]
    assert told == [[("in", (1, 2))], [(">=", (-3.5,)), ("not in", (100,))]]


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        raster_share(path, table(box(E0, N0 - 10, E0 + 10, N0)), "value = 1", key=KEY, **options)
    assert str(path) in caught.value.message
    assert caught.value.hint
    return str(caught.value)


def test_a_raster_that_cannot_be_used_is_one_error_that_names_it(tmp_path):
    one = np.ones((300, 300), dtype="int16")
    assert f"Check `source` of {KEY}" in refusal(tmp_path / "gone.tif")
    assert "does not say in which CRS" in refusal(saved(tmp_path / "nocrs.tif", one, crs=None))
    assert "there is no band 2" in refusal(saved(tmp_path / "one.tif", one), band=2)
    complex_ = saved(tmp_path / "c.tif", one.astype("complex64"), nodata=None)
    assert "complex numbers" in refusal(complex_)
    text = tmp_path / "text.tif"
    text.write_text("hello")
    assert "cannot be read as a raster" in refusal(text)
    noise = np.random.default_rng(2).integers(0, 9000, (300, 300)).astype("int16")
    raw = saved(tmp_path / "whole.tif", noise, compress="deflate").read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(InputError, match="cannot be read as a raster"):
        raster_share(cut, table(box(E0, N0 - 3000, E0 + 3000, N0)), "value = 1", key=KEY)


def test_a_statistic_that_is_none_is_a_mistake_in_the_program(tmp_path):
    path = saved(tmp_path / "r.tif", np.ones((2, 2), dtype="int16"))
    with pytest.raises(ValueError, match="mean, max, min, median"):
        raster_measure(path, table(Point(E0, N0)), "mode", key=KEY)


def test_no_parcels_are_no_error(tmp_path):
    path = saved(tmp_path / "r.tif", np.ones((2, 2), dtype="int16"))
    assert len(raster_share(path, table().set_crs(25832), "value = 1", key=KEY)) == 0


def test_the_report_tells_the_raster_and_how_many_parcels_it_knows(tmp_path):
    path = saved(tmp_path / "r.tif", np.array([[60, 50], [VOID, VOID]], dtype="int16"))
    parcels = table(
        box(E0, N0 - 10, E0 + 20, N0),
        box(E0, N0 - 20, E0 + 10, N0),
        box(E0, N0 - 20, E0 + 9, N0 - 11),
    )
    cells = raster_share(path, parcels, "value >= 55", key=KEY)
    report = raster_report(path, cells, "value >= 55", role="constraint: Støy")
    assert report.facts == {
        "CRS": "EPSG:25832 (from the file)",
        "cell size, metre": "10",
        "cells": "2 × 2",
        "cells that count": "value >= 55",
        "parcels wholly on cells with data": 1,
        "parcels partly on cells with data": 1,
        "parcels without data": 1,
        "parcels with a cell that counts": 2,
    }
    assert report.warnings == ("1 parcels lie outside the raster or on void cells, 1 partly",)
    assert report.files == (path,)
    elsewhere = raster_measure(path, table(Point(0, 0)), "mean", key=KEY)
    lost = raster_report(path, elsewhere, "mean", role="criterion: quiet")
    assert "no parcel lies on a cell with data" in lost.warnings[0]
    assert lost.facts["statistic"] == "mean"


def test_the_plane_of_cells_is_no_place_on_earth():
    assert not pyproj.CRS.from_wkt(rasters._CELLS.to_wkt()).is_geographic
