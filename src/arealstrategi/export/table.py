"""The ranked list as CSV."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

DECIMALS = {"area_m2": 0, "score": 2, "walk_m": 0, "walk_min": 1, "effort_m": 0, "value": 3}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_ranking(path: Path, parcels: pd.DataFrame, *, language: str) -> None:
    """Write the parcels, best first; those without rank last.

    Norwegian offices get ``;``, a decimal comma and a byte order mark; English ones ``,``, a point
    and none. Text that a spreadsheet would run as a formula gets an apostrophe in front.

    Parameters
    ----------
    path
        The new file.
    parcels
        Parcels table of the contract, index ``parcel_id``; a geometry column is left out.
    language
        ``nb`` or ``en``.
    """
    table = parcels.drop(columns="geometry", errors="ignore").reset_index()
    table = table.sort_values(["rank", "parcel_id"], na_position="last", kind="stable")
    for name in table.columns:
        if pd.api.types.is_string_dtype(table[name]):
            table[name] = _plain_text(table[name])
        elif pd.api.types.is_float_dtype(table[name]):
            table[name] = _written(table[name], name, "," if language == "nb" else ".")
    norwegian = language == "nb"
    table.to_csv(
        path,
        index=False,
        sep=";" if norwegian else ",",
        encoding="utf-8-sig" if norwegian else "utf-8",
        lineterminator="\r\n" if norwegian else "\n",
        errors="replace",
    )


def _plain_text(column: pd.Series) -> pd.Series:
    flat = column.str.replace(r"[\r\n]+", " ", regex=True)
    return flat.where(~flat.str.startswith(_FORMULA).fillna(value=False), "'" + flat)


def _written(column: pd.Series, name: str, comma: str) -> pd.Series:
    places = next((n for end, n in DECIMALS.items() if name == end or name.endswith("_" + end)), 3)
    text = column.map(f"{{:.{places}f}}".format, na_action="ignore").astype("str")
    return text.where(column.notna(), "").str.replace(".", comma, regex=False)
