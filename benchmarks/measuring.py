"""Run one job on two sides, each in a fresh process, and set their figures side by side.

A script hands its sides to `entry`. The parent writes what is asked into ``job.json`` of a
temporary folder and starts itself again with ``--side NAME FOLDER``; that process does the job and
writes its figures beside it as JSON. The parent imports the standard library alone: Linux lets a
child's peak memory begin at its parent's.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

Result = TypeVar("Result")
Figures = dict[str, Any]

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ("seconds", "cpu_s", "peak_mb", "start_mb")


def entry(main: Callable[[], int], sides: Mapping[str, Callable[[Path], Figures]]) -> int:
    """Do one side's job if asked to, else run `main`; return the exit code."""
    if sys.argv[1:2] != ["--side"]:
        return main()
    side, folder = sys.argv[2], Path(sys.argv[3])
    # a file, because pandana's own messages get mixed into what is printed
    (folder / f"{side}.json").write_text(json.dumps(sides[side](folder)), encoding="utf-8")
    return 0


def stop(sentence: str, code: int = 2) -> NoReturn:
    """Say why there is nothing to measure, and leave."""
    print(sentence, file=sys.stderr)
    sys.exit(code)


def data_folder() -> Path:
    """Return the folder with the shared test data, or say that it is absent and leave."""
    folder = Path(os.environ.get("AREALSTRATEGI_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "lauf").is_dir():
        stop(
            f"{folder} does not hold the shared test data: set AREALSTRATEGI_DATA to their folder, "
            "or name the files on the command line."
        )
    return folder


def measure(job: Callable[[], Result]) -> tuple[Result, Figures]:
    """Do a job; return its result, and seconds and the process's peak memory before and after."""
    start_mb = _peak_mb()
    begun, cpu = time.perf_counter(), time.process_time()
    result = job()
    seconds, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    return result, {
        "seconds": seconds,
        "cpu_s": cpu_s,
        "peak_mb": _peak_mb(),
        "start_mb": start_mb,
    }


def run_side(script: str, side: str, folder: Path, *, python: str = sys.executable) -> Figures:
    """Do one side's job in a fresh process and return its figures; leave where it fails."""
    command = [python, script, "--side", side, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        stop(f"{Path(script).name}: the side '{side}' failed\n{done.stderr[-2000:]}", code=1)
    figures: Figures = json.loads((folder / f"{side}.json").read_text(encoding="utf-8"))
    return figures


def run_medians(
    script: str, side: str, folder: Path, runs: int, *, python: str = sys.executable
) -> Figures:
    """Do one side's job several times; return the facts of the last run with median figures."""
    each = [run_side(script, side, folder, python=python) for _ in range(runs)]
    if "stopped" in each[-1]:
        return each[-1]
    medians = {name: statistics.median(one[name] for one in each) for name in COLUMNS}
    return each[-1] | medians | {"runs": runs}


def print_machine() -> None:
    """Say what the figures were measured on."""
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f} at the "
        "start. Seconds are without imports; peak is the whole process, start is it after "
        "imports and input."
    )


def print_table(title: str, ours: Figures, *peers: Figures, wanted: float | None = None) -> None:
    """Print the figures of all sides and how many times faster ours is than each peer."""
    print(f"\n{title}")
    print(f"  {'':20}{'runs':>5}{'seconds':>10}{'CPU s':>9}{'peak MB':>9}{'start MB':>10}  what")
    for side in (ours, *peers):
        print(f"  {side['name']:20}{_row(side)}")
    for peer in peers:
        if "stopped" in peer:
            continue
        ratio = peer["seconds"] / ours["seconds"]
        judged = ""
        if wanted is not None:
            judged = f" (wanted: {wanted:g} or more, {'met' if ratio >= wanted else 'NOT met'})"
        print(
            f"  {peer['name']} / {ours['name']}: {ratio:.1f} times the seconds{judged}, "
            f"{peer['peak_mb'] / ours['peak_mb']:.1f} times the peak memory"
        )
    sys.stdout.flush()


def _row(side: Figures) -> str:
    if "stopped" in side:
        return f"stopped: {side['stopped']}"
    return (
        f"{side['runs']:>5}{side['seconds']:>10.3f}{side['cpu_s']:>9.3f}"
        f"{side['peak_mb']:>9.0f}{side['start_mb']:>10.0f}  {side['what']}"
    )


def write_job(folder: Path, **job: str | float | None) -> None:
    """Write down what the sides are to do."""
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")


def read_job(folder: Path) -> dict[str, Any]:
    """Read what is to be done."""
    job: dict[str, Any] = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    return job


def _peak_mb() -> float:
    per_mb = 2**20 if sys.platform == "darwin" else 2**10  # macOS tells bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mb
