"""Residents by age in grid cells: summed, divided, spread, and always the same in all.

The open grids of Statistics Norway hold no ages. So age groups are spread from a municipality (or
a district) to its cells in proportion to all residents, and are an estimate: the columns end in
``_estimate``, and the column ``method`` says which total was kept (see `spread_by_age`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from scipy import sparse

from arealstrategi.area import only_polygons
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.statistics.cells import cell_id_of, corner_of, squares

RESIDENTS, ESTIMATE = "residents", "_estimate"
AGE_GROUPS: Mapping[str, tuple[float, float]] = {
    "residents_65plus": (65, np.inf),
    "residents_67plus": (67, np.inf),
    "residents_67_79": (67, 79),
    "residents_80plus": (80, np.inf),
    "residents_90plus": (90, np.inf),
}  # years, both included
SMALLEST_SHOWN = 5  # memory: a common threshold for public tables
SAME_TOTAL_SHARE = 1e-6
NOBODY = 0.05  # residents that rounding of areas may leave over
# Judgement: the grid is of another day, and leaves out people without an address.
CLOSE_TOTAL_SHARE = 0.05

Scale = Literal["grid", "statistics"]
METHODS: Mapping[Scale, str] = {
    "grid": "proportional_shares_kept",
    "statistics": "proportional_numbers_kept",
}


@dataclass(frozen=True)
class InZones:
    """Residents of grid cells, by zone.

    Parameters
    ----------
    counts
        Index of the zones; the counts of the cells, and ``hidden_cells``: how many cells without
        a number lie there, wholly or in part.
    outside
        The same counts in no zone; with ``counts`` they sum to those of the cells.
    method
        How cells on a border were dealt with.
    warnings
        What was repaired, and what does not lie in a zone.
    """

    counts: pd.DataFrame
    outside: pd.Series
    method: str
    warnings: tuple[str, ...]


def age_groups(
    by_age: pd.DataFrame, *, year: int | None = None, alternative: str = "observed"
) -> pd.DataFrame:
    """Sum single years of age to the groups of `AGE_GROUPS`.

    Parameters
    ----------
    by_age
        As `sources.statistics.ages` gives it.
    year
        Which year; None: the latest.
    alternative
        ``observed``, or one of a projection.

    Returns
    -------
    Index ``municipality``: ``residents`` and the groups. NaN where an age in the group is hidden,
    or a row of the table covers ages within and without the group. ``attrs["year"]``.
    """
    chosen = by_age[by_age["alternative"] == alternative]
    latest = int(chosen["year"].max()) if len(chosen) and year is None else year
    chosen = chosen[chosen["year"] == latest]
    groups = {RESIDENTS: (0.0, np.inf), **AGE_GROUPS}
    found: dict[str, pd.Series] = {}
    for name, (youngest, oldest) in groups.items():
        within = (chosen["age_from"] >= youngest) & (chosen["age_to"] <= oldest)
        apart = (chosen["age_to"] < youngest) | (chosen["age_from"] > oldest)
        people = chosen["residents"].where(within | apart).mask(apart, 0.0)
        sums = people.groupby(chosen["municipality"]).agg(["sum", "count", "size"])
        found[name] = sums["sum"].where(sums["count"] == sums["size"])
    table = pd.DataFrame(found)
    table.attrs["year"] = latest
    return table


def hide_small(counts: pd.DataFrame, *, below: int = SMALLEST_SHOWN) -> pd.DataFrame:
    """Return counts of people without those above 0 and under `below`: they become NaN.

    For tables that are made public. It does not keep anyone from finding a hidden number as the
    difference between a total and the others; leave the total out where one alone is hidden.
    """
    return counts.mask((counts > 0) & (counts < below))


def for_public(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of cells or of parts of the area without what tells of a few people.

    Small counts are hidden (`hide_small`), and with them what would tell them: the shares in
    their row and those of a few people, of women and men both, the mean age of a cell. Where one
    part of the area alone is hidden, the row of the whole is left out, for it less the other parts
    is the hidden number.

    Parameters
    ----------
    table
        Cells as `read_grid` gives them, or ``part``, ``zone``, ``category``, ``group`` and counts
        as `access.residents_in_reach` and `access.access_in_zones` give them.
    """
    people = _counts(table)
    shown = table.assign(**hide_small(table[people]))
    hidden = shown[people].isna() & table[people].notna()
    pair = [name for name in ("women", "men") if name in people]
    shown[pair] = shown[pair].mask(hidden[pair].any(axis=1))
    if "mean_age" in shown:
        shown["mean_age"] = shown["mean_age"].mask(hidden[RESIDENTS])
    shares = [str(name) for name in table if str(name).endswith("_share")]
    for name in shares:
        of_few = hide_small((table[[name]].mul(table[RESIDENTS], axis=0)).round(6))[name].isna()
        shown[name] = shown[name].mask(of_few | hidden.any(axis=1))
    if "part" not in table:
        return shown
    keys = [table[name] for name in ("category", "group") if name in table]
    is_whole = table["part"] == "whole"
    alone = hidden[~is_whole].groupby([key[~is_whole] for key in keys]).sum().eq(1).any(axis=1)
    told = pd.MultiIndex.from_arrays(keys).isin(alone.index[alone])
    return shown[~(is_whole & told)].reset_index(drop=True)


