"""Services in buildings of the cadastre, in the forms that Geonorge and municipalities deliver."""

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPoint, Point, box

from arealstrategi.errors import InputError
from arealstrategi.sources.buildings import DWELLING_GROUPS, EXISTING, GONE, PLANNED, read_buildings
from arealstrategi.sources.vector import open_layer

UTM32, UTM33 = pyproj.CRS(25832), pyproj.CRS(25833)
E0, N0 = 560_000.0, 6_570_000.0
CATEGORIES = {"library": ["642"], "care": ["719", "721"], "community_centre": ["661", "642"]}
LOWER = ("bygningsnummer", "bygningstype", "bygningsstatus")

# (number, type, status): what is counted by hand below
TOWN = [
    (300_000_001, 642, "FA"),  # library, and by the categories above a place to meet
    (300_000_002, 721, "TB"),  # nursing home
    (300_000_003, 111, "FA"),
    (300_000_004, 143, "MB"),
    (300_000_005, 151, "MF"),  # bo- og servicesenter
    (300_000_006, 152, "IP"),  # student housing: neither dwelling nor shared housing
    (300_000_007, 642, "IG"),  # planned
    (300_000_008, 642, "BR"),
    (300_000_009, 611, "MT"),
    (300_000_010, 159, "GR"),
]


def town(names=LOWER, rows=TOWN, shapes=None, *, as_type=int):
    shapes = shapes or [Point(E0 + 100 * i, N0) for i in range(len(rows))]
    table = pd.DataFrame(rows, columns=list(names))
    table[names[1]] = table[names[1]].map(as_type)
    return gpd.GeoDataFrame(table, geometry=shapes, crs=UTM32)


def read(path, layer=None, **options):
    opened = open_layer(path, layer, key="`buildings` under [services]")
    return read_buildings(opened, CATEGORIES, **{"crs": UTM32} | options)


def write(tmp_path, table, name="bygningspunkt.gpkg", **options):
    pyogrio.write_dataframe(table, tmp_path / name, **options)
    return tmp_path / name


def found(services):
    return sorted(zip(services["service_id"], services["category"], services["kind"], strict=True))


IN_TOWN = [
    ("bygning:300000001", "community_centre", "bygningstype=642"),
    ("bygning:300000001", "library", "bygningstype=642"),
    ("bygning:300000002", "care", "bygningstype=721"),
]


@pytest.mark.parametrize("as_type", [int, str, float, lambda c: f"{c} - Bibliotek", "a/{}".format])
def test_the_type_is_understood_as_number_as_text_and_with_words_behind(tmp_path, as_type):
    services, _ = read(write(tmp_path, town(as_type=as_type)))
    assert found(services) == IN_TOWN


@pytest.mark.parametrize(
    ("name", "names", "options"),
    [
        ("b.gpkg", LOWER, {}),
        ("b.gdb", [n.upper() for n in LOWER], {"driver": "OpenFileGDB"}),
        ("b.shp", [n[:10] for n in LOWER], {}),
        ("b.geojson", ["BYGGNR", "BYGGTYP_NBR", "BYGGSTAT"], {}),
    ],
)
def test_the_columns_are_found_in_every_form_of_delivery(tmp_path, name, names, options):
    table = town(names)
    table[names[0]] = table[names[0]].astype(float)  # as FileGDB and Shapefile hold long numbers
    services, report = read(write(tmp_path, table.astype({names[1]: "int32"}), name, **options))
    assert found(services) == IN_TOWN
    at = services.set_index("service_id").geometry["bygning:300000002"]
    assert at.distance(Point(E0 + 100, N0)) < 0.01
    assert report.facts["buildings"] == 10


def test_an_answer_of_the_web_feature_service_is_read_with_latitude_first(tmp_path):
    east, north = pyproj.Transformer.from_crs(4258, 25832, always_xy=True).transform(10.25, 59.25)
    path = tmp_path / "bygning.gml"
    path.write_text(
        """<?xml version="1.0" encoding="utf-8"?>
<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0"
 xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:app="http://example.org/bygningspunkt">
<wfs:member><app:Bygning gml:id="b.1">
<app:bygningsnummer>300000001</app:bygningsnummer>
<app:bygningsstatus>FA</app:bygningsstatus>
<app:bygningstype>642</app:bygningstype>
<app:representasjonspunkt><gml:Point gml:id="p.1" srsName="urn:ogc:def:crs:EPSG::4258">
<gml:pos>59.25 10.25</gml:pos></gml:Point></app:representasjonspunkt>
<app:bruksenhet><app:Bruksenhet><app:matrikkelenhetId>7</app:matrikkelenhetId></app:Bruksenhet>
</app:bruksenhet></app:Bygning></wfs:member>
</wfs:FeatureCollection>""",
        encoding="utf-8",
    )
    services, report = read(path)
    assert found(services) == IN_TOWN[:2]
    assert services.geometry.iloc[0].distance(Point(east, north)) < 0.01
    assert report.facts["CRS"] == "EPSG:4258 (from the file)"


