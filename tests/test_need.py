"""Who lives within reach of what, in a town whose people can be counted by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest

import arealstrategi as ars
from arealstrategi.population import for_public
from arealstrategi.sources.statistics.cells import cell_id_of
from street import CORNER, box, write_plots, write_points, write_street, write_zones

# Residents of the cells along the street, from the west. Their centres lie on it, 250 m apart,
# the first 125 m from its end. Of the last nobody knows how many live there.
ALONG = [100, 50, 3, 20, 40, None]
FAR = 30  # in a cell 1250 m north of the street
DOCTOR = {
    "key": "doctor", "kind": "walk", "weight": 1, "full_m": 400, "zero_m": 900, "osm": False,
    "label": "Lege",
}  # fmt: skip


@pytest.fixture
def town(tmp_path, write_osm):
    """Return the sections of a strategy; one doctor in the middle of the first cell."""

    def sections(doctors=(("d1", "Dr. Vest", 125, 125),), columns="id;name;x;y", **population):
        cells = [(250 * column, 0, number) for column, number in enumerate(ALONG)]
        cells.append((0, 1250, FAR))
        rows = [
            f"{cell_id_of(CORNER[0] + x, CORNER[1] + y, 250)};{':' if number is None else number}"
            for x, y, number in cells
        ]
        grid = tmp_path / "NOR0250M_POP_2025.csv"
        grid.write_text("\n".join(["SSBID0250M;pop_tot", *rows]) + "\n", encoding="utf-8")
        extract = write_street(write_osm)
        points = write_points(tmp_path / "leger.csv", doctors, columns)
        return {
            "area": {
                "crs": "EPSG:25833",
                "boundary": str(write_zones(tmp_path / "Byen.gpkg", Byen=box(0, 0, 1500, 1500))),
            },
            "parcels": {"source": str(write_plots(tmp_path / "tomter.gpkg", {"p": 700}))},
            "osm": {"source": str(extract)},
            "score": {"catalogue": "none"},
            "criterion": [{**DOCTOR, "points": str(points)}],
            "population": {"grid": str(grid), **population},
            "robustness": {"enabled": False},
        }

    return sections


def run(sections):
    return ars.run(ars.Strategy.build(sections))


def row(table, **which):
    """Return the one row with these values."""
    chosen = np.logical_and.reduce([table[name] == value for name, value in which.items()])
    assert chosen.sum() == 1
    return table[chosen].iloc[0]


def test_people_near_and_in_reach_are_counted_and_those_without_a_street_are_not(town):
    result = run(town())
    assert len(result.in_reach) == 1  # no ages are given, so nothing is told of the older ones
    told = row(result.in_reach, part="whole", zone="Byen", category="doctor", group="all")
    # up to 400 m: the cells at 0 and 250 m; up to 900 m those at 500 and 750 m as well
    assert told["residents_near"] == 100 + 50
    assert told["residents_far"] == 100 + 50 + 3 + 20
    assert told["residents"] == sum(ALONG[:5])
    assert told["residents_not_connected"] == FAR
    assert told["hidden_cells"] == 1
    assert told["near_share"] == pytest.approx(150 / 213)
    assert told["far_share"] == pytest.approx(173 / 213)
    assert [told["near_m"], told["far_m"]] == [400, 900]


def test_cells_tell_their_walk_and_what_is_not_known_stays_so(town):
    result = run(town())
    cells = result.population
    along = cells[cells.geometry.centroid.y < CORNER[1] + 250].sort_index()
    # the scale of UTM33 so far west is 1.0003
    assert along["doctor_effort_m"].tolist() == pytest.approx([0, 250, 500, 750, 1000, 1250], abs=1)
    assert along["residents"].isna().tolist() == [False] * 5 + [True]
    far = cells.drop(along.index)
    assert far["residents"].tolist() == [FAR]
    assert far["doctor_effort_m"].isna().all()
    assert cells.crs == result.area.crs == 25833


def test_districts_sum_to_the_whole(town, tmp_path):
    zones = write_zones(
        tmp_path / "bydeler.gpkg", Vest=box(0, 0, 500, 1500), Øst=box(500, 0, 1250, 1500)
    )
    told = run(town(districts=str(zones))).in_reach
    counts = ["residents", "residents_not_connected", "residents_near", "residents_far"]
    west, east = (row(told, zone=zone)[counts].tolist() for zone in ("Vest", "Øst"))
    assert west == [150, FAR, 150, 150]
    assert east == [63, 0, 0, 23]
    outside = row(told, part="outside")
    assert outside[[*counts, "hidden_cells"]].tolist() == [0, 0, 0, 0, 1]
    assert np.isnan(outside["near_share"])
    whole = row(told, part="whole")
    assert whole[counts].tolist() == [a + b for a, b in zip(west, east, strict=True)]


def test_older_residents_are_estimated_where_ages_are_given(town, tmp_path):
    ages = tmp_path / "alder.csv"
    ages.write_text(
        "07459: Befolkning\n\nregion;alder;2025\n"
        "K-3907 Sandefjord;66 år;80\nK-3907 Sandefjord;70 år;15\nK-3907 Sandefjord;85 år;5\n",
        encoding="cp1252",
    )
    told = run(town(ages=str(ages))).in_reach.set_index("group")
    assert told.index.tolist() == ["all", "67plus", "80plus"]
    # one in five is 67 or older, one in twenty 80, the same everywhere
    for group, share in (("67plus", 0.2), ("80plus", 0.05)):
        assert told.loc[group, "residents_near"] == pytest.approx(150 * share)
        assert told.loc[group, "near_share"] == pytest.approx(150 / 213)


def test_capacity_is_divided_among_those_who_live_near_and_none_is_lost(town):
    doctors = [("d1", "Dr. Vest", 125, 125, 1000)]
    result = run(town(doctors, "id;name;x;y;kapasitet"))
    cells = result.population.sort_index()
    cells = cells[cells["doctor_access"].notna()]
    # thirds of 900 m count 1, 0.68 and 0.22: the cells at 0 and 250, at 500, and at 750 m
    ratio = 1000 / (150 + 0.68 * 3 + 0.22 * 20)
    by_hand = [ratio, ratio, 0.68 * ratio, 0.22 * ratio, 0, 0]
    assert cells["doctor_access"].tolist() == pytest.approx(by_hand)
    assert (cells["residents"] * cells["doctor_access"]).sum() == pytest.approx(1000)
    told = row(result.access, part="whole", group="all", category="doctor")
    assert told["residents"] == 213
    assert told["residents_unknown"] == FAR
    assert told["access_mean"] == pytest.approx(1000 / 213)
    assert told["without_share"] == pytest.approx(40 / 213)
    assert any("cells with an unknown number of residents: 1" in one for one in result.warnings)


def test_older_residents_share_the_capacity_where_they_are_known(town, tmp_path):
    ages = tmp_path / "alder.csv"
    ages.write_text(
        "07459: Befolkning\n\nregion;alder;2025\n"
        "K-3907 Sandefjord;66 år;80\nK-3907 Sandefjord;85 år;20\n",
        encoding="cp1252",
    )
    doctors = [("d1", "Dr. Vest", 125, 125, 1000)]
    cells = run(town(doctors, "id;name;x;y;kapasitet", ages=str(ages))).population
    received = cells["residents_67plus_estimate"] * cells["doctor_access"]
    assert received.sum() == pytest.approx(1000)


def test_services_without_a_capacity_or_without_people_near_are_told(town):
    doctors = [
        ("d1", "Dr. Vest", 125, 125, 1000),
        ("d2", "Dr. Ukjent", 400, 125, ""),
        ("d3", "Dr. Langtvekk", 1500, 2500, 300),
    ]
    result = run(town(doctors, "id;name;x;y;kapasitet"))
    assert {
        "doctor: services without a capacity, left out of access: 1",
        "doctor: services that nobody lives near: 1",
    } <= set(result.warnings)
    cells = result.population
    assert (cells["residents"] * cells["doctor_access"]).sum() == pytest.approx(1000)


def test_where_no_capacity_is_told_there_is_no_access(town):
    result = run(town())
    assert result.access.empty
    assert "doctor_access" not in result.population


def test_without_a_grid_nothing_is_told_of_residents(town):
    sections = town()
    del sections["population"]
    result = run(sections)
    assert result.population is None
    assert result.in_reach.empty


# --- for the public ---------------------------------------------------------------------------


def in_reach(rows):
    """Build a table of `residents_in_reach`: part, zone, group, residents, near, far."""
    columns = ["part", "zone", "group", "residents", "residents_near", "residents_far"]
    table = pd.DataFrame(rows, columns=columns).assign(
        category="doctor", residents_not_connected=0.0, hidden_cells=0
    )
    for name in ("near", "far"):
        table[f"{name}_share"] = table[f"residents_{name}"] / table["residents"]
    return table


def test_numbers_of_a_few_people_are_hidden_and_zero_and_five_are_not():
    told = for_public(
        in_reach([("zone", "a", "all", 100, 0, 5), ("zone", "b", "all", 100, 3, 60),
                  ("zone", "c", "all", 100, 4, 4)])
    )  # fmt: skip
    assert told["residents_near"].fillna(-1).tolist() == [0, -1, -1]
    assert told["residents_far"].fillna(-1).tolist() == [5, 60, -1]
    # a share times the residents is the number, so the whole row has none
    assert told["near_share"].isna().tolist() == [False, True, True]
    assert told["far_share"].isna().tolist() == [False, True, True]
    assert told["residents"].tolist() == [100, 100, 100]


def test_a_share_that_tells_of_a_few_people_is_hidden_although_no_column_counts_them():
    access = pd.DataFrame(
        {"part": "zone", "zone": list("abc"), "group": "all", "residents": [100.0, 100, 7],
         "residents_unknown": 0.0, "access_mean": 2.0, "without_share": [0.5, 0.02, 5 / 7]}
    )  # fmt: skip
    told = for_public(access)
    assert told["without_share"].isna().tolist() == [False, True, False]
    assert told["access_mean"].tolist() == [2, 2, 2]


def test_where_one_part_alone_is_hidden_the_whole_is_left_out_for_that_group():
    rows = [("whole", "Byen", "all", 203, 100, 150), ("whole", "Byen", "67plus", 103, 50, 60),
            ("zone", "a", "all", 100, 97, 100), ("zone", "a", "67plus", 50, 48, 50),
            ("zone", "b", "all", 100, 3, 50), ("zone", "b", "67plus", 50, 1, 9),
            ("outside", "", "all", 3, 0, 0), ("outside", "", "67plus", 3, 1, 1)]  # fmt: skip
    told = for_public(in_reach(rows))
    # all: only the near ones of b are a few; 67plus: those of b and those outside are
    assert told[["part", "group"]].to_numpy().tolist()[0] == ["zone", "all"]
    assert "whole" not in set(told["part"])
    both = [
        (*one[:3], 3 if one[:3] == ("outside", "", "all") else one[3], *one[4:]) for one in rows
    ]
    both = [one for one in both if one[0] != "outside"]
    assert set(for_public(in_reach(both))["part"]) == {"zone"}
    plenty = [(*one[:3], 100, 50, 60) for one in rows]
    assert len(for_public(in_reach(plenty))) == len(rows)


def test_where_two_parts_are_hidden_the_whole_may_be_told():
    rows = [("whole", "Byen", "all", 207, 104, 150), ("zone", "a", "all", 100, 100, 100),
            ("zone", "b", "all", 100, 3, 50), ("zone", "c", "all", 7, 1, 0)]  # fmt: skip
    told = for_public(in_reach(rows))
    assert told["part"].tolist() == ["whole", "zone", "zone", "zone"]
    assert told.loc[0, "residents_near"] == 104


def test_of_cells_nothing_is_told_from_which_a_few_people_follow():
    cells = pd.DataFrame(
        {"residents": [100.0, 10, 4, np.nan, 0], "women": [60.0, 7, 2, np.nan, 0],
         "men": [40.0, 3, 2, np.nan, 0], "mean_age": [40.0, 41, 82, np.nan, np.nan],
         "doctor_effort_m": [0.0, 1, 2, 3, 4]}
    )  # fmt: skip
    told = for_public(cells)
    assert told["residents"].fillna(-1).tolist() == [100, 10, -1, -1, 0]
    assert told["women"].fillna(-1).tolist() == [60, -1, -1, -1, 0]
    assert told["men"].fillna(-1).tolist() == [40, -1, -1, -1, 0]
    assert told["mean_age"].isna().tolist() == [False, False, True, True, True]
    assert told["doctor_effort_m"].tolist() == [0, 1, 2, 3, 4]
    assert cells["residents"].tolist()[2] == 4  # the table given is left as it was


@pytest.mark.parametrize("audience", ["public", "internal"])
def test_what_the_public_gets_in_the_files_holds_no_number_of_a_few(town, tmp_path, audience):
    # Vest: 150 and 30 far from a street; Midt: 3; Øst: 60
    zones = write_zones(
        tmp_path / "bydeler.gpkg", Vest=box(0, 0, 500, 1500), Midt=box(500, 0, 750, 1500),
        Øst=box(750, 0, 1500, 1500),
    )  # fmt: skip
    doctors = [("d1", "Dr. Vest", 125, 125, 1000)]
    sections = town(doctors, "id;name;x;y;kapasitet", districts=str(zones))
    result = run({**sections, "output": {"audience": audience}})
    result.write(tmp_path / "out")
    written = tmp_path / "out/suitability.gpkg"
    cells = gpd.read_file(written, layer="population")
    tables = [
        pyogrio.read_dataframe(written, layer=name, read_geometry=False)
        for name in ("residents_in_reach", "access")
    ]
    counts = [
        table[name] for table in (cells, *tables) for name in table if name.startswith("residents")
    ]
    few = sum(int(((one > 0) & (one < 5)).sum()) for one in counts)
    is_public = audience == "public"
    assert (few == 0) == is_public
    for table in tables:
        assert ("whole" in set(table["part"])) != is_public  # Midt alone is a few
        assert {"Vest", "Midt", "Øst"} <= set(table["zone"])
    # the result in memory is the same for both
    assert row(result.in_reach, zone="Midt")["residents"] == 3
