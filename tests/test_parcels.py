"""Parcels from any file: the same ones, identified, repaired, and every row accounted for."""

import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import GeometryCollection, LineString, MultiPoint, MultiPolygon, Point, Polygon, box

from arealstrategi.errors import InputError
from arealstrategi.sources.parcels import RawParcels, clean_parcels, guess_crs, read_parcels
from arealstrategi.sources.vector import Layer, open_layer

UTM32, UTM33 = pyproj.CRS(25832), pyproj.CRS(25833)
E0, N0 = 560_000.0, 6_570_000.0
CADASTRE = gpd.GeoDataFrame(
    {
        "matrikkelnummertekst": ["32/16", "32/17", "0032/0016/0002/0000"],
        "kommunenummer": [301, 301, 301],
        "stoy_db": [51.5, 60.0, 66.25],
    },
    geometry=[
        box(E0, N0, E0 + 50, N0 + 40),
        box(E0, N0 + 60, E0 + 60, N0 + 120).difference(box(E0 + 9, N0 + 70, E0 + 19, N0 + 80)),
        MultiPolygon([box(E0 + 100, N0, E0 + 110, N0 + 9), box(E0 + 200, N0, E0 + 230, N0 + 9)]),
    ],
    crs=UTM32,
)  # fmt: skip


def sq(i=0, side=50.0):
    return box(E0 + 100 * i, N0, E0 + 100 * i + side, N0 + side)


def with_nan(shape):
    """Replace the second corner, which shapely itself would refuse to build from numbers."""
    xy = shapely.get_coordinates(shape)
    xy[1] = np.nan
    return shapely.set_coordinates(shapely.from_wkb(shapely.to_wkb(shape)), xy)


BOW_TIE = Polygon([(E0, N0), (E0 + 10, N0 + 10), (E0 + 10, N0), (E0, N0 + 10)])
# name: geometry, what becomes of it, area
ODD = {
    "square": (sq(), "parcel", 2500.0),
    "null": (None, "left out", None),
    "empty polygon": (Polygon(), "left out", None),
    "empty point": (Point(), "left out", None),
    "point": (Point(E0, N0), "point", None),
    "single multipoint": (MultiPoint([(E0, N0)]), "point", None),
    "multipoint": (MultiPoint([(E0, N0), (E0 + 9, N0)]), "left out", None),
    "line": (LineString([(E0, N0), (E0 + 9, N0)]), "left out", None),
    "polygon in a collection": (
        GeometryCollection([sq(2), LineString([(E0, N0), (E0 + 9, N0)])]), "parcel", 2500.0,
    ),
    "collection without polygon": (GeometryCollection([Point(E0, N0)]), "left out", None),
    "bow tie": (BOW_TIE, "parcel", 50.0),
    "flat polygon": (Polygon([(E0, N0), (E0 + 5, N0), (E0 + 9, N0)]), "left out", None),
    "with heights": (shapely.force_3d(sq(3), z=99.0), "parcel", 2500.0),
    "multipolygon with an empty part": (MultiPolygon([sq(4), Polygon()]), "parcel", 2500.0),
    "overlapping parts": (
        MultiPolygon([sq(5), box(E0 + 510, N0, E0 + 600, N0 + 50)]), "parcel", 5000.0,
    ),
    "point of nothing": (Point(np.nan, np.nan), "left out", None),
    "polygon with a corner of nothing": (with_nan(sq(6)), "left out", None),
    "point at infinity": (Point(np.inf, N0), "left out", None),
    "point beyond the Earth": (Point(E0, 1e12), "left out", None),
    "polygon that no number holds": (box(E0, N0, 1e300, N0 + 5), "left out", None),
}  # fmt: skip


