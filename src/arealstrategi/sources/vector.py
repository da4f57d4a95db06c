"""Vector files through GDAL: the layer, its CRS, and one clear error when that fails."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FieldError
from pyproj.exceptions import CRSError, ProjError
from shapely.errors import GEOSException

from arealstrategi.errors import InputError
from arealstrategi.sources.gml import gdal_path, polygon_schema, schema_option

log = logging.getLogger(__name__)

T = TypeVar("T")
_MOST_DEGREES = 360.0
_AREAS = ("polygon", "surface", "unknown", "geometry")  # GML and GeoJSON may say no more
USUAL_CRS = (4326, 25832, 25833, 25835, 25831, 25834, 25836, 32632, 32633, 3857)


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
    schema
        How GDAL is to read a GML: `polygon_schema`.
    siblings
        All layers of the file, this one among them.
    told
        What the user calls it where that is not file and layer: the address of a service.
    """

    path: Path
    name: str
    fields: tuple[str, ...]
    crs: pyproj.CRS
    crs_from: str
    features: int
    schema: str = field(default="", repr=False)
    siblings: tuple[str, ...] = field(default=(), repr=False)
    told: str = ""

    def __str__(self) -> str:
        return self.told or f"{self.path}, layer '{self.name}'"

    @property
    def crs_told(self) -> str:
        """The CRS and how it was decided."""
        return f"{self.crs_name} (from {self.crs_from})"

    @property
    def crs_name(self) -> str:
        """The CRS as people write it: its code, or its name where it has none."""
        authority = self.crs.to_authority(min_confidence=100)
        return ":".join(authority) if authority else self.crs.name


