"""Plan data in every style it comes in, and what its codes mean."""

import json
import warnings

import geopandas as gpd
import pyproj
import pytest
import shapely
from shapely import LineString, Point, Polygon, box

from arealstrategi.errors import InputError
from arealstrategi.sources.plan import (
    act_of,
    code_table,
    is_known_purpose,
    open_plan,
    purpose_group,
    purpose_name,
    read_plan,
    status_use,
    zone_kind,
    zone_name,
)
from arealstrategi.sources.plan.fields import fold, type_of, type_of_layer
from arealstrategi.sources.plan.rows import _dates

CRS = pyproj.CRS.from_epsg(25832)
E0, N0 = 560_000.0, 6_570_000.0

# The codes of the reference on Norwegian planning data, with a word of each name.
MUNICIPAL = {
    "1001": "Bebyggelse og anlegg", "1110": "Bolig", "1120": "Fritids", "1130": "Sentrum",
    "1140": "Kjøpesenter", "1150": "Forretning", "1160": "tjenesteyting", "1170": "turist",
    "1200": "Råstoff", "1300": "Næring", "1400": "Idrett", "1500": "Andre typer",
    "1600": "Uteopphold", "1700": "Grav", "1800": "Kombinert", "2001": "Samferdsel",
    "2010": "Veg", "2020": "Bane", "2050": "sykkel", "2060": "Kollektivnett",
    "2070": "Kollektivknutepunkt", "2080": "Parkering", "3001": "Grønnstruktur",
    "3002": "Blå", "3020": "Naturområde", "3030": "Turdrag", "3040": "Friområde",
    "3050": "Park", "4001": "Forsvaret", "5100": "LNFR", "5200": "spredt", "5210": "bolig",
    "5220": "fritid", "5230": "næring", "6001": "sjø og vassdrag",
}  # fmt: skip
ZONING = {
    "1111": "frittliggende", "1112": "konsentrert", "1113": "blokk", "1114": "Student",
    "1119": "Garasje", "1161": "Barnehage", "1162": "Undervisning", "1163": "Institusjon",
    "1164": "Kirke", "1165": "Forsamling", "1166": "Administrasjon", "1167": "Kultur",
    "1168": "Helse", "1169": "Annen", "1801": "Bolig/forretning", "1802": "kontor",
    "1803": "tjenesteyting", "1804": "Bolig/kontor", "2011": "Kjøreveg", "2012": "Fortau",
    "2013": "Torg", "2014": "Gatetun", "2015": "sykkelveg", "2016": "gågate",
}  # fmt: skip
ZONES = {
    "110": "drikkevann", "120": "grunnvannsforsyning", "130": "Byggeforbud", "140": "Frisikt",
    "190": "Andre", "210": "Rød", "220": "Gul", "230": "Grønn", "290": "Andre",
    "310": "skred", "320": "Flom", "330": "Radon", "350": "eksplosjon", "360": "Skytebane",
    "370": "Høyspenning", "380": "Militær", "390": "Annen", "410": "infrastruktur", "430": "",
    "440": "", "450": "", "510": "landbruk", "520": "reindrift", "530": "friluftsliv",
    "540": "grønnstruktur", "550": "landskap", "560": "naturmiljø", "570": "kulturmiljø",
    "580": "Randområde", "590": "Mineral", "710": "regulering", "720": "naturvern",
    "730": "kulturminner", "735": "marka", "740": "andre", "750": "veg", "810": "planlegging",
    "820": "Omforming", "830": "Fornyelse", "910": "fortsatt gjelde",
}  # fmt: skip
HOUSING = {"1001", "1110", "1111", "1112", "1113", "1130", *(str(n) for n in range(1800, 1805))}
MUST_CLARIFY = {"1150", "1160", "1300", "1140", "1500", *(str(n) for n in range(1161, 1170))}


@pytest.mark.parametrize(("code", "word"), [*MUNICIPAL.items(), *ZONING.items()])
def test_every_purpose_of_the_reference_is_known_by_its_name(code, word):
    for level in ("kp", "rp"):
        assert is_known_purpose(level, code)
        assert word.lower() in purpose_name(level, code).lower()
        assert purpose_name(level, code, "en")


