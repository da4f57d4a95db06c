"""Heights from rasters of any CRS, axis order and nodata value, smoothed."""

import io
import zipfile

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.transform import Affine
from scipy.ndimage import map_coordinates

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


def hills(shape, seed=0, noise=3.0):
    """Heights of rough hilly ground, one per cell."""
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]]
    smooth = 200 + 40 * np.sin(row / 5.0) * np.cos(column / 7.0)
    return (smooth + np.random.default_rng(seed).normal(0, noise, shape)).astype("float32")


def middles(shape, step=10.0):
    """The centres of cells of `step` metres, row by row."""
    row, column = (a.ravel() for a in np.mgrid[0 : shape[0], 0 : shape[1]])
    return np.column_stack([E0 + step * (column + 0.5), N0 - step * (row + 0.5)])


def smoothed_by_hand(cells):
    """[1 2 1]/4 both ways in opposite pairs, one cell after the other; NaN is unknown."""
    rows, columns = cells.shape
    smooth = np.full(cells.shape, np.nan)

    def cell(row, column):
        here = 0 <= row < rows and 0 <= column < columns
        return float(cells[row, column]) if here else np.nan

    for row in range(rows):
        for column in range(columns):
            total, weights = 4 * cell(row, column), 4
            for down, right, weight in [(0, 1, 2), (1, 0, 2), (1, 1, 1), (1, -1, 1)]:
                pair = cell(row + down, column + right) + cell(row - down, column - right)
                if not np.isnan(pair):
                    total, weights = total + weight * pair, weights + 2 * weight
            smooth[row, column] = total / weights
    return smooth


def test_a_plane_is_interpolated_exactly_at_any_point(tmp_path):
    points = inside()
    heights = sample_heights([written(tmp_path / "p.tif", plane_cells())], points, UTM33)
    assert heights == pytest.approx(plane(*points.T), abs=1e-4)


def test_cells_are_smoothed_as_one_would_by_hand_also_beside_voids(tmp_path):
    cells = hills((12, 15))
    cells[np.random.default_rng(4).random(cells.shape) < 0.15] = np.nan
    heights = sample_heights([written(tmp_path / "h.tif", cells)], middles(cells.shape), UTM33)
    assert heights == pytest.approx(smoothed_by_hand(cells).ravel(), nan_ok=True, abs=1e-9)
    assert np.isnan(heights).sum() == np.isnan(cells).sum() > 10


def test_a_plane_stays_exact_beside_voids_and_up_to_the_outermost_centres(tmp_path):
    cells, points = plane_cells(), inside(2000)
    cells[np.random.default_rng(5).random(cells.shape) < 0.1] = -9999
    heights = sample_heights([written(tmp_path / "p.tif", cells, nodata=-9999)], points, UTM33)
    known = np.isfinite(heights)
    assert 500 < known.sum() < 1800
    assert heights[known] == pytest.approx(plane(*points[known].T), abs=1e-4)


def test_a_cell_s_centre_beside_a_void_is_known_whatever_crs_asks(tmp_path):
    cells = hills((30, 30))
    cells[np.random.default_rng(11).random(cells.shape) < 0.2] = np.nan
    path, points = written(tmp_path / "h.tif", cells), middles(cells.shape)
    expected = smoothed_by_hand(cells).ravel()
    for crs in (25832, 4326):
        there = pyproj.Transformer.from_crs(25833, crs, always_xy=True).transform(*points.T)
        heights = sample_heights([path], np.column_stack(there), pyproj.CRS(crs))
        assert heights == pytest.approx(expected, nan_ok=True, abs=1e-4)


@pytest.mark.parametrize("step", [10.0, 2.0])
def test_blocks_give_what_the_whole_gives_bit_for_bit(tmp_path, monkeypatch, step):
    left, right = hills((40, 30)), hills((40, 30), 1)
    left[5:9, 20:28] = np.nan
    paths = [
        written(tmp_path / "l.tif", left, origin(E0, N0, step)),
        written(tmp_path / "r.tif", right, origin(E0 + 25 * step, N0, 1.3 * step)),
    ]
    points = np.random.default_rng(6).uniform(0, 1, (500, 2)) * (65 * step, -40 * step) + (E0, N0)
    whole = sample_heights(paths, points, UTM33)
    assert np.isfinite(whole).sum() > 100
    monkeypatch.setattr(elevation, "BLOCK", 7)
    assert np.array_equal(sample_heights(paths, points, UTM33), whole, equal_nan=True)