def to_larger_cells(cells: gpd.GeoDataFrame, side_m: int) -> gpd.GeoDataFrame:
    """Sum cells to larger ones, exactly, by their ids.

    Parameters
    ----------
    cells
        As `read_grid` gives them.
    side_m
        Side of the larger cells, a multiple of the side of `cells`.

    Returns
    -------
    The same columns in the same CRS. Numbers of people are summed over the cells that have one
    (NaN where none has), the mean age is weighted by residents; ``hidden_cells`` counts the cells
    that have none.

    Raises
    ------
    ValueError
        The sides do not fit. This is a mistake in the calling code.
    """
    if (cells["side_m"] > side_m).any() or (side_m % cells["side_m"]).any():
        raise ValueError(f"cells of {sorted(set(cells['side_m']))} m do not fill cells of {side_m}")
    corners = corner_of(cells.index.to_numpy(dtype=str)).reshape(-1, 2)
    into = pd.Index(cell_id_of(corners[:, 0], corners[:, 1], side_m), name="cell_id")
    plain = pd.DataFrame(cells.drop(columns="geometry")).set_index(into)
    groups = plain.groupby(level=0)
    larger = groups[_counts(cells)].sum(min_count=1)
    larger["hidden_cells"] = plain[RESIDENTS].isna().groupby(level=0).sum()
    if "mean_age" in plain:
        known = plain[plain["mean_age"].notna() & (plain[RESIDENTS] > 0)]
        years = (known["mean_age"] * known[RESIDENTS]).groupby(level=0).sum()
        larger["mean_age"] = years / known[RESIDENTS].groupby(level=0).sum()
    for name in {"year", "method"} & set(plain):
        larger[name] = groups[name].first()
    larger["side_m"] = side_m
    shapes = squares(larger.index.to_numpy(dtype=str), side_m, pyproj.CRS(cells.crs))
    return gpd.GeoDataFrame(larger, geometry=shapes, crs=cells.crs)


