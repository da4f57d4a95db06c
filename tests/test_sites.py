"""Given sites: every form in which they come, and that a site is judged as a parcel is."""

import csv

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

import arealstrategi as ars
from arealstrategi.analysis import read
from arealstrategi.errors import ArealstrategiError, InputError
from arealstrategi.export.labels import column_alias, words
from street import CRS, box, utm, write_plots, write_street, write_zones

SHOP, LIBRARY = {"shop": "supermarket", "name": "Butikken"}, {"amenity": "library", "name": "Boka"}
PLOTS = {f"32/{1 + n}": 100 * n for n in range(15)}  # 3907-32/1 at 0 m, 3907-32/2 at 100 m …


@pytest.fixture
def town(tmp_path, write_osm):
    """Return the sections of a strategy, with the given sites and changes."""

    def sections(source=None, sites=(), **changes):
        extract = write_street(write_osm, [(100, 130, SHOP), (1400, 130, LIBRARY)])
        plots = write_plots(
            tmp_path / "teig.gpkg", PLOTS, matrikkelnummertekst=list(PLOTS), kommunenummer=3907,
            stoy=np.linspace(40, 54, 15),
        )  # fmt: skip
        gpd.read_file(plots).drop(columns="parcel_id").to_file(plots)
        written = {
            "area": {"crs": f"EPSG:{CRS}"},
            "parcels": {"source": str(plots)},
            "osm": {"source": str(extract)},
            "robustness": {"enabled": False},
            "areas": {"enabled": False},
        }
        if source is not None:
            written["sites"] = {"source": str(source), **dict(sites)}
        return {**written, **changes}

    return sections


def strategy(sections):
    return ars.Strategy.build(sections)


def run(sections):
    return ars.run(strategy(sections))


def report_of(inputs):
    return next(report for report in inputs.reports if report.role == "sites")


