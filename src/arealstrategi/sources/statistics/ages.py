"""Residents by age from Statistikkbanken: today, projected, or from an exported CSV.

All give the same columns: ``municipality`` (four digits, or the region's name where a file gives
no number), ``alternative`` (``observed``, ``main``, ``low``, ``high`` or the four letters of
another one), ``age_from`` and ``age_to`` (years, both included; inf: and older), ``year``,
``residents`` (NaN where hidden) and ``sign`` (what stands in the place of a number).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from arealstrategi.errors import InputError, OnlineError
from arealstrategi.provenance import SourceReport
from arealstrategi.sources.statistics.jsonstat import HINT
from arealstrategi.sources.statistics.pxweb import (
    ATTRIBUTION,
    BASE,
    LICENCE,
    Answer,
    Service,
    codelists,
    codes_of,
    read_codelist,
    read_metadata,
    read_table,
    search_tables,
)

POPULATION_TABLE = "07459"  # by municipality, sex, age and year; public code, since 1986
SUMMED = "agg_KommSummer"  # today's municipalities over all reforms, codes K-3907
ALTERNATIVES = {"MMMM": "main", "LLML": "low", "HHMH": "high"}
COLUMNS = ("municipality", "alternative", "age_from", "age_to", "year", "residents", "sign")
LETTERS = re.compile(r"\b([LMHK][LMHK0]{3})\b")  # fertility, life span, moves, immigration
PROJECTIONS = "title:framskrevet AND title:folkemengde"

_RANGE = re.compile(r"(\d{1,3})\s*(?:år)?\s*[-–]\s*(\d{1,3})")
_OPEN = re.compile(r"(\d{1,3})\s*(?:år)?\s*(?:\+|eller eldre|og eldre|og over|or older)")
_ONE = re.compile(r"(\d{1,3})(?:\s*(?:år|years?))?")
_ALL = re.compile(r"i alt|alle aldre|alle|alder i alt|all ages|total")


def age_range(text: str) -> tuple[float, float]:
    """Return the first and the last age that ``67 år``, ``67-79 år`` or ``105+`` means.

    Returns
    -------
    Years, both included; inf for "and older", (0, inf) for all ages, NaN for no age.
    """
    text = text.strip().lower()
    if found := _RANGE.match(text):
        return float(found[1]), float(found[2])
    if found := _OPEN.match(text):
        return float(found[1]), np.inf
    if found := _ONE.fullmatch(text):
        return float(found[1]), float(found[1])
    return (0.0, np.inf) if _ALL.fullmatch(text) else (np.nan, np.nan)


def population_by_age(
    municipality: str, *, year: int | None = None, cache_dir: Path | None = None, base: str = BASE
) -> tuple[pd.DataFrame, SourceReport]:
    """Ask Statistikkbanken for the residents of a municipality by single years of age.

    Parameters
    ----------
    municipality
        Four digits, today's or an older number: ``3907``.
    year
        1 January of which year; None: the latest.
    cache_dir
        Where answers are kept; one that is there is not asked for again.
    base
        Address of the service.

    Returns
    -------
    The table as the module says, and what was read.

    Raises
    ------
    InputError
        There is no such municipality or year.
    OnlineError
        The service gave no usable answer.
    """
    service = Service(base, cache_dir)
    metadata = read_metadata(POPULATION_TABLE, service=service)
    years = _codes(metadata, "Tid")
    if year is not None and str(year) not in years:
        raise InputError(
            f"table {POPULATION_TABLE} of Statistics Norway holds no year {year}",
            hint=f"It holds {min(years)} to {max(years)}.",
        )
    region, lists, said = _region(metadata, municipality, service)
    chosen = {
        "Region": [region],
        "Alder": _single_ages(metadata),
        "ContentsCode": _codes(metadata, "ContentsCode")[:1],
        "Tid": [str(year) if year is not None else max(years)],
    }
    numbers, answers = read_table(POPULATION_TABLE, chosen, service=service, lists=lists)
    _require(numbers, "Alder", "Tid")
    table = _tidy(numbers, municipality, pd.Series("observed", numbers.index))
    return table, _report("residents by age", table, numbers, (metadata, *answers), said)


def projection(
    municipality: str, *, cache_dir: Path | None = None, base: str = BASE
) -> tuple[pd.DataFrame, SourceReport]:
    """Ask Statistikkbanken for the newest projection for a municipality, by age and year.

    The table is found by its title, for each projection has a table of its own; its alternatives
    by the four letters in their names (MMMM main, LLML low, HHMH high national growth).

    Parameters
    ----------
    municipality, cache_dir, base
        As in `population_by_age`.

    Returns
    -------
    The table as the module says, with the alternatives ``main``, ``low``, ``high``, and what was
    read.

    Raises
    ------
    InputError
        The projection has no such municipality.
    OnlineError
        The service gave no usable answer, or no such table.
    """
    service = Service(base, cache_dir)
    found = search_tables(PROJECTIONS, service=service)
    number = newest_projection(found, source=f"{base}/tables")
    metadata = read_metadata(number, service=service)
    region, lists, said = _region(metadata, municipality, service)
    dimension, alternatives = _alternatives(metadata)
    chosen = {
        "Region": [region],
        "Alder": _single_ages(metadata),
        "ContentsCode": _codes(metadata, "ContentsCode")[:1],
        "Tid": _codes(metadata, "Tid"),
    }
    chosen[dimension] = list(alternatives)
    numbers, answers = read_table(number, chosen, service=service, lists=lists)
    _require(numbers, "Alder", "Tid", dimension)
    table = _tidy(numbers, municipality, numbers[dimension].map(alternatives))
    read = (*found.attrs["answers"], metadata, *answers)
    return table, _report("projected residents by age", table, numbers, read, said)


def newest_projection(tables: pd.DataFrame, *, source: str) -> str:
    """Return the number of the newest projection by municipality and age, by what titles say.

    Titles are «Framskrevet folkemengde … (K)»; one without "(K)" was seen, which says "kommuner".

    Raises
    ------
    OnlineError
        No title fits.
    """
    title, variables = tables["label"].str.casefold(), tables["variables"].str.casefold()
    by_municipality = title.str.contains("(k)", regex=False) | title.str.contains("kommune")
    by_age = variables.str.contains("alder") | title.str.contains("alder")
    fits = title.str.contains("framskrevet folkemengde", regex=False) & by_municipality & by_age
    if not fits.any():
        raise OnlineError(
            f"{source}: none of {len(tables)} tables is called «Framskrevet folkemengde … (K)»",
            hint="Export a projection from ssb.no/statbank as CSV and give that file.",
        )
    newest = tables[fits].sort_values(["first_period", "updated", "id"])
    return str(newest["id"].iloc[-1])


def _region(
    metadata: Answer, number: str, service: Service
) -> tuple[str, dict[str, str], tuple[str, ...]]:
    """Return the code to ask for, the code list it is in, and what to tell of it."""
    if not re.fullmatch(r"[0-9]{4}", number):
        raise InputError(
            f"{number!r} is not the number of a Norwegian municipality",
            hint='Give its four digits as text, for example kommune = "3907".',
        )
    if SUMMED in codelists(metadata, "Region"):
        summed = read_codelist(SUMMED, service=service)
        if f"K-{number}" in summed:
            return f"K-{number}", {"Region": SUMMED}, ()
        heirs = [code for code, members in summed.items() if number in members]
        if len(heirs) == 1:
            said = f"the municipality {number} is today (part of) {heirs[0].removeprefix('K-')}"
            return heirs[0], {"Region": SUMMED}, (f"{said}, whose numbers these are",)
    elif number in codes_of(metadata, "Region")[0]:
        return number, {}, ()
    raise InputError(
        f"{metadata.address}: Statistics Norway has no municipality {number} in this table",
        hint="Give the number of today: they changed in 2020 and in 2024.",
    )


def _codes(metadata: Answer, dimension: str) -> list[str]:
    """Return the codes of a dimension that must have some."""
    codes = codes_of(metadata, dimension)[0]
    if not codes:
        raise OnlineError(f"{metadata.address}: '{dimension}' has no codes", hint=HINT)
    return codes


def _single_ages(metadata: Answer) -> list[str]:
    """Return the codes of single years of age, and of the open one at the end."""
    codes, labels = codes_of(metadata, "Alder")
    ranges = dict(zip(codes, map(age_range, labels), strict=True))
    oldest = max((first for first, last in ranges.values() if first == last), default=-1.0)
    found = [  # "67 år eller eldre" beside single years would count people twice
        code
        for code, (first, last) in ranges.items()
        if first == last or (np.isinf(last) and first > max(oldest, 0))
    ]
    if not found:
        raise OnlineError(f"{metadata.address}: has no single years of age", hint=HINT)
    return found


def _alternatives(metadata: Answer) -> tuple[str, dict[str, str]]:
    """Return the dimension that holds the alternatives, and code to name of the three."""
    for dimension in metadata.document["dimension"]:
        codes, labels = codes_of(metadata, dimension)
        letters = [LETTERS.search(label) for label in labels]
        named = {
            code: ALTERNATIVES[found[1]]
            for code, found in zip(codes, letters, strict=True)
            if found is not None and found[1] in ALTERNATIVES
        }
        if "main" in named.values():
            return str(dimension), named
    raise OnlineError(
        f"{metadata.address}: no dimension names the main alternative (MMMM)", hint=HINT
    )


def _require(numbers: pd.DataFrame, *dimensions: str) -> None:
    absent = [name for name in dimensions if name not in numbers]
    if absent:
        raise OnlineError(f"the answer has no dimension {', '.join(absent)}", hint=HINT)


def _tidy(numbers: pd.DataFrame, municipality: str, alternative: pd.Series) -> pd.DataFrame:
    ranges = {text: age_range(text) for text in numbers["Alder_label"].unique()}
    table = pd.DataFrame(
        {
            "municipality": municipality,
            "alternative": alternative,
            "age_from": numbers["Alder_label"].map(lambda text: ranges[text][0]),
            "age_to": numbers["Alder_label"].map(lambda text: ranges[text][1]),
            "year": pd.to_numeric(numbers["Tid"], errors="coerce"),
            "residents": numbers["value"],
            "sign": numbers["sign"],
        }
    )
    if table[["age_from", "year"]].isna().any(axis=None):
        raise OnlineError("the answer holds an age or a year that is none", hint=HINT)
    return table.astype({"year": "int64"})


def _report(
    role: str,
    table: pd.DataFrame,
    numbers: pd.DataFrame,
    answers: tuple[Answer, ...],
    said: tuple[str, ...],
) -> SourceReport:
    first, last = int(table["year"].min()), int(table["year"].max())
    hidden = int(table["residents"].isna().sum())
    if hidden:
        said = (*said, f"numbers that Statistics Norway hides or lacks: {hidden}")
    facts = {
        "table": numbers.attrs["title"],
        "year": str(first) if first == last else f"{first}–{last}",
        "numbers": len(table),
        "provisional numbers": int((table["sign"] == "*").sum()),
        "asked": answers[-1].fetched,
    }
    files = tuple(answer.path for answer in answers if answer.path is not None)
    return SourceReport(
        role, answers[-1].address, facts, said, files,
        what="Statistikkbanken (SSB)",
        date=f"updated {numbers.attrs['updated'][:10]}",
        licence=f"{LICENCE}, {ATTRIBUTION}",
    )  # fmt: skip
