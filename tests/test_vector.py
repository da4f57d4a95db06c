"""Opening a layer: one clear error for each way in which a file can be unusable."""

import shutil
import sqlite3
import warnings
from contextlib import closing

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from shapely import Point, Polygon, box

from arealstrategi.errors import InputError
from arealstrategi.sources.vector import open_layer, read_layer

E0, N0 = 560_000.0, 6_570_000.0
SQUARES = gpd.GeoDataFrame(
    {"navn": ["Vollen", "Grønåsen"], "aar": [20, 200]},
    geometry=[box(E0, N0, E0 + 50, N0 + 50), box(E0 + 100, N0, E0 + 180, N0 + 50)],
    crs=25832,
)


def saved(tmp_path, table=SQUARES, name="in.gpkg", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # no CRS, cut names
        table.to_file(tmp_path / name, **options)
    return tmp_path / name


def opened(path, layer=None, crs=None):
    return open_layer(path, layer, key="[parcels]", crs=crs)


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        read_layer(opened(path, **options))
    assert str(path) in caught.value.message
    assert caught.value.hint
    return str(caught.value)


def without_crs(table):
    return table.set_crs(None, allow_override=True)


def labelled(table, epsg):
    return table.set_crs(epsg, allow_override=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.gpkg", b"hello"),
        ("empty.gpkg", b""),
        ("cut.geojson", b'{"type":"FeatureCollection","features":[{"type":'),
        ("page.gml", b"<html><body>404</body></html>"),
        ("half.gpkg", None),
        ("alone.shp", None),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_one_error_that_names_it(tmp_path, name, content):
    if name == "half.gpkg":
        raw = saved(tmp_path).read_bytes()
        content = raw[: len(raw) // 3]
    elif name == "alone.shp":
        content = saved(tmp_path, name="all.shp").read_bytes()
    path = tmp_path / name
    path.write_bytes(content)
    assert "cannot be read" in refusal(path)


def test_a_missing_file_says_under_which_key_it_was_asked_for(tmp_path):
    assert "Check `source` under [parcels]" in refusal(tmp_path / "gone.gpkg")


def test_several_layers_are_listed_and_an_unknown_one_too(tmp_path):
    path = saved(tmp_path, layer="teig")
    saved(tmp_path, layer="grenser")
    said = refusal(path)
    assert "holds 2 layers" in said
    assert "'teig'" in said
    assert "'grenser'" in said
    assert "there is no layer 'teiger'" in refusal(path, layer="teiger")
    assert len(read_layer(opened(path, "teig"))) == 2


def test_a_table_without_geometry_beside_the_only_layer_does_not_make_it_ambiguous(tmp_path):
    path = saved(tmp_path, layer="teig")
    pyogrio.write_dataframe(SQUARES.drop(columns="geometry"), path, layer="eiere")
    assert opened(path).name == "teig"


def test_a_file_of_tables_alone_holds_no_layer(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("gnr;bnr\n1;2\n")
    assert "holds no layer with geometry" in refusal(path)


def test_an_empty_layer_is_refused_but_a_condition_that_nothing_meets_is_an_answer(tmp_path):
    assert "is empty" in refusal(saved(tmp_path, SQUARES.iloc[:0]))
    layer = opened(saved(tmp_path))
    assert len(read_layer(layer, where="aar = 1000")) == 0
    assert read_layer(layer, ["navn"], where="aar = 200")["navn"].tolist() == ["Grønåsen"]


def test_an_unknown_column_and_a_wrong_condition_list_the_columns_there_are(tmp_path):
    layer = opened(saved(tmp_path))
    with pytest.raises(InputError, match="no column 'gnr'") as caught:
        read_layer(layer, ["gnr"])
    assert "navn, aar" in caught.value.hint
    with pytest.raises(InputError, match="'gjentaksintervall = 200' cannot be used") as caught:
        read_layer(layer, where="gjentaksintervall = 200")
    assert "navn, aar" in caught.value.hint


@pytest.mark.parametrize("name", ["in.gpkg", "in.shp", "in.fgb"])
def test_a_file_without_crs_asks_for_one_and_takes_the_one_of_the_strategy(tmp_path, name):
    path = saved(tmp_path, without_crs(SQUARES), name)
    said = refusal(path)
    assert "does not say in which CRS" in said
    assert "under [parcels]" in said
    layer = opened(path, crs="EPSG:25832")
    assert (layer.crs_name, layer.crs_from) == ("EPSG:25832", "the strategy file")
    assert read_layer(layer).crs.to_epsg() == 25832


@pytest.mark.parametrize("number", [-1, 0])
def test_the_undefined_crs_of_a_geopackage_counts_as_none(tmp_path, number):
    path = saved(tmp_path)
    with closing(sqlite3.connect(path)) as base:
        base.execute("DROP TRIGGER IF EXISTS gpkg_contents_srs_id")
        base.execute("UPDATE gpkg_geometry_columns SET srs_id = ?", (number,))
        base.execute("UPDATE gpkg_contents SET srs_id = ?", (number,))
        base.commit()
    assert "does not say in which CRS" in refusal(path)
    assert opened(path, crs="EPSG:25832").crs.to_epsg() == 25832


def test_the_crs_of_the_file_holds_against_that_of_the_strategy(tmp_path):
    layer = opened(saved(tmp_path), crs="EPSG:25833")
    assert (layer.crs_name, layer.crs_from) == ("EPSG:25832", "the file")


@pytest.mark.parametrize("epsg", [4326, 4258])
def test_metres_that_are_labelled_as_degrees_are_refused_with_both(tmp_path, epsg):
    said = refusal(saved(tmp_path, labelled(SQUARES, epsg)))
    assert f"EPSG:{epsg} (degrees)" in said
    assert "560000" in said
    assert "They look like metres" in said


@pytest.mark.parametrize(("epsg", "told"), [(25832, 25832), (5972, 25832), (3857, 3857)])
def test_degrees_that_are_labelled_as_metres_are_refused_with_both(tmp_path, epsg, told):
    said = refusal(saved(tmp_path, labelled(SQUARES.to_crs(4326), epsg)))
    assert f"EPSG:{told} (metres)" in said
    assert "10.05" in said
    assert "EPSG:4326" in said


def test_a_latitude_in_the_place_of_a_longitude_beyond_ninety_is_noticed(tmp_path):
    wrong = gpd.GeoDataFrame(geometry=[Point(-30.0, 151.2)], crs=4326)  # Sydney, swapped
    assert "changed places" in refusal(saved(tmp_path, wrong))


@pytest.mark.shared
def test_a_crs_without_a_code_is_known_by_comparison(shared_data):
    layer = opened(shared_data / "ssb" / "befolkning_250m_2023_oslo.gpkg")
    assert layer.crs_name == "EPSG:25833"
    assert layer.crs_from == "the file, without a code; by comparison"
    assert len(read_layer(layer)) == 2380


@pytest.mark.shared
def test_norwegian_gml_offers_its_layers_and_reads_the_one_asked_for(shared_data, tmp_path):
    path = tmp_path / "rutenett.gml"  # a copy: GDAL writes beside what it reads
    shutil.copyfile(shared_data / "ssb" / "BefolkningOslo1km2019.gml", path)
    said = refusal(path)
    assert "holds 2 layers" in said
    layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    assert all(f"'{name}'" in said for name in layers)
    fields = {name: opened(path, name).fields for name in layers}
    (cells,) = (name for name, held in fields.items() if "popTot" in held)
    table = read_layer(opened(path, cells), ["popTot"])
    assert table["popTot"].sum() == 678_692
    assert table.crs.to_epsg() == 25833


def test_the_advice_names_only_keys_that_the_strategy_file_has(tmp_path):
    path = tmp_path / "two.gpkg"
    for name in ("a", "b"):
        gpd.GeoDataFrame(geometry=gpd.points_from_xy([0], [0]), crs=25832).to_file(path, layer=name)
    with pytest.raises(InputError) as section:
        open_layer(path, None, key="[parcels]")
    assert section.value.hint == "Set `layer` under [parcels] to one of: 'a', 'b'."
    with pytest.raises(InputError) as one_key:
        open_layer(path, None, key="`boundary` under [area]")
    assert "file of its own" in one_key.value.hint
    with pytest.raises(InputError) as missing:
        open_layer(tmp_path / "no.gpkg", None, key="`boundary` under [area]")
    assert missing.value.hint == "Check `boundary` under [area]."


@pytest.mark.parametrize("name", ["in.gpkg", "in.gml", "in.shp"])
def test_a_crs_whose_north_comes_first_gives_the_same_places(tmp_path, name):
    layer = opened(saved(tmp_path, SQUARES.to_crs(3045), name))
    table = read_layer(layer).to_crs(25832)
    assert layer.crs.to_epsg() in {3045, 25833}  # a Shapefile does not tell them apart
    assert table.geometry.symmetric_difference(SQUARES.geometry, align=False).area.max() < 0.1


def test_heights_in_the_crs_and_the_coordinates_do_not_matter(tmp_path):
    high = SQUARES.set_geometry(shapely.force_3d(SQUARES.geometry.to_numpy(), z=12.0))
    layer = opened(saved(tmp_path, labelled(high, 5972)))
    assert layer.crs_name == "EPSG:25832"
    assert read_layer(layer).to_crs(25833).area.tolist() == pytest.approx(
        SQUARES.to_crs(25833).area.tolist()
    )


def test_only_what_meets_the_bounds_is_read_and_nothing_is_an_answer(tmp_path):
    layer = opened(saved(tmp_path))
    found = read_layer(layer, ["navn"], bbox=(E0 + 99, N0, E0 + 101, N0 + 1))
    assert found["navn"].tolist() == ["Grønåsen"]
    assert len(read_layer(layer, bbox=(0.0, 0.0, 1.0, 1.0))) == 0


def test_of_several_layers_the_only_one_with_a_preferred_name_is_taken(tmp_path):
    path = saved(tmp_path, layer="Teig")
    saved(tmp_path, layer="grenser")
    assert open_layer(path, None, key="[parcels]", prefer=("teig",)).name == "Teig"
    with pytest.raises(InputError, match="holds 2 layers"):
        open_layer(path, None, key="[parcels]", prefer=("teig", "grenser"))
    assert open_layer(path, "grenser", key="[parcels]", prefer=("teig",)).name == "grenser"


def test_a_polygon_of_a_million_corners_is_read_whole(tmp_path):
    turn = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    shape = Polygon(np.c_[E0 + 900 * np.cos(turn), N0 + 900 * np.sin(turn)])
    table = gpd.GeoDataFrame({"navn": ["a"]}, geometry=[shape], crs=25832)
    read = read_layer(opened(saved(tmp_path, table)))
    assert shapely.get_num_coordinates(read.geometry.iloc[0]) == 1_000_001
