"""The report: four pages that are read, and an annex that can be looked up."""

from __future__ import annotations

from arealstrategi.export.labels import words as words_of
from arealstrategi.export.report import annex, certainty, front, maps, walks
from arealstrategi.export.report.blocks import Block, Document
from arealstrategi.export.report.given import ReportTables


def report(tables: ReportTables) -> Document:
    """Return the report on the tables of a run."""
    words = words_of(tables.language)
    ground = maps.lay_ground(tables.place.backdrop)
    blocks: list[Block] = [
        *front.summary(tables, ground),
        *front.recommended(tables, ground),
        *walks.reached(tables, ground),
        *certainty.certainty(tables),
        *certainty.scenarios(tables),
        *certainty.people(tables),
        *certainty.limits(tables),
        *annex.method(tables),
        *annex.weights(tables),
        *annex.rules(tables),
        *annex.classes(tables, front.class_counts(tables)),
        *walks.best(tables),
        *annex.other_methods(tables),
        *annex.inputs(tables),
        *annex.repairs(tables),
    ]
    title = words["report.title"].format(title=tables.title)
    footer = words["report.footer"].format(title=tables.title)
    return Document(title, tables.language, footer, tuple(blocks))
