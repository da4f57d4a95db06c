"""Presets: the official layers in the forms they come in, and the traps of their codes."""

import json
import re
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from shapely import LineString, Point, box

from arealstrategi.errors import InputError
from arealstrategi.sources.presets import (
    columns_for,
    pick_layer,
    preset,
    preset_names,
    preset_table,
    select_features,
)

E0, N0 = 560_000.0, 6_570_000.0


def zones(n, **columns):
    shapes = [box(E0 + 100 * i, N0, E0 + 100 * i + 90, N0 + 90) for i in range(n)]
    return gpd.GeoDataFrame({"nr": range(n), **columns}, geometry=shapes, crs=25832)


def selected(key, table, layer="lag"):
    """What a preset takes of a table: the numbers of its rows, counts and warnings."""
    told = f"fil.gpkg, layer '{layer}'"
    columns = columns_for(preset(key), [c for c in table.columns if c != "geometry"])
    chosen, facts, said = select_features(
        preset(key), table[[*dict.fromkeys(["nr", *columns]), "geometry"]], told
    )
    return chosen["nr"].tolist(), facts, said


def read(path, layer, key):
    """Read a file as the analysis does: its columns first, then only those of the preset."""
    fields = list(pyogrio.read_info(path, layer=layer)["fields"])
    columns = columns_for(preset(key), fields)
    table = pyogrio.read_dataframe(path, layer=layer, columns=[*columns, "nr"])
    return select_features(preset(key), table, f"{path}, layer '{layer}'")


FLOOD = [20, 200, 1000, 2100]


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        ("flom-20", [0]),
        ("flom-200", [0, 1]),
        ("flom-200-klima", [0, 1, 3]),
        ("flom-1000", [0, 1, 2]),
    ],
)
def test_2100_is_a_200_year_flood_with_climate_and_no_2100_year_flood(key, rows):
    chosen, facts, said = selected(key, zones(4, gjentaksintervall=FLOOD))
    assert chosen == rows
    assert facts["gjentaksintervall 2100 (200-year flood in the climate of 2100)"] == 1
    assert facts["features"] == 4
    assert facts["features that count"] == len(rows)
    assert said == ()


def test_in_a_layer_for_the_climate_200_means_2100():
    table = zones(2, gjentaksinterval=["20", "200"])
    chosen, facts, said = selected("flom-200", table, "Flomsone_200arsflom_klima")
    assert chosen == []
    assert facts["gjentaksinterval 2100 (200-year flood in the climate of 2100)"] == 1
    assert "200 is read as 2100" in said[0]
    assert selected("flom-200-klima", table, "Flomsone_200arsflom_klima")[0] == [1]
    assert selected("flom-200-klima", table, "Flomsone_200arsflom")[0] == [0, 1]


@pytest.mark.parametrize(
    "values",
    [
        pd.array([20, 200, 2100, None], dtype="Int64"),
        np.array([20.0, 200.0, 2100.0, np.nan]),
        ["20", "0200", " 2100 ", None],
        ["20,0", "200.0", "2100", ""],
        ["20 år", "200-årsflom", "2100", None],
        ["1/20", "≥ 1/200", "2100", None],
    ],
)
def test_a_code_is_the_same_as_number_and_as_text(values):
    chosen, _, said = selected("flom-200", zones(4, gjentaksintervall=values))
    assert chosen == [0, 1]
    assert len(said) == 1
    assert "1 features have no code; they are left out" in said[0]


def test_an_unknown_code_is_told_and_never_passed_over():
    table = zones(6, gjentaksintervall=[200, 300, 300, -20, 0, 2050])
    chosen, _, (said,) = selected("flom-200", table)
    assert chosen == [0]
    assert "5 features have codes that are not known" in said
    assert "'300' (2)" in said
    assert "'-20' (1)" in said
    many = zones(9, gjentaksintervall=range(3000, 3009))
    assert "and 4 more" in selected("flom-200", many)[2][0]


