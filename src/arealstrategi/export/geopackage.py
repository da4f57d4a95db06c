"""The GeoPackage that a planner opens in QGIS."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

_GEOMETRY = "geom"
_LONGEST = 250
_VERSION = "1.2"  # what the GDAL of long supported versions of QGIS knows without a warning
_STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),
  f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
  styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
  owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
)"""
_UNCHANGED = "2000-01-01T00:00:00.000Z"  # equal runs give equal tables
_PROJECTS = "CREATE TABLE qgis_projects (name TEXT PRIMARY KEY, metadata BLOB, content BLOB)"
_COLUMNS = """
CREATE TABLE IF NOT EXISTS gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT,
  mime_type TEXT, constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name)
)"""
_EXTENSION = "INSERT INTO gpkg_extensions VALUES ('gpkg_data_columns', NULL, ?, ?, 'read-write')"
_SCHEMA = ("gpkg_schema", "http://www.geopackage.org/spec121/#extension_schema")


class Told(NamedTuple):
    """What people read of a layer or a table.

    Parameters
    ----------
    title
        What it is called.
    description
        What it holds.
    aliases
        Column to what people see instead.
    styles
        Name to QML, the one that QGIS opens it with first.
    """

    title: str
    description: str = ""
    aliases: Mapping[str, str] = {}
    styles: Mapping[str, str] = {}


def write_geopackage(
    path: Path,
    layers: Mapping[str, gpd.GeoDataFrame],
    tables: Mapping[str, pd.DataFrame],
    *,
    told: Mapping[str, Told],
    about: Mapping[str, str],
    project: tuple[str, bytes] | None = None,
) -> None:
    """Write layers and tables into one file that opens styled in QGIS.

    Parameters
    ----------
    path
        The new file.
    layers
        Layer name to table in the analysis CRS, the uppermost first; polygons are written as
        multipolygons.
    tables
        Name to table without geometry.
    told
        Layer or table to what people read of it.
    about
        What the file is, in the metadata of the file: title, attribution, date of the run.
    project
        Name and content of a QGIS project that opens the layers; None: none.
    """
    titles = _unlike({name: _of(told, name).title for name in (*layers, *tables)})
    for name, table in layers.items():
        _write(path, name, _one_kind(table), _of(told, name), titles[name], about)
    for name, plain in tables.items():
        named = plain if plain.index.name is None else plain.reset_index()
        _write(path, name, named, _of(told, name), titles[name], about)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN")
        _add_styles(database, told, layers, tables)
        _add_aliases(database, {name: _of(told, name).aliases for name in (*layers, *tables)})
        if project is not None:
            _add_project(database, *project)
        database.execute("COMMIT")


def _of(told: Mapping[str, Told], name: str) -> Told:
    return told.get(name, Told(name))


def _write(
    path: Path,
    name: str,
    table: pd.DataFrame,
    told: Told,
    title: str,
    about: Mapping[str, str],
) -> None:
    """Write one layer or table; the first of a file brings the file's own metadata."""
    kind = _geometry_type(table) if isinstance(table, gpd.GeoDataFrame) else None
    described = {"TITLE": title, "ABSTRACT": clean(told.description)}
    pyogrio.write_dataframe(
        _clean_table(table),
        path,
        layer=name,
        driver="GPKG",
        append=path.exists(),
        geometry_type=kind,
        layer_options={"DESCRIPTION": clean(told.description), "IDENTIFIER": title}
        | ({} if kind is None else {"GEOMETRY_NAME": _GEOMETRY}),
        layer_metadata={key: value for key, value in described.items() if value},
        dataset_options={"VERSION": _VERSION},
        dataset_metadata=None
        if path.exists()
        else {key: clean(value) for key, value in about.items()},
    )


def clean(text: str) -> str:
    """Return a text without half surrogates, which no encoding holds, nor NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _clean_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of which every text can be written; most are as they are."""
    bad = [str(name) for name in table if not _can_be_written(table[name])]
    return table.assign(**{name: table[name].map(clean, na_action="ignore") for name in bad})


def _can_be_written(column: pd.Series) -> bool:
    if not pd.api.types.is_string_dtype(column):
        return True
    try:
        joined = "".join(column.dropna().unique().tolist())
        joined.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in joined


def _unlike(titles: Mapping[str, str]) -> dict[str, str]:
    """Return titles of which no two are the same, as the format asks."""
    found: dict[str, str] = {}
    for name, title in titles.items():
        short = clean(title)[:_LONGEST]
        found[name] = short if short not in found.values() else f"{short} ({name})"
    return found


def _add_styles(
    database: sqlite3.Connection,
    told: Mapping[str, Told],
    layers: Iterable[str],
    tables: Iterable[str],
) -> None:
    """Add QGIS' table of styles; QGIS finds it by its columns, and GDAL by its entry."""
    database.execute(_STYLES)
    columns = dict.fromkeys(layers, _GEOMETRY) | dict.fromkeys(tables, "")
    rows = (
        (
            name,
            column,
            clean(style)[:_LONGEST],
            qml,
            number == 0,
            clean(_of(told, name).title),
            _UNCHANGED,
        )
        for name, column in columns.items()
        for number, (style, qml) in enumerate(_of(told, name).styles.items())
    )
    database.executemany(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name,"
        " f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner,"
        " update_time) VALUES ('', '', ?, ?, ?, ?, '', ?, ?, '', ?)",
        rows,
    )
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier)"
        " VALUES ('layer_styles', 'attributes', 'layer_styles')"
    )


def _add_project(database: sqlite3.Connection, name: str, content: bytes) -> None:
    """Add QGIS' table of projects; QGIS keeps the content as hexadecimal text."""
    database.execute(_PROJECTS)
    facts = json.dumps({"last_modified_time": "", "last_modified_user": ""})
    told = (clean(name)[:_LONGEST], facts, content.hex())
    database.execute("INSERT INTO qgis_projects VALUES (?, ?, ?)", told)


def _add_aliases(database: sqlite3.Connection, aliases: Mapping[str, Mapping[str, str]]) -> None:
    """Add the standard's own table of what columns are called."""
    database.execute(_COLUMNS)
    database.executemany(
        "INSERT OR REPLACE INTO gpkg_data_columns (table_name, column_name, name, title)"
        " VALUES (?, ?, ?, ?)",
        _data_columns(aliases),
    )
    there = "SELECT 1 FROM gpkg_extensions WHERE table_name = 'gpkg_data_columns'"
    if database.execute(there).fetchone() is None:
        database.execute(_EXTENSION, _SCHEMA)


def _data_columns(aliases: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str, str]]:
    for table, columns in aliases.items():
        names = _unlike(columns)
        for column, alias in columns.items():
            yield table, column, names[column], clean(alias)[:_LONGEST]


def _one_kind(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make every polygon a multipolygon, and the index a column."""
    shapes = table.geometry.to_numpy().copy()
    single = shapely.get_type_id(shapes) == 3  # noqa: PLR2004
    shapes[single] = shapely.multipolygons(shapes[single, None])
    named = table.set_geometry(gpd.GeoSeries(shapes, index=table.index, crs=table.crs))
    return named if table.index.name is None else named.reset_index()


def _geometry_type(table: gpd.GeoDataFrame) -> str:
    kinds = set(table.geom_type.dropna())
    if kinds <= {"Polygon", "MultiPolygon"}:
        return "MultiPolygon"
    return kinds.pop() if len(kinds) == 1 else "Unknown"
