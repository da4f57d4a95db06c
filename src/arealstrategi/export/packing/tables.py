"""What the map takes: tables and a few settings, each with a meaning when left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import geopandas as gpd
import pandas as pd
import pyproj

from arealstrategi.export.packing.shapes import along_curve
from arealstrategi.reach.trees import RouteTables
from arealstrategi.scoring import FLOOR, Gate, Method, MissingPolicy
from arealstrategi.tables import (
    BACKDROP_COLUMNS,
    PARCEL_COLUMNS,
    SERVICE_COLUMNS,
    check_table,
)

RESULT_COLUMNS = (*PARCEL_COLUMNS, "status", "reasons", "score", "class", "rank")
CRITERION_COLUMNS = ("label_nb", "label_en", "group", "weight", "kind", "full", "zero", "found")


@dataclass(frozen=True)
class MapTables:
    """What the map shows. Geometries are in the analysis CRS; ids are those of ``parcels``.

    Parameters
    ----------
    parcels
        The result table, index ``parcel_id``: ``label``, ``area_m2`` (m²), ``status``,
        ``reasons``, ``score`` (0–100), ``class``, ``rank``, ``municipal``, and for each criterion
        KEY ``KEY_value`` (0–1); of kind ``walk`` also ``KEY_walk_m`` and ``KEY_walk_min``, of
        other kinds ``KEY_raw``. Where they are there also ``rank_p05``, ``rank_p95``,
        ``top_share`` (0–1), ``score_if_allowed``, ``plan_readiness``, ``plan_purpose``. No other
        column is read: what the owner is called never reaches the page. Polygons or points.
    services
        Places as in `arealstrategi.tables`, with ``reason`` (empty, or why it cannot be reached).
    backdrop
        What lies below the parcels, as in `arealstrategi.tables`.
    criteria
        Index ``key``, in the order to show them: ``label_nb``, ``label_en``, ``group``,
        ``weight`` (sum 1), ``kind``, ``full`` and ``zero`` (what is worth 1 and 0; NaN where that
        is no two numbers), ``found`` (the data hold such a service); where they are there also
        ``critical``, ``headline``, ``why_nb``, ``why_en``.
    nearest
        Per criterion of kind ``walk`` the row of ``services`` that is nearest, -1 where none is;
        None: not told.
    routes
        The walks of all parcels, in the order of ``parcels``; None: none is drawn.
    barriers
        Metres of what hinders on each walk to show: ``KEY_steep_m``, ``KEY_steps_m``,
        ``KEY_unlit_m``, ``KEY_no_sidewalk_m``; None: nothing is told.
    deduction
        Points taken off each parcel; None: none.
    constraints
        Index: name; ``effect``, and where it is there ``by``: ``share``, or ``net_area`` where the
        zones are only taken off the ground.
    answers, shares
        A column per constraint: `arealstrategi.evidence` answers, and the share hit, 0–1.
    zones
        ``name`` of the constraint, and its zones.
    areas
        Recommended areas, as `areas.recommend_areas` gives them.
    sites
        Given sites: ``label``, ``score``, ``class``, ``place_among_parcels``.
    scenarios
        Name to points gained by each parcel; NaN where it is not scored in both.
    presets
        Index as ``criteria``, a column of weights (sum 1) per set, the strategy's own first; None:
        the strategy's own alone.
    method, alpha, floor, missing, gates
        How values become scores and classes, as in `arealstrategi.scoring`.
    profile
        The walker.
    notes, credits
        By language: sentences under the title, and what the sources want to be named as.
    audience
        ``public`` or ``internal``: shown, so that nobody hands on the wrong file.
    """

    parcels: gpd.GeoDataFrame
    services: gpd.GeoDataFrame
    backdrop: gpd.GeoDataFrame
    criteria: pd.DataFrame
    nearest: pd.DataFrame | None = None
    routes: RouteTables | None = None
    barriers: pd.DataFrame | None = None
    deduction: pd.Series | None = None
    constraints: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"effect": []}))
    answers: pd.DataFrame = field(default_factory=pd.DataFrame)
    shares: pd.DataFrame = field(default_factory=pd.DataFrame)
    zones: gpd.GeoDataFrame | None = None
    areas: gpd.GeoDataFrame | None = None
    sites: gpd.GeoDataFrame | None = None
    scenarios: Mapping[str, pd.Series] = field(default_factory=dict)
    presets: pd.DataFrame | None = None
    method: Method = "weighted_sum"
    alpha: float = 1.0
    floor: float = FLOOR
    missing: MissingPolicy = "require"
    gates: Sequence[Gate] = ()
    profile: str = "senior"
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    credits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    audience: Literal["internal", "public"] = "internal"

    @property
    def crs(self) -> pyproj.CRS:
        """The analysis CRS.

        Raises
        ------
        ValueError
            The parcels have none.
        """
        if self.parcels.crs is None:
            raise ValueError("the parcels have no CRS")
        return self.parcels.crs

    @property
    def walking(self) -> dict[int, str]:
        """Place of each criterion that is a walk, to its key."""
        kinds = self.criteria["kind"]
        return {at: str(key) for at, (key, kind) in enumerate(kinds.items()) if kind == "walk"}


def check_tables(tables: MapTables) -> None:
    """Refuse tables that are not as described.

    Raises
    ------
    ValueError
        Names the table and columns: a mistake in the calling code.
    """
    crs = tables.crs
    check_table(tables.parcels, RESULT_COLUMNS, crs)
    check_table(tables.services, (*SERVICE_COLUMNS, "reason"), crs)
    check_table(tables.backdrop, BACKDROP_COLUMNS, crs)
    for other in (tables.zones, tables.areas, tables.sites):
        if other is not None and len(other):
            check_table(other, ("geometry",), crs)
    lacking = [name for name in CRITERION_COLUMNS if name not in tables.criteria]
    if lacking:
        raise ValueError(f"the criteria lack the columns {lacking}")


def in_page_order(tables: MapTables) -> MapTables:
    """Return the tables with the parcels along a curve; see `shapes.along_curve`."""
    order = along_curve(tables.parcels.geometry)
    ids = tables.parcels.index[order]

    def follow(table: pd.DataFrame | None) -> pd.DataFrame | None:
        return None if table is None or not len(table.columns) else table.loc[ids]

    answers, shares = follow(tables.answers), follow(tables.shares)
    return replace(
        tables,
        parcels=tables.parcels.iloc[order],
        nearest=follow(tables.nearest),
        routes=None if tables.routes is None else tables.routes.with_parcels(order),
        barriers=follow(tables.barriers),
        deduction=None if tables.deduction is None else tables.deduction.loc[ids],
        answers=tables.answers if answers is None else answers,
        shares=tables.shares if shares is None else shares,
        scenarios={name: change.reindex(ids) for name, change in tables.scenarios.items()},
    )
