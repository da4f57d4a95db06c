"""Numbers, dates, roles and warnings as the reader of a report says them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

import pandas as pd

from arealstrategi.explanation import ScoreModel
from arealstrategi.export import labels
from arealstrategi.export.labels import shown_number
from arealstrategi.export.report.blocks import Cell, plain
from arealstrategi.provenance import SourceReport
from arealstrategi.tables import CLASSES

Words = Mapping[str, str]
UNKNOWN, UNREACHED = "?", "–"
_M2_PER_UNIT = {"daa": 1_000.0, "ha": 10_000.0}
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_BLANK = re.compile(r"\\{(\w+)\\}")
_FOLDERS = re.compile(r"(?:[A-Za-z]:)?[\\/](?:[^\\/,'\"]+[\\/])*")


def number(value: Any, words: Words, decimals: int = 0, *, signed: bool = False) -> str:  # noqa: ANN401
    """Write a number with the language's marks, also between thousands; `UNREACHED` where none."""
    if value is None or pd.isna(value):
        return UNREACHED
    whole, mark, rest = shown_number(float(value), words, decimals, signed=signed).partition(
        words["decimal"]
    )
    grouped = re.sub(r"(?<=\d)(?=(?:\d{3})+$)", words["thousands"], whole)
    return f"{grouped}{mark}{rest}".replace(" ", "\N{NO-BREAK SPACE}")


def percent(share: Any, words: Words, decimals: int = 0) -> str:  # noqa: ANN401
    """Write a share (0–1) in percent."""
    if share is None or pd.isna(share):
        return UNREACHED
    told = words["percent"].format(number=number(100.0 * share, words, decimals))
    return told.replace(" ", "\N{NO-BREAK SPACE}")


def land(area_m2: Any, words: Words) -> str:  # noqa: ANN401
    """Write an area in the unit that planners use, without its name."""
    if area_m2 is None or pd.isna(area_m2):
        return UNREACHED
    return number(float(area_m2) / _M2_PER_UNIT[words["report.area_unit"]], words, 1)


def minutes(value: Any, minutes_of_walk: Any, words: Words) -> str:  # noqa: ANN401
    """Write the minutes of a walk.

    Parameters
    ----------
    value
        0–1; NaN where nothing is known.
    minutes_of_walk
        NaN where nothing is reached.
    """
    if minutes_of_walk is not None and pd.notna(minutes_of_walk):
        return "<1" if minutes_of_walk < 0.5 else number(minutes_of_walk, words)  # noqa: PLR2004
    return UNKNOWN if value is None or pd.isna(value) else UNREACHED


def listed(names: Iterable[str], words: Words, most: int = 8) -> str:
    """Write some names after each other, and how many more there are."""
    every = [plain(name, 60) for name in names]
    shown = ", ".join(every[:most])
    more = len(every) - most
    if more <= 0:
        return shown
    return words["sheet.and_more"].format(names=shown, count=number(more, words))


def role(told: str, words: Words, criteria: Mapping[str, str]) -> str:
    """Name what an input was read as: ``constraint: Flom`` becomes «Hensyn: Flom»."""
    head, colon, name = told.partition(": ")
    known = words.get(f"role.{head}")
    if known is None:
        first, _, place = head.partition(" ")
        known = f"{words[f'role.{first}']} {place}" if f"role.{first}" in words else head
    return f"{known}: {criteria.get(name, name)}" if colon else known


def source_name(report: SourceReport) -> str:
    """Return the source without the folders that lead to its files; an address stays."""
    is_file = bool(report.files) and "://" not in report.source
    return _FOLDERS.sub("", report.source) if is_file else report.source


def day(told: str, words: Words) -> str:
    """Write how old data are: days as the language does, and known words around them."""
    for start, key in (("file saved ", "report.saved"), ("fetched ", "report.fetched")):
        if told.startswith(start):
            return words[key].format(date=day(told.removeprefix(start), words))

    def shown(found: re.Match[str]) -> str:
        try:
            one = date(*map(int, found.groups()))
        except ValueError:
            return found.group()
        return f"{one:%d.%m.%Y}" if words["decimal"] == "," else one.isoformat()

    return re.sub(r"[T ]\d{2}:\d{2}.*$", "", _DAY.sub(shown, told)) or words["report.not_told"]


def warning(told: str, language: str, criteria: Mapping[str, str]) -> tuple[str, str]:
    """Return a warning of the run in the language, and the language that it is in.

    Those that are not known stay English.
    """
    words = labels.words(language)
    head, colon, rest = told.partition(": ")
    is_role = colon and f"role.{head.split(' ')[0]}" in words
    if is_role and head in ("constraint", "criterion", "own points"):
        name, _, rest = rest.partition(": ")
        head = f"{head}: {name}"
    sentence = rest if is_role or f"role.{head}" in words else told
    for key, pattern in _patterns():
        if found := pattern.fullmatch(sentence):
            known = {**criteria, "all together": words["report.all_together"]}
            said = words[key].format_map(
                {
                    name: known.get(text) or _decimal(text, words)
                    for name, text in found.groupdict().items()
                }
            )
            before = f"{role(head, words, criteria)}: " if sentence is not told else ""
            return f"{before}{said}", language
    return told, "en"


def _decimal(text: str, words: Words) -> str:
    is_number = re.fullmatch(r"\d+\.\d+", text)
    return text.replace(".", words["decimal"]) if is_number else text


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Return the warnings that are known: key and what the English text looks like."""
    english = labels.words("en")
    return [
        (key, re.compile(_BLANK.sub(r"(?P<\1>.+?)", re.escape(text))))
        for key, text in english.items()
        if key.startswith("warning.")
    ]


def state(code: str, words: Words) -> str:
    """Return the name of a class, or of the status of a parcel without one."""
    return words[f"class.{code}" if code in CLASSES else f"status.{code}"]


def state_cell(row: pd.Series, words: Words) -> Cell:
    """Return the class of a parcel, or why it has none."""
    code = str(row["class"] if row["status"] == "assessed" else row["status"])
    return Cell(state(code, words), code)


def municipal(area: pd.Series, words: Words) -> str:
    """Write whose land it is: as yes, no, unknown, or the share that is known."""
    share = area.get("municipal_share")
    if area["municipal"] == "partly" and share is not None and pd.notna(share):
        return words["report.municipal_part"].format(share=percent(share, words))
    return words[f"municipal.{area['municipal']}"]


def effect(rule: pd.Series, words: Words) -> str:
    """Say what a hit does."""
    if rule["by"] == "net_area":
        return words["report.effect_net"]
    if rule["effect"] == "deduct":
        return words["report.effect_points"].format(points=number(rule["points"], words))
    return words[f"effect.{rule['effect']}"]


def own_method(model: ScoreModel) -> str:
    """Return the strategy's own method as the comparison of methods calls it."""
    method, alpha = model.method, model.alpha
    if method == "owa":
        return "weighted_sum" if alpha == 1 else f"owa_{alpha:g}"
    return method
