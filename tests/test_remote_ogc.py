"""OGC API – Features: a real pygeoapi with real data, and replays of what others do."""

import json
import logging

import geopandas as gpd
import pyproj
import pytest
import shapely

from arealstrategi.errors import InputError, OnlineError
from arealstrategi.provenance import read_origin
from arealstrategi.sources import remote, web
from arealstrategi.sources.remote import ogc_api
from arealstrategi.sources.vector import open_layer, read_layer
from layer_servers import OgcApi, serve, serve_pygeoapi

UTM33 = pyproj.CRS.from_epsg(25833)
AREA = shapely.box(262_000, 6_620_000, 264_000, 6_622_000)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))


@pytest.fixture
def fetch(tmp_path):
    """Fetch a collection."""

    def one(address, layer=None, **more):
        asked = {"area": AREA, "crs": UTM33, "cache_dir": tmp_path / "cache", "key": "[lag]"}
        return remote.fetch_layer(address, layer, **asked | more)

    return one


def read(fetched: remote.Fetched) -> gpd.GeoDataFrame:
    layer = open_layer(fetched.path, fetched.layer, key="[lag]")
    return read_layer(layer, layer.fields)


@pytest.mark.shared
def test_real_land_cover_comes_as_it_is_in_its_own_file(shared_data, tmp_path, fetch):
    table = gpd.read_file(shared_data / "ssb" / "ArealdekkeN50.gpkg").to_crs(4326)
    table["oppdateringsdato"] = table["oppdateringsdato"].astype(str)
    table["id"] = [f"a{n}" for n in range(len(table))]
    there = table.to_crs(UTM33)
    wanted = table[there.intersects(AREA)]
    near = table[shapely.intersects(there.envelope, AREA.buffer(2))]
    with serve_pygeoapi(tmp_path, {"arealdekke": table, "annet": table.head(3)}, most=30) as url:
        fetched = fetch(f"ogcapi:{url}/", "arealdekke")
        empty = fetch(f"{url}/collections/arealdekke/items", area=shapely.box(0, 0, 9, 9))
        with pytest.raises(InputError, match="serves 2 layers") as caught:
            fetch(f"ogcapi:{url}")
        asked_by_itself = fetch(url, "annet")
    assert 60 < fetched.features < len(table)
    found = read(fetched).set_index("id").sort_index()
    assert set(wanted["id"]) <= set(found.index) <= set(near["id"])
    wanted = table.set_index("id").loc[found.index]
    assert found["klasse_navn"].tolist() == wanted["klasse_navn"].tolist()
    off = shapely.hausdorff_distance(found.to_crs(UTM33).geometry, wanted.to_crs(UTM33).geometry)
    assert off.max() < 0.01
    assert (
        "'annet', 'arealdekke'" in caught.value.hint or "'arealdekke', 'annet'" in caught.value.hint
    )
    assert asked_by_itself.kind == "OGC API – Features"
    origin = read_origin(fetched.path)
    assert origin is not None
    assert origin.licence == "NLOD 2.0 https://data.norge.no/nlod/no/2.0"
    assert origin.title == "Laget arealdekke"
    assert empty.features == 0
    assert "klasse_navn" in open_layer(empty.path, empty.layer, key="[lag]").fields


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"matched": 25},
        {"ids": False},
        {"scheme": "https"},
        {"host": "127.0.0.1"},
        {"page": 25},
        {"page": 1000},
    ],
    ids=str,
)
def test_all_pages_are_read_along_the_links(how, fetch):
    with serve(OgcApi(**how)) as server:
        found = read(fetch(f"{server.url}/ogc/collections/soner"))
    assert sorted(found["navn"]) == sorted(f"Sone {n}" for n in range(25))
    assert set(found["liste"].str.replace(" ", "")) <= {'["a","b"]', "a,b"}
    assert set(found["kode"]) == {"0301"}
    if how.get("ids", True):
        assert sorted(found["id"]) == list(range(25)), "the identity is an attribute"


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"step": 0}, "again"),
        ({"step": 0, "ids": False}, "again"),
        ({"step": 5}, "gave 5 features again"),
        ({"matched": 26}, "told of 26 features but gave 25"),
        ({"matched": 25, "lost": 1}, "told of 25 features but gave 2"),
        ({"host": "annet.example.org"}, "another machine"),
        ({"scheme": "file"}, "another machine"),
    ],
    ids=str,
)
def test_what_must_not_be_believed_is_one_error_and_nothing_kept(how, match, fetch, tmp_path):
    with (
        serve(OgcApi(**how)) as server,
        pytest.raises(OnlineError, match=match),
    ):
        fetch(f"{server.url}/ogc/collections/soner")
    assert list((tmp_path / "cache").iterdir()) == []


def test_links_that_go_round_between_empty_pages_end(fetch):
    def answer(_, path, query):
        if path.endswith("/collections"):
            return "application/json", b'{"collections": [{"id": "soner"}]}'
        link = {"rel": "next", "href": f"{path}?offset={1 - int(query.get('offset', 0))}"}
        page = {"type": "FeatureCollection", "features": [], "links": [link]}
        return "application/json", json.dumps(page).encode()

    with serve(answer) as server, pytest.raises(OnlineError, match="round in a circle"):
        fetch(f"{server.url}/ogc/collections/soner")
    assert len(server.asked) < 10


@pytest.mark.parametrize("mood", ["429", "500", "html", "cut"])
def test_passing_trouble_is_waited_out_and_lasting_trouble_leaves_nothing(mood, fetch, tmp_path):
    with serve(OgcApi()) as server:
        server.fail(mood, after=2, times=2)
        assert fetch(f"{server.url}/ogc/collections/soner").features == 25
        server.fail(mood, after=2, times=9)
        with pytest.raises(OnlineError, match="in 3 tries"):
            fetch(f"{server.url}/ogc", "soner", area=AREA.buffer(10))
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_only_collections_with_features_are_layers(fetch):
    with serve(OgcApi()) as server:
        assert fetch(f"ogcapi:{server.url}/ogc").layer == "soner"
        with pytest.raises(InputError, match="no layer 'dekning'"):
            fetch(f"ogcapi:{server.url}/ogc", "dekning")


def test_a_service_that_answers_with_a_page_for_people_is_told(fetch):
    with (
        serve(lambda *_: ("text/html", b"<html>Velkommen</html>")) as server,
        pytest.raises(OnlineError, match=r"no JSON object \(<html>Velkommen"),
    ):
        fetch(f"ogcapi:{server.url}/ogc", "soner")


def test_a_key_goes_with_every_page_and_is_told_nowhere(fetch, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OGC_KEY", "let-meg-inn")
    with serve(OgcApi()) as server:
        address = f"{server.url}/ogc/collections/soner?token=${{OGC_KEY}}"
        fetched = fetch(address)
        assert fetched.features == 25
        assert {query.get("token") for _, query in server.asked} == {"let-meg-inn"}
        server.fail("echo")
        with pytest.raises(OnlineError) as caught:
            fetch(address, area=AREA.buffer(5))
    told = f"{fetched}{caught.value!s}{caught.value!r}{caplog.text}"
    for path in (tmp_path / "cache").iterdir():
        told += path.read_bytes().decode("latin-1")
    assert "let-meg-inn" not in told
    assert "token=***" in fetched.told


def test_an_interruption_leaves_nothing_behind(fetch, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ogc_api, "_table", interrupted)
    with serve(OgcApi()) as server, pytest.raises(KeyboardInterrupt):
        fetch(f"{server.url}/ogc/collections/soner")
    assert list((tmp_path / "cache").iterdir()) == []
