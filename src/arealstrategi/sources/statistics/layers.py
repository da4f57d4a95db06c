"""Which layers a file has, before one is chosen by what it holds."""

from __future__ import annotations

import warnings
from pathlib import Path

import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

_AREAS = ("polygon", "surface", "unknown", "geometry")  # GML and GeoJSON may say nothing more


def area_layers(path: Path) -> list[str]:
    """Return the names of the layers that may hold polygons.

    None where the file is missing or cannot be read: `open_layer` says what is wrong with it.
    """
    if not path.exists():
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # GDAL's remarks on odd files
            listed = pyogrio.list_layers(path)
    except (DataSourceError, DataLayerError, UnicodeDecodeError, ValueError):
        return []
    return [str(name) for name, kind in listed if any(k in str(kind).lower() for k in _AREAS)]
