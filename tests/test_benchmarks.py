import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def _run(script, *options, data):
    return subprocess.run(
        [sys.executable, BENCHMARKS / script, *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "AREALSTRATEGI_DATA": str(data)},
    )


def _figures(printed):
    """Runs, seconds, CPU seconds, peak MB and start MB of our side's row."""
    row = re.search(
        r"^  arealstrategi +(\d+) +([\d.]+) +([\d.]+) +(\d+) +(\d+)  \S", printed, re.MULTILINE
    )
    assert row, printed
    return [float(figure) for figure in row.groups()]


@pytest.mark.shared
@pytest.mark.parametrize(
    "script", ["reading.py", "reach.py", "search.py", "lengths.py", "parcels.py"]
)
def test_a_quick_run_prints_our_seconds_and_peak_memory(script, shared_data):
    done = _run(script, "--quick", data=shared_data)
    assert done.returncode == 0, done.stderr
    runs, seconds, _, peak_mb, start_mb = _figures(done.stdout)
    assert runs == 1
    assert 0 < seconds < 60
    assert 0 < start_mb <= peak_mb < 4000


@pytest.mark.parametrize("script", ["robustness.py", "buildable.py", "scoring.py"])
def test_a_quick_run_on_generated_parcels_prints_our_seconds(script, tmp_path):
    done = _run(script, "--quick", data=tmp_path)
    assert done.returncode == 0, done.stderr
    runs, seconds, *_ = _figures(done.stdout)
    assert runs == 1
    assert 0 < seconds < 60


@pytest.mark.browser
def test_a_small_map_is_written_opened_and_measured(tmp_path, browser):
    assert browser  # skips where there is none
    done = _run("map.py", "--quick", data=tmp_path)
    assert done.returncode == 0, done.stderr
    told = dict(re.findall(r"^  (\S.*?), (?:MB|s|ms) +([\d.,]+)$", done.stdout, re.MULTILINE))
    assert 0.1 < float(told["file"]) < 4
    for name in ("written", "first parcels", "slider to the next frame", "all scores anew"):
        assert 0 < float(told[name].replace(",", "")) < 60_000


@pytest.mark.parametrize("script", ["reading.py", "reach.py", "lengths.py", "profiles.py"])
def test_without_the_shared_data_it_says_what_to_set_and_exits_2(script, tmp_path):
    done = _run(script, "--quick", data=tmp_path)
    assert done.returncode == 2
    assert "AREALSTRATEGI_DATA" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.shared
def test_without_pandana_it_says_how_to_install_it_and_exits_2(shared_data):
    done = _run("reach.py", "--peer-python", "false", data=shared_data)
    assert done.returncode == 2
    assert "pip install -r benchmarks/peers.txt" in done.stderr


@pytest.mark.shared
def test_the_tables_of_porto_alegre_in_the_documentation_are_what_the_script_prints(shared_data):
    done = _run("profiles.py", data=shared_data)
    assert done.returncode == 0, done.stderr
    page = (BENCHMARKS.parent / "docs/walkers.md").read_text(encoding="utf-8")
    printed = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(printed) > 12
    assert [line for line in printed if line not in page] == []
