"""GML as the cadastre delivers it: polygon before label point, nested names, either axis order."""

import shutil
import zipfile
from itertools import pairwise

import geopandas as gpd
import pyogrio
import pyproj
import pytest
import shapely
from shapely import box

from arealstrategi.errors import InputError
from arealstrategi.sources.parcels import clean_parcels, read_parcels
from arealstrategi.sources.vector import open_layer, read_layer

SQUARE = box(231_000, 6_570_000, 231_050, 6_570_040)
APP = "http://skjema.geonorge.no/SOSI/produktspesifikasjon/Matrikkelen-Eiendomskart-Teig/20211101"
FEATURE = """<gml:featureMember><app:Teig gml:id="teig.{n}">
<app:område><gml:Surface gml:id="s{n}" srsName="{srs}" srsDimension="2"><gml:patches>
<gml:PolygonPatch><gml:exterior><gml:LinearRing><gml:posList>{ring}</gml:posList></gml:LinearRing>
</gml:exterior></gml:PolygonPatch></gml:patches></gml:Surface></app:område>
<app:representasjonspunkt><gml:Point gml:id="p{n}" srsName="{srs}"><gml:pos>{point}</gml:pos>
</gml:Point></app:representasjonspunkt>
<app:kommunenummer>3907</app:kommunenummer>
<app:matrikkelenhet><app:Matrikkelenhet><app:gardsnummer>32</app:gardsnummer>
<app:bruksnummer>1{n}</app:bruksnummer><app:festenummer>0</app:festenummer></app:Matrikkelenhet>
</app:matrikkelenhet><app:teigareal><app:Areal>
<app:lagretBeregnetAreal>2000.0</app:lagretBeregnetAreal></app:Areal></app:teigareal>
</app:Teig></gml:featureMember>"""


def delivered(path, epsg):
    north_first = epsg in {4258, 3045}
    srs = f"urn:ogc:def:crs:EPSG::{epsg}"
    shape = gpd.GeoSeries([SQUARE], crs=25833).to_crs(epsg).iloc[0]

    def written(xy):
        return " ".join(f"{y!r} {x!r}" if north_first else f"{x!r} {y!r}" for x, y in xy.tolist())

    ring = written(shapely.get_coordinates(shape))
    point = written(shapely.get_coordinates(shape.centroid))
    features = "".join(FEATURE.format(n=n, srs=srs, ring=ring, point=point) for n in (6, 7))
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?><gml:FeatureCollection '
        f'xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:app="{APP}" gml:id="fc">'
        f"{features}</gml:FeatureCollection>",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize("epsg", [25833, 25832, 4258, 3045])
def test_the_polygon_is_taken_and_not_the_label_point_whatever_the_axis_order(tmp_path, epsg):
    path = delivered(tmp_path / "teig.gml", epsg)
    layer = open_layer(path, None, key="[parcels]")
    raw = read_parcels(layer, id_column=None)
    assert raw.table["property"].tolist() == ["3907-32/16", "3907-32/17"]
    assert raw.table["register_m2"].tolist() == [2000, 2000]
    for shape in raw.table.to_crs(25833).geometry:
        assert shapely.hausdorff_distance(shape, SQUARE) < 0.01
    assert [one.name for one in tmp_path.iterdir()] == ["teig.gml"]  # GDAL left no notes


def changed(path, old, new, times=-1):
    path.write_text(path.read_text("utf-8").replace(old, new, times), encoding="utf-8")
    return path


def opened(path, **options):
    return open_layer(path, None, key="[parcels]", **options)


def test_gdal_alone_would_take_the_label_point(tmp_path):
    path = delivered(tmp_path / "teig.gml", 25833)
    assert pyogrio.list_layers(path).tolist() == [["Teig", "Point"]]


def test_a_teig_that_several_units_share_is_called_by_the_first(tmp_path):
    path = delivered(tmp_path / "teig.gml", 25833)
    second = (
        "</app:matrikkelenhet><app:matrikkelenhet><app:Matrikkelenhet><app:gardsnummer>40"
        "</app:gardsnummer><app:bruksnummer>1</app:bruksnummer></app:Matrikkelenhet>"
        "</app:matrikkelenhet>"
    )
    raw = read_parcels(opened(changed(path, "</app:matrikkelenhet>", second, 1)), id_column=None)
    assert raw.table["property"].tolist() == ["3907-32/16", "3907-32/17"]


