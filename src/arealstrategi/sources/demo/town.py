"""Grows Fjordvik from the drawing: land and water, streets, areas between them.

Everything is in local metres; random choices come from one seed. Coordinates are rounded to
`GRID`, which makes junctions share their nodes exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from arealstrategi.sources.demo import place, services
from arealstrategi.sources.demo.division import Floats, Geometries, Ints, divide, single_parts

SEED = 9999
GRID = 0.1
DEAD_ENDS = 0.3
LEAST_STREET_M = 30.0

# Half the width of what a way takes from the ground, m. What is not here takes nothing.
HALF_WIDTH = {
    "trunk": 12.0, "trunk_link": 6.0, "primary": 7.5, "secondary": 6.5, "tertiary": 5.5,
    "residential": 4.5, "living_street": 4.0, "pedestrian": 5.0, "unclassified": 4.0,
    "island_road": 3.0, "cycleway": 2.5, "footway": 1.5, "steps": 1.5,
}  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """What lies still: polygons of land, water and the border.

    Parameters
    ----------
    border
        The municipality with its part of the sea.
    coast
        Line from west to east with the mainland to its left.
    mainland, island, islet, lake
        Polygons; the lake lies in the mainland.
    """

    border: shapely.Polygon
    coast: shapely.LineString
    mainland: shapely.Polygon
    island: shapely.Polygon
    islet: shapely.Polygon
    lake: shapely.Polygon


def curve(points: place.Points, step: float = 22.0) -> Floats:
    """Return (n, 2) points about `step` metres apart on a smooth line through `points`."""
    knots = np.asarray(points, dtype=np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.sqrt(np.hypot(*np.diff(knots, axis=0).T)))])
    closed = bool((knots[0] == knots[-1]).all())
    spline = CubicSpline(along, knots, bc_type="periodic" if closed else "natural")
    counts = np.maximum(np.hypot(*np.diff(knots, axis=0).T) // step, 1).astype(int)
    at = [
        np.linspace(a, b, n, endpoint=False)
        for a, b, n in zip(along[:-1], along[1:], counts, strict=True)
    ]
    return np.asarray(spline(np.append(np.concatenate(at), along[-1])))


def ragged(points: Floats, size: float) -> Floats:
    """Return `points` moved by smooth waves of `size` metres: the coves of a coast."""
    x, y = points.T
    moved = points + size * np.column_stack(
        [np.sin(y / 31) + 0.6 * np.sin(x / 17 + 1), np.sin(x / 37 + 2) + 0.6 * np.sin(x / 19)]
    )
    moved[[0, -1]] = points[[0, -1]]
    return moved


def lay_ground() -> Ground:
    """Return land and water."""
    coast = ragged(curve(place.COAST, 18), 11)
    inland = np.asarray(place.INLAND, dtype=np.float64)
    seaward = np.asarray(place.SEA, dtype=np.float64)
    rings = (
        np.vstack([coast, inland[1:]]),
        ragged(curve(place.ISLAND, 18), 9),
        ragged(curve(place.ISLET, 18), 3),
        curve(place.LAKE, 20),
    )
    mainland, island, islet, lake = shapely.set_precision(
        np.array([shapely.Polygon(ring) for ring in rings]), GRID
    )
    border = shapely.Polygon(np.vstack([seaward, inland[1:]]))
    shore = shapely.set_precision(shapely.LineString(coast), GRID)
    return Ground(border, shore, mainland, island, islet, lake)


def on_map(geometries: Geometries) -> Geometries:
    """Return geometries in EPSG:25832 instead of local metres, to the centimetre."""
    moved = shapely.transform(geometries, lambda xy: np.round(xy + place.ORIGIN, 2))
    return np.asarray(moved)


def around_hill(degrees: Floats, reach: Floats) -> Floats:
    """Return (n, 2) points at a direction (0 east, 90 north) and a share of the hill's radius."""
    angle = np.radians(degrees)
    radius = place.HILL_RADIUS * reach * (1 + 0.06 * np.sin(3 * angle + 0.8))
    return np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None] + place.HILL


