"""The surfaces: cells against points in polygons, files against the rules of COG and numpy."""

import json
import math
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.export import surface
from arealstrategi.export.labels import CLASS_COLOURS, STATUS_COLOURS
from arealstrategi.result.surface import surface_outputs
from conftest import absent

CRS = "EPSG:25832"
QGIS = "/usr/bin/python3"  # Debian's QGIS is of Debian's Python
FILES = ["surface.tif", "surface.qml", "surface_classes.tif", "surface_classes.qml"]


def parcels_of(shapes, names=None):
    index = pd.Index(names or [f"p{i}" for i in range(len(shapes))], name="parcel_id")
    return gpd.GeoDataFrame(geometry=list(shapes), index=index, crs=CRS)


def middles(cells):
    height, width = cells.parcel.shape
    x = cells.west + (np.arange(width) + 0.5) * cells.side_m
    y = cells.north - (np.arange(height) + 0.5) * cells.side_m
    return shapely.points(*np.meshgrid(x, y))


# corners in odd eighths and middles in halves: no middle lies on an edge's end
corner = st.integers(-300, 300).map(lambda n: n + 0.125)
triangle = st.lists(st.tuples(corner, corner), min_size=3, max_size=9, unique=True)


@st.composite
def shapes(draw):
    made = []
    for _ in range(draw(st.integers(1, 5))):
        corners = draw(triangle)
        shape = shapely.make_valid(shapely.Polygon(corners))
        parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon" and p.area > 1]
        if parts:
            made.append(shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0])
    return made or [shapely.box(0.125, 0.125, 99.125, 55.125)]


@given(shapes(), st.sampled_from([7.0, 10.0, 33.0]))
def test_a_cell_is_of_the_smallest_parcel_that_holds_its_middle(made, side):
    cells = surface.lay_cells(parcels_of(made), side)
    points = middles(cells)
    holds = np.array([shapely.contains(shape, points) for shape in made])
    # what lies on an edge may belong to either side
    sure = np.array([shapely.distance(shape.boundary, points) > 1e-6 for shape in made]).all(axis=0)
    areas = np.where(holds, shapely.area(made)[:, None, None], math.inf)
    expected = np.where(holds.any(axis=0), areas.argmin(axis=0), -1)
    unequal = (np.sort(areas, axis=0)[0] != np.sort(areas, axis=0)[1]) if len(made) > 1 else True
    compared = sure & (unequal | ~holds.any(axis=0))
    assert (cells.parcel[compared] == expected[compared]).all()
    west, _, _, north = shapely.total_bounds(made)
    assert cells.west <= west < cells.west + side
    assert cells.north >= north > cells.north - side
    assert cells.west / side == round(cells.west / side)


def test_holes_stay_empty_and_what_lies_in_them_is_seen():
    ring = shapely.box(0, 0, 100, 100) - shapely.box(30, 30, 70, 70)
    inside = shapely.box(40, 40, 60, 60)
    cells = surface.lay_cells(parcels_of([ring, inside]), 10)
    expected = np.zeros((10, 10), dtype=int)
    expected[3:7, 3:7] = -1
    expected[4:6, 4:6] = 1
    assert (cells.parcel == expected).all()
    assert cells.seen == 2


def test_neighbours_that_share_an_edge_leave_no_gap_between_them():
    # the edge runs through middles of cells
    cut = shapely.LineString([(0, 0), (100, 100)])
    halves = shapely.ops.split(shapely.box(0, 0, 100, 100), cut).geoms
    assert (surface.lay_cells(parcels_of(halves), 10).parcel >= 0).all()


def test_a_point_holds_the_cell_it_lies_in_also_on_top_of_a_polygon():
    made = [shapely.Point(15, 15), shapely.box(0, 0, 30, 30), shapely.Point(45, 25)]
    cells = surface.lay_cells(parcels_of(made), 10)
    assert cells.parcel.tolist() == [[1, 1, 1, -1, 2], [1, 0, 1, -1, -1], [1, 1, 1, -1, -1]]
    alone = surface.lay_cells(parcels_of([shapely.Point(20, 20)]), 10)  # on a corner of cells
    assert alone.parcel.tolist() == [[0]]


