"""How steep the ground is, against planes, hand-made surfaces and other ways to count."""

import io
import zipfile

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine
from scipy.ndimage import convolve, map_coordinates
from shapely import MultiPolygon, Point, Polygon, box

from arealstrategi.errors import InputError
from arealstrategi.sources import slope as module
from arealstrategi.sources.slope import Slope, ground_slope, parcel_slope, steep_zones

UTM33 = pyproj.CRS(25833)
E0, N0 = 600_000.0, 6_650_000.0


def written(path, cells, transform=None, crs="EPSG:25833", **options):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=cells.shape[0],
        width=cells.shape[1],
        count=1,
        dtype=cells.dtype,
        crs=crs,
        transform=transform or Affine(10, 0, E0, 0, -10, N0),
        **options,
    ) as raster:
        raster.write(cells, 1)
    return path


def plane(path, steep_pct, towards, shape=(60, 50), transform=None, dtype="float64"):
    """A plane that rises by so many per cent towards a direction, degrees from the east."""
    there = transform or Affine(10, 0, E0, 0, -10, N0)
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    x, y = there @ (column, row)
    angle = np.radians(towards)
    rise = (x - E0) * np.cos(angle) + (y - N0) * np.sin(angle)
    return written(path, (500 + steep_pct / 100 * rise).astype(dtype), there)


def hills(shape, seed=0):
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]]
    rng = np.random.default_rng(seed)
    return 200 + 25 * np.sin(row / 5.0) * np.cos(column / 7.0) + rng.normal(0, 1, shape)


def made(pct, cell_m=10.0):
    """A slope of given cells whose north-west corner is (E0, N0)."""
    return Slope(np.asarray(pct, dtype=np.float32), E0, N0, cell_m, UTM33)


def table(*shapes, crs=25833):
    names = [f"p{row}" for row in range(len(shapes))]
    return gpd.GeoDataFrame(geometry=list(shapes), index=names, crs=crs)


@given(steep=st.floats(0, 90), towards=st.floats(0, 360), turned=st.floats(0, 90))
@settings(max_examples=25)
def test_a_plane_has_its_gradient_whichever_way_it_and_the_raster_are_turned(
    tmp_path_factory, steep, towards, turned
):
    there = Affine.translation(E0, N0) @ Affine.rotation(turned) @ Affine.scale(10, -10)
    path = plane(tmp_path_factory.mktemp("p") / "p.tif", steep, towards, transform=there)
    x, y = there @ (25, 30)
    slope = ground_slope([path], (x - 100, y - 100, x + 100, y + 100), UTM33)
    assert slope.pct.size >= 400
    assert slope.pct == pytest.approx(steep, abs=1e-3)


def test_in_the_neighbouring_zone_the_plane_is_as_steep_but_for_the_map_s_scale(tmp_path):
    path = plane(tmp_path / "p.tif", 20, 40)
    change = pyproj.Transformer.from_crs(25833, 25832, always_xy=True)
    x, y = change.transform(E0 + 250, N0 - 300)
    slope = ground_slope([path], (x - 90, y - 90, x + 90, y + 90), pyproj.CRS(25832))
    assert slope.pct == pytest.approx(20, rel=0.005)


def test_on_finer_cells_of_a_known_hill_it_is_the_hill_s_own_gradient(tmp_path):
    """A parabola: smoothing adds a constant height, so that the gradient stays exact."""
    row, column = np.mgrid[0:80, 0:80] + 0.5
    x, y = 10 * column - 400, 400 - 10 * row
    path = written(tmp_path / "h.tif", 300 - (x**2 + y**2) / 2000)
    slope = ground_slope([path], (E0 + 105, N0 - 695, E0 + 695, N0 - 105), UTM33)
    rows, columns = slope.pct.shape
    east = slope.west + 10 * (np.arange(columns) + 0.5) - E0 - 400
    north = slope.north - 10 * (np.arange(rows) + 0.5) - N0 + 400
    truth = 100 * np.hypot(*np.meshgrid(east, north)) / 1000
    assert slope.pct == pytest.approx(truth, abs=1e-3)


def test_cells_are_the_same_whatever_the_area_around_them(tmp_path, monkeypatch):
    path = written(tmp_path / "h.tif", hills((60, 50)))
    whole = ground_slope([path], (E0 + 3, N0 - 590, E0 + 480, N0 - 8), UTM33)
    monkeypatch.setattr(module, "BLOCK", 7)
    part = ground_slope([path], (E0 + 151, N0 - 333, E0 + 299, N0 - 202), UTM33)
    assert (part.west, part.north) == (E0 + 150, N0 - 200)
    rows, columns = part.pct.shape
    assert (rows, columns) == (14, 15)
    top, left = round((whole.north - part.north) / 10), round((part.west - whole.west) / 10)
    assert (whole.pct[top : top + rows, left : left + columns] == part.pct).all()


