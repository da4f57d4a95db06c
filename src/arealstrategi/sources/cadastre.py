"""Norwegian cadastral numbers (matrikkelnummer): their parts, their many spellings, one label."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

PARTS = ("municipality", "gnr", "bnr", "fnr", "snr")

_NUMBER = r"0*([1-9][0-9]{0,4})"  # of gnr and bnr, which begin at 1
_OR_ZERO = r"0*([0-9]{1,5})"
_TOWN = r"(?:(?:knr|kommunenr|kommunenummer|kommune)[.:]*)?([0-9]{3,4})"
# Blanks are taken out before. `3907-32/16/0/0`, and the same with the municipality as first part.
_SLASHED = re.compile(
    rf"^(?:{_TOWN}-)?(?:(?:gnr[./]*bnr|g/?bnr)[.:]*)?"
    rf"{_NUMBER}/{_NUMBER}(?:/{_OR_ZERO})?(?:/{_OR_ZERO})?$"
)
_FIVE = re.compile(rf"^{_TOWN}/{_NUMBER}/{_NUMBER}/{_OR_ZERO}/{_OR_ZERO}$")
_WORDED = re.compile(
    rf"^(?:{_TOWN}[-,;/:]*)?(?:gnr|gardsnr|gardsnummer)[.:]*{_NUMBER}"
    rf"[,;/]*(?:bnr|bruksnr|bruksnummer)[.:]*{_NUMBER}"
    rf"(?:[,;/]*(?:fnr|festenr|festenummer)[.:]*{_OR_ZERO})?"
    rf"(?:[,;/]*(?:snr|seksjonsnr|seksjonsnummer)[.:]*{_OR_ZERO})?$"
)
_DATE = re.compile(r"^(?:[0-2]?[0-9]|3[01])/(?:[0-2]?[0-9]|3[01])/(?:19|20)[0-9]{2}$")

# Spellings of column names, in the order of trust; see `_plain`.
_SPELLINGS: dict[str, tuple[str, ...]] = {
    "text": (
        "matrikkelnummertekst", "matrikkelnummer", "matrikkelnr", "matrikkelnrtekst",
        "matrnr", "eiendomsnummer", "gnrbnr", "gbnr", "gardsbruksnummer", "eiendom", "matrikkel",
    ),
    "municipality": ("kommunenummer", "kommunenr", "komnr", "kommnr", "knr"),
    "gnr": ("gardsnummer", "gardsnr", "gnr"),
    "bnr": ("bruksnummer", "bruksnr", "bnr"),
    "fnr": ("festenummer", "festenr", "fnr"),
    "snr": ("seksjonsnummer", "seksjonsnr", "snr"),
}  # fmt: skip
_CUT = (10, 11)  # characters that Shapefiles, and some exports, leave of a longer name
_DASHES = re.compile("[‐‑‒–—−]")
_LETTERS = str.maketrans({"å": "a", "ø": "o", "æ": "e"})


@dataclass(frozen=True)
class CadastralColumns:
    """The columns of a table that hold cadastral numbers, as the table calls them; else None.

    Parameters
    ----------
    text
        The whole number, such as ``3907-32/16``.
    municipality, gnr, bnr, fnr, snr
        Its parts.
    """

    text: str | None = None
    municipality: str | None = None
    gnr: str | None = None
    bnr: str | None = None
    fnr: str | None = None
    snr: str | None = None

    @property
    def has_parts(self) -> bool:
        """Whether numbers can be put together from columns."""
        return self.gnr is not None and self.bnr is not None


def find_columns(fields: Iterable[str]) -> CadastralColumns:
    """Find the columns with cadastral numbers among all spellings that are in use.

    Case does not count, nor å, aa and a; names cut to ten characters are known, and of nested
    names (``matrikkelenhet|Matrikkelenhet|gardsnummer``) the last part counts.

    Parameters
    ----------
    fields
        Names of a table's columns.
    """
    names = list(fields)
    whole = [_plain(name) for name in names]
    last = [_plain(re.split(r"[_\s-]", _leaf(name))[-1]) for name in names]
    return CadastralColumns(
        **{part: _first(names, whole, last, spellings) for part, spellings in _SPELLINGS.items()}
    )


def _first(
    names: Sequence[str], whole: list[str], last: list[str], spellings: tuple[str, ...]
) -> str | None:
    """Return the most trusted column: by its whole name, by its last word, by a cut name."""
    for told in (whole, last):
        for spelling in spellings:
            if spelling in told:
                return names[told.index(spelling)]
    for spelling in spellings:
        for name, found in zip(names, whole, strict=True):
            if len(found) in _CUT and spelling.startswith(found):
                return name
    return None


def _leaf(name: str) -> str:
    return re.split(r"[|.]", name.strip(" .|:"))[-1]


def _plain(name: str) -> str:
    """Return the last part of a nested name in small letters a to z and digits."""
    # composed letters, as a name from macOS may hold å in two characters
    text = _leaf(name).casefold().replace("a\u030a", "å").translate(_LETTERS)
    return re.sub(r"[^a-z0-9]", "", text.replace("aa", "a"))


def parse_numbers(text: pd.Series) -> pd.DataFrame:
    """Split cadastral numbers in any of their spellings.

    ``3907-32/16``, ``32/16/2``, ``0032/0016/0000/0000``, ``3907/32/16/0/0``, ``Gnr. 32 bnr. 16``.
    What looks like a date (``3/12/2024``) is none.

    Parameters
    ----------
    text
        Texts; anything else counts as no number.

    Returns
    -------
    Columns `PARTS` on the same index, text without leading zeros, the municipality of four
    characters; fnr and snr NA where they are absent or 0, all NA where it is no cadastral number.
    """
    codes, uniques = pd.factorize(text.astype("str"))
    tidy = pd.Series(uniques, dtype="object").str.replace(r"[\s\"']+", "", regex=True)
    found = tidy.str.extract(_SLASHED)
    rest = found[1].isna()  # rarely many
    three = found[3].notna()
    found[three & tidy[three].str.contains(_DATE).reindex(tidy.index, fill_value=False)] = pd.NA
    worded = tidy[rest].str.casefold().str.replace(_DASHES, "-", regex=True)
    worded = worded.str.replace("a\u030a", "a").str.replace("å", "a").str.replace("gaard", "gard")
    for form in (_SLASHED, _FIVE, _WORDED):
        found = found.fillna(worded.str.extract(form))
    parts = _tidied(found.set_axis(list(PARTS), axis=1))
    # an index of -1 is no row: what was missing stays so
    return parts.reindex(codes).set_axis(text.index)


def from_parts(
    municipality: pd.Series | None,
    gnr: pd.Series,
    bnr: pd.Series,
    fnr: pd.Series | None = None,
    snr: pd.Series | None = None,
) -> pd.DataFrame:
    """Put cadastral numbers together from columns of numbers or texts.

    Parameters
    ----------
    municipality, gnr, bnr, fnr, snr
        Numbers (``301`` is ``0301``), or texts, with or without leading zeros; on one index.

    Returns
    -------
    As `parse_numbers`; the municipality is NA where it is unknown.
    """
    given = zip(PARTS, (municipality, gnr, bnr, fnr, snr), strict=True)
    absent = pd.Series(pd.NA, index=gnr.index, dtype="str")
    return _tidied(
        pd.DataFrame({n: absent if column is None else _digits(column) for n, column in given})
    )


def _tidied(parts: pd.DataFrame) -> pd.DataFrame:
    """Return parts with 0 as absent, and all absent where gnr or bnr is."""
    parts = parts.astype("str").mask(parts.isin(["0", "0000", "000"]))
    parts["municipality"] = parts["municipality"].str.zfill(4)
    return parts.where(parts["gnr"].notna() & parts["bnr"].notna())


def _digits(column: pd.Series) -> pd.Series:
    """Return whole numbers as text without leading zeros, whatever they were; else NA."""
    codes, uniques = pd.factorize(column)  # the same few again and again
    text = pd.Series(uniques).astype("str").str.strip()
    digits = text.str.extract(r"^0*([0-9]{1,5})(?:[.,]0*)?$", expand=False)
    return digits.reindex(codes).set_axis(column.index)


def labels(parts: pd.DataFrame) -> pd.Series:
    """Write cadastral numbers the way planners do: ``3907-32/16``, ``3907-32/16/0/3``.

    Parameters
    ----------
    parts
        Columns `PARTS`, as `parse_numbers` gives them.

    Returns
    -------
    Text on the same index; NA where there is no number.
    """
    town = (parts["municipality"] + "-").fillna("")
    lease = ("/" + parts["fnr"]).fillna("")
    lease = lease.mask((lease == "") & parts["snr"].notna(), "/0")
    section = ("/" + parts["snr"]).fillna("")
    written = town + parts["gnr"] + "/" + parts["bnr"] + lease + section
    return written.rename("property")