@pytest.mark.parametrize(("code", "word"), ZONES.items())
def test_every_zone_of_the_reference_is_known_by_its_name(code, word):
    assert word.lower() in zone_name(f"H{code}").lower()
    assert "unknown" not in zone_name(f"H{code}", "en")
    assert zone_kind(f"H{code}")


def test_purposes_fall_into_the_groups_of_the_reference():
    for code in code_table("purpose_2008"):
        group = purpose_group("kp", code)
        if code in HOUSING:
            assert group == "housing"
        elif code in MUST_CLARIFY:
            assert group == "must_clarify"
        elif code[0] in "23456" or code in {"1120", "1200", "1400", "1600", "1700"}:
            assert group == "not_housing"
    assert all(purpose_group("rp", code) == "housing" for code in ("110", "111", "112", "113"))


def test_codes_that_public_programs_mix_up_mean_what_the_standard_says():
    assert purpose_name("kp", "1120") == "Fritidsbebyggelse"  # no houses
    assert purpose_name("kp", "1600") == "Uteoppholdsareal"  # no graves
    assert purpose_name("kp", "1700") == "Grav- og urnelund"
    assert zone_name("H380") == "Militær virksomhet"
    assert zone_name("H390") == "Annen fare"
    assert zone_name("H120") == "Område for grunnvannsforsyning"
    assert zone_name("H190") == "Andre sikringssoner"
    assert zone_name("H220").startswith("Gul")


def test_a_code_of_1985_depends_on_the_plan_it_stands_in():
    assert (purpose_name("kp", "120"), purpose_name("rp", "120")) == ("Senterområde", "Forretning")
    assert (purpose_group("kp", "120"), purpose_group("rp", "120")) == ("housing", "must_clarify")
    assert (act_of("120"), act_of("1120")) == (1985, 2008)


@pytest.mark.parametrize(
    ("code", "name", "group"),
    [
        ("1234", "unknown code 1234 (Buildings and installations)", "must_clarify"),
        ("2345", "unknown code 2345 (Transport and technical infrastructure)", "not_housing"),
        ("5999", "unknown code 5999 (Farming, nature, outdoor life)", "not_housing"),
        ("9999", "unknown code 9999", "must_clarify"),
        ("12345", "unknown code 12345", "must_clarify"),
    ],
)
def test_an_unknown_code_says_so_and_is_judged_by_its_family(code, name, group):
    assert purpose_name("rp", code, "en") == name
    assert purpose_group("rp", code) == group
    assert zone_name("H999") == "ukjent kode H999"


def test_each_status_of_a_plan_has_its_use():
    uses = {str(status): status_use(str(status)) for status in range(1, 9)}
    assert {s for s, use in uses.items() if use == "in_force"} == {"3", "6", "7"}
    assert {s for s, use in uses.items() if use == "in_progress"} == {"1", "2"}
    assert {s for s, use in uses.items() if use == "dropped"} == {"4", "5", "8"}


def test_every_row_of_the_table_of_codes_is_whole():
    groups = set(code_table("groups"))
    for table in ("purpose_2008", "purpose_kp_1985", "purpose_rp_1985", "family_2008"):
        for nb, en, group in code_table(table).values():
            assert nb
            assert en
            assert group in groups
    assert set(code_table("plantype")) == {"20", "21", "22", "30", "31", "32", "33", "34", "35"}
    assert set(code_table("arealbruksstatus")) == {"1", "2", "3"}
    assert set(code_table("vertikalniva")) == {"1", "2", "3", "4", "5"}


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("arealformål", "arealformal"),
        ("AREALFORMÅL", "arealformal"),
        ("KPSTØY", "kpstoy"),
        ("arealplanId.planidentifikasjon", "planidentifikasjon"),
        ("nasjonalArealplanId|NasjonalArealplanId|planidentifikasjon", "planidentifikasjon"),
    ],
)
def test_names_of_all_styles_fold_to_one(name, folded):
    assert fold(name) == folded


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("RpArealformålOmråde", "rparealformal"),
        ("app:RpFareSone", "rpfare"),
        ("KpOmråde", "kpomrade"),
        ("RbFormålOmråde", "rbformal"),
        ("KPBÅNDLEGGINGSONE", "kpbandlegging"),
        ("RpFormålGrense", None),
        ("RpFareGrense", None),
        ("RpBestemmelseOmråde", None),
        ("", None),
    ],
)
def test_object_types_are_known_and_borders_are_not_areas(text, known):
    assert type_of(text) == known


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("kparealformalomrade_omrade_mv", "kparealformal"),
        ("Rp_Område", "rpomrade"),
        ("arealplan_rpstoysone", "rpstoy"),
        ("plan", None),
    ],
)
def test_the_name_of_a_layer_tells_what_it_holds(name, known):
    assert type_of_layer(name) == known


