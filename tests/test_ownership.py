"""Municipal land from a list or from polygons; where nobody knows, the answer is unknown."""

import geopandas as gpd
import pytest
from shapely import Point, Polygon, box

from arealstrategi.errors import InputError
from arealstrategi.sources.ownership import read_municipal_land

E0, N0 = 560_000.0, 6_570_000.0


def parcels_of(*names, shapes=None):
    shapes = shapes or [
        box(E0 + 100 * i, N0, E0 + 100 * i + 100, N0 + 100) for i in range(len(names))
    ]
    return gpd.GeoDataFrame(geometry=shapes, index=list(names), crs=25832)


PARCELS = parcels_of(
    "3907-32/16", "3907-32/16/2", "3907-32/17", "3907-32/17#2", "0301-32/16", "row 6"
)


def listed(tmp_path, text, parcels=PARCELS, encoding="utf-8", name="kommunal.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return read_municipal_land(path, parcels)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("matrikkelnummer\n3907-32/16\n3907-32/17\n", "utf-8"),
        ("Eiendom;Navn\n3907-0032/0016/0000/0000;Grønåsen\n3907-32/17/0/0;Bærheim\n", "cp1252"),
        ("kommunenr;gnr;bnr;fnr;snr\n3907;32;16;0;0\n3907;32;17;;\n", "utf-8-sig"),
        ("knr,gårdsnummer,bruksnummer\n3907,032,0016\n3907,32,17\n", "utf-8"),
        ("kommunenummer\tGNR\tBNR\n 3907 \t 32 \t16\n3907\t32\t17\n", "cp1252"),
        ("kommunenr;matrikkelnummer\n3907;32/16\n3907;32 / 17\n", "utf-8"),
    ],
)
def test_one_list_says_the_same_in_every_form(tmp_path, text, encoding):
    answer, report = listed(tmp_path, text, encoding=encoding)
    assert answer.to_dict() == {
        "3907-32/16": "yes",
        "3907-32/16/2": "no",  # a lease on municipal ground is a parcel of its own
        "3907-32/17": "yes",
        "3907-32/17#2": "yes",  # the second polygon of the same property
        "0301-32/16": "no",  # the same numbers in another municipality
        "row 6": "unknown",
    }
    assert report.facts["municipal parcels"] == 3
    assert report.facts["numbers that no parcel has"] == 0


def test_a_municipality_number_without_its_zero_is_still_oslo(tmp_path):
    answer, _ = listed(tmp_path, "knr;gnr;bnr\n301;32;16\n")
    assert answer[answer == "yes"].index.tolist() == ["0301-32/16"]


def test_a_list_without_municipality_numbers_counts_in_each_and_says_so(tmp_path):
    answer, report = listed(tmp_path, "gnr;bnr\n32;16\n")
    assert answer[answer == "yes"].index.tolist() == ["3907-32/16", "0301-32/16"]
    assert any("although the parcels lie in 2 of them" in text for text in report.warnings)
    _, report = listed(tmp_path, "gnr;bnr\n32;16\n", PARCELS.iloc[:4])
    assert report.warnings == ()


def test_parcels_without_municipality_numbers_are_found_in_a_list_that_has_them(tmp_path):
    answer, _ = listed(tmp_path, "knr;gnr;bnr\n3907;32;16\n", parcels_of("32/16", "32/17"))
    assert answer.tolist() == ["yes", "no"]


def test_a_section_and_a_lease_of_the_same_number_are_two_things(tmp_path):
    parcels = parcels_of("3907-32/16/5", "3907-32/16/0/5")
    answer, _ = listed(tmp_path, "knr;gnr;bnr;fnr;snr\n3907;32;16;0;5\n", parcels)
    assert answer.tolist() == ["no", "yes"]
    answer, _ = listed(tmp_path, "matrikkelnummer\n3907-32/16/5\n", parcels)
    assert answer.tolist() == ["yes", "no"]


def test_a_lease_makes_partly_unless_the_ground_is_owned_too(tmp_path):
    text = "matrikkelnummer;eierforhold\n3907-32/16;F\n3907-32/17;fester\n3907-32/17;H\n"
    answer, report = listed(tmp_path, text)
    assert answer.tolist() == ["partly", "no", "yes", "yes", "no", "unknown"]
    assert report.facts["partly municipal"] == 1


