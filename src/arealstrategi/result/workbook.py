"""What the Excel workbook shows of a result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from arealstrategi.evidence import BELOW_SHARE, HIT, NO_HIT, NOT_MAPPED
from arealstrategi.provenance import report_facts
from arealstrategi.result.facts import ATTRIBUTION, run_table

if TYPE_CHECKING:
    from arealstrategi.result import Result

_ANSWERS = (HIT, NOT_MAPPED, BELOW_SHARE, NO_HIT)


def write_workbook_of(result: Result, path: Path) -> None:
    """Write ``ranking.xlsx``."""
    from arealstrategi.export.workbook import write_workbook

    language = result.strategy.language
    write_workbook(
        path,
        workbook_tables(result),
        names={c.key: c.name(language) for c in result.strategy.criteria},
        language=language,
        title=result.strategy.title,
        notes=(*result.all_notes(), *ATTRIBUTION),
    )


def workbook_tables(result: Result) -> dict[str, pd.DataFrame]:
    """Return the tables that `export.workbook.write_workbook` takes."""
    tables = {
        "parcels": pd.DataFrame(result.parcels),
        "areas": pd.DataFrame(result.areas),
        "sites": result.side_by_side,
        "criteria": _criteria(result),
        "constraints": _constraints(result),
        "findings": _labelled(result.findings, result.parcels["label"]),
        "services": pd.DataFrame(result.services.drop(columns="geometry")),
        "inputs": _inputs(result),
        "run": pd.DataFrame(run_table(result).items(), columns=["fact", "told"]),
    }
    if result.robustness is not None:
        tables["weight_intervals"] = result.robustness.intervals.rename_axis("key")
        tables["methods"] = result.robustness.methods
    return tables


def _criteria(result: Result) -> pd.DataFrame:
    table = result.criteria.drop(columns=["label", "walk"])
    table.insert(2, "in_group", result.weights.table["in_group"])
    return table.assign(
        reason=[criterion.reason for criterion in result.strategy.criteria],
        source=result.weights.table["source"],
    ).rename(columns={"reason": "why"})


def _constraints(result: Result) -> pd.DataFrame:
    """Count the answers of each constraint."""
    drawn = result.zones.drop_duplicates("name").set_index("name")["effect"]
    effects: dict[str, str] = {str(name): effect for name, effect in drawn.items()}
    effects |= {rule.name: rule.effect for rule in result.strategy.constraint}
    answers = result.constraints
    counted = {answer: (answers == answer).sum() for answer in _ANSWERS}
    table = pd.DataFrame(counted).rename_axis("constraint").reset_index()
    table.insert(1, "effect", table["constraint"].map(effects))
    return table


def _labelled(findings: pd.DataFrame, label: pd.Series) -> pd.DataFrame:
    """Put what the planner calls a parcel beside its id, where it is another."""
    named = findings["parcel_id"].map(label)
    if not named.equals(findings["parcel_id"]):
        findings = findings.copy()
        findings.insert(1, "label", named)
    return findings


def _inputs(result: Result) -> pd.DataFrame:
    told = [result.strategy.told(report_facts(one, result.checksums)) for one in result.reports]
    return pd.DataFrame(
        [
            {name: one[name] for name in ("role", "what", "source", "date", "licence")}
            | {"sha256": " ".join(one["sha256"].values())}
            for one in told
        ]
    )
