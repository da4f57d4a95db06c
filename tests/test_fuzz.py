"""Damaged and hostile files: one clear error or a reported repair, never a crash or a hang.

Every reader runs in a process of its own, so that a crash inside GDAL fails the test alone.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

import fuzzing
from arealstrategi.errors import InputError
from arealstrategi.sources.parcels import clean_parcels, read_parcels
from arealstrategi.sources.vector import open_layer, read_layer


@pytest.fixture(scope="module")
def forks():
    """A process that has all imports behind it, and forks for every reader."""
    with subprocess.Popen(
        [sys.executable, str(Path(fuzzing.__file__))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        process.stdin.close()


@pytest.mark.parametrize("what", fuzzing.READERS)
def test_damaged_files_are_told_clearly(what, tmp_path, forks):
    print(f"{what}\t{tmp_path}", file=forks.stdin, flush=True)
    ended = forks.stdout.readline()
    assert ended == "0\n", (tmp_path / "errors.txt").read_text()[-3000:]


HOSTILE = {
    "corners of nothing and at the end of the world": shapely.Polygon(
        [(560_000, 6_570_000), (1e300, 6_570_000), (560_100, 6_570_100)]
    ),
    "a million corners": shapely.Point(560_000, 6_570_000).buffer(900, quad_segs=250_000),
    "six hundred corners that cross": shapely.Polygon(
        np.random.default_rng(0).uniform(0, 5000, (600, 2)) + np.array([560_000, 6_570_000])
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_shapes_are_repaired_or_left_out_and_told(what, tmp_path):
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame(
        {"id": ["odd", "plain"]},
        geometry=[HOSTILE[what], shapely.box(560_200, 6_570_000, 560_300, 6_570_100)],
        crs=25832,
    ).to_file(path)
    raw = read_parcels(open_layer(path, None, key="[parcels]"), id_column=None)
    parcels, report = clean_parcels(raw, pyproj.CRS(25832), None)
    assert "plain" in parcels.index
    assert parcels.is_valid.all()
    lost = report.facts["without usable geometry, left out"]
    assert len(parcels) + int(str(lost)) == 2


@pytest.mark.parametrize("name", ["a.gml", "a.kml", "a.xml", "a.gpx"])
def test_entities_that_unfold_end_in_one_clear_error(name, tmp_path):
    path = tmp_path / name
    path.write_text(fuzzing.BILLION_LAUGHS)
    with pytest.raises(InputError, match=name):
        read_layer(open_layer(path, None, key="[parcels]"))
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_a_zip_with_paths_that_lead_out_of_it_writes_nothing(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    whole = fuzzing.whole_file(folder, "a.zip")
    with zipfile.ZipFile(whole, "a") as archive:
        archive.writestr("../../evil.txt", "out")
    before = fuzzing.listing(tmp_path)
    try:
        fuzzing.parcels_of(whole)
    except InputError as error:
        assert error.hint  # noqa: PT017 - either is right
    assert fuzzing.listing(tmp_path) == before
