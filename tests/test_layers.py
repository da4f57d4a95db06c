"""What the GeoPackage holds of a result: points and grounds, walks that are hard, routes."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import arealstrategi as ars
from arealstrategi.result.layers import (
    all_layers,
    all_told,
    barriers_met,
    route_layer,
    split_services,
)
from arealstrategi.walker import HINDRANCES

CRS = "EPSG:25832"


def test_every_service_is_a_point_inside_it_and_its_outline_is_kept_apart():
    ring = shapely.Polygon(shapely.box(0, 0, 9, 9).exterior, [shapely.box(1, 1, 8, 8).exterior])
    shapes = [shapely.Point(1, 2), ring, shapely.LineString([(0, 0), (4, 0)])]
    services = gpd.GeoDataFrame({"name": list("abc")}, geometry=shapes, crs=CRS, index=[5, 3, 9])
    points, grounds = split_services(services)
    assert points["name"].tolist() == ["a", "b", "c"]
    assert set(points.geom_type) == {"Point"}
    assert points.geometry.iloc[0] == shapes[0]
    assert all(one.distance(two) == 0 for one, two in zip(points.geometry, shapes, strict=True))
    assert grounds["name"].tolist() == ["b", "c"]
    assert grounds.geometry.tolist() == shapes[1:]
    assert services.geometry.tolist() == shapes  # the table given is left as it was


def walks(**columns):
    count = len(next(iter(columns.values())))
    plain = {f"{name}_m": np.zeros(count) for name in HINDRANCES}
    told = {"status": ["reached"] * count, "walk_m": np.full(count, 400.4), "detour": 1.2}
    return pd.DataFrame(plain | told | columns)


@pytest.mark.parametrize("name", HINDRANCES)
def test_a_walk_on_which_anything_hinders_is_told(name):
    met = barriers_met(walks(**{f"{name}_m": [0.0, 0.1, 30.6]}), with_unknown=True)
    assert met.index.tolist() == [1, 2]
    assert met[f"{name}_m"].tolist() == [0, 31]


def test_a_way_round_and_a_walk_that_steps_prevent_are_told():
    table = walks(
        detour=[1.49, 1.5, np.nan, np.nan],
        status=["reached", "reached", "reached", "no_step_free_way"],
        walk_m=[400.4, 400.4, 400.4, np.nan],
    )
    met = barriers_met(table, with_unknown=True)
    assert met.index.tolist() == [1, 3]
    assert met["walk_m"].tolist() == [400.0, pytest.approx(np.nan, nan_ok=True)]
    assert met["detour"].iloc[0] == 1.5


def test_where_no_height_is_known_at_all_that_is_not_told_of_every_walk():
    table = walks(unknown_gradient_m=[0.0, 50.0], steps_m=[0.0, 0.0])
    assert barriers_met(table, with_unknown=False).empty
    assert len(barriers_met(table, with_unknown=True)) == 1


def test_routes_lead_from_sites_and_the_best_parcels_and_are_as_long_as_is_told(plain_town):
    routes = route_layer(plain_town)
    sites = plain_town.sites.parcels
    wanted = {*sites.index, *plain_town.areas["best_parcel"]}
    assert set(routes["parcel_id"]) == wanted
    assert not routes.duplicated(["parcel_id", "category"]).any()
    assert routes.crs == plain_town.area.crs
    assert routes["walk_m"].to_numpy() == pytest.approx(routes.length.to_numpy(), abs=0.1)
    for one in routes.itertuples():
        shape = sites.geometry.get(one.parcel_id, plain_town.parcels.geometry.get(one.parcel_id))
        assert shapely.Point(one.geometry.coords[0]).distance(shape) < 0.01
        named = plain_town.services["category"] == one.category
        ends = plain_town.services.geometry[named]
        assert ends.distance(shapely.Point(one.geometry.coords[-1])).min() < 0.01


def test_the_layer_of_routes_is_there_only_where_it_is_asked_for(plain_town):
    assert "routes" not in all_layers(plain_town)
    asked = ars.Strategy.build({"parcels": {"source": "a.gpkg"}, "output": {"routes": True}})
    strategy = plain_town.strategy.model_copy(update={"output": asked.output})
    layers = all_layers(replace(plain_town, strategy=strategy))
    assert list(layers).index("routes") < list(layers).index("parcels")
    assert len(layers["routes"])


def test_what_covers_least_lies_above_what_covers_most(plain_town):
    order = list(all_layers(plain_town))
    above = [name for name in ("sites", "services", "areas", "constraints") if name in order]
    assert order[: order.index("parcels")] == above
    assert order[-1] == f"difference_{len(plain_town.scenarios)}"


def test_a_difference_is_called_by_its_scenario(plain_town):
    layers = all_layers(plain_town)
    told = all_told(plain_town, layers, {})
    assert told["difference_1"].title == f"Forskjell: {plain_town.scenarios[0].name}"
    assert set(told) == set(layers)
    assert all(one.styles for one in told.values())
