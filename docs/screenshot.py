"""Take the pictures of README and the documentation.

Run ``python docs/screenshot.py`` with Chromium on the path; it runs the demo in a temporary folder
and writes ``docs/images/*.png``. Names after it are the pictures to take, ``--run FOLDER`` is a
finished run of the demo. What is to be seen is found by its role and its words; where something is
not there, or a page has a script error, the script stops and says so.
"""

# ruff: noqa: INP001 - a script beside the pictures it makes, not a package

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from scipy.spatial import cKDTree

from arealstrategi.export.labels import words

IMAGES = Path(__file__).resolve().parent / "images"
SCREEN: ViewportSize = {"width": 1400, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
PAPER: ViewportSize = {"width": 794, "height": 1123}  # A4 with 96 pixels per inch
PAPER_MARGIN = "15mm"
COLOURS = 256
ALIKE = 16  # colours within such a step of red, green and blue are nearly the same
STILL_MS = 1000  # after that the map has stopped moving
TEXT = words("nb")
# Debian's QGIS has a Python of its own
QGIS_PYTHON = "/usr/bin/python3"
QGIS = """
import os
import sys
from qgis.core import (QgsApplication, QgsMapRendererSequentialJob, QgsMapSettings, QgsVectorLayer)
from qgis.PyQt.QtCore import QSize
package, picture = sys.argv[1:]
app = QgsApplication([], False)
app.initQgis()
layers = [QgsVectorLayer(f"{package}|layername={name}", name, "ogr")
          for name in ("areas", "services", "parcels")]
assert all(layer.isValid() for layer in layers), "a layer is not there"
settings = QgsMapSettings()
settings.setLayers(layers)
settings.setDestinationCrs(layers[-1].crs())
settings.setOutputSize(QSize(1400, 900))
extent = layers[0].extent()
extent.scale(1.6)
settings.setExtent(extent)
job = QgsMapRendererSequentialJob(settings)
job.start()
job.waitForFinished()
assert job.renderedImage().save(picture), "QGIS could not write the picture"
os._exit(0)  # QGIS may fall over its own layers while it ends
"""


def opened(chromium: Browser, file: Path, size: ViewportSize, *, scale: float = 1) -> Page:
    """Open a page without network; a script error in it ends everything."""
    phone = size == PHONE
    context = chromium.new_context(
        offline=True, viewport=size, device_scale_factor=scale, has_touch=phone, is_mobile=phone
    )
    page = context.new_page()

    def fail(error: object) -> None:
        raise RuntimeError(f"{file.name}: {error}")

    page.on("pageerror", fail)
    page.goto(file.as_uri())
    return page


def opened_map(chromium: Browser, run: Path, size: ViewportSize, *, scale: float = 1) -> Page:
    """Open the map and wait until its parcels are drawn."""
    page = opened(chromium, run / "map.html", size, scale=scale)
    page.wait_for_selector("main.ars-panel[data-ready]")
    page.wait_for_timeout(STILL_MS)
    return page


def button(page: Page, key: str) -> Locator:
    """Return the button that has these words of the map."""
    return page.get_by_role("button", name=TEXT[key], exact=True)


def best_parcel(page: Page, *, zoomed_out: int) -> None:
    """Open the card of the best parcel, and show more around it."""
    page.locator(".ars-top button[data-parcel]").first.click()
    expect(page.locator(".ars-card h2")).to_be_visible()
    page.wait_for_timeout(STILL_MS)
    for _ in range(zoomed_out):
        button(page, "map.zoom_out").click()
        page.wait_for_timeout(STILL_MS)


def taken(page: Page) -> bytes:
    """Return what is to be seen now, with nothing pointed at."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(STILL_MS)
    picture = page.screenshot()
    page.context.close()
    return picture


def whole_map(chromium: Browser, run: Path) -> bytes:
    """Return the map around the best parcel, with its card open."""
    page = opened_map(chromium, run, SCREEN)
    best_parcel(page, zoomed_out=1)
    return taken(page)


def card(chromium: Browser, run: Path) -> bytes:
    """Return the best parcel with all its walks."""
    page = opened_map(chromium, run, SCREEN)
    best_parcel(page, zoomed_out=0)
    button(page, "map.routes_show").click()
    return taken(page)


def weights(chromium: Browser, run: Path) -> bytes:
    """Return the sliders, the doctor's group made heavier."""
    page = opened_map(chromium, run, SCREEN)
    page.get_by_role("tab", name=TEXT["map.tab_weights"], exact=True).click()
    slider = page.locator("input[type=range][data-group=health]")
    slider.focus()
    for _ in range(15):
        slider.press("ArrowRight")
    return taken(page)


def phone(chromium: Browser, run: Path) -> bytes:
    """Return the map on a phone."""
    return taken(opened_map(chromium, run, PHONE, scale=2))


def report(chromium: Browser, run: Path) -> bytes:
    """Return the first page of the report as it is printed."""
    page = opened(chromium, run / "report.html", PAPER)
    return on_paper(page, page.get_by_role("heading", level=1))


def site_sheet(chromium: Browser, run: Path) -> bytes:
    """Return the sheet of the best area as it is printed."""
    page = opened(chromium, run / "site_sheets.html", PAPER)
    name = TEXT["sheet.area"].format(name="A1")
    return on_paper(page, page.get_by_role("heading", name=name, exact=True))


def on_paper(page: Page, top: Locator) -> bytes:
    """Return what is printed from a heading on, as much as an A4 holds."""
    page.emulate_media(media="print")
    # what comes before is another page
    top.evaluate("h => { while (h.previousElementSibling) h.previousElementSibling.remove(); }")
    page.evaluate("margin => { document.body.style.padding = margin; }", PAPER_MARGIN)
    expect(top).to_be_visible()
    picture = page.screenshot()
    page.context.close()
    return picture


def in_qgis(_: Browser, run: Path) -> bytes:
    """Return what QGIS draws of the GeoPackage by the styles in it."""
    if subprocess.run([QGIS_PYTHON, "-c", "import qgis"], check=False).returncode:  # noqa: S603
        raise RuntimeError("QGIS is not installed (Debian: python3-qgis)")
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "qgis.png"
        command = [QGIS_PYTHON, "-c", QGIS, str(run / "suitability.gpkg"), str(picture)]
        environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": folder, "PATH": "/usr/bin:/bin"}
        subprocess.run(command, check=True, env=environment)  # noqa: S603
        return picture.read_bytes()


PICTURES: dict[str, Callable[[Browser, Path], bytes]] = {
    "map.png": whole_map,
    "card.png": card,
    "weights.png": weights,
    "phone.png": phone,
    "report.png": report,
    "site_sheet.png": site_sheet,
    "qgis.png": in_qgis,
}


def with_few_colours(picture: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return (rows, columns) numbers of colours, and the (256, 3) colours.

    Of colours that are nearly the same only the most frequent is kept, so that small things such as
    a marker keep theirs.
    """
    with MemoryFile(picture) as file, file.open() as read:
        pixels = np.moveaxis(read.read([1, 2, 3]), 0, -1)
    found, number, count = np.unique(
        pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True
    )
    ordered = found[np.argsort(-count, kind="stable")]
    _, first = np.unique(ordered // ALIKE, axis=0, return_index=True)
    palette = ordered[np.sort(first)[:COLOURS]]
    nearest = np.asarray(cKDTree(palette).query(found)[1], dtype=np.uint8)
    return nearest[number].reshape(pixels.shape[:2]), palette


def write(picture: bytes, path: Path) -> None:
    """Write a picture with few colours, so that it stays small."""
    numbers, palette = with_few_colours(picture)
    height, width = numbers.shape
    path.parent.mkdir(exist_ok=True)
    with rasterio.open(
        path, "w", driver="PNG", width=width, height=height, count=1, dtype="uint8", zlevel=9
    ) as written:
        written.write(numbers, 1)
        written.write_colormap(1, {i: tuple(colour) for i, colour in enumerate(palette)})


def photograph(run: Path, names: list[str]) -> None:
    """Take some of the pictures of a finished run."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name in names:
            write(PICTURES[name](chromium, run), IMAGES / name)
            sys.stderr.write(f"{name}\n")
        chromium.close()


def main() -> None:
    """Run the demo and take its pictures."""
    warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a picture has no place on earth
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(PICTURES))
    parser.add_argument("--run", type=Path, help="a finished run of the demo")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in PICTURES]:
        parser.error(f"no such picture: {', '.join(unknown)}")
    names = asked.names or list(PICTURES)
    if asked.run:
        photograph(asked.run.resolve(), names)
        return
    with tempfile.TemporaryDirectory() as folder:
        demo = [sys.executable, "-m", "arealstrategi", "demo", "-q", "--out", folder]
        subprocess.run(demo, check=True, capture_output=True)  # noqa: S603 - our own program
        photograph(Path(folder), names)


if __name__ == "__main__":
    main()
