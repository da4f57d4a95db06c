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

import numpy as np

from arealstrategi.areas import INSTRUMENTS
from arealstrategi.criteria import AnyCriterion, WalkCriterion
from arealstrategi.export.labels import words
from arealstrategi.sources.presets import preset_table
from arealstrategi.strategy import Strategy, group_labels, json_schema
from arealstrategi.walker import (
    PROFILE_NAMES,
    ROUGHNESS,
    RULES,
    Season,
    Walker,
    number_table,
    profile,
)

DOCS = Path(__file__).resolve().parent
SCHEMA = DOCS / "strategy.schema.json"
MARKED = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)
GRADIENTS_PCT = (-15, -10, -8, -5, -3, 0, 3, 5, 8, 10, 15, 20)
# columns that hold codes, and what stands before these codes among the words
CODED = (
    ("status", "status."),
    ("class", "class."),
    ("municipal", "municipal."),
    ("plan_readiness", "plan_readiness."),
    ("instrument", "instrument."),
    ("reasons", "reason."),
    ("answer", "answer."),
    ("effect", "effect."),
    ("status of a walk", "walk_status."),
    ("found_in", "found_in."),
    ("top_change", "top_change."),
)
GRADES = ("firm", "fairly even", "uneven", "rough", "very rough")


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
    """Return the walker profiles in short."""
    rows = []
    for name in PROFILE_NAMES:
        walker, winter = profile(name), profile(name, "winter")
        steps = walker.steps_time_factor
        rows.append(
            (
                f"`{name}`",
                f"{walker.flat_speed_m_s:g} m/s",
                f"{600 * walker.flat_speed_m_s:.0f} m",
                f"{600 * winter.flat_speed_m_s:.0f} m",
                steps if steps == "closed" else f"× {steps:g}",
                f"{walker.max_gradient_pct:g} %",
            )
        )
    titles = ("profile", "speed on the flat", "in 10 minutes", "… in winter", "time on steps")
    return _table((*titles, "largest gradient"), rows)


def walker_numbers() -> str:
    """Return every number of every walker, with those of winter below where they differ."""
    rows: list[tuple[str, ...]] = []
    for name, told in number_table().items():
        meaning = Walker.model_fields[name].description or ""
        rows.append((f"`{name}`", meaning, *(_number(told[walker]) for walker in PROFILE_NAMES)))
        winter = told.get("winter", {})
        if winter:
            cells = (_number(winter.get(walker, told[walker])) for walker in PROFILE_NAMES)
            rows.append(("", "… in winter", *cells))
    return _table(("number", "meaning", *PROFILE_NAMES), rows)


def walker_sources() -> str:
    """Return where each number of the walkers comes from."""
    rows = ((f"`{name}`", told["source"]) for name, told in number_table().items())
    return _table(("number", "where it comes from"), rows)


def gradients() -> str:
    """Return the time factor of some gradients, with what is beyond the limit."""
    at = np.array(GRADIENTS_PCT, dtype=float) / 100.0
    seasons: tuple[Season, ...] = ("summer", "winter")
    walkers = [profile(name, season) for name in PROFILE_NAMES for season in seasons]
    factors = np.column_stack([walker.gradient_factor(at) for walker in walkers])
    rows = (
        (f"{pct:+d} %".replace("-", "−") if pct else "flat", *(f"{factor:.2f}" for factor in row))
        for pct, row in zip(GRADIENTS_PCT, factors, strict=True)
    )
    titles = (title for name in PROFILE_NAMES for title in (name, "… winter"))
    return _table(("gradient", *titles), rows)


def roughness() -> str:
    """Return which tags say how even the ground is."""
    rows = (
        (number, name, *(", ".join(by_grade[number].split("|")) for by_grade in ROUGHNESS.values()))
        for number, name in enumerate(GRADES)
    )
    return _table(("grade", "ground", *(f"`{key}`" for key in ROUGHNESS)), rows)


