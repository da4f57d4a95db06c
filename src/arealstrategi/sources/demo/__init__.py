"""The demo municipality Fjordvik: invented, made by code, written as the files a planner has.

An OpenStreetMap extract, a cadastral map with municipal land, and an elevation model; they are
read by the same readers as any other input.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.transform import Affine

from arealstrategi.errors import OutputError
from arealstrategi.sources.demo import lots as plots
from arealstrategi.sources.demo import osm, place, relief, town
from arealstrategi.sources.demo.division import Geometries, Ints

logger = logging.getLogger(__name__)

NOTICE: dict[str, str] = {
    "nb": "Oppdiktet kommune. Alt på kartet er laget av kode og finnes ikke i virkeligheten.",
    "en": "Invented municipality. Everything on the map is made by code and does not exist.",
}

DISPUTED = (700, 2200)  # rows of parcels with a border dispute
FILES = (
    "demo.osm.pbf",
    "teig.gpkg",
    "kommunal_grunn.csv",
    "arealplan.gpkg",
    "dtm10.tif",
    "tomter.csv",
    "strategy.toml",
)
# What the land-use plan says of land that is not for building: code and name of the purpose.
PURPOSES = {
    "park": (3040, "Friområde"),
    "quay": (3040, "Friområde"),
    "verge": (3020, "Naturområde"),
    "islet": (3020, "Naturområde"),
    "wood": (3020, "Naturområde"),
    "farm": (5100, "LNFR"),
    "forest": (5100, "LNFR"),
}

STRATEGY = f"""\
# {NOTICE["nb"]}
# {NOTICE["en"]}

title = "Demo: Fjordvik (oppdiktet kommune)"
language = "nb"

[area]
boundary = "osm:Fjordvik"             # kommunegrensen i OpenStreetMap-utdraget
crs = "EPSG:25832"                    # EUREF89 UTM sone 32

[parcels]
source = "teig.gpkg"                  # eiendomskart med samme kolonner som Matrikkelen
layer = "teig"
municipal_land = "kommunal_grunn.csv" # matrikkelnumre som kommunen eier

[osm]
source = "demo.osm.pbf"               # veier, stier, steder og bygninger

[terrain]
elevation = ["dtm10.tif"]             # høydemodell, 10 m ruter

[walker]
profile = "senior"                    # adult | senior | rollator | wheelchair

[[constraint]]
name = "Grønnstruktur i arealplanen"
source = "arealplan.gpkg"
where = "arealformal IN (3020, 3040)" # naturområde, friområde
effect = "exclude"

[[constraint]]
name = "LNFR i arealplanen"
source = "arealplan.gpkg"
where = "arealformal = 5100"          # landbruk, natur, friluftsliv, reindrift
effect = "exclude"

[sites]
source = "tomter.csv"                 # tre kommunale tomter som settes side om side

[[scenario]]
name = "Biblioteket legges ned"
close = ["library"]

[output]
dir = "."                             # resultatene legges her
"""


def write_demo(folder: Path) -> Path:
    """Write the inputs of the demo municipality and return the path of its strategy file.

    Always the same files: an extract, parcels, a list of municipal land, a land-use plan, an
    elevation model, a list of given sites and the strategy. All are in EPSG:25832 but the extract,
    which is in WGS 84.

    Raises
    ------
    OutputError
        The folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".demo-") as beside:
            written = _write_all(Path(beside))
            for file in written:
                file.replace(folder / file.name)
    except OSError as error:
        raise OutputError(
            f"The demo municipality could not be written to {folder}: {error}",
            hint="Choose a folder that you may write to.",
        ) from error
    return folder / written[-1].name


def _write_all(folder: Path) -> list[Path]:
    rng = np.random.default_rng(town.SEED)
    ground = town.lay_ground()
    streets, faces = town.lay_streets(ground, rng)
    half_width = np.array([town.HALF_WIDTH.get(kind, 0.0) for kind in streets.kind])
    wide = half_width > 0
    blocks = plots.find_blocks(ground, streets.lines[wide], half_width[wide])
    lots = plots.cut_lots(blocks, faces, rng)
    numbers = plots.number_lots(lots, rng)
    municipal = plots.owned_by_municipality(lots, rng)
    buildings, lot_of = plots.put_buildings(lots, rng)
    features = _collect(ground, streets, lots, buildings, lot_of)
    logger.debug("demo: %d parcels, %d buildings", len(lots.polygons), len(buildings))
    files = [folder / name for name in FILES]
    osm.write_pbf(features, files[0], generator=f"arealstrategi demo. {NOTICE['en']}")
    _write_parcels(lots, numbers, files[1])
    _write_owners(numbers[municipal], files[2])
    _write_plan(lots, files[3])
    _write_heights(ground, files[4])
    _write_sites(lots, numbers, municipal, files[5])
    files[6].write_text(STRATEGY, encoding="utf-8", newline="\n")
    return files


