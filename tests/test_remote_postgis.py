"""PostGIS: what a real database holds that a file does not, and what must not come out of it."""

import logging
import os
import sqlite3
from contextlib import closing

import geopandas as gpd
import pandas as pd
import psycopg
import pyogrio
import pyproj
import pytest
import shapely
from shapely.affinity import translate

from arealstrategi.errors import InputError, OnlineError
from arealstrategi.sources import remote, web
from arealstrategi.sources.remote import postgis
from arealstrategi.sources.vector import open_layer, read_layer
from conftest import absent
from layer_servers import Database, postgres_programs, serve_postgis

UTM32 = pyproj.CRS.from_epsg(25832)
AREA = shapely.box(569_990, 6_559_990, 570_200, 6_560_200)

TABLES = """
CREATE SCHEMA plan;
CREATE TABLE plan.typer (
    fid int PRIMARY KEY, geom text, "Navn på område" varchar(20), areal numeric(10, 2),
    id uuid, vedtatt date, endret timestamp(3) with time zone, tid timestamp, nr int[], navn text[],
    ja boolean, stor bigint, bilde bytea, om jsonb, kode char(4),
    "område" geometry(MultiPolygonZ, 5972));
INSERT INTO plan.typer VALUES
    (7, 'x', 'Åsen', 12.50, '6f1c3f6e-1a0b-4a7e-9d6c-2f6a2f7a0001', '2024-05-17',
     '2024-05-17 10:00:00+02', '2024-05-17 10:00:00.5', '{1,2}', '{a,"b c"}', true,
     9007199254740993, '\\x00', '{"a": 1}', '0301',
     ST_GeomFromText('MULTIPOLYGON Z (((570000 6560000 5, 570010 6560000 5, 570010 6560010 5,
      570000 6560000 5)))', 5972)),
    (8, NULL, NULL, NULL, NULL, 'infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     ST_GeomFromText('MULTIPOLYGON Z (((570020 6560000 5, 570030 6560000 5, 570030 6560010 5,
      570020 6560000 5)))', 5972)),
    (9, NULL, NULL, 'NaN', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
COMMENT ON TABLE plan.typer IS 'Typer av alt';

CREATE TABLE plan.buer (id int, g geometry(CurvePolygon, 25832));
INSERT INTO plan.buer VALUES (1, ST_GeomFromText(
    'CURVEPOLYGON(CIRCULARSTRING(570000 6560000, 570100 6560000, 570000 6560000))', 25832));

CREATE TABLE plan.uten_crs (id int, g geometry);
INSERT INTO plan.uten_crs VALUES (1, ST_GeomFromText('POINT(570000 6560000)', 25832));
CREATE TABLE plan.to_crs (id int, g geometry);
INSERT INTO plan.to_crs VALUES (1, ST_GeomFromText('POINT(570000 6560000)', 25832)),
    (2, ST_GeomFromText('POINT(10 59)', 4258));
CREATE TABLE plan.grader (id int, g geometry(Point, 4258));
INSERT INTO plan.grader SELECT
    1, ST_Transform(ST_SetSRID(ST_MakePoint(570100, 6560100), 25832), 4258);
INSERT INTO plan.grader VALUES (2, ST_GeomFromText('POINT(5 60)', 4258));
CREATE TABLE plan.to_flater (id int, a geometry(Polygon, 25832), b geometry(Polygon, 25832));
CREATE VIEW plan.utsyn AS SELECT id, g FROM plan.grader WHERE id = 1;

CREATE SCHEMA dump_ny;
CREATE SCHEMA dump_gammel;
CREATE TABLE dump_ny.flom (id int, g geometry(Point, 25832));
INSERT INTO dump_ny.flom VALUES (1, ST_SetSRID(ST_MakePoint(570100, 6560100), 25832));
CREATE TABLE dump_gammel.flom (id int, g geometry(Point, 25832));

CREATE SCHEMA matrikkelen_a1b2;
CREATE TABLE matrikkelen_a1b2.teig (teigid bigint, teig text,
    representasjonspunkt geometry(Point, 25832), omrade geometry(Polygon, 25832));
INSERT INTO matrikkelen_a1b2.teig
    SELECT n, 't' || n, ST_Centroid(g), g FROM (SELECT n, ST_MakeEnvelope(
        570000 + 40 * n, 6560000, 570030 + 40 * n, 6560030, 25832) AS g
        FROM generate_series(0, 9) n) squares;
CREATE TABLE matrikkelen_a1b2.matrikkelenhet (teig_fk bigint, kommunenummer char(4),
    gardsnummer int, bruksnummer int, festenummer int, seksjonsnummer int);
INSERT INTO matrikkelen_a1b2.matrikkelenhet VALUES
    (0, '3907', 32, 16, 0, 0), (1, '3907', 32, 17, 0, 2), (1, '3907', 32, 17, 0, 1),
    (1, '3907', 32, 170, 0, 0), (9, '3907', 1, 1, 0, 0);
"""


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))