def test_the_order_of_the_rows_changes_nothing():
    boxes = [shapely.box(x, 0, x + 60, 60) for x in (0, 20, 40)]
    forth = surface.lay_cells(parcels_of(boxes, ["a", "b", "c"]), 10)
    back = surface.lay_cells(parcels_of(boxes[::-1], ["c", "b", "a"]), 10)
    assert (np.array([*"abc"])[forth.parcel] == np.array([*"cba"])[back.parcel]).all()


def test_cells_grow_where_there_would_be_too_many_and_say_so():
    far = [shapely.box(0, 0, 100, 100), shapely.box(9_900, 4_900, 10_000, 5_000)]
    cells = surface.lay_cells(parcels_of(far), 10, most=100_000)
    assert cells.side_m == 30  # 1000 × 500 cells of 10 m are too many, 334 × 167 are not
    assert cells.parcel.size <= 100_000
    assert cells.seen == 2


@pytest.fixture
def town():
    """Forty by forty parcels of 25 m; every seventh is not assessed, and some have no score."""
    rng = np.random.default_rng(2)
    x, y = (a.ravel() * 25.0 for a in np.meshgrid(np.arange(40), np.arange(40)))
    parcels = parcels_of(shapely.box(500_000 + x, 6_500_000 + y, 500_025 + x, 6_500_025 + y))
    score = rng.uniform(0, 100, len(parcels))
    status = np.full(len(parcels), "assessed", dtype=object)
    status[::7], status[::14] = "excluded", "missing_data"
    score[status != "assessed"] = np.nan
    known = pd.cut(score, [-1, 25, 50, 75, 101], labels=list(CLASS_COLOURS)[::-1])
    parcels["class"] = known.astype(object)
    return parcels.assign(score=score, status=status)


TAGS = {
    "TITLE": "Prøve <b>",
    "TIFFTAG_COPYRIGHT": "© OpenStreetMap",
    "NOTES": "a \ud800 b" + 9999 * "x",
}


@pytest.fixture
def score_file(town, tmp_path):
    path = tmp_path / "surface.tif"
    cells = surface.lay_cells(town, 5)
    surface.write_scores(path, cells, town["score"].to_numpy(), language="nb", tags=TAGS)
    return path


@pytest.fixture
def class_file(town, tmp_path):
    path = tmp_path / "surface_classes.tif"
    cells = surface.lay_cells(town, 5)
    codes = surface.codes_of(town["class"], town["status"])
    surface.write_classes(path, cells, codes, language="en", tags=TAGS)
    return path


