"""The online path, against a server on the loopback address that answers from a real extract."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import osmnx as ox
import pyproj
import pytest
import shapely
from osmium.osm.mutable import Node, Relation, Way

from arealstrategi.errors import InputError, OnlineError, OutputError
from arealstrategi.sources import online, web
from arealstrategi.sources.osm import read_extract
from loopback import Loopback, loopback

VILLAGE = shapely.box(10.20, 59.10, 10.22, 59.11)
WANTED: dict[str, bool | list[str]] = {"shop": True, "amenity": ["pharmacy", "doctors"]}
CROSSING = {"highway": "crossing", "crossing": "traffic_signals", "crossing:signals": "yes"}
FAR_OFF = shapely.box(9.0, 59.1, 9.02, 59.11)


# -- a village small enough to know by heart -----------------------------------------------------


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an extract: a street of three nodes, a shop, a ferry line, a municipality, a twin."""
    path = tmp_path_factory.mktemp("village") / "village.osm.pbf"
    corners = {
        # Sandefjord-like in Norway, and one with the same number in Sweden
        "norway": [(10.1, 59.0), (10.4, 59.0), (10.4, 59.3), (10.1, 59.3)],
        "sweden": [(14.1, 59.0), (14.4, 59.0), (14.4, 59.3), (14.1, 59.3)],
    }
    with osmium.SimpleWriter(path) as writer:
        writer.add_node(Node(id=1, location=(10.205, 59.105), tags={"kerb": "raised"}))
        writer.add_node(Node(id=2, location=(10.21, 59.105), tags=CROSSING))
        writer.add_node(Node(id=3, location=(10.3, 59.105)))
        shop = {"shop": "supermarket", "name": "Butikken på Ås"}
        writer.add_node(Node(id=4, location=(10.2051, 59.1051), tags=shop))
        writer.add_node(Node(id=5, location=(10.2052, 59.1052), tags={"amenity": "bench"}))
        for first, ring in zip((11, 21), corners.values(), strict=True):
            for number, at in enumerate(ring, start=first):
                writer.add_node(Node(id=number, location=at))
        street = {"highway": "residential", "name": "Storgata"}
        writer.add_way(Way(id=1, nodes=[1, 2, 3], tags=street))
        writer.add_way(Way(id=2, nodes=[2, 3], tags={"route": "ferry"}))
        writer.add_way(Way(id=3, nodes=[11, 12, 13, 14, 11]))
        writer.add_way(Way(id=4, nodes=[21, 22, 23, 24, 21]))
        writer.add_way(Way(id=5, nodes=[1, 2], tags={"highway": "tertiary", "ref": "3907"}))
        for number, name in ((3, "Sandefjord"), (4, "Tvillings kommun")):
            tags = {"type": "boundary", "boundary": "administrative", "admin_level": "7"}
            tags |= {"ref": "3907", "name": name}
            border = [("w", number, "outer")]
            writer.add_relation(Relation(id=number, members=border, tags=tags))
    return path


@pytest.fixture
def server(village: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    places = {
        "Landsbyen, Norge": shapely.geometry.mapping(VILLAGE),
        "Kaia, Norge": {"type": "Point", "coordinates": [10.2, 59.1]},
    }
    with loopback(village, places) as running:
        use(running, monkeypatch)
        monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))
        yield running


def use(running: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ox.settings, "overpass_url", running.overpass_url)
    monkeypatch.setattr(ox.settings, "nominatim_url", running.nominatim_url)


def fetch(cache_dir: Path) -> Path:
    return online.fetch_extract(VILLAGE, tags=WANTED, cache_dir=cache_dir)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


Row = tuple[str, int, tuple[tuple[str, str], ...], tuple[object, ...]]


def read_rows(path: Path) -> dict[tuple[str, int], Row]:
    """Everything a file says of each element, for comparison."""
    rows = {}
    for thing in osmium.FileProcessor(path):
        said: tuple[object, ...] = ()
        if isinstance(thing, osmium.osm.Node):
            said = (thing.location.x, thing.location.y)
        elif isinstance(thing, osmium.osm.Way):
            said = tuple(node.ref for node in thing.nodes)
        elif isinstance(thing, osmium.osm.Relation):
            said = tuple((m.type, m.ref, m.role) for m in thing.members)
        key = (thing.type_str(), thing.id)
        rows[key] = (*key, tuple(sorted(dict(thing.tags).items())), said)
    return rows


