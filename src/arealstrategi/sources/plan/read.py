"""Plan layers become one table of purposes, zones and plans that are in force or under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from arealstrategi.area import only_polygons
from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.plan.codes import (
    DROPPED,
    IN_FORCE,
    IN_PROGRESS,
    ON_THE_GROUND,
    act_of,
    code_table,
    is_known_purpose,
    status_use,
)
from arealstrategi.sources.plan.rows import read_rows, unread_layers
from arealstrategi.sources.vector import Layer

PLAN_COLUMNS = (
    "kind", "level", "act", "code", "future", "plan_id", "plantype", "planstatus", "use", "name",
    "date", "geometry",
)  # fmt: skip
_OF_THE_PLAN = ["plantype", "planstatus", "date", "plan_id"]
_MOST = 0.5  # share of an area that its plan must hold where no plan id joins them
_FARTHEST_M = 1e8  # no projected coordinate on Earth is larger
_USES = (IN_FORCE, IN_PROGRESS, DROPPED)


@dataclass
class _Notes:
    """What reading has found so far, for the report."""

    facts: dict[str, Fact] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    listed: dict[str, list[str]] = field(default_factory=dict)

    def count(self, reason: str, rows: pd.DataFrame) -> None:
        """Count rows under a reason, and list them by object type where there are any."""
        self.facts[reason] = len(rows)
        if len(rows):
            by_type = rows["told"].value_counts().sort_index()
            self.listed[reason] = [f"{told}: {n}" for told, n in by_type.items()]

    def warn(self, rows: pd.Series, text: str) -> None:
        """Say how many rows something holds for, where it holds for any."""
        if n := int(rows.sum()):
            self.warnings.append(f"{n} {text}")


def read_plan(
    layers: Sequence[Layer], *, crs: pyproj.CRS, boundary: BaseGeometry | None = None
) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """Read plan layers into one table.

    Purposes and zones take plantype, planstatus and date from the plan area (KpOmråde, RpOmråde)
    with their plan id; without an id, from the one that holds at least half of them. Plans that are
    repealed, replaced or overridden (4, 5, 8) are left out with all that belongs to them, and so is
    what does not lie on the ground (vertikalnivå other than 2; where none is given it does).

    Parameters
    ----------
    layers
        The opened layers, of one file or several (`open_plan`).
    crs
        The analysis CRS.
    boundary
        In the analysis CRS; areas that do not meet it are left out. None: all are kept.

    Returns
    -------
    A table with `PLAN_COLUMNS` and what was found. ``kind``: ``purpose``, ``zone`` or ``plan``.
    ``level``: ``kp`` (municipal plan) or ``rp`` (zoning plan). ``act``: 1985 or 2008, of purposes.
    ``code``: of the purpose (``1110``) or of the zone (``H310``). ``future``: arealbruksstatus.
    ``plan_id``: ``kommunenummer_planidentifikasjon``. ``use``: ``in_force`` (status 3, 6, 7, or not
    given) or ``in_progress`` (1, 2). ``date``: ISO, of coming into force, else of adoption.
    ``geometry``: valid polygons. Text that is not given is NA.

    Raises
    ------
    InputError
        A layer cannot be read, nothing says what it holds, or no layer holds a plan area.
    """
    notes = _Notes()
    filled = [layer for layer in layers if layer.features != 0]
    tables = [read_rows(layer, crs) for layer in filled]
    if not tables:
        raise InputError(
            f"{', '.join(map(str, layers)) or 'The plan'}: holds no features",
            hint="Give layers such as KpArealformålOmråde, RpArealformålOmråde or RpOmråde.",
        )
    rows = gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=crs)
    areas = _only_areas(rows, notes)
    if len(areas) == 0:
        found = ", ".join(sorted(rows["told"].unique()))
        raise InputError(
            f"{', '.join(map(str, layers))}: holds no plan areas (found: {found})",
            hint="Give layers such as KpArealformålOmråde, RpArealformålOmråde or RpOmråde.",
        )
    areas = _repair(areas, notes)
    areas = _by_id(areas, notes)
    areas = _inside(areas, boundary, notes)
    areas = _on_the_ground(areas, notes)
    areas = _by_place(areas)
    areas = _in_use(areas, notes)
    _describe(areas, notes)
    return _tidy(areas), _report(layers, notes)


def _only_areas(rows: gpd.GeoDataFrame, notes: _Notes) -> gpd.GeoDataFrame:
    """Keep the polygons of our object types that have a code where they must have one."""
    notes.facts["features read"] = len(rows)
    shapes = rows.geometry.to_numpy()
    is_area = (shapely.get_dimensions(shapes) == 2) & ~shapely.is_empty(shapes)  # noqa: PLR2004
    notes.count("lines, points and empty shapes, not used", rows[~is_area])
    known = rows["kind"].notna().to_numpy()
    notes.count("areas of other object types, not used", rows[is_area & ~known])
    coded = (rows["code"].notna() | (rows["kind"] == "plan")).to_numpy()
    uncoded = rows[is_area & known & ~coded]
    notes.count("areas without a code, not used", uncoded)
    if len(uncoded):
        notes.warnings.append(f"{len(uncoded)} areas have no code and were not used")
    areas: gpd.GeoDataFrame = rows[is_area & known & coded]
    notes.warn(areas["bad_date"], "areas have a date that cannot be read; they count as old")
    return areas


def _repair(areas: gpd.GeoDataFrame, notes: _Notes) -> gpd.GeoDataFrame:
    shapes = areas.geometry.to_numpy().copy()
    usable = _on_earth(shapes)
    bad = ~shapely.is_valid(shapes) & usable
    fixed = shapely.make_valid(shapes[bad], method="structure", keep_collapsed=False)
    shapes[bad] = only_polygons(np.asarray(fixed, dtype=object))
    usable[usable] = shapely.area(shapes[usable]) > 0
    notes.facts["repaired"] = int((bad & usable).sum())
    notes.count("not repairable, not used", areas[~usable])
    return areas.set_geometry(gpd.GeoSeries(shapes, areas.index, crs=areas.crs))[usable]


def _on_earth(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Say which shapes have only coordinates that are numbers, and none beyond the Earth."""
    xy, row = shapely.get_coordinates(shapes, return_index=True)
    wrong = ~(np.abs(xy) <= _FARTHEST_M).all(axis=1)
    return np.asarray(np.bincount(row, wrong, minlength=len(shapes)) == 0)


