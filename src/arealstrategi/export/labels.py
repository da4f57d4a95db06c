"""Every word that the outputs show, in Norwegian bokmål and English, and their colours.

The words stand in ``words/*.toml``, a file for each output and one for the codes of the tables.
Codes stand behind a prefix: ``class.suitable``, ``status.excluded``, ``reason.not_connected``,
``municipal.yes``, ``group.daily``, ``column.score``, ``layer.parcels``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

CLASS_COLOURS = MappingProxyType(
    {
        "very_suitable": "#440154",
        "suitable": "#31688e",
        "less_suitable": "#4fbf8b",
        "unsuitable": "#f0e488",
    }
)
"""Steps of viridis, dark is best: they differ in lightness, so no colour vision is needed."""

STATUS_COLOURS = MappingProxyType({"missing_data": "#b9b9b9", "excluded": "#6e6e6e"})
"""Colours of the parcels without a class; ``excluded`` is hatched where that can be drawn."""

GROUP_COLOURS = MappingProxyType(
    {
        "social": "#cc5c9f",
        "daily": "#d55e00",
        "health": "#c1121f",
        "nature": "#007f5f",
        "transit": "#0072b2",
        "centre": "#222222",
        "other": "#777777",
    }
)
"""Colours of the services' markers by group of criteria."""

LANGUAGES = ("nb", "en")
_WORDS = files("arealstrategi.export") / "words"
_PER_CRITERION = ("walk_m", "walk_min", "effort_m", "value", "service", "raw", "points", "access")


def words(language: str) -> Mapping[str, str]:
    """Return every word in one language.

    Parameters
    ----------
    language
        ``nb`` or ``en``.

    Raises
    ------
    ValueError
        For a language that is not there.
    """
    if language not in LANGUAGES:
        raise ValueError(f"no words in {language!r}; there are {', '.join(LANGUAGES)}")
    return _every_word()[language]


@cache
def _every_word() -> Mapping[str, Mapping[str, str]]:
    """Read the words of every file; a key belongs to one of them alone."""
    said: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for file in sorted(_WORDS.iterdir(), key=lambda one: one.name):
        for language, text in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if twice := said[language].keys() & text.keys():
                raise ValueError(f"{file.name}: {min(twice)!r} is a word of another file too")
            said[language] |= text
    return {language: MappingProxyType(text) for language, text in said.items()}


def column_alias(column: str, criteria: Mapping[str, str], language: str) -> str:
    """Return what people see instead of a column's name.

    Parameters
    ----------
    column
        A column of an output table: ``score``, ``grocery_walk_m`` …
    criteria
        Key of each criterion to its label in the same language.
    language
        ``nb`` or ``en``.

    Returns
    -------
    The alias, or the name itself for a column that the program does not know.
    """
    text = words(language)
    for measure in _PER_CRITERION:
        key = column.removesuffix(f"_{measure}")
        if key != column and key in criteria:
            return f"{criteria[key]}: {text[f'column.{measure}']}"
    return text.get(f"column.{column}", column)


def reason_text(
    reason: str,
    text: Mapping[str, str],
    names: Mapping[str, str] = MappingProxyType({}),
    *,
    inside: bool = False,
) -> str:
    """Put one reason of the table into words; the name of a constraint stays as it is.

    Parameters
    ----------
    reason
        As the table has it.
    text
        Words of one language.
    names
        What to call criteria, by their keys.
    inside
        Whether it stands inside a sentence.
    """
    code, colon, name = reason.partition(": ")
    known = text.get(f"reason.{code}")
    if known is None:
        return reason
    known = in_sentence(known) if inside else known
    return f"{known}: {names.get(name) or text.get(f'group.{name}', name)}" if colon else known


def in_sentence(words: str) -> str:
    """Return words as they stand inside a sentence: without a capital letter in front."""
    return words[:1].lower() + words[1:]


def shown_number(
    value: float, text: Mapping[str, str], decimals: int, *, signed: bool = False
) -> str:
    """Write a number with the language's decimal mark and a true minus; 0 has no sign.

    Parameters
    ----------
    value
        A finite number.
    text
        The words of the language.
    decimals
        How many.
    signed
        Whether a number above 0 gets a plus.
    """
    shown = f"{value:{'+' if signed else ''}.{decimals}f}"
    shown = shown.lstrip("+-") if float(shown) == 0 else shown.replace("-", "−")
    return shown.replace(".", text["decimal"])
