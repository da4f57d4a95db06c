"""Every text of a whole town is hostile: each output shows it as text, and nothing runs or asks."""

import csv
import html
import json
import re
import sqlite3
from contextlib import closing
from xml.etree import ElementTree as ET

import openpyxl
import pyogrio
import pytest

from hostile import SURROGATE, TEXTS, beginning

PAGES = "map.html", "report.html", "site_sheets.html"
RAN = "window.bad !== undefined"
# what a text would have become if it were taken as more than text
ESCAPED = """[...document.querySelectorAll('*')].filter((e) =>
  (e.tagName === 'IMG' && e.getAttribute('src') === 'x')
  || [...e.attributes].some((a) => a.name.startsWith('on'))
  || /^javascript:/i.test(e.getAttribute('href') || '')).map((e) => e.outerHTML.slice(0, 200))"""


def opened(browser_page, url):
    """Open a page and count what it asks for."""
    browser_page.asked = []
    browser_page.on("request", lambda request: browser_page.asked.append(request.url))
    browser_page.on("dialog", lambda dialog: browser_page.console_errors.append(dialog.message))
    browser_page.goto(url)
    return browser_page


def is_harmless(page, url) -> None:
    for frame in page.frames:
        assert not frame.evaluate(RAN), frame.url
        assert frame.evaluate(ESCAPED) == []
    asked = [one for one in page.asked if not one.startswith(("data:", "blob:", "about:"))]
    assert asked == [url]
    assert page.console_errors == []


def seen(page) -> str:
    return " ".join(page.evaluate("document.body.innerText").split())


def test_every_page_that_is_written_is_looked_at(hostile_town):
    _, folder = hostile_town
    assert {path.name for path in folder.glob("**/*.html")} == set(PAGES)


@pytest.mark.browser
@pytest.mark.parametrize("name", ["report.html", "site_sheets.html"])
def test_a_hostile_text_is_read_as_text_on_paper(hostile_town, browser_page, name):
    url = (hostile_town[1] / name).as_uri()
    page = opened(browser_page, url)
    is_harmless(page, url)
    text = seen(page)
    for hostile in TEXTS[:-1]:
        assert beginning(hostile) in text, hostile


@pytest.mark.browser
def test_a_hostile_text_is_read_as_text_in_every_part_of_the_map(hostile_town, browser_page):
    url = (hostile_town[1] / "map.html").as_uri()
    page = opened(browser_page, url)
    page.wait_for_selector(".ars-panel[data-ready]", timeout=30_000)
    texts = [seen(page)]
    for tab in page.query_selector_all("[role=tab]"):
        tab.click()
        texts.append(seen(page))
    page.query_selector("[role=tab]").click()
    for button in page.query_selector_all(".ars-top button[data-parcel]"):
        button.click()
        texts.append(seen(page))
    is_harmless(page, url)
    text = " ".join(texts)
    for hostile in TEXTS:
        assert beginning(hostile) in text, hostile


@pytest.mark.browser
def test_every_button_of_the_map_can_be_pressed_among_hostile_texts(hostile_town, browser_page):
    url = (hostile_town[1] / "map.html").as_uri()
    page = opened(browser_page, url)
    page.wait_for_selector(".ars-panel[data-ready]", timeout=30_000)
    for tab in page.query_selector_all("[role=tab]"):
        tab.click()
        for button in page.query_selector_all("main button:not([role=tab]):not([data-parcel])"):
            if button.is_visible() and button.is_enabled():
                button.click()
                page.keyboard.press("Escape")
    page.focus(".folium-map")
    page.keyboard.press("Enter")
    is_harmless(page, url)


@pytest.mark.browser
def test_a_hostile_text_in_the_address_of_the_map_is_harmless(hostile_town, browser_page):
    for text in (*TEXTS[:-1], "%F0%", "p=" + "9" * 400, "w=" + "1e999," * 50):
        url = (hostile_town[1] / "map.html").as_uri() + f"#{text}"
        page = opened(browser_page, url)
        page.wait_for_selector(".ars-panel[data-ready]", timeout=30_000)
        assert not page.evaluate(RAN)
        assert page.console_errors == []


@pytest.mark.browser
def test_a_hostile_text_is_text_in_a_notebook(hostile_town, browser_page, tmp_path):
    result, _ = hostile_town
    shown = [result.map(), result.parcels.head(20), result.services.head(20), result]
    parts = [getattr(one, "_repr_html_", lambda one=one: html.escape(repr(one)))() for one in shown]
    notebook = tmp_path / "notebook.html"
    page_text = f"<!doctype html><title>x</title>{''.join(parts)}"
    notebook.write_text(page_text, encoding="utf-8", errors="replace")
    page = opened(browser_page, notebook.as_uri())
    page.frames[-1].wait_for_selector(".ars-panel[data-ready]", timeout=30_000)
    is_harmless(page, notebook.as_uri())


def test_no_cell_of_a_hostile_list_is_a_formula(hostile_town):
    _, folder = hostile_town
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for row in csv.reader(file, delimiter=";") for cell in row]
        assert not [cell for cell in cells if re.match(r"[=+@\t\r]|-\D", cell)]
        told = " ".join(" ".join(cells).split())
        for hostile in TEXTS:
            assert beginning(hostile) in told, (path.name, hostile)


def test_no_cell_of_a_hostile_workbook_is_a_formula_or_a_link(hostile_town):
    _, folder = hostile_town
    books = list(folder.glob("*.xlsx"))
    assert books
    for path in books:
        book = openpyxl.load_workbook(path)
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert not [cell.value for cell in cells if cell.data_type == "f" or cell.hyperlink]
        told = " ".join(" ".join(str(cell.value) for cell in cells).split())
        for hostile in TEXTS:
            assert beginning(hostile) in told, hostile


def test_hostile_texts_come_back_from_the_geopackage(hostile_town):
    result, folder = hostile_town
    path = folder / "suitability.gpkg"
    services = pyogrio.read_dataframe(path, layer="services", read_geometry=False)
    told = set(services["name"])
    whole = [name for name in result.services["name"] if SURROGATE not in name]
    assert len(whole) >= 10
    assert told >= set(whole)
    parcels = pyogrio.read_dataframe(path, layer="parcels", read_geometry=False)
    assert set(parcels["parcel_id"]) == set(result.parcels.index)


def test_a_hostile_text_is_no_markup_in_a_style_of_the_geopackage(hostile_town):
    path = hostile_town[1] / "suitability.gpkg"
    with closing(sqlite3.connect(path)) as database:
        styles = database.execute("select f_table_name, styleQML from layer_styles").fetchall()
    assert {"parcels", "services", "constraints"} <= {name for name, _ in styles}
    for name, style in styles:
        tags = {element.tag.lower() for element in ET.fromstring(style).iter()}  # noqa: S314
        assert not tags & {"script", "img", "svg", "i", "b", "style", "title"}, name


def test_run_json_of_a_hostile_town_can_be_read(hostile_town):
    told = json.loads((hostile_town[1] / "run.json").read_text(encoding="utf-8"))
    names = [rule["name"] for rule in told["strategy"]["constraint"]]
    assert all(name.startswith(text) for name, text in zip(names, TEXTS, strict=True))
