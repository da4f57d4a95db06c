"""What stands behind the four pages: method, weights, constraints, data, and what was repaired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from arealstrategi.evidence import BELOW_SHARE, HIT, NO_HIT, NOT_MAPPED
from arealstrategi.export.labels import reason_text
from arealstrategi.export.labels import words as words_of
from arealstrategi.export.report.blocks import (
    Block,
    Bullets,
    Cell,
    Column,
    Heading,
    NewPage,
    Row,
    Table,
    Text,
)
from arealstrategi.export.report.given import ReportTables
from arealstrategi.export.report.phrases import (
    Words,
    day,
    effect,
    land,
    number,
    own_method,
    percent,
    role,
    source_name,
    warning,
)
from arealstrategi.scoring import CLASS_FROM
from arealstrategi.tables import CLASSES

_KM_H = 3.6
_REASONS_SHOWN = 15


def method(tables: ReportTables) -> Iterator[Block]:
    """How it was done, in plain words, and the criteria."""
    words = words_of(tables.language)
    yield NewPage()
    yield Heading(words["report.annex"])
    walker = tables.walker
    yield Text(
        words["report.method_1"].format(
            walker=words[f"profile.{walker['profile']}"],
            speed=number(_KM_H * float(walker["speed_m_s"]), words, 1),
            season=words["report.winter"] if walker["season"] == "winter" else "",
        )
    )
    is_sum = tables.model.is_sum
    name = words[f"method.{tables.model.method}"]
    yield Text(words["report.method_2" if is_sum else "report.method_2_other"].format(method=name))
    first, second, third = (f"{limit:g}" for limit in CLASS_FROM[:3])
    yield Text(words["report.method_3"].format(first=first, second=second, third=third))
    for gate in tables.gates:
        yield Text(
            words["report.gate"].format(
                group=tables.groups.get(gate.group, gate.group),
                least=number(gate.min, words),
                best=words[f"class.{gate.best}"],
            )
        )
    yield _criteria(tables, words)


def _criteria(tables: ReportTables, words: Words) -> Table:
    columns = [
        Column(words["report.criterion"], width=1.8),
        Column(words["report.group"], width=1.6),
        Column(words["report.weight"], is_number=True, width=0.7),
        Column(words["report.full_zero"], is_number=True, width=1.2),
        Column(words["report.why"], width=3.4),
    ]
    rows: list[Row] = [
        [
            str(row["label"]),
            tables.groups.get(row["group"], row["group"]),
            percent(row["weight"], words, 1),
            _range(row, words),
            str(row["reason"]),
        ]
        for _, row in tables.criteria.iterrows()
    ]
    return Table(words["report.criteria_caption"], columns, rows)


def _range(row: pd.Series, words: Words) -> str:
    if not row["found"]:
        return words["report.none_found"]
    if pd.isna(row["full_m"]) or pd.isna(row["zero_m"]):
        return ""
    ends = f"{number(row['full_m'], words)}–{number(row['zero_m'], words)}"
    return words["report.metres"].format(number=ends) if row["walk"] else ends


def other_methods(tables: ReportTables) -> Iterator[Block]:
    """Tell what other methods make of the order."""
    words, found = words_of(tables.language), tables.robustness
    if found is None:
        return
    columns = [
        Column(words["report.method"], width=2.2),
        Column(words["report.method_like"], is_number=True, width=1.6),
        Column(words["report.method_top"].format(top=len(tables.top)), is_number=True, width=1.2),
        Column(words["report.method_first"], width=0.9),
    ]
    own = own_method(tables.model)
    table = [
        [
            words["report.own_method"].format(name=words[f"method.{name}"])
            if name == own
            else words[f"method.{name}"],
            number(row["spearman"], words, 2),
            percent(row["top_overlap"], words),
            words["report.yes" if row["same_first"] else "report.no"],
        ]
        for name, row in found.methods.iterrows()
    ]
    yield Table(words["report.methods"], columns, table)


def weights(tables: ReportTables) -> Iterator[Block]:
    """Who gave the weights and how; the public is told the weights alone."""
    words, criteria = words_of(tables.language), tables.criteria
    internal = tables.audience != "public"
    yield Heading(words["report.weights"] if internal else words["report.weight"], 3)
    columns = [
        Column(words["report.group"], width=2.0),
        Column(words["report.weight"], is_number=True),
    ]
    columns += [Column(words["report.given_by"], width=4.0)] if internal else []
    rows: list[Row] = []
    for group, of in criteria.groupby("group", sort=False):
        row = [tables.groups.get(str(group), str(group)), percent(of["weight"].sum(), words, 1)]
        sources = dict.fromkeys(_source(str(told), words) for told in of["source"])
        rows.append([*row, *(["; ".join(sources)] if internal else [])])
    yield Table(words["report.weights_groups"], columns, rows)
    if not internal:
        return
    columns = [
        Column(words["report.given_by"], width=2.6),
        Column(words["report.method"], width=1.6),
        Column(words["report.asked"], width=1.2),
        Column(words["report.people_asked"], is_number=True),
        Column(words["report.consistency"], is_number=True, width=1.4),
    ]
    rows = [
        [
            str(row["source"]),
            words[f"report.weighting.{row['method']}"],
            words[f"report.asked.{row['of']}"],
            number(row["people"], words),
            number(row["consistency"], words, 2),
        ]
        for _, row in tables.people.weightings.iterrows()
    ]
    yield Table(words["report.weights_given"], columns, rows)


def _source(told: str, words: Words) -> str:
    if told == "the strategy file":
        return words["report.strategy_file"]
    shipped = told.removeprefix("the shipped set ")
    if shipped == told:
        return told
    return words["report.shipped"].format(name=words.get(f"preset.{shipped}", shipped))


def rules(tables: ReportTables) -> Iterator[Block]:
    """Tell the constraints with what they met, and why parcels are not assessed."""
    words = words_of(tables.language)
    yield Heading(words["report.rules"], 3)
    if not len(tables.rules):
        yield Text(words["report.limit.no_rules"])
    columns = [
        Column(words["report.rule"], width=3.0),
        Column(words["report.effect"], width=1.4),
        *(
            Column(words[key], is_number=True)
            for key in ("report.hit", "report.below_share", "report.not_mapped", "report.no_hit")
        ),
    ]
    rows: list[Row] = []
    for _, rule in tables.rules.iterrows():
        found = tables.answers[rule["name"]].value_counts()
        counts = (
            number(found.get(code, 0), words) for code in (HIT, BELOW_SHARE, NOT_MAPPED, NO_HIT)
        )
        rows.append([str(rule["name"]), effect(rule, words), *counts])
    yield Table(words["report.rules_caption"], columns, rows)
    yield _reasons(tables, words)


def _reasons(tables: ReportTables, words: Words) -> Table:
    """Count the reasons of the parcels that are excluded or not assessed; one may have several."""
    labels: Mapping[str, str] = {str(k): str(v) for k, v in tables.criteria["label"].items()}
    out = tables.parcels[tables.parcels["status"] != "assessed"]
    every = out.assign(reason=out["reasons"].astype("str").str.split(";")).explode("reason")
    every = every[every["reason"] != ""]
    counts = pd.crosstab(every["reason"], every["status"])
    counts = counts.reindex(columns=["excluded", "missing_data"], fill_value=0)
    order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index[:_REASONS_SHOWN]
    rows: list[Row] = [
        [
            reason_text(str(reason), words, labels),
            number(counts.loc[reason, "excluded"], words),
            number(counts.loc[reason, "missing_data"], words),
        ]
        for reason in order
    ]
    columns = [
        Column(words["report.reason"], width=4.0),
        Column(words["report.excluded"], is_number=True),
        Column(words["report.missing"], is_number=True),
    ]
    return Table(words["report.reasons_caption"], columns, rows)


def classes(tables: ReportTables, counts: pd.DataFrame) -> Iterator[Block]:
    """Tell the classes in numbers."""
    words = words_of(tables.language)
    columns = [
        Column(words["report.class"], width=2.0),
        Column(words["report.count"], is_number=True),
        Column(words["report.share"], is_number=True),
        Column(words["report.size"], is_number=True),
        Column(words["report.municipal"], is_number=True, width=1.4),
    ]
    total = max(float(counts["parcels"].sum()), 1.0)
    rows: list[Row] = [
        [
            Cell(words[f"class.{code}" if code in CLASSES else f"status.{code}"], str(code)),
            number(row["parcels"], words),
            percent(row["parcels"] / total, words, 1),
            land(row["area_m2"], words),
            number(row["municipal"], words),
        ]
        for code, row in counts.iterrows()
    ]
    yield Table(words["report.classes_caption"], columns, rows)


def inputs(tables: ReportTables) -> Iterator[Block]:
    """Tell what was read, how old it is and under which licence."""
    words = words_of(tables.language)
    names = _names(tables)
    yield Heading(words["report.inputs"], 3)
    columns = [
        Column(words["report.input"], width=2.4),
        Column(words["report.source"], width=2.6),
        Column(words["report.date"], width=1.3),
        Column(words["report.licence"], width=2.2),
    ]
    rows: list[Row] = [
        [
            role(report.role, words, names),
            source_name(report),
            day(report.date, words),
            report.licence or words["report.not_told"],
        ]
        for report in tables.reports
        if report.role not in _OWN_MAKING
    ]
    yield Table(words["report.inputs_caption"], columns, rows)


_OWN_MAKING = ("walking network", "services")  # they come of the other inputs


def repairs(tables: ReportTables) -> Iterator[Block]:
    """Tell what was repaired, left out or is missing, and what the run said of it."""
    words, names = words_of(tables.language), _names(tables)
    yield Heading(words["report.repairs"], 3)
    rows: list[Row] = [
        [words[f"fact.{name}"], role(report.role, words, names), number(count, words)]
        for report in tables.reports
        for name, count in report.facts.items()
        if f"fact.{name}" in words and isinstance(count, int | float) and count > 0
    ]
    if not rows:
        yield Text(words["report.nothing_repaired"])
    columns = [
        Column(words["report.what"], width=4.0),
        Column(words["report.input"], width=2.4),
        Column(words["report.count"], is_number=True),
    ]
    yield Table(words["report.repairs_caption"], columns, rows)
    yield Heading(words["report.warnings"], 3)
    told = [warning(one, tables.language, names) for one in tables.warnings]
    if not told:
        yield Text(words["report.no_warnings"])
    for language in (tables.language, *({"en"} - {tables.language})):
        said = [text for text, spoken in told if spoken == language]
        if said:
            yield Bullets(said, "" if language == tables.language else language)
    yield Text(words["report.detail"], "small")


def _names(tables: ReportTables) -> dict[str, str]:
    """Return what to call criteria and groups, by key."""
    labels = {str(key): str(label) for key, label in tables.criteria["label"].items()}
    return {**tables.groups, **labels}
