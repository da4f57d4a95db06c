"""The demo municipality, read back with osmium, pyogrio and rasterio alone."""

import csv
import re
import tomllib
from collections import Counter
from importlib.resources import files
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import osmium
import pyogrio
import pyproj
import pytest
import rasterio
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from arealstrategi.errors import OutputError
from arealstrategi.sources.demo import NOTICE, services, write_demo
from arealstrategi.sources.tags import Selection, TagIndex, parse_rule, parse_test

FILES = (
    "demo.osm.pbf",
    "teig.gpkg",
    "kommunal_grunn.csv",
    "arealplan.gpkg",
    "dtm10.tif",
    "tomter.csv",
    "strategy.toml",
)
NUMBER = re.compile(r"^[1-9]\d*/[1-9]\d*(/[1-9]\d*)?$")
STREETS = {
    "trunk", "trunk_link", "primary", "secondary", "tertiary", "residential", "living_street",
    "pedestrian", "unclassified", "cycleway", "steps",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(demo_inputs):
    return demo_inputs


@pytest.fixture(scope="module")
def parcels(folder):
    return pyogrio.read_dataframe(folder / "teig.gpkg", layer="teig")


@pytest.fixture(scope="module")
def extract(folder):
    """Nodes as id to (lon, lat), tagged objects and ways, as plain Python."""
    nodes, node_tags, tagged, ways, relations = {}, {}, [], [], []
    for item in osmium.FileProcessor(str(folder / "demo.osm.pbf")):
        tags = dict(item.tags)
        if isinstance(item, osmium.osm.Node):
            nodes[item.id] = (item.location.lon, item.location.lat)
            node_tags[item.id] = tags
        elif isinstance(item, osmium.osm.Way):
            ways.append((item.id, tags, [node.ref for node in item.nodes]))
        elif isinstance(item, osmium.osm.Relation):
            members = [(member.type, member.ref, member.role) for member in item.members]
            relations.append((tags, members))
        if tags:
            tagged.append((type(item).__name__, tags))
    return SimpleNamespace(
        nodes=nodes, node_tags=node_tags, tagged=tagged, ways=ways, relations=relations
    )


@pytest.fixture(scope="module")
def on_map(extract):
    """Coordinates of a list of nodes in EPSG:25832."""
    transform = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:25832", always_xy=True)
    places = np.array(list(extract.nodes.values()))
    where = dict(zip(extract.nodes, np.column_stack(transform.transform(*places.T)), strict=True))
    return lambda refs: np.array([where[ref] for ref in refs])


def test_two_writes_give_the_same_bytes_also_in_place_of_old_files_and_nothing_more(
    folder, tmp_path
):
    (tmp_path / "teig.gpkg").write_text("old")
    write_demo(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(OutputError, match="taken"):
        write_demo(taken)


def test_the_strategy_names_files_that_exist(folder):
    strategy = tomllib.loads((folder / "strategy.toml").read_text(encoding="utf-8"))
    assert strategy["title"] == "Demo: Fjordvik (oppdiktet kommune)"
    assert strategy["area"] == {"boundary": "osm:Fjordvik", "crs": "EPSG:25832"}
    named = [
        strategy["parcels"]["source"],
        strategy["parcels"]["municipal_land"],
        strategy["osm"]["source"],
        *strategy["terrain"]["elevation"],
        *(rule["source"] for rule in strategy["constraint"]),
    ]
    assert all((folder / name).is_file() for name in named)


def test_every_file_that_can_says_that_the_place_is_invented(folder, extract):
    (border,) = [tags for tags, _ in extract.relations if tags.get("type") == "boundary"]
    assert border["note"] == NOTICE["nb"]
    assert NOTICE["nb"] in (folder / "strategy.toml").read_text(encoding="utf-8")
    with rasterio.open(folder / "dtm10.tif") as raster:
        assert NOTICE["nb"] in raster.tags()["TIFFTAG_IMAGEDESCRIPTION"]
    assert NOTICE["nb"].encode() in (folder / "teig.gpkg").read_bytes()
    header = osmium.io.Reader(str(folder / "demo.osm.pbf")).header()
    assert NOTICE["en"] in header.get("generator")


def test_the_place_lies_in_open_sea_where_no_municipality_is(folder, extract):
    lon, lat = np.array(list(extract.nodes.values())).T
    assert lon.min() > 9.0
    assert lon.max() < 9.6
    assert lat.min() > 57.9
    assert lat.max() < 58.3
    box = osmium.io.Reader(str(folder / "demo.osm.pbf")).header().box()
    assert box.bottom_left.lon == pytest.approx(lon.min())
    assert box.top_right.lat == pytest.approx(lat.max())


def test_every_way_has_its_nodes_and_every_relation_its_ways(extract):
    ids = {way for way, _, _ in extract.ways}
    for way, _, refs in extract.ways:
        assert len(refs) > 1, way
        assert set(refs) <= extract.nodes.keys(), way
        assert all(a != b for a, b in pairwise(refs)), way
    for tags, members in extract.relations:
        assert {ref for kind, ref, _ in members if kind == "w"} <= ids, tags


def walkable(tags: dict[str, str]) -> bool:
    return (
        "highway" in tags
        and "area" not in tags
        and tags.get("motorroad") != "yes"
        and tags.get("access") != "private"
        and tags["highway"] != "bus_stop"
    )


def components(ways: list[list[int]]) -> list[int]:
    """Sizes of the connected parts in nodes, the largest first."""
    pairs = np.array([pair for refs in ways for pair in pairwise(refs)])
    _, rows = np.unique(pairs, return_inverse=True)
    start, end = rows.reshape(-1, 2).T
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(rows.max() + 1,) * 2)
    return sorted(np.bincount(connected_components(graph, directed=False)[1]), reverse=True)


def test_the_streets_hang_together_but_for_the_island(extract):
    on_foot = [refs for _, tags, refs in extract.ways if walkable(tags)]
    town, island = components(on_foot)
    assert town > 20 * island
    assert island > 30


def test_the_ferry_joins_the_island_to_the_town(extract):
    ways = [r for _, tags, r in extract.ways if walkable(tags) or tags.get("route") == "ferry"]
    assert len(components(ways)) == 1


def test_the_bypass_is_crossed_without_a_junction(extract, on_map):
    bypass = {ref for _, tags, refs in extract.ways if tags.get("motorroad") for ref in refs}
    line = shapely.union_all(
        [shapely.LineString(on_map(r)) for _, tags, r in extract.ways if tags.get("motorroad")]
    )
    kinds = set()
    for _, tags, refs in extract.ways:
        if not walkable(tags) or tags["highway"] == "trunk_link":
            continue
        assert not bypass & set(refs)
        if shapely.intersects(shapely.LineString(on_map(refs)), line):
            assert {"bridge", "tunnel"} & tags.keys(), tags
            kinds |= {"bridge", "tunnel"} & tags.keys()
    assert kinds == {"bridge", "tunnel"}


def test_stairs_climb_the_hill_in_the_direction_they_are_mapped(extract, on_map, folder):
    stairs = [refs for _, tags, refs in extract.ways if tags.get("highway") == "steps"]
    assert len(stairs) == 4
    with rasterio.open(folder / "dtm10.tif") as raster:
        for refs in stairs:
            ends = on_map([refs[0], refs[-1]])
            low, high = (float(value[0]) for value in raster.sample(ends))
            assert high > low + 30


MAIN_STREETS = {"primary", "secondary", "tertiary", "trunk_link"}
ON_FOOT = {"footway", "cycleway", "path", "steps", "pedestrian"}


def ways_through(extract, kinds: set[str]) -> dict[int, int]:
    """How many pieces of ways of these kinds end in each node."""
    return Counter(
        ref
        for _, tags, refs in extract.ways
        if tags.get("highway") in kinds
        for pair in pairwise(refs)
        for ref in pair
    )


def test_there_is_a_crossing_wherever_people_on_foot_meet_a_main_street_that_goes_on(extract):
    streets, walks = ways_through(extract, MAIN_STREETS), ways_through(extract, ON_FOOT)
    met = {ref for ref, pieces in streets.items() if pieces > 1 and ref in walks}
    crossings = {
        ref: tags["crossing"]
        for ref, tags in extract.node_tags.items()
        if tags.get("highway") == "crossing"
    }
    assert crossings.keys() == met
    assert Counter(crossings.values()) == {"uncontrolled": 16, "traffic_signals": 2}


def test_kerbs_lie_on_the_ways_to_a_crossing_four_metres_from_it(extract, on_map):
    walks = [refs for _, tags, refs in extract.ways if tags.get("highway") in ON_FOOT]
    kerbs = {ref: tags["kerb"] for ref, tags in extract.node_tags.items() if "kerb" in tags}
    for kerb in kerbs:
        (refs,) = [refs for refs in walks if kerb in refs]
        at = refs.index(kerb)
        beside = [ref for ref in refs[max(at - 1, 0) : at + 2] if ref != kerb]
        crossing = [r for r in beside if extract.node_tags[r].get("highway") == "crossing"]
        assert len(beside) == 2, "it is no end of a way"
        assert len(crossing) == 1
        assert np.hypot(*np.subtract(*on_map([kerb, crossing[0]]))) == pytest.approx(4, abs=0.1)
    assert Counter(kerbs.values()) == {"lowered": 7, "raised": 8}


def test_main_streets_have_sidewalks_in_the_town_and_none_beyond(extract, on_map):
    metres = Counter()
    for _, tags, refs in extract.ways:
        if tags.get("highway") not in {"primary", "secondary"}:
            continue
        line = on_map(refs)
        away = np.hypot(*(line[1:-1] - (515_000 + 2_497, 6_440_000 + 2_140)).T)
        assert tags["sidewalk"] == ("both" if away.mean() < 1_200 else "no")
        assert (away < 1_280).all() if tags["sidewalk"] == "both" else (away > 1_120).all()
        metres[tags["sidewalk"]] += shapely.LineString(line).length
    assert min(metres.values()) > 5_000


def test_the_centre_is_lit_and_the_woods_are_dark_and_rough(extract, on_map):
    for _, tags, refs in extract.ways:
        if "highway" not in tags or tags.get("service") == "driveway":
            continue
        away = np.hypot(*(on_map(refs) - (515_000 + 2_497, 6_440_000 + 2_140)).T).max()
        assert away > 500 or tags["lit"] == "yes", tags
        if tags["highway"] == "path":
            assert tags["lit"] == "no"
            assert tags["surface"] in {"ground", "gravel"}
            assert "smoothness" in tags


def test_a_tagged_incline_is_that_of_the_ground(extract, on_map, folder):
    said = [
        (tags["incline"], refs) for _, tags, refs in extract.ways if "%" in str(tags.get("incline"))
    ]
    assert len(said) == 2
    with rasterio.open(folder / "dtm10.tif") as raster:
        for text, refs in said:
            ends = on_map([refs[0], refs[-1]])
            low, high = (float(value[0]) for value in raster.sample(ends))
            rise = 100 * (high - low) / shapely.LineString(on_map(refs)).length
            assert rise == pytest.approx(float(text.removesuffix("%")), abs=1.5)


@pytest.mark.parametrize(
    "wanted",
    [
        "highway=primary", "highway=secondary", "highway=residential", "highway=living_street",
        "highway=pedestrian", "highway=service,service=driveway", "highway=footway",
        "highway=cycleway,foot=designated", "highway=steps,handrail=yes", "highway=path",
        "highway=trunk,motorroad=yes", "bridge=yes,layer=1", "tunnel=yes,layer=-1",
        "highway=service,access=private", "route=ferry", "natural=coastline", "natural=bay",
        "natural=water", "natural=wood", "landuse=forest", "leisure=park", "amenity=bench",
        "building=house", "building=apartments", "building=retail,shop=supermarket",
        "building=church", "highway=bus_stop", "amenity=ferry_terminal", "man_made=pier",
        "amenity=community_centre,community_centre:for=senior", "shop=convenience",
        "amenity=social_facility,social_facility=nursing_home",
        "amenity=library,access=private", "highway=pedestrian,area=yes",
        "highway=crossing,crossing=traffic_signals,crossing:signals=yes",
        "barrier=kerb,kerb=raised", "highway=path,surface=gravel,lit=no",
        "highway=path,surface=ground,smoothness=bad", "bridge=yes,incline=8%",
        "surface=fine_gravel,smoothness=intermediate",
    ],
)  # fmt: skip
def test_this_tagging_occurs(extract, wanted):
    parts = dict(part.split("=") for part in wanted.split(","))
    assert any(parts.items() <= tags.items() for _, tags in extract.tagged)


def test_every_shipped_category_has_a_place(extract):
    text = files("arealstrategi").joinpath("catalogue.toml").read_text(encoding="utf-8")
    selections = {
        one["key"]: Selection(
            tuple(parse_rule(rule) for rule in one["osm"]),
            tuple(parse_test(test) for test in one.get("never", [])),
        )
        for one in tomllib.loads(text)["criterion"]
        if "osm" in one
    }
    index = TagIndex(selections)
    found = {key for _, tags in extract.tagged for key in index.categories(tags)}
    assert found == selections.keys()


def test_the_border_is_a_closed_relation_with_an_impossible_number(extract, on_map):
    ((tags, members),) = [one for one in extract.relations if one[0].get("type") == "boundary"]
    assert tags["boundary"] == "administrative"
    assert (tags["admin_level"], tags["name"], tags["ref"]) == ("7", "Fjordvik", "9999")
    lines = {way: refs for way, _, refs in extract.ways}
    rings = shapely.line_merge(
        shapely.multilinestrings([shapely.LineString(on_map(lines[ref])) for _, ref, _ in members])
    )
    assert isinstance(rings, shapely.LineString)
    assert rings.is_ring
    assert shapely.Polygon(rings).area == pytest.approx(5.2e3 * 4.1e3, rel=0.06)


def test_the_coast_has_land_on_its_left(extract, on_map, parcels):
    tree = shapely.STRtree(parcels.geometry)
    for _, tags, refs in extract.ways:
        if tags.get("natural") != "coastline":
            continue
        points = on_map(refs)
        ahead = np.diff(points, axis=0)
        left = np.column_stack([-ahead[:, 1], ahead[:, 0]])
        left /= np.hypot(*left.T)[:, None]
        inland = shapely.points((points[1:] + points[:-1]) / 2 + left)
        assert len(np.unique(tree.query(inland, predicate="intersects")[0])) > 0.97 * len(inland)


def test_multipolygons_close_and_the_bay_has_islands(folder):
    inner = {}
    for item in osmium.FileProcessor(str(folder / "demo.osm.pbf")).with_areas():
        if isinstance(item, osmium.osm.Area) and not item.from_way():
            rings = [len(list(item.inner_rings(ring))) for ring in item.outer_rings()]
            inner[item.tags.get("name")] = rings
    assert inner["Fjordvika"] == [2]
    assert inner["Fjordvikmarka"] == [4]  # the lake and what three ways take
    assert inner["Fjordvik"] == [0]
    assert inner["Fjordvik omsorgssenter"] == [0]


def test_one_place_is_mapped_both_as_a_node_and_as_a_building(extract):
    kinds = [kind for kind, tags in extract.tagged if tags.get("name") == "Fjordvik bibliotek"]
    assert sorted(kinds) == ["Node", "Way"]


def test_services_lie_where_they_were_drawn(extract, on_map):
    where = {}
    for _, tags, refs in extract.ways:
        if "name" in tags and "building" in tags:
            where[tags["name"]] = on_map(refs).mean(axis=0) - (515_000, 6_440_000)
    drawn = [one for one in services.SERVICES if one.form in ("building", "church", "both")]
    assert len(drawn) > 15
    for service in drawn:
        assert np.hypot(*(where[service.name] - (service.x, service.y))) < 140, service.name


def test_no_real_chain_is_named(extract):
    chains = r"rema|kiwi|coop|meny|joker|spar\b|bunnpris|vitus|boots|apotek 1|dnb|narvesen|extra"
    names = [tags["name"] for _, tags in extract.tagged if "name" in tags]
    assert not [name for name in names if re.search(chains, name, re.IGNORECASE)]


def test_parcels_have_the_columns_of_the_cadastre(parcels):
    assert parcels.crs.to_epsg() == 25832
    assert 2_500 <= len(parcels) <= 4_500
    assert {
        "teigid", "kommunenummer", "kommunenavn", "matrikkelnummertekst", "lagretberegnetareal",
        "tvist",
    } <= set(parcels.columns)  # fmt: skip
    assert set(parcels["kommunenummer"]) == {"9999"}
    assert parcels["teigid"].is_unique
    assert parcels["tvist"].sum() == 2


def test_cadastral_numbers_can_be_read_and_one_property_has_two_teiger(parcels):
    numbers = parcels["matrikkelnummertekst"]
    assert numbers.map(lambda text: NUMBER.match(text) is not None).all()
    assert numbers.duplicated().sum() == 1
    assert numbers.str.count("/").eq(2).sum() > 15


def test_one_border_crosses_itself_and_no_other(parcels):
    assert (~parcels.is_valid).sum() == 1
    sizes = parcels.area[parcels.is_valid]
    stated = parcels["lagretberegnetareal"][parcels.is_valid]
    np.testing.assert_allclose(sizes, stated, atol=1.0)


def test_parcels_share_borders_and_do_not_overlap(parcels):
    sound = parcels.geometry[parcels.is_valid].to_numpy()
    one, two = shapely.STRtree(sound).query(sound, predicate="overlaps")
    assert shapely.area(shapely.intersection(sound[one], sound[two])).sum() < 0.01
    assert shapely.coverage_is_valid(sound)
    touching = np.unique(shapely.STRtree(sound).query(sound, predicate="touches")[0])
    assert len(touching) > 0.98 * len(sound)


def test_parcels_leave_the_streets_free(extract, on_map, parcels):
    lines = np.array([
        shapely.LineString(on_map(refs))
        for _, tags, refs in extract.ways
        if tags.get("highway") in STREETS and not {"bridge", "tunnel", "area"} & tags.keys()
    ])  # fmt: skip
    sound = parcels.geometry[parcels.is_valid].to_numpy()
    line, parcel = shapely.STRtree(sound).query(lines, predicate="intersects")
    covered = shapely.length(shapely.intersection(lines[line], sound[parcel])).sum()
    assert len(lines) > 300
    assert covered < 1.0


def test_house_plots_have_the_size_of_house_plots_and_are_no_chessboard(parcels):
    sizes = parcels.area[parcels.is_valid]
    assert 700 < sizes.median() < 1_500
    assert (sizes > 20_000).sum() > 50
    assert sizes.between(400, 2_500).mean() > 0.9
    sides = shapely.get_coordinates(shapely.oriented_envelope(parcels.geometry.to_numpy()))
    side = np.diff(sides.reshape(-1, 5, 2)[:, :2], axis=1)[:, 0]
    turned = np.degrees(np.arctan2(side[:, 1], side[:, 0])) % 90
    share = np.histogram(turned, bins=9, range=(0, 90))[0] / len(parcels)
    assert share.min() > 0.025
    assert share.max() < 0.25


def test_buildings_stand_inside_one_parcel(extract, on_map, parcels):
    buildings = [
        shapely.Polygon(on_map(refs)) for _, tags, refs in extract.ways if "building" in tags
    ]
    held = shapely.STRtree(parcels.geometry).query(
        shapely.buffer(buildings, -0.3), predicate="within"
    )[0]
    assert len(buildings) > 2_000
    assert len(np.unique(held)) >= len(buildings) - 1  # one may stand where the border crosses


def test_municipal_land_is_a_list_of_numbers_that_exist(folder, parcels):
    raw = (folder / "kommunal_grunn.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert list(rows[0]) == ["kommunenr", "gnr", "bnr", "fnr", "eierforhold"]
    keys = ["/".join([row["gnr"], row["bnr"]] + [row["fnr"]] * (row["fnr"] != "0")) for row in rows]
    assert set(keys) <= set(parcels["matrikkelnummertekst"])
    assert len(keys) == len(set(keys))
    assert 200 <= len(keys) <= 600
    assert {row["kommunenr"] for row in rows} == {"9999"}
    assert {row["eierforhold"] for row in rows} == {"H", "F"}


def test_the_elevation_model_covers_the_parcels_and_has_sea_and_hills(folder, parcels):
    with rasterio.open(folder / "dtm10.tif") as raster:
        heights = raster.read(1)
        assert raster.crs.to_epsg() == 25832
        assert raster.res == (10.0, 10.0)
        assert raster.nodata == -32767.0
        assert raster.dtypes == ("float32",)
        assert shapely.box(*raster.bounds).contains(shapely.box(*parcels.total_bounds))
        inside = shapely.get_coordinates(parcels.geometry.representative_point())
        at_parcels = np.array([value[0] for value in raster.sample(inside)])
        at_sea = next(raster.sample([(517_530.0, 6_441_300.0)]))[0]
    assert at_sea == 0
    assert at_parcels.min() > 0
    assert at_parcels.max() > 100
    assert 110 < heights.max() < 160
    assert (heights >= 0).all()


def test_every_address_is_its_own_and_lies_at_its_street(extract, on_map):
    streets = {}
    for _, tags, refs in extract.ways:
        if "highway" in tags and "name" in tags:
            streets.setdefault(tags["name"], []).append(shapely.LineString(on_map(refs)))
    told = {
        (tags["addr:street"], tags["addr:housenumber"], node)
        for node, tags in extract.node_tags.items()
        if "addr:street" in tags
    }
    assert len(told) > 2_000
    assert len({address[:2] for address in told}) == len(told)
    lines = {name: shapely.union_all(parts) for name, parts in streets.items()}
    for street, _, node in told:
        assert shapely.Point(on_map([node])[0]).distance(lines[street]) <= 60.0


def test_the_town_and_its_parts_have_names(extract):
    kinds = {tags["place"] for tags in extract.node_tags.values() if "place" in tags}
    assert kinds >= {"town", "suburb", "neighbourhood"}
