"""GML as the cadastre delivers it: polygon before label point, nested names, either axis order."""

import geopandas as gpd
import pytest
import shapely
from shapely import box

from arealstrategi.sources.parcels import read_parcels
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


def test_the_same_in_a_zip(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "teig.zip", "w") as archive:
        archive.write(delivered(tmp_path / "teig.gml", 25833), "data/teig.gml")
    (tmp_path / "teig.gml").unlink()
    layer = open_layer(tmp_path / "teig.zip", None, key="[parcels]")
    assert (read_layer(layer).geom_type == "Polygon").all()
    assert [one.name for one in tmp_path.iterdir()] == ["teig.zip"]
