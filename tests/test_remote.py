"""Addresses, the kept file, and WFS 2.0 against a replay of what Geonorge's answers."""

import logging
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely
import shapely.affinity

from arealstrategi.errors import InputError, OnlineError
from arealstrategi.provenance import origin_path, read_origin, sha256
from arealstrategi.sources import remote, web
from arealstrategi.sources.remote import wfs as wfs_module
from arealstrategi.sources.vector import open_layer, read_layer
from layer_servers import APP, Replay, Wfs, flood_zones, serve, serve_wfs

UTM33 = pyproj.CRS.from_epsg(25833)
AREA = shapely.box(262_010, 6_650_010, 262_890, 6_650_490)
SECRET = "s3kr3t-Øl+1"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))


def fetch(server: Replay, tmp_path: Path, layer: str | None = "FlomAreal", **kwargs: Any):
    asked: dict[str, Any] = {
        "area": AREA,
        "crs": UTM33,
        "cache_dir": tmp_path / "cache",
        "key": "[flom]",
    } | kwargs
    return remote.fetch_layer(f"{server.url}/skwms1/wfs.flomsoner", layer, **asked)


def read(fetched: remote.Fetched) -> gpd.GeoDataFrame:
    layer = open_layer(fetched.path, fetched.layer, key="[flom]")
    table: gpd.GeoDataFrame = read_layer(layer, layer.fields)
    return table


def expected(table: gpd.GeoDataFrame, area=AREA) -> gpd.GeoDataFrame:
    """Those whose own bounds meet the area's, found without index or service."""
    bounds = table.to_crs(UTM33).bounds
    west, south, east, north = area.bounds
    found: gpd.GeoDataFrame = table[
        (bounds.minx <= east + 2)
        & (bounds.maxx >= west - 2)
        & (bounds.miny <= north + 2)
        & (bounds.maxy >= south - 2)
    ]
    return found


def same_places(found: gpd.GeoDataFrame, wanted: gpd.GeoDataFrame) -> bool:
    """Whether the shapes are the same to a centimetre, in whatever order."""
    one, two = (table.to_crs(UTM33).bounds.round(1).to_numpy() for table in (found, wanted))
    return sorted(map(tuple, one)) == sorted(map(tuple, two))


# --- addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "is_one"),
    [
        ("https://wfs.geonorge.no/skwms1/wfs.flomsoner", True),
        ("wfs:https://x.no/a", True),
        ("OGCAPI:https://x.no/a", True),
        ("arcgis:http://x.no/a", True),
        ("postgresql://u:p@h/d", True),
        ("postgis://h/d", True),
        ("PG:host=h dbname=d", True),
        (" https://x.no", True),
        ("data/flom.gpkg", False),
        ("C:/data/wfs.gml", False),
        ("wfs:data/flom.gml", False),
        ("PG data/flom.gpkg", False),
        ("httpsflom.gpkg", False),
    ],
)
def test_tells_addresses_from_files(source, is_one):
    assert remote.is_remote(source) is is_one


def test_a_variable_that_is_not_set_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("FLOM_KEY", raising=False)
    with pytest.raises(InputError, match=r"\[flom\].*FLOM_KEY.*not set"):
        remote.fetch_layer(
            "https://127.0.0.1:9/wfs?api=${FLOM_KEY}", "a",
            area=AREA, crs=UTM33, cache_dir=tmp_path, key="[flom]",
        )  # fmt: skip


@pytest.mark.parametrize("source", ["https://", "http://[::1/wfs", "wfs:https:///a"])
def test_what_is_no_address_is_one_clear_error(source, tmp_path):
    with pytest.raises(InputError, match="is no address"):
        remote.fetch_layer(source, "a", area=AREA, crs=UTM33, cache_dir=tmp_path, key="[flom]")


# --- WFS: what comes back --------------------------------------------------------------------


