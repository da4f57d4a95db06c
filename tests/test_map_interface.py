"""What people can do with the map in a browser, and that all they see is true."""

import re

import folium
import numpy as np
import pandas as pd
import pytest
import shapely

from arealstrategi.export.labels import CLASS_COLOURS, words
from arealstrategi.scoring import Gate
from maps import (
    HOSTILE,
    WEIGHTS,
    hostile_map,
    judge,
    make_map,
    make_parcels,
    make_services,
    scores_of,
    written,
)

pytestmark = pytest.mark.browser

NB, EN = words("nb"), words("en")
TABS = ("results", "weights", "filters", "layers", "about")
DRAWN = """[...document.querySelectorAll('.leaflet-map-pane canvas')]
    .map(sheet => sheet.toDataURL()).join()"""
PHONE = {"width": 390, "height": 844}


def say(key, text=NB, **values):
    return text[f"map.{key}"].format(**values)


def number(value, digits=0):
    """Write a number as a Norwegian reads it."""
    return f"{value:,.{digits}f}".replace(",", "\u202f").replace(".", ",").replace("-", "−")


def percent(value, digits=0):
    return NB["percent"].format(number=number(value, digits))


class Reader:
    """A browser on one page: what it fetched, what went wrong, and shortcuts to what is read."""

    def __init__(self, page):
        self.page, self.requests, self.complaints = page, [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda n: self.complaints.append(n.text) if n.type == "error" else None)

    def open(self, path, address=""):
        self.page.goto("about:blank")
        self.page.emulate_media(media="screen")
        self.page.set_viewport_size({"width": 1400, "height": 900})
        self.requests.clear()
        self.complaints.clear()
        self.page.goto(path.as_uri() + address)
        self.page.wait_for_selector("main[data-ready]")
        return self

    def tab(self, name):
        self.page.click(f"[data-tab={name}]")

    def find(self, text):
        self.tab("results")
        self.page.fill(".ars-search", text)
        self.page.locator(".ars-hits button").first.click()
        return self.page.locator(".ars-card")

    def listed(self):
        rows = self.page.locator(".ars-top button").all()
        return [
            (r.locator(".ars-label").inner_text(), r.locator(".ars-score").inner_text())
            for r in rows
        ]

    def legend(self):
        rows = self.page.locator(".ars-legend li").all()
        return {
            row.get_attribute("data-shade"): int(
                row.locator(".ars-count").inner_text().replace("\u202f", "")
            )
            for row in rows
        }

    def drag(self, selector, value):
        """Move a slider as a hand does: many small steps, then let go."""
        self.page.evaluate(
            """([selector, value]) => {
                const slider = document.querySelector(selector), from = Number(slider.value);
                for (const share of [0, .3, .6, 1]) {
                    slider.value = from + share * (value - from);
                    slider.dispatchEvent(new Event("input", { bubbles: true }));
                }
                slider.dispatchEvent(new Event("change", { bubbles: true }));
            }""",
            [selector, value],
        )
        self.page.wait_for_timeout(280)


@pytest.fixture(scope="module")
def reader(browser):
    size = {"width": 1400, "height": 900}
    context = browser.new_context(offline=True, viewport=size, reduced_motion="reduce")
    yield Reader(context.new_page())
    context.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("maps")


@pytest.fixture(scope="module")
def parcels():
    return make_parcels()


@pytest.fixture(scope="module")
def path(folder, parcels):
    return written(folder, make_map(parcels))


@pytest.fixture
def opened(reader, path):
    return reader.open(path)


def shown_counts(parcels):
    shade = parcels["class"].where(parcels["status"] == "assessed", parcels["status"])
    counts = shade.value_counts().to_dict()
    names = [*CLASS_COLOURS, "missing_data", "excluded"]
    return {name: counts.get(name, 0) for name in names}


def best(parcels, count=20):
    """Return (label, score) of the best, as the list shows them."""
    order = parcels[parcels["status"] == "assessed"].sort_values("rank", kind="stable").head(count)
    return list(zip(order["label"], [number(score, 1) for score in order["score"]], strict=True))


# ---- the page


def test_the_page_fetches_nothing_and_complains_of_nothing(opened, path):
    page = opened.page
    for name in TABS:
        opened.tab(name)
    opened.find("3907-1/50")
    page.click(".ars-tools button")
    page.locator("[name$=palette]").nth(1).evaluate("(box) => box.click()")
    page.click(".ars-language")
    page.click(".leaflet-control-zoom-out")
    page.click(".ars-home")
    page.wait_for_timeout(400)
    assert opened.requests == [path.as_uri()]
    assert opened.complaints == []


