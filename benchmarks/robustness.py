"""How sure the ranks are: arealstrategi beside the obvious way with numpy and scipy.

Both get the same values (20,000 parcels × 15 criteria) and the same two times 1,000 sets of
weights, around a base and without information, and tell for every parcel how often it is in the top
20 and its band of ranks. The obvious way scores all draws with one matrix product, ranks them with
``scipy.stats.rankdata`` and takes ``numpy.quantile`` of the whole table; it holds parcels × draws
several times over. Ours is also measured with 200 sets of distances, with all that a run does, and
with 100,000 parcels, where its memory counts.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import measuring
from measuring import Figures

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from arealstrategi.robustness import Near

PARCELS = 20_000
MANY_PARCELS = 100_000
QUICK_PARCELS = 500
CRITERIA = 15
DRAWS = 1_000
QUICK_DRAWS = 100
TOP = 20
SERVICES = 500
COUNTED = (1, 3, 1, 2, 2, 1, 2, 5, 1, 1, 1, 1, 1, 2, 1)  # services that count, by criterion
FARTHER = 2  # stored besides

SECONDS_AT_MOST = 3.0
EXTRA_MB_AT_MOST = 400.0


def main() -> int:
    parser = argparse.ArgumentParser(description="Robustness of ranks: arealstrategi and numpy.")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side")
    parser.add_argument(
        "--quick", action="store_true", help=f"our side alone, once, {QUICK_PARCELS} parcels"
    )
    asked = parser.parse_args()
    measuring.print_machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.quick:
            measuring.write_job(folder, parcels=QUICK_PARCELS, draws=QUICK_DRAWS)
            mine = measuring.run_medians(__file__, "ours", folder, 1)
            measuring.print_table(_title(QUICK_PARCELS, QUICK_DRAWS), mine)
            return 0
        measuring.write_job(folder, parcels=PARCELS, draws=DRAWS)
        _compare(folder, asked.runs)
        measuring.write_job(folder, parcels=MANY_PARCELS, draws=DRAWS)
        _print_memory(measuring.run_medians(__file__, "once", folder, 1))
    return 0


def ours(folder: Path) -> Figures:
    """Vary the weights around the base and without information."""
    return _both_ways(folder, "arealstrategi", _our_shares_and_bands)


def obvious(folder: Path) -> Figures:
    """Do the same with the whole table of ranks."""
    return _both_ways(folder, "numpy and scipy", _obvious_shares_and_bands)


def once(folder: Path) -> Figures:
    """Vary the weights around the base."""
    from arealstrategi.robustness import rank_acceptability

    values, around, _ = _given(folder)
    _, figures = measuring.measure(lambda: rank_acceptability(values, around, top=TOP))
    return figures | {"name": f"{len(values)} parcels", "what": f"{len(around)} sets of weights"}


def distances(folder: Path) -> Figures:
    """Vary the distances."""
    import numpy as np

    from arealstrategi.robustness import RobustnessOptions, vary_distances

    values, options = _given(folder)[0], RobustnessOptions()
    near, weights, rng = _near(len(values)), _base(), np.random.default_rng(1)
    _, figures = measuring.measure(
        lambda: vary_distances(values, near, weights, rng, options=options)
    )
    return figures | {"name": "distances", "what": f"{options.distance_draws} sets of distances"}


def whole(folder: Path) -> Figures:
    """Do all that a run does."""
    from arealstrategi.robustness import RobustnessOptions, vary

    values, near, weights = _given(folder)[0], _near(PARCELS), _base()
    _, figures = measuring.measure(lambda: vary(values, weights, near, None, RobustnessOptions()))
    return figures | {"name": "all", "what": "weights, distances, both, intervals, methods"}


def compare_answers(folder: Path) -> Figures:
    """Say how many shares and bands differ."""
    import numpy as np

    mine, other = (np.load(folder / f"{side}.npy") for side in ("arealstrategi", "numpy and scipy"))
    return {"answers": mine.size, "differ": int((mine != other).sum())}


def _both_ways(
    folder: Path, name: str, job: Callable[[pd.DataFrame, NDArray[Any]], NDArray[Any]]
) -> Figures:
    import numpy as np

    values, *drawn = _given(folder)
    found, figures = measuring.measure(lambda: [job(values, each) for each in drawn])
    np.save(folder / f"{name}.npy", np.array(found))
    return figures | {"name": name, "what": f"2 × {len(drawn[0])} sets of weights"}


def _our_shares_and_bands(values: pd.DataFrame, drawn: NDArray[Any]) -> NDArray[Any]:
    from arealstrategi.robustness import rank_acceptability

    found = rank_acceptability(values, drawn, top=TOP).parcels
    return found[["top_share", "rank_p05", "rank_p95"]].to_numpy(dtype=float).T


def _obvious_shares_and_bands(values: pd.DataFrame, drawn: NDArray[Any]) -> NDArray[Any]:
    import numpy as np
    from scipy.stats import rankdata

    scores = np.round(100 * (drawn @ values.to_numpy().T), 9)
    rank = rankdata(-scores, method="min", axis=1)
    bands = np.quantile(rank, [0.05, 0.95], axis=0, method="inverted_cdf")
    return np.vstack([(rank <= TOP).mean(axis=0), bands])


def _base() -> pd.Series:
    import numpy as np
    import pandas as pd

    share = np.random.default_rng(2).dirichlet(np.full(CRITERIA, 3.0))
    return pd.Series(share, index=[f"criterion_{number}" for number in range(CRITERIA)])


def _given(folder: Path) -> tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.float64]]:
    """Return values, and the weights of both ways."""
    import numpy as np
    import pandas as pd

    from arealstrategi.robustness import sample_weights

    job, rng, base = measuring.read_job(folder), np.random.default_rng(1), _base()
    parcels = pd.RangeIndex(job["parcels"]).astype(str)
    values = pd.DataFrame(rng.random((len(parcels), CRITERIA)), parcels, base.index)
    around = sample_weights(base, job["draws"], rng, kappa=30.0)
    return values, around, sample_weights(base, job["draws"], rng)


def _near(parcels: int) -> dict[str, Near]:
    import numpy as np

    from arealstrategi.robustness import Near

    rng = np.random.default_rng(3)

    def value_of(effort_m: NDArray[np.float64]) -> NDArray[np.float64]:
        value: NDArray[np.float64] = np.clip((1000.0 - effort_m) / 600.0, 0.0, 1.0).mean(axis=1)
        return value

    found = {}
    for key, k in zip(_base().index, COUNTED, strict=True):
        effort_m = np.sort(rng.uniform(0.0, 1500.0, (parcels, k + FARTHER)), axis=1)
        service = rng.integers(0, SERVICES, effort_m.shape)
        found[key] = Near(effort_m, service, SERVICES, value_of, k)
    return found


def _title(parcels: int, draws: int) -> str:
    return f"Ranks of {parcels} parcels × {CRITERIA} criteria, {draws} sets of weights two ways"


def _compare(folder: Path, runs: int) -> None:
    mine, other, apart, everything = (
        measuring.run_medians(__file__, side, folder, runs)
        for side in ("ours", "obvious", "distances", "whole")
    )
    measuring.print_table(_title(PARCELS, DRAWS), mine, other)
    met = "met" if mine["seconds"] <= SECONDS_AT_MOST else "NOT met"
    print(f"  arealstrategi: {mine['seconds']:.2f} s (wanted: {SECONDS_AT_MOST:g} or less, {met})")
    answers = measuring.run_side(__file__, "answers", folder)
    print(f"  {answers['differ']} of {answers['answers']} shares and ranks differ")
    for side in (apart, everything):
        print(
            f"  {side['name']} ({side['what']}): {side['seconds']:.2f} s, "
            f"{side['cpu_s']:.2f} CPU s, {side['peak_mb'] - side['start_mb']:.0f} MB extra"
        )


def _print_memory(many: Figures) -> None:
    extra_mb = many["peak_mb"] - many["start_mb"]
    measuring.print_table("Many parcels", many)
    met = "met" if extra_mb <= EXTRA_MB_AT_MOST else "NOT met"
    print(f"  {extra_mb:.0f} MB extra (wanted: {EXTRA_MB_AT_MOST:g} or less, {met})")


if __name__ == "__main__":
    sides = {
        "ours": ours,
        "obvious": obvious,
        "once": once,
        "distances": distances,
        "whole": whole,
        "answers": compare_answers,
    }
    raise SystemExit(measuring.entry(main, sides))