def to_zones(
    cells: gpd.GeoDataFrame, zones: gpd.GeoDataFrame, how: Literal["area", "centre"] = "area"
) -> InZones:
    """Sum the residents of cells by zone; nobody is lost or counted twice.

    Parameters
    ----------
    cells
        As `read_grid` gives them.
    zones
        Polygons in the CRS of `cells`; invalid ones are repaired.
    how
        ``area``: a cell is divided by the share of its area in each zone. ``centre``: a cell
        belongs to the zone that its centre lies in. People live unevenly in a cell, so both are
        estimates at the borders.

    Raises
    ------
    ValueError
        The two are in different CRSs. This is a mistake in the calling code.
    """
    if cells.crs is None or not cells.crs.equals(zones.crs):
        raise ValueError(f"the cells are in {cells.crs}, the zones in {zones.crs}")
    shapes, repaired = _valid(zones.geometry.to_numpy())
    share, overlap = (
        _area_shares(cells.geometry.to_numpy(), shapes)
        if how == "area"
        else _centre_shares(cells.geometry.to_numpy(), shapes)
    )
    columns = _counts(cells)
    people = cells[columns].fillna(0.0).to_numpy(dtype=float)
    counts = pd.DataFrame(share @ people, zones.index, columns)
    hidden = cells[RESIDENTS].isna().to_numpy()
    counts["hidden_cells"] = np.asarray((share > 0) @ hidden.astype(int), dtype=int)
    rest = np.clip(1.0 - np.asarray(share.sum(axis=0)).ravel(), 0.0, 1.0)
    outside = pd.Series(rest @ people, columns, name="outside")
    outside["hidden_cells"] = int(hidden[rest > SAME_TOTAL_SHARE].sum())
    told = {
        f"zones repaired: {repaired}": repaired,
        f"cells in zones that overlap, divided between them: {overlap}": overlap,
        f"residents in no zone: {outside[RESIDENTS]:.1f}": outside[RESIDENTS] >= NOBODY,
        f"cells whose residents are hidden: {int(hidden.sum())}": hidden.any(),
    }
    method = {
        "area": "a cell is divided by the share of its area in each zone",
        "centre": "a cell belongs to the zone that its centre lies in",
    }[how]
    return InZones(counts, outside, method, tuple(text for text, true in told.items() if true))


def zone_of(cells: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> pd.Series:
    """Return for each cell the zone that most of it lies in; NA where it lies in none.

    Parameters
    ----------
    cells
        Cells.
    zones
        Polygons in the CRS of `cells`, their index the zones' ids: municipalities, districts.

    Returns
    -------
    Labels of the zones' index, on the index of the cells.
    """
    if zones.empty:
        return pd.Series(np.nan, cells.index, name="zone", dtype=object)
    shapes, _ = _valid(zones.geometry.to_numpy())
    share, _ = _area_shares(cells.geometry.to_numpy(), shapes)
    most = np.asarray(share.argmax(axis=0)).ravel()
    met = np.asarray(share.max(axis=0).todense()).ravel() > 0
    return pd.Series(zones.index.to_numpy()[most], cells.index, name="zone").where(met)


def spread_by_age(
    cells: gpd.GeoDataFrame,
    by_age: pd.DataFrame,
    *,
    zone: pd.Series | str,
    scale_to: Scale = "grid",
    source: str = "Statistics Norway",
) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """Spread age groups from zones to their cells, in proportion to all residents.

    Every cell of a zone gets the same share of, say, 80 and older. That is an estimate: a cell
    with a nursing home has more.

    Parameters
    ----------
    cells
        As `read_grid` gives them.
    by_age
        Index: zones. ``residents`` and age groups, as `age_groups` gives them.
    zone
        Zone of each cell, on the index of the cells; one text: all cells lie in that zone.
    scale_to
        Where the grid and the statistics disagree on a zone's residents: ``grid`` keeps the
        zone's share of the age group (right also where the grid holds a part of the zone),
        ``statistics`` keeps its number.
    source
        Where `by_age` came from, for the report.

    Returns
    -------
    The cells with a column ``…_estimate`` for each age group (NaN where nothing is known) and
    ``method`` (one of `METHODS`); and what was done.
    """
    belongs = pd.Series(zone, cells.index) if isinstance(zone, str) else zone.reindex(cells.index)
    in_grid = cells[RESIDENTS].groupby(belongs).sum()
    told = by_age[RESIDENTS].reindex(in_grid.index)
    base = told if scale_to == "grid" else in_grid
    groups = [name for name in by_age if name != RESIDENTS]
    rate = by_age[groups].reindex(in_grid.index).div(base.where(base > 0), axis=0)
    of_cell = rate.reindex(belongs.to_numpy()).set_index(cells.index)
    estimate = of_cell.mul(cells[RESIDENTS], axis=0).add_suffix(ESTIMATE)
    method = METHODS[scale_to]
    spread = cells.assign(**{str(name): estimate[name] for name in estimate}, method=method)
    facts: dict[str, Fact] = {
        "method": method,
        "zones": len(in_grid),
        "residents in the grid": float(in_grid.sum()),
        "residents in the statistics": float(told.sum()),
        **{name: round(float(estimate[name].sum()), 1) for name in map(str, estimate)},
    }
    empty = by_age.index.difference(in_grid.index)
    warnings = (
        *((f"zones of the statistics without any cell: {len(empty)}",) if len(empty) else ()),
        *_disagreement(in_grid, told, scale_to),
        *_unknown(cells, belongs, estimate),
        *_other_year(cells, by_age),
    )
    return spread, SourceReport("residents by age in cells", source, facts, warnings)


def _counts(cells: pd.DataFrame) -> list[str]:
    """Return the columns that count people and so may be summed."""
    plain = (RESIDENTS, "women", "men")
    return [str(name) for name in cells if name in plain or str(name).startswith("residents_")]


def _valid(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], int]:
    """Return valid polygons and how many had to be repaired."""
    shapes = np.array(shapes, dtype=object)
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes[broken] = only_polygons(
        shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    )
    return shapes, int(broken.sum())


