"""Vector files through GDAL: the layer, its CRS, and one clear error when that fails."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FieldError
from pyproj.exceptions import CRSError

from arealstrategi.errors import InputError

log = logging.getLogger(__name__)

T = TypeVar("T")
_MOST_DEGREES = 360.0


@dataclass(frozen=True)
class Layer:
    """One layer of a file, before anything is read from it.

    Parameters
    ----------
    path, name
        File and layer.
    fields
        Names of its columns.
    crs
        The CRS the file states, or the one the strategy states for it.
    crs_from
        Which of the two.
    features
        How many; -1 where the format does not say.
    """

    path: Path
    name: str
    fields: tuple[str, ...]
    crs: pyproj.CRS
    crs_from: str
    features: int

    def __str__(self) -> str:
        return f"{self.path}, layer '{self.name}'"

    @property
    def crs_name(self) -> str:
        """The CRS as people write it: its code, or its name where it has none."""
        authority = self.crs.to_authority(min_confidence=100)
        return ":".join(authority) if authority else self.crs.name


def open_layer(path: Path, layer: str | None, *, key: str, crs: str | None = None) -> Layer:
    """Find out what a layer holds.

    Parameters
    ----------
    path
        Any file that GDAL reads.
    layer
        Its name; None: the only one.
    key
        What the strategy file calls this input, for messages: a section that has ``source``,
        ``layer`` and ``crs`` (``[parcels]``), or one key ("`boundary` under [area]").
    crs
        CRS to take where the file states none.

    Raises
    ------
    InputError
        The file is missing or unreadable, the layer is not there or not the only one, or no CRS
        is known.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such file", hint=f"Check {_key_of(key, 'source')}.")
    names = _layer_names(path)
    name = _choose(path, names, layer, key)
    info = _guarded(path, lambda: pyogrio.read_info(path, layer=name))
    stated = _known_crs(info["crs"])
    found = stated or _known_crs(crs)
    if found is None:
        raise InputError(
            f"{path}, layer '{name}': the file does not say in which CRS its coordinates are",
            hint=f'Set `crs = "EPSG:…"` under {key}, or save the layer with its CRS in QGIS.'
            if _is_section(key)
            else "Save the layer with its CRS in QGIS.",
        )
    crs_from = "the file" if stated else "the strategy file"
    return Layer(path, name, tuple(info["fields"]), found, crs_from, int(info["features"]))


def read_layer(
    layer: Layer, columns: Sequence[str] = (), *, where: str | None = None
) -> gpd.GeoDataFrame:
    """Read a layer with the columns asked for, in its own CRS.

    Parameters
    ----------
    layer
        The opened layer.
    columns
        Columns to read beside the geometry.
    where
        SQL condition that features must meet; that none does is no error.

    Raises
    ------
    InputError
        A column is not there, the layer is empty, or its coordinates cannot be what the CRS says.
    """
    absent = [name for name in columns if name not in layer.fields]
    if absent:
        raise InputError(
            f"{layer}: there is no column {', '.join(map(repr, absent))}",
            hint=f"The columns are: {', '.join(layer.fields) or 'none'}.",
        )
    try:
        table = _guarded(
            layer.path,
            lambda: pyogrio.read_dataframe(
                layer.path, layer=layer.name, columns=list(columns), where=where
            ),
        )
    except InputError as error:
        if where is None:
            raise
        raise InputError(
            f"{layer}: the condition {where!r} cannot be used ({error.__cause__})",
            hint=f"The columns are: {', '.join(layer.fields) or 'none'}.",
        ) from error
    if not isinstance(table, gpd.GeoDataFrame):
        raise InputError(
            f"{layer}: holds no geometry", hint="Choose a layer with polygons or points."
        )
    if len(table) == 0 and where is None:
        raise InputError(f"{layer}: is empty", hint="Choose another layer or another file.")
    table = table.set_crs(layer.crs, allow_override=True)
    _check_coordinates(layer, table)
    return table


def _known_crs(text: str | None) -> pyproj.CRS | None:
    """Return the CRS, or None where the text only says that it is undefined."""
    if not text:
        return None
    try:
        crs = pyproj.CRS.from_user_input(text)
    except CRSError:
        return None
    undefined = crs.name.lower().startswith("undefined")  # as GeoPackage calls it
    return None if undefined or not (crs.is_geographic or crs.is_projected) else crs


def _layer_names(path: Path) -> list[str]:
    listed = _guarded(path, lambda: pyogrio.list_layers(path))
    spatial = [str(name) for name, kind in listed if kind is not None]
    if not spatial:
        raise InputError(
            f"{path}: holds no layer with geometry",
            hint="Give a file with polygons or points, such as a GeoPackage.",
        )
    return spatial


def _is_section(key: str) -> bool:
    return key.startswith("[")


def _key_of(key: str, name: str) -> str:
    return f"`{name}` under {key}" if _is_section(key) else key


def _choose(path: Path, names: list[str], layer: str | None, key: str) -> str:
    listed = ", ".join(repr(name) for name in names)
    if layer is not None:
        if layer not in names:
            raise InputError(
                f"{path}: there is no layer '{layer}'", hint=f"The layers are: {listed}."
            )
        return layer
    if len(names) > 1:
        raise InputError(
            f"{path}: holds {len(names)} layers",
            hint=f"Set `layer` under {key} to one of: {listed}."
            if _is_section(key)
            else f"Save the one you need as a file of its own; its layers are: {listed}.",
        )
    return names[0]


def _guarded(path: Path, read: Callable[[], T]) -> T:
    """Run a GDAL call; what it says of a file it cannot read becomes one clear error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # GDAL's remarks on odd files
            warnings.simplefilter("ignore", UserWarning)
            return read()
    except (DataSourceError, DataLayerError, FieldError, UnicodeDecodeError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read ({str(error).strip()})",
            hint="The file is damaged or of an unknown kind. Try to open it in QGIS.",
        ) from error


def _check_coordinates(layer: Layer, table: gpd.GeoDataFrame) -> None:
    """Refuse metres that are labelled as degrees, and degrees that are labelled as metres."""
    bounds = shapely.bounds(table.geometry.to_numpy())
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if len(bounds) == 0:
        return
    (west, south), (east, north) = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    found = f"x from {west:.6g} to {east:.6g}, y from {south:.6g} to {north:.6g}"
    largest = max(abs(west), abs(east), abs(south), abs(north))
    if layer.crs.is_geographic and (largest > _MOST_DEGREES or max(-south, north) > 90):  # noqa: PLR2004
        raise InputError(
            f"{layer}: its CRS is {layer.crs_name} (degrees), but its coordinates are not "
            f"longitudes and latitudes ({found})",
            hint="They look like metres: give the layer its right CRS in QGIS, such as EPSG:25832. "
            "If they are degrees, latitude and longitude may have changed places.",
        )
    if layer.crs.is_projected and largest <= _MOST_DEGREES:
        raise InputError(
            f"{layer}: its CRS is {layer.crs_name} (metres), but its coordinates look like "
            f"degrees ({found})",
            hint="Give the layer its right CRS in QGIS, probably EPSG:4326 or EPSG:4258.",
        )
