"""The fourth page: how sure it is, what if, who has it near today, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from arealstrategi.evidence import NOT_MAPPED
from arealstrategi.export.labels import words as words_of
from arealstrategi.export.report import charts
from arealstrategi.export.report.blocks import (
    Block,
    Bullets,
    Column,
    Figure,
    Heading,
    NewPage,
    Table,
    Text,
)
from arealstrategi.export.report.given import ReportTables
from arealstrategi.export.report.phrases import Words, listed, number, own_method, percent
from arealstrategi.export.report.reaching import key_walks

_WIDTH_MM = 178.0
_ZONES_SHOWN = 12
_BAND = {"rank": "rank", "low": "rank_p05", "high": "rank_p95"}


def certainty(tables: ReportTables) -> Iterator[Block]:
    """How sure the order is: bands, the most critical criterion, other methods."""
    words, top, found = words_of(tables.language), tables.top, tables.robustness
    yield NewPage()
    yield Heading(words["report.certainty"])
    if found is None or "rank_p05" not in top:
        yield Text(words["report.certainty_off"])
        return
    if len(top):
        first = top.iloc[0]
        low, high = (number(first[name], words) for name in ("rank_p05", "rank_p95"))
        share = percent(first["top_share"], words)
        told = {"label": first["label"], "low": low, "high": high, "share": share}
        yield Text(words["report.first"].format(top=len(top), **told))
    yield Text(_critical(tables, words))
    others = found.methods.drop(index=own_method(tables.model), errors="ignore")
    if len(others):
        yield Text(
            words["report.methods_said"].format(
                count=number(len(others), words),
                same=number(others["same_first"].sum(), words),
                low=number(others["spearman"].min(), words, 2),
                high=number(others["spearman"].max(), words, 2),
            )
        )
    rows = "; ".join(
        words["report.band_of"].format(
            label=row["label"],
            **{name: number(row[key], words) for name, key in _BAND.items()},
        )
        for _, row in top.iterrows()
    )
    alt = words["report.bands_alt"].format(count=len(top), rows=rows)
    drawn = charts.rank_bands(top, [str(label) for label in top["label"]], words)
    yield Figure(drawn, "svg", alt, words["report.bands"], _WIDTH_MM)


def _critical(tables: ReportTables, words: Words) -> str:
    found = tables.robustness
    key = None if found is None else found.critical
    if found is None or key is None:
        return words["report.critical_none"]
    row = found.intervals.loc[key]
    ends = [
        (abs(row[end] - row["weight"]), row[end], row[f"{end}_rival"])
        for end in ("low", "high")
        if pd.notna(row[f"{end}_rival"])
    ]
    _, limit, rival = min(ends)
    label = tables.parcels["label"].get(str(rival))
    return words["report.critical"].format(
        criterion=tables.criteria["label"][key],
        weight=percent(row["weight"], words, 1),
        limit=percent(limit, words, 1),
        rival=rival if label is None else label,
    )


def people(tables: ReportTables) -> Iterator[Block]:
    """Who has what near today, where a population grid was given."""
    words, told = words_of(tables.language), tables.people.in_reach
    yield Heading(words["report.people"])
    if not len(told):
        yield Text(words["report.people_none"])
        return
    whole = told[told["part"] == "whole"]
    if len(whole):
        residents = whole.loc[whole["group"] == "all", "residents"].max()
        people = number(residents, words)
        yield Text(words["report.people_text"].format(residents=people, place=tables.place.name))
        yield _near_table(tables, whole, words)
    if tables.audience == "public":
        yield Text(words["report.people_hidden"], "small")
    zones = told[(told["part"] != "whole") & (told["group"] == "all")]
    keys = [key for key in key_walks(tables.criteria) if key in set(zones["category"])]
    shares = zones.set_index(["part", "zone", "category"])["near_share"].unstack(sort=False)  # noqa: PD010 - nothing is summed
    rows = [
        [
            str(zone) or words["report.people_outside"],
            *(percent(row.get(key), words) for key in keys),
        ]
        for zone, row in shares.droplevel("part").iloc[:_ZONES_SHOWN].iterrows()
    ]
    names = [Column(str(tables.criteria["label"][key]), is_number=True) for key in keys]
    yield Table(
        words["report.people_zones"], [Column(words["report.zone"], width=1.8), *names], rows
    )


def _near_table(tables: ReportTables, whole: pd.DataFrame, words: Words) -> Table:
    groups = list(dict.fromkeys(whole["group"]))
    shares = whole.set_index(["category", "group"])["near_share"]
    limits = whole.groupby("category")["near_m"].first()
    columns = [
        Column(words["report.category"], width=2.2),
        Column(words["report.within"], is_number=True),
        *(Column(words[f"report.group.{group}"], is_number=True) for group in groups),
    ]
    rows = [
        [
            str(tables.criteria["label"][key]),
            words["report.metres"].format(number=number(limits[key], words)),
            *(percent(shares.get((key, group)), words) for group in groups),
        ]
        for key in key_walks(tables.criteria)
        if key in limits
    ]
    return Table(words["report.people_caption"], columns, rows)


def scenarios(tables: ReportTables) -> Iterator[Block]:
    """Tell what becomes of the answer when something changes."""
    if not tables.scenarios:
        return
    words = words_of(tables.language)
    top = tables.scenarios[0][1].top
    yield Heading(words["report.scenarios"])
    columns = [
        Column(words["report.scenario"], width=2.4),
        Column(words["report.better"], is_number=True),
        Column(words["report.worse"], is_number=True),
        Column(words["report.gain"], is_number=True, width=1.4),
        Column(words["report.into_top"].format(top=top), is_number=True, width=1.2),
    ]
    rows = []
    for name, found in tables.scenarios:
        counts = found.counts
        largest = max(counts["largest_gain"], counts["largest_loss"], key=abs)
        rows.append(
            [
                name,
                number(counts["class_up"], words),
                number(counts["class_down"], words),
                number(largest, words, 1, signed=True),
                number(len(found.entering), words),
            ]
        )
    yield Table(words["report.scenarios_caption"], columns, rows)


def limits(tables: ReportTables) -> Iterator[Block]:
    """Tell what the analysis does not know, plainly."""
    words = words_of(tables.language)
    yield Heading(words["report.limits"])
    yield Bullets(list(_limits(tables, words)))


def _limits(tables: ReportTables, words: Words) -> Iterator[str]:
    criteria = tables.criteria
    yield words["report.limit.osm"]
    lacking = criteria[~criteria["found"] & (criteria["weight"] > 0)]["label"]
    if len(lacking):
        yield words["report.limit.none_found"].format(names=listed(map(str, lacking), words))
    if not tables.rules["given"].any():
        yield words["report.limit.no_rules"]
    unmapped = int((tables.answers == NOT_MAPPED).any(axis=1).sum())
    if unmapped:
        yield words["report.limit.not_mapped"].format(count=number(unmapped, words))
    readiness = tables.parcels.get("plan_readiness", pd.Series(dtype=object))
    if not np.any(readiness.dropna() != "unknown"):
        yield words["report.limit.no_plan"]
    yield words["report.limit.quality"]
    yield words["report.limit.no_prices"]
    yield words["report.limit.decision"]