def test_a_list_of_one_is_its_code_and_other_odd_values_are_not_known():
    odd = pd.Series([[200], {"a": 1}, pd.Timestamp("2020-01-01"), b"200", True], dtype=object)
    chosen, _, said = selected("flom-200", zones(5, gjentaksintervall=odd))
    assert chosen == [0]
    assert "4 features have codes that are not known" in said[0]


def test_a_missing_column_names_those_there_are_and_what_it_may_be_called():
    with pytest.raises(InputError, match="has no column 'gjentaksintervall'") as caught:
        columns_for(preset("flom-200"), ["objid", "navn"])
    assert "gjentakint" in caught.value.hint
    assert "objid, navn" in caught.value.hint
    assert "flom-aktsomhet" in caught.value.hint


@pytest.mark.parametrize(
    "column",
    [
        "gjentaksintervall", "GJENTAKSINTERVALL", "gjentaksin", "GJENTAKSIN", "gjentakint",
        "app:gjentaksintervall",
    ],
)  # fmt: skip
def test_the_column_is_found_in_every_spelling(column):
    assert columns_for(preset("flom-200"), ["objid", column]) == [column]


@pytest.mark.parametrize(
    "column",
    ["STØYSONEKATEGORI", "støysonekategori", "stoysonekategori", "STØYSONEK", "stoysoneka"],
)
def test_g_is_the_yellow_zone_and_not_green(column):
    table = zones(4, **{column: ["R", "G", "g ", "Grønn"]})
    assert selected("stoy-veg-rod", table)[0] == [0]
    chosen, facts, said = selected("stoy-veg-gul", table)
    assert chosen == [1, 2]
    assert facts[f"{column} G (yellow zone (gul))"] == 2
    assert facts[f"{column} Grønn (green zone, a quiet area)"] == 1
    assert said == ()


def test_words_for_the_noise_zones_are_understood_for_every_source():
    table = zones(4, støysonekategori=["Rød", "rød sone", "GUL", "Gul sone"])
    for source in ("veg", "bane", "fly"):
        assert selected(f"stoy-{source}-rod", table)[0] == [0, 1]
        assert selected(f"stoy-{source}-gul", table)[0] == [2, 3]


@pytest.mark.parametrize(
    "layer", ["Skredanalyseomraade", "skredfaresoner_analyseomrade", "Kartleggingsområde"]
)
def test_the_surveyed_area_is_no_hazard_zone(layer):
    with pytest.raises(InputError, match="says what was surveyed") as caught:
        selected("skred", zones(1, skredSannsynlighet=[1000]), layer)
    assert "`coverage`" in caught.value.hint
    with pytest.raises(InputError, match="stands on the area that was surveyed") as caught:
        columns_for(preset("skred"), ["skredOmrID", "vurdertStatSannsynlighet"])
    assert "`coverage`" in caught.value.hint


def test_probabilities_of_landslides_in_both_ways_of_writing_them():
    for values in ([100, 1000, 5000], ["≥ 1/100", "≥ 1/1000", "≥ 1/5000"]):
        table = zones(3, skredSannsynlighet=values)
        assert selected("skred-100", table)[0] == [0]
        assert selected("skred", table)[0] == [0, 1]
        assert selected("skred-5000", table)[0] == [0, 1, 2]


HAZARDS = [key for key in preset_names() if preset(key).kind == "hazard"]


@pytest.mark.parametrize("key", HAZARDS)
def test_susceptibility_is_not_hazard(key):
    fields = {name: preset(key).field[name] for name in preset(key).select}
    columns = {
        field.names[0]: preset(key).select[name][0]
        for name, field in fields.items()
        if field.needed
    }
    table = zones(1, **columns)
    with pytest.raises(InputError, match=r"susceptibility \(aktsomhet\) is not hazard"):
        selected(key, table, "FlomAktsomhetOmr")
    with pytest.raises(InputError, match=r"'PotensieltSkredfareOmr'.* is not hazard"):
        selected(key, table.assign(objekttype="PotensieltSkredfareOmr"), "faresone")
    with pytest.raises(InputError, match="is not hazard"):
        select_features(
            preset(key), table, "https://wfs.geonorge.no/skwms1/wfs.flomaktsomhetsomrader"
        )