def criteria() -> str:
    """Return the criteria of the catalogue with the shipped sets of weights, in per cent.

    The shares are those without the optional criteria; theirs are those with all of them.
    """
    names = ("default", "equal", "roc", "health_heavy")
    sets = [_shipped(weights) for weights in names]
    whole = [_shipped(weights, optional=True) for weights in names]
    groups = group_labels()
    rows = (
        (
            f"`{c.key}`",
            f"{c.name('en')} ({c.name('nb')})",
            groups[c.group]["en"],
            *(
                f"{100 * (own.weights if c.key in own.weights else full.weights)[c.key]:.1f}"
                for own, full in zip(sets, whole, strict=True)
            ),
            *_anchors(c),
            c.source,
        )
        for c in whole[0].criteria
    )
    shares = ("default, %", "equal", "roc", "health_heavy")
    titles = ("key", "criterion", "group", *shares, "full_m", "zero_m", "k", "decay", "basis")
    return _table(titles, rows)


def _anchors(criterion: AnyCriterion) -> tuple[object, ...]:
    """Return where the value is 1 and where it is 0, how many places count, and how much."""
    if isinstance(criterion, WalkCriterion):
        shares = ", ".join(f"{share:g}" for share in criterion.shares)
        return f"{criterion.full_m:g}", f"{criterion.zero_m:g}", criterion.k, shares
    return f"{criterion.full:g}", f"{criterion.zero:g}", "", f"kind `{criterion.kind}`"


def presets() -> str:
    """Return the presets for official datasets."""
    rows = (
        (
            f"`{row['preset']}`",
            row["nb"],
            f"{row['dataset']} ({row['owner']})",
            f"{row['fields']}: {row['codes']}" if row["fields"] else "all features",
            row["effect"],
            row["law_nb"],
            row["sure"],
        )
        for row in preset_table()
    )
    return _table(("preset", "name", "dataset", "what counts", "effect", "law", "sure"), rows)


def strategy_keys() -> str:
    """Return the tables of the strategy file with every key."""
    schema = json_schema()
    top = {key: told for key, told in schema["properties"].items() if "description" in told}
    parts = ["### At the top\n\n" + _keys({"properties": top})]
    for name, told in schema["properties"].items():
        parts += _section(schema["$defs"], name, told)
    return "\n\n".join(parts)


def _section(models: dict[str, Any], name: str, told: dict[str, Any]) -> list[str]:
    """Return the table of a section and of those within it; nothing for a plain key."""
    reference = told.get("$ref") or told.get("items", {}).get("$ref")
    if reference is None:
        return []
    section = models[reference.rsplit("/", 1)[1]]
    title = f"[[{name}]]" if "items" in told else f"[{name}]"
    keys = _keys(section, own=[*Walker.model_fields] if name == "walker" else [])
    inner = (
        part
        for key, value in section["properties"].items()
        for part in _section(models, f"{name}.{key}", value)
    )
    return [f"### `{title}`\n\n{section['description']}\n\n{keys}", *inner]


def _keys(section: dict[str, Any], *, own: Iterable[str] = ()) -> str:
    """Return the table of a section; `own` are the numbers of the walker, which come last."""
    required = section.get("required", [])
    properties = sorted(section["properties"].items(), key=lambda item: item[0] in own)
    rows = (
        (
            f"`{key}`",
            _kind(told),
            "the profile's"
            if key in own
            else "**must be given**"
            if key in required
            else _default(told.get("default")),
            told["description"],
        )
        for key, told in properties
    )
    return _table(("key", "value", "left out", "meaning"), rows)