def listed(tmp_path, rows, name="tomter.csv"):
    path = tmp_path / name
    if name.endswith(".xlsx"):
        book = openpyxl.Workbook()
        for cells in rows:
            book.active.append(cells)
        book.save(path)
        book.close()
    else:
        lines = [";".join(map(str, cells)) for cells in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# --- lists of parcels -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tomter.csv", "tomter.xlsx"])
@pytest.mark.parametrize(
    ("heading", "cells"),
    [
        ("parcel_id", ["3907-32/3", "3907-32/14"]),
        ("Eiendom", ["3907-32/3", "3907 - 32 / 14"]),
        ("gnr/bnr", ["32/3", "32/14"]),  # no municipality: fits any
        ("Matrikkelnummer", ["Gnr. 32 bnr. 3", "0032/0014/0000/0000"]),
    ],
)
def test_a_list_names_parcels_by_id_and_by_every_spelling_of_their_number(
    town, tmp_path, name, heading, cells
):
    rows = [[heading, "merknad"], *([cell, "kommunens"] for cell in cells)]
    sites = read(strategy(town(listed(tmp_path, rows, name), {"id": heading.lower()}))).sites
    assert sites.parcels.index.tolist() == ["3907-32/3", "3907-32/14"]


def test_a_column_with_numbers_is_found_without_being_named(town, tmp_path):
    rows = [["Nr", "Matrikkelnummer"], [1, "3907-32/3"]]
    sites = read(strategy(town(listed(tmp_path, rows)))).sites
    assert sites.parcels.index.tolist() == ["3907-32/3"]


def test_rows_named_twice_are_one_site_and_unknown_ones_are_told(town, tmp_path):
    rows = [["id"], ["3907-32/3"], ["3907-32/3"], ["3907-99/9"], ["3907-32/4"]]
    inputs = read(strategy(town(listed(tmp_path, rows))))
    assert inputs.sites.parcels.index.tolist() == ["3907-32/3", "3907-32/4"]
    report = report_of(inputs)
    assert report.facts["rows read"] == 4
    assert report.facts["rows that name a site again"] == 1
    assert report.facts["parcels found"] == 2
    assert report.listed == {"sites that no parcel has the name of": ["3907-99/9"]}
    assert "sites: sites that no parcel has the name of: 1" in inputs.warnings


@pytest.mark.parametrize(
    ("rows", "options", "told"),
    [
        ([["id"], ["3907-99/9"]], {}, ["none of its 1 sites", "'3907-99/9'", "'3907-32/1'"]),
        ([["navn", "pris"], ["Torget", 5]], {}, ["no column that names sites", "`id`"]),
        ([["id", "pris"], ["3907-32/3", 5]], {"id": "tomtenr"}, ["no column tomtenr", "id, pris"]),
        ([["id", "pris"], ["", 5]], {}, ["the column id is empty"]),
    ],
)  # fmt: skip
def test_a_list_of_which_nothing_can_be_used_says_why(town, tmp_path, rows, options, told):
    path = listed(tmp_path, rows)
    with pytest.raises(InputError) as problem:
        read(strategy(town(path, options)))
    for part in ("tomter.csv", *told):
        assert part in str(problem.value)


def test_a_file_that_is_not_there_is_one_clear_error(town, tmp_path):
    for name in ("nope.csv", "nope.gpkg"):
        with pytest.raises(ArealstrategiError, match=name) as problem:
            read(strategy(town(tmp_path / name)))
        assert "[sites]" in str(problem.value)


# --- places -----------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [False, True])
def test_places_are_points_in_degrees_or_metres(town, tmp_path, degrees):
    at = gpd.GeoSeries(gpd.points_from_xy(*np.transpose([utm(210, 140), utm(900, 150)])), crs=CRS)
    at = at.to_crs(4326) if degrees else at
    columns = ["lon", "lat"] if degrees else ["x", "y"]
    rows = [["navn", *columns], *zip(["Torget", "Enden"], at.x, at.y, strict=True)]
    sites = read(strategy(town(listed(tmp_path, rows)))).sites.parcels
    assert sites.index.tolist() == ["Torget", "Enden"]
    assert sites["label"].tolist() == ["Torget", "Enden"]
    expected = shapely.points([utm(210, 140), utm(900, 150)])
    assert shapely.distance(sites.geometry.to_numpy(), expected).max() < 1e-3
    assert sites["area_m2"].isna().all()
    assert set(sites["municipal"]) == {"unknown"}


def test_places_of_one_name_are_told_apart(town, tmp_path):
    rows = [
        ["navn", "x", "y"],
        *(("Torget", *utm(x, 140)) for x in (200, 300)),
        ["", *utm(400, 140)],
    ]
    sites = read(strategy(town(listed(tmp_path, rows)))).sites.parcels
    assert sites.index.is_unique
    assert sites.index.tolist()[:2] == ["Torget (1)", "Torget (2)"]
    assert sites.index[2] != ""


def test_places_outside_the_area_are_left_out_and_told(town, tmp_path):
    rows = [["navn", "x", "y"], ("Inne", *utm(200, 140)), ("Ute", *utm(200, 900))]
    inputs = read(strategy(town(listed(tmp_path, rows))))
    assert inputs.sites.parcels.index.tolist() == ["Inne"]
    assert report_of(inputs).listed == {"outside the area, left out": ["Ute"]}
    assert "sites: outside the area, left out: 1" in inputs.warnings
    rows.pop(1)
    with pytest.raises(InputError, match=r"tomter\.csv: no site lies in the study area"):
        read(strategy(town(listed(tmp_path, rows))))


def test_a_place_has_the_score_that_a_parcel_in_its_place_has(town, tmp_path):
    """A parcel is walked to from its own edge: one that is a point from there."""
    rows = [["navn", "x", "y"], ("Hjørnet", *utm(700, 135))]
    result = run(town(listed(tmp_path, rows)))
    site, parcel = result.sites.parcels.loc["Hjørnet"], result.parcels.loc["3907-32/8"]
    # the plot begins at 700 m, 10 m north of the street; it is 20 m wide
    for key in ("grocery", "library"):
        assert abs(site[f"{key}_walk_m"] - parcel[f"{key}_walk_m"]) <= 20 + 1e-6
    assert site["grocery_walk_m"] == pytest.approx(10 + 600 + 5, abs=1)
    assert site["library_walk_m"] == pytest.approx(10 + 700 + 5, abs=1)


# --- outlines ---------------------------------------------------------------------------------


def outlines(tmp_path, shapes, name="omriss.gpkg", **columns):
    path = tmp_path / name
    gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS).to_file(path)
    return path


