"""Sums over cells, zones and ages: whatever is done with people, they stay as many."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.population import (
    AGE_GROUPS,
    age_groups,
    hide_small,
    spread_by_age,
    to_larger_cells,
    to_zones,
    zone_of,
)
from arealstrategi.sources.statistics import read_grid
from arealstrategi.sources.statistics.cells import UTM33, cell_id_of, squares

UTM32 = pyproj.CRS.from_epsg(25832)
EAST, NORTH = 262_000, 6_649_000


def grid(residents, *, columns=4, side_m=250, **more) -> gpd.GeoDataFrame:
    """Cells row by row from the south-west, in UTM33."""
    at = np.arange(len(residents))
    ids = cell_id_of(EAST + side_m * (at % columns), NORTH + side_m * (at // columns), side_m)
    table = {"residents": np.asarray(residents, dtype=float), **more, "side_m": side_m}
    index = pd.Index(ids, name="cell_id")
    return gpd.GeoDataFrame(table, geometry=squares(ids, side_m, UTM33), crs=UTM33, index=index)


def zones_of(shapes, names=None) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({}, geometry=list(shapes), crs=UTM33, index=names)


@pytest.fixture(scope="module")
def oslo(shared_data) -> gpd.GeoDataFrame:
    cells, _ = read_grid(shared_data / "ssb" / "befolkning_250m_2023_oslo.gpkg", crs=UTM32)
    return cells


@pytest.fixture(scope="module")
def districts(shared_data) -> gpd.GeoDataFrame:
    path = shared_data / "ssb" / "oslo_bydeler_befolkning_2024.geojson"
    return gpd.read_file(path).set_index("bydelsnr").to_crs(UTM32)


# -- larger cells ----------------------------------------------------------------------------------


@pytest.mark.shared
def test_250_m_cells_sum_to_1_km_cells_without_loss(oslo) -> None:
    larger = to_larger_cells(oslo, 1000)
    assert larger["residents"].sum() == 707_339
    joined = gpd.sjoin(
        oslo.set_geometry(oslo.centroid)[["residents", "geometry"]], larger[["geometry"]]
    )
    expected = joined.groupby("cell_id_right")["residents"].sum()  # by where they lie, not by id
    assert larger["residents"].to_dict() == expected.to_dict()
    assert larger.geometry.area.sum() == pytest.approx(len(larger) * 1e6, rel=3e-3)


def test_hidden_cells_are_counted_and_alone_stay_hidden() -> None:
    nan = np.nan
    cells = grid([1, 2, nan, nan, 3, 4, nan, nan], women=[1, 1, nan, nan, 1, 2, nan, nan])
    larger = to_larger_cells(cells, 500)
    np.testing.assert_array_equal(larger["residents"], [10, nan])
    np.testing.assert_array_equal(larger["women"], [5, nan])
    assert larger["hidden_cells"].tolist() == [0, 4]


def test_the_mean_age_is_weighted_by_residents() -> None:
    cells = grid([1, 3, 5, 0], columns=2, mean_age=[80.0, 40.0, np.nan, np.nan], year=2019)
    larger = to_larger_cells(cells, 500)
    assert larger["mean_age"].tolist() == [50.0]
    assert larger["year"].tolist() == [2019]


@pytest.mark.parametrize("side_m", [100, 600])
def test_sides_that_do_not_fit_are_a_mistake(side_m: int) -> None:
    with pytest.raises(ValueError, match="do not fill"):
        to_larger_cells(grid([1, 2]), side_m)


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=60), st.sampled_from([500, 1000, 5000])
)
def test_the_sum_does_not_depend_on_the_side(residents: list[int], side_m: int) -> None:
    larger = to_larger_cells(grid(residents, columns=7), side_m)
    assert larger["residents"].sum() == sum(residents)
    assert larger.index.is_unique


# -- zones -----------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize("how", ["area", "centre"])
def test_districts_of_oslo_get_about_their_registered_population(oslo, districts, how) -> None:
    found = to_zones(oslo, districts, how)
    registered = districts["befolkning_2024"]
    inhabited = registered > 0
    assert inhabited.sum() == 15
    # a year apart, and Marka and Sentrum, of which the register says nothing, lie between
    share = found.counts["residents"][inhabited] / registered[inhabited]
    assert share.between(0.88, 1.01).all()
    total = found.counts["residents"].sum() + found.outside["residents"]
    assert total == pytest.approx(707_339, rel=1e-9)
    assert f"residents in no zone: {found.outside['residents']:.1f}" in found.warnings


@pytest.mark.shared
def test_an_invalid_district_is_repaired_and_told(oslo, districts, shared_data) -> None:
    raw = gpd.read_file(shared_data / "ssb" / "oslo_bydeler.gpkg")
    assert (~raw.is_valid).sum() == 1
    found = to_zones(oslo, raw.set_index("bydelsnr").to_crs(UTM32))
    assert "zones repaired: 1" in found.warnings
    other = to_zones(oslo, districts)
    pd.testing.assert_frame_equal(found.counts, other.counts, rtol=1e-3)


def test_a_cell_is_divided_by_area_or_goes_by_its_centre() -> None:
    cells = grid([100, 40], columns=2)
    west = shapely.box(EAST - 9, NORTH - 9, EAST + 150, NORTH + 500)
    east = shapely.box(EAST + 150, NORTH - 9, EAST + 300, NORTH + 500)
    zones = zones_of([west, east], ["west", "east"])
    by_area = to_zones(cells, zones)
    assert by_area.counts["residents"].to_dict() == pytest.approx({"west": 60, "east": 48})
    assert by_area.outside["residents"] == pytest.approx(32)
    by_centre = to_zones(cells, zones, "centre")
    assert by_centre.counts["residents"].to_dict() == {"west": 100, "east": 0}
    assert by_centre.outside["residents"] == 40
    assert by_area.method != by_centre.method


def test_nobody_counts_twice_where_zones_overlap() -> None:
    cell = grid([90])
    whole = cell.geometry.iloc[0]
    half = shapely.box(EAST, NORTH, EAST + 125, NORTH + 250)
    found = to_zones(cell, zones_of([whole, half]))
    assert found.counts["residents"].tolist() == pytest.approx([60, 30])
    assert "cells in zones that overlap, divided between them: 1" in found.warnings
    centre = to_zones(cell, zones_of([whole, whole]), "centre")
    assert centre.counts["residents"].tolist() == [90, 0]


def test_hidden_cells_are_told_where_they_lie() -> None:
    cells = grid([5, np.nan], columns=2)
    found = to_zones(cells, zones_of(cells.geometry))
    assert found.counts["residents"].tolist() == [5, 0]
    assert found.counts["hidden_cells"].tolist() == [0, 1]
    assert found.warnings == ("cells whose residents are hidden: 1",)


def test_zones_in_another_crs_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="the zones in"):
        to_zones(grid([1]), zones_of(grid([1]).geometry).to_crs(UTM32))


BOXES = st.lists(st.tuples(*[st.integers(-300, 1300)] * 2, *[st.integers(1, 900)] * 2), max_size=6)


RESIDENTS = st.lists(st.integers(0, 999), min_size=1, max_size=16)


@given(RESIDENTS, BOXES, st.sampled_from(["area", "centre"]))
def test_residents_in_zones_and_outside_are_all_residents(residents, boxes, how) -> None:
    shapes = [
        shapely.box(EAST + x, NORTH + y, EAST + x + width, NORTH + y + height)
        for x, y, width, height in boxes
    ]
    found = to_zones(grid(residents), zones_of(shapes), how)
    total = found.counts["residents"].sum() + found.outside["residents"]
    assert total == pytest.approx(sum(residents), rel=1e-9, abs=1e-9)
    assert (found.counts["residents"] >= 0).all()


def test_a_cell_belongs_to_the_zone_with_most_of_it() -> None:
    cells = grid([1, 1, 1, 1])
    border = EAST + 350
    west = shapely.box(EAST, NORTH, border, NORTH + 250)
    east = shapely.box(border, NORTH, EAST + 600, NORTH + 250)
    found = zone_of(cells, zones_of([west, east], ["west", "east"]))
    assert found.tolist()[:3] == ["west", "east", "east"]
    assert found.isna().tolist() == [False, False, False, True]
    assert zone_of(cells, zones_of([])).isna().all()


# -- ages ------------------------------------------------------------------------------------------


def by_single_age(counts, municipality="3907", year=2026) -> pd.DataFrame:
    ages = np.arange(len(counts), dtype=float)
    return pd.DataFrame(
        {
            "municipality": municipality,
            "alternative": "observed",
            "age_from": ages,
            "age_to": np.append(ages[:-1], np.inf),
            "year": year,
            "residents": np.asarray(counts, dtype=float),
            "sign": "",
        }
    )


@given(st.lists(st.integers(0, 500), min_size=106, max_size=106))
def test_age_groups_are_the_sums_of_their_years(counts: list[int]) -> None:
    table = age_groups(by_single_age(counts)).loc["3907"]
    assert table["residents"] == sum(counts)
    assert table["residents_65plus"] == sum(counts[65:])
    assert table["residents_67plus"] == sum(counts[67:])
    assert table["residents_67_79"] == sum(counts[67:80])
    assert table["residents_80plus"] == sum(counts[80:])
    assert table["residents_90plus"] == sum(counts[90:])


def test_a_hidden_age_hides_the_groups_it_is_in_and_no_others() -> None:
    ages = by_single_age([10] * 106)
    ages.loc[95, "residents"] = np.nan
    table = age_groups(ages).loc["3907"]
    assert table.isna().to_dict() == {
        "residents": True, "residents_65plus": True, "residents_67plus": True,
        "residents_67_79": False, "residents_80plus": True, "residents_90plus": True,
    }  # fmt: skip


def test_a_coarse_age_that_crosses_a_group_makes_it_unknown() -> None:
    ages = by_single_age([100, 20, 8]).assign(age_from=[0, 67, 85], age_to=[66, 84, np.inf])
    table = age_groups(ages).loc["3907"]
    assert table["residents_67plus"] == 28
    assert table[["residents_65plus", "residents_67_79", "residents_80plus"]].isna().all()


def test_the_latest_year_is_taken_or_the_one_asked_for() -> None:
    both = pd.concat([by_single_age([1] * 106, year=2025), by_single_age([2] * 106)])
    assert age_groups(both).loc["3907", "residents"] == 212
    assert age_groups(both, year=2025).loc["3907", "residents"] == 106
    assert age_groups(both).attrs["year"] == 2026


def test_small_counts_are_hidden_and_none_is_not_small() -> None:
    counts = pd.DataFrame({"a": [0.0, 1, 4, 5, np.nan]})
    np.testing.assert_array_equal(hide_small(counts)["a"], [0, np.nan, np.nan, 5, np.nan])
    np.testing.assert_array_equal(hide_small(counts, below=3)["a"], [0, np.nan, 4, 5, np.nan])


@given(
    st.lists(st.integers(0, 500), min_size=6, max_size=6).filter(lambda n: sum(n[:3]) * sum(n[3:])),
    st.integers(0, 100),
    st.integers(0, 100),
    st.sampled_from(["grid", "statistics"]),
)
def test_age_groups_keep_their_sum_in_every_zone_where_the_totals_agree(
    residents, west_pct, east_pct, scale_to
) -> None:
    cells = grid(residents, columns=6)
    zone = pd.Series(["west"] * 3 + ["east"] * 3, cells.index)
    totals = np.array([sum(residents[:3]), sum(residents[3:])], dtype=float)
    old = totals * [west_pct / 100, east_pct / 100]
    by_age = pd.DataFrame({"residents": totals, "residents_67plus": old}, ["west", "east"])
    spread, report = spread_by_age(cells, by_age, zone=zone, scale_to=scale_to)
    sums = spread["residents_67plus_estimate"].groupby(zone).sum()
    assert sums.to_dict() == pytest.approx(dict(zip(["west", "east"], old, strict=True)), rel=1e-6)
    assert (spread["residents_67plus_estimate"] <= spread["residents"] + 1e-9).all()
    assert report.warnings == ()
    assert spread["residents"].equals(cells["residents"])


def test_a_disagreement_is_told_and_the_method_says_what_was_kept() -> None:
    cells = grid([60, 40])
    by_age = pd.DataFrame({"residents": [200.0], "residents_80plus": [20.0]}, ["3907"])
    kept_share, told = spread_by_age(cells, by_age, zone="3907")
    assert kept_share["residents_80plus_estimate"].tolist() == pytest.approx([6, 4])
    assert set(kept_share["method"]) == {"proportional_shares_kept"}
    assert len(told.warnings) == 1
    assert "3907: 100 and 200; the shares of age groups were kept" in told.warnings[0]
    kept_number, told = spread_by_age(cells, by_age, zone="3907", scale_to="statistics")
    assert kept_number["residents_80plus_estimate"].sum() == pytest.approx(20)
    assert set(kept_number["method"]) == {"proportional_numbers_kept"}
    assert "the numbers of age groups were kept" in told.warnings[0]


def test_what_is_unknown_stays_unknown_and_is_counted() -> None:
    cells = grid([10, 20, 30, np.nan])
    zone = pd.Series(["a", "b", None, "a"], cells.index)
    by_age = pd.DataFrame({"residents": [10.0, 5.0], "residents_67plus": [1.0, 1.0]}, ["a", "c"])
    spread, report = spread_by_age(cells, by_age, zone=zone)
    np.testing.assert_array_equal(spread["residents_67plus_estimate"], [1] + [np.nan] * 3)
    assert "zones of the statistics without any cell: 1" in report.warnings
    assert "cells without an estimate: 2 with 50 residents, 1 of them in no zone" in report.warnings


def test_another_year_in_the_grid_than_in_the_statistics_is_told() -> None:
    by_age = age_groups(by_single_age([1] * 106))
    _, report = spread_by_age(grid([106], year=2023), by_age, zone="3907")
    assert report.warnings == ("the grid is of 2023, the residents by age of 2026",)


@pytest.mark.shared
def test_ages_spread_over_oslo_sum_up_in_districts_and_larger_cells(oslo, districts) -> None:
    told = {name: [5_000.0 * at] for at, name in enumerate(AGE_GROUPS, start=1)}
    by_age = pd.DataFrame({"residents": [707_339.0], **told}, ["0301"])
    spread, _ = spread_by_age(oslo, by_age, zone="0301", scale_to="statistics")
    found = to_zones(spread, districts)
    larger = to_larger_cells(spread, 1000)
    for name in AGE_GROUPS:
        expected = by_age.loc["0301", name]
        column = f"{name}_estimate"
        assert spread[column].sum() == pytest.approx(expected, rel=1e-6)
        assert larger[column].sum() == pytest.approx(expected, rel=1e-6)
        total = found.counts[column].sum() + found.outside[column]
        assert total == pytest.approx(expected, rel=1e-6)