def saved(tmp_path, table=CADASTRE, name="teig.gpkg", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Shapefile cuts names to ten letters
        table.to_file(tmp_path / name, engine="pyogrio", **options)
    return tmp_path / name


def raw_of(path, layer=None, **options):
    options = {"id_column": None, **options}
    return read_parcels(open_layer(path, layer, key="[parcels]"), **options)


def raw_from(names, shapes, crs=UTM32):
    layer = Layer("teig.gpkg", "teig", ("id",), crs, "the file", len(shapes))
    series = pd.Series(names, dtype="str")
    told = {"property": pd.NA, "register_m2": np.nan, "disputed": False, "shared": False}
    told |= {"accuracy": 0}
    table = gpd.GeoDataFrame({"name": series}, geometry=shapes, crs=crs).assign(**told)
    return RawParcels(layer, table, "id")


def accounted(facts):
    left_out = ("without usable geometry, left out", "outside the boundary, left out")
    kept = facts["parcels"] + facts["candidate points"]
    return kept + sum(facts.get(name, 0) for name in left_out)


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("teig.gpkg", "GPKG"),
        ("teig.geojson", "GeoJSON"),
        ("teig.shp", "ESRI Shapefile"),
        ("teig.shp.zip", "ESRI Shapefile"),
        ("teig.gml", "GML"),
        ("teig.fgb", "FlatGeobuf"),
        ("teig.gdb", "OpenFileGDB"),
        ("teig.tab", "MapInfo File"),
    ],
)
def test_every_format_gives_the_same_parcels(tmp_path, name, driver):
    options = {"promote_to_multi": True} if driver == "OpenFileGDB" else {}
    raw = raw_of(saved(tmp_path, name=name, driver=driver, **options), columns=["stoy_db"])
    parcels, report = clean_parcels(raw, UTM32, None)
    parcels = parcels.sort_index()
    assert parcels.index.tolist() == ["0301-32/16", "0301-32/16/2", "0301-32/17"]
    assert parcels["area_m2"].tolist() == pytest.approx([2000.0, 360.0, 3500.0], abs=0.01)
    assert parcels["own:stoy_db"].tolist() == [51.5, 66.25, 60.0]
    expected = CADASTRE.geometry.iloc[[0, 2, 1]].to_numpy()
    assert (
        shapely.area(shapely.symmetric_difference(parcels.geometry.to_numpy(), expected)).max()
        < 0.1
    )
    assert report.facts["polygons repaired"] == 0
    assert report.warnings == ()


def test_degrees_give_the_same_parcels_as_metres(tmp_path):
    parcels, report = clean_parcels(raw_of(saved(tmp_path, CADASTRE.to_crs(4258))), UTM32, None)
    assert parcels["area_m2"].tolist() == pytest.approx([2000.0, 3500.0, 360.0], rel=1e-4)
    assert report.facts["CRS"] == "EPSG:4258 (from the file)"


@pytest.mark.parametrize("case", ODD)
def test_one_odd_geometry_becomes_what_it_is_or_is_left_out_by_name(case):
    shape, becomes, area = ODD[case]
    raw = raw_from(["good", "odd"], [sq(9), shape])
    parcels, report = clean_parcels(raw, UTM32, None)
    assert accounted(report.facts) == 2
    if becomes == "left out":
        assert parcels.index.tolist() == ["good"]
        assert report.listed["no usable geometry, left out"] == ["odd"]
        assert "without usable geometry, left out: 1" in report.warnings
    else:
        kept = parcels.loc["odd"]
        assert kept.geometry.is_valid
        assert not kept.geometry.has_z
        assert kept.geometry.geom_type in (
            {"Point"} if becomes == "point" else {"Polygon", "MultiPolygon"}
        )
        assert kept["area_m2"] == pytest.approx(area or np.nan, nan_ok=True)