def hill_streets() -> list[place.Street]:
    """Return the hairpin road over the hill, its loop at the top, and the stairs between."""
    road = np.array([
        (270, 1.0), (240, 0.92), (205, 0.89), (170, 0.89), (140, 0.86), (121, 0.78),
        (133, 0.69), (165, 0.66), (205, 0.66), (240, 0.64), (268, 0.61), (284, 0.53),
        (268, 0.44), (230, 0.40), (180, 0.40), (130, 0.40), (70, 0.42), (10, 0.44), (-40, 0.47),
        (-76, 0.53),
    ])  # fmt: skip
    foot = np.array([(3200.0, 1080.0), (3215.0, 1230.0)])
    points = np.vstack([foot, around_hill(*road.T)])
    streets = [place.Street("Åsveien", "residential", _tuples(points))]
    start = around_hill(*road[[11]].T)[0]
    streets += [
        place.Street("Sørbakken", "residential", _tuples([start, (3330, 1330), (3380, 1122)])),
        place.Street("Nordbakken", "residential", _tuples([
            around_hill(np.array([70.0]), np.array([0.42]))[0], (3330, 2130), (3430, 2360),
            (3560, 2500)])),
        place.Street("Østbakken", "residential", _tuples([
            around_hill(np.array([10.0]), np.array([0.44]))[0], (3520, 1880), (3700, 1900)])),
    ]  # fmt: skip
    for degrees, lower in ((168, (2790, 1875)), (203, (2825, 1605)), (238, (2960, 1095))):
        reach = np.linspace(1.02, 0.395, 8)
        stairs = around_hill(np.full(8, float(degrees)), reach)
        streets.append(place.Street("Åstrappene", "steps", _tuples([lower, *stairs])))
    top = around_hill(np.full(3, 121.0), np.array([1.0, 0.78, 0.395]))
    streets.append(place.Street("Åstrappene", "steps", _tuples([(3010, 2405), *top])))
    return streets


def _tuples(points: Floats | list[object]) -> place.Points:
    return tuple((float(x), float(y)) for x, y in np.asarray(points, dtype=np.float64))


@dataclass(frozen=True)
class Faces:
    """Areas between the main streets and what they are used for.

    Parameters
    ----------
    polygons
        (f,) areas.
    district
        (f,) rows of `place.DISTRICTS`.
    """

    polygons: Geometries
    district: Ints

    def district_at(self, points: Geometries) -> Ints:
        """Return the district at each point: of the area around it, else of the nearest."""
        tree = shapely.STRtree(self.polygons)
        nearest: Ints = tree.query_nearest(points, all_matches=False)[1]
        return self.district[nearest]


def lines_of(streets: tuple[place.Street, ...] | list[place.Street]) -> Geometries:
    """Return the (n,) LineStrings of drawn streets, on the grid."""
    lines = np.array([shapely.LineString(curve(street.points)) for street in streets])
    return np.asarray(shapely.set_precision(lines, GRID))


def find_faces(ground: Ground, lines: Geometries) -> Faces:
    """Return the areas between `lines` on land, with their district."""
    edges = np.array([shapely.LineString(curve(points)) for points in place.EDGES])
    land = np.array([ground.mainland, ground.island, ground.islet])
    shores = shapely.boundary(land)
    noded = shapely.union_all(np.concatenate([lines, edges, shores]), grid_size=GRID)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    faces = faces[
        shapely.contains_properly(shapely.union_all(land), shapely.point_on_surface(faces))
    ]
    seeds = [(seed, i) for i, area in enumerate(place.DISTRICTS) for seed in area.seeds]
    tree = shapely.STRtree(shapely.points([seed for seed, _ in seeds]))
    nearest = tree.query_nearest(faces, all_matches=False)[1]
    return Faces(faces, np.array([i for _, i in seeds])[nearest])


def side_streets(
    ground: Ground, faces: Faces, rng: np.random.Generator
) -> tuple[Geometries, list[str]]:
    """Return streets that divide the built-up areas into blocks, and their kinds."""
    aim = np.array([area.block_m2 for area in place.DISTRICTS])[faces.district]
    shore = shapely.buffer(shapely.boundary(np.array([ground.mainland, ground.island])), 28)
    built = faces.polygons[aim > 0]
    built, row = single_parts(shapely.difference(built, shapely.union_all(shore)), 2)
    cut = divide(built, aim[aim > 0][row], rng, wobble=0.12, bow=0.3)
    lines = shapely.set_precision(cut.lines, GRID)
    dead_end = cut.leaf & (rng.random(len(lines)) < DEAD_ENDS)
    from_end = rng.integers(0, 2, len(lines))[:, None]
    at = np.abs(from_end - np.linspace(0, 0.62, 5))
    short = shapely.line_interpolate_point(lines[:, None], at, normalized=True)
    stubs = shapely.linestrings(shapely.get_coordinates(short).reshape(-1, 5, 2))
    lines = np.where(dead_end, np.asarray(stubs), lines)
    keep = shapely.length(lines) > LEAST_STREET_M
    middle = shapely.line_interpolate_point(lines[keep], 0.5, normalized=True)
    use = np.array([area.use for area in place.DISTRICTS])[faces.district_at(middle)]
    kinds = {"centre": "living_street", "island": "island_road"}
    small = [kinds.get(one, "residential") for one in use]
    return lines[keep], small