def test_a_parcel_s_answer_and_its_zones_do_not_change_when_the_area_is_clipped(tmp_path):
    path = written(tmp_path / "h.tif", hills((60, 50)))
    parcels = table(Point(E0 + 222, N0 - 255).buffer(33), Point(E0 + 250, N0 - 250))
    answers, areas = [], []
    for bounds in ((E0, N0 - 590, E0 + 490, N0), tuple(parcels.total_bounds)):
        slope = ground_slope([path], bounds, UTM33)
        answers.append(parcel_slope(slope, parcels, max_pct=20).to_numpy())
        zones, _ = steep_zones(slope, 20)
        areas.append(zones.intersection(parcels.geometry.iloc[0]).area.sum())
    assert answers[0] == pytest.approx(answers[1], abs=1e-6)
    assert areas[0] == pytest.approx(areas[1], abs=1e-6)
    assert 0 < areas[0] < np.pi * 33**2


def test_blocks_without_a_parcel_are_not_read_and_not_known(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 8)
    asked = []
    genuine = module.sample_heights
    monkeypatch.setattr(
        module, "sample_heights", lambda p, xy, crs: asked.append(len(xy)) or genuine(p, xy, crs)
    )
    path = written(tmp_path / "h.tif", hills((60, 50)))
    parcels = table(
        box(E0 + 20, N0 - 60, E0 + 70, N0 - 20), box(E0 + 395, N0 - 445, E0 + 410, N0 - 390)
    )
    bounds = (E0 + 10, N0 - 585, E0 + 485, N0 - 10)
    slope = ground_slope([path], bounds, UTM33, shapes=parcels.geometry)
    n_asked = sum(asked)
    everywhere = ground_slope([path], bounds, UTM33)
    assert n_asked <= 6 * 81 < 0.2 * sum(asked)
    assert parcel_slope(slope, parcels, max_pct=9).to_numpy() == pytest.approx(
        parcel_slope(everywhere, parcels, max_pct=9).to_numpy()
    )
    known = ~np.isnan(slope.pct)
    assert (slope.pct[known] == everywhere.pct[known]).all()
    assert known.sum() <= 6 * 64


def test_void_cells_and_what_lies_beyond_the_raster_are_unknown_never_flat(tmp_path):
    cells = hills((30, 30))
    cells[10:13, 10:13] = -9999
    path = written(tmp_path / "h.tif", cells, nodata=-9999)
    slope = ground_slope([path], (E0 - 50, N0 - 299, E0 + 299, N0 - 1), UTM33)
    unknown = np.isnan(slope.pct)
    assert unknown[:, :5].all()  # west of the raster
    assert unknown[10:13, 15:18].all()
    assert not unknown[:9, 6:].any()
    zones, mapped = steep_zones(slope, 0.0)
    assert mapped.area.sum() == pytest.approx(100 * (~unknown).sum())
    assert zones.intersection(box(E0 + 100, N0 - 130, E0 + 130, N0 - 100)).area.sum() == 0


def test_no_raster_at_all_knows_nothing():
    slope = ground_slope([], (E0, N0, E0 + 50, N0 + 50), UTM33)
    assert np.isnan(slope.pct).all()
    found = parcel_slope(slope, table(box(E0, N0, E0 + 9, N0 + 9), Point(E0, N0)), max_pct=5)
    assert found[["mean_pct", "within_share"]].isna().to_numpy().all()
    assert found["known"].tolist() == [0, 0]
    assert [len(shapes) for shapes in steep_zones(slope, 5)] == [0, 0]


def test_an_area_of_too_many_cells_is_refused_with_what_to_do():
    with pytest.raises(InputError) as caught:
        ground_slope([], (0, 6_000_000, 100_000, 6_100_000), UTM33)
    assert "100 × 100 km" in caught.value.message
    assert "max_slope_pct" in caught.value.hint


