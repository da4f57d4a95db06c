"""Urban settlements and centre zones in the forms of their files, and how far away they are."""

import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.errors import InputError
from arealstrategi.sources.statistics.zones import distance_to_zones, read_zones

UTM32 = pyproj.CRS.from_epsg(25832)
X, Y = 569_000, 6_555_000  # in Sandefjord
KEY = '[[criterion]] "sentrum"'
TOWN, VILLAGE = shapely.box(X, Y, X + 2000, Y + 2000), shapely.box(X, Y + 5000, X + 500, Y + 5500)
BOW_TIE = shapely.Polygon([(X, Y), (X + 100, Y + 100), (X + 100, Y), (X, Y + 100)])


@pytest.fixture
def save(tmp_path: Path):
    def save(columns, shapes=(TOWN, VILLAGE), name="zones.gpkg", layer=None, crs=25832) -> Path:
        path: Path = tmp_path / name
        table = gpd.GeoDataFrame(columns, geometry=list(shapes), crs=25832).to_crs(crs)
        table.to_file(path, layer=layer, engine="pyogrio")
        return path

    return save


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("tettsted", ("tettstednummer", "tettstednavn", "totalbefolkning")),
        ("tettsted", ("TETTSTEDNUMMER", "TETTSTEDNAVN", "TOTALBEFOLKNING")),
        ("tettsted", ("tett_nr", "tettstedsnavn", "befolkning_tettsted")),
        ("sentrumssone", ("sentrumssonenummer", "sentrumssonenavn")),
        ("sentrumssone", ("SENTRUMSSONENUMMER", "SENTRUMSSONENAVN")),
    ],
)
def test_the_names_seen_in_files_are_understood(save, kind, names) -> None:
    values = (["2521", "2522"], ["Sandefjord", "Melsomvik"], [45816, 1500])
    columns = dict(zip(names, values, strict=False))
    zones, report = read_zones(save(columns), kind=kind, crs=UTM32, key=KEY)
    assert zones["zone_id"].tolist() == ["2521", "2522"]
    assert zones["name"].tolist() == ["Sandefjord", "Melsomvik"]
    if kind == "tettsted":
        assert zones["residents"].tolist() == [45816, 1500]
    assert report.facts["zones"] == 2
    assert report.warnings == ()