def test_a_mixed_layer_keeps_the_zones_and_tells_what_it_leaves_out():
    table = zones(
        3, gjentaksintervall=[200, 200, 200],
        objtype=["FlomAreal", "Analyseområde", "FlomAktsomhetOmr"],
    )  # fmt: skip
    chosen, facts, said = selected("flom-200", table, "flom_og_aktsomhet")
    assert chosen == [0]
    assert facts["features that count"] == 1
    assert any("'Analyseområde' are left out: it says what was surveyed" in text for text in said)
    assert any("'FlomAktsomhetOmr' are left out: susceptibility" in text for text in said)


def test_hazard_zones_for_a_susceptibility_preset_are_taken_and_told():
    chosen, _, said = selected("skred-jord-flom-aktsomhet", zones(2), "Skredfaresone_1000")
    assert chosen == [0, 1]
    assert "looks like hazard zones" in said[0]
    assert selected("flom-aktsomhet", zones(2), "FlomAktsomhetOmr")[2] == ()


def test_farmland_is_21_to_23_and_one_number_in_ar50():
    table = zones(9, arealtype=[11, 12, 21, 22, 23, 30, 50, 60, 99])
    chosen, facts, said = selected("jordvern", table)
    assert chosen == [2, 3, 4]
    assert facts["arealtype 21 (fully cultivated (fulldyrka))"] == 1
    assert said == ()
    assert selected("jordvern", zones(3, artype=["20", "30", "81"]))[0] == [0]


def test_a_quick_clay_zone_without_class_is_still_a_zone():
    table = zones(5, faregrad=["Høy", "lav", "MIDDELS", "Ingen", None])
    chosen, _, said = selected("kvikkleire", table)
    assert chosen == [0, 1, 2, 4]
    assert "they count" in said[0]
    chosen, _, said = selected("kvikkleire", zones(2), "UtlopOmr")
    assert chosen == [0, 1]
    assert "all count" in said[0]


def test_the_level_of_a_storm_surge_stands_in_the_name_of_its_layer():
    assert selected("stormflo-200", zones(2), "Stormflo200År_KlimaÅrNå")[0] == [0, 1]
    assert selected("stormflo-200", zones(2), "stormflo20ar_klimaarna")[0] == [0, 1]
    chosen, facts, _ = selected("stormflo-20", zones(2), "stormflo200ar_klimaarna")
    assert chosen == []
    assert facts["layer Stormflo200År_KlimaÅrNå (200-year storm surge today)"] == 2
    assert selected("stormflo-200", zones(2), "Stormflo200År_KlimaÅr2100")[0] == []
    assert selected("stormflo-200-2100", zones(2), "Stormflo200År_KlimaÅr2100")[0] == [0, 1]
    by_type = zones(2, objtype=["Stormflo20År_KlimaÅrNå", "Stormflo200År_KlimaÅr2100"])
    assert selected("stormflo-20", by_type)[0] == [0]
    chosen, _, said = selected("stormflo-200", zones(2), "mitt_lag")
    assert chosen == [0, 1]
    assert "nothing says which" in said[0]
    with pytest.raises(InputError, match="says what was surveyed"):
        selected("stormflo-200", zones(1), "Dekningsområde")


def test_heritage_protected_by_law_needs_both_of_its_codes():
    table = zones(
        5, vernetype=["AUT", "AUT", "VED", "Automatisk fredet", "XYZ"],
        enkeltminnekategori=["E-ARK", "E-BYG", "E-RUI", "e-mar", "E-ARK"],
    )  # fmt: skip
    chosen, _, said = selected("kulturminner", table)
    assert chosen == [0, 3]
    assert len(said) == 1
    assert "'XYZ' (1)" in said[0]
    assert selected("kulturminner-vedtak", table)[0] == [2]


