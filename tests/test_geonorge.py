"""The order API of Geonorge, against a replay of its documented form."""

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.errors import InputError, OnlineError
from arealstrategi.sources import geonorge as shop_client
from arealstrategi.sources import web
from arealstrategi.sources.geonorge import (
    DATASETS,
    EARLIER,
    Addresses,
    MissingError,
    Municipality,
    RestrictedError,
    await_order,
    cells_over,
    choose,
    find_municipality,
    newest_member,
    place_order,
    read_order,
)
from geonorge_server import POPULATION_2025, SANDEFJORD, Geonorge, geonorge

PARCELS, BORDERS = DATASETS["parcels"], DATASETS["borders"]
HEIGHTS, RESIDENTS = DATASETS["elevation"], DATASETS["population"]
PLACE = Municipality("3907", "Sandefjord", SANDEFJORD)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Geonorge]:
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(shop_client, "POLL_S", 0.01)
    with geonorge() as running:
        yield running


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


# -- which municipality --------------------------------------------------------------------------


def test_a_municipality_is_found_with_its_name_and_box(shop: Geonorge) -> None:
    assert find_municipality("3907", shop.addresses) == PLACE


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("3906", "3907 Sandefjord"),
        ("Sandefjor", "3907 Sandefjord"),
        ("301", "0301 Oslo"),
        ("3804", "Since the reform of 2024 Sandefjord has 3907"),
        ("../3907", "Give its four digits"),
    ],
)
def test_an_unknown_number_is_told_with_what_may_be_meant(
    asked: str, told: str, shop: Geonorge
) -> None:
    with pytest.raises(InputError, match=re.escape(repr(asked))) as caught:
        find_municipality(asked, shop.addresses)
    assert told in caught.value.hint


@pytest.mark.shared
def test_earlier_numbers_lead_to_numbers_that_exist_and_are_themselves_gone(
    shared_data: Path,
) -> None:
    towns = gpd.read_file(shared_data / "norway" / "Kommuner-M.geojson", ignore_geometry=True)
    numbers = set(towns["kommunenummer"])
    assert set(EARLIER.values()) <= numbers
    assert not set(EARLIER) & numbers


# -- what can be had -----------------------------------------------------------------------------


def test_the_smallest_area_the_best_format_and_the_zone_of_the_place_are_ordered(
    shop: Geonorge,
) -> None:
    body = choose(PARCELS, PLACE, shop.addresses).body
    assert body == {
        "orderLines": [
            {
                "metadataUuid": "74340c24-1c8a-4454-b813-bfe498e80f16",
                "areas": [{"code": "3907", "name": "Sandefjord", "type": "kommune"}],
                "projections": [
                    {
                        "code": "25832",
                        "name": "EUREF89 UTM sone 32, 2d",
                        "codespace": "http://www.opengis.net/def/crs/EPSG/0/25832",
                    }
                ],
                "formats": [{"name": "FGDB 10.0"}],
            }
        ]
    }, "neither an e-mail address nor anything else about who asks"


def test_without_the_municipality_the_county_counts_and_then_the_country(shop: Geonorge) -> None:
    county = choose(BORDERS, PLACE, shop.addresses)
    assert county.area == "fylke"
    assert county.told == "Vestfold (fylke), FGDB, EPSG:25833"
    residents = newest_member(RESIDENTS, shop.addresses)
    country = choose(residents, PLACE, shop.addresses)
    assert country.body["orderLines"][0]["areas"][0]["code"] == "0000"


def test_a_format_is_sent_as_it_is_written_in_the_list(shop: Geonorge) -> None:
    shop.shelves[BORDERS.uuid].offers = {"4258": ["GeoJSON ", "PostGIS 12"]}
    line = choose(BORDERS, PLACE, shop.addresses).body["orderLines"][0]
    assert line["formats"] == [{"name": "GeoJSON "}]
    assert line["projections"][0]["code"] == "4258", "any CRS rather than none: it is read"


def test_a_crs_that_is_asked_for_is_the_one_or_none(shop: Geonorge) -> None:
    line = choose(PARCELS, PLACE, shop.addresses, crs="EPSG:25833").body["orderLines"][0]
    assert (line["projections"][0]["code"], line["formats"][0]["name"]) == ("25833", "GML 3.2.1")
    with pytest.raises(OnlineError, match=r"FGDB 10\.0 in EPSG:25832"):
        choose(PARCELS, PLACE, shop.addresses, crs="EPSG:25835")