def test_what_was_repaired_is_counted_and_named(tmp_path):
    names = [name for name in ODD if "nothing" not in name and "infinity" not in name]
    table = gpd.GeoDataFrame({"id": names}, geometry=[ODD[n][0] for n in names], crs=UTM32)
    _, report = clean_parcels(raw_of(saved(tmp_path, table)), UTM32, None)
    facts = report.facts
    assert facts["rows read"] == len(names) == accounted(facts)
    assert facts["polygons repaired"] == 2
    assert facts["collections, their polygons kept"] == 1
    assert facts["with heights (Z), flattened"] == 1
    repaired = {"polygon in a collection", "bow tie", "overlapping parts"}
    assert set(report.listed["geometry repaired"]) == repaired


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "a#2", "row 2", None]), st.sampled_from(sorted(ODD))),
        min_size=1,
        max_size=9,
    ),
    st.booleans(),
)
def test_every_row_is_a_parcel_a_point_or_counted_as_left_out(rows, bounded):
    raw = raw_from([name for name, _ in rows], [ODD[case][0] for _, case in rows])
    before = raw.table.copy()
    boundary = box(E0 - 1, N0 - 1, E0 + 250, N0 + 250) if bounded else None
    useful = [ODD[case][0] for _, case in rows if ODD[case][1] != "left out"]
    if not any(boundary is None or boundary.intersects(shape.centroid) for shape in useful):
        with pytest.raises(InputError, match=r"teig\.gpkg"):
            clean_parcels(raw, UTM32, boundary)
        return
    parcels, report = clean_parcels(raw, UTM32, boundary)
    pd.testing.assert_frame_equal(pd.DataFrame(raw.table), pd.DataFrame(before))
    facts = report.facts
    assert facts["rows read"] == len(rows) == accounted(facts)
    assert parcels.index.is_unique
    assert parcels.index.name == "parcel_id"
    assert parcels.is_valid.all()
    assert len(parcels) == facts["parcels"] + facts["candidate points"]
    assert (parcels["area_m2"].isna() == (parcels.geom_type == "Point")).all()
    told = ["label", "area_m2", "municipal", "property", "geometry", "narrow"]
    assert list(parcels.columns) == told


@pytest.mark.parametrize(
    ("text", "parcel_id"),
    [
        ("0032/0016/0000/0000", "32/16"),
        ("3907-32/16", "3907-32/16"),
        ("3907-32/16/0/0", "3907-32/16"),
        ("3907-32/16/2", "3907-32/16/2"),
        ("3907-32/16/0/5", "3907-32/16/0/5"),
        (" 0301-0001/0002 ", "0301-1/2"),
        ("32/16, 32/17", "32/16, 32/17"),
        ("Tomt 4", "Tomt 4"),
    ],
)
def test_a_cadastral_number_has_one_form_and_a_section_is_no_lease(tmp_path, text, parcel_id):
    table = gpd.GeoDataFrame({"eiendom": [text]}, geometry=[sq()], crs=UTM32)
    parcels, _ = clean_parcels(raw_of(saved(tmp_path, table)), UTM32, None)
    assert parcels.index.tolist() == [parcel_id]


@pytest.mark.parametrize("town", [301, "0301", 301.0])
def test_a_municipality_number_that_was_read_as_a_number_gets_its_zero_back(tmp_path, town):
    table = gpd.GeoDataFrame(
        {"matrikkelnu": ["32/16", "0301-32/17", None], "kommunenum": [town, town, town]},
        geometry=[sq(0), sq(1), sq(2)],
        crs=UTM32,
    )
    parcels, report = clean_parcels(raw_of(saved(tmp_path, table, "t.shp")), UTM32, None)
    assert parcels.index.tolist() == ["0301-32/16", "0301-32/17", "row 3"]
    assert "without identity, numbered by row: 1" in report.warnings


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("OBJECTID", [7, 8], ["7", "8"]),
        ("teigid", [7.0, np.nan], ["7", "row 2"]),
        ("lokalId", ["a", "a"], ["a", "a#2"]),
        ("farge", ["a", "b"], ["row 1", "row 2"]),
    ],
)
def test_the_identity_is_guessed_from_known_names_and_made_unique(
    tmp_path, column, values, expected
):
    table = gpd.GeoDataFrame({column: values}, geometry=[sq(0), sq(1)], crs=UTM32)
    parcels, report = clean_parcels(raw_of(saved(tmp_path, table, "t.geojson")), UTM32, None)
    assert parcels.index.tolist() == expected
    guessed = column != "farge"
    assert report.facts["identity"] == (column if guessed else "row numbers")
    assert any("set `id` under [parcels]" in text for text in report.warnings) != guessed


