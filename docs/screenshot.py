"""Take the picture of README: the demo municipality's map in Chromium, 1400 × 900 pixels.

Run ``python docs/screenshot.py`` with Chromium on the path; it runs the demo in a temporary folder
and writes ``docs/images/map.png``.
"""

# ruff: noqa: INP001 - a script beside the picture it makes, not a package

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from playwright.sync_api import ViewportSize, sync_playwright
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from scipy.spatial import cKDTree

PICTURE = Path(__file__).resolve().parent / "images" / "map.png"
SIZE: ViewportSize = {"width": 1400, "height": 900}
COLOURS = 256
ALIKE = 16  # colours within such a step of red, green and blue are nearly the same
STILL_MS = 1000  # after that the map has stopped moving


def photograph(page_file: Path) -> bytes:
    """Return the map around the best parcel, with its card open, as PNG."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_context(offline=True, viewport=SIZE).new_page()
        page.goto(page_file.as_uri())
        page.wait_for_selector("[data-ready=true]")
        page.locator(".ars-list button").first.click()
        page.wait_for_timeout(STILL_MS)
        for _ in range(2):
            page.locator(".leaflet-control-zoom-out").click()
            page.wait_for_timeout(STILL_MS)
        page.mouse.move(0, 0)  # off the map, so that nothing is pointed at
        page.wait_for_timeout(STILL_MS)
        picture = page.screenshot()
        chromium.close()
    return picture


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


def main() -> None:
    """Run the demo, photograph its map and write the picture."""
    warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a picture has no place on earth
    with tempfile.TemporaryDirectory() as folder:
        demo = [sys.executable, "-m", "arealstrategi", "demo", "-q", "--out", folder]
        subprocess.run(demo, check=True, capture_output=True)  # noqa: S603 - our own program
        numbers, palette = with_few_colours(photograph(Path(folder) / "map.html"))
    height, width = numbers.shape
    PICTURE.parent.mkdir(exist_ok=True)
    with rasterio.open(
        PICTURE, "w", driver="PNG", width=width, height=height, count=1, dtype="uint8", zlevel=9
    ) as written:
        written.write(numbers, 1)
        written.write_colormap(1, {i: tuple(colour) for i, colour in enumerate(palette)})


if __name__ == "__main__":
    main()
