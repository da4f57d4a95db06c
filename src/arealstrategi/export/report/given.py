"""The tables that a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import shapely

from arealstrategi.comparison import Comparison
from arealstrategi.explanation import ScoreModel
from arealstrategi.provenance import SourceReport
from arealstrategi.robustness import Robustness
from arealstrategi.scoring import Gate


@dataclass(frozen=True)
class Place:
    """Where, and on what ground the maps are drawn.

    Parameters
    ----------
    name
        Of the study area.
    boundary
        Its polygon in the analysis CRS.
    backdrop
        `tables.BACKDROP_COLUMNS`: streets, water, green and buildings.
    """

    name: str
    boundary: shapely.Geometry
    backdrop: gpd.GeoDataFrame


@dataclass(frozen=True)
class People:
    """Who has what near, and who gave the weights; already without what the public may not read.

    Parameters
    ----------
    in_reach
        As `access.residents_in_reach` gives it; empty where no population grid was given.
    weightings
        One row for each: ``source``, ``method``, ``of``, ``people`` and ``consistency`` (NaN
        where not told); empty for the public.
    """

    in_reach: pd.DataFrame
    weightings: pd.DataFrame


@dataclass(frozen=True)
class Given:
    """Given sites: `parcels` as those of the report, with ``place_among_parcels``."""

    parcels: gpd.GeoDataFrame
    findings: pd.DataFrame


@dataclass(frozen=True)
class ReportTables:
    """What a report tells of. Geometry is in the analysis CRS.

    Parameters
    ----------
    title, language, audience
        As the strategy says.
    place, people, sites
        See there; no sites: None.
    notes
        What every output says of the whole.
    parcels
        The columns of the contract, index ``parcel_id``.
    areas
        Recommended areas, best first.
    criteria
        Index ``key``: ``label``, ``group``, ``weight``, ``full_m``, ``zero_m``, ``walk``,
        ``found``, ``reason`` (in the language) and ``source`` of the weight.
    groups
        Key of each group to its name.
    model
        How values became scores.
    gates
        Groups that must reach a minimum.
    walker
        ``profile``, ``season``, ``direction`` and ``speed_m_s`` on the flat.
    rules
        One row per constraint: ``name``, ``effect``, ``points``, ``by`` (``share`` or
        ``net_area``) and ``given``, whether the strategy names it; ground that is too steep is one
        that it does not.
    answers, findings
        As `Result.constraints` and `Result.findings`.
    on_the_way
        ``parcel_id``, ``category`` and metres of what hinders, of the walks that give points.
    top
        The best parcels, with their bands.
    robustness
        None where it was switched off.
    scenarios
        Name and comparison of each.
    dwellings_per_ha, shared_space_over
        What room for dwellings was estimated with, and how many need shared rooms.
    reports
        What was read; sources without folders.
    warnings
        As the run gave them, in English.
    """

    title: str
    language: str
    audience: str
    place: Place
    people: People
    sites: Given | None
    notes: tuple[str, ...]
    parcels: gpd.GeoDataFrame
    services: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    criteria: pd.DataFrame
    groups: Mapping[str, str]
    model: ScoreModel
    gates: tuple[Gate, ...]
    walker: Mapping[str, str | float]
    rules: pd.DataFrame
    answers: pd.DataFrame
    findings: pd.DataFrame
    on_the_way: pd.DataFrame
    top: pd.DataFrame
    robustness: Robustness | None
    scenarios: tuple[tuple[str, Comparison], ...]
    dwellings_per_ha: float
    shared_space_over: int
    reports: tuple[SourceReport, ...]
    warnings: tuple[str, ...]
