"""The GeoPackage as other programs see it: through GDAL and as plain SQLite."""

import sqlite3
from contextlib import closing

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from arealstrategi.export.geopackage import write_geopackage

CRS = 25832


@pytest.fixture
def written(tmp_path):
    parcels = gpd.GeoDataFrame(
        {"score": [50.0, np.nan], "rank": pd.array([1, None], dtype="Int64"),
         "shop_service": pd.array(["Kåre's <b>", None], dtype="str")},
        geometry=[shapely.box(0, 0, 1, 1), shapely.MultiPolygon([shapely.box(2, 2, 3, 3)])],
        crs=CRS, index=pd.Index(["a", "b"], name="parcel_id"),
    )  # fmt: skip
    services = gpd.GeoDataFrame(
        {"name": ["x", "y"]}, geometry=[shapely.Point(0, 0), shapely.box(0, 0, 9, 9)], crs=CRS
    )
    path = tmp_path / "s.gpkg"
    write_geopackage(
        path,
        {"parcels": parcels, "services": services},
        {"barriers": pd.DataFrame({"parcel_id": ["1/1"], "steep_m": [12.5]})},
        {"title": "Prøve", "notes": ""},
        descriptions={"parcels": "Eiendommer"},
    )
    return path


def test_layers_geometry_types_and_crs(written):
    kinds = dict(pyogrio.list_layers(written).tolist())
    assert kinds == {
        "parcels": "MultiPolygon",
        "services": "Unknown",
        "barriers": None,
        "run": None,
    }
    assert gpd.read_file(written, layer="parcels").crs.to_epsg() == CRS


def test_missing_numbers_and_text_are_null(written):
    with closing(sqlite3.connect(written)) as database:
        rows = database.execute(
            "SELECT parcel_id, score, rank, shop_service FROM parcels"
        ).fetchall()
        assert rows == [("a", 50.0, 1, "Kåre's <b>"), ("b", None, None, None)]
        run = dict(database.execute("SELECT key, value FROM run").fetchall())
        assert run == {"title": "Prøve", "notes": ""}


def test_spatial_index_and_description_are_there(written):
    with closing(sqlite3.connect(written)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        assert {"rtree_parcels_geom", "rtree_services_geom"} <= tables
        told = dict(
            database.execute("SELECT table_name, description FROM gpkg_contents").fetchall()
        )
        assert told["parcels"] == "Eiendommer"


def test_the_caller_s_table_is_left_as_it_was(tmp_path):
    table = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=CRS)
    write_geopackage(tmp_path / "t.gpkg", {"parcels": table}, {}, {}, descriptions={})
    assert table.geom_type.tolist() == ["Polygon"]