@pytest.mark.parametrize("step", [10.0, 2.0])
def test_a_point_s_height_does_not_depend_on_what_else_is_asked(tmp_path, step):
    paths = [
        written(tmp_path / "l.tif", hills((40, 30)), origin(E0, N0, step)),
        written(tmp_path / "r.tif", hills((40, 30), 1), origin(E0 + 30 * step, N0, step)),
    ]
    points = np.random.default_rng(7).uniform(0, 1, (60, 2)) * (60 * step, -40 * step) + (E0, N0)
    together = sample_heights(paths, points, UTM33)
    alone = [sample_heights(paths, point[np.newaxis], UTM33)[0] for point in points]
    assert np.array_equal(together, alone, equal_nan=True)


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


@pytest.mark.parametrize("step", [10.0, 2.0])
@pytest.mark.parametrize("order", [1, -1])
def test_tiles_of_one_grid_that_only_meet_are_smoothed_as_one(tmp_path, step, order):
    cells = hills((40, 50), noise=8.0)
    cells[18:23, 27:33] = np.nan
    whole = written(tmp_path / "whole.tif", cells, origin(E0, N0, step))
    tiles = [
        written(
            tmp_path / f"{row}-{column}.tif",
            cells[row : row + 20, column : column + 30],
            origin(E0 + column * step, N0 - row * step, step),
        )
        for row in (0, 20)
        for column in (0, 30)
    ]
    across = np.random.default_rng(8).uniform(0, 1, (4000, 2)) * (50 * step, -40 * step)
    across[:1000, 0] = step * (30 + np.linspace(-2, 2, 1000))
    across[1000:2000, 1] = -step * (20 + np.linspace(-2, 2, 1000))
    points = np.add(across, (E0, N0))
    heights = sample_heights(tiles[::order], points, UTM33)
    expected = sample_heights([whole], points, UTM33)
    assert heights == pytest.approx(expected, nan_ok=True, abs=1e-6)


def test_a_void_that_another_raster_knows_leaves_no_seam(tmp_path):
    cells = hills((30, 30))
    holed = cells.copy()
    holed[10:20, 8:21] = np.nan
    holed[3, 3] = np.nan
    first = written(tmp_path / "holed.tif", holed)
    second = written(tmp_path / "whole.tif", cells)
    points = np.random.default_rng(9).uniform(0, 300, (3000, 2)) * (1, -1) + (E0, N0)
    assert sample_heights([first, second], points, UTM33) == pytest.approx(
        sample_heights([second], points, UTM33), abs=1e-6
    )


def hill(easting, northing):
    """A hill whose flank rises by 8 % where x is 300 m from `E0`."""
    away = ((easting - E0 + 200) ** 2 + (northing - N0 + 180) ** 2) / 2
    return 50 + 80 * np.exp(-away / 600**2)


@pytest.mark.parametrize("other", ["30 m cells", "shifted cells", "turned CRS", "degrees"])
@pytest.mark.parametrize("order", [1, -1])
def test_where_tiles_of_different_grids_meet_there_is_no_jump(tmp_path, other, order):
    row, column = np.mgrid[0:40, 0:30]
    left = hill(E0 + 10 * (column + 0.5), N0 - 10 * (row + 0.5))
    east, north, step, crs = {
        "30 m cells": (E0 + 300, N0, 30.0, 25833),
        "shifted cells": (E0 + 300, N0 + 4, 10.0, 25833),
        "turned CRS": (*np.add(to_zone_32(E0 + 300, N0), (-30, 40)), 10.0, 25832),
        "degrees": (*np.add(to_degrees(E0 + 300, N0), (-0.0005, 0.001)), 0.0002, 4326),
    }[other]
    row, column = np.mgrid[0:80, 0:60]
    x, y = east + step * (column + 0.5), north - step * (row + 0.5)
    back = pyproj.Transformer.from_crs(crs, 25833, always_xy=True)
    right = hill(*back.transform(x, y))
    paths = [
        written(tmp_path / "l.tif", left.astype("float32")),
        written(
            tmp_path / "r.tif", right.astype("float32"), origin(east, north, step), f"EPSG:{crs}"
        ),
    ][::order]
    x, y = np.meshgrid(np.linspace(250, 350, 401), np.linspace(60, 330, 28))
    lines = np.stack([E0 + x, N0 - y], axis=-1)
    heights = sample_heights(paths, lines.reshape(-1, 2), UTM33).reshape(x.shape)
    error = heights - hill(lines[..., 0], lines[..., 1])
    assert np.abs(error).max() < 0.15  # without a word from beyond the edge 0.4 to 1.2
    assert np.abs(np.diff(error, axis=1)).max() < 0.1