def test_a_list_on_parcels_without_cadastral_numbers_leaves_all_unknown_with_a_warning(tmp_path):
    answer, report = listed(
        tmp_path, "gnr;bnr\n32;16\n", parcels_of("row 1", "Tomt 4", "560000_6570000")
    )
    assert set(answer) == {"unknown"}
    assert any("nobody knows which are municipal" in text for text in report.warnings)


def test_numbers_that_a_spreadsheet_made_dates_are_refused_with_their_line(tmp_path):
    with pytest.raises(InputError, match=r"line 3, column 'matrikkelnummer'.*3/12") as caught:
        listed(tmp_path, "matrikkelnummer\n3907-32/16\n3. des\n")
    assert "as text" in caught.value.hint


def test_numbers_that_no_parcel_has_are_counted_and_told(tmp_path):
    answer, report = listed(tmp_path, "matrikkelnummer\nukjent\n3907-32/16\n3907-99/99\n")
    assert (answer == "yes").sum() == 1
    assert report.facts["rows read"] == 3
    assert report.facts["rows without a cadastral number"] == 1
    assert report.facts["numbers that no parcel has"] == 1
    assert any("without a cadastral number" in text for text in report.warnings)


def test_a_list_without_cadastral_numbers_says_which_columns_it_has(tmp_path):
    with pytest.raises(InputError, match="found: navn, adresse") as caught:
        listed(tmp_path, "navn;adresse\nGrønåsen;Storgata 1\n")
    assert "matrikkelnummer" in caught.value.hint


def land_of(tmp_path, *shapes, crs=25832, **options):
    path = tmp_path / "kommunal.gpkg"
    table = gpd.GeoDataFrame(geometry=list(shapes), crs=25832)
    table.to_crs(crs).to_file(path, **options)
    return path


@pytest.mark.parametrize("crs", [25832, 25833])
def test_the_share_of_a_parcel_on_municipal_land_decides(tmp_path, crs):
    names = ["all", "sliver missing", "half", "sliver", "none", "point in", "point out"]
    shapes = [
        *(box(E0 + 200 * i, N0, E0 + 200 * i + 100, N0 + 100) for i in range(5)),
        Point(E0 + 50, N0 + 50),
        Point(E0 - 50, N0),
    ]
    land = [
        box(E0 - 9, N0 - 9, E0 + 109, N0 + 50),
        box(E0 - 9, N0 + 50, E0 + 109, N0 + 109),  # two plots make one parcel whole
        box(E0 + 200.5, N0 - 9, E0 + 309, N0 + 109),
        box(E0 + 350, N0, E0 + 450, N0 + 100),
        box(E0 + 699.5, N0, E0 + 780, N0 + 100),
    ]
    answer, report = read_municipal_land(
        land_of(tmp_path, *land, crs=crs), parcels_of(*names, shapes=shapes)
    )
    assert answer.tolist() == ["yes", "yes", "partly", "no", "no", "yes", "no"]
    assert report.facts["polygons"] == 5
    assert report.facts["CRS"] == f"EPSG:{crs} (from the file)"


def test_broken_land_polygons_still_count_and_other_shapes_are_told(tmp_path):
    bow_tie = Polygon([(E0, N0), (E0 + 100, N0 + 100), (E0 + 100, N0), (E0, N0 + 100)])
    path = land_of(tmp_path, bow_tie, Point(E0, N0), None)
    answer, report = read_municipal_land(path, parcels_of("a", "b"))
    assert answer.tolist() == ["partly", "no"]
    assert report.facts["polygons"] == 1
    assert report.facts["neither polygon nor repairable, not used"] == 2


def test_land_elsewhere_makes_no_parcel_municipal_and_warns(tmp_path):
    path = land_of(tmp_path, box(E0, N0 + 5000, E0 + 100, N0 + 5100))
    answer, report = read_municipal_land(path, PARCELS)
    assert set(answer) == {"no"}
    assert report.warnings == ("the layer meets no parcel",)


def test_a_layer_of_points_cannot_say_which_land_is_municipal(tmp_path):
    with pytest.raises(InputError, match="holds no polygon"):
        read_municipal_land(land_of(tmp_path, Point(E0, N0)), PARCELS)


def test_a_missing_list_or_layer_is_named(tmp_path):
    for name in ("gone.csv", "gone.gpkg"):
        with pytest.raises(InputError, match="there is no such file") as caught:
            read_municipal_land(tmp_path / name, PARCELS)
        assert "municipal_land" in caught.value.hint
