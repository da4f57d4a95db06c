"""Plan purpose and plan readiness of each parcel, and zones of plans as constraints.

Where plans overlap, one rules. The rule, which does not depend on the order of the rows:

1. A zoning plan (``rp``) rules over the municipal plan (``kp``).
2. Among zoning plans, the newest by its date rules; one without a date is the oldest; at the same
   date the one with the later plan id; in one plan the purpose with the lower code.
3. Among municipal plans, a kommunedelplan (21, and 22, a minor change) rules over the
   kommuneplan (20); then as 2.
4. A plan in progress never rules; it is told apart (``plan_in_progress``).

By law (pbl § 1-5) a newer municipal plan goes before an older zoning plan where they contradict
each other, unless it says that the zoning plan still holds (H910). Whether they do is for a planner
to read, so it changes nothing here, but ``plan_conflict`` tells where it may be so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from arealstrategi.errors import InputError
from arealstrategi.evidence import SLIVER_SHARE, area_share
from arealstrategi.sources.plan import (
    HOUSING,
    IN_FORCE,
    IN_PROGRESS,
    act_of,
    code_table,
    purpose_group,
)

ZONED, AREA_ZONED, FUTURE, OTHER, UNKNOWN = (
    "zoned_for_housing", "area_zoned", "future_housing", "other", "unknown",
)  # fmt: skip
# Judgement: how far on the way to housing a parcel is, 0–1. The order is that of the guide
# (regulert bolig, områderegulert, bolig i kommuneplanen, annet); unknown has no value.
READINESS_VALUE = {ZONED: 1.0, AREA_ZONED: 0.7, FUTURE: 0.4, OTHER: 0.0}
# Judgement: what holds for at least half of the parcel holds for the parcel.
MOST_SHARE = 0.5
CARRIED_ON = "H910"
# 30–33 are older zoning plans and their building plans, 35 is detailed zoning. 34 is
# områderegulering, and a plan that does not say its type counts as that, the less ready one.
DETAILED = ("30", "31", "32", "33", "35")
_SUB_PLANS = ("21", "22")
_NOTHING = 1e-12  # share of a parcel below which a piece is what rounding left


def plan_of_parcels(parcels: gpd.GeoDataFrame, plan: gpd.GeoDataFrame) -> pd.DataFrame:
    """Say what the plans want of each parcel, and how far on the way to housing it is.

    ``plan_readiness`` is the first of these that holds for at least half of the parcel's area,
    each counting the ones before it:

    - ``zoned_for_housing``: a detailed or older zoning plan in force, of a housing purpose;
    - ``area_zoned``: a zoning plan in force of a housing purpose, if only områderegulering;
    - ``future_housing``: a housing purpose in the municipal plan, existing, future or to be
      developed further alike, for in each of them new housing needs no other purpose;
    - ``other``: any other purpose. Where the purpose is known for less than half: ``unknown``.

    Parameters
    ----------
    parcels
        Parcels in the analysis CRS; a point lies in one purpose or none.
    plan
        The table of `sources.plan.read_plan`, in the same CRS.

    Returns
    -------
    Index ``parcel_id``. ``plan_purpose``: the code with the largest share (the lower code where two
    are as large), NA where there is none; ``plan_level``: ``kp`` or ``rp``, without which a code of
    1985 means nothing; ``plan_purpose_share``: 0–1; ``plan_readiness``; ``plan_id``: the plan that
    says so for most of it; ``plan_in_progress``: whether a plan is under way on it;
    ``plan_conflict``: whether a newer municipal plan says another group of purposes than the zoning
    plan that rules, and no H910 confirms that one.
    """
    pieces = _ruling_pieces(parcels, plan)
    main = _largest(pieces).reindex(parcels.index)
    shapes = parcels.geometry.to_numpy()
    coming = plan[plan["use"] == IN_PROGRESS].geometry.to_numpy()
    return pd.DataFrame(
        {
            "plan_purpose": main["code"],
            "plan_level": main["level"],
            "plan_purpose_share": main["share"].fillna(0.0),
            "plan_readiness": _readiness(pieces, parcels.index),
            "plan_id": main["plan_id"],
            "plan_in_progress": area_share(shapes, coming) > SLIVER_SHARE,
            "plan_conflict": _conflicts(parcels, plan, main),
        },
        index=parcels.index,
    )


def purpose_shares(parcels: gpd.GeoDataFrame, plan: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the share of each parcel that each purpose rules.

    Returns
    -------
    Columns ``parcel_id``, ``level``, ``code``, ``share`` (0–1), sorted by the first three. Shares
    of a parcel sum to at most 1; what is missing has no purpose.
    """
    pieces = _ruling_pieces(parcels, plan)
    keys = ["parcel_id", "level", "code"]
    return pieces.groupby(keys)["share"].sum().reset_index()


