"""What ``run.json`` and the table ``run`` tell of a result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from arealstrategi.provenance import report_facts, versions
from arealstrategi.scoring import order_weights, orness, trade_off

if TYPE_CHECKING:
    from arealstrategi.result import Result, Scenario
    from arealstrategi.robustness import Robustness

ATTRIBUTION = ("© OpenStreetMap contributors, ODbL 1.0 (https://www.openstreetmap.org/copyright)",)
_DETOURS_TOLD = 100
_CHANGES_TOLD = 20


def all_facts(result: Result) -> dict[str, Any]:
    """Return all that ``run.json`` holds: strategy, inputs, versions, timings, warnings."""
    strategy, robustness = result.strategy, result.robustness
    return {
        "title": strategy.title,
        "language": strategy.language,
        "notes": list(result.all_notes()),
        "strategy": strategy.told(_without_people(result)),
        "study_area": {
            "name": result.area.name,
            "crs": result.area.crs.to_string(),
            "area_km2": round(shapely.area(result.area.boundary) / 1e6, 3),
            "margin_m": result.area.margin_m,
        },
        "walker": strategy.walker.model_dump(include={"profile", "season", "direction"})
        | {"ferries": strategy.walker.ferries}
        | strategy.walker.walker.model_dump(mode="json"),
        "score": _score(result),
        "criteria": _criteria(result),
        "weightings": [] if _is_public(result) else _weightings(result),
        "inputs": [strategy.told(report_facts(one, result.checksums)) for one in result.reports],
        "results": _counts(result),
        "top": _records(result.top.rename_axis("parcel_id").reset_index()),
        "robustness": None if robustness is None else _robustness(robustness),
        "areas": _records(result.areas.drop(columns="geometry").reset_index()),
        "scenarios": [_scenario(one) for one in result.scenarios],
        "not_connected": _not_connected(result),
        "detours": _detours(result),
        "warnings": list(result.warnings),
        "versions": versions(),
        "seed": strategy.robustness.seed if robustness is not None else None,
        "timings_s": dict(result.timings_s),
        "attribution": list(ATTRIBUTION),
    }


def _is_public(result: Result) -> bool:
    return result.strategy.output.audience == "public"


def _without_people(result: Result) -> dict[str, Any]:
    """Return the strategy as it was run; to the public without who gave weights."""
    told: dict[str, Any] = result.strategy.model_dump(mode="json")
    if _is_public(result):
        for weighting in told["weighting"]:
            weighting["source"] = weighting["method"]
            for number, person in enumerate(weighting["person"], start=1):
                person["name"] = f"person {number}"
    return told


def _score(result: Result) -> dict[str, Any]:
    """Tell how values were joined, and what its settings touched."""
    score = result.strategy.score
    told: dict[str, Any] = {"method": score.method, "missing": score.missing}
    counted = [key for key, weight in result.weights.weight.items() if weight > 0]
    if score.method == "owa":
        order = order_weights(score.alpha, len(counted))
        told |= {
            "alpha": score.alpha,
            "orness": round(orness(score.alpha), 4),
            "trade_off": round(trade_off(order), 4),
        }
    if score.method == "geometric":
        low = result.parcels[[f"{key}_value" for key in counted]] < score.floor
        told |= {
            "floor": score.floor,
            "parcels_with_a_value_below_floor": int(low.any(axis=1).sum()),
        }
    return told


def _criteria(result: Result) -> list[dict[str, Any]]:
    table = result.weights.table
    return [
        c.model_dump(mode="json")
        | {
            "normalised_weight": float(table["weight"][c.key]),
            "weight_in_group": _number(table["in_group"][c.key]),
            "weight_source": str(table["source"][c.key]),
        }
        for c in result.strategy.criteria
    ]


def _weightings(result: Result) -> list[dict[str, Any]]:
    """Tell what people answered; not to the public, for names may stand there."""
    return [
        {
            "method": one.method,
            "of": one.of,
            "source": one.source,
            "raw": {str(key): float(number) for key, number in one.raw.items()},
            "weights": {str(key): float(share) for key, share in one.weights.items()},
            "facts": {key: _number(fact) for key, fact in one.facts.items()},
            "warnings": list(one.warnings),
        }
        for one in result.weights.weightings
    ]


def _robustness(robustness: Robustness) -> dict[str, Any]:
    return {
        "facts": dict(robustness.facts),
        "most_critical": robustness.critical,
        "weight_intervals": _records(robustness.intervals.rename_axis("key").reset_index()),
        "methods": _records(robustness.methods.reset_index()),
        "central_weights": _records(robustness.central_weights.round(4).reset_index()),
    }


def _scenario(scenario: Scenario) -> dict[str, Any]:
    found = scenario.comparison
    return {
        "name": scenario.name,
        "closed": list(scenario.closed),
        "opened": list(scenario.opened),
        "weights": {str(k): float(v) for k, v in scenario.weights.weight.items()},
        "counts": {key: _number(number) for key, number in found.counts.items()},
        "classes": {
            str(before): {str(after): int(n) for after, n in row.items() if n}
            for before, row in found.classes.iterrows()
            if row.any()
        },
        "criteria": _records(found.criteria.rename_axis("key").reset_index()),
        "entering": found.entering[:_CHANGES_TOLD],
        "leaving": found.leaving[:_CHANGES_TOLD],
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as JSON has them: no NaN, no numpy."""
    return [
        {str(key): _number(value) for key, value in row.items()} for row in table.to_dict("records")
    ]