def test_a_parcel_counts_each_cell_by_how_much_of_it_it_covers():
    slope = made([[10, 20, np.nan], [30, 40, 5]])
    parcels = table(
        box(E0, N0 - 20, E0 + 20, N0),
        box(E0 + 5, N0 - 5, E0 + 15, N0),
        box(E0 + 10, N0 - 20, E0 + 30, N0),  # a quarter void
        box(E0 + 21, N0 - 9, E0 + 29, N0 - 1),  # nothing but void
        box(E0 + 20, N0 - 20, E0 + 50, N0 - 10),  # a third on the cells
        box(E0 + 500, N0, E0 + 520, N0 + 20),  # elsewhere
        Polygon(),
        MultiPolygon([box(E0, N0 - 5, E0 + 10, N0), box(E0 + 12, N0 - 15, E0 + 15, N0 - 11)]),
    )
    found = parcel_slope(slope, parcels, max_pct=20)
    assert found.index.tolist() == parcels.index.tolist()
    expected = [
        [25, 0.5, 1],
        [15, 1, 1],
        [65 / 3, 2 / 3, 0.75],
        [np.nan, np.nan, 0],
        [5, 1, 1 / 3],
        [np.nan, np.nan, 0],
        [np.nan, np.nan, 0],
        [(50 * 10 + 12 * 40) / 62, 50 / 62, 1],
    ]
    assert found.to_numpy() == pytest.approx(np.array(expected), abs=1e-6, nan_ok=True)


def test_any_polygon_is_counted_as_its_pieces_in_each_cell_are():
    rng = np.random.default_rng(2)
    pct = rng.uniform(0, 50, (20, 20))
    pct[rng.random(pct.shape) < 0.2] = np.nan
    turn = np.linspace(0, 2 * np.pi, 25, endpoint=False)
    far = rng.uniform(30, 90, 25)
    parcel = Polygon(np.stack([E0 + 95 + far * np.cos(turn), N0 - 102 + far * np.sin(turn)], 1))
    row, column = (a.ravel() for a in np.mgrid[0:20, 0:20])
    x, y = E0 + 10 * column, N0 - 10 * row
    area = shapely.area(shapely.intersection(shapely.box(x, y - 10, x + 10, y), parcel))
    cells, known = pct.ravel(), ~np.isnan(pct.ravel())
    expected = (
        np.average(cells[known], weights=area[known]),
        area[known & (cells <= 25)].sum() / area[known].sum(),
        area[known].sum() / parcel.area,
    )
    found = parcel_slope(made(pct), table(parcel), max_pct=25).iloc[0]
    assert found.tolist() == pytest.approx(expected, abs=1e-5)


def test_a_candidate_site_that_is_a_point_takes_the_cell_it_lies_in():
    slope = made([[10, 20], [30, np.nan]])
    at = ((1, 1), (10, 9), (9.9, 19.9), (15, 15), (25, 5), (-1, 5))
    sites = table(*(Point(E0 + x, N0 - y) for x, y in at))
    found = parcel_slope(slope, sites, max_pct=15)
    assert found["mean_pct"].fillna(-1).tolist() == [10, 20, 30, -1, -1, -1]
    assert found["within_share"].fillna(-1).tolist() == [1, 0, 0, -1, -1, -1]
    assert found["known"].tolist() == [1, 1, 1, 0, 0, 0]


def test_ground_just_as_steep_as_the_limit_is_not_steeper(tmp_path):
    for number, towards in enumerate((0, 33, 77)):
        path = plane(tmp_path / f"{number}.tif", 100 / 3, towards, dtype="float32")
        slope = ground_slope([path], (E0 + 50, N0 - 500, E0 + 400, N0 - 50), UTM33)
        assert len(steep_zones(slope, 100 / 3)[0]) == 0
        assert steep_zones(slope, 33.3)[0].area.sum() == pytest.approx(slope.pct.size * 100)
        parcel = table(box(E0 + 60, N0 - 400, E0 + 300, N0 - 60))
        for limit, share in ((100 / 3, 1), (33.3, 0)):
            assert parcel_slope(slope, parcel, max_pct=limit)["within_share"].iloc[0] == share


@given(seed=st.integers(0, 10**6), steep=st.floats(0.05, 0.95))
@settings(max_examples=25)
def test_the_outlines_hold_just_the_steep_cells_and_are_valid(seed, steep):
    rng = np.random.default_rng(seed)
    pct = np.where(rng.random((30, 40)) < steep, 30.0, 5.0)
    pct[rng.random(pct.shape) < 0.1] = np.nan
    slope = made(pct)
    zones, mapped = steep_zones(slope, 20)
    row, column = (a.ravel() for a in np.mgrid[0:30, 0:40])
    middles = shapely.points(E0 + 10 * column + 5, N0 - 10 * row - 5)
    for shapes, truth in ((zones, pct == 30), (mapped, ~np.isnan(pct))):
        assert shapes.is_valid.all()
        assert shapes.area.sum() == pytest.approx(100 * truth.sum())
        hit = np.unique(shapely.STRtree(middles).query(shapes, predicate="contains")[1])
        assert (np.flatnonzero(truth.ravel()) == hit).all()
        assert shapes.crs == UTM33


