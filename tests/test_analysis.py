"""Whole runs on real places: what the issue of the main job promises."""

import numpy as np
import pandas as pd
import pytest
import shapely

import arealstrategi as ars
from arealstrategi.strategy import catalogue_entries
from arealstrategi.tables import CLASSES
from results import write_lauf

# Trygt, sentralt, sosialt: which groups of the catalogue each is made of.
HEADLINES = {
    "health": "safe", "nature": "safe", "daily": "central", "transit": "central",
    "social": "social",
}  # fmt: skip


def strategy_of(**sections) -> ars.Strategy:
    """Return a strategy; how sure the order is is asked for only where it is tested."""
    return ars.Strategy.build({"robustness": {"enabled": False}} | sections)


@pytest.fixture(scope="module")
def lauf(shared_data):
    return ars.run(
        strategy_of(
            parcels={"source": str(shared_data / "lauf/parcels.gpkg")},
            osm={"source": str(shared_data / "lauf/lauf-200115.osm.pbf")},
            terrain={"elevation": [str(shared_data / "lauf/N49E011.hgt.zip")]},
            robustness={"distance_draws": 20},
        )
    )


@pytest.mark.shared
def test_lauf_has_the_contract_s_columns_in_the_contract_s_order(lauf):
    expected = ["label", "area_m2", "status", "reasons", "score", "class", "rank", "municipal"]
    for key in catalogue_entries():
        expected += [
            f"{key}_{end}" for end in ("walk_m", "walk_min", "effort_m", "value", "service")
        ]
    robustness = ["rank_p05", "rank_p95", "top_share"]
    scores = ["score_safe", "score_central", "score_social", "score_if_allowed"]
    assert lauf.parcels.columns.tolist() == [*expected, *robustness, *scores, "geometry"]
    assert lauf.parcels.index.name == "parcel_id"
    assert lauf.parcels.index.is_unique
    assert len(lauf.parcels) == 7199


@pytest.mark.shared
def test_lauf_scores_can_be_computed_by_hand_from_the_table(lauf):
    parcels, total, headlines = lauf.parcels, 0.0, {}
    for key, entry in catalogue_entries().items():
        nearest = parcels[f"{key}_effort_m"].fillna(np.inf).to_numpy()
        k = entry.get("k", 1)
        efforts = np.full((len(parcels), k), np.inf)
        if key in lauf.reach.nearest:
            # the senior walks 1 m/s; robustness wants more places than count
            efforts = lauf.reach.nearest[key].k_seconds[:, :k] * 1.0
        assert efforts[:, 0] == pytest.approx(nearest)
        each = ((entry["zero_m"] - efforts) / (entry["zero_m"] - entry["full_m"])).clip(0, 1)
        value = each @ np.array(entry.get("decay", [1.0]))
        assert parcels[f"{key}_value"].to_numpy() == pytest.approx(value)
        total = total + value * entry["weight"] / 0.92
        part = headlines.setdefault(HEADLINES[entry["group"]], [0.0, 0.0])
        part[0] = part[0] + value * entry["weight"]
        part[1] += entry["weight"]
    assert parcels["score"].to_numpy() == pytest.approx(100 * total)
    assert parcels["score_if_allowed"].equals(parcels["score"])  # nothing is ruled out
    for name, (points, most) in headlines.items():
        assert parcels[f"score_{name}"].to_numpy() == pytest.approx(100 * points / most)
    order = parcels.sort_values("score", ascending=False)
    assert order["rank"].is_monotonic_increasing
    assert order["rank"].iloc[0] == 1
    assert set(parcels["class"]) == set(CLASSES)


@pytest.mark.shared
def test_lauf_reports_the_category_that_nobody_has(lauf):
    assert any("senior_centre" in text for text in lauf.warnings)
    assert not lauf.criteria.loc["senior_centre", "found"]
    assert lauf.facts()["results"]["services"]["senior_centre"] == 0
    assert lauf.parcels["senior_centre_walk_m"].isna().all()
    assert lauf.parcels["senior_centre_service"].isna().all()
    assert (lauf.parcels["senior_centre_value"] == 0).all()
    assert (lauf.parcels["status"] == "assessed").all()