def test_polluted_ground_that_is_acceptable_today_must_be_judged_anew():
    table = zones(5, påvirkningsgrad=["liteForurensning", "akseptabelForurensning", 3, "X", None])
    assert selected("forurenset-grunn", table)[0] == [1, 2, 3, 4]


def test_habitats_count_by_their_value():
    table = zones(4, Verdikategori=["Svært stor verdi", "stor", "Middels verdi", "Noe verdi"])
    assert selected("naturtyper-ku", table)[0] == [0, 1]


def test_borders_of_zones_are_no_zones():
    table = zones(2, gjentaksintervall=[200, 200])
    table.geometry = [LineString([(E0, N0), (E0 + 9, N0)]), table.geometry.iloc[1]]
    chosen, _, (said,) = selected("flom-200", table)
    assert chosen == [1]
    assert "1 lines are left out" in said
    with pytest.raises(InputError, match="holds 1 lines, but preset 'flom-200' needs areas"):
        selected("flom-200", table.iloc[:1], "FlomArealGrense")
    assert selected("kraftledning", table.iloc[:1])[0] == [0]
    point = gpd.GeoDataFrame({"nr": [0]}, geometry=[Point(E0, N0)], crs=25832)
    with pytest.raises(InputError, match="needs areas"):
        selected("markagrensa", point)


def test_nothing_in_the_area_is_an_answer():
    chosen, facts, said = selected("flom-200", zones(3, gjentaksintervall=FLOOD[:3]).iloc[:0])
    assert chosen == []
    assert facts == {"features": 0, "features that count": 0}
    assert said == ()


# The same zones in the forms that Geonorge, a service and a colleague's export have.
def as_filegdb(tmp_path, table):
    path = tmp_path / "Samfunnssikkerhet_3907_Sandefjord_25832_Flomsoner_FGDB.gdb"
    small = table.astype({"nr": "int32", "gjentaksintervall": "int32"})
    pyogrio.write_dataframe(small, path, layer="flomsoner_flomareal", driver="OpenFileGDB")
    return path, "flomsoner_flomareal"


def as_gml(tmp_path, table):
    path = tmp_path / "Flomsoner.gml"
    members = "".join(
        f'<gml:featureMember><app:FlomAreal gml:id="f{row.nr}">'
        f"<app:gjentaksintervall>{row.gjentaksintervall}</app:gjentaksintervall>"
        f"<app:nr>{row.nr}</app:nr>"
        f'<app:område><gml:Polygon gml:id="g{row.nr}" srsName="urn:ogc:def:crs:EPSG::25832">'
        "<gml:exterior><gml:LinearRing><gml:posList>"
        + " ".join(f"{x} {y}" for x, y in row.geometry.exterior.coords)
        + "</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></app:område>"
        "</app:FlomAreal></gml:featureMember>"
        for row in table.itertuples()
    )
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><gml:FeatureCollection gml:id="c" '
        'xmlns:gml="http://www.opengis.net/gml/3.2" '
        'xmlns:app="http://skjema.geonorge.no/SOSI/produktspesifikasjon/Flomsoner/1.0">'
        f"{members}</gml:FeatureCollection>",
        encoding="utf-8",
    )
    return path, "FlomAreal"


def as_geopackage(tmp_path, table):
    path = tmp_path / "flom.gpkg"
    renamed = table.rename(columns={"gjentaksintervall": "GJENTAKSINTERVALL"})
    pyogrio.write_dataframe(renamed, path, layer="FLOMSONER")
    return path, "FLOMSONER"


def as_shapefile(tmp_path, table):
    path = tmp_path / "flom.shp"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the names are cut
        pyogrio.write_dataframe(table, path)
    return path, "flom"


