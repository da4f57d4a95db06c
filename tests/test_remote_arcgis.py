"""ArcGIS REST against a replay of what NVE's MapServer answers."""

import json
import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from arealstrategi.errors import InputError, OnlineError
from arealstrategi.provenance import read_origin
from arealstrategi.sources import remote, web
from arealstrategi.sources.vector import open_layer, read_layer
from layer_servers import ArcGis, serve, serve_arcgis

UTM33 = pyproj.CRS.from_epsg(25833)
AREA = shapely.box(260_000, 6_640_000, 260_490, 6_640_490)
SERVER = "/arcgis/rest/services/SkredKvikkleire2/MapServer"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))


@pytest.fixture
def fetch(tmp_path):
    """Fetch a layer."""

    def one(address, layer=None, **more):
        asked = {"area": AREA, "crs": UTM33, "cache_dir": tmp_path / "cache", "key": "[kvikkleire]"}
        return remote.fetch_layer(address, layer, **asked | more)

    return one


def read(fetched: remote.Fetched) -> gpd.GeoDataFrame:
    layer = open_layer(fetched.path, fetched.layer, key="[kvikkleire]")
    return read_layer(layer, layer.fields)


def zones() -> gpd.GeoDataFrame:
    """30 squares with a hole, 25 of them in `AREA`; numbers with gaps, values that are missing."""
    number = np.arange(30)
    west, south = 260_000 + 100.0 * (number % 5), 6_640_000 + 100.0 * (number // 5)
    shapes = shapely.difference(
        shapely.box(west, south, west + 80, south + 80),
        shapely.box(west + 20, south + 20, west + 40, south + 40),
    )
    return gpd.GeoDataFrame(
        {
            "OBJECTID": 1000 + 7 * number,
            "skredOmrNavn": [f"Ås {n}" for n in number],
            "faregrad": ["Høy" if n % 2 else None for n in number],
            "kommunenr": "0301",
            "poeng": np.where(number % 3, number / 2, np.nan),
            "kartlagt": pd.to_datetime(["2015-06-01"] * 29 + [""]),
        },
        geometry=shapes,
        crs=25833,
    )


@pytest.mark.parametrize("limits", [{}, {"most": 4}, {"most": 10, "cap": 3}, {"most": 1}], ids=str)
def test_every_object_comes_once_with_all_its_values(limits, fetch):
    with serve_arcgis(ArcGis(zones(), **limits)) as server:
        fetched = fetch(f"{server.url}{SERVER}/1")
    found = read(fetched).set_index("OBJECTID")
    wanted = zones().set_index("OBJECTID").head(25)
    assert found.index.tolist() == wanted.index.tolist()
    assert found["skredOmrNavn"].tolist() == wanted["skredOmrNavn"].tolist()
    assert found["faregrad"].isna().tolist() == wanted["faregrad"].isna().tolist()
    assert found["poeng"].equals(wanted["poeng"])
    assert set(found["kommunenr"]) == {"0301"}
    assert found["kartlagt"].dt.strftime("%Y-%m-%d").tolist() == ["2015-06-01"] * 25
    assert shapely.equals(found.geometry.normalize(), wanted.geometry.normalize()).all(), (
        "holes too"
    )
    assert found.crs.to_epsg() == 25833
    origin = read_origin(fetched.path)
    assert origin is not None
    assert (origin.title, origin.attribution) == ("KvikkleireFaresone", "NVE")
    assert (fetched.kind, fetched.layer) == ("ArcGIS REST", "KvikkleireFaresone")


@pytest.mark.parametrize("wkid", [25832, 3857, 4326])
def test_the_area_is_asked_for_in_the_crs_of_the_layer(wkid, fetch):
    with serve_arcgis(ArcGis(zones().to_crs(wkid), wkid=wkid)) as server:
        found = read(fetch(f"{server.url}{SERVER}/1"))
    assert len(found) == 25
    assert found.crs.to_epsg() == wkid
    assert found.to_crs(25833).area.sum() == pytest.approx(25 * (80**2 - 20**2), rel=1e-4)


@pytest.mark.parametrize(
    ("told", "wkid"),
    [
        ({"wkid": 102100, "latestWkid": 3857}, 3857),
        ({"wkid": 102100}, 102100),
        ({"wkt": 'PROJCS["egen"]'}, 4326),
        ({"wkid": 999_999}, 4326),
    ],
    ids=str,
)
def test_a_crs_is_known_by_its_newest_number_or_asked_for_in_degrees(told, wkid, fetch):
    known = "ESRI:102100" if wkid == 102100 else wkid
    served = ArcGis(zones().to_crs(known), wkid=wkid, spatial_reference=told)
    with serve_arcgis(served) as server:
        found = read(fetch(f"{server.url}{SERVER}/1"))
    assert len(found) == 25
    assert found.to_crs(25833).bounds.minx.min() == pytest.approx(260_000, abs=0.01)


@pytest.mark.parametrize(
    ("ending", "layer"),
    [
        ("", None),
        ("/", "KvikkleireFaresone"),
        ("", "1"),
        ("/1", "1"),
        ("/1/", "KvikkleireFaresone"),
        ("/1/query", None),
        ("/1/query?where=1%3D1&f=html&returnCountOnly=true&outFields=x", None),
    ],
)
def test_a_layer_is_named_by_number_name_or_address(ending, layer, fetch):
    with serve_arcgis(ArcGis(zones())) as server:
        assert fetch(f"{server.url}{SERVER}{ending}", layer).features == 25


def test_a_layer_that_is_not_there_is_named_with_those_that_are(fetch):
    with serve_arcgis(ArcGis(zones())) as server:
        with pytest.raises(InputError, match="no layer 'Kvikkleire'") as caught:
            fetch(f"{server.url}{SERVER}", "Kvikkleire")  # a group
        assert "'KvikkleireFaresone'" in caught.value.hint
        with pytest.raises(OnlineError, match="Unable to find"):
            fetch(f"{server.url}{SERVER}/4")


def test_no_object_in_the_area_is_an_empty_layer_with_its_columns(fetch):
    with serve_arcgis(ArcGis(zones())) as server:
        empty = fetch(f"{server.url}{SERVER}/1", area=shapely.box(0, 0, 100, 100))
    layer = open_layer(empty.path, empty.layer, key="[kvikkleire]")
    assert empty.features == 0
    assert {"skredOmrNavn", "faregrad", "poeng"} <= set(layer.fields)
    assert "SHAPE" not in layer.fields
    assert len(read_layer(layer, where="faregrad = 'Høy'")) == 0


def test_a_table_without_geometry_is_refused(fetch):
    table = {"id": 1, "name": "Vurderinger", "type": "Table", "fields": []}
    with (
        serve(lambda *_: ("application/json", json.dumps(table).encode())) as server,
        pytest.raises(InputError, match="'Vurderinger' has no geometry"),
    ):
        fetch(f"{server.url}{SERVER}/1")


def test_a_missing_token_is_told_at_once_with_what_to_do(fetch, tmp_path):
    with serve_arcgis(ArcGis(zones())) as server:
        server.fail("token", after=1)
        with pytest.raises(
            OnlineError, match=r"error 499: Token Required .*\?token= and \$\{NAME\}"
        ):
            fetch(f"{server.url}{SERVER}/1")
        assert len(server.asked) == 2
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("mood", ["429", "500", "html", "cut"])
def test_passing_trouble_is_waited_out_and_lasting_trouble_leaves_nothing(mood, fetch, tmp_path):
    with serve_arcgis(ArcGis(zones(), most=10)) as server:
        server.fail(mood, after=2, times=2)
        assert fetch(f"{server.url}{SERVER}/1").features == 25
        server.fail(mood, after=2, times=9)
        with pytest.raises(OnlineError, match="in 3 tries"):
            fetch(f"{server.url}{SERVER}/1", area=AREA.buffer(10))
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_no_key_is_told_anywhere(fetch, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("NVE_TOKEN", "hysj-Hysj+1")
    with serve_arcgis(ArcGis(zones())) as server:
        address = f"{server.url}{SERVER}/1?token=${{NVE_TOKEN}}"
        fetched = fetch(address)
        assert all(query["token"] == "hysj-Hysj+1" for _, query in server.asked)
        errors = []
        for mood in ("echo", "token", "500"):
            server.fail(mood, times=3)
            with pytest.raises(OnlineError) as caught:
                fetch(address, area=AREA.buffer(5))
            errors.append(caught.value)
    told = f"{fetched}{errors}{[str(error) for error in errors]}{caplog.text}"
    for path in (tmp_path / "cache").iterdir():
        told += path.read_bytes().decode("latin-1")
    assert "hysj-Hysj" not in told
