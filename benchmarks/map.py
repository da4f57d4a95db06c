"""The map of many parcels: ours, folium's GeoJson and geopandas' explore, written and opened.

Each is written in a fresh process, then opened by itself in Chromium, without a network. The peers
show the outlines, the class, a tooltip and a popup of every attribute; ours also holds services,
walking routes, streets and houses, and scores anew. What the peers load from the web is taken from
the npm registry first and handed to the page, so that no transfer is in their seconds.
"""

from __future__ import annotations

import argparse
import importlib.util
import pickle
import re
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measuring
from measuring import Figures

PARCELS, QUICK_PARCELS = 30_000, 1_500
LIBRARIES = ("leaflet@1.9.3", "jquery@3.7.1", "bootstrap@5.2.2", "d3@3.5.5")
SERVED = { # end of an address that a peer's page loads, to the file that answers it
    "leaflet.js": "leaflet/dist/leaflet.js",
    "leaflet.css": "leaflet/dist/leaflet.css",
    "jquery-3.7.1.min.js": "jquery/dist/jquery.min.js",
    "bootstrap.bundle.min.js": "bootstrap/dist/js/bootstrap.bundle.min.js",
    "bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
    "d3.min.js": "d3/d3.min.js",
}  # fmt: skip
FROM_THE_WEB = re.compile("^https?://")
SLIDER_STEPS = 12
WAIT_MS = 300_000
WANTED = {
    30_000: {"mb": 4.0, "seconds": 4.0, "first_s": 1.0, "slider_ms": 120.0, "score_ms": 5.0},
    100_000: {"mb": 12.0, "first_s": 3.0, "slider_ms": 300.0},
}
ROWS = (
    ("mb", "file, MB", 2),
    ("seconds", "written, s", 2),
    ("peak_mb", "peak memory when written, MB", 0),
    ("first_s", "first parcels, s", 2),
    ("zoom_ms", "zoom to the next frame, ms", 0),
    ("pan_ms", "pan to the next frame, ms", 0),
    ("slider_ms", "slider to the next frame, ms", 0),
    ("slider_worst_ms", "… the slowest", 0),
    ("score_ms", "all scores anew, ms", 1),
    ("heap_mb", "JavaScript's memory, MB", 0),
)

# Runs before the page's own scripts: when do parcels stand on the screen?
FIRST = """
(() => {
  const painted = () => {
    if (performance.getEntriesByName("ars-first").length) return true;
    const canvas = document.querySelector(".leaflet-overlay-pane canvas");
    if (!canvas?.width) return document.querySelectorAll(".leaflet-overlay-pane path").length > 0;
    const small = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
    const pen = small.getContext("2d");
    pen.drawImage(canvas, 0, 0, 64, 64);
    return pen.getImageData(0, 0, 64, 64).data.some(channel => channel > 0);
  };
  const tell = now => { document.documentElement.dataset.firstMs = now; };
  const look = () => {
    requestAnimationFrame(painted() ? tell : look);
  };
  requestAnimationFrame(look);
})();
"""
# The time until the frame after the next: by then the browser has painted
FRAME = """async (doing) => {
  const map = Object.values(window).find(value => value instanceof L.Map);
  const frame = () => new Promise(done => requestAnimationFrame(done));
  const steps = {
    zoom: () => map.setZoom(map.getZoom() + 1, { animate: false }),
    back: () => map.setZoom(map.getZoom() - 1, { animate: false }),
    pan: () => map.panBy([250, 150], { animate: false }),
  };
  await frame();
  const begun = performance.now();
  steps[doing]();
  await frame();
  await frame();
  return performance.now() - begun;
}"""
SLIDE = """async ({ steps }) => {
  const frame = () => new Promise(done => requestAnimationFrame(done)), frames = [], scores = [];
  const inner = window.arsScore.score;
  window.arsScore.score = (...given) => {
    const begun = performance.now(), scored = inner(...given);
    scores.push(performance.now() - begun);
    return scored;
  };
  const slider = document.querySelector("input[type=range][data-group]");
  for (let k = 0; k < steps; k++) {
    const span = slider.max - slider.min;
    await frame();
    const begun = performance.now();
    slider.value = Number(slider.min) + span * (.15 + .7 * (k * .37 % 1));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await frame();
    await frame();
    frames.push(performance.now() - begun);
  }
  return { frames, scores };
}"""


