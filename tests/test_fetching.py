"""The command ``fetch``, against a replay of Geonorge and of Overpass."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import osmnx as ox
import pytest
import rasterio
from rasterio.transform import Affine

from arealstrategi import fetching
from arealstrategi.errors import InputError, OnlineError, OutputError
from arealstrategi.fetching import FetchedFile, UnfinishedError, strategy_snippet
from arealstrategi.provenance import origin_path, read_origin, sha256
from arealstrategi.sources import geonorge as shop_client
from arealstrategi.sources import osm, web
from arealstrategi.sources.elevation import sample_heights
from arealstrategi.sources.geonorge import DATASETS, Addresses
from arealstrategi.strategy import Strategy
from geonorge_server import Geonorge, geonorge, zipped
from loopback import loopback

PARCELS = "Basisdata_3907_Sandefjord_25832_MatrikkelenEiendomskartTeig_FGDB.zip"
BORDERS = "Basisdata_39_Vestfold_25833_Kommuner_FGDB.zip"
RESIDENTS = "Basisdata_0000_Hele_landet_25833_BefolkningPaRutenett250m_FGDB.zip"
CELLS = {"6502-3": "6502_3_10m_z33.tif", "6502-4": "6502_4_10m_z33.tif"}
ORDERED = ["parcels", "borders", "population", "elevation"]


@pytest.fixture
def shop(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Geonorge]:
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(shop_client, "POLL_S", 0.01)
    with geonorge() as running:
        running.files = {
            PARCELS: zipped(Teig_gml=os.urandom(400_000)),
            BORDERS: zipped(Kommuner_gml=b"borders"),
            RESIDENTS: zipped(Rutenett_gml=b"residents"),
        }
        made = tmp_path_factory.mktemp("cells")
        for place, (cell, name) in enumerate(CELLS.items()):
            tif = heights(made / name, west=200_000.0, north=6_550_000.0 + 50_000 * place)
            packed = zipped(**{name.replace(".tif", "_tif"): tif, "les_txt": b"read me"})
            running.files[f"Basisdata_{cell}_Celle_25833_DTM10UTM33_TIFF.zip"] = packed
        yield running


def heights(path: Path, *, west: float, north: float) -> bytes:
    """A cell of 50 km in coarse steps, as high as its row from the north."""
    rows = np.repeat(np.arange(50, dtype="float32")[:, None], 50, axis=1)
    at = Affine(1_000.0, 0.0, west, 0.0, -1_000.0, north)
    profile = {"driver": "GTiff", "width": 50, "height": 50, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", crs="EPSG:25833", transform=at, **profile) as raster:
        raster.write(rows, 1)
    return path.read_bytes()


@pytest.fixture
def overpass(write_osm: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An Overpass that holds a street, a shop and the municipality, and one street far away."""
    ring = {1: (10.1, 59.0), 2: (10.4, 59.0), 3: (10.4, 59.3), 4: (10.1, 59.3)}
    border = {"type": "boundary", "boundary": "administrative", "admin_level": "7"}
    extract = write_osm(
        {**ring, 5: (10.2, 59.1), 6: (10.21, 59.1), 7: (10.2, 59.1, {"shop": "supermarket"}),
         8: (9.0, 59.1), 9: (9.01, 59.1)},
        {1: ([1, 2, 3, 4, 1], {}), 2: ([5, 6], {"highway": "residential"}),
         3: ([8, 9], {"highway": "residential"})},
        {1: ([("w", 1, "outer")], {**border, "ref": "3907", "name": "Sandefjord"})},
    )  # fmt: skip
    with loopback(extract) as running:
        monkeypatch.setattr(ox.settings, "overpass_url", running.overpass_url)
        yield running.overpass_url


def fetch(
    shop: Geonorge, folder: Path, only: list[str] | None = None, **more: Any
) -> list[FetchedFile]:
    chosen = ORDERED if only is None else only
    return fetching.fetch("3907", folder=folder, only=chosen, addresses=shop.addresses, **more)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# -- what comes ----------------------------------------------------------------------------------


