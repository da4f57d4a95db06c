"""What plans want of each parcel: by area, by a stated rule, and the same in any order of rows."""

import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, box
from shapely.affinity import translate

from arealstrategi.errors import InputError
from arealstrategi.evidence import find_zones
from arealstrategi.plans import READINESS_VALUE, plan_of_parcels, plan_zones, purpose_shares
from arealstrategi.sources.plan import PLAN_COLUMNS, open_plan, purpose_name, read_plan

CRS = pyproj.CRS.from_epsg(25832)
E0, N0 = 560_000.0, 6_570_000.0
TEXT = (
    "kind",
    "level",
    "code",
    "future",
    "plan_id",
    "plantype",
    "planstatus",
    "use",
    "name",
    "date",
)


def square(west, south, east, north):
    return box(E0 + west, N0 + south, E0 + east, N0 + north)


def area(shape, level="rp", code="1113", **more):
    plantype = {"kp": "20", "rp": "35"}[level]
    row = dict.fromkeys(PLAN_COLUMNS) | {"kind": "purpose", "level": level, "code": code}
    return row | {"use": "in_force", "plantype": plantype, "geometry": shape} | more


def plan_of(*rows):
    table = gpd.GeoDataFrame(list(rows), columns=list(PLAN_COLUMNS), geometry="geometry", crs=CRS)
    return table.astype(dict.fromkeys(TEXT, "str"))


def parcels_of(*shapes):
    names = pd.Index([f"p{i}" for i in range(len(shapes))], name="parcel_id")
    return gpd.GeoDataFrame(geometry=list(shapes), index=names, crs=CRS)


WHOLE = square(0, 0, 100, 100)
PARCEL = parcels_of(WHOLE)


def judged(*rows, parcels=PARCEL):
    return plan_of_parcels(parcels, plan_of(*rows)).iloc[0]


@pytest.mark.parametrize(
    ("row", "readiness"),
    [
        (area(WHOLE, code="1113", plantype="35"), "zoned_for_housing"),
        (area(WHOLE, code="1111", plantype="30"), "zoned_for_housing"),
        (area(WHOLE, code="1803", plantype="31"), "zoned_for_housing"),
        (area(WHOLE, code="112", plantype=None), "zoned_for_housing"),  # of 1985
        (area(WHOLE, code="1113", plantype="34"), "area_zoned"),
        (area(WHOLE, code="1113", plantype=None), "area_zoned"),  # type not given: the less ready
        (area(WHOLE, "kp", "1110", future="2"), "future_housing"),
        (area(WHOLE, "kp", "1110", future="1"), "future_housing"),
        (area(WHOLE, "kp", "120"), "future_housing"),  # senterområde
        (area(WHOLE, "rp", "120", plantype="30"), "other"),  # forretning
        (area(WHOLE, "kp", "1120"), "other"),
        (area(WHOLE, "rp", "1161"), "other"),
        (area(WHOLE, "rp", "9999"), "other"),
        (area(WHOLE, "rp", "1113", use="in_progress", planstatus="2"), "unknown"),
        (area(square(200, 0, 300, 100)), "unknown"),
        (area(WHOLE, kind="zone", code="H310"), "unknown"),
    ],
)
def test_readiness_follows_plan_and_purpose(row, readiness):
    assert judged(row)["plan_readiness"] == readiness


def test_readiness_has_a_value_that_falls_with_each_step_and_none_where_it_is_unknown():
    steps = ["zoned_for_housing", "area_zoned", "future_housing", "other"]
    values = [READINESS_VALUE[step] for step in steps]
    assert values == sorted(set(values), reverse=True)
    assert (values[0], values[-1]) == (1.0, 0.0)
    assert "unknown" not in READINESS_VALUE


def test_a_zoning_plan_rules_over_the_municipal_plan_where_it_lies():
    zoned = area(square(0, 0, 30, 100), code="3040", plan_id="3907_5")
    municipal = area(square(-50, -50, 150, 150), "kp", "1110", plan_id="3907_1", date="2024-01-01")
    row = judged(municipal, zoned)
    assert row["plan_purpose"] == "1110"
    assert row["plan_purpose_share"] == pytest.approx(0.7)
    assert row["plan_id"] == "3907_1"
    shares = purpose_shares(PARCEL, plan_of(municipal, zoned))
    assert shares["share"].tolist() == pytest.approx([0.7, 0.3])
    assert shares["code"].tolist() == ["1110", "3040"]