@pytest.mark.parametrize("kind", ["tettsted", "sentrumssone"])
def test_names_that_a_shapefile_cut_are_told_apart_by_what_they_hold(save, kind) -> None:
    stem = {"tettsted": "tettsteds", "sentrumssone": "sentrumssone"}[kind]
    columns = {f"{stem}navn": ["Sandefjord", "Melsomvik"], f"{stem}nummer": [2521, 2522]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it cuts the names is the point
        path = save(columns, name="zones.shp")
    zones, _ = read_zones(path, kind=kind, crs=UTM32, key=KEY)
    assert zones["zone_id"].tolist() == ["2521", "2522"]
    assert zones["name"].tolist() == ["Sandefjord", "Melsomvik"]


def test_the_layer_of_the_latest_year_is_taken_and_told(save) -> None:
    for year in (2023, 2025, 2024):
        path = save({"tett_nr": [year, year]}, layer=f"tettsted_{year}")
    save({"nr": [1, 2]}, layer="kommune_2026")
    zones, report = read_zones(path, kind="tettsted", crs=UTM32, key=KEY)
    assert set(zones["zone_id"]) == {"2025"}
    assert report.facts["layer taken"] == "tettsted_2025"
    assert report.date == "2025"
    asked, _ = read_zones(path, kind="tettsted", crs=UTM32, layer="tettsted_2023", key=KEY)
    assert set(asked["zone_id"]) == {"2023"}
    with pytest.raises(InputError, match=r"none of its 4 layers .*sentrumssone") as error:
        read_zones(path, kind="sentrumssone", crs=UTM32, key=KEY)
    assert "kommune_2026" in error.value.hint


def test_broken_polygons_are_repaired_and_what_is_no_polygon_is_told(save) -> None:
    shapes = [TOWN, BOW_TIE, shapely.Point(X, Y), None]
    path = save({"tett_nr": [1, 2, 3, 4], "tettstedsnavn": ["a", None, "c", "d"]}, shapes)
    zones, report = read_zones(path, kind="tettsted", crs=UTM32, key=KEY)
    assert zones["zone_id"].tolist() == ["1", "2"]
    assert zones["name"].tolist() == ["a", ""]
    assert zones.geometry.is_valid.all()
    assert zones.geometry.area.tolist() == pytest.approx([4e6, 5_000])
    assert report.facts["repaired polygons"] == 1
    assert report.warnings == ("zones without a polygon, left out: 2",)


def test_zones_in_degrees_come_in_the_analysis_crs(save) -> None:
    zones, _ = read_zones(save({"tett_nr": [1, 2]}, crs=4258), kind="tettsted", crs=UTM32, key=KEY)
    assert zones.geometry.area.tolist() == pytest.approx([4e6, 250_000], rel=1e-6)


@pytest.mark.parametrize(
    "shapes", [(shapely.LineString([(X, Y), (X, Y + 9)]),) * 2, (TOWN.centroid,) * 2]
)
def test_a_layer_without_polygons_is_refused(save, shapes) -> None:
    with pytest.raises(InputError, match="holds no polygon"):
        read_zones(save({"tett_nr": [1, 2]}, shapes), kind="tettsted", crs=UTM32, key=KEY)


def test_a_missing_or_damaged_file_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "zones.gpkg"
    with pytest.raises(InputError, match="no such file"):
        read_zones(path, kind="tettsted", crs=UTM32, key=KEY)
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 500)
    with pytest.raises(InputError, match="cannot be read"):
        read_zones(path, kind="tettsted", crs=UTM32, key=KEY)


# -- distances -------------------------------------------------------------------------------------


def parcels_at(shapes) -> gpd.GeoDataFrame:
    names = [f"p{number}" for number in range(len(shapes))]
    return gpd.GeoDataFrame({}, geometry=list(shapes), crs=25832, index=names)


def test_the_distance_is_from_the_outline_and_none_inside() -> None:
    zones = gpd.GeoDataFrame({}, geometry=[TOWN, VILLAGE], crs=25832)
    parcels = parcels_at([
        shapely.box(X + 100, Y + 100, X + 200, Y + 200),  # inside
        shapely.box(X + 1990, Y, X + 2050, Y + 10),  # across the border
        shapely.box(X + 2300, Y, X + 2400, Y + 10),
        shapely.Point(X, Y + 4990),
        None,
    ])  # fmt: skip
    distance_m = distance_to_zones(parcels, zones)
    np.testing.assert_array_equal(distance_m, [0, 0, 300, 10, np.nan])
    assert list(distance_m.index) == list(parcels.index)


def test_without_zones_the_distance_is_unknown_and_not_far() -> None:
    none = gpd.GeoDataFrame({"geometry": []}, geometry="geometry", crs=25832)
    assert distance_to_zones(parcels_at([TOWN]), none).isna().all()


def test_another_crs_is_a_mistake_in_the_calling_code() -> None:
    zones = gpd.GeoDataFrame({}, geometry=[TOWN], crs=25833)
    with pytest.raises(ValueError, match="the zones in"):
        distance_to_zones(parcels_at([TOWN]), zones)


PLACES = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), min_size=1, max_size=8)


@given(PLACES, PLACES)
def test_the_nearest_zone_is_the_nearest_of_all(parcels, zones) -> None:
    shapes = [shapely.box(x, y, x + 90, y + 40) for x, y in parcels]
    targets = [shapely.Point(x, y).buffer(70) for x, y in zones]
    found = distance_to_zones(parcels_at(shapes), gpd.GeoDataFrame({}, geometry=targets, crs=25832))
    expected = [min(shape.distance(target) for target in targets) for shape in shapes]
    np.testing.assert_allclose(found, expected, atol=1e-9)
