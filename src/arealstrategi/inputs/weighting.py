"""The weights of all criteria, with the surveys that some come from."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from arealstrategi.errors import ArealstrategiError
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.sources.survey import read_survey
from arealstrategi.strategy import Strategy, Weights, group_labels


def read_weights(
    strategy: Strategy,
    reports: list[SourceReport],
    problems: list[ArealstrategiError] | None = None,
) -> Weights:
    """Return what every criterion weighs, reading the surveys that the strategy names.

    Raises
    ------
    InputError, StrategyError
        A survey cannot be used, or a weighting names what is not in use; with a list of problems
        it is noted there, and the weights are those without any weighting.
    """
    try:
        surveys = [_read(strategy, place, reports) for place in _surveys(strategy)]
        weights = strategy.weigh(surveys)
    except ArealstrategiError as error:
        if problems is None:
            raise
        problems.append(error)
        return strategy.weights_of(strategy.criteria, strategy.score.weights, [])
    public = strategy.output.audience == "public"
    for place, found in enumerate(weights.weightings, start=1):
        facts: dict[str, Fact] = {"method": found.method, "of": found.of}
        facts |= {str(key): f"{share:.4f}" for key, share in found.weights.items()}
        if not public:  # what single people answered, by name
            facts |= {key: _told(fact) for key, fact in found.facts.items()}
        said = () if public else found.warnings
        reports.append(
            SourceReport(f"weighting {place}", found.source, facts, said, what="weights")
        )
    return weights


def _told(fact: Fact) -> Fact:
    return round(fact, 4) if isinstance(fact, float) else fact


def _surveys(strategy: Strategy) -> list[int]:
    return [i for i, entry in enumerate(strategy.weighting) if entry.method == "survey"]


def _read(strategy: Strategy, place: int, reports: list[SourceReport]) -> pd.DataFrame:
    entry = strategy.weighting[place]
    assert entry.table is not None  # noqa: S101 - the section's own check
    items = _groups(strategy) if entry.of == "groups" else _criteria(strategy)
    if entry.items:
        items = {key: names for key, names in items.items() if key in entry.items}
    answers, report = read_survey(entry.table, items, key=f"`table` of [[weighting]] {place + 1}")
    reports.append(report)
    return answers


def _groups(strategy: Strategy) -> Mapping[str, tuple[str, ...]]:
    """Return the groups in use with the names that a column may have."""
    names = group_labels()
    used = dict.fromkeys(c.group for c in strategy.criteria if c.weight > 0)
    return {group: (group, *names.get(group, {}).values()) for group in used}


def _criteria(strategy: Strategy) -> Mapping[str, tuple[str, ...]]:
    return {c.key: (c.key, *c.label.values()) for c in strategy.criteria if c.weight > 0}