def test_everything_comes_with_where_it_is_from(
    shop: Geonorge, overpass: str, tmp_path: Path
) -> None:
    told: list[str] = []
    files = fetching.fetch(
        "3907", folder=tmp_path / "raw", addresses=shop.addresses, progress=told.append
    )
    assert overpass
    assert [file.name for file in files] == [
        "parcels", "borders", "population", "elevation", "elevation", "osm"
    ]  # fmt: skip
    for file in files:
        origin = read_origin(file.path)
        assert origin == file.origin
        assert origin is not None
        assert origin.sha256 == sha256(file.path)
        assert origin.fetched.endswith("+00:00")
    licences = {file.name: (file.origin.licence, file.origin.attribution) for file in files}
    assert licences == {
        "parcels": ("CC BY 4.0", "© Kartverket"),
        "borders": ("CC BY 4.0", "© Kartverket"),
        "population": ("CC BY 4.0", "Kilde: SSB"),
        "elevation": ("CC BY 4.0", "© Kartverket"),
        "osm": ("ODbL 1.0", "© OpenStreetMap contributors"),
    }
    assert files[0].path.read_bytes() == shop.files[PARCELS], "the zip as it came"
    assert "Matrikkelen – Eiendomskart Teig: Sandefjord (kommune), FGDB 10.0, EPSG:25832" in told
    assert any("Vestfold (fylke)" in text for text in told)
    assert names_in(tmp_path / "raw") == {
        *(file.path.name for file in files),
        *(origin_path(file.path).name for file in files),
        "fetch-3907.json",
    }


def test_rasters_are_unpacked_and_read(shop: Geonorge, tmp_path: Path) -> None:
    files = fetch(shop, tmp_path, ["elevation"])
    assert {file.path.name for file in files} == set(CELLS.values())
    at = np.array([[225_000.0, 6_539_500.0], [225_000.0, 6_589_500.0]])
    heights = sample_heights([file.path for file in files], at, rasterio.crs.CRS.from_epsg(25833))
    assert heights == pytest.approx([10.0, 10.0])


def test_the_extract_reaches_beyond_the_municipality_and_knows_its_border(
    shop: Geonorge, overpass: str, tmp_path: Path
) -> None:
    assert overpass
    (file,) = fetch(shop, tmp_path, ["osm"])
    name, border = osm.read_boundary(file.path, ref="3907")
    assert name == "Sandefjord"
    assert border.bounds == pytest.approx((10.1, 59.0, 10.4, 59.3))
    assert shop.count("/api") == 0


def test_nothing_about_who_asks_is_sent(shop: Geonorge, tmp_path: Path) -> None:
    fetch(shop, tmp_path)
    sent = json.dumps(shop.bodies)
    assert "mail" not in sent
    assert "user" not in sent.casefold()


# -- what was done before ------------------------------------------------------------------------