def _inside(
    areas: gpd.GeoDataFrame, boundary: BaseGeometry | None, notes: _Notes
) -> gpd.GeoDataFrame:
    if boundary is None:
        return areas
    shapely.prepare(boundary)
    meets = shapely.intersects(boundary, areas.geometry.to_numpy())
    notes.facts["outside the study area, left out"] = int((~meets).sum())
    if not meets.any():
        notes.warnings.append("no plan area meets the study area")
    return areas[meets]


def _by_id(areas: gpd.GeoDataFrame, notes: _Notes) -> gpd.GeoDataFrame:
    """Give purposes and zones what the plan area with their id says."""
    of_plans = areas["kind"] == "plan"
    named = areas[of_plans & areas["plan_id"].notna()]
    best = _best_first(named).drop_duplicates(["level", "plan_id"])
    key = ["level", "plan_id"]
    found = areas[key].merge(best[[*key, "plantype", "planstatus", "date", "kind"]], "left", key)
    found.index = areas.index
    lonely = ~of_plans & areas["plan_id"].notna() & found["kind"].isna()
    if of_plans.any():
        notes.warn(lonely, "areas name a plan that has no plan area in these layers")
    own = {name: areas[name].fillna(found[name]) for name in ("plantype", "planstatus", "date")}
    return areas.assign(**own)


def _best_first(plans: pd.DataFrame) -> pd.DataFrame:
    """Sort plans: in force before under way before dropped, then the newest, the later id."""
    use = plans["planstatus"].fillna("").map(status_use).map(_USES.index)
    keys = ["date", "plan_id", "plantype", "planstatus"]
    ascending = [True] + [False] * len(keys)
    ordered = plans.assign(_use=use).sort_values(["_use", *keys], ascending=ascending)
    return ordered.drop(columns="_use")


def _on_the_ground(areas: gpd.GeoDataFrame, notes: _Notes) -> gpd.GeoDataFrame:
    ground = areas["vertical"].isna() | (areas["vertical"] == ON_THE_GROUND)
    notes.count("not on the ground (vertikalnivå), left out", areas[~ground])
    return areas[ground]


