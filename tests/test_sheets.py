"""Site sheets: one page for each area and site, with what a start-up meeting needs."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from shapely import Point

import conftest
import reports
from arealstrategi.areas import INSTRUMENTS
from arealstrategi.export.report import pdf, site_sheets, write
from arealstrategi.export.report.blocks import Bullets, Facts, Figure, Heading, Pair, Table
from arealstrategi.export.report.html import as_html
from arealstrategi.export.report.sheet_parts import Subject, met_shares
from reports import NB, Page


@pytest.fixture(scope="module")
def tables():
    return reports.report_tables()


@pytest.fixture(scope="module")
def document(tables):
    return site_sheets(tables)


def sheet(document, name):
    """Return the blocks of one sheet, those side by side after each other."""
    blocks = list(document.blocks)
    start = next(i for i, b in enumerate(blocks) if isinstance(b, Heading) and b.text == name)
    later = [
        i for i, b in enumerate(blocks) if isinstance(b, Heading) and b.level == 2 and i > start
    ]
    own = blocks[start : later[0] if later else None]
    return [one for b in own for one in ([*b.left, *b.right] if isinstance(b, Pair) else [b])]


def facts(document, name):
    (told,) = [b for b in sheet(document, name) if isinstance(b, Facts)]
    return {term: re.sub(r"\s", " ", said) for term, said in told.pairs}


def said(document, name):
    return [item for b in sheet(document, name) if isinstance(b, Bullets) for item in b.items]


def reach(document, name):
    (table,) = [b for b in sheet(document, name) if isinstance(b, Table)]
    return [[getattr(c, "text", c) for c in row] for row in table.rows]


def test_there_is_a_sheet_for_each_site_and_each_area(document):
    assert list(document.anchors) == ["Tomt Gate p2", "Område A1"]


def test_an_area_tells_its_score_land_plan_owner_and_instrument(document):
    told = facts(document, "Område A1")
    assert told["Poeng"] == "81,7 av 100, svært egnet"
    assert told["Areal"] == "30,0 daa"
    assert told["Boliger (anslag)"] == "120, over grensen på 15 for krav om fellesareal"
    assert told["Kommunal grunn"] == "delvis, 33 %"
    assert told["Planstatus"] == "ikke kjent"
    assert told["Virkemiddel"] == NB[f"instrument.{INSTRUMENTS['partly', 'unknown']}"]
    assert told["Eiendommer"] == "3: Gate p0, Gate p1, Gate p2"


def test_a_site_tells_its_place_among_all_parcels_and_the_instrument_that_follows(document):
    told = facts(document, "Tomt Gate p2")
    assert told["Poeng"] == "57,5 av 100, egnet"
    assert told["Plass blant eiendommene"] == "3 av 4"
    assert told["Virkemiddel"] == NB[f"instrument.{INSTRUMENTS['no', 'unknown']}"]


def test_the_reach_table_is_measured_from_the_best_parcel_with_the_span_of_all(document):
    grocery, doctor = reach(document, "Område A1")
    assert grocery[:5] == ["1", "Dagligvare", "uten navn", "2", "2–8"]
    assert grocery[5:7] == ["120", "45 m bratt"]
    assert re.sub(r"\s", " ", grocery[7]) == "100 %"
    assert doctor[1:5] == ["Lege", "uten navn", "<1", "0–9"]
    assert doctor[6] == ""  # 99 m without light are not worth a line, and are of the grocery


def test_what_has_to_be_clarified_follows_from_the_tables(document, tables):
    asked = said(document, "Område A1")
    for key in ("plan", "form"):
        assert NB[f"sheet.ask.{key}"] in asked
    assert "Samarbeid mellom eierne av 3 eiendommer" in asked
    assert "Fellesareal: anslaget på 120 boliger utløser krav" in asked
    assert "Gangveien: 45 m bratt til Dagligvare" in asked
    assert "Ingen treff for: Flom." in asked
    assert NB["sheet.ask.owner"] not in asked
    assert len(tables.areas) == 1


def test_a_site_that_is_hit_or_not_mapped_or_not_assessed_says_so(tables):
    sites = tables.parcels.loc[["p4", "p5"]].assign(
        rank=pd.NA, place_among_parcels=pd.NA, geometry=[Point(450, 50), Point(550, 50)]
    )
    sites.loc["p5", "area_m2"] = float("nan")
    given = replace(tables.sites, parcels=sites, findings=tables.findings)
    document = site_sheets(replace(tables, sites=given))
    assert facts(document, "Tomt Gate p4")["Poeng"] == "utelukket"
    assert (
        re.sub(r"\s", " ", said(document, "Tomt Gate p4")[0])
        == "Flom: 25,0 % av arealet (utelukker)"
    )
    assert facts(document, "Tomt Gate p5")["Poeng"] == "ikke vurdert"
    assert facts(document, "Tomt Gate p5")["Areal"] == "ikke kjent"
    assert "Flom: ikke kartlagt her" in said(document, "Tomt Gate p5")
    assert "Kartlegging: Flom" in said(document, "Tomt Gate p5")
    # a point is not the parcel of its name, so nothing is told of the ways of that parcel
    (table,) = [b for b in sheet(document, "Tomt Gate p4") if isinstance(b, Table)]
    assert NB["sheet.way"] not in [column.title for column in table.columns]


def test_the_share_that_a_constraint_meets_is_that_of_the_whole_area(tables):
    part = tables.parcels.iloc[3:5]
    findings = tables.findings.iloc[:1]
    one = Subject("x", part.iloc[0], part, part.iloc[0], findings, is_area=True)
    assert met_shares(one, "hit") == {"Flom": pytest.approx(0.125)}  # a quarter of one of two


def test_every_sheet_has_a_map_with_words(document):
    for name in document.anchors:
        (figure,) = [b for b in sheet(document, name) if isinstance(b, Figure)]
        assert figure.image.startswith(b"\x89PNG")
        assert name in figure.alt


def test_without_areas_and_sites_it_is_said_that_there_are_no_sheets(tables):
    bare = replace(tables, areas=tables.areas.iloc[:0], sites=None)
    assert NB["sheet.none"] in Page(as_html(site_sheets(bare))).text


def pages_of(path):
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", path.read_bytes()))


@pytest.mark.browser
def test_each_sheet_is_one_page_of_paper_and_clean_for_screen_readers(
    document, tmp_path, browser_page, axe
):
    write(tmp_path / "sheets.html", document)
    browser_page.goto((tmp_path / "sheets.html").as_uri())
    assert axe(browser_page) == []
    assert browser_page.console_errors == []
    browser_page.pdf(path=tmp_path / "printed.pdf", prefer_css_page_size=True)
    assert pages_of(tmp_path / "printed.pdf") == 1 + len(document.anchors)


def test_each_sheet_is_one_page_of_the_pdf(document, tmp_path):
    if not pdf.is_there():
        conftest.absent("typst is not installed")
    write(tmp_path / "sheets.pdf", document)
    assert pages_of(tmp_path / "sheets.pdf") == 1 + len(document.anchors)
