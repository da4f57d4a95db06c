"""What was read: checksums, counts, repairs, and the versions that did it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "arealstrategi", "folium", "geopandas", "numpy", "osmium", "osmnx", "pandas", "pydantic",
    "pyogrio", "pyproj", "rasterio", "scipy", "shapely",
)  # fmt: skip

Fact = str | int | float | None


@dataclass(frozen=True)
class SourceReport:
    """What one input turned out to be.

    Parameters
    ----------
    role
        What it was read as: ``parcels``, ``osm``, ``boundary`` …
    source
        File, layer or service as the user would recognise it.
    facts
        Counts, CRS, repairs: name to value, in the order to show them.
    warnings
        One sentence for each thing the user should look at.
    files
        The files behind it, for the checksums.
    listed
        What was repaired or left out: reason to the identities concerned.
    """

    role: str
    source: str
    facts: Mapping[str, Fact]
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = field(default=(), repr=False)
    listed: Mapping[str, list[str]] = field(default_factory=dict, repr=False)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of the files below a folder (FileGDB)."""
    digest = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a result rests on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