def test_reads_latitude_before_longitude_nested_names_and_only_the_area(tmp_path):
    table = flood_zones()
    with serve_wfs(Wfs(table, cap=7)) as server:
        fetched = fetch(server, tmp_path)
    found = read(fetched)
    wanted = expected(table)
    assert 0 < len(wanted) < len(table)
    assert fetched.features == len(found) == len(wanted)
    assert same_places(found, wanted)
    assert sorted(found["lokalId"]) == sorted(wanted["identifikasjon/Identifikasjon/lokalId"])
    assert set(found["kommunenummer"]) == {"0301"}, "a number in name only"
    assert found["gjentaksintervall"].sum() == wanted["gjentaksintervall"].sum()
    assert found["målt"].sum() == pytest.approx(wanted["målt"].sum())
    assert found.crs.to_epsg() == 4258


@pytest.mark.parametrize(
    "served",
    [
        {"says_matched": True, "cap": 10},
        {"count_default": 5, "says_matched": True},
        {"count_default": 5},
        {"srs_on_geometry": False},
        {"point_too": True, "cap": 9},
        {"names": False, "cap": 9},
        {"urn": "urn:ogc:def:crs:EPSG::25833"},
        {"urn": "http://www.opengis.net/def/crs/EPSG/0/25833"},
        {"urn": "urn:ogc:def:crs:EPSG::3045"},
    ],
    ids=lambda served: "-".join(served),  # noqa: PLW0108
)
def test_reads_the_same_however_a_server_pages_and_names(served, tmp_path):
    table = flood_zones()
    urn = served.get("urn", "").replace("http://www.opengis.net/def/crs/EPSG/0/", "EPSG:")
    if urn:
        served = served | {"urn": urn.replace("EPSG:25833", "urn:ogc:def:crs:EPSG::25833")}
    here = table.to_crs(urn) if urn else table
    if "3045" in urn:
        here = here.set_geometry(table.to_crs(25833).geometry.to_numpy(), crs=3045)
    with serve_wfs(Wfs(here, **served)) as server:
        found = read(fetch(server, tmp_path))
    assert set(found.geom_type) == {"Polygon"}
    assert len(found) == len(expected(table))
    if "3045" not in urn:
        assert same_places(found, expected(table))


def test_asks_with_the_names_of_the_standard(tmp_path):
    with serve_wfs(Wfs(flood_zones())) as server:
        fetch(server, tmp_path)
    asked = [query for _, query in server.asked if query["request"] == "GetFeature"]
    first = asked[0]
    assert first["typeNames"] == "app:FlomAreal"
    assert first["namespaces"] == f"xmlns(app,{APP})"
    assert first["srsName"] == "urn:ogc:def:crs:EPSG::4258"
    south, west, north, east, code = first["bbox"].split(",")
    assert code == "urn:ogc:def:crs:EPSG::4258"
    assert 58 < float(south) < float(north) < 61
    assert 9 < float(west) < float(east) < 12
    assert "startIndex" not in first
    # the box in degrees holds what lies in the area, and a little more
    assert [int(query["startIndex"]) >= len(expected(flood_zones())) for query in asked[1:]] == [
        True
    ]


def test_no_feature_in_the_area_is_an_empty_layer_with_its_columns(tmp_path):
    with serve_wfs(Wfs(flood_zones())) as server:
        fetched = fetch(server, tmp_path, area=shapely.affinity.translate(AREA, 50_000))
    assert fetched.features == 0
    layer = open_layer(fetched.path, fetched.layer, key="[flom]")
    assert {"lokalId", "kommunenummer", "gjentaksintervall", "målt"} <= set(layer.fields)
    assert len(read_layer(layer, ["gjentaksintervall"], where="gjentaksintervall = 200")) == 0


def test_columns_that_no_feature_fills_in_come_from_the_schema(tmp_path):
    more = {"datauttaksdato": "date", "høyde": "double"}
    with serve_wfs(Wfs(flood_zones(), extra_columns=more)) as server:
        fetched = fetch(server, tmp_path)
    layer = open_layer(fetched.path, fetched.layer, key="[flom]")
    assert {"datauttaksdato", "høyde", "versjonId"} <= set(layer.fields)
    assert len(read_layer(layer, where="høyde > 1 AND versjonId = 'a'")) == 0