def test_what_is_there_unchanged_is_not_asked_for_again(
    shop: Geonorge, overpass: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert overpass
    first = fetch(shop, tmp_path, [*ORDERED, "osm"])
    asked = len(shop.asked)
    monkeypatch.setattr(ox.settings, "overpass_url", "http://127.0.0.1:9")
    assert fetch(shop, tmp_path, [*ORDERED, "osm"]) == first
    assert len(shop.asked) == asked


def test_a_file_that_was_changed_is_fetched_anew_and_the_others_are_not(
    shop: Geonorge, tmp_path: Path
) -> None:
    fetch(shop, tmp_path)
    (tmp_path / PARCELS).write_bytes(b"changed")
    (tmp_path / CELLS["6502-3"]).unlink()
    before = len(shop.ranges)
    fetch(shop, tmp_path)
    assert (tmp_path / PARCELS).read_bytes() == shop.files[PARCELS]
    assert (tmp_path / CELLS["6502-3"]).exists()
    assert len(shop.ranges) == before + 2
    assert len(shop.bodies) == len(ORDERED), "the remembered orders are asked for, not placed anew"


def test_a_download_that_was_cut_goes_on_in_the_next_run(shop: Geonorge, tmp_path: Path) -> None:
    shop.moody, shop.moods = "/geonorge", ["cut", "500", "500"]
    with pytest.raises(UnfinishedError, match="answered 500"):
        fetch(shop, tmp_path, ["parcels"])
    assert PARCELS not in names_in(tmp_path)
    fetch(shop, tmp_path, ["parcels"])
    assert shop.ranges[-1].startswith("bytes=")
    assert (tmp_path / PARCELS).read_bytes() == shop.files[PARCELS]
    assert len(shop.bodies) == 1


def test_cells_that_came_before_the_failure_are_not_fetched_again(
    shop: Geonorge, tmp_path: Path
) -> None:
    shop.moody, shop.moods = "/geonorge", ["", "500", "500", "500"]
    with pytest.raises(UnfinishedError):
        fetch(shop, tmp_path, ["elevation"])
    assert len(names_in(tmp_path) & set(CELLS.values())) == 1
    assert len(fetch(shop, tmp_path, ["elevation"])) == 2
    assert len(shop.ranges) == 2


def test_an_order_that_was_not_ready_is_asked_for_in_the_next_run(
    shop: Geonorge, tmp_path: Path
) -> None:
    shop.pending = 1_000
    with pytest.raises(UnfinishedError, match="is remembered"):
        fetch(shop, tmp_path, ["parcels"], patience_s=0.03)
    shop.pending = 0
    assert len(fetch(shop, tmp_path, ["parcels"])) == 1
    assert len(shop.bodies) == 1


def test_an_order_that_geonorge_forgot_is_placed_anew(shop: Geonorge, tmp_path: Path) -> None:
    shop.pending = 1_000
    with pytest.raises(UnfinishedError):
        fetch(shop, tmp_path, ["parcels"], patience_s=0.03)
    shop.orders.clear()
    shop.pending = 0
    assert len(fetch(shop, tmp_path, ["parcels"])) == 1
    assert len(shop.bodies) == 2


def test_a_file_that_geonorge_has_no_longer_is_ordered_anew_in_the_next_run(
    shop: Geonorge, tmp_path: Path
) -> None:
    kept = shop.files.pop(PARCELS)
    with pytest.raises(UnfinishedError, match="no longer has"):
        fetch(shop, tmp_path, ["parcels"])
    shop.files[PARCELS] = kept
    fetch(shop, tmp_path, ["parcels"])
    assert len(shop.bodies) == 2


def test_another_crs_is_another_order(shop: Geonorge, tmp_path: Path) -> None:
    fetch(shop, tmp_path, ["parcels"])
    other = PARCELS.replace("25832", "25833").replace("FGDB", "GML")
    shop.files[other] = zipped(Teig_gml=b"in 33")
    (file,) = fetch(shop, tmp_path, ["parcels"], crs="EPSG:25833")
    assert file.path.name == other


@pytest.mark.parametrize("notes", ["", "[]", '{"orders": []}', '{"orders": {"parcels": 1}}'])
def test_damaged_notes_are_written_anew(notes: str, shop: Geonorge, tmp_path: Path) -> None:
    (tmp_path / "fetch-3907.json").write_text(notes, encoding="utf-8")
    assert len(fetch(shop, tmp_path, ["parcels"])) == 1
    assert len(fetch(shop, tmp_path, ["parcels"])) == 1
    assert len(shop.bodies) == 1


def test_a_file_of_the_users_own_is_not_replaced(shop: Geonorge, tmp_path: Path) -> None:
    (tmp_path / PARCELS).write_bytes(b"by hand")
    with pytest.raises(UnfinishedError, match="was not fetched by this command"):
        fetch(shop, tmp_path, ["parcels"])
    assert (tmp_path / PARCELS).read_bytes() == b"by hand"


# -- what can go wrong ---------------------------------------------------------------------------


def test_one_that_fails_does_not_lose_the_others(shop: Geonorge, tmp_path: Path) -> None:
    del shop.shelves[DATASETS["borders"].uuid]
    shop.shelves[DATASETS["elevation"].uuid].role = "nd.dataset"
    with pytest.raises(UnfinishedError) as caught:
        fetch(shop, tmp_path)
    text = str(caught.value)
    assert "2 of the data sets did not come" in text
    assert "borders: Geonorge does not offer" in text
    assert "elevation: DTM 10" in text
    assert "krever Norge digitalt-avtale" in text
    assert [file.name for file in caught.value.files] == ["parcels", "population"]
    assert str(tmp_path / PARCELS) in text


def test_a_login_in_front_of_a_file_is_told_at_once(shop: Geonorge, tmp_path: Path) -> None:
    shop.login = True
    with pytest.raises(UnfinishedError, match="krever Norge digitalt-avtale"):
        fetch(shop, tmp_path, ["parcels"])
    assert shop.count("/api/download") == 1
    assert names_in(tmp_path) <= {"fetch-3907.json", ".arriving"}


def test_what_geonorge_could_not_make_is_told_and_the_rest_is_kept(
    shop: Geonorge, tmp_path: Path
) -> None:
    shop.failing = "6502-4"
    with pytest.raises(UnfinishedError, match=r"could not make .*6502-4.*\(Error\)"):
        fetch(shop, tmp_path, ["elevation"])
    assert CELLS["6502-3"] in names_in(tmp_path)
    shop.failing = ""
    assert len(fetch(shop, tmp_path, ["elevation"])) == 2


def with_a_byte_changed(content: bytes) -> bytes:
    middle = content.index(b"Teig.gml") + 20
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


UNSOUND = {
    "no zip": (b"PK\x03\x04 no zip", "came damaged"),
    "cut": (zipped(Teig_gml=b"x" * 999)[:-30], "came damaged"),
    "one byte": (with_a_byte_changed(zipped(Teig_gml=bytes(range(256)))), "came damaged"),
    "above": (zipped(**{"../../Teig_gml": b"x"}), "would leave its folder"),
    "drive": (zipped(**{"C:\\Teig_gml": b"x"}), "would leave its folder"),
    "root": (zipped(**{"/etc/Teig_gml": b"x"}), "would leave its folder"),
}


@pytest.mark.parametrize(("content", "told"), UNSOUND.values(), ids=UNSOUND)
def test_a_zip_that_is_not_sound_is_not_kept(
    content: bytes, told: str, shop: Geonorge, tmp_path: Path
) -> None:
    shop.files[PARCELS] = content
    with pytest.raises(UnfinishedError, match=told):
        fetch(shop, tmp_path, ["parcels"])
    assert names_in(tmp_path) == {"fetch-3907.json"}


def test_heights_without_a_raster_are_told(shop: Geonorge, tmp_path: Path) -> None:
    for name in shop.files:
        shop.files[name] = zipped(les_txt=b"nothing here")
    with pytest.raises(UnfinishedError, match="holds no GeoTIFF"):
        fetch(shop, tmp_path, ["elevation"])


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\x.zip", "x.zip"),
        ("/a/b c.zip", "b_c.zip"),
        (".hidden", "hidden"),
        ("..", ""),
        ("", ""),
    ],
)
def test_names_from_the_web_stay_in_the_folder(name: str, safe: str) -> None:
    assert fetching._safe_name(name) == safe


