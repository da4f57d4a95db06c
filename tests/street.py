"""A town of one straight street whose distances can be counted by hand, in metres.

Everything is told in metres from `CORNER`, in UTM33: the street runs from (0, 125) to (1500, 125),
through the middle of a row of population cells of 250 m.
"""

import geopandas as gpd
import pyproj
import shapely

CRS = 25833
CORNER = 262_000, 6_649_000
STREET_Y, LENGTH_M = 125, 1500
_TO_DEGREES = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True)


def utm(x, y):
    """Return coordinates in UTM33."""
    return CORNER[0] + x, CORNER[1] + y


def box(west, south, east, north):
    """Return a rectangle in UTM33."""
    return shapely.box(*utm(west, south), *utm(east, north))


def write_street(write_osm, places=()):
    """Write the extract; places are ``(x, y, tags)`` and become the nodes n101, n102 …"""

    def degrees(x, y):
        return _TO_DEGREES.transform(*utm(x, y))

    nodes = {1: degrees(0, STREET_Y), 2: degrees(LENGTH_M, STREET_Y)}
    nodes |= {101 + i: (*degrees(x, y), tags) for i, (x, y, tags) in enumerate(places)}
    return write_osm(nodes, {10: ([1, 2], {"highway": "residential"})})


def write_plots(path, plots, **columns):
    """Write parcels of 20 m × 20 m that begin 10 m north of the street; `plots`: id to x."""
    table = gpd.GeoDataFrame(
        {"parcel_id": list(plots), **columns},
        geometry=[box(x, STREET_Y + 10, x + 20, STREET_Y + 30) for x in plots.values()],
        crs=CRS,
    )
    table.to_file(path)
    return path


def write_zones(path, **zones):
    """Write polygons with a column ``navn``."""
    table = gpd.GeoDataFrame({"navn": list(zones)}, geometry=list(zones.values()), crs=CRS)
    table.to_file(path)
    return path


def write_points(path, rows, columns="id;name;x;y"):
    """Write a table of places in UTM33: rows are ``(id, name, x, y, …)``."""
    lines = []
    for identity, name, x, y, *rest in rows:
        lines.append(";".join(map(str, (identity, name, *utm(x, y), *rest))))
    path.write_text("\n".join([columns, *lines]) + "\n", encoding="utf-8")
    return path
