"""Given sites: a list of parcels, places, or outlines that are to be compared side by side."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from arealstrategi.area import StudyArea
from arealstrategi.criteria import NumberCriterion
from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.cadastre import find_columns, labels, parse_numbers
from arealstrategi.sources.parcels import clean_parcels, read_parcels
from arealstrategi.sources.points import DEGREE_COLUMNS, METRE_COLUMNS, read_points
from arealstrategi.sources.spreadsheets import TABLES, read_rows
from arealstrategi.sources.vector import open_layer
from arealstrategi.strategy import Strategy

KEY = "`source` under [sites]"
_TOWN = re.compile(r"^\d{4}-")
ID_COLUMNS = ("parcel_id", "id", "eiendom", "eiendommer", "tomt", "site", "label")


def read_sites(
    strategy: Strategy,
    area: StudyArea,
    parcels: gpd.GeoDataFrame,
    reports: list[SourceReport],
) -> gpd.GeoDataFrame | None:
    """Return the given sites as a table of parcels; None where the strategy names none.

    Raises
    ------
    InputError
        The file cannot be used, or no site of it is known.
    """
    source = strategy.sites.source
    if source is None:
        return None
    if source.suffix.lower() not in TABLES:
        sites, report = _outlines(strategy, area)
    elif _has_coordinates(source):
        sites, report = _places(source, area)
    else:
        sites, report = _listed(strategy, source, parcels)
    reports.append(report)
    return sites


def _own_columns(strategy: Strategy) -> list[str]:
    return [c.column for c in strategy.criteria if isinstance(c, NumberCriterion) and c.column]


def _outlines(strategy: Strategy, area: StudyArea) -> tuple[gpd.GeoDataFrame, SourceReport]:
    options = strategy.sites
    assert options.source is not None  # noqa: S101 - the caller has looked
    layer = open_layer(options.source, options.layer, key=KEY, crs=options.crs)
    known = [name for name in _own_columns(strategy) if name in layer.fields]
    raw = read_parcels(layer, id_column=options.id, columns=known)
    sites, report = clean_parcels(
        raw, area.crs, area.boundary, min_width_m=strategy.parcels.min_width_m
    )
    return sites, SourceReport(
        "sites", report.source, report.facts, report.warnings, report.files, report.listed,
        what="given sites",
    )  # fmt: skip


def _has_coordinates(source: Path) -> bool:
    columns = {str(name).lower() for name in read_rows(source, key=KEY).columns}
    return any(columns & set(x) and columns & set(y) for x, y in (DEGREE_COLUMNS, METRE_COLUMNS))


def _places(source: Path, area: StudyArea) -> tuple[gpd.GeoDataFrame, SourceReport]:
    places, report = read_points(source, "site", area.crs, key=KEY)
    identity = places["service_id"].str.removeprefix("own:site:")
    name = places["name"].where(places["name"] != "", identity)
    once = name.where(~name.duplicated(keep=False), name + " (" + identity + ")")
    table = gpd.GeoDataFrame(
        {"label": once.to_numpy(), "area_m2": np.nan, "municipal": "unknown"},
        geometry=places.geometry.to_numpy(),
        crs=area.crs,
        index=pd.Index(once, name="parcel_id"),
    )
    # further out not every service that counts is known
    inside = table.intersects(area.boundary).to_numpy()
    if not inside.any():
        raise InputError(
            f"{source}: no site lies in the study area",
            hint="Check whether x and y have changed places, or set a larger boundary under [area]",
        )
    outside = table.index[~inside].tolist()
    listed = {**report.listed, **({"outside the area, left out": outside} if outside else {})}
    said = (
        *report.warnings,
        *((f"outside the area, left out: {len(outside)}",) if outside else ()),
    )
    return table[inside], SourceReport(
        "sites", report.source, report.facts, said, report.files, listed, what="given sites"
    )


def _listed(
    strategy: Strategy, source: Path, parcels: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """Take the parcels that a list names: by id, by cadastral number, or by label."""
    rows = read_rows(source, key=KEY)
    named = _named(rows, strategy.sites.id, source)
    parts = parse_numbers(named)
    number = labels(parts).fillna("")
    own = parcels.get("property", pd.Series(pd.NA, parcels.index, dtype="str"))
    own = own.fillna(parcels.index.to_series())
    label, anywhere = parcels["label"].astype("str"), own.str.replace(_TOWN, "", regex=True)
    wanted = {text for text in (*named, *number) if text}
    without_town = set(number[parts["municipality"].isna()]) - {""}
    found = parcels.index.isin(wanted) | own.isin(wanted) | label.isin(wanted)
    found |= anywhere.isin(without_town)
    known = {*parcels.index[found], *own[found], *label[found], *anywhere[found]}
    lost = [a for a, b in zip(named, number, strict=True) if a not in known and b not in known]
    if not found.any():
        raise InputError(
            f"{source}: none of its {len(named)} sites is among the parcels "
            f"(the first: {named.iloc[0]!r})",
            hint=f"A parcel is called, for instance, {parcels.index[0]!r}.",
        )
    facts: dict[str, Fact] = {
        "rows read": len(named),
        "rows that name a site again": int(named.duplicated().sum()),
        "parcels found": int(found.sum()),
    }
    report = SourceReport(
        "sites", str(source), facts,
        (f"sites that no parcel has the name of: {len(lost)}",) if lost else (), (source,),
        {"sites that no parcel has the name of": lost} if lost else {}, what="list of given sites",
    )  # fmt: skip
    return gpd.GeoDataFrame(parcels[found]), report


def _named(rows: pd.DataFrame, column: str | None, source: Path) -> pd.Series:
    """Return the names of the sites in a list."""
    by_lower = {str(name).strip().lower(): str(name) for name in reversed(rows.columns)}
    fields = tuple(map(str, rows.columns))
    candidates = (column, *(by_lower.get(name) for name in ID_COLUMNS), find_columns(fields).text)
    chosen = next((name for name in candidates if name is not None), None)
    chosen = fields[0] if chosen is None and len(fields) == 1 else chosen
    if chosen not in fields:
        raise InputError(
            f"{source}: has no column {chosen or 'that names sites'} (found: {', '.join(fields)})",
            hint="Set `id` under [sites] to the column with ids or cadastral numbers.",
        )
    text = rows[chosen].astype("str").str.strip()
    named: pd.Series = text[text.notna() & (text != "")]
    if named.empty:
        raise InputError(f"{source}: the column {chosen} is empty", hint="Give a site per row.")
    return named
