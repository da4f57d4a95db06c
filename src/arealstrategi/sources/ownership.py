"""Municipal land: a list of cadastral numbers or a layer of polygons. No list means unknown."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from arealstrategi.area import only_polygons
from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.cadastre import PARTS, find_columns, from_parts, labels, parse_numbers
from arealstrategi.sources.spreadsheets import TABLES, read_rows, refuse_dates
from arealstrategi.sources.vector import open_layer, read_layer

KEY = "`municipal_land` under [parcels]"
# Judgement: the land layer and the cadastre are drawn apart; slivers along borders do not count.
ALL_SHARE, NONE_SHARE = 0.99, 0.01
WHOLE = 1 - 1e-6  # three times 1/3 is all of it
RIGHT_COLUMNS = ("eierforhold", "eierforholdkode")
SHARE_COLUMNS = ("andel", "eierandel")
# Codes and words of the cadastre: title holder and present owner; lessee.
TITLE = ("", "h", "hjemmelshaver", "hjemmel", "eier", "eid", "eiet")
PRESENT = ("ae", "aktuell eier")
LEASED = ("f", "fester", "feste", "festet")
MOST_CORNERS, CUTS = 500, 20  # a polygon is halved at most so often
SHOWN = 5  # values named in a warning


def read_municipal_land(path: Path, parcels: gpd.GeoDataFrame) -> tuple[pd.Series, SourceReport]:
    """Say of each parcel whether the municipality owns it.

    A list holds one row per property that the municipality has a right to. Title (``eierforhold``
    H, or no such column) and present ownership (AE) to the whole make ``yes``; several rows of one
    property add up. A part (``andel`` below 1) and a lease (F) make ``partly``. A row of a whole
    property counts for all its parcels. A leased plot or a section is a unit of its own: where a
    parcel has its number, the row counts for that parcel alone; where none has, it is a part of
    the ground parcel, which becomes ``partly``.

    Parameters
    ----------
    path
        CSV or XLSX with cadastral numbers (one column such as ``matrikkelnummer``, or ``gnr`` and
        ``bnr`` with or without ``kommunenr``, ``fnr``, ``snr``), or a polygon layer, whose
        ``eierforhold`` and ``andel`` count in the same way.
    parcels
        Parcels in the analysis CRS; ``property`` holds their cadastral number, else the index.

    Returns
    -------
    ``yes``, ``partly``, ``no`` or ``unknown`` on the parcels' index, and what was read. A parcel
    whose own number is not known is ``unknown`` to a list.

    Raises
    ------
    InputError
        The file is missing, unreadable, has no column that holds cadastral numbers, or a
        spreadsheet has turned some into dates; the message names the cell.
    """
    if path.suffix.lower() in TABLES:
        return _from_list(path, parcels)
    return _from_layer(path, parcels)


def _from_list(path: Path, parcels: gpd.GeoDataFrame) -> tuple[pd.Series, SourceReport]:
    rows = read_rows(path, key=KEY)
    numbers, own = _numbers(path, rows), _numbers_of(parcels)
    named, known = numbers["gnr"].notna(), own["gnr"].notna()
    for column in filter(rows.columns.__contains__, SHARE_COLUMNS):
        refuse_dates(rows, column, decimals=False)
    rights, problems = _rights(rows[named])
    listed = numbers[named].assign(**rights)
    exact, inside = _matches(listed, own)
    met = own.index.isin([*exact["parcel"], *inside["parcel"]])
    answer = np.where(met, "partly", "no").astype(object)
    answer[_owned_share(exact, len(own)) >= WHOLE] = "yes"
    said = _told_of_municipalities(listed, own)
    renumbered = "" if met.any() else _told_of_reform(listed, own)
    if renumbered:
        said.append(renumbered)
        answer[:] = "unknown"
    answer[~known] = "unknown"
    if not known.any():
        said.append("the parcels have no cadastral numbers, so nobody knows which are municipal")
    problems = {"rows without a cadastral number": _row_names(rows[~named])} | problems
    said += [f"{problem}: {len(names)}" for problem, names in problems.items() if names]
    elsewhere = listed[~listed.index.isin([*exact["row"], *inside["row"]])]
    problems["numbers that no parcel has"] = labels(elsewhere[list(PARTS)]).tolist()
    facts: dict[str, Fact] = {
        "rows read": len(rows),
        "leases and sections inside a parcel": int(inside["row"].nunique()),
    }
    report = _report(path, str(path), answer, facts, tuple(said), problems)
    return pd.Series(answer, parcels.index, dtype="str"), report


def _report(
    path: Path,
    source: str,
    answer: NDArray[np.object_],
    facts: dict[str, Fact],
    said: tuple[str, ...],
    problems: dict[str, list[str]],
) -> SourceReport:
    is_list = path.suffix.lower() in TABLES
    facts |= {problem: len(names) for problem, names in problems.items()}
    facts |= {
        "municipal parcels": int((answer == "yes").sum()),
        "partly municipal": int((answer == "partly").sum()),
    }
    return SourceReport(
        "municipal land",
        source,
        facts,
        said,
        (path,),
        {problem: names for problem, names in problems.items() if names},
        what="list of municipal properties" if is_list else "layer of municipal land",
    )


def _numbers(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the cadastral number of each row, `PARTS` as text; NA where it has none."""
    found = find_columns(tuple(rows.columns))
    columns = [getattr(found, part) for part in PARTS]
    if found.text is None and (found.gnr is None or found.bnr is None):
        raise InputError(
            f"{path}: no column with cadastral numbers (found: {', '.join(rows.columns)})",
            hint="Name one column matrikkelnummer, or two columns gnr and bnr.",
        )
    for column in filter(None, columns):
        refuse_dates(rows, column)
    empty = pd.Series(pd.NA, rows.index, dtype="str")
    parts = [empty if column is None else rows[column] for column in columns]
    numbers = from_parts(*parts)
    if found.text is None:
        return numbers
    unread = numbers["gnr"].isna()
    refuse_dates(rows[unread], found.text)
    written = parse_numbers(rows[found.text])
    named = from_parts(parts[0], *(written[part] for part in PARTS[1:]))
    written["municipality"] = written["municipality"].fillna(named["municipality"])
    return written.where(written["gnr"].notna(), numbers)


