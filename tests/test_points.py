"""The user's own services, from a spreadsheet or from a map layer."""

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from shapely import LineString, MultiPoint, Point, Polygon, box

from arealstrategi.errors import InputError
from arealstrategi.sources.points import read_points

UTM32 = pyproj.CRS(25832)
E0, N0 = 560_000.0, 6_570_000.0


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "butikker.csv"
    path.write_bytes(text.encode(encoding))
    return read_points(path, "grocery", UTM32)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("lon,lat,name\n10.0532,59.2647,Kiwi Grønås\n", "utf-8"),
        ("\ufeffNavn;Lon;Lat\nKiwi Grønås;10,0532;59,2647\n", "utf-8"),
        ("navn\tlat\tlon\nKiwi Grønås\t 59.2647 \t10.0532\n", "cp1252"),
    ],
)
def test_degrees_become_metres_whatever_the_columns_order_the_comma_and_the_letters(
    tmp_path, text, encoding
):
    services, report = read(tmp_path, text, encoding)
    there = pyproj.Transformer.from_crs(4326, 25832, always_xy=True).transform(10.0532, 59.2647)
    assert shapely.get_coordinates(services.geometry)[0] == pytest.approx(there, abs=1e-6)
    assert services.iloc[0][["service_id", "category", "name", "kind"]].tolist() == [
        "own:grocery:1",
        "grocery",
        "Kiwi Grønås",
        "own",
    ]
    assert report.facts["CRS"] == "EPSG:4326"
    assert services.crs == UTM32


def test_metres_are_read_in_the_analysis_crs_with_spaces_between_thousands(tmp_path):
    services, report = read(tmp_path, "x;y\n560 000,5;6\u00a0570\u202f000\n")
    assert shapely.get_coordinates(services.geometry).tolist() == [[560_000.5, 6_570_000.0]]
    assert services["name"].tolist() == [""]
    assert report.facts["places"] == 1


def test_a_name_in_either_language_serves_and_both_do_no_harm(tmp_path):
    services, _ = read(tmp_path, "navn;name;x;y\nButikk;Shop;560000;6570000\n")
    assert services["name"].tolist() == ["Shop"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name;adresse\nKiwi;Storgata 1\n", "neither the columns lon and lat nor x and y"),
        ("lon;lat\n560000;6570000\n", "lon or lat is beyond 180 or 90 degrees"),
        ("x;y\n10.05;59.26\n", "x and y look like degrees"),
        ("x;y\n560000;6570000\n560000;ukjent\n", "line 3, column 'y': 'ukjent' is not a number"),
        ("x;y\n560000;\n", "line 2, column 'y'"),
    ],
)
def test_coordinates_that_cannot_be_are_refused_with_file_row_and_column(tmp_path, text, said):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert said in caught.value.message
    assert "butikker.csv" in caught.value.message
    assert caught.value.hint


def test_a_missing_file_names_the_criterion(tmp_path):
    for name in ("gone.csv", "gone.gpkg"):
        with pytest.raises(InputError, match="there is no such file") as caught:
            read_points(tmp_path / name, "grocery", UTM32)
        assert "grocery" in caught.value.hint


def test_a_layer_gives_points_and_polygons_and_what_is_neither_is_counted(tmp_path):
    bow_tie = Polygon([(E0, N0), (E0 + 10, N0 + 10), (E0 + 10, N0), (E0, N0 + 10)])
    shapes = {
        "point": Point(E0, N0),
        "house": box(E0, N0, E0 + 20, N0 + 20),
        "single multipoint": MultiPoint([(E0, N0)]),
        "with height": Point(E0, N0, 12.0),
        "bow tie": bow_tie,
        "line": LineString([(E0, N0), (E0 + 9, N0)]),
        "empty": Point(),
        "null": None,
    }
    path = tmp_path / "own.gpkg"
    table = gpd.GeoDataFrame({"Navn": list(shapes)}, geometry=list(shapes.values()), crs=UTM32)
    table.to_crs(25833).to_file(path)
    services, report = read_points(path, "cafe", UTM32)
    assert services["name"].tolist() == list(shapes)[:5]
    assert set(services.geom_type) == {"Point", "Polygon", "MultiPolygon"}
    assert services.is_valid.all()
    assert not services.has_z.any()
    assert services.area.tolist() == pytest.approx([0, 400, 0, 0, 50], abs=1e-3)
    assert report.facts["places"] + report.facts["neither point nor polygon, left out"] == 8
    assert report.warnings == ("neither point nor polygon, left out: 3",)
    assert services["service_id"].is_unique


def test_a_layer_without_names_gives_nameless_services(tmp_path):
    path = tmp_path / "own.geojson"
    gpd.GeoDataFrame({"nr": [1]}, geometry=[Point(10.05, 59.26)], crs=4326).to_file(path)
    services, _ = read_points(path, "cafe", UTM32)
    assert services["name"].tolist() == [""]


def test_how_much_a_place_has_room_for_is_read_where_it_is_told(tmp_path):
    services, _ = read(tmp_path, "x;y;Kapasitet\n560000;6570000;12\n560001;6570000;\n560002;6570000;7,5\n560003;6570000;0\n")  # noqa: E501  # fmt: skip
    assert services["capacity"].tolist() == pytest.approx([12, np.nan, 7.5, 0], nan_ok=True)
    untold, _ = read(tmp_path, "x;y\n560000;6570000\n")
    assert untold["capacity"].isna().all()
    path = tmp_path / "own.gpkg"
    doctors = gpd.GeoDataFrame(
        {"listelengde": [1200, 900]}, geometry=[Point(E0, N0)] * 2, crs=UTM32
    )
    doctors.to_file(path)
    assert read_points(path, "doctor", UTM32)[0]["capacity"].tolist() == [1200, 900]


@pytest.mark.parametrize("told", ["mange", "-3", "inf", "1.2.3"])
def test_a_capacity_that_is_no_number_from_0_up_is_refused_with_its_row(tmp_path, told):
    with pytest.raises(InputError, match=r"row \d.*not a number from 0 up") as caught:
        read(tmp_path, f"x;y;capacity\n560000;6570000;3\n560001;6570000;{told}\n")
    assert "butikker.csv" in caught.value.message
    assert repr(told) in caught.value.message
    assert "leave it empty" in caught.value.hint


def test_an_input_that_is_no_criterion_s_is_called_as_the_strategy_calls_it(tmp_path):
    with pytest.raises(InputError) as caught:
        read_points(tmp_path / "gone.csv", "cafe", UTM32, key='`open` of [[scenario]] "Ny"')
    assert '[[scenario]] "Ny"' in str(caught.value)


@pytest.mark.shared
def test_published_service_points_land_where_their_degrees_say(shared_data):
    path = shared_data / "porto-alegre" / "poa_points_of_interest.csv"
    services, report = read_points(path, "care", pyproj.CRS(32722))
    stated = np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8")
    back = services.to_crs(4326).geometry
    assert len(services) == len(stated) == report.facts["places"]
    assert np.allclose(back.x, stated["lon"])
    assert np.allclose(back.y, stated["lat"])
