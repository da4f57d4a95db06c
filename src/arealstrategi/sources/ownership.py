"""Municipal land: a list of cadastral numbers or a layer of polygons. No list means unknown."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from arealstrategi.area import only_polygons
from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.parcels import CADASTRAL
from arealstrategi.sources.textfiles import read_csv
from arealstrategi.sources.vector import open_layer, read_layer

LISTS = (".csv", ".txt")
# Judgement: the land layer and the cadastre are drawn apart; slivers along borders do not count.
ALL_SHARE, NONE_SHARE = 0.99, 0.01
NUMBER_COLUMNS = ("matrikkelnummer", "matrikkelnummertekst", "eiendom", "parcel_id", "matrikkel")
PART_COLUMNS = (
    ("kommunenummer", "kommunenr", "knr"),
    ("gnr", "gardsnummer", "gårdsnummer"),
    ("bnr", "bruksnummer"),
    ("fnr", "festenummer"),
    ("snr", "seksjonsnummer"),
)
RIGHT_COLUMNS = ("eierforhold", "eierforholdkode")
LEASED = ("f", "fester")


def read_municipal_land(path: Path, parcels: gpd.GeoDataFrame) -> tuple[pd.Series, SourceReport]:
    """Say of each parcel whether the municipality owns it.

    Parameters
    ----------
    path
        CSV with cadastral numbers (one column such as ``matrikkelnummer``, or ``gnr`` and ``bnr``
        with or without ``kommunenr``, ``fnr``, ``snr``), or a polygon layer. A row whose
        ``eierforhold`` is F (lease) makes its parcel ``partly``.
    parcels
        Parcels in the analysis CRS.

    Returns
    -------
    ``yes``, ``partly``, ``no`` or ``unknown`` on the parcels' index, and what was read.

    Raises
    ------
    InputError
        The file is missing, unreadable, or has no column that holds cadastral numbers.
    """
    if path.suffix.lower() in LISTS:
        return _from_list(path, parcels)
    return _from_layer(path, parcels)


def _from_list(path: Path, parcels: gpd.GeoDataFrame) -> tuple[pd.Series, SourceReport]:
    rows = read_csv(path, key="`municipal_land` under [parcels]")
    numbers = _numbers(path, rows)
    right = next((rows[name] for name in RIGHT_COLUMNS if name in rows), pd.Series("", rows.index))
    leased = right.fillna("").str.strip().str.lower().isin(LEASED)
    own = _parts(
        pd.Series(parcels.index.to_numpy(), parcels.index).str.replace(
            r"(#\d+)?( \(row \d+\))?$", "", regex=True
        )
    )
    named, known = numbers[1].notna(), own[1].notna()
    towns = own.loc[known, 0].nunique()
    without_town = bool(numbers.loc[named, 0].isna().any() or own.loc[known, 0].isna().any())
    if without_town:  # then gnr/bnr alone must do, on both sides
        own[0], numbers[0] = "", ""
    keys, own_keys = _key(numbers), _key(own)
    owned = own_keys.isin(keys[named & ~leased])
    partly = own_keys.isin(keys[named & leased]) & ~owned
    answer = pd.Series("no", index=parcels.index, dtype="str")
    answer[owned], answer[partly], answer[~known] = "yes", "partly", "unknown"
    unmatched = int((named & ~keys.isin(own_keys)).sum())
    facts: dict[str, Fact] = {
        "rows read": len(rows),
        "rows without a cadastral number": int((~named).sum()),
        "numbers that no parcel has": unmatched,
        "municipal parcels": int(owned.sum()),
        "partly municipal": int(partly.sum()),
    }
    said = []
    if not known.any():
        said.append("the parcels have no cadastral numbers, so nobody knows which are municipal")
    if without_town and towns > 1:
        said.append(
            f"compared without municipality numbers, although the parcels lie in {towns} of them"
        )
    if (~named).any():
        said.append(f"{int((~named).sum())} rows without a cadastral number were not used")
    return answer, SourceReport("municipal land", str(path), facts, tuple(said), (path,))


def _numbers(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    found = [next((n for n in names if n in rows), None) for names in PART_COLUMNS]
    for name in NUMBER_COLUMNS:
        if name in rows:
            numbers = _parts(rows[name])
            if found[0] is not None:
                numbers[0] = numbers[0].fillna(_town(rows[found[0]]))
            return numbers
    if found[1] is None or found[2] is None:
        raise InputError(
            f"{path}: no column with cadastral numbers (found: {', '.join(rows.columns)})",
            hint="Name one column matrikkelnummer, or two columns gnr and bnr.",
        )
    parts = [
        rows[name].str.strip() if name is not None else pd.Series(pd.NA, rows.index, dtype="str")
        for name in found
    ]
    digits = _town(parts[0])
    tail = [part.where(part.fillna("").str.fullmatch(r"\d+")) for part in parts[1:]]
    text = tail[0] + "/" + tail[1] + "/" + tail[2].fillna("0") + "/" + tail[3].fillna("0")
    return _parts((digits + "-").fillna("") + text)


def _town(column: pd.Series) -> pd.Series:
    """Return municipality numbers with the zero that a spreadsheet has cut off."""
    digits = column.str.strip()
    return digits.where(digits.fillna("").str.fullmatch(r"\d+")).str.zfill(4)


def _parts(text: pd.Series) -> pd.DataFrame:
    """Split cadastral numbers into municipality, gnr, bnr, fnr, snr without leading zeros."""
    tidy = text.str.replace(re.compile(r"\s+"), "", regex=True)
    parts = tidy.str.extract(CADASTRAL)
    return parts.set_axis(list(range(5)), axis=1)


def _key(parts: pd.DataFrame) -> pd.Series:
    absent = parts[[3, 4]].isna() | (parts[[3, 4]] == "0")
    tail = parts[[3, 4]].mask(absent, "0")
    key = parts[0].fillna("") + "-" + parts[1] + "/" + parts[2] + "/" + tail[3] + "/" + tail[4]
    return key.fillna("none")


def _from_layer(path: Path, parcels: gpd.GeoDataFrame) -> tuple[pd.Series, SourceReport]:
    crs = pyproj.CRS.from_user_input(parcels.crs)
    layer = open_layer(path, None, key="`municipal_land` under [parcels]")
    land = read_layer(layer).to_crs(crs).geometry
    shapes = shapely.make_valid(
        np.asarray(land.dropna(), dtype=object), method="structure", keep_collapsed=False
    )
    shapes = shapes[shapely.get_dimensions(shapes) == 2]  # noqa: PLR2004
    if len(shapes) == 0:
        raise InputError(
            f"{layer}: holds no polygon, so nobody knows which land is municipal",
            hint="Give a layer with polygons, or a CSV list of cadastral numbers.",
        )
    together = shapely.union_all(only_polygons(shapes))
    shapely.prepare(together)
    own = parcels.geometry.to_numpy()
    meets = shapely.intersects(together, own)
    share = meets.astype(float)
    is_area = shapely.get_dimensions(own) == 2  # noqa: PLR2004
    both = meets & is_area
    share[both] = shapely.area(shapely.intersection(own[both], together)) / shapely.area(own[both])
    answer = pd.Series("partly", index=parcels.index, dtype="str")
    answer[share >= ALL_SHARE], answer[share <= NONE_SHARE] = "yes", "no"
    counts = answer.value_counts()
    facts: dict[str, Fact] = {
        "polygons": len(shapes),
        "neither polygon nor repairable, not used": len(land) - len(shapes),
        "municipal parcels": int(counts.get("yes", 0)),
        "partly municipal": int(counts.get("partly", 0)),
        "CRS": f"{layer.crs_name} (from {layer.crs_from})",
    }
    said = () if np.any(meets) else ("the layer meets no parcel",)
    return answer, SourceReport("municipal land", str(layer), facts, said, (path,))
