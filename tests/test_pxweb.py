"""PxWebApi v2 against a server on the loopback address that replays its documented form."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from arealstrategi.errors import OnlineError
from arealstrategi.provenance import read_origin
from arealstrategi.sources import web
from arealstrategi.sources.statistics import pxweb as client
from arealstrategi.sources.statistics.pxweb import Service
from pxweb_server import PxWeb, people, pxweb


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PxWeb]:
    monkeypatch.setattr(web, "PAUSES_S", (0.01, 0.02))
    with pxweb() as running:
        yield running


def test_all_pages_of_a_search_are_read_and_discontinued_tables_left_out(server: PxWeb) -> None:
    found = client.search_tables(
        "title:framskrevet AND title:folkemengde", service=Service(server.base)
    )
    assert found["id"].tolist() == ["14288", "14990", "14282"]
    assert found["first_period"].tolist() == ["2024", "2026", "2027"]
    assert len(server.asked) == 2


def test_numbers_come_as_one_row_each_with_code_and_label(server: PxWeb) -> None:
    chosen = {
        "Region": ["3907"],
        "Alder": ["067", "105+"],
        "ContentsCode": ["Personer1"],
        "Tid": ["2025", "2026"],
    }
    numbers, _ = client.read_table("07459", chosen, service=Service(server.base))
    assert numbers[["Alder", "Tid"]].to_numpy().tolist() == [
        ["067", "2025"], ["067", "2026"], ["105+", "2025"], ["105+", "2026"],
    ]  # fmt: skip
    expected = [
        sum(people("3907", sex, age, "Personer1", year) for sex in "12")
        for age in ("067", "105+")
        for year in ("2025", "2026")
    ]
    assert numbers["value"].tolist() == expected
    assert numbers["Alder_label"].tolist()[-1] == "105 år eller eldre"
    assert numbers.attrs["updated"] == "2026-02-25T07:00:00Z"


def test_a_question_too_large_is_cut_and_gives_the_same_numbers(server: PxWeb) -> None:
    ages = [f"{age:03d}" for age in range(100)]
    chosen = {
        "Region": ["3907", "3905"],
        "Alder": ages,
        "ContentsCode": ["Personer1"],
        "Tid": ["2024", "2025", "2026"],
    }
    keys = ["Region", "Alder", "Tid"]
    whole, _ = client.read_table("07459", chosen, service=Service(server.base))
    server.most_cells = 37
    asked = len(server.asked)
    pieces, answers = client.read_table(
        "07459", chosen, service=Service(server.base), most_cells=37
    )
    assert len(answers) == len(server.asked) - asked > 600 / 37
    order = whole.sort_values(keys).reset_index(drop=True)
    assert pieces.sort_values(keys).reset_index(drop=True).equals(order)


def test_what_the_service_refuses_is_told_in_its_own_words(server: PxWeb) -> None:
    with pytest.raises(OnlineError, match="Missing selection for mandantory variable"):
        client.read_table("07459", {"Region": ["3907"]}, service=Service(server.base))
    assert len(server.asked) == 1  # asking again cannot help
    with pytest.raises(OnlineError, match="Non-existent table"):
        client.read_metadata("99999", service=Service(server.base))


@pytest.mark.parametrize("mood", ["429", "503", "cut"])
def test_a_passing_failure_is_asked_again(server: PxWeb, mood: str) -> None:
    server.fail(mood, times=2)
    metadata = client.read_metadata("07459", service=Service(server.base))
    assert metadata.document["class"] == "dataset"
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("mood", "told"),
    [
        ("429", "429"),
        ("403", "403"),
        ("cut", "cut off"),
        ("html", "no JSON .*oppdateres"),
        ("form", "not metadata"),
    ],
)
def test_a_lasting_failure_is_one_clear_error_and_keeps_no_file(
    server: PxWeb, tmp_path: Path, mood: str, told: str
) -> None:
    server.fail(mood, times=9)
    with pytest.raises(OnlineError, match=told) as error:
        client.read_metadata("07459", service=Service(server.base, tmp_path))
    assert error.value.hint
    if mood != "form":
        assert list(tmp_path.iterdir()) == []


def test_answers_are_kept_with_date_and_licence_and_not_asked_for_again(
    server: PxWeb, tmp_path: Path
) -> None:
    service = Service(server.base, tmp_path / "cache")
    first = client.read_metadata("07459", service=service)
    again = client.read_metadata("07459", service=service)
    assert len(server.asked) == 1
    assert again == first
    assert first.path is not None
    origin = read_origin(first.path)
    assert origin is not None
    assert (origin.licence, origin.attribution) == ("CC BY 4.0 / NLOD", "Kilde: SSB")
    assert origin.fetched == first.fetched


def test_a_kept_answer_that_was_damaged_is_asked_for_again(server: PxWeb, tmp_path: Path) -> None:
    service = Service(server.base, tmp_path)
    path = client.read_metadata("07459", service=service).path
    assert path is not None
    path.write_bytes(path.read_bytes()[:100])
    assert client.read_metadata("07459", service=service).document["class"] == "dataset"
    assert len(server.asked) == 2
    json.loads(path.read_bytes())


def test_an_address_with_a_password_is_told_without_it(tmp_path: Path) -> None:
    service = Service("ftp://user:hemmelig@127.0.0.1/x", tmp_path)
    with pytest.raises(OnlineError) as error:
        client.read_metadata("07459", service=service)
    assert "hemmelig" not in str(error.value)
