"""The report: what it says is what the tables say, in one file that asks for nothing."""

import base64
import hashlib
import re
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import arealstrategi as ars
import conftest
import reports
from arealstrategi.errors import OutputError, StrategyError
from arealstrategi.explanation import ScoreModel
from arealstrategi.export import labels
from arealstrategi.export.report import (
    front,
    pdf,
    reaching,
    report,
    write,
)
from arealstrategi.export.report.blocks import MOST_CHARACTERS, Bullets, Table, Text, plain
from arealstrategi.export.report.html import as_html
from arealstrategi.result.reporting import report_tables
from arealstrategi.sources.demo import write_demo
from arealstrategi.strategy import catalogue_entries
from reports import NB, Page

EN = labels.words("en")
HOSTILE = (
    "<script>alert(1)</script> \"'`${7*7} ]#panic(1) $x$ \\u0000 \ud800 &amp; Ærø " + "x" * 10_000
)
EVENT = re.compile(r"^on", re.IGNORECASE)


@pytest.fixture(scope="module")
def tables():
    return reports.report_tables()


@pytest.fixture(scope="module")
def document(tables):
    return report(tables)


@pytest.fixture(scope="module")
def html(document):
    return as_html(document)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.fixture
def typst():
    if not pdf.is_there():
        conftest.absent("typst is not installed")


def made_hostile(table):
    """Return a table in which every text that comes from data is hostile; keys stay as they are."""
    kept = {
        "parcel_id", "category", "status", "class", "municipal", "group", "best_parcel", "parcels",
        "plan_readiness", "instrument", "answer", "effect", "by", "method", "of", "part", "kind",
        "constraint", "service_id", "reasons",
    }  # fmt: skip
    named = [
        name for name in table if pd.api.types.is_string_dtype(table[name]) and name not in kept
    ]
    return table.assign(**dict.fromkeys(named, HOSTILE))


def hostile_tables():
    tables = reports.report_tables()
    told = {
        one.name: made_hostile(getattr(tables, one.name))
        for one in fields(tables)
        if isinstance(getattr(tables, one.name), pd.DataFrame)
        and one.name not in ("answers", "rules", "findings")
    }
    read = replace(tables.reports[0], source=HOSTILE, licence=HOSTILE, date=HOSTILE, role=HOSTILE)
    return replace(
        tables,
        **told,
        title=HOSTILE,
        place=replace(tables.place, name=HOSTILE),
        notes=(HOSTILE,),
        groups=dict.fromkeys(tables.groups, HOSTILE),
        people=replace(
            tables.people,
            in_reach=tables.people.in_reach.assign(zone=["", HOSTILE, ""]),
            weightings=tables.people.weightings.assign(source=HOSTILE),
        ),
        sites=replace(tables.sites, parcels=made_hostile(tables.sites.parcels)),
        rules=tables.rules.assign(name=HOSTILE),
        answers=tables.answers.set_axis([HOSTILE], axis=1),
        findings=tables.findings.assign(constraint=HOSTILE),
        scenarios=((HOSTILE, tables.scenarios[0][1]),),
        reports=(read,),
        warnings=(HOSTILE,),
    )


@pytest.fixture(scope="module")
def hostile():
    return report(hostile_tables())


def rows_of(document, caption):
    (table,) = [b for b in document.blocks if isinstance(b, Table) and b.caption == caption]
    return [[re.sub(r"\s", " ", getattr(cell, "text", cell)) for cell in row] for row in table.rows]


def test_the_page_holds_all_it_shows_and_asks_for_nothing(page):
    assert "script" not in page.elements
    assert "style" not in {name for _, name, _ in page.attributes}
    assert not [name for _, name, _ in page.attributes if EVENT.match(name)]
    asked = [
        value for _, name, value in page.attributes if name in ("src", "href", "data", "action")
    ]
    assert asked
    assert all(value.startswith(("data:image/", "#")) for value in asked)
    assert "http-equiv" in {name for _, name, _ in page.attributes}


def test_the_policy_lets_in_the_one_style_sheet_by_its_hash(html):
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1]
    assert f"style-src &#39;sha256-{digest}&#39;" in policy
    assert policy.startswith("default-src &#39;none&#39;")
    assert "unsafe" not in policy


