"""Feeds readers with damaged files; see test_fuzz.

Always the same 200 files, made from a whole one by cutting, shuffling and overwriting. Reads from
standard input which reader, and the folder to work in, with a tab between; each works in a fork of
this process, which has imported all it needs. Answers with the fork's exit code, which is not 0
when a file is not told clearly, takes too long, or leaves a file behind; why is in ``errors.txt``.
"""

import os
import signal
import sys
import traceback
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pyproj
import rasterio
import shapely

import test_gtfs
from arealstrategi.errors import ArealstrategiError
from arealstrategi.sources.buildings import read_buildings
from arealstrategi.sources.elevation import check_elevation, sample_heights
from arealstrategi.sources.gtfs import read_gtfs
from arealstrategi.sources.ownership import read_municipal_land
from arealstrategi.sources.parcels import clean_parcels, read_parcels
from arealstrategi.sources.plan import open_plan, read_plan
from arealstrategi.sources.points import read_points
from arealstrategi.sources.presets import columns_for, preset, select_features
from arealstrategi.sources.rasters import raster_measure, raster_share
from arealstrategi.sources.statistics import read_grid, read_statbank_csv, read_zones
from arealstrategi.sources.vector import open_layer, read_layer
from arealstrategi.strategy import Strategy

TIMES, LONGEST_S = 80, 30
UTM = pyproj.CRS(25832)
E0, N0 = 560_000.0, 6_570_000.0
SQUARES = gpd.GeoDataFrame(
    {
        "kommunenummer": ["3907"] * 12,
        "matrikkelnummertekst": [f"{32 + i}/{i + 1}" for i in range(12)],
        "lagretberegnetareal": [400.0] * 12,
        "gjentaksintervall": [200] * 12,
        "rparealformål": [1110] * 12,
        "ssbid250m": [f"{2_560_000 + 250 * i}6570000" for i in range(12)],
        "poptot": [20] * 12,
        "sentrumssonenavn": ["Byen"] * 12,
        "sentrumssonenummer": list(range(12)),
        "bygningsnummer": list(range(12)),
        "bygningstype": [642] * 12,
        "bygningsstatus": ["TB"] * 12,
    },
    geometry=[
        shapely.box(E0 + 30 * i, N0, E0 + 30 * i + 20, N0 + 20).segmentize(2.0) for i in range(12)
    ],
    crs=UTM,
)
BILLION_LAUGHS = (
    """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">{}]><gml>&z;</gml>""".format(
        "".join(
            f'<!ENTITY {name} "{f"&{before};" * 10}">'
            for before, name in zip(
                "abcdefghijklmnopqrstuvwxy", "bcdefghijklmnopqrstuvwxyz", strict=True
            )
        )
    )
)


def parcels_of(path: Path) -> None:
    clean_parcels(read_parcels(open_layer(path, None, key="[parcels]"), id_column=None), UTM, None)


def elevation_of(path: Path) -> None:
    points = np.array([[E0 + 5, N0 + 5], [E0 + 50, N0 + 50]])
    check_elevation((path,), points, UTM)
    sample_heights((path,), points, UTM)


def land_of(path: Path) -> None:
    parcels = SQUARES.set_index(
        SQUARES["kommunenummer"] + "-" + SQUARES["matrikkelnummertekst"]
    ).rename_axis("parcel_id")
    read_municipal_land(path, parcels)


def points_of(path: Path) -> None:
    read_points(path, "grocery", UTM)


def zones_of(path: Path) -> None:
    read_layer(open_layer(path, None, key='[[constraint]] "Flom"'), where="gjentaksintervall = 200")


def plan_of(path: Path) -> None:
    read_plan(open_plan(path, key="[[plan]]"), crs=UTM)


def preset_of(path: Path) -> None:
    layer = open_layer(path, None, key="[[constraint]]")
    known = preset("flom-200")
    select_features(known, read_layer(layer, columns_for(known, layer.fields)), str(layer))


def grid_of(path: Path) -> None:
    read_grid(path, crs=UTM)


def ages_of(path: Path) -> None:
    read_statbank_csv(path)


def centre_of(path: Path) -> None:
    read_zones(path, kind="sentrumssone", crs=UTM, key="[[criterion]]")


def buildings_of(path: Path) -> None:
    read_buildings(open_layer(path, None, key="[services]"), {"library": ("642",)}, crs=UTM)


def timetables_of(path: Path) -> None:
    read_gtfs(path, "stop", crs=UTM)


def raster_of(path: Path) -> None:
    parcels = SQUARES[["geometry"]].rename_axis("parcel_id")
    raster_share(path, parcels, "value >= 55", key="[[constraint]]")
    raster_measure(path, parcels, "median", key="[[criterion]]")


def strategy_of(path: Path) -> None:
    Strategy.read(path)


READERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "parcels, GeoPackage": ("a.gpkg", parcels_of),
    "parcels, GML": ("a.gml", parcels_of),
    "parcels, GeoJSON": ("a.geojson", parcels_of),
    "parcels, zipped Shapefile": ("a.zip", parcels_of),
    "zones, GML": ("a.gml", zones_of),
    "zones, GeoPackage": ("a.gpkg", zones_of),
    "municipal land, CSV": ("a.csv", land_of),
    "municipal land, XLSX": ("a.xlsx", land_of),
    "points, CSV": ("points.csv", points_of),
    "points, GeoJSON": ("a.geojson", points_of),
    "elevation": ("a.tif", elevation_of),
    "raster": ("a.tif", raster_of),
    "plan, GeoPackage": ("a.gpkg", plan_of),
    "plan, GeoJSON": ("a.geojson", plan_of),
    "preset": ("a.gpkg", preset_of),
    "population grid, CSV": ("NOR0250M_POP_2025.csv", grid_of),
    "population grid, GeoJSON": ("a.geojson", grid_of),
    "residents by age": ("ages.csv", ages_of),
    "centre zones": ("a.gpkg", centre_of),
    "buildings": ("a.gml", buildings_of),
    "timetables": ("gtfs.zip", timetables_of),
    "strategy": ("a.toml", strategy_of),
}