@pytest.mark.parametrize(
    ("first", "second", "rules"),
    [
        ({"date": "2010-01-01"}, {"date": "2020-01-01"}, "second"),
        ({"date": "2020-01-01"}, {"date": None, "plan_id": "3907_9"}, "first"),
        ({"plan_id": "3907_1"}, {"plan_id": "3907_2"}, "second"),
        ({"plan_id": "3907_1"}, {"plan_id": None}, "first"),
        ({"level": "kp", "plantype": "21", "date": "2010-01-01"},
         {"level": "kp", "plantype": "20", "date": "2020-01-01"}, "first"),
        ({"level": "kp", "date": "2030-01-01"}, {"date": None}, "second"),
        ({"use": "in_progress", "date": "2030-01-01"}, {"date": "1990-01-01"}, "second"),
    ],
)  # fmt: skip
def test_of_two_plans_on_the_same_ground_the_rule_chooses_one(first, second, rules):
    rows = [area(WHOLE, code="1111") | first, area(WHOLE, code="1112") | second]
    wanted = {"first": "1111", "second": "1112"}[rules]
    assert judged(*rows)["plan_purpose"] == judged(*rows[::-1])["plan_purpose"] == wanted
    assert judged(*rows)["plan_purpose_share"] == 1.0


def test_half_of_the_parcel_must_be_known_and_half_must_be_housing():
    half, less = square(0, 0, 50, 100), square(0, 0, 49, 100)
    assert judged(area(half))["plan_readiness"] == "zoned_for_housing"
    assert judged(area(less))["plan_readiness"] == "unknown"
    rest = area(square(49, 0, 100, 100), code="2011")
    assert judged(area(less), rest)["plan_readiness"] == "other"


def test_steps_add_up_to_the_less_ready_one():
    parts = [
        area(square(0, 0, 30, 100)),
        area(square(30, 0, 60, 100), plantype="34"),
        area(square(60, 0, 100, 100), code="3040"),
    ]
    row = judged(*parts)
    assert row["plan_readiness"] == "area_zoned"
    assert (row["plan_purpose"], row["plan_purpose_share"]) == ("1113", pytest.approx(0.6))


def test_purposes_as_large_as_each_other_go_by_the_code():
    west, east = square(0, 0, 50, 100), square(50, 0, 100, 100)
    assert judged(area(west, code="3040"), area(east, code="1111"))["plan_purpose"] == "1111"
    assert judged(area(west, code="1111"), area(east, code="3040"))["plan_purpose"] == "1111"


def test_a_plan_in_progress_is_told_and_does_not_count():
    coming = area(WHOLE, use="in_progress", planstatus="2")
    municipal = area(WHOLE, "kp", "5100")
    row = judged(coming, municipal)
    assert (row["plan_purpose"], row["plan_readiness"]) == ("5100", "other")
    assert row["plan_in_progress"]
    assert not judged(municipal)["plan_in_progress"]
    beside = area(square(99.9, 0, 200, 100), use="in_progress")  # a sliver along the border
    assert not judged(municipal, beside)["plan_in_progress"]


def test_a_newer_municipal_plan_that_disagrees_is_told_unless_h910_confirms_the_zoning_plan():
    zoned = area(WHOLE, code="1113", date="1990-01-01")
    newer = area(WHOLE, "kp", "5100", date="2020-01-01")
    row = judged(zoned, newer)
    assert row["plan_conflict"]
    assert row["plan_readiness"] == "zoned_for_housing"  # told, not decided
    carried = area(WHOLE, "kp", "H910", kind="zone")
    assert not judged(zoned, newer, carried)["plan_conflict"]
    assert not judged(zoned, newer | {"date": "1980-01-01"})["plan_conflict"]
    assert not judged(zoned, newer | {"code": "1110"})["plan_conflict"]
    assert not judged(zoned, newer | {"date": None})["plan_conflict"]
    assert not judged(zoned)["plan_conflict"]


def test_a_point_lies_in_the_purpose_that_rules_there():
    parcels = parcels_of(Point(E0 + 10, N0 + 10), Point(E0 + 500, N0))
    plan = plan_of(area(WHOLE, "kp", "5100"), area(square(0, 0, 20, 20)))
    found = plan_of_parcels(parcels, plan)
    assert found["plan_readiness"].tolist() == ["zoned_for_housing", "unknown"]
    assert found["plan_purpose_share"].tolist() == [1.0, 0.0]
    assert purpose_shares(parcels, plan)["share"].tolist() == [1.0]


def test_without_any_plan_every_parcel_is_unknown():
    found = plan_of_parcels(PARCEL, plan_of())
    assert found["plan_readiness"].tolist() == ["unknown"]
    assert found["plan_purpose"].isna().all()
    assert found["plan_purpose_share"].tolist() == [0.0]
    assert not found[["plan_in_progress", "plan_conflict"]].any(axis=None)
    assert len(purpose_shares(PARCEL, plan_of())) == 0
    nobody = plan_of_parcels(PARCEL.iloc[:0], plan_of(area(WHOLE)))
    assert len(nobody) == 0