@pytest.fixture(scope="module")
def database():
    programs = postgres_programs()
    if programs is None:
        absent("PostgreSQL with PostGIS is not installed")
    with serve_postgis(programs) as running:
        with running.connect() as connection:
            connection.execute(TABLES)
        yield running


@pytest.fixture
def fetch(database: Database, tmp_path, monkeypatch):
    """Fetch a table as the reader, with the password from the environment."""
    monkeypatch.setenv("PLAN_PW", database.reader_password)

    def one(layer, source="", **more):
        source = source or "postgresql://leser:${PLAN_PW}@127.0.0.1:{port}/plan"
        asked = {"area": AREA, "crs": UTM32, "cache_dir": tmp_path / "cache", "key": "[teiger]"}
        return remote.fetch_layer(
            source.replace("{port}", str(database.port)), layer, **asked | more
        )

    return one


def read(fetched: remote.Fetched) -> gpd.GeoDataFrame:
    layer = open_layer(fetched.path, fetched.layer, key="[teiger]")
    return read_layer(layer, layer.fields)


def test_every_type_becomes_a_column_that_keeps_its_value(fetch, caplog):
    fetched = fetch("typer")
    found = pyogrio.read_dataframe(fetched.path)
    assert (fetched.kind, fetched.layer, fetched.features) == ("PostGIS", "typer", 2)
    first, second = found.iloc[0], found.iloc[1]
    assert first["Navn på område"] == "Åsen"
    assert first["areal"] == 12.5
    assert first["id"] == "6f1c3f6e-1a0b-4a7e-9d6c-2f6a2f7a0001"
    assert first["vedtatt"] == pd.Timestamp("2024-05-17")
    assert first["endret"].tz_localize(None) == pd.Timestamp("2024-05-17 08:00")
    assert first["tid"] == pd.Timestamp("2024-05-17 10:00:00.5")
    assert (first["nr"], first["navn"], first["om"]) == ("1, 2", "a, b c", '{"a": 1}')
    assert (first["fid"], first["geom"], first["kode"], bool(first["ja"])) == (7, "x", "0301", True)
    assert second.drop(["fid", "geometry"]).isna().all()
    assert "bilde" not in found
    assert "bilde (bytea)" in caplog.text
    assert found.crs.to_epsg() == 5972


def test_large_whole_numbers_stay_exact(fetch):
    with closing(sqlite3.connect(fetch("typer").path)) as file:
        assert file.execute("SELECT stor FROM typer ORDER BY fid").fetchall() == [
            (9007199254740993,),
            (None,),
        ]