def open_layer(
    path: Path,
    layer: str | None,
    *,
    key: str,
    crs: str | None = None,
    prefer: Sequence[str] = (),
) -> Layer:
    """Find out what a layer holds.

    Parameters
    ----------
    path
        Any file that GDAL reads, also as the only data set in a ZIP.
    layer
        Its name; None: the only one.
    key
        What the strategy file calls this input, for messages: a section that has ``source``,
        ``layer`` and ``crs`` (``[parcels]``), or one key ("`boundary` under [area]").
    crs
        CRS to take where the file states none.
    prefer
        Names (of any case) of which the only layer that has one is taken where none is given.

    Raises
    ------
    InputError
        The file is missing or unreadable, the layer is not there or not the only one, or no CRS
        is known.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such file", hint=f"Check {_key_of(key, 'source')}.")
    with gdal_path(path) as at:
        names = _layers(path, at)
        name = _choose(path, names, layer or _preferred(names, prefer), key)
        schema = polygon_schema(at)
        info = _guarded(path, at, lambda: pyogrio.read_info(at, layer=name, **schema_option(at)))
    stated = _known_crs(info["crs"])
    found = stated or _known_crs(crs)
    if found is None:
        raise InputError(
            f"{path}, layer '{name}': the file does not say in which CRS its coordinates are",
            hint=f'Set `crs = "EPSG:…"` under {key}, or save the layer with its CRS in QGIS.'
            if _is_section(key)
            else "Save the layer with its CRS in QGIS.",
        )
    _check_crs(path, name, found)
    crs_from = "the file" if stated else "the strategy file"
    same = _by_comparison(found)
    if same is not None:
        crs_from += ", without a code; by comparison"
    fields, features = tuple(info["fields"]), int(info["features"])
    return Layer(path, name, fields, same or found, crs_from, features, schema, tuple(names))


def read_layer(
    layer: Layer,
    columns: Sequence[str] = (),
    *,
    where: str | None = None,
    bbox: tuple[float, float, float, float] | None = None,
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
    bbox
        Only features that meet these bounds, in the CRS of the layer; that none does is no error.

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
        table = _read(layer, columns=list(columns), where=where, bbox=bbox)
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
    if len(table) == 0:
        _check_empty(layer, filtered=where is not None or bbox is not None)
    table = table.set_crs(layer.crs, allow_override=True)
    _check_bounds(layer, shapely.bounds(table.geometry.to_numpy()))
    return table


def _read(layer: Layer, **asked: Any) -> gpd.GeoDataFrame | pd.DataFrame:  # noqa: ANN401
    with gdal_path(layer.path, layer.schema) as at:
        asked |= {"layer": layer.name, **schema_option(at)}
        table: gpd.GeoDataFrame | pd.DataFrame = _guarded(
            layer.path, at, lambda: pyogrio.read_dataframe(at, **asked)
        )
        return table


def _check_empty(layer: Layer, *, filtered: bool) -> None:
    """Refuse a layer from which nothing was read, unless nothing in it meets the conditions.

    Of a GML that is cut off, GDAL reads no feature and does not say so.
    """
    if layer.features == 0 and not filtered:
        raise InputError(f"{layer}: is empty", hint="Choose another layer or another file.")
    if layer.features != 0 and (not filtered or len(_read(layer, columns=[], max_features=1)) == 0):
        counted = f"{layer.features} features" if layer.features > 0 else "features"
        raise InputError(
            f"{layer}: none of its {counted} can be read",
            hint="The file is cut off or damaged: get it anew, or try to open it in QGIS.",
        )


def _known_crs(text: str | None) -> pyproj.CRS | None:
    """Return the horizontal CRS, or None where the text only says that it is undefined."""
    if not text:
        return None
    try:
        crs = pyproj.CRS.from_user_input(text)
    except CRSError:
        return None
    if crs.is_compound:  # with heights, such as EPSG:5972 (UTM 32 and NN2000)
        crs = crs.sub_crs_list[0]
    crs = crs.to_2d() if crs.is_projected or crs.is_geographic else crs
    undefined = crs.name.lower().startswith("undefined")  # as GeoPackage calls it
    return None if undefined or not (crs.is_geographic or crs.is_projected) else crs


def _check_crs(path: Path, name: str, crs: pyproj.CRS) -> None:
    """Refuse a CRS from which there is no way to any other."""
    try:
        pyproj.Transformer.from_crs(crs, 4326, always_xy=True)
    except ProjError as error:
        raise InputError(
            f"{path}, layer '{name}': its CRS cannot be used ({error})",
            hint="Save the layer with a usual CRS in QGIS, such as EPSG:25832.",
        ) from error


def _by_comparison(crs: pyproj.CRS) -> pyproj.CRS | None:
    """Return the usual CRS that one without a code is the same as; None where none is."""
    if crs.to_authority(min_confidence=100) is not None:
        return None
    usual = map(pyproj.CRS.from_epsg, USUAL_CRS)
    return next((one for one in usual if crs.equals(one)), None)


def layer_names(path: Path, *, areas: bool = False) -> list[str]:
    """Return the layers of a file that have geometry.

    Parameters
    ----------
    path
        The file.
    areas
        Whether to leave out layers that hold no polygons.

    Raises
    ------
    InputError
        The file is unreadable, or has none with geometry.
    """
    with gdal_path(path) as at:
        return _layers(path, at, areas=areas)


def layer_bounds(layer: Layer) -> tuple[float, float, float, float]:
    """Return the bounds of all that a layer holds, in its CRS; NaN where it holds nothing.

    Raises
    ------
    InputError
        They cannot be what the CRS says.
    """
    with gdal_path(layer.path, layer.schema) as at:
        info = _guarded(
            layer.path,
            at,
            lambda: pyogrio.read_info(
                at, layer=layer.name, force_total_bounds=True, **schema_option(at)
            ),
        )
    west, south, east, north = info["total_bounds"] or (np.nan,) * 4
    _check_bounds(layer, np.array([[west, south, east, north]]))
    return west, south, east, north


def _layers(path: Path, at: str, *, areas: bool = False) -> list[str]:
    listed = _guarded(path, at, lambda: pyogrio.list_layers(at))
    spatial = [(str(name), str(kind).lower()) for name, kind in listed if kind is not None]
    if not spatial:
        raise InputError(
            f"{path}: holds no layer with geometry",
            hint="Give a file with polygons or points, such as a GeoPackage.",
        )
    return [name for name, kind in spatial if not areas or any(k in kind for k in _AREAS)]


def _preferred(names: Sequence[str], prefer: Sequence[str]) -> str | None:
    """Return the only layer that has a preferred name."""
    wanted = {name.casefold() for name in prefer}
    found = [name for name in names if name.casefold() in wanted]
    return found[0] if len(found) == 1 and len(names) > 1 else None


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


def _guarded(path: Path, at: str, read: Callable[[], T]) -> T:
    """Run a GDAL call; what it says of a file it cannot read becomes one clear error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # GDAL's remarks on odd files
            warnings.simplefilter("ignore", UserWarning)
            return read()
    except (
        DataSourceError, DataLayerError, FieldError, GEOSException, UnicodeDecodeError, ValueError
    ) as error:  # fmt: skip
        told = str(error).strip().replace(at, str(path))
        raise InputError(
            f"{path}: cannot be read ({told})",
            hint="The file is damaged or of an unknown kind. Try to open it in QGIS.",
        ) from error


def _check_bounds(layer: Layer, bounds: NDArray[np.float64]) -> None:
    """Refuse metres that are labelled as degrees, and degrees that are labelled as metres."""
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