def main() -> int:
    parser = argparse.ArgumentParser(description="The map: arealstrategi, folium and geopandas.")
    parser.add_argument("--n", type=int, default=PARCELS, help="how many parcels, 100000 too")
    parser.add_argument("--runs", type=int, default=3, help="times that each page is opened")
    parser.add_argument("--without-peers", action="store_true", help="our side alone")
    parser.add_argument(
        "--quick", "--small", action="store_true", help="our side alone, once, few parcels"
    )
    asked = parser.parse_args()
    measuring.print_machine()
    n, runs = (QUICK_PARCELS, 1) if asked.quick else (asked.n, asked.runs)
    sides = ["ours"] if asked.quick or asked.without_peers else ["ours", "folium", "explore"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if len(sides) > 1:
            _fetch_libraries(folder)
        measuring.write_job(folder, n=n, runs=runs)
        measuring.run_side(__file__, "prepare", folder)
        figures = [_side(side, folder) for side in sides]
    _print_sides(f"{figures[0]['what']}; median of {runs} openings", figures)
    _print_wanted(n, figures[0])
    return 0


def _side(side: str, folder: Path) -> Figures:
    written = measuring.run_side(__file__, side, folder)
    measuring.write_job(folder, **measuring.read_job(folder) | {"page": written["page"]})
    return written | measuring.run_side(__file__, "browser", folder)


def _print_sides(title: str, sides: list[Figures]) -> None:
    print(f"\n{title}")
    print(f"  {'':32}" + "".join(f"{side['name']:>16}" for side in sides))
    for key, label, decimals in ROWS:
        told = [f"{side[key]:,.{decimals}f}" if key in side else "–" for side in sides]
        print(f"  {label:32}" + "".join(f"{text:>16}" for text in told))


def _print_wanted(n: int, ours: Figures) -> None:
    for key, most in WANTED.get(n, {}).items():
        label = next(label for name, label, _ in ROWS if name == key)
        if key in ours:
            judged = "met" if ours[key] <= most else "NOT met"
            print(f"  wanted of ours: {label} at most {most:g}: {judged}")


def _fetch_libraries(folder: Path) -> None:
    command = ["npm", "install", "--silent", "--prefix", str(folder), *LIBRARIES]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        measuring.stop(
            f"npm cannot install what the peers' pages need ({error}); "
            "--without-peers measures our side alone."
        )


# ---- what is shown, and who writes it ----
def prepare(folder: Path) -> Figures:
    """Make the municipality, once for all sides."""
    import municipality

    tables = municipality.map_tables(int(measuring.read_job(folder)["n"]))
    (folder / "tables.pickle").write_bytes(pickle.dumps(tables))
    return {}


def _tables(folder: Path) -> Any:  # noqa: ANN401 (MapTables; imports are the sides' own)
    return pickle.loads((folder / "tables.pickle").read_bytes())  # noqa: S301 - of this run


def _written(folder: Path, name: str, write: Callable[[Path], object], what: str) -> Figures:
    page = folder / f"{name}.html"
    _, figures = measuring.measure(lambda: write(page))
    return figures | {
        "name": name,
        "page": str(page),
        "mb": page.stat().st_size / 1e6,
        "what": what,
    }


def ours(folder: Path) -> Figures:
    """Write our page."""
    from arealstrategi.export.map import suitability_map, write_map

    tables = _tables(folder)
    what = (
        f"{len(tables.parcels):,} parcels × {len(tables.criteria)} criteria, "
        f"{len(tables.services):,} services, {len(tables.backdrop):,} streets and houses"
    )
    return _written(
        folder,
        "arealstrategi",
        lambda page: write_map(suitability_map(tables, title="Benchmark"), page),
        what,
    )


def _attributes(tables: Any) -> Any:  # noqa: ANN401 (a GeoDataFrame)
    """Return what a peer's page shows of each parcel."""
    walks = [f"{key}_walk_m" for key in tables.criteria.index]
    shown = ["label", "area_m2", "status", "class", "score", "rank", *walks]
    table = tables.parcels[[*shown, "geometry"]].reset_index()
    table[["area_m2", *walks]] = table[["area_m2", *walks]].round()
    table["rank"], table["score"] = table["rank"].astype(float), table["score"].round(1)
    return table


def folium_geojson(folder: Path) -> Figures:
    """Write the same parcels as folium's manual has it, on canvas."""
    import folium

    from arealstrategi.export.labels import CLASS_COLOURS

    table = _attributes(_tables(folder))
    fields = [name for name in table.columns if name != "geometry"]

    def style(feature: dict[str, Any]) -> dict[str, Any]:
        colour = CLASS_COLOURS.get(feature["properties"]["class"], "#b9b9b9")
        return {"fillColor": colour, "color": "#ffffff", "weight": 1, "fillOpacity": 0.8}

    def write(page: Path) -> None:
        west, south, east, north = table.to_crs(4326).total_bounds
        shown = folium.Map(tiles=None, prefer_canvas=True)
        folium.GeoJson(
            table,
            style_function=style,
            tooltip=folium.GeoJsonTooltip(fields[:4]),
            popup=folium.GeoJsonPopup(fields),
        ).add_to(shown)
        shown.fit_bounds([[south, west], [north, east]])
        shown.save(page)

    return _written(folder, "folium GeoJson", write, "")


def explore(folder: Path) -> Figures:
    """Write the same parcels with geopandas' explore, on canvas."""
    if importlib.util.find_spec("mapclassify") is None:
        measuring.stop("explore needs mapclassify: pip install mapclassify, or --without-peers.")
    table = _attributes(_tables(folder))

    def write(page: Path) -> None:
        table.explore(
            column="score", tooltip=True, popup=True, tiles=None, prefer_canvas=True
        ).save(page)

    return _written(folder, "explore", write, "")


# ---- the browser ----
def browser(folder: Path) -> Figures:
    """Open a page several times; return the medians."""
    from playwright.sync_api import sync_playwright

    job = measuring.read_job(folder)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        measuring.stop("Chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        each = [_open(started, folder, Path(job["page"])) for _ in range(int(job["runs"]))]
        started.close()
    return {key: statistics.median(one[key] for one in each) for key in each[0]}


def _open(started: Any, folder: Path, path: Path) -> dict[str, float]:  # noqa: ANN401 (Playwright's)
    context = started.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(FIRST)
    page.route(FROM_THE_WEB, lambda route: _answer(route, folder / "node_modules"))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-first-ms]", state="attached")
    first_ms = page.evaluate("Number(document.documentElement.dataset.firstMs)")
    figures = {"first_s": first_ms / 1000}
    page.wait_for_timeout(1000)
    figures |= {"zoom_ms": page.evaluate(FRAME, "zoom"), "pan_ms": page.evaluate(FRAME, "pan")}
    page.evaluate(FRAME, "back")
    figures["heap_mb"] = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
    if page.evaluate("'arsScore' in window"):
        figures |= _slide(page)
    context.close()
    return figures


def _slide(page: Any) -> dict[str, float]:  # noqa: ANN401 (Playwright's)
    page.wait_for_selector(".ars-panel[data-ready=true]")
    page.locator("[role=tab][data-tab=weights]").click()
    found = page.evaluate(SLIDE, {"steps": SLIDER_STEPS})
    return {
        "slider_ms": statistics.median(found["frames"]),
        "slider_worst_ms": max(found["frames"]),
        "score_ms": statistics.median(found["scores"]),
    }


def _answer(route: Any, libraries: Path) -> None:  # noqa: ANN401 (Playwright's)
    """Answer a peer's request with a library's file, or with nothing where it needs none."""
    name = route.request.url.rsplit("/", 1)[-1]
    if name in SERVED and (libraries / SERVED[name]).is_file():
        route.fulfill(path=libraries / SERVED[name])
    else:
        kind = "text/css" if name.endswith("css") else "text/javascript"
        route.fulfill(body="", content_type=kind)


SIDES = {
    "prepare": prepare,
    "ours": ours,
    "folium": folium_geojson,
    "explore": explore,
    "browser": browser,
}

if __name__ == "__main__":
    raise SystemExit(measuring.entry(main, SIDES))
