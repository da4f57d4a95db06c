"""Reading back what a run has written, and files that are no such thing."""

import contextlib
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

import arealstrategi as ars
from arealstrategi.errors import InputError
from arealstrategi.sources.output import RANKS, read_layer_of, read_table_of
from results import write_tables
from street import CRS, box, write_plots, write_street, write_zones

PARCELS = gpd.GeoDataFrame(
    {"parcel_id": ["a", "b"], "reasons": ["Flom", None], "rank": [1.0, None], "score": [50, None]},
    geometry=[shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)],
    crs=CRS,
)  # fmt: skip


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "suitability.gpkg"
    PARCELS.to_file(path, layer="parcels")
    pyogrio.write_dataframe(pd.DataFrame({"key": ["doctor"]}), path, layer="weights")
    return path


def test_ranks_are_whole_numbers_and_no_reason_is_an_empty_text(written):
    table = read_layer_of(written, "parcels")
    assert table.index.tolist() == ["a", "b"]
    assert table.index.name == "parcel_id"
    assert table["rank"].dtype == "Int64"
    assert table["rank"].fillna(0).tolist() == [1, 0]
    assert table["reasons"].tolist() == ["Flom", ""]
    assert table["score"].isna().tolist() == [False, True]
    assert table.crs == CRS
    assert table.geometry.equals(PARCELS.set_axis(["a", "b"]).geometry)


def test_what_a_file_does_not_hold_is_none(written):
    assert read_layer_of(written, "sites") is None
    assert read_table_of(written, "findings") is None
    assert read_table_of(written, "weights")["key"].tolist() == ["doctor"]


def test_a_run_comes_back_as_it_was(tmp_path, write_osm):
    shop = {"shop": "supermarket", "name": "Butikken"}
    zone = write_zones(tmp_path / "f.gpkg", Flom=box(0, 0, 150, 300))
    result = ars.run(
        ars.Strategy.build(
            {
                "area": {"crs": f"EPSG:{CRS}"},
                "parcels": {
                    "source": str(write_plots(tmp_path / "t.gpkg", {"a": 100, "b": 700, "c": 1200}))
                },
                "osm": {"source": str(write_street(write_osm, [(100, 130, shop)]))},
                "constraint": [{"name": "Flom", "source": str(zone)}],
            }
        )
    )
    write_tables(result, tmp_path / "out")
    path = tmp_path / "out/suitability.gpkg"
    table = read_layer_of(path, "parcels")
    assert table.columns.tolist() == result.parcels.columns.tolist()
    assert set(RANKS) & set(table) == {"rank", "rank_p05", "rank_p95"}
    for name in result.parcels.columns.drop("geometry"):
        one, two = result.parcels[name], table[name]
        assert one.isna().tolist() == two.isna().tolist(), name
        assert one.dropna().tolist() == two.dropna().tolist(), name  # to the last digit
    found = read_table_of(path, "findings")
    pd.testing.assert_frame_equal(found, result.findings, check_dtype=False)


# --- what is no output ------------------------------------------------------------------------


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"none\.gpkg: is not there") as problem:
        read_layer_of(tmp_path / "none.gpkg", "parcels")
    assert "finished run" in problem.value.hint


@pytest.mark.parametrize("content", [b"", b"dette er ikke et kart\n" * 50, None])
def test_a_file_that_is_no_geopackage(tmp_path, content):
    path = tmp_path / "suitability.gpkg"
    path.mkdir() if content is None else path.write_bytes(content)
    for read in (read_layer_of, read_table_of):
        with pytest.raises(InputError, match=r"suitability\.gpkg: cannot be read as a GeoPackage"):
            read(path, "parcels")


def test_a_file_that_was_overwritten_is_read_or_told_and_nothing_else(written):
    """One byte may do no harm; what does is one clear error."""
    sound, told = written.read_bytes(), []
    chance = np.random.default_rng(5)
    for changed in np.repeat([1, 30, 1000], 8):
        damaged = np.frombuffer(sound, dtype=np.uint8).copy()
        places = chance.integers(100, len(sound), changed)
        damaged[places] = chance.integers(0, 256, changed)
        written.write_bytes(damaged.tobytes())
        with warnings.catch_warnings(), contextlib.suppress(InputError):
            warnings.simplefilter("ignore")  # GDAL warns of the damage that it can read past
            told.append(read_layer_of(written, "parcels"))
    assert len(told) < 16


def test_a_file_that_was_cut(written):
    written.write_bytes(written.read_bytes()[: written.stat().st_size // 2])
    with pytest.raises(InputError, match=r"suitability\.gpkg: .*cannot be read"):
        read_layer_of(written, "parcels")


def test_a_layer_without_parcels_or_without_shapes(tmp_path):
    path = tmp_path / "suitability.gpkg"
    PARCELS.rename(columns={"parcel_id": "fid_"}).to_file(path, layer="parcels")
    pyogrio.write_dataframe(pd.DataFrame({"parcel_id": ["a"]}), path, layer="sites")
    for layer in ("parcels", "sites"):
        with pytest.raises(InputError, match=f"{layer} is no layer of parcels"):
            read_layer_of(path, layer)
