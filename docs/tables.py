"""Write the parts of the documentation that come from the program.

Between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` in ``docs/*.md`` stands what `PARTS` says
of NAME, and ``docs/strategy.schema.json`` is the JSON Schema of the strategy file. Run
``python docs/tables.py`` after a change; the tests say when it was forgotten.
"""

# ruff: noqa: INP001 - a script beside the pages it writes, not a package

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from arealstrategi.criteria import WalkCriterion
from arealstrategi.strategy import Strategy, group_labels, json_schema
from arealstrategi.walker import PROFILES, RULES

DOCS = Path(__file__).resolve().parent
SCHEMA = DOCS / "strategy.schema.json"
MARKED = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def fill(page: str) -> str:
    """Return a page with its marked parts written anew."""
    return MARKED.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]()}\n\n{part[3]}", page)


def schema_text() -> str:
    """Return the JSON Schema of the strategy file as it stands in the documentation."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def walking_rules() -> str:
    """Return the rules that say which ways are walked, in the order they are asked."""
    rows = (
        (number, _tags(rule.tags), "open" if rule.open else "closed", rule.reason)
        for number, rule in enumerate(RULES, start=1)
    )
    return _table(("", "tags", "", "reason"), rows)


def profiles() -> str:
    """Return the walker profiles."""
    rows = (
        (
            f"`{name}`",
            f"{walker.flat_speed_m_s:g} m/s",
            f"{60 * walker.flat_speed_m_s:g} m",
            "closed" if walker.steps_time_factor is None else f"× {walker.steps_time_factor:g}",
        )
        for name, walker in PROFILES.items()
    )
    return _table(("profile", "speed on the flat", "in a minute", "time on steps"), rows)


def criteria() -> str:
    """Return the criteria of the catalogue with both sets of weights, in per cent."""
    sets = [_shipped(weights) for weights in ("default", "equal")]
    groups = group_labels()
    rows = (
        (
            f"`{c.key}`",
            f"{c.name('en')} ({c.name('nb')})",
            groups[c.group]["en"],
            *(f"{100 * strategy.weights[c.key]:.1f}" for strategy in sets),
            f"{c.full_m:g}",
            f"{c.zero_m:g}",
            c.source,
        )
        for c in sets[0].criteria
        if isinstance(c, WalkCriterion)
    )
    titles = ("key", "criterion", "group", "default, %", "equal, %", "full_m", "zero_m", "basis")
    return _table(titles, rows)


def strategy_keys() -> str:
    """Return the tables of the strategy file with every key."""
    schema = json_schema()
    top = {key: told for key, told in schema["properties"].items() if "description" in told}
    parts = ["### At the top\n\n" + _keys({"properties": top})]
    for name, told in schema["properties"].items():
        reference = told.get("$ref") or told.get("items", {}).get("$ref")
        if reference is not None:
            section = schema["$defs"][reference.rsplit("/", 1)[1]]
            title = f"[[{name}]]" if "items" in told else f"[{name}]"
            parts.append(f"### `{title}`\n\n{section['description']}\n\n{_keys(section)}")
    return "\n\n".join(parts)


def _keys(section: dict[str, Any]) -> str:
    required = section.get("required", [])
    rows = (
        (
            f"`{key}`",
            _kind(told),
            "**must be given**" if key in required else _default(told.get("default")),
            told["description"],
        )
        for key, told in section["properties"].items()
    )
    return _table(("key", "value", "left out", "meaning"), rows)


def _kind(told: dict[str, Any]) -> str:
    if "enum" in told:
        return ", ".join(f"`{value}`" for value in told["enum"])
    if "anyOf" in told:
        kinds = (_kind(one) for one in told["anyOf"] if one.get("type") != "null")
        return " or ".join(dict.fromkeys(kinds))
    if told["type"] == "array":
        return f"list of {_kind(told['items'])}s"
    if told["type"] == "string":
        return "path" if told.get("format") == "path" else "text"
    kind = str(told["type"])
    return {"boolean": "`true`, `false`", "object": "table"}.get(kind, kind)


def _default(value: object) -> str:
    return "–" if value in (None, [], ()) else f"`{json.dumps(value)}`"


def _shipped(weights: str) -> Strategy:
    return Strategy.build({"parcels": {"source": "any.gpkg"}, "score": {"weights": weights}})


def _tags(tags: dict[str, str]) -> str:
    return " and ".join(
        f"`{key}`: " + ("any" if values == "*" else ", ".join(values.split("|")))
        for key, values in tags.items()
    )


def _table(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [tuple(titles), *rows]
    written = ["| " + " | ".join(str(c).replace("|", "\\|") for c in line) + " |" for line in lines]
    written.insert(1, "|" + " --- |" * len(tuple(lines[0])))
    return "\n".join(written)


PARTS: dict[str, Callable[[], str]] = {
    "walking_rules": walking_rules,
    "profiles": profiles,
    "criteria": criteria,
    "strategy_keys": strategy_keys,
}

if __name__ == "__main__":
    for path in sorted(DOCS.glob("*.md")):
        path.write_text(fill(path.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")