def _collect(
    ground: town.Ground,
    streets: town.Streets,
    lots: plots.Lots,
    buildings: Geometries,
    lot_of: Ints,
) -> osm.Features:
    features = osm.Features()
    osm.add_ground(features, ground, NOTICE["nb"])
    osm.add_streets(features, streets)
    osm.add_green(features, lots)
    osm.add_buildings(features, buildings, plots.uses(lots)[lot_of], lots.site[lot_of])
    osm.add_addresses(features, buildings, streets)
    osm.add_places(features)
    osm.add_stops(features, streets.of("primary", "secondary", "tertiary"))
    walks = streets.lines[np.isin(streets.name, ["Torggata", "Havnepromenaden"])]
    osm.add_benches(features, walks, every_m=60.0)
    osm.add_benches(features, streets.of("park_walk"), every_m=75.0)
    return features


def _write_parcels(lots: plots.Lots, numbers: pd.DataFrame, path: Path) -> None:
    """Write the cadastral map, with one border that crosses itself as real ones do."""
    leased = np.where(numbers["fnr"] > 0, "/" + numbers["fnr"].astype(str), "")
    text: pd.Series[str] = numbers["gnr"].astype(str) + "/" + numbers["bnr"].astype(str) + leased
    parcels = gpd.GeoDataFrame(
        {
            "teigid": 990_000_001 + np.arange(len(text)),
            "kommunenummer": place.NUMBER,
            "kommunenavn": place.NAME,
            "matrikkelnummertekst": text,
            "lagretberegnetareal": np.round(shapely.area(lots.polygons), 1),
            "tvist": np.isin(np.arange(len(text)), DISPUTED),
            "teigmedflerematrikkelenheter": False,
            "uregistrertjordsameie": False,
        },
        geometry=town.on_map(plots.with_crossed_border(lots.polygons)),
        crs=place.CRS,
    )
    _write_layer(parcels, path, "teig", "Polygon")


def _write_plan(lots: plots.Lots, path: Path) -> None:
    """Write the part of the land-use plan that keeps land from being built on."""
    use = plots.uses(lots)
    kept = np.isin(use, list(PURPOSES))
    zones = gpd.GeoDataFrame(
        {
            "arealformal": [PURPOSES[one][0] for one in use[kept]],
            "formalnavn": [PURPOSES[one][1] for one in use[kept]],
        },
        geometry=town.on_map(lots.polygons[kept]),
        crs=place.CRS,
    ).dissolve("arealformal", as_index=False)
    _write_layer(zones, path, "arealformal", "MultiPolygon")


def _write_layer(table: gpd.GeoDataFrame, path: Path, layer: str, kind: str) -> None:
    pyogrio.write_dataframe(
        table, path, layer=layer, driver="GPKG", geometry_type=kind,
        promote_to_multi=kind == "MultiPolygon",
        DESCRIPTION=f"{NOTICE['nb']} {NOTICE['en']}",
    )  # fmt: skip
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE gpkg_contents SET last_change = '2000-01-01T00:00:00.000Z'")


def _write_owners(numbers: pd.DataFrame, path: Path) -> None:
    owners = numbers.drop_duplicates().sort_values(["gnr", "bnr", "fnr"])
    owners.insert(0, "kommunenr", place.NUMBER)
    owners["eierforhold"] = np.where(np.arange(len(owners)) % 40, "H", "F")
    owners.to_csv(path, sep=";", index=False, encoding="utf-8-sig", lineterminator="\r\n")


def _write_sites(
    lots: plots.Lots, numbers: pd.DataFrame, municipal: NDArray[np.bool_], path: Path
) -> None:
    """List the three largest plots that the municipality owns and the plan leaves for building."""
    free = np.flatnonzero(municipal & ~np.isin(plots.uses(lots), list(PURPOSES)))
    largest = free[np.argsort(-shapely.area(lots.polygons[free]), kind="stable")][:3]
    named = numbers.iloc[largest]
    leased = np.where(named["fnr"] > 0, "/" + named["fnr"].astype(str), "")
    text: pd.Series[str] = (
        f"{place.NUMBER}-" + named["gnr"].astype(str) + "/" + named["bnr"].astype(str) + leased
    )
    listed = pd.DataFrame({"eiendom": text})
    listed.to_csv(path, sep=";", index=False, encoding="utf-8-sig", lineterminator="\r\n")


def _write_heights(ground: town.Ground, path: Path) -> None:
    heights = relief.heights(ground)
    east, north = place.ORIGIN
    cell = relief.CELL_M
    transform = Affine(cell, 0.0, east + relief.WEST, 0.0, -cell, north + relief.NORTH)
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=1, height=heights.shape[0],
        width=heights.shape[1], crs=place.CRS, transform=transform, nodata=relief.NODATA,
        compress="deflate", predictor=3, tiled=True,
    ) as raster:  # fmt: skip
        raster.write(heights, 1)
        raster.update_tags(TIFFTAG_IMAGEDESCRIPTION=f"{NOTICE['nb']} {NOTICE['en']}")
