"""Asking the web: patience, one clear error, no secret in it."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from arealstrategi.errors import OnlineError, OutputError
from arealstrategi.sources import web
from layer_servers import Replay, serve

HINT = "Try later."


@pytest.fixture(autouse=True)
def slept(monkeypatch):
    """The pauses that were made, in seconds; none is waited."""
    pauses: list[float] = []
    monkeypatch.setattr(web.time, "sleep", pauses.append)
    return pauses


@pytest.fixture
def server():
    with serve(lambda *_: ("text/plain", b"all is well" * 100)) as replay:
        yield replay


def test_returns_the_whole_answer_and_says_who_asks(server: Replay, slept):
    answer = web.get(server.url, params={"a": "æ"}, headers={"X-A": "b"}, hint=HINT)
    assert answer.content == b"all is well" * 100
    assert server.asked == [("/", {"a": "æ"})]
    assert server.headers[0]["User-Agent"] == web.AGENT
    assert server.headers[0]["X-A"] == "b"
    assert slept == []


@pytest.mark.parametrize("mood", ["429", "500", "503", "408", "cut"])
def test_passing_trouble_is_waited_out(mood, server: Replay, slept):
    server.fail(mood, times=2)
    assert web.get(server.url, hint=HINT).content
    assert len(server.asked) == 3
    assert slept == list(web.PAUSES_S)


@pytest.mark.parametrize("mood", ["429", "500", "cut"])
def test_lasting_trouble_is_one_error_after_three_tries(mood, server: Replay, slept):
    server.fail(mood, times=9)
    with pytest.raises(OnlineError, match="no usable answer in 3 tries") as caught:
        web.get(f"{server.url}/lag", hint=HINT)
    assert f"{server.url}/lag" in caught.value.message
    assert caught.value.hint == HINT
    assert len(server.asked) == 3
    assert len(slept) == 2


@pytest.mark.parametrize("mood", ["400", "401", "403", "404", "410"])
def test_a_refusal_is_not_asked_again(mood, server: Replay, slept):
    server.fail(mood)
    with pytest.raises(OnlineError, match=rf"in 1 try: it answered {mood} .*not now"):
        web.get(server.url, hint=HINT)
    assert len(server.asked) == 1
    assert slept == []


def test_waits_as_long_as_the_service_asks(server: Replay, slept):
    server.retry_after = "77"
    server.fail("429")
    web.get(server.url, hint=HINT)
    assert slept == [77.0]


def test_waits_until_the_date_that_the_service_names(server: Replay, slept):
    server.retry_after = format_datetime(datetime.now(UTC) + timedelta(seconds=200), usegmt=True)
    server.fail("429")
    web.get(server.url, hint=HINT)
    assert 190 < slept[0] <= 200


@pytest.mark.parametrize("told", ["soon", "-5", "", "Wed, 99 Nov 2026 00:00:00 GMT"])
def test_what_is_no_time_to_wait_leaves_the_usual_pause(told, server: Replay, slept):
    server.retry_after = told
    server.fail("429")
    web.get(server.url, hint=HINT)
    assert slept == [web.PAUSES_S[0]]


def test_a_service_that_asks_for_hours_is_not_waited_for(server: Replay, slept):
    server.retry_after = "7200"
    server.fail("429", times=2)
    with pytest.raises(OnlineError, match="in 1 try: it answered 429"):
        web.get(server.url, hint=HINT)
    assert slept == []


def test_an_answer_without_an_end_is_not_read_to_it(server: Replay, slept, monkeypatch):
    monkeypatch.setattr(web, "MOST_BYTES", 500)
    with pytest.raises(OnlineError, match=r"in 1 try: the answer is larger than"):
        web.get(server.url, hint=HINT)
    assert slept == []


def test_a_service_that_never_answers_is_given_up(slept, monkeypatch):
    monkeypatch.setattr(web, "TIMEOUT_S", (0.2, 0.1))

    def never(replay, *_):
        replay.over.wait(10)
        return "text/plain", b""

    with serve(never) as server:
        with pytest.raises(OnlineError, match="in 3 tries: no answer in time"):
            web.get(server.url, hint=HINT)
        server.over.set()
    assert len(slept) == 2


def test_a_closed_port_is_told_without_a_traceback():
    with serve(lambda *_: ("text/plain", b"")) as other:
        gone = other.url
    with pytest.raises(OnlineError, match="the connection failed") as caught:
        web.get(gone, hint=HINT)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "address", ["ftp://x.no/a", "file:///etc/passwd", "x.no/a", "", "https://", "http://[::1/a"]
)
def test_what_is_no_address_is_not_asked(address, slept):
    with pytest.raises(OnlineError, match="is no address of a web service"):
        web.get(address, hint=HINT)
    assert slept == []


@pytest.mark.parametrize("address", ["http://x.no:port/a", "http://.x.no/a"])
def test_an_address_that_cannot_be_asked_is_not_asked_again(address, slept):
    with pytest.raises(OnlineError, match="in 1 try"):
        web.get(address, hint=HINT)
    assert slept == []


@pytest.mark.parametrize("mood", ["echo", "500", "cut", "gone"])
@pytest.mark.parametrize(
    "address", ["http://{}/a?api_key=hemmelig77", "http://me:hemmelig77@{}/a?token=hemmelig77"]
)
def test_no_secret_is_in_the_error_or_the_log(address, mood, server: Replay, caplog):
    caplog.set_level(logging.DEBUG)
    server.fail(mood, times=9)
    host = server.url.removeprefix("http://") if mood != "gone" else "127.0.0.1:9"
    with pytest.raises(OnlineError) as caught:
        web.get(address.format(host), params={"secret": "hemmelig77"}, hint=HINT)
    told = f"{caught.value!s}{caught.value!r}{caplog.text}"
    assert "hemmelig77" not in told
    assert "bWU6aGVtbWVsaWc3Nw" not in told, "user and password as they are sent"


@pytest.mark.parametrize("form", ["p4ss/w ø+rd", "p4ss/w%20%C3%B8%2Brd", "p4ss%2Fw+%C3%B8%2Brd"])
def test_what_shall_be_hidden_is_in_every_form_it_is_sent_in(form):
    assert "p4ss" not in web.hide(f"https://x.no/{form}/wfs", ["p4ss/w ø+rd"])


def test_the_longer_of_two_secrets_is_hidden_whole():
    assert "bcd" not in web.hide("key is abcd", ["a", "abcd"])


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")

    def interrupted():
        with web.beside(path) as part:
            part.write_text("ha")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with web.beside(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "cache").write_text("a file")
    with (
        pytest.raises(OutputError, match="folder cannot be written"),
        web.writable(tmp_path / "cache"),
    ):
        pytest.fail("there is no folder to write to")