def test_a_parcel_is_its_area_and_gets_its_first_number_from_the_units(fetch, caplog):
    found = read(fetch("teig")).set_index("teigid").sort_index()
    assert set(found.geom_type) == {"Polygon"}
    assert found.index.tolist() == [0, 1, 2, 3, 4, 5], "only the area, each once"
    numbers = found[["kommunenummer", "gardsnummer", "bruksnummer", "seksjonsnummer"]]
    assert numbers.loc[0].tolist() == ["3907", 32, 16, 0]
    assert numbers.loc[1].tolist() == ["3907", 32, 17, 1]
    assert numbers.loc[2].isna().all()
    assert "each with the first by number: 1" in caplog.text


def test_curves_become_lines(fetch):
    found = read(fetch("buer"))
    assert found.area.iloc[0] == pytest.approx(3.14159 * 50**2, rel=0.01)


def test_the_area_is_asked_for_in_the_crs_of_the_table(fetch):
    assert read(fetch("grader"))["id"].tolist() == [1]
    assert read(fetch("plan.utsyn"))["id"].tolist() == [1]
    far = fetch("grader", area=translate(AREA, 0, 50_000))
    assert far.features == 0
    assert open_layer(far.path, far.layer, key="[teiger]").fields == ("id",)


def test_a_crs_may_stand_in_the_rows_but_only_one(fetch):
    assert read(fetch("uten_crs")).crs.to_epsg() == 25832
    with pytest.raises(InputError, match=r"plan\.to_crs.*several"):
        fetch("to_crs")


def test_what_could_be_several_is_listed(fetch):
    with pytest.raises(InputError, match="2 tables 'flom'") as caught:
        fetch("flom")
    assert "dump_gammel.flom, dump_ny.flom" in caught.value.hint
    assert fetch("dump_ny.flom").features == 1
    address = "postgresql://leser:${PLAN_PW}@127.0.0.1:{port}/plan?schema=dump_ny"
    assert fetch("flom", address).features == fetch(None, address).features == 1
    with pytest.raises(InputError, match="several geometries: a, b"):
        fetch("to_flater")
    with pytest.raises(InputError, match="serves 10 layers"):
        fetch(None)


@pytest.mark.parametrize(
    "source",
    [
        "postgis://leser:${PLAN_PW}@127.0.0.1:{port}/plan?schema=plan&sslmode=disable",
        "PG:host=127.0.0.1 port={port} dbname=plan user=leser password=${PLAN_PW} schemas=plan",
        "PG:host='127.0.0.1' port='{port}' dbname='plan' user='leser' password='${PLAN_PW}'",
        "postgresql://leser@127.0.0.1:{port}/plan",
        "postgresql:///plan",
    ],
)
def test_an_address_may_have_any_form_and_leave_things_to_the_environment(
    source, fetch, database, monkeypatch
):
    if "PLAN_PW" not in source:
        monkeypatch.setenv("PGPASSWORD", database.reader_password)
    if "leser" not in source:
        monkeypatch.setenv("PGUSER", "leser")
        monkeypatch.setenv("PGHOST", "127.0.0.1")
        monkeypatch.setenv("PGPORT", str(database.port))
    fetched = fetch("grader", source)
    assert fetched.features == 1
    assert fetched.told.startswith("postgresql://")


@pytest.mark.parametrize(
    "name", ['teig"; DROP TABLE plan.grader; --', "x' OR '1'='1", "a.b.c", "%s"]
)
def test_a_name_is_never_taken_for_a_command(name, fetch, database):
    with pytest.raises(InputError, match="there is no layer"):
        fetch(name)
    with database.connect() as connection:
        assert connection.execute("SELECT count(*) FROM plan.grader").fetchone() == (2,)


def test_odd_names_of_tables_and_columns_are_read(fetch, database):
    with database.connect() as connection:
        connection.execute(
            'CREATE SCHEMA "Rå.data"; CREATE TABLE "Rå.data"."50% ""flom""" ("%s" int, "G ""1""" '
            'geometry(Point, 25832)); INSERT INTO "Rå.data"."50% ""flom""" VALUES (3, '
            "ST_SetSRID(ST_MakePoint(570100, 6560100), 25832))"
        )
        try:
            assert read(fetch('50% "flom"'))["%s"].tolist() == [3]
        finally:
            connection.execute('DROP SCHEMA "Rå.data" CASCADE')


