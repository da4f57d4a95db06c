"""Recommended areas: neighbouring parcels joined, ranked, and what the municipality may do there.

How they are found:

1. Parcels that are assessed and at least of the class `AreaRules.from_class` take part. Two are
   neighbours where their borders meet or a gap no wider than ``gap_m`` lies between them.
2. The parcel with the highest score that no area holds yet is a seed. The neighbour is added for
   which ``(1 - compactness) · score / 100 + compactness · shape`` is highest, again and again. The
   shape is Polsby and Popper's 4πA/P² of the area with that neighbour, 1 for a circle. A gap is not
   bridged: the outline runs along both sides of a road, so that an area rather stays on one side.
3. A neighbour that would make the area larger than ``max_area_m2`` is not added; the area is done
   when no neighbour fits. A parcel that is larger by itself is an area of its own.
4. What stays below ``min_area_m2`` is no area; its parcels may still be joined to another.
5. Areas are chosen by score, the mean of their parcels' weighted by area, each at least
   ``spacing_m`` from those chosen before, until there are ``most``.

Whatever is equal is decided by ``parcel_id``, so the order of the rows changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from arealstrategi.plans import AREA_ZONED, FUTURE, MOST_SHARE, OTHER, UNKNOWN, ZONED
from arealstrategi.scoring import SAME_DECIMALS, classify
from arealstrategi.tables import CLASSES, MUNICIPAL, empty_table

AREA_COLUMNS = (
    "rank", "score", "area_m2", "n_parcels", "class", "best_parcel", "parcels", "buildable_m2",
    "municipal", "municipal_share", "plan_readiness", "dwellings", "shared_space", "instrument",
    "compactness", "geometry",
)  # fmt: skip
READINESS = (ZONED, AREA_ZONED, FUTURE, OTHER, UNKNOWN)

SALE, PREPARE, JOINT, AGREEMENT, ZONING = (
    "sale_with_conditions", "prepare_plot", "joint_development", "development_agreement",
    "area_zoning",
)  # fmt: skip
ASK_PLAN, ASK_OWNER, ASK_BOTH = "clarify_plan", "clarify_ownership", "clarify_ownership_and_plan"
# What the county's guide on social housing (sosiale boformer) proposes: on its own land the
# municipality sells zoned plots with conditions or by quality competition, and makes others ready
# first; on private land a development agreement where there is a zoning plan, else area zoning or a
# start-up meeting. Judgement: land that is only area zoned is not ready to sell; where the
# municipality owns a part it takes part with that. A development agreement may cover roads, water,
# paths and green space; a developer may not be made to pay for social infrastructure.
_BY_OWNER = {
    # plan:     zoned      area zoned future     other      unknown
    "yes":     (SALE,      PREPARE,   PREPARE,   PREPARE,   ASK_PLAN),
    "partly":  (JOINT,     JOINT,     JOINT,     JOINT,     ASK_PLAN),
    "no":      (AGREEMENT, AGREEMENT, ZONING,    ZONING,    ASK_PLAN),
    "unknown": (ASK_OWNER, ASK_OWNER, ASK_OWNER, ASK_OWNER, ASK_BOTH),
}  # fmt: skip
INSTRUMENTS = {
    (owner, plan): code
    for owner, codes in _BY_OWNER.items()
    for plan, code in zip(READINESS, codes, strict=True)
}

_HA_M2 = 10_000.0
# Judgement: parcels whose common outline holds this much less than their areas together overlap.
_OVERLAP_SHARE = 0.01


class AreaRules(BaseModel):
    """How neighbouring parcels are joined into recommended areas."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    enabled: bool = Field(default=True, description="Whether areas are recommended at all.")
    from_class: Literal["very_suitable", "suitable", "less_suitable", "unsuitable"] = Field(
        default="suitable", description="Least class of a parcel that is joined."
    )
    # Judgement: the width of a residential street with its verges.
    gap_m: float = Field(default=10.0, ge=0, description="Parcels this close are neighbours.")
    # Judgement: room for one small house with shared rooms; five hectares are a whole quarter.
    min_area_m2: float = Field(default=2_000.0, ge=0, description="Least area.")
    max_area_m2: float = Field(default=50_000.0, gt=0, description="Largest area.")
    # Judgement: mostly the score, with enough of the shape to avoid long strips.
    compactness: float = Field(
        default=0.3, ge=0, le=1, description="0: score alone decides; 1: shape alone."
    )
    spacing_m: float = Field(default=0.0, ge=0, description="Least distance between areas.")
    most: int = Field(default=20, ge=1, description="How many areas at most.")
    # Judgement: low blocks and terraced houses near a small town's centre.
    dwellings_per_ha: float = Field(default=40.0, gt=0, description="Dwellings per hectare.")
    # Oslo's proposal, as the county's guide cites it: shared space for more than 15 dwellings.
    shared_space_over: int = Field(
        default=15, ge=0, description="More dwellings than this need shared space."
    )

    @model_validator(mode="after")
    def _in_order(self) -> AreaRules:
        if self.min_area_m2 > self.max_area_m2:
            raise ValueError(
                f"min_area_m2 ({self.min_area_m2:g}) must not be larger than "
                f"max_area_m2 ({self.max_area_m2:g})"
            )
        return self


