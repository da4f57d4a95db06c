"""The names that plan layers give their object types and columns, in every style they come in.

One thing has many names: ``arealformål`` (SOSI GML), ``arealformal`` (PostGIS dump),
``AREALFORMÅL`` and ``KPAREALFORMÅL`` (FileGDB), ``KPAREALFOR`` (Shapefile, cut to 10 characters),
and in nested tables ``arealplanId.planidentifikasjon`` or ``nasjonalArealplanId|…|planid…``. Names
are compared folded: the last part, small letters, å ø æ as a o ae, no signs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from arealstrategi.sources.plan.codes import Level

_LETTERS = str.maketrans({"å": "a", "ø": "o", "æ": "ae"})
_CUT = 10  # characters that a Shapefile leaves of a name

ZONE_CODES = (
    "fare", "stoy", "sikring", "angitthensyn", "bandlegging", "infrastruktur", "gjennomforing",
    "detaljering",
)  # fmt: skip
# Object type, folded and without its last word, to its kind and level.
TYPES: dict[str, tuple[str, Level]] = {
    "kpomrade": ("plan", "kp"),
    "rpomrade": ("plan", "rp"),
    "kparealformal": ("purpose", "kp"),
    "kparealbruk": ("purpose", "kp"),
    "rparealformal": ("purpose", "rp"),
    "rbformal": ("purpose", "rp"),
    **{f"kp{code}": ("zone", "kp") for code in ZONE_CODES},
    **{f"rp{code}": ("zone", "rp") for code in ZONE_CODES},
}

# Ours to theirs, folded, in the order of trust. The short ones are the names of SOSI files.
OBJECT_TYPE = ("objtype", "objekttype", "objekttypenavn", "featuretype", "gmltype", "name", "layer")
MUNICIPALITY = ("kommunenummer", "kommunenr", "komm", "knr")
PLAN_IDENTITY = ("planidentifikasjon", "planid", "planident", "arealplanid", "nasjonalarealplanid")
COLUMNS: dict[str, tuple[str, ...]] = {
    "purpose": (
        "arealformal", "kparealformal", "rparealformal", "reguleringsformal", "arealbruk",
        "kparealbruk", "regformal", "regform", "rbformal",
    ),
    "zone": tuple(f"{level}{code}" for level in ("", "kp", "rp") for code in ZONE_CODES),
    "future": ("arealbruksstatus", "arealstatus", "arealst"),
    "plantype": ("plantype",),
    "planstatus": ("planstatus", "planstat"),
    "vertical": ("vertikalniva", "vertniv"),
    "date": ("ikrafttredelsesdato", "ikrafttredelse", "ikraft"),
    "adopted": ("vedtakendeligplandato", "vedtaksdato", "vedtakdato", "vedtatt"),
    "name": (
        "feltnavn", "feltbetegnelse", "hensynsonenavn", "hensynssonenavn", "plannavn",
        "beskrivelse",
    ),
}  # fmt: skip


def fold(name: str) -> str:
    """Return a name as names are compared: its last part, small, without Norwegian letters."""
    last = re.split(r"[|.:/]", name)[-1].lower().translate(_LETTERS)
    return re.sub(r"[^a-z0-9]", "", last)


def columns_of(fields: Sequence[str], aliases: Sequence[str]) -> list[str]:
    """Return the columns that are one of `aliases`, whole or cut, in the order of the aliases."""
    folded = {name: fold(name) for name in fields}
    found = [name for alias in aliases for name in fields if folded[name] == alias]
    cut = [
        name
        for alias in aliases
        for name in fields
        if len(name) == _CUT and len(alias) > _CUT and alias.startswith(folded[name])
    ]
    return list(dict.fromkeys(found + cut))


def type_of(text: str) -> str | None:
    """Return which of `TYPES` an object type is: ``RpFareSone`` is ``rpfare``; None: no area."""
    folded = re.sub(r"(omrade|sone)$", "", fold(text))
    if folded in {"kp", "rp"}:  # the plan's own area
        folded += "omrade"
    return folded if folded in TYPES else None


def type_of_layer(name: str) -> str | None:
    """Return which of `TYPES` the name of a layer speaks of; None: none, or several."""
    folded = re.sub(r"[^a-z0-9]", "", name.lower().translate(_LETTERS))
    found = [known for known in TYPES if known in folded]
    return found[0] if len(found) == 1 else None


def type_by_columns(fields: Sequence[str]) -> str | None:
    """Return which of `TYPES` the columns alone speak of, such as ``KPFARE``; or None."""
    for known in TYPES:
        if columns_of(fields, (known,)):
            return known
    if columns_of(fields, ("reguleringsformal", "regformal", "regform")):
        return "rbformal"
    has_purpose = bool(columns_of(fields, COLUMNS["purpose"]))
    return "kparealformal" if has_purpose and columns_of(fields, COLUMNS["future"]) else None


def as_text(column: pd.Series) -> pd.Series:
    """Return a column as text without decimal points; blanks and the like are missing."""
    text = column.astype("str").where(column.notna()).str.strip()
    if pd.api.types.is_float_dtype(column):
        text = text.str.removesuffix(".0")
    return text.mask(text.isin(["", "None", "NULL", "null", "<Null>", "nan"]))


def coalesce(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return for each row the first of `columns` that says something, as text."""
    found: pd.Series = pd.Series(pd.NA, index=table.index, dtype="str")
    for name in columns:
        found = found.fillna(as_text(table[name]))
    return found
