"""The styles as a real QGIS takes them: legends, colours in the picture, names of columns."""

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, box

from arealstrategi.export import labels
from arealstrategi.export.geopackage import write_geopackage
from arealstrategi.export.labels import CLASS_COLOURS, GROUP_COLOURS, STATUS_COLOURS
from arealstrategi.export.qgis import aliases, qml
from arealstrategi.result.layers import all_layers, all_tables, project_of, told_of
from conftest import absent
from hostile import TEXTS

CRS = "EPSG:25832"
PYTHON = "/usr/bin/python3"
READER = Path(__file__).with_name("qgis_reader.py")
NB = labels.words("nb")
CRITERIA = pd.DataFrame(
    {"label": ["Butikk", "Lege <b>&", "Egen"], "group": ["daily", "health", "min egen"]},
    index=pd.Index(["shop", "doctor", 'o\'wn "x"'], name="key"),
)


def squares(count, **columns):
    """Squares of 100 m in a row from the origin, with columns."""
    shapes = [box(100 * at, 0, 100 * at + 100, 100) for at in range(count)]
    index = pd.Index([f"p{at}" for at in range(count)], name="parcel_id")
    return gpd.GeoDataFrame(columns, geometry=shapes, index=index, crs=CRS)


def small_layers():
    """One row for each thing that a legend tells apart."""
    nothing = [None, None]
    parcels = squares(
        6,
        label=list("abcdef"),
        status=["assessed"] * 4 + ["excluded", "missing_data"],
        reasons=["", "", "not_mapped: Flom <1>", "", "Flom <1>;not_connected", "not_connected"],
        score=[90.0, 60.0, 30.0, 10.0, np.nan, np.nan],
        **{"class": pd.array([*CLASS_COLOURS, *nothing], dtype="str")},
        municipal=["yes", "partly", "no", "unknown", "no", "no"],
        shop_walk_min=[1.0, 5.0, 12.25, 19.0, 30.0, np.nan],
    )
    places = {"category": [*CRITERIA.index, "shop"], "name": ["A", None, "C'", "D"]}
    services = gpd.GeoDataFrame(
        {**places, "reason": ["", "", "", "not_connected"]},
        geometry=[Point(50 + 100 * at, 50) for at in range(4)], crs=CRS,
    )  # fmt: skip
    names = ["Flom 'a' <1> & \"b\"", "Vern", "Støy", "Vern"]
    zones = squares(4, name=names, effect=["exclude", "condition", "deduct", "condition"])
    change = squares(5, label=list("abcde"), score_change=[-12.0, -1.0, 0.2, 3.0, np.nan])
    people = squares(4, residents=[0.0, 7.0, 250.0, np.nan])
    routes = gpd.GeoDataFrame(
        {"parcel_id": ["p0"], "category": ["shop"], "service": ["A"], "walk_min": [3.0]},
        geometry=[LineString([(0, 50), (600, 50)])], crs=CRS,
    )  # fmt: skip
    return {
        "sites": squares(1, label=["Tomt"], score=[81.0]),
        "services": services,
        "routes": routes,
        "areas": squares(2, rank=[1, 2], score=[90.0, 80.0]).rename_axis("area_id"),
        "constraints": zones.reset_index(drop=True),
        "parcels": parcels,
        "difference_1": change,
        "population": people.rename_axis("cell_id"),
    }


def write(path, layers, tables, criteria, language="nb", title="Prøve <1> & 'to'"):
    told = told_of(layers, tables, criteria, language)
    project = project_of(told, layers, file=path.name, title=title)
    write_geopackage(path, layers, tables, told=told, about={"TITLE": title}, project=project)
    return path