def test_without_a_connection_there_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setattr(ox.settings, "overpass_url", url)
    with pytest.raises(OnlineError, match="Connection refused"):
        fetching.fetch("3907", folder=tmp_path, addresses=Addresses(url, url, url))


def test_the_place_is_looked_up_in_openstreetmap_where_kartverket_does_not_answer(
    shop: Geonorge, overpass: str, tmp_path: Path
) -> None:
    assert overpass
    shop.moody, shop.moods = "/kommuneinfo", ["500"] * 3
    assert len(fetch(shop, tmp_path, ["parcels"])) == 1


def test_an_unknown_municipality_stops_everything(shop: Geonorge, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'3906' is not the number") as caught:
        fetching.fetch("3906", folder=tmp_path, addresses=shop.addresses)
    assert "3907 Sandefjord" in caught.value.hint
    assert names_in(tmp_path) == set()


def test_an_unknown_data_set_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--only parcel:") as caught:
        fetching.fetch("3907", folder=tmp_path, only=["parcel"])
    assert "Did you mean parcels?" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_one_error(shop: Geonorge, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        fetch(shop, tmp_path / "file")


def test_ctrl_c_during_a_download_leaves_nothing_half_under_its_name(
    shop: Geonorge, tmp_path: Path
) -> None:
    shop.moody, shop.moods = "/geonorge", ["cut"]
    program = (
        "import sys\n"
        "from arealstrategi import fetching\n"
        "from arealstrategi.sources.geonorge import Addresses\n"
        "from pathlib import Path\n"
        "fetching.fetch('3907', folder=Path(sys.argv[1]), only=['parcels'],"
        " addresses=Addresses(*sys.argv[2:]))\n"
    )
    places = shop.addresses
    command = [sys.executable, "-c", program, str(tmp_path), places.download, places.catalogue]
    with subprocess.Popen([*command, places.municipalities], stderr=subprocess.DEVNULL) as run:
        until = time.monotonic() + 30
        while not shop.ranges and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.3)  # it waits before its second try
        run.send_signal(signal.SIGINT)
        assert run.wait(60) != 0
    assert names_in(tmp_path) == {"fetch-3907.json", ".arriving"}
    fetch(shop, tmp_path, ["parcels"])
    assert (tmp_path / PARCELS).read_bytes() == shop.files[PARCELS]
    assert shop.ranges[-1].startswith("bytes=")
    assert names_in(tmp_path) == {"fetch-3907.json", PARCELS, f"{PARCELS}.source.json"}


# -- the snippet ---------------------------------------------------------------------------------


def test_the_snippet_is_a_strategy_that_names_the_files(
    shop: Geonorge, overpass: str, tmp_path: Path
) -> None:
    assert overpass
    files = fetch(shop, tmp_path, [*ORDERED, "osm"])
    told = tomllib.loads(strategy_snippet(files))
    at = {file.name: file.path.as_posix() for file in files}
    assert told == {
        "area": {"kommune": "3907"},
        "parcels": {"source": at["parcels"]},
        "osm": {"source": at["osm"]},
        "population": {"grid": at["population"]},
        "terrain": {"elevation": [(tmp_path / name).as_posix() for name in CELLS.values()]},
    }
    plan = Strategy.model_validate(told)
    assert plan.area.kommune == "3907"


def test_the_border_is_named_where_it_is_of_the_municipality_alone(
    shop: Geonorge, tmp_path: Path
) -> None:
    (file,) = fetch(shop, tmp_path, ["borders"])
    assert "boundary" not in strategy_snippet([file]), "a county's would be all its municipalities"
    assert f"# boundary = {json.dumps(str(file.path))}" in strategy_snippet(
        [replace(file, area="kommune")]
    )


def test_no_files_give_no_snippet() -> None:
    assert strategy_snippet([]) == ""
