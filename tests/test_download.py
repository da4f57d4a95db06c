"""Streaming a file to disk: going on after a cut, and never half a file under its name."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from arealstrategi.errors import OnlineError, OutputError
from arealstrategi.sources import web
from geonorge_server import Geonorge, geonorge

CONTENT = bytes(range(256)) * 4_096
DIGEST = hashlib.sha256(CONTENT).hexdigest()
HINT = "Do it again."


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Geonorge]:
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))
    with geonorge() as running:
        running.moody = "/geonorge"
        running.files["teig.zip"] = CONTENT
        yield running


def fetch(shop: Geonorge, folder: Path, **more: str | bool) -> str:
    address = f"{shop.url}/geonorge/teig.zip"
    return web.download(address, folder / "teig.zip", hint=HINT, **more)  # type: ignore[arg-type]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole_with_its_checksum(shop: Geonorge, tmp_path: Path) -> None:
    assert fetch(shop, tmp_path, sha256=DIGEST.upper()) == DIGEST
    assert (tmp_path / "teig.zip").read_bytes() == CONTENT
    assert names_in(tmp_path) == ["teig.zip"]


def test_what_was_cut_off_goes_on_where_it_stopped(shop: Geonorge, tmp_path: Path) -> None:
    shop.moods = ["cut", "cut"]
    assert fetch(shop, tmp_path) == DIGEST
    half = len(CONTENT) // 2
    assert shop.ranges == ["", f"bytes={half}-", f"bytes={half + half // 2}-"]


def test_the_next_run_goes_on_with_what_an_earlier_one_left(shop: Geonorge, tmp_path: Path) -> None:
    shop.moods = ["cut", "500", "500"]
    with pytest.raises(OnlineError, match="answered 500") as caught:
        fetch(shop, tmp_path)
    assert caught.value.hint == HINT
    assert names_in(tmp_path) == ["teig.zip.part", "teig.zip.part.version"]
    assert fetch(shop, tmp_path) == DIGEST
    assert shop.ranges[-1] == f"bytes={len(CONTENT) // 2}-"
    assert names_in(tmp_path) == ["teig.zip"]


def test_without_resume_it_comes_from_the_start(shop: Geonorge, tmp_path: Path) -> None:
    shop.moods = ["cut", "500", "500"]
    with pytest.raises(OnlineError):
        fetch(shop, tmp_path)
    assert fetch(shop, tmp_path, resume=False) == DIGEST
    assert shop.ranges == ["", ""]


def test_a_server_that_cannot_go_on_sends_it_from_the_start(shop: Geonorge, tmp_path: Path) -> None:
    shop.knows_ranges = False
    shop.moods = ["cut"]
    assert fetch(shop, tmp_path) == DIGEST
    assert shop.ranges == ["", ""], "without a version no part is asked for"


def test_a_file_that_changed_meanwhile_is_not_mixed_with_the_old_part(
    shop: Geonorge, tmp_path: Path
) -> None:
    shop.moods = ["cut", "500", "500"]
    with pytest.raises(OnlineError):
        fetch(shop, tmp_path)
    newer = CONTENT[::-1]
    shop.files["teig.zip"] = newer
    assert fetch(shop, tmp_path) == hashlib.sha256(newer).hexdigest()
    assert (tmp_path / "teig.zip").read_bytes() == newer


def test_a_weak_tag_does_not_say_which_version_a_part_is_of(shop: Geonorge, tmp_path: Path) -> None:
    shop.tag, shop.moods = 'W/"1"', ["cut"]
    assert fetch(shop, tmp_path) == DIGEST
    assert shop.ranges == ["", ""]


def test_a_part_that_is_already_whole_is_taken(shop: Geonorge, tmp_path: Path) -> None:
    (tmp_path / "teig.zip.part").write_bytes(CONTENT)
    (tmp_path / "teig.zip.part.version").write_text(f'"{DIGEST[:12]}"', encoding="utf-8")
    assert fetch(shop, tmp_path) == DIGEST
    assert (tmp_path / "teig.zip").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(shop: Geonorge, tmp_path: Path) -> None:
    (tmp_path / "teig.zip.part").write_bytes(CONTENT + b"more")
    (tmp_path / "teig.zip.part.version").write_text(f'"{DIGEST[:12]}"', encoding="utf-8")
    assert fetch(shop, tmp_path) == DIGEST


def test_another_checksum_leaves_what_was_there_and_nothing_else(
    shop: Geonorge, tmp_path: Path
) -> None:
    (tmp_path / "teig.zip").write_bytes(b"before")
    with pytest.raises(OnlineError, match=DIGEST):
        fetch(shop, tmp_path, sha256="0" * 64)
    assert (tmp_path / "teig.zip").read_bytes() == b"before"
    assert names_in(tmp_path) == ["teig.zip"]


def test_a_missing_file_is_told_at_once(shop: Geonorge, tmp_path: Path) -> None:
    del shop.files["teig.zip"]
    with pytest.raises(OnlineError, match=r"in 1 try: it answered 404"):
        fetch(shop, tmp_path)
    assert names_in(tmp_path) == []


def test_a_file_without_an_end_is_not_taken(
    shop: Geonorge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "MOST_FILE_BYTES", 1_000)
    with pytest.raises(OnlineError, match="larger than"):
        fetch(shop, tmp_path)
    assert not (tmp_path / "teig.zip").exists()


def test_an_interruption_leaves_a_part_that_is_gone_on_with(
    shop: Geonorge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(web, "checksum_of", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(shop, tmp_path)
    assert "teig.zip" not in names_in(tmp_path)
    assert fetch(shop, tmp_path) == DIGEST


def test_a_folder_that_cannot_be_made_is_one_error(shop: Geonorge, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        fetch(shop, tmp_path / "file")


def test_what_is_no_address_is_told_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(OnlineError, match="is no address") as caught:
        web.download("ftp://me:geheim@host/x", tmp_path / "x", hint=HINT)
    assert "geheim" not in str(caught.value)
