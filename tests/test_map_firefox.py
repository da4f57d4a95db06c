"""The map in Firefox, opened from a file: no error, a parcel is told, a slider moves the scores."""

import json

import pytest

from hostile import beginning

pytestmark = pytest.mark.browser

POLICY = "default-src 'none'; script-src 'unsafe-inline'; img-src http:"
HOME = "\ue011"  # WebDriver's name of the key


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<script>nobody()</script>", "nobody is not defined"),
        ("<script>Promise.reject(new Error('broken word'))</script>", "broken word"),
        ("<script>console.error('a complaint')</script>", "a complaint"),
        ("<style>p { color: red }</style>", "Content-Security-Policy"),
        ("<script>fetch('https://example.org/').catch(() => {})</script>", "connect-src"),
    ],
)
def test_what_goes_wrong_in_firefox_is_heard(firefox, tmp_path, content, told):
    page = tmp_path / "page.html"
    head = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    page.write_text(f"<!doctype html>{head}<title>x</title>{content}", encoding="utf-8")
    firefox.goto(page.as_uri())
    assert any(told in error for error in firefox.errors), firefox.errors
    assert firefox.requests == []


def test_what_firefox_asks_the_network_for_is_heard(firefox, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><title>x</title><img src='https://example.org/a.png'>")
    firefox.goto(page.as_uri())
    assert firefox.requests == ["https://example.org/a.png"]


@pytest.fixture
def opened(firefox, hostile_town):
    """The map of the hostile town in Firefox, and the result it shows."""
    result, folder = hostile_town
    firefox.goto((folder / "map.html").as_uri())
    firefox.wait_for("document.querySelector('.ars-panel[data-ready]') !== null")
    return firefox, result


def middle_of(tab, selector):
    """Return where a thing stands in the window, in CSS pixels."""
    box = tab.wait_for(
        f"(() => {{ const b = document.querySelector({selector!r})?.getBoundingClientRect();"
        " return b && b.width ? [b.x + b.width / 2, b.y + b.height / 2] : null; })()"
    )
    return tuple(box)


def press_on(tab, selector):
    tab.evaluate(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
    tab.click(*middle_of(tab, selector))


def click_on_parcel(tab, parcels, parcel_id):
    """Click where the map shows the middle of a parcel, as Leaflet reckons it."""
    place = parcels.loc[[parcel_id]].representative_point().to_crs(4326).iloc[0]
    x, y = tab.evaluate(
        "(() => { const name = Object.keys(window).find((key) => /^map_[0-9a-f]+$/.test(key));"
        " const map = window[name];"
        f" const at = map.latLngToContainerPoint([{place.y}, {place.x}]);"
        " const box = map.getContainer().getBoundingClientRect();"
        " return [box.x + at.x, box.y + at.y]; })()"
    )
    tab.click(x, y)


def test_in_firefox_a_parcel_is_told_and_a_slider_moves_its_score(opened):
    tab, result = opened
    best = result.parcels["rank"].idxmin()
    click_on_parcel(tab, result.parcels, best)
    card = "document.querySelector('.ars-card')?.innerText || ''"
    told = tab.wait_for(f"({card}).includes({json.dumps(beginning(best))}) && ({card})")
    press_on(tab, "[role=tab][data-tab=weights]")
    middle_of(tab, "input[data-group=health]")
    tab.evaluate("document.querySelector('input[data-group=health]').focus()")
    tab.press(HOME)
    tab.wait_for(f"({card}) !== {json.dumps(told)}")
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert tab.evaluate("window.bad === undefined")
    assert tab.errors == []
    assert tab.requests == []


def test_in_firefox_the_report_is_shown_without_an_error(firefox, hostile_town):
    for name in ("report.html", "site_sheets.html"):
        firefox.goto((hostile_town[1] / name).as_uri())
        assert firefox.evaluate("document.querySelector('h1').innerText.length > 0")
        assert firefox.evaluate("window.bad === undefined")
    assert firefox.errors == []
    assert firefox.requests == []
