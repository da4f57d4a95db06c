"""Who lives there: a population grid, with older residents estimated in each cell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from arealstrategi.area import StudyArea
from arealstrategi.errors import InputError
from arealstrategi.inputs.located import as_file, cache_of, locate, read_in_area
from arealstrategi.population import age_groups, spread_by_age
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.statistics import population_by_age, read_grid, read_statbank_csv
from arealstrategi.strategy import Strategy

KEY = "`grid` under [population]"
NAME_COLUMNS = (
    "navn", "name", "bydelsnavn", "bydel", "kommunenavn", "grunnkretsnavn", "delomrade",
    "delområde", "bydelsnr", "bydelnr", "kommunenummer", "grunnkretsnummer",
)  # fmt: skip


def read_residents(
    strategy: Strategy, area: StudyArea, reports: list[SourceReport]
) -> gpd.GeoDataFrame | None:
    """Return cells with their residents in the analysis CRS; None where no grid is named.

    With ``ages`` the age groups of the municipality are spread over the cells in proportion to all
    residents: an estimate, and named so.

    Raises
    ------
    InputError, OnlineError
        The grid or the ages cannot be used.
    """
    options = strategy.population
    if options.grid is None:
        return None
    path, layer, located = as_file(strategy, options.grid, options.layer, key=KEY, area=area)
    cells, report = read_grid(path, layer=layer, crs=area.crs, boundary=area.boundary, key=KEY)
    if located is not None:
        report = replace(report, source=str(located.layer))
    reports.append(report)
    if options.ages is None:
        return cells
    by_age, told = _ages(strategy)
    groups = age_groups(by_age)
    municipality = strategy.area.kommune or (groups.index[0] if len(groups) == 1 else None)
    if municipality not in groups.index:
        raise InputError(
            f"{told.source}: does not say which of its municipalities is meant "
            f"({', '.join(map(str, groups.index))})",
            hint="Set `kommune` under [area], or give a table of that municipality alone.",
        )
    spread, done = spread_by_age(
        cells, groups.loc[[municipality]], zone=str(municipality), source=told.source
    )
    reports.extend((told, replace(done, what="estimate", licence=told.licence)))
    return spread


def _ages(strategy: Strategy) -> tuple[pd.DataFrame, SourceReport]:
    ages = strategy.population.ages
    if isinstance(ages, Path):
        return read_statbank_csv(ages, key="`ages` under [population]")
    return population_by_age(str(strategy.area.kommune), cache_dir=cache_of(strategy))


def read_districts(
    strategy: Strategy, area: StudyArea, reports: list[SourceReport]
) -> gpd.GeoDataFrame | None:
    """Return the districts that residents are reported by, index their names; None: none named.

    Raises
    ------
    InputError, OnlineError
        The layer cannot be used, or has no column with names.
    """
    options = strategy.population
    if options.districts is None:
        return None
    key = "`districts` under [population]"
    located = locate(strategy, options.districts, options.districts_layer, key=key, area=area)
    fields = located.layer.fields
    by_lower = {name.lower(): name for name in reversed(fields)}
    guessed = next((by_lower[name] for name in NAME_COLUMNS if name in by_lower), None)
    column = options.district_name or guessed
    if column not in fields:
        raise InputError(
            f"{located.layer}: has no column {column or 'with the names of districts'} "
            f"(found: {', '.join(fields)})",
            hint="Set `district_name` under [population].",
        )
    table, _ = read_in_area(located, area, [column])
    areas = table[shapely.get_dimensions(table.geometry.to_numpy()) == 2]  # noqa: PLR2004
    if areas.empty:
        raise InputError(
            f"{located.layer}: has no polygon in the area", hint="Is it the right layer?"
        )
    named = areas.dissolve(areas[column].astype("str").to_numpy())
    facts: dict[str, Fact] = {
        **located.facts,
        "polygons": len(areas),
        "districts": len(named),
        "named by": column,
    }
    reports.append(
        SourceReport(
            "districts", str(located.layer), facts, (), (located.layer.path,), what="districts",
            date=located.date,
        )
    )  # fmt: skip
    return gpd.GeoDataFrame(geometry=named.geometry, crs=area.crs)