def test_what_else_is_wrong_is_told_although_no_column_identifies_the_parcels(tmp_path):
    table = gpd.GeoDataFrame({"farge": ["a", "b"]}, geometry=[sq(), BOW_TIE], crs=UTM32)
    _, report = clean_parcels(raw_of(saved(tmp_path, table)), UTM32, None)
    assert "polygons repaired: 1" in report.warnings


def test_an_id_column_that_is_not_there_lists_those_that_are(tmp_path):
    with pytest.raises(InputError, match="no column 'gid'") as caught:
        raw_of(saved(tmp_path), id_column="gid")
    assert "matrikkelnummertekst" in caught.value.hint


def test_a_user_column_called_like_one_of_ours_stays_the_users(tmp_path):
    table = gpd.GeoDataFrame({"id": ["a"], "label": ["mine"]}, geometry=[sq()], crs=UTM32)
    raw = raw_of(saved(tmp_path, table), columns=["label", "id"])
    parcels, _ = clean_parcels(raw, UTM32, None)
    assert parcels["label"].tolist() == ["a"]
    assert parcels["own:label"].tolist() == ["mine"]


def test_a_parcel_is_inside_when_its_middle_is_and_the_others_are_counted():
    boundary = box(E0, N0, E0 + 130, N0 + 50)
    half, less = (box(E0 + west, N0, E0 + west + 70, N0 + 50) for west in (90, 110))
    raw = raw_from(["in", "half in", "less than half in", "out"], [sq(0), half, less, sq(9)])
    parcels, report = clean_parcels(raw, UTM32, boundary)
    assert parcels.index.tolist() == ["in", "half in"]
    assert report.facts["outside the boundary, left out"] == 2
    assert parcels.loc["half in", "area_m2"] == 3500.0  # whole, not cut


AREA = box(E0 - 3000, N0 - 3000, E0 + 3000, N0 + 3000)


def swapped(table):
    return table.set_geometry(shapely.transform(table.geometry.to_numpy(), lambda xy: xy[:, ::-1]))


@pytest.mark.parametrize(
    ("wrong", "found", "right"),
    [
        (lambda t: t.to_crs(25833).set_crs(25832, allow_override=True), "4.05", "EPSG:25833"),
        (lambda t: t.to_crs(25832).set_crs(25833, allow_override=True), "16.0", "EPSG:25832"),
        (lambda t: t.to_crs(3857).set_crs(25832, allow_override=True), "73.3", "EPSG:3857"),
        (lambda t: swapped(t.to_crs(4326)), "59.26", "EPSG:4326 with x and y swapped"),
        (swapped, "56.8", "EPSG:25832 with x and y swapped"),
    ],
    ids=["33 called 32", "32 called 33", "web map called 32", "lat, lon", "north, east"],
)
def test_parcels_elsewhere_than_the_boundary_say_where_and_which_crs_would_be_right(
    tmp_path, wrong, found, right
):
    table = gpd.GeoDataFrame({"id": ["a"]}, geometry=[sq()], crs=UTM32)
    raw = raw_of(saved(tmp_path, wrong(table)))
    with pytest.raises(InputError, match="no parcel lies in the study area") as caught:
        clean_parcels(raw, UTM32, AREA)
    assert str(tmp_path / "teig.gpkg") in caught.value.message
    assert found in caught.value.message
    assert "the area 9.999, 59.237" in caught.value.message
    assert f"Read as {right} the parcels would lie there" in caught.value.hint


