"""The GeoPackage as other programs see it: through GDAL and as plain SQLite."""

import sqlite3
from contextlib import closing

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from arealstrategi.export.geopackage import Told, write_geopackage

CRS = 25832
TOLD = {
    "parcels": Told(
        "Eiendommer", "Hver eiendom.", {"parcel_id": "Id", "score": "Poeng", "rank": "Plass"},
        {"Egnethet": "<qgis/>", "Poeng": "<qgis a='1'/>"},
    ),
    "services": Told("Tjenester", styles={"Standard": "<qgis b='1'/>"}),
    "barriers": Told("Hindringer", "", {"steep_m": "Bratt (m)"}, {"Standard": "<qgis c='1'/>"}),
}  # fmt: skip


def parcels():
    return gpd.GeoDataFrame(
        {"score": [50.0, np.nan], "rank": pd.array([1, None], dtype="Int64"),
         "shop_service": pd.array(["Kåre's <b>", None], dtype="str")},
        geometry=[shapely.box(0, 0, 1, 1), shapely.MultiPolygon([shapely.box(2, 2, 3, 3)])],
        crs=CRS, index=pd.Index(["a", "b"], name="parcel_id"),
    )  # fmt: skip


@pytest.fixture
def written(tmp_path):
    services = gpd.GeoDataFrame(
        {"name": ["x", "y"]}, geometry=[shapely.Point(0, 0), shapely.Point(9, 9)], crs=CRS
    )
    path = tmp_path / "s.gpkg"
    write_geopackage(
        path,
        {"services": services, "parcels": parcels()},
        {
            "barriers": pd.DataFrame({"steep_m": [12.5]}, pd.Index(["1/1"], name="parcel_id")),
            "run": pd.DataFrame({"key": ["title", "notes"], "value": ["Prøve", ""]}),
        },
        told=TOLD,
        about={"TITLE": "Prøve", "ATTRIBUTION": "© Kåre"},
    )
    return path


def asked(path, question):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(question).fetchall()


def test_layers_geometry_types_and_crs(written):
    kinds = dict(pyogrio.list_layers(written).tolist())
    assert kinds == {
        "services": "Point",
        "parcels": "MultiPolygon",
        "barriers": None,
        "run": None,
        "layer_styles": None,
    }
    assert gpd.read_file(written, layer="parcels").crs.to_epsg() == CRS


def test_missing_numbers_and_text_are_null(written):
    rows = asked(written, "SELECT parcel_id, score, rank, shop_service FROM parcels")
    assert rows == [("a", 50.0, 1, "Kåre's <b>"), ("b", None, None, None)]
    assert dict(asked(written, "SELECT key, value FROM run")) == {"title": "Prøve", "notes": ""}
    assert asked(written, "SELECT parcel_id, steep_m FROM barriers") == [("1/1", 12.5)]


def test_every_layer_has_a_spatial_index_with_a_box_per_shape(written):
    boxes = {
        name: asked(written, f"SELECT minx, maxx FROM rtree_{name}_{column}")  # noqa: S608
        for name, column in asked(
            written, "SELECT table_name, column_name FROM gpkg_geometry_columns"
        )
    }
    assert boxes == {"services": [(0.0, 0.0), (9.0, 9.0)], "parcels": [(0.0, 1.0), (2.0, 3.0)]}


def test_layers_and_tables_are_called_by_their_titles_and_say_what_they_hold(written):
    told = asked(written, "SELECT table_name, identifier, description FROM gpkg_contents")
    named = {name: (title, text) for name, title, text in told}
    assert named["parcels"] == ("Eiendommer", "Hver eiendom.")
    assert named["barriers"][0] == "Hindringer"
    assert named["run"][0] == "run"