def plan_zones(plan: gpd.GeoDataFrame, codes: Sequence[str]) -> gpd.GeoSeries:
    """Return the hensynssoner in force that have one of `codes`, as zones of a constraint.

    Parameters
    ----------
    plan
        The table of `sources.plan.read_plan`.
    codes
        ``["H310", "H320"]``, with or without the H.

    Raises
    ------
    InputError
        There is no such code.
    """
    known = code_table("zone")
    numbers = [str(code).strip().upper().removeprefix("H") for code in codes]
    wrong = [str(code) for code, number in zip(codes, numbers, strict=True) if number not in known]
    if wrong:
        raise InputError(
            f"there is no hensynssone with the code {', '.join(map(repr, wrong))}",
            hint=f"The codes are: {', '.join(f'H{number}' for number in known)}.",
        )
    wanted = (plan["kind"] == "zone") & (plan["use"] == IN_FORCE)
    zones = plan[wanted & plan["code"].isin([f"H{number}" for number in numbers])]
    return gpd.GeoSeries(zones.geometry.to_numpy(), crs=plan.crs)


def _ruling_pieces(parcels: gpd.GeoDataFrame, plan: gpd.GeoDataFrame) -> pd.DataFrame:
    """Cut purposes by parcels, and leave to each what no purpose before it rules.

    Returns
    -------
    ``parcel_id``, ``level``, ``code``, ``plan_id``, ``plantype``, ``date``, ``share`` (above 0).
    """
    purposes = _in_order(plan[(plan["kind"] == "purpose") & (plan["use"] == IN_FORCE)])
    shapes, areas = parcels.geometry.to_numpy(), purposes.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    area, parcel = tree.query(areas, predicate="intersects")
    n = len(shapes)
    covers, covered = tree.query(areas, predicate="covers")
    inside = np.isin(area * n + parcel, covers * n + covered)
    order = np.lexsort((area, parcel))
    area, parcel, inside = area[order], parcel[order], inside[order]
    kept = _not_hidden(parcel, inside)
    area, parcel, inside = area[kept], parcel[kept], inside[kept]
    pieces = shapes[parcel]
    pieces[~inside] = shapely.intersection(pieces[~inside], areas[area[~inside]])
    whole = shapely.area(shapes)[parcel]
    share = np.ones(len(pieces))
    np.divide(shapely.area(pieces) - _ruled_before(pieces, parcel), whole, share, where=whole > 0)
    found = purposes[["level", "code", "plan_id", "plantype", "date"]].iloc[area]
    found = found.assign(parcel_id=parcels.index[parcel], share=np.minimum(share, 1.0))
    ruling: pd.DataFrame = found[found["share"] > _NOTHING]
    return ruling.reset_index(drop=True)


