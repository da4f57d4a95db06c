"""What the map shows of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arealstrategi.criteria import AnyCriterion, WalkCriterion
from arealstrategi.export import labels
from arealstrategi.export.packing import ON_THE_WAY, MapTables
from arealstrategi.export.report import phrases
from arealstrategi.reach import route_tables
from arealstrategi.strategy import ScenarioEntry
from arealstrategi.strategy.shipped import weight_sets

if TYPE_CHECKING:
    from arealstrategi.result import Result

_SAME_WEIGHT = 1e-9


def map_tables(result: Result) -> MapTables:
    """Return all that the map shows of a result."""
    strategy, score = result.strategy, result.strategy.score
    return MapTables(
        result.parcels,
        result.services,
        result.backdrop,
        _criteria(result),
        nearest=_nearest(result),
        routes=route_tables(result.reach, result.walked),
        barriers=_on_the_way(result),
        deduction=result.deduction,
        constraints=_constraints(result),
        answers=result.constraints,
        shares=result.constraint_shares,
        zones=result.zones,
        areas=result.areas,
        sites=None if result.sites is None else result.sites.parcels,
        scenarios={one.name: _gained(one.comparison.parcels) for one in result.scenarios},
        presets=_presets(result),
        method=score.method,
        alpha=score.alpha,
        floor=score.floor,
        missing=score.missing,
        gates=strategy.gate,
        profile=strategy.walker.profile,
        notes={language: result.all_notes(language) for language in labels.LANGUAGES},
        credits={language: _credits(result, language) for language in labels.LANGUAGES},
        audience=strategy.output.audience,
    )


def _criteria(result: Result) -> pd.DataFrame:
    english = result.criteria_in("en")
    return english.assign(
        label_nb=result.criteria_in("nb")["label"],
        label_en=english["label"],
        kind=[c.kind for c in result.strategy.criteria],
        full=[_anchors(c)[0] for c in result.strategy.criteria],
        zero=[_anchors(c)[1] for c in result.strategy.criteria],
        critical=[c.critical for c in result.strategy.criteria],
        why_nb=pd.Series({c.key: _why(c, "nb") for c in result.strategy.criteria}, dtype=object),
        why_en=pd.Series({c.key: _why(c, "en") for c in result.strategy.criteria}, dtype=object),
        headline=pd.Series({c.key: c.headline for c in result.strategy.criteria}, dtype=object),
    )


def _why(criterion: AnyCriterion, language: str) -> str | None:
    """Return why a criterion counts: the shipped reason in a language, or what its user wrote."""
    shipped = {lang: labels.words(lang).get(f"why.{criterion.key}") for lang in labels.LANGUAGES}
    return shipped[language] if criterion.reason == shipped["en"] else criterion.reason


def _anchors(criterion: AnyCriterion) -> tuple[float, float]:
    """Return what is worth 1 and 0, NaN where the value is no line between two numbers."""
    if isinstance(criterion, WalkCriterion):
        return criterion.full_m, criterion.zero_m
    full, zero = criterion.full, criterion.zero
    return np.nan if full is None else full, np.nan if zero is None else zero


def _nearest(result: Result) -> pd.DataFrame:
    """Return the row of the nearest service for each parcel and category that has any."""
    found = {key: one.service for key, one in result.reach.nearest.items()}
    return pd.DataFrame(found, index=result.parcels.index)


def _on_the_way(result: Result) -> pd.DataFrame:
    """Return metres of what hinders on the walks that give points, a column for each walk."""
    walked, gives = result.walked, result.gives_points
    told = {
        f"{key}_{name}_m": np.where(given, metres, 0.0)
        for name in ON_THE_WAY
        for key, given, metres in zip(
            walked,
            gives,
            result.barriers[f"{name}_m"].to_numpy().reshape(len(walked), -1),
            strict=True,
        )
    }
    return pd.DataFrame(told, index=result.parcels.index)


def _constraints(result: Result) -> pd.DataFrame:
    """Return what each constraint does, and whether it is taken off the ground instead."""
    written: dict[str, tuple[str, str]] = {
        rule.name: (rule.effect, rule.by) for rule in result.strategy.constraint
    }
    drawn = result.zones.drop_duplicates("name").set_index("name")["effect"]
    told = {
        str(name): written.get(str(name), (drawn.get(name, "exclude"), "net_area"))
        for name in result.constraints
    }
    return pd.DataFrame.from_dict(told, orient="index", columns=["effect", "by"])


def _gained(compared: pd.DataFrame) -> pd.Series:
    """Return how many points each parcel gains; NaN where it is not assessed in both."""
    both = (compared["status_before"] == "assessed") & (compared["status_after"] == "assessed")
    return compared["score_change"].where(both)


def _presets(result: Result) -> pd.DataFrame:
    """Return the strategy's own weights and those of the shipped sets that differ from them."""
    strategy, own = result.strategy, result.weights
    sets = {"strategy": own.weight}
    for name in weight_sets() if strategy.score.catalogue != "none" else ():
        weight = strategy.weights_in(ScenarioEntry(name=name, weights=name), own).weight
        weight = weight.reindex(own.weight.index, fill_value=0.0)
        if all((weight - other).abs().max() > _SAME_WEIGHT for other in sets.values()):
            sets[name] = weight
    return pd.DataFrame(sets)


def _credits(result: Result, language: str) -> list[str]:
    """Return what was read and whom to name for it, with licence and age."""
    words = labels.words(language)
    names = {c.key: c.name(language) for c in result.strategy.criteria}
    told = [words["credit.osm"]]
    for one in result.reports:
        if one.files and one.role != "osm":
            role = phrases.role(one.role, words, names)
            known = filter(None, (one.licence, one.date and phrases.day(one.date, words)))
            told.append(f"{role}: {', '.join([phrases.source_name(one), *known])}")
    return [result.strategy.told(text) for text in dict.fromkeys(told)]
