"""From what was measured to a verdict: values, score, class, rank and reasons, without robustness.

100,000 parcels × 20 criteria of every kind of value function, with deductions, a gate and missing
values. Beside it the plain weighted sum of numpy over values that are there already, the floor.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import measuring
from measuring import Figures

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from arealstrategi.criteria import AnyCriterion

PARCELS, QUICK_PARCELS = 100_000, 2_000
CRITERIA = 20
SECONDS_AT_MOST = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(description="Scoring without robustness.")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side")
    parser.add_argument("--quick", action="store_true", help="our side alone, once, few parcels")
    asked = parser.parse_args()
    measuring.print_machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parcels = QUICK_PARCELS if asked.quick else PARCELS
        measuring.write_job(folder, parcels=parcels)
        title = f"Scoring: {parcels:,} parcels × {CRITERIA} criteria"
        if asked.quick:
            measuring.print_table(title, measuring.run_medians(__file__, "ours", folder, 1))
            return 0
        mine = measuring.run_medians(__file__, "ours", folder, asked.runs)
        plain = measuring.run_medians(__file__, "floor", folder, asked.runs)
        measuring.print_table(title, mine, plain)
        print(f"  wanted: at most {SECONDS_AT_MOST} s")
    return 0


def _tables(
    parcels: int,
) -> tuple[list[AnyCriterion], pd.DataFrame, pd.Series, NDArray[np.float64]]:
    import numpy as np
    import pandas as pd

    from arealstrategi.criteria import NumberCriterion

    rng = np.random.default_rng(1)
    shapes: list[dict[str, Any]] = [
        {"full": 400, "zero": 1000},
        {"function": "piecewise", "curve": [[200, 1], [600, 0.5], [1000, 0]]},
        {"function": "step", "curve": [[400, 1], [800, 0.5]]},
        {"function": "exponential", "full": 400, "zero": 1000, "half": 600},
        {"function": "logistic", "half": 600, "steepness": 0.01},
    ]
    criteria: list[AnyCriterion] = [
        NumberCriterion(
            key=f"c{i}", kind="column", column=f"c{i}", label={}, group=f"g{i % 5}", weight=1 + i,
            **shapes[i % len(shapes)],
        )
        for i in range(CRITERIA)
    ]  # fmt: skip
    index = pd.Index([f"p{i}" for i in range(parcels)], name="parcel_id")
    numbers = rng.uniform(0, 1500, (parcels, CRITERIA))
    numbers[rng.random(numbers.shape) < 0.001] = np.nan
    measured = pd.DataFrame(numbers, index, [c.key for c in criteria])
    weights = pd.Series({c.key: c.weight for c in criteria})
    return criteria, measured, weights / weights.sum(), rng.random(parcels)


def ours(folder: Path) -> Figures:
    """Value, join, judge."""
    from arealstrategi import criteria, scoring  # noqa: F401 - imports are not what is timed

    tables = _tables(measuring.read_job(folder)["parcels"])
    _, figures = measuring.measure(lambda: _score(*tables))
    return figures | {"name": "arealstrategi", "what": "values, score, class, rank, reasons"}


def _score(
    criteria: list[AnyCriterion],
    measured: pd.DataFrame,
    weights: pd.Series,
    chance: NDArray[np.float64],
) -> None:
    import pandas as pd

    from arealstrategi import scoring
    from arealstrategi.criteria import to_values

    index, gate = measured.index, (scoring.Gate(group="g0", min=25),)
    flags = {f"rule {i}": pd.Series(chance < i / 50, index) for i in range(5)}
    groups = pd.Series({c.key: c.group for c in criteria})
    kept, lacks = scoring.complete(to_values(criteria, measured), weights, "reweight")
    below = scoring.below_gates(scoring.group_scores(kept, weights, groups), gate)
    verdict = scoring.judge(
        scoring.aggregate(kept, weights),
        reasons=scoring.join_reasons(flags | below, index),
        excluded=flags["rule 1"],
        missing=lacks,
        deduction=10.0 * flags["rule 2"],
    )
    scoring.cap_classes(verdict["class"], below, gate)


def floor(folder: Path) -> Figures:
    """Add up values that are there already, and sort."""
    import numpy as np

    from arealstrategi.criteria import to_values

    criteria, measured, weights, _ = _tables(measuring.read_job(folder)["parcels"])
    values, w = to_values(criteria, measured).to_numpy(), weights.to_numpy()
    _, figures = measuring.measure(lambda: np.argsort(-(values @ w)))
    return figures | {"name": "numpy", "what": "weighted sum and order alone"}


if __name__ == "__main__":
    raise SystemExit(measuring.entry(main, {"ours": ours, "floor": floor}))