def test_the_same_tables_give_the_same_bytes(tables, tmp_path):
    for name in ("one.html", "two.html"):
        write(tmp_path / name, report(tables))
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_every_picture_has_words_for_those_who_do_not_see_it(page):
    pictures = page.elements.count("img")
    alts = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert pictures == len(alts) >= 6
    assert all(len(alt) > 20 for alt in alts)
    assert any("svært egnet: 2" in alt for alt in alts)


def test_the_counts_are_those_of_the_table(tables, page):
    counts = front.class_counts(tables)
    parcels = tables.parcels
    for code in labels.CLASS_COLOURS:
        own = parcels[(parcels["class"] == code) & (parcels["status"] == "assessed")]
        assert counts.loc[code, "parcels"] == len(own)
        assert counts.loc[code, "area_m2"] == own["area_m2"].sum()
    assert counts.loc["excluded", "parcels"] == counts.loc["missing_data", "parcels"] == 1
    assert counts["parcels"].sum() == len(parcels)
    assert "2 av 4 vurderte eiendommer er svært egnet og 1 er egnet" in page.text
    assert "Utelukket: 1. Ikke vurdert: 1." in page.text


def test_the_points_of_the_groups_add_up_to_the_score_of_the_area(tables):
    points = reaching.group_points(tables.parcels, tables.areas, tables.model)
    assert points is not None
    # p0, p1, p2 are equally large: 75 × their mean value of grocery, 25 × that of doctor
    assert points.loc["A1", "daily"] == pytest.approx(75 * (1.0 + 0.9 + 0.6) / 3)
    assert points.loc["A1", "health"] == pytest.approx(25 * (1.0 + 0.8 + 0.5) / 3)
    assert points.sum(axis=1)["A1"] == pytest.approx(tables.areas["score"]["A1"])


def test_points_that_are_no_shares_of_a_sum_are_not_drawn_as_such(tables):
    model = ScoreModel(tables.model.criteria, method="geometric")
    assert reaching.group_points(tables.parcels, tables.areas, model) is None
    text = Page(as_html(report(replace(tables, model=model)))).text
    assert NB["report.contributions"] not in text
    assert "Geometrisk snitt" in text


walks = st.lists(
    st.tuples(st.sampled_from(["known", "unreached", "unknown"]), st.floats(1, 60)),
    min_size=1, max_size=9,
)  # fmt: skip


