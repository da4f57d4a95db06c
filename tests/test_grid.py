"""Population grids: real ones of Statistics Norway, and small ones with every oddity."""

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from arealstrategi.errors import InputError
from arealstrategi.sources.statistics.cells import UTM33, cell_id_of, squares
from arealstrategi.sources.statistics.grid import read_grid

UTM32 = pyproj.CRS.from_epsg(25832)
EAST, NORTH = 262_000, 6_649_000  # in Oslo
IDS = ["22620006649000", "22622506649000", "22620006649250"]


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str, name: str = "NOR0250M_POP_2022.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def save(tmp_path: Path):
    """Save cells of 250 m; keywords change or add columns."""

    def save(
        ids=IDS, name="befolkning.gpkg", side=250, crs=UTM33, shapes=None, layer=None, **columns
    ) -> Path:
        path: Path = tmp_path / name
        table = {"ssbid250m": ids, "poptot": list(range(1, len(ids) + 1))} | columns
        shapes = squares(ids, side, UTM33) if shapes is None else shapes
        cells = gpd.GeoDataFrame(table, geometry=shapes, crs=UTM33).to_crs(crs)
        cells.to_file(path, layer=layer, engine="pyogrio")
        return path

    return save


# -- real files ------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "cells", "residents", "side_m", "year"),
    [
        ("befolkning_250m_2023_oslo.gpkg", 2_380, 707_339, 250, 2023),
        ("BefolkningOslo1km2019.gml", 258, 678_692, 1000, 2019),
        ("nor2015pop_1kmruter.csv", 55_213, 5_146_614, 1000, 2015),
        ("aas_befolkning_2023.geojson", 636, 23_451, 250, 2023),
    ],
)
def test_real_grids_read_with_their_known_sums(
    shared_data, tmp_path, name, cells, residents, side_m, year
) -> None:
    path = tmp_path / name  # GDAL writes beside a GML
    shutil.copy(shared_data / "ssb" / name, path)
    table, report = read_grid(path, crs=UTM32)
    assert (len(table), table["residents"].sum()) == (cells, residents)
    assert set(table["side_m"]) == {side_m}
    assert set(table["year"]) == {year}
    assert table.index.str.fullmatch(r"\d{14}").all()
    assert table.index.is_unique
    assert table.crs == UTM32
    assert report.warnings == ()
    assert report.facts["residents"] == residents


@pytest.mark.shared
def test_the_layer_of_cells_is_taken_and_its_details_kept(shared_data, tmp_path) -> None:
    path = tmp_path / "BefolkningOslo1km2019.gml"
    shutil.copy(shared_data / "ssb" / path.name, path)
    table, report = read_grid(path, crs=UTM32)
    assert "layer 'BefolkningPåRuter1km'" in report.source
    assert (table["women"] + table["men"]).equals(table["residents"])
    assert report.facts["mean age 0 taken as hidden"] == table["mean_age"].isna().sum() == 25
    assert table.loc[table["mean_age"].isna(), "residents"].max() == 4


@pytest.mark.shared
def test_the_1_km_csv_and_its_mean_ages_agree_with_pandas(shared_data) -> None:
    path = shared_data / "ssb" / "nor2015pop_1kmruter.csv"
    table, _ = read_grid(path, crs=UTM33)
    plain = pd.read_csv(path, sep=";", decimal=",", dtype={"ssbid_1000m": str}, index_col=0)
    expected = plain["pop_ave"].where(plain["pop_ave"] > 0)
    np.testing.assert_array_equal(table["mean_age"], expected.reindex(table.index))
    np.testing.assert_array_equal(table["women"], plain["pop_fem"].reindex(table.index))


@pytest.mark.shared
def test_only_cells_in_the_study_area_are_kept(shared_data) -> None:
    path = shared_data / "ssb" / "nor2015pop_1kmruter.csv"
    whole, _ = read_grid(path, crs=UTM32)
    boundary = shapely.Point(598_000, 6_643_000).buffer(7_300)
    table, report = read_grid(path, crs=UTM32, boundary=boundary)
    shapes = whole.geometry.to_numpy()
    met = shapely.area(shapely.intersection(boundary, shapes)) > 0
    assert set(table.index) == set(whole.index[met])
    assert report.facts["cells in the study area"] == len(table)
    assert report.facts["residents in these cells"] == whole["residents"][met].sum()
    assert report.facts["residents"] == 5_146_614


