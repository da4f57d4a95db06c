"""Heights along ways: added nodes, bridges, tunnels."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi.terrain import lay_on_ground
from towns import make_ways

BRIDGE, TUNNEL = {"highway": "path", "bridge": "yes"}, {"tunnel": "yes"}
STREET = {"highway": "residential"}
SPACING = 10.0


def valley(xy):
    """A V along the x axis, 1 m deeper per 2 m, deepest at x = 100."""
    return 100.0 + 0.5 * np.abs(xy[:, 0] - 100.0)


def flat(xy):
    return np.zeros(len(xy))


def unknown_at(*rows, ground=valley):
    """As `ground`, but unknown at these nodes."""

    def heights(xy):
        z = ground(xy)
        z[list(rows)] = np.nan
        return z

    return heights


def visits(ways, way):
    return ways.node_of[ways.starts[way] : ways.starts[way + 1]]


def lengths(ways):
    at = ways.segments
    return np.hypot(*(ways.node_xy[at.head] - ways.node_xy[at.tail]).T)


def profile(ways, way):
    """Metres along a way and the heights there."""
    nodes = visits(ways, way)
    steps = np.hypot(*np.diff(ways.node_xy[nodes], axis=0).T)
    return np.append(0.0, np.cumsum(steps)), ways.node_z[nodes]


def cut_by_hand(ways, way, spacing):
    """The coordinates that a way visits, None for missing nodes, one piece after the other."""
    nodes = visits(ways, way).tolist()
    found = [None if node < 0 else tuple(ways.node_xy[node]) for node in nodes]
    for k in reversed(range(len(nodes) - 1)):
        if found[k] is None or found[k + 1] is None:
            continue
        (x0, y0), (x1, y1) = found[k], found[k + 1]
        parts = 1
        while ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 / parts > spacing:
            parts += 1
        found[k + 1 : k + 1] = [
            (x0 + j / parts * (x1 - x0), y0 + j / parts * (y1 - y0)) for j in range(1, parts)
        ]
    return found


coordinates = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda p: (p[0] * 1.7, p[1]))


@st.composite
def any_ways(draw):
    xy = draw(st.lists(coordinates, min_size=1, max_size=8))
    way = st.lists(st.integers(-1, len(xy) - 1), min_size=0, max_size=6)
    routes = draw(st.lists(way, min_size=0, max_size=4))
    kinds = [draw(st.sampled_from([STREET, BRIDGE, TUNNEL])) for _ in routes]
    return make_ways(xy, *routes, tags=kinds)


@settings(max_examples=80)
@given(any_ways(), st.sampled_from([3.0, 10.0, 25.0]))
def test_ways_are_cut_as_one_would_by_hand_and_keep_their_length(ways, spacing):
    laid = lay_on_ground(ways, flat, spacing_m=spacing)
    for way in range(len(ways)):
        expected = cut_by_hand(ways, way, spacing)
        nodes = visits(laid, way)
        assert [node < 0 for node in nodes] == [point is None for point in expected]
        there = np.array([point for point in expected if point is not None]).reshape(-1, 2)
        assert laid.node_xy[nodes[nodes >= 0]] == pytest.approx(there, abs=1e-9)
    assert lengths(laid).sum() == pytest.approx(lengths(ways).sum(), rel=1e-9)
    assert (lengths(laid) <= spacing * (1 + 1e-12)).all()


@settings(max_examples=60)
@given(any_ways())
def test_old_nodes_keep_their_rows_and_added_ones_belong_to_one_way_each(ways):
    laid, n = lay_on_ground(ways, flat), len(ways.node_xy)
    assert np.array_equal(laid.node_xy[:n], ways.node_xy)
    assert np.array_equal(laid.node_is_added, np.arange(len(laid.node_xy)) >= n)
    assert np.array_equal(laid.node_of[laid.node_of < n], ways.node_of)
    added = laid.node_of[laid.node_of >= n]
    assert np.array_equal(added, n + np.arange(len(added)))
    assert len(laid.node_xy) == n + len(added)
    assert laid.node_tags is ways.node_tags
    assert laid.node_of.dtype == ways.node_of.dtype
    assert laid.starts.dtype == ways.starts.dtype
    assert laid.starts[-1] == len(laid.node_of)


def test_a_street_shared_by_two_ways_gets_no_junction_between_its_ends():
    ways = make_ways([(0, 0), (35, 0)], [0, 1], [1, 0], [0, 1])
    laid = lay_on_ground(ways, valley)
    at = laid.segments
    degree = np.bincount(np.concatenate([at.tail, at.head]), minlength=len(laid.node_xy))
    assert (degree[laid.node_is_added] == 2).all()
    there, back, again = (laid.node_xy[visits(laid, way)] for way in range(3))
    assert there == pytest.approx(back[::-1])
    assert np.array_equal(there, again)


def test_nodes_at_the_same_place_and_pieces_of_just_the_spacing_are_not_cut():
    ways = make_ways([(0, 0), (0, 0), (10, 0), (30, 0)], [0, 1, 2, 2, 3])
    laid = lay_on_ground(ways, flat)
    assert visits(laid, 0).tolist() == [0, 1, 2, 2, 4, 3]
    assert laid.node_xy[4] == pytest.approx([20, 0])


def test_on_the_ground_every_node_has_the_height_of_the_ground():
    laid = lay_on_ground(make_ways([(0, 0), (200, 0)], [0, 1]), valley)
    assert np.array_equal(laid.node_z, valley(laid.node_xy))
    assert laid.node_z.min() == 100


def test_no_way_and_no_node_stay_none():
    laid = lay_on_ground(make_ways([]), flat)
    assert len(laid) == len(laid.node_xy) == len(laid.node_z) == len(laid.node_of) == 0
    assert laid.starts.tolist() == [0]


def test_the_heights_that_were_handed_over_are_not_written_to():
    given_heights = np.arange(3.0)
    lay_on_ground(
        make_ways([(0, 0), (5, 0), (9, 9)], [0, 1, 2], tags=[BRIDGE]), lambda _: given_heights
    )
    assert given_heights.tolist() == [0, 1, 2]


# A street, a bridge from x = 20 to x = 180 in three ways, a street.
ACROSS = [(0, 0), (20, 0), (60, 0), (95, 0), (130, 0), (180, 0), (230, 0)]


@pytest.mark.parametrize(
    "kind",
    [
        BRIDGE,
        TUNNEL,
        {"bridge": "viaduct"},
        {"tunnel": "building_passage", "bridge": "no"},
        {"indoor": "yes"},
        {"indoor": "corridor"},
        {"highway": "corridor"},
        {"highway": "elevator"},
    ],
    ids=str,
)
def test_a_bridge_in_three_ways_over_a_deep_valley_is_even_between_its_ends(kind):
    def ground(xy):
        return valley(xy) + 0.1 * xy[:, 0]

    ways = make_ways(
        ACROSS, [0, 1], [1, 2, 3], [4, 3], [4, 5], [5, 6], tags=[STREET, kind, kind, kind, STREET]
    )
    laid = lay_on_ground(ways, ground)
    nodes = np.unique(np.concatenate([visits(laid, way) for way in (1, 2, 3)]))
    x, z = laid.node_xy[nodes, 0], laid.node_z[nodes]
    first, last = ground(np.array([(20.0, 0), (180.0, 0)]))
    assert len(nodes) > 16
    assert z == pytest.approx(first + (last - first) * (x - 20) / 160, abs=1e-9)
    for way in (0, 4):
        assert laid.node_z[visits(laid, way)] == pytest.approx(
            ground(laid.node_xy[visits(laid, way)])
        )


@pytest.mark.parametrize(
    "kind", [{"bridge": "no"}, {"tunnel": "no"}, {"indoor": "no"}, {}], ids=str
)
def test_a_way_that_says_it_is_no_bridge_stays_on_the_ground(kind):
    ways = make_ways(ACROSS, [0, 1], [1, 2, 3, 4, 5], [5, 6], tags=[STREET, kind, STREET])
    laid = lay_on_ground(ways, valley)
    assert np.array_equal(laid.node_z, valley(laid.node_xy))


def test_a_bridge_that_simply_ends_has_the_height_of_the_ground_there():
    laid = lay_on_ground(make_ways(ACROSS[:5], [0, 1, 2, 3, 4], tags=[BRIDGE]), valley)
    along, z = profile(laid, 0)
    assert z == pytest.approx(150 + (115 - 150) * along / 130)


def test_three_arms_of_a_bridge_meet_at_the_mean_weighted_by_one_over_length():
    xy = [(0, 0), (40, 0), (0, 80), (-20, 0), (0, -35)]
    ends = {1: 10.0, 2: 30.0, 3: 16.0}

    def ground(points):
        z = np.full(len(points), -50.0)
        for node, height in ends.items():
            z[node] = height
        return z

    arms = [BRIDGE] * 3
    streets = make_ways(xy, [1, 0], [0, 2], [3, 0], [1, 4, 2], [3, 4], tags=[*arms, STREET, STREET])
    laid = lay_on_ground(streets, ground)
    middle = (10 / 40 + 30 / 80 + 16 / 20) / (1 / 40 + 1 / 80 + 1 / 20)
    assert laid.node_z[0] == pytest.approx(middle)
    along, z = profile(laid, 1)
    assert z == pytest.approx(middle + (30 - middle) * along / 80)


def test_steps_down_from_the_middle_of_a_bridge_do_not_pull_it_down():
    xy = [*ACROSS, (95, 20)]
    tags = [STREET, BRIDGE, STREET, {"highway": "steps"}]
    ways = make_ways(xy, [0, 1], [1, 2, 3, 4, 5], [5, 6], [3, 7], tags=tags)
    laid = lay_on_ground(ways, valley)
    assert laid.node_z[visits(laid, 1)] == pytest.approx(140.0)
    assert laid.node_z[7] == valley(np.array([(95.0, 20.0)]))[0]


def test_a_footbridge_between_two_stairs_is_level_with_the_ground_at_its_ends():
    steps = {"highway": "steps"}
    ways = make_ways(ACROSS, [0, 1], [1, 2, 3, 4, 5], [5, 6], tags=[steps, BRIDGE, steps])
    assert lay_on_ground(ways, valley).node_z[[1, 2, 3, 4, 5]] == pytest.approx(140.0)


def test_where_an_end_is_unknown_the_bridge_is_unknown():
    ways = make_ways(ACROSS, [0, 1], [1, 2, 3, 4, 5], [5, 6], tags=[STREET, BRIDGE, STREET])
    laid = lay_on_ground(ways, unknown_at(5))
    assert laid.node_z[1] == 140
    assert np.isnan(laid.node_z[visits(laid, 1)[1:]]).all()
    assert np.isfinite(laid.node_z[visits(laid, 2)[1:]]).all()


def test_an_unknown_height_below_a_bridge_does_not_matter():
    ways = make_ways(ACROSS, [0, 1], [1, 2, 3, 4, 5], [5, 6], tags=[STREET, BRIDGE, STREET])
    assert lay_on_ground(ways, unknown_at(2, 3)).node_z[visits(ways, 1)] == pytest.approx(140.0)


def test_of_three_arms_with_one_end_unknown_the_other_two_are_a_bridge():
    xy = [(0, 0), (60, 0), (100, 0), (200, 0), (100, 30), (100, 60), (100, 90)]
    tags = [BRIDGE, BRIDGE, STREET]
    ways = make_ways(xy, [0, 1, 2, 3], [2, 4, 5], [0, 6, 3, 6, 5], tags=tags)
    laid = lay_on_ground(ways, unknown_at(5))
    assert laid.node_z[[0, 1, 2, 3]] == pytest.approx(150.0)
    assert np.isnan(laid.node_z[visits(laid, 1)[1:]]).all()
    lone = lay_on_ground(ways, unknown_at(3, 5))
    assert np.isnan(lone.node_z[[1, 2, 4]]).all()


def test_a_ring_of_bridges_that_touches_no_ground_has_no_height():
    ways = make_ways([(0, 0), (50, 0), (0, 50)], [0, 1, 2, 0], tags=[BRIDGE])
    assert np.isnan(lay_on_ground(ways, valley).node_z).all()
    held = make_ways(
        [(0, 0), (50, 0), (0, 50), (-30, 0)], [0, 1, 2, 0], [0, 3], tags=[BRIDGE, STREET]
    )
    assert lay_on_ground(held, valley).node_z[[0, 1, 2]] == pytest.approx(150.0)


def test_one_known_end_does_not_tell_the_height_of_a_ring_that_has_an_unknown_one():
    xy = [(0, 0), (50, 0), (50, 50), (0, 50), (90, 0), (-30, 0)]
    ways = make_ways(xy, [0, 1, 2, 3, 0], [1, 4], [0, 5], tags=[BRIDGE, BRIDGE, STREET])
    assert np.isnan(lay_on_ground(ways, unknown_at(4)).node_z[[1, 2, 3]]).all()
    assert np.isfinite(lay_on_ground(ways, valley).node_z).all()


def test_a_bridge_torn_by_a_missing_node_ends_there():
    ways = make_ways(ACROSS, [0, 1], [1, 2, -1, 4, 5], [5, 6], tags=[STREET, BRIDGE, STREET])
    laid = lay_on_ground(ways, valley)
    nodes = visits(laid, 1)
    assert (nodes == -1).sum() == 1
    assert laid.node_z[[2, 4]] == pytest.approx(valley(laid.node_xy[[2, 4]]))


@st.composite
def bridges(draw):
    """Bridges between random nodes, some of them on streets, some with unknown ground."""
    n = draw(st.integers(3, 9))
    xy = draw(st.lists(coordinates, min_size=n, max_size=n))
    node = st.integers(0, n - 1)
    routes = draw(st.lists(st.lists(node, min_size=2, max_size=5), min_size=1, max_size=5))
    streets = draw(st.lists(node, min_size=1, max_size=4))
    unknown = draw(st.lists(node, max_size=2))
    ways = make_ways(
        xy, *routes, *([s] for s in streets), tags=[BRIDGE] * len(routes) + [STREET] * len(streets)
    )
    return ways, routes, set(streets), unknown


@settings(max_examples=80)
@given(bridges())
def test_every_node_of_a_bridge_is_the_mean_of_its_neighbours_and_never_beyond_the_ends(found):
    ways, routes, streets, unknown = found
    rng = np.random.default_rng(len(routes))
    ground = rng.uniform(0, 100, len(ways.node_xy))
    ground[unknown] = np.nan
    z = lay_on_ground(ways, lambda _: ground, spacing_m=1e6).node_z
    near = {}
    for a, b in (pair for route in routes for pair in pairwise(route) if pair[0] != pair[1]):
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    for node, others in near.items():
        if node in streets or len(others) < 2:
            assert np.array_equal(z[node], ground[node], equal_nan=True)
        elif np.isfinite(z[node]):
            told = [other for other in others if np.isfinite(z[other])]
            metres = np.hypot(*(ways.node_xy[told] - ways.node_xy[node]).T).clip(1e-3)
            assert z[node] == pytest.approx(np.average(z[told], weights=1 / metres), abs=1e-6)
    told = z[np.isfinite(z)]
    if not unknown:
        assert np.isfinite(z).all() or not (streets & set(near))
    if np.isfinite(ground).any() and len(told):
        assert np.nanmin(ground) - 1e-9 <= told.min()
        assert told.max() <= np.nanmax(ground) + 1e-9


def test_a_bridge_does_not_depend_on_the_bridges_elsewhere():
    rng = np.random.default_rng(3)
    xy = np.concatenate([ACROSS, np.add(ACROSS, (0, 500))])
    heights = rng.uniform(0, 50, len(xy))
    routes = [[0, 1], [1, 2, 3, 4, 5], [5, 6]]
    tags = [STREET, BRIDGE, STREET]
    alone = lay_on_ground(
        make_ways(xy[:7], *routes, tags=tags), lambda _: heights[:7], spacing_m=1e6
    )
    more = [*routes, *([node + 7 for node in route] for route in routes)]
    both = lay_on_ground(make_ways(xy, *more, tags=tags * 2), lambda _: heights, spacing_m=1e6)
    assert both.node_z[:7] == pytest.approx(alone.node_z, abs=1e-9)


@pytest.mark.shared
def test_lauf_is_laid_on_its_elevation_model(shared_data):
    import pyproj

    from arealstrategi.sources.elevation import sample_heights
    from arealstrategi.sources.osm import read_extract

    utm, raster = pyproj.CRS(25832), shared_data / "lauf" / "N49E011.hgt.zip"
    extract = read_extract(
        shared_data / "lauf" / "lauf-200115.osm.pbf", {}, crs=utm, backdrop=False
    )
    ways = extract.ways

    def ground(xy):
        return sample_heights([raster], xy, utm)

    laid = lay_on_ground(ways, ground)
    assert lengths(laid).max() <= SPACING * (1 + 1e-12)
    assert lengths(laid).sum() == pytest.approx(lengths(ways).sum(), rel=1e-9)
    below = ground(laid.node_xy)
    assert np.isfinite(laid.node_z).mean() > 0.999
    off = ways.tags["bridge"].notna() | ways.tags["tunnel"].notna()
    mended = laid.node_z != below
    bridged = np.unique(laid.node_of[off.to_numpy()[laid.way_of]])
    assert set(np.flatnonzero(mended & np.isfinite(laid.node_z))) <= set(bridged)
    assert 100 < mended.sum() < 0.1 * len(mended)
    assert np.nanmax(np.abs(laid.node_z - below)) < 40