@pytest.mark.shared
def test_steps_are_kept_from_a_rollator_but_not_from_an_adult(shared_data, tmp_path):
    part = write_lauf(shared_data, tmp_path, 2000)

    def walk(profile):
        return ars.run(
            strategy_of(
                **part,
                walker={"profile": profile},
                score={"catalogue": "none"},
                criterion=[
                    {"key": "doctor", "weight": 1, "full_m": 1, "zero_m": 2000, "osm": ["amenity=doctors"]}  # noqa: E501
                ],
            )
        )  # fmt: skip

    adult, rollator = walk("adult"), walk("rollator")
    same_start = shapely.equals(adult.reach.parcels.connector, rollator.reach.parcels.connector)
    assert 0.95 < same_start.mean() < 1  # some parcels start at steps, which only one can use
    times = [result.parcels["doctor_walk_min"][same_start] for result in (adult, rollator)]
    assert (times[1] - times[0]).dropna().min() > 0
    # nobody with wheels is sent over steps, and some go a longer way for that
    assert rollator.barriers["steps_m"].max() == 0
    assert adult.barriers["steps_m"].max() > 5
    longer = (rollator.parcels["doctor_walk_m"] - adult.parcels["doctor_walk_m"])[same_start]
    assert (longer > 20).any()


@pytest.mark.shared
def test_closing_the_steps_of_lauf_shortens_no_walk(shared_data, tmp_path):
    part = write_lauf(shared_data, tmp_path, 2000)

    def walk(**walker):
        return ars.run(strategy_of(**part, walker=walker))

    as_it_is, closed = walk(), walk(steps_time_factor="closed")

    def unmoved(things):
        """Those that start where they did: a path that only steps lead to is passed over."""
        lines = [getattr(r.reach, things).connector for r in (as_it_is, closed)]
        return shapely.equals(*lines)

    parcels, services, checked = unmoved("parcels"), unmoved("services"), 0
    assert parcels.mean() > 0.99
    for key, rows in as_it_is.reach.doors.items():
        if services[rows].all():
            before, after = (
                r.parcels[f"{key}_effort_m"].fillna(np.inf)[parcels] for r in (as_it_is, closed)
            )
            assert (after >= before - 1e-6).all(), key
            checked += 1
    assert checked > 10


@pytest.fixture(scope="module")
def vaduz_and_country(shared_data):
    def run(boundary):
        return ars.run(
            strategy_of(
                area={"boundary": f"osm:{boundary}"},
                parcels={"source": "grid:100"},
                osm={"source": str(shared_data / "liechtenstein/liechtenstein-latest.osm.pbf")},
            )
        )

    return run("Vaduz"), run("Liechtenstein")


@pytest.mark.shared
def test_cells_of_vaduz_score_the_same_alone_and_in_the_whole_country(vaduz_and_country):
    vaduz, country = (result.parcels for result in vaduz_and_country)
    assert vaduz_and_country[1].area.crs == vaduz_and_country[0].area.crs
    common = vaduz.index.intersection(country.index)
    whole = common[
        np.isclose(vaduz.loc[common, "area_m2"], 10_000)
        & np.isclose(country.loc[common, "area_m2"], 10_000)
    ]
    assert len(whole) > 1000
    assert vaduz.loc[whole, "score"].tolist() == country.loc[whole, "score"].tolist()
    assert (vaduz.loc[whole, "score"] > 0).sum() > 500
    # and so do the distances that count
    for key, entry in catalogue_entries().items():
        here, there = vaduz.loc[whole, f"{key}_effort_m"], country.loc[whole, f"{key}_effort_m"]
        near = there <= entry["zero_m"]
        assert here[near].to_numpy() == pytest.approx(there[near].to_numpy(), abs=1e-6)