def _number(value: Any) -> Any:  # noqa: ANN401
    if value is None or value is pd.NA or (isinstance(value, float) and not np.isfinite(value)):
        return None
    plain = value.item() if isinstance(value, np.generic) else value
    return round(plain, 6) if isinstance(plain, float) else plain


def _counts(result: Result) -> dict[str, Any]:
    network = result.reach.network
    walked = result.criteria.index[result.criteria["walk"]]
    return {
        "parcels": len(result.parcels),
        "status": result.parcels["status"].value_counts().to_dict(),
        "class": result.parcels["class"].value_counts().to_dict(),
        "services": {key: int((result.services["category"] == key).sum()) for key in walked},
        "areas": len(result.areas),
        "network_km": round(network.length_m / 1000, 3),
        "network_components": len(network.component_m),
    }


def _not_connected(result: Result) -> dict[str, list[dict[str, Any]]]:
    """List every parcel and service that the network does not touch, with its distance."""
    parcels, services = result.reach.parcels, result.reach.services
    lone, lost = ~parcels.connected, np.flatnonzero(~services.thing_connected)
    limit = f"beyond the limit of {result.strategy.osm.snap_m:g} m to any walkable way"
    named = result.services.iloc[lost]
    return {
        "parcels": [
            {"parcel_id": name, "distance_m": _rounded(distance), "reason": limit}
            for name, distance in zip(
                result.parcels.index[lone], parcels.offset_m[lone], strict=True
            )
        ],
        "services": [
            {str(k): v for k, v in place.items()}
            | {"distance_m": _rounded(distance), "reason": limit}
            for place, distance in zip(
                named[["service_id", "category", "name"]].to_dict("records"),
                services.offset_m[lost],
                strict=True,
            )
        ],
    }


def _detours(result: Result) -> dict[str, Any]:
    detours = result.detours
    columns = ["parcel_id", "category", "walk_m", "straight_m", "detour"]
    shown = detours.head(_DETOURS_TOLD)[columns]
    return {"parcels": len(detours), "worst": shown.round(1).to_dict("records")}


def run_table(result: Result) -> dict[str, str]:
    """Return the facts for the GeoPackage: what does not differ between two equal runs."""
    facts = all_facts(result)
    rows = {"title": facts["title"], "notes": " ".join(facts["notes"])}
    for section in ("study_area", "walker", "score", "results", "versions"):
        rows |= {f"{section}.{k}": _flat(v) for k, v in facts[section].items()}
    rows |= {f"weight.{c['key']}": f"{c['normalised_weight']:.4f}" for c in facts["criteria"]}
    if facts["robustness"] is not None:
        told = facts["robustness"]
        rows["robustness"] = _flat(told["facts"])
        rows["robustness.most_critical"] = str(told["most_critical"] or "")
    for number, told in enumerate(facts["inputs"], start=1):
        rows[f"input.{number}.{told['role']}"] = _flat(
            {k: told[k] for k in ("source", "sha256", "facts")}
        )
    rows["strategy"] = _flat(facts["strategy"])
    rows["warnings"] = " ".join(facts["warnings"])
    return rows | {"attribution": " ".join(ATTRIBUTION)}


def _rounded(value: float) -> float | None:
    return round(float(value), 1) if np.isfinite(value) else None


def _flat(value: Any) -> str:  # noqa: ANN401
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