def at_middles(shown, town):
    """Return what a picture of cells of 5 m shows in the middle of each parcel."""
    at = town.geometry.centroid
    west, _, _, north = town.total_bounds
    return shown[((north - at.y) // 5).astype(int), ((at.x - west) // 5).astype(int)]


def images_of(data):
    """Read the directory of each image of a TIFF: where it lies, and its tags' values."""
    order = "<" if data[:2] == b"II" else ">"
    sizes = {1: "B", 2: "c", 3: "H", 4: "I", 12: "d", 16: "Q"}
    (place,) = struct.unpack_from(order + "I", data, 4)
    while place:
        (count,) = struct.unpack_from(order + "H", data, place)
        tags = {}
        for entry in range(place + 2, place + 2 + 12 * count, 12):
            tag, kind, many = struct.unpack_from(order + "HHI", data, entry)
            form = f"{order}{many}{sizes[kind]}"
            at = entry + 8
            if struct.calcsize(form) > 4:
                (at,) = struct.unpack_from(order + "I", data, at)
            tags[tag] = struct.unpack_from(form, data, at)
        yield place, tags
        (place,) = struct.unpack_from(order + "I", data, place + 2 + 12 * count)


WIDTH, HEIGHT, TILE_WIDTH, TILE_OFFSETS, IS_OVERVIEW = 256, 257, 322, 324, 254


@pytest.mark.parametrize("made", ["score_file", "class_file"])
def test_the_file_is_laid_out_as_a_cloud_optimised_geotiff(made, request):
    """Directories first, the largest first, then the tiles of the smallest overview first."""
    data = request.getfixturevalue(made).read_bytes()
    assert b"LAYOUT=IFDS_BEFORE_DATA" in data[:200]
    images = list(images_of(data))
    places = [place for place, _ in images]
    assert places == sorted(places)
    first_tile = min(o for _, tags in images for o in tags[TILE_OFFSETS] if o)
    assert max(places) < first_tile
    assert all(TILE_WIDTH in tags for _, tags in images)
    sizes = [(tags[WIDTH][0], tags[HEIGHT][0]) for _, tags in images]
    assert sizes == [(200, 200)]  # one tile: no overview is needed


def test_a_large_surface_has_overviews_that_lie_in_front_of_it(tmp_path):
    wide = parcels_of([shapely.box(0, 0, 12_000, 7_000), shapely.box(12_000, 0, 20_000, 7_000)])
    score = np.array([20.0, 80.0])
    path = tmp_path / "surface.tif"
    surface.write_scores(path, surface.lay_cells(wide), score, language="nb", tags={})
    images = list(images_of(path.read_bytes()))
    sizes = [(tags[WIDTH][0], tags[HEIGHT][0]) for _, tags in images]
    assert sizes == [(2000, 700), (1000, 350), (500, 175)]
    assert [tags.get(IS_OVERVIEW, (0,))[0] & 1 for _, tags in images] == [0, 1, 1]
    begin = [min(o for o in tags[TILE_OFFSETS] if o) for _, tags in images]
    assert begin == sorted(begin, reverse=True)
    with rasterio.open(path) as raster:
        small = raster.read(1, out_shape=(175, 500), masked=True)
    assert small[80, 100] == 20
    assert small[80, 450] == 80


def test_the_scores_are_those_of_the_parcels_and_nodata_elsewhere(town, score_file):
    with rasterio.open(score_file) as raster:
        shown, (unit,) = raster.read(1, masked=True), raster.units
        assert math.isnan(raster.nodata)
        assert raster.dtypes == ("float32",)
        assert raster.crs.to_epsg() == 25832
        assert raster.res == (5, 5)
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.tags(ns="IMAGE_STRUCTURE")["COMPRESSION"] == "DEFLATE"
        assert raster.descriptions == ("Poeng, 0–100",)
        assert unit == "poeng"
    values = at_middles(shown, town)
    assert (values.mask == town["score"].isna()).all()
    known = town["score"].notna().to_numpy()
    assert (values[known] == town["score"].to_numpy()[known].astype(np.float32)).all()
    assert shown.count() == 25 * known.sum()


def test_the_statistics_are_numpys(score_file):
    with rasterio.open(score_file) as raster:
        told, shown = raster.tags(1), raster.read(1, masked=True).astype(float)
    assert float(told["STATISTICS_MINIMUM"]) == pytest.approx(shown.min())
    assert float(told["STATISTICS_MAXIMUM"]) == pytest.approx(shown.max())
    assert float(told["STATISTICS_MEAN"]) == pytest.approx(shown.mean(), rel=1e-6)
    assert float(told["STATISTICS_STDDEV"]) == pytest.approx(shown.std(), rel=1e-6)
    share = 100 * shown.count() / shown.size
    assert float(told["STATISTICS_VALID_PERCENT"]) == pytest.approx(share, abs=0.01)


def test_the_classes_have_the_colours_of_the_map_and_every_state_its_own_code(town, class_file):
    with rasterio.open(class_file) as raster:
        colours, told = raster.colormap(1), raster.tags()
        assert raster.nodata == 0
        assert raster.colorinterp[0].name == "palette"
        codes = at_middles(raster.read(1), town)
    meant = town["class"].where(town["status"] == "assessed", town["status"])
    assert [told[f"CODE_{code}"].replace(" ", "_") for code in codes] == [
        {"missing_data": "not_assessed"}.get(one, one) for one in meant
    ]
    shown = {"#{:02x}{:02x}{:02x}".format(*colours[code][:3]) for code in set(codes)}
    assert shown == {*CLASS_COLOURS.values(), *STATUS_COLOURS.values()}
    assert colours[0][3] == 0  # what is nodata is not drawn


def test_hostile_tags_are_text_and_not_without_end(score_file):
    with rasterio.open(score_file) as raster:
        told = raster.tags()
    assert told["TITLE"] == "Prøve <b>"
    assert told["NOTES"].startswith("a ? b")
    assert len(told["NOTES"]) == 1000


def test_parcels_without_a_cell_are_counted(tmp_path):
    tiny = parcels_of([shapely.box(0, 0, 40, 40), shapely.box(41, 41, 43, 43)])
    path = tmp_path / "surface.tif"
    cells = surface.lay_cells(tiny)
    surface.write_scores(path, cells, np.array([50.0, 60.0]), language="nb", tags={})
    with rasterio.open(path) as raster:
        assert raster.tags()["PARCELS_WITHOUT_CELL"] == "1"


def test_where_nothing_is_assessed_the_surface_is_empty_and_whole(tmp_path):
    path = tmp_path / "surface.tif"
    cells = surface.lay_cells(parcels_of([shapely.box(0, 0, 40, 40)]))
    surface.write_scores(path, cells, np.array([np.nan]), language="nb", tags={})
    with rasterio.open(path) as raster:
        assert raster.read(1, masked=True).count() == 0
        assert "STATISTICS_MEAN" not in raster.tags(1)


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_styles_name_each_class_and_rise_with_the_score(language):
    classes = ET.fromstring(surface.class_style(language))  # noqa: S314 - our own text
    entries = classes.findall(".//paletteEntry")
    assert [entry.get("color") for entry in entries] == [
        *CLASS_COLOURS.values(), *STATUS_COLOURS.values(),
    ]  # fmt: skip
    assert entries[0].get("label") == {"nb": "svært egnet", "en": "very suitable"}[language]
    score = ET.fromstring(surface.score_style(language))  # noqa: S314 - our own text
    steps = [(float(i.get("value")), i.get("color")) for i in score.findall(".//item")]
    assert steps == list(
        zip((12.5, 37.5, 62.5, 87.5), [*CLASS_COLOURS.values()][::-1], strict=True)
    )


def test_cells_of_a_grid_are_the_parcels_themselves(plain_town):
    """And of a file they are as fine as a usual terrain model."""
    grid = plain_town.strategy.parcels.model_copy(update={"source": "grid:25"})
    strategy = plain_town.strategy.model_copy(update={"parcels": grid})
    for result, side in ((plain_town, 10), (replace(plain_town, strategy=strategy), 25)):
        written = surface_outputs(result)
        assert list(written) == FILES
        with NamedTemporaryFile(suffix=".tif") as file:
            written["surface.tif"](Path(file.name))
            with rasterio.open(file.name) as raster:
                assert raster.res == (side, side)
                assert raster.crs == result.area.crs
                assert raster.tags()["TITLE"] == result.strategy.title
                assert "OpenStreetMap" in raster.tags()["TIFFTAG_COPYRIGHT"]


LEGENDS = """
import json, sys
from qgis.core import QgsApplication, QgsRasterLayer
application = QgsApplication([], False)
application.initQgis()
told = []
for path in sys.argv[1:]:
    layer = QgsRasterLayer(path, "surface")
    assert layer.isValid()
    told.append([(name, colour.name()) for name, colour in layer.legendSymbologyItems()])
print(json.dumps(told))
"""


@pytest.mark.qgis
def test_qgis_opens_both_with_the_colours_and_names_of_the_classes(score_file, class_file):
    if subprocess.run(
        [QGIS, "-c", "import qgis.core"], capture_output=True, check=False
    ).returncode:
        absent("QGIS for Python (python3-qgis) is not installed")
    score_file.with_suffix(".qml").write_text(surface.score_style("nb"), encoding="utf-8")
    class_file.with_suffix(".qml").write_text(surface.class_style("nb"), encoding="utf-8")
    home = str(score_file.parent)
    ended = subprocess.run(
        [QGIS, "-W", "ignore", "-c", LEGENDS, score_file, class_file],
        capture_output=True, text=True, check=False, timeout=120,
        env={"QT_QPA_PLATFORM": "offscreen", "HOME": home, "XDG_RUNTIME_DIR": home,
             "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    scores, classes = json.loads(ended.stdout)
    assert [name for name, _ in scores] == ["12,5", "37,5", "62,5", "87,5"]
    assert [colour for _, colour in scores] == [*CLASS_COLOURS.values()][::-1]
    names = "svært egnet", "egnet", "mindre egnet", "uegnet", "ikke vurdert", "utelukket"
    colours = *CLASS_COLOURS.values(), *STATUS_COLOURS.values()
    assert [tuple(one) for one in classes] == [*zip(names, colours, strict=True)]
