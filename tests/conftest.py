"""What tests share: the data they read, a town whose answers can be counted by hand, browsers.

Where something is absent a test skips with a reason; in CI (``CI=true``) that is a failure.
"""

import fcntl
import os
import pickle
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, TypeVar

import osmium
import pytest
from hypothesis import settings

# a shell that runs this in the background has Ctrl+C ignored, by what tests start as well
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# no test is about a machine that loses its power: SQLite need not wait for the disk
os.environ.setdefault("OGR_SQLITE_SYNCHRONOUS", "OFF")

# how long an example takes says more of what else the machine does
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

T = TypeVar("T")
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
def once(tmp_path_factory) -> Callable[[str, Callable[[Path], T]], T]:
    """Make something once for all processes that run tests: ``once(name, make)``.

    ``make`` gets an empty folder; what it returns is kept beside it, pickled, and everybody but
    the maker gets a copy.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def made_once(name: str, make: Callable[[Path], T]) -> T:
        folder, kept = base / f"once-{name}", base / f"once-{name}.pickle"
        with (base / f"once-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if kept.exists():
                copy: T = pickle.loads(kept.read_bytes())  # noqa: S301 - of our own making
                return copy
            shutil.rmtree(folder, ignore_errors=True)  # of one that failed
            folder.mkdir()
            made = make(folder)
            kept.write_bytes(pickle.dumps(made))
            return made

    return made_once


@pytest.fixture(scope="session")
def demo_inputs(once) -> Path:
    """The folder with the demo's strategy and its files, to read only."""
    from arealstrategi.sources.demo import write_demo

    strategy: Path = once("demo", write_demo)
    return strategy.parent


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


@pytest.fixture(scope="session")
def firefox_session(tmp_path_factory) -> Iterator[object]:
    """Debian's Firefox without network, spoken to over WebDriver BiDi."""
    from firefox import started

    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        absent("Firefox is not installed")
    with started(program, tmp_path_factory.mktemp("firefox")) as session:
        yield session


@pytest.fixture
def firefox(firefox_session) -> Iterator[object]:
    """A blank tab of Firefox; see `firefox.Tab`."""
    with firefox_session.tab() as tab:
        yield tab


@pytest.fixture(scope="session")
def axe():
    """Look a page over with axe-core: ``axe(page)`` gives a sentence per thing that is wrong.

    All rules are run: WCAG 2.0-2.2 A and AA, and best practice.
    """
    from axe_playwright_python.sync_playwright import Axe

    look = Axe()

    def violations(page) -> list[str]:
        found = look.run(page).response["violations"]
        return [
            f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['html'][:200]}"
            for rule in found
            for node in rule["nodes"]
        ]

    return violations


@pytest.fixture
def write_osm(tmp_path):
    """Write a small extract, as `osm_writer` does, into the folder of the test."""
    return osm_writer(tmp_path)


@pytest.fixture(scope="session")
def plain_town(once):
    """The result of a small town with sites, rules, scenarios and weights that people gave."""
    import arealstrategi as ars
    from hostile import PLAIN, write_town

    return once("plain", lambda folder: ars.run(write_town(folder, osm_writer(folder), PLAIN)))


@pytest.fixture(scope="session")
def hostile_town(once):
    """A town whose every text is hostile: ``(result, folder of its outputs)``."""
    import arealstrategi as ars
    from hostile import with_half_pairs, write_town

    def made(folder):
        result = with_half_pairs(ars.run(write_town(folder, osm_writer(folder))))
        result.write(folder / "out")
        return result, folder / "out"

    return once("hostile", made)


def osm_writer(folder: Path):
    """Return a function that writes a small extract: ``write(nodes, ways, relations)``.

    Nodes are ``{id: (lon, lat)}`` or ``{id: (lon, lat, tags)}``; ways ``{id: (refs, tags)}``;
    relations ``{id: (members, tags)}``.
    """

    def write(nodes, ways=None, relations=None, name="town.osm.pbf") -> Path:
        path: Path = folder / name
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