def test_zones_of_plans_are_the_zones_of_a_constraint():
    plan = plan_of(
        area(square(0, 0, 60, 100), kind="zone", code="H310"),
        area(square(0, 0, 10, 100), "kp", kind="zone", code="H320"),
        area(WHOLE, kind="zone", code="H310", use="in_progress"),
        area(WHOLE, code="310", plantype="30"),  # a purpose of 1985: a road, no slide
    )
    zones = plan_zones(plan, ["H310", "320"])
    assert len(zones) == 2
    assert zones.crs == CRS
    answer = find_zones(PARCEL, plan_zones(plan, ["h310"]))
    assert answer["answer"].tolist() == ["hit"]
    assert answer["share"].tolist() == pytest.approx([0.6])
    assert len(plan_zones(plan, ["H210"])) == 0
    with pytest.raises(InputError, match="'H311'") as caught:
        plan_zones(plan, ["H310", "H311"])
    assert "H310" in caught.value.hint


# Boxes on a grid of unit cells can be painted cell by cell, which knows nothing of overlays.
CELLS = 8
corners = st.tuples(
    st.integers(0, CELLS - 1), st.integers(0, CELLS - 1), st.integers(1, 4), st.integers(1, 4)
)
drawn = st.tuples(
    corners,
    st.sampled_from(["kp", "rp"]),
    st.sampled_from(["1110", "1130", "2010", "120"]),
    st.sampled_from([None, "2001-01-01", "2010-01-01"]),
    st.sampled_from([None, "3907_1", "3907_2"]),
    st.sampled_from([None, "20", "21", "30", "34", "35"]),
)


def shape_of(corner):
    x, y, width, height = corner
    return square(x, y, x + width, y + height)


def rows_of(drawings):
    return [
        area(shape_of(corner), level, code, date=date, plan_id=plan_id, plantype=plantype)
        for corner, level, code, date, plan_id, plantype in drawings
    ]


def painted(drawings):
    """Return who rules each cell: (level, code) painted from the weakest to the strongest."""

    def strength(drawing):
        _, level, _, date, plan_id, plantype = drawing
        sub = level == "kp" and plantype in {"21", "22"}
        return level == "rp", sub, date or "", plan_id or ""

    cells = np.full((CELLS + 4, CELLS + 4), None, dtype=object)
    by_code = sorted(drawings, key=lambda drawing: drawing[2], reverse=True)
    for drawing in sorted(by_code, key=strength):
        (x, y, width, height), level, code, *_ = drawing
        for i in range(x, x + width):
            for j in range(y, y + height):
                cells[i, j] = (level, code)
    return cells


@settings(max_examples=40)
@given(st.lists(drawn, max_size=8), st.lists(corners, min_size=1, max_size=3))
def test_shares_are_those_of_painting_the_plans_cell_by_cell(drawings, places):
    parcels = parcels_of(*map(shape_of, places))
    shares = purpose_shares(parcels, plan_of(*rows_of(drawings)))
    found = {
        (parcel, level, code): share
        for parcel, level, code, share in shares.itertuples(index=False)
    }
    cells = painted(drawings)
    expected = {}
    for name, (x, y, width, height) in zip(parcels.index, places, strict=True):
        for ruler in cells[x : x + width, y : y + height].ravel():
            if ruler is not None:
                key = (name, *ruler)
                expected[key] = expected.get(key, 0.0) + 1 / (width * height)
    assert found == pytest.approx(expected, abs=1e-9)


offsets = st.floats(0, 5, allow_nan=False)


@settings(max_examples=20)
@given(
    st.lists(drawn, min_size=1, max_size=8), st.lists(offsets, min_size=8, max_size=8), st.randoms()
)
def test_shares_sum_to_one_at_most_and_the_order_of_rows_changes_nothing(drawings, moved, random):
    rows = rows_of(drawings)
    for row, by in zip(rows, moved, strict=False):
        row["geometry"] = translate(row["geometry"], by, by / 3)
    parcels = parcels_of(square(0, 0, 8, 8), square(2.5, 1.25, 6.75, 9), square(3, 3, 4, 4))
    shares = purpose_shares(parcels, plan_of(*rows))
    assert (shares["share"] > 0).all()
    assert (shares.groupby("parcel_id")["share"].sum() <= 1 + 1e-9).all()
    answer = plan_of_parcels(parcels, plan_of(*rows))
    random.shuffle(rows)
    again = plan_of_parcels(parcels, plan_of(*rows))
    pd.testing.assert_frame_equal(answer, again, check_exact=True)
    turned = plan_of_parcels(parcels.iloc[::-1], plan_of(*rows))
    pd.testing.assert_frame_equal(answer, turned.loc[answer.index])