def test_formats_that_are_not_read_are_not_ordered(shop: Geonorge) -> None:
    shop.shelves[PARCELS.uuid].offers = {"25832": ["PostGIS 12", "SOSI 4.5"]}
    with pytest.raises(OnlineError, match="it gives PostGIS 12 in EPSG:25832, SOSI"):
        choose(PARCELS, PLACE, shop.addresses)


def test_offers_that_stand_under_the_formats_alone_are_understood() -> None:
    area = {
        "formats": [{"name": "GML", "projections": [{"code": "25832"}]}],
        "projections": [{"code": "25832"}],
    }
    assert shop_client._offers(area) == [("25832", "GML")]


def test_an_area_that_is_not_offered_is_told(shop: Geonorge) -> None:
    shop.shelves[PARCELS.uuid].areas = [("kommune", "0301", "Oslo")]
    with pytest.raises(OnlineError, match=r"no Matrikkelen.* of 3907 Sandefjord .*kommune"):
        choose(PARCELS, PLACE, shop.addresses)


def test_a_data_set_that_is_not_there_is_told(shop: Geonorge) -> None:
    del shop.shelves[PARCELS.uuid]
    with pytest.raises(MissingError, match="does not offer Matrikkelen") as caught:
        choose(PARCELS, PLACE, shop.addresses)
    assert "kartkatalog.geonorge.no/metadata/74340c24" in caught.value.hint


def test_the_newest_year_of_a_series_is_taken(shop: Geonorge) -> None:
    member = newest_member(RESIDENTS, shop.addresses)
    assert (member.uuid, member.title) == (POPULATION_2025, "Befolkning på rutenett 250 m 2025")
    assert member.attribution == "Kilde: SSB"
    with pytest.raises(OnlineError, match="lists no member of the series"):
        newest_member(PARCELS, shop.addresses)


# -- cells of the terrain model ------------------------------------------------------------------

# Cells whose names were seen in published lists, and a town that lies in each.
KNOWN_CELLS = {
    "6602-2": (10.93, 59.67),  # Drøbak lies in UTM33 260 km, 6,622 km
    "6602-1": (10.75, 59.91),  # Oslo
    "7002-2": (10.40, 63.42),  # Trondheim
    "7405-4": (15.3, 67.25),  # Sjunkhatten
}


@pytest.mark.parametrize(("code", "at"), KNOWN_CELLS.items())
def test_a_place_lies_in_the_cell_that_is_published_for_it(
    code: str, at: tuple[float, float]
) -> None:
    lon, lat = at
    place = Municipality("0000", "", (lon - 1e-4, lat - 1e-4, lon + 1e-4, lat + 1e-4))
    assert code in cells_over(place)


@given(
    east=st.integers(-1, 11),
    north=st.integers(64, 79),
    x=st.floats(5e3, 95e3),
    y=st.floats(5e3, 95e3),
)
def test_the_quarter_of_a_square_follows_the_clock_from_north_east(
    east: int, north: int, x: float, y: float
) -> None:
    to_degrees = pyproj.Transformer.from_crs(25833, 4326, always_xy=True)
    lon, lat = to_degrees.transform(east * 1e5 + x, north * 1e5 + y)
    codes = cells_over(Municipality("0000", "", (lon, lat, lon + 1e-6, lat + 1e-6)))
    quarter = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}
    assert f"{north}{east % 100:02d}-{quarter[x >= 5e4, y >= 5e4]}" in codes
    assert len(codes) <= 4


def test_all_cells_that_meet_a_town_are_ordered(shop: Geonorge) -> None:
    choice = choose(HEIGHTS, PLACE, shop.addresses)
    ordered = {area["code"] for area in choice.body["orderLines"][0]["areas"]}
    corners = shapely.box(*SANDEFJORD).exterior.coords
    to_utm = pyproj.Transformer.from_crs(4326, 25833, always_xy=True)
    for lon, lat in corners:
        x, y = to_utm.transform(lon, lat)
        assert f"{int(y // 1e5)}{int(x // 1e5):02d}" in {code[:4] for code in ordered}
    assert {area["code"] for area in choice.body["orderLines"][0]["areas"]} == cells_over(PLACE)
    assert {area["type"] for area in choice.body["orderLines"][0]["areas"]} == {
        "celle",
        "ikke spesifisert",
    }, "the list has two names for cells, and each is sent as it is written"


# -- orders --------------------------------------------------------------------------------------