def whole_file(folder: Path, name: str) -> Path:  # noqa: C901, PLR0912
    """Write the whole file that a reader's damaged ones are made from."""
    path = folder / name
    if name == "a.zip":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that are cut
            SQUARES.to_file(folder / "a.shp")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in folder.glob("a.*"):
                if part != path:
                    archive.write(part, part.name)
    elif name == "a.csv":
        rows = SQUARES["kommunenummer"] + ";" + SQUARES["matrikkelnummertekst"]
        path.write_text("kommunenr;matrikkelnummer\n" + "\n".join(rows) + "\n", encoding="cp1252")
    elif name == "points.csv":
        path.write_text("navn;lon;lat\n" + "\n".join(f"Sted {i};10,{i};59,{i}" for i in range(20)))
    elif name == "a.xlsx":
        book = openpyxl.Workbook()
        book.active.append(["knr", "gnr", "bnr"])
        for i in range(12):
            book.active.append([3907, 32 + i, i + 1])
        book.save(path)
    elif name == "ages.csv":
        lines = "".join(f"K-3907 Sandefjord;{age} år;{age}\n" for age in range(60, 90))
        path.write_text("07459: Folkemengde\n\nregion;alder;2025\n" + lines, encoding="cp1252")
    elif name.startswith("NOR"):
        lines = "".join(f"{2_560_000 + 250 * i}6570000;{i}\n" for i in range(40))
        path.write_text("SSBID0250M;pop_tot\n" + lines)
    elif name == "gtfs.zip":
        with zipfile.ZipFile(path, "w") as archive:
            for member, text in test_gtfs.FEED.items():
                archive.writestr(member, text)
    elif name == "a.tif":
        place = rasterio.transform.from_origin(E0 - 50, N0 + 150, 10, 10)
        shape = {"height": 30, "width": 60, "count": 1, "dtype": "float32"}
        with rasterio.open(path, "w", crs=UTM, transform=place, nodata=-32767, **shape) as raster:
            raster.write(np.random.default_rng(1).random((1, 30, 60), "float32") * 90)
    elif name == "a.toml":
        path.write_text('title = "a"\n[parcels]\nsource = "grid:100"\n[area]\nkommune = "3907"\n')
    else:
        SQUARES.to_file(path)
    return path


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """Cut, shuffle, overwrite or repeat a part of a file."""
    data = np.frombuffer(whole, dtype=np.uint8).copy()
    start = int(rng.integers(len(data)))
    end = min(len(data), start + int(rng.integers(1, 1 + max(2, len(data) // 4))))
    kind = int(rng.integers(8))
    if kind == 0:
        return whole[:start]
    if kind == 1:
        rng.shuffle(data[start:end])
    elif kind == 2:
        some = rng.integers(len(data), size=1 + len(data) // 500)
        data[some] = rng.integers(256, size=len(some))
    elif kind == 3:
        data[start:end] = 0
    elif kind == 4:
        return whole[:start] + whole[end:]
    elif kind == 5:
        return whole[:end] + whole[start:]
    elif kind == 6:
        digits = np.flatnonzero((data >= ord("0")) & (data <= ord("9")))
        data[rng.choice(digits, size=min(len(digits), 5))] = rng.choice(
            np.frombuffer(b"x-e.9,", "u1")
        )
    else:
        for text in (b"560", b"6570", b"32", b"200", b"10,", b"3907"):
            whole = whole.replace(
                text, bytes(rng.choice([b"NaN", b"1e308", b"-inf", b"", b"'"])), 3
            )
        return whole
    return data.tobytes()


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def main(what: str, folder: Path) -> None:
    """Read every damaged file."""
    name, reader = READERS[what]
    os.chdir(folder)
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(20261125)
    source = folder / "whole"
    source.mkdir()
    whole = whole_file(source, name).read_bytes()
    path = folder / name
    for turn in range(TIMES):
        path.write_bytes(damaged(whole, rng))
        before = listing(folder)
        signal.alarm(LONGEST_S)
        try:
            reader(path)
        except ArealstrategiError as error:
            if not error.hint or "Traceback" in str(error):
                sys.exit(f"file {turn}: no hint: {error}")
        except BaseException:  # noqa: BLE001 - a fault of ours, whatever it is
            traceback.print_exc()
            sys.exit(f"file {turn} was not told clearly")
        finally:
            signal.alarm(0)
        if left := listing(folder) - before:
            sys.exit(f"file {turn}: reading left {left}")


def in_fork(what: str, folder: Path) -> int:
    """Read every damaged file in a process of its own; return its exit code."""
    child = os.fork()
    if child == 0:
        code = 70
        with (folder / "errors.txt").open("w") as errors:
            os.dup2(errors.fileno(), 2)
            try:
                main(what, folder)
                code = 0
            except SystemExit as ended:
                sys.stderr.write(f"{ended}\n")
                code = 1
            finally:
                sys.stderr.flush()
                os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of forks beside threads that have nothing to do
    for line in sys.stdin:
        reader_name, place = line.rstrip("\n").split("\t")
        sys.stdout.write(f"{in_fork(reader_name, Path(place))}\n")
        sys.stdout.flush()