def test_digits_that_the_schema_calls_text_stay_text(tmp_path):
    table = flood_zones()
    table["kommunenummer"] = "3907"
    with serve_wfs(Wfs(table)) as server:
        found = read(fetch(server, tmp_path))
    assert set(found["kommunenummer"]) == {"3907"}


def test_a_type_is_found_by_its_name_without_prefix_or_as_the_only_one(tmp_path):
    with serve_wfs(Wfs(flood_zones(2, 2), others=("FlomGrense",))) as server:
        assert fetch(server, tmp_path, "app:FlomAreal").layer == "FlomAreal"
        with pytest.raises(InputError, match="serves 2 layers") as caught:
            fetch(server, tmp_path, None)
        assert "'app:FlomAreal', 'app:FlomGrense'" in caught.value.hint
        assert "[flom]" in caught.value.hint
        with pytest.raises(InputError, match="no layer 'Flom'"):
            fetch(server, tmp_path, "Flom")
    with serve_wfs(Wfs(flood_zones(2, 2))) as server:
        assert fetch(server, tmp_path, None).layer == "FlomAreal"


def test_a_whole_request_may_stand_in_the_address(tmp_path):
    with serve_wfs(Wfs(flood_zones(2, 2), others=("FlomGrense",))) as server:
        address = (
            f"{server.url}/skwms1/wfs.flomsoner?SERVICE=WFS&REQUEST=GetFeature&VERSION=1.1.0"
            "&TYPENAME=app:FlomAreal&MAXFEATURES=1&map=a.map"
        )
        fetched = remote.fetch_layer(
            address, None, area=AREA, crs=UTM33, cache_dir=tmp_path, key="[flom]"
        )
        assert all(query["map"] == "a.map" for _, query in server.asked)
    assert fetched.features == len(expected(flood_zones(2, 2)))


def test_a_service_is_asked_what_it_is_where_its_address_does_not_tell(tmp_path):
    table = flood_zones(3, 3)
    answer = Wfs(table)

    def hidden(replay, path, query):
        if path == "/tjeneste/flom" and "service" in query:
            return answer(replay, "/skwms1/wfs.flomsoner", query)
        raise LookupError(path)

    with serve(hidden) as server:
        fetched = remote.fetch_layer(
            f"{server.url}/tjeneste/flom", None,
            area=AREA, crs=UTM33, cache_dir=tmp_path, key="[flom]",
        )  # fmt: skip
        assert fetched.kind == "WFS 2.0"
        with pytest.raises(OnlineError, match="it is neither a WFS"):
            remote.fetch_layer(
                f"{server.url}/annet", None, area=AREA, crs=UTM33, cache_dir=tmp_path, key="[flom]"
            )


# --- WFS: what must not be believed ----------------------------------------------------------


@pytest.mark.parametrize("says_matched", [True, False])
@pytest.mark.parametrize("names", [True, False])
def test_a_server_that_gives_the_same_page_again_is_noticed(says_matched, names, tmp_path):
    served = Wfs(flood_zones(), cap=10, ignores_start=True, says_matched=says_matched, names=names)
    with serve_wfs(served) as server, pytest.raises(OnlineError, match="again"):
        fetch(server, tmp_path)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_server_whose_order_changes_between_pages_is_noticed(tmp_path):
    with (
        serve_wfs(Wfs(flood_zones(), cap=10, shuffles=True)) as server,
        pytest.raises(OnlineError, match="again"),
    ):
        fetch(server, tmp_path)


def test_a_server_that_stops_before_the_number_it_told_is_noticed(tmp_path):
    served = Wfs(flood_zones(), cap=10, says_matched=True)

    def forgetful(replay, path, query):
        if "startIndex" in query:
            query = {**query, "startIndex": "9999"}
        return served(replay, path, query)

    with serve(forgetful) as server, pytest.raises(OnlineError, match=r"stopped after 10 of \d+"):
        fetch(server, tmp_path)


