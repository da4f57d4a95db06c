"""Tables that somebody exported from Statistikkbanken as CSV."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd

from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.statistics.ages import ALTERNATIVES, COLUMNS, LETTERS, age_range
from arealstrategi.sources.statistics.jsonstat import HIDDEN, NONE
from arealstrategi.sources.statistics.pxweb import ATTRIBUTION, LICENCE

KEY = "`ages` under [population]"
EXPORT = (
    "In Statistikkbanken choose region, age (single years), year, and save as semicolon-separated "
    "text with heading."
)
_DIMENSIONS = {
    "region": "region", "alder": "age", "age": "age", "kjønn": "sex", "sex": "sex", "år": "year",
    "year": "year", "statistikkvariabel": "content", "contents": "content",
}  # fmt: skip
_BOTH = ("begge kjønn", "both sexes")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?!\d)")


def read_statbank_csv(path: Path, *, key: str = KEY) -> tuple[pd.DataFrame, SourceReport]:
    """Read residents by age from a CSV of Statistikkbanken.

    Its forms: ``;`` or tab, UTF-8 or CP1252, the title above the heading; one column for each
    year (and alternative), or ``år`` as a column; sexes apart or together. Sexes are summed.

    Parameters
    ----------
    path
        The file.
    key
        What the strategy file calls it, for messages.

    Returns
    -------
    The table as `ages` says, and what was read.

    Raises
    ------
    InputError
        The file is no such table, or its ages overlap.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file", hint=f"Check {key}.")
    title, cells = _cells(path)
    long = _long(path, cells)
    ages = long["age"].map(age_range)
    long["age_from"], long["age_to"] = ages.str[0].astype(float), ages.str[1].astype(float)
    unknown = long["age_from"].isna()
    if unknown.any():
        raise InputError(
            f"{path}: column 'alder': {long['age'][unknown].iloc[0]!r} is no age", hint=EXPORT
        )
    facts: dict[str, Fact] = {"title": title or None}
    table = _summed(_without_totals(long, facts))
    _check_ages(path, table)
    hidden = int(table["residents"].isna().sum())
    first, last = table["year"].min(), table["year"].max()
    facts |= {
        "regions": int(table["municipality"].nunique()),
        "year": str(first) if first == last else f"{first}–{last}",
        "numbers": len(table),
    }
    said = (f"numbers that Statistics Norway hides or lacks: {hidden}",) if hidden else ()
    report = SourceReport(
        "residents by age", str(path), facts, said, (path,),
        what="Statistikkbanken (SSB), exported as CSV",
        licence=f"{LICENCE}, {ATTRIBUTION}",
    )  # fmt: skip
    return table, report


