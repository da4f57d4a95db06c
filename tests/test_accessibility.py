"""What looks for barriers finds them, also where a policy forbids foreign scripts."""

import pytest

pytestmark = pytest.mark.browser

GOOD = """<!doctype html><html lang="nb"><head><title>Kart</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:"></head>
<body><main><h1>Kart</h1>{}</main></body></html>"""
PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACw="


def opened(browser_page, tmp_path, page):
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    browser_page.goto(path.as_uri())
    return browser_page


def test_a_plain_page_has_no_barrier(browser_page, tmp_path, axe):
    assert axe(opened(browser_page, tmp_path, GOOD.format("<p>Tekst</p>"))) == []


@pytest.mark.parametrize(
    ("rule", "page"),
    [
        ("image-alt", GOOD.format(f'<img src="{PICTURE}">')),
        ("label", GOOD.format('<input type="range">')),
        ("button-name", GOOD.format("<button></button>")),
        ("color-contrast", GOOD.format("<p><font color='#ccc'>Svakt</font></p>")),
        ("html-has-lang", GOOD.format("").replace(' lang="nb"', "")),
        ("document-title", GOOD.format("").replace("<title>Kart</title>", "")),
        ("region", GOOD.format("").replace("</body>", "<p>Utenfor</p></body>")),
    ],
)
def test_what_shuts_somebody_out_is_found(browser_page, tmp_path, axe, rule, page):
    found = axe(opened(browser_page, tmp_path, page))
    assert any(text.startswith(f"{rule} (") for text in found), found