def test_axes_in_the_wrong_order_are_an_error_and_no_empty_layer(tmp_path):
    with (
        serve_wfs(Wfs(flood_zones(), swaps=True)) as server,
        pytest.raises(OnlineError, match="none of the .* features it gave is there"),  # noqa: RUF043
    ):
        fetch(server, tmp_path)
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_exception_report_becomes_one_clear_error_at_once(tmp_path):
    with serve_wfs(Wfs(flood_zones())) as server:
        server.fail("exception", after=1)
        with pytest.raises(OnlineError, match="NoApplicableCode: Tjenesten er nede for påfyll"):
            fetch(server, tmp_path)
        assert len(server.asked) == 2


@pytest.mark.parametrize("mood", ["429", "500", "html", "cut"])
def test_passing_trouble_on_any_page_is_waited_out(mood, tmp_path):
    table = flood_zones()
    with serve_wfs(Wfs(table, cap=20)) as server:
        server.fail(mood, after=2, times=2)
        assert fetch(server, tmp_path).features == len(expected(table))


@pytest.mark.parametrize("mood", ["500", "html", "cut"])
def test_lasting_trouble_in_the_middle_leaves_nothing_behind(mood, tmp_path):
    with serve_wfs(Wfs(flood_zones(), cap=20)) as server:
        server.fail(mood, after=2, times=9)
        with pytest.raises(OnlineError, match="no usable answer in 3 tries"):
            fetch(server, tmp_path)
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_older_wfs_is_refused_by_name(tmp_path):
    old = b'<WFS_Capabilities xmlns="http://www.opengis.net/wfs" version="1.1.0"/>'
    with (
        serve(lambda *_: ("text/xml", old)) as server,
        pytest.raises(OnlineError, match=r"is no WFS 2\.0 .*1\.1\.0"),
    ):
        fetch(server, tmp_path)


def test_entities_that_unfold_are_refused(tmp_path):
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>'
        b'<WFS_Capabilities version="2.0.0">&c;</WFS_Capabilities>'
    )
    with (
        serve(lambda *_: ("text/xml", bomb)) as server,
        pytest.raises(OnlineError, match="may unfold"),
    ):
        fetch(server, tmp_path)
    assert len(server.asked) == 1


def test_an_interruption_leaves_nothing_behind(tmp_path, monkeypatch):
    read_gml = wfs_module.read_gml

    def interrupted(*arguments):
        read_gml(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(wfs_module, "read_gml", interrupted)
    with serve_wfs(Wfs(flood_zones())) as server, pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path)
    assert list((tmp_path / "cache").iterdir()) == []


# --- what is kept ----------------------------------------------------------------------------


def test_a_second_call_asks_nothing_and_tells_the_date(tmp_path):
    with serve_wfs(Wfs(flood_zones())) as server:
        first = fetch(server, tmp_path)
        questions = len(server.asked)
        second = fetch(server, tmp_path)
        assert len(server.asked) == questions
        assert not first.was_kept
        assert second.was_kept
        assert (second.path, second.features, second.fetched, second.kind, second.layer) == (
            first.path, first.features, first.fetched, "WFS 2.0", "FlomAreal",
        )  # fmt: skip
        assert second.told == first.told == f"{server.url}/skwms1/wfs.flomsoner, layer 'FlomAreal'"
        fetch(server, tmp_path, area=shapely.affinity.translate(AREA, 100))
        assert len(server.asked) > questions
    assert len(list((tmp_path / "cache").glob("layer-*.gpkg"))) == 2


