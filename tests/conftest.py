"""What tests share: the data they read, a town whose answers can be counted by hand, a browser.

Where something is absent a test skips with a reason; in CI (``CI=true``) that is a failure.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import osmium
import pytest
from hypothesis import settings

# how long an example takes says more of what else the machine does
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


def absent(reason: str) -> NoReturn:
    if IN_CI:
        pytest.fail(f"CI must have it: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real data that is not in the repository."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("AREALSTRATEGI_DATA", default))
    if not (folder / "lauf").is_dir():
        absent("the shared test data are not here; set AREALSTRATEGI_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        absent("Chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
            ],
        )
        yield started
        started.close()


@pytest.fixture
def browser_page(browser) -> Iterator[object]:
    """A blank page without network; ``page.console_errors`` collects what goes wrong in it."""
    context = browser.new_context(offline=True, viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.console_errors = []
    page.on("console", lambda m: m.type == "error" and page.console_errors.append(m.text))
    page.on("pageerror", lambda e: page.console_errors.append(str(e)))
    yield page
    context.close()


@pytest.fixture
def write_osm(tmp_path):
    """Write a small extract: ``write_osm(nodes, ways)``.

    Nodes are ``{id: (lon, lat)}`` or ``{id: (lon, lat, tags)}``; ways ``{id: (refs, tags)}``;
    relations ``{id: (members, tags)}``.
    """

    def write(nodes, ways=None, relations=None, name="town.osm.pbf") -> Path:
        path: Path = tmp_path / name
        with osmium.SimpleWriter(path, overwrite=True) as writer:
            for number, (lon, lat, *tags) in sorted(nodes.items()):
                writer.add_node(
                    osmium.osm.mutable.Node(
                        id=number, location=(lon, lat), tags=tags[0] if tags else {}, version=1
                    )
                )
            for number, (refs, tags) in sorted((ways or {}).items()):
                writer.add_way(
                    osmium.osm.mutable.Way(id=number, nodes=list(refs), tags=tags, version=1)
                )
            for number, (members, tags) in sorted((relations or {}).items()):
                writer.add_relation(
                    osmium.osm.mutable.Relation(id=number, members=members, tags=tags, version=1)
                )
        return path

    return write