def _area_shares(
    cells: NDArray[np.object_], zones: NDArray[np.object_]
) -> tuple[sparse.csr_array, int]:
    """Return the share (zones, cells) of each cell's area; at most 1 in all, also on overlaps."""
    zone, cell = shapely.STRtree(cells).query(zones, predicate="intersects")
    area = shapely.area(shapely.intersection(zones[zone], cells[cell]))
    share = area / shapely.area(cells[cell])
    together = np.bincount(cell, share, len(cells))
    overlap = int((together > 1 + SAME_TOTAL_SHARE).sum())
    share /= np.maximum(together, 1.0)[cell]
    return sparse.csr_array((share, (zone, cell)), shape=(len(zones), len(cells))), overlap


def _centre_shares(
    cells: NDArray[np.object_], zones: NDArray[np.object_]
) -> tuple[sparse.csr_array, int]:
    """Return 1 for the zone of each cell's centre, the first where several hold it."""
    cell, zone = shapely.STRtree(zones).query(shapely.centroid(cells), predicate="intersects")
    order = np.lexsort((zone, cell))
    cell, zone = cell[order], zone[order]
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    share = (np.ones(len(first)), (zone[first], cell[first]))
    return sparse.csr_array(share, shape=(len(zones), len(cells))), 0


def _disagreement(in_grid: pd.Series, told: pd.Series, scale_to: Scale) -> tuple[str, ...]:
    """Say where the grid and the statistics count different numbers of people."""
    apart = ((in_grid - told).abs() / told.clip(lower=1)).reset_index(drop=True)
    differ = apart[apart > SAME_TOTAL_SHARE]
    if differ.empty:
        return ()
    kept = "the shares of age groups" if scale_to == "grid" else "the numbers of age groups"
    worst = int(apart.fillna(-1.0).to_numpy().argmax())
    said = (
        f"in {len(differ)} of {len(in_grid)} zones the grid and the statistics disagree, most in "
        f"{in_grid.index[worst]}: {in_grid.iloc[worst]:.0f} and {told.iloc[worst]:.0f}; "
        f"{kept} were kept"
    )
    if differ.max() > CLOSE_TOTAL_SHARE:
        said += ". So large a difference means another year, or that a part of the zone is missing"
    return (said,)


def _unknown(
    cells: gpd.GeoDataFrame, belongs: pd.Series, estimate: pd.DataFrame
) -> tuple[str, ...]:
    """Say how many people live in cells without an estimate."""
    without = estimate.isna().all(axis=1) & cells[RESIDENTS].notna()
    if not without.any():
        return ()
    people, nowhere = cells.loc[without, RESIDENTS].sum(), int((without & belongs.isna()).sum())
    said = f"cells without an estimate: {int(without.sum())} with {people:.0f} residents, "
    return (f"{said}{nowhere} of them in no zone",)


def _other_year(cells: gpd.GeoDataFrame, by_age: pd.DataFrame) -> tuple[str, ...]:
    year = by_age.attrs.get("year")
    grid = int(cells["year"].max()) if "year" in cells and len(cells) else year
    if year is None or grid == year:
        return ()
    return (f"the grid is of {grid}, the residents by age of {year}",)
