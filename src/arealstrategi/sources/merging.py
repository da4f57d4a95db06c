"""One table of services from several sources, each place in it once."""

from __future__ import annotations

import re
import unicodedata

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from arealstrategi.provenance import Fact
from arealstrategi.tables import SERVICE_COLUMNS, check_table

NEAR_M = 30.0  # judgement: the point of a building against its door, a stop against its shelter
SAME_NAME_M = 150.0  # judgement: the stops of one name on both sides of a crossing
ANYBODYS_WORDS = frozenset([
    "a", "as", "asa", "sa", "da", "ba", "nuf", "avd", "avdeling", "og", "i", "på", "ved",
    "the", "of", "at", "by", "holdeplass", "bussholdeplass", "busstopp", "busstasjon",
    "rutebilstasjon", "stasjon", "stoppested", "terminal", "stop", "station",
])  # fmt: skip
_ACCENTS = re.compile("[\u0300-\u0302]")  # grave, acute, circumflex: kafé; the ring of å stays

Ints = NDArray[np.int64]


def merge_services(
    *tables: gpd.GeoDataFrame, near_m: float = NEAR_M, same_name_m: float = SAME_NAME_M
) -> tuple[gpd.GeoDataFrame, dict[str, Fact]]:
    """Put services from several sources into one table, a place that two of them know only once.

    Two rows of one category are the same place when they lie within `near_m` of each other and
    one has no name or more than half the words of the shorter name are in the other; or within
    `same_name_m` when all its words are. Case, punctuation, accents and words that anybody may use
    ("AS", "holdeplass") do not count. Other names are two neighbours, however near: Café Nord and
    Café Sør stay two.

    Each row of a table is matched with at most one row of those before it and the other way round,
    equal names first, then the nearest; rows of one table are never merged. The earlier one stays,
    with its geometry; what it lacks (a name, departures) is taken from the later one. Where a stop
    is mapped once for each direction and a timetable knows one place, both get its departures.

    Parameters
    ----------
    tables
        Services tables in one CRS in metres, the most trusted first: own points, OpenStreetMap,
        timetables, the cadastre.
    near_m, same_name_m
        Distances between geometries, metres.

    Returns
    -------
    Services table with the columns of all: the rows of the first table, then those of each next
    one that are not there yet. And what was merged.
    """
    for table in tables:
        check_table(table, SERVICE_COLUMNS, pyproj.CRS(tables[0].crs))
    merged = tables[0].reset_index(drop=True)
    same = neighbours = 0
    for table in tables[1:]:
        later = table.reset_index(drop=True)
        pairs, strangers = _candidates(merged, later, near_m, same_name_m)
        matched = _one_to_one(pairs)
        filled = _fill(merged, later, pairs, matched)
        new = later.drop(index=later.index[matched[:, 1]])
        merged = _stack(filled, new)
        same, neighbours = same + len(matched), neighbours + strangers
    facts: dict[str, Fact] = {
        "places": len(merged),
        "known to two sources, merged": same,
        f"pairs within {near_m:g} m with different names, both kept": neighbours,
    }
    return merged, facts


def _candidates(
    kept: gpd.GeoDataFrame, later: gpd.GeoDataFrame, near_m: float, same_name_m: float
) -> tuple[Ints, int]:
    """Return (n, 2) rows that may be the same place, the likeliest first; and how many only met."""
    shapes, others = kept.geometry.to_numpy(), later.geometry.to_numpy()
    left, right = _within(kept, later, max(near_m, same_name_m))
    distance_m = shapely.distance(shapes[left], others[right])
    may_be, agree = _compare(kept["name"].to_numpy()[left], later["name"].to_numpy()[right])
    near = distance_m <= near_m
    same = (near & may_be) | ((distance_m <= same_name_m) & agree)
    ids, other_ids = (table["service_id"].to_numpy().astype(str) for table in (kept, later))
    order = np.lexsort((other_ids[right], ids[left], distance_m, ~agree))
    order = order[same[order]]
    return np.column_stack([left[order], right[order]]), int((near & ~may_be).sum())


def _within(
    kept: gpd.GeoDataFrame, later: gpd.GeoDataFrame, distance_m: float
) -> tuple[Ints, Ints]:
    """Return the rows of one category within a distance, compared category by category."""
    shapes, others = kept.geometry.to_numpy(), later.geometry.to_numpy()
    rows_of, others_of = (table.groupby("category").indices for table in (kept, later))
    left, right = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for category in sorted(map(str, rows_of.keys() & others_of.keys())):
        rows, other_rows = rows_of[category], others_of[category]
        other, row = shapely.STRtree(shapes[rows]).query(
            others[other_rows], predicate="dwithin", distance=distance_m
        )
        left.append(rows[row])
        right.append(other_rows[other])
    return np.concatenate(left), np.concatenate(right)


def _words(name: str) -> frozenset[str]:
    """Return the words that tell a name from others."""
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", name)))
    return frozenset(re.findall(r"[^\W_]+", plain.casefold())) - ANYBODYS_WORDS


def _compare(
    names: NDArray[np.object_], others: NDArray[np.object_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for each pair whether the names may be one, and whether they say that they are."""
    words = {name: _words(name) for name in {*names, *others}}
    pairs = [(words[a], words[b]) for a, b in zip(names, others, strict=True)]
    common = np.array([len(a & b) for a, b in pairs], dtype=np.int64)
    shorter = np.array([min(len(a), len(b)) for a, b in pairs], dtype=np.int64)
    return (shorter == 0) | (2 * common > shorter), (shorter > 0) & (common == shorter)


def _one_to_one(pairs: Ints) -> Ints:
    """Take the likeliest pair, then the likeliest of those left, and so on; many in each round."""
    taken = [np.empty((0, 2), dtype=np.int64)]
    while len(pairs):
        best = np.intersect1d(
            np.unique(pairs[:, 0], return_index=True)[1],
            np.unique(pairs[:, 1], return_index=True)[1],
        )
        taken.append(pairs[best])
        free = ~np.isin(pairs[:, 0], pairs[best, 0]) & ~np.isin(pairs[:, 1], pairs[best, 1])
        pairs = pairs[free]
    return np.concatenate(taken)


def _fill(
    kept: gpd.GeoDataFrame, later: gpd.GeoDataFrame, pairs: Ints, matched: Ints
) -> gpd.GeoDataFrame:
    """Return `kept` with what its rows lack taken from the rows that they are."""
    also = pairs[np.isin(pairs[:, 1], matched[:, 1]) & ~np.isin(pairs[:, 0], matched[:, 0])]
    also = also[np.unique(also[:, 0], return_index=True)[1]]  # the stop in the other direction
    filled = kept.copy()
    filled["name"] = _filled(kept["name"], later["name"], matched)
    for column in later.columns.difference(list(SERVICE_COLUMNS)):
        own = kept[column] if column in kept else later[column].iloc[:0].reindex(kept.index)
        filled[column] = _filled(own, later[column], np.concatenate([matched, also]))
    return filled


def _filled(own: pd.Series, other: pd.Series, pairs: Ints) -> pd.Series:
    lacks = (own.isna() | (own == "")).to_numpy()[pairs[:, 0]]
    given = other.iloc[pairs[lacks, 1]].set_axis(own.index[pairs[lacks, 0]])
    return given.combine_first(own).reindex(own.index) if len(given) else own


def _stack(first: gpd.GeoDataFrame, second: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(pd.concat([first, second], ignore_index=True), crs=first.crs)