def _in_order(purposes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Sort purposes by who rules: see the rule of this module."""
    keyed = purposes.assign(
        _sub=purposes["plantype"].isin(_SUB_PLANS) & (purposes["level"] == "kp"),
        _shape=shapely.to_wkb(shapely.normalize(purposes.geometry.to_numpy())),
    )
    ordered: gpd.GeoDataFrame = keyed.sort_values(
        ["level", "_sub", "date", "plan_id", "code", "plantype", "_shape"],
        ascending=[False, False, False, False, True, False, True],
    )
    return ordered


def _not_hidden(parcel: NDArray[np.int64], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which pieces come no later than the first that fills its parcel; sorted by parcel."""
    if len(parcel) == 0:
        return inside
    starts = np.flatnonzero(np.r_[True, parcel[1:] != parcel[:-1]])
    filled: NDArray[np.int64] = np.cumsum(inside)
    before = filled - inside  # pieces that fill their parcel and come earlier
    counts = np.diff(np.r_[starts, len(parcel)])
    return np.asarray(before == np.repeat(before[starts], counts))


def _ruled_before(pieces: NDArray[np.object_], parcel: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the area of each piece (m²) that earlier pieces of its parcel cover."""
    covered = np.zeros(len(pieces))
    later, earlier = shapely.STRtree(pieces).query(pieces)
    clash = (parcel[later] == parcel[earlier]) & (earlier < later)
    later, earlier = later[clash], earlier[clash]
    common = shapely.intersection(pieces[later], pieces[earlier])
    real = shapely.area(common) > 0
    later, common = later[real], common[real]
    row, group = np.unique(later, return_inverse=True)
    order = np.argsort(group, kind="stable")
    joined = np.asarray(shapely.geometrycollections(common[order], indices=group[order]))
    covered[row] = shapely.area(shapely.unary_union(joined[:, np.newaxis], axis=1))
    return covered


def _largest(pieces: pd.DataFrame) -> pd.DataFrame:
    """Return the largest purpose of each parcel with the plan and the date of most of it."""
    keys = ["parcel_id", "level", "code"]
    total = pieces.groupby(keys)["share"].sum().reset_index()
    total["rounded"] = total["share"].round(9)
    main = total.sort_values(
        ["parcel_id", "rounded", "code", "level"], ascending=[True, False, True, False]
    ).drop_duplicates("parcel_id")
    by_plan = pieces.groupby([*keys, "plan_id", "date"], dropna=False)["share"].sum()
    plans = by_plan.reset_index()
    plans["rounded"] = plans["share"].round(9)
    most = plans.sort_values(
        [*keys, "rounded", "plan_id", "date"], ascending=[True, True, True, False, True, True]
    ).drop_duplicates(keys)
    found = main[[*keys, "share"]].merge(most[[*keys, "plan_id", "date"]], "left", keys)
    return pd.DataFrame(found.set_index("parcel_id"))


def _readiness(pieces: pd.DataFrame, index: pd.Index) -> NDArray[np.object_]:
    """Say how far on the way to housing each parcel is."""
    pairs = pieces[["level", "code"]].drop_duplicates()
    groups = {(lv, code): purpose_group(lv, code) for lv, code in pairs.itertuples(index=False)}
    keys = pd.MultiIndex.from_frame(pieces[["level", "code"]])
    housing = np.asarray(keys.map(groups) == HOUSING, dtype=bool)
    zoned = (pieces["level"] == "rp").to_numpy()
    of_1985 = pieces["code"].map(act_of) == 1985  # noqa: PLR2004 - the act knew no area zoning
    detailed = zoned & (pieces["plantype"].isin(DETAILED) | of_1985).to_numpy()
    steps = {ZONED: housing & detailed, AREA_ZONED: housing & zoned, FUTURE: housing}
    known = np.ones(len(pieces), dtype=bool)
    holds = [
        pieces["share"]
        .where(step, 0.0)
        .groupby(pieces["parcel_id"])
        .sum()
        .reindex(index)
        .to_numpy()
        >= MOST_SHARE - 1e-9
        for step in (*steps.values(), known)
    ]
    return np.select(holds, [*steps, OTHER], UNKNOWN)


def _conflicts(
    parcels: gpd.GeoDataFrame, plan: gpd.GeoDataFrame, main: pd.DataFrame
) -> NDArray[np.bool_]:
    """Say where a newer municipal plan disagrees with the zoning plan that rules."""
    zoned = (main["level"] == "rp").to_numpy()
    answer = np.zeros(len(parcels), dtype=bool)
    own = parcels[zoned]
    municipal = _largest(_ruling_pieces(own, plan[plan["level"] == "kp"])).reindex(own.index)
    ruling = main[zoned]
    newer = (municipal["date"] > ruling["date"]).fillna(value=False).to_numpy(dtype=bool)
    differs = _groups("kp", municipal["code"]) != _groups("rp", ruling["code"])
    confirmed = area_share(own.geometry.to_numpy(), plan_zones(plan, [CARRIED_ON]).to_numpy())
    answer[zoned] = newer & differs & (confirmed < MOST_SHARE)
    return answer


def _groups(level: Literal["kp", "rp"], codes: pd.Series) -> NDArray[np.object_]:
    known = {code: purpose_group(level, code) for code in codes.dropna().unique()}
    return np.asarray(codes.map(known), dtype=object)
