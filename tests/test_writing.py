"""Writing a folder: each file whole or not at all, none lost for another's sake, all of it told."""

import resource
import signal
import subprocess
import sys

import pytest

from arealstrategi.errors import InputError, OutputError
from arealstrategi.result.writing import write_all

HINT = "Check the free space and whether a file is open elsewhere."


def text(told):
    return lambda path: path.write_text(told)


def broken(error, half="half"):
    def write(path):
        path.write_text(half)
        raise error

    return write


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_all_files_are_written_in_order_and_nothing_else_is_left(tmp_path):
    written = write_all(tmp_path / "a/b", {"one": text("1"), "two": text("2")})
    assert written == [tmp_path / "a/b/one", tmp_path / "a/b/two"]
    assert names(tmp_path / "a/b") == ["one", "two"]
    assert [path.read_text() for path in written] == ["1", "2"]


def test_one_that_fails_loses_no_other_and_the_message_says_what_and_why(tmp_path):
    outputs = {
        "one": text("1"),
        "two": broken(OSError(28, "No space left on device")),
        "three": text("3"),
        "four": broken(KeyError("label")),
        "five": broken(InputError("layer 'a' is gone")),
        "six": broken(ValueError("")),
    }
    with pytest.raises(OutputError) as caught:
        write_all(tmp_path / "out", outputs)
    assert names(tmp_path / "out") == ["one", "three"]
    assert caught.value.message.splitlines() == [
        f"{tmp_path / 'out'}: 4 of 6 files could not be written",
        "  two: No space left on device",
        "  four: 'label' (KeyError)",
        "  five: layer 'a' is gone",
        "  six: (ValueError)",
    ]
    assert caught.value.hint == f"Written: one, three. {HINT}"


def test_where_every_file_fails_it_says_that_nothing_was_written(tmp_path):
    with pytest.raises(OutputError) as caught:
        write_all(tmp_path / "out", {"one": broken(OSError(5, "Input/output error"))})
    assert caught.value.hint == f"Written: nothing. {HINT}"
    assert names(tmp_path / "out") == []


def test_a_file_of_an_earlier_run_stays_whole_and_the_message_says_that_it_is_old(tmp_path):
    (tmp_path / "map.html").write_text("old")
    (tmp_path / "run.json").write_text("old")
    with pytest.raises(OutputError) as caught:
        write_all(tmp_path, {"map.html": broken(OSError(28, "full")), "run.json": text("new")})
    assert (tmp_path / "map.html").read_text() == "old"
    assert (tmp_path / "run.json").read_text() == "new"
    assert "  map.html: full; the one of an earlier run is still there" in caught.value.message


def test_the_message_names_no_folder_that_is_gone(tmp_path):
    def write(path):
        raise RuntimeError(f"cannot open {path}\nfor writing")

    with pytest.raises(OutputError) as caught:
        write_all(tmp_path, {"a.tif": write})
    assert "  a.tif: cannot open a.tif for writing (RuntimeError)" in caught.value.message


def test_half_a_file_does_not_take_the_room_of_the_next(tmp_path):
    """On a disk that is full the next file can be written only if the half one is gone."""
    beside = []

    def fails(path):
        path.write_text("half")
        path.with_name("a.tif.ovr.tmp").write_text("half")
        (path.parent / "parts").mkdir()
        (path.parent / "parts/1").write_text("half")
        raise OSError(28, "full")

    def looks(path):
        beside.extend(path.parent.iterdir())
        path.write_text("whole")

    with pytest.raises(OutputError):
        write_all(tmp_path, {"a.tif": fails, "b": looks})
    assert beside == []
    assert names(tmp_path) == ["b"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_no_half_file_and_keeps_what_is_whole(tmp_path, end):
    (tmp_path / "two").write_text("old")
    with pytest.raises(end):
        write_all(tmp_path, {"one": text("1"), "two": broken(end())})
    assert names(tmp_path) == ["one", "two"]
    assert (tmp_path / "two").read_text() == "old"


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="results cannot be written there") as caught:
        write_all(tmp_path / "file/out", {"one": text("1")})
    assert "--out" in caught.value.hint


SMALL = {"ranking.xlsx", "run.json", "surface.tif", "surface_classes.tif", "surface.qml"}
LARGE = {"map.html", "suitability.gpkg"}


@pytest.fixture
def street(tmp_path, write_osm):
    """A strategy with two parcels beside a street, ready to run; returns the command."""
    import geopandas as gpd
    import shapely

    shop = (9.0149, 58.0001, {"shop": "supermarket"})
    write_osm({1: (9.0, 58.0), 2: (9.015, 58.0), 3: shop}, {10: ([1, 2], {"highway": "footway"})})
    plots = [shapely.box(x, 58.0002, x + 0.001, 58.0006) for x in (9.001, 9.0135)]
    table = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=plots, crs=4326)
    table.to_crs(25832).to_file(tmp_path / "plots.gpkg")
    (tmp_path / "strategy.toml").write_text(
        'title = "Prøve"\n[parcels]\nsource = "plots.gpkg"\nid = "id"\n'
        '[osm]\nsource = "town.osm.pbf"\n[output]\ndir = "out"\n',
        encoding="utf-8",
    )
    return [sys.executable, "-m", "arealstrategi", "run", str(tmp_path / "strategy.toml")]


def test_a_folder_in_the_way_and_a_full_disk_lose_the_files_they_hit_alone(street, tmp_path):
    """A limit on the size of files stands in for a disk that is full."""

    def small_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    (tmp_path / "out/ranking.csv").mkdir(parents=True)
    process = subprocess.Popen(
        street,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=small_disk,  # noqa: PLW1509 - no threads here
    )
    _, err = process.communicate(timeout=200)
    assert process.returncode == 1, err
    assert "Traceback" not in err
    assert "  ranking.csv: Is a directory\n" in err
    there = [path for path in (tmp_path / "out").iterdir() if path.is_file()]
    assert {path.name for path in there} >= SMALL
    assert {path.name for path in there}.isdisjoint(LARGE)
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
    assert max(path.stat().st_size for path in there) <= 60_000
    assert all(f"  {name}: " in err for name in LARGE)
    written = err.split("Written: ")[1].split(". Check")[0].split(", ")
    assert sorted(written) == sorted(path.name for path in there)
