"""Cell ids: from places to ids and back."""

import numpy as np
import pyproj
import shapely
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.sources.statistics.cells import UTM33, cell_id_of, corner_of, squares

SIDES = st.sampled_from([100, 250, 500, 1000, 5000])
EASTINGS = st.floats(-190_000, 1_290_000, allow_subnormal=False)
NORTHINGS = st.floats(6_400_000, 9_090_000)


def test_a_published_id_names_its_corner() -> None:
    # nor2015pop_1kmruter.csv and befolkning_250m_2023_oslo.gpkg of Statistics Norway
    assert corner_of(["19250006616000", "22637506643000"]).tolist() == [
        [-75_000, 6_616_000],
        [263_750, 6_643_000],
    ]


def test_a_place_on_a_border_belongs_to_the_cell_east_and_north_of_it() -> None:
    ids = cell_id_of([263_750, 263_749.9, -0.1], [6_643_000, 6_642_999.9, 6_643_000], 250)
    assert ids.tolist() == ["22637506643000", "22635006642750", "19997506643000"]


@given(EASTINGS, NORTHINGS, SIDES)
def test_every_place_lies_in_the_square_of_its_id(x: float, y: float, side_m: int) -> None:
    cell_id = cell_id_of([x], [y], side_m)
    assert [len(text) for text in cell_id] == [14]
    east, north = corner_of(cell_id)[0]
    assert east <= x < east + side_m
    assert north <= y < north + side_m
    assert cell_id_of([east], [north], side_m).tolist() == cell_id.tolist()
    square = squares(cell_id, side_m, UTM33)[0]
    assert square.bounds == (east, north, east + side_m, north + side_m)


def test_squares_in_another_zone_keep_their_area() -> None:
    ids = cell_id_of([262_500.0], [6_649_000.0], 1000)  # Oslo, far west in zone 33
    there = squares(ids, 1000, pyproj.CRS.from_epsg(25832))
    geod = pyproj.Geod(ellps="GRS80")
    back = pyproj.Transformer.from_crs(25832, 4258, always_xy=True)
    outline = np.column_stack(back.transform(*shapely.get_coordinates(there).T))
    area_m2, _ = geod.geometry_area_perimeter(shapely.Polygon(outline))
    scale = pyproj.Proj(UTM33).get_factors(*outline[0]).areal_scale
    assert abs(abs(area_m2) * scale / 1e6 - 1) < 1e-5