def test_a_query_that_takes_too_long_is_stopped(fetch, monkeypatch, database):
    with database.connect() as connection:
        connection.execute(
            "CREATE FUNCTION plan.treg(int) RETURNS int LANGUAGE sql VOLATILE AS "
            "'SELECT $1 FROM pg_sleep(5)'; CREATE VIEW plan.treg AS "
            "SELECT plan.treg(id) AS id, g FROM plan.grader"
        )
        monkeypatch.setattr(postgis, "STATEMENT_S", 0.2)
        try:
            with pytest.raises(OnlineError, match=r"did not finish within 0\.2 s"):
                fetch("treg")
        finally:
            connection.execute("DROP VIEW plan.treg; DROP FUNCTION plan.treg")


def test_nothing_is_written_even_by_one_who_may(fetch, database, monkeypatch):
    monkeypatch.setenv("PLAN_PW", database.owner_password)
    seen = []
    connect = psycopg.connect

    def spied(**settings):
        seen.append(connect(**settings))
        return seen[-1]

    monkeypatch.setattr(psycopg, "connect", spied)
    fetch("grader", "postgresql://eier:${PLAN_PW}@127.0.0.1:{port}/plan")
    assert [connection.read_only for connection in seen] == [True]
    assert all(connection.closed for connection in seen)


def test_a_database_without_postgis_and_one_that_is_not_there_are_named(fetch):
    with pytest.raises(InputError, match="has no PostGIS"):
        fetch("grader", "postgresql://leser:${PLAN_PW}@127.0.0.1:{port}/postgres")
    with pytest.raises(OnlineError, match=r"in 1 try.*does not exist"):
        fetch("grader", "postgresql://leser:${PLAN_PW}@127.0.0.1:{port}/finnes_ikke")
    with pytest.raises(OnlineError, match="in 3 tries"):
        fetch("grader", "postgresql://leser:${PLAN_PW}@127.0.0.1:9/plan")


@pytest.mark.parametrize(
    "source",
    [
        "postgresql://leser:hemm@lig77x@127.0.0.1/plan",
        "postgresql://leser:hemmelig77x@127.0.0.1/plan?finnes_ikke=1",
        "PG:host=127.0.0.1 password=hem melig77x",
        "PG:hemmelig77x",
        "postgresql://leser:hemmelig77x@127.0.0.1:9999999/plan",
        "postgresql://leser:hemmelig77x@127.0.0.1:{port}/plan",
        "PG:host=127.0.0.1 port={port} user=leser dbname=plan password='hemmelig77x'",
        "postgresql://127.0.0.1:{port}/plan?user=leser&password=hemmelig77x",
    ],
)
def test_no_password_is_told_of_an_address_that_does_not_work(source, fetch, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    with pytest.raises((InputError, OnlineError)) as caught:
        fetch("grader", source)
    told = f"{caught.value!s}{caught.value!r}{caplog.text}"
    assert not any(part in told for part in ("hemm", "lig77x", "melig77x"))
    assert caught.value.__cause__ is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_password_is_in_what_is_kept(fetch, caplog, tmp_path, database):
    caplog.set_level(logging.DEBUG)
    fetched = fetch("typer")
    told = caplog.text + repr(fetched) + fetched.told
    for path in tmp_path.rglob("*"):
        told += path.read_bytes().decode("latin-1") if path.is_file() else path.name
    assert database.reader_password not in told
    assert "h%25mmelige" not in told
    assert os.environ["PLAN_PW"] == database.reader_password
    assert fetched.told == f"postgresql://leser@127.0.0.1:{database.port}/plan, layer 'typer'"
