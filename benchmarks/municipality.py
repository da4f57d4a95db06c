"""A made-up municipality for benchmarks of outputs: lots, streets, services, walks, scores.

Blocks of 4 × 3 lots lie between crooked streets. Lots of a block share their edges, which have 1 to
5 corners between their ends, so that an outline has 8 to 24. All is drawn by one seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from arealstrategi.export.packing import MapTables
    from arealstrategi.network import WalkNetwork
    from arealstrategi.reach import Reach

CRITERIA = 15
GROUPS = ("social", "daily", "health", "transit", "nature")
ACROSS, ALONG = 4, 3  # lots of a block
LOT_M, STREET_M = 32.0, 14.0
MOST_BETWEEN = 5
WEST, SOUTH = 569_000.0, 6_555_000.0  # Sandefjord
CRS = "EPSG:25832"
FULL_M, ZERO_M = 400.0, 1000.0


def map_tables(n: int, seed: int = 1) -> MapTables:
    """Return what the map takes, of at least `n` parcels × 15 criteria."""
    import numpy as np
    import pandas as pd

    from arealstrategi.export.packing import MapTables
    from arealstrategi.reach import route_tables

    rng = np.random.default_rng(seed)
    lots, side = _lots(n, rng)
    network, streets = _streets(side, rng)
    services = _services(n, network, rng)
    reach = _walk(network, lots, services)
    keys = [f"criterion_{at:02}" for at in range(CRITERIA)]
    weight = np.arange(CRITERIA, 0, -1) / np.arange(CRITERIA + 1).sum()
    criteria = pd.DataFrame(
        {
            "label_nb": [f"Tjeneste nr. {at}" for at in range(CRITERIA)],
            "label_en": [f"Service no. {at}" for at in range(CRITERIA)],
            "group": [GROUPS[at % len(GROUPS)] for at in range(CRITERIA)],
            "weight": weight,
            "kind": "walk",
            "full": FULL_M,
            "zero": ZERO_M,
            "found": True,
        },
        index=pd.Index(keys, name="key"),
    )
    parcels = _parcels(lots, reach, criteria, rng)
    nearest = pd.DataFrame({key: reach.nearest[key].service for key in keys}, parcels.index)
    return MapTables(
        parcels,
        services,
        _backdrop(lots, streets, rng),
        criteria,
        nearest=nearest,
        routes=route_tables(reach, keys),
    )


def _lots(n: int, rng: np.random.Generator) -> tuple[NDArray[np.object_], tuple[int, int]]:
    """Return lots, and how many blocks there are in x and y."""
    import numpy as np
    import shapely

    blocks = int(np.ceil(np.sqrt(n / (ACROSS * ALONG))))
    rows, columns = blocks * ALONG, blocks * ACROSS
    y, x = np.mgrid[: rows + 1, : columns + 1] * LOT_M
    corner = np.stack([x, y], axis=2) + rng.uniform(-4, 4, (rows + 1, columns + 1, 2))
    flat = _between(corner[:, :-1], corner[:, 1:], rng)
    steep = _between(corner[:-1], corner[1:], rng)
    far = corner[
        1:, 1:, np.newaxis
    ]  # the sides tell their first ends, and two go round the other way
    ring = np.concatenate(
        [flat[:-1], steep[:, 1:], far, flat[1:, :, ::-1], steep[:, :-1, :0:-1]], axis=2
    )
    row, column = np.mgrid[:rows, :columns]
    moved = np.stack([column // ACROSS, row // ALONG], axis=2)[:, :, np.newaxis] * STREET_M
    ring = (ring + moved + [WEST, SOUTH]).reshape(rows * columns, -1, 2)
    there = ~np.isnan(ring[:, :, 0])
    lines = shapely.linearrings(ring[there], indices=np.repeat(np.arange(len(ring)), there.sum(1)))
    return np.asarray(shapely.polygons(lines)), (blocks, blocks)


def _between(
    start: NDArray[np.float64], end: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the start of each edge and 1 to 5 points on the way to its end, the rest NaN."""
    import numpy as np

    count = rng.integers(1, MOST_BETWEEN + 1, start.shape[:2])[..., np.newaxis, np.newaxis]
    step = np.arange(MOST_BETWEEN + 1)[:, np.newaxis]
    share = step / (count + 1)
    points = start[:, :, np.newaxis] * (1 - share) + end[:, :, np.newaxis] * share
    points = points + np.where(step > 0, rng.normal(0, 0.4, points.shape), 0.0)
    return np.where(step <= count, points, np.nan)