def test_shares_of_curved_areas_are_those_of_geopandas_overlay():
    random = np.random.default_rng(7)
    where = random.uniform(0, 300, (12, 2))
    discs = [
        Point(E0 + x, N0 + y).buffer(r)
        for (x, y), r in zip(where, random.uniform(20, 70, 12), strict=True)
    ]
    codes = random.choice(["1111", "1113", "2011"], 12)
    rows = [
        area(disc, code=code, date=f"20{i:02d}-01-01")
        for i, (disc, code) in enumerate(zip(discs, codes, strict=True))
    ]
    parcels = parcels_of(
        *(square(60 * i, 60 * j, 60 * i + 60, 60 * j + 60) for i in range(5) for j in range(5))
    )
    ruling = gpd.GeoDataFrame({"code": []}, geometry=[], crs=CRS)
    for row in rows[::-1]:  # the newest first; each older one gets what is left
        one = gpd.GeoDataFrame({"code": [row["code"]]}, geometry=[row["geometry"]], crs=CRS)
        rest = gpd.overlay(one, ruling[["geometry"]], how="difference") if len(ruling) else one
        ruling = pd.concat([ruling, rest]) if len(ruling) else rest
    pieces = gpd.overlay(parcels.reset_index(), ruling, how="intersection")
    pieces["share"] = pieces.area / 3_600
    expected = pieces.groupby(["parcel_id", "code"])["share"].sum()
    found = purpose_shares(parcels, plan_of(*rows)).set_index(["parcel_id", "code"])["share"]
    pd.testing.assert_series_equal(found, expected[expected > 1e-12], rtol=1e-9)


def test_a_town_of_parcels_and_areas_takes_a_few_seconds():
    random = np.random.default_rng(3)
    side, n = 7_000, 100
    step = side / 45
    cells = [
        square(i * step, j * step, (i + 1) * step, (j + 1) * step)
        for i in range(45)
        for j in range(45)
    ]
    rows = [area(cell, "kp", "1110", plan_id="3907_1") for cell in cells]
    places = random.uniform(0, side, (500, 2))
    rows += [
        area(Point(E0 + x, N0 + y).buffer(80), plan_id=f"3907_{i}", date=f"19{i % 90 + 10}-01-01")
        for i, (x, y) in enumerate(places)
    ]
    step = side / n
    parcels = parcels_of(
        *(
            square(i * step, j * step, (i + 1) * step, (j + 1) * step)
            for i in range(n)
            for j in range(n)
        )
    )
    started = time.perf_counter()
    found = plan_of_parcels(parcels, plan_of(*rows))
    assert time.perf_counter() - started < 20  # 1 s on two idle cores
    assert found["plan_purpose_share"].between(0.5 - 1e-9, 1 + 1e-9).all()
    zoned = (found["plan_level"] == "rp").mean()
    assert zoned == pytest.approx(1 - np.exp(-500 * np.pi * 80**2 / side**2), abs=0.03)


def test_a_grid_over_a_real_zoning_plan_is_judged_by_its_purposes(shared_data):
    path = shared_data / "plan" / "stemtjonn_plan.geojson"
    plan, _ = read_plan(open_plan(path, key="[plan]"), crs=CRS)
    west, south, east, north = plan.total_bounds
    shapes = [
        box(x, y, x + 50, y + 50)
        for x in np.arange(west, east, 50)
        for y in np.arange(south, north, 50)
    ]
    parcels = parcels_of(*shapes)
    shares = purpose_shares(parcels, plan)
    area_m2 = shares.assign(m2=shares["share"] * 2_500).groupby("code")["m2"].sum()
    purposes = plan[plan["kind"] == "purpose"]
    expected = purposes.area.groupby(purposes["code"]).sum()
    pd.testing.assert_series_equal(area_m2, expected, check_names=False, rtol=1e-6)
    found = plan_of_parcels(parcels, plan)
    assert set(found["plan_readiness"]) == {"other", "unknown"}  # a shooting range, no housing
    names = {purpose_name("rp", code) for code in found["plan_purpose"].dropna()}
    assert {"Skytebane", "LNFR-areal", "Bruk og vern av sjø og vassdrag"} <= names
    hits = find_zones(parcels, plan_zones(plan, ["H360"]))
    assert 0 < (hits["answer"] == "hit").sum() < len(parcels)
