"""Urban settlements (tettsteder) and centre zones (sentrumssoner), and how far away they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from arealstrategi.area import only_polygons
from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.vector import Layer, layer_names, open_layer, read_layer

Kind = Literal["tettsted", "sentrumssone"]
LICENCE = "NLOD / CC BY 4.0, Kilde: SSB"
# Seen in public programs and descriptions; lower case, without _ . Names of `sentrumssone` in
# files were not seen at first hand.
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "tettsted": {
        "zone_id": ("tettstednummer", "tettstedsnummer", "tettnr", "tettstednr"),
        "name": ("tettstednavn", "tettstedsnavn"),
        "residents": ("totalbefolkning", "befolkningtettsted", "totalbefol", "befolkning"),
    },
    "sentrumssone": {
        "zone_id": ("sentrumssonenummer", "sentrumssonenr", "sentrumsnr"),
        "name": ("sentrumssonenavn", "sentrumsnavn"),
        "residents": (),
    },
}
_STEM = {"tettsted": "tettsted", "sentrumssone": "sentrums"}
_LAYER = {"tettsted": "tettsted", "sentrumssone": "sentrumsson"}
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_WHAT = {"tettsted": "Tettsteder (SSB)", "sentrumssone": "Sentrumssoner (SSB)"}


def read_zones(
    path: Path, *, kind: Kind, crs: pyproj.CRS, layer: str | None = None, key: str
) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """Read urban settlements or centre zones.

    Parameters
    ----------
    path
        Any vector file: FileGDB, GML, GeoPackage, Shapefile.
    kind
        ``tettsted`` or ``sentrumssone``.
    crs
        The analysis CRS.
    layer
        Its layer; None: the one of this kind, of the latest year where there are several.
    key
        What the strategy file calls it, for messages.

    Returns
    -------
    ``zone_id`` and ``name`` (text, empty where there is none), ``residents`` where the file has
    them, ``geometry`` (valid polygons in `crs`), RangeIndex. And what was read.

    Raises
    ------
    InputError
        The file is unreadable, has no layer of this kind, or no polygon.
    """
    opened, facts = _choose(path, layer, kind, key)
    found = [name for name in opened.fields if _meaning(name, kind) or _cut(name, kind)]
    table = read_layer(opened, found)
    shapes, repaired = _repaired(table.geometry.to_crs(crs).to_numpy())
    usable = ~shapely.is_missing(shapes)
    columns = _columns(pd.DataFrame(table[found]), kind)
    zones = gpd.GeoDataFrame(columns[usable], geometry=shapes[usable], crs=crs)
    left_out = int((~usable).sum())
    if zones.empty:
        raise InputError(
            f"{opened}: holds no polygon", hint="Choose the layer with areas, not with borders."
        )
    facts |= {
        "zones": len(zones),
        "repaired polygons": repaired,
        "not polygons, left out": left_out,
        "zones without name": int((zones["name"] == "").sum()),
        "CRS": opened.crs_name,
    }
    said = (f"zones without a polygon, left out: {left_out}",) if left_out else ()
    if (zones["name"] == "").all():
        said = (*said, f"no zone has a name: is it {_WHAT[kind]}?")
    year = _year(opened.name) or _year(path.stem)
    report = SourceReport(
        kind, str(opened), facts, said, (path,),
        what=_WHAT[kind], date=str(year) if year else "", licence=LICENCE,
    )  # fmt: skip
    return zones.reset_index(drop=True), report


def distance_to_zones(parcels: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> pd.Series:
    """Return the straight line from each parcel's outline to the nearest zone.

    Parameters
    ----------
    parcels
        Parcels in the analysis CRS.
    zones
        Zones in the same CRS.

    Returns
    -------
    Metres, on the parcels' index; 0 where a parcel touches or lies in a zone. NaN for a parcel
    without a shape, and for all where there is no zone: that is unknown, not far.

    Raises
    ------
    ValueError
        The two are in different CRSs. This is a mistake in the calling code.
    """
    if parcels.crs is None or not parcels.crs.equals(zones.crs):
        raise ValueError(f"the parcels are in {parcels.crs}, the zones in {zones.crs}")
    outlines, shapes = parcels.geometry.to_numpy(), zones.geometry.to_numpy()
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    distance_m = np.full(len(parcels), np.nan)
    known = ~(shapely.is_missing(outlines) | shapely.is_empty(outlines))
    if len(shapes) and known.any():
        nearest = shapely.STRtree(shapes).nearest(outlines[known])
        distance_m[known] = shapely.distance(outlines[known], shapes[nearest])
    return pd.Series(distance_m, parcels.index, name="zone_distance_m")


def _plain(name: str) -> str:
    return re.sub(r"[\s_]", "", name.lower())


def _year(name: str) -> int:
    return max((int(year) for year in _YEAR.findall(name)), default=0)


def _choose(path: Path, layer: str | None, kind: Kind, key: str) -> tuple[Layer, dict[str, Fact]]:
    """Open the layer asked for, or the one of this kind and of the latest year."""
    names = layer_names(path, areas=True) if layer is None and path.exists() else []
    if len(names) < 2:  # noqa: PLR2004 - nothing to choose; `open_layer` says what is wrong
        return open_layer(path, names[0] if names else layer, key=key), {}
    named = [name for name in names if _LAYER[kind] in _plain(name)]
    years = [_year(name) for name in named]
    if not named or years.count(max(years)) > 1:
        raise InputError(
            f"{path}: {'several' if named else 'none'} of its {len(names)} layers with areas "
            f"{'are' if named else 'is'} called {kind}",
            hint=f"Name one under {key}; they are: {', '.join(map(repr, named or names))}.",
        )
    chosen = named[years.index(max(years))]
    facts: dict[str, Fact] = {"layers of this kind": len(named), "layer taken": chosen}
    return open_layer(path, chosen, key=key), facts


def _meaning(name: str, kind: Kind) -> str | None:
    plain = _plain(name)
    return next((what for what, names in NAMES[kind].items() if plain in names), None)


def _cut(name: str, kind: Kind) -> bool:
    """Whether a name may be one that Shapefile cut to ten characters."""
    return len(name) <= 10 and _plain(name).startswith(_STEM[kind])  # noqa: PLR2004


def _columns(table: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """Return id, name and residents; cut names are told apart by whether they hold numbers."""
    found: dict[str, pd.Series] = {}
    for name in table:
        what = _meaning(str(name), kind)
        if what is None:
            text = table[name].dropna().astype("str")
            what = "zone_id" if text.str.fullmatch(r"\d+(?:\.0)?").all() else "name"
        found.setdefault(what, table[name])
    columns = pd.DataFrame(index=table.index)
    for what in ("zone_id", "name"):
        column = found.get(what, pd.Series("", table.index))
        text = column.astype("str").where(column.notna(), "").str.strip()
        columns[what] = text.str.replace(r"\.0$", "", regex=True) if what == "zone_id" else text
    if "residents" in found:
        columns["residents"] = pd.to_numeric(found["residents"], errors="coerce").astype(float)
    return columns


def _repaired(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], int]:
    """Return valid polygons in 2D, None for anything else, and how many were repaired."""
    shapes = np.asarray(shapely.force_2d(shapes), dtype=object)
    finite = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    broken = finite & ~shapely.is_valid(shapes) & (shapely.get_dimensions(shapes) == 2)  # noqa: PLR2004
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    shapes[finite] = only_polygons(shapes[finite])
    polygon = np.isin(shapely.get_type_id(shapes), [3, 6]) & ~shapely.is_empty(shapes)
    shapes[~(polygon & finite)] = None
    return shapes, int(broken.sum())
