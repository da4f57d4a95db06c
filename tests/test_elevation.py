"""Heights from rasters of any CRS, axis order and nodata value."""

import io
import struct
import zipfile

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.transform import Affine

from arealstrategi.errors import InputError
from arealstrategi.sources import elevation
from arealstrategi.sources.elevation import check_elevation, sample_heights

UTM33 = pyproj.CRS(25833)
E0, N0 = 600_000.0, 6_650_000.0
SHAPE = (40, 30)


def plane(easting, northing):
    return 100 + 0.3 * (easting - E0) + 0.2 * (northing - N0)


def origin(west, north, step):
    return Affine(step, 0, west, 0, -step, north)


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
        transform=transform or origin(E0, N0, 10),
        **options,
    ) as raster:
        raster.write(cells, 1)
    return path


def plane_cells(west=E0, shape=SHAPE):
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]]
    return plane(west + 10 * (column + 0.5), N0 - 10 * (row + 0.5)).astype("float32")


def inside(n=400, margin=5.0):
    rng = np.random.default_rng(1)
    high, wide = (10 * size - margin for size in SHAPE)
    return np.column_stack([E0 + rng.uniform(margin, wide, n), N0 - rng.uniform(margin, high, n)])


def at(*offsets):
    return np.array([(E0 + x, N0 - y) for x, y in offsets])


def test_a_plane_is_interpolated_exactly_at_any_point(tmp_path):
    points = inside()
    heights = sample_heights([written(tmp_path / "p.tif", plane_cells())], points, UTM33)
    assert heights == pytest.approx(plane(*points.T), abs=1e-4)


def test_bands_of_rows_give_what_the_whole_gives(tmp_path, monkeypatch):
    path, points = written(tmp_path / "p.tif", plane_cells()), inside()
    whole = sample_heights([path], points, UTM33)
    monkeypatch.setattr(elevation, "BAND_ROWS", 7.0)
    assert np.array_equal(sample_heights([path], points, UTM33), whole)


def test_a_raster_in_degrees_says_the_same_as_its_own_cells_do(tmp_path):
    step = 0.001
    row, column = np.mgrid[0:50, 0:60]
    lon, lat = 15 + step * (column + 0.5), 60 - step * (row + 0.5)
    cells = (2000 * (lon - 15) + 3000 * (60 - lat)).astype("float32")
    path = written(tmp_path / "d.tif", cells, origin(15, 60, step), "EPSG:4326")
    rng = np.random.default_rng(2)
    lon, lat = 15 + rng.uniform(0.001, 0.059, 200), 60 - rng.uniform(0.001, 0.049, 200)
    points = np.column_stack(
        pyproj.Transformer.from_crs(4326, 25833, always_xy=True).transform(lon, lat)
    )
    expected = 2000 * (lon - 15) + 3000 * (60 - lat)
    assert sample_heights([path], points, UTM33) == pytest.approx(expected, abs=1e-3)


def test_a_turned_raster_is_read_at_the_right_cells(tmp_path):
    cells = plane_cells()
    turned = Affine.translation(E0, N0) @ Affine.rotation(20) @ Affine.scale(10, -10)
    path = written(tmp_path / "t.tif", cells, turned)
    points = np.array([turned @ (column + 0.5, row + 0.5) for row, column in [(3, 4), (22, 17)]])
    assert sample_heights([path], points, UTM33) == pytest.approx(
        [cells[3, 4], cells[22, 17]], abs=1e-4
    )


@pytest.mark.parametrize("nodata", [None, -9999.0])
@pytest.mark.parametrize("crs", [25833, 25832, 4326])
def test_beyond_the_raster_nothing_is_known_even_where_it_states_no_nodata(tmp_path, nodata, crs):
    cells = np.full((50, 50), 100.0, dtype="float32")
    path = written(tmp_path / "c.tif", cells, origin(15, 60, 0.001), "EPSG:4326", nodata=nodata)
    lon = np.array([15.025, 15.0001, 15.0499, 14.9999, 15.0501, 15.02, 15.02])
    lat = np.array([59.975, 59.9999, 59.9501, 59.99, 59.96, 60.0001, 59.9499])
    to_crs = pyproj.Transformer.from_crs(4326, crs, always_xy=True)
    heights = sample_heights([path], np.column_stack(to_crs.transform(lon, lat)), pyproj.CRS(crs))
    assert heights[:3] == pytest.approx([100.0] * 3)
    assert np.isnan(heights[3:]).all()


@pytest.mark.parametrize(
    ("void", "stated"),
    [(-32767.0, -32767.0), (0.0, 0.0), (-9999.0, None), (np.nan, None), (3.4e38, None)],
)
def test_a_void_is_unknown_and_never_a_depth(tmp_path, void, stated):
    cells = np.full(SHAPE, 50.0, dtype="float32")
    cells[10, 10] = void
    path = written(tmp_path / "v.tif", cells, nodata=stated)
    heights = sample_heights([path], at((105, 105), (112, 108), (85, 105), (150, 150)), UTM33)
    assert np.isnan(heights[:2]).all()
    assert heights[2:] == pytest.approx([50.0, 50.0])