@pytest.mark.parametrize("far", [4000.0, 90_000.0])
def test_parcels_beside_or_around_the_area_are_not_blamed_on_their_crs(far):
    around = [shapely.affinity.translate(sq(), *([sign * far] * 2)) for sign in (-1, 1)]
    raw = raw_from(["a", "b"], around)
    wgs_area = gpd.GeoSeries([AREA], crs=UTM32).to_crs(4326).iloc[0]
    assert guess_crs(raw, wgs_area) == ""
    with pytest.raises(InputError, match="no parcel lies in the study area") as caught:
        clean_parcels(raw, UTM32, AREA)
    assert "EPSG" not in caught.value.hint


def test_a_layer_in_which_nothing_is_a_parcel_is_refused():
    raw = raw_from(["a", "b"], [None, ODD["line"][0]])
    with pytest.raises(InputError, match="none of its 2 rows has a polygon or a point"):
        clean_parcels(raw, UTM32, None)


@pytest.mark.shared
def test_the_real_properties_of_oslo_are_all_there_with_the_registers_area(shared_data):
    path = shared_data / "oslo" / "eiendommer.geojson"
    parcels, report = clean_parcels(raw_of(path, columns=["areal", "eiendom"]), UTM32, None)
    facts = report.facts
    assert (facts["parcels"], facts["candidate points"], facts["rows read"]) == (482, 1056, 1538)
    assert facts["polygons repaired"] == 9
    assert facts["identity"] == "eiendom"
    polygons = parcels[parcels["area_m2"].notna()]
    stated = pd.to_numeric(polygons["own:areal"], errors="coerce")
    ratio = (polygons["area_m2"] / stated)[stated > 0]
    assert len(ratio) > 460
    assert (ratio - 1).abs().lt(0.01).mean() > 0.9
    tail = parcels["own:eiendom"].str.removesuffix("/0").str.removesuffix("/0")
    assert parcels.index.tolist() == tail.tolist()
    assert parcels.index.is_unique


@pytest.mark.shared
def test_real_municipalities_keep_their_zero_and_their_invalid_outlines_are_repaired(shared_data):
    path = shared_data / "norway" / "Kommuner-M.geojson"
    raw = raw_of(path, id_column="kommunenummer")
    parcels, report = clean_parcels(raw, UTM33, None)
    invalid = (~raw.table.to_crs(UTM33).is_valid).sum()
    assert report.facts["polygons repaired"] == invalid > 0
    assert len(parcels) == 357
    assert "0301" in parcels.index
    assert parcels.is_valid.all()
    before = raw.table.to_crs(UTM33).buffer(0).area.to_numpy()
    assert parcels["area_m2"].to_numpy() == pytest.approx(before, rel=0.02)


def teiger(**columns):
    """Two teiger of one property, and one of another."""
    shapes = [box(E0, N0, E0 + 50, N0 + 40), box(E0 + 60, N0, E0 + 64, N0 + 90), sq()]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=UTM32)


NUMBERS = ["3907-32/16", "3907-32/16", "3907-32/17/2"]
IN_PARTS = {"knr": [3907] * 3, "gnr": [32] * 3, "bnr": [16, 16, 17], "fnr": [0, 0, 2]}


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("a.gpkg", {"matrikkelnummertekst": ["32/16", "32/16", "32/17/2"], "kommunenummer": ["3907"] * 3}),  # noqa: E501
        ("a.gdb", {"MATRIKKELNUMMERTEKST": ["32/16", "32/16", "32/17/2"], "KOMMUNENUMMER": ["3907"] * 3}),  # noqa: E501
        ("a.shp", {"matrikkeln": ["32/16", "32/16", "32/17/2"], "kommunenum": ["3907"] * 3}),
        ("a.shp", {"kommunenum": [3907] * 3, "gardsnumme": [32] * 3, "bruksnumme": [16, 16, 17], "festenumme": [0, 0, 2]}),  # noqa: E501
        ("a.geojson", IN_PARTS),
        ("a.gml", {"matrikkelnummerTekst": ["32/16", "32/16", "32/17/2"], "kommunenummer": ["3907"] * 3}),  # noqa: E501
    ],
)  # fmt: skip
def test_the_cadastral_number_is_found_in_every_form_of_delivery(tmp_path, name, columns):
    path = tmp_path / name
    options = {"driver": "OpenFileGDB"} if name.endswith(".gdb") else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that a Shapefile cuts
        teiger(**columns).to_file(path, **options)
    before = set(tmp_path.iterdir())
    parcels, report = clean_parcels(raw_of(path), UTM32, None)
    assert parcels["property"].tolist() == NUMBERS
    assert parcels.index.tolist() == ["3907-32/16", "3907-32/16#2", "3907-32/17/2"]
    assert report.facts["identity used more than once, numbered"] == 1
    assert set(tmp_path.iterdir()) == before  # GDAL left no notes beside a GML