def test_a_raster_finer_than_10_m_counts_as_the_means_of_its_cells(tmp_path):
    cells = hills((60, 80))
    means = cells.astype(float).reshape(12, 5, 16, 5).mean(axis=(1, 3))
    path = written(tmp_path / "fine.tif", cells, origin(E0, N0, 2))
    heights = sample_heights([path], middles(means.shape), UTM33)
    assert heights == pytest.approx(smoothed_by_hand(means).ravel(), abs=1e-6)
    with rasterio.open(path, "r+") as raster:
        raster.build_overviews([2, 4, 8], Resampling.nearest)
    assert np.array_equal(sample_heights([path], middles(means.shape), UTM33), heights)


def test_of_a_fine_raster_a_cell_is_unknown_only_where_most_of_it_is(tmp_path):
    cells = np.full((50, 50), 30.0, "float32")
    cells[20:30, 20:24] = -9999  # 40 of 100, not stated
    cells[20:30, 40:46] = -9999  # 60 of 100
    path = written(tmp_path / "fine.tif", cells, origin(E0, N0, 1))
    heights = sample_heights([path], at((25, 25), (45, 25), (35, 25)), UTM33)
    assert heights == pytest.approx([30, np.nan, 30], nan_ok=True)


@pytest.mark.parametrize("size", [43, 47, 3])
def test_a_fine_raster_of_any_size_is_known_up_to_its_edges(tmp_path, size):
    path = written(tmp_path / "f.tif", np.full((size, size), 7, "int16"), origin(E0, N0, 1))
    edge = size - 0.01
    points = at((0.01, 0.01), (edge, 0.01), (0.01, edge), (edge, edge), (size + 0.01, 1))
    assert sample_heights([path], points, UTM33) == pytest.approx([7] * 4 + [np.nan], nan_ok=True)


def to_zone_32(easting, northing):
    return pyproj.Transformer.from_crs(25833, 25832, always_xy=True).transform(easting, northing)


def to_degrees(easting, northing):
    return pyproj.Transformer.from_crs(25833, 4326, always_xy=True).transform(easting, northing)


def ninety(cells):
    """Write-ready cells of 90 m and points every 10 m along some lines through them."""
    x = np.arange(300, 90 * cells.shape[1] - 300, 10.0)
    y = np.arange(400, 90 * cells.shape[0] - 400, 137.0)
    return at(*((one, other) for other in y for one in x)).reshape(len(y), len(x), 2)


def test_the_noise_of_a_90_m_model_makes_no_steep_pieces(tmp_path):
    row, column = np.mgrid[0:60, 0:60]
    tilted = 100 + 0.05 * 90 * column + 0.02 * 90 * row
    cells = tilted + np.random.default_rng(10).normal(0, 3, tilted.shape)
    path = written(tmp_path / "n.tif", cells, origin(E0, N0, 90))
    lines = ninety(cells)
    heights = sample_heights([path], lines.reshape(-1, 2), UTM33).reshape(lines.shape[:2])
    gradient = np.diff(heights, axis=1) / 10
    assert gradient.mean() == pytest.approx(0.05, abs=0.002)
    assert gradient.std() < 0.02
    at_cells = [(N0 - lines[..., 1]) / 90 - 0.5, (lines[..., 0] - E0) / 90 - 0.5]
    raw = map_coordinates(cells, at_cells, order=1)
    assert (np.diff(raw, axis=1) / 10).std() > 0.03


def test_a_steep_hill_is_not_flattened_away(tmp_path):
    row, column = np.mgrid[0:60, 0:60]
    x, y = 90 * (column + 0.5) - 2700, 90 * (row + 0.5) - 2730
    cells = 100 * np.exp(-(x**2 + y**2) / 2 / 250**2)
    path = written(tmp_path / "hill.tif", cells, origin(E0, N0, 90))
    (top,) = sample_heights([path], at((2700, 2730)), UTM33)
    assert 85 < top < 100


def test_a_byte_s_highest_value_means_higher_than_can_be_told(tmp_path):
    cells = np.full(SHAPE, 100, "uint8")
    cells[10:12, 10:13] = 255
    path = written(tmp_path / "b.tif", cells)
    points = at((115, 115), (205, 205), (105, 85))
    heights = sample_heights([path], points, UTM33)
    assert heights == pytest.approx([np.nan, 100, 100], nan_ok=True)
    report = check_elevation([path], points, UTM33)
    assert report.facts["saturated cells"] == 6
    assert any("b.tif cannot tell heights above 254 m: 6 of" in said for said in report.warnings)
    stated = written(tmp_path / "s.tif", cells, nodata=255)
    assert "saturated cells" not in check_elevation([stated], points, UTM33).facts
    wide = written(tmp_path / "w.tif", cells.astype("int16"))
    assert sample_heights([wide], at((115, 115)), UTM33) == pytest.approx(255, abs=90)


