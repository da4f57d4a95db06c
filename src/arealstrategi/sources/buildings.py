"""Services in buildings that the cadastre knows: Matrikkelen – Bygningspunkt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.vector import Layer, read_layer

# In any case: the product's own names, those that a Shapefile cuts, and those of SOSI files.
TYPE_NAMES = ("bygningstype", "bygningstypekode", "bygningsty", "byggtyp_nbr")
STATUS_NAMES = ("bygningsstatus", "bygningsstatuskode", "bygningsst", "byggstat")
NUMBER_NAMES = ("bygningsnummer", "bygningsnr", "bygningsnu", "byggnr")

# BygningsstatusKode. GR is approved for demolition or burnt: it may still stand, but not for long.
EXISTING = ("MB", "FA", "TB", "MT", "MF", "IP")
PLANNED = ("RA", "IG")
GONE = ("GR", "BR", "BA", "BF", "BU")

# BygningstypeKode. 152 is student housing and 611 a playground: neither is for older people.
DWELLING_GROUPS = ("11", "12", "13", "14")  # from enebolig, 111, to boligblokk, 146
SHARED_HOUSING = ("151", "159")


def read_buildings(
    layer: Layer,
    categories: Mapping[str, Sequence[str]],
    *,
    crs: pyproj.CRS,
    area: BaseGeometry | None = None,
) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """Read the buildings that hold a service, by their building type.

    Only buildings in use count. Those that are permitted but not built are reported, not counted;
    a building whose status or type is not known is left out.

    Parameters
    ----------
    layer
        Bygningspunkt in any of its forms.
    categories
        Category to the building types (bygningstype, three digits) that are such a service.
    crs
        The analysis CRS.
    area
        Where services count, in `crs`; None: everywhere.

    Returns
    -------
    Services table in `crs`, and what was read, with the dwellings there are. The cadastre has no
    names, so ``name`` is empty.

    Raises
    ------
    InputError
        The layer lacks the type or the status of the buildings, or holds none of the known codes.
    """
    every, found = _buildings(layer, crs)
    inside = every
    if area is not None:
        shapely.prepare(area)
        inside = every[shapely.intersects(area, every.geometry.to_numpy())]
    existing = inside[inside["status"].isin(EXISTING)]
    services = _services(existing, categories, crs)
    planned = _services(inside[inside["status"].isin(PLANNED)], categories, crs)
    facts: dict[str, Fact] = {
        **found,
        "outside the area, left out": len(every) - len(inside),
        "in use": len(existing),
        "residential buildings in use (111–146)": int(
            existing["type"].str[:2].isin(DWELLING_GROUPS).sum()
        ),
        "shared and serviced housing in use (151, 159)": int(
            existing["type"].isin(SHARED_HOUSING).sum()
        ),
        "services planned, not counted": len(planned),
        "CRS": layer.crs_told,
    }
    facts |= {f"services: {key}": int((services["category"] == key).sum()) for key in categories}
    report = SourceReport(
        "buildings",
        str(layer),
        facts,
        _warnings(facts),
        (layer.path,),
        {"services planned, not counted": planned["service_id"].tolist()} if len(planned) else {},
        what="Matrikkelen – Bygningspunkt",
        licence="CC BY 4.0, Kartverket",
    )
    return services, report


def _buildings(layer: Layer, crs: pyproj.CRS) -> tuple[gpd.GeoDataFrame, dict[str, Fact]]:
    """Return one row per building that can be placed, with number, type and status."""
    names = {
        "type": _column(layer, TYPE_NAMES, "building type"),
        "status": _column(layer, STATUS_NAMES, "building status"),
        "number": _column(layer, NUMBER_NAMES, "building number"),
    }
    table = read_layer(layer, list(names.values())).to_crs(crs)
    buildings = gpd.GeoDataFrame(
        {
            "type": _codes(table[names["type"]], r"(?:^|/)(\d{3})(?:\.0+)?(?!\d)"),
            "status": _codes(table[names["status"]], r"(?:^|/)([A-Z]{2})(?![A-Z])"),
            "number": _codes(table[names["number"]], r"^(\d+)(?:\.0+)?$"),
        },
        geometry=_usable(table.geometry.to_numpy()),
        crs=crs,
    )
    known = buildings["status"].isin(EXISTING + PLANNED + GONE)
    _refuse_unknown(layer, names["status"], table, known, "FA or TB")
    _refuse_unknown(layer, names["type"], table, buildings["type"] != "", "111 or 642")
    single = _one_of_each(buildings)
    gone = single["status"].isin(GONE)
    no_status = ~single["status"].isin(EXISTING + PLANNED + GONE)
    no_type = (single["type"] == "") & ~gone & ~no_status
    lost = single.geometry.isna() & ~gone & ~no_status & ~no_type
    return single[~gone & ~no_status & ~no_type & ~lost], {
        "rows": len(table),
        "buildings": len(single),
        "gone, moved, never built or to be demolished, left out": int(gone.sum()),
        "without known status, left out": int(no_status.sum()),
        "without known type, left out": int(no_type.sum()),
        "without usable geometry, left out": int(lost.sum()),
    }


def _column(layer: Layer, names: tuple[str, ...], what: str) -> str:
    found = [field for name in names for field in layer.fields if field.lower() == name]
    if not found:
        raise InputError(
            f"{layer}: has no column with the {what} (looked for: {', '.join(names)})",
            hint=f"The columns are: {', '.join(layer.fields) or 'none'}. "
            "Give Matrikkelen – Bygningspunkt as Geonorge delivers it, with all its columns.",
        )
    return found[0]


def _codes(column: pd.Series, pattern: str) -> pd.Series:
    """Return the code at the beginning of each cell or after its last slash; empty where none."""
    text = column.astype("str").str.strip().str.upper()
    return text.str.extract(pattern, expand=False).fillna("").astype("str")


def _refuse_unknown(
    layer: Layer, name: str, table: gpd.GeoDataFrame, known: pd.Series, such: str
) -> None:
    if not known.any():
        raise InputError(
            f"{layer}: column '{name}' holds none of the cadastre's codes "
            f"(such as {such}); its first cell is {table[name].iloc[0]!r}",
            hint="Check whether the layer is Matrikkelen – Bygningspunkt.",
        )


def _usable(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return points and polygons in 2D, None for anything else; a lone point of many as a point."""
    shapes = shapely.force_2d(shapes)
    lone = (shapely.get_type_id(shapes) == 4) & (shapely.get_num_geometries(shapes) == 1)  # noqa: PLR2004
    shapes[lone] = shapely.get_geometry(shapes[lone], 0)
    finite = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    broken = finite & ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    fits = np.isin(shapely.get_type_id(shapes), [0, 3, 6]) & finite & ~shapely.is_empty(shapes)
    shapes[~fits] = None
    return np.asarray(shapes, dtype=object)