@given(walks)
def test_the_middle_parcel_counts_out_of_reach_as_farthest_and_unknown_as_unknown(told):
    parcels = pd.DataFrame(
        {
            "x_walk_min": [walk if kind == "known" else np.nan for kind, walk in told],
            "x_value": [np.nan if kind == "unknown" else 0.0 for kind, _ in told],
        }
    )
    said = reaching.of_many(parcels, "x", NB)
    known = sorted(walk if kind == "known" else np.inf for kind, walk in told if kind != "unknown")
    if len(known) * 2 <= len(told):
        assert said == "?"
    else:
        middle = (known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2
        assert said == ("–" if np.isinf(middle) else f"{middle:.0f}")


def test_unknown_unreached_and_near_have_each_their_own_sign(tables, page):
    said = [reaching.of_one(row, reports.GROCERY, NB) for _, row in tables.parcels.iterrows()]
    assert said == ["2", "4", "8", "–", "3", "?"]
    assert reaching.of_one(tables.parcels.loc["p0"], reports.DOCTOR, NB) == "<1"
    assert reaching.span(tables.parcels.iloc[:3], reports.GROCERY, NB) == "2–8"
    assert reaching.span(tables.parcels.iloc[:4], reports.GROCERY, NB) == "2––"
    assert reaching.span(tables.parcels.iloc[5:], reports.GROCERY, NB) == "?"
    assert "– betyr at ingen kan nås" in page.text


def test_what_constraints_met_is_counted_and_not_mapped_is_not_safe(tables, document, page):
    told = rows_of(document, NB["report.rules_caption"])
    assert told == [["Flom", "utelukker", "1", "0", "1", "4"]]
    assert "Ikke kartlagt er ikke det samme som trygt" in page.text
    bare = replace(
        tables,
        rules=tables.rules.iloc[:0],
        answers=tables.answers[[]],
        findings=tables.findings.iloc[:0],
    )
    assert NB["report.limit.no_rules"] in Page(as_html(report(bare))).text


def test_reasons_are_told_in_words(document):
    told = rows_of(document, NB["report.reasons_caption"])
    assert sorted(told) == [["Flom", "1", "0"], ["Mangler verdi: Dagligvare", "0", "1"]]


def test_without_a_population_it_is_said_that_none_was_given(tables):
    people = replace(tables.people, in_reach=pd.DataFrame())
    text = Page(as_html(report(replace(tables, people=people)))).text
    assert NB["report.people_none"] in text


def test_a_share_of_residents_that_is_not_known_is_not_zero(document):
    told = rows_of(document, NB["report.people_zones"])
    assert told == [["Sentrum", "62 %"], ["utenfor delområdene", "–"]]
    told = rows_of(document, NB["report.people_caption"])
    assert told == [["Dagligvare", "400 m", "50 %"]]


def test_inputs_stand_with_date_and_licence_and_without_their_folder(document, page):
    told = rows_of(document, NB["report.inputs_caption"])
    assert told == [["Eiendommer", "teig.gpkg", "lagret 01.03.2026", "CC BY 4.0"]]
    assert "/hjem/kari" not in page.text
    assert rows_of(document, NB["report.repairs_caption"]) == [["flater rettet", "Eiendommer", "3"]]


def test_warnings_are_translated_and_those_that_are_not_known_are_marked_as_english(document):
    lists = [b for b in document.blocks if isinstance(b, Bullets)][-2:]
    assert lists[0].items == ("4 av 6 eiendommer ligger for langt fra nærmeste gangvei",)
    assert lists[0].language == ""
    assert lists[1].items == ("something unheard of",)
    assert lists[1].language == "en"


def test_the_reasons_of_the_catalogue_are_said_in_both_languages():
    entries = catalogue_entries(asked=["bench", "centre"])
    assert {f"why.{key}" for key in entries} == {key for key in EN if key.startswith("why.")}
    for key, entry in entries.items():
        assert EN[f"why.{key}"] == entry["reason"]
        assert NB[f"why.{key}"] != entry["reason"]


def test_hostile_text_is_shown_as_text_and_cut(hostile):
    page = Page(as_html(hostile))
    assert "script" not in page.elements
    assert not [name for _, name, _ in page.attributes if EVENT.match(name)]
    assert page.text.count("<script>alert(1)</script>") > 20
    assert "x" * 2000 not in page.text
    assert "\ud800" not in page.text


@pytest.mark.usefixtures("typst")
def test_hostile_text_is_no_markup_in_the_pdf(hostile, tmp_path):
    write(tmp_path / "report.pdf", hostile)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")  # `#panic(1)` was not run


@given(st.text(st.characters(codec=None), max_size=600))
def test_a_plain_text_can_be_encoded_and_is_no_longer_than_asked(text):
    shown = plain(text)
    shown.encode("utf-8")
    assert len(shown) <= MOST_CHARACTERS
    assert not re.search(r"[\x00-\x1f]", shown)
    assert plain(shown) == shown


@pytest.mark.usefixtures("typst")
def test_a_pdf_is_tagged_for_screen_readers(document, tmp_path):
    write(tmp_path / "report.pdf", document)
    told = (tmp_path / "report.pdf").read_bytes()
    assert b"/MarkInfo" in told or b"/StructTreeRoot" in told
    assert b"pdfuaid" in told


def test_without_typst_a_strategy_that_asks_for_pdf_says_what_to_install(
    document, monkeypatch, tmp_path
):
    monkeypatch.setattr(pdf, "is_there", lambda: False)
    asked = {"parcels": {"source": "teig.gpkg"}, "output": {"pdf": True}}
    with pytest.raises(StrategyError, match=r"output\.pdf.*pip install .*arealstrategi\[pdf\]"):
        ars.Strategy.build(asked)
    with pytest.raises(OutputError, match="typst"):
        write(tmp_path / "x.pdf", document)
    assert ars.Strategy.build({"parcels": {"source": "teig.gpkg"}}).output.pdf is False


def test_a_report_without_areas_sites_scenarios_and_robustness_says_so(tables):
    bare = replace(
        tables, areas=tables.areas.iloc[:0], sites=None, scenarios=(), robustness=None, notes=(),
        parcels=tables.parcels.drop(columns=["rank_p05", "rank_p95", "top_share"]),
        top=tables.top.drop(columns=["rank_p05", "rank_p95", "top_share"]), warnings=(),
    )  # fmt: skip
    text = Page(as_html(report(bare))).text
    for key in ("lead_no_areas", "certainty_off", "no_warnings"):
        assert NB[f"report.{key}"] in text


def test_a_report_where_nothing_was_assessed_says_so(tables):
    parcels = tables.parcels.assign(
        status="missing_data", score=np.nan, reasons="outside_extract", score_if_allowed=np.nan,
        **{"class": pd.Series(np.nan, tables.parcels.index, dtype=object)},
        rank=pd.Series(pd.NA, tables.parcels.index, dtype="Int64"),
    )  # fmt: skip
    nothing = replace(
        tables, parcels=parcels, areas=tables.areas.iloc[:0], top=tables.top.iloc[:0],
        sites=None, scenarios=(), robustness=None,
    )  # fmt: skip
    assert NB["report.lead_none"] in Page(as_html(report(nothing))).text


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """The demo for the public, with weights that named people gave."""
    folder = tmp_path_factory.mktemp("demo")
    path = write_demo(folder)
    text = path.read_text(encoding="utf-8").replace(
        "\n[output]",
        '\n[robustness]\ndraws = 100\ndistance_draws = 10\n[[weighting]]\nmethod = "ahp"\n'
        'source = "Eldrerådet"\nitems = ["social", "daily", "health"]\n'
        'person = [{ name = "Ola Hemmelig", upper = [[9, 9], [0.2]] }]\n[output]',
    )
    path.write_text(text + 'audience = "public"\n', encoding="utf-8")
    return folder, ars.run(ars.Strategy.read(path))


def test_the_public_is_not_told_who_gave_the_weights_nor_where_files_lay(public):
    folder, result = public
    html = as_html(report(report_tables(result)))
    text = Page(html).text
    for secret in ("Hemmelig", "Eldrerådet", str(folder), NB["report.weights"]):
        assert secret not in text
    output = result.strategy.output.model_copy(update={"audience": "internal"})
    strategy = result.strategy.model_copy(update={"output": output})
    inside = report_tables(replace(result, strategy=strategy, weights=strategy.weigh([])))
    assert set(inside.criteria["source"]) >= {"Eldrerådet"}
    assert inside.people.weightings["source"].tolist() == ["Eldrerådet"]


def test_every_section_and_warning_of_the_demo_is_norwegian(public):
    document = report(report_tables(public[1]))
    headings = list(document.anchors)
    assert headings[:3] == [NB["report.summary"], NB["report.areas"], NB["report.reach"]]
    spoken = [b.language for b in document.blocks if isinstance(b, Bullets | Text)]
    assert set(spoken) == {""}


@pytest.mark.browser
def test_screen_readers_get_a_clean_page(document, tmp_path, browser_page, axe):
    write(tmp_path / "report.html", document)
    browser_page.goto((tmp_path / "report.html").as_uri())
    assert axe(browser_page) == []
    browser_page.set_viewport_size({"width": 390, "height": 844})
    assert axe(browser_page) == []
    assert browser_page.console_errors == []


@pytest.mark.browser
def test_a_hostile_page_runs_nothing_and_stays_within_its_width(hostile, tmp_path, browser_page):
    write(tmp_path / "report.html", hostile)
    browser_page.on("dialog", lambda _: pytest.fail("a script ran"))
    browser_page.goto((tmp_path / "report.html").as_uri())
    assert browser_page.console_errors == []
    width = browser_page.evaluate("document.documentElement.scrollWidth")
    assert width <= browser_page.evaluate("window.innerWidth")
