"""The small language that says which places in OpenStreetMap are a service.

``"amenity=doctors|clinic & name~senior & access!=private"``: parts joined by ``&`` must all fit;
``=`` one of the values (``*`` any), ``!=`` none of them (fits too when the tag is absent), ``~`` a
regular expression found anywhere in the value, in any case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_PART = re.compile(r"^\s*([A-Za-z0-9_:.-]+?)\s*(!=|=|~)\s*([^=~\s].*?)\s*$", re.DOTALL)


@dataclass(frozen=True)
class TagTest:
    """One part of a rule: key, operator and what the value must be."""

    key: str
    operator: str
    values: frozenset[str]
    pattern: re.Pattern[str] | None = None

    def fits(self, tags: Mapping[str, str]) -> bool:
        """Say whether an object with `tags` passes."""
        value = tags.get(self.key)
        if self.operator == "!=":
            return value is None or not _holds(self.values, value)
        if value is None:
            return False
        if self.pattern is not None:
            return self.pattern.search(value) is not None
        return _holds(self.values, value)


@dataclass(frozen=True)
class TagRule:
    """Parts that must all fit; the first one is an equality and names the kind of place."""

    text: str
    tests: tuple[TagTest, ...]

    def fits(self, tags: Mapping[str, str]) -> bool:
        """Say whether an object with `tags` passes every part."""
        return all(test.fits(tags) for test in self.tests)

    def kind(self, tags: Mapping[str, str]) -> str:
        """Return the tag that made the object fit, as ``key=value``."""
        key = self.tests[0].key
        return f"{key}={tags[key]}"


@dataclass(frozen=True)
class Selection:
    """Which places are one category of services.

    Parameters
    ----------
    rules
        Any of them makes a place a service.
    never
        Any of these rules it out again.
    min_area_m2
        Least area of a place that is mapped as a polygon.
    areas_only
        A place mapped as a point does not count.
    """

    rules: tuple[TagRule, ...]
    never: tuple[TagTest, ...] = ()
    min_area_m2: float = 0.0
    areas_only: bool = False


def parse_rule(text: str) -> TagRule:
    """Read one line of the language.

    Raises
    ------
    ValueError
        Says which part cannot be read, or that the first part is not an equality.
    """
    tests = tuple(parse_test(part) for part in text.split("&"))
    if tests[0].operator != "=":
        raise ValueError(f"'{text}' must begin with key=value")
    return TagRule(text, tests)


def parse_test(text: str) -> TagTest:
    """Read one part: ``key=a|b``, ``key!=a`` or ``key~pattern``.

    Raises
    ------
    ValueError
        The part has another form, or its regular expression is wrong.
    """
    match = _PART.match(text)
    if match is None:
        raise ValueError(
            f"'{text.strip()}' is not of the form key=value, key!=value or key~pattern"
        )
    key, operator, value = match.groups()
    if operator == "~":
        try:
            return TagTest(key, operator, frozenset(), re.compile(value, re.IGNORECASE))
        except re.error as error:
            raise ValueError(f"the pattern in '{text.strip()}' is wrong: {error}") from None
    return TagTest(key, operator, frozenset(part.strip() for part in value.split("|")))


def first_tags(selections: Iterable[Selection]) -> dict[str, set[str]]:
    """Return which tags can make a place a service: key to values, ``{"*"}`` for any value."""
    wanted: dict[str, set[str]] = {}
    for selection in selections:
        for rule in selection.rules:
            wanted.setdefault(rule.tests[0].key, set()).update(rule.tests[0].values)
    return {key: {"*"} if "*" in values else values for key, values in wanted.items()}


class TagIndex:
    """Finds the categories of an object by looking up its tags, not by trying every rule."""

    def __init__(self, selections: Mapping[str, Selection]) -> None:
        self._selections = selections
        self._by_tag: dict[tuple[str, str], list[tuple[str, TagRule]]] = {}
        for category, selection in selections.items():
            for rule in selection.rules:
                for value in rule.tests[0].values:
                    where = self._by_tag.setdefault((rule.tests[0].key, value), [])
                    where.append((category, rule))

    def categories(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return category to the tag that makes it one (``key=value``), for every one that fits."""
        found: dict[str, str] = {}
        for key, value in tags.items():
            values = (value, *value.split(";")) if ";" in value else (value,)
            for one in (*(part.strip() for part in values), "*"):
                for category, rule in self._by_tag.get((key, one), ()):
                    if category not in found and rule.fits(tags) and self._allowed(category, tags):
                        found[category] = rule.kind(tags)
        return found

    def _allowed(self, category: str, tags: Mapping[str, str]) -> bool:
        return not any(test.fits(tags) for test in self._selections[category].never)


def _holds(values: frozenset[str], value: str) -> bool:
    if "*" in values or value in values:
        return True
    return ";" in value and any(part.strip() in values for part in value.split(";"))