def test_outlines_are_sites_with_an_area_of_their_own(town, tmp_path):
    path = outlines(tmp_path, [box(200, 135, 230, 175), box(800, 135, 810, 155)], kode=["A", "B"])
    result = run(town(path, {"id": "kode"}))
    sites = result.sites.parcels
    assert sites.index.tolist() == ["A", "B"]
    # UTM33 stretches by 1.0003 here
    assert sites["area_m2"].tolist() == pytest.approx([1200, 200], rel=1e-3)
    assert sites["score"].notna().all()
    assert {"walk_m", "value"} <= {name.removeprefix("library_") for name in sites}


def test_points_in_a_map_layer_are_sites_as_well(town, tmp_path):
    path = outlines(tmp_path, shapely.points([utm(200, 140)]), "punkter.geojson", kode=["A"])
    sites = run(town(path, {"id": "kode"})).sites.parcels
    assert sites.index.tolist() == ["A"]
    assert sites["score"].notna().all()


def test_an_outline_outside_the_area_and_a_column_that_is_not_there(town, tmp_path):
    path = outlines(tmp_path, [box(200, 5000, 230, 5040)], kode=["A"])
    with pytest.raises(InputError, match=r"omriss\.gpkg"):
        read(strategy(town(path, {"id": "kode"})))
    with pytest.raises(InputError, match="kodee") as problem:
        read(strategy(town(path, {"id": "kodee"})))
    assert "kode" in str(problem.value)


# --- judged as parcels are --------------------------------------------------------------------

NOISE = {"key": "quiet", "kind": "column", "column": "stoy", "full": 45, "zero": 60, "weight": 0.2}


def test_a_site_that_is_a_parcel_has_exactly_its_score_and_its_place(town, tmp_path):
    plots = {"32/3": "3907-32/3", "32/9": "3907-32/9", "32/15": "3907-32/15"}
    zone = write_zones(tmp_path / "flom.gpkg", Flom=box(1390, 100, 1500, 200))
    rule = {"name": "Flom", "source": str(zone)}
    result = run(
        town(
            listed(tmp_path, [["id"], *([name] for name in plots)]),
            criterion=[NOISE],
            constraint=[rule],
        )
    )
    sites, parcels = result.sites.parcels, result.parcels.loc[list(plots.values())]
    assert sites.index.tolist() == parcels.index.tolist()
    common = [name for name in parcels if name not in ("rank", "geometry")]
    pd.testing.assert_frame_equal(
        pd.DataFrame(sites[common]), pd.DataFrame(parcels[common]), check_exact=True
    )
    assert sites["place_among_parcels"].equals(parcels["rank"].rename("place_among_parcels"))
    assert sites["status"].tolist()[-1] == "excluded"
    # among each other
    assert (
        sites["rank"].fillna(0).tolist()
        == parcels["score"].rank(ascending=False).fillna(0).astype(int).tolist()
    )


def test_a_place_among_the_parcels_is_one_more_than_those_that_score_better(town, tmp_path):
    rows = [["navn", "x", "y"], *((f"S{x}", *utm(x, 140)) for x in (30, 333, 777, 1234))]
    result = run(town(listed(tmp_path, rows)))
    scores = result.parcels["score"]
    for _, site in result.sites.parcels.iterrows():
        assert site["place_among_parcels"] == 1 + (scores > site["score"] + 1e-9).sum()


