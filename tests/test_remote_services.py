"""A real pygeoapi, a real PostGIS and an ArcGIS replay give what the same table gives as a file."""

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from arealstrategi.errors import InputError, OnlineError
from arealstrategi.sources import remote, web
from arealstrategi.sources.vector import open_layer, read_layer
from conftest import absent
from layer_servers import (
    ArcGis,
    Database,
    postgres_programs,
    serve_arcgis,
    serve_postgis,
    serve_pygeoapi,
)

UTM33 = pyproj.CRS(25833)
AREA = shapely.box(260_000, 6_640_000, 260_500, 6_640_400)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(web, "PAUSES_S", (0.0,))


def squares(columns=12, rows=10):
    """Squares of 40 m, every 60 m, half of them in `AREA`."""
    x, y = (a.ravel() * 60.0 for a in np.meshgrid(np.arange(columns), np.arange(rows)))
    return gpd.GeoDataFrame(
        {
            "id": [f"s{i:03d}" for i in range(len(x))],
            "faregrad": np.where(np.arange(len(x)) % 3, "Lav", "Høy"),
            "antall": np.arange(len(x)),
        },
        geometry=shapely.box(260_210 + x, 6_640_110 + y, 260_250 + x, 6_640_150 + y),
        crs=UTM33,
    )


def inside(table):
    bounds = table.to_crs(UTM33).bounds
    west, south, east, north = AREA.bounds
    meets = (bounds.minx <= east) & (bounds.maxx >= west) & (bounds.miny <= north)
    return table[meets & (bounds.maxy >= south)]


def fetched(address, layer, tmp_path, **asked):
    options = {"area": AREA, "crs": UTM33, "cache_dir": tmp_path / "cache", "key": "[lag]"} | asked
    found = remote.fetch_layer(address, layer, **options)
    opened = open_layer(found.path, found.layer, key="[lag]")
    return found, read_layer(opened, opened.fields)


def assert_same(found, table):
    wanted = inside(table).set_index("id")
    found = found.set_index("id").loc[wanted.index]
    assert found["faregrad"].tolist() == wanted["faregrad"].tolist()
    assert found["antall"].astype(int).tolist() == wanted["antall"].tolist()
    shapes = found.geometry.to_crs(UTM33)
    assert shapely.hausdorff_distance(shapes, wanted.geometry).max() < 0.01


def test_a_real_ogc_api_gives_the_same_page_by_page(tmp_path):
    table = squares()
    with serve_pygeoapi(tmp_path, {"skred": table, "annet": table.head(2)}, most=7) as url:
        found, read = fetched(f"{url}/collections/skred", None, tmp_path)
        again, _ = fetched(f"{url}/collections/skred", None, tmp_path)
        with pytest.raises(InputError, match="skred"):
            fetched(f"ogcapi:{url}", "gone", tmp_path)
    assert found.features == len(read) == len(inside(table)) > 7
    assert found.kind == "OGC API – Features"
    assert again.was_kept
    assert_same(read, table)


@pytest.mark.parametrize("cap", [0, 4])
def test_arcgis_gives_the_same_however_few_it_gives_at_a_time(cap, tmp_path):
    table = squares().assign(OBJECTID=np.arange(1, 121))
    with serve_arcgis(ArcGis(table, most=9, cap=cap)) as server:
        address = f"{server.url}/arcgis/rest/services/SkredKvikkleire2/MapServer/1"
        found, read = fetched(address, None, tmp_path)
    assert found.features == len(inside(table)) > 9
    assert_same(read, table)


@pytest.fixture(scope="module")
def database():
    programs = postgres_programs()
    if programs is None:
        absent("PostgreSQL with PostGIS is not installed")
    with serve_postgis(programs) as running:
        schema = "matrikkeleneiendomskartteig_1f3a"
        rows = squares()
        with running.connect() as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
            connection.execute(
                f"CREATE TABLE {schema}.teig (teigid bigint primary key, id text, faregrad text,"
                " antall int, omrade geometry(Polygon, 25833))"
            )
            connection.execute(
                f"CREATE TABLE {schema}.matrikkelenhet (matrikkelenhetid bigint, teig_fk bigint,"
                " gardsnummer int, bruksnummer int, festenummer int, seksjonsnummer int)"
            )
            with connection.cursor() as cursor:
                for number, row in enumerate(rows.itertuples(index=False), start=1):
                    shape = shapely.to_wkb(row.geometry, hex=True, include_srid=False)
                    cursor.execute(
                        f"INSERT INTO {schema}.teig VALUES (%s, %s, %s, %s,"  # noqa: S608
                        " ST_SetSRID(%s::geometry, 25833))",
                        (number, row.id, row.faregrad, row.antall, shape),
                    )
                    cursor.execute(
                        f"INSERT INTO {schema}.matrikkelenhet VALUES (%s, %s, %s, %s, 0, 0)",  # noqa: S608
                        (number, number, 32, number),
                    )
        yield running


def address_of(database: Database, password="${PG_SECRET}"):
    return f"postgresql://{database.reader}:{password}@127.0.0.1:{database.port}/plan"


def test_a_real_postgis_gives_the_same_and_the_table_is_found_in_any_schema(
    database, tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("PG_SECRET", database.reader_password)
    with caplog.at_level("DEBUG"):
        found, read = fetched(address_of(database), "teig", tmp_path)
    table = squares()
    assert found.features == len(inside(table))
    assert_same(read, table)
    assert set(read["gardsnummer"].astype(int)) == {32}  # joined from matrikkelenhet
    everything = caplog.text + repr(found)
    for path in (tmp_path / "cache").rglob("*"):
        everything += path.read_bytes().decode("latin-1")
    assert database.reader_password not in everything


def test_a_wrong_password_and_a_closed_port_are_told_without_the_password(database, tmp_path):
    port = database.port
    for address in (
        address_of(database, "feilord-9"),
        f"PG:host=127.0.0.1 port={port} dbname=plan user=leser password=feilord-9",
        "postgresql://leser:feilord-9@127.0.0.1:9/plan",
    ):
        with pytest.raises(OnlineError) as caught:
            fetched(address, "teig", tmp_path)
        assert "feilord-9" not in str(caught.value)
        assert caught.value.__cause__ is None
    assert not list((tmp_path / "cache").glob("*.gpkg"))


def test_a_missing_table_and_a_missing_variable_are_named(database, tmp_path, monkeypatch):
    monkeypatch.setenv("PG_SECRET", database.reader_password)
    with pytest.raises(InputError, match="gone"):
        fetched(address_of(database), "gone", tmp_path)
    with pytest.raises(InputError, match="NOT_THERE"):
        fetched(address_of(database, "${NOT_THERE}"), "teig", tmp_path)


def test_objects_that_a_service_tells_of_but_does_not_give_are_no_silent_loss(tmp_path):
    table = squares().assign(OBJECTID=np.arange(1, 121))
    lost = int(inside(table)["OBJECTID"].iloc[3])
    with serve_arcgis(ArcGis(table, most=9, loses=(lost,))) as server:
        address = f"{server.url}/arcgis/rest/services/SkredKvikkleire2/MapServer/1"
        with pytest.raises(OnlineError):
            fetched(address, None, tmp_path)
    assert not list((tmp_path / "cache").glob("*.gpkg"))


def test_the_database_is_not_changed(database):
    with database.connect() as connection:
        count = connection.execute(
            "SELECT count(*) FROM matrikkeleneiendomskartteig_1f3a.teig"
        ).fetchone()
    assert count == (120,)