def _one_of_each(buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Keep one row per building number: one that is in use and can be placed, where there is one.

    Extracts repeat a building for each of its units and for changes that are under way.
    """
    unnumbered = [f"row-{row}" for row in range(1, len(buildings) + 1)]
    number = buildings["number"].where(buildings["number"] != "", unnumbered)
    worse = pd.DataFrame(
        {
            "status": np.select(
                [buildings["status"].isin(EXISTING), buildings["status"].isin(PLANNED)], [0, 1], 2
            ),
            "nowhere": buildings.geometry.isna(),
            "type": buildings["type"],
        }
    )
    first = worse.sort_values(["status", "nowhere", "type"], kind="stable").index
    kept = number.loc[first].drop_duplicates().index.sort_values()
    return buildings.assign(number=number).loc[kept]


def _services(
    buildings: gpd.GeoDataFrame, categories: Mapping[str, Sequence[str]], crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    pairs = pd.DataFrame(
        [(code, key) for key, codes in categories.items() for code in dict.fromkeys(codes)],
        columns=["type", "category"],
        dtype="str",
    )
    rows = buildings.merge(pairs, on="type")
    return gpd.GeoDataFrame(
        {
            "service_id": ("bygning:" + rows["number"]).astype("str"),
            "category": rows["category"].astype("str"),
            "name": pd.Series("", index=rows.index, dtype="str"),
            "kind": ("bygningstype=" + rows["type"]).astype("str"),
        },
        geometry=rows.geometry.to_numpy(),
        crs=crs,
    )


def _warnings(facts: Mapping[str, Fact]) -> tuple[str, ...]:
    doubtful = (
        "without known status, left out",
        "without known type, left out",
        "without usable geometry, left out",
    )
    said = [f"buildings {what}: {facts[what]}" for what in doubtful if facts[what]]
    if facts["in use"] == 0:
        said.append("no building in use lies in or near the area")
    return tuple(said)
