"""What criteria and constraints look at: how much of a parcel zones cover, and what is mapped."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

HIT, NO_HIT, NOT_MAPPED = "hit", "no_hit", "not_mapped"
BELOW_SHARE = "below_share"
# Judgement: borders of parcels and of zones are drawn from different sources; a sliver along the
# common border is no hit.
SLIVER_SHARE = 0.005
_ROUNDING = 1e-9


def find_zones(
    parcels: gpd.GeoDataFrame,
    zones: gpd.GeoSeries,
    mapped: gpd.GeoSeries | None = None,
    from_share: float = 0.0,
) -> pd.DataFrame:
    """Say for each parcel whether zones hit it.

    A polygon is hit when more than `SLIVER_SHARE` of its area lies in a zone, or when a zone that
    is a line or a point meets it; a point when it lies in a zone. A parcel that is not hit and
    does not lie in the surveyed area (but for a sliver) is ``not_mapped``: no answer is not
    "safe".

    Parameters
    ----------
    parcels
        Parcels in the analysis CRS.
    zones
        Shapes in the analysis CRS.
    mapped
        Where the zones have been surveyed; None: everywhere.
    from_share
        Share of a parcel's area from which the zones hit it, where that is more than a sliver.

    Returns
    -------
    Index ``parcel_id``; ``answer`` (``hit``, ``no_hit``, ``not_mapped``, and ``below_share`` where
    zones meet less than asked for) and ``share`` (0–1 of the parcel's area in the zones).
    """
    shapes, drawn = parcels.geometry.to_numpy(), zones.to_numpy()
    is_area = shapely.get_dimensions(drawn) == 2  # noqa: PLR2004
    share = area_share(shapes, drawn[is_area])
    surveyed = None if mapped is None else area_share(shapes, mapped.to_numpy())
    found = answer_by_share(share, surveyed, parcels.index, from_share)
    met = shapely.STRtree(shapes).query(drawn[~is_area], predicate="intersects")[1]
    found.loc[parcels.index[np.unique(met)], "answer"] = HIT
    return found


def answer_by_share(
    share: NDArray[np.float64],
    surveyed: NDArray[np.float64] | None,
    index: pd.Index,
    from_share: float = 0.0,
) -> pd.DataFrame:
    """Turn shares of each parcel's area into the table of `find_zones`.

    Parameters
    ----------
    share
        (p,) share in zones, 0–1; NaN counts as not mapped.
    surveyed
        (p,) share that has been surveyed; None: all.
    index
        ``parcel_id``.
    from_share
        As for `find_zones`. What has not been surveyed may be in a zone: where it would decide,
        the answer is ``not_mapped``.
    """
    known = np.where(np.isnan(share), 0.0, 1.0) if surveyed is None else np.nan_to_num(surveyed)
    met = np.nan_to_num(share)
    at_most = met + np.clip(1.0 - known, 0.0, 1.0)
    unknown = known < 1 - SLIVER_SHARE
    hit = (met > SLIVER_SHARE) & (met >= from_share - _ROUNDING)
    answer = np.select(
        [hit, unknown & (at_most >= from_share - _ROUNDING), met > SLIVER_SHARE],
        [HIT, NOT_MAPPED, BELOW_SHARE],
        NO_HIT,
    )
    return pd.DataFrame({"answer": pd.array(answer, dtype="str"), "share": share}, index)


def area_share(shapes: NDArray[np.object_], zones: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the share of each shape's area that the zones cover together; 1 or 0 for a point."""
    zone, shape = shapely.STRtree(shapes).query(zones, predicate="intersects")
    share = np.zeros(len(shapes))
    if len(zone) == 0:
        return share
    pieces = shapely.intersection(shapes[shape], zones[zone])
    row, counts = np.unique(shape, return_counts=True)
    order = np.argsort(shape, kind="stable")
    group = np.repeat(np.arange(len(row)), counts)
    together = _unions(pieces[order], group)
    area = shapely.area(shapes[row])
    share[row] = np.divide(shapely.area(together), area, out=np.ones(len(row)), where=area > 0)
    return share


def _unions(pieces: NDArray[np.object_], group: NDArray[np.int64]) -> NDArray[np.object_]:
    """Union the pieces of each group, so that overlapping zones do not count twice."""
    collected = np.asarray(shapely.geometrycollections(pieces, indices=group))
    return np.asarray(shapely.unary_union(collected[:, np.newaxis], axis=1), dtype=object)