def join_up(lines: Geometries, island: shapely.Polygon) -> tuple[Geometries, Ints]:
    """Node `lines` where they meet; drop what cannot be reached.

    Returns
    -------
    ways
        (w,) LineStrings that meet in common points only.
    row
        (w,) which of `lines` each came from.
    """
    pieces = shapely.get_parts(shapely.union_all(lines, grid_size=GRID))
    middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    row = shapely.STRtree(lines).query_nearest(middle, all_matches=False)[1]
    ends = np.vstack([
        shapely.get_coordinates(shapely.get_point(pieces, 0)),
        shapely.get_coordinates(shapely.get_point(pieces, -1)),
    ])  # fmt: skip
    _, node = np.unique(np.rint(ends / GRID).astype(np.int64), axis=0, return_inverse=True)
    start, end = node.reshape(2, -1)
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(node.max() + 1,) * 2)
    component = connected_components(graph, directed=False)[1][start]
    on_island = shapely.intersects(pieces, island)
    town = np.bincount(component[~on_island]).argmax()
    keep = on_island | (component == town)
    order = np.argsort(row[keep], kind="stable")
    pieces, row = pieces[keep][order], row[keep][order]
    street = np.unique(row)
    bundles = shapely.multilinestrings(pieces, indices=np.searchsorted(street, row))
    ways, bundle = shapely.get_parts(shapely.line_merge(bundles), return_index=True)
    row = street[bundle]
    begin, finish = (
        shapely.line_locate_point(lines[row], shapely.get_point(ways, i)) for i in (0, -1)
    )
    return np.where(begin > finish, shapely.reverse(ways), ways), row


@dataclass(frozen=True)
class Streets:
    """Everything one can move along, meeting in common points.

    Parameters
    ----------
    lines
        (w,) LineStrings.
    kind
        (w,) keys of `services.WAY_TAGS`, or ``square``.
    name
        (w,) names, empty where there is none.
    """

    lines: Geometries
    kind: NDArray[np.str_]
    name: NDArray[np.str_]

    def of(self, *kinds: str) -> Geometries:
        """Return the lines of some kinds."""
        return self.lines[np.isin(self.kind, kinds)]


def lay_streets(ground: Ground, rng: np.random.Generator) -> tuple[Streets, Faces]:
    """Return the streets, and the areas between the main ones."""
    drawn = [street for street in place.STREETS if street.points] + hill_streets()
    for street, structure in place.CROSSINGS:
        before, under, over, after = street.points
        drawn += [
            street._replace(points=(before, under)),
            place.Street(street.name, structure, (under, over)),
            street._replace(points=(over, after)),
        ]
    lines = lines_of(drawn)
    bypass = lines_of([place.BYPASS])
    wide = np.isin([street.highway for street in drawn], list(HALF_WIDTH))
    faces = find_faces(ground, np.concatenate([lines[wide], bypass]))
    side, side_kind = side_streets(ground, faces, rng)
    square = np.array([shapely.LineString(place.SQUARE)])
    drives = driveways(np.concatenate([lines, side]))
    ways, row = join_up(np.concatenate([lines, side, square, drives]), ground.island)
    names = rng.spawn(1)[0].permutation(
        [a + b for a in services.STREET_FIRST for b in services.STREET_LAST]
    )
    kind = [street.highway for street in drawn] + side_kind + ["square"]
    name = [street.name for street in drawn] + list(names[: len(side)]) + ["Torget"]
    kind += ["driveway"] * len(drives)
    name += [""] * len(drives)
    return Streets(
        np.concatenate([ways, bypass]),
        np.append(np.array(kind)[row], place.BYPASS.highway),
        np.append(np.array(name)[row], place.BYPASS.name),
    ), faces


def driveways(lines: Geometries) -> Geometries:
    """Return a way from each site to the nearest street."""
    sites = shapely.points([(x, y) for _, x, y in services.SITES])
    street = shapely.STRtree(lines).query_nearest(sites, all_matches=False)[1]
    ways = shapely.shortest_line(sites, lines[street])
    return np.asarray(shapely.set_precision(ways, GRID))