def neighbours(
    shapes: NDArray[np.object_], gap_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the pairs of polygons whose borders meet or lie within a gap of each other.

    Parameters
    ----------
    shapes
        (n,) polygons in metres.
    gap_m
        Widest gap, in metres; 0: they must touch.

    Returns
    -------
    Rows of the first and the second of each pair, first < second, sorted.
    """
    west, south, east, north = shapely.bounds(shapes).reshape(-1, 4).T
    around = shapely.box(west - gap_m, south - gap_m, east + gap_m, north + gap_m)
    first, second = shapely.STRtree(shapes).query(around)
    once = first < second
    first, second = first[once], second[once]
    near = shapely.dwithin(shapes[first], shapes[second], gap_m)
    first, second = first[near], second[near]
    order = np.lexsort((second, first))
    return first[order].astype(np.int64), second[order].astype(np.int64)


def recommend_areas(
    parcels: gpd.GeoDataFrame, rules: AreaRules
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Join neighbouring parcels into areas, as this module's first lines say.

    Parameters
    ----------
    parcels
        Index ``parcel_id``; ``area_m2``, ``status``, ``score`` (0–100), ``class``, ``municipal``,
        and polygons or points in the analysis CRS. If there: ``buildable_m2``, ``municipal_share``
        (0–1) and ``plan_readiness`` (`READINESS`).
    rules
        Sizes, shape and number.

    Returns
    -------
    The areas, best first, and warnings. Index ``area_id`` (``A1``, ``A2`` …), columns
    `AREA_COLUMNS`:

    - ``rank``: 1, 2, 2, 4; ``class``: of the score, but no better than the best parcel's;
    - ``parcels``: ids, ``;``-joined; ``best_parcel``: the one with the highest score;
    - ``buildable_m2``: NaN where it is not known of a parcel; ``dwellings``: how many it has room
      for at ``dwellings_per_ha``, or the whole area where it is NaN;
    - ``municipal``: ``yes`` or ``no`` where that is so of every parcel, ``partly`` where any is at
      least partly, else ``unknown``; ``municipal_share``: what is known to be municipal, 0–1, at
      least that much; NaN where nothing is, unless every parcel is known not to be;
    - ``plan_readiness``: as for a parcel, the first step that holds for at least half of the area,
      each counting the ones before it;
    - ``shared_space``: whether it has room for more than ``shared_space_over`` dwellings;
    - ``compactness``: 4πA/P² of the outline.
    """
    nothing = _typed(empty_table(AREA_COLUMNS, parcels.crs))
    if not rules.enabled:
        return nothing, ()
    part, warnings = _taking_part(parcels, rules)
    areas = _grow_all(_survey(part, rules.gap_m), rules)
    if not areas:
        return nothing, warnings
    pieces, left = _choose(part, areas, rules)
    if left:
        told = f"{left} more areas scored lower than the {rules.most} that are recommended"
        warnings += (f"{told}; raise `most` under [areas] to see them",)
    table = _describe(pieces, rules)
    return _typed(table), warnings + _doubts(table)


def _taking_part(
    parcels: gpd.GeoDataFrame, rules: AreaRules
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Return the parcels that may be joined, by parcel_id, with every column that is optional."""
    classes = CLASSES[: CLASSES.index(rules.from_class) + 1]
    fit = parcels["status"].isin(["assessed"]) & parcels["class"].isin(classes)
    is_area = shapely.get_dimensions(parcels.geometry.to_numpy()) == 2  # noqa: PLR2004
    points = int((fit & ~is_area).sum())
    told = (f"{points} parcels are points and were joined to no area",) if points else ()
    part: gpd.GeoDataFrame = parcels[fit & is_area].sort_index()
    absent: dict[str, float | str] = {"buildable_m2": np.nan, "municipal_share": np.nan}
    absent["plan_readiness"] = UNKNOWN
    return part.assign(**{k: v for k, v in absent.items() if k not in part.columns}), told


@dataclass(frozen=True)
class _Ground:
    """What growing looks at, by candidate in the order of parcel_id.

    Parameters
    ----------
    area_m2, outline_m, score
        (n,) area, length of the border, and score 0–1.
    starts, beside, border_m
        ``beside[starts[i]:starts[i + 1]]`` are the neighbours of candidate i, and ``border_m`` how
        much border it has in common with each.
    """

    area_m2: NDArray[np.float64]
    outline_m: NDArray[np.float64]
    score: NDArray[np.float64]
    starts: NDArray[np.int64]
    beside: NDArray[np.int64]
    border_m: NDArray[np.float64]


def _survey(part: gpd.GeoDataFrame, gap_m: float) -> _Ground:
    shapes = part.geometry.to_numpy()
    first, second = neighbours(shapes, gap_m)
    borders = shapely.boundary(shapes)
    common_m = shapely.length(shapely.intersection(borders[first], borders[second]))
    owner, beside = np.r_[first, second], np.r_[second, first]
    order = np.lexsort((beside, owner))
    return _Ground(
        part["area_m2"].to_numpy(dtype=float),
        shapely.length(shapes),
        part["score"].to_numpy(dtype=float) / 100.0,
        np.searchsorted(owner[order], np.arange(len(part) + 1)),
        beside[order],
        np.r_[common_m, common_m][order],
    )


def _grow_all(ground: _Ground, rules: AreaRules) -> list[NDArray[np.int64]]:
    """Return the candidates of each area, rising."""
    n = len(ground.score)
    free, tried = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
    common_m = np.full(n, np.nan)
    component, whole_m2, members_of = _components(ground)
    areas = []
    for seed in np.argsort(-ground.score.round(SAME_DECIMALS), kind="stable"):
        if tried[seed]:
            continue
        if whole_m2[component[seed]] <= rules.max_area_m2:  # growing would end there too, but later
            members = members_of[component[seed]]
        else:
            members = _grow(ground, seed, free, common_m, rules)
        tried[members] = True
        area_m2 = ground.area_m2[members].sum()
        if area_m2 >= rules.min_area_m2 and area_m2 > 0:
            free[members] = False
            areas.append(members)
    return areas


def _components(
    ground: _Ground,
) -> tuple[NDArray[np.int32], NDArray[np.float64], list[NDArray[np.int64]]]:
    """Return which candidates hang together: (n,) label, area and candidates of each label."""
    n = len(ground.score)
    owner = np.repeat(np.arange(n), np.diff(ground.starts))
    links = coo_array((np.ones(len(owner)), (owner, ground.beside)), shape=(n, n))
    count, label = connected_components(links, directed=False)
    whole_m2 = np.zeros(count)
    np.add.at(whole_m2, label, ground.area_m2)
    order = np.argsort(label, kind="stable").astype(np.int64)
    ends = np.searchsorted(label[order], np.arange(1, count))
    return label, whole_m2, np.split(order, ends)


def _grow(
    ground: _Ground,
    seed: np.int64,
    free: NDArray[np.bool_],
    common_m: NDArray[np.float64],
    rules: AreaRules,
) -> NDArray[np.int64]:
    """Return the candidates of the area around a seed, rising.

    ``common_m`` is (n,) room to work, NaN before and after: how much border each candidate that
    has come into view has in common with the area.
    """
    area_m2 = outline_m = common_m[seed] = 0.0
    best, members, seen = seed, [], [np.array([seed])]
    edge = np.empty(0, dtype=np.int64)  # neighbours of the area that still fit
    while True:
        members.append(best)
        area_m2 += ground.area_m2[best]
        outline_m += ground.outline_m[best] - 2 * common_m[best]
        around = slice(ground.starts[best], ground.starts[best + 1])
        beside, border_m = ground.beside[around], ground.border_m[around]
        new = beside[free[beside] & np.isnan(common_m[beside])]
        common_m[new] = 0.0
        common_m[beside] += border_m
        seen.append(new)
        edge = np.concatenate([edge[edge != best], new])
        edge = edge[area_m2 + ground.area_m2[edge] <= rules.max_area_m2]
        if len(edge) == 0:
            common_m[np.concatenate(seen)] = np.nan
            return np.sort(np.array(members))
        best = _best(ground, edge, (area_m2, outline_m), common_m[edge], rules.compactness)


def _best(
    ground: _Ground,
    edge: NDArray[np.int64],
    so_far: tuple[float, float],
    common_m: NDArray[np.float64],
    compactness: float,
) -> np.int64:
    """Return the neighbour at the edge of an area, of so much area and outline, that suits best."""
    area_m2 = so_far[0] + ground.area_m2[edge]
    outline_m = so_far[1] + ground.outline_m[edge] - 2 * common_m
    worth = (1 - compactness) * ground.score[edge] + compactness * _roundness(area_m2, outline_m)
    worth = worth.round(SAME_DECIMALS)
    return np.int64(edge[worth == worth.max()].min())


def _roundness(area_m2: NDArray[np.float64], outline_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Polsby and Popper's 4πA/P²; no more than 1, which parcels that overlap could pass."""
    of_circle = 4 * np.pi * area_m2
    return of_circle / np.maximum(outline_m**2, of_circle)


def _choose(
    part: gpd.GeoDataFrame, areas: list[NDArray[np.int64]], rules: AreaRules
) -> tuple[gpd.GeoDataFrame, int]:
    """Return the parcels of the areas that are recommended, and how many areas were too many.

    The parcels have a column ``area``: 0 for the best, 1 for the next …
    """
    pieces = part.iloc[np.concatenate(areas)]
    area = np.repeat(np.arange(len(areas)), [len(members) for members in areas])
    score = _mean_score(pieces, area).round(SAME_DECIMALS).to_numpy()
    first_id = np.array([members[0] for members in areas])
    shapes = pieces.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    nearer_than = np.nextafter(rules.spacing_m, 0.0)
    stands = np.ones(len(areas), dtype=bool)
    place = np.full(len(areas), -1)
    for one in np.lexsort((first_id, -score)):
        if not stands[one]:
            continue
        place[one] = place.max() + 1
        stands[one] = False
        if rules.spacing_m > 0:
            together = shapely.geometrycollections(shapes[area == one])
            near = tree.query(together, predicate="dwithin", distance=nearer_than)
            stands[area[near]] = False
        if place[one] + 1 == rules.most:
            break
    chosen: gpd.GeoDataFrame = pieces.assign(area=place[area])
    return chosen[chosen["area"] >= 0].sort_values("area", kind="stable"), int(stands.sum())


def _mean_score(pieces: pd.DataFrame, area: Any) -> pd.Series:  # noqa: ANN401 - key or array
    """Return the mean score of each area, weighted by the area of its parcels."""
    total = (pieces["score"] * pieces["area_m2"]).groupby(area).sum()
    return total / pieces["area_m2"].groupby(area).sum()


def _describe(pieces: gpd.GeoDataFrame, rules: AreaRules) -> gpd.GeoDataFrame:
    """Return the table of `recommend_areas` from the parcels of each area."""
    area = pieces["area"]
    by_area = pieces.rename_axis(index="parcel_id").reset_index().groupby("area")
    ids = by_area["parcel_id"]
    best = pieces.assign(rounded=pieces["score"].round(SAME_DECIMALS)).sort_values(
        ["area", "rounded"], ascending=[True, False], kind="stable"
    )
    table = pd.DataFrame({"score": _mean_score(pieces, area), "area_m2": by_area["area_m2"].sum()})
    table["n_parcels"] = ids.size()
    table["rank"] = table["score"].round(SAME_DECIMALS).rank(method="min", ascending=False)
    table["class"] = _class(table["score"], pieces)
    table["best_parcel"] = best.index[~best["area"].duplicated()]
    table["parcels"] = ids.agg(";".join)
    table["buildable_m2"] = by_area["buildable_m2"].sum(min_count=1)
    table.loc[pieces["buildable_m2"].isna().groupby(area).any(), "buildable_m2"] = np.nan
    table["municipal"] = _municipal(pieces)
    table["municipal_share"] = _municipal_share(pieces, table)
    table["plan_readiness"] = _readiness(pieces, table)
    ground_m2 = table["buildable_m2"].fillna(table["area_m2"])
    table["dwellings"] = np.floor(ground_m2 / _HA_M2 * rules.dwellings_per_ha + 1e-9)
    table["shared_space"] = table["dwellings"] > rules.shared_space_over
    pairs = zip(table["municipal"], table["plan_readiness"], strict=True)
    table["instrument"] = [INSTRUMENTS[pair] for pair in pairs]
    outline = _outlines(pieces)
    table["compactness"] = _roundness(shapely.area(outline), shapely.length(outline))
    table.index = pd.Index([f"A{place + 1}" for place in table.index], name="area_id")
    return gpd.GeoDataFrame(table, geometry=outline, crs=pieces.crs)


def _class(score: pd.Series, pieces: pd.DataFrame) -> NDArray[np.object_]:
    """Return the class of each score; a gate that holds every parcel back holds back the area."""
    order = {name: place for place, name in enumerate(CLASSES)}
    best = pieces["class"].map(order).astype(int).groupby(pieces["area"]).min()
    own = classify(score).map(order).astype(int)
    return np.asarray(CLASSES, dtype=object)[np.maximum(own, best)]


def _municipal(pieces: pd.DataFrame) -> NDArray[np.object_]:
    yes, partly, no, unknown = (
        (pieces["municipal"] == word).groupby(pieces["area"]).any() for word in MUNICIPAL
    )
    mixed = partly | (yes & (no | unknown))
    return np.select([mixed, unknown, yes, no], ["partly", "unknown", "yes", "no"], "unknown")


def _municipal_share(pieces: pd.DataFrame, table: pd.DataFrame) -> pd.Series:
    """Return the share known to be municipal; of a parcel owned in part, as far as it is told."""
    whole = pieces["municipal"].map({"yes": 1.0, "no": 0.0})
    told = pieces["municipal_share"].where(pieces["municipal"] == "partly")
    known_m2 = whole.fillna(told).fillna(0.0) * pieces["area_m2"]
    share = known_m2.groupby(pieces["area"]).sum() / table["area_m2"]
    return share.where((share > 0) | (table["municipal"] == "no"))


def _readiness(pieces: pd.DataFrame, table: pd.DataFrame) -> NDArray[np.object_]:
    steps = [ZONED, AREA_ZONED, FUTURE, OTHER]
    by_step = pieces.pivot_table("area_m2", "area", "plan_readiness", aggfunc="sum")
    reached_m2 = by_step.reindex(index=table.index, columns=steps).fillna(0.0).cumsum(axis=1)
    least_m2 = MOST_SHARE * table["area_m2"] * (1 - 1e-9)
    return np.select([reached_m2[step] >= least_m2 for step in steps], steps, UNKNOWN)


def _outlines(pieces: gpd.GeoDataFrame) -> NDArray[np.object_]:
    together = shapely.geometrycollections(
        pieces.geometry.to_numpy(), indices=pieces["area"].to_numpy()
    )
    return np.asarray(shapely.unary_union(np.asarray(together)[:, np.newaxis], axis=1))


def _doubts(table: gpd.GeoDataFrame) -> tuple[str, ...]:
    """Say what a reader of the areas should know of them."""
    told = []
    outline_m2 = table.geometry.area
    overlap = int((outline_m2 < (1 - _OVERLAP_SHARE) * table["area_m2"]).sum())
    if overlap:
        told.append(
            f"{overlap} recommended areas have parcels that overlap; what they share counts twice "
            "in area and dwellings"
        )
    unknown = int(table["buildable_m2"].isna().sum())
    if 0 < unknown < len(table):
        told.append(
            f"{unknown} recommended areas have parcels of which it is not known how much can be "
            "built on; their dwellings are estimated from the whole area"
        )
    return tuple(told)


def _typed(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put the columns in order, each of its type, so that an empty table looks like a full one."""
    words = ("class", "best_parcel", "parcels", "municipal", "plan_readiness", "instrument")
    measures = ("score", "area_m2", "buildable_m2", "municipal_share", "compactness")
    whole = ("rank", "n_parcels", "dwellings")
    types = dict.fromkeys(words, "str") | dict.fromkeys(measures, "float64")
    types |= dict.fromkeys(whole, "int64") | {"shared_space": "bool"}
    typed: gpd.GeoDataFrame = table[list(AREA_COLUMNS)].astype(types)
    typed.index = pd.Index(typed.index, dtype="str", name="area_id")
    return typed
