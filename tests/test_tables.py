"""Contracts of the tables that flow between stages."""

import geopandas as gpd
import pyproj
import pytest

from arealstrategi.tables import SERVICE_COLUMNS, check_table, empty_table

CRS = pyproj.CRS.from_epsg(25832)


def test_an_empty_table_keeps_the_contract():
    table = empty_table(SERVICE_COLUMNS, CRS)
    assert isinstance(table, gpd.GeoDataFrame)
    check_table(table, SERVICE_COLUMNS, CRS)


def test_a_missing_column_or_another_crs_is_a_mistake_of_the_caller():
    table = empty_table(("name", "geometry"), CRS)
    with pytest.raises(ValueError, match="lacks the columns"):
        check_table(table, SERVICE_COLUMNS, CRS)
    with pytest.raises(ValueError, match="EPSG:4326"):
        check_table(table.set_crs(4326, allow_override=True), ("name",), CRS)
    with pytest.raises(ValueError, match="no CRS"):
        check_table(table.set_crs(None, allow_override=True), ("name",), CRS)


def test_a_crs_without_a_code_compares_equal_when_it_is():
    wkt_only = pyproj.CRS.from_wkt(CRS.to_wkt().replace('ID["EPSG",25832]', 'ID["X",1]'))
    check_table(empty_table(("name", "geometry"), wkt_only), ("name",), CRS)