def _streets(
    side: tuple[int, int], rng: np.random.Generator
) -> tuple[WalkNetwork, NDArray[np.object_]]:
    """Return the network of the streets between the blocks, with a bend in each, and its lines."""
    import numpy as np
    import pyproj
    import shapely

    from arealstrategi.network import WalkNetwork

    across, along = side[0] + 1, side[1] + 1
    width, height = ACROSS * LOT_M + STREET_M, ALONG * LOT_M + STREET_M
    row = np.arange(across * along).reshape(along, across)
    xy = np.column_stack([row.ravel() % across * width, row.ravel() // across * height])
    xy = xy - STREET_M / 2 + rng.uniform(-1.5, 1.5, xy.shape) + [WEST, SOUTH]
    ends = np.vstack(
        [
            np.column_stack([row[:, :-1].ravel(), row[:, 1:].ravel()]),
            np.column_stack([row[:-1].ravel(), row[1:].ravel()]),
        ]
    )
    bends = xy[ends].mean(axis=1) + rng.uniform(-2, 2, (len(ends), 2))
    middle = len(xy) + np.arange(len(ends))
    nodes = np.vstack([xy, bends])
    pieces = np.vstack(
        [np.column_stack([ends[:, 0], middle]), np.column_stack([middle, ends[:, 1]])]
    )
    metres = np.hypot(*(nodes[pieces[:, 1]] - nodes[pieces[:, 0]]).T)
    network = WalkNetwork.of_edges(nodes, pieces, metres, pyproj.CRS(CRS))
    lines = np.stack([nodes[ends[:, 0]], nodes[middle], nodes[ends[:, 1]]], axis=1)
    return network, np.asarray(shapely.linestrings(lines))


def _services(n: int, network: WalkNetwork, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return places beside the streets: many of the first category, few of the last."""
    import geopandas as gpd
    import numpy as np
    import shapely

    many = np.maximum(3, n // 150 // np.arange(1, CRITERIA + 1))
    category = np.repeat([f"criterion_{at:02}" for at in range(CRITERIA)], many)
    at = rng.integers(0, len(network.node_xy), len(category))
    xy = network.node_xy[at] + rng.uniform(-6, 6, (len(at), 2))
    names = [f"Tjenestested {row}" for row in range(len(at))]
    return gpd.GeoDataFrame(
        {
            "service_id": [f"n{row}" for row in range(len(at))],
            "category": category,
            "name": names,
            "kind": "shop=yes",
            "reason": "",
        },
        geometry=shapely.points(xy),
        crs=CRS,
    )


def _walk(network: WalkNetwork, lots: NDArray[np.object_], services: gpd.GeoDataFrame) -> Reach:
    import pandas as pd

    from arealstrategi.network import snap
    from arealstrategi.reach import measure_reach

    places = snap(network, services.geometry.to_numpy(), limit_m=60.0)
    ids = pd.Index([f"3907-{1 + at // 1000}/{at % 1000}" for at in range(len(lots))])
    at_lots = snap(network, lots, limit_m=60.0)
    return measure_reach(network, at_lots, places, services["category"], ids)


def _parcels(
    lots: NDArray[np.object_], reach: Reach, criteria: pd.DataFrame, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Return the result table: walks, values, score, class, rank."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd

    from arealstrategi import scoring
    from arealstrategi.tables import MUNICIPAL

    index = reach.parcel_id.rename("parcel_id")
    columns: dict[str, Any] = {}
    for key in criteria.index:
        metres = reach.nearest[key].metres
        columns[f"{key}_walk_m"] = np.where(np.isfinite(metres), metres, np.nan)
        columns[f"{key}_walk_min"] = columns[f"{key}_walk_m"] / 54.0
        columns[f"{key}_value"] = np.clip((ZERO_M - metres) / (ZERO_M - FULL_M), 0.0, 1.0)
    values = pd.DataFrame({key: columns[f"{key}_value"] for key in criteria.index}, index)
    excluded = pd.Series(rng.random(len(index)) < 0.03, index)
    verdict = scoring.judge(
        scoring.aggregate(values, criteria["weight"]),
        reasons=excluded.map({True: "Flomsone", False: ""}),
        excluded=excluded,
        missing=pd.Series(data=False, index=index),
    )
    table = gpd.GeoDataFrame(verdict.assign(**columns), geometry=lots, crs=CRS)
    table["label"] = index
    table["area_m2"] = table.area
    table["municipal"] = rng.choice(MUNICIPAL, len(index))
    return table


def _backdrop(
    lots: NDArray[np.object_], streets: NDArray[np.object_], rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Return the streets with names, a house on two of three lots, and a fjord."""
    import geopandas as gpd
    import numpy as np
    import shapely

    built = lots[rng.random(len(lots)) < 2 / 3]
    middle = shapely.get_coordinates(shapely.centroid(built))
    size = rng.uniform(4, 7, (len(built), 2))
    houses = np.asarray(shapely.box(*(middle - size).T, *(middle + size).T))
    west, south, east, _ = shapely.total_bounds(lots)
    turn = np.linspace(0, 60, 400)
    shore = np.column_stack([np.linspace(west, east, 400), south - 40 + 15 * np.sin(turn)])
    fjord = shapely.polygons([*shore, (east, south - 900), (west, south - 900)])
    main = np.arange(len(streets)) % 40 == 0
    kinds = ["building"] * len(houses) + np.where(main, "main_street", "street").tolist()
    names = [""] * len(houses) + [f"Gate {row // 8}" for row in range(len(streets))]
    return gpd.GeoDataFrame(
        {"kind": [*kinds, "water"], "name": [*names, "Fjorden"]},
        geometry=[*houses, *streets, fjord],
        crs=CRS,
    )