# -- what arrives --------------------------------------------------------------------------------


@pytest.mark.shared
def test_what_is_fetched_is_what_the_extract_holds(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract = shared_data / "lauf" / "lauf-200115.osm.pbf"
    area = shapely.Polygon([(11.268, 49.506), (11.289, 49.507), (11.286, 49.519), (11.27, 49.517)])
    tags: dict[str, bool | list[str]] = {
        "shop": True, "building": True, "amenity": ["pharmacy", "doctors", "restaurant"],
        "highway": ["bus_stop"], "natural": ["water"], "leisure": ["park", "pitch"],
    }  # fmt: skip
    with loopback(extract) as running:
        use(running, monkeypatch)
        path = online.fetch_extract(area, tags=tags, cache_dir=tmp_path)
        asked = len(running.asked)
        again = online.fetch_extract(area, tags=dict(reversed(tags.items())), cache_dir=tmp_path)
        assert again == path
        assert len(running.asked) == asked, "the second call must make no request"
    original, fetched = read_rows(extract), read_rows(path)
    assert all(original[key] == row for key, row in fetched.items())

    expected = {key for key in inside(extract, area) if is_wanted(original[key], tags)}
    kinds = [sum(key[0] == kind for key in expected) for kind in "nwr"]
    assert kinds[0] > 100
    assert kinds[1] > 2000
    assert kinds[2] > 1
    assert expected <= set(fetched)
    refs = {("n", ref) for key in expected if key[0] == "w" for ref in original[key][3]}
    assert refs & set(original) <= set(fetched), "ways bring all nodes that the extract holds"


def is_wanted(row: Row, tags: dict[str, bool | list[str]]) -> bool:
    pairs = set(row[2])
    for key, values in tags.items():
        if isinstance(values, list):
            if pairs & {(key, value) for value in values}:
                return True
        elif any(key == held for held, _ in pairs):
            return True
    return row[0] == "w" and any(key == "highway" for key, _ in pairs)


def inside(extract: Path, area: shapely.Polygon) -> set[tuple[str, int]]:
    """Elements that meet `area`, found with Shapely from lines: not as the server finds them."""
    points, ways, lines, members = {}, [], [], []
    for thing in osmium.FileProcessor(extract):
        if isinstance(thing, osmium.osm.Node):
            points[thing.id] = (thing.location.lon, thing.location.lat)
        elif isinstance(thing, osmium.osm.Way):
            line = [points[node.ref] for node in thing.nodes if node.ref in points]
            if len(line) > 1 and len(line) == len(thing.nodes):
                ways.append(thing.id)
                lines.append(shapely.LineString(line))
        elif isinstance(thing, osmium.osm.Relation):
            members.append((thing.id, {(m.type, m.ref) for m in thing.members}))
    place = np.array(list(points.values()))
    touched = np.array(list(points))[shapely.intersects_xy(area, place[:, 0], place[:, 1])]
    crossed = np.array(ways)[shapely.intersects(lines, area)]
    met = {("n", number) for number in touched.tolist()} | {
        ("w", number) for number in crossed.tolist()
    }
    return met | {("r", number) for number, refs in members if refs & met}


def test_ways_come_whole_and_names_keep_their_letters(server: Loopback, tmp_path: Path) -> None:
    rows = read_rows(fetch(tmp_path))
    assert rows["w", 1][3] == (1, 2, 3), "the node far outside comes with its way"
    assert dict(rows["n", 4][2])["name"] == "Butikken på Ås"
    assert ("w", 2) in rows, "a ferry line may be walked on board"
    assert ("n", 5) not in rows, "nobody asked for benches"
    assert server.count("/api/interpreter") == 2


def test_nodes_of_a_street_come_with_what_they_say_of_crossings_and_kerbs(
    server: Loopback, tmp_path: Path
) -> None:
    assert server.url
    path = fetch(tmp_path)
    assert dict(read_rows(path)["n", 2][2]) == CROSSING
    ways = read_extract(path, {}, crs=pyproj.CRS(25832)).ways
    held = [dict(row.dropna()) for _, row in ways.node_tags.iterrows()]
    assert held == [{"kerb": "raised"}, CROSSING]
    assert ways.node_tags.index.tolist() == ways.node_of[:2].tolist()


def test_the_header_says_the_area_and_how_old_the_data_are(
    server: Loopback, tmp_path: Path
) -> None:
    assert server.url
    header = osmium.io.Reader(str(fetch(tmp_path))).header()
    assert header.get("osmosis_replication_timestamp") == "2020-01-15T20:00:00Z"
    corner = header.box().bottom_left
    assert (corner.lon, corner.lat) == pytest.approx(VILLAGE.bounds[:2])


def test_other_tags_or_another_area_are_another_file(server: Loopback, tmp_path: Path) -> None:
    assert server.url
    one = fetch(tmp_path)
    two = online.fetch_extract(VILLAGE, tags={"shop": True}, cache_dir=tmp_path)
    shifted = shapely.transform(VILLAGE, lambda xy: xy + 1e-3)
    three = online.fetch_extract(shifted, tags=WANTED, cache_dir=tmp_path)
    assert len({one, two, three}) == 3
    assert names_in(tmp_path) == sorted(path.name for path in (one, two, three))


def test_osmnx_is_left_as_it_was(server: Loopback, tmp_path: Path) -> None:
    def settings() -> dict[str, object]:
        return {k: v for k, v in vars(ox.settings).items() if not k.startswith("__")}

    before, resolver = settings(), socket.getaddrinfo
    fetch(tmp_path)
    server.fail("500", times=9)
    with pytest.raises(OnlineError):
        online.fetch_extract(VILLAGE, tags={}, cache_dir=tmp_path)
    assert settings() == before
    assert socket.getaddrinfo is resolver


def test_the_services_learn_who_is_asking(server: Loopback, tmp_path: Path) -> None:
    fetch(tmp_path)
    assert server.agents
    assert all(agent.startswith("arealstrategi") for agent in server.agents)


def test_the_online_path_asks_for_every_way_that_a_file_would_give() -> None:
    osm = pytest.importorskip("arealstrategi.sources.osm")
    assert {key: set(values) for key, values in online.OTHER_WAYS.items()} == osm.OTHER_WAYS


# -- when the service fails ----------------------------------------------------------------------

MOODS = {
    "429": "429 Too Many Requests",
    "504": "504 Gateway Timeout",
    "500": "500 Internal Server Error",
    "html": "no JSON",
    "remark": "Query timed out",
    "cut": "cut off",
    "hang": "no answer in time",
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ox.settings, "requests_timeout", 0.4)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mood", MOODS)
def test_two_failures_are_outlived(mood: str, server: Loopback, tmp_path: Path) -> None:
    server.fail(mood, times=2)
    path = fetch(tmp_path)
    assert ("w", 1) in read_rows(path)
    assert ("n", 4) in read_rows(path)
    assert server.count("/api/interpreter") == 2 + 2
    assert names_in(tmp_path) == [path.name]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mood", MOODS)
def test_lasting_failure_is_one_error_that_says_what_to_do(
    mood: str, server: Loopback, tmp_path: Path
) -> None:
    server.fail(mood, times=99)
    with pytest.raises(OnlineError) as caught:
        fetch(tmp_path)
    assert server.count("/api/interpreter") == 3, "three tries and no more"
    assert server.overpass_url in caught.value.message
    assert MOODS[mood] in caught.value.message
    assert "again" in caught.value.hint
    assert "geofabrik" in caught.value.hint
    assert "[osm]" in caught.value.hint
    assert not list(tmp_path.rglob("*.pbf*"))
    assert not list(tmp_path.rglob("*.json")), "a failed answer must not be kept"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mood", ["429", "cut", "hang"])
def test_what_was_fetched_before_the_failure_is_not_fetched_again(
    mood: str, server: Loopback, tmp_path: Path
) -> None:
    server.fail(mood, times=3, after=1)
    with pytest.raises(OnlineError):
        fetch(tmp_path)
    assert server.count("/api/interpreter") == 1 + 3
    path = fetch(tmp_path)
    assert server.count("/api/interpreter") == 1 + 3 + 1
    assert {("w", 1), ("n", 4)} <= set(read_rows(path))
    assert names_in(tmp_path) == [path.name]


def test_dead_server_is_told_at_once(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.url
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/api"
    monkeypatch.setattr(ox.settings, "overpass_url", dead)
    began = time.monotonic()
    with pytest.raises(OnlineError, match="Connection refused") as caught:
        fetch(tmp_path)
    assert dead in caught.value.message
    assert time.monotonic() - began < 5, "OSMnx alone would wait a minute for each try"


def test_unknown_host_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAUSES_S", ())
    monkeypatch.setattr(ox.settings, "overpass_url", "http://overpass.invalid/api")
    with pytest.raises(OnlineError, match=r"overpass\.invalid.* in 1 try: the connection failed"):
        fetch(tmp_path)


def test_waiting_for_a_slot_has_an_end(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online, "MOST_STATUS_LOOKS", 1)
    server.busy = True
    with pytest.raises(OnlineError, match="slot"):
        fetch(tmp_path)
    assert server.count("/api/interpreter") == 0, "who is told to wait does not ask"


def test_pauses_grow_and_a_longer_wish_of_the_service_is_heeded(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert web.PAUSES_S == (0.0, 0.0)
    paused = []
    monkeypatch.setattr(web, "PAUSES_S", (0.1, 0.2))
    monkeypatch.setattr(web.log, "warning", lambda *said: paused.append(said[-1]))
    server.fail("429", times=2)
    assert seconds(lambda: fetch(tmp_path / "a")) >= 0.3
    server.retry_after = "1"
    server.fail("429", times=1)
    assert seconds(lambda: fetch(tmp_path / "b")) >= 1.0
    assert paused == [0.1, 0.2, 1.0]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_who_asks_for_too_long_a_pause_is_not_asked_again(
    form: str, server: Loopback, tmp_path: Path
) -> None:
    server.retry_after = (
        "7200" if form == "seconds" else formatdate(time.time() + 7200, usegmt=True)
    )
    server.fail("429", times=1)
    with pytest.raises(OnlineError, match="1 try"):
        fetch(tmp_path)
    assert server.count("/api/interpreter") == 1


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_shipped_pauses_grow_and_give_three_tries() -> None:
    assert len(web.PAUSES_S) == 2
    assert 0 < web.PAUSES_S[0] < web.PAUSES_S[1]


# -- interruptions and broken caches -------------------------------------------------------------


def test_half_written_answer_of_an_interrupted_run_is_not_used(
    server: Loopback, tmp_path: Path
) -> None:
    server.fail("500", times=3, after=1)
    with pytest.raises(OnlineError):
        fetch(tmp_path)
    (answer,) = tmp_path.rglob("*.json")
    answer.write_text(answer.read_text()[:-20])
    path = fetch(tmp_path)
    assert ("w", 1) in read_rows(path)
    assert server.count("/api/interpreter") == 1 + 3 + 2


def test_answer_of_another_day_is_fetched_again(server: Loopback, tmp_path: Path) -> None:
    server.fail("500", times=3, after=1)
    with pytest.raises(OnlineError):
        fetch(tmp_path)
    (answer,) = tmp_path.rglob("*.json")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(answer, (two_days_ago, two_days_ago))
    fetch(tmp_path)
    assert server.count("/api/interpreter") == 1 + 3 + 2


def test_interrupted_writing_leaves_no_half_file(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr("osmium.osm.mutable.Way", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(tmp_path)
    assert not [name for name in names_in(tmp_path) if "pbf" in name]
    assert ("w", 1) in read_rows(fetch(tmp_path))
    assert server.count("/api/interpreter") == 2, "what was fetched is still there"


def test_ctrl_c_while_waiting_ends_the_run(server: Loopback, tmp_path: Path) -> None:
    server.fail("hang", times=1)
    program = f"""
import sys; from pathlib import Path; import osmnx as ox, shapely
from arealstrategi.sources import online, web
ox.settings.overpass_url = {server.overpass_url!r}
try:
    village = shapely.box(*{VILLAGE.bounds})
    online.fetch_extract(village, tags={{}}, cache_dir=Path({str(tmp_path)!r}))
except KeyboardInterrupt:
    sys.exit(130)
"""
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        while not server.count("/api/interpreter") and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    assert not list(tmp_path.rglob("*.pbf*"))


def test_cache_folder_that_cannot_be_made_is_one_error(server: Loopback, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="file"):
        fetch(tmp_path / "file" / "cache")
    assert not server.asked


# -- areas ---------------------------------------------------------------------------------------


def test_area_without_a_street_is_an_error_and_not_kept(server: Loopback, tmp_path: Path) -> None:
    assert server.url
    with pytest.raises(InputError, match=r"no street.*9\.000, 59\.100"):
        online.fetch_extract(FAR_OFF, tags=WANTED, cache_dir=tmp_path)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    "boundary",
    [
        shapely.Polygon(),
        shapely.box(569000, 6551000, 570000, 6552000),
        shapely.Polygon([(10, 59), (11, 60), (11, 59), (10, 60)]),
    ],
    ids=["empty", "metres", "self-crossing"],
)
def test_boundary_that_is_no_area_in_degrees_is_a_programming_mistake(
    boundary: shapely.Polygon, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="boundary"):
        online.fetch_extract(boundary, tags=WANTED, cache_dir=tmp_path)


def test_known_place_gives_its_name_and_boundary_and_is_asked_for_once(
    server: Loopback, tmp_path: Path
) -> None:
    name, area = online.geocode_area("Landsbyen, Norge", cache_dir=tmp_path)
    assert name == "Landsbyen"
    assert area.equals(VILLAGE)
    again = online.geocode_area("Landsbyen, Norge", cache_dir=tmp_path)
    assert again[0] == name
    assert again[1].equals(area)
    assert server.count("/search") == 1
    assert json.loads(next(tmp_path.iterdir()).read_text())["type"] == "Feature"


@pytest.mark.parametrize(
    ("place", "why"), [("Ingenby, Norge", "not at all"), ("Kaia, Norge", "only as a point")]
)
def test_place_without_an_area_is_an_error_that_names_it(
    place: str, why: str, server: Loopback, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=f"{place}.*{why}") as caught:
        online.geocode_area(place, cache_dir=tmp_path)
    assert "boundary" in caught.value.hint
    assert server.count("/search") == 1, "asking again would not help"
    assert names_in(tmp_path) == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mood", ["429", "hang"])
def test_failing_search_is_tried_again_and_then_one_error(
    mood: str, server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "PAUSES_S", (0.0,))
    server.fail(mood, times=2)
    with pytest.raises(OnlineError, match="2 tries") as caught:
        online.geocode_area("Landsbyen, Norge", cache_dir=tmp_path)
    assert server.nominatim_url in caught.value.message
    assert "[area]" in caught.value.hint
    assert server.count("/search") == 2
    assert names_in(tmp_path) == []


def test_municipality_is_found_by_its_number_and_its_swedish_twin_is_not_taken(
    server: Loopback, tmp_path: Path
) -> None:
    name, area = online.geocode_municipality("3907", cache_dir=tmp_path)
    assert name == "Sandefjord"
    assert area.equals(shapely.box(10.1, 59.0, 10.4, 59.3))
    assert server.count("/api/interpreter") == 1, "one query for the whole country"
    assert online.geocode_municipality("3907", cache_dir=tmp_path)[1].equals(area)
    assert server.count("/api/interpreter") == 1


def test_unknown_municipality_is_an_error_that_names_it(server: Loopback, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'3908'.*no boundary"):
        online.geocode_municipality("3908", cache_dir=tmp_path)
    with pytest.raises(InputError, match="'Sandefjord'"):
        online.geocode_municipality("Sandefjord", cache_dir=tmp_path)
    assert server.count("/api/interpreter") == 1
    assert names_in(tmp_path) == []


@pytest.mark.shared
def test_every_municipality_lies_mostly_in_the_drawn_norway(shared_data: Path) -> None:
    kommuner = gpd.read_file(shared_data / "norway" / "Kommuner-M.geojson")
    shapes = kommuner.geometry.make_valid()
    share = shapely.area(shapely.intersection(shapes, online.NORWAY)) / shapely.area(shapes)
    assert len(kommuner) == 357
    assert share.min() > 0.8


@pytest.mark.parametrize(
    ("town", "lon", "lat"),
    [("Charlottenberg", 12.30, 59.88), ("Årjäng", 12.13, 59.39), ("Idre", 12.72, 61.86),
     ("Åre", 13.08, 63.40), ("Gäddede", 14.14, 64.50), ("Hemavan", 15.09, 65.82),
     ("Kiruna", 20.23, 67.86), ("Kilpisjärvi", 20.80, 69.05), ("Utsjoki", 27.03, 69.91)],
)  # fmt: skip
def test_towns_beyond_the_border_lie_outside_the_drawn_norway(
    town: str, lon: float, lat: float
) -> None:
    assert not shapely.intersects_xy(online.NORWAY, lon, lat), town