def test_an_order_gives_a_receipt_with_addresses(shop: Geonorge) -> None:
    choice = choose(PARCELS, PLACE, shop.addresses)
    receipt = place_order(PARCELS, choice)
    (file,) = receipt.files
    assert file.name == "Basisdata_3907_Sandefjord_25832_MatrikkelenEiendomskartTeig_FGDB.zip"
    assert file.address.startswith(shop.url)
    assert read_order(PARCELS, choice, receipt.reference) == receipt


def test_an_order_that_is_not_ready_is_asked_for_again(shop: Geonorge) -> None:
    shop.pending = 3
    told: list[str] = []
    choice = choose(PARCELS, PLACE, shop.addresses)
    receipt = place_order(PARCELS, choice)
    assert receipt.waits
    ready = await_order(PARCELS, choice, receipt, patience_s=10.0, progress=told.append)
    assert not ready.waits
    assert ready.files[0].address
    assert len(told) == 3
    assert shop.count("/api/order") == 4, "one order, asked for three times"


def test_waiting_for_an_order_has_an_end(shop: Geonorge) -> None:
    shop.pending = 1_000
    choice = choose(PARCELS, PLACE, shop.addresses)
    receipt = place_order(PARCELS, choice)
    with pytest.raises(OnlineError, match=f"the order {receipt.reference} is remembered"):
        await_order(PARCELS, choice, receipt, patience_s=0.05, progress=lambda _: None)


def test_an_order_of_nothing_is_told(shop: Geonorge) -> None:
    shop.no_files = True
    choice = choose(PARCELS, PLACE, shop.addresses)
    with pytest.raises(OnlineError, match="took the order but lists no file"):
        place_order(PARCELS, choice)


def test_an_order_that_is_no_longer_known_is_missing(shop: Geonorge) -> None:
    choice = choose(PARCELS, PLACE, shop.addresses)
    with pytest.raises(MissingError, match="no longer knows the order 3f85"):
        read_order(PARCELS, choice, "3f85")


# -- what can go wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mood", "told"),
    [
        ("json", "no JSON, it begins with"),
        ("html", "a web page instead of data"),
        ("500", "answered 500"),
    ],
)
def test_an_answer_that_cannot_be_used_is_outlived_twice_and_then_told(
    mood: str, told: str, shop: Geonorge
) -> None:
    shop.moody, shop.moods = "/api/codelists", [mood] * 2
    assert choose(PARCELS, PLACE, shop.addresses).area == "kommune"
    shop.moods = [mood] * 3
    with pytest.raises(OnlineError, match=told) as caught:
        choose(PARCELS, PLACE, shop.addresses)
    assert "download it by hand from https://kartkatalog.geonorge.no" in caught.value.hint


@pytest.mark.parametrize("mood", ["401", "403", "login"])
def test_a_login_is_told_at_once_and_what_to_do(mood: str, shop: Geonorge) -> None:
    shop.moody, shop.moods = "/api/codelists", [mood]
    with pytest.raises(RestrictedError, match="krever Norge digitalt-avtale") as caught:
        choose(PARCELS, PLACE, shop.addresses)
    assert "name the file in the strategy" in caught.value.hint
    assert shop.count("/api/codelists") == 1


def test_a_data_set_for_a_role_is_not_even_ordered(shop: Geonorge) -> None:
    shop.shelves[PARCELS.uuid].role = "nd.dataset"
    with pytest.raises(RestrictedError):
        choose(PARCELS, PLACE, shop.addresses)


def test_an_order_refused_as_restricted_is_told_as_such(shop: Geonorge) -> None:
    shop.refuses_order = True
    choice = choose(PARCELS, PLACE, shop.addresses)
    with pytest.raises(RestrictedError):
        place_order(PARCELS, choice)


def test_a_dead_server_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))
    url = closed_port()
    with pytest.raises(OnlineError, match="Connection refused"):
        choose(PARCELS, PLACE, Addresses(f"{url}/api", url, url))
    with pytest.raises(OnlineError, match="Connection refused"):
        find_municipality("3907", Addresses(url, url, url))


def test_answers_of_odd_shape_are_one_clear_error(shop: Geonorge) -> None:
    odd = replace(PARCELS, uuid="odd")
    shop.shelves["odd"] = replace(shop.shelves[PARCELS.uuid], areas=[("", "", "")], offers={})
    with pytest.raises(OnlineError, match="kinds of areas: none"):
        choose(odd, PLACE, shop.addresses)