def test_the_report_counts_what_is_there_and_what_was_left_out(tmp_path):
    services, report = read(write(tmp_path, town()))
    assert services["name"].tolist() == ["", "", ""]
    expected = {
        "rows": 10,
        "buildings": 10,
        "gone, moved, never built or to be demolished, left out": 2,
        "in use": 7,
        "residential buildings in use (111–146)": 2,
        "shared and serviced housing in use (151, 159)": 1,
        "services planned, not counted": 2,
        "services: library": 1,
        "services: care": 1,
        "services: community_centre": 1,
    }
    assert report.facts.items() >= expected.items()
    assert report.listed == {"services planned, not counted": ["bygning:300000007"] * 2}
    assert report.warnings == ()


def test_a_building_that_is_listed_for_every_unit_and_for_a_change_counts_once(tmp_path):
    rows = [(1, 642, "IG"), (1, 642, "FA"), (1, 642, "FA"), (2, 721, "IG"), (2, 721, "RA")]
    services, report = read(write(tmp_path, town(rows=rows)))
    assert found(services)[-1] == ("bygning:1", "library", "bygningstype=642")
    assert len(services) == 2
    assert (report.facts["rows"], report.facts["buildings"]) == (5, 2)


def test_what_cannot_be_placed_or_understood_is_left_out_and_said(tmp_path):
    rows = [(n, 642, "FA") for n in range(1, 6)]
    rows += [(6, None, "FA"), (7, 642, None), (8, 642, "??"), (9, 6420, "FA")]
    shapes = [Point(E0, N0), None, Point(), LineString([(E0, N0), (E0 + 9, N0)])]
    shapes += [MultiPoint([(E0 + 50, N0)])] + [Point(E0, N0)] * 4
    as_type = lambda c: None if c is None else str(c)  # noqa: E731
    services, report = read(write(tmp_path, town(rows=rows, shapes=shapes, as_type=as_type)))
    assert services["service_id"].unique().tolist() == ["bygning:1", "bygning:5"]
    assert set(services.geom_type) == {"Point"}
    assert report.facts["without known status, left out"] == 2
    assert report.facts["without known type, left out"] == 2
    assert report.facts["without usable geometry, left out"] == 3
    assert len(report.warnings) == 3


def test_only_the_area_counts_in_the_analysis_crs(tmp_path):
    path = write(tmp_path, town())
    area = gpd.GeoSeries([box(E0 + 50, N0 - 50, E0 + 950, N0 + 50)], crs=UTM32).to_crs(UTM33)[0]
    services, report = read(path, crs=UTM33, area=area)
    assert found(services) == IN_TOWN[2:]
    assert services.crs == UTM33
    assert report.facts["outside the area, left out"] == 1
    _, report = read(path, area=box(0, 0, 1, 1))
    assert report.warnings == ("no building in use lies in or near the area",)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("bygningsnummer", "kode", "bygningsstatus"), "no column with the building type"),
        (("bygningsnummer", "bygningstype", "fase"), "no column with the building status"),
        (("id", "bygningstype", "bygningsstatus"), "no column with the building number"),
    ],
)
def test_a_layer_without_the_cadastres_columns_is_refused_with_those_it_has(tmp_path, names, said):
    with pytest.raises(InputError, match=said) as caught:
        read(write(tmp_path, town(names)))
    assert set(names) <= set(caught.value.hint.replace(".", "").replace(",", "").split())


def test_words_in_place_of_codes_are_refused_not_taken_for_nothing(tmp_path):
    rows = [(1, 642, "Ferdigattest")]
    with pytest.raises(InputError, match=r"'bygningsstatus' holds none .* 'Ferdigattest'"):
        read(write(tmp_path, town(rows=rows)))
    with pytest.raises(InputError, match="'bygningstype' holds none"):
        read(write(tmp_path, town(rows=[(1, 7, "FA")])))


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 6),
            st.sampled_from([111, 151, 642, 661, 719]),
            st.sampled_from([*EXISTING, *PLANNED, *GONE, "X"]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_counts_agree_with_counting_one_by_one(tmp_path_factory, rows):
    if not any(status != "X" for _, _, status in rows):
        return
    services, report = read(write(tmp_path_factory.mktemp("b"), town(rows=rows)))
    in_use = {}
    for number, kind, status in sorted(rows, key=lambda row: row[1]):
        if status in EXISTING:
            in_use.setdefault(number, str(kind))
    assert found(services) == sorted(
        (f"bygning:{number}", key, f"bygningstype={kind}")
        for number, kind in in_use.items()
        for key, kinds in CATEGORIES.items()
        if kind in kinds
    )
    assert report.facts["in use"] == len(in_use)
    assert report.facts["residential buildings in use (111–146)"] == sum(
        kind[:2] in DWELLING_GROUPS for kind in in_use.values()
    )


def test_a_damaged_outline_is_repaired(tmp_path):
    bow = shapely.Polygon([(E0, N0), (E0 + 10, N0 + 10), (E0 + 10, N0), (E0, N0 + 10)])
    services, _ = read(write(tmp_path, town(rows=[(1, 642, "FA")], shapes=[bow])))
    assert services.geometry.is_valid.all()
    assert services.geometry.area.iloc[0] == pytest.approx(50)
