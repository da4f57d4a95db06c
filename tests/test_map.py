"""The interactive map: what is in the file, what a browser shows, what a hostile name can do."""

import base64
import gzip
import hashlib
import json
import re
from importlib.resources import files

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from arealstrategi.errors import OutputError
from arealstrategi.export.labels import words
from arealstrategi.export.map import suitability_map, write_map
from arealstrategi.tables import BACKDROP_COLUMNS, SERVICE_COLUMNS, empty_table

CRS = "EPSG:25832"
WEST, SOUTH = 569_000.0, 6_555_000.0  # Sandefjord
HOSTILE = [
    "<script>window.__pwned = 1</script>",
    "</script><script>window.__pwned = 1</script>",
    "<img src=x onerror='window.__pwned = 1'>",
    '"><svg onload="window.__pwned = 1">',
    "`+(window.__pwned = 1)+`",
    "${window.__pwned = 1}",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:window.__pwned=1",
    "]]>--><!--",
    "half a pair \ud800",
    "x" * 10_000,
]


def make_criteria():
    rows = {
        "grocery": ("Dagligvare", "daily", 0.4, 400, 1000, True, True),
        "cafe": ("Kafé", "social", 0.3, 400, 1000, True, True),
        "worship": ("Tro og livssyn", "social", 0.2, 800, 1500, False, True),
        "noise": ("Støy", "other", 0.1, np.nan, np.nan, True, False),
    }
    columns = ["label", "group", "weight", "full_m", "zero_m", "found", "walk"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("key")


def make_parcels(count=231, seed=0):
    rng = np.random.default_rng(seed)
    column, row = np.divmod(np.arange(count), 21)
    x, y = WEST + 60 * column, SOUTH + 45 * row
    shapes = shapely.box(x, y, x + 55, y + 40)
    if count > 2:
        yard = shapely.box(x[1] + 10, y[1] + 10, x[1] + 20, y[1] + 20)
        beside = shapely.box(x[2] + 30, y[2], x[2] + 50, y[2] + 9)
        shapes[1] = shapes[1].difference(yard)
        shapes[2] = shapely.MultiPolygon([shapely.box(x[2], y[2], x[2] + 20, y[2] + 40), beside])
    table = gpd.GeoDataFrame(
        {"label": [f"Storgata {place}" for place in range(count)]},
        index=pd.Index([f"3907-1/{place}" for place in range(count)], name="parcel_id"),
        geometry=shapes,
        crs=CRS,
    )
    table["area_m2"] = table.area
    table["municipal"] = rng.choice(["yes", "partly", "no", "unknown"], count)
    score = np.zeros(count)
    for key, weight in {"grocery": 0.4, "cafe": 0.3}.items():
        metres = rng.uniform(20, 1400, count)
        metres[rng.random(count) < 0.05] = np.nan
        value = np.nan_to_num(np.clip((1000 - metres) / 600, 0, 1))
        table[f"{key}_walk_m"] = metres
        table[f"{key}_walk_min"] = metres / 58
        table[f"{key}_value"] = value
        names = np.array([f"{key} nr. {place % 7}" for place in range(count)], dtype=object)
        names[::5] = "n1"
        table[f"{key}_service"] = pd.Series(names, index=table.index).where(~np.isnan(metres), None)
        score += 100 * weight * value
    table["worship_walk_m"] = table["worship_walk_min"] = np.nan
    table["worship_value"], table["worship_service"] = 0.0, None
    table["noise_raw"], table["noise_value"] = rng.uniform(40, 70, count), rng.random(count)
    status = np.array(["assessed"] * count, dtype=object)
    status[5:15], status[30:37] = "excluded", "missing_data"
    assessed = status == "assessed"
    table["status"] = status
    table["reasons"] = ""
    table.loc[status == "excluded", "reasons"] = "area_below_minimum;Flomsone 200 år"
    table.loc[status == "missing_data", "reasons"] = "not_connected"
    table["score"] = np.where(status == "missing_data", np.nan, score)
    classes = np.select(
        [score >= 50, score >= 30, score >= 15],
        ["very_suitable", "suitable", "less_suitable"],
        "unsuitable",
    )
    table["class"] = pd.Series(classes, index=table.index).where(assessed, None)
    table["rank"] = table["score"].where(assessed).rank(method="min", ascending=False)
    return table


def make_services():
    rng = np.random.default_rng(1)
    xy = np.column_stack([WEST + rng.uniform(0, 700, 12), SOUTH + rng.uniform(0, 900, 12)])
    table = gpd.GeoDataFrame(
        {
            "service_id": [f"n{place}" for place in range(12)],
            "category": ["grocery", "cafe", "kiosk"] * 4,
            "name": ["Kiwi", "", "Narvesen"] * 4,
            "kind": "shop=supermarket",
            "reason": ["", "", "not_connected"] * 4,
        },
        geometry=shapely.points(xy),
        crs=CRS,
    )
    table.loc[0, "geometry"] = shapely.box(*xy[0], *(xy[0] + 30))
    return table


def make_backdrop():
    parts = {
        "water": shapely.box(WEST, SOUTH - 200, WEST + 800, SOUTH - 20),
        "green": shapely.box(WEST + 750, SOUTH, WEST + 900, SOUTH + 300),
        "building": shapely.box(WEST + 5, SOUTH + 5, WEST + 20, SOUTH + 20),
        "main_street": shapely.LineString([(WEST, SOUTH - 3), (WEST + 800, SOUTH - 3)]),
        "street": shapely.LineString([(WEST + 57, SOUTH), (WEST + 57, SOUTH + 900)]),
        "path": shapely.LineString([(WEST + 750, SOUTH), (WEST + 900, SOUTH + 300)]),
    }
    return gpd.GeoDataFrame(
        {"kind": list(parts), "name": ["", "", "", "Storgata", "Sidegata", ""]},
        geometry=list(parts.values()),
        crs=CRS,
    )


def make_map(parcels=None, **other):
    given = {"title": "Seniorboliger", "services": make_services(), "backdrop": make_backdrop()}
    given |= {"criteria": make_criteria()} | other
    return suitability_map(make_parcels() if parcels is None else parcels, **given)


def written(tmp_path, suitability):
    path = tmp_path / "map.html"
    write_map(suitability, path)
    return path


def unpacked(page):
    """Return what the page holds, by the description of the format alone."""
    block = re.search(r'<script type="application/octet-stream"[^>]*>([^<]*)</script>', page)
    return json.loads(gzip.decompress(base64.b64decode(block[1])))


def as_lines(packed, data):
    """Return one MultiLineString (or Point) per feature in the analysis CRS."""
    xy = np.column_stack([np.cumsum(packed["x"]), np.cumsum(packed["y"])]) + data["origin"]
    to_analysis = Transformer.from_crs(3857, CRS, always_xy=True)
    xy = np.column_stack(to_analysis.transform(*(xy * data["unit"]).T))
    lines = iter(np.split(xy, np.cumsum(packed["vertices"])[:-1]))
    features = [[next(lines) for _ in range(count)] for count in packed["lines"]]
    return [
        shapely.Point(rings[0][0])
        if len(rings[0]) == 1
        else shapely.MultiLineString([np.vstack([ring, ring[:1]]) for ring in rings])
        for rings in features
    ]


def number(value, digits=0):
    """Write a number as a Norwegian reads it."""
    return f"{value:,.{digits}f}".replace(",", "\u202f").replace(".", ",")


@pytest.fixture
def watched(browser_page):
    """Return a function that opens a page and lists what it fetched and complained of."""
    requests, complaints = [], []
    browser_page.on("request", lambda request: requests.append(request.url))
    browser_page.on("pageerror", lambda error: complaints.append(str(error)))
    browser_page.on(
        "console", lambda note: complaints.append(note.text) if note.type == "error" else None
    )

    def opened(path):
        browser_page.goto(path.as_uri())
        browser_page.wait_for_selector("main[data-ready]")
        return browser_page, requests, complaints

    return opened


# ---- the file


def test_the_map_is_a_folium_map():
    assert isinstance(make_map(), folium.Map)


def test_the_shapes_in_the_page_are_the_parcels_within_five_centimetres(tmp_path):
    parcels = make_parcels()
    data = unpacked(written(tmp_path, make_map(parcels)).read_text(encoding="utf-8"))
    lines = as_lines(data["parcels"]["shape"], data)
    assert len(lines) == len(parcels)
    distance = shapely.hausdorff_distance(parcels.boundary.to_numpy(), np.array(lines))
    assert distance.max() <= 0.05
    assert (shapely.get_num_geometries(lines)[:3] == [1, 2, 2]).all()


def test_the_numbers_in_the_page_are_those_of_the_table(tmp_path):
    parcels = make_parcels()
    held = unpacked(written(tmp_path, make_map(parcels)).read_text(encoding="utf-8"))["parcels"]
    assert held["id"] == list(parcels.index)
    assert held["label"] == list(parcels["label"])
    metres = parcels["cafe_walk_m"].round().fillna(-1)
    np.testing.assert_array_equal(held["metres"]["1"], metres)
    np.testing.assert_allclose(
        np.array(held["value"]["0"]) / 1e4, parcels["grocery_value"], atol=5e-5
    )
    np.testing.assert_array_equal(held["rank"], parcels["rank"].fillna(-1))
    names = [held["names"][code] if code >= 0 else None for code in held["nearest"]["0"]]
    expected = parcels["grocery_service"].replace({"n1": ""})
    assert names == [None if pd.isna(name) else name for name in expected]


def test_candidate_points_stay_points(tmp_path):
    parcels = make_parcels(40)
    points = parcels.set_geometry(parcels.centroid)
    data = unpacked(written(tmp_path, make_map(points)).read_text(encoding="utf-8"))
    found = as_lines(data["parcels"]["shape"], data)
    assert shapely.distance(points.geometry.to_numpy(), np.array(found)).max() <= 0.05


def test_nothing_in_the_page_points_to_another_place(tmp_path):
    page = written(tmp_path, make_map()).read_text(encoding="utf-8")
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.findall(r"\b(?:src|href|srcset|action)\s*=", markup)
    assert not re.findall(r"url\((?!data:|#)", page)
    assert "sourceMappingURL" not in page
    assert "@import" not in page


def test_the_page_says_its_language_and_title_and_lets_readers_enlarge_it(tmp_path):
    suitability = make_map(title="Boliger & <tjenester>", language="en")
    page = written(tmp_path, suitability).read_text(encoding="utf-8")
    assert '<html lang="en">' in page
    assert "<title>Boliger &amp; &lt;tjenester&gt;</title>" in page
    assert "user-scalable" not in page
    assert "Redistribution and use in source and binary forms" in page


def test_the_policy_allows_exactly_the_scripts_of_the_page(tmp_path):
    page = written(tmp_path, make_map()).read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    for kind in ("script", "style"):
        texts = re.findall(f"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        hashes = {f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests}
        rule = next(rule for rule in policy.split("; ") if rule.startswith(f"{kind}-src"))
        assert set(rule.split()[1:]) == hashes


def test_the_shipped_leaflet_is_the_published_one():
    folder = files("arealstrategi.export") / "vendor" / "leaflet"
    listed = dict(
        reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines()
    )
    assert {"leaflet.js", "leaflet.css", "LICENSE"} <= set(listed)
    for name, checksum in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum, name
    # what the Leaflet project publishes as the integrity of 1.9.4
    published = base64.b64decode("20nQCchB9co0qIjJZRGuk2/Z9VM+kNiyxNV1lvTlZBo=").hex()
    assert listed["leaflet.js"] == published


def test_a_map_with_other_layers_is_saved_by_folium_and_refused_here(tmp_path):
    suitability = make_map()
    folium.CircleMarker([59.13, 10.2], tooltip="mitt punkt").add_to(suitability)
    with pytest.raises(OutputError, match=r"CircleMarker.*\n.*save\(\)"):
        write_map(suitability, tmp_path / "map.html")
    assert not (tmp_path / "map.html").exists()
    suitability.save(tmp_path / "own.html")
    assert "mitt punkt" in (tmp_path / "own.html").read_text(encoding="utf-8")


def test_only_layers_that_need_them_bring_links_to_the_network():
    suitability = make_map()
    folium.GeoJson(make_parcels(3)[["geometry"]]).add_to(suitability)
    assert "jquery" not in suitability.get_root().render()
    folium.Marker([59.13, 10.2], popup="hei").add_to(suitability)
    assert "jquery" in suitability.get_root().render()


def test_hostile_texts_are_written_without_a_word_of_them_in_the_markup(tmp_path):
    page = written(tmp_path, hostile_map()).read_text(encoding="utf-8")
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert "__pwned" not in re.sub(r"<(title|h1|li)\b.*?</\1>", "", markup, flags=re.DOTALL)
    assert not re.search(r"<(img|svg)", markup)
    assert "{{ 7 * 7 }}" in page  # a template in a name is not run either
    assert page.count("<script") == len(re.findall("</script>", page))


@pytest.mark.parametrize(
    ("column", "value"), [("status", "done"), ("class", "good"), ("municipal", "maybe")]
)
def test_a_code_that_the_tables_do_not_know_is_a_mistake(column, value):
    parcels = make_parcels(20)
    parcels.loc[parcels.index[3], column] = value
    with pytest.raises(ValueError, match=f"'{column}' holds '{value}'"):
        make_map(parcels)


def test_a_table_in_another_crs_is_a_mistake():
    with pytest.raises(ValueError, match="analysis CRS"):
        make_map(services=make_services().to_crs(4326))


def test_empty_tables_still_give_a_map(tmp_path):
    parcels = make_parcels(20).assign(status="missing_data", score=np.nan, rank=np.nan)
    parcels["class"] = None
    services = empty_table((*SERVICE_COLUMNS[:-1], "reason", "geometry"), CRS)
    backdrop = empty_table(BACKDROP_COLUMNS, CRS)
    for given in (parcels, parcels.iloc[:0]):
        suitability = make_map(given, services=services, backdrop=backdrop)
        data = unpacked(written(tmp_path, suitability).read_text(encoding="utf-8"))
        assert len(data["parcels"]["id"]) == len(given)
        assert data["top"] == []


def test_a_hundred_thousand_parcels_fit_in_one_file(tmp_path):
    count = 100_000
    parcels = make_parcels(200)
    many = parcels.iloc[np.arange(count) % 200].set_axis([f"p{place}" for place in range(count)])
    xy = [WEST, SOUTH] + np.column_stack(np.divmod(np.arange(count), 400)) * 60
    many = many.set_geometry(shapely.box(xy[:, 0], xy[:, 1], xy[:, 0] + 50, xy[:, 1] + 50), crs=CRS)
    path = written(tmp_path, make_map(many))
    data = unpacked(path.read_text(encoding="utf-8"))
    assert len(data["parcels"]["shape"]["lines"]) == count
    assert len(data["parcels"]["id"]) == count
    assert path.stat().st_size < 12e6


# ---- the page in a browser


@pytest.mark.browser
def test_the_file_fetches_nothing_and_complains_of_nothing(tmp_path, watched):
    path = written(tmp_path, make_map())
    page, requests, complaints = watched(path)
    page.locator(".ars-top button").first.click()
    page.locator(".leaflet-control-zoom-out").click()
    page.wait_for_timeout(400)
    assert requests == [path.as_uri()]
    assert complaints == []
    assert page.evaluate("document.documentElement.lang") == "nb"


@pytest.mark.browser
def test_the_legend_counts_the_parcels_of_the_table(tmp_path, watched):
    parcels = make_parcels()
    page, _, _ = watched(written(tmp_path, make_map(parcels)))
    shown = {
        row.get_attribute("data-shade"): int(row.locator(".ars-count").text_content())
        for row in page.locator(".ars-legend li").all()
    }
    expected = parcels["class"].value_counts().to_dict()
    expected |= {
        name: int((parcels["status"] == name).sum()) for name in ("excluded", "missing_data")
    }
    assert shown == expected
    assert sum(shown.values()) == len(parcels)


@pytest.mark.browser
def test_a_parcel_of_the_list_shows_the_numbers_of_the_table(tmp_path, watched):
    parcels = make_parcels()
    page, _, _ = watched(written(tmp_path, make_map(parcels)))
    best = parcels.sort_values("rank", kind="stable").head(10)
    buttons = page.locator(".ars-top button")
    assert buttons.count() == 10
    for place in (0, 4, 9):
        row = best.iloc[place]
        buttons.nth(place).click()
        card = page.locator(".ars-card")
        assert card.locator("h2").text_content() == row["label"]
        assert card.locator(".ars-big").text_content() == number(row["score"], 1)
        assert number(row["area_m2"]) + " m²" in card.locator("dl").text_content()
        for key, weight in {"grocery": 40, "cafe": 30}.items():
            line = card.locator(f'[data-criterion="{key}"]')
            service = row[f"{key}_service"]
            name = "uten navn" if service == "n1" else service
            minutes = max(1, round(row[f"{key}_walk_min"]))
            expected = f"{number(row[f'{key}_walk_m'])} m · {minutes} min · {name}"
            assert line.locator(".ars-row-foot").text_content() == expected
            points = f"{number(row[f'{key}_value'] * weight, 1)} av {number(weight, 1)}"
            assert line.locator(".ars-row-head span").last.text_content() == points
        lacking = card.locator('[data-criterion="worship"] .ars-row-foot')
        assert lacking.text_content() == words("nb")["not_found"]


@pytest.mark.browser
def test_a_parcel_found_by_search_tells_its_reasons_and_what_cannot_be_reached(tmp_path, watched):
    parcels = make_parcels()
    parcels.loc["3907-1/7", ["grocery_walk_m", "grocery_walk_min"]] = np.nan
    parcels.loc["3907-1/7", ["grocery_value", "grocery_service"]] = [0.0, None]
    page, _, _ = watched(written(tmp_path, make_map(parcels)))
    page.locator(".ars-search").fill("storgata 7")
    hits = page.locator(".ars-hits button")
    assert hits.count() == 10
    assert page.locator(".ars-more-hits").text_content() == words("nb")["more_hits"]
    page.locator(".ars-search").fill("3907-1/7")
    hits.first.click()
    card = page.locator(".ars-card")
    assert card.locator(".ars-chip").text_content() == "utelukket"
    reasons = card.locator("dl dd").last.text_content()
    assert reasons == "Er mindre enn minste areal. Flomsone 200 år"
    unreachable = card.locator('[data-criterion="grocery"] .ars-row-foot')
    assert unreachable.text_content() == "Ikke nåbar"
    page.locator(".ars-search").fill("finnes ikke")
    assert hits.count() == 0
    assert page.locator(".ars-more-hits").text_content() == "Ingen treff"


@pytest.mark.browser
def test_the_card_tells_what_is_hard_on_the_way_and_where_only_steps_lead(tmp_path, watched):
    parcels = make_parcels()
    parcels.loc["3907-1/50", ["cafe_walk_m", "cafe_walk_min"]] = np.nan
    parcels.loc["3907-1/50", ["cafe_value", "cafe_service"]] = [0.0, None]
    parcels.loc["3907-1/50", ["grocery_walk_m", "grocery_walk_min"]] = [1200.0, 30.0]
    parcels.loc["3907-1/50", "reasons"] = "no_step_free_way: cafe"
    hard = {"steep_m": 1082.4, "steps_m": 12.0, "unlit_m": 0.0, "no_sidewalk_m": 40.0}
    barriers = pd.DataFrame(0.0, index=parcels.index, columns=[f"grocery_{m}" for m in hard])
    barriers.loc["3907-1/50"] = list(hard.values())
    page, _, _ = watched(written(tmp_path, make_map(parcels, barriers=barriers)))
    hits, card = page.locator(".ars-hits button"), page.locator(".ars-card")
    page.locator(".ars-search").fill("3907-1/50")
    hits.first.click()
    told = card.locator('[data-criterion="grocery"] .ars-hard').text_content()
    assert told == f"På veien: {number(1082)} m bratt, 12 m trapp, 40 m uten fortau"
    cafe = card.locator('[data-criterion="cafe"] .ars-row-foot').text_content()
    assert cafe == "Ingen trappefri vei"
    kinds = make_criteria()["label"]
    assert card.locator("dl dd").last.text_content() == f"Ingen trappefri vei: {kinds['cafe']}"
    page.locator(".ars-search").fill("3907-1/51")
    hits.first.click()
    assert card.locator(".ars-hard").count() == 0


@pytest.mark.browser
def test_the_map_can_be_used_with_the_keyboard_alone(tmp_path, watched):
    parcels = make_parcels()
    middle = shapely.box(*parcels.total_bounds).centroid
    centre = parcels.index[parcels.distance(middle).argmin()]
    page, _, _ = watched(written(tmp_path, make_map(parcels)))
    page.locator(".folium-map").focus()
    page.keyboard.press("Enter")
    assert page.locator(".ars-card h2").text_content() == parcels.loc[centre, "label"]
    assert page.evaluate("document.activeElement.closest('.ars-card') !== null")
    page.keyboard.press("Escape")
    assert page.locator(".ars-card").is_hidden()
    assert page.evaluate("document.activeElement.className").startswith("folium-map")


@pytest.mark.browser
def test_services_can_be_switched_by_category_group_and_all(tmp_path, watched):
    page, _, _ = watched(written(tmp_path, make_map()))
    picture = "document.querySelector('.leaflet-ars-460-pane canvas').toDataURL()"
    full = page.evaluate(picture)
    grocery = page.get_by_label("Dagligvare", exact=True)
    grocery.uncheck()
    fewer = page.evaluate(picture)
    assert fewer != full
    assert not page.get_by_label("Daglige gjøremål").is_checked()
    page.get_by_label("Alle tjenester").uncheck()
    none = page.evaluate(picture)
    assert none not in (full, fewer)
    page.get_by_label("Alle tjenester").check()
    assert grocery.is_checked()
    assert page.evaluate(picture) == full
    assert page.get_by_label("kiosk").is_checked()


def hostile_map():
    parcels = make_parcels(60)
    parcels["label"] = [HOSTILE[place % len(HOSTILE)] for place in range(60)]
    parcels["reasons"] = parcels["label"].str.replace(";", ",")
    parcels["grocery_service"] = parcels["label"]
    parcels["grocery_walk_m"] = parcels["grocery_walk_min"] = 10.0
    parcels.index = pd.Index([f"{place} {HOSTILE[0]}" for place in range(60)], name="parcel_id")
    services = make_services()
    services["name"] = (HOSTILE * 2)[: len(services)]
    services.loc[3, "category"] = HOSTILE[1]
    backdrop = make_backdrop().assign(name=HOSTILE[:6])
    criteria = make_criteria()
    criteria["label"] = HOSTILE[:4]
    criteria.loc["cafe", "group"] = HOSTILE[2]
    title, notes = " ".join(HOSTILE[:7]), HOSTILE
    given = {"services": services, "backdrop": backdrop, "criteria": criteria}
    return make_map(parcels, title=title, notes=notes, **given)


@pytest.mark.browser
def test_hostile_names_are_shown_as_text_and_nothing_runs(tmp_path, watched):
    page, requests, complaints = watched(written(tmp_path, hostile_map()))
    for button in page.locator(".ars-top button").all():
        button.click()
        assert page.locator(".ars-card h2").text_content()[:60] in " ".join(HOSTILE).replace(
            "\ud800", "?"
        )
    page.locator(".ars-search").fill("script")
    page.locator(".ars-hits button").first.click()
    assert page.locator(".ars-card h2").text_content() == HOSTILE[0]
    assert HOSTILE[0] in page.locator('[data-criterion="grocery"] .ars-row-foot').text_content()
    assert page.locator(".ars-notes p").nth(2).text_content() == HOSTILE[2]
    page.mouse.move(800, 400)
    page.wait_for_timeout(100)
    assert page.evaluate("typeof window.__pwned") == "undefined"
    assert page.locator(".ars-panel img, .ars-card img, .ars-tip img").count() == 0
    assert len(requests) == 1
    assert complaints == []


@pytest.mark.browser
def test_a_script_that_gets_into_the_page_is_not_run(tmp_path, watched):
    page, _, complaints = watched(written(tmp_path, make_map()))
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), "
        "{ textContent: 'window.__pwned = 1' }))"
    )
    assert page.evaluate("typeof window.__pwned") == "undefined"
    assert any("Content Security Policy" in complaint for complaint in complaints)