def _cells(path: Path) -> tuple[str, pd.DataFrame]:
    """Return what stands above the heading, and the cells below it as text."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    separator = max(";\t", key=text.count)
    try:
        rows = list(
            csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=separator)
        )
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read as a table ({error})", hint=EXPORT) from error
    heading = next(
        (i for i, row in enumerate(rows) if {"alder", "age"} & {c.strip().lower() for c in row}),
        None,
    )
    if heading is None:
        raise InputError(f"{path}: there is no heading with a column 'alder'", hint=EXPORT)
    names = [name.strip().lstrip("\ufeff") for name in rows[heading]]
    body = [row for row in rows[heading + 1 :] if len(row) == len(names)]  # below: notes
    if not body or len(set(names)) != len(names):
        what = "two columns of one name" if body else "no rows below its heading"
        raise InputError(f"{path}: has {what}", hint=EXPORT)
    title = " ".join(" ".join(row) for row in rows[:heading]).strip()
    return title, pd.DataFrame(body, columns=names, dtype="str")


def _long(path: Path, cells: pd.DataFrame) -> pd.DataFrame:
    """Return one row per number: region, age, sex, year, alternative, residents, sign."""
    names = [str(name) for name in cells]
    named = {name: _DIMENSIONS[name.lower()] for name in names if name.lower() in _DIMENSIONS}
    values = [name for name in names if name not in named]
    cells = cells.rename(columns=named)
    if not values or not {"region", "age"} <= set(cells):
        raise InputError(
            f"{path}: the columns region, alder and at least one with numbers are needed",
            hint=f"The columns are: {', '.join(map(repr, [*named, *values]))}. {EXPORT}",
        )
    fixed = [name for name in named.values() if name in cells]
    long = cells.melt(fixed, values, var_name="heading", value_name="written")
    spoken = long["heading"] + " " + long.get("content", "")
    year = (long["year"] if "year" in long else long["heading"]).str.extract(_YEAR)[0]
    if year.isna().any():
        raise InputError(
            f"{path}: column {long['heading'][year.isna()].iloc[0]!r} says no year", hint=EXPORT
        )
    letters = spoken.str.extract(LETTERS)[0].astype("str").fillna("")
    alternatives = {four: ALTERNATIVES.get(four, four or "observed") for four in letters.unique()}
    region = long["region"].str.extract(r"^(?:K-)?(?:(\d{4})\b)?\s*(.*)$")
    residents, sign = _numbers(path, long)
    return pd.DataFrame(
        {
            "municipality": region[0].fillna(region[1].str.strip()),
            "alternative": letters.map(alternatives),
            "age": long["age"],
            "sex": long["sex"].str.strip().str.lower() if "sex" in long else _BOTH[0],
            "year": year.astype("int64"),
            "residents": residents,
            "sign": sign,
        }
    )


def _numbers(path: Path, long: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    text = long["written"].str.replace(r"\s", "", regex=True)
    sign = text.where(text.isin((*HIDDEN, NONE)), "")
    known = text.mask(sign != "").mask(text == "").str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(known, errors="coerce").astype(float)
    wrong = known.notna() & ~((numbers >= 0) & np.isfinite(numbers))
    if wrong.any():
        row = long[wrong].iloc[0]
        raise InputError(
            f"{path}: {row['region']}, {row['age']}, column {row['heading']!r}: "
            f"{row['written']!r} is not a number of residents",
            hint=EXPORT,
        )
    return numbers.mask(sign == NONE, 0.0), sign


def _without_totals(long: pd.DataFrame, facts: dict[str, Fact]) -> pd.DataFrame:
    """Leave out rows for all ages and for both sexes where what they sum up is there too."""
    everyone = (long["age_from"] == 0) & np.isinf(long["age_to"])
    if everyone.any() and not everyone.all():
        facts["rows for all ages, left out"] = int(everyone.sum())
        long = long[~everyone]
    both = long["sex"].isin(_BOTH)
    if both.any() and not both.all():
        facts["rows for one sex, left out"] = int((~both).sum())
        long = long[both]
    return long


def _summed(long: pd.DataFrame) -> pd.DataFrame:
    """Sum the sexes; a sum with a hidden number in it is not known."""
    keys = [name for name in COLUMNS if name not in ("residents", "sign")]
    groups = long.groupby(keys, sort=False, dropna=False)
    table = groups.agg(
        residents=("residents", "sum"), known=("residents", "count"), size=("residents", "size"),
        sign=("sign", "max"),
    ).reset_index()  # fmt: skip
    table["residents"] = table["residents"].where(table["known"] == table["size"])
    return table[list(COLUMNS)]


def _check_ages(path: Path, table: pd.DataFrame) -> None:
    ages = table[["age_from", "age_to"]].drop_duplicates().sort_values(["age_from", "age_to"])
    first, last = ages["age_from"].to_numpy(), ages["age_to"].to_numpy()
    overlap = np.flatnonzero(first[1:] <= last[:-1])
    if overlap.size:
        at = int(overlap[0])
        raise InputError(
            f"{path}: ages overlap, and people would count twice: {first[at]:.0f}–{last[at]:.0f} "
            f"and {first[at + 1]:.0f}–{last[at + 1]:.0f}",
            hint=EXPORT,
        )
