"""What was read: checksums, counts, repairs, and the versions that did it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = (
    "arealstrategi", "exactextract", "folium", "geopandas", "numpy", "osmium", "osmnx", "pandas",
    "pydantic", "pyogrio", "pyproj", "rasterio", "scipy", "shapely",
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
    what
        What it was understood to be, in words: "Matrikkelen – Eiendomskart Teig".
    date
        How old the data are, as the data say; empty where they do not.
    licence
        Under which licence, where it is known.
    """

    role: str
    source: str
    facts: Mapping[str, Fact]
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = field(default=(), repr=False)
    listed: Mapping[str, list[str]] = field(default_factory=dict, repr=False)
    what: str = ""
    date: str = ""
    licence: str = ""


def with_origin(report: SourceReport) -> SourceReport:
    """Fill in date and licence from what lies beside the files; else the day they were saved."""
    origins = [origin for origin in map(read_origin, report.files) if origin is not None]
    date, licence = report.date, report.licence
    if origins:
        date = date or f"fetched {origins[0].fetched}"
        licence = licence or f"{origins[0].licence}, {origins[0].attribution}".strip(", ")
    elif report.files and not date:
        saved = datetime.fromtimestamp(report.files[0].stat().st_mtime, tz=UTC)
        date = f"file saved {saved:%Y-%m-%d}"
    return replace(report, date=date, licence=licence)


@dataclass(frozen=True)
class Origin:
    """Where a file in ``data/`` came from; written beside it as ``FILE.source.json``.

    Parameters
    ----------
    title
        Name of the data set.
    address
        Where it was asked for, without passwords and keys.
    fetched
        When, ISO 8601 with time zone.
    licence, attribution
        What its users must keep to and name.
    sha256
        Checksum of the file.
    """

    title: str
    address: str
    fetched: str
    licence: str
    attribution: str
    sha256: str


def origin_path(path: Path) -> Path:
    """Return where the origin of a file is written."""
    return path.with_name(f"{path.name}.source.json")


def write_origin(path: Path, origin: Origin) -> None:
    """Write where a file came from beside it."""
    text = json.dumps(asdict(origin), ensure_ascii=False, indent=2)
    origin_path(path).write_text(text + "\n", encoding="utf-8")


def read_origin(path: Path) -> Origin | None:
    """Return where a file came from; None where nothing usable beside it says so."""
    try:
        told = json.loads(origin_path(path).read_text(encoding="utf-8"))
        return Origin(**{name: str(told[name]) for name in Origin.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of the files below a folder (FileGDB)."""
    digest = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def report_facts(report: SourceReport, checksums: Mapping[Path, str]) -> dict[str, Any]:
    """Return a report as ``run.json`` and ``check --json`` hold it."""
    return {
        "role": report.role,
        "what": report.what,
        "source": report.source,
        "sha256": {str(path): checksums[path] for path in report.files},
        "date": report.date or None,
        "licence": report.licence or None,
        "facts": dict(report.facts),
        "warnings": list(report.warnings),
        "listed": {reason: list(names) for reason, names in report.listed.items()},
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a result rests on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