def test_a_raster_whose_rows_run_north_is_the_same(tmp_path):
    cells, points = hills(SHAPE), inside()
    north_up = written(tmp_path / "n.tif", cells)
    south = Affine(10, 0, E0, 0, 10, N0 - 400)
    flipped = written(tmp_path / "s.tif", cells[::-1], south)
    beside = written(tmp_path / "w.tif", hills(SHAPE, 2), origin(E0 - 300, N0, 10))
    for others in ([], [beside]):
        assert sample_heights([*others, flipped], points, UTM33) == pytest.approx(
            sample_heights([*others, north_up], points, UTM33), abs=1e-9
        )


@pytest.mark.parametrize("crs", ["EPSG:5973", "EPSG:25833+5941"])
def test_a_raster_that_states_its_vertical_datum_too_is_read(tmp_path, crs):
    path = written(tmp_path / "nn2000.tif", plane_cells(), crs=crs)
    points = inside()
    assert sample_heights([path], points, UTM33) == pytest.approx(plane(*points.T), abs=1e-4)


def test_a_virtual_mosaic_is_what_its_tiles_are(tmp_path):
    cells, points = hills((40, 50)), middles((40, 50)) + 3.0
    written(tmp_path / "l.tif", cells[:, :30])
    written(tmp_path / "r.tif", cells[:, 30:], origin(E0 + 300, N0, 10))
    sources = "".join(
        f"""<SimpleSource><SourceFilename relativeToVRT="1">{name}.tif</SourceFilename>
        <SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" xSize="{wide}" ySize="40"/>
        <DstRect xOff="{left}" yOff="0" xSize="{wide}" ySize="40"/></SimpleSource>"""
        for name, left, wide in (("l", 0, 30), ("r", 30, 20))
    )
    path = tmp_path / "mosaic.vrt"
    path.write_text(
        f"""<VRTDataset rasterXSize="50" rasterYSize="40"><SRS>EPSG:25833</SRS>
        <GeoTransform>{E0}, 10, 0, {N0}, 0, -10</GeoTransform>
        <VRTRasterBand dataType="Float32" band="1">{sources}</VRTRasterBand></VRTDataset>"""
    )
    whole = sample_heights([written(tmp_path / "whole.tif", cells)], points, UTM33)
    assert np.array_equal(sample_heights([path], points, UTM33), whole)
    (tmp_path / "r.tif").unlink()
    with pytest.raises(InputError, match=r"mosaic\.vrt: cannot be read as elevation"):
        sample_heights([path], points, UTM33)


def test_hgt_tiles_plain_and_zipped_are_one_mosaic(tmp_path):
    row, column = np.mgrid[0:1201, 0:2401]
    cells = (300 + 100 * np.sin(row / 9) * np.cos(column / 13)).astype(">i2")
    west, east = tmp_path / "N60E010.hgt", tmp_path / "N60E011.hgt.zip"
    west.write_bytes(cells[:, :1201].tobytes())
    with zipfile.ZipFile(east, "w") as archive:
        archive.writestr("N60E011.hgt", cells[:, 1200:].tobytes())
    rows, columns = (
        np.array([300, 301, 700, 700, 700, 900]),
        np.array([50, 51, 1199, 1200, 1201, 2100]),
    )
    to_utm = pyproj.Transformer.from_crs(4326, 25833, always_xy=True)
    points = np.column_stack(to_utm.transform(10 + columns / 1200, 61 - rows / 1200))
    expected = [
        smoothed_by_hand(cells[r - 1 : r + 2, c - 1 : c + 2].astype(float))[1, 1]
        for r, c in zip(rows, columns, strict=True)
    ]
    assert sample_heights([west, east], points, UTM33) == pytest.approx(expected, abs=1e-3)
    assert sample_heights([east, west], points, UTM33) == pytest.approx(expected, abs=1e-3)


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


def test_of_several_rasters_the_broken_one_is_named(tmp_path):
    good = written(tmp_path / "good.tif", hills(SHAPE))
    whole = written(tmp_path / "whole.tif", hills(SHAPE), origin(E0 + 300, N0, 10)).read_bytes()
    torn = tmp_path / "torn.tif"
    torn.write_bytes(whole[:2500])
    with pytest.raises(InputError, match=r"torn\.tif: cannot be read"):
        sample_heights([good, torn], at((299, 300)), UTM33)