# -- CSV -------------------------------------------------------------------------------------------


def test_ids_are_read_however_they_are_written(write) -> None:
    text = f"\ufeffSSBID0250M;pop_tot\n{IDS[0]};1\n{IDS[1]}.0;2\n2.262000664925E+13;3\n"
    table, report = read_grid(write(text), crs=UTM33)
    assert table["residents"].to_dict() == dict(zip(IDS, [1, 2, 3], strict=True))
    assert report.facts["side known from"] == "the names"
    assert shapely.bounds(table.geometry.to_numpy()[0]).tolist() == [
        EAST, NORTH, EAST + 250, NORTH + 250,
    ]  # fmt: skip


def test_signs_are_missing_and_never_zero_and_a_dash_is_nothing(write) -> None:
    signs = [":", "..", ".", "", "-", "1 234"]
    ids = cell_id_of(EAST + 250 * np.arange(6), np.full(6, NORTH), 250)
    rows = "".join(f"{cell};{sign}\n" for cell, sign in zip(ids, signs, strict=True))
    table, report = read_grid(write("SSBID0250M;pop_tot\n" + rows), crs=UTM33)
    np.testing.assert_array_equal(table["residents"], [np.nan] * 4 + [0, 1234])
    assert report.facts["hidden by a sign (residents)"] == 3
    assert report.warnings == ("cells whose number of residents is hidden or missing: 4",)


def test_a_total_row_is_left_out_and_told(write) -> None:
    text = f"SSBID0250M;pop_tot\n{IDS[0]};10\n{IDS[1]};20\n;30\n"
    table, report = read_grid(write(text), crs=UTM33)
    assert table["residents"].sum() == 30
    assert report.facts["rows without cell id, left out"] == 1
    assert report.warnings == ()


def test_residents_in_no_cell_are_told(write) -> None:
    text = f"SSBID0250M;pop_tot\n{IDS[0]};10\n{IDS[1]};20\n;7\n"
    _, report = read_grid(write(text), crs=UTM33)
    assert report.warnings == (
        "rows without cell id hold 7 residents, all cells 30: these residents are in no cell",
    )


def test_the_latest_statistic_year_is_kept_and_another_in_the_name_told(write) -> None:
    text = (
        f"ssbid250m;poptot;statistikkår\n{IDS[0]};1;2020\n{IDS[0]};2;2021\n{IDS[1]};3;2021\n"
        f"{IDS[2]};9;2019\n"
    )
    table, report = read_grid(write(text), crs=UTM33)
    assert table["residents"].to_dict() == {IDS[0]: 2, IDS[1]: 3}
    assert report.facts["rows of earlier years, left out"] == 2
    assert report.date == "statistic year 2021"
    assert report.warnings == (
        "the file's name says 2022, but the statistic year of its cells is 2021",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"SSBID0250M;pop\n{IDS[0]};1\n", "one column of residents"),
        (f"id;pop_tot\n{IDS[0]};1\n", "one column of cell ids"),
        (f"SSBID0250M;pop_tot;poptot\n{IDS[0]};1;1\n", "has 2 such columns"),
        ("SSBID0250M;pop_tot\n2,262E+13;1\n", "row 2, column 'ssbid0250m': '2,262E\\+13'"),
        ("SSBID0250M;pop_tot\n1234;1\n", "'1234' is not the id"),
        ("SSBID0250M;pop_tot\n-22620006649000;1\n", "is not the id"),
        ("SSBID0250M;pop_tot\n22620006649000.5;1\n", "is not the id"),
        (f"SSBID0250M;pop_tot\n{IDS[0]};mange\n", "row 2, residents: 'mange'"),
        (f"SSBID0250M;pop_tot\n{IDS[0]};1\n{IDS[1]};-1\n", "row 3, residents: '-1'"),
        (f"SSBID0250M;pop_tot\n{IDS[0]};inf\n", "residents: 'inf'"),
        (f"SSBID0250M;pop_tot\n{IDS[0]};1\n{IDS[0]};2\n", f"cell {IDS[0]} stands there more"),
        (f"SSBID1000M;pop_tot\n{IDS[0]};1\n{IDS[1]};2\n", "not of one size.*1 of 2 ids"),
        ("SSBID0250M;pop_tot\n;1\n", "not of one size"),
    ],
)
def test_what_cannot_be_is_refused_where_it_stands(write, text, told) -> None:
    with pytest.raises(InputError, match=told) as error:
        read_grid(write(text), crs=UTM33)
    assert error.value.hint