def in_qgis(path, pictures=()):
    """Open a file in QGIS; draw pictures of ``(png, layers, extent, size)``."""
    tasks = [
        {"png": str(png), "layers": layers, "extent": extent, "size": size}
        for png, layers, extent, size in pictures
    ]
    ended = subprocess.run(
        [PYTHON, READER, path, json.dumps(tasks)],
        capture_output=True, text=True, check=False, timeout=120,
        env={"QT_QPA_PLATFORM": "offscreen", "HOME": str(path.parent), "PATH": os.environ["PATH"],
             "XDG_RUNTIME_DIR": str(path.parent), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    told["said"] = ended.stderr
    return told


@pytest.fixture(scope="session")
def qgis():
    """Whether QGIS is there; skips where it is not."""
    command = [PYTHON, "-c", "import qgis.core"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        absent("QGIS for Python (python3-qgis) is not installed")
    return in_qgis


ROW = ["parcels", "constraints", "difference_1", "population", "services", "areas"]


@pytest.fixture(scope="module")
def seen(qgis, tmp_path_factory):
    folder = tmp_path_factory.mktemp("qgis")
    tables = {"run": pd.DataFrame({"key": ["title"], "value": ["Prøve"]})}
    path = write(folder / "suitability.gpkg", small_layers(), tables, CRITERIA)
    pictures = [(folder / f"{name}.png", [name], [0, 0, 600, 100], [600, 100]) for name in ROW]
    return qgis(path, pictures) | {"folder": folder, "path": path}


def legend(seen, layer):
    return [
        (rule["label"], rule["colour"], rule["rows"]) for rule in seen["layers"][layer]["rules"]
    ]


def pixels(seen, layer):
    """Return (600, 100, 3) a picture in which a metre is a pixel: by easting, from the north."""
    with rasterio.open(seen["folder"] / f"{layer}.png") as picture:
        return np.moveaxis(picture.read([1, 2, 3]), 0, -1).transpose(1, 0, 2)


def colours(picture, at):
    """Return how often each colour stands in the square number `at`, without its edge."""
    inner = picture[100 * at + 8 : 100 * at + 92, 8:92].reshape(-1, 3)
    return Counter("#" + bytes(map(int, one)).hex() for one in inner)


def is_hatched(found):
    """Whether there are grey lines on a light ground."""
    lines = sum(count for colour, count in found.items() if colour < "#e0e0e0")
    return found["#f2f2f2"] > 1000 and lines > 1000


pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.mark.qgis
def test_every_layer_opens_with_its_own_style_and_qgis_has_nothing_to_complain_of(seen):
    assert seen["order"] == list(small_layers())
    for name in seen["order"]:
        layer = seen["layers"][name]
        assert (layer["renderer"], layer["crs"]) == ("RuleRenderer", CRS), name
        assert layer["errors"] == [], name
        assert layer["has_index"], name
    assert seen["errors"] == [0] * len(ROW)
    assert "Warning" not in seen["said"]
    assert "Error" not in seen["said"]


@pytest.mark.qgis
def test_the_legend_of_parcels_has_each_class_and_says_what_was_not_assessed(seen):
    assert legend(seen, "parcels") == [
        ("Svært egnet (75–100 poeng)", "#440154", 1),
        ("Egnet (50–75 poeng)", "#31688e", 1),
        ("Mindre egnet (25–50 poeng)", "#4fbf8b", 1),
        ("Uegnet (0–25 poeng)", "#f0e488", 1),
        ("Utelukket", "#f2f2f2", 1),
        ("Ikke vurdert", STATUS_COLOURS["missing_data"], 1),
    ]


@pytest.mark.qgis
def test_the_picture_shows_classes_in_their_colours_excluded_hatched_and_missing_grey(seen):
    picture = pixels(seen, "parcels")
    plain = [*CLASS_COLOURS.values(), None, STATUS_COLOURS["missing_data"]]
    for at, colour in enumerate(plain):
        found = colours(picture, at)
        if colour is None:
            assert is_hatched(found)
        else:
            assert found.most_common(1)[0][0] == colour
            assert found[colour] > 0.7 * found.total()  # but for what is written there


@pytest.mark.qgis
def test_services_have_a_heading_per_group_and_a_line_per_category_in_its_colour(seen):
    assert legend(seen, "services") == [
        ("Daglige gjøremål", None, 3),
        ("Butikk", GROUP_COLOURS["daily"], 1),
        ("Helse og omsorg", None, 3),
        ("Lege <b>&", GROUP_COLOURS["health"], 1),
        ("min egen", None, 3),
        ("Egen", GROUP_COLOURS["other"], 1),
        (NB["qgis.lone_services"], "#8a8a8a", 1),
    ]
    picture = pixels(seen, "services")
    for at, group in enumerate(("daily", "health", "other")):
        assert colours(picture, at)[GROUP_COLOURS[group]] > 20


@pytest.mark.qgis
def test_constraints_have_a_heading_per_effect_and_each_name_finds_its_own_zones(seen):
    assert [(label, rows) for label, _, rows in legend(seen, "constraints")] == [
        ("Utelukker", 1),
        ("Flom 'a' <1> & \"b\"", 1),
        ("Vilkår", 2),
        ("Vern", 2),
        ("Gir trekk", 1),
        ("Støy", 1),
    ]
    picture = pixels(seen, "constraints")
    inside = [colours(picture, at).most_common(1)[0][0] for at in range(4)]
    assert inside[1] == inside[3]
    assert len(set(inside)) == 3
    assert colours(picture, 4).most_common(1)[0][0] == "#ffffff"  # nothing is there


@pytest.mark.qgis
def test_losses_are_orange_gains_blue_and_what_cannot_be_compared_is_hatched(seen):
    rows = {label: rows for label, _, rows in legend(seen, "difference_1") if rows}
    assert rows == {
        "Over 10 poeng ned": 1,
        "0,5–2 poeng ned": 1,
        "Liten eller ingen endring": 1,
        "2–5 poeng opp": 1,
        "Ikke vurdert begge ganger": 1,
    }
    picture = pixels(seen, "difference_1")
    shown = [colours(picture, at).most_common(1)[0][0] for at in range(5)]
    red, blue = ([int(one[at : at + 2], 16) for one in shown] for at in (1, 5))
    assert red[0] > blue[0]
    assert red[1] > blue[1]
    assert red[2] == blue[2]
    assert red[3] < blue[3]
    assert is_hatched(colours(picture, 4))


@pytest.mark.qgis
def test_people_that_are_not_told_are_hatched_and_nobody_is_white(seen):
    rows = {label: rows for label, _, rows in legend(seen, "population") if rows}
    assert rows == {"Ingen bosatte": 1, "5–9": 1, "100 eller flere": 1, "Ikke oppgitt": 1}
    picture = pixels(seen, "population")
    nobody, some, many, hidden = (colours(picture, at) for at in range(4))
    assert list(nobody) == ["#ffffff"]
    assert list(some) == ["#fdd0a2"]
    assert list(many) == ["#a63603"]
    assert is_hatched(hidden)
    assert not any(map(is_hatched, (nobody, some, many)))


@pytest.mark.qgis
def test_areas_are_outlined_with_their_rank_and_what_lies_below_is_seen(seen):
    found = colours(pixels(seen, "areas"), 0)
    assert found.most_common(1)[0][0] == "#ffffff"
    assert found["#d4006a"] > 15  # the number
    assert '"rank"' in seen["layers"]["areas"]["label"]


@pytest.mark.qgis
def test_columns_have_words_for_names_and_codes_and_few_decimals(seen):
    parcels = seen["layers"]["parcels"]
    assert parcels["aliases"]["shop_walk_min"] == "Butikk: gangtid (min)"
    assert parcels["aliases"]["class"] == "Egnethet"
    first, _, third = parcels["rows"]
    assert [first[name] for name in ("status", "class", "municipal")] == [
        "vurdert", "svært egnet", "ja",
    ]  # fmt: skip
    assert third["shop_walk_min"] == "12.3"
    assert third["reasons"] == "Ikke kartlagt: Flom <1>"
    assert first["reasons"] == "–"
    assert seen["layers"]["services"]["rows"][1]["category"] == "Lege <b>&"
    assert seen["layers"]["run"]["aliases"] == {"fid": "", "key": "Hva", "value": "Verdi"}


@pytest.mark.qgis
def test_the_project_in_the_file_opens_every_layer_by_its_name_in_words(seen):
    project = seen["project"]
    assert project["read"]
    assert (project["title"], project["crs"]) == ("Prøve <1> & 'to'", CRS)
    assert [(one["name"], one["seen"]) for one in project["layers"]] == [
        ("Gitte tomter", True), ("Tjenester", True), ("Ruter", False), ("Anbefalte områder", True),
        ("Hensyn", True), ("Eiendommer", True), ("Forskjell", False),
        ("Bosatte i ruter", False), ("Kjøring", False),
    ]  # fmt: skip
    assert all(one["valid"] for one in project["layers"])
    parcels = project["layers"][5]
    assert set(parcels["styles"]) == {"Egnethet", "Poeng", "Kommunal grunn", "Gangtid: Butikk"}
    assert "Butikk: gangtid (min)" in parcels["aliases"]


@pytest.mark.qgis
def test_a_style_of_another_table_is_not_taken_which_these_tests_would_see(qgis, tmp_path):
    layers = {"parcels": small_layers()["parcels"]}
    told = told_of(layers, {}, CRITERIA, "nb")
    path = tmp_path / "wrong.gpkg"
    other = {"parcels": told["parcels"]._replace(styles={})}
    write_geopackage(path, layers, {}, told=other, about={})
    found = qgis(path)
    assert found["layers"]["parcels"]["renderer"] == "singleSymbol"
    assert found["project"] is None


@pytest.mark.qgis
def test_hostile_names_stand_as_text_in_the_legend_and_find_their_own_rows(qgis, hostile_town):
    result, folder = hostile_town
    found = qgis(folder / "suitability.gpkg")
    layers = all_layers(result)
    assert found["order"] == list(layers)
    for name, layer in found["layers"].items():
        assert layer["errors"] == [], name
    rules = found["layers"]["constraints"]["rules"]
    named = [rule for rule in rules if "AND" in rule["filter"]]
    assert sum(rule["rows"] for rule in named) == len(layers["constraints"]) >= len(TEXTS)
    assert all(rule["rows"] for rule in named)
    assert all(len(rule["label"]) <= 80 for rule in rules)
    assert any("<script>window.bad=1</script>" in rule["label"] for rule in rules)
    assert found["project"]["read"]
    assert all(one["valid"] for one in found["project"]["layers"])


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_column_of_every_layer_and_table_has_a_name_in_words(plain_town, language):
    criteria = plain_town.criteria_in(language)
    every = {**all_layers(plain_town), **all_tables(plain_town)}
    assert {"parcels", "services", "sites", "constraints", "difference_1", "barriers"} <= set(every)
    for name, table in every.items():
        told = aliases(table, criteria, language, name)
        assert [column for column, alias in told.items() if alias == column] == [], name
        assert all(alias[:1].isupper() or alias[:1].isdigit() for alias in told.values()), name


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_name_breaks_out_of_a_style(name, label):
    rule = qml.Rule(label, f"{qml.field(name)} = {qml.text(label)}", (qml.stroke("#123456", 1),))
    shown = {name: qml.Shown(label, {name: label, label: name})}
    written = qml.document("line", [rule], shown, display=qml.field(name))
    root = ET.fromstring(written)  # noqa: S314
    found = root.find(".//rules/rule")
    assert found is not None
    assert found.get("filter") == qml.readable(rule.where)
    assert len(root.findall(".//rule")) == len(root.findall(".//alias")) == 1


def test_a_long_name_is_cut_in_the_legend_but_not_in_what_it_finds():
    name = "æ" * 10_000
    rule = qml.Rule(name, f"{qml.field('name')} = {qml.text(name)}", (qml.stroke("#123456", 1),))
    root = ET.fromstring(qml.document("line", [rule], {}))  # noqa: S314
    found = root.find(".//rules/rule")
    assert found is not None
    assert len(found.get("label", "")) == 80
    assert name in found.get("filter", "")


def test_the_points_of_a_class_are_not_told_where_a_gate_decides():
    parcels = small_layers()["parcels"]
    capped = parcels.assign(**{"class": parcels["class"].replace("very_suitable", "unsuitable")})
    told = told_of({"parcels": capped}, {}, CRITERIA, "en")["parcels"].styles["Suitability"]
    rules = ET.fromstring(told).findall(".//rules/rule")  # noqa: S314
    assert [rule.get("label") for rule in rules][:2] == ["Very suitable", "Suitable"]