def test_outlines_are_cut_in_tiles_that_lie_still():
    slope = made(np.full((300, 200), 50))
    zones, _ = steep_zones(slope, 20)
    assert zones.area.sum() == pytest.approx(300 * 200 * 100)
    size = 10 * module.TILE
    west, south = zones.bounds["minx"], zones.bounds["miny"]
    assert (zones.bounds["maxx"] - west).max() <= size
    assert (west[west > E0] % size == 0).all()
    assert (south[south > N0 - 3000] % size == 0).all()
    assert len(zones) == 6 * 4


@pytest.mark.shared
def test_on_kartverkets_model_parcels_are_as_steep_as_horns_gradient_of_the_raw_cells_says(
    shared_data,
):
    path = shared_data / "norway" / "dtm_10.tif"
    with rasterio.open(path) as raster:
        cells, around = raster.read(1, masked=True).astype(float).filled(np.nan), raster.bounds
        there = raster.transform
    z = [[cells[1 + r : 200 + r, 1 + c : 200 + c] for c in (-1, 0, 1)] for r in (-1, 0, 1)]
    eastward = (z[0][2] + 2 * z[1][2] + z[2][2] - z[0][0] - 2 * z[1][0] - z[2][0]) / 80
    northward = (z[0][0] + 2 * z[0][1] + z[0][2] - z[2][0] - 2 * z[2][1] - z[2][2]) / 80
    horn = 100 * np.hypot(eastward, northward)[:190, :190]
    blocks = horn.reshape(19, 10, 19, 10).swapaxes(1, 2).reshape(19, 19, 100)
    whole = ~np.isnan(blocks).any(axis=2)
    row, column = np.nonzero(whole)
    west, north = there @ (column * 10 + 1, row * 10 + 1)
    east, south = there @ (column * 10 + 11, row * 10 + 11)
    parcels = table(*shapely.box(west, south, east, north))
    assert len(parcels) > 300
    found = parcel_slope(ground_slope([path], tuple(around), UTM33), parcels, max_pct=33)
    assert (found["known"] == 1).all()
    difference = found["mean_pct"].to_numpy() - blocks[whole].mean(axis=1)
    assert blocks[whole].mean() > 20
    assert np.abs(difference).mean() < 0.6
    assert np.abs(difference).max() < 4
    within = (blocks[whole] <= 33).mean(axis=1)
    assert found["within_share"].mean() == pytest.approx(within.mean(), abs=0.01)
    assert found["within_share"].to_numpy() == pytest.approx(within, abs=0.1)


@pytest.mark.shared
def test_in_lauf_the_town_s_slopes_are_those_of_the_tile_s_own_bytes(shared_data):
    path = shared_data / "lauf" / "N49E011.hgt.zip"
    with zipfile.ZipFile(path) as archive:
        raw = io.BytesIO(archive.read(archive.namelist()[0])).getvalue()
    cells = np.frombuffer(raw, ">i2").reshape(1201, 1201).astype(float)
    smooth = convolve(cells, np.outer([1, 2, 1], [1, 2, 1]) / 16)
    parcels = gpd.read_file(shared_data / "lauf" / "parcels.gpkg").to_crs(25832)
    slope = ground_slope([path], tuple(parcels.total_bounds), pyproj.CRS(25832))
    x = slope.west + 10 * (np.arange(slope.pct.shape[1]) + 0.5)
    y = slope.north - 10 * (np.arange(slope.pct.shape[0]) + 0.5)
    to_degrees = pyproj.Transformer.from_crs(25832, 4326, always_xy=True)
    lon, lat = to_degrees.transform(*np.meshgrid(x, y))
    _, _, wide = pyproj.Geod(ellps="WGS84").inv(11.25, 49.5, 11.25 + 1 / 1200, 49.5)
    _, _, high = pyproj.Geod(ellps="WGS84").inv(11.25, 49.5, 11.25, 49.5 + 1 / 1200)
    southward, eastward = np.gradient(smooth, high, wide)
    at = [(50 - lat) * 1200, (lon - 11) * 1200]
    truth = 100 * np.hypot(
        map_coordinates(southward, at, order=1), map_coordinates(eastward, at, order=1)
    )
    assert np.isfinite(slope.pct).all()
    assert np.corrcoef(truth.ravel(), slope.pct.ravel())[0, 1] > 0.97
    assert np.median(np.abs(truth - slope.pct)) < 0.6
    assert slope.pct.mean() == pytest.approx(truth.mean(), rel=0.1)
    found = parcel_slope(slope, parcels, max_pct=8)
    assert (found["known"] == 1).all()
    assert found["mean_pct"].between(0, 30).all()
    assert 0.85 < found["within_share"].mean() < 0.95  # a town on gentle ground, with a hill