def test_where_rasters_overlap_the_first_that_knows_counts(tmp_path):
    fine = np.full(SHAPE, 10.0, dtype="float32")
    fine[:, 10:14] = -9999
    first = written(tmp_path / "a.tif", fine, nodata=-9999)
    second = written(tmp_path / "b.tif", np.full(SHAPE, 20.0, "float32"), origin(E0 + 100, N0, 10))
    points = at((50, 100), (120, 100), (250, 100), (350, 100), (500, 100))
    assert sample_heights([first, second], points, UTM33) == pytest.approx(
        [10, 20, 10, 20, np.nan], nan_ok=True
    )
    assert sample_heights([second, first], points, UTM33) == pytest.approx(
        [10, 20, 20, 20, np.nan], nan_ok=True
    )


def test_tiles_that_only_meet_leave_no_seam(tmp_path):
    left = written(tmp_path / "l.tif", plane_cells())
    right = written(tmp_path / "r.tif", plane_cells(E0 + 300), origin(E0 + 300, N0, 10))
    points = at(*((x, 50) for x in (294, 296, 299.9, 300, 300.1, 304, 306)))
    heights = sample_heights([left, right], points, UTM33)
    assert heights == pytest.approx(plane(*points.T), abs=0.3 * 5 + 1e-3)
    assert (np.diff(heights) >= 0).all()


def test_heights_stored_as_decimetres_are_metres(tmp_path):
    path = written(tmp_path / "dm.tif", np.full(SHAPE, 1234, dtype="int16"))
    with rasterio.open(path, "r+") as raster:
        raster.scales, raster.offsets = (0.1,), (5.0,)
    assert sample_heights([path], at((105, 105)), UTM33) == pytest.approx([128.4])


LOCAL = 'LOCAL_CS["Undefined Cartesian SRS",UNIT["Meter",1],AXIS["E",EAST],AXIS["N",NORTH]]'


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("missing", "there is no such file"),
        ("no CRS", "does not say in which CRS"),
        ("local CRS", "cannot be read as elevation"),
        ("text", "cannot be read as elevation"),
        ("empty", "cannot be read as elevation"),
        ("cut off", "cannot be read as elevation"),
    ],
)
def test_a_raster_that_cannot_serve_is_one_error_that_names_it(tmp_path, case, said):
    path = tmp_path / "dtm.tif"
    if case in {"no CRS", "local CRS"}:
        written(path, plane_cells(), crs=None if case == "no CRS" else LOCAL)
    elif case != "missing":
        whole = written(tmp_path / "whole.tif", plane_cells()).read_bytes()
        path.write_bytes({"text": b"hello", "empty": b"", "cut off": whole[:2500]}[case])
    with pytest.raises(InputError) as caught:
        sample_heights([path], inside(), UTM33)
    assert said in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_no_raster_and_no_point_know_nothing(tmp_path):
    path = written(tmp_path / "p.tif", plane_cells())
    assert np.isnan(sample_heights([], at((5, 5)), UTM33)).all()
    assert len(sample_heights([path], np.empty((0, 2)), UTM33)) == 0


def test_the_check_tells_how_many_parcels_have_a_height(tmp_path):
    path = written(tmp_path / "p.tif", plane_cells())
    report = check_elevation([path], at((5, 5), (295, 5), (-500, 0)), UTM33)
    assert report.facts["parcels with known height"] == 2
    assert report.facts["lowest parcel, m"] == 100.5
    assert report.facts["highest parcel, m"] == 187.5
    assert "the height of 1 of 3 parcels is not known" in report.warnings
    assert report.files == (path,)


@pytest.mark.shared
def test_kartverkets_north_east_raster_is_read_at_the_places_rasterio_reads(shared_data):
    path = shared_data / "norway" / "dtm_10.tif"
    with rasterio.open(path) as raster:
        assert raster.crs.to_epsg() == 3045
        row, column = (a.ravel() for a in np.mgrid[0:201:5, 0:201:5])
        points = np.column_stack(raster.transform @ (column + 0.5, row + 0.5))
        expected = np.array([value[0] for value in raster.sample(points)], dtype=float)
        expected[expected == raster.nodata] = np.nan
    assert np.isnan(expected).any()
    for crs in (25833, 3045):
        heights = sample_heights([path], points, pyproj.CRS(crs))
        assert heights == pytest.approx(expected, nan_ok=True, abs=1e-6)


@pytest.mark.shared
def test_a_zipped_srtm_tile_says_what_its_bytes_say(shared_data):
    path = shared_data / "lauf" / "N49E011.hgt.zip"
    with zipfile.ZipFile(path) as archive:
        raw = io.BytesIO(archive.read(archive.namelist()[0])).getvalue()
    lines = np.array([600, 612, 700]), np.array([330, 341, 355])
    expected = [
        struct.unpack_from(">h", raw, 2 * (1201 * row + column))[0]
        for row, column in zip(*lines, strict=True)
    ]
    lat, lon = 50 - lines[0] / 1200, 11 + lines[1] / 1200
    to_utm = pyproj.Transformer.from_crs(4326, 25832, always_xy=True)
    points = np.column_stack(to_utm.transform(lon, lat))
    heights = sample_heights([path], points, pyproj.CRS(25832))
    assert heights == pytest.approx(expected, abs=1e-3)
    assert 250 < min(expected) < max(expected) < 650
