"""A large parcel file: read, identified, validated and repaired, against geopandas alone.

Prints seconds and peak memory of both sides as whole processes, and their ratio.
``python parcels.py [PARCELS]``; 100,000 parcels with 15 attributes are made where none are told.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

N = 100_000


def make(path: Path, n: int) -> None:
    """Write parcels of 24 corners, one in fifty of them self-crossing, with 15 attributes."""
    rng = np.random.default_rng(1)
    side = int(np.ceil(np.sqrt(n)))
    x, y = (a.ravel()[:n] * 60.0 for a in np.meshgrid(np.arange(side), np.arange(side)))
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = rng.uniform(15, 28, (n, 24))
    xy = np.stack([np.cos(turn) * radius, np.sin(turn) * radius], axis=2)
    crossed = rng.random(n) < 0.02
    xy[crossed] = xy[crossed][:, rng.permutation(24)]
    xy += np.stack([500_000 + x, 6_500_000 + y], axis=1)[:, None, :]
    columns = {f"attribute_{i:02d}": rng.integers(0, 1000, n).astype(str) for i in range(12)}
    table = gpd.GeoDataFrame(
        {
            "kommunenummer": "3907",
            "matrikkelnummertekst": [f"{1 + i // 400}/{1 + i % 400}" for i in range(n)],
            "lagretberegnetareal": rng.uniform(500, 2000, n).round(1),
            **columns,
        },
        geometry=shapely.polygons(xy),
        crs=25832,
    )
    table.to_file(path)


def ours(path: Path) -> int:
    import pyproj

    from arealstrategi.sources.parcels import clean_parcels, read_parcels
    from arealstrategi.sources.vector import open_layer

    raw = read_parcels(open_layer(path, None, key="[parcels]"), id_column=None)
    parcels, _ = clean_parcels(raw, pyproj.CRS(25832), None, min_width_m=6)
    return len(parcels)


def theirs(path: Path) -> int:
    table = gpd.read_file(path)
    table["geometry"] = table.make_valid()
    return len(table)


def measured(side: str, path: Path) -> dict[str, float]:
    ended = subprocess.run(
        [sys.executable, __file__, "--side", side, str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, float] = json.loads(ended.stdout)
    return told


def main() -> None:
    if sys.argv[1:2] == ["--side"]:
        begun = time.perf_counter()
        n = {"ours": ours, "geopandas": theirs}[sys.argv[2]](Path(sys.argv[3]))
        seconds = time.perf_counter() - begun
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"parcels": n, "seconds": round(seconds, 2), "peak_mb": round(peak_mb)}))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "teig.gpkg"
        make(path, int(sys.argv[1]) if sys.argv[1:] else N)
        found = {side: measured(side, path) for side in ("ours", "geopandas")}
    for side, told in found.items():
        seconds, peak_mb = told["seconds"], told["peak_mb"]
        print(f"{side:10} {seconds:7.2f} s {peak_mb:6.0f} MB, {told['parcels']} parcels")
    print(f"geopandas / ours: {found['geopandas']['seconds'] / found['ours']['seconds']:.2f}")


if __name__ == "__main__":
    main()
