"""Who lives there: a population grid, with older residents estimated in each cell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd

from arealstrategi.area import StudyArea
from arealstrategi.errors import InputError
from arealstrategi.inputs.located import as_file, cache_of
from arealstrategi.population import age_groups, spread_by_age
from arealstrategi.provenance import SourceReport
from arealstrategi.sources.statistics import population_by_age, read_grid, read_statbank_csv
from arealstrategi.strategy import Strategy

KEY = "`grid` under [population]"


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