def test_teiger_of_one_property_are_joined_where_that_is_asked_for(tmp_path):
    raw = raw_of(saved(tmp_path, teiger(**IN_PARTS)))
    apart, _ = clean_parcels(raw, UTM32, None)
    joined, report = clean_parcels(raw, UTM32, None, merge=True)
    assert joined.index.tolist() == ["3907-32/16", "3907-32/17/2"]
    assert joined["area_m2"].sum() == pytest.approx(apart["area_m2"].sum())
    assert joined.geometry.iloc[0].geom_type == "MultiPolygon"
    assert report.facts["teiger joined into properties"] == "3 into 2"


def test_a_parcel_that_is_nowhere_wide_is_marked_and_kept(tmp_path):
    raw = raw_of(saved(tmp_path, teiger(**IN_PARTS)))
    parcels, report = clean_parcels(raw, UTM32, None, min_width_m=6)
    assert parcels["narrow"].tolist() == [False, True, False]
    assert report.facts["narrower than 6 m, marked"] == 1
    wide, _ = clean_parcels(raw, UTM32, None, min_width_m=3.9)
    assert not wide["narrow"].any()


def test_what_the_register_says_is_compared_and_told(tmp_path):
    told = {"lagretberegnetareal": [2000.0, 400.0, np.nan], "tvist": ["Nei", "Ja", None]}
    told |= {"noyaktighetsklasseteig": ["Grønt", "Gult", "Rødt"]}
    _, report = clean_parcels(raw_of(saved(tmp_path, teiger(**IN_PARTS, **told))), UTM32, None)
    assert report.facts["area as in the register, within 1 %"] == "1 of 2"
    assert report.facts["disputed border"] == 1
    assert report.facts["accuracy yellow: to be checked"] == 1
    assert {"disputed border: 1", "accuracy red: poor: 1"} <= set(report.warnings)
    assert report.what == "Matrikkelen – Eiendomskart Teig"


@pytest.mark.shared
def test_the_properties_of_oslo_read_with_their_repairs_and_areas(shared_data):
    raw = raw_of(shared_data / "oslo" / "eiendommer.geojson")
    parcels, report = clean_parcels(raw, UTM32, None)
    facts = report.facts
    assert (facts["parcels"], facts["candidate points"]) == (482, 1056)
    assert facts["polygons repaired"] == 9
    assert len(report.listed["geometry repaired"]) == 9
    same, of = map(int, facts["area as in the register, within 1 %"].split(" of "))
    assert of == 471
    assert same >= 0.9 * of
    assert parcels["property"].notna().all()


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=3, max_size=9))
@settings(max_examples=60)
def test_narrow_is_what_shrinking_leaves_nothing_of(corners):
    shape = shapely.MultiPoint([(E0 + x, N0 + y) for x, y in corners]).convex_hull
    if shape.area == 0:
        return
    notch = shape.difference(box(E0 + 10, N0 + 10, E0 + 12, N0 + 12))
    raw = raw_from(["a", "b"], [shape, notch])
    parcels, _ = clean_parcels(raw, UTM32, None, min_width_m=6)
    assert parcels["narrow"].tolist() == [s.buffer(-3).is_empty for s in parcels.geometry]
