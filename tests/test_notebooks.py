"""Notebooks are kept clean and run on any strategy after one cell has changed."""

import tomllib
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from street import box as plot
from street import write_plots, write_street, write_zones

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
NUMBERS = ("01", "02", "03", "04")
HOSTILE = "<script>window.bad=1</script><img src=x onerror=window.bad=1>$\\frac`${bad}"
PLACES = [
    (100, 130, {"shop": "supermarket", "name": HOSTILE}),
    (1200, 130, {"shop": "supermarket", "name": "Butikk"}),
    (400, 130, {"amenity": "doctors", "name": HOSTILE[::-1]}),
    (900, 120, {"highway": "bus_stop", "name": "</script>"}),
    (300, 120, {"amenity": "library", "name": "javascript:alert(1)"}),
]


def notebook(number):
    (path,) = (path for path in NOTEBOOKS if path.name.startswith(number))
    return nbformat.read(path, as_version=4)


def to_change(book):
    return [cell for cell in book.cells if "parameters" in cell.metadata.get("tags", [])]


# ---- how they are kept ----


def test_there_are_the_four_notebooks():
    assert [path.name[:2] for path in NOTEBOOKS] == list(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_notebook_is_valid_and_kept_without_outputs(number):
    book = notebook(number)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count]


@pytest.mark.parametrize("number", NUMBERS)
def test_exactly_one_cell_is_marked_to_be_changed_and_it_is_the_first_code(number):
    book = notebook(number)
    (marked,) = to_change(book)
    assert marked is next(cell for cell in book.cells if cell.cell_type == "code")
    namespace = {}
    exec(marked.source, namespace)  # noqa: S102 - our own notebook
    assert {name for name in namespace if name[0] != "_"} == {"own"}
    assert namespace["own"] is None, "as it stands a notebook runs on the demo"


@pytest.mark.parametrize("number", NUMBERS)
def test_no_other_cell_knows_of_the_demo_but_to_stand_in_for_it(number):
    lines = [line for cell in notebook(number).cells for line in cell.source.splitlines()]
    known = [line for line in lines if "write_demo" in line and not line.startswith("from ")]
    assert known == ["own = own or write_demo(Path(tempfile.mkdtemp()))"]


# ---- they run on a town whose every name is hostile ----


@pytest.fixture
def town(tmp_path, write_osm):
    """A street with five places, 24 plots and a flood zone; every text would run if it could."""
    write_street(write_osm, PLACES)
    names = {f"{HOSTILE} {at}": at for at in range(20, 1460, 60)}
    write_plots(tmp_path / "plots.gpkg", names)
    write_zones(tmp_path / "flood.gpkg", flood=plot(60, 130, 100, 160))
    strategy = tmp_path / "town.toml"
    strategy.write_text(
        f"""
        title = '{HOSTILE}'
        [parcels]
        source = "plots.gpkg"
        id = "parcel_id"
        [osm]
        source = "town.osm.pbf"
        [robustness]
        draws = 100
        distance_draws = 10
        [areas]
        min_area_m2 = 100
        gap_m = 50
        [[constraint]]
        name = '{HOSTILE}'
        source = "flood.gpkg"
        [output]
        dir = "out"
        """,
        encoding="utf-8",
    )
    return strategy


class Shown(HTMLParser):
    """What a page would do: scripts, and attributes that run; frames are looked into."""

    def __init__(self, html):
        super().__init__()
        self.runs, self.inside, self.texts = [], "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.inside = tag
        for name, value in attributes:
            if name == "srcdoc":
                self.runs += Shown(value).runs
            elif name.startswith("on") or (value or "").strip().startswith("javascript:"):
                self.runs.append(value)

    def handle_endtag(self, _):
        self.inside = ""

    def handle_data(self, data):
        (self.runs if self.inside == "script" else self.texts).append(data)


def run_on(told, number, folder, *more):
    """Run a notebook with that one cell changed to `told`; `more` is code that comes after."""
    book = notebook(number)
    (marked,) = to_change(book)
    marked.source = f"own = {told!r}"
    book.cells += [nbformat.v4.new_code_cell(code) for code in more]
    NotebookClient(book, timeout=120, resources={"metadata": {"path": folder}}).execute()
    return book


def pages(book):
    outputs = [out for cell in book.cells for out in cell.get("outputs", [])]
    data = [out.data for out in outputs if "data" in out]
    return [one["text/html"] for one in data if "text/html" in one]


CHECKS = {
    "01": ["assert difference.abs().max() > 1, 'a weight that counts twice moves the scores'"],
    "02": [
        "assert {path.name for path in files} >= {'map.html', 'suitability.gpkg', 'ranking.csv'}",
        "assert folder == source.parent / 'out' and len(opened) == len(parcels) == 24",
        "assert counts.sum() == 24 and counts['excluded'] > 0",
    ],
    "03": [
        "assert compared.parcels['score_change'].abs().max() > 1, 'other weights, other scores'",
        "assert played[-1].comparison.counts['score_down'] > 0",
        "assert set(played[-1].closed) == set(closing['close']) and len(played[-1].closed) == 1",
    ],
    "04": [
        "assert (results['rollator', 'winter'].parcels['score'] > 0).any()",
        "senior.services[['name', 'category']]",
    ],
}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_notebook_runs_on_another_strategy_and_shows_hostile_names_as_text(town, number):
    # data without a strategy file are enough
    told = tomllib.loads(town.read_text(encoding="utf-8")) if number == "01" else str(town)
    book = run_on(told, number, town.parent, *CHECKS[number])
    shown = [Shown(html) for html in pages(book)]
    assert len(shown) > 3
    runs = " ".join(code for one in shown for code in one.runs)
    assert "window.bad" not in runs
    assert "alert(1)" not in runs
    said = " ".join(text for one in shown for text in one.texts)
    assert "<script>window.bad=1</script>" in said, "the names are there to be seen"


def test_what_looks_for_running_names_finds_them():
    frame = '<iframe srcdoc="&lt;script&gt;bad&lt;/script&gt;"></iframe>'
    assert Shown(frame).runs == ["bad"]
    assert Shown("<img src=x onerror=bad>").runs == ["bad"]
    assert Shown("<a href=' javascript:bad'>").runs == [" javascript:bad"]
    assert Shown("<td>&lt;script&gt;bad</td>").runs == []