@pytest.mark.browser
def test_the_background_map_is_asked_for_only_when_ticked(tmp_path, watched):
    page, requests, _ = watched(written(tmp_path, make_map()))
    assert len(requests) == 1
    attribution = page.locator(".leaflet-control-attribution")
    assert "© Kartverket" not in attribution.text_content()
    page.locator(".ars-show-tiles").click()
    page.wait_for_function("document.querySelector('.ars-tiles-failed').textContent !== ''")
    pattern = r"https://cache\.kartverket\.no/v1/wmts/1\.0\.0/topograatone/default/webmercator/\d+/\d+/\d+\.png"
    assert len(requests) > 1
    assert all(re.fullmatch(pattern, url) for url in requests[1:])
    assert not page.locator(".ars-show-tiles").is_checked()
    assert "OpenStreetMap" in attribution.text_content()


@pytest.mark.browser
def test_on_a_phone_the_panel_opens_and_closes_and_nothing_is_wider_than_the_page(
    tmp_path, watched
):
    path = written(tmp_path, make_map(language="en"))
    page, _, _ = watched(path)
    page.set_viewport_size({"width": 390, "height": 844})
    toggle, first = page.locator(".ars-toggle"), page.locator(".ars-top button").first
    assert toggle.text_content() == "Show legend and list"
    assert first.is_hidden()
    toggle.click()
    assert toggle.get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('.ars-panel').scrollWidth") <= 390
    first.click()
    assert toggle.get_attribute("aria-expanded") == "false"
    box = page.locator(".ars-card").bounding_box()
    assert box["width"] <= 390
    assert page.locator(".folium-map").bounding_box()["height"] + box["height"] <= 845
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.mark.browser
def test_points_are_drawn_and_can_be_pointed_at(tmp_path, watched):
    parcels = make_parcels(1)
    points = parcels.set_geometry(parcels.centroid)
    services = make_services().iloc[:0]
    page, _, complaints = watched(written(tmp_path, make_map(points, services=services)))
    box = page.locator(".folium-map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2 + 4, box["y"] + box["height"] / 2)
    assert page.locator(".ars-card h2").text_content() == "Storgata 0"
    assert complaints == []


@pytest.mark.browser
def test_a_notebook_shows_the_map_with_layers_of_its_own(browser_page):
    complaints, requests = [], []
    browser_page.on("pageerror", lambda error: complaints.append(str(error)))
    browser_page.on("request", lambda request: requests.append(request.url))
    suitability = make_map()
    layer = make_parcels(3)[["label", "geometry"]]
    folium.GeoJson(layer, tooltip=folium.GeoJsonTooltip(["label"])).add_to(suitability)
    folium.LayerControl().add_to(suitability)
    folium.Marker([59.13, 10.2]).add_to(suitability)
    browser_page.set_content(suitability._repr_html_())
    frame = browser_page.frame_locator("iframe")
    frame.locator("main[data-ready]").wait_for()
    assert frame.locator(".ars-legend li").count() == 6
    assert frame.locator("path.leaflet-interactive").count() == 3
    marker = frame.locator("img.leaflet-marker-icon").get_attribute("src")
    assert marker.startswith("data:image/png")
    assert complaints == []
    assert [url for url in requests if not url.startswith(("about:", "data:"))] == []