def _numbers_of(parcels: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the cadastral number of each parcel; the index counts the parcels."""
    if "property" in parcels:
        return parse_numbers(parcels["property"].reset_index(drop=True).astype("str"))
    names = pd.Series(parcels.index.to_numpy()).astype("str")
    return parse_numbers(names.str.replace(r"(#\d+)?( \(row \d+\))?$", "", regex=True))


def _row_names(rows: pd.DataFrame) -> list[str]:
    return [f"row {row}" for row in rows.index]


def _rights(rows: pd.DataFrame) -> tuple[dict[str, pd.Series], dict[str, list[str]]]:
    """Return ``right`` (title, present, part) and ``share`` 0–1 (NaN: not known) of each row.

    And what was not understood: problem to rows.
    """
    blank = pd.Series("", rows.index, dtype="str")
    written = next((rows[name] for name in RIGHT_COLUMNS if name in rows), blank).fillna("")
    word = written.str.strip().str.lower()
    right = pd.Series("part", rows.index, dtype="str")
    right[word.isin(TITLE)], right[word.isin(PRESENT)] = "title", "present"
    strange = ~word.isin([*TITLE, *PRESENT, *LEASED])
    stated = next((rows[name] for name in SHARE_COLUMNS if name in rows), None)
    amount = blank if stated is None else stated.fillna("").str.strip()
    empty = amount == ""
    share = read_shares(amount).mask(empty, 1.0)
    problems = {
        "rows whose right is none of H, F and AE, taken as partly": _row_names(rows[strange]),
        "rows without a share, taken as the whole": _row_names(rows[empty & (stated is not None)]),
        "rows whose share cannot be read, taken as partly": _row_names(rows[share.isna()]),
    }
    return {"right": right, "share": share}, problems


def read_shares(text: pd.Series) -> pd.Series:
    """Read ``1/2``, ``0,5``, ``50 %`` and ``50`` as shares; 1 is the whole, not one per cent.

    Returns
    -------
    Above 0 and at most 1; NaN for anything else.
    """
    tidy = text.str.replace(re.compile(r"\s"), "", regex=True).str.replace(",", ".", regex=False)
    parts = tidy.str.extract(r"^([\d.]+)(?:/([\d.]+))?(%)?$")
    number = pd.to_numeric(parts[0], errors="coerce")
    number = number / pd.to_numeric(parts[1].fillna("1"), errors="coerce")
    per_cent = parts[2].notna() | ((number > 1) & parts[1].isna())
    share = number.where(~per_cent, number / 100)
    return share.where((share > 0) & (share <= 1))


def _matches(listed: pd.DataFrame, own: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pair rows with the parcels that have their number, the rest with the ground they lie in."""
    exact = _pairs(listed, own)
    rest = listed[~listed.index.isin(exact["row"])]
    in_plot = _pairs(rest.assign(snr="0"), own)  # a section of a leased plot lies in the plot
    rest = rest[~rest.index.isin(in_plot["row"])]
    in_ground = _pairs(rest.assign(fnr="0", snr="0"), own)
    return exact, pd.concat([in_plot, in_ground], ignore_index=True)


def _pairs(listed: pd.DataFrame, own: pd.DataFrame, *, anywhere: bool = False) -> pd.DataFrame:
    """Pair rows and parcels of the same number; a side without a municipality fits any.

    Returns
    -------
    Columns of `listed`, ``row`` (its index) and ``parcel`` (position).
    """
    absent = {"fnr": "0", "snr": "0"}
    left = listed.fillna(absent).assign(row=listed.index)
    right = own[own["gnr"].notna()].fillna(absent).rename(columns={"municipality": "place"})
    pairs = left.merge(right.assign(parcel=right.index), on=["gnr", "bnr", "fnr", "snr"])
    fits = pairs["municipality"].isna() | pairs["place"].isna()
    return pairs[fits | (pairs["municipality"] == pairs["place"]) | anywhere]


def _owned_share(exact: pd.DataFrame, n_parcels: int) -> NDArray[np.float64]:
    """Add up the shares that rows give; title and present ownership are the same share twice."""
    share = np.zeros((n_parcels, 2))
    for side, right in enumerate(("title", "present")):
        held = exact[exact["right"] == right]
        np.add.at(share[:, side], held["parcel"].to_numpy(), held["share"].fillna(0.0).to_numpy())
    return np.asarray(share.max(axis=1))


def _told_of_municipalities(listed: pd.DataFrame, own: pd.DataFrame) -> list[str]:
    """Say where numbers were compared without municipality although that is not clear."""
    said = []
    here, there = own["municipality"].nunique(), listed["municipality"].nunique()
    if listed["municipality"].isna().any() and here > 1:
        said.append(
            f"compared without municipality numbers, although the parcels lie in {here} of them"
        )
    if own.loc[own["gnr"].notna(), "municipality"].isna().any() and there > 1:
        said.append(
            f"compared without municipality numbers, although the list holds {there} of them"
        )
    return said


def _told_of_reform(listed: pd.DataFrame, own: pd.DataFrame) -> str:
    """Say whether a list that meets no parcel would, were it not for the municipality numbers."""
    met = _pairs(listed, own, anywhere=True)["row"].nunique()
    if met <= len(listed) / 2:
        return ""
    theirs, ours = (
        ", ".join(sorted(set(column.dropna()))[:SHOWN])
        for column in (listed["municipality"], own["municipality"])
    )
    return (
        f"no number of the list matches a parcel, although gnr and bnr alone would for {met} of "
        f"{len(listed)}: the list says municipality {theirs}, the parcels {ours}. Municipality "
        "numbers changed in 2020 and 2024; bring the list to the new ones. Until then nobody "
        "knows which parcels are municipal"
    )


def _from_layer(path: Path, parcels: gpd.GeoDataFrame) -> tuple[pd.Series, SourceReport]:
    crs = pyproj.CRS.from_user_input(parcels.crs)
    layer = open_layer(path, None, key=KEY)
    wanted = [name for name in layer.fields if name.lower() in (*RIGHT_COLUMNS, *SHARE_COLUMNS)]
    land = read_layer(layer, wanted).to_crs(crs)
    drawn = np.array(land.geometry, dtype=object)
    there = ~shapely.is_missing(drawn)
    drawn[there] = only_polygons(
        shapely.make_valid(drawn[there], method="structure", keep_collapsed=False)
    )
    is_area = (shapely.get_dimensions(drawn) == 2) & ~shapely.is_empty(drawn)  # noqa: PLR2004
    if not is_area.any():
        raise InputError(
            f"{layer}: holds no polygon, so nobody knows which land is municipal",
            hint="Give a layer with polygons, or a list of cadastral numbers (CSV or XLSX).",
        )
    shapes, attributes = drawn[is_area], _attributes(land[is_area])
    rights, problems = _rights(attributes)
    whole = (rights["right"] != "part") & (rights["share"] >= WHOLE)
    own = parcels.geometry.to_numpy()
    touched = _covered_share(own, shapes)
    owned = touched if whole.all() else _covered_share(own, shapes[whole])
    answer = np.full(len(own), "partly", dtype=object)
    answer[owned >= ALL_SHARE], answer[touched <= NONE_SHARE] = "yes", "no"
    said = [f"{problem}: {len(names)}" for problem, names in problems.items() if names]
    if not touched.any():
        said.append("the layer meets no parcel")
    facts: dict[str, Fact] = {
        "polygons": int(is_area.sum()),
        "of them leased or owned in part": int((~whole).sum()),
        "neither polygon nor repairable, not used": int((~is_area).sum()),
        "CRS": layer.crs_told,
    }
    report = _report(path, str(layer), answer, facts, tuple(said), problems)
    return pd.Series(answer, parcels.index, dtype="str"), report


def _attributes(land: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the columns beside the geometry as text; the index counts the features from 1."""
    columns = pd.DataFrame(land.drop(columns="geometry")).rename(columns=str.lower)
    text = columns.apply(lambda column: column.astype("str").where(column.notna()))
    return pd.DataFrame(text.set_index(land.index + 1))


def _covered_share(parcels: NDArray[np.object_], land: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the share of each parcel that the land covers, 0–1; of a point, 1 where it lies in it.

    Overlapping polygons are joined first, so that each piece of ground counts once.
    """
    pieces = _cut_small(shapely.get_parts(shapely.union_all(land)))
    shapely.prepare(pieces)
    piece, parcel = shapely.STRtree(parcels).query(pieces, predicate="intersects")
    is_area = shapely.get_dimensions(parcels) == 2  # noqa: PLR2004
    share = np.zeros(len(parcels))
    share[parcel[~is_area[parcel]]] = 1.0
    piece, parcel = piece[is_area[parcel]], parcel[is_area[parcel]]
    common = shapely.area(shapely.intersection(parcels[parcel], pieces[piece]))
    share += np.bincount(parcel, common / shapely.area(parcels[parcel]), len(parcels))
    return share


def _cut_small(pieces: NDArray[np.object_]) -> NDArray[np.object_]:
    """Halve pieces until none has many corners: an overlay with a road network costs all of it."""
    for _ in range(CUTS):
        large = shapely.get_num_coordinates(pieces) > MOST_CORNERS
        if not large.any():
            break
        west, south, east, north = shapely.bounds(pieces[large]).T
        wide = east - west > north - south
        x, y = np.where(wide, (west + east) / 2, east), np.where(wide, north, (south + north) / 2)
        left = shapely.box(west, south, x, y)
        halves = [
            shapely.intersection(pieces[large], left),
            shapely.difference(pieces[large], left),
        ]
        cut = shapely.get_parts(np.concatenate(halves))
        cut = cut[shapely.get_dimensions(cut) == 2]  # noqa: PLR2004
        pieces = np.concatenate([pieces[~large], cut])
    return pieces