def square(i, j=0, size=100.0):
    return box(E0 + i * size, N0 + j * size, E0 + (i + 1) * size, N0 + (j + 1) * size)


def saved(tmp_path, layer, rows, name="plan.gpkg", **options):
    """Write rows of ``(geometry, {column: value})`` as one layer."""
    shapes = [shape for shape, _ in rows]
    table = gpd.GeoDataFrame([dict(values) for _, values in rows], geometry=shapes, crs=CRS)
    table.to_file(tmp_path / name, layer=layer, **options)
    return tmp_path / name


def read(path, **options):
    return read_plan(open_plan(path, key="[plan]"), crs=CRS, **options)


RP = {"arealplanId.kommunenummer": "301", "arealplanId.planidentifikasjon": "S-12"}
STYLES = {
    "SOSI GML in a GeoPackage": (
        "RpArealformålOmråde",
        {"arealformål": "1113", "feltbetegnelse": "B1", "vertikalnivå": "2", **RP},
    ),
    "PostGIS dump": (
        "rparealformalomrade_omrade",
        {"arealformal": 1113, "feltbetegnelse": "B1", "kommunenummer": 301, "planid": "S-12"},
    ),
    "FileGDB": (
        "RPAREALFORMÅL",
        {"RPAREALFORMÅL": 1113.0, "FELTNAVN": "B1", "KOMM": "0301", "PLANID": "S-12"},
    ),
    "nested GML": (
        "RpArealformålOmråde",
        {
            "arealformål": "1113",
            "feltnavn": "B1",
            "nasjonalArealplanId|NasjonalArealplanId|kommunenummer": "0301",
            "nasjonalArealplanId|NasjonalArealplanId|planidentifikasjon": "S-12",
        },
    ),
    "a column with the object type": (
        "alt",
        {"OBJTYPE": "RpArealformålOmråde", "AREALFORMÅL": 1113, "FELTNAVN": "B1",
         "PLANID": "0301_S-12", "KOMMUNENR": "0301"},
    ),
    "code and words in one": (
        "alt",
        {"RPAREALFORMAL": "1113 Blokk", "FELTNAVN": "B1", "KOMM": "0301", "PLANID": "S-12"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_every_naming_style_reads_the_same(tmp_path, style):
    layer, values = STYLES[style]
    table, _ = read(saved(tmp_path, layer, [(square(0), values)]))
    row = table.iloc[0]
    assert [row["kind"], row["level"], row["act"], row["code"], row["plan_id"], row["name"]] == [
        "purpose", "rp", 2008, "1113", "0301_S-12", "B1"
    ]  # fmt: skip


@pytest.mark.parametrize(("driver", "name"), [("OpenFileGDB", "p.gdb"), ("GML", "p.gml")])
def test_a_file_geodatabase_and_a_gml_read(tmp_path, driver, name):
    values = {"AREALFORMÅL": "1110", "AREALBRUKSSTATUS": "2"}
    path = saved(tmp_path, "KpArealformålOmråde", [(square(0), values)], name, driver=driver)
    table, _ = read(path)
    assert table[["level", "code", "future"]].values.tolist() == [["kp", "1110", "2"]]


@pytest.mark.parametrize(
    ("columns", "level", "code"),
    [
        ({"KPAREALFORMÅL": 1110, "AREALBRUKSSTATUS": 2}, "kp", "1110"),  # cut by the driver itself
        ({"KPAREALFOR": 1110, "AREALST": 2}, "kp", "1110"),
        ({"arealforma": 1130, "arealbruks": 2}, "kp", "1130"),
        ({"regulering": 111, "AREALST": 2}, "rp", "111"),
    ],
)
def test_a_shapefile_with_cut_names_reads(tmp_path, columns, level, code):
    path = tmp_path / "flater.shp"
    with warnings.catch_warnings(action="ignore"):  # the driver tells of the names it cuts
        saved(tmp_path, None, [(square(0), columns)], path.name)
    table, _ = read(path)
    assert table[["level", "code", "future"]].values.tolist() == [[level, code, "2"]]


def test_zones_of_each_kind_read_from_their_own_column(tmp_path):
    kinds = {
        "FareSone": ("fare", 310), "StøySone": ("støy", 210), "SikringSone": ("sikring", 120),
        "AngittHensynSone": ("angittHensyn", 570), "BåndleggingSone": ("båndlegging", 730),
        "InfrastrukturSone": ("infrastruktur", 410),
        "GjennomføringSone": ("gjennomføring", 810), "DetaljeringSone": ("detaljering", 910),
    }  # fmt: skip
    for level in ("Kp", "Rp"):
        for kind, (column, code) in kinds.items():
            path = saved(tmp_path, level + kind, [(square(0), {column: code})], mode="a")
    table, report = read(path)
    assert report.facts["zones (hensynssoner)"] == len(table) == 16
    for level in ("kp", "rp"):
        found = set(table.loc[table["level"] == level, "code"])
        assert found == {f"H{code}" for _, code in kinds.values()}


def test_a_zone_without_a_code_takes_it_from_its_name(tmp_path):
    rows = [(square(0), {"HENSYNSONENAVN": "H570_1"}), (square(1), {"HENSYNSONENAVN": "sone"})]
    table, report = read(saved(tmp_path, "KPANGITTHENSYN", rows))
    assert table["code"].tolist() == ["H570"]
    assert report.facts["areas without a code, not used"] == 1
    assert any("1 areas have no code" in text for text in report.warnings)


def test_plan_layers_are_found_among_others_and_the_others_are_told(tmp_path):
    path = saved(tmp_path, "KpArealformålOmråde", [(square(0), {"arealformål": "1110"})])
    saved(tmp_path, "KpOmråde", [(square(0), {"planstatus": 3})], mode="a")
    saved(tmp_path, "hoydekurver", [(LineString([(E0, N0), (E0, N0 + 9)]), {"h": 3})], mode="a")
    table, report = read(path)
    assert sorted(table["kind"]) == ["plan", "purpose"]
    assert report.facts["layers not used"] == "hoydekurver"
    assert report.facts["layers"] == 2


def plan_file(tmp_path, plans, purposes, level="Rp"):
    path = saved(tmp_path, f"{level}Område", plans)
    return saved(tmp_path, f"{level}ArealformålOmråde", purposes, mode="a") and path


def test_purposes_take_what_the_plan_with_their_id_says(tmp_path):
    plans = [
        (square(9), {"planid": "7", "plantype": 35, "planstatus": 3, "ikraft": "20190501"}),
        (square(0), {"planid": "8", "plantype": 34, "planstatus": 2, "ikraft": None}),
    ]
    purposes = [
        (square(0), {"planid": "7", "arealformål": "1113"}),  # though it lies in the other plan
        (square(0), {"planid": "8", "arealformål": "3040"}),
        (square(0), {"planid": "9", "arealformål": "2010"}),
    ]
    table, report = read(plan_file(tmp_path, plans, purposes))
    found = table[table["kind"] == "purpose"].set_index("code")
    assert found.loc["1113", ["plantype", "planstatus", "date", "use"]].tolist() == [
        "35", "3", "2019-05-01", "in_force"
    ]  # fmt: skip
    assert found.loc["3040", "use"] == "in_progress"
    assert found.loc["2010", ["plantype"]].isna().all()
    assert any("1 areas name a plan that has no plan area" in text for text in report.warnings)
    assert report.facts["in progress, not counted as zoned"] == 2  # the plan and its purpose


def test_purposes_without_an_id_take_what_the_plan_that_holds_most_of_them_says(tmp_path):
    plans = [
        (square(0), {"planid": "7", "plantype": 35, "planstatus": 3}),
        (square(1), {"planid": "8", "plantype": 34, "planstatus": 3}),
    ]
    shift = [shapely.affinity.translate(square(0), dx) for dx in (30, 70, 300)]
    purposes = [
        (shape, {"arealformål": "1113", "feltnavn": f"B{i}"}) for i, shape in enumerate(shift)
    ]
    table, _ = read(plan_file(tmp_path, plans, purposes))
    found = table[table["kind"] == "purpose"].set_index("name")
    assert found.loc["B0", ["plan_id", "plantype"]].tolist() == ["7", "35"]
    assert found.loc["B1", ["plan_id", "plantype"]].tolist() == ["8", "34"]
    assert found.loc["B2", ["plan_id", "plantype"]].isna().all()


def test_what_belongs_to_repealed_plans_is_left_out_and_counted(tmp_path):
    plans = [
        (square(i), {"planid": str(i), "planstatus": status})
        for i, status in enumerate([1, 2, 3, 4, 5, 6, 7, 8])
    ]
    purposes = [(square(i), {"planid": str(i), "arealformål": "1113"}) for i in range(8)]
    table, report = read(plan_file(tmp_path, plans, purposes))
    uses = table[table["kind"] == "purpose"].set_index("plan_id")["use"].to_dict()
    assert uses == {
        "0": "in_progress", "1": "in_progress", "2": "in_force", "5": "in_force", "6": "in_force"
    }  # fmt: skip
    assert report.facts["of plans no longer in force, left out"] == 6
    assert any("status 6" in text for text in report.warnings)
    assert any("status 7" in text for text in report.warnings)


def test_only_what_lies_on_the_ground_is_kept(tmp_path):
    rows = [
        (square(i), {"arealformål": "1110", "vertikalnivå": level})
        for i, level in enumerate(["1", "2", "3", "4", "5", None])
    ]
    table, report = read(saved(tmp_path, "KpArealformålOmråde", rows))
    assert len(table) == 2
    assert report.facts["not on the ground (vertikalnivå), left out"] == 4


def test_codes_of_1985_keep_the_level_of_their_object_type(tmp_path):
    path = saved(tmp_path, "KpArealbrukOmråde", [(square(0), {"arealbruk": 120})])
    saved(tmp_path, "RbFormålOmråde", [(square(1), {"reguleringsformål": 120})], mode="a")
    table, report = read(path)
    named = {
        level: purpose_name(level, code)
        for level, code in zip(table["level"], table["code"], strict=True)
    }
    assert named == {"kp": "Senterområde", "rp": "Forretning"}
    assert table["act"].tolist() == [1985, 1985]
    assert not any("plantype" in text for text in report.warnings)


def test_a_plan_layer_without_a_name_is_known_by_its_plantype(tmp_path):
    rows = [(square(0), {"plantype": 21}), (square(1), {"plantype": 35})]
    table, _ = read(saved(tmp_path, "omriss", rows))
    assert table[["kind", "level"]].values.tolist() == [["plan", "kp"], ["plan", "rp"]]


def test_objects_inside_geojson_give_the_plan_id(tmp_path):
    inside = {"NasjonalArealplanId": {"kommunenummer": "3907", "planidentifikasjon": "2019-4"}}
    feature = {
        "type": "Feature",
        "geometry": shapely.geometry.mapping(square(0)),
        "properties": {
            "name": "RpArealformålOmråde", "arealformål": "1113", "nasjonalArealplanId": inside
        },
    }  # fmt: skip
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
    path = tmp_path / "plan.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]}))
    table, _ = read(path)
    assert table["plan_id"].tolist() == ["3907_2019-4"]


def test_dates_read_in_the_forms_they_come_in():
    import pandas as pd

    text = ["2019-05-01T00:00:00", "20190501", "01.05.2019", "2019/05", "20191399", None]
    assert _dates(pd.Series(text, dtype="str")).fillna("").tolist() == ["2019-05-01"] * 3 + [""] * 3


def test_invalid_areas_are_repaired_and_hopeless_ones_counted(tmp_path):
    bow = Polygon([(E0, N0), (E0 + 10, N0 + 10), (E0 + 10, N0), (E0, N0 + 10)])
    flat = Polygon([(E0, N0), (E0 + 10, N0), (E0 + 20, N0), (E0, N0)])
    rows = [(shape, {"arealformål": "1110"}) for shape in (bow, flat, square(0))]
    table, report = read(saved(tmp_path, "KpArealformålOmråde", rows))
    assert report.facts["repaired"] == 1
    assert report.facts["not repairable, not used"] == 1
    assert table.geometry.is_valid.all()
    assert sorted(table.area.round(6)) == [50.0, 10_000.0]


def test_coordinates_that_are_nowhere_on_earth_cost_only_their_area(tmp_path):
    far = Polygon([(E0, N0), (1e300, N0), (E0, 1e300)])
    rows = [(shape, {"arealformål": "1110"}) for shape in (far, square(0))]
    table, report = read(saved(tmp_path, "KpArealformålOmråde", rows))
    assert table.area.tolist() == [10_000.0]
    assert report.facts["not repairable, not used"] == 1
    assert report.listed["not repairable, not used"] == ["KpArealformålOmråde: 1"]


def test_areas_outside_the_study_area_are_left_out_and_counted(tmp_path):
    rows = [(square(i), {"arealformål": "1110"}) for i in range(3)]
    path = saved(tmp_path, "KpArealformålOmråde", rows)
    table, report = read(path, boundary=square(0).buffer(-10))
    assert len(table) == 1
    assert report.facts["outside the study area, left out"] == 2
    _, report = read(path, boundary=square(50))
    assert "no plan area meets the study area" in report.warnings


def test_another_crs_ends_in_the_analysis_crs(tmp_path):
    table = gpd.GeoDataFrame({"arealformål": ["1110"]}, geometry=[square(0)], crs=CRS)
    table.to_crs(4258).to_file(tmp_path / "p.gpkg", layer="KpArealformålOmråde")
    found, report = read(tmp_path / "p.gpkg")
    assert found.crs == CRS
    assert found.area.iloc[0] == pytest.approx(10_000, abs=0.01)
    assert report.facts["CRS"] == "EPSG:4258 (from the file)"


def test_unknown_codes_are_told_once_each(tmp_path):
    rows = [(square(i), {"arealformål": code}) for i, code in enumerate(["1234", "1234", "1110"])]
    _, report = read(saved(tmp_path, "KpArealformålOmråde", rows))
    assert [text for text in report.warnings if "1234" in text] == ["unknown code 1234 (kp)"]


def test_a_layer_that_could_be_any_plan_is_refused_with_what_to_do(tmp_path):
    path = saved(tmp_path, "flater", [(square(0), {"arealformål": "1110"})])
    with pytest.raises(InputError, match="nothing says what kind of plan areas") as caught:
        read(path)
    assert "RpArealformålOmråde" in caught.value.hint


def test_layers_without_any_plan_area_are_refused_with_what_was_found(tmp_path):
    rows = [
        (Point(E0, N0), {"objtype": "RpFareSone"}),
        (square(0), {"objtype": "RpBestemmelseOmråde"}),
    ]
    path = saved(tmp_path, "alt", rows)
    with pytest.raises(InputError, match="found: RpBestemmelseOmråde, RpFareSone"):
        read(path)


@pytest.mark.parametrize("content", [None, b"", b"{", b"\x00" * 200])
def test_a_file_that_is_absent_or_damaged_gives_one_clear_error(tmp_path, content):
    path = tmp_path / "plan.gpkg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"plan\.gpkg"):
        read(path)


def test_a_real_zoning_plan_in_one_mixed_layer_reads_whole(shared_data):
    table, report = read(shared_data / "plan" / "stemtjonn_plan.geojson")
    assert report.facts["features read"] == 99
    assert report.facts["lines, points and empty shapes, not used"] == 79
    assert report.facts["purposes"] == 10
    assert report.facts["zones (hensynssoner)"] == 9
    assert report.facts["plan areas"] == 1
    assert set(table["level"]) == {"rp"}
    assert table["code"].value_counts().to_dict() == {
        "H560": 6, "1470": 4, "H360": 3, "5100": 2, "6001": 2, "2010": 1, "5130": 1
    }  # fmt: skip
    purposes = table[table["kind"] == "purpose"]
    names = {code: purpose_name("rp", code) for code in purposes["code"]}
    assert not [name for name in names.values() if "ukjent" in name]
    assert names["1470"] == "Skytebane"  # the plan is of a shooting range
    plan_area = table.loc[table["kind"] == "plan"].area.sum()
    assert plan_area == pytest.approx(395_050.07, abs=0.01)
    assert purposes.area.sum() == pytest.approx(plan_area, rel=1e-9)  # purposes tile the plan
    assert any("do not say the status" in text for text in report.warnings)