@pytest.mark.shared
def test_the_whole_country_is_covered_once(vaduz_and_country):
    result = vaduz_and_country[1]
    # Liechtenstein measures 160.5 km² (its statistical office)
    assert result.parcels["area_m2"].sum() / 1e6 == pytest.approx(160.5, rel=0.005)
    assert result.parcels["area_m2"].sum() == pytest.approx(shapely.area(result.area.boundary))
    lonely = result.parcels["reasons"] == "not_connected"
    assert 0 < lonely.sum() < len(lonely)
    assert (result.parcels.loc[lonely, "score"] == 0).all()
    assert result.parcels.loc[lonely, "grocery_walk_m"].isna().all()
    listed = result.facts()["not_connected"]["parcels"]
    assert len(listed) == lonely.sum()
    assert all(entry["distance_m"] >= 150 for entry in listed)


@pytest.fixture(scope="module")
def oslo(shared_data):
    return ars.run(
        strategy_of(
            parcels={"source": str(shared_data / "oslo/eiendommer.geojson"), "min_area_m2": 500},
            osm={"source": str(shared_data / "oslo/oslo-east-filtered.osm.pbf")},
        )
    )


@pytest.mark.shared
def test_oslo_properties_run_although_the_extract_holds_hardly_any_service(oslo):
    """The extract was filtered to streets; what is left are platforms, ferry quays and one café."""
    assert set(oslo.services["category"]) == {"stop", "cafe"}
    missing = set(catalogue_entries()) - {"stop", "cafe"}
    told = next(text for text in oslo.warnings if "no service found" in text)
    assert all(key in told for key in missing)
    for key in missing:
        assert oslo.parcels[f"{key}_walk_m"].isna().all()
        assert (oslo.parcels[f"{key}_value"] == 0).all()
    # of what lies west of the extract nothing is known, and nothing is made up
    unseen = oslo.parcels["reasons"].str.contains("outside_extract")
    assert unseen.sum() > 700
    assert (oslo.parcels.loc[unseen, "status"] != "assessed").all()
    assert oslo.parcels.loc[unseen, ["score", "class", "rank"]].isna().all(axis=None)
    hull = shapely.convex_hull(shapely.geometrycollections(oslo.reach.network.edge_line))
    assert (oslo.parcels[~unseen].distance(hull) < 2000).all()
    # nobody gets more than what a stop and a café are worth
    most = 100 * oslo.criteria.loc[["stop", "cafe"], "weight"].sum()
    assert oslo.parcels["score"].max() <= most + 1e-9
    assert oslo.area.crs.to_epsg() == 25832


@pytest.mark.shared
def test_oslo_properties_too_small_are_excluded_with_the_reason_and_points_are_kept(oslo):
    parcels = oslo.parcels
    small = parcels["area_m2"] < 500
    assert small.sum() > 10
    assert (parcels.loc[small, "status"] == "excluded").all()
    assert parcels.loc[small, "reasons"].str.startswith("area_below_minimum").all()
    assert parcels.loc[small, ["score", "class", "rank"]].isna().all(axis=None)
    assert (parcels.geom_type == "Point").sum() == 1056
    assert parcels["area_m2"].isna().sum() == 1056
    assert (parcels.loc[parcels["area_m2"].isna(), "status"] != "excluded").all()


@pytest.mark.shared
def test_where_no_service_of_any_kind_is_found_nobody_has_a_score(shared_data):
    result = ars.run(
        strategy_of(
            parcels={"source": str(shared_data / "oslo/eiendommer.geojson")},
            osm={"source": str(shared_data / "oslo/oslo-east-filtered.osm.pbf")},
            criterion=[{"key": "stop", "weight": 0}, {"key": "cafe", "weight": 0}],
        )
    )
    assert (result.parcels["status"] == "missing_data").all()
    assert result.parcels[["score", "class", "rank"]].isna().all(axis=None)
    assert result.parcels["reasons"].str.contains("no_service_found").all()