def test_a_teig_without_area_is_counted_and_the_borders_beside_stay_lines(tmp_path):
    path = delivered(tmp_path / "teig.gml", 25833)
    text = path.read_text("utf-8")
    area = text[text.index("<app:område>") : text.index("</app:område>") + len("</app:område>")]
    point = text[text.index("<app:representasjonspunkt>") : text.index("<app:kommunenummer>")]
    border = (
        "<gml:featureMember><app:Eiendomsgrense><app:grense>"
        '<gml:LineString srsName="urn:ogc:def:crs:EPSG::25833"><gml:posList>231000 6570000 231050 '
        "6570000</gml:posList></gml:LineString></app:grense></app:Eiendomsgrense>"
        "</gml:featureMember></gml:FeatureCollection>"
    )
    changed(path, area + "\n" + point, point, 1)
    changed(path, "</gml:FeatureCollection>", border)
    raw = read_parcels(opened(path, prefer=("teig",)), id_column=None)
    parcels, report = clean_parcels(raw, pyproj.CRS(25833), None)
    assert parcels.geom_type.tolist() == ["Polygon"]
    assert report.facts["without usable geometry, left out"] == 1
    lines = read_layer(open_layer(path, "Eiendomsgrense", key="[parcels]"))
    assert lines.geom_type.tolist() == ["LineString"]


def test_bounds_and_conditions_are_about_the_area(tmp_path):
    layer = opened(delivered(tmp_path / "teig.gml", 25833))
    corner = (231_001.0, 6_570_001.0, 231_002.0, 6_570_002.0)  # far from the label point
    assert len(read_layer(layer, bbox=corner)) == 2
    assert len(read_layer(layer, bbox=(0.0, 0.0, 1.0, 1.0))) == 0
    assert read_layer(layer, ["bruksnummer"], where="bruksnummer = 17").shape == (1, 2)


def test_a_gml_that_is_cut_off_is_an_error_and_never_no_hit(tmp_path):
    path = delivered(tmp_path / "teig.gml", 25833)
    text = path.read_text("utf-8")
    first = text[text.index("<gml:featureMember>") : text.index("</gml:featureMember>") + 20]
    whole = text.replace(first, first * 40).encode()
    path.write_bytes(whole[: int(len(whole) * 0.9)])
    layer = opened(path)
    for asked in ({}, {"where": "gardsnummer = 32"}, {"bbox": (0.0, 0.0, 1.0, 1.0)}):
        with pytest.raises(InputError, match=r"none of its \d\d features can be read"):
            read_layer(layer, **asked)


def test_entities_that_grow_without_end_are_refused_at_once(tmp_path):
    entities = "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in pairwise("abcdefghijklmnopqrstuvwxyz")
    )
    bomb = f'<!DOCTYPE bomb [<!ENTITY a "ha">{entities}]><gml:FeatureCollection'
    path = changed(delivered(tmp_path / "teig.gml", 25833), "<gml:FeatureCollection", bomb)
    with pytest.raises(InputError, match=r"teig\.gml"):
        read_layer(opened(changed(path, ">3907<", ">&z;<")))


@pytest.mark.parametrize("suffix", ["gdb", "gpkg", "shp"])
def test_a_data_set_in_a_folder_of_a_zip_reads(tmp_path, suffix):
    inside = tmp_path / "inside"
    inside.mkdir()
    table = gpd.GeoDataFrame({"gnr": ["32"], "bnr": ["16"]}, geometry=[SQUARE], crs=25833)
    options = {"driver": "OpenFileGDB"} if suffix == "gdb" else {}
    table.to_file(inside / f"teig.{suffix}", **options)
    path = tmp_path / "teig.zip"
    shutil.make_archive(str(path.with_suffix("")), "zip", tmp_path, "inside")
    raw = read_parcels(opened(path), id_column=None)
    assert raw.table["property"].tolist() == ["32/16"]


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (["les meg.txt"], "holds 0 data sets"),
        (["a.gml", "b.gpkg"], r"holds 2 data sets \(a\.gml, b\.gpkg\)"),
        (["../a.gml", "/b.gml"], "holds 0 data sets"),
    ],
)
def test_a_zip_without_exactly_one_data_set_says_what_it_holds(tmp_path, members, told):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in members:
            archive.writestr(name, "<gml/>")
    with pytest.raises(InputError, match=told) as caught:
        opened(path)
    assert "Unpack it" in caught.value.hint


def test_a_zip_that_is_cut_off_or_of_another_checksum_is_one_error(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.write(delivered(tmp_path / "teig.gml", 25833), "a.gml")
    whole = path.read_bytes()
    for data in (whole[:200], whole.replace(b"Teig", b"Tejg")):
        path.write_bytes(data)
        with pytest.raises(InputError, match="cannot be read"):
            opened(path)


def test_the_same_in_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "teig.zip", "w") as archive:
        archive.write(delivered(tmp_path / "teig.gml", 25833), "data/teig.gml")
    (tmp_path / "teig.gml").unlink()
    layer = open_layer(tmp_path / "teig.zip", None, key="[parcels]")
    assert (read_layer(layer).geom_type == "Polygon").all()
    assert [one.name for one in tmp_path.iterdir()] == ["teig.zip"]