def _by_place(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give areas without a plan id what the plan area of their level says that holds them."""
    of_plans = (areas["kind"] == "plan").to_numpy()
    lost = areas[~of_plans & areas["plan_id"].isna().to_numpy()]
    plans = _best_first(areas[of_plans])
    own, hold = lost.geometry.to_numpy(), plans.geometry.to_numpy()
    row, plan = shapely.STRtree(hold).query(own, predicate="intersects")
    same = lost["level"].to_numpy()[row] == plans["level"].to_numpy()[plan]
    row, plan = row[same], plan[same]
    share = shapely.area(shapely.intersection(own[row], hold[plan])) / shapely.area(own[row])
    pairs = pd.DataFrame({"row": row, "plan": plan, "share": np.round(share, 6)})
    pairs = pairs[pairs["share"] >= _MOST].sort_values(
        ["row", "share", "plan"], ascending=[True, False, True]
    )
    pairs = pairs.drop_duplicates("row")
    found = plans[_OF_THE_PLAN].iloc[pairs["plan"]].set_axis(lost.index[pairs["row"]])
    return areas.assign(**{name: areas[name].fillna(found[name]) for name in _OF_THE_PLAN})


def _in_use(areas: gpd.GeoDataFrame, notes: _Notes) -> gpd.GeoDataFrame:
    status = areas["planstatus"]
    areas = areas.assign(use=status.fillna("").map(status_use).astype("str"))
    notes.count("of plans no longer in force, left out", areas[areas["use"] == DROPPED])
    areas = areas[areas["use"] != DROPPED]
    status = areas["planstatus"]
    known = status.isin(list(code_table("planstatus")))
    notes.warn(~known, "areas do not say the status of their plan; they count as in force")
    notes.warn(status == "6", "areas are of plans adopted with deferred legal effect (status 6)")
    notes.warn(status == "7", "areas are of plans in force for a limited time (status 7)")
    return areas


def _describe(areas: gpd.GeoDataFrame, notes: _Notes) -> None:
    """Count what is left, and say what is doubtful about it."""
    kinds = {"purpose": "purposes", "zone": "zones (hensynssoner)", "plan": "plan areas"}
    for kind, name in kinds.items():
        notes.facts[name] = int((areas["kind"] == kind).sum())
    notes.facts["in progress, not counted as zoned"] = int((areas["use"] == IN_PROGRESS).sum())
    purposes = areas[areas["kind"] == "purpose"]
    pairs = purposes[["level", "code"]].drop_duplicates().sort_values(["level", "code"])
    unknown = [
        f"unknown code {code} ({level})"
        for level, code in pairs.itertuples(index=False)
        if not is_known_purpose(level, code)
    ]
    zones = sorted(set(areas.loc[areas["kind"] == "zone", "code"]))
    known_zones = code_table("zone")
    unknown += [f"unknown code {code}" for code in zones if code[1:] not in known_zones]
    notes.warnings.extend(unknown)
    unsaid = (purposes["level"] == "rp") & purposes["plantype"].isna()
    recent = purposes["code"].map(act_of) != 1985  # noqa: PLR2004 - the act; it had no area zoning
    notes.warn(
        unsaid & recent,
        "purposes of zoning plans do not say the plantype; they count as områderegulering",
    )
    if len(purposes) == 0:
        notes.warnings.append("the layers hold no purposes (arealformål)")


def _tidy(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    act = areas["code"].map(act_of, na_action="ignore").where(areas["kind"] == "purpose")
    table = areas.assign(act=act.astype("Int64"))[list(PLAN_COLUMNS)]
    return gpd.GeoDataFrame(table.reset_index(drop=True), geometry="geometry", crs=areas.crs)


def _report(layers: Sequence[Layer], notes: _Notes) -> SourceReport:
    first = layers[0]
    facts: dict[str, Fact] = {"layers": len(layers), **notes.facts}
    others = unread_layers(tuple(layers))
    if others:
        facts["layers not used"] = ", ".join(sorted(others))
    facts["CRS"] = first.crs_told
    files = tuple(dict.fromkeys(layer.path for layer in layers))
    source = str(first) if len(layers) == 1 else ", ".join(map(str, files))
    what = "Arealplan (SOSI Plan)"
    warnings = tuple(notes.warnings)
    return SourceReport("plan", source, facts, warnings, files, notes.listed, what)