def test_no_raster_and_no_point_know_nothing(tmp_path):
    path = written(tmp_path / "p.tif", plane_cells())
    assert np.isnan(sample_heights([], at((5, 5)), UTM33)).all()
    assert len(sample_heights([path], np.empty((0, 2)), UTM33)) == 0
    report = check_elevation([path], np.empty((0, 2)), UTM33)
    assert report.facts["points with known height"] == 0
    assert report.warnings == ()


def test_the_check_tells_how_many_points_have_a_height(tmp_path):
    path = written(tmp_path / "p.tif", plane_cells())
    report = check_elevation([path], at((5, 5), (295, 5), (-500, 0)), UTM33)
    assert report.role == "elevation"
    assert report.facts["cell size, m"] == "10"
    assert "8 neighbours" in report.facts["smoothing"]
    assert report.facts["points with known height"] == 2
    assert report.facts["lowest point, m"] == 100.5
    assert report.facts["highest point, m"] == 187.5
    assert report.warnings == ("the height of 1 of 3 points is not known",)
    assert report.files == (path,)


def test_the_check_tells_the_cells_of_every_model_that_was_used(tmp_path):
    fine = written(tmp_path / "fine.tif", np.full((40, 40), 5, "int16"), origin(E0, N0, 0.5))
    degrees = np.full((60, 60), 6, "int16")
    lon, lat = to_degrees(E0, N0)
    coarse = written(tmp_path / "c.tif", degrees, origin(lon, lat, 1 / 1200), "EPSG:4326")
    never = written(tmp_path / "n.tif", np.full((9, 9), 7, "int16"), origin(E0, N0, 25))
    report = check_elevation([fine, coarse, never], at((10, 10), (900, 900)), UTM33)
    assert report.facts["cell size, m"] == "0.5, 47 × 93"
    assert report.warnings == (
        "the elevation model has cells of 47 × 93 m: short steep pieces do not show",
    )


@pytest.mark.shared
def test_kartverkets_north_east_raster_is_read_at_the_places_rasterio_reads(shared_data):
    path = shared_data / "norway" / "dtm_10.tif"
    with rasterio.open(path) as raster:
        assert raster.crs.to_epsg() == 3045
        row, column = (a.ravel() for a in np.mgrid[0:201:5, 0:201:5])
        points = np.column_stack(raster.transform @ (column + 0.5, row + 0.5))
        expected = smoothed_by_hand(raster.read(1, masked=True).astype(float).filled(np.nan))
    assert np.isnan(expected).any()
    for crs in (25833, 3045):
        heights = sample_heights([path], points, pyproj.CRS(crs))
        assert heights == pytest.approx(expected[row, column], nan_ok=True, abs=1e-6)


@pytest.mark.shared
def test_a_zipped_srtm_tile_says_what_its_bytes_say(shared_data):
    path = shared_data / "lauf" / "N49E011.hgt.zip"
    with zipfile.ZipFile(path) as archive:
        raw = io.BytesIO(archive.read(archive.namelist()[0])).getvalue()
    cells = np.frombuffer(raw, ">i2").reshape(1201, 1201).astype(float)
    rows, columns = np.array([600, 612, 700]), np.array([330, 341, 355])
    expected = [
        smoothed_by_hand(cells[r - 1 : r + 2, c - 1 : c + 2])[1, 1]
        for r, c in zip(rows, columns, strict=True)
    ]
    lat, lon = 50 - rows / 1200, 11 + columns / 1200
    to_utm = pyproj.Transformer.from_crs(4326, 25832, always_xy=True)
    points = np.column_stack(to_utm.transform(lon, lat))
    heights = sample_heights([path], points, pyproj.CRS(25832))
    assert heights == pytest.approx(expected, abs=1e-3)
    assert 250 < min(expected) < max(expected) < 650


@pytest.mark.shared
def test_in_porto_alegre_the_hill_that_a_byte_cannot_hold_is_counted(shared_data):
    path = shared_data / "porto-alegre" / "poa_elevation.tif"
    lon, lat = np.meshgrid(np.linspace(-51.25, -51.15, 40), np.linspace(-30.1, -30.0, 40))
    utm = pyproj.CRS(31982)
    to_utm = pyproj.Transformer.from_crs(4326, utm, always_xy=True)
    points = np.column_stack(to_utm.transform(lon.ravel(), lat.ravel()))
    report = check_elevation([path], points, utm)
    assert report.facts["saturated cells"] == 1
    assert report.facts["cell size, m"] == "27 × 31"