def test_no_state_of_the_page_breaks_a_rule_of_accessibility(opened, axe):
    page = opened.page
    for name in ("weights", "filters", "layers", "about"):
        opened.tab(name)
        page.evaluate("document.querySelector('.ars-unfold[aria-expanded=false]')?.click()")
        assert axe(page) == [], name
    opened.drag("[data-group=social]", 70)
    opened.find("3907-1/50")
    page.click(".ars-tools button")
    assert axe(page) == []
    page.click(".ars-share")
    assert axe(page) == []
    page.keyboard.press("Escape")
    page.click(".ars-language")
    page.set_viewport_size(PHONE)
    assert axe(page) == []
    page.click(".ars-card .ars-close")
    opened.tab("weights")
    assert axe(page) == []


def test_everything_to_press_is_large_enough_for_a_finger(opened):
    page = opened.page
    page.set_viewport_size(PHONE)
    small = """() => [...document.querySelectorAll('button, select, input, summary')]
        .filter(at => at.checkVisibility()).map(at => [at.closest('label') ?? at, at])
        .map(([box, at]) => [at.outerHTML.slice(0, 90), box.getBoundingClientRect()])
        .filter(([, box]) => Math.min(box.width, box.height) < 24).map(([text]) => text)"""
    for name in TABS:
        opened.tab(name)
        assert page.evaluate(small) == [], name
    opened.find("3907-1/50")
    page.click(".ars-tools button")
    assert page.evaluate(small) == []
    page.click(".ars-share")
    assert page.evaluate(small) == []