def test_what_a_place_does_not_tell_is_missing_and_never_zero(town, tmp_path):
    rows = [["navn", "x", "y"], ("Torget", *utm(200, 140))]
    result = run(town(listed(tmp_path, rows), criterion=[NOISE]))
    site = result.sites.parcels.loc["Torget"]
    assert site["status"] == "missing_data"
    assert site["reasons"] == "no_value: stoy"
    assert pd.isna(site["place_among_parcels"])
    assert result.parcels["score"].notna().all()
    path = outlines(tmp_path, [box(200, 135, 230, 175)], kode=["A"])
    result = run(town(path, {"id": "kode"}, criterion=[NOISE]))
    assert result.sites.parcels["reasons"].tolist() == ["no_value: stoy"]


def test_sites_change_nothing_for_the_parcels(town, tmp_path):
    rows = [["navn", "x", "y"], ("Torget", *utm(200, 140))]
    with_sites, without = run(town(listed(tmp_path, rows))), run(town())
    pd.testing.assert_frame_equal(
        pd.DataFrame(with_sites.parcels), pd.DataFrame(without.parcels), check_exact=True
    )
    assert without.sites is None
    assert without.side_by_side.empty


def test_a_site_is_explained_against_the_mean_of_the_parcels(town, tmp_path):
    rows = [["navn", "x", "y"], ("Torget", *utm(200, 140))]
    result = run(town(listed(tmp_path, rows)))
    one, site = result.explain("Torget"), result.sites.parcels.loc["Torget"]
    assert one.facts["mean_score"] == pytest.approx(result.parcels["score"].mean())
    rest = one.criteria["difference"].sum() + one.mean_deduction - one.deduction
    assert rest == pytest.approx(site["score"] - one.facts["mean_score"], abs=1e-9)
    place = site["place_among_parcels"]
    text = result.explain_text("Torget", "nb")
    assert f"ville vært nr. {place} blant 15 vurderte eiendommer" in text
    assert f"would be no. {place} among 15 assessed parcels" in result.explain_text("Torget", "en")


# --- sites.csv --------------------------------------------------------------------------------

EVIL = '=HYPERLINK("http://x") <script>alert(1)</script>'


@pytest.mark.parametrize("language", ["nb", "en"])
def test_sites_stand_side_by_side_in_a_table_for_the_office(town, tmp_path, language):
    rows = [["navn", "x", "y"], ("Torget", *utm(203, 140)), (EVIL, *utm(800, 140))]
    result = run(town(listed(tmp_path, rows), language=language))
    written, names = result.write(tmp_path / "out"), result.criteria["label"]
    path = tmp_path / "out/sites.csv"
    assert path in written
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") == (language == "nb")
    mark, comma = (";", ",") if language == "nb" else (",", ".")
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file, delimiter=mark))
    head, body = table[0], {cells[0]: cells[1:] for cells in table[1:]}
    # nothing begins a formula; markup is text and stays as it is
    assert head == [words(language)["column.fact"], "Torget", f"'{EVIL}"]

    def told(column):
        return body[column_alias(column, {"grocery": names["grocery"]}, language)]

    assert told("label") == ["Torget", f"'{EVIL}"]
    for cells in table:
        assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
    score = result.sites.parcels["score"]
    assert told("score") == [f"{number:.2f}".replace(".", comma) for number in score]
    assert told("rank") == ["1", "2"]
    place = result.sites.parcels["place_among_parcels"]
    assert told("place_among_parcels") == [str(number) for number in place]
    assert told("grocery_service") == ["Butikken", "Butikken"]
    cells = {cell for row in table for cell in row}
    assert not cells & {"nan", "NaN", "None", "<NA>", "{}"}


def test_sites_are_a_layer_of_the_geopackage(town, tmp_path):
    rows = [["navn", "x", "y"], (EVIL, *utm(203, 140))]
    result = run(town(listed(tmp_path, rows)))
    result.write(tmp_path / "out")
    better = (result.parcels["score"] > result.sites.parcels["score"].iloc[0]).sum()
    layer = gpd.read_file(tmp_path / "out/suitability.gpkg", layer="sites")
    assert layer["parcel_id"].tolist() == [EVIL]
    assert layer["score"].tolist() == pytest.approx(result.sites.parcels["score"].tolist())
    assert layer["place_among_parcels"].tolist() == [1 + better]
