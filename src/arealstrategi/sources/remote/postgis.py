"""PostGIS: the rows of a table whose geometry meets the area, in one read-only transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import psycopg
import pyproj
import shapely
from psycopg import sql
from psycopg.rows import TupleRow
from pyproj.exceptions import CRSError

from arealstrategi.errors import InputError
from arealstrategi.sources.remote.kept import Bounds, Served, Window
from arealstrategi.sources.remote.service import HINT, POSTGIS, Service, choose, refused
from arealstrategi.sources.web import UnansweredError, ask

log = logging.getLogger(__name__)

CONNECT_S = 20
STATEMENT_S = 300
BATCH = 5000

_Connection = psycopg.Connection[TupleRow]

# Type of a column, to how it is asked for and what it becomes; all else becomes text.
_KINDS = {
    "smallint": ("{}", "Int64"),
    "integer": ("{}", "Int64"),
    "bigint": ("{}", "Int64"),
    "real": ("{}::float8", "Float64"),
    "double precision": ("{}", "Float64"),
    "numeric": ("{}::float8", "Float64"),
    "boolean": ("{}", "boolean"),
    "date": ("{}::text", "date"),
    "timestamp without time zone": ("{}::text", "date"),
    "timestamp with time zone": ("({} AT TIME ZONE 'UTC')::text", "date"),
}
_TEXT = ("{}::text", "string")
_ARRAY = ("array_to_string({}, ', ')", "string")
_LEFT_OUT = {"geometry", "geography", "raster", "bytea"}
_CADASTRE = (
    "kommunenummer", "gardsnummer", "bruksnummer", "festenummer", "seksjonsnummer",
)  # fmt: skip
_SURFACES = {"POLYGON", "MULTIPOLYGON", "CURVEPOLYGON", "MULTISURFACE"}
_ANY = {"GEOMETRY", "GEOMETRYCOLLECTION"}
_POINTS = {"POINT", "MULTIPOINT"}


@dataclass(frozen=True)
class Table:
    """A table with a geometry.

    Parameters
    ----------
    schema, name, geometry
        Where it is, and its column with the geometry.
    srid
        Number of the CRS in this database; 0 where only the rows know.
    kind
        Type of the geometry.
    """

    schema: str
    name: str
    geometry: str
    srid: int
    kind: str

    @property
    def identifier(self) -> sql.Identifier:
        """The name of the table, quoted."""
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True)
class Column:
    """A column as it is asked for.

    Parameters
    ----------
    name
        Its name.
    asked
        The SQL for it.
    becomes
        The pandas type, or ``date``.
    """

    name: str
    asked: sql.Composed
    becomes: str


def read_layer(service: Service, layer: str | None, window: Window, room: Path) -> Served:  # noqa: ARG001
    """Read the rows of a table that meet the window; the rest as in `fetch_layer`."""
    try:
        with _connect(service) as connection:
            return _read(connection, service, layer, window)
    except psycopg.errors.QueryCanceled:
        what = f"did not finish within {STATEMENT_S} s"
        raise refused(
            service, what, "Give the geometry an index, or ask your database people."
        ) from None
    except psycopg.Error as error:
        raise refused(service, _said(error)) from None


def _connect(service: Service) -> _Connection:
    own = {name: value for name, value in service.own.items() if name != "schema"}
    settings = {"connect_timeout": str(CONNECT_S), "application_name": "arealstrategi"} | own

    def connect() -> _Connection:
        try:
            return psycopg.connect(**settings)  # type: ignore[arg-type]
        except psycopg.Error as error:
            said = _said(error)
            passing = "starting up" in said or "too many" in said or "FATAL" not in said
            final = not (passing and isinstance(error, psycopg.OperationalError))
            raise UnansweredError(said, final=final) from None

    return ask(service.told, connect, hint=HINT, hidden=service.hidden)


def _said(error: psycopg.Error) -> str:
    return " ".join(str(error).split())[:400] or type(error).__name__


def _read(connection: _Connection, service: Service, layer: str | None, window: Window) -> Served:
    connection.read_only = True
    connection.execute(f"SET statement_timeout = {STATEMENT_S * 1000}".encode())
    postgis = _postgis(connection, service)
    table = _table(connection, service, postgis, layer)
    table = replace(table, srid=table.srid or _srid_of_rows(connection, service, postgis, table))
    crs = _crs(connection, service, postgis, table.srid)
    columns = _columns(connection, table)
    numbers = _numbers(connection, table, columns)
    meets = _meets(table, postgis, window.bounds_in(crs))
    rows = _rows(connection, _query(table, postgis, columns, numbers, meets))
    if numbers:
        _count_shared(connection, table, meets)
    frame = _frame(rows, [*columns, *numbers], crs)
    return Served(frame, table.name, POSTGIS, title=_title(connection, table))


def _title(connection: _Connection, table: Table) -> str:
    """Return the comment on a table, or its name."""
    named = [table.identifier.as_string(connection)]
    row = connection.execute("SELECT obj_description(%s::regclass, 'pg_class')", named).fetchone()
    return str(row[0]) if row and row[0] else table.name


def _postgis(connection: _Connection, service: Service) -> str:
    """Return the schema that PostGIS is installed in."""
    row = connection.execute(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = 'postgis'"
    ).fetchone()
    if row is None:
        raise InputError(
            f"{service.told}: the database has no PostGIS",
            hint="Check the name of the database in the address.",
        )
    return str(row[0])


def _table(connection: _Connection, service: Service, postgis: str, layer: str | None) -> Table:
    """Find a table by its name, in whatever schema: dumps call theirs anew each time."""
    query = sql.SQL(
        "SELECT f_table_schema, f_table_name, f_geometry_column, srid, type FROM {} "
        "WHERE %(schema)s::text IS NULL OR f_table_schema = %(schema)s ORDER BY 1, 2, 3"
    ).format(sql.Identifier(postgis, "geometry_columns"))
    rows = connection.execute(query, {"schema": service.own.get("schema")}).fetchall()
    found: dict[str, list[Table]] = {}
    for schema, name, geometry, srid, kind in rows:
        table = Table(
            schema, name, geometry, srid, str(kind).upper().removesuffix("M").removesuffix("Z")
        )
        found.setdefault(f"{schema}.{name}", []).append(table)
    named = [full for full, tables in found.items() if tables[0].name == layer]
    if len(named) > 1:
        raise InputError(
            f"{service.told}: there are {len(named)} tables '{layer}'",
            hint=f"Set `layer` under {service.key} to one of: {', '.join(named)}.",
        )
    return _choose_geometry(service, choose(service, found, named[0] if named else layer))


def _choose_geometry(service: Service, tables: list[Table]) -> Table:
    """Return the table with its surfaces: a parcel is its polygon, not the point in it."""

    def rank(table: Table) -> int:
        if table.kind in _SURFACES:
            return 3
        return 2 if table.kind in _ANY else 0 if table.kind in _POINTS else 1

    best = [table for table in tables if rank(table) == max(map(rank, tables))]
    if len(best) > 1:
        raise InputError(
            f"{service.told}: table '{best[0].schema}.{best[0].name}' has several geometries: "
            + ", ".join(table.geometry for table in best),
            hint="Make a view with the one that is meant.",
        )
    return best[0]


def _srid_of_rows(connection: _Connection, service: Service, postgis: str, table: Table) -> int:
    """Return the CRS that all rows of a table share which does not state one itself."""
    query = sql.SQL("SELECT DISTINCT {}({}) FROM {} WHERE {} IS NOT NULL LIMIT 2").format(
        sql.Identifier(postgis, "st_srid"),
        sql.Identifier(table.geometry),
        table.identifier,
        sql.Identifier(table.geometry),
    )
    found = [int(row[0]) for row in connection.execute(query)]
    if len(found) != 1 or found[0] == 0:
        raise InputError(
            f"{service.told}: table '{table.schema}.{table.name}' does not say in which CRS it is, "
            f"and its rows name {'none' if not any(found) else 'several'}",
            hint="Give the geometry its SRID (UpdateGeometrySRID), or save the layer as a file.",
        )
    return found[0]


def _crs(connection: _Connection, service: Service, postgis: str, srid: int) -> pyproj.CRS:
    query = sql.SQL("SELECT auth_name, auth_srid, srtext FROM {} WHERE srid = %s").format(
        sql.Identifier(postgis, "spatial_ref_sys")
    )
    name, code, text = connection.execute(query, [srid]).fetchone() or (None, None, None)
    for known in (f"{name}:{code}" if name and code else None, text):
        try:
            if known:
                return pyproj.CRS.from_user_input(known)
        except CRSError:
            continue
    raise refused(service, f"its CRS {srid} is not known")


def _columns(connection: _Connection, table: Table) -> list[Column]:
    """Return the columns in a form that a GeoPackage can hold; binary ones are left out."""
    columns, left_out = [], []
    for name, kind in _types(connection, table.schema, table.name):
        if kind.rpartition(".")[2] in _LEFT_OUT:
            left_out += [f"{name} ({kind})"] * (name != table.geometry)
            continue
        asked, becomes = _ARRAY if kind.endswith("[]") else _KINDS.get(kind, _TEXT)
        columns.append(Column(name, sql.SQL(asked).format(sql.Identifier("t", name)), becomes))
    if left_out:
        log.warning(
            "%s.%s: left out, as they are no attributes: %s",
            table.schema,
            table.name,
            ", ".join(left_out),
        )
    return columns


def _types(connection: _Connection, schema: str, name: str) -> list[tuple[str, str]]:
    """Return the columns of a table with their types; a domain is what it is made of."""
    rows = connection.execute(
        "SELECT a.attname, format_type(COALESCE(NULLIF(t.typbasetype, 0), a.atttypid), NULL) "
        "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
        "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped "
        "ORDER BY a.attnum",
        [schema, name],
    )
    return [(str(column), str(kind)) for column, kind in rows]


def _numbers(connection: _Connection, table: Table, columns: Sequence[Column]) -> list[Column]:
    """Return the cadastral numbers that a dump keeps in the table of units beside its parcels."""
    own = {column.name for column in columns}
    if table.name != "teig" or "teigid" not in own or "gardsnummer" in own:
        return []
    beside = dict(_types(connection, table.schema, "matrikkelenhet"))
    if "teig_fk" not in beside or "gardsnummer" not in beside:
        return []
    return [
        Column(name, sql.SQL(asked).format(sql.Identifier("m", name)), becomes)
        for name in _CADASTRE
        if name in beside and name not in own
        for asked, becomes in [_KINDS.get(beside[name], _TEXT)]
    ]


def _meets(table: Table, postgis: str, bounds: Bounds) -> sql.Composed:
    """Return the condition, numbers and all: beside parameters no name may hold a per cent sign."""
    return sql.SQL("{} OPERATOR({}.&&) {}({})").format(
        sql.Identifier("t", table.geometry),
        sql.Identifier(postgis),
        sql.Identifier(postgis, "st_makeenvelope"),
        sql.SQL(", ").join(map(sql.Literal, [*bounds, table.srid])),
    )


def _query(
    table: Table,
    postgis: str,
    columns: Sequence[Column],
    numbers: Sequence[Column],
    meets: sql.Composed,
) -> sql.Composed:
    """Return the query; of several units of one parcel it takes the first by number."""
    shape = sql.SQL("{}({}({}))").format(
        sql.Identifier(postgis, "st_asbinary"),
        sql.Identifier(postgis, "st_curvetoline"),
        sql.Identifier("t", table.geometry),
    )
    query = sql.SQL("SELECT {} FROM {} t").format(
        sql.SQL(", ").join([shape, *(column.asked for column in [*columns, *numbers])]),
        table.identifier,
    )
    if numbers:
        order = [sql.Identifier(column.name) for column in numbers]
        query += sql.SQL(
            " LEFT JOIN (SELECT DISTINCT ON (teig_fk::text) teig_fk::text AS of_teig, {} FROM {} "
            "WHERE teig_fk::text IN (SELECT t.teigid::text FROM {} t WHERE {}) "
            "ORDER BY teig_fk::text, {}) m ON m.of_teig = t.teigid::text"
        ).format(
            sql.SQL(", ").join(order),
            sql.Identifier(table.schema, "matrikkelenhet"),
            table.identifier,
            meets,
            sql.SQL(", ").join(order),
        )
    return query + sql.SQL(" WHERE ") + meets


def _rows(connection: _Connection, query: sql.Composed) -> list[TupleRow]:
    """Read the rows in batches, so that the server does not build them all at once."""
    with connection.cursor("arealstrategi") as cursor:
        cursor.itersize = BATCH
        cursor.execute(query)
        return list(cursor)


def _count_shared(connection: _Connection, table: Table, meets: sql.Composed) -> None:
    query = sql.SQL(
        "SELECT count(*) FROM (SELECT 1 FROM {} WHERE teig_fk::text IN "
        "(SELECT t.teigid::text FROM {} t WHERE {}) GROUP BY teig_fk HAVING count(*) > 1) shared"
    ).format(sql.Identifier(table.schema, "matrikkelenhet"), table.identifier, meets)
    row = connection.execute(query).fetchone()
    if row and row[0]:
        log.warning(
            "%s.%s: parcels of several cadastral units, each with the first by number: %d",
            table.schema, table.name, row[0],
        )  # fmt: skip


def _frame(rows: list[TupleRow], columns: Sequence[Column], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    shapes, *values = zip(*rows, strict=True) if rows else ([] for _ in range(len(columns) + 1))
    attributes = {
        column.name: _series(some, column.becomes)
        for column, some in zip(columns, values, strict=True)
    }
    return gpd.GeoDataFrame(
        attributes, geometry=shapely.from_wkb(list(shapes)), crs=crs, index=range(len(rows))
    )


def _series(values: Iterable[Any], becomes: str) -> pd.Series:
    if becomes == "date":  # without an end ("infinity") is without a date
        return pd.to_datetime(
            pd.Series(list(values), dtype=object), errors="coerce", format="ISO8601"
        )
    return pd.Series(list(values), dtype=becomes)