def test_a_style_belongs_to_a_table_and_its_geometry_and_the_first_is_the_default(written):
    """QGIS says nothing of a style whose table or column is not there: it does not use it."""
    styles = asked(
        written,
        "SELECT f_table_name, f_geometry_column, styleName, styleQML, useAsDefault"
        " FROM layer_styles ORDER BY id",
    )
    geometry = dict(asked(written, "SELECT table_name, column_name FROM gpkg_geometry_columns"))
    assert styles == [
        ("services", geometry["services"], "Standard", "<qgis b='1'/>", 1),
        ("parcels", geometry["parcels"], "Egnethet", "<qgis/>", 1),
        ("parcels", geometry["parcels"], "Poeng", "<qgis a='1'/>", 0),
        ("barriers", "", "Standard", "<qgis c='1'/>", 1),
    ]
    schemas = asked(written, "SELECT DISTINCT f_table_catalog, f_table_schema FROM layer_styles")
    assert schemas == [("", "")]  # as QGIS asks for them


def test_names_of_columns_stand_where_the_standard_has_them(written):
    columns = asked(written, "SELECT table_name, column_name, name, title FROM gpkg_data_columns")
    assert set(columns) == {
        ("parcels", "parcel_id", "Id", "Id"),
        ("parcels", "score", "Poeng", "Poeng"),
        ("parcels", "rank", "Plass", "Plass"),
        ("barriers", "steep_m", "Bratt (m)", "Bratt (m)"),
    }
    extension = "SELECT extension_name FROM gpkg_extensions WHERE table_name = 'gpkg_data_columns'"
    assert asked(written, extension) == [("gpkg_schema",)]
    info = pyogrio.read_info(written, layer="parcels")
    assert list(info["fields"]) == ["parcel_id", "score", "rank", "shop_service"]


def test_gdal_reads_back_what_the_file_says_of_itself(written):
    info = pyogrio.read_info(written, layer="parcels")
    assert info["dataset_metadata"]["TITLE"] == "Prøve"
    assert info["dataset_metadata"]["ATTRIBUTION"] == "© Kåre"
    assert info["layer_metadata"]["TITLE"] == "Eiendommer"
    assert info["layer_metadata"]["ABSTRACT"] == "Hver eiendom."


def test_the_database_is_whole(written):
    assert asked(written, "PRAGMA integrity_check") == [("ok",)]
    assert asked(written, "PRAGMA foreign_key_check") == []
    version = 10200
    assert asked(written, "PRAGMA user_version") == [(version,)]


def test_texts_that_no_file_can_hold_are_written_as_far_as_they_can(tmp_path):
    path, hostile = tmp_path / "t.gpkg", "half \ud800 a pair\0 </qgis> ' \" %s"
    layer = parcels().assign(name=[hostile, None])
    told = {
        "parcels": Told(hostile, hostile, {"name": hostile, "score": hostile}, {hostile: "<q/>"}),
        "twin": Told(hostile),
    }
    twin = pd.DataFrame({"text": ["whole", hostile]})
    write_geopackage(path, {"parcels": layer}, {"twin": twin}, told=told, about={"TITLE": hostile})
    expected = "half ? a pair </qgis> ' \" %s"
    assert asked(path, "SELECT name FROM parcels") == [(expected,), (None,)]
    assert asked(path, "SELECT text FROM twin") == [("whole",), (expected,)]
    titles = asked(path, "SELECT table_name, identifier FROM gpkg_contents")
    assert set(titles) == {
        ("parcels", expected), ("twin", f"{expected} (twin)"), ("layer_styles", "layer_styles"),
    }  # fmt: skip
    assert asked(path, "SELECT styleName, styleQML FROM layer_styles") == [(expected, "<q/>")]
    names = asked(path, "SELECT column_name, title FROM gpkg_data_columns")
    assert set(names) == {("name", expected), ("score", expected)}
    assert pyogrio.read_info(path, layer="parcels")["dataset_metadata"]["TITLE"] == expected


def test_a_project_is_kept_the_way_qgis_keeps_it(tmp_path):
    path = tmp_path / "p.gpkg"
    write_geopackage(
        path, {"parcels": parcels()}, {}, told={}, about={}, project=("kart", b"PK\x03\x04")
    )
    assert asked(path, "SELECT name, content FROM qgis_projects") == [("kart", "504b0304")]
    assert "qgis_projects" not in dict(pyogrio.list_layers(path).tolist())


def test_the_caller_s_table_is_left_as_it_was(tmp_path):
    table = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=CRS)
    write_geopackage(tmp_path / "t.gpkg", {"parcels": table}, {}, told={}, about={})
    assert table.geom_type.tolist() == ["Polygon"]