def _kind(told: dict[str, Any]) -> str:
    if "enum" in told:
        return ", ".join(f"`{value}`" for value in told["enum"])
    if "anyOf" in told:
        kinds = (_kind(one) for one in told["anyOf"] if one.get("type") != "null")
        return " or ".join(dict.fromkeys(kinds))
    if "const" in told:
        return f"`{json.dumps(told['const'])}`"
    if told.get("type") == "array":
        return _list_kind(told)
    kind = str(told.get("type", "object"))  # a section within
    if kind == "string":
        return "path" if told.get("format") == "path" else "text"
    return {"boolean": "`true`, `false`", "object": "table"}.get(kind, kind)


def _list_kind(told: dict[str, Any]) -> str:
    if "prefixItems" in told:
        return f"list of {len(told['prefixItems'])} numbers"
    if "prefixItems" in told["items"]:
        return "list of pairs of numbers"
    one = _kind(told["items"])
    several = one.replace("list", "lists", 1) if one.startswith("list") else f"{one}s"
    return f"list of {several}"


def _default(value: object) -> str:
    return "–" if value in (None, [], ()) else f"`{json.dumps(value)}`"


def _number(value: Any) -> str:  # noqa: ANN401 - as it stands in the file
    """Write a number, a list of time factors, or pairs of gradient and time factor."""
    if not isinstance(value, list):
        return value if isinstance(value, str) else f"{value:g}"
    if isinstance(value[0], list):
        return "<br>".join(f"{pct:g} %: {factor:g}" for pct, factor in value)
    return ", ".join(f"{factor:g}" for factor in value)


def _shipped(weights: str, *, optional: bool = False) -> Strategy:
    written: dict[str, Any] = {
        "parcels": {"source": "any.gpkg"},
        "score": {"weights": weights},
    }
    if optional:
        written["criterion"] = [{"key": "bench"}, {"key": "centre", "source": "any.gpkg"}]
    return Strategy.build(written)


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


def instruments() -> str:
    """Return which instrument is suggested for whose land at which stage of planning."""
    text = words("en")
    stages = list(dict.fromkeys(stage for _, stage in INSTRUMENTS))
    rows = (
        (
            text[f"municipal.{owner}"],
            *(text[f"instrument.{INSTRUMENTS[owner, stage]}"] for stage in stages),
        )
        for owner in dict.fromkeys(owner for owner, _ in INSTRUMENTS)
    )
    titles = (text[f"plan_readiness.{stage}"] for stage in stages)
    return _table(("municipal land", *titles), rows)


def layer_titles() -> str:
    """Return what QGIS calls the layers and tables of the GeoPackage in both languages."""
    return _table(("layer or table", "in Norwegian", "in English"), _named("layer."))


def column_names() -> str:
    """Return what QGIS, the workbook and the report call the columns in both languages."""
    return _table(("column", "in Norwegian", "in English"), _named("column."))


def _named(prefix: str) -> list[tuple[str, ...]]:
    """Return the words behind a prefix, in the order in which they are kept."""
    norwegian, english = words("nb"), words("en")
    keys = (key for key in english if key.startswith(prefix))
    return [(f"`{key.removeprefix(prefix)}`", norwegian[key], english[key]) for key in keys]


def codes() -> str:
    """Return every code that stands in a table, with its words in both languages."""
    norwegian, english = words("nb"), words("en")
    rows = (
        (column, f"`{key.removeprefix(prefix)}`", norwegian[key], english[key])
        for column, prefix in CODED
        for key in english
        if key.startswith(prefix)
    )
    return _table(("column", "code", "in Norwegian", "in English"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "walking_rules": walking_rules,
    "profiles": profiles,
    "walker_numbers": walker_numbers,
    "walker_sources": walker_sources,
    "gradients": gradients,
    "roughness": roughness,
    "criteria": criteria,
    "presets": presets,
    "strategy_keys": strategy_keys,
    "instruments": instruments,
    "layer_titles": layer_titles,
    "column_names": column_names,
    "codes": codes,
}

if __name__ == "__main__":
    for path in sorted(DOCS.glob("*.md")):
        path.write_text(fill(path.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")
