"""What the report and the site sheets tell of a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from arealstrategi.export import labels
from arealstrategi.export.report import (
    Given,
    People,
    Place,
    ReportTables,
    report,
    site_sheets,
    write,
)
from arealstrategi.population import for_public
from arealstrategi.provenance import SourceReport
from arealstrategi.strategy import catalogue_entries, group_labels

if TYPE_CHECKING:
    from arealstrategi.result import Result

_OF_PEOPLE = ("weighting", "survey")  # roles of what people answered


def report_outputs(result: Result) -> dict[str, Callable[[Path], None]]:
    """Return the files of the report: name to what writes it. What they share is made once."""
    tables = cache(lambda: report_tables(result))
    documents = {
        "report": cache(lambda: report(tables())),
        "site_sheets": cache(lambda: site_sheets(tables())),
    }
    ends = ("html", "pdf") if result.strategy.output.pdf else ("html",)
    return {
        f"{name}.{end}": lambda path, made=made: write(path, made())  # type: ignore[misc]
        for name, made in documents.items()
        for end in ends
    }


def report_tables(result: Result) -> ReportTables:
    """Return all that the report and the site sheets tell of a result."""
    strategy = result.strategy
    options, walker = strategy.areas, strategy.walker
    sites = result.sites
    return ReportTables(
        title=strategy.title,
        language=strategy.language,
        audience=strategy.output.audience,
        place=Place(result.area.name, result.area.boundary, result.backdrop),
        people=_people(result),
        sites=None if sites is None else Given(sites.parcels, sites.findings),
        notes=result.all_notes(),
        parcels=result.parcels,
        services=result.services,
        areas=result.areas,
        criteria=_criteria(result),
        groups=_groups(result),
        model=result.model(strategy.language),
        gates=strategy.gate,
        walker={
            "profile": walker.profile,
            "season": walker.season,
            "direction": walker.direction,
            "speed_m_s": walker.walker.flat_speed_m_s,
        },
        rules=_rules(result),
        answers=result.constraints,
        findings=result.findings,
        on_the_way=result.barriers[result.gives_points.ravel()],
        top=result.top,
        robustness=result.robustness,
        scenarios=tuple((one.name, one.comparison) for one in result.scenarios),
        dwellings_per_ha=options.dwellings_per_ha,
        shared_space_over=options.shared_space_over,
        reports=_reports(result),
        warnings=tuple(str(strategy.told(text)) for text in result.warnings),
    )


def _reports(result: Result) -> tuple[SourceReport, ...]:
    """Return what was read; to the public without who gave weights."""
    told = result.strategy.told
    is_public = result.strategy.output.audience == "public"
    return tuple(
        replace(one, source=str(told(one.source)))
        for one in result.reports
        if not (is_public and one.role.startswith(_OF_PEOPLE))
    )


def _rules(result: Result) -> pd.DataFrame:
    """Return every constraint with what a hit does."""
    written = {rule.name: rule for rule in result.strategy.constraint}
    rows = []
    for name in map(str, result.constraints):
        rule = written.get(name)
        rows.append(
            (name, "exclude", 0.0, "net_area", False)
            if rule is None
            else (name, rule.effect, rule.points, rule.by, True)
        )
    return pd.DataFrame(rows, columns=["name", "effect", "points", "by", "given"])


def _people(result: Result) -> People:
    """Return what may be told of people: nothing of a few and of who answered to the public."""
    is_public = result.strategy.output.audience == "public"
    in_reach = result.in_reach
    if is_public and len(in_reach):
        in_reach = for_public(in_reach)
    columns = ["source", "method", "of", "people", "consistency"]
    rows = [
        (
            one.source,
            one.method,
            one.of,
            one.facts.get("people", one.facts.get("respondents")),
            one.facts.get("consistency ratio"),
        )
        for one in ([] if is_public else result.weights.weightings)
    ]
    return People(in_reach, pd.DataFrame(rows, columns=columns))


def _criteria(result: Result) -> pd.DataFrame:
    """Return the criteria with the reason in the language and who gave the weight."""
    is_public = result.strategy.output.audience == "public"
    table, words = result.criteria, labels.words(result.strategy.language)
    shipped = {
        key: entry.get("reason") for key, entry in catalogue_entries(asked=table.index).items()
    }
    reasons = {
        c.key: words.get(f"why.{c.key}", c.reason) if c.reason == shipped.get(c.key) else c.reason
        for c in result.strategy.criteria
    }
    ends = {
        c.key: (c.full_m, c.zero_m) if c.kind == "walk" else (c.full, c.zero)
        for c in result.strategy.criteria
    }
    return table.assign(
        reason=pd.Series(reasons, dtype="str"),
        source="" if is_public else result.weights.table["source"],
        full_m=pd.Series({key: full for key, (full, _) in ends.items()}, dtype=float),
        zero_m=pd.Series({key: zero for key, (_, zero) in ends.items()}, dtype=float),
    )


def _groups(result: Result) -> dict[str, str]:
    """Return the name of every group in use."""
    names, language = group_labels(), result.strategy.language
    return {
        str(group): names.get(str(group), {}).get(language, str(group))
        for group in dict.fromkeys(result.criteria["group"])
    }