# -- layers ----------------------------------------------------------------------------------------


def test_names_of_columns_may_be_upper_case_and_ids_numbers(tmp_path: Path) -> None:
    columns = {"RU250M": [int(cell) for cell in IDS], "POP_TOT": [1, 2, 3]}
    path = tmp_path / "grid.shp"
    gpd.GeoDataFrame(columns, geometry=squares(IDS, 250, UTM33), crs=UTM33).to_file(path)
    cells, _ = read_grid(path, crs=UTM33)
    assert cells["residents"].to_dict() == dict(zip(IDS, [1, 2, 3], strict=True))


def test_a_grid_stored_in_degrees_gives_the_same_squares(save) -> None:
    table, report = read_grid(save(crs=4326), crs=UTM32)
    expected, _ = read_grid(save(name="other.gpkg"), crs=UTM32)
    assert table.geometry.geom_equals(expected.geometry).all()
    assert report.facts["CRS"] == "EPSG:4326"


def test_cells_cut_along_a_border_are_whole_and_pieces_of_one_count_once(save) -> None:
    whole = squares(IDS, 250, UTM33)
    half = shapely.box(EAST, NORTH, EAST + 250, NORTH + 100)
    rest = shapely.box(EAST, NORTH + 100, EAST + 250, NORTH + 250)
    path = save([*IDS, IDS[0]], shapes=[half, whole[1], whole[2], rest], poptot=[5, 6, 7, 5])
    table, report = read_grid(path, crs=UTM33)
    assert table["residents"].sum() == 18
    assert table.geometry.area.tolist() == [62_500.0] * 3
    assert report.facts["rows that repeat a cell, left out"] == 1


def test_ids_that_disagree_with_the_shapes_are_refused(save) -> None:
    shapes = squares(IDS, 250, UTM33)
    path = save(shapes=[shapes[0], shapes[2], shapes[1]])
    with pytest.raises(InputError, match=r"feature 2: the id 22622506649000 .*do 2 in all"):
        read_grid(path, crs=UTM33)


def test_cells_of_two_sizes_are_refused(save) -> None:
    shapes = [*squares(IDS[:2], 250, UTM33), *squares([IDS[2]], 1000, UTM33)]
    with pytest.raises(InputError, match="not of one size"):
        read_grid(save(shapes=shapes), crs=UTM33)


def test_several_layers_with_cells_must_be_named(save) -> None:
    save(layer="befolkning_2021", poptot=[1, 1, 1])
    path = save(layer="befolkning_2022")
    with pytest.raises(InputError, match="2 of its 2 layers have") as error:
        read_grid(path, crs=UTM33)
    assert "'befolkning_2021', 'befolkning_2022'" in error.value.hint
    table, _ = read_grid(path, layer="befolkning_2021", crs=UTM33)
    assert table["residents"].tolist() == [1, 1, 1]


def test_a_grid_elsewhere_is_told(save) -> None:
    boundary = shapely.box(500_000, 7_000_000, 510_000, 7_010_000)
    table, report = read_grid(save(), crs=UTM33, boundary=boundary)
    assert table.empty
    assert report.warnings == ("no cell lies in the study area; is it the right file?",)


@pytest.mark.parametrize("content", [b"", b"not a layer", b"SQLite format 3\0" + b"\xff" * 200])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "grid.gpkg"
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        read_grid(path, crs=UTM33)
