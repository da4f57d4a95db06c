"""What the codes of plan data mean; every one of them stands in ``codes.toml`` with its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Level = Literal["kp", "rp"]
Language = Literal["nb", "en"]
Codes = Mapping[str, list[str]]

HOUSING, MUST_CLARIFY, NOT_HOUSING = "housing", "must_clarify", "not_housing"
IN_FORCE, IN_PROGRESS, DROPPED = "in_force", "in_progress", "dropped"
ON_THE_GROUND = "2"
_DIGITS_1985, _DIGITS_2008 = 3, 4
_UNKNOWN = ("ukjent kode", "unknown code")


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("codes.toml").read_text(encoding="utf-8"))


def code_table(name: str) -> Codes:
    """Return one table: code to its names in bokmål and English, and what else it says.

    Parameters
    ----------
    name
        ``groups``, ``purpose_2008``, ``purpose_kp_1985``, ``purpose_rp_1985``, ``zone``,
        ``plantype``, ``planstatus``, ``arealbruksstatus``, ``vertikalniva`` …
    """
    codes: Codes = _tables()[name]["codes"]
    return codes


def act_of(code: str) -> int:
    """Return the planning act whose code it is: three digits are 1985, four are 2008."""
    return 1985 if len(code) == _DIGITS_1985 else 2008


def is_known_purpose(level: Level, code: str) -> bool:
    """Say whether the table of the level and the act holds the code."""
    return code in code_table(f"purpose_{_kind(level, code)}")


def purpose_name(level: Level, code: str, language: Language = "nb") -> str:
    """Return what a purpose is called; of an unknown code that it is unknown, and its family.

    Parameters
    ----------
    level
        ``kp`` (municipal plan) or ``rp`` (zoning plan): the codes of 1985 mean different things.
    code
        ``1110``, ``120``.
    language
        ``nb`` or ``en``.
    """
    column = _column(language)
    if is_known_purpose(level, code):
        return code_table(f"purpose_{_kind(level, code)}")[code][column]
    unknown = f"{_UNKNOWN[column]} {code}"
    family = _family(level, code)
    return f"{unknown} ({family[column]})" if family else unknown


def purpose_group(level: Level, code: str) -> str:
    """Return what building housing would take: ``housing``, ``must_clarify``, ``not_housing``.

    An unknown code is in the group of its family (2xxx, 3xxx …) where that has but one group; else
    it must be clarified.
    """
    if is_known_purpose(level, code):
        return code_table(f"purpose_{_kind(level, code)}")[code][2]
    family = _family(level, code)
    return family[2] if family else MUST_CLARIFY


def zone_name(code: str, language: Language = "nb") -> str:
    """Return what a hensynssone is called (``H310``), and of an unknown one that it is unknown."""
    column = _column(language)
    found = code_table("zone").get(code.removeprefix("H"))
    return found[column] if found else f"{_UNKNOWN[column]} {code}"


def zone_kind(code: str, language: Language = "nb") -> str:
    """Return the kind of a hensynssone: ``H310`` is a Faresone; empty where there is no such."""
    found = code_table("zone_kind").get(code.removeprefix("H")[:1])
    return found[_column(language)] if found else ""


def status_use(status: str) -> str:
    """Return what becomes of a plan with a status: ``in_force``, ``in_progress``, ``dropped``.

    An unknown or missing status counts as in force: municipalities publish their plans in force,
    and the layers of purposes seldom say. The report of what was read tells how many.
    """
    found = code_table("planstatus").get(status)
    return found[2] if found else IN_FORCE


def _family(level: Level, code: str) -> list[str] | None:
    if len(code) not in {_DIGITS_1985, _DIGITS_2008}:
        return None
    return code_table(f"family_{_kind(level, code)}").get(code[0])


def _kind(level: Level, code: str) -> str:
    return f"{level}_1985" if len(code) == _DIGITS_1985 else "2008"


def _column(language: Language) -> int:
    return 0 if language == "nb" else 1