def test_the_page_can_be_used_with_the_keyboard_alone(opened, parcels):
    page = opened.page
    middle = shapely.box(*parcels.total_bounds).centroid
    centre = parcels.index[parcels.distance(middle).argmin()]
    page.locator(".folium-map").focus()
    page.keyboard.press("Enter")
    assert page.locator(".ars-card h2").text_content() == parcels.loc[centre, "label"]
    assert page.evaluate("document.activeElement.closest('.ars-card') !== null")
    page.keyboard.press("Escape")
    assert page.locator(".ars-card").is_hidden()
    assert page.evaluate("document.activeElement.className").startswith("folium-map")
    page.locator("[data-tab=results]").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.tab") == "weights"
    page.locator("[data-group=social]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert page.locator("[data-group=social]").input_value() == "51"


def test_focus_comes_back_to_the_row_that_opened_the_card(opened):
    page = opened.page
    row = page.locator(".ars-top button").nth(3)
    row.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "H2"
    page.keyboard.press("Escape")
    assert row.evaluate("(at) => at === document.activeElement")


# ---- legend and list


def test_the_legend_counts_the_parcels_of_the_table(opened, parcels):
    assert opened.legend() == shown_counts(parcels)
    assert sum(opened.legend().values()) == len(parcels)


def test_the_list_shows_the_best_and_more_on_demand(opened, parcels):
    assert opened.listed() == best(parcels)
    opened.page.get_by_role("button", name=say("more"), exact=True).click()
    assert opened.listed() == best(parcels, 40)


def test_the_list_can_be_saved_as_a_file_for_a_spreadsheet(reader, folder, parcels):
    table = parcels.copy()
    table.loc["3907-1/17", "label"] = '=HYPERLINK("http://x";1)'
    reader.open(written(folder, make_map(table), "formula.html"))
    with reader.page.expect_download() as download:
        reader.page.click(".ars-csv")
    text = download.value.path().read_bytes().decode("utf-8")
    assert text.startswith("\ufeff")
    read = pd.read_csv(download.value.path(), sep=";", decimal=",", encoding="utf-8-sig")
    expected = table[table["status"] == "assessed"].sort_values("rank", kind="stable")
    assert list(read["Id"]) == list(expected.index)
    np.testing.assert_allclose(read["Poeng"], expected["score"], atol=0.051)
    harmless = read.set_index("Id").loc["3907-1/17", "Eiendom"]
    assert harmless == "'" + table.loc["3907-1/17", "label"]


# ---- the card


def test_a_parcel_shows_the_numbers_of_the_table(opened, parcels):
    order = parcels.sort_values("rank", kind="stable")
    rows = opened.page.locator(".ars-top button")
    for place in (0, 4, 9):
        row = order.iloc[place]
        rows.nth(place).click()
        card = opened.page.locator(".ars-card")
        assert card.locator("h2").text_content() == row["label"]
        assert card.locator(".ars-big").text_content() == number(row["score"], 1)
        assert number(row["area_m2"]) + "\u00a0m²" in card.locator(".ars-facts").text_content()
        band = say("band", low=number(row["rank_p05"]), high=number(row["rank_p95"]))
        assert band in card.locator(".ars-card-top").text_content()
        for key in ("grocery", "cafe"):
            line = card.locator(f'[data-criterion="{key}"]')
            name = "Kiwi" if key == "grocery" else say("unnamed")
            minutes = max(1, round(row[f"{key}_walk_min"]))
            expected = f"{number(row[f'{key}_walk_m'])}\u00a0m · {minutes}\u00a0min · {name}"
            assert line.locator(".ars-row-foot").text_content() == expected
        lacking = card.locator('[data-criterion="worship"] .ars-row-foot')
        assert lacking.text_content() == say("not_found")


def test_value_times_weight_is_points_and_points_add_up_to_the_score(opened, parcels):
    card = opened.find("3907-1/51")
    total = 0.0
    for key, weight in WEIGHTS.items():
        line = card.locator(f'[data-criterion="{key}"] .ars-sum').text_content()
        value, share, points = (float(n.replace(",", ".")) for n in re.findall(r"[\d,]+", line))
        assert value == pytest.approx(parcels.loc["3907-1/51", f"{key}_value"], abs=0.0051)
        assert share == pytest.approx(100 * weight)
        total += points
    assert total == pytest.approx(parcels.loc["3907-1/51", "score"], abs=0.2)


def test_an_excluded_parcel_tells_why_and_what_it_would_have_got(opened, parcels):
    card = opened.find("3907-1/7")
    assert card.locator(".ars-chip").text_content() == NB["status.excluded"]
    told = card.locator(".ars-out li").all_text_contents()
    assert told == [NB["reason.area_below_minimum"], "Flomsone 200 år"]
    score = number(parcels.loc["3907-1/7", "score_if_allowed"], 1)
    assert say("score_if_allowed", score=score) in card.locator(".ars-out").text_content()
    assert card.locator(".ars-big").count() == 0


def test_missing_data_and_not_mapped_are_told_as_such(opened):
    card = opened.find("3907-1/31")
    assert card.locator(".ars-chip").text_content() == NB["status.missing_data"]
    assert NB["reason.outside_extract"] in card.locator(".ars-unknown").text_content()
    answer = card.locator(".ars-answer-not_mapped span").text_content()
    assert answer.lower() == NB["answer.not_mapped"]


def test_what_cannot_be_reached_is_not_told_as_metres(reader, folder, parcels):
    table = parcels.copy()
    table.loc["3907-1/50", ["cafe_walk_m", "cafe_walk_min"]] = np.nan
    table.loc["3907-1/50", "cafe_value"] = 0.0
    table.loc["3907-1/50", "reasons"] = "no_step_free_way: cafe"
    hard = {"steep_m": 1082.4, "steps_m": 12.0, "unlit_m": 0.0, "no_sidewalk_m": 40.0}
    barriers = pd.DataFrame(0.0, table.index, [f"grocery_{name}" for name in hard])
    barriers.loc["3907-1/50"] = list(hard.values())
    reader.open(written(folder, make_map(judge(table), barriers=barriers), "barriers.html"))
    card = reader.find("3907-1/50")
    told = card.locator('[data-criterion="grocery"] .ars-hard').text_content()
    assert told == f"På veien: {number(1082)} m bratt, 12 m trapp, 40 m uten fortau"
    cafe = card.locator('[data-criterion="cafe"] .ars-row-foot').text_content()
    assert cafe == "Ingen trappefri vei"
    assert card.locator(".ars-note li").all_text_contents() == ["Ingen trappefri vei: Kafé"]
    assert reader.find("3907-1/51").locator(".ars-hard").count() == 0


def test_a_recommended_area_tells_what_it_holds(opened):
    page = opened.page
    page.get_by_role("button", name=say("list_areas"), exact=True).click()
    page.locator(".ars-areas button").first.click()
    card = page.locator(".ars-card")
    assert card.locator("h2").text_content() == say("area_name", rank=1)
    facts = card.locator(".ars-facts").text_content()
    for text in (percent(25), say("about", count=26), NB["instrument.joint_development"]):
        assert text in facts
    assert card.locator(".ars-list button").count() == 3
    card.locator(".ars-list button").first.click()
    assert card.locator(".ars-link").text_content() == say("area_name", rank=1)
    page.locator(".ars-areas button").nth(1).click()
    assert NB["municipal.unknown"] in card.locator(".ars-facts").text_content()


def test_two_parcels_stand_side_by_side_and_the_best_of_each_row_is_marked(opened, parcels):
    page, pair = opened.page, ["3907-1/50", "3907-1/51"]
    for one in pair:
        opened.find(one)
        page.click(".ars-tools button")
    page.click(".ars-tray .ars-primary")
    table = page.locator(".ars-compare-table")
    assert table.locator("thead th").count() == 2
    row = table.locator("tr", has=page.get_by_role("rowheader", name=say("head_score"), exact=True))
    scores = parcels.loc[pair, "score"]
    assert [cell.split(" ")[0] for cell in row.locator("td").all_text_contents()] == [
        number(score, 1) for score in scores
    ]
    leads = [
        ("ars-leads" in (cell.get_attribute("class") or "")) for cell in row.locator("td").all()
    ]
    assert leads == list(scores == scores.max())
    page.keyboard.press("Escape")
    assert page.locator(".ars-card").is_visible()  # only the window on top closes
    for one in ("3907-1/52", "3907-1/53"):
        opened.find(one)
        button = page.locator(".ars-tools button").first
        if button.is_enabled():
            button.click()
    assert page.locator(".ars-compared").count() == 3


# ---- weights


def test_a_slider_moves_scores_classes_ranks_and_list_as_python_would(opened, parcels):
    opened.tab("weights")
    opened.drag("[data-group=social]", 80)
    rest = {key: 0.2 * WEIGHTS[key] / 0.5 for key in ("grocery", "noise")}
    weights = rest | {key: 0.8 * WEIGHTS[key] / 0.5 for key in ("cafe", "worship")}
    expected = judge(parcels.copy(), weights)
    assert opened.legend() == shown_counts(expected)
    card = opened.find("3907-1/52")
    assert card.locator(".ars-big").text_content() == number(expected.loc["3907-1/52", "score"], 1)
    rank = number(expected.loc["3907-1/52", "rank"])
    told = card.locator(".ars-sure").first.text_content().lower()
    assert told == say("rank", rank=rank, count=number(expected["rank"].notna().sum()))
    opened.page.fill(".ars-search", "")
    assert [score for _, score in opened.listed()] == [score for _, score in best(expected)]
    assert say("own_weights") in opened.page.locator(".ars-chips").text_content()


def test_back_to_the_strategy_gives_exactly_its_numbers_again(opened, parcels):
    opened.tab("weights")
    opened.page.locator(".ars-unfold").first.click()
    opened.drag("[data-weight=grocery]", 3)
    opened.drag("[data-group=other]", 100)
    opened.tab("results")
    assert opened.listed() != best(parcels)
    opened.page.locator(".ars-chips button").click()
    assert opened.listed() == best(parcels)
    assert opened.legend() == shown_counts(parcels)
    assert opened.page.locator(".ars-chips button").count() == 0


def test_a_ready_made_set_of_weights_is_used(opened, parcels):
    opened.tab("weights")
    opened.page.select_option(".ars-preset", "1")
    expected = judge(parcels.copy(), dict.fromkeys(WEIGHTS, 0.25))
    assert opened.legend() == shown_counts(expected)
    opened.page.click(".ars-reset")
    assert opened.page.locator(".ars-preset").input_value() == "0"


def test_the_strategys_weight_is_marked_on_each_slider(opened):
    opened.tab("weights")
    opened.drag("[data-group=daily]", 90)
    marks = opened.page.evaluate(
        "[...document.querySelectorAll('.ars-weight-group > .ars-slide .ars-tick')]"
        ".map(tick => Number(tick.style.getPropertyValue('--at')))"
    )
    assert marks == pytest.approx([0.4, 0.5, 0.1])
    told = opened.page.locator("[data-group=daily]").get_attribute("aria-valuetext")
    assert told == say("weight_value", now=percent(90), own=percent(40))


def test_weights_are_shared_out_so_that_they_add_up_and_others_keep_their_proportions(opened):
    rng = np.random.default_rng(3)
    for _ in range(60):
        count = int(rng.integers(2, 9))
        start = rng.dirichlet(np.ones(count)) * (rng.random(count) < 0.8)
        start = start / start.sum() if start.sum() > 0 else np.full(count, 1 / count)
        strategy = rng.dirichlet(np.ones(count))
        members = sorted(rng.choice(count, int(rng.integers(1, count)), replace=False).tolist())
        share = float(rng.choice([0, 1, rng.random()]))
        made = opened.page.evaluate(
            "([start, strategy, members, share]) => Array.from(arsWeights.spread("
            "Float64Array.from(start), Float64Array.from(strategy), members, share))",
            [start.tolist(), strategy.tolist(), members, share],
        )
        others = [at for at in range(count) if at not in members]
        assert sum(made) == pytest.approx(1)
        assert sum(made[at] for at in members) == pytest.approx(share)
        for rows, whole in ((members, share), (others, 1 - share)):
            basis = start if start[rows].sum() > 1e-9 else strategy
            assert [made[at] for at in rows] == pytest.approx(
                list(whole * basis[rows] / basis[rows].sum())
            )


# ---- filters


def test_filters_leave_what_pandas_leaves_in_map_list_and_counts(opened, parcels):
    page = opened.page
    opened.tab("filters")
    page.locator("[data-choice=unsuitable]").uncheck()
    page.locator("[data-choice=no]").uncheck()
    page.get_by_label(say("least_area")).fill("1000")
    opened.drag(".ars-tab-panel:not([hidden]) .ars-range", 30)
    answers = np.array(["hit", "not_mapped", "below_share", "no_hit", "no_hit"])
    clear = np.isin(answers[np.arange(len(parcels)) % 5], ["no_hit", "below_share"])
    page.select_option(".ars-rule", "clear")
    keep = (
        (parcels["class"] != "unsuitable")
        & (parcels["municipal"] != "no")
        & (parcels["area_m2"] >= 1000)
        & (parcels["score"] >= 30)
        & clear
    )
    assert 0 < keep.sum() < len(parcels)
    assert opened.legend() == shown_counts(parcels[keep])
    left = say("shown_of", shown=number(keep.sum()), count=number(len(parcels)))
    assert page.locator(".ars-chips").text_content() == left
    others = keep | ((parcels["municipal"] == "no") & clear & (parcels["area_m2"] >= 1000)
                     & (parcels["score"] >= 30) & (parcels["class"] != "unsuitable"))  # fmt: skip
    count = page.locator("label", has=page.locator("[data-choice=no]")).locator(".ars-count")
    assert count.inner_text() == number((others & (parcels["municipal"] == "no")).sum())
    opened.tab("results")
    assert opened.listed() == best(parcels[keep])
    page.locator(".ars-chips button").click()
    assert opened.legend() == shown_counts(parcels)


def test_a_filter_that_leaves_nothing_says_so(opened):
    opened.tab("filters")
    opened.page.get_by_label(say("least_area")).fill("99999")
    assert sum(opened.legend().values()) == 0
    opened.tab("results")
    assert opened.page.locator(".ars-top").text_content() == say("top_none")


# ---- search


def test_search_finds_ids_labels_and_says_when_there_are_more_or_none(opened):
    page, hits = opened.page, opened.page.locator(".ars-hits button")
    page.fill(".ars-search", "STORGATA 7")
    assert hits.count() == 8
    assert hits.first.locator(".ars-label").text_content() == "Storgata 7"  # the exact one first
    assert page.locator(".ars-more-hits").text_content() == say("more_hits")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.parcel !== undefined")
    page.fill(".ars-search", "finnes ikke")
    assert hits.count() == 0
    assert page.locator(".ars-more-hits").text_content() == say("no_hit")


# ---- what if


def test_a_scenario_shows_who_gains_and_who_loses(opened, parcels):
    opened.page.select_option(".ars-scenario", "0")
    change = pd.Series(np.linspace(-9, 5, len(parcels)), parcels.index)
    change = change.where(parcels["status"] == "assessed").dropna()
    listed = opened.listed()
    ordered = change[change.abs().sort_values(ascending=False, kind="stable").index]
    signs = [("+" if by > 0 else "") + number(by, 1) for by in ordered.head(20)]
    assert [text for _, text in listed] == signs
    told = opened.page.locator(".ars-change").text_content()
    assert told.startswith(number((change.round(2) <= -0.05).sum()) + " ")
    counts = opened.page.locator(".ars-legend .ars-count").all_inner_texts()
    assert sum(int(text) for text in counts) == len(parcels)
    opened.page.locator(".ars-chips button").click()
    assert opened.legend() == shown_counts(parcels)


# ---- what is remembered


def set_much(reader):
    page = reader.page
    reader.tab("weights")
    reader.drag("[data-group=social]", 70)
    reader.tab("filters")
    page.locator("[data-choice=unsuitable]").uncheck()
    page.get_by_label(say("least_area")).fill("700")
    reader.find("3907-1/60")
    page.click(".ars-tools button")
    page.click(".ars-language")
    page.wait_for_timeout(450)


def seen(reader):
    page = reader.page
    return {
        "legend": reader.legend(),
        "card": page.locator(".ars-card").inner_text(),
        "tray": page.locator(".ars-tray").inner_text(),
        "chips": page.locator(".ars-chips").inner_text(),
        "lang": page.evaluate("document.documentElement.lang"),
    }


def test_the_address_brings_back_weights_filters_parcel_view_and_language(reader, path):
    reader.open(path)
    set_much(reader)
    before, address = seen(reader), reader.page.url
    assert before["lang"] == "en"
    reader.open(path, "#" + address.split("#")[1])
    assert seen(reader) == before
    assert reader.complaints == []


def test_a_code_is_pasted_by_who_has_no_address(reader, path):
    reader.open(path)
    set_much(reader)
    before = seen(reader)
    reader.page.click(".ars-share")
    code = reader.page.locator(".ars-dialog input").first.input_value()
    reader.open(path)
    reader.page.click(".ars-share")
    field = reader.page.get_by_label(say("code_paste"))
    field.fill("hei på deg")
    reader.page.get_by_role("button", name=say("code_use"), exact=True).click()
    assert reader.page.get_by_text(say("code_unknown")).is_visible()
    field.fill(code)
    reader.page.get_by_role("button", name=say("code_use"), exact=True).click()
    reader.page.keyboard.press("Escape")
    reader.page.wait_for_timeout(400)
    assert seen(reader) == before


@pytest.mark.parametrize(
    "address",
    [
        "#v=99/999/999&w=9-9&s=-5&a=1e99&c=99999999&m=-1&k=9&d=7&p=%E0%A4%A&o=5&x=~~~&l=sv&f=red",
        "#w=0-0-0-0&v=NaN/Infinity/&s=1e3&p=__proto__&l=__proto__&f=constructor&d=-1",
        "#<script>window.__pwned=1</script>",
        "#p=" + "%3Cscript%3E" * 400,
        "#w=99999-1-1-1&c=0&o=1.5&x=" + "a~" * 999,
        "#%",
    ],
)
def test_a_hostile_address_is_harmless(reader, path, address):
    reader.open(path, address)
    page = reader.page
    assert reader.complaints == []
    assert page.evaluate("typeof window.__pwned") == "undefined"
    assert page.evaluate("document.documentElement.lang") == "nb"
    assert sum(reader.legend().values()) in (0, 231)  # c=0: no class is asked for
    assert page.locator(".leaflet-control-scale-line").is_visible()


# ---- words, colours, paper


def test_the_other_language_leaves_no_norwegian_word_behind(opened):
    page = opened.page
    opened.find("3907-1/50")
    page.click(".ars-tools button")
    opened.tab("weights")
    opened.drag("[data-group=social]", 70)
    page.click(".ars-language")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator(".ars-card .ars-group .ars-name").first.text_content() == EN["group.daily"]
    spoken = page.evaluate(
        "[...document.querySelectorAll('*')].flatMap(at => [at.getAttribute('aria-label') ?? '',"
        " at.title ?? '', ...[...at.childNodes].filter(n => n.nodeType === 3).map(n => n.data)])"
        ".map(text => String(text).trim()).filter(Boolean)"
    )
    same = set(EN.values())
    norwegian = {
        text for key, text in NB.items() if key.startswith(("map.", "class.", "status.", "group."))
    }
    assert (set(spoken) & (norwegian - same)) <= {NB["map.this_language"]}
    page.click(".ars-language")
    assert page.locator(".ars-card .ars-group .ars-name").first.text_content() == NB["group.daily"]


def test_the_other_palette_recolours_legend_map_and_card(opened):
    page = opened.page
    swatch = "getComputedStyle(document.querySelector('.ars-legend .ars-swatch')).backgroundColor"
    before = page.evaluate(DRAWN), page.evaluate(swatch)
    opened.tab("layers")
    page.get_by_label(say("palette_cividis")).check()
    after = page.evaluate(DRAWN), page.evaluate(swatch)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_paper_gets_one_clean_page_with_what_is_seen(opened, parcels):
    page = opened.page
    opened.find("3907-1/50")
    opened.tab("weights")
    opened.drag("[data-group=social]", 70)
    pages = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert len(pages) == 1
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    paper = page.locator(".ars-paper")
    assert paper.is_visible()
    assert page.locator(".ars-panel").is_hidden()
    told = paper.text_content()
    assert "Seniorboliger" in told
    assert parcels.loc["3907-1/50", "label"] in told
    assert say("weights_print_own") in told
    assert say("weight_beside", own=percent(50, 1)) in told
    assert paper.locator("canvas").count() == 1
    assert paper.locator(".ars-print-legend li").count() == 6
    page.emulate_media(media="screen")


# ---- layers


def test_services_can_be_switched_by_category_group_and_all(opened):
    page = opened.page
    opened.tab("layers")
    full = page.evaluate(DRAWN)
    grocery = page.get_by_role("checkbox", name="Dagligvare")
    grocery.uncheck()
    fewer = page.evaluate(DRAWN)
    assert fewer != full
    assert not page.get_by_role("checkbox", name="Daglige gjøremål").is_checked()
    page.get_by_label(say("show_services")).uncheck()
    assert page.evaluate(DRAWN) not in (full, fewer)
    page.get_by_label(say("show_services")).check()
    assert grocery.is_checked()
    assert page.get_by_label("kiosk").is_checked()
    assert page.evaluate(DRAWN) == full


def test_the_background_map_is_asked_for_only_when_ticked(opened):
    page = opened.page
    assert len(opened.requests) == 1
    attribution = page.locator(".leaflet-control-attribution")
    assert "© Kartverket" not in attribution.text_content()
    opened.tab("layers")
    page.locator(".ars-show-tiles").click()
    page.wait_for_function("document.querySelector('.ars-tiles-failed').textContent !== ''")
    pattern = (
        r"https://cache\.kartverket\.no/v1/wmts/1\.0\.0/topograatone/default/webmercator"
        r"/\d+/\d+/\d+\.png"
    )
    assert len(opened.requests) > 1
    assert all(re.fullmatch(pattern, url) for url in opened.requests[1:])
    assert not page.locator(".ars-show-tiles").is_checked()
    assert page.locator(".ars-tiles-failed").text_content() == say("tiles_failed")
    assert "OpenStreetMap" in attribution.text_content()


def test_points_are_drawn_and_can_be_pressed(reader, folder):
    parcels = make_parcels(1)
    points = parcels.set_geometry(parcels.centroid)
    given = {"services": make_services().iloc[:0], "nearest": None}
    reader.open(written(folder, make_map(points, **given), "points.html"))
    box = reader.page.locator(".folium-map").bounding_box()
    reader.page.mouse.click(box["x"] + box["width"] / 2 + 4, box["y"] + box["height"] / 2)
    assert reader.page.locator(".ars-card h2").text_content() == "Storgata 0"
    assert reader.complaints == []


def test_a_route_is_drawn_when_pointed_at_and_stays_when_pressed(reader, folder, plain_town):
    reader.open(written(folder, plain_town.map(), "routes.html"))
    page = reader.page
    page.locator(".ars-top button").first.click()
    page.wait_for_timeout(600)
    routes = page.locator(".ars-route")
    assert routes.count() > 1
    while page.locator('.ars-route[aria-pressed="true"]').count():
        page.locator('.ars-route[aria-pressed="true"]').first.click()
    page.mouse.move(5, 5)
    page.wait_for_timeout(100)
    without = page.evaluate(DRAWN)
    routes.first.hover()
    page.wait_for_timeout(100)
    assert page.evaluate(DRAWN) != without
    routes.first.click()
    page.mouse.move(5, 5)
    page.wait_for_timeout(100)
    assert page.evaluate(DRAWN) != without
    assert routes.first.get_attribute("aria-pressed") == "true"
    page.click(".ars-all-routes")
    assert page.locator('.ars-route[aria-pressed="false"]').count() == 0


# ---- a phone, a notebook


def test_on_a_phone_the_panel_is_a_sheet_and_nothing_is_wider_than_the_page(opened):
    page = opened.page
    page.set_viewport_size(PHONE)
    toggle, first = page.locator(".ars-toggle"), page.locator(".ars-top button").first
    assert first.is_hidden()
    assert page.locator(".ars-legend").is_visible()
    toggle.click()
    assert toggle.get_attribute("aria-expanded") == "true"
    for name in TABS[1:]:
        opened.tab(name)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert page.evaluate("document.querySelector('.ars-body').scrollWidth") <= PHONE["width"]
    assert page.locator(".folium-map").bounding_box()["height"] > 150  # seen while sliders move
    opened.tab("results")
    first.click()
    assert toggle.get_attribute("aria-expanded") == "false"
    box = page.locator(".ars-card").bounding_box()
    assert box["width"] <= PHONE["width"]
    assert page.locator(".folium-map").bounding_box()["height"] + box["height"] <= 845


def test_a_notebook_shows_the_map_with_layers_of_its_own(browser_page, parcels):
    reader = Reader(browser_page)
    suitability = make_map(parcels)
    layer = parcels.iloc[:3][["label", "geometry"]]
    folium.GeoJson(layer, tooltip=folium.GeoJsonTooltip(["label"])).add_to(suitability)
    folium.LayerControl().add_to(suitability)
    folium.Marker([59.13, 10.2]).add_to(suitability)
    browser_page.set_content(suitability._repr_html_())
    frame = browser_page.frame_locator("iframe")
    frame.locator("main[data-ready]").wait_for()
    assert frame.locator(".ars-legend li").count() == 6
    assert frame.locator("path.leaflet-interactive").count() == 3
    assert (
        frame.locator("img.leaflet-marker-icon").get_attribute("src").startswith("data:image/png")
    )
    frame.locator("[data-tab=weights]").click()
    frame.locator("[data-group=social]").press("ArrowRight")
    frame.locator(".ars-chips button").wait_for()  # the address of a notebook is left alone
    frame.locator(".ars-share").click()
    assert frame.locator(".ars-dialog input[readonly]").count() == 1
    assert reader.complaints == []
    assert [url for url in reader.requests if not url.startswith(("about:", "data:"))] == []


# ---- hostile texts


def test_hostile_names_are_shown_as_text_and_nothing_runs(reader, folder):
    reader.open(written(folder, hostile_map(), "hostile.html"))
    page = reader.page
    for button in page.locator(".ars-top button").all()[:12]:
        button.click()
        name = page.locator(".ars-card h2").text_content()
        assert name[:60] in " ".join(HOSTILE).replace("\ud800", "?")
    page.fill(".ars-search", "script")
    page.locator(".ars-hits button").first.click()
    assert "<script>window.__pwned = 1</script>" in page.locator(".ars-card").text_content()
    for name in TABS:
        reader.tab(name)
        page.evaluate("document.querySelectorAll('.ars-unfold').forEach(at => at.click())")
        assert page.evaluate("document.querySelector('.ars-body').scrollWidth <= 450")
    assert page.locator(".ars-notes p").nth(2).text_content() == HOSTILE[2]
    page.click(".ars-tools button")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.mouse.move(800, 400)
    page.wait_for_timeout(100)
    assert page.evaluate("typeof window.__pwned") == "undefined"
    assert page.locator("main img, .ars-card img, .ars-tip img, .ars-paper img").count() == 0
    assert len(reader.requests) == 1
    assert reader.complaints == []


def test_a_script_that_gets_into_the_page_is_not_run(opened):
    opened.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), "
        "{ textContent: 'window.__pwned = 1' }))"
    )
    assert opened.page.evaluate("typeof window.__pwned") == "undefined"
    assert any("Content Security Policy" in complaint for complaint in opened.complaints)