def test_beside_the_file_stands_where_it_is_from(tmp_path):
    with serve_wfs(Wfs(flood_zones())) as server:
        fetched = fetch(server, tmp_path)
    origin = read_origin(fetched.path)
    assert origin is not None
    assert origin.licence == "Norsk lisens for offentlige data (NLOD)"
    assert origin.sha256 == sha256(fetched.path)
    assert (origin.address, origin.fetched) == (fetched.told, fetched.fetched)
    assert pd.Timestamp(origin.fetched).tzinfo is not None
    assert {path.name for path in fetched.path.parent.iterdir()} == {
        fetched.path.name,
        origin_path(fetched.path).name,
    }


@pytest.mark.parametrize("harm", ["no origin", "half a file"])
def test_what_is_not_whole_is_fetched_anew(harm, tmp_path):
    with serve_wfs(Wfs(flood_zones())) as server:
        first = fetch(server, tmp_path)
        if harm == "no origin":
            origin_path(first.path).unlink()
        else:
            first.path.write_bytes(first.path.read_bytes()[:1000])
        again = fetch(server, tmp_path)
    assert not again.was_kept
    assert again.features == first.features == len(read(again))


def test_columns_with_the_names_of_a_geopackage_keep_their_values(tmp_path):
    table = flood_zones(3, 3)[["målt", "geometry"]].assign(fid="a", geom="b", OBJECTID=7)
    with serve_wfs(Wfs(table)) as server:
        fetched = fetch(server, tmp_path)
    found = pyogrio.read_dataframe(fetched.path)
    assert set(found["fid"]) == {"a"}
    assert set(found["geom"]) == {"b"}
    assert set(found["OBJECTID"]) == {7}


# --- secrets ---------------------------------------------------------------------------------


def everything_told(tmp_path: Path, caplog: pytest.LogCaptureFixture, *more: object) -> str:
    """All bytes of the cache folder, all log lines, and what else is given."""
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    text = b"\n".join(files).decode("utf-8", "replace") + caplog.text
    return text + "".join(f"{one!s}{one!r}{getattr(one, 'hint', '')}" for one in more)


@pytest.mark.parametrize(
    "address",
    [
        "http://bruker:${FLOM_KEY}@{host}/skwms1/wfs.flomsoner",
        "http://{host}/skwms1/wfs.flomsoner?api_key=${FLOM_KEY}",
        "http://{host}/skwms1/wfs.flomsoner?hva=${FLOM_KEY}",
        "http://{host}/skwms1/wfs.flomsoner?gkt=s3kr3t-%C3%98l%2B1",
        "http://bruker:s3kr3t-%C3%98l%2B1@{host}/skwms1/wfs.flomsoner",
    ],
)
def test_no_secret_of_an_address_is_told_anywhere(address, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("FLOM_KEY", SECRET)
    caplog.set_level(logging.DEBUG)
    with serve_wfs(Wfs(flood_zones())) as server:
        source = address.replace("{host}", server.url.removeprefix("http://"))
        asked = {"area": AREA, "crs": UTM33, "cache_dir": tmp_path, "key": "[flom]"}
        fetched = remote.fetch_layer(source, "FlomAreal", **asked)
        assert fetched.features == len(expected(flood_zones()))
        sent = str(server.asked) + str(server.headers)
        assert SECRET in sent or "Authorization" in sent, "the service got it"
        errors = []
        for mood in ("echo", "500", "cut"):
            server.fail(mood, times=3)
            with pytest.raises(OnlineError) as caught:
                remote.fetch_layer(
                    source, "FlomAreal", **asked | {"area": shapely.affinity.translate(AREA, 100)}
                )
            errors.append(caught.value)
    with pytest.raises(OnlineError) as caught:  # the server is gone
        remote.fetch_layer(
            source, "FlomAreal", **asked | {"area": shapely.affinity.translate(AREA, 100)}
        )
    errors.append(caught.value)
    told = everything_told(tmp_path, caplog, fetched, *errors)
    for form in (SECRET, "s3kr3t", "czNrcjN0", "YnJ1a2VyO", "YnJ1a2VyOn"):
        assert form not in told
    assert all(error.__cause__ is None and error.__suppress_context__ for error in errors)