def as_service_json(tmp_path, table):
    path = tmp_path / "identify.geojson"
    told = json.loads(table.rename(columns={"gjentaksintervall": "gjentaksinterval"}).to_json())
    for feature in told["features"]:
        feature["properties"] |= {
            "gjentaksinterval": str(feature["properties"]["gjentaksinterval"]),
            "objektType": "FlomAreal",
        }
    told["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
    path.write_text(json.dumps(told), encoding="utf-8")
    return path, "identify"


@pytest.mark.parametrize(
    "write", [as_filegdb, as_gml, as_geopackage, as_shapefile, as_service_json]
)
def test_the_same_zones_are_found_in_every_form_they_come_in(tmp_path, write):
    path, layer = write(tmp_path, zones(4, gjentaksintervall=FLOOD))
    chosen, facts, said = read(path, layer, "flom-200")
    assert chosen["nr"].tolist() == [0, 1]
    assert chosen.geometry.area.tolist() == pytest.approx([8100, 8100])
    assert facts["features"] == 4
    assert said == ()


def test_a_layer_is_picked_whatever_its_spelling():
    there = ["flomsoner_elvbekk", "FLOMSONER_ANALYSEOMRADE", "Flomsoner_FlomAreal"]
    assert pick_layer(preset("flom-200").layers, there) == "Flomsoner_FlomAreal"
    assert pick_layer(preset("flom-200").coverage_layers, there) == "FLOMSONER_ANALYSEOMRADE"
    assert pick_layer(preset("stormflo-20").coverage_layers, ["dekningsomrade"]) == "dekningsomrade"
    assert pick_layer(preset("markagrensa").layers, ["noe"]) is None


def test_an_unknown_preset_suggests_the_nearest_and_else_lists_them():
    with pytest.raises(ValueError, match="did you mean 'flom-200'"):
        preset("Flom_200")
    with pytest.raises(ValueError, match="known are: flom-20, flom-200"):
        preset("zzz")


@pytest.mark.parametrize("key", preset_names())
def test_every_preset_is_whole(key):
    one = preset(key)
    assert one.layers
    assert set(one.label) == {"nb", "en"}
    assert (one.points is not None) == (one.effect == "deduct")
    assert one.law_nb
    assert one.law_en
    assert bool(one.note_nb) == bool(one.note_en)
    assert one.coverage_nb
    for name, codes in one.select.items():
        assert set(codes) <= set(one.field[name].codes), name
        assert set(one.field[name].also.values()) <= set(one.field[name].codes), name
    if one.instead:
        assert all(preset(other).kind == "susceptibility" for other in one.instead.split(", "))
    if one.metadata:
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one.metadata)
    assert selected(key, every_code(one), one.layers[0])[0], "its own layer name is refused"


def every_code(one):
    """A feature with the first selected code of every column."""
    table = zones(1)
    for name, codes in one.select.items():
        table[one.field[name].names[0]] = [codes[0]]
    if one.geometry[0] == "line":
        table.geometry = [LineString([(E0, N0), (E0 + 9, N0)])]
    return table


def test_hazards_exclude_and_susceptibility_sets_a_condition():
    effects = {(preset(key).kind, preset(key).effect) for key in preset_names()}
    assert {effect for kind, effect in effects if kind == "hazard"} == {"exclude"}
    assert {effect for kind, effect in effects if kind == "susceptibility"} == {"condition"}
    assert "F2" in preset("flom-200").law_nb
    assert "F3" in preset("flom-1000").law_nb
    assert "S2" in preset("skred").law_nb
    assert "S3" in preset("skred-5000").law_nb


def test_the_table_for_the_docs_has_a_full_row_for_every_preset():
    rows = preset_table()
    assert [row["preset"] for row in rows] == list(preset_names())
    assert len({row["nb"] for row in rows}) == len(rows)
    assert all(isinstance(value, str) for row in rows for value in row.values())
    (flood,) = (row for row in rows if row["preset"] == "flom-200-klima")
    assert "2100: 200-year flood in the climate of 2100" in flood["codes"]
    assert flood["coverage_layer"] == "Analyseområde"
    assert next(row for row in rows if row["preset"] == "stoy-veg-gul")["effect"] == "deduct 10"