def test_scores_by_hand_are_those_of_the_table(parcels):
    assert scores_of(parcels).where(parcels["status"] == "assessed").equals(parcels["score"])


# ---- other ways of scoring


def test_with_a_method_that_is_no_sum_no_points_are_claimed(reader, folder):
    reader.open(written(folder, make_map(method="geometric"), "geometric.html"))
    card = reader.find("3907-1/51")
    assert card.locator(".ars-total").text_content() == say("not_a_sum")
    assert card.locator(".ars-points").all_text_contents() == [""] * 4
    assert reader.complaints == []


def test_a_gate_that_caps_the_class_is_told_with_the_readers_own_weights(reader, folder, parcels):
    gates = [Gate(group="social", min=50, best="less_suitable")]
    table = parcels.copy()
    low = 60 * table["cafe_value"] < 50  # the group's score: the café weighs 3 of 5
    table.loc[low, "class"] = table.loc[low, "class"].replace(
        dict.fromkeys(["very_suitable", "suitable"], "less_suitable")
    )
    reader.open(written(folder, make_map(table, gates=gates), "gates.html"))
    said = say("gate", group=NB["group.social"], min=50, best=NB["class.less_suitable"])
    capped, free = table.index[low & (table["status"] == "assessed")][0], table.index[~low][0]
    assert said in reader.find(capped).locator(".ars-card-top").text_content()
    assert said not in reader.find(free).locator(".ars-card-top").text_content()
    reader.tab("weights")
    reader.page.locator(".ars-unfold").nth(1).click()
    reader.drag("[data-weight=cafe]", 0)  # now nothing of the group is left but worship
    assert said in reader.page.locator(".ars-card-top").text_content()


def test_what_is_left_out_for_lack_of_a_value_is_told(reader, folder, parcels):
    table = parcels.copy()
    table.loc["3907-1/51", ["noise_value", "noise_raw"]] = np.nan
    others = {key: weight / 0.9 for key, weight in WEIGHTS.items() if key != "noise"}
    table.loc[["3907-1/51"], "score"] = scores_of(table.loc[["3907-1/51"]], others)
    table["score_if_allowed"] = table["score_if_allowed"].fillna(table["score"])
    reader.open(written(folder, make_map(table, missing="reweight"), "reweight.html"))
    card = reader.find("3907-1/51")
    line = card.locator('[data-criterion="noise"]')
    assert line.locator(".ars-sum").text_content() == say("left_out")
    assert line.locator(".ars-row-foot").text_content() == say("not_measured")
    assert card.locator(".ars-big").text_content() == number(table.loc["3907-1/51", "score"], 1)
