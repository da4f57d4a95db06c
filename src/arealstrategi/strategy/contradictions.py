"""What no section of a strategy can see by itself: keys that contradict or need each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from arealstrategi.criteria import NumberCriterion, WalkCriterion
from arealstrategi.export.report import pdf
from arealstrategi.sources.remote import is_remote
from arealstrategi.strategy.problems import not_one_of
from arealstrategi.strategy.shipped import weight_sets

if TYPE_CHECKING:
    from arealstrategi.strategy import Strategy


def contradictions(strategy: Strategy) -> list[str]:
    """Return what cannot all be meant."""
    told = {**_of_places(strategy), **_of_judgement(strategy)}
    found = [text for text, holds in told.items() if holds]
    if strategy.output.pdf and not pdf.is_there():
        found.append(f"output.pdf: PDF needs the package typst; install it: {pdf.INSTALL}")
    if strategy.score.weights not in weight_sets():
        found.append(not_one_of("score.weights", strategy.score.weights, weight_sets()))
    return found


def _of_places(strategy: Strategy) -> dict[str, bool]:
    area, parcels = strategy.area, strategy.parcels
    has_area = bool(area.boundary or area.kommune or area.place)
    columns = [entry.key for entry in strategy.criterion if entry.kind == "column"]
    people = strategy.population
    return {
        "area.boundary: a grid needs a boundary to fill": bool(parcels.grid_m) and not has_area,
        f"criterion: a grid has no columns, so kind column cannot be: {columns}": bool(
            parcels.grid_m and columns
        ),
        "area.boundary: parcels from a service need a boundary to ask for": is_remote(
            parcels.source
        )
        and not has_area,
        "area.boundary: must be a file; an address is not read here": area.boundary is not None
        and is_remote(area.boundary),
        "population.ages: needs a grid to spread the residents in": people.ages is not None
        and people.grid is None,
        "population.ages: ssb needs kommune under [area]": people.ages == "ssb"
        and area.kommune is None,
        "population.districts: needs a grid, which says where people live": people.districts
        is not None
        and people.grid is None,
    }


def _of_judgement(strategy: Strategy) -> dict[str, bool]:
    kinds = {entry.kind for entry in strategy.criterion}
    rules, ground = strategy.constraint, strategy.buildable
    needs_plan = "plan_readiness" in kinds or any(rule.plan_zones for rule in rules)
    needs_ground = "slope" in kinds or ground.max_slope_pct is not None
    takes_off = any(rule.by == "net_area" for rule in rules) or ground.max_slope_pct is not None
    return {
        "constraint: two of them have the same name": _twice(rule.name for rule in rules),
        "scenario: two of them have the same name": _twice(one.name for one in strategy.scenario),
        "gate: two of them are for the same group": _twice(one.group for one in strategy.gate),
        "plan: plan_readiness and plan_zones need a [[plan]] with its source": needs_plan
        and not strategy.plan,
        "terrain.elevation: slope and max_slope_pct need an elevation model": needs_ground
        and not strategy.terrain.elevation,
        "buildable.min_area_m2: where ground is taken off (by = net_area, max_slope_pct), say how "
        "much must be left": takes_off and not (ground.min_area_m2 or ground.min_width_m),
    }


def _twice(names: Iterator[str]) -> bool:
    every = list(names)
    return len(set(every)) < len(every)


def unknown_names(strategy: Strategy) -> list[str]:
    """Return what names a criterion, a group, a constraint or a set that is not in use."""
    asked = [*_asked_by_criteria(strategy), *_asked_by_scenarios(strategy)]
    groups = dict.fromkeys(c.group for c in strategy.criteria if c.weight > 0)
    asked += [(f"gate[{i}].group", one.group, [*groups]) for i, one in enumerate(strategy.gate, 1)]
    keys = [c.key for c in strategy.criteria if c.weight > 0]
    for i, weighting in enumerate(strategy.weighting, start=1):
        known = [*groups] if weighting.of == "groups" else keys
        for name in ("points", "order", "items"):
            asked += [(f"weighting[{i}].{name}", one, known) for one in getattr(weighting, name)]
    return [not_one_of(key, one, known) for key, one, known in asked if one not in known]


def _asked_by_criteria(strategy: Strategy) -> Iterator[tuple[str, str, list[str]]]:
    walks = [c.key for c in strategy.criteria if isinstance(c, WalkCriterion)]
    for c in strategy.criteria:
        if isinstance(c, NumberCriterion):
            named = {"of": [c.of] if c.of else [], "on_way_to": c.on_way_to}
            for key, ones in named.items():
                for one in ones:
                    yield f'criterion "{c.key}".{key}', one, walks


def _asked_by_scenarios(strategy: Strategy) -> Iterator[tuple[str, str, list[str]]]:
    walks = [c.key for c in strategy.criteria if isinstance(c, WalkCriterion)]
    keys = [c.key for c in strategy.criteria]
    rules = [rule.name for rule in strategy.constraint]
    for i, what_if in enumerate(strategy.scenario, start=1):
        sets = [what_if.weights] if what_if.weights is not None else []
        for key, ones, known in (
            ("weights", sets, weight_sets()),
            ("weight", [*what_if.weight], keys),
            ("open", [*what_if.open], walks),
            ("lift", [*what_if.lift], rules),
        ):
            for one in ones:
                yield f"scenario[{i}].{key}", one, known