@pytest.mark.shared
def test_the_order_of_rows_changes_nothing(shared_data, tmp_path, lauf):
    import geopandas as gpd

    turned = gpd.read_file(shared_data / "lauf/parcels.gpkg").iloc[::-1]
    turned.to_file(tmp_path / "turned.gpkg")
    result = ars.run(
        strategy_of(
            parcels={"source": str(tmp_path / "turned.gpkg")},
            osm={"source": str(shared_data / "lauf/lauf-200115.osm.pbf")},
            terrain={"elevation": [str(shared_data / "lauf/N49E011.hgt.zip")]},
        )
    )
    again = result.parcels.loc[lauf.parcels.index]
    pd.testing.assert_series_equal(again["score"], lauf.parcels["score"])
    pd.testing.assert_series_equal(again["grocery_service"], lauf.parcels["grocery_service"])


@pytest.mark.shared
def test_own_points_columns_and_constraints_count(shared_data, tmp_path):
    import geopandas as gpd

    plots = gpd.read_file(shared_data / "lauf/parcels.gpkg").iloc[:200]
    plots["noise_db"] = np.linspace(40, 70, 200)
    plots.loc[plots.index[0], "noise_db"] = np.nan
    plots.to_file(tmp_path / "plots.gpkg")
    middle = plots.geometry.iloc[10].centroid
    (tmp_path / "shops.csv").write_text(
        f"navn;x;y\nLandhandel;{middle.x:.1f};{middle.y:.1f}\n".replace(".", ","), encoding="cp1252"
    )
    zone = plots.geometry.iloc[[20]]
    gpd.GeoDataFrame({"aar": [200]}, geometry=zone.to_numpy(), crs=plots.crs).to_file(
        tmp_path / "flom.gpkg"
    )
    result = ars.run(
        strategy_of(
            robustness={"draws": 100, "distance_draws": 10},
            parcels={"source": str(tmp_path / "plots.gpkg")},
            osm={"source": str(shared_data / "lauf/lauf-200115.osm.pbf")},
            score={"catalogue": "none"},
            criterion=[
                {"key": "shop", "weight": 1, "full_m": 100, "zero_m": 900, "osm": False,
                 "points": str(tmp_path / "shops.csv")},
                {"key": "quiet", "kind": "column", "column": "noise_db", "full": 45, "zero": 65,
                 "weight": 1},
            ],
            constraint=[{"name": "Flom", "source": str(tmp_path / "flom.gpkg"), "where": "aar = 200"}],  # noqa: E501
        )
    )  # fmt: skip
    parcels = result.parcels
    assert parcels.columns.tolist()[-7:] == [
        "quiet_raw", "quiet_value", "rank_p05", "rank_p95", "top_share", "score_if_allowed",
        "geometry",
    ]  # fmt: skip
    assert set(parcels["shop_service"].dropna()) == {"Landhandel"}
    by_hand = 50 * (parcels["shop_value"] + parcels["quiet_value"])
    assessed = parcels["status"] == "assessed"
    assert parcels.loc[assessed, "score"].to_numpy() == pytest.approx(by_hand[assessed].to_numpy())
    assert parcels["status"].iloc[0] == "missing_data"
    assert parcels["reasons"].iloc[0] == "no_value: noise_db"
    assert parcels["status"].iloc[20] == "excluded"
    assert parcels["reasons"].iloc[20] == "Flom"
    assert parcels["score"].isna().iloc[20]
    assert parcels["score_if_allowed"].iloc[20] == pytest.approx(by_hand.iloc[20])
    assert parcels.loc[~assessed, ["rank_p05", "rank_p95", "top_share"]].isna().all(axis=None)
    assert result.constraints["Flom"].value_counts().to_dict() == {"no_hit": 199, "hit": 1}
